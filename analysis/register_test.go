package analysis_test

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/capture"
	"github.com/sipsight/sipsight/internal/capgen"
)

func describeRegistration(r *analysis.Registration) string {
	s := fmt.Sprintf("%s %s %d from %v at %v tries=%d challenges=%d refreshes=%d failures=%d messages=%d", r.AOR, r.Outcome, r.Status, r.Source, r.Registrar,
		r.Attempts, r.Challenges, r.Refreshes, r.Failures, r.Messages)
	if r.Retransmissions > 0 {
		s += fmt.Sprintf(" again=%d", r.Retransmissions)
	}
	if r.Sources > 0 {
		s += fmt.Sprintf(" sources=%d", r.Sources)
	}
	for _, c := range r.Contacts {
		s += fmt.Sprintf(" %s(%d/%d)", c.URI, c.Asked, c.Granted)
	}
	return s
}

func TestRegistrations(t *testing.T) {
	for _, tt := range []struct {
		name, ladder string
		want         []string
	}{
		{"challenged and accepted", `
			0   A > P REGISTER id=r
			0.1 P > A 401
			0.2 A > P REGISTER id=r
			0.3 P > A 200`,
			[]string{"sip:alice@example.com registered 200 from 10.0.0.1:5060 at 10.0.0.9:5060 tries=2 challenges=1 refreshes=0 failures=0 messages=4 sip:alice@10.0.0.1:5060(3600/3600)"}},
		{"challenged by a proxy", `
			0   A > P REGISTER id=r
			0.1 P > A 407
			0.2 A > P REGISTER id=r
			0.3 P > A 407`,
			[]string{"sip:alice@example.com challenged 407 from 10.0.0.1:5060 at 10.0.0.9:5060 tries=2 challenges=2 refreshes=0 failures=0 messages=4"}},
		{"a server between, which registers further on with a contact of its own", `
			0    A > P REGISTER id=r
			+.01 P > A 200
			+.01 P > C REGISTER id=s
				-Contact
				Contact: <sip:alice-7@10.0.0.9:5060>
			+.01 C > P 200
				-Contact
				Contact: <sip:alice-7@10.0.0.9:5060>;expires=600
			30   A > P REGISTER id=r
			+.01 P > A 200
			60   A > P REGISTER id=r
			+.01 P > C REGISTER id=s
				-Contact
				Contact: <sip:alice-7@10.0.0.9:5060>
			+.01 C > P 200
				-Contact
				Contact: <sip:alice-7@10.0.0.9:5060>;expires=600
			+.01 P > A 200`,
			[]string{"sip:alice@example.com registered 200 from 10.0.0.1:5060 at 10.0.0.9:5060 tries=5 challenges=0 refreshes=3 failures=0 messages=10 sources=3 sip:alice@10.0.0.1:5060(3600/3600) sip:alice-7@10.0.0.9:5060(3600/600)"}},
		{"a phone on the host of its registrar, which takes another port", `
			S = 10.0.0.1:5070
			0    A > S REGISTER id=r
				-Contact
				Contact: <sip:alice@10.0.0.1:5060>
			+.01 S > A 200
			30   A > S REGISTER id=r
				-Contact
				Contact: <sip:alice@10.0.0.1:5062>
			+.01 S > A 200
				-Contact
				Contact: <sip:alice@10.0.0.1:5062>;expires=3600`,
			[]string{"sip:alice@example.com registered 200 from 10.0.0.1:5060 at 10.0.0.1:5070 tries=2 challenges=0 refreshes=0 failures=0 messages=4 sip:alice@10.0.0.1:5062(3600/3600)"}},
		{"a challenge whose REGISTER is not in the capture", `
			0   A > P REGISTER id=r unseen
			0.1 P > A 407`,
			[]string{"sip:alice@example.com challenged 407 from 10.0.0.1:5060 at 10.0.0.9:5060 tries=0 challenges=0 refreshes=0 failures=0 messages=1"}},
		{"refreshed, then removed", `
			0    A > P REGISTER id=r
			0.1  P > A 200
			1800 A > P REGISTER id=r
			1801 P > A 200
			1900 A > P REGISTER id=r
				-Contact
				-Expires
				Contact: *
				Expires: 0
			1901 P > A 200
				-Contact`,
			[]string{"sip:alice@example.com unregistered 200 from 10.0.0.1:5060 at 10.0.0.9:5060 tries=3 challenges=0 refreshes=1 failures=0 messages=6"}},
		{"over a proxy it is one attempt", `
			0    A > P REGISTER id=r
			0.01 P > B REGISTER id=r
			0.1  B > P 200
			0.11 P > A 200
				-Contact
				Contact: <sip:alice@10.0.0.1:5060>;expires=60`,
			[]string{"sip:alice@example.com registered 200 from 10.0.0.1:5060 at 10.0.0.9:5060 tries=1 challenges=0 refreshes=0 failures=0 messages=4 sip:alice@10.0.0.1:5060(3600/60)"}},
		{"refused, never answered, not waited for long enough", `
			0    A > P REGISTER id=r1
			0.1  P > A 403
			1    B > P REGISTER id=r2 from=sip:bob@example.com
			1.5  B > P REGISTER again
			50   C > P REGISTER id=r3 from=sip:carol@example.com`,
			[]string{
				"sip:alice@example.com failed 403 from 10.0.0.1:5060 at 10.0.0.9:5060 tries=1 challenges=0 refreshes=0 failures=1 messages=2",
				"sip:bob@example.com unanswered 0 from 10.0.0.2:5060 at 10.0.0.9:5060 tries=1 challenges=0 refreshes=0 failures=1 messages=2 again=1",
				"sip:carol@example.com unanswered 0 from 10.0.0.3:5060 at 10.0.0.9:5060 tries=1 challenges=0 refreshes=0 failures=0 messages=1",
			}},
		{"challenged and given up", `
			0    A > P REGISTER id=r
			0.1  P > A 401`,
			[]string{"sip:alice@example.com challenged 401 from 10.0.0.1:5060 at 10.0.0.9:5060 tries=1 challenges=1 refreshes=0 failures=0 messages=2"}},
		{"sent on for another address-of-record", `
			0    A > P REGISTER id=r
			0.01 P > B REGISTER id=r to=sip:alice@10.0.0.2 cseq=1
			0.1  B > P 200
			0.11 P > A 200`,
			[]string{
				"sip:alice@example.com registered 200 from 10.0.0.1:5060 at 10.0.0.9:5060 tries=1 challenges=0 refreshes=0 failures=0 messages=2 sip:alice@10.0.0.1:5060(3600/3600)",
				"sip:alice@10.0.0.2 registered 200 from 10.0.0.9:5060 at 10.0.0.2:5060 tries=1 challenges=0 refreshes=0 failures=0 messages=2 sip:alice@10.0.0.9:5060(3600/3600)",
			}},
		{"the address of a contact moves, and the registrar says what is left", `
			0    A > P REGISTER id=r
			0.1  P > A 200
			60   B > P REGISTER id=r
			60.1 P > B 200
			120  A > P REGISTER id=r
			120.1 P > A 200
				Contact: <sip:alice@10.0.0.2:5060>;expires=20
			180  A > P REGISTER id=r
			180.1 P > A 200`,
			[]string{"sip:alice@example.com registered 200 from 10.0.0.1:5060 at 10.0.0.9:5060 tries=4 challenges=0 refreshes=1 failures=0 messages=8 sources=2 sip:alice@10.0.0.1:5060(3600/3600)"}},
		{"challenged again when the capture ends: still registered", `
			0    A > P REGISTER id=r
			0.1  P > A 200
			60   A > P REGISTER id=r
			60.1 P > A 401`,
			[]string{"sip:alice@example.com registered 401 from 10.0.0.1:5060 at 10.0.0.9:5060 tries=2 challenges=1 refreshes=0 failures=0 messages=4 sip:alice@10.0.0.1:5060(3600/3600)"}},
		{"a response that is captured before its request counts once", `
			0    A > P REGISTER id=r br=one unseen
			0.1  P > A 200
			0.2  A > P REGISTER id=r br=one cseq=1`,
			[]string{"sip:alice@example.com registered 200 from 10.0.0.1:5060 at 10.0.0.9:5060 tries=1 challenges=0 refreshes=0 failures=0 messages=2 sip:alice@10.0.0.1:5060(3600/3600)"}},
		{"a challenge that is captured before its request, when the capture ends: still registered", `
			0    A > P REGISTER id=r
			0.1  P > A 200
			60   A > P REGISTER id=r br=one cseq=2 unseen
			60.1 P > A 401
			60.2 A > P REGISTER id=r br=one cseq=2`,
			[]string{"sip:alice@example.com registered 401 from 10.0.0.1:5060 at 10.0.0.9:5060 tries=2 challenges=1 refreshes=0 failures=0 messages=4 sip:alice@10.0.0.1:5060(3600/3600)"}},
		{"the response comes from another address than the request went to", `
			0    A > P REGISTER id=r br=one
			0    A > Q REGISTER id=r br=one cseq=1 unseen
			0.1  Q > A 200` + long,
			[]string{"sip:alice@example.com registered 200 from 10.0.0.1:5060 at 10.0.0.9:5060 tries=1 challenges=0 refreshes=0 failures=0 messages=2 sip:alice@10.0.0.1:5060(3600/3600)"}},
		{"hosts are the same in capitals, and users are not", `
			0    A > P REGISTER id=r from=sip:Al@Example.COM
			0.1  P > A 200
			60   A > P REGISTER id=r from=sip:Al@example.com
			60.1 P > A 200
			70   A > P REGISTER id=r2 from=sip:al@example.com
			70.1 P > A 200`,
			[]string{
				"sip:Al@example.com registered 200 from 10.0.0.1:5060 at 10.0.0.9:5060 tries=2 challenges=0 refreshes=1 failures=0 messages=4 sip:Al@10.0.0.1:5060(3600/3600)",
				"sip:al@example.com registered 200 from 10.0.0.1:5060 at 10.0.0.9:5060 tries=1 challenges=0 refreshes=0 failures=0 messages=2 sip:al@10.0.0.1:5060(3600/3600)",
			}},
		{"the registrar writes the host of contacts in small letters", `
			0    A > P REGISTER id=r
				-Contact
				Contact: <sip:alice@One.example.com>, <sip:alice@Two.example.com>;expires=60
			0.1  P > A 200
				-Contact
				Contact: <sip:alice@one.example.com>;expires=600, <sip:alice@two.example.com>;expires=30
			20   A > P REGISTER id=r
				-Contact
				Contact: <sip:alice@two.example.com>;expires=0
			20.1 P > A 200
				-Contact
				Contact: <sip:alice@one.example.com>;expires=580`,
			[]string{"sip:alice@example.com registered 200 from 10.0.0.1:5060 at 10.0.0.9:5060 tries=2 challenges=0 refreshes=0 failures=0 messages=4 sip:alice@One.example.com(3600/600)"}},
		{"challenged again and given up", `
			0    A > P REGISTER id=r
			0.1  P > A 200
			60   A > P REGISTER id=r
			60.1 P > A 401` + long,
			[]string{"sip:alice@example.com challenged 401 from 10.0.0.1:5060 at 10.0.0.9:5060 tries=2 challenges=1 refreshes=0 failures=0 messages=4 sip:alice@10.0.0.1:5060(3600/3600)"}},
		{"asked for what is registered", `
			0    A > P REGISTER id=r
				-Contact
			0.1  P > A 200`,
			[]string{"sip:alice@example.com queried 200 from 10.0.0.1:5060 at 10.0.0.9:5060 tries=1 challenges=0 refreshes=0 failures=0 messages=2"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			res := analyze(t, capgen.Ladder{}, tt.ladder)
			for r := range res.Registrations.Reader().All() {
				got = append(got, describeRegistration(r))
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("\ngot  %s\nwant %s", strings.Join(got, "\n     "), strings.Join(tt.want, "\n     "))
			}
		})
	}
}

