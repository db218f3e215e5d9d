package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/sipsight/sipsight/internal/capgen"
	"github.com/sipsight/sipsight/pcapng"
)

// streamed are the commands that read a stream, in every format.
var streamed = []string{
	"analyze", "analyze --json", "info", "info --json", "summary", "summary --json", "messages", "messages --json", "messages --csv", "messages --raw",
	"calls", "calls --json", "calls --csv", "call 1", "call 1 --json", "registrations", "streams", "findings", "findings --json", "flow", "report -o -",
}

// smallStreams are captures of three calls, in several formats.
func smallStreams() map[string][]byte {
	packets := [][]byte{request("INVITE", "a"), request("INVITE", "b"), request("INVITE", "c")}
	plain := pcap(packets...)
	return map[string][]byte{"pcap": plain, "pcapng": ng(plainPacket("a"), plainPacket("b"), plainPacket("c")), "gzip": zipped(plain)}
}

// TestShortReads holds that no command cares in what pieces a capture comes.
func TestShortReads(t *testing.T) {
	for format, b := range smallStreams() {
		for _, command := range streamed {
			args := append(strings.Fields(command), "-")
			want := sipsightOn(t, bytes.NewReader(b), args...)
			if want.code != exitOK || want.out == "" && command != "registrations" && command != "streams" {
				t.Fatalf("%s of %s: %d, %q", command, format, want.code, want.err)
			}
			for name, reader := range map[string]func(io.Reader) io.Reader{"one octet": iotest.OneByteReader, "half": iotest.HalfReader, "an end with octets": iotest.DataErrReader} {
				if r := sipsightOn(t, reader(bytes.NewReader(b)), args...); r.code != want.code || r.err != want.err || timestamp.ReplaceAllString(r.out, "") != timestamp.ReplaceAllString(want.out, "") {
					t.Errorf("%s of %s, %s: %d, %q", command, format, name, r.code, r.err)
				}
			}
		}
	}
}

// TestReadErrors lets reading fail behind every octet: what came before is in the result, the
// error is told, and the exit code is 3, or 4 where not even the header came.
func TestReadErrors(t *testing.T) {
	broken := errors.New("the disk is broken")
	for format, b := range smallStreams() {
		whole := sipsightOn(t, bytes.NewReader(b), "messages", "--json", "-").out
		opened := false
		for n := range len(b) {
			r := sipsightOn(t, io.MultiReader(bytes.NewReader(b[:n]), iotest.ErrReader(broken)), "messages", "--json", "-")
			opened = opened || r.code == exitPartial
			switch {
			case !opened && (r.code != exitFailed || r.out != ""), opened && r.code != exitPartial, !strings.HasPrefix(whole, r.out):
				t.Errorf("%s, behind octet %d: exit code %d, %q", format, n, r.code, r.out)
			case strings.Count(r.err, "\n") != 1 || !strings.Contains(r.err, broken.Error()):
				t.Errorf("%s, behind octet %d: %q", format, n, r.err)
			}
		}
		if !opened {
			t.Errorf("%s was never opened", format)
		}
		for _, command := range streamed {
			args := append(strings.Fields(command), "-")
			r := sipsightOn(t, io.MultiReader(bytes.NewReader(b[:len(b)-5]), iotest.ErrReader(broken)), args...)
			if r.code != exitPartial || !strings.Contains(r.err, broken.Error()) {
				t.Errorf("%s of %s: exit code %d, %q", command, format, r.code, r.err)
			}
			if strings.HasSuffix(command, "--json") && command != "calls --json" && command != "messages --json" && command != "findings --json" && command != "call 1 --json" && !strings.Contains(r.out, `"complete":false`) {
				t.Errorf("%s of %s is called complete", command, format)
			}
		}
	}
}

