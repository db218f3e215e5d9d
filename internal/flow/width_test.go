package flow_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/findings"
	"github.com/sipsight/sipsight/internal/capgen"
	"github.com/sipsight/sipsight/internal/clean"
	"github.com/sipsight/sipsight/internal/flow"
)

// TestWidth holds that what stands behind a ladder makes it no wider than it may be, and is not lost.
func TestWidth(t *testing.T) {
	b, err := os.ReadFile("testdata/ladders/attended.txt")
	if err != nil {
		t.Fatal(err)
	}
	in := ofLadder(t, new(capgen.Ladder), sections(string(b))[1].text)
	c := in.res.Calls.At(0)
	var found []*findings.Finding
	for i := range 8 {
		found = append(found, &findings.Finding{ID: "lint", Severity: findings.Error, Call: 1, Frames: []analysis.Frame{{Number: int64(1 + i/6)}}})
	}
	for _, colour := range []bool{false, true} {
		for width := 70; width < 200; width += 7 {
			text := string(flow.AppendText(nil, flow.New(c, found, &flow.Options{}), &flow.TextOptions{Width: width, Colour: colour}))
			text = strings.NewReplacer("\x1b[0m", "", "\x1b[1;31m", "", "\x1b[36m", "", "\x1b[33m", "").Replace(text)
			for line := range strings.Lines(text) {
				if n := clean.Width(strings.TrimSuffix(line, "\n")); n > width {
					t.Errorf("%d columns where %d may be: %s", n, width, line)
				}
			}
			words := strings.Join(strings.Fields(text), " ")
			for _, want := range []string{"hold by the callee", "transfer to sip:carol@10.0.0.3 in the place of call-2, ended with 200 OK: call-3", "!1 !2 !3 !4 !5 !6", "│ !7 !8"} {
				if !strings.Contains(words, want) {
					t.Errorf("%q is not in the ladder of %d columns", want, width)
				}
			}
		}
	}
}

// TestNarrow: a ladder is no wider than it may be, with as many hosts as have room, and no word makes it so.
func TestNarrow(t *testing.T) {
	for _, x := range []struct{ hosts, width int }{{2, 40}, {4, 60}, {5, 72}, {7, 80}} {
		var steps []analysis.Step
		for i := range x.hosts - 1 {
			from, to := addr(fmt.Sprintf("192.168.100.%d:5060", 101+i)), addr(fmt.Sprintf("192.168.100.%d:5060", 102+i))
			steps = append(steps, analysis.Step{From: from, To: to, Method: "INVITE", Request: true, ToCallee: true})
			steps = append(steps, analysis.Step{From: to, To: from, Method: "INVITE", Status: 486, Reason: strings.Repeat("Besetzt", 12)})
		}
		c := callOf(steps...)
		c.Legs[0].CallID = strings.Repeat("id", 120)
		for _, ascii := range []bool{false, true} {
			l := flow.New(c, []*findings.Finding{{ID: "lint", Call: 1, Observed: strings.Repeat("odd", 60)}}, &flow.Options{})
			text := string(flow.AppendText(nil, l, &flow.TextOptions{Width: x.width, ASCII: ascii}))
			for i := range x.hosts {
				if want := fmt.Sprintf("192.168.100.%d", 101+i); !strings.Contains(text, want) {
					t.Errorf("%s is not in\n%s", want, text)
				}
			}
			ports := string(flow.AppendText(nil, flow.New(c, nil, &flow.Options{Ports: true}), &flow.TextOptions{Width: x.width, ASCII: ascii}))
			for line := range strings.Lines(text + ports) {
				if n := clean.Width(strings.TrimSuffix(line, "\n")); n > x.width {
					t.Errorf("%d columns where %d may be: %s", n, x.width, line)
				}
			}
			for i := range x.hosts {
				if want := fmt.Sprintf("%d:5060", 101+i); !strings.Contains(ports, want) {
					t.Errorf("%s is not in\n%s", want, ports)
				}
			}
			if !strings.Contains(text, "INVITE") || !strings.Contains(strings.ReplaceAll(strings.Join(strings.Fields(text), ""), "\n", ""), strings.Repeat("odd", 60)) {
				t.Errorf("words are lost in\n%s", text)
			}
		}
	}
}

// TestSVGWidth holds that what is said below a drawing is there to its last word, and that the title, which is
// larger, has room as well.
func TestSVGWidth(t *testing.T) {
	l := ladderOf("short")
	l.Marks[0].Observed = strings.Repeat("twelve of these make a line, ", 12) + "LAST"
	l.Legs[1].Why = strings.Repeat("joined by this, ", 20) + "FINALLY"
	l.Title = strings.Repeat("W", 120)
	svg := string(flow.AppendSVG(nil, l))
	var width int
	fmt.Sscanf(svg[strings.Index(svg, `width="`)+7:], "%d", &width)
	if width < 120*9 {
		t.Errorf("the drawing is %d wide, its title over %d", width, 120*9)
	}
	for _, want := range []string{"LAST", "FINALLY"} {
		if !strings.Contains(svg, want+"</text>") {
			t.Errorf("%q is not in the drawing", want)
		}
	}
	for _, class := range []string{"mark error", "legend"} {
		for _, s := range strings.Split(svg, `<text class="`+class+`" x="12" `)[1:] {
			s = s[strings.IndexByte(s, '>')+1 : strings.Index(s, "</text>")]
			if n := 12 + 7*clean.Width(s); n > width {
				t.Errorf("%q takes %d of %d", s, n, width)
			}
		}
	}
}
