package sdp

import (
	"bytes"
	"net/netip"
)

// An Origin is who made a description: o=. RFC 8866, section 5.2. Address type and address
// are as written; what they say is often private or made up, and nothing is sent there.
type Origin struct {
	Line           int // 0 for none
	User           []byte
	SessionID      []byte // digits, of any length
	SessionVersion []byte // digits, of any length: see CompareVersions
	NetType        []byte
	AddrType       []byte
	Address        []byte
}

// origin reads o=. User names of several words are common enough: the last five fields are
// counted from the end.
func (s *Session) origin(line int, v []byte) {
	o := &s.Origin
	*o = Origin{Line: line}
	var last [6][]byte // a ring of the last six fields
	n, first := 0, 0   // fields, and the offset of the one after the user name
	f := fields{rest: v}
	for {
		field := f.next()
		if field == nil {
			break
		}
		last[n%6] = field
		n++
	}
	if f.odd {
		s.complain(line, RuleSpace)
	}
	at := func(i int) []byte { return last[i%6] }
	switch {
	case n > 6: // a user name of several words: it ends where the fifth field from the end begins
		s.complain(line, RuleOriginUser)
		end := len(v)
		for range 5 {
			end = lastField(v, end)
		}
		o.User = trimRight(v[:end])
		first = n - 5
	case n == 5 && equalFold(at(2), "IN"):
		s.complain(line, RuleOriginUser)
	default:
		if n < 6 {
			s.complain(line, RuleOrigin)
		}
		if n > 0 {
			o.User = at(0)
		}
		first = 1
	}
	for i, p := range [...]*[]byte{&o.SessionID, &o.SessionVersion, &o.NetType, &o.AddrType, &o.Address} {
		if first+i < n {
			*p = at(first + i)
		}
	}
	if o.SessionID != nil && scanDigits(o.SessionID, 0) < len(o.SessionID) {
		s.complain(line, RuleSessionID)
	}
	if o.SessionVersion != nil && scanDigits(o.SessionVersion, 0) < len(o.SessionVersion) {
		s.complain(line, RuleSessVer)
	}
}

// lastField returns where the last field of v[:end] begins.
func lastField(v []byte, end int) int {
	for end > 0 && isBlank(v[end-1]) {
		end--
	}
	for end > 0 && !isBlank(v[end-1]) {
		end--
	}
	return end
}

// SessionNumber returns the session id where it is a number of 64 bits.
func (o *Origin) SessionNumber() (n uint64, ok bool) { return number64(o.SessionID) }

// SameSession reports whether two descriptions of one side are of one session: all of the
// origin but the version is equal. RFC 3264, section 8.
func (o *Origin) SameSession(p *Origin) bool {
	return bytes.Equal(o.User, p.User) && bytes.Equal(o.SessionID, p.SessionID) && bytes.Equal(o.NetType, p.NetType) &&
		bytes.Equal(o.AddrType, p.AddrType) && bytes.Equal(o.Address, p.Address)
}

// CompareVersions compares two versions of o=, which may have any number of digits. The
// result is negative where a is lower, 0 where they are equal, and positive where a is
// higher; ok is false where one of them is no number.
func CompareVersions(a, b []byte) (order int, ok bool) {
	if len(a) == 0 || len(b) == 0 || scanDigits(a, 0) < len(a) || scanDigits(b, 0) < len(b) {
		return 0, false
	}
	a, b = bytes.TrimLeft(a, "0"), bytes.TrimLeft(b, "0")
	if len(a) != len(b) {
		return len(a) - len(b), true
	}
	return bytes.Compare(a, b), true
}

// isNext reports whether b is the number a and one, both of any number of digits.
func isNext(a, b []byte) bool {
	a, b = bytes.TrimLeft(a, "0"), bytes.TrimLeft(b, "0")
	nines := 0
	for nines < len(a) && a[len(a)-1-nines] == '9' {
		nines++
	}
	for i := range min(nines, len(b)) {
		if b[len(b)-1-i] != '0' {
			return false
		}
	}
	if nines == len(a) {
		return len(b) == nines+1 && b[0] == '1'
	}
	i := len(a) - 1 - nines
	return len(b) == len(a) && b[i] == a[i]+1 && bytes.Equal(a[:i], b[:i])
}

//go:noinline
func number64(v []byte) (uint64, bool) { return number(v, 1<<64-1) }

// A Connection is where media is to be sent: c=. RFC 8866, section 5.7.
type Connection struct {
	Line     int        // 0 for none
	NetType  []byte     // IN
	AddrType []byte     // IP4 or IP6
	Address  []byte     // as written, with TTL and count
	Addr     netip.Addr // not valid where Address is a name, or nothing
	TTL      int        // of an IPv4 multicast address, -1 for none
	Count    int        // of multicast addresses, 1 where none is given
}

