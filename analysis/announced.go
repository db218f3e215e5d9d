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
	since int64 // as instant has it
	kind  string
	who   int32 // index into streamJoiner.who
	addr  int32 // as streamJoiner.numbers has it
	nth   uint8 // of the leg
	side  Party
}

// claims are sorted by address, then by time. That they are a sort.Interface saves the binary a
// sort of its own.
type claims []claim

func (c claims) Len() int      { return len(c) }
func (c claims) Swap(i, k int) { c[i], c[k] = c[k], c[i] }
func (c claims) Less(i, k int) bool {
	a, b := &c[i], &c[k]
	return cmp.Or(cmp.Compare(a.addr, b.addr), cmp.Compare(a.since, b.since), cmp.Compare(a.who, b.who), cmp.Compare(a.nth, b.nth)) < 0
}

// A claimant is a leg that announces such addresses: in the claims from and up to these.
type claimant struct {
	leg          int32
	from, to     int32 // in streamJoiner.addrs
	begin, ended int64 // as instant has it
}

// A sideAddr is an address that a side announces.
type sideAddr struct {
	addr int32 // as streamJoiner.numbers has it
	side Party
}

// joinStreams finds the call of each stream: the one whose session descriptions announce, as an address or as a candidate,
// where it went to, or else where it came from, in the time in which it was sent. What
// answers a stream from where that went to, to where that came from, is of the same call,
// whatever was announced. Streams of which no description speaks stay alone.
func (t *Traffic) joinStreams() {
	legs := t.Calls.legs
	for _, s := range t.Fax { // its leg is known from the beginning
		s.legs, s.Call = legs, int(legs.calls[s.leg-1])
	}
	if len(t.Streams) == 0 || t.Calls.Len() == 0 {
		return
	}
	j := streamJoiner{streams: t.Streams, legs: legs, of: make([]int32, len(t.Streams)), last: make([]int32, legs.len())}
	legs.streams, legs.first = t.Streams, make([]int32, legs.len())
	j.byAddress()
	j.describe()
	j.byAnswer()
	j.bySSRC()
	for _, l := range legs.legs {
		if l != nil {
			legs.attach(l)
		}
	}
}

// A streamJoiner gives streams to legs.
type streamJoiner struct {
	streams []*Stream
	legs    *legStore
	of      []int32 // of the streams: 1 + the index of the claimant
	last    []int32 // by leg, 1 + the last of its streams

	numbers map[netip.AddrPort]int32 // of the addresses that streams went to or came from
	who     []claimant
	addrs   []sideAddr // those that claimants announce, one after the other
	claims  []claim    // by address, in the order of time
	first   []int32    // by the number of an address, its first claim; and how many there are
}

// byAddress gives streams to the legs that announce one of their ends.
func (j *streamJoiner) byAddress() {
	j.collect()
	for i, s := range j.streams {
		if c, by := j.claimOf(s); c != nil {
			j.join(i, c.who, by, c.kind)
		}
	}
	j.numbers, j.addrs, j.claims, j.first = nil, nil, nil, nil
}

// claimOf returns the claim that a stream fits best, by where it went to or else by where it came from, and who sent it. The latter
// counts as well where it is of a leg that announces both: a server may have one port for the media of all calls, and not all were tried;
// and where it was made in time, and what is said of where it went to by a leg that had ended, or later.
func (j *streamJoiner) claimOf(s *Stream) (c *claim, by Party) {
	src, dst := j.numbers[s.Source()], j.numbers[s.Destination()]
	to, rank := j.choose(s, dst, src)
	if rank >= otherEnd && src != dst {
		if from, r := j.choose(s, src, dst); r < rank {
			return from, from.side
		}
	}
	if to == nil {
		return nil, 0
	}
	return to, to.side.other()
}

// byAnswer gives those that are left to the leg of the stream that they answer.
func (j *streamJoiner) byAnswer() {
	asked := make(map[addrPorts]int32)
	for i, s := range j.streams {
		if j.of[i] == 0 {
			asked[addrPorts{s.Destination(), s.Source()}] = 0
		}
	}
	if len(asked) == 0 {
		return
	}
	var scratch legRoom
	for i, s := range j.streams {
		k := addrPorts{s.Source(), s.Destination()}
		if _, is := asked[k]; is && j.of[i] != 0 {
			asked[k] = int32(i + 1)
		}
	}
	for i, s := range j.streams {
		if j.of[i] != 0 {
			continue
		}
		if n := asked[addrPorts{s.Destination(), s.Source()}]; n > 0 {
			if back, who := j.streams[n-1], j.of[n-1]-1; j.who[who].speaks(s) {
				j.join(i, who, back.SentBy.other(), back.Kind)
				s.belong(j.legs, j.legs.look(int(s.leg-1), &scratch), s.SentBy, s.Kind)
			}
		}
	}
}

