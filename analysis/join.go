package analysis

import (
	"bytes"
	"hash/maphash"
	"iter"
	"net/netip"
	"slices"
	"time"

	"github.com/sipsight/sipsight/sipmsg"
)

// Legs of one call that have Call-IDs of their own are joined by what they have in common.
// Each thing in common has a score; two legs are one call from joinScore on. Time and
// addresses alone never reach it, and where two earlier legs are equally likely neither is
// taken: a call wrongly joined is worse than one left apart. docs/calls.md has the table.
const (
	joinScore = 100

	scoreSessionID = 100 // a UUID of the Session-ID header field: RFC 7989
	scoreNamed     = 100 // a header field such as X-Call-ID names the other Call-ID
	scoreSameName  = 60  // … or both have one that says the same
	scoreAffix     = 100 // one Call-ID is the other with something in front or behind
	scoreTag       = 60  // the From tags are the same, or one is the other with something in front or behind
	scoreReplaces  = 50  // Replaces or In-Reply-To names the other Call-ID
	scoreOrigin    = 60  // the session descriptions have one origin: RFC 8866, section 5.2
	scoreMedia     = 40  // … and send media to one address and port
	scoreUsers     = 60  // the same From user and the same To or Request-URI user
	scoreCalled    = 40  // the same To or Request-URI user alone, where it is a telephone number
	scoreCaller    = 20  // the same From user alone
	scoreChain     = 20  // the later leg begins where the earlier one went to
	scoreHost      = 20  // … or at another address of that host, as other calls show
	scoreNested    = 20  // the later leg begins while the earlier one is unanswered
	scoreAnswer    = 20  // answered together, the later leg first
	scoreEnd       = 20  // ended together
	scoreRefusal   = 20  // refused with one status, together, the later leg first
	scoreGivenUp   = 20  // cancelled by the caller, and ended together
	scoreElsewhere = 40  // the later leg is cancelled as the earlier one is answered, since that was answered elsewhere

	// together is how far apart the answers, and the ends, of two legs may be that
	// are passed on by a back-to-back user agent.
	together = time.Second

	// joinWindow is how long after a leg another one may begin that has the same users.
	joinWindow = 10 * time.Second

	// forwardWindow is how long after it one may begin where it went to, while it rings: who does not answer is forwarded.
	forwardWindow = timerC

	// provenHost is how many calls have to show that two addresses are of one host. One is enough whose legs
	// say by themselves that they belong together.
	provenHost = 2

	// minAffix is the shortest Call-ID that may be a part of another one, minTag the
	// shortest From tag: 32 bits of chance (RFC 3261, section 19.3) in hexadecimal.
	minAffix = 12
	minTag   = 8

	// maxKeys, maxSharing and maxCandidates bound the work for one leg: what is
	// looked up, how many legs may have it in common, and how many are considered.
	maxKeys       = 64
	maxSharing    = 16
	maxCandidates = 16
)

// A trait is one kind of thing that two legs may have in common.
type trait uint32

const (
	sameSessionID trait = 1 << iota
	namesCallID
	callIDAffix
	sameName
	tagAffix
	replaces
	sameOrigin
	sameMedia
	sameUsers
	sameCalled
	sameCaller
	chained
	nested
	answeredTogether
	endedTogether
	sameHost
	refusedTogether
	elsewhere
	givenUpTogether
	neitherEnded // says nothing by itself
)

// A scored is what traits are called and how much they say.
type scored struct {
	name  string
	score int
}

// scoreOf adds up what the traits say whose bits are set, in the order of the list.
//
//go:noinline
func scoreOf(list []scored, bits uint) (n int) {
	for i := range list {
		if bits&(1<<i) != 0 {
			n += list[i].score
		}
	}
	return n
}

// namesOf returns the names of the traits whose bits are set.
//
//go:noinline
func namesOf(list []scored, bits uint) (names []string) {
	for i := range list {
		if bits&(1<<i) != 0 {
			names = append(names, list[i].name)
		}
	}
	return names
}

