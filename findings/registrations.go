package findings

import (
	"bytes"
	"fmt"
	"hash/maphash"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/sipmsg"
)

// registerRules are about registrations and subscriptions: RFC 3261, section 10; RFC 5626
// and 6665.
var registerRules = []*Rule{registerFailed, registerStorm, bindingFlap, subscribeSilent}

const (
	// maxWatched bounds the addresses-of-record followed by one rule, maxOfAOR the
	// contacts or bindings kept of one.
	maxWatched = 1 << 17
	maxOfAOR   = 8

	// maxSubscriptions bounds the subscriptions that a NOTIFY is waited for.
	maxSubscriptions = 1 << 14
)

var registerFailed = &Rule{
	ID: "register-failed", RFC: "RFC 3261 10.2, 10.3, 10.2.8", Severity: "error / warning / note",
	Title: "a registration that fails or comes late",
	Doc: `A REGISTER is refused with 403 or 404, on a further hop one that the client gets another refusal for (a note if the same address-of-record is accepted within 32 s); or with 423 and no REGISTER with a longer
expiry, of at least Min-Expires, follows in 32 s; or asks to remove all contacts (Contact: *) without Expires: 0. Warning: the first REGISTER that
refreshes a contact comes more than 5 % of the granted time after that time is over; with another Call-ID only up to twice the granted time, since later it
is a phone that was off; not one behind a REGISTER that removes the contact, whether it was answered or not, nor one of a client that was registered with another contact all the time. One before which numbers are left out is only possible. A response whose REGISTER is not in the capture says that there was one, and a refusal is told, if no other REGISTER for that address-of-record is there; where the capture lacks so many that one with its response may be missing, a late one is only possible. Refusals of ten addresses-of-record and more from one host are one finding; those of a host that scanner or digest-brute-force tells of are left to these.`,
	Why: "A phone that is not registered cannot be called; one that refreshes late cannot be called in between.",
	Fix: "Look at what the registrar has for the address-of-record, and at how long the client asks to be registered.",

	asks:  registers,
	state: func() state { return new(registerState) },
}

// A registerWatch is what register-failed remembers of an address-of-record.
type registerWatch struct {
	registerHead
	granted []grant // at most maxOfAOR
}

type registerHead struct {
	place   uint32           // when it was watched first: see watchList.seq; 0 for not yet
	brief   *briefGrant      // a 423 that waits for what follows
	refused *refusedRegister // a 403 or 404
	late    bool
	star    bool
	short   bool // that it asks for too little is told, up to the next acceptance
}

// A briefGrant is a 423 to a REGISTER.
type briefGrant struct {
	Finding
	asked int64 // seconds that the REGISTER was for
	least int64 // Min-Expires, 0 for none
}

// A refusedRegister is a 403 or 404 to a REGISTER.
type refusedRegister struct {
	Finding
	from netip.Addr // where the REGISTER came from
	at   time.Time
}

// A grant is a contact in force.
type grant struct {
	uri, callID uint64    // their hashes
	at, until   time.Time // granted, and up to when the client is registered, with this contact or another one
	seconds     int64
	frame       analysis.Frame
	cseq        uint32 // of the REGISTER
	tried       bool   // one for it followed
}

type registerState struct {
	watched int // addresses-of-record
	bundles
}

func (s *registerState) exchange(r *exchangeRun) {
	e := r.Exchange
	refused := isRefused(e)
	if e.Method != "REGISTER" || !e.FirstHop && !refused || e.AOR == "" || e.Partial {
		return
	}
	w := &r.c.watches.of(e).register
	if !e.FirstHop { // what a server passes back is told of the first hop
		if w.place != 0 && w.refused == nil && isKept(r) {
			w.refuse(e)
		}
		return
	}
	if w.place == 0 {
		if s.watched == maxWatched {
			return
		}
		s.watched++
		w.place = r.c.watches.seq
	}
	w.request(r)
	switch {
	case e.Status/100 == 2:
		if x := w.refused; x != nil && e.Sent.Sub(x.at) < timeout {
			x.Severity = Note
			x.Observed += "; accepted " + seconds(e.Answered.Sub(x.at)) + " later"
			s.add(x.from.String()+" note", x.Finding)
			w.refused = nil
		}
		w.accepted(e)
	case e.Status == 423:
		if e.Later == 0 && !w.short {
			w.tooBrief(r)
		}
	case refused && w.refused == nil:
		w.refuse(e)
	}
}

// isRefused reports whether the registrar wants nothing of who asks it.
func isRefused(e *analysis.Exchange) bool { return e.Status == 403 || e.Status == 404 }

// refuse takes in a 403 or 404.
func (w *registerWatch) refuse(e *analysis.Exchange) {
	f := registerFinding(e, Error)
	f.Frames = append(f.Frames, e.FinalFrame)
	f.Observed = fmt.Sprintf("REGISTER from %s refused with %d", endpoint(e.Source), e.Status)
	f.Expected, f.NextStep = refusedExpected, refusedNext
	if e.Later/100 == 2 {
		f.Severity = Note
		f.Observed += "; a later REGISTER, which is not in the capture, was accepted"
	}
	w.refused = &refusedRegister{f, e.Source.Addr(), e.Answered}
}

//go:noinline
func registerFinding(e *analysis.Exchange, s Severity) Finding {
	return Finding{Severity: s, AOR: e.AOR, CallID: e.CallID, Frames: []analysis.Frame{e.SentFrame}}
}

// request looks at a REGISTER: whether it is late, what it makes of a 423, and how it
// removes contacts.
func (w *registerWatch) request(r *exchangeRun) {
	e := r.Exchange
	asked := int64(-2) // for nothing
	for i := range e.Bindings {
		b := &e.Bindings[i]
		if b.Asked == 0 {
			w.removed(b)
		}
		if b.URI == "*" {
			if b.Asked != 0 && !w.star {
				w.star = true
				f := registerFinding(e, Error)
				f.Observed, f.Expected = "Contact: * without Expires: 0", "Expires: 0 beside Contact: *"
				f.NextStep = "Correct the client: all contacts are removed with Expires: 0 alone."
				r.report(f)
			}
			continue
		}
		if b.Asked == -1 || asked != -1 {
			asked = max(asked, b.Asked)
			if b.Asked == -1 {
				asked = -1
			}
		}
		if b.Asked != 0 {
			w.refresh(r, b)
		}
	}
	if w.brief == nil || asked == -2 {
		return
	}
	f := w.brief
	w.brief = nil
	if asked == -1 || asked > f.asked && asked >= f.least || e.Sent.Sub(f.gate.since) >= timeout && asked != f.asked {
		return
	}
	f.gate = nil
	f.Frames = append(f.Frames, e.SentFrame)
	f.Observed = fmt.Sprintf("423 to a REGISTER for %d s, the next one asks for %d s", f.asked, asked)
	if f.least > 0 {
		f.Observed += fmt.Sprintf("; Min-Expires is %d", f.least)
	}
	w.short = true
	r.report(f.Finding)
}

