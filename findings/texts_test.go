package findings_test

import (
	"strings"
	"testing"

	"github.com/sipsight/sipsight/internal/capgen"
)

// TestTexts: what was sent once has no span of time, and one is one.
func TestTexts(t *testing.T) {
	digit := "0 A > B INVITE sdp m=4000 codecs=0,101\n1 B > A 200 sdp m=5000 codecs=0,101\n+.1 A > B ACK\n+.1 A:4000 > B:5000 EVENT pt=101 n=6 ends=0 key=5\n"
	for _, c := range []struct{ id, ladder, want string }{
		{"missing-ack-2xx", "0 A > B INVITE\n1 B > A 200\n60 B > A OPTIONS id=o new\n+.1 A > B 200\n", "200 sent once, no ACK with CSeq 1; its Contact is where it came from"},
		{"missing-ack-2xx", "0 A > B INVITE\n1 B > A 200\n1.5 B > A 200 again\n60 B > A OPTIONS id=o new\n+.1 A > B 200\n", "200 sent 2 times over 500 ms, no ACK with CSeq 1; its Contact is where it came from"},
		{"missing-ack-2xx", "0 A > B INVITE\n1 B > A 200\n     -Contact\n     Contact: <sip:bob@pbx.example:5070>\n60 B > A OPTIONS id=o new\n+.1 A > B 200\n", "200 sent once, no ACK with CSeq 1; its Contact is the name «pbx.example»"},
		{"offer-without-answer", "0 A > B INVITE sdp\n1 B > A 200 sdp\n+.1 A > B ACK\n5 A > B INVITE sdp\n5.304481 A > B INVITE sdp br=two\n+.1 B > A 500 br=two\n     Retry-After: 5\n+.1 A > B ACK br=two\n6 B > A 200 sdp of=INVITE/2\n+.1 A > B ACK cseq=2 br=three\n", "INVITE with an offer 304 ms after the INVITE with another one, which is not answered yet"},
		{"dtmf-mismatch", digit + "9 A > B BYE\n+.1 B > A 200\n", "the only telephone event of the caller has no packet with the end bit"},
		{"dtmf-mismatch", digit + "3 A:4000 > B:5000 EVENT pt=101 seq=51 n=6 ends=0 key=6\n9 A > B BYE\n+.1 B > A 200\n", "none of the 2 telephone events of the caller has the end bit"},
		{"one-way-audio", "C = 10.0.0.3:5060\n0 A > B INVITE sdp m=4000\n+.01 B > C INVITE sdp m=6000\n1 C > B 200 sdp m=5000\n+.01 B > A 200 sdp m=7000\n+.01 A > B ACK\n+.01 B > C ACK\n" +
			"+.1 C:5000 > B:6000 RTP n=300 ssrc=3\n+.001 A:4000 > B:7000 RTP n=300 ssrc=2\n+.001 B:6000 > C:5000 RTP n=300 ssrc=2\n9 A > B BYE\n+.01 B > C BYE\n+.01 C > B 200\n+.01 B > A 200\n",
			"the caller sends RTP to 10.0.0.2:7000, and no stream of the called side is seen in 8.00 s of talk on this hop; on another one it sends to 10.0.0.2:6000"},
	} {
		var l capgen.Ladder
		list, _ := told(t, l.Packets(twoHosts+c.ladder))
		var got []string
		for _, f := range list {
			if f.ID == c.id {
				got = append(got, f.Observed)
			}
		}
		if s := strings.Join(got, "\n"); s != c.want {
			t.Errorf("observed %q, want %q", s, c.want)
		}
	}
}
