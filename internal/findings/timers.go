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
another host that answers.`,
	Why: "The request, or every answer to it, is lost: the address is wrong, the host is down, a firewall drops it, or the packet is too large for the path.",
	Fix: "Capture at the called host: if the INVITE does not arrive, look at routing, firewall and MTU; if it does, look at where the answers go.",

	needs: invitesAgain, counts: invitesOverUDP,
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
			_, dst := r.ends(t)
			f := Finding{
				Severity: Error, Confidence: Likely, Frames: r.requestFrames(i), gate: silence(t, r),
				Observed: fmt.Sprintf("INVITE sent %d times in %s to %s, no response", t.Requests, seconds(t.LastSent.Sub(t.Sent)), endpoint(dst)),
				Expected: "a provisional response within 200 ms, or a final one",
				Because:  fmt.Sprintf("nothing came back from %s", endpoint(dst)), end: unreached,
			}
			if !t.Initial {
				f.Because = ""
			}
			r.toPrivate(&f, t)
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
func (r *legRun) toPrivate(f *Finding, t *analysis.Transaction) {
	src, dst := r.ends(t)
	if r.c.isPublic(src.Addr()) && isPrivate(dst.Addr()) {
		f.toPrivate()
	}
}

func (f *Finding) toPrivate() {
	f.Observed += "; that is a private address, and its sender is on the Internet"
	f.NextStep = "A private address is not reached from the Internet: let the server go by where the packets of that side come from (received and rport, RFC 5626), or that side give a public Contact."
}

// unheard reports whether an INVITE was sent again and got no response at all.
func (r *legRun) unheard(i int) bool {
	t := &r.Transactions[i]
	return t.Requests >= 2 && t.Provisional.IsZero() && t.Status == 0 && !r.answeredElsewhere(i)
}

var requestTimeout = &Rule{
	ID: "request-timeout", RFC: "RFC 3261 17.1.2.2", Severity: "error",
	Title: "a request that is never answered",
	Doc: `A request other than INVITE and ACK was sent again at least twice (or went over TCP, where nothing is sent again), and no final response came
on that hop within 32 s (Timer F), or while it was sent again for 27 s and more. A request that a server passed on, without an answer either, is told of the last hop. Outside of calls it is told once for each method and pair of addresses, and not of OPTIONS, which is the business of keepalive-lost, nor of a host that scanner or
digest-brute-force tells of.`,
	Why: "The other side is gone, or its answers go elsewhere: a call hangs on one side, a phone is not registered, a text does not arrive.",
	Fix: "Look at where the request went (inside of a call against the Contact and Record-Route of the dialog), and at what that host did with it.",

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
			_, dst := r.ends(t)
			f := timedOut(t.Method, t.Requests, t.LastSent.Sub(t.Sent), dst)
			f.Frames, f.gate = r.requestFrames(i), silence(t, r)
			f.gate.once = !r.overUDP(i)
			f.gate.stream = f.gate.once
			if persists(t.Sent, t.LastSent) {
				f.gate.wait = min(f.gate.wait, t.LastSent.Sub(t.Sent))
			}
			r.toPrivate(&f, t)
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
func persists(sent, last time.Time) bool { return last.Sub(sent) >= enough }

// timedOut reports whether Timer F of a transaction ran out.
func (r *legRun) timedOut(i int) bool {
	t := &r.Transactions[i]
	return t.Status == 0 && t.Requests != 0 && (t.Requests >= 3 || !r.overUDP(i)) && (r.since(t.Sent) >= timeout || persists(t.Sent, t.LastSent)) && !r.answeredElsewhere(i)
}

// timedOut begins the finding that requests to a host got no final response.
func timedOut(method string, copies int, over time.Duration, dst netip.AddrPort) Finding {
	if over < enough {
		over = timeout
	}
	return Finding{
		Severity: Error,
		Observed: fmt.Sprintf("%s sent %s to %s, no final response in %s", method, times(copies), endpoint(dst), plain(over.Round(100*time.Millisecond))),
		Expected: "a final response",
	}
}

// timedOutOutside applies request-timeout to requests outside of calls.
type timedOutOutside struct{ found repeats }

func (s *timedOutOutside) exchange(e *exchangeRun) {
	udp := e.Transport == "UDP"
	if e.Status != 0 || !e.Waited || e.Partial || !e.FirstHop || e.Requests < 3 && udp || e.Strayed.IsValid() {
		return
	}
	if e.Method == "OPTIONS" || e.Method == "INFO" { // the response to an INFO is taken for one of a call
		return
	}
	f := timedOut(e.Method, e.Requests, e.LastSent.Sub(e.Sent), e.Destination)
	f.Frames, f.AOR = []analysis.Frame{e.SentFrame}, e.AOR
	f.gate = &gate{self: e.Source.Addr(), peer: e.Destination.Addr(), since: e.Sent, wait: timeout, stream: !udp, once: !udp}
	if persists(e.Sent, e.LastSent) {
		f.gate.wait = min(timeout, e.LastSent.Sub(e.Sent))
	}
	if e.c.isPublic(e.Source.Addr()) && isPrivate(e.Destination.Addr()) {
		f.toPrivate()
	}
	s.found.add(e.Method, e, f)
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
			_, dst := r.ends(t)
			r.report(Finding{
				Severity: Warning, Frames: append(r.frames(before...), r.firstAnswer(i)...),
				Observed: fmt.Sprintf("INVITE sent %s before %s answered after %s", times(len(before)), endpoint(dst), seconds(answer.Sub(t.Sent))),
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

var missingAck2xx = &Rule{
	ID: "missing-ack-2xx", RFC: "RFC 3261 13.3.1.4", Severity: "error",
	Title: "an answer that is never acknowledged",
	Doc: `A 2xx to an INVITE is repeated (after 0.5, 1, 2, 4, 4 … s), or 32 s old, and no ACK with that CSeq number and To tag follows on that hop up to
