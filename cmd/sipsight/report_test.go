package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestReportTwice: a large file is read twice, and the report is that of one reading.
func TestReportTwice(t *testing.T) {
	dir := t.TempDir()
	captures(t)
	written := func(command string, args ...string) string {
		out := filepath.Join(dir, "out")
		r := sipsight(t, append([]string{command, "--force", "-o", out}, args...)...)
		if r.code != exitOK {
			t.Fatalf("%s: exit code %d: %s", args, r.code, r.err)
		}
		b, err := os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	for _, args := range [][]string{
		{"report", "udp-failures.pcapng", "proxy-call.pcapng"},
		{"report", "--max-calls", "3", "udp-failures.pcapng"},
		{"report", "media-impaired.pcapng", "media-hold.pcapng"},
		{"report", "--max-calls", "0", "udp-failures.pcapng"},
		{"flow", "--limit", "2", "tcp-calls.pcap"},
		{"flow", "--call", "5", "udp-failures.pcapng"},
	} {
		once := written(args[0], args[1:]...)
		small := smallInput
		smallInput = 0
		twice := written(args[0], args[1:]...)
		smallInput = small
		if once != twice {
			t.Errorf("%s: read twice it is another one", args)
		}
	}
}

// TestReportSecrets: secrets are in a report only if they are asked for.
func TestReportSecrets(t *testing.T) {
	captures(t)
	const secret = `response=\"`
	for _, file := range []string{"register-digest.pcap", "udp-failures.pcapng"} {
		masked := sipsight(t, "report", "-o", "-", file)
		plain := sipsight(t, "report", "--show-secrets", "-o", "-", file)
		if strings.Count(masked.out, secret) != strings.Count(masked.out, secret+`***`) {
			t.Errorf("%s: a digest response is in the report", file)
		}
		if file == "udp-failures.pcapng" && strings.Count(plain.out, secret) == strings.Count(plain.out, secret+`***`) {
			t.Errorf("%s: --show-secrets shows none", file)
		}
	}
}

// TestReportCourses holds that a report has losses over time of the streams of calls in full, which
// add up to those of the streams, and of nothing else.
func TestReportCourses(t *testing.T) {
	captures(t)
	small := smallInput
	defer func() { smallInput = small }()
	for _, smallInput = range []int64{small, 0} {
		r := sipsight(t, "report", "-o", "-", "media-impaired.pcapng")
		_, data, _ := strings.Cut(r.out, `id="data">`)
		data, _, _ = strings.Cut(data, "</script>")
		var page struct {
			Full map[string]struct {
				Call struct {
					Media struct {
						Streams []struct{ Packets, Lost float64 }
					}
				}
				Courses []struct{ Points [][]float64 }
			}
		}
		if err := json.Unmarshal([]byte(data), &page); err != nil {
			t.Fatal(err)
		}
		call := page.Full["1"]
		if len(call.Courses) != 2 || len(call.Call.Media.Streams) != 2 {
			t.Fatalf("%d courses of %d streams", len(call.Courses), len(call.Call.Media.Streams))
		}
		for i, c := range call.Courses {
			packets, lost := 0.0, 0.0
			for _, p := range c.Points {
				packets, lost = packets+p[0], lost+p[1]
			}
			if s := call.Call.Media.Streams[i]; packets != s.Packets || lost != s.Lost || len(c.Points) < 10 {
				t.Errorf("%v: %v packets, %v lost of %+v", c.Points, packets, lost, s)
			}
		}
		for _, args := range []string{"--no-media", "--max-calls=0"} {
			if r := sipsight(t, "report", args, "-o", "-", "media-impaired.pcapng"); strings.Contains(r.out, `"courses":`) {
				t.Errorf("%s: there are courses", args)
			}
		}
	}
}

// TestREADMELadder holds that the ladder of the README is the one that is printed.
func TestREADMELadder(t *testing.T) {
	t.Chdir("../..")
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	r := sipsight(t, "flow", "--call", "1", "--alias", "127.0.0.10=proxy", "--alias", "127.0.0.11=alice", "--alias", "127.0.0.12=bob", "testdata/captures/proxy-call.pcapng")
	var indented strings.Builder
	for line := range strings.Lines(r.out) {
		if line != "\n" {
			line = "    " + line
		}
		indented.WriteString(line)
	}
	if r.code != exitOK || !strings.Contains(string(readme), indented.String()) {
		t.Errorf("exit code %d; the README does not show\n%s", r.code, indented.String())
	}
}

// TestReportOfURL: a report is handed on, and does not hold what signs the URLs of its captures.
func TestReportOfURL(t *testing.T) {
	captures(t)
	web := httptest.NewServer(http.FileServer(http.Dir(".")))
	defer web.Close()
	for secrets, want := range map[string]bool{"--show-secrets=false": false, "--show-secrets": true} {
		r := sipsight(t, "report", secrets, web.URL+"/register-digest.pcap?sig=Pa55w0rd", web.URL+"/none.pcap?sig=Pa55w0rd", web.URL+"/a blank.pcap?sig=Pa55w0rd", "-o", "-")
		if n := strings.Count(r.out, "Pa55w0rd"); r.code != exitPartial || (n > 0) != want || !strings.Contains(r.out, web.URL+"/register-digest.pcap?") || strings.Count(r.out, "answered 404 Not Found") == 0 {
			t.Errorf("%s: exit code %d, %d times there; %s", secrets, r.code, n, r.err)
		}
	}
	r := sipsight(t, "export", "tcp-calls.pcap", web.URL+"/udp-call.pcapng?scope=a/b&sig=Pa55w0rd", "-o", "-")
	if strings.Contains(r.out, "Pa55w0rd") || !strings.Contains(r.out, "from file 2 of 2: udp-call.pcapng?***") {
		t.Errorf("export: exit code %d; %q", r.code, r.err)
	}
}
