package analysis_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/capture"
	"github.com/sipsight/sipsight/internal/capgen"
)

const mediaHosts = `
A = 10.0.0.1:5060
P = 10.0.0.9:5060
B = 10.0.0.2:5060
X = 10.0.0.66:7000
N = 192.0.2.7:40000
`

// TestJoinStreams holds which call each stream is of, who sent it and what its payload type
// stands for.
func TestJoinStreams(t *testing.T) {
	const call = "0 A > B INVITE sdp m=4000\n1 B > A 200 sdp m=5000\n1.1 A > B ACK\n"
	for _, c := range []struct{ name, ladder, want string }{
		{"both ways", call + "1.2 A:4000 > B:5000 RTP ssrc=1\n1.2 B:5000 > A:4000 RTP ssrc=2\n9 A > B BYE\n+.1 B > A 200", "1 call-1 caller PCMU, 2 call-1 callee PCMU"},
		{"before the answer", "0 A > B INVITE sdp m=4000\n.5 B:5000 > A:4000 RTP ssrc=2\n.6 A:4000 > B:5000 RTP ssrc=1\n1.9 B > A 200 sdp m=5000\n2 A > B ACK", "2 call-1 callee PCMU, 1 call-1 caller PCMU"},
		{"before the call", "0 B:5000 > A:4000 RTP ssrc=2\n2.5 A > B INVITE sdp m=4000\n3 B > A 200 sdp m=5000\n+.1 A > B ACK", "2 call-1 callee PCMU"},
		{"long before the call", "0 B:5000 > A:4000 RTP ssrc=2\n3.1 A > B INVITE sdp m=4000\n4 B > A 200 sdp m=5000\n+.1 A > B ACK", "2 alone PCMU"},
		{"behind the end", call + "3 A > B BYE\n+.1 B > A 200\n7.9 A:4000 > B:5000 RTP ssrc=1", "1 call-1 caller PCMU"},
		{"long behind the end", call + "3 A > B BYE\n+.1 B > A 200\n8.1 A:4000 > B:5000 RTP ssrc=1", "1 alone PCMU"},
		{"of a call before it that had one of its ports", "0 X > A:4000 RTP ssrc=2 n=50\n2.5 A > B INVITE sdp m=4000\n3 B > A 200 sdp m=5000\n+.1 A > B ACK", "2 alone PCMU"},
		{"of a call before it that goes on into it", "0 X > A:4000 RTP ssrc=2 n=150\n2.5 A > B INVITE sdp m=4000\n3 B > A 200 sdp m=5000\n+.1 A > B ACK", "2 call-1 callee PCMU"},
		{"of a call behind it that has one of its ports", call + "3 A > B BYE\n+.1 B > A 200\n4 A:4000 > X RTP ssrc=1 n=250\n4 X > A:4000 RTP ssrc=2 n=250", "1 alone PCMU, 2 alone PCMU"},
		{"a rest behind the end", call + "3 A > B BYE\n+.1 B > A 200\n4 A:4000 > X RTP ssrc=1 n=50\n4 X > A:4000 RTP ssrc=2 n=50", "1 call-1 caller PCMU, 2 call-1 callee PCMU"},
		{"behind a NAT, latched", call + "1.2 N > B:5000 RTP ssrc=1\n1.3 B:5000 > N RTP ssrc=2", "1 call-1 caller PCMU, 2 call-1 callee PCMU"},
		{"latched, from an address that was not announced", call + "1.2 N > B:5000 RTP ssrc=1\n1.3 B:5004 > N RTP ssrc=2", "1 call-1 caller PCMU, 2 alone PCMU"},
		{"nothing is announced", call + "1.2 X > A:4002 RTP ssrc=7", "7 alone PCMU"},
		{"ports used again", strings.ReplaceAll(call, "sdp", "id=one sdp") + "1.2 A:4000 > B:5000 RTP ssrc=1 n=100\n4 A > B BYE id=one\n+.1 B > A 200\n" +
			"5 A > B INVITE id=two new sdp m=4000\n6 B > A 200 sdp m=5000\n6.1 A > B ACK id=two\n6.2 A:4000 > B:5000 RTP ssrc=2", "1 call-1 caller PCMU, 2 call-2 caller PCMU"},
		{"the other end tells two calls apart", strings.ReplaceAll(call, "ACK", "ACK id=one") + "2 P > B INVITE id=two sdp m=6000\n3 B > P 200 sdp m=5000\n3.1 P > B ACK id=two\n3.2 A:4000 > B:5000 RTP ssrc=1\n3.2 P:6000 > B:5000 RTP ssrc=2", "1 call-1 caller PCMU, 2 call-2 caller PCMU"},
		{"relayed", "0 A > P INVITE sdp m=4000\n+.1 P > B INVITE sdp m=8002\n1 B > P 200 sdp m=5000\n+.1 P > A 200 sdp m=8000\n+.1 A > P ACK\n+.1 P > B ACK\n" +
			"2 A:4000 > P:8000 RTP ssrc=1\n2.1 P:8002 > B:5000 RTP ssrc=1\n2.2 B:5000 > P:8002 RTP ssrc=2\n2.3 P:8000 > A:4000 RTP ssrc=2",
			"1 call-1 caller PCMU, 1 call-1 caller PCMU, 2 call-1 callee PCMU, 2 call-1 callee PCMU"},
		{"relayed by one port for either side", "0 A > P INVITE sdp m=4000\n+.1 P > B INVITE sdp m=8000\n1 B > P 200 sdp m=5000\n+.1 P > A 200 sdp m=8000\n+.1 A > P ACK\n+.1 P > B ACK\n" +
			"2 A:4000 > P:8000 RTP ssrc=1\n2.1 P:8000 > B:5000 RTP ssrc=1\n2.2 B:5000 > P:8000 RTP ssrc=2\n2.3 P:8000 > A:4000 RTP ssrc=2",
			"1 call-1 caller PCMU, 1 call-1 caller PCMU, 2 call-1 callee PCMU, 2 call-1 callee PCMU"},
		{"a hop of a relay that nobody announced", call + "1.2 A:4000 > B:5000 RTP ssrc=70001\n1.21 X > N RTP ssrc=70001\n1.21 N > X RTP ssrc=70002", "70001 call-1 caller PCMU, 70001 call-1 caller PCMU, 70002 alone PCMU"},
		{"another stream of that SSRC", call + "1.2 A:4000 > B:5000 RTP ssrc=70001\n1.21 X > N RTP ssrc=70001 seq=900", "70001 call-1 caller PCMU, 70001 alone PCMU"},
		{"one of that SSRC at another time", call + "1.2 A:4000 > B:5000 RTP ssrc=70001\n4 X > N RTP ssrc=70001", "70001 call-1 caller PCMU, 70001 alone PCMU"},
		{"two calls of a tool that has one SSRC", strings.ReplaceAll(call, "ACK", "ACK id=one") + "0 P > B INVITE id=two sdp m=6000\n1 B > P 200 sdp m=5002\n1.1 P > B ACK id=two\n1.2 A:4000 > B:5000 RTP ssrc=70001\n1.2 P:6000 > B:5002 RTP ssrc=70001\n1.21 X > N RTP ssrc=70001",
			"70001 call-1 caller PCMU, 70001 call-2 caller PCMU, 70001 alone PCMU"},
		{"moved by a later offer", call + "3 A > B INVITE sdp m=4100 o=1/2\n+.1 B > A 200 sdp m=5000\n+.1 A > B ACK\n3.5 B:5000 > A:4100 RTP ssrc=2", "2 call-1 callee PCMU"},
		{"the numbers of the receiver", "0 A > B INVITE\n  Content-Type: application/sdp\n  | v=0\n  | o=- 1 1 IN IP4 10.0.0.1\n  | s=-\n  | c=IN IP4 10.0.0.1\n  | m=audio 4000 RTP/AVP 97\n  | a=rtpmap:97 iLBC/8000\n" +
			"1 B > A 200\n  Content-Type: application/sdp\n  | v=0\n  | o=- 1 1 IN IP4 10.0.0.2\n  | s=-\n  | c=IN IP4 10.0.0.2\n  | m=audio 5000 RTP/AVP 97 98\n  | a=rtpmap:98 iLBC/8000\n  | a=rtpmap:97 speex/8000\n1.1 A > B ACK\n" +
			"1.2 A:4000 > B:5000 RTP ssrc=1 pt=98\n1.2 B:5000 > A:4000 RTP ssrc=2 pt=97\n1.2 A:4000 > B:5000 RTP ssrc=3 pt=99", "1 call-1 caller iLBC, 2 call-1 callee iLBC, 3 call-1 caller 99"},
		{"between candidates", "0 A > B INVITE\n  Content-Type: application/sdp\n  | v=0\n  | o=- 1 1 IN IP4 10.0.0.1\n  | s=-\n  | c=IN IP4 192.168.0.1\n  | m=audio 4000 RTP/AVP 0\n  | a=candidate:1 1 UDP 1 192.168.0.1 4000 typ host\n  | a=candidate:2 1 UDP 1 10.0.0.1 4040 typ srflx raddr 192.168.0.1 rport 4000\n  | a=candidate:3 1 UDPLITE 1 10.0.0.1 4044 typ host\n  | a=candidate:4 1 u 1 10.0.0.1 4044 typ host\n" +
			"1 B > A 200\n  Content-Type: application/sdp\n  | v=0\n  | o=- 1 1 IN IP4 10.0.0.2\n  | s=-\n  | c=IN IP4 192.168.0.2\n  | m=audio 5000 RTP/AVP 0\n  | a=candidate:1 1 UDP 1 10.0.0.2 5050 typ host\n  | a=candidate:1 2 UDP 1 10.0.0.2 5051 typ host\n1.1 A > B ACK\n" +
			"1.2 A:4040 > B:5050 RTP ssrc=1\n1.2 B:5050 > A:4040 RTP ssrc=2\n1.2 B:5051 > A:4044 RTP ssrc=3\n1.2 B:5050 > A:4044 RTP ssrc=4", "1 call-1 caller PCMU, 2 call-1 callee PCMU, 3 alone PCMU, 4 call-1 callee PCMU"},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, six := range []bool{false, true} {
				if six && strings.Contains(c.ladder, "IN IP4") {
					continue
				}
				l := capgen.Ladder{IPv6: six}
				check(t, joined(joinedStreams(t, l.Pcap(mediaHosts+c.ladder))), c.want)
			}
		})
	}
}

