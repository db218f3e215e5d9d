package findings

import (
	"time"

	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/sipmsg"
)

// traits are what a leg shows at a glance. They are gathered once, in one pass over its
// transactions and messages and without a look at their octets: marks say what is in them. They decide which rules are asked
// about the leg: see Rule.needs. A trait may be there without need, where that is cheaper to find
// out; one that a rule counts by has to be exact.
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
	refusedUnacked // … twice or more, without an ACK
	cancelled      // one was cancelled
	answerSeen     // the call was answered, in a 2xx that was captured
	calledHangsUp  // the called side sent the BYE
	setsTimer      // a 2xx has Session-Expires
	firstINVITE    // one without To tag
	reINVITE       // one with a To tag
	manyTags       // several To tags answer first ones

	// Of other requests.
	otherRequests  // one other than INVITE and ACK was captured …
	unanswered     // … without a final response
	inDialog       // one that has a CSeq number of its own, inside of a dialog …
	cseqFalls      // … or the INVITE that makes it, may have a number that is too low
	dialogAnswered // one that only a dialog has was answered
	cancels
	refers
	tangled // one may have come to a host twice

	// Of requests and responses of whatever kind.
	asks         // a whole request other than ACK
	wholeRequest // ACK as well
	maxForwardsOdd
	notLowered // a host may have passed on a Max-Forwards as it was
	notUDP
	status422
	status481
	status482
	status483
	status491
	identityRefused
	redirected
	unsupportedAsked
	hasReason
	hasReplaces
	hasDiversions
	hasIdentity
	hasRSeq
	public         // one end of a hop is on the Internet
	faulty         // lint may have something to say
	viaUnlike      // a Via names another host than the request came from
	contactInvalid // a Contact may be of a host that cannot be
	callerNamed    // a first INVITE names the caller beside From …
	callerUnlike   // … and in another way

	// Of session descriptions.
	notPlain      // they are more than an offer and an answer that fits
	reoffers      // a request inside of a dialog has one
	withoutOffer  // an INVITE has none
	bareAnswer    // a 2xx to an INVITE or UPDATE has none
	agreed        // an offer was answered 2xx
	unordered     // a response stands before its request
	mediaRefused  // an INVITE or UPDATE was refused for the sake of media
	held          // audio was put on hold
	describedMore // there are three or more

	everything = ^traits(0)
)

const (
	// maxGlance bounds the messages of a leg that traits are gathered of, maxGlanced its
	// transactions. All rules are asked about what is longer.
	maxGlance  = 64
	maxGlanced = 64

	// maxChain bounds the hops of a leg that are known for a chain.
	maxChain = 4
)

// A glance gathers the traits of a leg.
type glance struct {
	*analysis.Detail
	traits
	fields  sipmsg.FieldSet // of all messages
	marks   marks           // likewise
	vias    [maxGlanced]uint8
	tag     uint64    // To tag of the responses to first INVITEs
	asked   uint64    // transactions whose request came, by index …
	offered uint64    // … and those whose request offers a session
	highest [2]uint32 // CSeq numbers of each direction
	passed  [2][maxChain]uint64
	left    [64]int16 // Max-Forwards of requests where they were seen last; 0 for nowhere
}

// traitsOf returns the traits of a leg: everything where something of it was not kept.
func (c *Collector) traitsOf(d *analysis.Detail) traits {
	if len(d.Messages) > maxGlance || len(d.Transactions) > maxGlanced {
		return everything
	}
	g := glance{Detail: d, traits: everyLeg}
	g.leg()
	g.has(public, c.anyPublic(d.Leg.Hops))
	for i := range d.Transactions {
		g.transaction(&d.Transactions[i])
	}
	for i := range d.Messages {
		m := &d.Messages[i]
		if d.Octets(i) == nil {
			return everything
		}
		for k, f := range m.Fields {
			g.fields[k] |= f
		}
		g.marks |= marks(m.Marks)
		if m.Transport != "UDP" {
			g.traits |= notUDP
		}
		if m.Request {
			g.request(m)
		} else {
			g.response(m)
		}
		g.lint(m)
	}
	g.named()
	g.marked()
	g.has(notLowered, len(d.Leg.Hops) > 1 && g.traits&(tangled|unordered) != 0)
	return g.traits
}

// has adds traits if something holds.
func (g *glance) has(t traits, holds bool) {
	if holds {
		g.traits |= t
	}
}

// leg gathers what is known of the leg as a whole.
func (g *glance) leg() {
	l := g.Leg
	g.has(answerSeen, !l.Answered.IsZero() && !l.AnswerUnseen)
	g.has(calledHangsUp, l.ByBye && l.EndedBy == analysis.Callee)
	g.has(tangled, !isChain(l.Hops))
	if m := l.Media; m != nil {
		g.has(notPlain, !isPlain(m))
		g.has(held, !m.HeldAt.IsZero())
		g.has(describedMore, m.Descriptions > 2)
	}
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
	case "REFER":
		g.traits |= refers
	}
	g.pass(t)
	if t.Requests == 0 {
		return
	}
	if t.Method != "INVITE" {
		g.traits |= otherRequests
		g.has(unanswered, t.Status == 0)
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
		g.has(refusedUnacked, !t.Acked && t.Finals > 1)
	}
	if t.Initial && !t.Provisional.IsZero() {
		g.traits |= initialPending
		g.has(initialWaits, t.Status == 0 || t.Answered.Sub(t.Provisional) >= time.Minute)
	}
}

