package analysis

import (
	"hash/maphash"
	"time"

	"github.com/sipsight/sipsight/internal/dissect"
	"github.com/sipsight/sipsight/sipmsg"
)

// A liveLeg is what is known of a leg while it is followed.
type liveLeg struct {
	leg        *Leg
	call       int // the number of its Call-ID
	prev, next *liveLeg
	list       *legList
	trans      []liveTransaction
	keys       []uint64 // under which the joiner knows it
	joined     int64    // in which place its first INVITE came
	attempts   []attempt
	invited    bool                 // an initial INVITE was seen
	hasBye     bool                 // a BYE ended it
	byeTaken   bool                 // a BYE was accepted
	over       bool                 // ended: by a BYE, or by the final response of the last attempt
	midDialog  bool                 // a request inside of a confirmed dialog was seen, and no INVITE before it
	pracked    bool                 // a PRACK was seen, and no INVITE before it
	seen       []liveMessage        // for its Detail
	astray     []Hop                // the addresses of those that are astray
	notes      any                  // Detail.Notes
	pages      [][]byte             // their octets …
	octets     int                  // … and how many
	bodies     [maxBodies]described // the last session descriptions
	said       [Server + 1]uint64   // hash of the last session description of each side …
	saidBy     [Server + 1]uint64   // … and of the tag of who said it
	nBodies    int
	nSpeeches  int
	speeches   [maxSpeeches]speech
	offered    offered
	further    []forkAnswer
	acked      uint64 // the set of indices of dialogs with an ACK
	steps      bool   // its messages are kept
	paired     bool   // it is one of a candidate of the joiner
	moved      bool   // what came first was of a further hop
	forgot     int64  // behind the highest CSeq number of transactions that were forgotten
}

// maxSpareLegs bounds the finished legs in whose place others may come.
const maxSpareLegs = 256

// newLive returns a liveLeg that holds nothing.
func (t *tracker) newLive() *liveLeg {
	n := len(t.spare)
	if n == 0 {
		return new(liveLeg)
	}
	v := t.spare[n-1]
	t.spare = t.spare[:n-1]
	return v
}

// clear makes v hold nothing, and keep what little room it has left.
func (v *liveLeg) clear() {
	clear(v.attempts)
	*v = liveLeg{attempts: v.attempts[:0], keys: v.keys[:0], pages: v.pages[:0], notes: v.notes}
}

// isNewInvite reports whether no INVITE of that branch went between these addresses: after
// a BYE it is of another call then, though a careless program gave it the tag and number
// of the last one.
func (v *liveLeg) isNewInvite(x *seen) bool {
	for i := range v.trans {
		tr := &v.trans[i]
		if tr.method != "INVITE" || tr.key != x.key {
			continue
		}
		if ok, _ := v.leg.Hops[tr.hop].pairs(x.m.Src, x.m.Dst); ok {
			return false
		}
	}
	return true
}

// newLeg begins a leg with its first message. old is the one of the same Call-ID that is
// followed, nil for none.
func (t *tracker) newLeg(x *seen, old *liveLeg) *liveLeg {
	if t.legs.len() >= t.most.legs {
		t.overLegs = true
		return nil
	}
	s := x.s
	l := t.legs.fresh()
	l.CallID, l.FromTag = t.callID(x), string(capped(x.from, maxKept))
	l.goes(x)
	l.Begin, l.First, l.ByeTook = x.now, x.frame, -1
	if old != nil {
		t.finish(old)
	}
	l.From, l.To = t.uri(s, sipmsg.From), t.uri(s, sipmsg.To)
	v := t.newLive()
	v.leg, v.call, v.steps = l, x.call, t.steps && (t.stepsOf == nil || t.stepsOf(l.CallID))
	l.live = v
	t.legs.add(l)
	t.setLeg(x, l)
	t.nLive++
	t.wait.push(v)
	if t.nLive > t.most.live {
		t.evict()
	}
	return v
}

// goes says that a message is of the first hop of a leg.
func (l *Leg) goes(x *seen) {
	l.Source, l.Destination, l.Transport = x.m.Src, x.m.Dst, x.m.Transport.String()
	if !x.s.IsRequest() { // the request went the other way
		l.Source, l.Destination = x.m.Dst, x.m.Src
	}
}

