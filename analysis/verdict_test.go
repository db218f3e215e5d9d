package analysis

import (
	"net/netip"
	"testing"
	"time"
)

// TestVerdictUntil holds that what is still open when the capture ends is said to be open up to
// there, and not up to the last message of the call.
func TestVerdictUntil(t *testing.T) {
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	until := at.Add(100 * time.Second)
	last := at.Add(3 * time.Second)
	for want, l := range map[string]*Leg{
		"Answered after 2.00 s; no BYE until the capture ends, 1 min 38 s later.": {State: StateConfirmed, Invited: at, Answered: at.Add(2 * time.Second), Last: last},
		"Not answered yet when the capture ends, 1 min 40 s later.":               {State: StateEarly, Invited: at, Last: last},
		"No ringing and no final response yet when the capture ends, 1 min 40 s later.": {
			State: StateTrying, Invited: at, Last: last,
		},
	} {
		if got := (&Call{Legs: []*Leg{l}, Until: until}).Verdict(); got != want {
			t.Errorf("%s\nwant %s", got, want)
		}
	}
}

// TestVerdictBehind holds that a call of which a server hung up one leg is not said to have no BYE, unless another leg goes on, or the server
// answered the call itself behind that.
func TestVerdictBehind(t *testing.T) {
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	first := &Leg{State: StateConfirmed, Invited: at, Answered: at.Add(time.Second)}
	ended := &Leg{State: StateCompleted, Destination: netip.MustParseAddrPort("10.0.0.2:5060"), Ended: at.Add(5 * time.Second)}
	for want, legs := range map[string][]*Leg{
		"Answered after 1.00 s; ended towards 10.0.0.2:5060 after 4.00 s, and no BYE on the first leg until the capture ends, 5.00 s later.": {first, ended, {State: StateCancelled}},
		"Answered after 1.00 s; no BYE until the capture ends, 9.00 s later.":                                                                {first, ended, {State: StateConfirmed}},
		"Answered after 6.00 s; no BYE until the capture ends, 4.00 s later.":                                                                {{State: StateConfirmed, Invited: at, Answered: at.Add(6 * time.Second)}, ended},
	} {
		if got := (&Call{Legs: legs, Until: at.Add(10 * time.Second)}).Verdict(); got != want {
			t.Errorf("%s\nwant %s", got, want)
		}
	}
}

// TestVerdictBecause holds that a reason is not one for the time, or the clause, in front of it.
func TestVerdictBecause(t *testing.T) {
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	client, server := netip.MustParseAddrPort("10.0.0.1:5060"), netip.MustParseAddrPort("10.0.0.9:5060")
	for want, l := range map[string]*Leg{
		"Failed after 3.00 s: 404 Not Found from an unknown address because nobody is there.":  {State: StateFailed, FinalStatus: 404, Invited: at, Final: at.Add(3 * time.Second)},
		"Not answered yet when the capture ends, 5.00 s later, because nobody is there.":       {State: StateEarly, Invited: at},
		"Cancelled by the caller after 3.00 s, while it was ringing, because nobody is there.": {State: StateCancelled, Rung: at.Add(time.Second), Invited: at, Ended: at.Add(3 * time.Second)},
		"Failed after 3.00 s: 408 Request Timeout from a server on the way, 10.0.0.9:5060, because nobody is there.": {
			State: StateFailed, EndedBy: Server, FinalStatus: 408, Destination: server, Hops: []Hop{{client, server}}, Invited: at, Final: at.Add(3 * time.Second)},
	} {
		c := &Call{Legs: []*Leg{l}, Until: at.Add(5 * time.Second), Remarks: Remarks{Because: "nobody is there"}}
		if got := c.Verdict(); got != want {
			t.Errorf("%s\nwant %s", got, want)
		}
	}
}

// TestVerdictTransfer holds that a transfer ends with a final status alone.
func TestVerdictTransfer(t *testing.T) {
	for _, x := range []struct {
		t    Transfer
		want string
	}{
		{Transfer{Status: 202, Result: 486}, "a transfer was asked for and ended with 486 Busy Here"},
		{Transfer{Status: 202, Result: 100}, "a transfer was asked for and accepted; the last that is reported of it is 100 Trying"},
		{Transfer{Status: 202}, "a transfer was asked for and accepted"},
		{Transfer{Status: 488}, "a transfer was asked for and refused with 488 Not Acceptable Here"},
	} {
		if got := x.t.String(); got != x.want {
			t.Errorf("%s\nwant %s", got, x.want)
		}
	}
}

