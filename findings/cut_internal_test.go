package findings

import (
	"testing"

	"github.com/sipsight/sipsight/analysis"
)

// TestTornIsNotCounted: a finding that rests on a message that lacks segments is dropped, and its leg counts for no site pattern.
func TestTornIsNotCounted(t *testing.T) {
	for id, want := range map[string]int{"torn@example": 0, "whole@example": 1} { // whose messages end in one packet
		c := New()
		c.cut.message(analysis.LostSegments, "torn@example", analysis.Frame{Number: 7})
		f := Finding{Severity: Error, Frames: []analysis.Frame{{Number: 7}}}

		r := legRun{run: run{c, missingAck2xx}, Detail: &analysis.Detail{Leg: &analysis.Leg{CallID: id}}}
		r.report(f)
		if got := toInt(r.fired[Error]); got != want {
			t.Errorf("%s: it fired %d times on a leg, want %d", id, got, want)
		}
		end := captureRun{run{c, missingAck2xx}, &analysis.Result{}}
		end.reportOf(1, id, f)
		if got := c.count[missingAck2xx.ID].fired[Error]; got != want {
			t.Errorf("%s: it fired %d times at the end, want %d", id, got, want)
		}
		if len(c.found) != 2*want {
			t.Errorf("%s: %d findings, want %d", id, len(c.found), 2*want)
		}
	}
}
