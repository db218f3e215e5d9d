package rtp

import (
	"math"
	"math/bits"
	"time"
)

const (
	// maxDropout is how far the sequence number may step forward at once: RFC 3550,
	// appendix A.1. A wider step is loss only if time for so many packets went by, and so is one of more than
	// maxMisorder whose timestamp goes on neither as the time did nor as the number.
	maxDropout = 3000
	// maxMisorder is how far it may step back: RFC 3550, appendix A.1.
	maxMisorder = 100
	// windowLen is how many sequence numbers are remembered, for telling packets that
	// come late from those that come twice.
	windowLen = 64
	// maxSpan is up to how many sequence numbers of a run are counted: more than maxMisorder.
	maxSpan = 128
	// minGap is how many packets in a row have to arrive to end a burst of losses:
	// Gmin of RFC 3611, section 4.7.2.
	minGap = 16

	// A step of the timestamp against the clock by as much is no delay of the network:
	// the sender set it anew, backwards or at the start of a talkspurt, or anywhere.
	maxSpurtStep = 1000 // ms
	maxStep      = 10000

	// BufferDepth is the depth of the jitter buffer that is assumed: packets that come
	// later than the fastest by more are lost to the listener.
	BufferDepth = 60 * time.Millisecond
	// bufferReset is how many packets in a row come late before the buffer is set anew.
	bufferReset = 25

	// driftWindow is how long the fastest packet is looked for, for telling the drift of
	// clocks from the jitter of the network.
	driftWindow = 8000 // ms
)

// A Sample is what Stats needs to know of a packet.
type Sample struct {
	Arrival   time.Duration // since any fixed instant
	Timestamp uint32
	ClockRate uint32 // of the timestamp; 0 for unknown
	Size      int    // octets on the wire, headers of IP and UDP included
	Seq       uint16
	Type      uint8 // payload type
	Marker    bool
	Silent    bool // it describes silence: the step to it is no packetisation

	// Untimed says that timestamp and arrival have nothing to do with each other: the
	// packets of a telephone event repeat the timestamp, and some captures have no
	// times.
	Untimed bool
}

// A Verdict is what a packet is to its stream.
type Verdict uint8

// The verdicts.
const (
	InOrder   Verdict = iota // the next one, perhaps after a loss
	Late                     // one that was missing: packets overtook it
	Duplicate                // one that was there before
	Restart                  // the sequence begins anew
)

// Stats are the running figures of one stream: of one SSRC from one address to another.
// The zero Stats is ready to use, and may be copied.
//
// Everything is counted at the capture point. What is lost, late or repeated on the way
// from there to the receiver is not seen.
type Stats struct {
	// What Next is about, in three lines of the cache.
	last      time.Duration // arrival of the last packet
	lastTime  time.Duration // likewise, of the last timed one
	maxDelta  time.Duration
	first     time.Duration
	window    uint64 // bit i: high-i arrived
	packets   int64
	octets    int64
	expected  int64   // of all runs of the sequence together
	tick      float64 // ms of one unit of the timestamp
	jitterSum float64
	timestamp uint32 // of the last timed packet
	rate      uint32 // of the timestamp; 0: unknown
	jitter    float32
	maxJitter float32 // in ms, as jitter
	skew      float32 // how much later than its timestamp says the last packet came
	floor     float32 // the least skew of late, for the jitter buffer
	windowMin float32 // the least skew of the drift window …
	windowAt  uint16  // … and its number; the last one never ends
	high      uint16  // highest sequence number, in the arithmetic of RFC 1982
	span      uint8   // sequence numbers of this run up to high, maxSpan at most; as many bits of window belong to it
	lastType  uint8
	lateInRow uint8
	timed     bool   // lastTime and timestamp are those of a packet
	run       uint32 // packets that arrived since the last loss
	jitters   uint32
	interval  [2]intervalCount

	windowsDone uint16
	resets      uint16
	jumps       uint16
	types       uint16 // changes of the payload type
	firstMin    float32
	lastMin     float32

	duplicates uint32
	reordered  uint32
	tooLate    uint32
	discarded  uint32
	markers    uint32

	// Losses, in the order of the sequence. A cluster is what may become a burst.
	cluster      uint32 // losses in the cluster
	clusterLen   uint32
	runs         uint32 // of losses in a row
	bursts       uint32
	burstLost    uint32
	burstPackets uint32
}

