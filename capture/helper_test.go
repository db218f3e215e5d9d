package capture_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/sipsight/sipsight/capture"
	"github.com/sipsight/sipsight/pcapfile"
	"github.com/sipsight/sipsight/pcapng"
)

// start is the time of the first packet of captures that are built here.
var start = time.Date(2026, 11, 23, 10, 14, 0, 0, time.UTC)

// A packet is a packet to write: its octets, and when it came after start.
type packet struct {
	at   time.Duration
	data string
}

// three are the packets of most captures here.
var three = []packet{{0, "first"}, {time.Second, "second packet"}, {90 * time.Second, "3"}}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func pcap(h pcapfile.Header, packets ...packet) []byte {
	var b bytes.Buffer
	if h.LinkType == 0 {
		h.LinkType = 1
	}
	w := must(pcapfile.NewWriter(&b, h))
	for _, p := range packets {
		if err := w.Write(pcapfile.Packet{Time: start.Add(p.at), Data: []byte(p.data)}); err != nil {
			panic(err)
		}
	}
	return b.Bytes()
}

func ng(s pcapng.Section, packets ...packet) []byte {
	var b bytes.Buffer
	w := must(pcapng.NewWriter(&b, s))
	must(w.AddInterface(pcapng.Interface{LinkType: 1, TsResol: 9, FCSLen: -1}))
	for _, p := range packets {
		if err := w.Write(pcapng.Packet{Time: start.Add(p.at), TimeOK: true, OrigLen: int64(len(p.data)), Data: []byte(p.data)}); err != nil {
			panic(err)
		}
	}
	return b.Bytes()
}

// snoop builds a snoop file, its packets padded to 32 bits.
func snoop(datalink uint32, packets ...packet) []byte {
	be := binary.BigEndian
	b := be.AppendUint32(be.AppendUint32([]byte("snoop\x00\x00\x00"), 2), datalink)
	for i, p := range packets {
		t := start.Add(p.at)
		pad := -len(p.data) & 3
		for _, x := range []int{len(p.data), len(p.data), 24 + len(p.data) + pad, i, int(t.Unix()), t.Nanosecond() / 1000} {
			b = be.AppendUint32(b, uint32(x))
		}
		b = append(append(b, p.data...), make([]byte, pad)...)
	}
	return b
}

func zipped(b []byte) []byte {
	var z bytes.Buffer
	w := gzip.NewWriter(&z)
	must(w.Write(b))
	if err := w.Close(); err != nil {
		panic(err)
	}
	return z.Bytes()
}

// formats are the same three packets in every form that is read.
func formats() map[string][]byte {
	m := map[string][]byte{
		"pcap":                   pcap(pcapfile.Header{}, three...),
		"pcap big-endian":        pcap(pcapfile.Header{BigEndian: true}, three...),
		"pcap nanosecond":        pcap(pcapfile.Header{Nanosecond: true}, three...),
		"pcap nanosecond be":     pcap(pcapfile.Header{Nanosecond: true, BigEndian: true}, three...),
		"pcap modified":          pcap(pcapfile.Header{Modified: true}, three...),
		"pcap modified be":       pcap(pcapfile.Header{Modified: true, BigEndian: true}, three...),
		"pcapng":                 ng(pcapng.Section{}, three...),
		"pcapng big-endian":      ng(pcapng.Section{BigEndian: true}, three...),
		"snoop":                  snoop(4, three...),
		"pcapng of two sections": slices.Concat(ng(pcapng.Section{}, three[:1]...), ng(pcapng.Section{BigEndian: true}, three[1:]...)),
	}
	for _, name := range slices.Collect(maps.Keys(m)) {
		m[name+", gzip"] = zipped(m[name])
	}
	b := m["pcap"]
	m["gzip of two members"] = slices.Concat(zipped(b[:30]), zipped(b[30:]))
	m["gzip with an empty member"] = slices.Concat(zipped(nil), zipped(b[:30]), zipped(nil), zipped(b[30:]))
	return m
}

// A seen is a packet of a timeline as it was returned.
type seen struct {
	file  int
	frame int64
	at    time.Duration // after start
	data  string
}

// collect reads a timeline to its end; err is that of Next, nil for io.EOF. The octets of
// each packet are overwritten once they were looked at.
func collect(r *capture.Reader) (list []seen, err error) {
	for {
		p, err := r.Next()
		if err != nil {
			if err == io.EOF {
				err = nil
			}
			return list, err
		}
		list = append(list, seen{p.File, p.Frame, p.Time.Sub(start), string(p.Data)})
		for i := range p.Data {
			p.Data[i] = 0xa5
		}
	}
}

// readBytes reads a capture from a stream. It fails only if it cannot be opened.
func readBytes(t testing.TB, in io.Reader, o capture.Options) ([]seen, *capture.File, error) {
	t.Helper()
	r, err := capture.NewReader(context.Background(), in, o)
	if err != nil {
		return nil, r.Files()[0], err
	}
	defer r.Close()
	list, err := collect(r)
	if err != nil {
		t.Fatal(err)
	}
	return list, r.Files()[0], nil
}

// readFiles reads the named captures as one timeline.
func readFiles(t testing.TB, names []string, o capture.Options) ([]seen, []*capture.File) {
	t.Helper()
	r, err := capture.Open(t.Context(), names, o)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	list, err := collect(r)
	if err != nil {
		t.Fatal(err)
	}
	return list, r.Files()
}

// write writes b into a file of its own and returns its path.
func write(t testing.TB, name string, b []byte) string {
	t.Helper()
	name = filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(name, b, 0o666); err != nil {
		t.Fatal(err)
	}
	return name
}

// ids returns the ids of the notes of a file, with their counts.
func ids(f *capture.File) (list []string) {
	for _, n := range f.Notes {
		s := fmt.Sprintf("%s×%d", n.ID, n.Count)
		if n.Lost {
			s += " lost"
		}
		list = append(list, s)
	}
	return list
}

// wanted returns the packets that reading p must give.
func wanted(packets []packet) (list []seen) {
	for i, p := range packets {
		list = append(list, seen{0, int64(i + 1), p.at, p.data})
	}
	return list
}

// failing gives n octets and then an error.
type failing struct {
	b   []byte
	err error
}

func (f *failing) Read(p []byte) (int, error) {
	if len(f.b) == 0 {
		return 0, f.err
	}
	n := copy(p, f.b)
	f.b = f.b[n:]
	return n, nil
}

var errDisk = errors.New("the disk is on fire")
