package findings

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/sipmsg"
)

var sessionTimerExpiry = &Rule{
	ID: "session-timer-expiry", RFC: "RFC 4028 7.2, 10", Severity: "error",
	Title: "a call that ends because nobody refreshed its session timer",
	Doc: `The last 2xx to an INVITE or UPDATE before the first BYE, on its hop, has a Session-Expires (of SE seconds), and the BYE comes between SE − min(32 s, SE/3) − 2 s and
SE + 2 s after that 2xx. A 2xx without Session-Expires ends the timer. It is only possible where a later INVITE or UPDATE was accepted on another hop of the way, or the numbers of a side leave one out. A host that did not answer the last refresh is named; what else it did not answer is related. Of two legs that of who had to refresh, or did not take it up, is told.`,
	Why: "Both sides agreed to end the call unless it is refreshed in time, and no refresh succeeded: people are cut off after the same time in every long call.",
	Fix: "Find out why the side that has to refresh does not: look at whether it sends a re-INVITE or UPDATE at half of the interval, and at what becomes of it.",

	needs: timerRuns, counts: timerHeld,
	leg: func(r *legRun) {
		bye := r.first(func(m *analysis.Seen) bool { return m.Request && m.Method == "BYE" })
		if bye < 0 || r.Messages[bye].Time.IsZero() {
			return
		}
		set := r.timerSet(bye, true)
		if set == -1 { // the BYE took another way
			set = r.timerSet(bye, false)
		}
		if set < 0 || r.Messages[set].Partial {
			return
		}
		d := r.Messages[bye].Time.Sub(r.Messages[set].Time)
		if marks(r.Messages[set].Marks)&longTimer != 0 && d < longInterval-timeout-2*time.Second && !r.Messages[set].Time.IsZero() {
			r.applies()
			return
		}
		v, ok := r.header(set, sipmsg.SessionExpires)
		if !ok {
			return
		}
		se := sipmsg.ParseSessionExpires(v)
		if !se.HasInterval || se.Interval == 0 || r.Messages[set].Time.IsZero() {
			return
		}
		r.applies()
		interval := time.Duration(se.Interval) * time.Second
		if d < interval-min(timeout, interval/3)-2*time.Second || d > interval+2*time.Second {
			return
		}
		f := Finding{
			Severity: Error, Frames: r.frames(set, bye),
			Observed: fmt.Sprintf("BYE %s after the last 2xx that set a session timer of %d s", seconds(d), se.Interval),
			Expected: fmt.Sprintf("a refresh about %d s after that 2xx", se.Interval/2),
			Because:  fmt.Sprintf("its session timer of %d s was not refreshed", se.Interval), end: cutOff,
		}
		if r.changedOnWay(r.Messages[set].Hop, r.Messages[set].Time) || r.leavesOut(r.Messages[set].FromTag, set, bye) || r.leavesOut(r.Messages[set].ToTag, set, bye) || r.lacksBetween(set, bye) {
			f.Confidence = Possible
		}
		if side := r.refresher(set, se.Refresher); side != analysis.NoParty {
			who := sideOf(side)
			if side == analysis.Caller { // of a leg, which may be a server between
				who += ", " + endpoint(r.Leg.Source) + ","
			}
			f.Observed += ", which " + who + " had to refresh"
			f.passed = &passed{side: side, same: "timer", at: r.Messages[bye].Time}
		}
		if i := r.failedRefresh(set, bye); i >= 0 {
			t := &r.Transactions[i]
			if f.passed != nil {
				f.passed.side = otherSide(r.side(r.fromTag(i))) // who did not take it up
			}
			f.Frames = []analysis.Frame{f.Frames[0], t.SentFrame, f.Frames[1]}
			if on := r.silentOn(i); on >= 0 {
				to := r.sentTo(on)
				f.Frames[1], f.to = r.Transactions[on].SentFrame, to.Addr()
				f.Observed += fmt.Sprintf("; %s did not answer the %s tried", endpoint(to), t.Method)
			} else {
				f.Observed += fmt.Sprintf("; the %s tried was %s", t.Method, outcome(t))
			}
			if t.Status == 0 && r.wasHeard(i, r.Messages[bye].Time) {
				f.Confidence = Possible
			}
		}
		r.report(f)
	},
}

