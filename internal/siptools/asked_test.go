package siptools_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/sipsight/sipsight/internal/siptools"
)

// a page is what answers of lists share, and the rows of some.
type page struct {
	Total, Returned int
	Note            string
	Next            string `json:"next_cursor"`
	Complete        *bool
	Messages        []struct {
		Frame int    `json:"frame"`
		From  string `json:"from_user"`
		To    string `json:"to_user"`
	}
	Findings []struct{ ID, AOR string }
	Calls    []struct{ ID string }
}

func pageOf(t *testing.T, got answer) (p page) {
	t.Helper()
	if got.isError {
		t.Fatal(got.text)
	}
	decode(t, got.structured, &p)
	return p
}

// TestWhateverWasAskedBefore: an answer about a packet is the same whether the capture was analysed
// before or not, though reading begins and ends elsewhere then, and tells no count that it cannot know.
func TestWhateverWasAskedBefore(t *testing.T) {
	whole := capture(t, list(26000, func(i int) string { return request(fmt.Sprintf("%d@h", i), "") })...)
	b, err := os.ReadFile(whole)
	if err != nil {
		t.Fatal(err)
	}
	captures := map[string]string{"whole": whole, "cut": file(t, b[:len(b)-3])}
	if testing.Short() {
		delete(captures, "whole")
	}
	for name, path := range captures {
		for _, a := range []args{{"frame": 7}, {"frame": 5000}, {"frame": 25999}, {"frame": 26001}, {"frame": 12000, "filter": "sip.Response"}, {"filter": `sip.Call-ID == "7@h"`}, {"text": "nothing like it"}} {
			a["pcap_file"] = path
			fresh := call(t, server(siptools.Options{}), "search_messages", a)
			s := server(siptools.Options{})
			call(t, s, "summarize_capture", args{"pcap_file": path})
			after := call(t, s, "search_messages", a)
			if !bytes.Equal(fresh.structured, after.structured) {
				t.Errorf("%s, %v: %.300s\nafter an analysis %.300s", name, a, fresh.structured, after.structured)
			}
			p := pageOf(t, fresh)
			if _, byFrame := a["frame"]; strings.Contains(p.Note, " of 2") == byFrame {
				t.Errorf("%s, %v: the note is %q", name, a, p.Note)
			}
			if strings.Contains(p.Note, "filter selects") {
				t.Errorf("%v: %s", a, p.Note)
			}
			if behind := a["frame"] == 26001 || a["frame"] == nil; (p.Complete == nil) == (name == "cut" && behind) {
				t.Errorf("%s, %v: complete is not as it should be, and the note %q", name, a, p.Note)
			}
		}
	}
}

// TestRetransmissionsAndUsers: retransmissions alone can be asked for, also of the tool that has
// no calls, and rows tell the users.
func TestRetransmissionsAndUsers(t *testing.T) {
	path := testdata(t, "retransmission.pcap")
	s := server(siptools.Options{})
	p := pageOf(t, call(t, s, "search_messages", args{"pcap_file": path, "filter": "sip.resend == true"}))
	if p.Total != 8 || p.Messages[0].Frame != 2 || p.Messages[0].From != "alice" || p.Messages[0].To != "bob" {
		t.Errorf("%+v", p)
	}
	if r := good(t, s, args{"pcap_file": path, "filter": "sip.resend-original == 17"}); len(r.Described) != 4 {
		t.Errorf("%d repeat the message in packet 17, not 4", len(r.Described))
	}
}

