package findings

import (
	"encoding/binary"
	"hash/maphash"
	"math/bits"
	"net/netip"
	"slices"
	"time"

	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/internal/addr"
	"github.com/sipsight/sipsight/sipmsg"
)

const (
	// maxChains bounds the Call-IDs outside of calls whose challenges are followed:
	// an answer comes within seconds.
	maxChains = 1 << 14

	// maxSources bounds the senders told apart, maxTries the requests without success
	// kept of one until they are looked at, maxAllTries those of all.
	maxSources  = 1 << 14
	maxTries    = 2048
	maxAllTries = 1 << 16

	// maxPending bounds the challenges that wait for an answer on another Call-ID, and
	// the users whose credentials are remembered for that.
	maxPending = 1 << 15

	// maxNonces bounds the nonces known, maxPairs the clients known to register.
	maxNonces = 1 << 17
	maxPairs  = 1 << 16

	// maxNamed bounds the texts kept of one request, in octets.
	maxNamed = 128
)

// A ledger keeps what requests came to: what challenges and credentials do on each Call-ID,
// and for each sender the requests without success. The rules about authentication and
// attacks read it at the end. It looks into messages only where there was a challenge,
// credentials, or no success.
type ledger struct {
	c *Collector

	chains map[uint64]*chain // by Call-ID, and hop where it is not the first
	queue  []uint64          // of chains, the oldest first

	loops    []*retry
	sameCSeq []*retry
	leaks    []*leak
	told     map[string]bool // rule and Call-ID
	realms   map[string]string
	weak     []*weakness
	weakBy   map[weakKey]*weakness
	askers   table[asker] // by Call-ID, CSeq number and realm

	nonces  set
	afresh  set // requests that count a nonce from 1 on as a challenge of their own tells them: nonce, Call-ID and CSeq number
	uses    pages[nonceUse]
	useIDs  pages[useID] // of those outside of calls
	trusted pairTable    // clients and the servers where they register, or were accepted with credentials: many more than others remember

	order   []*source // see host.source
	nTries  int
	pending map[uint64][]*tx    // challenges without an answer, by From user and host
	waiting []*tx               // likewise, the oldest first
	torn    []tornRequest       // the last ones
	given   table[int64]        // the last time of credentials, by From user and host, …
	before  map[uint64][3]int64 // … and earlier ones

	room []sipmsg.Auth // of the transactions that it is told of …
	txs  []tx          // … and these, but those that are held …
	live []liveTx      // … with their messages
	list []*liveTx     // of live, for transactions

	ignored   []*ignored
	ignoredBy map[ignoredKey]*ignored
	now       time.Time // of the requests outside of calls, which come in their order
}

// A set is a bounded set of hashes.
type set struct{ table[struct{}] }

func (s *set) add(h uint64) {
	if s.n < maxNonces {
		s.table.add(h)
	}
}

func (s *set) has(h uint64) bool { return s.get(h) != nil }

// A tx is a request and its final response on one hop, as far as it is of use when both are gone.
type tx struct {
	method, callID string
	aor            string // of a REGISTER
	transport      string
	at, answered   time.Time
	frame, final   analysis.Frame
	src, dst       netip.AddrPort
	cseq           uint32
	leg            legNumber
	copies         int32
	status         int16
	inDialog       bool
	calledSide     bool // sent by the called side of a call
	beyond         bool // the response came from behind dst
	held           bool // it does not stand in ledger.txs, which are used again

	// What is known of one that was accounted for.
	credentials bool
	stale       bool
	retried     bool   // a challenge that was taken up
	givenUp     bool   // the request was cancelled before its challenge had come
	taken       bool   // a refusal that a 2xx took back
	user        string // whom it is about
	from        string // user of From
	name        string // of the credentials
	key         uint64 // of from and the host of the Request-URI
}

// A liveTx is one that the ledger is told of, with its messages, where they matter.
type liveTx struct {
	*tx
	req, resp   *sipmsg.Message
	creds, asks []sipmsg.Auth // of them: see ledger.read
	of          *analysis.Leg // nil once the ledger has taken it in
}

// hold returns a tx that stays: x itself, or a copy.
//
//go:noinline
func (x *tx) hold() *tx {
	if x.held {
		return x
	}
	y := *x
	y.held = true
	return &y
}

