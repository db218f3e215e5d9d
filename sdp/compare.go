package sdp

import (
	"bytes"
	"slices"
)

// A Result is what an answer makes of an offer.
type Result struct {
	Streams []Stream // one for each media description of the offer, then those the answer added
	Faults  []Rule   // of the answer as a whole
}

// A Stream is what an answer makes of one offered stream.
type Stream struct {
	Offer  *Media // nil for one that only the answer has
	Answer *Media // nil for one that the answer left out

	Accepted bool    // both sides give it a port
	Common   []Match // what both sides can do, in the order of the answer, which is what counts
	RTCPMux  bool    // both sides want RTP and RTCP on one port

	// Direction is what the stream comes to, as the side that made the offer sees it: it
	// sends where it wants to send and the other side wants to receive, and so on.
	Direction Direction

	Faults []Rule // of the answer
	Notes  []Rule // unusual, and allowed
}

// A Match is one format that offer and answer have in common: a codec of RTP, or what else
// stands in m=.
type Match struct {
	Offer, Answer Codec  // of RTP
	Format        []byte // of everything else, as in the answer
}

// HasFault reports whether the answer offends a rule, with this stream or another.
func (r *Result) HasFault(rule Rule) bool {
	for i := range r.Streams {
		if slices.Contains(r.Streams[i].Faults, rule) {
			return true
		}
	}
	return slices.Contains(r.Faults, rule)
}

// Compare says what an answer makes of an offer, and which rules of RFC 3264 it offends.
// Media descriptions are compared by their place. For each format of the answer it looks at
// those of the offer, of which there are MaxFormats at most.
func Compare(offer, answer *Session) Result {
	var r Result
	if len(offer.Media) != len(answer.Media) {
		r.Faults = append(r.Faults, RuleAnswerCount)
	}
	if groups(answer) && !groups(offer) {
		r.Faults = append(r.Faults, RuleAnswerGroup)
	}
	r.Streams = make([]Stream, max(len(offer.Media), len(answer.Media)))
	for i := range r.Streams {
		s := &r.Streams[i]
		if i < len(offer.Media) {
			s.Offer = &offer.Media[i]
		}
		if i < len(answer.Media) {
			s.Answer = &answer.Media[i]
		}
		if s.Offer != nil && s.Answer != nil {
			s.compare()
		}
	}
	return r
}

func groups(s *Session) bool {
	for range s.Groups() {
		return true
	}
	return false
}

//go:noinline
func (s *Stream) fault(r Rule) { s.Faults = append(s.Faults, r) }
func (s *Stream) note(r Rule)  { s.Notes = append(s.Notes, r) }

func (s *Stream) compare() {
	o, a := s.Offer, s.Answer
	if !equalFold(o.Kind, a.Kind) {
		s.fault(RuleAnswerMedia)
		return // what follows would compare streams that have nothing to do with each other
	}
	s.Accepted = !o.Disabled() && a.Port != 0
	if o.Disabled() && a.Port != 0 {
		s.fault(RuleAnswerDisabled)
	}
	if a.Port == 0 { // its transport, formats and attributes mean nothing
		return
	}
	s.transport()
	s.formats()
	if !s.Accepted {
		return
	}
	s.Direction = o.Direction() & a.Direction().Reverse()
	if a.Direction()&^o.Direction().Reverse() != 0 {
		if a.HasDirection() {
			s.fault(RuleAnswerDirection)
		} else {
			s.fault(RuleAnswerDefault)
		}
	}
	s.RTCPMux = o.RTCPMux() && a.RTCPMux()
	s.keys()
}

// transport compares the transports. RFC 3264, section 6.1 leaves no choice; profiles that
// differ in feedback or in the way that keys are agreed on are understood all the same.
func (s *Stream) transport() {
	o, a := s.Offer, s.Answer
	switch {
	case equalFold(o.Proto, a.Proto) || s.potential():
	case o.IsRTP() && a.IsRTP() && o.IsSecure() != a.IsSecure():
		s.fault(RuleAnswerSecurity)
	case o.IsRTP() && a.IsRTP() && lowerTransport(o.Proto) == lowerTransport(a.Proto):
		s.note(RuleNoteProfile)
	default:
		s.fault(RuleAnswerProto)
	}
}

// potential reports whether the answer takes up what the offer holds out beside its m= line, transport and keys among it: RFC 5939, section 3.5.
func (s *Stream) potential() bool { return s.Offer.Has("pcfg") && s.Answer.Has("acfg") }

// lowerTransport returns what a stream of RTP runs over at the bottom.
func lowerTransport(proto []byte) string {
	first, _, _ := cutByte(proto, '/')
	for _, t := range [...]string{"TCP", "DCCP"} {
		if equalFold(first, t) {
			return t
		}
	}
	return "UDP"
}

// formats finds what both sides can do.
func (s *Stream) formats() {
	o, a := s.Offer, s.Answer
	media := false
	if o.IsRTP() && a.IsRTP() {
		moved := false
		var taken [128]bool   // codecs of the offer
		var numbered [128]int // index of a payload type there, plus 1
		for i := range o.codecs {
			numbered[o.codecs[i].PayloadType] = i + 1
		}
		for _, c := range a.codecs {
			i := numbered[c.PayloadType] - 1 // as it is nearly always
			if i < 0 || taken[i] || !o.codecs[i].Same(c) {
				i = match(o.codecs, &taken, c)
			}
			if i < 0 {
				continue
			}
			taken[i] = true
			s.Common = append(s.Common, Match{Offer: o.codecs[i], Answer: c})
			moved = moved || c.PayloadType != o.codecs[i].PayloadType
			media = media || !c.IsAuxiliary()
		}
		if moved {
			s.note(RuleNoteNumber)
		}
	} else {
		for _, f := range a.Formats {
			if slices.ContainsFunc(o.Formats, func(g []byte) bool { return equalFold(f, g) }) {
				s.Common = append(s.Common, Match{Format: f})
				media = true
			}
		}
	}
	switch {
	case !s.Accepted:
	case len(s.Common) == 0:
		s.fault(RuleAnswerNoFormat)
	case !media:
		s.note(RuleNoteEvents)
	}
}

