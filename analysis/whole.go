package analysis

import (
	"net/netip"
	"time"

	"github.com/sipsight/sipsight/internal/dissect"
	"github.com/sipsight/sipsight/sipmsg"
)

// A Loss is why octets of a message are missing.
type Loss uint8

// The losses.
const (
	NoLoss        Loss = iota
	LostBySnaplen      // the capture kept only the beginning of its packet
	LostFragments      // later IP fragments are not in the capture
	LostSegments       // TCP segments are not in the capture
	LostEnd            // the stream, or the capture, ended before the message did
	LostAwaited        // later IP fragments: the capture ended while they could still come
)

// lossOf returns that of a message that was found just now.
func (t *tracker) lossOf(m *dissect.Message) Loss {
	switch {
	case !m.Partial:
		return NoLoss
	case m.Notes&(dissect.NoteGap|dissect.NoteMidstream) != 0: // the ends of segments as well: a packet may hold whole messages beside
		return LostSegments
	case m.Notes&dissect.NoteIncomplete != 0 && m.Awaited && m.HasTime && t.now.Sub(m.Time) < timerT1:
		return LostAwaited
	case m.Notes&dissect.NoteIncomplete != 0:
		return LostFragments
	case m.Notes&dissect.NoteSnapped != 0 || m.Transport == dissect.UDP:
		return LostBySnaplen
	}
	return LostEnd
}

// fragmented reports whether a message came in several packets of its own: what carries a
// message on to a collector may be cut up as it likes.
func fragmented(m *dissect.Message) bool { return len(m.Refs) > 1 && !m.HEP }

// A Length is what the Content-Length of a message on a TCP connection, or of a datagram that was captured as a whole, comes to.
// Of other messages it is LengthRight.
type Length uint8

// The lengths.
const (
	LengthRight   Length = iota
	LengthMissing        // there is none, or no number
	LengthLong           // it says more than there is before the next message, or in the datagram
)

// lengthOf returns that of the message. It is asked of a message on a stream more than once, and found out once.
func (x *seen) lengthOf() Length {
	if !x.measured {
		x.length, x.measured = lengthOf(x.m), true
	}
	return x.length
}

func lengthOf(m *dissect.Message) Length {
	if m.HEP || m.Transport != dissect.TCP && (m.Transport != dissect.UDP || m.Partial) {
		return LengthRight
	}
	udp := m.Transport == dissect.UDP
	switch n, ok := m.SIP.ContentLength(); {
	case m.Partial && !m.SIP.Has(sipmsg.ContentLength): // it may have been in what is missing
		return LengthRight
	case !ok && udp: // the end of a datagram is that of its message
		return LengthRight
	case !ok:
		return LengthMissing
	case int64(n) > int64(len(m.SIP.Body)):
		return LengthLong
	}
	return LengthRight
}

// maxUnmeasured bounds the streams whose last message has no Content-Length.
const maxUnmeasured = 1 << 12

// unmeasured are the last messages of streams that have no Content-Length.
type unmeasured map[[2]netip.AddrPort]unmeasuredMessage

type unmeasuredMessage struct {
	frame Frame
	at    time.Time
}

// sameStream is how long behind a message another one between its addresses may be of the same connection, as far as is known here.
const sameStream = 5 * time.Minute

// goesOn looks whether a message on a stream follows one without Content-Length, and tells so.
func (t *tracker) goesOn(x *seen) {
	if x.m.Transport != dissect.TCP || x.m.HEP || t.rules.event == nil {
		return
	}
	missing := x.lengthOf() == LengthMissing
	if !missing && len(t.unmeasured) == 0 { // nearly always
		return
	}
	way := [2]netip.AddrPort{x.m.Src, x.m.Dst}
	if last, ok := t.unmeasured[way]; ok {
		delete(t.unmeasured, way)
		if x.now.Sub(last.at) <= sameStream {
			t.rules.tell(errand{event: &Event{Kind: StreamGoesOn, Frame: x.frame, Time: x.now, Reporter: x.m.Src.Addr(), Src: x.m.Src, Dst: x.m.Dst, After: last.frame}})
		}
	}
	if missing {
		if t.unmeasured == nil || len(t.unmeasured) == maxUnmeasured {
			t.unmeasured = make(unmeasured)
		}
		t.unmeasured[way] = unmeasuredMessage{x.frame, x.now}
	}
}