the end of the capture or for 32 s. One lost ACK that is made good by a further one is silent; one that is in the capture is told where five copies or more of the 2xx were sent and two seconds of them behind it, until the call or the capture ended or
for 27 s and more: it was lost further on, and the hop nearest to the called side is told. Where the ACK goes another way (no Record-Route, and the Contact is another host) and is not seen,
a 2xx that is sent once had its ACK, and one that is not repeated for 27 s or more is only possible. So had one that is sent once where another request follows in the dialog, of the caller one that is accepted or that comes 2 s behind it or later, of the called side but for 30 to 34 s behind it, or an ACK with its tags is on another hop. One that is sent once or twice is only possible, too, where the capture lacks so many packets that the ACK may be among them. Of several hops that nearest to the caller is told.`,
	Why: "Without the ACK the called side gives up after 32 s and ends the call: people talk and are cut off.",
	Fix: "Compare the Contact of the 2xx, and its Record-Routes, with where the caller can send: that is where the ACK has to go.",

	needs: unacked, counts: accepted,
	leg: func(r *legRun) {
		for i := range r.Transactions {
			t := &r.Transactions[i]
			if t.Method != "INVITE" || t.Status/100 != 2 {
				continue
			}
			r.applies()
			f, ok := r.neverAcked(i)
			if !ok || r.tellsOther(i) || r.cameBy(i, func(j int) bool {
				f, ok := r.neverAcked(j)
				return ok && f.Confidence != Possible && r.Transactions[j].Requests > 0 && r.unheeded(j) == 0
			}) {
				continue
			}
			src, dst := r.ends(t)
			f.Frames = r.finalFrames(i)
			f.Observed = fmt.Sprintf("%d sent %s over %s, no ACK with CSeq %d", t.Status, times(t.Finals), seconds(t.LastFinal.Sub(t.Answered)), t.CSeq) + f.Observed
			f.Expected = fmt.Sprintf("an ACK from %s after each copy of the 2xx", endpoint(src))
			f.Because, f.end = "the 2xx was never acknowledged", goesOn
			if n := r.unheeded(i); n > 0 {
				f.Frames = append(f.Frames, r.Messages[r.ackOf(i)].Frame)
				f.Observed = fmt.Sprintf("%d sent %s over %s, in spite of %s", t.Status, times(t.Finals), seconds(t.LastFinal.Sub(t.Answered)), acksOf(n))
				f.Expected = fmt.Sprintf("no further copy of the 2xx once the ACK is at %s", endpoint(dst))
				f.Because, f.NextStep = lostAck(dst), lookForAck
			}
			if contact, private := r.contactOf(i); private {
				f.Observed += fmt.Sprintf("; its Contact is the private address %s", contact)
			}
			r.report(f)
		}
	},
}

// lookForAck is what to do about an ACK that is in the capture and does not get through.
const lookForAck = "The ACK is in the capture and does not get through: capture at the called side, and look for what drops it on the way, or at why it is refused there."

// acksOf says how many ACKs there were, in words.
func acksOf(n int) string {
	if n == 1 {
		return "its ACK"
	}
	return fmt.Sprintf("%d ACKs", n)
}

// lostAck says why a call ends whose ACK was captured and did not get through to where the 2xx came from.
func lostAck(to netip.AddrPort) string { return "the ACK did not get through to " + endpoint(to) }

// tellsOther reports whether the ACK of a 2xx was seen and did not get through, and the same or worse is to be told of a
// hop that is nearer to who waits for it.
func (r *legRun) tellsOther(i int) bool {
	return r.unheeded(i) > 0 && r.onwards(i, func(j int) bool {
		f, ok := r.neverAcked(j)
		return ok && f.Confidence != Possible
	})
}

// neverAcked reports whether the 2xx to an INVITE was repeated, or is old, and was not acknowledged, and begins the finding.
func (r *legRun) neverAcked(i int) (f Finding, ok bool) {
	t := &r.Transactions[i]
	if t.Method != "INVITE" || t.Status/100 != 2 || t.Finals < 2 && r.since(t.Answered) < timeout || !r.whole(i) {
		return f, false
	}
	return r.unacked(i)
}

var missingAckFailure = &Rule{
	ID: "missing-ack-failure", RFC: "RFC 3261 17.2.1, 17.1.1.3", Severity: "warning",
	Title: "a refusal that is never acknowledged",
	Doc: `A final response of 300 and over to an INVITE is repeated (Timer G), and no ACK with the branch of the INVITE follows on that hop (Timer H): none at all, or one with