// TestFindingsByFilter: findings can be narrowed to a registration, and an id that is told as
// related by others is not said to be nowhere.
func TestFindingsByFilter(t *testing.T) {
	s := server(siptools.Options{})
	path := ladder(t, 1, "0 A > P REGISTER id=r from=sip:1001@example.com\n.1 P > A 403\n5 B > P REGISTER id=s from=sip:1002@example.com\n5.1 P > B 403 id=s\n")
	all := pageOf(t, call(t, s, "list_findings", args{"pcap_file": path}))
	p := pageOf(t, call(t, s, "list_findings", args{"pcap_file": path, "filter": `finding.aor contains "1002"`}))
	if p.Total == 0 || p.Total >= all.Total || !strings.Contains(p.Findings[0].AOR, "1002") {
		t.Errorf("%+v of %+v", p, all)
	}
	path = ladder(t, 1, repeat(30, func(i int) string {
		return fmt.Sprintf("%d A > P REGISTER id=r%d from=sip:%d@example.com\n%[1]d.1 P > A 403 id=r%[2]d\n", 10*i, i, 2000+i)
	}))
	p = pageOf(t, call(t, s, "list_findings", args{"pcap_file": path, "filter": `finding.aors == "sip:2007@example.com"`}))
	if p.Total != 1 || p.Findings[0].ID != "register-failed" {
		t.Errorf("%+v", p)
	}
	path = testdata(t, "retransmission.pcap")
	p = pageOf(t, call(t, s, "list_findings", args{"pcap_file": path, "id": "invite-no-response"}))
	if want := "invite-no-response is told as related, by transport-error: the cause is the same."; p.Total != 0 || !strings.Contains(p.Note, want) || strings.Contains(p.Note, "leave out") {
		t.Errorf("%+v", p)
	}
}

// TestInsteadOfArguments: arguments that people expect lead to the one that does it.
func TestInsteadOfArguments(t *testing.T) {
	s := server(siptools.Options{})
	path := testdata(t, "udp-call.pcapng")
	for _, x := range []struct{ tool, argument, want string }{
		{"list_calls", "since", `; give filter, such as call.start >= "`},
		{"list_calls", "caller", `; give filter, such as call.from contains "4930"`},
		{"list_calls", "call_id", `; explain_call tells of one call`},
		{"list_calls", "status", `; did you mean "state"?`},
		{"list_calls", "severity", `; list_findings tells of findings`},
		{"explain_call", "full", `; give detail full`},
		{"search_messages", "from", `; give filter, such as sip.from.user contains "4930"`},
		{"search_messages", "regex", `; give text, or filter with matches`},
		{"search_messages", "raw", `; give frame: `},
		{"list_findings", "finding_id", `; give id`},
		{"analyze_media", "from", `; the arguments are "pcap_file"`},
		{"list_findings", "frame", `; give filter, such as finding.frames == 17`},
		{"analyze_media", "ssrc", `; give filter, such as stream.ssrc == 0x`},
		{"list_registrations", "until", `; give filter, such as reg.start >= "`},
		{"list_registrations", "outcome", `; give filter, such as reg.aor contains "1001"`},
		{"search_messages", "start_time", `; give filter, such as frame.time >= "`},
		{"search_messages", "call", `; give filter, such as sip.Call-ID == "a84b4c76e66710"; explain_call`},
		{"search_messages", "method", `; give filter, such as sip.Method == "INVITE"`},
		{"list_calls", "offset", `; pass the next_cursor of the answer before as cursor`},
		{"list_registrations", "sort", `; rows have an order of their own; a filter chooses some of them`},
		{"search_messages", "max_packets", `; give limit`},
		{"analyze_sip_packets", "page", `; pass the next_cursor of the answer before as cursor`},
		{"analyze_sip_packets", "limit", `; give max_packets`},
		{"list_findings", "aor", `; give filter, such as finding.aor contains "1001"`},
	} {
		got := call(t, s, x.tool, args{"pcap_file": path, x.argument: "2026-11-23"})
		if want := fmt.Sprintf("unknown argument %q", x.argument) + x.want; !got.isError || !strings.Contains(got.text, want) {
			t.Errorf("%s: %s", x.tool, got.text)
		}
	}
	got := call(t, s, "list_calls", args{"pcap_file": path, "filter": "call.trunk == x"})
	if want := "(some of the fields: call.call_id, call.state, call.from, "; !got.isError || !strings.Contains(got.text, want) {
		t.Error(got.text)
	}
}

// TestLimitAdvice: a larger limit is advised where it would give more rows.
func TestLimitAdvice(t *testing.T) {
	s := server(siptools.Options{})
	path := capture(t, list(2000, func(i int) string { return request(fmt.Sprintf("%d@h", i), "") })...)
	for limit, want := range map[int]string{0: ", limit for more at once, filter", 5: ", a larger limit for more at once, filter", 900: "for the next ones, filter", 1000: "for the next ones, filter"} {
		a := args{"pcap_file": path}
		if limit > 0 {
			a["limit"] = limit
		}
		if p := pageOf(t, call(t, s, "search_messages", a)); p.Next == "" || !strings.Contains(p.Note, want) {
			t.Errorf("limit %d: %d rows, %s", limit, p.Returned, p.Note)
		}
	}
}

