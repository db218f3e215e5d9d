package report

import (
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/sipsight/sipsight/internal/clean"
)

// TestGridFits: the tables fit a terminal, down to one of 40 characters, with everything in them that can be at once; what says most of
// each row is there still.
func TestGridFits(t *testing.T) {
	for _, tt := range []struct {
		name    string
		columns []GridColumn
		row     []string
		last    string // what is left at 40 characters
	}{
		{"calls", CallColumns, []string{"call-1234", "18:23:15.920", "+4930123456789", "+498912345678", "completed", "200", "10.745", "17.066", "1234.6", "12"}, "call-1234 +49301… +49891… completed 200"},
		{"registrations", RegistrationColumns, []string{"alice.example@sip.example.com", "192.168.101.123:50600", "unregistered", "200", "12", "100", "3600", "Example-Deskphone/4.2.1"}, "alice.example@sip.exa… unregistered 200"},
		{"messages of a call", timelineColumns, []string{"12345", "18:23:15.920", "1234.567", "192.168.101.123:50600", "192.168.101.124:50600", "200 OK (INVITE) + audio 192.168.101.123:20000 PCMA", "2"}, "192.168.101.123:50600 200 OK (INVITE) +…"},
		{"streams", StreamColumns, []string{"18:23:15.920", "192.168.101.123:50600", "192.168.101.124:50600", "0x12345678", "telephone-event", "1234567", "1234", "100.00", "12345.67", "1234.56", "1234.56", "4.41", "call-1234"}, "192.168.101.123:50600  100.00  4.41"},
		{"findings", FindingColumns, []string{"warning, possible", "session-timer-expiry", "call-1234", "12345,12346,12347", "REGISTER from 192.168.101.123:50600 refused"}, "warning… session-timer-expiry REGISTER …"},
	} {
		for _, width := range []int{40, 60, 80} {
			g := Grid{Columns: tt.columns}
			g.Add(tt.row...)
			text := string(g.Append(nil, width))
			for line := range strings.Lines(text) {
				if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > width {
					t.Errorf("%s: %d characters of %d: %s", tt.name, n, width, line)
				}
			}
			if got := strings.Split(text, "\n")[1]; width == 40 && got != tt.last {
				t.Errorf("%s: %q, want %q", tt.name, got, tt.last)
			}
		}
		g := Grid{Columns: tt.columns}
		g.Add(tt.row...)
		if whole := string(g.Append(nil, 0)); strings.Contains(whole, "…") {
			t.Errorf("%s: cut without a bound:\n%s", tt.name, whole)
		}
	}
}

// TestGridGivesWay: less space comes before less text, and that before a column less.
func TestGridGivesWay(t *testing.T) {
	g := Grid{Columns: []GridColumn{{Head: "A"}, {Head: "B", Min: 4}, {Head: "C", Spare: 1}}}
	g.Add("aaaa", "bbbbbbbb", "cccc")
	for _, tt := range []struct {
		width int
		want  string
	}{
		{0, "aaaa  bbbbbbbb  cccc"}, {20, "aaaa  bbbbbbbb  cccc"}, {18, "aaaa bbbbbbbb cccc"}, {15, "aaaa bbbb… cccc"}, {14, "aaaa bbb… cccc"}, {13, "aaaa bbbbbbbb"}, {8, "aaaa bbb…"},
	} {
		if got := strings.Split(string(g.Append(nil, tt.width)), "\n")[1]; got != tt.want {
			t.Errorf("width %d: %q, want %q", tt.width, got, tt.want)
		}
	}
}

// TestGridWidths: cells begin below their heads, whatever characters stand in front of them.
func TestGridWidths(t *testing.T) {
	g := Grid{Columns: []GridColumn{{Head: "FROM", Min: 7}, {Head: "TO"}}}
	for _, from := range []string{"alice", "André", "Andre\u0301", "山田太郎", "山田太郎さん次郎", "👧fam"} {
		g.Add(from, "|")
	}
	for _, width := range []int{0, 12} {
		for line := range strings.Lines(string(g.Append(nil, width))) {
			before, _, ok := strings.Cut(line, "|")
			want := map[int]int{0: 18, 12: 10}[width]
			if ok && clean.Width(before) != want {
				t.Errorf("width %d: a cell begins in column %d, not %d: %q", width, clean.Width(before), want, line)
			}
		}
	}
}

func TestFold(t *testing.T) {
	for _, tt := range []struct {
		text string
		want string
	}{
		{"short", "short"},
		{strings.Repeat("x", 100), strings.Repeat("x", 100)},
		{strings.Repeat("x", 60) + ", yyy zzz", strings.Repeat("x", 60) + ",|yyy zzz"},
		{strings.Repeat("x", 60) + " yyy zzz", strings.Repeat("x", 60) + " yyy|zzz"},
		{strings.Repeat("ä", 64), strings.Repeat("ä", 64)},
		{strings.Repeat("山", 32) + " 山", strings.Repeat("山", 32) + "|山"},
	} {
		var got []string
		for _, line := range strings.Split(strings.TrimSuffix(string(settle(folded(nil, "label", "%s", tt.text), 0)), "\n"), "\n") {
			got = append(got, line[2+rowLabel+2:])
		}
		if s := strings.Join(got, "|"); s != tt.want {
			t.Errorf("%q\nwant %q", s, tt.want)
		}
		if got, want := string(settle(folded(nil, "label", "%s", tt.text), rowWidth-1)), "  label         "+tt.text+"\n"; got != want {
			t.Errorf("for a narrow terminal %q, want %q", got, want)
		}
	}
}

