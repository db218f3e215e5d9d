package findings

import (
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/sdp"
)

// wireRules are about what carries messages: RFC 3261, section 18.
var wireRules = []*Rule{udpTooBig, streamLength, transportError}

// maxDatagram is the size over which a request has to go over a transport that knows
// congestion, where the MTU of the path is not known: RFC 3261, section 18.1.1.
const maxDatagram = 1300

var udpTooBig = &Rule{
	ID: "udp-too-big", RFC: "RFC 3261 18.1.1", Severity: "note / warning / error",
	Title: "a message too large for UDP",
	Doc: `A request of more than 1300 octets over UDP that is answered, or needs no answer, is a note. A message that came in several IP fragments is a
warning. It is an error where later fragments are missing and no answer came, or where a request of more than 1300 octets was never answered although
smaller ones from the same host to the same host were; of one that was sent once it is only possible if the capture lacks so many packets that its answer may be among them. Of a message of which the snap length cut something nothing is said, in however
many fragments it came, nor of later fragments that could still come when the capture ended, 500 ms after the others.`,
	Why: "Fragments are dropped by many firewalls, NATs and load balancers: large requests vanish while small ones work.",
	Fix: "Use TCP for large requests, or make them smaller: fewer codecs, no unneeded header fields, compact names.",

	needs: newToBooks, counts: overUDP, asks: oddSize | newSmall,
	state: func() state { return &sizeState{bundles: bundles{least: 2}} },
}

type sizeState struct {
	wait []Finding // of large requests that were not answered; at most maxOfRule
	bundles
}

func (s *sizeState) leg(r *legRun) {
	var best Finding
	fragmented, whole := 0, false // whether one of them is
	var answered uint64           // ways of the first hops on which a request was
	for i := range r.Messages {
		m := &r.Messages[i]
		if m.Transport != "UDP" {
			continue
		}
		r.applies()
		large := m.Request && m.Size > maxDatagram
		if !m.Fragmented && m.Lost != analysis.LostFragments && !large {
			way := uint64(1) << (2*m.Hop + toInt(m.Forward)) // 0 beyond the first 32
			if m.Request && answered&way == 0 && m.Transaction >= 0 && m.Method != "ACK" {
				if t := &r.Transactions[m.Transaction]; t.Status != 0 || !t.Provisional.IsZero() {
					r.c.pairs.isNew(hostsOf(m.Source, m.Destination), pairSmall)
					answered |= way
				}
			}
			continue
		}
		if cameInFragments(m.Fragmented, m.Lost) {
			fragmented++
			whole = whole || m.Lost != analysis.LostFragments
		}
		if m.Resent.Number == 0 && best.Severity < Error {
			if f := r.sizeOf(i); f.Severity > best.Severity {
				best = f
			}
		}
	}
	best.lacking = best.lacking && (best.Severity == Error || !whole)
	switch {
	case best.Severity == 0:
		return
	case best.gate != nil:
		if len(s.wait) < maxOfRule {
			best.CallID, best.leg = r.Leg.CallID, legNo(r.Leg)
			s.wait = append(s.wait, best)
		}
		return
	case best.Severity == Warning && fragmented > 1:
		best.Observed += fmt.Sprintf("; %d messages of the call came in fragments", fragmented)
	}
	r.report(best)
}

// A largeRequest is a request that is too large for UDP.
type largeRequest struct {
	frame  analysis.Frame
	method string
	size   int
}

// note returns the finding about a large request that is answered, or needs no answer.
//
//go:noinline
func (x *largeRequest) note() Finding {
	return Finding{
		Severity: Note, Frames: []analysis.Frame{x.frame}, Expected: "TCP for requests over 1300 octets",
		Observed: fmt.Sprintf("%s of %d octets over UDP", x.method, x.size),
	}
}

// learn takes in a leg whose messages came whole, in one datagram each, and whose large requests were answered.
func (s *sizeState) learn(r *legRun) {
	if r.traits&overUDP == 0 {
		return
	}
	if x := r.glance.more; x != nil && x.largest.size > 0 {
		r.report(x.largest.note())
	}
	for i := range r.Transactions {
		if t := &r.Transactions[i]; r.glance.large&(1<<i) == 0 && t.Requests > 0 && t.Method != "ACK" && (t.Status != 0 || !t.Provisional.IsZero()) {
			src, dst := r.ends(t)
			r.c.pairs.isNew(hostsOf(src, dst), pairSmall)
		}
	}
}

