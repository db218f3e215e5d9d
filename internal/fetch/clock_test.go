package fetch

import (
	"bufio"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// A script plays the server of one connection, on the clock of the test.
type script func(conn net.Conn, request *http.Request)

// play fetches from a scripted server: each connection gets the next script. What is read
// takes the consumer a while between two reads.
func play(t *testing.T, ctx context.Context, consumer time.Duration, scripts ...script) (got string, took time.Duration, err error) {
	t.Helper()
	u, err := parse("http://example.com/first?secret")
	if err != nil {
		t.Fatal(err)
	}
	var servers sync.WaitGroup
	defer servers.Wait()
	client := newClient(u, Options{})
	client.Transport.(*http.Transport).DialContext = func(context.Context, string, string) (net.Conn, error) {
		if len(scripts) == 0 {
			return nil, errors.New("no more scripts")
		}
		s := scripts[0]
		scripts = scripts[1:]
		here, there := net.Pipe()
		servers.Go(func() {
			defer there.Close()
			r, err := http.ReadRequest(bufio.NewReader(there))
			if err == nil {
				s(there, r)
			}
		})
		return here, nil
	}
	start := time.Now()
	body, _, err := get(ctx, client, u, DefaultMaxBytes)
	if err != nil {
		return "", time.Since(start), err
	}
	defer body.Close()
	var b strings.Builder
	for p := make([]byte, 64<<10); ; {
		n, err := body.Read(p)
		b.Write(p[:n])
		if err == io.EOF {
			return b.String(), time.Since(start), nil
		}
		if err != nil {
			return b.String(), time.Since(start), err
		}
		time.Sleep(consumer)
	}
}

const header = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"

// trickle sends size octets every second, n times, from half a second on: that is never
// the moment in which a limit is met.
func trickle(size, n int) script {
	return func(conn net.Conn, _ *http.Request) {
		io.WriteString(conn, header)
		time.Sleep(500 * time.Millisecond)
		for i := range n {
			if i > 0 {
				time.Sleep(time.Second)
			}
			if _, err := io.WriteString(conn, strings.Repeat("x", size)); err != nil {
				return
			}
		}
	}
}

// TestTimes holds each limit of time, on a clock that costs none.
func TestTimes(t *testing.T) {
	const (
		stalled = "the server sends less than 1 KiB a second; download the file and give its path"
		silent  = "the URL's host does not answer in time"
		total   = "the download took more than 2m0s"
	)
	tests := []struct {
		name     string
		consumer time.Duration
		server   script
		octets   int
		took     time.Duration
		want     string
	}{
		{"fast", 0, trickle(1<<20, 3), 3 << 20, 2500 * time.Millisecond, ""},
		{"just fast enough", 0, trickle(1100, 100), 110000, 99500 * time.Millisecond, ""},
		{"too slow", 0, trickle(1000, 100), 20000, stallTime, stalled},
		{"an octet a second", 0, trickle(1, 100), 20, stallTime, stalled},
		{"silence after the header", 0, func(c net.Conn, _ *http.Request) {
			io.WriteString(c, header)
			time.Sleep(time.Hour)
		}, 0, stallTime, stalled},
		{"silence after a while", 0, func(c net.Conn, r *http.Request) {
			trickle(30<<10, 5)(c, r)
			time.Sleep(time.Hour)
		}, 150 << 10, 4500*time.Millisecond + stallTime, stalled},
		{"a consumer that is slow itself", 30 * time.Second, func(c net.Conn, _ *http.Request) {
			io.WriteString(c, header)
			for range 3 {
				io.WriteString(c, strings.Repeat("x", 100))
			}
		}, 300, 0, ""},
		{"no answer", 0, func(net.Conn, *http.Request) { time.Sleep(time.Hour) }, 0, headerTimeout, silent},
		{"half a header", 0, func(c net.Conn, _ *http.Request) {
			io.WriteString(c, header[:20])
			time.Sleep(time.Hour)
		}, 0, headerTimeout, silent},
		{"endless", 0, trickle(30<<10, 1000), 120 * 30 << 10, totalTimeout, total},
	}
	for _, c := range tests {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				got, took, err := play(t, t.Context(), c.consumer, c.server)
				if msg := fmt.Sprint(err); msg != c.want && (err != nil || c.want != "") {
					t.Errorf("error %v, want %q", err, c.want)
				}
				if len(got) != c.octets {
					t.Errorf("%d octets, want %d", len(got), c.octets)
				}
				if c.took != 0 && took != c.took {
					t.Errorf("it took %v, want %v", took, c.took)
				}
			})
		})
	}
}

