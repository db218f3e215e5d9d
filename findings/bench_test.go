package findings_test

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/capture"
	"github.com/sipsight/sipsight/findings"
	"github.com/sipsight/sipsight/internal/capgen"
)

// benchCapture returns what opens the capture that SIPSIGHT_BENCH_CAPTURE names, or else one of calls that are answered,
// and registrations between them. Of the latter each call has findings, so that it costs far more than calls in earnest.
func benchCapture(b *testing.B) (name string, open func() io.Reader) {
	if name := os.Getenv("SIPSIGHT_BENCH_CAPTURE"); name != "" {
		return name, func() io.Reader {
			f, err := os.Open(name)
			if err != nil {
				b.Fatal(err)
			}
			b.Cleanup(func() { f.Close() })
			return f
		}
	}
	var script strings.Builder
	script.WriteString("A = 10.0.0.1:5060\nP = 10.0.0.2:5060\nB = 10.0.0.3:5060\n")
	for i := range 2000 {
		fmt.Fprintf(&script, "%d.1 A > P INVITE id=call%d\n+.01 P > A 100\n+.01 P > B INVITE id=call%d\n+.1 B > P 180\n+.01 P > A 180\n+2 B > P 200\n+.01 P > A 200\n", i, i, i)
		fmt.Fprintf(&script, "+.01 A > B ACK\n+3 B > A BYE\n+.01 A > B 200 of=BYE\n%d.2 A > P REGISTER id=reg%d\n+.01 P > A 200\n", i+6, i%50)
	}
	in := new(capgen.Ladder).Pcap(script.String())
	return "2000 calls", func() io.Reader { return bytes.NewReader(in) }
}

// BenchmarkAdded says what findings add to the analysis of calls, in percent of the time without them, on one processor: the
// least of as many runs each, in turn.
func BenchmarkAdded(b *testing.B) {
	name, open := benchCapture(b)
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	var least [2]time.Duration
	var octets [2]uint64
	for b.Loop() {
		for k := range least {
			r, err := capture.NewReader(context.Background(), open(), capture.Options{})
			if err != nil {
				b.Fatal(err)
			}
			runtime.GC()
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			start := time.Now()
			o := analysis.Options{Calls: true}
			c := findings.New()
			if k == 1 {
				o = c.Options(o)
			}
			res, err := analysis.Run(context.Background(), r, o)
			if err != nil {
				b.Fatal(err)
			}
			if k == 1 {
				c.Finish(res)
			}
			d := time.Since(start)
			runtime.ReadMemStats(&after)
			r.Close()
			least[k] = min(cmp.Or(least[k], d), d)
			octets[k] = after.TotalAlloc - before.TotalAlloc
		}
	}
	b.Logf("%s: %v without findings and %v with; %d and %d kB allocated", name, least[0], least[1], octets[0]>>10, octets[1]>>10)
	b.ReportMetric(100*float64(least[1]-least[0])/float64(least[0]), "%added")
	b.ReportMetric(0, "ns/op")
}
