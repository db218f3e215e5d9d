package mcpjsonrpc_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sipsight/sipsight/mcpjsonrpc"
)

// toy returns a server with a tool for every way a call can go.
func toy() *mcpjsonrpc.Server {
	return &mcpjsonrpc.Server{
		Name:         "toy",
		Title:        "A toy",
		Version:      "1.2.3",
		Description:  "A server to play with",
		Instructions: "Play.",
		Tools: []mcpjsonrpc.Tool{
			{
				Name:        "echo",
				Title:       "Echo",
				Description: "Says it again.",
				InputSchema: json.RawMessage(`{
					"type": "object",
					"properties": {"text": {"type": "string"}},
					"additionalProperties": false
				}`),
				Annotations: mcpjsonrpc.Annotations{ReadOnly: true, Idempotent: true},
				Meta:        json.RawMessage(`{"example/hint": "a < b"}`),
				Call:        echo,
			},
			{
				Name:         "add",
				InputSchema:  json.RawMessage(`{"type":"object","properties":{"a":{"type":"integer"},"b":{"type":"integer"}},"required":["a","b"]}`),
				OutputSchema: json.RawMessage(`{"type":"object","properties":{"sum":{"type":"integer"}},"required":["sum"]}`),
				Call:         add,
			},
			{Name: "wait", Description: "Waits, and reports every 10 ms.", Call: wait},
			{Name: "fail", Call: fail},
		},
		Prompts: []mcpjsonrpc.Prompt{
			{
				Name:        "greet",
				Title:       "Greeting",
				Description: "Greets somebody.",
				Arguments: []mcpjsonrpc.PromptArgument{
					{Name: "who", Title: "Who", Description: "whom to greet", Required: true},
					{Name: "tone", Complete: tones},
				},
				Get: greet,
			},
			{Name: "bare", Get: func(map[string]string) ([]mcpjsonrpc.PromptMessage, error) { return nil, nil }},
		},
		Resources: []mcpjsonrpc.Resource{{
			URI:      "ui://toy/view.html",
			Name:     "view",
			Title:    "View",
			MIMEType: "text/html;profile=mcp-app",
			Text:     "<!doctype html><title>toy & co</title>",
			Meta:     json.RawMessage(`{"ui": {"prefersBorder": true}}`),
		}, {
			URI:      "toy://mood",
			Name:     "mood",
			MIMEType: "text/plain",
			Text:     "not this text",
			Read: func(context.Context, mcpjsonrpc.Progress) (mcpjsonrpc.ResourceContent, error) {
				return mcpjsonrpc.ResourceContent{Text: "fine"}, nil
			},
		}},
		Templates: []mcpjsonrpc.ResourceTemplate{{
			URITemplate: "toy://shelf/{box}/{+path}{?page,side}",
			Name:        "shelf",
			Title:       "A shelf",
			Description: "Things in boxes.",
			MIMEType:    "text/plain",
			Read:        shelf,
			Complete:    boxes,
		}},
		Extensions: map[string]json.RawMessage{"io.modelcontextprotocol/ui": json.RawMessage(`{}`)},
	}
}

func echo(_ context.Context, args json.RawMessage, _ mcpjsonrpc.Progress) (mcpjsonrpc.Result, error) {
	text := string(args)
	a := mcpjsonrpc.ParseArguments(args)
	a.String("text", &text)
	return mcpjsonrpc.Result{Text: text}, a.Err()
}

func add(_ context.Context, args json.RawMessage, _ mcpjsonrpc.Progress) (mcpjsonrpc.Result, error) {
	var x, y int
	a := mcpjsonrpc.ParseArguments(args)
	a.Int("a", &x, -1000, 1000)
	a.Int("b", &y, -1000, 1000)
	a.Require("a", "b")
	if err := a.Err(); err != nil {
		return mcpjsonrpc.Result{}, err
	}
	return mcpjsonrpc.Result{Structured: fmt.Appendf(nil, "{\n  \"sum\": %d\n}\n", x+y)}, nil
}

