package analysis

import "testing"

// TestLongCall: the way from a leg to the first of its call is gone once, however long it is. Whoever chooses in which order legs of
// a call are captured and become known, from the last to the first, would have all ways gone through again for each leg otherwise.
func TestLongCall(t *testing.T) {
	const legs = 1000
	j := joiner{tops: make(map[int]int)}
	for i := 1; i < legs; i++ {
		j.tops[i] = i - 1
	}
	if got := j.first(legs / 2); got != 0 {
		t.Fatalf("the first leg is %d", got)
	}
	for i := 1; i < legs; i++ {
		if want := i - 1; i > legs/2 && j.tops[i] != want || i <= legs/2 && j.tops[i] != 0 {
			t.Fatalf("leg %d knows %d", i, j.tops[i])
		}
	}
	if got := j.first(legs - 1); got != 0 || j.tops[legs-1] != 0 {
		t.Errorf("the first leg is %d, the last one knows %d", got, j.tops[legs-1])
	}
	if got := j.first(legs); got != legs {
		t.Errorf("a leg of no call is of %d", got)
	}
}
