package mcpjsonrpc_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/sipsight/sipsight/mcpjsonrpc"
)

const (
	hello = `{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25"}}` + "\n"
	ping  = `{"jsonrpc":"2.0","id":"ping","method":"ping"}` + "\n"
	pong  = `{"jsonrpc":"2.0","id":"ping","result":{}}`
)

// toolCall returns a legacy request.
func toolCall(id int, tool, args string) string {
	return fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"method":"tools/call","params":{"name":%q,"arguments":%s,"_meta":{"progressToken":%d}}}`+"\n",
		id, tool, args, id)
}

func cancel(id int) string {
	return fmt.Sprintf(`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":%d}}`+"\n", id)
}

// text returns the text of a tool result, or "error" and the code.
func text(t *testing.T, line string) string {
	t.Helper()
	var m struct {
		Result struct{ Content []struct{ Text string } }
		Error  *struct{ Code int }
	}
	if err := json.Unmarshal([]byte(line), &m); err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	if m.Error != nil {
		return fmt.Sprintf("error %d", m.Error.Code)
	}
	return m.Result.Content[0].Text
}

// TestLongLines tells what becomes of lines too long, or too deep, to quote in
// a transcript. Each is followed by a ping, which is always answered.
func TestLongLines(t *testing.T) {
	const limit = 16 << 20
	request := func(length int) string {
		head, tail := `{"jsonrpc":"2.0","id":"long","method":"ping","params":{"x":"`, `"}}`
		return head + strings.Repeat("x", length-len(head)-len(tail)) + tail
	}
	deep := func(n int, params string) string {
		return `{"jsonrpc":"2.0","id":7,"method":"ping","params":{"x":` + strings.Repeat(params, n)
	}
	id := `"` + strings.Repeat("i", 1<<20) + `"`
	answer := func(id string, code int) string {
		if id != "" {
			id = `"id":` + id + `,`
		}
		return fmt.Sprintf(`{"jsonrpc":"2.0",%s"error":{"code":%d,`, id, code)
	}
	tests := []struct {
		name, line, want string // want begins the answer
	}{
		{"the longest line", request(limit), `{"jsonrpc":"2.0","id":"long","result":{}}`},
		{"an octet more", request(limit + 1), answer("", -32600)},
		{"a line of 40 MiB", request(40 << 20), answer("", -32600)},
		{"a long line that is no JSON", strings.Repeat("x", 3<<20), answer("", -32700)},
		{"a long blank line", strings.Repeat(" ", 3<<20), ""},
		{"200 levels", deep(198, "[") + strings.Repeat("]", 198) + "}}", `{"jsonrpc":"2.0","id":7,"result":{}}`},
		{"201 levels", deep(199, "[") + strings.Repeat("]", 199) + "}}", answer("7", -32600)},
		{"100,000 arrays", deep(100_000, "[") + strings.Repeat("]", 100_000) + "}}", answer("7", -32600)},
		{"100,000 objects", deep(100_000, `{"a":`) + "1" + strings.Repeat("}", 100_002), answer("7", -32600)},
		{"100,000 arrays left open", deep(100_000, "["), answer("", -32700)},
		{"16 MiB of brackets", strings.Repeat("[", limit), answer("", -32700)},
		{"a deep batch", strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000), answer("", -32600)},
		{"a deep notification", strings.Replace(deep(300, "["), `"id":7,`, "", 1) + strings.Repeat("]", 300) + "}}", ""},
		{"an id of 1 MiB", `{"jsonrpc":"2.0","id":` + id + `,"method":"ping"}`, `{"jsonrpc":"2.0","id":` + id + `,"result":{}}`},
		{"an integer of 1 MiB", `{"jsonrpc":"2.0","id":` + strings.Repeat("9", 1<<20) + `,"method":"ping"}`, `{"jsonrpc":"2.0","id":9999`},
		{"a method of 1 MiB", `{"jsonrpc":"2.0","id":7,"method":"x` + strings.Repeat("é", 1<<19) + `"}`,
			`{"jsonrpc":"2.0","id":7,"error":{"code":-32601,"message":"no method \"x` + strings.Repeat("é", 31) + `\"…"}}`},
		{"a million members", `{"jsonrpc":"2.0","id":7,"method":"ping"` + strings.Repeat(`,"a":1`, 1_000_000) + "}", `{"jsonrpc":"2.0","id":7,"result":{}}`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := serve(t, toy(), strings.NewReader(hello+test.line+"\n"+ping))
			if len(got) < 2 || got[len(got)-1] != pong {
				t.Fatalf("the ping was not answered: %.200q", got)
			}
			switch got = got[1 : len(got)-1]; {
			case test.want == "" && len(got) > 0:
				t.Errorf("answered %.200q", got)
			case test.want != "" && (len(got) != 1 || !strings.HasPrefix(got[0], test.want)):
				t.Errorf("got %.200q, want %.200s", got, test.want)
			}
			// At the end of input, without a line end.
			if last := serve(t, toy(), strings.NewReader(hello+test.line)); !slices.Equal(last[1:], got) {
				t.Errorf("as the last line: got %.200q, want %.200q", last[1:], got)
			}
		})
	}
}