// refresh looks whether a REGISTER for a contact comes too late.
func (w *registerWatch) refresh(r *exchangeRun, b *analysis.Binding) {
	e := r.Exchange
	uri, callID := textHash(b.URI), textHash(e.CallID)
	for i := range w.granted {
		g := &w.granted[i]
		if g.uri != uri || g.tried {
			continue
		}
		if g.tried = true; e.Between {
			return
		}
		granted := time.Duration(g.seconds) * time.Second
		after := e.Sent.Sub(g.at)
		if late := e.Sent.Sub(g.until); w.late || late*20 <= granted || g.callID != callID && late > granted {
			return
		}
		w.late = true
		f := registerFinding(e, Warning)
		f.Frames = []analysis.Frame{g.frame, e.SentFrame}
		f.Observed = fmt.Sprintf("granted for %d s, refreshed after %s", g.seconds, seconds(after))
		f.Expected, f.NextStep = "a refresh before the granted time is over", "Let the client refresh at half of the granted time, or look at what held it up: in between it cannot be called."
		if g.callID == callID && e.CSeq > g.cseq+1 && r.c.loss.any() { // one of a number between is not in the capture
			f.Confidence = Possible
		}
		f.gate = &gate{self: e.Destination.Addr(), peer: e.Source.Addr(), since: g.at, wait: after, once: e.Transport != "UDP", misses: 2} // a REGISTER between, and its 2xx
		r.report(f)
	}
}

// removed takes in that a contact is not wanted any more, or none is, whatever comes of that: it is not refreshed.
func (w *registerWatch) removed(b *analysis.Binding) {
	for i := range w.granted {
		if g := &w.granted[i]; b.URI == "*" || g.uri == textHash(b.URI) {
			g.tried = true
		}
	}
}

// prolong takes in that a client whose contacts were in force is registered with another one up to a time: it can be called until then.
func (w *registerWatch) prolong(callID uint64, from, to time.Time) {
	for i := range w.granted {
		if g := &w.granted[i]; g.callID == callID && !from.After(g.until) && to.After(g.until) {
			g.until = to
		}
	}
}

// accepted takes in what a 2xx granted.
func (w *registerWatch) accepted(e *analysis.Exchange) {
	w.short = false
	for i := range e.Bindings {
		b := &e.Bindings[i]
		uri := textHash(b.URI)
		w.granted = slices.DeleteFunc(w.granted, func(g grant) bool { return b.URI == "*" || g.uri == uri })
		if b.URI == "*" || b.Asked == 0 || b.Granted <= 0 || b.Granted > 1<<31 || e.Answered.IsZero() {
			continue
		}
		if len(w.granted) == maxOfAOR {
			w.granted = slices.Delete(w.granted, 0, 1)
		}
		callID, until := textHash(e.CallID), e.Answered.Add(time.Duration(b.Granted)*time.Second)
		w.prolong(callID, e.Sent, until)
		w.granted = append(w.granted, grant{uri: uri, callID: callID, at: e.Answered, until: until, seconds: b.Granted, frame: e.FinalFrame, cseq: e.CSeq})
	}
}

// tooBrief takes in a 423.
func (w *registerWatch) tooBrief(r *exchangeRun) {
	e := r.Exchange
	f := &briefGrant{Finding: registerFinding(e, Error), asked: -1}
	for i := range e.Bindings {
		f.asked = max(f.asked, e.Bindings[i].Asked)
	}
	if m := r.Response(); m != nil {
		if _, n, ok := m.Number(sipmsg.MinExpires); ok {
			f.least = int64(n)
		}
	}
	f.Frames = append(f.Frames, e.FinalFrame)
	f.Observed = fmt.Sprintf("423 to a REGISTER for %d s, and no other follows in 32 s", f.asked)
	f.Expected, f.NextStep = "a REGISTER for Min-Expires or longer", "Let the client ask for the Min-Expires of the 423, or lower what the registrar asks for."
	f.gate = waitFor(e.Destination, e.Source, e.Answered, e.Transport)
	f.gate.misses = 2
	w.brief = f
}

// attacked reports whether an address tries users or passwords: that finding tells of its
// REGISTERs too, and takes id as related.
func (r *captureRun) attacked(a netip.Addr, id string) bool {
	s := r.c.ledger.sourceOf(a)
	if s == nil || s.scan == nil && len(s.brutes) == 0 {
		return false
	}
	var told *attack
	if told = s.scan; told == nil {
		told = s.brutes[0]
	}
	for _, f := range r.c.found {
		if (f.ID == "scanner" || f.ID == "digest-brute-force") && len(f.Frames) > 0 && f.Frames[0] == told.f.Frames[0] && !slices.Contains(f.Related, id) {
			f.Related = append(f.Related, id)
		}
	}
	return true
}

func (s *registerState) end(r *captureRun) {
	for _, x := range r.c.watches.oddOnes(func(w *watch) uint32 { return w.register.place }) {
		w := &x.register
		if w.brief != nil && r.End.Sub(w.brief.gate.since) >= timeout {
			r.report(w.brief.Finding)
		}
		if w.refused != nil && !r.attacked(w.refused.from, r.rule.ID) {
			s.add(w.refused.from.String(), w.refused.Finding)
		}
	}
	for i := range r.Unregistered {
		s.unasked(&r.Unregistered[i])
	}
	s.report(r, "addresses-of-record")
}

