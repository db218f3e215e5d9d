package findings

import (
	"bytes"
	"iter"
	"math"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/sdp"
)

// A talk is what is kept of a leg until its streams are known.
type talk struct {
	number    legNumber
	leg       *analysis.Leg // while it is looked at: see captureRun.talks
	agreed    []agreement
	early     analysis.Frame // the first provisional response with a description
	earlyTags int
	bye       analysis.Frame
	ice       bool
	partial   bool // a message is missing, or octets of one: descriptions may be unknown
	leftOut   bool // a request ahead of the BYE may be: its number is left out
	fax       bool // T.38 was offered
	faxed     bool // … and accepted, without audio
	faxFrame  analysis.Frame
	faxAt     time.Time
	faxHop    int
	infos     []infoTone
	strays    [2]bool // what a side sends is so little that one-way-audio tells of it
}

// An agreement is what offer and answer come to for audio, from a 2xx on.
type agreement struct {
	hop   int
	at    time.Time      // of the 2xx, or of the ACK that has the answer
	frame analysis.Frame // the 2xx
	acked bool
	audio bool
	ice   bool     // media go between candidates
	first bool     // of a dialog
	other bool     // with a further phone, which has no ACK while another one has
	side  [2]voice // the caller's, the called side's
}

// A voice is what one side says of its audio.
type voice struct {
	addr           netip.AddrPort
	dir            sdp.Direction
	hold           bool
	secure         bool    // with a tag behind each packet
	ptime, maxTime uint16  // in ms; 0 for none
	events         typeSet // of telephone events: there is one for each clock rate
	frame          analysis.Frame
}

// A typeSet is a set of payload types.
type typeSet [2]uint64

func (s *typeSet) add(t uint8) { s[t>>6&1] |= 1 << (t & 63) }

func (s typeSet) has(t uint8) bool { return s[t>>6&1]&(1<<(t&63)) != 0 }

func (s typeSet) String() (text string) {
	for t := range uint8(128) {
		if s.has(t) {
			if text != "" {
				text += " or "
			}
			text += strconv.Itoa(int(t))
		}
	}
	return text
}

// An infoTone is a digit sent as INFO.
type infoTone struct {
	event    uint8
	hop      int
	byCaller bool
	time     time.Time
	frame    analysis.Frame
}

// hear keeps what the rules about media need of a leg. Where no RTP has been found yet the
// leg has none, and there is little to keep; of the first legs all is, since RTP may follow.
func (c *Collector) hear(r *legRun) {
	l, heard := r.Leg, c.mayHear(r.Detail)
	if heard && r.RTP == 0 {
		c.unheard++
	}
	if l.Media == nil || len(c.talks) == maxTalks || !heard && !l.EarlyMedia {
		return
	}
	t := &talk{number: legNo(l)}
	if r.Messages == nil {
		if x := r.glance.more; x != nil && x.early.Number != 0 {
			t.early, t.earlyTags = x.early, 1 // of a leg with several the messages are made
		}
		c.talks = append(c.talks, t)
		return
	}
	r.provisional(t)
	caller := r.callerTag()
	if heard && caller != 0 {
		r.listen(t, caller)
		r.learnNAT()
	}
	if caller == 0 {
		t.partial, t.leftOut = true, true
	}
	c.talks = append(c.talks, t)
}

// mayHear reports whether there may be RTP of a leg.
func (c *Collector) mayHear(d *analysis.Detail) bool {
	return d.RTP > 0 || c.unheard < maxUnheard && !d.Leg.Answered.IsZero()
}

// listens reports whether hear needs the messages of a leg.
func (c *Collector) listens(d *analysis.Detail) bool {
	return d.Leg.Media != nil && len(c.talks) < maxTalks && c.mayHear(d)
}

// talks iterates over the talks of the capture, each with its leg, where anything was heard.
func (r *captureRun) talks() iter.Seq[*talk] {
	if len(r.Streams) == 0 {
		return func(func(*talk) bool) {}
	}
	return r.allTalks()
}

