package analysis

import (
	"hash/maphash"
	"net/netip"
	"slices"
	"time"

	"github.com/sipsight/sipsight/sipmsg"
)

const (
	// maxAORs bounds the addresses-of-record told apart, maxContacts the contacts
	// kept of one, and maxOpen the requests outside of calls that wait for their
	// answers at once.
	maxAORs     = 1 << 18
	maxContacts = 8
	maxOpen     = 1 << 15

	// maxDelays bounds the delays kept of registrations, for their median.
	maxDelays = 1 << 20

	// openWait is how long a request outside of a call waits: Timer F, and a little
	// for what comes late.
	openWait = timerTimeout + 8*time.Second
)

// A Registration is what the capture shows of one address-of-record.
type Registration struct {
	AOR       string
	Source    netip.AddrPort // of the last REGISTER that was accepted, or else of the last one
	Registrar netip.AddrPort // where that went
	Contacts  []Binding      // at most maxContacts
	Outcome   Outcome
	Status    int // the last final response, 0 for none
	Reason    string

	Attempts        int // REGISTERs with CSeq numbers of their own
	Challenges      int // 401 and 407
	Accepted        int // 2xx
	Refreshes       int // accepted ones that changed nothing but the time
	Failures        int // final responses of 300 and over but challenges, and silence
	Retransmissions int
	Messages        int
	Sources         int // changes of the source address

	UserAgent        string
	Begin, Last      time.Time
	First, LastFrame Frame
	CallID           string // of the last REGISTER
}

// A Binding is a contact of an address-of-record: RFC 3261, section 10.
type Binding struct {
	URI     string
	Asked   int64 // seconds; -1 for nothing asked
	Granted int64 // seconds; -1 for nothing granted yet
}

// An Outcome is how the registration of an address-of-record stands at the end.
type Outcome uint8

// The outcomes.
const (
	RegUnanswered   Outcome = iota // no final response came
	RegChallenged                  // a challenge was not taken up
	RegRegistered                  // accepted, with a contact
	RegUnregistered                // accepted, the last contact removed
	RegQueried                     // accepted, without any contact asked for
	RegFailed                      // refused
)

var outcomeNames = [...]string{"unanswered", "challenged", "registered", "unregistered", "queried", "failed"}

func (o Outcome) String() string { return outcomeNames[o] }

// Outcomes returns the names of all outcomes in the order of the constants.
func Outcomes() []string { return outcomeNames[:] }

// A registrar makes Registrations of REGISTERs.
type registrar struct {
	aors   map[string]*aor
	list   []*aor
	open   openTable[*aor]
	delays []time.Duration
	over   bool
}

// An aor is a Registration in the making.
type aor struct {
	Registration
}

// An openTable holds requests that wait for their final response, by their transaction.
type openTable[T any] struct {
	m     map[openKey]*open[T]
	ids   map[uint64]int // how many of m have this Call-ID, method and CSeq
	queue []openKey      // in order of time
}

// An openKey names a transaction outside of calls: by branch and hop.
type openKey struct {
	branch uint64
	id     uint64 // Call-ID, method and CSeq
	a, b   netip.Addr
}

// An open request.
type open[T any] struct {
	of       T
	sent     time.Time
	frame    Frame
	status   int
	last     Frame // of the final response
	requests int
	firstHop bool
	asked    []Binding
	extra    string
}

func keyOfOpen(t *tracker, x *seen, id []byte) openKey {
	var h maphash.Hash
	h.SetSeed(t.seed)
	h.Write(id)
	h.WriteString(x.method)
	h.Write([]byte{byte(x.cseq >> 24), byte(x.cseq >> 16), byte(x.cseq >> 8), byte(x.cseq)})
	k := openKey{branch: x.key, id: h.Sum64(), a: x.m.Src.Addr(), b: x.m.Dst.Addr()}
	if k.b.Less(k.a) {
		k.a, k.b = k.b, k.a
	}
	return k
}

// waited reports whether the capture went on for long enough behind a request to say that
// no answer came.
func (r *open[T]) waited(now time.Time) bool { return now.Sub(r.sent) >= timerTimeout }

// get returns the open request of a message.
func (o *openTable[T]) get(k openKey) *open[T] { return o.m[k] }

