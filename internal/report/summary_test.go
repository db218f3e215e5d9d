package report

import (
	"testing"
	"time"

	"github.com/sipsight/sipsight/findings"
)

// TestFindingCounts: the counts by id and those by severity add up to the total; what one finding of
// many calls counts for is told apart.
func TestFindingCounts(t *testing.T) {
	var w jsonWriter
	w.findingCounts([]*findings.Finding{
		{ID: "overload", Severity: findings.Error}, {ID: "overload", Severity: findings.Note},
		{ID: "q850-meaning", Severity: findings.Note, Count: 32},
	})
	const want = `"findings":{"total":3,"error":1,"warning":0,"note":2,"by_id":{"overload":2,"q850-meaning":1},"instances":{"q850-meaning":32}}`
	if string(w.b) != want {
		t.Errorf("got %s\nwant %s", w.b, want)
	}
	w = jsonWriter{}
	if w.findingCounts(nil); string(w.b) != `"findings":{"total":0,"error":0,"warning":0,"note":0,"by_id":{}}` {
		t.Errorf("of none: %s", w.b)
	}
}

func TestSpanText(t *testing.T) {
	a := time.Date(2026, 3, 1, 23, 59, 59, 0, time.UTC)
	for d, want := range map[time.Duration]string{
		0:                "2026-03-01 23:59:59 UTC",
		time.Millisecond: "2026-03-01 23:59:59 to 23:59:59 UTC (1 ms)",
		2 * time.Second:  "2026-03-01 23:59:59 to 2026-03-02 00:00:01 UTC (2.00 s)",
	} {
		if got := spanText(a, a.Add(d)); got != want {
			t.Errorf("%v: %q, want %q", d, got, want)
		}
	}
}
