package main

import (
	"strings"
	"testing"

	"github.com/sipsight/sipsight/internal/clean"
)

// TestHelpFits holds that no line of a help text is wider than a terminal of 80 columns, that examples are whole, and
// that nothing but blanks and line ends is changed.
func TestHelpFits(t *testing.T) {
	texts := map[string]string{"": usage(), "filter": filterHelp()}
	for _, c := range commands {
		r := sipsight(t, c.name, "-h")
		texts[c.name] = r.out
		for _, x := range c.example {
			if !strings.Contains(r.out, "\n  "+x+"\n") {
				t.Errorf("%s: in pieces: %s", c.name, x)
			}
		}
	}
	for name, text := range texts {
		if name == "" || name == "filter" {
			if got := sipsight(t, append([]string{"help"}, strings.Fields(name)...)...).out; words(got) != words(text) {
				t.Errorf("help %s has other words", name)
			} else {
				text = got
			}
		}
		if len(text) < 200 && name != "help" && name != "version" {
			t.Errorf("help %s: %q", name, text)
		}
		for line := range strings.Lines(text) {
			if n := clean.Width(strings.TrimSuffix(line, "\n")); n > 80 {
				t.Errorf("help %s: %d columns: %s", name, n, line)
			}
		}
	}
	if r := sipsight(t); clean.Width(strings.SplitN(r.err, "\n", 2)[0]) > 80 || !strings.Contains(r.err, "Commands:") {
		t.Errorf("without a command: %s", r.err)
	}
}

func TestWrapHelp(t *testing.T) {
	const text = "A paragraph of\nseveral words.\n\n  --flag X    what it does, in words\n  one two three four five six\n\nEnd\n"
	want := "A paragraph of several\nwords.\n\n  --flag X    what it\n              does, in\n              words\n  one two three four\n  five six\n\nEnd\n"
	if got := string(wrapHelp(text, 22)); got != want {
		t.Errorf("%s", got)
	}
	if got := string(wrapHelp(text, 100)); got != strings.Replace(text, "of\n", "of ", 1) {
		t.Errorf("%s", got)
	}
}

// words returns text with one blank between its words.
func words(s string) string { return strings.Join(strings.Fields(s), " ") }
