package findings

import (
	"bytes"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/sipmsg"
)

var lint = &Rule{
	ID: "lint", RFC: "RFC 3261 8.1.1, 8.1.3.3, 8.2.6.2, 19.1.1, 20", Severity: "warning / note",
	Title: "a message that is not as it has to be",
	Doc: `In a message: a mandatory header field is missing (Via, From, To, Call-ID and CSeq in all; Contact in INVITE, UPDATE, REFER and SUBSCRIBE and in a 2xx to INVITE; Event in SUBSCRIBE, NOTIFY and PUBLISH;
Subscription-State in NOTIFY; Refer-To in REFER; RAck in PRACK; the challenge in 401 and 407, Allow in 405, Unsupported in 420, Require in 421, Min-SE in 422, Min-Expires in 423); the method of the CSeq
is not that of the request, or a response names another method than the request with its branch; no To tag in a response over 100; a response with more Vias than its request, or a request with several
Vias that are all of one sender; a body without Content-Type. In the first INVITE, the first response from 101 to 299 and the first refusal of each From tag in a leg, the first of each with a Contact, and the first REFER, at the first hop, and in the first requests of each address outside of calls, also: parameters of a URI
(transport, lr, maddr, ttl, user, method) behind the angle brackets, or without any, in From, To, Contact, Route, Record-Route, Refer-To; a Content-Type that is no type/subtype, or application/sdp on
something else. A branch without z9hG4bK is a note. Of each kind one finding for requests and one for responses of a leg and From tag; requests outside of calls are told once for each pair of addresses, and responses that answer no request since they lack Via or CSeq once in all. Max-Forwards and Content-Length have findings of their own.`,
	Why: "Each of these makes some other implementation refuse the message, lose it, or read it otherwise than it is meant.",
	Fix: "Correct the program that sent the message, or the server that changed it on the way.",

	needs: faulty, counts: everyLeg,
	state: func() state { return &linter{answers: repeats{of: "response"}} },
}

const (
	// maxClosely is how many requests outside of calls are looked at closely of each
	// address: what is wrong with one is wrong with all.
	maxClosely = 2

	// maxClosers bounds the addresses that are counted.
	maxClosers = 10000
)

// linter applies lint.
type linter struct {
	outside repeats // requests outside of calls, …
	answers repeats // … and the responses to them
	closers int     // addresses that are counted: see host.closely
	faults  []fault // of the message that is looked at
}

func (s *linter) end(r *captureRun) {
	s.outside.tell(r)
	s.answers.tell(r)
	if r.WholeNoCallID > 0 {
		r.report(Finding{
			Severity: Warning, Frames: []analysis.Frame{r.FirstNoCallID}, RFC: "RFC 3261 8.1.1.4",
			Observed: number(int(min(r.WholeNoCallID, 1<<30)), "message") + " without Call-ID", Expected: "a Call-ID in each message",
		})
	}
	tellUnplaced(r, &r.NoVia, sipmsg.Via)
	tellUnplaced(r, &r.NoCSeq, sipmsg.CSeq)
}

// tellUnplaced reports responses that belong to no request, since they lack a header field.
func tellUnplaced(r *captureRun, u *analysis.Unplaced, id sipmsg.ID) {
	if u.N == 0 {
		return
	}
	r.report(Finding{
		Severity: Warning, Frames: []analysis.Frame{u.First}, RFC: "RFC 3261 8.2.6.2",
		Observed: number(int(min(u.N, 1<<30)), "response") + " without " + id.String(), Expected: "the " + id.String() + " of the request in each response",
	})
}

// A fault is what is wrong with a message.
type fault struct {
	what     string
	rfc      string
	expected string
	severity Severity
}

// faultless reports whether linted.check has nothing to say of a message: a look that costs less.
func faultless(m *analysis.Seen) bool {
	if m.Request {
		return wholeRequestOf(m.Method, &m.Fields, m.Quirks, m.Body, m.OldBranch)
	}
	return wholeResponse(m.Method, m.Status, &m.Fields, m.Quirks, m.Body, m.ToTag != 0)
}

// lintedOf returns what is known of a message of a leg.
func lintedOf(m *analysis.Seen) linted {
	return linted{m.Request, m.Method, m.Status, m.Fields, m.Quirks, m.ToTag != 0, m.OldBranch, m.Body}
}