// lacksBetween reports whether octets of either direction of the hop of two messages came between them that are not in the capture.
func (r *legRun) lacksBetween(first, last int) bool {
	m := &r.Messages[first]
	src, dst, to := m.Source.Addr(), m.Destination.Addr(), r.Messages[last].Time
	return m.Transport != "UDP" && (r.c.lacks(hostPair{src, dst}, m.Time, to) || r.c.lacks(hostPair{dst, src}, m.Time, to))
}

// longInterval is the session timer from which on most calls are over before it could have run out.
const longInterval = 10 * time.Minute

// timerSet returns the last 2xx to an INVITE or UPDATE before the message bye, on its hop or
// on any; -1 for none, -2 where it sets no timer.
func (r *legRun) timerSet(bye int, onHop bool) int {
	set := -1
	for i := range bye {
		m := &r.Messages[i]
		if m.Request || m.Status/100 != 2 || m.Resent.Number != 0 || m.Method != "INVITE" && m.Method != "UPDATE" || onHop && m.Hop != r.Messages[bye].Hop {
			continue
		}
		if set = -2; m.Fields.Has(sipmsg.SessionExpires) || m.Partial {
			set = i
		}
	}
	return set
}

// refresher returns who has to refresh, as the 2xx says.
func (r *legRun) refresher(set int, who []byte) analysis.Party {
	side := r.side(r.Messages[set].FromTag)
	switch string(who) {
	case "uac":
		return side
	case "uas":
		return otherSide(side)
	}
	return analysis.NoParty
}

// failedRefresh returns the last INVITE or UPDATE between two messages, on the hop of the
// first, -1 for none.
func (r *legRun) failedRefresh(from, to int) int {
	for j := to - 1; j > from; j-- {
		if m := &r.Messages[j]; m.Request && (m.Method == "INVITE" || m.Method == "UPDATE") && m.Transaction >= 0 && m.Hop == r.Messages[from].Hop && m.Time.After(r.Messages[from].Time) && m.Transaction != r.Messages[from].Transaction {
			return m.Transaction
		}
	}
	return -1
}

// silentOn returns the transaction of the last hop on which the request of i, or what a server passed on of it, was sent in vain; -1 for none.
func (r *legRun) silentOn(i int) int {
	for j := len(r.Transactions) - 1; j >= i; j-- {
		if (j == i || r.sameRequest(i, j)) && (r.unheard(j) || r.Transactions[j].Method != "INVITE" && r.Transactions[j].Status == 0 && r.timedOut(j)) {
			return j
		}
	}
	return -1
}

// outcome says what became of a request.
func outcome(t *analysis.Transaction) string {
	if t.Status == 0 {
		return "not answered"
	}
	return fmt.Sprintf("answered %d", t.Status)
}

var session422 = &Rule{
	ID: "session-422", RFC: "RFC 4028 5, 6", Severity: "error / note",
	Title: "a session timer that is too short, and is not made longer",
	Doc: `An INVITE or UPDATE was answered 422 with Min-SE, and in 32 s neither a further one of that side follows on that Call-ID nor another INVITE of the same From to the same To;
or the next one, on that Call-ID or another, has a Session-Expires below that Min-SE again, which is told once on a Call-ID. A retry that has no Session-Expires, or one that is long enough, is a note, and so is an INVITE that another host then accepts as it is.`,
	Why: "The call fails although both sides could agree: 422 says how long the timer has to be, and the caller has to try again with that.",
	Fix: "Set the session timer of the caller to at least the Min-SE of the other side, or make it try again after 422.",

	needs: oddRefusal,
	state: func() state { return new(tooShort) },
}