// An intervalCount counts a step of the timestamp from one packet to the next. Of the
// two that are counted one is the commonest, if it is over a third of all: Misra and
// Gries.
type intervalCount struct{ ticks, n uint32 }

// Add takes in the next packet in order of arrival, and says what it is.
func (s *Stats) Add(p *Sample) Verdict {
	if s.packets == 0 {
		s.begin(p)
		return InOrder
	}
	v := s.sequence(p)
	s.packets++
	s.octets += int64(p.Size)
	// What follows a silence is no measure of the network, as in tshark: the first
	// packet of a talkspurt, comfort noise and what comes behind it.
	spoken := !p.Marker && !IsComfortNoise(p.Type) && !IsComfortNoise(s.lastType)
	if p.Type != s.lastType {
		s.lastType = p.Type
		s.types = saturate16(s.types)
	}
	if p.Marker {
		s.markers++
	}
	if v == Duplicate {
		s.last = max(s.last, p.Arrival) // it is no silence
		return v
	}
	if d := p.Arrival - s.last; d > s.maxDelta && spoken && v != Restart {
		s.maxDelta = d
	}
	s.last = max(s.last, p.Arrival)
	s.time(p, v, spoken)
	return v
}

func saturate16(n uint16) uint16 {
	if n < math.MaxUint16 {
		n++
	}
	return n
}

func (s *Stats) begin(p *Sample) {
	s.first, s.last = p.Arrival, p.Arrival
	s.packets, s.octets = 1, int64(p.Size)
	s.lastType = p.Type
	if p.Marker {
		s.markers = 1
	}
	s.anew(p)
	s.time(p, Restart, false)
}

// anew begins a run of the sequence.
func (s *Stats) anew(p *Sample) {
	s.high, s.window, s.span = p.Seq, 1, 1
	s.expected++
}

// sequence finds the place of a packet in the sequence.
func (s *Stats) sequence(p *Sample) Verdict {
	d := p.Seq - s.high
	switch {
	case d == 0:
		s.duplicates++
		return Duplicate
	case d < 1<<15:
		if d > maxMisorder && !s.Explains(p) && (d > maxDropout || !s.OnTime(p) && !s.InStep(p)) {
			break
		}
		s.forward(uint(d))
		return InOrder
	default:
		back := uint(-d)
		if back > maxMisorder || back+1 == uint(s.span) && s.isPlayedAgain(p) {
			break
		}
		if back >= windowLen { // too old to know whether it came before
			s.reordered++
			s.tooLate++
			return Late
		}
		if s.window&(1<<back) != 0 {
			s.duplicates++
			return Duplicate
		}
		s.window |= 1 << back
		s.reordered++
		if back >= uint(s.span) { // from before the first packet
			s.expected += int64(back) + 1 - int64(s.span)
			s.span = uint8(back) + 1
		}
		return Late
	}
	s.settle(s.valid())
	s.resets = saturate16(s.resets)
	s.anew(p)
	return Restart
}

// isPlayedAgain reports whether a packet with the number that this run of the sequence began with is no late one: nothing came for a
// second, and its timestamp is lower as well. Tools send one recording again and again.
func (s *Stats) isPlayedAgain(p *Sample) bool {
	return p.Arrival-s.last > time.Second && s.timed && !p.Untimed && int32(p.Timestamp-s.timestamp) < 0
}

// Explains reports whether since the last packet there was time for as many as the number of p is ahead of it.
func (s *Stats) Explains(p *Sample) bool {
	return float64(p.Arrival-s.last)/1e6 >= float64(p.Seq-s.high)*s.each()/2
}

