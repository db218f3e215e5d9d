package findings

import (
	"bytes"
	"cmp"
	"fmt"
	"math/bits"
	"net/netip"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/internal/addr"
	"github.com/sipsight/sipsight/sipmsg"
)

// authRules are about challenges and what answers them: RFC 3261, section 22; RFC 7616.
// What they are about is told by the ledger, which sees each request once.
var authRules = []*Rule{authLoop, authIgnored, authCSeq, authReusedNonce, authWeak, digestLeak}

var authLoop = &Rule{
	ID: "auth-loop", RFC: "RFC 3261 22.1; RFC 7616 3.3", Severity: "error",
	Title: "credentials that are challenged again and again",
	Doc: `In one Call-ID and on one hop, two or more challenges of one realm answer requests that carried credentials for that realm and for the nonce of the challenge before.
A challenge with stale=true does not count, and a 2xx begins anew.`,
	Why: "The server does not take the password, or does not know its own nonce again: the client tries until it gives up, or for ever.",
	Fix: "Compare user name, realm and password on both sides; where they are right, look for servers that do not share their nonces and for a proxy that changes the Request-URI.",
	capture: func(r *captureRun) {
		l := &r.c.ledger
		for _, x := range l.loops {
			if b := l.bruteOf(x.src.Addr(), x.user); b != nil {
				b.related("auth-loop")
				continue
			}
			f := Finding{
				Severity: Error, Frames: x.frames, CallID: x.callID, AOR: x.aor, leg: x.leg,
				Observed: fmt.Sprintf("%d %ss with credentials of %s for realm %s challenged again by %s", x.count, x.method, quote([]byte(x.user)), quote([]byte(x.realm)), endpoint(x.dst)),
				Expected: "acceptance, or a refusal that says why",
				Because:  "its credentials were challenged again and again", end: turnedDown, refusal: 401,
			}
			r.tell(f)
		}
	},
}

var authIgnored = &Rule{
	ID: "auth-ignored", RFC: "RFC 3261 22.2, 22.3", Severity: "warning / note",
	Title: "a challenge that nobody answers",
	Doc: `A request without credentials for the realm is challenged (401, 407) and no request with credentials follows in 32 s: of the same From user to the same host of the Request-URI,
in any Call-ID. A later request of that Call-ID and method whose number leaves one out counts as one, and so does one of that method and sender to that server of which octets are missing; where the capture lacks many packets it is only possible. Not of an INVITE that was cancelled before the challenge had come. One on a further hop counts where the server that got it answers with another refusal. One finding for each sender, method and user (of two legs that nearest to who asks). What belongs to a sweep is told as scanner, what to toll-fraud as that; OPTIONS, for which a challenge is a sign of life like any other, are a note.`,
	Why: "The client has no password, or does not understand the challenge: nothing that needs one works.",
	Fix: "Give the client a user name and password for this realm, and an algorithm that it knows.",
	capture: func(r *captureRun) {
		for _, x := range r.c.ledger.ignored {
			t := x.first
			if s := r.c.ledger.sourceOf(t.src.Addr()); s != nil && (s.scan != nil || s.fraud != nil) {
				for _, a := range [...]*attack{s.scan, s.fraud} {
					if a != nil {
						a.related("auth-ignored")
					}
				}
				continue
			}
			f := Finding{
				Severity: Warning, Frames: x.frames, CallID: t.callID, AOR: t.aor, leg: t.leg, gate: &gate{self: t.dst.Addr(), peer: t.src.Addr(), since: t.answered, wait: timeout, once: t.transport != "UDP", misses: 2}, // the request, and its answer
				Observed: fmt.Sprintf("%d to %s of %s from %s, no request with credentials", t.status, t.method, quote([]byte(t.from)), endpoint(t.src)),
				Expected: "the request again, with credentials",
				Because:  "its challenge was not answered", end: turnedDown, refusal: int(t.status),
			}
			if wait := min(r.End.Sub(t.answered), timeout).Round(100 * time.Millisecond); wait > 0 { // the capture goes on behind it
				f.Observed += " within " + plain(wait)
			}
			if t.method == "OPTIONS" {
				f.Severity = Note
			}
			if x.count > 1 {
				f.Observed += fmt.Sprintf("; %d times", x.count)
			}
			r.tell(f)
		}
	},
}