// TestRelayHops holds where the streams of a call are that no description announces.
func TestRelayHops(t *testing.T) {
	l := capgen.Ladder{}
	tr := joinedStreams(t, l.Pcap(mediaHosts+"0 A > B INVITE sdp m=4000\n1 B > A 200 sdp m=5000\n1.1 A > B ACK\n1.2 X > N RTP ssrc=70001\n1.21 A:4000 > B:5000 RTP ssrc=70001\n1.22 N > X RTP ssrc=70002\n"))
	m := tr.Calls.At(0).First().Media
	if len(m.Streams) != 1 || len(m.Relayed) != 1 || m.Streams[0] != tr.Streams[1] || m.Relayed[0] != tr.Streams[0] {
		t.Fatalf("%d streams, %d on other hops", len(m.Streams), len(m.Relayed))
	}
	if m.Streams[0].RelayHop || !m.Relayed[0].RelayHop || tr.Streams[2].RelayHop || m.Relayed[0].SentBy != analysis.Caller {
		t.Errorf("%+v", m.Relayed[0])
	}
	if all := m.AllStreams(); len(all) != 2 || all[0] != m.Streams[0] || all[1] != m.Relayed[0] || len(m.Streams) != 1 {
		t.Errorf("%d of all", len(all))
	}
}