// InStep reports whether the timestamp of a packet went on from the last as the number did, by a second more or less.
func (s *Stats) InStep(p *Sample) bool {
	off := float64(int32(p.Timestamp-s.timestamp))*s.tick - s.each()*float64(p.Seq-s.high)
	return math.Abs(off) < maxSpurtStep
}

// each returns how many milliseconds of media a packet has, most likely.
func (s *Stats) each() float64 {
	if t, ok := s.commonest(); ok && s.rate > 0 {
		return float64(t) * s.tick
	}
	return 20
}

// forward moves the window on by n sequence numbers, the last of which arrived.
func (s *Stats) forward(n uint) {
	s.expected += int64(n)
	if n == 1 && s.span == maxSpan && s.window>>(windowLen-1) != 0 { // nearly always
		s.run++
		s.window = s.window<<1 | 1
		s.high++
		return
	}
	valid := s.valid()
	if out := n + valid; out > windowLen {
		s.settle(min(out-windowLen, valid))
		if out > windowLen+valid {
			s.lose(uint32(out - windowLen - valid))
		}
	}
	s.window = s.window<<n | 1 // 1 alone where n is windowLen or more
	s.high += uint16(n)
	s.span = uint8(min(uint(s.span)+n, maxSpan))
}

// valid returns how many bits of the window belong to this run.
func (s *Stats) valid() uint { return min(uint(s.span), windowLen) }

// settle decides on the n oldest sequence numbers of the window: they leave it. The window
// itself is not moved.
func (s *Stats) settle(n uint) {
	w := s.window << (windowLen - s.valid()) // the oldest is the highest bit
	for n > 0 {
		k := min(uint(bits.LeadingZeros64(^w)), n)
		s.run += uint32(k)
		w, n = w<<k, n-k
		if k = min(uint(bits.LeadingZeros64(w)), n); k > 0 {
			s.lose(uint32(k))
			w, n = w<<k, n-k
		}
	}
}

// lose takes in n losses in a row. RFC 3611, section 4.7.2: a burst begins and ends with a
// loss and holds no minGap packets in a row that arrived; a loss by itself is none.
func (s *Stats) lose(n uint32) {
	if s.cluster > 0 && s.run < minGap {
		if s.run > 0 || s.clusterLen == 0 {
			s.runs++
		}
		s.cluster += n
		s.clusterLen += s.run + n
	} else {
		s.endCluster()
		s.cluster, s.clusterLen = n, n
		s.runs++
	}
	s.run = 0
}

func (s *Stats) endCluster() {
	if s.cluster > 1 {
		s.bursts++
		s.burstLost += s.cluster
		s.burstPackets += s.clusterLen
	}
	s.cluster, s.clusterLen = 0, 0
}

// time compares the timestamp of a packet with its arrival. RFC 3550, section 6.4.1 and
// appendix A.8. Every packet counts for the running jitter; mean and maximum are of those
// that are spoken.
func (s *Stats) time(p *Sample, v Verdict, spoken bool) {
	if p.Untimed {
		return
	}
	if !s.timed || p.ClockRate == 0 {
		s.anchor(p)
		return
	}
	if s.rate != p.ClockRate {
		if s.rate != 0 { // another rate: the timestamps before are not comparable
			s.anchor(p)
			return
		}
		s.setRate(p.ClockRate)
	}
	step := int32(p.Timestamp - s.timestamp)
	d := s.delay(p.Arrival, step)
	abs := math.Abs(d)
	if v == Late {
		if abs >= maxStep || d <= -maxSpurtStep { // from before the timestamp was set anew
			return
		}
	} else if v == Restart || abs >= maxStep || abs >= maxSpurtStep && (p.Marker && !s.catchesUp(d) || step < 0) {
		if v != Restart || abs >= maxSpurtStep {
			s.jumps = saturate16(s.jumps)
		}
		s.anchor(p)
		return
	}
	if v == InOrder && step > 0 && spoken && !p.Silent && s.window&2 != 0 {
		s.count(uint32(step))
	}
	s.jitter += float32(abs-float64(s.jitter)) / 16
	if spoken {
		s.speak()
	}
	s.timestamp, s.lastTime = p.Timestamp, p.Arrival
	s.skew += float32(d)
	s.buffer(p.Marker && v != Late)
	s.drift(p.Arrival)
}

