package fuzz

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"testing"

	"github.com/sipsight/sipsight/internal/fetch"
)

// FuzzURL: a URL that is taken is http or https with a host, a port that there is and no user;
// what refuses one repeats nothing of it. What may be shown of a name has no user, and is a
// URL of the same host.
func FuzzURL(f *testing.F) {
	for _, s := range []string{
		"http://example.com/a.pcap", "HTTPS://[2001:db8::1]:8443/x?y=z@w#v", "http://user:secretword@example.com/", "http://secretword@h:80",
		"http://h:0/", "http://h:65536/", "http:///a", "ftp://secretword:x@h/", "file:///etc/passwd", "http://a b/", "http://h/\x00", "http://h/%zz", "//h", "http://u:secret/word@h/",
		"http://127.0.0.1@10.0.0.1/", "http://[::1%25eth0]/", "http://0x7f.1/", "http://user:\\@h/", "http://***@h/", strings.Repeat("http://h/", 300),
	} {
		f.Add(s)
	}
	never, cancel := context.WithCancel(context.Background()) // what is taken is not asked for
	cancel()
	f.Fuzz(func(t *testing.T, s string) {
		if tooLong([]byte(s)) {
			return
		}
		shown := fetch.WithoutUser(s)
		if again := fetch.WithoutUser(shown); again != shown {
			t.Fatalf("%q is shown as %q, that as %q", s, shown, again)
		}
		if fetch.IsURL(shown) != fetch.IsURL(s) {
			t.Fatalf("%q is shown as %q", s, shown)
		}
		before, after := parsedURL(s), parsedURL(shown)
		if before != nil && before.User != nil && shown == s && !isMasked(before) && before.Host != "" {
			t.Fatalf("%q is shown with its user", s)
		}
		if before != nil && before.User != nil && before.Host != "" && after != nil && (after.Host != before.Host || after.User == nil || !isMasked(after)) {
			t.Fatalf("%q is shown as %q, of host %q and user %v", s, shown, after.Host, after.User)
		}
		_, _, err := fetch.Open(never, s, fetch.Options{})
		if !errors.Is(err, context.Canceled) {
			if err == nil {
				t.Fatalf("%q was fetched", s)
			}
			if before != nil && before.User != nil && len(before.User.String()) > 6 && strings.Contains(err.Error(), before.User.String()) {
				t.Fatalf("%q is refused with its user: %v", s, err)
			}
			return
		}
		if shown != s || len(s) > 2048 || !fetch.IsURL(s) || before == nil || before.User != nil || before.Hostname() == "" || before.Port() == "0" {
			t.Fatalf("%q is taken", s)
		}
		if strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r == 0x7f }) {
			t.Fatalf("%q is taken", s)
		}
	})
}

func isMasked(u *url.URL) bool {
	_, password := u.User.Password()
	return u.User.Username() == "***" && !password
}

// parsedURL is a URL with a scheme and an authority, nil for anything else.
func parsedURL(s string) *url.URL {
	u, err := url.Parse(s)
	if err != nil || u.Scheme == "" || !strings.Contains(s, "://") {
		return nil
	}
	return u
}
