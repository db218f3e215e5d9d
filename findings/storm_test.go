package findings_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/sipsight/sipsight/findings"
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

// TestStormOfAttacker: a storm is told with the attack if most of it is of the attacker, and by itself else, whoever began it.
func TestStormOfAttacker(t *testing.T) {
	attack := func(b *strings.Builder, user string, n int) {
		for range n {
			fmt.Fprintf(b, "+.1 A > B REGISTER id=x%d@example from=sip:%s@example.com\n    Authorization: Digest username=\"%s\", realm=\"r\", nonce=\"n%d\", response=\"00\"\n+.1 B > A 403\n", b.Len(), user, user, b.Len())
		}
	}
	phone := func(b *strings.Builder, n int) {
		for range n {
			fmt.Fprintf(b, "+.1 C > B REGISTER id=p%d@example from=sip:a@example.com\n+.1 B > C 200\n", b.Len())
		}
	}
	for _, tt := range []struct {
		name   string
		ladder func(b *strings.Builder)
		storm  bool
	}{
		{"the phone begins", func(b *strings.Builder) { phone(b, 1); attack(b, "a", 14) }, false},
		{"the phone ends", func(b *strings.Builder) { attack(b, "a", 14); phone(b, 1) }, false},
		{"the attacker begins", func(b *strings.Builder) { attack(b, "u", 14); attack(b, "a", 1); phone(b, 14) }, true},
		{"the attacker ends", func(b *strings.Builder) { attack(b, "u", 14); phone(b, 14); attack(b, "a", 1) }, true},
	} {
		var b strings.Builder
		b.WriteString(hosts + "C = 10.0.0.3:5060\n0 A > B OPTIONS new id=o@example\n+.1 B > A 200\n")
		tt.ladder(&b)
		told := found(t, b.String())
		if count(told, "digest-brute-force", findings.Error) != 1 {
			t.Errorf("%s: no attack", tt.name)
		}
		storm := false
		for _, f := range told {
			storm = storm || f.ID == "register-storm" && strings.HasPrefix(f.AOR, "sip:a@")
		}
		if storm != tt.storm {
			t.Errorf("%s: told by itself: %v", tt.name, storm)
		}
	}
}

// TestStormLastUnheard: that the last REGISTER of a storm is of a host that nothing was sent to proves nothing of the others.
func TestStormLastUnheard(t *testing.T) {
	var b strings.Builder
	b.WriteString(hosts + "C = 10.0.0.3:5060\n")
	for at := range 12 {
		fmt.Fprintf(&b, "%d A > B REGISTER id=r%d@example from=sip:a@example.com\n+.1 B > A 200\n", at, at)
	}
	b.WriteString("13 C > B REGISTER id=c@example from=sip:a@example.com\n")
	if told := found(t, b.String()); count(told, "register-storm", findings.Warning) != 1 {
		t.Error("no storm")
	}
}
