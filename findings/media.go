package findings

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sipsight/sipsight/analysis"
)

// mediaRules are the rules about RTP: what was sent, held against what was agreed on.
var mediaRules = []*Rule{rtpWrongTarget, sdpVsSource, oneWayAudio, noAudio, lateOrCutMedia, ptimeMismatch, earlyMedia}

const (
	// maxTalks bounds the legs whose agreements are kept until the streams are known,
	// maxAgreed the agreements of one, and maxInfoTones its digits sent as INFO.
	maxTalks     = 1 << 16
	maxAgreed    = 16
	maxInfoTones = 64

	// maxUnheard bounds the legs that are kept ahead of the first RTP.
	maxUnheard = 32

	// minTalk is how long a call has to last for silence to mean something.
	minTalk = 3 * time.Second

	// heldTalk is how long it has to go on ahead of a hold, or behind it.
	heldTalk = 5 * time.Second

	// fewPackets is what strays: streams with less prove nothing about addresses.
	fewPackets = 5

	// manyPauses tell a sender that suppresses silence from one that was on hold.
	manyPauses = 3

	// silenceStep is the step of what codecs send while nobody speaks: AMR every 160 ms.
	silenceStep = 160 * time.Millisecond

	lateMedia = time.Second         // behind the 2xx
	cutMedia  = 5 * time.Second     // ahead of the BYE
	faxGrace  = 5 * time.Second / 2 // of audio behind the 2xx to T.38
	oneDigit  = time.Second         // INFO and event that are one press of a key
	maxKey    = 16                  // the last event that is a key, or a flash: others are tones of fax and modem
	otherCall = time.Minute         // how far away the RTP of others shows that RTP is captured
)

// passedOf returns what is passed on of a stream.
//
//go:noinline
func passedOf(s *analysis.Stream) *passed { return &passed{side: s.SentBy, at: s.Begin()} }

// strayed returns what is not passed on of a stream that goes to a wrong address.
func (r *captureRun) strayed(t *talk, s *analysis.Stream) *passed {
	p := passedOf(s)
	p.until = s.End()
	if by := sideIndex(s.SentBy); by >= 0 {
		p.lost = isAudio(s) && !r.heeds(t)[by]
	}
	return p
}

//go:noinline
func isAudio(s *analysis.Stream) bool { return strings.EqualFold(s.Kind, "audio") }

// heeds returns which sides send audio to an address that the other one announced, behind the answer.
func (r *captureRun) heeds(t *talk) [2]bool {
	x := r.endsOf(t)
	if x.heeds == nil {
		x.heeds = new([2]bool)
		for _, s := range t.leg.Media.Streams {
			by := sideIndex(s.SentBy)
			if by < 0 || x.heeds[by] || !isAudio(s) || s.Report().Packets < fewPackets || !s.End().After(t.leg.Answered) {
				continue
			}
			x.heeds[by], _, _ = r.announced(t, s.Destination(), otherSide(s.SentBy))
		}
	}
	return *x.heeds
}

// tellOf reports findings of one rule about one leg, which count as one.
func (r *captureRun) tellOf(l *analysis.Leg, list ...Finding) {
	for i, f := range list {
		if i == 0 {
			r.reportOf(legNo(l), l.CallID, f)
			continue
		}
		f.CallID, f.leg = l.CallID, legNo(l)
		r.add(f)
	}
}

// eachStream asks about each stream with packets enough of the talks that are known as a whole.
func (r *captureRun) eachStream(judge func(*talk, *analysis.Stream) (f Finding, ok bool)) {
	for t := range r.talks() {
		if len(t.leg.Media.Streams) == 0 || !r.complete(t) || t.leftOut {
			continue
		}
		r.applies(t.number)
		var list []Finding
		for _, s := range t.leg.Media.Streams {
			if s.Report().Packets < fewPackets {
				continue
			}
			if f, ok := judge(t, s); ok {
				list = append(list, f)
			}
		}
		r.tellOf(t.leg, list...)
	}
}

// legsOf returns the legs of the call of a talk. It is asked for each stream of a call, of which there may be very many, and the legs are
// made anew for each call alone.
func (r *captureRun) legsOf(t *talk) []*analysis.Leg {
	n := t.leg.CallNumber()
	if n == 0 {
		return []*analysis.Leg{t.leg}
	}
	if x := &r.c.call; x.number != n {
		x.number, x.legs = n, r.Calls.At(n-1).Legs
	}
	return r.c.call.legs
}

// The streamEnds are where the streams of the leg that was asked for last come from, and where they go to.
type streamEnds struct {
	leg   legNumber
	from  map[netip.AddrPort]sending
	to    map[netip.AddrPort]bool
	named map[uint32][]*analysis.Stream // by SSRC, made when it is asked for
	heeds *[2]bool                      // see captureRun.heeds, made when it is asked for
}

// endsOf returns the ends of the streams of a talk, of which there may be very many.
func (r *captureRun) endsOf(t *talk) *streamEnds {
	x := &r.c.ends
	if x.leg == t.number {
		return x
	}
	*x = streamEnds{leg: t.number, from: make(map[netip.AddrPort]sending), to: make(map[netip.AddrPort]bool)}
	for _, s := range t.leg.Media.Streams {
		from := x.from[s.Source()]
		from.add(s)
		x.from[s.Source()], x.to[s.Destination()] = from, true
	}
	return x
}

// A sending is what comes from an address: where the last of it went, when that ended, and the last of what went elsewhere.
type sending struct {
	to          netip.AddrPort
	last, other time.Time
}

func (x *sending) add(s *analysis.Stream) {
	switch to, end := s.Destination(), s.End(); {
	case end.After(x.last):
		if to != x.to {
			x.to, x.other = to, x.last
		}
		x.last = end
	case to != x.to && end.After(x.other):
		x.other = end
	}
}

// besides returns the end of the last that goes elsewhere than to an address.
func (x sending) besides(to netip.AddrPort) time.Time {
	if x.to == to {
		return x.other
	}
	return x.last
}

// announced looks for an address among those that the legs of a call announced, as a candidate of ICE as well, of one side or
// of any (NoParty).
func (r *captureRun) announced(t *talk, a netip.AddrPort, side analysis.Party) (exact, host, any bool) {
	for _, l := range r.legsOf(t) {
		if l.Media == nil {
			continue
		}
		for _, list := range [...][]analysis.Endpoint{l.Media.Endpoints, l.Media.Candidates} {
			for i := range list {
				if e := &list[i]; side == analysis.NoParty || e.Side == side {
					same, near := r.announces(e, a)
					exact, host, any = exact || same, host || near, true
				}
			}
		}
	}
	return exact, host, any
}

