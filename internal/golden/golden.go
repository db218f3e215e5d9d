// Package golden holds tests to texts in files: what goes in is prose and commands, what came
// out of them is part of the same file. With -update the files are written anew.
package golden

import (
	"flag"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// Update is the flag that has goldens written instead of compared.
var Update = flag.Bool("update", false, "rewrite the goldens")

// Names returns the paths of the goldens that a pattern of package filepath matches. They
// are absolute: a test may change its folder. None at all ends the test.
func Names(t *testing.T, pattern string) []string {
	t.Helper()
	names, err := filepath.Glob(pattern)
	if err != nil || len(names) == 0 {
		t.Fatalf("no goldens %s: %v", pattern, err)
	}
	for i, name := range names {
		if names[i], err = filepath.Abs(name); err != nil {
			t.Fatal(err)
		}
	}
	return names
}

// Play runs a test for each golden: play returns the text with what comes out today, which
// must be the text as it is.
func Play(t *testing.T, names []string, play func(t *testing.T, text string) string) {
	t.Helper()
	for _, name := range names {
		base := filepath.Base(name)
		t.Run(strings.TrimSuffix(base, filepath.Ext(base)), func(t *testing.T) {
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			got := play(t, string(text))
			switch {
			case got == string(text):
			case *Update:
				if err := os.WriteFile(name, []byte(got), 0o666); err != nil {
					t.Fatal(err)
				}
			default:
				t.Error(difference(base, got, string(text)))
			}
		})
	}
}

// difference tells of the first line in which two texts differ.
func difference(name, got, want string) string {
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	i := 0
	for i < min(len(g), len(w)) && g[i] == w[i] {
		i++
	}
	line := func(list []string) string {
		if i < len(list) {
			return list[i]
		}
		return "(the end)"
	}
	return name + ":" + strconv.Itoa(i+1) + "\n got " + line(g) + "\nwant " + line(w)
}
