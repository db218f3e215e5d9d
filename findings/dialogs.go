package findings

import (
	"fmt"
	"hash/maphash"
	"net/netip"
	"slices"
	"time"

	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/internal/addr"
	"github.com/sipsight/sipsight/sipmsg"
)

// dialogRules are about what happens inside of dialogs: RFC 3261, sections 12 and 14, and
// RFC 3262 and 4028.
var dialogRules = []*Rule{glare491, overlappingInvite, cseqBackwards, sessionTimerExpiry, session422, unknownDialog, prackMissing}

const (
	// glareSlack is what a retry may miss its window by: section 14.1 counts in units
	// of 10 ms, and the capture may be made some way off.
	glareSlack = 50 * time.Millisecond

	// glareWait is how long a retry is waited for.
	glareWait = 10 * time.Second
)

var glare491 = &Rule{
	ID: "glare-491", RFC: "RFC 3261 14.1", Severity: "warning / note",
	Title: "a retry after 491 that comes at the wrong time, or never",
	Doc: `A re-INVITE or UPDATE was answered 491, and the next INVITE or UPDATE of that side comes outside of its window, or not within 10 s though no BYE ends the dialog, nor CANCEL or refusal an early one. The window is
2.1 to 4 s behind the 491 for the side that made the Call-ID (who sent the first INVITE), 0 to 2 s for the other one; 50 ms to either side are let pass. Where the
capture does not show who made the Call-ID, 0 to 4 s. A retry in its window, or a dialog that ends first, is a note; of one that is not in the capture, though its answer is, or a number of that side is left out, nothing is said.`,
	Why: "Both sides changed the session at once. The two windows lie apart so that they do not meet again: who waits wrongly meets the other one time after time, and a change that is not tried again is lost.",
	Fix: "Make the side that was answered 491 wait as section 14.1 says, and then send the request again.",

	needs: oddRefusal,
	leg: func(r *legRun) {
		for i := range r.Transactions {
			t := &r.Transactions[i]
			if t.Status != 491 || t.Initial || t.Requests == 0 || t.Method != "INVITE" && t.Method != "UPDATE" || r.firstHop(i) != i {
				continue
			}
			r.applies()
			if req := r.requestOf(i); req >= 0 && !t.Answered.IsZero() {
				r.glare(t, req)
			}
		}
	},
}

// glare applies glare-491 to a request.
func (r *legRun) glare(t *analysis.Transaction, req int) {
	q := &r.Messages[req]
	retry := r.first(func(m *analysis.Seen) bool {
		return m.Request && (m.Method == "INVITE" || m.Method == "UPDATE") && m.FromTag == q.FromTag && m.ToTag == q.ToTag && m.CSeq > q.CSeq && m.Time.After(t.Answered)
	})
	bye := r.first(func(m *analysis.Seen) bool { return !m.Time.Before(t.Answered) && r.endsCall(m, t, q) })
	low, high, who := time.Duration(0), t2, "which side made the Call-ID is not in the capture"
	switch r.side(q.FromTag) {
	case analysis.NoParty:
	case analysis.Caller:
		low, who = 2100*time.Millisecond, "it made the Call-ID"
	default:
		high, who = 2*time.Second, "the other side made the Call-ID"
	}
	f := Finding{
		Severity: Warning, Frames: []analysis.Frame{t.SentFrame, t.FinalFrame},
		Expected: "the next " + t.Method + " " + plain(low) + " to " + plain(high) + " after the 491 (" + who + ")",
	}
	f.passed, f.Observed = r.said(req, "491"), t.Method+" answered 491, "
	last := len(r.Messages)
	if retry >= 0 {
		last = retry
	}
	if r.triedUnseen(t, retry) || r.leavesOut(q.FromTag, req, last) {
		return
	}
	switch {
	case retry >= 0 && (bye < 0 || retry < bye):
		m := &r.Messages[retry]
		wait := m.Time.Sub(t.Answered)
		f.Frames = append(f.Frames, m.Frame)
		f.Observed += "the next one " + seconds(wait) + " later"
		if wait >= low-glareSlack && wait <= high+glareSlack {
			f.Severity, f.NextStep = Note, "Nothing: the collision was handled."
		}
	case bye >= 0 && r.Messages[bye].Time.Sub(t.Answered) < glareWait:
		f.Severity, f.NextStep = Note, "Nothing: the call ended before the next try."
		f.Frames = append(f.Frames, r.Messages[bye].Frame)
		f.Observed += "and the call ended " + seconds(r.Messages[bye].Time.Sub(t.Answered)) + " later"
	case r.since(t.Answered) >= glareWait:
		src, dst := r.ends(t)
		f.gate = &gate{self: dst.Addr(), peer: src.Addr(), since: t.Answered, wait: glareWait, once: q.Transport != "UDP"}
		f.Observed += "and not sent again for 10 s"
	default:
		return
	}
	r.report(f)
}

