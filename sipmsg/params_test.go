package sipmsg_test

import (
	"strings"
	"testing"

	"github.com/sipsight/sipsight/sipmsg"
)

func TestParamsGet(t *testing.T) {
	tests := []struct {
		name   string
		params string
		get    string
		want   string
		ok     bool
	}{
		{"first", ";tag=abc;x=1", "tag", "abc", true},
		{"last", ";x=1;tag=abc", "tag", "abc", true},
		{"none", "", "tag", "", false},
		{"another", ";tagx=1;xtag=2;ta=3", "tag", "", false},
		{"upper case", ";TAG=aBc", "tag", "aBc", true},
		{"first of two", ";tag=1;tag=2", "tag", "1", true},
		{"no value", ";lr;x=1", "lr", "", true},
		{"empty value", ";lr=;x=1", "lr", "", true},
		{"blanks around everything", " ; tag = abc ; x", "tag", "abc", true},
		{"folded", ";\r\n tag\r\n =\r\n abc", "tag", "abc", true},
		{"no semicolon in front", "tag=abc", "tag", "abc", true},
		{"empty parameters", ";;;;tag=abc;;", "tag", "abc", true},
		{"two equals signs", ";tag=a=b", "tag", "a=b", true},
		{"quoted", `;tag="abc"`, "tag", "abc", true},
		{"quoted, with a semicolon", `;text="a;tag=b";tag=c`, "tag", "c", true},
		{"quoted, with a quote", `;text="a\";tag=b";tag=c`, "tag", "c", true},
		{"quoted, escapes stay", `;text="a\"b"`, "text", `a\"b`, true},
		{"quoted, with an equals sign in the name", `;"a=b"=c;d=e`, "d", "e", true},
		{"quote never closed", `;text="a;tag=b`, "tag", "", false},
		{"quote never closed, its own value", `;text="a;tag=b`, "text", `"a;tag=b`, true},
		{"a quote alone", `;text="`, "text", `"`, true},
		{"two quotes", `;text=""`, "text", "", true},
		{"escape at the end", `;text="a\`, "text", `"a\`, true},
		{"address without brackets", ";received=2001:db8::9:255;branch=z9hG4bK1", "branch", "z9hG4bK1", true},
		{"address in brackets", ";received=[2001:db8::9:255];branch=z9hG4bK1", "received", "[2001:db8::9:255]", true},
		{"only separators", ";;; ; \r\n ;", "tag", "", false},
		{"name of nothing", ";=x;tag=1", "", "x", true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			v, ok := sipmsg.Params(clip(test.params)).Get(test.get)
			if string(v) != test.want || ok != test.ok {
				t.Errorf("%q, %t, want %q, %t", v, ok, test.want, test.ok)
			}
		})
	}
}

