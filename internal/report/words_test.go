package report

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/sipsight/sipsight/internal/filter"
)

// checkFields holds of each field of a table that its example is taken, of each vocabulary that its words are, and of each thing
// that people say that it leads to something that is there.
func checkFields[T any](t *testing.T, table *Table[T]) {
	s := table.Filters(&Options{})
	taken := func(expr string) {
		t.Helper()
		if _, err := s.Parse(expr); err != nil {
			t.Errorf("%s: %v", expr, err)
		}
	}
	for _, f := range s.Fields() {
		if f.Doc == "" {
			t.Errorf("%s says nothing", f.Name)
		}
		taken(f.ExampleText())
	}
	for _, x := range table.closed {
		for _, w := range x.words {
			taken(fmt.Sprintf("%s.%s == %q", table.Prefix, x.name, w))
		}
		for line := range strings.Lines(x.said) {
			answer, words, _ := strings.Cut(strings.TrimSpace(line), ": ")
			word, isWord := strings.CutPrefix(answer, "did you mean ")
			if isWord = isWord && strings.HasSuffix(word, "?"); isWord && !slices.Contains(x.words, word[:len(word)-1]) || words == "" {
				t.Errorf("%s: %q", x.name, line)
			}
		}
	}
	for line := range strings.Lines(table.said) {
		name, words, _ := strings.Cut(strings.TrimSpace(line), ": ")
		taken(table.Prefix + "." + name)
		for _, w := range strings.Fields(words) {
			_, err := s.Parse(table.Prefix + "." + w)
			if e, _ := err.(*filter.Error); e == nil || strings.Replace(e.Hint, ", in milliseconds?", "?", 1) != "did you mean "+table.Prefix+"."+name+"?" {
				t.Errorf("%s for %s: %v", w, name, err)
			}
		}
	}
}

func TestFilterFields(t *testing.T) {
	checkFields(t, Calls)
	checkFields(t, Registrations)
	checkFields(t, Streams)
	checkFields(t, Findings)
}
