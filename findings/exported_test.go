package findings_test

import (
	"maps"
	"strings"
	"testing"

	"github.com/sipsight/sipsight/internal/capgen"
)

// exported returns the datagrams of a capture as Wireshark exports PDUs whose addresses nobody knows.
func exported(list []capgen.Packet) (out []capgen.Packet) {
	const headers = 14 + 20 + 8
	for _, p := range list {
		if i := strings.Index(p.Data, " SIP/2.0"); i < 0 && !strings.Contains(p.Data, "SIP/2.0 ") || p.Data[23] != 17 {
			continue
		}
		p.Link, p.Data = 252, "\x00\x0c\x00\x04sip\x00\x00\x00\x00\x00"+p.Data[headers:]
		out = append(out, p)
	}
	return out
}

// TestExported: a Via does not differ from an address that nobody knows, and sentences say that it is not known.
func TestExported(t *testing.T) {
	for _, s := range samples(t, "healthy-*.txt") {
		if _, rules := told(t, exported(s.packets)); len(rules) > 0 {
			t.Errorf("%s: %v", s.name, rules)
		}
	}
	for _, s := range samples(t, "*.txt") {
		list, _ := told(t, exported(s.packets))
		for _, f := range list {
			if said := f.Observed + f.Expected + f.NextStep; strings.Contains(said, "invalid IP") || strings.Contains(said, "invalid Addr") {
				t.Errorf("%s: %s: %s", s.name, f.ID, said)
			}
		}
	}
	says := map[string]string{}
	for _, s := range samples(t, "missing-ack-2xx.txt") {
		list, _ := told(t, exported(s.packets))
		for _, f := range list {
			says[f.ID] = f.Observed
		}
	}
	want := map[string]string{
		"missing-ack-2xx": "200 sent 4 times over 3.50 s, no ACK with CSeq 1; its Contact is 10.0.0.2",
		"late-offer":      "the INVITE of an unknown address has no session description",
	}
	if !maps.Equal(says, want) {
		t.Errorf("%q", says)
	}
}
