package report

import (
	"cmp"
	"fmt"
	"net/netip"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/internal/clean"
	"github.com/sipsight/sipsight/internal/filter"
	"github.com/sipsight/sipsight/internal/words"
)

// A Kind is the kind of the values of a column.
type Kind uint8

// The kinds.
const (
	Text     Kind = iota // text of our own
	Captured             // text from a capture
	URI                  // text from a capture that may hold a password
	Endpoint             // an address with its port
	Number
	Decimal // a duration in milliseconds, or a share
	Time
	Bool
	Frame
	List   // texts from a capture
	Object // JSON alone
)

// A Value is one value of a row. The zero Value is absent.
type Value struct {
	Has   bool
	Text  string
	Int   int64 // of a text that has an order of its own, its place in that
	Float float64
	Time  time.Time
	Frame analysis.Frame
	List  []string
}

func textOf(s string) Value          { return Value{Has: s != "", Text: s} }
func rankedOf(s string, n int) Value { return Value{Has: s != "", Text: s, Int: int64(n)} }
func intOf(n int64) Value            { return Value{Has: true, Int: n} }
func boolOf(b bool) Value            { return Value{Has: b, Int: 1} } // false is absent
func timeOf(t time.Time) Value       { return Value{Has: !t.IsZero(), Time: t} }
func listOf(l []string) Value        { return Value{Has: len(l) > 0, List: l} }
func frameOf(f analysis.Frame) Value { return Value{Has: f.Number != 0, Frame: f} }

func countOf(n int) Value { return Value{Has: n != 0, Int: int64(n)} } // 0 is absent

func msOf(d time.Duration, ok bool) Value {
	return Value{Has: ok, Float: float64(d) / 1e6}
}

func endpointOf(a netip.AddrPort) Value {
	if !a.IsValid() {
		return Value{}
	}
	var b [64]byte
	return Value{Has: true, Text: string(words.AppendEndpoint(b[:0], a))}
}

// A Column is one key of a listing of records of type T: its JSON, its place in CSV, and
// what filters and sorting see.
type Column[T any] struct {
	Key  string
	Kind Kind
	Doc  string
	Get  func(T) Value

	Brief   bool                                                  // in brief rows too
	json    func(w *jsonWriter, o *Options, r T)                  // of an Object, and where Get would make a text of its own; nothing is written for none
	cell    func(w *jsonWriter, b []byte, o *Options, r T) []byte // of an Object that has a place in CSV
	full    bool                                                  // only where one record is shown by itself
	csvOnly bool                                                  // not in JSON, which has it in another form
	named   bool                                                  // its values are names of calls, such as call-3
}

// A Table is a listing of records of one type. All are pointers, so that one copy of the code
// does for all of them.
type Table[T any] struct {
	Name    string // of the rows: calls, registrations
	Prefix  string // of the keys in filters: call, reg
	Columns []Column[T]
	parts   string       // of its Objects, as addParts reads them
	closed  []vocabulary // of its texts
	said    string       // what people call keys, as filter.Schema.Said takes it
}

// Column returns the column of a key, nil for none.
func (t *Table[T]) Column(key string) *Column[T] {
	for i := range t.Columns {
		if t.Columns[i].Key == key {
			return &t.Columns[i]
		}
	}
	return nil
}

// Keys returns the keys that rows can be sorted by.
func (t *Table[T]) Keys() (keys []string) {
	for _, c := range t.Columns {
		if c.Kind != Object && c.Kind != List {
			keys = append(keys, c.Key)
		}
	}
	return keys
}

// AppendJSON appends a record as one JSON object, without a line end. full adds what is
// shown of a record by itself.
func (t *Table[T]) AppendJSON(b []byte, o *Options, r T, full bool) []byte {
	return t.Rows(o).AppendJSON(b, r, full)
}

// AppendBrief appends the keys of a record that tell it apart and say what became of it.
func (t *Table[T]) AppendBrief(b []byte, o *Options, r T) []byte {
	return t.Rows(o).appendJSON(b, r, func(c *Column[T]) bool { return c.Brief })
}

