package sipmsg

import (
	"bytes"
	"iter"
)

// An Auth is a challenge or what answers one: the value of WWW-Authenticate, Authorization,
// their siblings of proxies, or Authentication-Info. RFC 3261, section 22; RFC 8760.
// Quotes around the parts are left off, escapes inside of them are as they are.
//
// The response itself has no place of its own: who wants to show it has to ask for it.
type Auth struct {
	Scheme []byte // for example Digest; nil in Authentication-Info, which has none

	Realm, Nonce, Opaque, Algorithm, QOP, Domain []byte // nil where absent
	Username, URI, CNonce, NCText                []byte // of credentials

	NC    uint32 // the nonce count, which is hexadecimal
	HasNC bool   // NCText is eight hexadecimal digits

	Stale       bool // the nonce was too old, the password may be right
	HasResponse bool // there is a response parameter
	HasToken    bool // what follows the scheme is one word and no parameters, as in Basic

	Params AuthParams // all of them
}

// ParseAuth scans one value of the Authorization family.
func ParseAuth(v []byte) (a Auth) {
	v = trimSpace(v)
	n := scanToken(v, 0)
	if next := n + scanSpace(v[n:]); next == len(v) || v[next] != '=' {
		a.Scheme, v = v[:n:n], v[next:]
	}
	if isWord(v) {
		a.HasToken = true
		return a
	}
	a.Params = AuthParams(v)
	for rest := a.Params; len(rest) > 0; {
		var name, value []byte
		name, value, rest = rest.next()
		a.param(name, value)
	}
	return a
}

// isWord reports whether v is a token68, the word that follows Basic and Bearer: RFC 7235,
// section 2.1. Equals signs stand at its end alone.
func isWord(v []byte) bool {
	n := 0
	for n < len(v) && v[n] != '=' && v[n] != ',' && v[n] != '"' && !isSpace(v[n]) {
		n++
	}
	for ; n < len(v); n++ {
		if v[n] != '=' {
			return false
		}
	}
	return len(v) > 0
}

// param takes in one parameter. The first of a name counts.
func (a *Auth) param(name, value []byte) {
	var part *[]byte
	switch len(name) {
	case 2:
		if equalFold(name, "nc") {
			part = &a.NCText
			if a.NCText == nil {
				a.NC, a.HasNC = nonceCount(value)
			}
		}
	case 3:
		switch {
		case equalFold(name, "uri"):
			part = &a.URI
		case equalFold(name, "qop"):
			part = &a.QOP
		}
	case 5:
		switch {
		case equalFold(name, "realm"):
			part = &a.Realm
		case equalFold(name, "nonce"):
			part = &a.Nonce
		case equalFold(name, "stale"):
			a.Stale = a.Stale || equalFold(value, "true")
		}
	case 6:
		switch {
		case equalFold(name, "opaque"):
			part = &a.Opaque
		case equalFold(name, "cnonce"):
			part = &a.CNonce
		case equalFold(name, "domain"):
			part = &a.Domain
		}
	case 8:
		switch {
		case equalFold(name, "username"):
			part = &a.Username
		case equalFold(name, "response"):
			a.HasResponse = true
		}
	case 9:
		if equalFold(name, "algorithm") {
			part = &a.Algorithm
		}
	}
	if part != nil && *part == nil {
		*part = value
	}
}

// nonceCount reads an nc-value: eight hexadecimal digits. RFC 3261, section 25.1.
func nonceCount(v []byte) (n uint32, ok bool) {
	if len(v) != 8 {
		return 0, false
	}
	hi, high := scanHex(v[:4])
	lo, low := scanHex(v[4:])
	if high+low != 8 {
		return 0, false
	}
	return uint32(hi)<<16 | uint32(lo), true
}

// IsDigest reports whether the scheme is Digest.
func (a Auth) IsDigest() bool { return equalFold(a.Scheme, "digest") }

// AuthParams are name=value pairs separated by commas.
type AuthParams []byte

// All iterates over names and values; quotes around a value are left off.
func (p AuthParams) All() iter.Seq2[[]byte, []byte] {
	return func(yield func(name, value []byte) bool) {
		for len(p) > 0 {
			var name, value []byte
			if name, value, p = p.next(); len(name)+len(value) > 0 && !yield(name, value) {
				return
			}
		}
	}
}

// Get returns the value of the first parameter of that name, which must be in lower case.
func (p AuthParams) Get(name string) (value []byte, ok bool) {
	for k, v := range p.All() {
		if equalFold(k, name) {
			return v, true
		}
	}
	return nil, false
}

// next cuts off the first parameter.
func (p AuthParams) next() (name, value []byte, rest AuthParams) {
	if name, value, rest, ok := p.usual(); ok {
		return name, value, rest
	}
	one, more := nextPlain(p)
	name, value = cutEquals(one)
	return name, value, more
}

// usual is next for a parameter that is like nine of ten: no space around the equals sign, and a
// value that is a token, or a quoted string without escapes. ok is false for all others.
func (p AuthParams) usual() (name, value []byte, rest AuthParams, ok bool) {
	start := scanSpace(p)
	i := scanToken(p, start)
	if i == start || i+1 >= len(p) || p[i] != '=' {
		return nil, nil, nil, false
	}
	name = p[start:i:i]
	if i++; p[i] == '"' {
		n := bytes.IndexByte(p[i+1:], '"')
		if n < 0 || bytes.IndexByte(p[i+1:i+1+n], '\\') >= 0 {
			return nil, nil, nil, false
		}
		value = p[i+1 : i+1+n : i+1+n]
		i += n + 2
	} else {
		end := scanToken(p, i)
		if end == i {
			return nil, nil, nil, false
		}
		value = p[i:end:end]
		i = end
	}
	if i += scanSpace(p[i:]); i == len(p) {
		return name, value, nil, true
	}
	return name, value, p[i+1:], p[i] == ','
}

// nextPlain cuts the first element off a list in which angle brackets mean nothing.
func nextPlain(v []byte) (element, rest []byte) {
	quoted := false
	for i := 0; i < len(v); i++ {
		switch c := v[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case c == ',' && !quoted:
			return trimSpace(v[:i:i]), v[i+1:]
		}
	}
	return trimSpace(v), nil
}

// cutEquals splits at the first equals sign, and takes quotes off the value.
func cutEquals(one []byte) (name, value []byte) {
	for i, c := range one {
		if c == '=' {
			return trimSpaceRight(one[:i:i]), unquote(trimSpace(one[i+1:]))
		}
	}
	return one, nil
}

// unquote takes the quotes off a quoted string, and leaves its escapes.
func unquote(v []byte) []byte {
	if n := len(v) - 1; n >= 1 && v[0] == '"' && v[n] == '"' {
		return v[1:n:n]
	}
	return v
}