func TestBatchLimits(t *testing.T) {
	hello := strings.Replace(hello, "2025-11-25", "2025-03-26", 1)
	one := strings.TrimSpace(ping)
	batch := func(n int) string { return "[" + strings.Repeat(one+",", n-1) + one + "]\n" }

	got := serve(t, toy(), strings.NewReader(hello+batch(100)+batch(101)))
	if n := strings.Count(got[1], pong); n != 100 {
		t.Errorf("%d answers to 100 requests", n)
	}
	if !strings.HasPrefix(got[2], `{"jsonrpc":"2.0","error":{"code":-32600,`) {
		t.Errorf("101 requests: %s", got[2])
	}

	// Answers too long for one line come one by one.
	s := toy()
	s.Tools[0].Call = func(context.Context, json.RawMessage, mcpjsonrpc.Progress) (mcpjsonrpc.Result, error) {
		return mcpjsonrpc.Result{Text: strings.Repeat("x", 5<<20)}, nil
	}
	call := func(id int) string { return strings.TrimSpace(toolCall(id, "echo", "{}")) }
	got = serve(t, s, strings.NewReader(hello+"["+call(1)+","+call(2)+"]\n"))
	if len(got) != 3 || !strings.HasPrefix(got[1], `{"jsonrpc":"2.0","id":1,`) || !strings.HasPrefix(got[2], `{"jsonrpc":"2.0","id":2,`) {
		t.Errorf("got %.60q", got)
	}
}

// A record of log lines.
func logged(s *mcpjsonrpc.Server) *bytes.Buffer {
	var buf bytes.Buffer
	s.Log = slog.New(slog.NewTextHandler(&buf, &slog.HandlerOptions{Level: slog.LevelError}))
	return &buf
}

func TestLogOfErrors(t *testing.T) {
	tests := []struct{ name, line, want string }{
		{"panic", toolCall(1, "fail", `{"how":"panic"}`), `in="tool fail" value=secret stack=`},
		{"exit", toolCall(1, "fail", `{"how":"exit"}`), `in="tool fail" value=runtime.Goexit stack=`},
		{"structure", toolCall(1, "fail", `{"how":"structure"}`), "a structured result that is not a JSON object"},
		{"data", toolCall(1, "fail", `{"how":"data"}`), "broken error data"},
		{"completion", `{"jsonrpc":"2.0","id":1,"method":"completion/complete","params":{"ref":{"type":"ref/prompt","name":"greet"},"argument":{"name":"tone","value":"panic"}}}` + "\n",
			"in=completion/complete value=secret stack="},
		{"bad client", "nonsense\n" + ping + toolCall(1, "none", "{}"), ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := toy()
			log := logged(s)
			serve(t, s, strings.NewReader(hello+test.line))
			got := log.String()
			if !strings.Contains(got, test.want) || test.want == "" && got != "" || strings.Count(got, "\n") > 1 {
				t.Errorf("got %s\nwant %s", got, test.want)
			}
		})
	}
}

