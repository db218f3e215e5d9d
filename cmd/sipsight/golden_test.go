package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/sipsight/sipsight/internal/golden"
)

// TestTranscripts plays testdata/*.txt. A transcript is prose, and lines such as
//
//	$ sipsight info call.pcap
//
// What the command prints follows, indented by four blanks: what goes to stderr behind
// "! ", an exit code other than 0 as "exit 3" at the end. Behind "| jq ." JSON is indented.
func TestTranscripts(t *testing.T) {
	names := golden.Names(t, "testdata/*.txt")
	captures(t)
	golden.Play(t, names, play)
}

// play returns a transcript with what its commands print today.
func play(t *testing.T, text string) string {
	var b strings.Builder
	shown := false
	for line := range strings.Lines(text) {
		if shown && (line == "\n" || strings.HasPrefix(line, "    ")) {
			continue
		}
		if shown {
			b.WriteString("\n")
		}
		b.WriteString(line)
		command, ok := strings.CutPrefix(line, "$ sipsight")
		if shown = ok; ok {
			show(t, &b, command)
		}
	}
	return b.String()
}

// timestamp is the one thing in an output that is not that of the capture.
var timestamp = regexp.MustCompile(`("analysis_timestamp": ?)"[^"]*"`)

func show(t *testing.T, b *strings.Builder, command string) {
	command, pretty := strings.CutSuffix(strings.TrimSpace(command), "| jq .")
	r := sipsight(t, strings.Fields(command)...)
	out := strings.ReplaceAll(r.out, "\r\n", "\n")
	if pretty {
		out = indent(t, out)
	}
	out = timestamp.ReplaceAllString(out, `$1"…"`)
	for line := range strings.Lines(out) {
		if line != "\n" {
			line = "    " + line
		}
		b.WriteString(line)
	}
	for line := range strings.Lines(r.err) {
		b.WriteString(strings.TrimRight("    ! "+line, " \n") + "\n")
	}
	if r.code != 0 {
		fmt.Fprintf(b, "    exit %d\n", r.code)
	}
}

// indent makes lines of JSON readable.
func indent(t *testing.T, s string) string {
	var b bytes.Buffer
	for line := range strings.Lines(s) {
		if err := json.Indent(&b, []byte(line), "", "  "); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
	}
	return b.String()
}

// TestREADME holds that what the README shows is what is printed.
func TestREADME(t *testing.T) {
	t.Chdir("../..")
	b, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	readme := string(b)
	_, shown, ok := strings.Cut(readme, "The first prints\n\n")
	if !ok {
		t.Fatal("the README does not show what analyze prints")
	}
	r := sipsight(t, "analyze", "testdata/captures/udp-call.pcapng")
	if r.code != exitOK || r.err != "" {
		t.Fatalf("exit code %d, %s", r.code, r.err)
	}
	printed := strings.Split(r.out, "\n")
	n := 0
	for line := range strings.Lines(shown) {
		line = strings.TrimSuffix(line, "\n")
		if strings.TrimSpace(line) == "…" {
			break
		}
		if line != "" && !strings.HasPrefix(line, "    ") {
			t.Fatal("the example has no end")
		}
		if n >= len(printed) || strings.TrimPrefix(line, "    ") != printed[n] {
			t.Fatalf("README: %q\nprinted: %q", line, printed[n])
		}
		n++
	}
	if n < 10 {
		t.Errorf("only %d lines are shown", n)
	}
	for _, c := range commands {
		if !strings.Contains(readme, "sipsight "+c.name) {
			t.Errorf("the README does not name the command %s", c.name)
		}
	}
}
