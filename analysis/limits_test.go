package analysis_test

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/capture"
	"github.com/sipsight/sipsight/internal/capgen"
)

// analyzeMany analyses n messages that are made as they are read, every apart.
func analyzeMany(t *testing.T, n int, every time.Duration, message func(i int) string) *analysis.Result {
	t.Helper()
	return analyzeWith(t, n, every, message, analysis.Options{})
}

// analyzeWith is analyzeMany with options.
func analyzeWith(t *testing.T, n int, every time.Duration, message func(i int) string, o analysis.Options) *analysis.Result {
	t.Helper()
	flow := capgen.NewFlow("192.0.2.1:5060", "192.0.2.2:5060")
	back := capgen.NewFlow("192.0.2.2:5060", "192.0.2.1:5060")
	r, err := capture.NewReader(context.Background(), newStream(n, func(i int) capgen.Packet {
		text := message(i)
		f := flow
		if text[:3] == "SIP" {
			f = back
		}
		return capgen.Packet{Time: capgen.Start.Add(time.Duration(i) * every), Link: 1, Data: capgen.Ether(f.UDP(text))}
	}), capture.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	o.Calls = true
	res, err := analysis.Run(context.Background(), r, o)
	if err != nil {
		t.Fatal(err)
	}
	return res
}

// plain writes a message of a call between two hosts.
func plain(start, callID, toTag, branch, cseq string) string {
	if toTag != "" {
		toTag = ";tag=" + toTag
	}
	return start + "\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK" + branch + "\r\nFrom: <sip:a@h>;tag=a" + callID +
		"\r\nTo: <sip:b@h>" + toTag + "\r\nCall-ID: " + callID + "\r\nCSeq: " + cseq + "\r\nContent-Length: 0\r\n\r\n"
}

const (
	invite = "INVITE sip:b@h SIP/2.0"
	bye    = "BYE sip:b@h SIP/2.0"
	ok     = "SIP/2.0 200 OK"
)

// TestTooManyTalking: where more calls go on at once than are followed, those that were quiet
// for longest are given up, and not each new one; a BYE still ends one that was given up.
func TestTooManyTalking(t *testing.T) {
	const n = 1<<15 + 1000
	res := analyzeMany(t, 2*n+4, time.Millisecond, func(i int) string {
		id := fmt.Sprintf("call%05d", i/2)
		switch {
		case i == 2*n+2:
			return plain(bye, fmt.Sprintf("call%05d", n), "b", "3", "2 BYE")
		case i == 2*n+3:
			return plain(bye, "call00000", "b", "3", "2 BYE")
		case i%2 == 0:
			return plain(invite, id, "", "1", "1 INVITE")
		}
		return plain(ok, id, "b", "1", "1 INVITE")
	})
	if !slices.Equal(res.Exceeded, []string{"live-call-limit"}) {
		t.Errorf("limits met: %q", res.Exceeded)
	}
	evicted := 0
	for i := range res.Calls.Len() {
		c := res.Calls.At(i)
		l := c.First()
		if l.Evicted {
			evicted++
		}
		want := analysis.StateConfirmed
		if i == 0 || i == n {
			want = analysis.StateCompleted
		}
		if l.State != want || l.Evicted != (i <= 1000) {
			t.Fatalf("%s: %v, given up: %v", l.CallID, l.State, l.Evicted)
		}
	}
	if res.Calls.Len() != n+1 || evicted != 1001 {
		t.Errorf("%d calls, %d given up", res.Calls.Len(), evicted)
	}
}

// TestFlood: a flood of INVITEs that nobody answers does not push out the calls that go on.
func TestFlood(t *testing.T) {
	const talking, flood = 100, 1<<15 + 1000
	res := analyzeMany(t, 2*talking+flood+talking, time.Millisecond, func(i int) string {
		id := fmt.Sprintf("call%05d", i/2)
		switch {
		case i >= 2*talking+flood:
			return plain(bye, fmt.Sprintf("call%05d", i-2*talking-flood), "b", "3", "2 BYE")
		case i >= 2*talking:
			return plain(invite, fmt.Sprintf("flood%d", i), "", "1", "1 INVITE")
		case i%2 == 0:
			return plain(invite, id, "", "1", "1 INVITE")
		}
		return plain(ok, id, "b", "1", "1 INVITE")
	})
	for i := range talking {
		c := res.Calls.At(i)
		if l := c.First(); l.State != analysis.StateCompleted || l.Evicted {
			t.Fatalf("%s: %v, given up: %v", l.CallID, l.State, l.Evicted)
		}
	}
	if res.Calls.Len() != talking+flood || len(res.Exceeded) != 1 {
		t.Errorf("%d calls, limits met: %q", res.Calls.Len(), res.Exceeded)
	}
}

// TestManyTransactions: an INVITE that rings while a hundred thousand other transactions go on
// under its Call-ID is still answered.
func TestManyTransactions(t *testing.T) {
	const n = 100_000
	res := analyzeMany(t, n+4, time.Millisecond, func(i int) string {
		switch i {
		case 0:
			return plain(invite, "one", "", "1", "1 INVITE")
		case 1:
			return plain("SIP/2.0 180 Ringing", "one", "b", "1", "1 INVITE")
		case n + 2:
			return plain("SIP/2.0 480 Temporarily Unavailable", "one", "b", "1", "1 INVITE")
		case n + 3:
			return plain("ACK sip:b@h SIP/2.0", "one", "b", "1", "1 ACK")
		}
		return plain("INFO sip:b@h SIP/2.0", "one", "b", fmt.Sprint(i), fmt.Sprint(i, " INFO"))
	})
	if res.Calls.Len() != 1 {
		t.Fatalf("%d calls", res.Calls.Len())
	}
	if l := res.Calls.At(0).First(); l.State != analysis.StateFailed || l.FinalStatus != 480 || l.Messages != n+4 {
		t.Errorf("%v %d, %d messages", l.State, l.FinalStatus, l.Messages)
	}
}

// TestWeek: a Call-ID that lives for a week does not grow, be it of a REGISTER, of OPTIONS or
// of a call with a session timer.
func TestWeek(t *testing.T) {
	for _, method := range []string{"REGISTER", "OPTIONS", "UPDATE"} {
		heap := func(n int) int64 {
			res := analyzeMany(t, n, 5*time.Second, func(i int) string {
				to, branch := "", fmt.Sprint("x", i/2)
				if method == "UPDATE" {
					to = "b"
				}
				if i%2 == 0 {
					return plain(method+" sip:h SIP/2.0", "week", to, branch, fmt.Sprint(i/2, " ", method))
				}
				return plain(ok, "week", to, branch, fmt.Sprint(i/2, " ", method))
			})
			var m runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&m)
			runtime.KeepAlive(res)
			return int64(m.HeapAlloc)
		}
		// Of a registration, eight octets are kept for the median of its delays.
		if day, week := heap(17_280), heap(7*17_280); week-day > 1<<20 {
			t.Errorf("%s: %d octets after a day, %d after a week", method, day, week)
		}
	}
}

