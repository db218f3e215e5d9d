package fuzz

import (
	"encoding/xml"
	"io"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/sipsight/sipsight/internal/clean"
	"github.com/sipsight/sipsight/internal/flow"
)

// ladderOf returns a ladder with a text of a capture wherever one may stand.
func ladderOf(s string) *flow.Ladder {
	s = clean.Text(s)
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	row := flow.Row{Time: at, Frame: "1", To: 1, Label: "x" + s, Media: "x" + s, Detail: "x" + s, Count: 1, Notes: []string{s}, Marks: []int{0}}
	return &flow.Ladder{
		ID: "call-1", Title: s, Verdict: "x" + s, Start: at, Legs: []flow.Leg{{CallID: s}}, Columns: []flow.Column{{Name: s, Addr: "x"}, {Name: "x" + s, Addr: "x" + s}},
		Rows: []flow.Row{row}, Marks: []flow.Mark{{ID: "id", Severity: "note", Observed: s}},
	}
}

var mermaidLine = regexp.MustCompile(`^(sequenceDiagram|    (title|participant P\d as|P1->>P2:|Note over P1,P2:) (?:[A-Za-z0-9. ]|#\d+;|<br/>)*)$`)

// FuzzLadder holds that no text changes anything of a drawing but itself: as many elements
// of XML, as many lines of text, and lines of Mermaid of ours alone.
func FuzzLadder(f *testing.F) {
	for _, s := range []string{"", "end", "a;b#59;", "<script>&\"'", "\x1b[2J\u202e", "]]>", "\xff\ufffe", "日本", "note over P1: x\n", "\n    1    0.000  x", strings.Repeat("words and ", 9), strings.Repeat("\x00", 20)} {
		f.Add(s)
	}
	elements := func(t *testing.T, l *flow.Ladder) (n int) {
		d := xml.NewDecoder(strings.NewReader(string(flow.AppendSVG(nil, l))))
		for {
			x, err := d.Token()
			if err == io.EOF {
				return n
			}
			if err != nil {
				t.Fatal(err)
			}
			if _, ok := x.(xml.StartElement); ok {
				n++
			}
		}
	}
	f.Fuzz(func(t *testing.T, s string) {
		plain, hostile := ladderOf("plain"), ladderOf(s)
		if got, want := elements(t, hostile), elements(t, plain); s != "" && got != want {
			t.Errorf("%d elements, want %d", got, want)
		}
		for line := range strings.Lines(string(flow.AppendMermaid(nil, hostile))) {
			if !mermaidLine.MatchString(strings.TrimSuffix(line, "\n")) {
				t.Errorf("a line of Mermaid is %q", line)
			}
		}
		for _, o := range []flow.TextOptions{{}, {ASCII: true}} {
			got, want := flow.AppendText(nil, hostile, &o), flow.AppendText(nil, plain, &o)
			if n := strings.Count(string(got), "\n"); n != strings.Count(string(want), "\n") {
				t.Errorf("%d lines:\n%s", n, got)
			}
		}
		// Within a width texts go on in further lines, and none of these passes for a message.
		narrow := "\n" + string(flow.AppendText(nil, hostile, &flow.TextOptions{Width: 60}))
		if n := strings.Count(narrow, "\n    1    0.000  "); n != 1 {
			t.Errorf("%d rows of one message:\n%s", n, narrow)
		}
	})
}
