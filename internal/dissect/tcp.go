package dissect

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"hash/maphash"
	"net/netip"
	"slices"
	"time"

	"github.com/sipsight/sipsight/internal/addr"
	"github.com/sipsight/sipsight/internal/reassembly"
	"github.com/sipsight/sipsight/layers"
	"github.com/sipsight/sipsight/sipmsg"
)

const (
	// maxConns bounds the connections followed at once, maxStreamBytes what they
	// buffer together; the one that was quiet for longest is given up.
	maxConns       = 1 << 16
	maxStreamBytes = 64 << 20

	// maxPieces bounds the segments that one waiting message has come in.
	maxPieces = 1 << 16

	// maxIdlePieces and maxIdleBuffer bound the memory of a direction in which nothing
	// waits.
	maxIdlePieces = 32
	maxIdleBuffer = 4 << 10

	// endWait is how long a direction that was ended waits for octets that are missing
	// before its end, maxEnding how many directions do.
	endWait   = 200 * time.Millisecond
	maxEnding = 1024
)

// StreamStats counts what happened on TCP connections.
type StreamStats struct {
	reassembly.StreamStats
	Connections int64
	Compressed  int64 // WebSocket messages, and HEP payloads, that could not be decompressed
	Midstream   int64 // connections with SIP whose start was not captured
	Skipped     int64 // octets of streams with SIP that belong to no message
	Evicted     int64 // connections, and SCTP associations, given up because of a limit
}

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
}

// touchLag is how many packets may pass until a connection is moved to the end of the table
// again: moving it takes three others into the cache. It is little against maxConns.
const touchLag = 1 << 12

// An ending is a direction that was ended while octets before the end were missing.
type ending struct {
	h     *half
	since time.Time
}

// A wait is a direction in which octets have come that cannot be given out yet: others are missing before them, or it is
// not known where their message ends.
type wait struct {
	h     *half
	order int64 // of the packet that they came in
	since time.Time
}

// maxWait is how long the packets after a wait may have to wait for it, maxWaits how many waits are known.
const (
	maxWait  = 10 * time.Second
	maxWaits = 1024
)

// Waits returns the packet from which on messages may still be found that it or later ones complete, although some of those
// were taken in before now. waits is false where there is none. It needs Ordered.
func (d *Dissector) Waits(now time.Time) (order int64, waits bool) {
	t := &d.conns
	for len(t.waits) > 0 {
		w := &t.waits[0]
		if w.h.isWaiting() && len(t.waits) <= maxWaits && now.Sub(w.since) <= maxWait {
			return w.order, true
		}
		w.h.waits = false
		*w = wait{}
		t.waits = t.waits[1:]
	}
	return 0, false
}

// isWaiting reports whether a direction waits.
func (h *half) isWaiting() bool { return h.stream.Pending() > 0 || h.framer.Holds() }

