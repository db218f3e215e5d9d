package siptools

import (
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
		Call: onAnalysis(o, c, "draw_call_flow", func(q *query) fromAnalysis {
			var id string
			format := "text"
			q.String("call", &id)
			q.Enum("format", &format, "text", "mermaid")
			q.Require("call")
			return func(x *examined) (mcpjsonrpc.Result, error) {
				call, err := x.call(id)
				if err != nil {
					return mcpjsonrpc.Result{}, err
				}
				l := flow.New(call, x.found, &flow.Options{Report: report.Options{Files: q.names}})
				b := flow.AppendWithin(nil, l, format, &flow.TextOptions{Width: 120}, defaultChars)
				return mcpjsonrpc.Result{Text: string(b)}, nil
			}
		}),
	}
}