func TestKeepalives(t *testing.T) {
	var b strings.Builder
	for i := range 12 { // answered, then four that are not, then answered again
		fmt.Fprintf(&b, "%d A > B OPTIONS id=o%d\n", i*30, i)
		if i < 4 || i >= 8 {
			fmt.Fprintf(&b, "+.01 B > A 200\n")
		}
	}
	res := analyze(t, capgen.Ladder{}, b.String()+"\n 1000 C > D OPTIONS id=last")
	if len(res.Keepalives) != 2 {
		t.Fatalf("%d pairs of hosts", len(res.Keepalives))
	}
	k := res.Keepalives[0]
	if k.Sent != 12 || k.Answered != 8 || k.Unanswered != 4 || len(k.Outages) != 1 {
		t.Fatalf("%+v", k)
	}
	o := k.Outages[0]
	if got := fmt.Sprint(o.Down.Sub(capgen.Start), o.Up.Sub(capgen.Start), o.Lost); got != "2m0s 4m0s 4" {
		t.Errorf("outage %s", got)
	}
	if o.DownFrame.Number != 9 || o.UpFrame.Number != 13 {
		t.Errorf("outage from frame %d to frame %d", o.DownFrame.Number, o.UpFrame.Number)
	}
	if k := res.Keepalives[1]; k.Sent != 1 || k.Unanswered != 0 {
		t.Errorf("a request that nothing is known of counts as unanswered: %+v", k)
	}
}

