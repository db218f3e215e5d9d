package sipmsg_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/sipsight/sipsight/sipmsg"
)

func partText(p sipmsg.Part) string {
	s := fmt.Sprintf("%d %s/%s %q", p.Depth, p.Type.Type, p.Type.Subtype, p.Body)
	if p.Disposition != nil {
		s += fmt.Sprintf(" disposition=%s", p.Disposition)
	}
	if p.ID != nil {
		s += fmt.Sprintf(" id=%s", p.ID)
	}
	if p.Unclosed {
		s += " unclosed"
	}
	return s
}

// nested is a body of n multiparts, each inside of the one before.
func nested(n int) string {
	s := "x"
	for i := n; i > 0; i-- {
		inner := fmt.Sprintf("Content-Type: multipart/mixed;boundary=b%d\n\n", i+1)
		if i == n {
			inner = "\n"
		}
		s = fmt.Sprintf("--b%d\n%s%s\n--b%d--\n", i, inner, s, i)
	}
	return s
}

func TestParts(t *testing.T) {
	long := strings.Repeat("b", 129)
	tests := []struct {
		name, header, body string
		want               []string
	}{
		{"none", "Content-Type: application/sdp", "", nil},
		{"one", "c: application/sdp;x=1\nContent-Disposition: session;handling=required", "v=0\n", []string{`0 application/sdp "v=0\r\n" disposition=session`}},
		{"one, of no type", "X: 1", "v=0", []string{`0 / "v=0"`}},
		{"two", `Content-Type: multipart/mixed ; boundary="b 1"`,
			"preamble\n--b 1\nContent-Type: application/sdp\nContent-Disposition: session\n\nv=0\n\n--b 1 \t\ncontent-type : text/plain\nContent-ID: <a@b>\n\nhi\n--b 1--\nepilogue\n--b 1\n\nno\n--b 1--",
			[]string{`1 application/sdp "v=0\r\n" disposition=session`, `1 text/plain "hi" id=a@b`}},
		{"a boundary of more than 128 octets", "c: multipart/mixed;boundary=" + long, "--" + long + "\n\nhi\n--" + long + "--",
			[]string{`0 multipart/mixed "--` + long + `\r\n\r\nhi\r\n--` + long + `--"`}},
		{"a boundary with an escape", `c: multipart/mixed;boundary="a\"\b"`, "--a\"b\n\nhi\n--a\"b--", []string{`1 / "hi"`}},
		{"a boundary with what is no escape", `c: multipart/mixed;boundary=a\b`, "--a\\b\n\nhi\n--a\\b--", []string{`1 / "hi"`}},
		{"a part without a header", "c: multipart/mixed;boundary=b", "--b\n\nhi\n--b--", []string{`1 / "hi"`}},
		{"a part of nothing", "c: multipart/mixed;boundary=b", "--b\n--b\n\n--b\n\n\n--b--", []string{`1 / ""`, `1 / ""`, `1 / ""`}},
		{"a part that is a header alone", "c: multipart/mixed;boundary=b", "--b\nContent-Type: a/b\n--b--", []string{`1 a/b ""`}},
		{"folded, twice, and without a colon", "c: multipart/mixed;boundary=b", "--b\nContent-Type: a\n /b\nl: 9\nm\nContent-Type: c/d\nContent-Disposition: x\nContent-Disposition: y\nContent-ID: 1\nContent-ID: 2\n\nhi\n--b--", []string{`1 a/b "hi" disposition=x id=1`}},
		{"unclosed", "c: multipart/mixed;boundary=b", "--b\n\none\n--b\n\ntwo\n", []string{`1 / "one"`, `1 / "two\r\n" unclosed`}},
		{"cut behind a delimiter", "c: multipart/mixed;boundary=b", "--b\n\none\n--b\n", []string{`1 / "one"`}},
		{"cut inside of a delimiter", "c: multipart/mixed;boundary=bc", "--bc\n\none\n--b", []string{`1 / "one\r\n--b" unclosed`}},
		{"closed without a part", "c: multipart/mixed;boundary=b", "--b--\n", nil},
		{"delimiters that are none", "c: multipart/mixed;boundary=b", "--b\n\n --b\n-b\n--bc\n--b-\n--b--c\nx--b--\n--b--", []string{`1 / " --b\r\n-b\r\n--bc\r\n--b-\r\n--b--c\r\nx--b--"`}},
		{"no boundary", "c: multipart/mixed", "--b\n\none\n--b--", []string{`0 multipart/mixed "--b\r\n\r\none\r\n--b--"`}},
		{"empty boundary", "c: multipart/mixed;boundary=", "--\n\none\n----", []string{`0 multipart/mixed "--\r\n\r\none\r\n----"`}},
		{"another boundary", "c: multipart/mixed;boundary=c", "--b\n\none\n--b--", []string{`0 multipart/mixed "--b\r\n\r\none\r\n--b--"`}},
		{"nested", "c: multipart/mixed;boundary=a",
			"--a\nc: multipart/alternative;boundary=b\n\n--b\nc: text/plain\n\n1\n--b\nc: text/html\n\n2\n--b--\n\n--a\nc: text/xml\n\n3\n--a--",
			[]string{`2 text/plain "1"`, `2 text/html "2"`, `1 text/xml "3"`}},
		{"nested, unclosed inside", "c: multipart/mixed;boundary=a",
			"--a\nc: multipart/alternative;boundary=b\n\n--b\n\n1\n--a\n\n2\n--a--", []string{`2 / "1" unclosed`, `1 / "2"`}},
		{"nested as deep as allowed", "c: multipart/mixed;boundary=b1", nested(sipmsg.MaxDepth), []string{`8 / "x"`}},
		{"nested too deep", "c: multipart/mixed;boundary=b1", nested(sipmsg.MaxDepth + 1), []string{`8 multipart/mixed "--b9\r\n\r\nx\r\n--b9--\r\n"`}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			m := parse(t, crlf("INFO sip:a SIP/2.0\n"+test.header+"\n\n"+test.body))
			var got []string
			for p := range m.Parts() {
				got = append(got, partText(p))
			}
			want := strings.Join(test.want, "\n")
			if strings.Join(got, "\n") != want {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), want)
			}
			for range m.Parts() { // may be left at any part
				break
			}
			// Bare line feeds say the same.
			m = parse(t, clip("INFO sip:a SIP/2.0\n"+test.header+"\n\n"+test.body))
			got = nil
			for p := range m.Parts() {
				got = append(got, partText(p))
			}
			if strings.Join(got, "\n") != strings.ReplaceAll(want, `\r`, "") {
				t.Errorf("with bare line feeds\n%s", strings.Join(got, "\n"))
			}
		})
	}
}

