package report

import (
	"strings"
	"testing"
	"unicode/utf8"
)

// TestGridFits: the tables of calls, registrations and messages fit a terminal of 80
// characters, with everything in them that can be at once.
func TestGridFits(t *testing.T) {
	for _, tt := range []struct {
		name    string
		columns []GridColumn
		row     []string
	}{
		{"calls", CallColumns, []string{"call-1234", "18:23:15.920", "+4930123456789", "+498912345678", "completed", "200", "10.745", "17.066", "1234.6", "12"}},
		{"registrations", RegistrationColumns, []string{"alice.example@sip.example.com", "192.168.101.123:50600", "unregistered", "200", "12", "100", "3600", "Example-Deskphone/4.2.1"}},
		{"messages of a call", timelineColumns, []string{"12345", "18:23:15.920", "1234.567", "192.168.101.123:50600", "192.168.101.124:50600", "200 OK (INVITE) + audio 192.168.101.123:20000 PCMA", "2"}},
	} {
		g := Grid{Columns: tt.columns}
		g.Add(tt.row...)
		for line := range strings.Lines(string(g.Append(nil, 80))) {
			if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > 80 {
				t.Errorf("%s: %d characters: %s", tt.name, n, line)
			}
		}
		if whole := string(g.Append(nil, 0)); strings.Contains(whole, "…") {
			t.Errorf("%s: cut without a bound:\n%s", tt.name, whole)
		}
	}
}

// TestGridGivesWay: less space comes before less text, and that before a column less.
func TestGridGivesWay(t *testing.T) {
	g := Grid{Columns: []GridColumn{{Head: "A"}, {Head: "B", Min: 4}, {Head: "C", Spare: true}}}
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
	} {
		var got []string
		for _, line := range strings.Split(strings.TrimSuffix(string(folded(nil, "label", "%s", tt.text)), "\n"), "\n") {
			got = append(got, line[2+rowLabel+2:])
		}
		if s := strings.Join(got, "|"); s != tt.want {
			t.Errorf("%q\nwant %q", s, tt.want)
		}
	}
}
