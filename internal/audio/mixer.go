package audio

import (
	"encoding/binary"
	"io"
	"time"
)

const (
	// MaxSilence is how long a silence of both sides may be. A longer one is shortened to
	// that: nobody listens to it, and a capture may say any time.
	MaxSilence = 5 * time.Minute

	// MaxOctets bounds the samples of one file: over four hours of telephony.
	MaxOctets = 512 << 20

	// lead is how long before the first packet those may belong that it overtook.
	lead = 500 * time.Millisecond

	sides      = 2
	sampleSize = 2 // octets
)

// A Mixer puts samples of two sides in order and writes them, as samples of 16 bits, those of
// side 0 and side 1 in turn.
type Mixer struct {
	Shortened time.Duration // silence that was left out
	Full      bool          // MaxOctets ended it
	Fresh     int           // samples of the last Put where nothing was before

	w     io.Writer
	err   error
	rate  int
	max   int64   // octets
	keep  int     // samples of a side that wait for what comes late
	buf   []int16 // from sample base on
	taken []bool  // those of buf that somebody sent
	out   []byte
	base  int64 // in samples of the timeline, from what came first
	begin int64 // the first one that somebody sent: the file begins there
	end   int64 // behind the last one
	skip  int64 // samples that were left out before
	floor int64 // of time: what belongs before it is too late
}

// NewMixer returns a Mixer that writes samples of that rate to w.
func NewMixer(w io.Writer, rate int) *Mixer {
	keep := int((MaxLead+2*time.Second)/time.Second) * rate
	from := -samples(lead, rate)
	return &Mixer{w: w, rate: rate, max: MaxOctets, keep: keep, buf: make([]int16, 2*keep*sides), taken: make([]bool, 2*keep*sides), base: from, floor: from}
}

// Put takes in samples of a side, with a sampling rate of their own of at least MinRate, that
// begin at a time; the first of all begin at 0. What is there already stays. It reports whether they could be taken: not if
// they come too late, or behind the end of the file.
func (m *Mixer) Put(side int, at time.Duration, rate int, pcm []int16) bool {
	from := samples(at, m.rate)
	if from < m.floor || len(pcm) == 0 {
		return false
	}
	n := int(min(int64(len(pcm))*int64(m.rate)/int64(rate), int64(m.keep/2))) // no packet is longer
	pos := from - m.skip
	if gap := pos - m.end - samples(MaxSilence, m.rate); gap > 0 {
		m.skip += gap
		pos -= gap
		m.Shortened += lengthOf(gap, m.rate)
		m.floor = from - int64(m.rate)
	}
	switch {
	case pos < m.base:
		return false
	case (pos+int64(n)-m.begin)*sides*sampleSize > m.max:
		m.Full = true
		return false
	}
	for pos+int64(n) > m.base+int64(2*m.keep) {
		m.flush(m.keep)
	}
	m.begin, m.end = min(m.begin, pos), max(m.end, pos+int64(n))
	at0 := int(pos-m.base)*sides + side
	m.Fresh = 0
	for i := range n {
		if k := at0 + i*sides; !m.taken[k] {
			m.taken[k] = true
			m.Fresh++
			m.buf[k] = sampleAt(pcm, i, rate, m.rate)
		}
	}
	return true
}

// samples returns how many samples there are in a time.
func samples(d time.Duration, rate int) int64 {
	return int64(d/time.Second)*int64(rate) + int64((d%time.Second)*time.Duration(rate)/time.Second)
}

// sampleAt returns sample i of pcm at another rate, on the line between its neighbours.
func sampleAt(pcm []int16, i, from, to int) int16 {
	if from == to {
		return pcm[i]
	}
	at := int64(i) * int64(from) // of a datagram of 64 KiB this is more than 32 bits hold
	k, part := int(at/int64(to)), at%int64(to)
	if k+1 >= len(pcm) {
		return pcm[len(pcm)-1]
	}
	a, b := int64(pcm[k]), int64(pcm[k+1])
	return int16(a + (b-a)*part/int64(to))
}

// flush writes the oldest n samples of both sides.
func (m *Mixer) flush(n int) {
	m.out = m.out[:0]
	before := min(max(m.begin-m.base, 0), int64(n))
	for _, v := range m.buf[before*sides : n*sides] {
		m.out = binary.LittleEndian.AppendUint16(m.out, uint16(v))
	}
	if m.err == nil {
		_, m.err = m.w.Write(m.out)
	}
	copy(m.buf, m.buf[n*sides:])
	copy(m.taken, m.taken[n*sides:])
	clear(m.buf[len(m.buf)-n*sides:])
	clear(m.taken[len(m.taken)-n*sides:])
	m.base += int64(n)
}

// Finish writes what waits, and returns the first error of writing.
func (m *Mixer) Finish() error {
	if m.end > m.base {
		m.flush(int(m.end - m.base))
	}
	return m.err
}

// Length returns how long the file is, once it is finished.
func (m *Mixer) Length() time.Duration {
	return lengthOf(m.end-m.begin, m.rate)
}

// Octets returns how many octets of samples were written, once it is finished.
func (m *Mixer) Octets() int64 { return (m.end - m.begin) * sides * sampleSize }
