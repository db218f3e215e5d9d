package analysis

import (
	"runtime"
	"time"

	"github.com/sipsight/sipsight/sipmsg"
)

const (
	// errandsAtOnce is how many legs, requests and events are handed over together, and
	// maxBatches how many such batches may be on their way: what they hold is not let go
	// before they are back.
	errandsAtOnce = 64
	maxBatches    = 2
)

// An errand is something that Options.Finished, Exchanged or Event is to be told of: one of a leg,
// an exchange and an event.
type errand struct {
	leg      *liveLeg
	exchange *exchange
	event    *Event

	now    time.Time // see Detail
	rtp    int64
	over   Frame // the packet over which it is told
	failed bool  // there was a panic
}

// A teller tells of legs, requests and events, in the order in which they are given to it. It does so on
// a goroutine of its own, where there is more than one processor: rules take a third of the time
// of an analysis, and nothing of it waits for them. What is on its way belongs to that goroutine.
type teller struct {
	finished  func(*Detail)
	brief     func(*Detail) bool // nil: all legs are finished in full
	exchanged func(*Exchange)
	event     func(*Event)
	over      func() Frame  // the packet that the analysis is at
	release   func(*errand) // takes back what was told of

	batch []errand
	spare [][]errand
	todo  chan []errand // nil: there is no goroutine
	done  chan []errand
	out   int    // batches that are on their way
	alone errand // told of at once

	detail Detail
	parsed [2]sipmsg.Message // of an exchange
}

// wanted reports whether there is anybody to tell.
func (w *teller) wanted() bool { return w.finished != nil || w.exchanged != nil || w.event != nil }

// start starts the goroutine, where it is of use. stop has to follow.
func (w *teller) start() {
	if !w.wanted() || runtime.GOMAXPROCS(0) == 1 {
		return
	}
	w.todo, w.done = make(chan []errand, maxBatches), make(chan []errand, maxBatches)
	go func() {
		for batch := range w.todo {
			for i := range batch {
				w.run(&batch[i])
			}
			w.done <- batch
		}
	}()
}

// stop ends the goroutine. What is on its way is told of before.
func (w *teller) stop() {
	w.drain()
	if w.todo != nil {
		close(w.todo)
	}
}

// tell tells of an errand, sooner or later.
func (w *teller) tell(e errand) {
	e.over = w.over()
	if w.todo == nil {
		w.alone = e
		w.run(&w.alone)
		w.release(&w.alone)
		w.alone = errand{}
		return
	}
	w.batch = append(w.batch, e)
	if len(w.batch) == errandsAtOnce {
		w.send()
	}
}

// send hands a batch over. Where too many are on their way already it waits for one.
func (w *teller) send() {
	for w.out == maxBatches {
		w.receive()
	}
	w.todo <- w.batch
	w.out++
	w.batch = nil
	if n := len(w.spare); n > 0 {
		w.batch, w.spare = w.spare[n-1], w.spare[:n-1]
	}
}

// receive takes a batch back.
func (w *teller) receive() {
	batch := <-w.done
	w.out--
	for i := range batch {
		w.release(&batch[i])
	}
	clear(batch)
	w.spare = append(w.spare, batch[:0])
}

// drain waits until everything has been told.
func (w *teller) drain() {
	if len(w.batch) > 0 {
		w.send()
	}
	for w.out > 0 {
		w.receive()
	}
}

// run tells of an errand.
func (w *teller) run(e *errand) {
	defer func() {
		e.failed = contained() && recover() != nil
	}()
	switch {
	case e.event != nil:
		w.event(e.event)
	case e.exchange != nil:
		e.exchange.parsed = &w.parsed
		w.exchanged(&e.exchange.Exchange)
	default:
		w.detail.of(e)
		if w.brief == nil || w.brief(&w.detail) {
			w.detail.open()
			w.finished(&w.detail)
		}
	}
}
