package analysis

import (
	"bytes"
	"cmp"
	"hash/maphash"
	"net/netip"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/sipsight/sipsight/sipmsg"
)

// Calls that a transfer, or a Replaces, ties together stay calls of their own: each has its
// state and its times. What ties them is a Link, if what speaks for it comes to linkScore.
// docs/calls.md has the table.
const (
	linkScore = 100

	scoreDialog       = 100 // Replaces names Call-ID and tags of a dialog of the other call
	scoreSameReplaces = 100 // the INVITE has the Replaces that the REFER asks for
	scoreTarget       = 50  // the Request-URI or To of the INVITE is the target of the REFER, or has its user where that is one of who got the REFER
	scoreTargetUser   = 30  // … the user of it alone
	scoreReferredBy   = 50  // Referred-By of the INVITE names who sent the REFER
	scoreReferee      = 30  // the host that got the REFER made the INVITE
	scoreTransferee   = 20  // From of the INVITE is the user who got the REFER

	// linkWindow is how long after a REFER the INVITE may come that it asks for.
	linkWindow = timerTimeout

	// maxReferrals bounds the REFERs that an INVITE is waited for at once, maxAlike those
	// that are alike, maxLinks what ties calls together, and maxCallLinks what ties one to
	// others.
	maxReferrals = 1024
	maxAlike     = 8
	maxLinks     = 1 << 15
	maxCallLinks = 64

	// maxLinked bounds the calls that Linked returns.
	maxLinked = 8
)

// A linkTrait is one thing that speaks for a Link.
type linkTrait uint8

const (
	referReplaces linkTrait = 1 << iota
	inviteReplaces
	sameTarget
	sameTargetUser
	sameReplaces
	referredBy
	fromReferee
	fromTransferee
)

var linkTraits = []scored{
	{"refer-to-replaces", scoreDialog}, {"replaces", scoreDialog}, {"refer-to", scoreTarget}, {"refer-to-user", scoreTargetUser},
	{"same-replaces", scoreSameReplaces}, {"referred-by", scoreReferredBy}, {"from-referee", scoreReferee}, {"from-transferee", scoreTransferee},
}

func (t linkTrait) score() int      { return scoreOf(linkTraits, uint(t)) }
func (t linkTrait) names() []string { return namesOf(linkTraits, uint(t)) }

// A Link ties two calls together.
type Link struct {
	Kind   LinkKind
	From   int      // ID of the call with the REFER, or which another one takes the place of; 0 for a REFER of no call
	To     int      // ID of the call that came of it, or that a REFER speaks of
	Refer  Frame    // the REFER; the zero Frame for Replaced
	Invite Frame    // the first message of the leg of To that it is about
	Score  int      // the sum of what these weigh, from 100 on: docs/calls.md has the table
	Reason []string // names of what speaks for it
}

// A LinkKind says what ties two calls together.
type LinkKind uint8

// The kinds.
const (
	Transferred LinkKind = iota // a REFER in From asked for the call To
	Consulted                   // a REFER in From asked for what takes the place of the call To
	Replaced                    // an INVITE of To takes the place of From: RFC 3891
)

// String returns a word for the kind.
func (k LinkKind) String() string {
	return [...]string{"transfer", "consultation", "replacement", ""}[min(k, 3)]
}

// A referral is a REFER that an INVITE is waited for.
type referral struct {
	leg      int32  // by its order; -1 for none
	transfer int    // index into its Transfers, -1 for a REFER outside of calls …
	sum      uint64 // … of which this is the hash of Call-ID and CSeq number
	frame    Frame
	at       time.Time
	keys     []string // what it is found by
	user     string   // of its target, "" for none
	target   string
	its      bool       // the target is at the host of its To: who gets it may know another address of that user
	replaces string     // the Call-ID that it asks to replace, "" for none
	by       []string   // URIs of who sent it
	referee  netip.Addr // where its last hop went to
	to       string     // the user there
}

// A tie is what may become a Link.
type tie struct {
	kind     LinkKind
	from, to int32 // legs by their order; from is -1 for none
	transfer int   // index into the Transfers of from; -1 for none
	refer    Frame // the REFER, where it is of no Transfer
	frame    Frame // the first message of to
	t        linkTrait
}

