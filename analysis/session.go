package analysis

import (
	"encoding/binary"
	"net/netip"
	"strings"
	"time"

	"github.com/sipsight/sipsight/internal/dissect"
	"github.com/sipsight/sipsight/layers"
	"github.com/sipsight/sipsight/rtp"
	"github.com/sipsight/sipsight/sdp"
)

const (
	// maxSessions bounds the sessions kept of one leg: a fax that changes over and back some
	// times.
	maxSessions = 8
	// maxSessionFlows bounds the flows of UDPTL kept of one session: two a hop.
	maxSessionFlows = 8
	// maxAnnounced bounds the addresses that are watched for media other than RTP.
	maxAnnounced = 1 << 16
)

// A Session is media of a leg that is no RTP: a fax by T.38, messages by MSRP (RFC 4975), the
// floor of a conference by BFCP (RFC 8855).
type Session struct {
	Protocol  string    // T.38, MSRP or BFCP
	Proto     string    // as the description has it: udptl, TCP/MSRP …
	Side      [2]Corner // of the caller, of the callee
	OfferedBy Party
	Offered   time.Time
	Frame     Frame // of the offer
	Outcome   OfferState
	Status    int       // of the final response that refused it; 0 where a description did
	Answered  time.Time // when Outcome was known
	Answer    Frame

	// Streams are the packets of UDPTL, by flow, in the order in which they began; at
	// most 8.
	Streams []*Stream

	// Of TCP connections to the addresses that were announced.
	Conn      ConnState
	ConnFrame Frame    // the segment that says so first
	Segments  [2]int64 // with octets, of the caller, of the callee

	cseq uint32 // of the offer
}

// OverTCP reports whether what the session sends goes over TCP, as far as is known.
func (s *Session) OverTCP() bool { return s.Protocol != "T.38" }

// AllStreams returns the streams of RTP, those on other hops of a relay and those of UDPTL behind
// them.
func (m *Media) AllStreams() []*Stream {
	list := append(m.Streams[:len(m.Streams):len(m.Streams)], m.Relayed...)
	for _, s := range m.Sessions {
		list = append(list[:len(list):len(list)], s.Streams...)
	}
	return list
}

// A Corner is what one side said of a session.
type Corner struct {
	Addr netip.AddrPort // where it wants to be sent it; the zero AddrPort where that is not known
	// Described is what c= and m= say, where an MSRP path names another address.
	Described netip.AddrPort
	Setup     string // who connects: active, passive, actpass … (RFC 4145); "" for nothing said
}

// An OfferState is what became of an offer.
type OfferState uint8

// The states of offers.
const (
	OfferOpen OfferState = iota // no answer is in the capture
	OfferAccepted
	OfferRefused
)

func (o OfferState) String() string {
	return [...]string{"unanswered", "accepted", "refused", ""}[min(o, 3)]
}

// A ConnState is what is known of the TCP connection of a session.
type ConnState uint8

// The states, each of which may follow those before it.
const (
	ConnNone    ConnState = iota // no segment was seen
	ConnTried                    // a SYN that nobody answered
	ConnRefused                  // a SYN that was answered with a reset
	ConnOpen
	ConnClosed // by a FIN
	ConnReset
)

func (c ConnState) String() string {
	return [...]string{"", "unanswered", "refused", "open", "closed", "reset", ""}[min(c, 6)]
}

// protocolOf names what a media description is of, "" for RTP and what is not known.
func protocolOf(g *sdp.Glimpse) string {
	switch proto := strings.ToUpper(string(capped(g.Proto, 64))); {
	case strings.Contains(proto, "UDPTL"): // RFC 7345 has UDP/TLS/UDPTL
		return "T.38"
	case strings.Contains(proto, "MSRP"):
		return "MSRP"
	case strings.Contains(proto, "BFCP"):
		return "BFCP"
	}
	return ""
}

// session takes in a media description of a side that is not of RTP.
func (t *tracker) session(m *Media, v *liveLeg, x *seen, side Party, g *sdp.Glimpse) {
	protocol := protocolOf(g)
	if protocol == "" || side != Caller && side != Callee {
		return
	}
	var s *Session
	for _, old := range m.Sessions {
		if old.Protocol == protocol {
			s = old
		}
	}
	switch {
	case s != nil && s.Outcome == OfferOpen && side != s.OfferedBy:
		s.Outcome, s.Answered, s.Answer = OfferAccepted, x.now, x.frame
		if g.Port == 0 {
			s.Outcome = OfferRefused
			return
		}
	case g.Port == 0: // it is over, or never was
		return
	case s == nil || s.Outcome == OfferRefused:
		if len(m.Sessions) == maxSessions {
			return
		}
		s = &Session{Protocol: protocol, Proto: t.names.string(capped(g.Proto, 64)), OfferedBy: side, Offered: x.now, Frame: x.frame, cseq: x.cseq}
		m.Sessions = append(m.Sessions, s)
	}
	c := &s.Side[side-Caller]
	if setup, ok := g.Attribute("setup"); ok {
		c.Setup = t.names.string(capped(setup, 32))
	}
	c.announce(g, protocol)
	if t.streams != nil {
		for _, a := range c.Addrs() {
			t.streams.watch(s, side, a, v.leg)
		}
	}
}

