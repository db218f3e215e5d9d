package report_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/internal/report"
	"github.com/sipsight/sipsight/sipmsg"
)

// message returns the message of a readable text, whose lines end in LF here and in CRLF
// there, as an analysis gives it.
func message(t testing.TB, text string) *analysis.Message {
	t.Helper()
	m := &sipmsg.Message{}
	if err := m.Parse(slices.Clip([]byte(strings.ReplaceAll(text, "\n", "\r\n")))); err != nil {
		t.Fatal(err)
	}
	return &analysis.Message{
		Number:      3,
		Ordinal:     3,
		Frame:       analysis.Frame{Number: 17},
		Frames:      []analysis.Frame{{Number: 17}},
		Time:        time.Date(2026, 11, 23, 10, 14, 0, 1, time.UTC),
		HasTime:     true,
		Source:      netip.MustParseAddrPort("192.0.2.1:5060"),
		Destination: netip.MustParseAddrPort("192.0.2.2:5080"),
		Transport:   "UDP",
		SIP:         m,
	}
}

const invite = `INVITE sip:bob@example.com SIP/2.0
Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1
From: "Alice" <sip:alice@example.com>;tag=a1
To: <sip:bob@example.com>
Call-ID: c1@h
CSeq: 1 INVITE
Contact: <sip:alice@192.0.2.1>
User-Agent: Example/1
Content-Type: application/sdp
Content-Length: 4

v=0
`

const ok = `SIP/2.0 200 Fine
v: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1
f: <sip:alice@example.com>;tag=a1
t: <sip:bob@example.com>;tag=b1
i: c1@h
CSeq: 1 INVITE
Server: Example/2
l: 0

`

// keys returns the keys of a JSON object in order, and fails the test on one that occurs
// twice, in the object or in one inside of it.
func keys(t testing.TB, b []byte) (list []string) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(b))
	var object func(top bool)
	object = func(top bool) {
		seen := map[string]bool{}
		for d.More() {
			k, err := d.Token()
			if err != nil {
				t.Fatalf("%v: %s", err, b)
			}
			if seen[k.(string)] {
				t.Fatalf("the key %q occurs twice: %s", k, b)
			}
			seen[k.(string)] = true
			if top {
				list = append(list, k.(string))
			}
			depth := 0
			for first := true; first || depth > 0; first = false {
				v, err := d.Token()
				if err != nil {
					t.Fatalf("%v: %s", err, b)
				}
				switch v {
				case json.Delim('{'):
					object(false)
				case json.Delim('['):
					depth++
				case json.Delim(']'):
					depth--
				}
			}
		}
		d.Token()
	}
	if v, err := d.Token(); err != nil || v != json.Delim('{') {
		t.Fatalf("no object: %v %s", err, b)
	}
	object(true)
	if _, err := d.Token(); err != io.EOF {
		t.Fatalf("more than an object: %s", b)
	}
	return list
}

// TestPacketKeys holds the keys of the reference result, in their order.
func TestPacketKeys(t *testing.T) {
	head := []string{"packet_number", "frame_number", "timestamp", "source_ip", "destination_ip", "source_port", "destination_port",
		"transport", "message_type", "start_line"}
	tail := []string{"call_id", "cseq", "from", "to", "contact", "user_agent", "server", "via", "content_type", "content_length",
		"body_length", "known_sip_port", "headers", "summary"}
	for _, c := range []struct {
		name, text string
		middle     []string
	}{
		{"request", invite, []string{"method", "request_uri", "sip_version"}},
		{"response", ok, []string{"status_code", "reason_phrase"}},
		{"request with nothing in it", "OPTIONS sip:a SIP/2.0\n\n", []string{"method", "request_uri", "sip_version"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := keys(t, report.NewMessages(report.Options{}).AppendPacket(nil, message(t, c.text)))
			if want := slices.Concat(head, c.middle, tail); !slices.Equal(got, want) {
				t.Errorf("keys\n     %q\nwant %q", got, want)
			}
		})
	}
	m := message(t, "INVITE sip:\x1b@h SIP/2.0\n\n")
	m.Frames, m.Partial, m.HasTime = []analysis.Frame{{Number: 15}, {Number: 17}}, true, false
	b := report.NewMessages(report.Options{Files: []string{"a", "b"}}).AppendPacket(nil, m)
	got := keys(t, b)
	want := slices.Concat(head[:2], []string{"frames"}, head[2:], []string{"method", "request_uri", "sip_version"}, tail, []string{"partial", "sanitised"})
	if !slices.Equal(got, want) {
		t.Errorf("keys\n     %q\nwant %q", got, want)
	}
	for _, s := range []string{`"frame_number":"1:17","frames":["1:15","1:17"],"timestamp":null,`, `"start_line":"INVITE sip:\\x1b@h SIP/2.0"`} {
		if !bytes.Contains(b, []byte(s)) {
			t.Errorf("no %s in %s", s, b)
		}
	}
}

