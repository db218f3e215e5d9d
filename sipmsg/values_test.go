package sipmsg_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/sipsight/sipsight/sipmsg"
)

// number writes a number as the views have it: its text, and what it is worth.
func number[N uint16 | uint32](text []byte, n N, ok bool) string {
	if !ok {
		if n != 0 {
			return "a number that is none"
		}
		return fmt.Sprintf("%q", text)
	}
	return fmt.Sprintf("%q=%d", text, n)
}

// views are the views of one value each, as text.
var views = map[string]func(v []byte) string{
	"reason": func(v []byte) string {
		r := sipmsg.ParseReason(v)
		return fmt.Sprintf("%s %s %q", r.Protocol, number(r.CauseText, r.Cause, r.HasCause), r.Text)
	},
	"warning": func(v []byte) string {
		w := sipmsg.ParseWarning(v)
		return fmt.Sprintf("%s %q %q", number(w.CodeText, w.Code, w.HasCode), w.Agent, w.Text)
	},
	"retry-after": func(v []byte) string {
		r := sipmsg.ParseRetryAfter(v)
		n, present, ok := r.Duration()
		return fmt.Sprintf("%s %q %d %t %t", number(r.SecondsText, r.Seconds, r.HasSeconds), r.Comment, n, present, ok)
	},
	"session-expires": func(v []byte) string {
		s := sipmsg.ParseSessionExpires(v)
		return fmt.Sprintf("%s %q", number(s.IntervalText, s.Interval, s.HasInterval), s.Refresher)
	},
	"rack": func(v []byte) string {
		r := sipmsg.ParseRAck(v)
		return fmt.Sprintf("%s %s %q", number(r.RSeqText, r.RSeq, r.HasRSeq), number(r.CSeqText, r.CSeq, r.HasCSeq), r.Method)
	},
	"replaces": func(v []byte) string {
		r := sipmsg.ParseReplaces(v)
		return fmt.Sprintf("%q %q %q %t", r.CallID, r.ToTag, r.FromTag, r.EarlyOnly)
	},
	"event": func(v []byte) string {
		e := sipmsg.ParseEvent(v)
		return fmt.Sprintf("%q %q", e.Package, e.ID)
	},
	"subscription-state": func(v []byte) string {
		s := sipmsg.ParseSubscriptionState(v)
		n, _, ok := s.Params.Expires()
		return fmt.Sprintf("%q %q %d %t", s.State, s.Reason, n, ok)
	},
	"diversion": func(v []byte) string {
		d := sipmsg.ParseDiversion(v)
		return fmt.Sprintf("%q %q %d %q", d.URI, d.Reason, d.Counter, d.Privacy)
	},
	"history-info": func(v []byte) string {
		h := sipmsg.ParseHistoryInfo(v)
		cause, ok := h.Cause()
		return fmt.Sprintf("%q %q %d %t", h.URI, h.Index, cause, ok)
	},
	"session-id": func(v []byte) string {
		s := sipmsg.ParseSessionID(v)
		return fmt.Sprintf("%q %q %t", s.Local, s.Remote, sipmsg.IsNilUUID(s.Remote))
	},
	"user-to-user": func(v []byte) string {
		u := sipmsg.ParseUserToUser(v)
		return fmt.Sprintf("%q %q %q %q", u.Data, u.Purpose, u.Content, u.Encoding)
	},
	"refer-to": func(v []byte) string {
		r := sipmsg.ParseReferTo(v)
		b, ok := r.AppendReplaces(nil)
		return fmt.Sprintf("%s %s@%s %q %t", r.Method(), r.Target.User, r.Target.Host, b, ok)
	},
	"contact": func(v []byte) string {
		a := sipmsg.ParseAddress(v)
		expires, has1, ok1 := a.Params.Expires()
		q, has2, ok2 := a.Params.Q()
		id, has3, ok3 := a.Params.RegID()
		return fmt.Sprintf("%t %d %t %t, %d %t %t, %d %t %t, %q", a.IsStar(), expires, has1, ok1, q, has2, ok2, id, has3, ok3, a.Params.Instance())
	},
	"name": func(v []byte) string {
		a := sipmsg.ParseAddress(v)
		return fmt.Sprintf("%q %q", a.AppendName(nil), a.Tag())
	},
	"media-type": func(v []byte) string {
		m := sipmsg.ParseMediaType(v)
		return fmt.Sprintf("%q %q %q %t", m.Type, m.Subtype, m.Params, m.Is("application", "sdp"))
	},
}

