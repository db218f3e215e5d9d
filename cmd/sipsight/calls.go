package main

import (
	"os"
	"strconv"

	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/capture"
	"github.com/sipsight/sipsight/findings"
	"github.com/sipsight/sipsight/internal/report"
)

var callsCommand = &command{
	name:  "calls",
	args:  "[FLAGS] FILE…",
	short: "one line a call",
	long: `Lists the calls by their numbers, which is the order in which they began unless packets
are missing or out of order (--sort start): who called whom, what became of it, and how long it took to ring (PDD), to be answered (SETUP) and to be ended (TALK), in
seconds. Legs of one call behind a back-to-back user agent are one line; LEGS says how
many. sipsight call ID tells one call in full.`,
	example: []string{
		"sipsight calls trunk.pcapng",
		"sipsight calls --sort -post_dial_delay_ms --limit 10 trunk.pcapng",
		"sipsight calls --filter 'call.state == failed and call.ring_ms > 5000' a.pcap",
		"sipsight calls --json a.pcap | jq -r 'select(.state == \"failed\") | .verdict'",
		"sipsight calls --csv day-*.pcap.gz > calls.csv",
	},
	run: func(e *env, c *command, args []string) int {
		fs := newFlags(c)
		var q listing
		if code, done := q.parse(e, fs, args); done {
			return code
		}
		return list(e, &q, fs.files, &shown[*analysis.Call]{
			report.Calls, report.CallColumns, report.CallRow, "calls",
		}, func(r *analysis.Result, _ []*findings.Finding) records[*analysis.Call] { return r.Calls.Reader() })
	},
}

var registrationsCommand = &command{
	name:  "registrations",
	args:  "[FLAGS] FILE…",
	short: "one line an address-of-record",
	long: `Lists who registers: the address-of-record, where from, with what outcome, how often it
was tried and refreshed, and for how long the registrar granted the last contact.`,
	example: []string{
		"sipsight registrations trunk.pcapng",
		"sipsight registrations --json a.pcap | jq 'select(.outcome != \"registered\")'",
		"sipsight registrations --filter 'reg.outcome != registered' trunk.pcapng",
		"sipsight registrations --sort -failures --limit 20 trunk.pcapng",
	},
	run: func(e *env, c *command, args []string) int {
		fs := newFlags(c)
		var q listing
		if code, done := q.parse(e, fs, args); done {
			return code
		}
		return list(e, &q, fs.files, &shown[*analysis.Registration]{
			report.Registrations, report.RegistrationColumns, report.RegistrationRow, "registrations",
		}, func(r *analysis.Result, _ []*findings.Finding) records[*analysis.Registration] {
			return r.Registrations.Reader()
		})
	},
}

var callCommand = &command{
	name:  "call",
	args:  "[FLAGS] ID FILE…",
	short: "one call explained: verdict, times, messages",
	long: `Tells one call in full. ID is what sipsight calls prints, such as call-3 or 3, or a
Call-ID.`,
	example: []string{
		"sipsight call call-3 trunk.pcapng",
		"sipsight call 3-11467@127.0.0.11 trunk.pcapng",
		"sipsight call --json 3 trunk.pcapng | jq .timeline",
	},
	run: runCall,
}

func runCall(e *env, c *command, args []string) int {
	fs := newFlags(c)
	var q listing
	fs.BoolVar(&q.json, "json", false, "one JSON object")
	fs.secretsFlag(&q.secrets)
	fs.colourFlag(&q.colour, "good and bad")
	fs.inputFlags(&q.input)
	if code, done := fs.parse(e, args); done {
		return code
	}
	if len(fs.files) < 2 {
		e.errorf("call: give the call and at least one capture, such as: sipsight call call-1 trunk.pcapng")
		e.printf("usage: sipsight %s %s\n", c.name, c.args)
		return exitUsage
	}
	id, files := fs.files[0], fs.files[1:]
	if code, done := fs.oneStdin(e, files); done {
		return code
	}
	if id == "" {
		e.errorf("call: the name of the call is empty; give one that sipsight calls lists, such as call-1")
		return exitUsage
	}
	if last := files[len(files)-1]; isFile(id) && !isFile(last) && last != "-" && !capture.IsURL(last) {
		e.errorf("call: %s is a file, and %s is none: the call stands in front, as in: sipsight call %s %s", id, last, last, id)
		return exitUsage
	}
	r, err := e.open(files, q.input)
	if err != nil {
		return exitFailed
	}
	defer r.Close()
	res, found, calls, err := e.look(r, &closeUp{files: files, input: q.input, noMedia: fs.noMedia,
		choose: func(res *analysis.Result, _ []*findings.Finding) []*analysis.Call {
			if c := report.FindCall(res, id); c != nil {
				return []*analysis.Call{c}
			}
			return nil
		}})
	if len(calls) == 0 {
		code := e.finish(res, err)
		if err == nil { // else it may be in what was not read
			e.errorf("call: %s", noSuchCall(res, id))
		}
		if code == exitOK {
			code = exitFailed
		}
		return code
	}
	call := calls[0]
	o := &report.Options{Secrets: q.secrets, Files: files, NoMedia: fs.noMedia, Colour: e.colours(q.colour, true)}
	var b []byte
	if q.json {
		b = append(report.AppendCallJSON(nil, o, call, found), '\n')
	} else {
		b = e.fit(report.AppendCallText(nil, call, o, found, e.width()))
	}
	_, werr := e.stdout.Write(b)
	e.sayOthers(res, id)
	return e.finish(res, orWriting(err, werr))
}

// sayOthers says which further calls have the Call-ID that was asked for.
func (e *env) sayOthers(res *analysis.Result, id string) {
	if others := report.OtherCalls(res, id); others != "" {
		e.errorf("%s", others)
	}
}

func isFile(name string) bool {
	_, err := os.Stat(name)
	return err == nil
}

// noSuchCall says that a call is not there, and which are.
func noSuchCall(res *analysis.Result, id string) string {
	switch n := res.Calls.Len(); n {
	case 0:
		return "there are no calls in the capture"
	case 1:
		return "there is no call " + id + "; the only one is call-1"
	default:
		return "there is no call " + id + "; they are call-1 to call-" + strconv.Itoa(n) + ", listed by: sipsight calls"
	}
}
