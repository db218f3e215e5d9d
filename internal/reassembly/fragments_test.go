package reassembly_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sipsight/sipsight/internal/capgen"
	"github.com/sipsight/sipsight/internal/reassembly"
	"github.com/sipsight/sipsight/layers"
)

var (
	flow4 = capgen.NewFlow("192.0.2.1:5060", "192.0.2.2:5060")
	flow6 = capgen.NewFlow("[2001:db8::1]:5060", "[2001:db8::2]:5060")
)

// letters returns n octets, each unlike its neighbours.
func letters(n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte('!' + i%90)
	}
	return string(b)
}

// A table of fragments, which come a millisecond apart.
type table struct {
	testing.TB
	reassembly.Fragments
	frame layers.Frame
	n     int64
	got   []string // what was put together or given up
	whole int
}

func clock(n int64) time.Time { return capgen.Start.Add(time.Duration(n) * time.Millisecond) }

// add takes in fragments at their time and the time after it.
func (t *table) add(packets ...string) {
	for _, p := range packets {
		t.addAt(clock(t.n), p)
	}
}

func (t *table) addAt(now time.Time, packet string) {
	t.Helper()
	t.n++
	for {
		d := t.Expired(now)
		if d != nil && d.Awaited {
			t.Error("what is given up is said to be waited for")
		}
		if d == nil {
			break
		}
		t.tell(d)
	}
	in := []byte(packet)
	if err := t.frame.Decode(layers.Raw, 0, in); err != layers.ErrFragment {
		t.Fatalf("packet %d: %v", t.n, err)
	}
	if d := t.Add(&t.frame, []reassembly.Ref{{Frame: t.n, Order: t.n}}, now); d != nil {
		t.tell(d)
	}
	for i := range in { // nothing may be kept of it
		in[i] = 0xee
	}
}

func (t *table) tell(d *reassembly.Datagram) {
	if d.NoHead && len(d.Refs) == 0 {
		return // copies of one that is whole
	}
	if d.Missing == 0 {
		t.whole++
	}
	var frames []int64
	for _, r := range d.Refs {
		frames = append(frames, r.Frame)
	}
	payload := string(d.Payload)
	if len(payload) >= 8 && !d.NoHead {
		payload = payload[8:] // the UDP header
	}
	s := fmt.Sprintf("%s %v", short(payload), frames)
	for _, flag := range []struct {
		on   bool
		name string
	}{{d.Missing > 0, "missing"}, {d.NoHead, "no head"}, {d.Overlap, "overlap"}, {d.Conflict, "conflict"}, {d.Cut, "cut"}} {
		if flag.on {
			s += " " + flag.name
		}
	}
	t.got = append(t.got, s)
}

// short names a text by its length and by whether it is that of letters.
func short(s string) string {
	if s == letters(len(s)) {
		return fmt.Sprintf("letters %d", len(s))
	}
	if len(s) > 40 {
		return fmt.Sprintf("%d octets", len(s))
	}
	return fmt.Sprintf("%q", s)
}

// finish gives up the rest and compares.
func (t *table) finish(want ...string) {
	t.Helper()
	for d := t.Rest(); d != nil; d = t.Rest() {
		if !d.Awaited {
			t.Error("what is left is not said to be waited for")
		}
		t.tell(d)
	}
	if t.Waiting() {
		t.Error("something is still waiting")
	}
	if !slices.Equal(t.got, want) {
		t.Errorf("got\n\t%s\nwant\n\t%s", strings.Join(t.got, "\n\t"), strings.Join(want, "\n\t"))
	}
}