// allTalks iterates over the talks of the capture, each with its leg.
func (r *captureRun) allTalks() iter.Seq[*talk] {
	return func(yield func(*talk) bool) {
		legs := r.Calls.LegReader()
		for _, t := range r.c.talks {
			t.leg = legs.Leg(int(t.number) - 1)
			if !yield(t) {
				return
			}
			t.leg = nil
		}
	}
}

// provisional notes the descriptions ahead of the answer. A back-to-back user agent that keeps the Call-ID has a To tag of its own for the
// one that it got: phones are told apart among the responses to one From tag.
func (r *legRun) provisional(t *talk) {
	type dialog struct{ from, to uint64 }
	var told [8]dialog
	n := 0
	for i := range r.Messages {
		m := &r.Messages[i]
		if m.Request || m.Method != "INVITE" || !m.SDP || m.Partial || m.Status <= 100 || m.Status >= 200 || m.Transaction < 0 || !r.Transactions[m.Transaction].Initial {
			continue
		}
		if t.early.Number == 0 {
			t.early = m.Frame
		}
		d := dialog{m.FromTag, m.ToTag}
		if n == len(told) || slices.Contains(told[:n], d) {
			continue
		}
		told[n] = d
		n++
		phones := 0
		for _, x := range told[:n] {
			phones += toInt(x.from == d.from)
		}
		t.earlyTags = max(t.earlyTags, phones)
	}
}

// listen notes what was agreed on, and digits in INFO.
func (r *legRun) listen(t *talk, caller uint64) {
	for i := range r.Messages {
		m := &r.Messages[i]
		t.partial = t.partial || m.Partial
		switch {
		case m.Request && m.Method == "BYE" && t.bye.Number == 0:
			t.bye = m.Frame
		case m.Request && m.Method == "INFO" && m.Body > 0 && len(t.infos) < maxInfoTones && m.Resent.Number == 0:
			if e, ok := r.digit(i); ok {
				t.infos = append(t.infos, infoTone{e, m.Hop, r.side(m.FromTag) == analysis.Caller, m.Time, m.Frame})
			}
		}
	}
	for i := range r.Transactions {
		t.partial = t.partial || r.changedUnseen(i)
	}
	t.partial = t.partial || r.requestsUnseen(caller, false)
	t.leftOut = r.requestsUnseen(caller, true)
	for _, d := range r.deals() {
		if d.offer < 0 || r.ofLoser(&d) {
			continue
		}
		offer := r.session(d.offer)
		if offer == nil {
			t.partial = true
			continue
		}
		t.fax = t.fax || fax(offer)
		if d.answer < 0 || !d.accepted() {
			continue
		}
		answer := r.session(d.answer)
		if answer == nil {
			t.partial = true
			continue
		}
		r.agree(t, &d, offer, answer)
	}
}

// ofLoser reports whether a deal is of an early dialog that ended when another phone answered: what was agreed on with that holds.
func (r *legRun) ofLoser(d *deal) (lost bool) {
	if !r.changes(d) {
		return false
	}
	m := &r.Messages[d.offer]
	for i := range r.Messages {
		switch x := &r.Messages[i]; {
		case x.Request || x.Method != "INVITE" || x.Status/100 != 2:
		case x.FromTag+x.ToTag == m.FromTag+m.ToTag:
			return false
		case x.FromTag == m.FromTag:
			lost = lost || r.twoPhones(x.ToTag, m.ToTag)
		case x.FromTag == m.ToTag:
			lost = lost || r.twoPhones(x.ToTag, m.FromTag)
		}
	}
	return lost
}

// requestsUnseen reports whether the numbers of a side leave out those of requests up to the BYE; of that itself as well where a
// server challenges it.
func (r *legRun) requestsUnseen(caller uint64, bye bool) bool {
	ok := r.first(func(m *analysis.Seen) bool {
		return !m.Request && m.Method == "INVITE" && m.Status/100 == 2 && m.FromTag == caller
	})
	last := r.first(func(m *analysis.Seen) bool { return m.Method == "BYE" })
	if last < 0 {
		last = len(r.Messages)
	}
	if !bye {
		last--
	}
	return r.leavesOut(caller, 0, last) || ok >= 0 && r.leavesOut(r.Messages[ok].ToTag, 0, last)
}

