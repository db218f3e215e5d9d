package fuzz

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"github.com/sipsight/sipsight/sipmsg"
)

// frame cuts a stream that arrives in pieces of the given length into messages.
func frame(t *testing.T, b []byte, piece int) (list []string, skipped int64) {
	var f sipmsg.Framer
	var end int64
	next := func() {
		for {
			u, ok := f.Next()
			if !ok {
				return
			}
			if u.Off < end || !bytes.HasPrefix(b[u.Off:], u.Data) || len(u.Data) == 0 {
				t.Fatalf("%q at %d behind %d is not in the stream", u.Data, u.Off, end)
			}
			end = u.Off + int64(len(u.Data))
			list = append(list, fmt.Sprintf("%d %t %t %q", u.Off, u.Partial, u.Glued, u.Data))
			for i := range u.Data { // nothing that comes later may depend on it
				u.Data[i] = 'I'
			}
		}
	}
	for p := range slices.Chunk(b, piece) {
		f.Write(slices.Clip(bytes.Clone(p)))
		next()
	}
	f.Close()
	next()
	if f.Buffered() != 0 || f.Offset() != int64(len(b)) {
		t.Fatalf("%d octets are left at %d of %d", f.Buffered(), f.Offset(), len(b))
	}
	return list, f.Skipped
}

// FuzzFramer: messages lie in the stream, one behind the other, and so does what is
// skipped; they are the same in whatever pieces the stream arrives.
func FuzzFramer(f *testing.F) {
	for _, m := range messages() {
		f.Add(m, uint16(7))
		f.Add(slices.Concat(m, []byte(ringing), m), uint16(1))
		f.Add(slices.Concat([]byte("\r\n\r\n"), m, []byte("\r\n\r\n"), []byte(invite)), uint16(100))
	}
	f.Fuzz(func(t *testing.T, b []byte, piece uint16) {
		if tooLong(b) {
			return
		}
		whole, skipped := frame(t, b, max(len(b), 1))
		if skipped > int64(len(b)) {
			t.Fatalf("%d of %d octets skipped", skipped, len(b))
		}
		for _, n := range []int{1, int(piece) + 1} {
			if parts, _ := frame(t, b, n); !slices.Equal(parts, whole) {
				t.Fatalf("whole %s\nin pieces of %d %s", show(whole), n, show(parts))
			}
		}
	})
}
