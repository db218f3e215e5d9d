package report

import (
	"strings"

	"github.com/sipsight/sipsight/internal/words"
)

// ownPhrase returns the reason phrase of a message where it says something else than ours, as servers use it to tell
// why; "" for none.
func ownPhrase(code int, reason string) string {
	if strings.EqualFold(reason, words.Phrase(code)) {
		return ""
	}
	return reason
}

// quoted returns text of the capture in quotes behind a blank, "" for none.
func quoted(s string, o *Options) string {
	if s == "" {
		return ""
	}
	return " “" + uriText(s, o) + "”"
}
