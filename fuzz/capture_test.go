package fuzz

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/hex"
	"io"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/sipsight/sipsight/capture"
)

// maxInflated bounds what a gzip input may inflate to.
const maxInflated = 256 << 10

var options = capture.Options{MaxInflated: maxInflated}

// A seen is a packet of a timeline, its octets copied.
type seen struct {
	File      int
	Frame     int64
	Time      time.Time
	HasTime   bool
	LinkType  uint16
	FCSLen    int
	Interface int
	OrigLen   int64
	Data      string
	Comments  string
}

// A timeline is all that a capture.Reader said.
type timeline struct {
	packets []seen
	files   []capture.File
	err     string // of Open
}

// read reads a whole timeline. The octets of each packet are overwritten once they were
// looked at.
func read(t *testing.T, r *capture.Reader, err error) (x timeline) {
	if err != nil {
		x.err = err.Error()
		return x
	}
	defer r.Close()
	for {
		p, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatalf("Next: %v", err)
		}
		s := seen{p.File, p.Frame, p.Time, p.HasTime, p.LinkType, p.FCSLen, p.Interface, p.OrigLen, string(p.Data), ""}
		for c := range p.Comments() {
			s.Comments += c + "\n"
		}
		x.packets = append(x.packets, s)
		for i := range p.Data {
			p.Data[i] = 0xa1
		}
	}
	if _, err := r.Next(); err != io.EOF {
		t.Errorf("behind the end: %v", err)
	}
	for _, f := range r.Files() {
		file := *f
		if !file.Complete() {
			file.Size = 0 // of a stream: how much was taken from it before the damage showed
		}
		x.files = append(x.files, file)
		checkFile(t, &file)
	}
	return x
}

// checkFile checks what is said about a capture.
func checkFile(t *testing.T, f *capture.File) {
	for _, n := range f.Notes {
		if n.ID == "" || strings.Trim(n.ID, "abcdefghijklmnopqrstuvwxyz-") != "" || n.What == "" || n.Count < 1 || n.Off < 0 {
			t.Errorf("a strange note: %+v", n)
		}
	}
	var packets int64
	for _, in := range f.Interfaces {
		packets += in.Packets
	}
	if f.Err == nil && (packets != f.Packets || f.HasTime && f.Last.Before(f.First) || f.CutPackets > f.Packets || f.InOrder != (f.BackSteps == 0)) {
		t.Errorf("a strange file: %+v", f)
	}
}

func readStream(t *testing.T, in io.Reader) timeline {
	r, err := capture.NewReader(context.Background(), in, options)
	return read(t, r, err)
}

// FuzzCapture: any octets, gzip among them, are read the same twice, in one piece and
// octet by octet. The frames of a file are numbered from 1, and what is said about the
// file agrees with its packets. The front part gives the first packets.
func FuzzCapture(f *testing.F) {
	for _, b := range captures() {
		f.Add(b, uint16(len(b)/2))
	}
	f.Fuzz(func(t *testing.T, b []byte, cut uint16) {
		if tooLong(b) {
			return
		}
		x := readStream(t, bytes.NewReader(b))
		for _, y := range []timeline{
			readStream(t, bytes.NewReader(b)),
			readStream(t, iotest.OneByteReader(bytes.NewReader(b))),
			readStream(t, iotest.DataErrReader(bytes.NewReader(b))),
		} {
			if !reflect.DeepEqual(x, y) {
				t.Fatalf("whole %s\nin pieces %s", show(x), show(y))
			}
		}
		var octets, captured int64
		for i, p := range x.packets {
			if p.File != 0 || p.Frame != int64(i+1) || p.Time.Location() != time.UTC {
				t.Fatalf("packet %d is %+v", i, p)
			}
			octets += p.OrigLen
			captured += int64(len(p.Data))
		}
		if x.err == "" {
			file := &x.files[0]
			if file.Packets != int64(len(x.packets)) || file.DataBytes != octets || file.CapturedBytes != captured {
				t.Fatalf("%d packets of %d octets, %d captured, in %+v", len(x.packets), octets, captured, file)
			}
			if file.Compression == "" && captured > int64(len(b)) || captured > maxInflated {
				t.Fatalf("%d octets captured in a file of %d", captured, len(b))
			}
			for _, n := range file.Notes {
				if n.Off > maxInflated || file.Compression == "" && n.Off > int64(len(b)) {
					t.Fatalf("a note of octet %d in a file of %d: %+v", n.Off, len(b), n)
				}
			}
		}
		front := readStream(t, bytes.NewReader(b[:min(int(cut), len(b))]))
		if n := len(front.packets); n > len(x.packets) || !slices.Equal(front.packets, x.packets[:n]) {
			t.Fatalf("the first %d octets give %s\nthe whole gives %s", cut, show(front), show(x))
		}
	})
}

// witness is put into inputs, where nothing of it may come out again.
const witness = "Zq7Xw9Vk3JyB5d"

