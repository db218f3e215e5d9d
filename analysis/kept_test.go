package analysis_test

import (
	"bytes"
	"context"
	"testing"

	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/capture"
	"github.com/sipsight/sipsight/internal/capgen"
	"github.com/sipsight/sipsight/sipmsg"
)

// TestKept: each message of a call, and each request outside of calls, is shown once while it is at hand, and its
// marks are there when the leg, or the request, is finished.
func TestKept(t *testing.T) {
	const script = `A = 10.0.0.1:5060
B = 10.0.0.2:5060
0    A > B OPTIONS id=other
+.01 B > A 200
0.1  A > B INVITE
+.01 B > A 180
1    B > A 200
+.01 A > B ACK
3    A > B BYE
+.01 B > A 200 of=BYE
`
	l := capgen.Ladder{}
	r, err := capture.NewReader(context.Background(), bytes.NewReader(l.Pcap(script)), capture.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var shown, asked uint64
	finished := 0
	_, err = analysis.Run(context.Background(), r, analysis.Options{
		Calls: true,
		Kept: func(d *analysis.Detail, m *sipmsg.Message) uint64 {
			last := len(d.Messages) - 1
			if s := &d.Messages[last]; s.Request != m.IsRequest() || s.Status != m.StatusCode {
				t.Errorf("message %d of the leg is not the one that is shown: %s", last, m.StartLine)
			}
			for i := range d.Messages {
				if d.Octets(i) != nil || d.Message(i) != nil {
					t.Errorf("message %d has octets already", i)
				}
			}
			shown++
			return shown
		},
		Asked: func(e *analysis.Exchange, m *sipmsg.Message) uint64 {
			if asked++; e.Method != string(m.Method) || e.Status != 0 {
				t.Errorf("%s with the status %d is not the request that is shown: %s", e.Method, e.Status, m.StartLine)
			}
			return 70 + asked
		},
		Exchanged: func(e *analysis.Exchange) {
			if e.Marks != 71 || e.Status != 200 {
				t.Errorf("%s has the marks %d and the status %d", e.Method, e.Marks, e.Status)
			}
		},
		Finished: func(d *analysis.Detail) {
			finished++
			for i := range d.Messages {
				if m := d.Message(i); m == nil || len(d.Octets(i)) != len(m.Raw()) {
					t.Errorf("message %d has no octets", i)
				}
				if got := d.Messages[i].Marks; got != uint64(i+1) {
					t.Errorf("message %d has the marks %d", i, got)
				}
			}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if shown != 6 || finished != 1 || asked != 1 {
		t.Errorf("%d messages and %d requests were shown, %d legs finished; want 6, 1 and 1", shown, asked, finished)
	}
}
