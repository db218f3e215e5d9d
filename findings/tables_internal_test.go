package findings

import (
	"math/rand/v2"
	"net/netip"
	"testing"
)

// TestPairTable: what is remembered of pairs of hosts is what a map would hold.
func TestPairTable(t *testing.T) {
	rng := rand.New(rand.NewPCG(11, 12))
	var table pairTable
	want := make(map[hostPair]uint64)
	some := func() hostPair {
		a := func() netip.Addr { return netip.AddrFrom4([4]byte{10, 0, byte(rng.IntN(4)), byte(rng.IntN(64))}) }
		p := hostPair{a(), a()}
		if rng.IntN(8) == 0 {
			p.src = netip.AddrFrom16(p.src.As16()) // mapped to IPv6: another host
		}
		return p
	}
	for range 20_000 {
		p, bit := some(), uint64(1)<<rng.IntN(pairBits)
		if rng.IntN(2) == 0 {
			table.add(p, bit)
			want[p] |= bit
		}
		if got, is := table.has(p, bit), want[p]&bit != 0; got != is {
			t.Fatalf("bit %d of %v: %v, want %v", bit, p, got, is)
		}
	}
	if table.n != len(want) {
		t.Errorf("%d pairs, want %d", table.n, len(want))
	}
}
