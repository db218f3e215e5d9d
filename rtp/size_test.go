package rtp

import (
	"reflect"
	"testing"
)

// A stream costs at most 200 octets: there may be a hundred thousand of them.
func TestStatsSize(t *testing.T) {
	if n := reflect.TypeFor[Stats]().Size(); n > 200 {
		t.Errorf("Stats has %d octets", n)
	}
}
