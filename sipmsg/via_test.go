package sipmsg_test

import (
	"fmt"
	"testing"

	"github.com/sipsight/sipsight/sipmsg"
)

func viaText(h sipmsg.ViaHop) string {
	s := fmt.Sprintf("%s/%s/%s %s", h.Protocol, h.Version, h.Transport, h.Host)
	if h.PortText != nil {
		s += fmt.Sprintf(":%s", h.PortText)
	}
	if h.HasPort {
		s += fmt.Sprintf("=%d", h.Port)
	}
	return s + fmt.Sprintf("|%s", h.Params)
}

var viaTests = []struct{ name, in, want string }{
	{"plain", "SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1", "SIP/2.0/UDP 192.0.2.1:5060=5060|;branch=z9hG4bK1"},
	{"no port", "SIP/2.0/TCP h.example.com", "SIP/2.0/TCP h.example.com|"},
	{"white space everywhere", " SIP \t/\r\n 2.0 / UDP\r\n  h : 5060 ; branch = x ", "SIP/2.0/UDP h:5060=5060|; branch = x"},
	{"no blank before the host", "SIP/2.0/UDP[::1]:5", "SIP/2.0/UDP [::1]:5=5|"},
	{"IPv6", "SIP/2.0/UDP [2001:db8::9:1]:6050;branch=z9hG4bKas3-111", "SIP/2.0/UDP [2001:db8::9:1]:6050=6050|;branch=z9hG4bKas3-111"},
	{"IPv6 without brackets", "SIP/2.0/UDP 2001:db8::9;x", "SIP/2.0/UDP 2001:db8::9|;x"},
	{"port too large", "SIP/2.0/UDP h:65536", "SIP/2.0/UDP h:65536|"},
	{"empty port", "SIP/2.0/UDP h:", "SIP/2.0/UDP h:|"},
	{"other protocol", "HTTP/1.1/X h", "HTTP/1.1/X h|"},
	{"no transport", "SIP/2.0 h", "SIP// 2.0 h|"},
	{"no slash", "h:5060", "// h:5060=5060|"},
	{"separators", "SIP/2.0/UDP 192.0.2.15;;,;,,", "SIP/2.0/UDP 192.0.2.15|;;,;,,"},
	{"parameters alone", ";branch=1", "// |;branch=1"},
	{"slashes alone", "///", "// ///|"},
	{"empty", "", "// |"},
}

func TestParseVia(t *testing.T) {
	for _, test := range viaTests {
		t.Run(test.name, func(t *testing.T) {
			if got := viaText(sipmsg.ParseVia(clip(test.in))); got != test.want {
				t.Errorf("%q is\n%s\nwant\n%s", test.in, got, test.want)
			}
		})
	}
}

func TestViaParams(t *testing.T) {
	tests := []struct{ name, params, want string }{
		{"none", "", `"" nil "" nil 0 false false "" nil 0 false false`},
		{"all", ";branch=z9hG4bK1;received=192.0.2.9;rport=5062;maddr=224.2.0.1;ttl=16;alias", `"z9hG4bK1" "192.0.2.9" 5062 true true "224.2.0.1" 16 true true`},
		{"asked for", ";rport;received", `"" nil "" nil 0 true false "" nil 0 false false`},
		{"numbers that are none", ";RPORT=70000;ttl=256", `"" nil "" nil 0 true false "" nil 0 false false`},
		{"signs", ";rport=+1;ttl=-1", `"" nil "" nil 0 true false "" nil 0 false false`},
	}
	text := func(v []byte) string {
		if v == nil {
			return `"" nil`
		}
		return fmt.Sprintf("%q", v)
	}
	for _, test := range tests {
		h := sipmsg.ParseVia(clip("SIP/2.0/UDP h" + test.params))
		port, present, ok := h.RPort()
		ttl, hasTTL := h.TTL()
		got := fmt.Sprintln(text(h.Branch()), text(h.Received()), port, present, ok, text(h.MAddr()), ttl, hasTTL, h.Alias())
		if got != test.want+"\n" {
			t.Errorf("%s: %swant %s", test.name, got, test.want)
		}
	}
}

func TestTopVia(t *testing.T) {
	m := parse(t, withHeader("X: 1\nv: SIP/2.0/TLS a;branch=1, SIP/2.0/UDP b;branch=2\nVia: SIP/2.0/UDP c"))
	h, ok := m.TopVia()
	if !ok || viaText(h) != "SIP/2.0/TLS a|;branch=1" {
		t.Errorf("%s, %t", viaText(h), ok)
	}
	if h, ok = parse(t, withHeader("X: 1")).TopVia(); ok || h.Host != nil {
		t.Errorf("%s, %t of a message without Via", viaText(h), ok)
	}
}
