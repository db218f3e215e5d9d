package findings

import (
	"bytes"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/sdp"
	"github.com/sipsight/sipsight/sipmsg"
)

// routeRules are about where requests, responses and media are told to go, and where they
// go: RFC 3261, sections 12 and 18; RFC 3581.
var routeRules = []*Rule{ackMisrouted, routeBypass, viaNAT, contactPrivate, sdpPrivate}

const (
	// maxJudged bounds the messages of a leg that one rule looks at closely, each with a
	// look at all others. A call in earnest has a dozen.
	maxJudged = 64

	// maxRouteSet bounds the Routes and Record-Routes looked at: Max-Forwards lets no
	// request pass more than 70 proxies.
	maxRouteSet = 70
)

var ackMisrouted = &Rule{
	ID: "ack-misrouted", RFC: "RFC 3261 12.2.1.1, 13.2.2.4", Severity: "error",
	Title: "an ACK that goes to the wrong address",
	Doc: `The caller's ACK to a 2xx goes to another IP address than the last Record-Route of that 2xx, or, where it has none, than its Contact; of a later INVITE, whose 2xx is repeated and has none, than the first Route of the dialog. Only
addresses are compared, never names. An ACK to where the 2xx came from is silent if the 2xx is not repeated behind it, and the Contact is of another network (they do not
begin with the same 24 bits, of IPv6 64): the caller goes around a NAT; so is one that has a Route, is of a later INVITE of the dialog, or is passed on. So it is if the first one was lost, and one that was sent again ends the copies. The right address with another port over UDP counts only if the 2xx is repeated behind the ACK.`,
	Why: "The called side never sees the ACK, repeats its 2xx and ends the call after 32 s.",
	Fix: "Make the caller send the ACK to the first Route, which is the last Record-Route of the 2xx, or else to its Contact; look for a server between that changes them.",

	needs: unacked | ackAstray, counts: answeredWhole,
	leg: func(r *legRun) {
		n := 0
		for i := range r.Messages {
			m := &r.Messages[i]
			if n == maxJudged || m.Request || m.Method != "INVITE" || m.Status/100 != 2 || m.Resent.Number != 0 || m.Partial || m.Transaction < 0 {
				continue
			}
			n++
			r.applies()
			if r.acksBack(i) {
				continue
			}
			if ok := r.Message(i); ok != nil && m.Vias == 1 {
				r.misrouted(i, ok)
			}
		}
	},
}

// acksBack reports whether every ACK of a 2xx goes to where that came from, and it is not
// repeated: nothing to be said, without a look at what it says.
func (r *legRun) acksBack(i int) bool {
	seen := &r.Messages[i]
	if r.Transactions[seen.Transaction].Finals > 1 || marks(seen.Marks)&contactUsual == 0 {
		return false
	}
	for j := i + 1; j < len(r.Messages); j++ {
		a := &r.Messages[j]
		if a.Request && a.Method == "ACK" && a.CSeq == seen.CSeq && a.Source.Addr() == seen.Destination.Addr() && a.Destination.Addr() != seen.Source.Addr() {
			return false
		}
	}
	return true
}

// misrouted applies ack-misrouted to a 2xx as its caller got it.
func (r *legRun) misrouted(i int, ok *sipmsg.Message) {
	status := fmt.Sprint(r.Messages[i].Status)
	what, next := "Record-Route of the "+status, []byte(nil)
	for v := range ok.Values(sipmsg.RecordRoute) {
		next = v
	}
	seen, tag := &r.Messages[i], ok.Tag(sipmsg.To)
	if next == nil && !seen.Initial && r.Transactions[seen.Transaction].Finals > 1 {
		what, next = "route set of the dialog", r.firstRoute(i)
	}
	routed := next != nil
	if !routed {
		what = "Contact of the " + status
		next, _ = ok.First(sipmsg.Contact)
	}
	want, isAddr := target(next)
	if !isAddr {
		return
	}
	wrong := -1
	for j := i + 1; j < len(r.Messages); j++ {
		a := &r.Messages[j]
		if !a.Request || a.Method != "ACK" || a.CSeq != seen.CSeq || a.Source.Addr() != seen.Destination.Addr() || a.Partial {
			continue
		}
		ack := r.Message(j)
		if ack == nil || !oneVia(ack) || !bytes.Equal(ack.Tag(sipmsg.To), tag) {
			continue
		}
		repeated := r.repeated(&r.Transactions[seen.Transaction], a.Time, wrong >= 0)
		switch {
		case a.Destination.Addr() == want.Addr() && (a.Destination.Port() == want.Port() || a.Transport != "UDP" || !repeated):
			return
		case a.Destination.Addr() != want.Addr() && a.Destination.Addr() == seen.Source.Addr() && (!repeated && (routed || !beside(want.Addr(), seen.Source.Addr()) || r.routed(i, j)) || behindNAT(seen.Source.Addr(), a.Source.Addr(), want.Addr())):
			return
		case wrong < 0:
			wrong = j
		}
	}
	if wrong < 0 {
		return
	}
	to := r.Messages[wrong].Destination
	f := Finding{
		Severity: Error, Frames: r.frames(i, wrong),
		Observed: fmt.Sprintf("the ACK goes to %s; the %s says %s", endpoint(to), what, endpoint(want)),
		Expected: "an ACK to " + endpoint(want),
		Because:  wentTo(endpoint(to), want), end: goesOn,
	}
	if givesUp(r.Leg, &r.Transactions[seen.Transaction]) {
		f.end = cutOff
	}
	if routed {
		f.past = []netip.Addr{want.Addr()}
	}
	r.report(f)
}

// firstRoute returns the first hop of the route set that who got the 2xx of a later INVITE has, nil for none: that of the first 2xx of
// the dialog, which a later one does not change (RFC 3261, section 12.2).
func (r *legRun) firstRoute(i int) (route []byte) {
	m := &r.Messages[i]
	for j := range r.Messages[:i] {
		x := &r.Messages[j]
		same, turned := x.FromTag == m.FromTag && x.ToTag == m.ToTag, x.FromTag == m.ToTag && x.ToTag == m.FromTag
		if x.Request || !x.Initial || x.Method != "INVITE" || x.Status/100 != 2 || x.Partial || !same && !turned {
			continue
		}
		at := x.Destination.Addr() // who calls takes the last one first, who is called the first
		if turned {
			at = x.Source.Addr()
		}
		ok := r.Message(j)
		if ok == nil || at != m.Destination.Addr() {
			continue
		}
		for v := range ok.Values(sipmsg.RecordRoute) {
			if route == nil || same {
				route = v
			}
		}
		return route
	}
	return nil
}

