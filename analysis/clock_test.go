package analysis_test

import (
	"testing"
	"time"

	"github.com/sipsight/sipsight/internal/capgen"
)

// TestTimeline: a timeline is from the first to the last packet, whether they hold messages, and in whatever order they stand.
func TestTimeline(t *testing.T) {
	const options = "OPTIONS sip:a@b SIP/2.0\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\n\r\n"
	sip := capgen.NewFlow("192.0.2.1:5060", "192.0.2.2:5060")
	var w wire
	w.add(2*time.Second, flow, "a packet")
	w.add(3*time.Second, sip, options)
	w.add(time.Second, flow, "one that stands behind later ones")
	w.add(9*time.Second, flow, "the last one")
	res := run(t, capgen.Pcap(w.packets))
	if from, to := res.Start.Sub(capgen.Start), res.End.Sub(capgen.Start); from != time.Second || to != 9*time.Second {
		t.Errorf("from %v to %v", from, to)
	}
}
