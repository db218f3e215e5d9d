package export

import (
	"slices"

	"github.com/sipsight/sipsight/internal/reassembly"
	"github.com/sipsight/sipsight/layers"
)

const (
	// maxConns bounds the connections whose opening is remembered; the oldest is
	// forgotten.
	maxConns = 1 << 16

	// maxOpening bounds the packets remembered of one opening: three, and some that
	// were sent again.
	maxOpening = 12

	// maxSpans is how many of the last chosen segments of a direction are remembered,
	// so that they are taken again where they are sent again.
	maxSpans = 32
)

// A connTable holds the connections of which some packets are taken, and the openings of
// all others.
type connTable struct {
	m     map[pair]*conn
	queue []*conn // a ring, in the order in which they were added
	next  int
}

// A conn is one connection.
type conn struct {
	key     pair
	opening []reassembly.Ref // SYN, SYN and ACK, ACK
	synSeq  uint32           // of the SYN
	hasSYN  bool
	open    bool // the ACK that completes the opening was seen
	chosen  bool // it carried a chosen message
	sides   [2]side
}

// A side is one direction of a connection.
type side struct {
	spans []seqSpan // a ring of chosen segments
	next  int
	want  uint32 // the sequence number behind them, where waits
	waits bool   // for an acknowledgment
}

// A seqSpan is the sequence numbers of one segment.
type seqSpan struct{ from, to uint32 }

// segment decides about a TCP segment, which is chosen where it carries a message that is,
// and reports whether it was taken. On a connection that others use as well, only what the
// chosen messages need is: the opening, their segments, what acknowledges them, the end.
func (p *Plan) segment(f *layers.Frame, refs []reassembly.Ref, chosen bool) bool {
	k, i := pairOf(f.Src, f.Dst)
	if p.flows[k].whole() {
		p.markAll(refs)
		return true
	}
	c := p.conns.m[k]
	if c = p.opened(c, k, f, refs); c == nil {
		if !chosen {
			return false
		}
		c = p.conns.add(k)
	}
	end := f.Seq + uint32(len(f.Payload)+f.Missing)
	hasData := end != f.Seq
	here, back := &c.sides[i], &c.sides[1-i]
	switch {
	case chosen, hasData && here.overlaps(f.Seq, end):
		chosen = true
		if !c.chosen {
			c.chosen = true
			p.markAll(c.opening)
			c.opening = nil
		}
		here.add(f.Seq, end)
	case !c.chosen || hasData:
		return false
	case f.Flags&(layers.FlagSYN|layers.FlagFIN|layers.FlagRST) != 0:
		chosen = true
		if f.Flags&layers.FlagFIN != 0 {
			here.want, here.waits = end+1, true
		}
	case back.waits && f.Flags&layers.FlagACK != 0 && int32(f.Ack-back.want) >= 0:
		chosen = true
	default:
		return false
	}
	p.markAll(refs)
	if back.waits && f.Flags&layers.FlagACK != 0 && int32(f.Ack-back.want) >= 0 {
		back.waits = false
	}
	return true
}

// opened follows the opening of a connection, and returns it, nil where it is not known. A
// SYN with a number of its own begins another connection between the same ends.
func (p *Plan) opened(c *conn, k pair, f *layers.Frame, refs []reassembly.Ref) *conn {
	syn, ack := f.Flags&layers.FlagSYN != 0, f.Flags&layers.FlagACK != 0
	switch {
	case syn && c == nil:
		c = p.conns.add(k)
	case syn && !ack && c.hasSYN && c.synSeq != f.Seq:
		*c = conn{key: k}
	case c == nil || c.open || c.chosen || !syn && !ack:
		return c
	}
	if syn && !ack {
		c.hasSYN, c.synSeq = true, f.Seq
	}
	if !syn {
		c.open = true
		if len(f.Payload) > 0 { // it completes the opening and is more than that
			return c
		}
	}
	if !c.chosen && len(c.opening)+len(refs) <= maxOpening {
		c.opening = append(c.opening, refs...)
	}
	return c
}

func (t *connTable) add(k pair) *conn {
	if t.m == nil {
		t.m = make(map[pair]*conn)
	}
	c := &conn{key: k}
	if len(t.queue) < maxConns {
		t.queue = append(t.queue, c)
	} else {
		delete(t.m, t.queue[t.next].key)
		t.queue[t.next] = c
		t.next = (t.next + 1) % maxConns
	}
	t.m[k] = c
	return c
}

// add takes a chosen segment.
func (s *side) add(from, to uint32) {
	if from == to {
		return
	}
	if len(s.spans) < maxSpans {
		s.spans = append(s.spans, seqSpan{from, to})
	} else {
		s.spans[s.next] = seqSpan{from, to}
		s.next = (s.next + 1) % maxSpans
	}
	if !s.waits || int32(to-s.want) > 0 {
		s.want, s.waits = to, true
	}
}

// overlaps reports whether a segment holds octets of one that was chosen: it is that one,
// sent again.
func (s *side) overlaps(from, to uint32) bool {
	return slices.ContainsFunc(s.spans, func(x seqSpan) bool { return int32(x.to-from) > 0 && int32(to-x.from) > 0 })
}
