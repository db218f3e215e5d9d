package fetch

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"syscall"
	"testing"
)

// TestJudge decides on addresses: public ones, which everybody may be asked to read from,
// and the first and last of every network that is special.
func TestJudge(t *testing.T) {
	const (
		public  = ""
		local   = loopbackKind
		private = privateKind
		link    = "a link-local address"
		meta    = "a metadata service"
		none    = "an unspecified address"
		group   = "a multicast address"
		res     = "a reserved address"
		xlat    = "an address that is translated on the way"
	)
	tests := []struct{ addr, kind string }{
		{"1.1.1.1", public},
		{"8.8.8.8", public},
		{"9.255.255.255", public},
		{"11.0.0.0", public},
		{"93.184.216.34", public},
		{"100.63.255.255", public},
		{"100.128.0.0", public},
		{"126.255.255.255", public},
		{"128.0.0.0", public},
		{"168.63.129.15", public},
		{"169.253.255.255", public},
		{"169.255.0.0", public},
		{"172.15.255.255", public},
		{"172.32.0.0", public},
		{"192.0.1.0", public},
		{"192.167.255.255", public},
		{"192.169.0.0", public},
		{"198.17.255.255", public},
		{"198.20.0.0", public},
		{"223.255.255.255", public},
		{"2000::1", public},
		{"2001:200::1", public},
		{"2001:db7:ffff::1", public},
		{"2001:db9::1", public},
		{"2003::1", public},
		{"2606:4700:4700::1111", public},
		{"3ffe::1", public},

		{"127.0.0.0", local},
		{"127.0.0.1", local},
		{"127.255.255.255", local},
		{"::1", local},
		{"::ffff:127.0.0.1", local},
		{"::ffff:7f00:1", local},

		{"10.0.0.0", private},
		{"10.255.255.255", private},
		{"172.16.0.0", private},
		{"172.31.255.255", private},
		{"192.168.0.0", private},
		{"192.168.255.255", private},
		{"100.64.0.0", private},
		{"100.127.255.255", private},
		{"fc00::", private},
		{"fdff:ffff::1", private},
		{"fec0::1", private},
		{"feff::1", private},
		{"::ffff:10.1.2.3", private},

		{"169.254.0.0", link},
		{"169.254.169.254", link},
		{"169.254.170.2", link},
		{"169.254.255.255", link},
		{"fe80::1", link},
		{"fe80::1%eth0", link},
		{"febf::1", link},
		{"::ffff:169.254.169.254", link},

		{"100.100.100.200", meta},
		{"168.63.129.16", meta},
		{"fd00:ec2::254", meta},
		{"fd00:ec2::23", meta},
		{"fd20:ce::254", meta},
		{"fd00:c1::a9fe:a9fe", meta},
		{"fd00:42::42", meta},

		{"0.0.0.0", none},
		{"0.255.255.255", none},
		{"::", none},
		{"::ffff:0.0.0.0", none},

		{"224.0.0.0", group},
		{"239.255.255.255", group},
		{"ff02::1", group},
		{"ff0e::1", group},

		{"192.0.0.0", res},
		{"192.0.0.192", res},
		{"192.0.2.1", res},
		{"192.88.99.1", res},
		{"198.18.0.0", res},
		{"198.19.255.255", res},
		{"198.51.100.1", res},
		{"203.0.113.1", res},
		{"240.0.0.0", res},
		{"255.255.255.255", res},
		{"100::1", res}, // discard only
		{"2001::1", res},
		{"2001:1ff::1", res},
		{"2001:db8::1", res},
		{"3fff::1", res},
		{"::127.0.0.1", res}, // IPv4-compatible
		{"::ffff:0:7f00:1", res},
		{"1fff::1", res},
		{"4000::1", res},
		{"5f00::1", res},
		{"8000::1", res},
		{"fe00::1", res},

		{"64:ff9b::7f00:1", xlat}, // NAT64
		{"64:ff9b::8.8.8.8", xlat},
		{"64:ff9b:1::1", xlat},
		{"2002:7f00:1::", xlat}, // 6to4
		{"2002:0a00:0001::1", xlat},
	}
	for _, c := range tests {
		t.Run(c.addr, func(t *testing.T) {
			address := netip.AddrPortFrom(netip.MustParseAddr(c.addr), 80).String()
			for _, o := range []struct{ loopback, private bool }{{}, {true, false}, {false, true}, {true, true}} {
				allowed := c.kind == public || c.kind == local && o.loopback || c.kind == private && o.private
				err := judge(address, o.loopback, o.private)
				if (err == nil) != allowed {
					t.Errorf("%+v: %v", o, err)
				}
				if err != nil && err != (errRefused{c.kind}) {
					t.Errorf("refused as %q, want %q", err, c.kind)
				}
				if err != nil && strings.Contains(err.Error(), c.addr) {
					t.Errorf("the address is told: %q", err)
				}
				if err != nil && strings.Contains(err.Error(), "--allow-private-urls") != (c.kind == private) {
					t.Errorf("the advice is wrong: %q", err)
				}
			}
		})
	}
	for _, address := range []string{"", "127.0.0.1", "example.com:80", "1.1.1.1:x", "[::1:80"} {
		if err := judge(address, true, true); err == nil {
			t.Errorf("%q may be asked", address)
		}
	}
}