func hop(a, b string) Hop {
	return Hop{A: netip.AddrPortFrom(netip.MustParseAddr(a), 5060), B: netip.AddrPortFrom(netip.MustParseAddr(b), 5060)}
}

// TestVerdictUnseen holds that what is not in the capture is said not to be, and who refused a call as far as it is.
func TestVerdictUnseen(t *testing.T) {
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for want, l := range map[string]*Leg{
		"Failed after 3.00 s: the caller acknowledged a refusal that is not in the capture.": {State: StateFailed, Invited: at, Final: at.Add(3 * time.Second)},
		"Failed after 3.00 s: 408 Request Timeout from a server on the way, 10.0.0.9:5060.": {
			State: StateFailed, FinalStatus: 408, EndedBy: Server, Invited: at, Final: at.Add(3 * time.Second), Destination: hop("10.0.0.1", "10.0.0.9").B,
			Hops: []Hop{hop("10.0.0.1", "10.0.0.9"), hop("10.0.0.9", "10.0.0.2"), hop("10.0.0.3", "10.0.0.9")}, // the last begins with a response
		},
		"Failed after 3.00 s: 408 Request Timeout from a server on the way.": {
			State: StateFailed, FinalStatus: 408, EndedBy: Server, Invited: at, Final: at.Add(3 * time.Second), Destination: hop("10.0.0.1", "10.0.0.9").B,
			Hops: []Hop{hop("10.0.0.1", "10.0.0.9"), hop("10.0.0.9", "10.0.0.8"), hop("10.0.0.8", "10.0.0.3")},
		},
		"Failed after 3.00 s: 487 Request Terminated from 10.0.0.9:5060 (no CANCEL or BYE of the caller that it would answer is in the capture).": {
			State: StateFailed, FinalStatus: 487, EndedBy: Callee, Invited: at, Final: at.Add(3 * time.Second), Destination: hop("10.0.0.1", "10.0.0.9").B,
		},
		"Failed after 3.00 s: 483 Too Many Hops from a server on the way.": { // whichever of them it was
			State: StateFailed, FinalStatus: 483, EndedBy: Server, Invited: at, Final: at.Add(3 * time.Second), Destination: hop("10.0.0.1", "10.0.0.9").B,
			Hops: []Hop{hop("10.0.0.1", "10.0.0.9"), hop("10.0.0.9", "10.0.0.8"), hop("10.0.0.8", "10.0.0.9")},
		},
		"Answered after 1.00 s, ended by the caller after 2.00 s (the BYE is not in the capture).": {
			State: StateCompleted, Invited: at, Answered: at.Add(time.Second), Ended: at.Add(3 * time.Second), EndedBy: Caller, ByBye: true, ByeUnseen: true,
		},
		"Answered after 1.00 s; no BYE of its dialog until the capture ends.": {State: StateConfirmed, Invited: at, Answered: at.Add(time.Second), ByeStray: true},
	} {
		if got := (&Call{Legs: []*Leg{l}}).Verdict(); got != want {
			t.Errorf("%s\nwant %s", got, want)
		}
	}
}

// TestVerdictTransferLeg holds that a verdict tells of a transfer on whatever leg, and once of one
// that was passed on.
func TestVerdictTransferLeg(t *testing.T) {
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	first := Transfer{Target: "sip:carol@example.com", By: Callee, Time: at, Status: 202, Result: 200}
	passed, other := first, first
	passed.Time, passed.Result = at.Add(20*time.Millisecond), 0
	other.Target, other.Time, other.Status, other.Result = "sip:dave@example.com", at.Add(-time.Minute), 403, 0
	for _, x := range []struct {
		legs [][]Transfer
		want string
	}{
		{[][]Transfer{nil, {first}}, "Answered; no BYE until the capture ends; a transfer was asked for by the callee and ended with 200 OK."},
		{[][]Transfer{{first}, {passed}}, "Answered; no BYE until the capture ends; a transfer was asked for by the callee and ended with 200 OK."},
		{[][]Transfer{{first}, {other}}, "Answered; no BYE until the capture ends; a transfer was asked for by the callee and ended with 200 OK."},
		{[][]Transfer{{other}, {other}}, "Answered; no BYE until the capture ends; a transfer was asked for by the callee and refused with 403 Forbidden."},
	} {
		c := new(Call)
		for _, list := range x.legs {
			c.Legs = append(c.Legs, &Leg{State: StateConfirmed, Transfers: list})
		}
		if got := c.Verdict(); got != x.want {
			t.Errorf("%s\nwant %s", got, x.want)
		}
	}
}