// maxTooShort bounds the refusals of session timers that wait for another call.
const maxTooShort = 1000

// tooShort are the 422 that nothing followed on their Call-ID.
type tooShort struct {
	wait []refusedTimer
	said map[legNumber]saidTimer // what the INVITEs of legs say, at most maxTooShort
}

type refusedTimer struct {
	leg   legNumber
	users string // who called whom
	at    time.Time
	least uint32
	f     Finding
}

// saidTimer is the Session-Expires of the INVITE that begins a leg.
type saidTimer struct {
	interval uint32
	frame    analysis.Frame
}

// note keeps what the INVITE of a leg says, which may be a new try of another call.
func (s *tooShort) note(r *legRun) {
	i := r.first(isInitialINVITE)
	if i < 0 || len(s.said) == maxTooShort {
		return
	}
	v, _ := r.header(i, sipmsg.SessionExpires)
	if se := sipmsg.ParseSessionExpires(v); se.HasInterval {
		if s.said == nil {
			s.said = make(map[legNumber]saidTimer)
		}
		s.said[legNo(r.Leg)] = saidTimer{se.Interval, r.Messages[i].Frame}
	}
}

// isShort reports whether the Session-Expires of a request is less than what is asked for.
func (r *legRun) isShort(i int, least uint32) bool {
	v, ok := r.header(i, sipmsg.SessionExpires)
	se := sipmsg.ParseSessionExpires(v)
	return ok && se.HasInterval && se.Interval < least
}

func (s *tooShort) leg(r *legRun) {
	if r.glance == nil || r.glance.marks&shortAgain != 0 { // else it is no too short try
		s.note(r)
	}
	told := -1 // the transaction of a retry that was told of
	for i := range r.Transactions {
		t := &r.Transactions[i]
		if t.Status != 422 || t.Requests == 0 || r.firstHop(i) != i || told >= 0 && r.sameRequest(told, i) {
			continue
		}
		req, res := r.requestOf(i), r.responseOf(i, 422)
		if req < 0 || res < 0 || r.Messages[res].Partial {
			continue
		}
		r.applies()
		v, ok := r.header(res, sipmsg.MinSE)
		least := sipmsg.ParseSessionExpires(v)
		if !ok || !least.HasInterval {
			continue
		}
		f := Finding{
			Severity: Error, Frames: []analysis.Frame{t.SentFrame, t.FinalFrame},
			Observed: fmt.Sprintf("%s%s answered 422 with Min-SE %d", t.Method, r.interval(req), least.Interval),
			Expected: fmt.Sprintf("another %s with Session-Expires %d or more", t.Method, least.Interval),
			Because:  fmt.Sprintf("its session timer was refused (Min-SE %d) and not made longer", least.Interval), end: turnedDown, refusal: 422,
		}
		q := &r.Messages[req]
		if retriedUnseen(r.Detail, t) || r.wentOn(t) && r.leavesOut(q.FromTag, req, len(r.Messages)) {
			continue
		}
		retry := r.first(func(m *analysis.Seen) bool {
			return m.Request && m.Method == t.Method && m.FromTag == q.FromTag && m.CSeq > q.CSeq && !m.Partial && !m.Time.Before(t.Answered)
		})
		src, dst := r.ends(t)
		f.gate = waitFor(dst, src, t.Answered, r.transport(i))
		switch {
		case retry >= 0 && r.Messages[retry].Time.Sub(t.Answered) <= timeout:
			f.gate = nil
			f.Frames = append(f.Frames, r.Messages[retry].Frame)
			f.Observed += "; the next one comes" + r.interval(retry)
			if r.isShort(retry, least.Interval) {
				told = r.Messages[retry].Transaction
				r.report(f)
				continue
			}
			f.Severity, f.NextStep, f.Because = Note, "Nothing: it was tried again with a longer timer.", ""
			if _, ok := r.header(retry, sipmsg.SessionExpires); !ok {
				f.NextStep = "Nothing: it was tried again without a session timer."
			}
			r.report(f)
		case r.wentOn(t): // by way of another host
			f.Severity, f.gate, f.NextStep, f.Because = Note, nil, "Nothing: another host took the call.", ""
			f.Observed += "; the call was answered all the same"
			r.report(f)
		case len(s.wait) < maxTooShort:
			f.CallID = r.Leg.CallID
			s.wait = append(s.wait, refusedTimer{leg: legNo(r.Leg), users: users(r.Leg), at: t.Answered, least: least.Interval, f: f})
		}
	}
}