// TestUndescribed: payload types that no description lists are told, whoever sends them; static ones are described by their number
// alone, and where one side describes nothing it is not known.
func TestUndescribed(t *testing.T) {
	const media = "1.2 A:4000 > B:5000 RTP ssrc=1 pt=97\n1.2 B:5000 > A:4000 RTP ssrc=2 pt=8\n1.2 A:4000 > B:5000 RTP ssrc=3 pt=0\n1.2 B:5000 > A:4000 RTP ssrc=4 pt=18\n1.2 A:4000 > B:5000 RTP ssrc=5 pt=13\n"
	for answer, want := range map[string]string{"sdp m=5000 codecs=0,18": "1 2 ", "": ""} {
		l := capgen.Ladder{}
		got := ""
		for _, s := range joinedStreams(t, l.Pcap(mediaHosts+"0 A > B INVITE sdp m=4000\n1 B > A 200 "+answer+"\n1.1 A > B ACK\n"+media)).Streams {
			if s.Undescribed() {
				got += fmt.Sprint(s.SSRC(), " ")
			}
		}
		check(t, got, want)
	}
}

// TestCandidatesOfBundle: of streams that are bundled the first alone has candidates, which are those of the others, too.
func TestCandidatesOfBundle(t *testing.T) {
	said := func(host, candidate string) string {
		return "  Content-Type: application/sdp\n  | v=0\n  | o=- 1 1 IN IP4 " + host + "\n  | s=-\n  | c=IN IP4 0.0.0.0\n  | a=group:BUNDLE 0 1\n" +
			"  | m=audio 9 UDP/TLS/RTP/SAVPF 97\n  | a=mid:0\n  | a=rtpmap:97 opus/48000/2\n  | a=ice-ufrag:abcd\n  | a=candidate:1 1 UDP 1 " + candidate + " typ host\n" +
			"  | m=video 9 UDP/TLS/RTP/SAVPF 98\n  | a=mid:1\n  | a=rtpmap:98 VP8/90000\n  | a=ice-ufrag:abcd\n"
	}
	l := capgen.Ladder{}
	tr := joinedStreams(t, l.Pcap(mediaHosts+"0 A > B INVITE\n"+said("10.0.0.1", "10.0.0.1 4000")+"1 B > A 200\n"+said("10.0.0.2", "10.0.0.2 5000")+
		"1.1 A > B ACK\n1.2 A:4000 > B:5000 RTP ssrc=1 pt=97\n1.2 B:5000 > A:4000 RTP ssrc=2 pt=98\n"))
	check(t, joined(tr), "1 call-1 caller opus, 2 call-1 callee VP8")
	if tr.Streams[0].Kind != "audio" || tr.Streams[1].Kind != "video" {
		t.Errorf("%s and %s", tr.Streams[0].Kind, tr.Streams[1].Kind)
	}
}