// routed reports whether an ACK that goes back to where its 2xx came from goes there for another reason than the Contact, or gets there all the
// same: of a later INVITE, whose 2xx need not have the route set of the dialog, with a Route, or passed on.
func (r *legRun) routed(ok, ack int) bool {
	a := &r.Messages[ack]
	return !r.Messages[ok].Initial || a.Fields.Has(sipmsg.Route) || r.first(func(m *analysis.Seen) bool {
		return m.Request && m.Method == "ACK" && m.CSeq == a.CSeq && m.ToTag == a.ToTag && m.Source.Addr() == a.Destination.Addr()
	}) >= 0
}

// beside reports whether two addresses are different hosts of one network, with no NAT between them: they begin with the same 24 bits, of
// IPv6 64.
func beside(a, b netip.Addr) bool {
	a, b = a.Unmap(), b.Unmap()
	if a == b || !a.IsValid() || !b.IsValid() || a.Is4() != b.Is4() {
		return false
	}
	bits := 24
	if a.Is6() {
		bits = 64
	}
	p, _ := a.Prefix(bits)
	return p.Contains(b)
}

// repeated reports whether a 2xx goes on behind an ACK: it was not heard. If the ACK before it was not
// heard either, it takes a silence in which one more copy was due to show that this one was.
func (r *legRun) repeated(t *analysis.Transaction, ack time.Time, again bool) bool {
	if t.LastFinal.After(ack) {
		return true
	}
	if !again || t.Finals <= 2 {
		return false
	}
	silence := r.since(ack)
	if r.Leg.ByBye {
		silence = r.Leg.Ended.Sub(ack)
	}
	return silence < t2 || persists(t.Answered, t.LastFinal)
}

var routeBypass = &Rule{
	ID: "route-bypass", RFC: "RFC 3261 12.2.1.1, 16.6, 16.12", Severity: "warning",
	Title: "requests inside of a dialog that go past a proxy",
	Doc: `A proxy put its address into Record-Route, and a later request inside of the dialog, as its user agent sends it, has no Route with that
address and does not go there either, neither at once nor on a later hop; or has it as its first Route and goes to another host all the same, one that it sent
no INVITE to. One ahead of the 2xx counts as well, and one where no 2xx has the Record-Routes of the INVITE, if it goes a way that no INVITE went. Likewise of the dialog of a SUBSCRIBE, as far as it came to the proxy or left it: a NOTIFY, or a later SUBSCRIBE, that has no Route with its address. Of a proxy that the capture does not show nothing is said. ACK is the business of ack-misrouted, to which this is related where it is the same proxy that its ACK goes past. Also: a Record-Route of the 2xx without ;lr, which it has lost where the INVITE has it on that hop or on another one, and a Route without ;lr for a
Record-Route that had it.`,
	Why: "A proxy that is passed by sees no end of the call: its accounting, its NAT helpers and its media relay are wrong from there on.",
	Fix: "Look at how the user agent builds its route set: the Record-Routes of the 2xx reversed for the caller, those of the INVITE as they are for the called side.",

	needs: mayBypass, counts: recorded, asks: subscribes,
	leg: func(r *legRun) {
		ok := r.first(func(m *analysis.Seen) bool {
			return !m.Request && m.Method == "INVITE" && m.Status/100 == 2 && !m.Partial && m.Fields.Has(sipmsg.RecordRoute)
		})
		if r.bypassesAhead(ok) || ok < 0 {
			return
		}
		if r.Octets(ok) == nil {
			return
		}
		r.applies()
		if r.strictRecord(ok) {
			return
		}
		n := 0
		for i := ok + 1; i < len(r.Messages) && n < maxJudged; i++ {
			if x := &r.Messages[i]; isRouted(x) && sameDialog(&r.Messages[ok], x) {
				if n++; r.bypasses(ok, i) {
					return
				}
			}
		}
	},
	state: func() state { return new(subscribedState) },
}

// isRouted reports whether a message is a request that has Routes of its own, as its user agent sends it.
func isRouted(m *analysis.Seen) bool {
	return m.Request && m.Method != "ACK" && m.Method != "CANCEL" && m.Resent.Number == 0 && !m.Partial && m.Vias == 1
}

// bypassesAhead applies route-bypass to the requests ahead of the first 2xx that has Record-Routes, all where there is none: those that go a way
// that no INVITE went.
func (r *legRun) bypassesAhead(ok int) bool {
	n := 0
	for i := range r.Messages {
		if i == ok || n == maxJudged {
			break
		}
		x := &r.Messages[i]
		if !isRouted(x) || x.ToTag == 0 {
			continue
		}
		if n++; r.invitedOn(x.Hop) {
			continue
		}
		if made := r.routesOf(i); made >= 0 && r.bypasses(made, i) {
			return true
		}
	}
	return false
}

// routesOf returns the message that holds the Record-Routes of the dialog of request i: a response to the INVITE that made it, or
// that INVITE itself, as it came to who sends the request, or gets it. It returns -1 for none.
func (r *legRun) routesOf(i int) int {
	x, invite := &r.Messages[i], -1
	for j := range r.Messages[:i] {
		m := &r.Messages[j]
		switch {
		case m.Partial || m.Method != "INVITE" || !m.Initial || !m.Fields.Has(sipmsg.RecordRoute):
		case !m.Request && m.Status < 300 && sameDialog(m, x):
			return j
		case m.Request && (m.FromTag == x.FromTag && m.Destination.Addr() == x.Destination.Addr() || m.FromTag == x.ToTag && m.Destination.Addr() == x.Source.Addr()):
			invite = j
		}
	}
	return invite
}

