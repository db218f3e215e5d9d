package flow

import (
	"fmt"
	"net/netip"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/internal/clean"
	"github.com/sipsight/sipsight/internal/findings"
	"github.com/sipsight/sipsight/internal/report"
)

const (
	// maxRows bounds the rows of one ladder: nobody reads a longer one, and a browser
	// takes seconds to draw it.
	maxRows = 2000

	// maxLabel bounds the characters of one label, maxNote those of a note.
	maxLabel = 80
	maxNote  = 120

	// maxBars bounds the streams of media of one ladder.
	maxBars = 32
)

// Options says how calls are laid out. The zero Options merges the ports of each host.
type Options struct {
	Names   Names // what hosts are called
	Ports   bool  // a column for each address and port, not for each host
	MaxRows int   // the most rows; 0 is 2000
	Bars    []Bar // further streams of media, drawn where they begin

	Report report.Options
}

// A Bar is a stream of media between two addresses. Its texts are of our own, or clean.
type Bar struct {
	Time     time.Time
	From, To netip.AddrPort
	Label    string
	Detail   string // for who asks
}

// A Ladder is one call laid out: columns from left to right, rows from top to bottom. Its
// text is clean.
type Ladder struct {
	ID      string // call-1
	Title   string // who called whom, and how far the call came
	Verdict string
	Start   time.Time
	Legs    []Leg
	Columns []Column
	Rows    []Row
	Marks   []Mark // findings: those of its rows first, in their order
	LeftOut int    // messages that are in no row because of a limit
}

// A Leg is one Call-ID of the call.
type Leg struct {
	CallID  string   `json:"call_id"`
	Why     string   `json:"why,omitempty"`     // reasons for which it belongs to the call; "" for the first
	Dialogs []string `json:"dialogs,omitempty"` // the tags of its dialogs
}

// A Column is one host of the ladder, or one address and port.
type Column struct {
	Name string `json:"name"`           // its alias, or else its address
	Addr string `json:"addr,omitempty"` // its address; "" where Name says it
}

// A Kind is the kind of a row.
type Kind uint8

// The kinds.
const (
	Request     Kind = iota
	Provisional      // 1xx
	Success          // 2xx
	Redirection      // 3xx
	Failure          // 400 and over
	Media            // a stream of media
)

// String returns a word for the kind, of lower-case letters.
func (k Kind) String() string {
	return [...]string{"request", "provisional", "success", "redirection", "failure", "media"}[k]
}

// A Row is one arrow of the ladder.
type Row struct {
	Kind     Kind
	Time     time.Time
	Frame    string
	From, To int    // indices into Columns
	Label    string // method or status
	Media    string // what its session description says in short, or the type of its body
	Detail   string // in full, with addresses and ports, for who asks
	Leg      int    // index into Legs
	Dialog   int    // index into Leg.Dialogs; -1 for none
	Count    int    // how often it was sent
	Repeats  []time.Time
	Notes    []string // what it does to the call: hold, transfer
	Marks    []int    // indices into Ladder.Marks
	Steps    []int    // indices into the messages of the call: the row itself, then its repeats
}

// A Mark is a finding of the ladder.
type Mark struct {
	ID       string   `json:"id"`
	Severity string   `json:"severity"`
	Frames   []string `json:"frames"`
	Observed string   `json:"observed"`
}

// Text returns what stands at the arrow: the label, how often it was sent, and what its
// body says in short.
func (r *Row) Text() string {
	s := r.Label
	if r.Count > 1 {
		s += " ×" + itoa(r.Count)
	}
	if r.Media != "" {
		s += " (" + r.Media + ")"
	}
	return s
}

// New lays out a call, with those of the findings that are its own. The call needs its
// messages: analysis.Options.Steps.
func New(c *analysis.Call, found []*findings.Finding, o *Options) *Ladder {
	p := &plan{o: o, c: c, steps: report.Timeline(c), row: make(map[place]int)}
	from, to := report.Parties(c, &o.Report)
	p.l = &Ladder{
		ID:      report.CallID(c),
		Title:   from + " → " + to + "  " + c.First().State.String(),
		Verdict: report.Verdict(c),
		Start:   c.First().Begin,
	}
	p.legs()
	p.streams()
	p.columns()
	p.rows()
	p.bars()
	p.notes()
	p.marks(found)
	return p.l
}

