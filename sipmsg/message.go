package sipmsg

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"iter"
	"slices"
)

// MaxFields bounds the header fields kept of one message. The most that was ever seen
// in earnest is below two hundred; the limit stops a message made of field names. What
// follows the last of them is stepped over, and QuirkFieldLimit says so.
const MaxFields = 65535

// MaxLen bounds the length of a message that Parse takes: positions are 32 bits wide.
const MaxLen = 1 << 30

// A SyntaxError says why octets are not a SIP message, and where.
type SyntaxError struct {
	Off  int
	What string
}

func (e *SyntaxError) Error() string { return fmt.Sprintf("sipmsg: %s at byte %d", e.What, e.Off) }

// The refusals of Parse, allocated once.
var (
	errNoStartLine = &SyntaxError{0, "no SIP start line"}
	errTooLong     = &SyntaxError{MaxLen, "message is too long"}
)

// A Message is one scanned SIP message. The zero Message is ready for Parse. All octets
// that it returns are parts of the octets given to Parse.
type Message struct {
	StartLine []byte // without its line end

	// Of a request; nil in a response.
	Method     []byte // as written: methods are case-sensitive
	RequestURI []byte // as written, with whatever blanks stood inside of it

	// Of a response; zero in a request.
	StatusText []byte // the digits as written
	StatusCode int    // 100 to 999, or 0 when the digits are something else
	Reason     []byte // reason phrase, may be empty

	Version []byte // as written, for example SIP/2.0; nil where it is missing
	Body    []byte // what follows the empty line

	raw    []byte
	start  int // offset of the start line: what was before it is line ends
	plain  int // up to here raw is ASCII without NUL; perhaps farther
	quirks Quirks
	fields []field
	first  [numIDs]uint16 // 1 + index into fields of the first one, 0 for none
}

// A field is one header field by positions in raw:
// name <= nameEnd <= value <= valueEnd <= len(raw).
type field struct {
	name, nameEnd, value, valueEnd uint32
	id                             ID
}

// A Field is one header field of a message.
type Field struct {
	ID    ID
	Name  []byte // as written
	Value []byte // as written, without white space at its ends; folded lines hold their line ends

	Off      int // offset of the name in the octets given to Parse
	ValueOff int // offset of the value
}

// Parse replaces *m with the message in b: one datagram, or one message cut out of a
// stream. It does not fail on anything that has a SIP start line. The error is nil or a
// *SyntaxError.
func (m *Message) Parse(b []byte) error {
	n := 0
	for n < len(b) && (b[n] == '\r' || b[n] == '\n') {
		n++
	}
	var l lines
	l.begin(b, n)
	return m.parse(b, n, &l)
}

// parse is Parse behind the n line ends that b begins with: l is at b[n].
func (m *Message) parse(b []byte, n int, l *lines) error {
	fields := m.fields[:0]
	*m = Message{} // and then part by part: a whole one would be made elsewhere first
	m.raw, m.start, m.fields = b, n, fields
	if len(b) > MaxLen {
		return errTooLong
	}
	end, next := l.line(n)
	if !m.startLine(b[n:end]) {
		return errNoStartLine
	}
	m.lineQuirk(end, next)
	m.headers(l, next)
	m.plain = l.plain
	return nil
}

// parseWhole is Parse for the beginning of a stream. It reports whether the header section ends in b. Where
// it does not, m is not of use, and no empty line is in front of the line end at last; it costs little to tell that of
// few octets.
func (m *Message) parseWhole(b []byte) (whole bool, last int) {
	var l lines
	l.begin(b, 0)
	if l.look(); l.looked == len(b) && !bytes.HasSuffix(b, headEnd) {
		if last, whole = l.emptyLine(); !whole {
			return false, last
		}
	}
	return m.parse(b, 0, &l) == nil && m.quirks&QuirkUnterminated == 0, 0
}

// headEnd is how a header section ends.
var headEnd = []byte("\r\n\r\n")

// ParseCut is Parse for octets that are known to be only the beginning of a message: a
// header line that stops in the middle is left out, and so is such a Request-URI, since a part of a
// value, such as half a Call-ID, would be taken for a value.
func (m *Message) ParseCut(b []byte) error {
	err := m.Parse(b)
	n := len(m.fields)
	if len(m.StartLine) == len(b)-m.start && m.Version == nil { // half a URI is none either
		m.RequestURI = nil
		m.quirks &^= QuirkStartLine | QuirkStartSpace
	}
	if err != nil || m.quirks&QuirkUnterminated == 0 || m.quirks&QuirkFieldLimit != 0 || n == 0 {
		return err
	}
	if c := b[len(b)-1]; c == '\r' || c == '\n' {
		return nil
	}
	// What is odd about a part of a line is not odd about the message.
	err = m.Parse(b[:m.fields[n-1].name])
	m.raw = b
	return err
}

