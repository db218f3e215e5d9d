package analysis

import (
	"hash/maphash"
	"time"

	"github.com/sipsight/sipsight/internal/dissect"
	"github.com/sipsight/sipsight/sipmsg"
)

const (
	// maxLegs bounds the legs kept in a result, finished ones included: a carrier's
	// busy hour has a few hundred thousand.
	maxLegs = 4 << 20

	// maxLive bounds the legs followed at once. The one that was quiet for longest is
	// given up; what comes later on its Call-ID is counted and no longer followed.
	maxLive = 1 << 15

	// endedWait is how long a leg is followed after its end: retransmissions and late
	// responses come within Timer H.
	endedWait = timerTimeout

	// pendingWait is how long an unanswered leg is followed after its last message:
	// Timer C, and Timer B behind it.
	pendingWait = timerC + timerTimeout

	// Of one leg: transactions followed, hops, dialogs, attempts, user agents,
	// redirections and transfers, and messages shown. A call in earnest has a dozen
	// transactions; a subscription or a session of weeks has one after the other.
	maxTransactions = 64
	maxHops         = 64
	maxDialogs      = 64
	maxAttempts     = 64
	maxAgents       = 8
	maxTransfers    = 16
	maxSteps        = 4096

	// maxAllSteps bounds the messages shown of all legs together.
	maxAllSteps = 8 << 20

	// maxReason bounds reason phrases and URIs kept, in octets; texts are shown with
	// at most 256 characters.
	maxKept = 1024
)

// A tracker makes legs of messages.
type tracker struct {
	seed   maphash.Seed
	names  interner
	steps  bool // keep the steps
	legs   map[string]*Leg
	all    []*Leg
	ended  legList // followed until endedWait is over
	wait   legList // unanswered: until pendingWait is over
	talk   legList // answered: until the end of the capture
	nLive  int
	nSteps int
	start  time.Time // the earliest and
	now    time.Time // the latest time of the messages so far

	overLegs, overLive, overSteps bool
	callless                      int64 // messages without Call-ID

	joiner joiner
	regs   registrar
	peers  peerTable
	subs   subscriptions
}

func newTracker(steps bool) *tracker {
	return &tracker{seed: maphash.MakeSeed(), steps: steps, legs: make(map[string]*Leg)}
}

// A liveLeg is what is known of a leg while it is followed.
type liveLeg struct {
	leg        *Leg
	prev, next *liveLeg
	list       *legList
	trans      []transaction
	keys       []uint64 // under which the joiner knows it
	attempts   []attempt
	lastBye    time.Time
	hasBye     bool // a BYE was seen
	over       bool // ended: by a BYE, or by the final response of the last attempt
	midDialog  bool // a request with a To tag was seen
}

// An attempt is an initial INVITE with all its forks and hops, told from others by its
// From tag and CSeq number: authentication and redirection make one more each.
type attempt struct {
	fromTag   string
	cseq      uint32
	primary   int16 // the transaction on its first hop; -1: forgotten
	vias      int16 // of primary
	answered  bool
	cancelled bool
	acked     bool      // by an ACK with a branch of its own …
	ackAt     time.Time // … at this time
	status    int       // the final response on the first hop, 0 for none
	best      int       // the best final response on any other hop
	reason    string    // phrase of status
	at        time.Time // of status
	bestAt    time.Time // of best
	ringing   bool
	finals    int  // final responses on further hops
	server    bool // the final response was made on the way: no further hop has one
}

// A seen is a message on its way through the tracker.
type seen struct {
	m      *dissect.Message
	frame  Frame
	s      *sipmsg.Message
	now    time.Time
	method string // of the CSeq, or of the request where there is none
	cseq   uint32
	from   []byte // tags
	to     []byte
	key    uint64
	resent Frame // the first copy of what is a retransmission
}

