package findings

import (
	"fmt"
	"net/netip"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/sipmsg"
)

// attackRules weigh what a sender's requests came to, never how many there were.
var attackRules = []*Rule{scanner, digestBruteForce, tollFraud}

const (
	scanUsers    = 20
	scanWindow   = 2 * time.Minute
	bruteTries   = 10
	bruteUsers   = 5
	bruteWindow  = time.Minute
	takeBack     = 5 * time.Second // a 2xx takes back the refusal before it
	fraudInvites = 10
	fraudWindow  = 10 * time.Minute
	fraudNumbers = 5 // prefixes of one number, or of countries
	fraudTail    = 7 // digits that make a number the same one
)

var scanner = &Rule{
	ID: "scanner", RFC: "RFC 3261 26.1; heuristic", Severity: "error / note",
	Title: "somebody looks for users, numbers and passwords",
	Doc: `Requests of one address are about 20 or more users within 120 s (of a REGISTER the address-of-record, else the user of the Request-URI), for half of them or more the outcome is 404, 403,
no answer, or a challenge that is not taken up, and up to then no request of that address but OPTIONS had a 2xx: an error. Silence counts where an answer would have been seen, and only if something
was refused as well or nothing was sent again: a trunk whose peer is down sends again. OPTIONS that ask an address and port for one user alone do not count: exchanges ask so whether their phones are there. The name of a scanner alone (User-Agent, From, or s= of a session description) is a note.`,
	Why: "Sweeps come before attacks on passwords and before fraud, and they show which users exist.",
	Fix: "Block the address, answer unknown users like known ones with a challenge, and look at what else came from there.",
	capture: func(r *captureRun) {
		l := &r.c.ledger
		for _, s := range l.order {
			if s.scan != nil && !s.scan.explained {
				r.report(s.scan.f)
			}
		}
		for _, x := range r.c.texts.tool.list {
			if s := l.sourceOf(x.source); s != nil && s.scan != nil {
				continue
			}
			r.report(Finding{
				Severity: Note, Frames: []analysis.Frame{x.frame}, CallID: x.callID,
				Observed: fmt.Sprintf("%s names itself %s in %s, %s", hostName(x.source), quote([]byte(x.name)), x.where, times(x.n)),
				Expected: "requests of phones and servers that you know",
			})
		}
	},
}

var digestBruteForce = &Rule{
	ID: "digest-brute-force", RFC: "RFC 3261 22", Severity: "error",
	Title: "passwords are tried",
	Doc: `Requests with credentials from one address are refused (401, 407 or 403) 10 times or more in 60 s: of one user, or of five or more users of which none has a 2xx later. A challenge with
stale=true does not count, and a 2xx takes back the refusal of the same user up to 5 s before it. A 2xx of the user after ten refusals means that the password was found.`,
	Why: "With a password found, calls are made at your expense within minutes.",
	Fix: "Block the address and change the password of these users; limit the attempts of one address.",
	capture: func(r *captureRun) {
		for _, s := range r.c.ledger.order {
			for _, b := range s.brutes {
				r.report(b.f)
			}
		}
	},
}

var tollFraud = &Rule{
	ID: "toll-fraud", RFC: "RFC 3261 26; heuristic", Severity: "error",
	Title: "calls that somebody tries to make at your expense",
	Doc: `An address that does not register, or that had just tried passwords, sends INVITEs to 10 or more numbers in 10 min that are sequential (each one above or below the last), or have five or more
prefixes of countries or premium services, or are one number (its last seven digits) behind five or more guessed prefixes. Of an address that did not try passwords, half of them or more have to be
refused (401 or 407 without a further try, 403, 404, 484, 488, 603, 604) or silent without being sent again (where an answer would have been seen), and no more than half of all its calls be answered: a busy trunk is none.`,
	Why: "Whoever finds a way out calls numbers that pay him.",
	Fix: "Block the address; let nobody but registered users and known trunks reach the dial plan, and bar countries that nobody calls.",
	capture: func(r *captureRun) {
		for _, s := range r.c.ledger.order {
			if s.fraud != nil {
				r.report(s.fraud.f)
			}
		}
	},
}

