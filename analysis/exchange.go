package analysis

import (
	"bytes"
	"hash/maphash"
	"iter"
	"net/netip"
	"slices"
	"time"

	"github.com/sipsight/sipsight/internal/dissect"
	"github.com/sipsight/sipsight/sipmsg"
)

const (
	// maxOpen bounds the requests outside of calls that are followed at once.
	maxOpen = 1 << 15

	// openWait is how long a request outside of a call is followed: Timer F, and a
	// little for what comes late.
	openWait = timerTimeout + 8*time.Second

	// lastCopy is how long before Timer F a request may be sent again the last time: T2.
	lastCopy = 4 * time.Second
)

// An Exchange is a request outside of calls, with its copies, and its final response, on
// one hop. Options.Exchanged is given it; it is valid until the function returns.
type Exchange struct {
	Method      string
	CallID      string
	CSeq        uint32
	Source      netip.AddrPort // of the request
	Destination netip.AddrPort
	Transport   string
	FirstHop    bool // the request was not seen between other addresses before
	InDialog    bool // it has a To tag
	Partial     bool // octets of the request are missing
	Lost        Loss // why, if so
	Fragmented  bool // the request came in several IP fragments or segments
	Size        int  // octets of the request on the wire
	Length      Length
	Credentials bool // the request has an Authorization or Proxy-Authorization

	Requests  int       // copies of the request
	Sent      time.Time // the first of them
	SentFrame Frame
	LastSent  time.Time // the last of them
	LastFrame Frame     // of that which stands last in the capture

	Provisional int // the last status of 1xx, 0 for none
	Status      int // the first final response, 0 for none
	Finals      int // copies of it
	FinalFrame  Frame
	Answered    time.Time // the first of them

	AnswerFragmented bool // of the final response, as of the request
	AnswerLost       Loss
	AnswerLength     Length

	// Of a REGISTER: whom it is about, and the contacts it asked for with what was
	// granted. At most 8. AORNumber numbers the addresses-of-record of a timeline
	// from 0, without gaps; it says nothing where AOR is empty.
	AOR       string
	AORNumber int
	Bindings  []Binding

	// Of what is not in the capture, but a final response to it: the status of that to a later request of this
	// method and Call-ID on this hop; whether a NOTIFY of this Call-ID was answered; and whether another REGISTER
	// for this address-of-record was accepted before this one.
	Later    int
	Notified bool
	Between  bool

	// Passed is, of a request that was seen between other addresses as well, the final status that came back to the first of
	// these; or that somebody else accepted or challenged it with, if that is not in the capture. 0 for none.
	Passed int

	// Where a response of the same server to the same request went that was not sent
	// back to where the request came from.
	Strayed    netip.AddrPort
	StrayFrame Frame

	// Waited says that the capture went on for 64*T1 behind the first copy, or that the request was sent
	// again for nearly as long: without a response there was none.
	Waited bool

	// What rules ask of many requests, so that few have to be parsed again.
	Fields      sipmsg.FieldSet
	Quirks      sipmsg.Quirks // those of Message.Check
	OldBranch   bool          // the branch has no magic cookie, or is missing
	MaxForwards int16         // see Seen.MaxForwards
	Body        int           // octets of it
	Marks       uint64        // what Options.Asked returned

	// Of a request that came to who sends it here with a Max-Forwards that was not higher.
	CameWith  int16
	CameFrame Frame // 0 for none

	// Recurs says that the request came back to a host that had sent it or got it, left one a second time, or is one of those
	// that others with its Call-ID, method and CSeq did so among.
	Recurs bool

	// Of the final response; no fields where octets of it are missing.
	ResponseFields   sipmsg.FieldSet
	ResponseToTag    bool // its To has a tag
	ResponseReceived bool // its topmost Via has received, as far as that can be told at a glance

	request, response leaf
	parsed            *[2]sipmsg.Message
	known             [2]bool // which of them were parsed
}

// Request returns the request as it was, nil where its octets were not kept.
//
//go:noinline
func (e *Exchange) Request() *sipmsg.Message { return e.parse(0, e.request) }

// Response returns the final response as it was, nil for none.
//
//go:noinline
func (e *Exchange) Response() *sipmsg.Message { return e.parse(1, e.response) }

func (e *Exchange) parse(i int, l leaf) *sipmsg.Message {
	if l.of == nil {
		return nil
	}
	if !e.known[i] {
		if !l.read(&e.parsed[i]) {
			return nil
		}
		e.known[i] = true
	}
	return &e.parsed[i]
}

