package main

import (
	"cmp"
	"errors"
	"math"
	"slices"
	"strings"

	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/findings"
	"github.com/sipsight/sipsight/internal/clean"
	"github.com/sipsight/sipsight/internal/report"
)

var findingsCommand = &command{
	name:  "findings",
	args:  "[FLAGS] FILE…",
	short: "one line a finding: what is wrong, with its proof",
	long: `Lists what is wrong in the calls, registrations and the capture itself, the worst
first: each finding with the frames that prove it. --json adds what was expected, the
next step, the section of the RFC and a Wireshark display filter. --explain ID tells what
a finding means, why it matters and what to do; --explain all lists the ids.`,
	example: []string{
		"sipsight findings trunk.pcapng",
		"sipsight findings --severity error --json trunk.pcapng",
		"sipsight findings --call call-3 trunk.pcapng",
		"sipsight findings --explain drop-at-32s",
		"sipsight findings --fail-on error nightly.pcapng || mail-the-team",
	},
	run: runFindings,
}

// A severityFlag is a severity, or none.
type severityFlag struct{ s findings.Severity }

func (f *severityFlag) String() string { return f.s.String() }

func (f *severityFlag) Set(v string) error {
	s, ok := findings.ParseSeverity(v)
	if !ok {
		return errors.New("give note, warning or error")
	}
	f.s = s
	return nil
}

// code returns the exit code of a run that would end with code, given what was found.
func (f *severityFlag) code(code int, found []*findings.Finding) int {
	if f.s == 0 || code != exitOK {
		return code
	}
	if slices.ContainsFunc(found, func(x *findings.Finding) bool { return x.Severity >= f.s }) {
		return exitFound
	}
	return code
}

func runFindings(e *env, c *command, args []string) int {
	fs := newFlags(c)
	var q listing
	var severity severityFlag
	q.flags(fs)
	fs.Var(&q.since, "since", "only those whose first frame is of this `TIME` or later")
	fs.Var(&q.until, "until", "only those whose first frame is of a time up to this `TIME`")
	fs.Var(&severity, "severity", "only this `SEVERITY` and worse: note, warning or error")
	id, call := new(string), new(string)
	fs.Var((*onceFlag)(id), "id", "only findings of this `ID`")
	fs.Var((*onceFlag)(call), "call", "only findings of this `CALL`: call-3, or a Call-ID")
	explain := fs.String("explain", "", "tell what the finding `ID` means; needs no file")
	fs.Var(&q.failOn, "fail-on", "exit with 1 if one of those chosen is of this `SEVERITY` or a worse one")
	if code, done := fs.parse(e, args); done {
		return code
	}
	if *explain != "" {
		return e.explain(*explain)
	}
	if code, done := fs.needNamed(e); done {
		return code
	}
	if !q.check(e, c.name) || *id != "" && !e.knownFinding(*id) {
		return exitUsage
	}
	span := &frameSpan{q: &q, files: make([]fileSpan, len(fs.files))}
	if q.timed() {
		q.watch = span.see
	}
	return list(e, &q, fs.files, &shown[*findings.Finding]{report.Findings, report.FindingColumns, report.FindingRow, "findings"},
		func(res *analysis.Result, found []*findings.Finding) records[*findings.Finding] {
			number := 0
			if *call != "" {
				x := report.FindCall(res, *call)
				if x == nil {
					e.errorf("findings: %s", noSuchCall(res, *call))
					q.missing = true
					return sliceOf[*findings.Finding](nil)
				}
				number = x.ID
				e.sayOthers(res, *call)
			}
			q.before = len(found)
			if *call != "" {
				found = findings.Singly(found)
			}
			found = slices.DeleteFunc(slices.Clone(found), func(f *findings.Finding) bool {
				return f.Severity < severity.s || *call != "" && f.Call != number || q.timed() && !span.holds(f)
			})
			if *id == "" {
				return sliceOf[*findings.Finding](found)
			}
			if text := report.RelatedText(*id, found); text != "" {
				q.nothing = func(*analysis.Result) string { return text }
			}
			return sliceOf[*findings.Finding](slices.DeleteFunc(found, func(f *findings.Finding) bool { return f.ID != *id }))
		})
}

// A frameSpan knows which frames are of the time asked for, by those of the messages around. A finding has frames and no time of its own.
type frameSpan struct {
	q     *listing
	files []fileSpan
}

// A fileSpan is that of one file: the last message before the one time, and the first behind the other; 0 for none. Where times
// go back, frames between are let pass.
type fileSpan struct{ before, behind int64 }

// see takes in the time of a message.
func (s *frameSpan) see(m *analysis.Message) error {
	f, n := &s.files[m.Frame.File], m.Frame.Number
	if m.HasTime {
		s.q.see(m.Time)
	}
	switch {
	case !m.HasTime:
	case m.Time.Before(s.q.since.t):
		f.before = max(f.before, n)
	case !s.q.until.t.IsZero() && m.Time.After(s.q.until.t) && (f.behind == 0 || n < f.behind):
		f.behind = n
	}
	return nil
}

// holds reports whether the first frame of a finding is of the time asked for.
func (s *frameSpan) holds(x *findings.Finding) bool {
	if len(x.Frames) == 0 {
		return false
	}
	n, f := x.Frames[0].Number, s.files[x.Frames[0].File]
	return n > f.before && (f.behind == 0 || n < f.behind)
}

// knownFinding says that an id is not known, if so.
func (e *env) knownFinding(id string) bool {
	if findings.Lookup(id) != nil {
		return true
	}
	e.errorf("findings: there is no finding %s%s; sipsight findings --explain all lists them", clean.Text(id), didYouMean(id, findings.IDs()))
	return false
}

// explain tells what a rule means, or lists all.
func (e *env) explain(id string) int {
	var b []byte
	if strings.EqualFold(id, "all") {
		g := report.Grid{Columns: []report.GridColumn{{Head: "ID"}, {Head: "SEVERITY", Spare: 1}, {Head: "WHAT"}}}
		for _, r := range findings.Rules() {
			g.Add(r.ID, r.Severity, r.Title)
		}
		width := cmp.Or(e.width(), math.MaxInt)
		most := 0 // all columns, where the last one has room to go on below itself
		if width < usualWidth {
			most = width
		}
		table := string(g.Append(nil, most))
		for line := range strings.Lines(table) {
			b = appendWrapped(b, line, strings.Index(table, "WHAT"), width)
		}
	} else {
		if !e.knownFinding(id) {
			return exitUsage
		}
		b = e.fit(report.AppendRuleText(nil, findings.Lookup(id), min(cmp.Or(e.width(), 78), 78)))
	}
	if _, err := e.stdout.Write(b); err != nil {
		return e.writeFailed(err)
	}
	return exitOK
}
