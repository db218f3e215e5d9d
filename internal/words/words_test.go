package words

import (
	"net/netip"
	"testing"
	"time"
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

// TestDuration: a duration is rounded to what it is told in, and never to 60 of that.
func TestDuration(t *testing.T) {
	for d, want := range map[time.Duration]string{
		20 * time.Microsecond:      "20 µs",
		1600 * time.Microsecond:    "2 ms",
		999600 * time.Microsecond:  "1.00 s",
		7623 * time.Millisecond:    "7.62 s",
		9996 * time.Millisecond:    "10.0 s",
		26432 * time.Millisecond:   "26.4 s",
		59940 * time.Millisecond:   "59.9 s",
		59960 * time.Millisecond:   "1 min 0 s",
		76886 * time.Millisecond:   "1 min 17 s",
		119600 * time.Millisecond:  "2 min 0 s",
		3599400 * time.Millisecond: "59 min 59 s",
		3599600 * time.Millisecond: "1 h",
		5399 * time.Second:         "1 h 30 min",
		7170 * time.Second:         "2 h",
	} {
		if got := Duration(d); got != want {
			t.Errorf("%v: %s, want %s", d, got, want)
		}
	}
}
