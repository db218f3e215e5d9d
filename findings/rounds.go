package findings

import (
	"net/netip"
	"slices"
	"time"

	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/sipmsg"
)

const (
	// maxRounds bounds the requests outside of calls whose ways are held at once, maxPassages the hops of one.
	maxRounds   = 256
	maxPassages = 64
)

// A passage is a request on one hop.
type passage struct {
	*analysis.Seen     // outside of calls as far as Method, CSeq, Source, Destination, Frame and Time go
	at             int // its index among the messages of its leg, or the hops of its round
	status         int
	answered       time.Time
	final          analysis.Frame
	callID         string // outside of calls
	inDialog       bool
	anyPort        bool // that which it leaves from is of a connection: see leaves

	// Hashes. Without known nothing is the same as from.
	from, branch uint64
	known        bool

	asked, kept bool // the octets were asked for; they were kept, and so what follows is filled in

	uri, target   uint64 // hashes of the Request-URI, and with it of the topmost Route
	routes        int    // how many there are
	inside, again bool   // see viasOf
}

// read takes what it needs of the octets of a request. route is its topmost Route, or outside of calls all that stands in a field with that.
func (p *passage) read(m *sipmsg.Message, route []byte) {
	p.kept = true
	p.uri, p.target = hashOf(m.RequestURI), hashOf(m.RequestURI, route)
	for range m.Values(sipmsg.Route) {
		p.routes++
	}
	p.inside, p.again = viasOf(m, p.Seen)
}

// A round is what is known of the hops that the requests of a leg took, or one request outside of calls that came to a host twice, or was
// refused with 482. Of that rules ask when nothing more can be expected.
type round struct {
	key  uint64
	hops []passage        // in the order in which they were sent
	of   *analysis.Detail // the leg, whose octets are looked at where they are asked for; nil outside of calls
}

// ways returns the hops that the requests of the leg took, made when it is asked for.
func (r *legRun) ways() *round {
	x := &r.c.ways
	if x.of == r.Detail {
		return x
	}
	*x = round{hops: x.hops[:0], of: r.Detail}
	for i := range r.Transactions {
		req := r.requestOf(i)
		if req < 0 {
			continue
		}
		t, m := &r.Transactions[i], &r.Messages[req]
		x.hops = append(x.hops, passage{
			Seen: m, at: req, status: t.Status, answered: t.Answered, final: t.FinalFrame, inDialog: !t.Initial,
			from: r.fromTag(i), known: true, branch: m.Branch,
		})
	}
	return x
}

// hop returns hop i, with what its octets say if they were kept.
func (x *round) hop(i int) *passage {
	p := &x.hops[i]
	if x.of == nil || p.asked {
		return p
	}
	p.asked = true
	if m := x.of.Message(p.at); m != nil {
		p.read(m, firstValue(m, sipmsg.Route))
	}
	return p
}

// firstValue returns the first value of the header fields of a kind, nil for none.
func firstValue(m *sipmsg.Message, id sipmsg.ID) []byte {
	for v := range m.Values(id) {
		return v
	}
	return nil
}

// rounds hold the latest ones.
type rounds struct {
	m     map[uint64]*round
	order []*round
}

// add takes in a request, and returns the round that leaves for it, nil for none.
func (s *rounds) add(e *exchangeRun) (done *round) {
	key := hashOf([]byte(e.CallID), []byte(e.Method), []byte{byte(e.CSeq), byte(e.CSeq >> 8), byte(e.CSeq >> 16), byte(e.CSeq >> 24)})
	x := s.m[key]
	if x == nil {
		if len(s.order) == maxRounds {
			done, s.order = s.order[0], s.order[1:]
			delete(s.m, done.key)
		}
		if s.m == nil {
			s.m = make(map[uint64]*round)
		}
		x = &round{key: key}
		s.m[key], s.order = x, append(s.order, x)
	}
	if len(x.hops) < maxPassages {
		x.hops = append(x.hops, passageOf(e, len(x.hops)))
	}
	return done
}

// passageOf returns what is held of a request outside of calls, which is hop i of its round.
func passageOf(e *exchangeRun, i int) passage {
	p := passage{
		Seen: &analysis.Seen{Method: e.Method, CSeq: e.CSeq, Source: e.Source, Destination: e.Destination, Frame: e.SentFrame, Time: e.Sent},
		at:   i, status: e.Status, answered: e.Answered, final: e.FinalFrame, callID: e.CallID, inDialog: e.InDialog, anyPort: e.Transport != "UDP",
	}
	m := e.Request()
	if m == nil {
		return p
	}
	p.from, p.known, p.branch = hashOf(m.Tag(sipmsg.From)), true, hashOf(m.Branch())
	route, _ := m.First(sipmsg.Route)
	p.read(m, route)
	return p
}

