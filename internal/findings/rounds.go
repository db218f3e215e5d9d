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

// A passage is a request outside of calls on one hop.
type passage struct {
	*analysis.Seen // as far as Method, CSeq, Source, Destination, Frame and Time go
	status         int
	answered       time.Time
	final          analysis.Frame
	transport      string
	callID         string
	inDialog       bool

	// Hashes; 0 where the octets were not kept.
	from, branch uint64
	uri, target  uint64 // of the Request-URI, and with it of the topmost Route

	inside, again bool // see viasOf
}

// A round is what is known of one request that came to a host twice, or was refused with 482: of such ones rules ask when
// nothing more can be expected.
type round struct {
	key  uint64
	hops []passage // in the order in which they were sent
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
		x.hops = append(x.hops, passageOf(e))
	}
	return done
}

// passageOf returns what is held of a request.
func passageOf(e *exchangeRun) passage {
	p := passage{
		Seen:   &analysis.Seen{Method: e.Method, CSeq: e.CSeq, Source: e.Source, Destination: e.Destination, Frame: e.SentFrame, Time: e.Sent},
		status: e.Status, answered: e.Answered, final: e.FinalFrame, transport: e.Transport, callID: e.CallID, inDialog: e.InDialog,
	}
	m := e.Request()
	if m == nil {
		return p
	}
	p.from, p.branch = hashOf(m.Tag(sipmsg.From)), hashOf(m.Branch())
	route, _ := m.First(sipmsg.Route)
	p.uri, p.target = hashOf(m.RequestURI), hashOf(m.RequestURI, route)
	p.inside, p.again = viasOf(m, p.Seen)
	return p
}

// same reports whether two passages are of one request.
func (p *passage) same(q *passage) bool {
	return p.from != 0 && p.from == q.from && p.inDialog == q.inDialog
}

// loops looks for a way back to a host, as legRun.loops does; ok is false for none.
func (x *round) loops() (f Finding, of *passage, ok bool) {
	for j := range x.hops {
		p := &x.hops[j]
		passed := slices.ContainsFunc(x.hops[:j], func(q passage) bool { return q.same(p) && wasAt(q.Seen, p.Seen) })
		if !passed || !p.inside && !p.again {
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

// timeBefore is legRun.timeBefore of requests outside of calls.
func (x *round) timeBefore(j int) (before *analysis.Seen, same bool) {
	p := &x.hops[j]
	var sent *analysis.Seen
	arrived := false
	for i := range x.hops[:j] {
		q := &x.hops[i]
		came := p.inside && q.Destination == p.Destination
		if !q.same(p) || !came && (p.inside && q.Source.Addr() != p.Destination.Addr() || !p.inside && q.Source.Addr() != p.Source.Addr()) {
			continue
		}
		if before == nil {
			before = q.Seen
		}
		switch equal := q.target == p.target; {
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

// merges is legRun.merges of requests outside of calls.
func (x *round) merges(j int) int {
	t, found := &x.hops[j], -1
	if t.inDialog || t.inside {
		return -1
	}
	for i := range x.hops {
		p := &x.hops[i]
		switch {
		case i == j || !p.same(t):
		case p.leaves(t.Destination):
			return -1 // a proxy
		case p.Destination != t.Destination || p.branch == t.branch:
		case i < j && p.status != 0 && p.answered.Before(t.Time), j < i && t.status != 0 && t.answered.Before(p.Time):
		case found < 0:
			found = i
		}
	}
	return found
}

// leaves reports whether a passage begins at a host. Connections have ports of their own, and on one machine nothing else tells two
// hosts apart.
func (p *passage) leaves(a netip.AddrPort) bool {
	return p.Source == a || p.transport != "UDP" && p.Source.Addr() == a.Addr() && p.Destination.Addr() != a.Addr()
}

// merged begins the finding that a request reached a host twice, and returns the second one: if some were refused for that, it is of
// one of these. ok is false for none.
func (x *round) merged() (f Finding, of *passage, ok bool) {
	for j := range x.hops {
		t, i := &x.hops[j], x.merges(j)
		if i < 0 || i > j || ok && t.status != 482 {
			continue
		}
		p := &x.hops[i]
		if f, of, ok = twiceAt(p.Frame, t.Seen), t, true; f.refusedTwice(p.status, p.final) || f.refusedTwice(t.status, t.final) {
			break
		}
	}
	return f, of, ok
}

// pairOfHosts returns whom a passage is between.
func (p *passage) pairOfHosts() hostPair { return hostPair{p.Source.Addr(), p.Destination.Addr()} }