// sizeOf applies udp-too-big to a message. A finding with a gate is one only if smaller
// requests are answered.
func (r *legRun) sizeOf(i int) Finding {
	m := &r.Messages[i]
	f := Finding{Frames: r.frames(i), Expected: "TCP for requests over 1300 octets"}
	what := m.Method
	if !m.Request {
		what = fmt.Sprintf("%d to %s", m.Status, m.Method)
	}
	var t *analysis.Transaction
	if m.Transaction >= 0 {
		t = &r.Transactions[m.Transaction]
	}
	silent := m.Request && m.Method != "ACK" && t != nil && t.Status == 0 && t.Provisional.IsZero() && !r.answeredElsewhere(m.Transaction)
	switch {
	case m.Lost == analysis.LostAwaited:
		return Finding{}
	case m.Lost == analysis.LostFragments && (silent || !m.Request && t != nil && t.Finals > 1 && !t.Acked):
		f.loseFragments(what, m.Destination)
		switch {
		case !ofInitialINVITE(m):
		case silent:
			f.end = unreached
		case t.Status/100 == 2 && givesUp(r.Leg, t):
			f.end = cutOff
		}
		if f.end != 0 {
			f.Because = "later IP fragments of the " + what + " are missing"
		}
		if silent {
			f.Frames = r.requestFrames(m.Transaction)
		} else {
			f.Frames = r.finalFrames(m.Transaction)
		}
	case silent && m.Size > maxDatagram && !m.Partial:
		f.Severity, f.gate, f.Frames = Error, r.silence(m.Transaction), r.requestFrames(m.Transaction)
		if r.wasHeard(m.Transaction, r.Now) {
			f.gate.misses = 1
		}
		f.Observed = fmt.Sprintf("%s of %d octets to %s is not answered, smaller requests are", what, m.Size, endpoint(m.Destination))
		if ofInitialINVITE(m) {
			f.Because, f.end = fmt.Sprintf("the %s of %d octets over UDP did not get through", what, m.Size), unreached
		}
	case cameInFragments(m.Fragmented, m.Lost):
		f.Severity, f.lacking = Warning, m.Lost == analysis.LostFragments
		f.Observed = inFragments(what, m.Size, f.lacking)
	case m.Size > maxDatagram && !m.Fragmented:
		f = (&largeRequest{m.Frame, what, m.Size}).note()
	}
	return f
}

// loseFragments makes f tell of a message whose later fragments were lost on the way to a host.
func (f *Finding) loseFragments(what string, to netip.AddrPort) {
	f.Severity, f.lacking = Error, true
	f.Observed = fmt.Sprintf("%s to %s: later IP fragments are missing, and nothing came back", what, endpoint(to))
	f.Expected = "all fragments, or TCP"
	f.NextStep = "Let IP fragments pass on the way to " + to.Addr().String() + " (firewalls, NAT and load balancers drop them), make the message smaller, or use TCP."
}

// inFragments says that a message came in IP fragments, or that only some of these are there, so that its size is not known.
func inFragments(what string, size int, lacking bool) string {
	if lacking {
		return what + " was sent in IP fragments of which later ones are not in the capture"
	}
	return fmt.Sprintf("%s of %d octets came in IP fragments", what, size)
}

// cameInFragments reports whether a message came in IP fragments and was captured so: one that the snap length cut, or the end of the
// capture, proves nothing.
func cameInFragments(fragmented bool, lost analysis.Loss) bool {
	return fragmented && lost == analysis.NoLoss || lost == analysis.LostFragments
}

func (s *sizeState) exchange(r *exchangeRun) {
	e := r.Exchange
	if e.Transport != "UDP" {
		return
	}
	answered := e.Status != 0 || e.Provisional != 0
	whole := !e.Fragmented && !e.AnswerFragmented && e.Lost != analysis.LostFragments && e.AnswerLost != analysis.LostFragments
	if whole && e.Size <= maxDatagram {
		if answered {
			r.c.pairs.isNew(hostsOf(e.Source, e.Destination), pairSmall)
		}
		return
	}
	f := Finding{Frames: []analysis.Frame{e.SentFrame}, CallID: e.CallID, AOR: e.AOR, Expected: "TCP for requests over 1300 octets"}
	switch {
	case e.Lost == analysis.LostFragments && !answered && (e.Waited || e.Requests > 1):
		f.loseFragments(e.Method, e.Destination)
	case cameInFragments(e.Fragmented, e.Lost):
		f.Severity, f.lacking = Warning, e.Lost == analysis.LostFragments
		f.Observed = inFragments(e.Method, e.Size, f.lacking)
	case cameInFragments(e.AnswerFragmented, e.AnswerLost):
		f.Severity, f.Frames, f.lacking = Warning, []analysis.Frame{e.FinalFrame}, e.AnswerLost == analysis.LostFragments
		f.Observed = fmt.Sprintf("%d to %s came in IP fragments", e.Status, e.Method)
		if f.lacking {
			f.Observed = inFragments(fmt.Sprintf("%d to %s", e.Status, e.Method), 0, true)
		}
	case answered && e.Size > maxDatagram && !e.Fragmented:
		f.Severity = Note
		f.Observed = fmt.Sprintf("%s of %d octets over UDP", e.Method, e.Size)
	case e.Waited && !answered && !e.Partial:
		f.Severity = Error
		f.Observed = fmt.Sprintf("%s of %d octets to %s is not answered, smaller requests are", e.Method, e.Size, endpoint(e.Destination))
		f.gate = waitFor(e.Source, e.Destination, e.Sent, e.Transport)
		f.gate.misses = toInt(e.Requests == 1)
		if len(s.wait) < maxOfRule {
			s.wait = append(s.wait, f)
		}
		return
	default:
		return
	}
	s.add(pairKey(e)+f.Severity.String(), f)
}

