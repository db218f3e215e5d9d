package report

import (
	"cmp"
	"slices"

	"github.com/sipsight/sipsight/analysis"
)

// A Step is one message of a call.
type Step struct {
	analysis.Step
	Leg int // index into the legs of the call
}

// What says what a message is, in a few words.
func (s *Step) What() string {
	if s.Request {
		return s.Method
	}
	if s.Status == 0 {
		return "response (" + s.Method + ")"
	}
	return statusText(s.Status) + " (" + s.Method + ")"
}

// Timeline returns the messages of all legs of a call in the order in which they were
// captured.
func Timeline(c *analysis.Call) []Step {
	var list []Step
	for i, l := range c.Legs {
		for _, s := range l.Steps {
			list = append(list, Step{s, i})
		}
	}
	if len(c.Legs) > 1 {
		slices.SortStableFunc(list, func(a, b Step) int {
			if a.Time.IsZero() || b.Time.IsZero() || a.Frame.File == b.Frame.File {
				return cmp.Or(a.Frame.File-b.Frame.File, cmp.Compare(a.Frame.Number, b.Frame.Number))
			}
			return a.Time.Compare(b.Time)
		})
	}
	return list
}
