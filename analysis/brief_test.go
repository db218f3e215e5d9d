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

// TestBrief: of a leg that is over Options.Brief is told first, without its messages, which can be read all the same; it
// has the Notes that were made of them, and decides whether Finished is called.
func TestBrief(t *testing.T) {
	const script = `A = 10.0.0.1:5060
B = 10.0.0.2:5060
0    A > B INVITE id=one
+.01 B > A 486 id=one
+.01 A > B ACK id=one
100  A > B INVITE id=two
+.01 B > A 486 id=two
+.01 A > B ACK id=two
`
	l := capgen.Ladder{}
	r, err := capture.NewReader(context.Background(), bytes.NewReader(l.Pcap(script)), capture.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	type notes struct{ leg, messages int }
	var told, finished []string
	_, err = analysis.Run(context.Background(), r, analysis.Options{
		Calls: true,
		Kept: func(d *analysis.Detail, _ *sipmsg.Message) uint64 {
			n, _ := d.Notes.(*notes)
			if n == nil || n.leg != d.Leg.Index() {
				n = &notes{leg: d.Leg.Index()}
				d.Notes = n
			}
			n.messages++
			return 0
		},
		Brief: func(d *analysis.Detail) bool {
			told = append(told, d.Leg.CallID)
			if d.Messages != nil || d.Count != 3 || len(d.Transactions) != 1 {
				t.Errorf("%d messages are made of %d, and %d transactions; want none of 3, and 1", len(d.Messages), d.Count, len(d.Transactions))
			}
			if n := d.Notes.(*notes); n.leg != d.Leg.Index() || n.messages != d.Count {
				t.Errorf("%d messages of leg %d are noted, want %d of leg %d", n.messages, n.leg, d.Count, d.Leg.Index())
			}
			if m := d.Message(1); m == nil || m.StatusCode != 486 || d.Frame(1).Number != int64(3*d.Leg.Index()+2) {
				t.Errorf("message 1 of %s is not the response of frame %d", d.Leg.CallID, d.Frame(1).Number)
			}
			return d.Leg.CallID == "two"
		},
		Finished: func(d *analysis.Detail) {
			finished = append(finished, d.Leg.CallID)
			if len(d.Messages) != d.Count || d.Messages[1].Status != 486 || d.Message(1) == nil || d.Messages[1].Frame != d.Frame(1) {
				t.Errorf("%d of %d messages are made", len(d.Messages), d.Count)
			}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(told) != 2 || len(finished) != 1 || finished[0] != "two" {
		t.Errorf("told of %v, and of %v in full; want both, and two", told, finished)
	}
}
