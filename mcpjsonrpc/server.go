package mcpjsonrpc

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"
)

// A Server answers MCP requests on a pair of streams. Its fields must not change
// after Serve begins. MaxConcurrent and MaxQueue hold for all calls of Serve
// together.
type Server struct {
	Name         string // required
	Title        string
	Version      string // required
	Description  string
	Instructions string // for the model: how the tools belong together

	Tools     []Tool
	Prompts   []Prompt
	Resources []Resource
	Templates []ResourceTemplate

	// Extensions are announced among the capabilities: an extension's
	// identifier and its settings, a JSON object.
	Extensions map[string]json.RawMessage

	// Tools run as calls, as do completions and resources that are read or
	// listed by a function.
	MaxConcurrent int           // calls running at once; 0 means 2
	MaxQueue      int           // calls waiting; 0 means 8, negative none
	Timeout       time.Duration // for one call once it runs; 0 means none

	// Log takes what the server does: at the level of errors panics and broken
	// results, of warnings what was refused, of information the clients and the
	// calls that ended, for debugging every request with what it asks for. What
	// clients and tools wrote is in the values of attributes, as it is: the
	// handler escapes it. Nil discards.
	Log *slog.Logger

	gate gate
}

const (
	defaultConcurrent = 2
	defaultQueue      = 8
)

// A Tool is a function that a model may call.
type Tool struct {
	Name        string // 1 to 128 of A-Z a-z 0-9 _ . -
	Title       string
	Description string

	InputSchema  json.RawMessage // of type object; nil means no arguments
	OutputSchema json.RawMessage // of type object; nil means text alone
	Annotations  Annotations
	Meta         json.RawMessage // _meta of the tool, an object; nil means none

	// Call runs the tool. Args is a JSON object, "{}" when the request has
	// none, and belongs to Call. Call returns soon after ctx is done: the
	// request was cancelled, timed out, or the server ends.
	//
	// An error is a result whose IsError is set and whose text is the
	// error's; an *Error refuses the request instead.
	Call func(ctx context.Context, args json.RawMessage, p Progress) (Result, error)
}

// Annotations tell the client what a tool may do. All four are always sent,
// because the protocol's defaults are those of a tool that writes.
type Annotations struct {
	ReadOnly    bool `json:"readOnlyHint"`
	Destructive bool `json:"destructiveHint"`
	Idempotent  bool `json:"idempotentHint"`
	OpenWorld   bool `json:"openWorldHint"`
}

// A Result is what a tool found out. Clients show the model the text or the
// structured part, seldom both: each must be complete by itself.
type Result struct {
	Text       string          // empty: Structured is the text
	Structured json.RawMessage // a JSON object; nil means none
	Links      []Link          // resources worth reading next
	IsError    bool            // the call failed, and Text tells the model why
}

// A Prompt is a text that a user may ask for by name.
type Prompt struct {
	Name        string
	Title       string
	Description string
	Arguments   []PromptArgument

	// Get returns the text. It is called with declared arguments only, every
	// required one among them, and must return at once: it runs between two
	// lines. An error that is no *Error becomes CodeInvalidParams.
	Get func(args map[string]string) ([]PromptMessage, error)
}

// A PromptArgument is a value to be filled into a prompt.
type PromptArgument struct {
	Name        string
	Title       string
	Description string
	Required    bool

	// Complete returns what value, the beginning of this argument, may
	// become, best first; args are the arguments filled in before. It runs
	// as a call. A hundred are sent, and more than a thousand are not
	// counted. Nil completes nothing.
	Complete func(ctx context.Context, value string, args map[string]string) []string
}

// A PromptMessage is one turn of a prompt.
type PromptMessage struct {
	Role string // "user" or "assistant"; empty means "user"
	Text string
}

// grace is how long Serve waits for running tools to clean up once ctx is done
// or the client has gone.
const grace = time.Second

