package siptools_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/sipsight/sipsight/internal/siptools"
)

// TestExplainManyLegs: a call with dozens of legs has an answer, within its size.
func TestExplainManyLegs(t *testing.T) {
	var b strings.Builder
	b.WriteString("0 A > P INVITE id=outer@example\n  Session-ID: ab30317f1a784dc48ff824d0d3715d86\n")
	for i := range 60 {
		fmt.Fprintf(&b, "+.001 P > B INVITE id=a-long-call-id-of-an-inner-leg-%d@gateway.example.com fwd=no\n  Session-ID: ab30317f1a784dc48ff824d0d3715d86\n", i)
	}
	path := ladder(t, 1, b.String())
	s := server(siptools.Options{})
	for detail, most := range map[string]int{"summary": 8000, "full": 40000} {
		got := call(t, s, "explain_call", args{"pcap_file": path, "call": "call-1", "detail": detail})
		var c struct {
			ID, Verdict, Note string
			Legs              []struct{}
			Findings          []struct{ ID string }
		}
		decode(t, got.structured, &c)
		if got.isError || c.ID != "call-1" || c.Verdict == "" || len(got.text) > most {
			t.Errorf("%s: %d octets: %.300s", detail, len(got.text), got.text)
		}
		if n := strings.Count(got.text, `"findings":`); n != 1 || len(c.Findings) == 0 {
			t.Errorf("%s: findings %d times, %d of them", detail, n, len(c.Findings))
		}
		if detail == "full" && strings.Contains(c.Note, "detail full") {
			t.Errorf("full as it is, it says: %s", c.Note)
		}
		if detail == "full" && len(c.Legs) == 0 {
			t.Errorf("no legs in %.300s", got.text)
		}
	}
}
