package analysis

import (
	"cmp"
	"encoding/binary"
	"math"
	"net/netip"
	"time"

	"github.com/sipsight/sipsight/capture"
	"github.com/sipsight/sipsight/internal/dissect"
	"github.com/sipsight/sipsight/layers"
	"github.com/sipsight/sipsight/rtp"
)

const (
	// maxTones bounds the telephone events of a stream: an hour of typing.
	maxTones = 4096
	// maxTypes bounds the payload types that are told apart in a stream.
	maxTypes = 4
	// copyWindow is how far apart two captures of one packet may be, in units of 2^19 ns:
	// 50 ms.
	copyWindow = 95
	// overAfter is how long a stream has to be silent before it is another one, with numbers
	// of its own, that has its ports and its SSRC; maxStep is how far its own may have gone on.
	overAfter = 2 * time.Second
	maxStep   = 3000
	// betweenCalls is for how long at least nothing comes between the media of one call and those of the next on the same ports: where those of several
	// calls come on one port at the same time, with one SSRC, nobody can tell them apart.
	betweenCalls = 100 * time.Millisecond
	// recentLen is how many sequence numbers are remembered for telling copies: those of a mirror come within a few
	// packets of each other, those of two interfaces that are read in turns within a quarter of a second.
	recentLen = 16
	// quietEnd is how long before its end a stream describes silence for the last time where that is what it ends with: AMR does so every 160 ms.
	quietEnd = 200 * time.Millisecond
	// maxEventLen is more than a packet with a telephone event has, whatever its header.
	maxEventLen = 64
)

// A Stream is the RTP packets of one SSRC from one address to another. Figures are those
// of the capture point: what is lost or late behind it is not seen.
type Stream struct {
	pulse

	PreviousSSRC  uint32   // of the stream whose place this one took, where HasPrevious
	HasPrevious   bool     // there was one on the same ports, which had ended
	UDPTL         bool     // it is of that, and has neither SSRC nor payload type: sequence numbers and times are all there is
	Type          uint8    // the payload type of most packets that are no events
	Class         uint8    // type of service, or traffic class, of the last packet
	RateEstimated bool     // the clock rate was found by comparing timestamps with the clock
	RelayHop      bool     // no description announces it: it is one of its leg on another hop of a relay
	SentBy        Party    // caller or callee of the leg whose session descriptions announce it
	Security      Security // as packets show it
	Silence       uint32   // packets of audio that describe silence, by their length: rtp.DescribesSilence
	Codec         string   // of Type; empty where only a session description tells
	Kind          string   // audio, video …, as the description has it
	Call          int      // ID of its call; 0 for none
	First         Frame
	Copies        uint32   // packets that were captured again: they are not counted otherwise
	Noise         uint32   // packets of comfort noise
	Events        uint32   // packets of telephone events
	ClockRate     uint32   // of Type as the description has it; 0 where none does
	Control       *Control // what RTCP says of it; nil for nothing

	six     *[2]netip.AddrPort // where it came from and went to, unless both are of IPv4
	legs    *legStore
	extras  *extras // nil for none
	order   int64   // of the first packet in the timeline
	begin   int64   // as instant has it
	quiet   int64   // likewise: when the last packet came that describes silence, or is comfort noise; 0 for none
	leg     int32   // 1 + the number of the leg whose session descriptions announce it; 0 for none
	sibling int32   // 1 + the number of the next stream of that leg

	counts    [maxTypes]uint32 // packets by payload type, in order of appearance …
	kinds     [maxTypes]uint8  // … which are these
	rates     [maxTypes]uint32 // … and clock rates, of the dynamic ones; 0: not known yet
	rate      uint32           // that of the last packet of sound; likewise
	sure      uint8            // bit i: the rate of kinds[i] is that of all its packets
	events    uint8            // bit i: kinds[i] is of telephone events
	eventType uint8            // the first payload type of these, 0 for none
	secure    bool             // the descriptions of both sides ask for SRTP

	Pauses uint16 // silences in which nothing was sent: rtp.Stats.Resumes
}

// extras are what few streams have.
type extras struct {
	course *rtp.Course // nil unless Options.Courses asked for it

	tones     []Tone // at most maxTones
	toneCount int
	tone      uint32 // timestamp of the last event, or of the part of it that goes on
	before    uint32 // how long it lasted before that part, in units of the timestamp

	learning learning
}

// learning is how the clock rate of a payload type is found: by packets of that since one of them.
type learning struct {
	at     time.Duration
	stamp  uint32
	rate   uint32 // of the last surelyLearnt; 0 for none
	kind   uint8
	n      uint8 // packets; 0: it begins with the next
	others uint8 // packets of other payload types since the last
}

