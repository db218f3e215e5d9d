package reassembly

import (
	"math"
	"time"
)

const (
	// window bounds how far ahead of the stream a segment may be. Larger windows
	// than 1 MiB are not seen with SIP.
	window = 4 << 20

	// maxPending and maxPendingBytes bound what waits for a missing segment.
	maxPending      = 64
	maxPendingBytes = 256 << 10

	// spanCost is what a segment that waits costs beside its octets.
	spanCost = 96

	// A missing segment that the receiver has acknowledged was lost to the capture,
	// not to the receiver. It may still come where packets were captured out of
	// order, but not later than ackedWait.
	ackedWait = 200 * time.Millisecond

	// maxStray is how many segments far from the stream in a row mean that it is
	// another stream: the start of a new connection was not captured.
	maxStray = 3
)

// all is the number of a packet behind all others.
const all = math.MaxInt64

// GapWait is how long a missing segment that nobody has acknowledged is waited for: as long as retransmissions take.
const GapWait = 10 * time.Second

// A Sink takes the octets of a stream in order. Data is valid during the call.
type Sink interface {
	Data(b []byte, ref Ref, now time.Time, f Flags)
	Gap(n int64) // octets that are not in the capture
}

// Flags says how octets came.
type Flags uint8

// The flags.
const (
	Reordered Flags = 1 << iota // after octets that follow them
	Overlapped
	Conflicting // an earlier copy of some octets was different
)

// StreamStats counts what happened to segments.
type StreamStats struct {
	Retransmitted int64 // segments that brought nothing new
	Reordered     int64 // segments that came ahead of octets before them
	Overlaps      int64 // segments of which a part was there already
	Conflicts     int64 // … and was different
	Gaps          int64 // places where octets are missing
	Stray         int64 // segments too far from the stream
}

// A Stream is one direction of a TCP connection. The zero Stream begins with the first
// segment it is given.
type Stream struct {
	seq     uint32 // sequence number of the next octet
	ack     uint32 // the highest acknowledgment of the other side
	started bool
	acked   bool
	off     int64 // of seq in the stream
	bytes   int   // that wait
	pending []span
	since   time.Time // when the first of pending came
	strays  []span    // those in a row; their offsets are sequence numbers, and their octets in bytes
}

// Started reports whether a segment has been seen.
func (s *Stream) Started() bool { return s.started }

// Pending returns the octets that wait: for missing ones, or, far from the stream, for others near to them.
func (s *Stream) Pending() int { return s.bytes }

// Cost returns what they cost in memory: small segments cost far more than they hold.
func (s *Stream) Cost() int { return s.bytes + spanCost*(len(s.pending)+len(s.strays)) }

// Start sets the sequence number of the first octet: that of a SYN, plus one.
func (s *Stream) Start(seq uint32) { *s = Stream{seq: seq, started: true} }

// IsStart reports whether seq is where the stream began: a SYN that was seen before.
func (s *Stream) IsStart(seq uint32) bool {
	return s.started && seq == s.seq-uint32(s.off)
}

// Reached reports whether all octets before seq were given out, or given up.
func (s *Stream) Reached(seq uint32) bool { return s.started && int32(s.seq-seq) >= 0 }

// Holds reports whether all octets between two sequence numbers wait for others before them.
func (s *Stream) Holds(from, to uint32) bool {
	at, end := s.off+int64(int32(from-s.seq)), s.off+int64(int32(to-s.seq))
	for i := range s.pending {
		if p := &s.pending[i]; p.off <= at {
			at = max(at, p.off+int64(len(p.data)))
		}
	}
	return at >= end
}

// Near reports whether seq is within a window of the next octet.
func (s *Stream) Near(seq uint32) bool {
	d := int64(int32(seq - s.seq))
	return -window <= d && d <= window
}

// Ack takes in an acknowledgment of the other side.
func (s *Stream) Ack(ack uint32) {
	if !s.acked || int32(ack-s.ack) > 0 {
		s.ack, s.acked = ack, true
	}
}

