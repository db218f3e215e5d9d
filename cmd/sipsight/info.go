package main

import (
	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/capture"
	"github.com/sipsight/sipsight/internal/report"
)

var infoCommand = &command{
	name:  "info",
	args:  "[FLAGS] FILE…",
	short: "the captures themselves: format, packets, times, damage",
	long: `Tells what each capture is: its format, interfaces and link types, packets, times,
rates, the protocols in it, what is odd about it and what could not be read. With --json
one object a file.`,
	example: []string{
		"sipsight info call.pcapng",
		"sipsight info --json day*.pcap.gz",
	},
	run: runInfo,
}

func runInfo(e *env, c *command, args []string) int {
	fs := newFlags(c)
	var o capture.Options
	asJSON := fs.Bool("json", false, "one JSON object a file")
	var colour colourFlag
	fs.colourFlag(&colour, "damage")
	fs.inputFlags(&o)
	if code, done := fs.needFiles(e, args); done {
		return code
	}
	r, openErr := e.open(fs.files, o)
	if openErr != nil && (r == nil || !*asJSON) {
		return exitFailed
	}
	defer r.Close()
	res, err := e.analyze(r, analysis.Options{NoNames: true})
	var b []byte
	for i := range res.Files {
		if *asJSON {
			b = append(report.AppendInfo(b, &res.Files[i]), '\n')
			continue
		}
		if i > 0 {
			b = append(b, '\n')
		}
		b = report.AppendInfoText(b, &res.Files[i])
	}
	if !*asJSON {
		if b = e.fit(b); e.colours(colour, true) {
			b = report.ColourDamage(b)
		}
	}
	if _, err := e.stdout.Write(b); err != nil {
		return e.writeFailed(err)
	}
	if openErr != nil { // each object says why
		return exitFailed
	}
	return e.finish(res, err)
}
