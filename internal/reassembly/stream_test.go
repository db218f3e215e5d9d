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
)

// A sink writes down what a stream gives it: the octets, "_" for a gap, and the flags.
type sink struct {
	text  strings.Builder
	gaps  []int64
	refs  []int64
	flags []reassembly.Flags
}

func (s *sink) Data(b []byte, ref reassembly.Ref, _ time.Time, f reassembly.Flags) {
	s.text.Write(b)
	s.refs = append(s.refs, ref.Frame)
	s.flags = append(s.flags, f)
}

func (s *sink) Gap(n int64) {
	s.text.WriteByte('_')
	s.gaps = append(s.gaps, n)
}

// A seg is one thing that happens to a stream.
type seg struct {
	seq  uint32
	data string
	at   time.Duration
	ack  uint32 // of the other side, if not 0
	skip int    // octets cut off by the snaplen
}

// play gives segments to a stream that begins with start, if that is not nil.
func play(start *uint32, segs []seg) (*sink, *reassembly.Stream, reassembly.StreamStats) {
	var s reassembly.Stream
	var st reassembly.StreamStats
	out := new(sink)
	if start != nil {
		s.Start(*start)
	}
	for i, g := range segs {
		now := capgen.Start.Add(g.at)
		if g.ack != 0 {
			s.Ack(g.ack)
			s.CheckGap(now, &st, out)
		}
		if g.data != "" {
			in := []byte(g.data)
			s.Add(g.seq, in, reassembly.Ref{Frame: int64(i + 1), Order: int64(i + 1)}, now, &st, out)
			for k := range in { // nothing may be kept of it
				in[k] = '#'
			}
		}
		if g.skip > 0 {
			s.Skip(g.seq+uint32(len(g.data)), g.skip, &st, out)
		}
	}
	return out, &s, st
}