// TestAnswerFirst: a response that was captured before its request answers it all the same.
func TestAnswerFirst(t *testing.T) {
	for _, test := range []struct {
		late time.Duration
		want int
	}{
		{40 * time.Millisecond, 1}, {5 * time.Second, 0},
	} {
		l := capgen.Ladder{}
		p := l.Packets(hosts + "10 A > B OPTIONS id=o1\n+.01 B > A 200\n100 C > D OPTIONS id=last")
		p[0], p[1] = p[1], p[0]
		p[1].Time = p[0].Time.Add(test.late)
		res := run(t, capgen.Pcap(p))
		var to []bool
		r, err := capture.NewReader(context.Background(), bytes.NewReader(capgen.Pcap(p)), capture.Options{})
		if err != nil {
			t.Fatal(err)
		}
		_, err = analysis.Run(context.Background(), r, analysis.Options{Calls: true, Exchanged: func(e *analysis.Exchange) {
			if e.Status != 0 {
				to = append(to, e.ResponseToTag && e.Response() != nil && e.FinalFrame.Number == 1)
			}
		}})
		if err != nil || len(to) != test.want || test.want == 1 && !to[0] {
			t.Errorf("%v late: %v %v", test.late, to, err)
		}
		if k := res.Keepalives[0]; k.Answered != test.want || k.Unanswered != 1-test.want {
			t.Errorf("%v late: %+v", test.late, k)
		}
	}
}