// IsNext reports whether seq is that of the next octet, and nothing waits.
func (s *Stream) IsNext(seq uint32) bool {
	return s.started && seq == s.seq && len(s.pending) == 0 && s.strays == nil
}

// Pass steps over n octets, which are not given to a sink: IsNext was true of the first of them.
func (s *Stream) Pass(n int) {
	s.seq += uint32(n)
	s.off += int64(n)
}

// Add takes in a segment and gives the octets that are next in order to sink.
func (s *Stream) Add(seq uint32, data []byte, ref Ref, now time.Time, st *StreamStats, sink Sink) {
	if !s.started {
		s.Start(seq)
	}
	d := int64(int32(seq - s.seq))
	if !s.Near(seq) {
		st.Stray++
		s.astray(span{int64(seq), data, ref, now, 0}, st, sink)
		return
	}
	if s.strays != nil {
		s.forget()
	}
	f := Flags(0)
	if d < 0 {
		if -d >= int64(len(data)) {
			if len(data) > 1 { // one old octet is a keepalive
				st.Retransmitted++
			}
			return
		}
		data = data[-d:]
		d = 0
		st.Overlaps++
		f = Overlapped
	}
	if d == 0 && len(s.pending) == 0 {
		s.deliver(data, ref, now, f, sink)
		return
	}
	s.hold(span{s.off + d, data, ref, now, f}, st)
	s.drain(Reordered, all, st, sink)
	s.CheckGap(now, st, sink)
}

// astray takes in a segment that is far from the stream. With several in a row that are near to each other
// another stream begins; and with one behind which, for ackedWait, nothing came but what is far from it as well: a capture of payloads
// alone does not show that connections end, and they may be of a segment each.
func (s *Stream) astray(p span, st *StreamStats, sink Sink) {
	other := Stream{seq: uint32(p.off)}
	for i := range s.strays {
		if other.Near(uint32(s.strays[i].off)) {
			continue
		}
		if p.time.Sub(s.strays[len(s.strays)-1].time) > ackedWait {
			s.turn(st, sink)
			st.Stray-- // it is counted again, if it is one
			s.Add(uint32(p.off), p.data, p.ref, p.time, st, sink)
			return
		}
		s.forget()
		break
	}
	p.data = append([]byte(nil), p.data...)
	s.bytes += len(p.data)
	if s.strays = append(s.strays, p); len(s.strays) == maxStray {
		s.turn(st, sink)
	}
}

// forget drops the segments that are far from the stream. Not inlined: it is cold.
//
//go:noinline
func (s *Stream) forget() {
	for i := range s.strays {
		s.bytes -= len(s.strays[i].data)
	}
	s.strays = nil
}

// turn goes on with the segments that are far from the stream, as another one.
func (s *Stream) turn(st *StreamStats, sink Sink) {
	list := s.strays
	s.forget()
	s.Flush(st, sink)
	st.Gaps++
	sink.Gap(-1)
	first := uint32(list[0].off)
	for i := range list {
		if seq := uint32(list[i].off); int32(seq-first) < 0 {
			first = seq
		}
	}
	s.seq, s.off, s.acked = first, s.off+1, false
	for i := range list {
		p := &list[i]
		s.Add(uint32(p.off), p.data, p.ref, p.time, st, sink)
	}
}

func (s *Stream) deliver(data []byte, ref Ref, now time.Time, f Flags, sink Sink) {
	s.seq += uint32(len(data))
	s.off += int64(len(data))
	sink.Data(data, ref, now, f)
}

// hold keeps a segment that octets are missing before, or that may fill such a place.
func (s *Stream) hold(p span, st *StreamStats) {
	if len(s.pending) == 0 {
		s.since = p.time
	}
	list, added, overlap, conflict := insert(s.pending, p)
	s.pending = list
	s.bytes += added
	switch {
	case added == 0:
		st.Retransmitted++
	case overlap:
		st.Overlaps++
	}
	if conflict {
		st.Conflicts++
	}
}