// match returns the index of the first codec of the offer that is c and not taken, -1 for
// none.
func match(offered []Codec, taken *[128]bool, c Codec) int {
	for i := range offered {
		if !taken[i] && offered[i].Same(c) {
			return i
		}
	}
	return -1
}

// keys compares how the two sides want to agree on keys.
func (s *Stream) keys() {
	o, a := s.Offer, s.Answer
	// Some write setup where nobody connects: it means nothing there.
	connects := o.IsDTLS() || lowerTransport(o.Proto) == "TCP" || o.inherit.fingerprint != nil && a.inherit.fingerprint != nil
	if want, got := o.Setup(), a.Setup(); connects && want != nil && got != nil && !setupFits(want, got) {
		s.fault(RuleAnswerSetup)
	}
	// RFC 4568, section 5.1.2: one crypto, with tag and suite of one that was offered.
	for got := range a.Cryptos() {
		found := false
		for want := range o.Cryptos() {
			found = found || bytes.Equal(want.Tag, got.Tag) && equalFold(want.Suite, got.Suite)
		}
		if !found && !s.potential() {
			s.fault(RuleAnswerCrypto)
		}
		break
	}
}

// setupFits reports whether an answer may give that role. RFC 4145, section 4.1; RFC 8842,
// section 5.3.
func setupFits(offer, answer []byte) bool {
	switch {
	case equalFold(answer, "holdconn"):
		return true
	case equalFold(offer, "active"):
		return equalFold(answer, "passive")
	case equalFold(offer, "passive"):
		return equalFold(answer, "active")
	case equalFold(offer, "actpass"):
		return equalFold(answer, "active") || equalFold(answer, "passive")
	}
	return false // holdconn was offered
}

// A Change is what a description changes against the one before of the same side, in one
// dialog. RFC 3264, section 8.
type Change struct {
	SameSession bool // the origin is the same, but for the version
	Version     int  // negative: lowered, 0: the same, positive: raised
	VersionOK   bool // both versions are numbers
	Content     bool // something else than o= differs
	Faults      []Rule
	Notes       []Rule
}

// ChangeOf compares a description with the one before of the same side. Where the sessions
// are not the same, the versions say nothing about each other.
func ChangeOf(prev, next *Session) Change {
	c := Change{SameSession: prev.Origin.SameSession(&next.Origin)}
	c.Version, c.VersionOK = CompareVersions(prev.Origin.SessionVersion, next.Origin.SessionVersion)
	c.Version = -c.Version
	c.Content = !sameContent(prev.Lines, next.Lines)
	if !c.SameSession {
		c.Notes = append(c.Notes, RuleChangeOrigin)
	}
	if c.SameSession && c.VersionOK {
		switch {
		case c.Version < 0:
			c.Faults = append(c.Faults, RuleChangeLowered)
		case c.Version == 0 && c.Content:
			c.Faults = append(c.Faults, RuleChangeSame)
		case c.Version > 0 && (!c.Content || !isNext(prev.Origin.SessionVersion, next.Origin.SessionVersion)):
			c.Notes = append(c.Notes, RuleChangeStep)
		}
	}
	if len(next.Media) < len(prev.Media) {
		c.Faults = append(c.Faults, RuleChangeMedia)
	}
	for i := range min(len(next.Media), len(prev.Media)) {
		if moved(&prev.Media[i], &next.Media[i]) {
			c.Faults = append(c.Faults, RuleChangeNumber)
			break
		}
	}
	return c
}

// sameContent reports whether two descriptions differ in no line but o=.
func sameContent(a, b []Line) bool {
	for {
		a, b = stepOver(a), stepOver(b)
		if len(a) == 0 || len(b) == 0 {
			return len(a) == len(b)
		}
		x, y := &a[0], &b[0]
		if x.Letter != y.Letter || x.Masked != y.Masked || x.secret != y.secret || !bytes.Equal(x.Value, y.Value) {
			return false
		}
		a, b = a[1:], b[1:]
	}
}

// stepOver cuts o= and empty lines off the start.
func stepOver(l []Line) []Line {
	for len(l) > 0 && (l[0].Letter == 'o' || l[0].Letter == 0 && len(trim(l[0].Value)) == 0) {
		l = l[1:]
	}
	return l
}

// moved reports whether a dynamic payload type of a stream means another codec than before.
// RFC 3264, section 8.3.2.
func moved(prev, next *Media) bool {
	if prev.Port == 0 || next.Port == 0 || !equalFold(prev.Kind, next.Kind) {
		return false
	}
	var before [128]int32 // indexes, plus 1
	for i := range prev.codecs {
		before[prev.codecs[i].PayloadType] = int32(i + 1)
	}
	for _, c := range next.codecs {
		i := before[c.PayloadType]
		if i > 0 && c.PayloadType >= firstDynamic && c.Name != nil && prev.codecs[i-1].Name != nil && !prev.codecs[i-1].Same(c) {
			return true
		}
	}
	return false
}