const (
	// fewLearnt packets tell the rate for a start: jitter may make it that of a neighbour …
	fewLearnt = 16
	// … which those of surelyLearnt do not.
	surelyLearnt = time.Second
	// fewOthers packets of other payload types come in between: of redundancy, or of error correction.
	fewOthers = 3
)

// extra returns the extras of the stream, which it has from now on.
func (s *Stream) extra() *extras {
	if s.extras == nil {
		s.extras = new(extras)
	}
	return s.extras
}

// course returns what Options.Courses asked for, nil for nothing.
func (s *Stream) course() *rtp.Course {
	if s.extras == nil {
		return nil
	}
	return s.extras.course
}

// NewStream returns a stream without packets, of a codec of the payload type if that is static.
// Begin and end are zero in a capture without times.
func NewStream(src, dst netip.AddrPort, ssrc uint32, begin, end time.Time, types ...uint8) *Stream {
	s := &Stream{begin: instant(begin)}
	s.key, s.version, s.end = flow4{ports: uint32(src.Port())<<16 | uint32(dst.Port()), ssrc: ssrc}, 6, instant(end)
	if k, ok := newFlow4(src, dst, ssrc); ok {
		s.key, s.version = k, 4
	} else {
		s.six = &[2]netip.AddrPort{src, dst}
	}
	for i, t := range types[:min(len(types), maxTypes)] {
		s.kinds[i], s.counts[i] = t, 1
	}
	return s
}

// Source returns where the packets came from.
func (s *Stream) Source() netip.AddrPort {
	if s.six != nil {
		return s.six[0]
	}
	return s.key.end(32, 16)
}

// Destination returns where the packets went to.
func (s *Stream) Destination() netip.AddrPort {
	if s.six != nil {
		return s.six[1]
	}
	return s.key.end(0, 0)
}

// SSRC returns the synchronization source of the packets; 0 of UDPTL.
func (s *Stream) SSRC() uint32 { return s.key.ssrc }

// Begin returns the time of the first packet; zero in a capture without times.
//
//go:noinline
func (s *Stream) Begin() time.Time { return timeAt(s.begin) }

// End returns the latest time of a packet; zero in a capture without times.
//
//go:noinline
func (s *Stream) End() time.Time { return timeAt(s.end) }

// Last returns the frame of the last packet.
func (s *Stream) Last() Frame { return s.last }

// Types returns all payload types, at most 4, in order of appearance.
func (s *Stream) Types() (list []uint8) {
	for i, n := range s.counts {
		if n > 0 {
			list = append(list, s.kinds[i])
		}
	}
	return list
}

// Tones returns the telephone events of the stream, at most 4,096. They are not to be changed.
//
//go:noinline
func (s *Stream) Tones() []Tone {
	if s.extras == nil {
		return nil
	}
	return s.extras.tones
}

// ToneCount returns how many telephone events there were.
func (s *Stream) ToneCount() int {
	if s.extras == nil {
		return 0
	}
	return s.extras.toneCount
}

// A pulse is what every packet of a stream changes. It stands together so that it takes few lines
// of the cache: those of all streams that are sent at a time have to fit in there.
type pulse struct {
	key       flow4
	last      Frame
	end       int64  // the latest time, as instant has it
	usualRate uint32 // clock rate of the packets that next takes
	count     uint32 // of them since the last other one
	place     uint8  // in kinds of their payload type; maxTypes: there is no next
	class     uint8
	version   uint8                   // of IP
	recent    [recentLen]recentPacket // by the lowest bits of the sequence number
	stats     rtp.Stats
}

// A recentPacket is what copies of a packet have in common, and when it came, in units of 2^19 ns.
type recentPacket struct{ id, at uint16 }

// A Tone is one telephone event: RFC 4733. Its packets repeat it while it lasts, and the
// last of them is sent three times; that is all one event.
type Tone struct {
	Event    rtp.Event // as the last packet has it
	Time     time.Time
	Duration time.Duration
	Packets  int
	Ends     int // of them, those with the end bit; 0: the end was not seen
	Frame    Frame
	Type     uint8 // payload type of the first of them
}

// A Security is how a stream is encrypted, as far as packets show it.
type Security uint8

// The kinds of security.
const (
	NoSecurity Security = iota
	SecurityZRTP
	SecurityDTLS
)

func (s Security) String() string {
	switch s {
	case SecurityZRTP:
		return "ZRTP"
	case SecurityDTLS:
		return "DTLS-SRTP"
	}
	return ""
}

