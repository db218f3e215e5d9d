package dissect

import (
	"cmp"
	"hash/maphash"
	"net/netip"

	"github.com/sipsight/sipsight/internal/addr"
	"github.com/sipsight/sipsight/internal/reassembly"
	"github.com/sipsight/sipsight/layers"
)

// A connTable holds the connections, those used last at its end.
type connTable struct {
	m          map[uint64]*conn // by a hash of both ends; those with the same one are chained
	recent     [1 << 10]*conn   // some of m, by the end of the hash: mostly it is one of these
	n          int
	seed       uint64
	head, tail *conn
	bytes      int
	ending     []ending // in the order of their ends
	waits      []wait   // in the order in which they began
	lacks      []lack   // likewise
}

// touchLag is how many packets may pass until a connection is moved to the end of the table
// again: moving it takes three others into the cache. It is little against maxConns.
const touchLag = 1 << 12

// A conn is one TCP connection.
type conn struct {
	ends       [2]netip.AddrPort // the lower one first
	hash       uint64
	same       *conn // the next one with this hash
	kind       connKind
	midstream  bool     // no SYN was seen
	heeds      [2]heed  // of a connection that was foreign: what its sides are listened to for
	counts     bool     // its sequence numbers are known to go on
	calm       [2]bool  // nothing waits on this side, nor for its end
	sides      [2]*half // nil as long as nothing came that way, and in foreign connections
	touched    int64    // number of the packet that moved it to the end of the table
	prev, next *conn
	tries      uint8 // see beginsAtEnd
	torn       bool  // octets of it are missing
	over       bool  // a direction was ended …
	quiet      bool  // … of which nothing came
	sealed     int32 // 1 + the number of the file in which it was counted as encrypted
	realm      realm
}

// maxRealms bounds the connections with the same ends that are told apart: each of their packets looks at all of them.
const maxRealms = 64

// A realm is a network whose addresses may be those of others as well: the kind of a tunnel and its id;
// 0 is that of packets outside of tunnels.
type realm uint64

// realmOf returns the realm of a packet. Tags and sessions of mirrors do not make one.
func realmOf(f *layers.Frame) realm {
	for i := len(f.Tunnels) - 1; i >= 0; i-- {
		switch t := &f.Tunnels[i]; t.Kind {
		case layers.VXLAN, layers.Geneve, layers.GRE, layers.GTP, layers.LISP:
			if t.ID != 0 {
				return realm(t.Kind)<<32 | realm(t.ID)
			}
		}
	}
	return 0
}

// A heed is what a direction is listened to for. A direction that is known to be of another protocol
// may carry anything, as a log; where that protocol has not begun, or where one of its messages has
// just ended, a message of SIP may begin all the same.
type heed uint8

const (
	heedAll   heed = iota // what reads like SIP anywhere in a segment
	heedStart             // a message that begins with the next segment
	heedNone
)

type connKind uint8

const (
	unknown connKind = iota
	isSIP
	isWebSocket
	isHEP
	foreign // anything else, as far as can be told
)

// get returns the connection of a segment, the packet of that number, and its side. Without
// create it is nil where the connection is not known.
func (t *connTable) get(src, dst *netip.AddrPort, order int64, create bool) (c *conn, side int) {
	if t.m == nil {
		t.m, t.seed = make(map[uint64]*conn), maphash.Bytes(maphash.MakeSeed(), nil)
	}
	hash := t.hash(src, dst)
	at := &t.recent[hash%uint64(len(t.recent))]
	if *at == nil || (*at).hash != hash {
		*at = t.m[hash]
	}
	for c = *at; c != nil; c = c.same {
		switch {
		case c.ends[0] == *src && c.ends[1] == *dst:
			side = 0
		case c.ends[0] == *dst && c.ends[1] == *src:
			side = 1
		default:
			continue
		}
		if order-c.touched > touchLag {
			c.touched = order
			t.touch(c)
		}
		return c, side
	}
	if !create {
		return nil, 0
	}
	return t.add(*src, *dst, hash, order)
}

// hash returns a hash of both ends, the same both ways.
func (t *connTable) hash(src, dst *netip.AddrPort) uint64 {
	a, isA := addr.Word(*src)
	b, isB := addr.Word(*dst)
	if isA && isB {
		return addr.MixWords(t.seed, min(a, b), max(a, b))
	}
	return mixAddr(t.seed, *src) + mixAddr(t.seed, *dst)
}

// add puts in a connection, and returns the side of src.
func (t *connTable) add(src, dst netip.AddrPort, hash uint64, order int64) (c *conn, side int) {
	c = &conn{ends: [2]netip.AddrPort{src, dst}, hash: hash, same: t.m[hash], midstream: true, touched: order}
	if cmp.Or(src.Addr().Compare(dst.Addr()), cmp.Compare(src.Port(), dst.Port())) > 0 {
		c.ends[0], c.ends[1], side = dst, src, 1
	}
	t.m[hash], t.recent[hash%uint64(len(t.recent))] = c, c
	t.n++
	t.push(c)
	return c, side
}

// remove takes a connection out of the table.
func (t *connTable) remove(c *conn) {
	t.unlink(c)
	t.n--
	t.recent[c.hash%uint64(len(t.recent))] = nil
	if first := t.m[c.hash]; first != c {
		for ; first.same != c; first = first.same {
		}
		first.same = c.same
	} else if c.same != nil {
		t.m[c.hash] = c.same
	} else {
		delete(t.m, c.hash)
	}
}

