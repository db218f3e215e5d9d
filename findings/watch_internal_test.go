package findings

import (
	"bytes"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/capture"
	"github.com/sipsight/sipsight/internal/capgen"
)

var begin = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// healthy returns the watch of an address-of-record that was challenged and accepted.
func healthy(h *hosts) watch {
	from := netip.MustParseAddrPort("10.0.0.1:5062")
	w := watch{}
	a := &w.storm
	a.place, a.source, a.inMinute, a.granted, a.at = 7, h.number(from.Addr()), 3, 600, begin
	a.take(begin, analysis.Frame{File: 1, Number: 40})
	a.from(a.source)
	a.contacts = []stormContact{{uri: 11, source: a.source, n: 1, since: begin, last: begin, granted: 600, frames: a.frames}}
	w.register.place = 7
	w.register.granted = []grant{{uri: 11, callID: 12, at: begin.Add(5 * time.Millisecond), until: begin.Add(5*time.Millisecond + 600*time.Second), seconds: 600, frame: analysis.Frame{File: 1, Number: 43}, cseq: 99}}
	w.flap.place = 7
	w.flap.list = []flapBinding{{key: 13, callID: 12, first: analysis.Frame{File: 1, Number: 38}, source: from}}
	return w
}

// TestWatchSlot: a slot holds the watch of an address-of-record of which nothing is odd, and knows
// that it does not hold any other.
func TestWatchSlot(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(*watch)
		want   bool
	}{
		{"accepted", func(*watch) {}, true},
		{"never seen", func(w *watch) { *w = watch{} }, true},
		{"challenged", func(w *watch) {
			w.storm.count, w.storm.granted, w.storm.at, w.register.granted = count{}, 0, time.Time{}, nil
			w.storm.sender, w.storm.lead = 0, 0
			w.storm.contacts = []stormContact{{uri: 11}}
		}, true},
		{"refreshed", func(w *watch) { w.register.granted[0].tried = true }, true},
		{"late, and a star", func(w *watch) { w.register.late, w.register.star = true, true }, true},
		{"not followed by every rule", func(w *watch) { w.register, w.flap = registerWatch{}, flapAOR{} }, true},
		{"followed by a rule later", func(w *watch) { w.register.place = 8 }, false},
		{"two contacts", func(w *watch) { w.storm.contacts = append(w.storm.contacts, stormContact{uri: 14}) }, false},
		{"another contact", func(w *watch) { w.register.granted[0].uri = 14 }, false},
		{"another Call-ID", func(w *watch) { w.flap.list[0].callID = 14 }, false},
		{"another port", func(w *watch) { w.flap.list[0].source = netip.MustParseAddrPort("10.0.0.1:5063") }, true},
		{"registered from another address before", func(w *watch) { w.storm.source-- }, false},
		{"another address", func(w *watch) { w.flap.list[0].source = netip.MustParseAddrPort("10.0.0.2:5062") }, false},
		{"two bindings", func(w *watch) { w.flap.list = append(w.flap.list, w.flap.list[0]) }, false},
		{"two grants", func(w *watch) { w.register.granted = append(w.register.granted, w.register.granted[0]) }, false},
		{"another grant", func(w *watch) { w.register.granted[0].seconds = 60 }, false},
		{"refused", func(w *watch) { w.register.refused = new(refusedRegister) }, false},
		{"too brief", func(w *watch) { w.register.brief = new(briefGrant) }, false},
		{"a storm", func(w *watch) { w.storm.worst, w.storm.most = new(Finding), 11 }, false},
		{"accepted twice", func(w *watch) { w.storm.contacts[0].n = 2 }, false},
		{"twice in a minute", func(w *watch) { w.storm.take(begin.Add(time.Second), analysis.Frame{Number: 50}) }, false},
		{"a slow registrar", func(w *watch) { w.register.granted[0].at = begin.Add(5 * time.Second) }, false},
		{"registered elsewhere for longer", func(w *watch) { w.register.granted[0].until = begin.Add(time.Hour) }, false},
		{"an answer in another file", func(w *watch) { w.register.granted[0].frame.File = 2 }, false},
		{"a number too large", func(w *watch) { w.storm.frames[0].Number = 1 << frameBits }, false},
		{"a time too far away", func(w *watch) { w.storm.since = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC) }, false},
		{"moved", func(w *watch) { w.flap.aor, w.flap.list[0].moves = "sip:a@example.com", new(flapMoves) }, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			var h hosts
			h.number(netip.MustParseAddr("10.0.0.9"))
			w := healthy(&h)
			test.change(&w)
			var s watchSlot
			var room, again watch
			if got := s.pack(&w, &room, &h); got != test.want {
				t.Fatalf("packed %v, want %v", got, test.want)
			}
			if s.unpack(&again, &h); w.equal(&again) != test.want {
				t.Errorf("unpacked %+v, want %+v", again, w)
			}
		})
	}
}

