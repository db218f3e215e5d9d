// Command toy serves, over Streamable HTTP on a free port of loopback, what the conformance
// suite asks servers for under names of its own: tools, prompts and resources that show the
// protocol layer at work. It writes its address to stderr and ends with its input.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/sipsight/sipsight/mcpjsonrpc"
)

func main() {
	if err := serve(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func serve() error {
	h, err := server().Handler(mcpjsonrpc.HTTPOptions{})
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	go http.Serve(l, h)
	fmt.Fprintf(os.Stderr, "toy: serving MCP at http://%s/mcp\n", l.Addr())
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

func server() *mcpjsonrpc.Server {
	return &mcpjsonrpc.Server{
		Name:    "toy",
		Version: "1",
		Tools: []mcpjsonrpc.Tool{
			{Name: "test_simple_text", Description: "Says something.", Call: say("This is a simple text response for testing.")},
			{Name: "test_error_handling", Description: "Fails.", Call: fail},
			{Name: "test_tool_with_progress", Description: "Takes its time.", Call: wait},
			{
				Name:        "json_schema_2020_12_tool",
				Description: "Has a schema of its own kind.",
				InputSchema: json.RawMessage(schema2020),
				Call:        say("ok"),
			},
		},
		Prompts: []mcpjsonrpc.Prompt{
			{Name: "test_simple_prompt", Description: "Has no arguments.", Get: func(map[string]string) ([]mcpjsonrpc.PromptMessage, error) {
				return []mcpjsonrpc.PromptMessage{{Text: "This is a simple prompt for testing."}}, nil
			}},
			{
				Name:        "test_prompt_with_arguments",
				Description: "Has two.",
				Arguments: []mcpjsonrpc.PromptArgument{
					{Name: "arg1", Description: "the first", Required: true, Complete: func(context.Context, string, map[string]string) []string {
						return []string{"paris", "park", "party"}
					}},
					{Name: "arg2", Description: "the second", Required: true},
				},
				Get: func(args map[string]string) ([]mcpjsonrpc.PromptMessage, error) {
					return []mcpjsonrpc.PromptMessage{{Text: fmt.Sprintf("Prompt with arguments: arg1='%s', arg2='%s'", args["arg1"], args["arg2"])}}, nil
				},
			},
		},
		Resources: []mcpjsonrpc.Resource{
			{URI: "test://static-text", Name: "text", Description: "A fixed text.", MIMEType: "text/plain", Text: "This is the content of the static text resource."},
			{
				URI: "test://static-binary", Name: "binary", Description: "The beginning of an image.", MIMEType: "image/png",
				Read: func(context.Context, mcpjsonrpc.Progress) (mcpjsonrpc.ResourceContent, error) {
					return mcpjsonrpc.ResourceContent{Blob: []byte("\x89PNG\r\n\x1a\n")}, nil
				},
			},
		},
		Templates: []mcpjsonrpc.ResourceTemplate{{
			URITemplate: "test://template/{id}/data",
			Name:        "data",
			Description: "A family of resources.",
			MIMEType:    "application/json",
			Read: func(_ context.Context, _ string, vars map[string]string, _ mcpjsonrpc.Progress) (mcpjsonrpc.ResourceContent, error) {
				b, err := json.Marshal(map[string]any{"id": vars["id"], "templateTest": true, "data": "Data for ID: " + vars["id"]})
				return mcpjsonrpc.ResourceContent{Text: string(b)}, err
			},
		}},
	}
}

func say(text string) func(context.Context, json.RawMessage, mcpjsonrpc.Progress) (mcpjsonrpc.Result, error) {
	return func(context.Context, json.RawMessage, mcpjsonrpc.Progress) (mcpjsonrpc.Result, error) {
		return mcpjsonrpc.Result{Text: text}, nil
	}
}

func fail(context.Context, json.RawMessage, mcpjsonrpc.Progress) (mcpjsonrpc.Result, error) {
	return mcpjsonrpc.Result{}, errors.New("this tool fails for the sake of testing")
}

// wait reports three times, as far apart as reports are let through.
func wait(ctx context.Context, _ json.RawMessage, p mcpjsonrpc.Progress) (mcpjsonrpc.Result, error) {
	for _, done := range []int64{0, 50, 99} {
		select {
		case <-time.After(300 * time.Millisecond):
			p(done, 100, "waiting")
		case <-ctx.Done():
			return mcpjsonrpc.Result{}, ctx.Err()
		}
	}
	return mcpjsonrpc.Result{Text: "done"}, nil
}

// schema2020 has the keywords of JSON Schema 2020-12 that have to survive.
const schema2020 = `{
	"$schema": "https://json-schema.org/draft/2020-12/schema",
	"type": "object",
	"$defs": {"address": {"$anchor": "addressDef", "type": "object", "properties": {"street": {"type": "string"}, "city": {"type": "string"}}}},
	"properties": {"name": {"type": "string"}, "address": {"$ref": "#/$defs/address"}, "contactMethod": {"type": "string", "enum": ["phone", "email"]}, "phone": {"type": "string"}, "email": {"type": "string"}},
	"allOf": [{"anyOf": [{"required": ["phone"]}, {"required": ["email"]}]}],
	"if": {"properties": {"contactMethod": {"const": "phone"}}, "required": ["contactMethod"]},
	"then": {"required": ["phone"]},
	"else": {"required": ["email"]},
	"additionalProperties": false
}`
