package findings

import (
	"cmp"
	"net/netip"
	"slices"
	"time"

	"github.com/sipsight/sipsight/analysis"
)

// causes are findings that one cause may bring at once on a call, the most specific first.
var causes = [][]string{
	{"invite-no-response", "slow-setup"},
	{"ack-misrouted", "cancel-200-race", "drop-at-32s", "bye-before-ack", "missing-ack-2xx"},
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

// sameMessage are findings that have one cause where a frame proves both: the first of each, which is the more specific, is told. A message that
// is not whole for its Content-Length has a body that is none, an offer of media without keys is refused, and who hangs up since the signalling is broken
// waits for no end of a hold.
var sameMessage = [][]string{
	{"udp-too-big", "invite-no-response", "request-timeout"},
	{"t38-failed", "unsupported-feature"},
	{"codec-488", "unsupported-feature"},
	{"prack-missing", "481-in-dialog"},
	{"stream-length", "answer-invalid", "offer-without-answer", "dtmf-mismatch", "srtp-setup", "o-line-version", "codec-488"},
	{"srtp-setup", "codec-488"},
	{"fork-outcomes", "missing-ack-2xx"},
	{"cancel-200-race", "fork-outcomes"},
	{"drop-at-32s", "481-in-dialog", "hold-state"},
	{"missing-ack-2xx", "hold-state"},
	{"invite-no-response", "hold-state"},
	{"codec-488", "hold-state"},
	{"session-timer-expiry", "hold-state"},
}

// asItShould are findings of a request that sections 12.2.2 and 14.2 have refused with 500, whatever the load of the server.
var asItShould = [][]string{
	{"cseq-backwards", "overload"},
	{"overlapping-invite", "overload"},
}

// noAck are findings of a 2xx to INVITE that nobody acknowledged, which a 2xx that lost its fragments explains.
var noAck = []string{"udp-too-big", "cancel-200-race", "drop-at-32s", "bye-before-ack", "missing-ack-2xx"}

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
				f.explainSilence(of, gone)
				f.explain(of, gone)
			}
			for _, group := range sameMessage {
				explainMessage(of, group, gone, (*Finding).outweighs)
			}
			for _, group := range asItShould {
				explainMessage(of, group, gone, (*Finding).asks500)
			}
			explainMessage(of, noAck, gone, (*Finding).isLost)
			explainProxy(of, gone)
			explainClear(of, gone)
		}
	}
	explainUnreached(list, gone)
	return slices.DeleteFunc(list, func(f *Finding) bool { return gone[f] })
}

// explainUnreached leaves out that requests outside of calls are never answered where the network says of the first of them, and of others, that it
// was not delivered.
func explainUnreached(list []*Finding, gone map[*Finding]bool) {
	by := make(map[string]*Finding)
	for _, f := range list {
		if f.rule == transportError && f.to.IsValid() && f.proves() {
			for _, id := range f.Calls {
				by[id] = f
			}
		}
	}
	for _, x := range list {
		if f := by[x.CallID]; f != nil && x.rule == requestTimeout && x.leg == 0 && !gone[x] && x.gate.peer == f.to {
			f.relate(x.ID)
			gone[x] = true
		}
	}
}

// proves reports whether a finding is sure and bad enough to explain others.
func (f *Finding) proves() bool { return f.Confidence > Possible && f.Severity > Note }

// relate makes other findings related to f.
//
//go:noinline
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
		if x.ID == f.covers && x != f && !gone[x] && !x.beganBefore(f) {
			f.relate(x.ID)
			gone[x] = true
		}
	}
}

// beganBefore reports whether audio that began late had begun when the first ICMP error came that f tells of.
func (f *Finding) beganBefore(x *Finding) bool {
	if f.rule != lateOrCutMedia || x.rule != transportError || f.passed.same == "cut" {
		return false
	}
	rtp, icmp := f.Frames[1], x.Frames[1]
	return rtp.File == icmp.File && rtp.Number < icmp.Number
}