// agree notes what a deal comes to.
func (r *legRun) agree(t *talk, d *deal, offer, answer *sdp.Session) {
	m := &r.Messages[d.final]
	a := agreement{hop: m.Hop, at: m.Time, frame: m.Frame, acked: m.Method != "INVITE" || r.Transactions[d.transaction].Acked || r.ackedPast(d), first: !r.changes(d)}
	a.other = !a.acked && r.ackedOther(m)
	if x := &r.Messages[d.answer]; x.Time.After(a.at) { // it stands in the ACK
		a.at = x.Time
	}
	from, to := 0, 1
	if r.side(speaker(&r.Messages[d.offer])) != analysis.Caller {
		from, to = 1, 0
	}
	image := false
	for k := range min(len(offer.Media), len(answer.Media)) {
		o, x := &offer.Media[k], &answer.Media[k]
		a.ice = a.ice || o.ICE() && x.ICE() // else neither uses it: RFC 8839, section 4.2.5
		if o.Disabled() || x.Disabled() {
			continue
		}
		image = image || o.IsFax() && x.IsFax()
		if a.audio || !o.Is("audio") || !x.Is("audio") || isConnected(o) {
			continue
		}
		a.audio = true
		a.side[from], a.side[to] = voiceOf(o, r.Messages[d.offer].Frame), voiceOf(x, r.Messages[d.answer].Frame)
	}
	if (a.side[0].secure || a.side[1].secure) && (r.untagged(d.offer) || r.untagged(d.answer)) {
		a.side[0].secure, a.side[1].secure = false, false
	}
	t.ice = t.ice || a.ice
	before := t.inForce(&a)
	for i := range a.side {
		a.side[i].hold = a.puts(i, before)
	}
	if image && !a.audio && t.faxFrame.Number == 0 {
		t.faxed, t.faxAt, t.faxFrame, t.faxHop = true, m.Time, m.Frame, m.Hop
	}
	switch {
	case a.repeats(before):
	case len(t.agreed) == maxAgreed:
		t.partial = true
	default:
		t.agreed = append(t.agreed, a)
	}
}

// isConnected reports whether a stream is one of RTP over TCP (RFC 4571), which is not looked for.
func isConnected(m *sdp.Media) bool {
	return len(m.Proto) > 4 && strings.EqualFold(string(m.Proto[:4]), "TCP/")
}

// ackedPast reports whether the ACK to the 2xx of a deal is on another hop: where a proxy puts no Record-Route in it goes from end to end.
func (r *legRun) ackedPast(d *deal) bool {
	ok := &r.Messages[d.final]
	return r.first(func(m *analysis.Seen) bool {
		return m.Request && m.Method == "ACK" && m.CSeq == ok.CSeq && m.FromTag == ok.FromTag && m.ToTag == ok.ToTag
	}) >= 0
}

// ackedOther reports whether the ACK to a 2xx went to another phone.
func (r *legRun) ackedOther(ok *analysis.Seen) bool {
	return r.first(func(m *analysis.Seen) bool {
		return m.Request && m.Method == "ACK" && m.CSeq == ok.CSeq && m.FromTag == ok.FromTag && r.twoPhones(m.ToTag, ok.ToTag)
	}) >= 0
}

// untagged reports whether a description asks for SRTP that is as long as RTP: RFC 4568, section 6.3.3.
func (r *legRun) untagged(i int) bool {
	m := r.Message(i)
	return m != nil && bytes.Contains(m.Body, []byte("UNAUTHENTICATED_SRTP"))
}

// inForce returns the last agreement so far on the hop of another one, or past a proxy that is left where one of both is: what goes on
// through the proxy takes the place of what was agreed on past it, and the other way round. It is nil for none.
func (t *talk) inForce(a *agreement) *agreement {
	for i := len(t.agreed) - 1; i >= 0; i-- {
		if x := &t.agreed[i]; x.hop == a.hop || a.follows(x) && !(t.begins(a.hop) && t.begins(x.hop)) {
			return x
		}
	}
	return nil
}

