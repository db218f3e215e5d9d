package findings

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/sipmsg"
)

// outcomeRules are about what refusals and endings say.
var outcomeRules = []*Rule{transferFailed, q850Meaning, unsupportedFeature, lint}

// causeNames are the causes of Q.850 in words.
var causeNames = map[uint32]string{
	1: "unallocated number", 2: "no route to the transit network", 3: "no route to the destination", 4: "special information tone", 5: "misdialled trunk prefix",
	6: "channel unacceptable", 7: "call awarded", 8: "preemption", 9: "preemption, circuit reserved", 14: "query of a ported number", 16: "normal call clearing", 17: "user busy",
	18: "no user responding", 19: "no answer from the user", 20: "subscriber absent", 21: "call rejected", 22: "number changed", 23: "redirection to a new destination",
	24: "rejected because of a feature at the destination", 25: "exchange routing error", 26: "non-selected user clearing", 27: "destination out of order",
	28: "invalid number format", 29: "facility rejected", 30: "response to a status enquiry", 31: "normal, unspecified", 34: "no circuit available", 38: "network out of order",
	39: "permanent frame mode connection out of service", 40: "permanent frame mode connection operational", 41: "temporary failure", 42: "switching equipment congestion",
	43: "access information discarded", 44: "requested circuit not available", 46: "precedence call blocked", 47: "resource unavailable", 49: "quality of service not available",
	50: "requested facility not subscribed", 53: "outgoing calls barred within the group", 55: "incoming calls barred within the group", 57: "bearer capability not authorized",
	58: "bearer capability not presently available", 62: "inconsistent outgoing access information", 63: "service or option not available", 65: "bearer capability not implemented",
	66: "channel type not implemented", 69: "requested facility not implemented", 70: "only restricted digital information available", 79: "service or option not implemented",
	81: "invalid call reference", 82: "channel does not exist", 83: "suspended call exists, but not this one", 84: "call identity in use", 85: "no call suspended",
	86: "call cleared already", 87: "user not member of the group", 88: "incompatible destination", 90: "no such group", 91: "invalid transit network selection",
	95: "invalid message", 96: "mandatory information element missing", 97: "message type does not exist", 98: "message not compatible with the call state",
	99: "information element does not exist", 100: "invalid information element", 101: "message not compatible with the call state", 102: "recovery on expiry of a timer",
	103: "parameter does not exist, passed on", 110: "message with unknown parameter discarded", 111: "protocol error", 127: "interworking, unspecified",
}

// statusOfCause is what a gateway makes of a cause: RFC 3398, section 7.2.4.1.
var statusOfCause = map[uint32][2]int{
	1: {404}, 2: {404}, 3: {404}, 17: {486}, 18: {408}, 19: {480}, 20: {480}, 21: {403, 603}, 22: {410, 301}, 23: {410}, 26: {404}, 27: {502}, 28: {484}, 29: {501}, 31: {480},
	34: {503}, 38: {503}, 41: {503}, 42: {503}, 47: {503}, 55: {403}, 57: {403}, 58: {503}, 65: {488}, 70: {488}, 79: {501}, 87: {403}, 88: {503}, 102: {504}, 111: {500}, 127: {500},
}

// causeOfStatus is what a gateway makes of a status: RFC 3398, section 8.2.6.1.
var causeOfStatus = map[int]uint32{
	400: 41, 401: 21, 402: 21, 403: 21, 404: 1, 405: 63, 406: 79, 407: 21, 408: 102, 410: 22, 413: 127, 414: 127, 415: 79, 416: 127, 420: 127, 421: 127, 423: 127, 480: 18,
	481: 41, 482: 25, 483: 25, 484: 28, 485: 1, 486: 17, 500: 41, 501: 79, 502: 38, 503: 41, 504: 102, 505: 127, 513: 127, 600: 17, 603: 21, 604: 1,
}