// A linker finds what ties calls together.
type linker struct {
	referrals []*referral // those that are waited for, in the order of time
	byKey     map[string][]*referral
	ties      []tie
	over      bool
}

//go:noinline
func (k *linker) add(x tie) {
	if len(k.ties) == maxLinks {
		k.over = true
		return
	}
	k.ties = append(k.ties, x)
}

// refer takes in a REFER of a leg, on whatever hop: transfer i of it.
func (k *linker) refer(t *tracker, v *liveLeg, x *seen, i int) {
	if i < 0 || x.now.IsZero() {
		return
	}
	k.expire(x.now)
	for _, r := range k.referrals {
		if r.leg == int32(v.leg.order) && r.transfer == i { // the next hop, or again with credentials
			r.referee, r.at = x.m.Dst.Addr(), x.now
			return
		}
	}
	k.await(t, x, &referral{leg: int32(v.leg.order), transfer: i})
}

// await begins to wait for the INVITE of a REFER, unless it asks for something else.
func (k *linker) await(t *tracker, x *seen, r *referral) {
	value, _ := x.s.First(sipmsg.ReferTo)
	to := sipmsg.ParseReferTo(value)
	if string(to.Method()) != "INVITE" {
		return
	}
	r.at, r.user, r.target, r.frame = x.now, keptUser(userOf(to.URI)), targetOf(to.URI), x.frame
	r.referee, r.to = x.m.Dst.Addr(), keptUser(userKey(x.s, sipmsg.To))
	r.its = hostOf(targetIn(x.s, sipmsg.To)) == hostOf(r.target)
	var buf [256]byte
	if b, ok := to.AppendReplaces(buf[:0]); ok {
		d := sipmsg.ParseReplaces(b)
		r.replaces = replacedID(&d)
		if leg := t.legOfDialog(&d); leg >= 0 && r.leg >= 0 {
			k.add(tie{Consulted, r.leg, int32(leg), r.transfer, x.frame, t.legs.at(leg).First, referReplaces})
		}
	}
	for _, id := range []sipmsg.ID{sipmsg.ReferredBy, sipmsg.From} {
		if uri := targetIn(x.s, id); uri != "" && !slices.Contains(r.by, uri) {
			r.by = append(r.by, uri)
		}
	}
	k.wait(r)
}

// outside takes in a REFER that is of no call, on whatever hop, or a response to one. Target-Dialog may say
// which call it is about: RFC 4538.
func (k *linker) outside(t *tracker, x *seen) {
	if x.now.IsZero() {
		return
	}
	k.expire(x.now)
	sum := mix(maphash.Bytes(t.seed, x.id), uint64(x.cseq))
	known := slices.IndexFunc(k.referrals, func(r *referral) bool { return r.transfer < 0 && r.sum == sum })
	switch {
	case !x.s.IsRequest():
		if known >= 0 && x.s.StatusCode >= 300 {
			k.drop(known)
		}
	case known >= 0: // the next hop
		k.referrals[known].referee = x.m.Dst.Addr()
	default:
		r := &referral{leg: -1, transfer: -1, sum: sum}
		if v, ok := x.s.First(sipmsg.TargetDialog); ok {
			d := sipmsg.ParseReplaces(v)
			r.leg = int32(t.legOfDialog(&d))
		}
		k.await(t, x, r)
	}
}

// wait begins to wait for the INVITE of a REFER.
func (k *linker) wait(r *referral) {
	if k.byKey == nil {
		k.byKey = make(map[string][]*referral)
	}
	if len(k.referrals) == maxReferrals {
		k.drop(0)
	}
	k.referrals = append(k.referrals, r)
	r.keys = appendKey(appendKey(nil, "user ", r.user), "replaces ", r.replaces)
	for _, uri := range r.by {
		r.keys = appendKey(r.keys, "by ", uri)
	}
	for _, key := range r.keys {
		list := k.byKey[key]
		if len(list) == maxAlike {
			list = slices.Delete(list, 0, 1)
		}
		k.byKey[key] = append(list, r)
	}
}

