package filter

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"
	"unicode"

	"github.com/sipsight/sipsight/sipmsg"
)

const (
	// maxExpr bounds an expression, in characters: what a person writes is a line, what a
	// program writes lists a few hundred names.
	maxExpr = 4 << 10

	// maxDepth bounds how deep brackets and negations lie in each other.
	maxDepth = 64

	// maxTests bounds the comparisons of one expression. Each costs a walk over a
	// record; the elements of a set do not.
	maxTests = 256
)

// A node is a condition. The kids of and and or are two or more, and not of its own kind.
type node struct {
	op   nodeOp
	kids []*node
	test test // of nodeTest
}

type nodeOp uint8

const (
	nodeTest nodeOp = iota
	nodeNot
	nodeAnd
	nodeOr
)

// A test compares the values of one field.
type test struct {
	field int
	name  string
	kind  Kind
	op    string // "" (is present), ==, <, <=, >, >=, in, contains, ~
	// The test holds if one value satisfies it; where all is set, if there are values
	// and all satisfy it. negate turns around what it is to satisfy it.
	all, negate bool

	set    []interval // as written
	sorted []interval // without overlaps, ascending
	text   string     // of contains and ~
	needle []byte
	re     *regexp.Regexp
	forms  uint8 // of frames: 1 where some have no file, 2 where some have one
}

// An interval is a literal: one value, a range of a set, or a network. lo <= hi.
type interval struct {
	lo, hi literal
	src    string // as written, but for text
	ranged bool   // written as a range
}

// A parser turns an expression into a node.
type parser struct {
	expr   string
	n      int // where scanning goes on
	fields *fields
	tok    token // the one to look at
	depth  int
	tests  int
	err    *Error // the first
}

// Parse returns the filter that expr describes. The error is an *Error.
func (s *Schema[T]) Parse(expr string) (*Filter[T], error) {
	p := parser{expr: expr, fields: &s.fields}
	root, err := p.parse()
	if err != nil {
		return nil, err
	}
	return &Filter[T]{schema: s, root: root}, nil
}

func (p *parser) parse() (*node, error) {
	if end := behind(p.expr, maxExpr); end < len(p.expr) {
		return nil, p.fail(end, len(p.expr), fmt.Sprintf("the expression is longer than %d characters", maxExpr), "")
	}
	p.advance()
	if p.err == nil && p.tok.kind == tokEnd {
		return nil, p.fail(0, len(p.expr), "the expression is empty", "an example is "+p.fields.example())
	}
	n := p.or()
	if p.err == nil && p.tok.kind != tokEnd {
		p.unexpected("conditions are joined with and or or")
	}
	if p.err != nil {
		return nil, p.err
	}
	return n, nil
}

// behind returns where the first n characters of s end.
func behind(s string, n int) int {
	for i := range s {
		if n--; n < 0 {
			return i
		}
	}
	return len(s)
}

func (p *parser) fail(pos, end int, what, hint string) *Error {
	return &Error{p.expr, pos, end, what, hint, nil}
}

// failAt notes an error, of which the first counts, and ends scanning.
func (p *parser) failAt(t token, what, hint string) {
	if p.err == nil {
		p.err = p.fail(t.pos, t.end, what, hint)
	}
	p.tok = token{pos: len(p.expr), end: len(p.expr)}
}

func (p *parser) advance() {
	if p.err != nil {
		return
	}
	t, err := p.next()
	if err != nil {
		p.err = err
		t = token{pos: len(p.expr), end: len(p.expr)}
	}
	p.tok = t
}

func (p *parser) unexpected(hint string) {
	t := p.tok
	switch {
	case t.kind == tokEnd:
		p.failAt(t, "the expression ends too early", hint)
	case t.kind == tokWord && operator(strings.ToLower(t.text)) != "":
		p.failAt(t, "operators are written in lower case", "write "+strings.ToLower(t.text))
	case t.kind == tokWord && strings.EqualFold(t.text, "xor"):
		p.failAt(t, "exclusive or is not supported", "write (a or b) and not (a and b)")
	default:
		p.failAt(t, quoteSource(p.expr[t.pos:t.end])+" is not expected here", hint)
	}
}

