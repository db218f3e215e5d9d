package main

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// folder returns the names in a folder.
func folder(t *testing.T, dir string) string {
	t.Helper()
	list, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, x := range list {
		names = append(names, x.Name())
	}
	return strings.Join(names, " ")
}

// TestOutput: a file appears whole or not at all, and none is replaced unasked.
func TestOutput(t *testing.T) {
	dir := t.TempDir()
	out := filepath.Join(dir, "a.svg")
	captures(t)
	if r := sipsight(t, "flow", "--format", "svg", "-o", out, "udp-call.pcapng"); r.code != exitOK || r.out != "" {
		t.Fatalf("exit code %d: %s%s", r.code, r.out, r.err)
	}
	first, err := os.ReadFile(out)
	if err != nil || !strings.HasSuffix(string(first), "</svg>\n") {
		t.Fatalf("%v: %d octets", err, len(first))
	}
	if r := sipsight(t, "flow", "-o", out, "udp-call.pcapng"); r.code != exitFailed || !strings.Contains(r.err, "--force") {
		t.Errorf("an existing file: exit code %d: %s", r.code, r.err)
	}
	if b, _ := os.ReadFile(out); string(b) != string(first) {
		t.Error("the existing file was changed")
	}
	if r := sipsight(t, "flow", "--force", "-o", out, "udp-call.pcapng"); r.code != exitOK {
		t.Errorf("--force: exit code %d: %s", r.code, r.err)
	}
	if b, _ := os.ReadFile(out); !strings.HasPrefix(string(b), "call-1 ") {
		t.Error("the file was not replaced")
	}
	for name, args := range map[string][]string{
		"no call":   {"--call", "99", "udp-call.pcapng"},
		"no calls":  {"options-keepalive.pcapng"},
		"no file":   {"no-such.pcap"},
		"no filter": {"--filter", "call.state ==", "udp-call.pcapng"},
	} {
		sipsight(t, append([]string{"flow", "-o", filepath.Join(dir, "b.txt")}, args...)...)
		if got := folder(t, dir); got != "a.svg" {
			t.Errorf("%s: the folder holds %s", name, got)
		}
	}
}

// TestOutputIsInput: a capture that is read is not replaced, even by force.
func TestOutputIsInput(t *testing.T) {
	captures(t)
	b, err := os.ReadFile("udp-call.pcapng")
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "a.pcapng")
	if err := os.WriteFile(name, b, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, command := range []string{"flow", "report"} {
		if r := sipsight(t, command, "--force", "-o", name, name); r.code != exitFailed {
			t.Errorf("%s: exit code %d: %s", command, r.code, r.err)
		}
	}
	if after, _ := os.ReadFile(name); string(after) != string(b) {
		t.Error("the capture was replaced")
	}
}

// TestFullDisk: a device that is full is an error that is told of.
func TestFullDisk(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("this system has no device /dev/full that stands for a full disk")
	}
	captures(t)
	r := sipsight(t, "flow", "-o", "/dev/full", "udp-call.pcapng")
	if r.code != exitFailed || !strings.Contains(r.err, "no space left") {
		t.Errorf("exit code %d: %s", r.code, r.err)
	}
}
