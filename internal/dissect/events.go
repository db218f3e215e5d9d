package dissect

import (
	"hash/maphash"
	"net/netip"
	"time"

	"github.com/sipsight/sipsight/internal/reassembly"
	"github.com/sipsight/sipsight/layers"
	"github.com/sipsight/sipsight/sipmsg"
)

// An Event is something that happened to a flow beside its messages. It is valid until the
// function it was given to returns.
type Event struct {
	Kind     EventKind
	Ref      reassembly.Ref
	Time     time.Time
	HasTime  bool
	Reporter netip.Addr      // who sent the packet
	Src, Dst netip.AddrPort  // of the packet that an ICMP error quotes, of the reset itself, or of the octets
	Proto    layers.Proto    // of the quoted packet
	Type     uint8           // of the ICMP error
	Code     uint8           // of the ICMP error, or the description of the TLS alert
	After    reassembly.Ref  // of StreamSkipped: the message before the octets …
	Octets   int64           // … and how many
	Since    int64           // of StreamUnseen: when the receiver of the octets acknowledged before, in nanoseconds since 1970; 0 for never
	SIP      *sipmsg.Message // what an ICMP error quotes of SIP, cut or not; nil for anything else
}

// An EventKind is the kind of an Event.
type EventKind uint8

// The kinds of events.
const (
	ICMPError     EventKind = iota
	TCPReset                // of a connection that carried SIP
	TCPRefused              // a SYN to a port of SIP was answered with a reset
	StreamSkipped           // between two messages of a stream are octets that belong to neither
	TLSAlert                // a handshake on a port of SIP ended with a fatal alert
	StreamUnseen            // octets of a stream of SIP were acknowledged, given up or cut off that are not in the capture so far
)

// Watch makes the Dissector tell of events, and remember which addresses sent to which.
func (d *Dissector) Watch(event func(*Event)) { d.event = event }

// watch looks at a packet for what Watch is about.
func (d *Dissector) watch(f *layers.Frame, c *carrier) {
	d.pairs.add(f.Src.Addr(), f.Dst.Addr())
	switch {
	case f.Proto == layers.TCP && f.Flags&layers.FlagRST != 0:
		d.reset(f, c)
	case f.Proto == layers.ICMP || f.Proto == layers.ICMPv6:
		d.icmp(f, c)
	}
}

// maxEventsAlike is how many packets that events came of are remembered for telling copies.
const maxEventsAlike = 64

// eventCopies remembers the last packets that events came of.
type eventCopies struct {
	ring [maxEventsAlike]remembered
	n    int
}

// repeats reports whether a packet is a copy of one that an event came of: see copyTable.find.
func (d *Dissector) repeats(kind EventKind, f *layers.Frame, c *carrier) bool {
	if !c.hasTime {
		return false
	}
	h := mixAddr(mixAddr(maphash.Bytes(eventSeed, f.Payload), f.Src), f.Dst)
	r := remembered{key: h ^ uint64(kind)<<56 ^ uint64(f.Seq)<<16 ^ uint64(f.Type)<<8 ^ uint64(f.Code), time: c.time.UnixNano(), ref: c.ref, ipid: c.ipid}
	e := &d.eventCopies
	for i := range e.ring[:min(e.n, maxEventsAlike)] {
		if old := &e.ring[i]; old.key == r.key && r.copies(old) {
			return true
		}
	}
	e.ring[e.n%maxEventsAlike] = r
	e.n++
	return false
}

var eventSeed = maphash.MakeSeed()

func (d *Dissector) newEvent(kind EventKind, f *layers.Frame, c *carrier) *Event {
	return &Event{Kind: kind, Ref: c.ref, Time: c.time, HasTime: c.hasTime, Reporter: f.Src.Addr(), Src: f.Src, Dst: f.Dst}
}

// reset takes in an RST: of a connection that carried SIP, or to a SYN.
func (d *Dissector) reset(f *layers.Frame, c *carrier) {
	cn, side := d.connOf(f, false)
	switch {
	case cn != nil && (cn.kind == isSIP || cn.kind == isWebSocket):
		if h := cn.sides[side]; h != nil && h.stream.Started() { // what its sender sent ahead of it
			d.ackedUnseen(h, f.Seq, c)
		}
		d.eventOf(TCPReset, f, c)
	case cn != nil && cn.kind == unknown && cn.sides[side] == nil && isSIPPort(f.Src.Port()):
		d.eventOf(TCPRefused, f, c)
	}
}

