package findings

import (
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/sipsight/sipsight/analysis"
)

// timerRules are about requests and responses that are waited for: RFC 3261, sections 9,
// 13, 15 and 17.
var timerRules = []*Rule{inviteNoResponse, requestTimeout, no100, missingAck2xx, missingAckFailure, byeBeforeAck, cancel200Race,
	cancelTooEarly, cancelNo487, cancelMismatch, dropAt32s, slowSetup, noAnswerRefresh}

var inviteNoResponse = &Rule{
	ID: "invite-no-response", RFC: "RFC 3261 17.1.1.2", Severity: "error",
	Title: "an INVITE that nobody answers",
	Doc: `An INVITE was sent twice or more over UDP (same branch and CSeq, on one hop) and no response of any kind came on that hop.
Seven copies, or 32 s since the first one, mean that Timer B ran out: certain, also where the capture ends with the last copy. An INVITE that a server passed on, without any response either, is told of the last hop. Before that it is likely, and only where the capture goes on for 32 s; and a note, where the INVITE is then sent to
another host that answers (on a further leg of the call, too, where the server between the two sent it).`,
	Why: "The request, or every answer to it, is lost: the address is wrong, the host is down, a firewall drops it, or the packet is too large for the path.",
	Fix: "Capture at the called host: if the INVITE does not arrive, look at routing, firewall and MTU; if it does, look at where the answers go.",
	Odd: "an INVITE of it was never answered",

	needs: invitesAgain, counts: invitesOverUDP,
	capture: func(r *captureRun) { r.takenOver(true) },
	leg: func(r *legRun) {
		for i := range r.Transactions {
			t := &r.Transactions[i]
			if t.Method != "INVITE" || t.Requests == 0 || !r.overUDP(i) {
				continue
			}
			r.applies()
			if !r.unheard(i) || r.onwards(i, r.unheard) {
				continue
			}
			src, _ := r.ends(t)
			dst := r.sentTo(i)
			f := Finding{
				Severity: Error, Confidence: Likely, Frames: r.requestFrames(i), gate: r.silence(i),
				Observed: fmt.Sprintf("INVITE sent %d times in %s to %s, no response", t.Requests, seconds(t.LastSent.Sub(t.Sent)), endpoint(dst)),
				Expected: "a provisional response within 200 ms, or a final one",
				Because:  fmt.Sprintf("nothing came back from %s", endpoint(dst)), end: unreached,
			}
			if !t.Initial {
				f.Because = ""
			}
			r.c.toPrivate(&f, src, dst)
			switch at := r.failover(i); {
			case t.Requests >= 7 || persists(t.Sent, t.LastSent):
				f.Confidence = Certain
				f.gate.wait = min(f.gate.wait, t.LastSent.Sub(t.Sent)) // up to then its sender had none
			case at >= 0:
				other := &r.Messages[at]
				f.Severity, f.Because, f.NextStep = Note, "", "Nothing, if the host was to be down: another one was asked in time."
				f.Observed += fmt.Sprintf("; after %s it was sent to %s, which answered", seconds(other.Time.Sub(t.Sent)), endpoint(other.Destination))
			}
			r.report(f)
		}
	},
}

// toPrivate adds that a request went from the Internet to a private address: what its sender took for where the other
// side is, a Contact mostly, is behind a NAT.
func (c *Collector) toPrivate(f *Finding, src, dst netip.AddrPort) {
	if !c.isPublic(src.Addr()) || !isPrivate(dst.Addr()) {
		return
	}
	f.Observed += "; that is a private address, and its sender is on the Internet"
	f.NextStep = "A private address is not reached from the Internet: let the server go by where the packets of that side come from (received and rport, RFC 5626), or that side give a public Contact."
}

// unheard reports whether an INVITE was sent again and got no response at all.
func (r *legRun) unheard(i int) bool { return r.Transactions[i].Requests >= 2 && r.gotNone(i) }