// catchesUp reports whether a packet, by d earlier than the last, is where those before that one were, which came late.
func (s *Stats) catchesUp(d float64) bool {
	return d < 0 && s.skew+float32(d) > s.floor-maxSpurtStep
}

// delay returns by how much more the time went on since the last packet than the timestamp, in
// ms: D of RFC 3550, section 6.4.1.
func (s *Stats) delay(arrival time.Duration, step int32) float64 {
	return float64(arrival-s.lastTime)/1e6 - float64(step)*s.tick
}

// speak takes the jitter into its maximum and mean.
func (s *Stats) speak() {
	if s.jitter > s.maxJitter {
		s.maxJitter = s.jitter
	}
	s.jitterSum += float64(s.jitter)
	s.jitters++
}

// Next is Add for a packet that is the next in the sequence, of the payload type of the one before
// it, without the marker bit, and with a timestamp that is of use and less than a pause further on. It returns false, and has
// done nothing, where that is not so or where anything else is out of the ordinary. Of most
// streams it takes ninety-nine packets of a hundred, in half the time.
func (s *Stats) Next(arrival time.Duration, timestamp, clockRate uint32, size int, seq uint16, payloadType uint8) bool {
	step := int32(timestamp - s.timestamp)
	if seq-s.high != 1 || s.span >= windowLen && s.window>>(windowLen-1) == 0 || payloadType != s.lastType ||
		clockRate != s.rate || !s.timed || uint32(step) >= clockRate/(1000/minPause) || IsComfortNoise(payloadType) {
		return false // also where the step is negative
	}
	d := s.delay(arrival, step)
	abs := math.Abs(d)
	if abs >= maxStep {
		return false
	}
	s.packets++
	s.octets += int64(size)
	s.expected++
	s.high++
	if s.span >= windowLen {
		s.run++
	}
	if s.span < maxSpan {
		s.span++
	}
	if step > 0 && s.window&1 != 0 {
		s.count(uint32(step))
	}
	s.window = s.window<<1 | 1
	if wait := arrival - s.last; wait > 0 {
		s.last = arrival
		if wait > s.maxDelta {
			s.maxDelta = wait
		}
	}
	s.jitter += float32(abs-float64(s.jitter)) / 16
	s.speak()
	s.timestamp, s.lastTime = timestamp, arrival
	s.skew += float32(d)
	s.buffer(false)
	s.drift(arrival)
	return true
}

// anchor takes a packet as the first of a run of timestamps: what came before is not
// compared with what comes. The skew goes on from where it is.
func (s *Stats) anchor(p *Sample) {
	s.timed = true
	s.timestamp, s.lastTime = p.Timestamp, p.Arrival
	if p.ClockRate != 0 && p.ClockRate != s.rate {
		s.setRate(p.ClockRate)
	}
	s.floor, s.lateInRow = s.skew, 0
}

// setRate sets the rate of the timestamp. The steps that were counted keep their length.
func (s *Stats) setRate(rate uint32) {
	for i := range s.interval {
		if x := &s.interval[i]; s.rate != 0 {
			x.ticks = uint32((uint64(x.ticks)*uint64(rate) + uint64(s.rate)/2) / uint64(s.rate))
		}
	}
	s.rate, s.tick = rate, 1000/float64(rate)
}

// Reclock says that the timestamps keep another clock than the packets were added with: what was measured by that says nothing, and begins anew.
func (s *Stats) Reclock(rate uint32) {
	s.rate, s.tick = rate, 1000/float64(rate)
	s.jitters, s.discarded, s.jumps, s.windowsDone = 0, 0, 0, 0
	s.jitterSum, s.jitter, s.maxJitter, s.skew, s.floor, s.windowMin = 0, 0, 0, 0, 0, 0
}