// strictRecord reports a Record-Route of a 2xx that has no ;lr.
func (r *legRun) strictRecord(ok int) bool {
	if marks(r.Messages[ok].Marks)&looseRecord != 0 {
		return false
	}
	m := r.Message(ok)
	if m == nil {
		return true
	}
	for v := range m.Values(sipmsg.RecordRoute) {
		if isLoose(v) {
			continue
		}
		f := Finding{
			Severity: Warning, Frames: r.frames(ok),
			Observed: fmt.Sprintf("the Record-Route %s has no ;lr", hostOf(v)),
			Expected: ";lr in every Record-Route",
			NextStep: "Let the proxy write ;lr into its Record-Route: without it, it is taken for a strict router of RFC 2543.",
		}
		if invite := r.recordedLoose(ok, hostOf(v)); invite >= 0 {
			f.Frames = r.frames(invite, ok)
			there := "the INVITE had there"
			if m := &r.Messages[invite]; m.Hop != r.Messages[ok].Hop {
				there = "the INVITE to " + endpoint(m.Destination) + " had"
			}
			f.Observed = fmt.Sprintf("the Record-Route %s of the %d from %s has lost its ;lr, which %s", hostOf(v), r.Messages[ok].Status, endpoint(r.Messages[ok].Source), there)
			f.Expected, f.RFC = "the Record-Route as it was in the INVITE, with ;lr", "RFC 3261 12.1.1, 16.6"
			f.NextStep = "Look at who sends the 2xx: the called side has to copy each Record-Route of the INVITE with all of its parameters."
		}
		r.report(f)
		return true
	}
	return false
}

// recordedLoose returns the INVITE of a 2xx if it has more Record-Routes of a host with ;lr than that, on its hop or else on another one, -1 for none.
// A proxy may have put in two.
func (r *legRun) recordedLoose(ok int, host []byte) int {
	t, answer := r.Messages[ok].Transaction, r.Message(ok)
	if t < 0 || answer == nil {
		return -1
	}
	loose := func(m *sipmsg.Message) (n int) {
		for v := range m.Values(sipmsg.RecordRoute) {
			n += toInt(isLoose(v) && bytes.EqualFold(hostOf(v), host))
		}
		return n
	}
	kept, best := loose(answer), -1
	for i := range r.Messages {
		m := &r.Messages[i]
		if !m.Request || m.Method != "INVITE" || m.Partial || m.Resent.Number != 0 || m.Transaction < 0 || !m.Fields.Has(sipmsg.RecordRoute) || !r.sameRequest(t, m.Transaction) {
			continue
		}
		if x := r.Message(i); x != nil && loose(x) > kept && (best < 0 || m.Transaction == t) {
			best = i
		}
	}
	return best
}

// comesPast reports whether a request in the dialog of a 2xx has nothing but loose Routes, as its marks k say, and these
// are the Record-Routes of the 2xx, as its marks record, and the INVITE went that hop as well, or it goes to the only proxy that these
// name, or comes from it.
//
//go:noinline
func comesPast(record marks, answer hostPair, m *analysis.Seen, k marks, invited bool) bool {
	at := func(proxy netip.Addr) bool {
		return m.Source.Addr() == proxy || m.Destination.Addr() == proxy
	}
	switch {
	case k&oddRoute != 0:
		return false
	case invited && record>>routeHosts != 0 && record>>routeHosts == k>>routeHosts:
		return true
	}
	return record&routedBySource != 0 && at(answer.src) || record&routedByDestination != 0 && at(answer.dst)
}

// bypasses applies route-bypass to a request, and reports whether it fires.
func (r *legRun) bypasses(ok, i int) bool {
	a, x := &r.Messages[ok], &r.Messages[i]
	if comesPast(marks(a.Marks), hostsOf(a.Source, a.Destination), x, marks(x.Marks), r.invitedOn(x.Hop)) {
		return false
	}
	answer, m := r.Message(ok), r.Message(i)
	if answer == nil || m == nil {
		return false
	}
	var first netip.AddrPort // of those that are passed by
	var past []netip.Addr
	recorded, top := 0, netip.AddrPort{}
	for v := range answer.Values(sipmsg.RecordRoute) {
		if recorded++; recorded > maxRouteSet {
			break
		}
		host, named := hostOf(v), false
		routes := 0
		for route := range m.Values(sipmsg.Route) {
			if routes++; routes > maxRouteSet {
				return false
			}
			if !bytes.EqualFold(hostOf(route), host) {
				continue
			}
			if named = true; routes == 1 {
				top, _ = target(route)
			}
			if !isLoose(route) && past == nil {
				r.report(Finding{
					Severity: Warning, Frames: r.frames(ok, i),
					Observed: fmt.Sprintf("the Route %s of the %s has lost its ;lr", host, r.Messages[i].Method),
					Expected: "the Record-Route as it was, with ;lr",
				})
				return true
			}
		}
		want, isAddr := target(v)
		if named || !isAddr || r.passes(i, want.Addr()) {
			continue
		}
		if past == nil {
			first = want
		}
		past = append(past, want.Addr())
	}
	if past == nil {
		return top.IsValid() && r.sentPast(ok, i, top)
	}
	r.report(Finding{
		Severity: Warning, Frames: r.frames(ok, i), past: past,
		Observed: fmt.Sprintf("%s goes to %s without a Route for %s, which is in Record-Route", r.Messages[i].Method, endpoint(r.Messages[i].Destination), endpoint(first)),
		Expected: "a Route for each Record-Route",
	})
	return true
}

// sentPast reports a request that goes elsewhere than to its first Route, on a hop that the INVITE did not take.
func (r *legRun) sentPast(ok, i int, route netip.AddrPort) bool {
	x := &r.Messages[i]
	if r.invitedOn(x.Hop) || r.passes(i, route.Addr()) {
		return false
	}
	r.report(Finding{
		Severity: Warning, Frames: r.frames(ok, i),
		Observed: fmt.Sprintf("%s goes to %s although its first Route names %s", x.Method, endpoint(x.Destination), endpoint(route)),
		Expected: "a request that goes to its first Route",
	})
	return true
}