// A source is one sender.
type source struct {
	addr       netip.Addr
	unknown    bool      // one too many: nothing is kept of it
	success    time.Time // the first 2xx to anything but OPTIONS
	registered time.Time // the first 2xx to a REGISTER
	answered   int       // calls
	calls      []answer  // the last ones that were answered
	tries      []*tx     // none that was accepted
	oks        []success // of users that were refused before
	refused    map[string]bool

	scan, fraud *attack
	brutes      []*attack
}

// An answer is a call that was answered.
type answer struct {
	at     time.Time // of its INVITE
	user   string    // whom it was for
	callID string
	frame  analysis.Frame
}

// A success is a 2xx to a request with credentials.
type success struct {
	user  string
	at    time.Time
	frame analysis.Frame
}

// An attack is a finding in the making.
type attack struct {
	f         Finding
	user      string
	enough    time.Time // when there were tries enough to tell of it
	last      time.Time // the last try
	explained bool      // another one of the same sender tells more
}

//go:noinline
func (a *attack) related(id string) {
	if !slices.Contains(a.f.Related, id) {
		a.f.Related = append(a.f.Related, id)
	}
}

// about says whose registrations the tries are about: one alone only where all of them are.
func (a *attack) about(list []*tx) {
	told := make(map[string]bool)
	var aors []string
	one := true
	for _, x := range list {
		one = one && x.aor == list[0].aor
		if x.aor != "" && !told[x.aor] && len(aors) < maxOfRule {
			told[x.aor] = true
			aors = append(aors, x.aor)
		}
	}
	if len(aors) == 1 && one {
		a.f.AOR = aors[0]
	} else if len(aors) > 0 {
		a.f.several = &several{aors: aors}
	}
}

// maxOks bounds the successes kept of one source, maxCalls the answered calls.
const (
	maxOks   = 256
	maxCalls = 64
)

// source returns what is known of a sender; of too many of them nothing is kept.
func (l *ledger) source(a netip.Addr) *source {
	a = a.Unmap()
	s := l.sourceOf(a)
	if s == nil {
		if s = (&source{addr: a, unknown: true}); len(l.order) < maxSources {
			s.unknown = false
			l.order = append(l.order, s)
			l.c.hosts.add(a).source = int32(len(l.order))
		}
	}
	return s
}

// sourceOf returns the sender with an address, nil for none that is known.
func (l *ledger) sourceOf(a netip.Addr) *source {
	if h := l.c.hosts.of(a.Unmap()); h != nil && h.source != 0 {
		return l.order[h.source-1]
	}
	return nil
}

// succeed takes in a 2xx.
func (s *source) succeed(at time.Time, method string) {
	if at.IsZero() {
		return
	}
	if s.success.IsZero() || at.Before(s.success) {
		s.success = at
	}
	switch method {
	case "REGISTER":
		if s.registered.IsZero() || at.Before(s.registered) {
			s.registered = at
		}
	}
}

// call takes in a call that was answered.
func (s *source) call(l *analysis.Leg) {
	s.succeed(l.Answered, "INVITE")
	s.answered++
	if s.unknown {
		return
	}
	x := answer{l.Invited, kept(sipmsg.ParseURI([]byte(l.RequestURI)).User), l.CallID, l.First}
	if len(s.calls) < maxCalls {
		s.calls = append(s.calls, x)
	} else {
		s.calls[s.answered%maxCalls] = x
	}
}

// account takes in a request on the first hop that the capture shows, and what came of it.
// It may hold x.
func (l *ledger) account(x *liveTx, given bool) {
	s := l.source(x.src.Addr())
	if x.at.IsZero() || s.unknown {
		return
	}
	ok := x.status/100 == 2
	if ok && (!given || len(x.creds) == 0) {
		return
	}
	if ok && len(s.refused) == 0 { // nearly always: the names are of no use
		x.key = x.keyOf()
		l.gave(x.tx)
		return
	}
	x.fill(given)
	if x.credentials {
		l.gave(x.tx)
	}
	if ok {
		if s.refused[x.name] && len(s.oks) < maxOks {
			s.oks = append(s.oks, success{x.name, x.answered, x.final})
		}
		return
	}
	if x.resp != nil && x.credentials {
		x.credentials = false // for other realms they say nothing about this one
		for i := range x.asks {
			a := &x.asks[i]
			x.credentials, x.stale = x.credentials || x.credentialsFor(a.Realm) != nil, x.stale || a.Stale
		}
	}
	if x.isRefused() {
		if s.refused == nil {
			s.refused = make(map[string]bool)
		}
		if len(s.refused) < maxTries {
			s.refused[x.name] = true
		}
	}
	if isChallenge(x.status) && !x.credentials {
		if !x.retried {
			l.wait(x.hold())
		}
		return
	}
	l.keep(s, x.hold())
}