var q850Meaning = &Rule{
	ID: "q850-meaning", RFC: "RFC 3326; RFC 6432; RFC 3398 7.2.4.1, 8.2.6.1", Severity: "note / warning",
	Title: "why a call ended, in words of Q.850 or SIP",
	Doc: `A Reason of a BYE, a CANCEL or a final response of 300 and over, with a cause of Q.850 or a status of SIP: a note that says what it means, and what else its text says; not one with an @, which may be the password of a URI. It is a warning where a response carries a
Q.850 cause that neither table of RFC 3398 pairs with its status: section 7.2.4.1 from cause to status, section 8.2.6.1 from status to cause. Causes 31 and 127, which say nothing, causes
and statuses that are in no table, and 487 never conflict; 480, which says only that the user is not
available now, conflicts with none of the causes that say so (17 to 20), nor does 488, whose cause is that of its Warning there, with those of what is not supported or does not match (57 to 79, 88); 16 is normal in BYE and CANCEL and conflicts with every other refusal.`,
	Why: "The cause is what the telephone network said; the status is what a gateway made of it. Where they differ the caller hears the wrong announcement, or a proxy tries elsewhere what is busy.",
	Fix: "Believe the cause, and correct the mapping in the gateway that sent it.",

	needs: hasReason,
	leg: func(r *legRun) {
		var told [8]reasonKey
		n := 0
		for i := range r.Messages {
			m := &r.Messages[i]
			if !m.Fields.Has(sipmsg.Reason) || m.Partial || m.Resent.Number != 0 || m.Request && m.Method != "BYE" && m.Method != "CANCEL" || !m.Request && m.Status < 300 {
				continue
			}
			r.applies()
			x := r.Message(i)
			if x == nil {
				continue
			}
			for v := range x.Values(sipmsg.Reason) {
				k := reasonKey{m.Method, m.Status, "", 0}
				why := sipmsg.ParseReason(v)
				f, ok := r.reason(i, why, &k)
				f.Observed += saysMore(f.Observed, why.Text)
				for _, t := range told[:n] {
					ok = ok && t != k
				}
				if ok && n < len(told) {
					told[n] = k
					n++
					f.passed = r.said(i, "")
					r.report(f)
				}
			}
		}
	},
}

// A reasonKey tells reasons apart: one that passes several hops is told once.
type reasonKey struct {
	method string
	status int
	what   string
	cause  uint32
}

// reason says what a Reason of message i means; ok is false where it says nothing.
func (r *legRun) reason(i int, v sipmsg.ReasonValue, k *reasonKey) (f Finding, ok bool) {
	m := &r.Messages[i]
	if !v.HasCause {
		return f, false
	}
	k.cause = v.Cause
	said := m.Method
	if !m.Request {
		said = fmt.Sprintf("%d to %s", m.Status, m.Method)
	}
	f = Finding{Severity: Note, Frames: r.frames(i), Expected: "nothing else: this says why", NextStep: "Read it as what the other network, or the phone, said."}
	switch {
	case strings.EqualFold(string(v.Protocol), "Q.850"):
		k.what = "Q.850"
		name := causeNames[v.Cause]
		if name == "" {
			name = "a cause without a name"
		}
		f.Observed = fmt.Sprintf("%s: Q.850 cause %d, %s", said, v.Cause, name)
		if m.Request {
			return f, true
		}
		if want, conflict := conflicts(v.Cause, m.Status); conflict {
			f.Severity, f.NextStep = Warning, ""
			f.Observed = fmt.Sprintf("%s with Q.850 cause %d, %s, which is no %d", said, v.Cause, name, m.Status)
			f.Expected = want
		}
		return f, true
	case strings.EqualFold(string(v.Protocol), "SIP"):
		k.what = "SIP"
		f.Observed = fmt.Sprintf("%s: SIP status %d%s", said, v.Cause, statusWords(m.Method, v.Cause))
		return f, true
	}
	return f, false
}

// saysMore quotes the text of a Reason if most of its words do not stand in what is told already, as those of NORMAL_CLEARING do. Where
// it has a URI it is left out: there may be a password in that.
func saysMore(told string, text []byte) string {
	if bytes.IndexByte(text, '@') >= 0 {
		return ""
	}
	told = strings.ToLower(told)
	known, news := 0, 0
	for word := range bytes.FieldsFuncSeq(bytes.ToLower(text), func(c rune) bool { return c == ' ' || c == '_' || c == '-' }) {
		if strings.Contains(told, string(word)) {
			known++
		} else {
			news++
		}
	}
	if news <= known {
		return ""
	}
	return "; it says " + quote(sipmsg.AppendUnquoted(nil, text))
}