// unasked tells of a refusal of which the REGISTER is not in the capture.
func (s *registerState) unasked(u *analysis.Unregistered) {
	f := Finding{Severity: Error, AOR: u.AOR, CallID: u.CallID, Frames: []analysis.Frame{u.Frame}}
	f.Observed = fmt.Sprintf("%d from %s to a REGISTER from %s, which the capture does not have whole", u.Status, endpoint(u.Source), endpoint(u.Destination))
	f.Expected, f.NextStep = refusedExpected, refusedNext
	key := u.Destination.Addr().String()
	if u.Accepted {
		f.Severity = Note
		f.Observed += "; a later one was accepted"
		key += " note"
	}
	s.add(key, f)
}

// What a REGISTER that is refused should have got, and where to look.
const (
	refusedExpected = "200, or a challenge"
	refusedNext     = "Compare the REGISTER with what the registrar knows: user, password, domain, and whether it may register from there."
)

var registerStorm = &Rule{
	ID: "register-storm", RFC: "RFC 3261 10.2.4", Severity: "warning",
	Title: "far more REGISTERs than the granted time explains",
	Doc: `REGISTERs that were challenged do not count; where nothing that the registrar sends to who sent them is in the capture, for the last rule to anybody, it is only possible that they were not. Six and more for one contact of an address-of-record were accepted, all from one address and none from another in between, more than 10 times as often as the granted time explains: the
mean time from one to the next is under a tenth of the shortest time that any of them was granted. Or: in 60 s an address-of-record sends more than 10, and more than 10 times what the granted time of its contacts
explains (3600 s where none is known); or a host sends more than 20, more than three for each address-of-record, and more than 10 times what the granted times explain. Or: in the
second behind a pause of 10 s or more, in which there may be challenged ones, a registrar gets more REGISTERs that are not due (before 40 % of the granted time, or of addresses that are new) than 20 and than 20 % of the
addresses-of-record.`,
	Why: "A storm takes the registrar down, and a registrar that comes up again is met by the next one.",
	Fix: "Find out what makes the clients register again: refused or lost responses, a connection that breaks, a failover; let them wait at random (RFC 5626, section 4.5).",

	asks:  registers,
	state: func() state { return &stormState{registrars: make(map[netip.Addr]*stormRegistrar)} },
}

const stormWindow = time.Minute

// A count is the REGISTERs of one minute.
type count struct {
	since  time.Time
	n      int
	frames [maxSiteProofs]analysis.Frame // the first ones
}

// take takes in a REGISTER, and reports whether it begins another minute.
func (c *count) take(at time.Time, f analysis.Frame) (anew bool) {
	if anew = c.n == 0 || at.Sub(c.since) > stormWindow; anew {
		*c = count{since: at}
	}
	if c.n < len(c.frames) {
		c.frames[c.n] = f
	}
	c.n++
	return anew
}

// proofs returns the first frames.
func (c *count) proofs() []analysis.Frame { return slices.Clone(c.frames[:min(c.n, len(c.frames))]) }

// A stormAOR is what register-storm remembers of an address-of-record.
type stormAOR struct {
	stormHead
	contacts []stormContact // at most maxOfAOR
}

// A stormContact is a contact of an address-of-record, with the REGISTERs for it that were accepted as long as they
// come from one host, and more often than the granted time explains: mostly the last one alone.
type stormContact struct {
	uri     uint64 // its hash
	source  hostNo
	n       int
	since   time.Time // when the first of them was sent, …
	last    time.Time // … and the last
	granted int64     // the shortest time
	frames  [maxSiteProofs]analysis.Frame
}

// leastOften is how many REGISTERs of a contact show that it registers too often: a phone may start twice.
const leastOften = 6

// accept takes in a REGISTER for the contact that was accepted, and reports whether there are too many of them.
func (c *stormContact) accept(e *analysis.Exchange, source hostNo, granted int64) bool {
	if c.n > 0 && !e.Sent.After(c.last) { // twice in one
		return false
	}
	least := min(granted, c.granted)
	if c.n == 0 || c.source != source || e.Sent.Sub(c.since)/time.Duration(c.n) >= time.Duration(least)*time.Second/timesTooOften {
		*c = stormContact{uri: c.uri, source: source, since: e.Sent}
		least = granted
	}
	if c.n < len(c.frames) {
		c.frames[c.n] = e.SentFrame
	}
	c.n++
	c.last, c.granted = e.Sent, least
	return c.n >= leastOften
}

// timesTooOften is how much more often than granted times explain a phone may register.
const timesTooOften = 10

// An oftenContact is a contact that registers too often: the longest row of its REGISTERs.
type oftenContact struct {
	stormContact
	aor, callID string
	from, to    netip.Addr
}

// leastGranted returns the shortest time that a REGISTER was granted, 0 for none, or where some may be cut off: that of one contact
// has all of them sent again.
func leastGranted(e *analysis.Exchange) (least int64) {
	if e.Status/100 != 2 || e.Partial || e.AnswerLost != analysis.NoLoss {
		return 0
	}
	for i := range e.Bindings {
		b := &e.Bindings[i]
		if b.Asked != 0 && b.Granted > 0 && (least == 0 || b.Granted < least) {
			least = min(b.Granted, 1<<31)
		}
	}
	return least
}

// finding tells of it.
func (c *oftenContact) finding() Finding {
	return Finding{
		Severity: Warning, AOR: c.aor, CallID: c.callID, Frames: slices.Clone(c.frames[:]),
		Observed: fmt.Sprintf("%d REGISTERs for one contact from %s accepted within %s from %s on, each good for %d s and more", c.n, hostName(c.from), seconds(c.last.Sub(c.since)), clock(c.since), c.granted),
		Expected: fmt.Sprintf("a refresh for each %d s that were granted", c.granted),
	}
}

type stormHead struct {
	place uint32 // as that of registerHead
	count
	sender   hostNo // which sent more than half of the REGISTERs that are counted, if one did, …
	lead     int32  // … and how many more of them, at most
	several  bool   // they are from more than one host
	source   hostNo // of the last REGISTER
	blamed   hostNo // the sender of the worst minute
	granted  int64  // 0: not known
	at       time.Time
	worst    *Finding
	most     int
	inMinute int // the minute of its source in which it was counted last
	often    *oftenContact
}

// expected returns how many REGISTERs in a minute the granted time explains, in thousandths.
func (a *stormAOR) expected() int {
	granted := a.granted
	if granted <= 0 {
		granted = 3600
	}
	return max(len(a.contacts), 1) * 60000 / int(min(granted, 1<<20))
}