func TestFragments(t *testing.T) {
	datagram := flow4.UDP(letters(60))
	f := capgen.Fragment(datagram, 7, 24) // 24, 24 and 20 octets, of which 8 are the UDP header
	g := capgen.Fragment(flow4.UDP(strings.Repeat("=", 60)), 8, 24)
	other := capgen.Fragment(flow4.Back().UDP(letters(50)), 7, 24)
	v6 := capgen.Fragment(flow6.UDP(letters(60)), 7, 24)
	at := func(off int, more bool, part string) string {
		return capgen.FragmentAt(datagram[:20], 7, off, more, part)
	}
	whole := datagram[20:]
	tests := []struct {
		name string
		in   []string
		want []string
		st   reassembly.FragmentStats
	}{
		{name: "in order", in: f, want: []string{"letters 60 [1 2 3]"}},
		{name: "last first", in: []string{f[2], f[1], f[0]}, want: []string{"letters 60 [1 2 3]"}},
		{name: "the middle last", in: []string{f[2], f[0], f[1]}, want: []string{"letters 60 [1 2 3]"}},
		{name: "IPv6", in: []string{v6[1], v6[2], v6[0]}, want: []string{"letters 60 [1 2 3]"}},
		{name: "IPv6, another protocol in a later fragment", in: []string{v6[0], v6[1][:40] + "\x06" + v6[1][41:], v6[2]}, want: []string{"letters 60 [1 2 3]"}},
		{name: "fragments of eight octets", in: capgen.Fragment(datagram, 7, 8), want: []string{"letters 60 [1 2 3 4 5 6 7 8 9]"}},
		{name: "one twice", in: []string{f[0], f[0], f[1], f[2]}, want: []string{"letters 60 [1 3 4]"}, st: reassembly.FragmentStats{Duplicates: 1}},
		{name: "all twice, one behind the other", in: []string{f[0], f[0], f[1], f[1], f[2], f[2]}, want: []string{"letters 60 [1 3 5]"},
			st: reassembly.FragmentStats{Duplicates: 3}},
		{name: "all twice, the whole twice", in: slices.Concat(f, f), want: []string{"letters 60 [1 2 3]", "letters 60 [4 5 6]"}},
		{name: "no tail", in: f[:2], want: []string{"letters 40 [1 2] missing"}, st: reassembly.FragmentStats{Incomplete: 1}},
		{name: "no head", in: f[1:], want: []string{"letters 0 [1 2] missing no head"}, st: reassembly.FragmentStats{NoHead: 1}},
		{name: "no middle", in: []string{f[0], f[2]}, want: []string{"letters 16 [1 2] missing"}, st: reassembly.FragmentStats{Incomplete: 1}},
		{name: "cut by the capture", in: []string{f[0][:40], f[1][:40], f[2][:30]}, want: []string{"letters 12 [1 2 3] missing cut"}},
		{name: "cut in the end alone", in: []string{f[2][:30], f[0], f[1]}, want: []string{"letters 50 [1 2 3] missing cut"}},
		{name: "cut, and no middle", in: []string{f[0][:40], f[2]}, want: []string{"letters 12 [1 2] missing"}, st: reassembly.FragmentStats{Incomplete: 1}},
		{name: "cut, and no head", in: []string{f[1][:40], f[2]}, want: []string{"letters 0 [1 2] missing no head"}, st: reassembly.FragmentStats{NoHead: 1}},
		{name: "cut, all twice", in: []string{f[0][:40], f[0][:40], f[1][:40], f[1][:40], f[2][:30], f[2][:30]}, want: []string{"letters 12 [1 3 5] missing cut"},
			st: reassembly.FragmentStats{Duplicates: 3}},
		{name: "two datagrams at once", in: []string{f[0], g[0], g[2], f[2], f[1], g[1]}, want: []string{"letters 60 [1 4 5]", "60 octets [2 3 6]"}},
		{name: "the same id the other way", in: []string{f[0], other[0], f[1], other[1], other[2], f[2]}, want: []string{"letters 50 [2 4 5]", "letters 60 [1 3 6]"}},
		{name: "the same id in IPv4 and IPv6", in: []string{f[0], v6[0], f[1], v6[1], v6[2], f[2]}, want: []string{"letters 60 [2 4 5]", "letters 60 [1 3 6]"}},
		{name: "overlap", in: []string{at(0, true, whole[:32]), at(16, true, whole[16:48]), at(48, false, whole[48:])}, want: []string{"letters 60 [1 2 3] overlap"},
			st: reassembly.FragmentStats{Overlaps: 1}},
		{name: "overlap in front", in: []string{at(16, true, whole[16:48]), at(0, true, whole[:32]), at(48, false, whole[48:])}, want: []string{"letters 60 [1 2 3] overlap"},
			st: reassembly.FragmentStats{Overlaps: 1}},
		{name: "one around another", in: []string{at(24, true, whole[24:32]), at(0, true, whole[:48]), at(48, false, whole[48:])}, want: []string{"letters 60 [1 2 3] overlap"},
			st: reassembly.FragmentStats{Overlaps: 1}},
		{name: "conflict: the first counts", in: []string{at(0, true, whole[:48]), at(40, false, "XXXXXXXX"+whole[48:])}, want: []string{"letters 60 [1 2] overlap conflict"},
			st: reassembly.FragmentStats{Overlaps: 1, Conflicts: 1}},
		{name: "conflict in a copy", in: []string{f[0], f[1], at(24, true, strings.Repeat("X", 24)), f[2]}, want: []string{"letters 60 [1 2 4] overlap conflict"},
			st: reassembly.FragmentStats{Overlaps: 1, Conflicts: 1}},
		{name: "two ends: the first counts", in: []string{f[0], f[2], at(80, false, "beyond it"), f[1]}, want: []string{"letters 60 [1 2 3 4] overlap conflict"},
			st: reassembly.FragmentStats{Conflicts: 1}},
		{name: "octets behind the end, which came first", in: []string{f[0], at(80, true, letters(24)), f[2], f[1]}, want: []string{"letters 60 [1 2 3 4] overlap conflict"},
			st: reassembly.FragmentStats{Conflicts: 1}},
		{name: "beyond 65,535 octets", in: []string{at(65528, false, "12345678"), f[0]}, want: []string{"letters 16 [2] missing"},
			st: reassembly.FragmentStats{Invalid: 1, Incomplete: 1}},
		{name: "an empty fragment", in: []string{at(8, true, ""), f[0], f[1], f[2]}, want: []string{"letters 60 [2 3 4]"}},
		{name: "an empty end", in: []string{f[0], f[1], at(48, true, whole[48:64]), at(64, false, "")}, want: []string{"letters 56 [1 2 3]"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			tab := &table{TB: t}
			tab.add(test.in...)
			tab.finish(test.want...)
			if tab.Stats != test.st {
				t.Errorf("%+v, want %+v", tab.Stats, test.st)
			}
		})
	}
}

