package analysis

import (
	"bytes"
	"net/netip"
	"slices"
	"sort"
	"time"

	"github.com/sipsight/sipsight/internal/words"
)

// Verdict says in one sentence what became of a call, as in «Failed after 904 ms: 486 Busy Here
// from 192.0.2.7:5060.», and why, as far as Because was filled in: package findings does that. It
// holds no text of the capture but addresses and numbers.
func (c *Call) Verdict() string {
	var b [256]byte
	return string(c.AppendVerdict(b[:0]))
}

// AppendVerdict appends the Verdict to b.
func (c *Call) AppendVerdict(b []byte) []byte {
	l := c.First()
	b = c.appendOutcome(b)
	link, n := " because ", len(b)
	if b = c.appendBehind(b); len(b) > n || l.State == StateCancelled || bytes.HasSuffix(b, []byte(" later")) || bytes.Contains(b, []byte(onTheWay)) { // the cause is of what was said before that
		link = ", because "
	}
	if c.Because != "" {
		if c.Beside {
			link = "; "
		}
		b = append(append(b, link...), c.Because...)
	}
	if l.Running { // the capture has not all of it
		b = append(b, "; it was running already when the capture begins"...)
	}
	if list := c.Transfers(); len(list) > 0 {
		b = append(append(b, "; "...), list[len(list)-1].String()...)
	}
	return append(b, '.')
}

// appendOutcome appends what became of the first leg of a call up to the end of the capture.
func (c *Call) appendOutcome(b []byte) []byte {
	l, until := c.First(), c.Until
	switch l.State {
	case StateCompleted:
		return appendCompleted(b, l)
	case StateConfirmed:
		b = appendAfter(append(b, "Answered"...), l.Invited, l.Answered)
		if l.Evicted {
			return append(b, "; not followed to its end because too many calls were going on"...)
		}
		bye, since := "; no BYE until the capture ends", l.Answered
		switch ended := c.hungUpBehind(); {
		case l.ByeStray:
			bye = "; no BYE of its dialog until the capture ends"
		case ended != nil:
			b = appendHost(append(b, "; ended towards "...), ended.Destination)
			b = appendAfter(b, l.Answered, ended.Ended)
			bye, since = ", and no BYE on the first leg until the capture ends", ended.Ended
		}
		return appendLater(append(b, bye...), since, until)
	case StateFailed:
		return c.appendFailed(b)
	case StateCancelled:
		return appendCancelled(b, l)
	case StateRedirected:
		b = appendAfter(append(b, "Redirected"...), l.Invited, l.Final)
		b = words.AppendStatus(append(b, " with "...), l.FinalStatus)
		b = c.appendRefuser(append(b, " by "...))
		return append(b, ", and nothing followed on this Call-ID"...)
	case StateAbandoned:
		if l.Ringing.IsZero() {
			b = appendHost(append(b, "No final response came from "...), l.Destination)
			return append(b, " in over 32 s"...)
		}
		if l.Rung.IsZero() { // 183 may be ringing, or an announcement; 181 and 182 are not
			b = append(b, "Got a provisional response"...)
		} else {
			b = append(b, "Rang"...)
		}
		b = appendAfter(b, l.Invited, l.Ringing)
		return append(b, "; no final response and no CANCEL followed in over three minutes"...)
	case StateEarly:
		return appendLater(append(b, "Not answered yet when the capture ends"...), l.Invited, until)
	case StateTrying:
		return appendLater(append(b, "No ringing and no final response yet when the capture ends"...), l.Invited, until)
	}
	return append(b, "Only parts of this call are in the capture"...)
}

// hungUpBehind returns the further leg that was the last to end with a BYE since the call was answered, where no answered one goes on, nil otherwise.
//
//go:noinline
func (c *Call) hungUpBehind() (last *Leg) {
	for _, x := range c.Legs[1:] {
		switch {
		case x.State == StateConfirmed:
			return nil
		case x.State == StateCompleted && x.Ended.After(c.First().Answered) && (last == nil || x.Ended.After(last.Ended)):
			last = x
		}
	}
	return last
}