type stormSource struct {
	count
	host     hostNo
	minute   int
	aors     int
	expected int // in thousandths
	worst    *Finding
	most     int
	many     bool // in the worst minute it was more than one address-of-record
}

type stormRegistrar struct {
	addr   netip.Addr
	aors   int
	heard  bool // an answer of it is in the capture
	last   time.Time
	begin  time.Time // of the second behind a pause
	n      int
	frames []analysis.Frame
	most   int
	worst  *Finding
}

type stormState struct {
	watched    int                // addresses-of-record
	from       pages[stormSource] // see host.storm
	registrars map[netip.Addr]*stormRegistrar
	at         []*stormRegistrar
	bundles    // of contacts that register too often, by registrar
}

func (s *stormState) exchange(r *exchangeRun) {
	e := r.Exchange
	if e.Method != "REGISTER" || !e.FirstHop || e.AOR == "" || e.Sent.IsZero() {
		return
	}
	a, src, reg := s.find(r)
	if a == nil {
		return
	}
	reg.heard = reg.heard || e.Status != 0
	if e.Status != 401 && e.Status != 407 {
		from := e.Source.Addr()
		if a.take(e.Sent, e.SentFrame) {
			a.lead, a.several = 0, false
		}
		a.from(src.host)
		a.judge(e)
		src.register(e, a, from)
		reg.register(e, a)
		reg.last = e.Sent
	}
	least := leastGranted(e)
	for i := range e.Bindings {
		b := &e.Bindings[i]
		c := a.contact(textHash(b.URI))
		if e.Status/100 == 2 && b.Asked != 0 && b.Granted > 0 {
			a.granted, a.at = b.Granted, e.Sent
			if least > 0 && c != nil && c.accept(e, src.host, least) {
				a.tooOften(e, c)
			}
		}
	}
}

// contact returns what is known of a contact by its hash, nil where it is one too many.
func (a *stormAOR) contact(uri uint64) *stormContact {
	for i := range a.contacts {
		if c := &a.contacts[i]; c.uri == uri {
			return c
		}
	}
	if len(a.contacts) == maxOfAOR {
		return nil
	}
	a.contacts = append(a.contacts, stormContact{uri: uri})
	return &a.contacts[len(a.contacts)-1]
}

// tooOften takes in that a contact registers too often.
func (a *stormAOR) tooOften(e *analysis.Exchange, c *stormContact) {
	if a.often == nil {
		a.often = new(oftenContact)
	}
	if c.n > a.often.n {
		*a.often = oftenContact{*c, e.AOR, e.CallID, e.Source.Addr(), e.Destination.Addr()}
	}
}

// find returns what is known of the parties of a REGISTER, nil where there are too many.
func (s *stormState) find(r *exchangeRun) (*stormAOR, *stormSource, *stormRegistrar) {
	w := r.c.watches.of(r.Exchange)
	a, src, reg := &w.storm, s.source(r.c.hosts.of(r.Source.Addr())), s.registrars[r.Destination.Addr()]
	if a.place == 0 && s.watched == maxWatched || src == nil && s.from.n == maxWatched || reg == nil && len(s.registrars) == maxWatched {
		return nil, nil, nil
	}
	if src == nil {
		src = s.newSource(&r.c.hosts, r.Source.Addr())
	}
	if reg == nil {
		reg = &stormRegistrar{addr: r.Destination.Addr()}
		s.registrars[reg.addr], s.at = reg, append(s.at, reg)
	}
	if a.place == 0 {
		s.watched++
		a.place = r.c.watches.seq
		reg.aors++
	}
	a.source = src.host
	return a, src, reg
}

// source returns what is known of a host, nil for nothing.
func (s *stormState) source(h *host) *stormSource {
	if h == nil || h.storm == 0 {
		return nil
	}
	return s.from.at(int(h.storm - 1))
}

func (s *stormState) newSource(all *hosts, a netip.Addr) *stormSource {
	src := s.from.add()
	src.host = all.number(a)
	all.list[src.host].storm = int32(s.from.n)
	return src
}

// challengeSeen returns the gate of a finding that says that REGISTERs were not challenged.
//
//go:noinline
func challengeSeen(e *analysis.Exchange) *gate {
	return &gate{self: e.Source.Addr(), peer: e.Destination.Addr(), since: e.Sent}
}

// from takes in who sent a REGISTER: others take the lead of the sender one by one.
func (a *stormAOR) from(h hostNo) {
	switch {
	case a.lead == 0:
		a.sender, a.lead = h, 1
	case a.sender == h:
		a.lead++
	default:
		a.several = true
		a.lead--
	}
}

// judge looks whether an address-of-record registers too often.
func (a *stormAOR) judge(e *analysis.Exchange) {
	if a.n <= max(10, a.expected()/100) || a.n <= a.most {
		return
	}
	a.most, a.blamed = a.n, a.sender
	from := hostName(e.Source.Addr())
	if a.several {
		from = "several addresses"
	}
	a.worst = &Finding{
		Severity: Warning, AOR: e.AOR, Frames: a.proofs(), Count: a.n, gate: challengeSeen(e),
		Observed: fmt.Sprintf("%d REGISTERs from %s within a minute from %s on", a.n, from, clock(a.since)),
		Expected: fmt.Sprintf("a refresh for each %d s that were granted", max(a.granted, 1)),
	}
	if a.granted == 0 {
		a.worst.Expected = "a refresh before the granted time is over, and no more"
	}
}

// register counts a REGISTER of a host.
func (s *stormSource) register(e *analysis.Exchange, a *stormAOR, addr netip.Addr) {
	if s.take(e.Sent, e.SentFrame) {
		s.minute++
		s.aors, s.expected = 0, 0
	}
	if a.inMinute != s.minute {
		a.inMinute = s.minute
		s.aors++
		s.expected += a.expected()
	}
	if s.n <= max(20, s.expected/100, 3*s.aors) || s.n <= s.most {
		return
	}
	s.most, s.many = s.n, s.aors > 1
	s.worst = &Finding{
		Severity: Warning, Frames: s.proofs(), Count: s.n, gate: challengeSeen(e),
		Observed: fmt.Sprintf("%d REGISTERs for %d addresses-of-record from %s within a minute from %s on", s.n, s.aors, hostName(addr), clock(s.since)),
		Expected: "no more REGISTERs than the granted times explain",
	}
}

