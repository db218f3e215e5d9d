package findings

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/sdp"
	"github.com/sipsight/sipsight/sipmsg"
)

// offerRules are the rules about session descriptions: what offers and answers say. They need
// no media.
var offerRules = []*Rule{answerInvalid, offerWithoutAnswer, codec488, lateOffer, holdState, oLineVersion, srtpSetup, t38Failed, dtmfMismatch}

// isPlain reports whether the session descriptions of a leg are one offer and one answer that
// fit each other at a glance: the same kinds of streams over the same transport, both ways, with a codec
// in common. Most are, and need no closer look.
func isPlain(m *analysis.Media) bool {
	if m == nil {
		return true
	}
	n := len(m.Lines) / 2
	if m.Descriptions > 2 || len(m.Lines) != 2*n {
		return false
	}
	for i := range n {
		a, b := &m.Lines[i], &m.Lines[n+i]
		if a.Side == b.Side || a.Kind != b.Kind || a.Proto != b.Proto || a.Direction != "sendrecv" || b.Direction != "sendrecv" || a.Kind == "image" {
			return false
		}
		if a.Proto != "RTP/AVP" && (strings.Contains(a.Proto, "SAVP") || strings.Contains(a.Proto, "TLS")) || !share(a.Codecs, b.Codecs) || hasEvents(a.Codecs) != hasEvents(b.Codecs) {
			return false
		}
	}
	return true
}

// isPlainDeal reports whether the session descriptions of a leg, which are plain, are an offer and the answer of a 2xx.
func isPlainDeal(l *analysis.Leg) bool {
	return l.Media != nil && len(l.Media.Lines) > 0 && !l.Answered.IsZero()
}

// isPlainEvents reports whether likewise both have telephone events.
func isPlainEvents(l *analysis.Leg) bool {
	return isPlainDeal(l) && slices.ContainsFunc(l.Media.Lines, func(x analysis.MediaLine) bool { return x.Kind == "audio" && hasEvents(x.Codecs) })
}

// share reports whether two lists of names have a codec in common.
func share(a, b string) bool {
	for name := range strings.SplitSeq(b, ",") {
		if hasName(a, name) && !strings.EqualFold(name, "telephone-event") && !strings.EqualFold(name, "CN") {
			return true
		}
	}
	return false
}

func hasName(list, name string) bool {
	for more := true; more; {
		var x string
		if x, list, more = strings.Cut(list, ","); strings.EqualFold(x, name) {
			return true
		}
	}
	return false
}

// hasEvents reports whether a list of names has that of telephone events, mostly the last one.
func hasEvents(list string) bool {
	return strings.HasSuffix(list, ",telephone-event") || hasName(list, "telephone-event")
}

// sameDeal reports whether two deals are of one request, on different hops.
//
//go:noinline
func (r *legRun) sameDeal(a, b *deal) bool { return r.sameRequest(a.transaction, b.transaction) }

var answerInvalid = &Rule{
	ID: "answer-invalid", RFC: "RFC 3264 5.1, 6, 6.1", Severity: "error / note",
	Title: "an answer that does not fit its offer",
	Doc: `The description in a 2xx or a reliable provisional response that answers an offer (or in the ACK or PRACK, where the offer stood in a response) has another number of media descriptions, or
another kind at a place; or accepts a stream with no format of the offer, or, where it is not inactive, with none but telephone events and comfort noise (by name and clock rate, whatever the numbers; static payload types need no rtpmap, and the formats of streams
with port 0 mean nothing); or with a direction that the offer does not allow; or answers RTP/SAVP with RTP/AVP, or the reverse, but for what the offer holds out (RFC 5939). AVP answered AVPF, and no direction at all where sendrecv
is not allowed, are notes.`,
	Why: "Each side sends by what it believes was agreed on: there is silence, noise, or the call is dropped.",
	Fix: "Look at both descriptions in the frames named, and correct the one that answers, or what changes it on its way.",
	Odd: "an answer does not fit its offer",

	needs: notPlain, counts: plainDeal,
	leg: func(r *legRun) {
		if isPlain(r.Leg.Media) {
			if isPlainDeal(r.Leg) {
				r.applies()
			}
			return
		}
		type told struct {
			d    deal
			what string
		}
		var done []told
		list := r.deals()
		for _, k := range r.answererFirst(list) {
			d := list[k]
			if d.offer < 0 || d.answer < 0 || d.unreliable {
				continue
			}
			offer, answer := r.session(d.offer), r.session(d.answer)
			if offer == nil || answer == nil {
				continue
			}
			r.applies()
			what, rule, severity := misfit(offer, answer)
			if what == "" || slices.ContainsFunc(done, func(x told) bool { return x.what == what && r.sameDeal(&x.d, &d) }) {
				continue
			}
			done = append(done, told{d, what})
			r.report(Finding{
				Severity: severity, Frames: r.frames(d.offer, d.answer), Observed: "the answer of " + endpoint(r.Messages[d.answer].Source) + ": " + what,
				Expected: "each stream of the offer at its place, refused with port 0 or accepted with what was offered",
				fault:    answerFault(rule),
			})
		}
	},
}

// misfit says what is wrong with an answer, "" for nothing, and which rule that offends.
func misfit(offer, answer *sdp.Session) (what string, rule sdp.Rule, s Severity) {
	x := sdp.Compare(offer, answer)
	if slices.Contains(x.Faults, sdp.RuleAnswerCount) {
		return fmt.Sprintf("%s for the %d of the offer", number(len(answer.Media), "media description"), len(offer.Media)), sdp.RuleAnswerCount, Error
	}
	for i := range x.Streams {
		st := &x.Streams[i]
		if st.Offer == nil || st.Answer == nil {
			continue
		}
		name := streamName(st.Offer, i)
		for _, f := range st.Faults {
			switch f {
			case sdp.RuleAnswerMedia:
				return fmt.Sprintf("%s answered with %s", name, quote(st.Answer.Kind)), f, Error
			case sdp.RuleAnswerNoFormat:
				return fmt.Sprintf("%s offered with %s, accepted with %s: nothing in common", name, names(st.Offer), names(st.Answer)), f, Error
			case sdp.RuleAnswerSecurity:
				return fmt.Sprintf("%s offered as %s, accepted as %s", name, quote(st.Offer.Proto), quote(st.Answer.Proto)), f, Error
			case sdp.RuleAnswerDirection:
				return fmt.Sprintf("%s offered %s, answered %s", name, st.Offer.Direction(), st.Answer.Direction()), f, Error
			case sdp.RuleAnswerDefault:
				what, rule, s = fmt.Sprintf("%s offered %s, answered without a direction, which means sendrecv", name, st.Offer.Direction()), f, Note
			}
		}
		if st.Accepted && st.Answer.Direction() != sdp.Inactive && signalsAlone(st) {
			return fmt.Sprintf("%s offered with %s, accepted with %s: no codec in common", name, names(st.Offer), names(st.Answer)), sdp.RuleAnswerNoFormat, Error
		}
		if what == "" && st.Accepted && slices.Contains(st.Notes, sdp.RuleNoteProfile) && st.Offer.IsDTLS() == st.Answer.IsDTLS() {
			what, rule, s = fmt.Sprintf("%s offered as %s, accepted as %s", name, quote(st.Offer.Proto), quote(st.Answer.Proto)), sdp.RuleNoteProfile, Note
		}
	}
	return what, rule, s
}

