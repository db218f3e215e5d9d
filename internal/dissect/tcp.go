package dissect

import (
	"math"
	"time"

	"github.com/sipsight/sipsight/internal/reassembly"
	"github.com/sipsight/sipsight/layers"
	"github.com/sipsight/sipsight/sipmsg"
)

const (
	// maxConns bounds the connections followed at once, maxStreamBytes what they
	// buffer together; the one that was quiet for longest is given up.
	maxConns       = 1 << 16
	maxStreamBytes = 64 << 20

	// connCost is what a connection counts for against the octets that may wait, less than it takes: where there is little memory
	// fewer are followed.
	connCost = 256

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

	// maxLacks is how many directions are known in which octets are missing: others are looked at when something comes in them.
	maxLacks = 1024
)

// StreamStats counts what happened on TCP connections.
type StreamStats struct {
	reassembly.StreamStats
	Connections int64
	Compressed  int64 // WebSocket messages, and HEP payloads, that could not be decompressed
	Midstream   int64 // connections with SIP whose start was not captured
	Skipped     int64 // octets of streams with SIP that belong to no message
	Evicted     int64 // connections, and SCTP associations, in which something waited, given up because of a limit
}

// An ending is a direction that was ended while octets before the end were missing, or, if lost, in which such are missing as its
// receiver has.
type ending struct {
	h     *half
	since time.Time
	lost  bool
}

// A lack is a direction in which octets are missing, and others behind them wait since then.
type lack struct {
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
	if h := cn.sides[side]; h != nil && h.start > 0 && len(f.Payload) > 0 {
		switch {
		case !h.stream.IsStart(seq):
			h.start, cn.counts = 0, true
		case h.begins(f.Payload) != h.start && sipmsg.Sniff(f.Payload):
			d.restart(cn)
			cn.midstream = true
		}
	}
	if len(f.Payload) == alertLen && cn.kind == foreign && d.event != nil {
		d.alert(f, c)
	}
	h := cn.sides[1-side]
	answers := h != nil && f.Flags&layers.FlagACK != 0 && h.stream.Started()
	if answers {
		h.acknowledged(f.Ack)
		if h.stream.Ack(f.Ack); h.stream.Pending() > 0 { // what waits there came before this segment was sent
			d.ackedUnseen(h, f.Ack, c) // behind the hole nothing would be missing
			d.goOn(h, c.time)
		}
	}
	if len(f.Payload) > 0 && (cn.kind != foreign && cn.heeds[side] == heedAll || d.turnsSIP(cn, side, f, seq)) {
		d.deliver(cn.half(d, side, f), seq, f, c)
	}
	if answers && cn.sides[1-side] == h {
		d.ackedUnseen(h, f.Ack, c)
	}
	if h := cn.sides[side]; h != nil {
		if d.Ordered && !h.waits && h.isWaiting() {
			h.waits = true
			if d.conns.waits = append(d.conns.waits, wait{h, d.order, c.time}); len(d.conns.waits) > 2*maxWaits {
				d.Waits(c.time)
			}
		}
		d.await(h, c.time)
		h.endAt(seq+uint32(len(f.Payload)+f.Missing), f.Flags, c.time)
	} else if f.Flags&(layers.FlagFIN|layers.FlagRST) != 0 {
		cn.over, cn.quiet = true, true
	}
	d.conns.account(cn.sides[side])
	if cn.kind == foreign {
		d.conns.leave(cn)
	}
	h = cn.sides[side]
	cn.calm[side] = h == nil || !h.ends && !h.isWaiting()
	for d.conns.n > min(maxConns, d.segments/connCost) || d.conns.bytes > d.segments {
		d.evict(d.conns.head)
	}
}

// goOn goes on behind what is missing on a direction where there is no more reason to wait for it.
func (d *Dissector) goOn(h *half, now time.Time) {
	d.goOnInTurn(h.c, now)
	h.stream.CheckGap(now, &d.Streams.StreamStats, h)
	d.conns.settle(h)
	d.await(h, now)
}

// forever is when nothing is waited for any more.
var forever = time.Unix(math.MaxInt32<<8, 0)

