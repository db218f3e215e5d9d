package sipmsg

import (
	"bytes"
	"encoding/binary"
	"net/netip"
)

// MaxLine is the length of a header line, its folds included, over which QuirkLongLine says
// so. It is what common servers take: RFC 3261 has no limit.
const MaxLine = 8 << 10

// Inspect returns what was unusual, Check included, and whether the values of the header
// fields are as the grammar of RFC 3261, section 25.1, has them. It takes longer than Check
// and does not allocate.
func (m *Message) Inspect() Quirks {
	q := m.Check() | m.inspectOctets() | m.inspectMissing()
	if m.IsRequest() {
		q |= m.inspectRequestURI()
	}
	for i := range m.fields {
		f := &m.fields[i]
		if f.valueEnd-f.name > MaxLine {
			q |= QuirkLongLine
		}
		if f.id != Other {
			q |= inspectField(f.id, m.raw[f.value:f.valueEnd])
		}
	}
	return q | m.inspectTags()
}

// inspectOctets looks for control characters in the header section, in steps of eight octets of which mostly none may be one.
func (m *Message) inspectOctets() (q Quirks) {
	rest := m.raw[m.start : len(m.raw)-len(m.Body)]
	for ; len(rest) >= 8; rest = rest[8:] {
		if mayHoldControl(binary.LittleEndian.Uint64(rest)) {
			q |= controls(rest[:8], rest)
		}
	}
	return q | controls(rest, rest)
}

// controls looks for control characters among the first octets of what is left of a header section.
func controls(some, left []byte) (q Quirks) {
	for i, c := range some {
		switch {
		case c >= ' ' && c != 0x7f || c == '\t' || c == '\n' || c == 0: // NUL is a quirk of its own
		case c == '\r':
			if i+1 < len(left) && left[i+1] != '\n' {
				q |= QuirkCRAlone
			}
		default:
			q |= QuirkControl
		}
	}
	return q
}

// mayHoldControl reports whether one of eight octets may be a control character; that none is, is sure.
func mayHoldControl(w uint64) bool {
	del := w ^ 0x7f*eachOne
	return ((w-' '*eachOne)&^w|(del-eachOne)&^del)&eachHigh != 0
}

// inspectMissing looks for what should be there, besides what Check looks for. Of a header
// section that does not end nobody knows.
func (m *Message) inspectMissing() (q Quirks) {
	if m.quirks&QuirkUnterminated != 0 {
		return 0
	}
	if m.IsRequest() && !m.Has(MaxForwards) {
		q |= QuirkMaxForwardsNone
	}
	if !m.Has(ContentLength) {
		q |= QuirkContentLengthNone
	}
	if len(m.Body) > 0 && !m.Has(ContentType) {
		if n, ok := m.ContentLength(); !ok || n > 0 { // octets behind the body have no type
			q |= QuirkContentTypeNone
		}
	}
	_, _, _, method := m.CSeq()
	accepted := m.StatusCode >= 200 && m.StatusCode < 300
	if string(method) == "INVITE" && (accepted || string(m.Method) == "INVITE") && !m.Has(Contact) {
		q |= QuirkContactNone
	}
	return q
}

func (m *Message) inspectRequestURI() (q Quirks) {
	u := ParseURI(m.RequestURI)
	if u.Headers != nil {
		q |= QuirkRequestURIHeaders
	}
	if !isURI(m.RequestURI) {
		q |= QuirkRequestURI
	}
	return q | colons(u.Host)
}

// inspectTags looks at what tells dialogs and transactions apart.
func (m *Message) inspectTags() (q Quirks) {
	if m.Has(From) && len(m.Tag(From)) == 0 {
		q |= QuirkFromTag
	}
	if m.StatusCode > 100 && m.Has(To) && len(m.Tag(To)) == 0 {
		q |= QuirkToTag
	}
	if m.Has(Via) {
		const cookie = "z9hG4bK"
		switch branch := m.Branch(); {
		case len(branch) < len(cookie) || string(branch[:len(cookie)]) != cookie:
			q |= QuirkBranchCookie
		case len(branch) == len(cookie):
			q |= QuirkBranchEmpty
		}
	}
	return q
}

