package report

import (
	"strconv"

	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/internal/clean"
	"github.com/sipsight/sipsight/internal/words"
	"github.com/sipsight/sipsight/sipmsg"
)

// Options says how things are shown.
type Options struct {
	Secrets bool     // show passwords, credentials and keys
	Files   []string // the names of the files; with several, frames are written k:n
	Raw     bool     // whole messages
	Colour  bool     // text for a terminal: good and bad in colours
	Dated   bool     // lines of messages that are in no order of time: each has its date
	Width   int      // of a terminal, for lines of messages; 0 is no bound
	NoMedia bool     // media were not measured: nothing is said of them
	Brief   bool     // of a summary: no more of groups than their calls and shares
	Missing string   // what is not in the analysis, for the note of a call; "" for nothing
	Taken   string   // how the question for the call was taken, for its note; "" for nothing

	// MaxSteps bounds the messages in the timeline of a call, MaxProofs its findings;
	// 0 is no bound.
	MaxSteps  int
	MaxProofs int
	NoSteps   bool // the timeline is told elsewhere: it is empty, and nothing is said of what it lacks
	Full      bool // no answer about a call tells more

	named []analysis.Frame // the messages that findings of the call name, the worst first: they stay in the timeline

	MaxStreams int // of a call; 0 is maxCallStreams

	// MaxFiles bounds the files listed of a summary; 0 is no bound.
	MaxFiles int

	// MaxHeaders bounds the header fields shown of one message, in octets of JSON;
	// 0 is no bound. At least one field is shown.
	MaxHeaders int

	// MaxRaw bounds the whole text of a message, in octets of JSON; 0 is no bound beyond that
	// of characters.
	MaxRaw int

	// MaxText bounds each text, in octets; 0 is no bound beyond that of characters.
	MaxText int
}

func (o *Options) several() bool { return len(o.Files) > 1 }

// maxFields bounds the header fields shown of one message; the counts stay whole.
const maxFields = 1024

// A Messages writer makes the records of single messages. It keeps its buffers, and is
// not safe for concurrent use.
type Messages struct {
	o       Options
	w       jsonWriter
	columns columns
	line    []byte // of Rank
}

// NewMessages returns a writer of message records.
func NewMessages(o Options) *Messages {
	return &Messages{o: o, w: jsonWriter{secrets: o.Secrets, maxText: o.MaxText}}
}

// field writes a key and the first value of a header field, if the message has it.
func (w *jsonWriter) field(key string, m *sipmsg.Message, id sipmsg.ID) {
	if v, ok := m.First(id); ok {
		w.key(key).text(w.value(sipmsg.Field{ID: id, Value: v}))
	}
}

// AppendLine appends the record of m: one JSON object and a line end. The keys are those
// of the messages listing.
func (r *Messages) AppendLine(b []byte, m *analysis.Message) []byte {
	w := &r.w
	w.b, w.comma, w.sanitised = b, false, false
	w.open('{')
	s := m.SIP
	w.key("number").int(m.Number)
	if r.o.several() {
		w.key("file").text([]byte(r.o.Files[m.Frame.File]))
	}
	w.key("frame").frame(m.Frame, r.o.several())
	w.key("frames").frames(m.Frames, r.o.several())
	if m.HasTime {
		w.key("time").time(m.Time)
	}
	w.key("transport").quote([]byte(m.Transport))
	w.hostPort("source_ip", "source_port", m.Source)
	w.hostPort("destination_ip", "destination_port", m.Destination)
	w.startLine(s)
	w.field("call_id", s, sipmsg.CallID)
	w.cseq(s)
	w.user("from_user", s, sipmsg.From)
	w.user("to_user", s, sipmsg.To)
	w.given("from_tag", s.Tag(sipmsg.From))
	w.given("to_tag", s.Tag(sipmsg.To))
	w.given("branch", s.Branch())
	w.field("user_agent", s, sipmsg.UserAgent)
	w.field("server", s, sipmsg.Server)
	w.field("content_type", s, sipmsg.ContentType)
	if s.Has(sipmsg.ContentLength) {
		w.key("content_length").contentLength(s)
	}
	w.key("body_length").int(int64(len(s.Body)))
	w.key("via_count").int(count(s, sipmsg.Via))
	if len(m.Tunnel) > 0 {
		w.key("tunnel").strings(m.Tunnel)
	}
	if q := s.Inspect(); q != 0 {
		w.key("quirks").open('[')
		for id := range q.IDs() {
			w.quote([]byte(id))
		}
		w.close(']')
	}
	if len(m.Notes) > 0 {
		w.key("notes").strings(m.Notes)
	}
	if m.Partial {
		w.key("partial").bool(true)
	}
	if m.IsCopy() {
		w.key("copy_of").frame(m.CopyOf, r.o.several())
	}
	if m.RetransmissionOf.Number != 0 {
		w.key("retransmission_of").frame(m.RetransmissionOf, r.o.several())
	}
	if r.o.Raw {
		w.key("raw").raw(s, r.o.MaxRaw)
	}
	w.end()
	return append(w.b, '\n')
}

