package findings

import (
	"cmp"
	"net/netip"
	"slices"
	"time"

	"github.com/sipsight/sipsight/analysis"
)

// A watch is what the rules about registrations keep of one address-of-record.
type watch struct {
	storm    stormAOR
	register registerWatch
	flap     flapAOR
}

// A watchList keeps the watches of all addresses-of-record by their numbers, nearly all of them
// packed. The one that was asked for last is open.
type watchList struct {
	c     *Collector
	slots pages[watchSlot]
	odd   []*watch // those that no slot holds; a slot has the index
	free  []uint32 // indices of odd that are not in use

	open int // 1 + the number of the address-of-record whose watch is now, 0 for none
	now  *watch
	room [2]watch // of one that was packed, and to look whether it can be packed again
	seq  uint32   // how many were opened
}

// of returns the watch of the address-of-record of a REGISTER. It is valid until the next call.
func (l *watchList) of(e *analysis.Exchange) *watch {
	if l.open == e.AORNumber+1 {
		return l.now
	}
	l.close()
	l.seq++
	l.open = e.AORNumber + 1
	l.slots.grow(l.open)
	if s := l.slots.at(e.AORNumber); s.flags&slotOdd != 0 {
		l.now = l.odd[s.place]
	} else {
		l.now = &l.room[0]
		s.unpack(l.now, &l.c.hosts)
	}
	return l.now
}

// close puts the watch that is open back where it belongs.
func (l *watchList) close() {
	if l.open == 0 {
		return
	}
	s := l.slots.at(l.open - 1)
	l.open = 0
	was := *s
	switch packed := s.pack(l.now, &l.room[1], &l.c.hosts); {
	case packed && was.flags&slotOdd != 0:
		*l.now = watch{}
		l.free = append(l.free, was.place)
	case !packed && was.flags&slotOdd != 0:
		*s = was
	case !packed:
		*s = watchSlot{flags: slotOdd, place: l.keep(l.now)}
	}
}

// keep keeps a copy of a watch that no slot holds.
func (l *watchList) keep(w *watch) uint32 {
	n := len(l.free)
	if n == 0 {
		l.odd, l.free = append(l.odd, new(watch)), append(l.free, uint32(len(l.odd)))
		n = 1
	}
	i := l.free[n-1]
	l.free = l.free[:n-1]
	x := *w
	x.storm.contacts = slices.Clone(x.storm.contacts)
	x.register.granted = slices.Clone(x.register.granted)
	x.flap.list = slices.Clone(x.flap.list)
	*l.odd[i] = x
	return i
}

// oddOnes returns the watches that no slot holds, in the order of a place that they have; those
// without it are left out. No other watch has anything to tell.
func (l *watchList) oddOnes(place func(*watch) uint32) (list []*watch) {
	l.close()
	for _, w := range l.odd {
		if place(w) != 0 {
			list = append(list, w)
		}
	}
	slices.SortFunc(list, func(a, b *watch) int { return cmp.Compare(place(a), place(b)) })
	return list
}

// What a watchSlot holds of its watch.
const (
	slotOdd      = 1 << iota // nothing but its index in watchList.odd, as place
	slotStorm                // each of the rules watches it
	slotRegister             //
	slotFlap                 //
	slotContact              // a contact
	slotCounted              // one REGISTER was counted
	slotGranted              // register-storm knows what was granted
	slotGrant                // register-failed does
	slotTried                // … and a REGISTER for it followed
	slotBinding              // a binding
	slotLate                 // registerHead.late
	slotStar                 // registerHead.star
)

// A watchSlot is the watch of an address-of-record of which nothing is odd: it has one contact, one
// Call-ID and one source, and what was granted last was granted to the REGISTER that was counted
// last. Of any other watch something is lost, which shows when it is unpacked again: see pack.
type watchSlot struct {
	key      uint64 // of the binding
	callID   uint64
	contact  uint64
	first    frameNo // of the binding
	frame    frameNo // of the last REGISTER that was counted, …
	sent     int64   // … and when, in nanoseconds since 1970
	answered uint32  // nanoseconds later
	final    uint32  // frames later
	granted  uint32
	cseq     uint32
	place    uint32
	minute   uint32
	source   hostNo
	port     uint16
	flags    uint16
}

