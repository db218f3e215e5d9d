package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"reflect"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
	"unicode/utf8"
)

// TestExitCodes holds the exit code of every situation, for every command that reads
// captures, and that what goes wrong is said on stderr and nowhere else.
func TestExitCodes(t *testing.T) {
	captures(t)
	fragments := [][]byte{request("INVITE", "0")}
	for i := range 40 {
		fragments = append(fragments, firstFragment(uint16(i), 60000))
	}
	if err := os.WriteFile("many-fragments.pcap", pcap(fragments...), 0o666); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name   string
		files  string
		code   int
		stderr int // lines
	}{
		{"whole", "udp-call.pcapng", exitOK, 0},
		{"whole, as JSON", "--json udp-call.pcapng", exitOK, 0},
		{"flags behind", "udp-call.pcapng --json", exitOK, 0},
		{"memory enough", "--max-memory 64M udp-call.pcapng", exitOK, 0},
		{"flags on both sides", "--no-urls udp-call.pcapng --json ipv6-call.pcapng --max-inflated=1M", exitOK, 0},
		{"one dash", "-json udp-call.pcapng", exitOK, 0},
		{"end of flags", "--json -- udp-call.pcapng", exitOK, 0},
		{"flags behind their end", "udp-call.pcapng -- --json", exitPartial, 1},
		{"flags behind a file behind their end", "-- udp-call.pcapng --json", exitPartial, 1},
		{"gzip", "zipped.pcapng", exitOK, 0},
		{"several", "udp-call.pcapng ipv6-call.pcapng nanosecond.pcap", exitOK, 0},
		{"cut packets", "snaplen-cut.pcap", exitOK, 0},
		{"odd SIP", "compact-and-folded.pcapng", exitOK, 0},
		{"cut", "cut.pcapng", exitPartial, 1},
		{"cut gzip", "cut.pcap.gz", exitPartial, 1},
		{"damaged", "damaged.pcap", exitPartial, 1},
		{"one of two missing", "udp-call.pcapng nowhere.pcap", exitPartial, 1},
		{"one of two is no capture", "notes.txt udp-call.pcapng", exitPartial, 1},
		{"three of four are no captures", "notes.txt key.bin folder udp-call.pcapng", exitPartial, 3},
		{"one of two cut", "udp-call.pcapng cut.pcapng", exitPartial, 1},
		{"inflate limit", "--max-inflated 2K zipped.pcapng", exitPartial, 1},
		{"a limit of the analysis", "--max-memory 64M many-fragments.pcap", exitPartial, 1},
		{"missing", "nowhere.pcap", exitFailed, 1},
		{"folder", "folder", exitFailed, 1},
		{"no octets", "no-octets.pcap", exitFailed, 1},
		{"text", "notes.txt", exitFailed, 1},
		{"all of two", "nowhere.pcap notes.txt", exitFailed, 2},
		{"URLs off", "--no-urls http://127.0.0.1:1/", exitFailed, 1},
		{"nobody listens", "http://127.0.0.1:1/", exitFailed, 1},
		{"empty stdin", "-", exitFailed, 1},
		{"no files", "", exitUsage, 2},
		{"only flags", "--json", exitUsage, 2},
		{"only the end of flags", "--", exitUsage, 2},
		{"unknown flag", "--frobnicate udp-call.pcapng", exitUsage, 2},
		{"unknown flag behind", "udp-call.pcapng --frobnicate", exitUsage, 2},
		{"bad value", "--max-inflated 0 udp-call.pcapng", exitUsage, 2},
		{"little memory", "--max-memory 1M udp-call.pcapng", exitUsage, 1},
		{"no size", "--max-memory much udp-call.pcapng", exitUsage, 2},
		{"stdin twice", "- udp-call.pcapng -", exitUsage, 1},
	}
	for _, command := range []string{"analyze", "info", "messages", "summary", "calls", "registrations", "call 1"} {
		for _, c := range tests {
			t.Run(command+"/"+c.name, func(t *testing.T) {
				r := sipsight(t, strings.Fields(command+" "+c.files)...)
				if command == "registrations" && r.code <= exitPartial && r.out == "" {
					r.out, r.err = "none", strings.Replace(r.err, "sipsight: there are no registrations in the capture\n", "", 1)
				}
				if r.code != c.code {
					t.Errorf("exit code %d, want %d; stderr %q", r.code, c.code, r.err)
				}
				if n := strings.Count(r.err, "\n"); n != c.stderr {
					t.Errorf("%d lines on stderr, want %d: %q", n, c.stderr, r.err)
				}
				if (r.code == exitOK || r.code == exitPartial) == (r.out == "") && !strings.Contains(c.files, "--json") {
					t.Errorf("exit code %d with %d octets on stdout", r.code, len(r.out))
				}
				checkErrors(t, r.err)
				if strings.Contains(r.out+r.err, "hunter2") {
					t.Error("the text of a file that is no capture is told")
				}
			})
		}
	}
}

