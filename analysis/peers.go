package analysis

import (
	"bytes"
	"net/netip"
	"time"

	"github.com/sipsight/sipsight/sipmsg"
)

const (
	// maxPeers bounds the hosts and their peers between which OPTIONS are followed. Behind
	// them all ports of a host are one peer, up to as many again.
	maxPeers = 4096

	// downAfter is how many keepalives in a row have to stay unanswered for a peer to
	// be called down.
	downAfter = 3

	maxOutages = 16
)

// A Keepalive is what the capture shows of OPTIONS requests outside of calls from a host to a
// port of another: RFC 3261, section 11. A host may be several peers.
type Keepalive struct {
	Source, Destination netip.AddrPort // the port of Source is that of the first one
	Sent, Answered      int            // transactions
	Unanswered          int
	Retransmissions     int
	Outages             []Outage // at most 16
	First, Last         Frame
}

// An Outage is a time in which a peer that had answered did not.
type Outage struct {
	Down time.Time // the first keepalive that was not answered
	Up   time.Time // the first one answered again; zero for none
	Lost int

	Stream bool // the last one that makes it an outage was sent over a connection
	Served bool // among any three of them in a row another request was sent, and answered

	DownFrame, UpFrame Frame // of those keepalives

	Before Frame            // of the last one that was answered before
	Silent [downAfter]Frame // of the first ones that were not
}

// A peerTable makes Keepalives.
type peerTable struct {
	m    map[watch]*peer
	list []*peer
	over bool
}

// A watch is who asks whom: phones behind one address of NAT, and servers on one host, have
// ports of their own, while who asks may do so from a new one each time.
type watch struct {
	src netip.Addr
	dst netip.AddrPort
}

// A peer is a Keepalive in the making.
type peer struct {
	Keepalive
	lost   int // keepalives in a row without an answer
	since  time.Time
	deaf   int              // those of them since it answered another request that was sent meanwhile
	mute   int64            // when the first of these was sent
	heard  int64            // when the newest of other requests was sent that it answered
	dark   [downAfter]Frame // the first of them
	before Frame            // the last one with an answer
	outage bool
	many   bool // ports of a host: those that are silent say nothing of the others
}

// keepalive takes in the first copy of an OPTIONS outside of a call.
func (t *tracker) keepalive(x *seen, r *exchange) {
	p := &t.peers
	h := watch{x.m.Src.Addr(), x.m.Dst}
	q := p.m[h]
	if q == nil && len(p.m) >= maxPeers { // thousands of phones behind one address
		h.dst = netip.AddrPortFrom(h.dst.Addr(), 0)
		q = p.m[h]
	}
	if q == nil {
		if len(p.m) >= 2*maxPeers {
			p.over = true
			return
		}
		if p.m == nil {
			p.m = make(map[watch]*peer)
		}
		q = &peer{Keepalive: Keepalive{Source: x.m.Src, Destination: x.m.Dst, First: x.frame}, heard: never}
		p.m[h] = q
		p.list = append(p.list, q)
	}
	r.peer, r.heard = q, q.heard
	q.many = q.many || q.Destination != x.m.Dst
	q.Sent++
	q.Last = x.frame
}

// heard takes in that a request other than a keepalive got its first final response, x. It was sent at the time given.
func (t *tracker) heard(x *seen, sent int64) {
	if q := t.peers.m[watch{x.m.Dst.Addr(), x.m.Src}]; q != nil && sent != never {
		q.heard = max(q.heard, sent)
	}
}

// settle takes in what became of a keepalive, in the order in which they were sent.
func (q *peer) settle(r *exchange) {
	if r.Status != 0 {
		q.answered(r)
	} else {
		q.silent(r)
	}
}

// answered takes in that a keepalive was answered, with whatever status: the peer is there.
func (q *peer) answered(r *exchange) {
	q.Answered++
	if q.outage {
		if n := len(q.Outages); n > 0 {
			q.Outages[n-1].Up, q.Outages[n-1].UpFrame = r.Sent, r.SentFrame
		}
		q.outage = false
	}
	q.lost, q.deaf, q.before = 0, 0, r.SentFrame
}

// silent takes in that a keepalive was never answered.
func (q *peer) silent(r *exchange) {
	q.Unanswered++
	if q.lost++; q.lost == 1 {
		q.since = r.Sent
	}
	if q.deaf++; q.deaf == 1 || r.heard >= q.mute {
		q.deaf, q.mute = 1, instant(r.Sent)
	}
	if q.lost <= downAfter {
		q.dark[q.lost-1] = r.SentFrame
	}
	if q.Answered == 0 || q.lost < downAfter || q.many {
		return
	}
	if !q.outage {
		q.outage = true
		if len(q.Outages) < maxOutages {
			q.Outages = append(q.Outages, Outage{Down: q.since, Stream: r.Transport != "UDP", Served: true, DownFrame: q.dark[0], Before: q.before, Silent: q.dark})
		}
	}
	if n := len(q.Outages); n > 0 && q.Outages[n-1].Up.IsZero() {
		o := &q.Outages[n-1]
		o.Lost = q.lost
		o.Served = o.Served && q.deaf < downAfter
	}
}

func (p *peerTable) result() []*Keepalive {
	list := make([]*Keepalive, len(p.list))
	for i, q := range p.list {
		list[i] = &q.Keepalive
	}
	return list
}

// Subscriptions counts what was subscribed to: RFC 6665.
type Subscriptions struct {
	Total      int // SUBSCRIBEs outside of a subscription
	Accepted   int
	Rejected   int
	Challenges int
	Refreshes  int            // SUBSCRIBEs inside of one
	Notified   int            // NOTIFYs, retransmissions left out
	Terminated int            // NOTIFYs that ended one
	Events     map[string]int // new subscriptions by event package
	Published  int
	Messages   int // MESSAGE requests
}

// request counts a request.
func (u *Subscriptions) request(x *seen) {
	switch x.method {
	case "SUBSCRIBE":
		if len(x.to) > 0 {
			u.Refreshes++
			return
		}
		u.Total++
		event, _ := x.s.First(sipmsg.Event)
		event, _, _ = bytes.Cut(event, []byte(";"))
		if u.Events == nil {
			u.Events = make(map[string]int)
		}
		name := string(capped(bytes.TrimSpace(event), 64))
		if _, known := u.Events[name]; known || len(u.Events) < 256 {
			u.Events[name]++
		}
	case "NOTIFY":
		u.Notified++
		state, _ := x.s.First(sipmsg.SubscriptionState)
		if bytes.HasPrefix(bytes.ToLower(capped(state, 16)), []byte("terminated")) {
			u.Terminated++
		}
	case "PUBLISH":
		u.Published++
	case "MESSAGE":
		u.Messages++
	}
}

func (u *Subscriptions) answer(code int) {
	switch {
	case code == 401 || code == 407:
		u.Challenges++
	case code < 300:
		u.Accepted++
	default:
		u.Rejected++
	}
}
