package clean

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"github.com/sipsight/sipsight/sipmsg"
)

// mask stands for a secret.
const mask = "***"

// AppendValue appends the value of a header field without its secrets: the response and
// the nonces of the client in digest credentials, other credentials whole, and passwords
// in SIP URIs. Line folds are undone.
func AppendValue(dst []byte, f sipmsg.Field) []byte {
	v := f.Value
	if bytes.IndexByte(v, '\n') >= 0 {
		v = sipmsg.AppendUnfolded(nil, v)
	}
	switch f.ID {
	case sipmsg.Authorization, sipmsg.ProxyAuthorization:
		return appendCredentials(dst, v)
	case sipmsg.AuthenticationInfo, sipmsg.WWWAuthenticate, sipmsg.ProxyAuthenticate:
		return appendMaskedParams(dst, v)
	case sipmsg.Other:
		return appendOther(dst, f.Name, v)
	}
	return AppendURIs(dst, v)
}

// appendOther appends the value of a field of unknown name. Names that speak of
// authorization, such as Proxy-Authentication-Info or a misspelt Authorization, are
// taken for what they resemble; a line without a colon has all it says in its value.
func appendOther(dst, name, v []byte) []byte {
	if len(name) == 0 {
		name = v
	}
	switch name = bytes.ToLower(name); {
	case bytes.Contains(name, []byte("authorization")):
		return appendCredentials(dst, v)
	case bytes.Contains(name, []byte("auth")):
		return appendMaskedParams(dst, v)
	}
	return AppendURIs(dst, v)
}

// appendCredentials appends credentials: RFC 3261, section 25.1. Only those of the digest
// scheme have parts that may be shown; what has no scheme is a secret as a whole.
func appendCredentials(dst, v []byte) []byte {
	n := 0
	for n < len(v) && schemeChar[v[n]] {
		n++
	}
	params := n
	for params < len(v) && (v[params] == ' ' || v[params] == '\t') {
		params++
	}
	switch {
	case len(v) == 0:
		return dst
	case n == 0 || params == n:
		return append(dst, mask...)
	}
	dst = append(dst, v[:params]...)
	if bytes.EqualFold(v[:n], []byte("Digest")) {
		return appendMaskedParams(dst, v[params:])
	}
	return append(dst, mask...)
}

// secretParams are the parameters of digest fields that are masked. The nonce and what
// it was asked with stay: they tell loops and reuse.
var secretParams = map[string]bool{"response": true, "cnonce": true, "nextnonce": true, "rspauth": true, "auts": true, "ik": true, "ck": true}

// appendMaskedParams appends name=value pairs. They should be separated by commas, but a
// secret name is found wherever it stands; its value ends at the next comma.
func appendMaskedParams(dst, v []byte) []byte {
	for n := 0; ; {
		eq := bytes.IndexByte(v[n:], '=')
		if eq < 0 {
			return AppendURIs(dst, v)
		}
		if n += eq + 1; !secretParams[string(bytes.ToLower(lastName(v[:n-1])))] {
			continue
		}
		dst = append(AppendURIs(dst, v[:n]), `"`+mask+`"`...)
		v = v[n:]
		v = v[endOfParam(v):]
		n = 0
	}
}

// lastName returns the name that stands at the end of v, without the blanks behind it.
func lastName(v []byte) []byte {
	v = bytes.TrimRight(v, " \t")
	n := len(v)
	for n > 0 && schemeChar[v[n-1]] {
		n--
	}
	return v[n:]
}

// endOfParam returns the place of the first comma outside of quotes.
func endOfParam(v []byte) int {
	quoted := false
	for i := 0; i < len(v); i++ {
		switch c := v[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case c == ',' && !quoted:
			return i
		}
	}
	return len(v)
}

// AppendURIs appends v with the passwords of its SIP URIs masked, and credentials in their header
// fields. A user part counts as user:password only if it plainly is one: a colon, and behind it
// nothing but the characters of a password up to the @.
func AppendURIs(dst, v []byte) []byte {
	for v = maskURIHeaders(v); ; {
		n := afterScheme(v)
		if n < 0 {
			return append(dst, v...)
		}
		dst = append(dst, v[:n]...)
		v = v[n:]
		if colon, at := password(v); at > 0 {
			dst = append(append(dst, v[:colon+1]...), mask...)
			v = v[at:]
		}
	}
}