func TestPromisedStructure(t *testing.T) {
	for _, isError := range []bool{false, true} {
		s := toy()
		log := logged(s)
		s.Tools[1].Call = func(context.Context, json.RawMessage, mcpjsonrpc.Progress) (mcpjsonrpc.Result, error) {
			return mcpjsonrpc.Result{Text: "no structure", IsError: isError}, nil
		}
		got := serve(t, s, strings.NewReader(hello+toolCall(1, "add", "{}")))
		want := "error -32603"
		if isError {
			want = "no structure"
		}
		if text(t, got[1]) != want || (log.Len() == 0) != isError {
			t.Errorf("IsError %v: got %s, logged %s", isError, got[1], log)
		}
	}
}

// TestOffers tells that nothing is announced or answered that is not there.
func TestOffers(t *testing.T) {
	s := &mcpjsonrpc.Server{Name: "empty", Version: "0"}
	input := hello
	methods := []string{"tools/list", "tools/call", "prompts/list", "prompts/get", "completion/complete",
		"resources/list", "resources/templates/list", "resources/read"}
	for _, m := range methods {
		input += `{"jsonrpc":"2.0","id":1,"method":"` + m + `"}` + "\n"
		input += `{"jsonrpc":"2.0","id":1,"method":"` + m + `","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}}}` + "\n"
	}
	got := serve(t, s, strings.NewReader(input))
	if want := `{"jsonrpc":"2.0","id":0,"result":{"protocolVersion":"2025-11-25","capabilities":{},"serverInfo":{"name":"empty","version":"0"}}}`; got[0] != want {
		t.Errorf("got  %s\nwant %s", got[0], want)
	}
	if len(got) != 1+2*len(methods) {
		t.Errorf("%d answers", len(got))
	}
	for _, line := range got[1:] {
		if !strings.Contains(line, `"code":-32601`) {
			t.Error(line)
		}
	}
}

// TestLateProgress tells that a tool which keeps its Progress cannot use it
// after its result, nor go back.
func TestLateProgress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := toy()
		s.Tools[2].Call = func(_ context.Context, _ json.RawMessage, p mcpjsonrpc.Progress) (mcpjsonrpc.Result, error) {
			for _, done := range []int64{-1, 5, 5, 4, 6, 10, 11} {
				time.Sleep(time.Second)
				p(done, 10, "")
			}
			for done := range int64(20) {
				time.Sleep(time.Second)
				p(done, 0, "open end")
			}
			go func() {
				for done := int64(20); done < 30; done++ {
					p(done, 0, "too late")
					time.Sleep(10 * time.Millisecond)
				}
			}()
			return mcpjsonrpc.Result{Text: "done"}, nil
		}
		k := begin(t, s)
		k.send(hello)
		k.send(toolCall(1, "wait", "{}"))
		lines := k.pass(time.Minute)
		var got []string
		for _, line := range lines[:len(lines)-1] {
			_, line, _ = strings.Cut(line, `"progress":`)
			got = append(got, strings.TrimRight(line, "}"))
		}
		want := []string{`5,"total":10`, `6,"total":10`}
		for done := 7; done < 20; done++ {
			want = append(want, fmt.Sprintf(`%d,"message":"open end"`, done))
		}
		if !slices.Equal(got[:len(want)], want) {
			t.Errorf("got  %q\nwant %q", got, want)
		}
		if last := lines[len(lines)-1]; text(t, last) != "done" {
			t.Errorf("last line %s", last)
		}
	})
}

func TestTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := toy()
		s.Timeout = 50 * time.Millisecond
		k := begin(t, s)
		k.send(hello)
		k.send(toolCall(1, "wait", `{"ms":40}`))
		if got := k.pass(time.Second); text(t, got[0]) != "waited 40 ms" {
			t.Errorf("got %q", got)
		}
		k.send(toolCall(2, "wait", `{"ms":60000}`))
		got := k.pass(50 * time.Millisecond)
		if len(got) != 1 || text(t, got[0]) != "stopped after 50ms, the time limit of a call; ask for less" || !strings.Contains(got[0], `"isError":true`) {
			t.Errorf("got %q", got)
		}
	})
}

