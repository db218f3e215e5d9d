package analysis

import (
	"cmp"
	"net/netip"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/sipsight/sipsight/rtp"
)

const (
	// mediaBefore is how long before its call, or before the description that announces
	// it, a stream may begin, and mediaAfter how long after the end of its call it may go
	// on: media is not held up by proxies, and devices play what they have to its end.
	mediaBefore = 2 * time.Second
	mediaAfter  = 5 * time.Second

	// maxTried bounds the announcements of one address that are looked at for one stream.
	maxTried = 64
)

// A claim is an announcement of an address that a stream went to or came from.
type claim struct {
	leg *Leg
	e   *Endpoint
}

// joinStreams finds the call of each stream: the one whose session descriptions announce
// where it went to, or else where it came from, in the time in which it was sent. What
// answers a stream from where that went to, to where that came from, is of the same call,
// whatever was announced. Streams of which no description speaks stay alone.
func (t *Traffic) joinStreams() {
	for _, s := range t.Fax { // its leg is known from the beginning
		s.Call = s.Leg.call
	}
	if len(t.Streams) == 0 || t.Calls.Len() == 0 {
		return
	}
	claims := t.claims()
	joined := make(map[addrPorts]*Stream)
	for _, s := range t.Streams {
		c := s.choose(claims[s.Destination], s.Source)
		if c == nil {
			c = s.choose(claims[s.Source], s.Destination)
		}
		if c == nil {
			continue
		}
		by := c.e.Side
		if c.e.Addr == s.Destination {
			by = by.other()
		}
		s.join(c.leg, by, c.e.Kind)
		joined[addrPorts{s.Source, s.Destination}] = s
	}
	for _, s := range t.Streams {
		if s.Leg != nil {
			continue
		}
		if back := joined[addrPorts{s.Destination, s.Source}]; back != nil && back.Leg.speaks(s) {
			s.join(back.Leg, back.SentBy.other(), back.Kind)
		}
	}
	t.joinBySSRC()
}

// relayed is how far apart the beginnings and the ends of a stream may be on two hops.
const relayed = 2 * time.Second

// joinBySSRC finds the call of streams that no description speaks of, where they are those of a
// call on another hop: a relay sends on SSRC, payload type and sequence numbers as they are. What
// looks like those of two calls stays alone. They are not among the streams of the leg, of
// which descriptions speak.
func (t *Traffic) joinBySSRC() {
	known := make(map[uint32][]*Stream)
	for _, s := range t.Streams {
		if s.Leg == nil {
			known[s.SSRC] = nil
		}
	}
	if len(known) == 0 {
		return
	}
	for _, s := range t.Streams {
		if list, wanted := known[s.SSRC]; wanted && s.Leg != nil && len(list) < maxTried {
			known[s.SSRC] = append(list, s)
		}
	}
	for _, s := range t.Streams {
		if s.Leg != nil {
			continue
		}
		var found *Stream
		several := false
		for _, k := range known[s.SSRC] {
			if s.isOnAnotherHop(k) {
				several = several || found != nil && found.Leg != k.Leg
				found = k
			}
		}
		if found != nil && !several {
			s.belong(found.Leg, found.SentBy, found.Kind)
		}
	}
}

// isOnAnotherHop reports whether a stream is another one, seen elsewhere.
func (s *Stream) isOnAnotherHop(k *Stream) bool {
	near := func(a, b time.Time) bool { return a.Sub(b).Abs() < relayed }
	const few = 10 // packets prove nothing
	off := int16(s.stats.Last() - k.stats.Last())
	return s.Type == k.Type && near(s.Begin, k.Begin) && near(s.End, k.End) && max(off, -off) <= 200 && s.Report().Packets >= few && k.Report().Packets >= few
}

// claims lists the announcements of every address that a stream went to or came from, in
// the order of time.
func (t *Traffic) claims() map[netip.AddrPort][]claim {
	claims := make(map[netip.AddrPort][]claim, 2*len(t.Streams))
	for _, s := range t.Streams {
		claims[s.Source], claims[s.Destination] = nil, nil
	}
	for n := range t.Calls.legs.len() {
		l := t.Calls.legs.at(n)
		if l.Media == nil || !slices.ContainsFunc(l.Media.Endpoints, func(e Endpoint) bool { _, wanted := claims[e.Addr]; return wanted }) {
			continue
		}
		l = t.Calls.legs.pin(n) // its streams are written into it
		for i := range l.Media.Endpoints {
			e := &l.Media.Endpoints[i]
			if list, wanted := claims[e.Addr]; wanted {
				claims[e.Addr] = append(list, claim{l, e})
			}
		}
	}
	for _, list := range claims {
		sort.SliceStable(list, func(i, j int) bool { return list[i].e.Since.Before(list[j].e.Since) })
	}
	return claims
}

