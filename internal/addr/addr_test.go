package addr_test

import (
	"encoding/binary"
	"net/netip"
	"testing"

	"github.com/sipsight/sipsight/internal/addr"
)

var addrs = []string{"0.0.0.0", "192.0.2.1", "255.255.255.255", "::", "::1", "2001:db8::1:2", "::ffff:192.0.2.1", "fe80::1%eth0",
	"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"}

func TestWords(t *testing.T) {
	for _, s := range addrs {
		a := netip.MustParseAddr(s)
		hi, lo := addr.Words(a)
		var b [16]byte
		binary.BigEndian.PutUint64(b[:8], hi)
		binary.BigEndian.PutUint64(b[8:], lo)
		if want := a.As16(); b != want {
			t.Errorf("%s: %x, want %x", s, b, want)
		}
	}
}

func TestWord(t *testing.T) {
	for _, s := range addrs {
		a := netip.AddrPortFrom(netip.MustParseAddr(s), 5060)
		w, ok := addr.Word(a)
		if ok != a.Addr().Is4() {
			t.Errorf("%v: %t", a, ok)
		}
		if ok && (netip.AddrFrom4([4]byte{byte(w >> 40), byte(w >> 32), byte(w >> 24), byte(w >> 16)}) != a.Addr() || uint16(w) != 5060) {
			t.Errorf("%v: %x", a, w)
		}
	}
}

// What differs in one of the three mixes to something else; what does not, to the same.
func TestMix(t *testing.T) {
	seen := make(map[uint64]string)
	for _, h := range []uint64{0x9e3779b97f4a7c15, 0xc2b2ae3d27d4eb4f, 0x165667b19e3779f9} {
		for _, s := range addrs {
			if s == "::ffff:192.0.2.1" { // the same words as another
				continue
			}
			for _, n := range []uint16{0, 1, 5060, 65535} {
				a := netip.MustParseAddr(s)
				x := addr.Mix(h, a, n)
				if was, there := seen[x]; there {
					t.Errorf("%d %s %d: like %s", h, s, n, was)
				}
				seen[x] = s
				if addr.Mix(h, a, n) != x {
					t.Errorf("%s: twice is not the same", s)
				}
			}
		}
	}
}
