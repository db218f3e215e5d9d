package flow_test

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/internal/flow"
)

// callOf returns a call of one leg with these messages.
func callOf(steps ...analysis.Step) *analysis.Call {
	for i := range steps {
		steps[i].Dialog = -1
		steps[i].Time = time.Date(2026, 3, 1, 12, 0, i, 0, time.UTC)
	}
	return &analysis.Call{ID: 1, Legs: []*analysis.Leg{{CallID: "c", Begin: steps[0].Time, Steps: steps}}}
}

func addr(s string) netip.AddrPort { return netip.MustParseAddrPort(s) }

func names(l *flow.Ladder) string {
	var list []string
	for _, c := range l.Columns {
		list = append(list, c.Name)
	}
	return strings.Join(list, " ")
}

// TestResponseFirst: where the capture begins with a response, the caller stands to the
// left all the same.
func TestResponseFirst(t *testing.T) {
	a, p, b := addr("10.0.0.1:5060"), addr("10.0.0.9:5060"), addr("10.0.0.2:5060")
	l := flow.New(callOf(
		analysis.Step{Frame: analysis.Frame{Number: 1}, From: b, To: p, Method: "INVITE", Status: 180},
		analysis.Step{Frame: analysis.Frame{Number: 2}, From: p, To: a, Method: "INVITE", Status: 180},
	), nil, &flow.Options{})
	if got := names(l); got != "10.0.0.1 10.0.0.9 10.0.0.2" {
		t.Errorf("the columns are %s", got)
	}
}

// TestFoldTwoInOne: a message is folded into its first copy, not into another one that
// came in the same packet.
func TestFoldTwoInOne(t *testing.T) {
	a, b := addr("10.0.0.1:5060"), addr("10.0.0.2:5060")
	request := func(frame int64, method string, cseq uint32, resent int64) analysis.Step {
		return analysis.Step{Frame: analysis.Frame{Number: frame}, From: a, To: b, Request: true, Method: method, CSeq: cseq, ToCallee: true, Resent: analysis.Frame{Number: resent}}
	}
	l := flow.New(callOf(request(1, "INVITE", 1, 0), request(1, "OPTIONS", 2, 0), request(2, "INVITE", 1, 1), request(3, "OPTIONS", 2, 1)), nil, &flow.Options{})
	var got []string
	for i := range l.Rows {
		got = append(got, l.Rows[i].Text()+"; "+l.Line(&l.Rows[i]).Remark)
	}
	if want := "INVITE; , OPTIONS ×2; sent again within 2.00 s, INVITE; sent again: first in frame 1"; strings.Join(got, ", ") != want {
		t.Errorf("the rows are %q", got)
	}
}

// TestLimits: rows and columns over their limits are counted, and share the last column.
func TestLimits(t *testing.T) {
	var steps []analysis.Step
	for i := range 40 {
		from, to := addr("10.0.0.1:5060"), netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 1, 0, byte(i)}), 5060)
		steps = append(steps, analysis.Step{Frame: analysis.Frame{Number: int64(i + 1)}, From: from, To: to, Request: true, Method: "INVITE", CSeq: uint32(i), ToCallee: true})
	}
	l := flow.New(callOf(steps...), nil, &flow.Options{MaxRows: 30})
	if len(l.Rows) != 30 || l.LeftOut != 10 || len(l.Columns) != 24 || l.Columns[23].Name != "further hosts" || l.Rows[29].To != 23 {
		t.Errorf("%d rows, %d left out, %d columns, the last is %+v", len(l.Rows), l.LeftOut, len(l.Columns), l.Columns[len(l.Columns)-1])
	}
}

// TestMediaBeyondLimits: media of hosts that have no column of their own stand at the last one,
// also where the hosts are more than are put in order.
func TestMediaBeyondLimits(t *testing.T) {
	caller, stranger := addr("10.0.0.1:5060"), addr("10.9.9.9:7000")
	host := func(i int) netip.AddrPort {
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 1, byte(i >> 8), byte(i)}), 5060)
	}
	for _, hosts := range []int{40, 400} {
		var steps []analysis.Step
		for i := range hosts {
			steps = append(steps, analysis.Step{Frame: analysis.Frame{Number: int64(i + 1)}, From: caller, To: host(i), Request: true, Method: "INVITE", CSeq: uint32(i), ToCallee: true})
		}
		media := func(to netip.AddrPort) flow.Bar {
			return flow.Bar{Time: time.Date(2026, 3, 1, 11, 0, 0, 0, time.UTC), From: caller, To: to, Label: "RTP"}
		}
		l := flow.New(callOf(steps...), nil, &flow.Options{Bars: []flow.Bar{media(host(0)), media(host(hosts - 1)), media(stranger)}})
		for i, want := range []int{1, 23, 23} {
			if r := l.Rows[i]; r.Kind != flow.Media || r.From != 0 || r.To != want {
				t.Errorf("%d hosts: stream %d, %s, stands at %d to %d, want 0 to %d", hosts, i, r.Kind, r.From, r.To, want)
			}
		}
	}
}

