package fuzz

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"unicode/utf8"

	"github.com/sipsight/sipsight/mcpjsonrpc"
)

// toy is a server with one of everything.
func toy() *mcpjsonrpc.Server {
	return &mcpjsonrpc.Server{
		Name: "toy", Version: "1", Title: "A toy", Instructions: "Play.",
		MaxQueue: 1 << 20, // never busy
		Tools: []mcpjsonrpc.Tool{{
			Name:         "echo",
			Description:  "Says it again.",
			InputSchema:  json.RawMessage(`{"type":"object","properties":{"text":{"type":"string"},"n":{"type":"integer"}}}`),
			OutputSchema: json.RawMessage(`{"type":"object"}`),
			Call: func(_ context.Context, args json.RawMessage, p mcpjsonrpc.Progress) (mcpjsonrpc.Result, error) {
				text, n := "nothing", 0
				a := mcpjsonrpc.ParseArguments(args)
				a.String("text", &text)
				a.Int("n", &n, 0, 100)
				p(1, 2, text)
				return mcpjsonrpc.Result{Text: text, Structured: args}, a.Err()
			},
		}},
		Prompts: []mcpjsonrpc.Prompt{{
			Name: "greet",
			Arguments: []mcpjsonrpc.PromptArgument{{Name: "who", Required: true, Complete: func(_ context.Context, v string, _ map[string]string) []string {
				return []string{v + "!"}
			}}},
			Get: func(args map[string]string) ([]mcpjsonrpc.PromptMessage, error) {
				return []mcpjsonrpc.PromptMessage{{Text: "Greet " + args["who"]}}, nil
			},
		}},
		Resources: []mcpjsonrpc.Resource{{URI: "toy://x", Name: "x", Text: "y"}},
		Templates: []mcpjsonrpc.ResourceTemplate{{
			URITemplate: "toy://shelf/{box}/{+path}{?page}",
			Name:        "shelf",
			Read: func(_ context.Context, uri string, vars map[string]string, _ mcpjsonrpc.Progress) (mcpjsonrpc.ResourceContent, error) {
				return mcpjsonrpc.ResourceContent{Text: uri + vars["box"] + vars["path"] + vars["page"]}, nil
			},
			Complete: func(_ context.Context, name, v string, _ map[string]string) []string { return []string{name + v} },
		}},
	}
}

// A lines collects what is written; each Write has to be a line.
type lines struct {
	mu   sync.Mutex
	list []string
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.list = append(l.list, string(b))
	return len(b), nil
}

// An answer is what every response has.
type answer struct {
	JSONRPC string          `json:"jsonrpc"`
	ID      json.RawMessage `json:"id"`
	Method  string          `json:"method"`
	Result  json.RawMessage `json:"result"`
	Error   *struct {
		Code    int    `json:"code"`
		Message string `json:"message"`
	} `json:"error"`
}

// answers checks lines and returns the responses among them.
func answers(t *testing.T, list []string) (all []answer) {
	for _, line := range list {
		text, ok := strings.CutSuffix(line, "\n")
		if !ok || strings.ContainsAny(text, "\r\n") || !utf8.ValidString(text) || !json.Valid([]byte(text)) {
			t.Fatalf("a Write that is no line of JSON: %s", show(line))
		}
		batch := []json.RawMessage{json.RawMessage(text)}
		if text[0] == '[' {
			mustNot(json.Unmarshal([]byte(text), &batch))
		}
		for _, one := range batch {
			var a answer
			if err := json.Unmarshal(one, &a); err != nil || a.JSONRPC != "2.0" {
				t.Fatalf("%v: %s", err, show(line))
			}
			switch {
			case a.Method != "":
				if a.ID != nil || a.Method != "notifications/progress" {
					t.Fatalf("the server asks: %s", show(line))
				}
			case (a.Result != nil) == (a.Error != nil) || a.Result != nil && a.ID == nil:
				t.Fatalf("no response: %s", show(line))
			default:
				all = append(all, a)
			}
		}
	}
	return all
}

// requests counts what may be answered in a stream, and the lines that are not JSON.
func requests(stream string) (most, broken int) {
	for line := range strings.SplitSeq(strings.TrimPrefix(stream, "\uFEFF"), "\n") {
		var batch []json.RawMessage
		switch line = strings.Trim(line, " \t\r"); {
		case line == "":
			continue
		case !utf8.ValidString(line) || !json.Valid([]byte(line)):
			broken++
		case json.Unmarshal([]byte(line), &batch) == nil && len(batch) > 1:
			most += len(batch) - 1
		}
		most++
	}
	return most, broken
}

const modern = `"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{},"progressToken":1}`

