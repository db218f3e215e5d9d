package findings

import (
	"net/netip"
	"testing"
)

// TestPauses: a Retry-After is watched until there are too many that came later, and then all of it is forgotten.
func TestPauses(t *testing.T) {
	var s loadState
	server := netip.MustParseAddr("192.0.2.1")
	client := func(i int) netip.Addr { return netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}) }
	for i := range maxPauses + 5 {
		s.wait(pause{client: client(i / 2), server: netip.AddrPortFrom(server, 5060), method: "INVITE"})
	}
	for i, want := range map[int]bool{0: false, 1: false, 2: true, 3: true, maxPauses/2 + 2: true, maxPauses/2 + 3: false} {
		if got := s.paused(client(i), server, "INVITE"); got != want {
			t.Errorf("client %d is paused: %t, want %t", i, got, want)
		}
	}
	if s.paused(client(3), server, "OPTIONS") || s.paused(server, client(3), "INVITE") {
		t.Error("a pause holds for another method, or in the other direction")
	}
	if len(s.pauses) != maxPauses/2+1 || len(s.between) != len(s.pauses) || len(s.asked) != maxPauses {
		t.Errorf("%d keys, %d ways and %d pauses", len(s.pauses), len(s.between), len(s.asked))
	}
}