// A linted is what is known of a message without looking at its octets.
type linted struct {
	request bool
	method  string
	status  int
	fields  sipmsg.FieldSet
	quirks  sipmsg.Quirks
	toTag   bool
	old     bool
	body    int
}

// wholeRequestOf reports whether linted.check has nothing to say of a request of a method.
func wholeRequestOf(method string, fields *sipmsg.FieldSet, quirks sipmsg.Quirks, body int, old bool) bool {
	if old || !bodyFits(fields, quirks, body) {
		return false
	}
	switch method {
	case "ACK", "BYE", "CANCEL", "REGISTER", "OPTIONS": // most have no need of any
		return true
	}
	ids, _ := must(method)
	for _, id := range ids {
		if id != sipmsg.Other && !fields.Has(id) {
			return false
		}
	}
	return true
}

// wholeResponse reports whether linted.check has nothing to say of a response.
func wholeResponse(method string, status int, fields *sipmsg.FieldSet, quirks sipmsg.Quirks, body int, tag bool) bool {
	if status > 100 && !tag || !bodyFits(fields, quirks, body) {
		return false
	}
	if status < 200 || status/100 == 2 && method != "INVITE" {
		return true
	}
	id, _ := mustAnswer(method, status)
	return id == sipmsg.Other || fields.Has(id)
}

// bodyFits reports whether a message has what it has to have whatever it is: see linted.check.
func bodyFits(fields *sipmsg.FieldSet, quirks sipmsg.Quirks, body int) bool {
	return quirks&(sipmsg.QuirkMissing|sipmsg.QuirkCSeqMethod) == 0 && (body == 0 || fields.Has(sipmsg.ContentType))
}

// everyMessage are the header fields that every message has to have.
var everyMessage = [...]sipmsg.ID{sipmsg.Via, sipmsg.From, sipmsg.To, sipmsg.CallID, sipmsg.CSeq}

// must are the header fields that a request has to have, beside those of every message.
func must(method string) (id [3]sipmsg.ID, rfc string) {
	switch method {
	case "INVITE":
		return [3]sipmsg.ID{sipmsg.Contact}, "RFC 3261 8.1.1.8"
	case "UPDATE":
		return [3]sipmsg.ID{sipmsg.Contact}, "RFC 3311 5.1"
	case "REFER":
		return [3]sipmsg.ID{sipmsg.ReferTo, sipmsg.Contact}, "RFC 3515 2.1, 2.2"
	case "SUBSCRIBE":
		return [3]sipmsg.ID{sipmsg.Event, sipmsg.Contact}, "RFC 6665 8.2"
	case "NOTIFY":
		return [3]sipmsg.ID{sipmsg.Event, sipmsg.SubscriptionState}, "RFC 6665 8.2"
	case "PUBLISH":
		return [3]sipmsg.ID{sipmsg.Event}, "RFC 3903 4"
	case "PRACK":
		return [3]sipmsg.ID{sipmsg.RAck}, "RFC 3262 7.2"
	}
	return id, ""
}

// mustAnswer is the header field that a response has to have; Other for none.
func mustAnswer(method string, status int) (sipmsg.ID, string) {
	switch {
	case status/100 == 2 && method == "INVITE":
		return sipmsg.Contact, "RFC 3261 13.3.1.4"
	case status == 401:
		return sipmsg.WWWAuthenticate, "RFC 3261 20.44"
	case status == 407:
		return sipmsg.ProxyAuthenticate, "RFC 3261 20.27"
	case status == 405:
		return sipmsg.Allow, "RFC 3261 21.4.6"
	case status == 420:
		return sipmsg.Unsupported, "RFC 3261 21.4.15"
	case status == 421:
		return sipmsg.Require, "RFC 3261 21.4.16"
	case status == 422:
		return sipmsg.MinSE, "RFC 4028 6"
	case status == 423:
		return sipmsg.MinExpires, "RFC 3261 21.4.17"
	}
	return sipmsg.Other, ""
}

