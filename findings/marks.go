package findings

import (
	"bytes"
	"hash/maphash"
	"net/netip"
	"slices"
	"time"

	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/sipmsg"
)

// marks are what the octets of a message show while they are at hand. A leg is over a minute after
// its last message, and reading octets again that long after costs more than all else that rules do.
// So what most messages have to be looked at for is found out at once, and rules look again where it
// is out of the ordinary, or was not found out.
type marks uint64

const (
	// strangeVia: the topmost Via of a request names another host than it came from, or maddr. Of one outside of calls: it
	// holds another address, and no NAT is why.
	strangeVia marks = 1 << iota

	// invalidContact: see mayBeInvalid.
	invalidContact

	// The caller of a first INVITE was looked at, and is named in two ways.
	judgedCaller
	oddCaller

	// A message of its kind was looked at closely, as lint does, and has a fault.
	judgedClosely
	oddClosely

	// All Record-Routes of a 2xx to an INVITE are loose; and they lead to its source, or to its
	// destination. A Route of a request may be something else than loose.
	looseRecord
	routedBySource
	routedByDestination
	oddRoute

	// A 2xx sets a session timer of longInterval or more.
	longTimer

	// A NOTIFY outside of calls says that its subscription goes on.
	stillSubscribed

	// The Contact of a 2xx to an INVITE was looked at, and is not beside its source, or a Record-Route stands before it: see beside.
	contactUsual

	// A first INVITE has a session timer shorter than what a call between its users was refused for just before.
	shortAgain

	// The bits from here on are a hash of the hosts of Routes or Record-Routes, whatever their
	// order; 0 where they were not found out. Of what subscribes outside of calls they are one of the tags.
	routeHosts = 16
)

// kept returns the marks of a message: see analysis.Options.Kept.
func (c *Collector) kept(d *analysis.Detail, m *sipmsg.Message) uint64 {
	s, g := &d.Messages[0], glanceOf(d)
	k := c.marksOf(d.Leg, g, s, m)
	g.see(s, k)
	return uint64(k)
}

// marksOf returns the marks of a message.
func (c *Collector) marksOf(l *analysis.Leg, g *glance, s *analysis.Seen, m *sipmsg.Message) marks {
	if s.Partial {
		return 0
	}
	k := c.markClosely(g, s, m)
	if s.Method == "INVITE" && (s.Request || s.Status > 100 && s.Status < 300) {
		if v, ok := m.First(sipmsg.Contact); ok && mayBeInvalid(v) {
			k |= invalidContact
		}
	}
	switch {
	case s.Request:
		k |= c.markRequest(l, s, m)
	case s.Status/100 == 2:
		k |= c.markAnswer(g, s, m)
	case s.Status == 422:
		c.refused.add(l, s, m)
	}
	return k
}

// maxTimersRefused bounds the pairs of users that are known to have had a session timer refused.
const maxTimersRefused = 1 << 10

// timersRefused are the last refusals of session timers, by users. They are known where messages pass, and not where rules are asked.
type timersRefused map[string]timerRefused

type timerRefused struct {
	at    time.Time
	least uint32
}

// add takes in a 422.
func (x *timersRefused) add(l *analysis.Leg, s *analysis.Seen, m *sipmsg.Message) {
	v, _ := m.First(sipmsg.MinSE)
	least := sipmsg.ParseSessionExpires(v)
	if !least.HasInterval {
		return
	}
	if *x == nil || len(*x) == maxTimersRefused {
		*x = make(timersRefused)
	}
	k := users(l)
	(*x)[k] = timerRefused{s.Time, max(least.Interval, (*x)[k].least)}
}

// isShort reports whether the session timer of a first INVITE is too short for what its users were told just before.
func (x timersRefused) isShort(l *analysis.Leg, s *analysis.Seen, m *sipmsg.Message) bool {
	w, ok := x[users(l)]
	if !ok || s.Time.Sub(w.at) > timeout {
		return false
	}
	v, _ := m.First(sipmsg.SessionExpires)
	se := sipmsg.ParseSessionExpires(v)
	return se.HasInterval && se.Interval < w.least
}

