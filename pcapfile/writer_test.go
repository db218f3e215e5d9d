package pcapfile_test

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/sipsight/sipsight/pcapfile"
)

func TestWriter(t *testing.T) {
	zeros := strings.Repeat("\x00", 8)
	at := time.Unix(1795477184, 452843567)
	tests := []struct {
		name string
		h    pcapfile.Header
		want []byte
	}{
		{"zero header", pcapfile.Header{},
			join(header(le, micro, 262144, 0), record(le, 1795477184, 452843, 3, 9, "abc"))},
		{"big-endian", pcapfile.Header{BigEndian: true, LinkType: 1, SnapLen: 96, FCSLen: -1},
			join(header(be, micro, 96, 1), record(be, 1795477184, 452843, 3, 9, "abc"))},
		{"nanoseconds", pcapfile.Header{Nanosecond: true, LinkType: 113},
			join(header(le, nano, 262144, 113), record(le, 1795477184, 452843567, 3, 9, "abc"))},
		{"modified", pcapfile.Header{Modified: true, LinkType: 276, BigEndian: true},
			join(header(be, modified, 262144, 276), record(be, 1795477184, 452843, 3, 9, "abc", zeros))},
		{"FCS length", pcapfile.Header{LinkType: 1, FCSLen: 4},
			join(header(le, micro, 262144, 0x24000001), record(le, 1795477184, 452843, 3, 9, "abc"))},
		{"largest FCS length", pcapfile.Header{LinkType: 1, FCSLen: 30},
			join(header(le, micro, 262144, 0xf4000001), record(le, 1795477184, 452843, 3, 9, "abc"))},
		{"odd FCS length", pcapfile.Header{LinkType: 1, FCSLen: 3},
			join(header(le, micro, 262144, 1), record(le, 1795477184, 452843, 3, 9, "abc"))},
		{"FCS length over the format's", pcapfile.Header{LinkType: 1, FCSLen: 32},
			join(header(le, micro, 262144, 1), record(le, 1795477184, 452843, 3, 9, "abc"))},
	}
	for _, c := range tests {
		t.Run(c.name, func(t *testing.T) {
			var out bytes.Buffer
			w, err := pcapfile.NewWriter(&out, c.h)
			if err != nil {
				t.Fatal(err)
			}
			if err := w.Write(pcapfile.Packet{Time: at, OrigLen: 9, Data: []byte("abc")}); err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(out.Bytes(), c.want) {
				t.Errorf("got\n% x\nwant\n% x", out.Bytes(), c.want)
			}
		})
	}
}

// TestRoundTrip writes what was read of every sample, and reads it again.
func TestRoundTrip(t *testing.T) {
	for name, data := range samples() {
		t.Run(name, func(t *testing.T) {
			x := read(t, bytes.NewReader(data))
			var out bytes.Buffer
			var w *pcapfile.Writer
			for i, p := range x.packets {
				if i == 0 || x.headers[i] != x.headers[i-1] {
					var err error
					if w, err = pcapfile.NewWriter(&out, x.headers[i]); err != nil {
						t.Fatal(err)
					}
				}
				if err := w.Write(p); err != nil {
					t.Fatal(err)
				}
			}
			if len(x.packets) == 0 {
				return
			}
			y := read(t, &out)
			if y.err != io.EOF || len(y.packets) != len(x.packets) {
				t.Fatalf("%d packets, want %d; %v", len(y.packets), len(x.packets), y.err)
			}
			for i := range y.packets {
				p, q := x.packets[i], y.packets[i]
				if !p.Time.Equal(q.Time) || p.OrigLen != q.OrigLen || !bytes.Equal(p.Data, q.Data) {
					t.Errorf("packet %d: got %+v, want %+v", i, q, p)
				}
			}
		})
	}
}

func TestWriterRefuses(t *testing.T) {
	second := time.Unix(1, 0)
	tests := []struct {
		name string
		p    pcapfile.Packet
		want string
	}{
		{"before 1970", pcapfile.Packet{Time: time.Unix(-1, 999999999).UTC()},
			"pcapfile: the time 1969-12-31 23:59:59.999999999 +0000 UTC does not fit the format's 32-bit seconds"},
		{"after 2106", pcapfile.Packet{Time: time.Unix(1<<32, 0).UTC()},
			"pcapfile: the time 2106-02-07 06:28:16 +0000 UTC does not fit the format's 32-bit seconds"},
		{"zero time", pcapfile.Packet{},
			"pcapfile: the time 0001-01-01 00:00:00 +0000 UTC does not fit the format's 32-bit seconds"},
		{"too long", pcapfile.Packet{Time: second, Data: make([]byte, 16<<20+1)},
			"pcapfile: a packet of 16777217 octets is over the limit of 16777216"},
		{"original length of 33 bits", pcapfile.Packet{Time: second, OrigLen: 1 << 32},
			"pcapfile: an original length of 4294967296 does not fit 32 bits"},
	}
	for _, c := range tests {
		t.Run(c.name, func(t *testing.T) {
			var out bytes.Buffer
			w, err := pcapfile.NewWriter(&out, pcapfile.Header{LinkType: 1})
			if err != nil {
				t.Fatal(err)
			}
			n := out.Len()
			if err := w.Write(c.p); err == nil || err.Error() != c.want {
				t.Errorf("error %v, want %s", err, c.want)
			}
			if out.Len() != n {
				t.Error("something was written")
			}
		})
	}
	if _, err := pcapfile.NewWriter(io.Discard, pcapfile.Header{Nanosecond: true, Modified: true}); err == nil {
		t.Error("a modified file with nanoseconds was begun")
	}
}

func TestWriterRaisesOriginalLength(t *testing.T) {
	var out bytes.Buffer
	w, err := pcapfile.NewWriter(&out, pcapfile.Header{LinkType: 1})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Write(pcapfile.Packet{Time: time.Unix(1, 0), OrigLen: 1, Data: []byte("abc")}); err != nil {
		t.Fatal(err)
	}
	if x := read(t, &out); len(x.packets) != 1 || x.packets[0].OrigLen != 3 || len(x.notes) != 0 {
		t.Errorf("got %v", x)
	}
}

// A failing writer takes n writes.
type failing struct {
	n   int
	err error
}

func (f *failing) Write(p []byte) (int, error) {
	if f.n--; f.n < 0 {
		return 0, f.err
	}
	return len(p), nil
}

func TestWriterError(t *testing.T) {
	full := errors.New("disk full")
	if _, err := pcapfile.NewWriter(&failing{0, full}, pcapfile.Header{}); err != full {
		t.Errorf("NewWriter: error %v", err)
	}
	w, err := pcapfile.NewWriter(&failing{2, full}, pcapfile.Header{})
	if err != nil {
		t.Fatal(err)
	}
	p := pcapfile.Packet{Time: time.Unix(1, 0), Data: []byte("abc")}
	if err := w.Write(p); err != nil { // one packet is one Write below
		t.Error(err)
	}
	if err := w.Write(p); err != full {
		t.Errorf("Write: error %v", err)
	}
}

func TestWriterAllocs(t *testing.T) {
	w, err := pcapfile.NewWriter(io.Discard, pcapfile.Header{LinkType: 1})
	if err != nil {
		t.Fatal(err)
	}
	p := pcapfile.Packet{Time: time.Unix(1, 0), Data: make([]byte, 1400)}
	n := testing.AllocsPerRun(1000, func() {
		if err := w.Write(p); err != nil {
			panic(err)
		}
	})
	if n != 0 {
		t.Errorf("%v allocations a packet, want 0", n)
	}
}