// lineEnd returns where the line that starts at b[n] ends and where the next one starts.
func lineEnd(b []byte, n int) (end, next int) {
	i := bytes.IndexByte(b[n:], '\n')
	if i < 0 {
		return len(b), len(b)
	}
	end, next = n+i, n+i+1
	if end > n && b[end-1] == '\r' {
		end--
	}
	return end, next
}

func (m *Message) lineQuirk(end, next int) {
	if next-end == 1 {
		m.quirks |= QuirkLFOnly
	}
}

// headers scans the header fields from n on up to the empty line. RFC 3261, section 7.3.1.
func (m *Message) headers(l *lines, n int) {
	b := l.b
	for n < len(b) {
		if c := b[n]; c == '\r' || c == '\n' {
			if c == '\n' {
				m.quirks |= QuirkLFOnly
				m.Body = b[n+1:]
				return
			}
			if n+1 == len(b) { // cut inside of the empty line
				break
			}
			if b[n+1] == '\n' {
				m.Body = b[n+2:]
				return
			}
		}
		if next := m.usualFields(l, n); next > n {
			n = next
			continue
		}
		end, next := l.line(n)
		m.lineQuirk(end, next)
		for next < len(b) && isBlank(b[next]) { // folded
			end, next = l.line(next)
			m.lineQuirk(end, next)
		}
		m.addField(b, n, end)
		n = next
	}
	m.quirks |= QuirkUnterminated
}

// usualFields scans header fields from n on as long as they are usual ones. It returns where the first line
// starts that is otherwise, or whose end was not looked for yet.
func (m *Message) usualFields(l *lines, n int) (next int) {
	at := l.at[l.i:l.n]
	have := len(m.fields)
	if have+len(at) > MaxFields {
		return n
	}
	m.fields = slices.Grow(m.fields, len(at))[:have+len(at)]
	count, next, twice := scanFields(m.fields[have:], l.b, at, l.base, n, &m.first, have)
	m.fields = m.fields[:have+count]
	l.i += count
	if twice {
		m.quirks |= QuirkDuplicate
	}
	return next
}

// scanFieldsInGo is scanFields for processors without a way of their own. It is written so that hardly a bound
// has to be checked.
func scanFieldsInGo(fields []field, b []byte, at []uint16, base, n int, first *[numIDs]uint16, have int) (count, next int, twice bool) {
	b = b[n:]
	i := 0
	for ; i < len(at) && i < len(fields); i++ {
		lf := base + int(at[i]) - n
		if len(b) < 18 || lf < 2 || lf+2 > len(b) {
			break
		}
		w0, w1 := binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[8:])
		if c := colonsIn(w0); c != 0 {
			w0, w1 = w0&below(c), 0
		} else if c = colonsIn(w1); c != 0 {
			w1 &= below(c)
		} else {
			break // none of those names, or one too long for a look at two words
		}
		k := &knownNames[nameTable[nameHash(w0, w1)]]
		name := int(k.len & 15)
		if w0|k.fold0 != k.w0 || w1|k.fold1 != k.w1 || b[name] != ':' {
			break
		}
		value := name + 1
		if b[value] == ' ' {
			value++
		}
		end := binary.LittleEndian.Uint32(b[lf-2 : lf+2]) // of the value, CR, LF, and what follows
		if b[value] <= ' ' || uint8(end) <= ' ' || uint16(end>>8) != '\n'<<8|'\r' || isBlank(uint8(end>>24)) {
			break
		}
		f := &fields[i] // part by part: a whole one would be made on the stack first
		f.name, f.nameEnd, f.value, f.valueEnd, f.id = uint32(n), uint32(n+name), uint32(n+value), uint32(n+lf-1), k.id
		if first[k.id] == 0 {
			first[k.id] = uint16(have + i + 1)
		} else if singles[k.id] {
			twice = true
		}
		b = b[lf+1:]
		n += lf + 1
	}
	return i, n, twice
}

// addField scans the header field b[n:end].
func (m *Message) addField(b []byte, n, end int) {
	nameEnd := scanToken(b[:end], n)
	colon := scanBlanks(b[:end], nameEnd)
	id, value := Other, colon+1
	if colon < end && b[colon] == ':' && nameEnd > n {
		id = Lookup(b[n:nameEnd])
	} else {
		nameEnd, value = m.oddField(b[:end], n)
	}
	for value < end && isSpace(b[value]) {
		value++
	}
	for end > value && isSpace(b[end-1]) {
		end--
	}
	m.keep(n, nameEnd, value, end, id)
}

