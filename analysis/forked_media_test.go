package analysis_test

import (
	"testing"

	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/internal/capgen"
)

// TestForkedDescriptions: of the phones of a fork that which answers has the last word, with what it said before the other one rang.
func TestForkedDescriptions(t *testing.T) {
	res := analyze(t, capgen.Ladder{}, `
		0    A > P INVITE sdp
		+.1  P > B INVITE sdp
		+.1  P > C INVITE sdp
		1    B > P 183 sdp c=10.0.0.2 m=5000
		+.1  P > A 183 sdp c=10.0.0.2 m=5000
		2    C > P 183 sdp c=10.0.0.3 m=6000 tt=c3
		+.1  P > A 183 sdp c=10.0.0.3 m=6000 tt=c3
		3    B > P 200 sdp c=10.0.0.2 m=5000
		+.1  P > A 200 sdp c=10.0.0.2 m=5000`)
	for _, l := range res.Calls.At(0).First().Media.Lines {
		if l.Side == analysis.Callee && l.Addr.String() != "10.0.0.2:5000" {
			t.Errorf("the called side wants its media at %s", l.Addr)
		}
	}
}
