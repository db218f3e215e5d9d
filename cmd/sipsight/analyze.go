package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/capture"
	"github.com/sipsight/sipsight/internal/filter"
	"github.com/sipsight/sipsight/internal/report"
)

var analyzeCommand = &command{
	name:  "analyze",
	args:  "[FLAGS] FILE…",
	short: "what SIP is in a capture, and its messages",
	long: `Tells what SIP traffic a capture holds: how many messages of which kind, who talks to
whom, and the messages one by one. With --json the result is that of the MCP tool
analyze_sip_packets, with all messages.`,
	example: []string{
		"sipsight analyze call.pcapng",
		"sipsight analyze --json call.pcapng > call.json",
		"sipsight analyze --filter 'sip.Call-ID == \"a84b4c76e66710\"' call.pcapng",
		"sipsight analyze --json --max-packets 100 https://example.com/call.pcap",
	},
	run: runAnalyze,
}

// textMessages is how many messages the readable result lists by itself.
const textMessages = 20

func runAnalyze(e *env, c *command, args []string) int {
	fs := newFlags(c)
	var o capture.Options
	asJSON := fs.Bool("json", false, "the reference result as one JSON object")
	most := fs.Int64("max-packets", 0, "describe the first `N` messages only; statistics cover all")
	var q filterFlag
	fs.filterFlag(&q, "messages")
	var secrets bool
	fs.secretsFlag(&secrets)
	var colour colourFlag
	fs.colourFlag(&colour, "answers")
	fs.inputFlags(&o)
	if code, done := fs.needFiles(e, args); done {
		return code
	}
	if *most < 0 {
		e.errorf("analyze: --max-packets must not be negative; leave it out to describe all")
		return exitUsage
	}
	matches, ok := parseFilter(e, c.name, &q, secrets, filter.Messages())
	if !ok {
		return exitUsage
	}
	r, err := e.open(fs.files, o)
	if err != nil {
		if *asJSON {
			return e.analyzeFailed(fs.files, err)
		}
		return exitFailed
	}
	defer r.Close()
	out := report.NewMessages(report.Options{Secrets: secrets, Files: fs.files, Width: e.width(), Colour: e.colours(colour, true)})
	w := wanted{matches: matches, most: *most, secrets: secrets}
	if *asJSON {
		return analyzeJSON(e, r, o, out, fs.files, w)
	}
	return analyzeText(e, r, out, w)
}

// A wanted says which messages are described: those that satisfy the filter, up to most.
// It counts all that satisfy it.
type wanted struct {
	matches *filter.Filter[*analysis.Message] // nil: all
	most    int64                             // 0: all
	secrets bool
	n       int64
}

// takes reports whether the message is described.
func (w *wanted) takes(m *analysis.Message) bool {
	if m.IsCopy() || w.matches != nil && !w.matches.Match(m) {
		return false
	}
	w.n++
	return w.most == 0 || w.n <= w.most
}

// analyzeFailed writes the reference result of captures of which none could be opened.
func (e *env) analyzeFailed(files []string, err error) int {
	head := ""
	if list, ok := err.(interface{ Unwrap() []error }); ok {
		errs := list.Unwrap()
		head, err = fmt.Sprintf("none of the %d files can be read; of the first: ", len(errs)), errs[0]
	}
	err = errors.New(head + strings.TrimPrefix(err.Error(), files[0]+": "))
	b := report.AppendReferenceError(nil, files[0], capture.IsURL(files[0]), err)
	if _, err := e.stdout.Write(append(b, '\n')); err != nil {
		return e.writeFailed(err)
	}
	return exitFailed
}

// maxBuffered bounds the descriptions kept in memory. The result begins with statistics
// over all messages, so the descriptions have to wait until all was read; of more than
// this the files are read a second time. It is a variable for tests.
var maxBuffered = 64 << 20

