package findings_test

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/capture"
	"github.com/sipsight/sipsight/findings"
	"github.com/sipsight/sipsight/internal/capgen"
)

// TestManyStreams: a call of very many streams, each to where nobody asked for it or is any more, takes no time that grows with
// their square.
func TestManyStreams(t *testing.T) {
	for _, to := range []string{"X", "B:5000"} {
		var took [2]time.Duration
		for i, n := range [2]int{2000, 16000} {
			var b strings.Builder
			b.WriteString(twoHosts + "X = 10.0.0.66:7000\n0 A > B INVITE sdp m=4000\n1 B > A 200 sdp m=5000\n1.1 A > B ACK\n" +
				"1.2 B > A INVITE by=callee sdp m=6000 o=2/2\n1.3 A > B 200 of=INVITE sdp m=4000\n1.4 B > A ACK by=callee\n")
			for k := range n {
				fmt.Fprintf(&b, "%d.%03d A:4000 > %s RTP n=6 ssrc=%d\n", 10+k/1000, k%1000, to, 1000+k)
			}
			b.WriteString("42 A > B BYE\n+.1 B > A 200 of=BYE\n")
			r, err := capture.NewReader(context.Background(), bytes.NewReader(capgen.Pcap(new(capgen.Ladder).Packets(b.String()))), capture.Options{})
			if err != nil {
				t.Fatal(err)
			}
			c := findings.New()
			res, err := analysis.Run(context.Background(), r, c.Options(analysis.Options{Streams: true, NoNames: true}))
			if err != nil {
				t.Fatal(err)
			}
			r.Close()
			start := time.Now()
			list := c.Finish(res)
			took[i] = time.Since(start)
			if len(list) == 0 || list[0].ID != "rtp-wrong-target" {
				t.Errorf("to %s: %d findings, and not of the address", to, len(list))
			}
		}
		if took[1] > 20*took[0]+time.Second {
			t.Errorf("to %s: %v for eight times the streams, %v for these", to, took[1], took[0])
		}
	}
}
