package flow

import "unicode/utf8"

// appendMarkup appends text so that it is text, in an element or in an attribute with
// quotes, to HTML and to XML: RFC 7303 says what XML may hold, and U+FFFE and U+FFFF are
// not of it.
func appendMarkup(b []byte, s string) []byte {
	for i, r := range s {
		switch {
		case r == '&':
			b = append(b, "&amp;"...)
		case r == '<':
			b = append(b, "&lt;"...)
		case r == '>':
			b = append(b, "&gt;"...)
		case r == '"':
			b = append(b, "&#34;"...)
		case r == '\'':
			b = append(b, "&#39;"...)
		case r == '\n' || r == '\t' || r >= ' ' && r < 0x7f:
			b = append(b, byte(r))
		case r < ' ' || r < 0xa0 || r&0xfffe == 0xfffe:
			b = appendHexRune(b, r)
		case r == utf8.RuneError:
			b = append(b, "\ufffd"...)
		default:
			_, n := utf8.DecodeRuneInString(s[i:])
			b = append(b, s[i:i+n]...)
		}
	}
	return b
}
