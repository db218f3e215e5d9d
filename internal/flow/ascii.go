package flow

import "unicode/utf8"

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
		case likeness(r) != "":
			b = append(b, likeness(r)...)
		default:
			b = appendHexRune(b, r)
		}
	}
	return string(b)
}

// likeness returns what a sign of ours is in ASCII, "" for others.
func likeness(r rune) string {
	switch r {
	case '→':
		return "->"
	case '×':
		return "x"
	case '…':
		return "..."
	case 'µ':
		return "u"
	case '«':
		return "<<"
	case '»':
		return ">>"
	case '–', '—':
		return "-"
	case '’':
		return "'"
	case '“', '”':
		return `"`
	}
	return ""
}

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