// invitedOn reports whether an INVITE that begins a call, or a response to it, went on a hop.
func (r *legRun) invitedOn(hop int) bool {
	return r.first(func(m *analysis.Seen) bool { return m.Hop == hop && m.Initial && m.Method == "INVITE" }) >= 0
}

// passes reports whether request i comes past a proxy in the end, or as far as can be told:
// nothing says that it does not where the capture shows nothing else of the proxy. Also the
// proxy itself may be who sends it.
//
//go:noinline
func (r *legRun) passes(i int, proxy netip.Addr) bool {
	shown := false
	for j := range r.Messages {
		x := &r.Messages[j]
		if x.Source.Addr() != proxy && x.Destination.Addr() != proxy {
			continue
		}
		shown = true
		if x.Request && x.Method == r.Messages[i].Method && x.CSeq == r.Messages[i].CSeq {
			return true
		}
	}
	return !shown
}

var viaNAT = &Rule{
	ID: "via-nat", RFC: "RFC 3261 18.2.1, 18.2.2; RFC 3581 4", Severity: "warning",
	Title: "a Via that does not fit where the request came from",
	Doc: `The topmost Via of a request holds an IP address other than the one it came from, and its response has no received parameter, or goes to the address
of the Via. Silent where the request comes from a private address and its Via names a public one, to a peer on the Internet whose response comes back: a NAT maps the two to each other. A Via with a host name counts only if the response goes elsewhere than to where the request came from. Ports are never compared.
It is the same over TCP, where the response comes back on the connection. Each of the two is told once for each way of a hop in a leg, and once for each host and another of requests outside of calls.`,
	Why: "The response goes to an address behind a NAT, or to another interface, and is lost: the request is sent again and given up.",
	Fix: "Make the server write received and rport (RFC 3581) and answer to where the request came from; or give the client its public address.",

	needs: viaUnlike, counts: wholeAsks, asks: newVia,
	state: func() state { return new(viaState) },
}

type viaState struct {
	bundles
}

func (s *viaState) leg(r *legRun) {
	type way struct {
		hop     int
		forward bool
		bit     uint64
	}
	var told [8]way
	n, judged := 0, 0
	for i := range r.Messages {
		m := &r.Messages[i]
		if !m.Request || m.Method == "ACK" || m.Transaction < 0 || m.Partial || n == len(told) || judged == maxJudged {
			continue
		}
		judged++
		f, bit, is := viaOf(r.Message(i), m.Source, m.Destination, m.Frame, func() fate { return r.fateOf(i) })
		if is {
			r.applies()
		}
		if w := (way{m.Hop, m.Forward, bit}); bit != 0 && !slices.Contains(told[:n], w) {
			told[n] = w
			n++
			r.report(f)
		}
	}
}

// A fate is what became of a request: the response that came back, nil where its octets were not kept, or where one went instead.
type fate struct {
	response *sipmsg.Message
	frame    analysis.Frame // of either
	went     netip.AddrPort
}

// viaOf applies via-nat to a request, and asks what became of it if that matters. It returns what it tells, and the bit of that; 0 for
// nothing. judged is false where the request has no Via, or that says where the response has to go.
func viaOf(m *sipmsg.Message, src, dst netip.AddrPort, sent analysis.Frame, became func() fate) (f Finding, bit uint64, judged bool) {
	if m == nil || !src.IsValid() { // of a PDU that was exported alone
		return f, 0, false
	}
	via, ok := m.TopVia()
	if !ok || via.MAddr() != nil {
		return f, 0, false
	}
	addr, isAddr := via.HostAddr()
	if isAddr && sameHost(addr, src.Addr()) {
		return f, 0, true
	}
	switch x := became(); {
	case x.went.IsValid():
		return strayed(via.Host, src, x.went, sent, x.frame), pairStray, true
	case x.response != nil && isAddr && !behindNAT(src.Addr(), dst.Addr(), addr) && lacksReceived(m, x.response):
		return noReceived(addr, src, sent, x.frame), pairVia, true
	}
	return f, 0, true
}

// fateOf returns what became of a request of a leg.
func (r *legRun) fateOf(i int) fate {
	m, seen := r.Message(i), &r.Messages[i]
	answer, stray := -1, -1
	for j := range r.Messages {
		x := &r.Messages[j]
		switch {
		case x.Request || x.Method != seen.Method || x.CSeq != seen.CSeq || x.Partial:
		case x.Transaction == seen.Transaction:
			if answer < 0 {
				answer = j
			}
		case stray < 0 && x.Source.Addr() == seen.Destination.Addr() && x.Transaction >= 0 && r.Transactions[x.Transaction].Requests == 0:
			if y := r.Message(j); y != nil && bytes.Equal(y.Branch(), m.Branch()) {
				stray = j
			}
		}
	}
	switch {
	case answer >= 0:
		return fate{response: r.Message(answer), frame: r.Messages[answer].Frame}
	case stray >= 0:
		return fate{went: r.Messages[stray].Destination, frame: r.Messages[stray].Frame}
	}
	return fate{}
}

func (s *viaState) exchange(r *exchangeRun) {
	e := r.Exchange
	if e.Partial || e.Status == 0 && !e.Strayed.IsValid() {
		return
	}
	f, bit, _ := viaOf(r.Request(), e.Source, e.Destination, e.SentFrame, func() fate {
		if e.Status == 0 {
			return fate{went: e.Strayed, frame: e.StrayFrame}
		}
		return fate{response: r.Response(), frame: e.FinalFrame}
	})
	if bit == 0 || !r.c.pairs.isNew(hostsOf(e.Source, e.Destination), bit) {
		return
	}
	f.CallID, f.AOR = e.CallID, e.AOR
	s.add(endpoint(e.Destination), f)
}

func (s *viaState) end(r *captureRun) { s.report(r, "clients") }

// sameHost reports whether two addresses are the same, or both of the loopback, which is
// one host whatever its address.
func sameHost(a, b netip.Addr) bool {
	a, b = a.Unmap(), b.Unmap()
	return a == b || a.IsLoopback() && b.IsLoopback()
}

// lacksReceived reports whether a response has the Via of a request and no received.
func lacksReceived(request, response *sipmsg.Message) bool {
	via, ok := response.TopVia()
	return ok && bytes.Equal(via.Branch(), request.Branch()) && !via.Params.Has("received")
}

