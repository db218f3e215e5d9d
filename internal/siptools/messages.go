package siptools

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/capture"
	"github.com/sipsight/sipsight/internal/clean"
	"github.com/sipsight/sipsight/internal/filter"
	"github.com/sipsight/sipsight/internal/report"
	"github.com/sipsight/sipsight/mcpjsonrpc"
)

func searchTool(o *Options, c *cache) mcpjsonrpc.Tool {
	return mcpjsonrpc.Tool{
		Name:  "search_messages",
		Title: "Search messages",
		Description: `Finds single SIP messages by a Wireshark display filter, by text in them (case does not matter; passwords and credentials are *** here too), or by frame: with frame the whole text of the messages in that packet is returned. sip.resend == true finds retransmissions.` +
			dataNote,
		InputSchema: listing(`,"filter":{"type":"string","maxLength":4096,"description":"A display filter as in Wireshark, such as sip.Method, sip.Status-Code, sip.Call-ID, sip.from.user, ip.addr, frame.number.","examples":["sip.Status-Code >= 400","sip.Call-ID == \"a84b4c76e66710\"","sip.Method == \"REGISTER\" and ip.src == 192.0.2.7"]}` +
			`,"text":{"type":"string","maxLength":256,"description":"Only messages that hold this text anywhere.","examples":["Q.850;cause=","Yealink"]}` +
			`,"frame":{"anyOf":[{"type":"integer","minimum":1},{"type":"string"}],"description":"Only the messages that this packet carries, with their whole text: its number in Wireshark, or with several files k:n, the n-th packet of the k-th file; a number alone is of the first.","examples":[17,"2:17"]}`),
		OutputSchema: listOutput("messages", `{"type":"object","additionalProperties":{},"properties":{"number":{"type":"integer"},"frame":{"type":["integer","string"]},"time":{"type":"string"},"start_line":{"type":"string"},"from_user":{"type":"string"},"to_user":{"type":"string"},"call_id":{"type":"string"},"raw":{"type":"string"}},"required":["number","frame","start_line"]}`),
		Annotations:  readOnly,
		Call:         onCaptures(o, "search_messages", func(q *query) fromCaptures { return search(o, c, q) }),
	}
}

// A wanted says which messages search_messages is after.
type wanted struct {
	filter *filter.Filter[*analysis.Message]
	text   []byte // in lower case, its lines ending in LF as those that are shown
	frame  analysis.Frame
	masked []byte
}

// parseFrame reads a frame: k:n, or a number, which is one of the first file.
func parseFrame(raw json.RawMessage, files int) (f analysis.Frame, err error) {
	s := strings.Trim(string(raw), `"`)
	k, n, several := strings.Cut(s, ":")
	if !several {
		k, n = "1", s
	}
	file, err1 := strconv.Atoi(k)
	number, err2 := strconv.ParseInt(n, 10, 64)
	if x, err := strconv.ParseFloat(n, 64); err2 != nil && err == nil && raw[0] != '"' && x == math.Trunc(x) && math.Abs(x) < 1<<53 {
		number, err2 = int64(x), nil // 17.0 is an integer
	}
	switch {
	case err1 != nil || err2 != nil || file < 1 || number < 1:
		return f, errors.New("frame: give the number of a packet, such as 17, or with several files \"2:17\"")
	case file > files:
		return f, fmt.Errorf("frame: there is no file %d; the last one is %d", file, files)
	}
	return analysis.Frame{File: file - 1, Number: number}, nil
}

// matches reports whether a message is wanted.
func (w *wanted) matches(m *analysis.Message) bool {
	if w.frame.Number != 0 && !carries(m, w.frame) {
		return false
	}
	if w.filter != nil && !w.filter.Match(m) {
		return false
	}
	if len(w.text) == 0 {
		return true
	}
	w.masked = clean.AppendMessage(w.masked[:0], m.SIP)
	text := bytes.ToLower(w.masked)
	if bytes.IndexByte(w.text, '\n') >= 0 {
		text = withLF(text)
	}
	return bytes.Contains(text, w.text)
}

