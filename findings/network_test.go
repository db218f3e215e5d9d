package findings_test

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
	"github.com/sipsight/sipsight/findings"
	"github.com/sipsight/sipsight/internal/capgen"
)

// find returns the findings of one rule in a capture, each as its severity and frames.
func find(t *testing.T, id string, packets []capgen.Packet) (list []string) {
	t.Helper()
	for _, f := range findAll(t, id, packets) {
		s := f.Severity.String()
		for _, x := range f.Frames {
			s += fmt.Sprintf(" %d", x.Number)
		}
		list = append(list, s)
	}
	return list
}

// findAll returns the findings of one rule in a capture.
func findAll(t *testing.T, id string, packets []capgen.Packet) (list []*findings.Finding) {
	t.Helper()
	r, err := capture.NewReader(context.Background(), bytes.NewReader(capgen.Pcap(packets)), capture.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	c := findings.New()
	res, err := analysis.Run(context.Background(), r, c.Options(analysis.Options{}))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range c.Finish(res) {
		if f.ID == id {
			list = append(list, f)
		}
	}
	return list
}

func check(t *testing.T, got []string, want string) {
	t.Helper()
	if g := strings.Join(got, "; "); g != want {
		t.Errorf("got %q, want %q", g, want)
	}
}

const twoHosts = "A = 10.0.0.1:5060\nB = 10.0.0.2:5060\n"

// TestClock: the clock of the capture goes back.
func TestClock(t *testing.T) {
	for _, test := range []struct {
		back time.Duration
		want string
	}{
		{0, ""},
		{3 * time.Millisecond, ""}, // two queues
		{50 * time.Millisecond, "note 3"},
		{2 * time.Second, "warning 3"},
	} {
		l := capgen.Ladder{}
		p := l.Packets(twoHosts + "0 A > B OPTIONS id=o1\n+.01 B > A 200\n10 A > B OPTIONS id=o2\n+.01 B > A 200\n")
		p[2].Time = p[1].Time.Add(-test.back)
		p[3].Time = p[1].Time.Add(time.Second)
		check(t, find(t, "capture-quality", p), test.want)
	}
}

// TestPaceOverClock: where the clock of the capture goes back in a stream, its packets do not come sooner than they should.
func TestPaceOverClock(t *testing.T) {
	for n, back := range map[int]time.Duration{500: 4 * time.Second, 1000: 12 * time.Second} {
		l := capgen.Ladder{}
		p := l.Packets(fmt.Sprintf(twoHosts+"0 A > B INVITE sdp\n | a=ptime:20\n+.1 B > A 200 sdp m=5000\n | a=ptime:20\n+.1 A > B ACK\n+.1 A:4000 > B:5000 RTP n=%d\n+21 A > B BYE\n+.1 B > A 200\n", n))
		for i := range p {
			if i >= len(p)/2 {
				p[i].Time = p[i].Time.Add(-back)
			}
		}
		check(t, find(t, "capture-quality", p), fmt.Sprintf("warning %d", n/2+3))
		if _, rules := told(t, p); rules["ptime-mismatch"] {
			t.Errorf("packets of another length behind %s", back)
		}
	}
}

// TestAnswerFromElsewhere: a response from another address than its request went to does not
// mean that one direction is missing.
func TestAnswerFromElsewhere(t *testing.T) {
	l := capgen.Ladder{}
	p := l.Packets(twoHosts + "0 A > B INVITE\n+.01 B > A 486\n")
	b := []byte(p[1].Data)
	b[14+15] = 3 // of the source
	p[1].Data = string(b)
	check(t, find(t, "capture-quality", p), "")
	check(t, find(t, "capture-quality", p[1:]), "note 1") // it may have been cut out
	more := append(p[1:2:2], (&capgen.Ladder{}).Packets(twoHosts+"1 A > B INVITE id=x\n+.01 B > A 486\n+.01 A > B INVITE id=y\n+.01 B > A 486\n")...)
	check(t, find(t, "capture-quality", []capgen.Packet{more[0], more[2], more[4]}), "warning 1 2")
}

// TestEncryptedFlow: TLS on a port of SIP, whose handshake fails, is told twice: that it
// cannot be read, and that it fails.
func TestEncryptedFlow(t *testing.T) {
	flow := capgen.NewFlow("10.0.0.1:40000", "10.0.0.2:5061")
	hello := "\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00"
	connection := func(last string) []capgen.Packet {
		client, server := capgen.Stream{Flow: flow, Seq: 100}, capgen.Stream{Flow: flow.Back(), Seq: 500}
		var list []string
		for _, p := range []string{client.SYN(), server.SYN(), client.Send(hello), server.Send(last)} {
			list = append(list, capgen.Ether(p))
		}
		return capgen.Packets(1, list...)
	}
	fatal := connection("\x15\x03\x03\x00\x02\x02\x28")
	check(t, find(t, "capture-quality", fatal), "note 3")
	check(t, find(t, "transport-error", fatal), "error 4")
	check(t, find(t, "transport-error", connection("\x15\x03\x03\x00\x02\x01\x00")), "") // close_notify
	check(t, find(t, "transport-error", connection("\x15\x03\x03\x00\x13"+strings.Repeat("x", 19))), "")
}

// TestLeftOver: octets behind a body are a wrong Content-Length only if nothing of the stream
// is missing there.
func TestLeftOver(t *testing.T) {
	const head = "OPTIONS sip:b@example.com SIP/2.0\r\nVia: SIP/2.0/TCP 10.0.0.1;branch=z9hG4bK%d\r\nMax-Forwards: 70\r\n" +
		"From: <sip:a@example.com>;tag=1\r\nTo: <sip:b@example.com>\r\nCall-ID: %d@example\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"
	one, two := fmt.Sprintf(head, 1, 1), fmt.Sprintf(head, 2, 2)
	for _, test := range []struct {
		name, between string
		lost          bool
		want          string
	}{
		{"nothing", "", false, ""},
		{"line ends", "\r\n\r\n", false, ""},
		{"octets", "left over\r\n", false, "warning 2 4"},
		{"a gap", "left over\r\n", true, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := capgen.Stream{Flow: capgen.NewFlow("10.0.0.1:5060", "10.0.0.2:5060"), Seq: 100}
			list := []string{s.SYN(), s.Send(one)}
			if test.lost {
				s.Send("lost")
			}
			if test.between == "" {
				test.between = "\r\n"
			}
			list = append(list, s.Send(test.between), s.Send(two))
			for i := range list {
				list[i] = capgen.Ether(list[i])
			}
			check(t, find(t, "stream-length", capgen.Packets(1, list...)), test.want)
		})
	}
}

