package sipmsg

import (
	"encoding/binary"
	"slices"
)

// An index holds, as little-endian numbers,
//
//	2 octets  the length of the start line
//	2         the number of header fields
//	4         1 + where the body begins, 0 for none
//	8         the quirks that Parse saw
//
// and of each header field
//
//	2 octets  where its name begins
//	1         the length of the name
//	1         its ID
//	2         where its value begins
//	2         where it ends
const (
	indexHead  = 16
	indexField = 8
)

// IndexLen returns how many octets AppendIndex appends.
func (m *Message) IndexLen() int { return indexHead + indexField*len(m.fields) }

// AppendIndex appends what Parse found out about m, apart from its octets: with both, Restore
// makes m again in a fraction of the time of Parse. That is for those who keep messages and
// look again at some of them. dst is returned as it was if the message does not fit into an
// index: over 64 kB, or with a name of over 255 octets.
func (m *Message) AppendIndex(dst []byte) []byte {
	if len(m.Raw()) > 1<<16-1 {
		return dst
	}
	was, start, total := len(dst), uint32(m.start), m.IndexLen()
	dst = slices.Grow(dst, total)[:was+total]
	out := dst[was:]
	body := 0
	if m.Body != nil {
		body = 1 + len(m.raw) - len(m.Body) - m.start
	}
	binary.LittleEndian.PutUint64(out, uint64(len(m.StartLine))|uint64(len(m.fields))<<16|uint64(body)<<32)
	binary.LittleEndian.PutUint64(out[8:], uint64(m.quirks))
	out = out[indexHead:]
	fields := m.fields
	for i := range fields {
		f := &fields[i]
		name := f.nameEnd - f.name
		if name > 255 || len(out) < indexField {
			return dst[:was]
		}
		e := uint64(f.name-start) | uint64(name)<<16 | uint64(f.id)<<24 | uint64(f.value-start)<<32 | uint64(f.valueEnd-start)<<48
		binary.LittleEndian.PutUint64(out, e)
		out = out[indexField:]
	}
	return dst
}

// Restore replaces *m with the message that AppendIndex made index of, and of which raw are the
// octets as Raw returned them. It reports whether it did: an index that is none of this message is
// refused as far as that can be told.
func (m *Message) Restore(raw, index []byte) bool {
	*m = Message{raw: raw, fields: m.fields[:0]}
	if len(index) < indexHead {
		return false
	}
	head, quirks := binary.LittleEndian.Uint64(index), binary.LittleEndian.Uint64(index[8:])
	start, n, body := int(head&0xffff), int(head>>16&0xffff), int(head>>32)
	index = index[indexHead:]
	if len(index) != indexField*n || start > len(raw) || body > len(raw)+1 || !m.startLine(raw[:start]) {
		return false
	}
	if body > 0 {
		m.Body = raw[body-1:]
	}
	fields := slices.Grow(m.fields, n)[:n]
	for i := range fields {
		if len(index) < indexField {
			return false
		}
		e := binary.LittleEndian.Uint64(index)
		index = index[indexField:]
		f := &fields[i]
		f.name, f.value, f.valueEnd = uint32(e&0xffff), uint32(e>>32&0xffff), uint32(e>>48)
		f.nameEnd, f.id = f.name+uint32(e>>16&0xff), ID(e>>24)
		if f.nameEnd > f.value || f.value > f.valueEnd || int(f.valueEnd) > len(raw) || f.id >= numIDs {
			return false
		}
		if f.id != Other {
			m.note(f.id, i+1)
		}
	}
	m.fields = fields
	m.quirks = Quirks(quirks)
	return true
}