// interval says what the Session-Expires of a request is.
func (r *legRun) interval(i int) string {
	v, ok := r.header(i, sipmsg.SessionExpires)
	if !ok {
		return " without Session-Expires"
	}
	if se := sipmsg.ParseSessionExpires(v); se.HasInterval {
		return fmt.Sprintf(" with Session-Expires %d", se.Interval)
	}
	return " with a Session-Expires that is no number"
}

func users(l *analysis.Leg) string { return l.From + "\x00" + l.To }

// end tells those that no other call followed either.
func (s *tooShort) end(r *captureRun) {
	if len(s.wait) == 0 {
		return
	}
	waiting := make(map[string][]*refusedTimer)
	for i := range s.wait {
		w := &s.wait[i]
		waiting[w.users] = append(waiting[w.users], w)
	}
	again := make(map[*refusedTimer]retries)
	for c := range r.Calls.Heads() {
		for _, l := range c.Legs {
			for _, w := range waiting[users(l)] {
				if d := l.Invited.Sub(w.at); legNo(l) != w.leg && d >= 0 && d <= timeout {
					x := again[w]
					x.add(l, s.said, w.least)
					again[w] = x
				}
			}
		}
	}
	for i := range s.wait {
		w := &s.wait[i]
		switch x := again[w]; {
		case x.n == 0:
			w.f.Observed += "; no other try follows"
		case x.n == x.short:
			w.f.gate = nil
			w.f.Frames = append(w.f.Frames, x.first.frame)
			w.f.Observed += fmt.Sprintf("; another call between the same users follows, and comes with Session-Expires %d", x.first.interval)
		default:
			w.f.Severity, w.f.gate, w.f.Because = Note, nil, ""
			w.f.Observed += "; another call between the same users follows"
			w.f.NextStep = "Nothing: it was tried again as another call."
		}
		r.reportOf(w.leg, w.f.CallID, w.f)
	}
}

// retries are the calls that may be new tries of a refused one.
type retries struct {
	n, short int
	first    saidTimer // of those whose timer is too short again
}

// add takes in a call.
func (x *retries) add(l *analysis.Leg, said map[legNumber]saidTimer, least uint32) {
	x.n++
	if t, ok := said[legNo(l)]; ok && t.interval < least && l.Answered.IsZero() {
		if x.short++; x.short == 1 {
			x.first = t
		}
	}
}

var unknownDialog = &Rule{
	ID: "481-in-dialog", RFC: "RFC 3261 12.2.2", Severity: "error / note",
	Title: "a request that the other side knows no dialog for",
	Doc: `A BYE, re-INVITE, UPDATE, PRACK, INFO, REFER or NOTIFY with a To tag is answered 481. It is compared with the tags of the responses that made the dialog. Excepted are requests
that cross a BYE of the other side (which was sent before the 481 came, and not answered when the request was sent), those of an early dialog that cross the refusal of its INVITE (which came before the 481, and was not acknowledged on the first hop when the request was sent), and those with Replaces; a NOTIFY to a side that had sent BYE before, as phones do behind a REFER, is a note. It is told once for
each side of a dialog, at the hop nearest to who answers, with the first request of each method; a PRACK, whose RAck may be wrong, for itself.`,
	Why: "The two sides no longer agree about the call: one of them, or a server between, has forgotten it or was restarted, or a tag was changed on the way.",
	Fix: "Compare the tags; if they are those of the dialog, look at why the answering side has ended it (a timer, a restart, another machine of a cluster).",
	Odd: "a request of its dialog was answered 481",

	needs: oddRefusal, counts: dialogAnswered,
	leg: func(r *legRun) {
		var told []unknownTo
		for i := range r.Transactions {
			t := &r.Transactions[i]
			if t.Initial || t.Status == 0 || t.Requests == 0 || !needsDialog(t.Method) {
				continue
			}
			r.applies()
			if t.Status != 481 || r.firstHop(i) != i {
				continue
			}
			at := r.lastHop(i)
			req := r.requestOf(at)
			if req < 0 || r.Messages[req].ToTag == 0 || r.Messages[req].Partial || r.Messages[req].Fields.Has(sipmsg.Replaces) || r.crossesBye(i) || r.crossesRefusal(i, at, req) {
				continue
			}
			r.tellUnknown(&told, at, req)
		}
		for i := range told {
			r.report(told[i].f)
		}
	},
}