another branch behind which it is repeated. It is only possible where nothing that the other side sends there is in the capture, and where the response is sent twice and the capture lacks so many packets that the ACK may be among them.`,
	Why: "The next hop has to acknowledge at once, whatever the caller does. That it does not says that the response does not reach it, or that its ACK is lost.",
	Fix: "Look at where the response went against the Via of the INVITE.",

	needs: refusedUnacked, counts: refused,
	leg: func(r *legRun) {
		for i := range r.Transactions {
			t := &r.Transactions[i]
			if t.Method != "INVITE" || t.Status < 300 {
				continue
			}
			r.applies()
			if t.Finals < 2 {
				continue
			}
			unfit := ""
			if t.Acked {
				if !r.otherBranch(i) {
					continue
				}
				unfit = "; the ACK has another branch than the INVITE"
			}
			src, dst := r.ends(t)
			r.report(Finding{
				Severity: Warning, Frames: r.finalFrames(i),
				gate:     &gate{self: dst.Addr(), peer: src.Addr(), since: t.Answered, misses: toInt(!t.Acked && t.Finals == 2)},
				Observed: fmt.Sprintf("%d sent %s to %s, no ACK", t.Status, times(t.Finals), endpoint(src)) + unfit,
				Expected: "an ACK with the branch of the INVITE",
			})
		}
	},
}

// otherBranch reports whether the ACKs to a refusal have another branch than the INVITE on its hop, and the refusal is repeated
// in spite of them.
func (r *legRun) otherBranch(i int) bool {
	t, invite := &r.Transactions[i], r.requestOf(i)
	if invite < 0 || r.Messages[invite].OldBranch || !t.LastFinal.After(t.AckTime) {
		return false
	}
	for j := range r.Messages {
		if m := &r.Messages[j]; m.Transaction == i && m.Method == "ACK" && (m.Hop != t.Hop || m.OldBranch || m.Partial || m.Branch == r.Messages[invite].Branch) {
			return false
		}
	}
	return true
}

var byeBeforeAck = &Rule{
	ID: "bye-before-ack", RFC: "RFC 3261 15", Severity: "warning",
	Title: "the called side hangs up before the ACK",
	Doc: `The called side sends BYE after its 2xx, less than 32 s after it, and no ACK to the 2xx was seen on any hop before the BYE. It is only possible
where the 2xx was not repeated for 2 s, or the ACK goes another way.`,
	Why: "A called side must not send BYE before it has the ACK or its wait for it is over. The two may cross, or the ACK is lost.",
	Fix: "Look at where the ACK went; if it is not in the capture at all, at what the caller did with the 2xx.",

	needs: calledHangsUp, counts: answerSeen,
	leg: func(r *legRun) {
		l := r.Leg
		if l.Answered.IsZero() || l.AnswerUnseen {
			return
		}
		r.applies()
		if d := l.Ended.Sub(l.Answered); !l.ByBye || l.EndedBy != analysis.Callee || d < 0 || d >= timeout-2*time.Second {
			return
		}
		for i := range r.Messages {
			if m := &r.Messages[i]; m.Request && m.Method == "ACK" && (m.Time.IsZero() || !m.Time.After(l.Ended)) {
				return
			}
		}
		bye := r.first(func(m *analysis.Seen) bool { return m.Request && m.Method == "BYE" })
		ok := r.first(func(m *analysis.Seen) bool { return !m.Request && m.Method == "INVITE" && m.Status/100 == 2 })
		if bye < 0 || ok < 0 {
			return
		}
		answer := &r.Messages[ok]
		f := Finding{
			Severity: Warning, Confidence: Likely, Frames: r.frames(ok, bye),
			gate:     &gate{self: answer.Source.Addr(), peer: answer.Destination.Addr(), since: answer.Time},
			Observed: fmt.Sprintf("BYE of the called side %s after its 2xx, no ACK before it", seconds(l.Ended.Sub(l.Answered))),
			Expected: "an ACK, or 32 s of waiting for it",
		}
		if !r.keepsHop(ok) || r.Transactions[answer.Transaction].Finals == 1 && l.Ended.Sub(answer.Time) > t2/2 {
			f.Confidence = Possible // the ACK goes another way, or the 2xx would have been repeated
		}
		r.report(f)
	},
}

var cancel200Race = &Rule{
	ID: "cancel-200-race", RFC: "RFC 3261 9.1, 15.1.1", Severity: "error / note",
	Title: "CANCEL and the answer cross",
	Doc: `A CANCEL and a 2xx to its INVITE cross on a hop. Followed by both ACK and BYE, or by a BYE that is accepted where the 2xx is not repeated, it is handled well: a note. If the ACK or the BYE does not follow in 32 s, or while the 2xx is repeated for 27 s and more,
