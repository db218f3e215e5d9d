package page_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/capture"
	"github.com/sipsight/sipsight/findings"
	"github.com/sipsight/sipsight/internal/capgen"
	"github.com/sipsight/sipsight/internal/flow"
	"github.com/sipsight/sipsight/internal/page"
)

// A made page, and what it was made of.
type made struct {
	html string
	data struct {
		Head struct {
			Notes  []string
			Unread []string
			NoSIP  string `json:"no_sip"`
			Setup  []struct {
				Label string
				Count int
			}
		}
		Calls [][]any
		Full  map[string]struct {
			Call   map[string]any
			Texts  []string
			Ladder struct {
				Rows []struct {
					Label string
					Texts []int
				}
			}
		}
		Findings      []map[string]any
		Registrations []map[string]any
		Files         []map[string]any
	}
	res   *analysis.Result
	found []*findings.Finding
}

func makePage(t *testing.T, pcap []byte, most int) *made {
	t.Helper()
	r, err := capture.Open(context.Background(), []string{"-"}, capture.Options{Stdin: bytes.NewReader(pcap)})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	c := findings.New()
	texts := new(page.Texts)
	m := new(made)
	m.res, err = analysis.Run(context.Background(), r, c.Options(analysis.Options{Steps: true, Message: texts.Take}))
	if err != nil {
		t.Fatal(err)
	}
	m.found = c.Finish(m.res)
	var b strings.Builder
	full := page.Choose(m.res, m.found, most)
	if err := page.Write(&b, &page.Report{Version: "v", Result: m.res, Found: m.found, Full: full, Texts: texts}); err != nil {
		t.Fatal(err)
	}
	m.html = b.String()
	if err := json.Unmarshal([]byte(block(t, m.html)), &m.data); err != nil {
		t.Fatal(err)
	}
	return m
}

// block returns the data of a page.
func block(t *testing.T, html string) string {
	t.Helper()
	_, rest, ok := strings.Cut(html, `<script type="application/json" id="data">`)
	data, _, ok2 := strings.Cut(rest, "</script>")
	if !ok || !ok2 {
		t.Fatal("there is no block of data")
	}
	return data
}

const hosts = `
A = 10.0.0.1:5060
B = 10.0.0.2:5060
`

func ladder(text string) []byte { return new(capgen.Ladder).Pcap(hosts + text) }

// TestPolicy: the policy allows the one script and the one style that are in the page.
func TestPolicy(t *testing.T) {
	m := makePage(t, ladder("0 A > B INVITE\n1 B > A 486\n+.1 A > B ACK\n"), 10)
	policy := regexp.MustCompile(`Content-Security-Policy" content="([^"]*)"`).FindStringSubmatch(m.html)
	if policy == nil {
		t.Fatal("there is no policy")
	}
	for what, re := range map[string]string{"script": `(?s)<script>(.*?)</script>`, "style": `(?s)<style>(.*?)</style>`} {
		all := regexp.MustCompile(re).FindAllStringSubmatch(m.html, -1)
		if len(all) != 1 {
			t.Fatalf("%d elements %s", len(all), what)
		}
		if want := what + "-src '" + flow.HashSource(all[0][1]) + "'"; !strings.Contains(policy[1], want) {
			t.Errorf("%s is not in %s", want, policy[1])
		}
	}
	if !strings.HasPrefix(policy[1], "default-src 'none';") || strings.Contains(policy[1], "unsafe") {
		t.Errorf("the policy is %s", policy[1])
	}
	for _, place := range []string{"{{policy}}", "{{style}}", "{{data}}", "{{script}}"} {
		if strings.Contains(m.html, place) {
			t.Errorf("%s was not filled", place)
		}
	}
	rest := strings.Replace(m.html, block(t, m.html), "", 1)
	if len(rest) > 200_000 {
		t.Errorf("%d octets beside the data", len(rest))
	}
	rest = strings.ReplaceAll(rest, "http://www.w3.org/2000/svg", "")
	for _, word := range []string{"innerHTML", "outerHTML", "insertAdjacent", "document.write", "eval(", "fetch(", "import(", "http:", "https:"} {
		if strings.Contains(rest, word) {
			t.Errorf("%s stands in the page", word)
		}
	}
}

