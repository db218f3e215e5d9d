package analysis_test

import (
	"bytes"
	"context"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/capture"
	"github.com/sipsight/sipsight/internal/capgen"
)

func describeAll(res *analysis.Result) (list []string) {
	for c := range res.Calls.All() {
		list = append(list, describe(c))
	}
	return list
}

// TestCallsTCP: what carries the messages does not change the calls. Over TCP nothing is
// sent again.
func TestCallsTCP(t *testing.T) {
	for _, tt := range callTests {
		if strings.Contains(tt.ladder, "again") || strings.Contains(tt.ladder, "copy") {
			continue
		}
		t.Run(tt.name, func(t *testing.T) {
			if got := describeAll(analyze(t, capgen.Ladder{TCP: true}, tt.ladder)); !slices.Equal(got, tt.want) {
				t.Errorf("over TCP:\ngot  %s\nwant %s", strings.Join(got, "\n     "), strings.Join(tt.want, "\n     "))
			}
		})
	}
}

// TestCallsSplit: a capture in two files, cut anywhere and named in any order, holds the
// same calls.
func TestCallsSplit(t *testing.T) {
	dir := t.TempDir()
	one, two := filepath.Join(dir, "1.pcap"), filepath.Join(dir, "2.pcap")
	for _, tt := range callTests {
		l := capgen.Ladder{}
		packets := l.Packets(hosts + tt.ladder)
		for n := 1; n < len(packets); n++ {
			write := func(name string, p []capgen.Packet) {
				if err := os.WriteFile(name, capgen.Pcap(p), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			write(one, packets[:n])
			write(two, packets[n:])
			r, err := capture.Open(context.Background(), []string{two, one}, capture.Options{})
			if err != nil {
				t.Fatal(err)
			}
			res, err := analysis.Run(context.Background(), r, analysis.Options{Calls: true})
			r.Close()
			if err != nil {
				t.Fatal(err)
			}
			if got := describeAll(res); !slices.Equal(got, tt.want) {
				t.Fatalf("%s, cut behind packet %d:\ngot  %s\nwant %s", tt.name, n, strings.Join(got, "\n     "), strings.Join(tt.want, "\n     "))
			}
		}
	}
}

// TestCallsRotated: calls that span several files are the same calls, whether the files are
// named in order, in another order, come over standard input, or are one file. The frames
// are those of their files.
func TestCallsRotated(t *testing.T) {
	text := `
		0    A > P INVITE id=a@x from=sip:one@x
		0.1  C > D INVITE id=b@x from=sip:two@x
		1    P > A 180 id=a@x
		1.1  D > C 180 id=b@x
		2    P > A 200 id=a@x
		2.1  D > C 486 id=b@x
		3    A > P ACK id=a@x
		3.1  C > D ACK id=b@x
		4    A > P BYE id=a@x
		5    P > A 200 id=a@x
		6    A > P REGISTER id=r@x
		7    P > A 200 id=r@x`
	l := capgen.Ladder{}
	packets := l.Packets(hosts + text)
	all := func(res *analysis.Result) (list []string) {
		list = describeAll(res)
		for r := range res.Registrations.All() {
			list = append(list, describeRegistration(r))
		}
		return list
	}
	want := all(run(t, capgen.Pcap(packets)))
	dir := t.TempDir()
	var names []string
	var parts [][]byte
	for i := 0; i < len(packets); i += 3 {
		parts = append(parts, capgen.Pcap(packets[i:i+3]))
		names = append(names, filepath.Join(dir, string(rune('a'+i))+".pcap"))
		if err := os.WriteFile(names[i/3], parts[i/3], 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, order := range [][]int{{0, 1, 2, 3}, {3, 1, 0, 2}} {
		for stdin := -1; stdin < len(parts); stdin++ {
			var files []string
			o := capture.Options{}
			for _, i := range order {
				if i == stdin {
					files = append(files, "-")
					o.Stdin = bytes.NewReader(parts[i])
				} else {
					files = append(files, names[i])
				}
			}
			r, err := capture.Open(context.Background(), files, o)
			if err != nil {
				t.Fatal(err)
			}
			res, err := analysis.Run(context.Background(), r, analysis.Options{Calls: true})
			r.Close()
			if err != nil {
				t.Fatal(err)
			}
			if got := all(res); !slices.Equal(got, want) {
				t.Errorf("files %v, %d over standard input:\ngot  %s\nwant %s", order, stdin, strings.Join(got, "\n     "), strings.Join(want, "\n     "))
			}
			first, last := res.Calls.At(0).First().First, res.Calls.At(0).First().LastFrame
			if first != (analysis.Frame{File: slices.Index(order, 0), Number: 1}) || last != (analysis.Frame{File: slices.Index(order, 3), Number: 1}) {
				t.Errorf("files %v, %d over standard input: the first call goes from %v to %v", order, stdin, first, last)
			}
		}
	}
}

// TestCallsShuffled: calls that go on at the same time do not disturb each other, whatever
// the order of packets that were captured at one time.
func TestCallsShuffled(t *testing.T) {
	text := `
		0    A > P INVITE id=a@x from=sip:one@x
		0    C > D INVITE id=b@x from=sip:two@x
		1    P > A 180 id=a@x
		1    D > C 180 id=b@x
		2    P > A 200 id=a@x
		2    D > C 486 id=b@x
		3    A > P ACK id=a@x
		3    C > D ACK id=b@x
		4    A > P BYE id=a@x
		4    C > D INVITE id=b@x
		5    P > A 200 id=a@x
		5    D > C 200 id=b@x`
	want := describeAll(analyze(t, capgen.Ladder{}, text))
	if len(want) != 2 {
		t.Fatalf("calls %q", want)
	}
	slices.Sort(want)
	l := capgen.Ladder{}
	packets := l.Packets(hosts + text)
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 50 {
		p := slices.Clone(packets)
		for i := 0; i+1 < len(p); i += 2 {
			if rnd.IntN(2) == 0 {
				p[i], p[i+1] = p[i+1], p[i]
			}
		}
		got := describeAll(run(t, capgen.Pcap(p)))
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Fatalf("got  %q\nwant %q", got, want)
		}
	}
}

// TestCallsTogether: many may read a result at one time. It says so only with the race
// detector.
func TestCallsTogether(t *testing.T) {
	text := "A = 10.0.0.1:5060\nB = 10.0.0.2:5060\n0 A > B INVITE id=a@x\n.1 B > A 200 id=a@x\n.2 A > B ACK id=a@x\n1 A > B BYE id=a@x\n1.1 B > A 200 id=a@x\n90 A > B ACK id=a@x\n2 A > B INVITE id=b@x\n"
	for _, steps := range []bool{false, true} {
		r, err := capture.NewReader(t.Context(), bytes.NewReader(new(capgen.Ladder).Pcap(text)), capture.Options{})
		if err != nil {
			t.Fatal(err)
		}
		res, err := analysis.Run(t.Context(), r, analysis.Options{Calls: true, Steps: steps})
		if err != nil || res.Calls.Len() != 2 {
			t.Fatal(err, res.Calls.Len())
		}
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() {
				for c := range res.Calls.All() {
					if l := c.First(); l.CallNumber() != c.ID || res.Calls.Leg(l.Index()).CallID != l.CallID {
						t.Errorf("call %d: a leg of %d", c.ID, l.CallNumber())
					}
				}
				for c := range res.Calls.Heads() {
					if got, want := c.First(), res.Calls.At(c.ID-1).First(); got.Last != want.Last || got.Messages != want.Messages || got.CallNumber() != c.ID {
						t.Errorf("the head of call %d is %+v in place of %+v", c.ID, got, want)
					}
				}
				n := 0
				for got := range res.Calls.Each() {
					want := res.Calls.At(n)
					n++
					for i, l := range want.Legs {
						if (len(l.Steps) > 0) != steps {
							t.Errorf("call %d with %d steps", n, len(l.Steps))
						}
						bare := *l
						bare.Steps = nil
						want.Legs[i] = &bare
					}
					if !reflect.DeepEqual(got, want) {
						t.Errorf("a reader gives %+v in place of %+v", got, want)
					}
				}
				if n != 2 {
					t.Errorf("%d calls", n)
				}
			})
		}
		all.Wait()
	}
}