// An exchange is an Exchange in the making.
type exchange struct {
	Exchange
	key    exchangeKey
	aor    int   // 1 + the number of the address-of-record of a REGISTER, 0 for none
	peer   *peer // of an OPTIONS
	heard  int64 // of peer, when it was sent
	octets int
}

// An exchangeTable holds the exchanges that are followed.
type exchangeTable struct {
	m      map[exchangeKey]*exchange
	ids    map[uint64]int // how many of m have this Call-ID, method and CSeq
	queue  []*exchange    // in order of time
	over   bool
	early  map[exchangeKey]earlyAnswer
	answer sipmsg.Message // of takeEarly
	spare  []*exchange    // settled ones, for those to come; at most maxSpareExchanges
	octets sheafStore     // of their messages
}

const maxSpareExchanges = 1 << 10

// fresh returns an exchange that holds nothing.
func (o *exchangeTable) fresh() *exchange {
	n := len(o.spare)
	if n == 0 {
		return new(exchange)
	}
	r := o.spare[n-1]
	o.spare = o.spare[:n-1]
	*r = exchange{}
	return r
}

const (
	// maxEarly and maxEarlyOctets bound the responses that wait for their request:
	// only segments and packets out of order make any.
	maxEarly       = 256
	maxEarlyOctets = 8 << 10

	// earlyWait is how long they do.
	earlyWait = 2 * time.Second
)

// An earlyAnswer is a final response that came before its request was whole: a segment of
// the request was captured late.
type earlyAnswer struct {
	octets []byte
	m      dissect.Message // without what aliases the packet
	frame  Frame
	now    time.Time
}

// keepEarly keeps a final response without a request.
func (o *exchangeTable) keepEarly(x *seen, k exchangeKey) {
	raw := x.s.Raw()
	if x.s.StatusCode < 200 || x.m.Partial || len(raw) > maxEarlyOctets {
		return
	}
	if o.early == nil || len(o.early) == maxEarly {
		o.early = make(map[exchangeKey]earlyAnswer)
	}
	m := dissect.Message{Src: x.m.Src, Dst: x.m.Dst, Transport: x.m.Transport, Notes: x.m.Notes, HEP: x.m.HEP, Refs: slices.Clone(x.m.Refs)}
	o.early[k] = earlyAnswer{octets: append([]byte(nil), raw...), m: m, frame: x.frame, now: x.now}
}

// takeEarly gives an exchange the response that came before it.
func (t *tracker) takeEarly(k exchangeKey) {
	o := &t.open
	e, ok := o.early[k]
	if !ok {
		return
	}
	delete(o.early, k)
	r := o.m[k]
	s := &o.answer
	if r.Sent.Sub(e.now) > earlyWait || s.Parse(e.octets) != nil {
		return
	}
	e.m.SIP = s
	x := seen{m: &e.m, s: s, call: -1, frame: e.frame, now: e.now, method: r.Method, cseq: r.CSeq, key: k.branch, from: s.Tag(sipmsg.From), to: s.Tag(sipmsg.To), quirks: s.Check(), counted: true}
	t.exchangeAnswer(&x, r)
}

// An exchangeKey names a transaction outside of calls: by branch and hop.
type exchangeKey struct {
	branch uint64
	id     uint64 // Call-ID, method and CSeq, of a REGISTER the address-of-record
	a, b   netip.Addr
}

func (t *tracker) exchangeKey(x *seen) exchangeKey {
	id := mix(mix(maphash.Bytes(t.seed, x.id), maphash.String(t.seed, x.method)), uint64(x.cseq))
	if x.method == "REGISTER" { // servers send it on for an address-of-record of their own
		to, _ := x.s.First(sipmsg.To)
		id = mix(id, maphash.Bytes(t.seed, bare(unfolded(sipmsg.ParseAddress(to).URI))))
	}
	k := exchangeKey{branch: x.key, id: id, a: x.m.Src.Addr(), b: x.m.Dst.Addr()}
	if k.b.Less(k.a) {
		k.a, k.b = k.b, k.a
	}
	return k
}

