package reassembly_test

import (
	"net/netip"
	"slices"
	"testing"

	"github.com/sipsight/sipsight/internal/capgen"
)

// TestOvertaken: what comes between the hosts of a datagram, in either direction, gives it up if its head has the mark.
func TestOvertaken(t *testing.T) {
	a, b, c := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2"), netip.MustParseAddr("192.0.2.3")
	const itself = 7
	waiting := func(t *testing.T, head int) *table {
		tab := &table{TB: t}
		tab.add(capgen.Fragment(flow4.UDP("one@host"+letters(60)), itself, 24)[head])
		tab.add(capgen.Fragment(flow4.UDP("two@host"+letters(60)), 8, 24)[0])
		return tab
	}
	for _, tt := range []struct {
		name     string
		head     int
		src, dst netip.Addr
		id       uint32
		mark     string
		want     bool
	}{
		{"an answer", 0, b, a, 1, "one@host", true},
		{"an answer with the same identification", 0, b, a, itself, "one@host", true},
		{"the next message", 0, a, b, 9, "one@host", true},
		{"itself", 0, a, b, itself, "one@host", false},
		{"of another call", 0, b, a, 1, "six@host", false},
		{"of other hosts", 0, c, a, 1, "one@host", false},
		{"without its head", 1, b, a, 1, "one@host", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tab := waiting(t, tt.head)
			d := tab.Overtaken(tt.src, tt.dst, tt.id, []byte(tt.mark))
			if (d != nil) != tt.want {
				t.Fatalf("%v", d)
			}
			if d != nil && (d.Missing == 0 || len(d.Refs) != 1 || d.Refs[0].Frame != 1 || tab.Stats.Incomplete != 1) {
				t.Errorf("%+v", d)
			}
			if d != nil && tab.Overtaken(tt.src, tt.dst, tt.id, []byte(tt.mark)) != nil {
				t.Error("it is given up twice")
			}
		})
	}
	tab := waiting(t, 0)
	tab.add(capgen.Fragment(flow4.UDP("one@host"+letters(90)), 9, 24)[0])
	var order []int64
	for d := tab.Overtaken(b, a, 1, []byte("one@host")); d != nil; d = tab.Overtaken(b, a, 1, []byte("one@host")) {
		order = append(order, d.Refs[0].Frame)
	}
	if !slices.Equal(order, []int64{1, 3}) {
		t.Errorf("given up in the order %v", order)
	}
}
