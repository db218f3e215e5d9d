package analysis_test

import (
	"testing"

	"github.com/sipsight/sipsight/internal/capgen"
)

// TestJoinOutOfOrder: where the capture holds a response to the further leg before its
// INVITE, the call begins with that leg, and both are one call all the same.
func TestJoinOutOfOrder(t *testing.T) {
	l := capgen.Ladder{}
	p := l.Packets(hosts + `
		0   P > B INVITE id=0123456789ab@h-b2b_1 fwd=no
		0.1 B > P 100
		0.2 A > P INVITE id=0123456789ab@h`)
	p[0].Time = p[2].Time.Add(1)
	p[0], p[1], p[2] = p[1], p[2], p[0]
	res := run(t, capgen.Pcap(p))
	if len(res.Calls) != 1 || len(res.Calls[0].Legs) != 2 {
		t.Fatalf("%d calls", len(res.Calls))
	}
	legs := res.Calls[0].Legs
	if legs[0].CallID != "0123456789ab@h-b2b_1" || legs[0].Joins != nil || len(legs[1].Joins) != 1 || legs[1].Joins[0].With != legs[0].CallID {
		t.Errorf("%s: %v, %s: %v", legs[0].CallID, legs[0].Joins, legs[1].CallID, legs[1].Joins)
	}
}