// TestColours: colours are there when they are asked for, for what has them, and nothing else
// changes: neither the words nor their places.
func TestColours(t *testing.T) {
	for _, tt := range []struct {
		name    string
		columns []GridColumn
		rows    [][]string
		want    []string
	}{
		{"calls", CallColumns, [][]string{
			{"call-1", "18:23:15.920", "alice", "bob", "completed", "200", "1.0", "", "", ""}, {"call-2", "18:23:16.920", "alice", "bob", "failed", "486", "", "", "", ""},
			{"call-3", "18:23:17.920", "alice", "bob", "cancelled", "487", "", "", "", ""}, {"call-4", "18:23:18.920", "alice", "bob", "redirected", "302", "", "", "", ""},
		}, []string{"\x1b[32mcompleted\x1b[0m   \x1b[32m200\x1b[0m", "\x1b[31mfailed\x1b[0m      \x1b[31m486\x1b[0m", "cancelled   487", "redirected  \x1b[33m302\x1b[0m"}},
		{"registrations", RegistrationColumns, [][]string{{"a@h", "192.0.2.1:5060", "registered", "200", "1", "", "60", ""}, {"b@h", "192.0.2.1:5060", "challenged", "401", "1", "", "", ""}},
			[]string{"\x1b[32mregistered\x1b[0m", "\x1b[33mchallenged\x1b[0m  401"}},
		{"findings", FindingColumns, [][]string{{"error (likely)", "x", "call-1", "1", "it"}, {"warning", "x", "call-1", "2", "it"}, {"note", "x", "call-1", "3", "it"}},
			[]string{"\x1b[31merror (likely)\x1b[0m", "\x1b[33mwarning\x1b[0m         x", "note  "}},
		{"streams", StreamColumns[11:], [][]string{{"4.41", ""}, {"3.60", ""}, {"3.59", ""}, {"3.09", ""}, {"-", ""}}, []string{"4.41\n3.60\n\x1b[33m3.59\x1b[0m\n\x1b[31m3.09\x1b[0m\n"}},
	} {
		plain, coloured := Grid{Columns: tt.columns}, Grid{Columns: tt.columns, Colour: true}
		for _, row := range tt.rows {
			plain.Add(row...)
			coloured.Add(row...)
		}
		for _, width := range []int{0, 40, 80} {
			got := string(coloured.Append(nil, width))
			if text := strings.NewReplacer("\x1b[31m", "", "\x1b[32m", "", "\x1b[33m", "", "\x1b[0m", "").Replace(got); text != string(plain.Append(nil, width)) {
				t.Errorf("%s: without its colours it is\n%s", tt.name, text)
			}
			for _, want := range tt.want {
				if width == 0 && !strings.Contains(got, want) {
					t.Errorf("%s: %q is not in %q", tt.name, want, got)
				}
			}
		}
	}
}

// TestGridDays: the date stands once ahead of the rows of a day, and not again for what has no time.
func TestGridDays(t *testing.T) {
	g := Grid{Columns: []GridColumn{{Head: "START", Stamp: true}}}
	at := time.Date(2026, 11, 1, 23, 59, 59, 0, time.UTC)
	for _, x := range []time.Time{at, {}, at, at.Add(time.Second), at.Add(2 * time.Second)} {
		g.Add(stampText(x))
	}
	want := "START\n2026-11-01 UTC\n23:59:59.000\n--:--:--.---\n23:59:59.000\n2026-11-02 UTC\n00:00:00.000\n00:00:01.000\n"
	if got := string(g.Append(nil, 0)); got != want {
		t.Errorf("%s", got)
	}
}

// TestWordColour: a severity has its colour with a confidence behind it too, and where it is cut.
func TestWordColour(t *testing.T) {
	for cell, want := range map[string]string{"error": red, "error, likely": red, "warning…": yellow, "warning, po…": yellow, "note, possible": "", "": ""} {
		if got := wordColour(cell); got != want {
			t.Errorf("%q: %q, want %q", cell, got, want)
		}
	}
}

// TestGridRows: rows that are made each time they are asked for give the same table as those that were added, written line by line,
// and none of those is changed.
func TestGridRows(t *testing.T) {
	rows := [][]string{{"2026-01-02 10:00:00.000", "a"}, {"2026-01-02 11:00:00.000", "bcd"}, {"2026-01-03 09:00:00.000", "ef"}}
	columns := []GridColumn{{Head: "TIME", Stamp: true}, {Head: "WHAT"}}
	added, made := Grid{Columns: columns}, Grid{Columns: columns}
	for _, row := range rows {
		added.Add(slices.Clone(row)...)
	}
	made.Row, made.Rows = func(i int) []string { return slices.Clone(rows[i]) }, len(rows)
	var w lineCounter
	made.Write(&w, 0)
	want := "TIME          WHAT\n2026-01-02 UTC\n10:00:00.000  a\n11:00:00.000  bcd\n2026-01-03 UTC\n09:00:00.000  ef\n"
	if w.text != want || w.writes != 4 {
		t.Errorf("made, in %d writes:\n%swant\n%s", w.writes, w.text, want)
	}
	for range 2 {
		if got := string(added.Append(nil, 0)); got != want {
			t.Errorf("added:\n%swant\n%s", got, want)
		}
	}
}

type lineCounter struct {
	text   string
	writes int
}

func (w *lineCounter) Write(b []byte) (int, error) {
	w.text += string(b)
	w.writes++
	return len(b), nil
}
