package dissect

import (
	"bytes"
	"hash/maphash"
	"math"
	"net/netip"
	"time"

	"github.com/sipsight/sipsight/internal/addr"
	"github.com/sipsight/sipsight/internal/reassembly"
)

const (
	// copyWindow is how far apart two captures of one packet may be. Retransmissions
	// of SIP are 500 ms apart and more: RFC 3261, section 17.1.1.1.
	copyWindow = 50 * time.Millisecond

	// maxRemembered bounds the messages remembered for telling copies: some hundred
	// thousand a second. minRemembered of them are remembered however old they are: captures
	// are not quite in the order of time.
	maxRemembered = 1 << 14
	minRemembered = 1 << 11

	// maxAlike is how many datagrams that hold the same within copyWindow, each sent again, are told
	// apart.
	maxAlike = 8

	// leastCut is how many octets of a cut message tell it from others, together with the
	// identification of its datagram and its length, and leastHead how many do without that, which
	// IPv6 has not, and Linux often leaves at 0: the branch has to stand in them.
	leastCut  = 64
	leastHead = 256

	// maxTwins is how many messages back the whole one is looked for that a cut one is a copy of: copies follow each
	// other closely.
	maxTwins = 128
)

// A copyTable remembers the messages of the last moments, in a ring that grows only while what would
// leave it is not older than that.
//
// Entries stand in a ring in the order in which they came, and are numbered through. Those
// with the same bucket are chained from the newest to the oldest by their numbers; a number
// that has left the ring ends the chain, so nothing is ever taken out. What a search needs
// stands apart, in a tenth of the memory: it fits the cache of a processor core.
type copyTable struct {
	seed    maphash.Seed
	buckets []uint32 // the number of the newest entry, 0 for none
	links   []link
	ring    []remembered // with links of the same length
	last    uint32       // the number of the last entry, from 1
	whole   uint32       // that of the last one that was not cut, 0 for none
	cut     bool         // a cut message was remembered
	hep     bool         // a message of HEP was remembered
	backlog backlog      // as long as there was none
}

// A link is what a search needs of an entry.
type link struct {
	prev uint32 // number of the entry before it in its bucket
	tag  uint32 // the upper half of its key
}

// A remembered is a message that a copy may follow.
type remembered struct {
	key  uint64
	head uint64 // of a datagram: what it has in common with a copy that was cut, or was cut earlier; 0 for none
	time int64  // in nanoseconds, modulo 2^64
	ref  reassembly.Ref
	ipid uint32
	kind copyKind
	cut  bool
}

type copyKind uint8

const (
	ofDatagram copyKind = iota
	ofStream
	ofHEP
)

// find looks for the message that m is a copy of: the same octets between the same
// addresses and ports within copyWindow. Datagrams of IPv4 have to have the same
// identification, or else it is a retransmission; streams never repeat a message by
// themselves; HEP carries no identification. VLAN, TTL and tunnel may differ.
//
// Of a datagram that the capture cut, missing octets of it, the beginning has to be the same, and its
// length: in a tunnel it is cut earlier, or it alone. A whole one behind it is none: it says what nobody else does.
func (t *copyTable) find(m *Message, payload []byte, ipid uint32, missing int) (of reassembly.Ref, isCopy bool) {
	cut := m.Partial && m.Transport == UDP && missing > 0
	if !m.HasTime || m.Partial && (!cut || len(payload) < leastCut) {
		return of, false
	}
	if t.buckets == nil {
		t.seed = maphash.MakeSeed()
		t.make(minRemembered)
	}
	if m.Transport != UDP && !m.HEP && !t.hep { // there is nothing that it may be a copy of
		t.putOff(m, payload)
		return of, false
	}
	r := remembered{time: m.Time.UnixNano(), ref: m.Ref, ipid: ipid, cut: cut}
	switch {
	case m.HEP:
		r.kind = ofHEP
		t.catchUp()
	case m.Transport == UDP:
		r.kind = ofDatagram
	default:
		r.kind = ofStream
	}
	size := uint64(len(payload)+missing) << 40
	var least uint64
	least, r.key = t.keys(m.Transport, m.Src, m.Dst, payload)
	if r.kind == ofDatagram {
		r.head = t.head(&r, least, payload, size)
	}
	switch {
	case cut && r.head != 0:
		r.key = r.head
	case cut: // all that is there has to be the same
		r.key ^= size
	}
	old, isCopy := t.lookup(&r)
	if isCopy {
		return old.ref, true
	}
	if twin := t.twin(&r); twin != nil {
		return twin.ref, true
	}
	if old != nil && !t.cut { // twin finds those in the order in which they came
		*old = r
	} else {
		t.remember(&r)
	}
	return of, false
}