// register counts a REGISTER at a registrar.
func (g *stormRegistrar) register(e *analysis.Exchange, a *stormAOR) {
	if !g.last.IsZero() && e.Sent.Sub(g.last) >= 10*time.Second {
		g.begin, g.n, g.frames = e.Sent, 0, g.frames[:0]
	}
	due := a.granted > 0 && e.Sent.Sub(a.at) >= time.Duration(min(a.granted, 1<<31))*time.Second*2/5
	if g.begin.IsZero() || due || e.Sent.Sub(g.begin) > time.Second {
		return
	}
	g.n++
	if len(g.frames) < maxSiteProofs {
		g.frames = append(g.frames, e.SentFrame)
	}
	if g.n > 20 && g.n > g.most {
		g.most = g.n
		g.worst = &Finding{
			Severity: Warning, Frames: slices.Clone(g.frames), Count: g.n, gate: challengeSeen(e),
			Observed: fmt.Sprintf("%d REGISTERs that were not due reach %s within a second from %s on, behind a pause", g.n, hostName(g.addr), clock(g.begin)),
			Expected: "refreshes spread over the granted time",
		}
	}
}

func (s *stormState) end(r *captureRun) {
	told := map[hostNo]bool{}
	for i := range s.from.n {
		x := s.from.at(i)
		if x.most > 0 && x.many {
			if told[x.host] = true; !r.attacked(r.c.hosts.addr(x.host), r.rule.ID) {
				r.report(*x.worst)
			}
		}
	}
	for _, w := range r.c.watches.oddOnes(func(w *watch) uint32 { return w.storm.place }) {
		a := &w.storm
		from := a.blamed
		if a.most == 0 && a.often != nil {
			from = a.often.source
		}
		switch {
		case a.most == 0 && a.often == nil || told[from] || r.attacked(r.c.hosts.addr(from), r.rule.ID):
		case a.most > 0:
			a.worst.gate.self = r.c.hosts.addr(a.blamed) // and not who sent the last of them
			r.report(*a.worst)
		default:
			s.add(a.often.to.String(), a.often.finding())
		}
	}
	s.report(r, "addresses-of-record")
	for _, g := range s.at {
		if g.most > 20 && g.most*5 > g.aors {
			if g.heard { // the gate is of the host that sent the last of them
				g.worst.gate = nil
			}
			r.report(*g.worst)
		}
	}
}

var bindingFlap = &Rule{
	ID: "binding-flap", RFC: "RFC 5626 4.4", Severity: "warning",
	Title: "a binding whose address changes all the time",
	Doc: `The REGISTERs of one binding (address-of-record and +sip.instance, or, without that, user of the Contact and Call-ID) come from another address or
port than the one before 3 times or more. Behind a proxy that is what received and rport of the lowest Via say, or its sent-by, where the REGISTERs come by way of another proxy. Over TCP only addresses count: each connection has a port of its own. Two phones on one address-of-record are two bindings.`,
	Why: "The NAT forgets the binding sooner than the phone refreshes it: until the next REGISTER calls to the phone are lost.",
	Fix: "Let the phone send keepalives (RFC 5626: CRLF or STUN) or register more often than the NAT forgets, or use TCP.",

	asks:  registers,
	state: func() state { return new(flapState) },
}

// A flapBinding is a binding with the places it was seen at.
type flapBinding struct {
	key    uint64
	callID uint64         // of the last REGISTER, its hash
	first  analysis.Frame // of the first REGISTER
	source netip.AddrPort
	moves  *flapMoves // nil where there were none
}

// A flapMoves is the changes of the place of a binding.
type flapMoves struct {
	callID string         // of the last REGISTER
	phone  netip.AddrPort // where it came from in the end
	n      int
	frames []analysis.Frame // the first REGISTER and those behind each change
	places []string         // the first few
}

// move takes in that a binding is at another place. A phone that comes by way of another proxy has
// not moved; where it was before the first time is not known.
func (b *flapBinding) move(e *analysis.Exchange, phone netip.AddrPort) {
	m := b.moves
	if m == nil {
		m = &flapMoves{frames: []analysis.Frame{b.first}, places: []string{endpoint(b.source)}}
		b.moves = m
	}
	if samePlace(m.phone, phone, e.Transport) {
		return
	}
	m.phone = phone
	m.n++
	if len(m.frames) < maxFrames {
		m.frames = append(m.frames, e.SentFrame)
	}
	if len(m.places) < 4 {
		m.places = append(m.places, endpoint(phone))
	}
}

// samePlace reports whether a phone is at the same place: over TCP each connection has a port of its
// own.
func samePlace(a, b netip.AddrPort, transport string) bool {
	return a == b || transport != "UDP" && a.Addr() == b.Addr()
}

// phoneOf returns where a REGISTER came from in the end, as far as its lowest Via tells: ok is false
// where there are proxies, and that is a name.
func phoneOf(r *exchangeRun) (at netip.AddrPort, ok bool) {
	m := r.Request()
	if m == nil || oneVia(m) {
		return r.Source, m != nil
	}
	var last []byte
	for v := range m.Values(sipmsg.Via) {
		last = v
	}
	via := sipmsg.ParseVia(last)
	a, ok := via.HostAddr()
	if via.Received() != nil {
		a, ok = via.ReceivedAddr()
	}
	port, _, known := via.RPort()
	switch {
	case !bytes.EqualFold(via.Transport, []byte("UDP")): // see samePlace
		port = 0
	case !known:
		port = via.Port
	}
	return netip.AddrPortFrom(a.Unmap(), port), ok
}

// A flapAOR is what binding-flap remembers of an address-of-record.
type flapAOR struct {
	place uint32 // as that of registerHead
	aor   string // "" where no binding has moved
	list  []flapBinding
}

type flapState struct{ watched int } // addresses-of-record

