package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"

	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/capture"
	"github.com/sipsight/sipsight/findings"
	"github.com/sipsight/sipsight/internal/clean"
	"github.com/sipsight/sipsight/internal/export"
	"github.com/sipsight/sipsight/internal/filter"
	"github.com/sipsight/sipsight/internal/report"
)

var exportCommand = &command{
	name:  "export",
	args:  "[FLAGS] FILE… -o OUT",
	short: "the original packets of chosen calls, as pcapng or pcap",
	long: `Copies the packets of calls into a new capture, unchanged, in the order of time, with
their times and interfaces: all legs of each call, all fragments and segments of their
messages, the opening, the acknowledgments and the end of their TCP connections, RTP and
RTCP, fax by T.38, MSRP and BFCP where the session descriptions announced them, streams of
the call on other hops of a relay, ICMP errors that quote any of it.
Several files become one. A connection that carried other calls as well is not copied
whole: its other segments are left out, and show as missing. What a capture tells by going
on, such as that an answer never came, is not in the export of a call.

Without --call, --filter and --finding all calls are chosen; several of these flags narrow
the choice, and --call and --finding can be given several times to widen it. With
--finding alone, requests outside of calls, such as registrations, are chosen as well.

OUT is pcapng, with comments that name the calls and findings, or pcap if its name ends in
.pcap; - is standard output. It is written under another name and renamed when it is whole.
The files are read several times: of standard input, pipes and URLs what was read is kept on
disk meanwhile, unmasked, in the folder for temporary files.

The packets are not masked: passwords, keys and what was said are in OUT as they were in
the capture. What a pcapng file brings for decrypting its packets is left out, unless
--show-secrets is given.

With --hep, in place of -o or beside it, the messages are sent to a Homer server as HEP3,
unmasked, with their own times and addresses and their Call-IDs to correlate them by, at
most 2000 a second.

With --audio, OUT is a WAV file with what was said in one call: the caller on the left, the
callee on the right, each packet at its time. What was lost or not sent, comfort noise and
telephone events are silence. A side is heard in one stream at a time: of several at once,
in the one with the most packets. Silence of both sides over 5 minutes is shortened to that,
and a file ends at 512 MiB. Several calls, at most 100, become OUT-call-1.wav and so on.
G.711 (PCMU, PCMA) and L16 can be written; other codecs and SRTP cannot.`,
	example: []string{
		"sipsight export --call call-3 trunk.pcapng -o call-3.pcapng",
		"sipsight export --filter 'call.state == failed' day-*.pcap.gz -o failed.pcapng",
		"sipsight export --finding drop-at-32s --no-media trunk.pcapng -o proof.pcap",
		"sipsight export --call 3-11467@127.0.0.11 trunk.pcapng -o - | tshark -r -",
		"sipsight export --hep 127.0.0.1:9060 --filter 'call.state == failed' a.pcap",
		"sipsight export --audio --call call-3 trunk.pcapng -o call-3.wav",
	},
}

func init() { exportCommand.run = runExport }

// A listFlag is a flag that can be given several times.
type listFlag []string

func (f *listFlag) String() string { return "" }

func (f *listFlag) Set(v string) error {
	if v == "" {
		return errors.New("it is empty")
	}
	*f = append(*f, v)
	return nil
}

// An exporting is what one run of export was asked for.
type exporting struct {
	files           []string
	calls, findings listFlag
	filter          filterFlag
	matches         *filter.Filter[*analysis.Call]
	out, hep        string
	hepTCP          bool
	force, noMedia  bool
	secrets, audio  bool
	input           capture.Options
	choice          export.Choice
	selected        []*findings.Finding
	res             *analysis.Result
	found           []*findings.Finding
	plan            *export.Plan
	sender          *export.HEP
}