// hop returns a hash of the ends of the hop, whatever the ports: a client may change its own.
// Where both ends are one machine, the ports have to tell them apart.
func (x *tx) hop() uint64 {
	h := pairOf(x.src.Addr().Unmap(), x.dst.Addr().Unmap())
	if x.src.Addr() == x.dst.Addr() {
		h = addr.MixWords(h, uint64(x.src.Port()), uint64(x.dst.Port()))
	}
	return h
}

// pairOf returns a hash of a directed pair of addresses.
func pairOf(a, b netip.Addr) uint64 {
	if a.Is4() && b.Is4() {
		x, y := a.As4(), b.As4()
		return addr.MixWords(secret, uint64(binary.BigEndian.Uint32(x[:]))<<32|uint64(binary.BigEndian.Uint32(y[:])), 0)
	}
	return mixed(addrHash(a), b)
}

func newLedger(c *Collector) ledger {
	return ledger{
		c: c, chains: make(map[uint64]*chain), told: make(map[string]bool),
		pending: make(map[uint64][]*tx), before: make(map[uint64][3]int64),
		ignoredBy: make(map[ignoredKey]*ignored), realms: make(map[string]string),
	}
}

var (
	seed   maphash.Seed
	secret uint64 // what hashes of addresses begin with
)

func init() {
	seed = maphash.MakeSeed()
	secret = maphash.String(seed, "a secret")
}

// hashOf returns a hash of several texts.
func hashOf(parts ...[]byte) uint64 {
	h := uint64(len(parts))
	for _, p := range parts {
		h = bits.RotateLeft64(h, 23)*0x9e3779b97f4a7c15 ^ maphash.Bytes(seed, p)
	}
	return h
}

// first reports whether a rule has nothing to say of a Call-ID yet: what is seen on one hop
// is seen on the others too.
//
//go:noinline
func (l *ledger) first(rule string, t *tx) bool {
	k := rule + "\x00" + t.callID
	if l.told[k] || len(l.told) >= 8*maxOfRule {
		return false
	}
	l.told[k] = true
	return true
}

// A useID is the Call-ID of a request that used a nonce, and the address-of-record where that is a REGISTER.
type useID struct{ callID, aor string }

// tell reports a finding, of a leg where there is one.
func (r *captureRun) tell(f Finding) {
	if f.leg != 0 {
		r.reportOf(f.leg, f.CallID, f)
		return
	}
	r.report(f)
}

func hasCredentials(m *analysis.Seen) bool {
	return m.Fields.Has(sipmsg.Authorization) || m.Fields.Has(sipmsg.ProxyAuthorization)
}

// exchange takes in a request outside of calls.
func (l *ledger) exchange(e *analysis.Exchange) {
	now := e.Sent
	if !e.Answered.IsZero() && e.Answered.Before(now) {
		now = e.Answered
	}
	if now.After(l.now) || l.now.Sub(now) > timeout { // the clock was set back
		l.now = now
	}
	if e.Partial {
		l.cut(tornRequest{e.Method, e.CallID, e.CSeq, e.Source, e.Destination, e.Sent})
	}
	if e.Status/100 == 2 && !e.Credentials {
		l.accepted(e)
		return
	}
	if e.Partial || e.Status == 0 && !e.Waited || e.Method == "NOTIFY" && !isChallenge(e.Status) && !e.Credentials {
		return
	}
	stays := e.Status/100 != 2 // something waits for what follows
	t := l.space(1)
	if stays {
		t.tx = new(tx)
	}
	*t.tx = tx{
		held: stays, method: e.Method, callID: e.CallID, aor: e.AOR, cseq: e.CSeq, src: e.Source, dst: e.Destination, transport: e.Transport, at: e.Sent, answered: e.Answered,
		frame: e.SentFrame, final: e.FinalFrame, status: int16(e.Status), copies: int32(e.Requests), inDialog: e.InDialog, retried: e.Later != 0,
	}
	t.req = e.Request()
	if isChallenge(e.Status) {
		t.resp = e.Response()
	}
	if t.req == nil {
		return
	}
	l.room = l.room[:0]
	l.read(t)
	l.weighed(t, e.Credentials)
	key, hop := textHash(t.callID), t.hop()
	c := l.chains[key]
	owns := c != nil && c.hop == hop // of a request sent again under its old number the Exchange does not know
	if c != nil && !owns {
		key ^= hop
		c = l.chains[key]
	}
	known := c != nil
	if !known {
		c = &chain{hop: hop}
	}
	l.step(c, t)
	switch {
	case len(c.open) == 0 && known:
		delete(l.chains, key)
	case len(c.open) > 0 && !known:
		if len(l.queue) == maxChains {
			delete(l.chains, l.queue[0])
			l.queue = l.queue[1:]
		}
		l.chains[key] = c
		l.queue = append(l.queue, key)
	}
	if e.FirstHop || owns {
		l.account(t, e.Credentials)
	}
	if e.Status/100 == 2 {
		l.accepted(e)
	}
}

