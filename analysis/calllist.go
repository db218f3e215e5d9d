package analysis

import "iter"

// A CallList is the calls of a timeline, in the order in which they began. The zero CallList
// is empty.
type CallList struct {
	list    []*Call
	remarks map[int]*Remarks
}

// Len returns the number of calls.
func (c *CallList) Len() int { return len(c.list) }

// At returns call i, from 0: the one with the ID i+1. It is made for the caller.
func (c *CallList) At(i int) *Call {
	x := *c.list[i]
	if m := c.remarks[x.ID]; m != nil {
		x.Remarks = *m
	}
	return &x
}

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

// Add adds a call behind the others. Its ID is one more than that of the last.
func (c *CallList) Add(x *Call) { c.list = append(c.list, x) }

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