// take takes in a message of a leg that is followed.
func (t *tracker) take(v *liveLeg, x *seen) {
	l := v.leg
	l.Messages++
	l.reaches(x)
	t.agent(l, x.s)
	x.transaction = -1
	x.hop, x.forward = v.hop(x.m)
	if x.s.IsRequest() {
		t.request(v, x)
	} else {
		t.response(v, x)
	}
	if x.resent.Number != 0 {
		l.Retransmissions++
	}
	if len(x.s.Body) > 2 {
		t.media(v, x)
	}
	if x.s.StatusCode >= 300 && v.leg.Media != nil {
		v.leg.Media.refuse(v, x)
	}
	if v.steps {
		t.step(v, x)
	}
	if t.rules.finished != nil {
		t.keep(v, x)
	}
	t.file(v)
}

// reaches takes in when a message of the leg came: one that waited for segments may be known behind later ones.
// A clock that was set back is none of that.
func (l *Leg) reaches(x *seen) {
	l.ends(x)
	if x.frame.precedes(l.First) && x.now.Before(l.Begin) && !x.now.IsZero() {
		l.Begin, l.First = x.now, x.frame
	}
}

// ends takes in that a message came last, unless it waited for longer than one that is known.
func (l *Leg) ends(x *seen) {
	if x.frame.precedes(l.LastFrame) && x.now.Before(l.Last) {
		return
	}
	l.LastFrame = x.frame
	if !x.now.IsZero() {
		l.Last = x.now
	}
}

// precedes reports whether a packet stands ahead of another one of its file.
func (f Frame) precedes(other Frame) bool { return f.File == other.File && f.Number < other.Number }

// settled reports whether nothing is open: every request was answered, and every final
// response to an INVITE acknowledged.
func (v *liveLeg) settled() bool {
	if !v.hasBye && v.asksAgain() { // credentials may have to be typed
		return false
	}
	for i := range v.trans {
		tr := &v.trans[i]
		if tr.status == 0 || tr.method == "INVITE" && !tr.acked {
			return false
		}
	}
	for i := range v.leg.Dialogs { // a phone that still rings may answer
		if v.leg.Dialogs[i].State == DialogEarly {
			return false
		}
	}
	return true
}

// agent notes the user agent.
func (t *tracker) agent(l *Leg, s *sipmsg.Message) {
	ua, ok := s.First(sipmsg.UserAgent)
	if !ok {
		ua, _ = s.First(sipmsg.Server)
	}
	if len(ua) == 0 || len(l.UserAgents) == maxAgents {
		return
	}
	ua = capped(unfolded(ua), maxKept)
	for _, known := range l.UserAgents {
		if known == string(ua) {
			return
		}
	}
	if l.UserAgents == nil {
		l.UserAgents = make([]string, 0, 2)
	}
	l.UserAgents = append(l.UserAgents, t.names.string(ua))
}

// hop returns the index of the hop between two addresses and whether the message goes
// from its A to its B.
func (v *liveLeg) hop(m *dissect.Message) (i int, forward bool) {
	l := v.leg
	for i := range l.Hops {
		if ok, forward := l.Hops[i].pairs(m.Src, m.Dst); ok {
			return i, forward
		}
	}
	if len(l.Hops) == maxHops {
		return maxHops - 1, true
	}
	l.Hops = append(l.Hops, Hop{m.Src, m.Dst})
	return len(l.Hops) - 1, true
}

// find returns the transaction of a branch and method on a hop, -1 for none: that with the CSeq number, for some use a branch again, or
// else the last one.
func (v *liveLeg) find(key uint64, method string, hop int, cseq uint32) int {
	last := -1
	for i := len(v.trans) - 1; i >= 0; i-- {
		tr := &v.trans[i]
		if tr.key != key || tr.hop != hop || tr.method != method {
			continue
		}
		if tr.cseq == cseq {
			return i
		}
		last = max(last, i)
	}
	return last
}

