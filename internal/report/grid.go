package report

import (
	"slices"

	"github.com/sipsight/sipsight/internal/clean"
)

// A Grid is a table of text for people. Cells are text of our own or cleaned already.
type Grid struct {
	Columns []GridColumn
	Colour  bool // for a terminal: cells of columns that have colours are in them
	Sorted  bool // rows are in another order than that of time
	rows    [][]string
	day     string   // what is told ahead of the table
	days    []string // of the rows, where their cells do not tell them
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

// Append appends the table, at most width characters wide if that can be done: by less space
// between the columns, by cutting those that may be cut, the widest first, and by leaving
// out those that can be spared, one by one. Width 0 is no bound. Columns that are empty in every row
// are left out.
func (g *Grid) Append(b []byte, width int) []byte {
	g.takeDays()
	widths, gap := g.fit(width)
	heads := make([]string, len(g.Columns))
	for i, c := range g.Columns {
		heads[i] = c.Head
	}
	b = g.appendRow(b, heads, widths, gap)
	day := g.day
	for i, row := range g.rows {
		if g.days != nil && g.days[i] != "" && g.days[i] != day {
			day = g.days[i]
			b = append(append(b, day...), "UTC\n"...)
		}
		b = g.appendRow(b, row, widths, gap)
	}
	return b
}

// takeDays takes the dates out of the cells. Rows that are sorted and of several days keep them.
func (g *Grid) takeDays() {
	for i, c := range g.Columns {
		if !c.Stamp || g.days != nil || g.Sorted && g.ofSeveralDays(i) {
			continue
		}
		for _, row := range g.rows {
			day := dayOf(row[i])
			g.days = append(g.days, day)
			row[i] = row[i][len(day):]
		}
	}
}

// ofSeveralDays reports whether the cells of a column differ in their dates.
func (g *Grid) ofSeveralDays(column int) bool {
	for _, row := range g.rows {
		if dayOf(row[column]) != dayOf(g.rows[0][column]) {
			return true
		}
	}
	return false
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
	for _, row := range g.rows {
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