// TestCandidatesDescribe: where c= and m= name no address, as browsers have it, candidates say what a stream between them is; where they
// do, the last description counts, that of a re-INVITE without candidates as well.
func TestCandidatesDescribe(t *testing.T) {
	const text = "0 A > B INVITE\n  Content-Type: application/sdp\n  | v=0\n  | o=- 1 1 IN IP4 10.0.0.1\n  | s=-\n  | c=IN IP4 0.0.0.0\n  | m=audio 9 UDP/TLS/RTP/SAVPF 97\n  | a=rtpmap:97 opus/48000/2\n  | a=ice-ufrag:abcd\n  | a=candidate:1 1 UDP 1 10.0.0.1 4000 typ host\n" +
		"  | m=video 0 UDP/TLS/RTP/SAVPF 98\n  | a=rtpmap:98 VP8/90000\n  | a=candidate:1 1 UDP 1 10.0.0.1 4002 typ host\n" +
		"1 B > A 200\n  Content-Type: application/sdp\n  | v=0\n  | o=- 1 1 IN IP4 10.0.0.2\n  | s=-\n  | c=IN IP4 0.0.0.0\n  | m=audio 9 UDP/TLS/RTP/SAVPF 97\n  | a=rtpmap:97 opus/48000/2\n  | a=ice-ufrag:abcd\n  | a=candidate:1 1 UDP 1 10.0.0.2 5000 typ host\n1.1 A > B ACK\n"
	const media = "1.2 A:4000 > B:5000 RTP ssrc=1 pt=97\n1.2 B:5000 > A:4000 RTP ssrc=2 pt=97\n"
	clear := strings.NewReplacer("UDP/TLS/RTP/SAVPF", "RTP/AVP")
	again := clear.Replace(strings.NewReplacer("0 A > B INVITE", "1.15 A > B INVITE", "1 B > A", "1.16 B > A", "1.1 A", "1.17 A", "  | a=candidate:1 1 UDP 1 10.0.0.1 4000 typ host\n", "", "  | a=candidate:1 1 UDP 1 10.0.0.2 5000 typ host\n", "",
		"1 1 IN IP4 10.0.0.1\n  | s=-\n  | c=IN IP4 0.0.0.0\n  | m=audio 9", "1 2 IN IP4 10.0.0.1\n  | s=-\n  | c=IN IP4 10.0.0.1\n  | m=audio 4000",
		"1 1 IN IP4 10.0.0.2\n  | s=-\n  | c=IN IP4 0.0.0.0\n  | m=audio 9", "1 2 IN IP4 10.0.0.2\n  | s=-\n  | c=IN IP4 10.0.0.2\n  | m=audio 5000").Replace(text))
	for ladder, encrypted := range map[string]bool{text + media: true, clear.Replace(text) + media: false, text + again + media: false} {
		l := capgen.Ladder{}
		tr := joinedStreams(t, l.Pcap(mediaHosts+ladder))
		check(t, joined(tr), "1 call-1 caller opus, 2 call-1 callee opus")
		for _, s := range tr.Streams {
			if s.Encrypted() != encrypted || s.ClockRate != 48000 {
				t.Errorf("encrypted %v, rate %d:\n%s", s.Encrypted(), s.ClockRate, ladder)
			}
		}
	}
}

