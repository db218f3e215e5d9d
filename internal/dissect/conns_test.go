package dissect

import (
	"math/rand/v2"
	"net/netip"
	"testing"
)

// The table finds what a map finds, from both ends, while connections come and go.
func TestConnTable(t *testing.T) {
	var table connTable
	type pair [2]netip.AddrPort
	want := make(map[pair]*conn)
	var all []pair
	hosts := []string{"10.0.0.1", "10.0.0.2", "2001:db8::1", "::ffff:10.0.0.1"}
	r := rand.New(rand.NewPCG(1, 2))
	end := func() netip.AddrPort {
		return netip.AddrPortFrom(netip.MustParseAddr(hosts[r.IntN(len(hosts))]), uint16(5060+r.IntN(20)))
	}
	for i := range int64(20000) {
		src, dst := end(), end()
		c, side := table.get(&src, &dst, i*touchLag/2, true)
		if c.ends[side] != src || c.ends[1-side] != dst || c.ends[1].Compare(c.ends[0]) < 0 {
			t.Fatalf("%v to %v is side %d of %v", src, dst, side, c.ends)
		}
		p := pair(c.ends)
		if old := want[p]; old == nil {
			want[p] = c
			all = append(all, p)
		} else if old != c {
			t.Fatalf("%v is there twice", p)
		}
		if len(all) > 500 {
			k := r.IntN(len(all))
			gone := all[k]
			table.remove(want[gone])
			delete(want, gone)
			all[k] = all[len(all)-1]
			all = all[:len(all)-1]
			if c, _ := table.get(&gone[1], &gone[0], i, false); c != nil {
				t.Fatalf("%v is still there", gone)
			}
		}
	}
	n := 0
	for c := table.head; c != nil; c = c.next {
		n++
	}
	// An IPv4 address and the same one mapped to IPv6 have the same hash.
	if table.n != len(want) || n != len(want) || len(table.m) >= len(want) {
		t.Errorf("%d connections, %d in the list, %d hashes, want %d", table.n, n, len(table.m), len(want))
	}
}

// Connections with one hash are chained, and any of them can be removed.
func TestConnTableChain(t *testing.T) {
	for gone := range 3 {
		table := connTable{m: make(map[uint64]*conn)}
		var list []*conn
		for range 3 {
			c := &conn{hash: 7, same: table.m[7]}
			table.m[7] = c
			table.n++
			table.push(c)
			list = append(list, c)
		}
		table.remove(list[gone])
		left := 0
		for c := table.m[7]; c != nil; c = c.same {
			if c == list[gone] {
				t.Errorf("%d is still there", gone)
			}
			left++
		}
		if left != 2 || table.n != 2 {
			t.Errorf("%d are left of 3 without %d", left, gone)
		}
		for _, c := range list {
			if c != list[gone] {
				table.remove(c)
			}
		}
		if len(table.m) != 0 || table.n != 0 || table.head != nil || table.tail != nil {
			t.Error("the table is not empty")
		}
	}
}