var authCSeq = &Rule{
	ID: "auth-cseq", RFC: "RFC 3261 22.2, 8.1.3.5", Severity: "warning",
	Title: "an answer to a challenge with the number of the challenged request",
	Doc:   `A request with credentials for the realm of a challenge, which the challenged request had none for, or for its nonce, has the Call-ID, the method and the CSeq number of that on its hop. It is no copy of that, whatever its branch is.`,
	Why:   "A server may take it for a copy of the request it has refused already and answer with the same challenge, or not at all.",
	Fix:   "The client has to raise the CSeq number when it tries again with credentials.",
	capture: func(r *captureRun) {
		for _, x := range r.c.ledger.sameCSeq {
			r.tell(Finding{
				Severity: Warning, Frames: x.frames, CallID: x.callID, AOR: x.aor, leg: x.leg,
				Observed: fmt.Sprintf("%s with CSeq %d challenged by %s, and sent with credentials under the same number", x.method, x.cseq, endpoint(x.dst)),
				Expected: fmt.Sprintf("CSeq %d or more", uint64(x.cseq)+1),
			})
		}
	},
}

var authReusedNonce = &Rule{
	ID: "auth-reused-nonce", RFC: "RFC 7616 3.4", Severity: "warning / note",
	Title: "a nonce count that does not count",
	Doc: `Two requests of one client to one server carry credentials of one user with the same nonce and a qop, and the nc of the later one is not higher. The challenge with that nonce is in
the capture. ACK and CANCEL, which repeat what the INVITE had, copies, forks of one request (same Call-ID and CSeq), credentials without qop and uses whose order in the capture is not that of their times are left out. It is a note where the later one is the first request that takes up a challenge of its own Call-ID, counts from 1 (servers that make nonces of the time give one nonce to several requests) and is not refused with 401, 403 or 407.
One finding for each user, client and server, at the first hop.`,
	Why: "The count is what stops a replay: a server that keeps to the RFC refuses the second request, or asks for the password again each time.",
	Fix: "The client has to count each use of a nonce, from 00000001 on.",
	capture: func(r *captureRun) {
		for _, x := range r.c.ledger.reused(r.Result) {
			f := Finding{
				Severity: Warning, Frames: []analysis.Frame{x.a.frame.frame(), x.b.frame.frame()}, CallID: x.callID, AOR: x.aor, leg: x.b.leg(),
				Observed: fmt.Sprintf("nc=%08x, and nc=%08x %s later with the same nonce", x.a.nc, x.b.nc, seconds(x.b.at().Sub(x.a.at()))),
				Expected: fmt.Sprintf("nc=%08x or more", uint64(x.a.nc)+1),
			}
			if x.n > 1 {
				f.Observed += fmt.Sprintf("; %d times", x.n)
			}
			if x.afresh {
				f.Severity, f.Observed = Note, f.Observed+"; the server had given it again, and did not refuse it"
			}
			r.tell(f)
		}
	},
}

var authWeak = &Rule{
	ID: "auth-weak", RFC: "RFC 8760; RFC 7616; RFC 3261 22", Severity: "note / warning / error",
	Title: "authentication that is easy to break",
	Doc: `For each server and realm, of a challenge that proxies pass on for the server that it is of: Basic in a challenge or in credentials over UDP, TCP, SCTP or WS is an error (of a challenge and what answers it, one); a Digest challenge without qop a warning; MD5 credentials sent over one of these
transports from a public address a warning; challenges that offer no other algorithm than MD5 a note. AKAv1-MD5 of IMS is not meant: its passwords are used once.`,
	Why: "Basic shows the password to whoever sees the packet; MD5 digests of a passable password are guessed in minutes, without qop even from tables.",
	Fix: "Offer SHA-256 before MD5 with qop=\"auth\", and let clients of the Internet come in over TLS alone.",
	capture: func(r *captureRun) {
		for _, w := range r.c.ledger.weakest(orderOf(r.Result)) {
			if f := w.finding(); len(f.Frames) > 0 {
				r.report(f)
			}
		}
	},
}

