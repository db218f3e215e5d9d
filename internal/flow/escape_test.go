package flow_test

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"html"
	"io"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/sipsight/sipsight/internal/clean"
	"github.com/sipsight/sipsight/internal/flow"
)

// hostile are texts that mean something to a terminal, a browser, or Mermaid.
var hostile = []string{
	`<script>alert(1)</script>`,
	`"><img src=x onerror=alert(1)>`,
	`' onload='alert(1)`,
	`</text></svg><script>alert(1)</script>`,
	`</title></style><script>alert(1)</script>`,
	`]]><!--<![CDATA[`,
	`&lt;&amp;&#x3c;`,
	"\x1b[31mred\x1b[2J\x1b]0;owned\x07",
	"abc\u202edef\u2066ghi",
	"a\r\nb\nc\u2028d\u2029e",
	"zero\u200bwidth\U000e0041tag",
	"\xff\xfe\x00bytes\x80",
	"\ufffe\uffff\ufdd0",
	"end", "END", " end ", "end;", "alt else end loop par", "title x", "participant P1 as y",
	"a;b", "a#59;b", "#quot;", "a:b", ":wrap: x", "%% comment", "%%{init: {\"theme\":\"dark\"}}%%", "```", "---\ntitle: x\n---", "style a:#fff;b",
	"Note over P1: x", "P1->>P2: x", "->>", "<br/>", "click P1 href \"javascript:alert(1)\"", "links P1: {}", "accTitle: x", "sequenceDiagram", "$$x$$", "`code`", "**bold**",
	strings.Repeat("A very long user agent/1.0 ", 2500), // 64 KB
	strings.Repeat("\u202e", 300),
	"日本語のなまえ e\u0301 ß ﷽",
}

// ladderOf returns a ladder with a text in every place where text of a capture may stand,
// cleaned as the layout cleans.
func ladderOf(s string) *flow.Ladder {
	s = clean.Text(s)
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	row := func(from, to int, kind flow.Kind) flow.Row {
		return flow.Row{Kind: kind, Time: at, Frame: "1", From: from, To: to, Label: s, Media: s, Detail: s, Count: 2, Repeats: []time.Time{at.Add(time.Second)}, Notes: []string{s}, Marks: []int{0}}
	}
	return &flow.Ladder{
		ID: "call-1", Title: s, Verdict: s, Start: at,
		Legs:    []flow.Leg{{CallID: s, Dialogs: []string{s, s}}, {CallID: s, Why: s}},
		Columns: []flow.Column{{Name: s}, {Name: s, Addr: s}},
		Rows:    []flow.Row{row(0, 1, flow.Request), row(1, 0, flow.Failure), row(0, 0, flow.Request), row(1, 1, flow.Success), row(0, 1, flow.Media)},
		Marks:   []flow.Mark{{ID: "some-id", Severity: "error", Frames: []string{"1"}, Observed: s}},
	}
}

// shape is what a drawing is without its text: each element, in order.
func shape(t *testing.T, svg []byte) string {
	t.Helper()
	d := xml.NewDecoder(bytes.NewReader(svg))
	var b strings.Builder
	for {
		x, err := d.Token()
		if err == io.EOF {
			return b.String()
		}
		if err != nil {
			t.Fatalf("the SVG is no XML: %v", err)
		}
		switch x := x.(type) {
		case xml.StartElement:
			fmt.Fprintf(&b, "<%s", x.Name.Local)
			for _, a := range x.Attr {
				fmt.Fprintf(&b, " %s", a.Name.Local)
				if a.Name.Local == "class" || a.Name.Local == "id" {
					fmt.Fprintf(&b, "=%s", a.Value)
				}
			}
			b.WriteString(">")
		case xml.EndElement:
			b.WriteString("</>")
		case xml.Comment, xml.ProcInst, xml.Directive:
			t.Fatalf("a %T", x)
		}
	}
}

