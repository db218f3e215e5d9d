package findings

import (
	"fmt"
	"math/bits"
	"slices"

	"github.com/sipsight/sipsight/analysis"
)

const (
	// A rule that fires on at least siteShare percent of the calls that it could apply
	// to, these being siteCalls or more, tells of the site and not of a call.
	siteShare = 60
	siteCalls = 10

	maxSiteCalls  = 20
	maxSiteProofs = 3
)

// A patternKey is a rule with a severity: notes of a rule do not hide its errors.
type patternKey struct {
	id string
	as Severity
}

// isPattern reports whether a rule fires with a severity on most calls that it could apply to.
func (t *tally) isPattern(s int) bool {
	return t.applied >= siteCalls && t.fired[s]*100 >= t.applied*siteShare
}

// A legSet is a set of legs, of which most are in it or none: a bit for each.
type legSet []uint64

// add adds a leg; it reports whether that is new. Inlined it would be 3 kB of the binary, and no faster.
//
//go:noinline
func (s *legSet) add(n legNumber) bool {
	for int(n>>6) >= len(*s) {
		*s = append(*s, 0)
	}
	word, bit := &(*s)[n>>6], uint64(1)<<(n&63)
	is := *word&bit == 0
	*word |= bit
	return is
}

func (s legSet) remove(n legNumber) {
	if int(n>>6) < len(s) {
		s[n>>6] &^= 1 << (n & 63)
	}
}

// calls returns how many calls the legs are of.
func (s legSet) calls(list *analysis.CallList) (n int) {
	var met legSet // as numbers of calls
	for i, word := range s {
		for ; word != 0; word &= word - 1 {
			leg := i<<6 + bits.TrailingZeros64(word)
			n += toInt(met.add(legNumber(list.CallNumber(leg - 1))))
		}
	}
	return n
}

// countCalls makes calls of the legs that are counted, now that it is known which legs are of one call.
func (c *Collector) countCalls(list *analysis.CallList) {
	for _, t := range c.count {
		if t.applied < siteCalls {
			continue
		}
		for s, on := range t.firedOn {
			t.fired[s] = on.calls(list)
		}
		if t.fired != [Error + 1]int{} {
			t.applied = t.legs.calls(list)
		}
	}
}

// sitePatterns makes one finding of those of each rule that fires on most calls.
func (c *Collector) sitePatterns(list []*Finding) []*Finding {
	patterns := make(map[patternKey]*Finding)
	for _, r := range rules {
		t := c.count[r.ID]
		for s := range t.fired {
			if t.isPattern(s) {
				patterns[patternKey{r.ID, Severity(s)}] = nil
			}
		}
	}
	if len(patterns) == 0 {
		return list
	}
	var rest []*Finding
	for _, f := range list {
		k := patternKey{f.ID, f.as}
		p, is := patterns[k]
		if !is || f.leg == 0 {
			rest = append(rest, f)
			continue
		}
		if p == nil {
			t, fired := c.count[f.ID], c.count[f.ID].fired[f.as]
			p = &Finding{
				ID: f.ID, Severity: f.Severity, Confidence: f.Confidence, RFC: f.RFC, Expected: f.Expected, NextStep: f.NextStep,
				Observed: fmt.Sprintf("on %d of %d calls; the first: %s", fired, t.applied, f.Observed), Count: fired, rule: f.rule, n: f.n, several: new(several),
			}
			patterns[k] = p
			rest = append(rest, p)
		}
		p.take(f)
		f.Count = p.Count
	}
	return rest
}

// take takes a finding of a pattern into it.
func (p *Finding) take(f *Finding) {
	n := len(p.Calls)
	known := n < maxSiteCalls && slices.ContainsFunc(p.several.singly, func(x *Finding) bool { return x.CallID == f.CallID || x.Call == f.Call && f.Call != 0 })
	p.several.singly = append(p.several.singly, f)
	p.Severity = max(p.Severity, f.Severity)
	p.Confidence = max(p.Confidence, f.Confidence)
	if n < maxSiteCalls && !known {
		p.Calls = append(p.Calls, f.CallID)
	}
	if n < maxSiteProofs {
		p.Frames = append(p.Frames, f.Frames...)
		if len(p.Frames) > maxFrames {
			p.Frames = p.Frames[:maxFrames]
		}
	}
}
