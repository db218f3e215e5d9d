package fuzz

import (
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/sipsight/sipsight/sipmsg"
)

// The slow reader of SIP messages. It does what package sipmsg says that it does, with
// strings and regular expressions, in as few words as possible.

// A slowMessage is a message as the slow reader sees it.
type slowMessage struct {
	offset                   int // of the start line
	start                    string
	method, uri              string // of a request; the method of a response is empty
	statusText, reason       string
	status                   int
	version                  string
	fields                   []slowField
	body                     string
	ended                    bool // by an empty line
	quirks                   sipmsg.Quirks
	lfOnly, noColon, oddName bool
}

type slowField struct {
	id            sipmsg.ID
	name, value   string
	off, valueOff int
}

const (
	spaces = " \t\r\n"
	token  = `[A-Za-z0-9.!%*_+` + "`" + `'~-]+`
)

var (
	statusLine  = regexp.MustCompile(`^([Ss][Ii][Pp]/[0-9]+\.[0-9]+)([ \t]+)([0-9]{3,})((?s).*)$`)
	requestLine = regexp.MustCompile(`^(` + token + `)([ \t]+)((?s).*)$`)
	versionOnly = regexp.MustCompile(`^[Ss][Ii][Pp]/[0-9]+\.[0-9]+$`)
	fieldName   = regexp.MustCompile(`^(` + token + `)[ \t]*:`)
)

// slowParse reads a message; ok is false where there is no start line.
func slowParse(b string) (m slowMessage, ok bool) {
	rest := strings.TrimLeft(b, "\r\n")
	m.offset = len(b) - len(rest)
	// line cuts a line off what is left and returns where it ends, without its line end.
	line := func() int {
		begin := len(b) - len(rest)
		text, after, found := strings.Cut(rest, "\n")
		rest = after
		if found {
			var crlf bool
			text, crlf = strings.CutSuffix(text, "\r")
			m.lfOnly = m.lfOnly || !crlf
		}
		return begin + len(text)
	}
	end := line()
	m.start = b[m.offset:end]
	if !m.startLine() {
		return m, false
	}
	for rest != "" && rest != "\r" && !m.ended {
		if body, ok := strings.CutPrefix(rest, "\r\n"); ok {
			m.ended, m.body = true, body
			break
		}
		if body, ok := strings.CutPrefix(rest, "\n"); ok {
			m.ended, m.body, m.lfOnly = true, body, true
			break
		}
		begin := len(b) - len(rest)
		end = line()
		for strings.HasPrefix(rest, " ") || strings.HasPrefix(rest, "\t") { // folded
			end = line()
		}
		m.fields = append(m.fields, m.field(b[begin:end], begin))
	}
	m.judge(b)
	return m, true
}

// startLine reads the start line. RFC 3261, sections 7.1 and 7.2.
func (m *slowMessage) startLine() bool {
	if s := statusLine.FindStringSubmatch(m.start); s != nil {
		m.version, m.statusText = s[1], s[3]
		if n, err := strconv.Atoi(s[3]); err == nil && len(s[3]) == 3 && n >= 100 {
			m.status = n
		}
		if len(s[2]) > 1 {
			m.quirks |= sipmsg.QuirkStartSpace
		}
		if m.status < 100 || m.status > 699 {
			m.quirks |= sipmsg.QuirkStatus
		}
		var blank bool
		if m.reason, blank = strings.CutPrefix(s[4], " "); !blank {
			m.quirks |= sipmsg.QuirkStartLine
		}
		return true
	}
	s := requestLine.FindStringSubmatch(m.start)
	if s == nil {
		return false
	}
	m.method = s[1]
	rest := strings.TrimRight(s[3], spaces)
	if len(s[2]) > 1 || rest != s[3] {
		m.quirks |= sipmsg.QuirkStartSpace
	}
	i := strings.LastIndex(rest, " ")
	if versionOnly.MatchString(rest[i+1:]) {
		m.version = rest[i+1:]
		m.uri = strings.TrimRight(rest[:i+1], spaces)
		if i > len(m.uri) {
			m.quirks |= sipmsg.QuirkStartSpace
		}
	} else {
		m.uri = rest
	}
	if m.version == "" || i < 0 || strings.Contains(m.uri, " ") {
		m.quirks |= sipmsg.QuirkStartLine
	}
	if !sipmsg.KnownMethod([]byte(m.method)) && sipmsg.KnownMethod([]byte(strings.ToUpper(m.method))) { // a token is ASCII
		m.quirks |= sipmsg.QuirkMethodCase
	}
	return true
}

