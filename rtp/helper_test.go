package rtp_test

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"slices"
	"strings"
	"testing"
)

// octets reads hexadecimal text: blanks are for people. The slice ends where its memory
// does, so that reading beyond it panics.
func octets(s string) []byte {
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		panic(err)
	}
	return slices.Clip(bytes.Clone(b))
}

// packet returns an RTP packet without extension.
func packet(seq uint16, timestamp, ssrc uint32, payload string) []byte {
	b := []byte{0x80, 0}
	b = binary.BigEndian.AppendUint16(b, seq)
	b = binary.BigEndian.AppendUint32(b, timestamp)
	b = binary.BigEndian.AppendUint32(b, ssrc)
	return slices.Clip(append(b, payload...))
}

// noAllocs holds that f does not allocate.
func noAllocs(t *testing.T, name string, f func()) {
	t.Helper()
	if n := testing.AllocsPerRun(100, f); n != 0 {
		t.Errorf("%s: %v allocations", name, n)
	}
}