// asked returns the marks of a request outside of calls: see analysis.Options.Asked.
func (c *Collector) asked(e *analysis.Exchange, m *sipmsg.Message) (k uint64) {
	if e.Method == "NOTIFY" {
		v, _ := m.First(sipmsg.SubscriptionState)
		if bytes.HasPrefix(v, []byte("active")) || bytes.HasPrefix(v, []byte("pending")) {
			k |= uint64(stillSubscribed)
		}
	}
	if e.Method == "NOTIFY" || e.Method == "SUBSCRIBE" || e.Method == "REFER" {
		k |= hashOfTags(m.Tag(sipmsg.From), m.Tag(sipmsg.To)) << routeHosts
	}
	if !viaFits(m, e.Source.Addr()) && otherAddr(e, m) {
		k |= uint64(strangeVia)
	}
	return k
}

// otherAddr reports whether the topmost Via of a request holds another IP address than the one it came from, and not the
// one that a NAT maps that to.
func otherAddr(e *analysis.Exchange, m *sipmsg.Message) bool {
	via, ok := m.TopVia()
	if !ok || via.MAddr() != nil {
		return false
	}
	a, ok := via.HostAddr()
	return ok && !sameHost(a, e.Source.Addr()) && !behindNAT(e.Source.Addr(), e.Destination.Addr(), a)
}

// markRequest returns the marks of a request.
func (c *Collector) markRequest(l *analysis.Leg, s *analysis.Seen, m *sipmsg.Message) (k marks) {
	if s.Method == "ACK" {
		return 0
	}
	if !viaFits(m, s.Source.Addr()) {
		k |= strangeVia
	}
	if s.Fields.Has(sipmsg.Route) {
		k |= c.routes.marksOf(m)
	}
	if len(c.refused) > 0 && s.Fields.Has(sipmsg.SessionExpires) && isInitialINVITE(s) && c.refused.isShort(l, s, m) {
		k |= shortAgain
	}
	if namesCaller(s) && isInitialINVITE(s) {
		k |= judgedCaller
		if what, _ := callerOf(s, m); what != "" {
			k |= oddCaller
		}
	}
	return k
}

// decimals are the numbers of IPv4 addresses as they are written, their first digit in the lowest octet.
var decimals [256]uint32

func init() {
	for i := range decimals {
		for n := uint32(i); n > 0 || decimals[i] == 0; n /= 10 {
			decimals[i] = decimals[i]<<8 | '0' + n%10
		}
	}
}

// plainlyFits reports at a glance whether viaFits holds for a topmost Via: nearly all name an IPv4 address as it is
// written, and have no parameter that says otherwise.
func plainlyFits(v []byte, source netip.Addr) bool {
	v, ok := bytes.CutPrefix(v, []byte("SIP/2.0/"))
	blank := bytes.IndexByte(v, ' ')
	if !ok || blank < 0 || bytes.IndexByte(v[:blank], ',') >= 0 {
		return false
	}
	v = v[blank+1:]
	i := writtenAs(v, source)
	if i == 0 {
		return false
	}
	if i < len(v) && v[i] == ':' {
		for i++; i < len(v) && v[i]-'0' < 10; i++ {
		}
	}
	return i < len(v) && v[i] == ';' && arePlain(v[i:])
}

// writtenAs returns how many octets v begins with that are an IPv4 address as it is written, 0 where it does not begin so.
func writtenAs(v []byte, a netip.Addr) (i int) {
	if !a.Is4() {
		return 0
	}
	for k, n := range a.As4() {
		if k > 0 {
			if i == len(v) || v[i] != '.' {
				return 0
			}
			i++
		}
		for d := decimals[n]; d != 0; d >>= 8 {
			if i == len(v) || v[i] != byte(d) {
				return 0
			}
			i++
		}
	}
	return i
}