// signalsAlone reports whether offer and answer of a stream have nothing in common but telephone events and comfort
// noise, though codecs were offered.
func signalsAlone(st *sdp.Stream) bool {
	return len(st.Common) > 0 && !slices.ContainsFunc(st.Common, func(m sdp.Match) bool { return carries(m.Answer) }) &&
		slices.ContainsFunc(st.Offer.Codecs(), carries)
}

// carries reports whether a format carries what is said: it is neither of telephone events nor of comfort noise.
func carries(c sdp.Codec) bool { return !c.IsEvent() && !strings.EqualFold(string(c.Name), "CN") }

var offerWithoutAnswer = &Rule{
	ID: "offer-without-answer", RFC: "RFC 3261 13.2.1; RFC 3264 4; RFC 6337", Severity: "error / note",
	Title: "an offer that is not answered, or a second one ahead of the answer",
	Doc: `An INVITE, UPDATE or PRACK that offers a session is answered 2xx without a session description, and no reliable provisional response with that To tag had it (one in an unreliable response alone makes it likely); or
the ACK to a 2xx with an offer (the PRACK to a reliable response with one) has no description; or a request inside of the dialog makes an offer while another one of the same side in it on that hop has neither an
answer nor a final response, which is a note where it is refused with 491 or 500; or one of the other side does so and is accepted, though the first one is not refused with 491 or 500. Messages with other bodies (but for ISUP and QSIG alone), and cut ones, prove nothing; nor does an INVITE whose response with the To tag of the second offer is not in the capture, nor one of whose reliable responses one is not, though its PRACK is, or another hop has it, or a number of its sender is left out, which may be that of the PRACK. Of one over UDP that is sent once, and answered more than a second later, it is only possible if the capture lacks so many packets that
another response may be among them; and likewise a second offer, also where nothing of who should have answered the first is in the capture, or the first is no INVITE, was sent once and has no response there: within a second it would have been sent again.`,
	Why: "Without an answer neither side knows where to send what: the call is connected and silent, or is ended at once.",
	Fix: "Correct the side that left out the answer; look whether something on the way removes bodies.",
	Odd: "an offer was never answered",

	needs: reoffers | withoutOffer | answerOdd, counts: agreed,
	leg: func(r *legRun) {
		if r.Leg.Media == nil {
			return
		}
		list := r.deals()
		var done []int
		for _, k := range r.answererFirst(list) {
			d := &list[k]
			if slices.ContainsFunc(done, func(j int) bool { return r.sameDeal(&list[j], d) }) {
				continue
			}
			f, ok := r.unanswered(d)
			if !ok {
				f, ok = r.secondOffer(list, k)
			}
			if ok {
				done = append(done, k)
				r.report(f)
			} else if d.accepted() {
				r.applies()
			}
		}
	},
}

// unanswered looks for the answer of an offer that should have one.
func (r *legRun) unanswered(d *deal) (f Finding, ok bool) {
	if !d.accepted() || !r.whole(d.transaction) {
		return f, false
	}
	m := &r.Messages[d.final]
	f = Finding{Severity: Error, Expected: "a session description that answers the offer", fault: answeredWithout}
	switch t := &r.Transactions[d.transaction]; {
	case !r.overUDP(d.transaction):
		f.gate = r.stillOpen(d.transaction, m.Time)
	case r.answeredUnseen(d.transaction, m.Time): // by what may have the answer
		src, dst := r.ends(t)
		f.gate = &gate{self: src.Addr(), peer: dst.Addr(), since: m.Time, misses: 1}
	}
	switch {
	case d.late && d.ack >= 0 && d.answer < 0:
		a := &r.Messages[d.ack]
		f.Frames, f.fault = r.frames(d.offer, d.ack), ackWithout
		f.Observed = fmt.Sprintf("the %d of %s makes an offer, and the %s of %s has no session description", r.Messages[d.offer].Status, endpoint(r.Messages[d.offer].Source), a.Method, endpoint(a.Source))
		return f, !r.mayDescribe(d.ack)
	case d.late || r.mayDescribe(d.final):
		return f, false
	case d.answer < 0:
		f.Frames = r.frames(d.offer, d.final)
		f.Observed = fmt.Sprintf("the %s offers a session, and the %d of %s has no description", m.Method, m.Status, endpoint(m.Source))
		return f, !r.promisedUnseen(d.transaction) && !r.leavesOut(m.FromTag, d.offer, d.final)
	case d.unreliable:
		f.Frames, f.Confidence = r.frames(d.offer, d.answer, d.final), Likely
		f.Observed = fmt.Sprintf("the %d of %s has no description; the only one stands in an unreliable %d", m.Status, endpoint(m.Source), r.Messages[d.answer].Status)
		return f, !r.promisedUnseen(d.transaction) && !r.leavesOut(m.FromTag, d.offer, d.final)
	}
	return f, false
}

// mayDescribe reports whether a message may describe a session: it has a body, be it one that nobody here can read, and not the messages of
// the telephone network alone that gateways carry (RFC 3204).
func (r *legRun) mayDescribe(i int) bool {
	if r.Messages[i].Body == 0 {
		return false
	}
	m := r.Message(i)
	if m == nil {
		return true
	}
	for p := range m.Parts() {
		if p.Unclosed || !p.Type.Is("application", "isup") && !p.Type.Is("application", "qsig") {
			return true
		}
	}
	return false
}

