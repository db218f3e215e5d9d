package flow

import (
	"unicode"
	"unicode/utf8"
)

// wide are the characters that take two columns of a terminal: East Asian Wide and
// Fullwidth, and the pictures. Unicode, annex 11, by blocks.
var wide = &unicode.RangeTable{
	R16: []unicode.Range16{
		{Lo: 0x1100, Hi: 0x115f, Stride: 1}, {Lo: 0x231a, Hi: 0x231b, Stride: 1}, {Lo: 0x2e80, Hi: 0x303e, Stride: 1}, {Lo: 0x3041, Hi: 0xa4cf, Stride: 1},
		{Lo: 0xa960, Hi: 0xa97c, Stride: 1}, {Lo: 0xac00, Hi: 0xd7a3, Stride: 1}, {Lo: 0xf900, Hi: 0xfaff, Stride: 1}, {Lo: 0xfe30, Hi: 0xfe6f, Stride: 1},
		{Lo: 0xff00, Hi: 0xff60, Stride: 1}, {Lo: 0xffe0, Hi: 0xffe6, Stride: 1},
	},
	R32: []unicode.Range32{{Lo: 0x1f300, Hi: 0x1f64f, Stride: 1}, {Lo: 0x1f680, Hi: 0x1faff, Stride: 1}, {Lo: 0x20000, Hi: 0x3fffd, Stride: 1}},
}

// runeWidth returns how many columns of a terminal a character takes.
func runeWidth(r rune) int {
	switch {
	case r < 0x300:
		return 1
	case unicode.In(r, unicode.Mn, unicode.Me):
		return 0
	case unicode.Is(wide, r):
		return 2
	}
	return 1
}

// width returns how many columns of a terminal s takes.
func width(s string) (n int) {
	for _, r := range s {
		n += runeWidth(r)
	}
	return n
}

// fit shortens s to at most n columns of a terminal, with an ellipsis.
func fit(s string, n int, dots string) string {
	if width(s) <= n {
		return s
	}
	n -= width(dots)
	for i, r := range s {
		if n -= runeWidth(r); n < 0 {
			return s[:i] + dots
		}
	}
	return s
}

// ascii spells out what is not ASCII, but for signs of ours that have a likeness there.
func ascii(s string) string {
	for i := 0; i < len(s); i++ {
		if s[i] >= utf8.RuneSelf {
			return asciiRunes(s)
		}
	}
	return s
}

func asciiRunes(s string) string {
	var b []byte
	for _, r := range s {
		switch {
		case r < utf8.RuneSelf:
			b = append(b, byte(r))
		case likeness[r] != "":
			b = append(b, likeness[r]...)
		default:
			b = appendHexRune(b, r)
		}
	}
	return string(b)
}

var likeness = map[rune]string{'→': "->", '×': "x", '…': "...", 'µ': "u", '«': "<<", '»': ">>", '–': "-", '—': "-", '’': "'"}

func appendHexRune(b []byte, r rune) []byte {
	const digits = "0123456789abcdef"
	b = append(b, `\u{`...)
	started := false
	for shift := 20; shift >= 0; shift -= 4 {
		if d := r >> shift & 15; started || d != 0 || shift < 4 {
			b, started = append(b, digits[d]), true
		}
	}
	return append(b, '}')
}