// EndsQuiet reports whether the last that was sent describes silence, or is comfort noise, give or take a few packets: its sender may have
// nothing to say from then on.
func (s *Stream) EndsQuiet() bool {
	return s.quiet != 0 && s.end-s.quiet <= int64(quietEnd)
}

// EventType returns the payload type of the first telephone event in the stream; ok is false where
// there are none.
func (s *Stream) EventType() (payloadType uint8, ok bool) { return s.eventType, s.Events > 0 }

// Report returns the figures of the stream.
//
//go:noinline
func (s *Stream) Report() rtp.Report { return s.stats.Report() }

// Course returns losses and jitter over time, in spans of step; none unless Options.Courses
// asked for it.
func (s *Stream) Course() (points []rtp.Point, step time.Duration) {
	if c := s.course(); c != nil {
		return c.Points()
	}
	return nil, 0
}

// Quality returns the E-model of the stream as a listener behind the capture point and a
// jitter buffer of rtp.BufferDepth would have it. ok is false for a codec of which ITU-T
// has no values, and for less than a second of sound.
func (s *Stream) Quality() (m rtp.EModel, ok bool) {
	if m, ok = rtp.NewEModel(s.Codec); !ok {
		return m, false
	}
	r := s.stats.Report()
	if r.Jitters == 0 || r.Duration < time.Second {
		return m, false
	}
	m.Heard(&r)
	return m, true
}

// A heard is an RTP packet as far as its stream needs it.
type heard struct {
	rtp.Sample
	ref     Frame
	order   int64
	time    time.Time
	ipid    uint16
	anyID   bool // it has no identification: a repetition so soon is a copy
	class   uint8
	isEvent bool // its payload may be a telephone event
	event   rtp.Event
}

// take reads the header of a packet that begins as RTP does.
func (h *heard) take(d *dissect.Datagram, b []byte) {
	*h = heard{
		Sample: rtp.Sample{
			Timestamp: uint32(b[4])<<24 | uint32(b[5])<<16 | uint32(b[6])<<8 | uint32(b[7]),
			Size:      len(b) + d.Missing + 28,
			Seq:       uint16(b[2])<<8 | uint16(b[3]),
			Type:      b[1] & 0x7f,
			Marker:    b[1]&0x80 != 0,
			Untimed:   !d.HasTime,
		},
		ref:   Frame{d.Ref.File, d.Ref.Frame},
		order: d.Ref.Order,
		time:  d.Time,
		ipid:  uint16(d.IPID),
		anyID: d.Version == 6,
		class: d.Class,
	}
	if d.Version == 6 {
		h.Size += 20
	}
	if d.HasTime {
		h.Arrival = time.Duration(d.Time.UnixNano())
	}
	if len(b) < maxEventLen && d.Missing == 0 {
		h.takeShort(b)
	}
}

// takeShort looks whether the payload may describe silence, or be a telephone event: four octets of
// which one bit is zero and the first is of a key or a tone of fax.
func (h *heard) takeShort(b []byte) {
	var p rtp.Header
	if p.Decode(b) != nil {
		return
	}
	h.Silent = rtp.DescribesSilence(h.Type, len(p.Payload))
	if len(p.Payload) != 4 || h.Type < rtp.FirstDynamic {
		return
	}
	h.isEvent = h.event.Decode(p.Payload) && !h.event.Reserved && (h.event.Event <= 16 || h.event.Event >= 32 && h.event.Event < 40)
}

// add takes in the next packet.
func (s *Stream) add(h *heard) {
	if s.stats.Seen(h.Seq) && s.isCopy(h) {
		s.Copies++
		return
	}
	s.recent[h.Seq%recentLen] = recentPacket{h.ipid, uint16(h.Arrival >> 19)}
	s.settle()
	s.class = h.class
	s.last = h.ref
	s.end = max(s.end, instant(h.time))
	event := s.isEvent(h)
	s.place = s.countType(h.Type)
	sure := false
	if event {
		s.Events++
		h.Untimed = true
	} else {
		sure = s.clock(h)
		if h.Silent {
			s.Silence++
		}
	}
	if h.Silent || rtp.IsComfortNoise(h.Type) {
		s.quiet = s.end
	}
	s.usualRate = h.ClockRate
	course := s.course()
	if !sure || course != nil {
		s.place = maxTypes
	}
	if s.stats.Resumes(&h.Sample) && s.Pauses < math.MaxUint16 {
		s.Pauses++
	}
	verdict := s.stats.Add(&h.Sample)
	if verdict != rtp.Duplicate && event {
		s.hear(h)
	}
	if course != nil && !h.time.IsZero() {
		course.Add(&s.stats, h.Arrival)
	}
}