// secondOffer looks for an offer that was still open when that of a deal was made.
func (r *legRun) secondOffer(list []deal, k int) (f Finding, ok bool) {
	d := &list[k]
	if d.late || r.Messages[d.offer].ToTag == 0 {
		return f, false
	}
	m, t := &r.Messages[d.offer], &r.Transactions[d.transaction]
	for j := range list {
		o := &list[j]
		if o.late || o.offer == d.offer || r.sameDeal(o, d) || !mayShareDialog(&r.Messages[o.offer], m) || !r.openAt(o, d.offer) {
			continue
		}
		first := &r.Messages[o.offer]
		sameSide := first.FromTag == m.FromTag
		if !sameSide && t.Status/100 != 2 {
			continue // both at once: one of them is refused, as it has to be
		}
		if sameSide && first.ToTag == 0 && !r.hasTag(o.transaction, m.ToTag) {
			continue // where it has the tag from, which may have had the answer, is not in the capture
		}
		switch x := &r.Transactions[o.transaction]; {
		case sameSide:
		case m.Method == "INVITE" && x.Initial && x.Status == 0:
			continue // who got it sends an INVITE once it has answered: that is not in the capture
		case x.Status == 491 || x.Status == 500:
			continue // both at once: this one is refused
		}
		f = Finding{
			Severity: Error, Frames: r.frames(o.offer, d.offer),
			Observed: fmt.Sprintf("%s with an offer %s after the %s with another one, which is not answered yet", m.Method, seconds(m.Time.Sub(first.Time)), first.Method),
			Expected: "no further offer until the one before is answered or refused",
			fault:    offeredAgain, gate: r.stillOpen(o.transaction, m.Time),
		}
		if t.Status == 491 || t.Status == 500 {
			f.Severity = Note
		}
		if x := &r.Transactions[o.transaction]; x.Method != "INVITE" && x.Status == 0 && r.wasHeard(o.transaction, m.Time) {
			f.Confidence = Possible
		}
		return f, !r.promisedUnseen(o.transaction) && !r.leavesOut(first.FromTag, o.offer, d.offer)
	}
	return f, false
}

// hasTag reports whether a response to the request of a transaction has a To tag.
func (r *legRun) hasTag(i int, tag uint64) bool {
	return r.first(func(m *analysis.Seen) bool { return m.Transaction == i && !m.Request && m.ToTag == tag }) >= 0
}

// mayShareDialog reports whether two requests on one hop are of one dialog, whichever side sent them: each phone that an INVITE rings
// makes one, with offers and answers of its own. The INVITE itself is of all of them.
func mayShareDialog(first, m *analysis.Seen) bool {
	return first.Hop == m.Hop && (first.ToTag == 0 || first.FromTag+first.ToTag == m.FromTag+m.ToTag)
}

// openAt reports whether the offer of a deal had neither an answer nor a final response
// when message i was sent.
func (r *legRun) openAt(o *deal, i int) bool {
	if o.offer > i || !r.whole(o.transaction) {
		return false
	}
	for _, j := range r.of(o.transaction) {
		m := &r.Messages[j]
		final := m.Status >= 200 || m.Method == "ACK" // which says that there was one
		if j < i && (final || m.SDP && !m.Request) || m.SDP && r.acknowledges(i, j) {
			return false
		}
	}
	return !r.acceptedElsewhere(o.transaction, r.Messages[i].Time) && !r.refusedElsewhere(o.transaction, r.Messages[i].Time)
}

// refusedElsewhere reports whether the request of a transaction was refused before a time, though its own final response is
// not in the capture: on another hop, if it is one inside of the dialog, or has an ACK there by then and no response at all, whatever that was;
// or its sender tried again outside of a dialog.
func (r *legRun) refusedElsewhere(i int, at time.Time) bool {
	for j := range r.Transactions {
		t := &r.Transactions[j]
		if x := &r.Transactions[i]; x.Initial && t.Initial && t.CSeq > x.CSeq && t.Method == x.Method && t.Sent.Before(at) && r.fromTag(j) == r.fromTag(i) {
			return true
		}
		if i != j && (!t.Initial && t.Status >= 300 && t.Answered.Before(at) || t.Status == 0 && t.Acked && t.AckTime.Before(at)) && r.sameRequest(i, j) {
			return true
		}
	}
	return false
}

var codec488 = &Rule{
	ID: "codec-488", RFC: "RFC 3261 21.4.26, 20.43", Severity: "error / note",
	Title: "an offer was refused: no codec or transport that both sides have",
	Doc: `An INVITE or UPDATE that offers audio or video (and no T.38) is answered 488 or 606, or refused with a Warning of 304 or 305. Shown is what was offered, what the peer supports as far as it says so in the refusal or
in another description of it in the call, and what both have in common, of the stream that does not fit that. Where it says nothing there, shown is what it answers to accepted offers in other calls of the capture, whenever these are, or, failing that, what it offers there (the codecs of all of these that have the transport of the first); an offer whose streams all have port 0 wants none, which is said. Where the same side is accepted with a later offer, or the capture ends before that is answered, it is a note; and where the server between two legs that was refused is answered on a further leg of the call, or waits there when the capture ends.`,
	Why: "The call cannot be set up, or changed, though everything else about it is right.",
	Fix: "Compare the two lists: enable a codec, or a transport (RTP/AVP, RTP/SAVP), that both sides have.",
	Odd: "a change of its media was refused",

	needs: mediaRefused, counts: offers,
	capture: func(r *captureRun) {
		askOthers(r)
		r.takenOver(false)
	},
	leg: func(r *legRun) {
		for i := range r.Transactions {
			t := &r.Transactions[i]
			if req := r.requestOf(i); req >= 0 && r.Messages[req].SDP && (t.Method == "INVITE" || t.Method == "UPDATE") {
				r.applies()
			}
			if t.Status < 300 || t.Method != "INVITE" && t.Method != "UPDATE" || r.lastHop(i) != i {
				continue
			}
			req, final := r.requestOf(i), r.responseOf(i, t.Status)
			if req < 0 || final < 0 || !r.Messages[req].SDP || !(t.Status == 488 || t.Status == 606 || r.warns(final)) {
				continue
			}
			if offer := r.session(req); offer != nil && !fax(offer) {
				r.refused(i, req, final, offer)
			}
		}
	},
}

// warns reports whether a response has a Warning about formats or transports of media.
func (r *legRun) warns(i int) bool {
	if !r.Messages[i].Fields.Has(sipmsg.Warning) {
		return false
	}
	m := r.Message(i)
	if m == nil {
		return false
	}
	for v := range m.Values(sipmsg.Warning) {
		if c := sipmsg.ParseWarning(v).Code; c == 304 || c == 305 {
			return true
		}
	}
	return false
}

// fax reports whether a description has a T.38 stream.
func fax(s *sdp.Session) bool { return faxOf(s) >= 0 }

// faxOf returns the place of the T.38 stream that a description wants, -1 for none.
func faxOf(s *sdp.Session) int {
	for i := range s.Media {
		if m := &s.Media[i]; m.IsFax() && !m.Disabled() {
			return i
		}
	}
	return -1
}

