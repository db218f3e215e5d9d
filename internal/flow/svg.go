package flow

import (
	_ "embed"
	"strings"

	"github.com/sipsight/sipsight/internal/clean"
	"github.com/sipsight/sipsight/internal/report"
)

// style is that of ladders as SVG, for the light and the dark.
//
//go:embed ladder.css
var style string

// Measures of a drawing, in pixels. Text is 12 high; its width is that of a wide font.
const (
	svgChar   = 7
	svgBold   = 8  // of what was found
	svgHead   = 10 // of a title, which is 15 high and bold
	svgRow    = 30
	svgMargin = 12
	svgTitle  = 36 // title and verdict of each call
	svgStart  = 22 // and when the first one began
	svgNames  = 44
	svgMinGap = 110
	svgMaxGap = 320
)

// drawnColours is how many colours of dialogs the style has.
const drawnColours = 6

// AppendSVG appends ladders as one SVG file that stands by itself.
func AppendSVG(b []byte, ladders ...*Ladder) []byte {
	w, h := 0, 0
	pens := make([]*svgPen, len(ladders))
	for i, l := range ladders {
		pens[i] = newSVGPen(l)
		w, h = max(w, pens[i].width), h+pens[i].height
	}
	b = appendSVGHead(b, w, h)
	b = append(b, "<title>Calls as ladders</title>\n<style>"...)
	b = append(b, strings.ReplaceAll(style, "svg.ladder", "svg")...)
	b = append(b, "</style>\n<rect class=\"paper\" width=\"100%\" height=\"100%\"/>\n"...)
	y := 0
	for _, p := range pens {
		b = append(b, "<g transform=\"translate(0 "+itoa(y)+")\">\n"...)
		b = append(p.draw(b), "</g>\n"...)
		y += p.height
	}
	return append(b, "</svg>\n"...)
}

func appendSVGHead(b []byte, w, h int) []byte {
	size := "width=\"" + itoa(w) + "\" height=\"" + itoa(h) + "\" viewBox=\"0 0 " + itoa(w) + " " + itoa(h) + "\""
	return append(b, "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"ladder\" role=\"img\" "+size+">\n"...)
}

// appendInline appends one ladder as an SVG inside of a page that has the style.
func appendInline(b []byte, l *Ladder) []byte {
	p := newSVGPen(l)
	b = appendSVGHead(b, p.width, p.height)
	b = appendMarkup(append(b, "<title>"...), l.ID+" "+l.Title)
	b = append(b, "</title>\n"...)
	return append(p.draw(b), "</svg>\n"...)
}

// An svgPen draws one ladder.
type svgPen struct {
	l             *Ladder
	x             []int // of the columns
	width, height int
	top           int // where the names of the columns begin
	b             []byte
}

func newSVGPen(l *Ladder) *svgPen {
	p := &svgPen{l: l}
	times := svgMargin + 19*svgChar
	gaps := make([]int, max(len(l.Columns)-1, 0))
	for i := range gaps {
		gaps[i] = max(svgMinGap, (p.head(i)+p.head(i+1))/2+16)
	}
	for i := range l.Rows {
		r := &l.Rows[i]
		from, to := min(r.From, r.To), max(r.From, r.To)
		if to == from {
			continue
		}
		have := 0
		for _, g := range gaps[from:to] {
			have += g
		}
		if lack := min(p.need(r), svgMaxGap) - have; lack > 0 {
			gaps[to-1] += lack
		}
	}
	x := times + 16
	if len(l.Columns) > 0 {
		x += p.head(0) / 2
	}
	p.x = append(p.x, x)
	for _, g := range gaps {
		x += g
		p.x = append(p.x, x)
	}
	right := 0
	for i := range l.Rows {
		r := &l.Rows[i]
		n := textWidth(remark(r))
		for _, m := range r.Marks {
			n += markWidth(m)
		}
		if r.From == r.To {
			n += max(p.x[r.From]+p.need(r)-x, 0)
		}
		right = max(right, n)
	}
	if n := len(l.Columns); n > 0 {
		right = max(right, p.head(n-1)/2)
	}
	p.width = x + right + 2*svgMargin
	p.widen(heading(l.ID, l.Title), l.Verdict)
	for i := range l.Others {
		o := &l.Others[i]
		p.widen(heading(o.ID, o.Title), o.sentences())
	}
	for i := range l.Marks {
		p.width = max(p.width, min(clean.Width(markText(l, i))*svgBold+2*svgMargin, 900))
	}
	p.top = svgTitle*(1+len(l.Others)) + svgStart
	p.height = p.legend(p.top+svgNames+len(l.Rows)*svgRow+16) + svgMargin // drawn here to see how many lines it has
	p.b = nil
	return p
}