func TestStream(t *testing.T) {
	const (
		re, ov, co = reassembly.Reordered, reassembly.Overlapped, reassembly.Conflicting
		ms, sec    = time.Millisecond, time.Second
	)
	seq := func(n uint32) *uint32 { return &n }
	tests := []struct {
		name  string
		start *uint32
		in    []seg
		want  string // after a flush
		refs  []int64
		flags []reassembly.Flags
		wait  int // octets that wait before the flush
		st    reassembly.StreamStats
	}{
		{name: "in order", start: seq(100), in: []seg{{seq: 100, data: "abc"}, {seq: 103, data: "def"}}, want: "abcdef", refs: []int64{1, 2}},
		{name: "from the middle", in: []seg{{seq: 100, data: "abc"}, {seq: 103, data: "def"}}, want: "abcdef", refs: []int64{1, 2}},
		{name: "retransmission", in: []seg{{seq: 100, data: "abc"}, {seq: 100, data: "abc"}, {seq: 103, data: "def"}}, want: "abcdef", refs: []int64{1, 3},
			st: reassembly.StreamStats{Retransmitted: 1}},
		{name: "keepalive of one old octet", in: []seg{{seq: 100, data: "abc"}, {seq: 102, data: "\x00"}, {seq: 103, data: "def"}}, want: "abcdef", refs: []int64{1, 3}},
		{name: "1, 3, 2, 4", start: seq(100), in: []seg{{seq: 100, data: "ab"}, {seq: 104, data: "ef"}, {seq: 102, data: "cd"}, {seq: 106, data: "gh"}}, want: "abcdefgh",
			refs: []int64{1, 3, 2, 4}, flags: []reassembly.Flags{0, re, re, 0}, st: reassembly.StreamStats{Reordered: 1}},
		{name: "backwards", start: seq(100), in: []seg{{seq: 104, data: "ef"}, {seq: 102, data: "cd"}, {seq: 100, data: "ab"}}, want: "abcdef",
			refs: []int64{3, 2, 1}, flags: []reassembly.Flags{re, re, re}, st: reassembly.StreamStats{Reordered: 2}},
		{name: "overlap with what was given out", start: seq(100), in: []seg{{seq: 100, data: "abcd"}, {seq: 102, data: "cdef"}}, want: "abcdef",
			flags: []reassembly.Flags{0, ov}, st: reassembly.StreamStats{Overlaps: 1}},
		{name: "overlap with what waits", start: seq(100), in: []seg{{seq: 103, data: "def"}, {seq: 100, data: "abcde"}}, want: "abcdef",
			flags: []reassembly.Flags{re, re | ov}, st: reassembly.StreamStats{Reordered: 1, Overlaps: 1}},
		{name: "overlap on both sides of what waits", start: seq(100), in: []seg{{seq: 103, data: "d"}, {seq: 100, data: "abcdef"}}, want: "abcdef", refs: []int64{2, 1, 2},
			flags: []reassembly.Flags{re, re | ov, re | ov}, st: reassembly.StreamStats{Reordered: 1, Overlaps: 1}},
		{name: "conflict: the first counts", start: seq(100), in: []seg{{seq: 103, data: "def"}, {seq: 103, data: "DEFG"}, {seq: 100, data: "abc"}}, want: "abcdefG",
			flags: []reassembly.Flags{re, re | ov | co, re | ov}, st: reassembly.StreamStats{Reordered: 2, Overlaps: 1, Conflicts: 1}},
		{name: "what waits comes again", start: seq(100), in: []seg{{seq: 103, data: "def"}, {seq: 103, data: "def"}, {seq: 100, data: "abc"}}, want: "abcdef",
			flags: []reassembly.Flags{re, re}, st: reassembly.StreamStats{Reordered: 1, Retransmitted: 1}},
		{name: "over the end of the sequence numbers", start: seq(0xfffffffd), in: []seg{{seq: 0xfffffffd, data: "abcdef"}, {seq: 3, data: "ghi"}}, want: "abcdefghi"},
		{name: "reordered over the end of the sequence numbers", start: seq(0xfffffffd), in: []seg{{seq: 3, data: "ghi"}, {seq: 0xfffffffd, data: "abcdef"}}, want: "abcdefghi",
			flags: []reassembly.Flags{re, re}, st: reassembly.StreamStats{Reordered: 1}},
		{name: "lost, nothing known", start: seq(100), in: []seg{{seq: 103, data: "def"}, {seq: 106, data: "ghi", at: 9 * sec}}, want: "_defghi", wait: 6,
			flags: []reassembly.Flags{0, 0}, st: reassembly.StreamStats{Gaps: 1}},
		{name: "lost for ten seconds", start: seq(100), in: []seg{{seq: 103, data: "def"}, {seq: 106, data: "ghi", at: 11 * sec}}, want: "_defghi",
			flags: []reassembly.Flags{0, 0}, st: reassembly.StreamStats{Gaps: 1}},
		{name: "acknowledged, and a moment later", start: seq(100), in: []seg{{seq: 103, data: "def"}, {ack: 106, at: 100 * ms}, {seq: 100, data: "abc", at: 150 * ms}}, want: "abcdef",
			flags: []reassembly.Flags{re, re}, st: reassembly.StreamStats{Reordered: 1}},
		{name: "acknowledged, lost to the capture", start: seq(100), in: []seg{{seq: 103, data: "def"}, {ack: 106, at: 300 * ms}, {seq: 106, data: "ghi", at: 301 * ms}}, want: "_defghi",
			flags: []reassembly.Flags{0, 0}, st: reassembly.StreamStats{Gaps: 1}},
		{name: "not acknowledged, and sent again", start: seq(100), in: []seg{{seq: 103, data: "def"}, {ack: 100, at: 300 * ms}, {seq: 100, data: "abc", at: 3 * sec}}, want: "abcdef",
			flags: []reassembly.Flags{re, re}, st: reassembly.StreamStats{Reordered: 1}},
		{name: "two places", start: seq(100), in: []seg{{seq: 100, data: "a"}, {seq: 102, data: "c"}, {seq: 104, data: "e"}}, want: "a_c_e", wait: 2,
			st: reassembly.StreamStats{Gaps: 2}},
		{name: "lost, and what is behind it came backwards", start: seq(100), in: []seg{{seq: 106, data: "ghi"}, {seq: 103, data: "def"}, {seq: 109, data: "jkl"}}, want: "_defghijkl", wait: 9,
			flags: []reassembly.Flags{0, re, 0}, st: reassembly.StreamStats{Reordered: 1, Gaps: 1}},
		{name: "cut by the snaplen", start: seq(100), in: []seg{{seq: 100, data: "abc", skip: 7}, {seq: 110, data: "klm"}}, want: "abc_klm", st: reassembly.StreamStats{Gaps: 1}},
		{name: "cut by the snaplen, and sent again", start: seq(100), in: []seg{{seq: 100, data: "abc", skip: 7}, {seq: 100, data: "abc", skip: 7}, {seq: 100, data: "a", skip: 9}, {seq: 110, data: "klm"}}, want: "abc_klm",
			st: reassembly.StreamStats{Gaps: 1, Retransmitted: 1}},
		{name: "cut by the snaplen, far from the stream", start: seq(100), in: []seg{{seq: 100, data: "abc"}, {seq: 1 << 30, data: "x", skip: 7}, {seq: 103, data: "def"}}, want: "abcdef", st: reassembly.StreamStats{Stray: 1}},
		{name: "cut by the snaplen behind a gap", start: seq(100), in: []seg{{seq: 105, data: "fg", skip: 2}, {seq: 100, data: "abcde"}, {seq: 109, data: "jk"}}, want: "abcdefg_jk", wait: 2,
			st: reassembly.StreamStats{Reordered: 1, Gaps: 1}},
		{name: "a stray segment", start: seq(100), in: []seg{{seq: 100, data: "abc"}, {seq: 1 << 30, data: "far away"}, {seq: 103, data: "def"}}, want: "abcdef",
			st: reassembly.StreamStats{Stray: 1}},
		{name: "stray segments, not one behind the other", start: seq(100), in: []seg{{seq: 100, data: "a"}, {seq: 1 << 30, data: "x"}, {seq: 101, data: "b"}, {seq: 1 << 30, data: "x"}, {seq: 102, data: "c"}, {seq: 1 << 30, data: "x"}, {seq: 103, data: "d"}},
			want: "abcd", st: reassembly.StreamStats{Stray: 3}},
		{name: "another stream", start: seq(100), in: []seg{{seq: 100, data: "abc"}, {seq: 1 << 30, data: "lost"}, {seq: 1<<30 + 4, data: "lost too"}, {seq: 1<<30 + 12, data: "new"}, {seq: 1<<30 + 15, data: "er"}},
			want: "abc_lostlost toonewer", refs: []int64{1, 2, 3, 4, 5}, st: reassembly.StreamStats{Stray: 3, Gaps: 1}},
		{name: "another stream, out of order", start: seq(100), in: []seg{{seq: 100, data: "abc"}, {seq: 1<<30 + 2, data: "cd"}, {seq: 1 << 30, data: "ab"}, {seq: 1<<30 + 6, data: "gh"}, {seq: 1<<30 + 4, data: "ef"}},
			want: "abc_abcdefgh", st: reassembly.StreamStats{Stray: 3, Gaps: 1, Reordered: 2}},
		{name: "two stray segments, and two elsewhere", start: seq(100), in: []seg{{seq: 100, data: "abc"}, {seq: 1 << 30, data: "x"}, {seq: 1<<30 + 1, data: "y"}, {seq: 1 << 31, data: "z"}, {seq: 1<<31 + 1, data: "z"}, {seq: 103, data: "def"}},
			want: "abcdef", st: reassembly.StreamStats{Stray: 4}},
		{name: "three other streams, of a segment, of two, and of one", start: seq(100), in: []seg{{seq: 100, data: "abc"}, {seq: 1 << 30, data: "d", at: sec}, {seq: 1 << 31, data: "e", at: 2 * sec},
			{seq: 1<<31 + 1, data: "f", at: 2 * sec}, {seq: 3 << 30, data: "g", at: 3 * sec}, {seq: 3<<30 + 1, data: "h", at: 3 * sec}, {seq: 3<<30 + 2, data: "i", at: 3 * sec}},
			want: "abc_d_ef_ghi", st: reassembly.StreamStats{Stray: 6, Gaps: 3}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			out, s, st := play(test.start, test.in)
			if s.Pending() != test.wait {
				t.Errorf("%d octets wait, want %d", s.Pending(), test.wait)
			}
			s.Flush(&st, out)
			if out.text.String() != test.want || s.Pending() != 0 {
				t.Errorf("%q, want %q", out.text.String(), test.want)
			}
			if test.refs != nil && !slices.Equal(out.refs, test.refs) {
				t.Errorf("packets %v, want %v", out.refs, test.refs)
			}
			if test.flags != nil && !slices.Equal(out.flags, test.flags) {
				t.Errorf("flags %b, want %b", out.flags, test.flags)
			}
			if st != test.st {
				t.Errorf("%+v, want %+v", st, test.st)
			}
		})
	}
}