// head returns what a datagram has in common with a copy that was cut, or was cut earlier; 0 where too little of it is
// there. least is of keys. Without an identification a branch has to tell messages apart, all of it.
func (t *copyTable) head(r *remembered, least uint64, payload []byte, size uint64) uint64 {
	switch {
	case r.ipid != 0 && len(payload) >= leastCut:
		return least ^ size
	case len(payload) >= leastHead && (!r.cut || bytes.Contains(payload[:leastHead-leastCut], []byte("branch="))):
		return addr.MixWords(least, maphash.Bytes(t.seed, payload[leastCut:leastHead]), size)
	}
	return 0
}

// twin returns the whole message that r is a copy of, having been cut; nil for none.
func (t *copyTable) twin(r *remembered) *remembered {
	if !r.cut || r.head == 0 || t.whole == 0 || t.last-t.whole >= maxTwins {
		return nil
	}
	size := uint32(len(t.ring))
	for n := range min(maxTwins, t.last) {
		if old := &t.ring[(t.last-n)&(size-1)]; !old.cut && old.head == r.head && r.copies(old) {
			return old
		}
	}
	return nil
}

// copies reports whether r is a copy of old, both having the same octets and addresses.
func (r *remembered) copies(old *remembered) bool {
	if !r.near(old) {
		return false
	}
	if r.kind == ofHEP || old.kind == ofHEP {
		return r.ref.Order != old.ref.Order
	}
	return r.kind == ofDatagram && old.kind == ofDatagram && r.ipid == old.ipid && r.ref.Order != old.ref.Order
}

// near reports whether r came within copyWindow of old.
func (r *remembered) near(old *remembered) bool {
	d := time.Duration(r.time - old.time)
	return -copyWindow <= d && d <= copyWindow
}

// lookup returns the entry that r is a copy of, or else one with its key that is too old for copies,
// in whose place r may stand; nil for none.
func (t *copyTable) lookup(r *remembered) (e *remembered, isCopy bool) {
	size := uint32(len(t.ring))
	alike := 0
	for n := t.buckets[r.key%uint64(len(t.buckets))]; n > 0 && t.last-n < size && alike < maxAlike; {
		l := &t.links[n&(size-1)]
		if l.tag == uint32(r.key>>32) {
			if old := &t.ring[n&(size-1)]; old.key == r.key {
				if alike++; r.copies(old) {
					return old, true
				}
				if !r.near(old) {
					e = old
				}
			}
		}
		n = l.prev
	}
	return e, false
}

// remember puts r in the ring, in the place of the oldest entry once it is full.
func (t *copyTable) remember(r *remembered) {
	if t.last == math.MaxUint32 { // the numbers are used up: begin anew
		clear(t.buckets)
		t.last, t.whole = 0, 0
	}
	t.last++
	if r.cut {
		t.cut = true
	} else {
		t.whole = t.last
	}
	size := uint32(len(t.ring))
	if t.last >= size && size < maxRemembered && r.near(&t.ring[t.last&(size-1)]) {
		t.grow()
	}
	t.put(t.last, r)
}

// make makes room for so many entries, a power of two.
func (t *copyTable) make(size uint32) {
	t.buckets, t.links, t.ring = make([]uint32, 2*size), make([]link, size), make([]remembered, size)
}

// grow makes the ring twice as long.
func (t *copyTable) grow() {
	ring, size := t.ring, uint32(len(t.ring))
	t.make(2 * size)
	for n := t.last - size; n != t.last; n++ {
		t.put(n, &ring[n&(size-1)])
	}
}

// put puts r in the ring as number n.
func (t *copyTable) put(n uint32, r *remembered) {
	at, bucket := n&uint32(len(t.ring)-1), &t.buckets[r.key%uint64(len(t.buckets))]
	t.links[at] = link{*bucket, uint32(r.key >> 32)}
	*bucket = n
	t.ring[at] = *r
}

// keys returns hashes of what copies have in common: of the first leastCut octets, and of all.
func (t *copyTable) keys(transport Transport, src, dst netip.AddrPort, payload []byte) (least, all uint64) {
	n := min(leastCut, len(payload))
	least = mixAddr(mixAddr(maphash.Bytes(t.seed, payload[:n]), src), dst) ^ uint64(transport)<<32
	return least, addr.MixWords(least, maphash.Bytes(t.seed, payload[n:]), 0)
}

// mixAddr mixes an address and its port into h, which nobody outside can foresee.
func mixAddr(h uint64, a netip.AddrPort) uint64 { return addr.Mix(h, a.Addr(), a.Port()) }
