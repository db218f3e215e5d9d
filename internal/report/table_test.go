package report

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/findings"
)

// TestColumnJSON holds that a column that writes its JSON itself writes what it is in filters
// and in CSV.
func TestColumnJSON(t *testing.T) {
	calls := []*analysis.Call{
		{ID: 12, Legs: []*analysis.Leg{{
			State: analysis.StateFailed, FinalStatus: 486, Source: netip.MustParseAddrPort("192.0.2.1:5060"), Destination: netip.MustParseAddrPort("[2001:db8::1]:5070"),
		}}, Remarks: analysis.Remarks{Because: `of a "reason"`}},
		{ID: 1, Legs: []*analysis.Leg{{}}},
	}
	n := 0
	for i := range Calls.Columns {
		c := &Calls.Columns[i]
		if c.json == nil || c.Kind == Object {
			continue
		}
		n++
		for _, call := range calls {
			var got, want jsonWriter
			c.json(&got, &Options{}, call)
			if v := c.Get(call); v.Has {
				want.key(c.Key)
				want.columnValue(c.Kind, &v, &Options{})
			}
			if string(got.b) != string(want.b) {
				t.Errorf("%s is %s, want %s", c.Key, got.b, want.b)
			}
		}
	}
	if n == 0 {
		t.Error("no column writes its JSON itself")
	}
}

// TestRows holds that rows do not tell of the ones before them.
func TestRows(t *testing.T) {
	odd := &analysis.Call{ID: 1, Legs: []*analysis.Leg{{CallID: "a\x1bb", From: "sip:a:secret@h"}}}
	plain := &analysis.Call{ID: 2, Legs: []*analysis.Leg{{CallID: "c", From: "sip:c@h"}}}
	o := &Options{}
	rows := Calls.Rows(o)
	for _, c := range []*analysis.Call{odd, plain, odd} {
		got, want := rows.AppendJSON([]byte("> "), c, false), Calls.AppendJSON([]byte("> "), o, c, false)
		if string(got) != string(want) {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

// TestSortRanks holds that names of calls and severities are sorted by what they say, and not by their letters.
func TestSortRanks(t *testing.T) {
	calls := []*analysis.Call{{ID: 2, Legs: []*analysis.Leg{{}}}, {ID: 10, Legs: []*analysis.Leg{{}}}, {ID: 1, Legs: []*analysis.Leg{{}}}}
	list := []int{0, 1, 2}
	if err := Calls.Sort(list, func(i int) *analysis.Call { return calls[i] }, "id"); err != nil || !slices.Equal(list, []int{2, 0, 1}) {
		t.Errorf("calls by id: %v, %v", list, err)
	}
	found := []*findings.Finding{
		{Severity: findings.Warning, Confidence: findings.Likely, Call: 9}, {Severity: findings.Error, Confidence: findings.Certain, Call: 10},
		{Severity: findings.Note, Confidence: findings.Possible},
	}
	for key, want := range map[string][]int{"severity": {2, 0, 1}, "-severity": {1, 0, 2}, "confidence": {2, 0, 1}, "call": {0, 1, 2}, "-call": {1, 0, 2}} {
		list := []int{0, 1, 2}
		if err := Findings.Sort(list, func(i int) *findings.Finding { return found[i] }, key); err != nil || !slices.Equal(list, want) {
			t.Errorf("findings by %s: %v, %v", key, list, err)
		}
	}
}

// TestListSecrets holds that no list shows the password of a URI, in JSON or CSV, unless it is to.
func TestListSecrets(t *testing.T) {
	list := []string{"sip:a:hunter2@h", "sip:b:hunter3@h"}
	for _, secrets := range []bool{false, true} {
		w := jsonWriter{secrets: secrets}
		w.key("k").columnValue(List, &Value{List: list, Has: true}, &Options{Secrets: secrets})
		cells := (&jsonWriter{secrets: secrets}).appendURICells(nil, list)
		if shown := strings.Count(string(w.b)+string(cells), "hunter"); shown != map[bool]int{false: 0, true: 4}[secrets] {
			t.Errorf("%s and %s", w.b, cells)
		}
	}
}

// TestCSVObjects holds that CSV has what JSON has as lists of objects or of frames.
func TestCSVObjects(t *testing.T) {
	f := &findings.Finding{ID: "overload", Severity: findings.Error, Frames: []analysis.Frame{{File: 1, Number: 3}, {File: 1, Number: 5}}}
	r := &analysis.Registration{AOR: "sip:a@h", Contacts: []analysis.Binding{{URI: "sip:a:pw@h1"}, {URI: "sip:=b@h2,x"}}}
	several := &Options{Files: []string{"=a", "b,c"}}
	for _, c := range []struct{ got, want string }{
		{string(Findings.AppendCSV(Findings.AppendCSVHeader(nil), several, f)), `,rfc,file,frames,observed,expected,next_step,related,filter,first_frame` + "\r\n"},
		{string(Findings.AppendCSV(nil, several, f)), `,"b,c",2:3; 2:5,,`},
		{string(Findings.AppendCSV(nil, &Options{}, f)), `,,3; 5,,`},
		{string(Registrations.AppendCSVHeader(nil)), `aor,source,registrar,contacts,outcome,`},
		{string(Registrations.AppendCSV(nil, &Options{}, r)), `sip:a@h,,,"sip:a:***@h1; sip:=b@h2,x",`},
	} {
		if !strings.Contains(c.got, c.want) {
			t.Errorf("%s\nlacks %s", c.got, c.want)
		}
	}
}
