package findings

import (
	"bytes"
	"context"
	"testing"

	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/capture"
	"github.com/sipsight/sipsight/internal/capgen"
)

// TestBrief: no rule is asked about every leg, and of a call as it should be no messages are made. Of one that rules have
// something to say about they are.
func TestBrief(t *testing.T) {
	if New().needs&everyLeg != 0 {
		t.Error("a rule names nothing that it needs: messages of all legs are made for it")
	}
	const hosts = "A = 10.0.0.1:5060\nP = 10.0.0.2:5060\n"
	const call = `0 A > P INVITE sdp
+.01 P > A 100
+.1  P > A 180
+2   P > A 200 sdp
+.01 A > P ACK
+3   A > P BYE
+.01 P > A 200 of=BYE
`
	for _, x := range []struct {
		name, ladder string
		made         int
	}{
		{"a call", call, 0},
		{"one that nobody answers in time", "0 A > P INVITE sdp\n+.01 P > A 100\n+.1 P > A 180\n+90 P > A 480\n+.01 A > P ACK\n", 1},
		{"one that is refused by a server", "0 A > P INVITE sdp\n+.01 P > A 503\n+.01 A > P ACK\n", 1},
	} {
		l := capgen.Ladder{}
		r, err := capture.NewReader(context.Background(), bytes.NewReader(l.Pcap(hosts+x.ladder)), capture.Options{})
		if err != nil {
			t.Fatal(err)
		}
		c := New()
		c.unheard = maxUnheard // RTP may follow the first calls of a capture
		o, made := c.Options(analysis.Options{}), 0
		finished := o.Finished
		o.Finished = func(d *analysis.Detail) {
			made++
			finished(d)
		}
		if _, err := analysis.Run(context.Background(), r, o); err != nil {
			t.Fatal(err)
		}
		r.Close()
		if made != x.made {
			t.Errorf("%s: messages of %d legs were made, want %d", x.name, made, x.made)
		}
	}
}
