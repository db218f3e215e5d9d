package main

import (
	"bufio"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/capture"
	"github.com/sipsight/sipsight/findings"
	"github.com/sipsight/sipsight/internal/clean"
	"github.com/sipsight/sipsight/internal/report"
)

// A listing is the flags that all lists of records share.
type listing struct {
	json, csv, secrets bool
	limit              int
	sort               string
	period
	failOn  severityFlag
	colour  colourFlag
	filter  filterFlag
	input   capture.Options
	noMedia *bool
	unruled bool                          // the rules say nothing of what is listed
	watch   func(*analysis.Message) error // of each message, nil for nobody
	before  int                           // how many records there were before get left some out; 0 where it leaves none out
	missing bool                          // what was asked for by its name is not there, which has been said
	nothing func(*analysis.Result) string // why there can be none; "" if there can
}

func (q *listing) flags(fs *flags) {
	fs.BoolVar(&q.json, "json", false, "one JSON object a line")
	fs.BoolVar(&q.csv, "csv", false, "a table for spreadsheets, with a header line")
	fs.filterFlag(&q.filter, "those")
	fs.IntVar(&q.limit, "limit", 0, "the first `N` of what would be listed; 0 is all")
	fs.StringVar(&q.sort, "sort", "", sortUsage)
	fs.secretsFlag(&q.secrets)
	fs.colourFlag(&q.colour, "good and bad")
	fs.inputFlags(&q.input)
	q.noMedia = &fs.noMedia
}

const sortUsage = "sort by this `KEY` of the JSON; -KEY: the largest first"

// timeFlags adds the flags that choose records by their beginning.
func (q *listing) timeFlags(fs *flags) {
	fs.Var(&q.since, "since", "only what began at this `TIME` or later")
	fs.Var(&q.until, "until", "only what began up to this `TIME`")
}

// parse reads the command line of a listing that has no flags but the common ones. Where it
// is done, the command ends with the code.
func (q *listing) parse(e *env, fs *flags, args []string) (code int, done bool) {
	q.flags(fs)
	q.timeFlags(fs)
	if code, done := fs.needFiles(e, args); done {
		return code, true
	}
	if !q.check(e, fs.c.name) {
		return exitUsage, true
	}
	return 0, false
}

// check refuses what does not go together.
func (q *listing) check(e *env, name string) bool {
	what := ""
	switch {
	case q.json && q.csv:
		what = "--json and --csv exclude each other; choose one"
	case q.limit < 0:
		what = "--limit must not be negative; leave it out to list all"
	case q.until.before(q.since):
		what = "--until lies before --since; exchange them"
	default:
		return true
	}
	e.errorf("%s: %s", name, what)
	return false
}

// timed reports whether a time was asked for.
func (q *listing) timed() bool { return !q.since.t.IsZero() || !q.until.t.IsZero() }

// noneOf says why a timeline can hold nothing to list; "" if it can.
func (q *listing) noneOf(r *analysis.Result) string {
	switch {
	case q.nothing != nil:
		return q.nothing(r)
	case r.Statistics.Messages == 0:
		return report.NoSIP(r)
	}
	return ""
}

// A shown is how the records of one kind are shown.
type shown[T any] struct {
	table   *report.Table[T]
	columns []report.GridColumn
	row     func(T, *report.Options) []string
	plural  string // what they are called
}

// investigate runs an analysis with everything that there is to find.
func (e *env) investigate(r *capture.Reader, o analysis.Options) (*analysis.Result, []*findings.Finding, error) {
	c := findings.New()
	if e.memory == 0 {
		pace.expect(r.Progress)
	}
	res, err := e.analyze(r, c.Options(o))
	return res, c.Finish(res), err
}

// records are what is listed: an analysis.CallReader or RegistrationReader, or a slice. What At returns is valid until
// the next call.
type records[T any] interface {
	Len() int
	At(i int) T
}

// A sliceOf is records in a slice.
type sliceOf[T any] []T

func (s sliceOf[T]) Len() int   { return len(s) }
func (s sliceOf[T]) At(i int) T { return s[i] }

