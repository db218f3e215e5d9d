package analysis

import (
	"strings"
	"testing"
)

// A textStore gives back what it was given, whatever its length: texts that fill a chunk to the
// last octet, those that are as long as one, and what comes behind them.
func TestTextStore(t *testing.T) {
	var s textStore
	var kept []textRef
	var want []string
	keep := func(c byte, n int) {
		text := strings.Repeat(string(c), n)
		kept, want = append(kept, s.keep([]byte(text))), append(want, text)
	}
	for i, n := range []int{0, 1, textChunk - 1, 1, textChunk - 2, 1, 1, 0, textChunk, 5, 3 * textChunk, 7, textChunk - 13, 1, textChunk + 1, textChunk - 1} {
		keep('a'+byte(i), n)
	}
	for i := range 3 * textChunk / 100 {
		keep('a'+byte(i%26), 100+i%7)
	}
	for i, r := range kept {
		if got := s.text(r); got != want[i] {
			t.Fatalf("text %d of %d octets is one of %d: %.20q in place of %.20q", i, len(want[i]), len(got), got, want[i])
		}
		if (r == 0) != (want[i] == "") {
			t.Errorf("text %d of %d octets has the number %d", i, len(want[i]), r)
		}
	}
	if n := len(s.chunks); n > 16 {
		t.Errorf("%d chunks", n)
	}
}

// What is kept are not the octets that were given.
func TestTextStoreCopies(t *testing.T) {
	var s textStore
	b := []byte(strings.Repeat("a", textChunk))
	short, long := s.keep(b[:3]), s.keep(b)
	clear(b)
	if s.text(short) != "aaa" || s.text(long) != strings.Repeat("a", textChunk) {
		t.Error("they changed")
	}
}