// quoteSource returns a part of an expression fit for a message.
func quoteSource(s string) string {
	if r := []rune(s); len(r) > 40 {
		s = string(r[:40]) + "…"
	}
	if strings.HasPrefix(s, `"`) && strings.IndexFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) < 0 {
		return s
	}
	return strconv.Quote(s)
}

// isOp reports whether the token is the operator op, and steps over it if so.
func (p *parser) isOp(op string) bool {
	if p.tok.kind != tokOp || p.tok.text != op {
		return false
	}
	p.advance()
	return true
}

func (p *parser) or() *node { return p.chain(nodeOr, "||", p.and) }

// and binds tighter than or, as in Wireshark since version 4.
func (p *parser) and() *node { return p.chain(nodeAnd, "&&", p.unary) }

// chain parses what is joined with one operator into one node, so that depth is not
// what makes a long list of alternatives.
func (p *parser) chain(op nodeOp, symbol string, operand func() *node) *node {
	kids := appendFlat(nil, op, operand())
	for p.err == nil && p.isOp(symbol) {
		kids = appendFlat(kids, op, operand())
	}
	if p.err != nil {
		return nil
	}
	if len(kids) == 1 {
		return kids[0]
	}
	return &node{op: op, kids: kids}
}

func appendFlat(kids []*node, op nodeOp, n *node) []*node {
	if n != nil && n.op == op {
		return append(kids, n.kids...)
	}
	return append(kids, n)
}

func (p *parser) unary() *node {
	t := p.tok
	if p.depth++; p.depth > maxDepth {
		p.failAt(t, fmt.Sprintf("brackets and negations lie deeper than %d", maxDepth), "")
		return nil
	}
	defer func() { p.depth-- }()
	switch {
	case p.isOp("!"):
		return &node{op: nodeNot, kids: []*node{p.unary()}}
	case p.isOp("("):
		n := p.or()
		if p.err == nil && !p.isOp(")") {
			p.unexpected(fmt.Sprintf("the bracket opened at character %d needs a )", len([]rune(p.expr[:t.pos]))+1))
		}
		return n
	}
	return p.test()
}

// test parses a field and what is asked of it.
func (p *parser) test() *node {
	name := p.tok
	if name.kind != tokWord {
		hint := "a field is expected"
		if name.kind == tokString {
			hint = "the field stands on the left, the value on the right"
		}
		p.unexpected(hint)
		return nil
	}
	t := test{name: name.text}
	var known bool
	if t.field, known = p.fields.index[name.text]; !known {
		p.unknownField(name)
		return nil
	}
	t.kind = p.fields.list[t.field].Kind
	if p.tests++; p.tests > maxTests {
		p.failAt(name, fmt.Sprintf("there are more than %d comparisons", maxTests), "alternatives for one field fit in a set: name in {a, b}")
		return nil
	}
	p.advance()
	n := &node{}
	op := p.tok
	if op.kind != tokOp {
		n.test = t
		return n
	}
	switch op.text {
	case "==", "!=", "===", "!==", "<", "<=", ">", ">=":
		p.advance()
		t.comparison(op.text)
		if p.comparable(&t, op) {
			p.single(&t, op)
		}
	case "in":
		p.advance()
		t.op = "in"
		if p.comparable(&t, op) {
			p.set(&t)
		}
	case "!":
		if p.expr[op.pos:op.end] != "not" {
			break
		}
		if p.advance(); !p.isOp("in") {
			p.unexpected("a field can be followed by: not in")
			return nil
		}
		t.op = "in"
		if p.comparable(&t, op) {
			p.set(&t)
		}
		return &node{op: nodeNot, kids: []*node{{test: t}}}
	case "contains", "~":
		p.advance()
		t.op = op.text
		p.textTest(&t, op)
	}
	n.test = t
	return n
}

// comparison notes a relation with what it says of several values.
func (t *test) comparison(op string) {
	t.op = op
	switch op {
	case "!=":
		t.op, t.all, t.negate = "==", true, true
	case "===":
		t.op, t.all = "==", true
	case "!==":
		t.op, t.negate = "==", true
	}
}