// keep keeps a request without success until its sender is looked at.
func (l *ledger) keep(s *source, x *tx) {
	s.tries = append(s.tries, x)
	if l.nTries++; len(s.tries) >= maxTries {
		l.sweep(s, nil)
	} else if l.nTries >= maxAllTries {
		for _, s := range l.order {
			l.sweep(s, nil)
		}
	}
}

// keyOf returns tx.key of one whose request is there.
func (x *liveTx) keyOf() uint64 {
	v, _ := x.req.First(sipmsg.From)
	return hashOf(userIn(v), sipmsg.ParseURI(x.req.RequestURI).Host)
}

// fill fills in whom a request is about and who sent it.
func (x *liveTx) fill(given bool) {
	if x.req == nil {
		if x.of != nil {
			u, from := sipmsg.ParseURI([]byte(x.of.RequestURI)), sipmsg.ParseURI([]byte(x.of.From))
			x.user, x.from, x.key = kept(u.User), kept(from.User), hashOf(from.User, u.Host)
			x.of = nil
		}
		return
	}
	header := func(id sipmsg.ID) []byte {
		v, _ := x.req.First(id)
		return userIn(v)
	}
	u := sipmsg.ParseURI(x.req.RequestURI)
	from, user := header(sipmsg.From), u.User
	if x.method == "REGISTER" || len(user) == 0 {
		user = header(sipmsg.To)
	}
	x.from, x.key = kept(from), hashOf(from, u.Host)
	if x.user = x.from; string(user) != x.from {
		x.user = kept(user)
	}
	if !given {
		return
	}
	for i := range x.creds {
		x.credentials = true
		if x.name = x.from; string(x.creds[i].Username) != x.from {
			x.name = kept(x.creds[i].Username)
		}
	}
	if x.name == "" {
		x.name = x.from
	}
}

func kept(b []byte) string { return string(b[:min(len(b), maxNamed)]) }

// isRefused reports whether credentials were refused.
func (x *tx) isRefused() bool {
	return x.credentials && !x.stale && (isChallenge(x.status) || x.status == 403)
}

// gave takes in that a user sent credentials to a host: that answers challenges of the last
// 32 s, whatever the Call-ID.
func (l *ledger) gave(x *tx) {
	k := x.key
	for _, p := range l.pending[k] {
		if d := x.at.Sub(p.answered); (d >= 0 || d >= -disorder && x.callID == p.callID && x.cseq > p.cseq) && d <= timeout {
			p.retried = true
		}
	}
	delete(l.pending, k)
	if last := l.given.get(k); last != nil {
		old := l.before[k]
		copy(old[1:], old[:])
		old[0] = *last
		l.before[k] = old
	} else if l.given.n >= maxPending {
		l.given.clear()
		clear(l.before)
	}
	*l.given.add(k) = x.at.UnixNano()
}

// gives reports whether credentials were sent at a time up to 32 s behind another one.
func gives(at, from int64) bool { return at != 0 && at >= from && at <= from+int64(timeout) }

// wait waits for the answer to a challenge: what is not answered in time is kept.
func (l *ledger) wait(x *tx) {
	from := x.answered.UnixNano()
	if last := l.given.get(x.key); last != nil && gives(*last, from) {
		return
	}
	for _, at := range l.before[x.key] {
		if gives(at, from) {
			return
		}
	}
	for i := range l.torn {
		x.retried = x.retried || l.torn[i].follows(x)
	}
	l.waiting = append(l.waiting, x)
	const few = 8
	if p := l.pending[x.key]; len(p) < few {
		l.pending[x.key] = append(p, x)
	} else {
		copy(p, p[1:])
		p[few-1] = x
	}
	l.mature(false)
}