// TestDeafTool tells that a cancelled tool which does not return keeps its
// place, but neither the server nor its silence.
func TestDeafTool(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := toy()
		s.MaxConcurrent, s.MaxQueue = 1, -1
		s.Tools[2].Call = func(_ context.Context, _ json.RawMessage, p mcpjsonrpc.Progress) (mcpjsonrpc.Result, error) {
			for i := range int64(100) {
				time.Sleep(100 * time.Millisecond)
				p(i, 0, "")
			}
			return mcpjsonrpc.Result{Text: "at last"}, nil
		}
		k := begin(t, s)
		k.send(hello)
		k.send(toolCall(1, "wait", "{}"))
		if got := k.send(cancel(1)); got != nil {
			t.Errorf("cancelled: %q", got)
		}
		want := "busy: 1 calls are running and 0 are waiting; try again when one of them is done"
		if got := k.send(toolCall(2, "echo", "{}")); text(t, got[0]) != want {
			t.Errorf("a second call: %q", got)
		}
		if got := k.send(ping); !slices.Equal(got, []string{pong}) {
			t.Errorf("ping: %q", got)
		}
		if got := k.pass(time.Minute); got != nil {
			t.Errorf("later: %q", got)
		}
		if got := k.send(toolCall(3, "echo", "{}")); text(t, got[0]) != "{}" {
			t.Errorf("a third call: %q", got)
		}
	})
}

// TestCancelWaiting cancels a call in the same moment as it gets its turn.
func TestCancelWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := toy()
		s.MaxConcurrent, s.MaxQueue = 1, 100
		k := begin(t, s)
		k.send(hello)
		input := toolCall(1, "wait", `{"ms":10}`)
		for id := 2; id < 50; id++ {
			input += toolCall(id, "echo", "{}")
		}
		k.send(input)
		time.Sleep(10 * time.Millisecond)
		input = ""
		for id := 1; id < 50; id++ {
			input += cancel(id)
		}
		k.send(input)
		k.pass(time.Second)
		if got := k.send(toolCall(1, "echo", "{}")); len(got) != 1 || text(t, got[0]) != "{}" {
			t.Errorf("afterwards: %q", got)
		}
	})
}

// TestSharedLimit tells that two clients of one server share its limits.
func TestSharedLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := toy()
		s.MaxConcurrent, s.MaxQueue = 1, 1
		a, b := begin(t, s), begin(t, s)
		a.send(hello)
		b.send(hello)
		a.send(toolCall(1, "wait", "{}"))
		b.send(toolCall(1, "wait", "{}"))
		if got := a.send(toolCall(2, "echo", "{}")); len(got) != 1 || !strings.HasPrefix(text(t, got[0]), "busy") {
			t.Errorf("a: %q", got)
		}
		if got := b.pass(150 * time.Millisecond); got != nil {
			t.Errorf("b, too early: %q", got)
		}
		if got := b.pass(100 * time.Millisecond); text(t, got[len(got)-1]) != "waited 100 ms" {
			t.Errorf("b: %q", got)
		}
	})
}

func TestContextDone(t *testing.T) {
	for _, name := range []string{"wait", "deaf"} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := toy()
				s.MaxConcurrent = 1
				s.Tools = append(s.Tools, mcpjsonrpc.Tool{Name: "deaf", Call: func(context.Context, json.RawMessage, mcpjsonrpc.Progress) (mcpjsonrpc.Result, error) {
					time.Sleep(time.Hour)
					return mcpjsonrpc.Result{}, nil
				}})
				k := begin(t, s)
				k.send(hello)
				k.send(toolCall(1, name, "{}"))
				k.send(toolCall(2, "echo", "{}")) // waits, and never runs
				start := time.Now()
				k.cancel()
				if err := <-k.end; err != nil {
					t.Errorf("Serve: %v", err)
				}
				want := time.Duration(0)
				if name == "deaf" {
					want = time.Second
				}
				if d := time.Since(start); d != want {
					t.Errorf("Serve returned after %v, want %v", d, want)
				}
				// The reading goroutine takes one more line, without effect.
				if got := k.send(toolCall(3, "echo", "{}")); got != nil {
					t.Errorf("after the end: %q", got)
				}
				if got := k.pass(2 * time.Hour); got != nil {
					t.Errorf("long after the end: %q", got)
				}
			})
		})
	}
}

