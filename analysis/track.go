package analysis

import (
	"bytes"
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

	// settledWait is how long a leg is followed after its end when every request in it
	// has been answered, and every answer to an INVITE acknowledged: for the copies
	// that crossed, at intervals of at most T2.
	settledWait = 5 * time.Second

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
	seed    maphash.Seed
	most    budget
	names   interner
	steps   bool // keep the steps
	stepsOf func(callID string) bool

	callsAlone bool // requests outside of calls are left out

	streams *streamTable // nil unless streams are asked for
	callIDs nameTable
	legs    *legStore
	last    []int32          // 1 + the last leg of each Call-ID, by the number that callIDs gives it
	further map[string]int32 // … of Call-IDs that have no number
	settled legList          // followed until settledWait is over
	ended   legList          // … endedWait
	wait    legList          // unanswered: until pendingWait is over
	talk    legList          // answered: until the end of the capture
	nLive   int
	nSteps  int
	scratch []byte
	facts   map[uint64]formatFacts // by the hash of the part of a media description that says them
	now     time.Time              // of the clock, when what is taken in was found

	overLegs, overLive, overSteps, overDetail bool

	rules         teller // is told of every leg, and of every request outside of calls
	kept          func(*Detail, *sipmsg.Message) uint64
	asked         func(*Exchange, *sipmsg.Message) uint64
	detail        Detail    // of a leg in the making, for kept …
	atHand        [1]Seen   // … and its message
	detailOctets  int       // kept for the legs followed …
	pages         pageStore // … in its pages
	seenRooms     rooms[liveMessage]
	transRooms    rooms[liveTransaction]
	spare         []*liveLeg // finished ones, for those to come; at most maxSpareLegs
	callless      int64      // messages without Call-ID …
	wholeCallless int64      // … those of which nothing is missing …
	firstCallless Frame      // … and the first of these
	noVia, noCSeq Unplaced   // responses outside of calls

	joiner  joiner
	linker  linker
	regs    registrar
	peers   peerTable
	subs    Subscriptions
	open    exchangeTable
	unasked unaskedTable

	unmeasured unmeasured
}

func newTracker(steps bool, most budget) *tracker {
	t := &tracker{
		seed: maphash.MakeSeed(), most: most, steps: steps, callIDs: newNameTable(most.callIDs, recentCallIDs), further: make(map[string]int32),
	}
	t.legs = &legStore{packer: newPacker(&t.callIDs)}
	t.regs.packer = &t.legs.packer
	return t
}

// legOf returns the last leg of the Call-ID of a message, -1 for none.
func (t *tracker) legOf(x *seen) int {
	switch {
	case x.call < 0:
		return int(t.further[string(x.id)]) - 1
	case x.call < len(t.last):
		return int(t.last[x.call]) - 1
	}
	return -1
}

// setLeg makes l the last leg of the Call-ID of a message.
func (t *tracker) setLeg(x *seen, l *Leg) {
	n := int32(l.order + 1)
	if x.call < 0 {
		t.further[l.CallID] = n
		return
	}
	for len(t.last) <= x.call {
		t.last = append(t.last, 0)
	}
	t.last[x.call] = n
}

// live returns what is followed of a leg, nil where it is finished or there is none.
func (t *tracker) live(leg int) *liveLeg {
	if leg < 0 || t.legs.legs[leg] == nil {
		return nil
	}
	return t.legs.legs[leg].live
}

// callID returns the Call-ID of a message.
//
//go:noinline
func (t *tracker) callID(x *seen) string {
	if x.call < 0 {
		return string(x.id)
	}
	return t.callIDs.text(x.call)
}

// A seen is a message on its way through the tracker.
type seen struct {
	m           *dissect.Message
	frame       Frame
	s           *sipmsg.Message
	now         time.Time
	method      string // of the CSeq, or of the request where there is none
	cseq        uint32
	from        []byte // tags
	to          []byte
	key         uint64
	cookie      bool   // key is that of a branch with the magic cookie
	id          []byte // Call-ID: see CallID
	call        int    // its number in tracker.callIDs; -1 for none
	quirks      sipmsg.Quirks
	resent      Frame // the first copy of what is a retransmission
	transaction int   // index of its transaction; -1 for none
	hop         int   // index into the hops of its leg …
	forward     bool  // … and whether it goes from A to B there
	counted     bool  // it came before its request, and is taken in again
	length      Length
	measured    bool // length is known: see lengthOf
}