var traits = []scored{
	{"session-id", scoreSessionID}, {"call-id-header", scoreNamed}, {"call-id-affix", scoreAffix},
	{"same-call-id-header", scoreSameName}, {"from-tag", scoreTag}, {"replaces", scoreReplaces},
	{"sdp-origin", scoreOrigin}, {"media-endpoint", scoreMedia}, {"from-and-to-user", scoreUsers},
	{"called-number", scoreCalled}, {"from-user", scoreCaller},
	{"shared-address", scoreChain}, {"begins-inside", scoreNested}, {"answered-together", scoreAnswer}, {"ended-together", scoreEnd},
	{"same-host", scoreHost}, {"refused-together", scoreRefusal}, {"answered-elsewhere", scoreElsewhere},
	{"cancelled-together", scoreGivenUp},
}

// strong are the traits that say so by themselves, whatever the addresses.
const strong = sameSessionID | namesCallID | callIDAffix | sameName | tagAffix | sameOrigin | sameMedia | replaces

// byItself are those that need nothing of what convinces asks for beside the score.
const byItself = sameSessionID | namesCallID | callIDAffix | replaces

func (t trait) score() int      { return scoreOf(traits, uint(t)) }
func (t trait) names() []string { return namesOf(traits, uint(t)) }

// A candidate is an earlier leg that a later one may belong to.
type candidate struct {
	earlier, later *Leg
	t              trait
	beyond         bool
}

// A pair is a candidate that waits for the end of both legs.
type pair struct {
	earlier, later int32 // by their order
	t              trait
	beyond         bool // chained by a further hop of the earlier one
}

// An ending is what a candidate needs to know of a leg at the end.
type ending struct {
	answered, ended     time.Time
	source, destination netip.AddrPort
	moved               bool             // what came first was of a further hop
	answers             []netip.AddrPort // where the called side wants its media
	refused             int              // its final response where it failed, 0 otherwise
	elsewhere           bool             // it was cancelled since another one was answered
	cancelled           bool             // … or since the caller gave up
	silent              bool             // see liveLeg.neverHeard
	by                  Party            // who ended it
}

// answersOf returns where the called side of a leg wants its media.
func answersOf(l *Leg) (list []netip.AddrPort) {
	if l.Media == nil {
		return nil
	}
	for i := range l.Media.Endpoints {
		if e := &l.Media.Endpoints[i]; e.Side == Callee {
			list = append(list, e.Addr)
		}
	}
	return list
}

// differ reports whether two legs have answers, and none in common: who passes on the offer of another, so
// that media go directly, passes on the answer as well.
func differ(a, b *ending) bool {
	return len(a.answers) > 0 && len(b.answers) > 0 && !slices.ContainsFunc(a.answers, func(x netip.AddrPort) bool { return slices.Contains(b.answers, x) })
}

// endingOf returns the ending of a leg.
//
//go:noinline
func (j *joiner) endingOf(leg int32, legs *legStore) ending {
	e := j.ends[leg]
	if l := legs.legs[leg]; l != nil { // late messages may have changed it
		e.answered, e.ended, e.by = l.Answered, l.Ended, l.EndedBy
	}
	return e
}

// A joiner finds legs that are one call.
type joiner struct {
	table      keyTable // the legs that are followed, by their keys
	invited    int64    // how many legs had a first INVITE
	candidates []pair
	ends       map[int32]ending // of the legs of candidates that are finished
	tops       map[int]int      // an earlier leg of the same call, for all but the first
	phones     phoneBook
	keys       []joinKey // of the leg that is looked at
}

// A joinKey is one thing that other legs may have in common with one.
type joinKey struct {
	sum   uint64
	t     trait
	looks bool // look for others
	keeps bool // let others find it
}

// invite takes in the first INVITE of a leg: earlier legs that have something in common
// with it become candidates.
func (j *joiner) invite(t *tracker, v *liveLeg, x *seen) {
	j.invited++
	v.joined = j.invited
	j.keys = appendKeys(j.keys[:0], t.seed, j.phones.whose, x.s)
	var found [maxCandidates]candidate
	list := found[:0]
	var room [maxSharing]*liveLeg
	for _, k := range j.keys {
		if !k.looks {
			continue
		}
		for _, other := range j.table.legs(k.sum, room[:0]) {
			if other != v {
				list = addTrait(list, other.leg, v.leg, k.t)
			}
		}
	}
	for _, c := range list {
		if c.plausible(x) {
			c.earlier.live.paired, v.paired = true, true
			j.candidates = append(j.candidates, pair{int32(c.earlier.order), int32(c.later.order), c.t, c.beyond})
		}
	}
	for _, k := range j.keys {
		if k.keeps && j.table.add(k.sum, v) {
			v.keys = append(v.keys, k.sum)
		}
	}
}

