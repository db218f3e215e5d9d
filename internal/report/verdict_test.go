package report

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/sipsight/sipsight/analysis"
)

// TestVerdictUntil holds that what is still open when the capture ends is said to be open up to
// there, and not up to the last message of the call.
func TestVerdictUntil(t *testing.T) {
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	until := at.Add(100 * time.Second)
	last := at.Add(3 * time.Second)
	for want, l := range map[string]*analysis.Leg{
		"Answered after 2.00 s; no BYE until the capture ends, 1 min 38 s later.": {State: analysis.StateConfirmed, Invited: at, Answered: at.Add(2 * time.Second), Last: last},
		"Not answered yet when the capture ends, 1 min 40 s later.":               {State: analysis.StateEarly, Invited: at, Last: last},
		"No ringing and no final response yet when the capture ends, 1 min 40 s later.": {
			State: analysis.StateTrying, Invited: at, Last: last,
		},
	} {
		if got := Verdict(&analysis.Call{Legs: []*analysis.Leg{l}, Until: until}); got != want {
			t.Errorf("%s\nwant %s", got, want)
		}
	}
}

// TestVerdictTransfer holds that a transfer ends with a final status alone.
func TestVerdictTransfer(t *testing.T) {
	for _, x := range []struct {
		t    analysis.Transfer
		want string
	}{
		{analysis.Transfer{Status: 202, Result: 486}, "a transfer was asked for and ended with 486 Busy Here"},
		{analysis.Transfer{Status: 202, Result: 100}, "a transfer was asked for and accepted; the last that is reported of it is 100 Trying"},
		{analysis.Transfer{Status: 202}, "a transfer was asked for and accepted"},
		{analysis.Transfer{Status: 488}, "a transfer was asked for and refused with 488 Not Acceptable Here"},
	} {
		if got := transferText(&x.t); got != x.want {
			t.Errorf("%s\nwant %s", got, x.want)
		}
	}
}

func hop(a, b string) analysis.Hop {
	return analysis.Hop{A: netip.AddrPortFrom(netip.MustParseAddr(a), 5060), B: netip.AddrPortFrom(netip.MustParseAddr(b), 5060)}
}

// TestVerdictUnseen holds that what is not in the capture is said not to be, and who refused a call as far as it is.
func TestVerdictUnseen(t *testing.T) {
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for want, l := range map[string]*analysis.Leg{
		"Failed after 3.00 s: the caller acknowledged a refusal that is not in the capture.": {State: analysis.StateFailed, Invited: at, Final: at.Add(3 * time.Second)},
		"Failed after 3.00 s: 408 Request Timeout from a server on the way, 10.0.0.9:5060.": {
			State: analysis.StateFailed, FinalStatus: 408, EndedBy: analysis.Server, Invited: at, Final: at.Add(3 * time.Second), Destination: hop("10.0.0.1", "10.0.0.9").B,
			Hops: []analysis.Hop{hop("10.0.0.1", "10.0.0.9"), hop("10.0.0.9", "10.0.0.2"), hop("10.0.0.3", "10.0.0.9")}, // the last begins with a response
		},
		"Failed after 3.00 s: 408 Request Timeout from a server on the way.": {
			State: analysis.StateFailed, FinalStatus: 408, EndedBy: analysis.Server, Invited: at, Final: at.Add(3 * time.Second), Destination: hop("10.0.0.1", "10.0.0.9").B,
			Hops: []analysis.Hop{hop("10.0.0.1", "10.0.0.9"), hop("10.0.0.9", "10.0.0.8"), hop("10.0.0.8", "10.0.0.3")},
		},
		"Failed after 3.00 s: 487 Request Terminated from 10.0.0.9:5060 (no CANCEL or BYE of the caller that it would answer is in the capture).": {
			State: analysis.StateFailed, FinalStatus: 487, EndedBy: analysis.Callee, Invited: at, Final: at.Add(3 * time.Second), Destination: hop("10.0.0.1", "10.0.0.9").B,
		},
		"Failed after 3.00 s: 483 Too Many Hops from a server on the way.": { // whichever of them it was
			State: analysis.StateFailed, FinalStatus: 483, EndedBy: analysis.Server, Invited: at, Final: at.Add(3 * time.Second), Destination: hop("10.0.0.1", "10.0.0.9").B,
			Hops: []analysis.Hop{hop("10.0.0.1", "10.0.0.9"), hop("10.0.0.9", "10.0.0.8"), hop("10.0.0.8", "10.0.0.9")},
		},
		"Answered after 1.00 s, ended by the caller after 2.00 s (the BYE is not in the capture).": {
			State: analysis.StateCompleted, Invited: at, Answered: at.Add(time.Second), Ended: at.Add(3 * time.Second), EndedBy: analysis.Caller, ByBye: true, ByeUnseen: true,
		},
		"Answered after 1.00 s; no BYE of its dialog until the capture ends.": {State: analysis.StateConfirmed, Invited: at, Answered: at.Add(time.Second), ByeStray: true},
	} {
		if got := Verdict(&analysis.Call{Legs: []*analysis.Leg{l}}); got != want {
			t.Errorf("%s\nwant %s", got, want)
		}
	}
}

