package findings

import (
	"math"
	"math/bits"
	"net/netip"
	"time"

	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/sipmsg"
)

// traits are what a leg shows at a glance. They are gathered while its messages pass, and of its transactions when it is
// over, without a look at octets: marks say what is in them. They decide which rules are asked
// about the leg: see Rule.needs. Where none is, its messages are not made again. A trait may be there without need, where that is
// cheaper to find out; one that a rule counts by has to be exact.
type traits uint64

const (
	everyLeg traits = 1 << iota

	// Of INVITEs and what became of them.
	invites        // one was captured
	invitesOverUDP // likewise, as far as there is nothing but UDP
	invitesAgain   // one was sent twice or more
	initialPending // a first one had a provisional response …
	initialWaits   // … and no final one for a minute behind it
	accepted       // one was answered 2xx …
	acceptedFirst  // … a first one …
	unacked        // … without an ACK on that hop, or in spite of one more than once
	refused        // one was answered 300 and over …
	refusedUnacked // … twice or more, without an ACK, or in spite of one
	cancelled      // one was cancelled
	answerSeen     // the call was answered, in a 2xx that was captured
	answeredWhole  // likewise, in one that nothing is missing of
	invited        // the call began in the capture …
	slow           // … and took long to be set up, or rang for long
	calledHangsUp  // the called side sent the BYE soon, and no ACK came before it
	timerHeld      // a BYE came behind a 2xx, of which some set a session timer …
	timerRuns      // … that may have run out
	firstINVITE    // one without To tag
	reINVITE       // one with a To tag
	manyTags       // several To tags answer first ones

	// Of other requests.
	otherRequests  // one other than INVITE and ACK was captured …
	unanswered     // … without a final response in 64*T1
	inDialog       // one that has a CSeq number of its own, inside of a dialog …
	cseqFalls      // … or the INVITE that makes it, may have a number that is too low
	dialogAnswered // one that only a dialog has was answered
	cancels
	transferred
	tangled    // one may have come to a host twice
	ackAstray  // an ACK may not go to where the 2xx came from
	recorded   // a 2xx to an INVITE has a Record-Route …
	mayBypass  // … and a request of the dialog, or that itself, may not do as it should
	oddRefusal // one was refused with 422, 481, 482, 483 or 491, or the call may be a new try of one that 422 refused, and too short again

	// Of requests and responses of whatever kind.
	wholeAsks    // a whole request other than ACK
	wholeRequest // ACK as well
	forwardsOdd  // a Max-Forwards is odd, or a host may have passed it on as it was
	overUDP
	overTCP
	lengthOdd // a Content-Length may be wrong
	diverted
	identified // it has an Identity, or was refused for the sake of one
	unsupportedAsked
	hasReason
	hasRSeq
	newToBooks     // those who keep books of all legs may have something to enter: see Rule.learn
	public         // one end of a hop is on the Internet
	faulty         // lint may have something to say
	viaUnlike      // a Via names another host than the request came from
	contactInvalid // a Contact may be of a host that cannot be
	callerNamed    // a first INVITE names the caller beside From …
	callerUnlike   // … and in another way

	// Of session descriptions.
	notPlain      // they are more than an offer and an answer that fits …
	plainDeal     // … or these, of a call that was answered …
	plainEvents   // … with telephone events
	offers        // an INVITE or UPDATE has one
	reoffers      // a request inside of a dialog has one
	withoutOffer  // an INVITE has none
	answerOdd     // a 2xx to an INVITE or UPDATE has none, or a response stands before its request
	agreed        // an offer was answered 2xx
	mediaRefused  // an INVITE or UPDATE was refused for the sake of media
	held          // audio was put on hold
	describedMore // there are three or more

	everything = ^traits(0)
)

const (
	// maxGlance bounds the messages of a leg that traits are gathered of, maxGlanced its
	// transactions, maxWay its hops. All rules are asked about what is longer.
	maxGlance  = 64
	maxGlanced = 32
	maxWay     = 8

	// maxChain bounds the hops of a leg that are known for a chain.
	maxChain = 4
)

