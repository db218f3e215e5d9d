package sipmsg

import (
	"bytes"
	"iter"
)

// Params are the parameters at the end of a header field value, each begun by a
// semicolon: RFC 3261, section 7.3.1.
type Params []byte

// Get returns the value of the first parameter of that name, which must be in lower
// case; ok is false if there is none. The value of a parameter without one is empty;
// quotes around a value are left off, escapes inside of it are left as they are.
func (p Params) Get(name string) (value []byte, ok bool) {
	for len(p) > 0 {
		var k, v []byte
		k, v, p = p.next()
		if equalFold(k, name) {
			return v, true
		}
	}
	return nil, false
}

// next cuts off the first parameter.
func (p Params) next() (name, value []byte, rest Params) {
	i := 0
	for i < len(p) && (p[i] == ';' || isSpace(p[i])) {
		i++
	}
	p = p[i:]
	eq := 0
	for eq < len(p) && !isParamBreak[p[eq]] {
		eq++
	}
	if eq == len(p) || p[eq] == ';' {
		return trimSpaceRight(p[:eq]), nil, p[eq:]
	}
	end := eq + 1
	if p[eq] == '=' {
		for end < len(p) && p[end] != ';' && p[end] != '"' {
			end++
		}
		if end == len(p) || p[end] == ';' { // no quote: the common case
			return trimSpaceRight(p[:eq]), trimSpace(p[eq+1 : end]), p[end:]
		}
	}
	return p.nextQuoted()
}

// isParamBreak marks what may end the name of a parameter, or begin a quote.
var isParamBreak = classOf(`;="`)

// nextQuoted cuts off the first parameter, which has a quote somewhere.
func (p Params) nextQuoted() (name, value []byte, rest Params) {
	end, eq, quoted := len(p), -1, false
scan:
	for i := 0; i < len(p); i++ {
		switch c := p[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '=' && eq < 0:
			eq = i
		case c == ';':
			end = i
			break scan
		}
	}
	rest = p[end:]
	if eq < 0 {
		return trimSpace(p[:end]), nil, rest
	}
	return trimSpace(p[:eq]), unquote(trimSpace(p[eq+1 : end])), rest
}

// An Address is a name-addr or addr-spec with its parameters: RFC 3261, section 20.10.
type Address struct {
	Display []byte // display name as written, with its quotes; nil for none
	URI     []byte // as written, without angle brackets
	Params  Params // of the header field, not of the URI
}

// ParseAddress scans one value of From, To, Contact, Route and their like. It takes
// whatever is there: without angle brackets the URI ends at the first semicolon.
func ParseAddress(v []byte) (a Address) {
	v = trimSpace(v)
	open := indexAngle(v)
	if open < 0 {
		end := bytes.IndexByte(v, ';')
		if end < 0 {
			end = len(v)
		}
		a.URI, a.Params = trimSpaceRight(v[:end]), Params(v[end:])
		return a
	}
	if display := trimSpace(v[:open]); len(display) > 0 {
		a.Display = display
	}
	v = v[open+1:]
	end := bytes.IndexByte(v, '>')
	if end < 0 {
		a.URI = trimSpace(v)
		return a
	}
	a.URI, a.Params = trimSpace(v[:end]), Params(v[end+1:])
	return a
}

// indexAngle returns the place of the angle bracket that begins the URI: the first one
// outside of quotes, or the first one at all where a quote is never closed.
func indexAngle(v []byte) int {
	quoted := false
	for i := 0; i < len(v); i++ {
		switch c := v[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case c == '<' && !quoted:
			return i
		}
	}
	if !quoted {
		return -1
	}
	return bytes.IndexByte(v, '<')
}

// Tag returns the tag parameter of the From or To header field id, nil for none.
func (m *Message) Tag(id ID) []byte {
	v, ok := m.firstOf(id)
	if !ok {
		return nil
	}
	if tag, ok := usualTag(v); ok {
		return tag
	}
	tag, _ := ParseAddress(v).Params.Get("tag")
	return tag
}

// usualTag returns the tag of an address that is like nine of ten: angle brackets, no name in
// front of them that needs a close look, and behind them nothing or the tag first. ok is false
// for all others.
func usualTag(v []byte) (tag []byte, ok bool) {
	open := 0
	if len(v) > 0 && v[0] == '"' {
		open = bytes.IndexByte(v[1:], '"') + 2
		if open < 2 || bytes.IndexByte(v[:open], '\\') >= 0 {
			return nil, false
		}
		open = scanBlanks(v, open)
	}
	if open >= len(v) || v[open] != '<' {
		return nil, false
	}
	const begin = ">;tag="
	end := open + bytes.IndexByte(v[open:], '>')
	switch {
	case end == len(v)-1 && end > open:
		return nil, true
	case end < open || len(v) < end+len(begin) || string(v[end:end+len(begin)]) != begin:
		return nil, false
	}
	tag = plainValue(v[end+len(begin):])
	return tag, tag != nil
}

// plainValue returns the value of a parameter at the start of v, if it ends with v or at a
// semicolon and has nothing in it that needs a close look; otherwise, and where it is empty,
// nil.
func plainValue(v []byte) []byte {
	n := 0
	for n < len(v) && isPlain[v[n]] {
		n++
	}
	if n == 0 || n < len(v) && v[n] != ';' {
		return nil
	}
	return v[:n:n]
}

