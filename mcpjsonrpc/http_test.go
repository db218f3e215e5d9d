package mcpjsonrpc_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/sipsight/sipsight/internal/golden"
	"github.com/sipsight/sipsight/mcpjsonrpc"
)

const (
	modern      = "2026-07-28"
	modernMeta  = `"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}`
	jsonContent = "application/json"
)

// TestHTTPTranscripts plays testdata/http/*.txt. A transcript is prose, and exchanges:
//
//	> METHOD                                     the request,
//	> Field: value                               beside a Host on loopback, the Content-Type
//	> {"the":"body"}                             and an Accept of everything
//	< STATUS Content-Type                        the answer,
//	< Field: value                               those that matter
//	< {"the":"body"}
//
// A request field without a value takes its default away. In a body, META stands for the
// _meta of revision 2026-07-28. Transcripts whose name begins with token need one.
func TestHTTPTranscripts(t *testing.T) {
	golden.Play(t, golden.Names(t, "testdata/http/*.txt"), func(t *testing.T, text string) (got string) {
		var o mcpjsonrpc.HTTPOptions
		if strings.Contains(t.Name(), "/token") {
			o.Token = "open sesame"
		}
		synctest.Test(t, func(t *testing.T) { got = playHTTP(t, handler(t, toy(), o), text) })
		return got
	})
}

func handler(t *testing.T, s *mcpjsonrpc.Server, o mcpjsonrpc.HTTPOptions) http.Handler {
	t.Helper()
	h, err := s.Handler(o)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// post returns a request with the fields that a client sends.
func post(body string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "http://127.0.0.1:8080/mcp", strings.NewReader(body))
	r.Header.Set("Content-Type", jsonContent)
	r.Header.Set("Accept", "application/json, text/event-stream")
	return r
}

// playHTTP returns the transcript with the answers of h.
func playHTTP(t *testing.T, h http.Handler, text string) string {
	var b strings.Builder
	var lines []string
	flush := func() {
		if len(lines) > 0 {
			b.WriteString(answerHTTP(t, h, lines))
		}
		lines = nil
	}
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "<") {
			continue
		}
		request, ok := strings.CutPrefix(line, "> ")
		if !ok {
			flush()
		} else {
			lines = append(lines, strings.TrimSuffix(request, "\n"))
		}
		b.WriteString(line)
	}
	flush()
	return b.String()
}

// answerHTTP returns the answer to a request as lines of a transcript.
func answerHTTP(t *testing.T, h http.Handler, lines []string) string {
	t.Helper()
	r := post("")
	r.Method = lines[0]
	var body strings.Builder
	for _, line := range lines[1:] {
		field, value, ok := strings.Cut(line, ":")
		switch {
		case !ok || strings.ContainsAny(field, "{[\""):
			body.WriteString(strings.ReplaceAll(line, "META", modernMeta) + "\n")
		case field == "Host":
			r.Host = strings.TrimSpace(value)
		case strings.TrimSpace(value) == "":
			r.Header.Del(field)
		default:
			if field == "Content-Type" || field == "Accept" {
				r.Header.Del(field)
			}
			r.Header.Add(field, strings.TrimPrefix(value, " "))
		}
	}
	r.Body = io.NopCloser(strings.NewReader(body.String()))
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	var b strings.Builder
	answer := func(line string) { b.WriteString(strings.TrimRight("< "+line, " \n") + "\n") }
	answer(fmt.Sprintf("%d %s", w.Code, w.Header().Get("Content-Type")))
	for _, field := range []string{"Allow", "Retry-After", "Www-Authenticate", "X-Accel-Buffering", "Mcp-Session-Id"} {
		if v := w.Header().Get(field); v != "" {
			answer(field + ": " + v)
		}
	}
	for line := range strings.Lines(w.Body.String()) {
		answer(line)
	}
	return b.String()
}

