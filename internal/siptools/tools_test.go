package siptools_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sipsight/sipsight/internal/capgen"
	"github.com/sipsight/sipsight/internal/siptools"
)

// ladder writes a capture of calls.
func ladder(t *testing.T, n int, text string) string {
	t.Helper()
	l := capgen.Ladder{}
	l.Repeat(n, 1)
	return file(t, l.Pcap("A = 10.0.0.1:5060\nP = 10.0.0.9:5060\nB = 10.0.0.2:5060\n"+text))
}

const failing = `
	0    A > B INVITE sdp
	0.1  B > A 100
	0.2  B > A 486
	0.3  A > B ACK
	0.4  A > P REGISTER id=r from=sip:user@example.com
	0.5  P > A 401`

// TestToolsAnswer holds that every tool answers every capture as its schema promises, within
// its budget, and with the same octets again.
func TestToolsAnswer(t *testing.T) {
	captures := map[string]string{
		"no SIP":     capture(t, "none"),
		"no packets": file(t, pcap(t)),
		"many":       ladder(t, 300, failing),
		"long call":  ladder(t, 1, "0 A > B INVITE\n1 B > A 200\n1.1 A > B ACK\n"+strings.Repeat("+1 A > B INFO\n+.1 B > A 200 of=INFO\n", 400)),
	}
	for _, name := range []string{"udp-failures.pcapng", "register-digest.pcap", "snaplen-cut.pcap", "proxy-call.pcapng", "other-methods.pcapng", "options-keepalive.pcapng", "baresip-call.pcapng"} {
		captures[name] = testdata(t, name)
	}
	for _, c := range hostile {
		captures["hostile "+c.name] = capture(t, c.messages()...)
	}
	if testing.Short() {
		maps.DeleteFunc(captures, func(name, _ string) bool { return strings.HasPrefix(name, "hostile ") })
	}
	s := server(siptools.Options{})
	for _, tool := range tools(t) {
		for name, path := range captures {
			t.Run(tool.Name+"/"+name, func(t *testing.T) {
				for _, a := range []args{{}, {"limit": 1000}, {"detail": "full"}} {
					for k := range a {
						if _, known := tool.InputSchema.Properties[k]; !known {
							a = nil
						}
					}
					if a == nil {
						continue
					}
					a["pcap_file"] = path
					if _, needs := tool.InputSchema.Properties["call"]; needs && tool.Name != "list_findings" && tool.Name != "analyze_media" {
						a["call"] = "call-1"
					}
					if a["limit"] != nil {
					}
					got := call(t, s, tool.Name, a)
					if got.isError {
						if a["call"] != "call-1" || !strings.Contains(got.text, "there is no call") {
							t.Fatal(got.text)
						}
						continue
					}
					most := 8000
					if a["limit"] != nil || a["detail"] == "full" {
						most = 40000
					}
					if len(got.text) > most {
						t.Errorf("%v: %d characters", a, len(got.text))
					}
					var v any
					if got.structured == nil {
						continue
					}
					decode(t, got.structured, &v)
					if faults := tool.OutputSchema.check("$", v); faults != nil {
						t.Errorf("%v: %d faults, the first: %q", a, len(faults), faults[:min(len(faults), 5)])
					}
					if again := call(t, s, tool.Name, a); again.text != got.text && tool.Name != "analyze_sip_packets" {
						t.Errorf("%v: another answer the second time", a)
					}
				}
			})
		}
	}
}

