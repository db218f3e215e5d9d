package flow_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/internal/capgen"
	"github.com/sipsight/sipsight/internal/flow"
)

// attended returns the attended transfer of the goldens.
func attended(t *testing.T) investigation {
	t.Helper()
	b, err := os.ReadFile("testdata/ladders/attended.txt")
	if err != nil {
		t.Fatal(err)
	}
	return ofLadder(t, &capgen.Ladder{}, sections(string(b))[1].text)
}

// TestLinkedInAllPens: whichever call of a transfer is asked for, the ladder is the same one, and
// each pen says so at the REFER and at the call that came of it, and tells the legs apart.
func TestLinkedInAllPens(t *testing.T) {
	in := attended(t)
	get := func(id int) *analysis.Call { return in.res.Calls.At(id - 1) }
	for _, format := range flow.Formats {
		var first string
		for id := 1; id <= 3; id++ {
			calls := flow.With(&in.res.Calls, id, get)
			d := flow.Drawing{Format: format, Calls: 1}
			got := string(d.End(d.Append(nil, flow.New(calls[0], in.found, &flow.Options{}, calls[1:]...))))
			if first == "" {
				first = got
			}
			if got != first {
				t.Errorf("%s: call-%d has another ladder than call-1", format, id)
			}
		}
		if format == "mermaid" {
			first = decoded(first)
		}
		for _, want := range []string{"transfer to sip:carol@10.0.0.3", "in the place of call-2", "transfer: call-3 comes of the REFER in frame 11", "call-3 takes the place of call-2", "of call-2"} {
			if !strings.Contains(first, want) {
				t.Errorf("%s does not say %q", format, want)
			}
		}
		for _, want := range map[string][]string{
			"text": {"┄ 180 Ringing ┄", "━ ACK ━"}, "mermaid": {"leg 2 180 Ringing", "leg 3 ACK"}, "svg": {"request d2 leg2", "provisional d1 leg1"}, "html": {"request d2 leg2", "provisional d1 leg1"},
		}[format] {
			if !strings.Contains(first, want) {
				t.Errorf("%s has no %q", format, want)
			}
		}
	}
}

// decoded undoes the entities of Mermaid for what these tests look for.
func decoded(s string) string {
	for _, c := range ":@,-" {
		s = strings.ReplaceAll(s, fmt.Sprintf("#%d;", c), string(c))
	}
	return s
}

// TestLinkedApart: calls that are tied to those of a ladder, and not to be drawn, are named.
func TestLinkedApart(t *testing.T) {
	in := attended(t)
	only := func(ids ...int) *flow.Ladder {
		calls := flow.With(&in.res.Calls, ids[0], func(id int) *analysis.Call {
			for _, known := range ids {
				if id == known {
					return in.res.Calls.At(id - 1)
				}
			}
			return nil
		})
		return flow.New(calls[0], in.found, &flow.Options{}, calls[1:]...)
	}
	for want, l := range map[string]*flow.Ladder{"call-1, call-2": only(3), "call-2": only(1, 3), "": only(1, 2, 3)} {
		text := string(flow.AppendText(nil, l, &flow.TextOptions{}))
		if got := strings.Contains(text, "  linked, and not on this ladder: "+want+"\n"); got != (want != "") {
			t.Errorf("without %q:\n%s", want, text)
		}
		if want == "" && len(l.Apart) > 0 {
			t.Errorf("apart are %q", l.Apart)
		}
	}
}

// TestFindingsOfLinked: findings of every call of a ladder stand at its messages.
func TestFindingsOfLinked(t *testing.T) {
	in := ofLadder(t, &capgen.Ladder{}, "A = 10.0.0.1:5060\nB = 10.0.0.2:5060\nC = 10.0.0.3:5060\n"+`
		0  A > B INVITE
		1  B > A 200
		1.1 A > B ACK
		2  B > A REFER by=callee
			Refer-To: <sip:carol@example.com>
		2.1 A > B 202
		3  A > C INVITE id=c2@example to=sip:carol@example.com
		3.5 A > C INVITE again id=c2@example
		4.5 A > C INVITE again id=c2@example
		6.5 A > C INVITE again id=c2@example
		10.5 A > C INVITE again id=c2@example
		18.5 A > C INVITE again id=c2@example
		34.5 A > C INVITE again id=c2@example
		35  C > A 100 id=c2@example
		36  C > A 486 id=c2@example`)
	calls := flow.With(&in.res.Calls, 1, func(id int) *analysis.Call { return in.res.Calls.At(id - 1) })
	l := flow.New(calls[0], in.found, &flow.Options{}, calls[1:]...)
	for _, r := range l.Rows {
		if r.Leg == 1 && r.Label == "INVITE" && len(r.Marks) == 0 {
			t.Errorf("the INVITE in frame %s has no mark", r.Frame)
		}
	}
	own := 0
	for _, f := range in.found {
		if f.Call == 2 {
			own++
		}
	}
	if own == 0 || len(l.Marks) < own {
		t.Errorf("call-2 has %d findings, the ladder %d marks", own, len(l.Marks))
	}
}
