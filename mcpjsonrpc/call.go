package mcpjsonrpc

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// A call is a request whose answer takes time: it runs, or waits for its turn, while
// further lines are read.
type call struct {
	request *request
	what    string // for the log
	place   *place
	cancel  context.CancelFunc

	// work does what was asked and returns the result, a JSON object.
	work func(ctx context.Context, p Progress) ([]byte, error)
	// busy makes a result of the news that there is no place for the call.
	// Nil makes an error of it.
	busy func(text string) ([]byte, error)

	body    []byte
	err     error
	failure string    // what a result that is an error says
	begun   time.Time // when the work began
}

// inFlight reports whether a call with that id is not answered yet.
func (c *session) inFlight(id []byte) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.calls[idKey(id)] != nil
}

// call answers the request of k, now or when its work is done.
func (c *session) call(k *call) {
	r := k.request
	slots, queue := c.server.slots(), c.server.queue()
	if k.place = c.server.gate.admit(slots, queue); k.place == nil {
		text := fmt.Sprintf("busy: %d calls are running and %d are waiting; try again when one of them is done", slots, queue)
		c.log.Warn("mcpjsonrpc: busy", "in", k.what, "id", string(r.id))
		if k.busy == nil {
			c.answer(r, nil, errorf(CodeInternalError, "%s", text))
			return
		}
		body, err := k.busy(text)
		c.reply(r, body, err)
		return
	}
	ctx, cancel := context.WithCancel(c.ctx)
	k.cancel = cancel

	c.mu.Lock()
	if c.stopped {
		c.mu.Unlock()
		c.server.gate.leave(k.place)
		cancel()
		r.reply(nil)
		return
	}
	c.calls[idKey(r.id)] = k
	c.running.Add(1)
	c.mu.Unlock()

	go func() {
		defer c.running.Done()
		c.run(ctx, k)
	}()
}

// toolCall returns what is to be done for r, a tools/call. What it keeps does not
// alias r.params.
func (s *Server) toolCall(r *request) (*call, error) {
	v, twice := pick(r.params, "name", "arguments")
	name, ok := unquote(v[0])
	args := v[1]
	switch {
	case twice != "":
		return nil, errorf(CodeInvalidParams, "member %q occurs twice in params", twice)
	case !ok:
		return nil, errorf(CodeInvalidParams, "the name of a tool must be a string")
	case args == nil || string(args) == "null": // null is what some clients write for none
		args = []byte("{}")
	case !isObject(args):
		return nil, errorf(CodeInvalidParams, "arguments must be an object")
	}
	names := make([]string, len(s.Tools))
	for i := range s.Tools {
		t := &s.Tools[i]
		if names[i] = t.Name; t.Name == name {
			args := json.RawMessage(bytes.Clone(args))
			k := &call{
				request: r,
				what:    "tool " + t.Name,
				busy:    func(text string) ([]byte, error) { return toolResult(r.rev, Result{Text: text, IsError: true}) },
			}
			k.work = func(ctx context.Context, p Progress) ([]byte, error) {
				res, err := s.callTool(ctx, t, args, p)
				if err != nil {
					return nil, err
				}
				if res.IsError {
					k.failure = res.Text
				}
				return toolResult(r.rev, res)
			}
			return k, nil
		}
	}
	return nil, errorf(CodeInvalidParams, "no tool %s%s", quote(name), didYouMean(name, names, "there are"))
}

// run waits for the turn of k, does its work and answers, unless k is cancelled
// on the way.
func (c *session) run(ctx context.Context, k *call) {
	defer k.cancel()
	select {
	case <-k.place.turn:
	case <-ctx.Done():
	}
	if ctx.Err() != nil {
		c.server.gate.leave(k.place)
		c.finish(k)
		return
	}
	p := newProgress(ctx, k.request, c.out.writeLine)
	defer func() { // also when the work ends its goroutine
		c.server.gate.leave(k.place)
		p.finish()
		c.finish(k)
	}()
	k.begun = time.Now()
	k.err = errInternal
	k.err = c.guard(k.what, func() (err error) {
		k.body, err = k.work(ctx, p.report)
		return err
	})
}

// limited bounds the time of a call.
func (s *Server) limited(ctx context.Context) (context.Context, context.CancelFunc) {
	if s.Timeout > 0 {
		return context.WithTimeout(ctx, s.Timeout)
	}
	return context.WithCancel(ctx)
}

// tooLate returns what to tell when a call was stopped by its time limit, or "".
func (s *Server) tooLate(ctx context.Context) string {
	if !errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return ""
	}
	return fmt.Sprintf("stopped after %v, the time limit of a call; ask for less", s.Timeout)
}