var digestLeak = &Rule{
	ID: "digest-leak", RFC: "RFC 3261 22", Severity: "error",
	Title: "a called phone that gives its credentials to the caller",
	Doc: `Inside of a call, a request of the called side (BYE, mostly) is challenged by the far end of that hop, and the called side sends it again with credentials. Silent where the capture
shows that this host registers at that server or was accepted there with credentials, and no further hop that the challenge came from. It is likely: who the
phone takes challenges of is not in a capture. A REFER, which many servers challenge,
is possible only.`,
	Why: "Whoever calls a phone and challenges its BYE gets a digest to guess the password from: the phone takes any challenge for one of its provider.",
	Fix: "Change the password of this phone, keep calls from the Internet away from it, and let it answer challenges of its own realm and its own server alone.",
	capture: func(r *captureRun) {
		for _, x := range r.c.ledger.leaks {
			if r.c.ledger.trusted.has(hostsOf(x.src, x.dst), pairTrusted) && !x.beyond {
				continue
			}
			f := Finding{
				Severity: Error, Frames: x.frames, CallID: x.callID, leg: x.leg,
				Observed: fmt.Sprintf("%s of the called side challenged by %s for realm %s and answered with the credentials of %s", x.method, endpoint(x.dst), quote([]byte(x.realm)), quote([]byte(x.user))),
				Expected: "no credentials for a challenge of the caller", Confidence: Likely,
			}
			if x.method == "REFER" {
				f.Confidence = Possible
			}
			r.tell(f)
		}
	},
}

// A challenge is one that is waited to be answered.
type challenge struct {
	realm string
	nonce uint64 // its hash
	bare  bool   // the request had no credentials for the realm
	used  bool   // a request took it up that counts its nonce from 1 on
	t     *tx
}

// A chain is what was challenged in one Call-ID on one hop.
type chain struct {
	hop  uint64
	open []challenge // the last one of each realm
	loop *retry      // of the realm that is challenged again and again
	runs int         // challenges since the last 2xx to requests with credentials
	past []analysis.Frame
}

// maxRealms bounds the realms of one chain.
const maxRealms = 4

// A retry is one that something is wrong with.
type retry struct {
	*tx
	realm, user string
	frames      []analysis.Frame
	count       int
}

// maxAuths bounds the credentials, and the challenges, that are read of one message.
const maxAuths = 64

// read reads the credentials of the request of a transaction and the challenges of its
// response. They are valid until the ledger is told of the next one. Credentials as those of
// the first REGISTER of IMS, which names the user alone with an empty nonce, are none.
func (l *ledger) read(t *liveTx) {
	if t.req != nil {
		t.creds = l.auths(t.req, func(a *sipmsg.Auth) bool { return !a.IsDigest() || len(a.Nonce) > 0 }, sipmsg.Authorization, sipmsg.ProxyAuthorization)
	}
	if t.resp != nil {
		t.asks = l.auths(t.resp, func(*sipmsg.Auth) bool { return true }, sipmsg.WWWAuthenticate, sipmsg.ProxyAuthenticate)
	}
}

func (l *ledger) auths(m *sipmsg.Message, counts func(*sipmsg.Auth) bool, ids ...sipmsg.ID) []sipmsg.Auth {
	n := len(l.room)
	for _, id := range ids {
		for v := range m.All(id) {
			if len(l.room)-n == maxAuths {
				break
			}
			last := len(l.room)
			if l.room = append(l.room, sipmsg.ParseAuth(v)); !counts(&l.room[last]) {
				l.room = l.room[:last]
			}
		}
	}
	return l.room[n:len(l.room):len(l.room)]
}

// credentialsFor returns the credentials of a request for a realm, nil for none. Basic names no
// realm.
//
//go:noinline
func (x *liveTx) credentialsFor(realm []byte) *sipmsg.Auth {
	for i := range x.creds {
		if a := &x.creds[i]; a.HasToken || bytes.Equal(a.Realm, realm) {
			return a
		}
	}
	return nil
}

