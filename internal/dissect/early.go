package dissect

import (
	"bytes"
	"slices"
	"time"

	"github.com/sipsight/sipsight/internal/reassembly"
	"github.com/sipsight/sipsight/layers"
)

// maxEarly and maxEarlyBytes bound the segments that are kept of a stream that begins in the middle.
const (
	maxEarly      = 16
	maxEarlyBytes = 32 << 10
)

// An early is what came of a stream, the beginning of which was not captured, in front of its first message.
// Segments before that may have been overtaken, or are sent again, and were not captured before.
type early struct {
	start   uint32 // where the stream began
	seq     uint32 // of the first message, or the start as long as there is none
	skipped int64  // octets in front of the first message that were counted as skipped
	open    bool   // there is no message yet
	segs    []lead // in the order in which they came
	size    int
}

// A lead is a segment in front of the first message of a stream.
type lead struct {
	seq  uint32
	data []byte
	ref  reassembly.Ref
	time time.Time
}

// end returns the sequence number behind the segment.
func (l *lead) end() uint32 { return l.seq + uint32(len(l.data)) }

// keep puts a segment in. It reports whether there was room. Not inlined: it is cold, and in many places.
//
//go:noinline
func (e *early) keep(seq uint32, f *layers.Frame, c *carrier) bool {
	if len(e.segs) >= maxEarly || e.size+len(f.Payload) > maxEarlyBytes || f.Missing > 0 {
		return false
	}
	e.segs = append(e.segs, lead{seq, bytes.Clone(f.Payload), c.ref, c.time})
	e.size += len(f.Payload)
	return true
}

// has reports whether the segment of size octets at seq came before.
func (e *early) has(seq uint32, size int) bool {
	return slices.ContainsFunc(e.segs, func(l lead) bool { return l.seq == seq && len(l.data) >= size })
}

// found takes in where the first message begins, and how many octets were skipped before it, and forgets what
// is behind that. Not inlined: it is cold, and in many places.
//
//go:noinline
func (e *early) found(seq uint32, skipped int64) {
	e.seq, e.skipped, e.open = seq, skipped, false
	n := 0
	e.size = 0
	for _, l := range e.segs {
		if int32(l.seq-seq) < 0 {
			e.segs[n] = l
			e.size += len(l.data)
			n++
		}
	}
	e.segs = e.segs[:n]
}

// chain returns the sequence number from which on nothing is missing up to the first message.
func (e *early) chain() uint32 {
	at := e.seq
	for range e.segs {
		for i := range e.segs {
			if l := &e.segs[i]; int32(l.seq-at) < 0 && int32(l.end()-at) >= 0 {
				at = l.seq
			}
		}
	}
	return at
}

// overtaken takes in a segment that is in front of the first message of a stream that begins in the middle. It
// reports whether it was one.
func (d *Dissector) overtaken(h *half, seq uint32, f *layers.Frame, c *carrier) bool {
	e := h.early
	if int32(seq-e.seq) >= 0 || h.c.kind == foreign || !h.stream.Near(seq) || e.has(seq, len(f.Payload)) || !e.keep(seq, f, c) {
		return false
	}
	if !e.open {
		d.before(h, e)
		return true
	}
	d.Streams.Skipped -= h.skipped + e.skipped
	h.reset()
	h.framer.Join()
	h.early, e.start, e.seq, e.skipped = e, seq, seq, 0
	h.stream.Start(seq)
	for _, l := range slices.Clone(e.segs) { // of which some may be forgotten on the way
		h.stream.Add(l.seq, l.data, l.ref, l.time, &d.Streams.StreamStats, h)
	}
	return true
}

// before looks for messages in what is there in front of the first one.
func (d *Dissector) before(h *half, e *early) {
	at := e.chain()
	t := h.c.newHalf(d, h.src, h.dst)
	t.tunnels, t.parts, t.early = h.tunnels, h.parts, &early{start: at, seq: at, open: true}
	if h.ws != nil { // what else there is tells nothing of the connection
		t.ws = &wsReader{lost: true}
	}
	t.framer.Join()
	t.stream.Start(at)
	for i := range e.segs {
		l := &e.segs[i]
		if int32(l.seq-at) < 0 || int32(l.seq-e.seq) >= 0 {
			continue
		}
		data := l.data[:min(len(l.data), int(e.seq-l.seq))]
		t.stream.Add(l.seq, data, l.ref, l.time, &d.Streams.StreamStats, t)
	}
	rest := int64(t.framer.Buffered())
	if t.hep != nil {
		rest = int64(len(t.hep.buf))
	}
	d.Streams.Skipped += rest - e.skipped // which were looked through again
	if t.early == nil || t.early.open {
		e.skipped = t.skipped + rest
		return
	}
	e.found(t.early.seq, t.early.skipped)
}
