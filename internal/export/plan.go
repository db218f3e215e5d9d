package export

import (
	"net/netip"
	"slices"
	"sort"
	"time"

	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/layers"
	"github.com/sipsight/sipsight/sipmsg"
)

// maxFlows bounds the connections of which it is known whose messages they carried.
// Of the ones beyond it, the segments with chosen messages are taken.
const maxFlows = 1 << 17

// A Choice says what to export.
type Choice struct {
	Calls   []*analysis.Call // of the result that the Plan is made with
	CallIDs []string         // of requests outside of calls
	Frames  []analysis.Frame // packets that are taken whatever they are
	NoMedia bool             // leave media out: RTP and RTCP, fax, messages, the floor
}

// A Plan is which packets to copy.
type Plan struct {
	Messages int64 // messages that were chosen, copies left out
	Packets  int64 // packets that are marked …
	Media    int64 // … and those of them that are media

	ids    map[string]*chosenID
	starts map[legStart]bool // where a Call-ID was used several times: whether the leg is chosen
	flows  map[pair]flow
	media  mediaTable    // over UDP
	conn   mediaTable    // over TCP
	others map[pair]bool // between these, media are of calls that are not chosen
	marked []frameSet    // by file

	// Of Mark.
	quoted layers.Frame
	sip    sipmsg.Message
	conns  connTable
	sent   sentTable
}

// A chosenID is a Call-ID with a leg that is chosen.
type chosenID struct {
	mixed bool // it also has a leg that is not
	now   bool // the leg that is under way is chosen
}

// A legStart is the message that a leg began with.
type legStart struct {
	callID string
	frame  analysis.Frame
}

// A pair is the two ends of a connection, the lower one first.
type pair struct{ a, b netip.AddrPort }

func pairOf(a, b netip.AddrPort) (p pair, side int) {
	if b.Compare(a) < 0 {
		return pair{b, a}, 1
	}
	return pair{a, b}, 0
}

// A flow is whose messages a connection carried.
type flow struct {
	chosen  bool
	foreign bool // others than those chosen
	framed  bool // in WebSocket frames, which cannot be read from the middle on
}

// NewPlan returns the plan of a choice among the calls of res.
func NewPlan(res *analysis.Result, c *Choice) *Plan {
	p := &Plan{
		ids:    make(map[string]*chosenID),
		starts: make(map[legStart]bool),
		flows:  make(map[pair]flow),
		marked: make([]frameSet, len(res.Files)),
	}
	for _, f := range c.Frames {
		p.mark(f)
	}
	for _, id := range c.CallIDs {
		p.ids[id] = &chosenID{now: true}
	}
	chosen := make([]bool, res.Calls.Len()+1)
	for _, call := range c.Calls {
		chosen[call.ID] = true
		for _, l := range call.Legs {
			if p.ids[l.CallID] == nil {
				p.ids[l.CallID] = &chosenID{now: true}
			}
		}
		if !c.NoMedia {
			p.addMedia(call)
		}
	}
	p.media.settle()
	p.conn.settle()
	if len(p.media) > 0 && len(res.Streams) > 0 {
		p.leaveOut(res, chosen)
	}
	p.tellApart(&res.Calls, chosen)
	return p
}

// tellApart finds the Call-IDs that calls which are not chosen have as well.
func (p *Plan) tellApart(calls *analysis.CallList, chosen []bool) {
	mixed := false
	for call := range calls.All() {
		for _, l := range call.Legs {
			if id := p.ids[l.CallID]; id != nil && !chosen[call.ID] {
				id.mixed, mixed = true, true
			}
		}
	}
	if !mixed {
		return
	}
	for call := range calls.All() {
		for _, l := range call.Legs {
			if id := p.ids[l.CallID]; id != nil && id.mixed {
				p.starts[legStart{l.CallID, l.First}] = chosen[call.ID]
			}
		}
	}
}

