package findings

import (
	"bytes"
	"context"
	"path/filepath"
	"testing"

	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/capture"
	"github.com/sipsight/sipsight/internal/capgen"
)

// deadContact is a call whose 2xx is repeated to the end, since its ACK goes where the Contact says.
const deadContact = `
		0    A > B INVITE
		1    B > A 200
		     -Contact
		     Contact: <sip:b@10.0.0.3>
		+.01 A > C ACK
		1.5  B > A 200 again
		+.01 A > C ACK again
		2.5  B > A 200 again
		+.01 A > C ACK again
		4.5  B > A 200 again
		8.5  B > A 200 again
		12.5 B > A 200 again
		16.5 B > A 200 again
		20.5 B > A 200 again
		24.5 B > A 200 again
		28.5 B > A 200 again`

// nobodyBehind is a call of which a server gets no answer from the next host.
const nobodyBehind = `
		0    A > B INVITE
		+.01 B > A 100
		+.01 B > C INVITE
		0.52 B > C INVITE again
		1.52 B > C INVITE again
		3.52 B > C INVITE again
		7.52 B > C INVITE again
		15.52 B > C INVITE again
		31.52 B > C INVITE again`

// wrongPasswords is one whose credentials are challenged again and again.
const wrongPasswords = `
		0    A > B INVITE
		+.1  B > A 407
		     Proxy-Authenticate: Digest realm="r", nonce="n1", qop="auth"
		+.1  A > B ACK
		1    A > B INVITE
		     Proxy-Authorization: Digest username="a", realm="r", nonce="n1", uri="sip:b@h", qop=auth, nc=00000001, cnonce="c", response="0123456789abcdef"
		+.1  B > A 407
		     Proxy-Authenticate: Digest realm="r", nonce="n2", qop="auth"
		+.1  A > B ACK
		2    A > B INVITE
		     Proxy-Authorization: Digest username="a", realm="r", nonce="n2", uri="sip:b@h", qop=auth, nc=00000001, cnonce="c", response="0123456789abcdef"
		+.1  B > A 407
		     Proxy-Authenticate: Digest realm="r", nonce="n3", qop="auth"
		+.1  A > B ACK
		3    A > B INVITE
		     Proxy-Authorization: Digest username="a", realm="r", nonce="n3", uri="sip:b@h", qop=auth, nc=00000001, cnonce="c", response="0123456789abcdef"`

// noCodecBehind is one of which a back-to-back user agent is refused for its codecs.
const noCodecBehind = `
		0    A > B INVITE id=outer@example sdp
		     Session-ID: ab30317f1a784dc48ff824d0d3715d86
		+.01 B > C INVITE id=inner@example sdp fwd=no
		     Session-ID: ab30317f1a784dc48ff824d0d3715d86
		+.1  C > B 488
		+.01 B > C ACK id=inner@example`

