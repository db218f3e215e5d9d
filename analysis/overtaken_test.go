package analysis_test

import (
	"testing"

	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/internal/capgen"
)

// TestOvertaken: a message of which later fragments are missing takes its place among the others of its call as soon as one of these
// shows that it was sent as a whole.
func TestOvertaken(t *testing.T) {
	for _, tt := range []struct {
		name, ladder string
		state        analysis.State
		messages     int
	}{
		{"answered", `
			0    A > B INVITE pad=1500 frag=1480 lose=1
			+.01 B > A 100
			+1   B > A 486
			+.01 A > B ACK
			50   C > D OPTIONS id=other
			90   C > D OPTIONS id=another`, analysis.StateFailed, 4},
		{"sent again", `
			0    A > B INVITE pad=1500 frag=1480 lose=1
			0.5  A > B INVITE again frag=1480 lose=1
			1.5  A > B INVITE again frag=1480 lose=1
			1.6  B > A 486
			+.01 A > B ACK
			50   C > D OPTIONS id=other
			90   C > D OPTIONS id=another`, analysis.StateFailed, 5},
		{"an answer that is acknowledged", `
			0    A > B INVITE
			1    B > A 200 pad=1500 frag=1480 lose=1
			+.01 A > B ACK
			5    A > B BYE
			+.01 B > A 200
			50   C > D OPTIONS id=other
			90   C > D OPTIONS id=another`, analysis.StateCompleted, 5},
	} {
		t.Run(tt.name, func(t *testing.T) {
			res := analyze(t, capgen.Ladder{}, tt.ladder)
			if res.Calls.Len() != 1 {
				t.Fatalf("%d calls", res.Calls.Len())
			}
			if l := res.Calls.At(0).First(); l.State != tt.state || l.Messages != tt.messages || l.Begin.Sub(res.Start) != 0 || l.Invited.IsZero() {
				t.Errorf("%s", describe(res.Calls.At(0)))
			}
		})
	}
}