// refused reports an offer that was refused.
func (r *legRun) refused(i, req, final int, offer *sdp.Session) {
	t := &r.Transactions[i]
	place, has := r.refusedFor(req, final, offer)
	if place < 0 && len(offer.Media) == 0 {
		return
	}
	f := Finding{Severity: Error, Frames: r.frames(req, final), Observed: fmt.Sprintf("%s answers %d to ", endpoint(r.Messages[final].Source), t.Status)}
	if place < 0 {
		f.Observed += "an offer in which every stream has port 0, which means that none is wanted"
		f.Expected = "an offer of at least one stream, with a port"
		f.Because = "the offer wants no stream at all"
		f.NextStep = "Let the offer name a stream with a port."
	} else {
		f.Expected = "an answer with at least one of the codecs offered"
		f.Because = "the called side has none of the codecs or transports offered"
		r.tellOffer(&f, final, offer, place, has)
	}
	if f.end, f.refusal = turnedDown, t.Status; !t.Initial {
		f.Because = ""
	}
	if r.acceptedLater(i) {
		f.Severity = Note
	}
	r.report(f)
}

// maxOffered bounds the streams of an offer that are named.
const maxOffered = 4

// tellOffer says what was offered, the stream at place first, and what who refused it supports.
func (r *legRun) tellOffer(f *Finding, final int, offer *sdp.Session, place int, has *sdp.Media) {
	offered := &offer.Media[place]
	f.Observed += offerOf(offered, place)
	beside, of, further := ", beside ", "", 0
	for k := range offer.Media {
		m := &offer.Media[k]
		if k == place || !isWanted(m) {
			continue
		}
		of = "of " + kindOf(offered) + " "
		if further++; further < maxOffered {
			f.Observed += beside + offerOf(m, k)
			beside = " and "
		}
	}
	if further >= maxOffered {
		f.Observed += fmt.Sprintf(" and %d more", further-maxOffered+1)
	}
	switch said := r.session(final); {
	case has != nil:
		f.Observed += fmt.Sprintf("; %sit supports %s over %s; in common: %s", of, names(has), quote(has.Proto), common(offered, has))
		if fits(offered, has) { // it says no reason
			f.Because = ""
		}
	case said != nil && len(said.Media) > 0:
		f.Observed += "; it describes no " + kindOf(offered)
		f.Because = "the called side has no " + kindOf(offered)
	default:
		f.refused = &refusedOffer{by: r.Messages[final].Source.Addr()}
		for k := range offer.Media {
			if m := &offer.Media[k]; k == place || isWanted(m) && len(f.refused.streams) < maxSaid {
				f.refused.streams = append(f.refused.streams, refusedStreamOf(m))
			}
		}
	}
}

// offerOf says what is offered of a stream.
func offerOf(m *sdp.Media, place int) string {
	return fmt.Sprintf("%s over %s with %s", streamName(m, place), quote(m.Proto), names(m))
}

// kindOf returns the kind of a stream, cut where it is long.
func kindOf(m *sdp.Media) string { return string(m.Kind[:min(len(m.Kind), 16)]) }

// isWanted reports whether a stream of audio or video is offered, or accepted.
func isWanted(m *sdp.Media) bool { return (m.Is("audio") || m.Is("video")) && !m.Disabled() }

// refusedFor returns the place of the audio or video stream that an offer was refused for, and what the
// other side supports of its kind, nil if it does not say: the first stream that does not fit that, or
// else the first of which nothing is said, or else the first. place is -1 where the offer wants none.
func (r *legRun) refusedFor(req, final int, offer *sdp.Session) (place int, has *sdp.Media) {
	place, fit := -1, false
	for k := range offer.Media {
		m := &offer.Media[k]
		if !isWanted(m) {
			continue
		}
		h := r.supports(req, final, m)
		if h != nil && !fits(m, h) {
			return k, h
		}
		if place < 0 || fit && h == nil {
			place, has, fit = k, h, h != nil
		}
	}
	return place, has
}

// fits reports whether what is offered has a codec in common with what the other side supports, over
// the same transport.
func fits(offered, has *sdp.Media) bool {
	return bytes.EqualFold(offered.Proto, has.Proto) && common(offered, has) != nothing
}

// supports returns what the side that refused an offer says of that kind of stream, in the
// refusal or in another description; nil for nothing.
func (r *legRun) supports(req, final int, offered *sdp.Media) *sdp.Media {
	who := r.Messages[final].Source.Addr()
	find := func(i int) *sdp.Media {
		if s := r.session(i); s != nil {
			for k := range s.Media {
				if m := &s.Media[k]; m.Is(string(offered.Kind)) && len(m.Formats) > 0 {
					return m
				}
			}
		}
		return nil
	}
	if m := find(final); m != nil {
		return m
	}
	for i := range r.Messages {
		if m := &r.Messages[i]; m.SDP && m.Source.Addr() == who && i != req && m.FromTag != 0 && speaker(m) != r.Messages[req].FromTag {
			if m := find(i); m != nil {
				return m
			}
		}
	}
	return nil
}

// common lists the codecs that two media descriptions have in common.
func common(a, b *sdp.Media) string {
	var list []string
	for _, c := range a.Codecs() {
		if c.Name != nil && slices.ContainsFunc(b.Codecs(), c.Same) {
			list = append(list, string(c.Name))
		}
	}
	if len(list) == 0 {
		return nothing
	}
	return quote([]byte(strings.Join(list, ", ")))
}

// nothing is what two descriptions have in common where there is no codec.
const nothing = "nothing"

var lateOffer = &Rule{
	ID: "late-offer", RFC: "RFC 3261 13.2.1", Severity: "note",
	Title: "an INVITE without an offer",
	Doc:   `The first INVITE of a call has no session description. The called side has to make the offer, and the caller answers it in the ACK. Told once a call.`,
	Why:   "It is allowed, and usual between exchanges; yet some devices refuse it, and no early media can be heard.",
	Fix:   "Nothing, unless the call fails: then make the caller, or the exchange in front of it, send an offer in the INVITE.",

	needs: withoutOffer, counts: firstINVITE,
	leg: func(r *legRun) {
		i := r.first(func(m *analysis.Seen) bool { return m.Request && m.Method == "INVITE" && m.ToTag == 0 })
		if i < 0 {
			return
		}
		r.applies()
		if m := &r.Messages[i]; m.SDP || m.Partial || m.Body > 0 && r.sealed(i) {
			return
		}
		r.report(Finding{Severity: Note, Frames: r.frames(i), Observed: "the INVITE of " + endpoint(r.Messages[i].Source) + " has no session description", Expected: "an offer in the 2xx and its answer in the ACK"})
	},
}

// sealed reports whether the body of a message is encrypted: nobody knows what it holds.
func (r *legRun) sealed(i int) bool {
	m := r.Message(i)
	if m == nil {
		return true
	}
	for p := range m.Parts() {
		if p.Type.Is("application", "pkcs7-mime") {
			return true
		}
	}
	return false
}

// shortHold is how long a hold may be the way in which a call is ended.
const shortHold = 2 * time.Second