func TestHTTPLimits(t *testing.T) {
	h := handler(t, toy(), mcpjsonrpc.HTTPOptions{})
	long := func(n int) string {
		head, tail := `{"jsonrpc":"2.0","id":1,"method":"ping","params":{"x":"`, `"}}`
		return head + strings.Repeat("x", n-len(head)-len(tail)) + tail
	}
	tests := []struct {
		name string
		body io.Reader
		want int
	}{
		{"the longest body", strings.NewReader(long(4 << 20)), 200},
		{"an octet more", strings.NewReader(long(4<<20 + 1)), 413},
		{"cut off", io.MultiReader(strings.NewReader(ping), iotest.ErrReader(io.ErrUnexpectedEOF)), 400},
		{"100,000 arrays", strings.NewReader(`{"jsonrpc":"2.0","id":1,"method":"ping","params":{"x":` + strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000) + "}}"), 400},
		{"brackets", strings.NewReader(strings.Repeat("[", 1<<20)), 400},
		{"not UTF-8", strings.NewReader(`{"jsonrpc":"2.0","id":1,"method":"` + "\xff" + `"}`), 400},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := post("")
			r.Body = io.NopCloser(test.body)
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			if w.Code != test.want || !json.Valid(w.Body.Bytes()) {
				t.Errorf("status %d, want %d: %.200s", w.Code, test.want, w.Body)
			}
		})
	}
}

// TestHTTPManyAtOnce fills every slot.
func TestHTTPManyAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := toy()
		s.MaxQueue = 100
		h := handler(t, s, mcpjsonrpc.HTTPOptions{})
		codes := make(chan int, 20)
		for i := range 20 {
			go func() {
				w := httptest.NewRecorder()
				h.ServeHTTP(w, post(toolCall(i, "wait", "{}")))
				codes <- w.Code
			}()
		}
		count := map[int]int{}
		for range 20 {
			count[<-codes]++
		}
		if count[200] != 16 || count[503] != 4 {
			t.Errorf("got %v", count)
		}
		w := httptest.NewRecorder()
		if h.ServeHTTP(w, post(ping)); w.Code != 200 {
			t.Errorf("afterwards: %d", w.Code)
		}
	})
}

// TestHTTPDisconnect tells that a client which goes away cancels its call and is written
// no more.
func TestHTTPDisconnect(t *testing.T) {
	for _, tool := range []string{"wait", "deaf"} {
		t.Run(tool, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := toy()
				var told atomic.Bool
				s.Tools = append(s.Tools, mcpjsonrpc.Tool{Name: "deaf", Call: func(ctx context.Context, _ json.RawMessage, p mcpjsonrpc.Progress) (mcpjsonrpc.Result, error) {
					for i := range int64(10) {
						time.Sleep(time.Second)
						p(i, 0, "still here")
					}
					told.Store(ctx.Err() != nil)
					return mcpjsonrpc.Result{Text: "at last"}, nil
				}})
				h := handler(t, s, mcpjsonrpc.HTTPOptions{})
				ctx, leave := context.WithCancel(t.Context())
				w := httptest.NewRecorder()
				end := make(chan bool)
				go func() {
					h.ServeHTTP(w, post(toolCall(1, tool, "{}")).WithContext(ctx))
					close(end)
				}()
				time.Sleep(50 * time.Millisecond)
				leave()
				<-end
				time.Sleep(time.Minute)
				if w.Body.Len() > 0 {
					t.Errorf("got %s", w.Body)
				}
				if tool == "deaf" && !told.Load() {
					t.Error("the tool was not told")
				}
			})
		})
	}
}

// TestHTTPKeepAlive tells that a stream of events is not silent for long.
func TestHTTPKeepAlive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := toy()
		s.Tools[2].Call = func(_ context.Context, _ json.RawMessage, p mcpjsonrpc.Progress) (mcpjsonrpc.Result, error) {
			time.Sleep(time.Second)
			p(1, 2, "")
			time.Sleep(time.Minute)
			return mcpjsonrpc.Result{Text: "done"}, nil
		}
		w := httptest.NewRecorder()
		handler(t, s, mcpjsonrpc.HTTPOptions{}).ServeHTTP(w, post(toolCall(1, "wait", "{}")))
		want := `event: message
data: {"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":1,"progress":1,"total":2}}

:

:

:

:

event: message
data: {"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"done"}]}}

`
		if w.Body.String() != want || !w.Flushed {
			t.Errorf("got %s", w.Body)
		}
	})
}

// TestHTTPBatchInOnePiece tells that a batch whose answer is too long for a line is
// answered whole.
func TestHTTPBatchInOnePiece(t *testing.T) {
	s := toy()
	s.Tools[0].Call = func(context.Context, json.RawMessage, mcpjsonrpc.Progress) (mcpjsonrpc.Result, error) {
		return mcpjsonrpc.Result{Text: strings.Repeat("x", 5<<20)}, nil
	}
	call := func(id int) string { return strings.TrimSpace(toolCall(id, "echo", "{}")) }
	w := httptest.NewRecorder()
	handler(t, s, mcpjsonrpc.HTTPOptions{}).ServeHTTP(w, post("["+call(1)+","+call(2)+"]"))
	var answers []json.RawMessage
	if err := json.Unmarshal(w.Body.Bytes(), &answers); err != nil || len(answers) != 2 {
		t.Errorf("%v, %d answers", err, len(answers))
	}
}