// TestFragmentsTime: a datagram is given up after a minute of the capture's time; a head
// with a known identification is another datagram after two seconds.
func TestFragmentsTime(t *testing.T) {
	f := capgen.Fragment(flow4.UDP(letters(60)), 7, 24)
	g := capgen.Fragment(flow4.UDP(letters(44)), 7, 24)
	last := capgen.Fragment(flow4.UDP(letters(44)), 9, 24)[0]
	s := func(n time.Duration) time.Time { return capgen.Start.Add(n) }
	t.Run("59 seconds late", func(t *testing.T) {
		tab := &table{TB: t}
		tab.addAt(s(0), f[0])
		tab.addAt(s(time.Second), f[1])
		tab.addAt(s(59*time.Second), f[2])
		tab.finish("letters 60 [1 2 3]")
	})
	t.Run("61 seconds late", func(t *testing.T) {
		tab := &table{TB: t}
		tab.addAt(s(0), f[0])
		tab.addAt(s(time.Second), f[1])
		tab.addAt(s(61*time.Second), f[2])
		tab.finish("letters 40 [1 2] missing", "letters 0 [3] missing no head")
	})
	t.Run("the id is used again", func(t *testing.T) {
		tab := &table{TB: t}
		tab.addAt(s(0), f[0])
		tab.addAt(s(3*time.Second), g[0])
		tab.addAt(s(3*time.Second), g[1])
		tab.addAt(s(3*time.Second), g[2])
		tab.finish("letters 16 [1] missing", "letters 44 [2 3 4]")
	})
	t.Run("the id is used again within two seconds", func(t *testing.T) {
		tab := &table{TB: t}
		tab.addAt(s(0), f[0])
		tab.addAt(s(300*time.Millisecond), f[0]) // the same again
		tab.addAt(s(1500*time.Millisecond), g[0][:len(g[0])-8]+"another.")
		tab.addAt(s(1500*time.Millisecond), g[1])
		tab.addAt(s(1500*time.Millisecond), g[2])
		tab.finish("letters 16 [1] missing", "44 octets [3 4 5]")
	})
	t.Run("the id is used again, behind a stray tail", func(t *testing.T) {
		tab := &table{TB: t}
		tab.addAt(s(0), f[2])
		tab.addAt(s(20*time.Second), g[0])
		tab.addAt(s(20*time.Second), g[1])
		tab.addAt(s(20*time.Second), g[2])
		tab.finish("letters 0 [1] missing no head", "letters 44 [2 3 4]")
	})
	t.Run("time goes back", func(t *testing.T) {
		tab := &table{TB: t}
		tab.addAt(s(0), f[0])
		tab.addAt(s(-time.Hour), f[1])
		tab.addAt(s(time.Second), f[2])
		tab.addAt(s(2*time.Second), last)
		tab.finish("letters 60 [1 2 3]", "letters 16 [4] missing")
	})
	t.Run("the first ones have no time", func(t *testing.T) {
		tab := &table{TB: t}
		tab.addAt(time.Time{}, f[0])
		tab.addAt(time.Time{}, last)
		tab.addAt(s(0), f[2])
		tab.addAt(s(time.Second), f[1])
		tab.addAt(s(2*time.Second), f[1])
		tab.addAt(s(70*time.Second), f[2])
		tab.finish("letters 60 [1 3 4]", "letters 16 [2] missing", "letters 0 [6] missing no head")
	})
	t.Run("several without a time wait as long as one", func(t *testing.T) {
		tab := &table{TB: t}
		for id := range uint32(3) {
			tab.addAt(time.Time{}, capgen.Fragment(flow4.UDP(letters(60)), 10+id, 24)[0])
		}
		tab.addAt(s(0), f[2])
		tab.addAt(s(70*time.Second), g[0])
		if len(tab.got) != 4 {
			t.Errorf("%q", tab.got)
		}
		tab.finish("letters 16 [1] missing", "letters 16 [2] missing", "letters 16 [3] missing", "letters 0 [4] missing no head", "letters 16 [5] missing")
	})
	t.Run("fragments of a whole one, captured again later", func(t *testing.T) {
		tab := &table{TB: t}
		tab.add(f[0], f[0], f[1], f[2], f[1], f[2])
		tab.finish("letters 60 [1 3 4]")
		if tab.Stats != (reassembly.FragmentStats{Duplicates: 3}) {
			t.Errorf("%+v", tab.Stats)
		}
	})
}

