package siptools_test

import (
	"slices"
	"testing"

	"github.com/sipsight/sipsight/internal/siptools"
)

// TestFindingOfOneCall: what nearly every call has is told once of the capture, and with the proof of its own of a call that is asked for.
func TestFindingOfOneCall(t *testing.T) {
	s := server(siptools.Options{})
	path := ladder(t, 12, "0 A > B INVITE sdp\n+.1 B > A 200\n+.1 A > B ACK\n+.1 A > B BYE\n+.1 B > A 200\n")
	for asked, want := range map[string]struct {
		call   string
		calls  int
		frames []int
	}{"": {"", 12, nil}, "call-3": {"call-3", 0, []int{11, 12}}} {
		a := args{"pcap_file": path, "id": "offer-without-answer"}
		if asked != "" {
			a["call"] = asked
		}
		got := call(t, s, "list_findings", a)
		var c struct {
			Total    int
			Findings []struct {
				Call   string
				Calls  []string
				Frames []int
			}
		}
		decode(t, got.structured, &c)
		if c.Total != 1 || len(c.Findings) != 1 {
			t.Errorf("%q: %s", asked, got.text)
			continue
		}
		f := c.Findings[0]
		if f.Call != want.call || len(f.Calls) != want.calls || want.frames != nil && !slices.Equal(f.Frames, want.frames) {
			t.Errorf("%q: %s", asked, got.text)
		}
	}
}