// described returns what a side of a leg announces, and in which frame: by an agreement that is known, or else last.
func described(l *analysis.Leg, side analysis.Party, known *voice) (addr string, f analysis.Frame) {
	if known != nil {
		return endpoint(known.addr), known.frame
	}
	addr = "none"
	for i := range l.Media.Endpoints {
		if e := &l.Media.Endpoints[i]; e.Side == side {
			addr, f = endpoint(e.Addr), e.Frame
		}
	}
	return addr, f
}

var rtpWrongTarget = &Rule{
	ID: "rtp-wrong-target", RFC: "RFC 3264 5.1, 6.1", Severity: "error / note",
	Title: "RTP is sent to an address that nobody asked for",
	Doc: `A stream of five packets and more, from an address that a side of the call announced, goes to one that no session description of the call announced, from which no RTP of the call comes, and is not captured on its way through a NAT to an announced one. Only possible where RTP of other calls uses its source at that time, and the side sends from there as it was asked to, too. Where only the port differs from
one of the other side it is a note, but where that side sends no audio to an announced address and is silent on another hop at that time (see one-way-audio), which is related to it then. It is an error where a stream goes on for 5 s and more to an address that the other side had before a re-INVITE or an UPDATE, or to that of a phone which is not the one that answered, if its sender sends nothing to the address agreed on, and nothing comes from the other one any more; what late-or-cut-media tells of that side on another leg at that time is related to it. A private address stands for the public one that its host announces, where the signalling shows the NAT between them and the public one is nowhere in the capture. Silent with ICE, where messages of the call are cut or its beginning is missing, or the numbers of a side leave out a request.`,
	Why: "What is sent there is heard by nobody, or by the wrong one.",
	Fix: "Compare the destination with the c= and m= lines of the other side: an old description is used, or a device on the way changed one of them.",
	capture: func(r *captureRun) {
		r.eachStream(func(t *talk, s *analysis.Stream) (f Finding, ok bool) {
			if a, end := r.leftBehind(t, s); a != nil {
				v, to := &a.side[1-sideIndex(s.SentBy)], sideOf(otherSide(s.SentBy))
				return Finding{
					Severity: Error, Frames: []analysis.Frame{v.frame, s.Last()},
					Observed: fmt.Sprintf("%s goes on sending to %s for %s after %s asked for %s", sideOf(s.SentBy), endpoint(s.Destination()), seconds(end.Sub(a.at)), to, endpoint(v.addr)),
					Expected: "RTP to the address in the last description of " + to,
					Because:  fmt.Sprintf("RTP of %s went on to %s, where %s is not", sideOf(s.SentBy), endpoint(s.Destination()), to), end: goesOn,
					passed: &passed{side: s.SentBy, at: a.at, until: end, lost: true},
				}, true
			}
			if _, sends := r.endsOf(t).from[s.Destination()]; sends {
				return f, false
			}
			exact, _, _ := r.announced(t, s.Destination(), analysis.NoParty)
			other := otherSide(s.SentBy)
			_, host, any := r.announced(t, s.Destination(), other)
			if exact || !any || r.throughNAT(t, s, func(x *analysis.Stream) bool {
				exact, _, _ := r.announced(t, x.Destination(), other)
				return exact && x.Source() == s.Source()
			}) {
				return f, false
			}
			_, frame := described(t.leg, other, t.meant(s))
			f = Finding{
				Severity: Error, Frames: []analysis.Frame{frame, s.First},
				Observed: fmt.Sprintf("%s sends %s to %s, which no session description of the call announces", sideOf(s.SentBy), number(int(s.Report().Packets), "packet"), endpoint(s.Destination())),
				Expected: "RTP to the address in the last description of " + sideOf(other),
				passed:   r.strayed(t, s),
			}
			f.Because, f.end = fmt.Sprintf("RTP of %s went to %s, which nobody asked for", sideOf(s.SentBy), endpoint(s.Destination())), goesOn
			if host {
				f.Severity = Note
				f.Observed += "; the address is announced with another port"
			}
			if r.isOthers(t, s, s.Source()) {
				f.Confidence = Possible
			}
			return f, true
		})
	},
}

// leftBehind returns the agreement that a stream goes on in spite of, up to a time: to where the other side was before a re-INVITE or an
// UPDATE, or to a phone that announced itself and is not the one that answered. It is nil where the stream is asked for, the agreement
// has streams of its own, or something is still sent from there.
func (r *captureRun) leftBehind(t *talk, s *analysis.Stream) (a *agreement, end time.Time) {
	by, to := sideIndex(s.SentBy), s.Destination()
	end = s.End()
	if by < 0 {
		return nil, end
	}
	if t.leg.ByBye && t.leg.Ended.Before(end) {
		end = t.leg.Ended
	}
	for _, p := range t.hops() {
		x, asked := p.behind(s, by, end)
		switch {
		case asked, slices.ContainsFunc(p[1:], func(x *agreement) bool { return x.first }): // two phones answered
			return nil, end
		case x != nil && end.Sub(x.at) >= cutMedia:
			a = x
		}
	}
	if a == nil || !slices.ContainsFunc(t.leg.Media.Endpoints, func(e analysis.Endpoint) bool { return e.Addr == to && sideIndex(e.Side) == 1-by }) {
		return nil, end
	}
	ends, settled := r.endsOf(t), a.at.Add(lateMedia)
	if ends.from[to].last.After(settled) || ends.from[s.Source()].besides(to).After(settled) {
		return nil, end
	}
	for _, l := range r.legsOf(t) {
		if legNo(l) != t.number && l.Media != nil && slices.ContainsFunc(l.Media.Endpoints, func(e analysis.Endpoint) bool { return e.Addr == to }) {
			return nil, end
		}
	}
	return a, end
}

// throughNAT reports whether a stream is captured on the other side of a NAT, too, where it has an end that
// was announced: what is told of that by fits.
func (r *captureRun) throughNAT(t *talk, s *analysis.Stream, fits func(*analysis.Stream) bool) bool {
	ends := r.endsOf(t)
	if ends.named == nil {
		ends.named = make(map[uint32][]*analysis.Stream)
		for _, x := range t.leg.Media.Streams {
			ends.named[x.SSRC()] = append(ends.named[x.SSRC()], x)
		}
	}
	list := ends.named[s.SSRC()]
	return len(list) > maxShared || slices.ContainsFunc(list, func(x *analysis.Stream) bool { return x != s && s.IsRelayOf(x) && fits(x) })
}

//go:noinline
func otherSide(p analysis.Party) analysis.Party {
	switch p {
	case analysis.Caller:
		return analysis.Callee
	case analysis.Callee:
		return analysis.Caller
	}
	return p
}