// keep adds a field to the message.
func (m *Message) keep(name, nameEnd, value, end int, id ID) {
	if len(m.fields) == MaxFields {
		m.quirks |= QuirkFieldLimit
		return
	}
	m.fields = append(m.fields, field{uint32(name), uint32(nameEnd), uint32(value), uint32(end), id})
	if id != Other {
		m.note(id, len(m.fields))
	}
}

// note takes in that field n, counted from 1, is one of the kind id.
func (m *Message) note(id ID, n int) {
	if m.first[id] == 0 {
		m.first[id] = uint16(n)
	} else if singles[id] {
		m.quirks |= QuirkDuplicate
	}
}

// oddField names what stands in the place of a header field: a line without a colon, or
// a name that is no token. It returns where the name ends and the value starts.
func (m *Message) oddField(line []byte, n int) (nameEnd, value int) {
	colon := bytes.IndexByte(line[n:], ':')
	if colon < 0 {
		m.quirks |= QuirkNoColon
		return n, n
	}
	m.quirks |= QuirkHeaderName
	return n + len(trimSpaceRight(line[n:n+colon])), n + colon + 1
}

// IsRequest reports whether the message is a request.
func (m *Message) IsRequest() bool { return m.Method != nil }

// Raw returns the octets of the message, from its start line on.
func (m *Message) Raw() []byte { return m.raw[min(m.start, len(m.raw)):] }

// Offset returns where the start line began in the octets given to Parse: what stood
// before it is line ends.
func (m *Message) Offset() int { return m.start }

// NumFields returns the number of header fields.
func (m *Message) NumFields() int { return len(m.fields) }

// Field returns the header field i, counted from 0 in the order of the message.
func (m *Message) Field(i int) Field { return m.view(&m.fields[i]) }

func (m *Message) view(f *field) Field {
	return Field{f.id, m.raw[f.name:f.nameEnd:f.nameEnd], m.raw[f.value:f.valueEnd:f.valueEnd], int(f.name), int(f.value)}
}

// Fields iterates over all header fields in the order of the message.
func (m *Message) Fields() iter.Seq[Field] {
	return func(yield func(Field) bool) {
		for i := range m.fields {
			if !yield(m.view(&m.fields[i])) {
				return
			}
		}
	}
}

// First returns the value of the first header field of the kind id; ok is false if there
// is none. It may be empty, and it may be folded: see AppendUnfolded.
//
//go:noinline
func (m *Message) First(id ID) (value []byte, ok bool) { return m.firstOf(id) } // inlined it would be 17 kB: it is in a hundred places

// firstOf is First where it is asked of every message.
func (m *Message) firstOf(id ID) (value []byte, ok bool) {
	i := m.first[id]
	if i == 0 {
		return nil, false
	}
	f := &m.fields[i-1]
	return m.raw[f.value:f.valueEnd:f.valueEnd], true
}

// Has reports whether there is a header field of the kind id.
func (m *Message) Has(id ID) bool { return m.first[id] != 0 }

// A FieldSet is a set of kinds of header fields.
type FieldSet [2]uint64

// The kinds fit: a further one that does not stops the build.
const _ = uint(len(FieldSet{})*64 - int(numIDs))

// Has reports whether a kind is in the set.
func (s FieldSet) Has(id ID) bool { return s[id/64]&(1<<(id%64)) != 0 }

// FieldSet returns the kinds of header fields that there are, Other left out.
func (m *Message) FieldSet() (s FieldSet) {
	var low, high uint64
	for i := range m.fields {
		id := m.fields[i].id
		bit := uint64(1) << (id % 64)
		if id < 64 {
			low |= bit
		} else {
			high |= bit
		}
	}
	return FieldSet{low &^ (1 << Other), high}
}

// All iterates over the values of the header fields of the kind id, one a field.
func (m *Message) All(id ID) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		i := int(m.first[id])
		if i == 0 {
			return
		}
		for i--; i < len(m.fields); i++ {
			if f := &m.fields[i]; f.id == id && !yield(m.raw[f.value:f.valueEnd:f.valueEnd]) {
				return
			}
		}
	}
}

// Values iterates over the values of the kind id in order, whether they stand in fields
// of their own or in one, separated by commas (RFC 3261, section 7.3.1). Fields that are
// no lists, such as Subject or WWW-Authenticate, give one value each. Empty elements of
// a list are left out.
func (m *Message) Values(id ID) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) { m.values(id, yield) } // small enough not to allocate
}

// NumValues returns how many Values there are of the kind id.
func (m *Message) NumValues(id ID) (n int) {
	first := int(m.first[id])
	if first == 0 {
		return 0
	}
	for i := first - 1; i < len(m.fields); i++ {
		f := &m.fields[i]
		switch {
		case f.id != id || f.value == f.valueEnd && lists[id]:
		case lists[id] && bytes.IndexByte(m.raw[f.value:f.valueEnd], ',') >= 0: // perhaps several in one
			n = 0
			for range m.Values(id) {
				n++
			}
			return n
		default:
			n++
		}
	}
	return n
}

