package sipmsg_test

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/sipsight/sipsight/sipmsg"
)

// uriText writes the parts of a URI that are there, in the order of the URI.
func uriText(u sipmsg.URI) string {
	var s []string
	add := func(name string, v []byte, there bool) {
		if there {
			s = append(s, fmt.Sprintf("%s=%s", name, v))
		}
	}
	add(u.Scheme.String(), u.SchemeText, u.Scheme != sipmsg.SchemeNone)
	add("user", u.User, u.User != nil)
	add("password", u.Password, u.HasPassword)
	add("host", u.Host, len(u.Host) > 0)
	add("port", u.PortText, u.PortText != nil)
	if u.HasPort {
		s = append(s, fmt.Sprint(u.Port))
	} else if u.Port != 0 {
		s = append(s, "a port that is none")
	}
	add("params", u.Params, len(u.Params) > 0)
	add("headers", u.Headers, u.Headers != nil)
	add("opaque", u.Opaque, len(u.Opaque) > 0)
	return strings.Join(s, " ")
}

var uriTests = []struct{ name, in, want string }{
	{"host", "sip:example.com", "sip=sip host=example.com"},
	{"user", "sip:bob@example.com", "sip=sip user=bob host=example.com"},
	{"everything", "SIPS:bob:pw@example.com:5061;transport=tcp;lr?Subject=x&Priority=y",
		"sips=SIPS user=bob password=pw host=example.com port=5061 5061 params=;transport=tcp;lr headers=Subject=x&Priority=y"},
	{"empty user", "sip:@example.com", "sip=sip user= host=example.com"},
	{"empty password", "sip:bob:@example.com", "sip=sip user=bob password= host=example.com"},
	{"two colons in the user part", "sip:bob:a:b@h", "sip=sip user=bob password=a:b host=h"},
	{"separators in the user part", "sip:user;par=u%40example.net@example.com", "sip=sip user=user;par=u%40example.net host=example.com"},
	{"question mark in the user part", "sip:a?b=c@h", "sip=sip user=a?b=c host=h"},
	{"a URI in the user part", "sip:sips%3Auser%40example.com@example.net", "sip=sip user=sips%3Auser%40example.com host=example.net"},
	{"everything that a user part may hold", "sip:9_odd.user~(yes!)&is-it+a$user?,/;;*:pass&wo$rd@example.com",
		"sip=sip user=9_odd.user~(yes!)&is-it+a$user?,/;;* password=pass&wo$rd host=example.com"},
	{"escaped NUL", "sip:null-%00-null@example.com", "sip=sip user=null-%00-null host=example.com"},
	{"two @", "sip:bob@home@example.com", "sip=sip user=bob host=home@example.com"},
	{"@ in a header", "sip:bob@h?Replaces=a@b", "sip=sip user=bob host=h headers=Replaces=a@b"},
	{"a number with parameters in the user part", "sip:+1-212-555-1212;isub=1;postd=pp22@example.com;user=phone",
		"sip=sip user=+1-212-555-1212;isub=1;postd=pp22 host=example.com params=;user=phone"},
	{"escaped headers", "sip:user@example.com?Route=%3Csip:example.com%3E", "sip=sip user=user host=example.com headers=Route=%3Csip:example.com%3E"},
	{"headers alone", "sip:h?a=b", "sip=sip host=h headers=a=b"},
	{"empty headers", "sip:h?", "sip=sip host=h headers="},
	{"question mark in the headers", "sip:h;x?a=b?c", "sip=sip host=h params=;x headers=a=b?c"},
	{"blanks before parameters", "sip:user@example.com; lr", "sip=sip user=user host=example.com params=; lr"},
	{"angle brackets", "<sip:user@example.com>", "sip=sip user=user host=example.com"},
	{"an angle bracket", "<sip:user@example.com", "sip=sip user=user host=example.com"},
	{"angle brackets and blanks", " < sip:user@example.com > ", "sip=sip user=user host=example.com"},

	{"IPv6", "sip:[2001:db8::10]", "sip=sip host=[2001:db8::10]"},
	{"IPv6 and port", "sip:bob@[2001:db8::10]:5070;lr", "sip=sip user=bob host=[2001:db8::10] port=5070 5070 params=;lr"},
	{"port inside of the brackets", "sip:[2001:db8::10:5070]", "sip=sip host=[2001:db8::10:5070]"},
	{"IPv6 without brackets", "sip:2001:db8::10", "sip=sip host=2001:db8::10"},
	{"IPv6 without brackets, user", "sip:bob@2001:db8::10;lr", "sip=sip user=bob host=2001:db8::10 params=;lr"},
	{"bracket never closed", "sip:[2001:db8::10:5060", "sip=sip host=[2001:db8::10:5060"},
	{"something behind the brackets", "sip:[::1]x:5", "sip=sip host=[::1]x:5"},

	{"port 0", "sip:h:0", "sip=sip host=h port=0 0"},
	{"port 65535", "sip:h:65535", "sip=sip host=h port=65535 65535"},
	{"port 65536", "sip:h:65536", "sip=sip host=h port=65536"},
	{"port 2^32", "sip:h:4294967296", "sip=sip host=h port=4294967296"},
	{"port with zeros", "sip:h:05060", "sip=sip host=h port=05060 5060"},
	{"port of a sign", "sip:h:+5060", "sip=sip host=h port=+5060"},
	{"port of letters", "sip:h:sip", "sip=sip host=h port=sip"},
	{"empty port", "sip:h:", "sip=sip host=h port="},
	{"blanks around the port", "sip:h : 5060 ", "sip=sip host=h port=5060 5060"},

	{"tel", "tel:+1-201-555-0123", "tel=tel user=+1-201-555-0123"},
	{"tel of a context", "TEL:7042;phone-context=example.com;ext=1", "tel=TEL user=7042 params=;phone-context=example.com;ext=1"},
	{"tel with an @", "tel:7042@example.com", "tel=tel user=7042@example.com"},
	{"urn", "urn:service:sos.police", "urn=urn opaque=service:sos.police"},
	{"im", "im:bob@example.com", "im=im user=bob host=example.com"},
	{"pres", "pres:bob@example.com?a=b", "pres=pres user=bob host=example.com headers=a=b"},
	{"unknown", "nobodyKnowsThisScheme:totallyopaquecontent", "unknown=nobodyKnowsThisScheme opaque=totallyopaquecontent"},
	{"known, but not of SIP", "soap.beep://192.0.2.103:3002", "unknown=soap.beep opaque=//192.0.2.103:3002"},
	{"a scheme that begins like another", "sipx:bob@h", "unknown=sipx opaque=bob@h"},

	{"no scheme", "bob@example.com", "user=bob host=example.com"},
	{"no scheme, address and port", "192.0.2.1:5060", "host=192.0.2.1 port=5060 5060"},
	{"a colon in front", ":bob@h", "user= password=bob host=h"},
	{"star", "*", "host=*"},
	{"scheme alone", "sip:", "sip=sip"},
	{"empty", "", ""},
	{"separators", "@:;?", "user= port= params=; headers="},
	{"angle bracket alone", "<", ""},
	{"angle brackets alone", "<>", ""},
}