// Rows appends records of a table one after the other, in room that they share.
type Rows[T any] struct {
	table *Table[T]
	o     *Options
	w     jsonWriter
}

// Rows returns Rows of the table.
func (t *Table[T]) Rows(o *Options) *Rows[T] {
	return &Rows[T]{t, o, jsonWriter{secrets: o.Secrets, maxText: o.MaxText}}
}

// AppendJSON appends a record as Table.AppendJSON does.
func (x *Rows[T]) AppendJSON(b []byte, r T, full bool) []byte {
	return x.appendJSON(b, r, func(c *Column[T]) bool { return full || !c.full })
}

func (x *Rows[T]) appendJSON(b []byte, r T, wanted func(*Column[T]) bool) []byte {
	t, o, w := x.table, x.o, &x.w
	w.b, w.comma, w.sanitised = b, false, false
	w.open('{')
	for i := range t.Columns {
		c := &t.Columns[i]
		if c.csvOnly || !wanted(c) {
			continue
		}
		if c.json != nil {
			c.json(w, o, r)
			continue
		}
		if v := c.Get(r); v.Has {
			w.key(c.Key).columnValue(c.Kind, &v, o)
		}
	}
	w.end()
	return w.b
}

// columnValue writes a value of a row.
func (w *jsonWriter) columnValue(k Kind, v *Value, o *Options) {
	switch k {
	case Text, Endpoint:
		w.quote([]byte(v.Text))
	case Captured:
		w.text([]byte(v.Text))
	case URI:
		w.uris([]byte(v.Text))
	case Number:
		w.int(v.Int)
	case Decimal:
		w.float(v.Float)
	case Time:
		w.time(v.Time)
	case Bool:
		w.bool(v.Int != 0)
	case Frame:
		w.frame(v.Frame, o.several())
	case List:
		w.uriList(v.List)
	}
}

// inCSV reports whether CSV has the column.
func (c *Column[T]) inCSV() bool { return (c.Kind != Object || c.cell != nil) && !c.full }

// AppendCSVHeader appends the header line of the table. RFC 4180.
func (t *Table[T]) AppendCSVHeader(b []byte) []byte {
	n := 0
	for i := range t.Columns {
		c := &t.Columns[i]
		if !c.inCSV() {
			continue
		}
		if n++; n > 1 {
			b = append(b, ',')
		}
		b = append(b, c.Key...)
	}
	return append(b, "\r\n"...)
}

// AppendCSV appends a record as one line of the table. Lists are joined with "; ".
func (t *Table[T]) AppendCSV(b []byte, o *Options, r T) []byte {
	w := &jsonWriter{secrets: o.Secrets}
	n := 0
	for i := range t.Columns {
		c := &t.Columns[i]
		if !c.inCSV() {
			continue
		}
		if n++; n > 1 {
			b = append(b, ',')
		}
		if c.cell != nil {
			b = c.cell(w, b, o, r)
			continue
		}
		v := c.Get(r)
		if !v.Has {
			continue
		}
		switch c.Kind {
		case Text, Endpoint:
			b = AppendCell(b, []byte(v.Text))
		case Captured:
			b = w.appendCell(b, []byte(v.Text))
		case URI:
			b = w.appendURICell(b, []byte(v.Text))
		case List:
			b = w.appendURICells(b, v.List)
		case Frame:
			b = appendFrame(b, v.Frame, o.several(), "")
		case Time:
			b = words.AppendTime(b, v.Time)
		case Number:
			b = strconv.AppendInt(b, v.Int, 10)
		case Decimal:
			b = strconv.AppendFloat(b, v.Float, 'f', -1, 64)
		case Bool:
			b = strconv.AppendBool(b, v.Int != 0)
		}
	}
	return append(b, "\r\n"...)
}

