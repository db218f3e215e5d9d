package flow

import (
	"strings"
	"time"
	"unicode/utf8"

	"github.com/sipsight/sipsight/internal/clean"
	"github.com/sipsight/sipsight/internal/report"
)

// A Clock says which times stand beside the rows.
type Clock uint8

// The clocks.
const (
	Relative Clock = iota // seconds since the call began
	Absolute              // time of the day, UTC
	Delta                 // seconds since the row above
)

// ParseClock returns the clock of a name; ok is false for none.
func ParseClock(s string) (c Clock, ok bool) {
	for c, name := range []string{"relative", "absolute", "delta"} {
		if s == name {
			return Clock(c), true
		}
	}
	return 0, false
}

// TextOptions says how ladders are written as text.
type TextOptions struct {
	Width  int // of the lines; 0 is no bound
	ASCII  bool
	Colour bool // dialogs in colours; what they say stands there without them too
	Clock  Clock
}

const (
	// A label wider than maxGap is cut where the ladder has several columns; a gap is
	// never narrower than minGap, unless the lines would be too wide: leastGap has room for
	// INVITE, and two of them for an IPv4 address.
	maxGap   = 44
	minGap   = 12
	leastGap = 7

	// Marks have their place behind the ladder where they are no wider than this.
	maxMarks = 15
)

// AppendText appends a ladder as text.
func AppendText(b []byte, l *Ladder, o *TextOptions) []byte {
	t := &textPen{b: b, l: l, o: o, signs: unicodeSigns, dots: "…"}
	if o.ASCII {
		t.signs, t.dots = asciiSigns, "..."
	}
	t.measure()
	t.heading()
	t.columnNames()
	var above *Row
	for i := range l.Rows {
		t.row(&l.Rows[i], above)
		above = &l.Rows[i]
	}
	t.legend()
	return t.b
}

// signs are what lines are made of.
type signs struct {
	bar, left, right, self string
	line                   [3]string // of the first, second and third leg, and so on in turns
	media                  string
}

var (
	unicodeSigns = &signs{bar: "│", left: "◀", right: "▶", self: "↺", line: [3]string{"─", "┄", "━"}, media: "═"}
	asciiSigns   = &signs{bar: "|", left: "<", right: ">", self: "@", line: [3]string{"-", ".", "~"}, media: "="}
)

// A textPen writes one ladder.
type textPen struct {
	b     []byte
	l     *Ladder
	o     *TextOptions
	signs *signs
	dots  string
	lead  int   // blanks in front of the first bar
	gaps  []int // between the bars
	frame int   // widths of what stands in front: frame, time, leg
	time  int
	leg   int
}

// text makes text fit for the character set.
func (t *textPen) text(s string) string {
	if t.o.ASCII {
		return ascii(s)
	}
	return s
}

func (t *textPen) clockHead() string { return [...]string{"AFTER s", "TIME UTC", "STEP s"}[t.o.Clock] }

func (t *textPen) clock(r, above *Row) string {
	switch {
	case t.o.Clock == Absolute:
		return clock(r)
	case t.o.Clock == Delta && above == nil:
		return "0.000"
	case t.o.Clock == Delta:
		return seconds(&Ladder{Start: above.Time}, r)
	}
	return seconds(t.l, r)
}

// measure finds the width of everything.
func (t *textPen) measure() {
	l := t.l
	t.frame, t.time = len("FRAME"), len(t.clockHead())
	var above *Row
	for i := range l.Rows {
		r := &l.Rows[i]
		t.frame = max(t.frame, clean.Width(r.Frame))
		t.time = max(t.time, clean.Width(t.clock(r, above)))
		t.leg = max(t.leg, clean.Width(l.leg(r)))
		above = r
	}
	if t.leg > 0 {
		t.leg = max(t.leg, len("LEG"))
	}
	t.gaps = make([]int, max(len(l.Columns)-1, 0))
	for i := range t.gaps {
		t.gaps[i] = max(minGap, t.head(i)/2+t.head(i+1)/2+3)
	}
	t.spread()
	if len(l.Columns) > 0 {
		t.lead = (t.head(0) + 1) / 2
	}
	t.squeeze()
}

// head returns the width of the name of a column.
func (t *textPen) head(i int) int {
	c := &t.l.Columns[i]
	return max(clean.Width(t.text(c.Name)), clean.Width(t.text(c.Addr)))
}

