package sdp

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
)

// The limits of one description. What is over them is left out, and a complaint says so.
const (
	// MaxLines bounds the lines. The most that was seen in earnest, offers of video
	// conferences in browsers, is below ten thousand.
	MaxLines = 16384

	// MaxMedia bounds the media descriptions: a conference has a few hundred.
	MaxMedia = 1024

	// MaxFormats bounds the formats of one media description. RTP has 128 payload types.
	MaxFormats = 256

	// MaxComplaints bounds the complaints: nobody reads more.
	MaxComplaints = 256
)

// A SyntaxError says why octets are no session description.
type SyntaxError struct {
	Line int // counted from 1
	What string
}

func (e *SyntaxError) Error() string { return fmt.Sprintf("sdp: %s at line %d", e.What, e.Line) }

// errNoLine is the one refusal of Parse, allocated once.
var errNoLine = &SyntaxError{1, "no line of a session description"}

// A Session is one session description. The zero Session is ready for Parse, and may be
// parsed into again and again. All octets that it holds are parts of the octets given to
// Parse, and live until those are overwritten; its slices live until the next Parse. They
// are to be read, not written to: the names of static codecs are shared by all. See Clone.
//
// Keys and passwords are not in it: see Line.Masked.
type Session struct {
	Version    []byte      // of v=; nil where it is missing
	Origin     Origin      // of o=
	Name       []byte      // of s=, with blanks at its ends; nil where it is missing
	Info       []byte      // of i=, with blanks at its ends
	URI        []byte      // of u=
	Connection Connection  // of c= ahead of the first media description
	Bandwidths []Bandwidth // of b= ahead of the first media description
	Timings    []Timing    // of t=
	Attributes []Attribute // of a= ahead of the first media description
	Media      []Media     // in the order of their m=, which is what offer and answer go by
	Lines      []Line      // everything, in order
	Complaints []Complaint // by line, those about the whole at the end

	inherit inherited

	// What the sections of a description hold, one behind the other.
	attributes  []Attribute
	bandwidths  []Bandwidth
	connections []Connection
	formats     [][]byte
	codecs      []Codec
	mids        map[uint64]bool // hashes of the names of streams

	// Of the description that is being parsed.
	seen  uint32 // letters of the section, by rank
	last  int    // highest rank of the section
	count int    // of media descriptions, with those left out
}

// A Line is one line of a description.
type Line struct {
	Number int    // counted from 1
	Letter byte   // what stands before the equals sign; 0 for a line that has no such form
	Value  []byte // what stands behind it, or all of a line without a letter

	// Masked reports that something secret stood behind Value and was left out: the key of
	// a=crypto, the password of a=ice-pwd, a k=. It is nowhere in the Session.
	Masked bool
	secret uint64 // a hash of it, seeded anew in each process
}

// Parse reads a description: a new Session and the error of its method.
func Parse(b []byte) (*Session, error) {
	s := new(Session)
	err := s.Parse(b)
	return s, err
}

// Parse replaces *s with the description in b. It takes what is there and complains about
// what is wrong with it; the error is nil, or a *SyntaxError where no line at all has the
// form of a line of SDP.
func (s *Session) Parse(b []byte) error {
	s.reset()
	some, strict := false, true
	for c := newCutter(b); c.n < len(b); {
		if len(s.Lines) == MaxLines {
			s.complain(MaxLines+1, RuleLineLimit)
			break
		}
		line, end := c.next()
		switch {
		case end == 0:
			s.complain(len(s.Lines)+1, RuleLastLine)
		case end == 1 && strict:
			s.complain(len(s.Lines)+1, RuleLineEnd) // once: the others are no different
			strict = false
		}
		some = s.line(line) || some
	}
	if !some {
		s.reset()
		return errNoLine
	}
	s.finish()
	return nil
}

// reset empties s and keeps what it has allocated.
func (s *Session) reset() {
	clear(s.mids)
	*s = Session{
		Timings: s.Timings[:0], Media: s.Media[:0], Lines: s.Lines[:0], Complaints: s.Complaints[:0],
		attributes: s.attributes[:0], bandwidths: s.bandwidths[:0], connections: s.connections[:0],
		formats: s.formats[:0], codecs: s.codecs[:0], mids: s.mids, last: -1,
	}
}

// complain notes a fault. Inlined it would be in sixty places, which take 25 kB.
//
//go:noinline
func (s *Session) complain(line int, r Rule) {
	switch n := len(s.Complaints); {
	case n < MaxComplaints-1:
		s.Complaints = append(s.Complaints, Complaint{line, r})
	case n == MaxComplaints-1:
		s.Complaints = append(s.Complaints, Complaint{0, RuleComplaintLimit})
	}
}

