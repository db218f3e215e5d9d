package sipmsg_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/sipsight/sipsight/sipmsg"
)

// odd are messages that are unusual or broken in ways that real senders have found, and
// what must be read from each.
var odd = []struct {
	name string
	in   string // lines end in CRLF

	start   string // method and Request-URI, or status text and reason phrase
	callID  string
	cseq    string // number or, where it is none, text, and method
	fromTag string
	branch  string
	vias    int
	more    map[sipmsg.ID][]string // values
	body    string
	quirks  string
}{
	{
		name: "every freedom of the grammar",
		in: `INVITE sip:lisa@desk.example.com;foo SIP/2.0
TO :
 sip:lisa@desk.example.com ;   tag    = 77ab
fRoM  :
  "L. \"Ann\" \\ O" <sip:ann@example.com>
  ;
  tag = n03
MaX-fOrWaRdS: 0042
Call-ID: odd.1@192.0.2.7
Content-Length   : 4
cseq: 0007
  INVITE
Via  : SIP  /   2.0
 /UDP
    192.0.2.7;branch=z9hG4bKodd1
s :
X-New:    (;;)  ,"",;,;
 ;;,,
k: ,
V:  SIP  / 2.0  / TCP     relay.example.com   ;
  branch  =   z9hG4bKodd2  , SIP/2.0/UDP h;branch=z9hG4bKodd3
m:"Quoted, comma" <sip:ann@192.0.2.7;x=y> ; p = 1 ,
 <sip:ann@192.0.2.8>

body`,
		start: "INVITE sip:lisa@desk.example.com;foo", callID: "odd.1@192.0.2.7", cseq: "7 INVITE",
		fromTag: "n03", branch: "z9hG4bKodd1", vias: 3, body: "body",
		more: map[sipmsg.ID][]string{
			sipmsg.MaxForwards: {"0042"},
			sipmsg.Subject:     {""},
			sipmsg.Supported:   nil,
			sipmsg.Contact:     {`"Quoted, comma" <sip:ann@192.0.2.7;x=y> ; p = 1`, "<sip:ann@192.0.2.8>"},
		},
	},
	{
		name: "tokens and quoted strings of everything they may hold",
		in: `-Method.42!%*_+` + "`" + `'~ sip:9_odd.user~(yes!)&is-it+a$user?,/;;*:pass&wo$rd@example.com SIP/2.0
Via: SIP/2.0/UDP h.example.com;branch=z9hG4bK-.!%*_+` + "`" + `'~
To: "\` + "\x07" + `BEL \` + "\x7f" + ` DEL \"<>\"" <sip:9_odd@example.com>
From: a-.!%*_+` + "`" + `'~ b <sip:x@example.com>;-.!%*_+` + "`" + `'~p="\"%\"";tag=_t~1
Call-ID: w%ZX-!.*_+'@w` + "`" + `~)(><:\/"][?}{
CSeq: 139 -Method.42!%*_+` + "`" + `'~
Max-Forwards: 255
odd-.!%*_+` + "`" + `'~Name: anything
Content-Length: 0

`,
		start: "-Method.42!%*_+`'~ sip:9_odd.user~(yes!)&is-it+a$user?,/;;*:pass&wo$rd@example.com", callID: "w%ZX-!.*_+'@w`~)(><:\\/\"][?}{",
		cseq: "139 -Method.42!%*_+`'~", fromTag: "_t~1", branch: "z9hG4bK-.!%*_+`'~", vias: 1,
	},
	{
		name: "per cent signs that escape and that do not",
		in: `RE%46ER sip:sips%3Aann%40example.org@example.net SIP/2.0
To: "100%" <sip:%00@example.net>
From: "%Z%45" <sip:I%20am%20one@example.com>;tag=%41
Call-ID: odd.3
CSeq: 1 RE%46ER
Via: SIP/2.0/UDP h;branch=z9hG4bK%41
C%6Fntact: <sip:no@example.com>
Contact: <sip:%6F@example.com>, <sip:%00%00@example.com>
l: 0

`,
		start: "RE%46ER sip:sips%3Aann%40example.org@example.net", callID: "odd.3", cseq: "1 RE%46ER", fromTag: "%41", branch: "z9hG4bK%41", vias: 1,
		more: map[sipmsg.ID][]string{sipmsg.Contact: {"<sip:%6F@example.com>", "<sip:%00%00@example.com>"}},
	},
	{
		name: "no blank where a reader expects one",
		in: `OPTIONS sip:bob@example.com SIP/2.0
To:sip:bob@example.com
From:ann<sip:ann@example.com>;tag=4
Max-Forwards:70
Call-ID:odd.4
CSeq:6 OPTIONS
Via:SIP/2.0/UDP h;branch=z9hG4bK4
l:0

`,
		start: "OPTIONS sip:bob@example.com", callID: "odd.4", cseq: "6 OPTIONS", fromTag: "4", branch: "z9hG4bK4", vias: 1,
	},
	{
		name: "octets behind the body that look like a call",
		in: `REGISTER sip:example.com SIP/2.0
To: sip:ann@example.com
From: sip:ann@example.com;tag=5
Call-ID: odd.5
CSeq: 8 REGISTER
Via: SIP/2.0/UDP h;branch=z9hG4bK5
Content-Length: 0


INVITE sip:bob@example.com SIP/2.0
Call-ID: odd.5.not
`,
		start: "REGISTER sip:example.com", callID: "odd.5", cseq: "8 REGISTER", fromTag: "5", branch: "z9hG4bK5", vias: 1,
		body:   "\r\nINVITE sip:bob@example.com SIP/2.0\r\nCall-ID: odd.5.not\r\n",
		quirks: "content-length-short",
	},
	{
		name: "transports nobody has heard of",
		in: `OPTIONS sip:bob@example.com SIP/2.0
Via: SIP/2.0/UDP t1;branch=z9hG4bKa
Via: SIP/2.0/SCTP t2;branch=z9hG4bKb, SIP/2.0/PIGEON t3;branch=z9hG4bKc
v: SIP/2.0/TLS-SCTP [2001:db8::1]:5061;received=2001:db8::9:255;branch=z9hG4bKd
To: sip:bob@example.com
From: <sip:ann@example.com>;tag=6
Call-ID: odd.6
CSeq: 60 OPTIONS
l: 0

`,
		start: "OPTIONS sip:bob@example.com", callID: "odd.6", cseq: "60 OPTIONS", fromTag: "6", branch: "z9hG4bKa", vias: 4,
		more: map[sipmsg.ID][]string{sipmsg.Via: {
			"SIP/2.0/UDP t1;branch=z9hG4bKa", "SIP/2.0/SCTP t2;branch=z9hG4bKb", "SIP/2.0/PIGEON t3;branch=z9hG4bKc",
			"SIP/2.0/TLS-SCTP [2001:db8::1]:5061;received=2001:db8::9:255;branch=z9hG4bKd",
		}},
	},
	{
		name: "a body of several parts, one of them binary",
		in: `MESSAGE sip:bob@example.org SIP/2.0
Via: SIP/2.0/TCP h;branch=z9hG4bK7
From: <sip:ann@example.org>;tag=7
To: <sip:bob@example.org>
Call-ID: odd.7
CSeq: 1 MESSAGE
Content-Type: multipart/mixed;boundary="=_7"
Content-Length: 96

--=_7
Content-Type: text/plain

Hello
--=_7
Content-Type: application/x

` + "\x00\x01\r\xff\x80" + `
--=_7--
`,
		start: "MESSAGE sip:bob@example.org", callID: "odd.7", cseq: "1 MESSAGE", fromTag: "7", branch: "z9hG4bK7", vias: 1,
		body: "--=_7\r\nContent-Type: text/plain\r\n\r\nHello\r\n--=_7\r\nContent-Type: application/x\r\n\r\n\x00\x01\r\xff\x80\r\n--=_7--\r\n",
	},
	{
		name: "a reason phrase with everything in it",
		in: `SIP/2.0 200 = 3**2 * 2**3 + "x"; 0 всё, 好
Via: SIP/2.0/UDP h;branch=z9hG4bK8
Call-ID: odd.8
CSeq: 35 INVITE
From: <sip:ann@example.com>;tag=8
To: <sip:bob@example.com>;tag=8b
l: 0

`,
		start: "200 = 3**2 * 2**3 + \"x\"; 0 всё, 好", callID: "odd.8", cseq: "35 INVITE", fromTag: "8", branch: "z9hG4bK8", vias: 1,
	},
	{
		name: "separators too many",
		in: `INVITE sip:bob@example.com SIP/2.0
To: sip:bob@example.com;;;
From: sip:ann@example.com;;tag=9;;;,,
Call-ID: odd.9
CSeq: 8 INVITE
Via: SIP/2.0/UDP h;;,;,,SIP/2.0/UDP i;branch=z9hG4bK9
Contact: "Joe" <sip:joe@example.org>;;;;,,
l: 0

`,
		start: "INVITE sip:bob@example.com", callID: "odd.9", cseq: "8 INVITE", fromTag: "9", vias: 3,
		more: map[sipmsg.ID][]string{sipmsg.Contact: {`"Joe" <sip:joe@example.org>;;;;`}},
	},
	{
		name: "numbers beyond all bounds",
		in: `SIP/2.0 4294967301 Larger than a machine word
Via: SIP/2.0/UDP h;branch=z9hG4bK10
Call-ID: odd.10
CSeq: 9292394834772304023312 OPTIONS
From: <sip:ann@example.com>;tag=10
To: <sip:bob@example.com>;tag=10b
Retry-After: 949302838503028349304023988
Warning: 1812 host "of little use"
Content-Length: 18446744073709551617

`,
		start: "4294967301 Larger than a machine word", callID: "odd.10", cseq: "9292394834772304023312 OPTIONS", fromTag: "10", branch: "z9hG4bK10", vias: 1,
		quirks: "status-out-of-range cseq-malformed content-length-invalid",
	},
	{
		name: "a quote that is never closed",
		in: `INVITE sip:bob@example.com SIP/2.0
To: "Bob B. <sip:bob@example.com>
From: "Ann <sip:ann@example.com>;tag=11
Contact: "Ann <sip:ann@192.0.2.1>, <sip:ann@192.0.2.2>
Call-ID: odd.11
CSeq: 8 INVITE
Via: SIP/2.0/UDP h;x="y;branch=z9hG4bK11
l: 0

`,
		start: "INVITE sip:bob@example.com", callID: "odd.11", cseq: "8 INVITE", fromTag: "11", vias: 1,
		more: map[sipmsg.ID][]string{sipmsg.Contact: {`"Ann <sip:ann@192.0.2.1>, <sip:ann@192.0.2.2>`}},
	},
	{
		name: "a start line with blanks, brackets and parameters where they do not belong",
		in: `INVITE  <sip:bob@example.com> ; lr  SIP/2.0 
To: sip:bob@example.com
From: sip:ann@example.com;tag=12
Call-ID: odd.12
CSeq: 2130706432 INVITE
Via: SIP/2.0/UDP h;branch=z9hG4bK12
l: 0

`,
		start: "INVITE <sip:bob@example.com> ; lr", callID: "odd.12", cseq: "2130706432 INVITE", fromTag: "12", branch: "z9hG4bK12", vias: 1,
		quirks: "start-line-space start-line-malformed",
	},
	{
		name: "a version of the future",
		in: `OPTIONS sip:bob@example.com SIP/7.0
To: sip:bob@example.com
From: sip:ann@example.com;tag=13
Via: SIP/7.0/UDP h;branch=z9hG4bK13
Call-ID: odd.13
CSeq: 1 OPTIONS
l: 0

`,
		start: "OPTIONS sip:bob@example.com", callID: "odd.13", cseq: "1 OPTIONS", fromTag: "13", branch: "z9hG4bK13", vias: 1,
		quirks: "version-unknown",
	},
	{
		name: "one method in the start line and another in CSeq",
		in: `FROBNICATE sip:bob@example.com SIP/2.0
To: sip:bob@example.com
From: sip:ann@example.com;tag=14
Via: SIP/2.0/UDP h;branch=z9hG4bK14
Call-ID: odd.14
CSeq: 8 INVITE
l: 0

`,
		start: "FROBNICATE sip:bob@example.com", callID: "odd.14", cseq: "8 INVITE", fromTag: "14", branch: "z9hG4bK14", vias: 1,
		quirks: "cseq-method",
	},
	{
		name: "hardly a header field",
		in: `INVITE sip:bob@example.com SIP/2.0
CSeq: 193 INVITE
Via: SIP/2.0/UDP h;branch=z9hG4bK15
l: 4

body`,
		start: "INVITE sip:bob@example.com", cseq: "193 INVITE", branch: "z9hG4bK15", vias: 1, body: "body",
		quirks: "header-missing",
	},
	{
		name: "everything twice",
		in: `INVITE sip:bob@example.com SIP/2.0
Via: SIP/2.0/UDP h;branch=z9hG4bK16
CSeq: 5 INVITE
CSeq: 59 OPTIONS
Call-ID: odd.16
Call-ID: odd.16.not
From: <sip:ann@example.com>;tag=16
f: <sip:eve@example.com>;tag=16.not
To: sip:bob@example.com
To: sip:eve@example.com
Content-Length: 4
l: 5

body`,
		start: "INVITE sip:bob@example.com", callID: "odd.16", cseq: "5 INVITE", fromTag: "16", branch: "z9hG4bK16", vias: 1, body: "body",
		quirks: "header-duplicate content-length-invalid",
	},
	{
		name: "the syntax before 2002",
		in: `INVITE sip:bob@example.com SIP/2.0
Via: SIP/2.0/UDP h:5060
From: <sip:ann@example.com>
To: <sip:bob@example.com>
Call-ID: odd.17
CSeq: 56 INVITE
Content-Type: application/sdp

v=0
`,
		start: "INVITE sip:bob@example.com", callID: "odd.17", cseq: "56 INVITE", vias: 1, body: "v=0\r\n",
	},
	{
		name: "a Content-Length below zero, and one that is too long",
		in: `BYE sip:bob@example.com SIP/2.0
Via: SIP/2.0/UDP h;branch=z9hG4bK18
From: <sip:ann@example.com>;tag=18
To: <sip:bob@example.com>;tag=18b
Call-ID: odd.18
CSeq: 9 BYE
Content-Length: -999
l: 9999

body`,
		start: "BYE sip:bob@example.com", callID: "odd.18", cseq: "9 BYE", fromTag: "18", branch: "z9hG4bK18", vias: 1, body: "body",
		quirks: "header-duplicate content-length-invalid",
	},
	{
		name: "IPv6 with and without its brackets",
		in: `BYE sip:2001:db8::10 SIP/2.0
Via: SIP/2.0/UDP [2001:db8::9:1];received=[2001:db8::9:255];branch=z9hG4bK19
Via: SIP/2.0/UDP [2001:db8:::192.0.2.1]:5070;branch=z9hG4bK19b
From: <sip:ann@[2001:db8::1]:5070>;tag=19
To: <sip:bob@[2001:db8::10:5070]>;tag=19b
Call-ID: odd.19@[2001:db8::9:1]
CSeq: 321 BYE
l: 0

`,
		start: "BYE sip:2001:db8::10", callID: "odd.19@[2001:db8::9:1]", cseq: "321 BYE", fromTag: "19", branch: "z9hG4bK19", vias: 2,
	},
	{
		name: "a header section that stops",
		in: `OPTIONS sip:bob@example.com SIP/2.0
From: Bell, Ann <sip:ann@example.com>;tag=20
To: "Watson, Bob" < sip:bob@example.com >
Call-ID: odd.20
Via: SIP/2.0/UDP h;branch=z9hG4bK20
CSeq: 3 OPTIONS
l: 0
`,
		start: "OPTIONS sip:bob@example.com", callID: "odd.20", cseq: "3 OPTIONS", fromTag: "20", branch: "z9hG4bK20", vias: 1,
		quirks: "header-unterminated",
	},
	{
		name: "schemes nobody has heard of",
		in: `REGISTER soap.beep://192.0.2.103:3002 SIP/2.0
To: isbn:2983792873
From: <http://www.example.com>;tag=21
Call-ID: odd.21
CSeq: 2 REGISTER
Via: SIP/2.0/UDP h;branch=z9hG4bK21
Contact: <name:John_Smith>, * , <sip:a?Route=%3Csip:b%3E>
Authorization: NobodyKnowsIt opaque="x, y", z=1
l: 0

`,
		start: "REGISTER soap.beep://192.0.2.103:3002", callID: "odd.21", cseq: "2 REGISTER", fromTag: "21", branch: "z9hG4bK21", vias: 1,
		more: map[sipmsg.ID][]string{
			sipmsg.Contact:       {"<name:John_Smith>", "*", "<sip:a?Route=%3Csip:b%3E>"},
			sipmsg.Authorization: {`NobodyKnowsIt opaque="x, y", z=1`},
		},
	},
	{
		name: "a request line without its version and a line without a colon",
		in: `INVITE sip:bob@example.com
To: sip:bob@example.com
From: sip:ann@example.com;tag=22
Call-ID: odd.22
a line of text
l: 4

body`,
		start: "INVITE sip:bob@example.com", callID: "odd.22", fromTag: "22", body: "body",
		cseq:   " ",
		quirks: "start-line-malformed header-without-colon header-missing",
	},
	{
		name: "numbers that are out of range, and a date of another zone",
		in: `REGISTER sip:example.com SIP/2.0
Via: SIP/2.0/TCP h;branch=z9hG4bK23
From: <sip:ann@example.com>;tag=23
To: <sip:ann@example.com>
Call-ID: odd.23
CSeq: 36893488147419103232 REGISTER
Max-Forwards: 300
Expires: 10000000000
Contact: <sip:ann@h>;expires=280297596632815
Date: Fri, 01 Jan 2010 16:00:00 EST
l: 0

`,
		start: "REGISTER sip:example.com", callID: "odd.23", cseq: "36893488147419103232 REGISTER", fromTag: "23", branch: "z9hG4bK23", vias: 1,
		quirks: "cseq-malformed",
	},
	{
		name: "a branch of its cookie alone, a broadcast address, and no hop left",
		in: `OPTIONS sip:bob@example.com SIP/2.0
Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK
Via: SIP/2.0/UDP 255.255.255.255;branch=z9hG4bK24
Max-Forwards: 0
From: <sip:ann@example.com>;tag=24
To: <sip:bob@example.com>
Call-ID: odd.24
CSeq: 8 OPTIONS
l: 0

`,
		start: "OPTIONS sip:bob@example.com", callID: "odd.24", cseq: "8 OPTIONS", fromTag: "24", branch: "z9hG4bK", vias: 2,
	},
	{
		name: "header fields and parameters inside and outside of URIs",
		in: `REGISTER sip:example.com?Route=%3Csip:p.example.com%3E SIP/2.0
Via: SIP/2.0/UDP h;branch=z9hG4bK25
Max-Forwards: 70
From: sip:ann@example.com;tag=25
To: sip:ann@example.com
Call-ID: odd.25
CSeq: 9 REGISTER
Contact: sip:+15550100@h;unknown, <sip:+15550101@h;unknown>
Contact: <sip:ann@h?Route=%3Csip:p.example.com%3E>, sip:ann@h?Route=%3Csip:p.example.com%3E
l: 0

`,
		start: "REGISTER sip:example.com?Route=%3Csip:p.example.com%3E", callID: "odd.25", cseq: "9 REGISTER", fromTag: "25", branch: "z9hG4bK25", vias: 1,
	},
	{
		name: "addresses of both families, one inside of the other",
		in: `INVITE sip:bob@[::ffff:192.0.2.2]:5070 SIP/2.0
Via: SIP/2.0/UDP [::ffff:192.0.2.1]:6050;branch=z9hG4bK26, SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK26b, SIP/2.0/TCP [2001:db8::9:1];received=192.0.2.200
Max-Forwards: 70
From: <sip:ann@[2001:db8::1:5070]>;tag=26
To: <sip:bob@[2001:db8::1]:5070>
Call-ID: odd.26
CSeq: 2 INVITE
Contact: <sip:ann@[::ffff:192.0.2.1]>
Content-Type: application/unknownformat
Content-Length: 11

<audio/>
x`,
		start: "INVITE sip:bob@[::ffff:192.0.2.2]:5070", callID: "odd.26", cseq: "2 INVITE", fromTag: "26", branch: "z9hG4bK26", vias: 3,
		body: "<audio/>\r\nx",
	},
	{
		name: "names and values that are long, and many",
		in: "INVITE sip:bob@example.com SIP/2.0\n" +
			strings.Repeat("V: SIP/2.0/UDP h33.example.com;branch=z9hG4bK27\nvia: SIP/2.0/UDP h32.example.com, SIP/2.0/UDP h31.example.com\n", 11) + `Max-Forwards: 70
From: "` + strings.Repeat("I have a very long name ", 10) + `" <sip:ann@example.com>;` + strings.Repeat("unknownheaderparam", 5) + `=` + strings.Repeat("value", 20) + `;tag=27
To: <sip:bob@example.com:5060;` + strings.Repeat("unknownparam", 9) + `>
Call-ID: odd.27.` + strings.Repeat("really", 20) + `longcallid
CSeq: 3882340 INVITE
Unknown-` + strings.Repeat("Long", 20) + `-Name: x
Contact: <sip:ann@` + strings.Repeat("a.", 30) + `example.com>
Content-Type: application/sdp
l: 0

`,
		start: "INVITE sip:bob@example.com", callID: "odd.27." + strings.Repeat("really", 20) + "longcallid", cseq: "3882340 INVITE",
		fromTag: "27", branch: "z9hG4bK27", vias: 33,
	},
}

