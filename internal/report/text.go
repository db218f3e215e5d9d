package report

import (
	"bytes"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/capture"
	"github.com/sipsight/sipsight/internal/clean"
	"github.com/sipsight/sipsight/internal/words"
	"github.com/sipsight/sipsight/layers"
	"github.com/sipsight/sipsight/sipmsg"
)

// columns keeps the widths of a list that is printed as it comes: they grow with what
// has been seen and never shrink, so lines stay aligned for long stretches.
type columns struct {
	frame, src, dst int
	day             string
}

// AppendText appends m as a line for people: frame, time of day, addresses and what it
// is. A line with the date comes before the first message of each day.
func (r *Messages) AppendText(b []byte, m *analysis.Message) []byte {
	c := &r.columns
	if m.HasTime && !r.o.Dated {
		var day [32]byte
		if d := words.AppendTime(day[:0], m.Time)[:10]; string(d) != c.day {
			c.day = string(d)
			b = append(append(b, c.day...), " UTC\n"...)
		}
	}
	line := len(b)
	var cell [64]byte
	frame := appendFrame(cell[:0], m.Frame, r.o.several(), "")
	c.frame = max(c.frame, len(frame), 4)
	b = appendBlanks(b, c.frame-len(frame))
	b = append(append(b, frame...), "  "...)
	at := append(cell[:0], "----------T--:--:--.------"...)
	if m.HasTime {
		at = words.AppendTime(cell[:0], m.Time)[:26]
	}
	if r.o.Dated {
		b = append(append(b, at[:10]...), ' ')
	}
	if r.o.Width > 0 && r.o.Width < wideRow {
		at = at[:len(at)-len("000")] // milliseconds will do
	}
	b = append(b, at[11:]...)
	b = append(b, "  "...)
	if r.fits(clean.Width(string(b[line:])), m) {
		b = append(r.appendAddress(b, m.Source, c.src), " > "...)
		b = append(r.appendAddress(b, m.Destination, c.dst), "  "...)
		b = r.appendWhat(b, m, r.o.Width-clean.Width(string(b[line:])))
	} else { // what it is comes first, and the addresses below
		b = append(r.appendWhat(b, m, r.o.Width-(len(b)-line)), '\n')
		path := append(append(words.AppendEndpoint(nil, m.Source), " > "...), words.AppendEndpoint(nil, m.Destination)...)
		b = AppendWords(appendBlanks(b, c.frame+2), string(path), c.frame+2, c.frame+2, r.o.Width)
		b = b[:len(b)-1]
	}
	b = append(b, '\n')
	if r.o.Raw {
		b = r.appendRaw(b, m.SIP)
	}
	return b
}

// wideRow is the width of a terminal that has room for microseconds.
const wideRow = 100

// fits reports whether addresses and the beginning of what a message is fit behind the first columns of
// a line, and if so makes the columns of the addresses as wide as they have to be.
func (r *Messages) fits(first int, m *analysis.Message) bool {
	c := &r.columns
	var b [64]byte
	src := max(c.src, len(words.AppendEndpoint(b[:0], m.Source)), 14)
	dst := max(c.dst, len(words.AppendEndpoint(b[:0], m.Destination)), 14)
	if r.o.Width > 0 && first+src+len(" > ")+dst+2+leastRoom > r.o.Width {
		return false
	}
	c.src, c.dst = src, dst
	return true
}

// leastRoom is that of what a message is, beside its addresses: "200 OK (INVI…".
const leastRoom = 13

// appendAddress appends an endpoint, as wide as those above it.
func (r *Messages) appendAddress(b []byte, a netip.AddrPort, width int) []byte {
	start := len(b)
	b = words.AppendEndpoint(b, a)
	return appendBlanks(b, width-(len(b)-start))
}