func (p *parser) unknownField(t token) {
	switch n := p.fields.nearest(t.text); {
	case operator(strings.ToLower(t.text)) != "":
		p.unexpected("")
	case isFunction(t.text) && p.expr[t.end:] != "" && strings.HasPrefix(strings.TrimLeft(p.expr[t.end:], " "), "("):
		p.failAt(t, "functions are not supported", "")
	case t.text == "any" || t.text == "all":
		p.failAt(t, "quantifiers are not supported", "write === for all equal, == for any equal")
	case n != "":
		hint := "did you mean " + n
		if text := strings.ToLower(t.text); strings.HasSuffix(n, "_ms") && !strings.HasSuffix(text, "ms") {
			hint += ", in milliseconds"
		}
		p.noField(t, "", hint+"?")
		if strings.EqualFold(n, t.text) { // it was
			p.err.Fields = nil
		}
	case t.text[0]-'0' < 10 || t.text[0] == '-':
		hint := "the field stands on the left, the value on the right"
		if strings.TrimSpace(p.expr[t.end:]) == "" {
			hint = "write what it is compared with, such as " + p.fields.holding(t.text)
		}
		p.failAt(t, "a comparison begins with a field", hint)
	case p.fields.valueHint(t.text) != "":
		p.noField(t, " here", p.fields.valueHint(t.text))
	case p.fields.prefix != "" && !strings.HasPrefix(t.text, p.fields.prefix):
		p.noField(t, " here", "the names begin with "+p.fields.prefix+" and are listed by: sipsight help filter")
	case p.fields.prefix == "" && isRow(t.text):
		p.noField(t, " here", "the names of messages begin with sip., sdp., ip. and the like, and are listed by: sipsight help filter")
	case p.fields.prefix == "" && sipmsg.KnownMethod([]byte(strings.ToUpper(t.text))):
		p.noField(t, "", "a method is asked for by sip.Method == "+strings.ToUpper(t.text))
	default:
		p.noField(t, "", "all fields are listed by: sipsight help filter")
	}
}

// isRow reports whether a name is one of rows that are made of messages.
func isRow(name string) bool {
	switch of, _, _ := strings.Cut(name, "."); of {
	case "call", "reg", "stream", "finding":
		return true
	}
	return false
}

// noField refuses a name, and offers others.
func (p *parser) noField(t token, here, hint string) {
	p.failAt(t, "there is no field "+t.text+here, hint)
	p.err.Fields = p.fields.suggest(t.text)
}

func isFunction(name string) bool {
	switch name {
	case "len", "count", "upper", "lower", "string", "max", "min", "abs":
		return true
	}
	return false
}

// comparable reports whether the field has values that can be compared.
func (p *parser) comparable(t *test, op token) bool {
	switch t.kind {
	case Present:
		p.failAt(op, t.name+" is there or not, and has nothing to compare", "write "+t.name+" or not "+t.name)
		return false
	case Protocol:
		p.failAt(op, t.name+" is a protocol, whose octets cannot be compared", "write "+t.name+` contains "text"`)
		return false
	}
	return p.err == nil
}

// single parses the right side of a comparison.
func (p *parser) single(t *test, op token) {
	x, ok := p.literal(t)
	if !ok {
		return
	}
	if p.tok.kind == tokOp {
		switch p.tok.text {
		case "==", "!=", "===", "!==", "<", "<=", ">", ">=", "contains", "~", "in":
			p.unexpected("chains of comparisons are not supported; join two with and")
			return
		}
	}
	switch v := p.fields.vocabulary(t.field); {
	case v != nil && t.kind == Bool && t.negate:
		p.failAt(op, t.name+" is true or absent", "write not "+t.name)
		return
	case t.op == "==":
	case t.kind == Bool:
		p.failAt(op, "true and false have no order", "use == or !=")
		return
	case v != nil:
		p.failAt(op, t.name+" is a word, and words like these have no order", "use == or in {…} with some of: "+v.list())
		return
	case slices.Contains(p.fields.named, t.field):
		p.failAt(op, t.name+" is a name, and names like these have no order", "use == or in {…}")
		return
	}
	t.set = []interval{x}
	t.sorted = t.set
}

