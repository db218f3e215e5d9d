package findings

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/sipmsg"
)

var transferFailed = &Rule{
	ID: "transfer-failed", RFC: "RFC 3515 2.4; RFC 4488; RFC 3891 3", Severity: "error",
	Title: "a transfer that failed, or that nobody reports on",
	Doc: `A REFER was accepted (2xx) and no NOTIFY of the side that accepted it follows within 32 s of the 2xx, nor do the numbers of its later requests leave one out, unless the 2xx says Refer-Sub: false or the REFER requires nosub or explicitsub (RFC 7614); a Refer-Sub: false of the REFER that the 2xx does
not repeat makes it only possible. Or a NOTIFY that follows a REFER, or has the Event refer where no REFER is in the capture, carries a message/sipfrag with a status of 300 or over. Or an INVITE with Replaces was answered 481, 486 or 603. Where several REFERs
were sent in one dialog, a NOTIFY is of the one whose CSeq number is the id of its Event, and without that of the last. REFER and NOTIFY
outside of a call are paired by their Call-ID in the same way.`,
	Why: "Who transfers a call lets go of it when the NOTIFY says that the new one is up: without it the caller is left on hold, or is lost.",
	Fix: "Look at what the transferred side did with the REFER: the call that it made, its target, and the status that it reports.",

	needs: transferred, asks: subscribes,
	state: func() state { return &transfers{waiting: make(map[string]*outsideRefer)} },
}

// maxRefers bounds the transfers outside of calls that are followed.
const maxRefers = 10000

// transfers applies transfer-failed. waiting are the REFERs outside of calls by Call-ID.
type transfers struct {
	waiting map[string]*outsideRefer
	order   []*outsideRefer
	numbers []uint32 // CSeq numbers of the REFERs of the leg that is looked at
}

type outsideRefer struct {
	before   *outsideRefer // the one before it on its Call-ID
	cseq     uint32
	f        Finding
	notified bool
	excused  bool
}

func (s *transfers) leg(r *legRun) {
	s.replaces(r)
	s.numbers = s.numbers[:0]
	for i := range r.Transactions {
		t := &r.Transactions[i]
		if t.Method == "REFER" && len(s.numbers) < maxJudged && !slices.Contains(s.numbers, t.CSeq) {
			s.numbers = append(s.numbers, t.CSeq)
		}
	}
	for i := range r.Transactions {
		t := &r.Transactions[i]
		if t.Method == "REFER" && (t.Status/100 == 2 || t.Status == 0) && r.firstHop(i) == i && r.requestOf(i) >= 0 {
			r.applies()
			s.refer(r, i)
		}
	}
	if len(s.numbers) == 0 {
		unasked(r)
	}
}

// unasked tells of the first NOTIFY which says that a transfer failed, of a leg whose REFER is not in the capture.
func unasked(r *legRun) {
	for j := range r.Messages {
		m := &r.Messages[j]
		if !m.Request || m.Method != "NOTIFY" || m.Partial || m.Resent.Number != 0 {
			continue
		}
		if f, ok := failedUnasked(r.Message(j), m.Frame); ok {
			f.Observed = fmt.Sprintf("transfer by %s: %s; its REFER is not in the capture", r.party(m.ToTag), f.Observed)
			r.applies()
			r.report(f)
			return
		}
	}
}

// failedUnasked tells of a NOTIFY which says that a transfer failed, whose REFER is not known; ok is false for others.
func failedUnasked(notify *sipmsg.Message, at analysis.Frame) (f Finding, ok bool) {
	code := fragment(notify)
	if code < 300 {
		return f, false
	}
	v, _ := notify.First(sipmsg.Event)
	if !bytes.EqualFold(sipmsg.ParseEvent(v).Package, []byte("refer")) {
		return f, false
	}
	return Finding{Severity: Error, Frames: []analysis.Frame{at}, Observed: fmt.Sprintf("the NOTIFY says %d", code), Expected: transferDone}, true
}

// transferDone is what is expected of a transfer.
const transferDone = "a NOTIFY that says 200"

