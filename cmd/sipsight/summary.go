package main

import (
	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/internal/report"
)

var summaryCommand = &command{
	name:  "summary",
	args:  "[FLAGS] FILE…",
	short: "one screen: what is in here and what went wrong",
	long: `Tells in one screen what a capture holds: messages, calls by how far they came,
registrations, keepalives, the numbers of RFC 6076, the busiest addresses, why calls
failed, and what could not be read.`,
	example: []string{
		"sipsight summary trunk.pcapng",
		"sipsight summary --json day-*.pcap.gz | jq .metrics",
	},
	run: func(e *env, c *command, args []string) int {
		fs := newFlags(c)
		var q listing
		fs.BoolVar(&q.json, "json", false, "one JSON object")
		fs.secretsFlag(&q.secrets)
		fs.failOnFlag(&q.failOn)
		fs.colourFlag(&q.colour, "good and bad")
		fs.inputFlags(&q.input)
		if code, done := fs.needFiles(e, args); done {
			return code
		}
		r, err := e.open(fs.files, q.input)
		if err != nil {
			return exitFailed
		}
		defer r.Close()
		res, found, err := e.investigate(r, analysis.Options{Streams: !fs.noMedia})
		o := &report.Options{Secrets: q.secrets, Files: fs.files, Colour: e.colours(q.colour, true), Width: e.width()}
		var b []byte
		if q.json {
			b = append(report.AppendSummary(nil, res, found, o), '\n')
		} else {
			b = e.fit(report.AppendSummaryText(nil, res, found, o))
		}
		_, werr := e.stdout.Write(b)
		return q.failOn.code(e.finish(res, orWriting(err, werr)), found)
	},
}
