package analysis

import (
	"math"
	"net/netip"
	"time"

	"github.com/sipsight/sipsight/sipmsg"
)

// An attempt is an initial INVITE with all its forks and hops, told from others by its
// From tag and CSeq number: authentication and redirection make one more each.
type attempt struct {
	fromTag   string
	cseq      uint32
	primary   int16 // the transaction on its first hop; -1: forgotten
	vias      int16 // of primary
	answered  bool
	behind    bool // it began when the attempt before had failed
	cancelled bool
	acked     bool      // by an ACK with a branch of its own …
	denied    bool      // … or with that of the INVITE, on the first hop
	ackAt     time.Time // of the first of both
	status    int       // the final response on the first hop, 0 for none
	best      int       // the best final response on any other hop
	reason    string    // phrase of status
	at        time.Time // of status
	bestAt    time.Time // of best
	ringing   bool
	finals    int  // final responses on further hops
	ended     int  // those of them that are 487
	server    bool // the final response was made on the way: no further hop has one
}

// answered reports whether any attempt was answered with a 2xx.
func (v *liveLeg) answered() bool {
	for i := range v.attempts {
		if v.attempts[i].answered {
			return true
		}
	}
	return false
}

// invite takes in the first copy of an initial INVITE on a hop: transaction i.
func (t *tracker) invite(v *liveLeg, x *seen, i int) {
	l := v.leg
	t.attemptOf(v, x, i)
	if l.Invited.IsZero() {
		l.Invited = x.now
	}
	if l.RequestURI == "" {
		if l.RequestURI = t.bareURI(x.s.RequestURI); l.RequestURI == l.To {
			l.RequestURI = l.To // one copy of it
		}
	}
	if !v.invited {
		v.invited = true
		t.joiner.invite(t, v, x)
		t.linker.invite(t, v, x)
	}
}

// attemptOf finds, or begins, the attempt that an initial INVITE, or a response to one,
// belongs to: transaction i. The first hop of an attempt is the one with the fewest Vias,
// and of several the one that was seen first.
func (t *tracker) attemptOf(v *liveLeg, x *seen, i int) {
	vias := int16(min(x.s.NumValues(sipmsg.Via), math.MaxInt16))
	n := v.attempt(x.from, x.cseq)
	again := n >= 0 && v.triesAgain(&v.attempts[n], x, i, vias)
	switch {
	case (n < 0 || again) && len(v.attempts) == maxAttempts:
		return
	case n < 0 || again:
		n = len(v.attempts)
		behind := n > 0 && v.attempts[n-1].status >= 300
		v.attempts = append(v.attempts, attempt{fromTag: v.leg.tag(x.from), cseq: x.cseq, primary: int16(i), vias: vias, behind: behind})
		if n == 0 || string(x.from) == v.leg.FromTag {
			v.leg.Attempts++
		}
		v.over = v.hasBye
	case vias < v.attempts[n].vias:
		a := &v.attempts[n]
		a.primary, a.vias = int16(i), vias
		if n == 0 {
			v.leg.goes(x)
			v.moved = true
		}
		if a.status != 0 && !a.answered {
			a.best, a.bestAt = a.status, a.at
			a.finals++
			if a.status == 487 {
				a.ended++
			}
			a.status, a.reason, a.at = 0, "", time.Time{}
			v.over = v.hasBye
		}
	}
	v.trans[i].attempt = int16(n)
}

// triesAgain reports whether an INVITE is an attempt of its own though it has the number of
// an earlier one: that one has failed on this hop. Careless programs answer a challenge, and
// proxies try one phone after the other, without counting on.
func (v *liveLeg) triesAgain(a *attempt, x *seen, i int, vias int16) bool {
	if !x.s.IsRequest() || a.answered || a.status < 300 || a.primary < 0 || int(a.primary) == i || vias > a.vias {
		return false
	}
	first, tr := &v.trans[a.primary], &v.trans[i]
	return first.hop == tr.hop && first.forward == tr.forward
}

// attempt returns the index of the last attempt with that tag and number, -1 for none.
func (v *liveLeg) attempt(fromTag []byte, cseq uint32) int {
	for i := len(v.attempts) - 1; i >= 0; i-- {
		if a := &v.attempts[i]; a.cseq == cseq && a.fromTag == string(fromTag) {
			return i
		}
	}
	return -1
}

// answerUnseen takes in that an attempt was answered though the capture has no final
// response to it: an ACK with a branch of its own is that of a 2xx (RFC 3261, section
// 13.2.2.4), and so is any that a BYE follows, for there are programs that give all the branch
// of the INVITE. It is called when nothing more is to come.
func (v *liveLeg) answerUnseen() {
	l := v.leg
	for i := range v.attempts {
		a := &v.attempts[i]
		if !a.acked && (!a.denied || !v.hasBye || !a.ackAt.Before(l.Ended)) || a.answered || a.status != 0 || a.best != 0 {
			continue
		}
		a.answered = true
		if l.Answered.IsZero() {
			l.Answered, l.AnswerUnseen = a.ackAt, true
		}
		for j := range l.Dialogs {
			if d := &l.Dialogs[j]; d.State == DialogEarly && d.LocalTag == a.fromTag && (v.acked == 0 || v.acked&(1<<j) != 0) {
				d.State = DialogConfirmed
			}
		}
	}
}

