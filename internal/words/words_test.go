package words

import (
	"net/netip"
	"testing"
)

func TestAppendEndpoint(t *testing.T) {
	for want, a := range map[string]netip.AddrPort{
		"192.0.2.1:5060":     netip.MustParseAddrPort("192.0.2.1:5060"),
		"192.0.2.1:0":        netip.MustParseAddrPort("[::ffff:192.0.2.1]:0"),
		"[2001:db8::1]:5060": netip.MustParseAddrPort("[2001:db8::1]:5060"),
		"unknown":            {},
	} {
		if got := string(AppendEndpoint(nil, a)); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}
