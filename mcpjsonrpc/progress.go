package mcpjsonrpc

import (
	"context"
	"encoding/json"
	"slices"
	"sync"
	"time"
)

// Bounds on progress reports, in a call that asked for them.
const (
	// firstReport keeps short calls from reporting at all.
	firstReport = 100 * time.Millisecond

	// nextReport is the least time between two reports: four a second.
	nextReport = 250 * time.Millisecond

	// lastReport is the least time between a report and the result.
	lastReport = 20 * time.Millisecond
)

// Progress reports how far a call has come: done of total units, which a total
// of 0 or less leaves open, and what is being done, which may be empty. Done has
// to grow. It may be called as often as is convenient and by several goroutines;
// too many reports, a done that is not above the last one sent, or one that has
// reached total, are dropped. It is never nil.
type Progress func(done, total int64, message string)

// A progress sends the reports of one call.
type progress struct {
	ctx   context.Context
	token []byte // nil: nobody wants to know
	rev   revision
	write func(line []byte)

	mu       sync.Mutex
	last     int64     // done of the last report sent, -1 before the first
	sent     time.Time // when that was
	next     time.Time // no report before
	finished bool
}

func newProgress(ctx context.Context, r *request, write func([]byte)) *progress {
	return &progress{ctx: ctx, token: r.token, rev: r.rev, write: write, last: -1, next: time.Now().Add(firstReport)}
}

// report is a Progress.
func (p *progress) report(done, total int64, message string) {
	if p.token == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	if p.finished || p.ctx.Err() != nil || now.Before(p.next) || done <= p.last || total > 0 && done >= total {
		return
	}
	p.last, p.next = done, now.Add(nextReport)
	if p.rev < v20250326 {
		message = ""
	}
	params, _ := marshal(struct {
		Token    json.RawMessage `json:"progressToken"`
		Progress int64           `json:"progress"`
		Total    int64           `json:"total,omitempty"`
		Message  string          `json:"message,omitempty"`
	}{p.token, done, max(total, 0), message})
	p.write(slices.Concat([]byte(`{"jsonrpc":"2.0","method":"notifications/progress","params":`), params, []byte(`}`)))
	p.sent = time.Now()
}

// finish ends the reports and returns when the result may be sent.
func (p *progress) finish() {
	p.mu.Lock()
	p.finished = true
	wait := lastReport - time.Since(p.sent)
	p.mu.Unlock()
	if wait > 0 {
		t := time.NewTimer(wait)
		defer t.Stop()
		select {
		case <-t.C:
		case <-p.ctx.Done():
		}
	}
}