func (s *flapState) exchange(r *exchangeRun) {
	e := r.Exchange
	if e.Method != "REGISTER" || !e.FirstHop || e.AOR == "" || e.Partial || len(e.Bindings) == 0 {
		return
	}
	a, callID := &r.c.watches.of(e).flap, textHash(e.CallID)
	if len(a.list) == 1 && a.list[0].callID == callID && a.list[0].source == e.Source { // nearly always
		return
	}
	if a.place == 0 && s.watched == maxWatched {
		return
	}
	key := bindingKey(r)
	if key == 0 {
		return
	}
	if a.place == 0 {
		s.watched++
		a.place = r.c.watches.seq
	}
	for i := range a.list {
		b := &a.list[i]
		if b.key != key {
			continue
		}
		b.callID = callID
		if !samePlace(b.source, e.Source, e.Transport) {
			if phone, ok := phoneOf(r); ok {
				a.aor = e.AOR
				b.move(e, phone)
			}
		}
		if b.source = e.Source; b.moves != nil {
			b.moves.callID = e.CallID
		}
		return
	}
	if len(a.list) < maxOfAOR {
		a.list = append(a.list, flapBinding{key: key, callID: callID, first: e.SentFrame, source: e.Source})
	}
}

// bindingKey returns a hash of what names the binding of a REGISTER inside of its
// address-of-record, 0 for none.
func bindingKey(r *exchangeRun) uint64 {
	m := r.Request()
	if m == nil {
		return 0
	}
	v, ok := m.First(sipmsg.Contact)
	if !ok {
		return 0
	}
	a := sipmsg.ParseAddress(v)
	if a.IsStar() {
		return 0
	}
	if id := a.Params.Instance(); len(id) > 0 {
		reg, _ := a.Params.Get("reg-id")
		return hashOf([]byte("instance"), id, reg) | 1
	}
	return hashOf([]byte("user"), sipmsg.ParseURI(a.URI).User, []byte(r.CallID)) | 1
}

func (s *flapState) end(r *captureRun) {
	for _, w := range r.c.watches.oddOnes(func(w *watch) uint32 { return w.flap.place }) {
		for _, b := range w.flap.list {
			if b.moves == nil || b.moves.n < 3 {
				continue
			}
			r.report(Finding{
				Severity: Warning, AOR: w.flap.aor, CallID: b.moves.callID, Frames: b.moves.frames,
				Observed: fmt.Sprintf("the REGISTERs of one binding change their source %s: %s", times(b.moves.n), strings.Join(b.moves.places, ", ")),
				Expected: "one address and port, as long as the phone stays where it is",
			})
		}
	}
}

var subscribeSilent = &Rule{
	ID: "subscribe-silent", RFC: "RFC 6665 4.1.2.4", Severity: "warning / note",
	Title: "a subscription that brings nothing",
	Doc: `A SUBSCRIBE was accepted with 2xx and no NOTIFY of that Call-ID follows within 32 s of the 2xx (Timer N); only possible where the Contact of the 2xx is another host, of which nothing comes to the subscriber, no Record-Route asks it to go the same way, and none came before. Or a NOTIFY ends the subscription with the reason rejected, probation,
giveup, or noresource, but for events that come to their end: refer, and, unless it is the first NOTIFY behind the SUBSCRIBE, line-seize and dialog with a call-id, and conference, call-completion and reg, of which it is a note (a warning where the body says that the registration was deactivated, rejected, or put on probation); inside of a call with one of the first three, unless transfer-failed tells of it; not one that nobody asked for, without To tag and SUBSCRIBE, as servers tell of messages that wait. Or a NOTIFY is answered 481: its tags are compared with those of the dialog that the SUBSCRIBE made, and without To tag nobody asked for it.`,
	Why: "Lamps stay dark and message counts wrong: the subscriber waits for a state that nobody sends, or the notifier sends to nobody.",
	Fix: "No NOTIFY: look at where the notifier sends, the Contact of the SUBSCRIBE. A reason: look at the notifier's policy. 481: the subscriber has lost its state, for example by a restart.",

	needs: newToBooks, asks: subscribes,
	state: func() state {
		return &subscribeState{m: make(map[string]*subscription), inCalls: make(map[string]notifies), told: make(memory[string]), asked: make(map[string][]subscriber), first: make(memory[string])}
	},
}

// A subscription is an accepted SUBSCRIBE that waits for its NOTIFY.
type subscription struct {
	callID         string
	sent           time.Time // zero where the NOTIFY came
	answered       time.Time
	frames         [2]analysis.Frame
	late           lateNotify // the first NOTIFY, where that came too late
	status         int
	stream         bool // the SUBSCRIBE went over a connection
	client, server netip.AddrPort
	notifier       netip.Addr // who sends the NOTIFY, if that is not the server and may go past it
}

// A lateNotify is a NOTIFY that is no answer to a SUBSCRIBE any more.
type lateNotify struct {
	at    time.Time
	frame analysis.Frame
}

// The notifies of a call are its first NOTIFY and when the last one came.
type notifies struct {
	first lateNotify
	last  time.Time
}

type subscribeState struct {
	m       map[string]*subscription // by Call-ID
	order   []*subscription
	inCalls map[string]notifies // at most maxSubscriptions
	told    memory[string]
	asked   map[string][]subscriber // by Call-ID, at most maxBundles
	first   memory[string]          // Call-IDs of SUBSCRIBEs outside of dialogs that no NOTIFY has said yes to yet
	early   [8]earlyNotify          // the last of no subscription that is known
	nEarly  int
}

// A subscriber is what a NOTIFY is compared with: the dialog that a SUBSCRIBE of its Call-ID made. There may be others behind it,
// and behind a back-to-back user agent, with the same From tag, too.
type subscriber struct {
	from, to uint64 // hashes of the tags of the 2xx, 0 where nobody knows: then nothing is said of any of the Call-ID
	frame    analysis.Frame
	host     netip.Addr // that sent it
	notified bool       // of the first of a Call-ID: the capture has a NOTIFY, and would have further ones
}

// An earlyNotify is a NOTIFY that may stand ahead of its SUBSCRIBE: packets are out of order.
type earlyNotify struct {
	callID string
	at     time.Time
}

// leg remembers the NOTIFYs of a call: a SUBSCRIBE may be inside of it.
func (s *subscribeState) leg(r *legRun) {
	var n notifies
	judged := 0
	for i := range r.Messages {
		if m := &r.Messages[i]; m.Method == "NOTIFY" { // or the response to one that is not in the capture
			if n.last.IsZero() {
				n.first = lateNotify{m.Time, m.Frame}
			}
			n.last = m.Time
			if judged++; m.Request && !m.Partial && m.Resent.Number == 0 && judged <= maxJudged {
				s.endedInCall(r, i)
			}
		}
	}
	if !n.last.IsZero() && len(s.inCalls) < maxSubscriptions {
		s.inCalls[r.Leg.CallID] = n
	}
}