// begins reports whether a dialog begins on a hop.
func (t *talk) begins(hop int) bool {
	return slices.ContainsFunc(t.agreed, func(x agreement) bool { return x.hop == hop && x.first })
}

// follows reports whether an agreement in a dialog may take the place of one on another hop: of one side both have the address, or of
// both sides the host.
func (a *agreement) follows(x *agreement) bool {
	p, q := a.pair(), x.pair()
	return !a.first && a.audio && x.audio && (p[0] == q[0] || p[1] == q[1] || p[0].Addr() == q[0].Addr() && p[1].Addr() == q[1].Addr())
}

// repeats reports whether an agreement is the one in force on its hop: the session was refreshed.
func (a *agreement) repeats(before *agreement) bool {
	return before != nil && before.acked && a.audio == before.audio && a.side[0].same(before.side[0]) && a.side[1].same(before.side[1])
}

// puts reports whether a side puts the other on hold by an agreement. One that is sendonly from the start on, and says so again, does
// not: announcements and paging are that.
func (a *agreement) puts(by int, before *agreement) bool {
	v := &a.side[by]
	if !v.hold || v.addr.Addr().IsUnspecified() {
		return v.hold
	}
	return !a.first && (before == nil || before.side[by].hold || before.side[by].dir != v.dir)
}

// same reports whether a side says the same of its audio again.
func (v voice) same(x voice) bool {
	v.frame, x.frame = analysis.Frame{}, analysis.Frame{}
	return v == x
}

func voiceOf(m *sdp.Media, f analysis.Frame) voice {
	v := voice{dir: m.Direction(), hold: m.IsHold(), secure: m.IsSecure(), frame: f}
	for _, c := range m.Codecs() {
		if c.IsEvent() {
			v.events.add(c.PayloadType)
		}
	}
	if a, ok := m.Addr(); ok && !a.Addr().IsMulticast() { // to that everybody sends
		v.addr = netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
	}
	v.ptime, v.maxTime = shortTime(m.PTime()), shortTime(m.MaxPTime())
	return v
}

// shortTime returns a packet time of a description as far as a voice keeps it, 0 for none.
func shortTime(ms uint32, ok bool) uint16 {
	if !ok {
		return 0
	}
	return uint16(min(ms, math.MaxUint16))
}

// digit returns the digit that an INFO sends, by its number in RFC 4733.
func (r *legRun) digit(i int) (event uint8, ok bool) {
	m := r.Message(i)
	if m == nil {
		return 0, false
	}
	for p := range m.Parts() {
		body := strings.TrimSpace(string(p.Body[:min(len(p.Body), 64)]))
		switch {
		case p.Type.Is("application", "dtmf"):
		case p.Type.Is("application", "dtmf-relay"):
			line, _, _ := strings.Cut(body, "\n")
			k, v, _ := strings.Cut(line, "=")
			if !strings.EqualFold(strings.TrimSpace(k), "signal") {
				continue
			}
			body = strings.TrimSpace(v)
		default:
			continue
		}
		if n := strings.Index("0123456789*#ABCD", strings.ToUpper(body)); n >= 0 && len(body) == 1 {
			return uint8(n), true
		}
	}
	return 0, false
}

// A path is the agreements of one hop. A proxy that leaves descriptions alone makes hops on which
// the same is agreed on: they are one path.
type path []*agreement

func (t *talk) paths() (distinct []path) {
	for _, p := range t.hops() {
		if !slices.ContainsFunc(distinct, func(q path) bool { return q.first().pair() == p.first().pair() }) {
			distinct = append(distinct, p)
		}
	}
	return distinct
}

// hops returns the agreements of each hop. Where a proxy puts no Record-Route, what follows goes past it: a hop on which no dialog
// begins is part of those whose agreements it changes.
func (t *talk) hops() (list []path) {
	byHop := make(map[int][]int)
	for i := range t.agreed {
		a := &t.agreed[i]
		of, ok := byHop[a.hop]
		for k := 0; !ok && k < len(list); k++ {
			if p := list[k]; a.follows(p[len(p)-1]) {
				of = append(of, k)
			}
		}
		if len(of) == 0 {
			of, list = []int{len(list)}, append(list, nil)
		}
		byHop[a.hop] = of
		for _, k := range of {
			list[k] = append(list[k], a)
		}
	}
	return list
}