// An unknownTo is what is told of the requests of one side of a dialog.
type unknownTo struct {
	f       Finding
	from    uint64 // tags
	to      uint64
	methods []string
}

// tellUnknown adds a request that was answered 481 to what is told of its side of the dialog: the first of each method.
func (r *legRun) tellUnknown(told *[]unknownTo, i, req int) {
	q := &r.Messages[req]
	for k := range *told {
		if x := &(*told)[k]; x.from == q.FromTag && slices.Contains(x.methods, q.Method) {
			return
		}
	}
	f := r.unknown(i, req)
	for k := range *told {
		if x := &(*told)[k]; x.from == q.FromTag && x.to == q.ToTag && x.f.Severity == f.Severity && x.methods[0] != "PRACK" && q.Method != "PRACK" {
			x.methods = append(x.methods, q.Method)
			x.f.Frames = append(x.f.Frames, f.Frames[:2]...)
			x.f.Observed += "; so was its " + q.Method
			return
		}
	}
	if len(*told) < maxSides {
		*told = append(*told, unknownTo{f, q.FromTag, q.ToTag, []string{q.Method}})
	}
}

// needsDialog reports whether a request with a To tag needs a dialog that the other side knows.
func needsDialog(method string) bool {
	switch method {
	case "BYE", "INVITE", "UPDATE", "PRACK", "INFO", "REFER", "NOTIFY":
		return true
	}
	return false
}

// crossesBye reports whether the request of a transaction crossed a BYE of the other side.
func (r *legRun) crossesBye(i int) bool {
	t := &r.Transactions[i]
	for j := range r.Transactions {
		b := &r.Transactions[j]
		sent := b.Sent
		if b.Requests == 0 { // it is not in the capture, but its answer is
			sent = b.Answered.Add(-time.Second)
		}
		if b.Method != "BYE" || b.Hop != t.Hop || b.Forward == t.Forward || sent.After(t.Answered) {
			continue
		}
		if b.Status == 0 || !b.Answered.Before(t.Sent) {
			return true
		}
	}
	return false
}

// crossesRefusal reports whether the request of transaction i is of an early dialog that was refused, on the hop of transaction at, before
// it was answered there, and whose sender did not know of that: of several phones the caller is told of one refusal alone.
func (r *legRun) crossesRefusal(i, at, req int) bool {
	t, end, q := &r.Transactions[i], &r.Transactions[at], &r.Messages[req]
	for j := range r.Transactions {
		if x := &r.Transactions[j]; x.Method == "INVITE" && x.Initial && x.Status >= 300 && x.Hop == t.Hop && x.AckTime.Before(t.Sent) && x.Answered.Before(t.Sent) {
			return false // he knew
		}
	}
	refused := false // by the last final response: who is challenged may have that tag, and be answered with it
	for j := range r.Messages {
		if m := &r.Messages[j]; ofInitialINVITE(m) && m.Status >= 200 && m.Hop == end.Hop && !m.Time.After(end.Answered) && (m.ToTag == q.ToTag || m.ToTag == q.FromTag) {
			refused = m.Status >= 300 && !isChallenge(m.Status)
		}
	}
	return refused
}