// FuzzJSONRPC: whatever comes in, JSON-RPC goes out, a line for a Write, with no more
// responses than there were requests, to ids that were asked with. A line is refused as no
// JSON exactly where encoding/json does not read it. No input ends the server.
func FuzzJSONRPC(f *testing.F) {
	hello := `{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-03-26"}}` + "\n"
	for _, s := range []string{
		hello + `{"jsonrpc":"2.0","id":"a","method":"tools/call","params":{"name":"echo","arguments":{"text":"\ud83d\ude00\u0000 <"}}}`,
		hello + `[{"jsonrpc":"2.0","id":1,"method":"ping"},{"jsonrpc":"2.0","method":"x"},7,{"jsonrpc":"2.0","id":1.5,"method":"ping"}]` + "\r\n[]\n",
		`{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"echo",` + modern + `}}` + "\n" + `{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":7}}`,
		`{"jsonrpc":"2.0","id":7,"method":"server/discover","params":{` + modern + `}}`,
		`{"jsonrpc":"2.0","id":7,"method":"completion/complete","params":{"ref":{"type":"ref/prompt","name":"greet"},"argument":{"name":"who","value":"x"},` + modern + `}}`,
		hello + `{"jsonrpc":"2.0","id":2,"method":"resources/read","params":{"uri":"toy://shelf/a%20b/c/d?page=%7b"}}` + "\n" +
			`{"jsonrpc":"2.0","id":3,"method":"completion/complete","params":{"ref":{"type":"ref/resource","uri":"toy://shelf/{box}/{+path}{?page}"},"argument":{"name":"box","value":"a"}}}`,
		hello + `{"jsonrpc":"2.0","id":2,"method":"prompts/get","params":{"name":"greet","arguments":{"who":"\"}"}}}` + "\n" + `{"jsonrpc":"2.0","id":2,"method":"resources/read","params":{"uri":"toy://x"}}`,
		hello + `{"jsonrpc":"2.0","id":3,"method":"tools/list"}` + "\n" + `{"jsonrpc":"2.0","id":null,"method":"prompts/list"}` + "\n" + `{"jsonrpc":"2.0","id":{},"method":3}`,
		"\uFEFF" + `{"id":1,"id":2,"result":{}}` + "\n{\"jsonrpc\":\"2.0\",\"id\":\"\\u0041\",\"method\":\"ping\"}\nnot json\n\xff\n\"string\"\n",
		strings.Repeat("[", 300) + strings.Repeat("]", 300),
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if tooLong(b) || bytes.Count(b, []byte("["))+bytes.Count(b, []byte("{")) > 9000 { // encoding/json gives up at 10,000
			return
		}
		most, broken := requests(string(b))
		var whole, single lines
		if err := toy().Serve(context.Background(), bytes.NewReader(b), &whole); err != nil {
			t.Fatalf("Serve: %v", err)
		}
		if err := toy().Serve(context.Background(), iotest.OneByteReader(bytes.NewReader(b)), &single); err != nil {
			t.Fatalf("Serve octet by octet: %v", err)
		}
		got := answers(t, whole.list)
		if len(got) > most {
			t.Fatalf("%d responses to %d requests: %s", len(got), most, show(strings.Join(whole.list, "")))
		}
		refused := 0
		for _, a := range got {
			if a.ID != nil && !bytes.Contains(b, a.ID) {
				t.Fatalf("nobody asked with the id %s", a.ID)
			}
			if a.Error != nil && a.Error.Code == mcpjsonrpc.CodeParseError {
				refused++
			}
			if a.Error != nil && a.Error.Code == mcpjsonrpc.CodeInternalError {
				t.Fatalf("an internal error: %s", a.Error.Message)
			}
		}
		if refused != broken {
			t.Fatalf("%d lines were refused, %d are not JSON: %s", refused, broken, show(strings.Join(whole.list, "")))
		}
		if !hasRace(b) {
			if x, y := kinds(got), kinds(answers(t, single.list)); !slices.Equal(x, y) {
				t.Fatalf("whole %q\noctet by octet %q", x, y)
			}
		}
	})
}

// hasRace reports whether an answer may depend on how fast a call is: where calls are
// cancelled, or two of them could have one id.
func hasRace(b []byte) bool {
	calls := false
	for _, name := range []string{"echo", "shelf", "complete"} {
		calls = calls || bytes.Contains(b, []byte(name))
	}
	return bytes.Contains(b, []byte("cancel")) || bytes.Contains(b, []byte(`\u`)) || calls && bytes.Count(b, []byte(`"id"`)) > 1
}

// kinds returns the responses in a fixed order.
func kinds(list []answer) (all []string) {
	for _, a := range list {
		all = append(all, fmt.Sprintf("%s %s %+v", a.ID, a.Result, a.Error != nil))
	}
	slices.Sort(all)
	return all
}
