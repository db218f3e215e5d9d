package mcpjsonrpc

import (
	"bytes"
	"encoding/json"
	"iter"
	"slices"
)

// encoding/json matches member names without regard to letter case, lets the
// last of two equal names win, replaces what is not UTF-8 and gives up at 10,000
// levels. What a client sends is therefore taken apart by the scanner below;
// only strings and our own answers go through encoding/json.

// at returns b[n], or NUL, which is never JSON, beyond the end of b.
func at(b []byte, n int) byte {
	if n < len(b) {
		return b[n]
	}
	return 0
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// closing returns the bracket that closes c. In ASCII it is the next but one.
func closing(c byte) byte { return c + 2 }

// skipSpace returns the end of the white space that starts at b[n].
func skipSpace(b []byte, n int) int {
	for n < len(b) && (b[n] == ' ' || b[n] == '\t' || b[n] == '\r' || b[n] == '\n') {
		n++
	}
	return n
}

// scanValue returns the end of the JSON value (RFC 8259) that starts at b[n]
// and how deep its arrays and objects nest. When ok is false, end is where b
// stops being JSON. It does not recurse, and does not check UTF-8.
func scanValue(b []byte, n int) (end, depth int, ok bool) {
	var open []byte // the brackets around b[n], the innermost last
	for {
		// A value starts at b[n].
		switch c := at(b, n); {
		case c == '{' || c == '[':
			open = append(open, c)
			depth = max(depth, len(open))
			n = skipSpace(b, n+1)
			if at(b, n) == closing(c) {
				break
			}
			if c == '{' {
				if n, ok = scanName(b, n); !ok {
					return n, depth, false
				}
			}
			continue
		case c == '"':
			if n, ok = scanString(b, n); !ok {
				return n, depth, false
			}
		case c == '-' || isDigit(c):
			if n, ok = scanNumber(b, n); !ok {
				return n, depth, false
			}
		default:
			if n, ok = scanLiteral(b, n); !ok {
				return n, depth, false
			}
		}
		// A value ended at b[n], or b[n] closes an empty array or object.
		for len(open) > 0 {
			n = skipSpace(b, n)
			if at(b, n) != closing(open[len(open)-1]) {
				break
			}
			open = open[:len(open)-1]
			n++
		}
		if len(open) == 0 {
			return n, depth, true
		}
		if at(b, n) != ',' {
			return n, depth, false
		}
		n = skipSpace(b, n+1)
		if open[len(open)-1] == '{' {
			if n, ok = scanName(b, n); !ok {
				return n, depth, false
			}
		}
	}
}

// scanName returns the start of the value whose member name starts at b[n].
func scanName(b []byte, n int) (end int, ok bool) {
	if at(b, n) != '"' {
		return n, false
	}
	if n, ok = scanString(b, n); !ok {
		return n, false
	}
	if n = skipSpace(b, n); at(b, n) != ':' {
		return n, false
	}
	return skipSpace(b, n+1), true
}

// scanString returns the end of the string whose opening quote is b[n].
func scanString(b []byte, n int) (end int, ok bool) {
	for n++; n < len(b); n++ {
		switch c := b[n]; {
		case c == '"':
			return n + 1, true
		case c < ' ':
			return n, false
		case c == '\\':
			n++
			switch at(b, n) {
			case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
			case 'u':
				for range 4 {
					n++
					if !isHex(at(b, n)) {
						return n, false
					}
				}
			default:
				return n, false
			}
		}
	}
	return n, false
}

func isHex(c byte) bool {
	return isDigit(c) || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

// scanNumber returns the end of the number that starts at b[n].
func scanNumber(b []byte, n int) (end int, ok bool) {
	n, ok = scanInteger(b, n)
	if ok && at(b, n) == '.' {
		n, ok = scanDigits(b, n+1)
	}
	if ok && (at(b, n) == 'e' || at(b, n) == 'E') {
		n++
		if at(b, n) == '+' || at(b, n) == '-' {
			n++
		}
		n, ok = scanDigits(b, n)
	}
	return n, ok
}

// scanInteger returns the end of the integer that starts at b[n], a number
// without fraction and exponent.
func scanInteger(b []byte, n int) (end int, ok bool) {
	if at(b, n) == '-' {
		n++
	}
	if at(b, n) == '0' {
		return n + 1, true
	}
	return scanDigits(b, n)
}

// scanDigits returns the end of the digits, at least one, that start at b[n].
func scanDigits(b []byte, n int) (end int, ok bool) {
	start := n
	for isDigit(at(b, n)) {
		n++
	}
	return n, n > start
}

// scanLiteral returns the end of true, false or null at b[n].
func scanLiteral(b []byte, n int) (end int, ok bool) {
	for _, s := range []string{"true", "false", "null"} {
		if bytes.HasPrefix(b[n:], []byte(s)) {
			return n + len(s), true
		}
	}
	return n, false
}

// checkJSON returns how deep the one JSON value in b nests. When ok is false,
// end is where b stops being JSON.
func checkJSON(b []byte) (end, depth int, ok bool) {
	end, depth, ok = scanValue(b, skipSpace(b, 0))
	if ok {
		end = skipSpace(b, end)
	}
	return end, depth, ok && end == len(b)
}

// isObject reports whether b, a JSON value or nil, is an object.
func isObject(b []byte) bool { return at(b, 0) == '{' }

// isInteger reports whether b is an integer as JSON writes it.
func isInteger(b []byte) bool {
	end, ok := scanInteger(b, 0)
	return ok && end == len(b)
}

// members returns the members of b, a JSON object, in order: the name without
// its escapes and the value as written. Both alias b or live on their own.
func members(b []byte) iter.Seq2[[]byte, []byte] {
	return func(yield func(name, value []byte) bool) {
		n := skipSpace(b, 1)
		for at(b, n) == '"' {
			end, _ := scanString(b, n)
			name := b[n:end]
			n, _ = scanName(b, n)
			end, _, _ = scanValue(b, n)
			if !yield(unquoteName(name), b[n:end]) {
				return
			}
			n = skipSpace(b, end)
			n = skipSpace(b, n+1) // the comma, or the end
		}
	}
}

// elements returns the elements of b, a JSON array, as written. They alias b.
func elements(b []byte) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		n := skipSpace(b, 1)
		for n < len(b) && b[n] != ']' {
			end, _, _ := scanValue(b, n)
			if !yield(b[n:end]) {
				return
			}
			n = skipSpace(b, end)
			n = skipSpace(b, n+1) // the comma, or the end
		}
	}
}

