package findings

import (
	"bytes"
	"net/netip"
	"slices"
	"time"

	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/sipmsg"
)

// silence returns the gate of a finding that says «nothing came back»: a request of self to
// peer, of which the first copy was sent at since, and which an answer is waited for.
func (r *legRun) silence(i int) *gate {
	src, dst := r.ends(&r.Transactions[i])
	return waitFor(src, dst, r.Transactions[i].Sent, r.transport(i))
}

// waitFor returns the gate of a finding that says that peer did not answer what self sent at since, over a transport.
//
//go:noinline
func waitFor(self, peer netip.AddrPort, since time.Time, transport string) *gate {
	return &gate{self: self.Addr(), peer: peer.Addr(), since: since, wait: timeout, once: transport != "UDP"}
}

// ahead returns the gate of a finding that says that something came before any answer did.
func (r *legRun) ahead(i int) *gate {
	g := r.silence(i)
	g.wait = 0
	return g
}

// stillOpen returns the gate of a finding that says that the request of a transaction was not answered yet at a time.
func (r *legRun) stillOpen(i int, at time.Time) *gate {
	t := &r.Transactions[i]
	g := r.silence(i)
	g.wait = at.Sub(t.Sent)
	if t.Status == 0 {
		g.misses = 1
		if t.Method == "INVITE" {
			g.misses = 2 // the response, and its ACK
		}
	}
	return g
}

// judge lowers a finding that rests on silence where silence proves nothing, or where the capture lacks packets and those may
// be among them, or has a part of each stream alone, and whatever is only possible to a note.
func (c *Collector) judge(f *Finding, res *analysis.Result) {
	if f.gate != nil && !c.visible(f.gate, res) || c.lossExplains(f) || c.quality.thin && (f.rule == oneWayAudio || f.rule == noAudio || f.rule == lateOrCutMedia) {
		f.Confidence = Possible
	}
	if f.Confidence == Possible {
		f.Severity = Note
	}
}

// visible reports whether packets of the peer would have been seen: the capture went on for
// long enough, and it holds packets of the peer to the sender, or both directions of other
// traffic of the sender, or an ICMP error about the peer. Where the sender answers the peer,
// whose packets are not there, the capture has one direction of the two: other traffic proves nothing. Nor does it
// where the answer is one message on a stream, and octets of the peer came to the sender that are not in the capture.
func (c *Collector) visible(g *gate, res *analysis.Result) bool {
	if g.since.IsZero() || res.End.Sub(g.since) < g.wait {
		return false
	}
	if g.once && c.lacks(hostPair{g.peer, g.self}, g.since, g.since.Add(g.wait)) {
		return false
	}
	if saw, limited := res.Saw(g.peer, g.self); saw || limited {
		return true
	}
	if g.stream || c.quality.answers(hostPair{g.self, g.peer}) {
		return false
	}
	return c.silent[g.peer] || res.TwoWay(g.self)
}

// lacks reports whether octets of streams from one host to another that came between two times are not in the capture.
//
//go:noinline
func (c *Collector) lacks(p hostPair, from, to time.Time) bool {
	return slices.ContainsFunc(c.unseen, func(u unseenOctets) bool { return u.hostPair == p && !u.at.Before(from) && u.since.Before(to) })
}

// unacked reports whether an INVITE was answered 2xx and not acknowledged, as far as the capture can
// tell, and begins the finding. A 2xx is repeated until its ACK comes. So one that was repeated for
// 64*T1 got none, whatever the capture shows; and one that was sent once got it, where the ACK goes
// past this hop, or the dialog is used soon behind it. Observed of the finding is what is wrong with the ACK that there is.
func (r *legRun) unacked(i int) (f Finding, ok bool) {
	t := &r.Transactions[i]
	acked, unfit := r.acked(i)
	if acked {
		f.Severity = Error
		return f, r.unheeded(i) > 0
	}
	f.Severity, f.Observed = Error, unfit
	src, dst := r.ends(t)
	f.gate = waitFor(dst, src, t.Answered, r.transport(i))
	f.gate.stream = t.Requests == 0
	if t.Finals > 1 { // it was repeated: whoever sent it saw no ACK …
		f.gate.wait = repeatedWait(t)
	}
	if t.Finals < 3 { // … but for the first time, which may have been lost on the way
		f.gate.misses = 1
	}
	switch {
	case r.givenUp(i):
		return f, true
	case t.Finals == 1 && r.used(i):
		return f, false
	case !r.keepsHop(r.responseOf(i, t.Status)): // the ACK goes past this hop, and so it is not known when it came
		if f.Confidence = Possible; t.Finals > 2 {
			f.Confidence = Likely
		}
		return f, t.Finals > 1
	}
	return f, true
}

// repeatedWait returns how long behind the first copy of a final response a capture has to go on for the lack of an ACK to say something.
// Where it was repeated once, the ACK of the first copy may be lost, and that of the second one on its way.
func repeatedWait(t *analysis.Transaction) time.Duration {
	if t.Finals > 2 {
		return 0
	}
	return t.LastFinal.Sub(t.Answered) + t1
}