func (p path) first() *agreement { return p[0] }

// ice reports whether media of a path go between candidates.
func (p path) ice() bool { return slices.ContainsFunc(p, func(a *agreement) bool { return a.ice }) }

//go:noinline
func (a *agreement) pair() [2]netip.AddrPort {
	return [2]netip.AddrPort{a.side[0].addr, a.side[1].addr}
}

// at returns what was agreed on at a time: the last agreement before it.
func (p path) at(t time.Time) *agreement {
	last := p[0]
	for _, a := range p {
		if !a.at.After(t) {
			last = a
		}
	}
	return last
}

// behind returns the agreement since which a stream of a side goes on to where the other one is no more, up to a time, or whether it is
// asked for then. It is the first one of those that the stream belongs to and was not asked for in.
func (p path) behind(s *analysis.Stream, by int, until time.Time) (since *agreement, asked bool) {
	for _, a := range p {
		if a.at.After(until) {
			break
		}
		switch asked = a.side[1-by].addr == s.Destination(); {
		case asked:
			since = nil
		case since == nil && a.acked && a.allows(by) && a.side[by].addr == s.Source():
			since = a
		}
	}
	return since, asked
}

// of returns the agreement that a stream of a side belongs to: the last one that has both of its
// ends, or else the one that was in force at its end. What is on its way goes on for a while when
// another one is made.
func (p path) of(s *analysis.Stream, by int) *agreement {
	found := p.at(s.End())
	for _, a := range p {
		if a.isBetween(s, by) {
			found = a
		}
	}
	return found
}

// isBetween reports whether a stream goes from the address of a side to that of the other one.
//
//go:noinline
func (a *agreement) isBetween(s *analysis.Stream, by int) bool {
	return a.side[by].addr == s.Source() && a.side[1-by].addr == s.Destination()
}

// free returns for how long agreements that are of one kind are in force between two times.
func (p path) free(from, to time.Time, is func(*agreement) bool) (d time.Duration) {
	begin, all := time.Duration(0), to.Sub(from)
	for i, a := range p {
		end := all
		if i+1 < len(p) {
			end = min(max(p[i+1].at.Sub(from), 0), all)
		}
		if begin < end && is(a) {
			d += end - begin
		}
		begin = end
	}
	return d
}

// longest returns the longest part of a path that is of one kind, and from when to when it is in force between two times: what
// a call on hold leaves of the talk. It is nil where that says nothing.
func (p path) longest(from, to time.Time, is func(*agreement) bool) (part path, begin, end time.Time) {
	for i := 0; i < len(p); i++ {
		k, b, e := i, from, to
		for k < len(p) && is(p[k]) {
			k++
		}
		if i > 0 && p[i].at.After(from) {
			b = p[i].at
		}
		if k < len(p) && p[k].at.Before(to) {
			e = p[k].at
		}
		if k > i && e.Sub(b) > end.Sub(begin) {
			part, begin, end = p[i:k], b, e
		}
		i = max(i, k-1)
	}
	if len(part) < len(p) && end.Sub(begin) < heldTalk {
		return nil, begin, end
	}
	return part, begin, end
}

// both reports whether an agreement lets both sides send and receive, none being on hold.
func (a *agreement) both() bool {
	for i := range a.side {
		if v := &a.side[i]; !a.audio || v.dir != sdp.SendRecv || v.hold || !v.addr.IsValid() {
			return false
		}
	}
	return true
}

// either reports whether an agreement lets some side send audio.
func (a *agreement) either() bool { return a.allows(0) || a.allows(1) }

// allows reports whether a side may send audio by an agreement, and the other wants it.
//
//go:noinline
func (a *agreement) allows(by int) bool {
	from, to := &a.side[by], &a.side[1-by]
	return a.audio && from.dir.Sends() && to.dir.Receives() && !from.hold && !to.hold && to.addr.IsValid()
}