var holdState = &Rule{
	ID: "hold-state", RFC: "RFC 3264 8.4", Severity: "warning / note",
	Title: "a call was put on hold and not taken back",
	Doc: `In a call that is agreed on, an offer that is accepted lowers the audio of its side to sendonly or inactive, or to the address 0.0.0.0, and no later description of that side raises it before a BYE, or the other side, which put nothing on hold, answers inactive to that. An offer to resume that is not accepted is named; where a finding of its own tells of that, this one is related. It is a note where
it is resumed, the call was transferred, another one takes its place (Replaces) or is asked to by a REFER, neither being refused nor reported to have failed before the BYE; where the call ends within 2 s of the hold, or by the other side within 2 s of an offer to resume it that has no final response; where no BYE was captured, or a later request that may have resumed it, or the final response to it, is not in the capture (its number is left out), or not on this hop. A first offer that is sendonly is no hold. Where both sides hold it to the end, both are named. Judged on the hop of the first offer.`,
	Why: "Who is on hold hears music or silence, and hangs up; a device that forgets to resume looks like one-way audio.",
	Fix: "Ask whether the hold was meant; if not, look at the device that sent the offer, and whether a later offer was lost.",
	Odd: "it was put on hold and never resumed",

	needs:   held,
	capture: replaced,
	leg: func(r *legRun) {
		if r.Leg.Media != nil && !r.Leg.Media.HeldAt.IsZero() {
			r.holds()
		}
	},
}

// onHold reports whether a description puts audio on hold; ok is false without audio.
func onHold(s *sdp.Session) (held, ok bool) {
	m := audioOf(s)
	return m != nil && m.IsHold(), m != nil
}

// audioOf returns the first stream of audio that is wanted, nil for none.
//
//go:noinline
func audioOf(s *sdp.Session) *sdp.Media {
	for i := range s.Media {
		if m := &s.Media[i]; m.Is("audio") && !m.Disabled() {
			return m
		}
	}
	return nil
}

// A holding is what one side does: a hold of its own, and whether what it said last holds the audio.
type holding struct {
	tag         uint64
	held        bool
	at, resumed int // messages, -1 for none: of the last hold
	vain        int // an offer that would have resumed it and was not accepted, or the answer inactive to one; 0 for none
	times       int
}

// holds follows who puts whom on hold.
func (r *legRun) holds() {
	h := r.holdings()
	x, y := &h[0], &h[1]
	if y.at >= 0 && (x.at < 0 || x.resumed >= 0 && y.resumed < 0) { // of two, one that is not taken back
		x, y = y, x
	}
	at, resumed, times := x.at, x.resumed, x.times
	if at < 0 {
		return
	}
	r.applies()
	f := Finding{Severity: Note, Frames: r.frames(at), Observed: r.party(speaker(&r.Messages[at])) + " puts the call on hold", Expected: "an offer that resumes it before the call ends"}
	f.passed = r.said(at, "held")
	if times > 1 {
		f.Observed += fmt.Sprintf(" (%d times)", times)
	}
	if resumed >= 0 {
		f.Frames = r.frames(at, resumed)
		f.Observed += ", and resumes it after " + seconds(r.Messages[resumed].Time.Sub(r.Messages[at].Time))
		f.NextStep = "Nothing: this is what hold and resume look like."
		r.report(f)
		return
	}
	both := y.at >= 0 && y.resumed < 0
	if both {
		f.Observed += ", and so does " + r.party(speaker(&r.Messages[y.at]))
	}
	bye := r.first(func(m *analysis.Seen) bool { return m.Request && m.Method == "BYE" })
	if bye < 0 {
		f.Observed += "; how it ends is not in the capture"
	} else {
		lasted, how := r.Messages[bye].Time.Sub(r.Messages[at].Time), "; it is never resumed, and"
		if lasted < shortHold {
			how = ", and the call"
		}
		f.Frames = r.frames(at, bye)
		f.Observed += how + " ends " + seconds(lasted) + " later"
		switch {
		case lasted < shortHold:
		case slices.ContainsFunc(r.Leg.Transfers, mayHaveGone), r.referredUnseen(), r.leftTo(bye):
			f.Observed += ", transferred"
		case r.offersUnseen(at), r.changedOnWay(r.Messages[at].Hop, r.Messages[at].Time), r.leavesOut(speaker(&r.Messages[at]), at, len(r.Messages)), r.lacksBetween(at, bye):
			f.Observed += "; what became of a later offer is not in the capture"
		case r.crosses(x, bye):
			f.Frames = r.frames(at, x.vain, bye)
			f.Observed += "; the BYE crosses an offer to resume it"
		default:
			f.Severity = Warning
			if x.vain > 0 {
				f.Frames = append(append(f.Frames[:1:1], r.triesOf(x.vain)...), f.Frames[1])
				how := "answered inactive"
				if m := &r.Messages[x.vain]; m.Request {
					t := &r.Transactions[m.Transaction]
					how = outcome(t)
					f.passed.lost = t.Status == 0 || t.Answered.Sub(m.Time) > maxPassOn
				}
				f.Observed += "; an offer to resume it was " + how
				f.NextStep = "Look at why the other side does not take up the offer to resume."
			}
		}
	}
	if both {
		f.Frames = append(append(f.Frames[:1:1], r.frames(y.at)...), f.Frames[1:]...)
	}
	r.report(f)
}

// crosses reports whether who is on hold ends the call while an offer to resume it, sent a moment ago, has no final response.
func (r *legRun) crosses(x *holding, bye int) bool {
	b, o := &r.Messages[bye], &r.Messages[x.vain]
	if x.vain == 0 || !o.Request || speaker(b) == x.tag || b.Time.Sub(o.Time).Abs() > shortHold {
		return false
	}
	t := &r.Transactions[o.Transaction]
	return t.Status == 0 || t.Answered.After(b.Time)
}

// holdings returns the holds of both sides, on the hop on which the first offer was made.
func (r *legRun) holdings() (list [2]holding) {
	hop := -1
	list[0].at, list[1].at = -1, -1
	for _, d := range r.deals() {
		if d.offer < 0 || hop >= 0 && r.Messages[d.offer].Hop != hop || r.ofLoser(&d) {
			continue
		}
		if !d.accepted() && hop >= 0 && r.Messages[d.offer].Request {
			r.offersInVain(&list, d.offer)
		}
		if !d.accepted() || d.answer < 0 && !d.late {
			continue
		}
		hop = r.Messages[d.offer].Hop
		for n, i := range [2]int{d.offer, d.answer} {
			if i < 0 {
				continue
			}
			s := r.session(i)
			if s == nil {
				list[0].at, list[1].at = -1, -1
				return list
			}
			held, ok := onHold(s)
			if !ok {
				continue
			}
			x, tag := &list[0], speaker(&r.Messages[i])
			if x.tag != tag && x.tag != 0 {
				x = &list[1]
			}
			x.tag = tag
			switch {
			case n == 0 && held && !x.held && r.changes(&d):
				x.at, x.resumed, x.vain = i, -1, 0
				x.times++
			case n == 1 && ok && audioOf(s).Direction() == sdp.Inactive && (x.at < 0 || x.resumed >= 0): // it is not on hold by this side, which does not take it up
				for k := range list {
					if y := &list[k]; y.resumed == d.offer {
						y.resumed, y.vain = -1, i
					}
				}
			case x.at >= 0 && x.resumed < 0 && !held:
				x.resumed = i
			}
			x.held = held
		}
	}
	return list
}