// unheeded returns how many ACKs of a 2xx were seen on its hop, where that was repeated for as long as may be, and behind the first
// one as well. They were lost further on. Where the copies cease before, one got there.
func (r *legRun) unheeded(i int) (acks int) {
	t := &r.Transactions[i]
	if !r.givenUp(i) {
		return 0
	}
	first := r.ackOf(i)
	if first < 0 || t.LastFinal.Sub(r.Messages[first].Time) < t2/2 {
		return 0
	}
	for j := range r.Messages {
		if r.acks(j, i) {
			acks++
		}
	}
	return acks
}

// acks reports whether a message is an ACK of a 2xx, on the hop of that.
func (r *legRun) acks(m, i int) bool {
	a, t := &r.Messages[m], &r.Transactions[i]
	return a.Request && a.Method == "ACK" && a.CSeq == t.CSeq && a.Hop == t.Hop && a.Forward == t.Forward && !a.Partial &&
		r.first(func(ok *analysis.Seen) bool {
			return ok.Transaction == i && !ok.Request && ok.Status/100 == 2 && ok.ToTag == a.ToTag
		}) >= 0
}

// ackOf returns the first ACK of a 2xx on its hop, -1 for none.
func (r *legRun) ackOf(i int) int {
	for j := range r.Messages {
		if r.acks(j, i) {
			return j
		}
	}
	return -1
}

// used reports whether another request follows in the dialog that a 2xx made, on its hop: one of the caller that
// is accepted, or any when another 2xx was due if no ACK had come, but not of who sent the 2xx when it gives up.
func (r *legRun) used(i int) bool {
	t, ok := &r.Transactions[i], r.responseOf(i, r.Transactions[i].Status)
	return ok >= 0 && r.first(func(m *analysis.Seen) bool {
		a := &r.Messages[ok]
		same := m.FromTag == a.FromTag && m.ToTag == a.ToTag || m.FromTag == a.ToTag && m.ToTag == a.FromTag
		d := m.Time.Sub(t.Answered)
		if m.Method == "ACK" || m.Hop != t.Hop || !same {
			return false
		}
		if !m.Request { // to a request that may not be in the capture
			return d >= 0 && t.Requests > 0 && m.Forward != t.Forward && m.Status/100 == 2 && m.CSeq > t.CSeq && m.Method != "PRACK"
		}
		if m.Forward == t.Forward {
			return d > t2/2 || d >= 0 && m.Transaction >= 0 && r.Transactions[m.Transaction].Status/100 == 2
		}
		return d > t2/2 && (d < timeout-2*time.Second || d > timeout+2*time.Second)
	}) >= 0
}

// givenUp reports whether the final response to an INVITE was repeated for as long as may be.
//
//go:noinline
func (r *legRun) givenUp(i int) bool {
	t := &r.Transactions[i]
	return persists(t.Answered, t.LastFinal) || t.Finals >= 7 && r.ranOut(i)
}

// ranOut reports whether the copies of a final response come as a timer has them that begins shorter than T1, as servers have it for a
// peer that they know to be near, up to the seventh, behind which 64 times that is over. Who accepts a request of the dialog later had the ACK to
// that one.
func (r *legRun) ranOut(i int) bool {
	t := &r.Transactions[i]
	var first, gap time.Duration
	var last time.Time
	for j := range r.Messages {
		m := &r.Messages[j]
		if m.Transaction != i || m.Request || m.Status != t.Status {
			continue
		}
		if d := m.Time.Sub(last); gap != 0 && (d-min(2*gap, t2)).Abs() > gap/2 {
			return false
		} else if !last.IsZero() {
			if gap == 0 {
				first = d
			}
			gap = d
		}
		last = m.Time
	}
	return first >= t1/10 && last.Sub(t.Answered) >= enough/t1*first && r.first(func(m *analysis.Seen) bool {
		return m.Request && m.Method != "ACK" && m.Hop == t.Hop && m.Forward == t.Forward && m.Time.After(last) && m.Transaction >= 0 && r.Transactions[m.Transaction].Status/100 == 2
	}) < 0
}