// appendWhat appends what a message is, and in brackets what is odd about it, in room columns of
// a terminal if it is one.
func (r *Messages) appendWhat(b []byte, m *analysis.Message, room int) []byte {
	w := &r.w
	s := m.SIP
	first, then := s.Method, s.RequestURI
	if !s.IsRequest() {
		first, then = s.StatusText, s.Reason
	}
	w.masked = append(append(w.masked[:0], first...), ' ')
	if w.secrets {
		w.masked = append(w.masked, then...)
	} else {
		w.masked = clean.AppendURIs(w.masked, then)
	}
	if _, _, _, method := s.CSeq(); len(method) > 0 && !s.IsRequest() {
		w.masked = append(append(append(w.masked, " ("...), method...), ')')
	}
	w.scratch, _ = clean.AppendText(w.scratch[:0], w.masked, clean.MaxText)
	what, more := w.scratch, ""
	if m.Transport != "UDP" {
		more = ", " + m.Transport
	}
	odd := slices.AppendSeq(slices.Clone(m.Notes), s.Inspect().IDs())
	if len(odd) > 0 {
		more += "  [" + strings.Join(odd, " ") + "]"
	}
	if r.o.Width > 0 && len(what)+len(more) > room {
		what = []byte(cut(string(what), max(room-clean.Width(more), min(room, leastWhat))))
		more = cut(more, max(room-clean.Width(string(what)), 0))
	}
	colour := ""
	if r.o.Colour && !s.IsRequest() {
		colour = codeColour(s.StatusCode)
	}
	return append(endColour(append(beginColour(b, colour), what...), colour), more...)
}

// leastWhat is what is left of what a message is, for what is odd about it.
const leastWhat = 24

// appendRaw appends a whole message, indented.
func (r *Messages) appendRaw(b []byte, s *sipmsg.Message) []byte {
	w := &r.w
	raw := s.Raw()
	if !w.secrets {
		w.masked = clean.AppendMessage(w.masked[:0], s)
		raw = w.masked
	}
	w.scratch, _ = clean.AppendLines(w.scratch[:0], raw, clean.MaxRaw)
	for line := range bytes.Lines(w.scratch) {
		if len(line) > 1 {
			b = append(b, "    "...)
		}
		b = append(b, line...)
	}
	if n := len(b); n > 0 && b[n-1] != '\n' {
		b = append(b, '\n')
	}
	return append(b, '\n')
}

// csvColumns are the columns of the messages table.
var csvColumns = []string{"number", "file", "frame", "time", "transport", "source_ip", "source_port", "destination_ip",
	"destination_port", "message_type", "method", "request_uri", "status_code", "reason_phrase", "call_id", "cseq", "from", "to", "user_agent", "server", "body_length", "partial", "frames", "notes", "copy_of", "retransmission_of"}

// AppendCSVHeader appends the header line of the messages table. RFC 4180.
func AppendCSVHeader(b []byte) []byte {
	return append(append(b, strings.Join(csvColumns, ",")...), "\r\n"...)
}

// AppendCSV appends m as one line of the messages table.
func (r *Messages) AppendCSV(b []byte, m *analysis.Message) []byte {
	w := &r.w
	s := m.SIP
	b = appendIntCell(b, m.Number)
	if r.o.several() {
		b = w.appendCell(b, []byte(r.o.Files[m.Frame.File]))
	}
	b = appendFrame(append(b, ','), m.Frame, r.o.several(), "")
	b = append(b, ',')
	if m.HasTime {
		b = words.AppendTime(b, m.Time)
	}
	b = appendTextCell(append(b, ','), m.Transport)
	for _, end := range [2]netip.AddrPort{m.Source, m.Destination} {
		b = append(end.Addr().Unmap().AppendTo(b), ',')
		b = appendIntCell(b, int64(end.Port()))
	}
	if s.IsRequest() {
		b = w.appendCell(appendTextCell(b, "request"), s.Method)
		b = appendTextCell(w.appendURICell(append(b, ','), s.RequestURI), ",,")
	} else {
		b = append(appendTextCell(b, "response,,"), s.StatusText...)
		b = append(w.appendURICell(append(b, ','), s.Reason), ',')
	}
	for _, id := range []sipmsg.ID{sipmsg.CallID, sipmsg.CSeq, sipmsg.From, sipmsg.To, sipmsg.UserAgent, sipmsg.Server} {
		if v, ok := s.First(id); ok {
			b = w.appendCell(b, w.value(sipmsg.Field{ID: id, Value: v}))
		}
		b = append(b, ',')
	}
	b = appendTextCell(appendIntCell(b, int64(len(s.Body))), strconv.FormatBool(m.Partial))
	b = append(appendFrames(b, m.Frames, r.o.several()), ',')
	b = appendTextCell(b, strings.Join(m.Notes, "; "))
	if m.IsCopy() {
		b = appendFrame(b, m.CopyOf, r.o.several(), "")
	}
	b = append(b, ',')
	if m.RetransmissionOf.Number != 0 {
		b = appendFrame(b, m.RetransmissionOf, r.o.several(), "")
	}
	return append(b, "\r\n"...)
}

