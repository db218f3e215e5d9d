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
