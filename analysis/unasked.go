package analysis

import "net/netip"

// maxUnasked bounds the Unasked of a timeline.
const maxUnasked = 4096

// An Unasked is the first final response outside of calls from one address to another of which the request is not in the
// capture; or a 403 or 404 to a REGISTER for an address-of-record of which no REGISTER is.
type Unasked struct {
	Source, Destination netip.AddrPort // of the response
	Frame               Frame
	Status              int

	AOR, CallID string // of what a REGISTER was refused, "" of all others
	Accepted    bool   // and a later one, of which only the response is in the capture, was accepted
}

// An unaskedTable makes them.
type unaskedTable struct {
	list  []Unasked
	pairs map[hostPair]bool
	aors  map[int]int // by number: 1 + the index of its refusal, 0 where a REGISTER is in the capture
}

// answer takes in a final response of which no request is known.
func (u *unaskedTable) answer(x *seen) {
	p := hostPair{x.m.Src.Addr(), x.m.Dst.Addr()}
	if u.pairs[p] || len(u.list) == maxUnasked {
		return
	}
	if u.pairs == nil {
		u.pairs = make(map[hostPair]bool)
	}
	u.pairs[p] = true
	u.list = append(u.list, Unasked{Source: x.m.Src, Destination: x.m.Dst, Frame: x.frame, Status: x.s.StatusCode})
}

// registered takes in a final response to a REGISTER for an address-of-record, of which no request is known.
func (u *unaskedTable) registered(t *tracker, x *seen, a *aor) {
	i := u.aors[a.held]
	switch code := x.s.StatusCode; {
	case code/100 == 2 && i > 0:
		u.list[i-1].Accepted = true
	case (code == 403 || code == 404) && i == 0 && a.Attempts == 0 && len(u.list) < maxUnasked:
		if u.aors == nil {
			u.aors = make(map[int]int)
		}
		u.list = append(u.list, Unasked{Source: x.m.Src, Destination: x.m.Dst, Frame: x.frame, Status: code, AOR: a.AOR, CallID: t.callID(x)})
		u.aors[a.held] = len(u.list)
	}
}

// asked takes in that a REGISTER for an address-of-record is in the capture: what it gets says more.
func (u *unaskedTable) asked(a *aor) {
	if i := u.aors[a.held]; i > 0 {
		u.list[i-1].AOR = ""
		delete(u.aors, a.held)
	}
}