// appendIntCell appends a number as a cell of CSV that is not the last one, and appendTextCell plain text of our own.
func appendIntCell(b []byte, n int64) []byte { return append(strconv.AppendInt(b, n, 10), ',') }

func appendTextCell(b []byte, s string) []byte { return append(append(b, s...), ',') }

// appendURICells appends a list as one cell, without the passwords of URIs in it. Each value is cut as in JSON, not the list.
func (w *jsonWriter) appendURICells(b []byte, list []string) []byte {
	var v []byte
	for i, s := range list {
		if i > 0 {
			v = append(v, "; "...)
		}
		x := []byte(s)
		if !w.secrets {
			x = clean.AppendURIs(nil, x)
		}
		v, _ = clean.AppendText(v, x, clean.MaxText)
	}
	return AppendCell(b, v)
}

func (w *jsonWriter) appendURICell(b, v []byte) []byte {
	if !w.secrets {
		w.masked = clean.AppendURIs(w.masked[:0], v)
		v = w.masked
	}
	return w.appendCell(b, v)
}

// appendCell appends text from a capture as a cell of CSV. A cell that a spreadsheet
// would take for a formula begins with an apostrophe.
func (w *jsonWriter) appendCell(b, v []byte) []byte {
	w.scratch, _ = clean.AppendText(w.scratch[:0], v, clean.MaxText)
	return AppendCell(b, w.scratch)
}

// AppendCell appends v, valid UTF-8 without control characters, as a cell of CSV.
func AppendCell(b, v []byte) []byte {
	formula := len(v) > 0 && strings.IndexByte("=+-@", v[0]) >= 0
	if !formula && !bytes.ContainsAny(v, `",`) {
		return append(b, v...)
	}
	b = append(b, '"')
	if formula {
		b = append(b, '\'')
	}
	b = append(b, bytes.ReplaceAll(v, []byte(`"`), []byte(`""`))...)
	return append(b, '"')
}

// row appends a line with a label.
func row(b []byte, label, format string, args ...any) []byte {
	return rowText(b, label, fmt.Sprintf(format, args...))
}

// rowText is row of text as it is.
func rowText(b []byte, label, text string) []byte {
	return append(append(appendLabel(b, label), text...), '\n')
}

// appendLabel begins a line with a label.
func appendLabel(b []byte, label string) []byte {
	b = append(append(b, "  "...), label...)
	return appendBlanks(b, max(rowLabel-len(label), 0)+2)
}

// The width of a label, of what stands in front of the text behind it, and of both.
const (
	rowLabel = 12
	RowStart = 2 + rowLabel + 2
	rowWidth = 80
)

// folded appends a line with a label, and further ones where the text is too wide for one.
func folded(b []byte, label, format string, args ...any) []byte {
	return foldedText(b, label, fmt.Sprintf(format, args...))
}

// foldedText is folded of text as it is.
func foldedText(b []byte, label, text string) []byte {
	return appendFolded(appendLabel(b, label), text, RowStart)
}

// A softBreak is where a line was folded: no text of a capture has that character. See settle.
const softBreak = "\v"

// appendFolded appends text in lines that fit a terminal, of which further ones begin in column
// indent, as the first does. They end in a softBreak.
func appendFolded(b []byte, text string, indent int) []byte {
	for {
		n := fold(text, rowWidth-indent)
		b = append(b, text[:n]...)
		if n == len(text) {
			return append(b, '\n')
		}
		b, text = appendBlanks(append(b, softBreak...), indent), text[n+1:]
	}
}

// settle ends the lines that appendFolded has broken; for a terminal that is narrower than those are it
// makes one line of them again: who writes to it breaks that where it has to be.
func settle(b []byte, width int) []byte {
	if width == 0 || width >= rowWidth {
		return bytes.ReplaceAll(b, []byte(softBreak), []byte("\n"))
	}
	parts := bytes.Split(b, []byte(softBreak))
	for i := range parts[1:] {
		parts[i+1] = bytes.TrimLeft(parts[i+1], " ")
	}
	return bytes.Join(parts, []byte(" "))
}