// A tornRequest is one of which octets are missing: it may be what follows a challenge to its sender, with credentials.
type tornRequest struct {
	method, callID string
	cseq           uint32
	src, dst       netip.AddrPort
	at             time.Time
}

// maxTornRequests bounds those that are remembered, and the challenges that each is compared with.
const maxTornRequests = 64

func (r *tornRequest) follows(x *tx) bool {
	switch {
	case x.method != r.method:
		return false
	case x.callID == r.callID:
		return r.cseq > x.cseq || r.at.After(x.answered) // ahead of the challenge it is the request itself, on its way
	}
	return x.src == r.src && x.dst == r.dst && r.at.After(x.at) && r.at.Sub(x.at) <= 2*timeout
}

// cut takes in a request of which octets are missing.
func (l *ledger) cut(r tornRequest) {
	if len(l.torn) == maxTornRequests {
		l.torn = append(l.torn[:0], l.torn[1:]...)
	}
	l.torn = append(l.torn, r)
	for _, x := range l.waiting[max(0, len(l.waiting)-maxTornRequests):] {
		x.retried = x.retried || r.follows(x)
	}
}

// accepted takes in that a request outside of calls was accepted.
func (l *ledger) accepted(e *analysis.Exchange) {
	if e.Method == "REGISTER" || e.Credentials {
		l.trust(e.Source.Addr(), e.Destination.Addr())
	}
	if e.FirstHop && e.Method != "OPTIONS" {
		l.source(e.Source.Addr()).succeed(e.Answered, e.Method)
	}
}

// trust takes in that a host registers at a server, or was accepted there with credentials.
func (l *ledger) trust(client, server netip.Addr) {
	p := hostPair{client, server}
	if l.trusted.n < maxPairs {
		l.trusted.add(p, pairTrusted)
	}
}

// leg takes in a leg of a call.
func (l *ledger) leg(r *legRun) {
	d := r.Detail
	asked := r.Messages == nil && (r.glance.fields.Has(sipmsg.Authorization) || r.glance.fields.Has(sipmsg.ProxyAuthorization))
	for i := range d.Transactions {
		asked = asked || isChallenge(d.Transactions[i].Status)
	}
	for i := range d.Messages {
		m := &d.Messages[i]
		if asked = asked || hasCredentials(m); m.Partial && m.Request && m.Method == "INVITE" {
			l.cut(tornRequest{m.Method, d.Leg.CallID, m.CSeq, m.Source, m.Destination, m.Time})
		}
	}
	if !d.Leg.Answered.IsZero() {
		l.source(d.Leg.Source.Addr()).call(d.Leg)
		if !asked {
			return
		}
	}
	if !asked {
		for i := range d.Transactions {
			if x := &d.Transactions[i]; x.Requests > 0 && x.Initial && x.Method == "INVITE" && onFirstHop(d, x) {
				t := l.space(1)
				t.fillFrom(d, x)
				l.account(t, false)
			}
		}
		return
	}
	list := l.transactions(r)
	l.room = l.room[:0]
	for _, t := range list {
		if t != nil {
			l.read(t)
		}
	}
	l.auth(d, list)
	for i, t := range list {
		if t != nil && isChallenge(t.status) && !t.retried {
			x := &d.Transactions[i]
			t.retried = retriedUnseen(d, x) || retriedAhead(list, t) || r.wentOn(x)
			t.givenUp = x.Cancelled && cancelledAhead(d, x)
		}
	}
	for i, t := range list {
		switch {
		case t == nil:
		case onFirstHop(d, &d.Transactions[i]):
			l.account(t, t.req != nil)
		case t.req != nil && isChallenge(t.status) && !t.retried && !t.givenUp && len(t.creds) == 0 && swallowed(list, t):
			t.fill(false)
			l.ignore(t.hold())
		}
	}
}

