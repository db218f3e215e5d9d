package findings

import (
	"cmp"
	"net/netip"
	"slices"
	"strconv"
	"time"

	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/sipmsg"
)

// What rules ask of the requests of a leg. A request that passes several hops is a
// transaction on each of them.

// A legIndex knows the requests of the transactions of one leg.
type legIndex struct {
	of      *analysis.Leg
	request []int    // the first copy of each, -1 for none
	from    []uint64 // the From tag of each
	to      []uint64 // its To tag
	tags    []tagAt  // see twoPhones
	tagged  bool
}

// maxTags bounds the To tags that are known to have come to the hosts of one leg.
const maxTags = 64

// A tagAt is a To tag that came to a host in a response that is no refusal.
type tagAt struct {
	host netip.Addr
	tag  uint64
}

// index returns what is known of the transactions, made when it is asked for.
func (r *legRun) index() *legIndex {
	x := &r.c.index
	if x.of == r.Leg {
		return x
	}
	x.of, x.request, x.from, x.to, x.tagged = r.Leg, x.request[:0], x.from[:0], x.to[:0], false
	for range r.Transactions {
		x.request, x.from, x.to = append(x.request, -1), append(x.from, 0), append(x.to, 0)
	}
	for i := len(r.Messages) - 1; i >= 0; i-- {
		m := &r.Messages[i]
		if m.Transaction < 0 || m.Method == "ACK" {
			continue
		}
		x.from[m.Transaction], x.to[m.Transaction] = m.FromTag, m.ToTag
		if m.Request {
			x.request[m.Transaction] = i
		}
	}
	return x
}

// requestOf returns the first copy of the request of a transaction, -1 where it was not
// captured. Inlined it would be 2 kB of the binary, and no faster.
//
//go:noinline
func (r *legRun) requestOf(i int) int { return r.index().request[i] }

// sentTo returns where the request of a transaction went: the ports of its hop are those of what came there first, and a Contact may
// name another one.
//
//go:noinline
func (r *legRun) sentTo(i int) netip.AddrPort {
	if m := r.requestOf(i); m >= 0 {
		return r.Messages[m].Destination
	}
	_, dst := r.ends(&r.Transactions[i])
	return dst
}

// fromTag returns the From tag of a transaction.
//
//go:noinline
func (r *legRun) fromTag(i int) uint64 { return r.index().from[i] }

// toTag returns the To tag of a transaction.
func (r *legRun) toTag(i int) uint64 { return r.index().to[i] }

// sameRequest reports whether two transactions are of one request, on different hops or on
// branches of its way.
func (r *legRun) sameRequest(i, j int) bool {
	a, b := &r.Transactions[i], &r.Transactions[j]
	return i == j || a.Method == b.Method && a.CSeq == b.CSeq && a.Initial == b.Initial && r.fromTag(i) == r.fromTag(j) && (a.Initial || !r.twoPhones(r.toTag(i), r.toTag(j)))
}

// twoPhones reports whether two To tags are of two phones that an INVITE rings, whose requests and reliable responses are numbered alike: one
// host gets both, so that none is what a server gives in place of the other.
func (r *legRun) twoPhones(a, b uint64) bool {
	if a == b || a == 0 || b == 0 {
		return false
	}
	x := r.index()
	if !x.tagged {
		x.tagged, x.tags = true, x.tags[:0]
		for i := range r.Messages {
			if m := &r.Messages[i]; !m.Request && m.Status < 300 && len(x.tags) < maxTags && !x.holds(tagAt{m.Destination.Addr(), m.ToTag}) {
				x.tags = append(x.tags, tagAt{m.Destination.Addr(), m.ToTag})
			}
		}
	}
	for _, t := range x.tags {
		if t.tag == a && x.holds(tagAt{t.host, b}) {
			return true
		}
	}
	return false
}

func (x *legIndex) holds(t tagAt) bool {
	for _, k := range x.tags {
		if k == t {
			return true
		}
	}
	return false
}

