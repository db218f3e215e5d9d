package analysis_test

import (
	"net/netip"
	"testing"

	"github.com/sipsight/sipsight/internal/capgen"
)

// TestLone: packets that begin as RTP does, and are of no stream, are known by their addresses.
func TestLone(t *testing.T) {
	res := streamsOf(t, new(capgen.Ladder).Pcap(`A = 10.0.0.1:5060
B = 10.0.0.2:5060

0   A > B INVITE sdp m=4000
1   B > A 200 sdp m=5000
1.1 A > B ACK
1.2 A:4000 > B:5000 RTP n=1
1.3 B:5000 > A:4000 RTP n=50 ssrc=2
1.4 A:4002 > B:5000 RTP n=1 pt=13
5   A:4000 > B:5000 RTP n=1 seq=9000
8   A > B BYE
`))
	a, b := netip.MustParseAddrPort("10.0.0.1:4000"), netip.MustParseAddrPort("10.0.0.2:5000")
	noise := netip.AddrPortFrom(a.Addr(), 4002)
	if x := res.Lone(a, b); len(x) != 2 || x[0].Frame.Number != 4 || x[0].Noise || x[1].Frame.Number != 56 {
		t.Errorf("%v", x)
	}
	if x := res.Lone(b, a); len(x) != 0 {
		t.Errorf("a stream: %v", x)
	}
	if x := res.Lone(noise, b); len(x) != 1 || !x[0].Noise {
		t.Errorf("comfort noise: %v", x)
	}
}