// swallowed reports whether a server that passed a request on answered it with another refusal than the challenge that it got: it neither has
// credentials nor asks its client for some. One that asks several hosts has a choice, and one that had answered before knew of no challenge.
func swallowed(list []*liveTx, t *liveTx) bool {
	refused, branches := false, 0
	for _, x := range list {
		if x == nil || x.method != t.method || x.cseq < t.cseq {
			continue
		}
		branches += toInt(x.src.Addr() == t.src.Addr())
		if x.cseq == t.cseq && x.dst.Addr() == t.src.Addr() && x.src.Addr() != t.dst.Addr() && t.answered.Sub(x.answered) < disorder {
			refused = x.status >= 400 && x.status < 600 && x.status != 487 && !isChallenge(x.status)
		}
	}
	return refused && branches == 1
}

// cancelledAhead reports whether the CANCEL of an INVITE was sent ahead of the ACK to its final response, or is not in the capture: who
// sends it later knew that response.
func cancelledAhead(d *analysis.Detail, t *analysis.Transaction) bool {
	known := t.Answered
	if t.Acked {
		known = t.AckTime
	}
	return slices.ContainsFunc(d.Transactions, func(x analysis.Transaction) bool {
		return x.Method == "CANCEL" && x.Hop == t.Hop && x.CSeq == t.CSeq && x.Sent.Before(known)
	})
}

// retriedUnseen reports whether a later request of that method and side was answered on the hop of a transaction that
// is not in the capture, or not whole: nobody knows what it had.
func retriedUnseen(d *analysis.Detail, t *analysis.Transaction) bool {
	for i := range d.Transactions {
		if x := &d.Transactions[i]; x.Requests == 0 && x.Method == t.Method && x.CSeq > t.CSeq && x.Hop == t.Hop && x.Forward == t.Forward {
			return true
		}
	}
	for i := range d.Messages {
		if m := &d.Messages[i]; m.Partial && m.Request && m.Method == t.Method && m.CSeq > t.CSeq && m.Hop == t.Hop && m.Forward == t.Forward {
			return true
		}
	}
	return false
}

// retriedAhead reports whether a request with credentials stands ahead of the challenge to one before it: packets are out of order.
func retriedAhead(list []*liveTx, t *liveTx) bool {
	return slices.ContainsFunc(list, func(x *liveTx) bool {
		return x != nil && len(x.creds) > 0 && x.method == t.method && x.cseq > t.cseq && x.src == t.src && x.dst == t.dst && t.answered.Sub(x.at) < disorder
	})
}

// onFirstHop reports whether a transaction is one of the first hop that the capture shows and
// has come to something, or to silence. That of a challenge to the called side is the one that it sends its request on.
func onFirstHop(d *analysis.Detail, t *analysis.Transaction) bool {
	if !t.Forward {
		return isChallenge(t.Status) && !passedOn(d, t)
	}
	h := &d.Leg.Hops[t.Hop]
	return h.A.Addr() == d.Leg.Source.Addr() && h.B.Addr() == d.Leg.Destination.Addr() &&
		(t.Status != 0 || t.Provisional.IsZero() && d.Now.Sub(t.Sent) >= timeout)
}

// passedOn reports whether the request of a transaction against the way of the INVITE came to who sends it from somebody else.
func passedOn(d *analysis.Detail, t *analysis.Transaction) bool {
	h := &d.Leg.Hops[t.Hop]
	for i := range d.Transactions {
		x := &d.Transactions[i]
		g := &d.Leg.Hops[x.Hop]
		if !x.Forward && x.Requests > 0 && x.CSeq == t.CSeq && x.Method == t.Method && g.A.Addr() == h.B.Addr() && g.B.Addr() != h.A.Addr() {
			return true
		}
	}
	return false
}

// space returns the first of n places for transactions that the ledger is told of. They are valid
// until the next call.
func (l *ledger) space(n int) *liveTx {
	l.txs, l.live = slices.Grow(l.txs[:0], n)[:n], slices.Grow(l.live[:0], n)[:n]
	for i := range l.live {
		l.live[i] = liveTx{tx: &l.txs[i]}
	}
	return &l.live[0]
}

