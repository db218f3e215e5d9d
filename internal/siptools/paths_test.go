package siptools_test

import (
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	caps "github.com/sipsight/sipsight/capture"
	"github.com/sipsight/sipsight/internal/siptools"
	"github.com/sipsight/sipsight/mcpjsonrpc"
)

// refused asks for a path and returns the error of the answer, which must be one.
func refused(t *testing.T, s *mcpjsonrpc.Server, name string) string {
	t.Helper()
	got := analyze(t, s, args{"pcap_file": name})
	var e struct {
		Error string  `json:"error"`
		File  *string `json:"pcap_file"`
		URL   *string `json:"pcap_url"`
	}
	if !got.isError {
		t.Errorf("%q was read", name)
		return ""
	}
	decode(t, []byte(got.text), &e)
	if url := strings.HasPrefix(name, "http"); url != (e.URL != nil) || url == (e.File != nil) {
		t.Errorf("%q: neither pcap_file nor pcap_url, or the wrong one: %s", name, got.text)
	}
	return e.Error
}

func TestPaths(t *testing.T) {
	s := server(siptools.Options{})
	dir := t.TempDir()
	text := filepath.Join(dir, "secrets.txt")
	if err := os.WriteFile(text, []byte("password: hunter2\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	binary := filepath.Join(dir, "key.bin")
	if err := os.WriteFile(binary, []byte("\x01\x02\x03\x04hunter2"), 0o666); err != nil {
		t.Fatal(err)
	}
	none := filepath.Join(dir, "none")
	if err := os.WriteFile(none, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	tests := []struct{ name, path, want string }{
		{"empty", "", "the path is empty"},
		{"relative", "captures/a.pcap", "relative paths are not taken"},
		{"dot", "./a.pcap", "relative paths are not taken"},
		{"parent", "../a.pcap", "relative paths are not taken"},
		{"standard input", "-", "relative paths are not taken"},
		{"home", "~/a.pcap", "~ is not expanded"},
		{"file URL", "file:///etc/passwd", "file: URLs are not taken"},
		{"file URL in capitals", "FILE:/etc/passwd", "file: URLs are not taken"},
		{"ftp", "ftp://example.com/a.pcap", "only http and https URLs are read"},
		{"gopher", "gopher://example.com/", "only http and https URLs are read"},
		{"content", "data:application/octet-stream;base64,AAAA", "content in the argument is not taken"},
		{"NUL", "/etc/passwd\x00.pcap", "the path holds a NUL character"},
		{"long", "/" + strings.Repeat("a", 4096), "longer than 4096 characters"},
		{"missing", filepath.Join(dir, "missing.pcap"), "no such file; check the path"},
		{"directory", dir, "this is a directory"},
		{"no octets", none, "the file is empty"},
		{"text", text, "this looks like a text file"},
		{"binary", binary, "not a capture (first 4 octets 0x01020304)"},
		{"URL without host", "http:///a.pcap", "the URL names no host"},
		{"URL with user", "http://u:hunter2@127.0.0.1/a.pcap", "user name or password are refused"},
		{"link-local URL", "http://169.254.169.254/latest/meta-data", "a link-local address, which is refused"},
		{"private URL", "http://10.0.0.1/a.pcap", "a private network, which is refused"},
		{"loopback by another name", "http://127.0.0.2/a.pcap", "this machine itself, which is refused"},
	}
	for _, c := range tests {
		t.Run(c.name, func(t *testing.T) {
			got := refused(t, s, c.path)
			if !strings.Contains(got, c.want) {
				t.Errorf("%q, want %q", got, c.want)
			}
			if strings.Contains(got, "hunter2") {
				t.Errorf("it tells what is inside: %q", got)
			}
			// The same among further files: the name that is wrong is told.
			whole := testdata(t, "udp-call.pcapng")
			more := analyze(t, s, args{"pcap_file": whole, "more_files": []string{c.path}})
			if more.isError && !strings.Contains(more.text, c.want) {
				t.Errorf("in more_files: %s", more.text)
			}
		})
	}
	good(t, s, args{"pcap_file": testdata(t, "udp-call.pcapng")})
}

// TestSpecialFiles holds that only regular files are opened, and that nothing waits.
func TestSpecialFiles(t *testing.T) {
	s := server(siptools.Options{})
	dir := t.TempDir()
	checkSpecial(t, s, dir)

	// A short folder: the path of a socket may have about a hundred characters.
	short, err := os.MkdirTemp("", "s")
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
	if got := refused(t, s, socket); !strings.Contains(got, "this is a socket") {
		t.Errorf("a socket: %q", got)
	}
}

// TestURLPassword holds that the password of a URL is told by no tool, prompt or resource:
// such a URL is refused, and what is left of it is enough to know which one.
func TestURLPassword(t *testing.T) {
	const url = "http://user:hunter2@127.0.0.1/a.pcap"
	s := server(siptools.Options{})
	whole := testdata(t, "udp-call.pcapng")
	for _, definition := range tools(t) {
		tool := definition.Name
		for _, a := range []args{{"pcap_file": url}, {"pcap_file": whole, "more_files": []string{url}}, {"pcap_file": url, "more_files": []string{url}}} {
			if tool == "explain_call" || tool == "draw_call_flow" {
				a["call"] = "call-1"
			}
			got := call(t, s, tool, a)
			if strings.Contains(got.text+string(got.structured), "hunter2") {
				t.Errorf("%s tells the password: %s", tool, got.text)
			}
			if !got.isError && len(a) < 2 || got.isError && !strings.Contains(got.text, "user name or password are refused") {
				t.Errorf("%s: %s", tool, got.text)
			}
		}
	}
	for _, params := range []map[string]any{
		{"name": "sip_security_analysis", "arguments": map[string]string{"pcap_file": url}},
		{"name": "sip_troubleshooting_analysis", "arguments": map[string]string{"pcap_file": url}},
	} {
		if got := string(rpc(t, s, "prompts/get", params)); strings.Contains(got, "hunter2") || !strings.Contains(got, "***@127.0.0.1") {
			t.Errorf("a prompt: %s", got)
		}
	}
	var e struct{ Message string }
	decode(t, rpc(t, s, "resources/read", map[string]any{"uri": "sipsight://summary/" + url}), &e)
	if strings.Contains(e.Message, "hunter2") || !strings.Contains(e.Message, "user name or password are refused") {
		t.Errorf("a resource: %q", e.Message)
	}
}

func TestURLs(t *testing.T) {
	b, err := os.ReadFile(testdata(t, "udp-call.pcapng"))
	if err != nil {
		t.Fatal(err)
	}
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/a.pcapng" {
			http.Error(w, "hunter2", http.StatusNotFound)
			return
		}
		w.Write(b)
	}))
	defer web.Close()
	s := server(siptools.Options{})
	r := good(t, s, args{"pcap_file": web.URL + "/a.pcapng"})
	if r.Found != 21 || r.File != web.URL+"/a.pcapng" {
		t.Errorf("%d messages in %s", r.Found, r.File)
	}
	if got := refused(t, s, web.URL+"/b"); got != "the server answered 404 Not Found; check the URL" {
		t.Errorf("404: %q", got)
	}
	var o siptools.Options
	o.Capture.NoURLs = true
	if got := refused(t, server(o), web.URL+"/a.pcapng"); !strings.Contains(got, "URLs are switched off") {
		t.Errorf("without URLs: %q", got)
	}
	o = siptools.Options{}
	o.Capture.MaxDownload = 5000
	r = good(t, server(o), args{"pcap_file": web.URL + "/a.pcapng"})
	if r.Complete == nil || *r.Complete || r.Damage[0].ID != caps.NoteDownload {
		t.Errorf("over the limit: complete %v, damage %+v", r.Complete, r.Damage)
	}
	web.Close()
	if got := refused(t, s, web.URL+"/a.pcapng"); !strings.Contains(got, "refuses the connection") {
		t.Errorf("a closed port: %q", got)
	}
}