// TestCopiesOutOfOrder: in a capture of several queues copies of a request stand in any order; the first and the last are those by time.
func TestCopiesOutOfOrder(t *testing.T) {
	for _, order := range [][3]time.Duration{{0, 500, 1500}, {0, 1500, 500}, {500, 0, 1500}, {500, 1500, 0}, {1500, 0, 500}, {1500, 500, 0}} {
		l := capgen.Ladder{}
		p := l.Packets(hosts + `
			0  A > B INVITE
			.5 A > B INVITE again
			1  A > B INVITE again
			2  A > B MESSAGE id=m
			3  A > B MESSAGE again
			4  A > B MESSAGE again
			60 C > D OPTIONS id=last`)
		for i := range 6 {
			p[i].Time = p[6].Time.Add(order[i%3]*time.Millisecond - time.Minute)
		}
		r, err := capture.NewReader(context.Background(), bytes.NewReader(capgen.Pcap(p)), capture.Options{})
		if err != nil {
			t.Fatal(err)
		}
		var took []time.Duration
		_, err = analysis.Run(context.Background(), r, analysis.Options{Calls: true,
			Exchanged: func(e *analysis.Exchange) {
				if e.Method == "MESSAGE" && e.SentFrame.Number == 4 {
					took = append(took, e.LastSent.Sub(e.Sent))
				}
			},
			Finished: func(d *analysis.Detail) {
				if x := &d.Transactions[0]; x.SentFrame.Number == 1 {
					took = append(took, x.LastSent.Sub(x.Sent))
				}
			},
		})
		if want := 1500 * time.Millisecond; err != nil || !slices.Equal(took, []time.Duration{want, want}) {
			t.Errorf("copies at %d: sent for %v, %v", order, took, err)
		}
	}
}