func (t *connTable) push(c *conn) {
	c.prev, c.next = t.tail, nil
	if t.tail == nil {
		t.head = c
	} else {
		t.tail.next = c
	}
	t.tail = c
}

func (t *connTable) unlink(c *conn) {
	if c.prev != nil {
		c.prev.next = c.next
	} else {
		t.head = c.next
	}
	if c.next != nil {
		c.next.prev = c.prev
	} else {
		t.tail = c.prev
	}
}

func (t *connTable) touch(c *conn) {
	if t.tail != c {
		t.unlink(c)
		t.push(c)
	}
}

// account updates the buffered octets of a direction.
func (t *connTable) account(h *half) {
	if h == nil {
		return
	}
	n := h.framer.Buffered() + h.stream.Cost() + 48*len(h.pieces)
	if h.early != nil {
		n += h.early.size
	}
	if h.ws != nil {
		n += h.ws.buffered()
	}
	if h.hep != nil {
		n += len(h.hep.buf)
	}
	t.bytes += n - h.counted
	h.counted = n
}

// release drops a direction of a connection. Where a list has it still, there is nothing left that waits.
func (t *connTable) release(c *conn, side int) {
	if h := c.sides[side]; h != nil {
		t.bytes -= h.counted
		h.counted, h.stream = 0, reassembly.Stream{}
		h.reset()
		c.sides[side] = nil
	}
}

// settle takes in that a direction went on.
func (t *connTable) settle(h *half) {
	t.leave(h.c)
	t.account(h)
}

// leave drops the directions of a connection that is known to be of another protocol, unless what still waits in them is SIP after all:
// what waits behind that goes on to wait, and the other direction begins anew.
func (t *connTable) leave(c *conn) {
	for side, h := range c.sides {
		if h == nil || c.kind != foreign {
			continue
		}
		for c.kind == foreign && h.stream.Past(new(reassembly.StreamStats), h) {
		}
		if o := c.sides[1-side]; o != nil && c.kind != foreign {
			o.reset()
			o.framer.Gap(-1)
			t.account(o)
		}
		t.account(h)
	}
	if c.kind == foreign {
		t.release(c, 0)
		t.release(c, 1)
	}
}

// connOf returns the connection of a segment and its side, as get does. The same ends in several realms may
// be several connections; or one, of which a packet is seen in each of them.
func (d *Dissector) connOf(f *layers.Frame, create bool) (c *conn, side int) {
	c, side = d.conns.get(&f.Src, &f.Dst, d.order, create)
	if c == nil || len(f.Tunnels) == 0 {
		return c, side
	}
	r := realmOf(f)
	if c.realm == 0 && c.kind == unknown && c.sides[0] == nil && c.sides[1] == nil { // it is new
		c.realm = r
	}
	if r == 0 || c.realm == 0 || c.realm == r && c.same == nil {
		return c, side
	}
	var in, fits, oldest *conn
	n := 0
	for x := c; x != nil; x = x.same {
		if x.ends != c.ends {
			continue
		}
		n++
		oldest = x
		if x.realm == r {
			in = x
		}
		if fits == nil && x.fits(side, f) {
			fits = x
		}
	}
	switch {
	case in == nil && (fits != nil || !create):
		return fits, side
	case fits != nil && fits != in && isSYN(f): // the ports are used again, which was seen in another realm first
		d.drop(in)
		return fits, side
	case in != nil:
		return in, side
	}
	if n == maxRealms {
		d.evict(oldest)
	}
	c, side = d.conns.add(f.Src, f.Dst, c.hash, d.order)
	c.realm = r
	return c, side
}

// fits reports whether a segment can be one of the connection, as far as what came before it tells: a SYN
// is the same one again.
func (c *conn) fits(side int, f *layers.Frame) bool {
	h, other := c.sides[side], c.sides[1-side]
	switch {
	case isSYN(f):
		return h != nil && h.stream.IsStart(f.Seq+1)
	case h != nil && h.stream.Started():
		return h.stream.Near(f.Seq)
	case other != nil && other.stream.Started() && f.Flags&layers.FlagACK != 0:
		return other.stream.Near(f.Ack)
	}
	return true
}

// answersUnseen reports whether the answer to a SYN, which acknowledges ack, is to one that was not captured: the other direction is still
// that of the connection before.
func (c *conn) answersUnseen(side int, ack uint32) bool {
	h, other := c.sides[side], c.sides[1-side]
	return other != nil && other.stream.Started() && (!other.stream.Near(ack) || h != nil && !other.stream.IsStart(ack))
}

// restart begins both directions of a connection anew.
func (d *Dissector) restart(c *conn) {
	d.goOnInTurn(c, forever)
	for side, h := range c.sides {
		h.close()
		d.conns.release(c, side)
	}
	c.kind, c.heeds, c.sealed, c.torn, c.over, c.quiet = unknown, [2]heed{}, 0, false, false, false
}

// isOver reports whether a segment is of another connection with the same ends: this one has ended, and
// seq is far from where it was.
func (c *conn) isOver(side int, seq uint32) bool { return c.over && c.isBehind(side, seq) }

// isBehind is isOver for a connection of which a direction was ended, which may go on all the same. Not inlined: it is cold.
//
//go:noinline
func (c *conn) isBehind(side int, seq uint32) bool {
	h, other := c.sides[side], c.sides[1-side]
	isOver := h != nil && (h.done || c.quiet || other != nil && other.done)
	return isOver && h.stream.Started() && !h.stream.Near(seq)
}
