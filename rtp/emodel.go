package rtp

import (
	"math"
	"strings"
	"time"
)

// An EModel estimates how people would judge speech, by the E-model of ITU-T G.107 with
// the defaults of its table 3: everything but codec, loss and delay is as good as usual.
type EModel struct {
	Impairment float64 // Ie of the codec: ITU-T G.113, appendix I
	Robustness float64 // Bpl of the codec: likewise
	Wideband   bool    // Impairment is on the scale of ITU-T G.107.1, which ends at 129

	Loss       float64 // percent of the packets that the listener never hears
	BurstRatio float64 // of these: 1 or 0 for random loss
	Delay      time.Duration
}

// impairments are the values of ITU-T G.113, appendices I and IV, with packet loss
// concealment. Where no robustness is given there, 10 is taken: that of GSM-EFR, the
// least of those that are.
var impairments = []struct {
	codec    string
	ie, bpl  float64
	wideband bool
}{
	{"PCMU", 0, 25.1, false},
	{"PCMA", 0, 25.1, false},
	{"G711", 0, 25.1, false},
	{"G729", 11, 19, false}, // G.729A with VAD
	{"G729A", 11, 19, false},
	{"G723", 15, 16.1, false}, // at 6.3 kbit/s with VAD
	{"G728", 7, 10, false},
	{"GSM", 20, 10, false},
	{"GSM-EFR", 5, 10, false},
	{"AMR", 5, 10, false}, // at 12.2 kbit/s: the same as GSM-EFR
	{"G726-40", 2, 10, false},
	{"G726-32", 7, 10, false},
	{"G726-24", 25, 10, false},
	{"G726-16", 50, 10, false},
	{"G722", 13, 10, true},   // at 64 kbit/s
	{"AMR-WB", 13, 10, true}, // at 12.65 kbit/s
}

// NewEModel returns the model for a codec by its name in rtpmap. ok is false for one that
// ITU-T G.113 has no values of.
func NewEModel(codec string) (m EModel, ok bool) {
	for i := range impairments {
		if x := &impairments[i]; strings.EqualFold(x.codec, codec) {
			return EModel{Impairment: x.ie, Robustness: x.bpl, Wideband: x.wideband}, true
		}
	}
	return m, false
}

// Heard sets loss and delay to what a listener behind a jitter buffer of BufferDepth has of
// a stream: packets that were lost or came too late, and the delay of one packet and the
// buffer. The delay of the network cannot be seen and is taken as nothing.
func (m *EModel) Heard(r *Report) {
	m.Loss, m.BurstRatio = 0, r.BurstRatio()
	if r.Expected > 0 {
		m.Loss = min(100, 100*float64(r.Lost+r.Discarded)/float64(r.Expected))
	}
	m.Delay = r.Interval + BufferDepth
}

// R returns the rating factor, 0 to 100.
func (m *EModel) R() float64 {
	// Ro - Is with all defaults: ITU-T G.107, table 3; 129 in G.107.1.
	r := 93.2
	if m.Wideband {
		r = 129
	}
	burst := max(1, m.BurstRatio)
	ie := m.Impairment
	if m.Loss > 0 {
		ie += (95 - ie) * m.Loss / (m.Loss/burst + m.Robustness) // 7-29
	}
	r -= m.delayImpairment() + ie
	if m.Wideband {
		r /= 1.29
	}
	return min(100, max(0, r))
}

// delayImpairment returns Idd. ITU-T G.107, 7-27.
func (m *EModel) delayImpairment() float64 {
	ms := float64(m.Delay) / 1e6
	if ms <= 100 {
		return 0
	}
	x := math.Log2(ms / 100)
	return 25 * (math.Pow(1+math.Pow(x, 6), 1.0/6) - 3*math.Pow(1+math.Pow(x/3, 6), 1.0/6) + 2)
}

// MOS returns the mean opinion score of a conversation, 1 to 4.5. ITU-T G.107, annex B.
func (m *EModel) MOS() float64 {
	r := m.R()
	switch {
	case r <= 0:
		return 1
	case r >= 100:
		return 4.5
	}
	return max(1, 1+0.035*r+r*(r-60)*(100-r)*7e-6)
}