// A limit of what is listed is told where it is listed.
func TestExitCodeOfNames(t *testing.T) {
	captures(t)
	many := [][]byte{request("INVITE", "0")}
	for i := range 10001 {
		many = append(many, request(fmt.Sprint("M", i), "1"))
	}
	if err := os.WriteFile("many-methods.pcap", pcap(many...), 0o666); err != nil {
		t.Fatal(err)
	}
	for command, want := range map[string]int{"analyze": exitPartial, "summary": exitPartial, "info": exitOK, "messages": exitOK} {
		if r := sipsight(t, command, "many-methods.pcap"); r.code != want || (want == exitPartial) != strings.Contains(r.err, "method-limit") {
			t.Errorf("%s: exit code %d, want %d; stderr %q", command, r.code, want, r.err)
		}
	}
}

// checkErrors holds that what is said on stderr is made of single sentences, fit for a
// terminal.
func checkErrors(t *testing.T, s string) {
	t.Helper()
	for line := range strings.Lines(s) {
		text, ok := strings.CutPrefix(line, "sipsight: ")
		if !ok && !strings.HasPrefix(line, "All flags are listed by: ") && !strings.HasPrefix(line, "usage: ") {
			t.Errorf("a strange line on stderr: %q", line)
		}
		if ok && len(strings.TrimSpace(text)) < 20 {
			t.Errorf("that says too little: %q", line)
		}
		if !utf8.ValidString(line) || strings.ContainsFunc(strings.TrimSuffix(line, "\n"), func(c rune) bool { return c < ' ' || c >= 0x7f && c < 0xa0 }) {
			t.Errorf("not fit for a terminal: %q", line)
		}
	}
}

// TestNamesAreCleaned holds that the name of a file cannot act on a terminal.
func TestNamesAreCleaned(t *testing.T) {
	captures(t)
	const name = "a\x1b[31m\u202eb\n"
	b, err := os.ReadFile("cut.pcapng")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, b, 0o666); err != nil {
		t.Skip("this file system refuses names with control characters:", err)
	}
	for _, args := range [][]string{
		{"analyze", name}, {"info", name}, {"messages", name}, {"analyze", name, "udp-call.pcapng"}, {"analyze", "--json", name}, {"info", "--json", name},
		{"messages", "--json", name, "udp-call.pcapng"}, {"messages", "--csv", name, "udp-call.pcapng"},
		{"messages", "x" + name}, {"messages", "x" + name, "y" + name}, {"analyze", "--json", "x" + name}, {"info", "--json", "x" + name},
		{"summary", name}, {"summary", "--json", name}, {"calls", name}, {"call", "1", name}, {"call", name, "udp-call.pcapng"}, {"calls", "--sort", name, "udp-call.pcapng"},
		{name}, {"help", name}, {"version", name}, {"messages", "--" + name}, {"messages", "--since", name}, {"messages", "--frame", name}, {"mcp", name + "/x"},
	} {
		r := sipsight(t, args...)
		if strings.ContainsAny(r.out+r.err, "\x1b\u202e") {
			t.Errorf("%q: %q %q", args, r.out, r.err)
		}
		if lines := strings.Count(r.err, "\n"); lines > 2 || r.code == exitOK {
			t.Errorf("%q: %d, %q", args, r.code, r.err)
		}
	}
}

