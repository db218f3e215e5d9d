package siptools_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/sipsight/sipsight/internal/capgen"
	"github.com/sipsight/sipsight/internal/siptools"
)

// TestManyHosts: what the messages of a call over many hosts are can be read in its ladder.
func TestManyHosts(t *testing.T) {
	var b strings.Builder
	for i := range 14 {
		fmt.Fprintf(&b, "%c = 10.0.0.%d:5060\n", 'A'+i, i+1)
	}
	b.WriteString("\n0 A > B INVITE sdp\n")
	for i := 'B'; i < 'N'; i++ {
		fmt.Fprintf(&b, "+.002 %c > %c INVITE sdp\n", i, i+1)
	}
	for i := 'N'; i > 'A'; i-- {
		fmt.Fprintf(&b, "+.002 %c > %c 180\n", i, i-1)
	}
	path := file(t, new(capgen.Ladder).Pcap(b.String()))
	got := call(t, server(siptools.Options{}), "draw_call_flow", args{"pcap_file": path, "call": "call-1"})
	if n := strings.Count(got.text, "180 Ringing"); n != 13 || len(got.text) > 40000 {
		t.Errorf("%d of 13 messages can be read:\n%s", n, got.text)
	}
}
