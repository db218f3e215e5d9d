package capture_test

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/sipsight/sipsight/capture"
	"github.com/sipsight/sipsight/pcapfile"
)

// openErr opens a path and returns why that failed, without the path; "" if it did not.
func openErr(t *testing.T, name string, o capture.Options) string {
	t.Helper()
	r, err := capture.Open(t.Context(), []string{name}, o)
	if err != nil {
		s, ok := strings.CutPrefix(err.Error(), name+": ")
		if !ok {
			t.Errorf("the error does not begin with the name: %v", err)
		}
		return s
	}
	defer r.Close()
	if _, err := collect(r); err != nil {
		t.Errorf("%s: %v", name, err)
	}
	return ""
}

func TestKinds(t *testing.T) {
	dir := t.TempDir()
	empty := write(t, "empty", nil)
	good := write(t, "good", pcap(pcapfile.Header{}, three...))
	for _, regularOnly := range []bool{false, true} {
		o := capture.Options{RegularOnly: regularOnly}
		for name, want := range map[string]string{
			good:                          "",
			empty:                         "the file is empty; copy or capture it again",
			dir:                           "this is a directory; name the capture files in it",
			filepath.Join(dir, "none"):    "no such file; check the path",
			"":                            "no such file: its name is empty; give its path",
			"file:///a.pcap":              "no such file, and no URL that can be read; give a path, or an http or https URL",
			"ftp://example.com/a.pcap":    "no such file, and no URL that can be read; give a path, or an http or https URL",
			filepath.Join(dir, "no", "a"): "no such file; check the path",
		} {
			if got := openErr(t, name, o); got != want {
				t.Errorf("%s: %q, want %q", name, got, want)
			}
		}
	}
	if _, err := capture.Open(t.Context(), []string{empty}, capture.Options{}); !errors.Is(err, capture.ErrFormat) {
		t.Errorf("%v is no ErrFormat", err)
	}
	short, err := os.MkdirTemp("", "s") // the path of a socket may have about a hundred characters
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(short)
	socket := filepath.Join(short, "s")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Skip("this system has no Unix sockets:", err)
	}
	defer l.Close()
	for _, regularOnly := range []bool{false, true} {
		if got := openErr(t, socket, capture.Options{RegularOnly: regularOnly}); got != "this is a socket, not a capture file" {
			t.Errorf("a socket: %q", got)
		}
	}
}

// TestStdin holds that "-" is the process's own standard input where none is given.
func TestStdin(t *testing.T) {
	f, err := os.Open(write(t, "good", pcap(pcapfile.Header{}, three...)))
	if err != nil {
		t.Fatal(err)
	}
	own := os.Stdin
	os.Stdin = f
	defer func() { os.Stdin = own }()
	got, files := readFiles(t, []string{"-"}, capture.Options{RegularOnly: true, Folders: []string{t.TempDir()}})
	if !slices.Equal(got, wanted(three)) || files[0].Name != "-" {
		t.Errorf("%v", got)
	}
}

// TestFolders holds that only what lies in the folders is opened, whatever links say.
func TestFolders(t *testing.T) {
	top := t.TempDir()
	b := pcap(pcapfile.Header{}, three...)
	at := func(name string) string { return filepath.Join(top, filepath.FromSlash(name)) }
	for _, name := range []string{"dir/a", "dir/sub/b", "dir-evil/a", "other/c", "second/d"} {
		if err := os.MkdirAll(filepath.Dir(at(name)), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(at(name), b, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	for name, target := range map[string]string{
		"dir/out":       "../other/c",
		"dir/out-abs":   at("other/c"),
		"dir/folder":    at("other"),
		"dir/in":        "sub/b",
		"dir/in-abs":    at("dir/sub/b"),
		"dir/to-second": at("second/d"),
		"dir/dangling":  at("nowhere"),
		"dir/loop":      "loop",
		"other/back":    at("dir/a"),
		"link":          at("dir"),
	} {
		if err := os.Symlink(target, at(name)); err != nil {
			t.Skip("this file system has no symbolic links:", err)
		}
	}
	const (
		outside = "this path is outside of the folders that may be read; give a path inside of one of them"
		missing = "no such file; check the path"
	)
	tests := []struct{ name, want string }{
		{"dir/a", ""},
		{"dir/sub/b", ""},
		{"dir/sub/../a", ""},
		{"dir/in", ""},
		{"dir/in-abs", ""},
		{"dir/to-second", ""},
		{"second/d", ""},
		{"other/back", ""},
		{"link/a", ""},
		{"dir/none", missing},
		{"dir/sub/none", missing},
		{"dir/dangling", missing},
		{"dir", "this is a directory; name the capture files in it"},
		{"dir/sub", "this is a directory; name the capture files in it"},
		{"dir-evil/a", outside},
		{"dir-evil/none", outside},
		{"other/c", outside},
		{"other/none", outside},
		{"dir/../other/c", outside},
		{"dir/../none", outside},
		{"dir/out", outside},
		{"dir/out-abs", outside},
		{"dir/folder/c", outside},
		{"link/out", outside},
	}
	for _, folders := range [][]string{{at("dir"), at("second")}, {at("link"), at("second") + string(filepath.Separator)}} {
		for _, regularOnly := range []bool{false, true} {
			o := capture.Options{Folders: folders, RegularOnly: regularOnly}
			if err := o.CheckFolders(); err != nil {
				t.Fatal(err)
			}
			for _, c := range tests {
				if got := openErr(t, top+string(filepath.Separator)+filepath.FromSlash(c.name), o); got != c.want {
					t.Errorf("in %v, %s: %q, want %q", folders, c.name, got, c.want)
				}
			}
			if got := openErr(t, at("dir/loop"), o); got != "too many symbolic links, or a loop of them; check where the path leads" {
				t.Errorf("a link to itself: %q", got)
			}
		}
	}
	// Relative names and folders are those of the working directory.
	t.Chdir(top)
	o := capture.Options{Folders: []string{"dir"}}
	for name, want := range map[string]string{"dir/a": "", "./dir/a": "", "other/c": outside, "dir/out": outside} {
		if got := openErr(t, filepath.FromSlash(name), o); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	for dir, want := range map[string]string{"none": "no such file", "dir/a": "not a directory"} {
		o := capture.Options{Folders: []string{"dir", dir}}
		if err := o.CheckFolders(); err == nil || !strings.Contains(err.Error(), "the folder "+dir+" cannot be opened") || !strings.Contains(err.Error(), want) {
			t.Errorf("the folder %s: %v", dir, err)
		}
	}
	// A folder that went away since.
	o = capture.Options{Folders: []string{"gone", "second"}}
	if got := openErr(t, at("second/d"), o); got != "" {
		t.Errorf("beside a folder that is gone: %q", got)
	}
	if got := openErr(t, at("dir/a"), o); got != outside {
		t.Errorf("beside a folder that is gone: %q", got)
	}
}

// TestProgressOnce: how much is to come is not known where a stream that was kept is read again, whatever else is read.
func TestProgressOnce(t *testing.T) {
	b, err := os.ReadFile("../testdata/captures/any-cooked1.pcap")
	if err != nil {
		t.Fatal(err)
	}
	once := func(name string, open func() (io.Reader, error)) (io.Reader, error) {
		if name == "-" {
			return bytes.NewReader(b), nil
		}
		return open()
	}
	r, err := capture.Open(t.Context(), []string{"-", "../testdata/captures/any-cooked1.pcap"}, capture.Options{Once: once})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if _, total := r.Progress(); total != -1 {
		t.Errorf("%d octets are to come in all", total)
	}
}