// appendKey appends a key of one kind, unless it says nothing.
func appendKey(keys []string, kind, value string) []string {
	if value == "" {
		return keys
	}
	return append(keys, kind+value)
}

// expire forgets the REFERs of which nothing is to be expected any more.
func (k *linker) expire(now time.Time) {
	for len(k.referrals) > 0 && now.Sub(k.referrals[0].at) > linkWindow {
		k.drop(0)
	}
}

// drop forgets a REFER.
func (k *linker) drop(i int) {
	r := k.referrals[i]
	k.referrals = slices.Delete(k.referrals, i, i+1)
	for _, key := range r.keys {
		list := k.byKey[key]
		if i := slices.Index(list, r); i >= 0 {
			list = slices.Delete(list, i, i+1)
		}
		if len(list) == 0 {
			delete(k.byKey, key)
		} else {
			k.byKey[key] = list
		}
	}
}

// invite takes in the first INVITE of a leg.
func (k *linker) invite(t *tracker, v *liveLeg, x *seen) {
	value, replaces := x.s.First(sipmsg.Replaces)
	if !replaces && len(k.referrals) == 0 {
		return
	}
	l := v.leg
	n := asking{source: x.m.Src.Addr(), first: x.s.NumValues(sipmsg.Via) == 1, from: keptUser(userKey(x.s, sipmsg.From)), by: targetIn(x.s, sipmsg.ReferredBy)}
	if replaces {
		d := sipmsg.ParseReplaces(value)
		n.replaces = replacedID(&d)
		if leg := t.legOfDialog(&d); leg >= 0 && leg != l.order {
			k.add(tie{Replaced, int32(leg), int32(l.order), -1, Frame{}, l.First, inviteReplaces})
		}
	}
	if x.now.IsZero() {
		return
	}
	k.expire(x.now)
	to, _ := x.s.First(sipmsg.To)
	for i, uri := range [][]byte{x.s.RequestURI, sipmsg.ParseAddress(to).URI} {
		n.users[i], n.targets[i] = keptUser(userOf(uri)), targetOf(uri)
	}
	for _, r := range k.alike(&n) {
		if r.leg == int32(l.order) || x.now.Before(r.at) {
			continue
		}
		if traits := r.traits(&n); traits.score() >= linkScore {
			k.add(tie{Transferred, r.leg, int32(l.order), r.transfer, r.frame, l.First, traits})
		}
	}
}

// An asking is what the first INVITE of a leg says of a transfer.
type asking struct {
	users, targets [2]string // of Request-URI and To
	replaces       string
	by             string // Referred-By
	from           string
	source         netip.Addr
	first          bool // it is on its first hop
}

// alike returns the REFERs that have a key in common with an INVITE.
func (k *linker) alike(n *asking) (list []*referral) {
	keys := appendKey(appendKey(nil, "replaces ", n.replaces), "by ", n.by)
	for _, user := range n.users {
		keys = appendKey(keys, "user ", user)
	}
	for _, key := range keys {
		for _, r := range k.byKey[key] {
			if !slices.Contains(list, r) {
				list = append(list, r)
			}
		}
	}
	return list
}

// traits returns what speaks for an INVITE being the one that a REFER asks for.
func (r *referral) traits(n *asking) (t linkTrait) {
	for i, user := range n.users {
		switch {
		case user == "" || user != r.user:
		case n.targets[i] == r.target || r.its && n.by == "":
			t |= sameTarget
		default:
			t |= sameTargetUser
		}
	}
	if t&sameTarget != 0 { // which says so
		t &^= sameTargetUser
	}
	if n.replaces != "" && n.replaces == r.replaces {
		t |= sameReplaces
	}
	if n.by != "" && slices.Contains(r.by, n.by) {
		t |= referredBy
	}
	if n.first && n.source == r.referee { // else it passes it on
		t |= fromReferee
	}
	if n.from != "" && n.from == r.to {
		t |= fromTransferee
	}
	return t
}

