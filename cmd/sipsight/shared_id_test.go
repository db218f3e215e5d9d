package main

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/sipsight/sipsight/internal/capgen"
)

// sharedID has n calls one after the other with one Call-ID, and between them a call with another one.
func sharedID(n int) []byte {
	var b strings.Builder
	b.WriteString("A = 10.0.0.1:5060\nB = 10.0.0.2:5060\n\n")
	one := func(at, i int, id string) {
		fmt.Fprintf(&b, "%d A > B INVITE id=%s new ft=f%d cseq=%d\n+1 B > A 200 id=%[2]s tt=t%[3]d\n+1 A > B ACK id=%[2]s\n+9 A > B BYE id=%[2]s\n+1 B > A 200 id=%[2]s\n", at, id, i, i+1)
	}
	for i := range n {
		one(100*i, i, "same")
		if i == 0 {
			one(50, 0, "other")
		}
	}
	return new(capgen.Ladder).Pcap(b.String())
}

// TestSharedCallID: a Call-ID of several calls names the first, and it is said that there are others; an export has all.
func TestSharedCallID(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.WriteFile("a.pcap", sharedID(12), 0o600); err != nil {
		t.Fatal(err)
	}
	const others = "12 calls have this Call-ID, and this is the first of them. Their numbers: [1 3 4 5 6 7 8 9 10 11] and so on."
	for _, args := range [][]string{{"call", "same", "a.pcap"}, {"call", "--json", "same", "a.pcap"}, {"flow", "--call", "same", "a.pcap"}, {"findings", "--call", "same", "a.pcap"}} {
		r := sipsight(t, args...)
		if r.code != exitOK || !strings.Contains(r.err, others) || strings.Contains(r.out, "f11") {
			t.Errorf("%q: code %d, stderr %q", args, r.code, r.err)
		}
	}
	for _, id := range []string{"call-1", "1", "other"} {
		if r := sipsight(t, "call", id, "a.pcap"); r.code != exitOK || strings.Contains(r.err, "have this") {
			t.Errorf("%s: code %d, stderr %q", id, r.code, r.err)
		}
	}
	r := sipsight(t, "export", "--call", "same", "--call", "call-3", "a.pcap", "-o", "out.pcap")
	if r.code != exitOK || !strings.Contains(r.err, "12 calls have the Call-ID same; all of them are taken") {
		t.Errorf("export: code %d, stderr %q", r.code, r.err)
	}
	if n := strings.Count(sipsight(t, "calls", "--json", "out.pcap").out, `"call_id":"same"`); n != 12 {
		t.Errorf("%d calls are exported", n)
	}
}