// TestAORNumbers: addresses-of-record are numbered from 0 as they come, whoever asks for them, and
// keep their numbers.
func TestAORNumbers(t *testing.T) {
	const ladder = hosts + `
		0  A > P REGISTER id=r1
		+.01 P > A 200
		1  B > P REGISTER id=r2 from=sip:bob@example.com
		+.01 P > B 200
		2  A > P OPTIONS id=o
		+.01 P > A 200
		3  A > P REGISTER id=r1
		+.01 P > A 200
		4  B > P REGISTER id=r3 from=sip:carol@example.com
		+.01 P > B 200`
	r, err := capture.NewReader(context.Background(), bytes.NewReader(new(capgen.Ladder).Pcap(ladder)), capture.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	_, err = analysis.Run(context.Background(), r, analysis.Options{Calls: true, Exchanged: func(e *analysis.Exchange) {
		if e.AOR != "" {
			got = append(got, fmt.Sprint(e.AORNumber, " ", e.AOR))
		}
	}})
	want := []string{"0 sip:alice@example.com", "1 sip:bob@example.com", "0 sip:alice@example.com", "2 sip:carol@example.com"}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%v %v, want %v", got, err, want)
	}
}

// TestGaps: times without any packet are known, those of a minute and less are none.
func TestGaps(t *testing.T) {
	res := analyze(t, capgen.Ladder{}, "0 A > B OPTIONS id=o1\n60 A > B OPTIONS id=o2\n121 A > B OPTIONS id=o3")
	if len(res.Gaps) != 1 || res.Gaps[0].To.Sub(res.Gaps[0].From) != 61*time.Second || res.Gaps[0].Frame.Number != 3 {
		t.Errorf("%+v", res.Gaps)
	}
}

func TestSubscriptions(t *testing.T) {
	res := analyze(t, capgen.Ladder{}, `
		0   A > P SUBSCRIBE id=s
			Event: presence;id=1
		0   P > B SUBSCRIBE id=s
			Event: presence;id=1
		0.1 B > P 202
		0.2 P > A 202
		0.3 B > A NOTIFY id=s by=callee
			Event: presence
			Subscription-State: active
		0.4 A > B 200
		1   B > A NOTIFY id=s by=callee
			Event: presence
			Subscription-State: terminated;reason=timeout
		2   A > P SUBSCRIBE id=s2
			Event: dialog
		2.1 P > A 403`)
	u := res.Subscriptions
	if got := fmt.Sprintf("%d %d %d %d %d %v", u.Total, u.Accepted, u.Rejected, u.Notified, u.Terminated, u.Events); got != "2 1 1 2 1 map[dialog:1 presence:1]" {
		t.Errorf("subscriptions %s", got)
	}
}

