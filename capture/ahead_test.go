package capture_test

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"testing"
	"testing/iotest"
	"time"

	"github.com/sipsight/sipsight/capture"
	"github.com/sipsight/sipsight/internal/capgen"
)

// longCapture returns a capture that is inflated ahead for the most part: 3 MB that cannot be compressed much.
func longCapture() []byte {
	var l capgen.Ladder
	l.Repeat(3000, 1)
	return l.Pcap("A = 10.0.0.1:5060\nB = 10.0.0.2:5060\n0 A > B INVITE sdp\n+.1 B > A 404\n+.1 A > B ACK\n")
}

// TestAhead: what is inflated ahead is what is inflated as it is read, to the last note, however the octets come and wherever they are
// damaged.
func TestAhead(t *testing.T) {
	plain := longCapture()
	whole := zipped(plain)
	flip := func(at int) []byte {
		b := bytes.Clone(whole)
		b[at] ^= 0xff
		return b
	}
	odd := bytes.Clone(plain) // a record of four gigabytes behind two megabytes
	i := bytes.Index(odd[2<<20:], []byte("INVITE sip:"))
	copy(odd[2<<20+i-42-8:], "\xff\xff\xff\xff\xff\xff\xff\xff")
	if len(plain) < 3<<20 || i < 0 {
		t.Fatalf("%d octets, a record at %d", len(plain), i)
	}
	late := bytes.Clone(plain) // likewise, in the last block
	i = bytes.LastIndex(late, []byte("INVITE sip:"))
	copy(late[i-42-8:], "\xff\xff\xff\xff\xff\xff\xff\xff")
	for _, c := range []struct {
		name  string
		in    []byte
		limit int64
	}{
		{"whole", whole, 0},
		{"cut", whole[:len(whole)*3/4], 0},
		{"damaged", flip(len(whole) * 3 / 4), 0},
		{"checksum", flip(len(whole) - 6), 0},
		{"behind", append(bytes.Clone(whole), "behind"...), 0},
		{"members", slices.Concat(zipped(plain[:2<<20]), zipped(plain[2<<20:2<<20+1000]), zipped(plain[2<<20+1000:])), 0},
		{"checksums of members", slices.Concat(flip(len(whole) - 6)[:len(whole)], flip(len(whole) - 6)[:len(whole)]), 0},
		{"limit", whole, 2 << 20},
		{"a wrong record", zipped(odd), 0},
		{"a wrong record at the end", append(zipped(late), "behind"...), 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			type reading struct {
				packets []seen
				file    capture.File
				err     error
			}
			read := func(processors int, in io.Reader) reading {
				defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(processors))
				packets, f, err := readBytes(t, in, capture.Options{MaxInflated: c.limit})
				return reading{packets, *f, err}
			}
			want := read(1, bytes.NewReader(c.in))
			for range 3 {
				if got := read(4, bytes.NewReader(c.in)); !reflect.DeepEqual(got, want) {
					t.Fatalf("ahead: %d packets, %+v, %v\nelse: %d, %+v, %v", len(got.packets), got.file.Notes, got.err, len(want.packets), want.file.Notes, want.err)
				}
			}
			if got := read(4, iotest.HalfReader(bytes.NewReader(c.in))); !slices.Equal(got.packets, want.packets) || !reflect.DeepEqual(got.file.Notes, want.file.Notes) {
				t.Errorf("in pieces: %d packets, %+v", len(got.packets), got.file.Notes)
			}
		})
	}
}

// TestAheadEnds: nothing goes on behind a reader that was closed in the middle.
func TestAheadEnds(t *testing.T) {
	file := filepath.Join(t.TempDir(), "long.pcap.gz")
	if err := os.WriteFile(file, zipped(longCapture()), 0o600); err != nil {
		t.Fatal(err)
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(4))
	before := runtime.NumGoroutine()
	for range 5 {
		r, err := capture.Open(context.Background(), []string{file}, capture.Options{})
		if err != nil {
			t.Fatal(err)
		}
		for n := 0; n < 4000; n++ { // of 9,000: more than a megabyte
			if _, err := r.Next(); err != nil {
				t.Fatal(err)
			}
		}
		r.Close()
	}
	for end := time.Now().Add(5 * time.Second); runtime.NumGoroutine() > before; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%d goroutines, %d before", runtime.NumGoroutine(), before)
		}
	}
}

// TestAheadOfMany: of more than sixteen files none is inflated ahead, for that takes half a megabyte and a goroutine of each; of a few,
// those that were read far enough are.
func TestAheadOfMany(t *testing.T) {
	file := filepath.Join(t.TempDir(), "long.pcap.gz")
	if err := os.WriteFile(file, zipped(longCapture()), 0o600); err != nil {
		t.Fatal(err)
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(4))
	alone := runtime.NumGoroutine()
	for _, c := range []struct{ files, ahead int }{{4, 4}, {17, 0}} {
		r, err := capture.Open(context.Background(), slices.Repeat([]string{file}, c.files), capture.Options{})
		if err != nil {
			t.Fatal(err)
		}
		for end := time.Now().Add(5 * time.Second); runtime.NumGoroutine() > alone && time.Now().Before(end); { // those of the files before
			time.Sleep(time.Millisecond)
		}
		before := runtime.NumGoroutine()
		for n := 0; n < 4000*c.files; n++ { // the packets of all in turn, of each more than a megabyte
			if _, err := r.Next(); err != nil {
				t.Fatal(err)
			}
		}
		if n := runtime.NumGoroutine() - before; n != c.ahead {
			t.Errorf("%d files: %d goroutines read ahead, want %d", c.files, n, c.ahead)
		}
		r.Close()
	}
}
