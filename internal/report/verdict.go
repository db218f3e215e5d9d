package report

import (
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/sipsight/sipsight/analysis"
)

// Verdict says in one sentence what became of a call. It holds no text of the capture but
// addresses and numbers.
func Verdict(c *analysis.Call) string {
	l := c.First()
	s := verdictOf(l) + running(l)
	if n := len(l.Transfers); n > 0 {
		s += "; " + transferText(&l.Transfers[n-1])
	}
	if c.Because != "" {
		s += " because " + c.Because
	}
	return s + "."
}

func verdictOf(l *analysis.Leg) string {
	switch l.State {
	case analysis.StateCompleted:
		return completedText(l)
	case analysis.StateConfirmed:
		s := "Answered" + after(l.SetupTime())
		if l.Evicted {
			return s + "; not followed to its end because too many calls were going on"
		}
		return s + "; no BYE until the capture ends" + later(l.Answered, l.Last)
	case analysis.StateFailed:
		return failedText(l)
	case analysis.StateCancelled:
		return cancelledText(l)
	case analysis.StateRedirected:
		return fmt.Sprintf("Redirected%s with %s by %s, and nothing followed on this Call-ID", after(between(l.Invited, l.Final)), statusText(l.FinalStatus), hostText(l.Destination))
	case analysis.StateAbandoned:
		if l.Ringing.IsZero() {
			return fmt.Sprintf("No final response came from %s in over 32 s", hostText(l.Destination))
		}
		return "Rang" + after(l.PostDialDelay()) + "; no final response and no CANCEL followed in over three minutes"
	case analysis.StateEarly:
		return "Not answered yet when the capture ends" + later(l.Invited, l.Last)
	case analysis.StateTrying:
		return "No ringing and no final response yet when the capture ends" + later(l.Invited, l.Last)
	}
	return "Only parts of this call are in the capture"
}

func completedText(l *analysis.Leg) string {
	s := "Answered" + after(l.SetupTime())
	if l.Answered.IsZero() {
		s = "Answered"
	}
	if l.AnswerUnseen {
		s = "Answered (the 2xx is not in the capture)"
	}
	switch l.EndedBy {
	case analysis.Caller, analysis.Callee:
		s += ", ended by the " + l.EndedBy.String()
	default:
		s += ", ended"
	}
	if d, ok := l.TalkTime(); ok {
		s += " after " + durationText(d)
	}
	return s
}

func failedText(l *analysis.Leg) string {
	took := after(between(l.Invited, l.Final))
	switch l.FinalStatus {
	case 401, 407:
		return fmt.Sprintf("Failed%s: %s, and no further INVITE with credentials came", took, statusText(l.FinalStatus))
	}
	suffix := ""
	if l.FinalStatus == 487 {
		suffix = ", which answers a CANCEL or BYE"
	}
	by := "the called side"
	if l.EndedBy == analysis.Server {
		by = "a server on the way, " + hostText(l.Destination)
	} else if len(l.Hops) < 2 {
		by = hostText(l.Destination)
	}
	return fmt.Sprintf("Failed%s: %s from %s%s", took, statusText(l.FinalStatus), by, suffix)
}

func cancelledText(l *analysis.Leg) string {
	s := "Cancelled by the caller" + after(between(l.Invited, l.Ended))
	switch {
	case l.ByBye:
		who := "one side"
		if l.EndedBy != analysis.NoParty {
			who = "the " + l.EndedBy.String()
		}
		return "Given up with a BYE of " + who + after(between(l.Invited, l.Ended)) + ", before it was answered"
	case !l.Ringing.IsZero():
		s += ", while it was ringing"
	default:
		s += ", before it rang"
	}
	return s
}

// running says that the capture has not all of it.
func running(l *analysis.Leg) string {
	if l.Running {
		return "; it was running already when the capture begins"
	}
	return ""
}

func transferText(t *analysis.Transfer) string {
	s := "a transfer was asked for"
	if t.By != analysis.NoParty {
		s += " by the " + t.By.String()
	}
	switch {
	case t.Result != 0:
		s += " and ended with " + statusText(t.Result)
	case t.Status >= 300:
		s += " and refused with " + statusText(t.Status)
	case t.Status != 0:
		s += " and accepted"
	}
	return s
}

// between returns the time from a to b.
func between(a, b time.Time) (time.Duration, bool) {
	if a.IsZero() || b.IsZero() || b.Before(a) {
		return 0, false
	}
	return b.Sub(a), true
}

func after(d time.Duration, ok bool) string {
	if !ok {
		return ""
	}
	return " after " + durationText(d)
}

func later(a, b time.Time) string {
	if d, ok := between(a, b); ok && d > 0 {
		return ", " + durationText(d) + " later"
	}
	return ""
}

func hostText(a netip.AddrPort) string {
	if !a.IsValid() {
		return "an unknown address"
	}
	return string(appendEndpoint(nil, a))
}

// durationText writes a duration for people, with three digits or so.
func durationText(d time.Duration) string {
	switch {
	case d < time.Millisecond:
		return fmt.Sprintf("%d µs", d.Microseconds())
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Round(time.Millisecond).Milliseconds())
	case d < 10*time.Second:
		return fmt.Sprintf("%.2f s", d.Seconds())
	case d < time.Minute:
		return fmt.Sprintf("%.1f s", d.Seconds())
	case d < time.Hour:
		return fmt.Sprintf("%d min %d s", d/time.Minute, d%time.Minute/time.Second)
	}
	s := fmt.Sprintf("%d h %d min", d/time.Hour, d%time.Hour/time.Minute)
	return strings.TrimSuffix(s, " 0 min")
}
