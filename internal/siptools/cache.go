package siptools

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"os"
	"sync"
	"syscall"

	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/capture"
	"github.com/sipsight/sipsight/findings"
	"github.com/sipsight/sipsight/internal/fetch"
	"github.com/sipsight/sipsight/mcpjsonrpc"
)

const (
	// maxCached and maxCachedBytes bound the analyses that are kept: an assistant
	// asks about one capture at a time, and goes back to the one before.
	maxCached      = 8
	maxCachedBytes = 512 << 20
)

// An examined capture is what an analysis of it found. It does not change any more.
type examined struct {
	res   *analysis.Result
	found []*findings.Finding
	ident identity

	once    sync.Once // of summary, which most questions begin with
	summary []byte
}

// An identity tells a capture from what stood under the same names before: it is made of
// names, sizes, times of change and first octets. The identity of URLs is their names.
type identity [16]byte

// A cache keeps the analyses of captures that were asked about last. Two questions about
// one capture at the same time are one analysis.
type cache struct {
	limit   int64 // of bytes; 0 is maxCachedBytes
	mu      sync.Mutex
	entries []*entry // the one used last at the end
	bytes   int64
}

type entry struct {
	ident identity
	ready chan struct{} // closed when x or err is set
	x     *examined
	err   error
	bytes int64
}

// identify returns the identity of captures; keep is false for those that may change without
// showing it, which are read anew for every question.
func identify(names []string) (id identity, keep bool) {
	h := sha256.New()
	keep = true
	for _, name := range names {
		h.Write(binary.AppendUvarint(nil, uint64(len(name))))
		h.Write([]byte(name))
		if fetch.IsURL(name) {
			keep = false
			continue
		}
		// It was opened before, see examine: here it must not be waited for.
		f, err := os.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
		if err != nil {
			keep = false
			continue
		}
		st, err := f.Stat()
		if err != nil || !st.Mode().IsRegular() {
			f.Close()
			keep = false
			continue
		}
		var first [512]byte
		n, _ := f.ReadAt(first[:], 0)
		f.Close()
		h.Write(first[:n])
		h.Write(binary.AppendVarint(binary.AppendVarint(nil, st.Size()), st.ModTime().UnixNano()))
	}
	copy(id[:], h.Sum(nil))
	return id, keep
}

var errBroken = errors.New("the analysis broke off")

// examine analyses captures, or returns what an earlier analysis found. The error is one for
// failure where a capture cannot be read.
func (c *cache) examine(ctx context.Context, names []string, o *Options, p mcpjsonrpc.Progress) (*examined, error) {
	r, err := openAll(ctx, names, &o.Capture) // it judges names, and says why a file is refused
	if err != nil {
		return nil, err
	}
	id, keep := identify(names)
	if !keep {
		defer r.Close()
		return run(ctx, r, id, o, p)
	}
	for {
		e, mine := c.entry(id)
		if !mine {
			select {
			case <-ctx.Done():
				r.Close()
				return nil, ctx.Err()
			case <-e.ready:
			}
			if e.err != nil { // whoever analysed it was cancelled: it is on us
				continue
			}
			r.Close()
			return e.x, nil
		}
		x, err := (*examined)(nil), errBroken
		defer func() { // also of a panic: others wait for the entry
			r.Close()
			c.finish(e, x, err)
		}()
		x, err = run(ctx, r, id, o, p)
		return x, err
	}
}

// run analyses a capture.
func run(ctx context.Context, r *capture.Reader, id identity, o *Options, p mcpjsonrpc.Progress) (*examined, error) {
	defer watch(r, p)()
	res, found, err := findings.Run(ctx, r, analysis.Options{Steps: true, Streams: !o.NoMedia, MaxMemory: o.MaxMemory / 4})
	if err != nil {
		return nil, err
	}
	x := &examined{res: res, found: found, ident: id}
	if res.Traffic != nil {
		res.Overview() // kept with the rest, so that whatever is asked next is answered at once
	}
	return x, nil
}

// entry returns the entry of a capture. mine says that it is new, and that the caller has to
// finish it.
func (c *cache) entry(id identity) (e *entry, mine bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, e := range c.entries {
		if e.ident == id {
			c.entries = append(append(c.entries[:i], c.entries[i+1:]...), e)
			return e, false
		}
	}
	e = &entry{ident: id, ready: make(chan struct{})}
	c.entries = append(c.entries, e)
	return e, true
}

// analysed returns the analysis of captures that was made before, nil for none.
func (c *cache) analysed(id identity) *analysis.Result {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, e := range c.entries {
		if e.ident == id && e.x != nil {
			return e.x.res
		}
	}
	return nil
}

// finish fills in an entry, or removes it after an error, and makes room.
func (c *cache) finish(e *entry, x *examined, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e.x, e.err = x, err
	if err == nil {
		e.bytes = estimate(x.res)
		c.bytes += e.bytes
	} else {
		c.remove(e)
	}
	close(e.ready)
	for len(c.entries) > 1 && (len(c.entries) > maxCached || c.bytes > cmp.Or(c.limit, maxCachedBytes)) {
		oldest := c.entries[0]
		if oldest == e || oldest.x == nil && oldest.err == nil { // under way
			break
		}
		c.bytes -= oldest.bytes
		c.remove(oldest)
	}
}

func (c *cache) remove(e *entry) {
	for i, x := range c.entries {
		if x == e {
			c.entries = append(c.entries[:i], c.entries[i+1:]...)
			return
		}
	}
}

// estimate says about how many octets a result takes.
func estimate(res *analysis.Result) int64 {
	n := int64(len(res.Statistics.CallIDs)) * 80
	for call := range res.Calls.Heads() {
		for _, l := range call.Legs {
			n += 300 + int64(l.Messages)*25
		}
	}
	return n + int64(res.Registrations.Len())*300 + int64(len(res.Streams))*1200
}

// openFailure turns an error of examine into a result, if it is about a capture.
func openFailure(names []string, err error) (mcpjsonrpc.Result, error) {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return mcpjsonrpc.Result{}, err
	}
	name := names[0]
	var ne nameError
	if errors.As(err, &ne) {
		name, err = ne.name, ne.error
	}
	return failure(name, err), nil
}

// known returns the analyses that are kept, the one used last first.
func (c *cache) known() (list []*examined) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := len(c.entries) - 1; i >= 0; i-- {
		if e := c.entries[i]; e.x != nil {
			list = append(list, e.x)
		}
	}
	return list
}