// gotNone reports whether an INVITE got no response at all: one that is acknowledged got one, which is not in the capture.
//
//go:noinline
func (r *legRun) gotNone(i int) bool {
	t := &r.Transactions[i]
	return t.Provisional.IsZero() && t.Status == 0 && !t.Acked && !r.answeredElsewhere(i)
}

// unheardUntil is unheard for one that was sent up to a time: over a stream it is not sent again, and nothing of what came may be missing.
func (r *legRun) unheardUntil(i int, until time.Time) bool {
	t := &r.Transactions[i]
	src, dst := r.ends(t)
	if t.Requests < 2 && (r.overUDP(i) || r.c.lacks(hostsOf(dst, src), t.Sent, until)) {
		return false
	}
	return r.gotNone(i)
}

var requestTimeout = &Rule{
	ID: "request-timeout", RFC: "RFC 3261 17.1.2.2", Severity: "error",
	Title: "a request that is not answered in time",
	Doc: `A request other than INVITE and ACK was sent again at least twice (or went over TCP, where nothing is sent again), and no final response came
on that hop within 32 s (Timer F), or while it was sent again for 27 s and more. A request that a server passed on, without an answer either, is told of the last hop. Outside of calls it is told once for each method and pair of addresses, of OPTIONS, which are the business of keepalive-lost, only where they are sent again for 27 s and more, and not of a host that scanner or
digest-brute-force tells of. Where the network says of them that they are not delivered, transport-error tells of it.`,
	Why: "The other side is gone, or its answers go elsewhere: a call hangs on one side, a phone is not registered, a text does not arrive.",
	Fix: "Look at where the request went (inside of a call against the Contact and Record-Route of the dialog), and at what that host did with it.",
	Odd: "a request of its dialog was not answered in time",

	needs: unanswered, counts: otherRequests, asks: silentOutside,
	leg: func(r *legRun) {
		for i := range r.Transactions {
			t := &r.Transactions[i]
			if t.Method == "INVITE" || t.Method == "ACK" || t.Requests == 0 {
				continue
			}
			r.applies()
			if !r.timedOut(i) || r.onwards(i, r.timedOut) {
				continue
			}
			src, _ := r.ends(t)
			dst := r.sentTo(i)
			f := timedOut(t.Method, t.Requests, t.Sent, t.LastSent, dst, r.silence(i))
			f.Frames = r.requestFrames(i)
			answered := "never answered"
			if t.Status != 0 {
				answered = f.late(t.Status, t.Answered.Sub(t.Sent), t.FinalFrame)
			}
			f.Because, f.end = "its "+t.Method+" was "+answered, goesOn
			r.c.toPrivate(&f, src, dst)
			r.report(f)
		}
	},
	state: func() state { return new(timedOutOutside) },
}

// enough is how long something has to be sent again for to show that no answer came: up to the tenth copy, 27.5 s
// behind the first one. Many give up at 30 s, and send no further one.
const enough = 27 * time.Second

// persists reports whether something was sent again for so long that its timer was about to run out: up to then its
// sender had no answer.
//
//go:noinline
func persists(sent, last time.Time) bool { return last.Sub(sent) >= enough }

// timedOut reports whether Timer F of a transaction ran out.
func (r *legRun) timedOut(i int) bool {
	t := &r.Transactions[i]
	return gaveUp(t) && t.Requests != 0 && (t.Requests >= 3 || !r.overUDP(i)) && (r.since(t.Sent) >= timeout || persists(t.Sent, t.LastSent)) && !r.answeredElsewhere(i)
}

// gaveUp reports whether a request had no final response when Timer F of its sender ran out.
//
//go:noinline
func gaveUp(t *analysis.Transaction) bool {
	return t.Status == 0 || t.Answered.Sub(t.Sent) > timeout
}

