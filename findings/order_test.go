package findings_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/capture"
	"github.com/sipsight/sipsight/findings"
	"github.com/sipsight/sipsight/internal/capgen"
)

// TestOrderOfFiles holds that neither the rows nor the proofs depend on the order in which files are named.
func TestOrderOfFiles(t *testing.T) {
	dir := t.TempDir()
	var names []string
	for i := range 3 {
		list := new(capgen.Ladder).Packets(fmt.Sprintf(`
			A = 10.0.0.1:5060
			B = 10.0.0.2:5060
			0 A > B INVITE id=%d
				-Max-Forwards
				Authorization: Basic YTpi
			1 B > A 486
			1.1 A > B ACK`, i))
		for j := range list {
			list[j].Time = list[j].Time.Add(time.Duration(i) * time.Minute)
		}
		copied := list[0]
		copied.Time = copied.Time.Add(time.Millisecond)
		list = slices.Insert(list, 1, copied)
		names = append(names, filepath.Join(dir, fmt.Sprint(i)))
		if err := os.WriteFile(names[i], capgen.Pcap(list), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want := toldOf(t, names)
	if !strings.Contains(want, "max-forwards") || !strings.Contains(want, "captured before; 0:2") || !strings.Contains(want, "auth-weak") {
		t.Fatal(want)
	}
	for _, order := range [][]int{{0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}} {
		if got := toldOf(t, []string{names[order[0]], names[order[1]], names[order[2]]}); got != want {
			t.Errorf("named %v:\n%s\nwant\n%s", order, got, want)
		}
	}
}

// toldOf returns the findings in files, one a line, their frames by the names of the files.
func toldOf(t *testing.T, names []string) string {
	r, err := capture.Open(t.Context(), names, capture.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	c := findings.New()
	res, err := analysis.Run(t.Context(), r, c.Options(analysis.Options{}))
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, f := range c.Finish(res) {
		fmt.Fprintf(&b, "%s %s;", f.ID, f.Observed)
		for _, x := range f.Frames {
			fmt.Fprintf(&b, " %s:%d", filepath.Base(names[x.File]), x.Number)
		}
		b.WriteByte('\n')
	}
	return b.String()
}