func noReceived(sentBy netip.Addr, source netip.AddrPort, frames ...analysis.Frame) Finding {
	return Finding{
		Severity: Warning, Frames: frames,
		Observed: fmt.Sprintf("the request comes from %s, its Via says %s, and the response has no received", source.Addr().Unmap(), sentBy),
		Expected: fmt.Sprintf("received=%s in the Via of the response", source.Addr().Unmap()),
	}
}

func strayed(host []byte, source, went netip.AddrPort, frames ...analysis.Frame) Finding {
	return Finding{
		Severity: Warning, Frames: frames,
		Observed: fmt.Sprintf("the request comes from %s, its Via says %s, and the response goes to %s", endpoint(source), short(host), endpoint(went)),
		Expected: "a response to " + endpoint(source),
	}
}

var contactPrivate = &Rule{
	ID: "contact-private", RFC: "RFC 3261 8.1.1.8; RFC 3581, 5626", Severity: "warning / note",
	Title: "a Contact that the other side cannot reach",
	Doc: `The Contact of an INVITE, its 1xx or 2xx, a REGISTER or a SUBSCRIBE holds a private address (RFC 1918, 6598, 3927, 4193) while its packet comes from a
public one; or goes to a public one, and the peer shows no sign that it knows of the NAT: no received or rport in the Via of its response, no request
that comes back (a 2xx over UDP that is not repeated had its ACK). Where nothing that the peer sends there is in the capture behind it, it is only possible. Or its host ends in .invalid, which only WebSocket may use. Where a Record-Route stands between Contact and peer, nothing is said. If a request comes from a public address,
and a response to it says in its Via where it came from, or its receiver passes it on with the public address in the Contact, it is a note.`,
	Why: "Requests inside of the dialog, ACK and BYE first of all, go to the Contact, and calls to a phone go to the one that it registered.",
	Fix: "Give the user agent its public address (STUN, or by configuration), or let the server go by where packets come from (RFC 5626, a session border controller).",

	needs: public | contactInvalid, asks: contacts,
	state: func() state { return &contactState{seen: make(memory[string])} },
}

type contactState struct {
	seen memory[string]
	bundles
}

func (s *contactState) leg(r *legRun) {
	var told [4]netip.Addr
	n, judged, asked := 0, 0, false
	for i := range r.Messages {
		m := &r.Messages[i]
		if judged == maxJudged || m.Method != "INVITE" || m.Resent.Number != 0 || m.Partial || n == len(told) || !m.Request && (m.Status <= 100 || m.Status >= 300) {
			continue
		}
		from, to := r.c.isPublic(m.Source.Addr()), r.c.isPublic(m.Destination.Addr())
		if !from && !to { // mostly: the first INVITE and its 2xx tell then
			if asked == m.Request || !m.Request && m.Status < 200 {
				continue
			}
			if asked = m.Request; !r.mayBeInvalid(i) {
				continue
			}
		}
		x := r.Message(i)
		if x == nil {
			continue
		}
		judged++
		v, ok := x.First(sipmsg.Contact)
		if !ok || !exposed(x, m) {
			continue
		}
		r.applies()
		f, ok := contactFinding(v, m.Source, m.Destination, m.Transport, from, to)
		if !ok || told[0] == m.Source.Addr() || told[1] == m.Source.Addr() || told[2] == m.Source.Addr() {
			continue
		}
		handled, unseen := r.handled(i, mayBeInvalid(v))
		switch {
		case !from && handled:
			continue
		case !from && unseen:
			f.Confidence = Possible
		case from && m.Request && (r.repairs(i, mayBeInvalid(v)) || r.namesSource(i)):
			f.Severity, f.NextStep = Note, "Nothing, as long as the peer goes around it."
		}
		told[n] = m.Source.Addr()
		n++
		f.Frames = r.frames(i)
		r.report(f)
	}
}

func (s *contactState) exchange(r *exchangeRun) {
	e := r.Exchange
	if e.Method != "REGISTER" && e.Method != "SUBSCRIBE" || e.Partial {
		return
	}
	from, to := r.c.isPublic(e.Source.Addr()), r.c.isPublic(e.Destination.Addr())
	if e.AOR != "" {
		s.registers(r, from, to)
		return
	}
	p := hostsOf(e.Source, e.Destination)
	if !r.c.pairs.isNew(p, pairContact) || !s.seen.isNew(pairKey(e)) {
		return
	}
	m := r.Request()
	if m == nil || !oneVia(m) {
		return
	}
	if v, ok := m.First(sipmsg.Contact); ok {
		if f, ok := contactFinding(v, e.Source, e.Destination, e.Transport, from, to); ok {
			s.tell(r, f, v, from, "Nothing, as long as the server goes by where the SUBSCRIBE came from.")
		}
	}
}

// tell adds a finding about a Contact of a request outside of calls. Where its server sees the NAT there is none; of a request from a public
// address, as from says, it is a note with what to do.
func (s *contactState) tell(r *exchangeRun, f Finding, contact []byte, from bool, next string) {
	switch repaired := !mayBeInvalid(contact) && sawNAT(r.Response()); {
	case repaired && !from:
		return
	case repaired:
		f.Severity, f.NextStep = Note, next
	case r.Status == 0 && !from:
		f.Confidence = Possible
	}
	f.Frames, f.CallID, f.AOR = []analysis.Frame{r.SentFrame}, r.CallID, r.AOR
	s.add(endpoint(r.Destination)+f.Severity.String(), f)
}

// registers applies contact-private to a REGISTER.
func (s *contactState) registers(r *exchangeRun, from, to bool) {
	e := r.Exchange
	for i := range e.Bindings {
		b := &e.Bindings[i]
		contact := []byte(b.URI)
		if !from && !to && !mayBeInvalid(contact) { // nearly always: see contactFinding
			continue
		}
		f, ok := contactFinding(contact, e.Source, e.Destination, e.Transport, from, to)
		if !ok || b.Asked == 0 || e.Status == 401 || e.Status == 407 || !s.seen.isNew(e.AOR) {
			continue
		}
		if m := r.Request(); m != nil && oneVia(m) {
			s.tell(r, f, contact, from, "Nothing, as long as the registrar goes by where the REGISTER came from.")
		}
	}
}

