package main

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// TestLimits holds that the exit code and complete agree where limits were met, and that of a list of messages,
// which keeps none of them, only what tells copies sent again is said not to be whole.
func TestLimits(t *testing.T) {
	t.Chdir(t.TempDir())
	b := pcap()
	for i := range 10000 {
		p := request("INVITE", fmt.Sprint(i))
		b = append(b, record(len(p), p)...)
	}
	if err := os.WriteFile("a.pcap", b, 0o666); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args      string
		code      int
		out, says string
	}{
		{"summary --json --max-memory 64M", exitPartial, `"complete":false,"limits":["`, "the result is not whole"},
		{"summary --json", exitOK, `"complete":true}`, ""},
		{"analyze --json --max-memory 64M", exitPartial, `"complete":false}`, "the result is not whole"},
		{"calls --json --max-memory 64M", exitPartial, "", "the result is not whole"},
		{"messages --json --max-memory 64M", exitPartial, `"number":10000,`, "all messages are there"},
		{"messages --json", exitOK, `"number":10000,`, ""},
	} {
		r := sipsight(t, append(strings.Fields(c.args), "a.pcap")...)
		if r.code != c.code || !strings.Contains(r.out, c.out) || !strings.Contains(r.err, c.says) || c.says == "" && r.err != "" {
			t.Errorf("%s: exit code %d, want %d; %q\n%.300s", c.args, r.code, c.code, r.err, r.out[max(0, len(r.out)-300):])
		}
	}
}
