package findings

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/sipsight/sipsight/analysis"
)

// TestOnTheWay: of a packet that did not get to its host nobody has to listen there.
func TestOnTheWay(t *testing.T) {
	end := netip.MustParseAddrPort("192.0.2.1:5060")
	for _, c := range []struct {
		kind, code uint8
		ipv6       bool
		want       string
	}{
		{3, 3, false, "something that listens"}, {3, 1, false, "something that listens"}, {1, 4, true, "something that listens"}, {1, 3, true, "something that listens"},
		{11, 0, false, "a way to"}, {3, 4, false, "a way to"}, {3, 13, false, "a way to"}, {3, 0, false, "a way to"}, {3, 0, true, "a way to"}, {2, 0, true, "a way to"}, {1, 1, true, "a way to"},
	} {
		r := run{c: New()}
		r.c.events = []analysis.Event{{Kind: analysis.ICMPError, Type: c.kind, Code: c.code, IPv6: c.ipv6, Dst: end}}
		if f := r.troubleFinding(&trouble{end: end, events: []int{0}}); !strings.HasPrefix(f.Expected, c.want) {
			t.Errorf("%s: expected is %q, not %q", icmpName(&r.c.events[0]), f.Expected, c.want)
		}
	}
}

// TestCounted: one is not several.
func TestCounted(t *testing.T) {
	if a, b := counted(1, "call was", "calls were"), counted(0, "call was", "calls were"); a != "1 call was" || b != "0 calls were" {
		t.Errorf("%q and %q", a, b)
	}
}
