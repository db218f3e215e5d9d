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

// TestLadderLeftOut: a ladder that is too long says who tells of the messages that it has no rows for.
func TestLadderLeftOut(t *testing.T) {
	path := ladder(t, 1, "0 A > B INVITE\n.1 B > A 200\n.2 A > B ACK\n"+repeat(200, func(i int) string { return fmt.Sprintf("%d A > B INFO\n%[1]d.1 B > A 200\n", i+1) }))
	for format, want := range map[string]string{"text": "messages more: search_messages", "mermaid": "messages more#58; search#95;messages"} {
		if got := call(t, server(siptools.Options{}), "draw_call_flow", args{"pcap_file": path, "call": "1", "format": format}); !strings.Contains(got.text, want) || len(got.text) > underByDefault {
			t.Errorf("%s: %d octets, and no %q in %s", format, len(got.text), want, got.text[max(len(got.text)-400, 0):])
		}
	}
}