// becauses are calls and what their end is put down to, "" for nothing.
var becauses = []struct{ name, ladder, want string }{
	{"the BYE meets a port that is closed", `
		0    A > B INVITE
		1    B > A 200
		+.01 A > B ACK
		9    A > B BYE
		+.01 B > A ICMP`, ""},
	{"the INVITE does", `
		0    A > B INVITE
		+.01 B > A ICMP
		.5   A > B INVITE again
		+.01 B > A ICMP`, "10.0.0.2:5060 cannot be reached (ICMP port unreachable)"},
	{"the ringing does", `
		850  A > B INVITE
		851  B > A 180
		+.01 A > B ICMP`, "10.0.0.1:5060 cannot be reached (ICMP port unreachable)"},
	{"one that was refused for another reason later", `
		0    A > B INVITE
		     Require: foo
		+.1  B > A 420
		     Unsupported: foo
		+.1  A > B ACK
		+.1  A > B INVITE
		3    B > A 486
		+.1  A > B ACK`, ""},
	{"one that was refused for that reason", `
		0    A > B INVITE
		     Require: foo
		+.1  B > A 420
		     Unsupported: foo
		+.1  A > B ACK`, "the caller asked for something that is not supported there (420)"},
	{"one that lacks what the other side requires", `
		0    A > B INVITE
		     Supported: replaces
		+.1  B > A 421
		     Require: timer
		+.1  A > B ACK`, "the caller does not support what is required there (421)"},
	{"one server is silent, the next one reaches a busy phone", `
		0    A > B INVITE
		.5   A > B INVITE again
		1.5  A > B INVITE again
		3.5  A > B INVITE again
		7.5  A > B INVITE again
		15.5 A > B INVITE again
		31.5 A > B INVITE again
		33   A > C INVITE
		34   C > A 486
		+.1  A > C ACK`, ""},
	{"the only one is silent", `
		0    A > B INVITE
		.5   A > B INVITE again
		1.5  A > B INVITE again
		3.5  A > B INVITE again
		7.5  A > B INVITE again
		15.5 A > B INVITE again
		31.5 A > B INVITE again`, "nothing came back from 10.0.0.2:5060"},
	{"a re-INVITE is not answered, and the caller hangs up later", `
		0    A > B INVITE
		1    B > A 200
		+.01 A > B ACK
		5    A > B INVITE
		5.5  A > B INVITE again
		6.5  A > B INVITE again
		8.5  A > B INVITE again
		12.5 A > B INVITE again
		20.5 A > B INVITE again
		36.5 A > B INVITE again
		80   A > B BYE
		+.01 B > A 200 of=BYE`, ""},
	{"the 2xx is never acknowledged, and the call goes on", `
		0    A > B INVITE
		1    B > A 200
		1.5  B > A 200 again
		2.5  B > A 200 again`, "the 2xx was never acknowledged"},
	{"the ACK follows a Contact that nobody is at", deadContact, "the ACK went to 10.0.0.3:5060 and not to 10.0.0.2:5060"},
	{"the ACK follows a Contact that nobody is at, and the called side gives up", deadContact + `
		33   B > A BYE
		+.1  A > B 200`, "the ACK went to 10.0.0.3:5060 and not to 10.0.0.2:5060"},
	{"the 2xx is never acknowledged, and the called side gives up", `
		0    A > B INVITE
		1    B > A 200
		1.5  B > A 200 again
		2.5  B > A 200 again
		4.5  B > A 200 again
		8.5  B > A 200 again
		16.5 B > A 200 again
		32.5 B > A 200 again
		33   B > A BYE
		+.1  A > B 200 of=BYE`, "the ACK of 10.0.0.1:5060 never came"},
	{"CANCEL and the answer cross, and the call is over for both in the end", `
		0    A > B INVITE
		.1   B > A 180
		2    A > B CANCEL
		2    B > A 200 of=INVITE
		2.1  B > A 200 of=CANCEL
		+.1  A > B ACK
		90   B > A BYE
		+.1  A > B 200 of=BYE`, ""},
	{"the INVITE had no hop left from its sender on", `
		0   A > B INVITE
		    -Max-Forwards
		    Max-Forwards: 0
		+.1 B > A 483
		+.1 A > B ACK`, "its Max-Forwards was used up (483)"},
	{"a server got no answer and says 503", nobodyBehind + `
		33   B > A 503
		+.1  A > B ACK`, "nothing came back from 10.0.0.3:5060"},
	{"a server got no answer and says 480", nobodyBehind + `
		33   B > A 480
		+.1  A > B ACK`, "nothing came back from 10.0.0.3:5060"},
	{"a server got no answer, and somebody else was busy", nobodyBehind + `
		33   B > A 486
		+.1  A > B ACK`, ""},
	{"passwords were refused until the server had enough", wrongPasswords + `
		+.1  B > A 403
		+.1  A > B ACK`, "its credentials were challenged again and again"},
	{"passwords were refused, and then the phone was busy", wrongPasswords + `
		+.1  B > A 486
		+.1  A > B ACK`, ""},
	{"behind a back-to-back user agent no codec was fit", noCodecBehind + `
		+.01 B > A 500 id=outer@example
		+.01 A > B ACK id=outer@example`, "the called side has none of the codecs or transports offered"},
	{"likewise, and it says that the user was busy", noCodecBehind + `
		+.01 B > A 486 id=outer@example
		+.01 A > B ACK id=outer@example`, ""},
	{"the session timer ran out", `
		0    A > B INVITE
		     Session-Expires: 90
		1    B > A 200
		     Session-Expires: 90;refresher=uas
		+.1  A > B ACK
		61.5 A > B BYE
		+.1  B > A 200 of=BYE`, "its session timer of 90 s was not refreshed"},
}

// TestBecause holds what the end of a call is put down to: not to what is wrong with a call that
// came to another end.
func TestBecause(t *testing.T) {
	const hosts = "A = 10.0.0.1:5060\nB = 10.0.0.2:5060\nC = 10.0.0.3:5060\n"
	for _, x := range becauses {
		var l capgen.Ladder
		_, res := investigated(t, l.Pcap(hosts+x.ladder+"\n900 A > C OPTIONS id=late@example\n+.01 C > A 200\n"))
		c := res.Calls.At(0)
		got := c.Because
		if c.Beside && c.First().State == analysis.StateCompleted {
			got = ""
		}
		if got != x.want {
			t.Errorf("%s: because %q, want %q", x.name, got, x.want)
		}
	}
}