// MayHoldSecret reports whether AppendURIs may change v: it never does where this is false.
// A password has a colon in front of it, and so has its URI; header fields stand behind a
// question mark.
func MayHoldSecret(v []byte) bool { return bytes.Count(v, colon) > 1 || bytes.IndexByte(v, '?') >= 0 }

var colon = []byte(":")

// afterScheme returns where the next "sip:" or "sips:" of v ends, or -1.
func afterScheme(v []byte) int {
	for i := 0; ; {
		c := bytes.IndexByte(v[i:], ':')
		if c < 0 {
			return -1
		}
		i += c + 1
		s := v[:i-1]
		if n := len(s); n >= 4 && bytes.EqualFold(s[n-4:], []byte("sips")) {
			s = s[:n-1]
		}
		if n := len(s); n >= 3 && bytes.EqualFold(s[n-3:], []byte("sip")) && (n == 3 || !schemeChar[s[n-4]]) {
			return i
		}
	}
}

// Names and passwords may be of any script: what is not ASCII should be escaped in a URI, and
// often is not.
var schemeChar, passwordChar, userChar = set("+-."), set("-_.!~*'()%&=+$," + beyondASCII), set("-_.!~*'()%&=+$,;?/#" + beyondASCII)

var beyondASCII = func() string {
	var b [128]byte
	for i := range b {
		b[i] = utf8.RuneSelf + byte(i)
	}
	return string(b[:])
}()

//go:noinline
func set(more string) (s [256]bool) {
	for c := byte('0'); c <= 'z'; c++ {
		s[c] = c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a'
	}
	for i := 0; i < len(more); i++ {
		s[more[i]] = true
	}
	return
}

// password finds the colon and the @, or the end, around a password at the start of v; at is 0
// where there is none.
func password(v []byte) (colon, at int) {
	for colon < len(v) && userChar[v[colon]] {
		colon++
	}
	if colon == 0 || colon == len(v) || v[colon] != ':' {
		return 0, 0
	}
	for at = colon + 1; at < len(v) && passwordChar[v[at]]; at++ {
	}
	switch {
	case at == colon+1:
		return 0, 0
	case at == len(v): // cut off: what is no port may be a password
		if len(bytes.Trim(v[colon+1:], "0123456789")) == 0 {
			return 0, 0
		}
	case v[at] != '@':
		return 0, 0
	}
	return colon, at
}

// secretHeaders are the header fields that are masked in URIs: <sip:bob@h?Authorization=…> asks
// whoever follows it to send them. RFC 3261, section 19.1.1.
var secretHeaders = map[string]bool{"authorization": true, "proxy-authorization": true, "authentication-info": true, "proxy-authentication-info": true}

// maskURIHeaders returns v with the values of secret header fields of URIs masked: v itself where there
// are none.
func maskURIHeaders(v []byte) []byte {
	if bytes.IndexByte(v, '?') < 0 {
		return v
	}
	var out []byte
	from, angle := 0, false
	for i := 0; ; {
		n := bytes.IndexAny(v[i:], "?&")
		if n < 0 {
			break
		}
		i += n + 1
		if n = secretHeader(v[i:]); n == 0 {
			continue
		}
		i += n
		if k := bytes.LastIndexAny(v[from:i], "<>"); k >= 0 {
			angle = v[from+k] == '<'
		}
		out = append(append(out, v[from:i]...), mask...)
		i += endOfURIHeader(v[i:], angle)
		from = i
	}
	if out == nil {
		return v
	}
	return append(out, v[from:]...)
}

