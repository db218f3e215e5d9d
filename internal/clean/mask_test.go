package clean_test

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/sipsight/sipsight/internal/clean"
	"github.com/sipsight/sipsight/sipmsg"
)

func crlf(s string) []byte { return clip(strings.ReplaceAll(s, "\n", "\r\n")) }

func parse(t testing.TB, in []byte) *sipmsg.Message {
	t.Helper()
	m := new(sipmsg.Message)
	if err := m.Parse(in); err != nil {
		t.Fatalf("%v: %q", err, in)
	}
	return m
}

func TestAppendValue(t *testing.T) {
	tests := []struct{ name, header, want string }{
		{"digest", `Authorization: Digest username="bob", realm="r", nonce="n1", uri="sip:r", response="6629fae4", cnonce="0a4f", nc=00000001, qop=auth, algorithm=MD5, opaque="o"`,
			`Digest username="bob", realm="r", nonce="n1", uri="sip:r", response="***", cnonce="***", nc=00000001, qop=auth, algorithm=MD5, opaque="o"`},
		{"digest, proxy", `Proxy-Authorization: Digest username="bob",response="6629fae4"`, `Digest username="bob",response="***"`},
		{"digest, odd case", `aUtHoRiZaTiOn: dIGEST Response="6629fae4", CNONCE="0a4f"`, `dIGEST Response="***", CNONCE="***"`},
		{"digest, odd spacing", "Authorization :  Digest \t response  =  \"6629fae4\"  ,cnonce=0a4f ,x=y", "Digest \t response  =\"***\",cnonce=\"***\",x=y"},
		{"digest, folded", "Authorization: Digest\n username=\"bob\",\n response\n =\n \"6629fae4\",\n x=y", `Digest username="bob", response ="***", x=y`},
		{"digest, without quotes", "Authorization: Digest response=6629fae4,x=y", `Digest response="***",x=y`},
		{"digest, first and last", `Authorization: Digest response="6629fae4", cnonce="0a4f"`, `Digest response="***", cnonce="***"`},
		{"digest, commas in quotes", `Authorization: Digest username="b, \"c\", d", response="66,29\",fae4", x=y`, `Digest username="b, \"c\", d", response="***", x=y`},
		{"digest, no commas", `Authorization: Digest username="bob" response="6629fae4"`, `Digest username="bob" response="***"`},
		{"digest, semicolons", `Authorization: Digest username="bob";response="6629fae4"`, `Digest username="bob";response="***"`},
		{"digest, a quote never closed before it", `Authorization: Digest username="bob, response="6629fae4"`, `Digest username="bob, response="***"`},
		{"digest, a quote never closed in it", `Authorization: Digest response="6629fae4, cnonce="0a4f", x=y`, `Digest response="***"`},
		{"digest, empty", `Authorization: Digest response=, x=y`, `Digest response="***", x=y`},
		{"digest, equals signs before it", `Authorization: Digest opaque=="==", response="6629fae4"`, `Digest opaque=="==", response="***"`},
		{"digest, names that only look alike", `Authorization: Digest xresponse=1, responses=2, response-auth=3, my.response=4`, `Digest xresponse=1, responses=2, response-auth=3, my.response=4`},
		{"digest, AKA", `Authorization: Digest auts="CjkyMzRfOiwg5CfkJ2UK=", response="6629fae4"`, `Digest auts="***", response="***"`},
		{"digest, a password in its uri", `Authorization: Digest uri="sip:bob:pw1@example.com", response="6629fae4"`, `Digest uri="sip:bob:***@example.com", response="***"`},
		{"basic", "Authorization: Basic Ym9iOnNlY3JldA==", "Basic ***"},
		{"basic, odd case", "Authorization: bASIC  Ym9iOnNlY3JldA==", "bASIC  ***"},
		{"basic, folded", "Authorization: Basic\n Ym9iOnNlY3JldA==", "Basic ***"},
		{"bearer", "Authorization: Bearer eyJhbGciOi.eyJz.dBjf", "Bearer ***"},
		{"unknown scheme", "Proxy-Authorization: NoOneKnows opaque-data=\"x\", y=z", "NoOneKnows ***"},
		{"no scheme", "Authorization: Ym9iOnNlY3JldA==", "***"},
		{"no scheme, and more behind it", "Authorization: Ym9iOnNlY3JldA== x", "***"},
		{"no blank behind the scheme", `Authorization: Digest,response="6629fae4"`, "***"},
		{"no scheme, in quotes", `Authorization: "6629fae4" x`, "***"},
		{"a scheme of one letter", "Authorization: X 6629fae4", "X ***"},
		{"scheme alone", "Authorization: Digest", "***"},
		{"empty", "Authorization:", ""},
		{"Authentication-Info", `Authentication-Info: nextnonce="nn", rspauth="6629", cnonce="0a4f", qop=auth, nc=00000001`, `nextnonce="***", rspauth="***", cnonce="***", qop=auth, nc=00000001`},
		{"Proxy-Authentication-Info", `Proxy-Authentication-Info: NextNonce = "nn", qop=auth`, `NextNonce ="***", qop=auth`},
		{"challenge", `WWW-Authenticate: Digest realm="r", nonce="n1", qop="auth,auth-int", opaque="o", stale=FALSE`, `Digest realm="r", nonce="n1", qop="auth,auth-int", opaque="o", stale=FALSE`},
		{"challenge with the keys of IMS", `WWW-Authenticate: Digest realm="r", nonce="n1", ik="0011", ck="2233"`, `Digest realm="r", nonce="n1", ik="***", ck="***"`},
		{"challenge of a proxy with the keys of IMS", `Proxy-Authenticate: Digest nonce="n1",IK=0011`, `Digest nonce="n1",IK="***"`},
		{"private credentials", "X-Authorization: Token 6629fae4", "Token ***"},
		{"misspelt credentials", "Authorization Header: Basic Ym9iOnNlY3JldA==", "Basic ***"},
		{"credentials without a colon", "Authorization Digest response=\"6629fae4\"", "Authorization ***"},
		{"private parameters", `X-Auth: user=bob, response="6629fae4"`, `user=bob, response="***"`},
		{"an unknown field", `X-Response: response=200, ck=1`, `response=200, ck=1`},

		{"password", "Contact: <sip:bob:pw1@192.0.2.1>", "<sip:bob:***@192.0.2.1>"},
		{"password, SIPS in upper case", "Contact: <SIPS:bob:pw1@192.0.2.1>", "<SIPS:bob:***@192.0.2.1>"},
		{"password of every kind of character", "Contact: sip:b;x=1?/#:-_.!~*'()%41&=+$,@192.0.2.1", "sip:b;x=1?/#:***@192.0.2.1"},
		{"password of a user of another script", "Contact: <sip:jörg:pässwort@h>, <sip:\xff:\xfe@h>", "<sip:jörg:***@h>, <sip:\xff:***@h>"},
		{"passwords, several", "Contact: <sip:a:pw1@h>, \"sip:x\" <sip:b:pw2@h>;x=\"sip:c:pw3@h\"", "<sip:a:***@h>, \"sip:x\" <sip:b:***@h>;x=\"sip:c:***@h\""},
		{"password behind two schemes", "Contact: <sip:sip:bob:pw1@h>", "<sip:sip:bob:***@h>"},
		{"a password that is cut off", "Contact: <sip:bob:pw1", "<sip:bob:***"},
		{"a port is no password", "Contact: <sip:192.0.2.1:5060>", "<sip:192.0.2.1:5060>"},
		{"a port behind a user", "Contact: <sip:bob@192.0.2.1:5060;x=@>", "<sip:bob@192.0.2.1:5060;x=@>"},
		{"an IPv6 address", "Contact: <sip:[2001:db8::1]:5060>", "<sip:[2001:db8::1]:5060>"},
		{"an IPv6 address without brackets", "Contact: <sip:2001:db8::1>, a@b", "<sip:2001:db8::1>, a@b"},
		{"an empty password", "Contact: <sip:bob:@h>", "<sip:bob:@h>"},
		{"no user", "Contact: <sip::pw1@h>", "<sip::pw1@h>"},
		{"two colons", "Contact: <sip:a:b:c@h>", "<sip:a:b:c@h>"},
		{"what no password may hold", "Contact: <sip:a:b;c@h>, <sip:a:b c@h>, <sip:a:b/c@h>", "<sip:a:b;c@h>, <sip:a:b c@h>, <sip:a:b/c@h>"},
		{"an escaped colon", "Contact: <sip:a%3Ab@h>", "<sip:a%3Ab@h>"},
		{"other schemes", "Contact: <http://bob:pw1@h>, <tel:1:2@h>, <gossip:a:b@h>, <x-sip:a:b@h>", "<http://bob:pw1@h>, <tel:1:2@h>, <gossip:a:b@h>, <x-sip:a:b@h>"},
		{"a time of day", "Date: Sat, 13 Nov 2010 23:29:00 GMT", "Sat, 13 Nov 2010 23:29:00 GMT"},
		{"the end of the value", "Contact: sip:bob:pw1", "sip:bob:***"},
		{"a port at the end of the value", "Contact: sip:example.com:5060", "sip:example.com:5060"},
		{"the scheme at the end", "Contact: sip:", "sip:"},
		{"a line without a colon", "see <sip/bob>", "see <sip/bob>"},
		{"a fold is undone", "Subject: one\n two", "one two"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			m := parse(t, crlf("BYE sip:a@b SIP/2.0\n"+test.header+"\n\n"))
			if m.NumFields() != 1 {
				t.Fatalf("%d fields", m.NumFields())
			}
			if got := clean.AppendValue([]byte("> "), m.Field(0)); string(got) != "> "+test.want {
				t.Errorf("got  %s\nwant > %s", got, test.want)
			}
			// The id and the value are enough for known fields.
			if f := m.Field(0); f.ID != sipmsg.Other {
				if got := clean.AppendValue(nil, sipmsg.Field{ID: f.ID, Value: f.Value}); string(got) != test.want {
					t.Errorf("without its name: %s", got)
				}
			}
		})
	}
}