func runExport(e *env, c *command, args []string) int {
	fs := newFlags(c)
	var x exporting
	fs.Var(&x.calls, "call", "only this `CALL`: call-3, or a Call-ID, with all calls of it; several times for several")
	fs.filterFlag(&x.filter, "calls")
	fs.Var(&x.findings, "finding", "only calls with a finding of this `ID`; several times for several")
	fs.StringVar(&x.out, "o", "", "write to `OUT`, which appears when it is whole; - is standard output")
	fs.BoolVar(&x.force, "force", false, "replace OUT if it is there already")
	fs.BoolVar(&x.noMedia, "no-media", false, "leave media out: RTP and RTCP, T.38, MSRP, BFCP")
	fs.StringVar(&x.hep, "hep", "", "send the messages to this Homer server, `HOST:PORT`")
	fs.BoolVar(&x.hepTCP, "hep-tcp", false, "with --hep: over TCP in place of UDP")
	fs.BoolVar(&x.secrets, "show-secrets", false, "with the secrets for decrypting; passwords in comments")
	fs.BoolVar(&x.audio, "audio", false, "write what was said in the calls, as WAV")
	fs.sourceFlags(&x.input)
	if code, done := fs.needFiles(e, args); done {
		return code
	}
	x.files = fs.files
	if !x.check(e) {
		return exitUsage
	}
	var kept spool
	defer kept.close()
	x.input.Once = kept.once
	return x.run(e)
}

// check refuses what does not go together.
func (x *exporting) check(e *env) bool {
	what := ""
	switch {
	case x.out == "" && x.hep == "":
		what = "say where to: -o OUT.pcapng, or --hep HOST:PORT"
	case x.hep != "" && !isHostPort(x.hep):
		what = clean.Text(x.hep) + " is no host with a port; --hep takes them such as 127.0.0.1:9060"
	case x.hepTCP && x.hep == "":
		what = "--hep-tcp needs --hep HOST:PORT"
	case x.audio && (x.hep != "" || x.noMedia || x.secrets):
		what = "--audio goes with none of --hep, --no-media and --show-secrets"
	case x.audio && x.out != "-" && !hasWAV(x.out):
		what = "with --audio OUT is a WAV file: let its name end in .wav"
	case !x.audio && hasWAV(x.out):
		what = "for sound give --audio; packets are written to a name that ends in .pcapng or .pcap"
	case strings.HasSuffix(x.out, ".gz"):
		what = "OUT is not compressed; leave out .gz and compress it afterwards"
	}
	for i, name := range x.files {
		if what == "" && isOnce(name) && slices.Contains(x.files[:i], name) {
			what = clean.Text(capture.WithoutUser(name)) + " is named twice, and read once; name it once"
		}
	}
	for _, id := range x.findings {
		if what == "" && findings.Lookup(id) == nil {
			what = "there is no finding " + clean.Text(id) + didYouMean(id, findings.IDs()) + "; sipsight findings --explain all lists them"
		}
	}
	if what != "" {
		e.errorf("export: %s", what)
		return false
	}
	var ok bool
	x.matches, ok = parseFilter(e, "export", &x.filter, x.secrets, report.Calls.Filters(&report.Options{Files: x.files, NoMedia: x.noMedia}))
	return ok
}

// isHostPort reports whether s names a host and a port.
func isHostPort(s string) bool {
	host, port, err := net.SplitHostPort(s)
	_, err2 := strconv.ParseUint(port, 10, 16)
	return err == nil && err2 == nil && host != ""
}

// run does what was asked for. The first reading makes the calls, of which some are chosen;
// the second finds their messages, the third what else these need, the fourth copies.
func (x *exporting) run(e *env) int {
	if x.audio {
		return x.sound(e)
	}
	var out *outFile
	if x.out != "" {
		var err error
		if out, err = e.newOutFile(x.out, x.force, x.files); err != nil {
			return e.outputFailed(x.out, err)
		}
		defer out.discard()
	}
	code, ok := x.begin(e)
	if !ok {
		return code
	}
	x.plan = export.NewPlan(x.res, &x.choice)
	if err := x.messages(e); err != nil {
		return x.failed(e, err)
	}
	if h := x.sender; h != nil && h.LeftOut > 0 && code == exitOK {
		code = exitPartial
	}
	if out != nil {
		if err := x.copy(e, out); err != nil {
			return x.failed(e, err)
		}
		x.tell(e)
	}
	return code
}

// begin analyses the captures and makes the choice. It returns the exit code so far; where it
// is not ok, that of the run.
func (x *exporting) begin(e *env) (code int, ok bool) {
	r, err := e.open(x.files, x.input)
	if err != nil {
		return exitFailed, false
	}
	x.res, x.found, err = e.investigate(r, analysis.Options{Streams: !x.noMedia})
	r.Close()
	if err != nil {
		return x.failed(e, err), false
	}
	code = e.finish(x.res, nil)
	if !x.choose(e) {
		return exitFailed, false
	}
	return code, true
}