// mature keeps the challenges that were not answered in time; at the end all.
func (l *ledger) mature(end bool) {
	for len(l.waiting) > 0 {
		x := l.waiting[0]
		if !end && l.now.Sub(x.answered) <= 2*timeout && len(l.waiting) <= maxPending {
			return
		}
		l.waiting[0] = nil
		l.waiting = l.waiting[1:]
		if x.retried {
			continue
		}
		if p := slices.DeleteFunc(l.pending[x.key], func(y *tx) bool { return x == y }); len(p) > 0 {
			l.pending[x.key] = p
		} else {
			delete(l.pending, x.key)
		}
		l.keep(l.source(x.src.Addr()), x)
	}
}

// sweep looks at what a sender tried. In the middle of a capture it then gives up the older
// half of it; at the end res is set.
func (l *ledger) sweep(s *source, res *analysis.Result) {
	before := len(s.tries)
	sort.SliceStable(s.tries, func(i, k int) bool { return s.tries[i].at.Before(s.tries[k].at) })
	l.findScan(s, res)
	s.findBrute()
	s.findFraud()
	n := len(s.tries)
	if res == nil {
		n /= 2
	}
	for _, x := range s.tries[:n] {
		if isChallenge(x.status) && !x.credentials && !x.retried && !x.givenUp {
			l.ignore(x)
		}
	}
	s.tries = append(s.tries[:0], s.tries[n:]...)
	clear(s.tries[len(s.tries):min(before, cap(s.tries))])
	l.nTries -= before - len(s.tries)
}

// end looks at everything that is left.
func (l *ledger) end(res *analysis.Result) {
	l.mature(true)
	for _, s := range l.order {
		l.sweep(s, res)
		s.bruteSuccess()
		if s.scan == nil {
			continue
		}
		for _, a := range append(s.brutes, s.fraud) {
			if a != nil && a.user == "" {
				a.related("scanner")
				s.scan.explained = true
			}
		}
	}
}

// An ignored is a challenge that was not answered, of one sender, method and user.
type ignored struct {
	first  *tx
	count  int
	frames []analysis.Frame
}

// An ignoredKey tells them apart.
type ignoredKey struct {
	src    netip.Addr
	method string
	user   uint64
}

//go:noinline
func (l *ledger) ignore(x *tx) {
	k := ignoredKey{x.src.Addr(), x.method, x.key}
	g := l.ignoredBy[k]
	if g == nil {
		if len(l.ignored) == maxOfRule {
			return
		}
		g = &ignored{first: x}
		l.ignoredBy[k] = g
		l.ignored = append(l.ignored, g)
	}
	g.count++
	if len(g.frames) < 2*maxProofs {
		g.frames = append(g.frames, x.frame, x.final)
	}
}

// isBad reports whether an outcome is one that sweeps have, silence apart.
func (x *tx) isBad() bool {
	return x.status == 404 || x.status == 403 || isChallenge(x.status)
}

// findScan looks for a sweep over users.
func (l *ledger) findScan(s *source, res *analysis.Result) {
	if s.scan != nil {
		return
	}
	type tally struct{ all, bad, silent int }
	users := make(map[string]*tally)
	var bad, silent, resent, refused int // users, users without an answer, silent tries sent again, tries refused
	count := func(x *tx, by int) {
		u := users[x.user]
		if u == nil {
			u = new(tally)
			users[x.user] = u
		}
		wasBad, wasSilent := u.bad > 0, u.bad == 0 && u.silent > 0
		u.all += by
		switch {
		case x.isBad():
			u.bad += by
			refused += by
		case x.status == 0:
			u.silent += by
			if x.copies > 1 {
				resent += by
			}
		}
		if u.all == 0 {
			delete(users, x.user)
		}
		bad += toInt(u.bad > 0) - toInt(wasBad)
		silent += toInt(u.bad == 0 && u.silent > 0) - toInt(wasSilent)
	}
	tries, first := withoutPings(s.tries), 0
	for i, x := range tries {
		if x.inDialog || x.user == "" || x.status == 0 && res == nil {
			continue
		}
		count(x, 1)
		for ; x.at.Sub(tries[first].at) > scanWindow; first++ {
			if y := tries[first]; !y.inDialog && y.user != "" && !(y.status == 0 && res == nil) {
				count(y, -1)
			}
		}
		if !s.success.IsZero() && s.success.Before(x.at) {
			return
		}
		quiet := silent
		if refused == 0 && resent > 0 {
			quiet = 0
		}
		if len(users) < scanUsers || 2*(bad+quiet) < len(users) {
			continue
		}
		s.scan = s.scanOf(tries[first:], i-first, 2*bad < len(users))
		return
	}
}

