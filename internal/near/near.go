// Package near says how far a name is from another, so that a mistyped one can be answered
// with what was likely meant.
package near

import "strings"

// maxName bounds the names that are compared letter by letter, in octets.
const maxName = 64

// Of returns the nearest of some names, "" if none is near: the only one that begins so, or else one with two other letters, or one in
// three. Letter case does not count.
func Of(name string, names []string) (best string) {
	name = strings.ToLower(name)
	if best = beginning(name, names); best != "" {
		return best
	}
	distance := min(3, 1+(len(name)+2)/3)
	for _, n := range names {
		if d := Distance(name, strings.ToLower(n)); d < distance && d < len(n) {
			best, distance = n, d
		}
	}
	return best
}

// beginning returns the only name that begins with three letters or more, "" for none or several.
func beginning(start string, names []string) (only string) {
	for _, n := range names {
		switch {
		case len(start) < 3 || !strings.HasPrefix(strings.ToLower(n), start):
		case only != "":
			return ""
		default:
			only = n
		}
	}
	return only
}

// Distance returns how many octets must be put in, taken out, replaced or exchanged with
// their neighbour to make one name of the other (Damerau and Levenshtein, in the variant
// that edits no octet twice). Letter case counts. Where a name has more than 64 octets, it
// is the length of the longer one.
func Distance(a, b string) int {
	if len(a) > maxName || len(b) > maxName {
		return max(len(a), len(b))
	}
	var rows [3][maxName + 1]int
	before, last, row := &rows[0], &rows[1], &rows[2]
	for j := range row {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}