the called side talks to nobody: a ghost call. Where the 2xx is sent once it is only possible if the capture lacks so many packets that the ACK may be among them. Of several hops on which they do not follow, that nearest to the caller is told.`,
	Why: "The called side thinks that the call is up, and the caller that it is over.",
	Fix: "The caller has to acknowledge the 2xx and send BYE, although it has cancelled.",

	needs: cancelled,
	leg: func(r *legRun) {
		for i := range r.Transactions {
			t := &r.Transactions[i]
			if t.Method != "INVITE" || !t.Cancelled {
				continue
			}
			r.applies()
			if t.Status/100 != 2 || r.cameBy(i, r.crossed) {
				continue
			}
			cancel := slices.DeleteFunc(r.onHop(t.Hop, "CANCEL"), func(m int) bool { return !r.cancels(m, i) })
			f := Finding{
				Severity: Note, Frames: append(r.frames(cancel...), t.FinalFrame),
				Observed: fmt.Sprintf("CANCEL and %d crossed; ACK and BYE followed", t.Status),
				Expected: "ACK and BYE from the caller",
				NextStep: "Nothing: the race was handled.",
			}
			bye := r.onHop(t.Hop, "BYE")
			accepted := slices.ContainsFunc(r.Transactions, func(x analysis.Transaction) bool { return x.Method == "BYE" && x.Status/100 == 2 })
			switch {
			case t.Acked && (len(bye) > 0 || accepted):
				r.report(f)
				continue
			case accepted && t.Finals == 1:
				f.Observed = fmt.Sprintf("CANCEL and %d crossed; BYE followed", t.Status)
				r.report(f)
				continue
			}
			waited := timeout
			if r.since(t.Answered) < timeout {
				if waited = t.LastFinal.Sub(t.Answered); !r.givenUp(i) {
					continue
				}
			}
			missing := "ACK and BYE"
			switch {
			case t.Acked:
				missing = "BYE"
			case len(bye) > 0:
				missing = "ACK"
			}
			f.Severity, f.NextStep = Error, ""
			f.Observed = fmt.Sprintf("CANCEL and %d crossed; no %s followed in %s", t.Status, missing, plain(waited.Round(100*time.Millisecond)))
			f.Because, f.end = "CANCEL and the answer crossed", goesOn
			if !t.Acked && t.Finals == 1 {
				src, dst := r.ends(t)
				f.gate = &gate{self: dst.Addr(), peer: src.Addr(), since: t.Answered, misses: 1}
			}
			r.report(f)
		}
	},
}

// crossed reports whether a CANCEL met the answer of an INVITE and the caller did not do all
// that it has to.
func (r *legRun) crossed(i int) bool {
	t := &r.Transactions[i]
	return t.Cancelled && t.Status/100 == 2 && (!t.Acked || len(r.onHop(t.Hop, "BYE")) == 0)
}

var cancelTooEarly = &Rule{
	ID: "cancel-too-early", RFC: "RFC 3261 9.1", Severity: "warning",
	Title: "CANCEL before any provisional response",
	Doc: `A CANCEL was sent on a hop before any provisional response (100 counts) to its INVITE came on that hop. It is only possible where the INVITE went over UDP and was not sent again for a second:
it had a response then, though the capture has it not. Of several hops the first one is told.`,
	Why: "A CANCEL that overtakes its INVITE is answered 481 and stops nothing: the phone rings on.",
	Fix: "The client has to wait for the first provisional response before it sends the CANCEL.",

	needs: cancelled,
	leg: func(r *legRun) {
		for i := range r.Transactions {
			t := &r.Transactions[i]
			if t.Method != "INVITE" || !t.Cancelled || t.Requests == 0 {
				continue
			}
			r.applies()
			early := func(j int) bool { return r.earlyCancel(j) >= 0 }
			if !early(i) || r.cameBy(i, early) || r.answeredElsewhere(i) {
				continue
			}
			c := &r.Messages[r.earlyCancel(i)]
			f := Finding{
				Severity: Warning, Frames: []analysis.Frame{t.SentFrame, c.Frame}, gate: heard(t, r),
				Observed: fmt.Sprintf("CANCEL %s after the INVITE, before any response", seconds(c.Time.Sub(t.Sent))),
				Expected: "a provisional response first",
			}
			f.gate.stream = !r.overUDP(i)
			if r.wasHeard(i, c.Time) {
				f.Confidence = Possible
			}
			r.report(f)
		}
	},
}

// earlyCancel returns the CANCEL of an INVITE that was sent before any response to that, -1 for none.
func (r *legRun) earlyCancel(i int) int {
	t := &r.Transactions[i]
	if t.Method != "INVITE" || !t.Cancelled || t.Requests == 0 {
		return -1
	}
	for _, m := range r.onHop(t.Hop, "CANCEL") {
		c := &r.Messages[m]
		if !c.Time.Before(t.Sent) && r.cancels(m, i) && (t.Provisional.IsZero() || c.Time.Before(t.Provisional)) && (t.Answered.IsZero() || c.Time.Before(t.Answered)) {
			return m
		}
	}
	return -1
}

var cancelNo487 = &Rule{
	ID: "cancel-no-487", RFC: "RFC 3261 9.2", Severity: "warning",
	Title: "a cancelled INVITE without a final response",
	Doc: `A CANCEL was answered 200 on a hop, and its INVITE has no final response, and no ACK, there 64*T1 (32 s) later, nor does one that is passed on have the To tag of the responses there. Where a server passed both on to a host that does