// endedInCall looks whether a NOTIFY of a call ends its subscription in another way than most come to their end there. What became of a
// transfer is the business of transfer-failed.
func (s *subscribeState) endedInCall(r *legRun, i int) {
	m := r.Message(i)
	if m == nil || fragment(m) != 0 {
		return
	}
	if reason, _ := endOf(m); reason != "noresource" && reason != "" && s.told.isNew(r.Leg.CallID) {
		f := Finding{Severity: Warning, Frames: r.frames(i)}
		f.endsWith(reason, r.Messages[i].Source)
		r.report(f)
	}
}

// inCall reports whether a NOTIFY inside of a call may have come in time for a subscription of its Call-ID; if not, it takes in the
// first.
func (s *subscribeState) inCall(x *subscription) bool {
	n := s.inCalls[x.callID]
	if n.last.Before(x.sent) {
		return false
	}
	if n.first.at.Sub(x.answered) <= timeout {
		return true
	}
	if x.late.at.IsZero() {
		x.late = n.first
	}
	return false
}

// notified takes in a NOTIFY.
func (s *subscribeState) notified(callID string, at time.Time, frame analysis.Frame) {
	x := s.m[callID]
	switch {
	case x == nil:
		s.early[s.nEarly%len(s.early)] = earlyNotify{callID, at}
		s.nEarly++
	case at.Sub(x.sent) > -disorder && at.Sub(x.answered) <= timeout:
		delete(s.m, callID)
		x.sent = time.Time{}
	case at.After(x.answered) && x.late.at.IsZero():
		x.late = lateNotify{at, frame}
	}
}

// notifiedAhead reports whether a NOTIFY stands ahead of a SUBSCRIBE that is answered later.
func (s *subscribeState) notifiedAhead(e *analysis.Exchange) bool {
	return slices.ContainsFunc(s.early[:], func(n earlyNotify) bool {
		d := n.at.Sub(e.Sent)
		return n.callID == e.CallID && d > -disorder && d < timeout
	})
}

func (s *subscribeState) exchange(r *exchangeRun) {
	e := r.Exchange
	switch {
	case e.Method == "SUBSCRIBE" && e.Status/100 == 2:
		s.subscribed(r)
		if !e.FirstHop {
			return
		}
		if !e.InDialog && !e.Notified {
			s.first.isNew(e.CallID)
		}
		if s.m[e.CallID] != nil || len(s.m) == maxSubscriptions {
			return
		}
		if e.Notified || s.notifiedAhead(e) {
			return
		}
		x := &subscription{stream: e.Transport != "UDP",
			callID: e.CallID, sent: e.Sent, answered: e.Answered, frames: [2]analysis.Frame{e.SentFrame, e.FinalFrame}, status: e.Status,
			client: e.Source, server: e.Destination,
		}
		if list := s.asked[e.CallID]; len(list) == 0 || !list[0].notified {
			x.notifier = notifierOf(r)
		}
		s.m[e.CallID] = x
		if len(s.order) >= 2*len(s.m)+64 { // half of them have their NOTIFY
			s.order = slices.DeleteFunc(s.order, func(x *subscription) bool { return x.sent.IsZero() })
		}
		s.order = append(s.order, x)
	case e.Method == "NOTIFY" && e.FirstHop:
		s.notified(e.CallID, e.Sent, e.SentFrame)
		if list := s.asked[e.CallID]; len(list) > 0 {
			list[0].notified = true
		}
		if marks(e.Marks)&stillSubscribed != 0 {
			delete(s.first, e.CallID)
		}
		if e.Status == 481 || marks(e.Marks)&stillSubscribed == 0 {
			s.notify(r)
		}
	case e.Method == "NOTIFY" && e.Status == 481: // which a server between may keep to itself
		s.notify(r)
	}
}

// subscribed takes in the dialog of a SUBSCRIBE that was accepted.
func (s *subscribeState) subscribed(r *exchangeRun) {
	e := r.Exchange
	list, known := s.asked[e.CallID]
	if !known && (!e.FirstHop || len(s.asked) == maxBundles) {
		return
	}
	x := subscriber{frame: e.SentFrame, host: e.Source.Addr()}
	if m := r.Response(); m != nil {
		x.from, x.to = maphash.Bytes(seed, m.Tag(sipmsg.From)), maphash.Bytes(seed, m.Tag(sipmsg.To))
	}
	switch {
	case slices.ContainsFunc(list, func(y subscriber) bool { return y.from == x.from && y.to == x.to }): // as of a refresh
	case len(list) == maxProofs:
		list[0].from = 0
	default:
		s.asked[e.CallID] = append(list, x)
	}
}

// compare says of a NOTIFY that was answered 481 which of its tags is not that of a dialog.
func (s *subscribeState) compare(r *exchangeRun, f *Finding) {
	m, list := r.Request(), s.asked[r.CallID]
	if !r.InDialog && len(list) == 0 {
		f.Observed += ": it has no To tag, and so is of no subscription"
		f.Expected = "a SUBSCRIBE ahead of it"
		f.NextStep = "Let the phone subscribe, or turn off at the notifier what it sends to phones that did not."
		return
	}
	if m == nil || len(list) == 0 || slices.ContainsFunc(list, func(x subscriber) bool { return x.from == 0 }) {
		return
	}
	to, from := m.Tag(sipmsg.To), m.Tag(sipmsg.From)
	h := maphash.Bytes(seed, to)
	ft := maphash.Bytes(seed, from)
	i := slices.IndexFunc(list, func(x subscriber) bool { return x.from == h })
	switch {
	case len(to) == 0:
		f.Observed += ": it has no To tag, and so is of no dialog"
	case i < 0:
		own := max(0, slices.IndexFunc(list, func(x subscriber) bool { return x.host == r.Destination.Addr() })) // a server between sent one, too
		f.Frames = append([]analysis.Frame{list[own].frame}, f.Frames...)
		f.Observed += ": its To tag " + quote(to) + " is not the From tag of the SUBSCRIBE"
	case slices.ContainsFunc(list, func(x subscriber) bool { return x.from == h && x.to == ft }):
		f.Observed += ": both tags are those of the dialog, which it no longer knows"
		return
	default: // RFC 6665, section 4.4.1: each notifier that a SUBSCRIBE got to has one
		f.Frames = append([]analysis.Frame{list[i].frame}, f.Frames...)
		f.Observed += ": its From tag " + quote(from) + " is not the To tag of the 2xx to the SUBSCRIBE"
		f.NextStep = "Look whether a proxy forks the SUBSCRIBE, and the subscriber takes one notifier alone; if not, look at what changes the tag."
		return
	}
	f.Expected = "a NOTIFY with the tags of the dialog"
	f.NextStep = "Look at the notifier, and at what changes tags on the way: the subscriber cannot know that dialog."
}

