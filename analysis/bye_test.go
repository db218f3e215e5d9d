package analysis_test

import (
	"testing"

	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/internal/capgen"
)

// TestByeRefused: a BYE that was refused is told unless one was accepted.
func TestByeRefused(t *testing.T) {
	const answered = `
		0   A > P INVITE
		+.1 P > B INVITE
		+.1 B > P 200
		+.1 P > A 200
		+.1 A > P ACK
		+.1 P > B ACK`
	const call = answered + "\n5 A > P BYE"
	for _, tt := range []struct {
		name, ladder string
		refused      int
	}{
		{"refused by the proxy", call + "\n+.1 P > A 403", 403},
		{"tried again", call + "\n+.1 P > A 407\n+.1 A > P BYE cseq=3\n+.1 P > A 200", 0},
		{"accepted", call + "\n+.1 P > B BYE\n+.1 B > P 200\n+.1 P > A 200", 0},
		{"of no dialog of it", answered + "\n2 D > P BYE ft=x tt=y cseq=9\n+.1 P > D 403\n5 A > P BYE cseq=2", 0},
		{"crossed with another one", call + "\n+.1 P > A 200\n+.1 P > A BYE\n+.1 A > P 481", 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := analyze(t, capgen.Ladder{}, tt.ladder).Calls.At(0).First().ByeRefused; got != tt.refused {
				t.Errorf("%d in place of %d", got, tt.refused)
			}
		})
	}
}

// TestEndedBetween: a server that sends a BYE to both sides ends the call, and neither of them; it does not where it passes on what they send.
func TestEndedBetween(t *testing.T) {
	const answered = `
		0   A > P INVITE
		+.1 P > B INVITE
		+.1 B > P 200
		+.1 P > A 200
		+.1 A > P ACK
		+.1 P > B ACK
		`
	for _, tt := range []struct {
		name, ladder string
		by           analysis.Party
	}{
		{"to the caller first", "9 P > A BYE\n9 P > B BYE fwd=no by=caller\n+.1 A > P 200\n+.1 B > P 200", analysis.Server},
		{"to the called side first", "9 P > B BYE fwd=no\n9 P > A BYE by=callee fwd=no\n+.1 A > P 200\n+.1 B > P 200", analysis.Server},
		{"passed on", "9 A > P BYE\n+.1 P > B BYE\n+.1 B > P 200\n+.1 P > A 200", analysis.Caller},
		{"both hang up", "9 A > P BYE\n9 B > P BYE by=callee\n+.1 P > B BYE\n+0 P > A BYE by=callee", analysis.Caller},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := analyze(t, capgen.Ladder{}, answered+tt.ladder).Calls.At(0).First().EndedBy; got != tt.by {
				t.Errorf("%s in place of %s", got, tt.by)
			}
		})
	}
}