// firstHop returns the first transaction with the request of i that ended as i did: that
// nearest to who sent it.
func (r *legRun) firstHop(i int) int {
	for j := range i {
		if r.Transactions[j].Status == r.Transactions[i].Status && r.sameRequest(i, j) {
			return j
		}
	}
	return i
}

// lastHop returns the last transaction with the request of i that ended as i did: that
// nearest to who answered it.
func (r *legRun) lastHop(i int) int {
	for j := len(r.Transactions) - 1; j > i; j-- {
		if r.Transactions[j].Status == r.Transactions[i].Status && r.sameRequest(i, j) {
			return j
		}
	}
	return i
}

// triesOf returns the frame of message i and, of a request that was not accepted, those of the last hops on which it ended so, or was sent in vain.
//
//go:noinline
func (r *legRun) triesOf(i int) []analysis.Frame {
	list, t := r.frames(i), r.Messages[i].Transaction
	if r.Messages[i].Request && t >= 0 && r.Transactions[t].Status/100 != 2 {
		for _, end := range [...]int{r.lastHop(t), r.silentOn(t)} {
			if end >= 0 && !slices.Contains(list, r.Transactions[end].SentFrame) {
				list = append(list, r.Transactions[end].SentFrame)
			}
		}
	}
	return list
}

// onwards reports whether the server that the request of i was sent to passed it on, with a
// transaction that has a fault, too: who is further away has to answer first.
func (r *legRun) onwards(i int, fault func(int) bool) bool {
	_, at := r.ends(&r.Transactions[i])
	for j := i + 1; j < len(r.Transactions); j++ {
		if src, dst := r.ends(&r.Transactions[j]); src.Addr() == at.Addr() && dst != at && r.sameRequest(i, j) && fault(j) {
			return true
		}
	}
	return false
}

// cameBy reports whether the request of i is one of another transaction that was sent to who sends
// it now, and that has a fault, too: who is nearer to the caller has to act first.
func (r *legRun) cameBy(i int, fault func(int) bool) bool {
	at, to := r.ends(&r.Transactions[i])
	for j := range i {
		if src, dst := r.ends(&r.Transactions[j]); dst.Addr() == at.Addr() && src != to && r.sameRequest(i, j) && fault(j) {
			return true
		}
	}
	return false
}

// responseOf returns the first response with a status to a transaction, -1 for none.
//
//go:noinline
func (r *legRun) responseOf(i, status int) int {
	return r.first(func(m *analysis.Seen) bool { return m.Transaction == i && !m.Request && m.Status == status })
}

// has reports whether the response with a status to a transaction has a header field.
func (r *legRun) has(i, status int, id sipmsg.ID) bool {
	m := r.responseOf(i, status)
	return m >= 0 && r.Messages[m].Fields.Has(id)
}

// callerTag returns the From tag of who sent the first INVITE, 0 where it was not captured.
//
//go:noinline
func (r *legRun) callerTag() uint64 {
	if i := r.opening(); i >= 0 {
		return r.Messages[i].FromTag
	}
	return 0
}

// opening returns the first INVITE outside of a dialog, -1 where none was captured.
//
//go:noinline
func (r *legRun) opening() int {
	return r.first(func(m *analysis.Seen) bool { return m.Request && m.Method == "INVITE" && m.ToTag == 0 })
}

// side returns the side with a From tag. A back-to-back user agent that keeps the Call-ID calls with a tag of its own on the next hop.
func (r *legRun) side(tag uint64) analysis.Party {
	switch {
	case r.callerTag() == 0:
		return analysis.NoParty
	case r.first(func(m *analysis.Seen) bool {
		return m.Request && m.Method == "INVITE" && m.ToTag == 0 && m.FromTag == tag
	}) >= 0:
		return analysis.Caller
	}
	return analysis.Callee
}

// said returns what is passed on of message i, and is the same on each leg.
//
//go:noinline
func (r *legRun) said(i int, same string) *passed {
	m := &r.Messages[i]
	p := &passed{side: r.side(speaker(m)), same: same, at: m.Time}
	if p.side == analysis.Callee {
		if q := &r.Messages[r.opening()]; q.Source.Addr() != q.Destination.Addr() {
			p.from = q.Source.Addr()
		}
	}
	return p
}