// TestMaxMemory: with little memory the first calls are kept and the others counted, all
// messages are, and each limit that was met is named. Where memory is enough it makes no
// difference.
func TestMaxMemory(t *testing.T) {
	const n = 40000
	message := func(i int) string {
		id := fmt.Sprintf("call%05d@a-host-with-a-name.example.com", i/4)
		return []string{
			plain(invite, id, "", "1", "1 INVITE"), plain(ok, id, "b", "1", "1 INVITE"), plain(bye, id, "b", "2", "2 BYE"), plain(ok, id, "b", "2", "2 BYE"),
		}[i%4]
	}
	whole := analyzeMany(t, n, 100*time.Millisecond, message)
	for _, c := range []struct {
		memory int64
		calls  int // 0: some
		want   []string
	}{
		{analysis.MinMemory, 0, []string{"call-limit"}},
		{1, 0, []string{"call-limit"}}, // the least is what makes sense
		{1 << 30, n / 4, nil},
		{1 << 50, n / 4, nil},
	} {
		res := analyzeWith(t, n, 100*time.Millisecond, message, analysis.Options{MaxMemory: c.memory})
		calls := res.Calls.Len()
		if calls == 0 || c.calls > 0 && calls != c.calls || c.calls == 0 && calls >= n/4 || !slices.Equal(res.Exceeded, c.want) {
			t.Errorf("%d: %d calls, limits met %q", c.memory, calls, res.Exceeded)
		}
		if res.Statistics.Messages != n {
			t.Errorf("%d: %d messages", c.memory, res.Statistics.Messages)
		}
		for i := range calls {
			got, want := res.Calls.At(i).First(), whole.Calls.At(i).First()
			if got.CallID != want.CallID || got.State != want.State || got.Messages != want.Messages {
				t.Fatalf("%d: call %d is %s, %v, %d messages; want %s, %v, %d", c.memory, i, got.CallID, got.State, got.Messages, want.CallID, want.State, want.Messages)
			}
		}
	}
}

