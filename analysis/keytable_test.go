package analysis

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// TestKeyTable compares a keyTable with lists in a map, over many additions and removals of few
// keys, most of which want the same slots.
func TestKeyTable(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	var table keyTable
	lists := map[uint64][]*liveLeg{}
	var legs []*liveLeg
	for n := range 30000 {
		sum := uint64(rnd.IntN(40))<<20 | uint64(rnd.IntN(5))
		switch {
		case len(legs) == 0 || rnd.IntN(100) < 55:
			v := &liveLeg{joined: int64(n)}
			if rnd.IntN(5) == 0 && len(legs) > 0 {
				v = legs[rnd.IntN(len(legs))]
			} else {
				legs = append(legs, v)
			}
			list := lists[sum]
			fresh := !slices.Contains(list, v)
			if got := table.add(sum, v); got != fresh {
				t.Fatalf("added: %t, want %t", got, fresh)
			}
			if fresh {
				if len(list) == maxSharing {
					list = slices.Delete(list, 0, 1)
				}
				list = append(list, v)
				slices.SortFunc(list, func(a, b *liveLeg) int { return int(a.joined - b.joined) })
				lists[sum] = list
			}
		default:
			i := rnd.IntN(len(legs))
			v := legs[i]
			for sum, list := range lists {
				if at := slices.Index(list, v); at >= 0 || rnd.IntN(10) == 0 {
					table.remove(sum, v)
					if at >= 0 {
						lists[sum] = slices.Delete(list, at, at+1)
					}
				}
			}
			legs = slices.Delete(legs, i, i+1)
		}
		taken := 0
		for sum, list := range lists {
			taken += len(list)
			if n%50 == 0 {
				if got := table.legs(sum, nil); !slices.Equal(got, list) {
					t.Fatalf("after %d: %d legs of key %x, want %d", n, len(got), sum, len(list))
				}
			}
		}
		if taken != table.taken {
			t.Fatalf("%d slots are taken, want %d", table.taken, taken)
		}
	}
}