// A badServer answers badly, by the path it is asked for.
func badServer(t *testing.T, b []byte) *httptest.Server {
	over := make(chan struct{})
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		flush := w.(http.Flusher).Flush
		wait := func() {
			flush()
			select {
			case <-r.Context().Done():
			case <-over:
			}
		}
		switch r.URL.Path {
		case "/silent":
			select {
			case <-r.Context().Done():
			case <-over:
			}
		case "/stalls":
			w.Write(b)
			wait()
		case "/endless":
			for w.Write(b); ; {
				if _, err := w.Write(record(1000, make([]byte, 1000))); err != nil {
					return
				}
			}
		case "/short": // fewer octets than it said
			w.Header().Set("Content-Length", fmt.Sprint(len(b)+100))
			w.Write(b)
		case "/encoded":
			w.Header().Set("Content-Encoding", "gzip")
			w.Write(zipped(b))
		case "/page":
			io.WriteString(w, "<html>hunter2</html>")
		}
	}))
	t.Cleanup(func() {
		close(over)
		web.Close()
	})
	return web
}

// TestBadServers holds what comes of URLs whose servers are silent, stall, never end, end
// early, or send something else; and that an interrupt ends the waiting for them.
func TestBadServers(t *testing.T) {
	web := badServer(t, pcap(request("INVITE", "a"), request("INVITE", "b")))
	for _, c := range []struct {
		args     string
		code     int
		messages int
		want     string
	}{
		{"--max-download 300K " + web.URL + "/endless", exitPartial, 2, "the download limit was met; raise it with --max-download"},
		{web.URL + "/short", exitPartial, 2, "the server ended the body early"},
		{web.URL + "/encoded", exitFailed, 0, "a content encoding, though none was asked for"},
		{web.URL + "/page", exitFailed, 0, "not a capture that can be read: this looks like a text file"},
	} {
		r := sipsight(t, append([]string{"messages", "--json"}, strings.Fields(c.args)...)...)
		if r.code != c.code || strings.Count(r.out, "\n") != c.messages || !strings.Contains(r.err, c.want) || strings.Contains(r.err, "hunter2") {
			t.Errorf("%s: %d, %q, %q", c.args, r.code, r.out, r.err)
		}
	}
	for path, code := range map[string]int{"/silent": exitFailed, "/stalls": exitPartial} {
		before := runtime.NumGoroutine()
		ctx, cancel := context.WithCancel(t.Context())
		var stdout, stderr bytes.Buffer
		ended := make(chan int)
		go func() { ended <- run(ctx, []string{"summary", "--json", web.URL + path}, nil, &stdout, &stderr) }()
		time.AfterFunc(100*time.Millisecond, cancel)
		select {
		case got := <-ended:
			if got != code || code == exitPartial && (!strings.Contains(stdout.String(), `"messages":2`) || !strings.Contains(stderr.String(), "interrupted")) {
				t.Errorf("%s, interrupted: %d, %q, %q", path, got, stdout.String(), stderr.String())
			}
		case <-time.After(10 * time.Second):
			t.Fatalf("%s: an interrupt does not end it", path)
		}
		for range 100 {
			if runtime.NumGoroutine() <= before+2 { // those of the server
				break
			}
			time.Sleep(10 * time.Millisecond)
		}
		if n := runtime.NumGoroutine(); n > before+2 {
			t.Errorf("%s: %d goroutines were left", path, n-before)
		}
	}
}