func (s *sizeState) end(r *captureRun) {
	for _, f := range s.wait {
		if !r.c.pairs.has(hostPair{f.gate.self, f.gate.peer}, pairSmall) {
			continue
		}
		if f.leg != 0 {
			r.reportOf(f.leg, f.CallID, f)
		} else {
			r.report(f)
		}
	}
	s.report(r, "requests")
}

var streamLength = &Rule{
	ID: "stream-length", RFC: "RFC 3261 18.3, 20.14", Severity: "warning / note",
	Title: "a message without a right Content-Length",
	Doc: `A message on a TCP connection has no Content-Length; or one that is larger than what comes before the next message; or octets that belong to no message
stand between it and the next one, with nothing of the stream missing. Where the stream ends before the message does, it is only possible: the rest may not have been
captured. So it is where the last message that the capture has of a stream has no Content-Length: nobody had to know where it ends. Or a datagram of UDP, captured as a whole, ends before its Content-Length does: a note, unless it is a request that is refused with 400 or not answered. Once for each sender of a call.`,
	Why: "On a stream only Content-Length says where a message ends: the next one is swallowed, or read from its middle, and the connection is of no use any more. A datagram that is too short has to be refused with 400.",
	Fix: "Correct the sender; if something between changes bodies (an ALG, a header manipulation), make it change Content-Length with them.",

	needs: lengthOdd, counts: overTCP, asks: oddLength,
	state: func() state {
		return &lengthState{skips: make(map[analysis.Frame]*analysis.Event), bundles: bundles{least: 2}}
	},
}

type lengthState struct {
	skips map[analysis.Frame]*analysis.Event // by the message before the octets
	next  int                                // of the Collector's events
	wait  []unmeasured                       // messages without Content-Length; at most maxOfRule …
	lost  int                                // … and how many more there are
	bundles
}

// An unmeasured is a finding about a message without Content-Length. Whether that was the last one of its stream shows later.
type unmeasured struct {
	f   Finding
	key string // of its bundle
}

// take takes in the events that came since.
func (s *lengthState) take(c *Collector) {
	for ; s.next < len(c.events); s.next++ {
		if e := &c.events[s.next]; e.Kind == analysis.StreamSkipped {
			s.skips[e.After] = e
		}
	}
}

func (s *lengthState) leg(r *legRun) {
	if r.Leg.Transport == "UDP" && len(r.Leg.Hops) == 1 && r.traits&lengthOdd == 0 {
		return
	}
	s.take(r.c)
	told := netip.Addr{}
	for i := range r.Messages {
		m := &r.Messages[i]
		if m.Transport != "TCP" {
			if m.Length == analysis.LengthLong && m.Source.Addr() != told {
				told = m.Source.Addr()
				r.report(r.shortOf(i))
			}
			continue
		}
		r.applies()
		if m.Source.Addr() == told {
			continue
		}
		if f, ok := s.of(m.Frame, m.Source, m.Length, m.Lost); ok {
			if told = m.Source.Addr(); m.Length == analysis.LengthMissing {
				f.CallID, f.leg = r.Leg.CallID, legNo(r.Leg)
				s.hold(f, "")
			} else {
				r.report(f)
			}
		}
	}
}

// hold keeps a finding about a message without Content-Length.
//
//go:noinline
func (s *lengthState) hold(f Finding, key string) {
	if len(s.wait) == maxOfRule {
		s.lost++
		return
	}
	s.wait = append(s.wait, unmeasured{f, key})
}

// shortOf begins the finding that a datagram ends before its Content-Length does.
func (r *legRun) shortOf(i int) Finding {
	m := &r.Messages[i]
	f := shortDatagramOf(m.Frame, m.Source)
	if m.Request && m.Transaction >= 0 && r.Transactions[m.Transaction].Provisional.IsZero() {
		switch t := &r.Transactions[m.Transaction]; t.Status {
		case 400:
			f.Because, f.end, f.refusal = "its Content-Length is larger than its body", turnedDown, t.Status
			f.Severity, f.Frames = Warning, append(f.Frames, t.FinalFrame)
		case 0:
			if m.Method != "ACK" {
				f.Severity, f.Confidence, f.gate = Warning, Likely, r.silence(m.Transaction)
			}
		}
	}
	return f
}

// shortDatagramOf begins the finding about a datagram.
func shortDatagramOf(frame analysis.Frame, source netip.AddrPort) Finding {
	return Finding{
		Severity: Note, Frames: []analysis.Frame{frame}, Expected: "a Content-Length that is the length of the body",
		Observed: fmt.Sprintf("a datagram of %s ends before its Content-Length does", endpoint(source)),
	}
}

