package siptools

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"sort"
	"strings"

	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/findings"
	"github.com/sipsight/sipsight/internal/clean"
	"github.com/sipsight/sipsight/internal/near"
	"github.com/sipsight/sipsight/internal/report"
	"github.com/sipsight/sipsight/mcpjsonrpc"
)

func summarizeTool(o *Options, c *cache) mcpjsonrpc.Tool {
	return mcpjsonrpc.Tool{
		Name:  "summarize_capture",
		Title: "Summarize a capture",
		Description: `Begin here: what a capture holds (messages, calls by state, registrations, keepalives), what went wrong (findings; failed_calls: calls that went wrong, answered ones among them, by kind with count, the first of each, and where they were sent if to several), its numbers (ASR, NER, post-dial delay, RFC 6076), what could not be read, and what to ask next.` +
			dataNote,
		InputSchema: object(""),
		OutputSchema: json.RawMessage(`{"type":"object","additionalProperties":{},"properties":{"files":{"type":"array","items":{"type":"object"}},"packets":{"type":"integer"},"messages":{"type":"integer"},"requests":{"type":"integer"},"responses":{"type":"integer"},` +
			`"methods":{"type":"object"},"statuses":{"type":"object"},"call_ids":{"type":"integer"},"calls":{"type":"object"},"registrations":{"type":"object"},"subscriptions":{"type":"object"},"keepalives":{"type":"object"},"like_rtp_packets":{"type":"integer"},"streams":{"type":"integer"},"metrics":{"type":"object"},` +
			`"findings":{"type":"object"},"worst_findings":{"type":"array","items":{"type":"object"}},"failed_calls":{"type":"array","items":{"type":"object"}},"failed_calls_left_out":{"type":"integer"},"complete":{"type":"boolean"},"next":{"type":"array","items":{"type":"string"}},"note":{"type":"string"}},` +
			`"required":["files","packets","messages","calls","findings","complete","next"]}`),
		Annotations: readOnly,
		Call: onAnalysis(o, c, "summarize_capture", func(q *query) fromAnalysis {
			return func(x *examined) (mcpjsonrpc.Result, error) {
				x.once.Do(func() { x.summary = summarize(x, q) })
				return mcpjsonrpc.Result{Structured: x.summary}, nil
			}
		}),
	}
}

// summarize makes the summary, and leaves out rows until it fits.
func summarize(x *examined, q *query) []byte {
	kinds := wrongKinds(x.res)
	for n := 6; ; n-- {
		o := report.Options{Files: q.names, Brief: true, MaxFiles: max(n*3, 1)}
		if n < 3 {
			o.MaxText = 60
		}
		b := report.AppendSummary(nil, x.res, x.found, &o)
		b = append(b[:len(b)-1], `,"worst_findings":[`...)
		b = appendWorst(b, x.found, &o, n)
		shown := min(n, len(kinds))
		b = append(b, `],"failed_calls":[`...)
		b = append(appendWrong(b, x.res, kinds[:shown]), ']')
		if left := len(kinds) - shown; left > 0 {
			b = fmt.Appendf(b, `,"failed_calls_left_out":%d`, left)
		}
		b = append(b, `,"next":[`...)
		for i, s := range nextQuestions(x) {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendString(b, s)
		}
		b = append(b, ']')
		notes := q.notes()
		if x.res.Statistics.Messages == 0 {
			notes = append(notes, report.NoSIP(x.res))
		}
		b = append(appendNote(b, notes), '}')
		if len(b) <= defaultChars || n == 0 {
			return b
		}
	}
}

// appendWorst appends the worst findings, one of each id.
func appendWorst(b []byte, found []*findings.Finding, o *report.Options, most int) []byte {
	seen := map[string]bool{}
	for _, f := range found {
		if f.Severity == findings.Note || seen[f.ID] || len(seen) == most {
			continue
		}
		if len(seen) > 0 {
			b = append(b, ',')
		}
		seen[f.ID] = true
		b = report.Findings.AppendBrief(b, o, f)
	}
	return b
}