// TestBestEffortSRTP: of a stream with SRTP and one without, on ports of their own or on the same one, the answer takes one.
func TestBestEffortSRTP(t *testing.T) {
	said := func(host string, lines ...string) string {
		return "  Content-Type: application/sdp\n  | v=0\n  | o=- 1 1 IN IP4 " + host + "\n  | s=-\n  | c=IN IP4 " + host + "\n  | m=audio " + strings.Join(lines, "\n  | m=audio ") + "\n"
	}
	held := [2]string{"4000 RTP/AVP 0\n  | a=tcap:1 RTP/SAVP\n  | a=acap:1 crypto:1 AES_CM_128_HMAC_SHA1_80 inline:k\n  | a=pcfg:1 t=1 a=1", "4002 RTP/AVP 0"} // RFC 5939
	for _, c := range []struct {
		offer, answer  [2]string
		caller, callee int
		want           bool
	}{
		{offer: [2]string{"4000 RTP/SAVP 0", "4002 RTP/AVP 0"}, answer: [2]string{"5000 RTP/SAVP 0", "0 RTP/AVP 0"}, caller: 4000, callee: 5000, want: true},
		{offer: [2]string{"4000 RTP/SAVP 0", "4002 RTP/AVP 0"}, answer: [2]string{"0 RTP/SAVP 0", "5002 RTP/AVP 0"}, caller: 4002, callee: 5002},
		{offer: [2]string{"4002 RTP/AVP 0", "4000 RTP/SAVP 0"}, answer: [2]string{"5002 RTP/AVP 0", "0 RTP/SAVP 0"}, caller: 4002, callee: 5002},
		{offer: [2]string{"4000 RTP/SAVP 0", "4000 RTP/AVP 0"}, answer: [2]string{"5000 RTP/SAVP 0", "0 RTP/AVP 0"}, caller: 4000, callee: 5000, want: true},
		{offer: [2]string{"4000 RTP/SAVP 0", "4000 RTP/AVP 0"}, answer: [2]string{"0 RTP/SAVP 0", "5000 RTP/AVP 0"}, caller: 4000, callee: 5000},
		{offer: [2]string{"4000 RTP/SAVP 0", "4002 RTP/AVP 0"}, answer: [2]string{"5000 RTP/SAVP 0", "0 RTP/AVP 0"}, caller: 41000, callee: 5000, want: true},
		{offer: held, answer: [2]string{"5000 RTP/SAVP 0\n  | a=acfg:1 t=1 a=1", "0 RTP/AVP 0"}, caller: 4000, callee: 5000, want: true},
		{offer: held, answer: [2]string{"5000 RTP/AVP 0", "0 RTP/AVP 0"}, caller: 4000, callee: 5000},
	} {
		l := capgen.Ladder{}
		text := mediaHosts + "0 A > B INVITE\n" + said("10.0.0.1", c.offer[:]...) + "1 B > A 200\n" + said("10.0.0.2", c.answer[:]...) + "1.1 A > B ACK\n" +
			fmt.Sprintf("1.2 A:%[1]d > B:%[2]d RTP ssrc=1\n1.2 B:%[2]d > A:%[1]d RTP ssrc=2\n", c.caller, c.callee)
		streams := joinedStreams(t, l.Pcap(text)).Streams
		if len(streams) != 2 || streams[0].Encrypted() != c.want || streams[1].Encrypted() != c.want {
			t.Errorf("%d streams, encrypted not %v:\n%s", len(streams), c.want, text)
		}
	}
}