func (s *lengthState) exchange(r *exchangeRun) {
	e := r.Exchange
	if e.Transport == "UDP" && e.Length == analysis.LengthLong {
		f := shortDatagramOf(e.SentFrame, e.Source)
		if f.CallID, f.AOR = e.CallID, e.AOR; e.Status == 400 {
			f.Severity, f.Frames = Warning, append(f.Frames, e.FinalFrame)
		}
		s.add(pairKey(e)+e.Transport, f)
	}
	if e.Transport != "TCP" {
		return
	}
	s.take(r.c)
	f, ok := s.of(e.SentFrame, e.Source, e.Length, e.Lost)
	missing := e.Length == analysis.LengthMissing
	if !ok && e.Status != 0 {
		f, ok = s.of(e.FinalFrame, e.Destination, e.AnswerLength, e.AnswerLost)
		missing = e.AnswerLength == analysis.LengthMissing
	}
	f.CallID, f.AOR = e.CallID, e.AOR
	switch {
	case ok && missing:
		s.hold(f, pairKey(e))
	case ok:
		s.add(pairKey(e)+f.Confidence.String(), f)
	}
}

func (s *lengthState) end(r *captureRun) {
	r.c.count[r.rule.ID].leftOut[Warning] += s.lost
	for i := range s.wait {
		f := &s.wait[i].f
		if !r.c.goesOn[f.Frames[0]] {
			f.Confidence = Possible
			f.Observed += ", and is the last one of its stream"
		}
		if f.leg != 0 {
			r.reportOf(f.leg, f.CallID, *f)
		} else {
			s.add(s.wait[i].key+f.Confidence.String(), *f)
		}
	}
	s.report(r, "messages")
}

// of applies stream-length to a message.
func (s *lengthState) of(frame analysis.Frame, source netip.AddrPort, length analysis.Length, lost analysis.Loss) (f Finding, ok bool) {
	f = Finding{Severity: Warning, Frames: []analysis.Frame{frame}, Expected: "a Content-Length that is the length of the body"}
	skip := s.skips[frame]
	switch {
	case length == analysis.LengthMissing:
		f.Observed = fmt.Sprintf("a message of %s on a TCP connection has no Content-Length", endpoint(source))
	case length == analysis.LengthLong && lost == analysis.NoLoss:
		f.Observed = fmt.Sprintf("the Content-Length of a message of %s reaches into the next one", endpoint(source))
	case length == analysis.LengthLong && lost == analysis.LostEnd:
		f.Confidence = Possible
		f.Observed = fmt.Sprintf("the stream of %s ends before the body of its last message does", endpoint(source))
	case skip != nil && skip.Src == source && lost == analysis.NoLoss:
		f.Frames = append(f.Frames, skip.Frame)
		f.Observed = fmt.Sprintf("%d octets between a message of %s and the next one belong to neither: its Content-Length is too small", skip.Octets, endpoint(source))
	default:
		return f, false
	}
	return f, true
}

var transportError = &Rule{
	ID: "transport-error", RFC: "RFC 3261 18.4, 8.1.3.1", Severity: "error / note",
	Title: "a message or media cannot be delivered",
	Doc: `An ICMP error quotes a SIP message, or a packet to an address and port that a session description of the call asked for media at, while the call was up;
a TCP connection was reset while a request on it had no final response (likely, and proved by the reset alone, where octets of the request are not in the capture); a SYN to a port of SIP was answered with a reset; a TLS handshake on a port of SIP ended with
a fatal alert. The endpoint named is the one that could not be reached, not the one that reported it. If the request was answered all the same, or the
call was through another way, it is a note, and so are fewer than three ICMP errors about media at the beginning of a call, or any at its end, where sockets open late
and close early: all of them come within 2 s of the answer or of a later session description, or less than 500 ms ahead of the BYE (of three and more the first is nearer to it than to those).`,
	Why: "Nobody listens there, or a router or firewall on the way refuses: sending again does not help.",
	Fix: "Check that the program runs and listens on that address, port and transport, and that firewalls let it through.",

	needs: newToBooks, counts: everyLeg, asks: troubled,
	state: func() state {
		return &errorState{byCall: make(map[string][]int), byFlow: make(map[flow][]int), byEnd: make(map[netip.AddrPort][]int), bundles: bundles{least: 2}}
	},
}

// A flow is a directed pair of addresses with ports.
type flow struct{ src, dst netip.AddrPort }

// errorDelay is how long behind a packet an ICMP error about it may come.
const errorDelay = 5 * time.Second

type errorState struct {
	byCall map[string][]int         // events that quote a message of that Call-ID
	byFlow map[flow][]int           // other events about a flow
	byEnd  map[netip.AddrPort][]int // ICMP errors that quote no SIP, by where the packet went to
	told   []bool                   // by event
	bundles
}