// withoutPings returns what was tried, without the OPTIONS to an address and port that was asked for one user alone: so exchanges ask
// whether their phones are there. A sweep asks one for many users.
func withoutPings(tries []*tx) []*tx {
	users := make(map[netip.AddrPort]string) // "" for several
	for _, x := range tries {
		if user, ok := users[x.dst]; !ok {
			users[x.dst] = x.user
		} else if user != x.user {
			users[x.dst] = ""
		}
	}
	return slices.DeleteFunc(slices.Clone(tries), func(x *tx) bool { return x.method == "OPTIONS" && users[x.dst] == x.user })
}

func toInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// scanOf tells of a sweep that is one from the n-th try on.
func (s *source) scanOf(list []*tx, n int, onSilence bool) *attack {
	a := &attack{}
	users := make(map[string]bool)
	outcomes := make(map[string]int)
	var last *tx
	tried := list[:0:0]
	for i, x := range list {
		if x.inDialog || x.user == "" {
			continue
		}
		if i > n && x.at.Sub(last.at) > scanWindow {
			break
		}
		if !users[x.user] {
			users[x.user] = true
			if len(a.f.Frames) < scanUsers {
				a.f.Frames = append(a.f.Frames, x.frame)
			}
		}
		outcomes[x.outcome()]++
		tried, last = append(tried, x), x
	}
	a.f.Severity = Error
	a.about(tried)
	if onSilence {
		a.restsOnSilence(list)
	}
	a.f.Observed = fmt.Sprintf("%s asked for %d users in %s: %s; none accepted", hostName(s.addr), len(users), seconds(last.at.Sub(list[0].at)), tallied(outcomes))
	a.f.Expected = "requests for users that exist, with credentials"
	return a
}

// restsOnSilence says that an attack is one only if what was not answered in the capture was not
// answered at all. Credentials in such a request answer a challenge that is not in the capture.
func (a *attack) restsOnSilence(list []*tx) {
	for _, x := range list {
		if x.status != 0 {
			continue
		}
		if a.f.gate == nil {
			a.f.gate = waitFor(x.src, x.dst, x.at, x.transport)
		}
		if x.credentials {
			a.f.Confidence = Possible
		}
	}
}

// outcome says in words what came of a try.
func (x *tx) outcome() string {
	switch {
	case x.status == 0:
		return "without an answer"
	case isChallenge(x.status) && !x.credentials:
		return fmt.Sprintf("%d not taken up", x.status)
	}
	return fmt.Sprint(x.status)
}

// tallied lists counts, the highest first.
func tallied(counts map[string]int) string {
	keys := make([]string, 0, len(counts))
	for k := range counts {
		keys = append(keys, k)
	}
	sort.Slice(keys, func(i, j int) bool {
		a, b := counts[keys[i]], counts[keys[j]]
		return a > b || a == b && keys[i] < keys[j]
	})
	for i, k := range keys {
		keys[i] = fmt.Sprintf("%d × %s", counts[k], k)
	}
	return strings.Join(keys, ", ")
}