// timedOut begins the finding that requests to a host got no final response. Up to the last copy the sender had none.
func timedOut(method string, copies int, sent, last time.Time, dst netip.AddrPort, g *gate) Finding {
	over := last.Sub(sent)
	if g.stream = g.once; over < enough {
		over = timeout
	}
	g.wait = min(g.wait, over)
	return Finding{
		Severity: Error, gate: g,
		Observed: fmt.Sprintf("%s sent %s to %s, no final response in %s", method, times(copies), endpoint(dst), plain(over.Round(100*time.Millisecond))),
		Expected: "a final response",
	}
}

// late adds the final response that came when its request had been given up, and returns it in words.
func (f *Finding) late(status int, after time.Duration, final analysis.Frame) string {
	answered := fmt.Sprintf("answered %d after %s", status, seconds(after))
	f.Frames, f.Observed = append(f.Frames, final), f.Observed+"; it was "+answered
	return answered
}

// timedOutOutside applies request-timeout to requests outside of calls.
type timedOutOutside struct {
	found repeats
	sent  map[sentTo]*repeat // what counts the last requests
}

// A sentTo is a request to a host.
type sentTo struct {
	method, callID string
	cseq           uint32
	to             netip.Addr
}

func (s *timedOutOutside) exchange(e *exchangeRun) {
	udp := e.Transport == "UDP"
	late := e.Answered.Sub(e.Sent) > timeout
	if e.Status != 0 && !late || !e.Waited || e.Partial || e.Requests < 3 && udp || e.Strayed.IsValid() {
		return
	}
	switch e.Method {
	case "INFO", "ACK": // the response to the one is taken for one of a call, to the other there is none
		return
	case "OPTIONS":
		if !persists(e.Sent, e.LastSent) {
			return
		}
	}
	f := timedOut(e.Method, e.Requests, e.Sent, e.LastSent, e.Destination, waitFor(e.Source, e.Destination, e.Sent, e.Transport))
	f.Frames, f.AOR = []analysis.Frame{e.SentFrame}, e.AOR
	if e.Requests > 1 {
		f.Frames = append(f.Frames, e.LastFrame)
	}
	if late {
		f.late(e.Status, e.Answered.Sub(e.Sent), e.FinalFrame)
	}
	e.c.toPrivate(&f, e.Source, e.Destination)
	if s.sent == nil || len(s.sent) == maxRepeats {
		s.sent = make(map[sentTo]*repeat)
	}
	k := sentTo{e.Method, e.CallID, e.CSeq, e.Source.Addr()}
	if x := s.sent[k]; x != nil && !e.FirstHop { // the hop before waits for this one
		x.n--
		delete(s.sent, k)
	}
	k.to = e.Destination.Addr()
	s.sent[k] = s.found.add(e.Method, e, f)
}

func (s *timedOutOutside) end(r *captureRun) {
	s.found.order = slices.DeleteFunc(s.found.order, func(x *repeat) bool { return r.attacked(x.f.gate.self.Unmap(), r.rule.ID) })
	s.found.tell(r)
}

var no100 = &Rule{
	ID: "no-100", RFC: "RFC 3261 17.2.1", Severity: "warning",
	Title: "an INVITE that had to be sent again because no 100 came",
	Doc:   `An INVITE was sent again at least once before its first response, which came more than 200 ms after the first copy. A late 100 counts as late. Of hosts without state, which pass each copy on, the last one is told.`,
	Why:   "Whoever needs more than 200 ms has to send 100 at once: without it every INVITE is sent twice or more, and a loaded server gets more load.",
	Fix:   "Make the called server send 100 Trying at once, or find out what delays it.",

	needs: invitesAgain, counts: invites,
	leg: func(r *legRun) {
		for i := range r.Transactions {
			t := &r.Transactions[i]
			if t.Method != "INVITE" || t.Requests == 0 {
				continue
			}
			r.applies()
			before, answer := r.lateFirst(i)
			if before == nil || r.onwards(i, func(j int) bool { return r.relaysEach(before, j) }) {
				continue
			}
			r.report(Finding{
				Severity: Warning, Frames: append(r.frames(before...), r.firstAnswer(i)...),
				Observed: fmt.Sprintf("INVITE sent %s before %s answered after %s", times(len(before)), endpoint(r.sentTo(i)), seconds(answer.Sub(t.Sent))),
				Expected: "100 Trying within 200 ms",
			})
		}
	},
}

