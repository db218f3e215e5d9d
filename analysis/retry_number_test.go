package analysis_test

import (
	"testing"

	"github.com/sipsight/sipsight/internal/capgen"
)

// TestRetrySameNumber: a REGISTER that is sent anew after a challenge with the same number is on its first hop still.
func TestRetrySameNumber(t *testing.T) {
	res := analyze(t, capgen.Ladder{}, "0 A > B REGISTER\n  Contact: <sip:a@10.0.0.1>\n  Expires: 60\n+.1 B > A 401\n  WWW-Authenticate: Digest realm=\"r\", nonce=\"n\"\n"+
		"+.1 A > B REGISTER cseq=1 branch=z9hG4bKsecond\n  Contact: <sip:a@10.0.0.1>\n  Expires: 60\n  Authorization: Digest username=\"a\", realm=\"r\", nonce=\"n\", response=\"00\"\n+.1 B > A 200\n  Contact: <sip:a@10.0.0.1>;expires=60\n")
	if res.Registrations.Len() != 1 {
		t.Fatalf("%d registrations", res.Registrations.Len())
	}
	if g := res.Registrations.At(0); g.Attempts != 2 || g.Outcome.String() != "registered" {
		t.Errorf("%d attempts, %v", g.Attempts, g.Outcome)
	}
}

// TestBucketsOfDecades: calls of a clock that was not set are in the chart, with all others.
func TestBucketsOfDecades(t *testing.T) {
	res := analyze(t, capgen.Ladder{}, "0 A > B INVITE id=first\n+.1 B > A 486\n+.1 A > B ACK\n900000000 A > B INVITE id=last\n+.1 B > A 486\n+.1 A > B ACK\n")
	o := res.Overview()
	calls := 0
	for _, b := range o.Buckets {
		calls += b.Calls
	}
	if calls != 2 || res.Calls.Len() != 2 {
		t.Errorf("%d of %d calls in %d buckets of %v", calls, res.Calls.Len(), len(o.Buckets), o.Size)
	}
}