// secretHeader returns the length of the name of a secret header field at the start of v, with the
// equals sign behind it, and 0 where there is none. Names may have percent-encoded letters.
func secretHeader(v []byte) int {
	var room [32]byte
	name := room[:0]
	for i := 0; i < len(v) && len(name) < len(room); i++ {
		c := v[i]
		if c == '=' {
			if secretHeaders[string(name)] {
				return i + 1
			}
			return 0
		}
		if c == '%' && i+2 < len(v) {
			c = hexDigit(v[i+1])<<4 | hexDigit(v[i+2])
			i += 2
		}
		name = append(name, c|0x20)
	}
	return 0
}

// hexDigit returns the value of a hexadecimal digit; of anything else, whatever.
func hexDigit(c byte) byte {
	if c > '9' {
		c += 9
	}
	return c & 15
}

// endOfURIHeader returns where the value of a header field in a URI ends. What should be escaped in it often is not: between
// angle brackets it goes on to the next one.
func endOfURIHeader(v []byte, angle bool) int {
	ends := " \t\r\n&<>"
	if angle {
		ends = "&<>"
	}
	if n := bytes.IndexAny(v, ends); n >= 0 {
		return n
	}
	return len(v)
}

// AppendMessage appends a whole message without its secrets. Bodies of MESSAGE requests
// are what people wrote to each other, and are left out.
func AppendMessage(dst []byte, m *sipmsg.Message) []byte {
	raw := m.Raw()
	base := m.Offset()
	dst = AppendURIs(dst, m.StartLine)
	n := len(m.StartLine)
	for f := range m.Fields() {
		value := f.ValueOff - base
		dst = append(dst, raw[n:value]...)
		dst = AppendValue(dst, f)
		n = value + len(f.Value)
	}
	head := len(raw) - len(m.Body)
	dst = appendRest(dst, raw[n:head], m.Quirks())
	if len(m.Body) == 0 {
		return dst
	}
	if bytes.EqualFold(m.Method, []byte("MESSAGE")) {
		return append(dst, mask...)
	}
	return appendBody(dst, m)
}

// appendRest appends what stands in the header section behind the last field: the empty
// line, a header line that was cut off, or what was too much to be kept.
func appendRest(dst, rest []byte, q sipmsg.Quirks) []byte {
	line := bytes.TrimLeft(rest, "\r\n")
	if len(line) == 0 {
		return append(dst, rest...)
	}
	dst = append(dst, rest[:len(rest)-len(line)]...)
	if q&sipmsg.QuirkFieldLimit != 0 {
		end := bytes.TrimRight(line, "\r\n")
		return append(append(dst, mask...), line[len(end):]...)
	}
	colon := bytes.IndexByte(line, ':')
	name := bytes.TrimRight(line[:max(colon, 0)], " \t")
	value := bytes.TrimLeft(line[colon+1:], " \t\r\n")
	dst = append(dst, line[:len(line)-len(value)]...)
	return AppendValue(dst, sipmsg.Field{ID: sipmsg.Lookup(name), Name: name, Value: value})
}

// secretTypes are the media types of bodies that hold digits alone.
var secretTypes = map[string]bool{
	"application/dtmf":                      true,
	"application/kpml-response+xml":         true, // RFC 4730
	"application/vnd.nortelnetworks.digits": true,
	"audio/telephone-event":                 true,
}

// appendBody appends a body with the lines masked that hold keys and digits.
func appendBody(dst []byte, m *sipmsg.Message) []byte {
	v, _ := m.First(sipmsg.ContentType)
	mediaType, _, _ := bytes.Cut(v, []byte(";"))
	if secretTypes[string(bytes.ToLower(bytes.TrimSpace(mediaType)))] {
		return append(dst, mask...)
	}
	return AppendBodyText(dst, m.Body)
}

// AppendBodyText appends text from a body, such as a session description, with the lines
// masked that hold keys and digits.
func AppendBodyText(dst, b []byte) []byte {
	secret := false
	for len(b) > 0 {
		n := bytes.IndexAny(b, "\r\n")
		if n < 0 {
			n = len(b)
		}
		if secret = secret && n > 0 && (b[0] == ' ' || b[0] == '\t'); secret { // folded
			dst = append(dst, mask...)
		} else {
			dst, secret = appendBodyLine(dst, b[:n])
		}
		for n < len(b) && (b[n] == '\r' || b[n] == '\n') {
			dst = append(dst, b[n])
			n++
		}
		b = b[n:]
	}
	return dst
}