// unknown tells that the request req of transaction i was answered 481.
func (r *legRun) unknown(i, req int) Finding {
	t, q := &r.Transactions[i], &r.Messages[req]
	f := Finding{
		Severity: Error, Frames: []analysis.Frame{q.Frame, t.FinalFrame},
		Expected: "a response that knows the dialog",
	}
	what, made := r.differingTag(req)
	if made >= 0 {
		f.Frames = append(f.Frames, r.Messages[made].Frame)
	}
	f.Observed = fmt.Sprintf("%s of %s answered 481 by %s: %s", t.Method, r.sender(req), endpoint(r.sentTo(i)), what)
	if t.Method == "NOTIFY" && r.first(func(m *analysis.Seen) bool {
		return m.Request && m.Method == "BYE" && m.FromTag == q.ToTag && m.Time.Before(q.Time)
	}) >= 0 {
		f.Severity = Note
		f.Observed += "; it had sent BYE before"
		f.NextStep = "Nothing, unless the report is missed: who hangs up behind a REFER or SUBSCRIBE has to take what it asked for (RFC 5057)."
	}
	if bye := r.first(func(m *analysis.Seen) bool { return m.Request && m.Method == "BYE" && !m.Time.Before(t.Answered) }); bye >= 0 && t.Method != "BYE" {
		if b := &r.Messages[bye]; b.FromTag == q.FromTag && b.Time.Sub(t.Answered) < t2 {
			f.Because, f.end = fmt.Sprintf("its %s was answered 481", t.Method), cutOff
		}
	}
	if r.Leg.ByeStray && t.Method == "BYE" {
		f.Because, f.end = "its BYE was answered 481", goesOn
	}
	return f
}

// differingTag says which tag of a request is not that of the dialog, and returns the
// response that made it; -1 for none, or where the tags are the same.
func (r *legRun) differingTag(req int) (what string, made int) {
	q := &r.Messages[req]
	made = -1
	for i := range req {
		m := &r.Messages[i]
		if m.Request || m.Method != "INVITE" || m.Status <= 100 || m.Status >= 300 || m.ToTag == 0 || m.Transaction < 0 {
			continue
		}
		if m.FromTag == q.FromTag && m.ToTag == q.ToTag || m.FromTag == q.ToTag && m.ToTag == q.FromTag {
			if q.Method == "PRACK" { // RFC 3262, section 3
				return "both tags are those of the dialog, which it no longer knows, or the RAck is that of no response that waits", -1
			}
			return "both tags are those of the dialog, which it no longer knows", -1
		}
		if r.Transactions[m.Transaction].Initial && (made < 0 || m.Status >= 200 && r.Messages[made].Status < 200) {
			made = i
		}
	}
	if made < 0 {
		return "the beginning of the dialog is not in the capture", -1
	}
	m := &r.Messages[made]
	tag := func(i int, id sipmsg.ID) string {
		if x := r.Message(i); x != nil {
			return quote(x.Tag(id))
		}
		return "another one"
	}
	differs := func(name string, id, of sipmsg.ID) string {
		return fmt.Sprintf("its %s tag is %s and that of the dialog %s", name, tag(req, id), tag(made, of))
	}
	switch {
	case q.FromTag == m.FromTag:
		return differs("To", sipmsg.To, sipmsg.To), made
	case q.FromTag == m.ToTag:
		return differs("To", sipmsg.To, sipmsg.From), made
	case q.ToTag == m.ToTag:
		return differs("From", sipmsg.From, sipmsg.From), made
	case q.ToTag == m.FromTag:
		return differs("From", sipmsg.From, sipmsg.To), made
	}
	return "neither of its tags is one of the dialog", made
}

