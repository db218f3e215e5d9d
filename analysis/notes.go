package analysis

import (
	"cmp"
	"slices"
	"strings"

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
		t.add(id, 1, m.Frame.Number)
	}
	for id := range m.SIP.Check().IDs() {
		t.add(id, 1, m.Frame.Number)
	}
}

// counts adds what was counted over the packets of a file.
func (t *noteTable) counts(c *dissect.Counts) {
	if c.Fragments > 0 {
		t.add("fragments", c.Fragments, 0)
	}
	if c.Keepalives > 0 {
		t.set("crlf-keepalive", c.Keepalives)
	}
	for kind, n := range c.Tunnels {
		if n > 0 {
			t.add("tunnel-"+strings.ToLower(layers.TunnelKind(kind).String()), n, 0)
		}
	}
	if c.HEP > 0 {
		t.set("hep", c.HEP)
	}
	for link, n := range c.LinkUnknown {
		t.add("link-type-"+layers.LinkType(link).String()+"-not-decoded", n, 0)
	}
}

// wire adds what happened to fragments and streams.
func (t *noteTable) wire(d *dissect.Dissector) {
	f, s := &d.Fragments, &d.Streams
	for _, n := range []struct {
		id    string
		count int64
	}{
		{"frag-incomplete", f.Incomplete}, {"frag-no-head", f.NoHead}, {"frag-limit", f.Evicted + f.Refused},
		{"frag-duplicate", f.Duplicates}, {"frag-overlap", f.Overlaps}, {"frag-conflict", f.Conflicts},
		{"tcp-retransmission", s.Retransmitted}, {"tcp-reordered", s.Reordered}, {"tcp-overlap", s.Overlaps},
		{"tcp-conflict", s.Conflicts}, {"tcp-gap", s.Gaps}, {"tcp-stray", s.Stray}, {"tcp-midstream", s.Midstream},
		{"bytes-skipped", s.Skipped}, {"tcp-limit", s.Evicted},
	} {
		if n.count > 0 {
			t.set(n.id, n.count)
		}
	}
}

// set sets a count, keeping the first frame where messages brought one.
func (t *noteTable) set(id string, count int64) {
	t.add(id, 0, 0)
	for i := range t.notes {
		if t.notes[i].ID == id {
			t.notes[i].Count = count
		}
	}
}

// sorted returns the notes by id.
func (t *noteTable) sorted() []Note {
	slices.SortFunc(t.notes, func(a, b Note) int { return cmp.Compare(a.ID, b.ID) })
	return t.notes
}