// TestCrash holds that a panic ends a command with a code that is known, tells where it was, and
// nothing of what may be of the input.
func TestCrash(t *testing.T) {
	defer func(list []*command) { commands = list }(commands)
	t.Chdir(t.TempDir())
	for _, c := range []struct {
		name, want string
		crash      func()
	}{
		{"text", "crashHere", func() { crashHere("secret\x1b[31m") }},
		{"index", "index out of range [7] with length 3", func() { _ = []int{1, 2, 3}[seven] }},
	} {
		commands = []*command{{name: "crash", run: func(e *env, _ *command, _ []string) int {
			if _, err := e.newOutFile("a.txt", false, nil); err != nil {
				t.Error(err)
			}
			c.crash()
			return exitOK
		}}}
		r := sipsight(t, "crash")
		if left := folder(t, "."); left != "" {
			t.Errorf("%s: it left %s", c.name, left)
		}
		if r.code != exitFailed || r.out != "" || !strings.Contains(r.err, c.want) || !strings.Contains(r.err, "please report this") {
			t.Errorf("%s: %d, %q", c.name, r.code, r.err)
		}
		if strings.ContainsAny(r.err, "\x1b") || strings.Contains(r.err, "secret") {
			t.Errorf("%s: what is of the input is told: %q", c.name, r.err)
		}
	}
}

var seven = 7

//go:noinline
func crashHere(text string) { panic(text) }

// TestURLPasswords holds that the password of a URL is repeated nowhere, wherever the URL
// stands in the arguments.
func TestURLPasswords(t *testing.T) {
	captures(t)
	const url, masked = "http://user:hunter2@127.0.0.1/a.pcap", "http://***@127.0.0.1/a.pcap"
	commands := []string{"analyze", "info", "messages", "summary", "calls", "call 1", "registrations", "streams", "findings", "flow", "report -o out.html", "export -o out.pcap"}
	for _, command := range commands {
		for _, more := range []string{"", "--json", "--csv", "--filter=" + url, "--no-urls", "udp-call.pcapng", "--json udp-call.pcapng", "other.pcap"} {
			args := strings.Fields(command + " " + url + " " + more)
			r := sipsight(t, args...)
			if strings.Contains(r.out+r.err, "hunter2") {
				t.Errorf("%q: %q %q", args, r.out, r.err)
			}
			if r.code == exitUsage {
				continue
			}
			if want := exitFailed; r.code != want && !strings.Contains(more, "udp-call") {
				t.Errorf("%q: exit code %d, %q", args, r.code, r.err)
			}
			if command != "export -o out.pcap" && !strings.Contains(r.err, masked+": ") {
				t.Errorf("%q does not say which URL: %q", args, r.err)
			}
			os.Remove("out.html")
		}
	}
	for _, args := range [][]string{
		{url}, {"help", url}, {"version", url}, {"mcp", url}, {"call", url, "udp-call.pcapng"}, {"messages", "--since", url, "a"}, {"messages", "--since=" + url, "a"},
		{"calls", "--sort=" + url, "a"}, {"flow", "-o", url, "udp-call.pcapng"}, {"export", "--hep", url, "udp-call.pcapng"}, {"messages", "ftp://user:hunter2@127.0.0.1/a.pcap"},
	} {
		if r := sipsight(t, args...); strings.Contains(r.out+r.err, "hunter2") || !strings.Contains(r.err, "://***@127.0.0.1") {
			t.Errorf("%q: %d, %q %q", args, r.code, r.out, r.err)
		}
	}
}

