package findings

import (
	"testing"

	"github.com/sipsight/sipsight/internal/capgen"
)

// TestToldOnce: what has one cause is one finding, of whatever severity.
func TestToldOnce(t *testing.T) {
	for _, x := range []struct {
		file, id string
		want     int
	}{
		{"fork-outcomes", "fork-outcomes", 1},
		{"fork-outcomes-6xx", "fork-outcomes", 1},
		{"overload-retry", "overload", 1},
		{"overload-passed-back", "overload", 1},
		{"udp-too-big-lost", "capture-quality", 0},
		{"srtp-setup-both", "codec-488", 0},
	} {
		text, calls := ladderOf(t, "testdata/"+x.file+".txt")
		var l capgen.Ladder
		l.Repeat(calls, 100)
		list, _ := investigated(t, l.Pcap(text))
		got := 0
		for _, f := range list {
			if f.ID == x.id {
				got++
				t.Logf("%s: %v %s", x.file, f.Severity, f.Observed)
			}
		}
		if got != x.want {
			t.Errorf("%s: %s is told %s, want %d", x.file, x.id, times(got), x.want)
		}
	}
}