// step takes in the next request of a chain and what came of it. It reports whether the
// request answers a challenge.
func (l *ledger) step(c *chain, t *liveTx) (answers bool) {
	if t.req == nil {
		return false
	}
	var used *challenge // that is challenged again
	var user string
	for i := range c.open {
		ch := &c.open[i]
		if ch.t.method == t.method && ch.t.cseq < t.cseq-1 && l.c.loss.any() {
			ch.t.retried = true // numbers are left out: that of the request that followed it, which is not in the capture
		}
		a := t.credentialsFor([]byte(ch.realm))
		if a == nil {
			continue
		}
		answers = true
		l.retried(ch, t, a)
		if a.NC == 1 && !ch.used && hashOf(a.Nonce) == ch.nonce {
			if ch.used = true; !isChallenge(t.status) && t.status != 403 {
				l.afresh.add(ch.nonce ^ textHash(t.callID) ^ uint64(t.cseq))
			}
		}
		if isChallenge(t.status) && t.resp != nil && (hashOf(a.Nonce) == ch.nonce || a.HasToken) {
			for k := range t.asks {
				if x := &t.asks[k]; string(x.Realm) == ch.realm && !x.Stale {
					used, user = ch, string(a.Username)
				}
			}
		}
	}
	switch {
	case t.status/100 == 2:
		*c = chain{hop: c.hop}
		return answers
	case !isChallenge(t.status) || t.resp == nil:
		return answers
	case used != nil:
		l.again(c, t, used.realm, user)
	}
	for i := range t.asks {
		a := &t.asks[i]
		nonce := hashOf(a.Nonce)
		l.nonces.add(nonce)
		c.challenged(challenge{realm: l.realm(a.Realm), nonce: nonce, bare: t.credentialsFor(a.Realm) == nil, t: t.tx})
	}
	return answers
}

// realm returns a realm, one text for all of its challenges.
func (l *ledger) realm(b []byte) string {
	if s, ok := l.realms[string(b)]; ok {
		return s
	}
	s := string(b)
	if len(l.realms) < maxWeak {
		l.realms[s] = s
	}
	return s
}

func isChallenge[S int | int16](status S) bool { return status == 401 || status == 407 }

func (c *chain) challenged(x challenge) {
	for i := range c.open {
		if c.open[i].realm == x.realm {
			c.open[i] = x
			return
		}
	}
	if len(c.open) < maxRealms {
		c.open = append(c.open, x)
	}
}

// again takes in that credentials were challenged again.
func (l *ledger) again(c *chain, t *liveTx, realm, user string) {
	c.runs++
	if len(c.past) < 4 {
		c.past = append(c.past, t.frame, t.final)
	}
	switch {
	case c.loop != nil:
		c.loop.count = c.runs
	case c.runs == 2 && l.first("auth-loop", t.tx):
		c.loop = &retry{tx: t.hold(), realm: realm, user: user, frames: c.past, count: 2}
		l.loops = append(l.loops, c.loop)
	}
}

// retried takes in that a request answers a challenge.
func (l *ledger) retried(ch *challenge, t *liveTx, a *sipmsg.Auth) {
	was := ch.t
	was.retried = was.retried || was.answered.IsZero() || t.at.Sub(was.answered) <= timeout || t.cseq > was.cseq+1
	frames := []analysis.Frame{was.frame, was.final, t.frame}
	if was.cseq == t.cseq && was.method == t.method && (hashOf(a.Nonce) == ch.nonce || a.HasToken || ch.bare && t.at.After(was.answered)) && l.first("auth-cseq", t.tx) {
		l.sameCSeq = append(l.sameCSeq, &retry{tx: t.hold(), frames: frames})
	}
	if !t.calledSide {
		return
	}
	x := &leak{retry: retry{tx: t.hold(), realm: ch.realm, user: string(a.Username), frames: frames}, beyond: was.beyond}
	if l.first("digest-leak", t.tx) {
		l.leaks = append(l.leaks, x)
	} else if last := len(l.leaks) - 1; last >= 0 && l.leaks[last].leg == t.leg && t.at.Before(l.leaks[last].at) {
		l.leaks[last] = x // the hop of the phone comes before those behind it
	}
}

// A leak is a digest-leak that may turn out to be none.
type leak struct {
	retry
	beyond bool // the challenge came from behind the host that it was seen from
}