var prackMissing = &Rule{
	ID: "prack-missing", RFC: "RFC 3262 3, 4", Severity: "error",
	Title: "a reliable provisional response that is never acknowledged",
	Doc: `A 1xx with Require: 100rel and RSeq was sent twice or more on a hop, and no PRACK whose RAck names that RSeq and the CSeq of the INVITE, but for that of another phone, was seen on any hop up to the final response to the INVITE,
or for 32 s, or while it was repeated for 27 s and more; or it was repeated for as long behind the last PRACK that went to another host. Where the capture ends before that it is only possible; so it is where the PRACK goes another way (no Record-Route, and the Contact is another host) and the 1xx was sent less than four times: where it was sent
more often it is likely, and nothing else where it was repeated for 27 s or more. A PRACK of the dialog whose RAck is that of none of its reliable responses is shown; what 481-in-dialog would tell of it is related. Of two legs that of who has to send it is told.`,
	Why: "The called side repeats the response and gives the call up with a 5xx when no PRACK comes.",
	Fix: "Look at whether the caller got the response, and whether it supports 100rel: it must not offer it if it sends no PRACK.",

	needs: hasRSeq,
	leg: func(r *legRun) {
		var told []int
		for i := range r.Messages {
			m := &r.Messages[i]
			if !r.reliable(i) || len(told) == maxSides {
				continue
			}
			r.applies()
			seq := r.rseq(i)
			known := false
			for _, j := range told {
				x := &r.Messages[j]
				known = known || x.CSeq == m.CSeq && x.ToTag == m.ToTag && r.rseq(j) == seq
			}
			if known || seq == 0 {
				continue
			}
			told = append(told, i)
			r.unacknowledged(i, seq)
		}
	},
}

// reliable reports whether a message is a reliable provisional response.
func (r *legRun) reliable(i int) bool {
	m := &r.Messages[i]
	if m.Request || m.Status <= 100 || m.Status >= 200 || m.Method != "INVITE" || m.Partial || !m.Fields.Has(sipmsg.RSeq) || !m.Fields.Has(sipmsg.Require) {
		return false
	}
	x := r.Message(i)
	if x == nil {
		return false
	}
	for v := range x.Values(sipmsg.Require) {
		if string(v) == "100rel" {
			return true
		}
	}
	return false
}

func (r *legRun) rseq(i int) uint32 {
	if m := r.Message(i); m != nil {
		if _, n, ok := m.Number(sipmsg.RSeq); ok {
			return n
		}
	}
	return 0
}

// rack returns what a PRACK acknowledges.
//
//go:noinline
func (r *legRun) rack(i int) (a sipmsg.RAckValue, ok bool) {
	v, ok := r.header(i, sipmsg.RAck)
	return sipmsg.ParseRAck(v), ok
}

// acknowledges reports whether message i is the PRACK of a reliable provisional response.
func (r *legRun) acknowledges(i, response int) bool {
	m := &r.Messages[response]
	if r.Messages[i].Method != "PRACK" || r.Messages[i].ToTag != m.ToTag || !r.reliable(response) {
		return false
	}
	a, _ := r.rack(i)
	return a.CSeq == m.CSeq && a.RSeq == r.rseq(response)
}

// manyCopies of a reliable response show that no PRACK gets through, whatever way that takes.
const manyCopies = 4