// announce takes in where a side wants to be sent the session. An MSRP path says so better than c= and
// m=: to the host of its first URI, which may be a relay (RFC 4975, section 8.1; RFC 4976, section
// 5). Where that has a name, its address is taken for that of c=. With RFC 6714 c= and m= are
// right, whatever the path says.
func (c *Corner) announce(g *sdp.Glimpse, protocol string) {
	if g.Addr.IsValid() && !g.Addr.IsUnspecified() {
		c.Addr, c.Described = netip.AddrPortFrom(g.Addr, g.Port), netip.AddrPort{}
	}
	path, ok := g.Attribute("path")
	_, changed := g.Attribute("msrp-cema")
	if !ok || changed || protocol != "MSRP" {
		return
	}
	host, port, ok := sdp.PathHost(path)
	if !ok {
		return
	}
	addr, err := netip.ParseAddr(string(host))
	if err != nil {
		addr = c.Addr.Addr()
	}
	if a := netip.AddrPortFrom(addr, port); a != c.Addr && addr.IsValid() && !addr.IsUnspecified() {
		c.Addr, c.Described = a, c.Addr
	}
}

// Addrs returns the addresses that the session may be sent to.
func (c *Corner) Addrs() (list []netip.AddrPort) {
	for _, a := range [...]netip.AddrPort{c.Addr, c.Described} {
		if a.IsValid() {
			list = append(list, a)
		}
	}
	return list
}

// refuse takes in a final response that turns an offer down. A challenge and its like are
// followed by the same offer.
func (m *Media) refuse(v *liveLeg, x *seen) {
	switch x.s.StatusCode {
	case 401, 407, 422, 491:
		return
	}
	by := Caller
	if !v.byCaller(x) {
		by = Callee
	}
	for _, s := range m.Sessions {
		if s.Outcome == OfferOpen && s.cseq == x.cseq && s.OfferedBy == by && (x.method == "INVITE" || x.method == "UPDATE") {
			s.Outcome, s.Status, s.Answered, s.Answer = OfferRefused, x.s.StatusCode, x.now, x.frame
		}
	}
}

// An announced is an address that a side of a session wants to be sent it at.
type announced struct {
	s    *Session
	side Party
	leg  *Leg
}

// watch looks for what goes to and comes from an address of a session.
func (t *streamTable) watch(s *Session, side Party, a netip.AddrPort, l *Leg) {
	if t.announced == nil {
		t.announced = make(map[netip.AddrPort]announced)
	}
	if _, known := t.announced[a]; !known && len(t.announced) >= maxAnnounced {
		t.over = true // what goes there is not found
		return
	}
	t.announced[a] = announced{s, side, l}
	if s.OverTCP() && t.watchTCP != nil {
		t.watchTCP()
	}
}

// at returns the session that a packet is of, and who sent it.
func (t *streamTable) at(src, dst netip.AddrPort) (a announced, by Party, ok bool) {
	if a, ok = t.announced[dst]; ok {
		return a, a.side.other(), true
	}
	a, ok = t.announced[src]
	return a, a.side, ok
}

const (
	// nearUDPTL is how far the sequence numbers of UDPTL may step for a packet that looks like RTP.
	nearUDPTL = 50
	// sureUDPTL is how many such packets in a row begin a flow that was not seen before.
	sureUDPTL = 4
	// maxUDPTLRuns bounds the flows of which it is not known yet whether they are UDPTL.
	maxUDPTLRuns = 1 << 10
)

// A udptlRun is packets that may be the first of a flow of UDPTL, and look like RTP.
type udptlRun struct {
	held []heard
	keys []streamKey // what they would be of, were they RTP
}

// udptl takes in a datagram that is no other protocol of media, if it is one of UDPTL.
func (t *streamTable) udptl(d *dissect.Datagram, b []byte) {
	if a, by, ok := t.mayBeUDPTL(d, b); ok {
		t.addUDPTL(d, a, by, newUDPTL(d, b))
	}
}

// likeRTP takes in a datagram that begins as RTP and RTCP do, if it is one of UDPTL with a sequence
// number of 32,768 or more: one that is due in a flow, or one of several in a row that may
// begin one. RTP has the same two octets in nearly all packets.
func (t *streamTable) likeRTP(d *dissect.Datagram, b []byte, kind rtp.Kind) bool {
	a, by, ok := t.mayBeUDPTL(d, b)
	if !ok {
		return false
	}
	h := newUDPTL(d, b)
	if s := a.s.streamOf(d); s != nil {
		if step := int16(h.Seq - s.stats.Last()); step > -nearUDPTL && step < nearUDPTL && (!s.stats.Seen(h.Seq) || s.isCopy(&h)) {
			t.addUDPTL(d, a, by, h)
			return true
		}
	}
	if kind != rtp.RTP {
		return false
	}
	key := streamKey{d.Src, d.Dst, binary.BigEndian.Uint32(b[8:])}
	if t.find(t.hash(d.Src, d.Dst, key.ssrc), d.Src, d.Dst, key.ssrc) != nil {
		return false
	}
	return t.run(d, a, by, h, key)
}