// TestHelp holds that everything a command takes is in its help, that help goes to stdout,
// and that asking for it in any way gives the same.
func TestHelp(t *testing.T) {
	whole := sipsight(t, "help")
	for _, args := range [][]string{{"-h"}, {"--help"}, {"-help"}} {
		if r := sipsight(t, args...); r != whole {
			t.Errorf("%v differs from help", args)
		}
	}
	if whole.code != exitOK || whole.err != "" {
		t.Errorf("help: %d, %q", whole.code, whole.err)
	}
	if r := sipsight(t); r.code != exitUsage || r.out != "" || r.err != whole.out {
		t.Errorf("no command: %d, %q on stdout", r.code, r.out)
	}
	for _, c := range commands {
		want := sipsight(t, "help", c.name)
		for _, args := range [][]string{{c.name, "-h"}, {c.name, "--help"}, {c.name, "a.pcap", "-h"}, {c.name, "-help", "--frobnicate"}} {
			if r := sipsight(t, args...); r != want {
				t.Errorf("%v differs from help %s", args, c.name)
			}
		}
		if want.code != exitOK || want.err != "" || !strings.HasPrefix(want.out, "usage: sipsight "+c.name) || !strings.Contains(words(want.out), words(c.long)) {
			t.Errorf("help %s: %d, %q, %q", c.name, want.code, want.out, want.err)
		}
		if !strings.Contains(whole.out, "\n  "+c.name+" ") {
			t.Errorf("help does not list %s", c.name)
		}
		for _, x := range c.example {
			if !strings.Contains(x, "sipsight "+c.name) {
				t.Errorf("the example %q does not show %s", x, c.name)
			}
		}
		for line := range strings.Lines(want.out) {
			if n := utf8.RuneCountInString(line); n > 101 {
				t.Errorf("help %s has a line of %d characters: %s", c.name, n, line)
			}
		}
	}
}

func TestVersion(t *testing.T) {
	want := sipsight(t, "version")
	if want.code != exitOK || want.err != "" || !strings.HasPrefix(want.out, "sipsight ") || strings.Count(want.out, "\n") != 1 {
		t.Errorf("%+v", want)
	}
	for _, arg := range []string{"--version", "-version"} {
		if r := sipsight(t, arg); r != want {
			t.Errorf("%s: %+v", arg, r)
		}
	}
	defer func(v string) { version = v }(version)
	version = "v1.2.3"
	if r := sipsight(t, "version"); !strings.HasPrefix(r.out, "sipsight v1.2.3 (go") {
		t.Errorf("of a release: %q", r.out)
	}
}

// TestWriteErrors holds that an output that cannot be written ends the run with 4: with a
// word on it, unless it is the reader who went away.
func TestWriteErrors(t *testing.T) {
	captures(t)
	for _, args := range []string{
		"analyze udp-call.pcapng", "analyze --json udp-call.pcapng", "analyze --json no-sip.pcap", "analyze --json nowhere.pcap",
		"info udp-call.pcapng", "info --json udp-call.pcapng", "messages udp-call.pcapng", "messages --json udp-call.pcapng",
		"messages --csv udp-call.pcapng", "summary udp-call.pcapng", "summary --json udp-call.pcapng", "calls udp-call.pcapng", "calls --json udp-call.pcapng", "calls --csv udp-call.pcapng",
		"registrations register-digest.pcap", "call 1 udp-call.pcapng", "call --json 1 udp-call.pcapng", "messages --raw tcp-calls.pcap", "messages --json -", "help", "help messages", "info -h", "version",
	} {
		for _, c := range []struct {
			err  error
			want string
		}{
			{syscall.EPIPE, ""},
			{&os.PathError{Op: "write", Path: "|1", Err: syscall.EPIPE}, ""},
			{syscall.ENOSPC, "sipsight: writing the output failed: " + syscall.ENOSPC.Error() + "\n"},
			{errors.New("the disk\nis on fire"), "sipsight: writing the output failed: the disk\\x0ais on fire\n"},
		} {
			for _, room := range []int{0, 1, 20} {
				b, err := os.ReadFile("udp-call.pcapng")
				if err != nil {
					t.Fatal(err)
				}
				var stderr bytes.Buffer
				code := run(t.Context(), strings.Fields(args), bytes.NewReader(b), &brokenWriter{room, c.err}, &stderr)
				got := stderr.String()
				if strings.Contains(args, "nowhere") {
					_, got, _ = strings.Cut(got, "\n")
				}
				if code != exitFailed || got != c.want {
					t.Errorf("%s, %v: exit code %d, %q", args, c.err, code, got)
				}
			}
		}
	}
}