// startLine writes what the start line says.
func (w *jsonWriter) startLine(s *sipmsg.Message) {
	w.key("message_type")
	if s.IsRequest() {
		w.quote([]byte("request"))
	} else {
		w.quote([]byte("response"))
	}
	w.key("start_line").uris(s.StartLine)
	if s.IsRequest() {
		w.key("method").text(s.Method)
		w.key("request_uri").uris(s.RequestURI)
		return
	}
	w.key("status_code").status(s)
	w.key("reason_phrase").uris(s.Reason)
}

// status writes a status code: a number, also one that no SIP response may have, or the
// digits as text where no program would read so large a number.
func (w *jsonWriter) status(s *sipmsg.Message) {
	if s.StatusCode != 0 {
		w.int(int64(s.StatusCode))
		return
	}
	if n, err := strconv.ParseInt(string(s.StatusText), 10, 64); err == nil && n < 1<<53 {
		w.int(n)
		return
	}
	w.text(s.StatusText)
}

// cseq writes the CSeq as written, and its parts.
func (w *jsonWriter) cseq(s *sipmsg.Message) {
	if !s.Has(sipmsg.CSeq) {
		return
	}
	w.field("cseq", s, sipmsg.CSeq)
	_, n, ok, method := s.CSeq()
	if ok {
		w.key("cseq_number").int(int64(n))
	}
	w.given("cseq_method", method)
}

// user writes the user in the URI of an address, if there is one.
func (w *jsonWriter) user(key string, m *sipmsg.Message, id sipmsg.ID) {
	if v, ok := m.First(id); ok {
		u := sipmsg.ParseURI(sipmsg.ParseAddress(w.value(sipmsg.Field{ID: id, Value: v})).URI)
		w.given(key, u.User)
	}
}

// contentLength writes the Content-Length as a number, null where it is none.
func (w *jsonWriter) contentLength(s *sipmsg.Message) {
	if n, ok := s.ContentLength(); ok {
		w.int(int64(n))
	} else {
		w.null()
	}
}

func count(s *sipmsg.Message, id sipmsg.ID) (n int64) {
	for range s.Values(id) {
		n++
	}
	return n
}

// raw writes the whole message, in at most octets of JSON; 0 is no bound.
func (w *jsonWriter) raw(s *sipmsg.Message, most int) {
	b := s.Raw()
	if !w.secrets {
		w.masked = clean.AppendMessage(w.masked[:0], s)
		b = w.masked
	}
	start, comma := len(w.b), w.comma
	for limit := clean.MaxRaw; ; {
		var changed bool
		w.scratch, changed = clean.AppendLines(w.scratch[:0], b, limit)
		w.quote(w.scratch)
		n := len(w.b) - start
		if most == 0 || n <= most || limit == 1 {
			w.sanitised = w.sanitised || changed
			return
		}
		w.b, w.comma = w.b[:start], comma
		limit = max(1, min(limit-1, limit*most/n)) // as if all characters were as long
	}
}

// AppendPacket appends m as one element of the packets of the reference result.
func (r *Messages) AppendPacket(b []byte, m *analysis.Message) []byte {
	w := &r.w
	w.b, w.comma, w.sanitised = b, false, false
	s := m.SIP
	w.open('{')
	w.key("packet_number").int(m.Ordinal)
	w.key("frame_number").frame(m.Frame, r.o.several())
	if len(m.Frames) > 1 {
		w.key("frames").frames(m.Frames, r.o.several())
	}
	w.key("timestamp")
	if m.HasTime {
		w.time(m.Time)
	} else {
		w.null()
	}
	w.key("source_ip").addr(m.Source.Addr())
	w.key("destination_ip").addr(m.Destination.Addr())
	w.key("source_port").int(int64(m.Source.Port()))
	w.key("destination_port").int(int64(m.Destination.Port()))
	w.key("transport").quote([]byte(m.Transport))
	w.startLine(s)
	if s.IsRequest() {
		w.key("sip_version").text(s.Version)
	}
	for _, f := range []struct {
		key string
		id  sipmsg.ID
	}{
		{"call_id", sipmsg.CallID}, {"cseq", sipmsg.CSeq}, {"from", sipmsg.From}, {"to", sipmsg.To}, {"contact", sipmsg.Contact},
		{"user_agent", sipmsg.UserAgent}, {"server", sipmsg.Server}, {"via", sipmsg.Via}, {"content_type", sipmsg.ContentType},
	} {
		w.firstValue(f.key, s, f.id)
	}
	w.key("content_length").contentLength(s)
	w.key("body_length").int(int64(len(s.Body)))
	w.key("known_sip_port").bool(m.KnownPort())
	w.headers(s, r.o.MaxHeaders)
	w.key("summary").uris(summaryLine(nil, m))
	if m.Partial {
		w.key("partial").bool(true)
	}
	w.end()
	return w.b
}