// sideParties are the sides by their index.
var sideParties = [2]analysis.Party{analysis.Caller, analysis.Callee}

//go:noinline
func sideOf(p analysis.Party) string {
	if i := sideIndex(p); i >= 0 {
		return sideNames[i]
	}
	return "one side"
}

var sdpVsSource = &Rule{
	ID: "sdp-vs-source", RFC: "RFC 3264 5.1, 6.1", Severity: "warning / note",
	Title: "RTP comes from another address than its sender announced",
	Doc: `A stream of five packets and more goes to an address that the call announced, from one that its sender did not (where only the port differs: a note); only possible where RTP of other calls uses its destination at that time, as a port that a server has for all media, and its sender sends there from an announced one, too. Silent where the
other side sends to that source (symmetric RTP), where a NAT maps it to an announced one (as for rtp-wrong-target) or the stream is captured with that as its source, too, where it goes to a multicast address, with ICE, where messages of the call are cut or its beginning is missing. RTCP says nothing here.`,
	Why: "The other side sends to the announced address, and that may be behind a NAT: one hears, the other does not.",
	Fix: "Make the sender announce the address that it sends from (STUN, external address), or the other side answer to where RTP comes from (symmetric RTP).",
	capture: func(r *captureRun) {
		r.eachStream(func(t *talk, s *analysis.Stream) (f Finding, ok bool) {
			if r.endsOf(t).to[s.Source()] {
				return f, false
			}
			exact, host, any := r.announced(t, s.Source(), s.SentBy)
			to, _, _ := r.announced(t, s.Destination(), otherSide(s.SentBy))
			if exact || !any || !to || s.Destination().Addr().IsMulticast() || r.throughNAT(t, s, func(x *analysis.Stream) bool {
				exact, _, _ := r.announced(t, x.Source(), s.SentBy)
				return exact && x.Destination() == s.Destination()
			}) {
				return f, false
			}
			addr, frame := described(t.leg, s.SentBy, t.own(s))
			f = Finding{
				Severity: Warning, Frames: []analysis.Frame{frame, s.First},
				Observed: fmt.Sprintf("RTP of %s comes from %s, and %s announced %s", sideOf(s.SentBy), endpoint(s.Source()), sideOf(s.SentBy), addr),
				Expected: "RTP from the announced address, or from one to which the other side sends",
			}
			if host {
				f.Severity = Note
			}
			if r.isOthers(t, s, s.Destination()) {
				f.Confidence = Possible
			}
			return f, true
		})
	},
}

var oneWayAudio = &Rule{
	ID: "one-way-audio", RFC: "RFC 3264 6.1", Severity: "error / note",
	Title: "audio went one way only",
	Doc: `A call was answered with 2xx and ACK (on whatever hop) and went on for 3 s and more; by its descriptions both sides send and receive audio, for 5 s and more ahead of a hold or behind it, or in all; RTP of one side is in the capture in that time (1 s and more of a stream that begins ahead of it or goes on behind it), and none of the other behind the 2xx, or packets that make no stream, or, in 5 s and more, less than five (likely, then). It is certain
where both media addresses are sources of some packet (RTCP is one), and not one of which the capture has all messages and nothing that goes there, and only possible otherwise: the other direction may have taken another way. Silent where all that was sent is comfort noise, describes silence or is telephone events, where another agreement takes the media to hosts between which they would not be captured (see no-audio), where RTP of another call uses the address and port of who sends at that time, or that of the silent side while the stream does not go between the two, where messages of the call are cut or its beginning is missing.
Where both sides use ICE, the two addresses are those of the stream; silent on a hop with ICE that is not the only one with descriptions of its own, and of a further phone that answered and has no ACK (see fork-outcomes). Judged for each such hop, and told of that nearest to who is silent; what who is between gets on another hop of that side, and does not pass on, is named.`,
	Why: "One hears, the other does not: what people report most.",
	Fix: "Look where the silent side was told to send (c= and m= in the description of the other): behind a NAT or a firewall nothing gets out, or nothing comes back to the capture.",
	capture: func(r *captureRun) {
		for t := range r.talks() {
			from, to, ok := r.lasted(t)
			if !ok || !r.known(t) || len(t.leg.Media.Streams) == 0 || t.fax {
				continue
			}
			r.applies(t.number)
			var list []Finding
			paths := t.paths()
			for silent := range 2 { // what a relay does not get it does not pass on: the hop nearest to who is silent is told
				n := len(list)
				for k := range paths {
					i := nearest(silent, k, len(paths))
					nearer := paths[:i]
					if silent == 1 {
						nearer = paths[i+1:]
					}
					if f, ok := r.oneWay(t, paths[i], nearer, silent, len(paths) == 1, from, to); ok && (len(list) == n || f.Confidence != Possible) {
						if list = append(list[:n], f); f.Confidence != Possible {
							break
						}
					}
				}
			}
			r.tellOf(t.leg, list...)
		}
	},
}

// nearest returns which of n paths is the k-th from a side on: their order is that of the way of the INVITE.
func nearest(side, k, n int) int {
	if side == 0 {
		return k
	}
	return n - 1 - k
}

