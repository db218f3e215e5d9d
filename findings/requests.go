package findings

import (
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/sipsight/sipsight/analysis"
)

// What rules about timers ask of the requests of a leg, and how they write it.

// wasHeard reports whether the request of a transaction had a response before a time, though the capture has
// none: over UDP it would have been sent again; on a stream something came that is not there.
func (r *legRun) wasHeard(i int, by time.Time) bool {
	t := &r.Transactions[i]
	if !r.overUDP(i) {
		src, dst := r.ends(t)
		return len(r.c.unseen) > 0 && r.c.lacks(hostsOf(dst, src), t.Sent, by)
	}
	return t.Requests == 1 && by.Sub(t.Sent) > time.Second
}

// answeredUnseen reports whether the request of a transaction had a response ahead of a time and of the first one that
// the capture has: see wasHeard.
func (r *legRun) answeredUnseen(i int, by time.Time) bool {
	t := &r.Transactions[i]
	for _, at := range []time.Time{t.Provisional, t.Answered} {
		if !at.IsZero() && at.Before(by) {
			by = at
		}
	}
	return r.wasHeard(i, by)
}

// overUDP reports whether the request of a transaction went over a transport that loses
// packets.
func (r *legRun) overUDP(i int) bool { return r.transport(i) == "UDP" }

// transport returns that of the request of a transaction, "" where that is not in the capture.
//
//go:noinline
func (r *legRun) transport(i int) string {
	for j := range r.Messages {
		if m := &r.Messages[j]; m.Transaction == i && m.Request {
			return m.Transport
		}
	}
	return ""
}

// failover returns the INVITE that who sent that of a transaction sent to another host behind it, and
// that was answered; -1 for none. RFC 3263, section 4.3.
func (r *legRun) failover(i int) int {
	src, dst := r.ends(&r.Transactions[i])
	return r.first(func(m *analysis.Seen) bool {
		if !m.Request || m.Method != "INVITE" || m.Transaction < 0 || m.Source.Addr() != src.Addr() || m.Destination.Addr() == dst.Addr() {
			return false
		}
		x := &r.Transactions[m.Transaction]
		return x.Initial == r.Transactions[i].Initial && (x.Status != 0 || !x.Provisional.IsZero()) && m.Time.After(r.Transactions[i].LastSent)
	})
}

// answeredElsewhere reports whether a response to the same request was seen on another hop
// with the same ends but for one: the answer took another way into the capture.
func (r *legRun) answeredElsewhere(i int) bool {
	t := &r.Transactions[i]
	src, _ := r.ends(t)
	for j := range r.Transactions {
		x := &r.Transactions[j]
		if j == i || x.Method != t.Method || x.CSeq != t.CSeq || x.Requests > 0 || x.Status == 0 && x.Provisional.IsZero() {
			continue
		}
		if s, _ := r.ends(x); s.Addr() == src.Addr() {
			return true
		}
	}
	return false
}

// requestFrames returns the frames of the copies of a request.
func (r *legRun) requestFrames(i int) (list []analysis.Frame) {
	for _, j := range r.of(i) {
		if m := &r.Messages[j]; m.Request && m.Method != "ACK" {
			list = append(list, m.Frame)
		}
	}
	return list
}

// requestsBefore returns the copies of a request before a time.
func (r *legRun) requestsBefore(i int, at time.Time) (list []int) {
	for _, j := range r.of(i) {
		if m := &r.Messages[j]; m.Request && m.Method != "ACK" && m.Time.Before(at) {
			list = append(list, j)
		}
	}
	return list
}

// firstAnswer returns the frame of the first response to a request.
func (r *legRun) firstAnswer(i int) []analysis.Frame {
	for _, j := range r.of(i) {
		if m := &r.Messages[j]; !m.Request {
			return []analysis.Frame{m.Frame}
		}
	}
	return nil
}

// finalFrames returns the frames of the copies of the final response to a request.
func (r *legRun) finalFrames(i int) (list []analysis.Frame) {
	for _, j := range r.of(i) {
		if m := &r.Messages[j]; !m.Request && m.Status == r.Transactions[i].Status {
			list = append(list, m.Frame)
		}
	}
	return list
}

// any reports whether f holds for one of some messages.
func (r *legRun) any(list []int, f func(*analysis.Seen) bool) bool {
	return slices.ContainsFunc(list, func(i int) bool { return f(&r.Messages[i]) })
}

// onHop returns the requests of a method on a hop, those sent again left out.
//
//go:noinline
func (r *legRun) onHop(hop int, method string) (list []int) {
	for i := range r.Messages {
		if m := &r.Messages[i]; m.Request && m.Method == method && m.Hop == hop && m.Resent.Number == 0 {
			list = append(list, i)
		}
	}
	return list
}

func seconds(d time.Duration) string {
	switch ms := d.Round(time.Millisecond); {
	case ms < time.Second:
		return fmt.Sprintf("%d ms", ms.Milliseconds())
	case d < 10*time.Second:
		return fmt.Sprintf("%.2f s", d.Seconds())
	}
	return fmt.Sprintf("%.1f s", d.Seconds())
}

//go:noinline
func times(n int) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

// timesOver says how often something was sent, and over what time if that was more than once.
func timesOver(n int, d time.Duration) string {
	if n == 1 {
		return times(n)
	}
	return times(n) + " over " + seconds(d)
}

func hostName(a netip.Addr) string {
	if !a.IsValid() {
		return "an unknown address"
	}
	return a.Unmap().String()
}

func endpoint(a netip.AddrPort) string {
	if !a.IsValid() {
		return "an unknown address"
	}
	return netip.AddrPortFrom(a.Addr().Unmap(), a.Port()).String()
}
