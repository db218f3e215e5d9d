package filter

import (
	"fmt"
	"net/netip"
	"time"
)

// A Kind is what the values of a field are, and with that what they can be compared with.
type Kind uint8

// The kinds.
const (
	Present  Kind = iota // nothing to compare: the field is there or not
	Protocol             // present, contains, matches: the octets of a protocol
	String               // text
	Number               // 0 to 4294967295, in decimal or hexadecimal
	Port                 // 0 to 65535
	Decimal              // a number with sign and fraction
	IPv4                 // an address or a network
	IPv6
	Address // of either version
	Time    // a point in time, written as text
	Epoch   // a point in time, written as seconds since 1970
	Bool    // true or false
	Frame   // the number of a packet; with the number of its file in front of it, k:n, of that file alone
)

func (k Kind) String() string {
	return [...]string{"present", "octets", "text", "number", "port", "decimal", "IPv4", "IPv6", "address", "time", "epoch", "bool", "frame"}[k]
}

// A Field is one name of a schema.
type Field struct {
	Name    string
	Kind    Kind
	Doc     string // what it is, in a few words
	Example string // an expression with it; "" lets the kind choose one
}

// fields are the fields of a schema without their getters.
type fields struct {
	prefix string // with its dot
	list   []Field
	index  map[string]int
	closed []vocabulary
	named  []int            // of list, as Named takes them
	spell  map[int]spelling // of list
	usual  []string         // fields that are asked for most, without the prefix
	said   string           // what people call them, without the prefix
}

// A Schema names the fields of records of type T. It is made once, by one goroutine;
// after that it may be used by several. T is best a pointer: pointers share their code.
type Schema[T any] struct {
	fields
	get []func(T, *Values)
}

// NewSchema returns a schema without fields, whose names begin with the prefix and a dot;
// an empty prefix is none.
func NewSchema[T any](prefix string) *Schema[T] {
	if prefix != "" {
		prefix += "."
	}
	return &Schema[T]{fields: fields{prefix: prefix, index: make(map[string]int), spell: make(map[int]spelling)}}
}

// Add adds a field. get gives the values of one record to its second argument, none if
// the field is absent. A name that is taken is a mistake of the program: Add panics.
func (s *Schema[T]) Add(f Field, get func(T, *Values)) {
	f.Name = s.prefix + f.Name
	if _, taken := s.index[f.Name]; taken {
		panic("filter: two fields are named " + f.Name)
	}
	s.index[f.Name] = len(s.list)
	s.list = append(s.list, f)
	s.get = append(s.get, get)
}

// String adds a text; "" is absent.
func (s *Schema[T]) String(name, doc string, get func(T) string) {
	s.Add(Field{Name: name, Kind: String, Doc: doc}, func(r T, v *Values) {
		if x := get(r); x != "" {
			v.String(x)
		}
	})
}

// Strings adds a list of texts.
func (s *Schema[T]) Strings(name, doc string, get func(T) []string) {
	s.Add(Field{Name: name, Kind: String, Doc: doc}, func(r T, v *Values) {
		for _, x := range get(r) {
			v.String(x)
		}
	})
}

// Int adds a number that is always there, such as a count.
func (s *Schema[T]) Int(name, doc string, get func(T) int64) {
	s.Add(Field{Name: name, Kind: Decimal, Doc: doc}, func(r T, v *Values) { v.Decimal(float64(get(r))) })
}

// Float adds a number; ok is false where it is absent.
func (s *Schema[T]) Float(name, doc string, get func(T) (x float64, ok bool)) {
	s.Add(Field{Name: name, Kind: Decimal, Doc: doc}, func(r T, v *Values) {
		if x, ok := get(r); ok {
			v.Decimal(x)
		}
	})
}

// Millis adds a duration in milliseconds; ok is false where it is absent.
func (s *Schema[T]) Millis(name, doc string, get func(T) (d time.Duration, ok bool)) {
	s.Add(Field{Name: name, Kind: Decimal, Doc: doc}, func(r T, v *Values) {
		if d, ok := get(r); ok {
			v.Decimal(float64(d) / float64(time.Millisecond))
		}
	})
}

// Time adds a point in time; the zero time is absent.
func (s *Schema[T]) Time(name, doc string, get func(T) time.Time) {
	s.Add(Field{Name: name, Kind: Time, Doc: doc}, func(r T, v *Values) {
		if t := get(r); !t.IsZero() {
			v.Time(t)
		}
	})
}

// Bool adds a truth that is always there.
func (s *Schema[T]) Bool(name, doc string, get func(T) bool) {
	s.Add(Field{Name: name, Kind: Bool, Doc: doc}, func(r T, v *Values) { v.Bool(get(r)) })
}

// Address adds an address; the zero Addr is absent.
func (s *Schema[T]) Address(name, doc string, get func(T) netip.Addr) {
	s.Add(Field{Name: name, Kind: Address, Doc: doc}, func(r T, v *Values) {
		if a := get(r); a.IsValid() {
			v.Address(a)
		}
	})
}

// Port adds a port; 0 is absent.
func (s *Schema[T]) Port(name, doc string, get func(T) uint16) {
	s.Add(Field{Name: name, Kind: Port, Doc: doc}, func(r T, v *Values) {
		if p := get(r); p != 0 {
			v.Number(uint32(p))
		}
	})
}

// Fields returns the fields in the order in which they were added.
func (s *Schema[T]) Fields() []Field { return s.list }

// AppendHelp appends a list of the fields, one a line: the name, the kind, what it is, an
// example.
func (s *Schema[T]) AppendHelp(b []byte) []byte {
	for i := range s.list {
		f := &s.list[i]
		b = fmt.Appendf(b, "  %-28s %-8s %s\n", f.Name, f.Kind, f.Doc)
		b = fmt.Appendf(b, "  %-28s %s\n", "", f.ExampleText())
	}
	return b
}

// ExampleText returns an expression with the field.
func (f *Field) ExampleText() string {
	if f.Example != "" {
		return f.Example
	}
	switch f.Kind {
	case Protocol, String:
		return f.Name + ` contains "text"`
	case Number, Decimal:
		return f.Name + " >= 1"
	case Frame:
		return f.Name + " == 17"
	case Port:
		return f.Name + " in {5060, 5061}"
	case IPv4, Address:
		return f.Name + " == 192.0.2.0/24"
	case IPv6:
		return f.Name + " == 2001:db8::/32"
	case Time:
		return f.Name + ` >= "2026-11-23 10:14:00"`
	case Epoch:
		return f.Name + " >= 1795428840.5"
	case Bool:
		return f.Name + " == true"
	}
	return f.Name
}