func TestAppendURIs(t *testing.T) {
	tests := []struct{ in, want string }{
		{"", ""},
		{"INVITE sip:bob:pw1@example.com SIP/2.0", "INVITE sip:bob:***@example.com SIP/2.0"},
		{"sip:bob@example.com", "sip:bob@example.com"},
		{"sips:bob:pw1@h", "sips:bob:***@h"},
		{"sipp:bob:pw1@h", "sipp:bob:pw1@h"},
		{"\xffsip:bob:pw1@h\xff", "\xffsip:bob:***@h\xff"},
		{"::::sip:bob:pw1@h", "::::sip:bob:***@h"},
		{"<sip:c@d?Authorization=Digest%20response%3D%22s%22>;x=1", "<sip:c@d?Authorization=***>;x=1"},
		{"<sip:c@d?Subject=hi&PROXY-authorization=Basic%20s&Replaces=x>", "<sip:c@d?Subject=hi&PROXY-authorization=***&Replaces=x>"},
		{"REFER sip:c@d?Authentication-Info=nextnonce%3D%22s%22&a=b SIP/2.0", "REFER sip:c@d?Authentication-Info=***&a=b SIP/2.0"},
		{"<sip:c@d?Authorizatio%6E=s>", "<sip:c@d?Authorizatio%6E=***>"},
		{`<sip:c:pw@d?Authorization=Digest response="s", cnonce="s">, <sip:e:pw@f>`, "<sip:c:***@d?Authorization=***>, <sip:e:***@f>"},
		{"<sip:c@d?Authorization=Basic%20s", "<sip:c@d?Authorization=***"},
		{"sip:c@d?Authorization=s <sip:e@f?authorization=s t>", "sip:c@d?Authorization=*** <sip:e@f?authorization=***>"},
		{"sip:c@d?X-Authorization=kept&Authorizations=kept&Authorization", "sip:c@d?X-Authorization=kept&Authorizations=kept&Authorization"},
		{"<sip:c@d?Replaces=a%40b%3Bto-tag%3Dx>", "<sip:c@d?Replaces=a%40b%3Bto-tag%3Dx>"},
	}
	for _, test := range tests {
		if got := clean.AppendURIs([]byte("> "), clip(test.in)); string(got) != "> "+test.want {
			t.Errorf("%q is %q, want %q", test.in, got, test.want)
		}
		if test.in != test.want && !clean.MayHoldSecret(clip(test.in)) {
			t.Errorf("%q may hold no secret", test.in)
		}
	}
	if clean.MayHoldSecret(clip("sip:bob@example.com")) {
		t.Error("one colon is enough")
	}
}