// choose makes the choice; what was asked for and is not there has been said where it is
// not ok.
func (x *exporting) choose(e *env) bool {
	x.choice.NoMedia = x.noMedia
	named := make(map[int]bool)
	for _, id := range x.calls {
		list := report.NamedCalls(x.res, id)
		if len(list) == 0 {
			e.errorf("export: %s; nothing was written", noSuchCall(x.res, id))
			return false
		}
		if len(list) > 1 {
			e.errorf("export: %d calls have the Call-ID %s; all of them are taken", len(list), id)
		}
		for _, n := range list {
			named[n] = true
		}
	}
	for c := range x.res.Calls.All() {
		if (len(x.calls) == 0 || named[c.ID]) && (x.matches == nil || x.matches.Match(c)) && (len(x.findings) == 0 || slices.ContainsFunc(x.findings, func(id string) bool { return slices.Contains(c.Findings, id) })) {
			x.choice.Calls = append(x.choice.Calls, c)
		}
	}
	x.evidence()
	switch {
	case len(x.choice.Calls) > 0 || len(x.choice.CallIDs) > 0 || len(x.choice.Frames) > 0:
		return true
	case x.res.Statistics.Messages == 0:
		e.printf("sipsight: %s Nothing was written.\n", report.NoSIP(x.res))
	case x.res.Calls.Len() == 0 && len(x.findings) == 0:
		e.errorf("export: there are no calls in the capture; nothing was written")
	default:
		e.errorf("export: %s what was asked for; nothing was written", noneOf(int64(x.res.Calls.Len()), "calls"))
	}
	return false
}

// evidence chooses the findings to name in comments: those of the chosen calls, or of the
// ids that were asked for. By themselves these also choose what is outside of calls.
func (x *exporting) evidence() {
	chosen := make(map[int]bool)
	for _, c := range x.choice.Calls {
		chosen[c.ID] = true
	}
	alone := len(x.calls) == 0 && x.matches == nil
	for _, f := range findings.Singly(x.found) {
		if len(x.findings) > 0 && !slices.Contains(x.findings, f.ID) {
			continue
		}
		switch {
		case f.Call != 0 && !chosen[f.Call]:
			continue
		case f.Call == 0 && (!alone || len(x.findings) == 0):
			continue
		case f.Call == 0 && f.CallID != "":
			x.choice.CallIDs = append(x.choice.CallIDs, f.CallID)
		case f.Call == 0: // of several requests outside of calls
			x.choice.CallIDs = append(x.choice.CallIDs, f.Calls...)
		}
		if len(x.findings) > 0 {
			x.choice.Frames = append(x.choice.Frames, f.Frames...)
		}
		x.selected = append(x.selected, f)
	}
}

// messages shows all messages to the plan, and sends those that are chosen to Homer if that
// was asked for.
func (x *exporting) messages(e *env) error {
	if x.hep != "" {
		h, err := export.DialHEP(e.ctx, x.hep, x.hepTCP)
		if err != nil {
			return hepError{err}
		}
		defer h.Close()
		x.sender = h
	}
	r, err := capture.Open(e.ctx, x.files, x.input)
	if err != nil {
		return err
	}
	defer r.Close()
	_, err = e.analyze(r, analysis.Options{NoNames: true, Message: func(m *analysis.Message) error {
		if !x.plan.Message(m) || x.sender == nil || m.IsCopy() {
			return nil
		}
		if err := x.sender.Send(m); err != nil {
			return hepError{err}
		}
		return nil
	}})
	if h := x.sender; h != nil && err == nil {
		e.printf("sipsight: %s sent to %s\n", plural(h.Sent, "message"), clean.Text(x.hep))
		if h.LeftOut > 0 {
			e.errorf("%s could not be sent: HEP has no place for over 64 kB, nor for times outside of 1970 to 2106", plural(h.LeftOut, "message"))
		}
	}
	return err
}

