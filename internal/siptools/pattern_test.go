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

// TestSelected: a state selects the calls that have it, and a severity the findings that are as bad or worse.
func TestSelected(t *testing.T) {
	s := server(siptools.Options{})
	path := ladder(t, 1, `
		0   A > B INVITE sdp id=one@a
		+.1 B > A 200
		+.1 A > B ACK id=one@a
		+.1 A > B BYE id=one@a
		+.1 B > A 200
		5   A > B INVITE id=two@a
		    -Max-Forwards
		+.1 B > A 486
		+.1 A > B ACK id=two@a`)
	for _, c := range []struct {
		tool, name, value string
		want              []string
	}{
		{"list_calls", "state", "completed", []string{"one@a"}},
		{"list_calls", "state", "failed", []string{"two@a"}},
		{"list_calls", "state", "cancelled", nil},
		{"list_findings", "severity", "error", []string{"offer-without-answer"}},
		{"list_findings", "severity", "warning", []string{"offer-without-answer", "max-forwards"}},
		{"list_findings", "severity", "note", []string{"offer-without-answer", "max-forwards", "late-offer"}},
	} {
		got := call(t, s, c.tool, args{"pcap_file": path, c.name: c.value})
		var rows struct {
			Calls    []struct{ Call_id string }
			Findings []struct{ ID string }
		}
		decode(t, got.structured, &rows)
		var ids []string
		for _, x := range rows.Calls {
			ids = append(ids, x.Call_id)
		}
		for _, x := range rows.Findings {
			ids = append(ids, x.ID)
		}
		if !slices.Equal(ids, c.want) {
			t.Errorf("%s of %s: %q, want %q", c.tool, c.value, ids, c.want)
		}
	}
}
