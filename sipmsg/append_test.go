package sipmsg_test

import (
	"bytes"
	"iter"
	"math/rand/v2"
	"testing"

	"github.com/sipsight/sipsight/internal/capgen"
	"github.com/sipsight/sipsight/sipmsg"
)

func TestAppend(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"as it should be", "OPTIONS sip:a SIP/2.0\r\nVia: b\r\n\r\nbody", "OPTIONS sip:a SIP/2.0\r\nVia: b\r\n\r\nbody"},
		{"response", "SIP/2.0 200 OK\r\nVia: b\r\n\r\n", "SIP/2.0 200 OK\r\nVia: b\r\n\r\n"},
		{"compact, odd case, folds, blanks, bare LF", "\r\n\nOPTIONS  sip:a  SIP/2.0 \nv :\n b\n  ;c\nSUBJECT:x \nX-Own:1\nMax-forwards:\n\nb\n", "OPTIONS sip:a SIP/2.0\r\nVia: b ;c\r\nSubject: x\r\nX-Own: 1\r\nMax-Forwards:\r\n\r\nb\n"},
		{"no version", "INVITE sip:a\r\n\r\n", "INVITE sip:a\r\n\r\n"},
		{"no URI", "INVITE SIP/2.0\r\n\r\n", "INVITE SIP/2.0\r\n\r\n"},
		{"nothing but a method", "X \r\n\r\n", "X \r\n\r\n"},
		{"version as written", "X y sip/7.0\r\n\r\n", "X y sip/7.0\r\n\r\n"},
		{"blanks in the URI", "X sip:a ; b SIP/2.0\r\n\r\n", "X sip:a ; b SIP/2.0\r\n\r\n"},
		{"no reason", "SIP/2.0 200\r\n\r\n", "SIP/2.0 200 \r\n\r\n"},
		{"reason at the code", "SIP/2.0  200OK\r\n\r\n", "SIP/2.0 200 OK\r\n\r\n"},
		{"not ended", "X y SIP/2.0\r\nVia: b", "X y SIP/2.0\r\nVia: b\r\n\r\n"},
		{"no colon", "X y SIP/2.0\r\nhello\r\n there\r\n\r\n", "X y SIP/2.0\r\nhello there\r\n\r\n"},
		{"a line of blanks", "X y SIP/2.0\r\n  \r\nVia: b\r\n\r\n", "X y SIP/2.0\r\nVia: b\r\n\r\n"},
		{"odd names", "X y SIP/2.0\r\n : a\r\n: b\r\nc d : e\r\n:\r\n\r\n", "X y SIP/2.0\r\n: a\r\n: b\r\nc d: e\r\n:\r\n\r\n"},
		{"a blank before the first name", "X y SIP/2.0\r\n Via: a\r\nVia: b\r\n\r\n", "X y SIP/2.0\r\nVia: a\r\nVia: b\r\n\r\n"},
		{"a fold before a name", "X y SIP/2.0\r\n:\r\n\r\r\r\n From:\r\n\r\n", "X y SIP/2.0\r\n:\r\nFrom:\r\n\r\n"},
		{"a fold in an odd name", "X y SIP/2.0\r\na\r\n b: c\r\n\r\n", "X y SIP/2.0\r\na b: c\r\n\r\n"},
		{"a fold before the colon", "X y SIP/2.0\r\ns\r\n : c\r\n\r\n", "X y SIP/2.0\r\nSubject: c\r\n\r\n"},
		{"CR alone", "X y SIP/2.0\r\nVia: a\rb\r\r\n\r\n", "X y SIP/2.0\r\nVia: a\rb\r\n\r\n"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			m := parse(t, clip(test.in))
			if got := string(m.Append([]byte("dst"))); got != "dst"+test.want {
				t.Errorf("%q\nis   %q\nwant %q", test.in, got[3:], test.want)
			}
			if got := string(parse(t, clip(test.want)).Append(nil)); got != test.want {
				t.Errorf("%q\nthen %q", test.want, got)
			}
		})
	}
	var zero sipmsg.Message
	if got := string(zero.Append(nil)); got != "\r\n" {
		t.Errorf("the zero Message is %q", got)
	}
	if err := zero.ParseFragment([]byte("f: a")); err != nil || string(zero.Append(nil)) != "From: a\r\n\r\n" {
		t.Errorf("%v, a fragment without a start line is %q", err, zero.Append(nil))
	}
}

// checkAppend checks that a message that was written back says what it said, and is
// written back as the same octets.
func checkAppend(t *testing.T, in []byte) {
	t.Helper()
	var m, again sipmsg.Message
	if m.Parse(in) != nil {
		return
	}
	out := clip(m.Append(nil))
	if err := again.Parse(out); err != nil {
		t.Fatalf("%v: %q\nwas %q", err, out, in)
	}
	if second := again.Append(nil); !bytes.Equal(second, out) {
		t.Fatalf("%q\nonce  %q\ntwice %q", in, out, second)
	}
	if string(m.Method) != string(again.Method) || string(m.RequestURI) != string(again.RequestURI) || string(m.Version) != string(again.Version) ||
		string(m.StatusText) != string(again.StatusText) || string(m.Reason) != string(again.Reason) || string(m.Body) != string(again.Body) {
		t.Fatalf("%s\nwas %s", dump(&again), dump(&m))
	}
	for id := sipmsg.Accept; id.String() != ""; id++ {
		if m.Quirks()&(sipmsg.QuirkHeaderName|sipmsg.QuirkNoColon) != 0 {
			break // once unfolded, such a line may be a field that is known
		}
		next, stop := iter.Pull(again.All(id))
		for v := range m.All(id) {
			w, ok := next()
			if want := sipmsg.AppendUnfolded(nil, v); !ok || !bytes.Equal(w, want) {
				t.Fatalf("%v is %q, was %q in %q", id, w, want, in)
			}
		}
		stop()
	}
}

func TestAppendLaw(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 10))
	for _, in := range corpus() {
		checkAppend(t, in)
		for range 60 {
			checkAppend(t, capgen.Mutate(r, in, alphabet))
		}
	}
}