func addTrait(list []candidate, earlier, later *Leg, t trait) []candidate {
	for i := range list {
		if list[i].earlier == earlier {
			list[i].t |= t
			return list
		}
	}
	if len(list) == maxCandidates {
		return list
	}
	return append(list, candidate{earlier: earlier, later: later, t: t})
}

// finished forgets the keys of a leg, and notes its ending where a candidate asks for it.
func (j *joiner) finished(v *liveLeg) {
	if v.paired {
		if j.ends == nil {
			j.ends = make(map[int32]ending)
		}
		l, refused := v.leg, 0
		if l.State == StateFailed {
			refused = l.FinalStatus
		}
		j.ends[int32(l.order)] = ending{
			answered: l.Answered, ended: l.Ended, source: l.Source, destination: l.Destination, moved: v.moved,
			answers: answersOf(l), refused: refused, elsewhere: l.AnsweredElsewhere(), by: l.EndedBy,
			cancelled: l.State == StateCancelled && l.EndedBy == Caller,
			silent:    v.neverHeard(),
		}
	}
	for _, sum := range v.keys {
		j.table.remove(sum, v)
	}
	v.keys = v.keys[:0]
}

// neverHeard reports whether the INVITE of a leg was repeated and nothing came back, not to a CANCEL either.
func (v *liveLeg) neverHeard() (is bool) {
	for i := range v.trans {
		tr := &v.trans[i]
		if tr.status != 0 || tr.provisional != never {
			return false
		}
		is = is || tr.method == "INVITE" && tr.requests >= silentCopies
	}
	return is
}

// plausible completes the traits of a candidate that need no more than the beginning of
// both legs, and reports whether it may come to anything.
func (c *candidate) plausible(x *seen) bool {
	a, b := c.earlier, c.later
	if a.live.over { // the earlier one has ended: it is another call
		return false
	}
	if a.Destination == b.Source || a.Source.Addr() != b.Source.Addr() && comesFrom(x, a.Destination.Addr()) {
		c.t |= chained
	} else if c.beyond = a.reached(b.Source); c.beyond {
		c.t |= chained
	}
	if !a.live.answered() {
		c.t |= nested
	}
	if siblings(a.Source, a.Destination, b.Source, b.Destination) {
		c.t &^= ofCaller
	}
	if c.t&sameUsers != 0 { // which says so
		c.t &^= sameCalled
	}
	if c.t&strong != 0 {
		return true
	}
	window := joinWindow
	if c.t&chained != 0 && !a.Ringing.IsZero() {
		window = forwardWindow
	}
	return c.t&nested != 0 && (c.t&chained != 0 || strangers(a, b)) && !x.now.IsZero() && !a.Begin.IsZero() && x.now.Sub(a.Begin) < window
}

// reached reports whether a leg was passed on to an address: a back-to-back user agent may stand behind a proxy.
func (l *Leg) reached(to netip.AddrPort) bool {
	for i := range l.Hops {
		if at := l.Hops[i].B.Addr(); i > 0 && at == to.Addr() && at != l.Source.Addr() {
			return true
		}
	}
	return false
}

// again looks again where two legs came from, one of which was seen on a further hop first.
func (c *pair) again(a, b *ending) {
	if siblings(a.source, a.destination, b.source, b.destination) {
		c.t &^= ofCaller
	}
	if from := b.source.Addr(); !c.beyond && b.source != a.destination && (from == a.source.Addr() || from != a.destination.Addr()) {
		c.t &^= chained
	}
}