func TestPartHeader(t *testing.T) {
	m := parse(t, crlf("INFO sip:a SIP/2.0\nc: multipart/mixed;boundary=b\n\n--b\nX-A: 1\nX-B: 2\n\nhi\n--b--"))
	for p := range m.Parts() {
		if string(p.Header) != "X-A: 1\r\nX-B: 2\r\n" {
			t.Errorf("%q", p.Header)
		}
	}
}

func TestParseFragment(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"status line", "SIP/2.0 200 OK", "response SIP/2.0|200=200|OK\n"},
		{"status line and its end", "SIP/2.0 503 Unavailable\n", "response SIP/2.0|503=503|Unavailable\n"},
		{"status line and a field", "SIP/2.0 100 Trying\nVia: a\n", "response SIP/2.0|100=100|Trying\nVia \"Via\" \"a\"\n"},
		{"request line", "INVITE sip:a SIP/2.0\n", "request INVITE|sip:a|SIP/2.0\n"},
		{"fields", "From: a\nX-Y: b\n", "response |=0|\nFrom \"From\" \"a\"\n- \"X-Y\" \"b\"\n"},
		{"fields and a body", "f: a\n\nbody", "response |=0|\nFrom \"f\" \"a\"\nbody \"body\"\n"},
		{"a field without an end", "Call-ID: 1", "response |=0|\nCall-ID \"Call-ID\" \"1\"\n"},
		{"unknown fields alone", "X-Y: b\n", "error"},
		{"text", "hello", "error"},
		{"nothing", "", "error"},
	}
	var m sipmsg.Message
	for _, test := range tests {
		got := "error"
		if err := m.ParseFragment(crlf(test.in)); err == nil {
			got = dump(&m)
		} else if m.NumFields() != 0 {
			t.Errorf("%s: %d fields are left", test.name, m.NumFields())
		}
		if got != test.want {
			t.Errorf("%s:\n%swant\n%s", test.name, got, test.want)
		}
	}
}
