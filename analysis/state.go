package analysis

import "time"

// conclude says how far the leg came: docs/calls.md has the rules in words. now is the
// latest time of the capture.
func (v *liveLeg) conclude(now time.Time) {
	l := v.leg
	v.answerUnseen()
	a := v.lastAttempt()
	switch {
	case v.answered() || len(v.attempts) == 0 && v.midDialog:
		v.concludeAnswered(a)
	case v.hasBye && a != nil && (a.status < 300 || a.endedByBye(l.Ended)): // an early dialog was given up: section 15
		l.State = StateCancelled
		v.outcome(a)
	case a == nil:
		l.State = StateUnknown
	case a.cancelled:
		l.State, l.EndedBy = StateCancelled, Caller
		v.outcome(a)
	case a.status == 0 && a.denied: // the refusal is not in the capture: section 17.1.1.3
		l.State = StateFailed
		v.outcome(a)
	case a.status >= 400:
		l.State, l.EndedBy = StateFailed, a.whoEnded()
		v.outcome(a)
	case a.status >= 300:
		l.State, l.EndedBy = StateRedirected, a.whoEnded()
		v.outcome(a)
	default:
		v.concludePending(a, now)
	}
	if l.State != StateEarly { // the other forks of an INVITE end with it: section 13.2.2.4
		for i := range l.Dialogs {
			if l.Dialogs[i].State == DialogEarly {
				l.Dialogs[i].State = DialogTerminated
			}
		}
	}
	if l.State == StateConfirmed || l.State == StateEarly || l.State == StateTrying {
		l.Unfinished = !l.Evicted
	}
	if len(l.Hops) > 1 {
		v.refusals(a, now)
	}
}

// refusals notes on which hops the last initial INVITE got another final response than the leg, of which a is the last attempt.
func (v *liveLeg) refusals(a *attempt, now time.Time) {
	l := v.leg
	pending := l.State == StateEarly || l.State == StateTrying
	var told uint64 // the set of hops that are told of: maxHops of them
	for i := len(v.trans) - 1; i >= 0; i-- {
		tr := &v.trans[i]
		if tr.method != "INVITE" || !tr.initial || told&(1<<tr.hop) != 0 {
			continue
		}
		told |= 1 << tr.hop
		status := int(tr.status)
		if status == 0 && tr.provisional == never && tr.requests >= silentCopies && !(pending && now.Sub(timeAt(tr.sent)) <= timerTimeout) {
			status = 408 // section 16.8: so a proxy takes it
		}
		if status >= 300 && status != l.FinalStatus && !v.alsoFinal(tr) {
			before := false
			if a != nil && tr.attempt >= 0 {
				x := &v.attempts[tr.attempt]
				before = x != a && x.fromTag == a.fromTag
			}
			l.Refusals = append(l.Refusals, Refusal{tr.hop, status, before})
		}
	}
}

// alsoFinal reports whether another branch of an INVITE got the final response of the leg on the same hop: two phones of one host were called.
func (v *liveLeg) alsoFinal(tr *liveTransaction) bool {
	for i := range v.trans {
		if x := &v.trans[i]; x.method == tr.method && x.initial && x.hop == tr.hop && x.cseq == tr.cseq && int(x.status) == v.leg.FinalStatus && x.status != 0 {
			return true
		}
	}
	return false
}

// silentCopies is how often an INVITE was sent that nobody is taken to answer any more.
const silentCopies = 3

// endedByBye reports whether the 487 of an attempt answers a BYE that came at bye: RFC 3261,
// section 15.1.2. That of a CANCEL answers the CANCEL.
func (a *attempt) endedByBye(bye time.Time) bool {
	return a.status == 487 && !a.cancelled && !a.at.Before(bye)
}

// whoEnded returns who sent the final response of an attempt. 483 is that of a server which may not pass a request on: RFC 3261, section 16.3.
func (a *attempt) whoEnded() Party {
	if a.server || a.status == 483 && a.finals > 0 {
		return Server
	}
	return Callee
}

// lastAttempt returns the last attempt of the caller; nil if there is none. That is the one
// with the highest number: packets may come in another order. But one that began when the
// one before had failed is a later one whatever its number. Attempts with another From tag
// are of a back-to-back user agent that keeps the Call-ID.
func (v *liveLeg) lastAttempt() (last *attempt) {
	for i := range v.attempts {
		a := &v.attempts[i]
		if a.fromTag == v.leg.FromTag && (last == nil || a.cseq >= last.cseq || a.behind) {
			last = a
		}
	}
	if n := len(v.attempts); last == nil && n > 0 {
		last = &v.attempts[n-1]
	}
	return last
}

func (v *liveLeg) concludeAnswered(a *attempt) {
	l := v.leg
	l.State = StateConfirmed
	if v.hasBye {
		l.State = StateCompleted
	}
	if a != nil && a.status/100 == 2 {
		l.FinalStatus, l.FinalReason, l.Final = a.status, a.reason, a.at
		return
	}
	for i := range v.attempts {
		if a := &v.attempts[i]; a.status/100 == 2 {
			l.FinalStatus, l.FinalReason, l.Final = a.status, a.reason, a.at
		}
	}
}

// outcome takes the final response of the attempt.
//
//go:noinline
func (v *liveLeg) outcome(a *attempt) {
	l := v.leg
	l.FinalStatus, l.FinalReason, l.Final = a.status, a.reason, a.at
	if a.status == 0 && a.denied { // it is not in the capture
		l.Final = a.ackAt
	}
	if l.Ended.IsZero() {
		l.Ended = l.Final
	}
}

// concludePending concludes a leg without a final response on its first hop. Whether
// something is still to come depends on how long the capture went on.
func (v *liveLeg) concludePending(a *attempt, now time.Time) {
	l := v.leg
	quiet := now.Sub(l.Last)
	switch {
	case a.ringing && quiet > timerC, !a.ringing && quiet > timerTimeout:
		l.State = StateAbandoned
	case a.ringing:
		l.State = StateEarly
	default:
		l.State = StateTrying
	}
}
