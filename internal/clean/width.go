package clean

import (
	"sort"
	"strings"
	"unicode"
)

// wide are the characters that take two columns of a terminal, in order: those that are East Asian Wide or Fullwidth, as
// are pictures that are no text by themselves. Unicode, annex 11; what has no character or is a mark may lie between.
var wide = [...][2]rune{
	{0x1100, 0x115f}, {0x231a, 0x231b}, {0x2329, 0x232a}, {0x23e9, 0x23ec}, {0x23f0, 0x23f0}, {0x23f3, 0x23f3}, {0x25fd, 0x25fe}, {0x2614, 0x2615},
	{0x2648, 0x2653}, {0x267f, 0x267f}, {0x2693, 0x2693}, {0x26a1, 0x26a1}, {0x26aa, 0x26ab}, {0x26bd, 0x26be}, {0x26c4, 0x26c5}, {0x26ce, 0x26ce},
	{0x26d4, 0x26d4}, {0x26ea, 0x26ea}, {0x26f2, 0x26f3}, {0x26f5, 0x26f5}, {0x26fa, 0x26fa}, {0x26fd, 0x26fd}, {0x2705, 0x2705}, {0x270a, 0x270b},
	{0x2728, 0x2728}, {0x274c, 0x274c}, {0x274e, 0x274e}, {0x2753, 0x2755}, {0x2757, 0x2757}, {0x2795, 0x2797}, {0x27b0, 0x27b0}, {0x27bf, 0x27bf},
	{0x2b1b, 0x2b1c}, {0x2b50, 0x2b50}, {0x2b55, 0x2b55}, {0x2e80, 0x303e}, {0x3041, 0x3247}, {0x3250, 0x4dbf}, {0x4e00, 0xa4c6}, {0xa960, 0xa97c},
	{0xac00, 0xd7a3}, {0xf900, 0xfad9}, {0xfe10, 0xfe6b}, {0xff01, 0xff60}, {0xffe0, 0xffe6}, {0x16fe0, 0x1b2fb}, {0x1f004, 0x1f004}, {0x1f0cf, 0x1f0cf},
	{0x1f18e, 0x1f18e}, {0x1f191, 0x1f19a}, {0x1f200, 0x1f320}, {0x1f32d, 0x1f335}, {0x1f337, 0x1f37c}, {0x1f37e, 0x1f393}, {0x1f3a0, 0x1f3ca},
	{0x1f3cf, 0x1f3d3}, {0x1f3e0, 0x1f3f0}, {0x1f3f4, 0x1f3f4}, {0x1f3f8, 0x1f43e}, {0x1f440, 0x1f440}, {0x1f442, 0x1f4fc}, {0x1f4ff, 0x1f53d},
	{0x1f54b, 0x1f54e}, {0x1f550, 0x1f567}, {0x1f57a, 0x1f57a}, {0x1f595, 0x1f596}, {0x1f5a4, 0x1f5a4}, {0x1f5fb, 0x1f64f}, {0x1f680, 0x1f6c5},
	{0x1f6cc, 0x1f6cc}, {0x1f6d0, 0x1f6d2}, {0x1f6d5, 0x1f6df}, {0x1f6eb, 0x1f6ec}, {0x1f6f4, 0x1f6ff}, {0x1f7e0, 0x1f7f0}, {0x1f90c, 0x1f93a},
	{0x1f93c, 0x1f945}, {0x1f947, 0x1f9ff}, {0x1fa70, 0x1faff}, {0x20000, 0x3fffd},
}

func isWide(r rune) bool {
	i := sort.Search(len(wide), func(i int) bool { return r <= wide[i][1] })
	return i < len(wide) && r >= wide[i][0]
}

// RuneWidth returns how many columns of a terminal a character takes.
func RuneWidth(r rune) int {
	switch {
	case r < 0x300:
		return 1
	case unicode.In(r, unicode.Mn, unicode.Me):
		return 0
	case isWide(r):
		return 2
	}
	return 1
}

// Width returns how many columns of a terminal s takes. Colours, which stand in no text from a capture, take none.
func Width(s string) (n int) {
	for n < len(s) && s[n] >= ' ' && s[n] < 0x7f {
		n++
	}
	s = s[n:] // mostly nothing
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

// Fit shortens s to at most n columns of a terminal, with dots in the place of its end. A quotation in “” that
// is cut is closed behind them.
func Fit(s string, n int, dots string) string {
	if len(s) <= n || Width(s) <= n { // no character takes more columns than it has octets
		return s
	}
	n -= Width(dots)
	if n < 0 { // not even these
		return ""
	}
	head := Head(s, n)
	if Closing(head) != "" {
		head = Head(s, n-1)
	}
	return head + dots + Closing(head)
}

// Closing returns the mark that closes a quotation which the beginning of a text leaves open, "" for none.
func Closing(head string) string {
	if strings.LastIndex(head, "“") > strings.LastIndex(head, "”") {
		return "”"
	}
	return ""
}

// Head returns as much of s as n columns of a terminal have room for.
func Head(s string, n int) string {
	for i, r := range s {
		if n -= RuneWidth(r); n < 0 {
			return s[:i]
		}
	}
	return s
}
