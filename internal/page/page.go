package page

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/findings"
	"github.com/sipsight/sipsight/internal/clean"
	"github.com/sipsight/sipsight/internal/flow"
	"github.com/sipsight/sipsight/internal/report"
)

const (
	// maxRows bounds the calls in the table, maxFindings the findings and
	// maxRegistrations the registrations: more make a file that no browser likes.
	maxRows          = 100_000
	maxFindings      = 5_000
	maxRegistrations = 20_000

	// maxLadder bounds the rows of one ladder.
	maxLadder = 500
)

// DefaultCalls is how many calls are shown in full where nobody says.
const DefaultCalls = 200

// A Report is what a page is made of.
type Report struct {
	Version string
	Result  *analysis.Result
	Found   []*findings.Finding
	Full    []*analysis.Call // shown in full: with their messages, for which the analysis was asked
	Texts   *Texts           // their messages whole
	Options flow.Options     // how ladders are laid out
}

//go:embed page.html
var skeleton string

// theme is the style that the report shares with the page of an MCP App.
//
//go:embed theme.css
var theme string

//go:embed page.css
var style string

// The script is one function, made of these files in this order.
var (
	//go:embed dom.js
	scriptDOM string
	//go:embed charts.js
	scriptCharts string
	//go:embed ladder.js
	scriptLadder string
	//go:embed call.js
	scriptCall string
	//go:embed table.js
	scriptTable string
	//go:embed lists.js
	scriptLists string
	//go:embed main.js
	scriptMain string
)

// wrap makes one function of scripts, so that they share their names with nobody else.
func wrap(scripts ...string) string {
	return "'use strict';\n(() => {\n" + strings.Join(scripts, "") + "})();\n"
}

// policy is a content security policy that allows a script and styles by what they are, and
// nothing else.
func policy(script string, styles ...string) string {
	b := "default-src 'none'; script-src '" + flow.HashSource(script) + "'; style-src"
	for _, s := range styles {
		b += " '" + flow.HashSource(s) + "'"
	}
	return b + "; img-src data:; base-uri 'none'; form-action 'none'"
}

// Write writes the page.
func Write(to io.Writer, r *Report) error {
	w := &writer{to: to, r: r, o: r.Options, full: make(map[int]*analysis.Call, len(r.Full)), of: flow.NewFound(r.Found)}
	for _, c := range r.Full {
		w.full[c.ID] = c
	}
	if w.o.MaxRows == 0 {
		w.o.MaxRows = maxLadder
	}
	if r.Texts == nil {
		r.Texts = new(Texts)
	}
	js := wrap(scriptDOM, scriptCharts, scriptLadder, scriptCall, scriptTable, scriptLists, scriptMain)
	css := flow.Style() + theme + style
	before, after, ok := strings.Cut(skeleton, "{{data}}")
	if !ok {
		return fmt.Errorf("page: the skeleton has no place for data")
	}
	fill := strings.NewReplacer(
		"{{policy}}", policy(js, css),
		"{{style}}", css, "{{script}}", js,
	)
	w.string(fill.Replace(before))
	w.data()
	w.string(fill.Replace(after))
	return w.err
}

// A writer writes one page, and keeps the first error.
type writer struct {
	to   io.Writer
	r    *Report
	full map[int]*analysis.Call // those of Report.Full, by ID
	of   *flow.Found
	o    flow.Options
	buf  bytes.Buffer
	err  error
}

func (w *writer) string(s string) {
	if w.err == nil {
		_, w.err = io.WriteString(w.to, s)
	}
}

// json writes JSON that may stand in an element of HTML: <, >, & and the line separators of
// JavaScript stand in strings alone, and are escaped there.
func (w *writer) json(b []byte) {
	w.buf.Reset()
	json.HTMLEscape(&w.buf, b)
	if w.err == nil {
		_, w.err = w.to.Write(w.buf.Bytes())
	}
}

// value writes a value of ours.
func (w *writer) value(v any) {
	b, err := json.Marshal(v)
	if w.err == nil {
		w.err = err
	}
	w.json(b)
}