// inspectField looks at the value of one field.
func inspectField(id ID, v []byte) (q Quirks) {
	switch id {
	case Via:
		return inspectEach(v, inspectVia)
	case From:
		return inspectAddress(v, QuirkFrom)
	case To:
		return inspectAddress(v, QuirkTo)
	case Contact:
		return inspectEach(v, inspectContact)
	case Route, RecordRoute, Path, ServiceRoute:
		return inspectEach(v, inspectRoute)
	case PAssertedIdentity, PPreferredIdentity, PAssociatedURI, Diversion, HistoryInfo, RemotePartyID:
		return inspectEach(v, func(v []byte) Quirks { return inspectAddress(v, QuirkAddress) })
	case PCalledPartyID, ReferTo, ReferredBy, ReplyTo:
		return inspectAddress(v, QuirkAddress)
	case MaxForwards:
		if n, ok := Number(v); !ok || n > 255 {
			return QuirkMaxForwards
		} else if n == 0 {
			return QuirkMaxForwardsZero
		}
	case Expires, MinExpires:
		if _, ok := Number(v); !ok {
			return QuirkExpires
		}
	case RetryAfter:
		if !ParseRetryAfter(v).HasSeconds {
			return QuirkRetryAfter
		}
	case RSeq, RAck, SessionExpires, MinSE:
		if !hasNumber(id, v) {
			return QuirkNumber
		}
	case Warning:
		return inspectEach(v, inspectWarning)
	case Date:
		if !isDate(v) {
			return QuirkDate
		}
	}
	return 0
}

func hasNumber(id ID, v []byte) bool {
	switch id {
	case RSeq:
		_, ok := Number(v)
		return ok
	case RAck:
		r := ParseRAck(v)
		return r.HasRSeq && r.HasCSeq && len(r.Method) > 0
	default:
		return ParseSessionExpires(v).HasInterval
	}
}

// inspectEach looks at each element of a list.
func inspectEach(v []byte, f func([]byte) Quirks) (q Quirks) {
	for len(v) > 0 {
		var element []byte
		if element, v = nextElement(v); len(element) > 0 {
			q |= f(element)
		}
	}
	return q
}

var broadcast = netip.AddrFrom4([4]byte{255, 255, 255, 255})

func inspectVia(v []byte) (q Quirks) {
	h := ParseVia(v)
	if len(h.Transport) == 0 || !isHost(h.Host) || h.PortText != nil && !h.HasPort || !areParams(h.Params, &isHeaderParam) {
		q |= QuirkVia
	}
	if addr, ok := h.HostAddr(); ok && addr == broadcast {
		q |= QuirkBroadcast
	}
	return q | colons(h.Host) | openQuote(v)
}

// inspectAddress looks at a name-addr or addr-spec; malformed is the quirk of its field.
func inspectAddress(v []byte, malformed Quirks) (q Quirks) {
	if !isAddress(v) {
		q |= malformed
	}
	if bytes.Contains(v, threeColons) { // mostly not, and then the URI need not be parsed again
		q |= colons(ParseURI(ParseAddress(v).URI).Host)
	}
	return q | openQuote(v)
}

func inspectContact(v []byte) (q Quirks) {
	a := ParseAddress(v)
	if a.IsStar() {
		return 0
	}
	if _, present, ok := a.Params.Expires(); present && !ok {
		q |= QuirkExpires
	}
	return q | inspectAddress(v, QuirkContact)
}

// inspectRoute looks at a route: it is a name-addr, never an addr-spec. RFC 3261, section
// 20.34.
func inspectRoute(v []byte) (q Quirks) {
	if indexAngle(v) < 0 {
		return QuirkRoute
	}
	return inspectAddress(v, QuirkRoute)
}

func inspectWarning(v []byte) (q Quirks) {
	w := ParseWarning(v)
	if n := len(v) - 1; !w.HasCode || len(w.Agent) == 0 || n < 1 || v[n] != '"' || w.Text == nil {
		q |= QuirkWarning
	}
	return q | openQuote(v)
}

// colons looks for the three colons that the grammar of RFC 3261 once allowed.
func colons(host []byte) Quirks {
	if bytes.Contains(host, threeColons) {
		return QuirkIPv6Colons
	}
	return 0
}

var threeColons = []byte(":::")

// openQuote looks for a quoted string that is never closed.
func openQuote(v []byte) Quirks {
	if bytes.IndexByte(v, '"') < 0 {
		return 0
	}
	quoted := false
	for i := 0; i < len(v); i++ {
		switch c := v[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		}
	}
	if quoted {
		return QuirkQuote
	}
	return 0
}

// isAddress reports whether v is ( name-addr / addr-spec ) *( SEMI generic-param ). An
// addr-spec with a comma, a semicolon or a question mark needs angle brackets: RFC 3261,
// section 20.
func isAddress(v []byte) bool {
	v = trimSpace(v)
	open := indexAngle(v)
	if open < 0 {
		a := ParseAddress(v)
		return isURI(a.URI) && bytes.IndexByte(a.URI, '?') < 0 && areParams(a.Params, &isHeaderParam)
	}
	if !isDisplayName(trimSpace(v[:open])) {
		return false
	}
	v = v[open+1:]
	end := bytes.IndexByte(v, '>')
	return end >= 0 && isURI(v[:end]) && areParams(Params(v[end+1:]), &isHeaderParam)
}