// refer looks at what became of an accepted REFER: transaction i.
func (s *transfers) refer(r *legRun, i int) {
	t, req := &r.Transactions[i], r.requestOf(i)
	q := &r.Messages[req]
	target := ""
	if v, ok := r.header(req, sipmsg.ReferTo); ok {
		target = " to " + quote(bareURI(sipmsg.ParseReferTo(v).URI))
	}
	notified, over, late := false, false, -1 // whether a later REFER was sent; the first NOTIFY that is too late
	for j := req + 1; j < len(r.Messages); j++ {
		m := &r.Messages[j]
		if m.Request && m.Method == "REFER" && m.FromTag == q.FromTag && m.CSeq > q.CSeq {
			if over = true; len(s.numbers) < 2 {
				break
			}
		}
		if !m.Request && m.Method == "NOTIFY" && (m.FromTag == q.ToTag || q.ToTag == 0) && m.Transaction >= 0 && r.Transactions[m.Transaction].Requests == 0 {
			notified = true // it is not in the capture, but its response is
		}
		if !m.Request || m.Method != "NOTIFY" || m.FromTag != q.ToTag && q.ToTag != 0 {
			continue
		}
		if of := s.referOf(r, j); of == 0 && over || of != 0 && of != q.CSeq {
			continue // it is of the other one
		}
		if in := m.Time.Sub(t.Answered) <= timeout; !in && late < 0 {
			late = j
		} else {
			notified = notified || in
		}
		if code := fragment(r.Message(j)); code >= 300 && !m.Partial {
			r.report(Finding{
				Severity: Error, Frames: r.frames(req, j),
				Observed: fmt.Sprintf("transfer%s by %s: the NOTIFY says %d", target, r.party(q.FromTag), code),
				Expected: transferDone, fault: answerFault(1 + r.side(q.FromTag)),
			})
			return
		}
	}
	if notified || t.Answered.IsZero() || r.since(t.Answered) < timeout || r.leavesOut(q.ToTag, req, len(r.Messages)) {
		return
	}
	res := r.responseOf(i, t.Status)
	f, excused := unreported(r.Message(req), r.messageAt(res))
	if excused {
		return
	}
	src, dst := r.ends(t)
	f.Frames, f.fault = []analysis.Frame{t.SentFrame, t.FinalFrame}, answerFault(1+analysis.Callee+r.side(q.FromTag))
	f.Observed = fmt.Sprintf("REFER%s answered %d, no NOTIFY in 32 s", target, t.Status)
	if late >= 0 {
		f.comesLate(r.Messages[late].Frame, r.Messages[late].Time.Sub(t.Answered))
	}
	f.gate = waitFor(src, dst, t.Answered, r.transport(i))
	r.report(f)
}

// comesLate says of a NOTIFY that is missing in time that it came later.
//
//go:noinline
func (f *Finding) comesLate(notify analysis.Frame, after time.Duration) {
	f.Frames = append(f.Frames, notify)
	f.Observed += "; the first came after " + seconds(after)
}

// referOf returns the CSeq number of the REFER that NOTIFY i names in its Event, 0 where it names none
// of the leg: RFC 3515, section 2.4.6.
func (s *transfers) referOf(r *legRun, i int) uint32 {
	if len(s.numbers) < 2 {
		return 0
	}
	v, ok := r.header(i, sipmsg.Event)
	if !ok {
		return 0
	}
	n, err := strconv.ParseUint(string(sipmsg.ParseEvent(v).ID), 10, 32)
	if err != nil || !slices.Contains(s.numbers, uint32(n)) {
		return 0
	}
	return uint32(n)
}

// messageAt returns message i, nil for -1.
func (r *legRun) messageAt(i int) *sipmsg.Message {
	if i < 0 {
		return nil
	}
	return r.Message(i)
}

// unreported makes the finding of a REFER without NOTIFY; excused says that none is due.
func unreported(refer, accepted *sipmsg.Message) (f Finding, excused bool) {
	f = Finding{Severity: Error, Expected: "a NOTIFY at once, and one that says how the transfer ended"}
	if says(accepted, sipmsg.ReferSub, "false") || says(refer, sipmsg.Require, "nosub") || says(refer, sipmsg.Require, "explicitsub") {
		return f, true
	}
	if says(refer, sipmsg.ReferSub, "false") {
		f.Confidence = Possible
	}
	return f, false
}

// says reports whether a header field has a value, its parameters left out.
func says(m *sipmsg.Message, id sipmsg.ID, value string) bool {
	if m == nil {
		return false
	}
	for v := range m.Values(id) {
		if v, _ = sipmsg.SplitParams(v); bytes.EqualFold(bytes.TrimSpace(v), []byte(value)) {
			return true
		}
	}
	return false
}

// fragment returns the status of a message/sipfrag body, 0 for none.
func fragment(m *sipmsg.Message) int {
	if m == nil || len(m.Body) == 0 {
		return 0
	}
	var frag sipmsg.Message
	for p := range m.Parts() {
		if !p.Type.Is("message", "sipfrag") {
			continue
		}
		if frag.ParseFragment(p.Body) == nil {
			return frag.StatusCode
		}
	}
	return 0
}

// bareURI leaves off the parameters and headers of a URI.
func bareURI(b []byte) []byte {
	at := bytes.IndexByte(b, '@') + 1
	if i := bytes.IndexAny(b[at:], ";?"); i >= 0 {
		return b[:at+i]
	}
	return b
}