// TestJoinServerPort holds that a stream to a port which a server has for the media of many calls is of the one that announced where it
// comes from, however many began since.
func TestJoinServerPort(t *testing.T) {
	const calls = 100
	text, want := mediaHosts, ""
	for i := range calls {
		text += fmt.Sprintf("%d.0 A > B INVITE id=c%d new sdp m=%d\n%d.5 B > A 200 sdp m=9000\n%d.6 A > B ACK id=c%[2]d\n", i, i, 4000+2*i, i, i)
	}
	for i := range calls {
		text += fmt.Sprintf("%d A:%d > B:9000 RTP ssrc=%d\n", calls+1, 4000+2*i, i+1)
		want += fmt.Sprintf(", %d call-%[1]d caller PCMU", i+1)
	}
	l := capgen.Ladder{}
	check(t, joined(joinedStreams(t, l.Pcap(text))), want[2:])
}

// TestJoinClockSetBack holds that a call keeps its streams where the clock was set back before its end.
func TestJoinClockSetBack(t *testing.T) {
	list := new(capgen.Ladder).Packets(mediaHosts + "0 A > B INVITE sdp m=4000\n1 B > A 200 sdp m=5000\n1.1 A > B ACK\n1.2 A:4000 > B:5000 RTP ssrc=1\n9 A > B BYE\n9.1 B > A 200\n")
	for i := range list {
		if list[i].Time.Sub(capgen.Start) >= 9*time.Second {
			list[i].Time = list[i].Time.Add(-time.Minute)
		}
	}
	check(t, joined(joinedStreams(t, capgen.Pcap(list))), "1 call-1 caller PCMU")
}