// A plan is a Ladder in the making.
type plan struct {
	o     *Options
	c     *analysis.Call
	l     *Ladder
	steps []report.Step
	media []mediaBar
	cols  columnTable
	row   map[place]int // which row a message is in
}

// A place is where a message stands in a capture.
type place struct {
	leg   int
	frame analysis.Frame
}

func (p *plan) legs() {
	for _, x := range p.c.Legs {
		leg := Leg{CallID: clean.Text(x.CallID)}
		for _, j := range x.Joins {
			leg.Why = strings.Join(j.Reason, ", ")
		}
		for i := range x.Dialogs {
			leg.Dialogs = append(leg.Dialogs, clean.Text(x.Dialogs[i].LocalTag)+" / "+clean.Text(x.Dialogs[i].RemoteTag))
		}
		p.l.Legs = append(p.l.Legs, leg)
	}
}

// rows makes a row of each message, and folds those that were sent again into the row of
// the first copy.
func (p *plan) rows() {
	most := p.o.MaxRows
	if most == 0 {
		most = maxRows
	}
	for i := range p.steps {
		s := &p.steps[i]
		if p.fold(i, s) {
			continue
		}
		if len(p.l.Rows) == most {
			p.l.LeftOut++
			continue
		}
		p.row[place{s.Leg, s.Frame}] = len(p.l.Rows)
		p.l.Rows = append(p.l.Rows, p.rowOf(i, s))
	}
}

// fold takes a message that was sent again into the row of its first copy.
func (p *plan) fold(i int, s *report.Step) bool {
	if s.Resent.Number == 0 {
		return false
	}
	n, ok := p.row[place{s.Leg, s.Resent}]
	if !ok {
		return false
	}
	r := &p.l.Rows[n]
	if !same(&p.steps[r.Steps[0]], s) { // another message of that packet
		return false
	}
	p.row[place{s.Leg, s.Frame}] = n
	r.Count++
	r.Repeats = append(r.Repeats, s.Time)
	r.Steps = append(r.Steps, i)
	return true
}

// same reports whether two messages of a leg may be one that was sent twice.
func same(a, b *report.Step) bool {
	return a.Request == b.Request && a.Method == b.Method && a.Status == b.Status && a.CSeq == b.CSeq && a.From == b.From && a.To == b.To
}

func (p *plan) rowOf(i int, s *report.Step) Row {
	r := Row{
		Kind: kindOf(s), Time: s.Time, Frame: report.FrameText(s.Frame, &p.o.Report),
		From: p.cols.of(s.From), To: p.cols.of(s.To),
		Label: labelOf(s), Leg: s.Leg, Dialog: s.Dialog, Count: 1, Steps: []int{i},
	}
	switch {
	case s.Media != "":
		r.Media, r.Detail = clean.Text(shortMedia(s.Media)), clean.Text(s.Media)
	case s.Body != "":
		r.Media = clean.Text(cutText(strings.TrimSpace(strings.SplitN(s.Body, ";", 2)[0]), maxLabel/2))
		r.Detail = clean.Text(s.Body)
	}
	if s.Partial {
		r.Notes = append(r.Notes, "octets are missing")
	}
	if s.Resent.Number != 0 {
		r.Notes = append(r.Notes, "sent again: first in frame "+report.FrameText(s.Resent, &p.o.Report))
	}
	return r
}

func kindOf(s *report.Step) Kind {
	switch {
	case s.Request:
		return Request
	case s.Status < 200:
		return Provisional
	case s.Status < 300:
		return Success
	case s.Status < 400:
		return Redirection
	}
	return Failure
}

// labelOf says what a message is: the method, or the status with the registered phrase. The
// method stands behind every status but those of INVITE.
func labelOf(s *report.Step) string {
	if s.Request {
		return cutText(clean.Text(s.Method), maxLabel)
	}
	label := "response"
	if s.Status != 0 {
		label = report.StatusText(s.Status)
		if !strings.Contains(label, " ") && s.Reason != "" { // no registered one
			label += " " + clean.Text(s.Reason)
		}
	}
	if s.Method != "INVITE" {
		label = cutText(label, maxLabel-20) + " to " + cutText(clean.Text(s.Method), 16)
	}
	return cutText(label, maxLabel)
}