// notify looks at a NOTIFY outside of calls.
func (s *subscribeState) notify(r *exchangeRun) {
	e := r.Exchange
	f := Finding{Severity: Warning, CallID: e.CallID, Frames: []analysis.Frame{e.SentFrame}}
	if e.Status == 481 {
		f.Frames = append(f.Frames, e.FinalFrame)
		f.Observed = fmt.Sprintf("NOTIFY to %s answered 481", endpoint(e.Destination))
		f.Expected = "a subscriber that knows its subscription"
		if e.InDialog {
			f.Related = []string{unknownDialog.ID}
		}
		s.compare(r, &f)
		s.tell(r, f)
		return
	}
	m := r.Request()
	if _, asked := s.asked[e.CallID]; m == nil || e.Partial || !e.InDialog && !asked {
		return
	}
	reason, goesOn := endOf(m)
	if goesOn {
		delete(s.first, e.CallID)
		return
	}
	event, _ := m.First(sipmsg.Event)
	switch first := s.first[e.CallID]; {
	case reason == "noresource" && endsByItself(event, first):
		return
	case reason == "noresource" && !first && mayBeOver(event, m.Body): // what is over has no resource; nor has one that was taken away
		f.Severity, f.NextStep = Note, "Nothing, if the conference, the wait for the user or the registration was over then."
	case reason == "noresource" && first: // the one before it, and its 2xx, may be missing
		f.gate = &gate{self: e.Destination.Addr(), peer: e.Source.Addr(), since: e.Sent, misses: 2}
	case reason == "":
		return
	}
	f.endsWith(reason, e.Source)
	s.tell(r, f)
}

// endOf returns the reason with which a NOTIFY ends its subscription where somebody should know, "" for others; goesOn says that it does not end it.
func endOf(m *sipmsg.Message) (reason string, goesOn bool) {
	v, _ := m.First(sipmsg.SubscriptionState)
	state := sipmsg.ParseSubscriptionState(v)
	if !bytes.EqualFold(state.State, []byte("terminated")) {
		return "", true
	}
	switch reason = strings.ToLower(short(state.Reason)); reason {
	case "noresource", "rejected", "probation", "giveup":
		return reason, false
	}
	return "", false
}

// endsWith says that a NOTIFY ends a subscription.
func (f *Finding) endsWith(reason string, from netip.AddrPort) {
	f.Observed = fmt.Sprintf("NOTIFY of %s ends the subscription: %s", endpoint(from), reason)
	f.Expected = "a subscription that goes on"
}

// endsByItself reports whether a subscription to an event is of something that comes to its end: a transfer; or the seizure of a shared line, or
// one dialog (RFC 4235, section 4.1), which have to have begun: the first NOTIFY says of these that there is none.
func endsByItself(event []byte, first bool) bool {
	_, one := sipmsg.ParseEvent(event).Params.Get("call-id")
	return isEvent(event, "refer") || !first && (isEvent(event, "line-seize") || isEvent(event, "dialog") && one)
}

// mayBeOver reports whether what was subscribed to may be over as it should: a conference, the wait for a user, or a registration, of which the
// body does not say that somebody else took it away (RFC 3680, section 5.2).
func mayBeOver(event, body []byte) bool {
	for _, how := range [...]string{"deactivated", "rejected", "probation"} {
		if isEvent(event, "reg") && bytes.Contains(body, []byte(how)) {
			return false
		}
	}
	return isEvent(event, "conference") || isEvent(event, "call-completion") || isEvent(event, "reg")
}

//go:noinline
func isEvent(event []byte, name string) bool {
	return bytes.EqualFold(sipmsg.ParseEvent(event).Package, []byte(name))
}

// tell reports a finding once for each Call-ID and severity.
func (s *subscribeState) tell(r *exchangeRun, f Finding) {
	if s.told.isNew(f.Severity.String() + f.CallID) {
		r.report(f)
	}
}

func (s *subscribeState) end(r *captureRun) {
	for _, x := range s.order {
		if x.sent.IsZero() || r.End.Sub(x.answered) < timeout || s.inCall(x) {
			continue
		}
		f := Finding{
			Severity: Warning, CallID: x.callID, Frames: x.frames[:],
			Observed: fmt.Sprintf("SUBSCRIBE accepted with %d by %s, no NOTIFY in 32 s", x.status, endpoint(x.server)),
			Expected: "a NOTIFY at once",
			gate:     &gate{self: x.client.Addr(), peer: x.server.Addr(), since: x.answered, wait: timeout, once: x.stream, misses: 2}, // the NOTIFY, and its 2xx
		}
		if !x.late.at.IsZero() {
			f.comesLate(x.late.frame, x.late.at.Sub(x.answered))
		}
		if x.notifier.IsValid() {
			if saw, _ := r.Saw(x.notifier, x.client.Addr()); !saw {
				f.Confidence = Possible
			}
		}
		r.report(f)
	}
}

// notifierOf returns the host in the Contact of the response to a SUBSCRIBE where its requests may go
// past the one that answered: it is another address, and there is no Record-Route.
func notifierOf(r *exchangeRun) (a netip.Addr) {
	m := r.Response()
	if m == nil || r.ResponseFields.Has(sipmsg.RecordRoute) {
		return a
	}
	v, _ := m.First(sipmsg.Contact)
	to, isAddr := target(v)
	if !isAddr || sameHost(to.Addr(), r.Destination.Addr()) {
		return a
	}
	return to.Addr()
}
