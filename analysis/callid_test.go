package analysis_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/internal/capgen"
	"github.com/sipsight/sipsight/sipmsg"
)

// TestLongCallIDs holds that Call-IDs are told apart by all of their octets, also those that are kept in part.
func TestLongCallIDs(t *testing.T) {
	for _, length := range []int{10, 1000, 1023, 1024, 1100, 1500} {
		start := strings.Repeat("x", length-1)
		res := analyze(t, capgen.Ladder{}, strings.ReplaceAll(`
			0   A > B INVITE id=LONGa
			0.5 A > C INVITE id=LONGb
			1   B > A 200
			1.1 A > B ACK id=LONGa
			1.5 C > D INVITE id=LONGd
				X-Call-ID: LONGb
			2   C > A 486
			2.1 A > C ACK id=LONGb
			5   A > B BYE id=LONGa
			5.1 B > A 200
			6   A > D OPTIONS id=LONGc
			6.1 D > A 200
		`, "LONG", start))
		var got []string
		for c := range res.Calls.All() {
			for _, l := range c.Legs {
				if len(l.CallID) > 1024 {
					t.Errorf("%d octets: %d are kept", length, len(l.CallID))
				}
				got = append(got, fmt.Sprintf("%d %s %d", c.ID, l.State, l.Messages))
			}
		}
		if want := "1 completed 5, 2 failed 3, 2 trying 1"; strings.Join(got, ", ") != want {
			t.Errorf("%d octets: %s, want %s", length, strings.Join(got, ", "), want)
		}
		if n := len(res.Statistics.CallIDs); n != 4 {
			t.Errorf("%d octets: %d Call-IDs", length, n)
		}
		for id, want := range map[string]int{"a": 1, "b": 2, "d": 2, "e": 0, "": 0} {
			c := res.Find(start + id)
			if c == nil && want != 0 || c != nil && c.ID != want {
				t.Errorf("%d octets: …%s is %v, want call-%d", length, id, c, want)
			}
		}
	}
	var m sipmsg.Message
	if err := m.Parse([]byte("BYE sip:b@h SIP/2.0\r\nCall-ID: " + strings.Repeat("x", 2000) + "\r\n\r\n")); err != nil {
		t.Fatal(err)
	}
	if got, want := string(analysis.CallID(&m)), strings.Repeat("x", 991)+"~"; len(got) != 1024 || !strings.HasPrefix(got, want) {
		t.Errorf("%d octets: %s", len(got), got[900:])
	}
}

// TestNamed holds that only call-2 and 2 are numbers of calls: what is written otherwise is a Call-ID.
func TestNamed(t *testing.T) {
	res := analyze(t, capgen.Ladder{}, `
		0 A > B INVITE id=call-02
		1 A > B INVITE id=+2
		2 A > B INVITE id=2
	`)
	for id, want := range map[string]int{"call-2": 2, "2": 2, "call-02": 1, "+2": 2, "call-+2": 0, "call-4": 0, "0": 0} {
		if c := res.Find(id); c == nil && want != 0 || c != nil && c.ID != want {
			t.Errorf("%s is %v, want call-%d", id, c, want)
		}
	}
}
