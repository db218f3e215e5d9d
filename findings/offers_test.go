package findings_test

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/capture"
	"github.com/sipsight/sipsight/findings"
	"github.com/sipsight/sipsight/internal/capgen"
)

// TestRefusedElsewhere: where a refusal says nothing of codecs, shown is what its host answers in other calls, earlier or later, and what
// it offers where it answers none.
func TestRefusedElsewhere(t *testing.T) {
	const refused = "\n40 A > B INVITE new id=r codecs=18 sdp\n+.1 B > A 488\n+.1 A > B ACK id=r"
	const over = " over «RTP/AVP» in call-"
	answers := func(at int, id, from, codecs string) string {
		return fmt.Sprintf("\n%d %s > B INVITE new id=%s sdp codecs=0,8,18\n+.1 B > %s 200 sdp codecs=%s\n+.1 %s > B ACK id=%s\n+2 %s > B BYE id=%s\n+.1 B > %s 200", at, from, id, from, codecs, from, id, from, id, from)
	}
	offers := "\n20 B > A INVITE new id=o sdp codecs=0,101\n+.1 A > B 486\n+.1 B > A ACK id=o"
	for _, c := range []struct{ name, ladder, observed, because string }{
		{"answered before", answers(0, "a", "C", "8,101") + refused, "; for audio it answers «PCMA»" + over + "1; in common: nothing", "the called side has none of the codecs or transports offered"},
		{"answered behind it", refused + answers(60, "a", "A", "8"), "; for audio it answers «PCMA»" + over + "2; in common: nothing", "the called side has none of the codecs or transports offered"},
		{"answered twice", answers(0, "a", "C", "8") + answers(10, "b", "C", "0") + refused, "; for audio it answers «PCMA, PCMU»" + over + "1; in common: nothing", "the called side has none of the codecs or transports offered"},
		{"answered with what is offered", answers(0, "a", "C", "18") + refused, "; for audio it answers «G729»" + over + "1; in common: «G729»", ""},
		{"offered", offers + refused, "; for audio it offers «PCMU»" + over + "1; in common: nothing", "the called side has none of the codecs or transports offered"},
		{"offered and answered", answers(0, "a", "C", "8") + offers + refused, "; for audio it answers «PCMA»" + over + "1; in common: nothing", "the called side has none of the codecs or transports offered"},
		{"of others", strings.ReplaceAll(answers(0, "a", "C", "8"), "B", "A") + refused, "; what it supports it does not say", "the called side has none of the codecs or transports offered"},
	} {
		ladder := strings.Replace(twoHosts, "A =", "C = 10.0.0.3:5060\nA =", 1) + c.ladder + "\n"
		observed, res := refusals(t, ladder)
		if want := "10.0.0.2:5060 answers 488 to audio stream 1 over «RTP/AVP» with «G729»" + c.observed; observed != want {
			t.Errorf("%s: observed %q, want %q", c.name, observed, want)
		}
		because := ""
		for call := range res.Calls.All() {
			if call.Legs[0].CallID == "r" {
				because = call.Because
			}
		}
		if because != c.because {
			t.Errorf("%s: because %q, want %q", c.name, because, c.because)
		}
	}
}

// refusals returns what codec-488 observes in a ladder.
func refusals(t *testing.T, ladder string) (observed string, res *analysis.Result) {
	t.Helper()
	var l capgen.Ladder
	r, err := capture.NewReader(context.Background(), bytes.NewReader(l.Pcap(ladder)), capture.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	collector := findings.New()
	res, err = analysis.Run(context.Background(), r, collector.Options(analysis.Options{}))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range collector.Finish(res) {
		if f.ID == "codec-488" {
			observed += f.Observed
		}
	}
	return observed, res
}

// Of several streams that one is named which the called side does not have, and no reason is given
// where it has them all.
func TestRefusedStream(t *testing.T) {
	for _, c := range []struct{ name, refusal, observed, because string }{
		{"no video", "m=audio 0 RTP/AVP 0 8", "to video stream 2 over «RTP/AVP» with «H263», beside audio stream 1 over «RTP/AVP» with «PCMU, telephone-event»; it describes no video", "the called side has no video"},
		{"another codec of video", "m=audio 0 RTP/AVP 0 8\nm=video 0 RTP/AVP 31", "to video stream 2 over «RTP/AVP» with «H263», beside audio stream 1 over «RTP/AVP» with «PCMU, telephone-event»; of video it supports «H261» over «RTP/AVP»; in common: nothing", "the called side has none of the codecs or transports offered"},
		{"another codec of audio", "m=audio 0 RTP/AVP 3\nm=video 0 RTP/AVP 34", "to audio stream 1 over «RTP/AVP» with «PCMU, telephone-event», beside video stream 2 over «RTP/AVP» with «H263»; of audio it supports «GSM» over «RTP/AVP»; in common: nothing", "the called side has none of the codecs or transports offered"},
		{"another transport", "m=audio 0 RTP/SAVP 0\nm=video 0 RTP/AVP 34", "to audio stream 1 over «RTP/AVP» with «PCMU, telephone-event», beside video stream 2 over «RTP/AVP» with «H263»; of audio it supports «PCMU» over «RTP/SAVP»; in common: «PCMU»", "the called side has none of the codecs or transports offered"},
		{"everything", "m=audio 0 RTP/AVP 0\nm=video 0 RTP/AVP 34", "to audio stream 1 over «RTP/AVP» with «PCMU, telephone-event», beside video stream 2 over «RTP/AVP» with «H263»; of audio it supports «PCMU» over «RTP/AVP»; in common: «PCMU»", ""},
		{"nothing said", "", "to audio stream 1 over «RTP/AVP» with «PCMU, telephone-event», beside video stream 2 over «RTP/AVP» with «H263»; what it supports it does not say", "the called side has none of the codecs or transports offered"},
	} {
		ladder := twoHosts + "0 A > B INVITE sdp\n | m=video 6000 RTP/AVP 34\n+.1 B > A 488"
		if c.refusal != "" {
			ladder += "\n Content-Type: application/sdp\n | v=0\n | o=- 1 1 IN IP4 10.0.0.2\n | s=-\n | c=IN IP4 10.0.0.2\n | t=0 0"
			for line := range strings.SplitSeq(c.refusal, "\n") {
				ladder += "\n | " + line
			}
		}
		observed, res := refusals(t, ladder+"\n+.1 A > B ACK\n")
		if want := "10.0.0.2:5060 answers 488 " + c.observed; observed != want {
			t.Errorf("%s: observed %q, want %q", c.name, observed, want)
		}
		if got := res.Calls.Remarks(1).Because; got != c.because {
			t.Errorf("%s: because %q, want %q", c.name, got, c.because)
		}
	}
}