// maxPattern bounds a pattern, in octets, and maxProgram what it compiles to: matching
// takes time in proportion to both the text and the program.
const (
	maxPattern = 1 << 10
	maxProgram = 10000
)

// textOp returns how an operator for text alone is written.
func textOp(op string) string {
	if op == "~" {
		return "matches"
	}
	return op
}

// textTest parses the right side of contains and matches.
func (p *parser) textTest(t *test, op token) {
	tok := p.tok
	what := textOp(op.text)
	switch {
	case p.err != nil:
		return
	case t.kind != String && t.kind != Protocol:
		hint := "use ==, <, > and in {…}"
		if t.kind == Present {
			hint = "write " + t.name + " or not " + t.name
		}
		p.failAt(op, what+" is for text, and "+t.name+" is none ("+t.kind.String()+")", hint)
		return
	case tok.kind == tokWord && t.op == "contains" && p.isText(tok):
	case tok.kind == tokWord:
		p.failAt(tok, "text stands in double quotes here", `write "`+tok.text+`"`)
		return
	case tok.kind != tokString:
		p.unexpected(what + " is followed by text in double quotes")
		return
	}
	p.advance()
	t.text = tok.text
	t.needle = []byte(tok.text)
	if t.op == "~" {
		re, what, hint := compile(tok.text)
		if re == nil {
			p.failAt(tok, what, hint)
			return
		}
		t.re = re
	}
	if v := p.fields.vocabulary(t.field); v != nil && !slices.ContainsFunc(v.words, t.holdsOf) {
		p.failAt(tok, "no "+t.name+" "+textOp(t.op)+" that", "it is one of: "+v.list())
	}
}

// holdsOf reports whether contains or matches holds of a text.
func (t *test) holdsOf(s string) bool {
	if t.op == "~" {
		return t.re.MatchString(s)
	}
	return strings.Contains(s, t.text)
}

// set parses {a, b, c .. d}.
func (p *parser) set(t *test) {
	open := p.tok
	if !p.isOp("{") {
		p.unexpected("in is followed by a set in braces: {1, 2, 5 .. 9}")
		return
	}
	for p.err == nil {
		x, ok := p.literal(t)
		if !ok {
			return
		}
		if dots := p.tok; p.isOp("..") {
			y, ok := p.literal(t)
			if !ok {
				return
			}
			x = p.joinRange(t, x, y, dots)
		}
		t.set = append(t.set, x)
		if p.isOp("}") {
			t.sorted = merge(t.kind, t.set)
			return
		}
		if !p.isOp(",") {
			p.unexpected(fmt.Sprintf("the elements of the set opened at character %d are separated by commas, and it ends with a }", len([]rune(p.expr[:open.pos]))+1))
		}
	}
}

func (p *parser) joinRange(t *test, x, y interval, dots token) interval {
	switch {
	case x.ranged || y.ranged || compare(t.kind, x.lo, x.hi) != 0 || compare(t.kind, y.lo, y.hi) != 0:
		p.failAt(dots, "the ends of a range are single values", "")
	case slices.Contains(p.fields.named, t.field):
		p.failAt(dots, "names like these have no order", "list them, with commas")
	case compare(t.kind, x.lo, y.hi) > 0:
		p.failAt(dots, "the range ends before it begins", "")
	case t.kind == Bool:
		p.failAt(dots, "true and false have no order", "")
	case p.fields.vocabulary(t.field) != nil:
		p.failAt(dots, "words like these have no order", "list them, with commas")
	}
	return interval{x.lo, y.hi, x.src + " .. " + y.src, true}
}

// merge returns the intervals in ascending order without overlaps, so that a value is
// found by halving.
func merge(k Kind, set []interval) []interval {
	list := slices.Clone(set)
	sort.Slice(list, func(i, j int) bool {
		a, b := list[i], list[j]
		if c := compare(k, a.lo, b.lo); c != 0 {
			return c < 0
		}
		return compare(k, a.hi, b.hi) < 0
	})
	out := list[:1]
	for _, x := range list[1:] {
		if last := &out[len(out)-1]; compare(k, x.lo, last.hi) > 0 {
			out = append(out, x)
		} else if compare(k, x.hi, last.hi) > 0 {
			last.hi = x.hi
		}
	}
	return out
}

