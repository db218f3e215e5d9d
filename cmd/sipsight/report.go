package main

import (
	"errors"
	"io"
	"slices"
	"strings"

	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/findings"
	"github.com/sipsight/sipsight/internal/clean"
	"github.com/sipsight/sipsight/internal/flow"
	"github.com/sipsight/sipsight/internal/page"
	"github.com/sipsight/sipsight/internal/report"
)

var reportCommand = &command{
	name:  "report",
	args:  "[FLAGS] FILE… -o OUT",
	short: "one HTML file to open, search and send",
	long: `Makes one HTML file of everything: numbers and charts, findings, a table of all calls to
search, sort and filter, registrations and the captures themselves. Some calls are shown
in full, with ladder and messages: those with errors first, then warnings, then those that
failed. The file loads nothing from anywhere, and opens from a disk or a mail. Secrets are
masked. Large files are read twice.`,
	example: []string{
		"sipsight report trunk.pcapng -o trunk.html",
		"sipsight report --max-calls 1000 day-*.pcap.gz -o day.html",
		"sipsight report --alias 10.0.0.9=proxy trunk.pcapng -o - > trunk.html",
	},
	run: runReport,
}

func runReport(e *env, c *command, args []string) int {
	fs := newFlags(c)
	var q listing
	var out string
	var force bool
	var layout flow.Options
	calls := fs.Int("max-calls", page.DefaultCalls, "show at most `N` calls in full, the others as rows")
	fs.secretsFlag(&q.secrets)
	fs.failOnFlag(&q.failOn)
	fs.inputFlags(&q.input)
	fs.nameFlags(&layout.Names)
	fs.outputFlags(&out, &force)
	if code, done := fs.needFiles(e, args); done {
		return code
	}
	switch {
	case out == "":
		e.errorf("report: name the file to write, such as: sipsight report %s -o report.html", fs.files[0])
		return exitUsage
	case *calls < 0:
		e.errorf("report: --max-calls must not be negative")
		return exitUsage
	}
	w, err := e.newOutFile(out, force, fs.files)
	if err != nil {
		return e.outputFailed(out, err)
	}
	r, err := e.open(fs.files, q.input)
	if err != nil {
		w.discard()
		return exitFailed
	}
	defer r.Close()
	layout.Report = report.Options{Secrets: q.secrets, Files: fs.files, NoMedia: fs.noMedia}
	texts := &page.Texts{Secrets: q.secrets}
	res, found, full, err := e.look(r, &closeUp{
		files: fs.files, input: q.input, noMedia: fs.noMedia, message: texts.Take, courses: true,
		of: func(wanted func(string) bool) { texts.Of = wanted },
		choose: func(res *analysis.Result, found []*findings.Finding) []*analysis.Call {
			return page.Choose(res, found, *calls)
		},
	})
	werr := w.end(writeReport(w, &page.Report{Version: versionString(), Result: res, Found: found, Full: full, Texts: texts, Options: layout}))
	if err == nil {
		err = werr
	}
	code := e.finish(res, err)
	if len(full) < res.Calls.Len() {
		e.errorf("%d of %d calls are shown in full (--max-calls)", len(full), res.Calls.Len())
	}
	return q.failOn.code(code, found)
}

// writeReport writes a report, which is handed on: queries of URLs, where signed ones have their signature, are masked with the
// other secrets.
func writeReport(w io.Writer, p *page.Report) error {
	o := &p.Options.Report
	if o.Secrets {
		return page.Write(w, p)
	}
	o.Files = slices.Clone(o.Files)
	for i, name := range o.Files {
		o.Files[i] = clean.Name(name)
	}
	for i := range p.Result.Files {
		was := p.Result.Files[i].Capture
		c := *was
		if c.Name = clean.Name(was.Name); c.Err != nil {
			c.Err = errors.New(c.Name + strings.TrimPrefix(was.Err.Error(), was.Name))
		}
		p.Result.Files[i].Capture = &c
		defer func() { p.Result.Files[i].Capture = was }()
	}
	return page.Write(w, p)
}
