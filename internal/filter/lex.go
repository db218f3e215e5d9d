package filter

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// A tokenKind is what a token is.
type tokenKind uint8

const (
	tokEnd    tokenKind = iota
	tokWord             // a name, a number, an address, or text without quotes
	tokString           // text in quotes; token.text is what it stands for
	tokOp               // an operator or a bracket
)

// A token is a part of an expression.
type token struct {
	kind     tokenKind
	text     string // of an operator its symbol, whatever way it was written
	pos, end int
}

// isWord marks the octets of a word. Names hold dots and dashes, IPv6 addresses colons,
// networks a slash.
var isWord = func() (c [256]bool) {
	for _, x := range "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-:/+" {
		c[x] = true
	}
	return
}()

// symbols are the operators that are not words, longer ones before their beginnings.
var symbols = []string{"===", "!==", "==", "!=", ">=", "<=", ">", "<", "&&", "||", "!", "~", "(", ")", "{", "}", ",", ".."}

// operator returns the sign of an operator that is a word, "" for other words.
func operator(word string) string {
	switch word {
	case "and":
		return "&&"
	case "or":
		return "||"
	case "not":
		return "!"
	case "in", "contains":
		return word
	case "matches":
		return "~"
	case "eq", "any_eq":
		return "=="
	case "ne", "all_ne":
		return "!="
	case "all_eq":
		return "==="
	case "any_ne":
		return "!=="
	case "gt":
		return ">"
	case "ge":
		return ">="
	case "lt":
		return "<"
	case "le":
		return "<="
	}
	return ""
}

// refused says what is written in the place of a part of Wireshark's language that is not of this one, by what it
// begins with.
func refused(c byte) string {
	switch c {
	case '=':
		return "equality is written =="
	case '[':
		return "slices are not supported; use contains or matches"
	case '#':
		return "layers are not supported"
	case '@':
		return "raw values are not supported; text with an @ stands in double quotes"
	case '$':
		return "references are not supported"
	case '&':
		return "the and of two conditions is written and, or &&; arithmetic is not supported"
	case '|':
		return "the or of two conditions is written or, or ||"
	case '^':
		return "exclusive or is not supported"
	case '*':
		return "arithmetic is not supported"
	case '%':
		return "arithmetic is not supported; text with a % stands in double quotes"
	case '\'':
		return "text stands in double quotes"
	case ';':
		return "text with a ; stands in double quotes"
	case '?':
		return "text with a ? stands in double quotes"
	}
	return ""
}

// next scans the token that starts at or behind p.n.
func (p *parser) next() (token, *Error) {
	s := p.expr
	for p.n < len(s) && strings.IndexByte(" \t\r\n", s[p.n]) >= 0 {
		p.n++
	}
	start := p.n
	if start == len(s) {
		return token{pos: start, end: start}, nil
	}
	c := s[start]
	switch {
	case c == '"':
		return p.quoted(start, false)
	case (c == 'r' || c == 'R') && strings.HasPrefix(s[start+1:], `"`):
		return p.quoted(start, true)
	case isWord[c] && !strings.HasPrefix(s[start:], ".."):
		return p.word(start), nil
	}
	for _, op := range symbols {
		if strings.HasPrefix(s[start:], op) {
			p.n += len(op)
			return token{tokOp, op, start, p.n}, nil
		}
	}
	_, size := utf8.DecodeRuneInString(s[start:])
	what := "this character has no meaning here"
	if c < utf8.RuneSelf {
		what = strconv.QuoteRune(rune(c)) + " has no meaning here"
	}
	return token{}, p.fail(start, start+size, what, refused(c))
}

// word scans a word. Two dots end it: they make a range.
func (p *parser) word(start int) token {
	s := p.expr
	n := start
	for n < len(s) && isWord[s[n]] && !strings.HasPrefix(s[n:], "..") {
		n++
	}
	p.n = n
	if op := operator(s[start:n]); op != "" {
		return token{tokOp, op, start, n}
	}
	return token{tokWord, s[start:n], start, n}
}

// quoted scans text in quotes that starts at start. In a raw one a backslash stands for
// itself, though a quote behind it does not end the text.
func (p *parser) quoted(start int, raw bool) (token, *Error) {
	s := p.expr
	n := start + 1
	if raw {
		n++
	}
	var b []byte
	for n < len(s) {
		switch c := s[n]; {
		case c == '"':
			p.n = n + 1
			return token{tokString, string(b), start, p.n}, nil
		case c == '\\' && raw && n+1 < len(s):
			b = append(b, c, s[n+1])
			n += 2
		case c == '\\' && !raw:
			x, size := unescape(s[n:])
			if size == 0 {
				return token{}, p.fail(n, min(n+2, len(s)), "this is no escape sequence", `a backslash itself is \\; in a raw string, r"…", it needs no escape`)
			}
			b = append(b, x)
			n += size
		default:
			b = append(b, c)
			n++
		}
	}
	return token{}, p.fail(start, len(s), "the closing quote is missing", "")
}

// escapes are what may stand behind a backslash, and what it stands for.
const escapes = `a` + "\a" + `b` + "\b" + `f` + "\f" + `n` + "\n" + `r` + "\r" + `t` + "\t" + `v` + "\v" + `""''\\`

// unescape reads the escape sequence at the start of s; size is 0 if it is none.
func unescape(s string) (c byte, size int) {
	if len(s) < 2 {
		return 0, 0
	}
	for i := 0; i < len(escapes); i += 2 {
		if escapes[i] == s[1] {
			return escapes[i+1], 2
		}
	}
	if s[1] == 'x' { // one or two hexadecimal digits
		for size = 2; size < min(4, len(s)) && isHex(s[size]); size++ {
		}
		if n, err := strconv.ParseUint(s[2:size], 16, 8); err == nil {
			return byte(n), size
		}
		return 0, 0
	}
	for size = 1; size < min(4, len(s)) && s[size]-'0' < 8; size++ { // up to three octal digits
	}
	if n, err := strconv.ParseUint(s[1:size], 8, 8); err == nil {
		return byte(n), size
	}
	return 0, 0
}

func isHex(c byte) bool { return c-'0' < 10 || c|0x20-'a' < 6 }