// betrays reports whether s shows more than four octets of the witness in a row, as they
// are or as hexadecimal digits, in either order of octets.
func betrays(s string) bool {
	s = strings.ToLower(s)
	for i := range len(witness) - 4 {
		part := []byte(witness[i : i+5])
		back := slices.Clone(part)
		slices.Reverse(back)
		for _, p := range []string{string(part), hex.EncodeToString(part), hex.EncodeToString(back)} {
			if strings.Contains(s, strings.ToLower(p)) {
				return true
			}
		}
	}
	return false
}

// FuzzRefusal: what is said about a file that cannot be read, or about damage in one that
// can, shows no more than four octets in a row of what the file holds.
func FuzzRefusal(f *testing.F) {
	for _, b := range append(smallCaptures(), []byte("GET / HTTP/1.1"), []byte("root:x:0:0:"), []byte("\x1f\x8b\x08\x00"), []byte("BZh"), []byte("snoop\x00\x00\x00")) {
		for _, at := range []uint16{0, 4, 8, 12, 16, 24, 32, 36} {
			f.Add(b, at)
		}
	}
	f.Fuzz(func(t *testing.T, b []byte, at uint16) {
		if tooLong(b) {
			return
		}
		n := min(int(at), len(b))
		for _, in := range [][]byte{slices.Concat(b[:n], []byte(witness), b[n:]), slices.Concat(b[:n], []byte(witness), b[min(len(b), n+len(witness)):])} {
			x := readStream(t, bytes.NewReader(in))
			if betrays(x.err) {
				t.Fatalf("refused with %q", x.err)
			}
			for _, file := range x.files {
				for _, note := range file.Notes {
					if betrays(note.What) {
						t.Fatalf("noted %q", note.What)
					}
				}
			}
		}
	})
}

// FuzzSnoop: packets are what a slow reader finds.
func FuzzSnoop(f *testing.F) {
	for _, b := range [][]byte{snoop(frames()), snoop(frames()[:1])} {
		f.Add(b[8:])
		f.Add(b[8 : len(b)-3])
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if tooLong(b) {
			return
		}
		b = append([]byte("snoop\x00\x00\x00"), b...)
		x := readStream(t, bytes.NewReader(b))
		want := slowSnoop(b)
		if len(x.packets) != len(want) {
			t.Fatalf("%d packets, want %d", len(x.packets), len(want))
		}
		for i, p := range x.packets {
			if got := (slowPacket{p.OrigLen, p.Time.UnixNano(), p.Data}); got != want[i] {
				t.Fatalf("packet %d is %s\nwant %s", i, show(got), show(want[i]))
			}
		}
	})
}

// A slowPacket is what the slow reader says of a packet.
type slowPacket struct {
	length, nanoseconds int64
	data                string
}

// slowSnoop lists the packets of a snoop file of version 2.
func slowSnoop(b []byte) (list []slowPacket) {
	number := func(n int) int64 { return int64(binary.BigEndian.Uint32(b[n:])) }
	if len(b) < 16 || number(8) != 2 || !slices.Contains([]int64{0, 2, 4, 8, 26}, number(12)) {
		return nil
	}
	for b = b[16:]; len(b) >= 24; {
		original, included, record := number(0), number(4), number(8)
		if record > 16<<20 || record < 24+included || int64(len(b)) < 24+included {
			return list
		}
		list = append(list, slowPacket{original, number(16)*1e9 + number(20)*1e3, string(b[24 : 24+included])})
		b = b[min(record, int64(len(b))):]
	}
	return list
}

// FuzzGzip: a file that was compressed, in one member or in two that are joined anywhere,
// reads like the file itself, whatever follows the last member. A part of the compressed
// octets gives the first packets.
func FuzzGzip(f *testing.F) {
	for _, b := range smallCaptures() {
		f.Add(b, uint16(len(b)/3), uint16(50), []byte("\x00\x00"))
		f.Add(b, uint16(0), uint16(len(b)), []byte("\x1f\x8c behind"))
	}
	f.Fuzz(func(t *testing.T, b []byte, split, cut uint16, behind []byte) {
		if tooLong(b, behind) || bytes.HasPrefix(b, []byte("\x1f\x8b")) || bytes.HasPrefix(behind, []byte("\x1f\x8b")) {
			return
		}
		want := readStream(t, bytes.NewReader(b))
		n := min(int(split), len(b))
		for _, z := range [][]byte{
			slices.Concat(zipped(b), behind),
			slices.Concat(zipped(b[:n]), zipped(b[n:]), behind),
		} {
			x := readStream(t, bytes.NewReader(z))
			if len(b) > 0 && (x.err == "") != (want.err == "") || !slices.Equal(x.packets, want.packets) {
				t.Fatalf("compressed %s\nplain %s", show(x), show(want))
			}
			y := readStream(t, iotest.OneByteReader(bytes.NewReader(z)))
			if !reflect.DeepEqual(x, y) {
				t.Fatalf("whole %s\nin pieces %s", show(x), show(y))
			}
			front := readStream(t, bytes.NewReader(z[:min(int(cut), len(z))]))
			if n := len(front.packets); n > len(x.packets) || !slices.Equal(front.packets, x.packets[:n]) {
				t.Fatalf("the first %d octets give %s\nthe whole gives %s", cut, show(front), show(x))
			}
		}
	})
}
