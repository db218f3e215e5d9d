package siptools

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/internal/flow"
	"github.com/sipsight/sipsight/internal/page"
	"github.com/sipsight/sipsight/internal/report"
	"github.com/sipsight/sipsight/mcpjsonrpc"
)

// MCP Apps: a host that knows this extension shows the page beside the answer of the tool. The
// page is no part of what a model is shown, and needs no tool of its own: it asks explain_call
// for the ladder, which it draws, and reads messages with search_messages.
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
		Description: `Draws one call as a ladder: a column for each host, a row for each message with its frame, time, codecs, retransmissions and findings; calls that a transfer ties to it are on the ladder. format text is for reading, mermaid a sequenceDiagram for showing. explain_call has the facts as data.` +
			dataNote,
		InputSchema: object(`,"call":{"type":"string","maxLength":1024,"description":"The call: an id of list_calls such as call-3, or a Call-ID."}`+
			`,"format":{"type":"string","enum":["text","mermaid"],"default":"text","description":"How to draw it."}`, "call"),
		Annotations: readOnly,
		Meta:        json.RawMessage(appMeta),
		Call: onAnalysis(o, c, "draw_call_flow", func(q *query) fromAnalysis {
			var id string
			format := "text"
			q.String("call", &id)
			q.Enum("format", &format, "text", "mermaid")
			q.Require("call")
			return func(x *examined) (mcpjsonrpc.Result, error) {
				call, err := q.call(x, id)
				if err != nil {
					return mcpjsonrpc.Result{}, err
				}
				l, _ := q.ladder(x, call)
				l.Rest = ": search_messages lists them by its Call-ID, explain_call with detail full tells the first and the last"
				note := ladderNote(format, strings.Join(q.notes(), " "))
				width := max(120, 40+13*len(l.Columns)) // of many hosts as well what messages are is whole
				b := flow.AppendWithin(nil, l, format, &flow.TextOptions{Width: width}, defaultChars-len(note))
				return mcpjsonrpc.Result{Text: string(b) + note}, nil
			}
		}),
	}
}

// ladderNote says what is missing from what a drawing was made of, as a line below it: a comment
// in the language of the drawing, if that has one.
func ladderNote(format, missing string) string {
	switch {
	case missing == "":
		return ""
	case format == "mermaid":
		return "%% " + missing + "\n"
	}
	return "\n" + missing + "\n"
}

// ladder lays out a call, with those that a transfer ties to it, and returns the first of them.
func (q *query) ladder(x *examined, call *analysis.Call) (*flow.Ladder, *analysis.Call) {
	calls := flow.With(&x.res.Calls, call.ID, func(id int) *analysis.Call { return x.res.Calls.At(id - 1) })
	return flow.New(calls[0], x.found, &flow.Options{Report: report.Options{Files: q.names}}, calls[1:]...), calls[0]
}

// layout answers with the rows of the ladder of a call from one on, as many as fit, for the page.
// What stands around the rows comes with the first of them, and takes half of the answer at most:
// findings and legs that are too many are left out.
func (q *query) layout(x *examined, call *analysis.Call, from int) (mcpjsonrpc.Result, error) {
	l, first := q.ladder(x, call)
	if from > 0 && from >= len(l.Rows) {
		return mcpjsonrpc.Result{}, fmt.Errorf("the ladder has %d rows: there is none behind them", len(l.Rows))
	}
	h := l.Head()
	if from > 0 {
		h = &flow.Head{ID: h.ID, Verdict: h.Verdict}
	}
	b := append(q.appendComplete([]byte{'{'}), layoutHead(h, maxChars/2)...)
	b = append(b, `"state":`...)
	b = appendString(b, first.First().State.String())
	b = appendNote(b, q.notes())
	b = fmt.Appendf(b, `,"timeline":[],"findings":[],"total":%d,"rows":[`, len(l.Rows))
	i := from
	for ; i < len(l.Rows); i++ {
		row := layoutRow(l, i, false)
		if len(b)+len(row)+len(`,],"next_row":1234567890}`) > maxChars {
			if i > from {
				break
			}
			row = layoutRow(l, i, true)
		}
		if i > from {
			b = append(b, ',')
		}
		b = append(b, row...)
	}
	if b = append(b, ']'); i < len(l.Rows) {
		b = fmt.Appendf(b, `,"next_row":%d`, i)
	}
	return mcpjsonrpc.Result{Structured: append(b, '}')}, nil
}

// layoutRow returns a row of a ladder; short leaves out what is not drawn in it.
func layoutRow(l *flow.Ladder, i int, short bool) []byte {
	x := l.Line(&l.Rows[i])
	if short {
		x.Hover, x.Remark, x.Marks, x.Repeats = "", "", nil, nil
	}
	b, _ := json.Marshal(x) // it never fails
	return b
}

// layoutHead returns the members of a ladder without its rows, each with its comma, in most
// octets if leaving out findings and legs is enough for that.
func layoutHead(h *flow.Head, most int) []byte {
	for {
		b, _ := json.Marshal(h) // it never fails
		if len(b) <= most || len(h.Marks)+len(h.Legend)+len(h.Legs) == 0 {
			return append(b[1:len(b)-1], ',')
		}
		h.Marks, h.Legend, h.Legs = h.Marks[:len(h.Marks)/2], h.Legend[:len(h.Legend)/2], h.Legs[:len(h.Legs)/2]
	}
}