// pick returns the values of the named members of b, a JSON object, or of
// nothing when b is nil; a value is nil when its member is absent. Twice is the
// first of names that occurs twice in b, or "".
func pick(b []byte, names ...string) (values [][]byte, twice string) {
	values = make([][]byte, len(names))
	if b == nil {
		return values, ""
	}
	first := len(names)
	for name, value := range members(b) {
		switch i := slices.Index(names, string(name)); {
		case i < 0:
		case values[i] == nil:
			values[i] = value
		case i < first:
			first, twice = i, names[i]
		}
	}
	return values, twice
}

// unquoteName returns what the JSON string b stands for, aliasing b if it can.
func unquoteName(b []byte) []byte {
	if bytes.IndexByte(b, '\\') < 0 {
		return b[1 : len(b)-1]
	}
	s, _ := unquote(b)
	return []byte(s)
}

// unquote returns what b, a JSON value, stands for if it is a string.
func unquote(b []byte) (s string, ok bool) {
	if at(b, 0) != '"' {
		return "", false
	}
	return s, json.Unmarshal(b, &s) == nil
}

// marshal returns v as compact JSON that is valid UTF-8.
func marshal(v any) ([]byte, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.ToValidUTF8(bytes.TrimSuffix(buf.Bytes(), []byte("\n")), []byte("\uFFFD")), nil
}
