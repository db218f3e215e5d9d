package findings

import "slices"

// A Rule is a function over a finished leg of a call, over a request outside of calls, or over
// the capture; it reports Findings. What every rule has to respect is applied once, in this
// file's neighbours: times are those of the capture, silence counts only where an answer
// would have been seen (gate.go), what concerns nearly every call is told once (site.go), and
// of findings with one cause the most specific is told (cause.go).
//
// To add a rule, write a *Rule with its function in the file of its family, list it here, and add
// cases to testdata: a ladder on which it fires and one on which it is silent. docs/findings.md is
// made of the rules; a test keeps it up to date.

// rules are all rules, by family.
var rules []*Rule

// Variables of this package that take a call are set in functions like this one: behind the first that is computed where it is declared,
// the compiler leaves nothing more ready in the data of the program, and rules and needles would be put together by code.
func init() {
	rules = slices.Concat(timerRules, dialogRules, forwardRules, outcomeRules, authRules, attackRules, identityRules, suspiciousRules,
		offerRules, mediaRules, routeRules, wireRules, peerRules, registerRules, qualityRules)
}
