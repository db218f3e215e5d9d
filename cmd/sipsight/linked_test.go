package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
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

// TestLinkedLadder: a transfer is one ladder, whichever of its calls is asked for, and is drawn
// once among others, whether the capture is read once or twice.
func TestLinkedLadder(t *testing.T) {
	name := transfers(t)
	small := smallInput
	defer func() { smallInput = small }()
	for _, smallInput = range []int64{small, 0} {
		first := sipsight(t, "flow", "--call", "call-1", name)
		for _, want := range []string{"call-1  alice → bob  confirmed\n", "call-3  alice → carol  confirmed\n", ": call-3\n", "transfer: call-3 comes of the REFER in frame 6", "leg 2: c3@x, of call-3\n"} {
			if !strings.Contains(first.out, want) {
				t.Errorf("no %q in\n%s", want, first.out)
			}
		}
		for _, call := range []string{"call-3", "c3@x", "c1@example"} {
			if got := sipsight(t, "flow", "--call", call, name); got != first {
				t.Errorf("%s has another ladder:\n%s%s", call, got.out, got.err)
			}
		}
		for _, x := range []struct {
			args  []string
			heads []string
			err   string
		}{
			{nil, []string{"call-1 ", "call-3 ", "call-2 ", "call-4 "}, ""},
			{[]string{"--limit", "1"}, []string{"call-1 ", "call-3 "}, "sipsight: 1 of 4 calls are drawn (--limit)\n"},
			{[]string{"--filter", "call.to contains \"carol\""}, []string{"call-1 ", "call-3 "}, ""},
		} {
			got := sipsight(t, append(append([]string{"flow"}, x.args...), name)...)
			var heads []string
			for line := range strings.Lines(got.out) {
				if strings.HasPrefix(line, "call-") {
					heads = append(heads, line[:len("call-1 ")])
				}
			}
			if !slices.Equal(heads, x.heads) || got.err != x.err {
				t.Errorf("%q: %q, %s", x.args, heads, got.err)
			}
		}
		if got := sipsight(t, "flow", "--format", "mermaid", "--call", "call-3", name).out; !strings.HasPrefix(got, "sequenceDiagram\n") {
			t.Errorf("one ladder of two calls is no diagram alone: %.40s", got)
		}
	}
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
