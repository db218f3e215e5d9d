package main

import (
	"os"
	"slices"

	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/capture"
	"github.com/sipsight/sipsight/findings"
)

// smallInput is how many octets of captures are read once, keeping the messages of every
// call: all of it fits in memory easily. It is a variable for tests.
var smallInput = int64(8 << 20)

// A closeUp is an analysis that keeps the messages of some calls.
type closeUp struct {
	files   []string
	input   capture.Options
	noMedia bool

	// choose returns the calls that are looked at closely.
	choose func(*analysis.Result, []*findings.Finding) []*analysis.Call

	// of is told the Call-IDs of these calls before the analysis whose messages
	// message is given; nil is all. Both may be nil.
	of      func(func(callID string) bool)
	message func(*analysis.Message) error

	courses bool // keep losses and jitter over time of the streams of these calls
}

// look runs a closeUp. Large files are read twice: the first time tells which calls are
// chosen, so that only their messages have to be kept, and what is wrong. What is no file, or small, is read
// once.
func (e *env) look(r *capture.Reader, x *closeUp) (res *analysis.Result, found []*findings.Finding, chosen []*analysis.Call, err error) {
	if !readTwice(x.files) {
		res, found, err = e.investigate(r, x.options(nil, func(analysis.Frame) bool { return true }))
		return res, found, x.choose(res, found), err
	}
	res, found, err = e.investigate(r, analysis.Options{Streams: !x.noMedia}) // findings may rest on media
	chosen = x.choose(res, found)
	if err != nil || len(chosen) == 0 {
		return res, found, chosen, err
	}
	ids := make(map[int]bool, len(chosen))
	callIDs, streams := make(map[string]bool), make(map[analysis.Frame]bool)
	for _, c := range chosen {
		ids[c.ID] = true
		for _, l := range c.Legs {
			callIDs[l.CallID] = true
			if l.Media != nil {
				for _, s := range l.Media.AllStreams() {
					streams[s.First] = true
				}
			}
		}
	}
	wanted := func(callID string) bool { return callIDs[callID] }
	if x.of != nil {
		x.of(wanted)
	}
	limits := res.Exceeded
	res, chosen = nil, nil // the second time makes them again
	again, err := capture.Open(e.ctx, x.files, x.input)
	if err != nil {
		return &analysis.Result{Traffic: new(analysis.Traffic)}, nil, nil, err
	}
	defer again.Close()
	o := x.options(wanted, func(first analysis.Frame) bool { return streams[first] })
	if e.memory > 0 { // what is kept depends on what rules keep
		res, found, err = e.investigate(again, o)
	} else {
		res, err = e.analyze(again, o)
		findings.Tell(found, res)
		for _, l := range limits { // of rules; what is kept this time may be over another one
			if !slices.Contains(res.Exceeded, l) {
				res.Exceeded = append(res.Exceeded, l)
			}
		}
	}
	for c := range res.Calls.All() {
		if ids[c.ID] {
			chosen = append(chosen, c)
		}
	}
	return res, found, chosen, err
}

// options returns those of the analysis that keeps the messages of some calls, nil for all.
func (x *closeUp) options(wanted func(string) bool, courses func(analysis.Frame) bool) analysis.Options {
	o := analysis.Options{Calls: true, Steps: true, Streams: !x.noMedia, StepsOf: wanted, Message: x.message}
	if x.courses {
		o.Courses = courses
	}
	return o
}

// readTwice reports whether captures are regular files and large.
func readTwice(files []string) bool {
	if !allRegular(files) {
		return false
	}
	total := int64(0)
	for _, name := range files {
		if st, err := os.Stat(name); err == nil {
			total += st.Size()
		}
	}
	return total > smallInput
}
