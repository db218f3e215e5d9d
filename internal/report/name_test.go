package report_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/sipsight/sipsight/internal/report"
)

// TestNamesOfMarks: the name of a file is shown whole, but for one that takes twice its length in JSON.
func TestNamesOfMarks(t *testing.T) {
	for name, most := range map[string]int{
		"/" + strings.Repeat(`"`, 4000):                     4300,
		"/" + strings.Repeat("\\", 2000):                    4300,
		"/" + strings.Repeat("a", 4000):                     4300,
		"/" + strings.Repeat(`C:\captures\day`, 3):          200,
		"/" + strings.Repeat(strings.Repeat(`"`, 3000), 30): 800,
	} {
		b := report.AppendReferenceError(nil, name, false, errors.New("no"))
		if len(b) > most || len(name) < 1000 && !strings.Contains(string(b), strings.ReplaceAll(name, `\`, `\\`)) {
			t.Errorf("%.20s of %d: %d octets, %.300s", name, len(name), len(b), b)
		}
		if name[1] == 'a' && !strings.Contains(string(b), name) {
			t.Errorf("a plain name of %d is cut", len(name))
		}
	}
}
