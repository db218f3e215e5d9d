package sipmsg

import (
	"bytes"
	"iter"
	"net/netip"
)

// A Scheme is the scheme of a URI, as far as SIP has a use for it.
type Scheme uint8

const (
	SchemeNone    Scheme = iota // there is none
	SchemeSIP                   // RFC 3261, section 19.1
	SchemeSIPS                  // RFC 3261, section 19.1
	SchemeTel                   // RFC 3966
	SchemeURN                   // RFC 8141; in SIP mostly services, RFC 5031, and devices, RFC 7254
	SchemeIM                    // RFC 3860
	SchemePres                  // RFC 3859
	SchemeUnknown               // another one: see URI.SchemeText
)

var schemeNames = [...]string{"", "sip", "sips", "tel", "urn", "im", "pres", "unknown"}

// String returns the name of the scheme: "" for SchemeNone, "unknown" for one that is not
// known here.
func (s Scheme) String() string {
	if int(s) < len(schemeNames) {
		return schemeNames[s]
	}
	return schemeNames[SchemeUnknown]
}

// isScheme marks the octets of a scheme: RFC 3986, section 3.1.
var isScheme = classOf(upper + lower + digits + "+-.")

func schemeOf(b []byte) Scheme {
	for s := SchemeSIP; s < SchemeUnknown; s++ {
		if equalFold(b, schemeNames[s]) {
			return s
		}
	}
	return SchemeUnknown
}

// A URI is a URI taken apart. Its parts are as written: escapes stay what they are, since
// an escaped separator is none. See AppendUnescaped.
type URI struct {
	Scheme     Scheme
	SchemeText []byte // nil where there is none

	User        []byte // of tel the number with its visual separators
	Password    []byte // RFC 3261 warns of it, section 19.1.1; never show it unasked
	HasPassword bool   // it may be empty
	Host        []byte // an IPv6 reference with its brackets
	PortText    []byte // nil where there is none
	Port        uint16
	HasPort     bool // PortText is a number that fits; if not, Port is 0

	Params  Params     // from the first semicolon on
	Headers URIHeaders // what follows the question mark; nil where there is none

	// Opaque is all that follows the scheme of urn and of unknown schemes, which have none
	// of the parts above.
	Opaque []byte
}

// ParseURI takes a URI apart: a Request-URI, or the URI of an Address. It takes whatever is
// there. White space around it and angle brackets around it are left off; without a scheme
// the text is read as if it were of sip.
//
// The user part ends at the first @, and holds whatever separators stand before it: the
// user of sip:a;b=c@example.com is a;b=c. RFC 3261, section 25.1.
func ParseURI(b []byte) (u URI) {
	b = trimSpace(b)
	if len(b) > 0 && b[0] == '<' {
		b = b[1:]
		if n := len(b) - 1; n >= 0 && b[n] == '>' {
			b = b[:n]
		}
		b = trimSpace(b)
	}
	n := 0
	for n < len(b) && isScheme[b[n]] {
		n++
	}
	if n > 0 && n < len(b) && b[n] == ':' && isAlpha(b[0]) {
		u.Scheme, u.SchemeText = schemeOf(b[:n]), b[:n:n]
		b = b[n+1:]
	}
	switch u.Scheme {
	case SchemeURN, SchemeUnknown:
		u.Opaque = b
	case SchemeTel:
		end := u.tail(b, 0)
		u.User = b[:end:end]
	default:
		u.sip(b)
	}
	return u
}

// sip takes in what follows the scheme: [ userinfo "@" ] hostport *( ";" param ) [ "?" headers ].
func (u *URI) sip(b []byte) {
	n := 0
	if at := bytes.IndexByte(b, '@'); at >= 0 {
		u.User = b[:at:at]
		if colon := bytes.IndexByte(u.User, ':'); colon >= 0 {
			u.User, u.Password, u.HasPassword = b[:colon:colon], b[colon+1:at:at], true
		}
		n = at + 1
	}
	end := u.tail(b, n)
	u.Host, u.PortText = splitHostPort(b[n:end:end])
	u.Port, u.HasPort = portNumber(u.PortText)
}

// tail takes in parameters and headers, and returns where what precedes them ends.
func (u *URI) tail(b []byte, n int) (end int) {
	for n < len(b) && b[n] != ';' && b[n] != '?' {
		n++
	}
	end = n
	if n < len(b) && b[n] == ';' {
		if i := bytes.IndexByte(b[n:], '?'); i >= 0 {
			u.Params = Params(b[n : n+i : n+i])
			n += i
		} else {
			u.Params = Params(b[n:])
			return end
		}
	}
	if n < len(b) {
		u.Headers = URIHeaders(b[n+1:])
	}
	return end
}

// splitHostPort splits host [ ":" port ]. More colons than one outside of brackets are
// those of an IPv6 address that lacks them, never of a port: RFC 5118, section 4.2.
func splitHostPort(b []byte) (host, port []byte) {
	b = trimSpace(b)
	n := 0
	if len(b) > 0 && b[0] == '[' {
		n = bytes.IndexByte(b, ']') + 1
		if n == 0 {
			return b, nil
		}
		n += scanSpace(b[n:])
		if n == len(b) || b[n] != ':' {
			return b, nil
		}
	} else {
		if n = bytes.IndexByte(b, ':'); n < 0 || bytes.IndexByte(b[n+1:], ':') >= 0 {
			return b, nil
		}
	}
	return trimSpaceRight(b[:n:n]), trimSpace(b[n+1:])
}

// scanSpace returns the length of the white space and line ends that b begins with.
func scanSpace(b []byte) int {
	n := 0
	for n < len(b) && isSpace(b[n]) {
		n++
	}
	return n
}

func portNumber(text []byte) (port uint16, ok bool) {
	n, ok := Number(text)
	if !ok || n > 1<<16-1 {
		return 0, false
	}
	return uint16(n), true
}

// Addr returns the host if it is an IP address.
func (u URI) Addr() (netip.Addr, bool) { return parseAddr(u.Host) }

// URIHeaders are the header fields that a URI asks for, separated by &, names and values
// escaped: RFC 3261, section 19.1.1.
type URIHeaders []byte

// All iterates over names and values, as written.
func (h URIHeaders) All() iter.Seq2[[]byte, []byte] {
	return func(yield func(name, value []byte) bool) {
		for rest := []byte(h); len(rest) > 0; {
			var one []byte
			one, rest, _ = bytes.Cut(rest, ampersand)
			if len(one) == 0 {
				continue
			}
			name, value, _ := bytes.Cut(one, equals)
			if !yield(name, value) {
				return
			}
		}
	}
}

var ampersand, equals = []byte("&"), []byte("=")

// Get returns the value of the first header of that name, which must be in lower case.
func (h URIHeaders) Get(name string) (value []byte, ok bool) {
	for k, v := range h.All() {
		if equalFold(k, name) {
			return v, true
		}
	}
	return nil, false
}

// AppendUnescaped appends the part of a URI with its %HH escapes undone. A per cent sign
// that begins none stays.
func AppendUnescaped(dst, v []byte) []byte {
	for {
		i := bytes.IndexByte(v, '%')
		if i < 0 {
			return append(dst, v...)
		}
		dst = append(dst, v[:i]...)
		if v = v[i:]; len(v) >= 3 && hexValue[v[1]] >= 0 && hexValue[v[2]] >= 0 {
			dst = append(dst, byte(hexValue[v[1]])<<4|byte(hexValue[v[2]]))
			v = v[3:]
			continue
		}
		dst, v = append(dst, '%'), v[1:]
	}
}
