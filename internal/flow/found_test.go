package flow_test

import (
	"slices"
	"testing"

	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/findings"
	"github.com/sipsight/sipsight/internal/flow"
)

// TestFound: findings of several calls come in the order of the list, those of no call and of others do not.
func TestFound(t *testing.T) {
	var list []*findings.Finding
	for i, call := range []int{3, 0, 1, 2, 3, 1} {
		list = append(list, &findings.Finding{ID: string(rune('a' + i)), Call: call})
	}
	x := flow.NewFound(list)
	for _, c := range []struct {
		calls []int
		want  string
	}{{nil, ""}, {[]int{1}, "cf"}, {[]int{3, 1}, "acef"}, {[]int{4}, ""}} {
		var calls []*analysis.Call
		for _, id := range c.calls {
			calls = append(calls, &analysis.Call{ID: id})
		}
		got := ""
		for _, f := range x.Of(calls) {
			got += f.ID
		}
		if got != c.want {
			t.Errorf("of %v: %s, want %s", c.calls, got, c.want)
		}
	}
	if n := slices.IndexFunc(x.Of([]*analysis.Call{{}}), func(f *findings.Finding) bool { return f.ID != "b" }); n >= 0 {
		t.Error("findings of no call are not alone")
	}
}