// TestInterruptedAtOnce: of one packet there is one.
func TestInterruptedAtOnce(t *testing.T) {
	captures(t)
	b, err := os.ReadFile("udp-call.pcapng")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	over := make(chan struct{})
	defer close(over)
	var stdout, stderr bytes.Buffer
	run(ctx, []string{"info", "-"}, &interrupter{b[:1000], cancel, over}, &stdout, &stderr)
	if got := stderr.String(); got != "sipsight: interrupted; the result covers the 1 packet read so far\n" {
		t.Error(got)
	}
}

// TestInterrupted holds that an interrupted run gives what it has, and says so.
func TestInterrupted(t *testing.T) {
	captures(t)
	b, err := os.ReadFile("udp-call.pcapng")
	if err != nil {
		t.Fatal(err)
	}
	for _, args := range []string{"messages -", "messages --json -", "analyze -", "analyze --json -", "info -", "info --json -",
		"summary -", "summary --json -", "calls -", "calls --json -", "calls --csv -", "call 1 -", "call --json 1 -"} {
		t.Run(args, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			over := make(chan struct{})
			defer close(over)
			var stdout, stderr bytes.Buffer
			code := run(ctx, strings.Fields(args), &interrupter{bytes.Clone(b[:5000]), cancel, over}, &stdout, &stderr)
			if code != exitPartial || stderr.String() != "sipsight: interrupted; the result covers the 10 packets read so far\n" {
				t.Errorf("exit code %d, %q", code, stderr.String())
			}
			if !strings.Contains(stdout.String(), "INVITE") && !strings.Contains(stdout.String(), "UDP") && !strings.Contains(stdout.String(), "call-2") {
				t.Errorf("nothing is there: %q", stdout.String())
			}
			for line := range bytes.Lines(stdout.Bytes()) {
				if strings.Contains(args, "--json") && !json.Valid(line) {
					t.Errorf("that is no JSON: %s", line)
				}
			}
			said := "not read to its end"
			if strings.Contains(args, "--json") {
				said = `"complete":false`
			}
			if whole := strings.HasPrefix(args, "info") || strings.HasPrefix(args, "summary"); whole && !strings.Contains(strings.Join(strings.Fields(stdout.String()), " "), said) {
				t.Errorf("it does not say that it is not whole: %s", stdout.String())
			}
		})
	}
	// Interrupted before it began.
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var stderr bytes.Buffer
	if code := run(ctx, []string{"messages", "udp-call.pcapng"}, nil, io.Discard, &stderr); code != exitFailed || stderr.String() != "sipsight: udp-call.pcapng: interrupted\n" {
		t.Errorf("interrupted before it began: %d, %q", code, stderr.String())
	}
	stderr.Reset()
	if run(t.Context(), []string{"messages", "context canceled.pcap"}, nil, io.Discard, &stderr); stderr.String() != "sipsight: context canceled.pcap: no such file; check the path\n" {
		t.Errorf("a name that reads so: %q", stderr.String())
	}
}