var viewTests = []struct{ view, in, want string }{
	{"reason", `Q.850;cause=16;text="Normal call clearing"`, `Q.850 "16"=16 "Normal call clearing"`},
	{"reason", "SIP ; TEXT = \"a;cause=1\" ;\r\n cause = 200 ; cause=3;text=x", `SIP "200"=200 "a;cause=1"`},
	{"reason", "SIP;cause=4294967296", `SIP "4294967296" ""`},
	{"reason", "SIP;cause=+16", `SIP "+16" ""`},
	{"reason", "SIP;cause", `SIP "" ""`},
	{"reason", "", ` "" ""`},

	{"warning", `307 isi.edu:5060 "Session parameter 'foo' not understood"`, `"307"=307 "isi.edu:5060" "Session parameter 'foo' not understood"`},
	{"warning", "399\r\n gw\t\"a \\\" b\"", `"399"=399 "gw" "a \\\" b"`},
	{"warning", `1812 overture "In Progress"`, `"1812" "overture" "In Progress"`},
	{"warning", `37 h "x"`, `"37" "h" "x"`},
	{"warning", `399 "no agent"`, `"399"=399 "" "no agent"`},
	{"warning", `399 agent no quotes`, `"399"=399 "agent" "no quotes"`},
	{"warning", `399`, `"399"=399 "" ""`},
	{"warning", ``, `"" "" ""`},

	{"retry-after", "18000;duration=3600", `"18000"=18000 "" 3600 true true`},
	{"retry-after", "120 (I'm in a (nested \\) ) meeting);duration=x", `"120"=120 "I'm in a (nested \\) ) meeting" 0 true false`},
	{"retry-after", "120(open", `"120"=120 "open" 0 false false`},
	{"retry-after", "120 ()", `"120"=120 "" 0 false false`},
	{"retry-after", "949302838503028349304023988", `"949302838503028349304023988" "" 0 false false`},
	{"retry-after", "1e3", `"1e3" "" 0 false false`},
	{"retry-after", "Sat, 13 Nov 2010 23:29:00 GMT", `"Sat," "" 0 false false`},
	{"retry-after", "", `"" "" 0 false false`},
	{"retry-after", "(", `"" "" 0 false false`},
	{"retry-after", `(\`, `"" "\\" 0 false false`},

	{"session-expires", "1800;refresher=uas", `"1800"=1800 "uas"`},
	{"session-expires", "90 ; x ; Refresher = UAC", `"90"=90 "UAC"`},
	{"session-expires", "0x10", `"0x10" ""`},
	{"session-expires", "", `"" ""`},

	{"rack", "776656 1 INVITE", `"776656"=776656 "1"=1 "INVITE"`},
	{"rack", "36893488147419103232\r\n 1 \t INVITE", `"36893488147419103232" "1"=1 "INVITE"`},
	{"rack", "1", `"1"=1 "" ""`},
	{"rack", "", `"" "" ""`},

	{"replaces", "425928@b.example.org;to-tag=7743;from-tag=6472", `"425928@b.example.org" "7743" "6472" false`},
	{"replaces", "c ; From-Tag = 1 ; early-only ; to-tag=2;to-tag=3", `"c" "2" "1" true`},
	{"replaces", "c;local-tag=1;remote-tag=2", `"c" "1" "2" false`},
	{"replaces", "", `"" "" "" false`},

	{"event", "presence.winfo;id=4", `"presence.winfo" "4"`},
	{"event", "refer", `"refer" ""`},

	{"subscription-state", "terminated;reason=timeout;expires=0", `"terminated" "timeout" 0 true`},
	{"subscription-state", "active; expires = 3600", `"active" "" 3600 true`},
	{"subscription-state", "pending;expires=-1", `"pending" "" 0 false`},

	{"diversion", `"B" <sip:b@example.com>;reason=user-busy;counter=2;privacy="full"`, `"sip:b@example.com" "user-busy" 2 "full"`},
	{"diversion", `<tel:+1>;counter=x`, `"tel:+1" "" 1 ""`},

	{"history-info", "<sip:a@example.com>;index=1", `"sip:a@example.com" "1" 0 false`},
	{"history-info", `<sip:b@192.0.2.3?Reason=SIP%3Bcause%3D302%3Btext%3D%22Moved%22>;index=1.1;rc=1`, `"sip:b@192.0.2.3?Reason=SIP%3Bcause%3D302%3Btext%3D%22Moved%22" "1.1" 302 true`},
	{"history-info", `<sip:b@h;cause=486>;index=1.2`, `"sip:b@h;cause=486" "1.2" 486 true`},
	{"history-info", `<sip:b@h;cause=486?Reason=SIP>;index=1.2`, `"sip:b@h;cause=486?Reason=SIP" "1.2" 486 true`},
	{"history-info", `<sip:b@h?Reason=` + strings.Repeat("%20", 200) + `x%3Bcause%3D302>`, fmt.Sprintf("%q", "sip:b@h?Reason="+strings.Repeat("%20", 200)+"x%3Bcause%3D302") + ` "" 0 false`},

	{"session-id", "ab30317f1a784dc48ff824d0d3715d86;remote=00000000000000000000000000000000", `"ab30317f1a784dc48ff824d0d3715d86" "00000000000000000000000000000000" true`},
	{"session-id", "ab30317f1a784dc48ff824d0d3715d86", `"ab30317f1a784dc48ff824d0d3715d86" "" false`},
	{"session-id", "a;remote=0000000000000000000000000000000x", `"a" "0000000000000000000000000000000x" false`},
	{"session-id", "a;remote=0000", `"a" "0000" false`},

	{"user-to-user", "56a390f3d2b7310023;encoding=hex;purpose=isdn-interwork;content=isdn-uui", `"56a390f3d2b7310023" "isdn-interwork" "isdn-uui" "hex"`},
	{"user-to-user", `"a\";b";encoding=x`, `"a\\\";b" "" "" "x"`},
	{"user-to-user", `"a;b";Encoding=x;encoding=y`, `"a;b" "" "" "x"`},

	{"refer-to", "<sip:c@example.com?Replaces=090459243588173445%3Bto-tag%3D7m187h%3Bfrom-tag%3D31431>", `INVITE c@example.com "090459243588173445;to-tag=7m187h;from-tag=31431" true`},
	{"refer-to", "sip:c@example.com", `INVITE c@example.com "" false`},
	{"refer-to", "<sip:c@example.com;method=BYE>;method=SUBSCRIBE", `BYE c@example.com "" false`},

	{"contact", "*", `true 0 false false, 0 false false, 0 false false, ""`},
	{"contact", " * ;expires=0", `true 0 true true, 0 false false, 0 false false, ""`},
	{"contact", `<sip:a@h>;+sip.instance="<urn:uuid:0001>";reg-id=1;expires=3600;q=0.7`, `false 3600 true true, 700 true true, 1 true true, "urn:uuid:0001"`},
	{"contact", `<*>;+SIP.INSTANCE="x";expires=280297596632815;q=1.001;reg-id`, `true 0 true false, 0 true false, 0 true false, "x"`},
	{"contact", `"" <*>;q=1.000`, `false 0 false false, 1000 true true, 0 false false, ""`},
	{"contact", `**;q=1.`, `false 0 false false, 1000 true true, 0 false false, ""`},
	{"contact", `a;q=0`, `false 0 false false, 0 true true, 0 false false, ""`},
	{"contact", `a;q=0.1234`, `false 0 false false, 0 true false, 0 false false, ""`},
	{"contact", `a;q=.5`, `false 0 false false, 0 true false, 0 false false, ""`},
	{"contact", `a;q=0.5x`, `false 0 false false, 0 true false, 0 false false, ""`},
	{"contact", `a;q=2`, `false 0 false false, 0 true false, 0 false false, ""`},
	{"contact", `a;q=0x1`, `false 0 false false, 0 true false, 0 false false, ""`},
	{"contact", `a;q`, `false 0 false false, 0 true false, 0 false false, ""`},

	{"name", `"Bob \"B\" \\ <x>" <sip:b@h>;tag=1`, `"Bob \"B\" \\ <x>" "1"`},
	{"name", "Bob\r\n  B <sip:b@h>", `"Bob B" ""`},
	{"name", "\"Bob\r\n  B\" <sip:b@h>", `"Bob B" ""`},
	{"name", `"Bob <sip:b@h>;tag=2`, `"\"Bob" "2"`},
	{"name", `"Bob\" <sip:b@h>;tag=3`, `"Bob\\" "3"`},
	{"name", `sip:b@h;tag=4`, `"" "4"`},

	{"media-type", "application/sdp", `"application" "sdp" "" true`},
	{"media-type", " Application / SDP ; a=b", `"Application" "SDP" "; a=b" true`},
	{"media-type", "sdp", `"sdp" "" "" false`},
	{"media-type", "", `"" "" "" false`},
}

func TestViews(t *testing.T) {
	tested := make(map[string]bool)
	for _, test := range viewTests {
		tested[test.view] = true
		t.Run(test.view+"/"+test.in, func(t *testing.T) {
			if got := views[test.view](clip(test.in)); got != test.want {
				t.Errorf("%q is\n%s\nwant\n%s", test.in, got, test.want)
			}
		})
	}
	for name := range views {
		if !tested[name] {
			t.Errorf("no row for %s", name)
		}
	}
}

func TestMessageNumber(t *testing.T) {
	m := parse(t, withHeader("Max-Forwards: 0068\nExpires: 36893488147419103232\nRSeq: x\nMin-Expires:"))
	for _, test := range []struct {
		id   sipmsg.ID
		text string
		n    uint32
		ok   bool
	}{
		{sipmsg.MaxForwards, "0068", 68, true}, {sipmsg.Expires, "36893488147419103232", 0, false},
		{sipmsg.RSeq, "x", 0, false}, {sipmsg.MinExpires, "", 0, false}, {sipmsg.ContentLength, "", 0, false},
	} {
		if text, n, ok := m.Number(test.id); string(text) != test.text || n != test.n || ok != test.ok {
			t.Errorf("%v is %q, %d, %t", test.id, text, n, ok)
		}
	}
}

func TestParamsAll(t *testing.T) {
	var got []string
	for k, v := range sipmsg.Params(clip(`;a=1; B = "x;y" ;;lr;=z`)).All() {
		got = append(got, fmt.Sprintf("%s:%s", k, v))
	}
	if want := "a:1 B:x;y lr: :z"; strings.Join(got, " ") != want {
		t.Errorf("%q, want %s", got, want)
	}
	for range sipmsg.Params(";a;b").All() {
		break
	}
}

func TestAppendUnquoted(t *testing.T) {
	for in, want := range map[string]string{
		"": "", "a": "a", `\"`: `"`, `\\`: `\`, `\\\"`: `\"`, `a\`: `a\`, "a\r\n b": "a b", "\\\r\n b": " b",
	} {
		if got := string(sipmsg.AppendUnquoted([]byte(`\\`), clip(in))); got != `\\`+want {
			t.Errorf("%q is %q, want %q", in, got, want)
		}
	}
}
