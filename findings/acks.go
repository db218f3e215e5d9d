package findings

import (
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/sipsight/sipsight/analysis"
)

var missingAck2xx = &Rule{
	ID: "missing-ack-2xx", RFC: "RFC 3261 13.3.1.4", Severity: "error",
	Title: "an answer that is never acknowledged",
	Doc: `A 2xx to an INVITE is repeated (after 0.5, 1, 2, 4, 4 … s), or 32 s old, and no ACK with that CSeq number and To tag follows on that hop up to
the end of the capture or for 32 s. One lost ACK that is made good by a further one is silent; one that is in the capture is told where the 2xx was repeated for 27 s and more, or seven times and more by a timer that began shorter than 500 ms until 64 times that was over (and no request of the caller is accepted behind that), and for two seconds
and more in spite of it: it was lost further on, and the hop nearest to the called side is told. Where the ACK goes another way (no Record-Route, and the Contact is another host) and is not seen,
a 2xx that is sent once had its ACK, one that is sent twice is only possible, and one that is sent more often, for less than 27 s, is likely. So had one that is sent once where another request follows in the dialog, of the caller one that is accepted or that comes 2 s behind it or later, of the called side but for 30 to 34 s behind it, or an ACK with its tags is on another hop (over a connection not that which comes to who sent the INVITE on, but where a later request goes on past this hop). One that is sent once or twice is only possible, too, where the capture lacks so many packets that the ACK may be among them, and one that is sent twice where the capture ends within 500 ms of the second copy. Of several hops that nearest to the caller is told. A BYE of who answered a re-INVITE, 30 to 34 s behind that, stands with it, and that the call was on hold is related.`,
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
			f.Because, f.end, f.covers = "the 2xx was never acknowledged", goesOn, r.unknownToCaller(i)
			bye := r.gaveUpOn(i)
			if bye >= 0 {
				f.Because, f.end = "the ACK of "+endpoint(src)+" to the answer to its re-INVITE never came", cutOff
			}
			f.tellAck(dst)
			sent := fmt.Sprintf("%d sent %s, ", t.Status, timesOver(t.Finals, t.LastFinal.Sub(t.Answered)))
			f.Observed = sent + fmt.Sprintf("no ACK with CSeq %d", t.CSeq) + f.Observed
			f.Expected = "an ACK from " + endpoint(src) + " after each copy of the 2xx"
			if n := r.unheeded(i); n > 0 {
				f.Frames = append(f.Frames, r.Messages[r.ackOf(i)].Frame)
				f.Observed = sent + "in spite of " + acksOf(n)
				f.Expected = "no further copy of the 2xx once the ACK is at " + endpoint(dst)
				f.Because, f.NextStep = lostAck(dst), lookForAck
			}
			if bye >= 0 {
				f.Frames = append(f.Frames, r.Messages[bye].Frame)
				f.Observed += fmt.Sprintf("; BYE %s after it by the side that answered", seconds(r.Messages[bye].Time.Sub(t.Answered)))
			}
			f.Observed += r.reachOf(i)
			r.report(f)
		}
	},
}

// gaveUpOn returns the BYE of who answered a re-INVITE, and waited for its ACK in vain (section 14.2); -1 for none.
//
//go:noinline
func (r *legRun) gaveUpOn(i int) int {
	t := &r.Transactions[i]
	return r.first(func(m *analysis.Seen) bool {
		d := m.Time.Sub(t.Answered)
		return !t.Initial && m.Request && m.Method == "BYE" && m.FromTag == r.toTag(i) && d >= leastDrop && d <= mostDrop
	})
}

// lookForAck is what to do about an ACK that is in the capture and does not get through.
const lookForAck = "The ACK is in the capture and does not get through: capture at the called side, and look for what drops it on the way, or at why it is refused there."

// ackGoesTo begins what is wrong with an ACK that goes to a host which never sent the 2xx, as a Contact may say.
const ackGoesTo = "; the ACK goes to "

// ackLate is what is wrong with an ACK that comes when nobody waits for it any more.
const ackLate = "; the ACK came too late"

// tellAck says in why a call goes wrong what is wrong with the ACK that there is, as Observed begins with.
//
//go:noinline
func (f *Finding) tellAck(want netip.AddrPort) {
	if to, astray := strings.CutPrefix(f.Observed, ackGoesTo); astray {
		f.Because = wentTo(to, want)
	} else if f.Observed == ackLate {
		f.Because += " in time"
	}
}

