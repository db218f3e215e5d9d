package siptools

import (
	"encoding/json"
	"errors"

	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/internal/flow"
	"github.com/sipsight/sipsight/internal/page"
	"github.com/sipsight/sipsight/internal/report"
	"github.com/sipsight/sipsight/mcpjsonrpc"
)

// MCP Apps: a host that knows this extension shows the page beside the answer of the tool. The
// page is no part of what a model is shown, and needs no tool of its own: it asks this one for
// the layout, which it draws, and reads messages with search_messages.
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
// of JSON would cost more and break the drawing. Its page, which has no use for text, asks
// for the layout, and is answered with a structured result.
func drawTool(o *Options, c *cache) mcpjsonrpc.Tool {
	return mcpjsonrpc.Tool{
		Name:  "draw_call_flow",
		Title: "Draw a call flow",
		Description: `Draws one call as a ladder: a column for each host, a row for each message with its frame, time, codecs, retransmissions and findings; calls that a transfer ties to it are on the ladder. format text is for reading, mermaid a sequenceDiagram for showing; layout is for the page of this tool. explain_call has the facts as data.` +
			dataNote,
		InputSchema: object(fileArguments+
			`,"call":{"type":"string","maxLength":1024,"description":"The call: an id of list_calls such as call-3, or a Call-ID."}`+
			`,"format":{"type":"string","enum":["text","mermaid","layout"],"default":"text","description":"How to draw it; limit and cursor are for layout."}`+pagingArguments, "pcap_file", "call"),
		Annotations: readOnly,
		Meta:        json.RawMessage(appMeta),
		Call: onAnalysis(o, c, "draw_call_flow", func(q *query) fromAnalysis {
			var id string
			format := "text"
			q.String("call", &id)
			q.Enum("format", &format, "text", "mermaid", "layout")
			q.paging()
			q.Require("call")
			if format != "layout" && (q.limit > 0 || q.cursor != "") && q.err == nil {
				q.err = errors.New("limit and cursor are for format layout alone: a ladder that is drawn has no pages; leave them out")
			}
			return func(x *examined) (mcpjsonrpc.Result, error) {
				call, err := x.call(id)
				if err != nil {
					return mcpjsonrpc.Result{}, err
				}
				calls := flow.With(&x.res.Calls, call.ID, func(id int) *analysis.Call { return x.res.Calls.At(id - 1) })
				l := flow.New(calls[0], x.found, &flow.Options{Report: report.Options{Files: q.names}}, calls[1:]...)
				if format == "layout" {
					return q.layout(l, call.ID)
				}
				b := flow.AppendWithin(nil, l, format, &flow.TextOptions{Width: 120}, defaultChars)
				return mcpjsonrpc.Result{Text: string(b)}, nil
			}
		}),
	}
}

// layout makes a page of the rows of a ladder. What stands around the rows comes with the
// first page, and takes half of it at most: findings and legs that are too many are left out.
func (q *query) layout(l *flow.Ladder, call int) (mcpjsonrpc.Result, error) {
	if err := q.resume("layout", report.CallName(call)); err != nil {
		return mcpjsonrpc.Result{}, err
	}
	r := &rows{name: "rows", plural: "rows", total: len(l.Rows)}
	if q.from == 0 {
		r.head = layoutHead(l, q.budget()/2)
	}
	r.row = func(i int, short bool) []byte {
		x := l.Line(&l.Rows[i])
		if short {
			x.Hover, x.Remark, x.Marks, x.Repeats = "", "", nil, nil
		}
		b, _ := json.Marshal(x) // it never fails
		return b
	}
	return q.answer(r), nil
}

// layoutHead returns the members of a ladder without its rows, each with its comma, in most
// octets if leaving out findings and legs is enough for that.
func layoutHead(l *flow.Ladder, most int) []byte {
	h := l.Head()
	for {
		b, _ := json.Marshal(h) // it never fails
		if len(b) <= most || len(h.Marks)+len(h.Legend)+len(h.Legs) == 0 {
			return append(b[1:len(b)-1], ',')
		}
		h.Marks, h.Legend, h.Legs = h.Marks[:len(h.Marks)/2], h.Legend[:len(h.Legend)/2], h.Legs[:len(h.Legs)/2]
	}
}