// TestBeside holds what is told of a call that was answered, and did not end of it.
func TestBeside(t *testing.T) {
	const answered = `
		0    A > B INVITE
		1    B > A 200
		+.01 A > B ACK`
	for _, x := range []struct {
		name, ladder, want string
		ends               bool // what is told is why the call ended
	}{
		{"nothing is wrong", answered + `
		9    A > B BYE
		+.01 B > A 200 of=BYE`, "", false},
		{"the BYE meets a port that is closed", answered + `
		9    A > B BYE
		+.01 B > A ICMP`, "10.0.0.2:5060 cannot be reached (ICMP port unreachable)", false},
		{"a BYE of no dialog", answered + `
		9    A > B BYE tt=wrong
		+.01 B > A 481 of=BYE`, "its BYE was answered 481", false},
		{"a note", `
		0    A > B INVITE sdp
		1    B > A 200 sdp
		+.01 A > B ACK
		5    A > B INVITE sdp dir=sendonly o=1/2
		+.1  B > A 200 sdp dir=recvonly
		+.1  A > B ACK
		7    A > B INVITE sdp o=1/3
		+.1  B > A 200 sdp
		+.1  A > B ACK
		9    A > B BYE
		+.01 B > A 200 of=BYE`, "", false},
		{"a warning", `
		0    A > B INVITE sdp
		1    B > A 200 sdp
		+.01 A > B ACK
		5    A > B INVITE sdp dir=sendonly o=1/2
		+.1  B > A 200 sdp dir=recvonly
		+.1  A > B ACK
		9    A > B BYE
		+.01 B > A 200 of=BYE`, "it was put on hold and never resumed", false},
		{"a side falls silent that was heard before the answer", `
		0    A > B INVITE sdp m=4000
		1    B > A 183 sdp m=5000
		+.01 B:5000 > A:4000 RTP n=40 ssrc=2
		4    B > A 200 sdp m=5000
		+.01 A > B ACK
		+.01 A:4000 > B:5000 RTP n=200 ssrc=1
		9    A > B BYE
		+.01 B > A 200 of=BYE`, "audio went one way only, with no stream of the called side in 5.00 s of talk", false},
		{"a side that is never heard", `
		0    A > B INVITE sdp m=4000
		4    B > A 200 sdp m=5000
		+.01 A > B ACK
		+.01 A:4000 > B:5000 RTP n=200 ssrc=1
		9    A > B BYE
		+.01 B > A 200 of=BYE`, "audio went one way only, with no stream of the called side in the capture", false},
		{"what explains the end is told in place of what else was wrong", `
		0    A > B INVITE
		     Session-Expires: 90
		1    B > A 200
		     Session-Expires: 90;refresher=uas
		1.5  B > A 200 again
		3    B > A 200 again
		61.5 A > B BYE
		+.1  B > A 200 of=BYE`, "its session timer of 90 s was not refreshed", true},
		{"an answer that is not acknowledged, of a call that ends of itself", `
		0    A > B INVITE
		1    B > A 200
		1.5  B > A 200 again
		2.5  B > A 200 again
		4.5  B > A 200 again
		8.5  B > A 200 again
		9    A > B BYE
		+.1  B > A 200 of=BYE`, "the 2xx was never acknowledged", false},
		{"one that was given up, by a CANCEL that nobody answers", `
		0    A > B INVITE
		+.1  B > A 180
		3    A > B CANCEL
		3.5  A > B CANCEL again
		4.5  A > B CANCEL again
		40   B > A OPTIONS id=alive@example
		+.01 A > B 200`, "its CANCEL was never answered", false},
		{"one that was refused, and whose refusal nobody acknowledges", `
		0    A > B INVITE
		1    B > A 486
		1.5  B > A 486 again
		2.5  B > A 486 again
		4.5  B > A 486 again`, "", false},
	} {
		var l capgen.Ladder
		_, res := investigated(t, l.Pcap("A = 10.0.0.1:5060\nB = 10.0.0.2:5060\nC = 10.0.0.3:5060\n"+x.ladder+"\n900 A > C OPTIONS id=late@example\n+.01 C > A 200\n"))
		c := res.Calls.At(0)
		if c.Because != x.want || c.Beside != (x.want != "" && !x.ends) {
			t.Errorf("%s: %q, beside the end: %v; want %q", x.name, c.Because, c.Beside, x.want)
		}
	}
}

// TestBecauseSays holds that each finding with a cause says of which ends it is one.
func TestBecauseSays(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no cases", err)
	}
	found := 0
	for _, file := range files {
		var l capgen.Ladder
		text, calls := ladderOf(t, file)
		l.Repeat(calls, 100)
		list, _ := investigated(t, l.Pcap(text))
		for _, f := range list {
			if f.Because == "" {
				continue
			}
			found++
			if f.end == 0 || f.end == turnedDown && f.refusal < 300 {
				t.Errorf("%s: %s does not say of which ends «%s» is the cause", file, f.ID, f.Because)
			}
		}
	}
	if found == 0 {
		t.Error("no finding has a cause")
	}
}

// investigated returns the findings of a capture, and what else it holds.
func investigated(t *testing.T, pcap []byte) ([]*Finding, *analysis.Result) {
	t.Helper()
	r, err := capture.NewReader(context.Background(), bytes.NewReader(pcap), capture.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	c := New()
	res, err := analysis.Run(context.Background(), r, c.Options(analysis.Options{Streams: true}))
	if err != nil {
		t.Fatal(err)
	}
	return c.Finish(res), res
}
