package findings

import "testing"

// TestOftenIsOne: a phone that registers too often is one, however often it does.
func TestOftenIsOne(t *testing.T) {
	c := oftenContact{stormContact: stormContact{n: 20, granted: 3600}}
	if f := c.finding(); f.Count != 0 {
		t.Errorf("the finding is of %d", f.Count)
	}
}
