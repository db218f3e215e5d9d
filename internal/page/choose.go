package page

import (
	"slices"
	"sort"

	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/findings"
)

// Choose returns the calls that are shown in full, at most so many, in the order in which
// they began: those with errors come first, then those with warnings, then those that
// failed, then the others.
func Choose(res *analysis.Result, found []*findings.Finding, most int) []*analysis.Call {
	worst := worstOf(res, found)
	rank, order := make([]int, res.Calls.Len()), make([]int, res.Calls.Len())
	for c := range res.Calls.Heads() {
		i := c.ID - 1
		order[i], rank[i] = i, -2*int(worst[i])
		switch c.First().State {
		case analysis.StateFailed, analysis.StateAbandoned:
			rank[i]--
		}
	}
	sort.SliceStable(order, func(i, j int) bool { return rank[order[i]] < rank[order[j]] })
	order = order[:min(len(order), most)]
	slices.Sort(order)
	var list []*analysis.Call
	for _, i := range order {
		list = append(list, res.Calls.At(i))
	}
	return list
}

// worstOf returns the severity of the worst finding of each call, 0 for none.
func worstOf(res *analysis.Result, found []*findings.Finding) []findings.Severity {
	worst := make([]findings.Severity, res.Calls.Len())
	for _, f := range findings.Singly(found) {
		if f.Call != 0 && f.Call <= len(worst) { // of a second reading that was cut short some are missing
			worst[f.Call-1] = max(worst[f.Call-1], f.Severity)
		}
	}
	return worst
}
