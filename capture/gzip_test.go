package capture_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/sipsight/sipsight/capture"
	"github.com/sipsight/sipsight/pcapfile"
)

func TestGzip(t *testing.T) {
	plain := pcap(pcapfile.Header{}, three...)
	whole := zipped(plain)
	changed := func(at int, to byte) []byte { // at from the end, if negative
		b := bytes.Clone(whole)
		if at < 0 {
			at += len(b)
		}
		b[at] = to
		return b
	}
	flip := func(at int) []byte { return changed(at, whole[(at+len(whole))%len(whole)]^0xff) }
	two := slices.Concat(flip(-6), zipped(pcap(pcapfile.Header{}, three[0])))
	tests := []struct {
		name    string
		in      []byte
		packets int
		want    string // the notes, or the error
	}{
		{"whole", whole, 3, ""},
		{"zeros behind", append(bytes.Clone(whole), make([]byte, 1000)...), 3, ""},
		{"octets behind", append(bytes.Clone(whole), "\x00trailing\x00"...), 3, "gzip-trailing×8"},
		{"one octet behind", append(bytes.Clone(whole), 0x1f), 3, "gzip-trailing×1"},
		{"a cut header behind", append(bytes.Clone(whole), "\x1f\x8b\x08"...), 3, "gzip-cut×1 lost"},
		{"a wrong header behind", append(bytes.Clone(whole), "\x1f\x8b\x09\x00\x00\x00\x00\x00\x00\x03"...), 3, "gzip-corrupt×1 lost"},
		{"checksum", flip(-6), 3, "gzip-checksum×1 lost"},
		{"length", flip(-2), 3, "gzip-checksum×1 lost"},
		{"checksum of the first of two", two, 4, "joined-files×1 gzip-checksum×1 lost"},
		{"checksum missing", whole[:len(whole)-8], 3, "gzip-cut×1 lost"},
		{"method", changed(2, 7), 0, "inside the gzip data: the gzip data is damaged"},
		{"header cut", whole[:9], 0, "inside the gzip data: the gzip data is cut off"},
		{"only its magic", whole[:2], 0, "inside the gzip data: the gzip data is cut off"},
		{"nothing inside", zipped(nil), 0, "inside the gzip data: the file is empty; copy or capture it again"},
		{"twice", zipped(whole), 0, "the capture was compressed twice; decompress it once (gunzip) and try again"},
	}
	for _, c := range tests {
		t.Run(c.name, func(t *testing.T) {
			got, f, err := readBytes(t, bytes.NewReader(c.in), capture.Options{})
			if err != nil {
				if err.Error() != "-: "+c.want {
					t.Errorf("%v\nwant %s", err, c.want)
				}
				return
			}
			if len(got) != c.packets || strings.Join(ids(f), " ") != c.want {
				t.Errorf("%d packets, %v; want %d, %s", len(got), f.Notes, c.packets, c.want)
			}
		})
	}
}

// TestGzipDamage holds that one wrong octet in compressed data never gives packets that
// are not noticed to be damaged.
func TestGzipDamage(t *testing.T) {
	whole := zipped(pcap(pcapfile.Header{}, three...))
	for at := range whole {
		b := bytes.Clone(whole)
		b[at] ^= 0x40
		got, f, err := readBytes(t, bytes.NewReader(b), capture.Options{})
		if err == nil && f.Complete() && !slices.Equal(got, wanted(three)) {
			t.Errorf("octet %d wrong: %v is said to be complete", at, got)
		}
	}
}

// TestInflateLimit holds that the limit counts inflated octets, to the octet.
func TestInflateLimit(t *testing.T) {
	plain := pcap(pcapfile.Header{}, three...)
	for _, c := range []struct {
		name    string
		limit   int
		packets int
		want    string
	}{
		{"the size", len(plain), 3, ""},
		{"one less", len(plain) - 1, 2, "inflate-limit×1 lost"},
		{"more", len(plain) + 1, 3, ""},
		{"the second packet", len(plain) - 17, 2, "inflate-limit×1 lost"},
		{"the header", 24, 0, "inflate-limit×1 lost"},
	} {
		for how, in := range map[string][]byte{
			"one member":   zipped(plain),
			"two members":  slices.Concat(zipped(plain[:40]), zipped(plain[40:])),
			"an empty one": slices.Concat(zipped(plain), zipped(nil)),
		} {
			got, f, err := readBytes(t, bytes.NewReader(in), capture.Options{MaxInflated: int64(c.limit)})
			if err != nil || len(got) != c.packets || strings.Join(ids(f), " ") != c.want {
				t.Errorf("%s, %s: %d packets, %v, %v; want %d, %s", c.name, how, len(got), ids(f), err, c.packets, c.want)
			}
			if len(f.Notes) > 0 && !strings.Contains(f.Notes[0].What, "raise it with --max-inflated") {
				t.Errorf("no advice: %q", f.Notes[0].What)
			}
		}
	}
}

// TestBomb holds that a small file that inflates without end costs what the limit says.
func TestBomb(t *testing.T) {
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.BestSpeed)
	if err != nil {
		t.Fatal(err)
	}
	z.Write(pcap(pcapfile.Header{}, three...))
	header := []byte("\x80\xb5\x22\x6a\x00\x00\x00\x00\x00\x00\x04\x00\x00\x00\x04\x00") // 256 KiB of zeros
	zeros := make([]byte, 256<<10)
	for range 64 {
		z.Write(header)
		z.Write(zeros)
	}
	z.Close()
	r, err := capture.NewReader(t.Context(), &b, capture.Options{MaxInflated: 4 << 20})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	n := 0
	for ; ; n++ {
		if _, err := r.Next(); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	if f := r.Files()[0]; n < 10 || n > 3+16 || len(f.Notes) != 1 || f.Notes[0].ID != capture.NoteInflate {
		t.Errorf("%d packets, %v", n, f.Notes)
	}
}

// TestRatio: data that inflates as no capture does is told of, and read all the same.
func TestRatio(t *testing.T) {
	for _, x := range []struct {
		records int
		noise   int // records of what cannot be compressed
		limit   int64
		want    []string
	}{
		{80, 0, 1 << 30, []string{"gzip-ratio"}},
		{80, 0, 18 << 20, []string{"gzip-ratio", capture.NoteInflate}},
		{80, 4, 1 << 30, nil},
		{20, 0, 1 << 30, nil},
	} {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		z.Write(pcap(pcapfile.Header{}, three...))
		record := make([]byte, 16+256<<10) // zeros
		copy(record, "\x80\xb5\x22\x6a\x00\x00\x00\x00\x00\x00\x04\x00\x00\x00\x04\x00")
		noise := rand.NewChaCha8([32]byte{})
		for i := range x.records {
			if i < x.noise {
				noise.Read(record[16:])
			} else {
				clear(record[16:])
			}
			z.Write(record)
		}
		z.Close()
		r, err := capture.NewReader(t.Context(), &b, capture.Options{MaxInflated: x.limit})
		if err != nil {
			t.Fatal(err)
		}
		for err == nil {
			_, err = r.Next()
		}
		f := r.Files()[0]
		var got []string
		for _, n := range f.Notes {
			got = append(got, n.ID)
		}
		if r.Close(); err != io.EOF || !slices.Equal(got, x.want) || f.Complete() != (x.limit == 1<<30) {
			t.Errorf("%d records, %d of noise: %v, %v, complete %v; want %v", x.records, x.noise, err, f.Notes, f.Complete(), x.want)
		}
	}
}
