package findings

import (
	"fmt"
	"slices"
)

const (
	// A rule that fires on at least siteShare percent of the legs that it could apply
	// to, these being siteLegs or more, tells of the site and not of a call.
	siteShare = 60
	siteLegs  = 10

	maxSiteCalls  = 20
	maxSiteProofs = 3
)

// A patternKey is a rule with a severity: notes of a rule do not hide its errors.
type patternKey struct {
	id string
	as Severity
}

// isPattern reports whether a rule fires with a severity on most legs that it could apply to.
func (t *tally) isPattern(s int) bool {
	return t.applied >= siteLegs && t.fired[s]*100 >= t.applied*siteShare
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
		switch {
		case !is || f.leg == 0:
			rest = append(rest, f)
		case p == nil:
			t, fired := c.count[f.ID], c.count[f.ID].fired[f.as]
			p = &Finding{
				ID: f.ID, Severity: f.Severity, Confidence: f.Confidence, RFC: f.RFC, Expected: f.Expected, NextStep: f.NextStep,
				Observed: fmt.Sprintf("on %d of %d calls; the first: %s", fired, t.applied, f.Observed), Count: fired, rule: f.rule, n: f.n, several: new(several),
			}
			patterns[k] = p
			rest = append(rest, p)
			p.take(f, 0)
		default:
			p.take(f, len(p.Calls))
		}
		if is && f.leg != 0 {
			f.Count = p.Count
		}
	}
	return rest
}

// take takes the n-th finding of a pattern into it.
func (p *Finding) take(f *Finding, n int) {
	p.several.singly = append(p.several.singly, f)
	p.Severity = max(p.Severity, f.Severity)
	p.Confidence = max(p.Confidence, f.Confidence)
	if len(p.Calls) < maxSiteCalls && !slices.Contains(p.Calls, f.CallID) {
		p.Calls = append(p.Calls, f.CallID)
	}
	if n < maxSiteProofs {
		p.Frames = append(p.Frames, f.Frames...)
		if len(p.Frames) > maxFrames {
			p.Frames = p.Frames[:maxFrames]
		}
	}
}