var update = flag.Bool("update", false, "write the golden files anew")

// TestOddGolden writes all that is read of the odd messages: where each part stands, what
// the views make of it, and everything that Inspect finds.
func TestOddGolden(t *testing.T) {
	var b strings.Builder
	b.WriteString("What is read of the messages of odd_test.go: first where each header field stands, then\nwhat the views show. Written by go test -update.\n")
	for _, test := range odd {
		m := parse(t, crlf(test.in))
		fmt.Fprintf(&b, "\n== %s\n", test.name)
		fmt.Fprintf(&b, "%q\n", m.StartLine)
		for f := range m.Fields() {
			fmt.Fprintf(&b, "off=%d len=%d %s\n", f.Off, f.ValueOff+len(f.Value)-f.Off, idName(f.ID))
		}
		if m.IsRequest() {
			fmt.Fprintf(&b, "Request-URI: %s\n", uriText(sipmsg.ParseURI(m.RequestURI)))
		}
		for v := range m.Values(sipmsg.Via) {
			fmt.Fprintf(&b, "Via: %q\n", viaText(sipmsg.ParseVia(v)))
		}
		for _, id := range []sipmsg.ID{sipmsg.From, sipmsg.To, sipmsg.Contact} {
			for v := range m.Values(id) {
				a := sipmsg.ParseAddress(v)
				fmt.Fprintf(&b, "%v: %q %q %q\n", id, a.AppendName(nil), uriText(sipmsg.ParseURI(a.URI)), a.Params)
			}
		}
		for v := range m.All(sipmsg.Authorization) {
			fmt.Fprintf(&b, "Authorization: %s\n", authText(sipmsg.ParseAuth(v)))
		}
		for p := range m.Parts() {
			fmt.Fprintf(&b, "part: %s\n", partText(p))
		}
		fmt.Fprintf(&b, "quirks: %s\n", quirks(m.Inspect()))
	}
	name := filepath.Join("testdata", "odd.golden")
	if *update {
		if err := os.WriteFile(name, []byte(b.String()), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	got := strings.Split(b.String(), "\n")
	for i, line := range strings.Split(string(want), "\n") {
		if i >= len(got) || got[i] != line {
			t.Fatalf("line %d is\n%s\nwant\n%s", i+1, strings.Join(got[i:min(i+1, len(got))], ""), line)
		}
	}
	if len(got) > strings.Count(string(want), "\n")+1 {
		t.Error("there are more lines than wanted")
	}
}

func TestOdd(t *testing.T) {
	for _, test := range odd {
		t.Run(test.name, func(t *testing.T) {
			in := crlf(test.in)
			if !sipmsg.Sniff(in) {
				t.Error("not taken for SIP")
			}
			m := parse(t, in)
			start := string(m.Method) + " " + string(m.RequestURI)
			if !m.IsRequest() {
				start = string(m.StatusText) + " " + string(m.Reason)
			}
			callID, _ := m.First(sipmsg.CallID)
			text, n, ok, method := m.CSeq()
			cseq := strings.TrimLeft(string(text), "0") + " " + string(method)
			if ok != (n > 0) {
				t.Errorf("CSeq number %d, %t", n, ok)
			}
			for _, c := range []struct{ what, got, want string }{
				{"start line", start, test.start},
				{"Call-ID", string(callID), test.callID},
				{"CSeq", cseq, test.cseq},
				{"From tag", string(m.Tag(sipmsg.From)), test.fromTag},
				{"branch", string(m.Branch()), test.branch},
				{"body", string(m.Body), test.body},
				{"quirks", quirks(m.Check()), test.quirks},
			} {
				if c.got != c.want {
					t.Errorf("%s %q, want %q", c.what, c.got, c.want)
				}
			}
			if vias := values(m, sipmsg.Via); len(vias) != test.vias {
				t.Errorf("Vias %q, want %d", vias, test.vias)
			}
			for id, want := range test.more {
				if got := values(m, id); !slices.Equal(got, want) {
					t.Errorf("%v: %q, want %q", id, got, want)
				}
			}
		})
	}
}