// list analyses the files and lists the records that get takes from the result.
func list[T any](e *env, q *listing, files []string, s *shown[T], get func(*analysis.Result, []*findings.Finding) records[T]) int {
	if err := s.table.Sort(nil, nil, sortKey(q.sort, s.table.Columns[0].Key)); err != nil {
		e.printf("sipsight: %s: --sort: %v\n", s.plural, err) // the keys are more than errorf lets through
		return exitUsage
	}
	ro := &report.Options{Secrets: q.secrets, Files: files, NoMedia: *q.noMedia}
	matches, ok := parseFilter(e, s.plural, &q.filter, q.secrets, s.table.Filters(ro))
	if !ok {
		return exitUsage
	}
	r, err := e.open(files, q.input)
	if err != nil {
		return exitFailed
	}
	defer r.Close()
	var found []*findings.Finding
	var res *analysis.Result
	if q.ofDay() && q.watch == nil {
		q.watch = func(m *analysis.Message) error {
			if m.HasTime {
				q.see(m.Time)
			}
			return nil
		}
	}
	o := analysis.Options{Calls: true, NoNames: true, Streams: !*q.noMedia, Message: q.watch}
	if q.unruled {
		o.CallsAlone = true // the lists without rules are of what calls have
		pace.spare()        // little is made that is not kept
		res, err = e.analyze(r, o)
	} else {
		res, found, err = e.investigate(r, o)
	}
	q.seeFiles(res)
	if q.refused(e, s.plural) {
		return exitUsage
	}
	all := get(res, found)
	var wanted []int
	every := !q.timed() && matches == nil
	for i := range all.Len() {
		if every || within(s.table, q, all.At(i)) && (matches == nil || matches.Match(all.At(i))) {
			wanted = append(wanted, i)
		}
	}
	if q.sort != "" {
		s.table.Sort(wanted, all.At, q.sort)
	}
	total := len(wanted)
	if q.failOn.s != 0 { // it is about what is listed, or would be without --limit
		found = nil
		for _, i := range wanted {
			if f, is := any(all.At(i)).(*findings.Finding); is {
				found = append(found, f)
			}
		}
	}
	if q.limit > 0 && total > q.limit {
		wanted = wanted[:q.limit]
	}
	werr := write(e, q, s, ro, all, wanted)
	code := e.finish(res, orWriting(err, werr))
	switch {
	case q.missing:
		return exitFailed
	case total == 0 && code == exitOK && q.noneOf(res) != "":
		e.printf("sipsight: %s\n", q.noneOf(res))
	case total == 0 && code == exitOK && matches != nil && all.Len() > 0:
		e.errorf("%s what was asked for (--filter)", noneOf(int64(all.Len()), s.plural))
	case total == 0 && code == exitOK && q.before > 0 && !q.timed():
		e.errorf("%s what was asked for", noneOf(int64(q.before), s.plural))
	case total == 0 && code == exitOK:
		where := "capture"
		if q.timed() {
			where = "time asked for"
		}
		e.errorf("there are no %s in the %s", s.plural, where)
	case len(wanted) < total:
		e.errorf("%d of %d %s are listed (--limit)", len(wanted), total, s.table.Name)
	}
	return q.failOn.code(code, found)
}

func sortKey(key, def string) string {
	if key == "" {
		return def
	}
	return key
}

// within reports whether a record began in the time asked for. Of those that have no time of their own the list is told
// by its get.
func within[T any](t *report.Table[T], q *listing, x T) bool {
	c := t.Column("start")
	if c == nil || !q.timed() {
		return true
	}
	v := c.Get(x)
	return v.Has && !v.Time.Before(q.since.t) && (q.until.t.IsZero() || !v.Time.After(q.until.t))
}

// write writes the wanted records.
func write[T any](e *env, q *listing, s *shown[T], o *report.Options, all records[T], wanted []int) error {
	w := bufio.NewWriterSize(e.stdout, 64<<10)
	var line []byte
	switch {
	case q.json:
		rows := s.table.Rows(o)
		for _, i := range wanted {
			line = append(rows.AppendJSON(line[:0], all.At(i), false), '\n')
			w.Write(line)
		}
	case q.csv:
		w.Write(s.table.AppendCSVHeader(nil))
		for _, i := range wanted {
			line = s.table.AppendCSV(line[:0], o, all.At(i))
			w.Write(line)
		}
	case len(wanted) > 0:
		g := report.Grid{Columns: s.columns, Colour: e.colours(q.colour, true), Sorted: q.sort != ""}
		g.Row, g.Rows = func(i int) []string { return s.row(all.At(wanted[i]), o) }, len(wanted)
		g.Write(w, e.width())
	}
	return w.Flush()
}

// leastWidth is that of the narrowest terminal that is written for, usualWidth that of one that does
// not say how wide it is.
const (
	leastWidth = 40
	usualWidth = 80
)

// width returns the width of the terminal that stdout is, 0 if it is none: what COLUMNS wants it
// to be, or what it says itself.
func (e *env) width() int {
	f, ok := e.stdout.(*os.File)
	if !ok || !isTerminal(f) {
		return 0
	}
	if n, err := strconv.Atoi(os.Getenv("COLUMNS")); err == nil && n >= leastWidth {
		return n
	}
	if n := columns(f); n > 0 {
		return max(n, leastWidth)
	}
	return usualWidth
}

// appendWrapped appends a line. One that is too wide goes on in column at, which is where its last column begins.
func appendWrapped(b []byte, line string, at, width int) []byte {
	if clean.Width(line) <= width+len("\n") {
		return append(b, line...)
	}
	return report.AppendWords(append(b, line[:at]...), line[at:], clean.Width(line[:at]), at, width)
}

// fit makes sentences and rows with labels fit the terminal. What goes to none stays as it is.
func (e *env) fit(text []byte) (b []byte) {
	width := e.width()
	if width == 0 {
		return text
	}
	for _, line := range strings.SplitAfter(string(text), "\n") {
		at := 0
		if strings.HasPrefix(line, " ") {
			at = min(report.RowStart, len(line))
		}
		b = appendWrapped(b, line, at, width)
	}
	return b
}

// noneOf begins the sentence that nothing of n things is what is asked for; their name in the plural ends in s.
func noneOf(n int64, plural string) string {
	if n == 1 {
		return "the only " + strings.TrimSuffix(plural, "s") + " is not"
	}
	return fmt.Sprintf("none of the %d %s is", n, plural)
}
