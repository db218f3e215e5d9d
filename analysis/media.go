package analysis

import (
	"bytes"
	"hash/maphash"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sipsight/sipsight/internal/dissect"
	"github.com/sipsight/sipsight/rtp"
	"github.com/sipsight/sipsight/sdp"
	"github.com/sipsight/sipsight/sipmsg"
)

const (
	// maxMedia bounds the media descriptions kept of one leg, maxEndpoints the
	// addresses announced in it: a call in earnest has two, a conference some dozen.
	maxMedia     = 16
	maxEndpoints = 32

	// maxICE bounds the ICE candidates of a leg: each side has a handful of each stream.
	maxICE = 64

	// maxBodies is how many session descriptions of a leg are remembered, so that
	// the same one on the next hop is not looked at again.
	maxBodies = 4
)

// Media is what the session descriptions of a leg say.
type Media struct {
	// Lines are the media descriptions of the last session description of each
	// side, the caller's first.
	Lines []MediaLine

	// Endpoints are all addresses that were announced, in the order in which that became known: of time, but
	// for what waited for octets of a stream.
	Endpoints []Endpoint

	// Streams are those that were sent between them, in the order in which they began; none
	// unless Options.Streams asked for them.
	Streams []*Stream

	// Relayed are the same streams on other hops of a relay, of which no session description
	// speaks: they are known by SSRC and sequence numbers. In the order in which they began.
	Relayed []*Stream

	// Sessions are the media that are no RTP, in the order in which they were offered; at
	// most 8.
	Sessions []*Session

	Descriptions int // session descriptions, those that another hop repeats left out

	// Candidates are the ICE candidates for RTP, RFC 8839: further addresses that streams may be between. They are
	// known with Options.Streams alone.
	Candidates []Endpoint

	HeldAt    time.Time // the first time that a later description put audio on hold …
	HeldFrame Frame     // … in this frame
	HeldBy    Party
	Resumed   bool // and it went on later
}

// maxNewest bounds the calls that a packet is looked for in: of those that are answered, and of the others, the ones that were heard of last.
const maxNewest = 32

// taken reports whether a call that began since, and was heard of lately, announces one of the ends of a datagram.
func (t *tracker) taken(d *dissect.Datagram, since time.Duration) bool {
	for _, list := range [...]*legList{&t.talk, &t.wait} {
		for v, n := list.tail, 0; v != nil && n < maxNewest; v, n = v.prev, n+1 {
			if v.leg.Begin.UnixNano() > int64(since) && v.leg.Media.announces(d) {
				return true
			}
		}
	}
	return false
}

// announces reports whether one of the ends of a datagram was announced.
func (m *Media) announces(d *dissect.Datagram) bool {
	return m != nil && slices.ContainsFunc(m.Endpoints, func(e Endpoint) bool { return e.Addr == d.Src || e.Addr == d.Dst })
}

// A MediaLine is one media description: where a side wants to be sent what.
type MediaLine struct {
	Side      Party
	Kind      string         // audio, video, image …
	Addr      netip.AddrPort // the zero AddrPort where there is a name in place of an address
	Proto     string         // RTP/AVP …
	Codecs    string         // names in order, separated by commas
	Direction string         // sendrecv, sendonly, recvonly, inactive
	Frame     Frame
}

// An Endpoint is an address that media are to be sent to.
type Endpoint struct {
	Addr  netip.AddrPort
	Side  Party
	Kind  string
	Since time.Time
	Frame Frame

	formats string // as sdp.Glimpse.AppendMap has them, of all descriptions that announced it
	secure  bool   // the last of them asks for SRTP, or brings a key for it
}

// Codec returns what a payload type stands for in packets sent to the endpoint; the zero Codec
// where no description says so. It is known with Options.Streams alone.
func (e *Endpoint) Codec(payloadType uint8) (c rtp.Codec) {
	for f := range strings.SplitSeq(e.formats, ",") {
		number, encoding, _ := strings.Cut(f, " ")
		if n, err := strconv.ParseUint(number, 10, 8); err != nil || uint8(n) != payloadType {
			continue
		}
		name, rest, _ := strings.Cut(encoding, "/")
		rate, channels, _ := strings.Cut(rest, "/")
		clock, _ := strconv.ParseUint(rate, 10, 31)
		n, err := strconv.ParseUint(channels, 10, 8)
		if err != nil { // one, as RFC 8866, section 6.6 has it
			n = 1
		}
		return rtp.Codec{Name: name, ClockRate: int(clock), Channels: int(n)}
	}
	return c
}

