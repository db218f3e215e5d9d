package analysis

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"

	"github.com/sipsight/sipsight/sipmsg"
)

// A textStore keeps texts that live as long as the result, many in one allocation, and knows
// each by a number.
type textStore struct {
	chunks []string
	last   strings.Builder // what the last but the long ones is made of
	at     int             // the index of that one
}

// A textRef is where a text stands in a textStore: 1 + the index of its chunk, where in that it
// begins, and its length, 0 for the whole chunk. 0 is the empty text.
type textRef uint64

// Texts as long as a chunk, or longer, have one of their own.
const (
	textBits  = 15
	textChunk = 1 << textBits
	textMask  = textChunk - 1
)

// keep keeps a text.
func (s *textStore) keep(b []byte) textRef {
	switch n := len(b); {
	case n == 0:
		return 0
	case n >= textChunk:
		s.chunks = append(s.chunks, string(b))
		return textRef(len(s.chunks)) << (2 * textBits)
	case s.last.Cap()-s.last.Len() < n:
		s.last = strings.Builder{}
		s.last.Grow(textChunk)
		s.at, s.chunks = len(s.chunks), append(s.chunks, "")
	}
	start := s.last.Len()
	s.last.Write(b)
	s.chunks[s.at] = s.last.String()
	return textRef(s.at+1)<<(2*textBits) | textRef(start)<<textBits | textRef(len(b))
}

// text returns a text that was kept.
func (s *textStore) text(r textRef) string {
	if r == 0 {
		return ""
	}
	chunk := s.chunks[r>>(2*textBits)-1]
	start, n := r>>textBits&textMask, r&textMask
	if n == 0 {
		return chunk
	}
	return chunk[start : start+n]
}

// maxInterned bounds the strings that an interner shares: beyond it, each is a copy of
// its own, which costs memory and nothing else.
const maxInterned = 1 << 16

// An interner keeps one copy of strings that come again and again: user agents, reason
// phrases, URIs of gateways.
type interner struct {
	m map[string]string
}

// string returns b as a string. Inlined it would be 7 kB of the binary.
//
//go:noinline
func (n *interner) string(b []byte) string {
	if len(b) == 0 {
		return ""
	}
	if s, ok := n.m[string(b)]; ok {
		return s
	}
	if n.m == nil {
		n.m = make(map[string]string)
	}
	s := string(b)
	if len(n.m) < maxInterned {
		n.m[s] = s
	}
	return s
}

// unfolded returns a value with its line folds undone, as it is shown and compared: b itself where
// there are none.
func unfolded(b []byte) []byte {
	if bytes.IndexByte(b, '\n') < 0 {
		return b
	}
	return sipmsg.AppendUnfolded(nil, b)
}

// CallID returns the Call-ID of a message as results name it: without line folds, and of one of
// more than 1024 octets the beginning and a hash of the whole, so that no other one has its name.
// It is empty where there is none, and valid until the next Parse.
func CallID(m *sipmsg.Message) []byte {
	id, _ := m.First(sipmsg.CallID)
	return nameOf(unfolded(id))
}

// nameOf returns what results call a Call-ID: see CallID.
func nameOf(id []byte) []byte {
	if len(id) <= maxName {
		return id
	}
	sum := sha256.Sum256(id)
	hash := hex.AppendEncode([]byte{'~'}, sum[:16])
	return slices.Concat(id[:maxName-len(hash)], hash)
}

// capped returns the first octets of b, n at most.
func capped(b []byte, n int) []byte { return b[:min(len(b), n)] }