// viaFits reports whether the topmost Via of a request says where it came from.
func viaFits(m *sipmsg.Message, source netip.Addr) bool {
	v, _ := m.First(sipmsg.Via)
	if plainlyFits(v, source) {
		return true
	}
	if host, ok := plainVia(v); ok {
		addr, ok := sipmsg.URI{Host: host}.Addr()
		return ok && sameHost(addr, source)
	}
	via, ok := m.TopVia()
	if !ok || via.MAddr() != nil {
		return false
	}
	addr, ok := via.HostAddr()
	return ok && sameHost(addr, source)
}

// markAnswer returns the marks of a 2xx.
func (c *Collector) markAnswer(g *glance, s *analysis.Seen, m *sipmsg.Message) (k marks) {
	if s.Fields.Has(sipmsg.SessionExpires) {
		k |= c.timers.marksOf(m)
	}
	if s.Method != "INVITE" {
		return k
	}
	if !s.Fields.Has(sipmsg.RecordRoute) {
		if s.Vias != 1 || !contactIsBeside(m, s.Source.Addr()) {
			k |= contactUsual
		}
		return k
	}
	k |= contactUsual
	var hosts marks
	routed := looseRecord | routedBySource | routedByDestination
	first := g.traits&recorded == 0
	for v := range m.Values(sipmsg.RecordRoute) {
		x := c.routes.of(v)
		if !x.plain {
			return k
		}
		if first {
			g.rest().bypass.proxy(x.proxy)
		}
		hosts += x.hash
		if x.proxy != s.Source.Addr() {
			routed &^= routedBySource
		}
		if x.proxy != s.Destination.Addr() {
			routed &^= routedByDestination
		}
	}
	return k | routed | hosts<<routeHosts
}

// contactIsBeside reports whether the Contact of a message is another address than its source, and one of the same network: see beside.
func contactIsBeside(m *sipmsg.Message, source netip.Addr) bool {
	v, _ := m.First(sipmsg.Contact)
	if at := bytes.IndexByte(v, '@'); at >= 0 {
		if n := writtenAs(v[at+1:], source); n > 0 && !isHostByte(v[at+1+n:]) {
			return false
		}
	}
	to, ok := target(v)
	return ok && beside(to.Addr(), source)
}

// isHostByte reports whether b begins with an octet of an address.
func isHostByte(b []byte) bool { return len(b) > 0 && (b[0]-'0' < 10 || b[0] == '.') }

func hashOfHost(host []byte) marks { return marks(maphash.Bytes(seed, host)) }

// A routeCache remembers what Routes and Record-Routes came to that were looked at lately: proxies write theirs alike.
type routeCache [256]plainHop

// maxRoute bounds the values that a routeCache remembers, in octets.
const maxRoute = 256

// A plainHop is a Route or Record-Route: whether it is plain, as plainRoute says, the hash of its host, and the address that
// this is.
type plainHop struct {
	value []byte
	plain bool
	hash  marks
	proxy netip.Addr
}

// of returns what a value comes to. It is valid until the next call.
func (c *routeCache) of(v []byte) *plainHop {
	if len(v) > maxRoute {
		x := new(plainHop)
		x.look(v)
		return x
	}
	x := &c[hashOfHost(v)%256]
	if !bytes.Equal(x.value, v) {
		*x = plainHop{value: append(x.value[:0], v...)}
		x.look(v)
	}
	return x
}

// look finds out what a value comes to.
func (x *plainHop) look(v []byte) {
	if host, ok := plainRoute(v); ok {
		x.plain, x.hash = true, hashOfHost(host)
		x.proxy, _ = sipmsg.URI{Host: host}.Addr()
	}
}

// marksOf returns the marks of the Routes of a request.
func (c *routeCache) marksOf(m *sipmsg.Message) marks {
	var hosts marks
	for v := range m.Values(sipmsg.Route) {
		x := c.of(v)
		if !x.plain {
			return oddRoute
		}
		hosts += x.hash
	}
	return hosts << routeHosts
}