// copy marks and copies the packets.
func (x *exporting) copy(e *env, out *outFile) error {
	if err := x.reading(e, x.plan.Mark); err != nil {
		return err
	}
	o := &export.Options{
		Pcap:        strings.HasSuffix(x.out, ".pcap"),
		Secrets:     x.secrets,
		Application: "sipsight " + versionString(),
		Comments:    x.fileComments(),
		Packets:     x.packetComments(),
	}
	err := x.reading(e, func(r *capture.Reader) error { return x.plan.Copy(outputWriter{out}, r, x.res.Files, o) })
	if err != nil {
		return err
	}
	if err := out.finish(); err != nil {
		return writeError{err}
	}
	return nil
}

// reading reads all files once.
func (x *exporting) reading(e *env, f func(*capture.Reader) error) error {
	r, err := capture.Open(e.ctx, x.files, x.input)
	if err != nil {
		return err
	}
	defer r.Close()
	defer e.progress(r)()
	return f(r)
}

// An outputWriter marks its errors as those of writing.
type outputWriter struct{ o *outFile }

func (w outputWriter) Write(b []byte) (int, error) {
	n, err := w.o.Write(b)
	if err != nil {
		err = writeError{err}
	}
	return n, err
}

// A hepError is an error of sending to Homer.
type hepError struct{ error }

func (h hepError) Unwrap() error { return h.error }

// failed says why nothing was written.
func (x *exporting) failed(e *env, err error) int {
	var w writeError
	var h hepError
	var mixed *export.MixedError
	switch {
	case errors.Is(err, context.Canceled):
		e.errorf("interrupted; nothing was written")
	case errors.As(err, &w):
		return e.outputFailed(x.out, w.error)
	case errors.As(err, &h):
		e.errorf("export: sending to %s failed: %v", clean.Text(x.hep), h.error)
	case errors.As(err, &mixed):
		e.errorf("export: %v; choose a name that ends in .pcapng", mixed)
	default:
		e.errorf("export: %v", err)
	}
	return exitFailed
}

// maxCommented bounds the calls and findings that are named in comments.
const maxCommented = 20000

// fileComments say what the new capture is.
func (x *exporting) fileComments() []string {
	var b strings.Builder
	fmt.Fprintf(&b, "packets %s, copied by sipsight export", x.whose())
	for _, id := range x.calls {
		fmt.Fprintf(&b, " --call %s", id)
	}
	if x.filter.given {
		fmt.Fprintf(&b, " --filter '%s'", x.filter.expr)
	}
	for _, id := range x.findings {
		fmt.Fprintf(&b, " --finding %s", id)
	}
	return []string{b.String()}
}

// packetComments name each call at its first packet, and each finding at the packets that
// prove it.
func (x *exporting) packetComments() map[analysis.Frame][]string {
	m := make(map[analysis.Frame][]string)
	for _, c := range x.choice.Calls[:min(len(x.choice.Calls), maxCommented)] {
		for _, l := range c.Legs {
			text := fmt.Sprintf("call-%d, Call-ID %s", c.ID, l.CallID)
			if l == c.First() {
				text += ": " + c.Verdict()
			}
			m[l.First] = append(m[l.First], text)
		}
	}
	for _, f := range x.selected[:min(len(x.selected), maxCommented)] {
		for i, frame := range f.Frames {
			text := fmt.Sprintf("finding %s", f.ID)
			if f.Call != 0 {
				text += fmt.Sprintf(" of call-%d", f.Call)
			}
			if i == 0 {
				text = fmt.Sprintf("%s (%s): %s", text, f.Severity, f.Observed)
			}
			if !slices.Contains(m[frame], text) {
				m[frame] = append(m[frame], text)
			}
		}
	}
	return m
}

// tell says what was written.
func (x *exporting) tell(e *env) {
	p := x.plan
	to := clean.Text(x.out)
	if x.out == "-" {
		to = "standard output"
	}
	e.printf("sipsight: %s %s written to %s: %s", plural(p.Packets, "packet"), x.whose(), to, plural(p.Messages, "message"))
	if p.Media > 0 {
		e.printf(", %s of media", plural(p.Media, "packet"))
	}
	e.printf("\n")
}

// whose says what the packets are of.
func (x *exporting) whose() string {
	if n := len(x.choice.Calls); n > 0 {
		return "of " + plural(int64(n), "call")
	}
	return "outside of calls"
}

func plural(n int64, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