// isText reports whether a word may stand for itself as text. Wireshark takes a word that
// is a name for the field.
func (p *parser) isText(t token) bool {
	if _, isField := p.fields.index[t.text]; isField {
		return false
	}
	return !strings.ContainsAny(t.text, ":/+") && t.text[0] != '-' && t.text[0] != '.'
}

// literal parses a value of the kind of the field.
func (p *parser) literal(t *test) (x interval, ok bool) {
	tok := p.tok
	if p.err != nil {
		return x, false
	}
	if tok.kind != tokWord && tok.kind != tokString {
		hint := "a value is expected"
		if tok.kind == tokOp && operator(p.expr[tok.pos:tok.end]) != "" {
			hint = "a value is expected; text that is an operator stands in double quotes"
		}
		p.unexpected(hint)
		return x, false
	}
	if tok.kind == tokWord {
		if _, isField := p.fields.index[tok.text]; isField {
			p.failAt(tok, "two fields cannot be compared", "text stands in double quotes")
			return x, false
		}
	}
	p.advance()
	if p.err != nil {
		return x, false
	}
	x.src = tok.text
	if what, hint := p.value(t, tok, &x); what != "" {
		p.failAt(tok, what, hint)
		return x, false
	}
	if !x.ranged {
		x.hi = x.lo
	}
	x.ranged = false
	return x, true
}

// value takes a token for a value of the kind of the field. It says what is wrong with it, "" for nothing, and what to write.
func (p *parser) value(t *test, tok token, x *interval) (what, hint string) {
	switch t.kind {
	case String:
		if tok.kind == tokWord && !p.isText(tok) {
			what, hint = "this text needs double quotes", `write "`+tok.text+`"`
		}
		if _, err := netip.ParsePrefix(tok.text); err == nil && (what != "" || p.fields.prefix != "") { // Wireshark compares it
			what, hint = t.name+" is text, which is in no network", `write a pattern, such as `+t.name+` matches "^10\\." for 10.0.0.0/8`
		}
		x.lo.text, x.src = tok.text, ""
		if f := p.fields.spell[t.field]; f != nil && what == "" {
			x.lo.text, what, hint = f(tok.text)
			if rest, ok := strings.CutPrefix(hint, "write "); ok && t.negate {
				hint = "write not " + rest
			}
		}
		if v := p.fields.vocabulary(t.field); v != nil && what == "" {
			what, hint = v.refuse(t.name, tok.text)
		}
	case Time:
		if tok.kind == tokWord {
			what, hint = "a time stands in double quotes", timeHint
			break
		}
		var good bool
		if x.lo.time, good = ParseTime(tok.text); !good {
			what, hint = "this is no time", timeHint
		}
		x.src = strconv.Quote(tok.text)
	default:
		if tok.kind == tokString {
			what, hint = t.name+" is compared with "+article[t.kind]+", which stands without quotes", ""
			if bad, _ := parsePlain(t.kind, tok.text, new(interval)); bad == "" {
				hint = "write " + tok.text
			}
			break
		}
		what, hint = parsePlain(t.kind, tok.text, x)
		if v := p.fields.vocabulary(t.field); v != nil && what == "" {
			what, hint = v.refuse(t.name, strings.ToLower(tok.text))
		}
		if t.kind == Frame && what == "" {
			t.forms |= 1 << min(x.lo.file, 1)
			if t.forms == 3 { // they have no order
				what, hint = "numbers with and without a file do not go together", "write all as k:n, or none"
			}
		}
	}
	return what, hint
}

const timeHint = `times are written "2026-11-23 10:14:00" or "2026-11-23T10:14:00.5Z", in UTC unless they have an offset`

var article = [...]string{Number: "a number", Port: "a port", Decimal: "a number", IPv4: "an IPv4 address", IPv6: "an IPv6 address",
	Address: "an address", Epoch: "seconds since 1970", Bool: "true or false", Frame: "the number of a packet, such as 17 or 2:17"}