// TestWrongCallsByServer: the count beside a verdict that names one server is that of all of them,
// and says of how many each.
func TestWrongCallsByServer(t *testing.T) {
	text := "0 A > B INVITE id=one\n.1 B > A 404\n.1 A > B ACK\n"
	for i, to := range "GFFFFDDEECCCH" {
		text = fmt.Sprintf("%c = 10.0.1.%d:5070\n", to, to) + text + fmt.Sprintf("%d A > %c INVITE id=b%[1]d\n%[1]d.1 %[2]c > A 503 id=b%[1]d\n%[1]d.2 A > %[2]c ACK id=b%[1]d\n", 10*i+10, to)
	}
	var x struct {
		Failed []json.RawMessage `json:"failed_calls"`
	}
	decode(t, call(t, server(siptools.Options{}), "summarize_capture", args{"pcap_file": ladder(t, 1, text)}).structured, &x)
	want := `,"destinations":[{"destination":"10.0.1.70:5070","count":4},{"destination":"10.0.1.67:5070","count":3},{"destination":"10.0.1.68:5070","count":2},{"destination":"10.0.1.69:5070","count":2}],"destinations_left_out":2}`
	if len(x.Failed) != 2 || !strings.HasSuffix(string(x.Failed[0]), want) || strings.Contains(string(x.Failed[1]), "destinations") {
		t.Errorf("%s\nwant %s", x.Failed, want)
	}
}

// TestWrongCallsByKind: the summary counts the calls that went wrong by how they did, the commonest
// way first, and its counts of findings add up.
func TestWrongCallsByKind(t *testing.T) {
	path := ladder(t, 1, "0 A > B INVITE id=a\n.1 B > A 404\n.1 A > B ACK\n"+repeat(3, func(i int) string {
		return fmt.Sprintf("%d A > B INVITE id=b%d\n.1 B > A 503 id=b%[2]d reason=\"Q.850;cause=34\"\n.1 A > B ACK id=b%[2]d\n", 10*i+10, i)
	}))
	got := call(t, server(siptools.Options{}), "summarize_capture", args{"pcap_file": path})
	var x struct {
		Failed []struct {
			ID, State string
			Count     int
			Final     int `json:"final_status"`
		} `json:"failed_calls"`
		Findings map[string]json.RawMessage
	}
	decode(t, got.structured, &x)
	if len(x.Failed) != 2 || fmt.Sprint(x.Failed[0]) != "{call-2 failed 3 503}" || fmt.Sprint(x.Failed[1]) != "{call-1 failed 1 404}" {
		t.Errorf("%+v", x.Failed)
	}
	number := func(key string) (n int) {
		decode(t, x.Findings[key], &n)
		return n
	}
	var byID map[string]int
	decode(t, x.Findings["by_id"], &byID)
	sum := 0
	for _, n := range byID {
		sum += n
	}
	if total := number("total"); total == 0 || sum != total || number("error")+number("warning")+number("note") != total {
		t.Errorf("%s", x.Findings)
	}
}

// TestMediaNext: a summary of a capture with media leads to them.
func TestMediaNext(t *testing.T) {
	for file, want := range map[string]int{"baresip-call.pcapng": 2, "udp-call.pcapng": 0} {
		var x struct {
			Next    []string
			Streams int
		}
		decode(t, call(t, server(siptools.Options{}), "summarize_capture", args{"pcap_file": testdata(t, file)}).structured, &x)
		leads := slices.ContainsFunc(x.Next, func(s string) bool { return strings.HasPrefix(s, "analyze_media: ") })
		if x.Streams != want || leads != (want > 0) {
			t.Errorf("%s: %+v", file, x)
		}
	}
}