// message takes in one message. It returns the frame of the first copy where the message
// is one sent again.
func (t *tracker) message(m *dissect.Message) (resent Frame) {
	x := seen{m: m, s: m.SIP, frame: Frame{m.Ref.File, m.Ref.Frame}}
	if m.HasTime {
		x.now = m.Time
		if t.start.IsZero() || m.Time.Before(t.start) {
			t.start = m.Time
		}
		if m.Time.After(t.now) {
			t.now = m.Time
		}
		t.sweep(m.Time)
	}
	id, ok := x.s.First(sipmsg.CallID)
	if !ok || len(id) == 0 {
		t.callless++
		return resent
	}
	t.dispatch(&x, id)
	return x.resent
}

// dispatch gives a message to what it belongs to.
func (t *tracker) dispatch(x *seen, id []byte) {
	s := x.s
	_, x.cseq, _, _ = s.CSeq()
	x.method = t.methodOf(s)
	x.from, x.to = s.Tag(sipmsg.From), s.Tag(sipmsg.To)
	x.key = branchKey(t.seed, s)
	l := t.legs[string(capped(id, maxName))]
	if l == nil || t.beginsAnother(l, x) {
		if !beginsLeg(x) {
			t.other(x, id)
			return
		}
		if l = t.newLeg(x, id); l == nil {
			return
		}
	}
	switch x.method {
	case "REGISTER", "SUBSCRIBE", "PUBLISH":
		t.other(x, id) // on the Call-ID of a call, and none of its business
		return
	}
	if l.live == nil {
		l.late(x)
		return
	}
	t.take(l.live, x)
}

// methodOf returns the method that a message is about: that of its CSeq, or of the
// request itself where the CSeq says something else.
func (t *tracker) methodOf(s *sipmsg.Message) string {
	if s.IsRequest() {
		return t.method(s.Method)
	}
	_, _, _, method := s.CSeq()
	return t.method(method)
}

// method returns the name of a method without allocating where it is a known one.
func (t *tracker) method(b []byte) string {
	switch string(b) {
	case "INVITE":
		return "INVITE"
	case "ACK":
		return "ACK"
	case "BYE":
		return "BYE"
	case "CANCEL":
		return "CANCEL"
	case "REGISTER":
		return "REGISTER"
	case "OPTIONS":
		return "OPTIONS"
	case "SUBSCRIBE":
		return "SUBSCRIBE"
	case "NOTIFY":
		return "NOTIFY"
	case "PRACK":
		return "PRACK"
	case "UPDATE":
		return "UPDATE"
	case "INFO":
		return "INFO"
	case "MESSAGE":
		return "MESSAGE"
	case "REFER":
		return "REFER"
	case "PUBLISH":
		return "PUBLISH"
	}
	return t.names.string(capped(b, maxMethod))
}

// beginsLeg reports whether a message on an unknown Call-ID is of a call: an INVITE or an
// answer to one, or a request inside of a dialog that only calls have.
func beginsLeg(x *seen) bool {
	switch x.method {
	case "INVITE":
		return true
	case "BYE", "PRACK", "UPDATE":
		return true
	case "ACK":
		return len(x.to) > 0
	case "CANCEL":
		return true
	case "INFO":
		return len(x.to) > 0
	}
	return false
}