// comesFrom reports whether an INVITE was made by the host at an address: it was sent from
// there, or its Via, Contact or Call-ID names it. Gateways have several addresses.
func comesFrom(x *seen, at netip.Addr) bool {
	if x.m.Src.Addr() == at {
		return true
	}
	if via, ok := x.s.TopVia(); ok {
		if a, ok := via.HostAddr(); ok && a == at {
			return true
		}
	}
	if v, ok := x.s.First(sipmsg.Contact); ok {
		u := sipmsg.ParseURI(sipmsg.ParseAddress(v).URI)
		if a, ok := u.Addr(); ok && a == at {
			return true
		}
	}
	_, host, _ := bytes.Cut(x.id, []byte("@"))
	a, err := netip.ParseAddr(string(capped(host, 64)))
	return err == nil && a == at
}

// siblings reports whether two legs are calls of one caller, and not one passed on.
func siblings(from, to, from2, to2 netip.AddrPort) bool {
	return from == from2 || from.Addr() == from2.Addr() && to == to2
}

// ofCaller are the traits that say nothing of siblings: a caller with many calls at once may describe them all
// alike.
const ofCaller = sameName | tagAffix | sameOrigin | sameMedia | sameUsers | sameCalled | sameCaller

// strangers reports whether two legs have no host in common.
func strangers(a, b *Leg) bool {
	as, ad, bs, bd := a.Source.Addr(), a.Destination.Addr(), b.Source.Addr(), b.Destination.Addr()
	return as != bs && as != bd && ad != bs && ad != bd
}

// convinces reports whether a pair has enough in common. Users, descriptions and times
// say little by themselves: many calls at once may have them. The later leg has to come from
// the host that the earlier one went to, or both have to be answered and to end together; where neither
// has ended they have to have a tag in common. That both
// were refused alike is not enough by itself: whoever tries one number at many servers has that.
func (c *pair) convinces() bool {
	all := func(t trait) bool { return c.t&t == t }
	return c.t.score() >= joinScore && (c.t&(byItself|chained|sameHost) != 0 || all(answeredTogether|endedTogether) || all(answeredTogether|neitherEnded|tagAffix))
}

// A hostPair is two addresses.
type hostPair [2]netip.Addr

// between returns the addresses at which the earlier leg of a pair ended and the later one began, the smaller one first.
func (c *pair) between(a, b *ending) hostPair {
	from, to := a.destination.Addr(), b.source.Addr()
	if to.Less(from) {
		from, to = to, from
	}
	return hostPair{from, to}
}

// sameHosts finds gateways with an address on either side: those between two legs of a call that say so, or that
// are answered and end together. Of calls that are refused nothing else tells which came of which.
func (j *joiner) sameHosts(legs *legStore) {
	shown := make(map[hostPair]int)
	for list := range j.perLeg() {
		c := j.bestOf(list)
		if c == nil || c.t&chained != 0 {
			continue
		}
		a, b := j.endingOf(c.earlier, legs), j.endingOf(c.later, legs)
		if hosts := c.between(&a, &b); hosts[0] != hosts[1] {
			if shown[hosts]++; c.t&byItself != 0 {
				shown[hosts] += provenHost
			}
		}
	}
	for i := range j.candidates {
		c := &j.candidates[i]
		if c.t&chained != 0 || len(shown) == 0 {
			continue
		}
		a, b := j.endingOf(c.earlier, legs), j.endingOf(c.later, legs)
		if shown[c.between(&a, &b)] >= provenHost {
			c.t |= sameHost
		}
	}
}

// perLeg iterates over the candidates of one later leg after the other.
func (j *joiner) perLeg() iter.Seq[[]pair] {
	return func(yield func([]pair) bool) {
		for rest := j.candidates; len(rest) > 0; {
			n := 1
			for n < len(rest) && rest[n].later == rest[0].later {
				n++
			}
			if !yield(rest[:n]) {
				return
			}
			rest = rest[n:]
		}
	}
}

// A keyList is the keys of one leg in the making.
type keyList struct {
	seed maphash.Seed
	keys []joinKey
}

// A role tells keys of one trait apart by what their text is to the leg: those that look for one
// role are kept under it by the others.
type role uint64

const (
	itself role = iota // the text alone
	whole              // a Call-ID, or a tag
	named              // what somebody calls its Call-ID by
	part               // a part of it
)

// add adds a key for a text.
func (k *keyList) add(t trait, looks, keeps bool, as role, text []byte) {
	k.put(t, looks, keeps, as, maphash.Bytes(k.seed, text))
}

