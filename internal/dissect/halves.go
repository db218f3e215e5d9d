package dissect

import (
	"bytes"
	"hash/maphash"
	"net/netip"
	"slices"
	"time"

	"github.com/sipsight/sipsight/internal/reassembly"
	"github.com/sipsight/sipsight/layers"
	"github.com/sipsight/sipsight/sipmsg"
)

// isWaiting reports whether a direction waits.
func (h *half) isWaiting() bool { return h.stream.Pending() > 0 || h.framer.Holds() }

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
	gap      bool    // octets were missing since the last message …
	why      Notes   // … and why, where packets say so
	tunnels  []layers.Tunnel
	end      uint32 // sequence number behind the last octet, where ends
	ends     bool   // a FIN or RST was seen
	unseen   uint32 // the last acknowledgement of octets that are not in the capture
	heard    int64  // when its receiver acknowledged last, in nanoseconds since 1970
	counted  int    // octets buffered, as counted in the table
	done     bool
	waits    bool           // it is in connTable.waits
	lacks    bool           // it is in connTable.lacks
	lost     bool           // it is in connTable.ending, since its receiver has octets that are missing
	skipped  int64          // of framer.Skipped, what has been counted
	last     reassembly.Ref // the last whole message came in …
	lastSkip int64          // … and framer.Skipped was this behind it
	keeps    int64
	given    int64            // the offset in the stream behind the last message
	start    uint64           // what begins returns of the first segment
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

// begins returns a hash of what the first segment of a stream begins with, 0 where that is too short to tell segments apart. What is sent again
// begins with the same: where it does not, sequence numbers mean nothing, as in what scripts write. Behind a SYN of its own, other sequence numbers or
// an acknowledgment of it they do: what differs then is a copy that something on the way changed, and the first one counts.
func (h *half) begins(b []byte) uint64 {
	const enough = 192
	if len(b) < enough {
		return h.start
	}
	return maphash.Bytes(eventSeed, b[:enough]) | 1
}

// acknowledged takes in an acknowledgment: one of just what came shows that sequence numbers mean something.
func (h *half) acknowledged(ack uint32) {
	if !h.c.counts && h.off > 0 && h.stream.IsNext(ack) {
		h.start, h.c.counts = 0, true
	}
}

// endAt takes in the flags of a segment before seq. A direction ends where the other side
// has been given all octets before the end: a FIN or an RST may overtake them. What goes the
// other way is under way still.
func (h *half) endAt(seq uint32, flags uint8, now time.Time) {
	if flags&(layers.FlagFIN|layers.FlagRST) != 0 && !h.ends && !h.done {
		h.end, h.ends = seq, true
		if !h.stream.Reached(seq) {
			h.d.conns.ending = append(h.d.conns.ending, ending{h: h, since: now})
		}
	}
	if h.ends && h.stream.Reached(h.end) {
		h.close()
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

// close ends a direction: what waits is given out.
func (h *half) close() {
	if h == nil || h.done && h.stream.Pending() == 0 {
		return
	}
	h.stream.End(&h.d.Streams.StreamStats, h)
	if h.ends && !h.stream.Reached(h.end) || h.stream.Unseen() { // the last octets were sent, and are not in the capture
		h.gap = true
	}
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
	h.last, h.lastSkip, h.start = reassembly.Ref{}, 0, 0
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
	if beginsOther[b[0]] && h.isAnother(b) || h.c.midstream && h.isInFrames(b) {
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
	if h.c.kind == unknown && h.framer.Skipped > 0 && !h.framer.Begun() && !h.c.promising(h) { // what seemed to begin at the end of a segment does not go on
		h.c.kind = foreign
		h.reset()
		return
	}
	if sipmsg.SniffCut(h.first) {
		h.c.kind = isSIP
		h.framer.Write(h.first)
	} else if len(h.first) > 0 { // the framer never sees it
		h.forget(h.off)
		h.off -= int64(len(h.first))
	}
	h.first = nil
	h.framer.Gap(n)
	h.messages()
}

// beginsAnew goes on with the octets that came last, b, as the start of a stream.
func (h *half) beginsAnew(b []byte) {
	h.framer = sipmsg.Framer{}
	h.framer.Share(&h.d.shared)
	if h.early != nil {
		h.early.skipped += h.skipped
	}
	h.last, h.lastSkip, h.skipped, h.keeps, h.given = reassembly.Ref{}, 0, 0, 0, 0
	h.restart(h.off - int64(len(b)))
	h.octets(b)
}

// messages gives out what the framer has.
func (h *half) messages() {
	u := &h.d.unit
	for h.d.err == nil && h.framer.Read(u) {
		h.found(u.Off)
		h.give(u, h.carry(u.Off, u.Off+int64(len(u.Data))))
	}
	if h.c.kind == unknown && h.framer.Skipped > 0 && !h.c.promising(nil) {
		h.c.kind = foreign
		return
	}
	h.d.Streams.Skipped += h.framer.Skipped - h.skipped
	h.skipped = h.framer.Skipped
	h.d.Counts[h.d.file].Keepalives += h.framer.Keepalives - h.keeps
	h.keeps = h.framer.Keepalives
	h.forget(h.framer.Offset())
}

// found notes that a connection carries SIP, in a message or a frame of one that begins at off in the stream.
func (h *half) found(off int64) {
	if h.c.kind == unknown {
		h.c.kind = isSIP
	}
	if h.c.midstream {
		h.c.midstream = false
		h.d.Streams.Midstream++
	}
	if e := h.early; e != nil && e.open {
		e.found(e.start+uint32(off), e.skipped+max(h.framer.Skipped, h.skipped))
	}
}

// give gives out a message that was cut out of the stream, and came in c.
func (h *half) give(u *sipmsg.Unit, c *carrier) {
	if u.Glued {
		c.notes |= NoteKeepalive
	}
	if u.Partial {
		c.notes |= h.missing()
	}
	if n := h.framer.Skipped - h.lastSkip; n > 0 && h.last.Frame != 0 && !h.gap {
		h.d.skippedEvent(h, n, c)
	}
	h.gap, h.why = false, 0
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

// missing returns the notes of a message of which octets are missing.
func (h *half) missing() Notes {
	if h.gap {
		return NoteGap | h.why
	}
	return 0
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