// oneWay looks for a side that sends nothing on a path, while the other one does. Others are nearer to that side.
func (r *captureRun) oneWay(t *talk, p path, nearer []path, silent int, alone bool, from, to time.Time) (f Finding, ok bool) {
	part, begin, end := p.longest(from, to, (*agreement).both)
	if part == nil || !alone && p.ice() || p.first().other { // of which path a stream between candidates is; nobody talks to a further phone that has no ACK
		return f, false
	}
	var sent [2][]*analysis.Stream
	var heard [2]bool
	for by := range sent {
		sent[by] = r.sent(t, p, by, alone)
		if by != silent {
			sent[by] = slices.DeleteFunc(sent[by], func(s *analysis.Stream) bool {
				return digitsAlone(s) || reachesInto(s, begin, end) < lateMedia
			})
		}
		for _, s := range sent[by] {
			heard[by] = heard[by] || s.End().After(from) && s.Begin().Before(to) && quiet(s) < s.Report().Packets
		}
	}
	by := 1 - silent
	none, stray := "no stream", heard[silent] && few(sent[silent]) && end.Sub(begin) >= cutMedia
	if stray {
		none, sent[silent] = "a stray packet or a few, and no stream,", nil
	}
	if heard[silent] && !stray || !heard[by] || few(sent[by]) {
		return f, false
	}
	first, _ := spanOf(sent[by])
	seen := part.of(first, by)
	before := part.at(end.Add(-lateMedia)) // one of the last second, as servers make ahead of a BYE, says nothing
	ends, last := seen.pair(), before.pair()
	between := before.isBetween(first, by)
	if p.ice() { // it goes between candidates, and so does what answers it
		ends[by], ends[silent] = first.Source(), first.Destination()
		last = ends
		between, _, _ = r.announced(t, ends[by], sideParties[by])
	}
	// What comes to an address that this call has announced for itself is of this call, whoever else the other one talks to.
	if slices.ContainsFunc(sent[silent], func(s *analysis.Stream) bool { return s.End().After(from) }) || // comfort noise
		r.shared(last[by], t, from, to) || !between && r.shared(last[silent], t, from, to) {
		return f, false
	}
	if slices.ContainsFunc(part, func(a *agreement) bool { return !r.follows(t, seen, a) }) {
		return f, false
	}
	var lone []analysis.LonePacket
	if !stray {
		noise := false
		if lone, noise = r.lone(ends[silent], ends[by], from, to); noise {
			return f, false
		}
	}
	if few := fewOf(lone); few != "" {
		none = few
	}
	where := "the capture"
	if len(sent[silent]) > 0 { // ahead of the answer, or of a hold
		where = seconds(end.Sub(begin)) + " of talk"
	}
	f = Finding{
		Severity: Error, Frames: []analysis.Frame{part.first().frame, first.First},
		Observed: fmt.Sprintf("%s sends RTP to %s, and %s of %s is seen in %s of talk", sideNames[by], endpoint(first.Destination()), none, sideNames[1-by], seconds(end.Sub(begin))),
		Expected: "RTP from " + endpoint(ends[silent]) + " to " + endpoint(ends[by]),
		RFC:      "RFC 3264 6.1",
		Because:  "audio went one way only, with no stream of " + sideNames[silent] + " in " + where, end: goesOn,
		passed: &passed{side: sideParties[silent], same: "silent", at: begin, until: end},
	}
	if len(lone) > 0 {
		f.Frames = append(f.Frames, lone[0].Frame)
	}
	if stray || len(lone) > 0 {
		f.Confidence = Likely
	} else if s := r.elsewhere(t, nearer, silent, begin, end); s != nil {
		f.Observed += fmt.Sprintf(" on this hop; on another one it sends to %s", endpoint(s.Destination()))
		f.Because = "audio went one way only: what " + sideNames[silent] + " sends is not passed on"
		f.NextStep = fmt.Sprintf("Look at %s, which gets that audio and should pass it on.", hostName(s.Destination().Addr()))
	}
	for _, end := range last {
		if !r.sends(end.Addr()) || r.isDeaf(end.Addr()) {
			f.Confidence = Possible
		}
	}
	t.strays[silent] = t.strays[silent] || stray && f.Confidence > Possible
	return f, true
}

// elsewhere returns a stream of sound that a side sends in a time on a hop nearer to it, to where it was asked to; nil for none. Where it is
// asked for, who is between does not pass that on.
func (r *captureRun) elsewhere(t *talk, nearer []path, by int, begin, end time.Time) *analysis.Stream {
	var list []*analysis.Stream
	for _, p := range nearer {
		list = append(list, t.sent(p, by, false)...)
	}
	for _, l := range r.legsOf(t) {
		if l.Media != nil && legNo(l) != t.number && (legNo(l) < t.number) == (by == 0) {
			list = append(list, l.Media.Streams...)
		}
	}
	for _, s := range list {
		n := s.Report().Packets
		if sideIndex(s.SentBy) != by || !isAudio(s) || n < fewPackets || quiet(s)+int64(s.Events) >= n || !s.End().After(begin) || !s.Begin().Before(end) || reachesInto(s, begin, end) < lateMedia {
			continue
		}
		if asked, _, _ := r.announced(t, s.Destination(), otherSide(s.SentBy)); asked {
			return s
		}
	}
	return nil
}

// lone returns the packets without a stream that go from one address to another in a time, and whether one of them is comfort noise.
func (r *captureRun) lone(src, dst netip.AddrPort, from, to time.Time) (list []analysis.LonePacket, noise bool) {
	for _, x := range r.Lone(src, dst) {
		if x.Time.After(from) && x.Time.Before(to) {
			list, noise = append(list, x), noise || x.Noise
		}
	}
	return list, noise
}

// fewOf says which packets without a stream there are, "" for none.
func fewOf(lone []analysis.LonePacket) string {
	switch len(lone) {
	case 0:
		return ""
	case 1:
		return "a single packet, and no stream,"
	}
	return "some packets, and no stream,"
}

// reachesInto returns how much of a time a stream that begins ahead of it or ends behind it is sent in: what is on its way when another
// agreement is made goes on for a moment. For a stream that lies in that time it is all of it.
func reachesInto(s *analysis.Stream, begin, end time.Time) time.Duration {
	from, to := s.Begin(), s.End()
	if !from.Before(begin) && !to.After(end) {
		return end.Sub(begin)
	}
	if from.Before(begin) {
		from = begin
	}
	if to.After(end) {
		to = end
	}
	return to.Sub(from)
}

var noAudio = &Rule{
	ID: "no-audio", RFC: "RFC 3264 6.1", Severity: "error",
	Title: "an answered call without any audio",
	Doc: `A call was answered with 2xx and ACK (on whatever hop) and went on for 3 s and more; its descriptions agree on audio, not inactive, and for 5 s and more not on hold; no RTP of it is in the capture, though RTP of other calls is within 60 s, and one of its two media addresses is the source of
some packet (single packets of it are named, and comfort noise among them is no silence); where other agreements had it go elsewhere, 5 s and more are left. The capture may have been taken at a server, past which media go from phone to phone: silent therefore where all that RTP of others, but for streams of less than five packets, has one end that passes requests of this call on, that is an end of each of its hops, or that is no media address of
this call and has more than one peer. These are told all the same where packets between the two media addresses are in the capture, or one of these has RTP with three hosts and more that are no ends of its hops; or with one, and is an end of each hop of the call and of most streams of the capture. Silent where RTP of no call went to or came from one of these addresses in that time, or RTP of another call uses one of them with its port, with ICE, over TCP (RFC 4571), where messages of the call are cut or its beginning is missing.`,
	Why: "Both sides hear nothing. Where media of other calls are seen, those of this one would be.",
	Fix: "Look whether the two addresses of media can reach each other; where media take another way than the signalling, capture there.",
	Odd: "no audio is in the capture, neither way",
	capture: func(r *captureRun) {
		for t := range r.talks() {
			from, to, ok := r.lasted(t)
			if !ok || !r.complete(t) || t.fax {
				continue
			}
			part, from, to := t.paths()[0].longest(from, to, (*agreement).either)
			if part == nil {
				continue
			}
			r.applies(t.number)
			a := part.at(to)
			if a.side[0].addr.Addr().IsUnspecified() || a.side[1].addr.Addr().IsUnspecified() {
				continue
			}
			if slices.ContainsFunc(r.legsOf(t), func(l *analysis.Leg) bool { return l.Media != nil && len(l.Media.Streams) > 0 }) {
				continue
			}
			captured := func(a *agreement) bool { return r.isCaptured(t, a) || r.isAmong(t, a, from, to) }
			if !r.othersTalk(t, a, from, to) || !captured(a) {
				continue
			}
			talk := part.free(from, to, captured)
			if talk < min(to.Sub(from), heldTalk) {
				continue
			}
			caller, callee := a.side[0].addr, a.side[1].addr
			there, noise := r.lone(caller, callee, from, to)
			back, noiseBack := r.lone(callee, caller, from, to)
			if noise || noiseBack {
				continue
			}
			f := Finding{
				Severity: Error, Frames: []analysis.Frame{a.frame}, Confidence: Likely,
				Observed: fmt.Sprintf("no RTP between %s and %s in %s of talk, though RTP of others is in the capture", endpoint(caller), endpoint(callee), seconds(talk)),
				Expected: "RTP both ways",
				passed:   &passed{side: analysis.Callee, same: "silent", at: from, until: to},
			}
			if lone := append(there, back...); len(lone) > 0 {
				f.Observed = fewOf(lone) + " of RTP" + strings.TrimPrefix(f.Observed, "no RTP")
				f.Because, f.end = "no stream of audio is in the capture, neither way", goesOn
				f.Frames = append(f.Frames, lone[0].Frame)
			}
			r.tellOf(t.leg, f)
		}
	},
}