// TestLive holds that a message of a pipe is printed before the next packet comes.
func TestLive(t *testing.T) {
	b := pcap(request("INVITE", "1"), request("ACK", "1"), request("BYE", "1"))
	size := (len(b) - 24 - 3*16 - len(request("INVITE", "1"))) // of the two smaller packets
	first := len(b) - size - 2*16
	for _, format := range [][]string{{"--json"}, {"--csv"}, {}, {"--raw"}} {
		t.Run(strings.Join(format, " "), func(t *testing.T) {
			in, feed := io.Pipe()
			printed, out := io.Pipe()
			done := make(chan int)
			go func() {
				code := run(t.Context(), append([]string{"messages", "-"}, format...), in, out, io.Discard)
				out.Close()
				done <- code
			}()
			go feed.Write(b[:first]) // and no more until the first message was seen
			var seen []byte
			for p := make([]byte, 4096); !bytes.Contains(seen, []byte("INVITE")); {
				n, err := printed.Read(p)
				if err != nil {
					t.Fatalf("%q, %v", seen, err)
				}
				seen = append(seen, p[:n]...)
			}
			if bytes.Contains(seen, []byte("BYE")) {
				t.Fatal("the end was seen before it was there")
			}
			go func() {
				feed.Write(b[first:])
				feed.Close()
			}()
			rest, err := io.ReadAll(printed)
			if err != nil || !bytes.Contains(rest, []byte("BYE")) {
				t.Errorf("%q, %v", rest, err)
			}
			if code := <-done; code != exitOK {
				t.Errorf("exit code %d", code)
			}
		})
	}
}

// TestStreams holds that a capture reads the same from a file, standard input and a URL,
// plain and gzip.
func TestStreams(t *testing.T) {
	captures(t)
	b, err := os.ReadFile("tcp-segmented.pcap")
	if err != nil {
		t.Fatal(err)
	}
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/plain":
			w.Write(b)
		case "/zipped":
			w.Write(zipped(b))
		default:
			http.Error(w, "hunter2", http.StatusForbidden)
		}
	}))
	defer web.Close()
	for _, args := range [][]string{{"messages", "--json"}, {"messages", "--csv"}, {"messages", "--raw"}, {"analyze", "--json"}, {"calls", "--json"}, {"call", "--json", "1"}} {
		want := sipsight(t, append(args, "tcp-segmented.pcap")...)
		if want.code != exitOK || want.out == "" {
			t.Fatalf("%v: %+v", args, want)
		}
		for _, name := range []string{web.URL + "/plain", web.URL + "/zipped"} {
			r := sipsight(t, append(args, name)...)
			if r.code != exitOK || r.err != "" || same(r.out) != same(want.out) {
				t.Errorf("%v %s: %d, %s", args, name, r.code, r.err)
			}
		}
		for _, in := range [][]byte{b, zipped(b)} {
			r := sipsightOn(t, bytes.NewReader(in), append(args, "-")...)
			if r.code != exitOK || r.err != "" || same(r.out) != same(want.out) {
				t.Errorf("%v -: %d, %s", args, r.code, r.err)
			}
		}
	}
	r := sipsight(t, "messages", web.URL+"/secret")
	if r.code != exitFailed || r.err != "sipsight: "+web.URL+"/secret: the server answered 403 Forbidden; check the URL\n" {
		t.Errorf("refused: %d, %q", r.code, r.err)
	}
	r = sipsight(t, "messages", "--max-download", "10K", web.URL+"/plain")
	if r.code != exitPartial || r.out == "" || !strings.Contains(r.err, "raise it with --max-download") {
		t.Errorf("over the limit: %d, %q", r.code, r.err)
	}
}

// same leaves out of an output what names the file and the time.
func same(out string) string {
	if i := strings.Index(out, `"total_packets_in_file"`); i > 0 && strings.HasPrefix(out, `{"file":`) {
		return out[i:]
	}
	return out
}

