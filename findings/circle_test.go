package findings_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/sipsight/sipsight/findings"
)

// TestFullCircle: a circle of a host with itself that only Max-Forwards 70 ends is told, though a leg holds fewer transactions than that, and the
// refusals are sent three times.
func TestFullCircle(t *testing.T) {
	var b strings.Builder
	b.WriteString(hosts)
	fmt.Fprintln(&b, "0 A > B INVITE sdp ruri=sip:bob@example.com br=n0")
	for i := range 70 {
		fmt.Fprintf(&b, "+.001 B > B INVITE sdp ruri=sip:bob@example.com br=n%d fwd=back\n", i+1)
	}
	for range 3 {
		for i := 69; i >= 0; i-- {
			fmt.Fprintf(&b, "+.001 B > B 483\n\t-Via\n\tVia: SIP/2.0/UDP 10.0.0.2:5060;branch=z9hG4bKn%d\n", i+1)
		}
	}
	fmt.Fprintln(&b, "+.1 B > A 483 for=A\n\t-Via\n\tVia: SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bKn0")
	told := found(t, b.String())
	if !slices.ContainsFunc(told, func(f *findings.Finding) bool {
		return f.ID == "loop" && f.Severity == findings.Error && f.Frames[0].Number == 1
	}) {
		for _, f := range told {
			t.Log(f.ID, f.Severity, f.Frames, f.Observed)
		}
		t.Error("no loop")
	}
}

// TestBehindManyRequests: behind as many requests as make a leg forget the first of them, a refusal still counts whose request is not in the capture.
func TestBehindManyRequests(t *testing.T) {
	var b strings.Builder
	b.WriteString(hosts + "0 A > B INVITE sdp\n1 B > A 200 sdp\n+.1 A > B ACK\n")
	for range 80 {
		b.WriteString("+1 A > B INFO\n+.1 B > A 200\n")
	}
	b.WriteString("+5 A > B INVITE sdp unseen\n+.1 B > A 503\n+.1 A > B ACK unseen\n")
	if told := found(t, b.String()); count(told, "overload", findings.Note) != 1 {
		t.Error("no overload:", told)
	}
}
