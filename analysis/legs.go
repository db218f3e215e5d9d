package analysis

// A legStore holds the legs of a timeline in the order in which they began. Those that are
// followed, and those that something is still written into, are there as they are; the others
// are packed.
type legStore struct {
	packer
	legs   []*Leg    // nil where it is packed
	packed []textRef // 0 where it is not
	steps  []textRef // the packed Steps of legs that are finished, as far as there are any
	room   rooms[Step]
	calls  []int32 // the ID of the call of each, once that is known
	joins  map[int][]Join

	endedBy map[int]Party // by leg, who ended it, where a further leg of the call shows that

	spareLegs  []*Leg // that were packed, for others in their place
	spareMedia []*Media

	streams []*Stream // of the timeline, in order
	first   []int32   // by leg, 1 + the first of its streams; Stream.sibling is the next one
}

func (s *legStore) len() int { return len(s.legs) }

func (s *legStore) add(l *Leg) {
	l.order = len(s.legs)
	s.legs, s.packed = append(s.legs, l), append(s.packed, 0)
}

// put packs a leg that is finished, which nobody holds. call is the number of its Call-ID.
func (s *legStore) put(l *Leg, call int) {
	switch {
	case len(l.Steps) > 0: // whoever wants them asks for the leg often: only they are packed
		for len(s.steps) <= l.order {
			s.steps = append(s.steps, 0)
		}
		s.steps[l.order] = s.packSteps(l)
		s.room.giveBack(l.Steps)
		l.Steps = nil
	case l.packable():
		s.legs[l.order], s.packed[l.order] = nil, s.pack(l, call)
		s.spare(l)
	}
}

// spare leaves the room of a leg to the next.
func (s *legStore) spare(l *Leg) {
	if len(s.spareLegs) == maxSpareLegs {
		return
	}
	if m := l.Media; m != nil {
		*m = Media{Lines: m.Lines[:0], Endpoints: m.Endpoints[:0], Candidates: m.Candidates[:0]}
		s.spareMedia = append(s.spareMedia, m)
	}
	*l = Leg{UserAgents: l.UserAgents[:0], Redirects: l.Redirects[:0], Transfers: l.Transfers[:0], Hops: l.Hops[:0], Refusals: l.Refusals[:0], Dialogs: l.Dialogs[:0]}
	s.spareLegs = append(s.spareLegs, l)
}

// fresh returns a leg that holds nothing, but perhaps has room.
func (s *legStore) fresh() *Leg { return last(&s.spareLegs) }

// freshMedia returns Media that hold nothing, but perhaps have room.
func (s *legStore) freshMedia() *Media { return last(&s.spareMedia) }

// last takes the last of a list, or makes one where it is empty.
func last[T any](list *[]*T) *T {
	n := len(*list)
	if n == 0 {
		return new(T)
	}
	x := (*list)[n-1]
	*list = (*list)[:n-1]
	return x
}

// at returns leg i without its Steps: the one that is there, or else one made for the caller.
//
//go:noinline
func (s *legStore) at(i int) *Leg {
	if l := s.legs[i]; l != nil {
		return l
	}
	return s.make(new(legRoom), i, false)
}

// whole returns leg i with its Steps.
func (s *legStore) whole(i int) *Leg {
	l := s.at(i)
	if i < len(s.steps) && s.steps[i] != 0 {
		with := *l
		s.unpackSteps(&with, s.steps[i])
		return &with
	}
	return l
}

// make makes leg i, which is packed, in a room that is empty; head says that its head is enough.
func (s *legStore) make(r *legRoom, i int, head bool) *Leg {
	l := s.unpack(r, s.packed[i], i, head)
	s.tell(l)
	s.attach(l)
	return l
}

// look is at for a caller that is done with the leg before it calls again, and needs none of its
// streams: r is where a packed one is laid.
func (s *legStore) look(i int, r *legRoom) *Leg {
	if l := s.legs[i]; l != nil {
		return l
	}
	*r = legRoom{}
	return s.unpack(r, s.packed[i], i, false)
}

// attach gives a leg its streams, once those are known. As with tell, what is in the store
// is given them once.
//
//go:noinline
func (s *legStore) attach(l *Leg) {
	if l.order >= len(s.first) || l.Media == nil {
		return
	}
	for i := s.first[l.order]; i > 0; i = s.streams[i-1].sibling {
		if x := s.streams[i-1]; x.RelayHop {
			l.Media.Relayed = append(l.Media.Relayed, x)
		} else {
			l.Media.Streams = append(l.Media.Streams, x)
		}
	}
}

// tell tells a leg of its call, once that is known. What is in the store is told once: readers
// of a result, which may be many at a time, change nothing.
func (s *legStore) tell(l *Leg) {
	if l.order < len(s.calls) {
		l.call, l.Joins = int(s.calls[l.order]), s.joins[l.order]
		if by := s.endedBy[l.order]; by != NoParty {
			l.EndedBy = by
		}
	}
}

// callID returns the Call-ID of leg i.
func (s *legStore) callID(i int) string {
	if l := s.legs[i]; l != nil {
		return l.CallID
	}
	return s.packer.callIDOf(s.packed[i])
}

// pin returns leg i, of which there is only one from now on.
func (s *legStore) pin(i int) *Leg {
	l := s.at(i)
	s.legs[i], s.packed[i] = l, 0
	return l
}
