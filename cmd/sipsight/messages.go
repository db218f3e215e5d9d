package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"sort"
	"strconv"
	"strings"

	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/capture"
	"github.com/sipsight/sipsight/internal/filter"
	"github.com/sipsight/sipsight/internal/report"
)

var messagesCommand = &command{
	name:  "messages",
	args:  "[FLAGS] FILE…",
	short: "one line a SIP message",
	long: `Lists the SIP messages in order, one line each. --json gives one JSON object a line,
--csv a table; --raw adds the whole text of each message. What comes from a pipe is
printed as it comes, but with --sort, which has to know all.`,
	example: []string{
		"sipsight messages call.pcapng",
		"sipsight messages --json call.pcapng | jq -r .start_line",
		"sipsight messages --raw --frame 17 call.pcapng",
		"sipsight messages --filter 'sip.Method == BYE and ip.src == 10.0.0.0/8' a.pcap",
		"sipsight messages --sort -body_length --limit 10 trunk.pcap",
		"sipsight messages --since 2026-11-23T10:14:00Z --limit 20 trunk.pcap",
		"tcpdump -i eth0 -U -w - port 5060 | sipsight messages -",
	},
	run: runMessages,
}

// messageQuery says which messages are listed, and how.
type messageQuery struct {
	json, csv, raw, secrets bool
	limit                   int64
	frame                   frameFlag
	sort                    string
	period
	filter  filterFlag
	colour  colourFlag
	matches *filter.Filter[*analysis.Message] // nil: all
}

// A frameFlag names one frame: N, or with several files K:N.
type frameFlag struct {
	file  int // 0: any
	frame int64
}

func (f *frameFlag) String() string { return "" }

func (f *frameFlag) Set(v string) error {
	k, n, several := strings.Cut(v, ":")
	if !several {
		k, n = "0", v
	}
	file, err := strconv.Atoi(k)
	frame, err2 := strconv.ParseInt(n, 10, 64)
	if err != nil || err2 != nil || frame < 1 || file < 0 || several && file < 1 {
		return fmt.Errorf("give the number of a packet, such as 17, or with several files 2:17")
	}
	if f.frame != 0 {
		return errors.New("it is of one packet; --filter 'frame.number in {17, 18}' is of several")
	}
	f.file, f.frame = file, frame
	return nil
}

// wrong says what in a query of n files cannot be meant, "" if nothing.
func (q *messageQuery) wrong(n int) string {
	switch {
	case q.json && q.csv:
		return "--json and --csv exclude each other; choose one"
	case q.raw && q.csv:
		return "--raw and --csv exclude each other; use --raw by itself or with --json"
	case q.limit < 0:
		return "--limit must not be negative; leave it out to list all"
	case q.until.before(q.since):
		return "--until lies before --since; exchange them"
	case q.frame.file > n:
		return fmt.Sprintf("--frame names file %d; the last one is %d", q.frame.file, n)
	}
	return ""
}

func (q *messageQuery) wants(m *analysis.Message) bool {
	if m.HasTime {
		q.see(m.Time)
	}
	if q.frame.frame != 0 && !q.frame.holds(m) {
		return false
	}
	if !q.since.t.IsZero() && (!m.HasTime || m.Time.Before(q.since.t)) {
		return false
	}
	if !q.until.t.IsZero() && (!m.HasTime || m.Time.After(q.until.t)) {
		return false
	}
	return q.matches == nil || q.matches.Match(m)
}

// holds reports whether the frame carries a part of m.
func (f *frameFlag) holds(m *analysis.Message) bool {
	for _, x := range m.Frames {
		if x.Number == f.frame && (f.file == 0 || f.file == x.File+1) {
			return true
		}
	}
	return false
}