func TestAppendMessage(t *testing.T) {
	tests := []struct {
		name string
		in   string
		want string
	}{
		{"everything at once", `INVITE sip:bob:pw1@example.com SIP/2.0
From: <sip:ann:pw2@example.com>;tag=1
Authorization: Digest username="ann",
  response="6629fae4"
X-Y : kept

v=0
a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj|2^20|1:32
`, `INVITE sip:bob:***@example.com SIP/2.0
From: <sip:ann:***@example.com>;tag=1
Authorization: Digest username="ann", response="***"
X-Y : kept

v=0
a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:***
`},
		{"inside of a body", `NOTIFY sip:a@h SIP/2.0
Content-Type: message/sipfrag

SIP/2.0 200 OK
Authentication-Info: nextnonce="nn",
 rspauth="rr"
Refer-To: <sip:c@d?Authorization=Basic%20bb>
Proxy-Authentication-Info : nextnonce="nn"
`, `NOTIFY sip:a@h SIP/2.0
Content-Type: message/sipfrag

SIP/2.0 200 OK
Authentication-Info:***
***
Refer-To: <sip:c@d?Authorization=***>
Proxy-Authentication-Info :***
`},
		{"response", `SIP/2.0 200 OK
Authentication-Info: nextnonce="nn"

`, `SIP/2.0 200 OK
Authentication-Info: nextnonce="***"

`},
		{"nothing to hide", `BYE sip:a@b SIP/2.0
Via :	 SIP/2.0/UDP h
Subject:

v=0
k
a=fingerprint:SHA-256 4A:AD:B9
`, `BYE sip:a@b SIP/2.0
Via :	 SIP/2.0/UDP h
Subject:

v=0
k
a=fingerprint:SHA-256 4A:AD:B9
`},
		{"SDP keys", `BYE sip:a@b SIP/2.0
c: application/sdp

k=clear:secret
K = base64:c2VjcmV0
k=prompt
a=ice-ufrag:8hhY
a=ice-pwd:asd88fgpdd777uzjYhagZg
A=ICE-PWD:asd88fgpdd777uzjYhagZg
a=key-mgmt:mikey AQAFgM0XflABAAAAAAAAAAAAAAsAyONQ6gAAAA
a=crypto:1 X INLINE:aaaa ;inline:bbbb
a=crypto:2 secret
a=cryptoscale:1 client X inline:cccc|2^31
a=rtpmap:0 PCMU/8000
`, `BYE sip:a@b SIP/2.0
c: application/sdp

k=***
K =***
k=***
a=ice-ufrag:8hhY
a=ice-pwd:***
A=ICE-PWD:***
a=key-mgmt:***
a=crypto:1 X INLINE:***
a=crypto:***
a=cryptoscale:1 client X inline:***
a=rtpmap:0 PCMU/8000
`},
		{"keys of attributes that vendors made up", `BYE sip:a@b SIP/2.0
c: application/sdp

a=X-mitel-crypto:1 AES_128 inline:KEY
A = x-crypto : INLINE:KEY|2^31
a=fmtp:96 x=1;inline:KEY
a=X-inline
s=inline:kept
`, `BYE sip:a@b SIP/2.0
c: application/sdp

a=X-mitel-crypto:1 AES_128 inline:***
A = x-crypto : INLINE:***
a=fmtp:96 x=1;inline:***
a=X-inline
s=inline:kept
`},
		{"candidates", `BYE sip:a@b SIP/2.0
c: application/sdp

a=candidate:uLXmjQlSNeBo2jbF 1 KEY UDP 0.830 192.0.2.1 50012
A= Candidate:uLXmjQlSNeBo2jbF 2  KEY/+=	TCP 0.250 192.0.2.1 50013
a=candidate:uLXmjQlSNeBo2jbF 1 KEY
a=candidate:1 1 UDP 2130706431 192.0.2.1 8998 typ host
a=candidate:1 1 tcp-act 2130706431 192.0.2.1 9 typ host
a=candidate:1 1
a=candidate:
a=remote-candidate:uLXmjQlSNeBo2jbF
a=candidates:1 1 kept
aa=candidate:1 1 kept
`, `BYE sip:a@b SIP/2.0
c: application/sdp

a=candidate:uLXmjQlSNeBo2jbF 1 *** UDP 0.830 192.0.2.1 50012
A= Candidate:uLXmjQlSNeBo2jbF 2  ***	TCP 0.250 192.0.2.1 50013
a=candidate:uLXmjQlSNeBo2jbF 1 ***
a=candidate:1 1 UDP 2130706431 192.0.2.1 8998 typ host
a=candidate:1 1 tcp-act 2130706431 192.0.2.1 9 typ host
a=candidate:1 1
a=candidate:
a=remote-candidate:uLXmjQlSNeBo2jbF
a=candidates:1 1 kept
aa=candidate:1 1 kept
`},
		{"a key behind an empty line", "BYE sip:a@b SIP/2.0\n\n\nk=KEY\n", "BYE sip:a@b SIP/2.0\n\n\nk=***\n"},
		{"a blank at the start", "BYE sip:a@b SIP/2.0\n\n kept\n", "BYE sip:a@b SIP/2.0\n\n kept\n"},
		{"names that only look like keys", `BYE sip:a@b SIP/2.0

a=crypto
a=cryptos:1 X inlin:x
ak=1
key=1
a=ice-pwds:x
Signals=5
 k=1
inline:x
`, `BYE sip:a@b SIP/2.0

a=crypto
a=cryptos:1 X inlin:x
ak=1
key=1
a=ice-pwds:x
Signals=5
 k=1
inline:x
`},
		{"dtmf-relay", `INFO sip:a@b SIP/2.0
Content-Type: application/dtmf-relay

Signal=5
SIGNAL = 6
Signal: 7
Duration=160
`, `INFO sip:a@b SIP/2.0
Content-Type: application/dtmf-relay

Signal=***
SIGNAL =***
Signal:***
Duration=160
`},
		{"dtmf", "INFO sip:a@b SIP/2.0\nc :  APPLICATION/DTMF ; x=y\n\n5", "INFO sip:a@b SIP/2.0\nc :  APPLICATION/DTMF ; x=y\n\n***"},
		{"digits in XML", "NOTIFY sip:a@b SIP/2.0\nc: application/kpml-response+xml\n\n<kpml-response digits=\"1234\"/>", "NOTIFY sip:a@b SIP/2.0\nc: application/kpml-response+xml\n\n***"},
		{"a type that only begins so", "INFO sip:a@b SIP/2.0\nc: application/dtmfx\n\n5", "INFO sip:a@b SIP/2.0\nc: application/dtmfx\n\n5"},
		{"MESSAGE", "MESSAGE sip:a@b SIP/2.0\nc: text/plain\n\nWatson, come here.\n", "MESSAGE sip:a@b SIP/2.0\nc: text/plain\n\n***"},
		{"message in other case", "Message sip:a@b SIP/2.0\n\nWatson, come here.\n", "Message sip:a@b SIP/2.0\n\n***"},
		{"MESSAGE without a body", "MESSAGE sip:a@b SIP/2.0\nc: text/plain\n\n", "MESSAGE sip:a@b SIP/2.0\nc: text/plain\n\n"},
		{"text of another method", "INFO sip:a@b SIP/2.0\nc: text/plain\n\nsip:a:pw1@b and a:b@c\n", "INFO sip:a@b SIP/2.0\nc: text/plain\n\nsip:a:***@b and a:b@c\n"},
		{"a message in the body", "REGISTER sip:a SIP/2.0\nl: 0\n\nINVITE sip:b:pw1@c SIP/2.0\nAuthorization : Digest x=\"y\",\n response=\"6629\"\n\tz\nTo: b\n  c\n",
			"REGISTER sip:a SIP/2.0\nl: 0\n\nINVITE sip:b:***@c SIP/2.0\nAuthorization :***\n***\n***\nTo: b\n  c\n"},
		{"header fields without an empty line", "BYE sip:a@b SIP/2.0\nTo: <sip:a:pw1@b>\nAuthorization: Basic x", "BYE sip:a@b SIP/2.0\nTo: <sip:a:***@b>\nAuthorization: Basic ***"},
		{"no header fields", "BYE sip:a:pw1@b SIP/2.0\n\n", "BYE sip:a:***@b SIP/2.0\n\n"},
		{"white space behind the last value", "BYE sip:a@b SIP/2.0\nTo: b \t\n \n\nx", "BYE sip:a@b SIP/2.0\nTo: b \t\n \n\nx"},
		{"line ends in front", "\n\nBYE sip:a@b SIP/2.0\nTo: <sip:a:pw1@b>\n\n", "BYE sip:a@b SIP/2.0\nTo: <sip:a:***@b>\n\n"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			m := parse(t, crlf(test.in))
			got := clean.AppendMessage([]byte("> "), m)
			if want := "> " + string(crlf(test.want)); string(got) != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

// Lower-casing octets that are not UTF-8 makes them more, which once moved the place
// from which on a key was masked.
func TestMaskBesideOddOctets(t *testing.T) {
	for _, odd := range []string{"\xff\xff\xff\xff", "İİİİ", "KKKK", "\x80"} {
		m := parse(t, crlf("BYE sip:a@b SIP/2.0\n\na=crypto:1 "+odd+" inline:KEY"))
		want := "a=crypto:1 " + odd + " inline:***"
		if got := string(clean.AppendMessage(nil, m)); !strings.HasSuffix(got, want) {
			t.Errorf("%q, want %q at the end", got, want)
		}
	}
}

// Line ends of every kind end a secret, and stay as they are.
func TestMaskLineEnds(t *testing.T) {
	for _, end := range []string{"\r\n", "\n", "\r", "\r\n\r\n"} {
		m := parse(t, clip("BYE sip:a@b SIP/2.0\r\n\r\nv=0"+end+"k=clear:KEY"+end+"a=ice-pwd:KEY"+end+"t=0 0"))
		want := "v=0" + end + "k=***" + end + "a=ice-pwd:***" + end + "t=0 0"
		if got := string(clean.AppendMessage(nil, m)); !strings.HasSuffix(got, "\r\n\r\n"+want) {
			t.Errorf("%q, want %q at the end", got, want)
		}
	}
}

// What ParseCut leaves out of the header fields is still shown, and may hold a secret.
func TestMaskCut(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"credentials", "Authorization: Digest username=\"bob\", response=\"6629fae", "Authorization: Digest username=\"bob\", response=\"***\""},
		{"credentials, folded", "Authorization:\r\n Digest username=\"bob\",\r\n response=\"6629fae", "Authorization:\r\n Digest username=\"bob\", response=\"***\""},
		{"credentials, white space before the colon", "AUTHORIZATION\t : Basic Ym9iO", "AUTHORIZATION\t : Basic ***"},
		{"scheme", "Authorization: Basi", "Authorization: ***"},
		{"name", "Authoriz", "Authoriz"},
		{"URI", "Contact: <sip:bob:pw1@h", "Contact: <sip:bob:***@h"},
		{"nothing to hide", "Via: SIP/2.0/UDP ho", "Via: SIP/2.0/UDP ho"},
		{"no colon", "Authorization Digest response=\"6629fae", "Authorization ***"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			const start = "BYE sip:a@b SIP/2.0\r\nTo: b\r\n"
			var m sipmsg.Message
			if err := m.ParseCut(clip(start + test.in)); err != nil {
				t.Fatal(err)
			}
			if got := string(clean.AppendMessage(nil, &m)); got != start+test.want {
				t.Errorf("got  %q\nwant %q", got, start+test.want)
			}
		})
	}
}