// message takes in one message, found when the clock was at now. It returns the frame of the first copy where the message is one
// sent again.
func (t *tracker) message(m *dissect.Message, now time.Time, quirks sipmsg.Quirks) (resent Frame) {
	x := seen{m: m, s: m.SIP, frame: Frame{m.Ref.File, m.Ref.Frame}, quirks: quirks}
	t.now = now
	if m.HasTime {
		x.now = m.Time
		t.sweep(m.Time)
	}
	t.goesOn(&x)
	id := CallID(x.s)
	if len(id) == 0 {
		t.callless++
		if !m.Partial && quirks&sipmsg.QuirkUnterminated == 0 {
			if t.wholeCallless++; t.wholeCallless == 1 {
				t.firstCallless = x.frame
			}
		}
		return resent
	}
	x.call = t.callIDs.count(id, maxName)
	t.dispatch(&x, id)
	return x.resent
}

// dispatch gives a message to what it belongs to.
func (t *tracker) dispatch(x *seen, id []byte) {
	s := x.s
	x.id = id
	_, cseq, _, method := s.CSeq()
	x.cseq, x.method = cseq, t.methodOf(s, method)
	x.from, x.to = s.Tag(sipmsg.From), s.Tag(sipmsg.To)
	x.key, x.cookie = branchKey(t.seed, s)
	leg := t.legOf(x)
	v := t.live(leg)
	if leg < 0 || t.beginsAnother(v, x) {
		if !beginsLeg(x) {
			t.other(x)
			return
		}
		if v = t.newLeg(x, v); v == nil {
			return
		}
	}
	switch x.method {
	case "REGISTER", "SUBSCRIBE", "PUBLISH":
		t.other(x) // on the Call-ID of a call, and none of its business
		return
	}
	if v == nil {
		t.rules.drain()
		t.legs.pin(leg).late(t, x)
		return
	}
	t.take(v, x)
}

// methodOf returns the method that a message is about: of a response that of its CSeq, and of a request its own,
// whatever the CSeq says.
func (t *tracker) methodOf(s *sipmsg.Message, cseq []byte) string {
	if s.IsRequest() {
		return t.method(s.Method)
	}
	return t.method(cseq)
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
	case "INFO": // each answer to one has a To tag, also to one that is outside of a dialog, as some phones send to say that they are there
		return len(x.to) > 0 && x.s.IsRequest()
	}
	return false
}

// beginsAnother reports whether a message on the Call-ID of a leg is of another call: an
// initial INVITE after the one of the leg has ended, and not one that tries again. v is nil
// where the leg is finished.
func (t *tracker) beginsAnother(v *liveLeg, x *seen) bool {
	if x.method != "INVITE" || !x.s.IsRequest() || len(x.to) > 0 {
		return false
	}
	if v == nil {
		return true
	}
	l := v.leg
	if v.attempt(x.from, x.cseq) >= 0 { // another hop, or a copy that came late
		return v.hasBye && v.isNewInvite(x)
	}
	if !v.over {
		return false
	}
	if len(v.attempts) == 0 || v.answered() {
		return true
	}
	if v.hunts(x) {
		return false
	}
	if !v.asksAgain() && x.now.Sub(l.Last) > settledWait {
		return true
	}
	if string(x.from) != l.FromTag {
		if !v.asksAgain() || x.m.Src.Addr() != l.Source.Addr() {
			return true
		}
		l.FromTag = string(capped(x.from, maxKept)) // and careless programs take another tag for it
	}
	return false // tries again
}

// asksAgain reports whether the last attempt was answered with a request to try again: a
// challenge, another target, a longer interval.
func (v *liveLeg) asksAgain() bool {
	a := v.lastAttempt()
	return a != nil && (a.status/100 == 3 || a.status == 401 || a.status == 407 || a.status == 422 || a.status == 494)
}

// hunts reports whether an initial INVITE is of a server between that keeps the Call-ID, has tags of its own and tries one host after the other:
// it comes from where the caller sent an INVITE, which has no final response yet.
func (v *liveLeg) hunts(x *seen) bool {
	if x.m.Src.Addr() != v.leg.Destination.Addr() || string(x.from) == v.leg.FromTag {
		return false
	}
	for i := len(v.attempts) - 1; i >= 0; i-- {
		if a := &v.attempts[i]; a.fromTag == v.leg.FromTag {
			return a.status == 0
		}
	}
	return false
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
	return string(capped(bare(unfolded(b)), maxKept))
}