// lateFirst returns the copies of an INVITE that were sent before its first response, if these are several and it came
// late, and when it came.
func (r *legRun) lateFirst(i int) (before []int, answer time.Time) {
	t := &r.Transactions[i]
	answer = t.Provisional
	if answer.IsZero() || !t.Answered.IsZero() && t.Answered.Before(answer) {
		answer = t.Answered
	}
	if t.Requests < 2 || answer.IsZero() || t.Sent.IsZero() || answer.Sub(t.Sent) <= 200*time.Millisecond {
		return nil, answer
	}
	if before = r.requestsBefore(i, answer); len(before) < 2 {
		before = nil
	}
	return before, answer
}

// relaysEach reports whether transaction j is of a server without state: its first response is late, and ahead of that it
// passes each of some copies of a request on when it gets it.
func (r *legRun) relaysEach(copies []int, j int) bool {
	passed, _ := r.lateFirst(j)
	if len(passed) != len(copies) {
		return false
	}
	for k, i := range copies {
		if d := r.Messages[passed[k]].Time.Sub(r.Messages[i].Time); d < 0 || d > 100*time.Millisecond {
			return false
		}
	}
	return true
}

var dropAt32s = &Rule{
	ID: "drop-at-32s", RFC: "RFC 3261 13.3.1.4", Severity: "error",
	Title: "a call dropped after 32 s because its ACK is lost",
	Doc:   `An answered call is ended 30 to 34 s after its 2xx by the side that sent the 2xx (or a server between), and no ACK was seen on that hop, or the 2xx was repeated in spite of it (see missing-ack-2xx).`,
	Why:   "The signalling path is broken, not the media: the called side waited 64*T1 for the ACK and gave up.",
	Fix:   "Find out why the ACK does not reach the called side: its Contact and the Record-Routes of the 2xx say where it has to go.",

	needs: unacked, counts: acceptedFirst,
	leg: func(r *legRun) {
		l := r.Leg
		for i := range r.Transactions {
			t := &r.Transactions[i]
			if t.Method != "INVITE" || t.Status/100 != 2 || !t.Initial {
				continue
			}
			r.applies()
			if !givesUp(l, t) {
				continue
			}
			bye := r.first(func(m *analysis.Seen) bool { return m.Request && m.Method == "BYE" })
			if bye < 0 {
				continue
			}
			f, ok := r.unacked(i)
			if !ok || r.tellsOther(i) {
				continue
			}
			src, dst := r.ends(t)
			f.Because, f.end = "the ACK of "+endpoint(src)+" never came", cutOff
			f.tellAck(dst)
			f.Frames = append(r.finalFrames(i), r.Messages[bye].Frame)
			bySide := fmt.Sprintf("BYE %s after the 2xx by the side that answered; %d sent %s, ", seconds(l.Ended.Sub(t.Answered)), t.Status, times(t.Finals))
			f.Observed = bySide + "no ACK on that hop" + f.Observed
			f.Expected, f.covers = "an ACK from the caller", "late-or-cut-media"
			if n := r.unheeded(i); n > 0 {
				f.Frames = append(f.Frames, r.Messages[r.ackOf(i)].Frame)
				f.Observed = bySide + "in spite of " + acksOf(n)
				f.Expected = "the ACK to get through to " + endpoint(dst)
				f.Because, f.NextStep = lostAck(dst), lookForAck
			}
			if contact, private := r.contactOf(i); private {
				f.Observed += fmt.Sprintf("; the Contact of the 2xx is the private address %s", contact)
				f.Because += ": the Contact of the 2xx is the private address " + contact
			}
			r.report(f)
			return
		}
	},
}