// line takes in one line, and reports whether it has the form of one.
func (s *Session) line(b []byte) bool {
	number := len(s.Lines) + 1
	if bytes.IndexByte(b, 0) >= 0 {
		s.complain(number, RuleNUL)
	}
	letter, value := s.split(number, b)
	l := Line{Number: number, Letter: letter, Value: value}
	if cut := secretAt(letter, value); cut >= 0 {
		l.Value, l.Masked, l.secret = value[:cut:cut], true, hash(value[cut:])
	}
	s.Lines = append(s.Lines, l)
	if letter == 0 {
		return false
	}
	if !s.place(number, letter) {
		return true
	}
	s.value(number, letter, l.Value)
	return true
}

// split cuts a line at its equals sign. RFC 8866, section 5.
func (s *Session) split(number int, b []byte) (letter byte, value []byte) {
	i := scanBlanks(b, 0)
	if i == len(b) {
		s.complain(number, RuleEmptyLine)
		return 0, b
	}
	eq := scanBlanks(b, i+1)
	if !isLetter(b[i]) || eq == len(b) || b[eq] != '=' {
		s.complain(number, RuleLine)
		return 0, b
	}
	letter, value = b[i], b[eq+1:]
	odd := eq != 1
	switch letter {
	case 's', 'i': // text, blanks and all: s= followed by a blank means no name
	default:
		v := trim(value)
		// Blanks at the end of an attribute may be part of its value.
		odd = odd || len(v) != len(value) && (letter != 'a' || isBlank(value[0]))
		value = v
	}
	if odd {
		s.complain(number, RuleSpace)
	}
	return letter, value
}

// The letters in the order in which they stand. RFC 8866, section 5. Repetitions and time
// zones go with the time that they belong to.
const (
	sessionLetters = "vosiuepcbtka"
	mediaLetters   = "micbka"
)

// place checks whether a line of that letter may stand here. It reports false for one that
// is left out: its letter means nothing, or it stands there already.
func (s *Session) place(number int, letter byte) bool {
	order, once := sessionLetters, "vosiuck"
	if s.count > 0 || letter == 'm' {
		order, once = mediaLetters, "ik"
	}
	find := letter
	if s.count == 0 && (letter == 'r' || letter == 'z') {
		find = 't'
	}
	rank := strings.IndexByte(order, find)
	if rank < 0 {
		if strings.IndexByte(sessionLetters+"mrz", letter) >= 0 {
			s.complain(number, RuleOrder) // it belongs to the session
		} else {
			s.complain(number, RuleLetter)
		}
		return false
	}
	if letter == 'm' {
		s.seen, s.last = 0, -1
		return true
	}
	if rank < s.last {
		s.complain(number, RuleOrder)
	}
	s.last = max(s.last, rank)
	bit := uint32(1) << rank
	twice := s.seen&bit != 0
	if letter == 'r' || letter == 'z' {
		if !twice {
			s.complain(number, RuleRepeat)
		}
		return true
	}
	s.seen |= bit
	if twice && strings.IndexByte(once, letter) >= 0 {
		s.complain(number, RuleTwice)
		return false
	}
	return true
}

// value takes in what stands behind the equals sign.
func (s *Session) value(number int, letter byte, v []byte) {
	var m *Media
	switch {
	case s.count == 0 || letter == 'm':
	case s.count > len(s.Media): // of a media description that was left out
		return
	default:
		m = &s.Media[len(s.Media)-1]
	}
	switch letter {
	case 'v':
		s.Version = v
		if n, ok := number64(v); !ok || n != 0 {
			s.complain(number, RuleVersion)
		}
	case 'o':
		s.origin(number, v)
	case 's':
		s.Name = v
		if len(v) == 0 {
			s.complain(number, RuleName)
		}
	case 'i':
		if m != nil {
			m.Info = v
		} else {
			s.Info = v
		}
	case 'u':
		s.URI = v
	case 'c':
		c := s.connection(number, v)
		if m != nil {
			if len(s.connections) > m.connectionsAt && !(c.Addr.IsMulticast() && s.connections[m.connectionsAt].Addr.IsMulticast()) {
				s.complain(number, RuleManyConn)
			}
			s.connections = append(s.connections, c)
		} else {
			s.Connection = c
		}
	case 'b':
		s.bandwidth(number, v)
	case 't':
		s.timing(number, v)
	case 'k':
		s.complain(number, RuleKey)
	case 'a':
		s.attribute(number, v)
	case 'm':
		s.media(number, v)
	}
}

// finish gives each section its part of what the lines held, and looks at the whole.
func (s *Session) finish() {
	s.sections()
	for i := range s.Media {
		s.Media[i].codecsAt = len(s.codecs)
		s.codecsOf(&s.Media[i])
	}
	s.sectionCodecs() // they may have moved while they were collected
	s.check()
}

