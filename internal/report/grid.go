package report

import (
	"unicode/utf8"
)

// A Grid is a table of text for people. Cells are text of our own or cleaned already.
type Grid struct {
	Columns []GridColumn
	rows    [][]string
}

// A GridColumn is one column of a Grid.
type GridColumn struct {
	Head  string
	Right bool // numbers stand to the right
	Min   int  // may be cut down to this many characters where the table is too wide; 0: never
}

// Add adds a row, with a cell for each column.
func (g *Grid) Add(cells ...string) { g.rows = append(g.rows, cells) }

// maxCell bounds the width of a column that may be cut.
const maxCell = 60

// Append appends the table, at most width characters wide if that can be done by cutting
// the columns that may be cut, the widest first. Width 0 is no bound. Columns that are
// empty in every row are left out.
func (g *Grid) Append(b []byte, width int) []byte {
	widths := g.widths(width)
	heads := make([]string, len(g.Columns))
	for i, c := range g.Columns {
		heads[i] = c.Head
	}
	b = g.appendRow(b, heads, widths)
	for _, row := range g.rows {
		b = g.appendRow(b, row, widths)
	}
	return b
}

func (g *Grid) appendRow(b []byte, cells []string, widths []int) []byte {
	start := len(b)
	for i, cell := range cells {
		if widths[i] == 0 {
			continue
		}
		if len(b) > start {
			b = append(b, "  "...)
		}
		cell = cut(cell, widths[i])
		space := widths[i] - utf8.RuneCountInString(cell)
		if g.Columns[i].Right {
			b = append(appendBlanks(b, space), cell...)
		} else {
			b = appendBlanks(append(b, cell...), space)
		}
	}
	for len(b) > start && b[len(b)-1] == ' ' {
		b = b[:len(b)-1]
	}
	return append(b, '\n')
}

func appendBlanks(b []byte, n int) []byte {
	for ; n > 0; n-- {
		b = append(b, ' ')
	}
	return b
}

// widths returns the width of each column, 0 for one without any cell.
func (g *Grid) widths(most int) []int {
	widths := make([]int, len(g.Columns))
	for _, row := range g.rows {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	total := -2
	for i, c := range g.Columns {
		if widths[i] == 0 {
			continue
		}
		widths[i] = max(widths[i], utf8.RuneCountInString(c.Head))
		if c.Min > 0 {
			widths[i] = min(widths[i], maxCell)
		}
		total += widths[i] + 2
	}
	for most > 0 && total > most {
		widest := -1
		for i, c := range g.Columns {
			if c.Min > 0 && widths[i] > c.Min && (widest < 0 || widths[i] > widths[widest]) {
				widest = i
			}
		}
		if widest < 0 {
			break
		}
		widths[widest]--
		total--
	}
	return widths
}

// cut shortens s to n characters, with an ellipsis in the place of the last one.
func cut(s string, n int) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	i := 0
	for k := range s {
		if i == n-1 {
			return s[:k] + "…"
		}
		i++
	}
	return s
}
