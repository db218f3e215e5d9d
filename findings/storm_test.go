package findings_test

import (
	"fmt"
	"strings"
	"testing"
)

// TestStormSource: a storm is put down to a host only if all that is counted came from there.
func TestStormSource(t *testing.T) {
	register := func(b *strings.Builder, at int, host string) {
		fmt.Fprintf(b, "%d %s > B REGISTER id=r%d@example from=sip:a@example.com\n+.1 B > %s 200 id=r%d@example\n", at, host, at, host, at)
	}
	for _, tt := range []struct{ last, want string }{
		{"A", "13 REGISTERs from 10.0.0.1 "},
		{"C", "13 REGISTERs from several addresses "},
	} {
		var b strings.Builder
		b.WriteString(hosts + "C = 10.0.0.3:5060\n")
		for at := range 12 {
			register(&b, at, "A")
		}
		register(&b, 12, tt.last)
		register(&b, 300, "C") // what comes later changes nothing
		told := found(t, b.String())
		n := 0
		for _, f := range told {
			if f.ID == "register-storm" {
				if n++; !strings.HasPrefix(f.Observed, tt.want) {
					t.Errorf("last from %s: %q", tt.last, f.Observed)
				}
			}
		}
		if n != 1 {
			t.Errorf("last from %s: told %d times", tt.last, n)
		}
	}
}