// TestPages holds that the pages of a list, one behind the other, are the list.
func TestPages(t *testing.T) {
	path := ladder(t, 300, failing)
	for _, x := range []struct {
		tool, rows string
		args       args
		total      int
	}{
		{"list_calls", "calls", args{}, 300},
		{"list_calls", "calls", args{"filter": "call.final_status == 486"}, 300},
		{"list_calls", "calls", args{"limit": 7}, 300},
		{"list_calls", "calls", args{"state": "completed"}, 0},
		{"search_messages", "messages", args{"text": "busy here"}, 300},
		{"search_messages", "messages", args{"filter": "sip.Method == INVITE", "limit": 100}, 300},
		{"list_registrations", "registrations", args{}, 1},
	} {
		s := server(siptools.Options{}) // also behind a restart
		seen := map[string]bool{}
		a := args{"pcap_file": path}
		for k, v := range x.args {
			a[k] = v
		}
		for pages := 0; ; pages++ {
			var page struct {
				Total, Returned int
				Next            string `json:"next_cursor"`
				Note            string
			}
			var rows map[string]json.RawMessage
			got := call(t, s, x.tool, a)
			if got.isError {
				t.Fatal(got.text)
			}
			decode(t, got.structured, &page)
			decode(t, got.structured, &rows)
			var list []json.RawMessage
			decode(t, rows[x.rows], &list)
			if page.Total != x.total || page.Returned != len(list) {
				t.Fatalf("%s %v: total %d, returned %d of %d rows", x.tool, x.args, page.Total, page.Returned, len(list))
			}
			for _, r := range list {
				if seen[string(r)] {
					t.Fatalf("%s %v: a row twice: %s", x.tool, x.args, r)
				}
				seen[string(r)] = true
			}
			if page.Next == "" {
				break
			}
			if page.Note == "" || pages > x.total {
				t.Fatalf("%s %v: page %d has the note %q", x.tool, x.args, pages, page.Note)
			}
			a["cursor"] = page.Next
			s = server(siptools.Options{})
		}
		if len(seen) != x.total {
			t.Errorf("%s %v: %d rows, want %d", x.tool, x.args, len(seen), x.total)
		}
	}
}

// TestChangedCapture: no tool goes on with a list of something else. A cursor is good for the
// same question about the same capture alone, and says when that has changed.
func TestChangedCapture(t *testing.T) {
	b, err := os.ReadFile(testdata(t, "baresip-call.pcapng"))
	if err != nil {
		t.Fatal(err)
	}
	path := file(t, b)
	more := []string{testdata(t, "udp-failures.pcapng"), testdata(t, "register-digest.pcap")} // so that all lists have rows
	s := server(siptools.Options{})
	cursors := make(map[string]string)
	for _, tool := range tools(t) {
		if _, pages := tool.InputSchema.Properties["cursor"]; !pages {
			continue
		}
		a := args{"pcap_file": path, "more_files": more}
		for _, k := range []string{"limit", "max_packets"} {
			if _, known := tool.InputSchema.Properties[k]; known {
				a[k] = 1
			}
		}
		var page struct {
			Next string `json:"next_cursor"`
		}
		decode(t, call(t, s, tool.Name, a).structured, &page)
		if page.Next == "" {
			t.Fatalf("%s: one page", tool.Name)
		}
		if cursors[tool.Name] = page.Next; len(page.Next) > 24 {
			t.Errorf("%s: a cursor of %d characters", tool.Name, len(page.Next))
		}
	}
	if len(cursors) < 6 {
		t.Fatalf("%d tools have pages", len(cursors))
	}
	refused := func(tool, cursor, want string, a args) {
		t.Helper()
		a["pcap_file"], a["more_files"], a["cursor"] = path, more, cursor
		if got := call(t, s, tool, a); !got.isError || !strings.HasPrefix(why(t, got, tool, path), want) {
			t.Errorf("%s %v: %s", tool, a, got.text)
		}
	}
	for tool, cursor := range cursors {
		refused(tool, "message-2", "cursor: this is no cursor of "+tool, args{})
		for other := range cursors {
			if other != tool {
				refused(other, cursor, "cursor: this is no cursor of "+other+" for these files and arguments; give", args{})
			}
		}
	}
	refused("list_calls", cursors["list_calls"], "cursor: this is no cursor of list_calls for these", args{"state": "failed"})

	const changed = "cursor: the capture has changed since the answer that gave it; leave it out to begin again"
	st, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	write := func(b []byte, modified time.Time) {
		t.Helper()
		if err := errors.Join(os.WriteFile(path, b, 0o600), os.Chtimes(path, modified, modified)); err != nil {
			t.Fatal(err)
		}
	}
	all := func() {
		t.Helper()
		for tool, cursor := range cursors {
			refused(tool, cursor, changed, args{})
		}
	}
	grown := append(slices.Clone(b), capgen.AppendRecord(nil, capgen.Packet{Time: capgen.Start.Add(time.Hour), Link: 1, Data: "x"})...)
	write(grown, st.ModTime())
	all()
	write(b, st.ModTime().Add(time.Second))
	all()
	other := slices.Clone(b)
	other[100] ^= 1 // of the first packet
	write(other, st.ModTime())
	all()
	write(b, st.ModTime())
	for tool, cursor := range cursors {
		a := args{"pcap_file": path, "more_files": more, "cursor": cursor}
		if got := call(t, s, tool, a); got.isError {
			t.Errorf("%s: the capture is as it was, and the cursor is refused: %s", tool, got.text)
		}
	}
}

