// Package clean makes text from captures fit to be shown. Whoever sent the packets
// chose that text: it may try to move a terminal's cursor, to hide or reorder what a
// person reads, or to pass for something else in front of a model.
//
// AppendText makes it valid UTF-8 in which everything invisible is spelled out;
// AppendMessage, AppendValue and AppendURIs take out passwords, credentials and keys.
// Width tells how many columns of a terminal text takes.
package clean

import (
	"math"
	"unicode"
	"unicode/utf8"
)

// MaxText is the most characters of one text in listings and findings, MaxRaw of one
// message shown whole.
const (
	MaxText = 256
	MaxRaw  = 16000
)

// AppendText appends b as text: control, bidirectional and other invisible characters
// are written as \xNN or \u{…}, as are octets that are not UTF-8. Of what comes to more than limit
// characters, those of escapes among them, the beginning is left, with an ellipsis as its last one, and no
// escape is cut in two; limit 0 is none. changed reports whether there is an escape in out.
func AppendText(dst, b []byte, limit int) (out []byte, changed bool) {
	return appendText(dst, b, limit, false)
}

// AppendLines is AppendText for text of several lines: line ends are kept, as LF.
func AppendLines(dst, b []byte, limit int) (out []byte, changed bool) {
	return appendText(dst, b, limit, true)
}

// Text is AppendText with the limit MaxText, for strings.
func Text(s string) string {
	if len(s) <= MaxText && isPlain(s) {
		return s
	}
	b, _ := AppendText(nil, []byte(s), MaxText)
	return string(b)
}

func isPlain(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i]-0x20 >= 0x5f {
			return false
		}
	}
	return true
}

func appendText(dst, b []byte, limit int, lines bool) (out []byte, changed bool) {
	if limit == 0 {
		limit = math.MaxInt - 1
	}
	fit, fitChanged := len(dst), false // behind what an ellipsis fits
	for left := limit; len(b) > 0; {
		if left > 0 {
			fit, fitChanged = len(dst), changed
		}
		n, width := plainRun(b), 0
		switch {
		case n > 0:
			if n = min(n, left+1); n >= left && left > 0 {
				fit += left - 1
			}
			dst, width = append(dst, b[:n]...), n
		case lines && b[0] == '\n':
			dst, n, width = append(dst, '\n'), 1, 1
		case lines && b[0] == '\r' && len(b) > 1 && b[1] == '\n':
			n = 1
		default:
			dst, n, width = appendOdd(dst, b)
			changed = changed || width > 1
		}
		if width > left {
			return append(dst[:fit], "…"...), fitChanged
		}
		left -= width
		b = b[n:]
	}
	return dst, changed
}

// plainRun returns how many octets at the start of b are printable ASCII.
func plainRun(b []byte) (n int) {
	for n < len(b) && b[n]-0x20 < 0x5f {
		n++
	}
	return n
}

// appendOdd appends the first character of b, which is not printable ASCII, and returns how many octets of b that is,
// and how many characters came of it: more than one where it was escaped.
func appendOdd(dst, b []byte) (out []byte, n, width int) {
	start := len(dst)
	r, n := utf8.DecodeRune(b)
	switch {
	case b[0] < utf8.RuneSelf, r == utf8.RuneError && n == 1:
		dst = appendHex(dst, b[0])
	case invisible(r):
		dst = appendRune(dst, r)
	default:
		return append(dst, b[:n]...), n, 1
	}
	return dst, n, len(dst) - start
}

// invisible reports whether r shows nothing by itself: C1 controls, format characters
// (among them the bidirectional and zero-width ones and the tags), line and paragraph
// separators, variation selectors, fillers.
func invisible(r rune) bool {
	return r < 0xa0 || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Variation_Selector, unicode.Other_Default_Ignorable_Code_Point)
}

const hexDigits = "0123456789abcdef"

func appendHex(dst []byte, c byte) []byte {
	return append(dst, '\\', 'x', hexDigits[c>>4], hexDigits[c&15])
}

func appendRune(dst []byte, r rune) []byte {
	dst = append(dst, `\u{`...)
	started := false
	for shift := 20; shift >= 0; shift -= 4 {
		d := r >> shift & 15
		if started = started || d != 0 || shift <= 12; started {
			dst = append(dst, hexDigits[d])
		}
	}
	return append(dst, '}')
}