// wentWrong reports whether a call went wrong: it failed, was abandoned, or a finding says why it
// did not become what it should.
func wentWrong(c *analysis.Call) bool { return failed(c) || c.Because != "" }

func failed(c *analysis.Call) bool {
	s := c.First().State
	return s == analysis.StateFailed || s == analysis.StateAbandoned
}

// A wrongKind is the calls that went wrong in one way.
type wrongKind struct {
	why   string
	first int // ID of the first call
	count int
	sent  map[netip.AddrPort]int // calls by where their first hop ends
}

// wrongKinds counts the calls that went wrong, by how they did, the commonest way first.
func wrongKinds(res *analysis.Result) (list []*wrongKind) {
	for head := range res.Calls.Heads() {
		if !wentWrong(head) {
			continue
		}
		l := head.First()
		why := fmt.Sprint(l.State, l.FinalStatus, head.Because != "")
		if head.Beside {
			why = head.Findings[0]
		}
		i := slices.IndexFunc(list, func(x *wrongKind) bool { return x.why == why })
		if i < 0 {
			i, list = len(list), append(list, &wrongKind{why: why, first: head.ID, sent: map[netip.AddrPort]int{}})
		}
		list[i].count++
		if to := l.Destination; to.IsValid() {
			list[i].sent[netip.AddrPortFrom(to.Addr().Unmap(), to.Port())]++
		}
	}
	sort.SliceStable(list, func(i, k int) bool { return list[i].count > list[k].count })
	return list
}

// maxSent bounds the destinations that are named of one kind.
const maxSent = 4

// appendSent appends where the calls of a kind were sent, the most frequent first, unless that is
// what the verdict of the first says of all.
func (k *wrongKind) appendSent(b []byte) []byte {
	if len(k.sent) < 2 {
		return b
	}
	var list []netip.AddrPort
	for a := range k.sent {
		list = append(list, a)
	}
	sort.Slice(list, func(i, j int) bool {
		return cmp.Or(k.sent[list[j]]-k.sent[list[i]], list[i].Compare(list[j])) < 0
	})
	b = append(b, `,"destinations":[`...)
	for i, a := range list[:min(len(list), maxSent)] {
		if i > 0 {
			b = append(b, ',')
		}
		b = fmt.Appendf(b, `{"destination":"%v","count":%d}`, a, k.sent[a])
	}
	b = append(b, ']')
	if left := len(list) - maxSent; left > 0 {
		b = fmt.Appendf(b, `,"destinations_left_out":%d`, left)
	}
	return b
}

// appendWrong appends the calls that went wrong: of each kind how many, the first, and where they
// were sent.
func appendWrong(b []byte, res *analysis.Result, kinds []*wrongKind) []byte {
	for i, k := range kinds {
		if i > 0 {
			b = append(b, ',')
		}
		c := res.Calls.At(k.first - 1)
		l := c.First()
		b = fmt.Appendf(b, `{"id":"%s","count":%d,"state":"%s"`, report.CallID(c), k.count, l.State)
		if l.FinalStatus != 0 {
			b = fmt.Appendf(b, `,"final_status":%d`, l.FinalStatus)
		}
		b = append(b, `,"verdict":`...)
		b = appendString(b, c.Verdict())
		if l.Cause != "" {
			b = append(b, `,"release_cause":`...)
			b = appendString(b, clean.Text(string(clean.AppendURIs(nil, []byte(l.Cause)))))
		}
		b = append(k.appendSent(b), '}')
	}
	return b
}

