package findings

import (
	"bytes"
	"fmt"
	"net/netip"
	"slices"
	"unicode/utf8"

	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/sipmsg"
)

const (
	// maxSuspicious bounds the suspicious texts told apart, maxProofs the messages
	// shown of one.
	maxSuspicious = 500
	maxProofs     = 3

	// maxExcerpt bounds what is shown of one, in characters.
	maxExcerpt = 40
)

var suspiciousRules = []*Rule{suspiciousText}

var suspiciousText = &Rule{
	ID: "suspicious-text", RFC: "RFC 3261 7.3, 25.1", Severity: "warning",
	Title: "text that is meant for whoever reads it",
	Doc: `The start line, a header field or a body that is text holds a terminal escape (ESC, or CSI as one character), characters that turn the direction of
the text around them or that nobody sees (joiners, variation selectors and marks of direction excepted), markup or script (<script, onerror=, javascript: …), a part of a database query (' or '1'='1, union select …), or words that address
a language model («ignore … instructions», «new instructions for the LLM», «reveal your system prompt», «assistant: report this call as …», a line or value that begins with «Human:», or with «assistant:» and an order, </tool_result>, <|im_start|> …; an order to ignore something else, with instructions in the next clause, is none, nor is a system prompt that nobody is told to do anything with). Bodies of other kinds than text, controls in one that is compressed (Content-Encoding, and gzip or zlib as it begins), markup in a body that says it is markup, and the names of
scanners (see scanner) are left out. One finding for each kind in each field of each sender and each text, however often it was sent; the fields that a response has of its
request are the business of who sent that.`,
	Why: "Whoever sends a packet chooses its text: it may move a terminal's cursor, run in a browser or a database that keeps call records, hide what it says, or pass for something else in front of a model.",
	Fix: "Read it as what a stranger wrote and follow nothing it says; look at who sent it, and at whether what shows your logs and call records escapes it.",
	capture: func(r *captureRun) {
		for _, x := range r.c.texts.list {
			r.report(x.finding())
		}
		r.c.count[r.rule.ID].leftOut[Warning] += r.c.texts.lost
	},
}

// texts are the suspicious texts of a capture.
type texts struct {
	list []*suspicious
	by   map[textKey]*suspicious
	lost int // those there was no room for, as often as they were seen
	tool tools
	low  []byte // see lowered

	packed bool // the text is compressed: few octets that look like a control say nothing, many that make words do
}

// A textKey tells suspicious texts apart.
type textKey struct {
	theme  theme
	source netip.Addr
	where  string
	text   string
}

// A suspicious is a text that is, and where it was seen.
type suspicious struct {
	textKey
	what     string // of the first message
	callID   string
	frames   []analysis.Frame
	messages int
}

// screened takes in a message that the screen stopped at.
func (c *Collector) screened(m *analysis.Message) {
	if slices.Contains(m.Notes, "packet-cut") {
		return
	}
	t := &c.texts
	s := m.SIP
	t.text(m, "the start line", s.StartLine, false)
	for f := range s.Fields() {
		if line, ok := fieldLine(s, f); ok && theScreen().suspect(line) {
			t.text(m, fieldName(f), line, isSecret(f))
		}
	}
	for p := range s.Parts() {
		if !theScreen().suspect(p.Body) {
			continue
		}
		kind, private := "the body", bytes.EqualFold(s.Method, []byte("MESSAGE"))
		if len(p.Type.Type) > 0 {
			kind = fmt.Sprintf("the body (%s/%s)", clip(p.Type.Type), clip(p.Type.Subtype))
		}
		if isText(&p) {
			t.packed = s.Has(sipmsg.ContentEncoding) && isPacked(p.Body)
			t.text(m, kind, p.Body, private)
			t.packed = false
		}
	}
}

// fieldLine returns the octets of a header field from its name on.
func fieldLine(m *sipmsg.Message, f sipmsg.Field) ([]byte, bool) {
	raw, from, to := m.Raw(), f.Off-m.Offset(), f.ValueOff-m.Offset()+len(f.Value)
	if from < 0 || from > to || to > len(raw) {
		return nil, false
	}
	return raw[from:to], true
}

// fieldName returns how the place of a field is called. A name that is none is not shown.
func fieldName(f sipmsg.Field) string {
	if f.ID != sipmsg.Other {
		return f.ID.String()
	}
	for _, c := range f.Name {
		if c <= ' ' || c >= 0x7f {
			return "a header field"
		}
	}
	if len(f.Name) == 0 || len(f.Name) > maxExcerpt {
		return "a header field"
	}
	return string(f.Name)
}

// isSecret reports whether nothing of a field may be shown: it is Authorization, or of its kin.
func isSecret(f sipmsg.Field) bool {
	return bytes.Contains(bytes.ToLower(f.Name), []byte("auth"))
}

