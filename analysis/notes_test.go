package analysis_test

import (
	"slices"
	"testing"

	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/internal/capgen"
)

// TestNotesOfCopies: what is odd about a copy, or missing of it, is counted of the message alone.
func TestNotesOfCopies(t *testing.T) {
	for _, c := range []struct {
		ladder string
		want   []analysis.Note
	}{
		{"0 A > B  OPTIONS\n  Max-Forwards: 70\n+.001 A > B OPTIONS again copy\n", []analysis.Note{{ID: "header-duplicate", Count: 1, Frame: 1}, {ID: "packet-copy", Count: 1, Frame: 2}}},
		{"0 A > B  OPTIONS pad=200\n+.001 A > B OPTIONS again copy snap=400\n", []analysis.Note{{ID: "packet-copy", Count: 1, Frame: 2}}},
		{"0 A > B  OPTIONS pad=200 snap=400\n+.001 A > B OPTIONS again copy\n", []analysis.Note{
			{ID: "header-unterminated", Count: 1, Frame: 1}, {ID: "message-partial", Count: 1, Frame: 1},
			{ID: "packet-cut", Count: 1, Frame: 1},
		}},
	} {
		var l capgen.Ladder
		res := run(t, l.Pcap("A = 10.0.0.1:5060\nB = 10.0.0.2:5060\n"+c.ladder))
		if got := res.Files[0].Notes; !slices.Equal(got, c.want) {
			t.Errorf("%s: notes %v, want %v", c.ladder, got, c.want)
		}
	}
}
