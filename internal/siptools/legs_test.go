package siptools_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/sipsight/sipsight/internal/siptools"
)

// TestExplainManyLegs: a call with dozens of legs has an answer, within its size.
func TestExplainManyLegs(t *testing.T) {
	var b strings.Builder
	b.WriteString("0 A > P INVITE id=outer@example\n  Session-ID: ab30317f1a784dc48ff824d0d3715d86\n")
	for i := range 60 {
		fmt.Fprintf(&b, "+.001 P > B INVITE id=a-long-call-id-of-an-inner-leg-%d@gateway.example.com fwd=no\n  Session-ID: ab30317f1a784dc48ff824d0d3715d86\n", i)
	}
	path := ladder(t, 1, b.String())
	s := server(siptools.Options{})
	for detail, most := range map[string]int{"summary": 8000, "full": 40000} {
		got := call(t, s, "explain_call", args{"pcap_file": path, "call": "call-1", "detail": detail})
		var c struct {
			ID, Verdict, Note string
			Legs              []struct{}
			Findings          []struct{ ID string }
		}
		decode(t, got.structured, &c)
		if got.isError || c.ID != "call-1" || c.Verdict == "" || len(got.text) > most {
			t.Errorf("%s: %d octets: %.300s", detail, len(got.text), got.text)
		}
		if n := strings.Count(got.text, `"findings":`); n != 1 || len(c.Findings) == 0 {
			t.Errorf("%s: findings %d times, %d of them", detail, n, len(c.Findings))
		}
		if detail == "full" && strings.Contains(c.Note, "detail full") {
			t.Errorf("full as it is, it says: %s", c.Note)
		}
		if detail == "full" && len(c.Legs) == 0 {
			t.Errorf("no legs in %.300s", got.text)
		}
	}
}

// TestExplainManyFindings: where findings take much of an answer, those that are left out leave their
// room to the timeline.
func TestExplainManyFindings(t *testing.T) {
	var b strings.Builder
	b.WriteString("0 A > B INVITE sdp o=1/1\n+1 B > A 200 sdp o=2/1\n+.1 A > B ACK\n")
	for i := range 40 {
		fmt.Fprintf(&b, "+1 A > B INVITE sdp m=%d o=1/1\n+.1 B > A 200 sdp o=2/1\n+.1 A > B ACK\n", 4002+2*i)
	}
	got := call(t, server(siptools.Options{}), "explain_call", args{"pcap_file": ladder(t, 1, b.String()), "call": "call-1"})
	var c struct {
		Timeline, Findings []struct{}
		Note               string
	}
	decode(t, got.structured, &c)
	if n := len(got.text); n > 8000 || n < 7000 || len(c.Findings) != 4 || len(c.Timeline) < 12 {
		t.Errorf("%d octets, %d messages, %d findings", n, len(c.Timeline), len(c.Findings))
	}
	if want := fmt.Sprintf("the middle of the timeline, %d of 123 messages", 123-len(c.Timeline)); !strings.Contains(c.Note, want) {
		t.Errorf("not %q, but %s", want, c.Note)
	}
}

// TestSharedCallID: of a Call-ID that several calls have, every tool answers with the first, and says so.
func TestSharedCallID(t *testing.T) {
	var b strings.Builder
	for i := range 3 {
		fmt.Fprintf(&b, "%d A > B INVITE new ft=f%d cseq=%d\n+1 B > A 486\n+.01 A > B ACK\n", 100*i, i, i+1)
	}
	path := ladder(t, 1, b.String())
	s := server(siptools.Options{})
	const others = "3 calls have this Call-ID, and this is the first of them. Their numbers: [1 2 3]."
	for tool, more := range map[string]args{
		"explain_call": {}, "draw_call_flow": {"format": "mermaid"}, "list_findings": {}, "analyze_media": {},
	} {
		for id, want := range map[string]int{"c1@example": 1, "call-1": 0} {
			more["pcap_file"], more["call"] = path, id
			if got := call(t, s, tool, more); got.isError || strings.Count(got.text, others) != want {
				t.Errorf("%s of %s: %s", tool, id, got.text)
			}
		}
	}
	for id, want := range map[string]int{"c1@example": 1, "call-1": 0} {
		if b := string(rpc(t, s, "resources/read", args{"uri": "sipsight://call/" + id + "/" + path})); strings.Count(b, others) != want || !strings.Contains(b, "call-1  ") {
			t.Errorf("the resource of %s: %s", id, b)
		}
	}
}

// TestPartyOfFurtherLeg: who is called under another number behind a server is found, and why that leg failed.
func TestPartyOfFurtherLeg(t *testing.T) {
	path := ladder(t, 1, `0 A > P INVITE id=outer@example to=sip:+4989555000@carrier
  Session-ID: ab30317f1a784dc48ff824d0d3715d86
+.01 P > B INVITE id=inner@example to=sip:201@pbx fwd=no
  Session-ID: ab30317f1a784dc48ff824d0d3715d86
+1 B > P 486 id=inner@example
+.01 P > B ACK id=inner@example
+.01 P > A 480 id=outer@example
+.01 A > P ACK id=outer@example
`)
	s := server(siptools.Options{})
	got := call(t, s, "list_calls", args{"pcap_file": path, "filter": `call.to contains "201"`})
	const hint = "call.legs.to"
	if !strings.Contains(got.text, hint) {
		t.Errorf("no %s in %s", hint, got.text)
	}
	got = call(t, s, "list_calls", args{"pcap_file": path, "filter": hint + ` contains "201" and call.legs.final_status == 486`})
	if want := `"to":"sip:201@pbx"`; !strings.Contains(got.text, want) || !strings.Contains(got.text, `"total":1`) {
		t.Errorf("no %s in %s", want, got.text)
	}
	if got = call(t, s, "list_calls", args{"pcap_file": path, "filter": `call.state == completed`}); strings.Contains(got.text, hint) {
		t.Error("parties are named where none was asked for:", got.text)
	}
	if b := string(rpc(t, s, "resources/read", args{"uri": "sipsight://call/call-1/" + path})); !strings.Contains(b, `leg 2         inner@example, alice → 201, failed with 486 Busy Here\n`) {
		t.Error(b)
	}
}

// TestHostBehindServer: who asks for the calls of a trunk by their destination, and that is the server in front of it, is told how.
func TestHostBehindServer(t *testing.T) {
	path := ladder(t, 1, "0 A > P INVITE\n.01 P > B INVITE\n.5 B > P 503\n.51 P > B ACK\n.52 P > A 503\n.53 A > P ACK\n")
	s := server(siptools.Options{})
	const hint = "call.hops.addr"
	for filter, want := range map[string]bool{
		`call.destination == "10.0.0.2:5060"`:                            true,
		`call.state == failed and call.source contains "10.0.0.2"`:       true,
		`call.hops.addr == 10.0.0.2 and call.state == completed`:         false,
		`call.destination contains "10.0.0." and call.state == "failed"`: false,
	} {
		got := call(t, s, "list_calls", args{"pcap_file": path, "filter": filter})
		if got.isError || strings.Contains(got.text, hint) != want {
			t.Errorf("%s: %s", filter, got.text)
		}
	}
	if got := call(t, s, "list_calls", args{"pcap_file": path, "filter": hint + " == 10.0.0.2"}); !strings.Contains(got.text, `"total":1`) {
		t.Error(got.text)
	}
}