// TestOrdinary: an address-of-record that is challenged and registered is kept in its slot, of which there may be a great many.
func TestOrdinary(t *testing.T) {
	var l capgen.Ladder
	ladder := "A = 10.0.0.1:5060\nB = 10.0.0.2:5060\nC = 10.0.0.3:5060\n"
	for _, phone := range []string{"A", "C"} {
		of := " id=" + phone + "@example from=sip:" + phone + "@example.com"
		ladder += "+1 " + phone + " > B REGISTER" + of + "\n+.01 B > " + phone + " 401" + of + "\n\tWWW-Authenticate: Digest realm=\"r\", nonce=\"n\"\n" +
			"+.01 " + phone + " > B REGISTER cseq=2" + of + "\n+.01 B > " + phone + " 200" + of + "\n"
	}
	b := l.Pcap(ladder)
	r, err := capture.NewReader(t.Context(), bytes.NewReader(b), capture.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	c := New()
	res, err := analysis.Run(t.Context(), r, c.Options(analysis.Options{}))
	if err != nil {
		t.Fatal(err)
	}
	c.Finish(res)
	if w := &c.watches; w.seq != 2 || len(w.odd) > len(w.free) {
		t.Errorf("%d were watched, %d of them in no slot", w.seq, len(w.odd)-len(w.free))
	}
}

// TestWatchList: every address-of-record finds again what was kept of it, however often it becomes
// odd and ordinary again.
func TestWatchList(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	c := New()
	l := &c.watches
	const aors = 600
	want := make([]watch, aors)
	var order []int // of those that are odd, as they became known
	for range 20 * aors {
		i := random.IntN(aors)
		w := l.of(&analysis.Exchange{AORNumber: i})
		if !w.equal(&want[i]) {
			t.Fatalf("address %d has %+v, want %+v", i, *w, want[i])
		}
		if w.storm.place == 0 {
			*w = healthy(&c.hosts)
			w.storm.place, w.register.place, w.flap.place = l.seq, l.seq, l.seq
			order = append(order, i)
		}
		switch random.IntN(3) {
		case 0:
			w.storm.contacts = append(w.storm.contacts[:1], stormContact{uri: uint64(i)})
		case 1:
			w.storm.contacts = w.storm.contacts[:1]
			w.register.granted = slices.Delete(w.register.granted, 0, len(w.register.granted)-1)
		case 2:
			w.register.granted = append(w.register.granted[:1], w.register.granted[0])
		}
		x := *w
		x.storm.contacts, x.register.granted, x.flap.list = slices.Clone(x.storm.contacts), slices.Clone(x.register.granted), slices.Clone(x.flap.list)
		want[i] = x
	}
	odd := l.oddOnes(func(w *watch) uint32 { return w.storm.place })
	n := 0
	for _, i := range order {
		if w := &want[i]; len(w.storm.contacts) > 1 || len(w.register.granted) > 1 {
			if n == len(odd) || !odd[n].equal(w) {
				t.Fatalf("the odd watch %d is not that of address %d", n, i)
			}
			n++
		}
	}
	if n != len(odd) || n == 0 || n == aors {
		t.Errorf("%d odd watches, want %d", len(odd), n)
	}
	if len(l.odd) == 0 || len(l.odd) > aors {
		t.Errorf("room for %d odd watches", len(l.odd))
	}
}

// TestHosts: addresses keep their numbers, an IPv4 address and its IPv6 form are two.
func TestHosts(t *testing.T) {
	var h hosts
	four := netip.MustParseAddr("10.0.0.1")
	six := netip.AddrFrom16(four.As16())
	if n := h.find(four); n != -1 {
		t.Errorf("found %d in an empty table", n)
	}
	addr := func(i int) netip.Addr { return netip.AddrFrom4([4]byte{172, 16, byte(i >> 8), byte(i)}) }
	for i := range 1000 {
		if n := h.number(addr(i)); n != hostNo(i) {
			t.Fatalf("address %d has the number %d", i, n)
		}
	}
	a, b := h.number(four), h.number(six)
	if a == b || h.addr(a) != four || h.addr(b) != six {
		t.Errorf("%v is %d, %v is %d", four, a, six, b)
	}
	for i := range 1000 {
		if n := h.find(addr(i)); n != hostNo(i) || h.number(addr(i)) != n || h.addr(n) != addr(i) {
			t.Fatalf("address %d has the number %d", i, n)
		}
	}
	if n := h.find(addr(1000)); n != -1 {
		t.Errorf("an address that was not numbered has the number %d", n)
	}
}

// TestTable: a table holds what a map would, whatever its keys.
func TestTable(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	var table table[int]
	if table.get(1) != nil {
		t.Error("an empty table holds something")
	}
	for round := range 2 {
		want := map[uint64]int{}
		for range 5000 {
			key := random.Uint64N(1<<12) << (random.Uint64N(3) * 26) // many of one slot
			if v := table.get(key); (v != nil) != (want[key] != 0) || v != nil && *v != want[key] {
				t.Fatalf("round %d: %d has %v, want %d", round, key, v, want[key])
			}
			if key == 0 || key == 1 { // are the same
				continue
			}
			*table.add(key)++
			want[key]++
		}
		if table.n != len(want) {
			t.Errorf("%d keys, want %d", table.n, len(want))
		}
		if table.clear(); table.n != 0 || table.get(2) != nil {
			t.Error("something is left")
		}
	}
	if *table.add(0)++; table.get(0) == nil || *table.get(0) != 1 {
		t.Error("0 is no key")
	}
}
