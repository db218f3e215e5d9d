package findings

import (
	"bytes"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/sipmsg"
)

// forwardRules are about the way of requests: RFC 3261, sections 8.1.3.4, 8.2.2.2 and 16.
var forwardRules = []*Rule{maxForwards, loop, mergedRequest, forkOutcomes, redirectLoop}

// defaultMaxForwards is what section 8.1.1.6 recommends.
const defaultMaxForwards = 70

var maxForwards = &Rule{
	ID: "max-forwards", RFC: "RFC 3261 16.3, 8.1.1.6", Severity: "error / warning / note",
	Title: "a Max-Forwards that is used up, missing, or not lowered",
	Doc: `483 to any request: an error (a note to OPTIONS with Max-Forwards 0, which asks the first host alone). A request without Max-Forwards, with one of 0 (but for OPTIONS, which may ask so, and requests answered 483), with one that is no number, or
with one that is not lower than at the hop before it (same Call-ID, method, CSeq and From tag, sent by the address that the earlier one went to): a warning. Over 70: a note. Of each
kind one finding a leg; requests outside of calls are told once for each pair of addresses.`,
	Why: "Max-Forwards is what stops a request that runs in circles. Without it a loop goes on until something breaks.",
	Fix: "Give each request Max-Forwards 70 and lower it by one at each hop; after a 483 look at the Vias of the request for the hosts that pass it around.",

	needs: forwardsOdd | oddRefusal, counts: wholeRequest, asks: oddForwards | refusedOutside,
	state: func() state { return new(forwards) },
}

// forwards applies max-forwards.
type forwards struct {
	outside repeats
	refusals
}

func (s *forwards) end(r *captureRun) { s.outside.tell(r) }

func (s *forwards) exchange(e *exchangeRun) {
	if e.Partial {
		return
	}
	if e.Status == 483 {
		if s.isNew(e) {
			s.refused(e)
		}
		return
	}
	if e.MaxForwards <= 0 || e.MaxForwards > defaultMaxForwards {
		if f, what := oddMaxForwards(e.Method, e.MaxForwards, e.Source, nil); what != "" {
			f.Frames = []analysis.Frame{e.SentFrame}
			s.outside.add(what, e, f)
		}
	}
	if e.CameFrame.Number != 0 {
		s.outside.add("not lowered", e, passedWhole(e.Method, e.Source, e.CameWith, e.MaxForwards, []analysis.Frame{e.CameFrame, e.SentFrame}))
	}
}

// refused takes in a request that was refused with 483.
func (s *forwards) refused(e *exchangeRun) {
	f, what := tooManyHops(e.Method, e.MaxForwards, []analysis.Frame{e.SentFrame, e.FinalFrame}), "483"
	if e.Method == "OPTIONS" && e.MaxForwards == 0 {
		f.Severity, f.Expected, f.NextStep, what = Note, "483, or 200 from the first host", "Nothing: it asks the first host alone, and that answers.", "483 to OPTIONS"
	}
	s.outside.add(what, e, f)
}

// passedWhole makes the finding that a host passed a request on without lowering its Max-Forwards.
func passedWhole(method string, host netip.AddrPort, before, after int16, frames []analysis.Frame) Finding {
	return Finding{
		Severity: Warning, Frames: frames,
		Observed: fmt.Sprintf("%s reached %s with Max-Forwards %d and left it with %d", method, endpoint(host), before, after),
		Expected: fmt.Sprintf("Max-Forwards %d", max(before-1, 0)),
		NextStep: "Make that host lower Max-Forwards when it passes a request on.",
	}
}

func tooManyHops(method string, left int16, frames []analysis.Frame) Finding {
	return Finding{
		Severity: Error, Frames: frames,
		Observed: fmt.Sprintf("%s%s answered 483", method, withMaxForwards(left)),
		Expected: "a way to the called host in fewer hops",
		Because:  "its Max-Forwards was used up (483)", end: turnedDown, refusal: 483,
	}
}

func withMaxForwards(n int16) string {
	if n < 0 {
		return ""
	}
	return fmt.Sprintf(" with Max-Forwards %d", n)
}