// spread widens the gaps so that the labels fit, up to maxGap: first those of one gap, then
// those over several.
func (t *textPen) spread() {
	for i := range t.l.Rows {
		r := &t.l.Rows[i]
		from, to := min(r.From, r.To), max(r.From, r.To)
		if to == from+1 {
			t.gaps[from] = max(t.gaps[from], min(t.need(r), maxGap))
		}
	}
	for i := range t.l.Rows {
		r := &t.l.Rows[i]
		from, to := min(r.From, r.To), max(r.From, r.To)
		if lack := min(t.need(r), maxGap) - t.between(from, to); to > from+1 && lack > 0 {
			t.gaps[to-1] += lack
		}
	}
}

// need returns the columns that the arrow of a row needs.
func (t *textPen) need(r *Row) int { return clean.Width(t.text(r.Text())) + 5 }

// between returns the columns between two bars.
func (t *textPen) between(from, to int) (n int) {
	for _, g := range t.gaps[from:to] {
		n += g
	}
	return n + max(to-from-1, 0)
}

// squeeze narrows the widest gaps until the ladder fits the width together with the marks behind it, or no gap can give
// any more.
func (t *textPen) squeeze() {
	if t.o.Width == 0 || len(t.gaps) == 0 {
		return
	}
	t.lead = min(t.lead, 12)
	behind := t.head(len(t.gaps)) / 2
	for i := range t.l.Rows {
		if n := marksWidth(&t.l.Rows[i]); n <= maxMarks {
			behind = max(behind, n)
		}
	}
	for t.edge()+behind > t.o.Width {
		widest := 0
		for i, g := range t.gaps {
			if g > t.gaps[widest] {
				widest = i
			}
		}
		if t.gaps[widest] <= leastGap {
			return
		}
		t.gaps[widest]--
	}
}

// edge returns the columns up to the last bar and with it.
func (t *textPen) edge() int {
	return t.margin() + t.lead + 1 + t.between(0, len(t.gaps)) + min(len(t.gaps), 1)
}

// margin returns the columns in front of the ladder.
func (t *textPen) margin() int {
	n := t.frame + 2 + t.time + 2
	if t.leg > 0 {
		n += t.leg + 2
	}
	return n
}

func (t *textPen) put(s string) { t.b = append(t.b, s...) }

func (t *textPen) blanks(n int) {
	for ; n > 0; n-- {
		t.b = append(t.b, ' ')
	}
}

// right puts s at the right of n columns.
func (t *textPen) right(s string, n int) {
	t.blanks(n - clean.Width(s))
	t.put(s)
}

// end ends a line, without the blanks at its end.
func (t *textPen) end() {
	for len(t.b) > 0 && t.b[len(t.b)-1] == ' ' {
		t.b = t.b[:len(t.b)-1]
	}
	t.b = append(t.b, '\n')
}

func (t *textPen) heading() {
	l := t.l
	t.call(l.ID, l.Title, l.Verdict)
	for _, x := range l.Others {
		t.call(x.ID, x.Title, x.Verdict)
		if x.Why != "" {
			t.words(x.Why, 0, 2)
		}
	}
	if !l.Start.IsZero() {
		t.words("It began at "+stamp(l.Start)+".", 0, 2)
	}
	t.put("\n")
}

// call writes what a call is and what became of it.
func (t *textPen) call(id, title, verdict string) {
	t.put(id + "  ")
	t.words(title, len(id)+2, len(id)+2)
	t.words(verdict, 0, 2)
}

// words writes the rest of a line, from column at on, in further ones behind blanks where it is too
// wide.
func (t *textPen) words(s string, at, indent int) {
	if s = t.text(s); t.o.Width == 0 || at+clean.Width(s) <= t.o.Width {
		t.put(s + "\n")
		return
	}
	t.b = report.AppendWords(t.b, broken(s, t.o.Width-indent), at, indent, t.o.Width)
}

// broken breaks the words of s that are wider than room.
func broken(s string, room int) string {
	words := strings.Fields(s)
	room = max(room, minGap)
	for i, w := range words {
		words[i] = ""
		for clean.Width(w) > room {
			head := clean.Head(w, room)
			words[i], w = words[i]+head+" ", w[len(head):]
		}
		words[i] += w
	}
	return strings.Join(words, " ")
}

// columnNames writes the names of the columns, each in the middle over its bar, and below them their addresses. Where
// they have no room beside each other, every other one stands in a further line.
func (t *textPen) columnNames() {
	t.right("FRAME", t.frame)
	t.blanks(2)
	t.right(t.clockHead(), t.time)
	t.blanks(2)
	if t.leg > 0 {
		t.put("LEG")
		t.blanks(t.leg - len("LEG") + 2)
	}
	step := 1
	if t.narrow() {
		step = 2
	}
	for first := range max(min(step, len(t.l.Columns)), 1) {
		if first > 0 {
			t.blanks(t.margin())
		}
		t.names(first, step, func(c *Column) string { return c.Name })
		for i := first; i < len(t.l.Columns); i += step {
			if t.l.Columns[i].Addr != "" {
				t.blanks(t.margin())
				t.names(first, step, func(c *Column) string { return c.Addr })
				break
			}
		}
	}
}

