//go:build unix

package siptools_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/sipsight/sipsight/internal/siptools"
	"github.com/sipsight/sipsight/mcpjsonrpc"
)

func checkSpecial(t *testing.T, s *mcpjsonrpc.Server, dir string) {
	fifo, link, kernel := filepath.Join(dir, "fifo"), filepath.Join(dir, "link"), filepath.Join(dir, "kernel")
	if err := syscall.Mkfifo(fifo, 0o666); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/dev/zero", link); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/proc/self/environ", kernel); err != nil {
		t.Fatal(err)
	}
	tests := []struct{ path, want string }{
		{fifo, "this is a FIFO, not a regular file"},
		{"/dev/null", "this is a device, not a regular file"},
		{link, "this is a device, not a regular file"},
	}
	if _, err := os.Stat("/proc/self/environ"); err == nil { // regular files, as they say
		tests = append(tests, []struct{ path, want string }{
			{"/proc/self/environ", "files below /proc/ are not captures and are never opened"},
			{kernel, "files below /proc/ are not captures and are never opened"},
		}...)
	}
	for _, c := range tests {
		if got := refused(t, s, c.path); got != c.want {
			t.Errorf("%s: %q, want %q", c.path, got, c.want)
		}
	}

	// Nor does the completion of a path wait where a folder should be.
	got := rpc(t, s, "completion/complete", map[string]any{
		"ref":      map[string]any{"type": "ref/prompt", "name": "sip_security_analysis"},
		"argument": map[string]any{"name": "pcap_file", "value": fifo + "/a"},
	})
	if !strings.Contains(string(got), `"values":[]`) {
		t.Errorf("completions below a FIFO: %s", got)
	}

	// A folder that was named does not make them captures.
	var o siptools.Options
	o.Capture.Folders = []string{"/"}
	s = server(o)
	for _, c := range tests {
		if got := refused(t, s, c.path); !strings.Contains(got, "not a regular file") && !strings.Contains(got, "never opened") {
			t.Errorf("below a folder, %s: %q", c.path, got)
		}
	}

	// A file that may not be read says so. Root may read everything.
	if os.Getuid() == 0 {
		return
	}
	shut := filepath.Join(dir, "shut.pcap")
	if err := os.WriteFile(shut, nil, 0); err != nil {
		t.Fatal(err)
	}
	if got := refused(t, s, shut); !strings.Contains(got, "permission denied") {
		t.Errorf("a file that may not be read: %q", got)
	}
}