// party names the side with a From tag.
func (r *legRun) party(tag uint64) string { return sideOf(r.side(tag)) }

// sender names the side that sent a request: by its From tag or, where that is nobody's, by the way that it went.
func (r *legRun) sender(req int) string {
	q := &r.Messages[req]
	known := r.first(func(m *analysis.Seen) bool {
		return m.Method == "INVITE" && m.Transaction >= 0 && r.Transactions[m.Transaction].Initial && (m.FromTag == q.FromTag || m.ToTag == q.FromTag)
	})
	if known >= 0 || r.callerTag() == 0 {
		return r.party(q.FromTag)
	}
	for i := range req {
		m := &r.Messages[i]
		if !m.Request || m.Method != "INVITE" || m.ToTag != 0 {
			continue
		}
		switch q.Source.Addr() {
		case m.Source.Addr():
			return "the caller"
		case m.Destination.Addr():
			return "the called side"
		}
	}
	return "one side"
}

// plain writes a time in seconds as rules name it: 2.1 s.
func plain(d time.Duration) string { return strconv.FormatFloat(d.Seconds(), 'g', -1, 64) + " s" }

// maxQuote bounds what is quoted of a capture in a finding, in octets.
const maxQuote = 80

// quote quotes a value of a message. Whoever shows it escapes it.
func quote(v []byte) string {
	v = sipmsg.AppendUnfolded(nil, v[:min(len(v), 2*maxQuote)])
	if len(v) > maxQuote {
		return "«" + string(v[:maxQuote]) + "…»"
	}
	return "«" + string(v) + "»"
}

// list quotes the values of the header fields of one kind, "none" where there are none.
func list(m *sipmsg.Message, id sipmsg.ID) string {
	if m == nil || !m.Has(id) {
		return "none"
	}
	var b []byte
	for v := range m.Values(id) {
		if len(b) > 0 {
			b = append(b, ", "...)
		}
		if b = append(b, v...); len(b) > maxQuote {
			break
		}
	}
	return quote(b)
}

// number writes how many there are of something.
//
//go:noinline
func number(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + one + "s"
}

// maxRepeats bounds what is told together of requests outside of calls.
const maxRepeats = 4096

// repeats tells once what many requests outside of calls have in common: the first of them,
// and how many there are.
type repeats struct {
	m     map[repeatKey]*repeat
	order []*repeat
	of    string // what it is that is found; requests where it is empty
}

// A repeatKey says what is the same.
type repeatKey struct {
	what string
	hostPair
}

type repeat struct {
	f Finding
	n int
}

// add adds a finding about a request.
func (g *repeats) add(what string, e *exchangeRun, f Finding) *repeat {
	f.AOR = e.AOR
	return g.take(repeatKey{what, hostsOf(e.Source, e.Destination)}, e.CallID, f)
}

// take adds a finding with a Call-ID. It returns what counts it, nil where there is no room.
//
//go:noinline
func (g *repeats) take(k repeatKey, callID string, f Finding) *repeat {
	x := g.m[k]
	if x == nil {
		if len(g.order) == maxRepeats {
			return nil
		}
		if g.m == nil {
			g.m = make(map[repeatKey]*repeat)
		}
		x = new(repeat)
		g.m[k], g.order = x, append(g.order, x)
	}
	if x.n++; x.n == 1 {
		f.CallID = callID
		x.f = f
	}
	return x
}

// tell reports what was added.
func (g *repeats) tell(r *captureRun) {
	for _, x := range g.order {
		if x.n == 0 {
			continue
		}
		if more := x.n - 1; more > 0 {
			is := "are "
			if more == 1 {
				is = "is "
			}
			x.f.Observed += "; so " + is + number(more, "further "+cmp.Or(g.of, "request")) + " between these addresses"
			x.f.Count = x.n
		}
		r.report(x.f)
	}
}