func TestParseAddress(t *testing.T) {
	tests := []struct {
		name    string
		in      string
		display string
		uri     string
		params  string
	}{
		{"addr-spec", "sip:bob@example.com", "", "sip:bob@example.com", ""},
		{"addr-spec with parameters", "sip:bob@example.com;tag=1", "", "sip:bob@example.com", ";tag=1"},
		{"addr-spec, blanks", " sip:bob@example.com ; tag=1 ", "", "sip:bob@example.com", "; tag=1"},
		{"in brackets", "<sip:bob@example.com>", "", "sip:bob@example.com", ""},
		{"in brackets, parameters of both kinds", "<sip:bob@example.com;lr>;tag=1", "", "sip:bob@example.com;lr", ";tag=1"},
		{"display name of tokens", "Bob  B. <sip:bob@example.com>;tag=1", "Bob  B.", "sip:bob@example.com", ";tag=1"},
		{"display name without a blank behind it", "caller<sip:caller@example.com>;tag=1", "caller", "sip:caller@example.com", ";tag=1"},
		{"quoted display name", `"Bob" <sip:bob@example.com>`, `"Bob"`, "sip:bob@example.com", ""},
		{"quoted display name with everything in it", `"B \"<o>\" b; \\" <sip:bob@example.com>`, `"B \"<o>\" b; \\"`, "sip:bob@example.com", ""},
		{"display name in UTF-8", "Bühne <sip:b@example.com>", "Bühne", "sip:b@example.com", ""},
		{"folded", "\"Bob\"\r\n <sip:bob@example.com>\r\n ;tag=1", `"Bob"`, "sip:bob@example.com", "\r\n ;tag=1"},
		{"blanks inside of the brackets", "< sip:bob@example.com >", "", "sip:bob@example.com", ""},
		{"comma in an unquoted name", "Bell, Alexander <sip:a@example.com>", "Bell, Alexander", "sip:a@example.com", ""},
		{"quote never closed", `"Mr. J. User <sip:j@example.com>;tag=1`, `"Mr. J. User`, "sip:j@example.com", ";tag=1"},
		{"quote never closed, no brackets", `"Mr. J. User`, "", `"Mr. J. User`, ""},
		{"quote closed twice", `""Bob" <sip:bob@example.com>;tag=1`, `""Bob"`, "sip:bob@example.com", ";tag=1"},
		{"bracket never closed", "Bob <sip:bob@example.com;tag=1", "Bob", "sip:bob@example.com;tag=1", ""},
		{"brackets in a quoted parameter of an addr-spec", `sip:bob@example.com;text="<sip:x@y>"`, "", "sip:bob@example.com", `;text="<sip:x@y>"`},
		{"brackets in a quoted parameter", `<sip:bob@example.com>;text="<sip:x@y>"`, "", "sip:bob@example.com", `;text="<sip:x@y>"`},
		{"quote inside of the brackets", `<sip:b"ob@example.com>;tag=1`, "", `sip:b"ob@example.com`, ";tag=1"},
		{"star", "*", "", "*", ""},
		{"empty", "", "", "", ""},
		{"blanks alone", " \r\n ", "", "", ""},
		{"brackets alone", "<>", "", "", ""},
		{"an opening bracket alone", "<", "", "", ""},
		{"a closing bracket alone", ">", "", ">", ""},
		{"parameters alone", ";tag=1", "", "", ";tag=1"},
		{"other schemes", "<tel:+15550100>;x", "", "tel:+15550100", ";x"},
		{"parameters in the user part", "<sip:user;par=u%40example.net@example.com>", "", "sip:user;par=u%40example.net@example.com", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			a := sipmsg.ParseAddress(clip(test.in))
			if string(a.Display) != test.display || string(a.URI) != test.uri || string(a.Params) != test.params {
				t.Errorf("%q %q %q, want %q %q %q", a.Display, a.URI, a.Params, test.display, test.uri, test.params)
			}
			if test.display == "" && a.Display != nil {
				t.Error("there is a display name")
			}
		})
	}
}

func TestTag(t *testing.T) {
	tests := []struct {
		name string
		from string
		want string
		none bool
	}{
		{"tag", "From: <sip:a@example.com>;tag=1x", "1x", false},
		{"compact", "f: <sip:a@example.com>;tag=1x", "1x", false},
		{"blanks", "FROM : \"A\" <sip:a@example.com> ; TAG = 1x", "1x", false},
		{"folded", "From: <sip:a@example.com>\n ;tag=\n 1x", "1x", false},
		{"of the URI", "From: <sip:a@example.com;tag=no>", "", true},
		{"of the URI and of the field", "From: <sip:a@example.com;tag=no>;tag=1x", "1x", false},
		{"addr-spec", "From: sip:a@example.com;tag=1x", "1x", false},
		{"empty", "From: <sip:a@example.com>;tag=", "", false},
		{"in a display name", "From: \"x;tag=no\" <sip:a@example.com>", "", true},
		{"quote never closed", "From: \"A <sip:a@example.com>;tag=1x", "1x", false},
		{"no field", "To: <sip:a@example.com>;tag=no", "", true},
		{"two fields", "From: <sip:a@example.com>;tag=1x\nFrom: <sip:a@example.com>;tag=2x", "1x", false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			tag := parse(t, withHeader(test.from)).Tag(sipmsg.From)
			if string(tag) != test.want || test.none != (tag == nil) {
				t.Errorf("%q (nil %t), want %q (nil %t)", tag, tag == nil, test.want, test.none)
			}
		})
	}
}