func wait(ctx context.Context, args json.RawMessage, p mcpjsonrpc.Progress) (mcpjsonrpc.Result, error) {
	ms := 100
	a := mcpjsonrpc.ParseArguments(args)
	a.Int("ms", &ms, 0, 1e9)
	if err := a.Err(); err != nil {
		return mcpjsonrpc.Result{}, err
	}
	for i := range ms / 10 {
		select {
		case <-time.After(10 * time.Millisecond):
			p(int64(i+1)*10, int64(ms), "waiting")
		case <-ctx.Done():
			return mcpjsonrpc.Result{}, ctx.Err()
		}
	}
	return mcpjsonrpc.Result{Text: fmt.Sprintf("waited %d ms", ms)}, nil
}

func fail(_ context.Context, args json.RawMessage, _ mcpjsonrpc.Progress) (mcpjsonrpc.Result, error) {
	how := "error"
	a := mcpjsonrpc.ParseArguments(args)
	a.Enum("how", &how, "error", "refusal", "panic", "exit", "structure", "data", "result", "size", "escapes", "octets", "nothing", "links")
	if err := a.Err(); err != nil {
		return mcpjsonrpc.Result{}, err
	}
	switch how {
	case "refusal":
		return mcpjsonrpc.Result{}, fmt.Errorf("wrapped: %w", &mcpjsonrpc.Error{Code: 7, Message: "no", Data: json.RawMessage(`{"why": "because"}`)})
	case "panic":
		panic("secret")
	case "exit":
		runtime.Goexit()
	case "structure":
		return mcpjsonrpc.Result{Text: "x", Structured: json.RawMessage(`[1`)}, nil
	case "data":
		return mcpjsonrpc.Result{}, &mcpjsonrpc.Error{Code: 8, Message: "no", Data: json.RawMessage(`{`)}
	case "result":
		return mcpjsonrpc.Result{Text: "found no such thing", Structured: json.RawMessage(`{"a": 1}`), IsError: true}, nil
	case "size":
		return mcpjsonrpc.Result{Text: strings.Repeat("x", 9<<20)}, nil
	case "escapes":
		return mcpjsonrpc.Result{Text: strings.Repeat("\x01", 2<<20)}, nil
	case "octets":
		return mcpjsonrpc.Result{Text: "a\xffb\u2028<&>\x00", Structured: json.RawMessage("{\"s\": \"a\xffb\u2028<&>\"}")}, nil
	case "nothing":
		return mcpjsonrpc.Result{}, nil
	case "links":
		return mcpjsonrpc.Result{Text: "see there", Links: []mcpjsonrpc.Link{
			{URI: "toy://mood", Name: "mood"},
			{URI: "toy://shelf/a/b", Name: "b", Title: "B", Description: "It is b.", MIMEType: "text/plain"},
		}}, nil
	}
	return mcpjsonrpc.Result{}, errors.New("it did not work")
}

func tones(_ context.Context, value string, args map[string]string) []string {
	var list []string
	for i := range 120 {
		list = append(list, fmt.Sprintf("%s-%s-%d", value, args["who"], i))
	}
	switch value {
	case "f":
		return []string{"friendly", "formal"}
	case "panic":
		panic("secret")
	}
	return list
}

// shelf reads what is in a box. The name of the box says how it ends.
func shelf(ctx context.Context, uri string, vars map[string]string, p mcpjsonrpc.Progress) (mcpjsonrpc.ResourceContent, error) {
	switch box := vars["box"]; box {
	case "absent":
		return mcpjsonrpc.ResourceContent{}, fmt.Errorf("box %q: %w", box, mcpjsonrpc.ErrNoResource)
	case "locked":
		return mcpjsonrpc.ResourceContent{}, &mcpjsonrpc.Error{Code: 9, Message: "not you"}
	case "broken":
		return mcpjsonrpc.ResourceContent{}, errors.New("the box fell apart")
	case "panic":
		panic("secret")
	case "meta":
		return mcpjsonrpc.ResourceContent{Meta: json.RawMessage(`[]`)}, nil
	case "blob":
		return mcpjsonrpc.ResourceContent{MIMEType: "application/octet-stream", Blob: []byte{0, 0xff}, Meta: json.RawMessage(`{"a": 1}`)}, nil
	case "nothing":
		return mcpjsonrpc.ResourceContent{Blob: []byte{}}, nil
	case "big":
		return mcpjsonrpc.ResourceContent{Text: strings.Repeat("x", 9<<20)}, nil
	case "far":
		for i := range int64(50) {
			select {
			case <-time.After(10 * time.Millisecond):
				p(i, 50, "fetching")
			case <-ctx.Done():
				return mcpjsonrpc.ResourceContent{}, ctx.Err()
			}
		}
	}
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(vars)) {
		fmt.Fprintf(&b, "%s=%q ", name, vars[name])
	}
	return mcpjsonrpc.ResourceContent{Text: b.String() + uri}, nil
}