// Sort sorts the indices in list of records that at returns, by the values of a key: those
// that lack it come last, equal ones keep their order. With a minus in front of the key the
// largest come first.
func (t *Table[T]) Sort(list []int, at func(int) T, key string) error {
	name, down := strings.CutPrefix(key, "-")
	c := t.Column(name)
	if c == nil || c.Kind == Object || c.Kind == List {
		return fmt.Errorf("%s cannot be sorted by %q; the keys are %s", t.Name, clean.Text(name), strings.Join(t.Keys(), ", "))
	}
	type ranked struct {
		index int
		v     Value
	}
	all := make([]ranked, len(list))
	for i, n := range list {
		all[i] = ranked{n, c.Get(at(n))}
	}
	sort.SliceStable(all, func(i, j int) bool {
		x, y := &all[i].v, &all[j].v
		switch {
		case !x.Has || !y.Has:
			return absentLast(x.Has, y.Has) < 0
		case down:
			x, y = y, x
		}
		return compareValues(c.Kind, x, y) < 0
	})
	for i := range all {
		list[i] = all[i].index
	}
	return nil
}

func absentLast(x, y bool) int {
	switch {
	case x == y:
		return 0
	case x:
		return -1
	}
	return 1
}

func compareValues(k Kind, x, y *Value) int {
	switch k {
	case Number, Bool:
		return cmp.Compare(x.Int, y.Int)
	case Decimal:
		return cmp.Compare(x.Float, y.Float)
	case Time:
		return x.Time.Compare(y.Time)
	case Frame:
		return cmp.Or(x.Frame.File-y.Frame.File, cmp.Compare(x.Frame.Number, y.Frame.Number))
	}
	return cmp.Or(cmp.Compare(x.Int, y.Int), cmp.Compare(x.Text, y.Text))
}

// Filters returns the schema of filters over the rows that the options make: the keys of the table behind its
// prefix.
func (t *Table[T]) Filters(o *Options) *filter.Schema[T] {
	s := filter.NewSchema[T](t.Prefix)
	var usual []string
	for i := range t.Columns {
		c := &t.Columns[i]
		if c.Kind == Object {
			c.addParts(s, t.parts, o)
			continue
		}
		f := filter.Field{Name: c.Key, Kind: filterKinds[c.Kind], Doc: c.Doc}
		s.Add(f, func(r T, values *filter.Values) {
			if v := c.Get(r); v.Has {
				v.filter(c.Kind, values)
			}
		})
		if c.named {
			s.Named(c.Key)
		}
		if c.Kind == Endpoint || strings.HasSuffix(c.Key, "_ip") {
			s.Endpoint(c.Key)
		}
		switch c.Key {
		case "from", "to", "request_uri", "aor":
			s.URI(c.Key)
		}
		if c.Brief && c.Key != "id" && c.Key != "verdict" {
			usual = append(usual, c.Key)
		}
	}
	for _, x := range t.closed {
		s.Only(x.name, x.words, x.said)
	}
	for _, f := range s.Fields() {
		if f.Kind == filter.Bool && f.Name != "call.media.resumed" { // which is told of those that were held
			s.OnlyTrue(strings.TrimPrefix(f.Name, t.Prefix+"."))
		}
		if strings.HasSuffix(f.Name, "ssrc") {
			s.Hex(strings.TrimPrefix(f.Name, t.Prefix+"."))
		}
	}
	s.Usual(usual...)
	s.Said(t.said)
	return s
}

var filterKinds = [...]filter.Kind{
	Endpoint: filter.String,

	Text: filter.String, Captured: filter.String, URI: filter.String, Number: filter.Decimal, Decimal: filter.Decimal,
	Time: filter.Time, Bool: filter.Bool, Frame: filter.Frame, List: filter.String,
}

// filter gives a value to a filter.
func (v *Value) filter(k Kind, to *filter.Values) {
	switch k {
	case Text:
		if v.Int != 0 { // the number of a call
			to.Name(v.Text)
			break
		}
		to.String(v.Text)
	case Captured:
		to.String(v.Text)
	case URI:
		to.URI(v.Text)
	case Endpoint:
		to.Endpoint(v.Text)
	case Number:
		to.Decimal(float64(v.Int))
	case Decimal:
		to.Decimal(v.Float)
	case Time:
		to.Time(v.Time)
	case Bool:
		to.Bool(v.Int != 0)
	case Frame:
		to.Frame(v.Frame.File, v.Frame.Number)
	case List:
		for _, s := range v.List {
			to.URI(s)
		}
	}
}
