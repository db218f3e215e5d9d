package reassembly

import (
	"cmp"
	"encoding/binary"
	"net/netip"
	"time"

	"github.com/sipsight/sipsight/layers"
)

const (
	// maxDatagrams and maxFragmentBytes bound the datagrams in flight: thousands of
	// times what a link loses at once.
	maxDatagrams     = 4096
	maxFragmentBytes = 32 << 20

	// partCost is what a fragment costs beside its octets: its span and its packet.
	// Fragments of eight octets cost far more than they hold.
	partCost = 160

	// maxParts bounds the fragments of one datagram. The smallest link of IPv4 makes
	// under a thousand of the largest datagram.
	maxParts = 1024

	// lifetime is how long a datagram waits for its last fragment: RFC 8200,
	// section 4.5.
	lifetime = 60 * time.Second

	// reuse is the age from which a head with the same identification is of another datagram,
	// and so is what has come before. Fragments of one travel within milliseconds.
	reuse = 2 * time.Second

	// overlapping is that age for a head that is different: it is within that of fragments of one
	// datagram that overlap.
	overlapping = time.Second

	// placed is the age from which a fragment of IEEE 802.11 is of another frame, which are numbered up to
	// 4095: those of one are sent one right after the other. So are those of a datagram, whatever may come between.
	placed = 100 * time.Millisecond

	maxDatagram = 65535

	// maxOvertaken bounds the datagrams, those that began last, that Overtaken looks at.
	maxOvertaken = 64
)

// A Datagram is what was put together.
type Datagram struct {
	Frame    layers.Frame // of the first fragment that came; its Tunnels are a copy
	Payload  []byte       // from the start on, as far as nothing is missing
	Missing  int          // octets missing behind Payload, or 1 if it is not known how many
	Cut      bool         // all fragments came: what is missing was cut off them by the capture
	Awaited  bool         // nothing more came, and nothing says that others are lost
	Refs     []Ref        // the packets it came in, in their order
	Time     time.Time    // of the last of them
	NoHead   bool         // the first fragment never came: Payload is empty
	Overlap  bool         // fragments overlapped …
	Conflict bool         // … and differed where they did
}

// FragmentStats counts what happened to fragments.
type FragmentStats struct {
	Incomplete int64 // datagrams whose later fragments never came
	NoHead     int64 // datagrams whose first fragment never came
	Evicted    int64 // datagrams given up because of a limit
	Refused    int64 // fragments that are too many of one datagram
	Invalid    int64 // fragments beyond the largest datagram: no limit of memory, and of none
	Duplicates int64 // fragments that brought nothing new
	Overlaps   int64 // fragments that overlapped in part
	Conflicts  int64 // … and differed
}

// Fragments puts datagrams together. The zero Fragments is ready to use.
type Fragments struct {
	Stats FragmentStats
	Limit int // of octets in flight; 0 is maxFragmentBytes

	// Identify tells of the first fragment of a UDP datagram, with its header, what message it is the head of.
	Identify func(head []byte) Passing

	table  map[fragmentKey]*datagram
	head   *datagram // the oldest
	tail   *datagram
	bytes  int
	recent [maxRecent]completed // a ring
	next   int
}

// maxRecent is how many whole datagrams are remembered, so that fragments of them that
// were captured twice are not taken for fragments of others.
const maxRecent = 64

// A completed is a datagram that was put together a moment ago.
type completed struct {
	key     fragmentKey
	payload []byte
	time    time.Time
	cut     bool // see Datagram
}

// A fragmentKey tells datagrams apart: RFC 791, section 2.3, and what the fragments were
// carried in, since all of one take the same way.
type fragmentKey struct {
	src, dst netip.Addr
	id       uint32
	proto    layers.Proto
	depth    uint8
	tunnel   layers.Tunnel // the innermost
}

type datagram struct {
	key         fragmentKey
	prev, next  *datagram
	frame       layers.Frame
	tunnels     []layers.Tunnel
	spans       []span
	refs        []Ref
	total       int64 // octets, -1 until the last fragment came
	place       int64 // of numbered fragments: Fragment.Place
	have        int64
	cut         int64 // octets that the capture cut off fragments that came
	cost        int   // octets and partCost of what is there, and the octets of twin
	first, last time.Time
	twin        []byte  // the payload of the datagram that this one may be a copy of …
	twinCut     bool    // … and whether that was cut
	is          Passing // for Overtaken, once it was asked for
	asked       bool
	overlap     bool
	conflict    bool
}

