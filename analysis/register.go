package analysis

import (
	"bytes"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/sipsight/sipsight/sipmsg"
)

const (
	// maxAORs bounds the addresses-of-record told apart, maxContacts the contacts
	// kept of one.
	maxAORs     = 1 << 18
	maxContacts = 8

	// maxDelays bounds the delays kept of registrations, for their median.
	maxDelays = 1 << 20
)

// A Registration is what the capture shows of one address-of-record.
type Registration struct {
	AOR       string
	Source    netip.AddrPort // of the last REGISTER that was accepted, or else of the last one
	Registrar netip.AddrPort // where that went
	Contacts  []Binding      // at most 8
	Outcome   Outcome
	Status    int // the last final response, 0 for none
	Reason    string

	Attempts        int // REGISTERs with CSeq numbers of their own
	Challenges      int // 401 and 407
	Accepted        int // 2xx
	Refreshes       int // accepted ones for a contact that was there
	Failures        int // final responses of 300 and over but challenges, and silence
	Retransmissions int
	Messages        int
	Sources         int // changes of the source address

	UserAgent        string
	Begin, Last      time.Time
	First, LastFrame Frame
	CallID           string // of the last REGISTER

	// Filled in by whoever looks for what is wrong: the ids of findings, the worst first.
	Findings []string

	expired uint8 // a bit for each of the contacts
}

// Expired reports whether the time granted for contact i was over when the capture ended, as far as it shows.
func (r *Registration) Expired(i int) bool { return r.expired>>i&1 != 0 }

// Lapsed reports whether it was accepted, and the time granted for each of its contacts was over when the capture ended.
func (r *Registration) Lapsed() bool {
	return r.Outcome == RegRegistered && len(r.Contacts) > 0 && r.expired == 1<<len(r.Contacts)-1
}

// A Binding is a contact of an address-of-record: RFC 3261, section 10.
type Binding struct {
	URI     string
	Asked   int64 // seconds; -1 for nothing asked
	Granted int64 // seconds; -1 for nothing granted yet
}

// An Outcome is how the registration of an address-of-record stands at the end. docs/calls.md
// has the rules.
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

func (o Outcome) String() string {
	if int(o) < len(outcomeNames) {
		return outcomeNames[o]
	}
	return ""
}

// Outcomes returns the names of all outcomes in the order of the constants.
func Outcomes() []string { return slices.Clone(outcomeNames[:]) }

// A registrar makes Registrations of REGISTERs.
type registrar struct {
	packer *packer
	aors   nameTable
	rows   []string // the packed registration of each address-of-record, by its number
	recent []aor    // those of the last REGISTERs, each in the one place that its number gives it
	delays []time.Duration
	over   bool
}

// An aor is a Registration in the making.
type aor struct {
	Registration
	held       int        // 1 + its number, 0 for none
	call       int        // the number of CallID, -1 for none
	from       netip.Addr // of the last REGISTER
	unseen     bool       // one that is not in the capture was accepted behind the last
	challenged time.Time  // a challenge of this time was not taken up yet, behind an acceptance
}

// register takes in the first copy of a REGISTER between two addresses.
func (t *tracker) register(x *seen, r *exchange) {
	a := t.regs.aor(t, x)
	if a == nil {
		return
	}
	r.aor, r.AOR, r.AORNumber = a.held, a.AOR, a.held-1
	a.see(x)
	if !r.FirstHop {
		return
	}
	r.Between, a.unseen = a.unseen, false
	a.Attempts++
	t.unasked.asked(a)
	if a.from.IsValid() && a.from != x.m.Src.Addr() {
		a.Sources++
	}
	a.from = x.m.Src.Addr()
	if !a.Source.IsValid() || a.Accepted == 0 {
		a.Source, a.Registrar = x.m.Src, x.m.Dst
	}
	if ua, ok := x.s.First(sipmsg.UserAgent); ok && a.UserAgent != string(ua) {
		a.UserAgent = t.names.string(capped(unfolded(ua), maxKept))
	}
	a.CallID, a.call = t.callID(x), x.call
	r.Bindings = bindings(x.s, a.Contacts)
}