// check adds what is wrong with a message as far as its header fields say by being there.
func (l *linted) check(faults []fault) []fault {
	if l.quirks&sipmsg.QuirkUnterminated != 0 {
		return faults // what is missing may be cut
	}
	missing := func(id sipmsg.ID, rfc string) {
		if id != sipmsg.Other && !l.fields.Has(id) {
			faults = append(faults, fault{"without " + id.String(), rfc, "header field " + id.String(), Warning})
		}
	}
	if l.quirks&sipmsg.QuirkMissing != 0 {
		for _, id := range everyMessage {
			missing(id, "RFC 3261 8.1.1")
		}
	}
	if l.request {
		ids, rfc := must(l.method)
		for _, id := range ids {
			missing(id, rfc)
		}
		if l.quirks&sipmsg.QuirkCSeqMethod != 0 && l.fields.Has(sipmsg.CSeq) {
			faults = append(faults, fault{"with another method in CSeq", "RFC 3261 8.1.1.5", "the method of the request in CSeq", Warning})
		}
		if l.old && l.fields.Has(sipmsg.Via) {
			faults = append(faults, fault{"with a branch that does not begin with z9hG4bK", "RFC 3261 8.1.1.7", "a branch that begins with z9hG4bK", Note})
		}
	} else {
		missing(mustAnswer(l.method, l.status))
		if l.status > 100 && !l.toTag && l.fields.Has(sipmsg.To) {
			faults = append(faults, fault{"without To tag", "RFC 3261 8.2.6.2", "a To tag in every response but 100", Warning})
		}
	}
	if l.body > 0 && !l.fields.Has(sipmsg.ContentType) && l.quirks&sipmsg.QuirkContentLengthShort == 0 {
		faults = append(faults, fault{"with a body and without Content-Type", "RFC 3261 20.15", "a Content-Type", Warning})
	}
	return faults
}

func (s *linter) leg(r *legRun) {
	var told []leggedFault
	var senders [8]closeLook
	n := 0
	r.applies()
	for i := range r.Messages {
		m := &r.Messages[i]
		if m.Partial || m.Resent.Number != 0 {
			continue
		}
		l := lintedOf(m)
		s.faults = l.check(s.faults[:0])
		other, more := r.otherMethod(i), -1
		if other >= 0 {
			s.faults = append(s.faults, fault{"that names another method in CSeq than the request", "RFC 3261 8.2.6.2", "the CSeq of the request", Warning})
		}
		if n < len(senders) && looksClosely(m) {
			if k := closeLookOf(m); !slices.Contains(senders[:n], k) {
				senders[n] = k
				n++
				s.faults = closely(r.Message(i), s.faults)
				if more = r.moreVias(i); more >= 0 {
					s.faults = append(s.faults, fault{"with more Vias than its request", "RFC 3261 8.1.3.3", "the Vias of the request", Warning})
				}
			}
		}
		for _, f := range s.faults {
			k := leggedFault{f.what, m.Request, m.FromTag}
			if len(told) == maxSides || slices.Contains(told, k) {
				continue
			}
			told = append(told, k)
			frames := r.frames(i)
			if req := max(other, more); req >= 0 && strings.HasSuffix(f.what, "request") {
				frames = r.frames(req, i)
			}
			r.report(Finding{Severity: f.severity, Frames: frames, RFC: f.rfc, Observed: named(m.Request, m.Method, m.Status) + " " + f.what + " from " + endpoint(m.Source), Expected: f.expected})
		}
	}
}

// A closeLook is a kind of message that is looked at closely once a leg, at the first hop it
// was seen on: what is wrong with it is so on the others, too.
type closeLook struct {
	from    uint64 // From tag
	request bool
	refusal bool
	more    bool // a response with a Contact, which many a ringing one is without; or a REFER
}

func closeLookOf(m *analysis.Seen) closeLook {
	return closeLook{m.FromTag, m.Request, m.Status >= 300, !m.Request && m.Fields.Has(sipmsg.Contact) || m.Method == "REFER"}
}

// word returns the kind as a number: as good as a comparison, since the tag is a hash.
func (k closeLook) word() uint64 {
	return k.from<<3 | uint64(toInt(k.request)|toInt(k.refusal)<<1|toInt(k.more)<<2)
}

// A leggedFault is what was told of a leg: the next hop says the same.
type leggedFault struct {
	what    string
	request bool
	from    uint64 // From tag
}

// named names a message: its method, or its status and that of the request.
func named(request bool, method string, status int) string {
	if request {
		return method
	}
	if method == "" { // which the CSeq says
		return strconv.Itoa(status)
	}
	return fmt.Sprintf("%d to %s", status, method)
}