func boxes(ctx context.Context, name, value string, args map[string]string) []string {
	if value == "slow" {
		select {
		case <-time.After(time.Minute):
		case <-ctx.Done():
		}
	}
	return []string{fmt.Sprintf("%s of %s %v", value, name, args)}
}

func greet(args map[string]string) ([]mcpjsonrpc.PromptMessage, error) {
	switch args["who"] {
	case "nobody":
		return nil, errors.New("nobody cannot be greeted")
	case "the king":
		return nil, &mcpjsonrpc.Error{Code: 9, Message: "not you"}
	case "exit":
		runtime.Goexit()
	}
	return []mcpjsonrpc.PromptMessage{
		{Text: "Greet " + args["who"] + "."},
		{Role: "assistant", Text: fmt.Sprintf("Hello! (tone %q)", args["tone"])},
	}, nil
}

// A recorder keeps what is written, and fails the test on a Write that is not
// one line of valid JSON.
type recorder struct {
	t   *testing.T
	mu  sync.Mutex
	buf bytes.Buffer
}

func (r *recorder) Write(b []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	line, ended := bytes.CutSuffix(b, []byte("\n"))
	if !ended || bytes.ContainsAny(line, "\r\n") || !json.Valid(line) || !bytes.ContainsAny(line[:1], "{[") {
		r.t.Errorf("a Write that is no line of JSON: %.200q", b)
	}
	return r.buf.Write(b)
}

// take returns what was written since the last call, as lines.
func (r *recorder) take() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.buf.String()
	r.buf.Reset()
	if s == "" {
		return nil
	}
	return strings.Split(strings.TrimSuffix(s, "\n"), "\n")
}

// A talk is a server that runs in a synctest bubble.
type talk struct {
	t      *testing.T
	in     *io.PipeWriter
	out    *recorder
	cancel context.CancelFunc
	end    chan error
}

func begin(t *testing.T, s *mcpjsonrpc.Server) *talk {
	ctx, cancel := context.WithCancel(t.Context())
	r, w := io.Pipe()
	k := &talk{t: t, in: w, out: &recorder{t: t}, cancel: cancel, end: make(chan error, 1)}
	go func() { k.end <- s.Serve(ctx, r, k.out) }()
	t.Cleanup(func() {
		cancel()
		w.Close()
		synctest.Wait()
	})
	return k
}

// send writes b and returns what is answered before any time passes.
func (k *talk) send(b string) []string {
	k.t.Helper()
	if _, err := io.WriteString(k.in, b); err != nil {
		k.t.Fatal(err)
	}
	synctest.Wait()
	return k.out.take()
}

// pass lets d pass and returns what is written meanwhile.
func (k *talk) pass(d time.Duration) []string {
	time.Sleep(d)
	synctest.Wait()
	return k.out.take()
}

// eof ends the input and returns what is still written before Serve returns.
func (k *talk) eof() []string {
	k.t.Helper()
	k.in.Close()
	if err := <-k.end; err != nil {
		k.t.Errorf("Serve: %v", err)
	}
	return k.out.take()
}

// serve runs a server over input and returns its output as lines.
func serve(t *testing.T, s *mcpjsonrpc.Server, input io.Reader) []string {
	t.Helper()
	out := &recorder{t: t}
	if err := s.Serve(t.Context(), input, out); err != nil {
		t.Fatalf("Serve: %v", err)
	}
	return out.take()
}