// see takes in that a message is of an address-of-record.
func (a *aor) see(x *seen) {
	if x.counted {
		return
	}
	a.Messages++
	a.LastFrame = x.frame
	if !x.now.IsZero() {
		a.Last = x.now
	}
}

// aor returns the record of the address-of-record of a REGISTER, the URI in To: nil where the
// limit keeps it out. It is valid until another one is asked for.
func (g *registrar) aor(t *tracker, x *seen) *aor {
	v, _ := x.s.First(sipmsg.To)
	var room [128]byte
	uri := lowerHost(room[:0], capped(bare(unfolded(sipmsg.ParseAddress(v).URI)), maxKept))
	if g.aors.slots == nil {
		g.aors = newNameTable(t.most.aors, 256)
	}
	n := g.aors.count(uri, len(uri))
	switch {
	case n < 0:
		g.over = true
		return nil
	case n < len(g.rows):
		return g.at(n)
	}
	g.rows = append(g.rows, "")
	a := g.place(n)
	*a = aor{Registration: Registration{AOR: g.aors.text(n), Begin: x.now, First: x.frame, Contacts: a.Contacts[:0]}, held: n + 1, call: -1}
	return a
}

// lowerHost returns a bare URI with its host in lower case, as hosts are compared (RFC 3261, section
// 19.1.4): the URI itself, or else one in the room.
func lowerHost(room, uri []byte) []byte {
	at := bytes.LastIndexByte(uri, '@') + 1
	if !bytes.ContainsFunc(uri[at:], func(c rune) bool { return c >= 'A' && c <= 'Z' }) {
		return uri
	}
	room = append(room, uri...)
	for i := at; i < len(room); i++ {
		if c := room[i]; c >= 'A' && c <= 'Z' {
			room[i] = c | 0x20
		}
	}
	return room
}

// bindings lists the contacts of a REGISTER with the time asked for: that of the contact,
// or else that of Expires (RFC 3261, section 10.2.1.1). Those that are known already have their
// texts of them.
func bindings(s *sipmsg.Message, known ...[]Binding) (list []Binding) {
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
		b := Binding{URI: contact(capped(bare(unfolded(addr.URI)), maxKept), known), Asked: all, Granted: -1}
		if e, ok := addr.Params.Get("expires"); ok {
			if n, ok := sipmsg.Number(e); ok {
				b.Asked = int64(n)
			}
		}
		list = append(list, b)
	}
	return list
}

// contact returns a URI as a string: that of a binding that is known, or else a new one.
func contact(uri []byte, known [][]Binding) string {
	for _, list := range known {
		for i := range list {
			if list[i].URI == string(uri) {
				return list[i].URI
			}
		}
	}
	return string(uri)
}

// registered takes in the final response to a REGISTER on its first hop.
func (t *tracker) registered(x *seen, r *exchange) {
	g, code := &t.regs, r.Status
	a := g.of(r)
	if d, ok := between(r.Sent, x.now); ok && len(g.delays) < maxDelays && code/100 == 2 {
		g.delays = append(g.delays, d)
	}
	a.Status, a.Reason = code, t.names.string(capped(x.s.Reason, maxKept))
	switch {
	case code == 401 || code == 407:
		a.Challenges++
		a.challenge(x)
	case code < 300:
		a.challenged = time.Time{}
		t.accepted(a, r, x)
	default:
		a.challenged = time.Time{}
		a.Failures++
		a.Outcome = RegFailed
	}
}