// TestTooManyOpen: of a request that was given up because too many were open nobody says that
// it was not answered.
func TestTooManyOpen(t *testing.T) {
	const n = 20000
	res := analyzeWith(t, n, time.Millisecond, func(i int) string {
		id := fmt.Sprintf("ping%05d", i)
		return plain("OPTIONS sip:b@h SIP/2.0", id, "", id, "1 OPTIONS")
	}, analysis.Options{MaxMemory: analysis.MinMemory})
	if !slices.Contains(res.Exceeded, "open-request-limit") {
		t.Errorf("limits met: %q", res.Exceeded)
	}
	for _, k := range res.Keepalives {
		if k.Unanswered != 0 || len(k.Outages) != 0 {
			t.Errorf("%d unanswered, outages %v; nothing waited for as long", k.Unanswered, k.Outages)
		}
	}
}

// TestOctetsGivenBack: requests and calls that are over leave the room of their octets to those that follow, however many there were.
func TestOctetsGivenBack(t *testing.T) {
	const n = 20000 // of 200 octets: more than the least memory has room for
	requests, kept, legs, whole := 0, 0, 0, 0
	res := analyzeWith(t, n, 100*time.Millisecond, func(i int) string {
		id, method := fmt.Sprintf("x%05d", i/2), "1 OPTIONS"
		start := "OPTIONS sip:b@h SIP/2.0"
		if i/2%2 == 0 {
			start, method = invite, "1 INVITE"
		}
		if i%2 == 1 {
			start = "SIP/2.0 486 Busy Here"
		}
		return plain(start, id, "b"[:i%2], id, method)
	}, analysis.Options{Calls: true, MaxMemory: analysis.MinMemory, Exchanged: func(e *analysis.Exchange) {
		requests++
		if e.Request() != nil && e.Response() != nil {
			kept++
		}
	}, Finished: func(d *analysis.Detail) {
		legs++
		if d.Message(0) != nil && d.Message(1) != nil {
			whole++
		}
	}})
	if requests != n/4 || kept != requests || legs != n/4 || whole != legs || len(res.Exceeded) != 0 {
		t.Errorf("%d of %d requests and %d of %d calls kept, limits met %q", kept, requests, whole, legs, res.Exceeded)
	}
}

// TestFragmentBeyond: a fragment beyond 65,535 octets is of no datagram: it is told, and no limit was met, so that nothing else is missing.
func TestFragmentBeyond(t *testing.T) {
	data := capgen.FragmentAt(flow.UDP("")[:20], 7, 65528, false, "12345678")
	res := run(t, capgen.Pcap([]capgen.Packet{{Time: capgen.Start, Link: 1, Data: capgen.Ether(data)}}))
	if limits := res.WireLimits(); len(limits) != 0 {
		t.Errorf("limits %v", limits)
	}
	if !slices.ContainsFunc(res.Files[0].Notes, func(n analysis.Note) bool { return n.ID == "frag-invalid" && n.Count == 1 }) {
		t.Errorf("notes %v", res.Files[0].Notes)
	}
}
