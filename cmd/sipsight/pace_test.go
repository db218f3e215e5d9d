package main

import "testing"

func TestPercentFor(t *testing.T) {
	for _, c := range []struct {
		live, easy int64
		want       int
	}{
		{0, easyHeap, freePercent},
		{0, 0, mostPercent},
		{1 << 20, easyHeap, freePercent},
		{8 << 20, easyHeap, 100}, // up to freeHeap
		{10 << 20, easyHeap, mostPercent},
		{36 << 20, easyHeap, 33}, // up to easyHeap
		{47 << 20, easyHeap, leastPercent},
		{100 << 20, easyHeap, leastPercent},
		{1 << 40, easyHeap, leastPercent},
		{1 << 20, 0, leastPercent},
		{10 << 20, 0, leastPercent},
	} {
		if got := percentFor(c.live, c.easy); got != c.want {
			t.Errorf("%d octets in use, %d are easy: %d percent, want %d", c.live, c.easy, got, c.want)
		}
	}
}