// TestFragmentsLimits: the table has limits in number and in octets; the oldest is given up
// and counted, and all others are there.
func TestFragmentsLimits(t *testing.T) {
	t.Run("datagrams", func(t *testing.T) {
		tab := &table{TB: t}
		var tails []string
		for i := range 5000 {
			f := capgen.Fragment(flow4.UDP(letters(40)), uint32(i), 24)
			tab.addAt(capgen.Start, f[0])
			tails = append(tails, f[1])
		}
		for i, tail := range tails {
			if i >= 1000 {
				tab.addAt(capgen.Start, tail)
			}
		}
		if tab.whole != 4000 {
			t.Errorf("%d datagrams are whole, want 4000", tab.whole)
		}
		if tab.Stats.Evicted != 904 || tab.Stats.Incomplete != 904 {
			t.Errorf("%+v", tab.Stats)
		}
	})
	t.Run("octets", func(t *testing.T) {
		tab := &table{TB: t}
		big := strings.Repeat("x", 60000)
		for i := range 1000 {
			tab.addAt(capgen.Start, capgen.Fragment(flow4.UDP(big), uint32(i), 59992)[0])
		}
		if n := tab.Stats.Evicted; n < 440 || n > 445 { // 32 MiB hold 558
			t.Errorf("%d evicted", n)
		}
	})
	t.Run("octets of what was whole already", func(t *testing.T) {
		tab := &table{TB: t}
		big := strings.Repeat("x", 60000)
		for i := range 1000 {
			f := capgen.Fragment(flow4.UDP(big), uint32(i), 59992)
			for _, p := range []string{f[0], f[1], f[1]} { // it is kept for the copy of its end
				tab.addAt(capgen.Start, p)
			}
		}
		if n := tab.Stats.Evicted; n < 440 || n > 445 || tab.whole != 1000 {
			t.Errorf("%d evicted, %d whole", n, tab.whole)
		}
	})
	t.Run("octets of small fragments", func(t *testing.T) {
		tab := &table{TB: t}
		for i := range 400 {
			for _, p := range capgen.Fragment(flow4.UDP(strings.Repeat("x", 8*900)), uint32(i), 8)[:900] {
				tab.addAt(capgen.Start, p)
			}
		}
		if n := tab.Stats.Evicted; n < 150 || n > 200 { // they cost twenty times what they hold
			t.Errorf("%d evicted", n)
		}
	})
	t.Run("fragments of one datagram", func(t *testing.T) {
		tab := &table{TB: t}
		for _, p := range capgen.Fragment(flow4.UDP(letters(8*1100)), 7, 8) {
			tab.addAt(capgen.Start, p)
		}
		tab.finish(fmt.Sprintf("letters %d %v missing", 8*1024-8, count(1024)))
		if tab.Stats.Refused != 77 {
			t.Errorf("%+v", tab.Stats)
		}
	})
}