// run takes a packet into the run of its flow, and reports whether that is UDPTL now.
func (t *streamTable) run(d *dissect.Datagram, a announced, by Party, h heard, key streamKey) bool {
	flow := addrPorts{d.Src, d.Dst}
	r := t.runs[flow]
	if r == nil {
		if len(t.runs) >= maxUDPTLRuns {
			return false
		}
		if t.runs == nil {
			t.runs = make(map[addrPorts]*udptlRun)
		}
		r = new(udptlRun)
		t.runs[flow] = r
	}
	if n := len(r.held); n > 0 {
		switch h.Seq - r.held[n-1].Seq {
		case 0: // RTP, or a copy
			return false
		case 1:
		default:
			r.held, r.keys = r.held[:0], r.keys[:0]
		}
	}
	r.held, r.keys = append(r.held, h), append(r.keys, key)
	if len(r.held) < sureUDPTL {
		return false // it may still be RTP, and is held as that as well
	}
	counted := len(r.held) - 1 // as NotFound, but for those that were waiting
	for _, k := range r.keys {
		if c := t.newcomers[k]; c != nil {
			counted -= len(c.held)
			t.forget(c)
		}
	}
	t.NotFound -= int64(max(counted, 0))
	for _, h := range r.held {
		t.addUDPTL(d, a, by, h)
	}
	delete(t.runs, flow)
	return true
}

// mayBeUDPTL reports whether a datagram has the form of UDPTL, a sequence number and the length of a
// primary packet that it holds (ITU-T T.38, section 9.1), and goes to or comes from where that
// is announced. It returns of what, and who sent it.
func (t *streamTable) mayBeUDPTL(d *dissect.Datagram, b []byte) (a announced, by Party, ok bool) {
	if len(b) < 4 || b[2] == 0 || b[2] >= 0x80 || 3+int(b[2]) > len(b)+d.Missing {
		return a, by, false
	}
	a, by, ok = t.at(d.Src, d.Dst)
	return a, by, ok && !a.s.OverTCP()
}

func newUDPTL(d *dissect.Datagram, b []byte) heard {
	h := heard{
		Sample: rtp.Sample{Seq: binary.BigEndian.Uint16(b), Size: len(b) + d.Missing + 28, Untimed: true},
		ref:    Frame{d.Ref.File, d.Ref.Frame}, order: d.Ref.Order, time: d.Time, ipid: uint16(d.IPID), anyID: d.Version == 6, class: d.Class,
	}
	if d.HasTime {
		h.Arrival = time.Duration(d.Time.UnixNano())
	}
	return h
}

// streamOf returns the flow that a datagram is of, nil for none.
func (s *Session) streamOf(d *dissect.Datagram) *Stream {
	for _, x := range s.Streams {
		if x.Source() == d.Src && x.Destination() == d.Dst {
			return x
		}
	}
	return nil
}

// addUDPTL takes in a packet of UDPTL.
func (t *streamTable) addUDPTL(d *dissect.Datagram, a announced, by Party, h heard) {
	t.UDPTL++
	s := a.s.streamOf(d)
	if s == nil {
		if len(a.s.Streams) == maxSessionFlows || len(t.fax)+len(t.list) >= t.limit {
			t.NotKept++
			return
		}
		s = NewStream(d.Src, d.Dst, 0, h.time, h.time)
		s.UDPTL, s.Codec, s.Kind, s.SentBy = true, "t38", "image", by
		s.First, s.order, s.leg, s.class = h.ref, h.order, int32(a.leg.order+1), h.class
		t.fax, a.s.Streams = append(t.fax, s), append(a.s.Streams, s)
	}
	s.add(&h)
}

// segment takes in a TCP segment, if it is of a connection to an address that was announced.
func (t *streamTable) segment(f *layers.Frame, ref Frame) {
	a, by, ok := t.at(f.Src, f.Dst)
	if !ok || !a.s.OverTCP() {
		return
	}
	s, state := a.s, ConnNone
	switch {
	case f.Flags&layers.FlagRST != 0 && (s.Conn == ConnTried || s.Conn == ConnNone):
		state = ConnRefused
	case f.Flags&layers.FlagRST != 0:
		state = ConnReset
	case f.Flags&layers.FlagFIN != 0:
		state = ConnClosed
	case f.Flags&(layers.FlagSYN|layers.FlagACK) == layers.FlagSYN:
		state = ConnTried
	default:
		state = ConnOpen
	}
	if len(f.Payload)+f.Missing > 0 && f.Flags&layers.FlagSYN == 0 {
		s.Segments[by-Caller]++
	}
	again := s.Conn == ConnRefused && (state == ConnTried || state == ConnOpen)
	if state > s.Conn || again {
		s.Conn, s.ConnFrame = state, ref
	}
}
