package findings

import (
	"fmt"
	"slices"
	"time"

	"github.com/sipsight/sipsight/analysis"
)

var cancel200Race = &Rule{
	ID: "cancel-200-race", RFC: "RFC 3261 9.1, 15.1.1", Severity: "error / note",
	Title: "CANCEL and the answer cross",
	Doc: `A CANCEL and a 2xx to its INVITE cross on a hop. Followed by both ACK and BYE, or by a BYE that is accepted where the 2xx is not repeated, it is handled well: a note. So it is where both sides go on with the dialog: the INVITE was sent inside of one and has its ACK, or another request of the dialog, but PRACK, that is sent behind the 2xx and the CANCEL is accepted. If the ACK or the BYE does not follow in 32 s, or while the 2xx is repeated for 27 s and more,
the called side talks to nobody: a ghost call. ACK and BYE of another phone that answered the INVITE are none of these. Where the 2xx is sent once it is only possible if the capture lacks so many packets that the ACK may be among them. Of several hops on which they do not follow, that nearest to the caller is told.`,
	Why: "The called side thinks that the call is up, and the caller that it is over.",
	Fix: "The caller has to acknowledge the 2xx and send BYE, although it, or the proxy that forked, has cancelled.",

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
			at := t.Answered
			if len(cancel) > 0 {
				at = r.Messages[cancel[0]].Time
			} else if len(r.onHop(t.Hop, "CANCEL")) > 0 { // of another INVITE: cancel-mismatch
				continue
			}
			f := Finding{
				Severity: Note, Frames: append(r.frames(cancel...), t.FinalFrame),
				Observed: fmt.Sprintf("CANCEL and %d crossed; ACK and BYE followed", t.Status),
				Expected: "ACK and BYE from the caller",
				NextStep: "Nothing: the race was handled.",
			}
			acked, byes := r.letGoOn(i)
			accepted := r.first(func(m *analysis.Seen) bool {
				return !m.Request && m.Method == "BYE" && m.Status/100 == 2 && !r.ofOther(m, i)
			}) >= 0
			used := r.usedBehind(i, at)
			switch {
			case acked && (byes || accepted):
				r.report(f)
				continue
			case accepted && t.Finals == 1:
				f.Observed = fmt.Sprintf("CANCEL and %d crossed; BYE followed", t.Status)
				r.report(f)
				continue
			case acked && !t.Initial, used && (acked || t.Finals == 1):
				f.Observed = fmt.Sprintf("CANCEL and %d crossed; the dialog goes on", t.Status)
				f.Expected = "ACK from the caller, and BYE if the call is not wanted any more"
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
			case acked:
				missing = "BYE"
			case byes, used, !t.Initial:
				missing = "ACK"
			}
			f.Severity, f.NextStep = Error, ""
			f.Observed = fmt.Sprintf("CANCEL and %d crossed; no %s followed in %s", t.Status, missing, plain(waited.Round(100*time.Millisecond)))
			f.Because, f.end, f.covers = "CANCEL and the answer crossed", goesOn, r.unknownToCaller(i)
			if !acked && (t.Finals == 1 || len(cancel) == 0 && !r.givenUp(i)) { // without the CANCEL the capture may lack the ACK, too
				src, dst := r.ends(t)
				f.gate = &gate{self: dst.Addr(), peer: src.Addr(), since: t.Answered, misses: 1}
				if !r.overUDP(i) {
					f.gate.once, f.gate.wait = true, waited
				}
			}
			r.report(f)
		}
	},
}

// usedBehind reports whether the dialog of a 2xx is one that both sides know behind it and the CANCEL: a request inside of it that was sent then
// is accepted, but for a BYE, and for what is about the INVITE: PRACK, and the CANCEL of another hop.
func (r *legRun) usedBehind(i int, cancel time.Time) bool {
	t, ok := &r.Transactions[i], r.responseOf(i, r.Transactions[i].Status)
	if ok < 0 {
		return false
	}
	a := &r.Messages[ok]
	behind := t.Answered
	if cancel.After(behind) {
		behind = cancel
	}
	return r.first(func(m *analysis.Seen) bool {
		return !m.Request && m.Status/100 == 2 && m.Method != "BYE" && m.Method != "PRACK" && m.Method != "CANCEL" && m.Transaction >= 0 && r.Transactions[m.Transaction].Sent.After(behind) &&
			(m.FromTag == a.FromTag && m.ToTag == a.ToTag || m.FromTag == a.ToTag && m.ToTag == a.FromTag)
	}) >= 0
}

// crossed reports whether a CANCEL met the answer of an INVITE and the caller did not do all
// that it has to.
func (r *legRun) crossed(i int) bool {
	t := &r.Transactions[i]
	if !t.Cancelled || t.Status/100 != 2 {
		return false
	}
	acked, byes := r.letGoOn(i)
	return !acked || !byes
}

// letGoOn reports whether the 2xx to an INVITE was acknowledged on its hop, and whether a BYE came there: not those of another phone.
func (r *legRun) letGoOn(i int) (acked, byes bool) {
	t := &r.Transactions[i]
	acked = t.Acked
	for j := range r.Messages {
		switch m := &r.Messages[j]; {
		case !m.Request || m.Hop != t.Hop:
		case m.Method == "BYE":
			byes = byes || !r.ofOther(m, i)
		case acked && m.Method == "ACK" && m.CSeq == t.CSeq && r.ofOther(m, i):
			acked = r.ackOf(i) >= 0
		}
	}
	return acked, byes
}

