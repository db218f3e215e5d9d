package audio

import (
	"encoding/binary"
	"math"
)

// HeaderLen is the length of a header.
const HeaderLen = 44

// AppendHeader appends the header of a WAV file with two channels of 16 bits, and octets of
// samples behind it; below 0 is unknown, as in a file that is written to a pipe.
//
//	"RIFF" size "WAVE"
//	"fmt " 16 format channels rate octets/s octets/frame bits
//	"data" size samples …
func AppendHeader(b []byte, rate int, octets int64) []byte {
	le := binary.LittleEndian
	riff, data := uint32(math.MaxUint32), uint32(math.MaxUint32)
	if octets >= 0 {
		riff, data = uint32(octets)+HeaderLen-8, uint32(octets)
	}
	b = le.AppendUint32(append(b, "RIFF"...), riff)
	b = le.AppendUint32(append(b, "WAVEfmt "...), 16)
	b = le.AppendUint16(le.AppendUint16(b, 1), sides) // 1: PCM
	b = le.AppendUint32(le.AppendUint32(b, uint32(rate)), uint32(rate*sides*sampleSize))
	b = le.AppendUint16(le.AppendUint16(b, sides*sampleSize), 8*sampleSize)
	return le.AppendUint32(append(b, "data"...), data)
}
