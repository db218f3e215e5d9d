package sdp

import (
	"bytes"
	"hash/maphash"
)

// seed makes the hashes of secrets worthless outside of the process.
var seed = maphash.MakeSeed()

func hash(secret []byte) uint64 { return maphash.Bytes(seed, secret) }

// secretAt returns where the secret in the value of a line begins, -1 where there is none:
// keys (RFC 4568, section 4; RFC 8866, section 5.12; RFC 4567), and the password of ICE
// (RFC 8839, section 5.4). It would rather hide too much: lines that are no lines of SDP
// are looked into as well.
func secretAt(letter byte, v []byte) int {
	at := labelled(v)
	switch letter {
	case 'k', 'K':
		if colon := bytes.IndexByte(v, ':'); colon >= 0 {
			return colon + 1
		}
		if equalFold(trim(v), "prompt") {
			return -1
		}
		return 0
	case 'a', 'A':
		start := scanBlanks(v, 0)
		end := scanToken(v, start)
		switch name := v[start:end]; {
		case equalFold(name, "ice-pwd"), equalFold(name, "key-mgmt"):
		case at < 0 && (equalFold(name, "crypto") || equalFold(name, "cryptoscale")):
		default:
			return at
		}
		if end == len(v) { // the name alone
			return -1
		}
		// One octet behind the name stays, whatever it is: *** would become part of the name.
		colon := scanBlanks(v, end)
		if colon == end || colon < len(v) && v[colon] == ':' {
			colon++
		}
		if colon == len(v) {
			return -1
		}
		return colon
	}
	return at
}

// labels end in front of a key wherever they stand.
var labels = [...]string{"inline:", "ice-pwd:", "key-mgmt:", "clear:", "base64:"}

// labelled returns the end of the first label in v, -1 for none.
func labelled(v []byte) int {
	for n := 0; ; {
		colon := bytes.IndexByte(v[n:], ':')
		if colon < 0 {
			return -1
		}
		n += colon + 1
		for _, label := range labels {
			if hasSuffixFold(v[:n], label) {
				return n
			}
		}
	}
}
