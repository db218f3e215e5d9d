package report

import (
	"bytes"
	"io"
	"slices"

	"github.com/sipsight/sipsight/internal/clean"
)

// A Grid is a table of text for people. Cells are text of our own or cleaned already.
type Grid struct {
	Columns []GridColumn
	Colour  bool // for a terminal: cells of columns that have colours are in them
	Sorted  bool // rows are in another order than that of time

	// Row returns the cells of each of so many Rows, which are asked for two or three times: those of many rows need no room then.
	// Rows that were added need none of this.
	Row  func(i int) []string
	Rows int

	rows  [][]string
	day   string // what is told ahead of the table
	dated int    // 1 + the column that the dates are taken out of, 0 for none
}

// A GridColumn is one column of a Grid.
type GridColumn struct {
	Head   string
	Right  bool                     // numbers stand to the right
	Min    int                      // may be cut down to this many characters where the table is too wide; 0: never
	Colour func(cell string) string // of a cell on a terminal, "" for none; nil: they have none
	Stamp  bool                     // cells are of stampText: a line above the rows of each day takes the place of the date
	Spare  int                      // is left out where the table is too wide all the same, that with the lowest number first; 0: never
}

// Add adds a row, with a cell for each column.
func (g *Grid) Add(cells ...string) { g.rows = append(g.rows, cells) }

// maxCell bounds the width of a column that may be cut, where nothing else does and further columns
// stand behind it.
const maxCell = 60

// Append appends the table as Write writes it.
func (g *Grid) Append(b []byte, width int) []byte {
	w := bytes.NewBuffer(b)
	g.Write(w, width)
	return w.Bytes()
}

// Write writes the table line by line, at most width characters wide if that can be done: by less space
// between the columns, by cutting those that may be cut, the widest first, and by leaving
// out those that can be spared, one by one. Width 0 is no bound. Columns that are empty in every row
// are left out. Of the errors of w the caller has to know.
func (g *Grid) Write(w io.Writer, width int) {
	if g.Row == nil {
		g.Row, g.Rows = func(i int) []string { return slices.Clone(g.rows[i]) }, len(g.rows)
	}
	g.takeDates()
	widths, gap := g.fit(width)
	heads := make([]string, len(g.Columns))
	for i, c := range g.Columns {
		heads[i] = c.Head
	}
	line := g.appendRow(nil, heads, widths, gap)
	w.Write(line)
	last := g.day
	for i := range g.Rows {
		line = line[:0]
		day, row := g.undated(i)
		if day != "" && day != last {
			last = day
			line = append(append(line, day...), "UTC\n"...)
		}
		line = g.appendRow(line, row, widths, gap)
		w.Write(line)
	}
}

// takeDates looks from which cells the dates are to be taken. Rows that are sorted and of several days keep them.
func (g *Grid) takeDates() {
	for i, c := range g.Columns {
		if c.Stamp && g.dated == 0 && !(g.Sorted && g.ofSeveralDays(i)) {
			g.dated = i + 1
		}
	}
}

// ofSeveralDays reports whether the cells of a column differ in their dates.
func (g *Grid) ofSeveralDays(column int) bool {
	first := ""
	for i := range g.Rows {
		day := dayOf(g.Row(i)[column])
		if i == 0 {
			first = day
		}
		if day != first {
			return true
		}
	}
	return false
}

// undated returns a row, and the date that was taken out of its cells.
func (g *Grid) undated(i int) (day string, row []string) {
	row = g.Row(i)
	if g.dated > 0 {
		cell := &row[g.dated-1]
		day = dayOf(*cell)
		*cell = (*cell)[len(day):]
	}
	return day, row
}

func (g *Grid) appendRow(b []byte, cells []string, widths []int, gap int) []byte {
	start := len(b)
	for i, cell := range cells {
		if widths[i] == 0 {
			continue
		}
		if len(b) > start {
			b = appendBlanks(b, gap)
		}
		cell = cut(cell, widths[i])
		space := widths[i] - clean.Width(cell)
		colour := ""
		if of := g.Columns[i].Colour; g.Colour && of != nil {
			colour = of(cell)
		}
		if g.Columns[i].Right {
			b = appendColoured(appendBlanks(b, space), colour, cell)
		} else {
			b = appendBlanks(appendColoured(b, colour, cell), space)
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

// fit returns the width of each column, 0 for one that is left out, and the space between
// them.
func (g *Grid) fit(most int) (widths []int, gap int) {
	full := g.widths()
	if most <= 0 {
		capCells(g.Columns, full)
		return full, 2
	}
	for {
		if total(full, 2) <= most {
			return full, 2
		}
		widths = slices.Clone(full)
		spare := g.spare(full)
		if g.cut(widths, most) || spare < 0 {
			return widths, 1
		}
		full[spare] = 0
	}
}

// capCells bounds the widths of columns that may be cut and are not the last one.
func capCells(columns []GridColumn, widths []int) {
	last := true
	for i := len(widths) - 1; i >= 0; i-- {
		if !last && columns[i].Min > 0 {
			widths[i] = min(widths[i], maxCell)
		}
		last = last && widths[i] == 0
	}
}

// spare returns the column that is to be left out next, -1 for none.
func (g *Grid) spare(widths []int) int {
	next := -1
	for i, c := range g.Columns {
		if widths[i] > 0 && c.Spare > 0 && (next < 0 || c.Spare < g.Columns[next].Spare) {
			next = i
		}
	}
	return next
}

// widths returns the width that each column asks for, 0 for one without any cell.
func (g *Grid) widths() []int {
	widths := make([]int, len(g.Columns))
	for i := range g.Rows {
		_, row := g.undated(i)
		for i, cell := range row {
			widths[i] = max(widths[i], clean.Width(cell))
		}
	}
	for i, c := range g.Columns {
		if widths[i] == 0 {
			continue
		}
		widths[i] = max(widths[i], clean.Width(c.Head))
	}
	return widths
}

// total returns the width of the table.
func total(widths []int, gap int) (n int) {
	for _, w := range widths {
		if w > 0 {
			n += w + gap
		}
	}
	return n - gap
}

// cut makes the columns that may be cut narrower, the widest first, and reports whether the
// table is narrow enough then, with one blank between the columns.
func (g *Grid) cut(widths []int, most int) bool {
	for n := total(widths, 1); n > most; n-- {
		widest := -1
		for i, c := range g.Columns {
			if c.Min > 0 && widths[i] > c.Min && (widest < 0 || widths[i] > widths[widest]) {
				widest = i
			}
		}
		if widest < 0 {
			return false
		}
		widths[widest]--
	}
	return true
}

// cut shortens s to n columns of a terminal, with an ellipsis in the place of its end.
func cut(s string, n int) string { return clean.Fit(s, n, "…") }