// sent returns the streams of audio that a side sent on a path.
func (t *talk) sent(p path, by int, alone bool) (list []*analysis.Stream) {
	for _, s := range t.leg.Media.Streams {
		if sideIndex(s.SentBy) != by || !isAudio(s) {
			continue
		}
		on := alone
		for _, a := range p {
			on = on || a.side[by].addr == s.Source() || a.side[1-by].addr == s.Destination()
		}
		if on {
			list = append(list, s)
		}
	}
	return list
}

//go:noinline
func sideIndex(p analysis.Party) int {
	switch p {
	case analysis.Caller:
		return 0
	case analysis.Callee:
		return 1
	}
	return -1
}

var sideNames = [2]string{"the caller", "the called side"}

// comfort reports whether a stream holds comfort noise, or frames that describe silence: its sender
// sends nothing at times.
func comfort(list []*analysis.Stream) bool {
	return slices.ContainsFunc(list, func(s *analysis.Stream) bool { return quiet(s) > 0 })
}

// pauses reports whether the sender of a stream sends nothing between talkspurts: it may end with a
// pause. Digits are sent in place of sound, and each of some changes of the session may be the reason of one.
func pauses(list []*analysis.Stream, changes int) bool {
	return slices.ContainsFunc(list, func(s *analysis.Stream) bool { return int(s.Pauses) >= manyPauses+changes && s.Events == 0 })
}

// mayBeSilent reports whether the sender of streams, of which last ends last, may say nothing behind their end. Who describes its silences does so
// there as well, unless that is lost, or digits are sent in place of it.
func mayBeSilent(list []*analysis.Stream, last *analysis.Stream, changes int) bool {
	if !comfort(list) {
		return pauses(list, changes)
	}
	return last.EndsQuiet() || last.Events > 0 || quiet(last) < int64(last.Pauses) || last.Report().Lost > 0
}

// quiet returns how many packets of a stream are of silence.
func quiet(s *analysis.Stream) int64 { return int64(s.Noise) + int64(s.Silence) }

// few reports whether streams have less packets than what strays, all of them sound.
func few(list []*analysis.Stream) bool {
	packets := int64(0)
	for _, s := range list {
		if quiet(s) > 0 || s.Events > 0 {
			return false
		}
		packets += s.Report().Packets
	}
	return packets > 0 && packets < fewPackets
}

// digitsAlone reports whether a stream is telephone events, and nothing that is heard.
func digitsAlone(s *analysis.Stream) bool {
	return s.Events > 0 && int64(s.Events) == s.Report().Packets
}

// spanOf returns when streams began and ended.
func spanOf(list []*analysis.Stream) (first, last *analysis.Stream) {
	for _, s := range list {
		if first == nil || s.Begin().Before(first.Begin()) {
			first = s
		}
		if last == nil || s.End().After(last.End()) {
			last = s
		}
	}
	return first, last
}

// complete reports whether all descriptions of a talk say where its media go, and all streams are known.
func (r *captureRun) complete(t *talk) bool { return r.known(t) && !t.ice }

// known reports whether nothing is missing that would say something about the media of a
// talk: all descriptions are known, and all streams.
//
//go:noinline
func (r *captureRun) known(t *talk) bool {
	return r.Traffic.Measured && !t.partial && !t.leg.Running && !t.leg.AnswerUnseen && len(t.leg.Media.Endpoints) < 32 && !slices.Contains(r.Exceeded, "stream-limit")
}

// lasted returns from when to when a talk went on; ok is false if it was never answered and
// acknowledged, or too short to say something.
func (r *captureRun) lasted(t *talk) (from, to time.Time, ok bool) {
	l := t.leg
	if l.Answered.IsZero() || len(t.agreed) == 0 || !t.agreed[0].acked {
		return from, to, false
	}
	from, to = l.Answered, l.Ended
	if !l.ByBye {
		to = r.End
	}
	return from, to, to.Sub(from) >= minTalk
}