// TestClockSteps holds that a clock that steps while a capture is taken, back or far ahead,
// makes no duration negative and no time what JSON cannot say, and loses no message.
func TestClockSteps(t *testing.T) {
	t.Chdir(t.TempDir())
	ladder := capgen.Ladder{}
	packets := ladder.Packets("A = 10.0.0.1:5060\nB = 10.0.0.2:5060\n" +
		"0 A > B INVITE sdp\n+.1 B > A 180\n+1 B > A 200 sdp\n+.1 A > B ACK\n+.1 A > B RTP n=20 ssrc=1\n+5 A > B BYE\n+.1 B > A 200\n" +
		"+1 A > B REGISTER id=r new\n+.1 B > A 200 id=r\n+1 A > B INVITE id=f new\n+.1 B > A 503 id=f\n+.1 A > B ACK id=f\n")
	steps := map[string]func(i int, at time.Time) time.Time{
		"a second back, each time": func(i int, at time.Time) time.Time { return at.Add(time.Duration(-2*i) * time.Second) },
		"an hour back in the middle": func(i int, at time.Time) time.Time {
			if i >= 2 {
				at = at.Add(-time.Hour)
			}
			return at
		},
		"to and fro": func(i int, at time.Time) time.Time { return at.Add(time.Duration(i%2) * -time.Minute) },
		"to the beginning of all time": func(i int, at time.Time) time.Time {
			if i >= 3 {
				at = time.Unix(0, 0)
			}
			return at
		},
		"far ahead": func(i int, at time.Time) time.Time {
			if i == 4 {
				at = time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)
			}
			return at
		},
		"none at all": func(int, time.Time) time.Time { return time.Time{} },
	}
	for name, step := range steps {
		var b bytes.Buffer
		w, err := pcapng.NewWriter(&b, pcapng.Section{})
		if err == nil {
			_, err = w.AddInterface(pcapng.Interface{LinkType: packets[0].Link, TsResol: 6, FCSLen: -1})
		}
		for i, p := range packets {
			at := step(i, p.Time)
			if err == nil && at.IsZero() { // a simple packet has no time
				err = w.Write(pcapng.Packet{Block: pcapng.SimplePacket, OrigLen: int64(len(p.Data)), Data: []byte(p.Data)})
			} else if err == nil {
				err = w.Write(pcapng.Packet{Time: at, TimeOK: true, OrigLen: int64(len(p.Data)), Data: []byte(p.Data)})
			}
		}
		if err == nil {
			err = os.WriteFile("a.pcapng", b.Bytes(), 0o666)
		}
		if err != nil {
			t.Fatal(name, err)
		}
		messages := strings.Count(sipsight(t, "messages", "--json", "a.pcapng").out, "\n")
		if messages != 11 {
			t.Errorf("%s: %d messages", name, messages)
		}
		for _, command := range []string{"analyze", "info", "summary", "messages", "calls", "call 1", "call 2", "registrations", "streams", "findings"} {
			r := sipsight(t, append(strings.Fields(command), "--json", "a.pcapng")...)
			if r.code != exitOK || r.out == "" && command != "findings" {
				t.Errorf("%s: %s: exit code %d, %q", name, command, r.code, r.err)
			}
			for line := range strings.Lines(r.out) {
				var v any
				if err := json.Unmarshal([]byte(line), &v); err != nil {
					t.Errorf("%s: %s: %v: %s", name, command, err, line)
				}
				if key := negative("", v); key != "" {
					t.Errorf("%s: %s: %s is negative: %.300s", name, command, key, line)
				}
			}
		}
		for _, args := range []string{"calls", "call 1", "flow", "flow --time delta", "flow --time absolute", "report -o -", "summary", "streams"} {
			if r := sipsight(t, append(strings.Fields(args), "a.pcapng")...); r.code != exitOK {
				t.Errorf("%s: %s: exit code %d, %q", name, args, r.code, r.err)
			}
		}
	}
}

// negative returns a key of a duration or a count that is negative. What compares a clock with
// another one may be.
func negative(key string, v any) string {
	switch v := v.(type) {
	case float64:
		if v < 0 && key != "clock_drift_ppm" && key != "skew_ms" {
			return key
		}
	case []any:
		for _, x := range v {
			if bad := negative(key, x); bad != "" {
				return bad
			}
		}
	case map[string]any:
		for k, x := range v {
			if bad := negative(k, x); bad != "" {
				return bad
			}
		}
	}
	return ""
}