// givesUp reports whether a leg ended as who waits for an ACK in vain ends it.
func givesUp(l *analysis.Leg, t *analysis.Transaction) bool {
	d := l.Ended.Sub(t.Answered)
	return l.ByBye && l.EndedBy != analysis.Caller && d >= leastDrop && d <= mostDrop
}

// How long behind its 2xx a side hangs up that waited 64*T1 for the ACK.
const (
	leastDrop = 30 * time.Second
	mostDrop  = 34 * time.Second
)

var slowSetup = &Rule{
	ID: "slow-setup", RFC: "RFC 6076 4.3; E.721", Severity: "warning / note",
	Title: "a call that takes long to be set up",
	Doc: `The session request delay (first INVITE to 180, 183 or the final response) is over 11 s, the 95 % value of E.721 for international calls; not where that INVITE was refused, and tried again, nor where it, or one before it that was answered, is not in the capture. Where it was sent over UDP and not again for a second it is only possible
if the capture lacks so many packets that a response may be among them, and over a stream if octets came that are not in it. What each host added is the time from the INVITE that it got to its own such response, up to the first one of all,
without that in which it waited for one to the INVITE that it sent on; a host that was asked again, or over a stream, gave none and sent the INVITE on to nobody is named. Ringing for over 60 s without an answer is a note.`,
	Why: "Callers hang up and try again.",
	Fix: "Compare the hops: the one that adds most of the delay is where to look.",

	needs: slow, counts: invited,
	leg: func(r *legRun) {
		l := r.Leg
		if l.Invited.IsZero() {
			return
		}
		r.applies()
		at := setUpAt(l)
		if at.IsZero() { // what came is not in the capture
			return
		}
		invite := r.first(func(m *analysis.Seen) bool { return m.Request && m.Method == "INVITE" })
		if d := at.Sub(l.Invited); d > slowDelay && invite >= 0 && !r.waitedForPerson(at) && !r.triedBefore(invite, at) {
			end := r.answerAt(at)
			f := Finding{
				Severity: Warning, Frames: r.frames(invite),
				Observed: seconds(d) + " from the INVITE to 180, 183 or the final response" + r.hopShares(at),
				Expected: "less than 11 s", from: l.Source.Addr(),
			}
			if end >= 0 {
				f.Frames = append(f.Frames, r.Messages[end].Frame)
			}
			switch t := r.Messages[invite].Transaction; {
			case t < 0:
			case !r.overUDP(t):
				f.gate = r.stillOpen(t, at)
			case r.answeredUnseen(t, at):
				src, dst := r.ends(&r.Transactions[t])
				f.gate = &gate{self: src.Addr(), peer: dst.Addr(), since: l.Invited, misses: 1}
			}
			r.report(f)
			return
		}
		d, ok := l.RingTime()
		if !ok && !l.Rung.IsZero() && l.Answered.IsZero() && l.Final.IsZero() && l.Ended.IsZero() { // it rings on
			d = l.Last.Sub(l.Rung)
			if l.Unfinished {
				d = r.since(l.Rung)
			}
			ok = true
		}
		if ok && d > time.Minute && l.Answered.IsZero() && invite >= 0 {
			rung := r.answerAt(l.Rung)
			frames := r.frames(invite)
			if rung >= 0 {
				frames = append(frames, r.Messages[rung].Frame)
			}
			r.report(Finding{
				Severity: Note, Frames: frames,
				Observed: fmt.Sprintf("rang for %s without an answer", seconds(d)),
				Expected: "an answer, or diversion to voice mail within a minute",
				NextStep: "Nothing, unless it should be diverted by then.",
			})
		}
	},
}

// slowDelay is the session request delay from which on a call is slow.
const slowDelay = 11 * time.Second