func runMessages(e *env, c *command, args []string) int {
	fs := newFlags(c)
	var o capture.Options
	var q messageQuery
	fs.BoolVar(&q.json, "json", false, "one JSON object a line")
	fs.BoolVar(&q.csv, "csv", false, "a table for spreadsheets, with a header line")
	fs.BoolVar(&q.raw, "raw", false, "the whole text of each message, escaped")
	fs.Var(&q.frame, "frame", "only the messages that packet `N` carries (K:N: of the K-th file)")
	fs.filterFlag(&q.filter, "messages")
	fs.Int64Var(&q.limit, "limit", 0, "the first `N` of what would be listed; 0 is all")
	fs.StringVar(&q.sort, "sort", "", sortUsage)
	fs.Var(&q.since, "since", "only from this `TIME` on")
	fs.Var(&q.until, "until", "only up to this `TIME`")
	fs.secretsFlag(&q.secrets)
	fs.colourFlag(&q.colour, "answers")
	fs.inputFlags(&o)
	if code, done := fs.needFiles(e, args); done {
		return code
	}
	if what := q.wrong(len(fs.files)); what != "" {
		e.errorf("messages: %s", what)
		return exitUsage
	}
	if err := report.CheckMessageKey(strings.TrimPrefix(sortKey(q.sort, "number"), "-")); err != nil {
		e.printf("sipsight: messages: --sort: %v\n", err) // the keys are more than errorf lets through
		return exitUsage
	}
	var ok bool
	if q.matches, ok = parseFilter(e, c.name, &q.filter, q.secrets, filter.Messages()); !ok {
		return exitUsage
	}
	r, err := e.open(fs.files, o)
	if err != nil {
		return exitFailed
	}
	defer r.Close()
	return listMessages(e, r, &q, fs.files)
}

func listMessages(e *env, r *capture.Reader, q *messageQuery, files []string) int {
	w := bufio.NewWriterSize(e.stdout, 64<<10)
	live := !allRegular(files)
	out := report.NewMessages(report.Options{Secrets: q.secrets, Files: files, Raw: q.raw, Colour: e.colours(q.colour, true), Dated: q.sort != "", Width: e.width()})
	sorted := newSorted(q, e.memory)
	g := &gate{w: w, live: live}
	// Where the last packet may show that a time of day is not enough, nothing is listed ahead of it: a file can wait.
	if q.ofDay() && !live {
		g.room = roomOf(e.memory, maxHeld)
	}
	var line []byte
	if q.csv {
		w.Write(report.AppendCSVHeader(nil))
	}
	var listed int64
	res, err := e.analyze(r, analysis.Options{Calls: true, NoNames: true, Ordered: true, Message: func(m *analysis.Message) error {
		wanted := q.wants(m)
		if q.several {
			return analysis.ErrStop
		}
		if !wanted {
			return nil
		}
		switch {
		case q.json:
			line = out.AppendLine(line[:0], m)
		case q.csv:
			line = out.AppendCSV(line[:0], m)
		default:
			line = out.AppendText(line[:0], m)
		}
		listed++
		switch {
		case q.sort != "":
			sorted.add(out.Rank(m, sorted.key), line)
			return nil
		case q.limit > 0 && listed > q.limit: // reading goes on behind the gate
			return nil
		}
		if err := g.write(line); err != nil {
			return writeError{err}
		}
		if q.limit > 0 && listed == q.limit && !g.shut() {
			return analysis.ErrStop
		}
		return nil
	}})
	q.seeFiles(res)
	if q.sort == "" && !g.shut() {
		err = orWriting(err, w.Flush())
	}
	if q.refused(e, "messages") {
		return exitUsage
	}
	sorted.write(w)
	err = orWriting(err, g.open())
	err = orWriting(err, w.Flush())
	code := e.finishWith(res, err, wireLimits(res))
	if limits := res.TableLimits(); len(limits) > 0 && err == nil {
		code = max(code, exitPartial)
		e.printf("sipsight: messages: limits of memory were met (%s): all messages are there, but not of every copy sent again it is known (retransmission_of); %s\n",
			strings.Join(limits, ", "), e.moreMemory())
	}
	if sorted.leftOut > 0 {
		e.printf("sipsight: messages: only the first %d of the %d messages are listed: to keep more takes more memory than may be; choose with --filter, --since or --limit\n", len(sorted.rows), listed)
		return max(code, exitPartial)
	}
	if listed == 0 && code == exitOK {
		e.nothingListed(res, q)
	}
	return code
}

