package mcpjsonrpc

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
	"unicode/utf8"
)

// Limits on what a client sends.
const (
	// maxLine bounds one line. Clients and servers of the official SDKs stop
	// at 10 or 16 MiB; the names of files and calls need a thousandth.
	maxLine = 16 << 20

	// maxDepth bounds nesting, for the sake of the recursive decoders that
	// tools use. Real requests nest less than ten deep.
	maxDepth = 200

	// maxBatch bounds the messages of one batch.
	maxBatch = 100
)

// maxAnswer bounds one answer: the TypeScript client closes the connection at
// 10 MiB.
const maxAnswer = 8 << 20

// A session is one Serve.
type session struct {
	server *Server
	log    *slog.Logger
	ctx    context.Context // done when the caller's is, or when a Write failed
	out    *writer

	// negotiated is the revision of the last initialize, "" before the
	// first. It belongs to the reading goroutine.
	negotiated revision

	// refused is the last error for which no handler was asked. It belongs to
	// the reading goroutine.
	refused *Error

	// unsplit says that a batch is answered in one piece, however long.
	unsplit bool

	mu      sync.Mutex
	calls   map[string]*call // by id: admitted, not yet answered or cancelled
	stopped bool             // no call may start any more
	running sync.WaitGroup   // calls admitted; not added to once stopped
}

func newSession(ctx context.Context, cancel func(), s *Server, out io.Writer) *session {
	log := s.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &session{
		server: s,
		log:    log,
		ctx:    ctx,
		out:    &writer{w: out, token: make(chan struct{}, 1), failed: cancel},
		calls:  make(map[string]*call),
	}
}

// stop lets no more calls start and waits for the running ones, not beyond
// patience.
func (c *session) stop(patience context.Context) {
	c.mu.Lock()
	c.stopped = true
	c.mu.Unlock()
	idle := make(chan struct{})
	go func() {
		c.running.Wait()
		close(idle)
	}()
	select {
	case <-idle:
	case <-patience.Done():
	}
}

// A writer writes whole lines until the first failure.
type writer struct {
	w      io.Writer
	failed func()        // called after the first failure
	closed atomic.Bool   // nothing may be written any more
	token  chan struct{} // holds one while someone writes: a mutex one can tire of
	err    error         // the first failure; belongs to the holder of the token
}

// writeLine writes line, which it may append to, or nothing when line is nil.
func (w *writer) writeLine(line []byte) {
	if line == nil {
		return
	}
	w.token <- struct{}{}
	defer func() { <-w.token }()
	if w.err != nil || w.closed.Load() {
		return
	}
	if _, w.err = w.w.Write(append(line, '\n')); w.err != nil {
		w.failed()
	}
}

// close lets nothing more be written and returns the first failure. It waits
// for a Write under way, not beyond patience.
func (w *writer) close(patience context.Context) error {
	w.closed.Store(true)
	select {
	case w.token <- struct{}{}:
		defer func() { <-w.token }()
		return w.err
	case <-patience.Done():
		return nil
	}
}

// A lineReader splits a stream into lines of bounded length.
type lineReader struct {
	r   *bufio.Reader
	buf []byte // a line longer than the buffer of r
	err error
}

// next returns the next line, valid until the next call. A line over maxLine
// is skipped, and tooLong is set. Errors are sticky; at io.EOF the rest of the
// input has been returned as the last line.
func (l *lineReader) next() (line []byte, tooLong bool, err error) {
	if cap(l.buf) > 1<<20 {
		l.buf = nil // one long line in the past is no reason to keep its memory
	}
	l.buf = l.buf[:0]
	for l.err == nil {
		var part []byte
		part, l.err = l.r.ReadSlice('\n')
		ended := l.err == nil
		if errors.Is(l.err, bufio.ErrBufferFull) {
			l.err = nil
		}
		part = bytes.TrimSuffix(part, []byte("\n"))
		if tooLong = tooLong || len(l.buf)+len(part) > maxLine; tooLong {
			l.buf, part = l.buf[:0], nil
		}
		if ended && len(l.buf) == 0 {
			return part, tooLong, nil // all in the buffer of r
		}
		l.buf = append(l.buf, part...)
		if ended {
			return l.buf, tooLong, nil
		}
	}
	if l.err == io.EOF && (len(l.buf) > 0 || tooLong) {
		return l.buf, tooLong, nil
	}
	return nil, false, l.err
}

