package findings_test

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/sipsight/sipsight/internal/capgen"
)

// TestSentences holds that what findings say reads as English does, whatever names and numbers stand in it.
func TestSentences(t *testing.T) {
	odd := regexp.MustCompile(`\b[Aa] [aeioAEIO]|(^|[;(] ?| of | has | the )1 [a-z]+s\b|\bonce, by up to\b|  |\.\.| ,|;;`)
	text := regexp.MustCompile(`«[^»]*»`) // of the capture
	for _, s := range fewer(samples(t, "*.txt")) {
		list, _ := told(t, s.packets)
		for _, f := range list {
			for _, said := range []string{f.Observed, f.Expected, f.NextStep, f.Because} {
				if what := odd.FindString(text.ReplaceAllString(said, "«»")); what != "" {
					t.Errorf("%s: %s: %q in %q", s.name, f.ID, what, said)
				}
			}
		}
	}
}

// TestNextSteps holds that the next step is one for what was observed, not for another case of the rule.
func TestNextSteps(t *testing.T) {
	for _, c := range []struct{ sample, id, observed, next string }{
		{"codec-488-disabled", "codec-488", "every stream has port 0", "Let the offer name"},
		{"codec-488", "codec-488", "in common: nothing", "Compare the two lists"},
		{"slow-setup-ringing", "slow-setup", "rang for", "Nothing, unless"},
		{"slow-setup", "slow-setup", "from the INVITE to", "Compare the hops"},
		{"stir-near-miss", "stir", "shaken attestation A", "Nothing"},
		{"stir", "stir", "orig is", "Compare what the signing service"},
	} {
		said := ""
		for _, s := range samples(t, c.sample+".txt") {
			list, _ := told(t, s.packets)
			for _, f := range list {
				if f.ID == c.id && strings.Contains(f.Observed, c.observed) {
					said = f.NextStep
				}
			}
		}
		if !strings.HasPrefix(said, c.next) {
			t.Errorf("%s: %s says %q, not %q", c.sample, c.id, said, c.next)
		}
	}
}

// TestClockSentence: one step back has a length, several have a longest.
func TestClockSentence(t *testing.T) {
	for steps, want := range []string{"", "the time goes back once, by 2.00 s", "the time goes back 2 times, by up to 3.00 s"} {
		p := (&capgen.Ladder{}).Packets(twoHosts + "0 A > B OPTIONS id=o1\n+.01 B > A 200\n+10 A > B OPTIONS id=o2\n+.01 B > A 200\n+10 A > B OPTIONS id=o3\n+.01 B > A 200\n")
		for i := range steps {
			p[2*i+2].Time = p[2*i+1].Time.Add(-time.Duration(i+2) * time.Second)
		}
		said := ""
		list, _ := told(t, p)
		for _, f := range list {
			if f.ID == "capture-quality" {
				said = f.Observed
			}
		}
		if said != want {
			t.Errorf("%d steps: %q, want %q", steps, said, want)
		}
	}
}