// markClosely looks closely at the first message of each kind in a leg.
func (c *Collector) markClosely(g *glance, s *analysis.Seen, m *sipmsg.Message) marks {
	if !looksClosely(s) {
		return 0
	}
	k := closeLookOf(s).word()
	switch {
	case slices.Contains(g.noted[:g.nNoted], k):
		return judgedClosely
	case g.nNoted == maxNoted:
		return 0 // whoever wants to know looks himself
	}
	g.noted[g.nNoted] = k
	g.nNoted++
	if c.faults = closely(m, c.faults[:0]); len(c.faults) > 0 {
		return judgedClosely | oddClosely
	}
	return judgedClosely
}

// plainVia returns the host of a Via that is written as most are; ok is false for others.
func plainVia(v []byte) (host []byte, ok bool) {
	v, ok = bytes.CutPrefix(v, []byte("SIP/2.0/"))
	blank := bytes.IndexByte(v, ' ')
	if !ok || blank < 0 || bytes.IndexByte(v, ',') >= 0 {
		return nil, false
	}
	host, _, ok = plainHost(v[blank+1:])
	return host, ok
}

// arePlain reports whether the parameters of a Via, from the first semicolon on, are those of a Via that plainVia knows.
func arePlain(b []byte) bool {
	if bytes.IndexByte(b, '"') >= 0 || bytes.IndexByte(b, ',') >= 0 {
		return false
	}
	for i := 0; i >= 0; i = bytes.IndexByte(b, ';') {
		if b = skipSpace(b[i+1:]); len(b) > 0 && lower(b[0]) == 'm' {
			return false
		}
	}
	return true
}

// plainRoute returns the host of a Route or Record-Route that is written as most are: a SIP URI of a
// loose router, without a user. ok is false for others.
func plainRoute(v []byte) (host []byte, ok bool) {
	v, ok = bytes.CutPrefix(v, []byte("<sip:"))
	end := bytes.IndexByte(v, '>')
	if !ok || end < 0 || bytes.IndexByte(v[:end], '@') >= 0 || bytes.IndexByte(v[:end], '?') >= 0 {
		return nil, false
	}
	host, loose, ok := plainHost(v[:end])
	return host, loose && ok
}

// plainHost cuts the host off a host with port and parameters, and reports whether lr is one of
// these. ok is false where the host is no IPv4 address, maddr may be a parameter, or anything else needs a
// closer look.
func plainHost(b []byte) (host []byte, loose, ok bool) {
	n := 0
	for n < len(b) && (b[n]-'0' < 10 || b[n] == '.') {
		n++
	}
	end := n
	if end < len(b) && b[end] == ':' {
		for end++; end < len(b) && b[end]-'0' < 10; end++ {
		}
	}
	if end < len(b) && b[end] != ';' {
		return nil, false, false
	}
	b, host = b[end:], b[:n]
	if bytes.IndexByte(b, '"') >= 0 {
		return nil, false, false
	}
	for i := bytes.IndexByte(b, ';'); i >= 0; i = bytes.IndexByte(b, ';') {
		b = skipSpace(b[i+1:])
		switch {
		case len(b) > 0 && lower(b[0]) == 'm':
			return nil, false, false
		case hasFold(b, "lr") && (len(b) == 2 || b[2] == ';' || b[2] == '='):
			loose = true
		}
	}
	return host, loose, true
}

// A timerCache remembers what the last Session-Expires says: most say the same.
type timerCache struct {
	value []byte
	marks marks
}

// marksOf returns the marks of the Session-Expires of a message.
func (t *timerCache) marksOf(m *sipmsg.Message) marks {
	v, _ := m.First(sipmsg.SessionExpires)
	if bytes.Equal(v, t.value) {
		return t.marks
	}
	t.value, t.marks = append(t.value[:0], v...), 0
	if se := sipmsg.ParseSessionExpires(v); se.HasInterval && time.Duration(se.Interval)*time.Second >= longInterval {
		t.marks = longTimer
	}
	return t.marks
}