// TestHostileSVG holds that no text changes anything but itself: the elements and their
// attributes are those of a harmless ladder.
func TestHostileSVG(t *testing.T) {
	want := shape(t, flow.AppendSVG(nil, ladderOf("harmless")))
	for _, s := range hostile {
		svg := flow.AppendSVG(nil, ladderOf(s))
		if got := shape(t, svg); got != want {
			t.Errorf("%.40q changes the drawing:\n got %s\nwant %s", s, got, want)
		}
		if !utf8.Valid(svg) {
			t.Errorf("%.40q: not UTF-8", s)
		}
		if len(svg) > 200<<10 {
			t.Errorf("%.40q: %d octets", s, len(svg))
		}
	}
}

// TestHostileHTML holds the same of a page, which is no XML: without its text it is that of
// a harmless ladder.
func TestHostileHTML(t *testing.T) {
	page := func(s string) []byte {
		d := flow.Drawing{Format: "html", Calls: 1}
		return d.End(d.Append(nil, ladderOf(s)))
	}
	tags := func(b []byte) string {
		_, body, _ := strings.Cut(string(b), "<body>")
		text := regexp.MustCompile(`>[^<]*`).ReplaceAllString(body, ">")
		text = regexp.MustCompile(`(aria-label|width|height|viewBox|x|y|d)="[^"]*"`).ReplaceAllString(text, "$1")
		return text
	}
	want := tags(page("harmless"))
	for _, s := range hostile {
		if got := tags(page(s)); got != want {
			t.Errorf("%.40q changes the page:\n got %s\nwant %s", s, got, want)
		}
	}
	head := string(page("x"))
	policy := regexp.MustCompile(`content="default-src 'none'; style-src '(sha256-[^']*)'`).FindStringSubmatch(head)
	css := regexp.MustCompile(`(?s)<style>(.*?)</style>`).FindStringSubmatch(head)
	if policy == nil || css == nil || policy[1] != flow.HashSource(css[1]) {
		t.Error("the policy does not name the style of the page")
	}
}

// TestMarkup: what is written is read back as it was.
func TestMarkup(t *testing.T) {
	for _, s := range hostile {
		s = clean.Text(s)
		got := string(flow.AppendMarkup(nil, s))
		if strings.ContainsAny(got, `<>"'`) {
			t.Errorf("%q: %s", s, got)
		}
		if back := html.UnescapeString(got); back != s && !strings.ContainsAny(s, "\ufffe\uffff") {
			t.Errorf("%q comes back as %q", s, back)
		}
	}
	if got := string(flow.AppendMarkup(nil, "a\x00b\x1b\u0085\ufffe\xffc")); got != `a\u{0}b\u{1b}\u{85}\u{fffe}`+"\ufffd"+`c` {
		t.Errorf("controls: %s", got)
	}
}

// mermaidLine is every line that a diagram may hold.
var mermaidLine = regexp.MustCompile(`^(sequenceDiagram|    (title|participant P\d+ as|P\d+(->>|-->>|-\))P\d+:|Note over P\d+(,P\d+)?:) ((?:[A-Za-z0-9. ]|#\d+;|<br/>)*))$`)

// word finds what the Mermaid grammar could take for a word of its own.
var mermaidWord = regexp.MustCompile(`(?i)\b(end|title|participant|actor|note|loop|alt|else|opt|par|and|rect|box|break|critical|create|destroy|activate|deactivate|autonumber|links?|properties|details|style|classdef|acctitle|init|sequencediagram|click|href|wrap|nowrap)\b`)

// TestHostileMermaid holds that diagrams hold nothing but lines of ours with letters,
// digits and entities.
func TestHostileMermaid(t *testing.T) {
	want := strings.Count(string(flow.AppendMermaid(nil, ladderOf("harmless"))), "\n")
	for _, s := range hostile {
		text := string(flow.AppendMermaid(nil, ladderOf(s)))
		if got := strings.Count(text, "\n"); got != want {
			t.Errorf("%.40q: %d lines, want %d", s, got, want)
		}
		for line := range strings.Lines(text) {
			m := mermaidLine.FindStringSubmatch(strings.TrimSuffix(line, "\n"))
			if m == nil {
				t.Errorf("%.40q: a line is %q", s, line)
				continue
			}
			free := regexp.MustCompile(`#\d+;[A-Za-z]*|<br/>`).ReplaceAllString(m[5], " ")
			if w := mermaidWord.FindString(free); w != "" {
				t.Errorf("%.40q: the word %s stands in %q", s, w, line)
			}
		}
	}
}

