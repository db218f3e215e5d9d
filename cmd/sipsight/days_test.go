package main

import (
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
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

// TestTimeOfDay holds that a time of day chooses what the same time with the date does where the capture is of one day, and
// is refused where it is of several.
func TestTimeOfDay(t *testing.T) {
	captures(t)
	const day = "2026-11-23T"
	other := pcap([]byte("no SIP"))
	le.PutUint32(other[24:], uint32(time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC).Unix()))
	if err := os.WriteFile("other-day.pcap", other, 0o666); err != nil {
		t.Fatal(err)
	}
	for _, list := range []string{"messages", "calls", "findings", "registrations", "streams"} {
		files := []string{"udp-failures.pcapng", "register-digest.pcap", "baresip-call.pcapng"}
		whole := sipsight(t, append([]string{list}, files...)...).out
		some := 0
		for _, times := range [][]string{{"--since", "23:38:50"}, {"--since", "23:39:01"}, {"--since", "23:39:15.991"}, {"--until", "23:38:50.5"}, {"--since", "23:38", "--until", "23:39"}, {"--since", "23:39:10", "--until", "23:39:16"}} {
			dated := slices.Clone(times)
			for i := 1; i < len(dated); i += 2 {
				dated[i] = day + dated[i]
			}
			got, want := sipsight(t, slices.Concat([]string{list}, times, files)...), sipsight(t, slices.Concat([]string{list}, dated, files)...)
			if got != want || got.code != exitOK {
				t.Errorf("%s %q: %d, %s%s", list, times, got.code, got.out, got.err)
			}
			if got.out != whole && got.out != "" {
				some++
			}
		}
		if some == 0 {
			t.Errorf("%s: no time chose a part", list)
		}
		r := sipsight(t, append([]string{list, "--since", "23:38", "media-hold.pcapng"}, files...)...)
		if r.code != exitUsage || !strings.Contains(r.err, "of several days: give --since and --until with a date, such as 2026-11-23T10:14") {
			t.Errorf("%s of several days: %d, %s%s", list, r.code, r.out, r.err)
		}
		if r.out != "" { // also of what stands ahead of the second day
			t.Errorf("%s lists some all the same: %s", list, r.out)
		}
		if r := sipsight(t, list, "--since", "23:38", "other-day.pcap", files[0]); r.code != exitUsage || r.out != "" {
			t.Errorf("%s beside a packet of another day that has no message: %d, %s%s", list, r.code, r.out, r.err)
		}
		if r := sipsight(t, list, "--since", "23:38", "--until", "23:37:59", "udp-call.pcapng"); r.code != exitUsage || !strings.Contains(r.err, "--until lies before --since") {
			t.Errorf("%s: %d, %s", list, r.code, r.err)
		}
	}
	// What is sorted or limited is held back as well; a pipe waits for nobody.
	for _, c := range []struct{ file, more string }{{"udp-failures.pcapng", ""}, {"udp-failures.pcapng", "--limit 1"}, {"udp-failures.pcapng", "--sort time"}, {"udp-failures.pcapng", "--csv"}, {"-", ""}} {
		stdin, err := os.Open("udp-failures.pcapng")
		if err != nil {
			t.Fatal(err)
		}
		r := sipsightOn(t, stdin, append(strings.Fields("messages --since 23:38 media-hold.pcapng "+c.more), c.file)...)
		stdin.Close()
		if r.code != exitUsage || (r.out == "") != (c.file != "-") {
			t.Errorf("%v: %d, %s", c, r.code, r.out)
		}
	}
}

// TestTimeOfDayOfMany: what waits for the last packet is bounded, and no message is missing for it.
func TestTimeOfDayOfMany(t *testing.T) {
	t.Chdir(t.TempDir())
	var list [][]byte
	for i := range 5000 {
		list = append(list, request("OPTIONS", strconv.Itoa(i)+strings.Repeat("x", 4000)))
	}
	if err := os.WriteFile("many.pcap", pcap(list...), 0o666); err != nil {
		t.Fatal(err)
	}
	for _, more := range []string{"", "--limit 3", "--limit 4500"} {
		args := strings.Fields("messages --raw --max-memory 64M many.pcap " + more)
		want := sipsight(t, args...)
		if r := sipsight(t, append(args, "--since", "00:00")...); r != want || r.code != exitOK {
			t.Errorf("%s: %d, %d octets, %s; want %d, %d octets, %s", more, r.code, len(r.out), r.err, want.code, len(want.out), want.err)
		}
	}
}
