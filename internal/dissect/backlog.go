package dissect

import (
	"net/netip"
	"slices"
)

const (
	// leastBacklog and mostBacklog bound the octets of a generation: the first is some hundred messages.
	leastBacklog = 64 << 10
	mostBacklog  = 1 << 20
)

// A backlog holds the messages of streams, as long as there was none of HEP that may be a copy of one of
// them: most captures have none, and to remember a message by its hash costs ten times as much. It holds those of
// copyWindow at least, in two generations; where they do not fit, the older ones are remembered after all.
type backlog struct {
	now, before generation
	size        int // octets that a generation takes
}

type generation struct {
	octets []byte
	list   []unhashed
}

// An unhashed is a message of a stream without its key.
type unhashed struct {
	remembered
	transport Transport
	src, dst  netip.AddrPort
	size      int
}

// putOff keeps a message of a stream until there is HEP.
func (t *copyTable) putOff(m *Message, payload []byte) {
	b := &t.backlog
	if g := &b.now; len(g.list) > 0 && len(g.octets)+len(payload) > b.size {
		t.turn(&remembered{time: m.Time.UnixNano()})
	}
	g := &b.now
	g.octets = append(g.octets, payload...)
	n := len(g.list)
	g.list = slices.Grow(g.list, 1)[:n+1]
	u := &g.list[n] // part by part: a whole one would be made elsewhere first
	u.time, u.ref, u.kind = m.Time.UnixNano(), m.Ref, ofStream
	u.transport, u.src, u.dst, u.size = m.Transport, m.Src, m.Dst, len(payload)
}

// turn makes room for r: the older generation is forgotten once it is out of reach.
func (t *copyTable) turn(r *remembered) {
	b := &t.backlog
	if n := len(b.before.list); b.size == 0 || n > 0 && r.near(&b.before.list[n-1].remembered) {
		if b.size < mostBacklog {
			b.size = max(2*b.size, leastBacklog)
			return
		}
		t.hash(&b.before)
	}
	b.now, b.before = generation{b.before.octets[:0], b.before.list[:0]}, b.now
	if cap(b.now.octets) > 2*mostBacklog { // of one large message
		b.now.octets = nil
	}
}

// hash remembers the messages of a generation.
func (t *copyTable) hash(g *generation) {
	octets := g.octets
	for i := range g.list {
		u := &g.list[i]
		_, u.key = t.keys(u.transport, u.src, u.dst, octets[:u.size])
		t.remember(&u.remembered)
		octets = octets[u.size:]
	}
}

// catchUp remembers all that was put off, and that nothing is from now on.
func (t *copyTable) catchUp() {
	if !t.hep {
		t.hash(&t.backlog.before)
		t.hash(&t.backlog.now)
		t.hep, t.backlog = true, backlog{}
	}
}
