package sipmsg

// findLineFeeds finds the line feeds in the blocks of 64 octets that b has, as far as at has
// room: 65 places must be left before a block is looked at. The place of each is written to at,
// counted from base, but for the first skip octets. It returns how many there are, how many
// blocks were looked at, and whether one of these holds a NUL or what is not ASCII. What is in
// at behind the last place is anything.
//
//go:noescape
func findLineFeeds(at []uint16, b []byte, base, skip int) (n, blocks int, odd bool)
