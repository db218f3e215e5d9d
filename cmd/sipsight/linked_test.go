package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sipsight/sipsight/internal/capgen"
)

// transfers writes a capture of a call that is transferred, of what came of that, and of two
// other calls.
func transfers(t *testing.T) string {
	t.Helper()
	var l capgen.Ladder
	name := filepath.Join(t.TempDir(), "transfers.pcap")
	b := l.Pcap(`
		A = 10.0.0.1:5060
		B = 10.0.0.2:5060
		C = 10.0.0.3:5060
		0   A > B INVITE
		1   B > A 200
		1.1 A > B ACK
		2   C > B INVITE id=other@x from=sip:carol@example.com
		2.1 B > C 486
		3   B > A REFER id=c1@example by=callee
			Refer-To: <sip:carol@example.com>
		3.1 A > B 202
		4   A > C INVITE id=c3@x to=sip:carol@example.com
		5   C > A 200
		5.1 A > C ACK
		9   A > B INVITE id=last@x`)
	if err := os.WriteFile(name, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// TestLinkedCalls: call and calls tell of what ties calls together.
func TestLinkedCalls(t *testing.T) {
	name := transfers(t)
	for call, want := range map[string]string{
		"call-1": "linked       call-3 came of its REFER in frame 6 (score 100: refer-to, from-referee, from-transferee)\n",
		"call-3": "linked       it came of the REFER in frame 6 of call-1 (score 100: refer-to, from-referee, from-transferee)\n",
	} {
		if got := unfolded(sipsight(t, "call", call, name).out); !strings.Contains(got, strings.Join(strings.Fields(want), " ")) {
			t.Errorf("%s: no %q in\n%s", call, want, got)
		}
	}
	type link struct {
		Kind, From, To string
		Refer          int64 `json:"refer_frame"`
		First          int64 `json:"first_frame"`
		Score          int
		Reasons        []string
	}
	linked := 0
	for line := range strings.Lines(sipsight(t, "calls", "--json", name).out) {
		var c struct {
			ID     string
			Linked []link
		}
		if err := json.Unmarshal([]byte(line), &c); err != nil {
			t.Fatal(err)
		}
		if c.ID == "call-1" || c.ID == "call-3" {
			linked++
			if l := c.Linked; len(l) != 1 || l[0].Kind != "transfer" || l[0].From != "call-1" || l[0].To != "call-3" || l[0].Refer != 6 || l[0].First != 8 || l[0].Score != 100 || len(l[0].Reasons) != 3 {
				t.Errorf("%s: %+v", c.ID, l)
			}
		} else if c.Linked != nil {
			t.Errorf("%s: %+v", c.ID, c.Linked)
		}
	}
	if linked != 2 {
		t.Errorf("%d calls are linked", linked)
	}
}

// unfolded puts all words of a text on one line.
func unfolded(s string) string { return strings.Join(strings.Fields(s), " ") }
