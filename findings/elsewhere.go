package findings

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/sdp"
)

// What a host that refuses an offer says of its codecs in other calls. That is looked for at the end of the capture, and only
// where an offer was refused without a word about them.

// maxSaid bounds the codecs that are known of a host.
const maxSaid = 16

// A refusedOffer is an offer whose refusal does not say what would have been accepted.
type refusedOffer struct {
	by      netip.Addr
	streams []refusedStream
}

// A refusedStream is one that was offered.
type refusedStream struct {
	kind, proto string
	codecs      []string // without those that carry no sound or picture of their own
}

// refusedStreamOf keeps what is offered.
func refusedStreamOf(m *sdp.Media) refusedStream {
	x := refusedStream{kind: kindOf(m), proto: string(m.Proto[:min(len(m.Proto), maxQuote)])}
	for _, c := range m.Codecs() {
		if c.Name != nil && !carriesNone(string(c.Name)) && len(x.codecs) < maxSaid {
			x.codecs = append(x.codecs, string(c.Name[:min(len(c.Name), maxQuote)]))
		}
	}
	return x
}

// carriesNone reports whether a codec is of telephone events, comfort noise or repair alone.
//
//go:noinline
func carriesNone(name string) bool {
	return slices.ContainsFunc([]string{"telephone-event", "CN", "red", "rtx", "ulpfec"}, func(s string) bool { return strings.EqualFold(s, name) })
}

// A hostMedia is a host and a kind of stream.
type hostMedia struct {
	host netip.Addr
	kind string
}

// saidElsewhere is what a host says of a kind of stream, in its answers or, failing that, in its offers.
type saidElsewhere struct {
	answered bool
	call     int // the first one
	proto    string
	codecs   []string
}

// askOthers adds to the refusals of offers what who refused says in other calls.
func askOthers(r *captureRun) {
	asked := make(map[hostMedia]*saidElsewhere)
	refused := make(map[int]bool) // calls
	for _, f := range r.c.found {
		if f.rule != r.rule || f.refused == nil {
			continue
		}
		refused[r.Calls.CallNumber(int(f.leg)-1)] = true
		for _, s := range f.refused.streams {
			asked[hostMedia{f.refused.by, s.kind}] = nil
		}
	}
	if len(asked) == 0 {
		return
	}
	for c := range r.Calls.Each() {
		if refused[c.ID] {
			continue
		}
		for _, l := range c.Legs {
			hear(asked, c.ID, l)
		}
	}
	for _, f := range r.c.found {
		if f.rule == r.rule && f.refused != nil {
			f.tellOthers(asked)
		}
	}
}

// hear notes what the sides of a leg say, where these are hosts that are asked about.
func hear(asked map[hostMedia]*saidElsewhere, call int, l *analysis.Leg) {
	if l.Media == nil || len(l.Hops) == 0 {
		return
	}
	called := calledHost(l.Hops)
	for i := range l.Media.Lines {
		m := &l.Media.Lines[i]
		k := hostMedia{l.Hops[0].A.Addr(), m.Kind}
		if m.Side == analysis.Callee {
			k.host = called
		}
		said, is := asked[k]
		if !is || m.Codecs == "" || m.Addr.IsValid() && m.Addr.Port() == 0 {
			continue
		}
		answered := m.Side == analysis.Callee && !l.Answered.IsZero()
		if said == nil || answered && !said.answered {
			said = &saidElsewhere{answered: answered, call: call, proto: m.Proto}
			asked[k] = said
		}
		if said.answered == answered && said.proto == m.Proto {
			said.add(m.Codecs)
		}
	}
}

// calledHost returns the host at the end of the way of an INVITE, the zero Addr where that forks.
func calledHost(hops []analysis.Hop) netip.Addr {
	caller, at := hops[0].A.Addr(), hops[0].B.Addr()
	for i := 1; i < len(hops); i++ {
		switch from, to := hops[i].A.Addr(), hops[i].B.Addr(); {
		case to == caller || from == caller: // what follows goes from end to end
		case from != at:
			return netip.Addr{}
		default:
			at = to
		}
	}
	return at
}

// add takes in the names of codecs, separated by commas.
func (s *saidElsewhere) add(names string) {
	for name := range strings.SplitSeq(names, ",") {
		if len(s.codecs) < maxSaid && !carriesNone(name) && !slices.Contains(s.codecs, name) {
			s.codecs = append(s.codecs, name)
		}
	}
}