// TestTexts: each row has the text of its message, also where a segment carries two.
func TestTexts(t *testing.T) {
	l := capgen.Ladder{TCP: true}
	m := makePage(t, l.Pcap(hosts+`
0    A > B INVITE sdp
+.1  B > A 180
1    B > A 200 sdp
+.1  A > B ACK
+.01 A > B INFO
     Content-Type: application/dtmf-relay
     | Signal=5
+.1  B > A 200
2    A > B BYE
+.1  B > A 200
`), 10)
	call := m.data.Full["1"]
	if len(call.Ladder.Rows) != 8 || len(call.Texts) != 8 {
		t.Fatalf("%d rows, %d texts", len(call.Ladder.Rows), len(call.Texts))
	}
	for _, r := range call.Ladder.Rows {
		text := call.Texts[r.Texts[0]]
		method := strings.Fields(r.Label)[0]
		if !strings.HasPrefix(text, method+" ") && !strings.HasPrefix(text, "SIP/2.0 "+method+" ") {
			t.Errorf("%s has the text %.40q", r.Label, text)
		}
		if strings.Contains(text, "Signal=5") {
			t.Error("a digit is shown")
		}
	}
}

// TestTwoInOne: two messages of one datagram stream segment have a text each.
func TestTwoInOne(t *testing.T) {
	f := capgen.NewFlow("10.0.0.1:5060", "10.0.0.2:5060")
	s := &capgen.Stream{Flow: f, Seq: 1000}
	message := func(method, id string, cseq int) string {
		return fmt.Sprintf("%s sip:bob@example.com SIP/2.0\r\nVia: SIP/2.0/TCP 10.0.0.1;branch=z9hG4bK%s\r\nFrom: <sip:a@example.com>;tag=a\r\nTo: <sip:b@example.com>\r\nCall-ID: %s\r\nCSeq: %d %s\r\nContent-Length: 0\r\n\r\n", method, method, id, cseq, method)
	}
	packets := []capgen.Packet{{Time: capgen.Start, Link: 1, Data: capgen.Ether(s.SYN())}, {Time: capgen.Start, Link: 1, Data: capgen.Ether(s.Send(message("INVITE", "two", 1) + message("INVITE", "one", 1) + message("OPTIONS", "one", 2)))}}
	call := makePage(t, capgen.Pcap(packets), 10).data.Full["2"]
	if len(call.Ladder.Rows) != 2 {
		t.Fatalf("%d rows", len(call.Ladder.Rows))
	}
	for i, want := range []string{"INVITE ", "OPTIONS "} {
		if text := call.Texts[call.Ladder.Rows[i].Texts[0]]; !strings.HasPrefix(text, want) || !strings.Contains(text, "Call-ID: one") {
			t.Errorf("row %d has the text %.30q", i, text)
		}
	}
}

// TestChoose: calls with errors come first, then those with warnings, then those that
// failed.
func TestChoose(t *testing.T) {
	var text strings.Builder
	for i, status := range []int{200, 200, 486, 200, 486, 200} {
		fmt.Fprintf(&text, "%d A > B INVITE id=c%d\n.1 B > A %d id=c%d\n.2 A > B ACK id=c%d\n", i, i, status, i, i)
	}
	res := makePage(t, ladder(text.String()), 10).res
	found := []*findings.Finding{{Call: 6, Severity: findings.Error}, {Call: 4, Severity: findings.Warning}, {Call: 5, Severity: findings.Note}, {Severity: findings.Error}}
	for most, want := range []string{"", "6", "4 6", "4 5 6", "3 4 5 6", "1 3 4 5 6", "1 2 3 4 5 6", "1 2 3 4 5 6"} {
		var got []string
		for _, c := range page.Choose(res, found, most) {
			got = append(got, fmt.Sprint(c.ID))
		}
		if strings.Join(got, " ") != want {
			t.Errorf("of %d: %s, want %s", most, got, want)
		}
	}
}

