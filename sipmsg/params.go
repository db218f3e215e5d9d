package sipmsg

import "bytes"

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
	value = trimSpace(p[eq+1 : end])
	if len(value) >= 2 && value[0] == '"' && value[len(value)-1] == '"' {
		value = value[1 : len(value)-1]
	}
	return trimSpace(p[:eq]), value, rest
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
	v, ok := m.First(id)
	if !ok {
		return nil
	}
	tag, _ := ParseAddress(v).Params.Get("tag")
	return tag
}

// Branch returns the branch parameter of the topmost Via, nil for none.
func (m *Message) Branch() []byte {
	v, ok := m.First(Via)
	if !ok {
		return nil
	}
	first, _ := nextElement(v)
	i := bytes.IndexByte(first, ';')
	if i < 0 {
		return nil
	}
	branch, _ := Params(first[i:]).Get("branch")
	return branch
}
