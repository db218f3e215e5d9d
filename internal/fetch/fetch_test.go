package fetch_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/sipsight/sipsight/internal/fetch"
)

// serve starts a web server on 127.0.0.1 and returns its URL.
func serve(t *testing.T, h http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}

// read fetches a URL; err is that of Open or of the body.
func read(t *testing.T, raw string, o fetch.Options) (b []byte, size int64, err error) {
	t.Helper()
	body, size, err := fetch.Open(t.Context(), raw, o)
	if err != nil {
		if body != nil {
			t.Error("a body beside an error")
		}
		return nil, size, err
	}
	defer body.Close()
	b, err = io.ReadAll(body)
	return b, size, err
}

func TestRequest(t *testing.T) {
	var got http.Request
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		got = *r
		io.WriteString(w, "body")
	})
	b, size, err := read(t, url+"/a/b?c=d#e", fetch.Options{})
	if err != nil || string(b) != "body" || size != 4 {
		t.Fatalf("%q of %d, %v", b, size, err)
	}
	if got.Method != "GET" || got.RequestURI != "/a/b?c=d" || got.ContentLength > 0 {
		t.Errorf("asked %s %s with a body of %d", got.Method, got.RequestURI, got.ContentLength)
	}
	want := http.Header{"User-Agent": {"sipsight"}, "Accept": {"*/*"}, "Connection": {"close"}}
	if fmt.Sprint(got.Header) != fmt.Sprint(want) {
		t.Errorf("sent %v, want %v", got.Header, want)
	}
}

// TestNoProxy holds that the environment names no proxy. A proxy is never used for
// 127.0.0.1, so the host is one that is refused: what is judged must be its own address,
// not that of the proxy.
func TestNoProxy(t *testing.T) {
	asked := false
	proxy := serve(t, func(w http.ResponseWriter, r *http.Request) { asked = true })
	for _, name := range []string{"HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY"} {
		t.Setenv(name, proxy)
	}
	_, _, err := read(t, "http://192.0.2.1/a", fetch.Options{})
	if err == nil || !strings.Contains(err.Error(), "a reserved address") || asked {
		t.Errorf("%v; the proxy was asked: %v", err, asked)
	}
}

func TestAnswers(t *testing.T) {
	answer := func(code int, header ...string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			for i := 0; i < len(header); i += 2 {
				w.Header().Add(header[i], header[i+1])
			}
			w.WriteHeader(code)
			if code != http.StatusNoContent && code != http.StatusNotModified {
				io.WriteString(w, "secret")
			}
		}
	}
	const encoded = "the server sent the body in a content encoding, though none was asked for; download the file and give its path"
	const local = "the URL leads to this machine itself, which is refused; download the file and give its path"
	tests := []struct {
		name    string
		handler http.HandlerFunc
		want    string // the error
	}{
		{"ok", answer(200), ""},
		{"identity", answer(200, "Content-Encoding", "Identity"), ""},
		{"any type", answer(200, "Content-Type", "text/html"), ""},
		{"gzip", answer(200, "Content-Encoding", "gzip"), encoded},
		{"br", answer(200, "Content-Encoding", "br"), encoded},
		{"list", answer(200, "Content-Encoding", "identity, gzip"), encoded},
		{"second field", answer(200, "Content-Encoding", "identity", "Content-Encoding", "gzip"), encoded},
		{"empty field", answer(200, "Content-Encoding", "", "Content-Encoding", "gzip"), encoded},
		{"created", answer(201), "the server answered 201 Created; check the URL"},
		{"no content", answer(204), "the server answered 204 No Content; check the URL"},
		{"partial", answer(206), "the server answered 206 Partial Content; check the URL"},
		{"redirect to nowhere", answer(302), "the server answered 302 Found; check the URL"},
		{"not modified", answer(304), "the server answered 304 Not Modified; check the URL"},
		{"unauthorized", answer(401, "WWW-Authenticate", `Basic realm="secret"`), "the server answered 401 Unauthorized; check the URL"},
		{"not found", answer(404), "the server answered 404 Not Found; check the URL"},
		{"unknown status", answer(799), "the server answered 799; check the URL"},
		{"error", answer(500), "the server answered 500 Internal Server Error; check the URL"},
		{"to a file", answer(302, "Location", "file:///etc/passwd"), "the server redirects to a URL that is not taken: only http and https URLs are read"},
		{"to a user", answer(302, "Location", "http://u:secret@127.0.0.1/"), "the server redirects to a URL that is not taken: URLs with a user name or password are refused"},
		{"to port 0", answer(302, "Location", "http://127.0.0.1:0/"), "the server redirects to a URL that is not taken: the URL's port is not a number from 1 to 65535"},
		{"to a bad URL", answer(302, "Location", "http://[secret/"), "the URL's host does not answer as a web server should; check the URL"},
		{"to itself", answer(302, "Location", "/b"), local},
		{"to localhost", answer(301, "Location", "http://localhost:1/secret"), local},
		{"to private", answer(307, "Location", "http://10.0.0.1/secret"), "the URL leads to a private network, which is refused; download the file and give its path, or start with --allow-private-urls"},
		{"to metadata", answer(308, "Location", "http://169.254.169.254/secret"), "the URL leads to a link-local address, which is refused; download the file and give its path"},
	}
	for _, c := range tests {
		t.Run(c.name, func(t *testing.T) {
			b, _, err := read(t, serve(t, c.handler)+"/secret", fetch.Options{})
			if c.want == "" {
				if err != nil || string(b) != "secret" {
					t.Errorf("%q, %v", b, err)
				}
				return
			}
			if err == nil || err.Error() != c.want {
				t.Errorf("got %v\nwant %s", err, c.want)
			}
		})
	}
}

