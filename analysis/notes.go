package analysis

import (
	"math/bits"
	"sort"
	"strings"

	"github.com/sipsight/sipsight/internal/dissect"
	"github.com/sipsight/sipsight/layers"
	"github.com/sipsight/sipsight/sipmsg"
)

// A noteTable counts the notes of one file. Its ids are a fixed set, so it is small.
type noteTable struct {
	notes []Note

	// Those of messages, by the bit of dissect.Notes and of sipmsg.Quirks.
	onWire [32]tally
	inText [64]tally
}

// A tally counts one kind of oddity of messages.
type tally struct {
	count, frame int64 // frame is the first one
}

func (t *tally) add(frame int64) {
	if t.count++; t.count == 1 {
		t.frame = frame
	}
}

// add counts a note. Not inlined: it is cold, and in many places.
//
//go:noinline
func (t *noteTable) add(id string, count, frame int64) {
	for i := range t.notes {
		if t.notes[i].ID == id {
			t.notes[i].Count += count
			return
		}
	}
	t.notes = append(t.notes, Note{id, count, frame})
}

// message counts what was odd about a message; a copy is no more than that.
func (t *noteTable) message(m *dissect.Message, q sipmsg.Quirks) {
	frame, n := m.Ref.Frame, m.Notes
	if m.Copy {
		n, q = dissect.NoteCopy, 0
	}
	for ; n != 0; n &= n - 1 {
		t.onWire[bits.TrailingZeros32(uint32(n))].add(frame)
	}
	for ; q != 0; q &= q - 1 {
		t.inText[bits.TrailingZeros64(uint64(q))].add(frame)
	}
}

// messages adds what was counted over the messages of a file.
func (t *noteTable) messages() {
	for i, x := range t.onWire {
		if x.count > 0 {
			t.add(dissect.Notes(1 << i).AppendIDs(nil)[0], x.count, x.frame)
		}
	}
	for i, x := range t.inText {
		for id := range sipmsg.Quirks(1 << i).IDs() {
			if x.count > 0 {
				t.add(id, x.count, x.frame)
			}
		}
	}
}

// counts adds what was counted over the packets of a file.
func (t *noteTable) counts(c *dissect.Counts) {
	if c.Fragments > 0 {
		t.add("fragments", c.Fragments, 0)
	}
	if c.Malformed > 0 {
		t.add("packet-malformed", c.Malformed, c.MalformedAt)
	}
	if c.Deep > 0 {
		t.add("tunnel-limit", c.Deep, c.DeepAt)
	}
	if c.Sealed > 0 {
		t.add("packet-encrypted", c.Sealed, c.SealedAt)
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
		{"frag-incomplete", f.Incomplete}, {"frag-no-head", f.NoHead}, {"frag-limit", f.Evicted + f.Refused}, {"frag-invalid", f.Invalid},
		{"frag-duplicate", f.Duplicates}, {"frag-overlap", f.Overlaps}, {"frag-conflict", f.Conflicts},
		{"tcp-retransmission", s.Retransmitted}, {"tcp-reordered", s.Reordered}, {"tcp-overlap", s.Overlaps},
		{"tcp-conflict", s.Conflicts}, {"tcp-gap", s.Gaps}, {"tcp-stray", s.Stray}, {"tcp-midstream", s.Midstream},
		{"bytes-skipped", s.Skipped}, {"tcp-limit", s.Evicted},
		{"not-decompressed", s.Compressed}, {"encrypted-limit", d.Uncounted},
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
	sort.Slice(t.notes, func(i, j int) bool { return t.notes[i].ID < t.notes[j].ID })
	return t.notes
}
