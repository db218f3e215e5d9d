package findings

import (
	"testing"

	"github.com/sipsight/sipsight/internal/capgen"
)

// TestToldOnce: what has one cause is one finding, of whatever severity.
func TestToldOnce(t *testing.T) {
	for _, x := range []struct {
		file, id string
		want     int
	}{
		{"fork-outcomes", "fork-outcomes", 1},
		{"fork-outcomes-6xx", "fork-outcomes", 1},
		{"overload-retry", "overload", 1},
		{"overload-passed-back", "overload", 1},
		{"udp-too-big-lost", "capture-quality", 0},
		{"srtp-setup-both", "codec-488", 0},
	} {
		text, calls := ladderOf(t, "testdata/"+x.file+".txt")
		var l capgen.Ladder
		l.Repeat(calls, 100)
		list, _ := investigated(t, l.Pcap(text))
		got := 0
		for _, f := range list {
			if f.ID == x.id {
				got++
				t.Logf("%s: %v %s", x.file, f.Severity, f.Observed)
			}
		}
		if got != x.want {
			t.Errorf("%s: %s is told %s, want %d", x.file, x.id, times(got), x.want)
		}
	}
}

// TestDeadHostOnce: an ICMP error about a message explains that its later fragments are missing.
func TestDeadHostOnce(t *testing.T) {
	list, _ := investigated(t, new(capgen.Ladder).Pcap(`
		A = 10.0.0.1:5060
		B = 10.0.0.2:5060
		C = 10.0.0.3:5060

		0    A > B INVITE sdp pad=1500 frag=1480 lose=1
		+.01 B > A ICMP
		.5   A > B INVITE sdp pad=1500 frag=1480 lose=1 again
		+.01 B > A ICMP
		1.5  A > B INVITE sdp pad=1500 frag=1480 lose=1 again
		+.01 B > A ICMP
		3.5  A > B INVITE sdp pad=1500 frag=1480 lose=1 again
		100  A > C OPTIONS id=o2@example
		+.01 C > A 200`))
	for _, f := range list {
		if f.rule != transportError && f.Severity == Error {
			t.Errorf("%s is told beside the ICMP errors: %s", f.ID, f.Observed)
		}
	}
	if len(list) == 0 || list[0].rule != transportError {
		t.Error("the ICMP errors are not told first")
	}
}

// TestLateBurstOnce: texts that a proxy gives up together, and refuses when their sender has given them up as well, are told of
// the hop behind it alone.
func TestLateBurstOnce(t *testing.T) {
	list, _ := investigated(t, (&capgen.Ladder{TCP: true}).Pcap(`
		A = 10.0.0.1:5060
		P = 10.0.0.9:5060
		B = 10.0.0.2:5060

		0     A > P MESSAGE id=m1@example
		+.002 A > P MESSAGE id=m2@example
		+.01  P > B MESSAGE id=m1@example
		+.002 P > B MESSAGE id=m2@example
		32.02 P > A 408 id=m1@example
		+.01  P > A 408 id=m2@example
		60    A > P OPTIONS id=o@example
		+.01  P > A 200
		+.01  P > B OPTIONS id=o2@example
		+.01  B > P 200`))
	if len(list) != 1 || list[0].rule != requestTimeout || list[0].Count != 2 {
		for _, f := range list {
			t.Error(f.ID, f.Count, f.Observed)
		}
	}
}

// TestIgnoredAtTheEnd: where nothing follows a challenge, no time is named.
func TestIgnoredAtTheEnd(t *testing.T) {
	list, _ := investigated(t, new(capgen.Ladder).Pcap(`
		A = 10.0.0.1:5060
		B = 10.0.0.2:5060

		0    A > B REGISTER
		+.01 B > A 401
		     WWW-Authenticate: Digest realm="example.com", nonce="n1", qop="auth", algorithm=SHA-256`))
	if len(list) != 1 || list[0].rule != authIgnored || list[0].Observed != "401 to REGISTER of «alice» from 10.0.0.1:5060, no request with credentials" {
		for _, f := range list {
			t.Error(f.ID, f.Observed)
		}
	}
}
