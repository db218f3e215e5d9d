//go:build unix

package capture_test

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/sipsight/sipsight/capture"
	"github.com/sipsight/sipsight/pcapfile"
)

// TestFIFO holds that a FIFO given by name is read as a stream.
func TestFIFO(t *testing.T) {
	fifo := filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(fifo, 0o666); err != nil {
		t.Fatal(err)
	}
	b := pcap(pcapfile.Header{}, three...)
	go func() {
		w, err := os.OpenFile(fifo, os.O_WRONLY, 0)
		if err != nil {
			t.Error(err)
			return
		}
		defer w.Close()
		for _, c := range b {
			if _, err := w.Write([]byte{c}); err != nil {
				t.Error(err)
				return
			}
		}
	}()
	got, files := readFiles(t, []string{fifo}, capture.Options{})
	if !slices.Equal(got, wanted(three)) || files[0].Size != int64(len(b)) {
		t.Errorf("%v of %d octets", got, files[0].Size)
	}
}

// TestFIFONobody holds that the wait for one who writes to a FIFO ends with the context.
func TestFIFONobody(t *testing.T) {
	fifo := filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(fifo, 0o666); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	_, err := capture.Open(ctx, []string{fifo}, capture.Options{Once: func(_ string, open func() (io.Reader, error)) (io.Reader, error) {
		cancel()
		return open()
	}})
	if !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// TestSpecial holds that a server opens regular files alone, and waits for nobody.
func TestSpecial(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	if err := syscall.Mkfifo(at("fifo"), 0o666); err != nil {
		t.Fatal(err)
	}
	for name, target := range map[string]string{"zero": "/dev/zero", "kernel": "/proc/self/environ", "folder": "/proc/self", "shm": "/dev/shm/none"} {
		if err := os.Symlink(target, at(name)); err != nil {
			t.Fatal(err)
		}
	}
	tests := []struct{ name, want string }{
		{at("fifo"), "this is a FIFO, not a regular file"},
		{"/dev/null", "this is a device, not a regular file"},
		{at("zero"), "this is a device, not a regular file"},
		{at("shm"), "no such file; check the path"},
	}
	if _, err := os.Stat("/proc/self/environ"); err == nil { // regular files, as they say
		tests = append(tests, []struct{ name, want string }{
			{"/proc/self/environ", "files below /proc/ are not captures and are never opened"},
			{"/proc/../proc/self/environ", "files below /proc/ are not captures and are never opened"},
			{at("kernel"), "files below /proc/ are not captures and are never opened"},
			{at("folder/environ"), "files below /proc/ are not captures and are never opened"},
			{"/proc/self/cwd", "this is a directory; name the capture files in it"},
		}...)
	}
	if _, err := os.Stat("/sys/kernel/uevent_seqnum"); err == nil {
		tests = append(tests, struct{ name, want string }{"/sys/kernel/uevent_seqnum", "files below /sys/ are not captures and are never opened"})
	}
	for _, c := range tests {
		if got := openErr(t, c.name, capture.Options{RegularOnly: true}); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
		// A folder that was named does not make them captures.
		got := openErr(t, c.name, capture.Options{RegularOnly: true, Folders: []string{"/"}})
		if got != c.want && !strings.Contains(got, "are never opened") {
			t.Errorf("below a folder, %s: %q", c.name, got)
		}
	}
	// By a relative name they are the same.
	t.Chdir("/")
	if _, err := os.Stat("/proc/self/environ"); err == nil {
		if got := openErr(t, "proc/self/environ", capture.Options{RegularOnly: true}); !strings.Contains(got, "are never opened") {
			t.Errorf("by a relative name: %q", got)
		}
	}
	// Who reads for himself may read what he likes.
	if got := openErr(t, "/dev/null", capture.Options{}); got != "the file is empty; copy or capture it again" {
		t.Errorf("a device, read by its owner: %q", got)
	}
	if os.Getuid() == 0 {
		return // root may read everything
	}
	shut := write(t, "shut", nil)
	if err := os.Chmod(shut, 0); err != nil {
		t.Fatal(err)
	}
	if got := openErr(t, shut, capture.Options{}); got != "permission denied; check who may read the file" {
		t.Errorf("a file that may not be read: %q", got)
	}
}