not answer either, that hop is told. It is only possible where the capture lacks so many packets that those two may be among them, or the 487 alone where that host sent one.`,
	Why: "The caller's transaction stays open until it gives up by itself; some phones keep showing the call.",
	Fix: "The called side has to answer a cancelled INVITE with 487.",

	needs: cancels,
	leg: func(r *legRun) {
		for i := range r.Transactions {
			t := &r.Transactions[i]
			if t.Method != "CANCEL" || t.Status/100 != 2 {
				continue
			}
			r.applies()
			invite := r.inviteOf(i)
			if invite < 0 || r.Transactions[invite].Status != 0 || r.Transactions[invite].Acked || r.since(t.Answered) < timeout || r.onwards(invite, r.hangs) || r.cameFrom(invite) {
				continue
			}
			g := silence(t, r)
			g.once, g.misses = !r.overUDP(i), 2 // the 487 and its ACK
			if r.onwards(invite, r.ended) {     // whoever has it passes it on
				g.misses = 1
			}
			r.report(Finding{
				Severity: Warning, Frames: []analysis.Frame{t.SentFrame, t.FinalFrame}, gate: g,
				Observed: fmt.Sprintf("CANCEL answered %d, the INVITE has no final response 32 s later", t.Status),
				Expected: "487 to the INVITE",
			})
		}
	},
}

// hangs reports whether a cancelled INVITE has no final response.
func (r *legRun) hangs(i int) bool {
	return r.Transactions[i].Cancelled && r.Transactions[i].Status == 0
}

// ended reports whether an INVITE was cancelled and ended so.
func (r *legRun) ended(i int) bool {
	t := &r.Transactions[i]
	return t.Cancelled && (t.Status >= 300 || t.Acked)
}

// cameFrom reports whether the final response to the INVITE of a transaction went on from who sent that: on another hop one
// has the To tag of a response to it.
func (r *legRun) cameFrom(i int) bool {
	src, _ := r.ends(&r.Transactions[i])
	return r.first(func(m *analysis.Seen) bool {
		if m.Request || m.Status < 200 || m.Method != "INVITE" || m.ToTag == 0 || m.Source.Addr() != src.Addr() || m.Transaction < 0 || !r.sameRequest(i, m.Transaction) {
			return false
		}
		return r.first(func(x *analysis.Seen) bool { return x.Transaction == i && !x.Request && x.ToTag == m.ToTag }) >= 0
	}) >= 0
}

var cancelMismatch = &Rule{
	ID: "cancel-mismatch", RFC: "RFC 3261 9.1", Severity: "warning",
	Title: "a CANCEL that does not fit its INVITE",
	Doc:   `On one hop a CANCEL differs from the INVITE before it (the one with its branch, if there is one) in branch, Request-URI, To, From or CSeq number. It will be answered 481.`,
	Why:   "The server cannot find what is to be cancelled: the phone rings on.",
	Fix:   "The client has to copy Request-URI, Call-ID, To, From, the number of CSeq and the topmost Via from the INVITE as it sent it on this hop.",

	needs: cancels,
	leg: func(r *legRun) {
		for i := range r.Messages {
			c := &r.Messages[i]
			if !c.Request || c.Method != "CANCEL" || c.Resent.Number != 0 || c.Partial {
				continue
			}
			r.applies()
			invite := r.inviteBefore(i)
			if invite < 0 {
				continue
			}
			if what := r.differ(invite, i); what != "" {
				f := Finding{
					Severity: Warning, Frames: r.frames(invite, i),
					Observed: fmt.Sprintf("the CANCEL has another %s than the INVITE", what),
					Expected: "the same branch, Request-URI, To, From and CSeq number",
				}
				if c.Transaction >= 0 && r.Transactions[c.Transaction].Status/100 == 2 {
					f.Severity = Note
					f.Observed += "; it was answered with a 2xx all the same"
				}
				r.report(f)
			}
		}
	},
}

// inviteBefore returns the INVITE before a CANCEL on its hop that has its branch, or else the last
// one; -1 for none.
func (r *legRun) inviteBefore(cancel int) int {
	c, last := &r.Messages[cancel], -1
	for j := range cancel {
		m := &r.Messages[j]
		if !m.Request || m.Method != "INVITE" || m.Hop != c.Hop || m.Forward != c.Forward || m.Partial || r.inDialog(j) {
			continue
		}
		if last = j; m.Branch == c.Branch && !m.OldBranch && !c.OldBranch {
			return j
		}
	}
	return last
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
			f.Frames = append(r.finalFrames(i), r.Messages[bye].Frame)
			f.Observed = fmt.Sprintf("BYE %s after the 2xx by the side that answered; %d sent %s, no ACK on that hop", seconds(l.Ended.Sub(t.Answered)), t.Status, times(t.Finals)) + f.Observed
			f.Expected, f.covers = "an ACK from the caller", "late-or-cut-media"
			src, dst := r.ends(t)
			f.Because, f.end = fmt.Sprintf("the ACK of %s never came", endpoint(src)), cutOff
			if n := r.unheeded(i); n > 0 {
				f.Frames = append(f.Frames, r.Messages[r.ackOf(i)].Frame)
				f.Observed = fmt.Sprintf("BYE %s after the 2xx by the side that answered; %d sent %s, in spite of %s", seconds(l.Ended.Sub(t.Answered)), t.Status, times(t.Finals), acksOf(n))
				f.Expected = fmt.Sprintf("the ACK to get through to %s", endpoint(dst))
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
	return l.ByBye && l.EndedBy != analysis.Caller && d >= 30*time.Second && d <= 34*time.Second
}

var slowSetup = &Rule{
	ID: "slow-setup", RFC: "RFC 6076 4.3; E.721", Severity: "warning / note",
	Title: "a call that takes long to be set up",
	Doc: `The session request delay (first INVITE to 180, 183 or the final response) is over 11 s, the 95 % value of E.721 for international calls; not where that INVITE was refused, and tried again, nor where it, or one before it that was answered, is not in the capture. Where it was sent over UDP and not again for a second it is only possible
