// Package reassembly puts together what the network took apart: IP fragments into
// datagrams (RFC 791, 815, 8200, 5722), TCP segments into streams (RFC 9293).
//
// Where two copies of an octet differ the first one that was captured counts, and the
// difference is flagged as long as that one is still here: what a stream has given to its
// Sink is gone. Everything is bounded: a table that is full gives up its oldest
// entry, and what was given up is counted. Time is the time of the capture.
package reassembly

import (
	"slices"
	"sort"
	"time"
)

// A Ref names the packet that octets came in.
type Ref struct {
	File  int
	Frame int64
	Order int64 // of the packet in the timeline
}

// InOrder puts refs into the order of the timeline, in place, and returns them without those that
// are there twice. Most are in order already.
func InOrder(refs []Ref) []Ref {
	for i := 1; i < len(refs); i++ {
		if refs[i].Order < refs[i-1].Order {
			sort.Sort(byOrder(refs))
			break
		}
	}
	return slices.Compact(refs)
}

// byOrder is a sort.Interface, so that the binary needs no sort of its own for refs.
type byOrder []Ref

func (r byOrder) Len() int           { return len(r) }
func (r byOrder) Less(i, k int) bool { return r[i].Order < r[k].Order }
func (r byOrder) Swap(i, k int)      { r[i], r[k] = r[k], r[i] }

// A span is a run of octets at an offset, with the packet it came in.
type span struct {
	off  int64
	data []byte
	ref  Ref
	time time.Time
	f    Flags
}

func (s *span) end() int64 { return s.off + int64(len(s.data)) }

// insert adds s to list, which is sorted by offset and without overlaps, and keeps it so:
// of s only what is not there yet is added, copied. overlap reports that some was there,
// conflict that it was different.
func insert(list []span, s span) (out []span, added int, overlap, conflict bool) {
	size := len(s.data)
	i := len(list)
	for i > 0 && list[i-1].end() > s.off { // usually none: spans come in order
		i--
	}
	for len(s.data) > 0 {
		if i == len(list) || s.end() <= list[i].off {
			return put(list, i, s), added + len(s.data), overlap, conflict
		}
		old := &list[i]
		if s.off < old.off { // a piece in front of it
			n := int(old.off - s.off)
			piece := s
			piece.data = s.data[:n]
			list = put(list, i, piece)
			added += n
			s.off, s.data = s.off+int64(n), s.data[n:]
			i++
			old = &list[i]
		}
		n := int(min(s.end(), old.end()) - s.off)
		if n > 0 {
			overlap = true
			if n < size { // else it is the same again
				old.f |= Overlapped
				s.f |= Overlapped
			}
			if string(s.data[:n]) != string(old.data[s.off-old.off:][:n]) {
				conflict = true
				old.f |= Overlapped | Conflicting
			}
			s.off, s.data = s.off+int64(n), s.data[n:]
		}
		i++
	}
	return list, added, overlap, conflict
}

// put inserts a copy of s at index i.
func put(list []span, i int, s span) []span {
	s.data = append([]byte(nil), s.data...)
	list = append(list, span{})
	copy(list[i+1:], list[i:])
	list[i] = s
	return list
}