// Add takes in a fragment: f is its Frame after ErrFragment, refs are the packets that it came in:
// one, unless those were fragments themselves. It returns the datagram that is whole now, or that
// has to be given up, or nil. More may have to be given up: call Expired until it returns nil.
func (t *Fragments) Add(f *layers.Frame, refs []Ref, now time.Time) *Datagram {
	if t.table == nil {
		t.table = make(map[fragmentKey]*datagram)
	}
	end := int64(f.Fragment.Offset + len(f.Payload))
	if end+int64(f.Missing) > maxDatagram {
		t.Stats.Invalid++
		return nil
	}
	key := fragmentKey{src: f.Src.Addr(), dst: f.Dst.Addr(), id: f.Fragment.ID, proto: f.Proto}
	if n := len(f.Tunnels); n > 0 {
		key.depth, key.tunnel = uint8(n), f.Tunnels[n-1]
	}
	if f.Version == 6 { // RFC 8200, section 4.5: the protocol is no part of the key
		key.proto = 0
	}
	d := t.table[key]
	var old *Datagram
	if d != nil && d.isOver(f, now) {
		old = t.giveUp(d)
		d = nil
	}
	if d == nil {
		d = t.begin(key, f, now)
	}
	if len(d.spans) >= maxParts {
		t.Stats.Refused++
		return old
	}
	t.take(d, f, refs, now)
	if d.isWhole() {
		whole := d.whole()
		t.remove(d)
		r := completed{key, whole.Payload, now, whole.Cut}
		t.recent[t.next] = r
		t.next = (t.next + 1) % maxRecent
		t.twins(&r)
		if old == nil {
			return whole
		}
		// Cannot be: a datagram of one fragment is none, and this one is new.
	}
	return old
}

func (t *Fragments) begin(key fragmentKey, f *layers.Frame, now time.Time) *datagram {
	d := &datagram{key: key, frame: *f, total: -1, first: now, place: int64(f.Fragment.Place)}
	d.tunnels = append(d.tunnels, f.Tunnels...)
	d.frame.Payload, d.frame.Tunnels = nil, d.tunnels
	for i := range t.recent {
		if r := &t.recent[i]; r.payload != nil && r.key.isLike(&key) && now.Sub(r.time) <= reuse {
			t.setTwin(d, r)
		}
	}
	t.table[key] = d
	if t.tail == nil {
		t.head = d
	} else {
		t.tail.next, d.prev = d, t.tail
	}
	t.tail = d
	return d
}

// twins tells the datagrams that began last, of those that wait, of one that is whole now: they may be copies of it that came another way.
func (t *Fragments) twins(r *completed) {
	for d, n := t.tail, 0; d != nil && n < maxRecent; d, n = d.prev, n+1 {
		if d.key.isLike(&r.key) && r.time.Sub(d.first) <= reuse {
			t.setTwin(d, r)
		}
	}
}

// setTwin says what d may be a copy of, which is kept as long as d is, and counts that.
func (t *Fragments) setTwin(d *datagram, r *completed) {
	cost := len(r.payload) - len(d.twin)
	d.twin, d.twinCut = r.payload, r.cut
	d.cost += cost
	t.bytes += cost
}

// isLike reports whether two datagrams may be one, which was captured in different places.
func (k *fragmentKey) isLike(x *fragmentKey) bool {
	return k.id == x.id && k.src == x.src && k.dst == x.dst && k.proto == x.proto
}

