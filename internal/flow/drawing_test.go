package flow_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/sipsight/sipsight/internal/flow"
)

// TestWithin: a drawing is as large as it may be, and says what it leaves out.
func TestWithin(t *testing.T) {
	l := &flow.Ladder{ID: "call-1", Legs: []flow.Leg{{CallID: "c"}}, Columns: []flow.Column{{Name: "a"}, {Name: "b"}}}
	for range 100 {
		l.Rows = append(l.Rows, flow.Row{Label: "INFO", To: 1, Count: 2, Dialog: -1, Frame: "1"})
	}
	for _, format := range []string{"text", "mermaid"} {
		whole := string(flow.AppendWithin(nil, l, format, &flow.TextOptions{}, 1<<20))
		if strings.Contains(whole, "more") || strings.Count(whole, "INFO") != 100 {
			t.Errorf("%s: cut without need", format)
		}
		for _, most := range []int{2000, 1500, 1000} {
			s := string(flow.AppendWithin(nil, l, format, &flow.TextOptions{}, most))
			n := strings.Count(s, "INFO")
			if len(s) > most || len(s) < most-150 || !strings.Contains(s, " more") {
				t.Errorf("%s: %d octets of %d, %d rows", format, len(s), most, n)
			}
			if !strings.Contains(s, strconv.Itoa(2*(100-n))+" messages") {
				t.Errorf("%s: %d rows are shown, and it says\n%s", format, n, s[len(s)-200:])
			}
		}
		if s := flow.AppendWithin(nil, l, format, &flow.TextOptions{}, 10); len(s) > 400 {
			t.Errorf("%s: %d octets", format, len(s))
		}
	}
}

// TestWithinExplains: what explains a drawing leaves room for its rows.
func TestWithinExplains(t *testing.T) {
	l := &flow.Ladder{ID: "call-1", Legs: []flow.Leg{{CallID: "c"}}, Columns: []flow.Column{{Name: "a"}, {Name: "b"}}}
	for i := range 100 {
		l.Rows = append(l.Rows, flow.Row{Label: "INFO", To: 1, Count: 1, Dialog: i % 64, Frame: "1", Marks: []int{i}})
		l.Marks = append(l.Marks, flow.Mark{ID: "via-nat", Severity: "note", Frames: []string{"1"}, Observed: strings.Repeat("o", 200)})
	}
	for range 64 {
		l.Legs[0].Dialogs = append(l.Legs[0].Dialogs, strings.Repeat("t", 500))
	}
	for _, format := range []string{"text", "mermaid"} {
		s := string(flow.AppendWithin(nil, l, format, &flow.TextOptions{Width: 120}, 8000))
		rows, marks := strings.Count(s, "INFO"), strings.Count(s, "via")
		if len(s) > 8000 || rows < 30 || marks == 0 {
			t.Errorf("%s: %d octets, %d rows, %d findings", format, len(s), rows, marks)
		}
		if rows < 100 && !strings.Contains(s, strconv.Itoa(100-rows)+" messages more") || !strings.Contains(s, strconv.Itoa(100-marks)+" findings more") {
			t.Errorf("%s: does not say what is left out\n%s", format, s[len(s)-400:])
		}
		if n := strings.Count(s, " dialog:"); format == "text" && (n == 0 || !strings.Contains(s, strconv.Itoa(64-n)+" lines more")) {
			t.Errorf("%d dialogs are told, and it does not say how many more there are", n)
		}
		if whole := string(flow.AppendWithin(nil, l, format, &flow.TextOptions{}, 1<<20)); strings.Contains(whole, "more") || strings.Count(whole, "via") != 100 {
			t.Errorf("%s: cut without need", format)
		}
	}
}
