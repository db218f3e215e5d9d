package findings

import (
	"net/netip"
	"slices"
	"sort"
	"time"

	"github.com/sipsight/sipsight/analysis"
)

// othersTalk reports whether RTP of other calls is in the capture at about that time, and
// none that may be of this one.
func (r *captureRun) othersTalk(t *talk, a *agreement, from, to time.Time) bool {
	for i := range a.side {
		at := a.side[i].addr
		if r.shared(at, t, from, to) || overlap(r.heard().stray[at.Addr()], from, to) {
			return false
		}
	}
	return r.heard().within(from.Add(-otherCall), to.Add(otherCall))
}

// shared reports whether RTP of another call than that of t uses an address in a time.
func (r *captureRun) shared(a netip.AddrPort, t *talk, from, to time.Time) bool {
	list := r.heard().at[a]
	if len(list) > maxShared {
		return true
	}
	for _, s := range list {
		if !s.Of(t.leg) && s.End().After(from) && s.Begin().Before(to) && !t.shares(s) {
			return true
		}
	}
	return false
}

// shares reports whether a stream of another leg of its call goes between two addresses that were agreed on in a talk as well: a back-to-back user
// agent leaves media to the phones, perhaps for a part of the call.
func (t *talk) shares(s *analysis.Stream) bool {
	if s.Call == 0 || s.Call != t.leg.CallNumber() || s.Of(t.leg) {
		return false
	}
	for i := range t.agreed {
		if a := &t.agreed[i]; a.isBetween(s, 0) || a.isBetween(s, 1) {
			return true
		}
	}
	return false
}

// sent returns the streams of audio that a side sent on a path, with those that are shared.
func (r *captureRun) sent(t *talk, p path, by int, alone bool) []*analysis.Stream {
	list := t.sent(p, by, alone)
	for _, a := range p {
		other := r.heard().at[a.side[by].addr]
		for _, s := range other[:min(len(other), maxShared)] {
			if a.isBetween(s, by) && isAudio(s) && t.shares(s) && !slices.Contains(list, s) {
				list = append(list, s)
			}
		}
	}
	return list
}

// isOthers reports whether a stream that is given to a call, with one end that nobody announced, may be that of another: RTP of others
// uses the other end while it goes on, and so does what its sender sends in this call as it was announced.
func (r *captureRun) isOthers(t *talk, s *analysis.Stream, end netip.AddrPort) bool {
	beside := func(x *analysis.Stream) bool { return x.End().After(s.Begin()) && x.Begin().Before(s.End()) }
	list, own := r.heard().at[end], t.leg.Media.Streams
	if len(list) <= maxShared && !slices.ContainsFunc(list, func(x *analysis.Stream) bool { return x.Call != 0 && x.Call != s.Call && beside(x) }) {
		return false
	}
	return len(own) <= maxShared && slices.ContainsFunc(own, func(x *analysis.Stream) bool {
		if x.SentBy != s.SentBy || x.Source() != end && x.Destination() != end || !beside(x) {
			return false
		}
		from, _, _ := r.announced(t, x.Source(), x.SentBy)
		to, _, _ := r.announced(t, x.Destination(), otherSide(x.SentBy))
		return from && to
	})
}

// A streamIndex finds streams by address and time.
type streamIndex struct {
	at    map[netip.AddrPort][]*analysis.Stream // by both ends
	stray map[netip.Addr][]*analysis.Stream     // those of no call, by both ends
	hosts map[netip.Addr]*mediaHost             // both ends
	all   []*analysis.Stream                    // in the order in which they begin
	begin []time.Time                           // of these
	end   []time.Time                           // the latest end of those up to it
	brief []briefStream                         // of these, made when isAmong asks for it
}

// A briefStream is what isAmong asks of a stream, for each call without media anew: to report on one takes long.
type briefStream struct {
	from, to netip.Addr
	end      time.Time
	few      bool // it strays: see fewPackets
}

// maxShared bounds the streams of one address that are looked at: where there are more, one of
// them is taken to fit.
const maxShared = 256

