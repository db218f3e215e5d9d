package reassembly_test

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/sipsight/sipsight/internal/capgen"
	"github.com/sipsight/sipsight/internal/reassembly"
)

// TestOvertaken: what comes between the hosts of a datagram gives it up if it is of the same call, and answers it or comes late.
func TestOvertaken(t *testing.T) {
	a, b, c := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2"), netip.MustParseAddr("192.0.2.3")
	const itself = 7
	asked := 0
	waiting := func(t *testing.T, head int) *table {
		tab := &table{TB: t}
		asked = 0
		tab.Identify = func(head []byte) reassembly.Passing { // calls 1 to 9, and their branches 11 to 19
			asked++
			n := uint64(head[8] - '0')
			return reassembly.Passing{Call: n, Branch: 10 + n}
		}
		tab.add(capgen.Fragment(flow4.UDP("1"+letters(60)), itself, 24)[head])
		tab.add(capgen.Fragment(flow4.UDP("2"+letters(60)), 8, 24)[0])
		return tab
	}
	const soon, late = time.Millisecond, time.Second
	for _, tt := range []struct {
		name     string
		head     int
		src, dst netip.Addr
		id       uint32
		x        reassembly.Passing
		after    time.Duration
		want     bool
	}{
		{"an answer", 0, b, a, 1, reassembly.Passing{Call: 1, Branch: 11, Answer: true}, soon, true},
		{"an ACK", 0, b, a, 1, reassembly.Passing{Call: 1, Answer: true}, soon, true},
		{"an answer with the same identification", 0, b, a, itself, reassembly.Passing{Call: 1, Branch: 11, Answer: true}, soon, true},
		{"an answer to another request", 0, b, a, 1, reassembly.Passing{Call: 1, Branch: 15, Answer: true}, soon, false},
		{"… late", 0, b, a, 1, reassembly.Passing{Call: 1, Branch: 15, Answer: true}, late, true},
		{"a request that crosses", 0, b, a, 1, reassembly.Passing{Call: 1, Branch: 15}, soon, false},
		{"the next message", 0, a, b, 9, reassembly.Passing{Call: 1, Branch: 15}, late, true},
		{"the next message, between its fragments", 0, a, b, 9, reassembly.Passing{Call: 1, Branch: 15}, soon, false},
		{"an answer the same way", 0, a, b, 9, reassembly.Passing{Call: 1, Branch: 11, Answer: true}, soon, false},
		{"itself", 0, a, b, itself, reassembly.Passing{Call: 1, Branch: 11}, late, false},
		{"of another call", 0, b, a, 1, reassembly.Passing{Call: 6, Branch: 16, Answer: true}, late, false},
		{"of other hosts", 0, c, a, 1, reassembly.Passing{Call: 1, Branch: 11, Answer: true}, late, false},
		{"without its head", 1, b, a, 1, reassembly.Passing{Call: 1, Branch: 11, Answer: true}, late, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tab := waiting(t, tt.head)
			d := tab.Overtaken(tt.src, tt.dst, tt.id, &tt.x, clock(tab.n).Add(tt.after))
			if (d != nil) != tt.want {
				t.Fatalf("%v", d)
			}
			if d != nil && (d.Missing == 0 || len(d.Refs) != 1 || d.Refs[0].Frame != 1 || tab.Stats.Incomplete != 1) {
				t.Errorf("%+v", d)
			}
			if d != nil && tab.Overtaken(tt.src, tt.dst, tt.id, &tt.x, clock(tab.n).Add(tt.after)) != nil {
				t.Error("it is given up twice")
			}
			for range 100 {
				tab.Overtaken(tt.src, tt.dst, tt.id, &reassembly.Passing{Call: 6}, clock(tab.n))
			}
			if asked > 2 {
				t.Errorf("2 heads are looked at %d times", asked)
			}
		})
	}
	tab := waiting(t, 0)
	tab.add(capgen.Fragment(flow4.UDP("1"+letters(90)), 9, 24)[0])
	var order []int64
	x := reassembly.Passing{Call: 1, Answer: true}
	for d := tab.Overtaken(b, a, 1, &x, clock(tab.n)); d != nil; d = tab.Overtaken(b, a, 1, &x, clock(tab.n)) {
		order = append(order, d.Refs[0].Frame)
	}
	if !slices.Equal(order, []int64{1, 3}) {
		t.Errorf("given up in the order %v", order)
	}
}