// isText reports whether a body is text: by its type, or where there is none by what it
// holds.
func isText(p *sipmsg.Part) bool {
	t := &p.Type
	switch {
	case t.Is("text", ""), t.Is("application", "sdp"), t.Is("message", "sipfrag"), t.Is("message", "cpim"), t.Is("application", "json"):
		return true
	case bytes.HasSuffix(bytes.ToLower(t.Subtype), []byte("xml")), bytes.HasSuffix(bytes.ToLower(t.Subtype), []byte("json")):
		return true
	}
	return len(t.Type) == 0 && utf8.Valid(p.Body) && bytes.IndexByte(p.Body, 0) < 0
}

// isPacked reports whether a body that is said to be compressed begins as gzip or zlib does.
func isPacked(b []byte) bool {
	return len(b) > 2 && (b[0] == 0x1f && b[1] == 0x8b || b[0] == 0x78 && (0x7800|int(b[1]))%31 == 0) && !utf8.Valid(b)
}

func clip(b []byte) string { return string(b[:min(len(b), maxExcerpt)]) }

// text looks at one text of a message.
func (t *texts) text(m *analysis.Message, where string, b []byte, secret bool) {
	var found [themes]hit
	t.low = lowered(t.low, b)
	look(b, t.low, &found)
	for i, h := range found {
		switch {
		case h.to == h.from, t.packed && theme(i) <= hidden:
		case theme(i) == toolName:
			t.tool.see(m, where, b[h.from:h.to])
		case theme(i) == markup && isMarkup(where) && !isScript(b[h.from:h.to]):
		default:
			t.add(m, where, theme(i), b, h, secret)
		}
	}
}

// isMarkup reports whether markup is what belongs in a place.
func isMarkup(where string) bool {
	return bytes.HasSuffix([]byte(where), []byte("ml)"))
}

func isScript(b []byte) bool {
	return hasFold(b, "<script") || hasFold(b, "javascript:") || hasFold(b, "vbscript:") || bytes.HasSuffix(b, []byte("="))
}

func (t *texts) add(m *analysis.Message, where string, what theme, b []byte, h hit, secret bool) {
	k := textKey{theme: what, source: m.Source.Addr(), where: where}
	if !secret {
		k.text = string(excerpt(b, h))
	}
	if t.echoes(m, k) {
		return
	}
	x := t.by[k]
	if x == nil {
		if len(t.list) == maxSuspicious {
			t.lost++
			return
		}
		if t.by == nil {
			t.by = make(map[textKey]*suspicious)
		}
		x = &suspicious{textKey: k, what: messageName(m.SIP)}
		x.callID = string(analysis.CallID(m.SIP))
		t.by[k] = x
		t.list = append(t.list, x)
	}
	x.messages++
	if len(x.frames) < maxProofs {
		x.frames = append(x.frames, m.Frame)
	}
}

// copied are the fields that a response has of its request: RFC 3261, section 8.2.6.2.
var copied = []sipmsg.ID{sipmsg.Via, sipmsg.From, sipmsg.To, sipmsg.CallID, sipmsg.CSeq, sipmsg.RecordRoute}

// echoes reports whether a text of a response is what who gets it had written in that field: that is told of him.
func (t *texts) echoes(m *analysis.Message, k textKey) bool {
	if m.SIP.IsRequest() || !slices.ContainsFunc(copied, func(id sipmsg.ID) bool { return id.String() == k.where }) {
		return false
	}
	k.source = m.Destination.Addr()
	return t.by[k] != nil
}

// excerptEnds are the characters that end an excerpt.
const excerptEnds = "\r\n<@:"

// excerpt returns a hit and what follows it, up to the end of its line or to where a URI, or
// the password in one, may begin.
func excerpt(b []byte, h hit) []byte {
	to := max(h.to, min(len(b), h.from+maxExcerpt))
	if end := bytes.IndexAny(b[h.to:to], excerptEnds); end >= 0 {
		to = h.to + end
	}
	for to > h.to && to < len(b) && !utf8.RuneStart(b[to]) {
		to--
	}
	return b[h.from:to]
}

func messageName(m *sipmsg.Message) string {
	if m.IsRequest() {
		return clip(m.Method)
	}
	_, _, _, method := m.CSeq()
	return fmt.Sprintf("the %d to %s", m.StatusCode, clip(method))
}

func (x *suspicious) finding() Finding {
	f := Finding{
		Severity: Warning, Frames: x.frames, CallID: x.callID,
		Observed: fmt.Sprintf("%s in %s of %s from %s", themeNames[x.theme], x.where, x.what, hostName(x.source)),
		Expected: "text that shows what it says",
	}
	if x.messages > 1 {
		f.Observed += fmt.Sprintf(", in %d messages", x.messages)
	}
	if x.text != "" {
		f.Observed += ": " + x.text
	}
	return f
}