// next is add for a packet behind one of the same payload type, of the same class: that has its
// clock rate. b is what begins with the header. Where it returns false it has done nothing.
func (s *pulse) next(p *capture.Packet, b []byte, x *layers.Sight, ns int64) bool {
	seq, size := binary.BigEndian.Uint16(b[2:]), int(x.Len)+20
	if s.version == 6 {
		size += 20
	}
	if s.place >= maxTypes || x.Class != s.class || b[0] != rtpPlain && !extended(b, int(x.Len)-8) || !s.stats.Next(time.Duration(ns), binary.BigEndian.Uint32(b[4:]), s.usualRate, size, seq, b[1]) {
		return false
	}
	s.recent[seq%recentLen] = recentPacket{x.IPID, uint16(ns >> 19)}
	s.last = Frame{p.File, p.Frame}
	s.end = max(s.end, ns)
	s.count++
	return true
}

// settle takes in what next counted.
func (s *Stream) settle() {
	if s.count > 0 {
		s.countMore(s.place, s.count)
		s.count = 0
	}
}

// over reports whether a packet is not of the stream, though it has its ports and its SSRC: after
// a silence it begins anew. Tools have one SSRC for all calls. Whether it begins another stream is for those that follow it to tell.
func (s *Stream) over(h *heard) bool {
	return h.Arrival-s.stats.LastArrival() > overAfter && s.isAnew(h)
}

// isAnew reports whether a packet has a number that does not go on from the last, nor a timestamp that goes on as the time or the number did.
func (s *Stream) isAnew(h *heard) bool {
	return (h.Seq-s.stats.Last()-1 >= maxStep || !s.stats.Explains(&h.Sample) && !s.stats.InStep(&h.Sample)) && !s.stats.OnTime(&h.Sample)
}

// isCopy reports whether a packet whose number came of late is another capture of that
// one: the same identification, or none in either. Of two interfaces either may be read first.
func (s *Stream) isCopy(h *heard) bool {
	if s.stats.Last()-h.Seq >= recentLen {
		return false
	}
	r := s.recent[h.Seq%recentLen]
	return (r.id == h.ipid || h.anyID) && uint16(h.Arrival>>19)-r.at+copyWindow <= 2*copyWindow
}

// clock sets the clock rate of a packet, whose payload type was counted, and reports whether it is that of all of this type.
func (s *Stream) clock(h *heard) (sure bool) {
	c, ok := rtp.Static(h.Type)
	if !ok {
		return s.clockOf(h)
	}
	h.ClockRate = uint32(c.ClockRate)
	if !rtp.IsComfortNoise(h.Type) {
		s.rate, s.RateEstimated = h.ClockRate, false
		return true
	}
	s.Noise++
	if s.rate != 0 { // it keeps the clock of the codec: RFC 3389, section 4
		h.ClockRate = s.rate
	}
	return true
}

// clockOf is clock for a dynamic payload type. A sender that changes its codec may have another rate with each; as long as
// that is not known there is nothing to compare a timestamp with.
func (s *Stream) clockOf(h *heard) (sure bool) {
	if s.place < maxTypes {
		if sure = s.sure&(1<<s.place) != 0; !sure && !h.Untimed && s.learn(h, &s.rates[s.place]) {
			s.sure |= 1 << s.place
		}
		h.ClockRate = s.rates[s.place]
	}
	if h.ClockRate == 0 {
		h.Untimed = h.Untimed || s.rate != 0
		return sure
	}
	s.rate, s.RateEstimated = h.ClockRate, true
	return sure
}

// learn takes in a packet of a payload type whose rate is not sure yet, and reports whether it is now: where that of a whole
// second is that of the second before. A pause in which the timestamp stands still makes another of it, also of the one from the start.
func (s *Stream) learn(h *heard, rate *uint32) (sure bool) {
	x := &s.extra().learning
	if x.n > 0 && x.kind != h.Type && x.others < fewOthers {
		x.others++
		return false
	}
	if x.kind != h.Type {
		*x = learning{kind: h.Type}
	}
	x.others = 0
	if x.n == 0 {
		x.at, x.stamp, x.n = h.Arrival, h.Timestamp, 1
		return false
	}
	x.n = max(x.n, x.n+1) // up to 255
	long := h.Arrival-x.at >= surelyLearnt
	if !long && (x.n != fewLearnt || *rate != 0) {
		return false
	}
	r := uint32(rateBetween(x.stamp, h.Timestamp, x.at, h.Arrival))
	if *rate == 0 || long && r == x.rate && r != 0 {
		if s.place == 0 && *rate != r && *rate == s.rate { // all was measured by another one
			s.stats.Reclock(r)
		}
		*rate = r
	}
	if long {
		sure = r == x.rate && r != 0
		x.n, x.rate = 0, r
	}
	return sure
}