// count counts a step of the timestamp.
func (s *Stats) count(ticks uint32) {
	a, b := &s.interval[0], &s.interval[1]
	switch {
	case a.n > 0 && a.ticks == ticks:
		a.n++
	case b.n > 0 && b.ticks == ticks:
		b.n++
	case a.n == 0:
		*a = intervalCount{ticks, 1}
	case b.n == 0:
		*b = intervalCount{ticks, 1}
	default:
		a.n--
		b.n--
	}
}

// commonest returns the commonest step of the timestamp.
func (s *Stats) commonest() (ticks uint32, ok bool) {
	a, b := &s.interval[0], &s.interval[1]
	if b.n > a.n {
		a = b
	}
	return a.ticks, a.n > 0
}

// buffer plays a packet through a jitter buffer of BufferDepth, which is set anew where a
// talkspurt begins or the delay has changed for good.
func (s *Stats) buffer(marker bool) {
	switch {
	case s.skew < s.floor || marker:
		s.floor, s.lateInRow = s.skew, 0
	case s.skew-s.floor > float32(BufferDepth/time.Millisecond):
		s.discarded++
		if s.lateInRow++; s.lateInRow >= bufferReset {
			s.floor, s.lateInRow = s.skew, 0
		}
	default:
		s.lateInRow = 0
	}
}

// drift notes the fastest packet of each window of time.
func (s *Stats) drift(arrival time.Duration) {
	const window = driftWindow * time.Millisecond
	since := arrival - s.first
	if uint64(since-time.Duration(s.windowAt)*window) < uint64(window) { // nearly always
		s.lowest()
		return
	}
	at := uint16(min(max(0, since)/window, math.MaxUint16-1))
	if at == s.windowAt {
		s.lowest()
		return
	}
	if s.windowsDone == 0 {
		s.firstMin = s.windowMin
	}
	s.lastMin, s.windowsDone = s.windowMin, s.windowAt+1
	s.windowAt, s.windowMin = at, s.skew
}

// lowest takes the skew into the least of its window.
func (s *Stats) lowest() {
	if s.skew < s.windowMin {
		s.windowMin = s.skew
	}
}

// A Report is what Stats found. Times are zero where no clock rate was known.
type Report struct {
	Packets    int64 // duplicates included
	Octets     int64 // likewise
	Expected   int64 // by the sequence numbers
	Lost       int64 // expected and never there, duplicates not weighed against it
	Duplicates int64
	Reordered  int64 // came after a packet with a higher sequence number
	TooLate    int64 // of these, 64 and more packets late: lost to any listener, and to Lost
	Resets     int   // how often the sequence began anew
	Jumps      int   // how often the timestamp stepped away from the clock

	// Losses by RFC 3611, section 4.7.2: in bursts, or alone in the gaps between them.
	Bursts       int64
	BurstLost    int64
	BurstPackets int64 // lost or not
	LossRuns     int64 // losses in a row count as one

	Duration   time.Duration // first to last arrival
	MaxDelta   time.Duration // from a packet to the next, silences left out
	Jitters    int64         // how often jitter was computed: the next are unknown if never
	Jitter     time.Duration // interarrival jitter at the last packet
	MeanJitter time.Duration
	MaxJitter  time.Duration
	ClockRate  int           // 0: unknown
	Interval   time.Duration // commonest step of the timestamp between packets of sound: the packetisation
	Skew       time.Duration // how much later than its timestamp says the last packet came

	// Drift is how much slower than the clock of the capture that of the sender is, in
	// millionths: negative, it is faster. Known over a quarter of a minute alone.
	Drift      float64
	DriftKnown bool

	Discarded   int64 // came too late for a jitter buffer of BufferDepth
	Markers     int64
	TypeChanges int // of the payload type
}

