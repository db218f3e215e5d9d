package report

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/findings"
)

// behindServer is a call with a further leg, and all else that a row has lists of.
func behindServer() *analysis.Call {
	at := netip.MustParseAddrPort
	hop := func(a, b string) analysis.Hop { return analysis.Hop{A: at(a), B: at(b)} }
	first := &analysis.Leg{
		CallID: "one", State: analysis.StateCompleted, Source: at("192.0.2.1:5060"), Destination: at("192.0.2.9:5060"),
		Hops:      []analysis.Hop{hop("192.0.2.1:5060", "192.0.2.9:5060"), hop("192.0.2.9:5060", "[2001:db8::5]:5062")},
		Refusals:  []analysis.Refusal{{Hop: 1, Status: 503}},
		Dialogs:   []analysis.Dialog{{LocalTag: "a", RemoteTag: `quo"ted\`, State: analysis.DialogTerminated}},
		Transfers: []analysis.Transfer{{Target: "sip:carol:secret@h", By: analysis.Callee, Frame: analysis.Frame{Number: 7}, Status: 202}},
		Media: &analysis.Media{Lines: []analysis.MediaLine{
			{Side: analysis.Caller, Kind: "audio", Addr: at("192.0.2.1:4000"), Proto: "RTP/AVP", Codecs: "PCMA,opus", Direction: "sendrecv"},
			{Side: analysis.Callee, Kind: "audio", Addr: at("192.0.2.9:6000"), Proto: "RTP/AVP", Codecs: "PCMA", Direction: "recvonly"},
		}},
	}
	second := &analysis.Leg{
		CallID: "two, of [it]", From: "sip:+49301@pbx", To: "sip:201:secret@pbx", State: analysis.StateFailed, FinalStatus: 486, Source: at("10.0.0.9:5060"), Destination: at("10.0.0.20:5060"), First: analysis.Frame{Number: 3}, LastFrame: analysis.Frame{Number: 9},
		Hops:  []analysis.Hop{hop("10.0.0.9:5060", "10.0.0.20:5060")},
		Joins: []analysis.Join{{With: "one", Score: 160, Reason: []string{"same-host", "from-user"}}},
	}
	return &analysis.Call{ID: 1, Legs: []*analysis.Leg{first, second}, Links: []analysis.Link{{Kind: analysis.Consulted, From: 1, To: 4, Score: 90, Reason: []string{"to-user"}}}}
}

// TestParts: filters see what is in the lists of a row, and any of it may satisfy them.
func TestParts(t *testing.T) {
	call, alone := behindServer(), &analysis.Call{ID: 2, Legs: []*analysis.Leg{{}}}
	for _, expr := range []string{`call.legs.from == "alice"`, `call.legs.to in {"tel:+1", bob}`, `call.from == 1001`} {
		if _, err := Calls.Filters(&Options{}).Parse(expr); err == nil || !strings.Contains(err.Error(), "a whole URI") {
			t.Errorf("%s: %v", expr, err)
		}
	}
	for expr, want := range map[string]bool{
		`call.legs`:                                        true,
		`call.legs.call_id == "two, of [it]"`:              true,
		`call.legs.call_id == "one"`:                       false,
		`call.legs.joined_with == one`:                     true,
		`call.legs.score > 100`:                            true,
		`call.legs.reasons == "from-user"`:                 true,
		`call.legs.reasons != "from-user"`:                 false,
		`call.legs.from == "sip:+49301@pbx"`:               true,
		`call.legs.to contains "201"`:                      true,
		`call.legs.to contains "secret"`:                   false,
		`call.legs.state == failed`:                        true,
		`call.legs.final_status == 486`:                    true,
		`call.legs.source == "10.0.0.9:5060"`:              true,
		`call.legs.source == 10.0.0.9`:                     true,
		`call.legs.source != 10.0.0.9`:                     false,
		`call.legs.source == 10.0.0`:                       false,
		`call.hops.destination == "2001:db8::5"`:           true,
		`call.hops.destination == "2001:0DB8:0:0::5"`:      true,
		`call.source == "[::ffff:192.0.2.1]:5060"`:         true,
		`call.source == 192.0.2.1`:                         true,
		`call.source == "192.0.2.1:5060"`:                  true,
		`call.source === 192.0.2.1`:                        true,
		`call.source !== 192.0.2.1`:                        false,
		`call.source in {10.0.0.1, 192.0.2.1}`:             true,
		`call.destination == 192.0.2.1`:                    false,
		`call.legs.destination contains "10.0.0.2"`:        true,
		`call.legs.first_frame == 3`:                       true,
		`call.legs.last_frame > 9`:                         false,
		`call.dialogs.local_tag == a`:                      true,
		`call.dialogs.remote_tag == "quo\"ted\\"`:          true,
		`call.dialogs.state == confirmed`:                  false,
		`call.dialogs.call_id == one`:                      true,
		`call.transfers.target contains "carol:***"`:       true,
		`call.transfers.target contains "secret"`:          false,
		`call.transfers.by == callee`:                      true,
		`call.transfers.status == 202`:                     true,
		`call.transfers.result`:                            false,
		`call.linked.kind == consultation`:                 true,
		`call.linked.to == "call-4"`:                       true,
		`call.linked.reasons contains user`:                true,
		`call.media.codecs == PCMA`:                        true,
		`call.media.codecs == opus`:                        false,
		`call.media.endpoints.codecs contains opus`:        true,
		`call.media.endpoints.direction == recvonly`:       true,
		`call.media.endpoints.address == "192.0.2.9:6000"`: true,
		`call.media.held_by`:                               false,
		`call.hops.source == "192.0.2.9:5060"`:             true,
		`call.hops.destination == "[2001:db8::5]:5062"`:    true,
		`call.hops.addr == 2001:db8::/32`:                  true,
		`call.hops.status == 503`:                          true,
		`call.hops.status == 486`:                          false,
		`call.hops.addr == 10.0.0.20`:                      true,
		`call.hops.addr == 172.16.0.0/12`:                  false,
	} {
		f, err := Calls.Filters(&Options{}).Parse(expr)
		if err != nil {
			t.Errorf("%s: %v", expr, err)
			continue
		}
		if got := f.Match(call); got != want {
			t.Errorf("%s: %v", expr, got)
		}
		if f.Match(alone) {
			t.Errorf("%s holds of a call that has nothing", expr)
		}
	}
	f, _ := Calls.Filters(&Options{}).Parse(`call.transfers.target contains "secret"`)
	if f.Secrets = true; !f.Match(call) {
		t.Error("secrets are asked for, and masked")
	}
	call.Legs[0].Dialogs[0].LocalTag = "10.1.1.1:5060" // text of a stranger, and no endpoint
	if f, _ := Calls.Filters(&Options{}).Parse(`call.dialogs.local_tag == 10.1.1.1`); f.Match(call) {
		t.Error("a tag equals a part of it")
	}

	r := &analysis.Registration{Contacts: []analysis.Binding{{URI: "sip:a@192.0.2.1", Asked: 3600, Granted: -1}, {URI: "sip:a@192.0.2.2", Asked: 60, Granted: 60}}}
	for expr, want := range map[string]bool{
		`reg.contacts.uri == "sip:a@192.0.2.2"`: true, `reg.contacts.asked_s > 60`: true, `reg.contacts.granted_s > 60`: false, `reg.contacts.expired`: false,
	} {
		if f, err := Registrations.Filters(&Options{}).Parse(expr); err != nil || f.Match(r) != want {
			t.Errorf("%s: %v", expr, err)
		}
	}
	x := &findings.Finding{Frames: []analysis.Frame{{Number: 17}, {File: 1, Number: 20}}}
	for expr, want := range map[string]bool{`finding.frames == 20`: true, `finding.frames in {18, 19}`: false, `finding.frames`: true} {
		if f, err := Findings.Filters(&Options{}).Parse(expr); err != nil || f.Match(x) != want {
			t.Errorf("%s: %v", expr, err)
		}
	}
}

// TestShownSteps: as many steps of a timeline are shown as may be, and those that findings name, wherever they are.
func TestShownSteps(t *testing.T) {
	steps := make([]Step, 40)
	for i := range steps {
		steps[i].Frame.Number = int64(i + 1)
	}
	for _, named := range [][]int64{{}, {1}, {8}, {8, 20, 21, 22, 23, 24}, {37, 36, 20, 19, 18}, {9, 10, 11, 12, 13, 40}, {20, 20, 99}} {
		o := &Options{MaxSteps: 12}
		for _, n := range named {
			o.named = append(o.named, analysis.Frame{Number: n})
		}
		first, last, middle := o.shown(steps)
		shown := func(i int) bool { return i < first || i >= last || middle[i] }
		count := 0
		for i := range steps {
			if shown(i) {
				count++
			}
		}
		if count != o.MaxSteps || count != first+len(steps)-last+len(middle) {
			t.Errorf("%v: %d of %d steps are shown", named, count, o.MaxSteps)
		}
		for _, n := range named {
			if n <= 40 && !shown(int(n-1)) {
				t.Errorf("%v: step %d is left out", named, n)
			}
		}
	}
}

// TestFlags: a flag that rows have only where it is true cannot be asked for false.
func TestFlags(t *testing.T) {
	for name, expr := range map[string]string{
		"call": "call.forked == false", "a part": "reg.contacts.expired == false", "stream": "stream.relay_hop == false", "resumed": "call.media.resumed == false",
	} {
		var err error
		switch {
		case strings.HasPrefix(expr, "call."):
			_, err = Calls.Filters(&Options{}).Parse(expr)
		case strings.HasPrefix(expr, "reg."):
			_, err = Registrations.Filters(&Options{}).Parse(expr)
		default:
			_, err = Streams.Filters(&Options{}).Parse(expr)
		}
		if (err == nil) != (name == "resumed") {
			t.Errorf("%s: %v", expr, err)
		}
	}
}

// TestCallByNumber: a call has its number for a name, too, as in sipsight call 3.
func TestCallByNumber(t *testing.T) {
	for expr, want := range map[string]bool{
		"finding.call == 13": true, "finding.call in {2, 13}": true, "finding.call == call-13": true, `finding.call contains "call-1"`: true, "finding.call != 3": true,
		"finding.call == 3": false, "finding.call == 1": false, "finding.call != 13": false, `finding.call == "l-13"`: false, `finding.call matches "^13"`: false, `finding.call == ""`: false,
	} {
		f, err := Findings.Filters(&Options{}).Parse(expr)
		if err != nil || f.Match(&findings.Finding{ID: "lint", Call: 13}) != want {
			t.Errorf("%s: %v", expr, err)
		}
	}
	for expr, want := range map[string]bool{
		"call.linked.to == 13": true, "call.linked.to == call-13": true, "call.linked.from in {1, 13}": true, "call.linked.to != 3": true,
		"call.linked.to == 3": false, "call.linked.from == 3": false, "call.linked.to != 13": false,
	} {
		f, err := Calls.Filters(&Options{}).Parse(expr)
		c := &analysis.Call{ID: 1, Legs: []*analysis.Leg{{}}, Links: []analysis.Link{{From: 1, To: 13}}}
		if err != nil || f.Match(c) != want {
			t.Errorf("%s: %v", expr, err)
		}
	}
}

// TestCallsHaveNoOrder: as texts 20 is between 2 and 4, and any call-1 behind 18.
func TestCallsHaveNoOrder(t *testing.T) {
	for _, expr := range []string{"call.id in {2 .. 4}", "call.id in {9 .. 11}", "call.id in {1, call-2 .. call-4}", "call.id > 18", `call.id <= "call-3"`, "call.linked.to > 3"} {
		if _, err := Calls.Filters(&Options{}).Parse(expr); err == nil {
			t.Errorf("%s is taken", expr)
		}
	}
	if _, err := Findings.Filters(&Options{}).Parse("finding.call >= 3"); err == nil {
		t.Error("of findings it is taken")
	}
	if _, err := Streams.Filters(&Options{}).Parse("stream.call in {1 .. 3}"); err == nil {
		t.Error("of streams it is taken")
	}
}