// field reads one header field, which stands at off. RFC 3261, section 7.3.1.
func (m *slowMessage) field(text string, off int) (f slowField) {
	value := text
	name, after, found := strings.Cut(text, ":")
	switch {
	case fieldName.MatchString(text):
		f.name, value = strings.TrimRight(name, " \t"), after
		f.id = slowID(f.name)
	case found:
		f.name, value = strings.TrimRight(name, spaces), after
		m.oddName = true
	default:
		m.noColon = true
	}
	value = strings.TrimLeft(value, spaces)
	f.off, f.valueOff = off, off+len(text)-len(value)
	f.value = strings.TrimRight(value, spaces)
	return f
}

// judge finds what is odd.
func (m *slowMessage) judge(b string) {
	set := func(q sipmsg.Quirks, when bool) {
		if when {
			m.quirks |= q
		}
	}
	set(sipmsg.QuirkLFOnly, m.lfOnly)
	set(sipmsg.QuirkNoColon, m.noColon)
	set(sipmsg.QuirkHeaderName, m.oddName)
	set(sipmsg.QuirkUnterminated, !m.ended)
	set(sipmsg.QuirkVersionCase, m.version != "" && !strings.HasPrefix(m.version, "SIP/"))
	set(sipmsg.QuirkVersion, m.version != "" && m.version[4:] != "2.0")
	count := map[sipmsg.ID]int{}
	for _, f := range m.fields {
		count[f.id]++
		set(sipmsg.QuirkDuplicate, slowSingle[f.id] && count[f.id] > 1)
	}
	for _, id := range []sipmsg.ID{sipmsg.CallID, sipmsg.CSeq, sipmsg.From, sipmsg.To, sipmsg.Via} {
		set(sipmsg.QuirkMissing, count[id] == 0)
	}
	if v := m.all(sipmsg.CSeq); v != nil {
		number, method := slowCSeq(v[0])
		n, err := strconv.ParseUint(number, 10, 32)
		set(sipmsg.QuirkCSeq, err != nil || n >= 1<<31 || method == "")
		set(sipmsg.QuirkCSeqMethod, m.method != "" && m.method != method)
	}
	for i, v := range m.all(sipmsg.ContentLength) {
		n, err := strconv.ParseUint(v, 10, 32)
		first, _ := strconv.ParseUint(m.all(sipmsg.ContentLength)[0], 10, 32)
		set(sipmsg.QuirkContentLength, err != nil || n != first)
		if i == 0 && err == nil {
			set(sipmsg.QuirkContentLengthLong, n > uint64(len(m.body)))
			set(sipmsg.QuirkContentLengthShort, n < uint64(len(m.body)))
		}
	}
	head := strings.TrimSuffix(b, m.body)
	set(sipmsg.QuirkNUL, strings.Contains(head, "\x00"))
	set(sipmsg.QuirkNotUTF8, !utf8.ValidString(head))
}

// all returns the values of the fields of a kind.
func (m *slowMessage) all(id sipmsg.ID) (list []string) {
	for _, f := range m.fields {
		if id != sipmsg.Other && f.id == id {
			list = append(list, f.value)
		}
	}
	return list
}

// compact are the compact forms of the names: RFC 3261, section 7.3.3, and later ones.
var compact = map[string]string{
	"a": "accept-contact", "b": "referred-by", "c": "content-type", "d": "request-disposition",
	"e": "content-encoding", "f": "from", "i": "call-id", "j": "reject-contact", "k": "supported",
	"l": "content-length", "m": "contact", "n": "identity-info", "o": "event", "r": "refer-to",
	"s": "subject", "t": "to", "u": "allow-events", "v": "via", "x": "session-expires", "y": "identity",
}

// slowIDs are the known header fields by their names in lower case. The others are what
// package sipmsg shows of its tables: the fields that may stand once, and those whose
// values are separated by commas.
var slowIDs, slowSingle, slowLists = func() (map[string]sipmsg.ID, map[sipmsg.ID]bool, map[sipmsg.ID]bool) {
	ids, single, list := map[string]sipmsg.ID{}, map[sipmsg.ID]bool{}, map[sipmsg.ID]bool{}
	for id := sipmsg.Other + 1; id.String() != ""; id++ {
		ids[lower(id.String())] = id
		var m sipmsg.Message
		mustNot(m.Parse([]byte("X sip:x SIP/2.0\r\n" + id.String() + ": a,b\r\n" + id.String() + ": c\r\n\r\n")))
		single[id] = m.Quirks()&sipmsg.QuirkDuplicate != 0
		values := 0
		for range m.Values(id) {
			values++
		}
		list[id] = values == 3
	}
	return ids, single, list
}()