// A gate holds lines back until it is opened. The zero gate is open.
type gate struct {
	w    *bufio.Writer
	live bool // each line goes out by itself
	room int  // octets that may be held; of more none is
	held []byte
}

func (g *gate) shut() bool { return g.room > 0 }

// write writes a line, or holds it back.
func (g *gate) write(line []byte) error {
	if len(g.held)+len(line) <= g.room {
		g.held = append(g.held, line...)
		return nil
	}
	if err := g.open(); err != nil {
		return err
	}
	_, err := g.w.Write(line)
	if g.live && err == nil {
		err = g.w.Flush()
	}
	return err
}

// open writes what was held back.
func (g *gate) open() error {
	_, err := g.w.Write(g.held)
	g.room, g.held = 0, nil
	return err
}

// sorted are messages that are listed when all are known, in the order of a key.
type sorted struct {
	key     string
	down    bool
	limit   int // 0 is all
	room    int // octets that may still be kept
	rows    []sortedRow
	leftOut int64 // for want of room
}

type sortedRow struct{ rank, line string } // rank: see report.Messages.Rank

// maxSorted bounds the octets of the lines that are sorted: those of half a million messages and more. maxHeld bounds those
// that only wait for the last packet.
const (
	maxSorted = 512 << 20
	maxHeld   = 32 << 20
)

// roomOf returns the octets of lines that may be kept where memory is to be kept to, 0 for what it likes.
func roomOf(memory int64, most int) int {
	if memory > 0 {
		return int(min(memory/4, int64(most)))
	}
	return most
}

// newSorted returns none yet.
func newSorted(q *messageQuery, memory int64) *sorted {
	s := &sorted{limit: int(min(q.limit, maxSorted)), room: roomOf(memory, maxSorted)}
	s.key, s.down = strings.CutPrefix(q.sort, "-")
	return s
}

// size is about what a row takes.
func (r *sortedRow) size() int { return len(r.line) + len(r.rank) + 64 }

// add adds a line, if there is room.
func (s *sorted) add(rank string, line []byte) {
	row := sortedRow{rank, string(line)}
	size := row.size()
	if n := s.limit; n > 0 && len(s.rows) > n && (len(s.rows) >= 2*n || size > s.room) {
		s.cut()
	}
	if size > s.room {
		s.leftOut++
		return
	}
	s.room -= size
	s.rows = append(s.rows, row)
}

// cut sorts the rows, and keeps as many of them as are to be listed.
func (s *sorted) cut() {
	sort.SliceStable(s.rows, func(i, j int) bool {
		x, y := s.rows[i].rank, s.rows[j].rank
		return x != "" && (y == "" || (x < y) != s.down && x != y)
	})
	if n := s.limit; n > 0 && n < len(s.rows) {
		for i := range s.rows[n:] {
			s.room += s.rows[n+i].size()
		}
		clear(s.rows[n:])
		s.rows = s.rows[:n]
	}
}

// write writes the lines in their order.
func (s *sorted) write(w *bufio.Writer) {
	s.cut()
	for i := range s.rows {
		w.WriteString(s.rows[i].line)
	}
}

// nothingListed explains an empty list.
func (e *env) nothingListed(res *analysis.Result, q *messageQuery) {
	n := res.Statistics.Messages
	switch {
	case n > 0 && q.matches != nil:
		e.errorf("%s what was asked for (--filter)", noneOf(n, "SIP messages"))
		return
	case n > 0:
		e.errorf("%s in the frame or time asked for", noneOf(n, "SIP messages"))
		return
	}
	e.printf("sipsight: %s\n", report.NoSIP(res))
}

// allRegular reports whether all inputs are regular files: those are there as a whole,
// and their output need not be flushed line by line.
func allRegular(files []string) bool {
	for _, name := range files {
		st, err := os.Stat(name)
		if name == "-" || err != nil || !st.Mode().IsRegular() {
			return false
		}
	}
	return true
}

// isStream reports whether a path leads to something that is there and can be read once
// only, such as a FIFO.
func isStream(name string) bool {
	st, err := os.Stat(name)
	return err == nil && !st.Mode().IsRegular() && !st.IsDir()
}
