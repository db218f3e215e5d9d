package sipmsg_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/sipsight/sipsight/sipmsg"
)

func TestParse(t *testing.T) {
	tests := []struct {
		name string
		in   []byte
		want string
	}{
		{"response with a body", crlf("SIP/2.0 200 OK\nCall-ID: 1@h\n\nbody\n"), `
response SIP/2.0|200=200|OK
Call-ID "Call-ID" "1@h"
body "body\r\n"
`},
		{"every field in order, with its repeats", withHeader("Via: a\nX-One: 1\nVia: b\nx-one: 2\nTo: c\nVIA: d"), `
request OPTIONS|sip:bob@example.com|SIP/2.0
Via "Via" "a"
- "X-One" "1"
Via "Via" "b"
- "x-one" "2"
To "To" "c"
Via "VIA" "d"
body ""
`},
		{"compact names", withHeader("v: a\nf: b\nT: c\ni: d\nM: e\nl: 0\ns: f\nz: g"), `
request OPTIONS|sip:bob@example.com|SIP/2.0
Via "v" "a"
From "f" "b"
To "T" "c"
Call-ID "i" "d"
Contact "M" "e"
Content-Length "l" "0"
Subject "s" "f"
- "z" "g"
body ""
`},
		{"white space around the colon", withHeader("To:a\nFrom :b\nVia\t : \t c\nSubject: d \t\nOrganization :"), `
request OPTIONS|sip:bob@example.com|SIP/2.0
To "To" "a"
From "From" "b"
Via "Via" "c"
Subject "Subject" "d"
Organization "Organization" ""
body ""
`},
		{"folding", withHeader("Subject: one\n two\n\tthree\nTo:\n a\nFrom: b\n \nVia: c"), `
request OPTIONS|sip:bob@example.com|SIP/2.0
Subject "Subject" "one\r\n two\r\n\tthree"
To "To" "a"
From "From" "b"
Via "Via" "c"
body ""
`},
		{"folding before the colon", withHeader("Subject\n : one"), `
request OPTIONS|sip:bob@example.com|SIP/2.0
- "Subject" "one"
body ""
quirks header-name
`},
		{"a colon in the value", withHeader("Date: 12:34:56\nX: :"), `
request OPTIONS|sip:bob@example.com|SIP/2.0
Date "Date" "12:34:56"
Session-Expires "X" ":"
body ""
`},
		{"line without a colon", withHeader("To: a\nthis is no header field\nFrom: b"), `
request OPTIONS|sip:bob@example.com|SIP/2.0
To "To" "a"
- "" "this is no header field"
From "From" "b"
body ""
quirks header-without-colon
`},
		{"names that are no tokens", withHeader("Call ID: a\nX/Y: b\n: c\nBühne: d\n To: e"), `
request OPTIONS|sip:bob@example.com|SIP/2.0
- "Call ID" "a"
- "X/Y" "b"
- "" "c"
- "Bühne" "d\r\n To: e"
body ""
quirks header-name
`},
		{"blank before the first name", withHeader(" To: a\nFrom: b"), `
request OPTIONS|sip:bob@example.com|SIP/2.0
- " To" "a"
From "From" "b"
body ""
quirks header-name
`},
		{"LF alone", clip("BYE sip:a@b SIP/2.0\nTo: a\n b\nFrom: c\n\nbody\n"), `
request BYE|sip:a@b|SIP/2.0
To "To" "a\n b"
From "From" "c"
body "body\n"
quirks lf-only
`},
		{"LF alone in one line", clip("BYE sip:a@b SIP/2.0\r\nTo: a\nFrom: c\r\n\r\n"), `
request BYE|sip:a@b|SIP/2.0
To "To" "a"
From "From" "c"
body ""
quirks lf-only
`},
		{"LF alone in a fold", clip("BYE sip:a@b SIP/2.0\r\nTo: a\r\n b\n c\r\n\r\n"), `
request BYE|sip:a@b|SIP/2.0
To "To" "a\r\n b\n c"
body ""
quirks lf-only
`},
		{"LF alone in the empty line", clip("BYE sip:a@b SIP/2.0\r\nTo: a\r\n\nbody"), `
request BYE|sip:a@b|SIP/2.0
To "To" "a"
body "body"
quirks lf-only
`},
		{"LF alone in the body is none of our business", clip("BYE sip:a@b SIP/2.0\r\nTo: a\r\n\r\nb\nc\n"), `
request BYE|sip:a@b|SIP/2.0
To "To" "a"
body "b\nc\n"
`},
		{"CR inside of a value", clip("BYE sip:a@b SIP/2.0\r\nTo: a\rb\r\nVia: c\r\r\n\r\n"), `
request BYE|sip:a@b|SIP/2.0
To "To" "a\rb"
Via "Via" "c"
body ""
`},
		{"CR before a name", clip("BYE sip:a@b SIP/2.0\r\n\rTo: a\r\n\r\n"), `
request BYE|sip:a@b|SIP/2.0
- "\rTo" "a"
body ""
quirks header-name
`},
		{"line ends in front", crlf("\n\nBYE sip:a@b SIP/2.0\nTo: a\n\n"), `
request BYE|sip:a@b|SIP/2.0
To "To" "a"
body ""
`},
		{"no header fields", crlf("BYE sip:a@b SIP/2.0\n\nbody"), `
request BYE|sip:a@b|SIP/2.0
body "body"
`},
		{"start line alone", clip("BYE sip:a@b SIP/2.0"), `
request BYE|sip:a@b|SIP/2.0
quirks header-unterminated
`},
		{"start line and its line end", crlf("BYE sip:a@b SIP/2.0\n"), `
request BYE|sip:a@b|SIP/2.0
quirks header-unterminated
`},
		{"no empty line", crlf("BYE sip:a@b SIP/2.0\nTo: a\nl: 0\n"), `
request BYE|sip:a@b|SIP/2.0
To "To" "a"
Content-Length "l" "0"
quirks header-unterminated
`},
		{"cut in a value", crlf("BYE sip:a@b SIP/2.0\nTo: a\nCall-ID: 12"), `
request BYE|sip:a@b|SIP/2.0
To "To" "a"
Call-ID "Call-ID" "12"
quirks header-unterminated
`},
		{"cut in the empty line", clip("BYE sip:a@b SIP/2.0\r\nTo: a\r\n\r"), `
request BYE|sip:a@b|SIP/2.0
To "To" "a"
quirks header-unterminated
`},
		{"NUL", clip("BYE sip:a@b SIP/2.0\r\nTo: a\x00b\r\n\r\n\x00"), `
request BYE|sip:a@b|SIP/2.0
To "To" "a\x00b"
body "\x00"
`},
		{"octets that are not UTF-8", clip("BYE sip:a@b SIP/2.0\r\nTo: \xe9\xff\r\n\r\n\xff"), `
request BYE|sip:a@b|SIP/2.0
To "To" "\xe9\xff"
body "\xff"
`},
		{"the body is not scanned", crlf("BYE sip:a@b SIP/2.0\nTo: a\n\nFrom: b\n\nVia: c\n"), `
request BYE|sip:a@b|SIP/2.0
To "To" "a"
body "From: b\r\n\r\nVia: c\r\n"
`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got, want := dump(parse(t, test.in)), test.want[1:]; got != want {
				t.Errorf("got\n%swant\n%s", got, want)
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	for _, in := range []string{"", "\r\n", "\r\n\r\n", "INVITE", "SIP/2.0", "SIP/2.0 2 OK\r\n", "\x80\x00abc", "(INVITE sip:a SIP/2.0\r\n", "<134>x"} {
		var m sipmsg.Message
		err := m.Parse(clip(in))
		var syntax *sipmsg.SyntaxError
		if !errors.As(err, &syntax) {
			t.Errorf("%q: error %v", in, err)
			continue
		}
		if syntax.Off != 0 || err.Error() != "sipmsg: no SIP start line at byte 0" {
			t.Errorf("%q: %v", in, err)
		}
		if m.NumFields() != 0 || m.Body != nil || m.IsRequest() || m.StatusCode != 0 {
			t.Errorf("%q: something was found: %s", in, dump(&m))
		}
	}
}

// Nothing of an earlier message is left, nor of one that was refused.
func TestParseReplaces(t *testing.T) {
	first, second := crlf(invite), crlf(ringing)
	var m sipmsg.Message
	for _, in := range [][]byte{first, second, first, clip("nothing of the kind"), second} {
		err := m.Parse(in)
		var fresh sipmsg.Message
		if freshErr := fresh.Parse(in); freshErr != err || dump(&fresh) != dump(&m) || fresh.Check() != m.Check() {
			t.Fatalf("%v: %s\nwith a new Message %v: %s", err, dump(&m), freshErr, dump(&fresh))
		}
		for id := sipmsg.Accept; id.String() != ""; id++ {
			if m.Has(id) != fresh.Has(id) {
				t.Errorf("%v is left over", id)
			}
		}
	}
}

func TestZeroMessage(t *testing.T) {
	var m sipmsg.Message
	if m.IsRequest() || m.NumFields() != 0 || len(m.Raw()) != 0 || m.Offset() != 0 || m.Has(sipmsg.To) || m.Tag(sipmsg.To) != nil || m.Branch() != nil {
		t.Error("a message that was never parsed is not empty")
	}
	if got := quirks(m.Check()); got != "header-missing" {
		t.Errorf("quirks %q", got)
	}
}

func TestField(t *testing.T) {
	in := crlf("\nBYE sip:a@b SIP/2.0\nTo : a\nX-Y:\n  folded \n\n")
	m := parse(t, in)
	if m.Offset() != 2 || !bytes.Equal(m.Raw(), in[2:]) {
		t.Errorf("offset %d, raw %q", m.Offset(), m.Raw())
	}
	if m.NumFields() != 2 {
		t.Fatalf("%d fields", m.NumFields())
	}
	for i := range m.NumFields() {
		f := m.Field(i)
		if got := in[f.Off : f.Off+len(f.Name)]; !bytes.Equal(got, f.Name) {
			t.Errorf("%q is at %d, where %q stands", f.Name, f.Off, got)
		}
		if got := in[f.ValueOff : f.ValueOff+len(f.Value)]; !bytes.Equal(got, f.Value) {
			t.Errorf("%q is at %d, where %q stands", f.Value, f.ValueOff, got)
		}
	}
	if f := m.Field(1); string(f.Name) != "X-Y" || string(f.Value) != "folded" || f.ID != sipmsg.Other {
		t.Errorf("field 1 is %+v", f)
	}
	m.Fields()(func(f sipmsg.Field) bool {
		if string(f.Name) != "To" {
			t.Errorf("iteration goes on to %q", f.Name)
		}
		return false
	})
}

func TestFirst(t *testing.T) {
	m := parse(t, withHeader("Subject:\nVia: a, b\nVia: c\nX-Y: d"))
	tests := []struct {
		id   sipmsg.ID
		want string
		ok   bool
	}{
		{sipmsg.Via, "a, b", true},
		{sipmsg.Subject, "", true},
		{sipmsg.To, "", false},
		{sipmsg.Other, "", false},
	}
	for _, test := range tests {
		v, ok := m.First(test.id)
		if string(v) != test.want || ok != test.ok || m.Has(test.id) != test.ok {
			t.Errorf("%v: %q, %t, want %q, %t", test.id, v, ok, test.want, test.ok)
		}
	}
}

func TestAll(t *testing.T) {
	m := parse(t, withHeader("Via: a, b\nTo: x\nv: c\nVia:"))
	var got []string
	for v := range m.All(sipmsg.Via) {
		got = append(got, string(v))
	}
	if !slices.Equal(got, []string{"a, b", "c", ""}) {
		t.Errorf("%q", got)
	}
	for v := range m.All(sipmsg.Via) {
		if string(v) != "a, b" {
			t.Errorf("iteration goes on to %q", v)
		}
		break
	}
	for v := range m.All(sipmsg.From) {
		t.Errorf("From: %q", v)
	}
	for v := range m.All(sipmsg.Other) {
		t.Errorf("Other: %q", v)
	}
}

func TestValues(t *testing.T) {
	tests := []struct {
		name string
		in   string
		id   sipmsg.ID
		want []string
	}{
		{"one", "Via: a", sipmsg.Via, []string{"a"}},
		{"several in a line", "Via: a,b , c", sipmsg.Via, []string{"a", "b", "c"}},
		{"several lines", "Via: a, b\nTo: x\nv: c\nVIA: d", sipmsg.Via, []string{"a", "b", "c", "d"}},
		{"folded", "Via: a,\n b\n , c", sipmsg.Via, []string{"a", "b", "c"}},
		{"empty elements", "Via: ,a,, ,b,", sipmsg.Via, []string{"a", "b"}},
		{"empty field", "Via:\nVia: a", sipmsg.Via, []string{"a"}},
		{"only commas", "Via: ,,,", sipmsg.Via, nil},
		{"no field", "To: a, b", sipmsg.Via, nil},
		{"commas in quotes", `Contact: "a, b" <sip:a>, "c\", d" <sip:c>`, sipmsg.Contact, []string{`"a, b" <sip:a>`, `"c\", d" <sip:c>`}},
		{"commas in angle brackets", "Contact: <sip:a,b@c>;x=1, <sip:d?e=f,g>", sipmsg.Contact, []string{"<sip:a,b@c>;x=1", "<sip:d?e=f,g>"}},
		{"brackets in quotes", `Contact: "<" <sip:a>, ">" <sip:b>`, sipmsg.Contact, []string{`"<" <sip:a>`, `">" <sip:b>`}},
		{"quote inside of brackets", `Contact: <sip:a"b@c>, <sip:d>`, sipmsg.Contact, []string{`<sip:a"b@c>`, "<sip:d>"}},
		{"backslash outside of quotes", `Contact: a\, b`, sipmsg.Contact, []string{`a\`, "b"}},
		{"escaped backslash", `Contact: "a\\", b`, sipmsg.Contact, []string{`"a\\"`, "b"}},
		{"quote never closed", `Contact: "a <sip:b>, <sip:c>`, sipmsg.Contact, []string{`"a <sip:b>, <sip:c>`}},
		{"quote never closed ends with its field", "Contact: \"a <sip:b>\nContact: <sip:c>", sipmsg.Contact, []string{`"a <sip:b>`, "<sip:c>"}},
		{"escape at the end", `Contact: "a\`, sipmsg.Contact, []string{`"a\`}},
		{"bracket never closed", "Contact: <sip:a, <sip:b>, c", sipmsg.Contact, []string{"<sip:a, <sip:b>", "c"}},
		{"bracket closed twice", "Contact: <sip:a>>, <sip:b>", sipmsg.Contact, []string{"<sip:a>>", "<sip:b>"}},
		{"a list of tokens", "Allow: INVITE, ACK,BYE", sipmsg.Allow, []string{"INVITE", "ACK", "BYE"}},
		{"no list: Subject", "Subject: a, b", sipmsg.Subject, []string{"a, b"}},
		{"no list: credentials", `Authorization: Digest a="b", c="d"`, sipmsg.Authorization, []string{`Digest a="b", c="d"`}},
		{"no list: a date", "Date: Sat, 13 Nov 2010 23:29:00 GMT", sipmsg.Date, []string{"Sat, 13 Nov 2010 23:29:00 GMT"}},
		{"no list: From", "From: a, b", sipmsg.From, []string{"a, b"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			m := parse(t, withHeader(test.in))
			if got := values(m, test.id); !slices.Equal(got, test.want) {
				t.Errorf("%q, want %q", got, test.want)
			}
			if got := m.NumValues(test.id); got != len(test.want) {
				t.Errorf("%d values, want %d", got, len(test.want))
			}
			for range m.Values(test.id) { // stops where it is told to
				break
			}
		})
	}
}

func TestAppendUnfolded(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"not folded", "a b", "a b"},
		{"empty", "", ""},
		{"CRLF", "a\r\n b", "a b"},
		{"LF", "a\n b", "a b"},
		{"tabs and blanks", "a \t\r\n \t b", "a b"},
		{"twice", "a\r\n b\r\n\tc", "a b c"},
		{"an empty line of blanks", "a\r\n \r\n b", "a  b"},
		{"at the start", "\r\n a", " a"},
		{"CR alone stays", "a\rb", "a\rb"},
		{"blanks elsewhere stay", "a  b\r\n c  d", "a  b c  d"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := sipmsg.AppendUnfolded([]byte(">"), clip(test.in)); string(got) != ">"+test.want {
				t.Errorf("%q, want %q", got, ">"+test.want)
			}
		})
	}
}

func TestContentLength(t *testing.T) {
	tests := []struct {
		header string
		want   uint32
		ok     bool
	}{
		{"Content-Length: 5", 5, true},
		{"l:5", 5, true},
		{"CONTENT-LENGTH :   0005  ", 5, true},
		{"Content-Length:\n 5", 5, true},
		{"Content-Length: 5\nContent-Length: 6", 5, true},
		{"Content-Length: 4294967295", 1<<32 - 1, true},
		{"Content-Length: 4294967296", 0, false},
		{"Content-Length: -5", 0, false},
		{"Content-Length: +5", 0, false},
		{"Content-Length: 0x5", 0, false},
		{"Content-Length: 5 octets", 0, false},
		{"Content-Length: 5, 5", 0, false},
		{"Content-Length:", 0, false},
		{"To: a", 0, false},
	}
	for _, test := range tests {
		if n, ok := parse(t, withHeader(test.header)).ContentLength(); n != test.want || ok != test.ok {
			t.Errorf("%q: %d, %t, want %d, %t", test.header, n, ok, test.want, test.ok)
		}
	}
}

func TestCSeq(t *testing.T) {
	tests := []struct {
		header string
		text   string
		want   uint32
		ok     bool
		method string
	}{
		{"CSeq: 1 INVITE", "1", 1, true, "INVITE"},
		{"cseq :  0009\n  INVITE ", "0009", 9, true, "INVITE"},
		{"CSeq: 1\tfrob", "1", 1, true, "frob"},
		{"CSeq: 4294967295 BYE", "4294967295", 1<<32 - 1, true, "BYE"},
		{"CSeq: 4294967296 BYE", "4294967296", 0, false, "BYE"},
		{"CSeq: 36893488147419103232 BYE", "36893488147419103232", 0, false, "BYE"},
		{"CSeq: 1", "1", 1, true, ""},
		{"CSeq: INVITE", "INVITE", 0, false, ""},
		{"CSeq: -1 INVITE", "-1", 0, false, "INVITE"},
		{"CSeq: 1INVITE", "1INVITE", 0, false, ""},
		{"CSeq: 1 INVITE x", "1", 1, true, "INVITE x"},
		{"CSeq:", "", 0, false, ""},
		{"To: a", "", 0, false, ""},
	}
	for _, test := range tests {
		text, n, ok, method := parse(t, withHeader(test.header)).CSeq()
		if string(text) != test.text || n != test.want || ok != test.ok || string(method) != test.method {
			t.Errorf("%q: %q %d %t %q", test.header, text, n, ok, method)
		}
	}
}

func TestParseCut(t *testing.T) {
	const start = "BYE sip:a@b SIP/2.0\r\n"
	tests := []struct {
		name   string
		in     string
		want   string // names of the fields
		quirks string
	}{
		{"whole", start + "To: a\r\nCall-ID: b\r\n\r\n", "To Call-ID", ""},
		{"whole, cut in the body", start + "To: a\r\nCall-ID: b\r\n\r\nbo", "To Call-ID", ""},
		{"cut in a value", start + "To: a\r\nCall-ID: 12", "To", "header-unterminated"},
		{"cut in a name", start + "To: a\r\nCall", "To", "header-unterminated"},
		{"cut in a name that is a compact one", start + "To: a\r\nv", "To", "header-unterminated"},
		{"cut in a name, a blank before it", start + "To: a\r\nCall I", "To", "header-unterminated"},
		{"cut in a repeat", start + "Via: a\r\nVia: b", "Via", "header-unterminated"},
		{"cut in a repeat of what may stand once", start + "To: a\r\nTo: b", "To", "header-unterminated"},
		{"cut in a folded value", start + "To: a\r\nVia: b\r\n c", "To", "header-unterminated"},
		{"cut in an odd line, another before it", start + "odd\r\nTo: a\r\nod", " To", "header-without-colon header-unterminated"},
		{"cut behind a line", start + "To: a\r\nCall-ID: b\r\n", "To Call-ID", "header-unterminated"},
		{"cut between CR and LF", start + "To: a\r\nCall-ID: b\r", "To Call-ID", "header-unterminated"},
		{"cut between CR and LF of the empty line", start + "To: a\r\nCall-ID: b\r\n\r", "To Call-ID", "header-unterminated"},
		{"LF alone, cut in a value", "BYE sip:a@b SIP/2.0\nTo: a\nVi", "To", "lf-only header-unterminated"},
		{"LF alone in the part that is left out", start + "To: a\r\nVia: b\n c", "To", "header-unterminated"},
		{"cut in the only line", start + "To: a", "", "header-unterminated"},
		{"cut in the start line", "BYE sip:a@b SI", "", "header-unterminated"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			in := clip(test.in)
			var m sipmsg.Message
			if err := m.ParseCut(in); err != nil {
				t.Fatal(err)
			}
			var names []string
			for f := range m.Fields() {
				names = append(names, string(f.Name))
				if v, ok := m.First(f.ID); f.ID != sipmsg.Other && (!ok || len(v) == 0) {
					t.Errorf("%q is there and First does not find it", f.Name)
				}
			}
			if got := strings.Join(names, " "); got != test.want {
				t.Errorf("fields %q, want %q", got, test.want)
			}
			if got := quirks(m.Quirks()); got != test.quirks {
				t.Errorf("quirks %q, want %q", got, test.quirks)
			}
			if !bytes.Equal(m.Raw(), in) {
				t.Errorf("raw %q", m.Raw())
			}
			if whole := strings.Contains(test.in, "\n"); (m.RequestURI != nil) != whole {
				t.Errorf("Request-URI %q", m.RequestURI)
			}
			n := 0
			for id := sipmsg.Accept; id.String() != ""; id++ {
				for range m.All(id) {
					n++
				}
			}
			if other := len(names) - n; other != strings.Count(" "+test.want+" ", "  ") && test.want != "" {
				t.Errorf("%d fields are found by id, of %d", n, len(names))
			}
		})
	}
	var m sipmsg.Message
	if err := m.ParseCut(clip("nothing")); err == nil {
		t.Error("ParseCut takes what Parse refuses")
	}
}

// Fields are kept up to a limit. The numbers here are larger than what 16 bits hold.
func TestFieldLimit(t *testing.T) {
	build := func(n int, end string) []byte {
		var b bytes.Buffer
		b.WriteString("BYE sip:a@b SIP/2.0\r\nTo: first\r\n")
		for i := range n - 2 {
			fmt.Fprintf(&b, "x%d: %d\r\n", i, i)
		}
		b.WriteString("Call-ID: last\r\n" + end)
		return clip(b.Bytes())
	}
	tests := []struct {
		name   string
		n      int
		end    string
		kept   int
		last   bool
		quirks string
	}{
		{"at the limit", sipmsg.MaxFields, "\r\nbody", sipmsg.MaxFields, true, ""},
		{"over it", sipmsg.MaxFields + 1, "\r\nbody", sipmsg.MaxFields, false, "header-limit"},
		{"far over it", 70000, "\r\nbody", sipmsg.MaxFields, false, "header-limit"},
		{"at the limit, a repeat behind it", sipmsg.MaxFields, "To: again\r\n\r\nbody", sipmsg.MaxFields, true, "header-limit"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			m := parse(t, build(test.n, test.end))
			if m.NumFields() != test.kept {
				t.Errorf("%d fields, want %d", m.NumFields(), test.kept)
			}
			if got := quirks(m.Quirks()); got != test.quirks {
				t.Errorf("quirks %q, want %q", got, test.quirks)
			}
			if v, ok := m.First(sipmsg.CallID); ok != test.last || ok && string(v) != "last" {
				t.Errorf("Call-ID %q, %t", v, ok)
			}
			if v, _ := m.First(sipmsg.To); string(v) != "first" {
				t.Errorf("To %q", v)
			}
			if string(m.Body) != "body" {
				t.Errorf("body %q", m.Body)
			}
			if f := m.Field(40000); string(f.Name) != "x39999" || string(f.Value) != "39999" {
				t.Errorf("field 40000 is %q", f.Name)
			}
		})
	}
	t.Run("cut behind it", func(t *testing.T) {
		var m sipmsg.Message
		if err := m.ParseCut(build(70000, "To: ha")); err != nil || m.NumFields() != sipmsg.MaxFields {
			t.Errorf("%v, %d fields: the line that was cut is none of them", err, m.NumFields())
		}
	})
}

func TestAllocs(t *testing.T) {
	test := func(name string, f func()) {
		t.Helper()
		if n := testing.AllocsPerRun(100, f); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
	var m sipmsg.Message
	must := func(err error) {
		if err != nil {
			panic(err)
		}
	}
	request, response, rtp, dst := crlf(invite), crlf(ringing), clip("\x80\x00\x12\x34payload"), make([]byte, 0, 1000)
	cut := request[:300]
	test("Parse, request", func() { must(m.Parse(request)) })
	test("FieldSet", func() {
		if set := m.FieldSet(); !set.Has(sipmsg.Via) || set.Has(sipmsg.Other) {
			panic("FieldSet")
		}
	})
	test("Parse, response", func() { must(m.Parse(response)) })
	test("Parse, refused", func() {
		if m.Parse(rtp) == nil {
			panic("taken for SIP")
		}
	})
	test("ParseCut", func() { must(m.ParseCut(cut)) })
	test("Sniff, request", func() {
		if !sipmsg.Sniff(request) {
			panic("refused")
		}
	})
	test("Sniff, RTP", func() {
		if sipmsg.Sniff(rtp) {
			panic("taken for SIP")
		}
	})
	must(m.Parse(request))
	count := func(want, n int) {
		if n != want {
			panic(n)
		}
	}
	test("Fields", func() {
		n := 0
		for range m.Fields() {
			n++
		}
		count(12, n)
	})
	test("All", func() {
		n := 0
		for range m.All(sipmsg.Allow) {
			n++
		}
		count(1, n)
	})
	test("Values", func() {
		n := 0
		for range m.Values(sipmsg.Allow) {
			n++
		}
		count(6, n)
	})
	test("Check", func() { count(0, int(m.Check())) })
	test("Tag", func() { count(8, len(m.Tag(sipmsg.From))) })
	test("Branch", func() { count(14, len(m.Branch())) })
	test("CSeq", func() {
		_, n, _, _ := m.CSeq()
		count(102, int(n))
	})
	test("ContentLength", func() {
		n, _ := m.ContentLength()
		count(len(m.Body), int(n))
	})
	test("ParseAddress", func() {
		v, _ := m.First(sipmsg.From)
		count(25, len(sipmsg.ParseAddress(v).URI))
	})
	test("AppendUnfolded", func() { count(11, len(sipmsg.AppendUnfolded(dst, request[:11]))) })
	test("Lookup", func() { count(int(sipmsg.CallID), int(sipmsg.Lookup(request[:0:0]))+int(sipmsg.CallID)) })
	test("KnownMethod", func() {
		if !sipmsg.KnownMethod(m.Method) {
			panic("INVITE is not known")
		}
	})
}