// join makes stream i one of a leg.
//
//go:noinline
func (j *streamJoiner) join(i int, who int32, by Party, kind string) {
	s, leg := j.streams[i], j.who[who].leg
	j.of[i] = who + 1
	s.leg, s.SentBy, s.Kind = leg+1, by, kind
	if last := j.last[leg]; last > 0 {
		j.streams[last-1].sibling = int32(i + 1)
	} else {
		j.legs.first[leg] = int32(i + 1)
	}
	j.last[leg] = int32(i + 1)
}

// describe says of all streams that are of a leg what its descriptions say of them.
func (j *streamJoiner) describe() {
	var scratch legRoom
	for n, first := range j.legs.first {
		if first == 0 {
			continue
		}
		l := j.legs.look(n, &scratch)
		for i := first; i > 0; i = j.streams[i-1].sibling {
			s := j.streams[i-1]
			s.belong(j.legs, l, s.SentBy, s.Kind)
		}
	}
}

// relayed is how far apart the beginnings and the ends of a stream may be on two hops.
const relayed = 2 * time.Second

// bySSRC finds the call of streams that no description speaks of, where they are those of a
// call on another hop: a relay sends on SSRC, payload type and sequence numbers as they are. What
// looks like those of two calls stays alone.
func (j *streamJoiner) bySSRC() {
	known := make(map[uint32][]int)
	for i, s := range j.streams {
		if j.of[i] == 0 {
			known[s.SSRC()] = nil
		}
	}
	if len(known) == 0 {
		return
	}
	for i, s := range j.streams {
		if list, wanted := known[s.SSRC()]; wanted && j.of[i] != 0 && len(list) < maxTried {
			known[s.SSRC()] = append(list, i)
		}
	}
	var scratch legRoom
	for i, s := range j.streams {
		if j.of[i] != 0 {
			continue
		}
		if n := j.otherHop(s, known[s.SSRC()]); n >= 0 {
			k := j.streams[n]
			s.RelayHop = true
			j.join(i, j.of[n]-1, k.SentBy, k.Kind)
			s.belong(j.legs, j.legs.look(int(s.leg-1), &scratch), s.SentBy, s.Kind)
		}
	}
}

// otherHop returns the stream, of a list, that is s on another hop; -1 for none, and where they are of
// several legs.
func (j *streamJoiner) otherHop(s *Stream, list []int) int {
	found := -1
	for _, n := range list {
		if !s.IsRelayOf(j.streams[n]) {
			continue
		}
		if found >= 0 && j.of[found] != j.of[n] {
			return -1
		}
		found = n
	}
	return found
}

// IsRelayOf reports whether a stream is another one on another hop, of a relay or a NAT: SSRC, payload
// type, sequence numbers and times are the same.
func (s *Stream) IsRelayOf(k *Stream) bool {
	near := func(a, b time.Time) bool { return a.Sub(b).Abs() < relayed }
	const few = 10 // packets prove nothing
	off := int16(s.stats.Last() - k.stats.Last())
	return s.SSRC() == k.SSRC() && s.Type == k.Type && near(s.Begin(), k.Begin()) && near(s.End(), k.End()) && max(off, -off) <= 200 && s.Report().Packets >= few && k.Report().Packets >= few
}

// collect lists the announcements of every address that a stream went to or came from.
func (j *streamJoiner) collect() {
	j.numbers = make(map[netip.AddrPort]int32)
	for _, s := range j.streams {
		j.number(s.Source())
		j.number(s.Destination())
	}
	var scratch legRoom
	for n := range j.legs.len() {
		if l := j.legs.look(n, &scratch); l.Media != nil {
			j.claim(l, int32(n))
		}
	}
	sort.Sort(claims(j.claims))
	j.first = make([]int32, 1, len(j.numbers)+1)
	for i, c := range j.claims {
		for int(c.addr) >= len(j.first) {
			j.first = append(j.first, int32(i))
		}
	}
	for len(j.first) <= len(j.numbers) {
		j.first = append(j.first, int32(len(j.claims)))
	}
}

// number gives an address a number.
func (j *streamJoiner) number(a netip.AddrPort) {
	if _, ok := j.numbers[a]; !ok {
		j.numbers[a] = int32(len(j.numbers))
	}
}

// claim takes in what a leg announces.
func (j *streamJoiner) claim(l *Leg, leg int32) {
	from := int32(len(j.addrs))
	add := func(e *Endpoint, nth int) {
		if n, wanted := j.numbers[e.Addr]; wanted {
			j.addrs = append(j.addrs, sideAddr{n, e.Side})
			j.claims = append(j.claims, claim{since: instant(e.Since), kind: e.Kind, who: int32(len(j.who)), addr: n, nth: uint8(nth), side: e.Side})
		}
	}
	for i := range l.Media.Endpoints {
		add(&l.Media.Endpoints[i], i)
	}
	for i := range l.Media.Candidates {
		add(&l.Media.Candidates[i], len(l.Media.Endpoints)+i)
	}
	if to := int32(len(j.addrs)); to > from {
		c := claimant{leg: leg, from: from, to: to, begin: instant(l.Begin), ended: instant(l.Ended)}
		if c.ended < c.begin { // the clock was set back
			c.ended = never
		}
		j.who = append(j.who, c)
	}
}

