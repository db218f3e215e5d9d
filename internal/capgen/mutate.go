package capgen

import (
	"bytes"
	"math/rand/v2"
	"slices"
)

// Mutate returns a copy of a text with a few octets changed, cut off, added or doubled. New
// octets are those of the alphabet, and line ends. The capacity is the length.
func Mutate(r *rand.Rand, text []byte, alphabet string) []byte {
	b := bytes.Clone(text)
	for range 1 + r.IntN(5) {
		i := r.IntN(len(b) + 1)
		switch r.IntN(8) {
		case 0:
			b = b[:i]
		case 1:
			b = slices.Delete(b, i, min(len(b), i+r.IntN(40)))
		case 2:
			b = slices.Insert(b, i, b[r.IntN(i+1):i]...)
		case 3:
			b = slices.Insert(b, i, '\r', '\n')
		case 4, 5:
			b = slices.Insert(b, i, alphabet[r.IntN(len(alphabet))])
		default:
			if i < len(b) {
				b[i] = alphabet[r.IntN(len(alphabet))]
			}
		}
	}
	return slices.Clip(b)
}