// callTool calls a tool and returns a result to send as it is.
func (s *Server) callTool(ctx context.Context, t *Tool, args json.RawMessage, p Progress) (Result, error) {
	ctx, cancel := s.limited(ctx)
	defer cancel()
	res, err := t.Call(ctx, args, p)
	switch _, isError := errors.AsType[*Error](err); {
	case isError:
		return Result{}, err
	case err != nil && s.tooLate(ctx) != "":
		return Result{Text: s.tooLate(ctx), IsError: true}, nil
	case err != nil:
		return Result{Text: err.Error(), IsError: true}, nil
	case res.Structured == nil:
		if t.OutputSchema != nil && !res.IsError {
			return Result{}, errors.New("a result without the structure its schema promises")
		}
		return res, nil
	case !isWholeObject(res.Structured):
		return Result{}, errors.New("a structured result that is not a JSON object")
	}
	if res.Structured, err = marshal(res.Structured); err == nil && res.Text == "" {
		res.Text = string(res.Structured)
	}
	return res, err
}

// finish answers k if it was not cancelled, and forgets it.
func (c *session) finish(k *call) {
	c.mu.Lock()
	key := idKey(k.request.id)
	wanted := c.calls[key] == k
	if wanted {
		delete(c.calls, key)
	}
	c.mu.Unlock()
	c.logCall(k, wanted)
	if !wanted || c.ctx.Err() != nil {
		k.request.reply(nil)
		return
	}
	c.reply(k.request, k.body, k.err)
}

// cancelled stops the call that params, an object, name, if there is one. From
// then on nothing is sent for it.
func (c *session) cancelled(params []byte) {
	v, twice := pick(params, "requestId")
	if v[0] == nil || twice != "" {
		return
	}
	c.mu.Lock()
	key := idKey(v[0])
	k := c.calls[key]
	delete(c.calls, key)
	c.mu.Unlock()
	if k != nil {
		k.cancel()
		c.server.gate.withdraw(k.place)
	}
}

// toolResult returns r as it is sent in revision rev.
func toolResult(rev revision, r Result) ([]byte, error) {
	if rev < v20250618 {
		r.Structured, r.Links = nil, nil
	}
	blocks := []any{}
	if r.Text != "" {
		blocks = append(blocks, content{"text", r.Text})
	}
	for _, l := range r.Links {
		blocks = append(blocks, linkBlock{"resource_link", l})
	}
	body, err := marshal(struct {
		Content    []any           `json:"content"`
		Structured json.RawMessage `json:"structuredContent,omitempty"`
		IsError    bool            `json:"isError,omitempty"`
	}{blocks, r.Structured, r.IsError})
	if len(body) > maxAnswer {
		return toolResult(rev, Result{Text: tooLong(len(body)), IsError: true})
	}
	return body, err
}

// tooLong says that an answer of n octets is not sent.
func tooLong(n int) string {
	return fmt.Sprintf("the result is %d bytes long, more than the %d that can be sent; ask for less", n, maxAnswer)
}

// A linkBlock is a block of content that points to a resource.
type linkBlock struct {
	Type string `json:"type"`
	Link
}

// A gate lets some calls run and some more wait, first come, first served.
type gate struct {
	mu      sync.Mutex
	running int
	waiting []*place
}

// A place is the right of one call to run, now or later.
type place struct {
	turn chan struct{} // closed when the call may run
	left bool
}

// admit returns a place, or nil when slots calls run and queue calls wait.
func (g *gate) admit(slots, queue int) *place {
	g.mu.Lock()
	defer g.mu.Unlock()
	p := &place{turn: make(chan struct{})}
	switch {
	case g.running < slots:
		g.running++
		close(p.turn)
	case len(g.waiting) < queue:
		g.waiting = append(g.waiting, p)
	default:
		return nil
	}
	return p
}

// leave gives p back. The next waiting call may then run.
func (g *gate) leave(p *place) {
	if g.withdraw(p) {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case p.left:
	case len(g.waiting) > 0:
		close(g.waiting[0].turn)
		g.waiting = slices.Delete(g.waiting, 0, 1)
	default:
		g.running--
	}
	p.left = true
}

// withdraw gives p back if it still waits, and reports whether it did.
func (g *gate) withdraw(p *place) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	i := slices.Index(g.waiting, p)
	if i < 0 {
		return false
	}
	g.waiting = slices.Delete(g.waiting, i, i+1)
	p.left = true
	return true
}
