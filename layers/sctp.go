package layers

import (
	"cmp"
	"encoding/binary"
	"iter"
)

// A Chunk is one chunk of an SCTP packet. RFC 9260, section 3.2.
type Chunk struct {
	Type  uint8
	Flags uint8
	Value []byte // what is there of it, without padding; aliases the payload given to Chunks
	Cut   bool   // octets of Value are missing
}

// The Types of chunks with user data.
const (
	ChunkData  = 0  // RFC 9260, section 3.3.1
	ChunkIData = 64 // RFC 8260, section 2.1
)

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

// Data is the content of a DATA or an I-DATA chunk.
type Data struct {
	Begin, End  bool   // the first, the last fragment of a user message
	Unordered   bool   // the sequence number means nothing
	Interleaved bool   // it is of I-DATA: fragments of several messages may come in turn
	TSN         uint32 // transmission sequence number
	Stream      uint16
	Sequence    uint32 // of the user message in its stream: its number of 16 bits, or of 32 in I-DATA
	Fragment    uint32 // of I-DATA: the number of the fragment in its message
	Protocol    uint32 // payload protocol identifier; of I-DATA the first fragment alone has one
	User        []byte // part of Chunk.Value
}

// Data decodes the chunk; ok is false if it has no user data or is too short.
func (c Chunk) Data() (d Data, ok bool) {
	v := c.Value
	d = Data{Begin: c.Flags&2 != 0, End: c.Flags&1 != 0, Unordered: c.Flags&4 != 0}
	switch {
	case c.Type == ChunkData && len(v) >= 12:
		d.Sequence, d.Protocol, d.User = uint32(binary.BigEndian.Uint16(v[6:])), binary.BigEndian.Uint32(v[8:]), v[12:]
	case c.Type == ChunkIData && len(v) >= 16:
		d.Interleaved, d.Sequence, d.User = true, binary.BigEndian.Uint32(v[8:]), v[16:]
		if d.Begin {
			d.Protocol = binary.BigEndian.Uint32(v[12:])
		} else {
			d.Fragment = binary.BigEndian.Uint32(v[12:])
		}
	default:
		return Data{}, false
	}
	d.TSN, d.Stream = binary.BigEndian.Uint32(v), binary.BigEndian.Uint16(v[4:])
	return d, true
}

// Compare orders fragments: those of one user message follow each other.
func (d *Data) Compare(e *Data) int {
	if !d.Interleaved || !e.Interleaved {
		return cmp.Compare(int32(d.TSN-e.TSN), 0)
	}
	if c := cmp.Or(cmp.Compare(d.Stream, e.Stream), compareBools(d.Unordered, e.Unordered)); c != 0 {
		return c
	}
	return cmp.Or(cmp.Compare(int32(d.Sequence-e.Sequence), 0), cmp.Compare(d.Fragment, e.Fragment))
}

func compareBools(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}

// Precedes reports whether e is the next fragment of the same user message: of DATA the next
// transmission sequence number (RFC 9260, section 6.9), of I-DATA the next fragment.
func (d *Data) Precedes(e *Data) bool {
	if d.Interleaved && e.Interleaved {
		return d.Stream == e.Stream && d.Unordered == e.Unordered && d.Sequence == e.Sequence && d.Fragment+1 == e.Fragment
	}
	return d.Interleaved == e.Interleaved && d.TSN+1 == e.TSN
}
