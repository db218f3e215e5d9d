package near_test

import (
	"strings"
	"testing"

	"github.com/sipsight/sipsight/internal/near"
)

func TestDistance(t *testing.T) {
	for _, test := range []struct {
		a, b string
		want int
	}{
		{"", "", 0},
		{"", "abc", 3},
		{"limit", "limit", 0},
		{"limt", "limit", 1},
		{"limitt", "limit", 1},
		{"linit", "limit", 1},
		{"limti", "limit", 1},
		{"Limit", "limit", 1},
		{"kitten", "sitting", 3},
		{"flaw", "lawn", 2},
		{"abc", "xyz", 3},
		{"ca", "abc", 3},
		{strings.Repeat("a", 64), strings.Repeat("a", 63), 1},
		{strings.Repeat("a", 65), strings.Repeat("a", 64), 65},
	} {
		if got := near.Distance(test.a, test.b); got != test.want {
			t.Errorf("%q to %q: %d, want %d", test.a, test.b, got, test.want)
		}
		if got := near.Distance(test.b, test.a); got != test.want {
			t.Errorf("%q to %q: %d, want %d", test.b, test.a, got, test.want)
		}
	}
}

func TestOf(t *testing.T) {
	names := []string{"loop", "missing-ack-2xx", "no-100", "drop-at-32s", "missing-ack-failure"}
	for name, want := range map[string]string{"mising-ack-2xx": "missing-ack-2xx", "LOOPS": "loop", "no100": "no-100", "foo": "", "Drop": "drop-at-32s", "dr": "", "missing": "", "missing-ack-f": "missing-ack-failure", "": "", "x": ""} {
		if got := near.Of(name, names); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}