// findBrute looks for passwords that are tried.
func (s *source) findBrute() {
	var list []*tx
	byUser := make(map[string][]*tx)
	for _, x := range s.tries {
		if x.isRefused() {
			list = append(list, x)
			byUser[x.name] = append(byUser[x.name], x)
		}
	}
	if len(list) < bruteTries {
		return
	}
	later := make(map[string]time.Time) // the last 2xx of a user
	for _, ok := range s.oks {
		if ok.at.After(later[ok.user]) {
			later[ok.user] = ok.at
		}
		of := byUser[ok.user]
		for i := len(of) - 1; i >= 0; i-- {
			if d := ok.at.Sub(of[i].at); d >= 0 {
				of[i].taken = of[i].taken || d <= takeBack
				break
			}
		}
	}
	names := make([]string, 0, len(byUser))
	for name := range byUser {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		of := slices.DeleteFunc(byUser[name], func(x *tx) bool { return x.taken })
		if i := burst(of, 1); i >= 0 {
			s.bruted(name, of, i, 1)
		}
	}
	list = slices.DeleteFunc(list, func(x *tx) bool { return x.taken || later[x.name].After(x.at) })
	if i := burst(list, bruteUsers); i >= 0 {
		s.bruted("", list, i, bruteUsers)
	}
}

// burst returns where bruteTries tries of so many users or more begin within bruteWindow,
// -1 for nowhere.
func burst(list []*tx, users int) int {
	count := make(map[string]int)
	first := 0
	for i, x := range list {
		count[x.name]++
		for ; x.at.Sub(list[first].at) > bruteWindow; first++ {
			if count[list[first].name]--; count[list[first].name] == 0 {
				delete(count, list[first].name)
			}
		}
		if i-first+1 >= bruteTries && len(count) >= users {
			return first
		}
	}
	return -1
}

// bruted takes in that passwords were tried, of one user or, where name is empty, of several.
func (s *source) bruted(name string, list []*tx, from, users int) {
	for _, b := range s.brutes {
		if b.user == name || b.user == "" || name == "" && len(s.brutes) > 0 {
			return
		}
	}
	if len(s.brutes) == maxProofs*maxProofs {
		return
	}
	list = list[from:]
	a := &attack{user: name}
	distinct := make(map[string]bool)
	for i, x := range list {
		distinct[x.name] = true
		if i < bruteTries {
			a.f.Frames = append(a.f.Frames, x.frame)
		}
	}
	first, last := list[0], list[len(list)-1]
	a.enough, a.last = list[bruteTries-1].at, last.at
	whose := "of user " + quote([]byte(name))
	if name == "" {
		whose = fmt.Sprintf("of %d users", len(distinct))
	}
	a.f.Severity, a.f.CallID = Error, first.callID
	a.about(list)
	a.f.Observed = fmt.Sprintf("%d %ss of %s with credentials %s refused in %s", len(list), first.method, hostName(s.addr), whose, seconds(last.at.Sub(first.at)))
	a.f.Expected = "credentials that are accepted at the first or second try"
	if name != "" && !slices.ContainsFunc(list, func(x *tx) bool { return x.callID != first.callID }) {
		a.f.Observed += ", all with one Call-ID, as of a phone with a wrong password"
		a.f.NextStep = "If this is a phone of this user, give it the right password; if not, block the address and change the password."
	}
	s.brutes = append(s.brutes, a)
}

// bruteSuccess says which attack on a password had success.
func (s *source) bruteSuccess() {
	for _, b := range s.brutes {
		for _, ok := range s.oks {
			if b.user != "" && b.user == ok.user && ok.at.After(b.enough) {
				when := "between these"
				if ok.at.After(b.last) {
					when = seconds(ok.at.Sub(b.last)) + " after the last"
				}
				b.f.Observed += "; then accepted, " + when + ": the account is compromised"
				b.f.NextStep = "Change the password of this user now, block the address, and look for calls and registrations that came from it."
				b.f.Frames = append(b.f.Frames, ok.frame)
				break
			}
		}
	}
}

// bruteOf returns the attack on the password of a user, nil for none.
func (l *ledger) bruteOf(a netip.Addr, user string) *attack {
	s := l.sourceOf(a)
	if s == nil {
		return nil
	}
	for _, b := range s.brutes {
		if b.user == user || b.user == "" {
			return b
		}
	}
	return nil
}

