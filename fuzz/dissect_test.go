package fuzz

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"github.com/sipsight/sipsight/capture"
	"github.com/sipsight/sipsight/internal/dissect"
)

// found lists the messages in packets; what of each is up to tell. With poison all packets
// lie at one place in memory, and are overwritten when the next one comes.
func found(t *testing.T, packets []seen, poison bool, tell func(*dissect.Message) string) (list []string) {
	var frames int64
	d := dissect.New(1, func(m *dissect.Message) error {
		list = append(list, tell(m))
		if len(m.Refs) == 0 || m.Ref.File != 0 || m.Ref.Frame < 1 || m.Ref.Frame > frames {
			t.Fatalf("a message of packet %+v and %+v of %d", m.Ref, m.Refs, frames)
		}
		for i, r := range m.Refs {
			if r.Frame < 1 || r.Frame > frames || i > 0 && r.Order < m.Refs[i-1].Order {
				t.Fatalf("a message of packets %+v of %d", m.Refs, frames)
			}
		}
		return nil
	})
	place := make([]byte, maxInput)
	for _, s := range packets {
		frames++
		data := []byte(s.Data)
		if poison {
			data = place[:copy(place, s.Data):len(s.Data)]
		}
		p := &capture.Packet{Frame: frames, Time: s.Time, HasTime: s.HasTime, LinkType: s.LinkType, FCSLen: s.FCSLen, OrigLen: s.OrigLen, Data: data}
		if err := d.Packet(p); err != nil {
			t.Fatal(err)
		}
		if poison {
			for i := range data {
				data[i] = 'S'
			}
		}
	}
	if err := d.Finish(); err != nil {
		t.Fatal(err)
	}
	return list
}

// everything tells all about a message.
func everything(m *dissect.Message) string {
	return fmt.Sprintln(fields(*m, "SIP")) + told(m.SIP)
}

// FuzzDissect: nothing that is kept of a packet depends on it after the next one came, and
// every message comes from packets that were there.
func FuzzDissect(f *testing.F) {
	for _, b := range captures() {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if tooLong(b) {
			return
		}
		packets := readStream(t, bytes.NewReader(b)).packets
		if slices.ContainsFunc(packets, func(p seen) bool { return len(p.Data) > maxInput }) {
			return
		}
		kept, poisoned := found(t, packets, false, everything), found(t, packets, true, everything)
		if !slices.Equal(kept, poisoned) {
			t.Fatalf("kept %s\noverwritten %s", show(kept), show(poisoned))
		}
	})
}

// FuzzSegments: a TCP stream gives the same messages whatever segments it was sent in, and
// also where they come out of order or twice. A segment that begins like a frame of a WebSocket may be one, where nothing is known
// of the stream: then it does matter where segments begin.
func FuzzSegments(f *testing.F) {
	for _, m := range messages() {
		f.Add(m, []byte{200, 10, 1, 100}, uint8(3))
		f.Add(slices.Concat([]byte(invite), m, []byte(ringing)), []byte{255, 0, 30}, uint8(2))
	}
	f.Fuzz(func(t *testing.T, b, lengths []byte, mix uint8) {
		if tooLong(b) || len(b) > 16<<10 {
			return
		}
		raw := func(m *dissect.Message) string { return fmt.Sprintf("%t %q", m.Partial, m.SIP.Raw()) }
		var segments [][]byte
		for i, at := 0, 0; at < len(b); i++ {
			n := len(b)
			if len(lengths) > 0 {
				n = int(lengths[i%len(lengths)])*4 + 1
			}
			if n = min(n, len(b)-at, 1400); at > 0 && beginsFrame(b[at]) {
				return
			}
			segments = append(segments, tcp(uint32(1+at), string(b[at:at+n])))
			at += n
		}
		syn := tcp(0, "")
		syn[13] = 2
		in := found(t, inFrames(slices.Concat([][]byte{syn}, segments)), false, raw)

		// Pairs that are swapped, and some segments twice.
		var mixed [][]byte
		step := int(mix)%5 + 2
		for i, s := range segments {
			mixed = append(mixed, s)
			if i%step == 1 {
				n := len(mixed)
				mixed[n-2], mixed[n-1] = mixed[n-1], mixed[n-2]
			}
			if i%step == 2 {
				mixed = append(mixed, segments[i-1], s)
			}
		}
		if out := found(t, inFrames(slices.Concat([][]byte{syn}, mixed)), false, raw); !slices.Equal(in, out) {
			t.Fatalf("in order %s\nmixed %s", show(in), show(out))
		}

		var few [][]byte
		for i := 0; i < len(b); i += 1400 {
			if i > 0 && beginsFrame(b[i]) {
				return
			}
			few = append(few, tcp(uint32(1+i), string(b[i:min(len(b), i+1400)])))
		}
		if out := found(t, inFrames(slices.Concat([][]byte{syn}, few)), false, raw); !slices.Equal(in, out) {
			t.Fatalf("small segments %s\nlarge ones %s", show(in), show(out))
		}
	})
}

// beginsFrame reports whether a frame of a WebSocket with text or octets may begin with an octet.
func beginsFrame(first byte) bool { return first&0x0f == 1 || first&0x0f == 2 }

// inFrames puts TCP segments into frames of a capture.
func inFrames(segments [][]byte) (list []seen) {
	for i, s := range segments {
		b := ether(0, ip4(6, s))
		list = append(list, seen{Time: at(i), HasTime: true, LinkType: 1, FCSLen: -1, OrigLen: int64(len(b)), Data: string(b)})
	}
	return list
}
