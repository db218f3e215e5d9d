package page

import (
	"slices"

	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/internal/findings"
)

// Choose returns the calls that are shown in full, at most so many, in the order in which
// they began: those with errors come first, then those with warnings, then those that
// failed, then the others.
func Choose(res *analysis.Result, found []*findings.Finding, most int) []*analysis.Call {
	worst := worstOf(res, found)
	list := slices.Clone(res.Calls)
	rank := func(c *analysis.Call) int {
		r := -2 * int(worst[c.ID-1])
		switch c.First().State {
		case analysis.StateFailed, analysis.StateAbandoned:
			r--
		}
		return r
	}
	slices.SortStableFunc(list, func(a, b *analysis.Call) int { return rank(a) - rank(b) })
	list = list[:min(len(list), most)]
	slices.SortFunc(list, func(a, b *analysis.Call) int { return a.ID - b.ID })
	return list
}

// worstOf returns the severity of the worst finding of each call, 0 for none.
func worstOf(res *analysis.Result, found []*findings.Finding) []findings.Severity {
	worst := make([]findings.Severity, len(res.Calls))
	for _, f := range found {
		if f.Call != 0 {
			worst[f.Call-1] = max(worst[f.Call-1], f.Severity)
		}
	}
	return worst
}