// unacknowledged reports that the reliable provisional response i was repeated and got no PRACK.
func (r *legRun) unacknowledged(i int, seq uint32) {
	m := &r.Messages[i]
	var copies []int
	other := -1   // a PRACK of something else
	short := -1   // one that went to another host
	late := false // one came when no copy did any more
	for j := i; j < len(r.Messages); j++ {
		x := &r.Messages[j]
		switch {
		case x.Request && x.Method == "PRACK":
			if x.Partial {
				return
			}
			if a, ok := r.rack(j); ok && a.RSeq == seq && a.CSeq == m.CSeq && !r.twoPhones(x.ToTag, m.ToTag) {
				if late = x.Time.Sub(m.Time) > timeout && r.Messages[copies[len(copies)-1]].Time.Sub(m.Time) <= timeout; late {
					continue
				}
				if x.Destination.Addr() == m.Source.Addr() {
					return
				}
				short = j
			}
			if other < 0 && r.acknowledgesNone(j, m) {
				other = j
			}
		case x.Hop == m.Hop && x.Forward == m.Forward && x.Status == m.Status && x.CSeq == m.CSeq && x.ToTag == m.ToTag && r.reliable(j) && r.rseq(j) == seq:
			copies = append(copies, j)
		}
	}
	if len(copies) < 2 || r.leavesOut(m.FromTag, i, len(r.Messages)) && len(copies) < 3 {
		return
	}
	if last := &r.Messages[copies[len(copies)-1]]; short >= 0 && last.Time.Sub(r.Messages[short].Time) < enough {
		return
	}
	f := Finding{
		Severity: Error, Frames: r.frames(copies...),
		Observed: fmt.Sprintf("%d with RSeq %d sent %d times over %s, no PRACK", m.Status, seq, len(copies), seconds(r.Messages[copies[len(copies)-1]].Time.Sub(m.Time))),
		Expected: fmt.Sprintf("a PRACK with RAck: %d %d INVITE", seq, m.CSeq),
		gate:     waitFor(m.Source, m.Destination, m.Time, m.Transport), passed: r.said(i, "PRACK"),
	}
	f.passed.side = otherSide(f.passed.side) // who has to acknowledge it
	if late {
		f.Observed += " within 32 s"
	}
	switch repeated := r.Messages[copies[len(copies)-1]].Time.Sub(m.Time); {
	case repeated >= enough:
		f.gate.wait = min(timeout, repeated) // up to then its sender had none
	case !r.keepsHop(i): // the PRACK goes another way …
		f.Confidence = Possible
		if len(copies) >= manyCopies { // … and did not get through there
			f.Confidence = Likely
		}
	}
	switch {
	case short >= 0:
		f.Frames = append(f.Frames[:min(len(f.Frames), maxFrames-1)], r.Messages[short].Frame)
		f.Observed += " behind " + endpoint(r.Messages[short].Destination) + ", which got one"
		f.Expected = "the PRACK to get through to " + endpoint(m.Source)
	case other >= 0:
		r.tellRAck(&f, other)
	}
	if m.Transaction >= 0 {
		if t := &r.Transactions[m.Transaction]; t.Status != 0 {
			f.gate.wait = 0 // it is too late for one
			if t.Status >= 500 {
				f.Because, f.end, f.refusal = fmt.Sprintf("no PRACK acknowledged the %d", m.Status), turnedDown, t.Status
			}
		}
	}
	r.report(f)
}

// acknowledgesNone reports whether a PRACK is of the dialog of a reliable response, and of no such response that is in the capture.
func (r *legRun) acknowledgesNone(prack int, of *analysis.Seen) bool {
	p := &r.Messages[prack]
	if p.FromTag != of.FromTag || p.ToTag != of.ToTag {
		return false
	}
	a, _ := r.rack(prack)
	for j := range r.Messages {
		if x := &r.Messages[j]; x.ToTag == of.ToTag && x.CSeq == a.CSeq && r.reliable(j) && r.rseq(j) == a.RSeq {
			return false
		}
	}
	return true
}

// tellRAck adds to a finding what a PRACK acknowledges that is not of the response.
func (r *legRun) tellRAck(f *Finding, prack int) {
	if t := r.Messages[prack].Transaction; t >= 0 {
		if last := r.requestOf(r.lastHop(t)); last >= 0 {
			prack = last
		}
	}
	f.Frames = append(f.Frames[:min(len(f.Frames), maxFrames-1)], r.Messages[prack].Frame)
	f.Observed = strings.TrimSuffix(f.Observed, ", no PRACK") + "; the PRACK that comes has RAck " + list(r.Message(prack), sipmsg.RAck)
	f.NextStep = "Look at what changes RSeq or CSeq of the response or RAck of the PRACK on their way, or at how the caller makes its RAck."
}