// What Parse steps over because there is too much of it is not shown unmasked either.
func TestMaskBeyondFieldLimit(t *testing.T) {
	start := "BYE sip:a@b SIP/2.0\r\n" + strings.Repeat("z:\r\n", sipmsg.MaxFields)
	m := parse(t, clip(start+"Authorization: Basic KEY\r\nz: KEY\r\n\r\nbody"))
	got := string(clean.AppendMessage(nil, m))
	if strings.Contains(got, "KEY") {
		t.Error("a secret behind the last field that is kept")
	}
	if want := start + "***\r\n\r\nbody"; got != want {
		t.Errorf("%q at the end", got[max(0, len(got)-60):])
	}
}

// Random secrets, in the places where secrets stand and in the odd spellings that
// headers have, are not in the output; everything around them is.
func TestMaskLaw(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 12))
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	random := func(n int) string {
		b := make([]byte, n)
		for i := range b {
			b[i] = letters[r.IntN(len(letters))]
		}
		return string(b)
	}
	oddCase := func(s string) string {
		b := []byte(s)
		for i, c := range b {
			if 'a' <= c|0x20 && c|0x20 <= 'z' && r.IntN(2) == 0 {
				b[i] ^= 0x20
			}
		}
		return string(b)
	}
	pick := func(list ...string) string { return list[r.IntN(len(list))] }
	space := func() string { return pick("", "", " ", "  ", "\t", "\r\n ", " \r\n\t ") }
	need := func() string { return pick(" ", "  ", "\t", "\r\n ", " \r\n\t") }
	quote := func(s string) string { return pick(`"`+s+`"`, s) }

	for i := range 4000 {
		secret, shown := "S"+random(12)+"S", "P"+random(12)+"P"
		param := func(names ...string) string { return oddCase(pick(names...)) + space() + "=" + space() + quote(secret) }
		clear := "username" + space() + "=" + space() + quote(shown)
		pair := func(p string) string {
			list := []string{clear, p, "nc=00000001"}
			r.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
			return strings.Join(list, space()+","+space())
		}
		var line, body string
		colon := pick(":", " :", "\t:", ": ", " : ", ":\r\n ")
		method := "INVITE"
		switch r.IntN(9) {
		case 0:
			line = oddCase(pick("authorization", "proxy-authorization")) + colon + oddCase("digest") + need() + pair(param("response", "cnonce", "auts"))
		case 1:
			line = oddCase(pick("authorization", "proxy-authorization")) + colon + oddCase(pick("basic", "bearer", "unheard-of")) + need() + secret + space() + "\r\nX-Y: " + shown
		case 2:
			line = oddCase(pick("authentication-info", "proxy-authentication-info")) + colon + pair(param("nextnonce", "rspauth", "cnonce"))
		case 3:
			line = oddCase(pick("www-authenticate", "proxy-authenticate")) + colon + "Digest" + need() + pair(param("ik", "ck"))
		case 4:
			line = oddCase(pick("contact", "m", "from", "t", "route", "x-y")) + colon + shown + need() + "<" + oddCase(pick("sip", "sips")) + ":" + random(4) + ":" + secret + "@h>"
		case 5:
			body = oddCase(pick("k=clear:", "a=ice-pwd:", "a=key-mgmt:mikey ", "a=crypto:1 X inline:")) + secret + "\r\na=" + shown + "\r\n"
		case 6:
			line = oddCase(pick("content-type", "c")) + colon + oddCase("application/dtmf-relay")
			body = oddCase("signal") + pick("=", " = ", ": ") + secret + pick("\r\n", "\n", "\r") + "Duration=" + shown
		case 7:
			method, body = pick("MESSAGE", "message"), random(20)+secret
			line = "X-Y:" + shown
		default:
			line = oddCase(pick("content-type", "c")) + colon + oddCase("application/dtmf") + pick("", ";x=y") + "\r\nX-Y: " + shown
			body = secret
		}
		text := method + " sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP h\r\n" + line + "\r\nCall-ID: c1\r\n\r\n" + body
		if line == "" {
			text = strings.Replace(text, "\r\n\r\nCall-ID", "\r\nCall-ID", 1)
		}
		m := parse(t, clip(text))
		got := string(clean.AppendMessage(nil, m))
		if strings.Contains(got, secret) {
			t.Fatalf("round %d: %q is in\n%q\nfrom\n%q", i, secret, got, text)
		}
		for _, want := range []string{shown, "Call-ID: c1\r\n", "Via: SIP/2.0/UDP h\r\n", "***"} {
			if !strings.Contains(got, want) {
				t.Fatalf("round %d: %q is not in\n%q\nfrom\n%q", i, want, got, text)
			}
		}

		// Cut right behind the secret, too. Of a URI nobody can tell then.
		cut := clip(text[:strings.Index(text, secret)+len(secret)])
		if m.ParseCut(cut) == nil && !strings.Contains(line, ":"+secret+"@") {
			if got := string(clean.AppendMessage(nil, m)); strings.Contains(got, secret) {
				t.Fatalf("round %d, cut: %q is in\n%q\nfrom\n%q", i, secret, got, cut)
			}
		}
	}
}

