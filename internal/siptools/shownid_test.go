package siptools_test

import (
	"strings"
	"testing"

	"github.com/sipsight/sipsight/internal/siptools"
)

// TestShownCallIDs: a Call-ID that an answer shows escaped or cut is one to ask with.
func TestShownCallIDs(t *testing.T) {
	long := strings.Repeat("long", 100)
	invite := func(id string) string { return strings.ReplaceAll(request(id, ""), "OPTIONS", "INVITE") }
	path := capture(t, invite("plain@h"), invite("esc\x1b\u202eape@h"), invite(long), invite(`back\slash`))
	s := server(siptools.Options{})
	var rows struct {
		Calls []struct {
			ID     string
			CallID string `json:"call_id"`
		}
	}
	decode(t, call(t, s, "list_calls", args{"pcap_file": path}).structured, &rows)
	for _, limit := range []int{256, 60} {
		for _, row := range rows.Calls {
			id := row.CallID
			if r := []rune(id); len(r) > limit {
				id = string(r[:limit-1]) + "…"
			}
			got := call(t, s, "explain_call", args{"pcap_file": path, "call": id})
			if got.isError || !strings.HasPrefix(string(got.structured), `{"id":"`+row.ID+`"`) {
				t.Errorf("%q: %.200s", id, got.text)
			}
		}
	}
	if len(rows.Calls) != 4 || !strings.HasSuffix(rows.Calls[2].CallID, "…") || !strings.Contains(rows.Calls[1].CallID, `\x1b\u{202e}`) {
		t.Errorf("the calls are %v", rows.Calls)
	}
	for _, id := range []string{"…", "nothing…", `esc\x1b`, "long"} {
		if got := call(t, s, "explain_call", args{"pcap_file": path, "call": id}); !got.isError {
			t.Errorf("%q names a call: %.200s", id, got.text)
		}
	}
	two := capture(t, invite(long+"1"), invite(long+"2"))
	got := call(t, s, "explain_call", args{"pcap_file": two, "call": long[:30] + "…"})
	if !strings.Contains(got.text, "2 calls have a Call-ID like this, and this is the first of them") {
		t.Errorf("a beginning of two Call-IDs: %.200s", got.text)
	}
}