// ofOther reports whether a message is of the dialog with another phone than that whose 2xx ended the transaction of an INVITE: both answered.
func (r *legRun) ofOther(m *analysis.Seen, i int) (other bool) {
	ok := r.responseOf(i, r.Transactions[i].Status)
	if ok < 0 {
		return false
	}
	caller := r.Messages[ok].FromTag
	for j := range r.Messages {
		x := &r.Messages[j]
		if x.Request || x.Method != "INVITE" || x.Status/100 != 2 || x.FromTag != caller || (m.FromTag != caller || m.ToTag != x.ToTag) && (m.ToTag != caller || m.FromTag != x.ToTag) {
			continue
		}
		if x.Transaction == i {
			return false
		}
		other = true
	}
	return other
}

var cancelTooEarly = &Rule{
	ID: "cancel-too-early", RFC: "RFC 3261 9.1", Severity: "warning",
	Title: "CANCEL before any provisional response",
	Doc: `A CANCEL was sent on a hop before any provisional response (100 counts) to its INVITE came on that hop. It is only possible where the INVITE went over UDP and was not sent again for 4 s, in which three copies were due:
it had a response then, though the capture has it not; and where the INVITE has an ACK there and no final response. Not where a response from 101 to 199 went on from who sent the INVITE before the CANCEL: it came on that hop, unless the INVITE was forked and the ACK has another To tag. Of several hops the first one is told.`,
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
			if r.rangOn(i, c.Time) {
				continue
			}
			f := Finding{
				Severity: Warning, Frames: []analysis.Frame{t.SentFrame, c.Frame}, gate: r.ahead(i),
				Observed: fmt.Sprintf("CANCEL %s after the INVITE, before any response", seconds(c.Time.Sub(t.Sent))),
				Expected: "a provisional response first",
			}
			if f.gate.stream = f.gate.once; f.gate.stream {
				f.gate.wait = c.Time.Sub(t.Sent)
			}
			if r.wasHeard(i, c.Time) && (f.gate.stream || c.Time.Sub(t.Sent) > t2) || t.Status == 0 && t.Acked {
				f.Confidence = Possible
			}
			r.report(f)
		}
	},
}

// rangOn reports whether a response from 101 to 199 to an INVITE went on from who sent that, behind that and before a time: it had one then, though
// the capture has it not on this hop. Where who sent it forked it, it has to have the To tag of the ACK here.
func (r *legRun) rangOn(i int, at time.Time) bool {
	src, _ := r.ends(&r.Transactions[i])
	forked := false
	for j := range r.Transactions {
		if s, _ := r.ends(&r.Transactions[j]); j != i && s.Addr() == src.Addr() && r.sameRequest(i, j) {
			forked = true
		}
	}
	ack := r.first(func(m *analysis.Seen) bool { return m.Transaction == i && m.Method == "ACK" })
	return r.first(func(m *analysis.Seen) bool {
		return !m.Request && m.Status > 100 && m.Status < 200 && m.Method == "INVITE" && m.Source.Addr() == src.Addr() && !m.Time.Before(r.Transactions[i].Sent) && m.Time.Before(at) &&
			m.Transaction >= 0 && m.Transaction != i && r.sameRequest(i, m.Transaction) &&
			(ack < 0 && !forked || ack >= 0 && r.Messages[ack].ToTag == m.ToTag)
	}) >= 0
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
	Doc: `A CANCEL was answered 200 on a hop, and its INVITE has no final response, and no ACK, there 64*T1 (32 s) later, or gets one after that, nor does one that is passed on have the To tag of the responses there. Where a server passed both on to a host that does
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
			if invite < 0 || r.since(t.Answered) < timeout {
				continue
			}
			late := r.lateFinal(invite, t.Answered)
			if late == 0 && (r.Transactions[invite].Status != 0 || r.Transactions[invite].Acked) || r.onwards(invite, r.hangs) || r.cameFrom(invite) {
				continue
			}
			g := r.silence(i)
			g.misses = 2                    // the 487 and its ACK
			if r.onwards(invite, r.ended) { // whoever has it passes it on
				g.misses = 1
			}
			f := Finding{
				Severity: Warning, Frames: []analysis.Frame{t.SentFrame, t.FinalFrame}, gate: g,
				Observed: fmt.Sprintf("CANCEL answered %d, the INVITE has no final response 32 s later", t.Status),
				Expected: "487 to the INVITE",
			}
			if late > 0 {
				f.Frames = append(f.Frames, r.Transactions[invite].FinalFrame)
				f.Observed = fmt.Sprintf("CANCEL answered %d, the INVITE %d only %s later", t.Status, r.Transactions[invite].Status, seconds(late))
				g.misses = 0
			}
			r.report(f)
		}
	},
}

// lateFinal returns how much later than 64*T1 behind the answer to its CANCEL an INVITE got its final response, counted from that answer;
// 0 where it came in time, or not at all.
func (r *legRun) lateFinal(invite int, cancelled time.Time) time.Duration {
	t := &r.Transactions[invite]
	if t.Status == 0 || cancelled.IsZero() || t.Answered.Sub(cancelled) <= timeout {
		return 0
	}
	return t.Answered.Sub(cancelled)
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
// one that is outside of a dialog, as it is itself, or has its number; -1 for none.
func (r *legRun) inviteBefore(cancel int) int {
	c, last, inside := &r.Messages[cancel], -1, r.inDialog(cancel)
	for j := range cancel {
		m := &r.Messages[j]
		if !m.Request || m.Method != "INVITE" || m.Hop != c.Hop || m.Forward != c.Forward || m.Partial {
			continue
		}
		if m.Branch == c.Branch && !m.OldBranch && !c.OldBranch {
			return j
		}
		if m.CSeq == c.CSeq || inside || !r.inDialog(j) {
			last = j
		}
	}
	return last
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
