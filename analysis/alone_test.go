package analysis_test

import (
	"path/filepath"
	"slices"
	"testing"

	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/capture"
)

// Whoever leaves out requests outside of calls is told the same of calls and streams.
func TestCallsAlone(t *testing.T) {
	files, err := filepath.Glob("../testdata/captures/*.pcap*")
	if err != nil || len(files) == 0 {
		t.Fatal(err, "no captures")
	}
	outside := 0
	for _, name := range files {
		var told [2][]string
		for i, alone := range []bool{false, true} {
			r, err := capture.Open(t.Context(), []string{name}, capture.Options{})
			if err != nil {
				t.Fatal(err)
			}
			res, err := analysis.Run(t.Context(), r, analysis.Options{Calls: true, Streams: true, CallsAlone: alone})
			r.Close()
			if err != nil {
				t.Fatal(err)
			}
			n := res.Registrations.Len() + len(res.Keepalives) + res.Subscriptions.Total + res.Subscriptions.Messages
			if alone && n > 0 {
				t.Errorf("%s: %d requests outside of calls", name, n)
			}
			outside += n
			told[i] = append(describeAll(res), lines(res.Traffic))
		}
		if !slices.Equal(told[0], told[1]) {
			t.Errorf("%s: %q\nwithout requests outside of calls %q", name, told[0], told[1])
		}
	}
	if outside == 0 {
		t.Error("the captures hold no requests outside of calls")
	}
}