// Report returns the figures of the packets so far.
func (s *Stats) Report() Report {
	t := *s // what is still open is concluded in the copy
	t.settle(t.valid())
	t.endCluster()
	r := Report{
		Packets:      t.packets,
		Octets:       t.octets,
		Expected:     t.expected,
		Lost:         max(0, t.expected-(t.packets-int64(t.duplicates)-int64(t.tooLate))),
		Duplicates:   int64(t.duplicates),
		Reordered:    int64(t.reordered),
		TooLate:      int64(t.tooLate),
		Resets:       int(t.resets),
		Jumps:        int(t.jumps),
		Bursts:       int64(t.bursts),
		BurstLost:    int64(t.burstLost),
		BurstPackets: int64(t.burstPackets),
		LossRuns:     int64(t.runs),
		Duration:     t.last - t.first,
		MaxDelta:     t.maxDelta,
		Discarded:    int64(t.discarded),
		Markers:      int64(t.markers),
		TypeChanges:  int(t.types),
	}
	if t.rate > 0 {
		r.ClockRate = int(t.rate)
		if ticks, ok := t.commonest(); ok {
			r.Interval = msec(float64(ticks) * t.tick)
		}
	}
	if t.jitters > 0 {
		r.Jitters = int64(t.jitters)
		r.Jitter = msec(float64(t.jitter))
		r.MeanJitter = msec(t.jitterSum / float64(t.jitters))
		r.MaxJitter = msec(float64(t.maxJitter))
		r.Skew = msec(float64(t.skew))
	}
	if t.windowsDone > 1 {
		r.Drift = float64(t.lastMin-t.firstMin) / (float64(t.windowsDone-1) * driftWindow) * 1e6
		r.DriftKnown = t.jumps == 0
	}
	return r
}

// OnTime reports whether the timestamp of a packet went on from the last as the time did, by a second
// or a tenth more or less. It is true where no clock rate is known.
func (s *Stats) OnTime(p *Sample) bool {
	if s.rate == 0 || !s.timed || p.Untimed {
		return true
	}
	since := float64(p.Arrival-s.lastTime) / 1e6
	off := math.Abs(since - float64(int32(p.Timestamp-s.timestamp))*s.tick)
	return off < maxSpurtStep || off < since/10
}

// minPause is the least silence between two talkspurts: five packets of the usual length.
const minPause = 100 // ms

// Resumes reports whether a packet that is to be added next begins a talkspurt behind a silence, in
// which its sender sent nothing: it has the next sequence number, and its timestamp went on as the time
// did. The marker bit that RFC 3551, section 4.1, asks for there not all senders set.
func (s *Stats) Resumes(p *Sample) bool {
	if p.Untimed || !s.timed || s.rate == 0 || p.ClockRate != s.rate || p.Seq-s.high != 1 {
		return false
	}
	step := int32(p.Timestamp - s.timestamp)
	silence := float64(step) * s.tick
	return silence >= minPause && math.Abs(s.delay(p.Arrival, step)) < silence/4
}

// LastArrival returns when the last packet came.
func (s *Stats) LastArrival() time.Duration { return s.last }

// Last returns the highest sequence number so far.
func (s *Stats) Last() uint16 { return s.high }

// Seen reports whether a packet with that sequence number arrived of late.
func (s *Stats) Seen(seq uint16) bool {
	back := s.high - seq
	return back < windowLen && s.packets > 0 && s.window&(1<<back) != 0
}

func msec(ms float64) time.Duration { return time.Duration(math.Round(ms * 1e6)) }

// LossPercent returns the share of the expected packets that were lost.
func (r *Report) LossPercent() float64 {
	if r.Expected == 0 {
		return 0
	}
	return 100 * float64(r.Lost) / float64(r.Expected)
}

// BitRate returns the bits a second on the wire; ok is false for a single instant.
func (r *Report) BitRate() (rate float64, ok bool) {
	if r.Duration <= 0 {
		return 0, false
	}
	return float64(r.Octets) * 8 / r.Duration.Seconds(), true
}

// BurstRatio returns how much longer losses in a row are than if they were random: BurstR
// of the E-model, 1 for random loss. ITU-T G.107, section 7.2.
func (r *Report) BurstRatio() float64 {
	if r.LossRuns == 0 || r.Lost == 0 || r.Lost >= r.Expected {
		return 1
	}
	mean := float64(r.Lost) / float64(r.LossRuns)
	return max(1, mean*(1-float64(r.Lost)/float64(r.Expected)))
}
