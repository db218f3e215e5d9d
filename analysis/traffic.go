package analysis

import (
	"net/netip"
	"time"
)

// Traffic is what the messages of a timeline amount to.
type Traffic struct {
	Calls         []*Call         // in the order in which they began
	Registrations []*Registration // likewise
	Keepalives    []*Keepalive    // likewise
	Subscriptions Subscriptions
	NoCallID      int64     // messages without Call-ID: they belong to nothing
	Start, End    time.Time // of the timeline's messages
	Exceeded      []string  // ids of the limits that were met: something is not in here

	delays []time.Duration // of registrations
	saw    func(src, dst netip.Addr) (saw, limited bool)
	twoWay func(netip.Addr) bool
}

// result finishes everything.
func (t *tracker) result() *Traffic {
	t.end()
	t.open.rest(t)
	r := &Traffic{
		Calls:         t.calls(),
		Registrations: t.regs.result(t.now),
		Keepalives:    t.peers.result(),
		Subscriptions: t.subs,
		NoCallID:      t.callless,
		Start:         t.start,
		End:           t.now,
		delays:        t.regs.delays,
	}
	for _, l := range []struct {
		met  bool
		what string
	}{
		{t.overLegs, "call-limit"}, {t.overLive, "live-call-limit"}, {t.overSteps, "step-limit"}, {t.overDetail, "detail-limit"}, {t.open.over, "open-request-limit"},
		{t.regs.over, "registration-limit"}, {t.peers.over, "peer-limit"},
	} {
		if l.met {
			r.Exceeded = append(r.Exceeded, l.what)
		}
	}
	return r
}

// CallOf returns the first call with a leg of that Call-ID, nil for none.
func (t *Traffic) CallOf(callID string) *Call {
	for _, c := range t.Calls {
		for _, l := range c.Legs {
			if l.CallID == callID {
				return c
			}
		}
	}
	return nil
}

// Saw reports whether any packet of the timeline went from src to dst. limited says that
// there were too many pairs of addresses to remember them all. Both are false without
// Options.Event.
func (t *Traffic) Saw(src, dst netip.Addr) (saw, limited bool) {
	if t.saw == nil {
		return false, false
	}
	return t.saw(src, dst)
}

// TwoWay reports whether the timeline holds packets of an address and packets in the
// other direction between the same two addresses, whoever the other is.
func (t *Traffic) TwoWay(a netip.Addr) bool { return t.twoWay != nil && t.twoWay(a) }
