package analysis

import (
	"cmp"
	"slices"

	"github.com/sipsight/sipsight/internal/dissect"
	"github.com/sipsight/sipsight/layers"
)

// A noteTable counts the notes of one file. Its ids are a fixed set, so it is small.
type noteTable struct {
	notes []Note
}

func (t *noteTable) add(id string, count, frame int64) {
	for i := range t.notes {
		if t.notes[i].ID == id {
			t.notes[i].Count += count
			return
		}
	}
	t.notes = append(t.notes, Note{id, count, frame})
}

// message counts what was odd about a message.
func (t *noteTable) message(m *Message) {
	for _, id := range m.Notes {
		t.add(id, 1, m.Frame)
	}
	for id := range m.SIP.Check().IDs() {
		t.add(id, 1, m.Frame)
	}
	if len(m.Tunnel) > 0 {
		t.add("tunnel-vlan", 1, m.Frame)
	}
}

// counts adds what was counted over the packets of a file.
func (t *noteTable) counts(c *dissect.Counts) {
	if c.Fragments > 0 {
		t.add("fragments", c.Fragments, 0)
	}
	if c.Keepalives > 0 {
		t.add("crlf-keepalive", c.Keepalives, 0)
	}
	for link, n := range c.LinkUnknown {
		t.add("link-type-"+layers.LinkType(link).String()+"-not-decoded", n, 0)
	}
}

// sorted returns the notes by id.
func (t *noteTable) sorted() []Note {
	slices.SortFunc(t.notes, func(a, b Note) int { return cmp.Compare(a.ID, b.ID) })
	return t.notes
}