// accepted takes in a 2xx: the bindings it lists are those that are in force.
func (t *tracker) accepted(a *aor, r *exchange, x *seen) {
	a.Accepted++
	hops := r.Source.Addr() != r.Destination.Addr()          // on one host nothing tells who has which contacts
	further := hops && a.Registrar.Addr() == r.Source.Addr() // who was registered at registers further on
	a.Source, a.Registrar = r.Source, r.Destination
	granted := bindings(x.s, r.Bindings, a.Contacts)
	refreshed, listed := false, false
	for i := range r.Bindings {
		b := &r.Bindings[i]
		if b.URI == "*" || b.Asked == 0 { // removed: section 10.2.2
			a.remove(b.URI)
			continue
		}
		for j := range granted {
			if sameContact(granted[j].URI, b.URI) {
				b.Granted, listed = granted[j].Asked, true
			}
		}
		if b.Granted < 0 && len(granted) == 1 && len(r.Bindings) == 1 { // a registrar that rewrites contacts
			b.Granted = granted[0].Asked
		}
		if b.Granted < 0 { // Expires of the response speaks for all
			if v, ok := x.s.First(sipmsg.Expires); ok {
				if n, ok := sipmsg.Number(v); ok {
					b.Granted = int64(n)
				}
			}
		}
		if a.set(*b) {
			refreshed = true
		}
	}
	if refreshed {
		a.Refreshes++
	}
	if listed && len(granted) < maxContacts && !further { // those that are not listed beside it are gone: section 10.3; but what the registrar registers further on
		a.Contacts = slices.DeleteFunc(a.Contacts, func(b Binding) bool {
			at, _ := sipmsg.ParseURI([]byte(b.URI)).Addr()
			return !(hops && at == r.Destination.Addr()) && !slices.ContainsFunc(granted, func(g Binding) bool { return sameContact(g.URI, b.URI) })
		})
	}
	switch {
	case len(r.Bindings) == 0:
		if a.Outcome != RegRegistered {
			a.Outcome = RegQueried
		}
	case len(a.Contacts) == 0:
		a.Outcome = RegUnregistered
	default:
		a.Outcome = RegRegistered
	}
}

// sameContact reports whether two URIs without parameters are the same but for capitals in the host.
func sameContact(a, b string) bool {
	at := strings.LastIndexByte(a, '@') + 1
	return a == b || len(a) == len(b) && a[:at] == b[:at] && strings.EqualFold(a[at:], b[at:])
}

// set takes in a binding and reports whether it was there.
func (a *aor) set(b Binding) bool {
	for i := range a.Contacts {
		if sameContact(a.Contacts[i].URI, b.URI) {
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
	a.Contacts = slices.DeleteFunc(a.Contacts, func(b Binding) bool { return uri == "*" || sameContact(b.URI, uri) })
}

// unasked takes in a response whose REGISTER was not captured.
func (g *registrar) unasked(t *tracker, x *seen) {
	a := g.aor(t, x)
	if a == nil {
		return
	}
	a.see(x)
	if !a.Source.IsValid() {
		a.Source, a.Registrar = x.m.Dst, x.m.Src
	}
	code := x.s.StatusCode
	if code < 200 {
		return
	}
	a.Status, a.Reason = code, t.names.string(capped(x.s.Reason, maxKept))
	t.unasked.registered(t, x, a)
	switch {
	case code == 401 || code == 407:
		a.challenge(x)
	case code < 300:
		a.Outcome, a.unseen = RegRegistered, true
	default:
		a.Outcome = RegFailed
	}
}

// challenge takes in a 401 or 407. What is registered stands until it is clear that nothing follows.
func (a *aor) challenge(x *seen) {
	if a.Outcome == RegRegistered && !x.now.IsZero() {
		a.challenged = x.now
	} else {
		a.Outcome = RegChallenged
	}
}

// silent takes in that a REGISTER was never answered.
func (a *aor) silent() {
	a.Failures++
	if a.Accepted == 0 && a.Status == 0 {
		a.Outcome = RegUnanswered
	}
}