// TestSpecialCoversIPv6 holds that nothing but global unicast, 2000::/3, is public in IPv6.
func TestSpecialCoversIPv6(t *testing.T) {
	for first := range 256 {
		var b [16]byte
		b[0], b[15] = byte(first), 1
		if kind := classify(netip.AddrFrom16(b)); (kind == "") != (first>>5 == 1) {
			t.Errorf("%v is %q", netip.AddrFrom16(b), kind)
		}
	}
}

func TestParse(t *testing.T) {
	const (
		scheme = "only http and https URLs are read"
		user   = "URLs with a user name or password are refused"
		host   = "the URL names no host"
		port   = "the URL's port is not a number from 1 to 65535"
		blank  = "the URL holds a blank or control character"
		bad    = "the URL is malformed"
		long   = "the URL is longer than 2048 characters"
	)
	tests := []struct{ name, in, want string }{
		{"plain", "http://example.com/a.pcap", ""},
		{"TLS", "https://example.com/a.pcap?x=1&y=%20#part", ""},
		{"capitals", "HTTP://EXAMPLE.com/", ""},
		{"first port", "http://example.com:1/", ""},
		{"last port", "http://example.com:65535/", ""},
		{"empty port", "http://example.com:/a", ""},
		{"IPv6", "http://[2001:db8::1]:8080/a", ""},
		{"longest", "http://example.com/" + strings.Repeat("a", 2048-19), ""},
		{"not ASCII", "http://example.com/ü", ""},

		{"too long", "http://example.com/" + strings.Repeat("a", 2049-19), long},
		{"file", "file:///etc/passwd", scheme},
		{"ftp", "ftp://example.com/a", scheme},
		{"gopher", "gopher://example.com/", scheme},
		{"data", "data:text/plain,a", scheme},
		{"no scheme", "//example.com/a", scheme},
		{"a path", "/captures/a.pcap", scheme},
		{"empty", "", scheme},
		{"user", "http://user@example.com/", user},
		{"password", "http://user:secret@example.com/", user},
		{"empty user", "http://@example.com/", user},
		{"host that looks like a user", "http://example.com@10.0.0.1/", user},
		{"no host", "http:///a", host},
		{"only a port", "http://:80/a", host},
		{"opaque", "http:example.com", host},
		{"port 0", "http://example.com:0/", port},
		{"port 65536", "http://example.com:65536/", port},
		{"port of many digits", "http://example.com:99999999999999999999/", port},
		{"port of letters", "http://example.com:http/", bad},
		{"negative port", "http://example.com:-1/", bad},
		{"blank", "http://example.com/a b", blank},
		{"line end", "http://example.com/\r\nHost: x", blank},
		{"NUL", "http://example.com/\x00", blank},
		{"DEL", "http://example.com/\x7f", blank},
		{"blank in front", " http://example.com/", blank},
		{"escape", "http://example.com/%zz", bad},
		{"open bracket", "http://[::1/", bad},
		{"escaped host", "http://%31%32%37.0.0.1/", bad},
	}
	for _, c := range tests {
		t.Run(c.name, func(t *testing.T) {
			u, err := parse(c.in)
			if c.want == "" && (err != nil || u == nil) {
				t.Errorf("refused: %v", err)
			}
			if c.want != "" && (err == nil || err.Error() != c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
			if err != nil && strings.Contains(err.Error(), "secret") {
				t.Errorf("a password is told: %v", err)
			}
		})
	}
}

func TestIsURL(t *testing.T) {
	for in, want := range map[string]bool{
		"http://a": true, "https://a": true, "HTTPS://A": true, "hTTp://": true,
		"": false, "-": false, "http": false, "http:/a": false, "https:/a": false, "httpx://a": false,
		"ftp://a": false, "/http://a": false, "file:///a": false, "http:a": false,
	} {
		if IsURL(in) != want {
			t.Errorf("%q: %v", in, !want)
		}
	}
}

func TestIsLoopbackName(t *testing.T) {
	for in, want := range map[string]bool{
		"localhost": true, "LocalHost": true, "127.0.0.1": true, "::1": true,
		"": false, "127.0.0.2": false, "127.1": false, "0.0.0.0": false, "::ffff:127.0.0.1": false, "0:0:0:0:0:0:0:1": false,
		"localhost.": false, "localhost.example.com": false, "ip6-localhost": false, "2130706433": false, "0x7f000001": false,
	} {
		if isLoopbackName(in) != want {
			t.Errorf("%q: %v", in, !want)
		}
	}
}

// TestPlain holds that errors of the HTTP client become sentences that repeat nothing of
// what was asked for or answered.
func TestPlain(t *testing.T) {
	canceled, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("the reason"))
	wrap := func(err error) error { return &url.Error{Op: "Get", URL: "http://secret/", Err: err} }
	tests := []struct {
		name string
		ctx  context.Context
		err  error
		want string
	}{
		{"refused", t.Context(), wrap(&net.OpError{Op: "dial", Err: errRefused{privateKind}}), errRefused{privateKind}.Error()},
		{"redirect", t.Context(), wrap(redirectError{errors.New("the server redirects")}), "the server redirects"},
		{"context", canceled, wrap(io.ErrUnexpectedEOF), "the reason"},
		{"name", t.Context(), wrap(&net.DNSError{Err: "no such host", Name: "secret"}), "the URL's host name cannot be resolved; check the name and the network"},
		{"slow name", t.Context(), wrap(&net.DNSError{Err: "i/o timeout", Name: "secret", IsTimeout: true}), "the URL's host name cannot be resolved; check the name and the network"},
		{"closed port", t.Context(), wrap(&net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}), "the URL's host refuses the connection; check host and port"},
		{"unreachable", t.Context(), wrap(&net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.ENETUNREACH)}), "the URL cannot be fetched: " + syscall.ENETUNREACH.Error()},
		{"certificate", t.Context(), wrap(&tls.CertificateVerificationError{Err: errors.New("secret")}), "the certificate of the URL's host cannot be verified"},
		{"timeout", t.Context(), wrap(os.ErrDeadlineExceeded), "the URL's host does not answer in time"},
		{"anything", t.Context(), wrap(fmt.Errorf("malformed HTTP response %q", "secret")), "the URL's host does not answer as a web server should; check the URL"},
	}
	for _, c := range tests {
		t.Run(c.name, func(t *testing.T) {
			if got := plain(c.ctx, c.err).Error(); got != c.want {
				t.Errorf("got %q\nwant %q", got, c.want)
			}
		})
	}
}