// Message is shown every message of the timeline, in order, and reports whether it is one
// of those chosen.
func (p *Plan) Message(m *analysis.Message) bool {
	taken := p.takes(m)
	if taken {
		if !m.IsCopy() {
			p.Messages++
		}
		for _, f := range m.Frames {
			p.mark(f)
		}
	}
	if m.Transport != "UDP" && !slices.Contains(m.Tunnel, "HEP") {
		p.flowOf(m, taken)
	}
	return taken
}

// takes reports whether a message is of a chosen leg.
func (p *Plan) takes(m *analysis.Message) bool {
	v := analysis.CallID(m.SIP)
	id := p.ids[string(v)]
	if id == nil {
		return false
	}
	if id.mixed {
		if chosen, ok := p.starts[legStart{string(v), m.Frame}]; ok {
			id.now = chosen
		}
	}
	return id.now
}

// flowOf notes whose message a connection carried.
func (p *Plan) flowOf(m *analysis.Message, taken bool) {
	k, _ := pairOf(m.Source, m.Destination)
	f, known := p.flows[k]
	if !known && len(p.flows) >= maxFlows {
		return
	}
	if taken {
		f.chosen = true
	} else {
		f.foreign = true
	}
	f.framed = f.framed || m.Transport == "WS" || m.Transport == "WSS"
	p.flows[k] = f
}

// whole reports whether a connection is taken with all its packets: where it carried the
// chosen messages alone, or can only be read as a whole.
func (f flow) whole() bool { return f.chosen && (!f.foreign || f.framed) }

// mark marks a packet and reports whether it was not marked yet.
func (p *Plan) mark(f analysis.Frame) bool {
	if f.File < 0 || f.File >= len(p.marked) || f.Number <= 0 || !p.marked[f.File].add(f.Number) {
		return false
	}
	p.Packets++
	return true
}

func (p *Plan) isMarked(f analysis.Frame) bool {
	return f.File < len(p.marked) && p.marked[f.File].has(f.Number)
}

// A frameSet is a set of frame numbers of one file.
type frameSet []uint64

// add adds a number that is over 0 and reports whether it is new. The packet of that number
// was read: the set is far smaller than the file.
func (s *frameSet) add(n int64) bool {
	i, bit := n>>6, uint64(1)<<(n&63)
	if need := int(i) + 1 - len(*s); need > 0 {
		*s = append(*s, make([]uint64, need)...)
	}
	if (*s)[i]&bit != 0 {
		return false
	}
	(*s)[i] |= bit
	return true
}

func (s frameSet) has(n int64) bool {
	return n>>6 < int64(len(s)) && s[n>>6]&(1<<(n&63)) != 0
}

func (s frameSet) empty() bool { return len(s) == 0 }

// mediaWait is how long behind the last message of a call media are still taken: what is
// under way when it ends, and the RTCP BYE.
const mediaWait = 5 * time.Second

// forever is behind every time of a capture.
var forever = time.Unix(1<<40, 0)

// A mediaTable is where media go to, and when.
type mediaTable map[netip.AddrPort][]span

// A span is a time from one moment to another.
type span struct{ from, to time.Time }

// spanOf returns the time in which media are of a call: all time where the clock was set back before its end.
func spanOf(c *analysis.Call) span {
	s := span{c.First().Begin, time.Time{}}
	for _, l := range c.Legs {
		end := l.Last.Add(mediaWait)
		switch {
		case l.Unfinished || l.Last.IsZero():
			end = forever
		case l.Last.Before(l.Begin):
			return span{time.Time{}, forever}
		}
		if end.After(s.to) {
			s.to = end
		}
		if l.Begin.Before(s.from) {
			s.from = l.Begin
		}
	}
	return s
}

// addMedia adds the media of a call: to and from each address that was announced, as a candidate of ICE as well, and
// those that its streams have on other hops.
func (p *Plan) addMedia(c *analysis.Call) {
	s := spanOf(c)
	for _, l := range c.Legs {
		if l.Media == nil {
			continue
		}
		for i := range l.Media.Endpoints {
			p.media.addRTP(l.Media.Endpoints[i].Addr, s)
		}
		for i := range l.Media.Candidates {
			p.media.addRTP(l.Media.Candidates[i].Addr, s)
		}
		for _, x := range l.Media.Relayed {
			p.media.addRTP(x.Source(), s)
			p.media.addRTP(x.Destination(), s)
		}
		for _, x := range l.Media.Sessions {
			for i := range x.Side {
				if !x.OverTCP() {
					break
				}
				for _, a := range x.Side[i].Addrs() {
					p.conn.add(a, s)
				}
			}
		}
	}
}

