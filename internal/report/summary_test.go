package report

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/findings"
)

// TestKeepalives: peers that never answered are named, those first that were asked the most, and what is
// left out of a list is counted.
func TestKeepalives(t *testing.T) {
	from, at := netip.MustParseAddrPort("10.0.0.1:5060"), time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	var list []*analysis.Keepalive
	for i := range 5 {
		k := &analysis.Keepalive{Source: from, Destination: netip.AddrPortFrom(from.Addr(), uint16(i+1)), Sent: 10 + i, Unanswered: 10 + i}
		if i == 2 {
			k.Answered, k.Unanswered = 6, 6
			k.Outages = []analysis.Outage{{Down: at, Up: at.Add(time.Minute), Lost: 3}, {Down: at.Add(time.Hour), Lost: 3}}
		}
		list = append(list, k)
	}
	all := func(*analysis.Keepalive) bool { return true }
	var w jsonWriter
	w.keepalives(list, neverAnswered(list, all), 1)
	const want = `"keepalives":{"peers":5,"sent":60,"answered":6,"unanswered":54,"never_answered_peers":4,` +
		`"never_answered":[{"source":"10.0.0.1:5060","destination":"10.0.0.1:5","sent":14}],"never_answered_left_out":3,` +
		`"outages":[{"source":"10.0.0.1:5060","destination":"10.0.0.1:3","down":"2026-03-01T12:00:00.000000000Z","up":"2026-03-01T12:01:00.000000000Z","lost":3}],"outages_left_out":1}`
	if string(w.b) != want {
		t.Errorf("got %s\nwant %s", w.b, want)
	}
	w = jsonWriter{}
	if w.keepalives(list[2:3], nil, 2); string(w.b) != `"keepalives":{"peers":1,"sent":12,"answered":6,"unanswered":6,"never_answered_peers":0,`+
		`"outages":[{"source":"10.0.0.1:5060","destination":"10.0.0.1:3","down":"2026-03-01T12:00:00.000000000Z","up":"2026-03-01T12:01:00.000000000Z","lost":3},`+
		`{"source":"10.0.0.1:5060","destination":"10.0.0.1:3","down":"2026-03-01T13:00:00.000000000Z","lost":3}]}` {
		t.Errorf("of one that was lost: %s", w.b)
	}
	for n, want := range map[int]string{
		0: "", 1: "; 1 peer never answered: 10.0.0.1:1", 2: "; 2 peers never answered: 10.0.0.1:2, 10.0.0.1:1", 5: "; 4 peers never answered: 10.0.0.1:5, 10.0.0.1:4, 10.0.0.1:2, …",
	} {
		if got := silentText(neverAnswered(list[:n], all)); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// TestSubscriptionsText: what was asked and what became of it are both told, as they add up, and so are
// subscriptions that go on from before the capture.
func TestSubscriptionsText(t *testing.T) {
	for want, u := range map[string]analysis.Subscriptions{
		"": {Published: 1},
		"  subscribes    9 new, 0 again: 0 accepted, 5 rejected, 4 challenged;\n                0 notifications\n":  {Total: 9, Rejected: 5, Challenges: 4},
		"  subscribes    1 new, 49 again: 49 accepted, 0 rejected, 0 challenged;\n                1 notification\n": {Total: 1, Refreshes: 49, Accepted: 49, Notified: 1},
		"  subscribes    0 new, 2 again: 2 accepted, 0 rejected, 0 challenged;\n                0 notifications\n":  {Refreshes: 2, Accepted: 2},
	} {
		if got := string(settle(appendRegistrationsText(nil, &analysis.Traffic{Subscriptions: u}), 0)); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// TestFindingCounts: the counts by id and those by severity add up to the total; what one finding of
// many calls counts for is told apart.
func TestFindingCounts(t *testing.T) {
	var w jsonWriter
	w.findingCounts([]*findings.Finding{
		{ID: "overload", Severity: findings.Error}, {ID: "overload", Severity: findings.Note},
		{ID: "q850-meaning", Severity: findings.Note, Count: 32},
	})
	const want = `"findings":{"total":3,"error":1,"warning":0,"note":2,"by_id":{"overload":2,"q850-meaning":1},"instances":{"q850-meaning":32}}`
	if string(w.b) != want {
		t.Errorf("got %s\nwant %s", w.b, want)
	}
	w = jsonWriter{}
	if w.findingCounts(nil); string(w.b) != `"findings":{"total":0,"error":0,"warning":0,"note":0,"by_id":{}}` {
		t.Errorf("of none: %s", w.b)
	}
}

// TestFindingsText: an id with findings of several severities has a line for each, and its notes are one kind of notes.
func TestFindingsText(t *testing.T) {
	got := string(appendFindingsText(nil, []*findings.Finding{
		{ID: "hold-state", Severity: findings.Error}, {ID: "hold-state", Severity: findings.Warning, Count: 2}, {ID: "hold-state", Severity: findings.Warning},
		{ID: "overload", Severity: findings.Warning}, {ID: "hold-state", Severity: findings.Note, Count: 30}, {ID: "early-media", Severity: findings.Note},
	}, &Options{}))
	for _, want := range []string{"error hold-state × 1:", "warning hold-state × 3:", "warning overload × 1:", "2 kinds of notes;"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
}

func TestSpanText(t *testing.T) {
	a := time.Date(2026, 3, 1, 23, 59, 59, 0, time.UTC)
	for d, want := range map[time.Duration]string{
		0:                "2026-03-01 23:59:59 UTC",
		time.Millisecond: "2026-03-01 23:59:59 to 23:59:59 UTC (1 ms)",
		2 * time.Second:  "2026-03-01 23:59:59 to 2026-03-02 00:00:01 UTC (2.00 s)",
	} {
		if got := spanText(a, a.Add(d)); got != want {
			t.Errorf("%v: %q, want %q", d, got, want)
		}
	}
}

// TestSummaryMore: what the summary for people does not name is counted.
func TestSummaryMore(t *testing.T) {
	peers := make([]analysis.Group, 10)
	if got := string(appendGroupsText(nil, "peers", peers, 8, &Options{})); strings.Count(got, "\n") != 9 || !strings.HasSuffix(got, "\n                and 2 more\n") {
		t.Errorf("10 peers: %q", got)
	}
	if got := string(appendGroupsText(nil, "peers", peers[:8], 8, &Options{})); strings.Count(got, "\n") != 8 {
		t.Errorf("8 peers: %q", got)
	}
	s := &analysis.Statistics{Methods: map[string]int64{}}
	for i := range 22 {
		s.Methods[fmt.Sprint("M", i)] = 1
	}
	if got := methodCounts(s); len(got) != 21 || got[20] != "and 2 methods more" {
		t.Errorf("22 methods: %q", got)
	}
}
