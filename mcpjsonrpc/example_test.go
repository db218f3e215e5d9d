package mcpjsonrpc_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"

	"github.com/sipsight/sipsight/mcpjsonrpc"
)

// A server with one tool, and a client that asks for it by the oldest and by
// the newest rules.
func Example() {
	s := &mcpjsonrpc.Server{
		Name:    "words",
		Version: "1.0.0",
		Tools: []mcpjsonrpc.Tool{{
			Name:         "count_words",
			Description:  "Counts the words of a text.",
			InputSchema:  json.RawMessage(`{"type":"object","properties":{"text":{"type":"string"}},"required":["text"],"additionalProperties":false}`),
			OutputSchema: json.RawMessage(`{"type":"object","properties":{"words":{"type":"integer"}},"required":["words"]}`),
			Annotations:  mcpjsonrpc.Annotations{ReadOnly: true, Idempotent: true},
			Call: func(ctx context.Context, args json.RawMessage, p mcpjsonrpc.Progress) (mcpjsonrpc.Result, error) {
				var text string
				a := mcpjsonrpc.ParseArguments(args)
				a.String("text", &text)
				a.Require("text")
				if err := a.Err(); err != nil {
					return mcpjsonrpc.Result{}, err
				}
				return mcpjsonrpc.Result{Structured: fmt.Appendf(nil, `{"words": %d}`, len(strings.Fields(text)))}, nil
			},
		}},
		MaxConcurrent: 1,
	}
	client := strings.NewReader(`
{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2024-11-05"}}
{"jsonrpc":"2.0","id":2,"method":"ping"}
{"jsonrpc":"2.0","id":3,"method":"tools/call","params":{"name":"count_words","arguments":{"text":"to be or not to be"}}}
`)
	if err := s.Serve(context.Background(), client, os.Stdout); err != nil {
		fmt.Println(err)
	}
	client = strings.NewReader(`
{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"count_words","arguments":{"txt":"to be"},"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}}}
`)
	if err := s.Serve(context.Background(), client, os.Stdout); err != nil {
		fmt.Println(err)
	}
	// Output:
	// {"jsonrpc":"2.0","id":1,"result":{"protocolVersion":"2024-11-05","capabilities":{"tools":{"listChanged":false}},"serverInfo":{"name":"words","version":"1.0.0"}}}
	// {"jsonrpc":"2.0","id":2,"result":{}}
	// {"jsonrpc":"2.0","id":3,"result":{"content":[{"type":"text","text":"{\"words\":6}"}]}}
	// {"jsonrpc":"2.0","id":1,"result":{"resultType":"complete","content":[{"type":"text","text":"argument \"text\" is missing\nunknown argument \"txt\"; did you mean \"text\"?"}],"isError":true,"_meta":{"io.modelcontextprotocol/serverInfo":{"name":"words","version":"1.0.0"}}}}
}

// A call that takes long: it says how far it has come, and returns when it is cancelled.
func ExampleProgress() {
	s := &mcpjsonrpc.Server{Name: "files", Version: "1.0.0", Tools: []mcpjsonrpc.Tool{{
		Name:        "read_files",
		Description: "Reads files, one after the other.",
		InputSchema: json.RawMessage(`{"type":"object","properties":{"count":{"type":"integer"}},"additionalProperties":false}`),
		Call: func(ctx context.Context, args json.RawMessage, p mcpjsonrpc.Progress) (mcpjsonrpc.Result, error) {
			count := 3 // the default
			a := mcpjsonrpc.ParseArguments(args)
			a.Int("count", &count, 1, 100)
			if err := a.Err(); err != nil {
				return mcpjsonrpc.Result{}, err
			}
			for i := range count {
				if err := ctx.Err(); err != nil {
					return mcpjsonrpc.Result{}, err
				}
				p(int64(i), int64(count), "reading")
			}
			return mcpjsonrpc.Result{Text: fmt.Sprint(count, " files were read")}, nil
		},
	}}}
	client := strings.NewReader(`
{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18"}}
{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"read_files","arguments":{"count":2}}}
`)
	if err := s.Serve(context.Background(), client, os.Stdout); err != nil {
		fmt.Println(err)
	}
	// Output:
	// {"jsonrpc":"2.0","id":1,"result":{"protocolVersion":"2025-06-18","capabilities":{"tools":{"listChanged":false}},"serverInfo":{"name":"files","version":"1.0.0"}}}
	// {"jsonrpc":"2.0","id":2,"result":{"content":[{"type":"text","text":"2 files were read"}]}}
}

// The same over HTTP. Without a token, only clients on this machine are served.
func ExampleServer_Handler() {
	s := &mcpjsonrpc.Server{Name: "clock", Version: "1.0.0"}
	h, err := s.Handler(mcpjsonrpc.HTTPOptions{})
	if err != nil {
		log.Fatal(err)
	}
	server := httptest.NewServer(h) // elsewhere &http.Server{Addr: "127.0.0.1:8080", Handler: h, ReadHeaderTimeout: 10 * time.Second}
	defer server.Close()
	r, err := http.Post(server.URL, "application/json", strings.NewReader(`{"jsonrpc":"2.0","id":1,"method":"ping"}`))
	if err != nil {
		log.Fatal(err)
	}
	defer r.Body.Close()
	io.Copy(os.Stdout, r.Body)
	// Output: {"jsonrpc":"2.0","id":1,"result":{}}
}