// leaveOut notes between whom calls that are not chosen have their streams: a server may have one port for the media of all
// calls. Where a chosen one has a stream between the same two, what goes there is taken.
func (p *Plan) leaveOut(res *analysis.Result, chosen []bool) {
	p.others = make(map[pair]bool)
	for c := range res.Calls.All() {
		if !chosen[c.ID] {
			p.leaveOutCall(c)
		}
	}
	for _, s := range res.AllStreams() {
		if s.Call == 0 || chosen[s.Call] {
			for _, k := range pairsOf(s) {
				delete(p.others, k)
			}
		}
	}
}

// leaveOutCall is leaveOut for one call. Where no end of a stream is its own alone it may be of either.
func (p *Plan) leaveOutCall(c *analysis.Call) {
	own := make(map[netip.AddrPort]bool)
	for _, l := range c.Legs {
		if l.Media == nil || len(l.Media.Streams) == 0 {
			continue
		}
		for _, list := range [...][]analysis.Endpoint{l.Media.Endpoints, l.Media.Candidates} {
			for i := range list {
				if a := plain(list[i].Addr); p.media[a] == nil {
					own[a] = true
				}
			}
		}
		for _, s := range l.Media.Streams {
			if !own[plain(s.Source())] && !own[plain(s.Destination())] || !p.media.meets(s) {
				continue
			}
			for _, k := range pairsOf(s) {
				p.others[k] = true
			}
		}
	}
}

// meets reports whether a stream goes on at a time in which an address of it is in the table.
func (t mediaTable) meets(s *analysis.Stream) bool {
	at := func(a netip.AddrPort) bool { return t.hasIn(a, s.Begin(), s.End()) }
	return at(s.Source()) || at(s.Destination())
}

// pairsOf returns the two ends of a stream, and those of its RTCP.
func pairsOf(s *analysis.Stream) (list [2]pair) {
	src, dst := plain(s.Source()), plain(s.Destination())
	list[0], _ = pairOf(src, dst)
	list[1], _ = pairOf(netip.AddrPortFrom(src.Addr(), src.Port()+1), netip.AddrPortFrom(dst.Addr(), dst.Port()+1))
	return list
}

// add adds an address.
func (t *mediaTable) add(a netip.AddrPort, s span) {
	if *t == nil {
		*t = make(mediaTable)
	}
	a = plain(a)
	(*t)[a] = append((*t)[a], s)
}

// addRTP adds an address, and the port behind it for RTCP: RFC 3550, section 11.
func (t *mediaTable) addRTP(a netip.AddrPort, s span) {
	t.add(a, s)
	if port := a.Port() + 1; port != 0 {
		t.add(netip.AddrPortFrom(a.Addr(), port), s)
	}
}

func plain(a netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(a.Addr().Unmap().WithZone(""), a.Port())
}

// settle sorts the spans of each address and joins those that overlap.
func (t mediaTable) settle() {
	for a, list := range t {
		sort.Slice(list, func(i, j int) bool { return list[i].from.Before(list[j].from) })
		n := 0
		for _, s := range list[1:] {
			if last := &list[n]; !s.from.After(last.to) {
				if s.to.After(last.to) {
					last.to = s.to
				}
				continue
			}
			n++
			list[n] = s
		}
		t[a] = list[:n+1]
	}
}

// has reports whether media go to or from an address at that time.
func (t mediaTable) has(a netip.AddrPort, now time.Time) bool { return t.hasIn(a, now, now) }

// hasIn reports whether media go to or from an address at some time between two.
func (t mediaTable) hasIn(a netip.AddrPort, from, to time.Time) bool {
	list := t[plain(a)]
	i := sort.Search(len(list), func(i int) bool { return !list[i].to.Before(from) })
	return i < len(list) && !to.Before(list[i].from)
}
