package layers

import (
	"encoding/binary"
	"iter"
)

// A Chunk is one chunk of an SCTP packet. RFC 9260, section 3.2.
type Chunk struct {
	Type  uint8
	Flags uint8
	Value []byte // what is there of it, without padding
	Cut   bool   // octets of Value are missing
}

// ChunkData is the Type of a DATA chunk.
const ChunkData = 0

// Chunks iterates over the chunks of an SCTP payload as Decode gives it. A chunk
// whose length lies ends the iteration; one that is cut is the last.
func Chunks(b []byte) iter.Seq[Chunk] {
	return func(yield func(Chunk) bool) {
		for len(b) >= 4 {
			n := int(binary.BigEndian.Uint16(b[2:]))
			if n < 4 {
				return
			}
			c := Chunk{Type: b[0], Flags: b[1], Cut: n > len(b)}
			n = min(n, len(b))
			c.Value = b[4:n:n]
			if !yield(c) {
				return
			}
			b = b[min((n+3)&^3, len(b)):]
		}
	}
}

// Data is the content of a DATA chunk. RFC 9260, section 3.3.1.
type Data struct {
	Begin, End bool   // the first, the last fragment of a user message
	Unordered  bool   // the stream sequence number means nothing
	TSN        uint32 // transmission sequence number
	Stream     uint16
	StreamSeq  uint16
	Protocol   uint32 // payload protocol identifier
	User       []byte
}

// Data decodes the chunk; ok is false if it is no DATA chunk or too short.
func (c Chunk) Data() (d Data, ok bool) {
	if c.Type != ChunkData || len(c.Value) < 12 {
		return d, false
	}
	v := c.Value
	return Data{
		Begin:     c.Flags&2 != 0,
		End:       c.Flags&1 != 0,
		Unordered: c.Flags&4 != 0,
		TSN:       binary.BigEndian.Uint32(v),
		Stream:    binary.BigEndian.Uint16(v[4:]),
		StreamSeq: binary.BigEndian.Uint16(v[6:]),
		Protocol:  binary.BigEndian.Uint32(v[8:]),
		User:      v[12:],
	}, true
}