// put adds a key for the hash of whatever it is about.
func (k *keyList) put(t trait, looks, keeps bool, as role, hash uint64) {
	if len(k.keys) < maxKeys {
		k.keys = append(k.keys, joinKey{mix(mix(uint64(t), uint64(as)), hash), t, looks, keeps})
	}
}

// hash returns a hash of texts that say something together.
func (k *keyList) hash(a, b []byte) uint64 {
	return mix(maphash.Bytes(k.seed, a), maphash.Bytes(k.seed, b))
}

// appendKeys lists what a leg may have in common with others.
func appendKeys(keys []joinKey, seed maphash.Seed, phones map[uint64]uint64, s *sipmsg.Message) []joinKey {
	k := keyList{seed, keys}
	id, _ := s.First(sipmsg.CallID)
	id = unfolded(id)
	// Header fields that name another Call-ID meet the Call-ID itself, whichever
	// comes first.
	k.add(namesCallID, false, true, whole, id)
	k.add(namesCallID, true, false, named, id)
	for f := range s.Fields() {
		switch {
		case f.ID == sipmsg.Other && namesCallIDField(f.Name):
			if v := bytes.TrimSpace(unfolded(f.Value)); len(v) >= 4 && !bytes.Equal(v, id) {
				k.add(namesCallID, true, false, whole, v)
				k.add(namesCallID, false, true, named, v)
				k.add(sameName, true, true, itself, v)
			}
		case f.ID == sipmsg.Replaces || f.ID == sipmsg.InReplyTo:
			other, _, _ := bytes.Cut(f.Value, []byte(";"))
			other = bytes.TrimSpace(other)
			k.add(replaces, true, false, whole, other)
			k.add(replaces, false, true, named, other)
		case f.ID == sipmsg.SessionID:
			for _, uuid := range sessionUUIDs(f.Value) {
				if uuid != nil {
					k.add(sameSessionID, true, true, itself, uuid)
				}
			}
		}
	}
	k.add(replaces, false, true, whole, id)
	k.add(replaces, true, false, named, id)
	k.affixes(callIDAffix, id, minAffix)
	k.affixes(tagAffix, s.Tag(sipmsg.From), minTag)
	from := userKey(s, sipmsg.From)
	if from != nil {
		k.add(sameCaller, true, true, itself, from)
	}
	for _, to := range [...][]byte{userKey(s, sipmsg.To), userOf(s.RequestURI)} {
		if from != nil && to != nil {
			k.put(sameUsers, true, true, itself, k.hash(from, to))
		}
		if len(to) >= 7 && isDigits(to) {
			k.add(sameCalled, true, true, itself, to)
		}
	}
	if from != nil && len(phones) > 0 {
		phone := maphash.Bytes(seed, userOf(s.RequestURI))
		if to := phones[phone]; to != 0 && to != phone {
			k.put(sameUsers, true, true, itself, mix(maphash.Bytes(seed, from), to))
		}
	}
	k.description(s)
	return k.keys
}

// A phoneBook says of the users of registered contacts, which many phones make up, whose they are: the hash of the user of the
// address-of-record, which may be the same one, or 0 where they are of several.
type phoneBook struct {
	whose map[uint64]uint64
	asked [1 << 8]askedContact // by the number of their Call-ID
}

// An askedContact is the Contact of a late REGISTER: some registrars list none. It is kept as it stands there, since few need it.
type askedContact struct {
	call    int
	contact []byte
}

// maxPhones bounds what a phoneBook knows, maxAsked the length of a Contact that it keeps.
const (
	maxPhones = 1 << 16
	maxAsked  = 512
)

// asks takes in a REGISTER.
func (b *phoneBook) asks(x *seen) {
	if contact, _ := x.s.First(sipmsg.Contact); x.call >= 0 && len(contact) <= maxAsked {
		a := &b.asked[x.call%len(b.asked)]
		a.call, a.contact = x.call, append(a.contact[:0], contact...)
	}
}

