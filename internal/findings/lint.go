package findings

import (
	"bytes"
	"fmt"
	"net/netip"

	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/sipmsg"
)

var lint = &Rule{
	ID: "lint", RFC: "RFC 3261 8.1.1, 8.1.3.3, 8.2.6.2, 19.1.1, 20", Severity: "warning / note",
	Title: "a message that is not as it has to be",
	Doc: `In a message: a mandatory header field is missing (Via, From, To, Call-ID and CSeq in all; Contact in INVITE, UPDATE, REFER and SUBSCRIBE and in a 2xx to INVITE; Event in SUBSCRIBE, NOTIFY and PUBLISH;
Subscription-State in NOTIFY; Refer-To in REFER; RAck in PRACK; the challenge in 401 and 407, Allow in 405, Unsupported in 420, Require in 421, Min-SE in 422, Min-Expires in 423); the method of the CSeq
is not that of the request, or a response names another method than the request with its branch; no To tag in a response over 100; a response with more Vias than its request, or a request with several
Vias that are all of one sender; a body without Content-Type. In first INVITEs and the first responses to them, and in the first requests of each address outside of calls, also: parameters of a URI
(transport, lr, maddr, ttl, user, method) behind the angle brackets, or without any, in From, To, Contact, Route, Record-Route, Refer-To; a Content-Type that is no type/subtype, or application/sdp on
something else. A branch without z9hG4bK is a note. Of each kind one finding a leg and sender; requests outside of calls are told once for each pair of addresses. Max-Forwards and Content-Length have findings of their own.`,
	Why:   "Each of these makes some other implementation refuse the message, lose it, or read it otherwise than it is meant.",
	Fix:   "Correct the program that sent the message, or the server that changed it on the way.",
	state: func() state { return &linter{closely: make(map[netip.Addr]int)} },
}

const (
	// maxClosely is how many requests outside of calls are looked at closely of each
	// address: what is wrong with one is wrong with all.
	maxClosely = 8

	// maxClosers bounds the addresses that are counted.
	maxClosers = 10000
)

// linter applies lint.
type linter struct {
	outside repeats
	closely map[netip.Addr]int
}

func (s *linter) end(r *captureRun) {
	s.outside.tell(r)
	if r.WholeNoCallID > 0 {
		r.report(Finding{
			Severity: Warning, Frames: []analysis.Frame{r.FirstNoCallID}, RFC: "RFC 3261 8.1.1.4",
			Observed: number(int(min(r.WholeNoCallID, 1<<30)), "message") + " without Call-ID", Expected: "a Call-ID in each message",
		})
	}
}