// TestManyAlike: of many refusals from one host one finding is made, and all of its
// addresses-of-record know of it.
func TestManyAlike(t *testing.T) {
	var b strings.Builder
	for i := range 15 {
		fmt.Fprintf(&b, "%d A > B REGISTER id=r%d from=sip:u%d@example.com\n+.01 B > A 404\n", i, i, i)
	}
	l := capgen.Ladder{}
	packets := l.Packets(twoHosts + b.String())
	check(t, find(t, "register-failed", packets), "error 1 2 3 4 5 6")
	r, err := capture.NewReader(context.Background(), bytes.NewReader(capgen.Pcap(packets)), capture.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	c := findings.New()
	res, err := analysis.Run(context.Background(), r, c.Options(analysis.Options{}))
	if err != nil {
		t.Fatal(err)
	}
	c.Finish(res)
	if res.Registrations.Len() != 15 {
		t.Fatalf("%d registrations", res.Registrations.Len())
	}
	for x := range res.Registrations.All() {
		if !slices.Equal(x.Findings, []string{"register-failed"}) {
			t.Errorf("%s has %v", x.AOR, x.Findings)
		}
	}
}

// TestManyICMP: of ICMP errors about media all are counted, and others as far as they are looked at.
func TestManyICMP(t *testing.T) {
	var media, options strings.Builder
	for i := range 100 {
		fmt.Fprintf(&media, "+.01 A:4000 > B:4000 RTP n=1 seq=%d\n+.001 B:4000 > A:4000 ICMP\n", i+1)
		fmt.Fprintf(&options, "+.01 A > B INFO copy\n+.001 B > A ICMP\n")
	}
	const call = "0 A > B INVITE sdp\n+.05 B > A 200 sdp m=4000\n+.05 A > B ACK\n"
	for text, want := range map[string]string{
		call + media.String() + "9 A > B BYE\n+.01 B > A 200\n":      "media to 10.0.0.2:4000 (100 times)",
		call + "1 A > B INFO\n+.001 B > A ICMP\n" + options.String(): "INFO to 10.0.0.2:5060 (at least 64 times)",
	} {
		l := capgen.Ladder{}
		var got []string
		for _, f := range findAll(t, "transport-error", l.Packets(twoHosts+text)) {
			got = append(got, f.Observed)
		}
		if all := strings.Join(got, "; "); !strings.Contains(all, want) {
			t.Errorf("got %q, want %q", all, want)
		}
	}
}

// TestEarlyPhones: a server between that keeps the Call-ID and answers with a tag of its own is no phone of its own.
func TestEarlyPhones(t *testing.T) {
	const call = "P = 10.0.0.9:5060\n0 A > P INVITE sdp\n+.01 P > B INVITE sdp ft=other fwd=no\n+.1 B > P 183 sdp tt=bb\n+.01 P > A 183 sdp tt=pp\n"
	for text, want := range map[string]string{
		call:                                   "a provisional response has a session description",
		call + "+.5 B > P 183 sdp tt=second\n": "a provisional response has a session description; 2 phones do so (forked early media)",
		"0 A > B INVITE sdp\n+.1 B > A 183 sdp\n+1 B > A 183 sdp tt=two\n": "a provisional response has a session description; 2 phones do so (forked early media)",
	} {
		l := capgen.Ladder{}
		list := findAll(t, "early-media", l.Packets(twoHosts+text))
		if len(list) != 1 || list[0].Observed != want {
			t.Errorf("got %v, want %q", list, want)
		}
	}
}

// TestUnseenOnStream: a request over TCP whose answer came to its sender, as the acknowledgement says, and is not in
// the capture, is no fault; where nothing came, it is.
func TestUnseenOnStream(t *testing.T) {
	client, server := capgen.Stream{Flow: capgen.NewFlow("10.0.0.1:40000", "10.0.0.2:5060"), Seq: 100}, capgen.Stream{Flow: capgen.NewFlow("10.0.0.2:5060", "10.0.0.1:40000"), Seq: 500}
	text := func(start, id string) string {
		return start + "\r\nVia: SIP/2.0/TCP 10.0.0.1:40000;branch=z9hG4bK" + id + "\r\nMax-Forwards: 70\r\nFrom: <sip:a@x>;tag=1\r\nTo: <sip:b@x>\r\nCall-ID: " + id + "\r\nCSeq: 1 MESSAGE\r\nContent-Length: 0\r\n\r\n"
	}
	var list []capgen.Packet
	send := func(at float64, packet string) {
		list = append(list, capgen.Packet{Time: capgen.Start.Add(time.Duration(at * float64(time.Second))), Link: 1, Data: capgen.Ether(packet)})
	}
	ack := func(at float64, behind uint32) {
		send(at, client.TCP(client.Seq, server.Seq+behind, capgen.ACK, ""))
	}
	send(0, client.SYN())
	send(.01, server.SYN())
	for i, id := range []string{"m1", "m2", "m3"} {
		at := float64(100 * i)
		send(at+1, client.Send(text("MESSAGE sip:b@x SIP/2.0", id)))
		if id == "m2" {
			continue
		}
		send(at+1.1, server.Send(text("SIP/2.0 200 OK", id)))
		ack(at+1.2, 0)
	}
	check(t, find(t, "request-timeout", list), "error 6")
	at := len(list) - 3
	rest := append([]capgen.Packet(nil), list[at:]...)
	list = list[:at]
	ack(101.2, 300)
	check(t, find(t, "request-timeout", append(list, rest...)), "note 6")
	list = list[:at]
	ack(150, 300) // when the octets came is not to be seen
	check(t, find(t, "request-timeout", append(list, rest...)), "note 6")
}

// TestOpenOnStream: a second INVITE over TCP, ahead of which octets came that are not in the capture: the final response to the first
// may be among them.
func TestOpenOnStream(t *testing.T) {
	l := capgen.Ladder{TCP: true}
	list := l.Packets(twoHosts + "0 A > B INVITE sdp o=1/1\n+.1 B > A 180\n1 B > A 200 of=INVITE sdp unseen\n+.1 A > B ACK unseen\n5 A > B INVITE sdp o=1/2\n+.1 B > A 200 of=INVITE sdp o=2/2\n+.1 A > B ACK\n")
	const tcp = 14 + 20
	second := []byte(list[4].Data)
	ack := string(second[tcp+8 : tcp+12])
	copy(second[tcp+8:tcp+12], list[3].Data[tcp+4:tcp+8]) // nothing had come when it was sent
	seen := append([]capgen.Packet(nil), list...)
	seen[4].Data = string(second)
	check(t, find(t, "overlapping-invite", seen), "warning 3 5 6")
	copy(second[tcp+8:tcp+12], ack)
	check(t, find(t, "overlapping-invite", list), "note 3 5 6")
	check(t, find(t, "offer-without-answer", list), "note 3 5")
}

// TestResetOnStream: a connection is reset behind a BYE whose answer came, as the acknowledgement says, and is not in the capture.
func TestResetOnStream(t *testing.T) {
	l := capgen.Ladder{TCP: true}
	list := l.Packets(twoHosts + "0 A > B INVITE sdp\n+.1 B > A 100\n1 B > A 200 of=INVITE sdp\n+.1 A > B ACK\n5 A > B BYE\n+.1 B > A 200 of=BYE unseen\n+.1 A > B ACKED\n9 A > B RST\n")
	check(t, find(t, "transport-error", list), "error 7 9")
	const tcp = 14 + 20
	answer, acked := list[4].Data, []byte(list[7].Data)
	copy(acked[tcp+8:tcp+12], answer[tcp+4:tcp+8])
	acked[tcp+10] += 8 // behind what the capture has of the answers
	list[7].Data = string(acked)
	check(t, find(t, "transport-error", list), "note 7 9")
}

// TestOverTLS: an agent tells what was sent over TLS, and over WebSockets, and what is a fault elsewhere is none there: Basic, MD5 of a
// public address, and a Contact that nobody can reach.
func TestOverTLS(t *testing.T) {
	l := capgen.Ladder{}
	packets := l.Packets(`A = 45.60.1.1:5060
B = 93.184.216.34:5060
0    A > B REGISTER id=r1
     -Contact
     Contact: <sip:a@df7jal23ls0d.invalid>
+.01 B > A 401
     WWW-Authenticate: Basic realm="example.com"
+.01 A > B REGISTER id=r1
     -Contact
     Contact: <sip:a@df7jal23ls0d.invalid>
     Authorization: Basic YWxpY2U6c2VjcmV0
+.01 B > A 200
5    A > B REGISTER id=r2 from=sip:bob@example.com
     Authorization: Digest username="bob", realm="other.example.com", nonce="n", uri="sip:example.com", response="0123456789abcdef0123456789abcdef"
+.01 B > A 200
`)
	for _, c := range []struct {
		via            string
		proto          byte
		weak, unlikely string
	}{
		{"UDP", 17, "error 2 3; warning 5", "warning 3"},
		{"TLS", 22, "", "warning 3"},
		{"WS ", 50, "error 2 3; warning 5", ""},
		{"WSS", 50, "", ""},
	} {
		list := inHEP(packets, c.proto)
		for i := range list {
			list[i].Data = strings.ReplaceAll(list[i].Data, "SIP/2.0/UDP", "SIP/2.0/"+c.via)
		}
		t.Run(c.via, func(t *testing.T) {
			check(t, find(t, "auth-weak", list), c.weak)
			check(t, find(t, "contact-private", list), c.unlikely)
		})
	}
}

// TestAlikeAreCounted: a finding about several requests outside of calls says in figures how many there are.
func TestAlikeAreCounted(t *testing.T) {
	for n, want := range map[int]int{1: 0, 3: 3} {
		text := twoHosts
		for i := range n {
			text += fmt.Sprintf("+1 A > B OPTIONS new id=o%d\n  -Max-Forwards\n  Max-Forwards: 1\n+.1 B > A 483\n", i)
		}
		var l capgen.Ladder
		list := findAll(t, "max-forwards", l.Packets(text))
		if len(list) != 1 || list[0].Count != want {
			t.Errorf("%d requests: %d findings, the first counts %d", n, len(list), list[0].Count)
		}
	}
}