// otherMethod returns the request with the branch of a response, where it is of another
// method and none with that branch has its own; -1 for none.
func (r *legRun) otherMethod(i int) int {
	m := &r.Messages[i]
	if m.Request || m.Transaction < 0 || r.Transactions[m.Transaction].Requests > 0 || m.OldBranch || !m.Fields.Has(sipmsg.CSeq) {
		return -1
	}
	for j := range i {
		q := &r.Messages[j]
		if q.Request && q.Branch == m.Branch && q.Hop == m.Hop && q.Forward != m.Forward && q.Method != m.Method && q.Method != "ACK" {
			if (m.Method != "CANCEL" || q.Method != "INVITE") && (m.Method != "INVITE" || q.Method != "CANCEL") { // which have one branch
				return j
			}
		}
	}
	return -1
}

// looksClosely reports whether a message is a first INVITE, or a response over 100 to one, or a REFER, whole and
// not sent again.
func looksClosely(m *analysis.Seen) bool {
	if m.Partial || m.Resent.Number != 0 || m.Transaction < 0 {
		return false
	}
	return m.Method == "INVITE" && m.Initial && (m.Request || m.Status > 100) || m.Method == "REFER" && m.Request
}

// moreVias returns the request of a response that has more Vias, -1 for none.
func (r *legRun) moreVias(i int) int {
	m := &r.Messages[i]
	if m.Request {
		return -1
	}
	req := r.requestOf(m.Transaction)
	if req < 0 || r.Messages[req].Partial {
		return -1
	}
	if m.Vias > r.Messages[req].Vias {
		return req
	}
	return -1
}

// closely adds what is wrong with the values of a message.
func closely(m *sipmsg.Message, faults []fault) []fault {
	if m == nil {
		return faults
	}
	for _, id := range [...]sipmsg.ID{sipmsg.From, sipmsg.To, sipmsg.Contact, sipmsg.Route, sipmsg.RecordRoute, sipmsg.ReferTo} {
		if !m.Has(id) || areInside(m, id) {
			continue
		}
		for v := range m.Values(id) {
			if p := outsideURI(v); p != "" {
				faults = append(faults, fault{fmt.Sprintf("with the URI parameter %s outside of <> in %s", p, id), "RFC 3261 20, 19.1.1", "<> around the URI with its parameters", Warning})
			}
		}
	}
	if m.IsRequest() && !oneVia(m) {
		if n, one := oneSender(m); n > 1 && one {
			faults = append(faults, fault{fmt.Sprintf("with %d Vias of its sender", n), "RFC 3261 8.1.1.7, 8.1.3.3", "one Via of each host on the way", Warning})
		}
	}
	ct, ok := m.First(sipmsg.ContentType)
	if !ok || len(m.Body) == 0 {
		return faults
	}
	if string(ct) == "application/sdp" && bytes.HasPrefix(m.Body, []byte("v=")) { // nearly always
		return faults
	}
	t := sipmsg.ParseMediaType(ct)
	switch {
	case len(t.Type) == 0 || len(t.Subtype) == 0:
		faults = append(faults, fault{"with a Content-Type that is no type/subtype: " + quote(ct), "RFC 3261 20.15", "a media type such as application/sdp", Warning})
	case t.Is("application", "sdp") && !m.Has(sipmsg.ContentEncoding) && !bytes.HasPrefix(bytes.TrimLeft(m.Body, "\r\n \t"), []byte("v=")):
		faults = append(faults, fault{"with Content-Type application/sdp on a body that is none", "RFC 3261 20.15", "a body that begins with v=", Warning})
	}
	return faults
}

// areInside reports at a glance whether no address of a header field has a parameter outside of its URI, but for a tag: then
// outsideURI finds nothing.
func areInside(m *sipmsg.Message, id sipmsg.ID) bool {
	one := id == sipmsg.From || id == sipmsg.To // of others there may be several in one
	inside := true
	for v := range m.All(id) {
		inside = inside && (one || bytes.IndexByte(v, ',') < 0) && endsInside(v)
	}
	return inside
}

// endsInside reports at a glance whether behind the last bracket of an address there is a tag at most.
func endsInside(v []byte) bool {
	if n := len(v); n > 0 && v[n-1] == '>' {
		return true
	}
	rest := v[bytes.LastIndexByte(v, '>')+1:]
	return bytes.HasPrefix(rest, []byte(";tag=")) && bytes.IndexByte(rest[1:], ';') < 0
}