// shortMedia shortens what a session description says to what fits beside an arrow: the
// kinds, the codecs of voice and the direction.
func shortMedia(s string) string {
	var parts []string
	for part := range strings.SplitSeq(s, "; ") {
		var words []string
		for i, w := range strings.Fields(part) {
			switch _, err := netip.ParseAddrPort(w); {
			case err == nil:
			case i > 0 && strings.Contains(w, ","):
				words = append(words, shortCodecs(w))
			default:
				words = append(words, w)
			}
		}
		parts = append(parts, strings.Join(words, " "))
	}
	return cutText(strings.Join(parts, "; "), maxLabel/2)
}

// shortCodecs leaves out what is no codec, and what comes behind the third.
func shortCodecs(s string) string {
	list := slices.DeleteFunc(strings.Split(s, ","), func(c string) bool { return c == "telephone-event" || c == "CN" })
	if len(list) > 3 {
		list = append(list[:3], "…")
	}
	return strings.Join(list, ",")
}

// streams makes bars of the streams of RTP and UDPTL of the call, which are known where the analysis was
// asked for them.
func (p *plan) streams() {
	for _, b := range p.o.Bars {
		p.media = append(p.media, mediaBar{Bar: b, leg: anyLeg})
	}
	for i, l := range p.c.Legs {
		if l.Media == nil {
			continue
		}
		for _, s := range l.Media.AllStreams() {
			if len(p.media) < maxBars {
				p.media = append(p.media, mediaBar{Bar: barOf(s), leg: i, by: s.SentBy})
			}
		}
	}
}

// A mediaBar is a Bar on its way into a ladder.
type mediaBar struct {
	Bar
	leg      int            // index of the leg that it belongs to
	by       analysis.Party // of that leg, who sends it
	from, to column
}

// anyLeg stands for the leg of a Bar that is of none in particular.
const anyLeg = -1

// barOf says in short what a stream was, and in full how good it was.
func barOf(s *analysis.Stream) Bar {
	r := s.Report()
	label := "RTP"
	if s.UDPTL {
		label = "UDPTL"
	}
	if s.Codec != "" {
		label += " " + cutText(clean.Text(s.Codec), 16)
	}
	if d := s.End.Sub(s.Begin); d > 0 {
		label += " " + report.DurationText(d)
	}
	if r.Lost > 0 {
		label += fmt.Sprintf(", %.1f %% lost", r.LossPercent())
	}
	detail := fmt.Sprintf("%s → %s, %d packets, %d lost", s.Source, s.Destination, r.Packets, r.Lost)
	if !s.UDPTL {
		detail = fmt.Sprintf("SSRC 0x%08x, ", s.SSRC) + detail
	}
	if m, ok := s.Quality(); ok {
		detail += fmt.Sprintf(", estimated MOS %.2f", m.MOS())
	}
	return Bar{s.Begin, s.Source, s.Destination, label, detail}
}

// bars puts the streams of media in their places.
func (p *plan) bars() {
	if len(p.media) == 0 {
		return
	}
	for _, b := range p.media {
		at, _ := slices.BinarySearchFunc(p.l.Rows, b.Time, func(r Row, t time.Time) int {
			if r.Time.After(t) {
				return 1
			}
			return -1
		})
		p.l.Rows = slices.Insert(p.l.Rows, at, Row{
			Kind: Media, Time: b.Time, From: p.cols.index[b.from.key], To: p.cols.index[b.to.key], Label: cutText(b.Label, maxLabel), Detail: b.Detail, Dialog: -1, Count: 1,
		})
	}
	for i := range p.l.Rows { // rows have moved
		for _, s := range p.l.Rows[i].Steps {
			p.row[place{p.steps[s].Leg, p.steps[s].Frame}] = i
		}
	}
}

// notes says at their messages what changes a call: hold and transfer. A message is told of
// on its first hop.
func (p *plan) notes() {
	held := make(map[int]bool) // legs, by index, and whose side: 2 × leg + side
	type request struct {
		leg    int
		callee bool
		cseq   uint32
		method string
	}
	told := make(map[request]bool)
	for i := range p.l.Rows {
		r := &p.l.Rows[i]
		if len(r.Steps) == 0 {
			continue
		}
		s := &p.steps[r.Steps[0]]
		key := request{s.Leg, s.ToCallee, s.CSeq, s.Method}
		if !s.Request || !s.InDialog || told[key] {
			continue
		}
		told[key] = true
		who, side := "callee", 2*s.Leg
		if s.ToCallee {
			who, side = "caller", side+1
		}
		switch hold := isHold(s.Media); {
		case s.Media == "" || s.Method != "INVITE" && s.Method != "UPDATE":
		case hold && !held[side]:
			held[side] = true
			r.Notes = append(r.Notes, "hold by the "+who)
		case !hold && held[side]:
			held[side] = false
			r.Notes = append(r.Notes, "resumed by the "+who)
		}
	}
	for _, l := range p.c.Legs {
		for i := range l.Transfers {
			p.transfer(l, &l.Transfers[i])
		}
	}
}