// endsCall reports whether a message ends the dialog of a request q, whose transaction is t: a BYE, or where it was an early one the CANCEL or
// the refusal of its INVITE. That of another phone, on another hop, does not.
func (r *legRun) endsCall(m *analysis.Seen, t *analysis.Transaction, q *analysis.Seen) bool {
	if m.Request && m.Method == "BYE" {
		return true
	}
	early := r.Leg.Answered.IsZero() || t.Answered.Before(r.Leg.Answered)
	if !early || m.Hop != t.Hop && m.ToTag != q.ToTag && m.ToTag != q.FromTag {
		return false
	}
	return m.ToTag == 0 && m.Request && m.Method == "CANCEL" || ofInitialINVITE(m) && m.Status >= 300
}

// triedUnseen reports whether the next try behind a 491, before message retry if there is one, is not in the capture,
// though the answer to it is.
func (r *legRun) triedUnseen(t *analysis.Transaction, retry int) bool {
	return slices.ContainsFunc(r.Transactions, func(x analysis.Transaction) bool {
		return x.Requests == 0 && (x.Method == "INVITE" || x.Method == "UPDATE") && x.Hop == t.Hop && x.Forward == t.Forward && x.CSeq > t.CSeq &&
			(retry < 0 || x.CSeq < r.Messages[retry].CSeq)
	})
}

var overlappingInvite = &Rule{
	ID: "overlapping-invite", RFC: "RFC 3261 14.1, 14.2", Severity: "warning / note",
	Title: "a second INVITE before the first is answered",
	Doc: `In a dialog (an early one counts) an INVITE is sent on a hop while another INVITE of that dialog has no final response there yet. Where both come from one side,
500 with Retry-After, or 491, is what it has to be answered with: then it is a note. Where they come from both sides and one of them is answered 491 or 500, it is a
collision that glare-491 tells. The first INVITE of a call, without a final response in the capture, is not pending for the called side. Without a final response to the second in the capture it is likely; without one to the first only possible, where nothing of who should have sent that is in the capture,
or the capture lacks so many packets, or octets of the connection, that it may be among them.`,
	Why: "Offers and answers of the two can no longer be told apart: the sides may end with different codecs, or one of them on hold.",
	Fix: "Make the side that sends the second INVITE wait for the final response to the first, and its ACK.",

	needs: reINVITE,
	leg: func(r *legRun) {
		for j := range r.Messages {
			m := &r.Messages[j]
			if !m.Request || m.Method != "INVITE" || m.ToTag == 0 || m.FromTag == 0 || m.Resent.Number != 0 || m.Partial || m.Transaction < 0 || m.Time.IsZero() {
				continue
			}
			r.applies()
			if r.firstHop(m.Transaction) != m.Transaction {
				continue
			}
			if i := r.pendingInvite(j); i >= 0 {
				r.overlap(i, j)
			}
		}
	},
}

// pendingInvite returns the transaction of an INVITE of the same dialog that had no final
// response on that hop when message j was sent, -1 for none.
func (r *legRun) pendingInvite(j int) int {
	m := &r.Messages[j]
	for i := range r.Transactions {
		t := &r.Transactions[i]
		if i == m.Transaction || t.Method != "INVITE" || t.Hop != m.Hop || t.Requests == 0 || !t.Sent.Before(m.Time) || t.Status != 0 && !t.Answered.After(m.Time) {
			continue
		}
		q := r.requestOf(i)
		if q < 0 || q > j || r.Messages[q].Partial || !inOneDialog(&r.Messages[q], m) {
			continue
		}
		if t.Status == 0 && (t.Acked || t.Initial && t.Forward != m.Forward || t.Provisional.IsZero() || m.Time.Sub(t.Sent) >= timerC || r.acceptedElsewhere(i, m.Time)) {
			continue // its final response is not in the capture, or it has timed out; who got it sends an INVITE once it has answered
		}
		return i
	}
	return -1
}

// acceptedElsewhere reports whether the request of a transaction was accepted on another hop before a time: its own
// final response is not in the capture.
func (r *legRun) acceptedElsewhere(i int, at time.Time) bool {
	for j := range r.Transactions {
		if t := &r.Transactions[j]; i != j && t.Status/100 == 2 && t.Answered.Before(at) && r.sameRequest(i, j) {
			return true
		}
	}
	return false
}