// offersInVain takes in an offer that was not accepted: it may be one to resume.
func (r *legRun) offersInVain(list *[2]holding, offer int) {
	s := r.session(offer)
	if s == nil {
		return
	}
	held, ok := onHold(s)
	for k := range list {
		if x := &list[k]; ok && !held && x.tag == speaker(&r.Messages[offer]) && x.at >= 0 && x.resumed < 0 {
			x.vain = offer
		}
	}
}

// offersUnseen reports whether who put a call on hold with message i may have resumed it behind that on its
// hop, without the capture showing whether it did.
func (r *legRun) offersUnseen(i int) bool {
	m := &r.Messages[i]
	for j := range r.Transactions {
		t := &r.Transactions[j]
		if t.Hop != m.Hop || t.Forward != m.Forward || !r.changedUnseen(j) || !t.Sent.After(m.Time) && !t.Answered.After(m.Time) {
			continue
		}
		if req := r.requestOf(j); req >= 0 {
			if s := r.session(req); s != nil {
				if held, ok := onHold(s); held && ok {
					continue
				}
			}
		}
		return true
	}
	return false
}

// referredUnseen reports whether a REFER was accepted that is not in the capture.
func (r *legRun) referredUnseen() bool {
	return slices.ContainsFunc(r.Transactions, func(t analysis.Transaction) bool {
		return t.Method == "REFER" && t.Requests == 0 && t.Status/100 == 2
	})
}

// leftTo reports whether a BYE of who asked for a transfer did not wait for what becomes of it: a NOTIFY comes later.
func (r *legRun) leftTo(bye int) bool {
	return slices.ContainsFunc(r.Leg.Transfers, func(x analysis.Transfer) bool { return x.Status < 300 }) &&
		r.first(func(m *analysis.Seen) bool {
			return m.Request && m.Method == "NOTIFY" && m.Time.After(r.Messages[bye].Time)
		}) >= 0
}

// mayHaveGone reports whether a transfer was neither refused, nor reported to have failed.
func mayHaveGone(x analysis.Transfer) bool { return x.Status < 300 && x.Result < 300 }

// replaced makes notes of calls on hold that end since another call takes their place: what ties calls
// together is known at the end alone.
func replaced(r *captureRun) {
	for _, f := range r.c.found {
		if f.rule != r.rule || f.Severity != Warning {
			continue
		}
		call := r.Calls.CallNumber(int(f.leg) - 1)
		if slices.ContainsFunc(r.Calls.Links(call), func(l analysis.Link) bool {
			return l.Kind == analysis.Replaced && l.From == call && r.Calls.At(l.To - 1).Legs[0].State != analysis.StateFailed ||
				l.Kind == analysis.Consulted && l.To == call && r.mayTake(l)
		}) {
			f.Observed += ", as another call takes its place"
			r.lower(f, Note)
		}
	}
}

// mayTake reports whether the REFER of a link, or another one of its leg, was not in vain: who is refused may ask again.
func (r *captureRun) mayTake(l analysis.Link) bool {
	for _, leg := range r.Calls.At(l.From - 1).Legs {
		if slices.ContainsFunc(leg.Transfers, func(x analysis.Transfer) bool { return x.Frame == l.Refer }) {
			return slices.ContainsFunc(leg.Transfers, mayHaveGone)
		}
	}
	return true
}

var oLineVersion = &Rule{
	ID: "o-line-version", RFC: "RFC 3264 8", Severity: "warning",
	Title: "a session description changed under the same version, or the version went back",
	Doc: `On one hop, a description of one side has the user, session id and address in o= of the last one of that side in that dialog (or in the INVITE that made it), and differs from it in anything but o= though the version is the same; or its version is lower. The versions of
offers that were refused are used up. Told once for each change.`,
	Why: "Who sees the version unchanged may ignore the new description: it goes on sending to the old address, with the old codec.",
	Fix: "Make the device raise the version in o= by one with each description that it changes, and keep it otherwise.",

	needs: describedMore,
	leg: func(r *legRun) {
		if r.Leg.Media == nil || r.Leg.Media.Descriptions < 3 {
			return
		}
		r.applies()
		type place struct {
			hop  int
			tag  uint64
			peer uint64 // 0 of an INVITE, whose description is the first one of each dialog that it makes
			at   int
		}
		var last []place
		var told []int
		for i := range r.Messages {
			m := &r.Messages[i]
			if !m.SDP || m.Partial || m.Resent.Number != 0 || len(last) == maxSessions {
				continue
			}
			s := r.session(i)
			if s == nil {
				continue
			}
			here, prev, known := place{m.Hop, speaker(m), m.FromTag + m.ToTag - speaker(m), i}, -1, false
			for k := range last {
				p := &last[k]
				if p.hop != here.hop || p.tag != here.tag || p.peer != here.peer && p.peer != 0 {
					continue
				}
				if prev, known = p.at, p.peer == here.peer; known {
					p.at = i
					break
				}
			}
			if !known {
				last = append(last, here)
			}
			if prev < 0 {
				continue
			}
			before := r.session(prev)
			if before == nil {
				continue
			}
			c := sdp.ChangeOf(before, s)
			same, lowered := slices.Contains(c.Faults, sdp.RuleChangeSame), slices.Contains(c.Faults, sdp.RuleChangeLowered)
			if !same && !lowered || slices.ContainsFunc(told, func(j int) bool { return r.sameMessage(i, j) }) {
				continue
			}
			told = append(told, i)
			f := Finding{Severity: Warning, Frames: r.frames(prev, i), Expected: "a version one higher than that of the description before"}
			who, version := r.party(speaker(m)), quote(s.Origin.SessionVersion)
			f.passed, f.Observed = r.said(i, ""), who+" describes its session anew, with version "+version+" as before"
			if lowered {
				f.Observed = "the version in o= of " + who + " goes back from " + quote(before.Origin.SessionVersion) + " to " + version
			}
			r.report(f)
		}
	},
}

// sameMessage reports whether two messages are one, on different hops.
func (r *legRun) sameMessage(i, j int) bool {
	a, b := &r.Messages[i], &r.Messages[j]
	return a.Method == b.Method && a.CSeq == b.CSeq && a.Status == b.Status && a.FromTag == b.FromTag && !r.twoPhones(a.ToTag, b.ToTag)
}