// begin begins a transaction.
func (t *tracker) begin(v *liveLeg, x *seen, hop int, forward bool) int {
	if len(v.trans) == maxTransactions {
		v.forget()
	}
	if len(v.trans) == cap(v.trans) {
		v.trans = t.transRooms.grow(v.trans)
	}
	v.trans = append(v.trans, liveTransaction{
		key: x.key, method: x.method, cseq: x.cseq, hop: hop, forward: forward, attempt: -1,
		sent: never, lastSent: never, provisional: never, early: never, answered: never, lastFinal: never, ackTime: never,
	})
	return len(v.trans) - 1
}

// forget makes room: of the older half of the transactions, those are forgotten that are
// over. An INVITE that still rings behind dozens of others is kept.
func (v *liveLeg) forget() {
	half := len(v.trans) / 2
	moved := make([]int, len(v.trans))
	kept := v.trans[:0]
	for i := range v.trans {
		tr := &v.trans[i]
		pending := tr.method == "INVITE" && tr.status == 0 && len(kept) < half/2
		if i < half && !pending {
			moved[i] = -1
			v.forgot = max(v.forgot, int64(tr.cseq)+1)
			continue
		}
		moved[i] = len(kept)
		kept = append(kept, *tr)
	}
	v.trans = kept
	for i := range v.attempts {
		if a := &v.attempts[i]; a.primary >= 0 {
			a.primary = int16(moved[a.primary])
		}
	}
	for i := range v.seen {
		if s := &v.seen[i]; s.transaction >= 0 {
			s.transaction = int16(moved[s.transaction])
		}
	}
}

// request takes in a request.
func (t *tracker) request(v *liveLeg, x *seen) {
	hop, forward := x.hop, x.forward
	switch x.method {
	case "ACK":
		v.ack(x, hop)
		return
	case "CANCEL":
		v.cancel(t, x, hop, forward)
	}
	i := v.find(x.key, x.method, hop, x.cseq)
	if i < 0 || v.trans[i].cseq != x.cseq || x.isRetry(int(v.trans[i].status), v.trans[i].given, instant(x.now) >= v.trans[i].answered) {
		i = t.begin(v, x, hop, forward)
	}
	tr := &v.trans[i]
	x.transaction, tr.lastSent = i, max(tr.lastSent, instant(x.now)) // a capture of several queues is not in order
	if tr.requests++; tr.requests > 1 {
		if tr.forward == forward { // else a request that loops back
			x.resent, tr.sent = tr.sentFrame, min(tr.sent, instant(x.now))
		}
		return
	}
	tr.sent, tr.sentFrame, tr.forward, tr.given = tr.lastSent, x.frame, forward, hasCredentials(x.s)
	switch {
	case len(x.to) > 0, x.method == "BYE": // elements of RFC 2543 may have no tags
		t.inDialog(v, x, i)
	case x.method == "INVITE":
		tr.initial = true
		t.invite(v, x, i)
	default:
		tr.initial = true
	}
}

// inDialog takes in a request with a To tag: transaction i.
func (t *tracker) inDialog(v *liveLeg, x *seen, i int) {
	hop := v.trans[i].hop
	d := v.dialog(x.from, x.to)
	was := DialogConfirmed
	switch {
	case d != nil:
		was = d.State
		d.Hops |= 1 << hop
	case len(x.to) > 0 && x.method != "CANCEL" && x.method != "NOTIFY": // a subscription has a dialog of its own
		v.trans[i].stray = x.method == "BYE" && v.confirmed()
		d = v.newDialog(x.from, x.to, hop)
	}
	if len(v.attempts) == 0 {
		v.running(x, d)
	} else if d != nil && was == DialogConfirmed {
		d.State = DialogConfirmed
	}
	switch x.method {
	case "BYE":
		if d != nil {
			d.State = DialogTerminated
		}
		if !v.trans[i].stray && (d == nil || !v.goesOn(d, was)) {
			v.bye(t, x)
		}
	case "REFER":
		t.linker.refer(t, v, x, v.refer(t, x, hop))
	case "NOTIFY":
		v.notify(x)
	}
}

