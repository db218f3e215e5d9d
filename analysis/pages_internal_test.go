package analysis

import "testing"

// TestPagesAreLentAgain: what a message of whatever usual length was kept in is given to the
// next leg, and neither an empty store nor a page of odd size makes one too short.
func TestPagesAreLentAgain(t *testing.T) {
	for _, c := range []struct {
		n     int
		first bool
		size  int
		again bool
	}{
		{1, true, smallPage, true},
		{smallPage, true, smallPage, true},
		{smallPage + 1, true, pageSize, true},
		{3500, true, largePage, true},
		{1, false, pageSize, true},
		{pageSize, false, pageSize, true},
		{pageSize + 1, false, largePage, true},
		{largePage + 1, true, largePage + 1, false},
		{largePage + 1, false, largePage + 1, false},
	} {
		var s pageStore
		p := s.take(c.n, c.first)
		if len(p) != 0 || cap(p) != c.size {
			t.Errorf("%d octets, first %v: a page of %d with %d in it; want %d", c.n, c.first, cap(p), len(p), c.size)
		}
		p = append(p, 1)
		s.giveBack([][]byte{p})
		next := s.take(c.n, c.first)
		if again := &next[:1][0] == &p[0]; len(next) != 0 || again != c.again {
			t.Errorf("%d octets, first %v: lent again %v, with %d in it", c.n, c.first, again, len(next))
		}
	}
	var s pageStore
	for range maxFreePages + 10 {
		s.giveBack([][]byte{make([]byte, 0, largePage)})
	}
	if n := len(s.free[len(pageSizes)-1]); n != maxFreePages {
		t.Errorf("%d pages wait", n)
	}
}