// Serve reads requests from in, one a line, and writes the answers to out, each
// with one Write. At end of input it waits for what was asked and returns nil.
//
// It also returns nil when ctx is done, and an error when a Write fails: running
// tools are then cancelled and given a second to return, their results are
// dropped, and after Serve has returned out is not written to any more, except
// by a Write that never came back. A Read under way is left behind. A Read error
// other than io.EOF ends the input and is returned, as is a fault in the fields
// of s.
//
// A process that serves os.Stdout should ignore SIGPIPE; otherwise a client that
// goes away kills it before the Write fails.
func (s *Server) Serve(ctx context.Context, in io.Reader, out io.Writer) error {
	if err := s.check(); err != nil {
		return err
	}
	if in == nil || out == nil { // found out on a goroutine of ours, it would end the process
		return errors.New("mcpjsonrpc: there is no stream to serve")
	}
	callers := ctx
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	c := newSession(ctx, cancel, s, out)

	end := make(chan error, 1)
	go func() {
		err := errors.New("mcpjsonrpc: a prompt ended the reading goroutine")
		defer func() {
			c.running.Wait()
			end <- err
		}()
		err = c.read(in)
	}()
	var err error
	select {
	case err = <-end:
	case <-ctx.Done():
	}
	patience, enough := context.WithTimeout(context.Background(), grace)
	defer enough()
	c.stop(patience)
	if werr := c.out.close(patience); werr != nil {
		err = fmt.Errorf("mcpjsonrpc: write: %w", werr)
	}
	if callers.Err() != nil {
		return nil
	}
	return err
}

// check returns the first fault in the fields of s.
func (s *Server) check() error {
	fault := func(kind, name, what string) error {
		return fmt.Errorf("mcpjsonrpc: %s %s: %s", kind, quote(name), what)
	}
	if s.Name == "" || s.Version == "" {
		return errors.New("mcpjsonrpc: the server has no name or no version")
	}
	for _, name := range slices.Sorted(maps.Keys(s.Extensions)) {
		if !isWholeObject(s.Extensions[name]) {
			return fault("extension", name, "the settings are not a JSON object")
		}
	}
	seen := make(map[string]bool)
	for i := range s.Tools {
		t := &s.Tools[i]
		switch {
		case !isToolName(t.Name):
			return fault("tool", t.Name, "a name is 1 to 128 of A-Z a-z 0-9 _ . -")
		case seen[t.Name]:
			return fault("tool", t.Name, "the name is used twice")
		case t.Call == nil:
			return fault("tool", t.Name, "Call is nil")
		case t.InputSchema != nil && !isObjectSchema(t.InputSchema):
			return fault("tool", t.Name, "the input schema is not of type object")
		case t.OutputSchema != nil && !isObjectSchema(t.OutputSchema):
			return fault("tool", t.Name, "the output schema is not of type object")
		case t.Meta != nil && !isWholeObject(t.Meta):
			return fault("tool", t.Name, "Meta is not a JSON object")
		}
		seen[t.Name] = true
	}
	clear(seen)
	for i := range s.Prompts {
		p := &s.Prompts[i]
		switch {
		case p.Name == "":
			return fault("prompt", p.Name, "it has no name")
		case seen[p.Name]:
			return fault("prompt", p.Name, "the name is used twice")
		case p.Get == nil:
			return fault("prompt", p.Name, "Get is nil")
		}
		seen[p.Name] = true
		args := make(map[string]bool)
		for _, a := range p.Arguments {
			if a.Name == "" || args[a.Name] {
				return fault("prompt", p.Name, "an argument has no name or that of another")
			}
			args[a.Name] = true
		}
	}
	return s.checkResources()
}

// isToolName reports whether s may name a tool. MCP 2025-11-25, server/tools.
func isToolName(s string) bool {
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-"
	return 1 <= len(s) && len(s) <= 128 && strings.Trim(s, letters) == ""
}

// isWholeObject reports whether b is one JSON object and nothing else.
func isWholeObject(b []byte) bool {
	_, _, ok := checkJSON(b)
	return ok && b[skipSpace(b, 0)] == '{'
}

// isObjectSchema reports whether b is a JSON schema of type object.
func isObjectSchema(b []byte) bool {
	if !isWholeObject(b) {
		return false
	}
	v, _ := pick(b[skipSpace(b, 0):], "type")
	typ, _ := unquote(v[0])
	return typ == "object"
}

// completes reports whether anything can be completed.
func (s *Server) completes() bool {
	for _, p := range s.Prompts {
		for _, a := range p.Arguments {
			if a.Complete != nil {
				return true
			}
		}
	}
	return slices.ContainsFunc(s.Templates, func(t ResourceTemplate) bool { return t.Complete != nil })
}

func (s *Server) slots() int {
	if s.MaxConcurrent > 0 {
		return s.MaxConcurrent
	}
	return defaultConcurrent
}

func (s *Server) queue() int {
	if s.MaxQueue == 0 {
		return defaultQueue
	}
	return max(s.MaxQueue, 0)
}