// findFraud looks for calls to numbers that nobody in earnest calls like that.
func (s *source) findFraud() {
	if s.fraud != nil {
		return
	}
	var list []*tx
	for _, x := range s.tries {
		if x.method == "INVITE" && !x.inDialog {
			list = append(list, x)
		}
	}
	if len(s.brutes) > 0 { // calls that are answered are what it is about
		for _, x := range s.calls {
			list = append(list, &tx{at: x.at, method: "INVITE", user: x.user, callID: x.callID, status: 200, frame: x.frame})
		}
		sort.SliceStable(list, func(i, k int) bool { return list[i].at.Before(list[k].at) })
	}
	list = numbers(list)
	if len(list) < fraudInvites || s.harmless(pattern(list)) { // what not all show together none of them shows alone
		return
	}
	first, sure, step := 0, 0, 1 // windows that end ahead of sure show nothing: what several show together is looked at first
	for i, x := range list {
		for ; x.at.Sub(list[first].at) > fraudWindow; first++ {
		}
		window := list[first : i+1]
		if i < sure || len(window) < fraudInvites {
			continue
		}
		brute := len(s.brutes) > 0 && s.brutes[0].enough.Before(x.at)
		refused, onSilence := mostlyRefused(window)
		if !brute && (!s.registered.IsZero() && s.registered.Before(window[0].at) || s.answered > len(list) || !refused) {
			continue
		}
		next := min(i+step, len(list))
		why := pattern(list[first:next])
		if s.harmless(why) {
			sure, step = next, 2*step
			continue
		}
		if step = max(step/2, 1); next > i+1 {
			why = pattern(window)
		}
		if !s.harmless(why) {
			s.fraud = s.fraudOf(window, list[i+1:], why, brute)
			if !brute && onSilence {
				s.fraud.restsOnSilence(window)
			}
			return
		}
	}
}

// harmless reports whether what is striking about numbers, as pattern says it, is nothing: a scanner goes through users in sequence.
func (s *source) harmless(why string) bool { return why == "" || why[0] == 's' && s.scan != nil }

// numbers leaves the calls to numbers, one of each Call-ID.
func numbers(list []*tx) []*tx {
	var last *tx
	return slices.DeleteFunc(list, func(x *tx) bool {
		if len(digits(x.user)) < 3 || last != nil && last.callID == x.callID && last.user == x.user {
			return true
		}
		last = x
		return false
	})
}

// mostlyRefused reports whether half of some calls or more were refused, or silent without being sent
// again; onSilence, whether they are so many only with the silent ones.
func mostlyRefused(list []*tx) (is, onSilence bool) {
	refused, silent := 0, 0
	for _, x := range list {
		switch x.status {
		case 401, 407, 403, 404, 484, 488, 603, 604:
			refused++
		case 0:
			silent += toInt(x.copies == 1)
		}
	}
	return 2*(refused+silent) >= len(list), 2*refused < len(list)
}

// pattern says what is striking about the numbers that were called, "" for nothing.
func pattern(list []*tx) string {
	run, best := 1, 1
	prefixes, ends := make(map[string]bool), make(map[string]map[string]bool)
	var last uint64
	for _, x := range list {
		d := digits(x.user)
		n, ok := numberOf(d)
		switch {
		case !ok:
			run = 1
		case last != 0 && (n == last+1 || n+1 == last):
			run++
		case n != last:
			run = 1
		}
		last, best = n, max(best, run)
		if p := farPrefix(x.user, d); p != "" {
			prefixes[p] = true
		}
		if len(d) > fraudTail {
			end := d[len(d)-fraudTail:]
			if ends[end] == nil {
				ends[end] = make(map[string]bool)
			}
			ends[end][d] = true
		}
	}
	guesses := 0
	for _, m := range ends {
		guesses = max(guesses, len(m))
	}
	switch {
	case guesses >= fraudNumbers:
		return fmt.Sprintf("one number behind %d prefixes", guesses)
	case len(prefixes) >= fraudNumbers:
		return fmt.Sprintf("%d prefixes of countries and premium services", len(prefixes))
	case best >= fraudInvites:
		return fmt.Sprintf("sequential numbers, %d in a row", best)
	}
	return ""
}