// oddMaxForwards says what is wrong with the Max-Forwards of a request; what is "" for nothing.
func oddMaxForwards(method string, n int16, src netip.AddrPort, frames []analysis.Frame) (f Finding, what string) {
	f = Finding{Severity: Warning, Frames: frames, Expected: "Max-Forwards 70 from who makes the request, and one less at each hop"}
	switch {
	case n == analysis.NoMaxForwards:
		what = "without Max-Forwards"
	case n == analysis.BadMaxForwards:
		what = "with a Max-Forwards that is no number"
	case n == 0 && method != "OPTIONS":
		what = "with Max-Forwards 0"
	case n > defaultMaxForwards:
		f.Severity, what = Note, "with a Max-Forwards over 70"
	default:
		return f, ""
	}
	f.Observed = fmt.Sprintf("%s %s from %s", method, what, endpoint(src))
	if n > defaultMaxForwards {
		f.Observed = fmt.Sprintf("%s with Max-Forwards %d from %s", method, n, endpoint(src))
	}
	return f, what
}

func (s *forwards) leg(r *legRun) {
	refused := false
	for i := range r.Transactions {
		t := &r.Transactions[i]
		if t.Status == 483 && r.firstHop(i) == i {
			at := r.lastHop(i)
			req := r.requestOf(at)
			if req < 0 || refused {
				continue
			}
			refused = true
			x := &r.Transactions[at]
			f := tooManyHops(t.Method, r.Messages[req].MaxForwards, []analysis.Frame{x.SentFrame, x.FinalFrame})
			if !t.Initial || t.Method != "INVITE" {
				f.Because = ""
			}
			r.report(f)
		}
	}
	var told [8]string
	n := 0
	for i := range r.Messages {
		m := &r.Messages[i]
		if !m.Request || m.Partial {
			continue
		}
		r.applies()
		if m.MaxForwards > 0 && m.MaxForwards <= defaultMaxForwards {
			continue
		}
		if m.MaxForwards == 0 && m.Transaction >= 0 && r.Transactions[m.Transaction].Status == 483 {
			continue
		}
		f, what := oddMaxForwards(m.Method, m.MaxForwards, m.Source, r.frames(i))
		known := what == "" || n == len(told)
		for _, x := range told[:n] {
			known = known || x == what
		}
		if !known {
			told[n] = what
			n++
			r.report(f)
		}
	}
	r.notLowered()
}

// notLowered reports the first request whose Max-Forwards a host passed on as it was, or
// higher.
func (r *legRun) notLowered() {
	if len(r.Leg.Hops) < 2 {
		return
	}
	for j := range r.Transactions {
		t := &r.Transactions[j]
		next := r.requestOf(j)
		if next < 0 || t.Method == "CANCEL" || r.Messages[next].Partial || r.Messages[next].MaxForwards < 0 {
			continue // each hop makes a CANCEL of its own
		}
		for i := range j {
			p := &r.Transactions[i]
			if p.Hop == t.Hop && p.Forward == t.Forward || p.CSeq != t.CSeq || p.Method != t.Method || !r.sameRequest(i, j) {
				continue
			}
			m := r.requestOf(i)
			if m < 0 || r.Messages[m].Destination.Addr() != r.Messages[next].Source.Addr() || r.Messages[m].Partial || r.Messages[m].ToTag != r.Messages[next].ToTag {
				continue
			}
			// On one machine the ports have to say who passes on.
			if r.Messages[m].Source.Addr() == r.Messages[next].Source.Addr() && r.Messages[m].Destination.Port() != r.Messages[next].Source.Port() {
				continue
			}
			if before, after := r.Messages[m].MaxForwards, r.Messages[next].MaxForwards; before >= 0 && after >= before {
				r.report(passedWhole(t.Method, r.Messages[m].Destination, before, after, r.frames(m, next)))
				return
			}
		}
	}
}

