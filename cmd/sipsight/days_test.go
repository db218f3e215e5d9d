package main

import (
	"regexp"
	"strings"
	"testing"
)

// TestDays holds that every time of day in a list or table has its day: a line ahead of the rows of each,
// or where rows are in another order and of several days, the date in the row; of one call its beginning.
func TestDays(t *testing.T) {
	captures(t)
	files := []string{"media-fax.pcapng", "baresip-call.pcapng", "media-hold.pcapng"}
	const first, second = "2026-11-23 UTC", "2026-11-25 UTC"
	clock := regexp.MustCompile(`\d\d:\d\d:\d\d\.\d+`)
	dated := regexp.MustCompile(`(2026-11-\d\d) \d\d:\d\d:\d\d\.\d+`)
	for _, list := range []string{"calls", "streams", "messages"} {
		r := sipsight(t, append([]string{list}, files...)...)
		day, rows := "", map[string]int{}
		for line := range strings.Lines(r.out) {
			switch line = strings.TrimSuffix(line, "\n"); {
			case strings.HasSuffix(line, " UTC"):
				day = line
			case clock.MatchString(line):
				rows[day]++
			}
		}
		if strings.Count(r.out, first) != 1 || strings.Count(r.out, second) != 1 || rows[first] == 0 || rows[second] == 0 || len(rows) != 2 {
			t.Errorf("%s: %v\n%s", list, rows, r.out)
		}
		r = sipsight(t, append([]string{list, "--sort", "-start_line"}, files...)...)
		if list != "messages" {
			r = sipsight(t, append([]string{list, "--sort", "-first_frame"}, files...)...)
		}
		days := map[string]int{}
		for _, m := range dated.FindAllStringSubmatch(r.out, -1) {
			days[m[1]+" UTC"]++
		}
		if strings.Contains(r.out, "UTC") || days[first] != rows[first] || days[second] != rows[second] {
			t.Errorf("%s --sort: %v, not %v\n%s", list, days, rows, r.out)
		}
		if r := sipsight(t, append([]string{list, "--json"}, files...)...); strings.Contains(r.out, "UTC") {
			t.Errorf("%s --json: %s", list, r.out)
		}
	}
	if r := sipsight(t, "calls", "--sort", "-talk_ms", "udp-call.pcapng"); strings.Count(r.out, first) != 1 || dated.MatchString(r.out) {
		t.Errorf("calls of one day: %s", r.out)
	}
	if r := sipsight(t, "call", "1", "media-hold.pcapng"); strings.Count(r.out, "2026-11-25") != 1 || !regexp.MustCompile(`(?m)^  began +2026-11-25 22:34:56\.\d{3} UTC$`).MatchString(r.out) {
		t.Errorf("call: %s", r.out)
	}
}