// keepsHop reports whether a request inside of the dialog that a response makes comes to its
// sender on the hop of the response. It does not where a proxy has put no Record-Route in, or
// where the first of them, or else the Contact, is another address; RFC 3261, section 12.2.1.1. For a proxy that has put its own
// in, the first of them is the one above that, and a private Contact of a public address is one that proxies see through.
func (r *legRun) keepsHop(response int) bool {
	if response < 0 {
		return true
	}
	seen, m := &r.Messages[response], r.Message(response)
	if m == nil {
		return true
	}
	var next []byte
	for v := range m.Values(sipmsg.RecordRoute) {
		next = v
	}
	own := r.firstRecorded(r.requestOf(seen.Transaction)) // of the proxy that the response goes to, or of one ahead of it
	sent := r.first(func(x *analysis.Seen) bool {
		return x.Request && x.Method == "INVITE" && x.CSeq == seen.CSeq && x.Source == seen.Source && x.Destination != seen.Destination
	})
	if own != nil && bytes.Equal(own, r.firstRecorded(sent)) {
		return false // who sent it has put none in
	}
	if seen.Vias > 1 {
		if own != nil && (isAhead(m, own) || r.cameWith(seen, own) || isAnother(own, seen.Destination)) {
			return false
		}
		above, recorded := aboveOf(m, func(v []byte) bool { return own != nil && bytes.Equal(v, own) })
		if !recorded { // or it is written in another way
			via, _ := m.TopVia()
			above, recorded = aboveOf(m, func(v []byte) bool { a, ok := target(v); return ok && isAt(a, seen.Destination) || isBy(v, via) })
		}
		if !recorded {
			return !passedOver(m, next, seen.Destination)
		}
		if _, isAddr := target(above); above != nil && !isAddr {
			return true
		}
		next = above
	}
	if next == nil {
		next, _ = m.First(sipmsg.Contact)
	}
	to, isAddr := target(next)
	if !isAddr {
		return !r.handedOn(seen)
	}
	unreachable := isPrivate(to.Addr()) && (isPublic(seen.Destination.Addr()) || seen.Vias > 1 && isPublic(seen.Source.Addr()))
	return unreachable || sameHost(to.Addr(), seen.Source.Addr())
}

// firstRecorded returns the topmost Record-Route of a request, nil if there is none.
func (r *legRun) firstRecorded(request int) (v []byte) {
	if request >= 0 && r.Messages[request].Fields.Has(sipmsg.RecordRoute) {
		if m := r.Message(request); m != nil {
			for v = range m.Values(sipmsg.RecordRoute) {
				break
			}
		}
	}
	return v
}

// cameWith reports whether the INVITE came to the host that a response goes to with a Record-Route at the top.
func (r *legRun) cameWith(response *analysis.Seen, recorded []byte) bool {
	return bytes.Equal(recorded, r.firstRecorded(r.first(func(m *analysis.Seen) bool {
		return m.Request && m.Method == "INVITE" && m.CSeq == response.CSeq && m.Destination == response.Destination
	})))
}

// passedOver reports whether the Record-Routes of a response, the last of which is given, show that the proxy that it goes to has put none in: the one
// above that of a host ahead of it, or else the last one, is another host's.
func passedOver(m *sipmsg.Message, last []byte, proxy netip.AddrPort) bool {
	if above, ahead := aboveOf(m, func(v []byte) bool { return isAhead(m, v) }); ahead {
		last = above
	}
	return last == nil || isAnother(last, proxy)
}

// isAnother reports whether a Record-Route is an address, and not that of a host. One of another version of IP may be its other side.
func isAnother(v []byte, host netip.AddrPort) bool {
	a, isAddr := target(v)
	return isAddr && !isAt(a, host) && a.Addr().Is4() == host.Addr().Unmap().Is4()
}

// maxRoutes bounds the Record-Routes and Vias that are held against each other: as many as a request has hops.
const maxRoutes = 70

// aboveOf returns the Record-Route above the first one that is somebody's, nil if that is the topmost.
func aboveOf(m *sipmsg.Message, is func(v []byte) bool) (above []byte, found bool) {
	n := 0
	for v := range m.Values(sipmsg.RecordRoute) {
		if is(v) {
			return above, true
		}
		if above, n = v, n+1; n == maxRoutes {
			break
		}
	}
	return nil, false
}

// isAt reports whether an address of a URI is a host that was seen. On one machine the ports tell which.
func isAt(a, seen netip.AddrPort) bool {
	return sameHost(a.Addr(), seen.Addr()) && (a.Port() == seen.Port() || !a.Addr().IsLoopback())
}

// isAhead reports whether a Record-Route is of a host that forwarded the request ahead of the one that the response goes to.
func isAhead(m *sipmsg.Message, recorded []byte) bool {
	n := 0
	for v := range m.Values(sipmsg.Via) {
		if n++; n > maxRoutes {
			break
		}
		if n > 1 && isBy(recorded, sipmsg.ParseVia(v)) {
			return true
		}
	}
	return false
}

// isBy reports whether a Record-Route and a Via are of one host, as they have it written.
func isBy(v []byte, h sipmsg.ViaHop) bool {
	u := sipmsg.ParseURI(sipmsg.ParseAddress(v).URI)
	return bytes.EqualFold(h.Host, u.Host) && (h.Port == u.Port || h.Port|u.Port == 5060)
}

// handedOn reports whether the sender of a response is seen to pass the INVITE on to another host.
func (r *legRun) handedOn(response *analysis.Seen) bool {
	return r.first(func(m *analysis.Seen) bool {
		return m.Request && m.Method == "INVITE" && sameHost(m.Source.Addr(), response.Source.Addr()) && !sameHost(m.Destination.Addr(), response.Destination.Addr())
	}) >= 0
}