// A weakness is what is weak about the authentication of one server and realm.
type weakness struct {
	weakKey
	md5Only weakPart
	noQOP   weakPart
	public  weakPart
	basic   weakPart
	given   weakPart   // credentials for it
	asked   int        // challenges
	passed  int        // … that it had of another server
	of      *weakness  // the one of the last of these
	told    bool       // with that
	from    netip.Addr // of public
	over    string     // of basic and public
	callID  string
}

type weakKey struct {
	by    netip.Addr
	realm string
}

// A weakPart is one kind of weakness: how often, and where first.
type weakPart struct {
	n     int
	frame analysis.Frame
}

func (p *weakPart) see(f analysis.Frame) {
	if p.n++; p.n == 1 {
		p.frame = f
	}
}

// maxWeak bounds the servers and realms told apart.
const maxWeak = 1000

func (l *ledger) weakOf(t *tx, realm []byte) *weakness {
	by := t.dst.Addr().Unmap()
	if w := l.weakBy[weakKey{by, string(realm)}]; w != nil {
		return w
	}
	if len(l.weak) == maxWeak {
		return new(weakness)
	}
	if l.weakBy == nil {
		l.weakBy = make(map[weakKey]*weakness)
	}
	w := &weakness{weakKey: weakKey{by, string(realm)}, callID: t.callID}
	l.weakBy[w.weakKey] = w
	l.weak = append(l.weak, w)
	return w
}

// weigh looks at how strong the challenges and credentials of a transaction are.
func (l *ledger) weigh(t *liveTx) {
	clear := t.transport != "TLS" && t.transport != "WSS"
	if t.resp != nil && isChallenge(t.status) {
		l.weighChallenges(t, clear)
	}
	if t.req == nil {
		return
	}
	for i := range t.creds {
		a := &t.creds[i]
		basic := isScheme(a, "Basic")
		public := clear && a.IsDigest() && isMD5(a.Algorithm) && isPublic(t.src.Addr())
		if !basic && !public || basic && !clear {
			continue
		}
		w := l.weakOf(t.tx, a.Realm)
		switch {
		case basic:
			if !l.passedOn(t, w, "Basic") {
				w.basic.see(t.frame)
				w.over = t.transport
			}
		default:
			w.public.see(t.frame)
			w.from, w.over = t.src.Addr().Unmap(), t.transport
		}
	}
}

func (l *ledger) weighChallenges(t *liveTx, clear bool) {
	var md5, other *weakness
	for i := range t.asks {
		a := &t.asks[i]
		basic := isScheme(a, "Basic")
		if !basic && !a.IsDigest() {
			continue
		}
		w := l.weakOf(t.tx, a.Realm)
		l.passedOn(t, w, w.realm)
		switch {
		case basic:
			if clear {
				w.basic.see(t.final)
				w.over = t.transport
			}
		default:
			if len(a.QOP) == 0 && !bytes.HasPrefix(bytes.ToUpper(a.Algorithm), []byte("AKA")) {
				w.noQOP.see(t.final)
			}
			if isMD5(a.Algorithm) {
				md5 = w
			} else {
				other = w
			}
		}
	}
	if md5 != nil && other == nil {
		md5.md5Only.see(t.final)
	}
}

// An asker is who challenged a request last.
type asker struct {
	w    *weakness
	host netip.Addr
}

// passedOn takes in a challenge of a server, or credentials for it, and reports whether the request came from a
// server that challenges it, or has them, too: that one passes on what it gets.
func (l *ledger) passedOn(t *liveTx, w *weakness, what string) bool {
	if !w.by.IsValid() { // it is one too many
		return false
	}
	w.asked++
	k := addr.MixWords(textHash(t.callID), textHash(t.method)^uint64(t.cseq), textHash(what))
	last := l.askers.get(k)
	if last == nil {
		if l.askers.n >= maxChains {
			l.askers.clear()
		}
		*l.askers.add(k) = asker{w, t.dst.Addr()}
		return false
	}
	passes := last.host == t.src.Addr() && last.w != w
	if passes {
		last.w.passed++
		last.w.of = w
	}
	*last = asker{w, t.dst.Addr()}
	return passes
}