// read handles the lines of in until its end or the end of the session. It
// returns nil at io.EOF.
func (c *session) read(in io.Reader) error {
	lines := lineReader{r: bufio.NewReaderSize(in, 64<<10)}
	first := true
	for c.ctx.Err() == nil {
		line, tooLong, err := lines.next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("mcpjsonrpc: read: %w", err)
		}
		if first {
			line = bytes.TrimPrefix(line, []byte("\uFEFF"))
			first = false
		}
		if tooLong {
			c.refuse(errorf(CodeInvalidRequest, "a line over %d MiB was skipped", maxLine>>20), c.out.writeLine)
			continue
		}
		if line = bytes.Trim(line, " \t\r"); len(line) == 0 {
			continue
		}
		if c.guard("line", func() error { c.incoming(line, c.out.writeLine); return nil }) != nil {
			c.refuse(errInternal, c.out.writeLine)
		}
	}
	return nil
}

// refuse answers what has no readable id.
func (c *session) refuse(e *Error, reply func([]byte)) {
	c.refused = e
	c.logRefused("", "", e)
	reply(c.failure(nil, e))
}

// incoming handles b, what a client sent as one piece, which is not kept. Reply is
// called with the answer, or with nil when there is none; once, but for a batch with
// an answer too long for one line.
func (c *session) incoming(b []byte, reply func([]byte)) {
	if !utf8.Valid(b) {
		c.refuse(errorf(CodeParseError, "not UTF-8"), reply)
		return
	}
	end, depth, ok := checkJSON(b)
	if !ok {
		c.refuse(errorf(CodeParseError, "not JSON at byte %d", end), reply)
		return
	}
	switch b[0] {
	case '{':
		c.message(b, depth, false, reply)
	case '[':
		c.batch(b, depth, reply)
	default:
		c.refuse(errorf(CodeInvalidRequest, "a request is a JSON object"), reply)
	}
}

// batch handles the JSON array b. Only revision 2025-03-26 has batches.
func (c *session) batch(b []byte, depth int, write func([]byte)) {
	var messages [][]byte
	for m := range elements(b) {
		if messages = append(messages, m); len(messages) > maxBatch {
			break
		}
	}
	var e *Error
	switch {
	case c.negotiated != v20250326:
		e = errorf(CodeInvalidRequest, "batches belong to revision %s: send one object a line", v20250326)
	case len(messages) == 0:
		e = errorf(CodeInvalidRequest, "an empty batch")
	case len(messages) > maxBatch:
		e = errorf(CodeInvalidRequest, "a batch of more than %d messages", maxBatch)
	}
	if e != nil {
		c.refuse(e, write)
		return
	}
	answers := &batch{lines: make([][]byte, len(messages)), missing: len(messages), unsplit: c.unsplit, write: write}
	for i, m := range messages {
		reply := func(line []byte) { answers.set(i, line) }
		if isObject(m) {
			c.message(m, depth, true, reply)
		} else {
			c.refuse(errorf(CodeInvalidRequest, "a request is a JSON object"), reply)
		}
	}
}

// A batch gathers the answers to the messages of one array.
type batch struct {
	mu      sync.Mutex
	lines   [][]byte // nil where a message has no answer
	missing int
	unsplit bool
	write   func([]byte)
}

// set notes the answer to message i, and writes them all after the last.
func (b *batch) set(i int, line []byte) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.lines[i] = line
	if b.missing--; b.missing > 0 {
		return
	}
	lines := slices.DeleteFunc(b.lines, func(line []byte) bool { return line == nil })
	if len(lines) == 0 {
		b.write(nil)
		return
	}
	all := slices.Concat([]byte("["), bytes.Join(lines, []byte(",")), []byte("]"))
	if len(all) <= maxAnswer || b.unsplit {
		b.write(all)
		return
	}
	// Each fits by itself, and is matched by its id.
	for _, line := range lines {
		b.write(line)
	}
}

// A request is a message with an id.
type request struct {
	id     []byte // as written
	method string
	params []byte // an object, or nil
	token  []byte // progressToken as written, or nil
	rev    revision

	// private says that the result is of this moment and of this client: the
	// cache hints of revision 2026-07-28.
	private bool

	// reply takes the answer, nil for none. It is called exactly once.
	reply func(line []byte)
}

// idKey returns id in a form that is equal for equal ids.
func idKey(id []byte) string {
	if s, ok := unquote(id); ok {
		return `"` + s
	}
	return string(id)
}