var lateOrCutMedia = &Rule{
	ID: "late-or-cut-media", RFC: "RFC 3264 5.1, 8", Severity: "warning",
	Title: "audio began late, or ended long before the call",
	Doc: `In one direction, in which the descriptions in force let audio be sent then (sendonly from the start on is no hold), the first RTP comes over 1 s behind the 2xx, or the last over 5 s ahead of the BYE; times in which it may not be sent, or goes between hosts between which it would not be captured, do not count. Judged for each hop that has descriptions of its own, and told of that nearest to the sender. Silent without any
RTP, with telephone events alone or with less than five packets that one-way-audio tells of; at the beginning with comfort noise or frames that describe silence (SID of G.729, G.723.1, AMR, EVS, DTX of Opus) anywhere; at the end where such are the last, or may be missing (packets are lost, digits were sent, or there were more pauses), or, without any, with three pauses with talkspurts behind them, and one more for each change of the session, where a transfer was accepted, and where a later agreement takes the media to hosts between which they would not be captured (see no-audio); where RTP of another call uses the address and port of the receiver, or that of the sender while the first RTP does not go between the two; with ICE on a hop that is not the only one with descriptions of its own, where messages of the call are cut or its beginning is missing, or the numbers of a side leave out a request, which may be one that changed the session.`,
	Why: "The first words are lost, or people talk into a dead line and hang up.",
	Fix: "Late: look at what the side waits for (ringback, keys, a slow gateway). Cut: look at what happened in its last second (a re-INVITE, an ICMP error, a NAT that forgot).",
	capture: func(r *captureRun) {
		for t := range r.talks() {
			if len(t.leg.Media.Streams) == 0 || t.leg.Answered.IsZero() || len(t.agreed) == 0 || !r.known(t) {
				continue
			}
			r.applies(t.number)
			var list []Finding
			paths := t.paths()
			for by := range 2 {
				told := [2]bool{} // by the hop nearest to the sender, if that is one of several
				for k := range paths {
					p := paths[nearest(by, k, len(paths))]
					if p.ice() && len(paths) > 1 {
						continue
					}
					for i, f := range r.lateOrCut(t, p, by, r.sent(t, p, by, len(paths) == 1)) {
						if f.Observed != "" && !told[i] {
							told[i] = true
							list = append(list, f)
						}
					}
				}
			}
			r.tellOf(t.leg, list...)
		}
	},
}

// lateOrCut returns what is late of the audio of a side on a path, and what is cut of it; without Observed for nothing.
func (r *captureRun) lateOrCut(t *talk, p path, by int, sent []*analysis.Stream) (list [2]Finding) {
	first, last := spanOf(sent)
	if first == nil || first.Begin().IsZero() || few(sent) && t.strays[by] || !slices.ContainsFunc(sent, func(s *analysis.Stream) bool { return !digitsAlone(s) }) {
		return list
	}
	a := p.at(first.Begin())
	from, to, until := a.side[by].addr, a.side[1-by].addr, last.End().Add(cutMedia)
	between := a.isBetween(first, by)
	if p.ice() {
		from, to = first.Source(), first.Destination()
		between, _, _ = r.announced(t, to, sideParties[1-by])
	}
	if r.shared(to, t, t.leg.Begin, until) || !between && r.shared(from, t, t.leg.Begin, until) {
		return list
	}
	answered := p.first().at
	ahead := t.leg.Answered.Sub(answered) > lateMedia // that was agreed ahead of the answer, whose own agreement is not in the capture
	agreed := p.at(answered)
	if wait := first.Begin().Sub(answered); wait > lateMedia && !ahead && !comfort(sent) && agreed.allows(by) && r.follows(t, p.of(first, by), agreed) && p.at(answered.Add(lateMedia)).allows(by) {
		list[0] = Finding{
			Severity: Warning, Frames: []analysis.Frame{p.first().frame, first.First},
			Observed: fmt.Sprintf("the first RTP of %s comes %s after the 2xx", sideNames[by], seconds(wait)), Expected: "RTP within 1 s of the answer",
			Because: fmt.Sprintf("audio of %s began %s late", sideNames[by], seconds(wait)), end: goesOn,
			passed: &passed{side: sideParties[by], same: "late", at: first.Begin()},
		}
		list[0].Observed += ofThat(p.free(answered, first.Begin(), func(a *agreement) bool { return a.allows(by) }), wait)
	}
	if !t.leg.ByBye || t.bye.Number == 0 || t.leftOut || mayBeSilent(sent, last, len(p)-1) || slices.ContainsFunc(t.leg.Transfers, func(x analysis.Transfer) bool { return x.Status/100 == 2 }) {
		return list
	}
	early := t.leg.Ended.Sub(last.End())
	seen := p.of(last, by)
	free := p.free(last.End(), t.leg.Ended, func(a *agreement) bool { return a.allows(by) && r.follows(t, seen, a) })
	agreed = p.at(t.leg.Ended)
	if free > cutMedia && agreed.allows(by) && r.follows(t, seen, agreed) && r.goesOn(seen, agreed, by) && last.End().After(answered) {
		list[1] = Finding{
			Severity: Warning, Frames: []analysis.Frame{last.Last(), t.bye},
			Observed: fmt.Sprintf("the last RTP of %s comes %s before the BYE", sideNames[by], seconds(early)), Expected: "RTP up to the end of the call",
			Because: fmt.Sprintf("audio of %s ended %s ahead of the BYE", sideNames[by], seconds(early)), end: goesOn,
			passed: &passed{side: sideParties[by], same: "cut", at: last.End()},
		}
		list[1].Observed += ofThat(free, early)
	}
	return list
}

