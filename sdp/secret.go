package sdp

import (
	"bytes"
	"hash/maphash"
	"unicode/utf8"
)

// seed makes the hashes of secrets worthless outside of the process.
var seed = maphash.MakeSeed()

func hash(secret []byte) uint64 { return maphash.Bytes(seed, secret) }

// secretAt returns where the secret in the value of a line begins, -1 where there is none:
// keys (RFC 4568, section 4; RFC 8866, section 5.12; RFC 4567), and the password of ICE
// (RFC 8839, section 5.4). It would rather hide too much: lines that are no lines of SDP
// are looked into as well.
func secretAt(letter byte, v []byte) int {
	switch letter {
	case 'k', 'K':
		return keyAt(v)
	case 'a', 'A':
		if at, ok := attributeSecretAt(v); ok {
			return at
		}
	}
	return labelled(v)
}

// keyAt is secretAt for k=. What is no known method may be the key itself.
func keyAt(v []byte) int {
	method, _, colon := cutByte(v, ':')
	for _, known := range [...]string{"clear", "base64", "uri"} {
		if colon && equalFold(trim(method), known) {
			return len(method) + 1
		}
	}
	if equalFold(trim(v), "prompt") {
		return -1
	}
	return 0
}

// attributeSecretAt is secretAt for attributes that hold nothing else; ok is false for all
// others.
func attributeSecretAt(v []byte) (at int, ok bool) {
	start := scanBlanks(v, 0)
	end := scanToken(v, start)
	shown := 0 // fields that may be shown in front of inline:
	switch name := v[start:end]; {
	case equalFold(name, "ice-pwd"), equalFold(name, "key-mgmt"):
	case equalFold(name, "crypto"): // tag, suite
		shown = 2
	case equalFold(name, "cryptoscale"): // tag, side, suite
		shown = 3
	default:
		return -1, false
	}
	if end == len(v) { // the name alone
		return -1, true
	}
	// One character behind the name stays, whatever it is: *** would become part of the name.
	at = scanBlanks(v, end)
	if at == end || at < len(v) && v[at] == ':' {
		_, size := utf8.DecodeRune(v[at:])
		at += size
	}
	if shown > 0 {
		n := scanBlanks(v, at)
		for range shown {
			n = scanBlanks(v, scanField(v, n))
		}
		if inline := "inline:"; len(v)-n >= len(inline) && equalFold(v[n:n+len(inline)], inline) {
			at = n + len(inline)
		}
	}
	if at == len(v) {
		return -1, true
	}
	return at, true
}

// labelled returns the end of the first label in v that stands in front of a key wherever it
// is; -1 for none.
func labelled(v []byte) int {
	for n := 0; ; {
		colon := bytes.IndexByte(v[n:], ':')
		if colon < 0 {
			return -1
		}
		n += colon + 1
		if n < 2 {
			continue
		}
		label := ""
		switch lower(v[n-2]) { // most colons are told by one letter
		case 'e':
			label = "inline:"
		case 'd':
			label = "ice-pwd:"
		case 't':
			label = "key-mgmt:"
		case 'r':
			label = "clear:"
		case '4':
			label = "base64:"
		default:
			continue
		}
		if hasSuffixFold(v[:n], label) {
			return n
		}
	}
}