// fold returns where to break text of more than width columns: at the last blank
// that leaves no more in front of it, behind a comma or the like if there is one in the
// second half of the line. It is len(text) where nothing is to be broken.
func fold(text string, width int) int {
	n, blank, comma := 0, 0, 0
	for i, c := range text {
		if n > width {
			break
		}
		if c == ' ' && i > 0 && i+1 < len(text) {
			blank = i
			if p := text[i-1]; n > width/2 && (p == ',' || p == ';' || p == ':') {
				comma = i
			}
		}
		n += clean.RuneWidth(c)
	}
	switch {
	case n <= width || blank == 0:
		return len(text)
	case comma > 0:
		return comma
	}
	return blank
}

// AppendInfoText appends what one capture is, for people.
func AppendInfoText(b []byte, f *analysis.File) []byte {
	c := f.Capture
	b = append(b, clean.Text(c.Name)...)
	b = append(b, '\n')
	if c.Err != nil {
		return rowText(b, "error", clean.Text(openError(c)))
	}
	format := []string{strings.TrimSpace(c.Format + " " + c.Variant), "little-endian"}
	if c.BigEndian {
		format[1] = "big-endian"
	}
	if c.Compression != "" {
		format = append(format, c.Compression)
	}
	b = row(b, "format", "%s, %s bytes", strings.Join(format, ", "), group(c.Size))
	if c.Application != "" {
		b = rowText(b, "written by", clean.Text(c.Application))
	}
	b = rowText(b, "packets", plural(c.Packets, "packet")+cutText(c))
	if c.HasTime {
		order := "in order"
		if !c.InOrder {
			order = fmt.Sprintf("%s back in time", plural(c.BackSteps, "step"))
		}
		b = rowText(b, "first", string(words.AppendTime(nil, c.First)))
		b = rowText(b, "last", string(words.AppendTime(nil, c.Last)))
		b = row(b, "duration", "%s s, %s", strconv.FormatFloat(c.Last.Sub(c.First).Seconds(), 'f', 3, 64), order)
	}
	b = rowText(b, "data", dataText(c))
	for i := range min(len(c.Interfaces), 20) {
		b = rowText(b, fmt.Sprintf("interface %d", c.Interfaces[i].ID), interfaceText(&c.Interfaces[i]))
	}
	if n := len(c.Interfaces) - 20; n > 0 {
		b = row(b, "", "and %s more; --json lists them", plural(int64(n), "interface"))
	}
	b = rowText(b, "protocols", protocolsText(f.Protocols))
	b = appendSealedText(b, f, row)
	for i, s := range firstOf(c.Comments, 10) {
		b = rowText(b, [2]string{"comments", ""}[min(i, 1)], clean.Text(s))
	}
	if n := len(c.Comments) - 10; n > 0 {
		b = row(b, "", "and %s more; --json lists them", plural(int64(n), "comment"))
	}
	for i, n := range f.Notes {
		b = row(b, [2]string{"notes", ""}[min(i, 1)], "%s %s", n.ID, times(n))
	}
	for _, n := range c.Damage() {
		where := ""
		if n.Count > 1 {
			where = fmt.Sprintf("× %s, first ", group(n.Count))
		}
		b = row(b, "damage", "%s, %sat byte %s", clean.Text(n.What), where, group(n.Off))
	}
	if !c.Ended {
		b = row(b, "incomplete", "not read to its end")
	}
	return b
}

func times(n analysis.Note) string {
	s := fmt.Sprintf("× %s", group(n.Count))
	if n.Frame > 0 {
		s += fmt.Sprintf(", first in frame %d", n.Frame)
	}
	return s
}

func cutText(c *capture.File) string {
	switch {
	case c.Packets == 0:
		return ""
	case c.CutPackets == 0:
		return ", all whole"
	}
	return ", " + group(c.CutPackets) + " of them cut by the snaplen"
}

func dataText(c *capture.File) string {
	s := group(c.DataBytes) + " bytes on the wire"
	if c.Packets > 0 {
		s += fmt.Sprintf(", %s a packet", group(c.DataBytes/c.Packets))
	}
	if d := c.Last.Sub(c.First).Seconds(); d > 0 {
		s += fmt.Sprintf(", %.4g packets/s, %.4g kbit/s", float64(c.Packets)/d, float64(c.DataBytes)*8/d/1000)
	}
	return s
}