// narrow reports whether the names have no room beside each other.
func (t *textPen) narrow() bool {
	for i, gap := range t.gaps {
		if gap < minGap && t.head(i)/2+t.head(i+1)/2+1 > gap {
			return true
		}
	}
	return false
}

// names writes what of says of every step-th column from the first on, and ends the line.
func (t *textPen) names(first, step int, of func(*Column) string) {
	at := 0 // columns written
	for i := first; i < len(t.l.Columns); i += step {
		name, bar := t.text(of(&t.l.Columns[i])), t.bar(i)
		start := max(bar-clean.Width(name)/2, at+min(at, 1))
		if i+step < len(t.l.Columns) {
			next := t.bar(i + step)
			room := next - clean.Width(t.text(of(&t.l.Columns[i+step])))/2 - 1 - start
			if room < clean.Width(name) {
				room = max(min(next-bar-1, next-start)-2, minGap-3)
			}
			name = t.fitName(name, room)
		}
		if over := t.margin() + start + clean.Width(name) - t.o.Width; t.o.Width > 0 && over > 0 {
			start = max(start-over, at+min(at, 1))
			name = t.fitName(name, max(t.o.Width-t.margin()-start, minGap-3))
		}
		t.blanks(start - at)
		t.put(name)
		at = start + clean.Width(name)
	}
	t.end()
}

// fitName shortens the name of a column. Of an address the end tells most.
func (t *textPen) fitName(name string, room int) string {
	if strings.IndexByte(name, ':') < 0 && strings.Trim(name, "0123456789.") != "" || clean.Width(name) <= room {
		return clean.Fit(name, room, t.dots)
	}
	for clean.Width(name)+clean.Width(t.dots) > room {
		_, n := utf8.DecodeRuneInString(name)
		name = name[n:]
	}
	return t.dots + name
}

// bar returns where a bar stands, behind the margin.
func (t *textPen) bar(i int) int { return t.lead + t.between(0, i) + min(i, 1) }

func (t *textPen) row(r, above *Row) {
	t.right(r.Frame, t.frame)
	t.blanks(2)
	t.right(t.clock(r, above), t.time)
	t.blanks(2)
	if t.leg > 0 {
		s := t.l.leg(r)
		t.put(s)
		t.blanks(t.leg - clean.Width(s) + 2)
	}
	t.blanks(t.lead)
	from, to := min(r.From, r.To), max(r.From, r.To)
	for i := range t.l.Columns {
		if i <= from || i >= to {
			t.put(t.signs.bar)
		}
		switch {
		case i == from && to > from:
			t.arrow(r, t.between(from, to))
		case i == from && i < len(t.gaps):
			t.self(r, t.gaps[i])
		case i == from:
			t.self(r, t.selfRoom())
		case i < len(t.gaps) && (i < from || i >= to):
			t.blanks(t.gaps[i])
		}
	}
	t.remarks(r)
	t.end()
}

// arrow draws an arrow over n columns, with its text in the middle.
func (t *textPen) arrow(r *Row, n int) {
	line := t.line(r)
	s := t.arrowText(r, n)
	before := (n - 1 - clean.Width(s)) / 2
	after := n - 1 - clean.Width(s) - before
	t.colour(r, true)
	switch {
	case r.To > r.From:
		t.put(strings.Repeat(line, before) + s + strings.Repeat(line, after) + t.signs.right)
	default:
		t.put(t.signs.left + strings.Repeat(line, after) + s + strings.Repeat(line, before))
	}
	t.colour(r, false)
}

// arrowText returns as much of the text of a row as fits an arrow over n columns: all of
// it, or else without what the body says, with less and less of the line around it.
func (t *textPen) arrowText(r *Row, n int) string {
	bare := *r
	bare.Media = ""
	for _, s := range []string{t.text(r.Text()), t.text(bare.Text())} {
		if clean.Width(s)+5 <= n {
			return " " + s + " "
		}
		if clean.Width(s) < n {
			return s
		}
	}
	return clean.Fit(t.text(bare.Text()), n-1, t.dots)
}

// selfRoom returns the columns that a message of the last host to itself has.
func (t *textPen) selfRoom() int {
	if t.o.Width == 0 {
		return maxGap
	}
	return max(min(maxGap, t.o.Width-t.edge()), leastGap)
}