// A glance gathers the traits of a leg. It lives in Detail.Notes. What every message changes stands first: between two messages of a leg
// all of it goes out of the caches.
type glance struct {
	traits
	leg    legNumber
	n      int32           // messages
	fields sipmsg.FieldSet // of all messages
	marks  marks           // likewise

	ways           uint32 // of messages: see wayOfSeen …
	acks, answers  uint32 // … of ACKs, and of 2xx to INVITEs
	asked, offered uint32 // transactions whose request came, by index, and those whose request offers a session …
	given, large   uint32 // … has credentials, is too large for UDP

	nWays, nNoted uint8
	invited       uint8 // hops that an INVITE went which begins a call, or a response to it
	cut           bool  // octets of one are missing, or it is in another way out of what is gathered here
	unordered     bool  // a response stands before its request
	described     bool  // a message other than a first INVITE has a description
	notLowered    bool  // see lowers
	timed         bool  // a 2xx came that may have set a session timer, …
	timerOdd      bool  // … and one has another than a long one, or it may have run out
	bye           bool  // a BYE came

	transport string
	highest   [2]uint32 // CSeq numbers of each direction
	noted     [maxNoted]uint64
	left      [64]uint8 // Max-Forwards of requests where they were seen last; 0 for nowhere
	of        [maxGlanced]glanced
	way       [2 * maxWay]struct{ way, first uint8 } // in the order of their first messages, with the indices of these

	tag uint64 // To tag of the responses to first INVITEs

	more *glanceOfMore // nil where there is nothing of it: a flood has very many legs
}

// A glanceOfMore is what most calls show and few attempts.
type glanceOfMore struct {
	firstAck time.Time      // with the CSeq number of the first 2xx, and behind that; zero for none …
	first2xx time.Time      // … and timed
	record   marks          // of the first 2xx to an INVITE with a Record-Route, …
	answer   hostPair       // … its ends …
	dialog   [2]uint64      // … and its tags
	early    analysis.Frame // of the first provisional response with a description …
	earlyTag uint64         // … and its To tag
	earlyAck uint32         // CSeq of the last ACK ahead of every 2xx …
	answered uint32         // … and of the first 2xx to an INVITE
	largest  largeRequest   // the first of large
	bypass   bypass
}

// rest returns what more there is to be gathered. Inlined in six places it would be a kilobyte.
//
//go:noinline
func (g *glance) rest() *glanceOfMore {
	if g.more == nil {
		g.more = new(glanceOfMore)
	}
	return g.more
}

// A bypass is what may bypass the proxies of a dialog: requests without a Route that neither go to the hop of the 2xx that recorded these
// proxies nor come from there. Where they come past all of them on another hop, nothing is wrong.
type bypass struct {
	proxies  [2]netip.Addr // of the Record-Routes of the 2xx
	requests [2]struct {
		method string
		cseq   uint32
	}
	nProxies   uint8
	nRequests  uint8
	incomplete bool // there are more, or other ones
}

// proxy takes in the proxy of a Record-Route.
func (b *bypass) proxy(a netip.Addr) {
	if int(b.nProxies) == len(b.proxies) || !a.IsValid() {
		b.incomplete = true
		return
	}
	b.proxies[b.nProxies] = a
	b.nProxies++
}

// request takes in a request with its marks: few are.
//
//go:noinline
func (b *bypass) request(m *analysis.Seen, k marks) {
	if int(b.nRequests) == len(b.requests) {
		b.incomplete = true
		return
	}
	b.incomplete = b.incomplete || k&oddRoute != 0 || k>>routeHosts != 0
	r := &b.requests[b.nRequests]
	r.method, r.cseq = m.Method, m.CSeq
	b.nRequests++
}