var srtpSetup = &Rule{
	ID: "srtp-setup", RFC: "RFC 4568; RFC 5763; RFC 8842", Severity: "error",
	Title: "media that is to be encrypted, and cannot be",
	Doc: `A stream of RTP/SAVP or RTP/SAVPF with a port has neither crypto nor fingerprint (nor key-mgmt, nor zrtp-hash); or a fingerprint and no setup; or offer and answer say both actpass, or both active; or its packets
are exactly as long as those of its codec without encryption: 20 ms of PCMU and PCMA in 172 octets of RTP, where SRTP adds its tag (likely; not where UNAUTHENTICATED_SRTP was agreed on, which has none; part of answer-invalid where its sender says that it sends RTP/AVP, and of what lacks the keys). What both sides of a call do is one finding.`,
	Why: "Without a key both sides hear nothing or noise; in the clear, everybody on the way hears them.",
	Fix: "Correct the device whose description is named: it has to say its keys (crypto), or its fingerprint and whether it connects (setup).",
	Odd: "its encrypted media are described in a way that cannot work",

	needs:   notPlain,
	capture: inTheClear,
	leg: func(r *legRun) {
		if isPlain(r.Leg.Media) || !r.mayEncrypt() {
			return
		}
		var told []string
		var list []Finding // of what both sides do, one
		tell := func(what string, expected string, messages ...int) {
			if slices.Contains(told, what) {
				return
			}
			told = append(told, what)
			k := slices.IndexFunc(list, func(f Finding) bool { return f.Expected == expected })
			if k < 0 {
				f := Finding{Severity: Error, Frames: r.frames(messages...), Observed: what, Expected: expected}
				if len(messages) == 1 { // what one side says
					f.passed = r.said(messages[0], "")
					f.Frames = r.triesOf(messages[0])
				}
				list = append(list, f)
				return
			}
			list[k].merge(&Finding{Frames: r.frames(messages...), Observed: what})
		}
		for i := range r.Messages {
			m := &r.Messages[i]
			if !m.SDP || m.Partial || m.Resent.Number != 0 || m.Status >= 300 {
				continue
			}
			s := r.session(i)
			if s == nil {
				continue
			}
			for k := range s.Media {
				r.keysOf(&s.Media[k], k, i, tell)
			}
		}
		for _, d := range r.deals() {
			if d.offer < 0 || d.answer < 0 {
				continue
			}
			offer, answer := r.session(d.offer), r.session(d.answer)
			if offer == nil || answer == nil {
				continue
			}
			for k := range min(len(offer.Media), len(answer.Media)) {
				o, a := &offer.Media[k], &answer.Media[k]
				_, secure := a.Fingerprint()
				if o.Disabled() || a.Disabled() || !secure && !a.IsDTLS() {
					continue
				}
				if role := strings.ToLower(string(o.Setup())); (role == "actpass" || role == "active") && strings.EqualFold(role, string(a.Setup())) {
					tell(fmt.Sprintf("%s: offer and answer both say setup:%s", streamName(o, k), role), "one side active, the other passive", d.offer, d.answer)
				}
			}
		}
		for i := range list {
			r.report(list[i])
		}
	},
}

// mayEncrypt reports whether a session description of the leg may be about media that is
// encrypted: a look that costs a fraction of reading them all.
func (r *legRun) mayEncrypt() bool {
	for i := range r.Messages {
		if m := &r.Messages[i]; !m.SDP || m.Partial || m.Status >= 300 {
			continue
		}
		b := r.body(i)
		if bytes.Contains(b, []byte("fingerprint")) {
			return true
		}
		for at := bytes.Index(b, []byte("m=")); at >= 0; at = bytes.Index(b, []byte("m=")) {
			b = b[at+len("m="):]
			if line, _, _ := bytes.Cut(b, []byte("\n")); !inClear(line) {
				return true
			}
		}
	}
	return false
}

// inClear reports whether a line m= is of media that are not encrypted: one look for those that
// are RTP/AVP.
func inClear(line []byte) bool {
	_, rest, _ := bytes.Cut(line, []byte(" ")) // kind …
	_, rest, _ = bytes.Cut(rest, []byte(" "))  // … and port
	if proto, _, _ := bytes.Cut(rest, []byte(" ")); string(proto) == "RTP/AVP" {
		return true
	}
	return findFold(line, 0, "savp") < 0 && findFold(line, 0, "tls") < 0
}

// body returns the body of message i as it stands in its octets.
//
//go:noinline
func (r *legRun) body(i int) []byte {
	b := r.Octets(i)
	return b[max(0, len(b)-r.Messages[i].Body):]
}

// keysOf looks for the keys of a stream.
func (r *legRun) keysOf(m *sdp.Media, place, i int, tell func(string, string, ...int)) {
	if m.Disabled() || !m.IsSecure() {
		return
	}
	r.applies()
	crypto := false
	for range m.Cryptos() {
		crypto = true
	}
	_, print := m.Fingerprint()
	who := r.party(speaker(&r.Messages[i]))
	s := r.session(i)
	_, managed := s.Attribute("key-mgmt")
	switch {
	case print && m.Setup() == nil && !crypto:
		tell(fmt.Sprintf("%s of %s has a fingerprint and does not say who connects", streamName(m, place), who), "a=setup beside a=fingerprint", i)
	case !print && !crypto && !managed && !m.Has("crypto") && !m.Has("fingerprint") && !m.Has("key-mgmt") && !m.Has("zrtp-hash"):
		tell(fmt.Sprintf("%s of %s is %s without crypto and without fingerprint", streamName(m, place), who, quote(m.Proto)), "a=crypto, or a=fingerprint and a=setup", i)
	}
}

