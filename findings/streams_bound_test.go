package findings_test

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/capture"
	"github.com/sipsight/sipsight/findings"
	"github.com/sipsight/sipsight/internal/capgen"
)

// TestManyStreams: a call of very many streams, each to where nobody asked for it or is any more, is told of once.
func TestManyStreams(t *testing.T) {
	for _, to := range straying {
		c, res := manyStreams(t, 16000, to)
		if list := c.Finish(res); len(list) == 0 || list[0].ID != "rtp-wrong-target" {
			t.Errorf("to %s: %d findings, and not of the address", to, len(list))
		}
	}
}

// BenchmarkManyStreams is the time for each of them, which does not grow with their number.
func BenchmarkManyStreams(b *testing.B) {
	for _, to := range straying {
		for _, n := range []int{2000, 16000} {
			b.Run(fmt.Sprintf("to=%s/streams=%d", to, n), func(b *testing.B) {
				b.StopTimer()
				for range b.N {
					c, res := manyStreams(b, n, to)
					b.StartTimer()
					c.Finish(res)
					b.StopTimer()
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/stream")
			})
		}
	}
}

// straying is where the streams of manyStreams go to: to a stranger, and to where media was before.
var straying = []string{"X", "B:5000"}

// manyStreams analyses a call with so many streams.
func manyStreams(t testing.TB, n int, to string) (*findings.Collector, *analysis.Result) {
	t.Helper()
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
	defer r.Close()
	c := findings.New()
	res, err := analysis.Run(context.Background(), r, c.Options(analysis.Options{Streams: true, NoNames: true}))
	if err != nil {
		t.Fatal(err)
	}
	return c, res
}