// goOnInTurn goes on where both directions of a connection have waited for long enough: a request comes before what answers it.
func (d *Dissector) goOnInTurn(c *conn, now time.Time) {
	if a, b := c.sides[0], c.sides[1]; a != nil && b != nil {
		reassembly.GoOn(&a.stream, &b.stream, now, &d.Streams.StreamStats, a, b)
		d.conns.account(a)
		d.conns.account(b)
	}
}

// await notes that octets are missing in a direction, and that its receiver has them.
func (d *Dissector) await(h *half, now time.Time) {
	if !h.lacks && h.stream.Pending() > 0 {
		h.lacks = true
		d.conns.lacks = append(d.conns.lacks, lack{h, now})
	}
	if !h.lost && h.stream.Lacks() {
		h.lost = true
		d.conns.ending = append(d.conns.ending, ending{h, now, true})
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
		h.acknowledged(f.Ack)
		h.stream.Ack(f.Ack)
		d.ackedUnseen(h, f.Ack, c)
	}
	return true
}

// closeEnded ends the directions that have waited long enough for what is missing before their end, and goes on behind what
// is missing where the receiver has it.
func (d *Dissector) closeEnded(now time.Time) {
	t := &d.conns
	for len(t.ending) > 0 {
		e, over := t.ending[0], now.Sub(t.ending[0].since) > endWait
		if !over && len(t.ending) <= maxEnding {
			return
		}
		t.ending[0].h = nil
		t.ending = t.ending[1:]
		switch {
		case e.lost:
			if e.h.lost = false; over { // perhaps behind another gap
				d.goOn(e.h, now)
			}
		case e.h.ends:
			e.h.close()
			t.settle(e.h)
		}
	}
}

// closeGaps goes on behind what is missing in directions that have waited for it long enough. On a connection of which nothing
// more is heard no segment would say so: what came behind the gap would be read at the end of the capture.
func (d *Dissector) closeGaps(now time.Time) {
	t := &d.conns
	for len(t.lacks) > 0 {
		h, over := t.lacks[0].h, now.Sub(t.lacks[0].since) > reassembly.GapWait
		if !over && len(t.lacks) <= maxLacks {
			return
		}
		t.lacks[0].h = nil
		t.lacks = t.lacks[1:]
		if h.lacks = false; over { // perhaps behind another gap
			d.giveUp(h.c, now)
		}
	}
}

// giveUp goes on behind what the directions of a connection have waited for long enough, and tells what nobody acknowledged.
func (d *Dissector) giveUp(c *conn, now time.Time) {
	sides := c.sides
	var unseen [2]bool
	for side, h := range sides {
		unseen[side] = h != nil && h.stream.Overdue(now) && !h.stream.Lacks()
	}
	for side, h := range sides {
		if h != nil {
			d.goOn(h, now)
		}
		if unseen[side] {
			d.gaveUp(h, now)
		}
	}
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

// deliver gives a segment to its stream.
func (d *Dissector) deliver(h *half, seq uint32, f *layers.Frame, c *carrier) {
	if h.off == 0 && !h.c.counts && (!h.stream.Started() || f.Flags&layers.FlagSYN != 0) {
		h.start = h.begins(f.Payload)
	}
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
	if f.Missing > 0 { // what is missing will never come
		isNew, rest := !h.stream.Reached(seq+uint32(len(f.Payload)+f.Missing)), h.framer.Rest()
		if isNew {
			h.why = whyCut(c)
		}
		h.stream.Skip(seq+uint32(len(f.Payload)), f.Missing, st, h)
		if isNew && f.Missing > rest { // no body that it is known to be of
			d.cutOff(h, c)
		}
	}
}

// whyCut returns why octets of a packet are missing at its end: IP fragments of it, or it was cut by the snaplen.
func whyCut(c *carrier) Notes {
	if why := c.notes & NoteIncomplete; why != 0 {
		return why
	}
	return NoteSnapped
}

// evict gives up a connection because of a limit. Nothing is lost with one that is over, or quiet.
func (d *Dissector) evict(c *conn) {
	if c.holds() {
		d.Streams.Evicted++
	}
	d.drop(c)
}

// holds reports whether a connection holds octets that others are to follow, or that later ones need.
func (c *conn) holds() bool {
	for _, h := range c.sides {
		if h != nil && (h.stream.Pending() > 0 || len(h.pieces) > 0 || h.ws != nil && len(h.ws.window) > 0) {
			return true
		}
	}
	return false
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
