package siptools_test

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sipsight/sipsight/internal/siptools"
	"github.com/sipsight/sipsight/mcpjsonrpc"
	"github.com/sipsight/sipsight/pcapfile"
)

// start is the time of the first packet of captures that are built here.
var start = time.Date(2026, 11, 23, 10, 14, 0, 0, time.UTC)

// udp returns an IPv4 packet with a datagram from 192.0.2.1 to 192.0.2.2.
func udp(payload string) []byte {
	n := 28 + len(payload)
	if n > 65535 {
		panic("the payload does not fit an IPv4 packet")
	}
	b := []byte{0x45, 0, byte(n >> 8), byte(n), 0, 0, 0, 0, 64, 17, 0, 0}
	b = append(b, netip.MustParseAddr("192.0.2.1").AsSlice()...)
	b = append(b, netip.MustParseAddr("192.0.2.2").AsSlice()...)
	b = binary.BigEndian.AppendUint16(b, 5060)
	b = binary.BigEndian.AppendUint16(b, 5080)
	b = binary.BigEndian.AppendUint16(b, uint16(n-20))
	return append(append(b, 0, 0), payload...)
}

// pcap returns a capture of these packets, a second apart.
func pcap(t testing.TB, packets ...[]byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := pcapfile.NewWriter(&b, pcapfile.Header{LinkType: 101})
	if err != nil {
		t.Fatal(err)
	}
	for i, p := range packets {
		if err := w.Write(pcapfile.Packet{Time: start.Add(time.Duration(i) * time.Second), Data: p}); err != nil {
			t.Fatal(err)
		}
	}
	return b.Bytes()
}

// file writes b into a file of its own and returns its path.
func file(t testing.TB, b []byte) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "made.pcap")
	if err := os.WriteFile(name, b, 0o666); err != nil {
		t.Fatal(err)
	}
	return name
}

// capture returns the path of a capture of the messages, whose lines end in LF here and
// in CRLF there.
func capture(t testing.TB, messages ...string) string {
	t.Helper()
	var packets [][]byte
	for _, m := range messages {
		packets = append(packets, udp(strings.ReplaceAll(m, "\n", "\r\n")))
	}
	return file(t, pcap(t, packets...))
}

// testdata returns the absolute path of a capture of the project.
func testdata(t testing.TB, name string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join("../../testdata/captures", name))
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// server returns the server under test, at a time that stands still.
func server(o siptools.Options) *mcpjsonrpc.Server {
	o.Version = "1.2.3"
	o.Now = func() time.Time { return start }
	return siptools.NewServer(o)
}

// rpc sends one request, after a handshake, and returns its answer.
func rpc(t testing.TB, s *mcpjsonrpc.Server, method string, params any) json.RawMessage {
	t.Helper()
	body, err := json.Marshal(params)
	if err != nil {
		t.Fatal(err)
	}
	in := `{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25"}}` + "\n" +
		fmt.Sprintf(`{"jsonrpc":"2.0","id":1,"method":%q,"params":%s}`, method, body) + "\n"
	var out bytes.Buffer
	if err := s.Serve(t.Context(), strings.NewReader(in), &out); err != nil {
		t.Fatal(err)
	}
	lines := bytes.Split(bytes.TrimSpace(out.Bytes()), []byte("\n"))
	if len(lines) != 2 {
		t.Fatalf("%d lines of answer: %.300s", len(lines), out.Bytes())
	}
	var answer struct {
		Result json.RawMessage `json:"result"`
		Error  json.RawMessage `json:"error"`
	}
	decode(t, lines[1], &answer)
	if answer.Error != nil {
		return answer.Error
	}
	return answer.Result
}

func decode(t testing.TB, b []byte, v any) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	if err := d.Decode(v); err != nil {
		t.Fatalf("%v: %.300s", err, b)
	}
	if _, err := d.Token(); err != io.EOF {
		t.Fatalf("more than one value: %.300s", b)
	}
}

// args are the arguments of a call.
type args map[string]any

// An answer is what a call of analyze_sip_packets gave.
type answer struct {
	text       string
	structured json.RawMessage
	isError    bool
}

// analyze calls the tool analyze_sip_packets.
func analyze(t testing.TB, s *mcpjsonrpc.Server, a args) answer {
	t.Helper()
	return call(t, s, "analyze_sip_packets", a)
}

// why returns the words of an error result. That of analyze_sip_packets is an object, with the
// file that was asked for.
func why(t testing.TB, got answer, tool, path string) string {
	t.Helper()
	if tool != "analyze_sip_packets" {
		return got.text
	}
	var e struct {
		Error string  `json:"error"`
		File  *string `json:"pcap_file"`
	}
	if decode(t, []byte(got.text), &e); e.File == nil || *e.File != path {
		t.Errorf("not of %s: %s", path, got.text)
	}
	return e.Error
}

// call calls a tool and checks what holds for all answers.
func call(t testing.TB, s *mcpjsonrpc.Server, tool string, a args) answer {
	t.Helper()
	var r struct {
		Content []struct {
			Type, Text string
		}
		StructuredContent json.RawMessage
		IsError           bool
	}
	decode(t, rpc(t, s, "tools/call", map[string]any{"name": tool, "arguments": a}), &r)
	if len(r.Content) != 1 || r.Content[0].Type != "text" {
		t.Fatalf("the content is not one text: %+v", r.Content)
	}
	got := answer{r.Content[0].Text, r.StructuredContent, r.IsError}
	if r.IsError != (r.StructuredContent == nil) {
		if tool == "draw_call_flow" && !r.IsError { // text alone
			return got
		}
		t.Fatalf("isError is %v, structuredContent %.100s", r.IsError, r.StructuredContent)
	}
	if !r.IsError && got.text != string(got.structured) {
		t.Error("the text and the structured content differ")
	}
	return got
}

// A result is the part of an answer that tests look into.
type result struct {
	File      string         `json:"file"`
	Files     []string       `json:"files"`
	Timestamp string         `json:"analysis_timestamp"`
	Packets   int            `json:"total_packets_in_file"`
	Found     int            `json:"sip_packets_found"`
	Analyzed  int            `json:"sip_packets_analyzed"`
	Message   string         `json:"message"`
	Stats     statistics     `json:"statistics"`
	Described []described    `json:"packets"`
	Note      string         `json:"note"`
	Next      string         `json:"next_cursor"`
	Complete  *bool          `json:"complete"`
	Damage    []damage       `json:"damage"`
	Limits    map[string]any `json:"limits"`
}

type statistics struct {
	Requests, Responses, Methods, Transports any

	Unique  int      `json:"unique_call_ids"`
	CallIDs []string `json:"call_ids"`
	Agents  []string `json:"user_agents"`
}

type damage struct {
	File, ID, What string
	Offset, Count  int
}

type described struct {
	Number    int               `json:"packet_number"`
	Frame     any               `json:"frame_number"`
	StartLine string            `json:"start_line"`
	CallID    string            `json:"call_id"`
	Headers   map[string]string `json:"headers"`
	LeftOut   int               `json:"headers_left_out"`
}

// good is analyze for calls that are to succeed.
func good(t testing.TB, s *mcpjsonrpc.Server, a args) (r result) {
	t.Helper()
	got := analyze(t, s, a)
	if got.isError {
		t.Fatalf("refused: %s", got.text)
	}
	decode(t, got.structured, &r)
	return r
}
