package mcpjsonrpc

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/sipsight/sipsight/internal/near"
)

// maxQuote bounds what an error message repeats of the client's text.
const maxQuote = 64

// quote returns s in double quotes, controls escaped, the end cut off if long.
func quote(s string) string {
	if len(s) <= maxQuote {
		return strconv.Quote(s)
	}
	n := maxQuote
	for !utf8.RuneStart(s[n]) && n > 0 {
		n--
	}
	return strconv.Quote(s[:n]) + "…"
}

// quoteAll returns the names quoted and separated by commas.
func quoteAll(names []string) string {
	q := make([]string, len(names))
	for i, name := range names {
		q[i] = quote(name)
	}
	return strings.Join(q, ", ")
}

// didYouMean returns a clause that helps a caller who wrote name where one of
// valid was expected: the nearest of them, or all, introduced by what.
func didYouMean(name string, valid []string, what string) string {
	switch near := nearest(name, valid); {
	case near != "":
		return "; did you mean " + quote(near) + "?"
	case len(valid) > 0:
		return "; " + what + " " + quoteAll(valid)
	}
	return ""
}

// nearest returns the name in valid that name was most likely meant to be, or
// "". Letter case does not count; a third of the letters may be wrong, or one
// name may be a part of the other ("file" for "pcap_file").
func nearest(name string, valid []string) string {
	if len(name) > maxQuote {
		return ""
	}
	name = strings.ToLower(name)
	limit := max(len(name)/3, 1)
	best, found := limit+1, ""
	for _, v := range valid {
		lower := strings.ToLower(v)
		d := near.Distance(name, lower)
		if d >= len(name) {
			d = limit + 1 // nothing in common
		}
		if min(len(name), len(lower)) >= 3 && (strings.Contains(lower, name) || strings.Contains(name, lower)) {
			d = min(d, limit)
		}
		if d < best {
			best, found = d, v
		}
	}
	return found
}
