package main

import (
	"os"
	"runtime"
	"runtime/debug"
	"sync/atomic"
)

const (
	// easyHeap is what the heap may take before memory is spared.
	easyHeap = 48 << 20

	// leastPercent and mostPercent bound how much may be allocated, in percent of what is in use, before
	// the garbage collector runs. A large capture keeps much: at the usual 100 half more memory would save one
	// part in ten of the time.
	leastPercent = 6
	mostPercent  = 60

	// Up to freeHeap the garbage collector hardly runs, where memory is not to be spared from the start: a small
	// capture needs it once or never. Before it ran, the runtime takes four megabytes to be in use.
	freeHeap    = 16 << 20
	freePercent = 300

	// What the heap grows by until the end of a capture is reckoned from what it grew by over one part in growthParts of it,
	// or a little more; half of that may be allocated before the garbage collector runs, but no more than a growthShare
	// of what is in use.
	growthParts = 32
	growthShare = 4

	// A capture of largeCapture or more will need largePages of the heap.
	largeCapture = 32 << 20
	largePages   = 48 << 20
)

// A pacer tells the garbage collector how often to run: seldom while little is in use.
type pacer struct {
	easy    atomic.Int64
	percent atomic.Int32
	started atomic.Bool
	reading atomic.Pointer[growth]
}

// A growth is how the heap grew while a capture was read: what is allocated now that will be in use at its end takes no room
// that would not be needed then.
type growth struct {
	progress   func() (done, total int64)
	done, live int64   // at the last look
	left       float64 // octets for each one to be read
}

// ahead returns how much may be allocated beyond what is in use, for what the heap will grow by.
func (g *growth) ahead(live int64) int64 {
	done, total := g.progress()
	if read := done - g.done; read > total/growthParts {
		g.left = max(float64(live-g.live)/float64(read), 0)
		g.done, g.live = done, live
	}
	return min(int64(g.left*float64(total-done))/2, live/growthShare)
}

var pace pacer

// start begins, with so much that the heap may take before memory is spared. Where the environment says how often
// to collect, that counts.
func (p *pacer) start(easy int64) {
	if os.Getenv("GOGC") != "" {
		return
	}
	p.easy.Store(easy)
	p.started.Store(true)
	p.use(0) // asking how much is in use costs more than all else behind the start of the program
	p.watch()
}

// spare makes a pacer that was started spare memory from now on, however little is in use.
func (p *pacer) spare() {
	if p.started.Load() {
		p.easy.Store(0)
		p.set()
	}
}

// expect gets the heap ready for what a capture will have in use whose reading progress tells: its first addresses, which are
// taken before all others, are on large pages. Small ones are handed out at the first touch, one by one, and what is
// looked up all over the heap waits for their addresses.
func (p *pacer) expect(progress func() (done, total int64)) {
	if _, total := progress(); total < largeCapture || !p.started.Load() {
		return
	}
	p.reading.Store(&growth{progress: progress})
	percent := debug.SetGCPercent(-1)
	adviseLarge(make([]byte, largePages)) // nothing of it is touched
	runtime.GC()                          // gives it back to the heap
	debug.SetGCPercent(percent)
}

// watch sets the percentage again behind each collection.
func (p *pacer) watch() {
	type mark struct{ of *pacer }
	runtime.SetFinalizer(&mark{p}, func(m *mark) {
		m.of.set()
		m.of.watch()
	})
}

// set sets the percentage by what was in use at the last collection, which the size of the heap at which the
// next one is due tells.
func (p *pacer) set() {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	live := int64(0)
	if m.NumGC > 0 {
		live = int64(m.NextGC) * 100 / int64(100+p.percent.Load())
	}
	p.use(live)
}

// use sets the percentage for so many octets in use.
func (p *pacer) use(live int64) {
	easy := p.easy.Load()
	if g := p.reading.Load(); g != nil && easy > 0 {
		easy = max(easy, live+g.ahead(live))
	}
	n := percentFor(live, easy)
	p.percent.Store(int32(n))
	debug.SetGCPercent(n)
}

// percentFor returns the percentage for so many octets in use.
func percentFor(live, easy int64) int {
	switch {
	case live == 0 && easy == 0:
		return mostPercent
	case live == 0:
		return freePercent
	}
	free := min((min(freeHeap, easy)-live)*100/live, freePercent)
	return int(max(min((easy-live)*100/live, mostPercent), free, leastPercent))
}
