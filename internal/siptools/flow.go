package siptools

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/sipsight/sipsight/internal/flow"
	"github.com/sipsight/sipsight/internal/report"
	"github.com/sipsight/sipsight/mcpjsonrpc"
)

// drawTool draws a ladder. It has no output schema: the text is the answer, and text inside
// of JSON would cost more and break the drawing.
func drawTool(o *Options, c *cache) mcpjsonrpc.Tool {
	return mcpjsonrpc.Tool{
		Name:  "draw_call_flow",
		Title: "Draw a call flow",
		Description: `Draws one call as a ladder: a column for each host, a row for each message with its frame, time, codecs, retransmissions and findings. format text is for reading, mermaid a sequenceDiagram for showing. explain_call has the facts as data.` +
			dataNote,
		InputSchema: object(fileArguments+
			`,"call":{"type":"string","maxLength":1024,"description":"The call: an id of list_calls such as call-3, or a Call-ID."}`+
			`,"format":{"type":"string","enum":["text","mermaid"],"default":"text","description":"How to draw it."}`, "pcap_file", "call"),
		Annotations: readOnly,
		Call: func(ctx context.Context, args json.RawMessage, p mcpjsonrpc.Progress) (mcpjsonrpc.Result, error) {
			var q query
			var id string
			format := "text"
			a, done := arguments(args, &q)
			a.String("call", &id)
			a.Enum("format", &format, "text", "mermaid")
			a.Require("call")
			if err := done(); err != nil {
				return mcpjsonrpc.Result{}, err
			}
			x, err := c.examine(ctx, q.names, o, p)
			if err != nil {
				return openFailure(q.names, err)
			}
			call := x.res.Find(id)
			if call == nil {
				return mcpjsonrpc.Result{}, errors.New(noSuchCall(x.res, id))
			}
			l := flow.New(call, x.found, &flow.Options{Report: report.Options{Files: q.names}})
			b := flow.AppendWithin(nil, l, format, &flow.TextOptions{Width: 120}, defaultChars)
			return mcpjsonrpc.Result{Text: string(b)}, nil
		},
	}
}
