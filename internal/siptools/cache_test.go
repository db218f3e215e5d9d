package siptools

import (
	"context"
	"path/filepath"
	"testing"
)

// A brokenContext ends an analysis as a fault of it would: with a panic.
type brokenContext struct {
	context.Context
	c *cache
}

func (x brokenContext) Err() error {
	if len(x.c.entries) > 0 { // it is under way
		panic("broken")
	}
	return nil
}

// TestBrokenAnalysis: an analysis that panics leaves no entry behind, for which the next
// question about the capture would wait.
func TestBrokenAnalysis(t *testing.T) {
	name, err := filepath.Abs("../../testdata/captures/udp-call.pcapng")
	if err != nil {
		t.Fatal(err)
	}
	c := &cache{}
	progress := func(int64, int64, string) {}
	func() {
		defer func() {
			if recover() == nil {
				t.Error("no panic")
			}
		}()
		c.examine(brokenContext{t.Context(), c}, []string{name}, &Options{}, progress)
	}()
	if len(c.entries) > 0 {
		t.Fatal("an entry is left")
	}
	if x, err := c.examine(t.Context(), []string{name}, &Options{}, progress); err != nil || x.res.Calls.Len() != 3 {
		t.Error(x, err)
	}
}