// TestPacket holds the values of one request and one response, all of them.
func TestPacket(t *testing.T) {
	r := report.NewMessages(report.Options{})
	for text, want := range map[string]string{
		invite: `{"packet_number":3,"frame_number":17,"timestamp":"2026-11-23T10:14:00.000000001Z","source_ip":"192.0.2.1","destination_ip":"192.0.2.2",` +
			`"source_port":5060,"destination_port":5080,"transport":"UDP","message_type":"request","start_line":"INVITE sip:bob@example.com SIP/2.0",` +
			`"method":"INVITE","request_uri":"sip:bob@example.com","sip_version":"SIP/2.0","call_id":"c1@h","cseq":"1 INVITE",` +
			`"from":"\"Alice\" <sip:alice@example.com>;tag=a1","to":"<sip:bob@example.com>","contact":"<sip:alice@192.0.2.1>","user_agent":"Example/1",` +
			`"server":"","via":"SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1","content_type":"application/sdp","content_length":4,"body_length":5,"known_sip_port":true,` +
			`"headers":{"via":"SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1","from":"\"Alice\" <sip:alice@example.com>;tag=a1","to":"<sip:bob@example.com>",` +
			`"call-id":"c1@h","cseq":"1 INVITE","contact":"<sip:alice@192.0.2.1>","user-agent":"Example/1","content-type":"application/sdp","content-length":"4"},` +
			`"summary":"INVITE sip:bob@example.com, 192.0.2.1:5060 -> 192.0.2.2:5080"}`,
		ok: `{"packet_number":3,"frame_number":17,"timestamp":"2026-11-23T10:14:00.000000001Z","source_ip":"192.0.2.1","destination_ip":"192.0.2.2",` +
			`"source_port":5060,"destination_port":5080,"transport":"UDP","message_type":"response","start_line":"SIP/2.0 200 Fine",` +
			`"status_code":200,"reason_phrase":"Fine","call_id":"c1@h","cseq":"1 INVITE","from":"<sip:alice@example.com>;tag=a1",` +
			`"to":"<sip:bob@example.com>;tag=b1","contact":"","user_agent":"","server":"Example/2","via":"SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1",` +
			`"content_type":"","content_length":0,"body_length":0,"known_sip_port":true,` +
			`"headers":{"via":"SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1","from":"<sip:alice@example.com>;tag=a1","to":"<sip:bob@example.com>;tag=b1",` +
			`"call-id":"c1@h","cseq":"1 INVITE","server":"Example/2","content-length":"0"},` +
			`"summary":"200 Fine (INVITE), 192.0.2.1:5060 -> 192.0.2.2:5080"}`,
	} {
		if got := string(r.AppendPacket(nil, message(t, text))); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

// packet returns the record of a message as a program reads it.
func packet(t testing.TB, o report.Options, text string) (v struct {
	Via           string            `json:"via"`
	Contact       string            `json:"contact"`
	Status        json.RawMessage   `json:"status_code"`
	ContentLength *int              `json:"content_length"`
	Headers       map[string]string `json:"headers"`
	LeftOut       int               `json:"headers_left_out"`
	KnownPort     bool              `json:"known_sip_port"`
	Sanitised     bool              `json:"sanitised"`
}) {
	t.Helper()
	b := report.NewMessages(o).AppendPacket(nil, message(t, text))
	keys(t, b)
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatalf("%v: %s", err, b)
	}
	return v
}

// TestHeaders holds how header fields are named and joined.
func TestHeaders(t *testing.T) {
	for _, c := range []struct {
		name, fields, key, want string
	}{
		{"one", "Subject: hi\n", "subject", "hi"},
		{"in lower case", "X-CUSTOM: Value\n", "x-custom", "Value"},
		{"repeated, in order", "Route: <sip:1>\nX: y\nRoute: <sip:2>\nRoute: <sip:3>\n", "route", "<sip:1>, <sip:2>, <sip:3>"},
		{"in a list", "Route: <sip:1>, <sip:2>\nRoute: <sip:3>\n", "route", "<sip:1>, <sip:2>, <sip:3>"},
		{"compact", "s: hi\n", "subject", "hi"},
		{"compact and long", "m: <sip:1>\nContact: <sip:2>\nM: <sip:3>\n", "contact", "<sip:1>, <sip:2>, <sip:3>"},
		{"unknown, repeated in other case", "X-a: 1\nx-A: 2\n", "x-a", "1, 2"},
		{"folded", "Subject: one\n  two\n\tthree\n", "subject", "one two three"},
		{"folded after the colon", "Subject:\n hi\n", "subject", "hi"},
		{"blanks before the colon", "Subject \t : hi\n", "subject", "hi"},
		{"empty", "Subject:\n", "subject", ""},
		{"empty and not", "Xx:\nXx: 1\n", "xx", "1"},
		{"escaped", "Subject: \x1b[2J\x07 \u202e\xff\n", "subject", `\x1b[2J\x07 \u{202e}\xff`},
		{"an odd name", "X-\x1b: 1\n", `x-\x1b`, "1"},
		{"capped", "Subject: " + strings.Repeat("x", 300) + "\n", "subject", strings.Repeat("x", 255) + "…"},
		{"capped one by one", "Xx: " + strings.Repeat("x", 300) + "\nXx: end\n", "xx", strings.Repeat("x", 255) + "…, end"},
		{"masked", "Authorization: Digest username=\"a\", response=\"secret\"\n", "authorization", `Digest username="a", response="***"`},
		{"masked in a URI", "X-Uri: <sip:a:secret@h>\n", "x-uri", "<sip:a:***@h>"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := packet(t, report.Options{}, "OPTIONS sip:a SIP/2.0\n"+c.fields+"\n")
			if v, ok := got.Headers[c.key]; !ok || v != c.want {
				t.Errorf("headers %q, want %q: %q", got.Headers, c.key, c.want)
			}
			if changed := strings.Contains(c.key+c.want, `\`); got.Sanitised != changed {
				t.Errorf("sanitised is %v", got.Sanitised)
			}
		})
	}
	got := packet(t, report.Options{Secrets: true}, "OPTIONS sip:a SIP/2.0\nAuthorization: Digest response=\"secret\"\nContact: <sip:a:secret@h>\n\n")
	if got.Headers["authorization"] != `Digest response="secret"` || got.Contact != "<sip:a:secret@h>" {
		t.Errorf("with secrets: %+v", got)
	}
}

// TestHeaderNamesAreTold holds that no field can pass for another by its name.
func TestHeaderNamesAreTold(t *testing.T) {
	got := packet(t, report.Options{}, "OPTIONS sip:a SIP/2.0\nVia: true\nVİa: false\nSupported: true\nx-\u212a: 1\nX-K: 2\n\n")
	if got.Headers["via"] != "true" || got.Headers["x-k"] != "2" || got.LeftOut != 0 {
		t.Errorf("%q, %d left out", got.Headers, got.LeftOut)
	}
	// Two names that are shown as one: the second is left out, and counted.
	long := strings.Repeat("n", 256)
	got = packet(t, report.Options{}, "OPTIONS sip:a SIP/2.0\nX\x01: 1\nX\\x01: 2\n"+long+"1: 3\n"+long+"2: 4\nYy: 5\n\n")
	if want := map[string]string{`x\x01`: "1", long[1:] + "…": "3", "yy": "5"}; fmt.Sprint(got.Headers) != fmt.Sprint(want) || got.LeftOut != 2 {
		t.Errorf("%q, %d left out", got.Headers, got.LeftOut)
	}
}

func TestFirstValues(t *testing.T) {
	got := packet(t, report.Options{}, "OPTIONS sip:a SIP/2.0\nVia: SIP/2.0/UDP 1, SIP/2.0/UDP 2\nVia: SIP/2.0/UDP 3\nContact: \"a, b\" <sip:1>, <sip:2>\n\n")
	if got.Via != "SIP/2.0/UDP 1" || got.Contact != `"a, b" <sip:1>` {
		t.Errorf("via %q, contact %q", got.Via, got.Contact)
	}
}

// TestManyHeaders holds the bounds of one message.
func TestManyHeaders(t *testing.T) {
	var fields strings.Builder
	for i := range 2000 {
		fmt.Fprintf(&fields, "X-%d: %s\n", i, strings.Repeat("v", 20))
	}
	got := packet(t, report.Options{}, "OPTIONS sip:a SIP/2.0\n"+fields.String()+"\n")
	if len(got.Headers) != 1024 || got.LeftOut != 976 {
		t.Errorf("%d header fields and %d left out", len(got.Headers), got.LeftOut)
	}
	got = packet(t, report.Options{MaxHeaders: 1000}, "OPTIONS sip:a SIP/2.0\n"+fields.String()+"\n")
	if n := len(got.Headers); n+got.LeftOut != 2000 || n < 20 || n > 40 {
		t.Errorf("%d header fields and %d left out", n, got.LeftOut)
	}
	got = packet(t, report.Options{MaxHeaders: 1, MaxText: 20}, "OPTIONS sip:a SIP/2.0\n"+fields.String()+"\n")
	if got.Headers["x-0"] != strings.Repeat("v", 20) || len(got.Headers) != 1 {
		t.Errorf("%q", got.Headers)
	}
	got = packet(t, report.Options{MaxText: 20}, "OPTIONS sip:a SIP/2.0\nX1: 12345678901234567890123\nX2: \x01\x02\x03\x04\x05\x06\x07\n"+
		"X3: 1\nX3: 23456789012345678\nX3: 3\nX4: 12345678901234567890\nX4: 1\nX4: 2\n\n")
	for key, want := range map[string]string{"x1": "1234567890123456789…", "x2": `\x01\x02\x03\x04…`, "x3": "1, 23456789012345678, 3", "x4": "12345678901234567890, 1, …"} {
		if got.Headers[key] != want {
			t.Errorf("%s: %q, want %q", key, got.Headers[key], want)
		}
	}
	vias := "OPTIONS sip:a SIP/2.0\n" + strings.Repeat("Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1234567890\n", 1000) + "\n"
	got = packet(t, report.Options{}, vias)
	if n := len(got.Headers["via"]); n < 4096 || n > 4500 || !strings.HasSuffix(got.Headers["via"], ", …") || got.Sanitised {
		t.Errorf("%d octets of Vias, sanitised %v", n, got.Sanitised)
	}
}

// TestOddNumbers holds that numbers that are none do not become numbers.
func TestOddNumbers(t *testing.T) {
	for _, c := range []struct{ line, status, length string }{
		{"SIP/2.0 200 OK\nContent-Length: 7", "200", "7"},
		{"SIP/2.0 0200 OK\nContent-Length: 007", "200", "7"},
		{"SIP/2.0 9999 OK\nContent-Length: 4294967295", "9999", "4294967295"},
		{"SIP/2.0 4294967301 OK\nContent-Length: 4294967296", "4294967301", "null"},
		{"SIP/2.0 99999999999999999999 OK\nContent-Length: -1", `"99999999999999999999"`, "null"},
		{"SIP/2.0 200 OK\nContent-Length: 1 2", "200", "null"},
		{"SIP/2.0 200 OK\nX: y", "200", "null"},
	} {
		b := report.NewMessages(report.Options{}).AppendPacket(nil, message(t, c.line+"\n\n"))
		var got struct {
			Status json.RawMessage `json:"status_code"`
			Length json.RawMessage `json:"content_length"`
		}
		if err := json.Unmarshal(b, &got); err != nil || string(got.Status) != c.status || string(got.Length) != c.length {
			t.Errorf("%q: status %s, length %s, %v", c.line, got.Status, got.Length, err)
		}
	}
}

func TestKnownPort(t *testing.T) {
	for ports, want := range map[[2]uint16]bool{{5060, 9}: true, {9, 5060}: true, {5061, 9}: true, {9, 5061}: true, {5059, 5062}: false} {
		m := message(t, invite)
		m.Source = netip.AddrPortFrom(m.Source.Addr(), ports[0])
		m.Destination = netip.AddrPortFrom(m.Destination.Addr(), ports[1])
		b := report.NewMessages(report.Options{}).AppendPacket(nil, m)
		if got := bytes.Contains(b, []byte(`"known_sip_port":true`)); got != want {
			t.Errorf("ports %v: %v", ports, got)
		}
	}
}

// TestLineKeys holds the keys of the messages listing, in their order: PRODUCT, section 3.
func TestLineKeys(t *testing.T) {
	m := message(t, strings.Replace(invite, "To: <sip:bob@example.com>", "To: <sip:bob@example.com>;tag=b1\nServer: both", 1))
	m.Frames, m.Partial, m.Notes, m.Tunnel = []analysis.Frame{{Number: 15}, {Number: 17}}, true, []string{"message-partial"}, []string{"VLAN"}
	r := report.NewMessages(report.Options{Files: []string{"a\x1b", "b"}, Raw: true})
	b := r.AppendLine(nil, m)
	line, ended := bytes.CutSuffix(b, []byte("\n"))
	if !ended || bytes.ContainsAny(line, "\r\n") {
		t.Fatalf("not one line: %q", b)
	}
	want := strings.Fields(`number file frame frames time transport source_ip source_port destination_ip destination_port message_type start_line
		method request_uri call_id cseq cseq_number cseq_method from_user to_user from_tag to_tag branch user_agent server content_type content_length body_length
		via_count tunnel quirks notes partial raw sanitised`)
	if got := keys(t, line); !slices.Equal(got, want) {
		t.Errorf("keys\n     %q\nwant %q", got, want)
	}
	for _, s := range []string{`"file":"a\\x1b","frame":"1:17","frames":["1:15","1:17"],`, `"cseq":"1 INVITE","cseq_number":1,"cseq_method":"INVITE","from_user":"alice","to_user":"bob","from_tag":"a1",` +
		`"to_tag":"b1","branch":"z9hG4bK1","user_agent":"Example/1","server":"both","content_type":"application/sdp","content_length":4,"body_length":5,"via_count":1,` +
		`"tunnel":["VLAN"],"quirks":["content-length-short","max-forwards-missing"],"notes":["message-partial"],"partial":true,"raw":"INVITE sip:bob@example.com SIP/2.0\nVia: `} {
		if !bytes.Contains(line, []byte(s)) {
			t.Errorf("no %s\nin %s", s, line)
		}
	}

	// What is absent is not there.
	m = message(t, "SIP/2.0 404 \nCSeq: 4294967296\n\n")
	m.HasTime, m.Source = false, netip.AddrPort{} // such as of an exported PDU
	line = bytes.TrimSpace(report.NewMessages(report.Options{}).AppendLine(nil, m))
	want = strings.Fields(`number frame frames transport destination_ip destination_port message_type start_line status_code reason_phrase
		cseq body_length via_count quirks`)
	if got := keys(t, line); !slices.Equal(got, want) {
		t.Errorf("keys\n     %q\nwant %q", got, want)
	}
}

// TestCSV holds that each line is a record of the header's length: RFC 4180.
func TestCSV(t *testing.T) {
	b := report.AppendCSVHeader(nil)
	r := report.NewMessages(report.Options{Files: []string{"=cmd,1", "b"}})
	odd := message(t, strings.NewReplacer(`"Alice"`, `"=Al,""ice"`, "c1@h", "=c1", "1 INVITE", "@1", "Example/1", "+\x1b\t\"x\"").Replace(invite))
	odd.HasTime, odd.Partial = false, true
	odd.Frames, odd.Notes = []analysis.Frame{{Number: 15}, {File: 1, Number: 17}}, []string{"ip-reassembled", "message-partial"}
	odd.CopyOf, odd.RetransmissionOf = analysis.Frame{Number: 4}, analysis.Frame{File: 1, Number: 3}
	for _, m := range []*analysis.Message{message(t, invite), message(t, ok), odd} {
		b = r.AppendCSV(b, m)
	}
	if n := bytes.Count(b, []byte("\n")); n != 4 || bytes.Count(b, []byte("\r\n")) != 4 {
		t.Errorf("%d lines: %q", n, b)
	}
	got, err := csv.NewReader(bytes.NewReader(b)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	want := [][]string{
		strings.Split("number,file,frame,time,transport,source_ip,source_port,destination_ip,destination_port,message_type,method,request_uri,status_code,reason_phrase,"+
			"call_id,cseq,from,to,user_agent,server,body_length,partial,frames,notes,copy_of,retransmission_of", ","),
		{"3", "'=cmd,1", "1:17", "2026-11-23T10:14:00.000000001Z", "UDP", "192.0.2.1", "5060", "192.0.2.2", "5080", "request", "INVITE", "sip:bob@example.com", "", "",
			"c1@h", "1 INVITE", `"Alice" <sip:alice@example.com>;tag=a1`, "<sip:bob@example.com>", "Example/1", "", "5", "false", "1:17", "", "", ""},
		{"3", "'=cmd,1", "1:17", "2026-11-23T10:14:00.000000001Z", "UDP", "192.0.2.1", "5060", "192.0.2.2", "5080", "response", "", "", "200", "Fine",
			"c1@h", "1 INVITE", "<sip:alice@example.com>;tag=a1", "<sip:bob@example.com>;tag=b1", "", "Example/2", "0", "false", "1:17", "", "", ""},
		{"3", "'=cmd,1", "1:17", "", "UDP", "192.0.2.1", "5060", "192.0.2.2", "5080", "request", "INVITE", "sip:bob@example.com", "", "",
			"'=c1", "'@1", `"=Al,""ice" <sip:alice@example.com>;tag=a1`, "<sip:bob@example.com>", `'+\x1b\x09"x"`, "", "5", "true", "1:15; 2:17", "ip-reassembled; message-partial", "1:4", "2:3"},
	}
	for i := range want {
		if !slices.Equal(got[i], want[i]) {
			t.Errorf("line %d\n     %q\nwant %q", i, got[i], want[i])
		}
	}

	line := string(report.NewMessages(report.Options{Secrets: true}).AppendCSV(nil, message(t, "OPTIONS sip:a:pw@h SIP/2.0\n\n")))
	if !strings.Contains(line, ",sip:a:pw@h,") {
		t.Errorf("with secrets: %s", line)
	}
	line = string(report.NewMessages(report.Options{}).AppendCSV(nil, message(t, "OPTIONS sip:a:pw@h SIP/2.0\n\n")))
	if !strings.Contains(line, ",sip:a:***@h,") {
		t.Errorf("without secrets: %s", line)
	}
}

// TestRaw holds that a message shown whole is masked, escaped and capped.
func TestRaw(t *testing.T) {
	text := "MESSAGE sip:bob:pw@example.com SIP/2.0\nAuthorization: Digest response=\"pw\"\nSubject: \x1b\n\nprivate"
	for _, c := range []struct {
		o    report.Options
		want string
	}{
		{report.Options{Raw: true}, "MESSAGE sip:bob:***@example.com SIP/2.0\nAuthorization: Digest response=\"***\"\nSubject: \\x1b\n\n***"},
		{report.Options{Raw: true, Secrets: true}, "MESSAGE sip:bob:pw@example.com SIP/2.0\nAuthorization: Digest response=\"pw\"\nSubject: \\x1b\n\nprivate"},
	} {
		var got struct{ Raw string }
		m := message(t, text)
		r := report.NewMessages(c.o)
		if err := json.Unmarshal(r.AppendLine(nil, m), &got); err != nil || got.Raw != c.want {
			t.Errorf("raw %q, want %q (%v)", got.Raw, c.want, err)
		}
		want := strings.ReplaceAll("\n"+c.want+"\n\n", "\n", "\n    ")
		want = strings.ReplaceAll(want, "\n    \n", "\n\n")
		want = strings.TrimRight(want, " ")
		if got := string(r.AppendText(nil, m)); !strings.HasSuffix(got, want) {
			t.Errorf("text %q, want %q at its end", got, want)
		}
	}
	var got struct{ Raw string }
	long := message(t, "OPTIONS sip:a SIP/2.0\nX: "+strings.Repeat("x", 20000)+"\n\n")
	if err := json.Unmarshal(report.NewMessages(report.Options{Raw: true}).AppendLine(nil, long), &got); err != nil || len(got.Raw) > 16000+len("…") || len(got.Raw) < 15990 {
		t.Errorf("%d characters of a long message, %v", len(got.Raw), err)
	}
}

// TestText holds the lines for people that no golden shows.
func TestText(t *testing.T) {
	r := report.NewMessages(report.Options{Files: []string{"a", "b"}})
	var b []byte
	add := func(text string, change func(m *analysis.Message)) {
		m := message(t, text)
		change(m)
		b = r.AppendText(b, m)
	}
	add(invite, func(m *analysis.Message) {})
	add(ok, func(m *analysis.Message) { m.Time = m.Time.Add(14 * time.Hour); m.Frame.File = 1; m.Transport = "TCP" })
	add(ok, func(m *analysis.Message) { m.HasTime = false; m.Partial = true; m.Notes = []string{"message-partial"} })
	add(invite, func(m *analysis.Message) {
		m.Time = m.Time.Add(15 * time.Hour)
		m.Source = netip.MustParseAddrPort("[2001:db8::1]:5060")
		m.Destination = netip.MustParseAddrPort("[::ffff:192.0.2.1]:5061")
	})
	const want = `2026-11-23 UTC
1:17  10:14:00.000000  192.0.2.1:5060 > 192.0.2.2:5080  INVITE sip:bob@example.com  [content-length-short max-forwards-missing]
2026-11-24 UTC
2:17  00:14:00.000000  192.0.2.1:5060 > 192.0.2.2:5080  200 Fine (INVITE), TCP  [contact-missing]
1:17  --:--:--.------  192.0.2.1:5060 > 192.0.2.2:5080  200 Fine (INVITE)  [message-partial contact-missing]
1:17  01:14:00.000000  [2001:db8::1]:5060 > 192.0.2.1:5061  INVITE sip:bob@example.com  [content-length-short max-forwards-missing]
`
	if string(b) != want {
		t.Errorf("got\n%s\nwant\n%s", b, want)
	}
}

// TestNarrow holds that lines fit a terminal of any width, and that what a message is stands in each: where
// there is no room for it behind the addresses, these go below.
func TestNarrow(t *testing.T) {
	for _, c := range []struct {
		source, destination string
		width               int
		want                string
	}{
		{"192.0.2.1:5060", "192.0.2.2:5080", 40, "  17  10:14:00.000  INVITE sip:bob@exam…\n      192.0.2.1:5060 > 192.0.2.2:5080\n"},
		{"192.168.100.101:50601", "192.168.100.102:50602", 40, "  17  10:14:00.000  INVITE sip:bob@exam…\n      192.168.100.101:50601 >\n      192.168.100.102:50602\n"},
		{"192.168.100.101:50601", "192.168.100.102:50602", 80, "  17  10:14:00.000  192.168.100.101:50601 > 192.168.100.102:50602  INVITE sip:b…\n"},
		{"[2001:db8:1111:2222:3333:4444:5555:6666]:5060", "[2001:db8:1111:2222:3333:4444:5555:7777]:5060", 80,
			"  17  10:14:00.000  INVITE sip:bob@example.…  [content-length-short max-forward…\n" +
				"      [2001:db8:1111:2222:3333:4444:5555:6666]:5060 >\n      [2001:db8:1111:2222:3333:4444:5555:7777]:5060\n"},
	} {
		r := report.NewMessages(report.Options{Width: c.width, Colour: true})
		m := message(t, invite)
		m.Source, m.Destination = netip.MustParseAddrPort(c.source), netip.MustParseAddrPort(c.destination)
		if got := string(r.AppendText(nil, m)); got != "2026-11-23 UTC\n"+c.want {
			t.Errorf("%d columns:\n%s\nwant\n%s", c.width, got, c.want)
		}
		other := message(t, ok) // addresses of others that are below do not take its room
		if got := string(r.AppendText(nil, other)); c.width == 80 && !strings.Contains(got, "  192.0.2.1:5060 ") {
			t.Errorf("%d columns: %s", c.width, got)
		}
	}
}