// TestMistakes: what is wrong is said in words that a model can act on.
func TestMistakes(t *testing.T) {
	path := ladder(t, 3, failing)
	s := server(siptools.Options{})
	for _, x := range []struct {
		tool string
		args args
		want string
	}{
		{"explain_call", args{}, `argument "call" is missing`},
		{"draw_call_flow", args{"call": ""}, "call: it is empty; give an id of list_calls such as call-1, or a Call-ID"},
		{"explain_call", args{"call": "call-4"}, "there is no call call-4; the calls are call-1 to call-3: list_calls lists them"},
		{"explain_call", args{"call": "nobody@example.com"}, "there is no call nobody@example.com; the calls are call-1 to call-3"},
		{"explain_call", args{"call": "call-1", "detail": "all"}, `"summary"`},
		{"list_calls", args{"state": "busy"}, `"failed"`},
		{"list_calls", args{"filter": "call.stat == failed"}, "call.state"},
		{"list_calls", args{"filter": "state == failed"}, "did you mean call.state?"},
		{"list_calls", args{"states": "failed"}, "state"},
		{"list_findings", args{"id": "missing-ack"}, "did you mean missing-ack-2xx?"},
		{"list_findings", args{"severity": "fatal"}, `"error"`},
		{"list_findings", args{"call": "call-9"}, "call-1 to call-3"},
		{"analyze_media", args{"call": "call-9"}, "call-1 to call-3"},
		{"search_messages", args{"frame": 0}, "frame: give the number of a packet"},
		{"search_messages", args{"frame": "2:1"}, "frame: there is no file 2; the last one is 1"},
		{"search_messages", args{"filter": "sip.method"}, "sip.Method"},
		{"list_registrations", args{"filter": "aor"}, "reg.aor"},
		{"list_calls", args{"filter": "frame.number == 3"}, "sipsight://filters"},
		{"search_messages", args{"filter": "dns.qry.name"}, "sipsight://filters"},
	} {
		x.args["pcap_file"] = path
		if got := call(t, s, x.tool, x.args); !got.isError || !strings.Contains(got.text, x.want) {
			t.Errorf("%s %v: %s\nwant %s", x.tool, x.args, got.text, x.want)
		}
	}
	for _, tool := range tools(t) {
		a := args{"pcap_file": "/nowhere/at/all.pcap"}
		if tool.Name == "explain_call" || tool.Name == "draw_call_flow" {
			a["call"] = "call-1"
		}
		got := call(t, s, tool.Name, a)
		var e struct{ Error, Pcap_file string }
		if !got.isError || json.Unmarshal([]byte(got.text), &e) != nil || e.Error == "" || e.Pcap_file != "/nowhere/at/all.pcap" {
			t.Errorf("%s: %s", tool.Name, got.text)
		}
	}
}

// TestMessageByFrame: one message whole, by the number of its packet.
func TestMessageByFrame(t *testing.T) {
	path := ladder(t, 2, failing)
	s := server(siptools.Options{})
	for _, a := range []args{{"frame": 3}, {"frame": "3"}, {"frame": "1:3", "more_files": []string{testdata(t, "udp-call.pcapng")}}} {
		a["pcap_file"] = path
		got := call(t, s, "search_messages", a)
		var page struct{ Messages []struct{ Raw string } }
		decode(t, got.structured, &page)
		if len(page.Messages) != 1 || !strings.HasPrefix(page.Messages[0].Raw, "SIP/2.0 486 Busy Here\n") {
			t.Errorf("%v: %s", a, got.text)
		}
	}
}

// TestTextOfLines: text is found as search_messages itself shows it, whose lines end in LF alone.
func TestTextOfLines(t *testing.T) {
	s := server(siptools.Options{})
	path := capture(t, request("a@h", "X-One: 1\nX-Two: 2\n"), request("b@h", "X-One: 1\nX-Three: 2\n"))
	for text, want := range map[string]int{"x-one: 1\nX-Two": 1, "X-One: 1\r\nX-T": 2, "1\n": 2, "1\n\n": 0, "\r": 2} {
		var r struct{ Total int }
		decode(t, call(t, s, "search_messages", args{"pcap_file": path, "text": text}).structured, &r)
		if r.Total != want {
			t.Errorf("%q is found in %d messages, want %d", text, r.Total, want)
		}
	}
}

