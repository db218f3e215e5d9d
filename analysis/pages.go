package analysis

import (
	"slices"

	"github.com/sipsight/sipsight/sipmsg"
)

// Octets of messages are kept in pages: the first message of a leg, and perhaps short ones behind
// it, in a small one, since of a scanner or a flood no leg has more; the rest in the next ones, which hold
// what else there is of most calls until somebody hangs up: tens of thousands may wait for that.
const (
	smallPage = 1 << 10
	pageSize  = 3 << 10
	largePage = 4 << 10
)

// pageSizes are the sizes of pages: an INVITE with a description, and the fields of a phone, is a
// little too long for a small one.
var pageSizes = [...]int{smallPage, pageSize, largePage}

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

// indexed reports whether a message of a leg is kept with an index: most that rules look at again have credentials or a
// challenge, and of the others it is cheaper to parse a few again than to make an index of each. What is cut gets none.
func indexed(m *sipmsg.Message, cut bool) bool {
	return !cut && (hasCredentials(m) || m.Has(sipmsg.WWWAuthenticate) || m.Has(sipmsg.ProxyAuthenticate))
}

// roomFor returns how many octets a message, and its index, take.
func roomFor(m *sipmsg.Message, index bool) int {
	if !index {
		return len(m.Raw())
	}
	return len(m.Raw()) + m.IndexLen()
}

// appendMessage copies the octets of a message, and its index if it gets one, behind those of a page with the number n.
func appendMessage(page []byte, n int, m *sipmsg.Message, index bool) ([]byte, place) {
	raw := m.Raw()
	p := place{page: int32(n), off: int32(len(page)), n: int32(len(raw))}
	page = append(page, raw...)
	if index {
		page = m.AppendIndex(page)
		p.index = int32(len(page)) - p.off - p.n
	}
	return page, p
}

// keepOctets keeps a message in the pages of a leg.
func (v *liveLeg) keepOctets(s *pageStore, m *sipmsg.Message, cut bool) (p place) {
	index := indexed(m, cut)
	need := roomFor(m, index)
	last := len(v.pages) - 1
	if last < 0 || cap(v.pages[last])-len(v.pages[last]) < need {
		v.pages = append(v.pages, s.take(need, last < 0))
		last++
	}
	v.pages[last], p = appendMessage(v.pages[last], last, m, index)
	v.octets += len(m.Raw())
	return p
}

// A sheaf is a page for messages of requests outside of calls, which end in about the order in which they
// begin: it is used again when nobody needs any of them.
type sheaf struct {
	pages [1][]byte // of its full length
	used  int
	users int
}

// sheafSize is the size of a sheaf, maxFreeSheaves how many wait for their next use.
const (
	sheafSize      = 64 << 10
	maxFreeSheaves = 16
)

// A leaf is where a message stands in a sheaf; the zero leaf is none.
type leaf struct {
	of *sheaf
	place
}

// read makes the message again.
func (l leaf) read(m *sipmsg.Message) bool { return l.place.read(m, l.of.pages[:], false) }

// A sheafStore keeps messages in sheaves.
type sheafStore struct {
	last *sheaf
	free []*sheaf
}

// keep keeps a whole message.
func (s *sheafStore) keep(m *sipmsg.Message) leaf {
	index := m.IsRequest() || indexed(m, false) // most requests are looked at again
	need := roomFor(m, index)
	if s.last == nil || len(s.last.pages[0])-s.last.used < need {
		s.last = s.next(need)
	}
	c := s.last
	page, p := appendMessage(c.pages[0][:c.used], 0, m, index)
	c.used = len(page)
	c.users++
	return leaf{c, p}
}

// next returns a sheaf with room for n octets.
func (s *sheafStore) next(n int) *sheaf {
	last := len(s.free) - 1
	if last < 0 || n > sheafSize {
		return &sheaf{pages: [1][]byte{make([]byte, max(n, sheafSize))}}
	}
	c := s.free[last]
	s.free = s.free[:last]
	return c
}

// drop gives back the room of a message that nobody reads any more.
func (s *sheafStore) drop(l leaf) {
	c := l.of
	if c == nil {
		return
	}
	if c.users--; c.users > 0 {
		return
	}
	c.used = 0
	if c != s.last && len(c.pages[0]) == sheafSize && len(s.free) < maxFreeSheaves {
		s.free = append(s.free, c)
	}
}
