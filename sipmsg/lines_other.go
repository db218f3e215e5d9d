//go:build !amd64

package sipmsg

import "bytes"

// findLineFeeds finds the line feeds in the blocks of 64 octets that b has, as far as at has
// room: 65 places must be left before a block is looked at. The place of each is written to at,
// counted from base, but for the first skip octets. It returns how many there are, how many
// blocks were looked at, and whether one of these holds a NUL or what is not ASCII.
func findLineFeeds(at []uint16, b []byte, base, skip int) (n, blocks int, odd bool) {
	for len(b) >= 64 && n+65 <= len(at) {
		for i := skip; ; i++ {
			lf := bytes.IndexByte(b[i:64], '\n')
			if lf < 0 {
				break
			}
			i += lf
			at[n] = uint16(base + i)
			n++
		}
		odd = odd || scanPlain(b[:64]) < 64
		b, base, skip = b[64:], base+64, 0
		blocks++
	}
	return n, blocks, odd
}