// replaces looks for an INVITE with Replaces that was refused.
func (s *transfers) replaces(r *legRun) {
	for i := range r.Transactions {
		t := &r.Transactions[i]
		if t.Method != "INVITE" || t.Status == 0 {
			continue
		}
		if req := r.requestOf(i); req >= 0 && r.Messages[req].Fields.Has(sipmsg.Replaces) {
			r.applies()
		}
		if t.Status != 481 && t.Status != 486 && t.Status != 603 || r.firstHop(i) != i {
			continue
		}
		at := r.lastHop(i)
		req := r.requestOf(at)
		if req < 0 || !r.Messages[req].Fields.Has(sipmsg.Replaces) {
			continue
		}
		x := &r.Transactions[at]
		r.report(Finding{
			Severity: Error, Frames: []analysis.Frame{x.SentFrame, x.FinalFrame}, RFC: "RFC 3891 3",
			Observed: fmt.Sprintf("INVITE with Replaces answered %d by %s: %s", t.Status, endpoint(r.sentTo(at)), r.replacesRefused(req, t.Status)),
			Expected: "2xx, and BYE for the call that is replaced",
			Because:  "the call that it should replace was not replaced", end: turnedDown, refusal: t.Status,
		})
	}
}

// replacesRefused says why an INVITE with Replaces is refused: RFC 3891, section 3.
func (r *legRun) replacesRefused(req, status int) string {
	v, _ := r.header(req, sipmsg.Replaces)
	switch {
	case status == 481:
		return "it knows no such dialog"
	case status == 603:
		return "the dialog has ended, or the user declined"
	case sipmsg.ParseReplaces(v).EarlyOnly:
		return "the dialog is confirmed, and early-only asks for one that is not"
	}
	return "it is busy, and does not let go of the dialog"
}

// exchange pairs REFER and NOTIFY outside of calls.
func (s *transfers) exchange(e *exchangeRun) {
	if e.Method != "REFER" && e.Method != "NOTIFY" {
		return
	}
	w := s.waiting[e.CallID]
	switch {
	case e.Partial || !e.FirstHop:
	case e.Method == "REFER" && e.Status/100 == 2:
		if w != nil && w.cseq == e.CSeq || len(s.order) == maxRefers {
			return
		}
		w = &outsideRefer{before: w, cseq: e.CSeq}
		w.f, w.excused = unreported(e.Request(), e.Response())
		w.excused = w.excused || e.Notified
		w.f.Frames = []analysis.Frame{e.SentFrame, e.FinalFrame}
		w.f.CallID = e.CallID
		w.f.Observed = fmt.Sprintf("REFER answered %d, no NOTIFY in 32 s", e.Status)
		w.f.gate = waitFor(e.Source, e.Destination, e.Answered, e.Transport)
		s.waiting[e.CallID] = w
		s.order = append(s.order, w)
	case e.Method == "NOTIFY" && w == nil && e.InDialog && marks(e.Marks)&stillSubscribed == 0:
		if f, ok := failedUnasked(e.Request(), e.SentFrame); ok && len(s.order) < maxRefers {
			f.Observed = "transfer: " + f.Observed
			e.report(f)
			f.gate = waitFor(e.Destination, e.Source, e.Sent, e.Transport)
			w = &outsideRefer{f: f, excused: true, notified: true}
			s.waiting[e.CallID], s.order = w, append(s.order, w)
		}
	case e.Method == "NOTIFY" && w != nil:
		w = w.of(e.Request())
		code := fragment(e.Request())
		if after := e.Sent.Sub(w.f.gate.since); after <= timeout {
			w.excused = true
		} else if !w.excused && len(w.f.Frames) == 2 {
			w.f.comesLate(e.SentFrame, after)
		}
		if code < 300 || w.notified {
			return
		}
		w.excused = true
		w.notified = true
		e.report(Finding{
			Severity: Error, Frames: []analysis.Frame{w.f.Frames[0], e.SentFrame},
			Observed: fmt.Sprintf("transfer: the NOTIFY says %d", code),
			Expected: transferDone,
		})
	}
}

// maxOnOne bounds the REFERs of one Call-ID that a NOTIFY is compared with.
const maxOnOne = 16

// of returns the REFER that a NOTIFY on its Call-ID is about: the one with the number that its Event names,
// or else the last; then it may be about any, and excuses all.
func (w *outsideRefer) of(notify *sipmsg.Message) *outsideRefer {
	if w.before == nil || notify == nil {
		return w
	}
	v, _ := notify.First(sipmsg.Event)
	n, named := sipmsg.Number(sipmsg.ParseEvent(v).ID)
	for x, i := w, 0; named && x != nil && i < maxOnOne; x, i = x.before, i+1 {
		if x.cseq == n {
			return x
		}
	}
	for x, i := w, 0; x != nil && i < maxOnOne; x, i = x.before, i+1 {
		x.excused = true
	}
	return w
}

func (s *transfers) end(r *captureRun) {
	for _, w := range s.order {
		if !w.excused && r.End.Sub(w.f.gate.since) >= timeout {
			r.report(w.f)
		}
	}
}