func TestMetrics(t *testing.T) {
	res := analyze(t, capgen.Ladder{}, `
		0   A > B INVITE id=1
		0.5 B > A 181
		1   B > A 180
		3   B > A 200
		3.1 A > B ACK id=1
		13  A > B BYE id=1
		13.2 B > A 200
		20  A > B INVITE id=2
		20.5 B > A 486
		30  A > B INVITE id=3
		30.1 B > A 503
		40  A > B INVITE id=4
		41  B > A 180
		45  A > B CANCEL id=4
		45.1 B > A 200 of=CANCEL
		45.2 B > A 487 of=INVITE
		50  A > B INVITE id=5
		50.1 B > A 302
		50.5 A > B INVITE id=6
		50.9 B > A 407`)
	m := res.Overview()
	got := fmt.Sprintf("calls=%d attempts=%d answered=%d SER=%.0f SEER=%.0f ISA=%.0f SCR=%.0f ASR=%.0f NER=%.0f SRD=%v/%v failed=%d SDD=%v SDT=%v", m.Calls, m.Attempts, m.Answered,
		m.Establishment, m.Effectiveness, m.Ineffective, m.Completion, m.AnswerSeizure, m.NetworkEffect, m.RequestDelay.Min, m.RequestDelay.Max, m.FailedRequestDelay.Count, m.DisconnectDelay.Max, m.Duration.Max)
	want := "calls=6 attempts=6 answered=1 SER=20 SEER=40 ISA=17 SCR=17 ASR=17 NER=50 SRD=1s/1s failed=2 SDD=200ms SDT=10s"
	if got != want {
		t.Errorf("\ngot  %s\nwant %s", got, want)
	}
	peers := m.Peers
	if len(peers) != 2 || peers[0].Calls != 6 || peers[0].Name != "10.0.0.1" {
		t.Errorf("peers %+v", peers)
	}
	list, size := m.Buckets, m.Size
	calls, failed := 0, 0
	for _, b := range list {
		calls, failed = calls+b.Calls, failed+b.Failed
	}
	if size.String() != "1s" || len(list) != 51 || calls != 6 || failed != 3 {
		t.Errorf("%d spans of %v with %d calls and %d failures", len(list), size, calls, failed)
	}
}

// TestHungUp: calls that ended count for who ended them, with what they took.
func TestHungUp(t *testing.T) {
	m := analyze(t, capgen.Ladder{}, `
		0   A > B INVITE id=1
		1   B > A 180
		3   B > A 200
		3.1 A > B ACK id=1
		13  B > A BYE id=1
		13.2 A > B 200
		20  A > B INVITE id=2
		21  B > A 200
		21.1 A > B ACK id=2
		25  A > B BYE id=2
		25.1 B > A 200
		30  A > B INVITE id=3
		31  B > A 200
		31.1 A > B ACK id=3
		35  B > A BYE id=3
		35.1 A > B 200
		40  A > B INVITE id=4
		41  B > A 200
		41.1 A > B ACK id=4
		# its INVITE is not in the capture
		50  A > B INVITE id=5 unseen
		50.1 B > A 200
		50.2 A > B ACK id=5
		55  A > B BYE id=5
		55.1 B > A 200`).Overview()
	got := fmt.Sprintf("caller=%d callee=%d PDD=%d/%v ring=%d/%v setup=%d/%v", m.ByCaller, m.ByCallee,
		m.PostDialDelay.Count, m.PostDialDelay.Max, m.RingTime.Count, m.RingTime.Max, m.SetupTime.Count, m.SetupTime.Max)
	if want := "caller=2 callee=2 PDD=1/1s ring=1/2s setup=4/3s"; got != want {
		t.Errorf("\ngot  %s\nwant %s", got, want)
	}
}