// add takes in a 2xx to a REGISTER: the contacts that it lists are those of its address-of-record (RFC 3261, section 10.3).
func (b *phoneBook) add(seed maphash.Seed, x *seen) {
	to, _ := x.s.First(sipmsg.To)
	owner := userOf(sipmsg.ParseAddress(to).URI)
	if owner == nil {
		return
	}
	is := maphash.Bytes(seed, owner)
	for v := range x.s.Values(sipmsg.Contact) {
		b.put(seed, v, is)
	}
	if x.call >= 0 && !x.s.Has(sipmsg.Contact) {
		if a := &b.asked[x.call%len(b.asked)]; a.call == x.call {
			b.put(seed, a.contact, is)
		}
	}
}

// put takes in whose a contact is.
func (b *phoneBook) put(seed maphash.Seed, contact []byte, is uint64) {
	user := userOf(sipmsg.ParseAddress(contact).URI)
	if user == nil {
		return
	}
	if b.whose == nil {
		b.whose = make(map[uint64]uint64)
	}
	phone := maphash.Bytes(seed, user)
	switch was, ok := b.whose[phone]; {
	case !ok && len(b.whose) < maxPhones:
		b.whose[phone] = is
	case ok && was != is:
		b.whose[phone] = 0
	}
}

// affixes adds what finds a Call-ID or tag that is a part of this one, and the other way
// round: b2b-abc@host and abc@host-1 are abc@host with an affix. Parts are never compared
// with parts: many Call-IDs begin with the date or end with a host.
func (k *keyList) affixes(t trait, id []byte, least int) {
	if len(id) < least {
		return
	}
	k.add(t, t == tagAffix, true, whole, id)
	k.add(t, true, false, part, id)
	cuts := 0
	for i := len(id) - 1; i >= least && cuts < 3; i-- {
		if isCut(id[i]) {
			k.part(t, id[:i])
			cuts++
		}
	}
	cuts = 0
	for i := 0; i < len(id)-least && cuts < 3; i++ {
		if isCut(id[i]) {
			k.part(t, id[i+1:])
			cuts++
		}
	}
}

// part adds a part of a Call-ID or tag: it looks for what that is all of, and is found by it.
func (k *keyList) part(t trait, text []byte) {
	hash := maphash.Bytes(k.seed, text)
	k.put(t, true, false, whole, hash)
	k.put(t, false, true, part, hash)
}

func isCut(c byte) bool {
	return c == '-' || c == '_' || c == '.' || c == '~' || c == ';' || c == ':' || c == '@'
}

// namesCallIDField reports whether a header field that is not registered names another
// Call-ID, as X-Call-ID, X-CID and P-Orig-Call-ID do.
func namesCallIDField(name []byte) bool {
	if len(name) < 4 || len(name) > 40 || (name[0]|0x20 != 'x' && name[0]|0x20 != 'p') || name[1] != '-' {
		return false
	}
	lower := bytes.ToLower(name)
	return bytes.HasSuffix(lower, []byte("call-id")) || bytes.HasSuffix(lower, []byte("callid")) || bytes.HasSuffix(lower, []byte("x-cid"))
}

// sessionUUIDs returns the UUIDs of a Session-ID header field that are not null:
// RFC 7989, section 5.
func sessionUUIDs(v []byte) (uuids [2][]byte) {
	i := bytes.IndexByte(v, ';')
	local, params := v, sipmsg.Params(nil)
	if i >= 0 {
		local, params = v[:i], sipmsg.Params(v[i:])
	}
	remote, _ := params.Get("remote")
	for i, u := range [][]byte{bytes.TrimSpace(local), remote} {
		if len(u) == 32 && len(bytes.Trim(u, "0")) > 0 {
			uuids[i] = u
		}
	}
	return uuids
}

// userKey returns the user of From or To as userOf does.
func userKey(s *sipmsg.Message, id sipmsg.ID) []byte {
	v, ok := s.First(id)
	if !ok {
		return nil
	}
	return userOf(sipmsg.ParseAddress(v).URI)
}

// userOf returns the user of a URI fit for comparing: telephone numbers without what is
// dialled in front of them. It is nil where the user says nothing.
func userOf(uri []byte) []byte {
	u := sipmsg.ParseURI(uri)
	user := u.User
	if i := bytes.IndexByte(user, ';'); i >= 0 {
		user = user[:i]
	}
	if isNobody(user) {
		return nil
	}
	if digits := bytes.TrimLeft(user, "+0"); len(digits) >= 7 && isDigits(digits) {
		return digits[max(0, len(digits)-9):]
	}
	return user
}