// TestLeftOut: the page says what it leaves out, and counts all the same.
func TestLeftOut(t *testing.T) {
	var text strings.Builder
	for i := range 6 {
		fmt.Fprintf(&text, "%d A > B INVITE sdp id=c%d new\n+.01 B > A 180 id=c%d\n+1 B > A 200 sdp id=c%d\n+.1 A > B ACK id=c%d\n+2 A > B BYE id=c%d\n+.1 B > A 200 id=c%d\n", 10*i, i, i, i, i, i, i)
	}
	m := makePage(t, ladder(text.String()), 2)
	if len(m.data.Calls) != 6 || len(m.data.Full) != 2 {
		t.Fatalf("%d calls, %d in full", len(m.data.Calls), len(m.data.Full))
	}
	if len(m.data.Head.Notes) != 1 || !strings.HasPrefix(m.data.Head.Notes[0], "2 of 6 calls are shown in full") {
		t.Errorf("notes: %q", m.data.Head.Notes)
	}
	for _, x := range m.data.Full {
		if _, ok := x.Call["timeline_left_out"]; ok || len(x.Ladder.Rows) != 6 {
			t.Errorf("%d rows, and %v messages left out", len(x.Ladder.Rows), x.Call["timeline_left_out"])
		}
	}
	sum := 0
	for _, b := range m.data.Head.Setup {
		sum += b.Count
	}
	if sum != 6 {
		t.Errorf("%d setup times", sum)
	}
}

// TestBehind: a row has what a call is searched by behind the server that it was sent to, and nothing more where there is none.
func TestBehind(t *testing.T) {
	m := makePage(t, ladder(`P = 10.0.0.10:5060
0 A > P INVITE id=outer@example to=sip:+4989555000@carrier
  Session-ID: ab30317f1a784dc48ff824d0d3715d86
+.01 P > B INVITE id=inner@example to=sip:201:pa55@pbx fwd=no
  Session-ID: ab30317f1a784dc48ff824d0d3715d86
+1 B > P 486 id=inner@example
+.01 P > B ACK id=inner@example
+.01 P > A 486 id=outer@example
+.01 A > P ACK id=outer@example
100 A > B INVITE id=plain@example
+1 B > A 486 id=plain@example
+.01 A > B ACK id=plain@example
`), 2)
	if len(m.data.Calls) != 2 || len(m.data.Calls[0]) != 18 || len(m.data.Calls[1]) != 17 {
		t.Fatalf("%v", m.data.Calls)
	}
	got := fmt.Sprint(m.data.Calls[0][17])
	for _, want := range []string{"inner@example", "10.0.0.2:5060", "201:***@pbx"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %s in %q", want, got)
		}
	}
}

// TestHostileData: nothing of the data ends its element, begins another, or is anything
// but JSON.
func TestHostileData(t *testing.T) {
	for _, word := range []string{"</script><script>alert(1)</script>", "<!--<script>", "&lt;", "\u2028\u2029", "{{data}}", "{{script}}", `\u003c`, "'\"", "\x1b[31m\u202e", strings.Repeat("x", 60000)} {
		text := "0 A > B INVITE\n     User-Agent: " + word + "\n     Subject: " + word + "\n1 B > A 499\n     Server: " + word + "\n+.1 A > B ACK\n"
		m := makePage(t, ladder(text), 10)
		data := block(t, m.html)
		if strings.ContainsAny(data, "<>&\u2028\u2029\u202e\x1b") {
			t.Errorf("%.30q: the data hold what they may not", word)
		}
		if n := strings.Count(m.html, "<script"); n != 2 {
			t.Errorf("%.30q: %d scripts", word, n)
		}
		if len(m.html) > 400_000 {
			t.Errorf("%.30q: %d octets", word, len(m.html))
		}
	}
}

// TestEmpty: a capture without SIP makes a page that says so.
func TestEmpty(t *testing.T) {
	m := makePage(t, capgen.Pcap([]capgen.Packet{{Time: capgen.Start, Link: 1, Data: capgen.Ether(capgen.NewFlow("10.0.0.1:1", "10.0.0.2:2").UDP("hello"))}}), 10)
	if m.data.Head.NoSIP == "" || len(m.data.Calls) != 0 || len(m.data.Full) != 0 {
		t.Errorf("%+v", m.data.Head)
	}
}

// TestPlurals: what is counted in words of the page may be one; behind "of" it is all there is.
func TestPlurals(t *testing.T) {
	names, err := filepath.Glob("*.js")
	if err != nil || len(names) == 0 {
		t.Fatal(names, err)
	}
	for _, name := range names {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range regexp.MustCompile(`.{0,3}\$\{[^}]*\} (call|packet|finding|message)s\b`).FindAllString(string(b), -1) {
			if !strings.HasPrefix(x, "of ") {
				t.Errorf("%s: %s", name, x)
			}
		}
	}
}