// widen makes room for a title, and for a verdict that is not too long.
func (p *svgPen) widen(title, verdict string) {
	p.width = max(p.width, clean.Width(title)*svgHead+2*svgMargin, min(textWidth(verdict)+2*svgMargin, 900))
}

func heading(id, title string) string { return id + "  " + title }

// textWidth returns about how wide text is.
func textWidth(s string) int { return clean.Width(s) * svgChar }

func (p *svgPen) head(i int) int {
	c := &p.l.Columns[i]
	return max(textWidth(c.Name), textWidth(c.Addr)) + 16
}

func (p *svgPen) need(r *Row) int { return textWidth(p.label(r)) + 36 }

// label is what stands over an arrow.
func (p *svgPen) label(r *Row) string {
	if leg := p.l.leg(r); leg != "" {
		return leg + " · " + r.Text()
	}
	return r.Text()
}

// remark is what stands beside the ladder.
func remark(r *Row) string {
	list := r.Notes
	if s := again(r); s != "" {
		list = append([]string{s}, list...)
	}
	return cutText(strings.Join(list, "; "), maxNote)
}

func markText(l *Ladder, i int) string {
	return markName(i) + " " + l.Marks[i].Severity + " " + l.Marks[i].text()
}

// text says what was found, and where.
func (m *Mark) text() string {
	where := ""
	if len(m.Frames) > 0 {
		where = ", " + frames(m.Frames)
	}
	return m.ID + where + ": " + m.Observed
}

// markName is what stands for finding i at a row.
func markName(i int) string { return "!" + itoa(i+1) }

// markWidth returns the room for that.
func markWidth(i int) int { return textWidth(markName(i)) + 10 }

func (p *svgPen) put(s string) { p.b = append(p.b, s...) }

// text puts an element of text.
func (p *svgPen) text(class string, x, y int, s string) {
	p.put("<text class=\"" + class + "\" x=\"" + itoa(x) + "\" y=\"" + itoa(y) + "\">")
	p.b = appendMarkup(p.b, s)
	p.put("</text>\n")
}

func (p *svgPen) line(class string, x1, y1, x2, y2 int) {
	p.put("<path class=\"" + class + "\" d=\"M" + itoa(x1) + " " + itoa(y1) + "L" + itoa(x2) + " " + itoa(y2) + "\"/>\n")
}

func (p *svgPen) draw(b []byte) []byte {
	p.b = b
	l := p.l
	y := p.heading(22, heading(l.ID, l.Title), l.Verdict)
	for i := range l.Others {
		x := &l.Others[i]
		y = p.heading(y, heading(x.ID, x.Title), x.sentences())
	}
	if !l.Start.IsZero() {
		p.text("time", svgMargin, y-4, "began at "+stamp(l.Start))
	}
	top := p.top + svgNames
	bottom := top + len(l.Rows)*svgRow
	for i, c := range l.Columns {
		p.text("name", p.x[i], p.top+18, c.Name)
		if c.Addr != "" {
			p.text("addr", p.x[i], p.top+33, c.Addr)
		}
		p.line("bar", p.x[i], p.top+38, p.x[i], bottom)
	}
	for i := range l.Rows {
		p.row(&l.Rows[i], top+i*svgRow+20)
	}
	p.legend(bottom + 18)
	return p.b
}

// heading puts what a call is and what became of it at y, and returns where the next one goes.
func (p *svgPen) heading(y int, title, verdict string) int {
	p.text("title", svgMargin, y, title)
	p.text("verdict", svgMargin, y+17, cutText(verdict, max((p.width-2*svgMargin)/6, 20)))
	return y + svgTitle
}

// sentences says what became of a call, and what ties it to the others.
func (x *Other) sentences() string {
	if x.Why == "" {
		return x.Verdict
	}
	return x.Verdict + " " + x.Why
}