func (s *contactState) end(r *captureRun) { s.report(r, "addresses-of-record") }

// contactFinding returns a finding about a Contact that cannot be reached; ok is false for
// one that can be, as far as the addresses show.
func contactFinding(v []byte, src, dst netip.AddrPort, transport string, from, to bool) (f Finding, ok bool) {
	if !from && !to && !mayBeInvalid(v) {
		return f, false
	}
	u := sipmsg.ParseURI(sipmsg.ParseAddress(v).URI)
	f = Finding{Severity: Warning, Confidence: Likely, Expected: "a Contact that the peer can reach"}
	addr, isAddr := u.Addr()
	switch {
	case isAddr && isPrivate(addr) && from:
		f.Observed = fmt.Sprintf("the Contact is the private address %s, the packet comes from %s", addr, endpoint(src))
	case isAddr && isPrivate(addr) && to:
		f.Observed = fmt.Sprintf("the Contact is the private address %s, the packet goes to %s", addr, endpoint(dst))
	case isInvalid(u.Host) && transport != "WS" && transport != "WSS":
		if p, _ := u.Params.Get("transport"); bytes.EqualFold(p, []byte("ws")) || bytes.EqualFold(p, []byte("wss")) {
			return f, false
		}
		f.Observed = fmt.Sprintf("the Contact is %s, which nobody can reach, and came over %s", short(u.Host), transport)
	default:
		return f, false
	}
	return f, true
}

// mayBeInvalid reports whether the Contact of a message may hold a host that ends in .invalid.
func (r *legRun) mayBeInvalid(i int) bool {
	v, _ := r.header(i, sipmsg.Contact)
	return mayBeInvalid(v)
}

// mayBeInvalid reports whether a host that ends in .invalid may stand in b.
func mayBeInvalid(b []byte) bool {
	if bytes.IndexByte(b, 'v') < 0 && bytes.IndexByte(b, 'V') < 0 { // as in most
		return false
	}
	for {
		dot := bytes.IndexByte(b, '.')
		if dot < 0 {
			return false
		}
		if b = b[dot+1:]; hasFold(b, "invalid") {
			return true
		}
	}
}

// isInvalid reports whether a host is one that cannot be: RFC 2606, section 2.
func isInvalid(host []byte) bool {
	n := len(host) - len(".invalid")
	return n > 0 && hasFold(host[n:], ".invalid")
}

// exposed reports whether the Contact of a message is where its receiver will send to: no
// proxy stands between them and wants to be passed. A Record-Route in a request is of a proxy
// that has it behind itself; in a response, if the first one is the receiver, it is of
// those before it.
func exposed(m *sipmsg.Message, seen *analysis.Seen) bool {
	v, ok := m.First(sipmsg.RecordRoute)
	if !ok {
		return true
	}
	next, isAddr := target(v)
	return !seen.Request && isAddr && next.Addr() == seen.Destination.Addr().Unmap()
}

// namesSource reports whether request i is passed on with the address that it came from in its Contact,
// as a server does that knows of the NAT: in place of the private one, or beside it.
func (r *legRun) namesSource(i int) bool {
	j := r.onward(i)
	if j < 0 {
		return false
	}
	v, _ := r.header(j, sipmsg.Contact)
	return bytes.Contains(v, []byte(r.Messages[i].Source.Addr().Unmap().String()))
}

// handled reports whether the peer of message i shows that it knows of the NAT in front of its sender: it sends a
// request there, or a response that says where its request came from, or a 2xx that is message i, or follows it, is not
// repeated, so that its ACK came. Where the Contact has a name that nobody has, a response does not do. unseen says that the capture shows nothing that the peer sends there behind it.
func (r *legRun) handled(i int, invalid bool) (is, unseen bool) {
	m := &r.Messages[i]
	repairs := m.Request && !invalid
	unseen = true
	for j := i + 1; j < len(r.Messages); j++ {
		x := &r.Messages[j]
		if x.Source.Addr() != m.Destination.Addr() || x.Destination.Addr() != m.Source.Addr() {
			continue
		}
		if x.Request || repairs && sawNAT(r.Message(j)) {
			return true, false
		}
		unseen = false
	}
	if m.Request || m.Transaction < 0 {
		return false, unseen
	}
	t := &r.Transactions[m.Transaction]
	once := t.Status/100 == 2 && t.Finals == 1
	ended := r.Leg.Ended
	return once && m.Transport == "UDP" && r.since(t.Answered) > t2/2 && (ended.IsZero() || ended.Sub(t.Answered) > t2/2), once
}

// repairs reports whether the peer of request i says in the Via of a response where that came from. Where the Contact has a name that
// nobody has, that does not do.
func (r *legRun) repairs(i int, invalid bool) bool {
	m := &r.Messages[i]
	for j := i + 1; j < len(r.Messages) && !invalid; j++ {
		x := &r.Messages[j]
		if !x.Request && x.Source.Addr() == m.Destination.Addr() && x.Destination.Addr() == m.Source.Addr() && sawNAT(r.Message(j)) {
			return true
		}
	}
	return false
}

// sentThrough reports whether the request of a transaction is for a private address and goes to a public one: who sends it knows
// of the NAT.
func (r *legRun) sentThrough(i int) bool {
	_, dst := r.ends(&r.Transactions[i])
	q := r.requestOf(i)
	if q < 0 || !r.c.isPublic(dst.Addr()) {
		return false
	}
	x := r.Message(q)
	if x == nil {
		return false
	}
	a, ok := sipmsg.ParseURI(x.RequestURI).Addr()
	return ok && isPrivate(a)
}

// sawNAT reports whether the topmost Via of a response says where its request came from.
func sawNAT(m *sipmsg.Message) bool {
	if m == nil {
		return false
	}
	via, ok := m.TopVia()
	if !ok {
		return false
	}
	_, _, rport := via.RPort()
	return rport || via.Params.Has("received")
}