// holds reports whether one of the requests may not come past one of the proxies.
func (b *bypass) holds(d *analysis.Detail) bool {
	if b.incomplete {
		return b.nRequests > 0
	}
	for _, r := range b.requests[:b.nRequests] {
		for _, proxy := range b.proxies[:b.nProxies] {
			past := false
			for i := range d.Transactions {
				t := &d.Transactions[i]
				h := &d.Leg.Hops[t.Hop]
				past = past || t.Requests > 0 && t.CSeq == r.cseq && t.Method == r.method && (h.A.Addr() == proxy || h.B.Addr() == proxy)
			}
			if !past {
				return true
			}
		}
	}
	return false
}

// maxNoted bounds the kinds of messages of a leg that are looked at closely while they pass.
const maxNoted = 4

// A glanced is what is known of a transaction.
type glanced struct {
	vias      uint8 // of its request
	request   uint8 // 1 + the index of that, 0 for none, …
	challenge uint8 // … and of the challenge that it got
}

// glanceOf returns the glance at the leg of a message that is at hand.
func glanceOf(d *analysis.Detail) *glance {
	g, _ := d.Notes.(*glance)
	if g == nil {
		g = new(glance)
		d.Notes = g
	}
	if no := legNo(d.Leg); g.leg != no {
		if g.more != nil {
			*g.more = glanceOfMore{}
		}
		*g = glance{leg: no, traits: everyLeg, more: g.more}
	}
	return g
}

// see takes in a message that is at hand, with its marks.
func (g *glance) see(m *analysis.Seen, k marks) {
	if g.n++; g.n > maxGlance || m.Transaction >= maxGlanced || m.Hop >= maxWay {
		g.cut = true
		return
	}
	for i, f := range m.Fields {
		g.fields[i] |= f
	}
	g.marks |= k
	g.described = g.described || m.SDP && !(m.Request && m.Method == "INVITE" && m.ToTag == 0)
	if way := wayOfSeen(m); g.ways&(1<<way) == 0 {
		g.ways |= 1 << way
		g.way[g.nWays].way, g.way[g.nWays].first = uint8(way), uint8(g.n-1)
		g.nWays++
	}
	if m.Initial && m.Method == "INVITE" {
		g.invited |= 1 << m.Hop
	}
	g.onWire(m)
	if m.Request {
		g.ask(m, k)
	} else {
		g.respond(m, k)
	}
	g.lint(m, k)
}

// wayOfSeen numbers the ways of messages: hops, and both directions of each.
func wayOfSeen(m *analysis.Seen) int { return 2*m.Hop + toInt(m.Forward) }

// onWire gathers how a message came.
func (g *glance) onWire(m *analysis.Seen) {
	udp := m.Transport == "UDP"
	g.has(overUDP, udp)
	g.has(overTCP, m.Transport == "TCP")
	g.has(lengthOdd, m.Length != analysis.LengthRight)
	if g.n == 1 {
		g.transport = m.Transport
	}
	g.cut = g.cut || m.Partial || m.Time.IsZero() || m.Transport != g.transport
	g.has(newToBooks, udp && m.Fragmented || m.Lost != analysis.NoLoss || m.Method == "NOTIFY")
	if udp && m.Request {
		g.size(m)
	}
}

// size gathers whether a request is too large for UDP.
func (g *glance) size(m *analysis.Seen) {
	large := m.Size > maxDatagram
	if m.Transaction >= 0 && m.Method != "ACK" {
		bit := uint32(1) << m.Transaction
		g.has(newToBooks, m.Resent.Number != 0 && large != (g.large&bit != 0))
		if large {
			g.large |= bit
		}
	}
	if !large || m.Resent.Number != 0 {
		return
	}
	if x := g.rest(); x.largest.size == 0 {
		x.largest = largeRequest{m.Frame, m.Method, m.Size}
	}
}