// drain delivers what is in order now. f is Reordered where the octets came that it waited for: behind a
// gap, only what came before octets in front of it came out of order. What came in the packet before, or later, goes on to wait, if
// it is not the first.
func (s *Stream) drain(f Flags, before int64, st *StreamStats, sink Sink) {
	n, latest := 0, int64(0)
	for n < len(s.pending) && s.pending[n].off == s.off && (n == 0 || s.pending[n].ref.Order < before) {
		p := &s.pending[n]
		if p.ref.Order < latest {
			p.f |= Reordered
			st.Reordered++
		}
		latest = max(latest, p.ref.Order)
		size := len(p.data)
		s.deliver(p.data, p.ref, p.time, p.f|f, sink)
		s.bytes -= size // until now it waits
		n++
	}
	switch n {
	case 0:
	case len(s.pending):
		s.pending = nil
	default:
		s.pending = append(s.pending[:0], s.pending[n:]...)
		s.since = s.pending[0].time
	}
}

// GoOn goes on behind what both directions of a connection have waited for long enough, and gives out what waits behind it in
// the order in which it came.
func GoOn(a, b *Stream, now time.Time, st *StreamStats, sinkA, sinkB Sink) {
	for a.Overdue(now) && b.Overdue(now) {
		s, other, sink := a, b, sinkA
		if b.pending[0].ref.Order < a.pending[0].ref.Order {
			s, other, sink = b, a, sinkB
		}
		s.gap(other.pending[0].ref.Order, st, sink)
	}
	a.drain(0, all, st, sinkA)
	b.drain(0, all, st, sinkB)
}

// Lacks reports whether octets are missing that were acknowledged, with others behind them.
func (s *Stream) Lacks() bool { return len(s.pending) > 0 && s.acked && int32(s.ack-s.seq) > 0 }

// Unseen reports whether octets behind all others were acknowledged: more than one, which a FIN stands for.
func (s *Stream) Unseen() bool { return s.acked && s.Near(s.ack) && int32(s.ack-s.seq) > 1 }

// CheckGap gives up waiting for missing octets where there is no more reason to.
func (s *Stream) CheckGap(now time.Time, st *StreamStats, sink Sink) {
	for s.Overdue(now) {
		s.gap(all, st, sink)
	}
}

// Overdue reports whether octets are missing that there is no more reason to wait for.
func (s *Stream) Overdue(now time.Time) bool {
	wait := now.Sub(s.since)
	return len(s.pending) > 0 && (wait > GapWait || wait > ackedWait && s.Lacks() || len(s.pending) > maxPending || s.bytes > maxPendingBytes)
}

// gap goes on behind the missing octets, if there are any, up to the packet of a number.
func (s *Stream) gap(before int64, st *StreamStats, sink Sink) {
	if n := s.pending[0].off - s.off; n > 0 {
		st.Gaps++
		sink.Gap(n)
		s.seq += uint32(n)
		s.off += n
	}
	s.drain(0, before, st, sink)
}

// Past goes on behind the next octets that are missing, and reports whether anything waited there.
func (s *Stream) Past(st *StreamStats, sink Sink) bool {
	if len(s.pending) == 0 {
		return false
	}
	s.gap(all, st, sink)
	return true
}

// Flush gives all that waits to sink, with gaps where octets are missing.
func (s *Stream) Flush(st *StreamStats, sink Sink) {
	for s.Past(st, sink) {
	}
}

// End is Flush where nothing more will come: the last segments that are far from the stream begin another one.
func (s *Stream) End(st *StreamStats, sink Sink) {
	s.Flush(st, sink)
	if len(s.strays) > 0 {
		s.turn(st, sink)
		s.Flush(st, sink)
	}
}

// Skip says that n octets from seq on, behind what was added last, will never come: the capture cut
// their packet. Where seq is not that of the next octet, of a segment that was sent again or is ahead of the stream, a gap
// will show by itself.
func (s *Stream) Skip(seq uint32, n int, st *StreamStats, sink Sink) {
	if seq != s.seq || len(s.pending) > 0 {
		return
	}
	st.Gaps++
	sink.Gap(int64(n))
	s.seq += uint32(n)
	s.off += int64(n)
}
