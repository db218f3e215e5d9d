package fetch

import (
	"sync/atomic"
	"time"
)

// A stallClock gives up on a body that keeps its reader waiting. It runs only while a
// Read waits, since the reader may have other files to read first, and begins anew
// with every stallBytes that arrive.
type stallClock struct {
	timer *time.Timer
	since time.Time
	left  time.Duration
	n     int
	dead  atomic.Bool
}

func newStallClock(giveUp func()) *stallClock {
	s := &stallClock{left: stallTime}
	s.timer = time.AfterFunc(stallTime, func() {
		s.dead.Store(true)
		giveUp()
	})
	s.timer.Stop()
	return s
}

// start is called before a Read and stop after it, with what the Read gave.
func (s *stallClock) start() {
	s.since = time.Now()
	s.timer.Reset(s.left)
}

func (s *stallClock) stop(n int) {
	s.timer.Stop()
	s.left -= time.Since(s.since)
	if s.n += n; s.n >= stallBytes {
		s.n, s.left = 0, stallTime
	}
}

func (s *stallClock) stalled() bool { return s.dead.Load() }
