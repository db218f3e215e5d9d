package analysis

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// The table counts what a map counts, whatever its memory of recent names holds: names that
// share its places, are beginnings of each other, or come again after a long time.
func TestNameTable(t *testing.T) {
	var pool []string
	for i := range 300 {
		pool = append(pool, fmt.Sprintf("%08d-%d-00000000", i/10, i), strings.Repeat("x", i), fmt.Sprint(i))
	}
	pool = slices.DeleteFunc(pool, func(s string) bool { return s == "" })
	for _, recent := range []int{1, 16, 4096} {
		table, want := newNameTable(1000, recent), make(map[string]int64)
		table.counted = true
		r := rand.New(rand.NewPCG(1, 2))
		for range 20000 {
			s := pool[r.IntN(len(pool))]
			table.count([]byte(s), 100)
			want[s[:min(len(s), 100)]]++
		}
		if got := table.counts(); !maps.Equal(got, want) {
			t.Errorf("%d recent: got %v, want %v", recent, got, want)
		}
		if got := table.sorted(); !slices.Equal(got, slices.Sorted(maps.Keys(want))) {
			t.Errorf("%d recent: got %q", recent, got)
		}
		if table.over {
			t.Error("over the limit")
		}
	}
}

func TestNameTableLimit(t *testing.T) {
	table := newNameTable(3, 16)
	table.counted = true
	for range 2 {
		for i := range 5 {
			table.count([]byte(fmt.Sprint(i)), 10)
		}
	}
	if want := map[string]int64{"0": 2, "1": 2, "2": 2}; !maps.Equal(table.counts(), want) || !table.over {
		t.Errorf("got %v, over %v", table.counts(), table.over)
	}
}

// A name is kept, not the octets that it was found in.
func TestNameTableCopies(t *testing.T) {
	table := newNameTable(3, 16)
	table.counted = true
	b := []byte("INVITE")
	table.count(b, 10)
	copy(b, "xxxxxx")
	table.count([]byte("INVITE"), 10)
	if want := map[string]int64{"INVITE": 2}; !maps.Equal(table.counts(), want) {
		t.Errorf("got %v", table.counts())
	}
}
