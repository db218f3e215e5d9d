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

// randomFields returns a header section that is mostly usual, with a few octets that are not.
func randomFields(rnd *rand.Rand) []byte {
	names := []string{"Via", "v", "CSeq", "Call-ID", "To", "From", "Content-Length", "max-forwards", "ALLOW", "X-Other", "Record-Route",
		"P-Charging-Vector", "WWW-Authenticate", "Subscription-State", "Proxy-Require", ""}
	seps := []string{": ", ":", ":  ", " :", ":\t", "", ":\r\n "}
	values := []string{"SIP/2.0/UDP h;branch=z9hG4bK1", "x", "", "a:b", " y ", "\t", "\xc3\xa4"}
	ends := []string{"\r\n", "\n", " \r\n", "\r\n ", "\r\n\t", "\r\r\n", ""}
	pick := func(from []string, usual int) string { // mostly one of the first
		if rnd.IntN(12) > 0 {
			return from[rnd.IntN(usual)]
		}
		return from[rnd.IntN(len(from))]
	}
	var b []byte
	for range rnd.IntN(12) {
		b = append(b, pick(names, 9)+pick(seps, 2)+pick(values, 2)+pick(ends, 1)...)
	}
	for range rnd.IntN(8) - 5 {
		if len(b) > 0 {
			b[rnd.IntN(len(b))] = []byte{0, ':', '\n', '\r', ' ', 'a', 0xff}[rnd.IntN(7)]
		}
	}
	return b[:rnd.IntN(len(b)+1)]
}

// TestScanFields compares what is written in assembly with what is not, and the fields with what a look at
// each line says.
func TestScanFields(t *testing.T) {
	rnd := rand.New(rand.NewPCG(5, 6))
	found := 0
	for range 100000 {
		b := randomFields(rnd)
		at := feeds(b)
		base := rnd.IntN(20)
		have, n := rnd.IntN(9), base
		b = append(bytes.Repeat([]byte("x"), base), b...)
		fields, want := make([]field, len(at)), make([]field, len(at))
		var first, wantFirst [numIDs]uint16
		first[rnd.IntN(int(numIDs))] = 1
		wantFirst = first
		count, next, twice := scanFields(fields, b, at, base, n, &first, have)
		wantCount, wantNext, wantTwice := scanFieldsInGo(want, b, at, base, n, &wantFirst, have)
		if count != wantCount || next != wantNext || twice != wantTwice || first != wantFirst || !slices.Equal(fields, want) {
			t.Fatalf("%q from %d: %d fields up to %d, twice %t, %v, want %d up to %d, %t, %v", b, n, count, next, twice, fields, wantCount, wantNext, wantTwice, want)
		}
		for _, f := range fields[:count] {
			if name := b[f.name:f.nameEnd]; Lookup(name) != f.id || f.id == Other || b[f.nameEnd] != ':' {
				t.Fatalf("%q: %q is no %v", b, name, f.id)
			}
		}
		found += count
	}
	if found < 100000 {
		t.Errorf("%d fields in all", found)
	}
}

// feeds returns where the line feeds of b are.
func feeds(b []byte) (at []uint16) {
	for i, c := range b {
		if c == '\n' {
			at = append(at, uint16(i))
		}
	}
	return at
}
