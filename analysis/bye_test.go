package analysis_test

import (
	"testing"

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