// running takes in a request inside of a dialog that nothing before it is known of. PRACK,
// and UPDATE beside it, come before the answer; everything else comes behind it.
func (v *liveLeg) running(x *seen, d *Dialog) {
	v.leg.Running = true
	early := x.method == "PRACK" || x.method == "CANCEL" || x.method == "UPDATE" && v.pracked
	v.pracked = v.pracked || x.method == "PRACK"
	if early {
		return
	}
	v.midDialog = true
	if d != nil && d.State == DialogEarly {
		d.State = DialogConfirmed
	}
}

// ack finds the INVITE that an ACK is for: that of the same branch for a failure, that of
// the same CSeq number for a 2xx.
func (v *liveLeg) ack(x *seen, hop int) {
	if n := len(v.leg.Dialogs); n == 1 {
		v.acked = 1
	} else if n > 1 {
		v.ackOf(x)
	}
	best := -1
	for i := len(v.trans) - 1; i >= 0; i-- {
		tr := &v.trans[i]
		if tr.method != "INVITE" || tr.cseq != x.cseq {
			continue
		}
		if tr.key == x.key && tr.hop == hop {
			best = i
			break
		}
		if best < 0 || tr.hop == hop && v.trans[best].hop != hop {
			best = i
		}
	}
	if best < 0 {
		if len(x.to) > 0 && len(v.attempts) == 0 { // of a 2xx or of a failure: nobody knows
			v.leg.Running = true
		}
		return
	}
	tr := &v.trans[best]
	x.transaction = best
	if tr.acked && tr.hop == hop && tr.ackKey == x.key {
		x.resent = tr.ackFrame
		return
	}
	tr.acked, tr.ackKey, tr.ackFrame, tr.ackTime = true, x.key, x.frame, instant(x.now)
	if tr.attempt < 0 {
		return
	}
	a, before := &v.attempts[tr.attempt], false
	switch {
	case tr.key != x.key && len(x.to) > 0:
		before, a.acked = a.acked || a.denied, true
	case tr.key == x.key && x.cookie && best == int(a.primary):
		before, a.denied = a.acked || a.denied, true
	}
	if !before {
		a.ackAt = x.now
	}
}

// ackOf notes which of several dialogs an ACK is of.
func (v *liveLeg) ackOf(x *seen) {
	if i := v.leg.dialogIndex(x.from, x.to); i >= 0 {
		v.acked |= 1 << i
	}
}

// cancel notes that an INVITE that went forward on a hop was cancelled: x is the CANCEL, which has its
// branch, or the 2xx to one.
func (v *liveLeg) cancel(t *tracker, x *seen, hop int, forward bool) {
	i := v.find(x.key, "INVITE", hop, x.cseq)
	if i < 0 {
		for j := len(v.trans) - 1; j >= 0; j-- {
			if tr := &v.trans[j]; tr.method == "INVITE" && tr.cseq == x.cseq && tr.hop == hop && tr.forward == forward {
				i = j
				break
			}
		}
	}
	if i < 0 {
		return
	}
	tr := &v.trans[i]
	tr.cancelled = true
	if tr.attempt < 0 {
		return
	}
	a := &v.attempts[tr.attempt]
	if int(a.primary) == i && (a.status == 0 || a.status == 487) { // else it came too late: section 9.2
		a.cancelled = true
		v.cause(t, x.s)
	}
}

// cancelledBefore takes in that there was a CANCEL for an INVITE that was not captured:
// transaction i.
func (v *liveLeg) cancelledBefore(x *seen, i, hop int) {
	if v.find(x.key, "CANCEL", hop, x.cseq) < 0 {
		return
	}
	tr := &v.trans[i]
	tr.cancelled = true
	if tr.attempt >= 0 && int(v.attempts[tr.attempt].primary) == i {
		v.attempts[tr.attempt].cancelled = true
	}
}

// bye takes in the BYE that ends the call, or the 2xx to it, which one that was captured out of
// order may follow.
func (v *liveLeg) bye(t *tracker, x *seen) {
	l := v.leg
	if v.hasBye && (!l.ByeUnseen || !x.s.IsRequest()) {
		if v.fromBetween(x) {
			l.EndedBy = Server
		}
		return
	}
	v.hasBye, l.ByBye, l.ByeUnseen, l.ByeStray = true, true, false, false
	l.Ended = x.now
	v.over = true
	l.EndedBy = v.sideOf(x)
	v.cause(t, x.s)
}

