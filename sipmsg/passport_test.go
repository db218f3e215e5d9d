package sipmsg_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/sipsight/sipsight/sipmsg"
)

// b64 is base64url without padding.
func b64(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }

const (
	shakenHead   = `{"alg":"ES256","typ":"passport","ppt":"shaken","x5u":"https://cert.example.org/passport.cer"}`
	shakenClaims = `{"attest":"A","dest":{"tn":["12155550121"]},"iat":1443208345,"orig":{"tn":"12155550122"},"origid":"123e4567-e89b"}`
)

func TestParsePASSporT(t *testing.T) {
	tests := []struct {
		name, in string
		want     string // of the fields that are not zero
		err      string
	}{
		{"full", b64(shakenHead) + "." + b64(shakenClaims) + `.c2ln;info=<https://cert.example.org/passport.cer>;alg=ES256;ppt="shaken"`,
			"signature ES256 shaken passport https://cert.example.org/passport.cer info=https://cert.example.org/passport.cer orig={[12155550122] []} dest={[12155550121] []} iat=1443208345 attest=A origid=123e4567-e89b", ""},
		{"padded and folded", "\r\n " + b64(`{"alg":"ES256"}`) + "==\r\n ." + b64(`{"iat":"5"}`) + "=.", "ES256 iat=5", ""},
		{"compact", "..c2ln;info=<https://c>;alg=ES256;ppt=shaken", "compact signature ES256 shaken info=https://c", ""},
		{"compact, without a signature", "..", "compact", ""},
		{"what is signed counts more", b64(`{"alg":"none","ppt":"div"}`) + "." + b64("{}") + ".x;alg=ES256;ppt=shaken", "signature none div", ""},
		{"diverted", b64(`{"ppt":"div"}`) + "." + b64(`{"orig":{"uri":"sip:a@h"},"dest":{"uri":["sip:b@h","sip:c@h"]},"div":{"tn":"1215"}}`) + ".x",
			"signature div orig={[] [sip:a@h]} dest={[] [sip:b@h sip:c@h]} div={[1215] []}", ""},
		{"rich call data", b64(`{"ppt":"rcd"}`) + "." + b64(`{"rcd":{"nam":"Q Branch","icn":"https://i"}}`) + ".x", `signature rcd rcd={"nam":"Q Branch","icn":"https://i"} name=Q Branch`, ""},
		{"other case", b64(`{"ALG":"ES256"}`) + "." + b64(`{"Attest":"A"}`) + ".x", "signature", ""},
		{"other types", b64(`{"alg":5,"typ":null}`) + "." + b64(`{"attest":["A"],"orig":"1","dest":{"tn":[1]},"iat":1.5,"div":7,"rcd":"x"}`) + ".x", "signature div={[] []}", ""},
		{"iat that does not fit", b64(`{}`) + "." + b64(`{"iat":36893488147419103232}`) + ".x", "signature", ""},

		{"no dots", "abc;alg=ES256", "ES256", "sipmsg: identity has no dots at byte 0"},
		{"one dot", " a.b", "", "sipmsg: identity has one dot alone at byte 1"},
		{"empty", "", "", "sipmsg: identity has no dots at byte 0"},
		{"the old form", `"ZYNBbHC00VMZr2kZt6VmCvPonWJMGvQTBDqghoWeLxJfzB2a1pxAr3VgrB0SsSAa"`, "", "sipmsg: identity has no dots at byte 0"},
		{"header of other octets", "a!." + b64(`{"attest":"B"}`) + ".x", "signature attest=B", "sipmsg: PASSporT header is not base64url at byte 0"},
		{"header that is no JSON", b64("{") + "." + b64(`{"attest":"B"}`) + ".x", "signature attest=B", "sipmsg: PASSporT header is no JSON object at byte 0"},
		{"claims that are null", "e30." + b64("null") + ".x", "signature", "sipmsg: PASSporT payload is no JSON object at byte 4"},
		{"claims that are missing", "e30..x", "signature", "sipmsg: PASSporT payload is no JSON object at byte 4"},
		{"both damaged", "!.!.x", "signature", "sipmsg: PASSporT header is not base64url at byte 0"},
		{"too long", "e30." + strings.Repeat("e", 64<<10+1) + ".x", "signature", "sipmsg: PASSporT payload is too long at byte 4"},
		{"deep", "e30." + b64(`{"rcd":`+strings.Repeat("[", 20000)) + ".x", "signature", "sipmsg: PASSporT payload is no JSON object at byte 4"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p, err := sipmsg.ParsePASSporT(clip(test.in))
			if got := passportText(p); got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
			var syntax *sipmsg.SyntaxError
			switch {
			case err == nil && test.err == "":
			case err == nil || err.Error() != test.err || !errors.As(err, &syntax):
				t.Errorf("error %v, want %s", err, test.err)
			}
		})
	}
}

// passportText writes what is not zero.
func passportText(p sipmsg.PASSporT) string {
	var s []string
	flag := func(name string, there bool) {
		if there {
			s = append(s, name)
		}
	}
	text := func(name, v string) { flag(name+v, v != "") }
	ids := func(name string, ids sipmsg.Identities, there bool) {
		flag(fmt.Sprintf("%s=%v", name, ids), there || ids.TN != nil || ids.URI != nil)
	}
	flag("compact", p.Compact)
	flag("signature", p.Signature)
	text("", p.Alg)
	text("", p.PPT)
	text("", p.Typ)
	text("", p.X5U)
	text("info=", p.Info)
	ids("orig", p.Orig, false)
	ids("dest", p.Dest, false)
	flag(fmt.Sprint("iat=", p.IAT), p.HasIAT || p.IAT != 0)
	text("attest=", p.Attest)
	text("origid=", p.OrigID)
	ids("div", p.Div, p.HasDiv)
	text("rcd=", p.RCD)
	text("name=", p.Name)
	return strings.Join(s, " ")
}
