package siptools

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"unicode/utf8"

	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/capture"
	"github.com/sipsight/sipsight/internal/fetch"
	"github.com/sipsight/sipsight/internal/filter"
	"github.com/sipsight/sipsight/internal/report"
	"github.com/sipsight/sipsight/mcpjsonrpc"
)

// A query is what a tool is asked.
type query struct {
	*mcpjsonrpc.Arguments
	tool   string
	names  []string // of the captures
	ident  identity // what these captures are now
	limit  int      // the most rows; 0: as many as fit
	whole  bool     // the rows are whole messages: as much of them as an answer may have
	cursor string
	from   int    // where the page begins, as the cursor says; 0 without one
	mark   marker // of the question, once resume was called
	err    error  // what is wrong with an argument beside its type
	noFile bool   // no capture is named

	taken   string // how an argument was taken that can be meant in several ways; "" for none
	missing string // from what is answered: a file or what was over a limit, in words; "" for nothing
}

// A toolCall is what mcpjsonrpc calls.
type toolCall = func(ctx context.Context, args json.RawMessage, p mcpjsonrpc.Progress) (mcpjsonrpc.Result, error)

// What answers a query: from the analysis of its captures, or from the captures themselves.
type (
	fromAnalysis = func(x *examined) (mcpjsonrpc.Result, error)
	fromCaptures = func(ctx context.Context, r *capture.Reader) (mcpjsonrpc.Result, error)
)

// onAnalysis makes a tool that answers from the analysis of captures. read takes what the tool
// takes beside the captures, and returns what answers.
func onAnalysis(o *Options, c *cache, tool string, read func(q *query) fromAnalysis) toolCall {
	return func(ctx context.Context, args json.RawMessage, p mcpjsonrpc.Progress) (mcpjsonrpc.Result, error) {
		q := newQuery(tool, args)
		answer := read(q)
		if err := q.check(); err != nil {
			return mcpjsonrpc.Result{}, err
		}
		x, err := c.examine(ctx, q.names, o, p)
		if err != nil {
			return openFailure(q.names, err)
		}
		q.ident, q.missing = x.ident, report.Missing(x.res)
		return answer(x)
	}
}

// onCaptures is onAnalysis for a tool that reads the captures by itself, anew each time.
func onCaptures(o *Options, tool string, read func(q *query) fromCaptures) toolCall {
	return func(ctx context.Context, args json.RawMessage, p mcpjsonrpc.Progress) (mcpjsonrpc.Result, error) {
		q := newQuery(tool, args)
		answer := read(q)
		if err := q.check(); err != nil {
			return q.refuse(err)
		}
		r, err := openAll(ctx, q.names, &o.Capture)
		if err != nil {
			return openFailure(q.names, err)
		}
		defer r.Close()
		q.ident, _ = identify(q.names)
		defer watch(r, p)()
		return answer(ctx, r)
	}
}

// newQuery begins to read the arguments of a tool.
func newQuery(tool string, args json.RawMessage) *query {
	q := &query{Arguments: mcpjsonrpc.ParseArguments(args), tool: tool}
	q.noFile = q.Raw("pcap_file") == nil
	var file string
	var more []string
	q.String("pcap_file", &file)
	q.Strings("more_files", &more)
	q.Require("pcap_file")
	if len(more) > maxMore {
		q.err = fmt.Errorf("more_files: at most %d files can be given, not %d", maxMore, len(more))
	}
	q.names = captureNames(file, more)
	return q
}

// maxLengths bounds arguments, in characters, as the schemas have it.
var maxLengths = map[string]int{"filter": 4096, "text": 256, "call": 1024, "id": 64}

// String is that of the arguments, within the bound of its name.
func (q *query) String(name string, p *string) {
	q.Arguments.String(name, p)
	if most, n := maxLengths[name], utf8.RuneCountInString(*p); most > 0 && n > most && q.err == nil {
		q.err = fmt.Errorf("%s: at most %d characters are taken, not %d", name, most, n)
	}
}

// check returns what is wrong with the arguments.
func (q *query) check() error {
	if err := q.Err(); err != nil {
		return err
	}
	return q.err
}

// refuse answers with what is wrong with the arguments. That of the reference tool is the object
// of its other failures, except where an argument is unknown or of the wrong type: Err has a line
// for each of these.
func (q *query) refuse(err error) (mcpjsonrpc.Result, error) {
	if q.tool == referenceTool && (q.Err() == nil || q.noFile && !strings.Contains(err.Error(), "\n")) {
		name := q.names[0]
		return mcpjsonrpc.Result{Text: string(report.AppendReferenceRefusal(nil, name, fetch.IsURL(name), err.Error())), IsError: true}, nil
	}
	return mcpjsonrpc.Result{}, err
}

// maxLimit is the most rows that can be asked for at once.
const maxLimit = 1000