// take takes in the events that came since.
func (s *errorState) take(c *Collector) {
	for i := len(s.told); i < len(c.events); i++ {
		e := &c.events[i]
		s.told = append(s.told, false)
		switch {
		case e.Kind == analysis.ICMPError && e.CallID != "":
			s.byCall[e.CallID] = append(s.byCall[e.CallID], i)
		case e.Kind == analysis.ICMPError:
			s.byFlow[flow{e.Src, e.Dst}] = append(s.byFlow[flow{e.Src, e.Dst}], i)
			s.byEnd[e.Dst] = append(s.byEnd[e.Dst], i)
		case e.Kind == analysis.TCPReset:
			s.byFlow[flow{e.Src, e.Dst}] = append(s.byFlow[flow{e.Src, e.Dst}], i)
		}
	}
}

// mayMeet reports whether an event may be about a leg, as far as is known without its messages.
func (s *errorState) mayMeet(c *Collector, l *analysis.Leg) bool {
	s.take(c)
	return len(s.byFlow) > 0 || len(s.byEnd) > 0 || len(s.byCall) > 0 && len(s.byCall[l.CallID]) > 0
}

// anyTold reports whether an event came.
func (s *errorState) anyTold(c *Collector) bool {
	s.take(c)
	return len(s.told) > 0
}

// A trouble is the events about one endpoint that a leg or an exchange met.
type trouble struct {
	end     netip.AddrPort
	kind    analysis.EventKind
	media   bool
	few     bool // of media: they do not say that nothing got there
	more    bool // there may be more of them
	events  []int
	first   analysis.Frame // of the message that the first one is about …
	method  string         // … its method, "" where that is not known …
	status  int            // … and status code, 0 of a request
	handled bool
	invites bool // it is of an INVITE that begins a call
	gate    *gate
	others  []string // what names the others
}

// what names that message.
func (x *trouble) what() string {
	switch {
	case x.media:
		return "media"
	case x.method == "":
		return "a packet"
	case x.status != 0:
		return fmt.Sprintf("%d to %s", x.status, x.method)
	}
	return x.method
}

// whats names all of them.
func (x *trouble) whats() string {
	all := x.what()
	for _, name := range x.others {
		if name != x.what() {
			all += ", " + name
		}
	}
	return all
}

// merge takes in another trouble with the endpoint. It is about what was not answered, if anything was not.
func (x *trouble) merge(y *trouble) {
	if slices.Contains(x.events, y.events[0]) {
		return
	}
	for _, name := range [2]string{x.what(), y.what()} {
		if len(x.others) < maxSiteProofs && !slices.Contains(x.others, name) {
			x.others = append(x.others, name)
		}
	}
	if x.handled && !y.handled {
		y.events, y.others = append(y.events, x.events...), x.others
		*x = *y
		return
	}
	x.events = append(x.events, y.events...)
}

// Sockets for media open late and close early: single errors so near to the answer, or any to the BYE, are no fault.
const (
	opening = 2 * time.Second
	closing = 500 * time.Millisecond
)

func (s *errorState) leg(r *legRun) {
	s.take(r.c)
	r.applies()
	if len(s.told) == 0 {
		return
	}
	var list []trouble
	for _, i := range s.within(r.c, s.byCall[r.Leg.CallID], r.Leg.Begin, r.Leg.Last.Add(timeout)) {
		if e := &r.c.events[i]; !e.Time.Before(r.Leg.Begin) && e.Time.Sub(r.Leg.Last) < timeout && !s.told[i] {
			list = r.meet(list, i, r.quoted(e))
		}
	}
	if len(s.byFlow) > 0 {
		for j := range r.Messages {
			m := &r.Messages[j]
			until := m.Time.Add(timerC + timeout)
			for _, i := range s.within(r.c, s.byFlow[flow{m.Source, m.Destination}], m.Time, until) {
				if e := &r.c.events[i]; e.Kind == analysis.ICMPError && s.near(i, e, m.Time) {
					list = r.meet(list, i, j)
				} else if e.Kind == analysis.TCPReset && r.pendingAt(j, e.Time) && !s.told[i] {
					list = r.meet(list, i, j)
				}
			}
			for _, i := range s.within(r.c, s.byFlow[flow{m.Destination, m.Source}], m.Time, until) {
				if e := &r.c.events[i]; e.Kind == analysis.TCPReset && r.pendingAt(j, e.Time) && !s.told[i] {
					list = r.meet(list, i, j)
				}
			}
		}
	}
	if len(s.byEnd) > 0 && !r.Leg.Answered.IsZero() {
		list = s.media(r, list)
	}
	for i := range list {
		for _, n := range list[i].events {
			s.told[n] = true
		}
		r.report(r.troubleFinding(&list[i]))
	}
}

// maxNear bounds the events looked at for one message, and of media those that are told already.
const maxNear = 64

// from returns those of a list of events, which are in order of time, that do not come before a time.
func (s *errorState) from(c *Collector, list []int, from time.Time) []int {
	i, _ := slices.BinarySearchFunc(list, from, func(n int, t time.Time) int { return c.events[n].Time.Compare(t) })
	return list[i:]
}