// TestStreamWindow: what is further ahead than a window is none of the stream's.
func TestStreamWindow(t *testing.T) {
	start := uint32(0xfff00000)
	out, s, st := play(&start, []seg{{seq: start + 4<<20, data: "in it"}, {seq: start + 4<<20 + 1, data: "behind it"}})
	if s.Pending() != 5+9 || st.Stray != 1 || out.text.Len() != 0 { // another stream may begin with it
		t.Errorf("%d octets wait, %+v", s.Pending(), st)
	}
}

// TestStreamLimits: what waits is bounded in segments and in octets, and then the missing
// octets are given up.
func TestStreamLimits(t *testing.T) {
	for _, c := range []struct {
		name         string
		size, before int
	}{
		{"segments", 10, 64},
		{"octets", 8 << 10, 32},
	} {
		t.Run(c.name, func(t *testing.T) {
			start := uint32(0)
			var list []seg
			for i := range c.before {
				list = append(list, seg{seq: uint32(1 + i*c.size), data: strings.Repeat("x", c.size)})
			}
			out, s, _ := play(&start, list)
			if out.text.Len() != 0 || s.Pending() != c.before*c.size {
				t.Errorf("%d octets are out, %d wait", out.text.Len(), s.Pending())
			}
			list = append(list, seg{seq: uint32(1 + c.before*c.size), data: "x"})
			out, s, st := play(&start, list)
			if out.text.Len() != 1+c.before*c.size+1 || s.Pending() != 0 || st.Gaps != 1 {
				t.Errorf("%d octets are out, %d wait, %+v", out.text.Len(), s.Pending(), st)
			}
		})
	}
}