// inOneDialog reports whether a request q belongs to the dialog of m, which has both tags.
func inOneDialog(q, m *analysis.Seen) bool {
	switch q.FromTag {
	case m.FromTag:
		return q.ToTag == 0 || q.ToTag == m.ToTag
	case m.ToTag:
		return q.ToTag == 0 || q.ToTag == m.FromTag
	}
	return false
}

// overlap reports that message j was sent while the INVITE of transaction i was pending.
func (r *legRun) overlap(i, j int) {
	t, m := &r.Transactions[i], &r.Messages[j]
	second := &r.Transactions[m.Transaction]
	one := t.Forward == m.Forward
	if !one && (t.Status == 491 || t.Status == 500 || second.Status == 491 || second.Status == 500) {
		return
	}
	side := "same"
	if !one {
		side = "other"
	}
	f := Finding{
		Severity: Warning, Frames: []analysis.Frame{t.SentFrame, m.Frame},
		Observed: fmt.Sprintf("INVITE with CSeq %d of the %s side %s after the one with CSeq %d, which has no final response yet", m.CSeq, side, seconds(m.Time.Sub(t.Sent)), t.CSeq),
		Expected: "no INVITE before the final response to the first; else 500 with Retry-After, or 491",
	}
	if t.Status == 0 { // else it came later
		f.gate = r.stillOpen(i, m.Time)
	}
	if second.Status == 0 {
		f.Confidence = Likely
	} else {
		f.Frames = append(f.Frames, second.FinalFrame)
		f.Observed += fmt.Sprintf("; answered %d", second.Status)
	}
	if second.Status == 491 || second.Status == 500 && r.has(m.Transaction, 500, sipmsg.RetryAfter) {
		f.Severity = Note
	}
	r.report(f)
}

var cseqBackwards = &Rule{
	ID: "cseq-backwards", RFC: "RFC 3261 12.2.2", Severity: "warning",
	Title: "a CSeq number that goes backwards",
	Doc: `A request inside of a dialog, when its branch appears for the first time on a hop, has a lower CSeq number than the last one of that side on that hop (the INVITE
that made the dialog counts). ACK and CANCEL, which repeat the number of their INVITE, are left out; so is one that stands in the capture behind a request of a time up to 50 ms later. It is told once a side, with the 500 that it may be answered: that is no overload then. Outside of calls SUBSCRIBE, NOTIFY and REFER are looked at.`,
	Why: "The other side has to refuse it with 500: the request is taken for an old one.",
	Fix: "Look at what numbers the requests of that side: often two programs share a dialog, or a server between them counts by itself.",

	needs: cseqFalls, counts: inDialog, asks: subscribes,
	state: func() state { return &numbersOutside{last: make(map[uint64]lastNumber), told: make(memory[uint64])} },
	leg: func(r *legRun) {
		var few [4]numbering // mostly enough
		sides := few[:0]
		for j := range r.Messages {
			m := &r.Messages[j]
			switch {
			case !m.Request || m.Method == "ACK" || m.Method == "CANCEL" || m.Resent.Number != 0 || m.Partial || m.FromTag == 0 || m.Quirks&sipmsg.QuirkCSeq != 0:
				continue
			case m.ToTag == 0 && m.Method != "INVITE":
				continue
			case m.ToTag != 0:
				r.applies()
			}
			own, last := numberingOf(sides, m)
			if own < 0 {
				if len(sides) == maxSides {
					return
				}
				own = len(sides)
				sides = append(sides, numbering{m.FromTag, m.ToTag, m.Hop, m.Forward, j, false})
			}
			s := &sides[own]
			switch {
			case m.ToTag == 0 || last < 0 || m.CSeq > r.Messages[last].CSeq: // each try of the first INVITE makes another dialog
				s.last = j
			case m.CSeq < r.Messages[last].CSeq && !toldOnHop(sides, s) && !r.disordered(last, j):
				s.told = true
				l := &r.Messages[last]
				f := lastNumber{l.Method, l.CSeq, l.Frame, l.Time}.before(m.Method, m.CSeq, m.Frame, m.Source)
				if i := r.refused500(m.Transaction); i >= 0 {
					f.Frames = append(f.Frames, r.Transactions[i].FinalFrame)
					f.Observed += "; answered 500"
				}
				r.report(f)
			}
		}
	},
}

// refused500 returns the transaction of a request on whichever hop that was answered 500 first, -1 for none: proxies pass it back.
func (r *legRun) refused500(request int) int {
	made := -1
	for i := range r.Transactions {
		if t := &r.Transactions[i]; request >= 0 && t.Status == 500 && r.sameRequest(request, i) && (made < 0 || t.Answered.Before(r.Transactions[made].Answered)) {
			made = i
		}
	}
	return made
}

