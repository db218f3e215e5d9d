package siptools_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/sipsight/sipsight/internal/siptools"
)

// talking is a call with RTP both ways, and one where the called side is not heard.
const talking = `0 A > B INVITE id=one sdp m=4000
.1 B > A 200 sdp m=5000
.2 A > B ACK id=one
.3 A:4000 > B:5000 RTP ssrc=1 n=100
.3 B:5000 > A:4000 RTP ssrc=2 n=100
5 A > B BYE id=one
5.1 B > A 200
10 A > B INVITE id=two new sdp m=4002
10.1 B > A 200 sdp m=5002
10.2 A > B ACK id=two
10.3 A:4002 > B:5002 RTP ssrc=3 n=200
15 A > B BYE id=two
15.1 B > A 200
`

type mediaAnswer struct {
	Total, Returned int
	RTP             int `json:"rtp_packets"`
	Alone           int `json:"without_call"`
	Problems        []struct {
		ID, Severity string
		Count        int
	}
	Streams []struct {
		SSRC, Call string
		SentBy     string `json:"sent_by"`
		Packets    int
		Expected   *int // in whole rows alone
	}
	Next string `json:"next_cursor"`
	Note string
}

// TestAnalyzeMedia holds the streams of a capture and of one call, and what is wrong with them.
func TestAnalyzeMedia(t *testing.T) {
	path := ladder(t, 1, talking)
	ask := func(o siptools.Options, a args) (m mediaAnswer) {
		t.Helper()
		a["pcap_file"] = path
		got := call(t, server(o), "analyze_media", a)
		if got.isError {
			t.Fatal(got.text)
		}
		decode(t, got.structured, &m)
		return m
	}
	m := ask(siptools.Options{}, args{})
	if m.Total != 3 || len(m.Streams) != 3 || m.RTP != 400 || m.Alone != 0 {
		t.Errorf("%+v", m)
	}
	if got := fmt.Sprint(m.Problems); got != "[{one-way-audio error 1}]" {
		t.Errorf("problems %s", got)
	}
	if s := m.Streams[1]; s.SSRC != "0x00000002" || s.Call != "call-1" || s.SentBy != "callee" || s.Packets != 100 || s.Expected == nil {
		t.Errorf("%+v", s)
	}
	m = ask(siptools.Options{}, args{"call": "call-1"})
	if m.Total != 2 || len(m.Problems) != 0 || m.Streams[0].Expected == nil {
		t.Errorf("of call-1: %+v", m)
	}
	m = ask(siptools.Options{NoMedia: true}, args{})
	if m.Total != 0 || !strings.Contains(m.Note, "--no-media") {
		t.Errorf("without media: %+v", m)
	}
}

// faxing is a call that changes over to T.38, which the caller alone sends.
const faxing = `0 A > B INVITE id=one sdp m=4000
.1 B > A 200 sdp m=5000
.2 A > B ACK id=one
.3 A:4000 > B:5000 RTP ssrc=1 n=100
.3 B:5000 > A:4000 RTP ssrc=2 n=100
3 B > A INVITE id=one
     Content-Type: application/sdp
     | v=0
     | o=- 7 2 IN IP4 10.0.0.2
     | s=-
     | c=IN IP4 10.0.0.2
     | t=0 0
     | m=image 5000 udptl t38
3.1 A > B 200
     Content-Type: application/sdp
     | v=0
     | o=- 7 2 IN IP4 10.0.0.1
     | s=-
     | c=IN IP4 10.0.0.1
     | t=0 0
     | m=image 4000 udptl t38
3.2 B > A ACK id=one
3.3 A:4000 > B:5000 UDPTL n=30
5 A > B BYE id=one
5.1 B > A 200
`

// TestAnalyzeFax holds that a fax is among the streams, and that its call says how it came about.
func TestAnalyzeFax(t *testing.T) {
	path := ladder(t, 1, faxing)
	var all struct {
		Total   int
		UDPTL   int `json:"udptl_packets"`
		Streams []struct{ SSRC, Protocol, Codec, Call string }
	}
	decode(t, call(t, server(siptools.Options{}), "analyze_media", args{"pcap_file": path}).structured, &all)
	if all.Total != 3 || all.UDPTL != 30 || all.Streams[2].SSRC != "" || all.Streams[2].Protocol != "UDPTL" || all.Streams[2].Call != "call-1" {
		t.Errorf("%+v", all)
	}
	var one struct {
		Sessions []struct {
			Protocol, Outcome string
			OfferedBy         string `json:"offered_by"`
			Caller, Callee    struct {
				Address string
				Packets int
			}
		}
	}
	decode(t, call(t, server(siptools.Options{}), "analyze_media", args{"pcap_file": path, "call": "1"}).structured, &one)
	if got := fmt.Sprint(one.Sessions); got != "[{T.38 accepted callee {10.0.0.1:4000 30} {10.0.0.2:5000 0}}]" {
		t.Error(got)
	}
}

// messaging is a call with messages through a relay, whose audio is seen on two hops.
const messaging = `
X = 10.0.0.66:7000
N = 192.0.2.7:40000
0 A > B INVITE
     Content-Type: application/sdp
     | v=0
     | o=- 7 2 IN IP4 10.0.0.1
     | s=-
     | c=IN IP4 10.0.0.1
     | t=0 0
     | m=audio 4000 RTP/AVP 0
     | m=message 9 TCP/MSRP *
     | a=path:msrp://10.0.0.7:8000/r;tcp
.1 B > A 200 sdp m=5000
.2 A > B ACK
1 A:4000 > B:5000 RTP ssrc=70001
1.01 X > N RTP ssrc=70001
5 A > B BYE
5.1 B > A 200
`