// TestVerdictTransferLeg holds that a verdict tells of a transfer on whatever leg, and once of one
// that was passed on.
func TestVerdictTransferLeg(t *testing.T) {
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	first := analysis.Transfer{Target: "sip:carol@example.com", By: analysis.Callee, Time: at, Status: 202, Result: 200}
	passed, other := first, first
	passed.Time, passed.Result = at.Add(20*time.Millisecond), 0
	other.Target, other.Time, other.Status, other.Result = "sip:dave@example.com", at.Add(-time.Minute), 403, 0
	for _, x := range []struct {
		legs [][]analysis.Transfer
		want string
	}{
		{[][]analysis.Transfer{nil, {first}}, "Answered; no BYE until the capture ends; a transfer was asked for by the callee and ended with 200 OK."},
		{[][]analysis.Transfer{{first}, {passed}}, "Answered; no BYE until the capture ends; a transfer was asked for by the callee and ended with 200 OK."},
		{[][]analysis.Transfer{{first}, {other}}, "Answered; no BYE until the capture ends; a transfer was asked for by the callee and ended with 200 OK."},
		{[][]analysis.Transfer{{other}, {other}}, "Answered; no BYE until the capture ends; a transfer was asked for by the callee and refused with 403 Forbidden."},
	} {
		c := new(analysis.Call)
		for _, list := range x.legs {
			c.Legs = append(c.Legs, &analysis.Leg{State: analysis.StateConfirmed, Transfers: list})
		}
		if got := Verdict(c); got != x.want {
			t.Errorf("%s\nwant %s", got, x.want)
		}
	}
}

// TestVerdictEnds: what a BYE and a CANCEL came to.
func TestVerdictEnds(t *testing.T) {
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	s := time.Second
	completed := func(refused int) *analysis.Leg {
		return &analysis.Leg{State: analysis.StateCompleted, Invited: at, Answered: at.Add(2 * s), Ended: at.Add(8 * s), EndedBy: analysis.Caller, ByBye: true, ByeRefused: refused}
	}
	cancelled := func(status int, cause string) *analysis.Leg {
		return &analysis.Leg{State: analysis.StateCancelled, Invited: at, Ringing: at.Add(s), Ended: at.Add(6 * s), EndedBy: analysis.Caller, FinalStatus: status, Cause: cause}
	}
	for _, x := range []struct {
		l    *analysis.Leg
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
	} {
		if got := Verdict(&analysis.Call{Legs: []*analysis.Leg{x.l}, Until: at.Add(time.Minute)}); got != x.want {
			t.Errorf("%s\nwant %s", got, x.want)
		}
	}
}

// TestOwnPhrase holds that the text of a call has the reason phrases of the wire where they say something of their own.
func TestOwnPhrase(t *testing.T) {
	c := &analysis.Call{ID: 1, Legs: []*analysis.Leg{{State: analysis.StateFailed, FinalStatus: 403, FinalReason: "Blocked:\x1b no credit", Steps: []analysis.Step{
		{Method: "INVITE", Request: true, Reason: "none"}, {Method: "INVITE", Status: 100, Reason: "TRYING"}, {Method: "INVITE", Status: 180},
		{Method: "INVITE", Status: 403, Reason: "Blocked:\x1b no credit"}, {Method: "INVITE", Status: 499, Reason: "Odd"},
	}}}}
	got := string(AppendCallText(nil, c, &Options{}, nil, 0))
	for _, want := range []string{"\n  response      403 “Blocked:\\x1b no credit”\n", "  INVITE\n", "  100 Trying (INVITE)\n", "  180 Ringing (INVITE)\n", "  403 Forbidden (INVITE) “Blocked:\\x1b no credit”\n", "  499 (INVITE) “Odd”\n"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in\n%s", want, got)
		}
	}
	c.First().FinalReason = "forbidden"
	if got := string(AppendCallText(nil, c, &Options{}, nil, 0)); strings.Contains(got, "  response ") {
		t.Errorf("%s", got)
	}
}