// other takes in a message that is of no call.
func (t *tracker) other(x *seen) {
	if x.method == "REFER" {
		t.linker.outside(t, x)
	}
	if x.method == "REGISTER" && !x.m.Partial {
		if x.s.IsRequest() {
			t.joiner.phones.asks(x)
		} else if x.s.StatusCode/100 == 2 {
			t.joiner.phones.add(t.seed, x)
		}
	}
	if t.callsAlone {
		return
	}
	o := &t.open
	for len(o.queue) > 0 && (len(o.queue) > t.most.requests || !x.now.IsZero() && o.queue[0].Sent.Before(x.now.Add(-openWait))) {
		o.over = o.over || len(o.queue) > t.most.requests
		r := o.take()
		t.settle(r, !x.now.IsZero() && x.now.Sub(r.Sent) >= timerTimeout) // else it is given up
	}
	k := t.exchangeKey(x)
	r := o.m[k]
	switch {
	case r == nil && x.s.IsRequest():
		t.newExchange(x, k)
		if len(o.early) > 0 {
			t.takeEarly(k)
		}
	case r == nil:
		if o.ids[k.id] > 0 {
			if r = o.fromElsewhere(x, k); r != nil {
				t.exchangeAnswer(x, r)
				return
			}
			o.stray(x, k)
		}
		t.unplaced(x)
		t.unseen(x)
		if x.s.StatusCode >= 200 {
			t.unasked.answer(x)
		}
		o.keepEarly(x, k)
		if x.method == "REGISTER" {
			t.regs.unasked(t, x)
		}
	case x.s.IsRequest() && x.isRetry(r.Status, r.Credentials || r.Partial, !x.now.Before(r.Answered)):
		t.newExchange(x, k)
	case x.s.IsRequest():
		r.Requests++
		r.LastFrame = x.frame
		switch { // a capture of several queues is not in order
		case x.now.After(r.LastSent):
			r.LastSent = x.now
		case x.now.Before(r.Sent):
			r.Sent = x.now
		}
		x.resent = r.SentFrame
		t.again(x, r)
	default:
		t.exchangeAnswer(x, r)
	}
}

// unplaced counts a response that answers nothing that is known, since it does not say what.
func (t *tracker) unplaced(x *seen) {
	if x.quirks&sipmsg.QuirkMissing == 0 || x.m.Partial || x.quirks&sipmsg.QuirkUnterminated != 0 {
		return
	}
	if !x.s.Has(sipmsg.Via) {
		t.noVia.add(x.frame)
	}
	if !x.s.Has(sipmsg.CSeq) {
		t.noCSeq.add(x.frame)
	}
}

// maxStray bounds the exchanges looked at, the newest first, for the request of a response
// that went astray: what is older has been answered.
const maxStray = 256

// fromElsewhere returns the exchange of a response that comes from another address than its request went
// to, nil for none: the branch says so (RFC 3261, section 17.1.3).
func (o *exchangeTable) fromElsewhere(x *seen, k exchangeKey) *exchange {
	for i := len(o.queue) - 1; i >= 0 && i >= len(o.queue)-maxStray; i-- {
		if r := o.queue[i]; r.key.id == k.id && r.key.branch == k.branch && r.Source == x.m.Dst {
			return r
		}
	}
	return nil
}

// unseen tells the requests that wait for what follows of a final response whose request is not in the capture. Of
// those of one kind it has to be the one with the next number.
func (t *tracker) unseen(x *seen) {
	o, notify := &t.open, x.method == "NOTIFY"
	if x.s.StatusCode < 200 || x.method == "OPTIONS" { // of that nothing is waited for
		return
	}
	if !notify {
		x.cseq--
		before := t.exchangeKey(x).id
		if x.cseq++; o.ids[before] == 0 {
			return
		}
	}
	for i := len(o.queue) - 1; i >= 0 && i >= len(o.queue)-maxStray; i-- {
		switch p := o.queue[i]; {
		case !notify && (p.CSeq >= x.cseq || p.Method != x.method) || p.CallID != string(x.id):
		case notify && (p.Method == "SUBSCRIBE" || p.Method == "REFER"):
			p.Notified = true
		case p.Method == x.method && p.CSeq < x.cseq && p.Source.Addr() == x.m.Dst.Addr() && p.Destination.Addr() == x.m.Src.Addr():
			p.Later = x.s.StatusCode
			return
		}
	}
}

// stray takes in a response that went between other addresses than its request.
func (o *exchangeTable) stray(x *seen, k exchangeKey) {
	for i := len(o.queue) - 1; i >= 0 && i >= len(o.queue)-maxStray; i-- {
		r := o.queue[i]
		if r.key.id != k.id || r.key.branch != k.branch {
			continue
		}
		if r.Destination.Addr() == x.m.Src.Addr() && !r.Strayed.IsValid() {
			r.Strayed, r.StrayFrame = x.m.Dst, x.frame
			return
		}
	}
}