// Where there is no secret, masking changes nothing but folds.
func TestMaskNothing(t *testing.T) {
	r := rand.New(rand.NewPCG(13, 14))
	lines := []string{
		"Via: SIP/2.0/UDP h:5060;branch=z9hG4bK1;received=[2001:db8::1]", "From: \"sip:a\" <sip:ann@example.com:5060>;tag=1",
		"To : <sips:bob@[2001:db8::1]:5061;x=a:b>", "X-Time: 12:34:56 @", "Contact: *", "no colon here", "WWW-Authenticate: Digest realm=\"r\", nonce=\"n\", qop=\"auth\"",
		"Warning: 399 h \"a, b: c@d\"", "Subject:", "Date: Sat, 13 Nov 2010 23:29:00 GMT", "\xff\xfe: \x00\x1b[31m", ": nameless", "X-Other: response=1",
	}
	bodies := []string{"", "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\na=rtpmap:0 PCMU/8000\r\n", "\x00\xff\r\r\n\n", "text: a@b, http://a:b@c\n"}
	for range 2000 {
		r.Shuffle(len(lines), func(i, j int) { lines[i], lines[j] = lines[j], lines[i] })
		text := "INFO sip:bob@example.com SIP/2.0\r\n" + strings.Join(lines[:r.IntN(len(lines))], "\r\n") + "\r\n\r\n" + bodies[r.IntN(len(bodies))]
		m := parse(t, clip(text))
		if got := clean.AppendMessage(nil, m); string(got) != text {
			t.Fatalf("got\n%q\nwant\n%q", got, text)
		}
	}
}

