package filter

import (
	"fmt"
	"strings"
	"unicode"
)

// An Error says why an expression is refused, and where.
type Error struct {
	Expr     string
	Pos, End int      // the place in Expr, in octets: Pos <= End <= len(Expr)
	What     string   // what is wrong
	Hint     string   // what would be right, "" where there is nothing to say
	Fields   []string // of a field that is not there: some that may be meant
}

func (e *Error) Error() string {
	s := fmt.Sprintf("filter: %s, at character %d", e.What, len([]rune(e.Expr[:e.Pos]))+1)
	if e.Hint != "" {
		s += "; " + e.Hint
	}
	return s
}

// maxCaret is how many characters of an expression stand above the caret.
const maxCaret = 76

// Caret returns two lines: the expression, and below it a mark under the place. Of a long
// expression it shows the part around the place. What cannot be seen is shown as a dot.
func (e *Error) Caret() string {
	text := []rune(e.Expr)
	pos := len([]rune(e.Expr[:e.Pos]))
	end := pos + len([]rune(e.Expr[e.Pos:e.End]))
	from, to := 0, len(text)
	if to > maxCaret {
		from = max(0, min(pos-maxCaret/3, to-maxCaret))
		to = from + maxCaret
	}
	var b strings.Builder
	mark := pos - from
	if from > 0 {
		b.WriteRune('…')
		mark++
	}
	for _, r := range text[from:to] {
		if !unicode.IsPrint(r) {
			r = '·'
		}
		b.WriteRune(r)
	}
	if to < len(text) {
		b.WriteRune('…')
	}
	b.WriteByte('\n')
	b.WriteString(strings.Repeat(" ", mark))
	b.WriteByte('^')
	if n := min(end, to) - pos; n > 1 {
		b.WriteString(strings.Repeat("~", n-1))
	}
	return b.String()
}