// A blockingWriter does not return from its second Write until it is released.
type blockingWriter struct {
	release chan struct{}
	writes  atomic.Int32
}

func (w *blockingWriter) Write(b []byte) (int, error) {
	if w.writes.Add(1) > 1 {
		<-w.release
	}
	return len(b), nil
}

// TestBlockedWrite tells that a client which does not read cannot keep Serve
// from ending, and that nothing is written afterwards.
func TestBlockedWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		w := &blockingWriter{release: make(chan struct{})}
		start := time.Now()
		input := hello + toolCall(1, "wait", "{}") + toolCall(2, "wait", "{}") + ping
		if err := toy().Serve(ctx, strings.NewReader(input), w); err != nil {
			t.Errorf("Serve: %v", err)
		}
		if d := time.Since(start); d != time.Minute+time.Second {
			t.Errorf("Serve returned after %v", d)
		}
		close(w.release)
		synctest.Wait()
		if n := w.writes.Load(); n != 2 {
			t.Errorf("%d writes, want the handshake's and the ping's", n)
		}
	})
}

// A failingWriter fails from the nth Write on, as a pipe without a reader does.
type failingWriter struct{ n int }

func (w *failingWriter) Write(b []byte) (int, error) {
	if w.n--; w.n < 0 {
		return 0, syscall.EPIPE
	}
	return len(b), nil
}

func TestWriteError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, in := io.Pipe()
		defer in.Close()
		ended := false
		s := toy()
		s.Tools[2].Call = func(ctx context.Context, _ json.RawMessage, _ mcpjsonrpc.Progress) (mcpjsonrpc.Result, error) {
			<-ctx.Done()
			ended = true
			return mcpjsonrpc.Result{}, nil
		}
		end := make(chan error, 1)
		go func() { end <- s.Serve(t.Context(), r, &failingWriter{1}) }()
		io.WriteString(in, hello+toolCall(1, "wait", "{}"))
		synctest.Wait()
		io.WriteString(in, ping)
		if err := <-end; !errors.Is(err, syscall.EPIPE) {
			t.Errorf("Serve: %v", err)
		}
		if !ended {
			t.Error("the running tool was not cancelled")
		}
	})
	if err := toy().Serve(t.Context(), strings.NewReader(ping), &failingWriter{}); !errors.Is(err, syscall.EPIPE) {
		t.Errorf("at the last answer: %v", err)
	}
}

