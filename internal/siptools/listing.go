package siptools

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/sipsight/sipsight/mcpjsonrpc"
)

// A rows is a list that is answered in pages.
type rows struct {
	name    string // the key of the rows
	plural  string // what they are, for the note
	total   int
	all     int    // before a filter; 0 for the same
	head    []byte // members that stand in front, each with its comma
	row     func(i int, short bool) []byte
	whole   func(i int) []byte // where rows of row leave out keys: those with all; or nil
	rest    string             // the note of such rows: who has what they leave out
	empty   string             // the note where there is nothing
	hint    string             // how to narrow the list
	remarks []string           // what else the note says of the rows; "" is nothing
}

// answer makes a page: totals, rows, what is missing, and how to get the rest. The first row
// always fits: it is made shorter if it must be.
func (q *query) answer(r *rows) mcpjsonrpc.Result {
	list, whole := q.wholeRows(r), true
	if list == nil {
		list, whole = q.rows(r), r.whole == nil
	}
	i := min(q.from, r.total) + len(list)
	b := fmt.Appendf(nil, `{"total":%d,"returned":%d,`, r.total, len(list))
	b = q.appendComplete(b)
	b = append(b, r.head...)
	b = fmt.Appendf(b, `"%s":[`, r.name)
	for n, row := range list {
		if n > 0 {
			b = append(b, ',')
		}
		b = append(b, row...)
	}
	b = append(b, ']')
	notes := q.notes()
	if r.all > r.total {
		notes = append(notes, fmt.Sprintf("%d of %d %s are what was asked for.", r.total, r.all, r.plural))
	}
	switch {
	case r.total == 0 && r.empty != "":
		notes = append(notes, r.empty)
	case r.total > 0 && len(list) == 0:
		notes = append(notes, fmt.Sprintf("The cursor is behind the last of the %d %s.", r.total, r.plural))
	case i < r.total:
		b = append(b, `,"next_cursor":`...)
		b = appendString(b, q.next(i))
		more := ""
		switch {
		case q.whole:
		case q.limit == 0:
			more = ", limit for more at once" + r.hint
		case len(list) == q.limit && q.limit < maxLimit: // there may be room for more
			more = ", a larger limit for more at once" + r.hint
		default:
			more = r.hint
		}
		notes = append(notes, fmt.Sprintf("%s %d to %d of %d; pass next_cursor as cursor for the next ones%s.", strings.ToUpper(r.plural[:1])+r.plural[1:], q.from+1, i, r.total, more))
	}
	if !whole && len(list) > 0 {
		notes = append(notes, r.rest)
	}
	for _, s := range r.remarks {
		if s != "" {
			notes = append(notes, s)
		}
	}
	return mcpjsonrpc.Result{Structured: append(appendNote(b, notes), '}')}
}

// room returns how many characters the rows of a page may have, of those of an answer.
func (q *query) room(r *rows, answer int) int {
	const around = 700 // totals, cursor, note
	return answer - around - len(r.head) - len(appendNote(nil, q.notes()))
}

// wholeRows returns the rows of the page with all of their keys, nil if there are too many for
// an answer of the usual size: then more rows are worth more than more of each.
func (q *query) wholeRows(r *rows) (list [][]byte) {
	if r.whole == nil {
		return nil
	}
	room := q.room(r, defaultChars)
	for i := q.from; i < r.total && (q.limit == 0 || len(list) < q.limit); i++ {
		b := r.whole(i)
		if room -= len(b) + 1; room < 0 {
			return nil
		}
		list = append(list, b)
	}
	return list
}

// rows returns as many rows of the page as fit, one at least.
func (q *query) rows(r *rows) (list [][]byte) {
	room := q.room(r, q.budget())
	for i := q.from; i < r.total && (q.limit == 0 || len(list) < q.limit); i++ {
		b := r.row(i, false)
		if room -= len(b) + 1; room < 0 {
			if len(list) > 0 {
				break
			}
			b = r.row(i, true)
		}
		list = append(list, b)
	}
	return list
}

// appendComplete appends that an answer is not from all of the capture, where that is so, with
// its comma.
func (q *query) appendComplete(b []byte) []byte {
	if q.missing == "" {
		return b
	}
	return append(b, `"complete":false,`...)
}

// notes begins the note of an answer: with what is missing, and how the question was taken.
func (q *query) notes() (list []string) {
	for _, s := range []string{q.missing, q.taken} {
		if s != "" {
			list = append(list, s)
		}
	}
	return list
}

// appendNote appends the note of an answer with its comma, if there is something to say.
func appendNote(b []byte, notes []string) []byte {
	if len(notes) == 0 {
		return b
	}
	return appendString(append(b, `,"note":`...), strings.Join(notes, " "))
}

// appendString appends text of our own as a JSON string, in which < and > stay what they are: it is
// read by a model, not by a browser.
func appendString(b []byte, s string) []byte {
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false)
	e.Encode(s) // it never fails
	return append(b, bytes.TrimSpace(text.Bytes())...)
}

// listOutput is the output schema of a tool that lists rows.
func listOutput(name, row string) json.RawMessage {
	return json.RawMessage(`{"type":"object","properties":{"total":{"type":"integer"},"returned":{"type":"integer"},` +
		`"` + name + `":{"type":"array","items":` + row + `},"next_cursor":{"type":"string"},"note":{"type":"string"},"complete":{"type":"boolean"}},` +
		`"required":["total","returned","` + name + `"]}`)
}