// fromBetween reports whether a further BYE is of a server that ends a call by itself: it sends one to either side, in the name of the other.
func (v *liveLeg) fromBetween(x *seen) bool {
	if !x.s.IsRequest() || x.s.NumValues(sipmsg.Via) != 1 || v.leg.EndedBy == NoParty || v.sideOf(x) == v.leg.EndedBy {
		return false
	}
	for i := range v.trans {
		if tr := &v.trans[i]; tr.method == "BYE" { // the one that ended the call
			h := v.leg.Hops[tr.hop]
			if !tr.forward {
				h.A, h.B = h.B, h.A
			}
			return h.A.Addr() == x.m.Src.Addr() && h.B.Addr() != x.m.Dst.Addr()
		}
	}
	return false
}

// byeUnseen takes in the 2xx to a BYE that was not captured.
func (v *liveLeg) byeUnseen(t *tracker, x *seen) {
	d, was := v.dialog(x.from, x.to), DialogConfirmed
	if d != nil {
		was, d.State = d.State, DialogTerminated
	}
	if len(v.attempts) == 0 {
		v.running(x, d)
	}
	if !v.hasBye && (d == nil || !v.goesOn(d, was)) {
		v.bye(t, x)
		v.leg.ByeUnseen = true
	}
}

// byCaller reports whether From is the caller: by its tag, or where both sides have the same
// or none by the direction on the hop.
func (v *liveLeg) byCaller(x *seen) bool {
	if string(x.from) == string(x.to) {
		return x.forward == x.s.IsRequest()
	}
	return string(x.from) == v.leg.FromTag || len(x.to) == 0 || string(x.to) != v.leg.FromTag && v.sideOf(x) == Caller
}

// sideOf returns who sent a request inside of a dialog, or that which a response answers.
func (v *liveLeg) sideOf(x *seen) Party {
	l := v.leg
	switch {
	case len(v.attempts) == 0: // who called whom was not captured
		return NoParty
	case string(x.from) == string(x.to), len(x.to) == 0:
		if x.forward == x.s.IsRequest() {
			return Caller
		}
		return Callee
	case string(x.from) == l.FromTag:
		return Caller
	case string(x.to) == l.FromTag:
		return Callee
	}
	for i := range v.attempts { // a back-to-back user agent that keeps the Call-ID
		switch v.attempts[i].fromTag {
		case string(x.from):
			return Caller
		case string(x.to):
			return Callee
		}
	}
	src := x.m.Src.Addr()
	if !x.s.IsRequest() {
		src = x.m.Dst.Addr()
	}
	if src == l.Source.Addr() && l.Source.Addr() != l.Destination.Addr() {
		return Caller
	}
	return NoParty
}

// cause keeps the Reason header field of what ended the call.
func (v *liveLeg) cause(t *tracker, s *sipmsg.Message) {
	if reason, ok := s.First(sipmsg.Reason); ok && v.leg.Cause == "" {
		v.leg.Cause = t.names.string(capped(unfolded(reason), maxKept))
	}
}

