package findings

import (
	"hash/maphash"
	"math/bits"
	"net/netip"

	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/internal/addr"
)

// What is kept of very many, in as little room as may be.

// pageLen is how many are in one allocation of pages.
const pageLen = 256

// Pages are a list whose items stay where they are while it grows.
type pages[T any] struct {
	list []*[pageLen]T
	n    int
}

func (p *pages[T]) at(i int) *T { return &p.list[i/pageLen][i%pageLen] }

// grow makes the list n long at least.
func (p *pages[T]) grow(n int) {
	for len(p.list)*pageLen < n {
		p.list = append(p.list, new([pageLen]T))
	}
	p.n = max(p.n, n)
}

// add adds an item that holds nothing.
func (p *pages[T]) add() *T {
	p.grow(p.n + 1)
	return p.at(p.n - 1)
}

// A frameNo is a frame in eight octets: its file above its number.
type frameNo uint64

const frameBits = 40 // of the number

func frameNoOf(f analysis.Frame) frameNo {
	return frameNo(f.File)<<frameBits | frameNo(f.Number)&(1<<frameBits-1)
}

func (n frameNo) frame() analysis.Frame {
	return analysis.Frame{File: int(n >> frameBits), Number: int64(n & (1<<frameBits - 1))}
}

// A hostNo is the number of an address: see hosts.
type hostNo int32

// Hosts number addresses from 0. One gets its number where something is kept of it, so that
// the bounds of what is kept bound them too. All rules share one list: of most messages each has to find both ends.
type hosts struct {
	slots []int32 // 1 + the number, by hash; half of them are empty at least
	list  []host
}

// A host is what rules keep of an address.
type host struct {
	addr    netip.Addr
	source  int32 // 1 + the index of its source in ledger.order, …
	load    int32 // … of its load in loadState.order, …
	storm   int32 // … of its stormSource in stormState.from
	closely uint8 // requests outside of calls that lint looked at closely
}

// find returns the number of an address, -1 for none.
func (h *hosts) find(a netip.Addr) hostNo {
	if len(h.slots) == 0 {
		return -1
	}
	return hostNo(h.slots[h.slot(a)] - 1)
}

// number returns the number of an address, a new one where it has none.
func (h *hosts) number(a netip.Addr) hostNo {
	if n := h.find(a); n >= 0 {
		return n
	}
	h.list = append(h.list, host{addr: a})
	if 2*len(h.list) > len(h.slots) {
		h.slots = make([]int32, max(64, 2*len(h.slots)))
		for i := range h.list {
			h.slots[h.slot(h.list[i].addr)] = int32(i + 1)
		}
	} else {
		h.slots[h.slot(a)] = int32(len(h.list))
	}
	return hostNo(len(h.list) - 1)
}

// slot returns the slot of an address: the one that it is in, or else the one that it goes to.
func (h *hosts) slot(a netip.Addr) uint64 {
	mask := uint64(len(h.slots) - 1)
	for i := addrHash(a); ; i++ {
		if n := h.slots[i&mask]; n == 0 || h.list[n-1].addr == a {
			return i & mask
		}
	}
}

// addrHash returns a hash of an address.
func addrHash(a netip.Addr) uint64 { return mixed(secret, a) }

// mixed mixes an address into h.
func mixed(h uint64, a netip.Addr) uint64 {
	return addr.Mix(h, a, uint16(toInt(a.Is4()))) // which is not the same host as that address mapped to IPv6
}

// addr returns the address with a number.
func (h *hosts) addr(n hostNo) netip.Addr { return h.list[n].addr }

// of returns what is kept of an address, nil for nothing. It is valid until the next call of add.
func (h *hosts) of(a netip.Addr) *host {
	if n := h.find(a); n >= 0 {
		return &h.list[n]
	}
	return nil
}

// add returns what is kept of an address, nothing yet where it is new.
func (h *hosts) add(a netip.Addr) *host { return &h.list[h.number(a)] }

// textHash returns a hash of a text.
//
//go:noinline
func textHash(s string) uint64 { return maphash.String(seed, s) }

