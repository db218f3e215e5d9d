package capture

import (
	"runtime"
	"slices"
	"sync/atomic"
)

const (
	// aheadFrom is how much of a file is inflated before that is done ahead: of many files that are merged mostly
	// only the first packets are read at first.
	aheadFrom = 1 << 20

	// aheadBlock is how many octets are handed over together, and aheadBlocks how many such blocks there are.
	aheadBlock  = 128 << 10
	aheadBlocks = 3
)

// An ahead inflates a file while what it gave before is looked at, on a goroutine of its own where there is more than
// one processor: to inflate a capture takes half as long as to find calls in it.
type ahead struct {
	gz    *gunzip
	read  *atomic.Int64 // octets of the file that were read
	n     int64         // octets that Read returned as long as nothing was done ahead
	never bool          // nothing ever is: there are very many files
	alone bool          // there is one processor: blocks are made when they are wanted
	pipe  bool          // what was read is wanted at once

	todo chan *aheadOf // nil: nothing is done ahead yet
	free chan *aheadOf
	quit chan struct{}
	now  *aheadOf // what Read takes from …
	rest []byte   // … and what is left of it
}

// An aheadOf is what was inflated ahead, and how things stood behind it.
type aheadOf struct {
	b     [aheadBlock]byte
	n     int
	err   error
	notes []Note
	read  int64
}

func newAhead(gz *gunzip, read *atomic.Int64, pipe, never bool) *ahead {
	return &ahead{gz: gz, read: read, pipe: pipe, never: never, alone: runtime.GOMAXPROCS(0) == 1}
}

// Read reads what was inflated.
func (a *ahead) Read(p []byte) (int, error) {
	if a.never || a.n < aheadFrom {
		n, err := a.gz.Read(p)
		a.n += int64(n)
		return n, err
	}
	for len(a.rest) == 0 {
		if a.now != nil && a.now.err != nil {
			return 0, a.now.err
		}
		a.next()
		a.rest = a.now.b[:a.now.n]
	}
	n := copy(p, a.rest)
	a.rest = a.rest[n:]
	return n, nil
}

// next makes now the next block. What a block is goes by the file alone, and so does what is said of that up to its end.
func (a *ahead) next() {
	if a.alone {
		if a.now == nil {
			a.now = new(aheadOf)
		}
		a.make(a.now)
		return
	}
	if a.todo == nil {
		a.start()
	} else {
		a.free <- a.now
	}
	a.now = <-a.todo
}

// start starts the goroutine. stop has to follow.
func (a *ahead) start() {
	a.todo, a.free, a.quit = make(chan *aheadOf, aheadBlocks), make(chan *aheadOf, aheadBlocks), make(chan struct{})
	for range aheadBlocks {
		a.free <- new(aheadOf)
	}
	go a.run(a.quit)
}

// run inflates until there is an error, or nobody wants more.
func (a *ahead) run(quit chan struct{}) {
	for {
		var x *aheadOf
		select {
		case x = <-a.free:
		case <-quit:
			return
		}
		a.make(x)
		a.todo <- x
		if x.err != nil {
			return
		}
	}
}

// make makes a block.
func (a *ahead) make(x *aheadOf) {
	x.n, x.err = a.fill(x.b[:])
	x.notes, x.read = slices.Clone(a.gz.notes), a.read.Load()
}

// fill inflates as much as fits into b, but of a pipe what there is.
func (a *ahead) fill(b []byte) (n int, err error) {
	for n < len(b) && err == nil && (n == 0 || !a.pipe) {
		var m int
		m, err = a.gz.Read(b[n:])
		n += m
	}
	return n, err
}

// stop ends the goroutine, as soon as a read that it waits for returns.
func (a *ahead) stop() {
	if a.quit != nil {
		close(a.quit)
		a.quit = nil
	}
}

// finish adds what there is to say of what was read to the description of the file, of which it returns how many
// octets that took.
func (a *ahead) finish(f *File) (read int64) {
	notes, read := a.gz.notes, a.read.Load()
	if a.now != nil {
		notes, read = a.now.notes, a.now.read
	}
	for _, n := range notes {
		f.note(n)
	}
	return read
}