func (s *Session) connection(line int, v []byte) (c Connection) {
	c = Connection{Line: line, TTL: -1, Count: 1}
	f := fields{rest: v}
	c.NetType = f.next()
	short := equalFold(c.NetType, "IP4") || equalFold(c.NetType, "IP6")
	if short { // IN is left off
		c.NetType, c.AddrType = nil, c.NetType
	} else {
		c.AddrType = f.next()
	}
	c.Address = f.next()
	if short || c.Address == nil || len(f.rest) > 0 {
		s.complain(line, RuleConnection)
	}
	if f.odd {
		s.complain(line, RuleSpace)
	}
	host, rest, slash := cutByte(c.Address, '/')
	c.Addr = parseAddr(host)
	if len(c.Address) > 0 && !fits(c.AddrType, host, c.Addr) {
		s.complain(line, RuleAddrType)
	}
	v4 := !equalFold(c.AddrType, "IP6")
	if v4 && slash { // TTL, then count
		var ttl []byte
		ttl, rest, slash = cutByte(rest, '/')
		if n, ok := number(ttl, 255); ok {
			c.TTL = int(n)
		}
	}
	if v4 && c.Addr.IsValid() && (c.TTL >= 0) != c.Addr.IsMulticast() {
		s.complain(line, RuleTTL)
	}
	if slash && c.Addr.IsValid() {
		if n, ok := number(rest, 1<<16); ok && n > 0 {
			c.Count = int(n)
		} else {
			s.complain(line, RuleAddrCount)
		}
	}
	return c
}

// fits reports whether an address may stand behind a type of address. Names fit both.
func fits(addrType, host []byte, a netip.Addr) bool {
	switch {
	case equalFold(addrType, "IP4"):
		return a.Is4() || !a.IsValid() && isName(host)
	case equalFold(addrType, "IP6"):
		return a.Is6() || !a.IsValid() && isName(host)
	}
	return !a.IsValid() // another type says what it likes
}

// isName reports whether v may be a domain name: it has a letter, and no colon.
func isName(v []byte) bool {
	letter := false
	for _, c := range v {
		letter = letter || isLetter(c)
		if !isLetter(c) && !isDigit(c) && c != '.' && c != '-' && c != '_' && c < 0x80 {
			return false
		}
	}
	return letter
}

// maxAddr bounds the text of an address: eight groups, the last two as IPv4.
const maxAddr = 45

// parseAddr reads an address, and gives the zero Addr for everything else. Most are IPv4,
// which needs no string.
func parseAddr(v []byte) netip.Addr {
	if a, ok := parseIPv4(v); ok {
		return a
	}
	if len(v) > maxAddr || bytes.IndexByte(v, ':') < 0 || bytes.IndexByte(v, '%') >= 0 {
		return netip.Addr{}
	}
	a, _ := netip.ParseAddr(string(v))
	return a
}

// parseIPv4 reads four numbers without leading zeros: those may be octal or may not.
func parseIPv4(v []byte) (netip.Addr, bool) {
	var a [4]byte
	for i := range a {
		end := scanDigits(v, 0)
		n, ok := number(v[:end], 255)
		if !ok || end > 1 && v[0] == '0' || (end < len(v)) != (i < 3) || i < 3 && v[end] != '.' {
			return netip.Addr{}, false
		}
		a[i] = byte(n)
		v = v[min(end+1, len(v)):]
	}
	return netip.AddrFrom4(a), true
}

// A Bandwidth is what a session or its media may take: b=. RFC 8866, section 5.8. AS and CT
// are in kilobits a second, TIAS, RS and RR in bits a second.
type Bandwidth struct {
	Line  int
	Type  []byte
	Text  []byte // as written
	Value uint64 // 0 where Text is no number of 64 bits
}

func (s *Session) bandwidth(line int, v []byte) {
	b := Bandwidth{Line: line}
	var ok bool
	b.Type, b.Text, _ = cutByte(v, ':')
	b.Value, ok = number64(b.Text)
	if !ok || scanToken(b.Type, 0) < len(b.Type) || len(b.Type) == 0 {
		s.complain(line, RuleBandwidth)
	}
	s.bandwidths = append(s.bandwidths, b)
}

// A Timing is when a session takes place: t=, in seconds since 1900, 0 for always.
// RFC 8866, section 5.9.
type Timing struct {
	Line        int
	Start, Stop []byte // as written
}

func (s *Session) timing(line int, v []byte) {
	f := fields{rest: v}
	t := Timing{Line: line, Start: f.next(), Stop: f.next()}
	_, start := number64(t.Start)
	_, stop := number64(t.Stop)
	if !start || !stop || len(f.rest) > 0 {
		s.complain(line, RuleTime)
	}
	if f.odd {
		s.complain(line, RuleSpace)
	}
	s.Timings = append(s.Timings, t)
}