// describes reports whether a message carries a session description of its own kind.
func describes(s *sipmsg.Message) bool {
	if len(s.Body) < 3 {
		return false
	}
	v, ok := s.First(sipmsg.ContentType)
	return ok && len(v) >= 15 && equalFold(v[:15], "application/sdp") || s.Body[0] == 'v' && s.Body[1] == '='
}

// equalFold reports whether b is a text of lower-case letters, in any case.
func equalFold(b []byte, lower string) bool {
	if len(b) != len(lower) {
		return false
	}
	for i := range b {
		c := b[i]
		if c-'A' < 26 {
			c |= 0x20
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}

// media takes in the session description of a message, if it has one.
func (t *tracker) media(v *liveLeg, x *seen) {
	if x.resent.Number != 0 || x.m.Partial {
		return
	}
	body := description(x.s)
	if body == nil {
		return
	}
	side, tag := v.speaker(x), x.to
	if x.s.IsRequest() {
		tag = x.from
	}
	who := maphash.Bytes(t.seed, tag)
	if v.knows(side, x.cseq, who, maphash.Bytes(t.seed, body)) {
		return
	}
	l := v.leg
	if l.Media == nil {
		l.Media = t.legs.freshMedia()
	}
	if string(x.from) == string(x.to) { // both have the same or none
		who ^= uint64(side) << 1
	}
	t.describe(l.Media, v, x, side, who, body)
}

// A speech is who described media, by 31 bits of the hash of the tag, and in the lowest bit whether the last description with audio held it. A phone
// of a fork says its own: what another one said before is not what it lowers. Behind a back-to-back user agent that keeps the Call-ID sides
// change places, and tags do not.
type speech uint32

const (
	holds speech = 1

	// maxSpeeches is how many are remembered of a leg; those of further phones of a fork take each other's place.
	maxSpeeches = 8
)

// speechOf returns the speech of who has a tag of that hash, and whether there was one before.
func (v *liveLeg) speechOf(tag uint64) (s *speech, later bool) {
	who := speech(tag) &^ holds
	for i := range v.speeches[:v.nSpeeches] {
		if s := &v.speeches[i]; *s&^holds == who {
			return s, true
		}
	}
	v.nSpeeches = min(v.nSpeeches+1, maxSpeeches)
	s = &v.speeches[v.nSpeeches-1]
	*s = who
	return s, false
}

// knows reports whether a session description, of which sum is the hash, says nothing new:
// it is what the side said last, or it was seen in the same transaction, on another hop or
// in an earlier response. What a side says again later, it says anew: so does a call that
// is resumed. So does a phone, of which tag is the hash of its tag, behind another one of its fork.
func (v *liveLeg) knows(side Party, cseq uint32, tag, sum uint64) bool {
	if v.saidBy[side] != tag {
		v.saidBy[side], v.bodies = tag, [maxBodies]described{}
	}
	if v.said[side] == sum {
		return true
	}
	b := described{side: side, cseq: cseq, sum: sum}
	if slices.Contains(v.bodies[:], b) {
		return true
	}
	v.said[side] = sum
	v.bodies[v.nBodies%maxBodies] = b
	v.nBodies++
	return false
}

// A described is a session description that was taken in.
type described struct {
	sum  uint64
	cseq uint32
	side Party
}

// description returns the session description that a message carries, by itself or inside of a multipart body; nil for
// none.
func description(s *sipmsg.Message) []byte {
	if describes(s) {
		return s.Body
	}
	v, ok := s.First(sipmsg.ContentType)
	if !ok || len(v) < 10 || !equalFold(v[:10], "multipart/") {
		return nil
	}
	for p := range s.Parts() {
		if p.Type.Is("application", "sdp") {
			return p.Body
		}
	}
	return nil
}

// speaker returns whose session description a message carries: that of the side that
// sent it.
func (v *liveLeg) speaker(x *seen) Party {
	if v.byCaller(x) == x.s.IsRequest() {
		return Caller
	}
	return Callee
}

// describe takes in a session description of a side, of which tag is the hash of its tag.
func (t *tracker) describe(m *Media, v *liveLeg, x *seen, side Party, tag uint64, body []byte) {
	kept := m.Lines[:0]
	for _, line := range m.Lines {
		if line.Side != side {
			kept = append(kept, line)
		}
	}
	m.Lines = kept
	m.Descriptions++
	held, audio, idle := false, false, false
	for g := range sdp.Glance(body) {
		t.session(m, v, x, side, &g)
		if g.Port != 0 && string(g.Kind) == "audio" {
			audio = true
			held = held || g.Hold
			idle = idle || g.Direction == sdp.Inactive
		}
		if len(m.Lines) == maxMedia {
			continue
		}
		said := t.formatsOf(&g)
		line := MediaLine{
			Side: side, Kind: t.names.string(capped(g.Kind, 64)), Proto: said.proto,
			Codecs: said.codecs, Direction: g.Direction.String(), Frame: x.frame,
		}
		if g.Addr.IsValid() {
			line.Addr = netip.AddrPortFrom(g.Addr, g.Port)
		}
		m.Lines = append(m.Lines, line)
		if line.Addr.IsValid() && g.Port != 0 && !g.Addr.IsUnspecified() {
			e := Endpoint{Addr: line.Addr, Side: side, Kind: line.Kind, Since: x.now, Frame: x.frame}
			if t.streams != nil {
				e.formats, e.secure = said.formats, said.secure
			}
			again := slices.ContainsFunc(m.Lines[:len(m.Lines)-1], func(x MediaLine) bool { return x.Side == side && x.Addr == e.Addr })
			m.Endpoints = announce(m.Endpoints, maxEndpoints, e, again)
		}
	}
	if t.streams != nil && bytes.Contains(body, []byte("a=candidate:")) {
		t.candidates(m, x, side, body)
	}
	said, later := v.speechOf(tag)
	was, resumed, began := *said, m.Resumed, m.HeldAt
	switch {
	case !audio || !later:
	case held && *said&holds == 0 && m.HeldAt.IsZero():
		m.HeldAt, m.HeldFrame, m.HeldBy, m.Resumed = x.now, x.frame, side, false
	case !held && side == m.HeldBy && !m.HeldAt.IsZero():
		m.Resumed = true
	case idle && side != m.HeldBy && !x.s.IsRequest(): // the other side does not take it up
		m.Resumed = false
	}
	if audio {
		*said &^= holds
		if held {
			*said |= holds
		}
	}
	if o := (offered{cseq: x.cseq, hop: int32(x.hop), said: was, holds: m.HeldAt != began, resumes: m.Resumed != resumed}); later && x.s.IsRequest() && (o.holds || o.resumes) {
		v.offered = o
	}
}

// An offered is the last offer that put audio on hold for the first time, or resumed it.
type offered struct {
	cseq           uint32
	hop            int32
	said           speech // what it was before
	holds, resumes bool
}

// refused takes back what a refused offer said of a hold.
func (v *liveLeg) refused(t *tracker, x *seen) {
	o, m := &v.offered, v.leg.Media
	if !o.holds && !o.resumes || o.cseq != x.cseq || int(o.hop) != x.hop || v.speaker(x) == m.HeldBy {
		return
	}
	v.said[m.HeldBy] = 0 // it may be offered again
	if said, later := v.speechOf(maphash.Bytes(t.seed, x.from)); later {
		*said = o.said
	}
	if m.Resumed = m.Resumed && !o.resumes; o.holds {
		m.HeldAt, m.HeldFrame, m.HeldBy = time.Time{}, Frame{}, NoParty
	}
	*o = offered{}
}

// candidates keeps the ICE candidates of a session description. Those of the first stream of a bundle are those of all: RFC 9143.
func (t *tracker) candidates(m *Media, x *seen, side Party, body []byte) {
	var s sdp.Session
	if s.Parse(body) != nil {
		return
	}
	var list []Endpoint // that they are, without an address
	first := -1
	for g := range sdp.Glance(body) {
		i := len(list)
		if i == min(len(s.Media), maxEndpoints) {
			break
		}
		d, said := &s.Media[i], t.formatsOf(&g)
		list = append(list, Endpoint{Side: side, Kind: t.names.string(capped(d.Kind, 64)), Since: x.now, Frame: x.frame, formats: said.formats, secure: said.secure})
		switch {
		case d.Disabled() || !s.Bundled(d):
		case first < 0:
			first = i
		default:
			t.scratch = append(append(append(t.scratch[:0], list[first].formats...), ','), said.formats...)
			list[first].formats = t.names.string(capped(t.scratch, maxKept))
		}
	}
	for i, e := range list {
		if s.Media[i].Disabled() {
			continue
		}
		for c := range s.Media[i].Candidates() {
			if c.Component == 1 && c.Addr.IsValid() && equalFold(c.Transport, "udp") {
				e.Addr = c.Addr
				m.Candidates = announce(m.Candidates, maxICE, e, false)
			}
		}
	}
}

// A formatFacts is what a media description says of its formats.
type formatFacts struct {
	proto   string
	codecs  string // as sdp.Glimpse.AppendCodecs has them
	formats string // … AppendMap; with Options.Streams alone
	secure  bool   // likewise
}

// maxFormatFacts bounds those that are remembered: devices of one kind say the same in every
// call, but for address and port.
const maxFormatFacts = 1 << 10

// formatsOf returns what a media description says of its formats.
func (t *tracker) formatsOf(g *sdp.Glimpse) formatFacts {
	proto, formats, lines := g.Section()
	sum := mix(mix(maphash.Bytes(t.seed, proto), maphash.Bytes(t.seed, formats)), maphash.Bytes(t.seed, lines))
	if f, ok := t.facts[sum]; ok {
		return f
	}
	if len(t.facts) == maxFormatFacts || t.facts == nil {
		t.facts = make(map[uint64]formatFacts)
	}
	t.scratch = g.AppendCodecs(t.scratch[:0])
	f := formatFacts{proto: t.names.string(capped(g.Proto, 64)), codecs: t.names.string(capped(t.scratch, maxKept))}
	if t.streams != nil {
		t.scratch = g.AppendMap(t.scratch[:0])
		f.formats = t.names.string(capped(t.scratch, maxKept))
		f.secure = g.Secure()
	}
	t.facts[sum] = f
	return f
}

// announce keeps an endpoint, once. Payload types may be added later, and may not change
// their meaning: RFC 3264, section 8.3.2. Of one description that announces it again, with SRTP and without, the
// other one chooses.
func announce(list []Endpoint, most int, e Endpoint, again bool) []Endpoint {
	for i := range list {
		old := &list[i]
		if old.Addr != e.Addr || old.Side != e.Side {
			continue
		}
		if !strings.Contains(old.formats, e.formats) && len(old.formats)+len(e.formats) < maxKept {
			old.formats += "," + e.formats
		}
		old.secure = e.secure || again && old.secure
		return list
	}
	if len(list) < most {
		list = append(list, e)
	}
	return list
}

// text says in short what the last description of a side says: of each stream the kind, the
// address, the codecs, and the direction unless it is both ways.
func (m *Media) text(side Party) string {
	s := ""
	for i := range m.Lines {
		line := &m.Lines[i]
		if line.Side != side {
			continue
		}
		if s != "" {
			s += "; "
		}
		s += line.Text()
	}
	return s
}

// Text says a media description in short. Kind and codecs are text of the capture.
func (l *MediaLine) Text() string {
	s := l.Kind
	switch {
	case !l.Addr.IsValid():
	case l.Addr.Port() == 0:
		return s + " refused"
	default:
		s += " " + netip.AddrPortFrom(l.Addr.Addr().Unmap(), l.Addr.Port()).String()
	}
	if l.Codecs != "" {
		s += " " + l.Codecs
	}
	if l.Direction != "sendrecv" {
		s += " " + l.Direction
	}
	return s
}