// setUpAt returns when the first response came that says how a leg fares, the zero time for none.
func setUpAt(l *analysis.Leg) time.Time {
	at := l.Progressed
	if at.IsZero() && !l.AnswerUnseen {
		at = l.Answered
	}
	if at.IsZero() && l.FinalStatus != 0 {
		at = l.Final
	}
	return at
}

var noAnswerRefresh = &Rule{
	ID: "no-answer-refresh", RFC: "RFC 3261 13.3.1.1, 16.6", Severity: "note / warning",
	Title: "a pending INVITE that nothing refreshes",
	Doc: `An INVITE is pending with no further 1xx for 60 s or more, up to the next one, its end, or the end of the capture: a note. If it then ends 170 to 190 s after the last 1xx by
CANCEL or 408, Timer C of a proxy ended it: a warning. It is told once a leg.`,
	Why: "A called side has to send a 1xx every minute while it rings; after three minutes without one a proxy gives the call up.",
	Fix: "Make the called side repeat its provisional response every minute.",

	needs: initialWaits, counts: initialPending,
	leg: func(r *legRun) {
		var best Finding
		for i := range r.Transactions {
			t := &r.Transactions[i]
			if t.Method != "INVITE" || t.Provisional.IsZero() || !t.Initial {
				continue
			}
			r.applies()
			if t.Status != 0 && t.Answered.Sub(t.Provisional) < time.Minute {
				continue
			}
			if f, ok := r.refreshOf(i); ok && f.Severity > best.Severity {
				best = f
			}
		}
		if best.Severity > 0 {
			r.report(best)
		}
	},
}

// refreshOf applies no-answer-refresh to an INVITE.
func (r *legRun) refreshOf(i int) (f Finding, ok bool) {
	var last, end *analysis.Seen
	var gap time.Duration
	f = Finding{Severity: Note, Expected: "a 1xx every minute while the call is not answered"}
	for _, j := range r.of(i) {
		m := &r.Messages[j]
		switch {
		case m.Request:
		case m.Status < 200 && end == nil:
			if last != nil && m.Time.Sub(last.Time) > gap {
				gap, f.Frames = m.Time.Sub(last.Time), []analysis.Frame{last.Frame, m.Frame}
			}
			last = m
		case end == nil:
			end = m
		}
	}
	if last == nil {
		return f, false
	}
	t := &r.Transactions[i]
	for _, j := range r.onHop(t.Hop, "CANCEL") {
		if c := &r.Messages[j]; c.CSeq == t.CSeq && (end == nil || c.Time.Before(end.Time)) {
			end = c
			break
		}
	}
	switch {
	case end != nil:
		if d := end.Time.Sub(last.Time); d > gap {
			gap, f.Frames = d, []analysis.Frame{last.Frame, end.Frame}
			if d >= 170*time.Second && d <= 190*time.Second && (end.Method == "CANCEL" || end.Status == 408) {
				what := end.Method
				if !end.Request {
					what = "408"
				}
				f.Severity = Warning
				f.Observed = fmt.Sprintf("%s %s after the last provisional response", what, seconds(d))
				f.Because, f.end = "no provisional response came for three minutes (Timer C)", cutOff
				return f, true
			}
		}
	case r.Leg.Answered.IsZero() && !t.Acked:
		if d := r.Now.Sub(last.Time); d > gap {
			gap, f.Frames = d, []analysis.Frame{last.Frame}
		}
	}
	f.Observed = fmt.Sprintf("no provisional response for %s while the call was not answered", seconds(gap))
	return f, gap >= time.Minute
}

// waitedForPerson reports whether a final response may be late because somebody thought
// about it: a call that was answered or refused without ringing first.
func (r *legRun) waitedForPerson(at time.Time) bool {
	return r.Leg.Progressed.IsZero() && r.Leg.EarlyMedia && !at.IsZero()
}

