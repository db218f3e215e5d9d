package capture

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"math"
	"slices"
	"sort"
	"time"

	"github.com/sipsight/sipsight/internal/fetch"
	"github.com/sipsight/sipsight/pcapng"
)

// A Packet is one captured packet. It and its Data are valid until the next call
// of Reader.Next.
type Packet struct {
	File      int   // index into Reader.Files
	Frame     int64 // number of the packet in its file, from 1
	Time      time.Time
	HasTime   bool // false: Time is that of the packet before it in the same file
	LinkType  uint16
	FCSLen    int   // octets of frame check sequence at the end of Data; -1: not known
	Interface int   // index into the Interfaces of its File
	OrigLen   int64 // length on the wire
	Data      []byte

	options pcapng.Options
}

// Comments iterates over the comments that stand beside the packet (pcapng).
func (p *Packet) Comments() iter.Seq[string] { return p.options.Comments() }

// Options returns what else stands beside the packet (pcapng). It is valid until the next
// call of Reader.Next.
func (p *Packet) Options() pcapng.Options { return p.options }

// Options says how captures are opened. The zero Options reads whatever the
// process may read, and URLs of public addresses.
type Options struct {
	// Stdin is what the name "-" stands for; nil is os.Stdin.
	Stdin io.Reader

	// RegularOnly refuses everything but regular files: FIFOs, devices,
	// sockets, and all of /proc, /sys and /dev. A server that opens files on
	// somebody's request sets it; opening a FIFO can wait for ever.
	RegularOnly bool

	// Folders confines paths: only what lies in one of them is opened, after
	// links have been followed. None is no confinement. It does not concern URLs.
	Folders []string

	// NoURLs refuses http and https URLs.
	NoURLs bool

	// AllowPrivateURLs permits URLs whose host is in a private network.
	AllowPrivateURLs bool

	// MaxInflated bounds what one gzip file may inflate to; 0 is 4 GiB.
	MaxInflated int64

	// Once, where it is set, is asked for what to read of a name. It calls open, which opens that, or returns
	// what it kept of an earlier call of open: so that standard input and downloads can be read again.
	Once func(name string, open func() (io.Reader, error)) (io.Reader, error)

	// MaxDownload bounds the octets read from one URL; 0 is 256 MiB.
	MaxDownload int64
}

// DefaultMaxInflated bounds the inflated octets of one gzip file: far above a
// rotated capture, and small enough that a decompression bomb ends in seconds.
const DefaultMaxInflated = 4 << 30

// ErrFormat is wrapped by what Open says of a file that is empty, or begins as none of the formats
// that are read. Of a path that could not be opened it wraps what the system says, such as
// os.ErrNotExist or os.ErrPermission.
var ErrFormat = errors.New("not a capture")

// A Reader is the timeline of one or more captures.
type Reader struct {
	ctx     context.Context
	files   []*file
	queue   []*file // a heap by time and place of the file: the files that have a packet
	last    *file   // whose packet was returned by the last Next
	returns uint
	err     error
}

// Open opens the named captures as one timeline. A name is a path, an http or
// https URL, or "-" for standard input. It fails if no capture could be opened; if
// some could, the others are among Files with their Err.
//
// The context bounds all reading: soon after it is done, Next returns its error.
func Open(ctx context.Context, names []string, o Options) (*Reader, error) {
	if len(names) == 0 {
		return nil, errors.New("capture: no capture was named")
	}
	r := &Reader{ctx: ctx}
	if n := countStdin(names); n > 1 {
		return nil, fmt.Errorf("capture: standard input (-) was named %d times; it can be read once", n)
	}
	size := 0
	if len(names) > manyFiles {
		size = smallWindow
	}
	for i, name := range names {
		r.files = append(r.files, newFile(ctx, i, WithoutUser(name), size, o))
	}
	return r, r.begin()
}

// NewReader reads one capture from a stream. The stream is not closed. When ctx is
// done, a read of the stream may still be under way.
func NewReader(ctx context.Context, s io.Reader, o Options) (*Reader, error) {
	if s == nil { // which would be os.Stdin
		return nil, errors.New("capture: there is no stream to read")
	}
	o.Stdin = s
	return Open(ctx, []string{"-"}, o)
}