// otherEnd is how many ranks there are of claims of legs that announce the other end, too.
const otherEnd = 6

// choose returns the claim that a stream fits best; nil for none. Ports are used again, so of
// those made up to its beginning the newest counts, of a leg that had not ended; then the
// first one made within mediaBefore behind it, or later; then those of legs that had just
// ended. One of a leg that announces the other end of the stream as well is better than any
// that does not: its rank is less than otherEnd. Of those the one is better whose other end the other side announces: a relay
// may have one port for both. Of those of one call that are as good the one of its first leg counts: where a back-to-back user agent leaves media to the
// phones all legs announce the same, and each direction would be of another one.
func (j *streamJoiner) choose(s *Stream, addr, other int32) (best *claim, rank int) {
	list := j.claims[j.first[addr]:j.first[addr+1]]
	at, begin := len(list), instant(s.Begin())
	if begin != never {
		at, _ = slices.BinarySearchFunc(list, begin, func(c claim, t int64) int {
			return cmp.Or(cmp.Compare(c.since, t), -1) // behind the last one that is not later
		})
	}
	rank = 2 * otherEnd
	try := func(i, r int) {
		c := &list[i]
		who := &j.who[c.who]
		if !who.speaks(s) {
			return
		}
		both, across := false, false
		for _, x := range j.addrs[who.from:who.to] {
			if x.addr == other {
				both, across = true, across || x.side != c.side
			}
		}
		switch {
		case across:
		case both:
			r++
		case who.goesOn(s):
			r += otherEnd
		default:
			return
		}
		if r < rank || r == rank && c.who < best.who && j.ofOneCall(c, best) {
			best, rank = c, r
		}
	}
	for i := at - 1; i >= 0 && i >= at-maxTried; i-- {
		if rank == 0 && !j.ofOneCall(&list[i], best) {
			continue
		}
		if ended := j.who[list[i].who].ended; ended != never && ended < begin {
			try(i, 4)
		} else {
			try(i, 0)
		}
	}
	for i := at; i < len(list) && i < at+maxTried && rank > 2; i++ {
		try(i, 2)
	}
	return best, rank
}

// ofOneCall reports whether two claims are of legs of one call.
func (j *streamJoiner) ofOneCall(a, b *claim) bool {
	return j.legs.calls[j.who[a.who].leg] == j.legs.calls[j.who[b.who].leg]
}

// speaks reports whether a stream was sent while the leg went on, or nearly so.
func (c *claimant) speaks(s *Stream) bool {
	begin, end := instant(s.Begin()), instant(s.End())
	if begin == never || c.begin == never {
		return true
	}
	return end >= c.begin-int64(mediaBefore) && (c.ended == never || begin <= c.ended+int64(mediaAfter))
}

// goesOn reports whether a stream is not older than the leg and over when that begins, nor younger than the leg and going on: such a
// one is of another call that has the same ports.
func (c *claimant) goesOn(s *Stream) bool {
	begin, end := instant(s.Begin()), instant(s.End())
	if begin == never || c.begin == never {
		return true
	}
	early := begin < c.begin-int64(mediaBefore) && end < c.begin
	late := c.ended != never && begin > c.ended && end > c.ended+int64(mediaAfter)
	return !early && !late
}

// other returns the other side.
//
//go:noinline
func (p Party) other() Party {
	switch p {
	case Caller:
		return Callee
	case Callee:
		return Caller
	}
	return p
}

// belong notes the leg of a stream, and what its descriptions say of it.
func (s *Stream) belong(legs *legStore, l *Leg, by Party, kind string) {
	s.legs, s.leg, s.Call = legs, int32(l.order+1), int(legs.calls[l.order])
	s.SentBy, s.Kind = by, kind
	s.describe(l.Media)
	s.secure = l.Media.encrypted(s)
}

