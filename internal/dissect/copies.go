package dissect

import (
	"encoding/binary"
	"hash/maphash"
	"math/bits"
	"net/netip"
	"time"

	"github.com/sipsight/sipsight/internal/reassembly"
)

const (
	// copyWindow is how far apart two captures of one packet may be. Retransmissions
	// of SIP are 500 ms apart and more: RFC 3261, section 17.1.1.1.
	copyWindow = 50 * time.Millisecond

	// maxRemembered bounds the messages remembered for telling copies: some hundred
	// thousand a second.
	maxRemembered = 1 << 14
)

// A copyTable remembers the messages of the last moments.
//
// Entries stand in a ring in the order in which they came, and are numbered through. Those
// with the same bucket are chained from the newest to the oldest by their numbers; a number
// that has left the ring ends the chain, so nothing is ever taken out.
type copyTable struct {
	seed    maphash.Seed
	buckets []int64 // the number of the newest entry, 0 for none
	ring    []remembered
	last    int64 // the number of the last entry, from 1
}

// A remembered is a message that a copy may follow.
type remembered struct {
	key  uint64
	time time.Time
	ref  reassembly.Ref
	prev int64 // number of the one before it in the bucket
	ipid uint32
	kind copyKind
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
func (t *copyTable) find(m *Message, payload []byte, ipid uint32) (of reassembly.Ref, isCopy bool) {
	if !m.HasTime || m.Partial {
		return of, false
	}
	if t.buckets == nil {
		t.seed = maphash.MakeSeed()
		t.buckets = make([]int64, maxRemembered)
		t.ring = make([]remembered, 1, 64) // there is no entry 0
	}
	r := remembered{key: t.key(m, payload), time: m.Time, ref: m.Ref, ipid: ipid}
	switch {
	case m.HEP:
		r.kind = ofHEP
	case m.Transport == UDP:
		r.kind = ofDatagram
	default:
		r.kind = ofStream
	}
	if old := t.lookup(r.key); old == nil {
		t.remember(r)
	} else if r.copies(old) {
		return old.ref, true
	} else {
		r.prev = old.prev
		*old = r
	}
	return of, false
}

// copies reports whether r is a copy of old, both having the same octets and addresses.
func (r *remembered) copies(old *remembered) bool {
	if d := r.time.Sub(old.time); d > copyWindow || d < -copyWindow {
		return false
	}
	if r.kind == ofHEP || old.kind == ofHEP {
		return r.ref.Order != old.ref.Order
	}
	return r.kind == ofDatagram && old.kind == ofDatagram && r.ipid == old.ipid && r.ref.Order != old.ref.Order
}

// lookup returns the entry of a key, nil for none.
func (t *copyTable) lookup(key uint64) *remembered {
	for n := t.buckets[key%maxRemembered]; n > 0 && t.last-n < maxRemembered; {
		r := &t.ring[n%maxRemembered]
		if r.key == key {
			return r
		}
		n = r.prev
	}
	return nil
}

// remember puts r in the ring, in the place of the oldest entry once it is full.
func (t *copyTable) remember(r remembered) {
	t.last++
	bucket := &t.buckets[r.key%maxRemembered]
	r.prev, *bucket = *bucket, t.last
	if t.last < maxRemembered {
		t.ring = append(t.ring, r)
	} else {
		t.ring[t.last%maxRemembered] = r
	}
}

// key is the hash of what copies have in common.
func (t *copyTable) key(m *Message, payload []byte) uint64 {
	h := maphash.Bytes(t.seed, payload)
	h = mixAddr(h, m.Src)
	h = mixAddr(h, m.Dst)
	return h ^ uint64(m.Transport)<<32
}

// mixAddr mixes an address and its port into h, which nobody outside can foresee.
func mixAddr(h uint64, a netip.AddrPort) uint64 {
	ip := a.Addr().As16()
	hi, lo := bits.Mul64(h^binary.LittleEndian.Uint64(ip[:8]), binary.LittleEndian.Uint64(ip[8:])^0x9e3779b97f4a7c15)
	return hi ^ lo ^ uint64(a.Port())<<48
}