// What rules remember of directed pairs of hosts.
const (
	pairSeen    = 1 << iota // capture-quality: messages went that way …
	pairProven              // … and some of them answer others
	pairSmall               // udp-too-big: small requests were answered
	pairTrusted             // the ledger, in a table of its own
	pairVia                 // via-nat: it told of a response without received …
	pairStray               // … of one that went elsewhere
	pairContact             // contact-private: a SUBSCRIBE was judged
	pairBits    = 7
)

// A pairTable remembers bits of directed pairs of hosts, all of a pair in one place: of most messages every bit
// is there already.
type pairTable struct {
	slots []uint64 // as many as a power of two, half of them taken at most: a hash, and in place of its lowest bits those of the pair
	n     int
	count [pairBits]int // pairs with each bit
}

// slot returns the slot of a pair: the one that it is in, or else the one that it goes to.
func (t *pairTable) slot(hash uint64) *uint64 {
	mask := uint64(len(t.slots) - 1)
	for i := hash >> pairBits; ; i++ {
		if s := &t.slots[i&mask]; *s>>pairBits == hash>>pairBits || *s == 0 {
			return s
		}
	}
}

// of returns what is remembered of a pair.
func (t *pairTable) of(p hostPair) uint64 {
	if t.n == 0 {
		return 0
	}
	return *t.slot(p.hash()) & (1<<pairBits - 1)
}

// has reports whether a bit is remembered of a pair.
//
//go:noinline
func (t *pairTable) has(p hostPair, bit uint64) bool { return t.of(p)&bit != 0 }

// add remembers bits of a pair.
func (t *pairTable) add(p hostPair, bits uint64) {
	if 2*t.n >= len(t.slots) {
		was := t.slots
		t.slots = make([]uint64, max(64, 2*len(was)))
		for _, s := range was {
			if s != 0 {
				*t.slot(s) = s
			}
		}
	}
	hash := p.hash()
	s := t.slot(hash)
	if *s == 0 {
		*s = hash >> pairBits << pairBits
		t.n++
	}
	for i := range t.count {
		t.count[i] += int(bits &^ *s >> i & 1)
	}
	*s |= bits
}

// full reports whether as many pairs as a bundle may have are remembered with a bit: further ones are not.
func (t *pairTable) full(bit uint64) bool { return t.count[bits.TrailingZeros64(bit)] >= maxBundles }

// isNew remembers a bit of a pair, and reports whether that was not there and there is room for it.
func (t *pairTable) isNew(p hostPair, bit uint64) bool {
	if t.full(bit) || t.has(p, bit) {
		return false
	}
	t.add(p, bit)
	return true
}

// A table holds a value for each of its keys, which are hashes with a seed. It takes no more room
// than these and some empty slots.
type table[V any] struct {
	slots []tableSlot[V] // as many as a power of two; three quarters of them taken at most
	n     int
}

// The value comes first: an empty one behind the key would take room.
type tableSlot[V any] struct {
	value V
	key   uint64 // 0 for an empty slot
}

// slot returns the slot of a key, which is not 0: the one that it is in, or else the one that it
// goes to.
func (t *table[V]) slot(key uint64) *tableSlot[V] {
	mask := uint64(len(t.slots) - 1)
	for i := key; ; i++ {
		if s := &t.slots[i&mask]; s.key == key || s.key == 0 {
			return s
		}
	}
}

// get returns the value of a key, nil for none. It is valid until the next call of add.
func (t *table[V]) get(key uint64) *V {
	if t.n == 0 {
		return nil
	}
	if s := t.slot(max(key, 1)); s.key != 0 {
		return &s.value
	}
	return nil
}

// add returns the value of a key, an empty one where there was none.
func (t *table[V]) add(key uint64) *V {
	key = max(key, 1)
	if 4*t.n >= 3*len(t.slots) {
		was := t.slots
		t.slots = make([]tableSlot[V], max(64, 2*len(was)))
		for i := range was {
			if was[i].key != 0 {
				*t.slot(was[i].key) = was[i]
			}
		}
	}
	s := t.slot(key)
	if s.key == 0 {
		s.key = key
		t.n++
	}
	return &s.value
}

// clear forgets all keys.
func (t *table[V]) clear() {
	clear(t.slots)
	t.n = 0
}
