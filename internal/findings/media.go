package findings

import (
	"bytes"
	"fmt"
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

	// fewPackets is what strays: streams with less prove nothing about addresses.
	fewPackets = 5

	// manyPauses tell a sender that suppresses silence from one that was on hold.
	manyPauses = 3

	// silenceStep is the step of what codecs send while nobody speaks: AMR every 160 ms.
	silenceStep = 160 * time.Millisecond

	lateMedia = time.Second     // behind the 2xx
	cutMedia  = 5 * time.Second // ahead of the BYE
	faxGrace  = 5 * time.Second // of audio behind the 2xx to T.38
	oneDigit  = time.Second     // INFO and event that are one press of a key
	maxKey    = 16              // the last event that is a key, or a flash: others are tones of fax and modem
	otherCall = time.Minute     // how far away the RTP of others shows that RTP is captured
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
	infos     []infoTone
}

// An agreement is what offer and answer come to for audio, from a 2xx on.
type agreement struct {
	hop   int
	at    time.Time      // of the 2xx, or of the ACK that has the answer
	frame analysis.Frame // the 2xx
	acked bool
	audio bool
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

// provisional notes the descriptions ahead of the answer.
func (r *legRun) provisional(t *talk) {
	var tags [8]uint64
	for i := range r.Messages {
		m := &r.Messages[i]
		if m.Request || m.Method != "INVITE" || !m.SDP || m.Partial || m.Status <= 100 || m.Status >= 200 || m.Transaction < 0 || !r.Transactions[m.Transaction].Initial {
			continue
		}
		if t.early.Number == 0 {
			t.early = m.Frame
		}
		if !slices.Contains(tags[:t.earlyTags], m.ToTag) && t.earlyTags < len(tags) {
			tags[t.earlyTags] = m.ToTag
			t.earlyTags++
		}
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
				t.infos = append(t.infos, infoTone{e, m.FromTag == caller, m.Time, m.Frame})
			}
		}
	}
	for i := range r.Transactions {
		t.partial = t.partial || r.changedUnseen(i)
	}
	t.partial = t.partial || r.requestsUnseen(caller, false)
	t.leftOut = r.requestsUnseen(caller, true)
	for _, d := range r.deals() {
		if d.offer < 0 {
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
		r.agree(t, &d, offer, answer, caller)
	}
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
func (r *legRun) agree(t *talk, d *deal, offer, answer *sdp.Session, caller uint64) {
	m := &r.Messages[d.final]
	a := agreement{hop: m.Hop, at: m.Time, frame: m.Frame, acked: r.Transactions[d.transaction].Acked}
	if x := &r.Messages[d.answer]; x.Time.After(a.at) { // it stands in the ACK
		a.at = x.Time
	}
	from, to := 0, 1
	if speaker(&r.Messages[d.offer]) != caller {
		from, to = 1, 0
	}
	image := false
	for k := range min(len(offer.Media), len(answer.Media)) {
		o, x := &offer.Media[k], &answer.Media[k]
		t.ice = t.ice || o.ICE() || x.ICE()
		if o.Disabled() || x.Disabled() {
			continue
		}
		image = image || o.IsFax() && x.IsFax()
		if a.audio || !o.Is("audio") || !x.Is("audio") {
			continue
		}
		a.audio = true
		a.side[from], a.side[to] = voiceOf(o, r.Messages[d.offer].Frame), voiceOf(x, r.Messages[d.answer].Frame)
	}
	if (a.side[0].secure || a.side[1].secure) && (r.untagged(d.offer) || r.untagged(d.answer)) {
		a.side[0].secure, a.side[1].secure = false, false
	}
	if image && !a.audio && t.faxFrame.Number == 0 {
		t.faxed, t.faxAt, t.faxFrame = true, m.Time, m.Frame
	}
	switch {
	case t.repeats(&a):
	case len(t.agreed) == maxAgreed:
		t.partial = true
	default:
		t.agreed = append(t.agreed, a)
	}
}

// untagged reports whether a description asks for SRTP that is as long as RTP: RFC 4568, section 6.3.3.
func (r *legRun) untagged(i int) bool {
	m := r.Message(i)
	return m != nil && bytes.Contains(m.Body, []byte("UNAUTHENTICATED_SRTP"))
}

// repeats reports whether an agreement is the one in force on its hop: the session was refreshed.
func (t *talk) repeats(a *agreement) bool {
	for i := len(t.agreed) - 1; i >= 0; i-- {
		if b := &t.agreed[i]; b.hop == a.hop {
			return b.acked && a.audio == b.audio && a.side[0].same(b.side[0]) && a.side[1].same(b.side[1])
		}
	}
	return false
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

func (t *talk) paths() (list []path) {
	byHop := make(map[int]int)
	for i := range t.agreed {
		a := &t.agreed[i]
		k, ok := byHop[a.hop]
		if !ok {
			k = len(list)
			byHop[a.hop] = k
			list = append(list, nil)
		}
		list[k] = append(list[k], a)
	}
	var distinct []path
	for _, p := range list {
		if !slices.ContainsFunc(distinct, func(q path) bool { return q.first().pair() == p.first().pair() }) {
			distinct = append(distinct, p)
		}
	}
	return distinct
}

func (p path) first() *agreement { return p[0] }

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

// of returns the agreement that a stream of a side belongs to: the last one that has both of its
// ends, or else the one that was in force at its end. What is on its way goes on for a while when
// another one is made.
func (p path) of(s *analysis.Stream, by int) *agreement {
	found := p.at(s.End())
	for _, a := range p {
		if a.side[by].addr == s.Source() && a.side[1-by].addr == s.Destination() {
			found = a
		}
	}
	return found
}

// both reports whether all agreements of the path let both sides send and receive, none being
// on hold.
func (p path) both() bool {
	for _, a := range p {
		for i := range a.side {
			if v := &a.side[i]; !a.audio || v.dir != sdp.SendRecv || v.hold || !v.addr.IsValid() {
				return false
			}
		}
	}
	return true
}

// allows reports whether a side may send audio by an agreement, and the other wants it.
func (a *agreement) allows(by int) bool {
	from, to := &a.side[by], &a.side[1-by]
	return a.audio && from.dir.Sends() && to.dir.Receives() && !from.hold && !to.hold && to.addr.IsValid()
}

// sent returns the streams of audio that a side sent on a path.
func (t *talk) sent(p path, by int, alone bool) (list []*analysis.Stream) {
	for _, s := range t.leg.Media.Streams {
		if sideIndex(s.SentBy) != by || !strings.EqualFold(s.Kind, "audio") {
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
// pause. Digits are sent in place of sound.
func pauses(list []*analysis.Stream) bool {
	return slices.ContainsFunc(list, func(s *analysis.Stream) bool { return s.Pauses >= manyPauses && s.Events == 0 })
}

// quiet returns how many packets of a stream are of silence.
func quiet(s *analysis.Stream) int64 { return int64(s.Noise) + int64(s.Silence) }

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

// complete reports whether nothing is missing that would say something about the media of a
// talk: all descriptions are known, and all streams.
func (r *captureRun) complete(t *talk) bool {
	return r.Traffic.Measured && !t.partial && !t.ice && !t.leg.Running && !t.leg.AnswerUnseen && len(t.leg.Media.Endpoints) < 32 && !slices.Contains(r.Exceeded, "stream-limit")
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
		r.applies()
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

// legsOf returns the legs of the call of a talk.
func (r *captureRun) legsOf(t *talk) []*analysis.Leg {
	if n := t.leg.CallNumber(); n > 0 {
		return r.Calls.At(n - 1).Legs
	}
	return []*analysis.Leg{t.leg}
}

// announced looks for an address among those that the legs of a call announced, of one side or
// of any (NoParty).
func (r *captureRun) announced(t *talk, a netip.AddrPort, side analysis.Party) (exact, host, any bool) {
	for _, l := range r.legsOf(t) {
		if l.Media == nil {
			continue
		}
		for i := range l.Media.Endpoints {
			e := &l.Media.Endpoints[i]
			if side != analysis.NoParty && e.Side != side {
				continue
			}
			same, near := r.announces(e, a)
			exact, host, any = exact || same, host || near, true
		}
	}
	return exact, host, any
}

// description returns the frame in which a side of a leg announced an address last.
func description(l *analysis.Leg, side analysis.Party) (f analysis.Frame) {
	for i := range l.Media.Endpoints {
		if e := &l.Media.Endpoints[i]; e.Side == side {
			f = e.Frame
		}
	}
	return f
}

var rtpWrongTarget = &Rule{
	ID: "rtp-wrong-target", RFC: "RFC 3264 5.1, 6.1", Severity: "error / note",
	Title: "RTP is sent to an address that nobody asked for",
	Doc: `A stream of five packets and more, from an address that a side of the call announced, goes to an address that no session description of the call announced, and from which no RTP of the call comes either; nor is it captured there on its way through a NAT, which leads to an announced one. Where only the port differs from
one announced by the other side it is a note. A private address stands for the public one that its host announces, where the signalling shows that a NAT maps them to each other and the public one is nowhere in the capture. Silent with ICE, where messages of the call are cut or its beginning is missing, or the numbers of a side leave out a request.`,
	Why: "What is sent there is heard by nobody, or by the wrong one.",
	Fix: "Compare the destination with the c= and m= lines of the other side: an old description is used, or a device on the way changed one of them.",
	capture: func(r *captureRun) {
		r.eachStream(func(t *talk, s *analysis.Stream) (f Finding, ok bool) {
			if slices.ContainsFunc(t.leg.Media.Streams, func(x *analysis.Stream) bool { return x.Source() == s.Destination() }) {
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
			f = Finding{
				Severity: Error, Frames: []analysis.Frame{description(t.leg, other), s.First},
				Observed: fmt.Sprintf("%s sends %s to %s, which no session description of the call announces", sideOf(s.SentBy), number(int(s.Report().Packets), "packet"), endpoint(s.Destination())),
				Expected: "RTP to the address in the last description of " + sideOf(other),
			}
			if host {
				f.Severity = Note
				f.Observed += "; the address is announced with another port"
			}
			return f, true
		})
	},
}

// throughNAT reports whether a stream is captured on the other side of a NAT, too, where it has an end that
// was announced: what is told of that by fits.
func (r *captureRun) throughNAT(t *talk, s *analysis.Stream, fits func(*analysis.Stream) bool) bool {
	return slices.ContainsFunc(t.leg.Media.Streams, func(x *analysis.Stream) bool { return x != s && s.IsRelayOf(x) && fits(x) })
}

func otherSide(p analysis.Party) analysis.Party {
	switch p {
	case analysis.Caller:
		return analysis.Callee
	case analysis.Callee:
		return analysis.Caller
	}
	return p
}

func sideOf(p analysis.Party) string {
	if i := sideIndex(p); i >= 0 {
		return sideNames[i]
	}
	return "one side"
}

var sdpVsSource = &Rule{
	ID: "sdp-vs-source", RFC: "RFC 3264 5.1, 6.1", Severity: "warning / note",
	Title: "RTP comes from another address than its sender announced",
	Doc: `A stream of five packets and more goes to an address that the call announced, and its source is no address that its sender announced in the call (where only the port differs: a note). Silent where the
other side sends to that source all the same (symmetric RTP), where a NAT maps it to an announced one (as for rtp-wrong-target) or the stream is in the capture with that as its source, too, where it goes to a multicast address, with ICE, where messages of the call are cut or its beginning is missing. RTCP says nothing here.`,
	Why: "The other side sends to the announced address, and that may be behind a NAT: one hears, the other does not.",
	Fix: "Make the sender announce the address that it sends from (STUN, external address), or the other side answer to where RTP comes from (symmetric RTP).",
	capture: func(r *captureRun) {
		r.eachStream(func(t *talk, s *analysis.Stream) (f Finding, ok bool) {
			if slices.ContainsFunc(t.leg.Media.Streams, func(x *analysis.Stream) bool { return x.Destination() == s.Source() }) {
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
			f = Finding{
				Severity: Warning, Frames: []analysis.Frame{description(t.leg, s.SentBy), s.First},
				Observed: fmt.Sprintf("RTP of %s comes from %s, and %s announced %s", sideOf(s.SentBy), endpoint(s.Source()), sideOf(s.SentBy), lastAddress(t.leg, s.SentBy)),
				Expected: "RTP from the announced address, or from one to which the other side sends",
			}
			if host {
				f.Severity = Note
			}
			return f, true
		})
	},
}

func lastAddress(l *analysis.Leg, side analysis.Party) string {
	s := "none"
	for i := range l.Media.Endpoints {
		if e := &l.Media.Endpoints[i]; e.Side == side {
			s = endpoint(e.Addr)
		}
	}
	return s
}

var oneWayAudio = &Rule{
	ID: "one-way-audio", RFC: "RFC 3264 6.1", Severity: "error / note",
	Title: "audio went one way only",
	Doc: `A call was answered with 2xx and ACK and went on for 3 s and more; by all its descriptions both sides send and receive audio, and none puts it on hold; RTP of one side is in the capture behind the 2xx, and none of the other. It is certain
where both media addresses are sources of some packet, and not one of which the capture has all messages and nothing that goes there, and only possible otherwise: the other direction may have taken another way. Silent where all that was sent is comfort noise or describes silence, where another agreement takes the media to hosts between which they would not be captured (see no-audio), where RTP of another call uses one of the two addresses and ports at that time, with ICE, where messages of the call are cut or its beginning is missing.
Judged for each hop that has descriptions of its own, and told of that nearest to who is silent.`,
	Why: "One hears, the other does not: what people report most.",
	Fix: "Look where the silent side was told to send (c= and m= in the description of the other): behind a NAT or a firewall nothing gets out, or nothing comes back to the capture.",
	capture: func(r *captureRun) {
		for t := range r.talks() {
			from, to, ok := r.lasted(t)
			if !ok || !r.complete(t) || len(t.leg.Media.Streams) == 0 || t.fax {
				continue
			}
			r.applies()
			var list []Finding
			paths := t.paths()
			for silent := range 2 { // what a relay does not get it does not pass on: the hop nearest to who is silent is told
				n := len(list)
				for k := range paths {
					p := paths[nearest(silent, k, len(paths))]
					if f, ok := r.oneWay(t, p, silent, len(paths) == 1, from, to); ok && (len(list) == n || f.Confidence != Possible) {
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

// oneWay looks for a side that sends nothing on a path, while the other one does.
func (r *captureRun) oneWay(t *talk, p path, silent int, alone bool, from, to time.Time) (f Finding, ok bool) {
	if !p.both() {
		return f, false
	}
	var sent [2][]*analysis.Stream
	var heard [2]bool
	for by := range sent {
		sent[by] = t.sent(p, by, alone)
		for _, s := range sent[by] {
			heard[by] = heard[by] || s.End().After(from) && s.Begin().Before(to) && quiet(s) < s.Report().Packets
		}
	}
	by := 1 - silent
	if heard[silent] || !heard[by] {
		return f, false
	}
	a := p.at(to)
	if slices.ContainsFunc(sent[1-by], func(s *analysis.Stream) bool { return s.End().After(from) }) || // comfort noise
		r.shared(a.side[by].addr, t, from, to) || r.shared(a.side[1-by].addr, t, from, to) {
		return f, false
	}
	first, _ := spanOf(sent[by])
	if seen := p.of(first, by); slices.ContainsFunc(p, func(a *agreement) bool { return !r.follows(t, seen, a) }) {
		return f, false
	}
	f = Finding{
		Severity: Error, Frames: []analysis.Frame{p.first().frame, first.First},
		Observed: fmt.Sprintf("%s sends RTP to %s, and no stream of %s is seen in %s of talk", sideNames[by], endpoint(first.Destination()), sideNames[1-by], seconds(to.Sub(from))),
		Expected: "RTP from " + endpoint(a.side[1-by].addr) + " to " + endpoint(a.side[by].addr),
		RFC:      "RFC 3264 6.1",
	}
	for i := range a.side {
		if !r.sends(a.side[i].addr.Addr()) || r.isDeaf(a.side[i].addr.Addr()) {
			f.Confidence = Possible
		}
	}
	return f, true
}

var noAudio = &Rule{
	ID: "no-audio", RFC: "RFC 3264 6.1", Severity: "error",
	Title: "an answered call without any audio",
	Doc: `A call was answered with 2xx and ACK and went on for 3 s and more; its descriptions agree on audio, not inactive and not on hold; no RTP of it is in the capture, though RTP of other calls is within 60 s, and its own would be: packets between its two
media addresses are in the capture, or one of these has RTP with three hosts and more that are no ends of its hops; or with one, and is an end of each hop and of most streams of the capture. Silent where RTP that is of no call went to or came from one of these addresses in that time, or RTP of another call uses one of them with its port, with ICE, where messages of the call are cut or its beginning is missing.`,
	Why: "Both sides hear nothing. Where media of other calls are seen, those of this one would be.",
	Fix: "Look whether the two addresses of media can reach each other; where media take another way than the signalling, capture there.",
	capture: func(r *captureRun) {
		for t := range r.talks() {
			from, to, ok := r.lasted(t)
			if !ok || !r.complete(t) || t.fax || !t.leg.Media.HeldAt.IsZero() {
				continue
			}
			r.applies()
			a := t.paths()[0].at(to)
			if !a.allows(0) && !a.allows(1) || a.side[0].addr.Addr().IsUnspecified() || a.side[1].addr.Addr().IsUnspecified() {
				continue
			}
			if slices.ContainsFunc(r.legsOf(t), func(l *analysis.Leg) bool { return l.Media != nil && len(l.Media.Streams) > 0 }) {
				continue
			}
			if !r.isCaptured(t, a) || !r.othersTalk(t, a, from, to) {
				continue
			}
			r.tellOf(t.leg, Finding{
				Severity: Error, Frames: []analysis.Frame{a.frame}, Confidence: Likely,
				Observed: fmt.Sprintf("no RTP between %s and %s in %s of talk, though RTP of others is in the capture", endpoint(a.side[0].addr), endpoint(a.side[1].addr), seconds(to.Sub(from))),
				Expected: "RTP both ways",
			})
		}
	},
}

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
		if !s.Of(t.leg) && s.End().After(from) && s.Begin().Before(to) {
			return true
		}
	}
	return false
}

// A streamIndex finds streams by address and time.
type streamIndex struct {
	at    map[netip.AddrPort][]*analysis.Stream // by both ends
	stray map[netip.Addr][]*analysis.Stream     // those of no call, by both ends
	hosts map[netip.Addr]*mediaHost             // both ends
	begin []time.Time                           // of all streams, in order
	end   []time.Time                           // the latest end of those up to it
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
	sorted := slices.Clone(r.Streams)
	slices.SortStableFunc(sorted, func(a, b *analysis.Stream) int { return a.Begin().Compare(b.Begin()) })
	var last time.Time
	for _, s := range sorted {
		x.meet(s.Source().Addr(), s.Destination().Addr())
		x.hosts[s.Source().Addr()].sends = true
		if s.Source().Addr() != s.Destination().Addr() {
			x.meet(s.Destination().Addr(), s.Source().Addr())
		}
		x.hosts[s.Destination().Addr()].gets = true
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
	return x
}

// maxMediaPeers bounds the hosts that are known to exchange media with one, manyMediaPeers are so many
// that it is that one which is captured.
const (
	maxMediaPeers  = 16
	manyMediaPeers = 3
)

// A mediaHost is a host that sends or gets media.
type mediaHost struct {
	peers   []netip.Addr // at most maxMediaPeers
	streams int
	sends   bool
	gets    bool
}

// meet notes that a stream has a host for one end, and another one for the other.
func (x *streamIndex) meet(a, b netip.Addr) {
	h := x.hosts[a]
	if h == nil {
		h = new(mediaHost)
		x.hosts[a] = h
	}
	h.streams++
	if len(h.peers) < maxMediaPeers && !slices.Contains(h.peers, b) {
		h.peers = append(h.peers, b)
	}
}

// isCaptured reports whether packets between the two media addresses of an agreement would be in
// the capture: others between these hosts are, or it is one of them that is captured.
func (r *captureRun) isCaptured(t *talk, a *agreement) bool {
	from, to := a.side[0].addr.Addr(), a.side[1].addr.Addr()
	there, _ := r.Saw(from, to)
	back, _ := r.Saw(to, from)
	h := r.heard().hosts[from] // who sent RTP, Saw does not know
	return there || back || h != nil && slices.Contains(h.peers, to) || r.seesAll(t.leg, from) || r.seesAll(t.leg, to)
}

// seesAll reports whether the capture is likely to hold all media of a host. It has some with three
// others, those left out that the signalling of the leg goes to; or with one, and is an end of each hop
// and of most streams. Where all it has is with an end of a hop, it may be that one which is captured.
func (r *captureRun) seesAll(l *analysis.Leg, host netip.Addr) bool {
	h, others := r.heard().hosts[host], 0
	if h == nil {
		return false
	}
	is := func(h analysis.Hop, a netip.Addr) bool { return h.A.Addr().Unmap() == a || h.B.Addr().Unmap() == a }
	for _, peer := range h.peers {
		if !slices.ContainsFunc(l.Hops, func(h analysis.Hop) bool { return is(h, peer) }) {
			others++
		}
	}
	return others >= manyMediaPeers || others > 0 && 2*h.streams > len(r.Streams) && !slices.ContainsFunc(l.Hops, func(h analysis.Hop) bool { return !is(h, host) })
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

var lateOrCutMedia = &Rule{
	ID: "late-or-cut-media", RFC: "RFC 3264 5.1, 8", Severity: "warning",
	Title: "audio began late, or ended long before the call",
	Doc: `In one direction, in which the descriptions in force let audio be sent then, the first RTP comes over 1 s behind the 2xx, or the last over 5 s ahead of the BYE. Judged for each hop that has descriptions of its own, and told of that nearest to the sender; silent for a direction without any
RTP, for one with comfort noise or with frames that describe silence (SID of G.729, G.723.1, AMR, EVS, DTX of Opus), whose sender may be silent, at its end also for one with three pauses with talkspurts behind them, and where a transfer was accepted, where a later agreement takes the media to hosts between which they would not be captured (see no-audio), and where RTP of another call uses one of the two addresses and ports; with ICE, where messages of the call are cut or its beginning is missing, or the numbers of a side leave out a request, which may be one that changed the session.`,
	Why: "The first words are lost, or people talk into a dead line and hang up.",
	Fix: "Late: look at what the side waits for (ringback, keys, a slow gateway). Cut: look at what happened in its last second (a re-INVITE, an ICMP error, a NAT that forgot).",
	capture: func(r *captureRun) {
		for t := range r.talks() {
			if len(t.leg.Media.Streams) == 0 || t.leg.Answered.IsZero() || len(t.agreed) == 0 || !r.complete(t) {
				continue
			}
			r.applies()
			var list []Finding
			paths := t.paths()
			for by := range 2 {
				told := [2]bool{} // by the hop nearest to the sender, if that is one of several
				for k := range paths {
					p := paths[nearest(by, k, len(paths))]
					for i, f := range r.lateOrCut(t, p, by, t.sent(p, by, len(paths) == 1)) {
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
	if first == nil || first.Begin().IsZero() || comfort(sent) {
		return list
	}
	a := p.at(first.Begin())
	if r.shared(a.side[by].addr, t, t.leg.Begin, last.End().Add(cutMedia)) || r.shared(a.side[1-by].addr, t, t.leg.Begin, last.End().Add(cutMedia)) {
		return list
	}
	answered := p.first().at
	early := t.leg.Answered.Sub(answered) > lateMedia // that was agreed ahead of the answer, whose own agreement is not in the capture
	if wait := first.Begin().Sub(answered); wait > lateMedia && !early && p.at(answered).allows(by) && r.follows(t, p.of(first, by), p.at(answered)) && p.at(answered.Add(lateMedia)).allows(by) {
		list[0] = Finding{
			Severity: Warning, Frames: []analysis.Frame{p.first().frame, first.First},
			Observed: fmt.Sprintf("the first RTP of %s comes %s after the 2xx", sideNames[by], seconds(wait)), Expected: "RTP within 1 s of the answer",
		}
	}
	if !t.leg.ByBye || t.bye.Number == 0 || t.leftOut || pauses(sent) || slices.ContainsFunc(t.leg.Transfers, func(x analysis.Transfer) bool { return x.Status/100 == 2 }) {
		return list
	}
	if early := t.leg.Ended.Sub(last.End()); early > cutMedia && p.at(t.leg.Ended).allows(by) && r.follows(t, p.of(last, by), p.at(t.leg.Ended)) && r.goesOn(p.of(last, by), p.at(t.leg.Ended), by) && p.at(last.End()).allows(by) && last.End().After(answered) {
		list[1] = Finding{
			Severity: Warning, Frames: []analysis.Frame{last.Last(), t.bye},
			Observed: fmt.Sprintf("the last RTP of %s comes %s before the BYE", sideNames[by], seconds(early)), Expected: "RTP up to the end of the call",
		}
	}
	return list
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

var ptimeMismatch = &Rule{
	ID: "ptime-mismatch", RFC: "RFC 8866 6.4, 6.5", Severity: "warning",
	Title: "packets are shorter or longer than the receiver asked for",
	Doc: `The commonest step from packet to packet of a stream of audio (ten packets and more) is 0.67 of the ptime in the description of its receiver and less, or 1.5 of it and more, or over its maxptime; and so of every description of that while the stream is sent. Silent where the numbers of a side leave out a request, without
ptime and maxptime, for streams of comfort noise or telephone events alone, and where the step is 160 ms and more, as codecs have it that describe silence. What a relay passes on is told once.`,
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
				if v == nil || v.ptime == 0 && v.maxTime == 0 || !strings.EqualFold(s.Kind, "audio") || x.Interval <= 0 || x.Interval >= silenceStep || x.Packets < 10 || s.Codec == "CN" || s.Codec == "telephone-event" || quiet(s) == x.Packets {
					continue
				}
				applied = true
				asked := v.refuses(x.Interval)
				if asked == "" || len(list) == 2 || slices.ContainsFunc(t.receivers(s), func(v *voice) bool { return v.refuses(x.Interval) == "" }) {
					continue
				}
				f := Finding{
					Severity: Warning, Frames: []analysis.Frame{v.frame, s.First},
					Observed: fmt.Sprintf("%s sends packets of %s ms, and %s asks for %s", sideOf(s.SentBy), strconv.FormatFloat(x.Interval.Seconds()*1000, 'f', -1, 64), sideOf(otherSide(s.SentBy)), asked), Expected: "packets of " + asked,
				}
				if len(list) == 0 || list[0].Observed != f.Observed { // a relay passes it on
					list = append(list, f)
				}
			}
			if applied {
				r.applies()
			}
			r.tellOf(t.leg, list...)
		}
	},
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
func (t *talk) receiver(s *analysis.Stream) (v *voice) {
	to := sideIndex(otherSide(s.SentBy))
	if to < 0 {
		return nil
	}
	for i := range t.agreed {
		a := &t.agreed[i]
		if a.audio && a.side[to].addr == s.Destination() && (v == nil || !a.at.After(s.End())) {
			v = &a.side[to]
		}
	}
	return v
}

var earlyMedia = &Rule{
	ID: "early-media", RFC: "RFC 3960; RFC 5009", Severity: "note",
	Title: "media before the call was answered",
	Doc: `A provisional response to the INVITE of a call has a session description, and RTP of the call begins before its final response; RTP is not asked for where the capture has none at all. Where responses with several To tags have
one, it is forked early media: the caller can play only one.`,
	Why: "Announcements and ringback tones come that way. Where they are not heard, or clip the first words, this is the place to look.",
	Fix: "Nothing, unless something is not heard: then look whether a device on the way lets RTP through before the answer.",
	capture: func(r *captureRun) {
		for t := range r.allTalks() {
			if t.early.Number == 0 {
				continue
			}
			r.applies()
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
			v, x := t.receiver(s), s.Report()
			if v == nil || !v.secure || s.Events > 0 || s.Noise > 0 || x.Packets < 10 || x.Interval <= 0 || !(s.Codec == "PCMU" || s.Codec == "PCMA" || s.Codec == "G722") {
				continue
			}
			r.applies()
			size := 8*x.Interval.Milliseconds() + 12 + 8 + 20
			if s.Source().Addr().Is6() {
				size += 20
			}
			if x.Octets != x.Packets*size {
				continue
			}
			list = append(list, Finding{
				Severity: Error, Confidence: Likely, Frames: []analysis.Frame{v.frame, s.First}, RFC: "RFC 3711 3.1",
				Observed: fmt.Sprintf("%s sends RTP in the clear, as the length of its packets says, on a stream of RTP/SAVP", sideOf(s.SentBy)), Expected: "SRTP",
			})
		}
		r.tellOf(t.leg, list...)
	}
}

// audioInPlaceOfFax finds audio that goes on after T.38 was agreed on, and tones of fax
// without T.38.
func audioInPlaceOfFax(r *captureRun) {
	for t := range r.talks() {
		for _, s := range t.leg.Media.Streams {
			if x := s.Report(); t.faxed && !t.partial && !t.leftOut && x.Packets >= 50 && x.LossPercent() < 50 && s.End().Sub(t.faxAt) > faxGrace && !t.audioAgain(s.End()) {
				r.tellOf(t.leg, Finding{
					Severity: Error, Frames: []analysis.Frame{t.faxFrame, s.Last()}, Expected: "T.38 alone behind the 2xx",
					Observed: fmt.Sprintf("T.38 is agreed on, and %s goes on with audio for %s", sideOf(s.SentBy), seconds(s.End().Sub(t.faxAt))),
				})
				break
			}
			k := slices.IndexFunc(s.Tones(), func(x analysis.Tone) bool { return x.Event.Event == 32 || x.Event.Event == 36 })
			if k >= 0 && !t.fax && !t.leftOut && t.describes(s) {
				r.tellOf(t.leg, Finding{
					Severity: Warning, Frames: []analysis.Frame{s.Tones()[k].Frame}, Expected: "an offer of T.38",
					Observed: fmt.Sprintf("%s sends the tone of a fax, and no T.38 is offered", sideOf(s.SentBy)),
				})
				break
			}
		}
	}
}

// wrongDigits finds telephone events that the receiver may not understand.
func wrongDigits(r *captureRun) {
	for t := range r.talks() {
		var list []Finding
		for _, s := range t.leg.Media.Streams {
			kind, ok := s.EventType()
			if !ok {
				continue
			}
			r.applies()
			who, to := sideOf(s.SentBy), sideOf(otherSide(s.SentBy))
			if v, own := t.receiver(s), t.own(s); v != nil && own != nil && v.events != (typeSet{}) && !v.events.has(kind) && own.events.has(kind) {
				list = append(list, Finding{
					Severity: Warning, Frames: []analysis.Frame{v.frame, s.Tones()[0].Frame}, RFC: "RFC 3264 5.1",
					Observed: fmt.Sprintf("%s sends telephone events with payload type %d, and %s asked for %s", who, kind, to, v.events), Expected: "payload type " + v.events.String(),
				})
			}
			if x, y, twice := t.twice(s); twice {
				list = append(list, Finding{
					Severity: Warning, Frames: []analysis.Frame{x, y}, RFC: "RFC 4733 2.5",
					Observed: fmt.Sprintf("%s sends one digit as INFO and as telephone event", who), Expected: "one way of sending digits",
				})
			}
			last := s.Tones()[len(s.Tones())-1]
			ends := func(x analysis.Tone) bool { return x.Ends > 0 || x.Event.Event > maxKey }
			if t.describes(s) && !slices.ContainsFunc(s.Tones(), ends) && (r.End.IsZero() || r.End.Sub(last.Time.Add(last.Duration)) > oneDigit) {
				list = append(list, Finding{
					Severity: Warning, Frames: []analysis.Frame{s.Tones()[0].Frame}, RFC: "RFC 4733 2.5.1.4",
					Observed: fmt.Sprintf("none of the %s of %s has the end bit", number(s.ToneCount(), "telephone event"), who), Expected: "three packets with the end bit behind each event",
				})
			}
		}
		r.tellOf(t.leg, list...)
	}
}

// describes reports whether a description has the payload type of the telephone events of a
// stream: other codecs may look like them.
func (t *talk) describes(s *analysis.Stream) bool {
	kind, ok := s.EventType()
	v, own := t.receiver(s), t.own(s)
	return ok && (v != nil && v.events.has(kind) || own != nil && own.events.has(kind))
}

// own returns what the sender of a stream says of itself, nil if that is not known.
func (t *talk) own(s *analysis.Stream) (v *voice) {
	by := sideIndex(s.SentBy)
	if by < 0 {
		return nil
	}
	for i := range t.agreed {
		if a := &t.agreed[i]; a.audio && a.side[1-by].addr == s.Destination() && (v == nil || !a.at.After(s.End())) {
			v = &a.side[by]
		}
	}
	return v
}

// twice returns a digit that was sent as INFO and as an event of a stream.
func (t *talk) twice(s *analysis.Stream) (info, event analysis.Frame, ok bool) {
	for _, x := range t.infos {
		if x.byCaller != (s.SentBy == analysis.Caller) {
			continue
		}
		for i := range s.Tones() {
			y := &s.Tones()[i]
			if y.Event.Event == x.event && max(y.Time.Sub(x.time), x.time.Sub(y.Time)) <= oneDigit {
				return x.frame, y.Frame, true
			}
		}
	}
	return info, event, false
}

// audioAgain reports whether audio was agreed on again behind T.38, up to a time.
func (t *talk) audioAgain(until time.Time) bool {
	return slices.ContainsFunc(t.agreed, func(a agreement) bool { return a.audio && a.at.After(t.faxAt) && a.at.Before(until) })
}

// IsMedia reports whether a finding is about media, or about session descriptions.
func (f *Finding) IsMedia() bool {
	return slices.Contains(mediaRules, f.rule) || slices.Contains(offerRules, f.rule)
}
