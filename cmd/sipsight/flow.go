package main

import (
	"os"
	"slices"

	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/capture"
	"github.com/sipsight/sipsight/findings"
	"github.com/sipsight/sipsight/internal/flow"
	"github.com/sipsight/sipsight/internal/report"
)

var flowCommand = &command{
	name:  "flow",
	args:  "[FLAGS] FILE…",
	short: "calls as ladders: text, Mermaid, SVG, HTML",
	long: `Draws calls as ladders: a column for each host, an arrow for each message. Messages that
were sent again are one arrow (×4), copies of the capture are left out, findings stand at
their messages, RTP streams where they begin. Legs of one call behind a back-to-back user
agent are on one ladder, and so are calls that a transfer ties together. A host that talks
to itself has a column for each port; --alias and --hosts give names, and hosts of one name
are one column. Several calls in Mermaid come as Markdown, each diagram in a block of its
own.`,
	example: []string{
		"sipsight flow --call call-3 trunk.pcapng",
		"sipsight flow --alias 10.0.0.9=proxy --alias 10.0.0.1:5080=gateway a.pcap",
		"sipsight flow --filter 'call.state == failed' --limit 5 trunk.pcapng",
		"sipsight flow --format svg --call 3 -o call.svg trunk.pcapng",
		"sipsight flow --format mermaid --call 3 trunk.pcapng",
	},
	run: runFlow,
}

// flowCalls is how many calls are drawn where neither --call nor --limit says.
const flowCalls = 20

// A flowQuery says what is drawn, and how.
type flowQuery struct {
	listing
	format  string
	call    string
	columns string
	clock   string
	colour  colourFlag
	out     string
	force   bool
	text    flow.TextOptions
	layout  flow.Options
}

// aliasFlag adds the names of --alias.
type aliasFlag struct{ names *flow.Names }

func (f aliasFlag) String() string     { return "" }
func (f aliasFlag) Set(v string) error { return f.names.Add(v) }

// hostsFlag adds the names of a hosts file.
type hostsFlag struct{ names *flow.Names }

func (f hostsFlag) String() string { return "" }

func (f hostsFlag) Set(v string) error {
	file, err := os.Open(v)
	if err != nil {
		return err
	}
	defer file.Close()
	return f.names.ReadHosts(file)
}

func (q *flowQuery) flags(fs *flags) {
	fs.StringVar(&q.format, "format", "text", "`FORMAT`: text, mermaid, svg or html")
	fs.Var((*onceFlag)(&q.call), "call", "only this `CALL`: call-3, or a Call-ID")
	fs.filterFlag(&q.filter, "calls")
	fs.IntVar(&q.limit, "limit", flowCalls, "the first `N` calls; 0 is all")
	fs.secretsFlag(&q.secrets)
	fs.inputFlags(&q.input)
	q.noMedia = &fs.noMedia
	fs.nameFlags(&q.layout.Names)
	fs.StringVar(&q.columns, "columns", "host", "a column for each `WHAT`: host or address")
	fs.StringVar(&q.clock, "time", "relative", "`WHICH` times: relative, absolute or delta")
	fs.BoolVar(&q.text.ASCII, "ascii", false, "text without characters beyond ASCII")
	fs.IntVar(&q.text.Width, "width", 0, "text at most `N` characters wide, if it can be")
	fs.colourFlag(&q.colour, "dialogs")
	q.out = "-"
	fs.outputFlags(&q.out, &q.force)
}

// nameFlags adds the flags that name hosts.
func (fs *flags) nameFlags(n *flow.Names) {
	fs.Var(aliasFlag{n}, "alias", "call a host so: `IP=NAME` or IP:PORT=NAME; may be given again")
	fs.Var(hostsFlag{n}, "hosts", "names of hosts from `FILE`, in the form of /etc/hosts")
}

// outputFlags adds the flags of commands that make one file.
func (fs *flags) outputFlags(out *string, force *bool) {
	fs.StringVar(out, "o", *out, "write to `FILE`, which appears when it is whole; - is stdout")
	fs.BoolVar(force, "force", false, "replace the output file if it exists")
}

// wrong says what in a query cannot be meant, "" if nothing.
func (q *flowQuery) wrong() string {
	clock, ok := flow.ParseClock(q.clock)
	q.text.Clock = clock
	q.layout.Ports = q.columns == "address"
	switch {
	case !slices.Contains(flow.Formats, q.format):
		return "there is no format " + q.format + "; give text, mermaid, svg or html"
	case q.columns != "host" && q.columns != "address":
		return "--columns is host or address"
	case !ok:
		return "--time is relative, absolute or delta"
	case q.limit < 0:
		return "--limit must not be negative; 0 draws all calls"
	case q.text.Width < 0:
		return "--width must not be negative; leave it out for no bound"
	case q.call != "" && q.filter.given:
		return "--call and --filter exclude each other; choose one"
	}
	return ""
}

