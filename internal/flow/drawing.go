package flow

// Formats are the names of the formats of a Drawing.
var Formats = []string{"text", "mermaid", "svg", "html"}

// A Drawing writes several ladders in one format.
type Drawing struct {
	Format string // one of Formats
	Text   TextOptions
	Calls  int // how many there will be

	n       int
	ladders []*Ladder // of an SVG, whose size stands in front
}

// Append appends the next ladder to b.
func (d *Drawing) Append(b []byte, l *Ladder) []byte {
	d.n++
	switch d.Format {
	case "mermaid":
		if d.Calls > 1 {
			return appendMarkdown(b, l)
		}
		return AppendMermaid(b, l)
	case "svg":
		d.ladders = append(d.ladders, l)
		return b
	case "html":
		if d.n == 1 {
			b = AppendHTMLHead(b, "SIP calls as ladders")
		}
		return AppendHTML(b, l)
	}
	if d.n > 1 {
		b = append(b, '\n')
	}
	return AppendText(b, l, &d.Text)
}

// End appends what stands behind the last ladder.
func (d *Drawing) End(b []byte) []byte {
	switch d.Format {
	case "svg":
		return AppendSVG(b, d.ladders...)
	case "html":
		return AppendHTMLEnd(b)
	}
	return b
}

// First returns the ladder with its first n rows alone; what is left out is counted.
func (l *Ladder) First(n int) *Ladder {
	if n >= len(l.Rows) {
		return l
	}
	first := *l
	first.Rows = l.Rows[:n]
	for i := range l.Rows[n:] {
		if r := &l.Rows[n+i]; r.Kind != Media {
			first.LeftOut += r.Count
		}
	}
	return &first
}

// explained returns the ladder with the first n lines of its legend and its first n findings
// alone below it; what is left out is counted.
func (l *Ladder) explained(n int) *Ladder {
	few := *l
	few.explains = n
	return &few
}

// below returns how many of n lines below the ladder are written, and what is said of the others.
func (l *Ladder) below(n int, noun string) (int, string) {
	if l.explains == 0 || n <= l.explains {
		return n, ""
	}
	return l.explains, "… and " + plural(n-l.explains, noun) + " more"
}

// AppendWithin appends as much of a ladder, as text or Mermaid, as fits into most octets:
// the first rows, and how many messages are left out. What stands around the rows takes half
// of that at most: legs, dialogs and findings that are too many are counted.
func AppendWithin(b []byte, l *Ladder, format string, o *TextOptions, most int) []byte {
	draw := func(rows int) []byte {
		d := Drawing{Format: format, Text: *o, Calls: 1}
		return d.Append(nil, l.First(rows))
	}
	drawn := draw(len(l.Rows))
	if len(drawn) <= most {
		return append(b, drawn...)
	}
	for n := max(len(l.Legend()), len(l.Marks)) / 2; n > 0 && len(draw(0)) > most/2; n /= 2 {
		l = l.explained(n)
	}
	fits, over := 0, len(l.Rows)+1
	for over-fits > 1 {
		if rows := (fits + over) / 2; len(draw(rows)) <= most {
			fits = rows
		} else {
			over = rows
		}
	}
	return append(b, draw(fits)...)
}
