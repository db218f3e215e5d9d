package analysis

// Octets of messages are kept in pages: the first message of a leg, and perhaps a short one behind
// it, in a small one, since of a scanner or a flood no leg has more; the rest in larger ones.
const (
	smallPage = 1 << 10
	pageSize  = 4 << 10
)

// maxFreePages bounds the pages of each size that wait for the next leg.
const maxFreePages = 1 << 10

// A pageStore lends pages and takes them back, so that the octets of a leg need neither be moved
// while they grow nor leave garbage when it is over.
type pageStore struct{ small, large [][]byte }

// take returns an empty page with room for n octets, the first one of a leg or a further one.
func (s *pageStore) take(n int, first bool) []byte {
	free, size := &s.large, pageSize
	if first {
		free, size = &s.small, smallPage
	}
	last := len(*free) - 1
	if n > size || last < 0 {
		return make([]byte, 0, max(n, size))
	}
	p := (*free)[last]
	*free = (*free)[:last]
	return p
}

// giveBack takes back pages that nobody reads any more. Those of other sizes, of one long
// message, are left to the collector.
func (s *pageStore) giveBack(pages [][]byte) {
	for _, p := range pages {
		free := &s.large
		switch cap(p) {
		case pageSize:
		case smallPage:
			free = &s.small
		default:
			continue
		}
		if len(*free) < maxFreePages {
			*free = append(*free, p[:0])
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
		v.pages = append(v.pages, s.take(len(raw), last < 0))
		last++
	}
	p := place{int32(last), int32(len(v.pages[last])), int32(len(raw))}
	v.pages[last] = append(v.pages[last], raw...)
	v.octets += len(raw)
	return p
}