// within returns those of a list of events that lie in a time, maxNear at most.
func (s *errorState) within(c *Collector, list []int, from, to time.Time) []int {
	list = s.from(c, list, from)
	for i, n := range list {
		if i == maxNear || c.events[n].Time.After(to) {
			return list[:i]
		}
	}
	return list
}

// near reports whether an ICMP error that is not told yet may be about a packet sent at a time.
func (s *errorState) near(i int, e *analysis.Event, sent time.Time) bool {
	d := e.Time.Sub(sent)
	return !s.told[i] && d >= 0 && d < errorDelay
}

// quoted returns the message that an ICMP error quotes, -1 for none.
func (r *legRun) quoted(e *analysis.Event) int {
	best := -1
	for j := range r.Messages {
		m := &r.Messages[j]
		if m.Source == e.Src && m.Destination == e.Dst && m.Method == e.Method && m.Status == e.Status && !m.Time.After(e.Time) {
			best = j
		}
	}
	return best
}

// pendingAt reports whether message j is of a request that went out before a time and had no
// final response then, nor was given up.
func (r *legRun) pendingAt(j int, at time.Time) bool {
	m := &r.Messages[j]
	if m.Transaction < 0 || m.Method == "ACK" {
		return false
	}
	t, wait := &r.Transactions[m.Transaction], timeout
	if t.Method == "INVITE" {
		wait += timerC
	}
	return t.Requests > 0 && t.Sent.Before(at) && (t.Status == 0 && !t.Acked || t.Answered.After(at)) && at.Sub(t.Sent) < wait
}

// meet adds an event that is about message j, -1 if that was not captured.
func (r *legRun) meet(list []trouble, i, j int) []trouble {
	e := &r.c.events[i]
	end := e.Dst
	if e.Kind == analysis.TCPReset { // of its two ends the one that was to answer
		if q := r.requestOf(r.Messages[j].Transaction); q >= 0 {
			j = q
		}
		end = r.Messages[j].Destination
		if !r.Messages[j].Request {
			end = r.Messages[j].Source
		}
	}
	x := trouble{end: end, kind: e.Kind, events: []int{i}, method: e.Method, status: e.Status}
	if j >= 0 {
		m := &r.Messages[j]
		x.first, x.method, x.status = m.Frame, m.Method, m.Status
		if e.Kind == analysis.TCPReset && m.Lost == analysis.LostSegments { // it proves nothing; the reset does
			x.first = analysis.Frame{}
		}
		if m.Transaction >= 0 && m.Request {
			t := &r.Transactions[m.Transaction]
			x.handled = t.Status != 0 && t.Answered.After(e.Time) || !r.Leg.Answered.IsZero() && (m.Method == "CANCEL" || ofInitialINVITE(m) && m.Method == "INVITE")
			if e.Kind == analysis.TCPReset && t.Status == 0 {
				x.gate = r.stillOpen(m.Transaction, e.Time)
			}
		}
		x.invites = ofInitialINVITE(m) && (m.Request || e.Kind == analysis.TCPReset)
	}
	for k := range list {
		if y := &list[k]; y.end == end && y.kind == e.Kind && !y.media {
			y.merge(&x)
			return list
		}
	}
	return append(list, x)
}

// media adds the ICMP errors about media that a leg asked for.
func (s *errorState) media(r *legRun, list []trouble) []trouble {
	var ends []netip.AddrPort
	judged := 0
	for i := range r.Messages {
		if m := &r.Messages[i]; m.Partial || m.Size < minSDP {
			continue
		}
		if judged++; judged > maxJudged {
			break
		}
		for g := range sdp.Glance(sdpOf(r.Message(i))) {
			end := netip.AddrPortFrom(g.Addr, g.Port)
			if g.Port == 0 || s.byEnd[end] == nil || len(ends) == maxJudged || slices.Contains(ends, end) {
				continue
			}
			ends = append(ends, end)
			x := trouble{end: end, media: true, first: r.Messages[i].Frame}
			told := 0 // of other calls
			for _, n := range s.from(r.c, s.byEnd[end], r.Leg.Answered) {
				at := r.c.events[n].Time
				if x.more = told == maxNear; x.more || at.After(r.Leg.Last.Add(timeout)) || !r.Leg.Ended.IsZero() && !at.Before(r.Leg.Ended) {
					break
				}
				if s.told[n] {
					told++
				} else { // which is told with these: it is looked at once
					x.events = append(x.events, n)
				}
			}
			if x.few = len(x.events) < 3; x.few {
				x.handled = !slices.ContainsFunc(x.events, func(n int) bool { return r.amid(r.c.events[n].Time) })
			} else if at := r.c.events[x.events[0]].Time; !r.Leg.Ended.IsZero() {
				x.few = r.Leg.Ended.Sub(at) <= min(closing, at.Sub(r.mediaSince(at)))
				x.handled = x.few
			}
			if len(x.events) > 0 {
				list = append(list, x)
			}
		}
	}
	return list
}