// self draws a message of a host to itself in n columns.
func (t *textPen) self(r *Row, n int) {
	s := clean.Fit(t.signs.self+" "+t.text(r.Text()), n-1, t.dots)
	t.colour(r, true)
	t.put(s)
	t.colour(r, false)
	t.blanks(n - clean.Width(s))
}

func (t *textPen) line(r *Row) string {
	if r.Kind == Media {
		return t.signs.media
	}
	return t.signs.line[r.Leg%len(t.signs.line)]
}

// colours are those of dialogs, by the second digits of their SGR numbers, which begin with 3: no red, which is that of errors.
const colours = "63524"

func (t *textPen) colour(r *Row, on bool) {
	switch {
	case !t.o.Colour:
	case on:
		n := t.l.colour(r) % len(colours)
		t.put("\x1b[3" + colours[n:n+1] + "m")
	default:
		t.put("\x1b[0m")
	}
}

// remarks writes repeats, notes and findings of a row: behind the ladder or, where that would be too wide, below the row.
func (t *textPen) remarks(r *Row) {
	list := r.Notes
	if s := again(r); s != "" {
		list = append([]string{s}, list...)
	}
	notes := t.text(strings.Join(list, "; "))
	n := t.edge() + marksWidth(r)
	if notes != "" {
		n += 2 + clean.Width(notes)
	}
	if r.From == r.To && r.From == len(t.gaps) {
		n += t.selfRoom()
	}
	if t.o.Width > 0 && n > t.o.Width {
		t.beneath(notes, r.Marks)
		return
	}
	if notes != "" {
		t.put("  " + notes)
	}
	for _, m := range r.Marks {
		t.put("  ")
		t.mark(m)
	}
}

// beneath writes the remarks of a row in lines of their own, which begin where the ladder does.
func (t *textPen) beneath(notes string, marks []int) {
	at := t.o.Width // of the next word: the first one begins a line
	room := func(word string, blanks int) {
		if n := clean.Width(word); at+blanks+n <= t.o.Width {
			t.blanks(blanks)
			at += blanks + n
		} else {
			t.end()
			t.blanks(t.margin())
			at = t.margin() + n
		}
	}
	for _, word := range strings.Fields(broken(notes, t.o.Width-t.margin())) {
		room(word, 1)
		t.put(word)
	}
	for _, m := range marks {
		room(markName(m), 2)
		t.mark(m)
	}
}

// marksWidth returns the columns that the marks of a row take behind the ladder.
func marksWidth(r *Row) (n int) {
	for _, m := range r.Marks {
		n += 2 + len(markName(m))
	}
	return n
}

// mark writes what stands for a finding.
func (t *textPen) mark(m int) { t.bold(t.l.Marks[m].Severity == "error", markName(m)) }

func (t *textPen) bold(red bool, s string) {
	switch {
	case !t.o.Colour:
		t.put(s)
	case red:
		t.put("\x1b[1;31m" + s + "\x1b[0m")
	default:
		t.put("\x1b[1m" + s + "\x1b[0m")
	}
}

// legend explains what the rows refer to.
func (t *textPen) legend() {
	l := t.l
	t.more(l.More())
	start := len(t.b)
	lines := l.Legend()
	n, more := l.below(len(lines), "line")
	for _, line := range lines[:n] {
		t.put("  ")
		at := 2
		if line.Leg != noLeg {
			t.put(strings.Repeat(t.signs.line[line.Leg%len(t.signs.line)], 2) + " ")
			at += 3
		}
		t.words(line.Text, at, at)
	}
	t.more(more)
	n, more = l.below(len(l.Marks), "finding")
	for i := range l.Marks[:n] {
		m := &l.Marks[i]
		t.put("  ")
		t.mark(i)
		t.put(" ")
		at := 2 + len(markName(i)) + 1
		t.words(m.Severity+" "+m.text(), at, at)
	}
	t.more(more)
	if len(t.b) > start {
		t.b = append(t.b[:start], append([]byte("\n"), t.b[start:]...)...)
	}
}

// more writes a line that says what is left out; none for "".
func (t *textPen) more(s string) {
	if s != "" {
		t.put("  ")
		t.words(s, 2, 2)
	}
}

// frames names the first of some frames.
func frames(list []string) string {
	s := "frame "
	if len(list) > 1 {
		s = "frames "
	}
	if len(list) > 6 {
		return s + strings.Join(list[:6], ", ") + ", …"
	}
	return s + strings.Join(list, ", ")
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return itoa(n) + " " + noun + "s"
}

// stamp writes a time for people, "" for none.
func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02 15:04:05.000") + " UTC"
}