// TestMediaOfPorts: where the ports of a host have columns, a stream stands between the ones
// of those who announced it, or else of its sides, in all four pens.
func TestMediaOfPorts(t *testing.T) {
	a, p, b := addr("127.0.0.1:5070"), addr("127.0.0.1:5060"), addr("127.0.0.1:5080")
	relay, stranger := addr("127.0.0.1:9000"), addr("10.9.9.9:7000")
	c := callOf(
		analysis.Step{Frame: analysis.Frame{Number: 1}, From: a, To: p, Request: true, Method: "INVITE", Media: "audio PCMU", ToCallee: true},
		analysis.Step{Frame: analysis.Frame{Number: 2}, From: p, To: b, Request: true, Method: "INVITE", Media: "audio PCMU", ToCallee: true},
		analysis.Step{Frame: analysis.Frame{Number: 3}, From: b, To: p, Method: "INVITE", Status: 200, Media: "audio PCMU"},
		analysis.Step{Frame: analysis.Frame{Number: 4}, From: p, To: a, Method: "INVITE", Status: 200, Media: "audio PCMU"},
	)
	stream := func(from, to netip.AddrPort, by analysis.Party) *analysis.Stream {
		s := analysis.NewStream(from, to, 0, c.Legs[0].Begin.Add(5*time.Second), time.Time{})
		s.SentBy, s.Codec = by, "PCMU"
		return s
	}
	announced := addr("127.0.0.1:4000")
	c.Legs[0].Media = &analysis.Media{
		Endpoints: []analysis.Endpoint{{Addr: announced, Side: analysis.Caller, Frame: analysis.Frame{Number: 1}}, {Addr: relay, Side: analysis.Callee, Frame: analysis.Frame{Number: 4}}},
		Streams:   []*analysis.Stream{stream(announced, relay, analysis.Caller), stream(addr("127.0.0.1:6000"), addr("127.0.0.1:6001"), analysis.Callee), stream(stranger, announced, analysis.NoParty)},
	}
	l := flow.New(c, nil, &flow.Options{})
	if got := names(l); got != "10.9.9.9 127.0.0.1:5070 127.0.0.1:5060 127.0.0.1:5080" {
		t.Errorf("the columns are %s", got)
	}
	var got []string
	for i := range l.Rows {
		if r := &l.Rows[i]; r.Kind == flow.Media {
			got = append(got, l.Columns[r.From].Name+" "+l.Columns[r.To].Name)
		}
	}
	want := []string{"127.0.0.1:5070 127.0.0.1:5060", "127.0.0.1:5080 127.0.0.1:5070", "10.9.9.9 127.0.0.1:5070"}
	if !slices.Equal(got, want) {
		t.Errorf("the streams go between %q", got)
	}
	if l := flow.New(c, nil, &flow.Options{Ports: true}); !strings.HasPrefix(names(l), "10.9.9.9 ") {
		t.Errorf("a host without messages has a column for each port of its media: %s", names(l))
	}
	var named flow.Options
	if err := named.Names.Add("127.0.0.1:9000=relay"); err != nil {
		t.Fatal(err)
	}
	if l := flow.New(c, nil, &named); !strings.Contains(names(l), "relay") {
		t.Errorf("a port of media that has a name has no column: %s", names(l))
	}
	for _, format := range flow.Formats {
		d := flow.Drawing{Format: format, Calls: 1}
		b := d.End(d.Append(nil, l))
		if n := strings.Count(string(b), "RTP PCMU"); n < 3 {
			t.Errorf("%s draws %d streams", format, n)
		}
	}
}

// TestManyHosts: a call that hundreds of hosts pass on has a ladder, of which the last column is for all that are further on.
func TestManyHosts(t *testing.T) {
	host := func(i int) netip.AddrPort {
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 1, byte(i >> 8), byte(i)}), 5060)
	}
	var steps []analysis.Step
	for i := range 600 {
		steps = append(steps, analysis.Step{From: host(i), To: host(i + 1), Request: true, Method: "INVITE"})
	}
	l := flow.New(callOf(steps...), nil, &flow.Options{})
	if n := len(l.Columns); n != 24 || l.Columns[23].Name != "further hosts" {
		t.Fatalf("%d columns, the last one %q", n, l.Columns[n-1].Name)
	}
	if r := l.Rows[len(l.Rows)-1]; r.From != 23 || r.To != 23 {
		t.Errorf("the last message goes from column %d to %d", r.From, r.To)
	}
}

// TestOwnPhrase: what a server says in place of the registered phrase of a refusal stands beside its row, without
// passwords.
func TestOwnPhrase(t *testing.T) {
	a, b := addr("10.0.0.1:5060"), addr("10.0.0.2:5060")
	for _, test := range []struct {
		status       int
		reason, want string
	}{
		{486, "Teilnehmer besetzt", "“Teilnehmer besetzt”"},
		{302, "try sip:bob:secret@h", "“try sip:bob:***@h”"},
		{480, "\x1b[2J" + strings.Repeat("x", 99), `“\x1b[2J` + strings.Repeat("x", 70) + "…”"},
		{480, strings.Repeat("x", 70) + " sip:bob:secret@h", "“" + strings.Repeat("x", 70) + " sip:bo…”"},
		{486, "BUSY here", ""},
		{486, "", ""},
		{100, "Giving a try", ""},
		{699, "Odd", ""}, // is the label
	} {
		l := flow.New(callOf(analysis.Step{From: b, To: a, Method: "INVITE", Status: test.status, Reason: test.reason}), nil, &flow.Options{})
		if got := strings.Join(l.Rows[0].Notes, "; "); got != test.want {
			t.Errorf("%d %q: %q, want %q", test.status, test.reason, got, test.want)
		}
	}
}