// IsURL reports whether Open takes a name for a URL rather than for a path.
func IsURL(name string) bool { return fetch.IsURL(name) }

// WithoutUser returns a name of a capture as it may be shown: where it begins like a URL, user
// and password are ***. Open does so with every name it is given: it refuses such URLs, and
// neither its errors nor Files repeat a password.
func WithoutUser(name string) string { return fetch.WithoutUser(name) }

func countStdin(names []string) (n int) {
	for _, name := range names {
		if name == "-" {
			n++
		}
	}
	return n
}

// begin opens every file and reads its first packet.
func (r *Reader) begin() error {
	usable := 0
	for i, f := range r.files {
		f.open()
		if f.info.Err == nil {
			usable++
			f.advance()
		}
		if f.has {
			r.queue = append(r.queue, f)
		} else {
			f.leave()
		}
		if i >= maxOpen {
			f.park()
		}
	}
	if usable == 0 {
		r.Close()
		if len(r.files) == 1 {
			return r.files[0].info.Err
		}
		errs := make([]error, len(r.files))
		for i, f := range r.files {
			errs[i] = f.info.Err
		}
		return errors.Join(errs...)
	}
	r.rank()
	sort.SliceStable(r.queue, func(i, k int) bool { return compare(r.queue[i], r.queue[k]) < 0 })
	return nil
}

// rank gives every file its Place; files without a packet have the last ones.
func (r *Reader) rank() {
	list := slices.Clone(r.files)
	sort.SliceStable(list, func(i, k int) bool {
		a, b := list[i], list[k]
		if a.has != b.has {
			return a.has
		}
		return cmp.Or(a.p.Time.Compare(b.p.Time), cmp.Compare(a.info.Name, b.info.Name)) < 0
	})
	for i, f := range list {
		f.info.Place = i
	}
}

// compare orders files by the time of their waiting packet, then by their place.
func compare(a, b *file) int {
	return cmp.Or(a.p.Time.Compare(b.p.Time), a.info.Place-b.info.Place)
}

// Next returns the next packet of the timeline; it is valid until the next call.
// It returns io.EOF at the end of all files, however they ended, and the context's
// error soon after that is done: at most 256 packets later.
func (r *Reader) Next() (*Packet, error) {
	if r.err != nil {
		return nil, r.err
	}
	if r.returns++; r.returns%256 == 0 {
		if err := r.ctx.Err(); err != nil {
			return nil, r.fail(err)
		}
	}
	if f := r.last; f != nil {
		r.last = nil
		f.advance()
		if !f.has || len(r.queue) > 1 {
			r.settle(f)
		}
	}
	for len(r.queue) > 0 {
		f := r.queue[0]
		if f.parked {
			f.unpark()
			if !f.has { // gone since
				r.settle(f)
				continue
			}
		}
		f.count()
		r.last = f
		return &f.p, nil
	}
	if err := r.ctx.Err(); err != nil { // a read that ended because of it
		return nil, r.fail(err)
	}
	return nil, r.fail(io.EOF)
}

// maxQuick bounds the times that Skim handles, in seconds since 1970: nanoseconds fit into 63 bits.
const maxQuick = 1 << 33

// A Skimmer looks at packets that need little more than to be counted.
type Skimmer interface {
	// Skim is given a packet as Next returns it but for its Time, which is not set, and the time
	// in nanoseconds since 1970. It reports whether the packet may be passed over.
	Skim(p *Packet, ns int64) bool
}