// disordered reports whether a request stands behind one with a higher number that has a later time.
func (r *legRun) disordered(high, low int) bool {
	return isDisorder(r.Messages[high].Time, r.Messages[low].Time)
}

// isDisorder reports whether something stands behind what has a later time, as packets do that are not in their order.
func isDisorder(first, second time.Time) bool {
	d := second.Sub(first)
	return d < 0 && d > -disorder
}

// A lastNumber is the request of a side with its highest CSeq number.
type lastNumber struct {
	method string
	cseq   uint32
	frame  analysis.Frame
	at     time.Time
}

// before makes the finding that a request with a lower number follows.
func (l lastNumber) before(method string, cseq uint32, frame analysis.Frame, from netip.AddrPort) Finding {
	return Finding{
		Severity: Warning, Frames: []analysis.Frame{l.frame, frame},
		Observed: fmt.Sprintf("%s with CSeq %d after %s with CSeq %d, from %s", method, cseq, l.method, l.cseq, endpoint(from)),
		Expected: fmt.Sprintf("a CSeq number over %d", l.cseq),
	}
}

// numbersOutside applies cseq-backwards to the dialogs of subscriptions outside of calls.
type numbersOutside struct {
	last map[uint64]lastNumber // by Call-ID, tags and hop; at most maxSubscriptions
	told memory[uint64]        // by Call-ID and tags
}

func (s *numbersOutside) exchange(r *exchangeRun) {
	e := r.Exchange
	if e.Partial || e.Quirks&sipmsg.QuirkCSeq != 0 || e.Method != "SUBSCRIBE" && e.Method != "NOTIFY" && e.Method != "REFER" {
		return
	}
	id, hop := textHash(e.CallID), hostsOf(e.Source, e.Destination).hash()
	side := addr.MixWords(id, r.tags(), 0)
	key := addr.MixWords(side, hop, 0)
	x, known := s.last[key]
	if !known && e.InDialog && e.Method != "NOTIFY" { // what made the dialog, or several that a proxy forked it to
		if m := r.Request(); m != nil {
			x, known = s.last[addr.MixWords(addr.MixWords(id, hashOfTags(m.Tag(sipmsg.From), nil), 0), hop, 0)]
		}
	}
	switch {
	case !known || !e.InDialog || e.CSeq > x.cseq:
		if len(s.last) == maxSubscriptions {
			clear(s.last)
		}
		s.last[key] = lastNumber{e.Method, e.CSeq, e.SentFrame, e.Sent}
	case e.CSeq < x.cseq && !isDisorder(x.at, e.Sent) && s.told.isNew(side):
		r.report(x.before(e.Method, e.CSeq, e.SentFrame, e.Source))
	}
}

func (s *numbersOutside) end(*captureRun) {}

// tags returns a hash of the tags of a request that subscribes: see Collector.asked.
func (r *exchangeRun) tags() uint64 {
	if h := r.Marks >> routeHosts; h != 0 {
		return h
	}
	if m := r.Request(); m != nil {
		return hashOfTags(m.Tag(sipmsg.From), m.Tag(sipmsg.To))
	}
	return 0
}

// hashOfTags returns a hash of both tags that fits above the other marks.
func hashOfTags(from, to []byte) uint64 {
	return addr.MixWords(maphash.Bytes(seed, from), maphash.Bytes(seed, to), 0) >> routeHosts
}

// maxSides bounds the sides of dialogs, on their hops, whose numbers are followed in a leg.
const maxSides = 32

// A numbering is what is known of the CSeq numbers of a side of a dialog on a hop.
type numbering struct {
	from, to uint64 // tags; to is 0 for the INVITE that makes dialogs
	hop      int
	forward  bool
	last     int // the message with the highest number
	told     bool
}

// numberingOf returns the numbering of a request, and the last message that its number has
// to be over: of its dialog, or the INVITE that made it; -1 for none.
func numberingOf(sides []numbering, m *analysis.Seen) (own, last int) {
	own, last = -1, -1
	for i := range sides {
		s := &sides[i]
		if s.from != m.FromTag || s.hop != m.Hop || s.forward != m.Forward {
			continue
		}
		switch s.to {
		case m.ToTag:
			own, last = i, s.last
		case 0:
			if last < 0 {
				last = s.last
			}
		}
	}
	return own, last
}

// toldOnHop reports whether the numbers of a side were told on any hop.
func toldOnHop(sides []numbering, s *numbering) bool {
	for i := range sides {
		if x := &sides[i]; x.told && x.from == s.from && x.to == s.to {
			return true
		}
	}
	return false
}
