package siptools

import (
	"encoding/json"
	"fmt"

	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/findings"
	"github.com/sipsight/sipsight/internal/filter"
	"github.com/sipsight/sipsight/internal/report"
	"github.com/sipsight/sipsight/mcpjsonrpc"
)

func analyzeMediaTool(o *Options, c *cache) mcpjsonrpc.Tool {
	return mcpjsonrpc.Tool{
		Name:  "analyze_media",
		Title: "Analyze media",
		Description: `Lists RTP streams in the order in which they began: addresses, codec, packets, loss, jitter, estimated MOS, the call and the side that sent it, UDPTL of faxes (T.38) among them; and what is wrong with media (one-way audio, no audio, wrong addresses, late or cut). With call, only its streams, in full with RTCP, and its sessions of T.38, MSRP and BFCP. Figures are those of the capture point.` +
			dataNote,
		InputSchema: listing(`,"filter":{"type":"string","maxLength":4096,"description":"An expression over the keys of the rows under stream.","examples":["stream.loss_percent > 1 or stream.mos < 3.5","stream.source_ip == 192.0.2.7"]}` +
			`,"call":{"type":"string","maxLength":1024,"description":"Only streams of this call: call-3, or a Call-ID."}`),
		OutputSchema: json.RawMessage(`{"type":"object","properties":{"total":{"type":"integer"},"returned":{"type":"integer"},"rtp_packets":{"type":"integer"},"rtcp_packets":{"type":"integer"},"without_call":{"type":"integer"},"udptl_packets":{"type":"integer"},"sessions":{"type":"array","items":{"type":"object"}},` +
			`"problems":{"type":"array","items":{"type":"object","properties":{"id":{"type":"string"},"severity":{"type":"string"},"count":{"type":"integer"}},"required":["id","severity","count"]}},` +
			`"streams":{"type":"array","items":{"type":"object","additionalProperties":{},"properties":{"ssrc":{"type":"string"},"codec":{"type":"string"},"packets":{"type":"integer"},"lost":{"type":"integer"},"loss_percent":{"type":"number"},"mean_jitter_ms":{"type":"number"},"mos":{"type":"number"},"call":{"type":"string"},"sent_by":{"type":"string"}},"required":["packets","lost"]}},` +
			`"next_cursor":{"type":"string"},"note":{"type":"string"},"complete":{"type":"boolean"}},"required":["total","returned","streams","problems"]}`),
		Annotations: readOnly,
		Call: onAnalysis(o, c, "analyze_media", func(q *query) fromAnalysis {
			var id string
			q.String("call", &id)
			expr, f := filterArgument(q, report.Streams.Filters(&report.Options{Files: q.names}), "stream.start")
			q.Instead("give filter, such as stream.ssrc == 0x1f2e3d4c", "stream", "ssrc")
			q.paging()
			return func(x *examined) (mcpjsonrpc.Result, error) {
				number, err := q.number(x, id)
				if err == nil {
					err = q.resume(id, expr)
				}
				if err != nil {
					return mcpjsonrpc.Result{}, err
				}
				return listStreams(q, x, number, f, noMedia(o, x.res, number)), nil
			}
		}),
	}
}

// listStreams makes a page of the streams of a call, 0 for all calls, that satisfy a filter, nil for
// none. empty is the note where there are none before the filter.
func listStreams(q *query, x *examined, call int, f *filter.Filter[*analysis.Stream], empty string) mcpjsonrpc.Result {
	var list []*analysis.Stream
	all, alone := 0, 0
	for _, s := range x.res.AllStreams() {
		if s.Call == 0 {
			alone++
		}
		if call != 0 && s.Call != call {
			continue
		}
		if all++; f == nil || f.Match(s) {
			list = append(list, s)
		}
	}
	if all > 0 {
		empty = "No stream is like that; leave out filter to see all."
	}
	head := problems(x.found, call)
	switch {
	case call != 0:
		head = append(append(append([]byte(`"sessions":`), report.AppendSessions(nil, &report.Options{Files: q.names}, x.res.Calls.At(call-1))...), ','), head...)
	default:
		if n := x.res.Datagrams.UDPTL; n > 0 {
			head = fmt.Appendf(nil, `"udptl_packets":%d,%s`, n, head)
		}
		head = fmt.Appendf(nil, `"rtp_packets":%d,"rtcp_packets":%d,"without_call":%d,%s`, x.res.Datagrams.RTP, x.res.Datagrams.RTCP, alone, head)
	}
	ro := report.Options{Files: q.names}
	r := rows{
		name: "streams", plural: "streams", total: len(list), all: all, head: head, hint: ", filter or call for fewer", empty: empty,
		row: func(i int, short bool) []byte {
			s := ro
			switch {
			case short:
				s.MaxText = 60
			case call != 0:
				return report.Streams.AppendJSON(nil, &s, list[i], false)
			}
			return report.Streams.AppendBrief(nil, &s, list[i])
		},
	}
	if call == 0 { // those of a call are whole on any page
		r.whole = func(i int) []byte { return report.Streams.AppendJSON(nil, &ro, list[i], false) }
		r.rest = "Rows are short; with call they are whole."
	}
	return q.answer(&r)
}

// noMedia says why a list of streams is empty, and what to ask next.
func noMedia(o *Options, res *analysis.Result, call int) string {
	switch {
	case o.NoMedia:
		return "This server does not measure media (--no-media)."
	case call != 0 && len(res.Streams) > 0:
		return "The capture holds no RTP of this call; explain_call tells where its session descriptions want to be sent what."
	}
	return report.NoStreams(res)
}

// problems writes what is wrong with media, the worst first: each id with how many calls it is
// true of; list_findings has the proof.
func problems(found []*findings.Finding, call int) []byte {
	b := []byte(`"problems":[`)
	type problem struct {
		id string
		s  findings.Severity
		n  int
	}
	var list []problem
	of := found
	if call != 0 {
		of = findings.Singly(found)
	}
next:
	for _, f := range of {
		if !f.IsMedia() || call != 0 && f.Call != call {
			continue
		}
		calls := 1
		if call == 0 {
			calls = max(f.Count, 1)
		}
		for i := range list {
			if list[i].id == f.ID && list[i].s == f.Severity {
				list[i].n += calls
				continue next
			}
		}
		list = append(list, problem{f.ID, f.Severity, calls})
	}
	for i, x := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = fmt.Appendf(b, `{"id":"%s","severity":"%s","count":%d}`, x.id, x.s, x.n)
	}
	return append(b, "],"...)
}
