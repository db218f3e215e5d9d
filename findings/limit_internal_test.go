package findings

import (
	"testing"

	"github.com/sipsight/sipsight/analysis"
)

// TestLimitOfRule holds that the notes of a rule take no place of its warnings and errors, that what is not kept of these is a
// limit that is told, unless a site pattern counts it, and that of notes nothing is told.
func TestLimitOfRule(t *testing.T) {
	c := New()
	r := captureRun{run{c, overload}, &analysis.Result{}}
	for range maxOfRule + 100 {
		r.report(Finding{Severity: Note})
	}
	for range maxOfRule {
		r.report(Finding{Severity: Error})
	}
	if len(c.found) != 2*maxOfRule || c.limited() {
		t.Errorf("%d findings, limited: %v", len(c.found), c.limited())
	}
	r.report(Finding{Severity: Error})
	if len(c.found) != 2*maxOfRule || !c.limited() {
		t.Errorf("with one error too many: %d findings, limited: %v", len(c.found), c.limited())
	}
	of := c.count[overload.ID]
	if of.applied, of.fired[Error] = maxOfRule+1, maxOfRule+1; c.limited() {
		t.Error("a site pattern is told as limited, too")
	}
}

// TestLimitOfHeld holds that messages without Content-Length for which there is no room are told as a limit, too.
func TestLimitOfHeld(t *testing.T) {
	for more, want := range []bool{false, true} {
		c, s := New(), new(lengthState)
		for i := range maxOfRule + more {
			s.hold(Finding{Severity: Warning, Frames: []analysis.Frame{{Number: int64(i + 1)}}}, "")
		}
		s.end(&captureRun{run{c, streamLength}, &analysis.Result{}})
		if c.limited() != want {
			t.Errorf("with %d too many: limited is %v", more, c.limited())
		}
	}
}
