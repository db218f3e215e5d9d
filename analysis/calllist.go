package analysis

import "iter"

// A CallList is the calls of a timeline, in the order in which they began. The zero CallList
// is empty.
//
// Calls are kept in a form that takes little room. Each one that At or All gives is made for
// the caller and may be held; its legs may be those that others were given, and are not to be
// written into.
type CallList struct {
	legs    *legStore
	first   []int32           // the first leg of each call
	more    map[int32][]int32 // by ID, the other ones
	remarks map[int]*Remarks  // by ID
	linksOf map[int][]Link    // by ID
}

// Len returns the number of calls.
func (c *CallList) Len() int { return len(c.first) }

// At returns call i, from 0: the one with the ID i+1.
func (c *CallList) At(i int) *Call {
	x := &Call{ID: i + 1, Legs: []*Leg{c.legs.at(int(c.first[i]))}}
	for _, n := range c.more[int32(x.ID)] {
		x.Legs = append(x.Legs, c.legs.at(int(n)))
	}
	if m := c.remarks[x.ID]; m != nil {
		x.Remarks = *m
	}
	x.Links = c.Links(x.ID)
	return x
}

// Leg returns the leg with an Index.
func (c *CallList) Leg(index int) *Leg { return c.legs.at(index) }

// All iterates over the calls in order.
func (c *CallList) All() iter.Seq[*Call] {
	return func(yield func(*Call) bool) {
		for i := range c.Len() {
			if !yield(c.At(i)) {
				return
			}
		}
	}
}

// CallIDs iterates over the Call-IDs of all legs in the order in which they began, each with
// the ID of the call that it is of. It costs far less than All.
func (c *CallList) CallIDs() iter.Seq2[string, int] {
	return func(yield func(string, int) bool) {
		if c.legs == nil {
			return
		}
		for i, id := range c.legs.calls {
			if !yield(c.legs.callID(i), int(id)) {
				return
			}
		}
	}
}

// Remarks returns what is said of the call with an ID, for more to be said. Calls that At and
// All gave before do not know of it.
func (c *CallList) Remarks(id int) *Remarks {
	m := c.remarks[id]
	if m == nil {
		if c.remarks == nil {
			c.remarks = make(map[int]*Remarks)
		}
		m = new(Remarks)
		c.remarks[id] = m
	}
	return m
}
