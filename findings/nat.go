package findings

import (
	"net/netip"

	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/sipmsg"
)

// maxMapped bounds the pairs of addresses that may be the two sides of a NAT.
const maxMapped = 1 << 12

// A mapping is what signalling shows of a private address and the public one that its host
// writes of itself: whether packets to the second reach the first.
type mapping uint8

const (
	// reached: a request for the public address came to the private one. Who goes around a NAT
	// sends it that way also where the address is wrong.
	reached mapping = 1 << iota
	// known: the other side saw a request come from the public address.
	known
	// denied: it saw one come from elsewhere.
	denied
)

// behindNAT reports whether a host has a private address and says a public one of itself to a peer
// on the Internet: what the peer sends there and is captured here came past a NAT that maps the one
// to the other.
func behindNAT(source, peer, says netip.Addr) bool {
	return isPrivate(source) && isPublic(says) && isPublic(peer)
}

// learnNAT notes what the leg shows of the NAT in front of who asks for media at a public
// address in a packet that comes from a private one.
func (r *legRun) learnNAT() {
	for i := range r.Messages {
		m := &r.Messages[i]
		if !m.SDP || m.Partial || !r.c.isPublic(m.Destination.Addr()) || !isPrivate(m.Source.Addr()) {
			continue
		}
		for k := range r.Leg.Media.Endpoints {
			if e := &r.Leg.Media.Endpoints[k]; e.Frame == m.Frame && r.c.isPublic(e.Addr.Addr()) {
				r.proveNAT(hostsOf(m.Source, e.Addr))
			}
		}
	}
}

// proveNAT looks for what proves that a NAT maps a private address to a public one.
func (r *legRun) proveNAT(p hostPair) {
	was, is := r.c.mapped[p]
	if was&(known|denied) != 0 || !is && len(r.c.mapped) == maxMapped {
		return
	}
	now := was
	for i := range r.Messages {
		m := &r.Messages[i]
		switch {
		case m.Partial:
		case m.Request && was&reached == 0 && m.Destination.Addr() == p.src && r.c.isPublic(m.Source.Addr()):
			if x := r.Message(i); x != nil {
				if to, ok := sipmsg.ParseURI(x.RequestURI).Addr(); ok && to.Unmap() == p.dst {
					now |= reached
				}
			}
		case !m.Request && m.Vias == 1 && m.Destination.Addr() == p.src && r.c.isPublic(m.Source.Addr()):
			now |= r.seenFrom(i, p.dst)
		}
	}
	if now != was {
		if r.c.mapped == nil {
			r.c.mapped = make(map[hostPair]mapping)
		}
		r.c.mapped[p] = now
	}
}

// seenFrom returns what a response shows of where its request came from: the received beside its
// Via, or, where it has none and came over UDP, that Via.
func (r *legRun) seenFrom(i int, a netip.Addr) mapping {
	x := r.Message(i)
	if x == nil {
		return 0
	}
	via, ok := x.TopVia()
	if !ok {
		return 0
	}
	from, ok := via.HostAddr()
	ok = ok && r.Messages[i].Transport == "UDP"
	if via.Received() != nil {
		from, ok = via.ReceivedAddr()
	}
	switch from = from.Unmap(); {
	case !ok || !isPublic(from):
		return 0
	case from == a:
		return known
	}
	return denied
}

// isMapped reports whether a NAT maps a private address to a public one, which is nowhere in the
// capture: what its host announces there is here seen at the private address.
func (r *captureRun) isMapped(inside, outside netip.Addr) bool {
	m, ok := r.c.mapped[hostPair{inside, outside}]
	if !ok || m&denied != 0 {
		return false
	}
	sent, got := r.Sent(outside)
	return !sent && !got && r.heard().hosts[outside] == nil // Sent does not know of RTP
}

// sends reports whether a packet of an address is in the capture, or of the private one that a NAT maps
// to it.
func (r *captureRun) sends(a netip.Addr) bool {
	sent, got := r.Sent(a)
	if h := r.heard().hosts[a]; sent || h != nil && h.sends {
		return true
	}
	if r.c.outside == nil {
		r.c.outside = make(map[netip.Addr]bool)
		for p, m := range r.c.mapped {
			if m&denied == 0 {
				r.c.outside[p.dst] = true
			}
		}
	}
	return !got && r.c.outside[a] // see isMapped; whoever is on the list sent a description
}

// announces reports whether an address that was announced is one at which packets were captured, in
// front of a NAT or behind it; host if the hosts are the same at least.
func (r *captureRun) announces(e *analysis.Endpoint, a netip.AddrPort) (exact, host bool) {
	host = e.Addr.Addr() == a.Addr() || len(r.c.mapped) > 0 && r.isMapped(a.Addr(), e.Addr.Addr())
	return host && e.Addr.Port() == a.Port(), host
}
