package flow_test

import (
	"strings"
	"testing"

	"github.com/sipsight/sipsight/internal/flow"
)

func TestNames(t *testing.T) {
	for _, s := range []string{"10.0.0.1=proxy", "10.0.0.1:5060=gw", "[2001:db8::1]:5060=phone", "2001:db8::1=six", "::ffff:10.0.0.1=mapped", "10.0.0.1=a=b"} {
		if err := new(flow.Names).Add(s); err != nil {
			t.Errorf("%s: %v", s, err)
		}
	}
	for _, s := range []string{"", "proxy", "10.0.0.1", "10.0.0.1=", "=proxy", "host=proxy", "10.0.0.1:99999=x", "10.0.0.300=x"} {
		if err := new(flow.Names).Add(s); err == nil {
			t.Errorf("%q is taken", s)
		}
	}
}

func TestReadHosts(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"ordinary", "# hosts\n127.0.0.1 localhost\n\n10.0.0.9\tproxy proxy.example.com # the proxy\n::1 six\n", ""},
		{"no name", "10.0.0.9\n", "line 1 is not"},
		{"no address", "10.0.0.9 a\nproxy 10.0.0.9\n", "line 2 is not"},
		{"a line without end", "10.0.0.9 " + strings.Repeat("x", 1<<16), "token too long"},
	} {
		err := new(flow.Names).ReadHosts(strings.NewReader(c.in))
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
}