// TestFolders holds that a server that was given folders opens nothing outside of them.
func TestFolders(t *testing.T) {
	top := t.TempDir()
	b, err := os.ReadFile(testdata(t, "udp-call.pcapng"))
	if err != nil {
		t.Fatal(err)
	}
	at := func(name string) string { return filepath.Join(top, filepath.FromSlash(name)) }
	for _, name := range []string{"dir/a.pcap", "dir/sub/b.pcap", "dir-evil/a.pcap", "other/c.pcap", "second/d.pcap"} {
		if err := os.MkdirAll(filepath.Dir(at(name)), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(at(name), b, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	for name, target := range map[string]string{
		"dir/to-other":      "../other/c.pcap",
		"dir/to-other-abs":  at("other/c.pcap"),
		"dir/to-folder":     at("other"),
		"dir/to-sub":        "sub/b.pcap",
		"dir/to-sub-abs":    at("dir/sub/b.pcap"),
		"dir/to-second":     at("second/d.pcap"),
		"dir/dangling":      at("nowhere"),
		"dir/dangling-in":   "nowhere",
		"dir/loop":          "loop",
		"other/back":        at("dir/a.pcap"),
		"dir/sub/up-and-in": "../a.pcap",
	} {
		if err := os.Symlink(target, at(name)); err != nil {
			t.Skip("this file system has no symbolic links:", err)
		}
	}
	var o siptools.Options
	o.Capture.Folders = []string{at("dir"), at("second")}
	s := server(o)

	for _, name := range []string{
		"dir/a.pcap", "dir/sub/b.pcap", "dir/sub/../a.pcap", "second/d.pcap", "dir/to-sub", "dir/to-sub-abs", "dir/to-second",
		"dir/sub/up-and-in", "other/back",
	} {
		if r := good(t, s, args{"pcap_file": top + "/" + name}); r.Found != 21 {
			t.Errorf("%s: %d messages", name, r.Found)
		}
	}
	const outside = "this path is outside of the folders that may be read; give a path inside of one of them"
	for _, name := range []string{
		"dir-evil/a.pcap", "other/c.pcap", "dir/../other/c.pcap", "dir/to-other", "dir/to-other-abs", "dir/to-folder/c.pcap",
		"other/none.pcap", "dir-evil/none.pcap", "dir/../none.pcap",
	} {
		if got := refused(t, s, top+"/"+name); got != outside {
			t.Errorf("%s: %q", name, got)
		}
	}
	for name, want := range map[string]string{
		"dir/none.pcap": "no such file", "dir": "this is a directory", "dir/sub": "this is a directory",
		"dir/dangling-in": "no such file", "dir/loop": "too many symbolic links, or a loop of them",
	} {
		if got := refused(t, s, top+"/"+name); !strings.Contains(got, want) || got == outside {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}

	// What is refused stays refused among further files.
	got := analyze(t, s, args{"pcap_file": at("dir/a.pcap"), "more_files": []string{at("other/c.pcap")}})
	var r result
	decode(t, json.RawMessage(got.text), &r)
	if r.Found != 21 || len(r.Damage) != 1 || r.Damage[0].What != outside {
		t.Errorf("%d messages, damage %+v", r.Found, r.Damage)
	}
}
