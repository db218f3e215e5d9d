package audio

import (
	"encoding/binary"
	"strings"
)

// A Decoder makes samples of the payloads of one codec.
type Decoder struct {
	table    *[256]int16 // of G.711; nil: L16
	channels int
}

// MinRate and MaxRate bound the sampling rates that can be written: those of G.711 and of the
// sound cards that L16 comes from.
const (
	MinRate = 8000
	MaxRate = 48000
)

// NewDecoder returns the decoder of a codec by its name in rtpmap. ok is false for what is
// neither G.711 nor L16, and for L16 with more than two channels.
func NewDecoder(name string, channels int) (d Decoder, ok bool) {
	switch {
	case strings.EqualFold(name, "PCMU"):
		return Decoder{&muLaw, 1}, true
	case strings.EqualFold(name, "PCMA"):
		return Decoder{&aLaw, 1}, true
	case strings.EqualFold(name, "L16") && channels <= 2:
		return Decoder{nil, max(channels, 1)}, true
	}
	return d, false
}

// Append appends the samples of a payload: one channel, the mean of two. What is left of a
// sample that is not whole is none.
func (d Decoder) Append(pcm []int16, payload []byte) []int16 {
	if d.table != nil {
		for _, c := range payload {
			pcm = append(pcm, d.table[c])
		}
		return pcm
	}
	// Network octet order, samples of the channels in turn: RFC 3551, section 4.5.11.
	for size := 2 * d.channels; len(payload) >= size; payload = payload[size:] {
		v := int(int16(binary.BigEndian.Uint16(payload)))
		if d.channels == 2 {
			v = (v + int(int16(binary.BigEndian.Uint16(payload[2:])))) / 2
		}
		pcm = append(pcm, int16(v))
	}
	return pcm
}

// muLaw and aLaw are the tables 2 and 1 of ITU-T G.711, in units of 16 bits.
var (
	muLaw = tableOf(decodeMu)
	aLaw  = tableOf(decodeA)
)

func tableOf(decode func(c int) int) (t [256]int16) {
	for c := range t {
		t[c] = int16(decode(c))
	}
	return t
}

// decodeMu decodes a code word of µ-law: all bits inverted, then sign, three bits of segment,
// four of interval.
func decodeMu(c int) int {
	const bias = 0x84
	c = ^c
	v := ((c&15)<<3+bias)<<(c>>4&7) - bias
	if c&0x80 != 0 {
		return -v
	}
	return v
}

// decodeA decodes a code word of A-law: even bits inverted, a sign that is 1 for positive.
func decodeA(c int) int {
	c ^= 0x55
	v := (c&15)<<4 + 8
	if segment := c >> 4 & 7; segment > 0 {
		v = (v + 0x100) << (segment - 1)
	}
	if c&0x80 == 0 {
		return -v
	}
	return v
}