func TestStreamStart(t *testing.T) {
	var s reassembly.Stream
	var st reassembly.StreamStats
	out := new(sink)
	if s.Started() || s.IsStart(0) || s.Reached(0) {
		t.Error("a stream without a segment has started")
	}
	s.Start(0xfffffffe)
	s.Add(0xfffffffe, []byte("abcdef"), reassembly.Ref{}, capgen.Start, &st, out)
	if !s.Started() || !s.IsStart(0xfffffffe) || s.IsStart(0) || s.IsStart(4) {
		t.Error("the start is where it was not")
	}
	for seq, want := range map[uint32]bool{0xfffffffe: true, 0: true, 4: true, 5: false, 1 << 30: false} {
		if s.Reached(seq) != want {
			t.Errorf("Reached(%d) is %t", seq, !want)
		}
	}
}

// TestStreamLaw: octets come out as they went in, whatever segments carry them, in whatever
// order as long as it is within the limits, whichever of them come twice or overlap.
func TestStreamLaw(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for round := range 500 {
		text := letters(1 + r.IntN(2000))
		start := r.Uint32()
		var list []seg
		for at := 0; at < len(text); {
			n := min(1+r.IntN(100), len(text)-at)
			lo, hi := max(0, at-r.IntN(5)), min(len(text), at+n+r.IntN(5))
			list = append(list, seg{seq: start + uint32(lo), data: text[lo:hi]})
			if r.IntN(5) == 0 {
				list = append(list, list[len(list)-1])
			}
			at += n
		}
		for i := range list { // shuffled within a few places
			j := min(len(list)-1, i+r.IntN(6))
			list[i], list[j] = list[j], list[i]
		}
		out, s, st := play(&start, list)
		if out.text.String() != text || s.Pending() != 0 || st.Gaps+st.Conflicts+st.Stray != 0 {
			t.Fatalf("round %d: %s, want letters %d; %d wait, %+v", round, short(out.text.String()), len(text), s.Pending(), st)
		}
	}
}