// explainSilence leaves out that a host answers nothing, or does not acknowledge a refusal, which, as f says, does not get what is sent to it, or answers no INVITE either.
func (f *Finding) explainSilence(of []*Finding, gone map[*Finding]bool) {
	to := f.to
	if f.rule == inviteNoResponse && f.gate != nil {
		to = f.gate.peer
	}
	if !to.IsValid() || !f.proves() {
		return
	}
	for _, x := range of {
		silent := x.rule == requestTimeout || f.rule == transportError && x.rule == udpTooBig || f.rule != inviteNoResponse && x.rule == inviteNoResponse ||
			f.end == openOnly && x.rule == missingAckFailure // responses do not get there
		ofIt := f.leg == 0 || x.gate != nil && x.gate.peer == to || slices.Contains(x.Frames, f.Frames[0])
		if silent && !gone[x] && ofIt {
			f.relate(x.ID)
			f.relate(x.Related...)
			gone[x] = true
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

// explainClear leaves out that RTP is sent in the clear where its sender answered so, or the keys are missing without which it cannot be
// otherwise: what tells of the description that asks for encryption tells of that.
func explainClear(of []*Finding, gone map[*Finding]bool) {
	for _, x := range of {
		if x.rule != srtpSetup || x.passed == nil || !x.passed.clear || gone[x] {
			continue
		}
		for _, f := range of {
			switch {
			case f == x || gone[f] || gone[x] || !f.proves() || !slices.Contains(f.Frames, x.Frames[0]):
			case f.rule == answerInvalid && x.passed.plain:
				f.relate(x.ID)
				gone[x] = true
			case f.rule == srtpSetup && (f.passed == nil || !f.passed.clear):
				f.merge(x)
				gone[x] = true
			}
		}
	}
}

// passedBack are findings about a response that a server between two legs of a call passes back, or about one that it waits for.
var passedBack = []string{
	"codec-488", "t38-failed", "unsupported-feature", "481-in-dialog", "session-422", "max-forwards", "slow-setup",
	"answer-invalid", "offer-without-answer", "dtmf-mismatch", "srtp-setup", "invite-no-response", "transfer-failed", "auth-ignored", "auth-loop", "redirect-loop",
}

// maxPassedBack bounds the findings of a call of which each is compared with all others: a call may be joined of very many legs.
const maxPassedBack = 64

// maxPassOn is how long a server between two legs may take to pass on what it gets.
const maxPassOn = time.Second

// onceACall leaves out findings of a leg that are those of another leg of the call: its request went on before that came
// back, or what one side says or sends was passed on. The one nearest to who answers stays, or nearest to that side. Of a call with more than
// maxPassedBack all stay.
func onceACall(list []*Finding, order fileOrder) []*Finding {
	byCall := make(map[int][]*Finding)
	for _, f := range list {
		if f.leg != 0 && f.Call != 0 && (f.passed != nil || len(f.Frames) > 1 && f.Severity > Note && slices.Contains(passedBack, f.ID)) {
			byCall[f.Call] = append(byCall[f.Call], f)
		}
	}
	return slices.DeleteFunc(list, func(f *Finding) bool {
		of := byCall[f.Call]
		return len(of) > 1 && len(of) <= maxPassedBack && slices.Contains(of, f) && slices.ContainsFunc(of, func(x *Finding) bool { return x.silences(f) || x.holdsUp(f, order) || f.passes(x, order) })
	})
}

// silences reports whether a side is silent on another hop, of its leg or of another, or is so from then on, since what it sends goes to
// a wrong address: f, which is told of that address, is as bad then.
func (f *Finding) silences(x *Finding) bool {
	silent := x.rule == oneWayAudio || x.rule == lateOrCutMedia && x.passed.same == "cut"
	if f.rule != rtpWrongTarget || f.Confidence == Possible || !silent || !f.passed.lost || !f.passed.meets(x.passed) {
		return false
	}
	f.relate(x.ID)
	f.Severity = max(f.Severity, x.Severity)
	return true
}

// holdsUp reports whether a leg is slow to be set up, or stays on hold, since the server behind it waits, on another one, for a host that does not answer
// at all: f, which is told of that.
func (f *Finding) holdsUp(x *Finding, order fileOrder) bool {
	if f.rule != inviteNoResponse || x.leg == f.leg || !f.proves() || f.gate == nil || !x.surrounds(f, order) {
		return false
	}
	switch {
	case x.rule == slowSetup && f.gate.self != x.from:
	case x.rule == holdState && f.Because == "" && x.passed.lost && order.frames(x.Frames[1], f.Frames[0]) < 0: // an offer to resume it came before, and what nobody answers is sent in a dialog
	default:
		return false
	}
	f.relate(x.ID)
	return true
}

// passes reports whether a server between passes on in the leg of f what another finding of the rule, on another leg, tells.
func (f *Finding) passes(x *Finding, order fileOrder) bool {
	switch {
	case x.ID != f.ID || x.leg == f.leg || (x.passed == nil) != (f.passed == nil) || f.rule == inviteNoResponse: // silence is not passed on
		return false
	case f.rule == authIgnored && len(f.Frames) > len(x.Frames): // a server between asked for credentials itself as well
		return false
	case f.passed == nil:
		return f.fault == x.fault && x.Severity == f.Severity && f.surrounds(x, order)
	case f.passed.from.IsValid() && f.passed.from == x.passed.from: // of two phones that a server rings none passes on what the other says
		return false
	}
	return f.passed.meets(x.passed) && cmp.Or(f.passed.same, f.Observed) == cmp.Or(x.passed.same, x.Observed) && (x.Severity > f.Severity || x.Severity == f.Severity && x.nearer(f))
}

// meets reports whether two findings are of one side and of the same time: of what lasts any that they share, since the streams
// by which it is known may begin apart on two legs.
func (p *passed) meets(x *passed) bool {
	switch {
	case p.side == analysis.NoParty || p.side != x.side:
		return false
	case !p.until.IsZero() && !x.until.IsZero():
		return p.at.Before(x.until) && x.at.Before(p.until)
	}
	return p.at.Sub(x.at).Abs() <= maxPassOn
}

// nearer reports whether the leg of f is nearer to their side than that of x: legs are in the order of the way of the INVITE.
func (f *Finding) nearer(x *Finding) bool {
	if f.passed.side == analysis.Caller {
		return f.leg < x.leg
	}
	return f.leg > x.leg
}

// surrounds reports whether another finding begins behind f, and ends before.
func (f *Finding) surrounds(x *Finding, order fileOrder) bool {
	return order.findings(f, x) < 0 && order.frames(f.Frames[len(f.Frames)-1], x.Frames[len(x.Frames)-1]) > 0
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

// outweighs reports whether f may explain another finding: what proves nothing itself explains only what is no worse.
func (f *Finding) outweighs(x *Finding) bool { return f.proves() || f.asBad(x) }

// asBad reports whether another finding is no worse than f.
func (f *Finding) asBad(x *Finding) bool { return x.Severity <= f.Severity }

// asks500 reports whether another finding is no worse than f, and of a 500, not of a 503, which is of the load alone.
func (f *Finding) asks500(x *Finding) bool { return x.refusal == 500 && f.asBad(x) }

// isLost reports whether f is of a message whose later fragments were lost on the way.
func (f *Finding) isLost(*Finding) bool { return f.lacking && f.Severity == Error }

// explainMessage leaves out findings of a group about a message that the first of the group is about, too, and explains.
func explainMessage(of []*Finding, group []string, gone map[*Finding]bool, explains func(f, x *Finding) bool) {
	for _, best := range of {
		if best.ID != group[0] || gone[best] || best.Confidence == Possible {
			continue
		}
		for _, f := range of {
			shares := func(x analysis.Frame) bool { return slices.Contains(best.Frames, x) }
			if gone[f] || !slices.Contains(group[1:], f.ID) || !explains(best, f) || !slices.ContainsFunc(f.Frames, shares) {
				continue
			}
			best.relate(f.ID)
			best.relate(f.Related...)
			if best.Because == "" && f.end == turnedDown {
				best.Because, best.end, best.refusal = best.rule.Odd, f.end, f.refusal
			}
			gone[f] = true
		}
	}
}

// fragmentsOnce ties what udp-too-big and capture-quality tell of fragments that are not in the capture: where nothing came back they
// were lost on the way, and who made the capture is not told of them.
func fragmentsOnce(list []*Finding) []*Finding {
	var quality, lost *Finding
	unanswered, all := 0, 0
	for _, f := range list {
		switch {
		case !f.lacking:
		case f.ID == "capture-quality":
			quality = f
		default:
			all++
			if f.Severity == Error {
				unanswered++
				lost = f
			}
		}
	}
	if quality == nil || all == 0 {
		return list
	}
	if unanswered == all {
		lost.relate(quality.ID)
		return slices.DeleteFunc(list, func(f *Finding) bool { return f == quality })
	}
	quality.relate("udp-too-big")
	return list
}
