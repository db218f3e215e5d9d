package analysis

import (
	"net/netip"
	"time"
)

// maxUnasked bounds the Unasked of a timeline, and its Unregistered.
const maxUnasked = 4096

// An Unasked is the first final response outside of calls from one host to another of which the request is not in the
// capture.
type Unasked struct {
	Source, Destination netip.AddrPort // of the response
	Time                time.Time
	Frame               Frame
	More                bool // further ones came
}

// An Unregistered is an address-of-record of which the capture has a 403 or 404 to a REGISTER, and no REGISTER.
type Unregistered struct {
	AOR, CallID         string
	Status              int
	Source, Destination netip.AddrPort // of the response
	Frame               Frame
	Accepted            bool // a later REGISTER, of which likewise only the response is there, was accepted
}

// An unaskedTable makes them.
type unaskedTable struct {
	list  []Unasked
	pairs map[hostPair]int // 1 + the index of its first

	refused []Unregistered // without AOR where a REGISTER came after all
	aors    map[int]int    // by number: 1 + the index of its refusal, 0 where a REGISTER is in the capture
}

// answer takes in a final response of which no request is known.
func (u *unaskedTable) answer(x *seen) {
	p := hostPair{x.m.Src.Addr(), x.m.Dst.Addr()}
	if i := u.pairs[p]; i > 0 {
		u.list[i-1].More = true
		return
	}
	if len(u.list) == maxUnasked {
		return
	}
	if u.pairs == nil {
		u.pairs = make(map[hostPair]int)
	}
	u.list = append(u.list, Unasked{Source: x.m.Src, Destination: x.m.Dst, Time: x.now, Frame: x.frame})
	u.pairs[p] = len(u.list)
}

// registered takes in a final response to a REGISTER for an address-of-record, of which no request is known.
func (u *unaskedTable) registered(t *tracker, x *seen, a *aor) {
	i := u.aors[a.held]
	switch code := x.s.StatusCode; {
	case code/100 == 2 && i > 0:
		u.refused[i-1].Accepted = true
	case (code == 403 || code == 404) && i == 0 && a.Attempts == 0 && len(u.refused) < maxUnasked:
		if u.aors == nil {
			u.aors = make(map[int]int)
		}
		u.refused = append(u.refused, Unregistered{AOR: a.AOR, CallID: t.callID(x), Status: code, Source: x.m.Src, Destination: x.m.Dst, Frame: x.frame})
		u.aors[a.held] = len(u.refused)
	}
}

// asked takes in that a REGISTER for an address-of-record is in the capture: what it gets says more.
func (u *unaskedTable) asked(a *aor) {
	if i := u.aors[a.held]; i > 0 {
		u.refused[i-1].AOR = ""
		delete(u.aors, a.held)
	}
}

// unregistered returns what was refused and not asked for in the capture.
func (u *unaskedTable) unregistered() (list []Unregistered) {
	for _, r := range u.refused {
		if r.AOR != "" {
			list = append(list, r)
		}
	}
	return list
}
