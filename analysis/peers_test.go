package analysis_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/capture"
	"github.com/sipsight/sipsight/internal/capgen"
)

// TestPeersOfOneHost: thousands of phones behind one address of NAT are more ports than are told apart, and no keepalive of theirs is left out.
func TestPeersOfOneHost(t *testing.T) {
	const phones = 5000
	r, err := capture.NewReader(context.Background(), newStream(phones, func(i int) capgen.Packet {
		f := capgen.NewFlow("192.0.2.1:5060", fmt.Sprintf("192.0.2.2:%d", 10000+i))
		text := fmt.Sprintf("OPTIONS sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK%d\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:c@d>\r\nCall-ID: %d\r\nCSeq: 1 OPTIONS\r\n\r\n", i, i)
		return capgen.Packet{Time: capgen.Start, Link: 1, Data: capgen.Ether(f.UDP(text))}
	}), capture.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	res, err := analysis.Run(context.Background(), r, analysis.Options{Calls: true})
	if err != nil {
		t.Fatal(err)
	}
	sent := 0
	for _, k := range res.Keepalives {
		sent += k.Sent
	}
	if n := len(res.Keepalives); n != 4097 || sent != phones || len(res.Exceeded) != 0 {
		t.Errorf("%d OPTIONS of %d peers, limits %v", sent, n, res.Exceeded)
	}
}