var loop = &Rule{
	ID: "loop", RFC: "RFC 3261 16.3; RFC 5393 4.2", Severity: "error / note",
	Title: "a request that comes back to a host that has passed it on",
	Doc: `A request (same method, CSeq and From tag) arrives at an address and port that stands in one of its Vias, or leaves with the sent-by of its topmost Via once more below it. It is a
loop where its Request-URI and its topmost Route are those of the time before, and a spiral, which is a note, where they differ, or Routes were used up in between, or the time before was not captured. What a host sent is the
time before only if it had come to it with that Request-URI as well: a host that forwards a call to another user by way of a proxy gets back what it sent. 482 to a
request that did not reach its server twice (see merged-request) is a loop, too. It is told once a leg; outside of calls once for each pair of addresses and method.`,
	Why: "Each turn costs every host of the circle a transaction; with forking on the way a single call becomes thousands.",
	Fix: "Look at the routing of the hosts in the Vias: one sends the request to a host that sends it back.",

	needs: tangled | oddRefusal, counts: everyLeg, asks: refusedOutside | recurs,
	leg: func(r *legRun) {
		r.applies()
		if r.loops() {
			return
		}
		for i := range r.Transactions {
			t := &r.Transactions[i]
			if t.Status != 482 || r.firstHop(i) != i {
				continue
			}
			at := r.lastHop(i)
			if r.requestOf(at) < 0 || r.merges(at) {
				continue
			}
			f := refusedLoop(t.Method, []analysis.Frame{r.Transactions[at].SentFrame, r.Transactions[at].FinalFrame}, r.sentTo(at))
			if t.Method != "INVITE" || !t.Initial {
				f.Because = ""
			}
			r.report(f)
			return
		}
	},
	state: func() state { return new(loopsOutside) },
}

// loopsOutside applies loop to requests outside of calls.
type loopsOutside struct {
	rounds
	found  repeats
	merged repeats // which merged-request tells
}

func (s *loopsOutside) exchange(e *exchangeRun) {
	if !e.Recurs && e.Status != 482 {
		return
	}
	if done := s.add(e); done != nil {
		s.judge(done)
	}
}

// judge tells what is to be said of a request that nothing more is expected of.
func (s *loopsOutside) judge(x *round) {
	f, p, ok := x.loops()
	if ok {
		s.found.take(repeatKey{p.Method + f.Severity.String(), hostsOf(p.Source, p.Destination)}, p.callID, f)
	}
	if g, q, ok := x.merged(); ok {
		s.merged.take(repeatKey{q.Method + g.Severity.String(), hostsOf(q.Source, q.Destination)}, q.callID, g)
	}
	if q := x.refused(); q != nil && f.Severity != Error {
		f := refusedLoop(q.Method, []analysis.Frame{q.Frame, q.final}, q.Destination)
		what := q.Method
		if !q.known && len(x.hops) > 1 { // what was cut may have said that it is a merged request
			f.Confidence = Possible
			what += ", possibly"
		}
		s.found.take(repeatKey{what, hostsOf(q.Source, q.Destination)}, q.callID, f)
	}
}

func (s *loopsOutside) end(r *captureRun) {
	for _, x := range s.order {
		s.judge(x)
	}
	s.found.tell(r)
}

func refusedLoop(method string, frames []analysis.Frame, by netip.AddrPort) Finding {
	return Finding{
		Severity: Error, Frames: frames,
		Observed: fmt.Sprintf("%s answered 482 by %s", method, endpoint(by)),
		Expected: "a way that visits no host twice for the same target",
		Because:  "the request ran in a circle (482)", end: turnedDown, refusal: 482,
	}
}

// loops reports a request that comes back to a host, and whether that is a circle.
func (r *legRun) loops() bool {
	if len(r.Leg.Hops) < 2 && !r.turnsBack() {
		return false
	}
	f, p, ok := r.ways().loops()
	if !ok {
		return false
	}
	if p.Method != "INVITE" || p.inDialog {
		f.Because = ""
	}
	r.report(f)
	return f.Severity == Error
}

// merges reports whether the request of a transaction is one of two that reached the same host.
func (r *legRun) merges(i int) bool {
	x := r.ways()
	return x.merges(slices.IndexFunc(x.hops, func(p passage) bool { return p.Transaction == i })) >= 0
}

// turnsBack reports whether a request was seen in both directions of its only hop.
func (r *legRun) turnsBack() bool {
	for i := range r.Transactions {
		for j := range i {
			if r.Transactions[i].Forward != r.Transactions[j].Forward && r.sameRequest(i, j) {
				return true
			}
		}
	}
	return false
}

// wasAt reports whether p came to, or from, where m goes to, or came from where m comes from.
func wasAt(p, m *analysis.Seen) bool {
	return p.Destination == m.Destination || p.Source.Addr() == m.Destination.Addr() || p.Source.Addr() == m.Source.Addr()
}

