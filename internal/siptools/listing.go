package siptools

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/sipsight/sipsight/mcpjsonrpc"
)

// A query is what the tools that list something take.
type query struct {
	names  []string
	limit  int // 0: as many as fit
	cursor string
	from   int // index of the first row
	ident  identity
}

// arguments begins to read the arguments of a tool.
func arguments(args json.RawMessage, q *query) (*mcpjsonrpc.Arguments, func() error) {
	var file string
	var more []string
	a := mcpjsonrpc.ParseArguments(args)
	a.String("pcap_file", &file)
	a.Strings("more_files", &more)
	a.Require("pcap_file")
	return a, func() error {
		if err := a.Err(); err != nil {
			return err
		}
		if len(more) > maxMore {
			return fmt.Errorf("more_files: at most %d files can be given, not %d", maxMore, len(more))
		}
		q.names = append([]string{file}, more...)
		return nil
	}
}

// paging reads the arguments of paging.
func (q *query) paging(a *mcpjsonrpc.Arguments) {
	a.Int("limit", &q.limit, 1, 1000)
	a.String("cursor", &q.cursor)
}

const pagingArguments = `,"limit":{"type":"integer","minimum":1,"maximum":1000,"description":"The most rows in this answer. Without it about 8,000 characters are returned; with it up to 40,000."}` +
	`,"cursor":{"type":"string","description":"next_cursor of the answer before, to go on."}`

// A cursor is the index of a row with what the rows were made of: the tool, its other
// arguments and the identity of the capture. It is opaque to the client, and as good after
// a restart of the server.
func (q *query) mark(tool string, ident identity, what ...string) [8]byte {
	h := sha256.New()
	h.Write(ident[:])
	for _, s := range append([]string{tool}, what...) {
		h.Write(binary.AppendUvarint(nil, uint64(len(s))))
		h.Write([]byte(s))
	}
	var m [8]byte
	copy(m[:], h.Sum(nil))
	return m
}

func encodeCursor(n int, mark [8]byte) string {
	return base64.RawURLEncoding.EncodeToString(binary.AppendUvarint(mark[:], uint64(n)))
}

var errCursor = errors.New("cursor: this is no cursor of this tool for this capture and these arguments; the capture may have changed. Leave it out to begin again")

// resume sets where the page begins.
func (q *query) resume(mark [8]byte) error {
	if q.cursor == "" {
		return nil
	}
	b, err := base64.RawURLEncoding.DecodeString(q.cursor)
	if err != nil || len(b) < 9 || [8]byte(b[:8]) != mark {
		return errCursor
	}
	n, used := binary.Uvarint(b[8:])
	if used != len(b)-8 || n > 1<<31 {
		return errCursor
	}
	q.from = int(n)
	return nil
}

// budget returns how many characters an answer may have.
func (q *query) budget() int {
	if q.limit > 0 {
		return maxChars
	}
	return defaultChars
}

// A rows is a list that is answered in pages.
type rows struct {
	name   string // the key of the rows
	plural string // what they are, for the note
	total  int
	all    int    // before a filter; 0 for the same
	head   []byte // members that stand in front, each with its comma
	row    func(i int, short bool) []byte
	empty  string // the note where there is nothing
	hint   string // how to narrow the list
}

// answer makes a page: totals, rows, and how to get the rest. The first row always fits: it is
// made shorter if it must be.
func (q *query) answer(mark [8]byte, r *rows) mcpjsonrpc.Result {
	const around = 700 // of the answer: totals, cursor, note
	room := q.budget() - around - len(r.head)
	var list [][]byte
	i := min(q.from, r.total)
	for ; i < r.total && (q.limit == 0 || len(list) < q.limit); i++ {
		b := r.row(i, false)
		if room -= len(b) + 1; room < 0 {
			if len(list) > 0 {
				break
			}
			b = r.row(i, true)
		}
		list = append(list, b)
	}
	b := fmt.Appendf(nil, `{"total":%d,"returned":%d,`, r.total, len(list))
	b = append(b, r.head...)
	b = fmt.Appendf(b, `"%s":[`, r.name)
	for n, row := range list {
		if n > 0 {
			b = append(b, ',')
		}
		b = append(b, row...)
	}
	b = append(b, ']')
	var notes []string
	if r.all > r.total {
		notes = append(notes, fmt.Sprintf("The filter selects %d of %d %s.", r.total, r.all, r.plural))
	}
	switch {
	case r.total == 0 && r.empty != "":
		notes = append(notes, r.empty)
	case r.total > 0 && len(list) == 0:
		notes = append(notes, fmt.Sprintf("The cursor is behind the last of the %d %s.", r.total, r.plural))
	case i < r.total:
		b = append(b, `,"next_cursor":`...)
		b = appendString(b, encodeCursor(i, mark))
		notes = append(notes, fmt.Sprintf("%s %d to %d of %d; pass next_cursor as cursor for the next ones, limit for more at once%s.", strings.ToUpper(r.plural[:1])+r.plural[1:], q.from+1, i, r.total, r.hint))
	}
	if len(notes) > 0 {
		b = append(b, `,"note":`...)
		b = appendString(b, strings.Join(notes, " "))
	}
	return mcpjsonrpc.Result{Structured: append(b, '}')}
}

// appendString appends text of our own as a JSON string.
func appendString(b []byte, s string) []byte {
	q, _ := json.Marshal(s)
	return append(b, q...)
}

// listOutput is the output schema of a tool that lists rows.
func listOutput(name, row string) json.RawMessage {
	return json.RawMessage(`{"type":"object","properties":{"total":{"type":"integer"},"returned":{"type":"integer"},` +
		`"` + name + `":{"type":"array","items":` + row + `},"next_cursor":{"type":"string"},"note":{"type":"string"},"complete":{"type":"boolean"}},` +
		`"required":["total","returned","` + name + `"]}`)
}