// keptUser returns what is kept of a user that userOf gave.
func keptUser(user []byte) string { return string(capped(user, maxKept)) }

// targetIn returns the URI of a header field as targetOf does, "" for none.
func targetIn(s *sipmsg.Message, id sipmsg.ID) string {
	v, ok := s.First(id)
	if !ok {
		return ""
	}
	return targetOf(sipmsg.ParseAddress(v).URI)
}

// targetOf returns a URI in a form for comparing: without scheme, parameters and header
// fields, the host in lower case.
func targetOf(uri []byte) string {
	b := bare(uri)
	if i := bytes.IndexByte(b, ':'); i >= 0 {
		b = b[i+1:]
	}
	b = capped(b, maxKept)
	at := bytes.LastIndexByte(b, '@') + 1
	return string(b[:at]) + string(bytes.ToLower(b[at:]))
}

// hostOf returns the host of what targetOf returned, with a port that is not the usual one.
func hostOf(target string) string {
	return strings.TrimSuffix(target[strings.LastIndexByte(target, '@')+1:], ":5060")
}

// replacedID returns the Call-ID of a Replaces.
func replacedID(d *sipmsg.ReplacesValue) string {
	return string(nameOf(bytes.TrimSpace(d.CallID)))
}

// legOfDialog returns the leg with a dialog, by its order; -1 for none.
func (t *tracker) legOfDialog(d *sipmsg.ReplacesValue) int {
	leg := t.lastLeg(bytes.TrimSpace(d.CallID))
	if leg < 0 || len(d.FromTag) == 0 || len(d.ToTag) == 0 {
		return -1
	}
	from, to := string(d.FromTag), string(d.ToTag)
	for _, x := range t.legs.at(leg).Dialogs {
		if x.LocalTag == from && x.RemoteTag == to || x.LocalTag == to && x.RemoteTag == from {
			return leg
		}
	}
	return -1
}

// lastLeg returns the last leg of a Call-ID, -1 for none.
func (t *tracker) lastLeg(id []byte) int {
	id = nameOf(id)
	if n := t.callIDs.number(id); n >= 0 {
		if n < len(t.last) {
			return int(t.last[n]) - 1
		}
		return -1
	}
	return int(t.further[string(id)]) - 1
}

// links makes links of what ties calls together, in the order of the calls.
func (k *linker) links(c *CallList) []Link {
	k.referrals, k.byKey = nil, nil
	ties := slices.DeleteFunc(k.ties, func(x tie) bool { return !x.stands(c) })
	ties = undivided(clearest(ties, c), c)
	k.ties = nil
	var list []Link
	reasons := make(map[linkTrait][]string)
	for _, x := range ties {
		if reasons[x.t] == nil {
			reasons[x.t] = x.t.names()
		}
		l := Link{Kind: x.kind, From: int(c.callOf(x.from)), To: int(c.callOf(x.to)), Refer: x.refer, Invite: x.frame, Score: x.t.score(), Reason: reasons[x.t]}
		list = append(list, l)
	}
	sort.SliceStable(list, func(i, j int) bool {
		a, b := &list[i], &list[j]
		return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To), cmp.Compare(a.Kind, b.Kind), cmp.Compare(b.Score, a.Score)) < 0
	})
	kept := list[:0] // slices.CompactFunc is four times the code
	for i := range list {
		if n := len(kept); n == 0 || list[i].From != kept[n-1].From || list[i].To != kept[n-1].To || list[i].Kind != kept[n-1].Kind {
			kept = append(kept, list[i])
		}
	}
	return kept
}

// stands reports whether a tie is one between two calls, and not one that was refused. An
// INVITE that a call only passes on was asked for by whoever made the call.
func (x *tie) stands(c *CallList) bool {
	from, to := c.callOf(x.from), c.callOf(x.to)
	if from == to {
		return false
	}
	if x.kind != Transferred {
		return true
	}
	if x.transfer >= 0 && c.legs.at(int(x.from)).Transfers[x.transfer].Status >= 300 {
		return false
	}
	return c.first[to-1] == x.to
}

