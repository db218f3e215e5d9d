package findings_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/sipsight/sipsight/findings"
)

// TestTakenOverFarBehind: a refusal that another carrier makes good is a note, as far as the servers between are looked at.
func TestTakenOverFarBehind(t *testing.T) {
	for servers, want := range map[int]findings.Severity{3: findings.Note, 10: findings.Error} {
		var b strings.Builder
		b.WriteString("A = 10.0.0.1:5060\nP = 10.0.0.9:5060\nC = 10.0.0.3:5060\n")
		for i := range servers {
			fmt.Fprintf(&b, "S%d = 10.0.1.%d:5060\n", i, i+1)
		}
		const session = "     Session-ID: ab30317f1a784dc48ff824d0d3715d86\n"
		b.WriteString("0 A > P INVITE sdp id=c\n" + session)
		asker := "P"
		for i := range servers {
			fmt.Fprintf(&b, "+.01 %s > S%d INVITE sdp id=s%d fwd=no\n%s", asker, i, i, session)
			asker = fmt.Sprintf("S%d", i)
		}
		for i := servers - 1; i >= 0; i-- {
			asker = "P"
			if i > 0 {
				asker = fmt.Sprintf("S%d", i-1)
			}
			fmt.Fprintf(&b, "+.01 S%d > %s 488 id=s%d\n+.01 %s > S%d ACK id=s%d\n", i, asker, i, asker, i, i)
		}
		b.WriteString("+.01 P > C INVITE sdp id=t fwd=no\n" + session + "+1 C > P 200 sdp id=t\n+.01 P > C ACK id=t\n+.01 P > A 200 sdp id=c\n+.01 A > P ACK id=c\n")
		var worst findings.Severity
		for _, f := range found(t, b.String()) {
			if f.ID == "codec-488" {
				worst = max(worst, f.Severity)
			}
		}
		if worst != want {
			t.Errorf("%d servers: %v, want %v", servers, worst, want)
		}
	}
}