// message handles the JSON object b, which is not kept, and calls reply exactly
// once.
func (c *session) message(b []byte, depth int, inBatch bool, reply func([]byte)) {
	v, twice := pick(b, "id", "method", "jsonrpc", "params", "result", "error")
	id, version, params := v[0], v[2], v[3]
	method, isMethod := unquote(v[1])
	switch {
	case v[1] == nil && (v[4] != nil || v[5] != nil):
		reply(nil) // A response. We asked nothing.
		return
	case id == nil && isMethod:
		if twice == "" && depth <= maxDepth && method == "notifications/cancelled" && isObject(params) {
			c.cancelled(params)
		}
		reply(nil)
		return
	case id == nil || twice == "id" || at(id, 0) != '"' && !isInteger(id):
		what := "id must be a string or an integer"
		if id == nil {
			what = "neither id nor method can be read"
		} else if twice == "id" {
			what = `member "id" occurs twice`
		}
		c.refuse(errorf(CodeInvalidRequest, "%s", what), reply)
		return
	}
	r := &request{id: bytes.Clone(id), method: method, params: params, reply: reply}
	var e *Error
	jsonrpc, _ := unquote(version)
	switch {
	case twice != "":
		e = errorf(CodeInvalidRequest, "member %q occurs twice", twice)
	case jsonrpc != "2.0":
		e = errorf(CodeInvalidRequest, `jsonrpc must be "2.0"`)
	case !isMethod:
		e = errorf(CodeInvalidRequest, "method must be a string")
	case depth > maxDepth:
		e = errorf(CodeInvalidRequest, "nested more than %d deep", maxDepth)
	case params != nil && !isObject(params):
		e = errorf(CodeInvalidParams, "params must be an object")
	case inBatch && method == "initialize":
		e = errorf(CodeInvalidRequest, "initialize must not be part of a batch")
	case c.inFlight(r.id):
		e = errorf(CodeInvalidRequest, "the id is in use by a request that is not answered yet")
	default:
		e = c.rules(r)
	}
	if e == nil && inBatch && r.rev == v20260728 {
		e = errorf(CodeInvalidRequest, "revision %s has no batches", r.rev)
	}
	if e != nil {
		c.refused = e
		c.logRefused(r.method, string(r.id), e)
		c.answer(r, nil, e)
		return
	}
	c.serve(r)
}

// serve answers a request that is one, or sees to it that a call does.
func (c *session) serve(r *request) {
	c.logRequest(r)
	var result any
	var later *call
	err := c.guard(r.method, func() (err error) {
		result, later, err = c.dispatch(r)
		return err
	})
	if e, ok := errors.AsType[*Error](err); ok && e != errInternal {
		c.logRefused(r.method, string(r.id), e)
	}
	r.params = nil // it aliases the line
	if later != nil {
		c.call(later)
		return
	}
	c.answer(r, result, err)
}

// guard runs f, and turns a panic into an error and a record in the log.
func (c *session) guard(what string, f func() error) (err error) {
	returned := false
	defer func() {
		if returned {
			return
		}
		v := recover()
		if v == nil {
			v = "runtime.Goexit" // goes on after this function
		}
		c.log.Error("mcpjsonrpc: panic", "in", what, "value", fmt.Sprint(v), "stack", string(debug.Stack()))
		err = errInternal
	}()
	err = f()
	returned = true
	return err
}

// errInternal says nothing of the cause, which may be a secret; the log does.
var errInternal = errorf(CodeInternalError, "internal error; the server's log has the details")

// answer replies to r with result, or with err if it is not nil.
func (c *session) answer(r *request, result any, err error) {
	var body []byte
	if err == nil {
		body, err = marshal(result)
	}
	c.reply(r, body, err)
}

// reply replies to r with body, a JSON object, or with err if it is not nil.
func (c *session) reply(r *request, body []byte, err error) {
	if err == nil {
		r.reply(c.success(r, body))
		return
	}
	e, ok := errors.AsType[*Error](err)
	if !ok {
		c.log.Error("mcpjsonrpc: broken answer", "method", r.method, "error", err)
		e = errInternal
	}
	r.reply(c.failure(r.id, e))
}

// success returns the response with result, a JSON object.
func (c *session) success(r *request, result []byte) []byte {
	line := slices.Concat([]byte(`{"jsonrpc":"2.0","id":`), r.id, []byte(`,"result":`))
	if r.rev == v20260728 {
		line = c.appendModern(line, r, result)
	} else {
		line = append(line, result...)
	}
	return append(line, '}')
}

// failure returns the error response. A nil id is left out: clients refuse null.
func (c *session) failure(id []byte, e *Error) []byte {
	body, err := marshal(e)
	if err != nil {
		c.log.Error("mcpjsonrpc: broken error data", "error", err)
		body, _ = marshal(&Error{Code: e.Code, Message: e.Message})
	}
	line := []byte(`{"jsonrpc":"2.0",`)
	if id != nil {
		line = slices.Concat(line, []byte(`"id":`), id, []byte(`,`))
	}
	return slices.Concat(line, []byte(`"error":`), body, []byte(`}`))
}