// TestAnalyzeRelayed holds that the hops of a relay are among the streams of a call, and that its
// messages are known by their path.
func TestAnalyzeRelayed(t *testing.T) {
	path := ladder(t, 1, messaging)
	type stream struct {
		Call     string
		RelayHop bool `json:"relay_hop"`
	}
	var m struct {
		Streams  []stream
		Sessions []struct {
			Caller struct {
				Address   string
				Described string `json:"described_address"`
			}
		}
	}
	decode(t, call(t, server(siptools.Options{}), "analyze_media", args{"pcap_file": path, "call": "1"}).structured, &m)
	if got := fmt.Sprint(m); got != "{[{call-1 false} {call-1 true}] [{{10.0.0.7:8000 10.0.0.1:9}}]}" {
		t.Error(got)
	}
	var one struct {
		Media struct{ Streams []stream }
	}
	decode(t, call(t, server(siptools.Options{}), "explain_call", args{"pcap_file": path, "call": "1"}).structured, &one)
	if got := fmt.Sprint(one.Media.Streams); got != "[{ false} { true}]" {
		t.Error(got)
	}
}

// TestMediaPages holds that the pages are the list.
func TestMediaPages(t *testing.T) {
	var b strings.Builder
	for i := range 90 {
		fmt.Fprintf(&b, "%d A:%d > B:5000 RTP ssrc=%d\n", i, 4000+2*i, i+1)
	}
	path, seen := ladder(t, 1, b.String()), map[string]bool{}
	a := args{"pcap_file": path}
	for pages := 1; ; pages++ {
		var m mediaAnswer
		decode(t, call(t, server(siptools.Options{}), "analyze_media", a).structured, &m)
		if m.Total != 90 || m.Returned != len(m.Streams) || m.Alone != 90 {
			t.Fatalf("%+v", m)
		}
		for _, s := range m.Streams {
			seen[s.SSRC] = true
		}
		if m.Next == "" {
			if pages < 2 {
				t.Error("all on one page")
			}
			break
		}
		a["cursor"] = m.Next
	}
	if len(seen) != 90 {
		t.Errorf("%d streams", len(seen))
	}
}

// TestMediaFilter holds that a filter chooses streams, whatever their number, and that a cursor is of one filter.
func TestMediaFilter(t *testing.T) {
	var b strings.Builder
	b.WriteString("0 A > B INVITE sdp m=4000\n.1 B > A 200 sdp m=5000\n.2 A > B ACK\n.3 A:4000 > B:5000 RTP ssrc=9 n=60\n")
	for i := range 90 {
		fmt.Fprintf(&b, "%d A:%d > B:6000 RTP ssrc=%d n=50\n", i+1, 4002+2*i, i+10)
	}
	path, s := ladder(t, 1, b.String()), server(siptools.Options{})
	for _, x := range []struct {
		args  args
		total int
		note  string
	}{
		{args{"filter": "stream.source_port in {4000, 4002, 4180}"}, 3, "3 of 91 streams are what was asked for."},
		{args{"filter": "stream.packets > 50"}, 1, "1 of 91 streams"},
		{args{"filter": "stream.packets > 50", "call": "call-1"}, 1, ""},
		{args{"filter": "stream.packets < 50", "call": "call-1"}, 0, "0 of 1 streams are what was asked for. No stream is like that; leave out filter to see all."},
		{args{"filter": "stream.packets < 50"}, 0, "No stream is like that; leave out filter to see all."},
	} {
		x.args["pcap_file"] = path
		var m mediaAnswer
		decode(t, call(t, s, "analyze_media", x.args).structured, &m)
		if m.Total != x.total || m.Returned != x.total || !strings.HasPrefix(m.Note, x.note) && !strings.HasSuffix(m.Note, x.note) {
			t.Errorf("%v: %d of %d, %s", x.args["filter"], m.Returned, m.Total, m.Note)
		}
	}
	var m mediaAnswer
	a := args{"pcap_file": path, "filter": "stream.packets == 50"}
	decode(t, call(t, s, "analyze_media", a).structured, &m)
	if m.Total != 90 || m.Next == "" || !strings.Contains(m.Note, "filter or call for fewer") {
		t.Errorf("%d, %q, %s", m.Total, m.Next, m.Note)
	}
	if got := call(t, s, "analyze_media", args{"pcap_file": path, "cursor": m.Next}); !got.isError || !strings.Contains(got.text, "this is no cursor") {
		t.Error(got.text)
	}
	if got := call(t, s, "analyze_media", args{"pcap_file": path, "filter": "stream.loss > 1"}); !got.isError || !strings.Contains(got.text, "stream.loss_percent") {
		t.Error(got.text)
	}
}

// TestDefinitions bounds what all tools together cost a client.
func TestDefinitions(t *testing.T) {
	n := len(rpc(t, server(siptools.Options{}), "tools/list", args{}))
	if n == 0 || n > 24000 {
		t.Errorf("the definitions of all tools have %d characters", n)
	}
}