// withLF returns text with lines that end in LF, where they may end in CRLF.
func withLF(text []byte) []byte { return bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n")) }

func carries(m *analysis.Message, f analysis.Frame) bool {
	for _, x := range m.Frames {
		if x == f {
			return true
		}
	}
	return false
}

// search is the tool search_messages. It reads the capture anew: an analysis keeps no texts.
func search(o *Options, c *cache, q *query) fromCaptures {
	var w wanted
	var expr, text string
	expr, w.filter = filterArgument(q, filter.Messages(), "frame.time")
	q.Instead(`give filter, such as sip.Call-ID == "a84b4c76e66710"; explain_call tells of one call`, "call", "call_id")
	q.Instead(`give filter, such as sip.Method == "INVITE" or sip.Status-Code >= 400`, "method", "status", "status_code")
	q.Instead(`give filter, such as sip.from.user contains "4930" or sip.to.user contains "4930"`, "from", "to", "caller", "callee", "number", "user")
	q.Instead("give text, or filter with matches and a pattern", "query", "regex", "pattern", "search")
	q.Instead("give frame: then the whole text is in the answer", "packet", "raw", "full", "detail")
	q.String("text", &text)
	w.text = withLF(bytes.ToLower([]byte(text)))
	frame := q.Raw("frame")
	if frame != nil && q.err == nil {
		w.frame, q.err = parseFrame(frame, len(q.names))
	}
	q.whole = frame != nil
	if q.whole && q.err == nil && len(q.names) > 1 && !bytes.ContainsRune(frame, ':') {
		q.taken = fmt.Sprintf("frame is packet %d of the first file; \"2:%[1]d\" is that of the second.", w.frame.Number)
	}
	q.paging()
	return func(ctx context.Context, r *capture.Reader) (mcpjsonrpc.Result, error) {
		if err := q.resume(expr, text, string(frame)); err != nil {
			return mcpjsonrpc.Result{}, err
		}
		found := foundMessages{q: q, out: report.NewMessages(report.Options{Files: q.names, Raw: q.whole})}
		known := c.analysed(q.ident)
		from := startFor(w.frame, known)
		last := lastFrame{w.frame, nearSegments}
		if from.Packets > 0 {
			last.reach = nearDatagrams
		}
		seen := 0
		res, err := analysis.Run(ctx, r, analysis.Options{Calls: true, Ordered: true, MaxMemory: o.MaxMemory / 4, From: from, Message: func(m *analysis.Message) error {
			seen++
			if w.matches(m) {
				found.add(m)
			}
			if last.passed(m) {
				return analysis.ErrStop
			}
			return nil
		}})
		if err != nil {
			return mcpjsonrpc.Result{}, err
		}
		whole := cmp.Or(known, res)
		packets := whole.Files[w.frame.File].Capture.Packets
		list := rows{
			name: "messages", plural: "messages", total: found.n, hint: ", filter or text for fewer",
			row: found.row, empty: w.none(res, packets, expr), remarks: []string{found.copiesText(), unknownRepeats(res)},
		}
		switch {
		case w.frame.Number == 0:
			list.all = seen
			q.missing = report.MissingMessages(res)
		case w.frame.Number > packets:
			q.missing = report.MissingMessages(whole)
		default: // reading ended behind the packet, and began wherever was known
			q.missing = report.MissingFiles(res)
		}
		return q.answer(&list), nil
	}
}

// How many packets around a frame are read, for the fragments that belong to it and the message
// that it repeats: datagrams are near each other, segments may not be.
const (
	nearDatagrams = 4000
	nearSegments  = 20000
)

// startFor returns where to begin to read for a frame, as an analysis made before knows: a
// place somewhat ahead of it, or the beginning. Frames of one file alone are packets of the
// timeline, and what comes over connections may need everything that was sent on them.
func startFor(f analysis.Frame, res *analysis.Result) (m analysis.Mark) {
	if f.Number == 0 || res == nil || len(res.Files) != 1 {
		return m
	}
	for transport := range res.Statistics.Transports {
		if transport != "UDP" {
			return m
		}
	}
	for _, x := range res.Marks {
		if x.Packets+nearDatagrams < f.Number {
			m = x
		}
	}
	return m
}

// none says why nothing was found by a filter, in a file of so many packets where it is a frame that is wanted.
func (w *wanted) none(res *analysis.Result, packets int64, expr string) string {
	switch {
	case w.frame.Number > packets && len(res.Files) > 1:
		return fmt.Sprintf("There is no such packet: file %d has %d.", w.frame.File+1, packets)
	case w.frame.Number > packets:
		return fmt.Sprintf("There is no such packet: the capture has %d.", packets)
	case w.frame.Number != 0 && (w.filter != nil || len(w.text) > 0):
		return "No SIP message in that packet is like that; leave out filter and text to see what is in it."
	case w.frame.Number != 0:
		return "No SIP message is in that packet; search_messages with filter frame.number >= N finds the next ones."
	case res.Statistics.Messages == 0:
		return report.NoSIP(res)
	}
	return "No message is like that; leave out filter and text to see all." + ofTel(expr)
}

// ofTel says where the numbers of tel URIs are, for an expression that asks for a user: rows have either as from_user and to_user.
func ofTel(expr string) string {
	if !strings.Contains(strings.ReplaceAll(expr, ".username", ""), ".user") {
		return ""
	}
	return " As in Wireshark, .user is of sip and sips URIs alone: the number of a tel URI is in sip.from.addr, sip.to.addr and sip.r-uri."
}

// unknownRepeats says that messages may lack retransmission_of because what they repeat was given
// up, "" where none does. All of them are listed all the same.
func unknownRepeats(res *analysis.Result) string {
	for _, limit := range res.Exceeded {
		if limit == "live-call-limit" || limit == "open-request-limit" {
			return "A limit of memory was met, " + limit + ": not all retransmissions are told."
		}
	}
	return ""
}

// lastFrame tells when reading can stop because the packet asked for is behind.
type lastFrame struct {
	analysis.Frame
	reach int64 // how many packets behind it are read
}

// passed reports whether no further message can hold the frame. Messages that came in
// several packets are complete later.
func (f lastFrame) passed(m *analysis.Message) bool {
	return f.Number != 0 && m.Frame.File == f.File && m.Frame.Number > f.Number+f.reach
}

// foundMessages keeps the rows of one page, and counts all.
type foundMessages struct {
	q     *query
	out   *report.Messages
	n     int
	again int // of these, copies of others
	from  int
	rows  [][]byte
	first []byte // the first row of the page, shortened
	size  int
}

func (f *foundMessages) add(m *analysis.Message) {
	i := f.n
	f.n++
	if m.IsCopy() {
		f.again++
	}
	if i < f.q.from || f.size > maxChars || f.q.limit > 0 && len(f.rows) >= f.q.limit {
		return
	}
	if len(f.rows) == 0 {
		f.from = i
		f.first = f.shortened(m)
	}
	b := bytes.TrimSpace(f.out.AppendLine(nil, m))
	f.rows = append(f.rows, b)
	f.size += len(b)
}

// copiesText says how many of the messages are others captured again, "" for none.
func (f *foundMessages) copiesText() string {
	if f.again == 0 {
		return ""
	}
	return fmt.Sprintf("%d of these are copies (copy_of), which statistics, calls and findings leave out.", f.again)
}

// shortened returns the row of a message that does not fit as it is: with the beginning of its
// text where that was asked for, as long as there is room beside notes of any length.
func (f *foundMessages) shortened(m *analysis.Message) []byte {
	o := report.Options{Files: f.q.names, MaxText: 60}
	b := report.NewMessages(o).AppendLine(nil, m)
	if f.q.whole {
		const room = maxChars - 5000
		o.Raw, o.MaxRaw = true, max(room-len(b), 1)
		b = report.NewMessages(o).AppendLine(nil, m)
	}
	return bytes.TrimSpace(b)
}

func (f *foundMessages) row(i int, short bool) []byte {
	if short && i == f.from {
		return f.first
	}
	if k := i - f.from; k >= 0 && k < len(f.rows) {
		return f.rows[k]
	}
	return make([]byte, maxChars+1) // not kept: does not fit
}