// take adds the octets of a fragment.
func (t *Fragments) take(d *datagram, f *layers.Frame, refs []Ref, now time.Time) {
	d.last = now
	s := span{off: int64(f.Fragment.Offset), data: f.Payload, ref: refs[len(refs)-1], time: now}
	spans, added, overlap, conflict := insert(d.spans, s)
	cost := added + partCost*(len(spans)-len(d.spans))
	d.spans = spans
	t.bytes += cost
	d.cost += cost
	d.have += int64(added)
	if added > 0 {
		d.refs = append(d.refs, refs...)
		d.cut += int64(f.Missing)
	}
	if added > 0 && s.off == 0 {
		d.frame.Proto = f.Proto // that of others means nothing: RFC 8200, section 4.5
	}
	switch {
	case added == 0 && len(f.Payload) > 0 && !conflict:
		t.Stats.Duplicates++
	case overlap:
		d.overlap = true
		t.Stats.Overlaps++
	}
	if conflict {
		d.overlap, d.conflict = true, true
		t.Stats.Conflicts++
	}
	if !f.Fragment.More && d.total < 0 {
		d.total = s.end() + int64(f.Missing)
	}
	if n := len(spans); n > 0 && d.total >= 0 && spans[n-1].end() > d.total && !d.conflict { // two ends: the first counts
		d.overlap, d.conflict = true, true
		t.Stats.Conflicts++
	}
}

// isCut reports whether every fragment came, up to the end, which is known, and some were cut by the capture. No more can be
// expected then.
func (d *datagram) isCut() bool {
	return d.cut > 0 && d.place == 0 && d.total >= 0 && d.have < d.total && d.have+d.cut >= d.total && d.spans[0].off == 0
}

// isWhole reports whether nothing is missing up to the end, which is known, but for what the capture cut off.
func (d *datagram) isWhole() bool {
	if d.isCut() {
		return true
	}
	if d.total < 0 || d.have < d.total && d.place == 0 {
		return false
	}
	at := int64(0)
	for i := range d.spans {
		if d.spans[i].off != at {
			break
		}
		at = d.behind(&d.spans[i])
	}
	return at >= d.total
}

// behind returns where the fragment behind s begins.
func (d *datagram) behind(s *span) int64 {
	if d.place > 0 {
		return s.off + d.place
	}
	return s.end()
}

// isOver reports whether a fragment with the identification of d is of another datagram.
func (d *datagram) isOver(f *layers.Frame, now time.Time) bool {
	switch age := now.Sub(d.last); {
	case d.last.IsZero(): // it came before the first packet that has a time
		return false
	case d.place > 0:
		return age > placed
	case age > reuse:
		return f.Fragment.Offset == 0 || d.twin != nil || !d.fits(f)
	case age > overlapping && f.Fragment.Offset == 0 && d.overlaps(0, 1):
		head := d.spans[0].data
		n := min(len(head), len(f.Payload))
		return string(head[:n]) != string(f.Payload[:n])
	}
	return false
}

// fits reports whether a fragment can be of d, though it came late: nothing of it is there, it ends where the datagram does, if it is the last one,
// and otherwise before that and with as many octets as the others have.
func (d *datagram) fits(f *layers.Frame) bool {
	if len(d.spans) == 0 {
		return true
	}
	total := d.total
	if total < 0 && f.Proto == layers.UDP && d.spans[0].off == 0 && len(d.spans[0].data) >= 8 {
		total = int64(binary.BigEndian.Uint16(d.spans[0].data[4:]))
	}
	size := len(f.Payload) + f.Missing
	end := int64(f.Fragment.Offset + size)
	switch {
	case d.overlaps(int64(f.Fragment.Offset), end):
		return false
	case !f.Fragment.More:
		return total < 0 || end == total
	}
	first := &d.spans[0]
	return (total < 0 || end < total) && (len(first.data) == size || first.end() == d.total)
}

// overlaps reports whether any of the octets from off to end has come.
func (d *datagram) overlaps(off, end int64) bool {
	for i := range d.spans {
		if d.spans[i].off < end && off < d.spans[i].end() {
			return true
		}
	}
	return false
}

// whole puts the octets together from the start on, up to the first that is missing.
func (d *datagram) whole() *Datagram {
	w := &Datagram{Frame: d.frame, Refs: InOrder(d.refs), Time: d.last, Overlap: d.overlap, Conflict: d.conflict}
	w.Payload = make([]byte, 0, d.have)
	at := int64(0)
	for i := range d.spans {
		if d.spans[i].off != at {
			break
		}
		w.Payload = append(w.Payload, d.spans[i].data...)
		at = d.behind(&d.spans[i])
	}
	switch {
	case d.total < 0, d.place > 0 && at < d.total:
		w.Missing = 1
	case d.place > 0:
	case len(w.Payload) > int(d.total):
		w.Payload = w.Payload[:d.total]
	default:
		w.Missing = int(d.total) - len(w.Payload)
	}
	w.NoHead, w.Cut = len(w.Payload) == 0, d.isCut()
	return w
}