// challenged reports whether a request of that number was challenged on its first hop and is sent there anew, with the same number: to
// be wrong, but no other hop.
func (o *exchangeTable) challenged(k exchangeKey, m *dissect.Message) bool {
	for r := range o.others(k.id) {
		if r.FirstHop && r.key.branch != k.branch && (r.Status == 401 || r.Status == 407) && r.Source == m.Src && r.Destination == m.Dst {
			return true
		}
	}
	return false
}

func (t *tracker) newExchange(x *seen, k exchangeKey) {
	o := &t.open
	if o.m == nil {
		o.m, o.ids = make(map[exchangeKey]*exchange), make(map[uint64]int)
	}
	r := o.fresh()
	r.Method, r.CSeq, r.Source, r.Destination, r.Transport = x.method, x.cseq, x.m.Src, x.m.Dst, x.m.Transport.String()
	r.FirstHop, r.InDialog, r.Partial, r.Credentials = o.ids[k.id] == 0 || o.challenged(k, x.m), len(x.to) > 0, x.m.Partial, hasCredentials(x.s)
	r.Requests, r.Sent, r.LastSent, r.SentFrame, r.LastFrame = 1, x.now, x.now, x.frame, x.frame
	r.Lost, r.Fragmented, r.Size, r.Length = t.lossOf(x.m), fragmented(x.m), len(x.s.Raw()), x.lengthOf()
	if t.rules.exchanged != nil {
		r.CallID = t.callID(x)
		r.request = t.keepOctets(r, x)
		r.Fields, r.Quirks, r.OldBranch, r.MaxForwards, r.Body = x.s.FieldSet(), x.quirks, !x.cookie, maxForwards(x.s), len(x.s.Body)
		if !r.FirstHop {
			o.recurs(r, k.id)
			for p := range o.others(k.id) { // which sent a copy on behind its answer, or the segment of that came late
				if p.isResult() {
					r.Passed = p.Status
				}
			}
		}
		if !r.FirstHop && r.MaxForwards >= 0 {
			o.came(x, r, k.id)
		}
		if t.asked != nil {
			r.Marks = t.asked(&r.Exchange, x.s)
		}
	}
	o.m[k] = r
	o.ids[k.id]++
	r.key = k
	o.queue = append(o.queue, r)
	switch x.method {
	case "REGISTER":
		t.register(x, r)
	case "OPTIONS":
		t.keepalive(x, r)
	default:
		if r.FirstHop {
			t.subs.request(x)
		}
	}
}

// came looks whether a request came to who sends it on with a Max-Forwards that was not higher: in
// the last one before it with its Call-ID, method, CSeq and tags. On one machine the ports have to
// say who sends it on.
func (o *exchangeTable) came(x *seen, r *exchange, id uint64) {
	for p := range o.others(id) {
		if p.Destination.Addr() != r.Source.Addr() || p.InDialog != r.InDialog || p.Partial {
			continue
		}
		if p.Source.Addr() == r.Source.Addr() && p.Destination.Port() != r.Source.Port() {
			continue
		}
		var m sipmsg.Message
		if p.MaxForwards >= 0 && p.MaxForwards <= r.MaxForwards && p.request.of != nil && p.request.read(&m) && bytes.Equal(m.Tag(sipmsg.From), x.from) {
			r.CameWith, r.CameFrame = p.MaxForwards, p.SentFrame
		}
		return
	}
}

// recurs looks whether a request was at one of its hosts before, and tells all those that have its Call-ID, method and CSeq. Along a
// chain of hosts none was.
func (o *exchangeTable) recurs(r *exchange, id uint64) {
	back := false
	for p := range o.others(id) {
		back = back || p.Recurs || p.Destination == r.Destination || p.Source.Addr() == r.Destination.Addr() || p.Source.Addr() == r.Source.Addr()
	}
	if !back {
		return
	}
	r.Recurs = true
	for p := range o.others(id) {
		p.Recurs = true
	}
}

// others ranges over the requests that are followed and have a Call-ID, method and CSeq, the newest first.
func (o *exchangeTable) others(id uint64) iter.Seq[*exchange] {
	return func(yield func(*exchange) bool) {
		n := o.ids[id]
		for i := len(o.queue) - 1; n > 0 && i >= 0 && i >= len(o.queue)-maxStray; i-- {
			if o.queue[i].key.id != id {
				continue
			}
			if n--; !yield(o.queue[i]) {
				return
			}
		}
	}
}

