package analysis

import (
	"testing"
	"time"
)

// TestDistribution: the median of an even number is the mean of the two in the middle, the 95th percentile the nearest rank.
func TestDistribution(t *testing.T) {
	ms := func(list ...int) (d []time.Duration) {
		for _, x := range list {
			d = append(d, time.Duration(x)*time.Millisecond)
		}
		return d
	}
	hundred := make([]int, 100)
	for i := range hundred {
		hundred[i] = 100 - i
	}
	for _, c := range []struct {
		in          []int
		median, p95 time.Duration
	}{
		{[]int{7}, 7 * time.Millisecond, 7 * time.Millisecond},
		{[]int{4, 1}, 2500 * time.Microsecond, 4 * time.Millisecond},
		{[]int{9, 1, 2}, 2 * time.Millisecond, 9 * time.Millisecond},
		{hundred, 50500 * time.Microsecond, 95 * time.Millisecond},
	} {
		if d := distribution(ms(c.in...)); d.Median != c.median || d.P95 != c.p95 || d.Count != len(c.in) {
			t.Errorf("%v: %+v", c.in, d)
		}
	}
}
