// Package fetch opens the http and https URLs that captures are read from.
//
// A program that fetches what somebody else names must not become a way into
// networks that only it can reach. So every connection is judged by the address it
// really goes to, redirects and names that change their address included; bodies
// are bounded in octets and time while they stream; nothing but GET is sent, and no
// credentials, cookies or proxies are used.
package fetch

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

const (
	maxURL       = 2048
	maxRedirects = 3

	// DefaultMaxBytes bounds a body where Options does not.
	DefaultMaxBytes = 256 << 20

	connectTimeout = 10 * time.Second
	headerTimeout  = 10 * time.Second
	totalTimeout   = 120 * time.Second

	// A body slower than stallBytes in stallTime is given up.
	stallBytes = 20 << 10
	stallTime  = 20 * time.Second
)

// ErrTooLarge ends a body that is longer than it may be.
var ErrTooLarge = errors.New("the download limit was met; raise it with --max-download, or download the file and give its path")

var errStalled = errors.New("the server sends less than 1 KiB a second; download the file and give its path")

// Options says what may be fetched.
type Options struct {
	AllowPrivate bool  // also hosts in private networks
	MaxBytes     int64 // 0 is DefaultMaxBytes
}

// IsURL reports whether name is meant as a URL of a kind that Open takes.
func IsURL(name string) bool {
	lower := strings.ToLower(name[:min(len(name), 8)])
	return strings.HasPrefix(lower, "http://") || strings.HasPrefix(lower, "https://")
}

