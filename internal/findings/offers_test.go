package findings_test

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/capture"
	"github.com/sipsight/sipsight/internal/capgen"
	"github.com/sipsight/sipsight/internal/findings"
)

// Of several streams that one is named which the called side does not have, and no reason is given
// where it has them all.
func TestRefusedStream(t *testing.T) {
	for _, c := range []struct{ name, refusal, observed, because string }{
		{"no video", "m=audio 0 RTP/AVP 0 8", "to video stream 2 over «RTP/AVP» with «H263»; it describes no video", "the called side has no video"},
		{"another codec of video", "m=audio 0 RTP/AVP 0 8\nm=video 0 RTP/AVP 31", "to video stream 2 over «RTP/AVP» with «H263»; it supports «H261» over «RTP/AVP»; in common: nothing", "the called side has none of the codecs or transports offered"},
		{"another codec of audio", "m=audio 0 RTP/AVP 3\nm=video 0 RTP/AVP 34", "to audio stream 1 over «RTP/AVP» with «PCMU, telephone-event»; it supports «GSM» over «RTP/AVP»; in common: nothing", "the called side has none of the codecs or transports offered"},
		{"another transport", "m=audio 0 RTP/SAVP 0\nm=video 0 RTP/AVP 34", "to audio stream 1 over «RTP/AVP» with «PCMU, telephone-event»; it supports «PCMU» over «RTP/SAVP»; in common: «PCMU»", "the called side has none of the codecs or transports offered"},
		{"everything", "m=audio 0 RTP/AVP 0\nm=video 0 RTP/AVP 34", "to audio stream 1 over «RTP/AVP» with «PCMU, telephone-event»; it supports «PCMU» over «RTP/AVP»; in common: «PCMU»", ""},
		{"nothing said", "", "to audio stream 1 over «RTP/AVP» with «PCMU, telephone-event»; what it supports it does not say", "the called side has none of the codecs or transports offered"},
	} {
		ladder := twoHosts + "0 A > B INVITE sdp\n | m=video 6000 RTP/AVP 34\n+.1 B > A 488"
		if c.refusal != "" {
			ladder += "\n Content-Type: application/sdp\n | v=0\n | o=- 1 1 IN IP4 10.0.0.2\n | s=-\n | c=IN IP4 10.0.0.2\n | t=0 0"
			for line := range strings.SplitSeq(c.refusal, "\n") {
				ladder += "\n | " + line
			}
		}
		var l capgen.Ladder
		r, err := capture.NewReader(context.Background(), bytes.NewReader(l.Pcap(ladder+"\n+.1 A > B ACK\n")), capture.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		collector := findings.New()
		res, err := analysis.Run(context.Background(), r, collector.Options(analysis.Options{}))
		if err != nil {
			t.Fatal(err)
		}
		observed := ""
		for _, f := range collector.Finish(res) {
			if f.ID == "codec-488" {
				observed += f.Observed
			}
		}
		if want := "10.0.0.2:5060 answers 488 " + c.observed; observed != want {
			t.Errorf("%s: observed %q, want %q", c.name, observed, want)
		}
		if got := res.Calls.Remarks(1).Because; got != c.because {
			t.Errorf("%s: because %q, want %q", c.name, got, c.because)
		}
	}
}