// TestStreamGapsLaw: where segments are missing, what is there comes out in order with a gap
// of the right length for each hole.
func TestStreamGapsLaw(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for round := range 500 {
		text := letters(200 + r.IntN(2000))
		start := r.Uint32()
		var list []seg
		var want strings.Builder
		var gaps []int64
		lost := int64(0)
		for at := 0; at < len(text); {
			n := min(1+r.IntN(100), len(text)-at)
			if r.IntN(4) == 0 {
				lost += int64(n)
			} else {
				if lost > 0 {
					gaps = append(gaps, lost)
					want.WriteByte('_')
					lost = 0
				}
				want.WriteString(text[at : at+n])
				list = append(list, seg{seq: start + uint32(at), data: text[at : at+n]})
			}
			at += n
		}
		for i := range list {
			j := min(len(list)-1, i+r.IntN(3))
			list[i], list[j] = list[j], list[i]
		}
		out, s, st := play(&start, list)
		s.Flush(&st, out)
		if out.text.String() != want.String() || !slices.Equal(out.gaps, gaps) {
			t.Fatalf("round %d: gaps %v, want %v\n%s\n%s", round, out.gaps, gaps, out.text.String(), want.String())
		}
	}
}

func ExampleStream() {
	var s reassembly.Stream
	var st reassembly.StreamStats
	out := new(sink)
	s.Start(1)
	s.Add(7, []byte("world"), reassembly.Ref{Order: 1}, capgen.Start, &st, out)
	s.Add(1, []byte("hello "), reassembly.Ref{Order: 2}, capgen.Start, &st, out)
	fmt.Println(out.text.String(), st.Reordered)
	// Output: hello world 1
}

// TestStreamPass: what is stepped over is as if it had been given out, and only the next octets can be, where nothing waits.
func TestStreamPass(t *testing.T) {
	start := uint32(1<<32 - 3)
	out, s, st := play(&start, []seg{{seq: start, data: "ab"}})
	if !s.IsNext(start+2) || s.IsNext(start+1) || s.IsNext(start+3) {
		t.Errorf("next: %v, the one before %v, the one behind %v", s.IsNext(start+2), s.IsNext(start+1), s.IsNext(start+3))
	}
	s.Pass(4)
	if s.Add(start+6, []byte("gh"), reassembly.Ref{Frame: 2, Order: 2}, capgen.Start, &st, out); out.text.String() != "abgh" || !s.IsStart(start) {
		t.Errorf("%q, from the start %v", out.text.String(), s.IsStart(start))
	}
	for _, c := range []struct {
		name string
		last seg
	}{
		{"an octet is missing", seg{seq: start + 9, data: "j"}},
		{"far from the stream", seg{seq: start + 1<<24, data: "x"}},
	} {
		_, s, _ := play(&start, []seg{{seq: start, data: "abcdefgh"}, c.last})
		if s.IsNext(start + 8) {
			t.Errorf("%s: the next octets are taken without a look at what waits", c.name)
		}
	}
	if new(reassembly.Stream).IsNext(0) {
		t.Error("a stream that has not begun")
	}
}

