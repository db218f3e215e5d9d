package flow

import (
	"slices"

	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/findings"
)

// A Found is a list of findings by the calls that they are about: to look for those of each of ten thousand calls in all would
// take the square of their number.
type Found struct {
	list []*findings.Finding
	of   map[int][]int // of each call, the places of its findings in list
}

// NewFound takes in what findings.Collector.Finish returned.
func NewFound(found []*findings.Finding) *Found {
	x := &Found{findings.Singly(found), make(map[int][]int)}
	for i, f := range x.list {
		x.of[f.Call] = append(x.of[f.Call], i)
	}
	return x
}

// Of returns the findings of some calls, in the order of the list.
func (x *Found) Of(calls []*analysis.Call) (list []*findings.Finding) {
	var places []int
	for _, c := range calls {
		places = append(places, x.of[c.ID]...)
	}
	slices.Sort(places)
	for _, i := range places {
		list = append(list, x.list[i])
	}
	return list
}
