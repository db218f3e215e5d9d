package sipmsg_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/sipsight/sipsight/sipmsg"
)

// authText writes the parts of a that are there.
func authText(a sipmsg.Auth) string {
	var s []string
	for _, part := range []struct {
		name string
		v    []byte
	}{
		{"", a.Scheme}, {"realm", a.Realm}, {"nonce", a.Nonce}, {"opaque", a.Opaque}, {"algorithm", a.Algorithm}, {"qop", a.QOP},
		{"domain", a.Domain}, {"username", a.Username}, {"uri", a.URI}, {"cnonce", a.CNonce}, {"nc", a.NCText},
	} {
		if part.v != nil {
			s = append(s, strings.TrimPrefix(fmt.Sprintf("%s=%s", part.name, part.v), "="))
		}
	}
	if a.HasNC {
		s = append(s, fmt.Sprint(a.NC))
	} else if a.NC != 0 {
		s = append(s, "a nonce count that is none")
	}
	if a.Stale {
		s = append(s, "stale")
	}
	if a.HasResponse {
		s = append(s, "response")
	}
	if a.HasToken {
		s = append(s, "token")
	}
	return strings.Join(s, " ")
}

var authTests = []struct{ name, in, want string }{
	{"challenge", `Digest realm="sip.example.com", nonce="n1", opaque="o", stale=TRUE, algorithm=MD5, qop="auth,auth-int", domain="sip:a sip:b"`,
		"Digest realm=sip.example.com nonce=n1 opaque=o algorithm=MD5 qop=auth,auth-int domain=sip:a sip:b stale"},
	{"credentials", `digest username="bob",realm="r",nonce="n",uri="sip:h",response="0123",cnonce="c",nc=0000001f,qop=auth`,
		"digest realm=r nonce=n qop=auth username=bob uri=sip:h cnonce=c nc=0000001f 31 response"},
	{"white space everywhere", "Digest\r\n realm = \"a, \\\" b\" ,\r\n\tNONCE=n", `Digest realm=a, \" b nonce=n`},
	{"the first of a name counts", `Digest realm="a", realm="b", nc=00000001, nc=00000002`, "Digest realm=a nc=00000001 1"},
	{"empty parts", `Digest , ,realm="",,nonce=`, "Digest realm= nonce="},
	{"not stale", `Digest realm="a", stale=false`, "Digest realm=a"},
	{"nonce count in decimal digits alone", "Digest nc=00000010", "Digest nc=00000010 16"},
	{"nonce count that is too short", "Digest nc=1", "Digest nc=1"},
	{"nonce count with a sign", "Digest nc=+0000001", "Digest nc=+0000001"},
	{"nonce count of letters", "Digest nc=0000000g", "Digest nc=0000000g"},
	{"nonce count, the largest", "Digest nc=FFFFffff", "Digest nc=FFFFffff 4294967295"},
	{"angle bracket in a value", "Digest a=<, realm=b", "Digest realm=b"},
	{"quote never closed", `Digest realm="a, nonce=n`, `Digest realm="a, nonce=n`},
	{"another scheme", `NoOneKnowsThisScheme opaque-data=here, realm="r"`, "NoOneKnowsThisScheme realm=r"},
	{"Basic", "Basic YWxhZGRpbjpvcGVu==", "Basic token"},
	{"Bearer", "Bearer a.b-c", "Bearer token"},
	{"scheme alone", "Digest", "Digest"},
	{"scheme and a blank", "Digest ", "Digest"},
	{"Authentication-Info", `nextnonce="x", qop=auth, nc=00000001, cnonce="c"`, "qop=auth cnonce=c nc=00000001 1"},
	{"no token at all", "=,=", ""},
	{"empty", "", ""},
}

func TestParseAuth(t *testing.T) {
	for _, test := range authTests {
		t.Run(test.name, func(t *testing.T) {
			a := sipmsg.ParseAuth(clip(test.in))
			if got := authText(a); got != test.want {
				t.Errorf("%q is\n%s\nwant\n%s", test.in, got, test.want)
			}
			if want := strings.HasPrefix(strings.ToLower(test.in), "digest"); a.IsDigest() != want {
				t.Errorf("Digest: %t", a.IsDigest())
			}
		})
	}
}

func TestAuthParams(t *testing.T) {
	p := sipmsg.ParseAuth(clip(`Digest a=1, b="x,y",, c, =d, a=2`)).Params
	var got []string
	for k, v := range p.All() {
		got = append(got, fmt.Sprintf("%s:%s", k, v))
	}
	if want := "a:1 b:x,y c: :d a:2"; strings.Join(got, " ") != want {
		t.Errorf("%q, want %s", got, want)
	}
	for _, test := range []struct {
		name, want string
		ok         bool
	}{{"a", "1", true}, {"b", "x,y", true}, {"c", "", true}, {"d", "", false}} {
		if v, ok := p.Get(test.name); string(v) != test.want || ok != test.ok {
			t.Errorf("%s is %q, %t", test.name, v, ok)
		}
	}
	for range p.All() {
		break
	}
}