func runFlow(e *env, c *command, args []string) int {
	fs := newFlags(c)
	var q flowQuery
	q.flags(fs)
	if code, done := fs.needFiles(e, args); done {
		return code
	}
	if what := q.wrong(); what != "" {
		e.errorf("flow: %s", what)
		return exitUsage
	}
	matches, ok := parseFilter(e, c.name, &q.filter, q.secrets, report.Calls.Filters(&report.Options{Files: fs.files, NoMedia: fs.noMedia}))
	if !ok {
		return exitUsage
	}
	q.layout.Report = report.Options{Secrets: q.secrets, Files: fs.files}
	q.terminal(e)
	w, err := e.newOutFile(q.out, q.force, fs.files)
	if err != nil {
		return e.outputFailed(q.out, err)
	}
	r, err := e.open(fs.files, q.input)
	if err != nil {
		w.discard()
		return exitFailed
	}
	defer r.Close()
	return drawFlow(e, &q, r, w, func(c *analysis.Call) bool { return matches == nil || matches.Match(c) })
}

// terminal takes what is not said from the terminal: width, and whether there are colours.
func (q *flowQuery) terminal(e *env) {
	toTerminal := q.out == "-" && e.width() > 0
	if toTerminal && q.text.Width == 0 {
		q.text.Width = e.width()
	}
	q.text.Colour = e.colours(q.colour, q.out == "-")
}

func drawFlow(e *env, q *flowQuery, r *capture.Reader, w *outFile, matches func(*analysis.Call) bool) int {
	chosen, total, problem := 0, 0, ""
	res, found, calls, err := e.look(r, &closeUp{files: q.layout.Report.Files, input: q.input, noMedia: *q.noMedia, choose: func(res *analysis.Result, _ []*findings.Finding) []*analysis.Call {
		var list []*analysis.Call
		list, total, problem = q.calls(res, matches)
		chosen = len(list)
		return withLinked(res, list)
	}})
	if len(calls) == 0 {
		w.discard()
		code := e.finish(res, err)
		switch {
		case problem != "":
			e.errorf("flow: %s", problem)
			if code == exitOK {
				code = exitFailed
			}
		case code == exitOK:
			e.noCalls(res)
		}
		return code
	}
	werr := w.end(q.draw(w, ladders(res, calls), found))
	if err == nil {
		err = werr
	}
	code := e.finish(res, err)
	if q.call != "" {
		e.sayOthers(res, q.call)
	}
	if chosen < total {
		e.errorf("%d of %d calls are drawn (--limit)", chosen, total)
	}
	return code
}

// withLinked returns calls and those that stand on a ladder with one of them, in order.
func withLinked(res *analysis.Result, calls []*analysis.Call) []*analysis.Call {
	known := make(map[int]bool, len(calls))
	for _, c := range calls {
		known[c.ID] = true
	}
	all := slices.Clone(calls)
	for _, c := range calls {
		ids, _ := res.Calls.Linked(c.ID)
		for _, id := range ids {
			if !known[id] {
				known[id] = true
				all = append(all, res.Calls.At(id-1))
			}
		}
	}
	slices.SortFunc(all, func(a, b *analysis.Call) int { return a.ID - b.ID })
	return all
}

// ladders puts the calls together that stand on one ladder.
func ladders(res *analysis.Result, calls []*analysis.Call) (list [][]*analysis.Call) {
	left := make(map[int]*analysis.Call, len(calls))
	for _, c := range calls {
		left[c.ID] = c
	}
	for _, c := range calls {
		if left[c.ID] == nil {
			continue
		}
		group := flow.With(&res.Calls, c.ID, func(id int) *analysis.Call { return left[id] })
		for _, x := range group {
			delete(left, x.ID)
		}
		list = append(list, group)
	}
	return list
}

// noCalls says that there is nothing to draw.
func (e *env) noCalls(res *analysis.Result) {
	switch {
	case res.Statistics.Messages == 0:
		e.printf("sipsight: %s\n", report.NoSIP(res))
	case res.Calls.Len() > 0:
		e.errorf("%s what was asked for (--filter)", noneOf(int64(res.Calls.Len()), "calls"))
	default:
		e.errorf("there are no calls in the capture")
	}
}

// calls returns the calls to draw, and how many were asked for; problem says why there are
// none.
func (q *flowQuery) calls(res *analysis.Result, matches func(*analysis.Call) bool) (list []*analysis.Call, total int, problem string) {
	if q.call != "" {
		c := report.FindCall(res, q.call)
		if c == nil {
			return nil, 0, noSuchCall(res, q.call)
		}
		return []*analysis.Call{c}, 1, ""
	}
	for c := range res.Calls.All() {
		if !matches(c) {
			continue
		}
		if total++; q.limit == 0 || len(list) < q.limit {
			list = append(list, c)
		}
	}
	return list, total, ""
}

// draw writes the ladders, each of the calls that stand on it.
func (q *flowQuery) draw(w *outFile, list [][]*analysis.Call, found []*findings.Finding) error {
	d := flow.Drawing{Format: q.format, Text: q.text, Calls: len(list)}
	var b []byte
	of := flow.NewFound(found)
	for _, calls := range list {
		b = d.Append(b[:0], flow.New(calls[0], of.Of(calls), &q.layout, calls[1:]...))
		if _, err := w.Write(b); err != nil {
			return err
		}
	}
	_, err := w.Write(d.End(b[:0]))
	return err
}
