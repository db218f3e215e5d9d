//go:build unix

package main

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestStreamsByName holds that a FIFO, and a file descriptor as a shell names it, are read as
// streams by every command that reads a stream, and by export, which does not write to them.
func TestStreamsByName(t *testing.T) {
	b := pcap(request("INVITE", "a"), request("INVITE", "b"))
	t.Chdir(t.TempDir())
	if err := syscall.Mkfifo("fifo", 0o666); err != nil {
		t.Fatal(err)
	}
	for _, command := range streamed {
		args := strings.Fields(command)
		want := sipsightOn(t, bytes.NewReader(b), append(args, "-")...)
		written := make(chan error, 1)
		go func() { written <- os.WriteFile("fifo", b, 0) }()
		r := sipsight(t, append(args, "fifo")...)
		if err := <-written; err != nil {
			t.Fatal(err)
		}
		if r.code != exitOK || strings.Count(r.out, "\n") != strings.Count(want.out, "\n") {
			t.Errorf("%s of a FIFO: %d, %q", command, r.code, r.err)
		}
		if _, err := os.Stat("/dev/fd"); err != nil {
			continue
		}
		in, out, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			out.Write(b)
			out.Close()
		}()
		r = sipsight(t, append(args, filepath.Join("/dev/fd", itoa(int(in.Fd()))))...)
		in.Close()
		if r.code != exitOK || strings.Count(r.out, "\n") != strings.Count(want.out, "\n") {
			t.Errorf("%s of a file descriptor: %d, %q", command, r.code, r.err)
		}
	}
	want := sipsightOn(t, bytes.NewReader(b), "export", "-o", "-", "-")
	go os.WriteFile("fifo", b, 0)
	if r := sipsight(t, "export", "-o", "-", "fifo"); r.code != exitOK || r != want {
		t.Errorf("export of a FIFO: %d, %q", r.code, r.err)
	}
	if r := sipsight(t, "export", "-o", "fifo", "fifo"); r.code != exitFailed || !strings.Contains(r.err, "it is one of the captures that are read") {
		t.Errorf("export of a FIFO to itself: %d, %q", r.code, r.err)
	}
}

func itoa(n int) string {
	if n < 10 {
		return string(rune('0' + n))
	}
	return itoa(n/10) + string(rune('0'+n%10))
}

// TestSignals interrupts commands that wait for more of their input: what came so far is the
// result, the exit code is 3, and no temporary file is left. The MCP server ends with 0.
func TestSignals(t *testing.T) {
	sipsight := build(t)
	t.Chdir(t.TempDir())
	// More than a pipe holds: once all is written, some of it was read.
	b := pcap(request("INVITE", "a"), request("INVITE", "b"))
	filler := udp(strings.Repeat("x", 1000))
	b = append(b, bytes.Repeat(record(len(filler), filler), 1000)...)
	for _, sig := range []os.Signal{os.Interrupt, syscall.SIGTERM} {
		for _, command := range append(streamed, "report -o out.html", "flow -o out.txt") {
			cmd := exec.Command(sipsight, append(strings.Fields(command), "-")...)
			var stdout, stderr bytes.Buffer
			cmd.Stdout, cmd.Stderr = &stdout, &stderr
			in, err := cmd.StdinPipe()
			if err == nil {
				err = cmd.Start()
			}
			if err == nil {
				_, err = in.Write(b)
			}
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Process.Signal(sig); err != nil {
				t.Fatal(err)
			}
			if code := exitCode(t, cmd.Wait()); code != exitPartial || !strings.Contains(stderr.String(), "interrupted") {
				t.Errorf("%s, %v: exit code %d, %q", command, sig, code, stderr.String())
			}
			in.Close()
			os.Remove("out.html")
			os.Remove("out.txt")
			if left := folder(t, "."); left != "" {
				t.Fatalf("%s, %v: it left %s", command, sig, left)
			}
		}
		cmd := exec.Command(sipsight, "mcp")
		in, err := cmd.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		out, err := cmd.StdoutPipe()
		if err == nil {
			err = cmd.Start()
		}
		if err == nil {
			_, err = io.WriteString(in, `{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25"}}`+"\n")
		}
		if err == nil {
			_, err = io.ReadFull(out, make([]byte, 10))
		}
		if err == nil {
			err = cmd.Process.Signal(sig)
		}
		if err != nil {
			t.Fatal(err)
		}
		io.Copy(io.Discard, out)
		if code := exitCode(t, cmd.Wait()); code != exitOK {
			t.Errorf("mcp, %v: exit code %d", sig, code)
		}
	}
}