// outsideURI returns the first parameter of an address that belongs to a URI and stands
// outside of it, "" for none.
func outsideURI(v []byte) string {
	rest := v[bytes.LastIndexByte(v, '>')+1:]
	for {
		i := bytes.IndexByte(rest, ';')
		if i < 0 {
			return ""
		}
		rest = rest[i+1:]
		// Most addresses have a tag here and nothing else.
		if p := uriParam(rest); p != "" && sipmsg.ParseAddress(v).Params.Has(p) {
			return p
		}
	}
}

// uriParams are the parameters of URIs.
var uriParams = [...]string{"transport", "lr", "maddr", "ttl", "user", "method"}

// skipSpace leaves off the white space that b begins with.
func skipSpace(b []byte) []byte {
	for len(b) > 0 && (b[0] == ' ' || b[0] == '\t' || b[0] == '\r' || b[0] == '\n') {
		b = b[1:]
	}
	return b
}

// uriParam returns the parameter of a URI that b begins with, "" for none.
func uriParam(b []byte) string {
	if b = skipSpace(b); len(b) == 0 {
		return ""
	}
	first := lower(b[0])
	for _, p := range uriParams {
		if p[0] == first && hasFold(b, p) && (len(b) == len(p) || strings.IndexByte("=; \t\r\n", b[len(p)]) >= 0) {
			return p
		}
	}
	return ""
}

// oneSender counts the Vias of a message and reports whether all have one sent-by.
func oneSender(m *sipmsg.Message) (n int, one bool) {
	var first sipmsg.ViaHop
	one = true
	for v := range m.Values(sipmsg.Via) {
		h := sipmsg.ParseVia(v)
		if n == 0 {
			first = h
		} else if differentAddrs(first, h) || !bytes.Equal(sentBy(first), sentBy(h)) {
			one = false
		}
		n++
	}
	return n, one
}

// differentAddrs reports whether two Vias are of different addresses.
func differentAddrs(a, b sipmsg.ViaHop) bool {
	x, ok := a.HostAddr()
	y, also := b.HostAddr()
	return ok && also && x != y
}

func (s *linter) exchange(e *exchangeRun) {
	if e.Partial {
		return
	}
	s.faults = s.faults[:0]
	q := linted{true, e.Method, 0, e.Fields, e.Quirks, e.InDialog, e.OldBranch, e.Body}
	if !wholeRequestOf(e.Method, &e.Fields, e.Quirks, e.Body, e.OldBranch) {
		s.faults = q.check(s.faults)
	}
	if s.looksAt(&e.c.hosts, e.Source.Addr()) {
		s.faults = closely(e.Request(), s.faults)
	}
	s.tell(e, &q)
	if e.Status == 0 || e.ResponseFields == (sipmsg.FieldSet{}) {
		return
	}
	quirks := lacks(&e.ResponseFields)
	if !wholeResponse(e.Method, e.Status, &e.ResponseFields, quirks, 0, e.ResponseToTag) {
		p := linted{false, e.Method, e.Status, e.ResponseFields, quirks, e.ResponseToTag, false, 0}
		s.faults = p.check(s.faults[:0])
		s.tell(e, &p)
	}
}

// lacks returns QuirkMissing where one of the header fields that every message has is not among fields.
func lacks(fields *sipmsg.FieldSet) sipmsg.Quirks {
	for _, id := range everyMessage {
		if !fields.Has(id) {
			return sipmsg.QuirkMissing
		}
	}
	return 0
}

// looksAt reports whether a request of an address is one of the first, which are looked at closely.
func (s *linter) looksAt(all *hosts, a netip.Addr) bool {
	h := all.of(a)
	if h == nil || h.closely == 0 {
		if s.closers == maxClosers {
			return false
		}
		s.closers++
		h = all.add(a)
	}
	if h.closely == maxClosely {
		return false
	}
	h.closely++
	return true
}

// tell adds the faults of a request outside of calls, or of its response.
func (s *linter) tell(e *exchangeRun, l *linted) {
	frame, from, to := e.SentFrame, e.Source, &s.outside
	if !l.request {
		frame, from, to = e.FinalFrame, e.Destination, &s.answers
	}
	for _, f := range s.faults {
		what := named(l.request, l.method, l.status) + " " + f.what
		to.add(what, e, Finding{Severity: f.severity, Frames: []analysis.Frame{frame}, RFC: f.rfc, Observed: what + " from " + endpoint(from), Expected: f.expected})
	}
}
