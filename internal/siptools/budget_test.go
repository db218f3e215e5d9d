package siptools_test

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/sipsight/sipsight/internal/siptools"
	"github.com/sipsight/sipsight/mcpjsonrpc"
)

// What an answer may have, in characters: PRODUCT's words are "default under 8,000, never
// over 40,000".
const (
	underByDefault = 8000
	neverOver      = 40000
)

// tags is text that shows nothing, and ten characters of JSON for each of its own.
var tags = strings.Repeat("\U000e0041", 300)

// request is an OPTIONS request with more header lines.
func request(callID, more string) string {
	return "OPTIONS sip:bob@example.com SIP/2.0\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\nFrom: <sip:a@h>;tag=1\nTo: <sip:b@h>\n" +
		"Call-ID: " + callID + "\nCSeq: 1 OPTIONS\n" + more + "\n"
}

func repeat(n int, f func(i int) string) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(f(i))
	}
	return b.String()
}

func list(n int, f func(i int) string) (l []string) {
	for i := range n {
		l = append(l, f(i))
	}
	return l
}

// hostile are captures whose authors would like the answer to be long.
var hostile = []struct {
	name     string
	messages func() []string
}{
	{"2,000 Vias", func() []string {
		vias := repeat(2000, func(i int) string { return fmt.Sprintf("v:SIP/2.0/UDP h;branch=%d\n", i) })
		return []string{request("a", vias), request("b", vias), request("c", "")}
	}},
	{"10,000 user agents", func() []string {
		return list(10000, func(i int) string {
			return request("one", fmt.Sprintf("User-Agent: scanner %s %d\n", strings.Repeat("x", 200), i))
		})
	}},
	{"10,000 Call-IDs of invisible characters", func() []string {
		return list(10000, func(i int) string { return request(fmt.Sprintf("%d %s", i, tags[:1000]), "") })
	}},
	{"500 methods of 250 characters", func() []string {
		return list(500, func(i int) string {
			m := fmt.Sprintf("%s%d", strings.Repeat("M", 246), i)
			return strings.ReplaceAll(request("m", ""), "OPTIONS", m)
		})
	}},
	{"a message in which everything is invisible", func() []string {
		m := strings.NewReplacer("bob@example.com", tags, "h;branch", tags+";branch", "<sip:a@h>", tags, "<sip:b@h>", tags, "1 OPTIONS", "1 "+tags).
			Replace(request(tags, repeat(20, func(i int) string { return fmt.Sprintf("X-%d-%s: %s\n", i, tags, tags) })+
				"User-Agent: "+tags+"\nServer: "+tags+"\nContact: "+tags+"\nContent-Type: "+tags+"\n"))
		return []string{m, m, m}
	}},
	{"header values of quotes", func() []string {
		return []string{request("q", repeat(200, func(i int) string { return "Subject: " + strings.Repeat(`"\`, 128) + "\n" }))}
	}},
	{"10,000 header names of control characters", func() []string {
		return []string{request("n", repeat(3000, func(i int) string { return fmt.Sprintf("X%d\x01\x02\x03: \x1b[2J\x07\n", i) }))}
	}},
}

func TestHostileCapturesStayInBudget(t *testing.T) {
	s := server(siptools.Options{})
	for _, c := range hostile {
		t.Run(c.name, func(t *testing.T) {
			name := capture(t, c.messages()...)
			checkBudget(t, s, args{"pcap_file": name})
		})
	}
}

// checkBudget asks the question by default, for much, and for one message.
func checkBudget(t *testing.T, s *mcpjsonrpc.Server, a args) {
	t.Helper()
	for _, most := range []int{0, 1, 100000} {
		limit := neverOver
		delete(a, "max_packets")
		if most > 0 {
			a["max_packets"] = most
		} else {
			limit = underByDefault - 1
		}
		got := analyze(t, s, a)
		if n := utf8.RuneCountInString(got.text); got.isError || n > limit {
			t.Errorf("max_packets %d: %d characters, over %d (isError %v)", most, n, limit, got.isError)
		}
		var r result
		decode(t, got.structured, &r)
		if len(r.Described) == 0 && r.Found > 0 || r.Analyzed != len(r.Described) {
			t.Errorf("max_packets %d: %d messages described, sip_packets_analyzed is %d", most, len(r.Described), r.Analyzed)
		}
		if r.Analyzed < r.Found && r.Next == "" {
			t.Errorf("max_packets %d: %d of %d messages, and no next_cursor", most, r.Analyzed, r.Found)
		}
	}
}

// TestRealCapturesStayInBudget asks every capture of the project.
func TestRealCapturesStayInBudget(t *testing.T) {
	names, err := filepath.Glob(testdata(t, "*.pcap*"))
	if err != nil || len(names) < 20 {
		t.Fatalf("%d captures: %v", len(names), err)
	}
	s := server(siptools.Options{})
	for _, name := range names {
		t.Run(filepath.Base(name), func(t *testing.T) { checkBudget(t, s, args{"pcap_file": name}) })
	}
}

// TestManyFilesStayInBudget gives a thousand files, most of them missing.
func TestManyFilesStayInBudget(t *testing.T) {
	s := server(siptools.Options{})
	whole := capture(t, request("a", ""))
	dir := t.TempDir()
	missing := list(1000, func(i int) string {
		return filepath.Join(dir, fmt.Sprintf("%s-%d.pcap", strings.Repeat("rotated", 20), i))
	})
	a := args{"pcap_file": whole, "more_files": missing}
	checkBudget(t, s, a)
	r := good(t, s, a)
	if r.Complete == nil || *r.Complete || len(r.Damage) == 0 {
		t.Errorf("complete is %v, %d damages", r.Complete, len(r.Damage))
	}
	for _, want := range []string{"files lists the first ", " of 1001.", "damage lists the first ", " of 1000."} {
		if !strings.Contains(r.Note, want) {
			t.Errorf("the note does not say %q: %s", want, r.Note)
		}
	}

	// All of them cut.
	b, err := os.ReadFile(whole)
	if err != nil {
		t.Fatal(err)
	}
	for i, name := range missing[:300] {
		missing[i] = filepath.Join(dir, fmt.Sprint(i))
		if err := os.WriteFile(missing[i], b[:len(b)-1-i%100], 0o666); err != nil {
			t.Fatal(name, err)
		}
	}
	checkBudget(t, s, args{"pcap_file": whole, "more_files": missing[:300]})
}

// TestShortenedMessage shows what becomes of a message that is too long for the default.
func TestShortenedMessage(t *testing.T) {
	s := server(siptools.Options{})
	values := repeat(40, func(i int) string { return fmt.Sprintf("X-%d: %s\n", i, strings.Repeat("v", 240)) })
	name := capture(t, request("a", values))

	r := good(t, s, args{"pcap_file": name})
	if len(r.Described) != 1 || r.Described[0].LeftOut == 0 {
		t.Fatalf("%d messages, %d header fields left out", len(r.Described), r.Described[0].LeftOut)
	}
	if d := r.Described[0]; d.LeftOut+len(d.Headers) != 45 {
		t.Errorf("%d header fields and %d left out are not 45", len(d.Headers), d.LeftOut)
	}
	if want := "Message 1 does not fit and is shortened; pass max_packets 1 for more of it."; !strings.Contains(r.Note, want) {
		t.Errorf("the note does not say %q: %s", want, r.Note)
	}

	r = good(t, s, args{"pcap_file": name, "max_packets": 1})
	if len(r.Described) != 1 || r.Described[0].LeftOut != 0 || r.Note != "" {
		t.Errorf("with max_packets: %d left out, note %q", r.Described[0].LeftOut, r.Note)
	}
}

// TestManyInterfaces: a capture of more interfaces and comments than fit is described all the same.
func TestManyInterfaces(t *testing.T) {
	option := func(code uint16, text string) []byte {
		b := binary.LittleEndian.AppendUint16(binary.LittleEndian.AppendUint16(nil, code), uint16(len(text)))
		return append(append(b, text...), make([]byte, -len(text)&3)...)
	}
	block := func(kind uint32, body ...[]byte) []byte {
		b := slices.Concat(body...)
		n := binary.LittleEndian.AppendUint32(nil, uint32(12+len(b)))
		return slices.Concat(binary.LittleEndian.AppendUint32(nil, kind), n, b, n)
	}
	b := block(0x0a0d0d0a, []byte("\x4d\x3c\x2b\x1a\x01\x00\x00\x00\xff\xff\xff\xff\xff\xff\xff\xff"))
	for i := range 400 {
		b = append(b, block(1, []byte("\x65\x00\x00\x00\x00\x00\x04\x00"), option(2, fmt.Sprintf("veth%04x", i)), option(1, strings.Repeat("c", 200)), make([]byte, 4))...)
	}
	b = append(b, block(6, []byte("\x8f\x01\x00\x00\x00\x00\x00\x17\x00\x00\x00\x00\x04\x00\x00\x00\x04\x00\x00\x00abcd"))...)
	got := call(t, server(siptools.Options{}), "capture_info", args{"pcap_file": file(t, b)})
	var x struct {
		Note  string
		Files []struct {
			Interfaces []struct{ Name string }
			Left       int `json:"interfaces_left_out"`
		}
	}
	decode(t, got.structured, &x)
	if len(x.Files) != 1 || len(got.text) >= underByDefault {
		t.Fatalf("%d characters: %s", len(got.text), got.text)
	}
	if f := x.Files[0]; len(f.Interfaces) < 2 || f.Interfaces[0].Name != "veth018f" || len(f.Interfaces)+f.Left != 400 || !strings.HasPrefix(x.Note, "Not all interfaces and comments of the first file fit") {
		t.Errorf("%s", got.text)
	}
}

// TestManyStatuses: a summary names the commonest statuses, counts the others, and keeps to its size.
func TestManyStatuses(t *testing.T) {
	var messages []string
	for i := range 600 {
		m := request(fmt.Sprintf("%d@h", i), "User-Agent: "+strings.Repeat("u", 250)+"\n")
		if i < 100 {
			messages = append(messages, strings.ReplaceAll(m, "OPTIONS", fmt.Sprintf("M%040d", i)))
		}
		_, rest, _ := strings.Cut(m, "\n")
		messages = append(messages, fmt.Sprintf("SIP/2.0 %d r\n%s", i+100, rest))
		if i == 599 {
			messages = append(messages, messages[len(messages)-1])
		}
	}
	got := call(t, server(siptools.Options{}), "summarize_capture", args{"pcap_file": capture(t, messages...)})
	var x struct {
		Methods, Statuses map[string]int
		MethodsLeft       int `json:"methods_left_out"`
		StatusesLeft      int `json:"statuses_left_out"`
	}
	decode(t, got.structured, &x)
	if len(got.text) >= underByDefault || len(x.Methods)+x.MethodsLeft != 100 || len(x.Statuses)+x.StatusesLeft != 600 || x.Statuses["699"] != 2 || len(x.Statuses) < 20 {
		t.Errorf("%d characters: %d methods and %d, %d statuses and %d", len(got.text), len(x.Methods), x.MethodsLeft, len(x.Statuses), x.StatusesLeft)
	}
}
