package analysis

import "strings"

// A textStore keeps texts that live as long as the result, many in one allocation.
type textStore struct{ chunk strings.Builder }

const textChunk = 32 << 10

// keep returns b as a string.
func (s *textStore) keep(b []byte) string {
	if s.chunk.Cap()-s.chunk.Len() < len(b) {
		s.chunk = strings.Builder{}
		s.chunk.Grow(max(textChunk, len(b)))
	}
	n := s.chunk.Len()
	s.chunk.Write(b)
	return s.chunk.String()[n:]
}

// maxInterned bounds the strings that an interner shares: beyond it, each is a copy of
// its own, which costs memory and nothing else.
const maxInterned = 1 << 16

// An interner keeps one copy of strings that come again and again: user agents, reason
// phrases, URIs of gateways.
type interner struct {
	m map[string]string
}

// string returns b as a string.
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

// capped returns the first octets of b, n at most.
func capped(b []byte, n int) []byte { return b[:min(len(b), n)] }
