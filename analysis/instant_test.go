package analysis

import (
	"testing"
	"time"
)

// Times come back as they were, but for those too far away.
func TestInstant(t *testing.T) {
	at := func(year int) time.Time { return time.Date(year, 7, 9, 11, 12, 13, 123456789, time.UTC) }
	for _, want := range []time.Time{{}, time.Unix(0, 0).UTC(), time.Unix(-1, 999999999).UTC(), at(1700), at(2026), at(2261)} {
		if got := timeAt(instant(want)); got != want {
			t.Errorf("%v became %v", want, got)
		}
	}
	if got := instant(at(9999)); got != furthest {
		t.Errorf("the year 9999 is %d", got)
	}
	if got := instant(at(2)); got != longSince {
		t.Errorf("the year 2 is %d", got)
	}
}
