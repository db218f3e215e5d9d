package analysis_test

import (
	"bytes"
	"testing"

	"github.com/sipsight/sipsight/internal/capgen"
	"github.com/sipsight/sipsight/pcapng"
)

// TestUntimedShares: the calls of a capture without times are in the shares, and one without an INVITE is in none.
func TestUntimedShares(t *testing.T) {
	l := capgen.Ladder{}
	var b bytes.Buffer
	w, err := pcapng.NewWriter(&b, pcapng.Section{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.AddInterface(pcapng.Interface{LinkType: 1}); err != nil {
		t.Fatal(err)
	}
	for _, p := range l.Packets(hosts + `
		0    A > P INVITE
		+.1  P > B INVITE
		+1   B > P 200
		+.1  P > A 200
		+.1  A > P ACK
		+.1  P > B ACK
		+8   A > P BYE
		+.1  P > A 200
		20   A > P INVITE id=two
		+.1  P > B INVITE id=two
		+.1  B > P 503
		+.1  P > A 486
		30   A > P BYE id=three
		+.1  P > A 200`) {
		if err := w.Write(pcapng.Packet{Block: pcapng.SimplePacket, Data: []byte(p.Data)}); err != nil {
			t.Fatal(err)
		}
	}
	o := run(t, b.Bytes()).Overview()
	if m := o.Metrics; m.Calls != 3 || m.Attempts != 2 || m.AnswerSeizure != 50 {
		t.Errorf("%d calls, %d attempts, ASR %v", m.Calls, m.Attempts, m.AnswerSeizure)
	}
	for _, g := range o.Peers {
		if g.Attempts != 2 {
			t.Errorf("%s: %d attempts", g.Name, g.Attempts)
		}
	}
}
