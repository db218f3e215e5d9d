package analysis

// pageSize is the size of the pages that octets of messages are kept in: a message or a handful.
const pageSize = 4 << 10

// maxFreePages bounds the pages that wait for the next leg.
const maxFreePages = 1 << 10

// A pageStore lends pages and takes them back, so that the octets of a leg need neither be moved
// while they grow nor leave garbage when it is over.
type pageStore struct{ free [][]byte }

// take returns an empty page with room for n octets.
func (s *pageStore) take(n int) []byte {
	if n > pageSize {
		return make([]byte, 0, n)
	}
	last := len(s.free) - 1
	if last < 0 {
		return make([]byte, 0, pageSize)
	}
	p := s.free[last]
	s.free = s.free[:last]
	return p
}

// giveBack takes back pages that nobody reads any more. Larger ones are left to the collector.
func (s *pageStore) giveBack(pages [][]byte) {
	for _, p := range pages {
		if cap(p) == pageSize && len(s.free) < maxFreePages {
			s.free = append(s.free, p[:0])
		}
	}
}

// A place is where octets stand in the pages of a leg; the zero place is none.
type place struct{ page, off, n int32 }

// of returns the octets.
func (p place) of(pages [][]byte) []byte {
	if p.n == 0 {
		return nil
	}
	return pages[p.page][p.off : p.off+p.n : p.off+p.n]
}

// keepOctets copies octets into the pages of a leg.
func (v *liveLeg) keepOctets(s *pageStore, raw []byte) place {
	last := len(v.pages) - 1
	if last < 0 || cap(v.pages[last])-len(v.pages[last]) < len(raw) {
		v.pages = append(v.pages, s.take(len(raw)))
		last++
	}
	p := place{int32(last), int32(len(v.pages[last])), int32(len(raw))}
	v.pages[last] = append(v.pages[last], raw...)
	v.octets += len(raw)
	return p
}