// ofThat says for how long of a time a side may send, "" for all of it.
func ofThat(free, all time.Duration) string {
	if free >= all {
		return ""
	}
	return fmt.Sprintf("; it might send for %s of that", seconds(free))
}

// follows reports whether media of an agreement would be in the capture, where those of another are:
// they go between the same hosts, or others that are captured.
func (r *captureRun) follows(t *talk, seen, other *agreement) bool {
	for i := range seen.side {
		if seen.side[i].addr.Addr() != other.side[i].addr.Addr() {
			return r.isCaptured(t, other)
		}
	}
	return true
}

var ptimeMismatch = &Rule{
	ID: "ptime-mismatch", RFC: "RFC 8866 6.4, 6.5", Severity: "warning",
	Title: "packets are shorter or longer than the receiver asked for",
	Doc: `The commonest step from packet to packet of a stream of audio (ten packets and more) is 0.67 of the ptime in the description of its receiver and less, or 1.5 of it and more, or over its maxptime; and so of every description of that while the stream is sent, or of the last one where it goes on as before for 5 s and more. Of packets that come a third sooner than their timestamps say, for 5 s and more, it is the time between them, unless either clock was set anew. Silent where the numbers of a side leave out a request, without
ptime and maxptime, for comfort noise or telephone events alone, or without jitter, as the clock is not sure, and where the step is 160 ms and more, as codecs have it that describe silence. What a relay passes on is told once.`,
	Why: "Some devices play such packets too fast, with gaps, or not at all; small ones need far more bandwidth.",
	Fix: "Configure the packet time of the sender as the receiver asks, or remove ptime where any is welcome.",
	capture: func(r *captureRun) {
		for t := range r.talks() {
			if t.leftOut {
				continue
			}
			var list []Finding
			applied := false
			for _, s := range t.leg.Media.Streams {
				v, x := t.receiver(s), s.Report()
				if v == nil || v.ptime == 0 && v.maxTime == 0 || !isAudio(s) || x.Interval <= 0 || x.Interval >= silenceStep || x.Packets < 10 || x.Jitters == 0 || s.Codec == "CN" || s.Codec == "telephone-event" || quiet(s) == x.Packets {
					continue
				}
				applied = true
				length := spacing(s)
				asked, kept := v.refuses(length), slices.ContainsFunc(t.receivers(s), func(v *voice) bool { return v.refuses(length) == "" })
				if asked == "" || len(list) == 2 || kept && !t.goesOnWith(s) {
					continue
				}
				f := Finding{
					Severity: Warning, Frames: []analysis.Frame{v.frame, s.First},
					Observed: fmt.Sprintf("%s sends packets of %s ms, and %s asks for %s", sideOf(s.SentBy), strconv.FormatFloat(length.Seconds()*1000, 'f', -1, 64), sideOf(otherSide(s.SentBy)), asked), Expected: "packets of " + asked,
					passed: passedOf(s),
				}
				if kept { // until this was asked for
					f.Frames[1] = s.Last()
				}
				if len(list) == 0 || list[0].Observed != f.Observed { // a relay passes it on
					list = append(list, f)
				}
			}
			if applied {
				r.applies(t.number)
			}
			r.tellOf(t.leg, list...)
		}
	},
}

// spacing returns how long the packets of a stream are: the commonest step of their timestamps, or the time between them where these keep another clock
// than they should. Packets of another payload type may come in between, in a short stream some that were kept back come at once, and where either clock was
// set anew nothing tells the time between them.
func spacing(s *analysis.Stream) time.Duration {
	x := s.Report()
	const leastStep = heldTalk / 2                                  // of a clock that goes back by a third of all; the jitter takes in a 16th
	each := x.Duration / time.Duration(max(x.Expected-x.Lost-1, 1)) // numbers that are left out need not be lost
	if x.Duration < heldTalk || x.TypeChanges > 0 || x.Jumps > 0 || x.MaxJitter >= leastStep/16 || 3*each > 2*x.Interval {
		return x.Interval
	}
	return each.Round(time.Millisecond)
}

// goesOnWith reports whether a stream has as many packets of its commonest length as go into all of its time: it went on with these for
// long enough after other ones were agreed on, which would be a third more or less in that time.
func (t *talk) goesOnWith(s *analysis.Stream) bool {
	x, since := s.Report(), s.End().Sub(t.agreedOf(s, sideIndex(otherSide(s.SentBy)), s.Destination()).at)
	off := x.Duration - time.Duration(x.Expected)*x.Interval
	return since >= heldTalk && off.Abs() < since/6
}

// refuses returns what a side asks for that packets of a length are not, "" for nothing.
func (v *voice) refuses(length time.Duration) string {
	each := length.Seconds() * 1000
	switch asked, most := float64(v.ptime), float64(v.maxTime); {
	case v.ptime != 0 && (each <= 0.67*asked || each >= 1.5*asked):
		return fmt.Sprintf("ptime %d ms", v.ptime)
	case v.maxTime != 0 && each > most+0.5:
		return fmt.Sprintf("maxptime %d ms", v.maxTime)
	}
	return ""
}

// receivers returns what the receiver of a stream says while it is sent: all that receiver may return,
// for a stream that ends earlier.
func (t *talk) receivers(s *analysis.Stream) (list []*voice) {
	to := sideIndex(otherSide(s.SentBy))
	for i := range t.agreed {
		a := &t.agreed[i]
		if to < 0 || !a.audio || a.side[to].addr != s.Destination() || a.at.After(s.End()) {
			continue
		}
		if !a.at.After(s.Begin()) { // it takes the place of those before
			list = list[:0]
		}
		list = append(list, &a.side[to])
	}
	return list
}

// receiver returns what the receiver of a stream says, nil if that is not known: the last
// agreement up to the end of the stream that has its address.
func (t *talk) receiver(s *analysis.Stream) *voice {
	to := sideIndex(otherSide(s.SentBy))
	return t.agreedOf(s, to, s.Destination()).voice(to)
}

// meant returns what the side that a stream should go to says, nil if that is not known: the last agreement up to the
// end of the stream that has its source.
func (t *talk) meant(s *analysis.Stream) *voice {
	by := sideIndex(s.SentBy)
	return t.agreedOf(s, by, s.Source()).voice(1 - by)
}