// mediaSince returns when an answered call began, or its media moved the last time, before a time.
func (r *legRun) mediaSince(at time.Time) time.Time {
	since := r.Leg.Answered
	for i := range r.Messages {
		if m := &r.Messages[i]; m.SDP && m.Time.After(since) && m.Time.Before(at) {
			since = m.Time
		}
	}
	return since
}

// amid reports whether a time is neither near to the beginning of an answered call, or to when media moved, nor to its end.
func (r *legRun) amid(at time.Time) bool {
	return at.Sub(r.mediaSince(at)) > opening && (r.Leg.Ended.IsZero() || r.Leg.Ended.Sub(at) > closing)
}

// troubleFinding returns the finding about what is said of one endpoint.
func (r *run) troubleFinding(x *trouble) Finding {
	e := &r.c.events[x.events[0]]
	f := Finding{Severity: Error, Expected: "something that listens at " + endpoint(x.end), gate: x.gate}
	if isOnTheWay(e) {
		f.Expected = "a way to " + endpoint(x.end)
		f.NextStep = "Look at the way that packets take there: where they run in a circle, are too large, or are turned away."
	}
	if x.first.Number != 0 {
		f.Frames = append(f.Frames, x.first)
	}
	for _, i := range x.events[:min(len(x.events), maxSiteProofs)] {
		f.Frames = append(f.Frames, r.c.events[i].Frame)
	}
	switch x.kind {
	case analysis.TCPReset:
		f.Observed = fmt.Sprintf("the TCP connection to %s was reset by %s while %s had no final response", endpoint(x.end), endpoint(e.Src), x.what())
		f.Expected = "a final response before the connection ends"
		f.Because, f.end = "the connection to "+endpoint(x.end)+" was reset", unreached
		if x.first.Number == 0 {
			f.Confidence = Likely
		}
	default:
		f.Observed = fmt.Sprintf("%s: %s to %s", icmpName(e), x.whats(), endpoint(x.end))
		if n := len(x.events); n > 1 {
			least := ""
			if x.more || n >= maxNear && !x.media || len(r.c.events) == maxEvents {
				least = "at least "
			}
			f.Observed += fmt.Sprintf(" (%s%d times)", least, n)
		}
		if e.Reporter != x.end.Addr() {
			f.Observed += ", reported by " + e.Reporter.Unmap().String()
		}
		f.Because, f.end = fmt.Sprintf("%s cannot be reached (%s)", endpoint(x.end), icmpName(e)), unreached
	}
	if f.to = x.end.Addr(); x.media {
		f.to = netip.Addr{}
	}
	if f.covers = "slow-setup"; !x.invites {
		if f.end, f.covers = goesOn, ""; x.status != 0 {
			f.end = openOnly
		}
	}
	if x.media {
		f.Confidence, f.covers = Likely, "late-or-cut-media"
		f.Because, f.end = fmt.Sprintf("its media did not get to %s (%s)", endpoint(x.end), icmpName(e)), goesOn
		if x.few {
			f.Because = ""
		}
	}
	if x.handled {
		f.Severity, f.Because = Note, ""
		if !x.media {
			f.Observed += "; it was answered all the same"
		}
	}
	return f
}

func (s *errorState) exchange(r *exchangeRun) {
	s.take(r.c)
	e := r.Exchange
	if len(s.told) == 0 {
		return
	}
	x := trouble{end: e.Destination, first: e.SentFrame, method: e.Method}
	take := func(i int) {
		if !s.told[i] {
			s.told[i] = true
			x.kind = r.c.events[i].Kind
			x.events = append(x.events, i)
		}
	}
	for _, i := range s.within(r.c, s.byCall[e.CallID], e.Sent, e.LastSent.Add(timeout)) {
		v := &r.c.events[i]
		switch {
		case v.Method != e.Method || v.Time.Before(e.Sent) || v.Time.Sub(e.LastSent) > timeout:
		case v.Src == e.Source && v.Dst == e.Destination:
			take(i)
			x.handled = e.Status != 0
		case v.Status != 0 && v.Src.Addr() == e.Destination.Addr() && v.Dst.Addr() == e.Source.Addr():
			take(i)
			x.end, x.first, x.status = v.Dst, e.FinalFrame, v.Status
		}
	}
	for _, i := range s.within(r.c, s.byFlow[flow{e.Source, e.Destination}], e.Sent, e.LastSent.Add(timeout)) {
		v := &r.c.events[i]
		if v.Kind == analysis.ICMPError && v.Time.Sub(e.LastSent) < errorDelay && !v.Time.Before(e.Sent) || broken(e, v) {
			take(i)
			x.handled = e.Status != 0
		}
	}
	for _, i := range s.within(r.c, s.byFlow[flow{e.Destination, e.Source}], e.Sent, e.LastSent.Add(timeout)) {
		if v := &r.c.events[i]; broken(e, v) {
			take(i)
		}
	}
	if len(x.events) == 0 {
		return
	}
	if x.kind == analysis.TCPReset && e.Lost == analysis.LostSegments { // it proves nothing; the reset does
		x.first = analysis.Frame{}
	}
	if x.kind == analysis.TCPReset && e.Status == 0 { // the response may not be in the capture
		x.gate = waitFor(e.Source, e.Destination, e.Sent, e.Transport)
		x.gate.wait, x.gate.misses = r.c.events[x.events[0]].Time.Sub(e.Sent), 1
	}
	f := r.troubleFinding(&x)
	f.CallID, f.AOR = e.CallID, e.AOR
	s.add(endpoint(x.end)+f.Severity.String(), f)
}