func (s *source) fraudOf(window, rest []*tx, why string, brute bool) *attack {
	a := &attack{}
	for i, x := range window {
		if i < fraudInvites {
			a.f.Frames = append(a.f.Frames, x.frame)
		}
	}
	outcomes := make(map[string]int)
	n, last := 0, window[len(window)-1]
	for _, part := range [][]*tx{window, rest} {
		for _, x := range part {
			if x.at.Sub(last.at) > fraudWindow {
				break
			}
			outcomes[x.outcome()]++
			n++
			last = x
		}
	}
	who := "which does not register"
	if brute {
		who = "which tried passwords before"
	}
	a.f.Severity, a.f.CallID = Error, window[0].callID
	a.f.Observed = fmt.Sprintf("%d INVITEs in %s from %s, %s, to %s (first %s): %s", n, seconds(last.at.Sub(window[0].at)), hostName(s.addr), who, why, quote([]byte(window[0].user)), tallied(outcomes))
	a.f.Expected = "calls of registered users and of known trunks"
	return a
}

// digits returns the digits of a number, "" where the user part is none.
//
//go:noinline
func digits(user string) string {
	var b []byte
	for i := 0; i < len(user); i++ {
		switch c := user[i]; {
		case c-'0' < 10:
			b = append(b, c)
		case c == '+' && i == 0, c == '-', c == '.', c == '(', c == ')', c == ' ':
		case c == '*' || c == '#':
		case c == ';':
			return string(b)
		default:
			return ""
		}
	}
	return string(b)
}

// numberOf returns a number of up to 18 digits.
func numberOf(d string) (n uint64, ok bool) {
	if len(d) == 0 || len(d) > 18 {
		return 0, false
	}
	for i := 0; i < len(d); i++ {
		n = n*10 + uint64(d[i]-'0')
	}
	return n, n > 0
}

// farPrefix returns the prefix of the country or the premium service that a number is of,
// "" where it says none: behind + or the digits that begin international calls, with some
// that get an outside line before them.
func farPrefix(user, d string) string {
	if strings.HasPrefix(user, "+") {
		return "+" + country(d)
	}
	for _, premium := range []string{"0900", "0190", "0906", "0909", "1900"} {
		if strings.HasPrefix(d, premium) {
			return premium
		}
	}
	for lead := 0; lead <= 4 && lead < len(d); lead++ {
		for _, dial := range []string{"0011", "011", "810", "00"} {
			if rest, ok := strings.CutPrefix(d[lead:], dial); ok && len(rest) >= 8 && rest[0] != '0' {
				return "+" + country(rest)
			}
		}
		if c := d[lead]; lead < 4 && c != '9' && c != '0' && c != '8' && c != '1' {
			break
		}
	}
	return ""
}

// country returns the country code at the start of a number: ITU-T E.164.
func country(d string) string {
	n := 3
	switch {
	case d == "":
		return ""
	case d[0] == '1' || d[0] == '7':
		n = 1
	case len(d) > 1 && strings.Contains("20 27 30 31 32 33 34 36 39 40 41 43 44 45 46 47 48 49 51 52 53 54 55 56 57 58 60 61 62 63 64 65 66 81 82 84 86 90 91 92 93 94 95 98", d[:2]):
		n = 2
	}
	return d[:min(n, len(d))]
}

// tools are the senders that name themselves a scanner.
type tools struct {
	list []*toolSeen
	by   map[netip.Addr]*toolSeen
}

type toolSeen struct {
	source netip.Addr
	name   string
	where  string
	callID string
	frame  analysis.Frame
	n      int
}

// maxTools bounds them.
const maxTools = 500

func (t *tools) see(m *analysis.Message, where string, name []byte) {
	if !m.SIP.IsRequest() {
		return
	}
	switch where {
	case "User-Agent", "From", "Contact", "the start line", "the body (application/sdp)":
	default:
		return
	}
	a := m.Source.Addr().Unmap()
	x := t.by[a]
	if x == nil {
		if len(t.list) == maxTools {
			return
		}
		if t.by == nil {
			t.by = make(map[netip.Addr]*toolSeen)
		}
		x = &toolSeen{source: a, name: strings.TrimSpace(string(name)), where: where, frame: m.Frame}
		x.callID = string(analysis.CallID(m.SIP))
		t.by[a] = x
		t.list = append(t.list, x)
	}
	x.n++
}