// agreedOf returns the last agreement up to the end of a stream, or else the first, in which a side has an address; nil for none.
func (t *talk) agreedOf(s *analysis.Stream, side int, addr netip.AddrPort) *agreement {
	return t.agreedAt(s.End(), side, addr)
}

// agreedAt is agreedOf for what is sent at a time.
func (t *talk) agreedAt(at time.Time, side int, addr netip.AddrPort) (found *agreement) {
	if side < 0 {
		return nil
	}
	for i := range t.agreed {
		if a := &t.agreed[i]; a.audio && a.side[side].addr == addr && (found == nil || !a.at.After(at)) {
			found = a
		}
	}
	return found
}

// voice returns what a side says in an agreement, nil of none.
func (a *agreement) voice(side int) *voice {
	if a == nil {
		return nil
	}
	return &a.side[side]
}

var earlyMedia = &Rule{
	ID: "early-media", RFC: "RFC 3960; RFC 5009", Severity: "note",
	Title: "media before the call was answered",
	Doc: `A provisional response to the INVITE of a call has a session description, and RTP of the call begins before its final response; RTP is not asked for where the capture has none at all. Where responses to one From tag with several To tags have
one, it is forked early media: the caller can play only one.`,
	Why: "Announcements and ringback tones come that way. Where they are not heard, or clip the first words, this is the place to look.",
	Fix: "Nothing, unless something is not heard: then look whether a device on the way lets RTP through before the answer.",
	capture: func(r *captureRun) {
		for t := range r.allTalks() {
			if t.early.Number == 0 {
				continue
			}
			r.applies(t.number)
			final := t.leg.Answered
			if final.IsZero() {
				final = t.leg.Final
			}
			f := Finding{Severity: Note, Frames: []analysis.Frame{t.early}, Observed: "a provisional response has a session description", Expected: "the caller to play what comes before the answer"}
			var begun *analysis.Stream
			for _, s := range t.leg.Media.Streams {
				if (final.IsZero() || s.Begin().Before(final)) && (begun == nil || begun.SentBy == analysis.Caller && s.SentBy == analysis.Callee) {
					begun = s
				}
			}
			switch {
			case begun != nil:
				f.Frames = append(f.Frames, begun.First)
				f.Observed += fmt.Sprintf(", and %s sends RTP before the answer", sideOf(begun.SentBy))
			case r.Traffic.Measured && r.Datagrams.RTP > 0:
				continue
			}
			if t.earlyTags > 1 {
				f.Observed += fmt.Sprintf("; %d phones do so (forked early media)", t.earlyTags)
			}
			r.tellOf(t.leg, f)
		}
	},
}

// inTheClear finds RTP without encryption on streams that should have it: every packet has
// exactly the octets of its codec, and none for the tag of RFC 3711, section 3.1.
func inTheClear(r *captureRun) {
	for t := range r.talks() {
		var list []Finding
		for _, s := range t.leg.Media.Streams {
			to, x := sideIndex(otherSide(s.SentBy)), s.Report()
			v, before := t.receiver(s), t.agreedAt(s.End().Add(-lateMedia), to, s.Destination()).voice(to)
			if v == nil || !v.secure || !before.secure || // what is on its way when that changes is still as before
				s.Events > 0 || s.Noise > 0 || x.Packets < 10 || x.Interval <= 0 || !(s.Codec == "PCMU" || s.Codec == "PCMA" || s.Codec == "G722") {
				continue
			}
			size := 8*x.Interval.Milliseconds() + 12 + 8 + 20
			if s.Source().Addr().Is6() {
				size += 20
			}
			if x.Octets != x.Packets*size {
				continue
			}
			f := Finding{
				Severity: Error, Confidence: Likely, Frames: []analysis.Frame{v.frame, s.First}, RFC: "RFC 3711 3.1",
				Observed: fmt.Sprintf("%s sends RTP in the clear, as the length of its packets says, on a stream of RTP/SAVP", sideOf(s.SentBy)), Expected: "SRTP",
				passed: passedOf(s),
			}
			own := t.own(s)
			f.passed.clear, f.passed.plain = true, own != nil && !own.secure
			if len(list) == 0 {
				list = append(list, f)
			} else if !strings.Contains(list[0].Observed, f.Observed) { // one for both sides
				list[0].merge(&f)
			}
		}
		r.tellOf(t.leg, list...)
	}
}

// audioInPlaceOfFax finds audio that goes on after T.38 was agreed on, and tones of fax
// without T.38.
func audioInPlaceOfFax(r *captureRun) {
	for t := range r.talks() {
		told, tone := false, false
		for _, s := range t.leg.Media.Streams {
			if x := s.Report(); t.faxed && !t.partial && !t.leftOut && x.Packets >= 50 && x.LossPercent() < 50 && s.End().Sub(t.faxAt) > faxGrace && !t.audioAgain(s.End()) && t.isAgreedOn(s, t.faxHop) {
				r.tellOf(t.leg, Finding{
					Severity: Error, Frames: []analysis.Frame{t.faxFrame, s.Last()}, Expected: "T.38 alone behind the 2xx",
					Observed: fmt.Sprintf("T.38 is agreed on, and %s goes on with audio for %s", sideOf(s.SentBy), seconds(s.End().Sub(t.faxAt))),
				})
				told = true
				break
			}
			k := slices.IndexFunc(s.Tones(), func(x analysis.Tone) bool { return x.Event.Event == 32 || x.Event.Event == 36 })
			if tone = tone || k >= 0; k >= 0 && !t.fax && !t.leftOut && t.describes(s) {
				r.tellOf(t.leg, Finding{
					Severity: Warning, Frames: []analysis.Frame{s.Tones()[k].Frame}, Expected: "an offer of T.38",
					Observed: fmt.Sprintf("%s sends the tone of a fax, and no T.38 is offered", sideOf(s.SentBy)),
				})
				break
			}
		}
		if t.faxed && !told && r.faxNowhere(t) {
			f := Finding{
				Severity: Warning, Confidence: Likely, Frames: []analysis.Frame{t.faxFrame}, Expected: "UDPTL both ways",
				Observed: "T.38 is agreed on, and no packet of it to the ports agreed on is in the capture, though audio of the same hosts is",
				NextStep: "Look whether UDPTL was captured at all; if so, at a firewall between the two hosts, and at which of them should have begun.",
			}
			if !tone && len(r.Fax) == 0 { // who captures RTP alone has no fax of any call
				f.Confidence = Possible
			}
			r.tellOf(t.leg, f)
		}
	}
}