// beginsAnother reports whether a message on the Call-ID of l is of another call: an
// initial INVITE after the one of l has ended, and not one that tries again.
func (t *tracker) beginsAnother(l *Leg, x *seen) bool {
	if x.method != "INVITE" || !x.s.IsRequest() || len(x.to) > 0 {
		return false
	}
	v := l.live
	if v == nil {
		return true
	}
	if v.attempt(x.from, x.cseq) >= 0 { // another hop, or a copy that came late
		return v.hasBye && v.isNewInvite(x)
	}
	if !v.over {
		return false
	}
	if len(v.attempts) > 0 && !v.answered() && string(x.from) == l.FromTag {
		return false // tries again
	}
	return true
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

// answered reports whether any attempt was answered with a 2xx.
func (v *liveLeg) answered() bool {
	for i := range v.attempts {
		if v.attempts[i].answered {
			return true
		}
	}
	return false
}

// newLeg begins a leg with its first message.
func (t *tracker) newLeg(x *seen, id []byte) *Leg {
	if len(t.all) >= maxLegs {
		t.overLegs = true
		return nil
	}
	m, s := x.m, x.s
	l := &Leg{
		CallID:      string(capped(id, maxName)),
		Transport:   m.Transport.String(),
		Source:      m.Src,
		Destination: m.Dst,
		Begin:       x.now,
		First:       x.frame,
		ByeTook:     -1,
		FromTag:     string(capped(x.from, maxKept)),
	}
	if old := t.legs[l.CallID]; old != nil {
		l.CallID = old.CallID
		if old.live != nil {
			t.finish(old.live)
		}
	}
	l.From, l.To = t.uri(s, sipmsg.From), t.uri(s, sipmsg.To)
	if !s.IsRequest() { // the request went the other way
		l.Source, l.Destination = m.Dst, m.Src
	}
	v := &liveLeg{leg: l}
	l.live = v
	t.legs[l.CallID] = l
	t.all = append(t.all, l)
	t.nLive++
	t.wait.push(v)
	if t.nLive > maxLive {
		t.evict()
	}
	return l
}

// uri returns the URI of a header field, without its parameters.
func (t *tracker) uri(s *sipmsg.Message, id sipmsg.ID) string {
	v, ok := s.First(id)
	if !ok {
		return ""
	}
	return t.bareURI(sipmsg.ParseAddress(v).URI)
}

// bareURI returns a URI without its parameters and header fields.
func (t *tracker) bareURI(b []byte) string {
	return string(capped(bare(b), maxKept))
}

// bare cuts off the parameters and header fields of a URI. Semicolons may stand in the
// user part.
func bare(b []byte) []byte {
	at := -1
	for i, c := range b {
		if c == '@' {
			at = i
		}
		if c == '?' && at >= 0 || i > 4*maxKept {
			break
		}
	}
	for i := at + 1; i < len(b); i++ {
		if b[i] == ';' || b[i] == '?' {
			return b[:i]
		}
	}
	return b
}

// take takes in a message of a leg that is followed.
func (t *tracker) take(v *liveLeg, x *seen) {
	l := v.leg
	l.Messages++
	l.LastFrame = x.frame
	if !x.now.IsZero() {
		l.Last = x.now
	}
	t.agent(l, x.s)
	if x.s.IsRequest() {
		t.request(v, x)
	} else {
		t.response(v, x)
	}
	if x.resent.Number != 0 {
		l.Retransmissions++
	}
	if t.steps {
		t.step(v, x)
	}
	t.file(v)
}

// agent notes the user agent.
func (t *tracker) agent(l *Leg, s *sipmsg.Message) {
	ua, ok := s.First(sipmsg.UserAgent)
	if !ok {
		ua, ok = s.First(sipmsg.Server)
	}
	if !ok || len(ua) == 0 || len(l.UserAgents) == maxAgents {
		return
	}
	ua = capped(ua, maxKept)
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
func (v *liveLeg) hop(m *dissect.Message) (i uint8, forward bool) {
	l := v.leg
	for i := range l.Hops {
		if ok, forward := l.Hops[i].pairs(m.Src, m.Dst); ok {
			return uint8(i), forward
		}
	}
	if len(l.Hops) == maxHops {
		return maxHops - 1, true
	}
	l.Hops = append(l.Hops, Hop{m.Src, m.Dst})
	return uint8(len(l.Hops) - 1), true
}

// find returns the transaction of a branch and method on a hop, -1 for none.
func (v *liveLeg) find(key uint64, method string, hop uint8) int {
	for i := len(v.trans) - 1; i >= 0; i-- {
		tr := &v.trans[i]
		if tr.key == key && tr.hop == hop && tr.method == method {
			return i
		}
	}
	return -1
}

// begin begins a transaction.
func (v *liveLeg) begin(x *seen, hop uint8, forward bool) int {
	if len(v.trans) == maxTransactions {
		v.forget()
	}
	v.trans = append(v.trans, transaction{key: x.key, method: x.method, cseq: x.cseq, hop: hop, forward: forward, attempt: -1})
	return len(v.trans) - 1
}

// forget makes room: the older half of the transactions is forgotten.
func (v *liveLeg) forget() {
	n := len(v.trans) / 2
	v.trans = append(v.trans[:0], v.trans[n:]...)
	for i := range v.attempts {
		a := &v.attempts[i]
		a.primary = max(a.primary-int16(n), -1)
	}
}

// request takes in a request.
func (t *tracker) request(v *liveLeg, x *seen) {
	hop, forward := v.hop(x.m)
	switch x.method {
	case "ACK":
		v.ack(x, hop)
		return
	case "CANCEL":
		v.cancel(t, x)
	}
	i := v.find(x.key, x.method, hop)
	if i < 0 {
		i = v.begin(x, hop, forward)
	}
	tr := &v.trans[i]
	if tr.requests++; tr.requests > 1 {
		if tr.forward == forward { // else a request that loops back
			x.resent = tr.sentFrame
		}
		return
	}
	tr.sent, tr.sentFrame, tr.forward = x.now, x.frame, forward
	switch {
	case len(x.to) > 0:
		t.inDialog(v, x, hop)
	case x.method == "INVITE":
		tr.initial = true
		t.invite(v, x, i)
	default:
		tr.initial = true
	}
}

// inDialog takes in a request with a To tag.
func (t *tracker) inDialog(v *liveLeg, x *seen, hop uint8) {
	l := v.leg
	if !v.midDialog {
		v.midDialog = true
		if len(v.attempts) == 0 {
			l.Running = true
		}
	}
	switch d := v.dialog(x.from, x.to); {
	case d != nil:
		d.Hops |= 1 << hop
		if x.method == "BYE" {
			d.State = DialogTerminated
		}
	case x.method != "CANCEL":
		d := v.newDialog(x.from, x.to, hop)
		if d != nil && x.method == "BYE" {
			d.State = DialogTerminated
		} else if d != nil {
			d.State = DialogConfirmed
		}
	}
	switch x.method {
	case "BYE":
		v.bye(t, x)
	case "REFER":
		v.refer(t, x)
	case "NOTIFY":
		v.notify(x)
	}
}

// invite takes in the first copy of an initial INVITE on a hop: transaction i.
func (t *tracker) invite(v *liveLeg, x *seen, i int) {
	l := v.leg
	t.attemptOf(v, x, i)
	if l.Invited.IsZero() {
		l.Invited = x.now
	}
	if l.RequestURI == "" {
		l.RequestURI = t.bareURI(x.s.RequestURI)
		t.joiner.invite(t, v, x)
	}
}

// attemptOf finds, or begins, the attempt that an initial INVITE, or a response to one,
// belongs to: transaction i. The first hop of an attempt is the one with the fewest Vias,
// and of several the one that was seen first.
func (t *tracker) attemptOf(v *liveLeg, x *seen, i int) {
	vias := int16(0)
	for range x.s.Values(sipmsg.Via) {
		vias++
	}
	n := v.attempt(x.from, x.cseq)
	switch {
	case n < 0 && len(v.attempts) == maxAttempts:
		return
	case n < 0:
		n = len(v.attempts)
		v.attempts = append(v.attempts, attempt{fromTag: string(capped(x.from, maxKept)), cseq: x.cseq, primary: int16(i), vias: vias})
		v.leg.Attempts++
		v.over = v.hasBye
	case vias < v.attempts[n].vias:
		a := &v.attempts[n]
		a.primary, a.vias = int16(i), vias
		if a.status != 0 && !a.answered {
			a.best, a.bestAt = a.status, a.at
			a.finals++
			a.status, a.reason, a.at = 0, "", time.Time{}
			v.over = v.hasBye
		}
	}
	v.trans[i].attempt = int16(n)
}

// attempt returns the index of an attempt, -1 for none.
func (v *liveLeg) attempt(fromTag []byte, cseq uint32) int {
	for i := len(v.attempts) - 1; i >= 0; i-- {
		if a := &v.attempts[i]; a.cseq == cseq && a.fromTag == string(fromTag) {
			return i
		}
	}
	return -1
}

// dialog returns the dialog with two tags, whichever is whose, nil for none.
func (v *liveLeg) dialog(a, b []byte) *Dialog {
	l := v.leg
	for i := len(l.Dialogs) - 1; i >= 0; i-- {
		d := &l.Dialogs[i]
		if d.LocalTag == string(a) && d.RemoteTag == string(b) || d.LocalTag == string(b) && d.RemoteTag == string(a) {
			return d
		}
	}
	return nil
}

// newDialog begins a dialog; nil if there are too many.
func (v *liveLeg) newDialog(local, remote []byte, hop uint8) *Dialog {
	l := v.leg
	if len(l.Dialogs) == maxDialogs {
		return nil
	}
	if l.Dialogs == nil {
		l.Dialogs = make([]Dialog, 0, 1)
	}
	l.Dialogs = append(l.Dialogs, Dialog{LocalTag: string(capped(local, maxKept)), RemoteTag: string(capped(remote, maxKept)), Hops: 1 << hop})
	return &l.Dialogs[len(l.Dialogs)-1]
}

// ack finds the INVITE that an ACK is for: that of the same branch for a failure, that of
// the same CSeq number for a 2xx.
func (v *liveLeg) ack(x *seen, hop uint8) {
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
		if len(x.to) > 0 && len(v.attempts) == 0 {
			v.leg.Running = true
			v.midDialog = true
		}
		return
	}
	tr := &v.trans[best]
	if tr.acked && tr.hop == hop && tr.ackKey == x.key {
		x.resent = tr.ackFrame
		return
	}
	tr.acked, tr.ackKey, tr.ackFrame = true, x.key, x.frame
	if tr.key != x.key && tr.attempt >= 0 && len(x.to) > 0 {
		a := &v.attempts[tr.attempt]
		a.acked, a.ackAt = true, x.now
	}
}

// answerUnseen takes in that an attempt was answered though the capture has no final
// response to it: an ACK with a branch of its own is that of a 2xx (RFC 3261, section
// 13.2.2.4). It is called when nothing more is to come.
func (v *liveLeg) answerUnseen() {
	l := v.leg
	for i := range v.attempts {
		a := &v.attempts[i]
		if !a.acked || a.answered || a.status != 0 || a.best != 0 {
			continue
		}
		a.answered = true
		if l.Answered.IsZero() {
			l.Answered, l.AnswerUnseen = a.ackAt, true
		}
		for j := range l.Dialogs {
			if d := &l.Dialogs[j]; d.State == DialogEarly && d.LocalTag == a.fromTag {
				d.State = DialogConfirmed
			}
		}
	}
}

// cancel notes that an INVITE was cancelled. CANCEL has the branch of its INVITE.
func (v *liveLeg) cancel(t *tracker, x *seen) {
	hop, forward := v.hop(x.m)
	i := v.find(x.key, "INVITE", hop)
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
	if int(a.primary) == i {
		a.cancelled = true
		v.cause(t, x.s)
	}
}

// bye takes in the first copy of a BYE on a hop.
func (v *liveLeg) bye(t *tracker, x *seen) {
	l := v.leg
	if v.hasBye {
		return
	}
	v.lastBye, v.hasBye, l.ByBye = x.now, true, true
	l.Ended = x.now
	v.over = true
	l.EndedBy = v.sideOf(x)
	v.cause(t, x.s)
}

// sideOf returns who sent a request inside of a dialog.
func (v *liveLeg) sideOf(x *seen) Party {
	l := v.leg
	switch {
	case len(x.from) > 0 && string(x.from) == l.FromTag && len(v.attempts) > 0:
		return Caller
	case len(x.to) > 0 && string(x.to) == l.FromTag && len(v.attempts) > 0:
		return Callee
	case len(v.attempts) == 0: // who called whom was not captured
		return NoParty
	}
	for i := range v.attempts { // a back-to-back user agent that keeps the Call-ID
		switch v.attempts[i].fromTag {
		case string(x.from):
			return Caller
		case string(x.to):
			return Callee
		}
	}
	if x.m.Src.Addr() == l.Source.Addr() && l.Source.Addr() != l.Destination.Addr() {
		return Caller
	}
	return NoParty
}

// cause keeps the Reason header field of what ended the call.
func (v *liveLeg) cause(t *tracker, s *sipmsg.Message) {
	if reason, ok := s.First(sipmsg.Reason); ok && v.leg.Cause == "" {
		v.leg.Cause = t.names.string(capped(reason, maxKept))
	}
}

// response takes in a response.
func (t *tracker) response(v *liveLeg, x *seen) {
	hop, forward := v.hop(x.m)
	i := v.find(x.key, x.method, hop)
	if i < 0 {
		i = v.findByCSeq(x, hop, !forward)
	}
	if i < 0 { // its request was not captured
		i = v.begin(x, hop, !forward)
		tr := &v.trans[i]
		if x.method == "INVITE" {
			tr.initial = v.dialog(x.from, x.to) == nil
			if tr.initial {
				t.attemptOf(v, x, i)
			}
		}
	}
	tr := &v.trans[i]
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
	if x.method == "BYE" && code >= 200 && v.leg.ByeTook < 0 && !tr.sent.IsZero() && !x.now.Before(tr.sent) {
		v.leg.ByeTook = x.now.Sub(tr.sent)
	}
	if x.method == "REFER" && code >= 200 {
		v.referAnswer(tr, code)
	}
}

// findByCSeq finds the transaction of a response whose Via does not say it: the newest
// request of that method and CSeq number that went the other way and has no final answer.
func (v *liveLeg) findByCSeq(x *seen, hop uint8, forward bool) int {
	for i := len(v.trans) - 1; i >= 0; i-- {
		tr := &v.trans[i]
		if tr.cseq == x.cseq && tr.method == x.method && tr.hop == hop && tr.forward == forward && tr.status == 0 && tr.requests > 0 {
			return i
		}
	}
	return -1
}

// provisional takes in a response of 1xx.
func (v *liveLeg) provisional(t *tracker, x *seen, tr *transaction, code int) {
	same := maphash.Bytes(t.seed, x.s.Raw())
	if tr.provisional == code && tr.provisionalSum == same {
		x.resent = tr.provisionalFrame
		return
	}
	tr.provisional, tr.provisionalSum, tr.provisionalFrame = code, same, x.frame
	if code > 100 && tr.early.IsZero() {
		tr.early = x.now
	}
}

// final takes in a final response.
func (v *liveLeg) final(t *tracker, x *seen, tr *transaction, code int) {
	tag := maphash.Bytes(t.seed, x.to)
	if tr.status == code && tr.finalTag == tag {
		tr.finals++
		x.resent = tr.finalFrame
		return
	}
	if tr.status == 0 || code/100 == 2 && tr.status/100 != 2 {
		tr.status, tr.finals, tr.answered, tr.finalFrame, tr.finalTag = code, 1, x.now, x.frame, tag
	}
}

// inviteAnswer takes in a response to an initial INVITE.
func (t *tracker) inviteAnswer(v *liveLeg, x *seen, i int, hop uint8) {
	l, tr, code := v.leg, &v.trans[i], x.s.StatusCode
	if code > 100 && code < 300 && len(x.to) > 0 {
		v.earlyOrConfirmed(x, hop, code)
	}
	if code >= 180 && code < 190 && l.Ringing.IsZero() {
		l.Ringing = x.now
	}
	if code == 180 && l.Rung.IsZero() {
		l.Rung = x.now
	}
	if code > 100 && code < 200 && len(x.s.Body) > 0 {
		l.EarlyMedia = true
	}
	if tr.attempt < 0 {
		return
	}
	a := &v.attempts[tr.attempt]
	switch {
	case code < 200:
		a.ringing = a.ringing || code > 100
	case code < 300:
		a.answered = true
		v.over = v.hasBye
		if l.Answered.IsZero() {
			l.Answered = x.now
		}
		if i == int(a.primary) || a.status/100 != 2 {
			a.setFinal(t, x, code)
		}
	default:
		v.failed(t, x, a, i, code)
	}
}

// setFinal keeps the final response of the attempt on its first hop.
func (a *attempt) setFinal(t *tracker, x *seen, code int) {
	a.status, a.at = code, x.now
	a.reason = t.names.string(capped(x.s.Reason, maxKept))
}

// failed takes in a final response of 300 and over to an initial INVITE.
func (v *liveLeg) failed(t *tracker, x *seen, a *attempt, i, code int) {
	if i != int(a.primary) {
		if a.best == 0 || code/100 == 6 || code/100 < a.best/100 {
			a.best, a.bestAt = code, x.now
		}
		a.finals++
		return
	}
	if a.status != 0 {
		return
	}
	a.setFinal(t, x, code)
	a.server = len(v.leg.Hops) > 1 && a.finals == 0 && v.forwarded(a)
	v.cause(t, x.s)
	if code < 400 {
		for c := range x.s.Values(sipmsg.Contact) {
			if len(v.leg.Redirects) < maxTransfers {
				v.leg.Redirects = append(v.leg.Redirects, t.bareURI(sipmsg.ParseAddress(c).URI))
			}
		}
	}
	if a == &v.attempts[len(v.attempts)-1] {
		v.over = true
	}
	if a.answered {
		return
	}
	for j := range v.leg.Dialogs {
		d := &v.leg.Dialogs[j]
		if d.State == DialogEarly && d.LocalTag == a.fromTag {
			d.State = DialogTerminated
		}
	}
}

// forwarded reports whether the INVITE of an attempt was seen on a further hop.
func (v *liveLeg) forwarded(a *attempt) bool {
	n := 0
	for i := range v.trans {
		if tr := &v.trans[i]; tr.method == "INVITE" && tr.initial && tr.cseq == a.cseq {
			n++
		}
	}
	return n > 1
}

// earlyOrConfirmed takes in what a response to an initial INVITE says of its dialog.
func (v *liveLeg) earlyOrConfirmed(x *seen, hop uint8, code int) {
	l := v.leg
	var d *Dialog
	for i := len(l.Dialogs) - 1; i >= 0; i-- {
		if k := &l.Dialogs[i]; k.RemoteTag == string(x.to) && k.LocalTag == string(x.from) {
			d = k
			break
		}
	}
	if d == nil {
		for i := range l.Dialogs {
			if k := &l.Dialogs[i]; k.LocalTag == string(x.from) && k.Hops&(1<<hop) != 0 && k.State != DialogTerminated {
				l.Forked = true
			}
		}
		if d = v.newDialog(x.from, x.to, hop); d == nil {
			return
		}
	}
	d.Hops |= 1 << hop
	if code >= 200 && d.State == DialogEarly {
		d.State = DialogConfirmed
	}
}

// refer takes in the first copy of a REFER on a hop.
func (v *liveLeg) refer(t *tracker, x *seen) {
	l := v.leg
	target, ok := x.s.First(sipmsg.ReferTo)
	if !ok || len(l.Transfers) == maxTransfers {
		return
	}
	uri := t.bareURI(sipmsg.ParseAddress(target).URI)
	by := v.sideOf(x)
	for i := range l.Transfers {
		if r := &l.Transfers[i]; r.Target == uri && r.By == by && r.cseq == x.cseq {
			return // the next hop
		}
	}
	l.Transfers = append(l.Transfers, Transfer{Target: uri, By: by, Time: x.now, Frame: x.frame, cseq: x.cseq})
}

// referAnswer notes the final response to a REFER.
func (v *liveLeg) referAnswer(tr *transaction, code int) {
	for i := range v.leg.Transfers {
		if r := &v.leg.Transfers[i]; r.cseq == tr.cseq && r.Status == 0 {
			r.Status = code
		}
	}
}

// notify takes in what a NOTIFY says of the transfer: RFC 3515, section 2.4.4.
func (v *liveLeg) notify(x *seen) {
	l := v.leg
	if len(l.Transfers) == 0 || !sipmsg.Sniff(x.s.Body) {
		return
	}
	if code := sipfragStatus(x.s.Body); code > 0 {
		l.Transfers[len(l.Transfers)-1].Result = code
	}
}

// sipfragStatus returns the status code of a message/sipfrag body, 0 for none.
func sipfragStatus(b []byte) int {
	if len(b) < 12 || b[3] != '/' {
		return 0
	}
	i := 4
	for i < len(b) && b[i] != ' ' {
		i++
	}
	if i+4 > len(b) {
		return 0
	}
	n, ok := sipmsg.Number(b[i+1 : i+4])
	if !ok {
		return 0
	}
	return int(n)
}

// file puts a leg in the list that its state belongs to, as the newest of it.
func (t *tracker) file(v *liveLeg) {
	list := &t.wait
	switch {
	case v.over:
		list = &t.ended
	case v.answered() || v.midDialog && len(v.attempts) == 0:
		list = &t.talk
	}
	v.list.remove(v)
	list.push(v)
}

// sweep finishes the legs that nothing more is expected of.
func (t *tracker) sweep(now time.Time) {
	for v := t.ended.head; v != nil && now.Sub(v.leg.Last) > endedWait; v = t.ended.head {
		t.finish(v)
	}
	for v := t.wait.head; v != nil && now.Sub(v.leg.Last) > pendingWait; v = t.wait.head {
		t.finish(v)
	}
}

// evict gives up the leg that was quiet for longest.
func (t *tracker) evict() {
	t.overLive = true
	for _, list := range []*legList{&t.ended, &t.wait, &t.talk} {
		if v := list.head; v != nil {
			v.leg.Evicted = true
			t.finish(v)
			return
		}
	}
}

// finish concludes a leg and releases what is known beyond the result.
func (t *tracker) finish(v *liveLeg) {
	v.conclude(t.now)
	v.list.remove(v)
	t.joiner.finished(v)
	v.leg.live = nil
	t.nLive--
}

// end finishes everything at the end of the timeline.
func (t *tracker) end() {
	for _, l := range t.all {
		if l.live != nil {
			t.finish(l.live)
		}
	}
}

// late takes in a message of a leg that is finished: it is counted, and a BYE still ends
// a call that was given up.
func (l *Leg) late(x *seen) {
	l.Messages++
	l.LastFrame = x.frame
	if !x.now.IsZero() {
		l.Last = x.now
	}
	if x.method == "BYE" && x.s.IsRequest() && l.State == StateConfirmed {
		l.State, l.Ended = StateCompleted, x.now
		l.Unfinished = false
		switch {
		case string(x.from) == l.FromTag:
			l.EndedBy = Caller
		case string(x.to) == l.FromTag:
			l.EndedBy = Callee
		}
	}
}

// step keeps a message for showing.
func (t *tracker) step(v *liveLeg, x *seen) {
	l := v.leg
	if len(l.Steps) >= maxSteps || t.nSteps >= maxAllSteps {
		t.overSteps = true
		return
	}
	t.nSteps++
	s := x.s
	p := Step{
		Time: x.now, Frame: x.frame, From: x.m.Src, To: x.m.Dst,
		Request: s.IsRequest(), Method: x.method, CSeq: x.cseq, Resent: x.resent, Partial: x.m.Partial,
	}
	byCaller := string(x.from) == l.FromTag
	p.ToCallee = byCaller == p.Request
	if p.Request {
		p.InDialog = len(x.to) > 0
	} else {
		p.Status = s.StatusCode
		p.Reason = t.names.string(capped(s.Reason, maxKept))
	}
	if len(s.Body) > 0 {
		ct, _ := s.First(sipmsg.ContentType)
		p.Body = t.names.string(capped(ct, maxKept))
	}
	l.Steps = append(l.Steps, p)
}

// A legList is a list of legs, those used last at its end.
type legList struct{ head, tail *liveLeg }

func (q *legList) push(v *liveLeg) {
	v.list, v.prev, v.next = q, q.tail, nil
	if q.tail != nil {
		q.tail.next = v
	} else {
		q.head = v
	}
	q.tail = v
}

func (q *legList) remove(v *liveLeg) {
	if v.prev != nil {
		v.prev.next = v.next
	} else {
		q.head = v.next
	}
	if v.next != nil {
		v.next.prev = v.prev
	} else {
		q.tail = v.prev
	}
	v.list, v.prev, v.next = nil, nil, nil
}