// Masking does not panic, does not touch its input, and twice is the same as once.
func TestMaskMutated(t *testing.T) {
	r := rand.New(rand.NewPCG(15, 16))
	seed := crlf(`INVITE sip:bob:pw1@example.com SIP/2.0
From: "sip:x" <sip:ann:pw2@example.com>;tag=1
Authorization: Digest username="ann", response="6629fae4", cnonce="x"
Proxy-Authorization: Basic Ym9iOnNlY3JldA==
Authentication-Info: nextnonce="a"
Content-Type: application/sdp

v=0
k=clear:x
a=crypto:1 X inline:d0RmdmcmVCspeEc3QGZiNWpV
signal=5
`)
	const alphabet = "\r\n \t:;,<>\"\\=/@.aA\x00\x80\xff"
	for range 4000 {
		b := bytes.Clone(seed)
		for range 1 + r.IntN(6) {
			i := r.IntN(len(b))
			switch r.IntN(4) {
			case 0:
				b = slices.Delete(b, i, min(len(b), i+1+r.IntN(9)))
			case 1:
				b = b[:max(i, 40)]
			default:
				b = slices.Insert(b, i, alphabet[r.IntN(len(alphabet))])
			}
		}
		b = clip(b)
		saved := bytes.Clone(b)
		var m sipmsg.Message
		parse := m.Parse
		if r.IntN(2) == 0 {
			parse = m.ParseCut
		}
		if parse(b) != nil {
			continue
		}
		out := clean.AppendMessage(nil, &m)
		if !bytes.Equal(b, saved) {
			t.Fatalf("the message was changed: %q", saved)
		}
		if more := clean.AppendMessage([]byte("before "), &m); string(more) != "before "+string(out) {
			t.Fatalf("%q after other text, %q alone", more, out)
		}
		checkText(t, out, 0)
	}
}

