package main

import (
	"errors"
	"strings"

	"github.com/sipsight/sipsight/internal/clean"
	"github.com/sipsight/sipsight/internal/filter"
	"github.com/sipsight/sipsight/internal/report"
)

// A filterFlag is the expression of --filter.
type filterFlag struct {
	expr  string
	given bool
}

func (f *filterFlag) String() string { return "" }

// Set takes an expression. Of several all have to hold: none is passed over in silence.
func (f *filterFlag) Set(v string) error {
	if f.given {
		v = "(" + f.expr + ") and (" + v + ")"
	}
	f.expr, f.given = v, true
	return nil
}

// A onceFlag is a text that chooses. A second one is refused: it would take the place of the first without a word.
type onceFlag string

func (f *onceFlag) String() string { return "" }

func (f *onceFlag) Set(v string) error {
	if *f != "" {
		return errors.New("it is given already; --filter takes several, with in {…}")
	}
	*f = onceFlag(v)
	return nil
}

// filterFlag adds --filter, which selects what.
func (fs *flags) filterFlag(f *filterFlag, what string) {
	fs.Var(f, "filter", "only "+what+" that meet `EXPR`: see sipsight help filter")
}

// parseFilter makes the filter that was asked for, nil if none was. ok is false where the
// expression is refused, which has been said.
func parseFilter[T any](e *env, c string, q *filterFlag, secrets bool, s *filter.Schema[T]) (f *filter.Filter[T], ok bool) {
	if !q.given {
		return nil, true
	}
	f, err := s.Parse(q.expr)
	if err == nil {
		f.Secrets = secrets
		return f, true
	}
	var fault *filter.Error
	if !errors.As(err, &fault) {
		e.errorf("%s: --filter: %v", c, err)
		return nil, false
	}
	what := fault.What
	if fault.Hint != "" {
		what += "; " + fault.Hint
	}
	e.printf("sipsight: %s: --filter: %s\n", c, limitText(what, 1000)) // the words that may stand there are more than errorf lets through
	for line := range strings.SplitSeq(fault.Caret(), "\n") {
		e.printf("  %s\n", clean.Text(line))
	}
	return nil, false
}

// filterHelp is all about filters.
func filterHelp() string {
	b := []byte(filter.Language)
	b = append(b, "\nFields of messages (messages, analyze):\n"...)
	b = filter.Messages().AppendHelp(b)
	b = append(b, "\nFields of calls (calls):\n"...)
	b = report.Calls.Filters(&report.Options{}).AppendHelp(b)
	b = append(b, "\nFields of registrations (registrations):\n"...)
	b = report.Registrations.Filters(&report.Options{}).AppendHelp(b)
	b = append(b, "\nFields of streams (streams):\n"...)
	b = report.Streams.Filters(&report.Options{}).AppendHelp(b)
	b = append(b, "\nFields of findings (findings):\n"...)
	b = report.Findings.Filters(&report.Options{}).AppendHelp(b)
	return string(b)
}
