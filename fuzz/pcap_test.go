package fuzz

import (
	"bytes"
	"errors"
	"io"
	"math"
	"slices"
	"testing"
	"testing/iotest"
	"time"

	"github.com/sipsight/sipsight/pcapfile"
)

// pcapRead is all that a pcap reader said about a stream.
type pcapRead struct {
	header  pcapfile.Header   // of the first part
	headers []pcapfile.Header // of each packet
	packets []pcapfile.Packet // their Data copied
	notes   []pcapfile.Note
	err     string // that of NewReader or the last of Next, "EOF" for a clean end
	opened  bool
}

// readPcap reads a whole stream. The octets of each packet are overwritten once they
// were looked at: nothing that comes later may depend on them.
func readPcap(t *testing.T, in io.Reader, window int) (x pcapRead) {
	r, err := pcapfile.NewReaderSize(in, window)
	if err != nil {
		checkPcapError(t, err)
		x.err = err.Error()
		return x
	}
	x.opened, x.header = true, r.Header()
	for {
		p, err := r.Next()
		if err != nil {
			checkPcapError(t, err)
			if _, again := r.Next(); again != err {
				t.Errorf("the error %v became %v", err, again)
			}
			x.err, x.notes = err.Error(), slices.Clone(r.Notes())
			return x
		}
		data := p.Data
		p.Data = bytes.Clone(data)
		for i := range data {
			data[i] = 0xa1
		}
		x.packets = append(x.packets, p)
		x.headers = append(x.headers, r.Header())
	}
}

// checkPcapError checks the promise that every error is io.EOF or a *FormatError.
func checkPcapError(t *testing.T, err error) {
	var fe *pcapfile.FormatError
	if err != io.EOF && (!errors.As(err, &fe) || fe.Off < 0 || fe.What == "") {
		t.Errorf("an error that is no FormatError: %#v", err)
	}
}

func equalPcapPackets(a, b pcapfile.Packet) bool {
	return a.Time.Equal(b.Time) && a.OrigLen == b.OrigLen && a.Offset == b.Offset && bytes.Equal(a.Data, b.Data)
}

func equalPcapReads(a, b pcapRead) bool {
	return a.header == b.header && slices.Equal(a.headers, b.headers) && a.err == b.err && a.opened == b.opened &&
		slices.Equal(a.notes, b.notes) && slices.EqualFunc(a.packets, b.packets, equalPcapPackets)
}

// FuzzPcap: whole reads, one-octet reads and a window that starts small are the same. What
// is returned as a packet stands in the input where Offset says, one behind the other. The
// front part of a file gives the first packets of the whole. Written again, the packets
// read equal.
func FuzzPcap(f *testing.F) {
	for _, b := range captures() {
		f.Add(b, uint16(len(b)-7))
		f.Add(b, uint16(len(b)/2))
	}
	f.Add(blankAhead(), uint16(0))
	f.Fuzz(func(t *testing.T, b []byte, cut uint16) {
		if tooLong(b) {
			return
		}
		x := readPcap(t, bytes.NewReader(b), 0)
		if y := readPcap(t, iotest.OneByteReader(bytes.NewReader(b)), 1); !equalPcapReads(x, y) {
			t.Fatalf("whole %s\none by one %s", show(x), show(y))
		}
		end := int64(24)
		for i, p := range x.packets {
			n := int64(16)
			if x.headers[i].Modified {
				n = 24
			}
			if p.Offset < end || p.Offset+n+int64(len(p.Data)) > int64(len(b)) || !bytes.HasPrefix(b[p.Offset+n:], p.Data) {
				t.Fatalf("packet %d of %d octets at %d is not in the file", i, len(p.Data), p.Offset)
			}
			end = p.Offset + n + int64(len(p.Data))
		}
		front := readPcap(t, bytes.NewReader(b[:min(int(cut), len(b))]), 0)
		if n := len(front.packets); n > len(x.packets) || !slices.EqualFunc(front.packets, x.packets[:n], equalPcapPackets) {
			t.Fatalf("the first %d octets give %s\nthe whole gives %s", cut, show(front), show(x))
		}
		if x.opened {
			rewritePcap(t, x)
		}
	})
}

// blankAhead returns a file with records of nothing but zeros, which are packets since the header of another file
// follows.
func blankAhead() []byte {
	var b bytes.Buffer
	for range 2 {
		pcapfile.NewWriter(&b, pcapfile.Header{LinkType: 1})
		b.Write(make([]byte, 48))
	}
	return b.Bytes()[:b.Len()-48]
}

// rewritePcap writes what was read and reads it again.
func rewritePcap(t *testing.T, x pcapRead) {
	var buf bytes.Buffer
	w, err := pcapfile.NewWriter(&buf, x.header)
	if err != nil {
		t.Fatal(err)
	}
	unit := time.Microsecond
	if x.header.Nanosecond {
		unit = time.Nanosecond
	}
	var written []pcapfile.Packet
	for _, p := range x.packets {
		err := w.Write(p)
		if fits := p.Time.Unix() <= math.MaxUint32; (err == nil) != fits {
			t.Fatalf("Write at %v: %v", p.Time, err)
		}
		if err != nil {
			continue
		}
		if sec := uint32(p.Time.Unix()); isPcapMagic(sec) {
			return // looks like the header of a file that follows
		}
		p.Time, p.OrigLen = p.Time.Truncate(unit), max(p.OrigLen, int64(len(p.Data)))
		written = append(written, p)
	}
	if n := len(written); n > 0 && isBlankPcap(written[n-1]) {
		return // nothing but zeros up to the end are no packets
	}
	y := readPcap(t, bytes.NewReader(buf.Bytes()), 0)
	want := x.header
	if want.Major == 0 && want.Minor == 0 {
		want.Major, want.Minor = 2, 4
	}
	if want.SnapLen == 0 {
		want.SnapLen = 256 << 10
	}
	if want.FCSLen == 0 {
		want.FCSLen = -1
	}
	equal := func(a, b pcapfile.Packet) bool { a.Offset = b.Offset; return equalPcapPackets(a, b) }
	if y.header != want || y.err != "EOF" || !slices.EqualFunc(y.packets, written, equal) {
		t.Fatalf("wrote %+v %s\nread %s", want, show(written), show(y))
	}
}

// isBlankPcap reports whether a packet is written as zeros.
func isBlankPcap(p pcapfile.Packet) bool {
	return p.Time.Equal(time.Unix(0, 0)) && p.OrigLen == 0
}

// isPcapMagic reports whether a number is a magic number of the format, in either order.
func isPcapMagic(n uint32) bool {
	switch n {
	case 0xa1b2c3d4, 0xd4c3b2a1, 0xa1b23c4d, 0x4d3cb2a1, 0xa1b2cd34, 0x34cdb2a1:
		return true
	}
	return false
}
