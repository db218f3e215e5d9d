package findings

import "slices"

// rules are all rules, by family.
var rules = slices.Concat(timerRules, dialogRules, forwardRules, outcomeRules, authRules, attackRules, identityRules, suspiciousRules,
	offerRules, mediaRules, routeRules, wireRules, peerRules, registerRules, qualityRules)