// isPlain marks what has no meaning of its own in parameters and lists.
var isPlain = classOf(upper + lower + digits + "-.!%*_+`'~@:/?&$#[](){}|^=")

// Branch returns the branch parameter of the topmost Via, nil for none.
func (m *Message) Branch() []byte {
	v, ok := m.firstOf(Via)
	if !ok {
		return nil
	}
	if branch := usualBranch(v); branch != nil {
		return branch
	}
	first, _ := nextElement(v)
	i := bytes.IndexByte(first, ';')
	if i < 0 {
		return nil
	}
	branch, _ := Params(first[i:]).Get("branch")
	return branch
}

// usualBranch returns the branch of a Via that has one value and in whose parameters nothing is
// quoted, nil for all others, and where it is empty.
func usualBranch(v []byte) []byte {
	const begin = ";branch="
	i := bytes.IndexByte(v, ';')
	if i < 0 || bytes.IndexByte(v[:i], ',') >= 0 {
		return nil
	}
	for i+len(begin) < len(v) && v[i] == ';' {
		if string(v[i:i+len(begin)]) == begin {
			return plainValue(v[i+len(begin):])
		}
		if v[i+1]|0x20 == 'b' { // in other letters, or without a value
			return nil
		}
		for i++; i < len(v) && isPlain[v[i]]; i++ {
		}
	}
	return nil
}

// All iterates over names and values; quotes around a value are left off.
func (p Params) All() iter.Seq2[[]byte, []byte] {
	return func(yield func(name, value []byte) bool) {
		for len(p) > 0 {
			var name, value []byte
			if name, value, p = p.next(); len(name)+len(value) > 0 && !yield(name, value) {
				return
			}
		}
	}
}

// Has reports whether there is a parameter of that name, which must be in lower case.
func (p Params) Has(name string) bool {
	_, ok := p.Get(name)
	return ok
}

// value returns the value of a parameter, nil for none.
func (p Params) value(name string) []byte {
	v, _ := p.Get(name)
	return v
}

// Number returns a parameter that is a number: present if it is there at all, ok if it is
// a number that fits 32 bits.
func (p Params) Number(name string) (n uint32, present, ok bool) {
	v, present := p.Get(name)
	n, ok = Number(v)
	return n, present, ok
}

// Expires returns the expires parameter of a Contact, in seconds.
func (p Params) Expires() (seconds uint32, present, ok bool) { return p.Number("expires") }

// RegID returns the reg-id parameter of a Contact: RFC 5626, section 4.2.
func (p Params) RegID() (id uint32, present, ok bool) { return p.Number("reg-id") }

// Q returns the q parameter in thousandths: 0 to 1000. RFC 3261, section 25.1.
func (p Params) Q() (thousandths int, present, ok bool) {
	v, present := p.Get("q")
	thousandths, ok = qvalue(v)
	return thousandths, present, ok
}

// qvalue reads 0, 1, and up to three digits behind a point, of which there may be none.
func qvalue(v []byte) (thousandths int, ok bool) {
	if len(v) == 0 || len(v) > 5 || len(v) > 1 && v[1] != '.' {
		return 0, false
	}
	for i, scale := 0, 1000; i < len(v); i++ {
		if i == 1 {
			continue
		}
		if !isDigit(v[i]) {
			return 0, false
		}
		thousandths += int(v[i]-'0') * scale
		scale /= 10
	}
	if thousandths > 1000 {
		return 0, false
	}
	return thousandths, true
}

// Instance returns the URN of the +sip.instance parameter of a Contact, without quotes and
// angle brackets; nil for none. RFC 5626, section 4.1.
func (p Params) Instance() []byte {
	v := p.value("+sip.instance")
	if n := len(v) - 1; n >= 1 && v[0] == '<' && v[n] == '>' {
		return v[1:n:n]
	}
	return v
}

// IsStar reports whether the address is the * of a Contact that removes all bindings: RFC
// 3261, section 10.2.2.
func (a Address) IsStar() bool { return len(a.URI) == 1 && a.URI[0] == '*' && a.Display == nil }

// Tag returns the tag parameter, nil for none.
func (a Address) Tag() []byte { return a.Params.value("tag") }

// AppendName appends the display name as it is meant: without quotes, escapes and folds.
func (a Address) AppendName(dst []byte) []byte {
	v := a.Display
	if len(v) == 0 || v[0] != '"' {
		return AppendUnfolded(dst, v)
	}
	return AppendUnquoted(dst, unquote(v))
}

// AppendUnquoted appends what a quoted string means, which is given without its quotes: a
// backslash stands for the octet behind it, a fold for a blank.
func AppendUnquoted(dst, v []byte) []byte {
	n := len(dst)
	dst = AppendUnfolded(dst, v)
	w := n
	for i := n; i < len(dst); i++ {
		if dst[i] == '\\' && i+1 < len(dst) {
			i++
		}
		dst[w] = dst[i]
		w++
	}
	return dst[:w]
}

// SplitParams splits a value from the parameters behind it, as in Event, Content-Type and
// all other fields of the form token *( ";" param ).
func SplitParams(v []byte) (value []byte, p Params) {
	v = trimSpace(v)
	quoted := false
	for i := 0; i < len(v); i++ {
		switch c := v[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case c == ';' && !quoted:
			return trimSpaceRight(v[:i:i]), Params(v[i:])
		}
	}
	return v, nil
}