func (m *Message) values(id ID, yield func([]byte) bool) {
	for v := range m.All(id) {
		if !lists[id] {
			if !yield(v) {
				return
			}
			continue
		}
		for e := range Elements(v) {
			if !yield(e) {
				return
			}
		}
	}
}

// Elements iterates over the elements of a list, which is the value of a field such as Via or Reason: what commas separate that do not stand
// in quotes or angle brackets, without white space at its ends. Empty ones are left out. They are parts of v.
func Elements(v []byte) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for len(v) > 0 {
			var e []byte
			if e, v = nextElement(v); len(e) > 0 && !yield(e) {
				return
			}
		}
	}
}

// lists marks the fields whose values are separated by commas. A comma inside quotes or
// angle brackets does not separate.
var lists = [numIDs]bool{
	Accept: true, AcceptContact: true, AcceptEncoding: true, AcceptLanguage: true, AlertInfo: true, Allow: true,
	AllowEvents: true, CallInfo: true, Contact: true, ContentEncoding: true, ContentLanguage: true,
	Diversion: true, ErrorInfo: true, FeatureCaps: true, Geolocation: true, HistoryInfo: true, InReplyTo: true,
	PAccessNetworkInfo: true, PAssertedIdentity: true, PAssociatedURI: true, PPreferredIdentity: true,
	PVisitedNetworkID: true, Path: true, ProxyRequire: true, Reason: true, RecordRoute: true, RejectContact: true,
	RemotePartyID: true, RequestDisposition: true, Require: true, ResourcePriority: true, Route: true,
	SecurityClient: true, SecurityServer: true, SecurityVerify: true, ServiceRoute: true, Supported: true,
	Unsupported: true, UserToUser: true, Via: true, Warning: true,
}

// nextElement cuts the first element off a list.
func nextElement(v []byte) (element, rest []byte) {
	comma := bytes.IndexByte(v, ',')
	if comma < 0 {
		return trimSpace(v), nil
	}
	if i := scanUnquoted(v[:comma]); i == comma {
		return trimSpace(v[:comma]), v[comma+1:]
	}
	return nextQuotedElement(v)
}

// scanUnquoted returns the end of what holds neither a quote nor an angle bracket that opens.
func scanUnquoted(v []byte) int {
	for i, c := range v {
		if c == '"' || c == '<' {
			return i
		}
	}
	return len(v)
}

// nextQuotedElement cuts the first element off a list in which commas may be quoted.
func nextQuotedElement(v []byte) (element, rest []byte) {
	quoted, angle := false, false
	for i := 0; i < len(v); i++ {
		switch v[i] {
		case '\\':
			if quoted {
				i++
			}
		case '"':
			if !angle { // inside of a URI it does not quote
				quoted = !quoted
			}
		case '<':
			angle = angle || !quoted
		case '>':
			angle = false
		case ',':
			if !quoted && !angle {
				return trimSpace(v[:i]), v[i+1:]
			}
		}
	}
	return trimSpace(v), nil
}

// AppendUnfolded appends a value with its line folds undone: each stands for one blank.
// RFC 3261, section 7.3.1.
func AppendUnfolded(dst, v []byte) []byte {
	for {
		i := bytes.IndexByte(v, '\n')
		if i < 0 {
			return append(dst, v...)
		}
		dst = append(append(dst, trimSpaceRight(v[:i])...), ' ')
		v = v[i+1:]
		v = v[scanBlanks(v, 0):]
	}
}

// ContentLength returns the value of the Content-Length header field; ok is false if
// there is none or it is not a number.
func (m *Message) ContentLength() (n uint32, ok bool) {
	v, ok := m.firstOf(ContentLength)
	if !ok {
		return 0, false
	}
	return Number(v)
}

// CSeq returns the parts of the CSeq header field: the digits as written, their number
// with ok false if it does not fit 32 bits or is none, and the method.
func (m *Message) CSeq() (text []byte, n uint32, ok bool, method []byte) {
	v, _ := m.firstOf(CSeq)
	i := 0
	for i < len(v) && i < 9 && isDigit(v[i]) { // so many fit, whatever they are
		n = n*10 + uint32(v[i]-'0')
		i++
	}
	if i > 0 && i+1 < len(v) && v[i] == ' ' && v[i+1] > ' ' { // nearly always
		return v[:i], n, true, v[i+1:]
	}
	for i < len(v) && !isSpace(v[i]) {
		i++
	}
	n, ok = Number(v[:i])
	return v[:i], n, ok, trimSpace(v[i:])
}
