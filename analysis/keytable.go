package analysis

// A keyTable holds which of the legs that are followed have a key, at most maxSharing for each
// of them. Its slots are found by the key itself, which is a hash with a seed.
type keyTable struct {
	slots []keySlot // as many as a power of two, at most half of them taken
	taken int
}

// A keySlot is one leg with one key; no leg is an empty slot.
type keySlot struct {
	sum uint64
	leg *liveLeg
}

// legs returns the legs with a key, those that came first before the others.
func (t *keyTable) legs(sum uint64, list []*liveLeg) []*liveLeg {
	if len(t.slots) == 0 {
		return list
	}
	mask := uint64(len(t.slots) - 1)
	for i := sum & mask; t.slots[i].leg != nil; i = (i + 1) & mask {
		if t.slots[i].sum != sum {
			continue
		}
		list = append(list, t.slots[i].leg)
		for n := len(list) - 1; n > 0 && list[n].joined < list[n-1].joined; n-- {
			list[n], list[n-1] = list[n-1], list[n]
		}
	}
	return list
}

// add adds a leg under a key, in the place of the one that came first where there are too many.
// It reports whether the leg was not there before.
func (t *keyTable) add(sum uint64, v *liveLeg) bool {
	if 2*t.taken >= len(t.slots) {
		t.grow()
	}
	mask := uint64(len(t.slots) - 1)
	var oldest *keySlot
	sharing := 0
	i := sum & mask
	for ; t.slots[i].leg != nil; i = (i + 1) & mask {
		s := &t.slots[i]
		if s.sum != sum {
			continue
		}
		if s.leg == v {
			return false
		}
		if sharing++; oldest == nil || s.leg.joined < oldest.leg.joined {
			oldest = s
		}
	}
	if sharing == maxSharing {
		oldest.leg = v
		return true
	}
	t.slots[i] = keySlot{sum, v}
	t.taken++
	return true
}

func (t *keyTable) grow() {
	was := t.slots
	t.slots = make([]keySlot, max(64, 2*len(was)))
	mask := uint64(len(t.slots) - 1)
	for _, s := range was {
		if s.leg == nil {
			continue
		}
		i := s.sum & mask
		for t.slots[i].leg != nil {
			i = (i + 1) & mask
		}
		t.slots[i] = s
	}
}

// remove takes a leg away from under a key, if it is there. What was put behind it because its
// own slot was taken moves up, so that no search ends too early.
func (t *keyTable) remove(sum uint64, v *liveLeg) {
	mask := uint64(len(t.slots) - 1)
	i := sum & mask
	for t.slots[i].sum != sum || t.slots[i].leg != v {
		if t.slots[i].leg == nil {
			return
		}
		i = (i + 1) & mask
	}
	t.taken--
	for next := (i + 1) & mask; t.slots[next].leg != nil; next = (next + 1) & mask {
		if home := t.slots[next].sum & mask; (next-home)&mask >= (next-i)&mask {
			t.slots[i] = t.slots[next]
			i = next
		}
	}
	t.slots[i] = keySlot{}
}
