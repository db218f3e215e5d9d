package fuzz

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"github.com/sipsight/sipsight/sipmsg"
)

// The ways in which a Framer is given octets.
const (
	written = iota
	borrowed
	taken
	ways
)

// frame cuts a stream that arrives in pieces of the given length into messages.
func frame(t *testing.T, b []byte, piece, way int) (list []string, skipped int64) {
	var f sipmsg.Framer
	var m sipmsg.Message
	var end int64
	next := func(u sipmsg.Unit, ok bool) {
		for ; ; u, ok = f.Next() {
			if !ok {
				return
			}
			if u.Off < end || !bytes.HasPrefix(b[u.Off:], u.Data) || len(u.Data) == 0 {
				t.Fatalf("%q at %d behind %d is not in the stream", u.Data, u.Off, end)
			}
			end = u.Off + int64(len(u.Data))
			if u.Message != nil {
				if err := m.Parse(u.Data); err != nil || u.Partial || u.Message.Check() != m.Check() || !bytes.Equal(u.Message.Body, m.Body) ||
					u.Message.NumFields() != m.NumFields() || !bytes.Equal(u.Message.Raw(), m.Raw()) {
					t.Fatalf("%q was not scanned as a whole", u.Data)
				}
			}
			list = append(list, fmt.Sprintf("%d %t %t %q", u.Off, u.Partial, u.Glued, u.Data))
			for i := range u.Data { // nothing that comes later may depend on it
				u.Data[i] = 'I'
			}
		}
	}
	for p := range slices.Chunk(b, piece) {
		p = slices.Clip(bytes.Clone(p))
		var u sipmsg.Unit
		var ok bool
		switch way {
		case written:
			f.Write(p)
		case borrowed:
			f.Borrow(p)
		case taken:
			if ok = f.Whole(p, &u); !ok {
				f.Borrow(p)
			}
		}
		if !ok {
			u, ok = f.Next()
		}
		next(u, ok)
		clear(p)
	}
	f.Close()
	next(f.Next())
	if f.Buffered() != 0 || f.Offset() != int64(len(b)) {
		t.Fatalf("%d octets are left at %d of %d", f.Buffered(), f.Offset(), len(b))
	}
	return list, f.Skipped
}

// FuzzFramer: messages lie in the stream, one behind the other, and so does what is
// skipped; they are the same in whatever pieces the stream arrives, and whether these are
// written, borrowed or taken.
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
		whole, skipped := frame(t, b, max(len(b), 1), written)
		if skipped > int64(len(b)) {
			t.Fatalf("%d of %d octets skipped", skipped, len(b))
		}
		for _, n := range []int{1, int(piece) + 1} {
			for way := range ways {
				if parts, _ := frame(t, b, n, way); !slices.Equal(parts, whole) {
					t.Fatalf("whole %s\nin pieces of %d, given in way %d, %s", show(whole), n, way, show(parts))
				}
			}
		}
	})
}