// pass notes the way of a request. Along a chain of hops each one sees it once, in order and in
// one direction: else it is tangled.
func (g *glance) pass(t *analysis.Transaction) {
	if g.traits&tangled != 0 {
		return
	}
	request := uint64(1) << requestKey(t)
	way, other := &g.passed[toInt(t.Forward)], &g.passed[toInt(!t.Forward)]
	for h := range way {
		again := other[h]&request != 0 || h == t.Hop && way[h]&request != 0
		again = again || way[h]&request != 0 && (h > t.Hop) == t.Forward
		g.has(tangled, again)
	}
	way[t.Hop] |= request
}

// requestKey tells requests apart, as far as six bits do. Where two have one key on a hop, they are
// tangled.
func requestKey(t *analysis.Transaction) uint32 { return (t.CSeq + uint32(len(t.Method))) & 63 }

// lowers notes whether a request came with a lower Max-Forwards than on the hop before.
func (g *glance) lowers(t *analysis.Transaction, m *analysis.Seen) {
	left := &g.left[requestKey(t)]
	g.has(notLowered, *left != 0 && m.MaxForwards >= *left)
	*left = m.MaxForwards
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
func (g *glance) lint(m *analysis.Seen) {
	if m.Partial || m.Resent.Number != 0 {
		return
	}
	g.has(faulty, !faultless(m) || looksClosely(m) != (marks(m.Marks)&judgedClosely != 0))
	g.has(faulty, !m.Request && m.Transaction >= 0 && m.Vias > g.vias[m.Transaction]) // also if that was not captured
}

// marked gathers what the marks of messages say.
func (g *glance) marked() {
	g.has(faulty, g.marks&oddClosely != 0)
	g.has(viaUnlike, g.marks&strangeVia != 0)
	g.has(contactInvalid, g.marks&invalidContact != 0)
	g.has(callerUnlike, g.marks&oddCaller != 0)
}

// traitsOfStatus returns what a final response of 300 and over says.
func traitsOfStatus(status int) (t traits) {
	switch status {
	case 422:
		return status422
	case 481:
		return status481
	case 482:
		return status482
	case 483:
		return status483
	case 488, 606:
		return mediaRefused
	case 491:
		return status491
	}
	switch {
	case status < 400:
		return redirected
	case isUnsupported(status):
		return unsupportedAsked
	case isIdentityStatus(status):
		return identityRefused
	}
	return 0
}

// request gathers what a request shows.
func (g *glance) request(m *analysis.Seen) {
	if !m.Partial {
		g.traits |= wholeRequest
		g.has(maxForwardsOdd, m.MaxForwards <= 0 || m.MaxForwards > defaultMaxForwards)
	}
	inside := m.ToTag != 0
	var t *analysis.Transaction
	if m.Transaction >= 0 {
		t = &g.Transactions[m.Transaction]
		g.has(invitesOverUDP, t.Method == "INVITE" && t.Requests > 0)
	}
	switch m.Method {
	case "ACK":
		return
	case "CANCEL":
		g.traits |= cancels
	case "INVITE":
		g.has(firstINVITE, !inside)
		g.has(reINVITE, inside)
		g.has(withoutOffer, !m.SDP)
		g.number(m)
		if namesCaller(m) && isInitialINVITE(m) {
			g.traits |= callerNamed
			g.has(callerUnlike, marks(m.Marks)&judgedCaller == 0)
		}
	default:
		if inside {
			g.number(m)
		}
	}
	g.has(reoffers, inside && m.SDP)
	if t == nil {
		return
	}
	g.has(asks, !m.Partial)
	if bit := uint64(1) << m.Transaction; g.asked&bit == 0 {
		g.asked |= bit
		g.vias[m.Transaction] = m.Vias
		if m.Partial {
			return
		}
		g.lowers(t, m)
		if m.SDP && (t.Method == "INVITE" || t.Method == "UPDATE") {
			g.offered |= bit
		}
	}
}

// number notes the CSeq number of a request inside of a dialog, or of one that makes it.
func (g *glance) number(m *analysis.Seen) {
	if m.Resent.Number != 0 || m.Partial || m.FromTag == 0 || m.Quirks&sipmsg.QuirkCSeq != 0 || m.Method == "CANCEL" {
		return
	}
	g.has(inDialog, m.ToTag != 0)
	highest := &g.highest[toInt(m.Forward)]
	g.has(cseqFalls, m.CSeq < *highest)
	*highest = max(*highest, m.CSeq)
}

// response gathers what a response shows.
func (g *glance) response(m *analysis.Seen) {
	if m.Status <= 100 {
		return
	}
	if m.Status >= 300 {
		g.traits |= traitsOfStatus(m.Status)
	}
	g.has(setsTimer, m.Status/100 == 2 && m.Fields.Has(sipmsg.SessionExpires))
	if m.Transaction < 0 {
		return
	}
	t, bit := &g.Transactions[m.Transaction], uint64(1)<<m.Transaction
	g.has(unordered, g.asked&bit == 0)
	if m.Status/100 == 2 && !m.Partial && m.Resent.Number == 0 && (t.Method == "INVITE" || t.Method == "UPDATE") {
		g.has(bareAnswer, !m.SDP)
		g.has(agreed, g.offered&bit != 0 && g.Leg.Media != nil)
	}
	if m.Method == "INVITE" && t.Initial && m.ToTag != 0 {
		g.has(manyTags, g.tag != 0 && g.tag != m.ToTag)
		g.tag = m.ToTag
	}
}

// named gathers what the names of header fields say.
func (g *glance) named() {
	f := &g.fields
	g.has(hasReason, f.Has(sipmsg.Reason))
	g.has(hasReplaces, f.Has(sipmsg.Replaces))
	g.has(hasDiversions, f.Has(sipmsg.HistoryInfo) || f.Has(sipmsg.Diversion))
	g.has(hasIdentity, f.Has(sipmsg.Identity))
	g.has(hasRSeq, f.Has(sipmsg.RSeq))
	g.has(mediaRefused, f.Has(sipmsg.Warning))
}
