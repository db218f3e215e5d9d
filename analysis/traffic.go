package analysis

import (
	"iter"
	"net/netip"
	"slices"
	"sort"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Traffic is what the packets of a timeline amount to.
type Traffic struct {
	Calls         CallList
	Registrations RegistrationList
	Keepalives    []*Keepalive // in the order in which they began
	Subscriptions Subscriptions
	Streams       []*Stream // in the order in which they began
	Fax           []*Stream // of UDPTL, likewise
	Measured      bool      // Options.Streams asked for streams: there are no others
	Datagrams     Datagrams
	NoCallID      int64          // messages without Call-ID: they belong to nothing
	WholeNoCallID int64          // those of them of which no octets are missing
	FirstNoCallID Frame          // the first of these
	NoVia, NoCSeq Unplaced       // responses outside of calls that lack what says which request they answer
	Unasked       []Unasked      // at most 4,096, in order
	Unregistered  []Unregistered // likewise
	Start, End    time.Time      // of the timeline: its packets and messages
	Exceeded      []string       // ids of the limits that were met: something is not in here
	Gaps          []Gap          // without any packet at all; at most 64

	once     sync.Once
	overview *Overview

	delays []time.Duration // of registrations
	saw    func(src, dst netip.Addr) (saw, limited bool)
	twoWay func(netip.Addr) bool
	sent   func(netip.Addr) (sent, got bool)
	rtcp   []hostPair
	lone   map[addrPorts][]LonePacket
}

const (
	// longGap is how long a timeline has to be without packets for it to be a Gap. An
	// INVITE that rings is refreshed every minute: RFC 3261, section 13.3.1.1.
	longGap = time.Minute

	maxGaps = 64
)

// Unplaced are messages of which no octets are missing, and which belong to nothing.
type Unplaced struct {
	N     int64
	First Frame
}

func (u *Unplaced) add(f Frame) {
	if u.N++; u.N == 1 {
		u.First = f
	}
}

// A Gap is a time in which no packet was captured, of whatever kind.
type Gap struct {
	From, To time.Time
	Frame    Frame // the packet that ends it
}

// result finishes everything.
func (t *tracker) result(c *clock) *Traffic {
	t.now = c.now
	t.end()
	t.open.rest(t)
	t.rules.drain()
	r := &Traffic{
		Calls:         t.calls(),
		Registrations: t.regs.result(t.now),
		Keepalives:    t.peers.result(),
		Subscriptions: t.subs,
		NoCallID:      t.callless,
		WholeNoCallID: t.wholeCallless,
		FirstNoCallID: t.firstCallless,
		NoVia:         t.noVia,
		NoCSeq:        t.noCSeq,
		Unasked:       t.unasked.list,
		Unregistered:  t.unasked.unregistered(),
		Start:         c.start,
		End:           c.now,
		Gaps:          c.gaps,
		delays:        t.regs.delays,
	}
	for _, l := range []struct {
		met  bool
		what string
	}{
		{t.overLegs, "call-limit"}, {t.overLive, "live-call-limit"}, {t.overSteps, "step-limit"}, {t.overDetail, "detail-limit"}, {t.open.over, "open-request-limit"},
		{t.regs.over, "registration-limit"}, {t.peers.over, "peer-limit"}, {t.linker.over, "link-limit"},
	} {
		if l.met {
			r.Exceeded = append(r.Exceeded, l.what)
		}
	}
	return r
}

// streams takes in the streams.
func (t *Traffic) streams(s *streamTable) {
	t.Streams, t.Measured = s.result(), true
	t.Fax, t.rtcp, t.lone = s.fax, s.control.pairs, s.lone
	t.Datagrams = s.Datagrams
	if s.over {
		t.Exceeded = append(t.Exceeded, "stream-limit")
	}
}

// AllStreams returns the streams of RTP and of UDPTL in the order in which they began.
func (t *Traffic) AllStreams() []*Stream {
	if len(t.Fax) == 0 {
		return t.Streams
	}
	list := slices.Concat(t.Streams, t.Fax)
	sort.SliceStable(list, func(i, k int) bool { return list[i].order < list[k].order })
	return list
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

// Sent reports whether the timeline holds packets of an address, and packets to it.
func (t *Traffic) Sent(a netip.Addr) (sent, got bool) {
	if t.sent == nil {
		return false, false
	}
	return t.sent(a)
}

// Lone returns the first packets from one address to another that begin as RTP does, and are of no stream: one by itself, or some that do
// not fit each other. Some thousand such packets are known, and of two addresses at most 8.
func (t *Traffic) Lone(src, dst netip.AddrPort) []LonePacket { return t.lone[addrPorts{src, dst}] }

// SentRTCP iterates over who sent RTCP to whom, encrypted or not, in the order in which they began. Saw and Sent do
// not know of it, as they do not of RTP.
func (t *Traffic) SentRTCP() iter.Seq2[netip.Addr, netip.Addr] {
	return func(yield func(src, dst netip.Addr) bool) {
		for _, p := range t.rtcp {
			if !yield(p[0], p[1]) {
				return
			}
		}
	}
}

// Named returns the IDs of the calls that an id names, in order: of call-3 or 3 that one, or else those of all
// calls with a leg of that Call-ID.
func (t *Traffic) Named(id string) (calls []int) {
	digits := strings.TrimPrefix(id, "call-")
	if n, err := strconv.Atoi(digits); err == nil && n >= 1 && n <= t.Calls.Len() && digits == strconv.Itoa(n) { // +3 and 03 are Call-IDs
		return []int{n}
	}
	id = string(nameOf([]byte(id)))
	for callID, call := range t.Calls.CallIDs() {
		if callID == id {
			calls = append(calls, call)
		}
	}
	slices.Sort(calls)
	return slices.Compact(calls)
}

// Find returns the first of the calls that an id names, nil for none.
func (t *Traffic) Find(id string) *Call {
	if list := t.Named(id); len(list) > 0 {
		return t.Calls.At(list[0] - 1)
	}
	return nil
}
