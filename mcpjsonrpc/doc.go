// Package mcpjsonrpc serves tools to a language-model client: the Model Context
// Protocol over a pair of streams, one JSON-RPC 2.0 message a line, or over HTTP.
// It knows tools, prompts and resources, and nothing of what they are about.
//
//	s := &mcpjsonrpc.Server{
//		Name:    "clock",
//		Version: "1.0.0",
//		Tools: []mcpjsonrpc.Tool{{
//			Name:        "now",
//			Description: "The time of day.",
//			Annotations: mcpjsonrpc.Annotations{ReadOnly: true},
//			Call: func(ctx context.Context, args json.RawMessage, p mcpjsonrpc.Progress) (mcpjsonrpc.Result, error) {
//				return mcpjsonrpc.Result{Text: time.Now().Format(time.Kitchen)}, nil
//			},
//		}},
//	}
//	err := s.Serve(ctx, os.Stdin, os.Stdout)
//
// Server.Handler is the same over Streamable HTTP, without sessions.
//
// # Revisions
//
// It speaks revision 2026-07-28, where every request names its version in
// _meta, and 2025-11-25, 2025-06-18, 2025-03-26 and 2024-11-05, which begin with
// an initialize handshake. Which rules hold is decided for each message, so both
// kinds may be mixed on one stream in any order, and a second initialize simply
// negotiates again. What a revision does not know is left out of its answers;
// batches are answered in 2025-03-26 alone.
//
// Offered are tools, prompts, resources, templates of resources, and completion
// of the arguments of prompts and templates, each only when the Server has some.
// There are no list-changed notifications, subscriptions, logging, sampling or
// tasks, and the server never sends a request.
//
// # Calls
//
// Reading never waits for a tool: a ping is answered while tools run. Completions,
// and resources that a function reads or lists, run like tools. A few calls run at
// once and a few more wait; the next one is told that the server is busy. A
// cancelled request is never answered. Progress is reported at most four times
// a second, with growing numbers, never as complete, and never within 20 ms
// before the result: a client that handles responses first would otherwise find
// a report for a call it has already closed. At end of input every request that
// was read is still answered.
//
// # Choices
//
// Where the specification leaves a choice: server/discover and error -32022 list
// all five revisions, though a version in _meta must be 2026-07-28. An id that
// belongs to a call not yet answered is refused for any other request (-32600).
// A member arguments that is null counts as absent (an argument in it that is null
// does not: see [Arguments]), and an empty cursor as the first and only page. What a function reads may not be kept by a client; what is fixed may.
// An error result may carry structure or not; a result without error must, if the
// tool has an output schema. A result over 8 MiB is replaced by one that says so.
//
// # Hostile input
//
// No line ends the server. A line over 16 MiB is skipped, not stored; nesting
// costs one octet a level and is refused beyond 200 levels; what is not UTF-8 or
// not JSON is answered with -32700 and the next line is read. A byte order mark
// is accepted at the start of the stream, an empty line and CRLF anywhere. Member
// names are compared exactly, letter case included; a member the protocol reads
// that occurs twice is refused rather than one of them believed. Ids come back
// octet for octet. Notifications and responses are never answered, whatever is
// wrong with them. A panic in a tool becomes error -32603 and a record in
// Log. An error whose id could not be read carries no id member, because
// clients refuse null.
package mcpjsonrpc