// TestJoinNextCall: of a tool that has the same ports, SSRC and numbers in each call, one right behind the other, each has streams of its own; what
// begins anew within a call, or beside a call elsewhere, is one stream.
func TestJoinNextCall(t *testing.T) {
	call := func(n int, at float64, host string, media string) string {
		port := map[string]int{"A": 4000, "N": 4900}[host]
		return fmt.Sprintf("%.1f %[2]s > B INVITE id=call%[3]d new sdp m=%[4]d\n+.1 B > %[2]s 200 sdp m=%[5]d\n+.1 %[2]s > B ACK id=call%[3]d\n%[6]s+2 %[2]s > B BYE id=call%[3]d\n+.1 B > %[2]s 200\n", at, host, n, port, port+1000, media)
	}
	const both = "+.1 A:4000 > B:5000 RTP ssrc=1 n=90\n+0 B:5000 > A:4000 RTP ssrc=2 n=90 seq=7000\n"
	for _, c := range []struct{ name, ladder, want string }{
		{"one behind the other", call(1, 0, "A", both) + call(2, 3, "A", both) + call(3, 6, "A", both),
			"1 call-1 caller PCMU, 2 call-1 callee PCMU, 1 call-2 caller PCMU, 2 call-2 callee PCMU, 1 call-3 caller PCMU, 2 call-3 callee PCMU"},
		{"with numbers a little ahead", call(1, 0, "A", both) + call(2, 3, "A", strings.ReplaceAll(strings.ReplaceAll(both, "ssrc=1", "ssrc=1 seq=700 skip=100000"), "seq=7000", "seq=7700 skip=100000")),
			"1 call-1 caller PCMU, 2 call-1 callee PCMU, 1 call-2 caller PCMU, 2 call-2 callee PCMU"},
		{"anew within the call", call(1, 0, "A", both+"+2.2 A:4000 > B:5000 RTP ssrc=1 n=30 seq=9000\n"), "1 call-1 caller PCMU, 2 call-1 callee PCMU"},
		{"anew while another call begins elsewhere", call(1, 0, "A", both) + call(2, 2.1, "N", "") + "2.9 A:4000 > B:5000 RTP ssrc=1 n=30 seq=9000\n", "1 call-1 caller PCMU, 2 call-1 callee PCMU"},
		{"of two calls at once", call(1, 0, "A", "+.1 A:4000 > B:5000 RTP ssrc=1 n=90\n") + "0.505 A > B INVITE id=call2 new sdp m=4000\n+.001 B > A 200 sdp m=5000\n+.001 A > B ACK id=call2\n" +
			"+.001 A:4000 > B:5000 RTP ssrc=1 n=1 seq=9000 skip=100000\n", "1 call-1 caller PCMU"},
		{"going on while the port is announced again", call(1, 0, "A", both) + call(2, 2.2, "A", "+0.1 A:4000 > B:5000 RTP ssrc=1 n=30 seq=121\n"), "1 call-1 caller PCMU, 2 call-1 callee PCMU"},
	} {
		for _, six := range []bool{false, true} {
			l := capgen.Ladder{IPv6: six}
			tr := joinedStreams(t, l.Pcap(mediaHosts+c.ladder))
			if got := joined(tr); got != c.want || tr.Datagrams.NotFound != 0 {
				t.Errorf("%s: %s, and %d packets of no stream, want %s", c.name, got, tr.Datagrams.NotFound, c.want)
			}
		}
	}
}

// TestJoinKind holds that video on the port of audio is video.
func TestJoinKind(t *testing.T) {
	l := capgen.Ladder{}
	tr := joinedStreams(t, l.Pcap(mediaHosts+"0 A > B INVITE sdp m=4000\n1 B > A 200\n  Content-Type: application/sdp\n  | v=0\n  | o=- 1 1 IN IP4 10.0.0.2\n  | s=-\n  | c=IN IP4 10.0.0.2\n  | m=audio 5000 RTP/AVP 0\n  | m=video 5000 RTP/AVP 97\n  | a=rtpmap:97 VP8/90000\n1.1 A > B ACK\n"+
		"1.2 A:4000 > B:5000 RTP ssrc=1\n1.2 A:4000 > B:5000 RTP ssrc=2 pt=97\n"))
	if len(tr.Streams) != 2 || tr.Streams[0].Kind != "audio" || tr.Streams[1].Kind != "video" || tr.Streams[1].Codec != "VP8" {
		t.Errorf("%+v", tr.Streams)
	}
}

