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