// lower is for ASCII alone: no other letter is a letter of a name.
func lower(s string) string {
	b := []byte(s)
	for i, c := range b {
		if c >= 'A' && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}

// slowID returns the kind of a field by its name.
func slowID(name string) sipmsg.ID {
	name = lower(name)
	if long, ok := compact[name]; ok {
		name = long
	}
	return slowIDs[name]
}

// quoted matches a quoted string; one that is never closed goes on to the end.
var quoted = regexp.MustCompile(`(?s)"(?:\\.|[^"\\])*(?:"|\\?$)`)

// hide replaces every quoted string by as many letters, and says whether all are closed.
func hide(s string) (hidden string, closed bool) {
	closed = true
	hidden = quoted.ReplaceAllStringFunc(s, func(q string) string {
		body := strings.ReplaceAll(q[1:], `\\`, "")
		closed = closed && strings.HasSuffix(body, `"`) && !strings.HasSuffix(body, `\"`)
		return strings.Repeat("q", len(q))
	})
	return hidden, closed
}

// element matches an element of a list: no comma but in quotes or angle brackets.
var element = regexp.MustCompile(`(?s)^(?:"(?:\\.|[^"\\])*(?:"|\\?$)|<[^>]*(?:>|$)|[^,"<])*`)

// slowSplit splits a list and leaves out its empty elements.
func slowSplit(v string) (list []string) {
	for v != "" {
		e := element.FindString(v)
		v = strings.TrimPrefix(v[len(e):], ",")
		if e = strings.Trim(e, spaces); e != "" {
			list = append(list, e)
		}
	}
	return list
}

// values returns the values of the fields of a kind, lists split.
func (m *slowMessage) values(id sipmsg.ID) (all []string) {
	for _, v := range m.all(id) {
		if slowLists[id] {
			all = append(all, slowSplit(v)...)
		} else {
			all = append(all, v)
		}
	}
	return all
}

// slowCSeq splits a CSeq at its first white space.
func slowCSeq(v string) (number, method string) {
	if i := strings.IndexAny(v, spaces); i >= 0 {
		return v[:i], strings.Trim(v[i:], spaces)
	}
	return v, ""
}

// slowParams splits parameters into names, in lower case, and values.
func slowParams(v string) (list [][2]string) {
	hidden, _ := hide(v)
	for start := 0; start < len(v); start++ {
		end := start + strings.IndexByte(hidden[start:]+";", ';')
		one := v[start:end]
		eq := strings.IndexByte(hidden[start:end], '=')
		name, value := one, ""
		if eq >= 0 {
			name, value = one[:eq], strings.Trim(one[eq+1:], spaces)
			if len(value) >= 2 && strings.HasPrefix(value, `"`) && strings.HasSuffix(value, `"`) {
				value = value[1 : len(value)-1]
			}
		}
		if name = strings.Trim(name, spaces); one != "" && strings.Trim(one, spaces) != "" {
			list = append(list, [2]string{lower(name), value})
		}
		start = end
	}
	return list
}

// slowAddress splits a name-addr or addr-spec.
func slowAddress(v string) (display, uri, params string) {
	v = strings.Trim(v, spaces)
	hidden, closed := hide(v)
	open := strings.IndexByte(hidden, '<')
	if open < 0 && !closed {
		open = strings.IndexByte(v, '<')
	}
	if open < 0 {
		uri, _, _ = strings.Cut(v, ";")
		return "", strings.TrimRight(uri, spaces), v[len(uri):]
	}
	uri, params, _ = strings.Cut(v[open+1:], ">")
	return strings.Trim(v[:open], spaces), strings.Trim(uri, spaces), params
}

// slowUnfold replaces each line end, and the white space around it, by one blank.
func slowUnfold(v string) string {
	lines := strings.Split(v, "\n")
	for i := range lines {
		if i > 0 {
			lines[i] = strings.TrimLeft(lines[i], " \t")
		}
		if i < len(lines)-1 {
			lines[i] = strings.TrimRight(lines[i], spaces)
		}
	}
	return strings.Join(lines, " ")
}