// traitsOf returns the traits of a leg that is over: everything where something of it was not kept, or is not known
// of its messages.
func (c *Collector) traitsOf(d *analysis.Detail, g *glance) traits {
	if g == nil || g.leg != legNo(d.Leg) || int(g.n) != d.Count || g.cut || len(d.Transactions) > maxGlanced || len(d.Leg.Hops) > maxWay {
		return everything
	}
	g.over(d.Leg)
	g.has(public, c.anyPublic(d.Leg.Hops))
	g.has(lengthOdd, c.skipped)
	var x passes
	tangles := !isChain(d.Leg.Hops)
	for i := range d.Transactions {
		t := &d.Transactions[i]
		g.transaction(t)
		g.has(newToBooks, g.large&(1<<i) != 0 && t.Status == 0 && t.Provisional.IsZero())
		tangles = tangles || t.Method != "ACK" && x.tangles(t)
	}
	g.has(tangled, tangles)
	g.named()
	g.marked()
	g.has(forwardsOdd, len(d.Leg.Hops) > 1 && (g.traits&tangled != 0 || g.unordered || g.notLowered))
	g.has(ackAstray, g.acksAstray(d.Leg.Hops))
	g.has(mayBypass, g.more != nil && g.more.bypass.holds(d))
	g.has(newToBooks, c.booksOf(d, g))
	return g.traits
}

// has adds traits if something holds.
func (g *glance) has(t traits, holds bool) {
	if holds {
		g.traits |= t
	}
}

// over gathers what is known of the leg as a whole.
func (g *glance) over(l *analysis.Leg) {
	g.has(offers, g.offered != 0)
	g.has(answerSeen, !l.Answered.IsZero() && !l.AnswerUnseen)
	acked := g.more != nil && !g.more.firstAck.IsZero() && !g.more.firstAck.After(l.Ended) && g.traits&manyTags == 0
	g.has(calledHangsUp, l.ByBye && l.EndedBy == analysis.Callee && l.Ended.Sub(l.Answered) < timeout && !acked)
	g.has(invited, !l.Invited.IsZero())
	g.has(slow, !l.Invited.IsZero() && takesLong(l))
	timer := g.fields.Has(sipmsg.SessionExpires)
	g.has(timerRuns, timer && g.timerOdd)
	if !timer {
		g.traits &^= timerHeld
	}
	if m := l.Media; m != nil {
		plain := isPlain(m)
		g.has(notPlain, !plain && !g.isAlone(m))
		g.has(plainDeal, plain && isPlainDeal(l))
		g.has(plainEvents, plain && isPlainEvents(l))
		g.has(held, !m.HeldAt.IsZero())
		g.has(describedMore, m.Descriptions > 2)
	} else {
		g.traits &^= agreed
	}
}

// takesLong reports whether slow-setup may have something to say of a leg.
func takesLong(l *analysis.Leg) bool {
	at := setUpAt(l)
	if at.IsZero() || at.Sub(l.Invited) > slowDelay {
		return !at.IsZero()
	}
	d, ok := l.RingTime()
	return l.Answered.IsZero() && !l.Rung.IsZero() && (!ok || d > time.Minute)
}

// isAlone reports whether all that a leg describes is one plain offer, which nobody answers.
func (g *glance) isAlone(m *analysis.Media) bool {
	const few = 8 // lines, of which none is left out
	if g.described || m.Descriptions > 1 || len(m.Lines) > few {
		return false
	}
	for i := range m.Lines {
		if m.Lines[i].Proto != "RTP/AVP" {
			return false
		}
	}
	return true
}

// acksAstray reports whether an ACK may go elsewhere than to where a 2xx to an INVITE came from that its sender got.
func (g *glance) acksAstray(hops []analysis.Hop) bool {
	for a := g.acks; a != 0; a &= a - 1 {
		src, dst := endsOf(hops, bits.TrailingZeros32(a))
		for b := g.answers; b != 0; b &= b - 1 {
			if from, to := endsOf(hops, bits.TrailingZeros32(b)); src == to && dst != from {
				return true
			}
		}
	}
	return false
}

// endsOf returns the ends of a way: see wayOfSeen. Inlined it would be larger, and no faster.
//
//go:noinline
func endsOf(hops []analysis.Hop, way int) (src, dst netip.Addr) {
	h := &hops[way/2]
	if way%2 == 0 {
		return h.B.Addr(), h.A.Addr()
	}
	return h.A.Addr(), h.B.Addr()
}