func TestWithoutUser(t *testing.T) {
	for in, want := range map[string]string{
		"http://u:hunter2@h/a":            "http://***@h/a",
		"https://hunter2@h":               "https://***@h",
		"HTTP://u:hunter2@h:80/a?b=c@d#e": "HTTP://***@h:80/a?b=c@d#e",
		"http://u:hunter2@x@h/a":          "http://***@h/a",
		"http://u:hun/ter2@h/a":           "http://***@h/a",
		"http://u:hunter2?#@h/a":          "http://***@h/a",
		"http://u:hunter 2\n@h/a":         "http://***@h/a",
		"http://u:hunter2\\@h/a":          "http://***@h/a",
		"http://u:%zz@h/":                 "http://***@h/",
		"http://@h/":                      "http://***@h/",
		"ftp://u:hunter2@h/a":             "ftp://***@h/a",
		"svn+ssh://u:hunter2@h/a":         "svn+ssh://***@h/a",

		"http://h/a":                 "http://h/a",
		"http://h:80/a@b":            "http://h:80/a@b",
		"http://h/a?b=c:d@e":         "http://h/a?b=c:d@e",
		"http://[2001:db8::1]:80/@a": "http://[2001:db8::1]:80/@a",
		"http://***@h/a":             "http://***@h/a",
		"http://":                    "http://",
		"://u:p@h":                   "://u:p@h",
		"/captures/a://b:c@d":        "/captures/a://b:c@d",
		"a@b":                        "a@b",
		"-":                          "-",
		"":                           "",
	} {
		got := WithoutUser(in)
		if got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
		if again := WithoutUser(got); again != got {
			t.Errorf("%q: twice %q", in, again)
		}
		if _, err := parse(in); IsURL(in) && got != in && err == nil {
			t.Errorf("%q is masked and would be fetched", in)
		}
	}
}