// TestPeers: an address counts a call on any hop of any leg, by what came of it there.
func TestPeers(t *testing.T) {
	res := analyze(t, capgen.Ladder{}, `
		# B has no room, C answers
		0    A > P INVITE id=1@a
		+.1  P > B INVITE id=1@a
		+.1  B > P 503 id=1@a
		+.1  P > C INVITE id=1@a
		+1   C > P 200 id=1@a
		+.1  P > A 200 id=1@a
		# B says nothing, and C is busy
		20   A > P INVITE id=2@a
		+.1  P > B INVITE id=2@a
		+.5  P > B INVITE again
		+1   P > B INVITE again
		+3   P > C INVITE id=2@a
		+1   C > P 486 id=2@a
		+.1  P > A 486 id=2@a
		# both ring, and B answers
		40   A > P INVITE id=3@a
		+.1  P > B INVITE id=3@a
		+.1  P > C INVITE id=3@a
		+.1  B > P 180 id=3@a
		+.1  C > P 180 id=3@a tt=c3
		+1   B > P 200 id=3@a
		+.1  P > A 200 id=3@a
		+.1  P > C CANCEL id=3@a
		+.1  C > P 200 of=CANCEL id=3@a
		+.1  C > P 487 of=INVITE id=3@a tt=c3
		# of another Call-ID behind P
		60   A > P INVITE id=123456789abc@a
		+.1  P > D INVITE id=123456789abc@a-2 fwd=no
		+1   D > P 200 id=123456789abc@a-2
		+.1  P > A 200 id=123456789abc@a`)
	var got []string
	for _, g := range res.Overview().Peers {
		got = append(got, fmt.Sprintf("%s %d ASR=%.0f NER=%.0f", g.Name, g.Calls, g.AnswerSeizure, g.NetworkEffect))
	}
	want := []string{
		"10.0.0.1 4 ASR=75 NER=100", // A
		"10.0.0.9 4 ASR=75 NER=100", // P
		"10.0.0.2 3 ASR=33 NER=33",  // B
		"10.0.0.3 3 ASR=33 NER=100", // C
		"10.0.0.4 1 ASR=100 NER=100",
	}
	if !slices.Equal(got, want) {
		t.Errorf("\ngot  %q\nwant %q", got, want)
	}
}

// TestPeersOfFailedCalls: who passes a call on counts by what it answers, not by the last server that it tried; and who may still answer has refused nothing.
func TestPeersOfFailedCalls(t *testing.T) {
	const pending = `
		0    A > P INVITE
		+.1  P > B INVITE
		+.5  P > B INVITE again
		+1   P > B INVITE again`
	for _, tt := range []struct {
		name, ladder string
		want         []string
	}{
		{"one server behind the other", `
			0    A > P INVITE
			+.1  P > B INVITE
			+1   B > P 486
			+.1  P > C INVITE
			+1   C > P 503
			+.1  P > A 486`, []string{"10.0.0.1 1 ISA=0 NER=100", "10.0.0.2 1 ISA=0 NER=100", "10.0.0.3 1 ISA=100 NER=0", "10.0.0.9 1 ISA=0 NER=100"}},
		{"with Call-IDs of their own", `
			0    A > P INVITE id=123456789abc@a
			+.1  P > B INVITE id=123456789abc@a-2 fwd=no
			+1   B > P 503 id=123456789abc@a-2
			+.1  P > A 486 id=123456789abc@a`, []string{"10.0.0.1 1 ISA=0 NER=100", "10.0.0.2 1 ISA=100 NER=0", "10.0.0.9 1 ISA=0 NER=100"}},
		{"no answer yet", pending, []string{"10.0.0.1 1 ISA=-1 NER=-1", "10.0.0.2 1 ISA=-1 NER=-1", "10.0.0.9 1 ISA=-1 NER=-1"}},
		{"no answer for long", pending + `
			34   A > P OPTIONS id=o@a`, []string{"10.0.0.1 1 ISA=100 NER=0", "10.0.0.2 1 ISA=100 NER=0", "10.0.0.9 1 ISA=100 NER=0"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			for _, g := range analyze(t, capgen.Ladder{}, tt.ladder).Overview().Peers {
				got = append(got, fmt.Sprintf("%s %d ISA=%.0f NER=%.0f", g.Name, g.Calls, g.Ineffective, g.NetworkEffect))
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("\ngot  %q\nwant %q", got, tt.want)
			}
		})
	}
}
