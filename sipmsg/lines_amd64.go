package sipmsg

// findLineFeeds finds the line feeds in the blocks of 64 octets that b has, as far as at has
// room: 65 places must be left before a block is looked at. The place of each is written to at,
// counted from base, but for the first skip octets. It returns how many there are, how many
// blocks were looked at, and whether one of these holds a NUL or what is not ASCII. What is in
// at behind the last place is anything.
//
//go:noescape
func findLineFeeds(at []uint16, b []byte, base, skip int) (n, blocks int, odd bool)

// scanFields scans header fields of b from n on as long as they are like nine of ten: a known name
// of less than sixteen octets, a colon, a blank at most, a value without white space at its
// ends, CRLF, and then no fold. Their line feeds are at base+at[0] and so on, all in b. It writes them to fields, which
// has room for as many as at, and to first what is the first of its kind, counted from have+1. It returns how
// many there are, where the first line starts that is otherwise, and whether a kind that may stand once stands twice.
//
// It is the innermost loop of all.
//
//go:noescape
func scanFields(fields []field, b []byte, at []uint16, base, n int, first *[numIDs]uint16, have int) (count, next int, twice bool)
