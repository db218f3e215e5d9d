package findings

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"unicode/utf8"
)

// vectors says that the processor has AVX2, as those since 2013 do.
var vectors bool

func init() { vectors = hasAVX2() }

func hasAVX2() bool

// nextOdd returns where the first block of 32 octets of b begins, from the octet from on, that has something
// odd, and a bit for each of its octets that is: the first of five that t knows, ESC, or one that is not ASCII. odd is 0
// where there is none. b has minBlocks octets or more; of the last four of them nothing is said.
//
//go:noescape
func nextOdd(b []byte, from int, t *nibbles) (at int, odd uint32)

const minBlocks = 36

// byBlocks reports whether a message may hold something suspicious; ok is false where that is to be found out in
// another way.
func (s *screen) byBlocks(b []byte) (suspicious, ok bool) {
	if !vectors || len(b) < minBlocks {
		return false, false
	}
	for at := 0; ; at += 32 {
		var odd uint32
		if at, odd = nextOdd(b, at, &s.nibbles); odd == 0 {
			break
		}
		for ; odd != 0; odd &= odd - 1 {
			if s.oddAt(b, at+bits.TrailingZeros32(odd)) {
				return true, true
			}
		}
	}
	end := b[len(b)-4:]
	if hasOdd(binary.LittleEndian.Uint32(end)) {
		suspicious = bytes.IndexByte(end, esc) >= 0 || oddCharacters(end)
	}
	return suspicious, true
}

// stands reports whether the needle stands in b at a place, which may lie before its beginning.
func (n *needle) stands(b []byte, at int) bool { return at >= 0 && hasFold(b[at:], n.text) }

// hasOdd reports whether one of four octets is ESC or not ASCII. It may say so where one of them is but near to ESC.
func hasOdd(w uint32) bool {
	x := w ^ esc*0x01010101
	return (w|(x-0x01010101))&0x80808080 != 0
}

// oddAt reports whether what nextOdd found at an octet is suspicious.
func (s *screen) oddAt(b []byte, i int) bool {
	c := b[i]
	switch {
	case c == esc:
		return true
	case c >= utf8.RuneSelf:
		return isOdd(b[i:])
	}
	window := windowAt(b, i)
	if h := hashWindow(window); s.begins[h/64]&(1<<(h%64)) == 0 { // nearly always
		return false
	}
	for groups := s.nibbles.groupsAt(b[i:]); groups != 0; groups &= groups - 1 {
		list := s.groups[bits.TrailingZeros8(groups)]
		for k := range list {
			if n := &list[k]; n.window == window && n.stands(b, i-n.at) {
				return true
			}
		}
	}
	return false
}