// nobodies are users that many callers have.
var nobodies = [...]string{"", "anonymous", "unknown", "unavailable", "restricted", "asterisk", "sipp", "service", "ping"}

func isNobody(user []byte) bool {
	for _, n := range nobodies {
		if equalFold(user, n) {
			return true
		}
	}
	return false
}

func isDigits(b []byte) bool {
	for _, c := range b {
		if c < '0' || c > '9' {
			return false
		}
	}
	return len(b) > 0
}

// description adds the origin of a session description, and where its first medium goes: what
// says nothing of use is left out.
func (k *keyList) description(s *sipmsg.Message) {
	body := s.Body
	if len(body) < 10 || body[0] != 'v' && !bytes.Contains(capped(body, 4096), []byte("\nv=0")) {
		return
	}
	var o, c, m []byte
	for len(body) > 0 && (c == nil || m == nil || o == nil) {
		var line []byte
		line, body, _ = bytes.Cut(body, []byte("\n"))
		line = bytes.TrimRight(line, "\r")
		switch {
		case bytes.HasPrefix(line, []byte("o=")) && o == nil:
			o = line[2:]
		case bytes.HasPrefix(line, []byte("c=")):
			c = line[2:]
		case bytes.HasPrefix(line, []byte("m=")) && m == nil:
			_, m = word(line)
			m, _ = word(m)
		}
	}
	if sum, ok := k.origin(o); ok {
		k.put(sameOrigin, true, true, itself, sum)
	}
	if c != nil && len(m) >= 2 && !bytes.HasSuffix(c, []byte(" 0.0.0.0")) {
		k.put(sameMedia, true, true, itself, k.hash(c, m))
	}
}

// word cuts off the first word of a line and the white space in front of it.
func word(line []byte) (word, rest []byte) {
	isBlank := func(i int) bool { return line[i] == ' ' || line[i] == '\t' }
	start := 0
	for start < len(line) && isBlank(start) {
		start++
	}
	end := start
	for end < len(line) && !isBlank(end) {
		end++
	}
	return line[start:end], line[end:]
}

// origin returns a hash of an origin without the version, which is unique by RFC 8866, section
// 5.2: user, session id and address. ok is false where the session id is too short for that, or
// one that a test tool is known to use for all its calls.
func (k *keyList) origin(o []byte) (sum uint64, ok bool) {
	user, rest, ok := bytes.Cut(o, []byte(" "))
	id, rest, ok2 := bytes.Cut(rest, []byte(" "))
	_, address, ok3 := bytes.Cut(rest, []byte(" "))
	if !ok || !ok2 || !ok3 || len(id) < 6 || len(o) > maxKept || string(id) == "53655765" || string(id) == "2890844526" {
		return 0, false
	}
	return mix(k.hash(user, id), maphash.Bytes(k.seed, address)), true
}

// join joins the legs of all candidates that have enough in common, once all legs are
// finished.
func (j *joiner) join(legs *legStore) {
	j.tops = make(map[int]int)
	legs.joins = make(map[int][]Join)
	for i := range j.candidates {
		c := &j.candidates[i]
		a, b := j.endingOf(c.earlier, legs), j.endingOf(c.later, legs)
		if d := a.answered.Sub(b.answered); !a.answered.IsZero() && !b.answered.IsZero() && d >= 0 && d < together {
			c.t |= answeredTogether
		}
		if d := a.ended.Sub(b.ended); !a.ended.IsZero() && !b.ended.IsZero() && d.Abs() < together {
			c.t |= endedTogether
		}
		if a.ended.IsZero() && b.ended.IsZero() {
			c.t |= neitherEnded
		}
		if d := a.ended.Sub(b.ended); a.refused != 0 && a.refused == b.refused && c.t&endedTogether != 0 && d >= 0 {
			c.t |= refusedTogether
		}
		if a.cancelled && b.cancelled && c.t&endedTogether != 0 {
			c.t |= givenUpTogether
		}
		if b.elsewhere && !a.answered.IsZero() && !b.ended.IsZero() && b.ended.Sub(a.answered).Abs() < together {
			c.t |= elsewhere
		}
		if a.moved || b.moved {
			c.again(&a, &b)
		}
		if differ(&a, &b) {
			c.t &^= sameMedia
		}
	}
	j.sameHosts(legs)
	var united []*pair
	for list := range j.perLeg() {
		if best := j.bestOf(list); best != nil {
			j.unite(best, legs)
			united = append(united, best)
		}
	}
	legs.endedBy = j.endedBy(united, legs)
	j.candidates, j.ends = nil, nil
}

