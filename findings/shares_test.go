package findings_test

import (
	"strings"
	"testing"

	"github.com/sipsight/sipsight/internal/capgen"
)

// TestShares: what hosts added to the delay of a call adds up to it.
func TestShares(t *testing.T) {
	const hosts = "A = 10.0.0.1:5060\nP = 10.0.0.9:5060\nQ = 10.0.0.8:5060\nB = 10.0.0.2:5060\nC = 10.0.0.3:5060\n"
	for _, c := range []struct {
		ladder, want string
		tcp          bool
	}{
		{"0 A > P INVITE\n2 P > Q INVITE\n3 Q > B INVITE\n15 B > Q 180\n15.5 Q > P 180\n16 P > A 180\n",
			"15.0 s from the INVITE to 180, 183 or the final response; 10.0.0.9:5060 added 2.00 s; 10.0.0.8:5060 added 1.00 s; 10.0.0.2:5060 added 12.0 s", false},
		{"0 A > P INVITE\n1 P > B INVITE\n3 P > C INVITE br=other\n11 B > P 486\n11 P > B ACK\n14 C > P 180\n14 P > A 180\n",
			"10.0.0.9:5060 added 1.00 s; 10.0.0.2:5060 added 10.0 s; 10.0.0.3:5060 added 11.0 s", false}, // of these two 2 s at once
		{"0 A > P INVITE\n1 P > B INVITE\n20 P > A 408\n", "10.0.0.9:5060 added 1.00 s", false},                                              // B never says anything
		{"0 A > P INVITE\n.1 P > A 401\n.1 A > P ACK\n.2 A > P INVITE\n15 P > A 180\n", "final response; 10.0.0.9:5060 added 14.9 s", false}, // it asks for credentials first
		{"0 A > P INVITE\n1 P > Q INVITE br=x1\n1 P > B INVITE br=x2\n2 Q > C INVITE br=y1\n2 B > C INVITE br=y2\n15 C > Q 180 tt=t1\n15 C > B 180 tt=t2\n15 Q > P 180 tt=t1\n15 P > A 180 tt=t1\n",
			"10.0.0.8:5060 added 1.00 s; 10.0.0.3:5060 added 13.0 s", false}, // C gets two of one call at once
		{"0 A > P INVITE\n1 P > B INVITE\n20 P > A 180\n21 P > A 200\n", "10.0.0.9:5060 added 1.00 s; 10.0.0.2:5060 did not answer", true},
		{"0 A > P INVITE\n1 P > B INVITE\n20 B > P 180 unseen\n20 P > A 180\n21 B > P 200 unseen\n21 P > A 200\n21 A > P ACK\n21 P > B ACK\n", "10.0.0.9:5060 added 1.00 s", true}, // one direction
		{"0 A > P INVITE\n1 P > B INVITE br=1\n2 P > B INVITE br=2\n13 B > P 180\n -Via\n Via: SIP/2.0/UDP 10.0.0.9;branch=z9hG4bK1\n Via: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bK0001\n13 B > P 180\n13 P > A 180\n",
			"; 10.0.0.9:5060 added 1.00 s; 10.0.0.2:5060 added 12.0 s", false}, // two contacts at one address
	} {
		l := capgen.Ladder{TCP: c.tcp}
		list, _ := told(t, l.Packets(hosts+c.ladder))
		said := ""
		for _, f := range list {
			if f.ID == "slow-setup" {
				said = f.Observed
			}
		}
		if !strings.HasSuffix(said, c.want) {
			t.Errorf("%q\nwant %q", said, c.want)
		}
	}
}
