package sipmsg

import (
	"bytes"
	"iter"
)

// A MediaType is the value of Content-Type: RFC 3261, section 20.15.
type MediaType struct {
	Type, Subtype []byte
	Params        Params
}

// ParseMediaType scans type/subtype and the parameters behind it.
func ParseMediaType(v []byte) (t MediaType) {
	v, t.Params = SplitParams(v)
	i := bytes.IndexByte(v, '/')
	if i < 0 {
		t.Type = v
		return t
	}
	t.Type, t.Subtype = trimSpaceRight(v[:i:i]), trimSpace(v[i+1:])
	return t
}

// Is reports whether the type is the one named, in lower case. An empty subtype stands for
// any.
func (t MediaType) Is(typ, subtype string) bool {
	return equalFold(t.Type, typ) && (subtype == "" || equalFold(t.Subtype, subtype))
}

// MaxDepth bounds how deep multipart bodies are opened. Bodies of more than two levels have
// not been seen.
const MaxDepth = 8

// A Part is a part of a body that is not multipart itself, or is but could not be opened.
type Part struct {
	Type        MediaType // zero where there is no Content-Type
	Disposition []byte    // session, render, …; nil for none
	ID          []byte    // Content-ID without angle brackets; nil for none
	Header      []byte    // the header lines of the part; those of the message are not here
	Body        []byte
	Depth       int  // how many multipart bodies it is inside of
	Unclosed    bool // the closing delimiter is missing: the part may be cut
}

// Parts iterates over the parts of the body, in order. A body that is not multipart is one
// part; one of no octets is none. Multipart inside of multipart is opened down to MaxDepth,
// and a multipart body without its delimiter is given whole. RFC 5621; RFC 2046, section 5.1.
func (m *Message) Parts() iter.Seq[Part] {
	return func(yield func(Part) bool) {
		if len(m.Body) == 0 {
			return
		}
		p := Part{Body: m.Body}
		if v, ok := m.firstOf(ContentType); ok {
			p.Type = ParseMediaType(v)
		}
		if v, ok := m.firstOf(ContentDisposition); ok {
			p.Disposition, _ = SplitParams(v)
		}
		p.walk(yield)
	}
}

// walk yields p, or the parts inside of it. It reports whether to go on.
func (p Part) walk(yield func(Part) bool) bool {
	boundary := p.Type.Params.value("boundary")
	if !p.Type.Is("multipart", "") || len(boundary) == 0 || len(boundary) > maxBoundary || p.Depth == MaxDepth {
		return yield(p)
	}
	if bytes.IndexByte(boundary, '\\') >= 0 && !bytes.Contains(p.Body, boundary) { // a quoted string with escapes
		boundary = AppendUnquoted(nil, boundary)
	}
	begin, end, last := nextDelimiter(p.Body, 0, boundary)
	if begin < 0 {
		return yield(p)
	}
	for !last {
		from := end
		begin, end, last = nextDelimiter(p.Body, from, boundary)
		inner := Part{Depth: p.Depth + 1}
		if begin < 0 {
			begin, last, inner.Unclosed = len(p.Body), true, true
			if from == begin {
				break
			}
		}
		inner.head(p.Body[from:max(from, begin)])
		if !inner.walk(yield) {
			return false
		}
	}
	return true
}

// maxBoundary bounds the boundaries that are looked for. They have 70 characters and less: RFC 2046, section 5.1.1.
const maxBoundary = 128

// nextDelimiter returns where the next delimiter line in b[n:] begins, the line end in
// front of it included, and where what follows it begins. last says that it closes the body.
func nextDelimiter(b []byte, n int, boundary []byte) (begin, end int, last bool) {
	for at := n; ; {
		i := bytes.Index(b[at:], boundary)
		if i < 0 {
			return -1, len(b), false
		}
		at += i
		begin, end = at-2, at+len(boundary)
		if begin >= n && b[begin] == '-' && b[begin+1] == '-' && (begin == 0 || b[begin-1] == '\n') {
			if last = bytes.HasPrefix(b[end:], dashes); last {
				end += 2
			}
			end = scanBlanks(b, end)
			if lineEnds := scanLineEnd(b, end); lineEnds > end || end == len(b) {
				return cutLineEnd(b, begin), lineEnds, last
			}
		}
		at++
	}
}

var dashes = []byte("--")

// scanLineEnd returns the end of the line end at b[n], or n.
func scanLineEnd(b []byte, n int) int {
	if n < len(b) && b[n] == '\r' {
		n++
		if n == len(b) || b[n] != '\n' {
			return n - 1
		}
	}
	if n < len(b) && b[n] == '\n' {
		n++
	}
	return n
}

// cutLineEnd returns end without the line end before it, which is part of the delimiter. It
// may be that of the delimiter before, too.
func cutLineEnd(b []byte, end int) int {
	if end > 0 && b[end-1] == '\n' {
		end--
		if end > 0 && b[end-1] == '\r' {
			end--
		}
	}
	return end
}

// head takes in the header lines of a part and what follows them. RFC 2046, section 5.1:
// there may be none, then an empty line comes first.
func (p *Part) head(b []byte) {
	n := 0
	for n < len(b) && b[n] != '\n' && (b[n] != '\r' || n+1 == len(b) || b[n+1] != '\n') {
		end, next := lineEnd(b, n)
		for next < len(b) && isBlank(b[next]) {
			end, next = lineEnd(b, next)
		}
		p.field(b[n:end:end])
		n = next
	}
	p.Header, p.Body = b[:n:n], b[scanLineEnd(b, n):]
}

// field takes in one header line. The first of a name counts.
func (p *Part) field(line []byte) {
	colon := bytes.IndexByte(line, ':')
	if colon < 0 {
		return
	}
	name, value := trimSpace(line[:colon]), trimSpace(line[colon+1:])
	switch {
	case Lookup(name) == ContentType:
		if p.Type.Type == nil {
			p.Type = ParseMediaType(value)
		}
	case Lookup(name) == ContentDisposition:
		if p.Disposition == nil {
			p.Disposition, _ = SplitParams(value)
		}
	case equalFold(name, "content-id") && p.ID == nil:
		p.ID = trimAngles(value)
	}
}

func trimAngles(v []byte) []byte {
	if n := len(v) - 1; n >= 1 && v[0] == '<' && v[n] == '>' {
		return v[1:n:n]
	}
	return v
}

// ParseFragment replaces *m with the part of a message in b, the body of a message/sipfrag:
// RFC 3420. There may be a start line, header fields and a body, or only some of them. That
// no empty line ends the header fields is no quirk there. Without a start line the error is
// nil as long as a header field with a known name is there.
func (m *Message) ParseFragment(b []byte) error {
	err := m.Parse(b)
	if err != nil && len(b) <= MaxLen {
		*m = Message{raw: b, fields: m.fields[:0]}
		var l lines
		l.begin(b, 0)
		m.headers(&l, 0)
		known := false
		for i := range m.fields {
			known = known || m.fields[i].id != Other
		}
		if !known {
			return m.Parse(b) // for its error
		}
	}
	m.quirks &^= QuirkUnterminated
	return nil
}