// A fault is what is wrong with a message.
type fault struct {
	what     string
	rfc      string
	expected string
	severity Severity
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

// check tells what is wrong with a message as far as its header fields say by being there.
func (l *linted) check(tell func(fault)) {
	missing := func(id sipmsg.ID, rfc string) {
		if id != sipmsg.Other && !l.fields.Has(id) {
			tell(fault{"without " + id.String(), rfc, "a " + id.String(), Warning})
		}
	}
	if l.quirks&sipmsg.QuirkUnterminated != 0 {
		return // what is missing may be cut
	}
	if l.quirks&sipmsg.QuirkMissing != 0 {
		for _, id := range [...]sipmsg.ID{sipmsg.Via, sipmsg.From, sipmsg.To, sipmsg.CallID, sipmsg.CSeq} {
			missing(id, "RFC 3261 8.1.1")
		}
	}
	if l.request {
		ids, rfc := must(l.method)
		for _, id := range ids {
			missing(id, rfc)
		}
		if l.quirks&sipmsg.QuirkCSeqMethod != 0 && l.fields.Has(sipmsg.CSeq) {
			tell(fault{"with another method in CSeq", "RFC 3261 8.1.1.5", "the method of the request in CSeq", Warning})
		}
		if l.old && l.fields.Has(sipmsg.Via) {
			tell(fault{"with a branch that does not begin with z9hG4bK", "RFC 3261 8.1.1.7", "a branch that begins with z9hG4bK", Note})
		}
	} else {
		missing(mustAnswer(l.method, l.status))
		if l.status > 100 && !l.toTag && l.fields.Has(sipmsg.To) {
			tell(fault{"without To tag", "RFC 3261 8.2.6.2", "a To tag in every response but 100", Warning})
		}
	}
	if l.body > 0 && !l.fields.Has(sipmsg.ContentType) && l.quirks&sipmsg.QuirkContentLengthShort == 0 {
		tell(fault{"with a body and without Content-Type", "RFC 3261 20.15", "a Content-Type", Warning})
	}
}

func (s *linter) leg(r *legRun) {
	var told []leggedFault
	for i := range r.Messages {
		m := &r.Messages[i]
		if m.Partial || m.Resent.Number != 0 {
			continue
		}
		r.applies()
		tell := func(f fault, more ...int) {
			k := leggedFault{f.what, m.Source.Addr()}
			if len(told) == maxSides || contains(told, k) {
				return
			}
			told = append(told, k)
			r.report(Finding{Severity: f.severity, Frames: r.frames(append(more, i)...), RFC: f.rfc, Observed: named(m.Request, m.Method, m.Status) + " " + f.what + " from " + endpoint(m.Source), Expected: f.expected})
		}
		l := linted{m.Request, m.Method, m.Status, m.Fields, m.Quirks, m.ToTag != 0, m.OldBranch, m.Body}
		l.check(func(f fault) { tell(f) })
		if req, wrong := r.otherMethod(i); wrong {
			tell(fault{"that names another method in CSeq than the request", "RFC 3261 8.2.6.2", "the CSeq of the request", Warning}, req)
		}
		if r.looksClosely(i) {
			if x := r.Message(i); x != nil {
				closely(x, func(f fault) { tell(f) })
				if req, wrong := r.moreVias(i, x); wrong {
					tell(fault{"with more Vias than its request", "RFC 3261 8.1.3.3", "the Vias of the request", Warning}, req)
				}
			}
		}
	}
}

// A leggedFault is a fault of a sender in a leg.
type leggedFault struct {
	what string
	from netip.Addr
}

func contains(list []leggedFault, k leggedFault) bool {
	for _, x := range list {
		if x == k {
			return true
		}
	}
	return false
}

// named names a message: its method, or its status and that of the request.
func named(request bool, method string, status int) string {
	if request {
		return method
	}
	return fmt.Sprintf("%d to %s", status, method)
}

// otherMethod reports whether a response has the branch of a request of another method, and
// none with that branch has its own.
func (r *legRun) otherMethod(i int) (req int, wrong bool) {
	m := &r.Messages[i]
	if m.Request || m.Transaction < 0 || r.Transactions[m.Transaction].Requests > 0 || m.OldBranch {
		return -1, false
	}
	for j := range i {
		q := &r.Messages[j]
		if q.Request && q.Branch == m.Branch && q.Hop == m.Hop && q.Forward != m.Forward && q.Method != m.Method && q.Method != "ACK" {
			if m.Method != "CANCEL" || q.Method != "INVITE" { // a CANCEL has the branch of its INVITE
				return j, true
			}
		}
	}
	return -1, false
}

// looksClosely reports whether a message is the first INVITE on a hop, or the first response over 100, or
// the first 2xx, to one.
func (r *legRun) looksClosely(i int) bool {
	m := &r.Messages[i]
	if m.Method != "INVITE" || m.Transaction < 0 || !r.Transactions[m.Transaction].Initial {
		return false
	}
	t := &r.Transactions[m.Transaction]
	return m.Request || m.Status > 100 && m.Status < 200 && m.Time.Equal(t.Early) || m.Status >= 200 && m.Frame == t.FinalFrame
}

// moreVias reports whether a response has more Vias than its request had.
func (r *legRun) moreVias(i int, x *sipmsg.Message) (req int, wrong bool) {
	m := &r.Messages[i]
	if m.Request {
		return -1, false
	}
	req = r.requestOf(m.Transaction)
	if req < 0 || r.Messages[req].Partial {
		return -1, false
	}
	q := r.Message(req)
	return req, q != nil && vias(x) > vias(q)
}

func vias(m *sipmsg.Message) (n int) {
	for range m.Values(sipmsg.Via) {
		n++
	}
	return n
}

// closely tells what is wrong with the values of a message.
func closely(m *sipmsg.Message, tell func(fault)) {
	for _, id := range [...]sipmsg.ID{sipmsg.From, sipmsg.To, sipmsg.Contact, sipmsg.Route, sipmsg.RecordRoute, sipmsg.ReferTo} {
		for v := range m.Values(id) {
			if p := outsideURI(v); p != "" {
				tell(fault{fmt.Sprintf("with the URI parameter %s outside of <> in %s", p, id), "RFC 3261 20, 19.1.1", "<> around the URI with its parameters", Warning})
			}
		}
	}
	if m.IsRequest() {
		if n, one := oneSender(m); n > 1 && one {
			tell(fault{fmt.Sprintf("with %d Vias of its sender", n), "RFC 3261 8.1.1.7, 8.1.3.3", "one Via of each host on the way", Warning})
		}
	}
	ct, ok := m.First(sipmsg.ContentType)
	if !ok || len(m.Body) == 0 {
		return
	}
	t := sipmsg.ParseMediaType(ct)
	switch {
	case len(t.Type) == 0 || len(t.Subtype) == 0:
		tell(fault{"with a Content-Type that is no type/subtype: " + quote(ct), "RFC 3261 20.15", "a media type such as application/sdp", Warning})
	case t.Is("application", "sdp") && !m.Has(sipmsg.ContentEncoding) && !bytes.HasPrefix(bytes.TrimLeft(m.Body, "\r\n \t"), []byte("v=")):
		tell(fault{"with Content-Type application/sdp on a body that is none", "RFC 3261 20.15", "a body that begins with v=", Warning})
	}
}

// outsideURI returns the first parameter of an address that belongs to a URI and stands
// outside of it, "" for none.
func outsideURI(v []byte) string {
	i := bytes.LastIndexByte(v, '>') + 1
	if bytes.IndexByte(v[i:], ';') < 0 {
		return ""
	}
	a := sipmsg.ParseAddress(v)
	for _, p := range [...]string{"transport", "lr", "maddr", "ttl", "user", "method"} {
		if a.Params.Has(p) {
			return p
		}
	}
	return ""
}

// oneSender counts the Vias of a message and reports whether all have one sent-by.
func oneSender(m *sipmsg.Message) (n int, one bool) {
	var first []byte
	one = true
	for v := range m.Values(sipmsg.Via) {
		h := sipmsg.ParseVia(v)
		if n == 0 {
			first = sentBy(h)
		} else if !bytes.Equal(first, sentBy(h)) {
			one = false
		}
		n++
	}
	return n, one
}

func (s *linter) exchange(e *exchangeRun) {
	if e.Partial {
		return
	}
	q := linted{true, e.Method, 0, e.Fields, e.Quirks, e.InDialog, e.OldBranch, e.Body}
	tell := func(f fault) { s.tell(e, &q, f) }
	q.check(tell)
	n, known := s.closely[e.Source.Addr()]
	if n < maxClosely && (known || len(s.closely) < maxClosers) {
		s.closely[e.Source.Addr()] = n + 1
		if m := e.Request(); m != nil {
			closely(m, tell)
		}
	}
	if e.Status == 0 || e.ResponseFields == (sipmsg.FieldSet{}) {
		return
	}
	p := linted{false, e.Method, e.Status, e.ResponseFields, 0, e.ResponseToTag, false, 0}
	p.check(func(f fault) { s.tell(e, &p, f) })
}

// tell adds a fault of a request outside of calls, or of its response.
func (s *linter) tell(e *exchangeRun, l *linted, f fault) {
	frame, from := e.SentFrame, e.Source
	if !l.request {
		frame, from = e.FinalFrame, e.Destination
	}
	what := named(l.request, l.method, l.status) + " " + f.what
	s.outside.add(what, e, Finding{Severity: f.severity, Frames: []analysis.Frame{frame}, RFC: f.rfc, Observed: what + " from " + endpoint(from), Expected: f.expected})
}