// row draws a row whose arrow lies at y.
func (p *svgPen) row(r *Row, y int) {
	p.put("<g class=\"row " + r.Kind.String() + " d" + itoa(p.l.colour(r)%drawnColours) + " leg" + itoa(r.Leg%3) + "\"><title>")
	p.b = appendMarkup(p.b, p.l.hover(r))
	p.put("</title>\n")
	p.text("time", svgMargin, y+4, r.Frame)
	p.text("time at", svgMargin+19*svgChar, y+4, seconds(p.l, r)+" s")
	x1, x2 := p.x[r.From], p.x[r.To]
	label := cutText(p.label(r), max(abs(x2-x1)-12, 60)/svgChar+1)
	switch {
	case x1 == x2:
		p.put("<path class=\"arrow\" d=\"M" + itoa(x1) + " " + itoa(y-8) + "h14v9h-13\"/>\n")
		p.tip(x1, y+1, -1)
		p.text("label self", x1+20, y, p.label(r))
	default:
		above := 5
		if r.Kind == Media { // its arrow has two lines
			above = 7
		}
		p.text("label", (x1+x2)/2, y-above, label)
		p.arrow(r, x1, x2, y)
	}
	x := p.x[len(p.x)-1] + 10
	if x1 == x2 {
		x = max(x, x1+p.need(r))
	}
	for _, m := range r.Marks {
		p.text("mark "+p.l.Marks[m].Severity, x, y+4, markName(m))
		x += markWidth(m)
	}
	if s := remark(r); s != "" {
		p.text("note", x, y+4, s)
	}
	p.put("</g>\n")
}

func (p *svgPen) arrow(r *Row, x1, x2, y int) {
	to := 1
	if x2 < x1 {
		to = -1
	}
	if r.Kind == Media {
		p.line("arrow", x1, y-2, x2-to*7, y-2)
		p.line("arrow", x1, y+2, x2-to*7, y+2)
	} else {
		p.line("arrow", x1, y, x2-to*2, y)
	}
	p.tip(x2, y, to)
}

// tip draws the head of an arrow that points to x: to the right where to is 1.
func (p *svgPen) tip(x, y, to int) {
	p.put("<path class=\"tip\" d=\"M" + itoa(x-to) + " " + itoa(y) + "l" + itoa(-9*to) + " -4v8z\"/>\n")
}

func abs(n int) int { return max(n, -n) }

// hover says all that there is to know of a row.
func (l *Ladder) hover(r *Row) string {
	lines := []string{l.Columns[r.From].full() + " → " + l.Columns[r.To].full(), r.Text()}
	if r.Detail != "" {
		lines = append(lines, r.Detail)
	}
	if r.Frame != "" && r.Kind != Media {
		lines = append(lines, "frame "+r.Frame+", "+clock(r)+" UTC")
	}
	lines = append(lines, r.Notes...)
	for _, m := range r.Marks {
		lines = append(lines, markText(l, m))
	}
	return strings.Join(lines, "\n")
}

func (c *Column) full() string {
	if c.Addr == "" {
		return c.Name
	}
	return c.Name + " (" + c.Addr + ")"
}

// legend explains what the rows refer to, from y on, and returns where it ends. Nothing is cut: what is said here
// stands nowhere else in a drawing on paper.
func (p *svgPen) legend(y int) int {
	l := p.l
	if s := l.More(); s != "" {
		y = p.say("note", svgMargin, y, svgChar, s)
	}
	for _, line := range l.Legend() {
		x := svgMargin
		if line.Leg != noLeg {
			p.put("<g class=\"leg" + itoa(line.Leg%3) + "\">")
			p.line("arrow", svgMargin, y-4, svgMargin+30, y-4)
			p.put("</g>\n")
			x += 38
		}
		y = p.say("legend", x, y, svgChar, line.Text)
	}
	for i := range l.Marks {
		y = p.say("mark "+l.Marks[i].Severity, svgMargin, y, svgBold, markText(l, i))
	}
	return y
}

// say puts a text below the ladder, in as many lines as it takes with characters of a width, and returns where the
// next one goes.
func (p *svgPen) say(class string, x, y, char int, s string) int {
	room := max((p.width-x-svgMargin)/char, 20)
	lines := strings.Split(string(report.AppendWords(nil, broken(s, room), 0, 0, room)), "\n")
	for _, line := range lines[:len(lines)-1] { // behind the last one is a line end
		p.text(class, x, y, line)
		y += 18
	}
	return y
}
