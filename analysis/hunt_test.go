package analysis_test

import (
	"testing"

	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/internal/capgen"
)

// hunt is a call by way of a server that keeps the Call-ID, has tags and numbers of its own, and tries a second host when the first one has refused.
const hunt = `0    A > P INVITE sdp
+.01 P > A 100
+.01 P > B INVITE sdp ft=first tt=- fwd=no cseq=50
+1   B > P 486 tt=b
+.01 P > B ACK ft=first tt=b cseq=50
`

// TestHunt: a server that keeps the Call-ID makes one call of all that it tries, however long it waits between.
func TestHunt(t *testing.T) {
	const answered = `%s P > C INVITE sdp ft=second tt=- fwd=no cseq=60
+.01 C > P 180 tt=c
+.01 P > A 180 of=INVITE/1 tt=p
+2   C > P 200 sdp of=INVITE/60 tt=c
+.01 P > C ACK ft=second tt=c cseq=60
+.01 P > A 200 sdp of=INVITE/1 tt=p
+.01 A > P ACK ft=a-c1-example tt=p cseq=1
+9   A > P BYE ft=a-c1-example tt=p
+.01 P > A 200
`
	for _, wait := range []string{"+.01", "+20"} {
		res := analyze(t, capgen.Ladder{}, hunt+wait+answered[2:])
		if c := res.Calls.At(0); res.Calls.Len() != 1 || c.First().State != analysis.StateCompleted || len(c.Legs) != 1 || len(c.Legs[0].Hops) != 3 {
			t.Errorf("%s: %d calls; %v", wait, res.Calls.Len(), describe(c))
		}
	}
}

// TestHuntOver: what follows behind the refusal of the call itself, with a tag of its own, is another call.
func TestHuntOver(t *testing.T) {
	res := analyze(t, capgen.Ladder{}, hunt+`+.01 P > A 486 of=INVITE/1 tt=p
+.01 A > P ACK ft=a-c1-example tt=p cseq=1
+.01 P > C INVITE sdp ft=second tt=- fwd=no new cseq=60
+.01 C > P 486 tt=c
+.01 P > C ACK ft=second tt=c cseq=60
`)
	if res.Calls.Len() != 2 {
		t.Errorf("%d calls", res.Calls.Len())
	}
}
