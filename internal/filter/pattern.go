package filter

import (
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
)

// compile compiles a pattern of matches. Wireshark's patterns are those of PCRE, without
// regard to case; what RE2 cannot do is refused. re is nil where it is.
func compile(pattern string) (re *regexp.Regexp, what, hint string) {
	if len(pattern) > maxPattern {
		return nil, fmt.Sprintf("the pattern is longer than %d octets", maxPattern), ""
	}
	tree, err := syntax.Parse(pattern, syntax.Perl|syntax.FoldCase)
	if err != nil {
		return nil, patternError(err), "patterns are those of RE2: without look-around, back references and possessive repetition"
	}
	size, err := syntax.Compile(tree.Simplify())
	if err != nil || len(size.Inst) > maxProgram {
		return nil, "the pattern repeats too much", "repeat less, or ask for a simpler pattern"
	}
	re, err = regexp.Compile(dollars(tree).String())
	if err != nil {
		return nil, patternError(err), ""
	}
	return re, "", ""
}

func patternError(err error) string {
	var e *syntax.Error
	if errors.As(err, &e) {
		return fmt.Sprintf("this pattern is refused: %s, %s", e.Code, quoteSource(e.Expr))
	}
	return "this pattern is refused"
}

// dollars lets a $ match in front of a line end that ends the text, as it does in PCRE.
func dollars(re *syntax.Regexp) *syntax.Regexp {
	if re.Op == syntax.OpEndText && re.Flags&syntax.WasDollar != 0 {
		lf := &syntax.Regexp{Op: syntax.OpLiteral, Rune: []rune{'\n'}}
		end := &syntax.Regexp{Op: syntax.OpEndText}
		return &syntax.Regexp{Op: syntax.OpConcat, Sub: []*syntax.Regexp{{Op: syntax.OpQuest, Sub: []*syntax.Regexp{lf}}, end}}
	}
	for i, sub := range re.Sub {
		re.Sub[i] = dollars(sub)
	}
	return re
}