// broken reports whether an event is the reset of the connection of a request that had no
// final response then.
func broken(e *analysis.Exchange, v *analysis.Event) bool {
	return v.Kind == analysis.TCPReset && e.Sent.Before(v.Time) && v.Time.Sub(e.Sent) < timeout && (e.Status == 0 || e.Answered.After(v.Time))
}

// end tells what belongs to no message that was captured.
func (s *errorState) end(r *captureRun) {
	s.take(r.c)
	for i := range r.c.events {
		e := &r.c.events[i]
		if s.told[i] {
			continue
		}
		switch e.Kind {
		case analysis.ICMPError:
			if e.Method != "" || isSIPPort(e.Dst) {
				s.add(endpoint(e.Dst)+"error", r.troubleFinding(&trouble{end: e.Dst, events: []int{i}, method: e.Method, status: e.Status}))
			}
		case analysis.TCPRefused:
			s.add(endpoint(e.Src)+"refused", Finding{
				Severity: Error, Frames: []analysis.Frame{e.Frame},
				Observed: fmt.Sprintf("%s refuses TCP connections; %s tried", endpoint(e.Src), endpoint(e.Dst)),
				Expected: "something that listens at " + endpoint(e.Src),
			})
		case analysis.TLSAlert:
			s.add(endpoint(e.Src)+"tls", Finding{
				Severity: Error, Frames: []analysis.Frame{e.Frame},
				Observed: fmt.Sprintf("%s ends the TLS handshake with %s with the fatal alert %s", endpoint(e.Src), endpoint(e.Dst), alertName(e.Code)),
				Expected: "a TLS handshake that succeeds",
				NextStep: "Compare certificates, names, TLS versions and ciphers of both sides: the alert says which of them.",
			})
		}
	}
	s.report(r, "times")
	r.takenOver(false)
}

// isOnTheWay reports whether an ICMP error says that a packet did not get as far as the host that it was for: there is no route, it was
// filtered, too large, or its time exceeded.
func isOnTheWay(e *analysis.Event) bool {
	if e.Kind != analysis.ICMPError {
		return false
	}
	if e.IPv6 {
		return e.Type != 1 || e.Code < 3
	}
	return e.Type != 3 || e.Code == 0 || e.Code > 3
}

func isSIPPort(a netip.AddrPort) bool { return a.Port() == 5060 || a.Port() == 5061 }

// icmpName names an ICMP error: RFC 792, 1812 and 4443.
func icmpName(e *analysis.Event) string {
	kind := int(e.Type)<<8 | int(e.Code)
	if e.IPv6 {
		kind |= 6 << 16
	}
	name := ""
	switch kind {
	case 0x300:
		name = "network unreachable"
	case 0x301:
		name = "host unreachable"
	case 0x302:
		name = "protocol unreachable"
	case 0x303, 0x60104:
		name = "port unreachable"
	case 0x304, 0x60200:
		name = "packet too large for the path"
	case 0x309:
		name = "network prohibited"
	case 0x30a:
		name = "host prohibited"
	case 0x30d, 0x60101:
		name = "filtered by an administrator"
	case 0xb00:
		name = "time to live exceeded"
	case 0xb01, 0x60301:
		name = "fragments missing at the receiver"
	case 0x60100:
		name = "no route"
	case 0x60103:
		name = "address unreachable"
	case 0x60300:
		name = "hop limit exceeded"
	default:
		return fmt.Sprintf("ICMP type %d code %d", e.Type, e.Code)
	}
	return "ICMP " + name
}

// alertName names a TLS alert: RFC 8446, section 6.2.
func alertName(code uint8) string {
	switch code {
	case 40:
		return "handshake_failure"
	case 42:
		return "bad_certificate"
	case 43:
		return "unsupported_certificate"
	case 44:
		return "certificate_revoked"
	case 45:
		return "certificate_expired"
	case 46:
		return "certificate_unknown"
	case 48:
		return "unknown_ca"
	case 70:
		return "protocol_version"
	case 71:
		return "insufficient_security"
	case 112:
		return "unrecognized_name"
	case 116:
		return "certificate_required"
	}
	return fmt.Sprintf("%d", code)
}

// ofInitialINVITE reports whether a message is of an INVITE that begins a call: that, a response, or the ACK.
func ofInitialINVITE(m *analysis.Seen) bool {
	return m.Transaction >= 0 && m.Initial && (m.Method == "INVITE" || m.Method == "ACK")
}