// conflicts reports whether a cause and a status do not belong together, and what would.
func conflicts(cause uint32, status int) (want string, conflict bool) {
	if cause == 31 || cause == 127 || status == 487 {
		return "", false
	}
	of, known := causeOfStatus[status]
	if status == 480 && cause >= 17 && cause <= 20 || status == 488 && (cause >= 57 && cause <= 79 || cause == 88) {
		return "", false
	}
	if cause == 16 {
		return "a cause that says why; 16 belongs to BYE and CANCEL", known
	}
	statuses := statusOfCause[cause]
	if statuses[0] == 0 || !known && !mapped(status) {
		return "", false
	}
	for _, s := range statuses {
		if s == status {
			return "", false
		}
	}
	if known && of == cause {
		return "", false
	}
	want = fmt.Sprintf("%d for cause %d", statuses[0], cause)
	if known {
		want += fmt.Sprintf(", or cause %d with %d", of, status)
	}
	return want, true
}

// mapped reports whether any cause becomes a status.
func mapped(status int) bool {
	for _, list := range statusOfCause {
		for _, s := range list {
			if s == status {
				return true
			}
		}
	}
	return false
}

// statusWords says what a status means in the Reason of a request or response of a method.
func statusWords(method string, status uint32) string {
	switch status {
	case 200:
		if method != "CANCEL" && method != "INVITE" { // of a BYE it is how some phones say that they hung up
			return ""
		}
		return ", the call was answered elsewhere"
	case 486, 600:
		return ", busy"
	case 603:
		return ", declined"
	case 480:
		return ", temporarily unavailable"
	case 408:
		return ", a request timed out"
	case 481:
		return ", the dialog is not known"
	case 487:
		return ", terminated"
	case 503:
		return ", service unavailable"
	}
	return ""
}

var unsupportedFeature = &Rule{
	ID: "unsupported-feature", RFC: "RFC 3261 8.2.1, 8.2.2.3, 8.2.3; RFC 6665", Severity: "error / note",
	Title: "a request that asks for what the other side cannot do",
	Doc: `A request was answered 420 (an extension in Require or Proxy-Require), 421 (an extension that the other side requires), 405 (the method), 415 (the body) or 489 (the event package): what was
asked for and what is supported stand side by side. A later request of that method (or in 32 s an INVITE in place of UPDATE) and side on the Call-ID that is accepted, or pending when the capture ends, makes it a note (on a further leg of the call, too, where the server between the two was refused), and so is 405 to OPTIONS, which shows that the other side is there as any answer does. It is told once for each method, status and side of a leg, and outside of calls once for each pair of addresses, on a further hop where the server that got it refuses it with something else. A refusal of which t38-failed or codec-488 tells is related to that, and not told here.`,
	Why: "The two sides are configured for different things; trying again as it was fails again.",
	Fix: "Leave out what the other side does not support, or turn it on there.",

	needs: unsupportedAsked, counts: everyLeg, asks: refusedOutside,
	leg: func(r *legRun) {
		r.applies()
		for i := range r.Transactions {
			t := &r.Transactions[i]
			if !isUnsupported(t.Status) || r.firstHop(i) != i || r.refusedBefore(i) {
				continue
			}
			at := r.lastHop(i)
			req, res := r.requestOf(at), r.responseOf(at, t.Status)
			if req < 0 || res < 0 || r.Messages[req].Partial || r.Messages[res].Partial {
				continue
			}
			x := &r.Transactions[at]
			f := unsupported(t.Method, t.Status, r.Message(req), r.Message(res))
			f.Frames = []analysis.Frame{x.SentFrame, x.FinalFrame}
			if t.Initial && t.Method == "INVITE" {
				why := "%s asked for something that is not supported there (%d)"
				if t.Status == 421 {
					why = "%s does not support what is required there (%d)"
				}
				f.Because, f.end, f.refusal = fmt.Sprintf(why, r.party(r.fromTag(i)), t.Status), turnedDown, t.Status
			}
			if t.Method == "OPTIONS" && t.Status == 405 {
				f.Severity, f.NextStep = Note, "Nothing: that it answers is what was asked."
			}
			if r.acceptedLater(i) {
				f.Severity, f.NextStep, f.Because = Note, "Nothing: it was tried again without that.", ""
			}
			r.report(f)
		}
	},
	state: func() state { return new(unsupportedOutside) },
}