// eventOf tells of a packet that is no copy.
func (d *Dissector) eventOf(kind EventKind, f *layers.Frame, c *carrier) {
	if !d.repeats(kind, f, c) {
		d.event(d.newEvent(kind, f, c))
	}
}

// skippedEvent tells of octets of a stream in front of the message in c.
func (d *Dissector) skippedEvent(h *half, n int64, c *carrier) {
	if d.event != nil {
		d.event(&Event{Kind: StreamSkipped, Ref: c.ref, Time: c.time, HasTime: c.hasTime, Reporter: h.src.Addr(), Src: h.src, Dst: h.dst, After: h.last, Octets: n})
	}
}

// ackedUnseen tells that octets of a stream were acknowledged, or stand ahead of a reset, that are not in the capture so far, others than such that were
// acknowledged before. That of a FIN is none.
func (d *Dissector) ackedUnseen(h *half, ack uint32, c *carrier) {
	if d.event == nil || h.c.kind != isSIP && h.c.kind != isWebSocket {
		return
	}
	since := h.heard
	h.heard = c.time.UnixNano()
	if h.stream.Reached(ack-1) || !h.stream.Near(ack) || h.unseen == ack {
		return
	}
	was := h.unseen
	h.unseen = ack
	if !h.stream.Reached(was) && h.stream.Near(was) && h.stream.Holds(was, ack-1) { // they wait behind those
		return
	}
	d.event(&Event{Kind: StreamUnseen, Ref: c.ref, Time: c.time, HasTime: c.hasTime, Reporter: h.dst.Addr(), Src: h.src, Dst: h.dst, Since: since})
}

// gaveUp tells that octets of a stream which others came behind, and which nobody has acknowledged so far, were given up: they were
// sent, and an acknowledgment would be of no news by now.
func (d *Dissector) gaveUp(h *half, now time.Time) {
	if d.event == nil || h.c.kind != isSIP && h.c.kind != isWebSocket {
		return
	}
	d.event(&Event{Kind: StreamUnseen, Ref: h.last, Time: now, HasTime: true, Reporter: h.dst.Addr(), Src: h.src, Dst: h.dst, Since: h.heard})
}

// cutOff tells that the capture cut octets off a segment, among which a message may be, or what shows whose it is.
func (d *Dissector) cutOff(h *half, c *carrier) {
	if d.event == nil || h.c.kind != isSIP && h.c.kind != isWebSocket || !c.hasTime {
		return
	}
	d.event(&Event{Kind: StreamUnseen, Ref: c.ref, Time: c.time, HasTime: true, Reporter: h.dst.Addr(), Src: h.src, Dst: h.dst, Since: c.time.UnixNano() - 1})
}

// alertLen is the length of a TLS record with an alert that is not encrypted: RFC 8446,
// sections 5.1 and 6.
const alertLen = 7

// alert looks whether a segment is a fatal alert to a handshake.
func (d *Dissector) alert(f *layers.Frame, c *carrier) {
	b := f.Payload
	if b[0] != 21 || b[1] != 3 || b[3] != 0 || b[4] != 2 || b[5] != 2 || !isSIPPort(f.Src.Port()) && !isSIPPort(f.Dst.Port()) {
		return
	}
	if d.repeats(TLSAlert, f, c) {
		return
	}
	e := d.newEvent(TLSAlert, f, c)
	e.Code = b[6]
	d.event(e)
}

// icmp takes in an ICMP error.
func (d *Dissector) icmp(f *layers.Frame, c *carrier) {
	quote := f.Quote()
	if quote == nil {
		return
	}
	q := &d.quoted
	if err := q.DecodeIP(quote); err != nil && q.Proto != layers.UDP && q.Proto != layers.TCP {
		return
	}
	if d.repeats(ICMPError, f, c) {
		return
	}
	e := d.newEvent(ICMPError, f, c)
	e.Src, e.Dst, e.Proto, e.Type, e.Code = q.Src, q.Dst, q.Proto, f.Type, f.Code
	if sipmsg.Sniff(q.Payload) && d.quotedSIP.ParseCut(q.Payload) == nil {
		e.SIP = &d.quotedSIP
	}
	d.event(e)
}