// add adds a request, and notes whether it is the first hop that it was seen on.
func (o *openTable[T]) add(k openKey, r *open[T]) {
	if o.m == nil {
		o.m, o.ids = make(map[openKey]*open[T]), make(map[uint64]int)
	}
	r.firstHop = o.ids[k.id] == 0
	o.m[k] = r
	o.ids[k.id]++
	o.queue = append(o.queue, k)
}

// expired takes out the oldest request if it has waited long enough, or there are too
// many; nil otherwise.
func (o *openTable[T]) expired(now time.Time) *open[T] {
	if len(o.queue) == 0 {
		return nil
	}
	k := o.queue[0]
	r := o.m[k]
	if len(o.queue) <= maxOpen && (now.IsZero() || now.Sub(r.sent) <= openWait) {
		return nil
	}
	return o.take()
}

// take takes out the oldest request; nil if there is none.
func (o *openTable[T]) take() *open[T] {
	if len(o.queue) == 0 {
		return nil
	}
	k := o.queue[0]
	o.queue = o.queue[1:]
	r := o.m[k]
	delete(o.m, k)
	if o.ids[k.id]--; o.ids[k.id] == 0 {
		delete(o.ids, k.id)
	}
	return r
}

// register takes in a REGISTER, or a response to one.
func (t *tracker) register(x *seen, id []byte) {
	g := &t.regs
	for r := g.open.expired(x.now); r != nil; r = g.open.expired(x.now) {
		r.of.silent(r)
	}
	k := keyOfOpen(t, x, id)
	r := g.open.get(k)
	if !x.s.IsRequest() {
		if r != nil {
			g.answer(t, r, x)
		} else {
			g.unasked(t, x)
		}
		return
	}
	if r != nil {
		r.of.Messages++
		r.of.Retransmissions++
		r.of.LastFrame, r.of.Last = x.frame, x.now
		x.resent = r.frame
		return
	}
	a := g.aor(t, x)
	if a == nil {
		return
	}
	a.Messages++
	a.LastFrame = x.frame
	if !x.now.IsZero() {
		a.Last = x.now
	}
	r = &open[*aor]{of: a, sent: x.now, frame: x.frame}
	g.open.add(k, r)
	if !r.firstHop {
		return
	}
	a.Attempts++
	if a.Source.IsValid() && a.Source.Addr() != x.m.Src.Addr() {
		a.Sources++
	}
	if !a.Source.IsValid() || a.Accepted == 0 {
		a.Source, a.Registrar = x.m.Src, x.m.Dst
	}
	if ua, ok := x.s.First(sipmsg.UserAgent); ok && (a.UserAgent == "" || a.UserAgent != string(ua)) {
		a.UserAgent = t.names.string(capped(ua, maxKept))
	}
	if a.CallID != string(id) {
		a.CallID = string(capped(id, maxName))
	}
	r.asked = t.bindings(x.s)
}

// aor returns the record of the address-of-record of a REGISTER: the URI in To.
func (g *registrar) aor(t *tracker, x *seen) *aor {
	v, _ := x.s.First(sipmsg.To)
	uri := capped(bare(sipmsg.ParseAddress(v).URI), maxKept)
	if a := g.aors[string(uri)]; a != nil {
		return a
	}
	if len(g.aors) >= maxAORs {
		g.over = true
		return nil
	}
	if g.aors == nil {
		g.aors = make(map[string]*aor)
	}
	a := &aor{Registration: Registration{AOR: string(uri), Begin: x.now, First: x.frame}}
	g.aors[a.AOR] = a
	g.list = append(g.list, a)
	return a
}

// bindings lists the contacts of a REGISTER with the time asked for: that of the contact,
// or else that of Expires (RFC 3261, section 10.2.1.1).
func (t *tracker) bindings(s *sipmsg.Message) (list []Binding) {
	all := int64(-1)
	if v, ok := s.First(sipmsg.Expires); ok {
		if n, ok := sipmsg.Number(v); ok {
			all = int64(n)
		}
	}
	for v := range s.Values(sipmsg.Contact) {
		if len(list) == maxContacts {
			break
		}
		addr := sipmsg.ParseAddress(v)
		b := Binding{URI: t.names.string(capped(bare(addr.URI), maxKept)), Asked: all, Granted: -1}
		if e, ok := addr.Params.Get("expires"); ok {
			if n, ok := sipmsg.Number(e); ok {
				b.Asked = int64(n)
			}
		}
		list = append(list, b)
	}
	return list
}