// Skim passes over the packets behind the one that Next returned, at most so many, up to the first
// one that s refuses, or that comes more than gap behind the one before, or that
// there is anything odd about: Next returns that one. It takes a fraction of the time of Next,
// and may pass over none; the packet that Next returned is not valid any more. Times do not step
// back between the packets that s is given. end is the latest time of the file.
func (r *Reader) Skim(most int, gap time.Duration, s Skimmer) (end time.Time) {
	f := r.last
	if f == nil || r.err != nil {
		return end
	}
	q := quickOf(f.src)
	last, known := quickTime(f.info.Last)
	until, bounded := r.nextTime()
	if q == nil || !known || !bounded || !f.info.HasTime {
		return f.info.Last
	}
	p := &f.p
	p.options = pcapng.Options{} // of the packet before
	var c counts
	defer func() { // also where s panics
		if c.packets > 0 {
			f.info.Last = time.Unix(0, last).UTC()
			f.prev = f.info.Last
			f.info.add(p.Interface, c)
			if r.last == f { // for one without a time
				p.Time = f.prev
			}
		}
		end = f.info.Last
	}()
	for ; most > 0; most-- {
		data, origLen, ns, ok := q.Quick()
		if !ok {
			return end
		}
		p.Frame++
		p.HasTime, p.OrigLen, p.Data = true, origLen, data
		if ns >= last && ns < until && ns-last <= int64(gap) {
			before, prev := c, last
			c.add(p)
			last = ns
			if s.Skim(p, ns) {
				continue
			}
			c, last = before, prev
		}
		p.Time = time.Unix(0, ns).UTC()
		r.last = nil
		if len(r.queue) > 1 {
			r.settle(f)
		}
		return end
	}
	return end
}

// A quickReader reads packets of which nothing is odd, of the same interface as the last one.
type quickReader interface {
	Quick() (data []byte, origLen, ns int64, ok bool)
}

// quickOf returns the quickReader of a source, nil where it has none.
func quickOf(s source) quickReader {
	switch s := s.(type) {
	case *pcapSource:
		return s.r
	case *pcapngSource:
		return s.r
	}
	return nil
}

// quickTime returns a time in nanoseconds since 1970; ok is false where Skim cannot handle it.
func quickTime(t time.Time) (ns int64, ok bool) {
	if sec := t.Unix(); sec < 0 || sec >= maxQuick {
		return 0, false
	}
	return t.UnixNano(), true
}

// nextTime returns the time of the next packet of all files but the first of the queue; ok is
// false where Skim cannot handle it.
func (r *Reader) nextTime() (ns int64, ok bool) {
	ns = math.MaxInt64
	for _, f := range r.queue[min(1, len(r.queue)):min(3, len(r.queue))] { // one of them is the next: it is a heap
		t, ok := quickTime(f.p.Time)
		if !ok {
			return 0, false
		}
		ns = min(ns, t)
	}
	return ns, true
}

// settle puts the first file of the queue, f, in its place after it moved on.
func (r *Reader) settle(f *file) {
	if !f.has {
		f.leave()
		n := len(r.queue) - 1
		r.queue[0] = r.queue[n]
		r.queue[n] = nil
		r.queue = r.queue[:n]
	}
	r.siftDown()
}

// siftDown restores the heap after its first element changed.
func (r *Reader) siftDown() {
	for i := 0; ; {
		c := 2*i + 1
		if c >= len(r.queue) {
			return
		}
		if c+1 < len(r.queue) && compare(r.queue[c+1], r.queue[c]) < 0 {
			c++
		}
		if compare(r.queue[i], r.queue[c]) <= 0 {
			return
		}
		r.queue[i], r.queue[c] = r.queue[c], r.queue[i]
		i = c
	}
}

func (r *Reader) fail(err error) error {
	r.err = err
	return err
}

// Files tells about the captures, in the order in which they were named. What it
// says is final once Next has returned io.EOF.
func (r *Reader) Files() []*File {
	list := make([]*File, len(r.files))
	for i, f := range r.files {
		list[i] = &f.info
	}
	return list
}

// Close closes the captures. It may be called more than once.
func (r *Reader) Close() error {
	for _, f := range r.files {
		f.close()
	}
	if r.err == nil {
		r.err = errors.New("capture: the reader was closed")
	}
	return nil
}

// Progress returns how many octets have been read, of how many; total is -1 while
// that is not known. It may be called from another goroutine.
func (r *Reader) Progress() (done, total int64) {
	for _, f := range r.files {
		done += f.read.Load()
		if n := f.size.Load(); n < 0 || total < 0 {
			total = -1
		} else {
			total += n
		}
	}
	return done, total
}
