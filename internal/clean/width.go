package clean

import "unicode"

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

// RuneWidth returns how many columns of a terminal a character takes.
func RuneWidth(r rune) int {
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

// Width returns how many columns of a terminal s takes. Colours, which stand in no text from a capture, take none.
func Width(s string) (n int) {
	colour := false
	for _, r := range s {
		switch {
		case r == '\x1b':
			colour = true
		case colour:
			colour = r != 'm'
		default:
			n += RuneWidth(r)
		}
	}
	return n
}

// Fit shortens s to at most n columns of a terminal, with dots in the place of its end.
func Fit(s string, n int, dots string) string {
	if len(s) <= n || Width(s) <= n { // no character takes more columns than it has octets
		return s
	}
	if n -= Width(dots); n < 0 { // not even these
		return ""
	}
	for i, r := range s {
		if n -= RuneWidth(r); n < 0 {
			return s[:i] + dots
		}
	}
	return s
}