// TestSecondReading holds that what does not fit in memory is read a second time, and reads
// the same; of a stream the first part is described.
func TestSecondReading(t *testing.T) {
	captures(t)
	for _, args := range [][]string{{"tcp-calls.pcap"}, {"--max-packets", "30", "tcp-calls.pcap"}, {"udp-call.pcapng", "ipv6-call.pcapng"}, {"cut.pcapng"}} {
		args := append([]string{"analyze", "--json"}, args...)
		want := sipsight(t, args...)
		func() {
			defer func(n int) { maxBuffered = n }(maxBuffered)
			maxBuffered = 2000
			got := sipsight(t, args...)
			if got.code != want.code {
				t.Errorf("%v: exit code %d, want %d", args, got.code, want.code)
			}
			var a, b map[string]any
			if err := errors.Join(json.Unmarshal([]byte(got.out), &a), json.Unmarshal([]byte(want.out), &b)); err != nil {
				t.Fatal(err)
			}
			delete(a, "analysis_timestamp")
			delete(b, "analysis_timestamp")
			if !reflect.DeepEqual(a, b) {
				t.Errorf("%v differs", args)
			}
			f, err := os.Open("tcp-calls.pcap")
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			got = sipsightOn(t, f, "analyze", "--json", "-")
			if got.code != exitOK || !json.Valid([]byte(got.out)) || !strings.Contains(got.out, "a stream cannot be read twice") {
				t.Errorf("a stream: %d, %q", got.code, got.err)
			}
			var stderr bytes.Buffer
			if code := run(t.Context(), args, nil, &brokenWriter{1000, syscall.ENOSPC}, &stderr); code != exitFailed {
				t.Errorf("%v, nowhere to write: %d, %q", args, code, stderr.String())
			}
		}()
	}
}

// A listed is what the tests look at in a message.
type listed struct {
	Number int             `json:"number"`
	Frame  json.RawMessage `json:"frame"`
	Time   time.Time       `json:"time"`
}

// messages lists messages as JSON and decodes them.
func messages(t *testing.T, args ...string) (list []listed) {
	t.Helper()
	r := sipsight(t, append([]string{"messages", "--json"}, args...)...)
	if r.code != exitOK {
		t.Fatalf("%v: %d, %s", args, r.code, r.err)
	}
	for line := range strings.Lines(r.out) {
		var m listed
		if err := json.Unmarshal([]byte(line), &m); err != nil {
			t.Fatal(err)
		}
		list = append(list, m)
	}
	return list
}

// TestQueries holds that --since, --until, --frame and --limit choose as they say: each
// message is listed by the query for its time and for its frame, and by no other.
func TestQueries(t *testing.T) {
	captures(t)
	const name = "udp-failures.pcapng"
	all := messages(t, name)
	if len(all) != 39 {
		t.Fatalf("%d messages", len(all))
	}
	for i, m := range all {
		if i%4 != 2 { // some will do
			continue
		}
		at := m.Time.Format(time.RFC3339Nano)
		if got := messages(t, "--since", at, name); len(got) != len(all)-i || got[0].Number != m.Number {
			t.Errorf("since %s: %d messages", at, len(got))
		}
		if got := messages(t, name, "--until", at); len(got) != i+1 || got[i].Number != m.Number {
			t.Errorf("until %s: %d messages", at, len(got))
		}
		epoch := fmt.Sprintf("%d.%09d", m.Time.Unix(), m.Time.Nanosecond())
		if got := messages(t, "--since", epoch, "--until", epoch, name); len(got) != 1 || got[0].Number != m.Number {
			t.Errorf("at %s: %v", epoch, got)
		}
		if got := messages(t, "--frame", string(m.Frame), name); len(got) != 1 || got[0].Number != m.Number {
			t.Errorf("frame %s: %v", m.Frame, got)
		}
		if got := messages(t, "--limit", fmt.Sprint(i+1), name); len(got) != i+1 || got[i].Number != m.Number {
			t.Errorf("the first %d: %d", i+1, len(got))
		}
	}
	if got := messages(t, "--limit", "0", name); len(got) != len(all) {
		t.Errorf("a limit of 0: %d messages", len(got))
	}
	if got := messages(t, "--limit", "2", "--since", all[10].Time.Format(time.RFC3339Nano), name); len(got) != 2 || got[0].Number != 11 {
		t.Errorf("a limit behind a time: %v", got)
	}
}

