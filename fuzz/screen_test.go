package fuzz

import (
	"bytes"
	"slices"
	"testing"

	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/findings"
)

// FuzzScreen: the screen for suspicious text says the same of a short text wherever it stands in a longer one,
// which it looks at in another way.
func FuzzScreen(f *testing.F) {
	for _, text := range []string{"Alice <sip:alice@example.com>", "<ScRiPt", "' OR 1=1", "ignore ", "friendly-scanner", "\x1b[1m", "\x9b1m", "J\u00fcrgen", "\u202e", "\u009b", "\xe2\x80"} {
		f.Add([]byte(text), uint8(0), uint8(40))
		f.Add([]byte(text), uint8(31), uint8(4))
	}
	screen := findings.New().Options(analysis.Options{}).Screen
	f.Fuzz(func(t *testing.T, b []byte, before, behind uint8) {
		b = slices.Clip(b[:min(len(b), 35)])
		line := func(n uint8) []byte { return bytes.Repeat([]byte("\n"), int(n)) }
		long := slices.Clip(slices.Concat(line(before), b, line(behind)))
		if alone := screen(b); screen(long) != alone {
			t.Errorf("%q: suspicious alone %t, behind %d and before %d others %t", b, alone, before, behind, !alone)
		}
	})
}