// TestMermaidBounds: a long call is cut at 300 messages, and at the octets that Mermaid
// draws; a note says so.
func TestMermaidBounds(t *testing.T) {
	l := ladderOf("harmless")
	for range 1000 {
		l.Rows = append(l.Rows, flow.Row{Label: "INFO", To: 1, Count: 1})
	}
	text := string(flow.AppendMermaid(nil, l))
	if n := strings.Count(text, "->>"); n > 300 || n < 290 {
		t.Errorf("%d messages", n)
	}
	if !strings.Contains(text, "#8230; #97;nd 705 messages more") {
		t.Errorf("no note of what is left out: %s", text[len(text)-200:])
	}
	for i := range l.Rows {
		l.Rows[i].Label, l.Rows[i].Notes = strings.Repeat("好", 80), []string{strings.Repeat("好", 200)}
	}
	if n := len(flow.AppendMermaid(nil, l)); n > 50_000 || n < 40_000 {
		t.Errorf("%d octets", n)
	}
}

// TestHostileText: text holds no control character but line ends, and as many lines as a
// harmless one, and with a bound as many that do not go on with another, which are indented; in
// ASCII nothing else.
func TestHostileText(t *testing.T) {
	begun := func(text string) int { return len(regexp.MustCompile(`(?m)^[^ ]`).FindAllString(text, -1)) }
	harmless := string(flow.AppendText(nil, ladderOf("harmless"), &flow.TextOptions{}))
	lines := strings.Count(harmless, "\n")
	for _, s := range hostile {
		for _, o := range []flow.TextOptions{{}, {Width: 80}, {ASCII: true}, {ASCII: true, Width: 60}} {
			text := string(flow.AppendText(nil, ladderOf(s), &o))
			if n := strings.Count(text, "\n"); n != lines && o.Width == 0 || n < lines || begun(text) > begun(harmless) {
				t.Errorf("%.40q: %d lines, %d begun, want %d and %d", s, n, begun(text), lines, begun(harmless))
			}
			for _, r := range text {
				if r < ' ' && r != '\n' || r == 0x7f || r >= 0x80 && o.ASCII || r == '\u202e' {
					t.Errorf("%.40q: %+v: there is %q in the text", s, o, r)
					break
				}
			}
		}
	}
}

// TestHeadFits: what stands above and below a ladder goes on in a further line where it is too wide, in the same words.
func TestHeadFits(t *testing.T) {
	l := ladderOf("bob")
	l.Verdict = strings.TrimSpace(strings.Repeat("as good as it gets ", 9))
	l.Marks[0].Observed = l.Verdict
	whole := string(flow.AppendText(nil, l, &flow.TextOptions{}))
	text := string(flow.AppendText(nil, l, &flow.TextOptions{Width: 80}))
	if joined := strings.Join(strings.Fields(text), " "); strings.Count(joined, l.Verdict) != 2 || strings.Count(whole, l.Verdict) != 2 {
		t.Errorf("%s\n%s", text, whole)
	}
	for line := range strings.Lines(text) {
		if n := clean.Width(strings.TrimSuffix(line, "\n")); n > 80 && !strings.Contains(line, "│") {
			t.Errorf("%d columns: %s", n, line)
		}
	}
}

// TestColour: colours are there when they are asked for, and nothing else changes.
func TestColour(t *testing.T) {
	l := ladderOf("harmless")
	plain := string(flow.AppendText(nil, l, &flow.TextOptions{}))
	colour := string(flow.AppendText(nil, l, &flow.TextOptions{Colour: true}))
	if plain == colour || !strings.Contains(colour, "\x1b[36m") || !strings.Contains(colour, "\x1b[1;31m!1\x1b[0m") {
		t.Errorf("no colours: %q", colour)
	}
	if got := regexp.MustCompile(`\x1b\[[0-9;]*m`).ReplaceAllString(colour, ""); got != plain {
		t.Errorf("without its colours it is\n%s\nwant\n%s", got, plain)
	}
}