// viasOf reports whether a request holds a Via of the host that it goes to, and whether the sent-by of its topmost one stands once more
// below it.
func viasOf(x *sipmsg.Message, m *analysis.Seen) (inside, again bool) {
	var top []byte
	n := 0
	for v := range x.Values(sipmsg.Via) {
		h := sipmsg.ParseVia(v)
		if viaIs(h, m.Destination) {
			inside = true
		}
		by := sentBy(h)
		if n == 0 {
			top = by
		} else if bytes.Equal(by, top) {
			again = true
		}
		n++
	}
	return inside, again
}

// cameBack begins the finding that a request came back to the host that it goes to, or comes from, unless inside; before is the time
// before, nil where that was not captured, and same says that it had the same target.
func cameBack(m *analysis.Seen, inside bool, before *analysis.Seen, same bool) Finding {
	host := endpoint(m.Destination)
	if !inside {
		host = endpoint(m.Source)
	}
	f := Finding{
		Severity: Note, Frames: []analysis.Frame{m.Frame},
		Observed: fmt.Sprintf("%s comes back to %s, whose Via it holds already; the time before is not in the capture", m.Method, host),
		Expected: "nothing else: a spiral is allowed as long as the target changes",
		NextStep: "Nothing, unless calls are slow: each turn costs the hosts of the circle a transaction.",
	}
	if before == nil {
		return f
	}
	f.Frames = []analysis.Frame{before.Frame, m.Frame}
	f.Observed = fmt.Sprintf("%s comes back to %s, whose Via it holds already, with another Request-URI or Route", m.Method, host)
	if same {
		f.Severity, f.NextStep = Error, ""
		f.Observed = fmt.Sprintf("%s comes back to %s, whose Via it holds already, with the same Request-URI and Route", m.Method, host)
		f.Expected = "a way that visits no host twice for the same target"
		f.Because, f.end = fmt.Sprintf("the request ran in a circle through %s", host), unreached
	}
	return f
}

// viaIs reports whether the sent-by of a Via is an address and port.
func viaIs(h sipmsg.ViaHop, a netip.AddrPort) bool {
	host, err := netip.ParseAddr(strings.Trim(string(h.Host), "[]"))
	if err != nil || host.Unmap() != a.Addr().Unmap() {
		return false
	}
	port := h.Port
	if !h.HasPort {
		port = 5060
		if strings.EqualFold(string(h.Transport), "TLS") {
			port = 5061
		}
	}
	return port == a.Port()
}

// sentBy returns the sent-by of a Via, for comparing.
//
//go:noinline
func sentBy(h sipmsg.ViaHop) []byte {
	return bytes.ToLower(append(append(bytes.Clone(h.Host), ':'), h.PortText...))
}

var mergedRequest = &Rule{
	ID: "merged-request", RFC: "RFC 3261 8.2.2.2", Severity: "note / error",
	Title: "one request that reaches a user agent twice",
	Doc: `Two requests without To tag and with the same Call-ID, method, CSeq and From tag, but different branches, reach one address and port, the second while the first has no final response, and
that host does not pass either on. A note, and an error where one of them is answered 482. It is told once a leg; outside of calls once for each pair of addresses and method.`,
	Why: "A proxy forked the request, and two of its branches lead to the same phone. The phone answers one and refuses the other with 482.",
	Fix: "Look for a user that is registered twice with one address, or two proxies that both find it.",

	needs: tangled, counts: everyLeg,
	leg: func(r *legRun) {
		r.applies()
		if f, _, ok := r.ways().merged(); ok {
			r.report(f)
		}
	},
	capture: func(r *captureRun) { r.c.circles.merged.tell(r) }, // which loop finds, too
}

// twiceAt begins the finding that a request reached a host which another one of it had reached.
func twiceAt(first analysis.Frame, m *analysis.Seen) Finding {
	return Finding{
		Severity: Note, Frames: []analysis.Frame{first, m.Frame},
		Observed: fmt.Sprintf("%s with CSeq %d reaches %s twice with different branches", m.Method, m.CSeq, endpoint(m.Destination)),
		Expected: "one branch to each user agent",
	}
}

// refusedTwice makes an error of the finding where a status is 482.
func (f *Finding) refusedTwice(status int, final analysis.Frame) bool {
	if status != 482 {
		return false
	}
	f.Severity = Error
	f.Frames = append(f.Frames, final)
	f.Observed += "; answered 482"
	return true
}