// fillFrom fills in what a transaction of a leg tells.
func (x *liveTx) fillFrom(d *analysis.Detail, t *analysis.Transaction) {
	h := &d.Leg.Hops[t.Hop]
	*x.tx = tx{
		method: t.Method, callID: d.Leg.CallID, cseq: t.CSeq, src: h.A, dst: h.B, at: t.Sent, answered: t.Answered, frame: t.SentFrame,
		final: t.FinalFrame, status: int16(t.Status), copies: int32(t.Requests), inDialog: !t.Initial, leg: legNo(d.Leg),
	}
	x.of = d.Leg
	if !t.Forward {
		x.src, x.dst = h.B, h.A
	}
}

// transactions returns the transactions of a leg that the ledger is about, at the index that
// they have in the leg; the others are nil. They are valid as those of space are.
func (l *ledger) transactions(r *legRun) []*liveTx {
	d := r.Detail
	l.list = slices.Grow(l.list[:0], len(d.Transactions))[:len(d.Transactions)]
	list := l.list
	clear(list)
	if len(list) > 0 {
		l.space(len(list))
	}
	for i := range d.Transactions {
		if t := &d.Transactions[i]; t.Requests > 0 && t.Method != "CANCEL" && t.Method != "ACK" {
			list[i] = &l.live[i]
			list[i].fillFrom(d, t)
		}
	}
	if d.Messages == nil {
		l.glance(r, list)
		return list
	}
	for i := range d.Messages {
		m := &d.Messages[i]
		if m.Transaction < 0 || m.Resent.Number != 0 {
			continue
		}
		t := list[m.Transaction]
		switch {
		case t == nil || t.method != m.Method:
		case m.Partial && (m.Request || int16(m.Status) == t.status):
			list[m.Transaction] = nil
		case m.Request:
			t.transport = m.Transport
			if isChallenge(t.status) || hasCredentials(m) {
				t.req = d.Message(i)
			}
		case int16(m.Status) == t.status && isChallenge(t.status):
			t.resp = d.Message(i)
		}
	}
	return list
}

// glance fills in the messages of the transactions of a leg whose messages are not made.
func (l *ledger) glance(r *legRun, list []*liveTx) {
	for i, t := range list {
		if t == nil {
			continue
		}
		t.transport = r.glance.transport
		challenged := isChallenge(t.status)
		if n := int(r.glance.of[i].request); n > 0 && (challenged || r.glance.given&(1<<i) != 0) {
			t.req = r.Message(n - 1)
		}
		if n := int(r.glance.of[i].challenge); n > 0 && challenged {
			t.resp = r.Message(n - 1)
		}
	}
}

// auth follows the challenges of a leg, hop by hop.
func (l *ledger) auth(d *analysis.Detail, list []*liveTx) {
	challenged := false
	for _, t := range list {
		if t == nil {
			continue
		}
		challenged = challenged || isChallenge(t.status)
		if t.req != nil {
			t.calledSide = t.inDialog && !d.Leg.Invited.IsZero() && len(d.Leg.FromTag) > 0 && string(t.req.Tag(sipmsg.To)) == d.Leg.FromTag
			l.weighed(t, true)
			if t.status/100 == 2 && t.method == "INVITE" && !t.inDialog {
				l.trust(t.src.Addr(), t.dst.Addr())
			}
		}
		for _, x := range list {
			if x != nil && isChallenge(x.status) && x.cseq == t.cseq && x.method == t.method && x.src.Addr() == t.dst.Addr() && x.dst.Addr() != t.src.Addr() {
				t.beyond = true
			}
		}
	}
	if !challenged {
		return
	}
	for _, r := range []*Rule{authLoop, authIgnored, authCSeq, digestLeak} {
		l.c.count[r.ID].apply(legNo(d.Leg))
	}
	for hop := range d.Leg.Hops {
		for _, forward := range [...]bool{true, false} {
			var c chain
			for i, t := range list {
				if x := &d.Transactions[i]; t != nil && t.req != nil && x.Hop == hop && x.Forward == forward { // step needs it
					l.step(&c, t)
				}
			}
		}
	}
}

// weighed looks at the strength of what a transaction holds, and at its nonces.
func (l *ledger) weighed(t *liveTx, given bool) {
	if t.resp != nil || given {
		l.weigh(t)
	}
	if given && t.req != nil {
		l.use(t)
	}
}
