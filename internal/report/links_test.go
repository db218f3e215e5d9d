package report

import (
	"strings"
	"testing"

	"github.com/sipsight/sipsight/analysis"
)

// TestLinkOfNoCall holds that a call that a REFER outside of calls asked for names that, and no
// call-0.
func TestLinkOfNoCall(t *testing.T) {
	c := &analysis.Call{ID: 1, Legs: []*analysis.Leg{{CallID: "c"}}, Links: []analysis.Link{{
		To: 1, Refer: analysis.Frame{File: 0, Number: 7}, Invite: analysis.Frame{File: 0, Number: 9}, Score: 100, Reason: []string{"refer-to"},
	}}}
	o := &Options{}
	if got := LinkText(&c.Links[0], c.ID, o); got != "it came of the REFER in frame 7, which is of no call" {
		t.Error(got)
	}
	if line := string(Calls.AppendJSON(nil, o, c, false)); strings.Contains(line, "call-0") || !strings.Contains(line, `"linked":[{"kind":"transfer","to":"call-1","refer_frame":7,`) {
		t.Error(line)
	}
}