// firstValue writes the first value of the kind id, empty where there is none.
func (w *jsonWriter) firstValue(key string, s *sipmsg.Message, id sipmsg.ID) {
	w.key(key)
	for v := range s.Values(id) {
		w.text(w.value(sipmsg.Field{ID: id, Value: v}))
		return
	}
	w.quote(nil)
}

// summaryLine appends one line that tells the message apart from its neighbours.
func summaryLine(b []byte, m *analysis.Message) []byte {
	s := m.SIP
	if s.IsRequest() {
		b = append(append(append(b, s.Method...), ' '), s.RequestURI...)
	} else {
		b = append(append(append(b, s.StatusText...), ' '), s.Reason...)
		if _, _, _, method := s.CSeq(); len(method) > 0 {
			b = append(append(append(b, " ("...), method...), ')')
		}
	}
	b = append(b, ", "...)
	b = words.AppendEndpoint(b, m.Source)
	b = append(b, " -> "...)
	return words.AppendEndpoint(b, m.Destination)
}

// headers writes all header fields under their long names in lower case, in the order of
// their first appearance; repeated ones are joined with ", " in order.
func (w *jsonWriter) headers(s *sipmsg.Message, most int) {
	w.key("headers").open('{')
	start := len(w.b)
	n := min(s.NumFields(), maxFields)
	leftOut := s.NumFields() - n
	for i := range n {
		f := s.Field(i)
		if len(f.Name) == 0 || seenBefore(s, i, f) {
			continue
		}
		if most > 0 && len(w.b)-start > most {
			leftOut += n - i
			break
		}
		if !w.headerName(f) {
			leftOut++
			continue
		}
		w.headerValue(s, i, n, f)
	}
	clear(w.odd)
	w.close('}')
	if leftOut > 0 {
		w.key("headers_left_out").int(int64(leftOut))
	}
}

func sameName(a, b sipmsg.Field) bool {
	return a.ID == b.ID && (a.ID != sipmsg.Other || equalFold(a.Name, b.Name))
}

// equalFold reports whether two names are equal but for the case of ASCII letters. That
// of others is none of SIP's business: a capital I with a dot must not become an i.
func equalFold(a, b []byte) bool {
	if len(a) != len(b) {
		return false
	}
	for i, c := range a {
		if lower(c) != lower(b[i]) {
			return false
		}
	}
	return true
}

func lower(c byte) byte {
	if c-'A' < 26 {
		return c | 0x20
	}
	return c
}

func seenBefore(s *sipmsg.Message, i int, f sipmsg.Field) bool {
	for j := range i {
		if sameName(s.Field(j), f) {
			return true
		}
	}
	return false
}

// headerName writes the key of a field. It writes nothing and returns false where another
// field has the same key, which happens to odd names alone: they are escaped and capped.
func (w *jsonWriter) headerName(f sipmsg.Field) bool {
	if f.ID != sipmsg.Other {
		w.key(f.ID.LowerName())
		return true
	}
	w.masked = w.masked[:0]
	for _, c := range f.Name {
		w.masked = append(w.masked, lower(c))
	}
	start, comma := len(w.b), w.comma
	w.sep()
	quoted := len(w.b)
	w.comma = false
	w.text(w.masked)
	if key := w.b[quoted:]; !isPlain(f.Name) || len(key) > clean.MaxText || w.maxText > 0 {
		if w.odd[string(key)] {
			w.b, w.comma = w.b[:start], comma
			return false
		}
		if w.odd == nil {
			w.odd = make(map[string]bool)
		}
		w.odd[string(key)] = true
	}
	w.b = append(w.b, ':')
	w.comma = false
	return true
}

// maxJoined bounds what repeated fields of one name are joined to, in characters.
const maxJoined = 4096

// headerValue writes the values of the fields i to n-1 that are named like f. Each is
// capped by itself, so that the last Via is as readable as the first.
func (w *jsonWriter) headerValue(s *sipmsg.Message, i, n int, f sipmsg.Field) {
	w.scratch = w.scratch[:0]
	for ; i < n; i++ {
		g := s.Field(i)
		if !sameName(g, f) {
			continue
		}
		if len(w.scratch) > maxJoined || w.maxText > 0 && len(w.scratch) > w.maxText {
			w.scratch = append(w.scratch, ", …"...)
			break
		}
		if len(w.scratch) > 0 {
			w.scratch = append(w.scratch, ", "...)
		}
		w.scratch = w.appendClean(w.scratch, w.value(g), clean.MaxText)
	}
	w.quote(w.scratch)
}
