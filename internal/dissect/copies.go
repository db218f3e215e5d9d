package dissect

import (
	"hash/maphash"
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
type copyTable struct {
	seed  maphash.Seed
	seen  map[uint64]remembered
	queue []uint64 // a ring of the keys in seen, in order
	next  int
}

// A remembered is a message that a copy may follow.
type remembered struct {
	time time.Time
	ref  reassembly.Ref
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
	if t.seen == nil {
		t.seed = maphash.MakeSeed()
		t.seen = make(map[uint64]remembered, 256)
	}
	r := remembered{time: m.Time, ref: m.Ref, ipid: ipid}
	switch {
	case m.HEP:
		r.kind = ofHEP
	case m.Transport == UDP:
		r.kind = ofDatagram
	default:
		r.kind = ofStream
	}
	key := t.key(m, payload)
	if old, ok := t.seen[key]; ok && r.copies(&old) {
		return old.ref, true
	}
	t.remember(key, r)
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

func (t *copyTable) key(m *Message, payload []byte) uint64 {
	var h maphash.Hash
	h.SetSeed(t.seed)
	writeAddr(&h, m.Src)
	writeAddr(&h, m.Dst)
	h.WriteByte(byte(m.Transport))
	h.Write(payload)
	return h.Sum64()
}

func writeAddr(h *maphash.Hash, a netip.AddrPort) {
	ip := a.Addr().As16()
	h.Write(ip[:])
	h.WriteByte(byte(a.Port() >> 8))
	h.WriteByte(byte(a.Port()))
}

// remember puts r in the table, in the place of the oldest entry once it is full.
func (t *copyTable) remember(key uint64, r remembered) {
	if _, known := t.seen[key]; !known {
		if len(t.queue) < maxRemembered {
			t.queue = append(t.queue, key)
		} else {
			delete(t.seen, t.queue[t.next])
			t.queue[t.next] = key
			t.next = (t.next + 1) % maxRemembered
		}
	}
	t.seen[key] = r
}
