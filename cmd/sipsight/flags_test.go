package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/capture"
)

func TestSizeFlag(t *testing.T) {
	for in, want := range map[string]int64{
		"1": 1, "1000": 1000, "2k": 2 << 10, "2K": 2 << 10, "2KB": 2 << 10, "2KiB": 2 << 10, "500M": 500 << 20, "4G": 4 << 30, "4GiB": 4 << 30, "1T": 1 << 40, "7B": 7,
		"4194304T": 1 << 62,
		"":         0, "0": 0, "-1": 0, "M": 0, "1.5G": 0, "1X": 0, "1KK": 0, "0x10": 0, "1 G": 0, "4194305T": 0, "9223372036854775808": 0, "9223372036854775807K": 0,
	} {
		s := size(5)
		err := s.Set(in)
		if (err == nil) != (want > 0) || err == nil && int64(s) != want || err != nil && s != 5 {
			t.Errorf("%q: %d, %v", in, s, err)
		}
		if err != nil {
			continue
		}
		var again size
		if err := again.Set(s.String()); err != nil || again != s {
			t.Errorf("%q is written %q, which is %d, %v", in, s.String(), again, err)
		}
	}
}

func TestTimeFlag(t *testing.T) {
	at := time.Date(2026, 11, 23, 10, 14, 0, 0, time.UTC)
	for in, want := range map[string]time.Time{
		"2026-11-23T10:14:00Z":           at,
		"2026-11-23T10:14:00.5Z":         at.Add(500 * time.Millisecond),
		"2026-11-23T10:14:00.123456789Z": at.Add(123456789),
		"2026-11-23T12:14:00+02:00":      at,
		"2026-11-23T10:14:00":            at,
		"2026-11-23 10:14:00":            at,
		"2026-11-23 10:14:00.25":         at.Add(250 * time.Millisecond),
		"2026-11-23 10:14":               at,
		"2026-11-23T10:14":               at,
		"2026-11-23 10:14:00.000 UTC":    at, // as every text has it
		"2026-11-23 12:14:00+02:00":      at,
		"2026-11-23T12:14:00+0200":       at,
		"2026-11-23T12:14+02:00":         at,
		"2026-11-23 10:14Z":              at,
		"0000-01-01":                     time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC),
		"2026-11-23":                     at.Add(-10*time.Hour - 14*time.Minute),
		"1795428840":                     at,
		"1795428840.000000001":           at.Add(1),
		"1795428840.5":                   at.Add(500 * time.Millisecond),
		"10:14":                          time.Date(0, 1, 1, 10, 14, 0, 0, time.UTC),
		"10:14:00.25":                    time.Date(0, 1, 1, 10, 14, 0, 250e6, time.UTC),
		"0":                              time.Unix(0, 0),
		"":                               {}, "now": {}, "10:14:": {}, "24:00": {}, "10:61": {}, "2026-13-01": {}, "2026-11-23T25:00:00Z": {}, ".5": {}, "1.": time.Unix(1, 0), "1.1234567890": {}, "1.-5": {}, "-1": {}, "-5.5": {}, "1e9": {}, "99999999999999999999": {},
	} {
		var f timeFlag
		if err := f.Set(in); (err == nil) == want.IsZero() || !f.t.Equal(want) {
			t.Errorf("%q: %v, %v", in, f.t, err)
		}
		if f.t.Location() != time.UTC {
			t.Errorf("%q is not in UTC", in)
		}
	}
}

func TestFrameFlag(t *testing.T) {
	for in, want := range map[string]frameFlag{
		"1": {0, 1}, "17": {0, 17}, "2:17": {2, 17}, "1:1": {1, 1}, "9223372036854775807": {0, 1<<63 - 1},
		"": {}, "0": {}, "-1": {}, "0:1": {}, "-1:1": {}, "1:0": {}, "1:": {}, ":1": {}, "1:2:3": {}, "a": {}, "1.5": {}, "9223372036854775808": {},
	} {
		var f frameFlag
		if err := f.Set(in); (err == nil) == (want == frameFlag{}) || f != want {
			t.Errorf("%q: %v, %v", in, f, err)
		}
	}
}

