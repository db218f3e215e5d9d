package main

import (
	"runtime/debug"
	"testing"
)

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

// TestAhead: what may be allocated before the next collection is half of what the heap will grow by until the end of the
// capture, if it goes on as over the last part of it.
func TestAhead(t *testing.T) {
	var done int64
	total := int64(1000)
	g := growth{progress: func() (int64, int64) { return done, total }}
	for _, c := range []struct{ done, live, want int64 }{
		{0, 100, 0},
		{20, 300, 0},    // too little was read to reckon with
		{100, 400, 100}, // 4 an octet: no more than a part of what is in use
		{200, 600, 150}, // 2 an octet
		{500, 660, 50},  // 0.2 an octet
		{520, 800, 48},  // still
		{700, 500, 0},   // it shrinks
		{1000, 900, 0},  // nothing is left
	} {
		done = c.done
		if got := g.ahead(c.live); got != c.want {
			t.Errorf("%d read, %d in use: %d ahead, want %d", c.done, c.live, got, c.want)
		}
	}
	done, total = 0, -1 // a pipe
	g = growth{progress: g.progress}
	if got := g.ahead(100); got != 0 {
		t.Errorf("of a pipe: %d ahead", got)
	}
}

// TestPacerGrows: the percentage leaves room for what the heap will grow by while a capture is read, but where memory is spared
// from the start.
func TestPacerGrows(t *testing.T) {
	before := debug.SetGCPercent(100)
	defer debug.SetGCPercent(before)
	for _, c := range []struct {
		easy, want int64
	}{
		{easyHeap, 100 / growthShare},
		{0, leastPercent},
	} {
		var p pacer
		p.easy.Store(c.easy)
		p.reading.Store(&growth{progress: func() (int64, int64) { return 100, 1000 }})
		p.use(100 << 20)
		if got := int64(p.percent.Load()); got != c.want {
			t.Errorf("%d octets are easy: %d percent, want %d", c.easy, got, c.want)
		}
	}
}