// isChain reports whether each hop goes on where the one before ends, and none comes back.
func isChain(hops []analysis.Hop) bool {
	if len(hops) > maxChain {
		return false
	}
	for i := range hops {
		h := &hops[i]
		if len(hops) > 1 && h.A.Addr() == h.B.Addr() || i > 0 && h.A.Addr() != hops[i-1].B.Addr() {
			return false
		}
		for _, x := range hops[:i] {
			if h.B.Addr() == x.A.Addr() || h.B.Addr() == x.B.Addr() {
				return false
			}
		}
	}
	return true
}

// transaction gathers what a transaction came to.
func (g *glance) transaction(t *analysis.Transaction) {
	if t.Status >= 300 {
		g.traits |= traitsOfStatus(t.Status)
	}
	switch t.Method {
	case "INVITE":
		g.invite(t)
	case "ACK":
		return
	case "CANCEL":
		g.traits |= cancels
	case "REFER", "NOTIFY": // whose REFER may be missing
		g.traits |= transferred
	}
	if t.Requests == 0 {
		return
	}
	if t.Method != "INVITE" {
		g.traits |= otherRequests
		g.has(unanswered, gaveUp(t))
	}
	g.has(dialogAnswered, !t.Initial && t.Status != 0 && needsDialog(t.Method))
}

// invite gathers what an INVITE came to.
func (g *glance) invite(t *analysis.Transaction) {
	g.has(invites, t.Requests > 0)
	g.has(invitesAgain, t.Requests > 1)
	g.has(cancelled, t.Cancelled)
	switch {
	case t.Status/100 == 2:
		g.traits |= accepted
		g.has(acceptedFirst, t.Initial)
		g.has(unacked, !t.Acked || t.Finals > 1)
	case t.Status >= 300:
		g.traits |= refused
		g.has(refusedUnacked, t.Finals > 1 && (!t.Acked || t.LastFinal.After(t.AckTime)))
	}
	if t.Initial && !t.Provisional.IsZero() {
		g.traits |= initialPending
		g.has(initialWaits, t.Status == 0 || t.Answered.Sub(t.Provisional) >= time.Minute)
	}
}

// passes are the ways that requests took: those of each hop, in each direction.
type passes [2][maxChain]uint64

// tangles takes in the way of a request, and reports whether that is tangled. Along a chain of hops each request sees each one once,
// in order and in one direction.
func (x *passes) tangles(t *analysis.Transaction) (tangled bool) {
	request := uint64(1) << requestKey(t.CSeq, t.Method)
	way, other := &x[toInt(t.Forward)], &x[toInt(!t.Forward)]
	for h := range way {
		tangled = tangled || other[h]&request != 0 || h == t.Hop && way[h]&request != 0
		tangled = tangled || way[h]&request != 0 && (h > t.Hop) == t.Forward
	}
	if t.Hop < maxChain {
		way[t.Hop] |= request
	}
	return tangled
}

// requestKey tells requests apart, as far as six bits do. Where two have one key on a hop, they are
// tangled.
func requestKey(cseq uint32, method string) uint32 {
	if len(method) > 0 { // the methods of calls have first letters of their own
		cseq = cseq<<3 ^ uint32(method[0])*5>>1
	}
	return cseq & 63
}

// lowers notes whether a request came with a lower Max-Forwards than on the hop before.
func (g *glance) lowers(m *analysis.Seen) {
	left := &g.left[requestKey(m.CSeq, m.Method)]
	now := uint8(min(max(m.MaxForwards, 0), math.MaxUint8))
	g.notLowered = g.notLowered || *left != 0 && now >= *left
	*left = now
}

// anyPublic reports whether a message of a leg may come from a public address, or go to one.
func (c *Collector) anyPublic(hops []analysis.Hop) bool {
	for i := range hops {
		if h := &hops[i]; c.isPublic(h.A.Addr()) || c.isPublic(h.B.Addr()) {
			return true
		}
	}
	return len(hops) > maxChain // the last one of very many stands for others, too
}