// faxNowhere reports whether T.38 is agreed on for some time between two hosts of which the capture has audio, and it has no packet of it. Of what is encrypted
// (RFC 7345) that is not known.
func (r *captureRun) faxNowhere(t *talk) bool {
	_, to, _ := r.lasted(t)
	if t.leftOut || !r.known(t) || to.Sub(t.faxAt) < heldTalk || t.audioAgain(to) {
		return false
	}
	for _, l := range r.legsOf(t) {
		if l.Media != nil {
			for _, s := range l.Media.Sessions {
				if len(s.Streams) > 0 {
					return false
				}
			}
		}
	}
	for _, s := range t.leg.Media.Sessions {
		a, b := s.Side[0].Addr.Addr(), s.Side[1].Addr.Addr()
		for _, x := range t.leg.Media.Streams {
			src, dst := x.Source().Addr(), x.Destination().Addr()
			if strings.EqualFold(s.Proto, "udptl") && s.Outcome == analysis.OfferAccepted && (src == a && dst == b || src == b && dst == a) {
				return true
			}
		}
	}
	return false
}

// wrongDigits finds telephone events that the receiver may not understand.
func wrongDigits(r *captureRun) {
	for t := range r.talks() {
		var list []Finding
		tell := func(s *analysis.Stream, f Finding) {
			f.Severity, f.passed = Warning, passedOf(s)
			if !slices.ContainsFunc(list, func(x Finding) bool { return x.Observed == f.Observed }) { // a relay passes it on
				list = append(list, f)
			}
		}
		counted := slices.ContainsFunc(t.leg.Media.Lines, func(x analysis.MediaLine) bool { return hasEvents(x.Codecs) }) // when the leg was judged
		for _, s := range t.leg.Media.Streams {
			if s.Events == 0 {
				continue
			}
			if !counted {
				counted = true
				r.applies(t.number)
			}
			who, to := sideOf(s.SentBy), sideOf(otherSide(s.SentBy))
			if x, v := t.misnumbered(s); v != nil {
				tell(s, Finding{
					Frames: []analysis.Frame{v.frame, x.Frame}, RFC: "RFC 3264 5.1",
					Observed: fmt.Sprintf("%s sends telephone events with payload type %d, and %s asked for %s", who, x.Type, to, v.events), Expected: "payload type " + v.events.String(),
					Because: "digits of " + who + " have a payload type that " + to + " did not ask for", end: goesOn,
				})
			}
			if x, y, twice := t.twice(s); twice {
				tell(s, Finding{
					Frames: []analysis.Frame{x, y}, RFC: "RFC 4733 2.5",
					Observed: fmt.Sprintf("%s sends one digit as INFO and as telephone event", who), Expected: "one way of sending digits",
				})
			}
			first := &s.Tones()[0]
			ends := func(x analysis.Tone) bool { return x.Ends > 0 || x.Event.Event > maxKey }
			if t.describes(s) && !slices.ContainsFunc(s.Tones(), ends) && (r.End.IsZero() || r.End.Sub(first.Time.Add(first.Duration)) > oneDigit) {
				tell(s, Finding{
					Frames: []analysis.Frame{first.Frame}, RFC: "RFC 4733 2.5.1.4",
					Observed: withoutEnd(s.ToneCount(), who), Expected: "three packets with the end bit behind each event",
				})
			}
		}
		r.tellOf(t.leg, list...)
	}
}

// misnumbered returns the first telephone event of a stream with a payload type that its sender asked for, and the receiver did not when
// it was sent, with what that says then; nil for none.
func (t *talk) misnumbered(s *analysis.Stream) (x *analysis.Tone, v *voice) {
	to := sideIndex(otherSide(s.SentBy))
	for i := range s.Tones() {
		x = &s.Tones()[i]
		a := t.agreedAt(x.Time, to, s.Destination())
		if v = a.voice(to); v != nil && v.events != (typeSet{}) && !v.events.has(x.Type) && a.side[1-to].events.has(x.Type) {
			return x, v
		}
	}
	return nil, nil
}

// withoutEnd says that no telephone event of a side has an end.
func withoutEnd(n int, who string) string {
	if n == 1 {
		return "the only telephone event of " + who + " has no packet with the end bit"
	}
	return fmt.Sprintf("none of the %d telephone events of %s has the end bit", n, who)
}

// describes reports whether a description has the payload type of the telephone events of a
// stream: other codecs may look like them.
func (t *talk) describes(s *analysis.Stream) bool {
	kind, ok := s.EventType()
	v, own := t.receiver(s), t.own(s)
	return ok && (v != nil && v.events.has(kind) || own != nil && own.events.has(kind))
}

// own returns what the sender of a stream says of itself, nil if that is not known.
func (t *talk) own(s *analysis.Stream) *voice {
	to := sideIndex(otherSide(s.SentBy))
	return t.agreedOf(s, to, s.Destination()).voice(1 - to)
}

// twice returns a digit that was sent as INFO and as an event of a stream.
func (t *talk) twice(s *analysis.Stream) (info, event analysis.Frame, ok bool) {
	for _, x := range t.infos {
		if x.byCaller != (s.SentBy == analysis.Caller) {
			continue
		}
		for i := range s.Tones() {
			y := &s.Tones()[i]
			if y.Event.Event == x.event && max(y.Time.Sub(x.time), x.time.Sub(y.Time)) <= oneDigit && t.isAgreedOn(s, x.hop) {
				return x.frame, y.Frame, true
			}
		}
	}
	return info, event, false
}

// isAgreedOn reports whether a stream is one of a hop, as far as that and others have descriptions of audio of their own: a gateway makes
// events on one of the digits that it gets as INFO on another, and audio of T.38. A hop past a proxy has none.
func (t *talk) isAgreedOn(s *analysis.Stream, hop int) bool {
	by := sideIndex(s.SentBy)
	known := slices.ContainsFunc(t.agreed, func(a agreement) bool { return a.audio && a.hop == hop })
	return !known || len(t.paths()) < 2 || by >= 0 && slices.ContainsFunc(t.hops(), func(p path) bool {
		return slices.ContainsFunc(p, func(a *agreement) bool { return a.hop == hop }) && slices.Contains(t.sent(p, by, false), s)
	})
}

// audioAgain reports whether audio was agreed on again behind T.38, up to a time.
func (t *talk) audioAgain(until time.Time) bool {
	return slices.ContainsFunc(t.agreed, func(a agreement) bool { return a.audio && a.at.After(t.faxAt) && a.at.Before(until) })
}

// IsMedia reports whether a finding is about media, or about session descriptions.
func (f *Finding) IsMedia() bool {
	return slices.Contains(mediaRules, f.rule) || slices.Contains(offerRules, f.rule)
}