// response takes in a response.
func (t *tracker) response(v *liveLeg, x *seen) {
	hop, forward := x.hop, x.forward
	i := v.find(x.key, x.method, hop, x.cseq)
	if i < 0 {
		i = v.findByCSeq(x, hop, !forward)
	}
	if i < 0 && int64(x.cseq) < v.forgot && x.s.StatusCode >= 300 {
		return // its request was forgotten: what refuses a request that ran through 70 hosts would push out those that are known
	}
	if i < 0 { // its request was not captured
		i = t.begin(v, x, hop, !forward)
		tr := &v.trans[i]
		if x.method == "INVITE" {
			d := v.dialog(x.from, x.to)
			tr.initial = d == nil || d.State == DialogEarly || x.s.StatusCode < 200 && !v.answered()
			if len(v.attempts) > 0 && string(x.to) == v.leg.FromTag && string(x.from) != v.leg.FromTag { // the called side invites again
				tr.initial = false
				if d == nil {
					v.newDialog(x.to, x.from, hop)
				}
			}
			if tr.initial {
				t.attemptOf(v, x, i)
				v.cancelledBefore(x, i, hop)
			}
		}
	}
	tr := &v.trans[i]
	x.transaction = i
	code := x.s.StatusCode
	switch {
	case code < 200:
		v.provisional(t, x, tr, code)
	default:
		v.final(t, x, tr, code)
	}
	if x.method == "INVITE" && tr.initial {
		t.inviteAnswer(v, x, i, hop)
	}
	v.leg.ByeStray = v.leg.ByeStray || tr.stray && code >= 300 && !v.hasBye
	if tr.stray && code/100 == 2 { // it was of a dialog that the capture does not show the beginning of
		tr.stray = false
		v.bye(t, x)
	}
	if x.method == "BYE" && code >= 200 && !tr.stray {
		v.byeAnswer(code)
	}
	if code/100 == 2 && tr.requests == 0 && tr.finals == 1 {
		switch x.method {
		case "BYE":
			v.byeUnseen(t, x)
		case "CANCEL":
			v.cancel(t, x, hop, !forward)
		}
	}
	if x.method == "BYE" && code >= 200 && v.leg.ByeTook < 0 && tr.sent != never && instant(x.now) >= tr.sent {
		v.leg.ByeTook = time.Duration(instant(x.now) - tr.sent)
	}
	if x.method == "REFER" && code >= 200 {
		v.referAnswer(tr, x)
	}
}

// byeAnswer takes in the final response to a BYE. One that was accepted, on whatever hop, counts.
func (v *liveLeg) byeAnswer(code int) {
	switch l := v.leg; {
	case code < 300:
		v.byeTaken, l.ByeRefused = true, 0
	case !v.byeTaken:
		l.ByeRefused = code
	}
}

// findByCSeq finds the transaction of a response whose Via does not say it: the newest
// request of that method and CSeq number that went the other way and has no final answer.
func (v *liveLeg) findByCSeq(x *seen, hop int, forward bool) int {
	for i := len(v.trans) - 1; i >= 0; i-- {
		tr := &v.trans[i]
		if tr.cseq == x.cseq && tr.method == x.method && tr.hop == hop && tr.forward == forward && tr.status == 0 && tr.requests > 0 {
			return i
		}
	}
	return -1
}

// provisional takes in a response of 1xx.
func (v *liveLeg) provisional(t *tracker, x *seen, tr *liveTransaction, code int) {
	if tr.provisional == never {
		tr.provisional = instant(x.now)
	}
	same := maphash.Bytes(t.seed, x.s.Raw())
	if int(tr.lastStatus) == code && tr.provisionalSum == same {
		x.resent = tr.provisionalFrame
		return
	}
	tr.lastStatus, tr.provisionalSum, tr.provisionalFrame = int16(code), same, x.frame
	if code > 100 && tr.early == never {
		tr.early = instant(x.now)
	}
}

// final takes in a final response.
func (v *liveLeg) final(t *tracker, x *seen, tr *liveTransaction, code int) {
	tag := maphash.Bytes(t.seed, x.to)
	if int(tr.status) == code && tr.finalTag == tag {
		tr.finals++
		tr.lastFinal = instant(x.now)
		x.resent = tr.finalFrame
		return
	}
	if code/100 == 2 && tr.status/100 == 2 {
		v.furtherAnswer(x, tag)
		return
	}
	if tr.status == 0 || code/100 == 2 && tr.status/100 != 2 {
		t.heard(x, tr.sent)
		tr.status, tr.finals, tr.answered, tr.finalFrame, tr.finalTag = int16(code), 1, instant(x.now), x.frame, tag
		tr.lastFinal = instant(x.now)
		if code >= 300 && x.method != "CANCEL" { // which has the number of its INVITE
			v.refused(t, x)
		}
	}
}

// A forkAnswer is the 2xx of a further phone to an INVITE that another one has answered.
type forkAnswer struct {
	cseq  uint32
	hop   int32
	tag   uint64 // hash of it
	frame Frame
}