// parsePlain parses a value that stands without quotes. A network sets ranged, since it
// has two ends.
func parsePlain(k Kind, s string, x *interval) (what, hint string) {
	switch k {
	case Number, Port:
		x.lo.num, what, hint = parseNumber(k, s)
	case Decimal:
		f, err := strconv.ParseFloat(s, 64)
		if err != nil || strings.Trim(s, "-.0123456789") != "" {
			return "this is no number", "numbers are written 5000 or 0.5"
		}
		x.lo.num = f + 0
	case Epoch:
		var ok bool
		if x.lo.time, ok = parseEpoch(s); !ok {
			return "these are no seconds since 1970", "write them as 1795428840 or 1795428840.25; a time of day goes with frame.time"
		}
	case Frame:
		k, n, ok := strings.Cut(s, ":")
		if !ok {
			x.lo.num, what, hint = parseNumber(Number, s)
			break
		}
		file, err := strconv.ParseUint(k, 10, 31)
		if err != nil || file == 0 || n == "" || strings.Contains(n, ":") {
			return "this is no packet", "write 17, or 2:17 for that of the second file"
		}
		x.lo.file = int(file)
		x.lo.num, what, hint = parseNumber(Number, n)
	case Bool:
		switch s {
		case "true", "True", "TRUE":
			x.lo.num = 1
		case "false", "False", "FALSE":
		default:
			return "this is neither true nor false", ""
		}
	case IPv4, IPv6, Address:
		return parseAddress(k, s, x)
	}
	return what, hint
}

func parseNumber(k Kind, s string) (x float64, what, hint string) {
	limit := uint64(1<<32 - 1)
	if k == Port {
		limit = 1<<16 - 1
	}
	digits, base := s, 10
	switch {
	case strings.HasPrefix(s, "0x") || strings.HasPrefix(s, "0X"):
		digits, base = s[2:], 16
	case len(s) > 1 && s[0] == '0' && strings.Trim(s, "0123456789") == "":
		return 0, "a number with leading zeros is octal to Wireshark", "write it without them"
	case len(s) > 1 && s[0] == '-' && strings.Trim(s[1:], "0123456789") == "":
		return 0, "the field is never negative", ""
	}
	n, err := strconv.ParseUint(digits, base, 64)
	switch {
	case err != nil && strings.Trim(s, "0123456789") != "" || digits != "" && digits[0] == '+':
		return 0, "this is no whole number", "numbers are written 200 or 0xc8"
	case err != nil || n > limit:
		return 0, fmt.Sprintf("this number is too big; the most is %d", limit), ""
	}
	return float64(n), "", ""
}

func parseAddress(k Kind, s string, x *interval) (what, hint string) {
	addr, bits, isNet := strings.Cut(s, "/")
	a, err := netip.ParseAddr(addr)
	hint = "addresses are written 192.0.2.1, 2001:db8::1 or 192.0.2.0/24"
	switch k {
	case IPv4:
		hint = "addresses are written 192.0.2.1 or 192.0.2.0/24"
	case IPv6:
		hint = "addresses are written 2001:db8::1 or 2001:db8::/32"
	}
	if err != nil || a.Zone() != "" {
		return "this is no " + strings.TrimPrefix(strings.TrimPrefix(article[k], "an "), "a "), hint
	}
	if k == IPv4 && !a.Is4() {
		return "this is no IPv4 address", "IPv6 addresses go with ipv6.addr, ipv6.src and ipv6.dst"
	}
	if k == IPv6 && a.Is4() {
		return "this is no IPv6 address", "IPv4 addresses go with ip.addr, ip.src and ip.dst"
	}
	x.lo.addr = a
	if !isNet {
		return "", ""
	}
	n, err := strconv.ParseUint(bits, 10, 8)
	net, err2 := a.Prefix(int(n))
	if err != nil || err2 != nil || len(bits) > 3 {
		return "the length of a network prefix goes up to " + strconv.Itoa(a.BitLen()), hint
	}
	x.lo.addr, x.hi.addr, x.ranged = net.Addr(), lastOf(net), true
	return "", ""
}

// lastOf returns the last address of a network.
func lastOf(n netip.Prefix) netip.Addr {
	b := n.Addr().AsSlice()
	for i := n.Bits(); i < len(b)*8; i++ {
		b[i/8] |= 0x80 >> (i % 8)
	}
	a, _ := netip.AddrFromSlice(b)
	return a
}
