package fetch

import "sync"

// A stallState counts what arrives between two looks at it.
type stallState struct {
	mu   sync.Mutex
	n    int
	dead bool
}

func (s *stallState) add(n int) {
	s.mu.Lock()
	s.n += n
	s.mu.Unlock()
}

// slow reports whether less than limit arrived since the last look.
func (s *stallState) slow(limit int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dead = s.n < limit
	s.n = 0
	return s.dead
}

func (s *stallState) stalled() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.dead
}
