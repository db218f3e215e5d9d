package sipmsg_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/sipsight/sipsight/sipmsg"
)

// hostile are messages made to be slow to read; n is about their length.
var hostile = []struct {
	name  string
	build func(n int) string
}{
	{"one-header", func(n int) string { return "Subject: " + strings.Repeat("x", n) }},
	{"name", func(n int) string { return strings.Repeat("x", n) + ": 1" }},
	{"folds", func(n int) string { return "Subject: x" + strings.Repeat("\n y", n/4) }},
	{"empty-folds", func(n int) string { return "Via: x" + strings.Repeat("\n ", n/3) }},
	{"blanks", func(n int) string { return "Via:" + strings.Repeat(" ", n) + "x" }},
	{"blanks-before-colon", func(n int) string { return "Via" + strings.Repeat(" ", n) }},
	{"vias-in-a-line", func(n int) string { return "Via: a" + strings.Repeat(",SIP/2.0/UDP h;branch=z9hG4bK1", n/30) }},
	{"commas", func(n int) string { return "Via: " + strings.Repeat(",", n) }},
	{"quotes", func(n int) string { return "Contact: " + strings.Repeat(`"`, n) }},
	{"open-quote", func(n int) string { return "Contact: \"" + strings.Repeat(`,<`, n/2) }},
	{"backslashes", func(n int) string { return "Contact: \"" + strings.Repeat(`\`, n) }},
	{"open-brackets", func(n int) string { return "Contact: " + strings.Repeat("<,", n/2) }},
	{"close-brackets", func(n int) string { return "From: <" + strings.Repeat(">;", n/2) }},
	{"semicolons", func(n int) string { return "From: <sip:a>" + strings.Repeat(";", n) }},
	{"params", func(n int) string { return "From: <sip:a>" + strings.Repeat(";tak=1", n/6) }},
	{"digits", func(n int) string { return "CSeq: " + strings.Repeat("0", n) + " INVITE\nl: " + strings.Repeat("9", n) }},
	{"headers", func(n int) string { return strings.Repeat("Via: a\n", n/8) + "To: b" }},
	{"same-headers-compact", func(n int) string { return strings.Repeat("l:1\n", n/5) + "To: b" }},
	{"lines-without-colon", func(n int) string { return strings.Repeat("x\n", n/3) + "To: b" }},
	{"colons", func(n int) string { return strings.Repeat(":", n) }},
	{"carriage-returns", func(n int) string { return strings.Repeat("\r", n) }},
	{"high-octets", func(n int) string { return strings.Repeat("\xff", n) }},
	{"vias-with-blanks", func(n int) string { return "Via: " + strings.Repeat("SIP / 2.0 / X [::1] : 5 ; a ,", n/29) }},
	{"quoted-commas", func(n int) string { return "Contact: " + strings.Repeat(`"," <,>,`, n/8) }},
	{"open-brackets-in-elements", func(n int) string { return "Contact: " + strings.Repeat(`"<" <sip:a>,`, n/12) + "<" }},
	{"auth-params", func(n int) string { return "Authorization: Digest " + strings.Repeat(`a="b,",nc=1,`, n/12) }},
	{"auth-quotes", func(n int) string { return "Authorization: Digest " + strings.Repeat(`"`, n) }},
	{"uri-user", func(n int) string { return "From: <sip:" + strings.Repeat(":;?", n/3) + "@h>" }},
	{"uri-params", func(n int) string { return "From: <sip:h" + strings.Repeat(";a=%41", n/6) + ">" }},
	{"uri-headers", func(n int) string { return "Refer-To: <sip:h?" + strings.Repeat("a=%41&", n/6) + "replaces=%41>" }},
	{"uri-colons", func(n int) string { return "From: <sip:" + strings.Repeat(":", n) + ">" }},
	{"params-of-blanks", func(n int) string { return "From: <sip:a>" + strings.Repeat("; a = \"\" ", n/10) }},
	{"reasons", func(n int) string { return "Reason: " + strings.Repeat("Q.850;cause=16;text=\"x, y\",", n/28) }},
	{"history", func(n int) string {
		return "History-Info: " + strings.Repeat("<sip:h?Reason=SIP%3Bcause%3D302>;index=1,", n/41)
	}},
	{"comment", func(n int) string { return "Retry-After: 5 " + strings.Repeat("(", n) }},
	{"warnings", func(n int) string { return "Warning: " + strings.Repeat(`399 h "x",`, n/10) }},
	{"many-fields-of-each-kind", func(n int) string {
		return strings.Repeat("f: <sip:a>\nm: <sip:b>\nDate: x\nWarning: 1\n", n/44) + "To: b"
	}},
	{"parts", func(n int) string { return "c: multipart/mixed;boundary=b\n" + strings.Repeat("\n--b\n", n/6) }},
	{"parts-that-are-none", func(n int) string { return "c: multipart/mixed;boundary=b\n\n--b\n\n" + strings.Repeat("--b x\n", n/6) }},
	{"a-boundary-as-long-as-the-body", func(n int) string {
		return "c: multipart/mixed;boundary=" + strings.Repeat("-", n/3) + "\n\n" + strings.Repeat("-", 2*n/3)
	}},
	{"boundaries", func(n int) string { return "c: multipart/mixed;boundary=-\n\n---\n\n" + strings.Repeat("-", n) }},
	{"part-of-fields", func(n int) string {
		return "c: multipart/mixed;boundary=b\n\n--b\n" + strings.Repeat("c: multipart/mixed;boundary=b\n", n/30)
	}},
	{"parts-in-parts", func(n int) string {
		return "c: multipart/mixed;boundary=b\n\n" + strings.Repeat("--b\nc: multipart/mixed;boundary=b\n\n", n/35)
	}},
}

func buildHostile(build func(int) string, n int) []byte { return withHeader(build(n)) }

// read does with a message what a reader of messages does.
func read(m *sipmsg.Message, in, scratch []byte) (n int) {
	if !sipmsg.Sniff(in) || m.Parse(in) != nil {
		return -1
	}
	m.Inspect()
	consume(m, scratch)
	for p := range m.Parts() {
		n += len(p.Type.Params) + p.Depth
	}
	m.Append(scratch[:0])
	for _, id := range []sipmsg.ID{sipmsg.Via, sipmsg.Contact, sipmsg.From, sipmsg.Subject, sipmsg.ContentLength} {
		for v := range m.Values(id) {
			a := sipmsg.ParseAddress(v)
			a.Params.Get("tag")
			n++
		}
		for v := range m.All(id) {
			sipmsg.AppendUnfolded(scratch[:0], v)
		}
	}
	m.Tag(sipmsg.From)
	m.Branch()
	m.CSeq()
	m.ContentLength()
	return n
}

// Messages of 1 MiB: whatever took the square of their length would not be done before
// the test runs out of time.
func TestHostileLinear(t *testing.T) {
	size := 1 << 20
	if testing.Short() {
		size = 64 << 10
	}
	scratch := make([]byte, 0, 4*size)
	var m sipmsg.Message
	for _, h := range hostile {
		t.Run(h.name, func(t *testing.T) {
			in := buildHostile(h.build, size)
			if n := read(&m, in, scratch); n < 0 {
				t.Error("refused")
			}
			if m.NumFields() > sipmsg.MaxFields {
				t.Errorf("%d fields", m.NumFields())
			}
			var cut sipmsg.Message
			if err := cut.ParseCut(in[:len(in)-5]); err != nil {
				t.Error(err)
			}
		})
	}
	for name, in := range map[string]string{
		"line ends":           strings.Repeat("\r\n", size/2),
		"letters":             strings.Repeat("x", size),
		"blanks":              "INVITE" + strings.Repeat(" ", size),
		"start line":          "INVITE sip:" + strings.Repeat("x", size) + " SIP/2.0",
		"status code":         "SIP/2.0 " + strings.Repeat("2", size),
		"status code, blanks": "SIP/2.0" + strings.Repeat(" ", size) + "200 OK",
		"version":             "SIP/" + strings.Repeat("2", size) + ".0 200 OK",
		"versions":            "INVITE" + strings.Repeat(" SIP/2.0", size/8),
	} {
		t.Run("start line/"+name, func(t *testing.T) {
			b := clip(in)
			if sipmsg.Sniff(b) && m.Parse(b) != nil {
				t.Error("sniffed and refused")
			}
			m.Parse(b)
		})
	}
}

func TestHostileSizes(t *testing.T) {
	t.Run("12,000 header fields", func(t *testing.T) {
		var b bytes.Buffer
		for i := range 12000 {
			fmt.Fprintf(&b, "X-%d: %d\n", i, i*7)
		}
		m := parse(t, withHeader(b.String()+"Call-ID: last"))
		if m.NumFields() != 12001 {
			t.Fatalf("%d fields", m.NumFields())
		}
		for i := range 12000 {
			if f := m.Field(i); string(f.Name) != fmt.Sprintf("X-%d", i) || string(f.Value) != fmt.Sprint(i*7) {
				t.Fatalf("field %d is %q %q", i, f.Name, f.Value)
			}
		}
		if v, _ := m.First(sipmsg.CallID); string(v) != "last" {
			t.Errorf("Call-ID %q", v)
		}
	})
	t.Run("a line of 60,000 octets", func(t *testing.T) {
		long := strings.Repeat("0123456789", 6000)
		m := parse(t, withHeader("Call-ID: "+long+"\nTo: b"))
		if v, _ := m.First(sipmsg.CallID); string(v) != long {
			t.Errorf("%d octets", len(v))
		}
		if v, _ := m.First(sipmsg.To); string(v) != "b" {
			t.Errorf("To %q", v)
		}
	})
	t.Run("20,000 folds", func(t *testing.T) {
		m := parse(t, withHeader("Subject: x"+strings.Repeat("\n y", 20000)+"\nTo: b"))
		v, _ := m.First(sipmsg.Subject)
		if got := sipmsg.AppendUnfolded(nil, v); string(got) != "x"+strings.Repeat(" y", 20000) {
			t.Errorf("%d octets unfolded", len(got))
		}
		if m.NumFields() != 2 {
			t.Errorf("%d fields", m.NumFields())
		}
	})
	t.Run("1,900 Vias in a line", func(t *testing.T) {
		list := make([]string, 1900)
		for i := range list {
			list[i] = fmt.Sprintf("SIP/2.0/UDP h%d;branch=z9hG4bK%d", i, i)
		}
		m := parse(t, withHeader("Via: "+strings.Join(list, ", ")))
		n := 0
		for v := range m.Values(sipmsg.Via) {
			if string(v) != list[n] {
				t.Fatalf("Via %d is %q", n, v)
			}
			n++
		}
		if n != len(list) || string(m.Branch()) != "z9hG4bK0" {
			t.Errorf("%d Vias, branch %q", n, m.Branch())
		}
	})
}
