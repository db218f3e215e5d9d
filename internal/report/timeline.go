package report

import (
	"sort"

	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/internal/words"
)

// A Step is one message of a call.
type Step struct {
	analysis.Step
	Leg int // index into the legs of the call
}

// What says what a message is, in a few words, of which the method is text of the capture.
func (s *Step) What() string {
	if s.Request {
		return s.Method
	}
	if s.Status == 0 {
		return "response (" + s.Method + ")"
	}
	return words.Status(s.Status) + " (" + s.Method + ")"
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
		sort.SliceStable(list, func(i, j int) bool { return list[i].before(&list[j]) })
	}
	return list
}

// Unkept returns how many messages of a call are over the limits on what is kept of it: its timeline lacks them.
func Unkept(c *analysis.Call) int {
	return int(max(0, sum(c, func(l *analysis.Leg) int { return l.Messages - len(l.Steps) })))
}

// before says whether a step is earlier than another: by the number of its
// frame within one file or where a time is missing, by time across files.
func (s *Step) before(o *Step) bool {
	switch {
	case !s.Time.IsZero() && !o.Time.IsZero() && s.Frame.File != o.Frame.File:
		return s.Time.Before(o.Time)
	case s.Frame.File != o.Frame.File:
		return s.Frame.File < o.Frame.File
	}
	return s.Frame.Number < o.Frame.Number
}