// lint gathers whether lint may have something to say of a message.
func (g *glance) lint(m *analysis.Seen, k marks) {
	if m.Resent.Number != 0 {
		return
	}
	g.has(faulty, !faultless(m) || looksClosely(m) != (k&judgedClosely != 0))
	g.has(faulty, !m.Request && m.Transaction >= 0 && m.Vias > g.of[m.Transaction].vias) // also if that was not captured
}

// marked gathers what the marks of messages say.
func (g *glance) marked() {
	g.has(faulty, g.marks&oddClosely != 0)
	g.has(viaUnlike, g.marks&strangeVia != 0)
	g.has(contactInvalid, g.marks&invalidContact != 0)
	g.has(callerUnlike, g.marks&oddCaller != 0)
	g.has(oddRefusal, g.marks&shortAgain != 0)
}

// traitsOfStatus returns what a final response of 300 and over says.
func traitsOfStatus(status int) (t traits) {
	switch status {
	case 422, 481, 482, 483, 491:
		return oddRefusal
	case 488, 606:
		return mediaRefused
	}
	switch {
	case status < 400:
		return diverted
	case isUnsupported(status):
		return unsupportedAsked
	case isIdentityStatus(status):
		return identified
	}
	return 0
}

// ask gathers what a request shows.
func (g *glance) ask(m *analysis.Seen, k marks) {
	g.traits |= wholeRequest
	g.has(forwardsOdd, m.MaxForwards <= 0 || m.MaxForwards > defaultMaxForwards)
	inside := m.ToTag != 0
	switch m.Method {
	case "ACK":
		x := g.rest()
		switch {
		case g.answers == 0:
			x.earlyAck = m.CSeq
		case m.CSeq == x.answered && (x.firstAck.IsZero() || m.Time.Before(x.firstAck)):
			x.firstAck = m.Time
		}
		g.acks |= 1 << wayOfSeen(m)
		g.has(unacked, g.answers != 0 && m.ToTag != g.tag)
		return
	case "CANCEL":
		g.traits |= cancels
	case "INVITE":
		g.invitation(m, k)
	default:
		if inside {
			g.number(m)
		}
		if m.Method == "BYE" && !g.bye {
			g.bye = true
			g.has(timerHeld, g.timed)
			g.timerOdd = g.timerOdd || g.timed && m.Time.Sub(g.more.first2xx) >= longInterval-timeout-2*time.Second
		}
	}
	g.has(reoffers, inside && m.SDP)
	g.has(mayBypass, inside && g.traits&recorded == 0 && g.fields.Has(sipmsg.RecordRoute) && g.invited&(1<<m.Hop) == 0)
	if g.traits&recorded != 0 && m.Vias == 1 && m.Resent.Number == 0 && m.Method != "CANCEL" && inDialogOf(g.more.dialog[0], g.more.dialog[1], m) {
		if !comesPast(g.more.record, g.more.answer, m, k, g.invited&(1<<m.Hop) != 0) {
			g.more.bypass.request(m, k)
		}
	}
	if m.Transaction < 0 {
		return
	}
	g.traits |= wholeAsks
	bit := uint32(1) << m.Transaction
	if g.asked&bit != 0 {
		g.cut = g.cut || m.Resent.Number == 0 // it came back
		return
	}
	g.asked |= bit
	g.of[m.Transaction].vias, g.of[m.Transaction].request = m.Vias, uint8(g.n)
	if hasCredentials(m) {
		g.given |= bit
	}
	if m.Method != "CANCEL" { // of which each hop makes one of its own
		g.lowers(m)
	}
	if m.SDP && (m.Method == "INVITE" || m.Method == "UPDATE") {
		g.offered |= bit
	}
}

// invitation gathers what an INVITE shows.
func (g *glance) invitation(m *analysis.Seen, k marks) {
	g.has(invitesOverUDP, m.Transaction >= 0 && m.Transport == "UDP")
	g.has(firstINVITE, m.ToTag == 0)
	g.has(reINVITE, m.ToTag != 0)
	g.has(withoutOffer, !m.SDP)
	g.number(m)
	if namesCaller(m) && isInitialINVITE(m) {
		g.traits |= callerNamed
		g.has(callerUnlike, k&judgedCaller == 0)
	}
}