// secretLines are the names at the start of body lines whose rest is a secret, and what
// stands behind the name: SDP keys (RFC 8866, 4568, 4567, 8839), the digit of a
// dtmf-relay body, credentials in a SIP message that is a body. Where until is set, the
// secret begins behind it.
var secretLines = []struct{ name, sep, until string }{
	{"k", "=", ""},
	{"a=crypto", ":", "inline:"},
	{"a=cryptoscale", ":", "inline:"},
	{"a=ice-pwd", ":", ""},
	{"a=key-mgmt", ":", ""},
	{"signal", "=:", ""},
	{"authorization", ":", ""},
	{"proxy-authorization", ":", ""},
	{"authentication-info", ":", ""},
	{"proxy-authentication-info", ":", ""},
}

// appendBodyLine appends one line, and reports whether it held a secret.
func appendBodyLine(dst, line []byte) (out []byte, secret bool) {
	for _, s := range secretLines {
		n := len(s.name)
		if len(line) < n || !bytes.EqualFold(line[:n], []byte(s.name)) {
			continue
		}
		for n < len(line) && (line[n] == ' ' || line[n] == '\t') {
			n++
		}
		if n == len(line) || strings.IndexByte(s.sep, line[n]) < 0 {
			continue
		}
		n++
		if s.until != "" {
			if i := indexFold(line, s.until); i >= 0 {
				n = i + len(s.until)
			}
		}
		return append(append(dst, line[:n]...), mask...), true
	}
	return appendAttribute(dst, line)
}

// appendAttribute appends a line of none of these names. Attributes that vendors made up
// name their keys as those of SDES do, and the candidates of the first drafts of ICE, which
// are still in use (MS-ICE), hold a password where those of RFC 8839 have a transport.
func appendAttribute(dst, line []byte) (out []byte, secret bool) {
	if len(line) == 0 || line[0]|0x20 != 'a' {
		return AppendURIs(dst, line), false
	}
	value := bytes.TrimLeft(line[1:], " \t")
	if len(value) == 0 || value[0] != '=' {
		return AppendURIs(dst, line), false
	}
	const inline, candidate = "inline:", "candidate:"
	if i := indexFold(line, inline); i >= 0 {
		return append(append(dst, line[:i+len(inline)]...), mask...), true
	}
	value = bytes.TrimLeft(value[1:], " \t")
	if len(value) < len(candidate) || !bytes.EqualFold(value[:len(candidate)], []byte(candidate)) {
		return AppendURIs(dst, line), false
	}
	i := len(line) - len(value) + len(candidate)
	for range 2 {
		_, i = word(line, i)
	}
	start, end := word(line, i)
	if start == end || transports[string(bytes.ToLower(line[start:end]))] {
		return AppendURIs(dst, line), false
	}
	return append(append(append(dst, line[:start]...), mask...), line[end:]...), end == len(line)
}

// word returns where the next word of a line begins and ends.
func word(line []byte, i int) (start, end int) {
	for i < len(line) && (line[i] == ' ' || line[i] == '\t') {
		i++
	}
	for start = i; i < len(line) && line[i] != ' ' && line[i] != '\t'; i++ {
	}
	return start, i
}

// transports are those of candidates: RFC 8839, section 5.1; RFC 6544 and its drafts. What
// stands in their place and is none of them may be a password.
var transports = map[string]bool{"udp": true, "tcp": true, "tcp-act": true, "tcp-pass": true, "tcp-so": true, "ssltcp": true, "tls": true, "dtls": true, "sctp": true}

// indexFold is bytes.Index without regard to case. Lower-casing b first would move what
// stands behind octets that are not UTF-8.
func indexFold(b []byte, s string) int {
	for i := 0; i+len(s) <= len(b); i++ {
		if bytes.EqualFold(b[i:i+len(s)], []byte(s)) {
			return i
		}
	}
	return -1
}