// TestOneAnalysis: two questions about one capture are one analysis; a capture that has
// changed is analysed anew.
func TestOneAnalysis(t *testing.T) {
	path := ladder(t, 2, failing)
	s := server(siptools.Options{})
	count := func() (n int) {
		var page struct{ Total int }
		decode(t, call(t, s, "list_calls", args{"pcap_file": path}).structured, &page)
		return page.Total
	}
	if n := count(); n != 2 {
		t.Fatal(n)
	}
	l := capgen.Ladder{}
	l.Repeat(5, 1)
	if err := os.WriteFile(path, l.Pcap("A = 10.0.0.1:5060\nB = 10.0.0.2:5060\n0 A > B INVITE\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if n := count(); n != 5 {
		t.Errorf("%d calls after the capture has changed", n)
	}
	for i := range 20 { // more captures than are kept
		path = ladder(t, i+1, failing)
		if n := count(); n != i+1 {
			t.Errorf("%d calls, want %d", n, i+1)
		}
	}
}

// TestDrawing: a ladder as text and as Mermaid, and no more of it than fits.
func TestDrawing(t *testing.T) {
	s := server(siptools.Options{})
	path := ladder(t, 1, failing)
	got := call(t, s, "draw_call_flow", args{"pcap_file": path, "call": "call-1"})
	for _, want := range []string{"10.0.0.1", "10.0.0.2", "INVITE", "486 Busy Here"} {
		if !strings.Contains(got.text, want) {
			t.Errorf("no %s in\n%s", want, got.text)
		}
	}
	got = call(t, s, "draw_call_flow", args{"pcap_file": path, "call": "call-1", "format": "mermaid"})
	if !strings.HasPrefix(got.text, "sequenceDiagram") || !strings.Contains(got.text, "participant P1") {
		t.Error(got.text)
	}
}

// TestLayout: what the page draws is what is drawn as text, with the calls that a transfer
// ties together on one ladder, whichever of them was asked for; and there are no pages of a
// drawing.
func TestLayout(t *testing.T) {
	path := ladder(t, 1, `
		0    A > B INVITE sdp
		1    B > A 200 sdp
		1.1  A > B ACK
		5    B > A INVITE sdp dir=sendonly by=callee
		5.1  A > B 200 sdp dir=recvonly
		6    B > A REFER by=callee
			Refer-To: <sip:carol@example.com>
		6.1  A > B 202
		6.2  A > P INVITE id=c2@example to=sip:carol@example.com
			Referred-By: <sip:bob@example.com>
		7    P > A 486 id=c2@example`)
	s := server(siptools.Options{})
	var first string
	for _, id := range []string{"call-1", "call-2", "c2@example"} {
		a := args{"pcap_file": path, "call": id}
		drawn := call(t, s, "draw_call_flow", a)
		a["detail"], a["ladder"] = "full", 0
		got := call(t, s, "explain_call", a)
		var l struct {
			ID, Title, Verdict string
			Others             []struct{ ID, Title, Verdict, Why string }
			Columns            []struct{ Name, Addr string }
			Legs               []string
			Legend             []struct{ Text string }
			Marks              []struct{ Severity, Text string }
			Total              int
			Rows               []struct{ Frame, After, Label, Hover, Remark string }
		}
		decode(t, got.structured, &l)
		if got.isError || l.ID != "call-1" || len(l.Others) != 1 || l.Others[0].ID != "call-2" || l.Total != len(l.Rows) || !slices.Equal(l.Legs, []string{"c1@example", "c2@example"}) {
			t.Fatalf("%s: %s", id, got.structured)
		}
		texts := []string{l.Title, l.Verdict, l.Others[0].Title, l.Others[0].Verdict, l.Others[0].Why, "hold by the callee", "transfer: call-2 comes of the REFER in frame 6", "transfer to sip:carol@example.com, accepted: call-2"}
		for _, r := range l.Rows {
			texts = append(texts, strings.TrimSpace(r.Frame+"    "+r.After), r.Label, r.Remark)
		}
		for _, x := range l.Columns {
			texts = append(texts, x.Name, x.Addr)
		}
		for _, x := range l.Legend {
			texts = append(texts, x.Text)
		}
		for _, x := range l.Marks {
			texts = append(texts, x.Text)
		}
		for _, text := range texts {
			if !strings.Contains(drawn.text, text) {
				t.Errorf("%s: the text has no %q\n%s", id, text, drawn.text)
			}
		}
		if first == "" {
			first = got.text
		} else if first != got.text {
			t.Errorf("%s has another ladder than call-1", id)
		}
	}
	for _, x := range []struct {
		detail string
		from   int
		want   string
	}{{"summary", 0, "detail full"}, {"full", 1000, "none behind"}, {"full", -1, "0"}} {
		a := args{"pcap_file": path, "call": "call-1", "detail": x.detail, "ladder": x.from}
		if got := call(t, s, "explain_call", a); !got.isError || !strings.Contains(got.text, x.want) {
			t.Errorf("%v: %s", a, got.text)
		}
	}
}

// TestHugeLayout: however much a call has to say around its rows, and in one row, the layout
// stays within its budget.
func TestHugeLayout(t *testing.T) {
	var b strings.Builder
	for i := range 60 { // dialogs with tags of which each character is many
		fmt.Fprintf(&b, "%d A > B INVITE cseq=%d ft=%s%d\n+.1 B > A 180 tt=%s%d\n", i, i+1, strings.Repeat("<", 200), i, strings.Repeat("&", 200), i)
	}
	path := ladder(t, 1, b.String())
	s := server(siptools.Options{})
	total := 0
	for pages := 0; pages < 200; pages++ {
		var page struct {
			Total int
			Rows  []json.RawMessage
			Next  int `json:"next_row"`
		}
		got := call(t, s, "explain_call", args{"pcap_file": path, "call": "call-1", "detail": "full", "ladder": total})
		decode(t, got.structured, &page)
		if n := len(got.text); n >= neverOver || len(page.Rows) == 0 {
			t.Fatalf("page %d: %d octets, %d rows", pages, n, len(page.Rows))
		}
		if total += len(page.Rows); page.Next == 0 {
			if total != page.Total || total < 100 || pages == 0 {
				t.Errorf("%d of %d rows in %d pages", total, page.Total, pages+1)
			}
			return
		}
		if page.Next != total {
			t.Fatalf("row %d is next, want %d", page.Next, total)
		}
	}
	t.Error("the ladder does not end")
}

// TestApp: hosts of MCP Apps find the page of draw_call_flow, and models see no tool more.
func TestApp(t *testing.T) {
	s := server(siptools.Options{})
	const uri = "ui://sipsight/call-flow.html"
	var list struct {
		Tools []struct {
			Name string
			Meta struct {
				UI struct {
					ResourceURI string
					Visibility  []string
				}
				Flat string `json:"ui/resourceUri"`
			} `json:"_meta"`
		}
	}
	decode(t, rpc(t, s, "tools/list", args{}), &list)
	if len(list.Tools) != 10 {
		t.Errorf("%d tools", len(list.Tools))
	}
	for _, tool := range list.Tools {
		want := ""
		if tool.Name == "draw_call_flow" {
			want = uri
		}
		if m := tool.Meta; m.UI.ResourceURI != want || m.Flat != want || want != "" && !slices.Equal(m.UI.Visibility, []string{"model", "app"}) {
			t.Errorf("%s: %+v", tool.Name, m)
		}
	}
	var read struct {
		Contents []struct {
			URI, MIMEType, Text string
			Meta                json.RawMessage `json:"_meta"`
		}
	}
	decode(t, rpc(t, s, "resources/read", args{"uri": uri}), &read)
	if c := read.Contents[0]; c.URI != uri || c.MIMEType != "text/html;profile=mcp-app" || !strings.HasPrefix(c.Text, "<!DOCTYPE html>") || string(c.Meta) != `{"ui":{"prefersBorder":true}}` {
		t.Errorf("%s %s %.40s %s", c.URI, c.MIMEType, c.Text, c.Meta)
	}
	var hello struct {
		Capabilities struct {
			Extensions map[string]json.RawMessage
		}
	}
	decode(t, rpc(t, s, "initialize", args{"protocolVersion": "2025-11-25"}), &hello)
	if x := hello.Capabilities.Extensions; len(x) != 1 || string(x["io.modelcontextprotocol/ui"]) != "{}" {
		t.Errorf("extensions %s", x)
	}
}