// bare cuts off the parameters and header fields of a URI. Semicolons may stand in the
// user part.
func bare(b []byte) []byte {
	user := capped(b, maxUser)
	at := bytes.IndexByte(user, '@')
	if at >= 0 {
		if n := bytes.IndexByte(user[at:], '?'); n >= 0 {
			user = user[:at+n]
		}
		at = bytes.LastIndexByte(user, '@')
	}
	rest := b[at+1:]
	if n := bytes.IndexByte(rest, ';'); n >= 0 {
		rest = rest[:n]
	}
	if n := bytes.IndexByte(rest, '?'); n >= 0 {
		rest = rest[:n]
	}
	return b[:at+1+len(rest)]
}

// maxUser bounds where the host of a URI is looked for.
const maxUser = 4*maxKept + 2

// file puts a leg in the list that its state belongs to, as the newest of it.
func (t *tracker) file(v *liveLeg) {
	list := &t.wait
	switch {
	case v.over && v.reports(): // it goes on waiting
	case v.over && v.settled():
		list = &t.settled
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
	for v := t.settled.quiet(now, settledWait); v != nil; v = t.settled.quiet(now, settledWait) {
		t.finish(v)
	}
	for v := t.ended.quiet(now, endedWait); v != nil; v = t.ended.quiet(now, endedWait) {
		t.finish(v)
	}
	for v := t.wait.quiet(now, pendingWait); v != nil; v = t.wait.quiet(now, pendingWait) {
		t.finish(v)
	}
}

// evict gives up the leg that was quiet for longest: one that has ended, or else one of those
// that are the most, for a flood of INVITEs should not push out the calls that go on, nor
// the other way round.
func (t *tracker) evict() {
	t.overLive = true
	v := t.settled.head
	if v == nil {
		v = t.ended.head
	}
	switch {
	case v != nil:
	case t.wait.n > t.talk.n:
		v = t.wait.head
	default:
		v = t.talk.head
	}
	v.leg.Evicted = true
	t.finish(v)
}

// finish concludes a leg and releases what is known beyond the result.
func (t *tracker) finish(v *liveLeg) {
	v.conclude(t.now)
	v.list.remove(v)
	t.joiner.finished(v)
	v.leg.live = nil
	t.nLive--
	t.detailOctets -= v.octets
	if t.rules.finished == nil {
		t.put(v)
		return
	}
	e := errand{leg: v, now: t.now}
	if t.streams != nil {
		e.rtp = t.streams.RTP
	}
	m := v.leg.Media
	changes := m != nil && len(m.Sessions) > 0 // packets are still added to them
	t.rules.tell(e)
	if changes {
		t.rules.drain()
	}
}

// release takes back what the rules were told of.
func (t *tracker) release(e *errand) {
	switch {
	case e.leg != nil:
		t.put(e.leg)
	case e.exchange != nil:
		t.open.putBack(e.exchange)
	}
}

// put puts a leg that is finished with the others, and leaves its room to the next.
func (t *tracker) put(v *liveLeg) {
	t.pages.giveBack(v.pages)
	clear(v.pages)
	v.pages = v.pages[:0]
	t.seenRooms.giveBack(v.seen)
	t.transRooms.giveBack(v.trans)
	v.seen, v.trans = nil, nil
	t.legs.put(v.leg, v.call)
	if len(t.spare) < maxSpareLegs {
		v.clear()
		t.spare = append(t.spare, v)
	}
}

// end finishes everything at the end of the timeline.
func (t *tracker) end() {
	for _, l := range t.legs.legs {
		if l != nil && l.live != nil {
			t.finish(l.live)
		}
	}
}

// A legList is a list of legs, those used last at its end.
type legList struct {
	head, tail *liveLeg
	n          int
	due        time.Time // when head will have been quiet for long enough …
	known      bool      // … if that is known
}

// quiet returns the leg that was quiet for longest if its last message came longer ago than wait, which is always the
// same, and nil otherwise.
func (q *legList) quiet(now time.Time, wait time.Duration) *liveLeg {
	if q.head == nil {
		return nil
	}
	if !q.known {
		q.due, q.known = q.head.leg.Last.Add(wait), true
	}
	if now.After(q.due) {
		return q.head
	}
	return nil
}

func (q *legList) push(v *liveLeg) {
	v.list, v.prev, v.next = q, q.tail, nil
	q.n++
	if q.tail != nil {
		q.tail.next = v
	} else {
		q.head, q.known = v, false
	}
	q.tail = v
}

func (q *legList) remove(v *liveLeg) {
	if v.prev != nil {
		v.prev.next = v.next
	} else {
		q.head, q.known = v.next, false
	}
	if v.next != nil {
		v.next.prev = v.prev
	} else {
		q.tail = v.prev
	}
	v.list, v.prev, v.next = nil, nil, nil
	q.n--
}