// acceptedLater reports whether a later request of the method and the side of a transaction was accepted, or a re-INVITE soon in place of UPDATE, or may have been: its
// final response is not in the capture, which has the ACK to it, or ends before it.
func (r *legRun) acceptedLater(i int) bool {
	t := &r.Transactions[i]
	if r.wentOn(t) {
		return true
	}
	for j := i + 1; j < len(r.Transactions); j++ {
		x := &r.Transactions[j]
		if (x.Method == t.Method || x.Method == "INVITE" && t.Method == "UPDATE" && x.Sent.Sub(t.Answered) < timeout) && (x.Status/100 == 2 || x.Status == 0 && (x.Acked || r.since(x.Sent) < timeout || !x.Provisional.IsZero())) && (x.CSeq > t.CSeq || x.Sent.After(t.Answered)) && r.fromTag(j) == r.fromTag(i) {
			return true
		}
	}
	return false
}

// refusedBefore reports whether an earlier request of the method and the side of a transaction was refused with its status.
func (r *legRun) refusedBefore(i int) bool {
	t := &r.Transactions[i]
	for j := range i {
		if x := &r.Transactions[j]; x.Status == t.Status && x.Method == t.Method && x.CSeq != t.CSeq && r.fromTag(j) == r.fromTag(i) {
			return true
		}
	}
	return false
}

func isUnsupported(status int) bool {
	switch status {
	case 405, 415, 420, 421, 489:
		return true
	}
	return false
}

// unsupported says what a request asked for, and what the response says is supported.
func unsupported(method string, status int, q, p *sipmsg.Message) Finding {
	f := Finding{Severity: Error}
	both := func(asked string, of sipmsg.ID, has string, id sipmsg.ID) {
		f.Observed = fmt.Sprintf("%s answered %d: %s %s; %s %s", method, status, asked, list(q, of), has, list(p, id))
	}
	switch status {
	case 420:
		asked := sipmsg.Require
		if q != nil && !q.Has(asked) {
			asked = sipmsg.ProxyRequire
		}
		both(asked.String(), asked, "Unsupported", sipmsg.Unsupported)
		f.Expected, f.RFC = "a request that requires only what the other side supports", "RFC 3261 8.2.2.3"
	case 421:
		both("Supported", sipmsg.Supported, "Require", sipmsg.Require)
		f.Expected, f.RFC = "a request that supports what the other side requires", "RFC 3261 21.4.16"
		f.NextStep = "Turn on what the other side requires, or let it do without."
	case 405:
		f.Observed = fmt.Sprintf("%s answered 405; Allow %s", method, list(p, sipmsg.Allow))
		f.Expected, f.RFC = "a method that the other side allows", "RFC 3261 8.2.1"
	case 415:
		both("Content-Type", sipmsg.ContentType, "Accept", sipmsg.Accept)
		if q != nil && q.Has(sipmsg.ContentEncoding) {
			f.Observed += fmt.Sprintf("; Content-Encoding %s; Accept-Encoding %s", list(q, sipmsg.ContentEncoding), list(p, sipmsg.AcceptEncoding))
		}
		f.Expected, f.RFC = "a body of a type that the other side accepts", "RFC 3261 8.2.3"
	case 489:
		both("Event", sipmsg.Event, "Allow-Events", sipmsg.AllowEvents)
		f.Expected, f.RFC = "an event package that the other side knows", "RFC 6665 8.3.2"
	}
	return f
}

// unsupportedOutside applies unsupported-feature to requests outside of calls.
type unsupportedOutside struct {
	found repeats
	refusals
}

func (s *unsupportedOutside) exchange(e *exchangeRun) {
	if !isUnsupported(e.Status) || e.Partial || !s.isNew(e) {
		return
	}
	f := unsupported(e.Method, e.Status, e.Request(), e.Response())
	f.Frames = []analysis.Frame{e.SentFrame, e.FinalFrame}
	if e.Method == "OPTIONS" && e.Status == 405 {
		f.Severity, f.NextStep = Note, "Nothing, where OPTIONS is to show that the other side is there: any answer does."
	}
	s.found.add(fmt.Sprintf("%s %d", e.Method, e.Status), e, f)
}

func (s *unsupportedOutside) end(r *captureRun) {
	s.found.tell(r)
	r.takenOver(false)
}