// weakest returns what is weak, without what proxies pass on: the credentials that come in over these belong
// to the server that asks for them.
func (l *ledger) weakest(order fileOrder) (list []*weakness) {
	for _, w := range l.weak {
		to := w
		for i := 0; i < maxVia && to.of != nil && to.passed >= to.asked; i++ {
			to = to.of
		}
		if to == w {
			continue
		}
		if w.basic.n > 0 && (to.basic.n == 0 || order.frames(to.basic.frame, w.basic.frame) > 0) {
			to.basic, to.over = w.basic, w.over
		}
		if w.public.n > 0 && (to.public.n == 0 || order.frames(to.public.frame, w.public.frame) > 0) {
			to.public, to.from, to.over = w.public, w.from, w.over
		}
		w.told = true
	}
	for _, w := range l.weak {
		if !w.told && !l.answers(w) {
			list = append(list, w)
		}
	}
	return list
}

// answers reports whether all that is weak are credentials for Basic, which name no realm, and the server has asked for them in the same
// call or registration: its challenge is told with them.
func (l *ledger) answers(w *weakness) bool {
	if w.realm != "" || w.basic.n == 0 || w.md5Only.n+w.noQOP.n+w.public.n > 0 {
		return false
	}
	for _, x := range l.weak {
		if x.by == w.by && x.callID == w.callID && x.realm != "" && x.basic.n > 0 && !x.told {
			x.given = w.basic
			return true
		}
	}
	return false
}

// maxVia bounds the proxies on the way to a server.
const maxVia = 8

func isScheme(a *sipmsg.Auth, name string) bool {
	return strings.EqualFold(string(a.Scheme), name)
}

// isMD5 reports whether an algorithm is MD5, which it is where none is named.
func isMD5(algorithm []byte) bool {
	return len(algorithm) == 0 || strings.EqualFold(string(algorithm), "MD5") || strings.EqualFold(string(algorithm), "MD5-sess")
}

// finding tells all that is weak of a server and realm at once, the worst first.
func (w *weakness) finding() (f Finding) {
	f = Finding{Severity: Note, CallID: w.callID, Expected: "SHA-256 with qop, and TLS for what crosses the Internet"}
	var what []string
	add := func(p *weakPart, s Severity, text string) {
		if p.n > 0 {
			what = append(what, text)
			f.Severity = max(f.Severity, s)
			if !slices.Contains(f.Frames, p.frame) {
				f.Frames = append(f.Frames, p.frame)
			}
		}
	}
	add(&w.basic, Error, "Basic over "+w.over)
	add(&w.given, Error, "credentials for it")
	add(&w.public, Warning, "MD5 credentials from the public address "+w.from.String()+" over "+w.over)
	add(&w.noQOP, Warning, "challenges without qop")
	add(&w.md5Only, Note, fmt.Sprintf("MD5 alone is offered, in %s", number(w.md5Only.n, "challenge")))
	f.Observed = fmt.Sprintf("%s, realm %s: %s", hostName(w.by), quote([]byte(w.realm)), strings.Join(what, "; "))
	return f
}

// A nonceUse is one use of a nonce, which the capture may show the challenge of.
type nonceUse struct {
	who   uint64 // user, client and server
	nonce uint64
	sec   int64 // its time, …
	nsec  int32 // … as of time.Time
	of    int32 // a legNumber; of a request outside of calls, minus one more than the index in ledger.useIDs
	nc    uint32
	cseq  uint32
	frame frameNo
}

// key returns a hash of who and nonce.
func (u *nonceUse) key() uint64 { return u.who ^ bits.RotateLeft64(u.nonce, 1) }

func (u *nonceUse) at() time.Time { return time.Unix(u.sec, int64(u.nsec)).UTC() }

// leg returns the number of the leg, 0 outside of calls.
func (u *nonceUse) leg() legNumber { return legNumber(max(u.of, 0)) }

// compare compares uses by time.
func (u *nonceUse) compare(x *nonceUse) int {
	return cmp.Or(cmp.Compare(u.sec, x.sec), cmp.Compare(u.nsec, x.nsec))
}

