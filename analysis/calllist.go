package analysis

import (
	"iter"
	"time"
)

// A CallList is the calls of a timeline, in the order in which their first messages were read
// whole: mostly that in which they began. The zero CallList is empty.
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
	until   time.Time         // the latest time of the capture
}

// Len returns the number of calls.
func (c *CallList) Len() int { return len(c.first) }

// At returns call i, from 0: the one with the ID i+1.
func (c *CallList) At(i int) *Call {
	x := new(struct {
		Call
		legs [1]*Leg
	})
	x.legs[0] = c.legs.whole(int(c.first[i]))
	c.fill(&x.Call, x.legs[:], i, c.legs.whole)
	return &x.Call
}

// fill makes x call i, whose first leg is in legs; get gives the others.
func (c *CallList) fill(x *Call, legs []*Leg, i int, get func(int) *Leg) {
	*x = Call{ID: i + 1, Legs: legs, Until: c.until}
	for _, n := range c.more[int32(x.ID)] {
		x.Legs = append(x.Legs, get(int(n)))
	}
	if m := c.remarks[x.ID]; m != nil {
		x.Remarks = *m
	}
	x.Links = c.Links(x.ID)
}

// Leg returns the leg with an Index.
func (c *CallList) Leg(index int) *Leg { return c.legs.whole(index) }

// CallNumber returns the ID of the call that the leg with an Index belongs to. It costs far less
// than Leg.
func (c *CallList) CallNumber(index int) int { return int(c.legs.calls[index]) }

// A LegReader gives legs one at a time, each in the place of the one before: for those who look
// at many and keep none. A list may have many readers at a time; a reader is for one goroutine.
type LegReader struct {
	legs *legStore
	head bool // without what Heads leaves out
	room legRoom
}

// LegReader returns a reader of the legs of the list.
func (c *CallList) LegReader() *LegReader { return &LegReader{legs: c.legs} }

// Leg returns the leg with an Index as CallList.Leg does, but without its Steps. It is valid until the next
// call; its texts stay.
func (r *LegReader) Leg(index int) *Leg {
	if l := r.legs.legs[index]; l != nil {
		return l
	}
	r.room = legRoom{}
	return r.legs.make(&r.room, index, r.head)
}

// A CallReader gives the calls of a list one at a time, as a LegReader gives legs.
type CallReader struct {
	list  *CallList
	first LegReader
	call  Call
	legs  [1]*Leg
}

// Reader returns a reader of the list.
func (c *CallList) Reader() *CallReader {
	return &CallReader{list: c, first: LegReader{legs: c.legs}}
}

// Len returns the number of calls.
func (r *CallReader) Len() int { return r.list.Len() }

// At returns call i as CallList.At does, but without the Steps of its legs. The Call and its legs are valid
// until the next call of At; texts of theirs stay.
func (r *CallReader) At(i int) *Call {
	r.legs[0] = r.first.Leg(int(r.list.first[i]))
	r.list.fill(&r.call, r.legs[:], i, r.list.legs.at)
	return &r.call
}

// First returns the first leg of call i, without the others, of which a call may have thousands. It is valid until the next call of At or First.
func (r *CallReader) First(i int) *Leg { return r.first.Leg(int(r.list.first[i])) }

// Each iterates over the calls in order as All does, each in the place of the one before: they are valid for
// one turn, and their legs have no Steps.
func (c *CallList) Each() iter.Seq[*Call] {
	r := c.Reader()
	return each(r.Len, r.At)
}

// All iterates over the calls in order.
func (c *CallList) All() iter.Seq[*Call] { return each(c.Len, c.At) }

// each ranges over what at returns for the numbers below n.
func each[T any](n func() int, at func(int) T) iter.Seq[T] {
	return func(yield func(T) bool) {
		for i := range n() {
			if !yield(at(i)) {
				return
			}
		}
	}
}

// Heads iterates over the calls in order as All does, each in the place of the one before: they
// are valid for one turn. Their legs may lack Transfers, Dialogs and Media. It costs half of what All does.
func (c *CallList) Heads() iter.Seq[*Call] {
	r := c.Reader()
	r.first.head = true
	return each(r.Len, r.At)
}

// CallIDs iterates over the Call-IDs of all legs in the order of their first messages, each with
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