func TestReadError(t *testing.T) {
	broken := errors.New("broken")
	tests := []struct {
		name string
		in   io.Reader
		want []string
		err  error
	}{
		{"error", io.MultiReader(strings.NewReader(ping), iotest.ErrReader(broken)), []string{pong}, broken},
		{"error inside a line", io.MultiReader(strings.NewReader(ping+ping[:len(ping)-1]), iotest.ErrReader(broken)), []string{pong}, broken},
		{"no progress", io.MultiReader(strings.NewReader(ping), idle{}), []string{pong}, io.ErrNoProgress},
		{"data and error", iotest.DataErrReader(strings.NewReader(ping + ping)), []string{pong, pong}, nil},
		{"nothing", strings.NewReader(""), nil, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			out := &recorder{t: t}
			if err := toy().Serve(t.Context(), test.in, out); !errors.Is(err, test.err) {
				t.Errorf("Serve: %v, want %v", err, test.err)
			}
			if got := out.take(); !slices.Equal(got, test.want) {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

// An idle reader reads nothing, again and again.
type idle struct{}

func (idle) Read([]byte) (int, error) { return 0, nil }

// TestPromptExit tells that a prompt which ends the reading goroutine ends Serve.
func TestPromptExit(t *testing.T) {
	s := toy()
	log := logged(s)
	input := hello + `{"jsonrpc":"2.0","id":1,"method":"prompts/get","params":{"name":"greet","arguments":{"who":"exit"}}}` + "\n"
	if err := s.Serve(t.Context(), strings.NewReader(input), &recorder{t: t}); err == nil || !strings.Contains(log.String(), "Goexit") {
		t.Errorf("Serve: %v, logged %s", err, log)
	}
}

func TestFaults(t *testing.T) {
	tests := []struct {
		name  string
		spoil func(s *mcpjsonrpc.Server)
		want  string
	}{
		{"no name", func(s *mcpjsonrpc.Server) { s.Name = "" }, "no name or no version"},
		{"no version", func(s *mcpjsonrpc.Server) { s.Version = "" }, "no name or no version"},
		{"extension", func(s *mcpjsonrpc.Server) { s.Extensions["a"] = json.RawMessage("[]") }, `extension "a"`},
		{"no tool name", func(s *mcpjsonrpc.Server) { s.Tools[0].Name = "" }, `tool ""`},
		{"tool name", func(s *mcpjsonrpc.Server) { s.Tools[0].Name = "a b" }, `tool "a b"`},
		{"long tool name", func(s *mcpjsonrpc.Server) { s.Tools[0].Name = strings.Repeat("a", 129) }, "1 to 128"},
		{"tool twice", func(s *mcpjsonrpc.Server) { s.Tools[0].Name = s.Tools[1].Name }, "used twice"},
		{"no call", func(s *mcpjsonrpc.Server) { s.Tools[0].Call = nil }, "Call is nil"},
		{"input schema", func(s *mcpjsonrpc.Server) { s.Tools[0].InputSchema = json.RawMessage(`{"type":"string"}`) }, "input schema"},
		{"no input schema", func(s *mcpjsonrpc.Server) { s.Tools[0].InputSchema = json.RawMessage(``) }, "input schema"},
		{"output schema", func(s *mcpjsonrpc.Server) { s.Tools[0].OutputSchema = json.RawMessage(`{"type":"object"} x`) }, "output schema"},
		{"tool meta", func(s *mcpjsonrpc.Server) { s.Tools[0].Meta = json.RawMessage(`1`) }, "Meta"},
		{"no prompt name", func(s *mcpjsonrpc.Server) { s.Prompts[0].Name = "" }, "no name"},
		{"prompt twice", func(s *mcpjsonrpc.Server) { s.Prompts = append(s.Prompts, s.Prompts[0]) }, "used twice"},
		{"no get", func(s *mcpjsonrpc.Server) { s.Prompts[0].Get = nil }, "Get is nil"},
		{"prompt argument", func(s *mcpjsonrpc.Server) { s.Prompts[0].Arguments[0].Name = "tone" }, "an argument"},
		{"no URI", func(s *mcpjsonrpc.Server) { s.Resources[0].URI = "" }, "no URI"},
		{"resource twice", func(s *mcpjsonrpc.Server) { s.Resources = append(s.Resources, s.Resources[0]) }, "used twice"},
		{"no template name", func(s *mcpjsonrpc.Server) { s.Templates[0].Name = "" }, "no name"},
		{"no read", func(s *mcpjsonrpc.Server) { s.Templates[0].Read = nil }, "Read is nil"},
		{"template twice", func(s *mcpjsonrpc.Server) { s.Templates = append(s.Templates, s.Templates[0]) }, "used twice"},
		{"template", func(s *mcpjsonrpc.Server) { s.Templates[0].URITemplate = "toy://{a" }, "{ without }"},
		{"resource meta", func(s *mcpjsonrpc.Server) { s.Resources[0].Meta = json.RawMessage(`{`) }, "Meta"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := toy()
			test.spoil(s)
			err := s.Serve(t.Context(), strings.NewReader(ping), &failingWriter{})
			if err == nil || !strings.HasPrefix(err.Error(), "mcpjsonrpc: ") || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %s", err, test.want)
			}
		})
	}
}

// TestNoStreams holds that what is not there is told to the caller, who could not recover a panic of ours.
func TestNoStreams(t *testing.T) {
	for _, err := range []error{
		toy().Serve(t.Context(), nil, &failingWriter{}),
		toy().Serve(t.Context(), strings.NewReader(ping), nil),
	} {
		if err == nil || !strings.Contains(err.Error(), "no stream") {
			t.Errorf("got %v", err)
		}
	}
}

func TestErrorText(t *testing.T) {
	err := &mcpjsonrpc.Error{Code: mcpjsonrpc.CodeInvalidParams, Message: "no such thing"}
	if got, want := err.Error(), "mcpjsonrpc: no such thing (-32602)"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestManyPromptArguments(t *testing.T) {
	var args strings.Builder
	for i := range 257 {
		fmt.Fprintf(&args, `"a%d":"",`, i)
	}
	got := serve(t, toy(), strings.NewReader(hello+
		`{"jsonrpc":"2.0","id":1,"method":"prompts/get","params":{"name":"greet","arguments":{`+strings.TrimSuffix(args.String(), ",")+"}}}\n"))
	if want := `{"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"more than 256 arguments"}}`; got[1] != want {
		t.Errorf("got %s", got[1])
	}
}

// TestLog holds what is told of requests and calls.
func TestLog(t *testing.T) {
	tests := []struct{ name, line, want string }{
		{"a call", toolCall(5, "echo", `{"text":"x"}`), `level=INFO msg="mcpjsonrpc: call" in="tool echo" id=5 took=1ms outcome=done octets=`},
		{"a request", toolCall(5, "echo", `{"text":"x"}`), `level=DEBUG msg="mcpjsonrpc: request" method=tools/call id=5 revision=2025-11-25 params="{\"arguments\":{\"text\":\"x\"},\"name\":\"echo\"}"`},
		{"a result that is an error", toolCall(5, "echo", `{"txt":"x"}`), `in="tool echo" id=5 took=1ms outcome=failed error="unknown argument \"txt\"`},
		{"a panic", toolCall(5, "fail", `{"how":"panic"}`), `in="tool fail" id=5 took=1ms outcome=error error="mcpjsonrpc: internal error`},
		{"an unknown tool", toolCall(5, "none", `{}`), `level=WARN msg="mcpjsonrpc: refused" code=-32602 error="no tool \"none\"`},
		{"an unknown method", `{"jsonrpc":"2.0","id":"é","method":"none"}` + "\n", `level=WARN msg="mcpjsonrpc: refused" code=-32601 error="no method \"none\"" method=none id="\"é\""`},
		{"a bad line", "nonsense\n", `level=WARN msg="mcpjsonrpc: refused" code=-32700 error="not JSON at byte 0"`},
		{"many parameters", `{"jsonrpc":"2.0","id":5,"method":"tools/list","params":{"x":"` + strings.Repeat("x", 20000) + `"}}` + "\n", "method=tools/list id=5 revision=2025-11-25 octets=20008"},
		{"without _meta", `{"jsonrpc":"2.0","id":5,"method":"ping","params":{"_meta":{"progressToken":1}}}` + "\n", "method=ping id=5 revision=2025-11-25\n"},
		{"the client", "", `level=INFO msg="mcpjsonrpc: client" name=`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := toy()
			var buf bytes.Buffer
			s.Log = slog.New(slog.NewTextHandler(&buf, &slog.HandlerOptions{Level: slog.LevelDebug, ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
				if a.Key == "took" {
					a.Value = slog.DurationValue(time.Millisecond)
				}
				return a
			}}))
			serve(t, s, strings.NewReader(hello+test.line))
			if !strings.Contains(buf.String(), test.want) {
				t.Errorf("no %s in\n%s", test.want, &buf)
			}
		})
	}
}
