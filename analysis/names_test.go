package analysis_test

import (
	"fmt"
	"testing"

	"github.com/sipsight/sipsight/analysis"
)

// TestNames: a number that is no constant has no name, and the lists of names are the caller's own.
func TestNames(t *testing.T) {
	for _, x := range []fmt.Stringer{
		analysis.Party(4), analysis.State(9), analysis.DialogState(3), analysis.LinkKind(3), analysis.Outcome(6), analysis.OfferState(3), analysis.ConnState(6), analysis.Security(9), analysis.State(255),
	} {
		if s := x.String(); s != "" {
			t.Errorf("%T(%[1]d) is %q", x, s)
		}
	}
	for name, s := range map[string]fmt.Stringer{"server": analysis.Server, "redirected": analysis.StateRedirected, "failed": analysis.RegFailed} {
		if s.String() != name {
			t.Errorf("%s is %q", name, s)
		}
	}
	analysis.States()[0], analysis.Outcomes()[0] = "mine", "mine"
	if a, b := analysis.StateUnknown.String(), analysis.RegUnanswered.String(); a != "unknown" || b != "unanswered" {
		t.Errorf("a caller wrote %s and %s", a, b)
	}
}
