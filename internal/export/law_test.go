package export_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/sipsight/sipsight/internal/capgen"
	"github.com/sipsight/sipsight/internal/export"
)

// TestSameCalls holds that an export of all calls holds the same calls, in packets that are
// the same octet for octet, whatever carries them.
func TestSameCalls(t *testing.T) {
	ladder := func(l capgen.Ladder) []capgen.Packet { return l.Packets(call) }
	plain := ladder(capgen.Ladder{})
	rewrap := func(link uint16, wrap func(ip string) string) (list []capgen.Packet) {
		for _, p := range plain {
			list = append(list, capgen.Packet{Time: p.Time, Link: link, Data: wrap(ipOf(p.Data))})
		}
		return list
	}
	fragmented := func(list []capgen.Packet) (out []capgen.Packet) {
		for i, p := range list {
			for _, f := range capgen.Fragment(ipOf(p.Data), uint32(i), 200) {
				out = append(out, capgen.Packet{Time: p.Time, Link: p.Link, Data: capgen.Ether(f)})
			}
		}
		return out
	}
	backwards := func(list []capgen.Packet) []capgen.Packet { // fragments in the wrong order
		for i := 0; i < len(list); {
			n := i + 1
			for n < len(list) && list[n].Time.Equal(list[i].Time) {
				n++
			}
			slices.Reverse(list[i:n])
			i = n
		}
		return list
	}
	tests := map[string][]capgen.Packet{
		"UDP":                                 plain,
		"TCP":                                 ladder(capgen.Ladder{TCP: true}),
		"UDP over IPv6":                       ladder(capgen.Ladder{IPv6: true}),
		"TCP over IPv6":                       ladder(capgen.Ladder{TCP: true, IPv6: true}),
		"fragments":                           fragmented(plain),
		"fragments of IPv6":                   fragmented(ladder(capgen.Ladder{IPv6: true})),
		"segments in fragments":               fragmented(ladder(capgen.Ladder{TCP: true})),
		"fragments the other way":             backwards(fragmented(plain)),
		"segments in fragments the other way": backwards(fragmented(ladder(capgen.Ladder{TCP: true}))),
	}
	for _, x := range capgen.Tunnels() {
		tests["in "+x.Name] = rewrap(x.Link, x.Wrap)
	}
	for _, x := range capgen.Links() {
		tests["on "+x.Name] = rewrap(x.Type, x.Wrap)
	}
	for name, list := range tests {
		for _, pcap := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				in := packets(t, list)
				want := describe(in.analyze())
				if len(want) != 1 {
					t.Fatalf("the capture has %d calls", len(want))
				}
				out := in.export(export.Options{Pcap: pcap}, all)
				same(t, describe(out.analyze()), want)
				if got := len(numbers(in, out)); got < len(list)-1 { // a fragment that repeats another one may be left out
					t.Errorf("%d of %d packets are exported", got, len(list))
				}
			})
		}
	}
}

// TestRealCaptures is the same for the captures of this project, and where they are there,
// for those that are shared; each as a whole, and each of the first calls by itself.
func TestRealCaptures(t *testing.T) {
	names, _ := filepath.Glob("../../testdata/captures/*.pcap*")
	if dir := os.Getenv("SIPSIGHT_SHARED"); dir != "" {
		more, _ := filepath.Glob(filepath.Join(dir, "captures", "*.*cap*"))
		for _, name := range more {
			if st, err := os.Stat(name); err == nil && st.Size() < 4<<20 && filepath.Ext(name) != ".json" {
				names = append(names, name)
			}
		}
	} else {
		t.Log("SIPSIGHT_SHARED is not set: the captures of this project only")
	}
	calls := 0
	for _, name := range names {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(filepath.Base(name), func(t *testing.T) {
			in := readable(t, b)
			if in == nil {
				return // a text beside the captures
			}
			want := describe(in.analyze())
			if len(want) == 0 {
				return
			}
			out := in.export(export.Options{}, all)
			same(t, describe(out.analyze()), want)
			numbers(in, out)
			calls += len(want)
		})
	}
	if calls < 50 {
		t.Errorf("only %d calls were compared", calls)
	}
}