func count(n int) (list []int64) {
	for i := range n {
		list = append(list, int64(i+1))
	}
	return list
}

// TestFragmentsLaw: a datagram is the same however it was cut, in whatever order its
// fragments come and whichever of them come twice, with others in between.
func TestFragmentsLaw(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for round := range 300 {
		var packets []string
		var sizes []int
		for i := range 4 {
			n := 40 + r.IntN(3000)
			fl := flow4
			if r.IntN(2) == 0 {
				fl = flow6
			}
			list := capgen.Fragment(fl.UDP(letters(n)), uint32(round*4+i), 8*(1+r.IntN(30)))
			if len(list) == 1 {
				continue
			}
			sizes = append(sizes, n)
			packets = append(packets, list...)
			if r.IntN(2) == 0 {
				packets = append(packets, list[r.IntN(len(list))])
			}
		}
		r.Shuffle(len(packets), func(i, j int) { packets[i], packets[j] = packets[j], packets[i] })
		tab := &table{TB: t}
		tab.add(packets...)
		for d := tab.Rest(); d != nil; d = tab.Rest() {
			tab.tell(d)
		}
		if tab.whole != len(sizes) || len(tab.got) != len(sizes) {
			t.Fatalf("round %d: %d of %d are whole: %q", round, tab.whole, len(sizes), tab.got)
		}
		for _, n := range sizes {
			if !slices.ContainsFunc(tab.got, func(s string) bool { return strings.HasPrefix(s, fmt.Sprintf("letters %d [", n)) }) {
				t.Fatalf("round %d: no datagram of %d octets: %q", round, n, tab.got)
			}
		}
	}
}