// tellOthers says in a refusal what who refused says elsewhere.
func (f *Finding) tellOthers(asked map[hostMedia]*saidElsewhere) {
	known, fit := 0, 0
	for _, s := range f.refused.streams {
		said := asked[hostMedia{f.refused.by, s.kind}]
		if said == nil {
			continue
		}
		known++
		common := said.common(s.codecs)
		if common != nothing && strings.EqualFold(s.proto, said.proto) {
			fit++
		}
		verb := "offers"
		if said.answered {
			verb = "answers"
		}
		f.Observed += fmt.Sprintf("; for %s it %s %s over %s in call-%d; in common: %s", s.kind, verb, quote([]byte(strings.Join(said.codecs, ", "))), quote([]byte(said.proto)), said.call, common)
	}
	switch {
	case known == 0:
		f.Observed += "; what it supports it does not say"
	case fit == len(f.refused.streams): // that is no reason
		f.Because = ""
	}
}

// common lists the codecs that are among some.
func (s *saidElsewhere) common(codecs []string) string {
	var list []string
	for _, c := range codecs {
		if slices.ContainsFunc(s.codecs, func(x string) bool { return strings.EqualFold(x, c) }) {
			list = append(list, c)
		}
	}
	if len(list) == 0 {
		return nothing
	}
	return quote([]byte(strings.Join(list, ", ")))
}

// takenOver makes notes of refusals, and of what did not get through, where the server between two legs that met it was answered on a further leg of the call, by another
// host or to another offer: what ties legs together is known at the end alone. With then, what is certain stays, and what another host took that was
// asked at the same time.
func (r *captureRun) takenOver(then bool) {
	byCall := make(map[int][]*Finding)
	for _, f := range r.c.found {
		if f.rule != r.rule || f.leg == 0 || f.Severity != Error || then && f.Confidence == Certain {
			continue
		}
		if n := r.Calls.CallNumber(int(f.leg) - 1); len(byCall[n]) < maxPassedBack {
			byCall[n] = append(byCall[n], f)
		}
	}
	if len(byCall) == 0 {
		return
	}
	for c := range r.Calls.Heads() {
		for _, f := range byCall[c.ID] {
			by, taken := takes(c.Legs, f.leg, then)
			switch {
			case !by.IsValid():
				continue
			case taken:
				f.Observed += "; a further INVITE of " + by.String() + " was answered"
				f.NextStep = "Nothing: the call was taken in another way."
			default:
				f.Observed += "; a further INVITE of " + by.String() + " is open when the capture ends"
			}
			f.Because = ""
			r.lower(f, Note)
		}
	}
}

// maxAsked bounds how many servers one behind the other are looked at, each in all legs of the call.
const maxAsked = 8

// takes returns the host that sent the INVITE of a leg which came to nothing, or one that asked that host, where it got an answer on another leg behind
// that (taken), or waits for one when the capture ends and the call was not refused; else the zero Addr. Of hosts that asked each other in a row
// maxAsked are looked at.
func takes(legs []*analysis.Leg, lost legNumber, then bool) (by netip.Addr, taken bool) {
	k := slices.IndexFunc(legs, func(l *analysis.Leg) bool { return legNo(l) == lost })
	for range maxAsked {
		if k < 0 || !legs[k].Answered.IsZero() {
			break
		}
		if by, taken = takesBehind(legs, legs[k], then); by.IsValid() {
			break
		}
		k = slices.IndexFunc(legs[:k], func(l *analysis.Leg) bool { return l.Destination.Addr() == legs[k].Source.Addr() })
	}
	return by, taken
}

// takesBehind does so for the host that sent the INVITE. Where all is on one host, what it was asked with came before.
func takesBehind(legs []*analysis.Leg, lost *analysis.Leg, then bool) (by netip.Addr, taken bool) {
	server, end := lost.Source.Addr(), lost.Ended
	if end.IsZero() { // it had no final response
		end = lost.Last
	}
	sends := func(l *analysis.Leg) bool {
		return l.Source.Addr() == server && (l.Destination.Addr() != server || !l.Begin.Before(lost.Begin))
	}
	open := sends(legs[0]) || legs[0].FinalStatus < 300
	for _, l := range legs {
		switch {
		case l == lost || !sends(l) || then && !l.Begin.After(end):
		case l.Answered.After(end):
			return server, true
		case open && l.Unfinished && l.FinalStatus == 0 && l.Last.After(end):
			by = server
		}
	}
	return by, false
}