func TestMaskLinear(t *testing.T) {
	const n = 2 << 20
	for name, in := range map[string]string{
		"schemes":       "Contact: " + strings.Repeat("sip:", n/4),
		"colons":        "Contact: " + strings.Repeat(":", n),
		"users":         "Contact: sip:" + strings.Repeat("x", n),
		"passwords":     "Contact: " + strings.Repeat("sip:a:b@", n/8),
		"question":      "Contact: " + strings.Repeat("?", n),
		"URI headers":   "Contact: " + strings.Repeat("?authorization=", n/15),
		"equals signs":  "Authorization: Digest " + strings.Repeat("=", n),
		"names":         "Authorization: Digest " + strings.Repeat("x", n) + "=",
		"blanks":        "Authorization: Digest x" + strings.Repeat(" ", n) + "=",
		"responses":     "Authorization: Digest " + strings.Repeat("response=x,", n/11),
		"open quote":    "Authorization: Digest response=\"" + strings.Repeat("response=", n/9),
		"folds":         "Authorization: Digest x" + strings.Repeat("\n =", n/4),
		"body, lines":   "To: a\n\n" + strings.Repeat("\n", n),
		"body, keys":    "To: a\n\n" + strings.Repeat("k=x\n", n/4),
		"body, inlines": "To: a\n\na=crypto:" + strings.Repeat("inlin", n/5),
	} {
		t.Run(name, func(t *testing.T) {
			m := parse(t, crlf("BYE sip:a@b SIP/2.0\n"+in+"\n\n"))
			if out := clean.AppendMessage(nil, m); len(out) == 0 {
				t.Error("nothing")
			}
		})
	}
}
