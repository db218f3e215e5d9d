package capture_test

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"github.com/sipsight/sipsight/capture"
	"github.com/sipsight/sipsight/pcapfile"
	"github.com/sipsight/sipsight/pcapng"
)

// A skimmer takes the packets whose data begin with s.
type skimmer struct {
	list *[]seen
	n    int
}

func (s *skimmer) Skim(p *capture.Packet, ns int64) bool {
	if p.Data[0] != 's' {
		return false
	}
	s.n++
	*s.list = append(*s.list, seen{p.File, p.Frame, time.Unix(0, ns).Sub(start), string(p.Data)})
	return true
}

// skim reads a timeline to its end, with Skim tried behind each packet.
func skim(t *testing.T, names []string, most int, gap time.Duration) (list []seen, files []*capture.File, n int) {
	t.Helper()
	r, err := capture.Open(t.Context(), names, capture.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	s := skimmer{list: &list}
	for {
		p, err := r.Next()
		if err == io.EOF {
			return list, r.Files(), s.n
		}
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, seen{p.File, p.Frame, p.Time.Sub(start), string(p.Data)})
		before := s.n
		r.Skim(most, gap, &s)
		if s.n > before+most {
			t.Fatalf("%d packets were skimmed, %d at most", s.n-before, most)
		}
	}
}

// A timeline in which packets are passed over is the same timeline: packets, order, frame numbers,
// times, and what is told of the files.
func TestSkim(t *testing.T) {
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 1))
		var names []string
		for i := range 1 + r.IntN(4) {
			var packets []packet
			at := time.Duration(r.IntN(20)) * time.Second
			for n := range r.IntN(60) {
				at += time.Duration(r.IntN(1000)) * time.Millisecond
				if r.IntN(20) == 0 {
					at -= 2 * time.Second
				}
				packets = append(packets, packet{at, fmt.Sprintf("%c%d.%d", "sssn"[r.IntN(4)], i, n)})
			}
			b := pcap(pcapfile.Header{BigEndian: r.IntN(2) == 0, Nanosecond: r.IntN(2) == 0, SnapLen: uint32(r.IntN(2) * 5)}, packets...)
			if r.IntN(3) == 0 {
				b = commented(r, packets)
			}
			names = append(names, write(t, "x", b))
		}
		want, files := readFiles(t, names, capture.Options{})
		got, skimmed, _ := skim(t, names, 1+r.IntN(30), time.Duration(r.IntN(1500))*time.Millisecond)
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("seed %d: got\n%v\nwant\n%v", seed, got, want)
		}
		for i := range files {
			if !reflect.DeepEqual(skimmed[i], files[i]) {
				t.Fatalf("seed %d: of file %d is told\n%+v\nwant\n%+v", seed, i, *skimmed[i], *files[i])
			}
		}
	}
}

// commented writes packets into a pcapng file with two interfaces, some of them with comments, some
// without a time.
func commented(r *rand.Rand, packets []packet) []byte {
	var b bytes.Buffer
	w := must(pcapng.NewWriter(&b, pcapng.Section{}))
	for _, link := range []uint16{1, 101} {
		must(w.AddInterface(pcapng.Interface{LinkType: link, TsResol: 6, FCSLen: -1}))
	}
	in := 0
	for _, p := range packets {
		if r.IntN(10) == 0 {
			in = 1 - in
		}
		x := pcapng.Packet{Interface: in, Time: start.Add(p.at), TimeOK: true, OrigLen: int64(len(p.data)), Data: []byte(p.data)}
		if r.IntN(8) == 0 {
			x.Options = pcapng.Comment("comment " + p.data)
		}
		if in == 0 && r.IntN(20) == 0 {
			x.Block = pcapng.SimplePacket
		}
		if err := w.Write(x); err != nil {
			panic(err)
		}
	}
	return b.Bytes()
}

// Skim passes over what it can.
func TestSkimmed(t *testing.T) {
	packets := []packet{{0, "n"}, {1, "s"}, {2, "s"}, {3, "n"}, {4, "s"}, {time.Minute, "s"}, {2 * time.Minute, "s"}}
	for _, c := range []struct {
		name string
		most int
		gap  time.Duration
		want int
	}{
		{"all", 100, time.Hour, 5},
		{"one at a time", 1, time.Hour, 3},
		{"not behind a gap", 100, 59 * time.Second, 3},
		{"none", 0, time.Hour, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, file := range [][]byte{pcap(pcapfile.Header{}, packets...), ng(pcapng.Section{}, packets...), zipped(ng(pcapng.Section{BigEndian: true}, packets...))} {
				if _, _, n := skim(t, []string{write(t, "x", file)}, c.most, c.gap); n != c.want {
					t.Errorf("%d were passed over, want %d", n, c.want)
				}
			}
		})
	}
}

// A panicker panics over one packet.
type panicker struct{ at int64 }

func (s *panicker) Skim(p *capture.Packet, ns int64) bool {
	if p.Frame == s.at {
		panic("over this packet")
	}
	return true
}

// A Skimmer that panics has had its packet: it is counted, and the next one is the next.
func TestSkimPanic(t *testing.T) {
	var packets []packet
	for i := range 10 {
		packets = append(packets, packet{time.Duration(i) * time.Second, "s"})
	}
	r := must(capture.Open(t.Context(), []string{write(t, "x", pcap(pcapfile.Header{}, packets...))}, capture.Options{}))
	defer r.Close()
	must(r.Next())
	func() {
		defer func() { recover() }()
		r.Skim(100, time.Hour, &panicker{5})
		t.Error("no panic")
	}()
	f := r.Files()[0]
	if want := start.Add(4 * time.Second); f.Packets != 5 || !f.Last.Equal(want) {
		t.Errorf("%d packets to %v, want 5 to %v", f.Packets, f.Last, want)
	}
	if p := must(r.Next()); p.Frame != 6 {
		t.Errorf("the next packet is %d", p.Frame)
	}
}
