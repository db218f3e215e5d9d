package report

import (
	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/findings"
)

// A vocabulary is all values that a text of a table can have, and what people say in their place,
// as filter.Schema.Only takes them.
type vocabulary struct {
	name  string
	words []string
	said  string
}

// The values of texts that have few.
var (
	ruleIDs = findings.IDs()
	parties = []string{analysis.Caller.String(), analysis.Callee.String(), analysis.Server.String()}
)