func appendCompleted(b []byte, l *Leg) []byte {
	b = append(b, "Answered"...)
	switch {
	case l.AnswerUnseen:
		b = append(b, " (the 2xx is not in the capture)"...)
	default:
		b = appendAfter(b, l.Invited, l.Answered)
	}
	b = append(b, ", ended"...)
	switch l.EndedBy {
	case Caller, Callee:
		b = append(append(b, " by the "...), l.EndedBy.String()...)
	case Server:
		b = append(b, " by a server on the way"...)
	}
	b = appendAfter(b, l.Answered, l.Ended)
	switch {
	case l.ByeUnseen:
		b = append(b, " (the BYE is not in the capture)"...)
	case l.ByeRefused != 0 && l.ByeRefused != 481 && l.ByeRefused != 408: // of these findings tell
		b = words.AppendStatus(append(b, " with a BYE that was answered "...), l.ByeRefused)
	}
	return b
}

func (c *Call) appendFailed(b []byte) []byte {
	l := c.First()
	b = append(appendAfter(append(b, "Failed"...), l.Invited, l.Final), ": "...)
	if l.FinalStatus == 0 {
		return append(b, "the caller acknowledged a refusal that is not in the capture"...)
	}
	b = words.AppendStatus(b, l.FinalStatus)
	switch l.FinalStatus {
	case 401, 407:
		return append(b, ", and no further INVITE with credentials came"...)
	}
	b = c.appendRefuser(append(b, " from "...))
	if l.FinalStatus == 487 { // with either it would be a call that was cancelled
		b = append(b, " (no CANCEL or BYE of the caller that it would answer is in the capture)"...)
	}
	return b
}

// onTheWay is followed by the address of the server: what comes behind that is set apart from it.
const onTheWay = "a server on the way, "

// appendRefuser appends who refused or redirected a call.
func (c *Call) appendRefuser(b []byte) []byte {
	l := c.First()
	_, told := c.refusedBehind()
	switch {
	case l.EndedBy != Server && len(l.Hops) < 2:
		return appendHost(b, l.Destination)
	case l.EndedBy != Server && told == 0:
		return append(b, "the called side"...)
	case l.FinalStatus != 483 && (len(c.Legs) == 1 || len(l.Hops) < 2) && oneServer(l):
		return appendHost(append(b, onTheWay...), l.Destination)
	}
	return append(b, "a server on the way"...)
}

// appendBehind appends what a server was told that told the caller another status.
func (c *Call) appendBehind(b []byte) []byte {
	l := c.First()
	if l.State != StateFailed || l.FinalStatus == 401 || l.FinalStatus == 407 || l.FinalStatus == 487 {
		return b
	}
	from, status := c.refusedBehind()
	if status < 300 {
		return b
	}
	b = words.AppendStatus(append(b, ", after "...), status)
	return appendHost(append(b, " from "...), from)
}

// maxTold bounds the legs that are asked what they were refused with: each is compared with all others. A person's call has a dozen at the most.
const maxTold = 64

// refusedBehind returns what Leg.refusedBehind does, of further legs where there are any: all that go no further were
// refused with another status than the caller was told.
//
//go:noinline
func (c *Call) refusedBehind() (from netip.AddrPort, status int) {
	l := c.First()
	if len(c.Legs) == 1 {
		return l.refusedBehind()
	}
	if len(c.Legs) > maxTold {
		return from, 0
	}
	for _, x := range c.Legs[1:] {
		switch {
		case c.goesFurther(x):
		case x.State == StateCancelled:
			status = max(status, 1)
		case x.State != StateFailed && x.State != StateRedirected || x.FinalStatus == l.FinalStatus || x.Final.After(l.Final):
			return from, 0
		default:
			from, status = x.Destination, x.FinalStatus
		}
	}
	return from, status
}

// goesFurther reports whether there is another leg behind one: it comes from where that went.
func (c *Call) goesFurther(leg *Leg) bool {
	for _, x := range c.Legs {
		if x != leg && x.Source.Addr() == leg.Destination.Addr() {
			return true
		}
	}
	return false
}

// refusedBehind returns the last to refuse a leg, and the status, where a server told the caller another one than
// it was told: all who were called refused with others, such as 503, of which a proxy makes 500 (RFC 3261, section
// 16.7). The status is 1 where they say no more than that nobody answered or was called any more, and 0 where it is
// that of the caller or nobody knows.
//
//go:noinline
func (l *Leg) refusedBehind() (from netip.AddrPort, status int) {
	if l.EndedBy != Callee || len(l.Refusals) == 0 {
		return from, 0
	}
	for i := range l.Hops {
		end := l.lastOf(i)
		if !end.IsValid() {
			continue
		}
		switch refused, before := l.refusal(i); {
		case refused == 0:
			return from, 0
		case before: // the caller was told that
		case refused == 408, refused == 487:
			status = max(status, 1)
		default:
			from, status = end, refused
		}
	}
	return from, status
}