func interfaceText(in *capture.Interface) string {
	var parts []string
	if in.Name != "" {
		parts = append(parts, clean.Text(in.Name))
	}
	parts = append(parts, layers.LinkType(in.LinkType).String())
	if in.SnapLen > 0 {
		parts = append(parts, "snaplen "+group(in.SnapLen))
	}
	parts = append(parts, plural(in.Packets, "packet"))
	if in.Drops >= 0 {
		parts = append(parts, plural(in.Drops, "drop"))
	}
	parts = append(parts, "time unit "+strconv.FormatFloat(in.Resolution, 'g', 6, 64)+" ns")
	if in.Filter != "" {
		parts = append(parts, "filter "+clean.Text(in.Filter))
	}
	return strings.Join(parts, ", ")
}

func protocolsText(list []analysis.Protocol) string {
	if len(list) == 0 {
		return "none"
	}
	var parts []string
	for _, p := range list {
		parts = append(parts, p.Name+" "+group(p.Packets))
	}
	return strings.Join(parts, ", ")
}

// group writes a number with commas between its thousands.
func group(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

func plural(n int64, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return group(n) + " " + noun + "s"
}

// AppendAnalysisText appends the readable result: what was found, and the lines of the
// first messages, at most shown of them, with secrets or without.
func AppendAnalysisText(b []byte, res *analysis.Result, lines []byte, shown int64, secrets bool) []byte {
	left := 0
	for i := range res.Files {
		c := res.Files[i].Capture
		if i >= maxNamedFiles && c.Err == nil {
			left++
			continue
		}
		b = append(append(b, clean.Text(c.Name)...), '\n')
		switch {
		case c.Err != nil:
			b = rowText(b, "error", clean.Text(openError(c)))
		case c.HasTime:
			first, last := words.AppendTime(nil, c.First), words.AppendTime(nil, c.Last)
			b = row(b, "time", "%s %s to %s %s UTC", first[:10], first[11:23], last[:10], last[11:23])
		}
	}
	b = appendMoreFiles(b, left)
	if len(res.Files) > 1 {
		b = append(b, "together\n"...)
	}
	s := &res.Statistics
	b = rowText(b, "packets", group(res.Packets))
	if s.Messages == 0 {
		return append(append(append(b, "\n"...), NoSIP(res)...), '\n')
	}
	b = row(b, "SIP messages", "%s: %s, %s", group(s.Messages), plural(s.Requests, "request"), plural(s.Responses, "response"))
	if s.Partial > 0 {
		b = row(b, "", "%s of them partial: octets are missing", group(s.Partial))
	}
	b = rowText(b, "Call-IDs", group(int64(len(s.CallIDs))))
	b = rowText(b, "methods", countsText(s.Methods))
	var codes []string
	for _, code := range slices.Sorted(maps.Keys(s.Statuses)) {
		codes = append(codes, fmt.Sprintf("%d × %s", code, group(s.Statuses[code])))
	}
	if len(codes) > 0 {
		b = rowText(b, "responses", strings.Join(codes, ", "))
	}
	b = rowText(b, "transports", countsText(s.Transports))
	for i, ua := range firstOf(s.UserAgents, 10) {
		b = rowText(b, [2]string{"user agents", ""}[min(i, 1)], uriText(ua, &Options{Secrets: secrets}))
	}
	b = appendMore(b, len(s.UserAgents)-10)
	b = append(append(b, '\n'), lines...)
	if n := s.Messages - shown; n > 0 {
		b = fmt.Appendf(b, "\nand %s more; all of them: sipsight messages FILE\n", plural(n, "message"))
	}
	return b
}

func countsText(m map[string]int64) string {
	var parts []string
	for _, k := range firstOf(slices.Sorted(maps.Keys(m)), 50) {
		parts = append(parts, fmt.Sprintf("%s × %s", clean.Text(k), group(m[k])))
	}
	if n := len(m) - 50; n > 0 {
		parts = append(parts, fmt.Sprintf("and %d more", n))
	}
	return strings.Join(parts, ", ")
}
