package dissect

import (
	"encoding/binary"
	"math/bits"
	"math/rand/v2"
	"net/netip"
)

// maxPairs bounds the pairs of addresses remembered: a scanner has an address for each
// packet. What is beyond them was seen as far as anybody can tell.
const maxPairs = 1 << 16

// Saw reports whether any packet went from src to dst. It remembers only after Watch; limited
// reports that there were too many pairs to remember.
func (d *Dissector) Saw(src, dst netip.Addr) (saw, limited bool) {
	return d.pairs.has(pair{src, dst}), d.pairs.full()
}

// TwoWay reports whether packets went both ways between an address and any other.
func (d *Dissector) TwoWay(a netip.Addr) bool {
	if d.pairs.twoWay == nil {
		d.pairs.twoWay = make(map[netip.Addr]bool)
		for p := range d.pairs.all {
			if p.src != p.dst && d.pairs.has(pair{p.dst, p.src}) {
				d.pairs.twoWay[p.src] = true
			}
		}
	}
	return d.pairs.twoWay[a]
}

// Sent reports whether packets came from an address, and whether packets went to it.
func (d *Dissector) Sent(a netip.Addr) (sent, got bool) {
	if d.pairs.ends == nil {
		d.pairs.ends = make(map[netip.Addr][2]bool)
		for p := range d.pairs.all {
			s, g := d.pairs.ends[p.src], d.pairs.ends[p.dst]
			s[0], g[1] = true, true
			d.pairs.ends[p.src] = s
			if p.src == p.dst {
				g[0] = true
			}
			d.pairs.ends[p.dst] = g
		}
	}
	e := d.pairs.ends[a]
	return e[0], e[1]
}

// A pair is a directed pair of addresses.
type pair struct{ src, dst netip.Addr }

func (p pair) hash(secret uint64) uint64 {
	return mixAddr(mixAddr(secret, netip.AddrPortFrom(p.src, 0)), netip.AddrPortFrom(p.dst, 0))
}

// A pair4 is a pair of two addresses of IPv4, which most are, in a sixth of the room: that of the
// source comes first. It is 0 for any other pair.
type pair4 uint64

func (p pair4) hash(secret uint64) uint64 {
	hi, lo := bits.Mul64(uint64(p)^secret, bits.RotateLeft64(secret, 32)|1)
	return hi ^ lo
}

// short returns a pair as a pair4.
func (p pair) short() pair4 {
	if !p.src.Is4() || !p.dst.Is4() {
		return 0
	}
	src, dst := p.src.As4(), p.dst.As4()
	return pair4(binary.BigEndian.Uint32(src[:]))<<32 | pair4(binary.BigEndian.Uint32(dst[:]))
}

// long returns the pair that a pair4 is.
func (p pair4) long() pair {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], uint64(p))
	return pair{netip.AddrFrom4([4]byte(b[:4])), netip.AddrFrom4([4]byte(b[4:]))}
}

// A pairTable remembers pairs.
type pairTable struct {
	v4     keySet[pair4]
	recent [1 << 12]pair4 // some that were added: nearly all packets are of pairs that came before
	others keySet[pair]
	twoWay map[netip.Addr]bool    // made of the pairs when it is asked for
	ends   map[netip.Addr][2]bool // likewise: from it, to it
}

// full reports whether no further pair is remembered.
func (t *pairTable) full() bool { return t.v4.n+t.others.n >= maxPairs }

func (t *pairTable) add(src, dst netip.Addr) {
	p := pair{src, dst}
	if k := p.short(); k != 0 {
		if r := &t.recent[k*0x9e3779b97f4a7c15>>52]; *r != k {
			t.v4.add(k, t.full())
			*r = k
		}
	} else if src.IsValid() {
		t.others.add(p, t.full())
	}
}

func (t *pairTable) has(p pair) bool {
	if k := p.short(); k != 0 {
		return t.v4.has(k)
	}
	return t.others.has(p)
}

// all iterates over the pairs.
func (t *pairTable) all(yield func(pair) bool) {
	for k := range t.v4.all {
		if !yield(k.long()) {
			return
		}
	}
	t.others.all(yield)
}

// A keySet remembers keys, in slots that are found by a hash with a secret in it. The zero key is
// none.
type keySet[K key] struct {
	slots  []K // as many as a power of two, at most half of them taken
	n      int
	secret uint64
}

type key interface {
	comparable
	hash(secret uint64) uint64
}

// add adds a key; full says that there is no room for another one.
func (s *keySet[K]) add(k K, full bool) {
	if 2*s.n >= len(s.slots) {
		s.grow()
	}
	var none K
	if at := s.find(k); *at == none && !full {
		*at = k
		s.n++
	}
}

// find returns the slot of a key: the one that it is in, or the empty one that it goes to.
func (s *keySet[K]) find(k K) *K {
	var none K
	mask := uint64(len(s.slots) - 1)
	for i := k.hash(s.secret); ; i++ {
		if at := &s.slots[i&mask]; *at == k || *at == none {
			return at
		}
	}
}

func (s *keySet[K]) has(k K) bool {
	var none K
	return s.n > 0 && *s.find(k) != none
}

func (s *keySet[K]) grow() {
	if s.slots == nil {
		s.secret = rand.Uint64()
	}
	was := *s
	s.slots = make([]K, max(64, 2*len(was.slots)))
	for k := range was.all {
		*s.find(k) = k
	}
}

// all iterates over the keys.
func (s *keySet[K]) all(yield func(K) bool) {
	var none K
	for _, k := range s.slots {
		if k != none && !yield(k) {
			return
		}
	}
}
