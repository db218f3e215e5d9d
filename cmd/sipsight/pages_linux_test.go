package main

import (
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"
)

// largePagesAsked returns how much memory of this program the system was asked to back with large pages: 0 where it
// has none.
func largePagesAsked(t *testing.T) (octets int) {
	maps, err := os.ReadFile("/proc/self/smaps")
	if err != nil {
		t.Fatal(err)
	}
	kilobytes := 0
	for line := range strings.Lines(string(maps)) {
		fmt.Sscanf(line, "Size: %d kB", &kilobytes)
		if strings.HasPrefix(line, "VmFlags:") && strings.Contains(line, " hg ") {
			octets += kilobytes << 10
		}
	}
	return octets
}

// TestExpect: what a large capture will need is on large pages and free, and the garbage collector runs as
// often as before. For a small one nothing is done.
func TestExpect(t *testing.T) {
	var p pacer
	p.started.Store(true)
	of := func(size int64) func() (int64, int64) { return func() (int64, int64) { return 0, size } }
	had := largePagesAsked(t)
	p.expect(of(largeCapture - 1))
	p.expect(of(-1)) // a pipe
	if n := largePagesAsked(t) - had; n >= largePages/2 {
		t.Errorf("%d octets of large pages for a small capture", n)
	}
	before := debug.SetGCPercent(123)
	p.expect(of(largeCapture))
	if got := debug.SetGCPercent(before); got != 123 {
		t.Errorf("the garbage collector runs at %d percent, want 123", got)
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	if m.HeapAlloc >= largePages {
		t.Errorf("%d octets of the heap are in use", m.HeapAlloc)
	}
	_, err := os.Stat("/sys/kernel/mm/transparent_hugepage")
	if n := largePagesAsked(t); err == nil && n < largePages/8*7 { // the runtime asks for less, of its tables
		t.Errorf("%d octets of large pages for a large capture, want about %d", n, largePages)
	}
}
