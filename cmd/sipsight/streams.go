package main

import (
	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/findings"
	"github.com/sipsight/sipsight/internal/report"
)

var streamsCommand = &command{
	name:  "streams",
	args:  "[FLAGS] FILE…",
	short: "one line an RTP stream",
	long: `Lists the RTP streams in the order in which they began, and those of faxes by T.38
among them: packets, losses, the longest wait for a packet (MAX DELTA), mean and highest
jitter, all in ms, and an estimated MOS. RTP is found by packets that fit each other, on any
port and without SIP; a fax where session descriptions announced it. All figures are
those of the point where the capture was made: loss and delay between it and the
listener are not visible.`,
	example: []string{
		"sipsight streams trunk.pcapng",
		"sipsight streams --sort -loss_percent --limit 10 trunk.pcapng",
		"sipsight streams --json trunk.pcapng | jq 'select(.mos and .mos < 3.6)'",
	},
	run: func(e *env, c *command, args []string) int {
		fs := newFlags(c)
		var q listing
		if code, done := q.parse(e, fs, args); done {
			return code
		}
		if fs.noMedia {
			e.errorf("streams: --no-media leaves nothing to list; leave it out")
			return exitUsage
		}
		q.unruled = true
		q.nothing = func(r *analysis.Result) string {
			if len(r.AllStreams()) > 0 {
				return ""
			}
			return report.NoStreams(r)
		}
		return list(e, &q, fs.files, &shown[*analysis.Stream]{report.Streams, report.StreamColumns, report.StreamRow, "streams"},
			func(r *analysis.Result, _ []*findings.Finding) records[*analysis.Stream] {
				return sliceOf[*analysis.Stream](r.AllStreams())
			})
	},
}