var sdpPrivate = &Rule{
	ID: "sdp-private", RFC: "RFC 3264; RFC 8866 5.7", Severity: "warning / note",
	Title: "media is asked for at an address that cannot be reached",
	Doc: `A session description asks for media at a private address (RFC 1918, 6598, 3927, 4193), on a stream that is neither refused (port 0) nor inactive, and
without ICE, while its packet comes from a public address; or goes to one, and the peer shows no sign that it knows of the NAT: no received or rport in the Via of its
response, no request that comes back (a 2xx over UDP that is not repeated had its ACK); where nothing that it sends there is in the capture behind it, it is only possible.
If the next hop passes it on with another address, it is a note; so it is where RTP of the call goes to the address that the packet comes from all the same (and not to a private one from then on), or to another public one from which RTP of its sender comes, or no RTP of it is in the capture and the peer shows that it knows of the NAT, by what it answers, or by where it sends a request for a private address. Once for each sender of a call.`,
	Why: "The media of the peer goes to an address that is not on the Internet: one side hears nothing.",
	Fix: "Give the user agent its public address (STUN, ICE, or by configuration), or put a media relay between.",

	needs:   public,
	capture: latched,
	leg: func(r *legRun) {
		var told [4]netip.Addr
		n, judged := 0, 0
		for i := range r.Messages {
			m := &r.Messages[i]
			if judged == maxJudged || m.Resent.Number != 0 || m.Partial || n == len(told) || m.Size < minSDP {
				continue
			}
			from, to := r.c.isPublic(m.Source.Addr()), r.c.isPublic(m.Destination.Addr())
			if !from && !to {
				continue
			}
			body := sdpOf(r.Message(i))
			if body == nil {
				continue
			}
			judged++
			r.applies()
			addr, ok := privateMedia(body)
			if !ok || told[0] == m.Source.Addr() || told[1] == m.Source.Addr() || told[2] == m.Source.Addr() || r.toldBefore(i, addr) {
				continue
			}
			f := Finding{
				Severity: Warning, Confidence: Likely, Frames: r.frames(i), from: m.Source.Addr().Unmap(),
				Observed: fmt.Sprintf("media is asked for at %s, the packet comes from %s", addr, endpoint(m.Source)),
				Expected: "an address that the peer can reach",
			}
			if !from {
				handled, unseen := r.handled(i, false)
				if handled {
					continue
				}
				if unseen {
					f.Confidence = Possible
				}
				f.Observed = fmt.Sprintf("media is asked for at %s, the packet goes to %s", addr, endpoint(m.Destination))
			}
			switch {
			case from && m.Request:
				f.repaired = r.repairs(i, false)
			case from && m.Transaction >= 0:
				f.repaired = r.sentThrough(m.Transaction)
			}
			if r.relayed(i, addr) {
				f.Severity, f.NextStep = Note, "Nothing: the next hop puts an address of its own there."
			}
			told[n] = m.Source.Addr()
			n++
			r.report(f)
		}
	},
}

// minSDP is less than any message with a session description has.
const minSDP = 200

// privateMedia returns the first private address that a session description asks for media at.
func privateMedia(body []byte) (a netip.Addr, ok bool) {
	for g := range sdp.Glance(body) {
		if g.Port != 0 && g.Direction != sdp.Inactive && isPrivate(g.Addr) {
			a, ok = g.Addr, true
			break
		}
	}
	if ok && (bytes.Contains(body, []byte("a=candidate:")) || bytes.Contains(body, []byte("a=ice-ufrag:"))) {
		return a, false
	}
	return a, ok
}

// toldBefore reports whether the same message with the same address was on a hop before.
func (r *legRun) toldBefore(i int, addr netip.Addr) bool {
	m := &r.Messages[i]
	for j := range i {
		x := &r.Messages[j]
		if x.Request == m.Request && x.Method == m.Method && x.CSeq == m.CSeq && x.Status == m.Status && x.Destination.Addr() == m.Source.Addr() {
			if a, ok := privateMedia(sdpOf(r.Message(j))); ok && a == addr && (r.c.isPublic(x.Source.Addr()) || r.c.isPublic(x.Destination.Addr())) {
				return true
			}
		}
	}
	return false
}

// relayed reports whether message i was passed on with another address for media.
func (r *legRun) relayed(i int, addr netip.Addr) bool {
	j := r.onward(i)
	if j < 0 {
		return false
	}
	for g := range sdp.Glance(sdpOf(r.Message(j))) {
		return g.Addr.IsValid() && g.Addr != addr
	}
	return false
}

// onward returns message i as who got it passed it on, -1 for not captured. That one may have sent it
// from another address of its own: there it has one Via more or less.
func (r *legRun) onward(i int) int {
	m := &r.Messages[i]
	for j := i + 1; j < len(r.Messages); j++ {
		x := &r.Messages[j]
		if x.Request != m.Request || x.Method != m.Method || x.CSeq != m.CSeq || x.Status != m.Status || x.FromTag != m.FromTag || x.Hop == m.Hop {
			continue
		}
		if x.Source.Addr() == m.Destination.Addr() || m.Request && x.Vias == m.Vias+1 || !m.Request && m.Vias == x.Vias+1 {
			return j
		}
	}
	return -1
}

// latched makes notes of private addresses of sides that hear the other one all the same: it sends to
// where their messages come from, and not until it is told of the private address alone. What ends with that is the same behind a NAT or a relay.
func latched(r *captureRun) {
	for _, f := range r.c.found {
		if f.rule != r.rule || f.Severity != Warning || f.leg == 0 {
			continue
		}
		if f.repaired && !r.hearsMedia(f.leg.of(r.Result)) {
			f.Observed += "; the peer knows where it is, and no RTP of the call is in the capture"
			f.NextStep = "Capture the media, too: the peer may send them to where it hears them."
			r.lower(f, Note)
			continue
		}
		l, to := f.leg.of(r.Result), f.from
		var last *analysis.Stream
		moved := false
		if l.Media != nil {
			for _, s := range l.Media.Streams {
				if reaches(s, to) {
					last, moved = s, false
				} else if last != nil && s.SentBy == last.SentBy && isPrivate(s.Destination().Addr()) && last.End().Sub(s.Begin()) < lateMedia && s.End().Sub(last.End()) > lateMedia {
					moved = true
				}
			}
		}
		if moved {
			continue
		}
		is := last != nil || r.mediaOfHops(l, to)
		if !is {
			to, is = r.answeredMedia(l, f.Frames[0])
		}
		if is {
			f.Observed += "; RTP goes to " + to.String() + " all the same"
			f.NextStep = "Nothing, as long as the peer sends media to where it hears them."
			r.lower(f, Note)
		}
	}
}

