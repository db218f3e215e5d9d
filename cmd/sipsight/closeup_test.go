package main

import (
	"io"
	"os"
	"slices"
	"testing"

	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/capture"
	"github.com/sipsight/sipsight/findings"
	"github.com/sipsight/sipsight/internal/page"
)

// TestShorterAgain: a capture of which the second reading sees less than the first, because it was cut or the reading interrupted,
// is told of as far as it goes.
func TestShorterAgain(t *testing.T) {
	name := transfers(t)
	small := smallInput
	defer func() { smallInput = small }()
	smallInput = 0
	e := &env{ctx: t.Context(), stderr: io.Discard}
	r, err := capture.Open(e.ctx, []string{name}, capture.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	told := false
	res, found, chosen, err := e.look(r, &closeUp{files: []string{name}, choose: func(res *analysis.Result, found []*findings.Finding) []*analysis.Call {
		told = slices.ContainsFunc(findings.Singly(found), func(f *findings.Finding) bool { return f.Call > 0 })
		if err := os.Truncate(name, 24); err != nil {
			t.Fatal(err)
		}
		return slices.Collect(res.Calls.All())
	}})
	if err != nil || !told || res.Calls.Len() != 0 || len(chosen) != 0 || len(found) == 0 {
		t.Errorf("%v, findings of calls: %v; %d calls, %d chosen, %d found", err, told, res.Calls.Len(), len(chosen), len(found))
	}
	if err := page.Write(io.Discard, &page.Report{Result: res, Found: found, Full: chosen, Texts: &page.Texts{}}); err != nil {
		t.Error(err)
	}
}