// answerAt returns the response to an INVITE that came at a time, -1 for none.
//
//go:noinline
func (r *legRun) answerAt(at time.Time) int {
	return r.first(func(m *analysis.Seen) bool { return !m.Request && m.Method == "INVITE" && m.Time.Equal(at) })
}

// triedBefore reports whether a first INVITE was refused, or acknowledged, and had a final response so, which is not in the capture, before
// the one that a response of that time is to was sent: the time in between is none of waiting for it. That one may not be in the capture either.
func (r *legRun) triedBefore(invite int, at time.Time) bool {
	i := r.answerAt(at)
	if i < 0 || r.Messages[i].Transaction < 0 {
		return false
	}
	t := &r.Transactions[r.Messages[i].Transaction]
	if !t.Initial || t.Requests == 0 && t.CSeq != r.Messages[invite].CSeq {
		return true
	}
	return r.first(func(m *analysis.Seen) bool {
		return m.Request && m.Method == "ACK" && m.CSeq < t.CSeq && m.Time.Before(t.Sent) && m.Transaction >= 0 && r.Transactions[m.Transaction].Status == 0
	}) >= 0
}

// hopShares says what each host added to the delay up to the first ringing or final response: the time that it took for all INVITEs that it got, as
// behind a challenge, without that in which it waited for those that it had sent them on to. Of INVITEs that it gets at once it is no longer than from
// the first one on.
func (r *legRun) hopShares(until time.Time) string {
	var hosts []string
	type share struct {
		since time.Time     // the first INVITE
		took  time.Duration // -1 of one that did not answer
	}
	fared := make([]time.Time, len(r.Transactions)) // when the first such response came
	for i := range r.Messages {
		if m := &r.Messages[i]; m.Transaction >= 0 && (m.Status == 180 || m.Status == 183 || m.Status >= 200) && fared[m.Transaction].IsZero() {
			fared[m.Transaction] = m.Time
		}
	}
	shares := make(map[string]share)
	for i := range r.Transactions {
		t := &r.Transactions[i]
		at := fared[i]
		if t.Method != "INVITE" || !t.Initial || t.Sent.IsZero() || !t.Sent.Before(until) {
			continue
		}
		to := endpoint(r.sentTo(i))
		x, ok := shares[to]
		if !ok {
			x.since = t.Sent
		}
		switch {
		case !at.IsZero():
			if at.After(until) {
				at = until
			}
			x.took = min(max(x.took, 0)+max(at.Sub(t.Sent)-r.onTheirWay(i, at, fared), 0), until.Sub(x.since))
		case !ok && r.unheardUntil(i, until) && r.onTheirWay(i, until, fared) == 0:
			x.took = -1
		default:
			continue
		}
		if shares[to] = x; !ok {
			hosts = append(hosts, to)
		}
	}
	s := ""
	for _, to := range hosts {
		if d := shares[to].took; d >= 0 {
			s += fmt.Sprintf("; %s added %s", to, seconds(d))
		} else {
			s += "; " + to + " did not answer"
		}
	}
	return s
}

// onTheirWay returns for how long up to a time a host that got INVITE i had sent it on without having such a response.
func (r *legRun) onTheirWay(i int, until time.Time, fared []time.Time) (d time.Duration) {
	t := &r.Transactions[i]
	src, dst := r.ends(t)
	from := t.Sent
	for j := range r.Transactions { // in the order in which they were sent
		x := &r.Transactions[j]
		by, _ := r.ends(x)
		sentOn := by == dst || by.Addr() == dst.Addr() && src.Addr() != dst.Addr()
		if j == i || !sentOn || x.Sent.Before(t.Sent) || !r.sameRequest(i, j) {
			continue
		}
		end := fared[j]
		if end.IsZero() || end.After(until) {
			end = until
		}
		if x.Sent.After(from) {
			from = x.Sent
		}
		if end.After(from) {
			d, from = d+end.Sub(from), end
		}
	}
	return d
}