// answeredMedia returns the public address that RTP of who sent a description comes from, and to which RTP of the leg goes back: a NAT may
// have another one for media than for signalling.
func (r *captureRun) answeredMedia(l *analysis.Leg, said analysis.Frame) (to netip.Addr, ok bool) {
	if l.Media == nil || len(l.Media.Streams) == 0 {
		return to, false
	}
	i := slices.IndexFunc(l.Media.Endpoints, func(e analysis.Endpoint) bool { return e.Frame == said })
	if i < 0 {
		return to, false
	}
	for _, s := range l.Media.Streams {
		if to = s.Source().Addr().Unmap(); s.SentBy != l.Media.Endpoints[i].Side || !r.c.isPublic(to) {
			continue
		}
		list := r.heard().at[s.Source()]
		if slices.ContainsFunc(list[:min(len(list), maxShared)], func(x *analysis.Stream) bool { return x.Of(l) && x.Destination() == s.Source() && reaches(x, to) }) {
			return to, true
		}
	}
	return to, false
}

// hearsMedia reports whether RTP of a leg is in the capture, or RTP of no call at one of the hosts of its hops.
func (r *captureRun) hearsMedia(l *analysis.Leg) bool {
	if len(r.Streams) == 0 {
		return false
	}
	stray := r.heard().stray
	return l.Media != nil && len(l.Media.Streams) > 0 || slices.ContainsFunc(l.Hops, func(h analysis.Hop) bool {
		return len(stray[h.A.Addr()]) > 0 || len(stray[h.B.Addr()]) > 0
	})
}

// reaches reports whether a stream of more than some packets goes to a host.
func reaches(s *analysis.Stream, host netip.Addr) bool {
	return s.Destination().Addr().Unmap() == host && s.Report().Packets >= fewPackets
}

// mediaOfHops reports whether a stream that is of no call goes to a host while a leg is up, from another end of a hop of
// the leg: the description that says so is not in the capture.
func (r *captureRun) mediaOfHops(l *analysis.Leg, host netip.Addr) bool {
	if len(r.Streams) == 0 {
		return false
	}
	return slices.ContainsFunc(r.heard().stray[host], func(s *analysis.Stream) bool {
		return reaches(s, host) && s.End().After(l.Begin) && s.Begin().Before(l.Last) && slices.ContainsFunc(l.Hops, func(h analysis.Hop) bool {
			from := s.Source().Addr()
			return from != host && (h.A.Addr() == from || h.B.Addr() == from)
		})
	})
}

// sdpOf returns the session description that a message carries, nil for none.
func sdpOf(m *sipmsg.Message) []byte {
	if m == nil || len(m.Body) == 0 {
		return nil
	}
	v, ok := m.First(sipmsg.ContentType)
	if !ok {
		return nil
	}
	t := sipmsg.ParseMediaType(v)
	switch {
	case t.Is("application", "sdp"):
		return m.Body
	case t.Is("multipart", ""):
		for p := range m.Parts() {
			if p.Type.Is("application", "sdp") {
				return p.Body
			}
		}
	}
	return nil
}

// oneVia reports whether a message has one Via: a request as its user agent sends it, or a
// response as that gets it.
//
//go:noinline
func oneVia(m *sipmsg.Message) bool { return m.NumValues(sipmsg.Via) == 1 }

// target returns where a URI in a Route, Record-Route or Contact leads to, where that is an
// address.
func target(v []byte) (a netip.AddrPort, ok bool) {
	u := sipmsg.ParseURI(sipmsg.ParseAddress(v).URI)
	addr, ok := u.Addr()
	if maddr, has := u.Params.Get("maddr"); has {
		var err error
		addr, err = netip.ParseAddr(string(bytes.Trim(maddr, "[]")))
		ok = err == nil
	}
	port := u.Port
	if !u.HasPort {
		port = 5060
		if isTLS(u) {
			port = 5061
		}
	}
	return netip.AddrPortFrom(addr.Unmap(), port), ok
}

func isTLS(u sipmsg.URI) bool {
	t, _ := u.Params.Get("transport")
	return u.Scheme == sipmsg.SchemeSIPS || bytes.EqualFold(t, []byte("tls"))
}

// hostOf returns the host of the URI in a value.
func hostOf(v []byte) []byte { return sipmsg.ParseURI(sipmsg.ParseAddress(v).URI).Host }

// isLoose reports whether a Route or Record-Route is of a loose router.
func isLoose(v []byte) bool {
	a := sipmsg.ParseAddress(v)
	return sipmsg.ParseURI(a.URI).Params.Has("lr") || a.Params.Has("lr")
}

// sameDialog reports whether a request is inside of the dialog that a 2xx made.
func sameDialog(ok, m *analysis.Seen) bool { return inDialogOf(ok.FromTag, ok.ToTag, m) }

// inDialogOf reports whether a request is inside of the dialog with two tags.
func inDialogOf(from, to uint64, m *analysis.Seen) bool {
	return m.ToTag != 0 && (m.FromTag == from && m.ToTag == to || m.FromTag == to && m.ToTag == from)
}

// maxShort bounds captured text in a finding.
const maxShort = 80

// short returns captured text for the text of a finding.
func short(b []byte) string {
	if len(b) > maxShort {
		return string(b[:maxShort]) + "…"
	}
	return string(b)
}

// A publicCache remembers which addresses are public: the same few come again and again.
type publicCache [64]struct {
	addr  netip.Addr
	known bool
}

func (c *Collector) isPublic(a netip.Addr) bool {
	b := a.As16()
	x := &c.public[b[15]&63]
	if x.addr != a {
		x.addr, x.known = a, isPublic(a)
	}
	return x.known
}
