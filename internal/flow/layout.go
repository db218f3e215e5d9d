package flow

import (
	"fmt"
	"net/netip"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/findings"
	"github.com/sipsight/sipsight/internal/clean"
	"github.com/sipsight/sipsight/internal/report"
	"github.com/sipsight/sipsight/internal/words"
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

	// maxApart bounds the calls that are named because they are not on a ladder.
	maxApart = 8
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
	Others  []Other  // the calls beside it that a transfer ties to it
	Apart   []string // the ids of further ones, which are not on the ladder; the first of them
	Start   time.Time
	Legs    []Leg
	Columns []Column
	Rows    []Row
	Marks   []Mark // findings: those of its rows first, in their order
	LeftOut int    // messages that are in no row because of a limit
	Rest    string // who tells of those; or ""

	explains int // the most lines of the legend, and of Marks, below a text or a Mermaid diagram; 0 is no bound
}

// An Other is a further call of a ladder.
type Other struct {
	ID      string `json:"id"`
	Title   string `json:"title"`
	Verdict string `json:"verdict"`
	Why     string `json:"why"` // what ties it to those before it: a sentence, or ""
}

// A Leg is one Call-ID of the calls.
type Leg struct {
	CallID  string
	Call    string   // the id of its call, where there are several
	Why     string   // reasons for which it belongs to its call; "" for the first
	Dialogs []string // the tags of its dialogs
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
	ID       string
	Severity string
	Frames   []string
	Observed string
	Call     string // the id of its call …
	Nth      int    // … and its place among the findings of that call, from 0
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
// messages: analysis.Options.Steps. Further calls that are tied to it stand on the same
// ladder.
func New(c *analysis.Call, found []*findings.Finding, o *Options, further ...*analysis.Call) *Ladder {
	calls := append([]*analysis.Call{c}, further...)
	together := Together(calls)
	p := &plan{o: o, calls: calls, c: together, steps: report.Timeline(together), row: make(map[place]int)}
	p.l = &Ladder{ID: report.CallID(c), Title: p.title(c), Verdict: c.Verdict(), Start: c.First().Begin, LeftOut: report.Unkept(together)}
	for _, x := range further {
		p.l.Others = append(p.l.Others, Other{report.CallID(x), p.title(x), x.Verdict(), p.ties(x)})
	}
	p.apart()
	p.legs()
	p.streams()
	p.columns()
	p.rows()
	p.bars()
	p.notes()
	p.marks(found)
	return p.l
}

// Together returns calls as one, for a ladder that shows them all: with the legs of all of
// them. Row.Steps counts the messages of it.
func Together(calls []*analysis.Call) *analysis.Call {
	if len(calls) == 1 {
		return calls[0]
	}
	c := &analysis.Call{ID: calls[0].ID}
	for _, x := range calls {
		c.Legs = append(c.Legs, x.Legs...)
	}
	return c
}

// With returns the calls that stand on one ladder with a call, in order, and among them the
// call itself. get returns a call with its messages, nil for one that is not to be drawn.
func With(list *analysis.CallList, id int, get func(id int) *analysis.Call) (calls []*analysis.Call) {
	ids, _ := list.Linked(id)
	for _, id := range ids {
		if c := get(id); c != nil {
			calls = append(calls, c)
		}
	}
	return calls
}

// A plan is a Ladder in the making.
type plan struct {
	o     *Options
	calls []*analysis.Call
	c     *analysis.Call // all of them together
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

// title says who called whom, and how far the call came.
func (p *plan) title(c *analysis.Call) string {
	from, to := report.Parties(c, &p.o.Report)
	return from + " → " + to + "  " + c.First().State.String()
}

// ties says what ties a call to those before it on the ladder.
func (p *plan) ties(c *analysis.Call) string {
	var list []string
	for i := range c.Links {
		l := &c.Links[i]
		if p.has(l.From) && p.has(l.To) && min(l.From, l.To) != c.ID {
			list = append(list, report.LinkText(l, c.ID, &p.o.Report)+" ("+strings.Join(l.Reason, ", ")+")")
		}
	}
	if len(list) == 0 {
		return ""
	}
	s := strings.Join(list, "; ") + "."
	return strings.ToUpper(s[:1]) + s[1:]
}

// apart names the calls that are tied to those of the ladder, and not on it.
func (p *plan) apart() {
	for _, c := range p.calls {
		for _, k := range c.Links {
			for _, id := range []int{k.From, k.To} {
				name := report.CallName(id)
				switch {
				case id == 0 || p.has(id) || slices.Contains(p.l.Apart, name):
				case len(p.l.Apart) < maxApart:
					p.l.Apart = append(p.l.Apart, name)
				default:
					p.l.Apart[maxApart-1] = "…"
				}
			}
		}
	}
}

// has reports whether a call stands on the ladder.
func (p *plan) has(id int) bool {
	return slices.ContainsFunc(p.calls, func(c *analysis.Call) bool { return c.ID == id })
}

func (p *plan) legs() {
	for _, c := range p.calls {
		for _, x := range c.Legs {
			leg := Leg{CallID: clean.Text(x.CallID)}
			if len(p.calls) > 1 {
				leg.Call = report.CallID(c)
			}
			for _, j := range x.Joins {
				leg.Why = strings.Join(j.Reason, ", ")
			}
			for i := range x.Dialogs {
				leg.Dialogs = append(leg.Dialogs, clean.Text(x.Dialogs[i].LocalTag)+" / "+clean.Text(x.Dialogs[i].RemoteTag))
			}
			p.l.Legs = append(p.l.Legs, leg)
		}
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
	if s.Status >= 300 { // servers tell there why
		if own := report.OwnPhrase(s.Status, s.Reason, &p.o.Report); own != "" {
			r.Notes = append(r.Notes, cutText(own, maxLabel))
		}
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
		label = words.Status(s.Status)
		if !strings.Contains(label, " ") && s.Reason != "" { // no registered one
			label += " " + clean.Text(string(clean.AppendURIs(nil, []byte(s.Reason))))
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
	if d := s.End().Sub(s.Begin()); d > 0 {
		label += " " + words.Duration(d)
	}
	if r.Lost > 0 {
		label += fmt.Sprintf(", %.1f %% lost", r.LossPercent())
	}
	detail := fmt.Sprintf("%s → %s, %d packets, %d lost", s.Source(), s.Destination(), r.Packets, r.Lost)
	if !s.UDPTL {
		detail = fmt.Sprintf("SSRC 0x%08x, ", s.SSRC()) + detail
	}
	if m, ok := s.Quality(); ok {
		detail += fmt.Sprintf(", estimated MOS %.2f", m.MOS())
	}
	return Bar{s.Begin(), s.Source(), s.Destination(), label, detail}
}

// bars puts the streams of media in their places.
func (p *plan) bars() {
	if len(p.media) == 0 {
		return
	}
	for _, b := range p.media {
		at := sort.Search(len(p.l.Rows), func(i int) bool { return p.l.Rows[i].Time.After(b.Time) })
		p.l.Rows = append(p.l.Rows, Row{})
		copy(p.l.Rows[at+1:], p.l.Rows[at:])
		p.l.Rows[at] = Row{
			Kind: Media, Time: b.Time, From: p.cols.at(b.from.key), To: p.cols.at(b.to.key), Label: cutText(b.Label, maxLabel), Detail: b.Detail, Dialog: -1, Count: 1,
		}
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
	for _, c := range p.calls {
		for _, l := range c.Legs {
			for i := range l.Transfers {
				p.transfer(c, l, &l.Transfers[i])
			}
		}
		p.arrivals(c)
	}
}

// isHold reports whether what a session description says puts a call on hold.
func isHold(media string) bool {
	return strings.HasSuffix(media, " sendonly") || strings.HasSuffix(media, " inactive") || strings.Contains(media, " 0.0.0.0:")
}

// transfer says at a REFER what was asked for, what became of it, and which call came of it.
func (p *plan) transfer(c *analysis.Call, l *analysis.Leg, t *analysis.Transfer) {
	n, ok := p.row[place{slices.Index(p.c.Legs, l), t.Frame}]
	if !ok {
		return
	}
	target := cutText(report.URIText(t.Target, &p.o.Report), 60)
	text := "transfer to " + target + linkedBy(c, t, analysis.Consulted, " in the place of ") + outcomeOf(t) + linkedBy(c, t, analysis.Transferred, ": ")
	p.l.Rows[n].Notes = append(p.l.Rows[n].Notes, text)
}

// outcomeOf says what became of a transfer, as far as it is known. Who asked for it is what
// the arrow says.
func outcomeOf(t *analysis.Transfer) string {
	switch {
	case t.Result >= 200:
		return ", ended with " + words.Status(t.Result)
	case t.Status >= 300:
		return ", refused with " + words.Status(t.Status)
	case t.Status != 0:
		return ", accepted"
	}
	return ""
}

// linkedBy names the calls that a REFER of a call speaks of, behind words that say how.
func linkedBy(c *analysis.Call, t *analysis.Transfer, kind analysis.LinkKind, words string) (text string) {
	for _, k := range c.Links {
		if k.From == c.ID && k.Refer == t.Frame && k.Kind == kind {
			text += words + report.CallName(k.To)
			words = ", "
		}
	}
	return text
}

// arrivals says at the first message of a call what it came of, or took the place of.
func (p *plan) arrivals(c *analysis.Call) {
	for _, k := range c.Links {
		if k.To != c.ID || k.Kind == analysis.Consulted {
			continue
		}
		for leg, l := range p.c.Legs {
			n, ok := p.row[place{leg, k.Invite}]
			if !ok || !slices.Contains(c.Legs, l) {
				continue
			}
			text := report.CallName(c.ID) + " takes the place of " + report.CallName(k.From) + " (Replaces)"
			if k.Kind == analysis.Transferred {
				text = "transfer: " + report.CallName(c.ID) + " comes of the REFER in frame " + report.FrameText(k.Refer, &p.o.Report)
			}
			p.l.Rows[n].Notes = append(p.l.Rows[n].Notes, text)
			break
		}
	}
}

// marks puts the findings of the call at their messages.
func (p *plan) marks(found []*findings.Finding) {
	type own struct {
		*findings.Finding
		row, nth int
	}
	var list []own
	seen := make(map[int]int) // findings of each call
	for _, f := range findings.Singly(found) {
		if !p.has(f.Call) {
			continue
		}
		list = append(list, own{f, p.rowOfFinding(f), seen[f.Call]})
		seen[f.Call]++
	}
	sort.SliceStable(list, func(i, j int) bool { return list[i].row < list[j].row })
	for i, f := range list {
		m := Mark{ID: f.ID, Severity: f.Severity.String(), Observed: clean.Text(f.Observed), Call: report.CallName(f.Call), Nth: f.nth}
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

// More says how many messages are left out, and who tells of them; "" for none.
func (l *Ladder) More() string {
	if l.LeftOut == 0 {
		return ""
	}
	return "… and " + plural(l.LeftOut, "message") + " more" + l.Rest
}

// Legend says what the numbers and letters of legs and dialogs stand for, and which calls are
// tied to these and not on the ladder.
func (l *Ladder) Legend() (list []LegendLine) {
	for i, leg := range l.Legs {
		if len(l.Legs) > 1 {
			list = append(list, LegendLine{Leg: i, Text: "leg " + itoa(i+1) + ": " + leg.text()})
		}
		if len(leg.Dialogs) < 2 {
			continue
		}
		for k, d := range leg.Dialogs {
			name := letter(k)
			if len(l.Legs) > 1 {
				name = itoa(i+1) + name
			}
			list = append(list, LegendLine{Leg: noLeg, Text: name + " dialog: " + d})
		}
	}
	if len(l.Apart) > 0 {
		list = append(list, LegendLine{Leg: noLeg, Text: "linked, and not on this ladder: " + strings.Join(l.Apart, ", ")})
	}
	return list
}

// A LegendLine is one line of what stands below a ladder.
type LegendLine struct {
	Leg  int    `json:"leg"` // index into Legs, whose line stands in front; -1 for none
	Text string `json:"text"`
}

const noLeg = -1

// text says what a leg is, and why it is there.
func (leg *Leg) text() string {
	s := leg.CallID
	if leg.Call != "" {
		s += ", of " + leg.Call
	}
	if leg.Why != "" {
		s += ", joined by " + leg.Why
	}
	return s
}