// callOf returns the ID of the call of a leg, 0 for -1.
func (c *CallList) callOf(leg int32) int32 {
	if leg < 0 {
		return 0
	}
	return c.legs.calls[leg]
}

// apart puts ties in order, and keeps what keep does of those that order takes for equal.
func apart(ties []tie, order func(a, b *tie) int, keep func([]tie) []tie) (kept []tie) {
	sort.SliceStable(ties, func(i, j int) bool { return order(&ties[i], &ties[j]) < 0 })
	for i := 0; i < len(ties); {
		n := i + 1
		for n < len(ties) && order(&ties[i], &ties[n]) == 0 {
			n++
		}
		kept = append(kept, keep(ties[i:n])...)
		i = n
	}
	return kept
}

// clearest keeps of the ties of each INVITE with REFERs the one with the highest score; none
// where REFERs of different calls are equally likely.
func clearest(ties []tie, c *CallList) []tie {
	order := func(a, b *tie) int { return cmp.Or(cmp.Compare(a.kind, b.kind), cmp.Compare(a.to, b.to)) }
	return apart(ties, order, func(list []tie) []tie {
		if list[0].kind != Transferred {
			return list
		}
		best := likeliest(list)
		for _, x := range best {
			if c.callOf(x.from) != c.callOf(best[0].from) || x.from < 0 && x.refer != best[0].refer {
				return nil
			}
		}
		return best
	})
}

// undivided keeps of the INVITEs that one REFER may have asked for the likeliest one; of
// several that are equally likely those of which each was made when the one before had
// failed, or none.
func undivided(ties []tie, c *CallList) []tie {
	order := func(a, b *tie) int {
		return cmp.Or(cmp.Compare(a.kind, b.kind), cmp.Compare(a.from, b.from), cmp.Compare(a.transfer, b.transfer),
			cmp.Compare(a.refer.File, b.refer.File), cmp.Compare(a.refer.Number, b.refer.Number))
	}
	return apart(ties, order, func(list []tie) []tie {
		if list[0].kind != Transferred {
			return list
		}
		best := likeliest(list)
		for i := range best[1:] {
			if !inTurn(c.legs.at(int(best[i].to)), c.legs.at(int(best[i+1].to))) {
				return nil
			}
		}
		return best
	})
}

// likeliest returns the ties with the highest score.
func likeliest(list []tie) (best []tie) {
	for _, x := range list {
		switch {
		case best == nil || x.t.score() > best[0].t.score():
			best = []tie{x}
		case x.t.score() == best[0].t.score():
			best = append(best, x)
		}
	}
	return best
}

// inTurn reports whether a leg began after an earlier one had failed.
func inTurn(a, b *Leg) bool {
	return a.State == StateFailed && !a.Ended.IsZero() && !b.Begin.Before(a.Ended)
}

// linked puts links where they are found. A link is kept with both of its calls, or with none.
func (c *CallList) linked(list []Link) (over bool) {
	if len(list) > 0 {
		c.linksOf = make(map[int][]Link)
	}
	for _, l := range list {
		if len(c.linksOf[l.From]) == maxCallLinks || len(c.linksOf[l.To]) == maxCallLinks {
			over = true
			continue
		}
		if l.From != 0 {
			c.linksOf[l.From] = append(c.linksOf[l.From], l)
		}
		c.linksOf[l.To] = append(c.linksOf[l.To], l)
	}
	return over
}

// Links returns what ties the call with an ID to others, in the order of their IDs.
func (c *CallList) Links(id int) []Link { return c.linksOf[id] }

// Linked returns the IDs of the calls that links tie together with one, directly or by way of
// others, in order, and the call itself among them: at most 8, the nearest ones. more reports
// whether there are others.
func (c *CallList) Linked(id int) (ids []int, more bool) {
	ids = []int{id}
	for i := 0; i < len(ids); i++ {
		for _, l := range c.Links(ids[i]) {
			for _, other := range []int{l.From, l.To} {
				switch {
				case other == 0, slices.Contains(ids, other):
				case len(ids) == maxLinked:
					more = true
				default:
					ids = append(ids, other)
				}
			}
		}
	}
	slices.Sort(ids)
	return ids, more
}