// TestVerdictEnds: what a BYE and a CANCEL came to.
func TestVerdictEnds(t *testing.T) {
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	s := time.Second
	completed := func(refused int) *Leg {
		return &Leg{State: StateCompleted, Invited: at, Answered: at.Add(2 * s), Ended: at.Add(8 * s), EndedBy: Caller, ByBye: true, ByeRefused: refused}
	}
	cancelled := func(status int, cause string) *Leg {
		return &Leg{State: StateCancelled, Invited: at, Ringing: at.Add(s), Rung: at.Add(s), Ended: at.Add(6 * s), EndedBy: Caller, FinalStatus: status, Cause: cause}
	}
	progress := func(state State) *Leg { // 181, 182 or 183, and no 180
		return &Leg{State: state, Invited: at, Ringing: at.Add(s), Ended: at.Add(6 * s)}
	}
	for _, x := range []struct {
		l    *Leg
		want string
	}{
		{completed(0), "Answered after 2.00 s, ended by the caller after 6.00 s."},
		{completed(403), "Answered after 2.00 s, ended by the caller after 6.00 s with a BYE that was answered 403 Forbidden."},
		{cancelled(487, ""), "Cancelled by the caller after 6.00 s, while it was ringing."},
		{cancelled(480, ""), "Cancelled by the caller, and ended with 480 Temporarily Unavailable after 6.00 s."},
		{cancelled(487, `SIP;cause=200;text="Call completed elsewhere"`), "Stopped after 6.00 s, since another phone had answered."},
		{cancelled(487, `Q.850 ;cause=26, SIP;cause=200`), "Stopped after 6.00 s, since another phone had answered."},
		{cancelled(487, `Q.850;cause=16;text="one, SIP;cause=200"`), "Cancelled by the caller after 6.00 s, while it was ringing."},
		{cancelled(487, `SIP;cause=487`), "Cancelled by the caller after 6.00 s, while it was ringing."},
		{progress(StateCancelled), "Cancelled by the caller after 6.00 s, before it was answered."},
		{progress(StateAbandoned), "Got a provisional response after 1.00 s; no final response and no CANCEL followed in over three minutes."},
	} {
		if got := (&Call{Legs: []*Leg{x.l}, Until: at.Add(time.Minute)}).Verdict(); got != x.want {
			t.Errorf("%s\nwant %s", got, x.want)
		}
	}
}

// TestVerdictGivenUp: a call that the caller ended before it was answered, with a BYE or a CANCEL.
func TestVerdictGivenUp(t *testing.T) {
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for want, l := range map[string]*Leg{
		"Given up with a BYE of the caller after 2.00 s, before it was answered.": {ByBye: true, EndedBy: Caller, FinalStatus: 487},
		"Given up with a BYE of one side after 2.00 s, before it was answered.":   {ByBye: true},
		"Cancelled by the caller after 2.00 s, before it rang.":                   {FinalStatus: 487},
		"Cancelled by the caller after 2.00 s, before it was answered.":           {FinalStatus: 487, Ringing: at.Add(time.Second)},
		"Cancelled by the caller after 2.00 s, while it was ringing.":             {FinalStatus: 487, Ringing: at.Add(time.Second), Rung: at.Add(time.Second)},
		"Cancelled by the caller, and ended with 486 Busy Here after 2.00 s.":     {FinalStatus: 486},
		"Stopped after 2.00 s, since another phone had answered.":                 {FinalStatus: 487, Cause: "SIP;cause=200"},
	} {
		l.State, l.Invited, l.Ended = StateCancelled, at, at.Add(2*time.Second)
		if got := (&Call{ID: 1, Legs: []*Leg{l}}).Verdict(); got != want {
			t.Errorf("\ngot  %s\nwant %s", got, want)
		}
	}
}