// number notes the CSeq number of a request inside of a dialog, or of one that makes it.
func (g *glance) number(m *analysis.Seen) {
	if m.Resent.Number != 0 || m.FromTag == 0 || m.Quirks&sipmsg.QuirkCSeq != 0 {
		return
	}
	g.has(inDialog, m.ToTag != 0)
	highest := &g.highest[toInt(m.Forward)]
	g.has(cseqFalls, m.CSeq < *highest)
	*highest = max(*highest, m.CSeq)
}

// respond gathers what a response shows.
func (g *glance) respond(m *analysis.Seen, k marks) {
	if m.Status <= 100 {
		return
	}
	if m.Status >= 300 {
		g.traits |= traitsOfStatus(m.Status)
	}
	if m.Status/100 == 2 && (m.Method == "INVITE" || m.Method == "UPDATE") {
		g.accept(m, k)
	}
	if m.Transaction < 0 {
		return
	}
	bit := uint32(1) << m.Transaction
	if g.asked&bit == 0 {
		g.unordered = true
		g.traits |= answerOdd
		g.cut = g.cut || m.Method == "INVITE" // whether it is a first one may show later
	}
	if isChallenge(m.Status) && m.Resent.Number == 0 {
		of := &g.of[m.Transaction]
		g.cut = g.cut || of.challenge != 0
		of.challenge = uint8(g.n)
	}
	if m.Method == "INVITE" && m.Initial {
		g.fork(m)
	}
}

// accept gathers what a 2xx to an INVITE or UPDATE shows.
func (g *glance) accept(m *analysis.Seen, k marks) {
	invite := m.Method == "INVITE"
	if invite {
		if g.answers == 0 {
			g.rest().answered = m.CSeq
		}
		g.answers |= 1 << wayOfSeen(m)
		g.has(ackAstray, k&contactUsual == 0)
		g.has(unacked, g.more != nil && g.more.earlyAck == m.CSeq)
		g.has(answeredWhole, m.Resent.Number == 0 && m.Transaction >= 0)
		if m.Fields.Has(sipmsg.RecordRoute) && g.traits&recorded == 0 {
			g.traits |= recorded
			x := g.rest()
			x.record, x.answer, x.dialog = k, hostsOf(m.Source, m.Destination), [2]uint64{m.FromTag, m.ToTag}
			g.has(mayBypass, k&looseRecord == 0)
		}
	}
	if m.Resent.Number != 0 {
		return
	}
	if x := g.rest(); !g.timed || m.Time.Before(x.first2xx) {
		x.first2xx = m.Time
	}
	g.timed = true
	g.timerOdd = g.timerOdd || k&longTimer == 0
	if m.Transaction >= 0 {
		g.has(answerOdd, !m.SDP)
		g.has(agreed, g.offered&(1<<m.Transaction) != 0)
	}
}

// fork gathers who answers a first INVITE.
func (g *glance) fork(m *analysis.Seen) {
	if m.ToTag != 0 {
		g.has(manyTags, g.tag != 0 && g.tag != m.ToTag)
		g.tag = m.ToTag
	}
	if m.SDP && m.Status < 200 {
		x := g.rest()
		if x.early.Number == 0 {
			x.early, x.earlyTag = m.Frame, m.ToTag
		}
		g.has(manyTags, x.earlyTag != m.ToTag)
	}
}

// named gathers what the names of header fields say.
func (g *glance) named() {
	f := &g.fields
	g.has(hasReason, f.Has(sipmsg.Reason))
	g.has(transferred, f.Has(sipmsg.Replaces))
	g.has(diverted, f.Has(sipmsg.HistoryInfo) || f.Has(sipmsg.Diversion))
	g.has(identified, f.Has(sipmsg.Identity))
	g.has(hasRSeq, f.Has(sipmsg.RSeq))
	g.has(mediaRefused, f.Has(sipmsg.Warning))
}