// nextQuestions says which tools to call next, and why.
func nextQuestions(x *examined) (list []string) {
	res := x.res
	if res.Statistics.Messages == 0 {
		list = []string{"capture_info: what the capture holds in place of SIP"}
		if len(res.AllStreams()) > 0 {
			list = append(list, "analyze_media: streams of media")
		}
		return list
	}
	var worst *findings.Finding
	for _, f := range x.found {
		if f.Severity > findings.Note {
			worst = f
			break
		}
	}
	states := &res.Overview().States
	first, wrong := 0, states[analysis.StateFailed]+states[analysis.StateAbandoned]
	for c := range res.Calls.Heads() {
		if wentWrong(c) {
			first = c.ID
			break
		}
	}
	if worst != nil {
		list = append(list, "list_findings with severity warning: each error and warning with its proof")
	}
	switch {
	case worst != nil && worst.Call != 0:
		list = append(list, fmt.Sprintf("explain_call call-%d: it has the worst finding, %s", worst.Call, worst.ID))
	case first != 0:
		list = append(list, fmt.Sprintf("explain_call call-%d: the first that went wrong", first))
	}
	// What is named is taken as it stands: state has one word.
	ways := "state failed"
	switch wrong {
	case states[analysis.StateFailed]:
	case states[analysis.StateAbandoned]:
		ways = "state abandoned"
	default:
		ways = `filter call.state in {"failed", "abandoned"}`
	}
	switch {
	case wrong > 0:
		list = append(list, fmt.Sprintf("list_calls with %s: %d of %d calls", ways, wrong, res.Calls.Len()))
	case res.Calls.Len() > 0:
		list = append(list, "list_calls: the calls one by one")
	}
	if res.Registrations.Len() > 0 {
		list = append(list, "list_registrations: who registers, from where, with what outcome")
	}
	if n := len(res.AllStreams()); n > 0 {
		list = append(list, fmt.Sprintf("analyze_media: streams of media, their quality and direction; there are %d", n))
	}
	return append(list, "search_messages: single messages by filter or text")
}

func infoTool(o *Options, c *cache) mcpjsonrpc.Tool {
	return mcpjsonrpc.Tool{
		Name:  "capture_info",
		Title: "Capture information",
		Description: `Tells about the capture itself: format, interfaces, link types, packets, times, rates, protocols, copies, tunnels, encrypted SIP flows, damage and what was odd on the wire.` +
			dataNote,
		InputSchema:  object(""),
		OutputSchema: json.RawMessage(`{"type":"object","properties":{"files":{"type":"array","items":{"type":"object","additionalProperties":{},"properties":{"file":{"type":"string"},"format":{"type":"string"},"packets":{"type":"integer"},"complete":{"type":"boolean"},"error":{"type":"string"}},"required":["file","complete"]}},"note":{"type":"string"},"complete":{"type":"boolean"}},"required":["files"]}`),
		Annotations:  readOnly,
		Call: onAnalysis(o, c, "capture_info", func(q *query) fromAnalysis {
			return func(x *examined) (mcpjsonrpc.Result, error) {
				return mcpjsonrpc.Result{Structured: captureInfo(x, q)}, nil
			}
		}),
	}
}

// captureInfo lists as many files as fit, the first with as many interfaces and comments, and the
// rest by number.
func captureInfo(x *examined, q *query) []byte {
	b := append(q.appendComplete([]byte{'{'}), `"files":[`...)
	notes := q.notes()
	size := len(appendNote(nil, notes)) + 300 // of notes to come
	for i := range x.res.Files {
		one, cut := report.AppendInfoWithin(nil, &x.res.Files[i], defaultChars-len(b)-size)
		if i > 0 && (cut || len(b)+size+len(one) > defaultChars) || len(one) > maxChars-len(b)-size {
			notes = append(notes, fmt.Sprintf("%d of %d files are described; ask for the others by themselves.", i, len(x.res.Files)))
			break
		}
		if cut {
			notes = append(notes, "Not all interfaces and comments of the first file fit: the busiest interfaces and the first comments are listed, and the others counted. The command sipsight info has more of them.")
		}
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, one...)
	}
	return append(appendNote(append(b, ']'), notes), '}')
}

// nearest names the nearest of names, "" if none is near.
func nearest(name string, names []string) string {
	i := slices.IndexFunc(names, func(n string) bool { return len(name) > 2 && strings.HasPrefix(n, strings.ToLower(name)) })
	best := near.Of(name, names)
	if i >= 0 {
		best = names[i]
	}
	if best == "" {
		return "; list_findings without id lists what there is"
	}
	return "; did you mean " + best + "?"
}