// TestLongest: what the summary says is the longest is found by a filter with that number, and so are the
// shortest and the 95th percentile, also where times have nanoseconds.
func TestLongest(t *testing.T) {
	s := server(siptools.Options{})
	for _, name := range []string{"nanosecond.pcap", "udp-call.pcapng"} {
		path, err := filepath.Abs("../../testdata/captures/" + name)
		if err != nil {
			t.Fatal(err)
		}
		var sum struct{ Metrics map[string]json.RawMessage }
		decode(t, call(t, s, "summarize_capture", args{"pcap_file": path}).structured, &sum)
		for _, key := range []string{"post_dial_delay_ms", "ring_ms", "setup_ms", "talk_ms"} {
			var d map[string]json.Number
			decode(t, sum.Metrics[key], &d)
			for which, op := range map[string]string{"max": ">=", "min": "<=", "p95": "=="} {
				expr := fmt.Sprintf("call.%s %s %s", key, op, d[which])
				if p := pageOf(t, call(t, s, "list_calls", args{"pcap_file": path, "filter": expr})); p.Total == 0 {
					t.Errorf("%s: no call has %s", name, expr)
				}
			}
		}
	}
}

// TestUserOfTel: whoever asks for the number of a tel URI as if it were a user is told where it is.
func TestUserOfTel(t *testing.T) {
	path := ladder(t, 1, "0 A > B INVITE from=tel:+493012345\n")
	s := server(siptools.Options{})
	got := call(t, s, "search_messages", args{"pcap_file": path, "filter": `sip.from.user == "+493012345"`})
	if p := pageOf(t, got); p.Total != 0 || !strings.Contains(p.Note, "sip.from.addr") {
		t.Errorf("%d found, %q", p.Total, p.Note)
	}
	got = call(t, s, "search_messages", args{"pcap_file": path, "filter": `sip.from.addr contains "+493012345"`})
	if p := pageOf(t, got); p.Total != 1 || p.Messages[0].From != "+493012345" || p.Note != "" {
		t.Errorf("%d found, %q", p.Total, p.Note)
	}
	got = call(t, s, "search_messages", args{"pcap_file": path, "filter": `sip.Status-Code == 486`})
	if p := pageOf(t, got); p.Total != 0 || strings.Contains(p.Note, "tel") {
		t.Errorf("%d found, %q", p.Total, p.Note)
	}
}

// TestManyPeersLost: the summary of a site whose every gateway was lost for a time is no longer than others, and
// says how many it does not name.
func TestManyPeersLost(t *testing.T) {
	var b strings.Builder
	b.WriteString("P = [2001:db8:ffff:1111:2222:3333:4444:5555]:5060\n")
	for i := range 60 {
		fmt.Fprintf(&b, "G%d = [2001:db8:ffff:1111:2222:3333:4444:%x]:5060\n", i, i+1)
		for k := range 6 {
			fmt.Fprintf(&b, "%d P > G%d OPTIONS id=o%d.%d\n", 40*k, i, i, k)
			if k == 0 || k == 5 {
				fmt.Fprintf(&b, "%d.1 G%d > P 200 id=o%d.%d\n", 40*k, i, i, k)
			}
		}
	}
	got := call(t, server(siptools.Options{}), "summarize_capture", args{"pcap_file": ladder(t, 1, b.String())})
	var s struct {
		Keepalives struct {
			Outages []struct{}
			LeftOut int `json:"outages_left_out"`
		}
	}
	decode(t, got.structured, &s)
	if n := len(s.Keepalives.Outages); n == 0 || n+s.Keepalives.LeftOut != 60 || len(got.text) > underByDefault {
		t.Errorf("%d outages, %d left out, %d octets", n, s.Keepalives.LeftOut, len(got.text))
	}
}

// TestNeverAnswered: peers are named that never answered, unless the capture has one direction alone.
func TestNeverAnswered(t *testing.T) {
	const asked = "P = 10.0.0.9:5060\n0 P > A OPTIONS id=1\n1 P > B OPTIONS id=2\n100 P > A OPTIONS id=3\n"
	for answered, want := range map[string]string{
		"":                  `"never_answered_peers":2}`,
		"100.1 A > P 200\n": `"never_answered_peers":1,"never_answered":[{"source":"10.0.0.9:5060","destination":"10.0.0.2:5060","sent":1}]}`,
	} {
		got := call(t, server(siptools.Options{}), "summarize_capture", args{"pcap_file": ladder(t, 1, asked+answered+"200 P > A OPTIONS id=4\n")})
		if !strings.Contains(got.text, want) {
			t.Errorf("no %s in %s", want, got.text)
		}
	}
}