if the capture lacks so many packets that a response may be among them. Ringing
for over 60 s without an answer is a note.`,
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
			end := r.first(func(m *analysis.Seen) bool { return !m.Request && m.Method == "INVITE" && m.Time.Equal(at) })
			f := Finding{
				Severity: Warning, Frames: r.frames(invite),
				Observed: fmt.Sprintf("%s from the INVITE to the first response that says how it fares%s", seconds(d), r.hopShares()),
				Expected: "less than 11 s",
			}
			if end >= 0 {
				f.Frames = append(f.Frames, r.Messages[end].Frame)
			}
			if t := r.Messages[invite].Transaction; t >= 0 && r.answeredUnseen(t, at) {
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
			r.report(Finding{
				Severity: Note, Frames: r.frames(invite),
				Observed: fmt.Sprintf("rang for %s without an answer", seconds(d)),
				Expected: "an answer, or diversion to voice mail within a minute",
			})
		}
	},
}

// slowDelay is the session request delay from which on a call is slow.
const slowDelay = 11 * time.Second

// setUpAt returns when the first response came that says how a leg fares, the zero time for none.
func setUpAt(l *analysis.Leg) time.Time {
	at := l.Ringing
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

// What the rules above ask of a leg.

// wasHeard reports whether the request of a transaction had a response before a time, though the capture has
// none: over UDP it would have been sent again; on a stream something came that is not there.
func (r *legRun) wasHeard(i int, by time.Time) bool {
	t := &r.Transactions[i]
	if !r.overUDP(i) {
		src, dst := r.ends(t)
		return len(r.c.unseen) > 0 && r.c.lacks(hostPair{dst.Addr(), src.Addr()}, t.Sent, by)
	}
	return t.Requests == 1 && by.Sub(t.Sent) > time.Second
}

// answeredUnseen reports whether the request of a transaction had a response ahead of a time and of the first one that
// the capture has: see wasHeard.
func (r *legRun) answeredUnseen(i int, by time.Time) bool {
	t := &r.Transactions[i]
	for _, at := range []time.Time{t.Provisional, t.Answered} {
		if !at.IsZero() && at.Before(by) {
			by = at
		}
	}
	return r.wasHeard(i, by)
}

// overUDP reports whether the request of a transaction went over a transport that loses
// packets.
func (r *legRun) overUDP(i int) bool {
	for _, j := range r.of(i) {
		if m := &r.Messages[j]; m.Request {
			return m.Transport == "UDP"
		}
	}
	return false
}

// failover returns the INVITE that who sent that of a transaction sent to another host behind it, and
// that was answered; -1 for none. RFC 3263, section 4.3.
func (r *legRun) failover(i int) int {
	src, dst := r.ends(&r.Transactions[i])
	return r.first(func(m *analysis.Seen) bool {
		if !m.Request || m.Method != "INVITE" || m.Transaction < 0 || m.Source.Addr() != src.Addr() || m.Destination.Addr() == dst.Addr() {
			return false
		}
		x := &r.Transactions[m.Transaction]
		return x.Initial == r.Transactions[i].Initial && (x.Status != 0 || !x.Provisional.IsZero()) && m.Time.After(r.Transactions[i].LastSent)
	})
}

// answeredElsewhere reports whether a response to the same request was seen on another hop
// with the same ends but for one: the answer took another way into the capture.
func (r *legRun) answeredElsewhere(i int) bool {
	t := &r.Transactions[i]
	src, _ := r.ends(t)
	for j := range r.Transactions {
		x := &r.Transactions[j]
		if j == i || x.Method != t.Method || x.CSeq != t.CSeq || x.Requests > 0 || x.Status == 0 && x.Provisional.IsZero() {
			continue
		}
		if s, _ := r.ends(x); s.Addr() == src.Addr() {
			return true
		}
	}
	return false
}

// requestFrames returns the frames of the copies of a request.
func (r *legRun) requestFrames(i int) (list []analysis.Frame) {
	for _, j := range r.of(i) {
		if m := &r.Messages[j]; m.Request && m.Method != "ACK" {
			list = append(list, m.Frame)
		}
	}
	return list
}

// requestsBefore returns the copies of a request before a time.
func (r *legRun) requestsBefore(i int, at time.Time) (list []int) {
	for _, j := range r.of(i) {
		if m := &r.Messages[j]; m.Request && m.Method != "ACK" && m.Time.Before(at) {
			list = append(list, j)
		}
	}
	return list
}

// firstAnswer returns the frame of the first response to a request.
func (r *legRun) firstAnswer(i int) []analysis.Frame {
	for _, j := range r.of(i) {
		if m := &r.Messages[j]; !m.Request {
			return []analysis.Frame{m.Frame}
		}
	}
	return nil
}

// finalFrames returns the frames of the copies of the final response to a request.
func (r *legRun) finalFrames(i int) (list []analysis.Frame) {
	for _, j := range r.of(i) {
		if m := &r.Messages[j]; !m.Request && m.Status == r.Transactions[i].Status {
			list = append(list, m.Frame)
		}
	}
	return list
}

// acked reports whether an ACK to the 2xx of an INVITE was seen on its hop. An ACK that goes from
// end to end may pass another hop than the INVITE, where the capture shows several. A 2xx that is
// repeated says that not any ACK will do: it has to have the To tag, and, if the 2xx is repeated to
// the last, to go to somebody who sent it. Else unfit says what is wrong with the ACK that there is.
func (r *legRun) acked(i int) (is bool, unfit string) {
	t := &r.Transactions[i]
	if t.Acked && t.Finals < 2 {
		return true, ""
	}
	src, dst := r.ends(t)
	oks := r.accepting(t.CSeq)
	for j := range r.Messages {
		m := &r.Messages[j]
		switch {
		case !m.Request || m.Method != "ACK" || m.CSeq != t.CSeq:
		case t.Finals < 2 && r.any(oks, func(ok *analysis.Seen) bool {
			return ok.Transaction == i && ok.FromTag == m.FromTag && ok.ToTag == m.ToTag
		}):
			return true, "" // on whatever hop: the next one has it of this one
		case m.Source.Addr() != src.Addr() && m.Destination.Addr() != dst.Addr():
		case t.Finals < 2 || m.Partial:
			return true, ""
		case !r.any(oks, func(ok *analysis.Seen) bool { return ok.Transaction == i && (ok.ToTag == m.ToTag || ok.ToTag == 0) }):
			if unfit = "; the ACK has another To tag"; m.ToTag == 0 {
				unfit = "; the ACK has no To tag"
			}
		case m.Destination.Addr() == dst.Addr() || !r.givenUp(i):
			return true, ""
		case r.any(oks, func(ok *analysis.Seen) bool { return ok.Source.Addr() == m.Destination.Addr() }):
			return true, ""
		default:
			unfit = "; the ACK goes to " + endpoint(m.Destination)
		}
	}
	return false, unfit
}

// accepting returns the 2xx to INVITEs with a CSeq number, those sent again left out.
func (r *legRun) accepting(cseq uint32) (list []int) {
	for i := range r.Messages {
		if m := &r.Messages[i]; !m.Request && m.Method == "INVITE" && m.Status/100 == 2 && m.CSeq == cseq && m.Resent.Number == 0 && len(list) < maxForks {
			list = append(list, i)
		}
	}
	return list
}

// any reports whether f holds for one of some messages.
func (r *legRun) any(list []int, f func(*analysis.Seen) bool) bool {
	return slices.ContainsFunc(list, func(i int) bool { return f(&r.Messages[i]) })
}

// onHop returns the requests of a method on a hop, those sent again left out.
func (r *legRun) onHop(hop int, method string) (list []int) {
	for i := range r.Messages {
		if m := &r.Messages[i]; m.Request && m.Method == method && m.Hop == hop && m.Resent.Number == 0 {
			list = append(list, i)
		}
	}
	return list
}

// inviteOf returns the INVITE that the CANCEL of a transaction is of: the one with its branch, or
// else the last one with its CSeq number; -1 for none.
func (r *legRun) inviteOf(cancel int) int {
	x, c, last := &r.Transactions[cancel], r.requestOf(cancel), -1
	for i := len(r.Transactions) - 1; i >= 0; i-- {
		t := &r.Transactions[i]
		if t.Method != "INVITE" || t.CSeq != x.CSeq || t.Hop != x.Hop || t.Forward != x.Forward {
			continue
		}
		if c < 0 || r.cancels(c, i) {
			return i
		}
		last = max(last, i)
	}
	return last
}

// cancels reports whether a CANCEL is of the INVITE of a transaction on its hop: it has the branch
// of that, which tells INVITEs apart that have one CSeq number.
func (r *legRun) cancels(cancel, i int) bool {
	c, req := &r.Messages[cancel], r.requestOf(i)
	if c.CSeq != r.Transactions[i].CSeq {
		return false
	}
	if req < 0 || c.OldBranch || r.Messages[req].OldBranch {
		return true
	}
	return c.Branch == r.Messages[req].Branch
}

// waitedForPerson reports whether a final response may be late because somebody thought
// about it: a call that was answered or refused without ringing first.
func (r *legRun) waitedForPerson(at time.Time) bool {
	return r.Leg.Ringing.IsZero() && r.Leg.EarlyMedia && !at.IsZero()
}

// triedBefore reports whether a first INVITE was refused, or acknowledged, and had a final response so, which is not in the capture, before
// the one that a response of that time is to was sent: the time in between is none of waiting for it. That one may not be in the capture either.
func (r *legRun) triedBefore(invite int, at time.Time) bool {
	i := r.first(func(m *analysis.Seen) bool {
		return !m.Request && m.Method == "INVITE" && m.Transaction >= 0 && m.Time.Equal(at)
	})
	if i < 0 {
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

// hopShares says what each hop added to the delay of the first ringing or final response.
func (r *legRun) hopShares() string {
	s := ""
	for i := range r.Transactions {
		t := &r.Transactions[i]
		at := t.Early
		if at.IsZero() {
			at = t.Answered
		}
		if t.Method != "INVITE" || !t.Initial || at.IsZero() || t.Sent.IsZero() {
			continue
		}
		_, dst := r.ends(t)
		s += fmt.Sprintf("; %s took %s", endpoint(dst), seconds(at.Sub(t.Sent)))
	}
	return s
}

func seconds(d time.Duration) string {
	switch {
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	case d < 10*time.Second:
		return fmt.Sprintf("%.2f s", d.Seconds())
	}
	return fmt.Sprintf("%.1f s", d.Seconds())
}

func times(n int) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

func endpoint(a netip.AddrPort) string {
	return netip.AddrPortFrom(a.Addr().Unmap(), a.Port()).String()
}
