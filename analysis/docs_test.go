package analysis

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// TestDocs holds that docs/calls.md names every state, outcome, trait with its score, kind of link, and limit.
func TestDocs(t *testing.T) {
	b, err := os.ReadFile("../docs/calls.md")
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, s := range States() {
		want = append(want, "| `"+s+"` |")
	}
	for _, o := range Outcomes() {
		want = append(want, "| `"+o+"` |")
	}
	for _, x := range traits {
		want = append(want, fmt.Sprintf("| `%s` | %d |", x.name, x.score))
	}
	for _, x := range linkTraits {
		want = append(want, fmt.Sprintf("| `%s` | %d |", x.name, x.score))
	}
	for _, k := range []LinkKind{Transferred, Consulted, Replaced} {
		want = append(want, "| `"+k.String()+"` |")
	}
	tr := newTracker(false, budgetOf(0))
	tr.overLegs, tr.overLive, tr.overSteps, tr.overDetail, tr.open.over, tr.regs.over, tr.peers.over, tr.linker.over = true, true, true, true, true, true, true, true
	limits := tr.result(new(clock)).Exceeded
	if len(limits) != 8 {
		t.Errorf("limits %q", limits)
	}
	for _, l := range limits {
		want = append(want, "| `"+l+"` |")
	}
	for _, w := range want {
		if !strings.Contains(string(b), w) {
			t.Errorf("docs/calls.md does not say %s", w)
		}
	}
}