// inviteAnswer takes in a response to an initial INVITE.
func (t *tracker) inviteAnswer(v *liveLeg, x *seen, i int, hop int) {
	l, tr, code := v.leg, &v.trans[i], x.s.StatusCode
	if code > 100 && code < 300 && len(x.to) > 0 {
		v.earlyOrConfirmed(x, hop, code)
	}
	if code >= 180 && code < 190 && l.Ringing.IsZero() {
		l.Ringing = x.now
	}
	if (code == 180 || code == 183) && l.Progressed.IsZero() {
		l.Progressed = x.now
	}
	if code == 180 && l.Rung.IsZero() {
		l.Rung = x.now
	}
	if code > 100 && code < 200 && len(x.s.Body) > 0 && description(x.s) != nil {
		l.EarlyMedia = true
	}
	if tr.attempt < 0 {
		return
	}
	a := &v.attempts[tr.attempt]
	switch {
	case code < 200:
		a.ringing = a.ringing || code > 100
	case code < 300:
		a.answered = true
		v.over = v.hasBye
		if l.Answered.IsZero() {
			l.Answered = x.now
		}
		if v.isPrimary(a, i) || a.status/100 != 2 {
			a.setFinal(t, x, code)
		}
	default:
		v.failed(t, x, a, i, code)
	}
}

// isPrimary reports whether a transaction is that of an attempt on its first hop, or is of responses
// to it that come from another address than it went to: the branch says so (RFC 3261, section 17.1.3).
func (v *liveLeg) isPrimary(a *attempt, i int) bool {
	return i == int(a.primary) || a.primary >= 0 && v.trans[i].requests == 0 && v.trans[i].key == v.trans[a.primary].key
}

// setFinal keeps the final response of the attempt on its first hop.
func (a *attempt) setFinal(t *tracker, x *seen, code int) {
	a.status, a.at = code, x.now
	a.reason = t.names.string(capped(x.s.Reason, maxKept))
}

// failed takes in a final response of 300 and over to an initial INVITE.
func (v *liveLeg) failed(t *tracker, x *seen, a *attempt, i, code int) {
	if !v.isPrimary(a, i) {
		made := v.madeAt(i)
		if code == a.status && !made { // a server passed it on; the captures of the hops are not in step
			a.server = false
		}
		if a.best == 0 || code/100 == 6 || code/100 < a.best/100 {
			a.best, a.bestAt = code, x.now
		}
		if !made {
			a.finals++
			if code == 487 {
				a.ended++
			}
		}
		return
	}
	if a.status != 0 {
		return
	}
	a.setFinal(t, x, code)
	others := a.finals
	if code != 487 { // a server that gives up on the others refuses by itself
		others -= a.ended
	}
	a.server = len(v.leg.Hops) > 1 && others == 0 && v.forwarded(a)
	v.cause(t, x.s)
	if code < 400 {
		for c := range x.s.Values(sipmsg.Contact) {
			if len(v.leg.Redirects) < maxTransfers {
				v.leg.Redirects = append(v.leg.Redirects, t.bareURI(sipmsg.ParseAddress(c).URI))
			}
		}
	}
	if a == &v.attempts[len(v.attempts)-1] {
		v.over = true
	}
	if a.answered {
		return
	}
	for j := range v.leg.Dialogs {
		d := &v.leg.Dialogs[j]
		if d.State == DialogEarly && d.LocalTag == a.fromTag {
			d.State = DialogTerminated
		}
	}
}

// madeAt reports whether the final response to an initial INVITE was made by who sent it: that host had passed the
// INVITE on, and nobody gave a final response to that. On one machine the ports have to tell who passed it on.
func (v *liveLeg) madeAt(i int) bool {
	from, at := v.ends(i)
	passed := false
	for k := range v.trans {
		tr := &v.trans[k]
		if k == i || tr.method != "INVITE" || !tr.initial || tr.cseq != v.trans[i].cseq || tr.requests == 0 {
			continue
		}
		src, dst := v.ends(k)
		if here := src.Addr() == dst.Addr() || from.Addr() == at.Addr(); src.Addr() != at.Addr() || dst == at || here && src != at {
			continue
		}
		if tr.status != 0 || tr.acked || tr.ackKey != 0 {
			return false
		}
		passed = true
	}
	return passed
}

// ends returns where the request of a transaction came from and went to.
func (v *liveLeg) ends(i int) (src, dst netip.AddrPort) {
	h := &v.leg.Hops[v.trans[i].hop]
	if v.trans[i].forward {
		return h.A, h.B
	}
	return h.B, h.A
}

// forwarded reports whether the INVITE of an attempt was seen on a further hop.
func (v *liveLeg) forwarded(a *attempt) bool {
	for i := range v.trans {
		if tr := &v.trans[i]; tr.method == "INVITE" && tr.initial && tr.cseq == a.cseq && !v.isPrimary(a, i) {
			return true
		}
	}
	return false
}
