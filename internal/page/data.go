package page

import (
	"encoding/json"
	"fmt"
	"math"
	"time"

	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/findings"
	"github.com/sipsight/sipsight/internal/flow"
	"github.com/sipsight/sipsight/internal/report"
)

// What the script is given. Its keys are between this room and its script alone.

// A head is what the page shows first.
type head struct {
	Version string   `json:"version"`
	Files   []string `json:"files"`
	NoSIP   string   `json:"no_sip,omitempty"`
	Unread  []string `json:"unread"`
	Notes   []string `json:"notes"` // what is left out
	Setup   []bin    `json:"setup"` // how setup times are distributed
}

// A bin counts setup times.
type bin struct {
	Label string `json:"label"`
	Count int    `json:"count"`
}

var bins = []struct {
	label string
	under time.Duration
}{
	{"0.1", 100 * time.Millisecond}, {"0.2", 200 * time.Millisecond}, {"0.5", 500 * time.Millisecond}, {"1", time.Second}, {"2", 2 * time.Second},
	{"5", 5 * time.Second}, {"10", 10 * time.Second}, {"20", 20 * time.Second}, {"60", time.Minute}, {"∞", 1 << 62},
}

// setupTimes returns how setup times are distributed; nil where there are none.
func setupTimes(t *analysis.Traffic) []bin {
	list := make([]bin, len(bins))
	any := false
	for i, b := range bins {
		list[i].Label = b.label
	}
	for c := range t.Calls.Heads() {
		d, ok := c.First().SetupTime()
		if !ok {
			continue
		}
		any = true
		for i, b := range bins {
			if d < b.under {
				list[i].Count++
				break
			}
		}
	}
	if !any {
		return nil
	}
	return list
}

// A callRow is one call of the table, as an array: ten thousand of them should be small.
type callRow []any

// row makes the row of a call.
func (w *writer) row(c *analysis.Call, worst findings.Severity, full bool) callRow {
	l := c.First()
	start := float64(0)
	if !l.Begin.IsZero() {
		start = float64(l.Begin.UnixMilli())
	}
	messages := 0
	for _, l := range c.Legs {
		messages += l.Messages
	}
	row := callRow{
		c.ID, start, maskURI(l.From, w.o.Report.Secrets), maskURI(called(l), w.o.Report.Secrets), int(l.State), l.FinalStatus,
		ms(l.PostDialDelay()), ms(l.SetupTime()), ms(l.TalkTime()), l.Source.String(), l.Destination.String(),
		len(c.Legs), messages, int(worst), full, maskURI(l.CallID, true), c.Verdict(),
	}
	if s := w.behind(c); s != "" {
		row = append(row, s)
	}
	return row
}

// maxBehind bounds in octets what a row has of further hops and legs, give or take one of them.
const maxBehind = 1000

// behind returns the hosts of a call behind its first hop, and the parties and Call-IDs of its further legs: who searches for
// a trunk or a number finds the calls that a server sent there. It is "" for a call without.
func (w *writer) behind(c *analysis.Call) string {
	first := c.First()
	var list []byte
	for i, l := range c.Legs {
		if i > 0 {
			list = fmt.Append(list, " ", maskURI(l.CallID, true), " ", maskURI(l.From, w.o.Report.Secrets), " ", maskURI(called(l), w.o.Report.Secrets))
		}
		for _, h := range l.Hops {
			if len(list) > maxBehind {
				return string(list)
			}
			if h.A != first.Source || h.B != first.Destination {
				list = fmt.Append(list, " ", h.A, " ", h.B)
			}
		}
	}
	return string(list)
}

func called(l *analysis.Leg) string {
	if l.To != "" {
		return l.To
	}
	return l.RequestURI
}

// ms returns a duration in milliseconds; -1 for none.
func ms(d time.Duration, ok bool) float64 {
	if !ok {
		return -1
	}
	return float64(d.Milliseconds())
}

// A ladder is a call as its ladder.
type ladder struct {
	*flow.Head
	Rows []ladderRow `json:"rows"`
}

type ladderRow struct {
	flow.Line
	Texts []int `json:"texts,omitempty"` // indices into the texts of the call
}

// ladderOf makes the ladder of a call for the script. texts is where the message of each
// step is, -1 for none.
func ladderOf(l *flow.Ladder, texts []int) ladder {
	x := ladder{Head: l.Head(), Rows: []ladderRow{}}
	for i := range l.Rows {
		row := ladderRow{Line: l.Line(&l.Rows[i])}
		for _, s := range l.Rows[i].Steps {
			if texts[s] >= 0 {
				row.Texts = append(row.Texts, texts[s])
			}
		}
		x.Rows = append(x.Rows, row)
	}
	return x
}

// A whole is a call in full.
type whole struct {
	Call   json.RawMessage `json:"call"` // as sipsight call --json tells it, but for the timeline
	Ladder ladder          `json:"ladder"`
	Texts  []string        `json:"texts"`

	// Courses are losses and jitter over time of the streams in Call, in their order; nil
	// for those of which they are not known.
	Courses []*course `json:"courses,omitempty"`
}

// A course is how losses and jitter of a stream went over time, in spans of one length.
type course struct {
	Start  string      `json:"start"`
	Step   float64     `json:"step_ms"`
	Points [][]float64 `json:"points"` // packets, lost, most jitter in ms
}

// minCourse is how many spans make a chart worth while.
const minCourse = 4

// coursesOf returns the courses of the listed streams of a call, nil if there are none.
func coursesOf(o *report.Options, c *analysis.Call) (list []*course) {
	any := false
	streams, _ := report.ListedStreams(o, c)
	for _, s := range streams {
		points, step := s.Course()
		if len(points) < minCourse {
			list = append(list, nil)
			continue
		}
		any = true
		x := &course{Start: s.Begin().UTC().Format("15:04:05.000"), Step: float64(step) / float64(time.Millisecond)}
		for _, p := range points {
			x.Points = append(x.Points, []float64{float64(p.Packets), float64(p.Lost), math.Round(float64(p.Jitter)/1e4) / 100})
		}
		list = append(list, x)
	}
	if !any {
		return nil
	}
	return list
}