func TestParseURI(t *testing.T) {
	for _, test := range uriTests {
		t.Run(test.name, func(t *testing.T) {
			if got := uriText(sipmsg.ParseURI(clip(test.in))); got != test.want {
				t.Errorf("%q is\n%s\nwant\n%s", test.in, got, test.want)
			}
		})
	}
}

func TestScheme(t *testing.T) {
	for s, want := range map[sipmsg.Scheme]string{sipmsg.SchemeNone: "", sipmsg.SchemeSIP: "sip", sipmsg.SchemePres: "pres", sipmsg.SchemeUnknown: "unknown", 200: "unknown"} {
		if s.String() != want {
			t.Errorf("scheme %d is %q, want %q", s, s, want)
		}
	}
}

func TestURIHeaders(t *testing.T) {
	h := sipmsg.ParseURI([]byte("sip:h?Replaces=a%3Bto-tag%3D1&&empty=&NONE&x=1=2&x=3&")).Headers
	var got []string
	for k, v := range h.All() {
		got = append(got, string(k)+":"+string(v))
	}
	if want := "Replaces:a%3Bto-tag%3D1 empty: NONE: x:1=2 x:3"; strings.Join(got, " ") != want {
		t.Errorf("%q", got)
	}
	for _, test := range []struct {
		name, want string
		ok         bool
	}{{"replaces", "a%3Bto-tag%3D1", true}, {"none", "", true}, {"x", "1=2", true}, {"y", "", false}, {"", "", false}} {
		if v, ok := h.Get(test.name); string(v) != test.want || ok != test.ok {
			t.Errorf("%s is %q, %t", test.name, v, ok)
		}
	}
	for range h.All() {
		break
	}
}

