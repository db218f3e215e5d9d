package sipmsg

// A class is a set of octets.
type class [256]bool

//go:noinline // a dozen variables are made of it
func classOf(members string) (c class) {
	for i := 0; i < len(members); i++ {
		c[members[i]] = true
	}
	return
}

const (
	upper  = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	lower  = "abcdefghijklmnopqrstuvwxyz"
	digits = "0123456789"
)

// isToken marks the octets of a token: RFC 3261, section 25.1.
var isToken = classOf(upper + lower + digits + "-.!%*_+`'~")

func isDigit(c byte) bool { return c-'0' < 10 }

func isAlpha(c byte) bool { return c|0x20-'a' < 26 }

// isBlank reports whether c is the white space that may stand inside of a line.
func isBlank(c byte) bool { return c == ' ' || c == '\t' }

// isSpace reports whether c is white space or part of a line end.
func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }

// scanToken returns the end of the token that starts at b[n].
func scanToken(b []byte, n int) int {
	for n < len(b) && isToken[b[n]] {
		n++
	}
	return n
}

// scanBlanks returns the end of the blanks that start at b[n].
func scanBlanks(b []byte, n int) int {
	for n < len(b) && isBlank(b[n]) {
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

// trimSpace cuts white space and line ends off both ends of b.
func trimSpace(b []byte) []byte {
	for len(b) > 0 && isSpace(b[0]) {
		b = b[1:]
	}
	return trimSpaceRight(b)
}

func trimSpaceRight(b []byte) []byte {
	for len(b) > 0 && isSpace(b[len(b)-1]) {
		b = b[:len(b)-1]
	}
	return b
}

// equalFold reports whether b is the lower-case text s, but for ASCII case.
func equalFold(b []byte, s string) bool {
	if len(b) != len(s) {
		return false
	}
	for i := 0; i < len(s); i++ {
		c := b[i]
		if c-'A' < 26 {
			c |= 0x20
		}
		if c != s[i] {
			return false
		}
	}
	return true
}

// Number reads a number of RFC 3261: digits alone, no sign, no blanks inside. ok is
// false when v is something else or does not fit 32 bits; leading zeros are fine.
func Number(v []byte) (n uint32, ok bool) {
	if len(v) == 0 {
		return 0, false
	}
	if len(v) < 10 { // so many fit
		for _, c := range v {
			if !isDigit(c) {
				return 0, false
			}
			n = n*10 + uint32(c-'0')
		}
		return n, true
	}
	var x uint64
	for _, c := range v {
		if !isDigit(c) {
			return 0, false
		}
		if x = x*10 + uint64(c-'0'); x > 1<<32-1 {
			return 0, false
		}
	}
	return uint32(x), true
}