// furtherAnswer takes in a 2xx of another phone than that which answered first.
func (v *liveLeg) furtherAnswer(x *seen, tag uint64) {
	for i := range v.further {
		if f := &v.further[i]; f.cseq == x.cseq && f.hop == int32(x.hop) && f.tag == tag {
			x.resent = f.frame
			return
		}
	}
	if len(v.further) < maxDialogs {
		v.further = append(v.further, forkAnswer{x.cseq, int32(x.hop), tag, x.frame})
	}
}

// late takes in a message of a leg that is finished: it is counted, a BYE still ends a call
// that was given up, and a final response says what became of one that rang for very long.
func (l *Leg) late(t *tracker, x *seen) {
	l.Messages++
	l.ends(x) // what it begins with is packed
	if x.method == "INVITE" && !x.s.IsRequest() && x.s.StatusCode >= 200 {
		l.lateFinal(t, x)
	}
	if x.method == "BYE" && (x.s.IsRequest() || x.s.StatusCode/100 == 2) && l.State == StateConfirmed {
		l.State, l.Ended, l.ByBye, l.ByeUnseen = StateCompleted, x.now, true, !x.s.IsRequest()
		l.Unfinished, l.ByeStray = false, false
		switch {
		case string(x.from) == l.FromTag:
			l.EndedBy = Caller
		case string(x.to) == l.FromTag:
			l.EndedBy = Callee
		}
		for i := range l.Dialogs {
			l.Dialogs[i].State = DialogTerminated
		}
	}
}

// lateFinal takes in the final response to an INVITE that was no longer waited for.
func (l *Leg) lateFinal(t *tracker, x *seen) {
	if l.State != StateAbandoned && l.State != StateEarly && l.State != StateTrying {
		return
	}
	code := x.s.StatusCode
	l.FinalStatus, l.FinalReason, l.Final = code, t.names.string(capped(x.s.Reason, maxKept)), x.now
	l.EndedBy = Callee
	switch {
	case code < 300:
		l.State, l.EndedBy, l.Answered, l.Unfinished = StateConfirmed, NoParty, x.now, true
	case code < 400:
		l.State, l.Ended, l.Unfinished = StateRedirected, x.now, false
	default:
		l.State, l.Ended, l.Unfinished = StateFailed, x.now, false
	}
	for i := range l.Dialogs {
		if d := &l.Dialogs[i]; code < 300 && d.LocalTag == string(x.from) && d.RemoteTag == string(x.to) {
			d.State = DialogConfirmed
		}
	}
}

// step keeps a message for showing.
func (t *tracker) step(v *liveLeg, x *seen) {
	l := v.leg
	if len(l.Steps) >= maxSteps || t.nSteps >= t.most.steps {
		t.overSteps = true
		return
	}
	t.nSteps++
	s := x.s
	p := Step{
		Time: x.now, Frame: x.frame, From: x.m.Src, To: x.m.Dst,
		Request: s.IsRequest(), Method: x.method, CSeq: x.cseq, Resent: x.resent, Partial: x.m.Partial,
		Dialog: l.dialogIndex(x.from, x.to),
	}
	p.ToCallee = v.byCaller(x) == p.Request
	if p.Request {
		p.InDialog = len(x.to) > 0
	} else {
		p.Status = s.StatusCode
		p.Reason = t.names.string(capped(s.Reason, maxKept))
	}
	if len(s.Body) > 0 {
		ct, _ := s.First(sipmsg.ContentType)
		p.Body = t.names.string(capped(unfolded(ct), maxKept))
		if l.Media != nil && description(x.s) != nil {
			p.Media = l.Media.text(v.speaker(x))
		}
	}
	if len(l.Steps) == cap(l.Steps) {
		l.Steps = t.legs.room.grow(l.Steps)
	}
	l.Steps = append(l.Steps, p)
	for i := len(l.Steps) - 1; i > 0 && l.Steps[i].precedes(&l.Steps[i-1]); i-- { // it was known late
		l.Steps[i], l.Steps[i-1] = l.Steps[i-1], l.Steps[i]
	}
}

// precedes reports whether a message stands in front of another one in their file: one that waited for
// a TCP segment is known behind those of later packets.
func (p *Step) precedes(q *Step) bool {
	return p.Frame.File == q.Frame.File && p.Frame.Number < q.Frame.Number
}