// WithoutUser returns name as it may be repeated in messages. Where it begins like a URL, of
// whatever scheme, user and password are ***. A URL that has them is refused: its scheme
// and host are all that is needed to find it again.
func WithoutUser(name string) string {
	n := strings.Index(name, "://") + len("://")
	if n < len("x://") || strings.Trim(strings.ToLower(name[:n-len("://")]), schemeChars) != "" {
		return name
	}
	authority := len(name)
	if i := strings.IndexAny(name[n:], `/?#\`); i >= 0 {
		authority = n + i
	}
	at := strings.LastIndexByte(name[n:authority], '@')
	if _, port, ok := strings.Cut(name[n:authority], ":"); at < 0 && ok && name[n] != '[' && strings.Trim(port, "0123456789") != "" {
		at = strings.LastIndexByte(name[n:], '@') // what is no port is a password with a slash in it
	}
	if at < 0 {
		return name
	}
	return name[:n] + "***" + name[n+at:]
}

// schemeChars are those of the scheme of a URL. RFC 3986, section 3.1.
const schemeChars = "abcdefghijklmnopqrstuvwxyz0123456789+-."

// Open starts to fetch a URL. The body ends with ErrTooLarge at the limit; size is
// what the server says it will send, -1 if it does not.
func Open(ctx context.Context, raw string, o Options) (body io.ReadCloser, size int64, err error) {
	u, err := parse(raw)
	if err != nil {
		return nil, 0, err
	}
	if o.MaxBytes <= 0 {
		o.MaxBytes = DefaultMaxBytes
	}
	return get(ctx, newClient(u, o), u, o.MaxBytes)
}

// get starts to fetch u.
func get(ctx context.Context, client *http.Client, u *url.URL, limit int64) (body io.ReadCloser, size int64, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, totalTimeout, fmt.Errorf("the download took more than %v", totalTimeout))
	defer func() {
		if err != nil {
			cancel()
		}
	}()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, 0, errors.New("the URL cannot be used")
	}
	req.Header.Set("User-Agent", "sipsight")
	req.Header.Set("Accept", "*/*")
	resp, err := client.Do(req)
	if err != nil {
		return nil, 0, plain(ctx, err)
	}
	if resp.StatusCode != http.StatusOK {
		resp.Body.Close()
		status := strings.TrimSpace(fmt.Sprint(resp.StatusCode, " ", http.StatusText(resp.StatusCode)))
		return nil, 0, fmt.Errorf("the server answered %s; check the URL", status)
	}
	for _, e := range resp.Header.Values("Content-Encoding") {
		if e != "" && !strings.EqualFold(e, "identity") {
			resp.Body.Close()
			return nil, 0, errors.New("the server sent the body in a content encoding, though none was asked for; download the file and give its path")
		}
	}
	return newBody(ctx, cancel, resp.Body, limit), resp.ContentLength, nil
}

// parse checks the syntax of a URL.
func parse(raw string) (*url.URL, error) {
	if len(raw) > maxURL {
		return nil, fmt.Errorf("the URL is longer than %d characters", maxURL)
	}
	for i := 0; i < len(raw); i++ {
		if raw[i] <= ' ' || raw[i] == 0x7f {
			return nil, errors.New("the URL holds a blank or control character")
		}
	}
	u, err := url.Parse(raw)
	if err != nil {
		return nil, errors.New("the URL is malformed")
	}
	return u, check(u)
}

// check applies the rules that hold for the first URL and for every redirect.
func check(u *url.URL) error {
	switch {
	case u.Scheme != "http" && u.Scheme != "https":
		return errors.New("only http and https URLs are read")
	case u.User != nil:
		return errors.New("URLs with a user name or password are refused")
	case u.Hostname() == "":
		return errors.New("the URL names no host")
	}
	if p := u.Port(); p != "" {
		if n, err := strconv.ParseUint(p, 10, 16); err != nil || n == 0 {
			return errors.New("the URL's port is not a number from 1 to 65535")
		}
	}
	return nil
}

func newClient(first *url.URL, o Options) *http.Client {
	loopback := isLoopbackName(first.Hostname())
	dialer := &net.Dialer{Timeout: connectTimeout}
	tr := &http.Transport{
		Proxy:                  nil,
		DisableCompression:     true,
		DisableKeepAlives:      true,
		TLSHandshakeTimeout:    connectTimeout,
		ResponseHeaderTimeout:  headerTimeout,
		MaxResponseHeaderBytes: 64 << 10,
	}
	var redirected atomic.Bool // a dial that lost its race may still run
	tr.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
		d := *dialer
		d.ControlContext = func(_ context.Context, _, address string, _ syscall.RawConn) error {
			return judge(address, loopback && !redirected.Load(), o.AllowPrivate)
		}
		return d.DialContext(ctx, network, addr)
	}
	return &http.Client{
		Transport: tr,
		CheckRedirect: func(req *http.Request, via []*http.Request) error {
			redirected.Store(true)
			req.Header.Del("Referer") // a URL can be a secret
			return checkRedirect(req.URL, via)
		},
	}
}

// A redirectError says which rule a redirect broke.
type redirectError struct{ error }

func checkRedirect(u *url.URL, via []*http.Request) error {
	if len(via) > maxRedirects {
		return redirectError{fmt.Errorf("the server redirects more than %d times", maxRedirects)}
	}
	if via[len(via)-1].URL.Scheme == "https" && u.Scheme == "http" {
		return redirectError{errors.New("the server redirects from https to http")}
	}
	if err := check(u); err != nil {
		return redirectError{fmt.Errorf("the server redirects to a URL that is not taken: %w", err)}
	}
	return nil
}

// isLoopbackName reports whether the host of a URL is literally this machine.
func isLoopbackName(host string) bool {
	return strings.EqualFold(host, "localhost") || host == "127.0.0.1" || host == "::1"
}

// errRefused explains every refusal the same way, so that it tells nothing about
// the network it protects.
type errRefused struct{ kind string }

func (e errRefused) Error() string {
	s := "the URL leads to " + e.kind + ", which is refused; download the file and give its path"
	if e.kind == privateKind {
		s += ", or start with --allow-private-urls"
	}
	return s
}

const privateKind = "a private network"

// judge decides on the address a connection is about to go to.
func judge(address string, loopbackOK, privateOK bool) error {
	ap, err := netip.ParseAddrPort(address)
	if err != nil {
		return errRefused{"an address that cannot be read"}
	}
	a := ap.Addr().WithZone("").Unmap()
	kind := classify(a)
	switch {
	case kind == "":
		return nil
	case kind == loopbackKind && loopbackOK, kind == privateKind && privateOK:
		return nil
	}
	return errRefused{kind}
}

const loopbackKind = "this machine itself"

// special lists the networks that are not public: RFC 6890 and its registry, with
// the metadata addresses of cloud providers. The first match counts.
var special = []struct {
	prefix, kind string
}{
	{"127.0.0.0/8", loopbackKind},
	{"::1/128", loopbackKind},
	{"169.254.0.0/16", "a link-local address"},
	{"fe80::/10", "a link-local address"},
	{"fd00:ec2::/32", "a metadata service"},
	{"fd20:ce::254/128", "a metadata service"},
	{"fd00:c1::a9fe:a9fe/128", "a metadata service"},
	{"fd00:42::42/128", "a metadata service"},
	{"100.100.100.200/32", "a metadata service"},
	{"168.63.129.16/32", "a metadata service"},
	{"10.0.0.0/8", privateKind},
	{"172.16.0.0/12", privateKind},
	{"192.168.0.0/16", privateKind},
	{"100.64.0.0/10", privateKind},
	{"fc00::/7", privateKind},
	{"fec0::/10", privateKind},
	{"0.0.0.0/8", "an unspecified address"},
	{"::/128", "an unspecified address"},
	{"192.0.0.0/24", "a reserved address"},
	{"192.0.2.0/24", "a reserved address"},
	{"192.88.99.0/24", "a reserved address"},
	{"198.18.0.0/15", "a reserved address"},
	{"198.51.100.0/24", "a reserved address"},
	{"203.0.113.0/24", "a reserved address"},
	{"224.0.0.0/4", "a multicast address"},
	{"ff00::/8", "a multicast address"},
	{"240.0.0.0/4", "a reserved address"},
	{"64:ff9b::/96", "an address that is translated on the way"},
	{"64:ff9b:1::/48", "an address that is translated on the way"},
	{"2001::/23", "a reserved address"},
	{"2001:db8::/32", "a reserved address"},
	{"2002::/16", "an address that is translated on the way"},
	{"3fff::/20", "a reserved address"},
	// Global unicast is 2000::/3, and this is the rest.
	{"::/3", "a reserved address"},
	{"4000::/2", "a reserved address"},
	{"8000::/1", "a reserved address"},
}

// classify names what a non-public address is; "" is public.
func classify(a netip.Addr) string {
	for _, s := range special {
		if netip.MustParsePrefix(s.prefix).Contains(a) {
			return s.kind
		}
	}
	return ""
}

// plain turns an error of the HTTP client into a sentence that repeats neither the
// URL nor what the server said.
func plain(ctx context.Context, err error) error {
	var refused errRefused
	var redirect redirectError
	var dns *net.DNSError
	var cert *tls.CertificateVerificationError
	var timeout interface{ Timeout() bool }
	var errno syscall.Errno
	switch {
	case errors.As(err, &refused):
		return refused
	case errors.As(err, &redirect):
		return redirect
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.As(err, &dns):
		return errors.New("the URL's host name cannot be resolved; check the name and the network")
	case errors.Is(err, syscall.ECONNREFUSED):
		return errors.New("the URL's host refuses the connection; check host and port")
	case errors.As(err, &cert):
		return errors.New("the certificate of the URL's host cannot be verified")
	case errors.As(err, &timeout) && timeout.Timeout():
		return errors.New("the URL's host does not answer in time")
	case errors.As(err, &errno):
		return fmt.Errorf("the URL cannot be fetched: %w", errno)
	}
	return errors.New("the URL's host does not answer as a web server should; check the URL")
}

// A bodyReader bounds a body in octets, time and slowness.
type bodyReader struct {
	body   io.ReadCloser
	left   int64
	ctx    context.Context
	cancel context.CancelFunc
	stall  *stallClock
}

func newBody(ctx context.Context, cancel context.CancelFunc, body io.ReadCloser, limit int64) *bodyReader {
	return &bodyReader{body: body, left: limit, ctx: ctx, cancel: cancel, stall: newStallClock(cancel)}
}

func (b *bodyReader) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	b.stall.start()
	if b.left <= 0 { // is there more?
		var one [1]byte
		n, err := b.body.Read(one[:])
		b.stall.stop(n)
		if n > 0 {
			return 0, ErrTooLarge
		}
		return 0, b.explain(err)
	}
	n, err := b.body.Read(p[:min(int64(len(p)), b.left)])
	b.stall.stop(n)
	b.left -= int64(n)
	return n, b.explain(err)
}

// explain turns an error of the body into a sentence, as plain does.
func (b *bodyReader) explain(err error) error {
	var errno syscall.Errno
	switch {
	case err == nil || err == io.EOF:
		return err
	case b.stall.stalled():
		return errStalled
	case b.ctx.Err() != nil:
		return context.Cause(b.ctx)
	case errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("the server ended the body early")
	case errors.As(err, &errno):
		return fmt.Errorf("the connection broke: %w", errno)
	}
	return errors.New("the server sent a body that cannot be read to its end")
}

func (b *bodyReader) Close() error {
	b.cancel()
	return b.body.Close()
}