// heard returns the index of all streams, made when it is asked for.
func (r *captureRun) heard() *streamIndex {
	if r.c.streams != nil {
		return r.c.streams
	}
	x := &streamIndex{at: make(map[netip.AddrPort][]*analysis.Stream), stray: make(map[netip.Addr][]*analysis.Stream), hosts: make(map[netip.Addr]*mediaHost)}
	r.c.streams = x
	x.all = slices.Clone(r.Streams)
	sort.SliceStable(x.all, func(i, k int) bool { return x.all[i].Begin().Before(x.all[k].Begin()) })
	var last time.Time
	for _, s := range x.all {
		x.meet(s.Source().Addr(), s.Destination().Addr())
		x.host(s.Source().Addr()).streams++
		if s.Source().Addr() != s.Destination().Addr() {
			x.host(s.Destination().Addr()).streams++
		}
		for _, a := range [2]netip.AddrPort{s.Source(), s.Destination()} {
			x.at[a] = append(x.at[a], s)
			if s.Call == 0 {
				x.stray[a.Addr()] = append(x.stray[a.Addr()], s)
			}
		}
		if s.End().After(last) {
			last = s.End()
		}
		x.begin, x.end = append(x.begin, s.Begin()), append(x.end, last)
	}
	for src, dst := range r.SentRTCP() {
		x.meet(src, dst)
	}
	return x
}

// maxMediaPeers bounds the hosts that are known to exchange media with one, manyMediaPeers are so many
// that it is that one which is captured.
const (
	maxMediaPeers  = 16
	manyMediaPeers = 3
)

// A mediaHost is a host that sends or gets media, or RTCP.
type mediaHost struct {
	peers   []netip.Addr // at most maxMediaPeers
	streams int          // of RTP
	sends   bool
	gets    bool
}

// host returns what is known of a host.
//
//go:noinline
func (x *streamIndex) host(a netip.Addr) *mediaHost {
	h := x.hosts[a]
	if h == nil {
		h = new(mediaHost)
		x.hosts[a] = h
	}
	return h
}

// meet notes that a host sends something to another one.
func (x *streamIndex) meet(src, dst netip.Addr) {
	from, to := x.host(src), x.host(dst)
	from.sends, to.gets = true, true
	from.peer(dst)
	to.peer(src)
}

// peer notes who a host exchanges media with.
func (h *mediaHost) peer(a netip.Addr) {
	if len(h.peers) < maxMediaPeers && !has(h.peers, a) {
		h.peers = append(h.peers, a)
	}
}

// isCaptured reports whether packets between the two media addresses of an agreement would be in
// the capture: others between these hosts are, or it is one of them that is captured.
func (r *captureRun) isCaptured(t *talk, a *agreement) bool {
	from, to := a.side[0].addr.Addr(), a.side[1].addr.Addr()
	there, _ := r.Saw(from, to)
	back, _ := r.Saw(to, from)
	h := r.heard().hosts[from] // who sent RTP or RTCP, Saw does not know
	return there || back || h != nil && has(h.peers, to) || r.seesAll(t, from) || r.seesAll(t, to)
}

// seesAll reports whether the capture is likely to hold all media of a host. It has some with three
// others, those left out that the signalling of the leg goes to; or with one, and is an end of each hop
// of the call and of most streams. Where all it has is with an end of a hop, it may be that one which is captured.
func (r *captureRun) seesAll(t *talk, host netip.Addr) bool {
	h, others := r.heard().hosts[host], 0
	if h == nil {
		return false
	}
	is := func(h analysis.Hop, a netip.Addr) bool { return h.A.Addr().Unmap() == a || h.B.Addr().Unmap() == a }
	for _, peer := range h.peers {
		if !slices.ContainsFunc(t.leg.Hops, func(h analysis.Hop) bool { return is(h, peer) }) {
			others++
		}
	}
	return others >= manyMediaPeers || others > 0 && 2*h.streams > len(r.Streams) && !slices.ContainsFunc(r.legsOf(t), func(l *analysis.Leg) bool {
		return slices.ContainsFunc(l.Hops, func(h analysis.Hop) bool { return !is(h, host) })
	})
}

