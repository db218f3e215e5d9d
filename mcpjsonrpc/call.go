package mcpjsonrpc

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
)

// A call is a tool call that runs or waits for its turn.
type call struct {
	request *request
	tool    *Tool
	args    json.RawMessage
	place   *place
	cancel  context.CancelFunc

	result Result
	err    error
}

// inFlight reports whether a call with that id is not answered yet.
func (c *session) inFlight(id []byte) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.calls[idKey(id)] != nil
}

// call answers a tools/call, now or when the tool has run.
func (c *session) call(r *request) {
	k, err := c.server.newCall(r)
	if err != nil {
		c.answer(r, nil, err)
		return
	}
	slots, queue := c.server.slots(), c.server.queue()
	if k.place = c.server.gate.admit(slots, queue); k.place == nil {
		text := fmt.Sprintf("busy: %d calls are running and %d are waiting; try again when one of them is done", slots, queue)
		body, err := toolResult(r.rev, Result{Text: text, IsError: true})
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

// newCall reads the parameters of r. What it keeps does not alias r.params.
func (s *Server) newCall(r *request) (*call, error) {
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
			r.params = nil
			return &call{request: r, tool: t, args: bytes.Clone(args), err: errInternal}, nil
		}
	}
	return nil, errorf(CodeInvalidParams, "no tool %s%s", quote(name), didYouMean(name, names, "there are"))
}

// run waits for the turn of k, runs its tool and answers, unless k is cancelled
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
	defer func() { // also when the tool ends its goroutine
		c.server.gate.leave(k.place)
		p.finish()
		c.finish(k)
	}()
	k.err = c.guard("tool "+k.tool.Name, func() (err error) {
		k.result, err = c.callTool(ctx, k, p)
		return err
	})
}

// callTool calls the tool of k and returns a result to send as it is.
func (c *session) callTool(ctx context.Context, k *call, p *progress) (Result, error) {
	limit := c.server.Timeout
	if limit > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, limit)
		defer cancel()
	}
	res, err := k.tool.Call(ctx, k.args, p.report)
	switch _, isError := errors.AsType[*Error](err); {
	case isError:
		return Result{}, err
	case err != nil && errors.Is(ctx.Err(), context.DeadlineExceeded):
		return Result{Text: fmt.Sprintf("stopped after %v, the time limit of a call; ask for less", limit), IsError: true}, nil
	case err != nil:
		return Result{Text: err.Error(), IsError: true}, nil
	case res.Structured == nil:
		if k.tool.OutputSchema != nil && !res.IsError {
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
	if !wanted || c.ctx.Err() != nil {
		k.request.reply(nil)
		return
	}
	var body []byte
	if k.err == nil {
		body, k.err = toolResult(k.request.rev, k.result)
	}
	c.reply(k.request, body, k.err)
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
		r.Structured = nil
	}
	blocks := []content{}
	if r.Text != "" {
		blocks = append(blocks, content{"text", r.Text})
	}
	body, err := marshal(struct {
		Content    []content       `json:"content"`
		Structured json.RawMessage `json:"structuredContent,omitempty"`
		IsError    bool            `json:"isError,omitempty"`
	}{blocks, r.Structured, r.IsError})
	if len(body) > maxAnswer {
		text := fmt.Sprintf("the result is %d bytes long, more than the %d that can be sent; ask for less", len(body), maxAnswer)
		return toolResult(rev, Result{Text: text, IsError: true})
	}
	return body, err
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
