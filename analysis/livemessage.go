package analysis

import (
	"math"
	"net/netip"
	"slices"

	"github.com/sipsight/sipsight/internal/dissect"
	"github.com/sipsight/sipsight/sipmsg"
)

// A liveMessage is a Seen in less than half of its room: of the legs that are open at a time there
// are tens of thousands. Its addresses are those of its hop.
type liveMessage struct {
	time        int64 // see instant
	frame       int64
	resent      int64
	file        int32
	resentFile  int32
	method      string
	fromTag     uint64
	toTag       uint64
	branch      uint64
	fields      sipmsg.FieldSet
	quirks      sipmsg.Quirks
	marks       uint64
	octets      place
	cseq        uint32
	size        uint32
	body        uint32
	source      uint16 // ports
	destination uint16
	status      int16
	transaction int16
	maxForwards int16
	hop         uint8
	vias        uint8
	transport   dissect.Transport
	lost        Loss
	length      Length
	flags       messageFlags
}

// messageFlags are what is true of a message.
type messageFlags uint8

const (
	isForward messageFlags = 1 << iota
	isRequest
	isInitial
	isPartial
	isFragmented
	isOldBranch
	hasSDP
	isAstray // it went between others than the ends of its hop, since there are too many hops: see liveLeg.astray
)

// set returns f with the flag g where on is true.
func (f messageFlags) set(g messageFlags, on bool) messageFlags {
	if on {
		return f | g
	}
	return f
}

// set makes x hold what m says. Fields are written one by one: a whole one would be made aside, and then moved.
func (x *liveMessage) set(m *Seen, octets place, transport dissect.Transport) {
	x.time, x.frame, x.file = instant(m.Time), m.Frame.Number, int32(m.Frame.File)
	x.resent, x.resentFile = m.Resent.Number, int32(m.Resent.File)
	x.method, x.fromTag, x.toTag, x.branch = m.Method, m.FromTag, m.ToTag, m.Branch
	x.fields, x.quirks, x.marks, x.octets = m.Fields, m.Quirks, m.Marks, octets
	x.cseq, x.size, x.body = m.CSeq, uint32(m.Size), uint32(m.Body)
	x.source, x.destination = m.Source.Port(), m.Destination.Port()
	x.status, x.transaction, x.maxForwards = int16(m.Status), int16(m.Transaction), m.MaxForwards
	x.hop, x.vias, x.transport, x.lost, x.length = uint8(m.Hop), m.Vias, transport, m.Lost, m.Length
	x.flags = messageFlags(0).set(isForward, m.Forward).set(isRequest, m.Request).set(isInitial, m.Initial).set(isPartial, m.Partial).
		set(isFragmented, m.Fragmented).set(isOldBranch, m.OldBranch).set(hasSDP, m.SDP)
}

// public makes m the Seen of x, but for its addresses.
func (x *liveMessage) public(m *Seen) {
	*m = Seen{
		Time: timeAt(x.time), Frame: Frame{int(x.file), x.frame}, Transport: x.transport.String(), Hop: int(x.hop), Forward: x.flags&isForward != 0,
		Request: x.flags&isRequest != 0, Method: x.method, CSeq: x.cseq, Status: int(x.status), Transaction: int(x.transaction), Initial: x.flags&isInitial != 0,
		Resent: Frame{int(x.resentFile), x.resent}, Partial: x.flags&isPartial != 0, Lost: x.lost, Fragmented: x.flags&isFragmented != 0,
		Size: int(x.size), Length: x.length, FromTag: x.fromTag, ToTag: x.toTag, Branch: x.branch, OldBranch: x.flags&isOldBranch != 0,
		Fields: x.fields, Quirks: x.quirks, MaxForwards: x.maxForwards, Body: int(x.body), SDP: x.flags&hasSDP != 0, Vias: x.vias, Marks: x.marks,
	}
}

// messages makes list the messages of the leg.
func (v *liveLeg) messages(list []Seen) []Seen {
	list = slices.Grow(list[:0], len(v.seen))[:len(v.seen)]
	astray := v.astray
	for i := range v.seen {
		x, m := &v.seen[i], &list[i]
		x.public(m)
		if x.flags&isAstray != 0 {
			m.Source, m.Destination = astray[0].A, astray[0].B
			astray = astray[1:]
			continue
		}
		h := &v.leg.Hops[x.hop]
		from, to := h.A, h.B
		if !m.Forward {
			from, to = to, from
		}
		m.Source, m.Destination = netip.AddrPortFrom(from.Addr(), x.source), netip.AddrPortFrom(to.Addr(), x.destination)
	}
	return list
}

// keep keeps a message of a leg for its Detail.
func (t *tracker) keep(v *liveLeg, x *seen) {
	if len(v.seen) == maxSteps {
		return
	}
	raw := x.s.Raw()
	s := &t.atHand[0]
	*s = Seen{} // and then one by one, as in liveMessage.set
	s.Time, s.Frame, s.Source, s.Destination, s.Transport = x.now, x.frame, x.m.Src, x.m.Dst, x.m.Transport.String()
	s.Hop, s.Forward, s.Request, s.Method, s.CSeq = x.hop, x.forward, x.s.IsRequest(), x.method, x.cseq
	s.Status, s.Transaction, s.Resent, s.Partial, s.Lost = x.s.StatusCode, x.transaction, x.resent, x.m.Partial, t.lossOf(x.m)
	s.Fragmented, s.Size, s.Length = fragmented(x.m), len(raw), x.lengthOf()
	s.FromTag, s.ToTag, s.Branch, s.OldBranch = t.hash(x.from), t.hash(x.to), x.key, !x.cookie
	s.Fields, s.Quirks, s.MaxForwards, s.Body = x.s.FieldSet(), x.quirks, maxForwards(x.s), len(x.s.Body)
	s.Initial = x.transaction >= 0 && v.trans[x.transaction].initial
	s.Vias = uint8(min(x.s.NumValues(sipmsg.Via), math.MaxUint8))
	s.SDP = s.Body > 2 && description(x.s) != nil
	var octets place
	if v.octets+len(raw) <= maxLegOctets && t.detailOctets+len(raw) <= t.most.octets {
		octets = v.keepOctets(&t.pages, x.s, s.Partial)
		t.detailOctets += len(raw)
	} else {
		t.overDetail = true
	}
	if t.kept != nil && octets.n > 0 {
		t.mark(v, x.s)
	}
	if len(v.seen) == cap(v.seen) {
		v.seen = t.seenRooms.grow(v.seen)
	}
	v.seen = v.seen[:len(v.seen)+1]
	v.seen[len(v.seen)-1].set(s, octets, x.m.Transport)
	if x.hop != maxHops-1 {
		return
	}
	if ok, _ := v.leg.Hops[x.hop].pairs(x.m.Src, x.m.Dst); !ok {
		v.seen[len(v.seen)-1].flags |= isAstray
		v.astray = append(v.astray, Hop{x.m.Src, x.m.Dst})
	}
}

// mark gives the message at hand to Options.Kept.
func (t *tracker) mark(v *liveLeg, m *sipmsg.Message) {
	d := &t.detail
	d.Leg, d.Messages, d.Notes, d.Now = v.leg, t.atHand[:], v.notes, t.now
	t.atHand[0].Marks = t.kept(d, m)
	v.notes = d.Notes
	d.Leg, d.Messages, d.Notes = nil, nil, nil
}
