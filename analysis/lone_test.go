package analysis_test

import (
	"bytes"
	"context"
	"net/netip"
	"testing"

	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/capture"
	"github.com/sipsight/sipsight/internal/capgen"
)

// TestLone: a packet that begins as RTP does, and is of no stream, is known by its addresses.
func TestLone(t *testing.T) {
	r, err := capture.NewReader(context.Background(), bytes.NewReader(new(capgen.Ladder).Pcap(`A = 10.0.0.1:5060
B = 10.0.0.2:5060

0   A > B INVITE sdp m=4000
1   B > A 200 sdp m=5000
1.1 A > B ACK
1.2 A:4000 > B:5000 RTP n=1
1.3 B:5000 > A:4000 RTP n=50 ssrc=2
1.4 A:4002 > B:5000 RTP n=1 pt=13
8   A > B BYE
`)), capture.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	res, err := analysis.Run(context.Background(), r, analysis.Options{Streams: true})
	if err != nil {
		t.Fatal(err)
	}
	a, b := netip.MustParseAddrPort("10.0.0.1:4000"), netip.MustParseAddrPort("10.0.0.2:5000")
	if x, ok := res.Lone(a, b); !ok || x.Frame.Number != 4 || x.Noise {
		t.Errorf("%v %v", x, ok)
	}
	if x, ok := res.Lone(b, a); ok {
		t.Errorf("a stream: %v", x)
	}
	if x, ok := res.Lone(netip.AddrPortFrom(a.Addr(), 4002), b); !ok || !x.Noise {
		t.Errorf("comfort noise: %v %v", x, ok)
	}
}
