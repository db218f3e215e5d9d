package mcpjsonrpc_test

import (
	"context"
	"encoding/json"
	"fmt"
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