// follows reports whether a use stands behind a later one in the file of both: its clock was set back, or packets are out of order.
func (u *nonceUse) follows(x *nonceUse) bool {
	return u.frame > x.frame && u.frame>>frameBits == x.frame>>frameBits && u.at().Before(x.at())
}

// maxUses bounds the uses kept: they are compared at the end, in order of time.
const maxUses = 1 << 16

// use takes in the uses of nonces by a request.
func (l *ledger) use(t *liveTx) {
	if t.method == "ACK" || t.method == "CANCEL" || t.at.IsZero() {
		return
	}
	for i := range t.creds {
		a := &t.creds[i]
		if len(a.QOP) == 0 || !a.HasNC || len(a.Nonce) == 0 || l.uses.n >= maxUses {
			continue
		}
		of := int32(t.leg)
		if of == 0 {
			*l.useIDs.add() = useID{t.callID, t.aor}
			of = -int32(l.useIDs.n)
		}
		*l.uses.add() = nonceUse{
			who: t.hop() ^ hashOf(a.Username), nonce: hashOf(a.Nonce), sec: t.at.Unix(), nsec: int32(t.at.Nanosecond()), of: of,
			nc: a.NC, cseq: t.cseq, frame: frameNoOf(t.frame),
		}
	}
}

// A reuse is two uses of one nonce of which the later one does not count on, the first of n
// of one user, client and server.
type reuse struct {
	a, b   *nonceUse
	useID  // of b
	n      int
	afresh bool // the server gave the nonce again, and did not refuse the later one
}

// reused returns the uses that do not count on.
func (l *ledger) reused(res *analysis.Result) (list []*reuse) {
	order := make([]int32, l.uses.n) // by key and time
	for i := range order {
		order[i] = int32(i)
	}
	sort.Slice(order, func(i, j int) bool {
		a, b := l.uses.at(int(order[i])), l.uses.at(int(order[j]))
		if a, b := a.key(), b.key(); a != b {
			return a < b
		}
		c := a.compare(b)
		return c < 0 || c == 0 && order[i] < order[j]
	})
	by := make(map[uint64]*reuse)
	for i := 1; i < len(order); i++ {
		a, b := l.uses.at(int(order[i-1])), l.uses.at(int(order[i]))
		if a.key() != b.key() || b.nc > a.nc || !l.nonces.has(b.nonce) {
			continue
		}
		id := l.idOf(b, res)
		if (a.cseq == b.cseq || b.at().Sub(a.at()) < disorder && b.cseq < a.cseq) && l.idOf(a, res).callID == id.callID || a.follows(b) {
			continue
		}
		afresh := b.nc == 1 && l.afresh.has(b.nonce^textHash(id.callID)^uint64(b.cseq))
		x := by[b.who]
		switch {
		case x == nil:
			x = new(reuse)
			by[b.who] = x
			list = append(list, x)
			fallthrough
		case x.afresh && !afresh:
			*x = reuse{a: a, b: b, useID: id, afresh: afresh}
		case afresh && !x.afresh:
			continue
		case b.compare(x.b) < 0:
			x.a, x.b, x.useID = a, b, id
		}
		x.n++
	}
	files := orderOf(res)
	slices.SortFunc(list, func(x, y *reuse) int {
		return cmp.Or(x.b.compare(y.b), files.frames(x.b.frame.frame(), y.b.frame.frame()))
	})
	// What a proxy passes on is the same use again, between other hosts.
	first := make(map[uint64]*reuse, len(list))
	return slices.DeleteFunc(list, func(x *reuse) bool {
		use := x.b.nonce ^ textHash(x.callID) ^ uint64(x.b.cseq)
		y := first[use]
		if y == nil {
			first[use] = x
			return false
		}
		return y.b.nonce == x.b.nonce && y.b.cseq == x.b.cseq && y.callID == x.callID
	})
}

// idOf returns whose a request is that used a nonce.
func (l *ledger) idOf(u *nonceUse, res *analysis.Result) useID {
	if u.of < 0 {
		return *l.useIDs.at(int(-u.of) - 1)
	}
	return useID{callID: u.leg().of(res).CallID}
}