// answer takes in a response to a REGISTER.
func (g *registrar) answer(t *tracker, r *open[*aor], x *seen) {
	a, code := r.of, x.s.StatusCode
	a.Messages++
	a.LastFrame = x.frame
	if !x.now.IsZero() {
		a.Last = x.now
	}
	if code < 200 {
		return
	}
	if r.status != 0 {
		if r.status == code {
			a.Retransmissions++
			x.resent = r.last
		}
		return
	}
	r.status, r.last = code, x.frame
	if !r.firstHop {
		return
	}
	if d, ok := between(r.sent, x.now); ok && len(g.delays) < maxDelays && code/100 == 2 {
		g.delays = append(g.delays, d)
	}
	a.Status, a.Reason = code, t.names.string(capped(x.s.Reason, maxKept))
	switch {
	case code == 401 || code == 407:
		a.Challenges++
		a.Outcome = RegChallenged
	case code < 300:
		t.accepted(a, r, x)
	default:
		a.Failures++
		a.Outcome = RegFailed
	}
}

// accepted takes in a 2xx: the bindings it lists are those that are in force.
func (t *tracker) accepted(a *aor, r *open[*aor], x *seen) {
	a.Accepted++
	granted := t.bindings(x.s)
	refreshed := false
	for i := range r.asked {
		b := &r.asked[i]
		if b.URI == "*" || b.Asked == 0 { // removed: section 10.2.2
			a.remove(b.URI)
			continue
		}
		for j := range granted {
			if granted[j].URI == b.URI {
				b.Granted = granted[j].Asked
			}
		}
		if b.Granted < 0 && len(granted) == 1 && len(r.asked) == 1 { // a registrar that rewrites contacts
			b.Granted = granted[0].Asked
		}
		if b.Granted < 0 { // Expires of the response speaks for all
			if v, ok := x.s.First(sipmsg.Expires); ok {
				if n, ok := sipmsg.Number(v); ok {
					b.Granted = int64(n)
				}
			}
		}
		refreshed = a.set(*b) || refreshed
	}
	if refreshed {
		a.Refreshes++
	}
	switch {
	case len(r.asked) == 0:
		if a.Outcome != RegRegistered {
			a.Outcome = RegQueried
		}
	case len(a.Contacts) == 0:
		a.Outcome = RegUnregistered
	default:
		a.Outcome = RegRegistered
	}
}

// set takes in a binding and reports whether it was there.
func (a *aor) set(b Binding) bool {
	for i := range a.Contacts {
		if a.Contacts[i].URI == b.URI {
			a.Contacts[i] = b
			return true
		}
	}
	if len(a.Contacts) == maxContacts {
		a.Contacts = slices.Delete(a.Contacts, 0, 1)
	}
	a.Contacts = append(a.Contacts, b)
	return false
}

func (a *aor) remove(uri string) {
	a.Contacts = slices.DeleteFunc(a.Contacts, func(b Binding) bool { return uri == "*" || b.URI == uri })
}

// unasked takes in a response whose REGISTER was not captured.
func (g *registrar) unasked(t *tracker, x *seen) {
	a := g.aor(t, x)
	if a == nil {
		return
	}
	a.Messages++
	a.LastFrame = x.frame
	if !x.now.IsZero() {
		a.Last = x.now
	}
	if !a.Source.IsValid() {
		a.Source, a.Registrar = x.m.Dst, x.m.Src
	}
	code := x.s.StatusCode
	if code < 200 {
		return
	}
	a.Status, a.Reason = code, t.names.string(capped(x.s.Reason, maxKept))
	switch {
	case code == 401 || code == 407:
		a.Outcome = RegChallenged
	case code < 300:
		a.Outcome = RegRegistered
	default:
		a.Outcome = RegFailed
	}
}

// silent takes in that a REGISTER was never answered.
func (a *aor) silent(r *open[*aor]) {
	if r.status == 0 && r.firstHop {
		a.Failures++
		if a.Accepted == 0 && a.Status == 0 {
			a.Outcome = RegUnanswered
		}
	}
}

// result returns the registrations in the order in which they began.
func (g *registrar) result(now time.Time) []*Registration {
	for r := g.open.take(); r != nil; r = g.open.take() {
		if r.waited(now) {
			r.of.silent(r)
		}
	}
	list := make([]*Registration, len(g.list))
	for i, a := range g.list {
		list[i] = &a.Registration
	}
	return list
}
