package analysis

// A legStore holds the legs of a timeline in the order in which they began. Those that are
// followed, and those that something is still written into, are there as they are; the others
// are packed.
type legStore struct {
	packer
	legs   []*Leg   // nil where it is packed
	packed []string // "" where it is not
	calls  []int32  // the ID of the call of each, once that is known
	joins  map[int][]Join
}

func (s *legStore) len() int { return len(s.legs) }

func (s *legStore) add(l *Leg) {
	l.order = len(s.legs)
	s.legs, s.packed = append(s.legs, l), append(s.packed, "")
}

// put packs a leg that is finished. call is the number of its Call-ID.
func (s *legStore) put(l *Leg, call int) {
	if l.packable() {
		s.legs[l.order], s.packed[l.order] = nil, s.pack(l, call)
	}
}

// at returns leg i: the one that is there, or else one made for the caller.
func (s *legStore) at(i int) *Leg {
	if l := s.legs[i]; l != nil {
		return l
	}
	return s.make(new(legRoom), i, false)
}

// make makes leg i, which is packed, in a room that is empty; head says that its head is enough.
func (s *legStore) make(r *legRoom, i int, head bool) *Leg {
	l := s.unpack(r, s.packed[i], i, head)
	s.tell(l)
	return l
}

// tell tells a leg of its call, once that is known. What is in the store is told once: readers
// of a result, which may be many at a time, change nothing.
func (s *legStore) tell(l *Leg) {
	if l.order < len(s.calls) {
		l.call, l.Joins = int(s.calls[l.order]), s.joins[l.order]
	}
}

// callID returns the Call-ID of leg i.
func (s *legStore) callID(i int) string {
	if l := s.legs[i]; l != nil {
		return l.CallID
	}
	u := newUnpacker(s.packed[i], &s.packer)
	return u.callID()
}

// pin returns leg i, of which there is only one from now on.
func (s *legStore) pin(i int) *Leg {
	l := s.at(i)
	s.legs[i], s.packed[i] = l, ""
	return l
}
