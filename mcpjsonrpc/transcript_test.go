package mcpjsonrpc_test

import (
	"flag"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

var update = flag.Bool("update", false, "rewrite the transcripts")

// TestTranscripts plays testdata/*.txt. A transcript is prose, and
//
//	> a line that the client sends
//	>> "octets that the client sends, as Go writes them"
//	@ 250ms          time passes
//	@ eof            the input ends
//	< a line that the server answers
func TestTranscripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no transcripts: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var got string
			synctest.Test(t, func(t *testing.T) { got = play(t, string(text)) })
			if got == string(text) {
				return
			}
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o666); err != nil {
					t.Fatal(err)
				}
				return
			}
			g, w := strings.Split(got, "\n"), strings.Split(string(text), "\n")
			for i := range min(len(g), len(w)) {
				if g[i] != w[i] {
					t.Fatalf("%s:%d\n got %s\nwant %s", file, i+1, g[i], w[i])
				}
			}
			t.Fatalf("%s: got %d lines, want %d", file, len(g), len(w))
		})
	}
}

// play returns the transcript with the answers of the toy server.
func play(t *testing.T, text string) string {
	k := begin(t, toy())
	var b strings.Builder
	ended := false
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "< ") {
			continue
		}
		b.WriteString(line)
		line = strings.TrimSuffix(line, "\n")
		var answers []string
		if quoted, ok := strings.CutPrefix(line, ">> "); ok {
			octets, err := strconv.Unquote(quoted)
			if err != nil {
				t.Fatalf("%s: %v", line, err)
			}
			answers = k.send(octets)
		} else if message, ok := strings.CutPrefix(line, "> "); ok {
			answers = k.send(message + "\n")
		} else if line == "@ eof" {
			answers = k.eof()
			ended = true
		} else if d, ok := strings.CutPrefix(line, "@ "); ok {
			d, err := time.ParseDuration(d)
			if err != nil {
				t.Fatal(err)
			}
			answers = k.pass(d)
		}
		for _, a := range answers {
			b.WriteString("< " + a + "\n")
		}
	}
	if !ended {
		for _, a := range k.eof() {
			b.WriteString("< " + a + "\n")
		}
	}
	return b.String()
}