// repeats reports whether all octets of d stand in its twin: fragments that were captured
// again.
func (d *datagram) repeats() bool {
	if d.place > 0 { // sent again, because their acknowledgment was lost
		return true
	}
	for i := range d.spans {
		s := &d.spans[i]
		if d.twinCut && s.off >= int64(len(d.twin)) { // of what was cut off
			continue
		}
		if s.end() > int64(len(d.twin)) || string(d.twin[s.off:s.end()]) != string(s.data) {
			return false
		}
	}
	return true
}

// giveUp takes out a datagram that is not whole.
func (t *Fragments) giveUp(d *datagram) *Datagram {
	w := d.whole()
	if d.twin != nil && d.repeats() {
		t.Stats.Duplicates += int64(len(d.refs))
		t.remove(d)
		return &Datagram{NoHead: true}
	}
	if w.NoHead {
		t.Stats.NoHead++
	} else {
		t.Stats.Incomplete++
	}
	t.remove(d)
	return w
}

//go:noinline
func (t *Fragments) remove(d *datagram) {
	delete(t.table, d.key)
	t.bytes -= d.cost
	if d.prev != nil {
		d.prev.next = d.next
	} else {
		t.head = d.next
	}
	if d.next != nil {
		d.next.prev = d.prev
	} else {
		t.tail = d.prev
	}
}

// Expired returns the next datagram that has to be given up: it waited too long, or the
// table is over its limits. It returns nil if there is none.
func (t *Fragments) Expired(now time.Time) *Datagram {
	d := t.head
	switch {
	case d == nil:
		return nil
	case len(t.table) > maxDatagrams || t.bytes > cmp.Or(t.Limit, maxFragmentBytes):
		t.Stats.Evicted++
	case d.first.IsZero(): // it came before the first packet that has a time, nobody knows how long, as others may have
		for ; d != nil; d = d.next {
			if d.first.IsZero() {
				d.first = now
			}
		}
		return nil
	case now.Sub(d.first) <= lifetime:
		return nil
	}
	return t.giveUp(d)
}

// A Passing is what tells that a message belongs to another: hashes of its Call-ID and of the branch of its topmost Via, 0 for none.
type Passing struct {
	Call, Branch uint64
	Answer       bool // it proves that what it answers came whole: a response to the branch, or the ACK of a response
}

// Overtaken returns the next UDP datagram that has to be given up since a message x came between its two hosts that was sent behind it, as its head
// says by Identify: in either direction a message of its call that comes when the other fragments are late, or before that one
// that answers it. One with the identification id, from src, is that itself. It returns nil if there is none among those that began last.
func (t *Fragments) Overtaken(src, dst netip.Addr, id uint32, x *Passing, now time.Time) *Datagram {
	var found *datagram
	for d, n := t.tail, 0; d != nil && n < maxOvertaken; d, n = d.prev, n+1 {
		k := &d.key
		forth, back := k.src == src && k.dst == dst, k.src == dst && k.dst == src
		if forth && k.id == id || !forth && !back || !t.identified(d) || d.is.Call != x.Call {
			continue
		}
		answer := back && x.Answer && (x.Branch == 0 || x.Branch == d.is.Branch)
		if answer || now.Sub(d.last) > placed {
			found = d
		}
	}
	if found == nil {
		return nil
	}
	return t.giveUp(found)
}

// identified reports whether it is known of what call d is, and finds that out once its head has come.
func (t *Fragments) identified(d *datagram) bool {
	if !d.asked && len(d.spans) > 0 && d.spans[0].off == 0 {
		d.asked = true
		if d.frame.Proto == layers.UDP && d.place == 0 && t.Identify != nil {
			d.is = t.Identify(d.spans[0].data)
		}
	}
	return d.is.Call != 0
}

// Rest returns the next of the datagrams that are left at the end, nil if there is none.
func (t *Fragments) Rest() *Datagram {
	if t.head == nil {
		return nil
	}
	w := t.giveUp(t.head)
	w.Awaited = true
	return w
}

// Waiting reports whether any datagram waits for fragments.
func (t *Fragments) Waiting() bool { return t.head != nil }