// sections cuts what all lines held into what belongs to each section.
func (s *Session) sections() {
	end := Media{
		attributesAt: len(s.attributes), bandwidthsAt: len(s.bandwidths),
		connectionsAt: len(s.connections), formatsAt: len(s.formats),
	}
	next := &end
	for i := len(s.Media) - 1; i >= 0; i-- {
		m := &s.Media[i]
		m.Attributes = s.attributes[m.attributesAt:next.attributesAt:next.attributesAt]
		m.Bandwidths = s.bandwidths[m.bandwidthsAt:next.bandwidthsAt:next.bandwidthsAt]
		m.Connections = s.connections[m.connectionsAt:next.connectionsAt:next.connectionsAt]
		m.Formats = s.formats[m.formatsAt:next.formatsAt:next.formatsAt]
		next = m
	}
	s.Attributes = s.attributes[:next.attributesAt:next.attributesAt]
	s.Bandwidths = s.bandwidths[:next.bandwidthsAt:next.bandwidthsAt]
	s.inherit = inherited{}
	s.inherit.take(s.Attributes)
	for i := range s.Media {
		m := &s.Media[i]
		m.inherit = s.inherit
		m.inherit.take(m.Attributes)
		m.connection = s.Connection
		if len(m.Connections) > 0 {
			m.connection = m.Connections[0]
		}
	}
}

func (s *Session) sectionCodecs() {
	end := len(s.codecs)
	for i := len(s.Media) - 1; i >= 0; i-- {
		m := &s.Media[i]
		m.codecs = s.codecs[m.codecsAt:end:end]
		end = m.codecsAt
	}
}

// Clone returns a copy that shares no memory with s, or with the octets it was parsed from.
func (s *Session) Clone() *Session {
	c := new(Session)
	*c = *s
	var arena []byte
	keep := func(p *[]byte) {
		if *p == nil {
			return
		}
		n := len(arena)
		arena = append(arena, *p...)
		*p = arena[n:len(arena):len(arena)]
	}
	connection := func(p *Connection) {
		keep(&p.NetType)
		keep(&p.AddrType)
		keep(&p.Address)
	}
	c.Lines = slices.Clone(s.Lines)
	size := 1
	for i := range c.Lines {
		size += len(c.Lines[i].Value)
	}
	arena = make([]byte, 0, 2*size) // once for the lines, once for what was cut out of them
	for i := range c.Lines {
		keep(&c.Lines[i].Value)
	}
	for _, p := range [...]*[]byte{
		&c.Version, &c.Name, &c.Info, &c.URI, &c.Origin.User, &c.Origin.SessionID,
		&c.Origin.SessionVersion, &c.Origin.NetType, &c.Origin.AddrType, &c.Origin.Address,
	} {
		keep(p)
	}
	connection(&c.Connection)
	c.Complaints = slices.Clone(s.Complaints)
	c.Timings = slices.Clone(s.Timings)
	for i := range c.Timings {
		keep(&c.Timings[i].Start)
		keep(&c.Timings[i].Stop)
	}
	c.attributes = slices.Clone(s.attributes)
	for i := range c.attributes {
		keep(&c.attributes[i].Name)
		keep(&c.attributes[i].Value)
	}
	c.bandwidths = slices.Clone(s.bandwidths)
	for i := range c.bandwidths {
		keep(&c.bandwidths[i].Type)
		keep(&c.bandwidths[i].Text)
	}
	c.connections = slices.Clone(s.connections)
	for i := range c.connections {
		connection(&c.connections[i])
	}
	c.formats = slices.Clone(s.formats)
	for i := range c.formats {
		keep(&c.formats[i])
	}
	c.codecs = slices.Clone(s.codecs)
	for i := range c.codecs {
		keep(&c.codecs[i].Name)
		keep(&c.codecs[i].Params)
	}
	c.Media = slices.Clone(s.Media)
	for i := range c.Media {
		m := &c.Media[i]
		keep(&m.Kind)
		keep(&m.PortText)
		keep(&m.Proto)
		keep(&m.Info)
	}
	c.mids = nil
	c.sections()
	c.sectionCodecs()
	return c
}

// String returns the description as AppendText writes it. It is text of strangers.
func (s *Session) String() string {
	b, _ := s.AppendText(nil)
	return string(b)
}

// AppendText appends the description, line by line, each ended by CRLF, with *** in the
// place of what is secret. The error is always nil. What it writes is read as the same
// description.
func (s *Session) AppendText(dst []byte) ([]byte, error) {
	for i := range s.Lines {
		l := &s.Lines[i]
		if l.Letter != 0 {
			dst = append(dst, l.Letter, '=')
		}
		dst = append(dst, l.Value...)
		if l.Masked {
			dst = append(dst, "***"...)
		}
		dst = append(dst, "\r\n"...)
	}
	return dst, nil
}
