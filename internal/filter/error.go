package filter

import (
	"fmt"
	"strings"
	"unicode"

	"github.com/sipsight/sipsight/internal/clean"
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
	shown := text[from:to]
	for i, r := range shown {
		if !unicode.IsPrint(r) {
			shown[i] = '·'
		}
	}
	before, after := "", ""
	if from > 0 {
		before = "…"
	}
	if to < len(text) {
		after = "…"
	}
	ahead := before + string(shown[:pos-from])
	marked := clean.Width(string(shown[pos-from : max(min(end, to), pos)-from])) // in columns of a terminal
	return before + string(shown) + after + "\n" + strings.Repeat(" ", clean.Width(ahead)) + "^" + strings.Repeat("~", max(marked-1, 0))
}
