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

// compact returns m in the room of a liveMessage.
func compact(m *Seen, octets place, transport dissect.Transport) liveMessage {
	x := liveMessage{
		time: instant(m.Time), frame: m.Frame.Number, file: int32(m.Frame.File), resent: m.Resent.Number, resentFile: int32(m.Resent.File),
		method: m.Method, fromTag: m.FromTag, toTag: m.ToTag, branch: m.Branch, fields: m.Fields, quirks: m.Quirks, marks: m.Marks, octets: octets,
		cseq: m.CSeq, size: uint32(m.Size), body: uint32(m.Body), source: m.Source.Port(), destination: m.Destination.Port(),
		status: int16(m.Status), transaction: int16(m.Transaction), maxForwards: m.MaxForwards, hop: uint8(m.Hop), vias: m.Vias,
		transport: transport, lost: m.Lost, length: m.Length,
	}
	x.flags = x.flags.set(isForward, m.Forward).set(isRequest, m.Request).set(isInitial, m.Initial).set(isPartial, m.Partial).
		set(isFragmented, m.Fragmented).set(isOldBranch, m.OldBranch).set(hasSDP, m.SDP)
	return x
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
	*s = Seen{
		Time: x.now, Frame: x.frame, Source: x.m.Src, Destination: x.m.Dst, Transport: x.m.Transport.String(), Hop: x.hop, Forward: x.forward,
		Request: x.s.IsRequest(), Method: x.method, CSeq: x.cseq, Status: x.s.StatusCode, Transaction: x.transaction, Resent: x.resent,
		Partial: x.m.Partial, Lost: lossOf(x.m), Fragmented: fragmented(x.m), Size: len(raw), Length: lengthOf(x.m),
		FromTag: t.hash(x.from), ToTag: t.hash(x.to), Branch: x.key, OldBranch: !x.cookie, Fields: x.s.FieldSet(), Quirks: x.quirks,
		MaxForwards: maxForwards(x.s), Body: len(x.s.Body),
	}
	s.Initial = x.transaction >= 0 && v.trans[x.transaction].initial
	s.Vias = uint8(min(x.s.NumValues(sipmsg.Via), math.MaxUint8))
	s.SDP = s.Body > 2 && (describes(x.s) || t.sdpPart(x.s) != nil)
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
	v.seen = append(v.seen, compact(s, octets, x.m.Transport))
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