// TestCallQueries holds the edges of --since, --until and --limit for lists of records.
func TestCallQueries(t *testing.T) {
	captures(t)
	const name = "udp-failures.pcapng"
	var starts []string
	for line := range strings.Lines(sipsight(t, "calls", "--json", name).out) {
		var c struct {
			Start string `json:"start"`
		}
		if err := json.Unmarshal([]byte(line), &c); err != nil {
			t.Fatal(err)
		}
		starts = append(starts, c.Start)
	}
	if len(starts) != 6 {
		t.Fatalf("%d calls", len(starts))
	}
	for i, at := range starts {
		for _, c := range []struct {
			args    []string
			listed  int
			leftOut bool
		}{
			{[]string{"--since", at}, 6 - i, false},
			{[]string{"--until", at}, i + 1, false},
			{[]string{"--since", at, "--until", at}, 1, false},
			{[]string{"--limit", fmt.Sprint(i + 1)}, i + 1, i < 5},
			{[]string{"--limit", fmt.Sprint(i + 7)}, 6, false},
		} {
			r := sipsight(t, slices.Concat([]string{"calls", "--json", name}, c.args)...)
			if n := strings.Count(r.out, "\n"); r.code != exitOK || n != c.listed || (r.err != "") != c.leftOut {
				t.Errorf("%v: exit code %d, %d calls, %q", c.args, r.code, n, r.err)
			}
		}
	}
}

// TestCSV holds that the table is one that programs read, with as many cells in each line.
func TestCSV(t *testing.T) {
	captures(t)
	r := sipsight(t, "messages", "--csv", "udp-failures.pcapng", "long-headers.pcapng")
	rows, err := csv.NewReader(strings.NewReader(r.out)).ReadAll()
	if err != nil || len(rows) < 40 || r.code != exitOK {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	if !slices.Contains(rows[0], "call_id") || rows[1][0] != "1" {
		t.Errorf("it begins %q", rows[:2])
	}
}

// TestTwice holds that two runs print the same.
func TestTwice(t *testing.T) {
	captures(t)
	for _, args := range []string{"messages --json", "messages --csv", "messages --raw", "info", "info --json", "analyze", "summary", "summary --json", "calls", "calls --json", "calls --csv", "call 1", "call --json 2"} {
		args := append(strings.Fields(args), "tcp-calls.pcap", "udp-call.pcapng", "cut.pcapng")
		if a, b := sipsight(t, args...), sipsight(t, args...); a != b {
			t.Errorf("%v prints two things", args)
		}
	}
}

// TestMCP holds that the server answers on stdout alone, and ends well with its input.
func TestMCP(t *testing.T) {
	captures(t)
	in := `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}` + "\n" +
		`{"jsonrpc":"2.0","method":"notifications/initialized"}` + "\n" +
		`{"jsonrpc":"2.0","id":2,"method":"tools/list"}` + "\n"
	r := sipsightOn(t, strings.NewReader(in), "mcp", "--max-packets", "5", ".")
	if r.code != exitOK || r.err != "" {
		t.Fatalf("%d, %q", r.code, r.err)
	}
	for line := range strings.Lines(r.out) {
		if !json.Valid([]byte(line)) {
			t.Errorf("no JSON: %s", line)
		}
	}
	if !strings.Contains(r.out, `"analyze_sip_packets"`) || strings.Count(r.out, "\n") != 2 {
		t.Errorf("%s", r.out)
	}
	var stderr bytes.Buffer
	if code := run(t.Context(), []string{"mcp"}, strings.NewReader(in), &brokenWriter{0, syscall.ENOSPC}, &stderr); code != exitFailed {
		t.Errorf("nothing can be written: %d, %q", code, stderr.String())
	}
}