// data writes the block of data.
func (w *writer) data() {
	res, o := w.r.Result, &w.o.Report
	found := w.r.Found[:min(len(w.r.Found), maxFindings)]
	regs := res.Registrations.Reader()
	w.string(`{"head":`)
	w.value(w.head())
	w.string(",\n\"states\":")
	w.value(analysis.States())
	w.string(",\n\"summary\":")
	w.json(report.AppendSummary(nil, res, w.r.Found, o))
	w.string(",\n\"files\":[")
	for i := range res.Files {
		w.comma(i)
		w.json(report.AppendInfo(nil, &res.Files[i]))
	}
	w.string("],\n\"findings\":[")
	for i, f := range found {
		w.comma(i)
		b := report.Findings.AppendJSON(nil, o, f, true)
		w.json(append(b[:len(b)-1], ",\"title\":"+quote(f.Title())+"}"...))
	}
	w.string("],\n\"registrations\":[")
	for i := range min(regs.Len(), maxRegistrations) {
		w.comma(i)
		w.json(report.Registrations.AppendJSON(nil, o, regs.At(i), true))
	}
	w.string("],\n\"calls\":[")
	w.rows()
	w.string("],\n\"full\":{")
	for i, c := range w.r.Full {
		w.comma(i)
		w.string("\"" + itoa(c.ID) + "\":")
		w.whole(c)
	}
	w.string("}}")
}

func quote(s string) string {
	b, _ := json.Marshal(s)
	return string(b)
}

func itoa(n int) string { return fmt.Sprint(n) }

func (w *writer) comma(i int) {
	if i > 0 {
		w.string(",\n")
	}
}

// head returns what the page shows first.
func (w *writer) head() head {
	res := w.r.Result
	h := head{Version: w.r.Version, Files: []string{}, Unread: []string{}, Notes: w.leftOut(), Setup: setupTimes(res.Traffic)}
	for i := range res.Files {
		h.Files = append(h.Files, clean.Text(res.Files[i].Capture.Name))
	}
	if res.Statistics.Messages == 0 {
		h.NoSIP = report.NoSIP(res)
	}
	h.Unread = append(h.Unread, report.Unread(res)...)
	return h
}

// leftOut says what the page does not hold.
func (w *writer) leftOut() []string {
	list := []string{}
	left := func(n, shown int, what string) {
		if shown < n {
			list = append(list, fmt.Sprintf("%d of %d %s", shown, n, what))
		}
	}
	res := w.r.Result
	left(res.Calls.Len(), min(res.Calls.Len(), maxRows), "calls are in the table.")
	left(res.Calls.Len(), len(w.r.Full), "calls are shown in full (--max-calls): those with errors, warnings and failures first. The others are rows of the table.")
	left(len(w.r.Found), maxFindings, "findings are listed, the worst ones.")
	left(res.Registrations.Len(), maxRegistrations, "registrations are listed.")
	if w.r.Texts.over {
		list = append(list, "Not all messages are here as a whole: they are too large.")
	}
	return list
}

// rows writes the table of calls.
func (w *writer) rows() {
	worst := worstOf(w.r.Result, w.r.Found)
	n := 0
	for c := range w.r.Result.Calls.All() {
		if n >= maxRows && w.full[c.ID] == nil {
			continue
		}
		w.comma(n)
		n++
		w.value(w.row(c, worst[c.ID-1], w.full[c.ID] != nil))
	}
}

// whole writes a call in full, on one ladder with those in full that are tied to it.
func (w *writer) whole(c *analysis.Call) {
	x := whole{Call: w.withoutTimeline(c), Texts: []string{}}
	calls := flow.With(&w.r.Result.Calls, c.ID, func(id int) *analysis.Call { return w.full[id] })
	together := flow.Together(calls)
	steps := report.Timeline(together)
	texts := make([]int, len(steps))
	type place struct {
		frame analysis.Frame
		leg   int
	}
	seen := make(map[place]int)
	l := flow.New(calls[0], w.of.Of(calls), &w.o, calls[1:]...)
	shown := make([]bool, len(steps))
	for i := range l.Rows {
		for _, s := range l.Rows[i].Steps {
			shown[s] = true
		}
	}
	for i := range steps {
		s := &steps[i]
		at := place{s.Frame, s.Leg}
		text := w.r.Texts.of(s.Frame, together.Legs[s.Leg].CallID, seen[at])
		seen[at]++
		texts[i] = -1
		if text != "" && shown[i] {
			texts[i] = len(x.Texts)
			x.Texts = append(x.Texts, text)
		}
	}
	x.Ladder = ladderOf(l, texts)
	if !w.o.Report.NoMedia {
		x.Courses = coursesOf(&w.o.Report, c)
	}
	w.value(&x)
}

// withoutTimeline returns what sipsight call --json tells, but for the messages: the ladder
// has those.
func (w *writer) withoutTimeline(c *analysis.Call) []byte {
	o := w.o.Report
	o.NoSteps = true
	return report.AppendCallJSON(nil, &o, c, w.of.Of([]*analysis.Call{c}))
}