var t38Failed = &Rule{
	ID: "t38-failed", RFC: "ITU-T T.38 Annex D; RFC 3362", Severity: "error / warning / note",
	Title: "a fax could not change over to T.38",
	Doc: `A re-INVITE or UPDATE that offers T.38 is answered 415, 488 or 606, or 2xx with the T.38 stream refused (port 0); a note where a later one is accepted. So is a first INVITE that offers T.38 and is answered 415, 488 or 606; where it offers audio as well, a note if any later offer is accepted. Or T.38 is accepted, no audio with it, and audio RTP (50 packets and more, over half of those expected) goes on between the same two for over 2.5 s behind the 2xx; or no packet of it to the ports agreed on is in the capture for 5 s and more, though audio of the same hosts is, and it is not inside of DTLS (warning; only possible where neither the tones CED or CNG nor T.38 of another call are there). Or
the tones CED or CNG are sent as telephone events, by a payload type that a description has, and no T.38 is ever offered (warning). What unsupported-feature would tell of the same refusal is related to it.`,
	Why: "Fax over audio breaks at the first lost packet: pages are cut off, or the call is.",
	Fix: "Enable T.38 at the side that refuses, or agree on G.711 without echo cancellation on both.",
	Odd: "it did not change over to T.38 (fax)",

	needs:   reoffers | withoutOffer | mediaRefused | unsupportedAsked,
	capture: audioInPlaceOfFax,
	leg: func(r *legRun) {
		list := r.deals()
		var done []int
		for k := range list {
			d := &list[k]
			first := !r.changes(d)
			if d.offer < 0 || first && !refusesFax(r.Transactions[d.transaction].Status) || r.lastHop(d.transaction) != d.transaction || slices.ContainsFunc(done, func(j int) bool { return r.sameDeal(&list[j], d) }) {
				continue
			}
			if !r.mayFax() {
				return
			}
			offer := r.session(d.offer)
			if offer == nil || !fax(offer) {
				continue
			}
			r.applies()
			t := &r.Transactions[d.transaction]
			f := Finding{Severity: Error, Expected: "a 2xx that accepts the T.38 stream"}
			switch {
			case refusesFax(t.Status):
				f.Frames = append(r.frames(d.offer), t.FinalFrame)
				f.Observed = fmt.Sprintf("%s answers %d to the offer of T.38", endpoint(r.Messages[d.offer].Destination), t.Status)
			case d.accepted() && d.answer >= 0:
				answer, at := r.session(d.answer), faxOf(offer)
				if answer == nil || at < len(answer.Media) && !answer.Media[at].Disabled() {
					continue
				}
				f.Frames = r.frames(d.offer, d.answer)
				f.Observed = fmt.Sprintf("%s accepts the re-INVITE and refuses its T.38 stream", endpoint(r.Messages[d.answer].Source))
			default:
				continue
			}
			done = append(done, k)
			if r.faxedLater(list, k) || first && hasAudio(offer) && r.acceptedLater(d.transaction) {
				f.Severity = Note
			}
			if first {
				f.Because, f.end, f.refusal = "its offer of T.38 (fax) was refused", turnedDown, t.Status
			}
			r.report(f)
		}
	},
}

// refusesFax reports whether a final response refuses an offer for the sake of its media.
func refusesFax(status int) bool { return status == 415 || status == 488 || status == 606 }

// hasAudio reports whether a description wants audio.
func hasAudio(s *sdp.Session) bool {
	_, ok := onHold(s)
	return ok
}

// mayFax reports whether an offer has a stream of images.
func (r *legRun) mayFax() bool {
	for i := range r.Messages {
		if m := &r.Messages[i]; m.SDP && m.Request && r.mayBeImage(i) {
			if s := r.session(i); s != nil && fax(s) {
				return true
			}
		}
	}
	return false
}

// mayBeImage reports whether a session description may have a stream of images, as long as
// there is room for all of the leg.
func (r *legRun) mayBeImage(i int) bool {
	return len(r.Messages) > maxSessions || findFold(r.body(i), 0, "image") >= 0
}

// faxedLater reports whether a later offer of T.38 was accepted.
func (r *legRun) faxedLater(list []deal, k int) bool {
	for j := k + 1; j < len(list); j++ {
		if d := &list[j]; d.accepted() && d.offer >= 0 && d.answer >= 0 && !r.sameDeal(d, &list[k]) {
			if a := r.session(d.answer); a != nil && fax(a) {
				return true
			}
		}
	}
	return false
}

var dtmfMismatch = &Rule{
	ID: "dtmf-mismatch", RFC: "RFC 4733 2.5, 4.2; RFC 3264 5.1", Severity: "warning",
	Title: "digits that the other side may not understand",
	Doc: `An offer of audio has telephone-event, and the answer that accepts it has not, nor its number without saying what it is; of an answer inside of a call that is on hold then (sendonly, inactive, 0.0.0.0), with music of a server that only sends, nothing is said, nor of such an answer of an announcement ahead of the call, whose To tag no 2xx has. Or telephone events are sent with the payload type that their sender asked for, where the receiver asked for others. Or one digit is sent on a hop as
INFO and as telephone event, within 1 s. Or all events of a stream, which are keys, lack the end bit: a tone of fax may end with the audio. The last three need RTP. Digits are never shown.`,
	Why: "Menus do not hear keys, or hear them twice.",
	Fix: "Configure both sides for one way of sending digits: telephone-event with the number that the receiver gave.",

	needs: notPlain, counts: plainEvents,
	capture: wrongDigits,
	leg: func(r *legRun) {
		if isPlain(r.Leg.Media) {
			if isPlainEvents(r.Leg) {
				r.applies()
			}
			return
		}
		list := r.deals()
		for _, k := range r.answererFirst(list) {
			d := &list[k]
			if d.offer < 0 || d.answer < 0 || d.unreliable {
				continue
			}
			offer, answer := r.session(d.offer), r.session(d.answer)
			if offer == nil || answer == nil {
				continue
			}
			for k := range min(len(offer.Media), len(answer.Media)) {
				o, a := &offer.Media[k], &answer.Media[k]
				if !o.Is("audio") || !a.Is("audio") || o.Disabled() || a.Disabled() || eventOf(o) < 0 {
					continue
				}
				r.applies()
				if eventOf(a) >= 0 || lists(a, eventOf(o)) || (r.changes(d) || r.announces(d)) && (o.IsHold() || a.IsHold()) { // nobody listens to digits on hold
					continue
				}
				r.report(Finding{
					Severity: Warning, Frames: r.frames(d.offer, d.answer), Observed: "telephone-event is offered (payload type " + strconv.Itoa(eventOf(o)) + "), and the answer of " + endpoint(r.Messages[d.answer].Source) + " leaves it out: " + names(a),
					Expected: "telephone-event in the answer too, or digits as INFO", RFC: "RFC 4733 2.5.1.1",
				})
				return
			}
		}
	},
}

// lists reports whether a description has a payload type without saying what it is: that of the offer then.
func lists(m *sdp.Media, payloadType int) bool {
	return slices.ContainsFunc(m.Codecs(), func(c sdp.Codec) bool { return int(c.PayloadType) == payloadType && c.Name == nil })
}

// announces reports whether an answer is of an early dialog that no 2xx makes a call of: what plays there is an announcement.
func (r *legRun) announces(d *deal) bool {
	a := &r.Messages[d.answer]
	return !a.Request && a.Status < 200 && r.first(func(m *analysis.Seen) bool {
		return !m.Request && m.Method == "INVITE" && m.Status/100 == 2 && m.ToTag == a.ToTag
	}) < 0
}

// eventOf returns the payload type of telephone events in a media description, -1 for none.
func eventOf(m *sdp.Media) int {
	for _, c := range m.Codecs() {
		if c.IsEvent() {
			return int(c.PayloadType)
		}
	}
	return -1
}
