package findings

import (
	"net/netip"
	"slices"

	"github.com/sipsight/sipsight/analysis"
)

// causes are findings that one cause may bring at once on a call, the most specific first.
var causes = [][]string{
	{"invite-no-response", "slow-setup"},
	{"ack-misrouted", "cancel-200-race", "drop-at-32s", "bye-before-ack", "missing-ack-2xx"},
	{"transport-error", "udp-too-big", "invite-no-response", "request-timeout"},
	{"udp-too-big", "no-100"},
	{"scanner", "auth-ignored"},
	{"digest-brute-force", "auth-loop", "auth-reused-nonce"},
	{"loop", "merged-request"},
	{"loop", "max-forwards"},
	{"overlapping-invite", "offer-without-answer"},
	{"answer-invalid", "offer-without-answer"},
	{"answer-invalid", "dtmf-mismatch"},
	{"session-timer-expiry", "481-in-dialog"},
}

// sameMessage are pairs of findings that have one cause where a frame proves both: the first, which is the more specific, is told.
var sameMessage = [][2]string{
	{"t38-failed", "unsupported-feature"},
	{"codec-488", "unsupported-feature"},
	{"prack-missing", "481-in-dialog"},
}

// oneCause leaves out the findings of a leg, or of a request outside of calls, that a more specific one explains: they become
// related to it. What is only possible explains nothing.
func oneCause(list []*Finding) []*Finding {
	type key struct {
		leg   legNumber
		first analysis.Frame // of a request outside of calls
	}
	by := make(map[key][]*Finding)
	for _, f := range list {
		k := key{leg: f.leg}
		if f.leg == 0 && f.CallID != "" && len(f.Frames) > 0 {
			k.first = f.Frames[0]
		}
		if k != (key{}) {
			by[k] = append(by[k], f)
		}
	}
	gone := make(map[*Finding]bool)
	for _, of := range by {
		if len(of) > 1 {
			for _, group := range causes {
				explain(of, group, gone)
			}
			for _, f := range of {
				f.explain(of, gone)
			}
			for _, ids := range sameMessage {
				explainMessage(of, ids, gone)
			}
			explainProxy(of, gone)
		}
	}
	return slices.DeleteFunc(list, func(f *Finding) bool { return gone[f] })
}

// proves reports whether a finding is sure and bad enough to explain others.
func (f *Finding) proves() bool { return f.Confidence > Possible && f.Severity > Note }

// relate makes other findings related to f.
func (f *Finding) relate(ids ...string) {
	for _, id := range ids {
		if !slices.Contains(f.Related, id) {
			f.Related = append(f.Related, id)
		}
	}
}

// explain leaves out what f itself says that it explains.
func (f *Finding) explain(of []*Finding, gone map[*Finding]bool) {
	if f.covers == "" || gone[f] || !f.proves() {
		return
	}
	for _, x := range of {
		if x.ID == f.covers && x != f && !gone[x] {
			f.relate(x.ID)
			gone[x] = true
		}
	}
}

// explainMessage leaves out what another finding tells of the same message, as long as it is no less bad there.
func explainMessage(of []*Finding, ids [2]string, gone map[*Finding]bool) {
	for _, f := range of {
		if f.ID != ids[0] || gone[f] || f.Confidence == Possible {
			continue
		}
		for _, x := range of {
			if x.ID == ids[1] && !gone[x] && x.Severity <= f.Severity && slices.ContainsFunc(x.Frames, func(a analysis.Frame) bool { return slices.Contains(f.Frames, a) }) {
				f.relate(x.ID)
				gone[x] = true
			}
		}
	}
}

// explainProxy leaves out that requests go past a proxy that the ACK goes past already.
func explainProxy(of []*Finding, gone map[*Finding]bool) {
	for _, f := range of {
		if f.rule != ackMisrouted || gone[f] || !f.proves() {
			continue
		}
		for _, x := range of {
			if x.rule == routeBypass && !gone[x] && slices.ContainsFunc(x.past, func(a netip.Addr) bool { return slices.Contains(f.past, a) }) {
				f.relate(x.ID)
				gone[x] = true
			}
		}
	}
}

// passedBack are findings about a response that a server between two legs of a call passes back.
var passedBack = []string{"codec-488", "t38-failed", "unsupported-feature", "481-in-dialog", "session-422", "max-forwards", "slow-setup"}

// maxPassedBack bounds the findings of a call of which each is compared with all others: a call may be joined of very many legs.
const maxPassedBack = 64

// onceACall leaves out findings of a leg that are those of another leg of the call: its request went on before that came
// back. The one nearest to who answers stays. Of a call with more than maxPassedBack all stay.
func onceACall(list []*Finding) []*Finding {
	byCall := make(map[int][]*Finding)
	for _, f := range list {
		if f.leg != 0 && f.Call != 0 && len(f.Frames) > 1 && f.Severity > Note && slices.Contains(passedBack, f.ID) {
			byCall[f.Call] = append(byCall[f.Call], f)
		}
	}
	return slices.DeleteFunc(list, func(f *Finding) bool {
		of := byCall[f.Call]
		return len(of) > 1 && len(of) <= maxPassedBack && slices.Contains(of, f) && slices.ContainsFunc(of, f.encloses)
	})
}

// encloses reports whether another finding of the rule, on another leg, is of a request that was sent behind that of f, and answered
// before.
func (f *Finding) encloses(x *Finding) bool {
	return x.ID == f.ID && x.leg != f.leg && x.Severity == f.Severity && compareFrames(f, x) < 0 &&
		compareFrame(f.Frames[len(f.Frames)-1], x.Frames[len(x.Frames)-1]) > 0
}

// explain keeps the most specific finding of a group.
func explain(of []*Finding, group []string, gone map[*Finding]bool) {
	var best *Finding
	for _, id := range group {
		for _, f := range of {
			if f.ID != id || gone[f] || f == best {
				continue
			}
			switch {
			case best == nil && f.proves():
				best = f
			case best != nil && best.ID != f.ID:
				best.relate(f.ID)
				best.relate(f.Related...)
				gone[f] = true
			}
		}
	}
}