// A conn is one TCP connection.
type conn struct {
	ends       [2]netip.AddrPort // the lower one first
	hash       uint64
	same       *conn // the next one with this hash
	kind       connKind
	midstream  bool     // no SYN was seen
	heeds      [2]heed  // of a connection that was foreign: what its sides are listened to for
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

// A half is one direction of a connection: it takes octets in order and cuts messages out
// of them.
type half struct {
	d        *Dissector
	c        *conn
	src, dst netip.AddrPort
	stream   reassembly.Stream
	framer   sipmsg.Framer
	ws       *wsReader
	hep      *hepReader
	first    []byte  // too few octets to tell what the connection is
	pieces   []piece // the segments that what is buffered came in
	off      int64   // of the end of the stream
	gap      bool    // octets were missing since the last message
	tunnels  []layers.Tunnel
	end      uint32 // sequence number behind the last octet, where ends
	ends     bool   // a FIN or RST was seen
	unseen   uint32 // the last acknowledgement of octets that are not in the capture
	counted  int    // octets buffered, as counted in the table
	done     bool
	waits    bool           // it is in connTable.waits
	skipped  int64          // of framer.Skipped, what has been counted
	last     reassembly.Ref // the last whole message came in …
	lastSkip int64          // … and framer.Skipped was this behind it
	keeps    int64
	given    int64            // the offset in the stream behind the last message
	early    *early           // of a stream that begins in the middle
	parts    []reassembly.Ref // the packets that segments came in as IP fragments, the last of each twice
}

// A piece is a run of the stream with the packet it came in.
type piece struct {
	end  int64 // stream offset behind it
	ref  reassembly.Ref
	time time.Time
	f    reassembly.Flags
}

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
	n := h.framer.Buffered() + h.stream.Pending() + 48*len(h.pieces)
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

// release drops a direction of a connection.
func (t *connTable) release(c *conn, side int) {
	if h := c.sides[side]; h != nil {
		t.bytes -= h.counted
		h.counted = 0
		c.sides[side] = nil
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
	var in, fits *conn
	for x := c; x != nil; x = x.same {
		if x.ends != c.ends {
			continue
		}
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

// isSYN reports whether a segment begins a connection.
func isSYN(f *layers.Frame) bool {
	return f.Flags&(layers.FlagSYN|layers.FlagACK) == layers.FlagSYN
}

// segment takes in one TCP segment.
func (d *Dissector) segment(f *layers.Frame, c *carrier) {
	cn, side := d.connOf(f, len(f.Payload) > 0 || f.Flags&layers.FlagSYN != 0)
	if cn == nil || len(f.Payload) == 0 && f.Flags&(layers.FlagSYN|layers.FlagFIN|layers.FlagRST) == 0 && d.acks(cn, side, f, c) {
		return
	}
	seq := f.Seq
	if f.Flags&layers.FlagSYN != 0 {
		seq++
		d.synchronize(cn, side, seq, f)
	} else if len(f.Payload) > 0 && cn.isOver(side, seq) {
		d.restart(cn)
		cn.midstream = true
	}
	if len(f.Payload) == alertLen && cn.kind == foreign && d.event != nil {
		d.alert(f, c)
	}
	if len(f.Payload) > 0 && (cn.kind != foreign && cn.heeds[side] == heedAll || d.turnsSIP(cn, side, f, seq)) {
		d.deliver(cn.half(d, side, f), seq, f, c)
	}
	if h := cn.sides[1-side]; h != nil && f.Flags&layers.FlagACK != 0 && h.stream.Started() {
		h.stream.Ack(f.Ack)
		d.ackedUnseen(h, f.Ack, c)
		if h.stream.Pending() > 0 {
			h.stream.CheckGap(c.time, &d.Streams.StreamStats, h)
			d.conns.account(h)
		}
	}
	if h := cn.sides[side]; h != nil {
		if d.Ordered && !h.waits && h.isWaiting() {
			h.waits = true
			if d.conns.waits = append(d.conns.waits, wait{h, d.order, c.time}); len(d.conns.waits) > 2*maxWaits {
				d.Waits(c.time)
			}
		}
		h.endAt(seq+uint32(len(f.Payload)+f.Missing), f.Flags, c.time)
	} else if f.Flags&(layers.FlagFIN|layers.FlagRST) != 0 {
		cn.over, cn.quiet = true, true
	}
	d.conns.account(cn.sides[side])
	if cn.kind == foreign {
		d.conns.release(cn, 0)
		d.conns.release(cn, 1)
	}
	h := cn.sides[side]
	cn.calm[side] = h == nil || !h.ends && !h.isWaiting()
	for d.conns.n > maxConns || d.conns.bytes > d.segments {
		d.Streams.Evicted++
		d.drop(d.conns.head)
	}
}

// acks takes in a segment that is no more than an acknowledgment, where its side does not wait for anything: a third of all
// segments, for which that side need not be looked at. Otherwise it returns false and has done nothing.
func (d *Dissector) acks(cn *conn, side int, f *layers.Frame, c *carrier) bool {
	h := cn.sides[1-side]
	if !cn.calm[side] || h != nil && h.stream.Pending() > 0 {
		return false
	}
	if h != nil && f.Flags&layers.FlagACK != 0 && h.stream.Started() {
		h.stream.Ack(f.Ack)
		d.ackedUnseen(h, f.Ack, c)
	}
	return true
}

// endAt takes in the flags of a segment before seq. A direction ends where the other side
// has been given all octets before the end: a FIN or an RST may overtake them. What goes the
// other way is under way still.
func (h *half) endAt(seq uint32, flags uint8, now time.Time) {
	if flags&(layers.FlagFIN|layers.FlagRST) != 0 && !h.ends && !h.done {
		h.end, h.ends = seq, true
		if !h.stream.Reached(seq) {
			h.d.conns.ending = append(h.d.conns.ending, ending{h, now})
		}
	}
	if h.ends && h.stream.Reached(h.end) {
		h.close()
	}
}

// closeEnded ends the directions that have waited long enough for what is missing.
func (d *Dissector) closeEnded(now time.Time) {
	t := &d.conns
	for len(t.ending) > 0 && (len(t.ending) > maxEnding || now.Sub(t.ending[0].since) > endWait) {
		if h := t.ending[0].h; h.ends {
			h.close()
			t.account(h)
		}
		t.ending[0].h = nil
		t.ending = t.ending[1:]
	}
}

// half returns one direction of the connection, that of the frame f.
func (c *conn) half(d *Dissector, side int, f *layers.Frame) *half {
	if c.sides[side] == nil {
		c.sides[side] = c.newHalf(d, f.Src, f.Dst)
	}
	return c.sides[side]
}

// newHalf returns a direction of the connection, of which nothing has come. Not inlined: it is cold, and in many places.
//
//go:noinline
func (c *conn) newHalf(d *Dissector, src, dst netip.AddrPort) *half {
	h := &half{d: d, c: c, src: src, dst: dst}
	h.framer.Share(&d.shared)
	return h
}

// synchronize takes in a SYN. One that was seen before changes nothing; another one means
// that the ports are used again: from the client it begins both directions anew, the answer
// to it only its own.
func (d *Dissector) synchronize(c *conn, side int, seq uint32, f *layers.Frame) {
	if h := c.sides[side]; h != nil && h.stream.IsStart(seq) && !(h.done && isSYN(f)) {
		return
	}
	d.Streams.Connections++
	if isSYN(f) || c.answersUnseen(side, f.Ack) {
		d.restart(c)
	} else {
		c.sides[side].close()
		d.conns.release(c, side)
	}
	c.midstream = false
	c.half(d, side, f).stream.Start(seq)
}

// answersUnseen reports whether the answer to a SYN, which acknowledges ack, is to one that was not captured: the other direction is still
// that of the connection before.
func (c *conn) answersUnseen(side int, ack uint32) bool {
	h, other := c.sides[side], c.sides[1-side]
	return other != nil && other.stream.Started() && (!other.stream.Near(ack) || h != nil && !other.stream.IsStart(ack))
}

// restart begins both directions of a connection anew.
func (d *Dissector) restart(c *conn) {
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

// whole gives out the message that a segment is, of a direction in which nothing waits and nothing is odd. Otherwise it returns
// false, and deliver has to follow.
func (h *half) whole(seq uint32, f *layers.Frame, c *carrier) bool {
	switch {
	case h.c.kind != isSIP, h.c.midstream, h.done, h.gap, h.early != nil, len(h.pieces) > 0:
		return false
	case len(h.tunnels)+len(f.Tunnels)+len(h.parts) > 0, len(c.refs) != 1, f.Missing > 0:
		return false
	}
	u := &h.d.unit
	if !h.stream.IsNext(seq) || !h.framer.Whole(f.Payload, u) {
		return false
	}
	h.stream.Pass(len(f.Payload))
	h.off += int64(len(f.Payload))
	c.src, c.dst = h.src, h.dst
	h.give(u, c)
	return true
}

// deliver gives a segment to its stream.
func (d *Dissector) deliver(h *half, seq uint32, f *layers.Frame, c *carrier) {
	if h.whole(seq, f, c) {
		return
	}
	st := &d.Streams.StreamStats
	if len(h.tunnels)+len(f.Tunnels) > 0 {
		h.tunnels = append(h.tunnels[:0], f.Tunnels...)
	}
	if n := len(c.refs); n > 1 && len(h.parts)+n < maxParts {
		h.parts = append(append(h.parts, c.refs...), c.ref)
	}
	switch {
	case !h.stream.Started():
		h.early = &early{start: seq, seq: seq, open: true}
		h.framer.Join()
	case h.early != nil && d.overtaken(h, seq, f, c) && h.stream.Reached(seq+uint32(len(f.Payload))):
		return
	}
	h.stream.Add(seq, f.Payload, c.ref, c.time, st, h)
	if e := h.early; e != nil && (e.open && h.c.kind != foreign || int32(seq-e.seq) < 0) && !e.has(seq, len(f.Payload)) && !e.keep(seq, f, c) {
		h.early = nil
	}
	if f.Missing > 0 { // cut by the snaplen: what is missing will never come
		h.stream.Skip(seq+uint32(len(f.Payload)), f.Missing, st, h)
	}
}

// drop gives up a connection.
func (d *Dissector) drop(c *conn) {
	d.restart(c)
	d.conns.remove(c)
}

// finishStreams gives out what is left in all connections.
func (d *Dissector) finishStreams() {
	for d.conns.head != nil && d.err == nil {
		d.drop(d.conns.head)
	}
}

// turnsSIP looks at a segment of a connection that did not look like SIP: if a message
// begins in it after all, the connection is followed from here on.
func (d *Dissector) turnsSIP(c *conn, side int, f *layers.Frame, seq uint32) bool {
	b := f.Payload
	kind := c.turns(side, b)
	if kind == foreign && c.heeds[side] == heedAll && d.sniffDeflated(b) == yes {
		kind = isWebSocket
	}
	switch kind {
	case foreign:
		return false
	case isWebSocket, isHEP:
		c.kind, c.heeds = kind, [2]heed{}
		c.half(d, side, f).stream.Start(seq)
	default:
		if c.kind == foreign {
			c.kind = kind
		}
		if c.sealed > 0 && kind == isSIP { // what seemed to be TLS was answered in SIP
			d.Counts[c.sealed-1].Encrypted--
			c.sealed = 0
		}
		c.heeds[side] = heedAll
		h := c.half(d, side, f)
		h.stream.Start(seq)
		h.framer.Gap(-1)
	}
	return true
}

// turns returns what a connection is as far as a segment tells that begins with b.
func (c *conn) turns(side int, b []byte) connKind {
	if mayUpgrade(b) == yes && (isUpgrade(b[:min(len(b), maxUpgrade)]) || c.kind == foreign && !bytes.Contains(b, emptyLine)) || sniffWebSocket(b) == yes { // the second request of a connection, perhaps the first part of it, or the middle
		return isWebSocket
	}
	if nextHEP3(b) >= 0 {
		return isHEP
	}
	switch c.heeds[side] {
	case heedNone:
		return foreign
	case heedStart:
		switch {
		case startsMessage(b):
			return isSIP
		case startsKnown(b):
			return unknown
		case isBareGet(b):
			return foreign
		case mayUpgrade(b) == perhaps && c.kind == foreign:
			return isWebSocket
		}
		c.heeds[side] = heedNone
		return foreign
	}
	switch {
	case sipmsg.Sniff(b), holdsResponse(b):
		return isSIP
	case bytes.Contains(b, []byte(" SIP/2.0\r\n")):
		if w := (wsReader{buf: b}); w.resumes(nil, -1) && b[w.at]&0x80 != 0 { // whole: a length may look like the start of another
			return isWebSocket
		}
		return isSIP
	case startsKnown(b), len(b) <= maxWSHeader && sniffWebSocket(b) == perhaps, c.beginsAtEnd(b): // what comes next tells
		return unknown
	}
	return foreign
}

// maxInLine is how many versions of SIP in the middle of a line are looked at for the start of a response, and beforeVersion how much
// of the line in front of it.
const (
	maxInLine     = 4
	beforeVersion = 256
)

// holdsResponse reports whether a response begins in a segment, not at its start: at that of a line, or behind the end of a body
// that has no line end.
func holdsResponse(b []byte) bool {
	for at, tries := 0, 0; ; {
		i := bytes.Index(b[at:], []byte("SIP/2.0 "))
		if i < 0 {
			return false
		}
		at += i
		switch {
		case at > 0 && b[at-1] == '\n':
			return true
		case at > 0 && tries < maxInLine:
			tries++
			from := max(bytes.LastIndexByte(b[:at], '\n')+1, at-beforeVersion)
			if sipmsg.HoldsStart(b[from:]) {
				return true
			}
		}
		at++
	}
}

// isForeign says that a direction is of another protocol, and what it is listened to for. The other
// one may turn out to be SIP as long as nothing came that way: whoever is asked in another language
// answers in its own.
func (h *half) isForeign(to heed) {
	c := h.c
	c.kind = foreign
	for side, s := range c.sides {
		switch {
		case s == h:
			c.heeds[side] = to
		case c.heeds[side] != heedAll:
		case s == nil || s.off == 0:
			c.heeds[side] = heedStart
		default:
			c.heeds[side] = heedNone
		}
	}
}

// close ends a direction: what waits is given out.
func (h *half) close() {
	if h == nil || h.done && h.stream.Pending() == 0 {
		return
	}
	h.stream.End(&h.d.Streams.StreamStats, h)
	if h.c.kind != foreign {
		h.framer.Close()
		h.messages()
		h.wsRest()
	}
	h.done, h.ends, h.c.over = true, false, true
	h.reset()
}

// reset forgets what came. Not inlined: it is cold, and in many places.
//
//go:noinline
func (h *half) reset() {
	h.framer = sipmsg.Framer{}
	h.framer.Share(&h.d.shared)
	h.pieces, h.off, h.skipped, h.keeps, h.given = nil, 0, 0, 0, 0
	h.last, h.lastSkip = reassembly.Ref{}, 0
	h.ws, h.hep, h.first, h.early = nil, nil, nil, nil
}

// Data takes the next octets of the stream: reassembly.Sink.
func (h *half) Data(b []byte, ref reassembly.Ref, now time.Time, f reassembly.Flags) {
	if h.c.kind == foreign && !h.turnsBehindGap(b) {
		return
	}
	h.done = false // octets after the end: a FIN that was not the last
	h.off += int64(len(b))
	if n := len(h.pieces); n > 0 && h.pieces[n-1].ref == ref {
		h.pieces[n-1].end = h.off
	} else {
		h.pieces = slices.Grow(h.pieces, 1)[:n+1]
		p := &h.pieces[n] // part by part: a whole one would be made elsewhere first
		p.end, p.ref, p.time, p.f = h.off, ref, now, f
	}
	if len(h.first) > 0 {
		h.first = append(h.first, b...)
		b, h.first = h.first, nil
	}
	if h.c.kind == isSIP && h.c.midstream && looksTLS(b) == yes && !h.framer.Promising() { // what came before it was the middle of a record
		h.encrypted()
		return
	}
	h.octets(b)
}

// turnsBehindGap is turnsSIP for octets that waited for others: those came to be of a connection that did not look like
// SIP. It reports whether the connection is followed from b on.
func (h *half) turnsBehindGap(b []byte) bool {
	c, side := h.c, 0
	if c.sides[1] == h {
		side = 1
	}
	if !h.gap || c.heeds[side] != heedAll || c.sides[side] != h {
		return false
	}
	kind := c.turns(side, b)
	if kind == foreign {
		return false
	}
	c.kind = kind
	h.reset()
	if kind != isWebSocket && kind != isHEP {
		h.framer.Gap(-1)
	}
	return true
}

// octets takes what is next in the stream once there is enough to tell what it is.
func (h *half) octets(b []byte) {
	for h.c.kind == unknown && h.off == int64(len(b)) { // what a proxy put in front of it
		n := proxyHeader(b)
		if n == 0 {
			break
		}
		if n > len(b) {
			h.first = bytes.Clone(b)
			return
		}
		b = b[n:]
		if h.restart(h.off - int64(len(b))); len(b) == 0 {
			return
		}
	}
	if h.c.kind == unknown {
		h.probe(b)
	}
	switch h.c.kind {
	case isWebSocket:
		h.webSocket(b)
		return
	case isHEP:
		h.hepStream(b)
		return
	case foreign:
		return
	}
	if len(h.first) > 0 {
		return
	}
	if beginsOther[b[0]] && h.isAnother(b) {
		h.beginsAnew(b)
		return
	}
	skipped, last := h.framer.Skipped, h.pieces[len(h.pieces)-1]
	h.framer.Borrow(b)
	h.messages()
	if h.framer.Skipped > skipped {
		begin := h.off - int64(len(b))
		from := int(max(h.given-begin, 0))
		if at := nextHEP3(b[from:]) + from; at >= from {
			h.pieces = append(h.pieces[:0], last)
			h.beginsAnew(b[at:])
			return
		}
	}
	if len(h.pieces) > maxPieces { // segments of an octet each: enough is enough
		h.framer.Gap(-1)
		h.messages()
		h.pieces = h.pieces[:0]
	}
}

// Gap says that octets of the stream are missing: reassembly.Sink.
func (h *half) Gap(n int64) {
	if h.c.kind == foreign {
		return
	}
	h.gap, h.early, h.c.torn = true, nil, true
	switch {
	case h.c.kind == isWebSocket && h.ws != nil:
		h.wsRest()
		h.ws.gap(n)
		return
	case h.c.kind == isHEP && h.hep != nil:
		h.d.Streams.Skipped += int64(h.hep.gap())
		return
	}
	if h.c.kind == unknown && h.framer.Skipped > 0 && !h.framer.Begun() { // what seemed to begin at the end of a segment does not go on
		h.c.kind = foreign
		h.reset()
		return
	}
	if sipmsg.SniffCut(h.first) {
		h.c.kind = isSIP
		h.framer.Write(h.first)
	}
	h.first = nil
	h.framer.Gap(n)
	h.messages()
}

// probe decides what a connection is by the first octets of a direction. A port of SIP has
// the benefit of the doubt.
func (h *half) probe(b []byte) {
	if nextHEP3(b) == 0 { // whatever was waiting is the rest of a packet
		h.c.kind = isHEP
		h.framer = sipmsg.Framer{}
		h.framer.Share(&h.d.shared)
		return
	}
	if h.framer.Buffered() > 0 {
		return // a start line that is not whole yet
	}
	c := h.c
	onSIP := isSIPPort(h.src.Port()) || isSIPPort(h.dst.Port())
	ws := max(sniffWebSocket(b), mayUpgrade(b), h.d.sniffDeflated(b))
	tls := looksTLS(b)
	if tls == yes && !onSIP && helloIsCut(b) {
		tls = perhaps
	}
	switch {
	case ws == yes:
		c.kind = isWebSocket
	case tls == yes && (onSIP || helloNamesSIP(b)):
		h.encrypted()
	case tls == yes:
		h.isForeign(heedNone)
	case bytes.HasPrefix(b, []byte("HEP3")) || nextHEP3(b) > 0:
		c.kind = isHEP
	case ws == perhaps || tls == perhaps || isStart(b):
		h.first = append([]byte(nil), b...)
	case isOther(b):
		h.isForeign(heedNone)
	case onSIP:
		c.kind = isSIP
	case !sipmsg.CanBegin(b) && !bytes.Contains(b, []byte("SIP/2.0")) && !c.promising() && !c.beginsAtEnd(b):
		c.kind = foreign
		h.pieces = nil
	}
}

// encrypted takes in that a connection carries SIP in TLS, by what can be told of it.
func (h *half) encrypted() {
	h.d.Counts[h.d.file].Encrypted++
	h.c.sealed = int32(h.d.file) + 1
	for _, s := range h.c.sides {
		if s != nil {
			h.d.Streams.Skipped -= s.skipped
		}
	}
	h.isForeign(heedNone)
}

// beginsOther marks the first octets of what isAnother knows.
var beginsOther = [256]bool{'H': true, 0x81: true, 0x82: true}

// isAnother reports whether what was taken for SIP was the middle of a packet of HEP, or of a frame of a WebSocket: the next one
// begins at the start of b. Not inlined: it is cold.
//
//go:noinline
func (h *half) isAnother(b []byte) bool {
	return nextHEP3(b) == 0 || h.given == 0 && sniffWebSocket(b) == yes
}

// beginsAnew goes on with the octets that came last, b, as the start of a stream.
func (h *half) beginsAnew(b []byte) {
	h.framer = sipmsg.Framer{}
	h.framer.Share(&h.d.shared)
	h.last, h.lastSkip, h.skipped, h.keeps, h.given = reassembly.Ref{}, 0, 0, 0, 0
	h.restart(h.off - int64(len(b)))
	h.octets(b)
}

// proxyHeader returns the length of the header of the PROXY protocol that a stream begins with, more than
// there is of b if more is needed to tell it, 0 for none.
func proxyHeader(b []byte) int {
	const version2, head = "\r\n\r\n\x00\r\nQUIT\n", 16
	switch {
	case bytes.HasPrefix(b, []byte("PROXY ")):
		return bytes.IndexByte(b[:min(len(b), 108)], '\n') + 1
	case len(b) <= 4 || string(b[:min(len(b), len(version2))]) != version2[:min(len(b), len(version2))]: // four are a keepalive as well
		return 0
	case len(b) < head:
		return head
	}
	if n := head + int(binary.BigEndian.Uint16(b[14:])); n <= maxProbe {
		return n
	}
	return 0
}

// promising reports whether either direction waits for the rest of what begins like a message.
func (c *conn) promising() bool {
	for _, h := range c.sides {
		if h != nil && h.framer.Promising() {
			return true
		}
	}
	return false
}

// isStart reports whether b is the start of a start line, of SIP or of another protocol,
// that is worth waiting for the end of.
func isStart(b []byte) bool {
	return len(b) > 0 && len(b) < maxProbe && b[0] != '\r' && b[0] != '\n' && b[0] != 0 && bytes.IndexByte(b, '\n') < 0 && sipmsg.CanBegin(b)
}

// startsMessage reports whether b begins with a start line of SIP, and a header field as far as there is
// enough of it to tell.
func startsMessage(b []byte) bool { return sipmsg.SniffWhole(b) && sipmsg.CanBegin(b) }

// startsKnown reports whether b is the start of a start line with a method or a version of SIP.
func startsKnown(b []byte) bool { return isStart(b) && sipmsg.BeginsKnown(b) }

// maxTries is how many segments of a connection from the middle, or with octets missing, are looked at for a message
// that begins at their end, and maxTail how long that part of its start line may be.
const (
	maxTries = 32
	maxTail  = 256
)

// beginsAtEnd reports whether a segment of such a connection ends in the part of a start line of SIP.
func (c *conn) beginsAtEnd(b []byte) bool {
	if !c.midstream && !c.torn || c.tries >= maxTries {
		return false
	}
	c.tries++
	n := bytes.LastIndexByte(b[max(0, len(b)-maxTail):], '\n')
	tail := b[max(0, len(b)-maxTail)+n+1:]
	return n >= 0 && len(tail) > 0 && sipmsg.BeginsKnown(tail)
}

// isOther reports whether b begins with the start line of another protocol that is made
// like SIP. What it carries may read like SIP, as a log does; CONNECT makes a way for
// whatever comes.
func isOther(b []byte) bool {
	for _, name := range [...]string{"HTTP/", "RTSP/", "MSRP ", "ICY ", "ICAP/"} {
		if bytes.HasPrefix(b, []byte(name)) {
			return true
		}
	}
	n := bytes.IndexByte(b[:min(len(b), maxProbe)], '\n')
	if n < 0 || bytes.HasPrefix(b, []byte("CONNECT ")) || !isStart(b[:n]) {
		return false
	}
	last := b[bytes.LastIndexByte(b[:n], ' ')+1:]
	return bytes.HasPrefix(last, []byte("HTTP/")) || bytes.HasPrefix(last, []byte("RTSP/")) || bytes.HasPrefix(last, []byte("ICAP/"))
}

func isSIPPort(p uint16) bool { return p == 5060 || p == 5061 }

// looksTLS reports whether b begins with a TLS record of a handshake or with data.
func looksTLS(b []byte) verdict {
	switch {
	case b[0] < 20 || b[0] > 23 || len(b) > 1 && b[1] != 3 || len(b) > 2 && b[2] > 4:
		return no
	case len(b) < 5:
		return perhaps
	}
	return yes
}

// maxHello bounds the start of a TLS handshake in which the name of SIP is looked for.
const maxHello = 4 << 10

// helloIsCut reports whether b is the beginning of a TLS handshake of which more is to come.
func helloIsCut(b []byte) bool {
	return b[0] == 22 && len(b) < min(maxHello, tlsHead+int(binary.BigEndian.Uint16(b[3:])))
}

// tlsHead is the length of the header of a TLS record.
const tlsHead = 5

// helloNamesSIP reports whether a TLS handshake asks for SIP: by ALPN, or by the name of a server whose
// first label is sip, perhaps with something behind it that is no letter.
func helloNamesSIP(b []byte) bool {
	b = b[:min(len(b), maxHello)]
	if b[0] != 22 {
		return false
	}
	if bytes.Contains(b, []byte("\x05sip/2")) {
		return true
	}
	const before = 9 // the extension, its length, that of the list, a type, the length of the name
	for at := before; at < len(b); at++ {
		i := bytes.Index(b[at:], []byte("sip"))
		if i < 0 {
			return false
		}
		at += i
		p := b[at-before:]
		n := binary.BigEndian.Uint16(p[7:])
		name := p[before:]
		isName := binary.BigEndian.Uint16(p) == 0 && binary.BigEndian.Uint16(p[2:]) == n+5 && binary.BigEndian.Uint16(p[4:]) == n+3 && p[6] == 0
		if isName && n > 4 && len(name) > 4 && (name[3]|0x20 < 'a' || name[3]|0x20 > 'z' || name[3] == 's' && name[4] == '.') {
			return true
		}
	}
	return false
}

// messages gives out what the framer has.
func (h *half) messages() {
	u := &h.d.unit
	for h.d.err == nil && h.framer.Read(u) {
		h.found()
		h.give(u, h.carry(u.Off, u.Off+int64(len(u.Data))))
	}
	if h.c.kind == unknown && h.framer.Skipped > 0 && !h.c.promising() {
		h.c.kind = foreign
		return
	}
	h.d.Streams.Skipped += h.framer.Skipped - h.skipped
	h.skipped = h.framer.Skipped
	h.d.Counts[h.d.file].Keepalives += h.framer.Keepalives - h.keeps
	h.keeps = h.framer.Keepalives
	h.forget(h.framer.Offset())
}

// found notes that a connection carries SIP.
func (h *half) found() {
	if h.c.kind == unknown {
		h.c.kind = isSIP
	}
	if h.c.midstream {
		h.c.midstream = false
		h.d.Streams.Midstream++
	}
}

// give gives out a message that was cut out of the stream, and came in c.
func (h *half) give(u *sipmsg.Unit, c *carrier) {
	if u.Glued {
		c.notes |= NoteKeepalive
	}
	if u.Partial && h.gap {
		c.notes |= NoteGap
	}
	if n := h.framer.Skipped - h.lastSkip; n > 0 && h.last.Frame != 0 && !h.gap {
		h.d.skippedEvent(h, n, c)
	}
	h.gap = false
	if e := h.early; e != nil && e.open {
		e.found(e.start+uint32(u.Off), h.framer.Skipped)
	}
	h.given = u.Off + int64(len(u.Data))
	h.last, h.lastSkip = c.ref, h.framer.Skipped
	if u.Partial {
		h.last = reassembly.Ref{}
	}
	switch {
	case len(c.refs) == 0:
	case u.Message != nil:
		h.d.give(TCP, u.Message, u.Partial, c)
	default:
		h.d.message(TCP, u.Data, u.Partial, c)
	}
}

// carry returns the carrier of what lies at start to end in the stream, valid until the next call.
func (h *half) carry(start, end int64) *carrier {
	c := &h.d.carried
	*c = carrier{}
	c.src, c.dst, c.tunnels, c.refs = h.src, h.dst, h.tunnels, h.d.refs[:0]
	begin := int64(0)
	for i := range h.pieces {
		p := &h.pieces[i]
		if p.end > start && begin < end {
			c.take(p)
			if len(h.parts) > 0 {
				c.refs = h.appendParts(c.refs, p.ref)
			}
		}
		begin = p.end
	}
	if len(c.refs) > 1 {
		c.refs = reassembly.InOrder(c.refs)
	}
	h.d.refs = c.refs
	return c
}

// appendParts appends the packets of the fragments that the segment in ref came in.
func (h *half) appendParts(refs []reassembly.Ref, ref reassembly.Ref) []reassembly.Ref {
	first := 0
	for i, last := range h.parts {
		if i == 0 || last != h.parts[i-1] {
			continue
		}
		if last == ref {
			return append(refs, h.parts[first:i]...)
		}
		first = i + 1
	}
	return refs
}

// take takes a piece of the stream into the carrier of a message.
func (c *carrier) take(p *piece) {
	if n := len(c.refs); n == 0 || c.refs[n-1] != p.ref {
		c.refs = append(c.refs, p.ref)
	}
	if p.ref.Order >= c.ref.Order {
		c.ref, c.time, c.hasTime = p.ref, p.time, !p.time.IsZero()
	}
	if p.f == 0 {
		return
	}
	if p.f&reassembly.Reordered != 0 {
		c.notes |= NoteReordered
	}
	if p.f&reassembly.Overlapped != 0 {
		c.notes |= NoteOverlap
	}
	if p.f&reassembly.Conflicting != 0 {
		c.notes |= NoteConflict
	}
}

// forget drops the pieces that lie before off.
func (h *half) forget(off int64) {
	n := 0
	for n < len(h.pieces) && h.pieces[n].end <= off {
		n++
	}
	if n == len(h.pieces) {
		if h.pieces = h.pieces[:0]; cap(h.pieces) > maxIdlePieces {
			h.pieces = nil
		}
		if h.stream.Pending() == 0 {
			h.parts = nil
		}
	} else if n > 0 {
		h.pieces = append(h.pieces[:0], h.pieces[n:]...)
	}
}