func TestAppendUnescaped(t *testing.T) {
	for in, want := range map[string]string{
		"":                "",
		"abc":             "abc",
		"%41%7a%7A":       "Azz",
		"a%3Bb":           "a;b",
		"%":               "%",
		"%4":              "%4",
		"%4g%g4%%41":      "%4g%g4%A",
		"%2541":           "%41",
		"null-%00-null":   "null-\x00-null",
		"%C3%BC":          "ü",
		"100%25 sure%21%": "100% sure!%",
	} {
		if got := string(sipmsg.AppendUnescaped([]byte("x"), clip(in))); got != "x"+want {
			t.Errorf("%q is %q, want %q", in, got, want)
		}
	}
}

// Every IP literal is the one that net/netip reads, with and without brackets.
func TestAddr(t *testing.T) {
	tests := []struct{ in, want string }{
		{"192.0.2.1", "192.0.2.1"},
		{"0.0.0.0", "0.0.0.0"},
		{"255.255.255.255", "255.255.255.255"},
		{"256.0.0.1", ""},
		{"1.2.3", ""},
		{"1.2.3.", ""},
		{"1.2.3.4.", ""},
		{"1.2.3.4.5", ""},
		{".1.2.3.4", ""},
		{"1..2.3", ""},
		{"01.2.3.4", ""},
		{"1.2.3.1234", ""},
		{"1.2.3.a", ""},
		{"1.2.3.+4", ""},
		{"::", "::"},
		{"::1", "::1"},
		{"1::", "1::"},
		{"2001:db8::10", "2001:db8::10"},
		{"2001:DB8::10:5070", "2001:db8::10:5070"},
		{"1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"},
		{"1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"},
		{"::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"},
		{"1:2:3:4::5:6:7:8", ""},
		{"1:2:3:4:5:6:7:8:9", ""},
		{"1:2:3:4:5:6:7", ""},
		{"1::2::3", ""},
		{"1:", ""},
		{":1", ""},
		{":", ""},
		{"1:2:", ""},
		{"12345::", ""},
		{"g::", ""},
		{"::ffff:192.0.2.2", "::ffff:192.0.2.2"},
		{"2001:db8::192.0.2.1", "2001:db8::192.0.2.1"},
		{"1:2:3:4:5:6:192.0.2.1", "1:2:3:4:5:6:c000:201"},
		{"1:2:3:4:5:6:7:192.0.2.1", ""},
		{"::192.0.2.1:1", ""},
		{"::192.0.2", ""},
		{"2001:db8:::192.0.2.1", "2001:db8::192.0.2.1"},
		{":::1", "::1"},
		{"1:::", "1::"},
		{"::::", ""},
		{"fe80::1%eth0", ""},
		{"example.com", ""},
		{"", ""},
		{" ::1", ""},
	}
	for _, test := range tests {
		for _, brackets := range []bool{false, true} {
			in := test.in
			if brackets {
				in = "[" + in + "]"
			}
			if brackets && !strings.Contains(test.in, ":") {
				test.want = ""
			}
			u := sipmsg.URI{Host: clip(in)}
			addr, ok := u.Addr()
			if ok != (test.want != "") || ok && addr != netip.MustParseAddr(test.want) {
				t.Errorf("%s is %v, %t, want %q", in, addr, ok, test.want)
			}
			if other, err := netip.ParseAddr(test.in); !brackets && !strings.Contains(test.in, ":::") && !strings.Contains(test.in, "%") && (err == nil) != ok {
				t.Errorf("%s: net/netip says %v, %v", in, other, err)
			}
			via := sipmsg.ParseVia(clip("SIP/2.0/UDP " + in + ";received=" + in))
			if a, yes := via.HostAddr(); in == strings.TrimSpace(in) && (a != addr || yes != ok) {
				t.Errorf("in a Via %s is %v, %t", in, a, yes)
			}
			if a, yes := via.ReceivedAddr(); in == strings.TrimSpace(in) && (a != addr || yes != ok) {
				t.Errorf("received %s is %v, %t", in, a, yes)
			}
		}
	}
}