func TestBranch(t *testing.T) {
	tests := []struct {
		name string
		via  string
		want string
		none bool
	}{
		{"branch", "Via: SIP/2.0/UDP h;branch=z9hG4bK1;rport", "z9hG4bK1", false},
		{"compact", "v: SIP/2.0/UDP h;rport;branch=z9hG4bK1", "z9hG4bK1", false},
		{"blanks", "VIA: SIP / 2.0 / UDP\n h : 5060 ; Branch = z9hG4bK1", "z9hG4bK1", false},
		{"two in a line", "Via: SIP/2.0/UDP h;branch=z9hG4bK1, SIP/2.0/UDP i;branch=z9hG4bK2", "z9hG4bK1", false},
		{"two in a line, only the second has one", "Via: SIP/2.0/UDP h, SIP/2.0/UDP i;branch=z9hG4bK2", "", true},
		{"two lines", "Via: SIP/2.0/UDP h;branch=z9hG4bK1\nVia: SIP/2.0/UDP i;branch=z9hG4bK2", "z9hG4bK1", false},
		{"quoted parameter with a comma", "Via: SIP/2.0/UDP h;x=\"a,b;branch=no\";branch=z9hG4bK1", "z9hG4bK1", false},
		{"old syntax", "Via: SIP/2.0/UDP h", "", true},
		{"parameters but no branch", "Via: SIP/2.0/UDP h;rport;received=192.0.2.1", "", true},
		{"separators", "Via: SIP/2.0/UDP h;;,;,,", "", true},
		{"no field", "Route: <sip:h;branch=no>", "", true},
		{"empty field", "Via:", "", true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			branch := parse(t, withHeader(test.via)).Branch()
			if string(branch) != test.want || test.none != (branch == nil) {
				t.Errorf("%q (nil %t), want %q (nil %t)", branch, branch == nil, test.want, test.none)
			}
		})
	}
}

func TestNumber(t *testing.T) {
	tests := []struct {
		in   string
		want uint32
		ok   bool
	}{
		{"0", 0, true},
		{"7", 7, true},
		{"0068", 68, true},
		{strings.Repeat("0", 5000) + "9", 9, true},
		{"2147483648", 1 << 31, true},
		{"4294967295", 1<<32 - 1, true},
		{"4294967296", 0, false},
		{"4294967301", 0, false},
		{"18446744073709551615", 0, false},
		{"18446744073709551616", 0, false},
		{"18446744073709551621", 0, false},
		{strings.Repeat("9", 5000), 0, false},
		{"", 0, false},
		{"+5", 0, false},
		{"-5", 0, false},
		{"-999", 0, false},
		{"0x10", 0, false},
		{"1e3", 0, false},
		{"1.0", 0, false},
		{"1_000", 0, false},
		{"²", 0, false},
		{"٣", 0, false},
		{"１", 0, false},
		{" 5", 0, false},
		{"5 ", 0, false},
		{"5 6", 0, false},
		{"5;x", 0, false},
		{"/", 0, false},
		{":", 0, false},
		{"\x00", 0, false},
	}
	for _, test := range tests {
		n, ok := sipmsg.Number(clip(test.in))
		if n != test.want || ok != test.ok {
			t.Errorf("%.40q is %d, %t, want %d, %t", test.in, n, ok, test.want, test.ok)
		}
	}
}
