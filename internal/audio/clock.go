package audio

import "time"

const (
	// MaxLead is how far the timestamps of a stream may lead away from the time of
	// arrival before its clock is set anew: as much as the network ever holds back.
	MaxLead = 10 * time.Second

	// spurtStep is how far they may step at once where a talkspurt begins, or backwards,
	// as rtp.Stats has it.
	spurtStep = time.Second

	// maxLate is how many sequence numbers a packet may come late: RFC 3550, appendix A.1.
	maxLate = 100
)

// A Clock says where the packets of one stream belong. The zero Clock is not ready: Rate must
// be set.
type Clock struct {
	Rate int // of the timestamps

	begun   bool
	seq     uint16
	stamp   uint32
	arrival time.Duration
	base    time.Duration // the place of ticks 0
	ticks   int64

	first      uint16 // the packet that it was set by
	firstStamp uint32
}

// Place returns where a packet belongs, as a time on the clock of arrivals. ok is false for one
// that came too late to tell.
func (c *Clock) Place(seq uint16, stamp uint32, arrival time.Duration, marker bool) (at time.Duration, ok bool) {
	if !c.begun {
		c.begun = true
		c.anchor(seq, stamp, arrival)
		return arrival, true
	}
	step := int64(int32(stamp - c.stamp))
	at = c.base + c.length(c.ticks+step)
	// Tools play one recording again and again: rtp.Stats has that, too.
	again := seq == c.first && stamp == c.firstStamp && arrival-c.arrival > spurtStep
	if back := c.seq - seq; back != 0 && back <= maxLate && !again { // others overtook it
		return at, step <= 0 && arrival-at <= MaxLead
	}
	off := (arrival - c.arrival - c.length(step)).Abs()
	if (at-arrival).Abs() > MaxLead || off >= MaxLead || off >= spurtStep && (marker || step < 0) {
		c.anchor(seq, stamp, arrival)
		return arrival, true
	}
	c.ticks += step
	c.seq, c.stamp, c.arrival = seq, stamp, arrival
	return at, true
}

func (c *Clock) anchor(seq uint16, stamp uint32, arrival time.Duration) {
	c.seq, c.stamp, c.arrival = seq, stamp, arrival
	c.first, c.firstStamp = seq, stamp
	c.base, c.ticks = arrival, 0
}

func (c *Clock) length(ticks int64) time.Duration { return lengthOf(ticks, c.Rate) }

// lengthOf returns how long n units of a clock last.
func lengthOf(n int64, rate int) time.Duration {
	r := int64(rate)
	return time.Duration(n/r)*time.Second + time.Duration(n%r)*time.Second/time.Duration(r)
}
