package main

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// build builds the command and returns its path.
func build(t *testing.T) string {
	t.Helper()
	if testing.Short() {
		t.Skip("-short is set: the command is not built, and all of this needs it as a process")
	}
	name := filepath.Join(t.TempDir(), "sipsight")
	if runtime.GOOS == "windows" {
		name += ".exe"
	}
	out, err := exec.Command("go", "build", "-o", name, ".").CombinedOutput()
	if err != nil {
		t.Fatalf("building: %v\n%s", err, out)
	}
	return name
}

// exitCode returns the exit code of a command that ended.
func exitCode(t *testing.T, err error) int {
	t.Helper()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &exit):
		return exit.ExitCode()
	}
	t.Fatal(err)
	return 0
}

// TestProcess runs the command as a user does.
func TestProcess(t *testing.T) {
	sipsightHere, sipsight := sipsight, build(t)
	captures(t)
	for _, c := range []struct {
		args string
		code int
	}{
		{"version", exitOK},
		{"analyze udp-call.pcapng", exitOK},
		{"messages --json udp-call.pcapng", exitOK},
		{"info cut.pcapng", exitPartial},
		{"messages udp-call.pcapng nowhere.pcap", exitPartial},
		{"info nowhere.pcap", exitFailed},
		{"analyze --json notes.txt", exitFailed},
		{"", exitUsage},
		{"messages --frobnicate", exitUsage},
		{"frobnicate", exitUsage},
	} {
		t.Run(c.args, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			cmd := exec.Command(sipsight, strings.Fields(c.args)...)
			cmd.Stdout, cmd.Stderr = &stdout, &stderr
			if code := exitCode(t, cmd.Run()); code != c.code {
				t.Errorf("exit code %d, want %d", code, c.code)
			}
			want := sipsightHere(t, strings.Fields(c.args)...)
			if stderr.String() != want.err || c.args != "version" && timestamp.ReplaceAllString(stdout.String(), "") != timestamp.ReplaceAllString(want.out, "") {
				t.Errorf("it prints something else than in this process: %q, %q", stdout.String(), stderr.String())
			}
		})
	}
	t.Run("stdin", func(t *testing.T) {
		f, err := os.Open("udp-call.pcapng")
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		cmd := exec.Command(sipsight, "messages", "-")
		cmd.Stdin = f
		if out, err := cmd.Output(); exitCode(t, err) != exitOK || bytes.Count(out, []byte("\n")) != 22 {
			t.Errorf("%v, %s", err, out)
		}
	})
	t.Run("reader gone", func(t *testing.T) {
		// Megabytes of output, of which nobody reads more than a little.
		var packets [][]byte
		for range 20000 {
			packets = append(packets, request("OPTIONS", "1"))
		}
		if err := os.WriteFile("many.pcap", pcap(packets...), 0o666); err != nil {
			t.Fatal(err)
		}
		var stderr bytes.Buffer
		cmd := exec.Command(sipsight, "messages", "--json", "many.pcap")
		cmd.Stderr = &stderr
		out, err := cmd.StdoutPipe()
		if err == nil {
			err = cmd.Start()
		}
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(out, make([]byte, 100)); err != nil {
			t.Error(err)
		}
		out.Close()
		if code := exitCode(t, cmd.Wait()); code != exitFailed || stderr.Len() != 0 && runtime.GOOS != "windows" {
			t.Errorf("exit code %d, %q", code, stderr.String())
		}
	})
	t.Run("disk full", func(t *testing.T) {
		full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
		if err != nil {
			t.Skip("this system has no device /dev/full that stands for a full disk")
		}
		defer full.Close()
		var stderr bytes.Buffer
		cmd := exec.Command(sipsight, "analyze", "--json", "udp-call.pcapng")
		cmd.Stdout, cmd.Stderr = full, &stderr
		if code := exitCode(t, cmd.Run()); code != exitFailed || !strings.Contains(stderr.String(), "writing the output failed") {
			t.Errorf("exit code %d, %q", code, stderr.String())
		}
	})
	t.Run("interrupted", func(t *testing.T) {
		if runtime.GOOS == "windows" {
			t.Skip("Windows cannot send an interrupt to a process")
		}
		var stderr bytes.Buffer
		cmd := exec.Command(sipsight, "messages", "-")
		cmd.Stderr = &stderr
		in, err := cmd.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		defer in.Close()
		out, err := cmd.StdoutPipe()
		if err == nil {
			err = cmd.Start()
		}
		if err != nil {
			t.Fatal(err)
		}
		if _, err := in.Write(pcap(request("OPTIONS", "1"))); err != nil {
			t.Fatal(err)
		}
		// Once the message was seen the command waits for more, which never comes.
		if _, err := io.ReadFull(out, make([]byte, 20)); err != nil {
			t.Fatal(err)
		}
		if err := cmd.Process.Signal(os.Interrupt); err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, out); err != nil {
			t.Error(err)
		}
		if code := exitCode(t, cmd.Wait()); code != exitPartial || !strings.Contains(stderr.String(), "interrupted") {
			t.Errorf("exit code %d, %q", code, stderr.String())
		}
	})
}

// TestProgress holds that a device on stderr, where progress is shown, changes nothing.
func TestProgress(t *testing.T) {
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		t.Skip("this system has no null device that can be opened:", err)
	}
	defer null.Close()
	captures(t)
	want := sipsight(t, "messages", "--json", "tcp-calls.pcap")
	var out bytes.Buffer
	if code := run(t.Context(), []string{"messages", "--json", "tcp-calls.pcap"}, nil, &out, null); code != want.code || out.String() != want.out {
		t.Errorf("exit code %d, and another output", code)
	}
}