// isHold reports whether what a session description says puts a call on hold.
func isHold(media string) bool {
	return strings.HasSuffix(media, " sendonly") || strings.HasSuffix(media, " inactive") || strings.Contains(media, " 0.0.0.0:")
}

func (p *plan) transfer(l *analysis.Leg, t *analysis.Transfer) {
	leg := slices.Index(p.c.Legs, l)
	if n, ok := p.row[place{leg, t.Frame}]; ok {
		text := report.TransferText(t)
		target := cutText(report.URIText(t.Target, &p.o.Report), 60)
		p.l.Rows[n].Notes = append(p.l.Rows[n].Notes, strings.Replace(text, "a transfer", "a transfer to "+target, 1))
	}
}

// marks puts the findings of the call at their messages.
func (p *plan) marks(found []*findings.Finding) {
	type own struct {
		*findings.Finding
		row int
	}
	var list []own
	for _, f := range found {
		if f.Call != p.c.ID {
			continue
		}
		list = append(list, own{f, p.rowOfFinding(f)})
	}
	sort.SliceStable(list, func(i, j int) bool { return list[i].row < list[j].row })
	for i, f := range list {
		m := Mark{ID: f.ID, Severity: f.Severity.String(), Observed: clean.Text(f.Observed)}
		for _, x := range f.Frames {
			m.Frames = append(m.Frames, report.FrameText(x, &p.o.Report))
		}
		p.l.Marks = append(p.l.Marks, m)
		for leg := range p.c.Legs {
			for _, x := range f.Frames {
				if n, ok := p.row[place{leg, x}]; ok && !slices.Contains(p.l.Rows[n].Marks, i) {
					p.l.Rows[n].Marks = append(p.l.Rows[n].Marks, i)
				}
			}
		}
	}
}

// rowOfFinding returns the first row that a finding is about, or one behind all.
func (p *plan) rowOfFinding(f *findings.Finding) int {
	first := len(p.l.Rows)
	for leg := range p.c.Legs {
		for _, x := range f.Frames {
			if n, ok := p.row[place{leg, x}]; ok {
				first = min(first, n)
			}
		}
	}
	return first
}

// leg says which leg a row belongs to, where there are several, and which of its dialogs,
// where it has several: "2", "1a".
func (l *Ladder) leg(r *Row) string {
	if r.Kind == Media {
		return ""
	}
	s := ""
	if len(l.Legs) > 1 {
		s = itoa(r.Leg + 1)
	}
	if len(l.Legs[r.Leg].Dialogs) > 1 && r.Dialog >= 0 {
		s += letter(r.Dialog)
	}
	return s
}

// letter names the n-th dialog of a leg: a to z, then aa and so on.
func letter(n int) string {
	if n < 26 {
		return string(rune('a' + n))
	}
	return letter(n/26-1) + letter(n%26)
}

// colour returns a number for the dialog of a row: 0 for those of the first dialog of the
// first leg and all that belongs to none, others in their order.
func (l *Ladder) colour(r *Row) int {
	n := 0
	for _, leg := range l.Legs[:r.Leg] {
		n += max(len(leg.Dialogs), 1)
	}
	return n + max(r.Dialog, 0)
}

// What other rooms ask of a row, to draw it themselves.

// Clock returns its time of the day, UTC.
func (l *Ladder) Clock(r *Row) string { return clock(r) }

// After returns the seconds since the call began; "" where they are not known.
func (l *Ladder) After(r *Row) string { return seconds(l, r) }

// LegOf says which leg it belongs to, where there are several, and which of its dialogs,
// where it has several: "2", "1a".
func (l *Ladder) LegOf(r *Row) string { return l.leg(r) }

// Colour returns a number for its dialog.
func (l *Ladder) Colour(r *Row) int { return l.colour(r) }

// Hover says all that there is to know of it, in several lines.
func (l *Ladder) Hover(r *Row) string { return l.hover(r) }

// Remark says what stands behind it: repeats, hold, transfer.
func (l *Ladder) Remark(r *Row) string { return remark(r) }
