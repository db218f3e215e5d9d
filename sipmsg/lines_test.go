package sipmsg

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"
	"unicode/utf8"
)

// randomLines returns octets with as many line feeds as one in n is, and in some of them a NUL
// or a letter that is not ASCII.
func randomLines(rnd *rand.Rand, length, n int) []byte {
	b := make([]byte, length)
	for i := range b {
		b[i] = byte(1 + rnd.IntN(utf8.RuneSelf-1))
		if b[i] == '\n' {
			b[i] = '.'
		}
		if rnd.IntN(n) == 0 {
			b[i] = '\n'
		}
	}
	if length > 0 && rnd.IntN(4) == 0 {
		b[rnd.IntN(length)] = []byte{0, 0x80, 0xff}[rnd.IntN(3)]
	}
	return b
}

func isASCII(b []byte) bool {
	return bytes.IndexByte(b, 0) < 0 && !bytes.ContainsFunc(b, func(r rune) bool { return r >= utf8.RuneSelf })
}

// TestLines compares the line feeds that lines finds, and how far it says that all is ASCII,
// with what a search octet by octet says, from few octets to several looks.
func TestLines(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for round := range 20000 {
		b := randomLines(rnd, rnd.IntN([]int{70, 300, 5000}[round%3]), []int{1, 2, 10, 40, 1000}[round%5])
		from := rnd.IntN(len(b) + 1)
		var want, got []int
		plain := from
		for i := from; i < len(b); i++ {
			if b[i] == '\n' {
				want = append(want, i)
			}
		}
		for plain < len(b) && b[plain] != 0 && b[plain] < utf8.RuneSelf {
			plain++
		}
		var l lines
		l.begin(b, from)
		for lf := l.next(); lf >= 0; lf = l.next() {
			got = append(got, lf)
		}
		if !slices.Equal(got, want) {
			t.Fatalf("%q from %d: %v, want %v", b, from, got, want)
		}
		if l.plain > plain || l.plain < len(b) && isASCII(b) {
			t.Fatalf("%q from %d: ASCII up to %d of %d, said %d", b, from, plain, len(b), l.plain)
		}
	}
}

// TestFindLineFeeds holds what is written in assembly to its word: no place that was not asked
// for, none written where there is no room, blocks counted.
func TestFindLineFeeds(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 4))
	for range 20000 {
		b := randomLines(rnd, rnd.IntN(700), 1+rnd.IntN(80))
		at := make([]uint16, 65+rnd.IntN(130), 300)
		guard := at[len(at):cap(at)]
		for i := range guard {
			guard[i] = 0xabcd
		}
		skip, base := rnd.IntN(64), rnd.IntN(1000)
		n, blocks, odd := findLineFeeds(at, b, base, skip)
		for _, g := range guard {
			if g != 0xabcd {
				t.Fatalf("wrote behind %d places", len(at))
			}
		}
		if blocks > len(b)/64 || blocks < len(b)/64 && n <= len(at)-65 {
			t.Fatalf("%d blocks of %d octets, with %d of %d places", blocks, len(b), n, len(at))
		}
		var want []uint16
		seen := b[:64*blocks]
		for i := skip; i < len(seen); i++ {
			if seen[i] == '\n' {
				want = append(want, uint16(base+i))
			}
		}
		if !slices.Equal(at[:n], want) {
			t.Fatalf("%q: %v, want %v", seen, at[:n], want)
		}
		if odd == isASCII(seen) {
			t.Fatalf("%q: odd is %t", seen, odd)
		}
	}
}