// lastOf returns the end of a hop from which the leg goes no further: its host is on that hop alone, and is not
// that of the caller. It is the zero value where there is none.
//
//go:noinline
func (l *Leg) lastOf(hop int) (end netip.AddrPort) {
	h := &l.Hops[hop]
	for _, end = range [2]netip.AddrPort{h.A, h.B} {
		on := 0
		for i := range l.Hops {
			if l.Hops[i].touches(end.Addr()) {
				on++
			}
		}
		if on == 1 && end.Addr() != l.Source.Addr() {
			return end
		}
	}
	return netip.AddrPort{}
}

// touches reports whether a host is an end of the hop.
func (h *Hop) touches(host netip.Addr) bool { return h.A.Addr() == host || h.B.Addr() == host }

// oneServer reports whether a call that a server refused passed one alone.
func oneServer(l *Leg) bool {
	for i := range l.Hops {
		if !l.Hops[i].touches(l.Destination.Addr()) {
			return false
		}
	}
	return true
}

func appendCancelled(b []byte, l *Leg) []byte {
	switch {
	case l.ByBye:
		who := "one side"
		if l.EndedBy != NoParty {
			who = "the " + l.EndedBy.String()
		}
		b = append(append(b, "Given up with a BYE of "...), who...)
		return append(appendAfter(b, l.Invited, l.Ended), ", before it was answered"...)
	case l.AnsweredElsewhere():
		return append(appendAfter(append(b, "Stopped"...), l.Invited, l.Ended), ", since another phone had answered"...)
	case l.FinalStatus != 0 && l.FinalStatus != 487: // it went on in spite of the CANCEL
		b = words.AppendStatus(append(b, "Cancelled by the caller, and ended with "...), l.FinalStatus)
		return appendAfter(b, l.Invited, l.Ended)
	}
	b = appendAfter(append(b, "Cancelled by the caller"...), l.Invited, l.Ended)
	switch {
	case !l.Rung.IsZero():
		return append(b, ", while it was ringing"...)
	case !l.Ringing.IsZero(): // that it rang nobody said
		return append(b, ", before it was answered"...)
	}
	return append(b, ", before it rang"...)
}

// Transfers returns the transfers that were asked for on any leg of a call, in order, and once what a
// back-to-back user agent passed on to the next leg. The list is not to be written into.
func (c *Call) Transfers() []Transfer {
	list := c.First().Transfers
	for _, l := range c.Legs[1:] {
		for i := range l.Transfers {
			t := &l.Transfers[i]
			if !slices.ContainsFunc(list, func(x Transfer) bool {
				return x.Target == t.Target && x.By == t.By && t.Time.Sub(x.Time).Abs() < time.Second
			}) {
				list = append(list[:len(list):len(list)], *t)
			}
		}
	}
	if len(c.Legs) > 1 && len(list) > 1 {
		list = slices.Clone(list)
		sort.SliceStable(list, func(i, j int) bool { return list[i].Time.Before(list[j].Time) })
	}
	return list
}

// String says who asked for a transfer and what came of it, as in «a transfer was asked for by the callee and
// ended with 200 OK».
func (t *Transfer) String() string {
	s := "a transfer was asked for"
	if t.By != NoParty {
		s += " by the " + t.By.String()
	}
	switch {
	case t.Result >= 200:
		s += " and ended with " + words.Status(t.Result)
	case t.Result != 0:
		s += " and accepted; the last that is reported of it is " + words.Status(t.Result)
	case t.Status >= 300:
		s += " and refused with " + words.Status(t.Status)
	case t.Status != 0:
		s += " and accepted"
	}
	return s
}

// appendAfter appends how long after a b was, where both are known.
func appendAfter(dst []byte, a, b time.Time) []byte {
	if d, ok := between(a, b); ok {
		dst = words.AppendDuration(append(dst, " after "...), d)
	}
	return dst
}

// appendLater appends how much later than a b was.
func appendLater(dst []byte, a, b time.Time) []byte {
	if d, ok := between(a, b); ok && d > 0 {
		dst = append(words.AppendDuration(append(dst, ", "...), d), " later"...)
	}
	return dst
}

//go:noinline
func appendHost(b []byte, a netip.AddrPort) []byte {
	if !a.IsValid() {
		return append(b, "an unknown address"...)
	}
	return words.AppendEndpoint(b, a)
}
