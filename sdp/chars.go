package sdp

import "bytes"

// isBlank reports whether c is white space inside of a line.
func isBlank(c byte) bool { return c == ' ' || c == '\t' }

func isDigit(c byte) bool { return c-'0' < 10 }

func isLetter(c byte) bool { return c|0x20-'a' < 26 }

// isToken reports whether c may stand in a token: RFC 8866, section 9 (token-char).
func isToken(c byte) bool {
	switch c {
	case '"', '(', ')', ',', '/', ':', ';', '<', '=', '>', '?', '@', '[', '\\', ']':
		return false
	}
	return c > ' ' && c < 0x7f
}

// scanBlanks returns the end of the blanks that start at b[n].
func scanBlanks(b []byte, n int) int {
	for n < len(b) && isBlank(b[n]) {
		n++
	}
	return n
}

// scanField returns the end of the field that starts at b[n]: the next blank.
func scanField(b []byte, n int) int {
	for n < len(b) && !isBlank(b[n]) {
		n++
	}
	return n
}

// scanToken returns the end of the token that starts at b[n].
func scanToken(b []byte, n int) int {
	for n < len(b) && isToken(b[n]) {
		n++
	}
	return n
}

// scanDigits returns the end of the digits that start at b[n].
func scanDigits(b []byte, n int) int {
	for n < len(b) && isDigit(b[n]) {
		n++
	}
	return n
}

// A cutter cuts octets into lines. A line ends in CRLF, in LF alone, in CR alone, or with the
// octets.
type cutter struct {
	b  []byte
	n  int // where the next line starts
	lf int // the next LF from there on, len(b) for none; it is looked for once
}

func newCutter(b []byte) cutter { return cutter{b: b, lf: nextLF(b, 0)} }

func nextLF(b []byte, n int) int {
	if i := bytes.IndexByte(b[n:], '\n'); i >= 0 {
		return n + i
	}
	return len(b)
}

// next cuts off the next line and returns how many octets ended it: two for CRLF.
func (c *cutter) next() (line []byte, ended int) {
	n := c.n
	if c.lf < n {
		c.lf = nextLF(c.b, n)
	}
	end, next := c.lf, min(c.lf+1, len(c.b))
	if i := bytes.IndexByte(c.b[n:end], '\r'); i >= 0 {
		if n+i+1 < end || end == len(c.b) { // CR alone
			next = n + i + 1
		}
		end = n + i
	}
	c.n = next
	return c.b[n:end:end], next - end
}

// trimRight cuts blanks off the end of b.
func trimRight(b []byte) []byte {
	for len(b) > 0 && isBlank(b[len(b)-1]) {
		b = b[:len(b)-1]
	}
	return b
}

// trim cuts blanks off both ends of b.
//
//go:noinline
func trim(b []byte) []byte { return trimRight(b[scanBlanks(b, 0):]) }

// lower returns c in lower case.
func lower(c byte) byte {
	if c-'A' < 26 {
		c |= 0x20
	}
	return c
}

// equalFold reports whether a and b are the same but for ASCII case. Inlined it would be in eighty
// places, which take 5 kB; Glance has none of them.
//
//go:noinline
func equalFold[T, U []byte | string](a T, b U) bool {
	if len(a) != len(b) {
		return false
	}
	for i := 0; i < len(a); i++ {
		if lower(a[i]) != lower(b[i]) {
			return false
		}
	}
	return true
}

// hasSuffixFold reports whether b ends in the text s, but for ASCII case.
func hasSuffixFold(b []byte, s string) bool {
	return len(b) >= len(s) && equalFold(b[len(b)-len(s):], s)
}

// number reads digits alone: no sign, no blanks. ok is false when v is something else or
// is over limit; leading zeros are fine. Inlined it would be 5 kB of the binary, and no faster.
//
//go:noinline
func number(v []byte, limit uint64) (n uint64, ok bool) {
	if len(v) == 0 {
		return 0, false
	}
	for _, c := range v {
		if !isDigit(c) {
			return 0, false
		}
		d := uint64(c - '0')
		if n > (1<<64-1-d)/10 {
			return 0, false
		}
		if n = n*10 + d; n > limit {
			return 0, false
		}
	}
	return n, true
}

// fields cuts a line into what stands between its blanks.
type fields struct {
	rest []byte // without blanks at its start
	odd  bool   // something else than one space stood between two fields
}

// next returns the next field, nil when there is none left.
func (f *fields) next() []byte {
	if len(f.rest) == 0 {
		return nil
	}
	end := scanField(f.rest, 0)
	field := f.rest[:end:end]
	next := scanBlanks(f.rest, end)
	if next-end > 1 || next > end && f.rest[end] != ' ' {
		f.odd = true
	}
	f.rest = f.rest[next:]
	return field
}

// cutByte cuts b at the first c; found is false where there is none.
func cutByte(b []byte, c byte) (before, after []byte, found bool) {
	i := bytes.IndexByte(b, c)
	if i < 0 {
		return b, nil, false
	}
	return b[:i:i], b[i+1:], true
}