// rateBetween returns the clock rate by the timestamps of two packets and their times; 0 if they do not tell.
func rateBetween(from, to uint32, start, end time.Duration) int {
	ticks := int32(to - from)
	if end <= start || ticks <= 0 {
		return 0
	}
	return rtp.NearestRate(float64(ticks) / (end - start).Seconds())
}

// countType counts a packet of a payload type, and returns its place in kinds: maxTypes where
// there is none left.
func (s *Stream) countType(kind uint8) (place uint8) {
	for i := range s.kinds {
		if s.counts[i] == 0 {
			s.kinds[i] = kind
		}
		if s.kinds[i] == kind {
			s.countMore(uint8(i), 1)
			return uint8(i)
		}
	}
	return maxTypes
}

// countMore counts packets of the payload type at a place.
func (s *Stream) countMore(place uint8, n uint32) {
	s.counts[place] += min(n, math.MaxUint32-s.counts[place])
}

// isEvent reports whether a packet is of a telephone event. Without a session description
// that is one that looks like it and has another payload type than the sound around it, or
// the same one as events before. A sender of several codecs may have a type of each clock rate.
func (s *Stream) isEvent(h *heard) bool {
	if !h.isEvent {
		return false
	}
	for i, n := range s.counts {
		switch {
		case n == 0:
			s.events |= 1 << i
			s.eventType = cmp.Or(s.eventType, h.Type)
			return true
		case s.kinds[i] == h.Type:
			return s.isOfEvents(i) // or sound that happens to look like it
		}
	}
	s.eventType = cmp.Or(s.eventType, h.Type)
	return s.eventType == h.Type
}

// isOfEvents reports whether a payload type, by its place in kinds, is one of telephone events.
func (s *Stream) isOfEvents(place int) bool { return s.events&(1<<place) != 0 }

// hear takes in a packet of a telephone event.
func (s *Stream) hear(h *heard) {
	rate := time.Duration(s.rate)
	if rate == 0 {
		rate = 8000
	}
	x := s.extra()
	lasted := func() time.Duration {
		return (time.Duration(x.before) + time.Duration(h.event.Duration)) * time.Second / rate
	}
	if n := len(x.tones); n > 0 && x.toneCount == n {
		t, offset := &x.tones[n-1], int32(h.Timestamp-x.tone)
		// RFC 4733, section 2.5.1.3: what lasts longer than the duration can say goes on
		// with a timestamp of its own.
		if offset > 0 && t.Ends == 0 && t.Event.Event == h.event.Event && offset == int32(t.Event.Duration) && !h.Marker {
			x.tone, x.before = h.Timestamp, x.before+uint32(offset)
			offset = 0
		}
		switch {
		case offset == 0:
			t.Event = h.event
			t.Packets++
			t.Duration = max(t.Duration, lasted())
			if h.event.End {
				t.Ends++
			}
			return
		case offset < 0 && offset > -1<<16: // a late packet of one before
			return
		}
	}
	x.tone, x.before = h.Timestamp, 0
	if x.toneCount++; x.toneCount > maxTones {
		return
	}
	t := Tone{Event: h.event, Time: h.time, Duration: lasted(), Packets: 1, Frame: h.ref, Type: h.Type}
	if h.event.End {
		t.Ends = 1
	}
	x.tones = append(x.tones, t)
}

// stop takes the pulse into what is shown of the stream.
func (s *Stream) stop() {
	s.settle()
	s.Class = s.class
}

// finish sets what follows from the whole stream.
func (s *Stream) finish() {
	s.stop()
	var most uint32
	events := false
	for i, n := range s.counts {
		kind := s.kinds[i]
		if n > most && (!s.isOfEvents(i) || most == 0) && !rtp.IsComfortNoise(kind) {
			s.Type, most, events = kind, n, s.isOfEvents(i)
			if events {
				most = 0
			}
		}
	}
	if most == 0 && s.eventType == 0 && s.counts[0] > 0 {
		s.Type = s.kinds[0] // comfort noise alone
	}
	switch c, ok := rtp.Static(s.Type); {
	case ok:
		s.Codec = c.Name
	case events:
		s.Codec = "telephone-event"
	}
}