// isAmong reports whether the capture is of a place where media of a call would be seen, as far as is known: one of its
// two media addresses sends something, and RTP of others is seen at that time that who captures at a server of its
// signalling would not have, nor at one host that all of it goes to or comes from.
func (r *captureRun) isAmong(t *talk, a *agreement, from, to time.Time) bool {
	ours := [2]netip.Addr{a.side[0].addr.Addr(), a.side[1].addr.Addr()}
	if !r.sends(ours[0]) && !r.sends(ours[1]) {
		return false
	}
	servers := serversOf(r.legsOf(t))
	from, to = from.Add(-otherCall), to.Add(otherCall)
	var hub []netip.Addr // ends of all that was looked at …
	pairs := false       // … and whether that is of more than two hosts
	found := false
	list := r.heard().during(from, to)
	for i := range list {
		s := &list[i]
		switch {
		case s.few || s.end.Before(from) || has(servers, s.from) || has(servers, s.to):
		case !found:
			found, hub = true, []netip.Addr{s.from, s.to}
		default:
			pairs = pairs || !has(hub, s.from) || !has(hub, s.to)
			hub = slices.DeleteFunc(hub, func(h netip.Addr) bool { return h != s.from && h != s.to })
		}
		if found && len(hub) == 0 {
			return true
		}
	}
	return found && (!pairs || has(ours[:], hub[0]))
}

// has reports whether a host is one of some.
//
//go:noinline
func has(list []netip.Addr, host netip.Addr) bool { return slices.Contains(list, host) }

// serversOf returns the hosts of the legs of a call at which all of its signalling may have been captured: those that pass its requests
// on, and those that are an end of each hop.
func serversOf(legs []*analysis.Leg) (list []netip.Addr) {
	var from, to, both []netip.Addr
	for i, l := range legs {
		for k := range l.Hops {
			a, b := l.Hops[k].A.Addr().Unmap(), l.Hops[k].B.Addr().Unmap()
			from, to = append(from, a), append(to, b)
			if i == 0 && k == 0 {
				both = []netip.Addr{a, b}
			}
			both = slices.DeleteFunc(both, func(h netip.Addr) bool { return h != a && h != b })
		}
	}
	for _, h := range from {
		if has(to, h) {
			list = append(list, h)
		}
	}
	return append(list, both...)
}

// maxLookedAt bounds the streams of a time that are looked at.
const maxLookedAt = 4096

// during returns the last streams that began before the end of a time, as many as are looked at. All that were still sent in that time are
// among these, as far as they are within the bound.
func (x *streamIndex) during(from, to time.Time) []briefStream {
	if x.brief == nil {
		x.brief = make([]briefStream, len(x.all))
		for i, s := range x.all {
			x.brief[i] = briefStream{s.Source().Addr(), s.Destination().Addr(), s.End(), s.Report().Packets < fewPackets}
		}
	}
	n, _ := slices.BinarySearchFunc(x.begin, to, time.Time.Compare)
	over, _ := slices.BinarySearchFunc(x.end[:n], from, time.Time.Compare)
	return x.brief[max(over, n-maxLookedAt):n]
}

// within reports whether any stream was sent in a time.
func (x *streamIndex) within(from, to time.Time) bool {
	n, _ := slices.BinarySearchFunc(x.begin, to, time.Time.Compare)
	return n > 0 && !x.end[n-1].Before(from)
}

// overlap reports whether one of some streams was sent in a time.
func overlap(list []*analysis.Stream, from, to time.Time) bool {
	return len(list) > maxShared || slices.ContainsFunc(list, func(s *analysis.Stream) bool { return s.End().After(from) && s.Begin().Before(to) })
}

// goesOn reports whether media of a side under an agreement would be in the capture, where those under an earlier one are: of another sender
// it has something, and it is not without all that goes to the receiver.
func (r *captureRun) goesOn(seen, other *agreement, by int) bool {
	from, to := other.side[by].addr.Addr(), other.side[1-by].addr.Addr()
	return (from == seen.side[by].addr.Addr() || r.sends(from)) && !r.isDeaf(to)
}

// isDeaf reports whether the capture lacks all that goes to a host: it has messages of that, and nothing to it.
func (r *captureRun) isDeaf(a netip.Addr) bool {
	sent, got := r.Sent(a)
	h := r.heard().hosts[a]
	return sent && !got && (h == nil || !h.gets)
}