// pack puts a watch into the slot and reports whether it is all there: whether unpacking gives it
// again, which room is for.
func (s *watchSlot) pack(w, room *watch, h *hosts) bool {
	a := &w.storm
	*s = watchSlot{place: max(a.place, w.register.place, w.flap.place), minute: uint32(a.inMinute), source: a.source, granted: uint32(a.granted)}
	s.flags = flagIf(slotStorm, a.place != 0) | flagIf(slotRegister, w.register.place != 0) | flagIf(slotFlap, w.flap.place != 0) |
		flagIf(slotGranted, a.granted != 0) | flagIf(slotLate, w.register.late) | flagIf(slotStar, w.register.star)
	if len(a.contacts) > 0 {
		s.flags |= slotContact
		s.contact = a.contacts[0].uri
	}
	if a.n > 0 {
		s.flags |= slotCounted
		s.sent, s.frame = a.since.UnixNano(), frameNoOf(a.frames[0])
	}
	if len(w.register.granted) > 0 {
		g := &w.register.granted[0]
		s.flags |= slotGrant | flagIf(slotTried, g.tried)
		s.answered, s.final = uint32(g.at.Sub(a.since)), uint32(frameNoOf(g.frame)-s.frame)
		s.callID, s.cseq = g.callID, g.cseq
	}
	if len(w.flap.list) > 0 {
		b := &w.flap.list[0]
		s.flags |= slotBinding
		s.key, s.callID, s.first, s.port = b.key, b.callID, frameNoOf(b.first), b.source.Port()
	}
	s.unpack(room, h)
	return w.equal(room)
}

func flagIf(flag uint16, is bool) uint16 {
	if is {
		return flag
	}
	return 0
}

// unpack makes the watch again.
func (s *watchSlot) unpack(w *watch, h *hosts) {
	a, r, f := &w.storm, &w.register, &w.flap
	contacts, granted, list := a.contacts[:0], r.granted[:0], f.list[:0]
	has := func(flag uint16) bool { return s.flags&flag != 0 }
	var sent time.Time
	if has(slotCounted) {
		sent = time.Unix(0, s.sent).UTC()
	}
	*w = watch{}
	if has(slotStorm) {
		a.place, a.source, a.inMinute = s.place, s.source, int(s.minute)
	}
	if has(slotContact) {
		contacts = append(contacts, s.stormContact(sent))
	}
	if has(slotCounted) {
		a.since, a.n, a.frames[0] = sent, 1, s.frame.frame()
		a.sender, a.lead = s.source, 1
	}
	if has(slotGranted) {
		a.granted, a.at = int64(s.granted), sent
	}
	if has(slotRegister) {
		r.place = s.place
	}
	r.late, r.star = has(slotLate), has(slotStar)
	if has(slotGrant) {
		at := sent.Add(time.Duration(s.answered))
		granted = append(granted, grant{
			uri: s.contact, callID: s.callID, at: at, until: at.Add(time.Duration(s.granted) * time.Second), seconds: int64(s.granted),
			frame: (s.frame + frameNo(s.final)).frame(), cseq: s.cseq, tried: has(slotTried),
		})
	}
	if has(slotFlap) {
		f.place = s.place
	}
	if has(slotBinding) && has(slotStorm) {
		list = append(list, flapBinding{key: s.key, callID: s.callID, first: s.first.frame(), source: netip.AddrPortFrom(h.addr(s.source), s.port)})
	}
	a.contacts, r.granted, f.list = contacts, granted, list
}

// stormContact makes the contact again: of what was granted to it, the REGISTER that was counted last is the first.
func (s *watchSlot) stormContact(sent time.Time) stormContact {
	c := stormContact{uri: s.contact}
	if s.flags&slotGranted != 0 {
		c.source, c.n, c.since, c.last, c.granted, c.frames[0] = s.source, 1, sent, sent, int64(s.granted), s.frame.frame()
	}
	return c
}

// equal reports whether two watches are the same.
func (w *watch) equal(x *watch) bool {
	return w.storm.stormHead == x.storm.stormHead && slices.Equal(w.storm.contacts, x.storm.contacts) &&
		w.register.registerHead == x.register.registerHead && slices.Equal(w.register.granted, x.register.granted) &&
		w.flap.place == x.flap.place && w.flap.aor == x.flap.aor && slices.Equal(w.flap.list, x.flap.list)
}