// TestHTTPEquals is the law that a message is answered over HTTP as on a stream.
func TestHTTPEquals(t *testing.T) {
	h := handler(t, quick(), mcpjsonrpc.HTTPOptions{})
	for _, stream := range streams(t) {
		for line := range strings.Lines(stream) {
			if !strings.HasPrefix(line, "{") || strings.Contains(line, `"method":"initialize"`) {
				continue
			}
			input, r := hello+line, post(line)
			r.Header.Set("MCP-Protocol-Version", "2025-11-25")
			var m struct {
				Method string
				Params struct {
					Name, URI string
					Meta      map[string]any `json:"_meta"`
				}
			}
			json.Unmarshal([]byte(line), &m)
			// encoding/json would also take _META for _meta.
			named := strings.Contains(line, `"_meta":{"io.modelcontextprotocol/protocolVersion":`)
			if v, ok := m.Params.Meta["io.modelcontextprotocol/protocolVersion"].(string); ok && named {
				r.Header.Set("MCP-Protocol-Version", v)
				r.Header.Set("Mcp-Method", m.Method)
				r.Header.Set("Mcp-Name", m.Params.Name+m.Params.URI)
			}
			var want, got string
			synctest.Test(t, func(t *testing.T) {
				want = strings.Join(serve(t, quick(), strings.NewReader(input))[1:], "\n")
				w := httptest.NewRecorder()
				h = handler(t, quick(), mcpjsonrpc.HTTPOptions{})
				h.ServeHTTP(w, r)
				got = w.Body.String()
				if want == "" && w.Code != http.StatusAccepted {
					t.Errorf("status %d without an answer", w.Code)
				}
			})
			if got != want {
				t.Errorf("%s got  %s\nwant %s", line, got, want)
			}
		}
	}
}

// TestHTTPPanic tells that a fault of a handler is an answer and a record.
func TestHTTPPanic(t *testing.T) {
	s := toy()
	log := logged(s)
	w := httptest.NewRecorder()
	handler(t, s, mcpjsonrpc.HTTPOptions{}).ServeHTTP(w, post(toolCall(1, "fail", `{"how":"panic"}`)))
	if !bytes.Contains(w.Body.Bytes(), []byte("-32603")) || !strings.Contains(log.String(), "secret") {
		t.Errorf("got %s, logged %s", w.Body, log)
	}
}

func TestHTTPFault(t *testing.T) {
	s := toy()
	s.Name = ""
	if _, err := s.Handler(mcpjsonrpc.HTTPOptions{}); err == nil {
		t.Error("a server without a name has a handler")
	}
}

// A deadWriter has a client that is gone without anybody noticing.
type deadWriter struct{ http.ResponseWriter }

func (deadWriter) Write([]byte) (int, error) { return 0, errors.New("gone") }

// TestHTTPWriteError tells that a stream which cannot be written ends its call.
func TestHTTPWriteError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		handler(t, toy(), mcpjsonrpc.HTTPOptions{}).ServeHTTP(deadWriter{httptest.NewRecorder()}, post(toolCall(1, "wait", `{"ms":60000}`)))
		if d := time.Since(start); d > time.Second {
			t.Errorf("the call went on for %v", d)
		}
	})
}

// A deadlineWriter records the deadlines for reading the request.
type deadlineWriter struct {
	*httptest.ResponseRecorder
	deadlines []time.Time
}

func (w *deadlineWriter) SetReadDeadline(t time.Time) error {
	w.deadlines = append(w.deadlines, t)
	return nil
}

// TestHTTPSlowBody tells that a body has half a minute to arrive, and that this is no
// limit for the call.
func TestHTTPSlowBody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &deadlineWriter{ResponseRecorder: httptest.NewRecorder()}
		want := time.Now().Add(30 * time.Second)
		handler(t, toy(), mcpjsonrpc.HTTPOptions{}).ServeHTTP(w, post(ping))
		if len(w.deadlines) != 2 || !w.deadlines[0].Equal(want) || !w.deadlines[1].IsZero() {
			t.Errorf("got %v", w.deadlines)
		}
	})
}