// TestStreamEnd: the last segments, far from the stream, are of another one on the same ports, however few they are.
func TestStreamEnd(t *testing.T) {
	start := uint32(100)
	const far = 1 << 24
	out, s, st := play(&start, []seg{{seq: 100, data: "ab"}, {seq: far + 3, data: "yz"}, {seq: far, data: "vwx"}})
	if out.text.String() != "ab" || s.Pending() != 5 {
		t.Errorf("%q, %d octets wait", out.text.String(), s.Pending())
	}
	if s.End(&st, out); out.text.String() != "ab_vwxyz" || s.Pending() != 0 {
		t.Errorf("%q, %d octets wait at the end", out.text.String(), s.Pending())
	}
	out, s, st = play(&start, []seg{{seq: 100, data: "ab"}, {seq: 103, data: "d"}})
	if s.End(&st, out); out.text.String() != "ab_d" {
		t.Errorf("%q", out.text.String())
	}
}

// TestGoOn: what two streams have waited for long enough is given out in the order in which it came, behind one hole or several,
// whichever stream is named first. Where one of them has not, both go on to wait.
func TestGoOn(t *testing.T) {
	for _, turned := range []bool{false, true} {
		var out sink
		var st reassembly.StreamStats
		var a, b reassembly.Stream
		a.Start(100)
		b.Start(500)
		add := func(s *reassembly.Stream, seq uint32, data string, at time.Duration) {
			s.Add(seq, []byte(data), reassembly.Ref{Order: int64(data[1])}, capgen.Start.Add(at), &st, &out)
		}
		add(&a, 103, "a1", 0)
		add(&b, 503, "b2", time.Second)
		add(&b, 505, "b3", time.Second)
		add(&a, 105, "a4", time.Second)
		add(&a, 108, "a5", time.Second)
		x, y := &a, &b
		if turned {
			x, y = y, x
		}
		if reassembly.GoOn(x, y, capgen.Start.Add(10500*time.Millisecond), &st, &out, &out); out.text.String() != "" {
			t.Errorf("%q, though the one has not waited", out.text.String())
		}
		if reassembly.GoOn(x, y, capgen.Start.Add(12*time.Second), &st, &out, &out); out.text.String() != "_a1_b2b3a4" {
			t.Errorf("%q", out.text.String())
		}
		if a.CheckGap(capgen.Start.Add(12*time.Second), &st, &out); out.text.String() != "_a1_b2b3a4_a5" || st.Gaps != 3 || st.Reordered != 0 {
			t.Errorf("%q, %+v", out.text.String(), st)
		}
	}
}

// TestStreamHolds: what waits is told by where it is, and has its cost.
func TestStreamHolds(t *testing.T) {
	start := uint32(100)
	_, none, _ := play(&start, []seg{{seq: 100, data: "ab"}})
	_, s, _ := play(&start, []seg{{seq: 100, data: "ab"}, {seq: 103, data: "d"}})
	if !s.Holds(103, 104) || s.Holds(102, 104) || s.Holds(103, 105) || none.Cost() != 0 || s.Cost() <= 1 {
		t.Errorf("holds %v, costs %d", s.Holds(103, 104), s.Cost())
	}
}

func TestInOrder(t *testing.T) {
	ref := func(n int64) reassembly.Ref { return reassembly.Ref{Frame: n, Order: n} }
	for _, c := range [][2][]reassembly.Ref{
		{{ref(1), ref(2), ref(3)}, {ref(1), ref(2), ref(3)}},
		{{ref(3), ref(1), ref(2), ref(1)}, {ref(1), ref(2), ref(3)}},
		{{ref(2), ref(2)}, {ref(2)}},
		{nil, nil},
	} {
		if got := reassembly.InOrder(slices.Clone(c[0])); !slices.Equal(got, c[1]) {
			t.Errorf("%v: %v, want %v", c[0], got, c[1])
		}
	}
}