// wentTo says why a call goes wrong whose ACK went elsewhere.
func wentTo(there string, want netip.AddrPort) string {
	return "the ACK went to " + there + " and not to " + endpoint(want)
}

// acksOf says how many ACKs there were, in words.
func acksOf(n int) string {
	if n == 1 {
		return "its ACK"
	}
	return number(n, "ACK")
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
another branch behind which it is repeated. It is only possible where nothing that the other side sends there is in the capture, and where the response is sent twice and the capture ends within 500 ms of the second copy, or lacks so many packets that the ACK may be among them.`,
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
			proofs := r.finalFrames(i)
			r.report(Finding{
				Severity: Warning, Frames: proofs,
				gate:     &gate{self: dst.Addr(), peer: src.Addr(), since: t.Answered, wait: repeatedWait(t), misses: toInt(!t.Acked && t.Finals == 2)},
				Observed: fmt.Sprintf("%d sent %s to %s, no ACK", t.Status, times(max(t.Finals, len(proofs))), endpoint(src)) + unfit,
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
where the ACK goes another way, or the capture lacks so many packets that the ACK may be among them; that a 2xx is not repeated shows a poor server as well as an ACK that is not in the capture.`,
	Why: "A called side must not send BYE before it has the ACK or its wait for it is over. The two may cross, or the ACK is lost.",
	Fix: "Look at where the ACK went; if it is not in the capture at all, at what the caller did with the 2xx.",
	Odd: "the called side did not wait for the ACK",

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
			if m := &r.Messages[i]; m.Request && m.Method == "ACK" && (m.Time.IsZero() || !m.Time.After(l.Ended)) && !r.isOfRefusal(m) {
				return
			}
		}
		bye := r.first(func(m *analysis.Seen) bool { return m.Request && m.Method == "BYE" })
		ok := r.first(func(m *analysis.Seen) bool { return !m.Request && m.Method == "INVITE" && m.Status/100 == 2 })
		if bye < 0 || ok < 0 {
			return
		}
		answer := &r.Messages[ok]
		waited := r.Messages[bye].Time.Sub(answer.Time)
		f := Finding{
			Severity: Warning, Confidence: Likely, Frames: r.frames(ok, bye),
			gate:     &gate{self: answer.Source.Addr(), peer: answer.Destination.Addr(), since: answer.Time, wait: waited, once: answer.Transport != "UDP"},
			Observed: fmt.Sprintf("BYE of the called side %s after its 2xx, no ACK before it", seconds(l.Ended.Sub(l.Answered))),
			Expected: "an ACK, or 32 s of waiting for it",
			covers:   r.unknownToCaller(answer.Transaction),
		}
		if r.Transactions[answer.Transaction].Finals == 1 && l.Ended.Sub(answer.Time) > t2/2 {
			f.gate.misses = 1
			f.Observed += ", though the 2xx is not repeated"
		}
		if !r.keepsHop(ok) {
			f.Confidence = Possible // the ACK goes another way
		}
		r.report(f)
	},
}

// isOfRefusal reports whether an ACK is that to a refusal of the call: of a challenge, or of one of several phones, and not one that went to another
// of these past the hop of its 2xx.
func (r *legRun) isOfRefusal(ack *analysis.Seen) bool {
	return ack.Transaction >= 0 && r.Transactions[ack.Transaction].Initial && r.Transactions[ack.Transaction].Status >= 300 && !ack.Partial &&
		!r.any(r.accepting(ack.CSeq), func(ok *analysis.Seen) bool { return ok.ToTag == ack.ToTag })
}

// unknownToCaller returns the id of what is told of requests that are refused with 481, where all are of who sent the 2xx to the INVITE of
// transaction i: a caller who has no 2xx, or does not want it, knows no dialog. Else it returns "".
func (r *legRun) unknownToCaller(i int) string {
	final := r.responseOf(i, r.Transactions[i].Status)
	if final < 0 || !r.Transactions[i].Initial || r.first(func(m *analysis.Seen) bool {
		return m.Status == 481 && m.FromTag != r.Messages[final].ToTag && m.Method != "CANCEL"
	}) >= 0 {
		return ""
	}
	return "481-in-dialog"
}

