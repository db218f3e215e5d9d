package sdp_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/sipsight/sipsight/internal/golden"
	"github.com/sipsight/sipsight/sdp"
)

// TestGoldens reads testdata/*.txt. A golden is prose and descriptions, each behind a line
// with its name and indented; what they hold, and what they come to, follows below a line of
// dashes.
func TestGoldens(t *testing.T) {
	names := golden.Names(t, "testdata/*.txt")
	golden.Play(t, names, func(t *testing.T, text string) string {
		in, _, ok := strings.Cut(text, "----\n")
		if !ok {
			t.Fatal("there is no line of dashes")
		}
		return in + "----\n" + play(t, in)
	})
}

// play says what the descriptions of a golden hold and come to.
func play(t *testing.T, in string) string {
	read := map[string]*sdp.Session{}
	var b strings.Builder
	p := func(format string, args ...any) { fmt.Fprintf(&b, format, args...) }
	for _, name := range []string{"description", "next", "offer", "answer"} {
		text := described(in, name)
		if text == "" {
			continue
		}
		s := parse(t, crlf(text))
		read[name] = s
		p("\nthe %s holds\n%s", name, indented(dump(s)))
		for _, c := range s.Complaints {
			p("    %v\n", c)
		}
	}
	if prev, next := read["description"], read["next"]; prev != nil && next != nil {
		c := sdp.ChangeOf(prev, next)
		p("\nthe next one\n    same session %t, version %d %t, other content %t\n", c.SameSession, c.Version, c.VersionOK, c.Content)
		rules(p, c.Faults, c.Notes)
	}
	if offer, answer := read["offer"], read["answer"]; offer != nil && answer != nil {
		r := sdp.Compare(offer, answer)
		p("\nit comes to\n")
		for i := range r.Streams {
			s := &r.Streams[i]
			p("    %s: %s\n", s.Offer.Kind, stream(s))
			rules(p, s.Faults, s.Notes)
		}
		rules(p, r.Faults, nil)
	}
	return b.String()
}

func rules(p func(string, ...any), faults, notes []sdp.Rule) {
	for _, r := range faults {
		p("    fault: %s (%s)\n", r, r.RFC())
	}
	for _, r := range notes {
		p("    note: %s (%s)\n", r, r.RFC())
	}
}

// described returns the description of that name in a golden.
func described(in, name string) string {
	_, rest, ok := strings.Cut(in, "\n"+name+":\n")
	if !ok {
		return ""
	}
	var b strings.Builder
	for line := range strings.Lines(rest) {
		text, ok := strings.CutPrefix(line, "    ")
		if !ok {
			break
		}
		b.WriteString(text)
	}
	return b.String()
}

func indented(s string) string {
	return "    " + strings.ReplaceAll(strings.TrimSuffix(s, "\n"), "\n", "\n    ") + "\n"
}
