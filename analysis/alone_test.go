package analysis_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"testing"

	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/capture"
)

// ownCaptures returns the captures of the project.
func ownCaptures(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("../testdata/captures/*.pcap*")
	if err != nil || len(files) == 0 {
		t.Fatal(err, "no captures")
	}
	return files
}

// analyzeFile analyses a capture.
func analyzeFile(t *testing.T, name string, o analysis.Options) *analysis.Result {
	t.Helper()
	r, err := capture.Open(t.Context(), []string{name}, capture.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	res, err := analysis.Run(t.Context(), r, o)
	if err != nil {
		t.Fatal(err)
	}
	return res
}

// Whoever leaves out requests outside of calls is told the same of calls and streams.
func TestCallsAlone(t *testing.T) {
	files := ownCaptures(t)
	outside := 0
	for _, name := range files {
		var told [2][]string
		for i, alone := range []bool{false, true} {
			res := analyzeFile(t, name, analysis.Options{Calls: true, Streams: true, CallsAlone: alone})
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

// Without names all else in the statistics is the same, and so are the calls.
func TestNoNames(t *testing.T) {
	files := ownCaptures(t)
	names := 0
	for _, name := range files {
		var told [2][]string
		for i, o := range []analysis.Options{{Calls: true}, {Calls: true, NoNames: true}, {NoNames: true}} {
			res := analyzeFile(t, name, o)
			s := &res.Statistics
			if n := len(s.Methods) + len(s.CallIDs) + len(s.UserAgents); i == 0 {
				names += n
			} else if n > 0 {
				t.Errorf("%s: %d names", name, n)
			}
			s.Methods, s.CallIDs, s.UserAgents = nil, nil, nil
			if i < 2 {
				told[i] = describeAll(res)
			}
			if text := fmt.Sprintf("%+v", *s); i == 0 {
				told[0] = append(told[0], text)
			} else if told[1] = append(told[1], text); text != told[0][len(told[0])-1] {
				t.Errorf("%s: %s, without names %s", name, told[0][len(told[0])-1], text)
			}
		}
		if told[1] = told[1][:len(told[1])-1]; !slices.Equal(told[0], told[1]) {
			t.Errorf("%s: %q\nwithout names %q", name, told[0], told[1])
		}
	}
	if names == 0 {
		t.Error("the captures hold no names")
	}
}