// describe takes over what descriptions say of the payload type. The numbers of payload types are
// those of who receives them: RFC 3264, section 5.1; some take their own.
func (s *Stream) describe(m *Media) {
	c, static := rtp.Static(s.Type)
	if static {
		if s.Kind == "audio" && c.Channels == 0 {
			s.Kind = "video" // as below
		}
		return
	}
	c = s.described(m, s.Type)
	if c.Name == "" {
		return
	}
	s.Codec, s.ClockRate = c.Name, uint32(c.ClockRate)
	if s.Kind == "audio" && s.ClockRate == 90000 && !strings.EqualFold(s.Codec, "MPA") {
		s.Kind = "video" // of one address for both: RFC 9143
	}
	// What was measured stays what it is: jitter with a rate that timestamps do not keep
	// would be none. Where the description has the same rate it is no estimate any more, and
	// a guess is worse than that.
	if s.rate != 0 && s.rate != s.ClockRate && s.ClockRate != 0 && s.isGuess() {
		s.rate = s.ClockRate
		s.stats.Reclock(s.rate)
	}
	if s.rate == s.ClockRate {
		s.RateEstimated = false
	}
}

// isGuess reports whether the clock rate rests on a few packets, which may have come in a burst, or a second of them spoke against it, or all do.
func (s *Stream) isGuess() bool {
	if !s.RateEstimated || s.sure != 0 || s.extras == nil {
		return false
	}
	learnt, x := s.extras.learning.rate, s.stats.Report()
	return learnt != 0 && learnt != s.rate || x.Packets < 2*fewLearnt || x.Skew.Abs() > x.Duration/8
}

// Of reports whether the stream is one of a leg.
func (s *Stream) Of(l *Leg) bool { return s.leg == int32(l.order+1) }

// CodecOf returns what a payload type stands for in the packets of the stream: by RFC 3551, or
// by the session descriptions of its call. It is the zero Codec where nothing tells.
func (s *Stream) CodecOf(payloadType uint8) rtp.Codec {
	if c, ok := rtp.Static(payloadType); ok || s.leg == 0 {
		return c
	}
	return s.described(s.legs.look(int(s.leg-1), new(legRoom)).Media, payloadType)
}

// Undescribed reports whether no session description of the call says what the payload type is, though both sides
// describe media of RTP. It is false for comfort noise, which few list, and for streams on other hops of a relay.
func (s *Stream) Undescribed() bool {
	if s.leg == 0 || s.UDPTL || s.RelayHop || s.Type == 13 || s.Type == 19 {
		return false
	}
	var said [3]bool
	m := s.legs.look(int(s.leg-1), new(legRoom)).Media
	for i := range m.Endpoints {
		switch e := &m.Endpoints[i]; {
		case e.formats == "" || int(e.Side) >= len(said):
		case len(e.formats) > maxKept/2 || e.Codec(s.Type).Name != "": // of a longer list the end may not be kept
			return false
		default:
			said[e.Side] = true
		}
	}
	return said[Caller] && said[Callee]
}

// described returns what the description of the receiver says of a payload type, or else
// that of the sender.
func (s *Stream) described(m *Media, payloadType uint8) (c rtp.Codec) {
	if c = m.codec(s, payloadType, s.SentBy.other()); c.Name == "" {
		c = m.codec(s, payloadType, s.SentBy)
	}
	if strings.EqualFold(c.Name, "G722") {
		c.ClockRate = 8000 // whatever is written: RFC 3551, section 4.5.2
	}
	return c
}

// Encrypted reports whether the packets of the stream are SRTP, as far as the capture tells: a
// key exchange between the same ports was seen, or the session descriptions of both sides
// bring keys or ask for it.
func (s *Stream) Encrypted() bool { return s.Security != NoSecurity || s.secure }

// encrypted reports whether the descriptions of both sides ask for SRTP on a stream. A side may offer one with SRTP and one without: what it says of
// the address that the stream comes from or goes to counts, and of another one, behind a NAT, that it would take SRTP.
func (m *Media) encrypted(s *Stream) bool {
	var said, exact, secure [3]bool
	for _, list := range [...][]Endpoint{m.Candidates, m.Endpoints} {
		for i := range list {
			e := &list[i]
			if e.Kind != s.Kind || int(e.Side) >= len(said) {
				continue
			}
			at := s.Destination()
			if e.Side == s.SentBy {
				at = s.Source()
			}
			if is := e.Addr == at; is || !exact[e.Side] {
				secure[e.Side] = e.secure || !is && secure[e.Side]
				said[e.Side], exact[e.Side] = true, is
			}
		}
	}
	return (secure[Caller] || !said[Caller]) && (secure[Callee] || !said[Callee]) && (said[Caller] || said[Callee])
}

// codec returns what a payload type of a stream stands for to a side: in the announcement
// of where it went to, or else in the last one of its kind.
func (m *Media) codec(s *Stream, payloadType uint8, side Party) (c rtp.Codec) {
	for _, list := range [...][]Endpoint{m.Endpoints, m.Candidates} {
		for i := len(list) - 1; i >= 0; i-- {
			e := &list[i]
			if e.Side != side || e.Kind != s.Kind {
				continue
			}
			if x := e.Codec(payloadType); x.Name != "" && (c.Name == "" || e.Addr == s.Destination()) {
				c = x
			}
		}
	}
	return c
}