func joinedStreams(t *testing.T, file []byte) *analysis.Traffic {
	t.Helper()
	name := filepath.Join(t.TempDir(), "a.pcap")
	if err := os.WriteFile(name, file, 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := capture.Open(context.Background(), []string{name}, capture.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	res, err := analysis.Run(context.Background(), r, analysis.Options{Calls: true, Streams: true})
	if err != nil {
		t.Fatal(err)
	}
	return res.Traffic
}

func joined(tr *analysis.Traffic) string {
	var list []string
	for _, s := range tr.Streams {
		call, codec := "alone", s.Codec
		if s.Call != 0 {
			call = fmt.Sprintf("call-%d %s", s.Call, s.SentBy)
		}
		if codec == "" {
			codec = fmt.Sprint(s.Type)
		}
		list = append(list, fmt.Sprintf("%d %s %s", s.SSRC(), call, codec))
	}
	return strings.Join(list, ", ")
}

// TestJoinClockRate holds that a clock rate that was measured and is announced is no
// estimate, and that one that contradicts the announcement stays what was measured.
func TestJoinClockRate(t *testing.T) {
	for encoding, estimated := range map[string]bool{"iLBC/8000": false, "AMR-WB/16000": true} {
		l := capgen.Ladder{}
		tr := joinedStreams(t, l.Pcap(mediaHosts+"0 A > B INVITE\n1 B > A 200\n  Content-Type: application/sdp\n  | v=0\n  | o=- 1 1 IN IP4 10.0.0.2\n  | s=-\n  | c=IN IP4 10.0.0.2\n  | m=audio 5000 RTP/AVP 97\n  | a=rtpmap:97 "+
			encoding+"\n1.1 A > B ACK\n1.2 A:4000 > B:5000 RTP pt=97"))
		if len(tr.Streams) != 1 {
			t.Fatal(len(tr.Streams), "streams")
		}
		s := tr.Streams[0]
		if s.RateEstimated != estimated || s.Report().ClockRate != 8000 {
			t.Errorf("%s: estimated %v, rate %d", encoding, s.RateEstimated, s.Report().ClockRate)
		}
	}
}

// TestHoldAndResume holds that a description that a side gives again later counts, and one
// that another hop or the final response repeats does not. An offer that is refused changes nothing.
func TestHoldAndResume(t *testing.T) {
	const call = "0 A > B INVITE sdp\n.5 B > A 183 sdp\n1 B > A 200 sdp\n+.1 A > B ACK\n"
	const hold = "5 A > B INVITE sdp dir=sendonly\n+.1 B > A 200 sdp dir=recvonly\n+.1 A > B ACK\n"
	const resume = "9 A > B INVITE sdp\n+.1 B > A 200 sdp\n+.1 A > B ACK\n"
	const vain = "7 A > B INVITE sdp\n+.1 B > A 488\n+.1 A > B ACK\n"
	const refused = "4 A > B INVITE sdp dir=sendonly\n+.1 B > A 491\n+.1 A > B ACK\n"
	for _, c := range []struct {
		name, ladder string
		descriptions int
		held         bool
		direction    string
	}{
		{"call", call, 2, false, "sendrecv"},
		{"refreshed", call + resume, 2, false, "sendrecv"},
		{"held", call + hold, 4, true, "sendonly"},
		{"resumed", call + hold + resume, 6, false, "sendrecv"},
		{"resumed in vain", call + hold + vain, 5, true, "sendrecv"},
		{"resumed at the second try", call + hold + vain + resume, 7, false, "sendrecv"},
		{"a hold that was refused", call + refused, 3, false, "sendonly"},
		{"a hold, and a CANCEL that is refused", call + "5 A > B INVITE sdp dir=sendonly\n+.1 A > B CANCEL\n+.1 B > A 200 of=INVITE sdp dir=recvonly\n+.1 B > A 481 of=CANCEL\n+.1 A > B ACK\n", 4, true, "sendonly"},
		{"held at the second try", call + refused + hold, 5, true, "sendonly"},
		{"held twice, resumed once", call + hold + resume + strings.Replace(hold, "5 A", "11 A", 1) + strings.Replace(vain, "7 A", "13 A", 1), 9, false, "sendrecv"},
		{"a first offer of music, challenged", "0 A > B INVITE sdp dir=sendonly\n+.1 B > A 407\n+.1 A > B ACK\n+.1 A > B INVITE sdp dir=sendonly new\n+.1 B > A 200 sdp dir=recvonly\n+.1 A > B ACK\n", 2, false, "sendonly"},
		{"over a proxy", "0 A > P INVITE sdp\n+.1 P > B INVITE sdp c=10.0.0.9\n+.1 B > P 200 sdp\n+.1 P > A 200 sdp c=10.0.0.9\n+.1 A > P ACK\n+.1 P > B ACK\n", 4, false, "sendrecv"},
	} {
		var l capgen.Ladder
		m := joinedStreams(t, l.Pcap(mediaHosts+c.ladder)).Calls.At(0).Legs[0].Media
		if held := !m.HeldAt.IsZero() && !m.Resumed; held != c.held || m.Descriptions != c.descriptions {
			t.Errorf("%s: held %v, %d descriptions", c.name, held, m.Descriptions)
		}
		for _, line := range m.Lines {
			if line.Side == analysis.Caller && line.Direction != c.direction {
				t.Errorf("%s: the caller's direction is %s", c.name, line.Direction)
			}
		}
	}
}