func hasCredentials(m *sipmsg.Message) bool {
	return m.Has(sipmsg.Authorization) || m.Has(sipmsg.ProxyAuthorization)
}

// keepOctets keeps a message of r for Options.Exchanged, if anybody wants it.
func (t *tracker) keepOctets(r *exchange, x *seen) (l leaf) {
	n := len(x.s.Raw())
	if t.rules.exchanged == nil || x.m.Partial {
		return l
	}
	if t.detailOctets+n > t.most.octets {
		t.overDetail = true
		return l
	}
	t.detailOctets += n
	r.octets += n
	return t.open.octets.keep(x.s)
}

// again takes in a message sent again.
func (t *tracker) again(x *seen, r *exchange) {
	if a := t.regs.of(r); a != nil {
		a.see(x)
		a.Retransmissions++
	}
	if r.peer != nil {
		r.peer.Retransmissions++
	}
}

// exchangeAnswer takes in a response.
func (t *tracker) exchangeAnswer(x *seen, r *exchange) {
	code := x.s.StatusCode
	switch {
	case code < 200:
		r.Provisional = code
		if a := t.regs.of(r); a != nil {
			a.see(x)
		}
	case r.Status == 0:
		r.Status, r.Finals, r.FinalFrame, r.Answered = code, 1, x.frame, x.now
		r.AnswerFragmented, r.AnswerLost, r.AnswerLength = fragmented(x.m), t.lossOf(x.m), x.lengthOf()
		r.response = t.keepOctets(r, x)
		if r.isResult() && t.open.ids[r.key.id] > 1 {
			for p := range t.open.others(r.key.id) {
				if p != r {
					p.Passed = code
				}
			}
		}
		if !x.m.Partial && x.quirks&sipmsg.QuirkUnterminated == 0 {
			r.ResponseFields, r.ResponseToTag, r.ResponseReceived = x.s.FieldSet(), len(x.to) > 0, hasReceived(x.s)
		}
		if a := t.regs.of(r); a != nil {
			a.see(x)
		}
		if r.peer == nil {
			t.heard(x, instant(r.Sent))
		}
		switch {
		case !r.FirstHop:
		case r.aor != 0:
			t.registered(x, r)
		case r.Method == "SUBSCRIBE":
			t.subs.answer(code)
		}
	case r.Status == code:
		r.Finals++
		x.resent = r.FinalFrame
		t.again(x, r)
	}
}

// isResult reports whether a request got an answer that may be all that became of it: on its first hop, or by who takes it.
func (r *exchange) isResult() bool {
	return r.Status != 0 && r.FirstHop || r.Status/100 == 2 || r.Status == 401 || r.Status == 407
}

// hasReceived reports whether the topmost Via of a message has received, written as all write it.
func hasReceived(m *sipmsg.Message) bool {
	v, _ := m.First(sipmsg.Via)
	return bytes.Contains(v, []byte(";received=")) && bytes.IndexByte(v, ',') < 0
}

// take takes out the oldest exchange.
func (o *exchangeTable) take() *exchange {
	r := o.queue[0]
	o.queue[0], o.queue = nil, o.queue[1:]
	if o.m[r.key] == r { // else another one took its branch
		delete(o.m, r.key)
	}
	if o.ids[r.key.id]--; o.ids[r.key.id] == 0 {
		delete(o.ids, r.key.id)
	}
	return r
}

// settle takes in what became of an exchange. waited says that the capture went on for
// long enough to say that no answer came.
func (t *tracker) settle(r *exchange, waited bool) {
	waited = waited || r.LastSent.Sub(r.Sent) >= timerTimeout-lastCopy
	r.Waited = waited
	if r.Status == 0 && waited && r.aor != 0 && r.FirstHop {
		t.regs.of(r).silent()
	}
	if r.peer != nil && (r.Status != 0 || waited) {
		r.peer.settle(r)
	}
	t.detailOctets -= r.octets
	if t.rules.exchanged == nil {
		t.open.putBack(r)
		return
	}
	t.rules.tell(errand{exchange: r, now: t.now})
}

// putBack leaves the room of an exchange to those to come.
func (o *exchangeTable) putBack(r *exchange) {
	o.octets.drop(r.request)
	o.octets.drop(r.response)
	if len(o.spare) < maxSpareExchanges {
		o.spare = append(o.spare, r)
	}
}

// rest settles everything at the end of the timeline.
func (o *exchangeTable) rest(t *tracker) {
	for len(o.queue) > 0 {
		r := o.take()
		t.settle(r, t.now.Sub(r.Sent) >= timerTimeout)
	}
}