// analyzeJSON writes the reference result.
func analyzeJSON(e *env, r *capture.Reader, o capture.Options, out *report.Messages, files []string, want wanted) int {
	var buf []byte
	var kept int64
	full := false
	res, err := e.analyze(r, analysis.Options{Calls: filter.NeedsCalls(want.matches), Ordered: true, Message: func(m *analysis.Message) error {
		if !want.takes(m) || full {
			return nil
		}
		if len(buf) > maxBuffered {
			full = true
			return nil
		}
		if kept++; kept > 1 {
			buf = append(buf, ',')
		}
		buf = out.AppendPacket(buf, m)
		return nil
	}})
	ref := report.Reference{Files: files, Now: time.Now(), Secrets: want.secrets}
	again := full && err == nil && allRegular(files)
	ref.Described = kept
	if again {
		ref.Described = want.n
		if want.most > 0 {
			ref.Described = min(want.n, want.most)
		}
	}
	ref.Note = analyzeNote(res.Statistics.Messages, ref.Described, &want, full && !again)
	w := bufio.NewWriterSize(e.stdout, 256<<10)
	switch {
	case res.Statistics.Messages == 0:
		w.Write(report.AppendReferenceEmpty(nil, res, &ref, report.NoSIP(res)))
	default:
		w.Write(report.AppendReference(nil, res, &ref))
		if again {
			if werr := e.describeAgain(w, out, files, o, wanted{matches: want.matches, most: ref.Described}); werr != nil {
				return e.finish(res, werr)
			}
		} else {
			w.Write(buf)
		}
		w.Write(report.AppendReferenceEnd(nil, res, &ref))
	}
	w.WriteByte('\n')
	return e.finish(res, orWriting(err, w.Flush()))
}

// analyzeNote says what of total messages is not described, "" if nothing.
func analyzeNote(total, described int64, want *wanted, full bool) string {
	if want.matches == nil {
		switch {
		case described == total:
			return ""
		case full:
			return fmt.Sprintf("Messages 1 to %d of %d are described: more do not fit in memory, and a stream cannot be read twice. Give a file, or use: sipsight messages --json", described, total)
		}
		return fmt.Sprintf("Messages 1 to %d of %d are described (--max-packets); statistics cover all.", described, total)
	}
	note := fmt.Sprintf("The filter selects %d of %d messages; statistics cover all.", want.n, total)
	switch {
	case described == want.n:
	case full:
		note += fmt.Sprintf(" Described are the first %d: more do not fit in memory, and a stream cannot be read twice. Give a file, or use: sipsight messages --json", described)
	default:
		note += fmt.Sprintf(" Described are the first %d (--max-packets).", described)
	}
	return note
}

// describeAgain reads the files a second time and writes the descriptions of the messages
// that are wanted, of which there are want.most.
func (e *env) describeAgain(w io.Writer, out *report.Messages, files []string, o capture.Options, want wanted) error {
	r, err := capture.Open(e.ctx, files, o)
	if err != nil {
		return err
	}
	defer r.Close()
	var b []byte
	_, err = e.analyze(r, analysis.Options{Calls: filter.NeedsCalls(want.matches), Ordered: true, Message: func(m *analysis.Message) error {
		if !want.takes(m) {
			return nil
		}
		b = b[:0]
		if want.n > 1 {
			b = append(b, ',')
		}
		b = out.AppendPacket(b, m)
		if _, err := w.Write(b); err != nil {
			return writeError{err}
		}
		if want.n >= want.most {
			return analysis.ErrStop
		}
		return nil
	}})
	return err
}

// analyzeText writes the readable result.
func analyzeText(e *env, r *capture.Reader, out *report.Messages, want wanted) int {
	if want.most == 0 {
		want.most = textMessages
	}
	var lines []byte
	res, err := e.analyze(r, analysis.Options{Calls: filter.NeedsCalls(want.matches), Ordered: true, Message: func(m *analysis.Message) error {
		if want.takes(m) {
			lines = out.AppendText(lines, m)
		}
		return nil
	}})
	shown := want.most
	if want.matches != nil {
		shown = res.Statistics.Messages // what is said of the rest is said below
	}
	b := e.fit(report.AppendAnalysisText(nil, res, lines, shown, want.secrets))
	if want.matches != nil && res.Statistics.Messages > 0 {
		b = fmt.Appendf(b, "\nthe filter selects %d of %d messages", want.n, res.Statistics.Messages)
		if want.n > want.most {
			b = fmt.Appendf(b, "; the first %d are listed, all of them by: sipsight messages --filter EXPR FILE", want.most)
		}
		b = append(b, '\n')
	}
	_, werr := e.stdout.Write(b)
	return e.finish(res, orWriting(err, werr))
}
