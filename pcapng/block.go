package pcapng

import (
	"encoding/binary"
	"iter"
)

// A BlockType is the type word of a block.
type BlockType uint32

// The block types that the reader knows.
const (
	SectionHeader       BlockType = 0x0a0d0d0a
	InterfaceDesc       BlockType = 1
	ObsoletePacket      BlockType = 2
	SimplePacket        BlockType = 3
	NameResolution      BlockType = 4
	InterfaceStatistics BlockType = 5
	EnhancedPacket      BlockType = 6
	DecryptionSecrets   BlockType = 10
	CustomCopy          BlockType = 0x00000bad // may be copied into other files
	CustomNoCopy        BlockType = 0x40000bad
)

// byteOrderMagic stands in every section header, in the section's byte order.
const byteOrderMagic = 0x1a2b3c4d

// The option codes that the reader knows. Codes from 2 up mean different things in
// different blocks.
const (
	OptEnd     = 0
	OptComment = 1

	optSectionHardware = 2
	optSectionOS       = 3
	optSectionApp      = 4

	optIfName        = 2
	optIfDescription = 3
	optIfTsResol     = 9
	optIfFilter      = 11
	optIfOS          = 12
	optIfFCSLen      = 13
	optIfTsOffset    = 14

	optStatsIfRecv       = 4
	optStatsIfDrop       = 5
	optStatsFilterAccept = 6
	optStatsOSDrop       = 7

	optPacketFlags     = 2
	optPacketDropCount = 4
)

// Options is the option list of a block as it stands in the file. It aliases the
// block and lives as long as the packet it came with.
type Options struct {
	b   []byte
	big bool
}

// An Option is one option. Value is the octets without padding; it aliases the block.
type Option struct {
	Code  uint16
	Value []byte
}

// Len returns the octets of the list, 0 where there are no options.
func (o Options) Len() int { return len(o.b) }

// All iterates over the options up to the end mark, the end of the list, or the
// first option whose length lies about what follows.
func (o Options) All() iter.Seq[Option] {
	return func(yield func(Option) bool) { o.walk(yield) }
}

// Comments iterates over the values of opt_comment.
func (o Options) Comments() iter.Seq[string] {
	return func(yield func(string) bool) {
		o.walk(func(x Option) bool {
			return x.Code != OptComment || yield(string(x.Value))
		})
	}
}

// walk is All; it reports whether the list was well formed as far as it was read.
func (o Options) walk(yield func(Option) bool) bool {
	b := o.b
	for len(b) >= 4 {
		code, n := order16(b, o.big), int(order16(b[2:], o.big))
		if code == OptEnd {
			return n == 0
		}
		if n > len(b)-4 {
			return false
		}
		if !yield(Option{code, b[4 : 4+n : 4+n]}) {
			return true
		}
		b = b[min(4+pad4(n), len(b)):]
	}
	return len(b) == 0
}

// pad4 rounds n up to a multiple of four: all values are padded to 32 bits.
func pad4(n int) int { return (n + 3) &^ 3 }

func order16(b []byte, big bool) uint16 {
	if big {
		return binary.BigEndian.Uint16(b)
	}
	return binary.LittleEndian.Uint16(b)
}

func order32(b []byte, big bool) uint32 {
	if big {
		return binary.BigEndian.Uint32(b)
	}
	return binary.LittleEndian.Uint32(b)
}

func order64(b []byte, big bool) uint64 {
	if big {
		return binary.BigEndian.Uint64(b)
	}
	return binary.LittleEndian.Uint64(b)
}