// acked reports whether an ACK to the 2xx of an INVITE was seen on its hop. An ACK that goes from
// end to end may pass another hop than the INVITE, where the capture shows several. It has to have the To tag,
// and, if the 2xx is repeated to the last, to come before its sender gives up, and to go to somebody who sent it. Else unfit says what is wrong with the ACK that there is.
func (r *legRun) acked(i int) (is bool, unfit string) {
	t := &r.Transactions[i]
	src, dst := r.ends(t)
	oks := r.accepting(t.CSeq)
	ofThis := func(m *analysis.Seen) bool {
		return r.any(oks, func(ok *analysis.Seen) bool { return ok.Transaction == i && (ok.ToTag == m.ToTag || ok.ToTag == 0) })
	}
	stops := r.stopsAt(src.Addr(), dst.Addr(), i, oks)
	for j := range r.Messages {
		m := &r.Messages[j]
		switch {
		case !m.Request || m.Method != "ACK" || m.CSeq != t.CSeq:
		case t.Finals < 2 && (!stops || m.Source.Addr() == dst.Addr()) && r.isAckOf(m, i, oks):
			return true, "" // on whatever hop: the next one has it of this one
		case m.Source.Addr() != src.Addr() && m.Destination.Addr() != dst.Addr():
		case m.Partial:
			return true, ""
		case r.any(oks, func(ok *analysis.Seen) bool { return ok.Transaction == i && ok.ToTag == m.FromTag && ok.ToTag != 0 }):
			// of who sent the 2xx: each side numbers its requests by itself
		case !ofThis(m):
			if unfit = "; the ACK has another To tag"; m.ToTag == 0 {
				unfit = "; the ACK has no To tag"
			}
		case t.Finals < 2:
			return true, ""
		case m.Time.Sub(t.Answered) > timeout && r.givenUp(i):
			unfit = ackLate
		case m.Destination.Addr() == dst.Addr() || !r.givenUp(i):
			return true, ""
		case r.any(oks, func(ok *analysis.Seen) bool { return ok.Source.Addr() == m.Destination.Addr() }):
			return true, ""
		default:
			unfit = ackGoesTo + endpoint(m.Destination)
		}
	}
	if t.Finals < 2 && t.Acked && unfit == "" {
		return true, ""
	}
	return false, unfit
}

// stopsAt reports whether an ACK came to the server that sent the INVITE of transaction i on to another host, over a connection: what does not go on
// there is not lost on the way, and many senders do not repeat a 2xx there. It says nothing where a later request goes on past that host.
func (r *legRun) stopsAt(server, next netip.Addr, i int, oks []int) bool {
	switch r.transport(i) {
	case "UDP", "":
		return false
	}
	return r.first(func(m *analysis.Seen) bool {
		return m.Request && m.Method == "ACK" && m.Destination.Addr() == server && r.isAckOf(m, i, oks)
	}) >= 0 && r.first(func(m *analysis.Seen) bool {
		return m.Request && m.CSeq > r.Transactions[i].CSeq && m.Source.Addr() == server && m.Destination.Addr() != next &&
			r.any(oks, func(ok *analysis.Seen) bool {
				return ok.Transaction == i && ok.FromTag == m.FromTag && ok.ToTag == m.ToTag
			})
	}) < 0
}

// isAckOf reports whether an ACK, on whatever hop, has the tags of a 2xx to the INVITE of transaction i, which is among those given.
func (r *legRun) isAckOf(m *analysis.Seen, i int, oks []int) bool {
	return r.any(oks, func(ok *analysis.Seen) bool {
		return ok.Transaction == i && ok.FromTag == m.FromTag && ok.ToTag == m.ToTag && ok.CSeq == m.CSeq
	})
}

// accepting returns the 2xx to INVITEs with a CSeq number, those sent again left out.
//
//go:noinline
func (r *legRun) accepting(cseq uint32) (list []int) {
	for i := range r.Messages {
		if m := &r.Messages[i]; !m.Request && m.Method == "INVITE" && m.Status/100 == 2 && m.CSeq == cseq && m.Resent.Number == 0 && len(list) < maxForks {
			list = append(list, i)
		}
	}
	return list
}
