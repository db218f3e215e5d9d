package analysis

import (
	"time"

	"github.com/sipsight/sipsight/sipmsg"
)

const (
	// maxLate and maxLateOctets bound the messages that wait for others, the packets of which came before theirs.
	maxLate       = 4096
	maxLateOctets = 8 << 20

	// maxFree is how many of those that waited are kept to be used again.
	maxFree = 1024
)

// An ordering holds messages back until those of packets before theirs are known.
type ordering struct {
	held            []*heldMessage // sorted
	free            []*heldMessage // to be used again
	octets          int
	number, ordinal int64 // of the last message that was shown
	sip             sipmsg.Message
}

// A heldMessage is a message that waits.
type heldMessage struct {
	order int64 // of the packet that completes it, in the timeline
	m     Message
	octet []byte // of the message, and the index of them
	size  int    // of the message
}

// inOrder shows a message, or holds it where messages of packets before it may still come.
func (a *analyzer) inOrder(order int64, m *Message) error {
	o := &a.order
	if len(o.held) == 0 {
		if _, waits := a.d.Waits(a.now()); !waits {
			return a.show(m)
		}
	}
	h := o.take()
	h.order, h.size = order, len(m.SIP.Raw())
	h.octet = m.SIP.AppendIndex(append(h.octet[:0], m.SIP.Raw()...))
	frames, tunnel, notes := append(h.m.Frames[:0], m.Frames...), append(h.m.Tunnel[:0], m.Tunnel...), append(h.m.Notes[:0], m.Notes...)
	h.m = *m
	h.m.Frames, h.m.Tunnel, h.m.Notes, h.m.SIP = frames, tunnel, notes, nil
	o.held = append(o.held, h)
	for i := len(o.held) - 1; i > 0 && o.held[i-1].order > order; i-- {
		o.held[i], o.held[i-1] = o.held[i-1], o.held[i]
	}
	o.octets += h.size
	return nil
}

// take returns a heldMessage that is not in use.
func (o *ordering) take() *heldMessage {
	n := len(o.free)
	if n == 0 {
		return new(heldMessage)
	}
	h := o.free[n-1]
	o.free = o.free[:n-1]
	return h
}

// message makes the message again that h is.
func (o *ordering) message(h *heldMessage) (m Message) {
	m = h.m
	m.SIP = &o.sip
	raw := h.octet[:h.size:h.size]
	switch {
	case len(h.octet) > h.size && o.sip.Restore(raw, h.octet[h.size:]):
	case m.Partial:
		_ = o.sip.ParseCut(raw) // it was read before
	default:
		_ = o.sip.Parse(raw)
	}
	return m
}

// now returns the time of the last packet.
func (a *analyzer) now() time.Time {
	if a.last == nil {
		return time.Time{}
	}
	return a.last.Time
}

// release shows the messages before which no other can come any more, or all of them.
func (a *analyzer) release(all bool) error {
	o := &a.order
	low, waits := a.d.Waits(a.now())
	for len(o.held) > 0 {
		h := o.held[0]
		if !all && waits && h.order >= low && len(o.held) <= maxLate && o.octets <= maxLateOctets {
			return nil
		}
		m := o.message(h)
		o.octets -= h.size
		o.held = o.held[1:]
		err := a.show(&m)
		if len(o.free) < maxFree {
			o.free = append(o.free, h)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// show gives out a message, with the numbers that it has in this order.
func (a *analyzer) show(m *Message) error {
	o := &a.order
	o.number++
	m.Number = o.number
	if !m.IsCopy() {
		o.ordinal++
		m.Ordinal = o.ordinal
	}
	return a.o.Message(m)
}
