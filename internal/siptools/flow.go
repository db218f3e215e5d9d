package siptools

import (
	"encoding/json"

	"github.com/sipsight/sipsight/internal/flow"
	"github.com/sipsight/sipsight/internal/page"
	"github.com/sipsight/sipsight/internal/report"
	"github.com/sipsight/sipsight/mcpjsonrpc"
)

// MCP Apps: a host that knows this extension shows the page beside the answer of the tool. The
// page is no part of what a model is shown, and needs no tool of its own: it draws what
// explain_call tells, and reads messages with search_messages.
const (
	appExtension = "io.modelcontextprotocol/ui"
	appMIMEType  = "text/html;profile=mcp-app"
	appURI       = "ui://sipsight/call-flow.html"

	// appMeta is the _meta of the tool; the flat key is for hosts of before the extension was
	// stable.
	appMeta = `{"ui":{"resourceUri":"` + appURI + `","visibility":["model","app"]},"ui/resourceUri":"` + appURI + `"}`
)

// appPage is the page. Without csp in its _meta it may load nothing, and it does not.
func appPage(version string) mcpjsonrpc.Resource {
	return mcpjsonrpc.Resource{
		URI: appURI, Name: "call-flow", Title: "A call as a ladder", MIMEType: appMIMEType,
		Description: "The page on which hosts of MCP Apps show what draw_call_flow draws.",
		Text:        page.App(version), Meta: json.RawMessage(`{"ui":{"prefersBorder":true}}`),
	}
}

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
		Meta:        json.RawMessage(appMeta),
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