// TestRefusedBeforeAsked holds that nothing is connected to before its address was judged.
func TestRefusedBeforeAsked(t *testing.T) {
	var asked atomic.Int64
	url := serve(t, func(w http.ResponseWriter, r *http.Request) { asked.Add(1) })
	_, port, err := net.SplitHostPort(strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	for _, host := range []string{"127.0.0.2", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "0.0.0.0", "[::]", "127.255.255.254"} {
		if _, _, err := read(t, "http://"+host+":"+port+"/", fetch.Options{AllowPrivate: true}); err == nil || !strings.Contains(err.Error(), "which is refused") {
			t.Errorf("%s: %v", host, err)
		}
	}
	if n := asked.Load(); n != 0 {
		t.Errorf("%d of them were asked", n)
	}
	if _, _, err := read(t, "http://localhost:"+port+"/", fetch.Options{}); err != nil || asked.Load() != 1 {
		t.Errorf("localhost: %v", err)
	}
}

func TestSizes(t *testing.T) {
	const limit = 70000
	tests := []struct {
		name    string
		size    int
		chunked bool
		err     error
	}{
		{"none", 0, false, nil},
		{"one", 1, false, nil},
		{"the limit", limit, false, nil},
		{"the limit in chunks", limit, true, nil},
		{"one more", limit + 1, false, fetch.ErrTooLarge},
		{"one more in chunks", limit + 1, true, fetch.ErrTooLarge},
		{"many more", 10 * limit, true, fetch.ErrTooLarge},
	}
	for _, c := range tests {
		t.Run(c.name, func(t *testing.T) {
			sent := bytes.Repeat([]byte("0123456789"), c.size/10+1)[:c.size]
			url := serve(t, func(w http.ResponseWriter, r *http.Request) {
				if c.chunked {
					w.(http.Flusher).Flush()
				} else {
					w.Header().Set("Content-Length", fmt.Sprint(c.size))
				}
				w.Write(sent)
			})
			b, size, err := read(t, url, fetch.Options{MaxBytes: limit})
			if !errors.Is(err, c.err) || err != c.err {
				t.Errorf("error %v, want %v", err, c.err)
			}
			if !bytes.Equal(b, sent[:min(c.size, limit)]) {
				t.Errorf("%d octets of %d", len(b), c.size)
			}
			if want := int64(c.size); c.chunked && size != -1 || !c.chunked && size != want {
				t.Errorf("size %d", size)
			}
		})
	}
}

func TestBrokenBodies(t *testing.T) {
	hijack := func(answer string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			conn, _, err := w.(http.Hijacker).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			io.WriteString(conn, answer)
			conn.Close()
		}
	}
	tests := []struct{ name, answer, body, want string }{
		{"until the end", "HTTP/1.0 200 OK\r\n\r\nabc", "abc", ""},
		{"ends early", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", "abc", "the server ended the body early"},
		{"chunk ends early", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nabc", "abc", "the server ended the body early"},
		{"bad chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nsecret\r\n", "abc", "the server sent a body that cannot be read to its end"},
		{"no HTTP", "SSH-2.0-secret\r\n", "", "the URL's host does not answer as a web server should; check the URL"},
		{"nothing", "", "", "the URL's host does not answer as a web server should; check the URL"},
		{"endless header", "HTTP/1.1 200 OK\r\nX: " + strings.Repeat("a", 80<<10) + "\r\n\r\n", "", "the URL's host does not answer as a web server should; check the URL"},
		{"two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc", "", "the URL's host does not answer as a web server should; check the URL"},
	}
	for _, c := range tests {
		t.Run(c.name, func(t *testing.T) {
			b, _, err := read(t, serve(t, hijack(c.answer)), fetch.Options{})
			if string(b) != c.body || fmt.Sprint(err) != c.want && (err != nil || c.want != "") {
				t.Errorf("%q, %v\nwant %q, %s", b, err, c.body, c.want)
			}
		})
	}
}

func TestCertificate(t *testing.T) {
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	s.Config.ErrorLog = log.New(io.Discard, "", 0) // it complains of our refusal
	s.StartTLS()
	defer s.Close()
	if _, _, err := read(t, s.URL, fetch.Options{}); err == nil || err.Error() != "the certificate of the URL's host cannot be verified" {
		t.Errorf("a certificate nobody vouches for: %v", err)
	}
	// A server that speaks no TLS.
	plain := serve(t, func(http.ResponseWriter, *http.Request) {})
	if _, _, err := read(t, "https"+strings.TrimPrefix(plain, "http"), fetch.Options{}); err == nil || err.Error() != "the URL's host does not answer as a web server should; check the URL" {
		t.Errorf("no TLS: %v", err)
	}
}

// TestClose holds that closing a body ends what the server sends.
func TestClose(t *testing.T) {
	gone := make(chan struct{})
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.(http.Flusher).Flush()
		<-r.Context().Done()
		close(gone)
	})
	body, _, err := fetch.Open(t.Context(), url, fetch.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if n, err := body.Read(nil); n != 0 || err != nil {
		t.Errorf("an empty read: %d, %v", n, err)
	}
	body.Close()
	<-gone
}
