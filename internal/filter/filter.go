package filter

import (
	"bytes"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// A Filter selects records of type T. It keeps buffers, and is not safe for concurrent
// use.
type Filter[T any] struct {
	// Secrets lets comparisons see passwords, credentials and keys. Without it they see
	// what stands in their place: a filter that may be applied as often as one likes
	// would spell out any secret letter by letter.
	Secrets bool

	schema *Schema[T]
	root   *node
	values Values
}

// Match reports whether the record satisfies the filter.
func (f *Filter[T]) Match(r T) bool {
	f.values.secrets = f.Secrets
	return f.holds(f.root, r)
}

// holds evaluates a node. Its depth is bounded by that of the expression.
func (f *Filter[T]) holds(n *node, r T) bool {
	switch n.op {
	case nodeNot:
		return !f.holds(n.kids[0], r)
	case nodeAnd:
		for _, k := range n.kids {
			if !f.holds(k, r) {
				return false
			}
		}
		return true
	case nodeOr:
		for _, k := range n.kids {
			if f.holds(k, r) {
				return true
			}
		}
		return false
	}
	v := &f.values
	v.test, v.count, v.good = &n.test, 0, 0
	f.schema.get[n.test.field](r, v)
	if n.test.all {
		return v.count > 0 && v.good == v.count
	}
	return v.good > 0
}

// Values takes the values of one field of one record, and weighs each against the
// comparison at hand. Getters call the method that fits the kind of their field, once a
// value.
type Values struct {
	test        *test
	count, good int
	secrets     bool
	text        []byte // of String
	masked      []byte // of getters that take out secrets
	scratch     []byte // likewise
}

// Done reports whether further values cannot change the result. Getters may ask, to save
// work.
func (v *Values) Done() bool {
	if v.test.all {
		return v.good < v.count
	}
	return v.good > 0
}

// Secrets reports whether the comparison may see passwords, credentials and keys: a getter that
// has masked values of its own gives those where it may not.
func (v *Values) Secrets() bool { return v.secrets }

// onlyPresence reports whether it is all the same what the value is.
func (v *Values) onlyPresence() bool { return v.test.op == "" }

func (v *Values) take(good bool) {
	v.count++
	if good != v.test.negate {
		v.good++
	}
}

// Present takes that a field without values is there.
func (v *Values) Present() { v.take(true) }

// Text takes a text, or the octets of a protocol. It keeps nothing of b.
func (v *Values) Text(b []byte) {
	t := v.test
	switch t.op {
	case "":
		v.take(true)
	case "contains": // the empty text is in none, as Wireshark has it
		v.take(len(t.needle) > 0 && bytes.Contains(b, t.needle))
	case "~":
		v.take(t.re.Match(b))
	case "==":
		v.take(string(b) == t.text1())
	default:
		v.take(t.textHolds(b))
	}
}

// String takes a text.
func (v *Values) String(s string) {
	v.text = append(v.text[:0], s...)
	v.Text(v.text)
}

// URI takes a text that may hold URIs with passwords.
func (v *Values) URI(s string) {
	v.text = append(v.text[:0], s...)
	v.Text(v.clean(v.text))
}

// Endpoint takes an address with its port. It equals the address alone, too: whoever asks for a
// host seldom knows the port.
func (v *Values) Endpoint(s string) {
	v.either(strings.Trim(s[:max(strings.LastIndexByte(s, ':'), 0)], "[]"), s)
}

// Name takes a name such as call-3. It equals its number alone, too.
func (v *Values) Name(s string) {
	v.either(s[strings.LastIndexByte(s, '-')+1:], s)
}

// either takes s, which equals short as well.
func (v *Values) either(short, s string) {
	if t := v.test; short != "" && (t.op == "==" || t.op == "in") {
		v.text = append(v.text[:0], short...)
		if t.textHolds(v.text) {
			v.take(true)
			return
		}
	}
	v.String(s)
}

func (t *test) text1() string { return t.sorted[0].lo.text }

// textHolds compares a text in the ways that are rare.
func (t *test) textHolds(b []byte) bool {
	x := &t.sorted[find(len(t.sorted), func(i int) bool { return string(b) >= t.sorted[i].lo.text })]
	return t.relation(compareText(b, x.lo.text), compareText(b, x.hi.text))
}

func compareText(b []byte, s string) int {
	switch {
	case string(b) < s:
		return -1
	case string(b) > s:
		return 1
	}
	return 0
}

// find returns the last i below n for which reached holds, or 0: the interval that a value
// is in if it is in any. reached holds for a beginning of the indices.
func find(n int, reached func(i int) bool) int {
	lo, hi := 0, n
	for hi-lo > 1 {
		if mid := lo + (hi-lo)/2; reached(mid) {
			lo = mid
		} else {
			hi = mid
		}
	}
	return lo
}

// relation reports whether a value satisfies the test, given how it compares with the two
// ends of the interval.
func (t *test) relation(lo, hi int) bool {
	switch t.op {
	case "<":
		return lo < 0
	case "<=":
		return hi <= 0
	case ">":
		return hi > 0
	case ">=":
		return lo >= 0
	}
	return lo >= 0 && hi <= 0
}

// literal takes a value that is not text.
func (v *Values) literal(x literal) {
	t := v.test
	if t.op == "" {
		v.take(true)
		return
	}
	i := &t.sorted[find(len(t.sorted), func(i int) bool { return compare(t.kind, x, t.sorted[i].lo) >= 0 })]
	v.take(t.relation(compare(t.kind, x, i.lo), compare(t.kind, x, i.hi)))
}

// Number takes a whole number, or a port.
func (v *Values) Number(n uint32) { v.literal(literal{num: float64(n)}) }

// Frame takes the number of a packet in a file, which is counted from 0.
func (v *Values) Frame(file int, n int64) {
	x := literal{num: float64(n)}
	if t := v.test; t.op != "" && t.sorted[0].lo.file != 0 {
		x.file = file + 1
	}
	v.literal(x)
}

// Decimal takes a number.
func (v *Values) Decimal(x float64) { v.literal(literal{num: x}) }

// Bool takes a truth.
func (v *Values) Bool(b bool) {
	x := 0.0
	if b {
		x = 1
	}
	v.literal(literal{num: x})
}

// Address takes an address.
func (v *Values) Address(a netip.Addr) { v.literal(literal{addr: a.Unmap().WithZone("")}) }

// Time takes a point in time.
func (v *Values) Time(t time.Time) { v.literal(literal{time: t}) }

// String returns the expression in its plainest form: Parse takes it, and gives a filter
// with the same results.
func (f *Filter[T]) String() string { return string(f.root.append(nil)) }

func (n *node) append(b []byte) []byte {
	switch n.op {
	case nodeNot:
		return n.kids[0].appendIn(append(b, "not "...), true)
	case nodeAnd, nodeOr:
		for i, k := range n.kids {
			switch {
			case i == 0:
			case n.op == nodeAnd:
				b = append(b, " and "...)
			default:
				b = append(b, " or "...)
			}
			b = k.appendIn(b, n.op == nodeAnd)
		}
		return b
	}
	return n.test.append(b)
}

// appendIn appends a kid, in brackets where it would fall apart.
func (n *node) appendIn(b []byte, tight bool) []byte {
	if n.op != nodeOr && n.op != nodeAnd || !tight && n.op == nodeAnd {
		return n.append(b)
	}
	return append(n.append(append(b, '(')), ')')
}

func (t *test) append(b []byte) []byte {
	b = append(b, t.name...)
	switch t.op {
	case "":
		return b
	case "contains":
		return appendQuoted(append(b, " contains "...), t.text)
	case "~":
		return appendQuoted(append(b, " matches "...), t.text)
	case "in":
		b = append(b, " in {"...)
		for i := range t.set {
			if i > 0 {
				b = append(b, ", "...)
			}
			b = t.set[i].append(b, t.kind)
		}
		return append(b, '}')
	}
	b = append(b, ' ')
	switch {
	case t.all && t.negate:
		b = append(b, "!="...)
	case t.all:
		b = append(b, "==="...)
	case t.negate:
		b = append(b, "!=="...)
	default:
		b = append(b, t.op...)
	}
	return t.set[0].append(append(b, ' '), t.kind)
}

func (x *interval) append(b []byte, k Kind) []byte {
	if k != String {
		return append(b, x.src...)
	}
	b = appendQuoted(b, x.lo.text)
	if x.ranged {
		b = appendQuoted(append(b, " .. "...), x.hi.text)
	}
	return b
}

// appendQuoted appends text in quotes, so that it can be read again.
func appendQuoted(b []byte, s string) []byte {
	b = append(b, '"')
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c < 0x20 || c == 0x7f:
			b = append(b, `\x`...)
			if c < 0x10 {
				b = append(b, '0')
			}
			b = strconv.AppendUint(b, uint64(c), 16)
		default:
			b = append(b, c)
		}
	}
	return append(b, '"')
}