// same reports whether two passages are of one request.
func (p *passage) same(q *passage) bool {
	return p.known && q.known && p.from == q.from && p.inDialog == q.inDialog && p.CSeq == q.CSeq && p.Method == q.Method
}

// loops looks for a request that comes back to a host as its Vias say, and returns the first that does so for the same target, or else the
// first; ok is false for none.
func (x *round) loops() (f Finding, of *passage, ok bool) {
	for j := range x.hops {
		p := &x.hops[j]
		if p.Partial || !slices.ContainsFunc(x.hops[:j], func(q passage) bool { return q.same(p) && wasAt(q.Seen, p.Seen) }) {
			continue
		}
		if x.hop(j); !p.inside && !p.again {
			continue
		}
		before, same := x.timeBefore(j)
		if !ok || same {
			f, of, ok = cameBack(p.Seen, p.inside, before, same), p, true
		}
		if same {
			break
		}
	}
	return f, of, ok
}

// timeBefore returns a request before hop j that was at the host that it comes back to (that it leaves, unless inside),
// nil for none, and whether it had the target of that. As that host sent it, it counts only if it had come there for
// that user as well, by whatever Route: who forwards a call to another user gets back what he sent, and that is no circle. Nor is one
// where Routes were used up in between: in the dialog of a call that came by a host twice, so does each request.
func (x *round) timeBefore(j int) (before *analysis.Seen, same bool) {
	p := &x.hops[j]
	var sent *analysis.Seen
	arrived := false
	for i := range x.hops[:j] {
		q := &x.hops[i]
		came := p.inside && q.Destination == p.Destination
		if q.Partial || !q.same(p) || !came && (p.inside && q.Source.Addr() != p.Destination.Addr() || !p.inside && q.Source.Addr() != p.Source.Addr()) {
			continue
		}
		if x.hop(i); !q.kept {
			continue
		}
		if before == nil {
			before = q.Seen
		}
		switch equal := q.target == p.target && q.routes <= p.routes; {
		case equal && (came || !p.inside):
			return q.Seen, true
		case equal && sent == nil:
			sent = q.Seen
		case came && q.uri == p.uri:
			arrived = true
		}
	}
	if sent != nil && arrived {
		return sent, true
	}
	return before, false
}

// refused returns the first passage that was answered 482, nil for none, or where one that was reached its host as the second.
func (x *round) refused() (first *passage) {
	for i := range x.hops {
		if x.hops[i].status != 482 {
			continue
		}
		if x.merges(i) >= 0 {
			return nil
		}
		if first == nil {
			first = &x.hops[i]
		}
	}
	return first
}

// merges returns another passage of the request of hop j that reached the same host, which passed on neither; -1 for none.
func (x *round) merges(j int) int {
	t, found := &x.hops[j], -1
	if t.inDialog || t.Partial {
		return -1
	}
	for i := range x.hops {
		p := &x.hops[i]
		switch {
		case i == j || !p.same(t):
		case p.leaves(t.Destination):
			return -1 // a proxy
		case p.Destination != t.Destination || p.branch == t.branch || p.Partial:
		case p.at < t.at && p.status != 0 && p.answered.Before(t.Time), t.at < p.at && t.status != 0 && t.answered.Before(p.Time):
		case found < 0:
			found = i
		}
	}
	if found >= 0 && x.hop(j).inside { // it has been there: it is a loop
		return -1
	}
	return found
}

// leaves reports whether a passage begins at a host. Connections have ports of their own, and on one machine nothing else tells two
// hosts apart.
func (p *passage) leaves(a netip.AddrPort) bool {
	return p.Source == a || p.anyPort && p.Source.Addr() == a.Addr() && p.Destination.Addr() != a.Addr()
}

// merged begins the finding that a request reached a host twice, and returns the second one: if some were refused for that, it is of
// one of these. ok is false for none.
func (x *round) merged() (f Finding, of *passage, ok bool) {
	for j := range x.hops {
		t := &x.hops[j]
		if ok && t.status != 482 || x.of != nil && t.Method == "CANCEL" { // which each hop of a call makes anew
			continue
		}
		i := x.merges(j)
		if i < 0 || i > j {
			continue
		}
		p := &x.hops[i]
		if f, of, ok = twiceAt(p.Frame, t.Seen), t, true; f.refusedTwice(p.status, p.final) || f.refusedTwice(t.status, t.final) {
			break
		}
	}
	return f, of, ok
}