// paging reads the arguments of paging.
func (q *query) paging() {
	q.Int("limit", &q.limit, 1, maxLimit)
	q.String("cursor", &q.cursor)
	q.Instead("pass the next_cursor of the answer before as cursor", "offset", "page", "skip")
	q.Instead("give limit", "max_packets", "max_results", "page_size", "count", "top")
	q.Instead("rows have an order of their own; a filter chooses some of them", "sort", "sort_by", "order", "order_by")
}

// filterArgument reads the argument filter: the expression, and what it says; nil for none. It is
// what to use in place of arguments for times, by the field when.
func filterArgument[T any](q *query, fields *filter.Schema[T], when string) (expr string, f *filter.Filter[T]) {
	if when != "" {
		q.Instead(`give filter, such as `+when+` >= "2026-11-23 10:00:00" and `+when+` < "2026-11-23 11:00:00"`, "since", "until", "start", "end", "after", "before", "start_time", "end_time")
	}
	if q.String("filter", &expr); expr == "" {
		return "", nil
	}
	f, err := fields.Parse(expr)
	if err != nil && q.err == nil {
		q.err = filterError(err)
	}
	return expr, f
}

// filterError is the error of an expression, with the place below it.
func filterError(err error) error {
	var e *filter.Error
	if !errors.As(err, &e) {
		return err
	}
	what := e.What
	if e.Hint != "" { // a command line is of no use here
		what += "; " + strings.Replace(e.Hint, "sipsight help filter", "the resource "+filtersURI, 1)
	}
	if len(e.Fields) > 0 {
		what += " (some of the fields: " + strings.Join(e.Fields, ", ") + ")"
	}
	return fmt.Errorf("filter: %s\n%s", what, e.Caret())
}

// call returns the call with an id or a Call-ID, and notes which others have that.
func (q *query) call(x *examined, id string) (*analysis.Call, error) {
	if id == "" {
		return nil, errors.New("call: it is empty; give an id of list_calls such as call-1, or a Call-ID")
	}
	if call := report.FindCall(x.res, id); call != nil {
		q.taken = report.OtherCalls(x.res, id)
		return call, nil
	}
	text := noSuchCall(x.res, id)
	if missing := report.Missing(x.res); missing != "" {
		text += ". " + missing
	}
	return nil, errors.New(text)
}

// number is call for an argument that may be left out, and returns the number of the call,
// 0 for none.
func (q *query) number(x *examined, id string) (int, error) {
	if id == "" {
		return 0, nil
	}
	call, err := q.call(x, id)
	if err != nil {
		return 0, err
	}
	return call.ID, nil
}

const pagingArguments = `,"limit":{"type":"integer","minimum":1,"maximum":1000,"description":"The most rows of this answer; without it about 8,000 characters, with it up to 40,000."}` +
	`,"cursor":{"type":"string","description":"next_cursor of the answer before, to go on."}`

// A marker tells one question about one capture from all others: four octets of the tool,
// its captures and its other arguments, and four of what these captures are.
type marker [8]byte

// resume sets what the question is, by the arguments beside those of paging, and where the
// page begins: a cursor is a marker and the index of a row. It is opaque to the client, and as
// good after a restart of the server.
func (q *query) resume(what ...string) error {
	h := sha256.New()
	for _, s := range append(append([]string{q.tool}, q.names...), what...) {
		h.Write(binary.AppendUvarint(nil, uint64(len(s))))
		h.Write([]byte(s))
	}
	copy(q.mark[:4], h.Sum(nil))
	copy(q.mark[4:], q.ident[:])
	if q.cursor == "" {
		return nil
	}
	b, err := base64.RawURLEncoding.DecodeString(q.cursor)
	if err != nil || len(b) <= len(q.mark) {
		return fmt.Errorf("cursor: this is no cursor of %s; give the next_cursor of the answer before, or leave it out to begin again", q.tool)
	}
	n, used := binary.Uvarint(b[len(q.mark):])
	switch m := marker(b[:len(q.mark)]); {
	case used != len(b)-len(q.mark) || n > math.MaxInt || [4]byte(m[:4]) != [4]byte(q.mark[:4]):
		return fmt.Errorf("cursor: this is no cursor of %s for these files and arguments; give the next_cursor of the answer before with the same ones, or leave it out to begin again", q.tool)
	case m != q.mark:
		return errors.New("cursor: the capture has changed since the answer that gave it; leave it out to begin again")
	}
	q.from = int(n)
	return nil
}

// next returns the cursor of the page that begins at row n.
func (q *query) next(n int) string {
	return base64.RawURLEncoding.EncodeToString(binary.AppendUvarint(q.mark[:], uint64(n)))
}

// budget returns how many characters an answer may have.
func (q *query) budget() int {
	if q.limit > 0 || q.whole {
		return maxChars
	}
	return defaultChars
}