func TestCancel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		why := errors.New("somebody had enough")
		for _, s := range []script{trickle(1<<20, 100), func(net.Conn, *http.Request) { time.Sleep(time.Minute) }} {
			ctx, cancel := context.WithCancelCause(t.Context())
			time.AfterFunc(4250*time.Millisecond, func() { cancel(why) })
			_, took, err := play(t, ctx, 0, s)
			if err != why || took != 4250*time.Millisecond {
				t.Errorf("%v after %v", err, took)
			}
		}
	})
}

// redirect sends the client on.
func redirect(location string) script {
	return func(c net.Conn, _ *http.Request) {
		fmt.Fprintf(c, "HTTP/1.1 302 Found\r\nSet-Cookie: a=b\r\nConnection: close\r\nContent-Length: 0\r\nLocation: %s\r\n\r\n", location)
	}
}

func TestRedirects(t *testing.T) {
	var last *http.Request
	end := func(c net.Conn, r *http.Request) {
		last = r
		io.WriteString(c, header+"the end")
	}
	synctest.Test(t, func(t *testing.T) {
		got, _, err := play(t, t.Context(), 0, redirect("/second"), redirect("http://other.example.com/third"), redirect("//example.net:8080/fourth"), end)
		if err != nil || got != "the end" {
			t.Fatalf("three redirects: %q, %v", got, err)
		}
		want := "map[Accept:[*/*] Connection:[close] User-Agent:[sipsight]]"
		if fmt.Sprint(last.Header) != want || last.Host != "example.net:8080" || last.Method != "GET" {
			t.Errorf("the last was asked with %v at %s, want %s", last.Header, last.Host, want)
		}
		_, _, err = play(t, t.Context(), 0, redirect("/2"), redirect("/3"), redirect("/4"), redirect("/5"), end)
		if err == nil || err.Error() != "the server redirects more than 3 times" {
			t.Errorf("four redirects: %v", err)
		}
	})
}

// TestNoDowngrade holds that TLS is not left on the way.
func TestNoDowngrade(t *testing.T) {
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/down" {
			http.Redirect(w, r, "http://example.com/", http.StatusFound)
			return
		}
		io.WriteString(w, "over TLS")
	}))
	defer s.Close()
	for path, want := range map[string]string{"/": "", "/down": "the server redirects from https to http"} {
		u, err := url.Parse(s.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		client := newClient(u, Options{})
		tr := client.Transport.(*http.Transport)
		tr.TLSClientConfig = s.Client().Transport.(*http.Transport).TLSClientConfig.Clone()
		if tr.TLSClientConfig.RootCAs.Equal(x509.NewCertPool()) {
			t.Fatal("the server is trusted by nobody")
		}
		body, _, err := get(t.Context(), client, u, 100)
		if err != nil {
			if err.Error() != want {
				t.Errorf("%s: %v", path, err)
			}
			continue
		}
		b, err := io.ReadAll(body)
		body.Close()
		if err != nil || string(b) != "over TLS" || want != "" {
			t.Errorf("%s: %q, %v", path, b, err)
		}
	}
}

// TestClient holds what a client must not have.
func TestClient(t *testing.T) {
	u, err := parse("http://example.com/")
	if err != nil {
		t.Fatal(err)
	}
	c := newClient(u, Options{})
	tr := c.Transport.(*http.Transport)
	if c.Jar != nil || tr.Proxy != nil || !tr.DisableCompression || !tr.DisableKeepAlives {
		t.Errorf("cookies %v, a proxy %v, compression %v, connections kept %v", c.Jar != nil, tr.Proxy != nil, !tr.DisableCompression, !tr.DisableKeepAlives)
	}
}