// choose returns the claim that a stream fits best; nil for none. Ports are used again, so of
// those made up to its beginning the newest counts, of a leg that had not ended; then the
// first one made within mediaBefore behind it, or later; then those of legs that had just
// ended. One of a leg that announces the other end of the stream as well is better than any
// that does not.
func (s *Stream) choose(list []claim, other netip.AddrPort) (best *claim) {
	at := len(list)
	if !s.Begin.IsZero() {
		at, _ = slices.BinarySearchFunc(list, s.Begin, func(c claim, t time.Time) int {
			return cmp.Or(c.e.Since.Compare(t), -1) // behind the last one that is not later
		})
	}
	rank := 6
	try := func(i, r int) {
		c := &list[i]
		if !c.leg.speaks(s) {
			return
		}
		if !c.leg.announces(other) {
			r += 3
		}
		if r < rank {
			best, rank = c, r
		}
	}
	for i := at - 1; i >= 0 && i >= at-maxTried && rank > 0; i-- {
		if l := list[i].leg; !l.Ended.IsZero() && l.Ended.Before(s.Begin) {
			try(i, 2)
		} else {
			try(i, 0)
		}
	}
	for i := at; i < len(list) && i < at+maxTried && rank > 1; i++ {
		try(i, 1)
	}
	return best
}

// speaks reports whether a stream was sent while the leg went on, or nearly so.
func (l *Leg) speaks(s *Stream) bool {
	if s.Begin.IsZero() || l.Begin.IsZero() {
		return true
	}
	return !s.End.Before(l.Begin.Add(-mediaBefore)) && (l.Ended.IsZero() || !s.Begin.After(l.Ended.Add(mediaAfter)))
}

func (l *Leg) announces(a netip.AddrPort) bool {
	return slices.ContainsFunc(l.Media.Endpoints, func(e Endpoint) bool { return e.Addr == a })
}

// other returns the other side.
func (p Party) other() Party {
	switch p {
	case Caller:
		return Callee
	case Callee:
		return Caller
	}
	return p
}

// join makes a stream one of a leg. The numbers of payload types are those of who receives
// them: RFC 3264, section 5.1; some take their own.
func (s *Stream) join(l *Leg, by Party, kind string) {
	l.Media.Streams = append(l.Media.Streams, s)
	s.belong(l, by, kind)
}

// belong notes the leg of a stream, and what its descriptions say of it.
func (s *Stream) belong(l *Leg, by Party, kind string) {
	s.Leg, s.Call, s.SentBy, s.Kind = l, l.call, by, kind
	if _, ok := rtp.Static(s.Type); ok {
		return
	}
	c := s.described(s.Type)
	if c.Name == "" {
		return
	}
	s.Codec, s.ClockRate = c.Name, c.ClockRate
	if s.Kind == "audio" && s.ClockRate == 90000 && !strings.EqualFold(s.Codec, "MPA") {
		s.Kind = "video" // of one address for both: RFC 9143
	}
	// What was measured stays what it is: jitter with a rate that timestamps do not keep
	// would be none. Where the description has the same rate it is no estimate any more.
	if int(s.rate) == s.ClockRate {
		s.RateEstimated = false
	}
}

// CodecOf returns what a payload type stands for in the packets of the stream: by RFC 3551, or
// by the session descriptions of its call. It is the zero Codec where nothing tells.
func (s *Stream) CodecOf(payloadType uint8) rtp.Codec {
	if c, ok := rtp.Static(payloadType); ok {
		return c
	}
	return s.described(payloadType)
}

// described returns what the description of the receiver says of a payload type, or else
// that of the sender.
func (s *Stream) described(payloadType uint8) (c rtp.Codec) {
	if s.Leg == nil {
		return c
	}
	if c = s.Leg.Media.codec(s, payloadType, s.SentBy.other()); c.Name == "" {
		c = s.Leg.Media.codec(s, payloadType, s.SentBy)
	}
	if strings.EqualFold(c.Name, "G722") {
		c.ClockRate = 8000 // whatever is written: RFC 3551, section 4.5.2
	}
	return c
}

// Encrypted reports whether the packets of the stream are SRTP, as far as the capture tells: a
// key exchange between the same ports was seen, or the session descriptions of both sides
// bring keys or ask for it.
func (s *Stream) Encrypted() bool {
	if s.Security != NoSecurity {
		return true
	}
	if s.Leg == nil {
		return false
	}
	var said, secure [3]bool
	for i := range s.Leg.Media.Endpoints {
		if e := &s.Leg.Media.Endpoints[i]; e.Kind == s.Kind && int(e.Side) < len(said) {
			said[e.Side], secure[e.Side] = true, e.secure
		}
	}
	return (secure[Caller] || !said[Caller]) && (secure[Callee] || !said[Callee]) && (said[Caller] || said[Callee])
}

// codec returns what a payload type of a stream stands for to a side: in the announcement
// of where it went to, or else in the last one of its kind.
func (m *Media) codec(s *Stream, payloadType uint8, side Party) (c rtp.Codec) {
	for i := len(m.Endpoints) - 1; i >= 0; i-- {
		e := &m.Endpoints[i]
		if e.Side != side || e.Kind != s.Kind {
			continue
		}
		if x := e.Codec(payloadType); x.Name != "" && (c.Name == "" || e.Addr == s.Destination) {
			c = x
		}
	}
	return c
}
