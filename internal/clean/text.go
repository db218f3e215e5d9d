// Package clean makes text from captures fit to be shown. Whoever sent the packets
// chose that text: it may try to move a terminal's cursor, to hide or reorder what a
// person reads, or to pass for something else in front of a model.
//
// AppendText makes it valid UTF-8 in which everything invisible is spelled out;
// AppendMessage, AppendValue and AppendURIs take out passwords, credentials and keys.
package clean

import (
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
// are written as \xNN or \u{…}, as are octets that are not UTF-8, and what is over limit
// characters is left out behind an ellipsis; limit 0 is none. changed reports whether
// anything was escaped or left out.
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
	count := 0
	for i := 0; i < len(b); {
		c := b[i]
		if limit > 0 && count == limit {
			return append(dst, "…"...), true
		}
		count++
		if c-0x20 < 0x5f { // printable ASCII
			dst = append(dst, c)
			i++
			continue
		}
		if lines && (c == '\n' || c == '\r' && i+1 < len(b) && b[i+1] == '\n') {
			if c == '\n' {
				dst = append(dst, c)
			}
			i++
			continue
		}
		if c < utf8.RuneSelf {
			dst = appendHex(dst, c)
			changed = true
			i++
			continue
		}
		r, n := utf8.DecodeRune(b[i:])
		switch {
		case r == utf8.RuneError && n == 1:
			dst = appendHex(dst, c)
			changed = true
		case invisible(r):
			dst = appendRune(dst, r)
			changed = true
		default:
			dst = append(dst, b[i:i+n]...)
		}
		i += n
	}
	return dst, changed
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