// isDisplayName reports whether b is a quoted string, or tokens and white space.
func isDisplayName(b []byte) bool {
	if len(b) > 0 && b[0] == '"' {
		return scanQuoted(b, 0) == len(b)
	}
	for _, c := range b {
		if !isToken[c] && !isSpace(c) {
			return false
		}
	}
	return true
}

// scanQuoted returns the end of the quoted string that starts at b[n], or n if it is never
// closed.
func scanQuoted(b []byte, n int) int {
	for i := n + 1; i < len(b); i++ {
		switch b[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return n
}

// isURI reports whether b is a URI of its scheme. It is not strict about host names and
// telephone numbers.
func isURI(b []byte) bool {
	for i, c := range b {
		if !isURIOctet[c] || c == '%' && (i+2 >= len(b) || hexValue[b[i+1]] < 0 || hexValue[b[i+2]] < 0) {
			return false
		}
	}
	u := ParseURI(b)
	switch u.Scheme {
	case SchemeNone:
		return false
	case SchemeTel:
		return len(u.User) > 0 && areParams(u.Params, &isURIParam)
	case SchemeURN, SchemeUnknown:
		return len(u.Opaque) > 0
	}
	return isHost(u.Host) && (u.PortText == nil || u.HasPort) && areParams(u.Params, &isURIParam)
}

// isURIOctet marks unreserved, reserved, the per cent sign of escapes, and the brackets of
// IPv6 references: RFC 3261, section 25.1.
var isURIOctet = classOf(upper + lower + digits + "-_.!~*'()" + ";/?:@&=+$," + "%[]")

// isHostName marks the octets of a host name. The underscore is none of them in RFC 3261,
// and is in many networks.
var isHostName = classOf(upper + lower + digits + "-._")

// isHost reports whether b is a host: a name, an IPv4 address, or an IPv6 reference.
func isHost(b []byte) bool {
	if len(b) > 0 && b[0] == '[' {
		_, ok := parseAddr(b)
		return ok
	}
	for _, c := range b {
		if !isHostName[c] {
			return false
		}
	}
	return len(b) > 0
}

// isHeaderParam marks the octets of a token or a host: what a generic-param may be made of
// without quotes. A received address may lack its brackets: RFC 5118, section 4.5.
var isHeaderParam = classOf(upper + lower + digits + "-.!%*_+`'~" + "[:]")

// isURIParam marks the octets of a paramchar: RFC 3261, section 25.1.
var isURIParam = classOf(upper + lower + digits + "-_.!~*'()" + "[]/:&+$" + "%")

// areParams reports whether p is *( SEMI name [ EQUAL value ] ), names and values of the
// octets in plain; a value may be quoted.
func areParams(p Params, plain *class) bool {
	b := []byte(p)
	for n := scanSpace(b); n < len(b); n += scanSpace(b[n:]) {
		if b[n] != ';' {
			return false
		}
		n++
		n += scanSpace(b[n:])
		end := scanClass(b, n, plain)
		if end == n {
			return false
		}
		n = end
		eq := n + scanSpace(b[n:])
		if eq == len(b) || b[eq] != '=' {
			continue
		}
		n = eq + 1
		n += scanSpace(b[n:])
		if n < len(b) && b[n] == '"' {
			end = scanQuoted(b, n)
		} else {
			end = scanClass(b, n, plain)
		}
		if end <= n {
			return false
		}
		n = end
	}
	return true
}

// scanClass returns the end of the octets of a class that start at b[n].
func scanClass(b []byte, n int, c *class) int {
	for n < len(b) && c[b[n]] {
		n++
	}
	return n
}

// isDate reports whether v is a SIP-date: RFC 3261, section 25.1.
func isDate(v []byte) bool {
	const form = "Www, 00 Mmm 0000 00:00:00 GMT"
	if len(v) != len(form) {
		return false
	}
	for i := range form {
		switch c := form[i]; {
		case c == '0':
			if !isDigit(v[i]) {
				return false
			}
		case i < 3 || i > 7 && i < 11: // names of days and months
		case v[i] != c:
			return false
		}
	}
	return isName(v[:3], days) && isName(v[8:11], months)
}

const (
	days   = "MonTueWedThuFriSatSun"
	months = "JanFebMarAprMayJunJulAugSepOctNovDec"
)

func isName(b []byte, names string) bool {
	for i := 0; i < len(names); i += 3 {
		if string(b) == names[i:i+3] {
			return true
		}
	}
	return false
}