// endedBy returns who ended the legs, by their order, that look as if the called side had: the Server where a back-to-back user
// agent did by itself: it hung up on the called side as well, or gave up calling it, or that went on or was never heard. The pairs are in the order
// of their later legs: those of the called side come last, and are looked at first.
func (j *joiner) endedBy(united []*pair, legs *legStore) map[int]Party {
	by := make(map[int]Party)
	for i := len(united) - 1; i >= 0; i-- {
		c := united[i]
		a, b := j.endingOf(c.earlier, legs), j.endingOf(c.later, legs)
		if by[int(c.later)] == Server {
			b.by = Server
		}
		if a.by != Callee || a.refused == 487 || b.by == NoParty && !b.silent || a.answered.IsZero() != b.answered.IsZero() {
			continue
		}
		if a.source.Addr() == b.source.Addr() { // it called either: who is called first may hang up, and the other one is hung up on
			continue
		}
		switch d := b.ended.Sub(a.ended); {
		case b.silent: // nobody but the server was there to refuse
			if by[int(c.earlier)] == NoParty {
				by[int(c.earlier)] = Server
			}
		case d < -together && !a.answered.IsZero(): // transferred long before
		case b.by == Callee && d <= together:
			by[int(c.earlier)] = Callee
		case by[int(c.earlier)] == NoParty && d >= -together:
			by[int(c.earlier)] = Server
		}
	}
	return by
}

// unite makes one call of two legs. What tells which leg is the later one is its INVITE; the
// call begins with the leg whose first message, of whatever kind, came first.
func (j *joiner) unite(c *pair, legs *legStore) {
	with := c.earlier
	top, other := j.first(int(c.earlier)), j.first(int(c.later))
	if top == other {
		return
	}
	if other < top {
		with = c.later
		top, other = other, top
	}
	j.tops[other] = top
	legs.joins[other] = []Join{{With: legs.callID(int(with)), Score: c.t.score(), Reason: c.t.names()}}
}

// bestOf returns the pair with the highest score, nil if none is enough or two
// different calls have the same.
func (j *joiner) bestOf(list []pair) (best *pair) {
	tie := false
	for i := range list {
		c := &list[i]
		if !c.convinces() {
			continue
		}
		switch {
		case best == nil || c.t.score() > best.t.score():
			best, tie = c, false
		case c.t.score() == best.t.score() && j.first(int(c.earlier)) != j.first(int(best.earlier)):
			tie = true
		}
	}
	if tie {
		return nil
	}
	return best
}

// first returns the first leg of the call that a leg belongs to. The legs on the way know it afterwards: who asks for
// all legs of a long call goes each way once.
func (j *joiner) first(leg int) int {
	top := leg
	for next, ok := j.tops[top]; ok; next, ok = j.tops[top] {
		top = next
	}
	for leg != top {
		leg, j.tops[leg] = j.tops[leg], top
	}
	return top
}

// calls makes calls of all legs.
func (t *tracker) calls() CallList {
	s := t.legs
	t.joiner.join(s)
	c := CallList{legs: s, until: t.now}
	for i := range s.len() {
		top := t.joiner.first(i)
		if top == i {
			c.first = append(c.first, int32(i))
			s.calls = append(s.calls, int32(len(c.first)))
			continue
		}
		id := s.calls[top] // its first leg began earlier
		s.calls = append(s.calls, id)
		if c.more == nil {
			c.more = make(map[int32][]int32)
		}
		c.more[id] = append(c.more[id], int32(i))
	}
	for _, l := range s.legs {
		if l != nil {
			s.tell(l)
		}
	}
	if c.linked(t.linker.links(&c)) {
		t.linker.over = true
	}
	return c
}
