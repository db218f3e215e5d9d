package findings

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestFraudWindows holds that the calls of a sender are not looked through once for each of them, although all of them together show
// what those of no ten minutes do, and that a window that shows it is found among such.
func TestFraudWindows(t *testing.T) {
	var at time.Time
	s := &source{scan: new(attack)}
	call := func(gap time.Duration, number string) {
		at = at.Add(gap)
		s.tries = append(s.tries, &tx{at: at, method: "INVITE", user: number, callID: fmt.Sprint(len(s.tries)), status: 403})
	}
	far := []string{"0044", "0049", "0033", "0039", "0034"}
	for _, p := range far {
		call(11*time.Minute, p+"2079460000")
	}
	for n := range 1500 {
		call(50*time.Millisecond, fmt.Sprint("555", 1000000+n))
	}
	if n := testing.AllocsPerRun(1, s.findFraud); n > 200000 || s.fraud != nil {
		t.Errorf("%.0f allocations, %+v", n, s.fraud)
	}
	for n, p := range far {
		call(time.Second, fmt.Sprintf("%s30794%05d", p, 7*n))
	}
	for n := range 100 {
		call(time.Second, fmt.Sprint("555", 9000000+n))
	}
	s.findFraud()
	if s.fraud == nil || !strings.Contains(s.fraud.f.Observed, "5 prefixes of countries") {
		t.Errorf("%+v", s.fraud)
	}
}