func TestDidYouMean(t *testing.T) {
	names := []string{"analyze", "info", "messages", "mcp", "version", "help"}
	for in, want := range map[string]string{
		"analyse": "analyze", "anlyze": "analyze", "message": "messages", "massages": "messages", "hlep": "help", "mpc": "mcp", "inof": "info",
		"Version": "version", "": "", "x": "", "frobnicate": "", "export": "", "hop": "", "hel": "help", "init": "info",
	} {
		if want != "" {
			want = "; did you mean " + want + "?"
		}
		if got := didYouMean(in, names); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

// TestNoCommand: who knows another tool is told what does here what it does there.
func TestNoCommand(t *testing.T) {
	for name, want := range map[string]string{
		"show": "; did you mean call?", "pcap": "; did you mean export?", "list": "; did you mean calls?", "ladder": "; did you mean flow?", "findigns": "; did you mean findings?",
		"foo": "", "rtp=streams": "", "": "", "flags_test.go": "; what is in a file says: sipsight summary FILE",
	} {
		r := sipsight(t, name)
		if first, _, _ := strings.Cut(r.err, "\n"); r.code != exitUsage || first != fmt.Sprintf("sipsight: there is no command %q%s", name, want) {
			t.Errorf("%q: code %d, %s", name, r.code, r.err)
		}
	}
}

func TestProgressLine(t *testing.T) {
	for _, c := range []struct {
		n, total int64
		d        time.Duration
		want     string
	}{
		{0, -1, time.Second, "0 B read, 0 B/s"},
		{1500, -1, time.Second, "1.5 kB read, 1.5 kB/s"},
		{500e6, 2e9, 2 * time.Second, " 25 %, 500 MB of 2 GB, 250 MB/s, 6s left"},
		{2e9, 2e9, 4 * time.Second, "100 %, 2 GB of 2 GB, 500 MB/s"},
		{0, 2e9, time.Second, "  0 %, 0 B of 2 GB, 0 B/s"},
		{5, 0, time.Second, "5 B read, 5 B/s"},
	} {
		if got := progressLine(c.n, c.total, c.d); got != c.want {
			t.Errorf("%d of %d: %q, want %q", c.n, c.total, got, c.want)
		}
	}
	for n, want := range map[float64]string{0: "0 B", 999: "999 B", 999.4: "999 B", 999.5: "1 kB", 1000: "1 kB", 12345: "12.3 kB", 1e6: "1 MB", 1e9: "1 GB", 1e12: "1 TB", 5e15: "5000 TB"} {
		if got := humanSize(n); got != want {
			t.Errorf("%v: %q, want %q", n, got, want)
		}
	}
}

func TestAllRegular(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "a")
	if err := os.WriteFile(name, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		files []string
		want  bool
	}{
		{[]string{name}, true}, {[]string{name, name}, true}, {[]string{name, "-"}, false}, {[]string{"-"}, false}, {[]string{dir}, false},
		{[]string{"http://127.0.0.1/a"}, false}, {[]string{filepath.Join(dir, "b")}, false},
	} {
		if allRegular(c.files) != c.want {
			t.Errorf("%v: %v", c.files, !c.want)
		}
	}
}

func TestLimitsMet(t *testing.T) {
	file := func(notes ...analysis.Note) []analysis.File { return []analysis.File{{}, {Notes: notes}} }
	for _, c := range []struct {
		name string
		res  analysis.Result
		want []string
	}{
		{"none", analysis.Result{}, nil},
		{"no limits", analysis.Result{Files: file(analysis.Note{ID: "fragments", Count: 5}), Traffic: &analysis.Traffic{}}, nil},
		{"a limit not met", analysis.Result{Files: file(analysis.Note{ID: "frag-limit"})}, nil},
		{"of the wire", analysis.Result{Files: file(analysis.Note{ID: "frag-limit", Count: 5}, analysis.Note{ID: "tcp-limit", Count: 1})}, []string{"frag-limit (5 times)", "tcp-limit (1 times)"}},
		{"of the statistics", analysis.Result{Statistics: analysis.Statistics{Limits: []string{"method-limit"}}}, []string{"method-limit"}},
		{"of the calls", analysis.Result{Traffic: &analysis.Traffic{Exceeded: []string{"call-limit"}}}, []string{"call-limit"}},
	} {
		if got := limitsMet(&c.res); !slices.Equal(got, c.want) {
			t.Errorf("%s: %q", c.name, got)
		}
		e := &env{stderr: io.Discard}
		for i := range c.res.Files {
			c.res.Files[i].Capture = &capture.File{}
		}
		if code := e.finish(&c.res, nil); (code == exitPartial) != (c.want != nil) {
			t.Errorf("%s: exit code %d", c.name, code)
		}
	}
}

// TestFlagWords holds that a command line that is wrong is told so in words that can be typed.
func TestFlagWords(t *testing.T) {
	captures(t)
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"flow", "-o"}, exitUsage, "sipsight: flow: a value is missing for -o\n"},
		{[]string{"flow", "--x"}, exitUsage, "sipsight: flow: there is no flag -x\n"},
		{[]string{"flow", "--wdith", "3"}, exitUsage, "sipsight: flow: there is no flag --wdith; did you mean --width?\n"},
		{[]string{"flow", "--width", "x"}, exitUsage, "sipsight: flow: invalid value \"x\" for --width; give a whole number\n"},
		{[]string{"flow", "-o", "", "udp-call.pcapng"}, exitFailed, "sipsight: the output cannot be written: its name is empty; give one, or - for standard output\n"},
		{[]string{"call", "", "udp-call.pcapng"}, exitUsage, "sipsight: call: the name of the call is empty; give one that sipsight calls lists, such as call-1\n"},
	} {
		if r := sipsight(t, c.args...); r.code != c.code || !strings.HasPrefix(r.err, c.want) {
			t.Errorf("%q: %d, %s", c.args, r.code, r.err)
		}
	}
}

// TestFilterWordsWhole: what is said of a word that is none is not cut ahead of the word that was meant.
func TestFilterWordsWhole(t *testing.T) {
	captures(t)
	r := sipsight(t, "findings", "--filter", "finding.id == auth-week", "udp-call.pcapng")
	if r.code != exitUsage || !strings.Contains(r.err, "did you mean auth-weak?\n") {
		t.Errorf("%d, %s", r.code, r.err)
	}
}

// TestDashedNames: a name that begins with a dash is told from a flag.
func TestDashedNames(t *testing.T) {
	captures(t)
	const hint = "; a file or call whose name begins with - stands behind --\n"
	for args, want := range map[string]string{
		"calls -a.pcap": "there is no flag --a.pcap" + hint, "call -1@h udp-call.pcapng": "there is no flag --1@h" + hint,
		"calls --jsn udp-call.pcapng": "did you mean --json?\n",
	} {
		if r := sipsight(t, strings.Fields(args)...); r.code != exitUsage || !strings.Contains(r.err, want) {
			t.Errorf("%s: %d, %s", args, r.code, r.err)
		}
	}
	os.Rename("udp-call.pcapng", "-a.pcap")
	if r := sipsight(t, "calls", "--", "-a.pcap"); r.code != exitOK {
		t.Errorf("%d, %s", r.code, r.err)
	}
}
