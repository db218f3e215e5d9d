package analysis

import (
	"math/rand/v2"
	"testing"
)

// bareByOctets is bare, one octet after the other.
func bareByOctets(b []byte) []byte {
	at := -1
	for i, c := range b[:min(len(b), maxUser)] {
		if c == '@' {
			at = i
		}
		if c == '?' && at >= 0 {
			break
		}
	}
	for i := at + 1; i < len(b); i++ {
		if b[i] == ';' || b[i] == '?' {
			return b[:i]
		}
	}
	return b
}

// TestBare holds what is left of URIs of all shapes.
func TestBare(t *testing.T) {
	for in, want := range map[string]string{
		"": "", "sip:a@h;x=1?y=2": "sip:a@h", "sip:a;isub=1@h;x": "sip:a;isub=1@h", "sip:a?b@h?c@d": "sip:a?b@h", "tel:+1;phone-context=x": "tel:+1",
		"sip:h?a@b": "sip:h?a@b", "sip:a@b@c;d@e": "sip:a@b@c;d@e", "@": "@", ";": "", "sip:a@?": "sip:a@",
	} {
		if got := bare([]byte(in)); string(got) != want {
			t.Errorf("%q is %q, want %q", in, got, want)
		}
	}
	r := rand.New(rand.NewPCG(1, 2))
	for range 20000 {
		b := make([]byte, r.IntN(16))
		for i := range b {
			b[i] = "ab@;?:"[r.IntN(6)]
		}
		if r.IntN(20) == 0 {
			b = append(make([]byte, maxUser-r.IntN(16)), b...)
		}
		if got, want := bare(b), bareByOctets(b); string(got) != string(want) {
			t.Fatalf("%q is %q, want %q", b, got, want)
		}
	}
}
