package analysis

import (
	"slices"

	"github.com/sipsight/sipsight/sipmsg"
)

// Octets of messages are kept in pages: the first message of a leg, and perhaps short ones behind
// it, in a small one, since of a scanner or a flood no leg has more; the rest in the largest ones.
const (
	smallPage = 1 << 10
	pageSize  = 4 << 10
)

// pageSizes are the sizes of pages: an INVITE with a description, and the fields of a phone, is a
// little too long for a small one.
var pageSizes = [...]int{smallPage, 2 << 10, pageSize}

// maxFreePages bounds the pages of each size that wait for the next leg: as many begin as end.
const maxFreePages = 1 << 8

// A pageStore lends pages and takes them back, so that the octets of a leg need neither be moved
// while they grow nor leave garbage when it is over.
type pageStore struct{ free [len(pageSizes)][][]byte }

// take returns an empty page with room for n octets, the first one of a leg or a further one.
func (s *pageStore) take(n int, first bool) []byte {
	if !first {
		n = max(n, pageSize)
	}
	for i, size := range pageSizes {
		if n > size {
			continue
		}
		free := &s.free[i]
		last := len(*free) - 1
		if last < 0 {
			return make([]byte, 0, size)
		}
		p := (*free)[last]
		*free = (*free)[:last]
		return p
	}
	return make([]byte, 0, n)
}

// giveBack takes back pages that nobody reads any more. Those of other sizes, of one long
// message, are left to the collector.
func (s *pageStore) giveBack(pages [][]byte) {
	for _, p := range pages {
		i := slices.Index(pageSizes[:], cap(p))
		if i >= 0 && len(s.free[i]) < maxFreePages {
			s.free[i] = append(s.free[i], p[:0])
		}
	}
}

// A place is where the octets of a message stand in the pages of a leg, and behind them its
// index, if it has one; the zero place is none.
type place struct{ page, off, n, index int32 }

// octets returns the octets.
func (p place) octets(pages [][]byte) []byte {
	if p.n == 0 {
		return nil
	}
	return pages[p.page][p.off : p.off+p.n : p.off+p.n]
}

// read makes the message again. cut says that octets are missing.
func (p place) read(m *sipmsg.Message, pages [][]byte, cut bool) bool {
	raw := p.octets(pages)
	end := p.off + p.n
	return readAgain(m, raw, pages[p.page][end:end+p.index], cut)
}

// readAgain makes a message again of its octets, and of its index where there is one.
func readAgain(m *sipmsg.Message, raw, index []byte, cut bool) bool {
	switch {
	case m.Restore(raw, index):
		return true
	case cut:
		return m.ParseCut(raw) == nil
	}
	return m.Parse(raw) == nil
}

// keepOctets copies the octets of a message, and its index, into the pages of a leg. What is cut
// gets none.
func (v *liveLeg) keepOctets(s *pageStore, m *sipmsg.Message, cut bool) place {
	raw, need := m.Raw(), len(m.Raw())
	if !cut {
		need += m.IndexLen()
	}
	last := len(v.pages) - 1
	if last < 0 || cap(v.pages[last])-len(v.pages[last]) < need {
		v.pages = append(v.pages, s.take(need, last < 0))
		last++
	}
	page := v.pages[last]
	p := place{page: int32(last), off: int32(len(page)), n: int32(len(raw))}
	page = append(page, raw...)
	if !cut {
		page = m.AppendIndex(page)
		p.index = int32(len(page)) - p.off - p.n
	}
	v.pages[last] = page
	v.octets += len(raw)
	return p
}
