package flow_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/capture"
	"github.com/sipsight/sipsight/findings"
	"github.com/sipsight/sipsight/internal/flow"
)

// TestCaptures draws every call of real captures with all pens: each message is in a row or
// counted, the drawings are well-formed, and two of them are equal.
func TestCaptures(t *testing.T) {
	files, _ := filepath.Glob("../../testdata/captures/*.pcap*")
	if shared := os.Getenv("SIPSIGHT_SHARED"); shared != "" {
		for _, pattern := range []string{"*.pcap", "*.pcapng", "*.cap", "*.gz"} {
			more, _ := filepath.Glob(filepath.Join(shared, "captures", pattern))
			files = append(files, more...)
		}
	} else {
		t.Log("SIPSIGHT_SHARED is not set: the captures of this project alone")
	}
	calls := 0
	for _, file := range files {
		r, err := capture.Open(context.Background(), []string{file}, capture.Options{})
		if err != nil {
			continue
		}
		c := findings.New()
		res, err := analysis.Run(context.Background(), r, c.Options(analysis.Options{Steps: true, Streams: true}))
		r.Close()
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		found := c.Finish(res)
		for i := range res.Calls.Len() {
			call := res.Calls.At(i)
			if i == 60 {
				break
			}
			calls++
			checkCall(t, filepath.Base(file), call, found)
		}
	}
	if calls < 20 {
		t.Errorf("only %d calls", calls)
	}
}

func checkCall(t *testing.T, file string, c *analysis.Call, found []*findings.Finding) {
	t.Helper()
	l := flow.New(c, found, &flow.Options{})
	shown := l.LeftOut
	for i := range l.Rows {
		r := &l.Rows[i]
		shown += len(r.Steps)
		if r.From < 0 || r.To < 0 || max(r.From, r.To) >= len(l.Columns) || r.Leg >= len(l.Legs) || r.Kind != flow.Media && r.Count != len(r.Steps) {
			t.Errorf("%s, %s: row %d is %+v", file, l.ID, i, r)
		}
	}
	steps := 0
	for _, leg := range c.Legs {
		steps += len(leg.Steps)
	}
	if shown != steps {
		t.Errorf("%s, %s: %d of %d messages are in rows", file, l.ID, shown, steps)
	}
	shape(t, flow.AppendSVG(nil, l))
	for _, o := range []flow.TextOptions{{}, {Width: 80, ASCII: true, Clock: flow.Delta}} {
		text := string(flow.AppendText(nil, l, &o))
		if text != string(flow.AppendText(nil, flow.New(c, found, &flow.Options{}), &o)) {
			t.Errorf("%s, %s: two drawings differ", file, l.ID)
		}
		checkBars(t, file, l, text, o.ASCII)
		if strings.ContainsFunc(text, func(r rune) bool { return r < ' ' && r != '\n' || r == 0x7f || o.ASCII && r > 0x7e }) {
			t.Errorf("%s, %s: control characters in\n%s", file, l.ID, text)
		}
	}
}

// checkBars holds that every row has its first bar in one place.
func checkBars(t *testing.T, file string, l *flow.Ladder, text string, ascii bool) {
	t.Helper()
	bar := "│"
	if ascii {
		bar = "|"
	}
	place, rows := -1, 0
	for _, line := range strings.Split(text, "\n") {
		before, _, ok := strings.Cut(line, bar)
		if !ok || rows == len(l.Rows) || strings.ContainsAny(before, "!:") && rows == 0 {
			continue
		}
		rows++
		if n := len([]rune(before)); place < 0 {
			place = n
		} else if n != place {
			t.Errorf("%s, %s: a bar is at %d, not at %d: %s", file, l.ID, n, place, line)
		}
	}
	if rows != len(l.Rows) {
		t.Errorf("%s, %s: %d of %d rows\n%s", file, l.ID, rows, len(l.Rows), text)
	}
}
