package export_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/internal/capgen"
	"github.com/sipsight/sipsight/internal/export"
)

var (
	there = capgen.NewFlow("10.0.0.1:5060", "10.0.0.2:5060")
	back  = there.Back()
)

// rtp returns a datagram that is RTP as far as anybody can tell.
func rtp(src, dst string, id uint16) string {
	return capgen.Ether(capgen.NewFlow(src, dst).WithID(id).UDP("\x80\x00\x00\x01\x00\x00\x00\xa0\x00\x00\x00\x01" + strings.Repeat("\xff", 160)))
}

const sdp = "v=0\r\no=- 1 1 IN IP4 10.0.0.1\r\ns=-\r\nc=IN IP4 10.0.0.1\r\nt=0 0\r\nm=audio %d RTP/AVP 0\r\n"

// offer returns an INVITE with a session description that announces a port of 10.0.0.1.
func offer(id string, port int) string {
	return offerOf(id, fmt.Sprintf(sdp, port))
}

// offerOf returns an INVITE with a session description.
func offerOf(id, body string) string {
	return strings.Replace(invite(id), "Content-Length: 0\r\n\r\n", fmt.Sprintf("Content-Type: application/sdp\r\nContent-Length: %d\r\n\r\n%s", len(body), body), 1)
}

func udp(f capgen.Flow, payload ...string) (list []string) {
	for i, p := range payload {
		list = append(list, capgen.Ether(f.WithID(uint16(100+i)).UDP(p)))
	}
	return list
}

// TestChosen holds which packets are exported.
func TestChosen(t *testing.T) {
	big := strings.Replace(invite("one"), "Content-Length: 0", "Subject: "+strings.Repeat("x", 400)+"\r\nContent-Length: 0", 1)
	frags := func(ip string, id uint32) (list []string) {
		for _, f := range capgen.Fragment(ip, id, 200) {
			list = append(list, capgen.Ether(f))
		}
		return list
	}
	icmp := func(quoted string) string { return capgen.Ether(back.ICMPError(quoted)) }
	tests := []struct {
		name   string
		list   []capgen.Packet
		choose func(*analysis.Result) export.Choice
		want   []int
	}{
		{"one of two calls", at(0, 1, udp(there, invite("one"), invite("two"))...), number(2), []int{2}},
		{"both", at(0, 1, udp(there, invite("one"), invite("two"))...), number(1, 2), []int{1, 2}},
		{"requests outside of calls are none of them",
			at(0, 1, udp(there, strings.ReplaceAll(invite("reg"), "INVITE", "OPTIONS"), invite("two"))...), all, []int{2}},
		{"requests outside of calls, chosen by their Call-ID",
			at(0, 1, udp(there, strings.ReplaceAll(invite("reg"), "INVITE", "OPTIONS"), invite("two"))...),
			func(*analysis.Result) export.Choice { return export.Choice{CallIDs: []string{"reg"}} }, []int{1}},
		{"packets by their numbers", at(0, 1, udp(there, invite("one"), "x", "y")...),
			func(*analysis.Result) export.Choice {
				return export.Choice{Frames: []analysis.Frame{{Number: 2}, {Number: 0}, {File: 1, Number: 1}}}
			}, []int{2}},
		{"a copy of a message", at(0, 1, slices.Concat(udp(there, invite("one")), udp(there, invite("one")), udp(there, invite("two")))...), number(1), []int{1, 2}},
		{"a Call-ID used twice, the first call",
			inOrder(at(0, 1, udp(there, invite("one"))...), at(.1, 1, udp(back, answer("one", "486 Busy Here"))...), at(100, 1, udp(there, strings.NewReplacer("tag=1", "tag=9", "z9hG4bKone", "z9hG4bKnew").Replace(invite("one")), "x")...)),
			number(1), []int{1, 2}},
		{"a Call-ID used twice, the second call",
			inOrder(at(0, 1, udp(there, invite("one"))...), at(.1, 1, udp(back, answer("one", "486 Busy Here"))...), at(100, 1, udp(there, strings.NewReplacer("tag=1", "tag=9", "z9hG4bKone", "z9hG4bKnew").Replace(invite("one")), "x")...)),
			number(2), []int{3}},

		{"all fragments, in any order, of one datagram",
			at(0, 1, append(func() []string { f := frags(there.UDP(big), 7); slices.Reverse(f); return f }(), udp(there, invite("two"))...)...), number(1), []int{1, 2, 3, 4}},
		{"fragments of others between them",
			at(0, 1, func() (list []string) {
				a, b := frags(there.UDP(big), 7), frags(there.UDP(strings.ReplaceAll(big, "one", "two")), 8)
				for i := range a {
					list = append(list, a[i], b[i])
				}
				return list
			}()...), number(1), []int{1, 3, 5, 7}},
		{"a fragmented packet in fragments of a tunnel",
			at(0, 1, func() (list []string) {
				outer := capgen.NewFlow("198.51.100.1:1", "198.51.100.2:1")
				for i, f := range capgen.Fragment(there.UDP(big), 7, 200) {
					list = append(list, frags(outer.IP(4, f), uint32(20+i))...)
				}
				return append(list, udp(there, invite("two"))...)
			}()...), number(1), []int{1, 2, 3, 4, 5, 6, 7}},
		{"the last fragment is missing", at(0, 1, append(frags(there.UDP(big), 7)[:3], udp(there, invite("two"))...)...), number(2), []int{1, 2, 3}},

		{"media of the call alone", inOrder(
			at(0, 1, udp(there, offer("one", 4000), offer("two", 5000))...),
			at(1, 1, rtp("10.0.0.9:6000", "10.0.0.1:4000", 1), rtp("10.0.0.9:6000", "10.0.0.1:5000", 1), rtp("10.0.0.1:4000", "10.0.0.9:6000", 1)),
			at(1.1, 1, rtp("10.0.0.9:6001", "10.0.0.1:4001", 1), rtp("10.0.0.9:6001", "10.0.0.1:4002", 1), rtp("10.0.0.9:4000", "10.0.0.8:4000", 1)),
			at(2, 1, udp(there, invite("three"))...)), number(1), []int{1, 3, 5, 6}},
		{"media between candidates", inOrder(
			at(0, 1, udp(there, offerOf("one", "v=0\r\no=- 1 1 IN IP4 10.0.0.1\r\ns=-\r\nc=IN IP4 0.0.0.0\r\nt=0 0\r\nm=audio 9 RTP/AVP 0\r\na=ice-ufrag:abcd\r\na=candidate:1 1 udp 1 10.0.0.1 4000 typ host\r\n"))...),
			at(1, 1, rtp("10.0.0.9:6000", "10.0.0.1:4000", 1), rtp("10.0.0.1:4000", "10.0.0.9:6000", 1), rtp("10.0.0.1:4004", "10.0.0.9:6000", 1)),
			at(2, 1, udp(there, invite("three"))...)), number(1), []int{1, 2, 3}},
		{"media at a port that a server has for all calls", new(capgen.Ladder).Packets(`
			A = 10.0.0.1:5060
			B = 10.0.0.2:5060
			C = 10.0.0.3:5060
			0   A > B INVITE id=one sdp m=4000
			0.1 C > B INVITE id=two new sdp m=4000
			1   B > A 200 sdp m=5000
			1.1 B > C 200 sdp m=5000
			1.2 A > B ACK id=one
			1.3 C > B ACK id=two
			2   A:4000 > B:5000 RTP n=4 ssrc=1
			3   C:4000 > B:5000 RTP n=4 ssrc=2
			4   B:5000 > C:4000 RTP n=4 ssrc=3
			5   B:5000 > A:4000 RTP n=1 ssrc=4
		`), number(1), []int{1, 3, 5, 7, 8, 9, 10, 19}},
		{"media at such a port, of a call that was there before and stays behind it", new(capgen.Ladder).Packets(`
			A = 10.0.0.1:5060
			B = 10.0.0.2:5060
			C = 10.0.0.3:5060
			0   C > B INVITE id=two new sdp m=4000
			1   B > C 200 sdp m=5000
			1.1 C > B ACK id=two
			2   C:4000 > B:5000 RTP n=12 ssrc=2 every=3000
			20  A > B INVITE id=one new sdp m=4000
			21  B > A 200 sdp m=5000
			22  A > B BYE id=one
			+.1 B > A 200
		`), number(2), []int{11, 12, 13, 14}},
		{"media at such a port, and at an end that nobody announced", new(capgen.Ladder).Packets(`
			A = 10.0.0.1:5060
			B = 10.0.0.2:5060
			C = 10.0.0.3:5060
			0   A > B INVITE id=one sdp m=4000
			0.1 C > B INVITE id=two new sdp m=4000
			1   B > A 200 sdp m=5000
			1.1 B > C 200 sdp m=5000
			1.2 A > B ACK id=one
			1.3 C > B ACK id=two
			2   A:4444 > B:5000 RTP n=4 ssrc=1
		`), number(1), []int{1, 3, 5, 7, 8, 9, 10}},
		{"media before the call and long after it", inOrder(
			at(0, 1, rtp("10.0.0.9:6000", "10.0.0.1:4000", 1)),
			at(1, 1, udp(there, offer("one", 4000))...),
			at(2, 1, udp(back, answer("one", "486 Busy Here"))...),
			at(6.9, 1, rtp("10.0.0.9:6000", "10.0.0.1:4000", 1), rtp("10.0.0.9:6000", "10.0.0.1:4000", 1), rtp("10.0.0.9:6000", "10.0.0.1:4000", 1)),
			at(7.1, 1, rtp("10.0.0.9:6000", "10.0.0.1:4000", 1)),
			at(90, 1, udp(there, "x")...)), number(1), []int{2, 3, 4, 5, 6}},
		{"media where the clock was set back before the end of the call", slices.Concat(
			at(90, 1, udp(there, offer("one", 4000), invite("two"))...), at(91, 1, rtp("10.0.0.9:6000", "10.0.0.1:4000", 1)),
			at(2, 1, rtp("10.0.0.9:6000", "10.0.0.1:4000", 1)), at(3, 1, udp(back, answer("one", "486 Busy Here"))...), at(90, 1, udp(there, "x")...)),
			number(1), []int{1, 3, 4, 5}},
		{"media of calls at the same port, the second within the first", inOrder(
			at(0, 1, udp(there, offer("one", 4000))...), at(1, 1, udp(there, offer("two", 4000))...), at(1.5, 1, udp(back, answer("two", "486 Busy Here"))...),
			at(20, 1, rtp("10.0.0.9:6000", "10.0.0.1:4000", 1)), at(30, 1, udp(back, answer("one", "486 Busy Here"))...), at(90, 1, udp(there, "x")...)),
			number(1, 2), []int{1, 2, 3, 4, 5}},
		{"media of calls at the same port, the second longer than the first", inOrder(
			at(0, 1, udp(there, offer("one", 4000))...), at(1, 1, udp(there, offer("two", 4000))...), at(1.5, 1, udp(back, answer("one", "486 Busy Here"))...),
			at(20, 1, rtp("10.0.0.9:6000", "10.0.0.1:4000", 1)), at(30, 1, udp(back, answer("two", "486 Busy Here"))...), at(90, 1, udp(there, "x")...)),
			number(1, 2), []int{1, 2, 3, 4, 5}},
		{"media of a call that goes on", inOrder(
			at(0, 1, udp(there, offer("one", 4000))...), at(1, 1, udp(back, answer("one", "200 OK"))...), at(300, 1, rtp("10.0.0.9:6000", "10.0.0.1:4000", 1))),
			number(1), []int{1, 2, 3}},
		{"media of which fragments are missing", at(0, 1, append(udp(there, offer("one", 4000)), frags(capgen.NewFlow("10.0.0.1:4000", "10.0.0.9:6000").UDP("\x80"+strings.Repeat("x", 500)), 9)[:2]...)...), number(1), []int{1, 2, 3}},
		{"no media", inOrder(at(0, 1, udp(there, offer("one", 4000))...), at(1, 1, rtp("10.0.0.9:6000", "10.0.0.1:4000", 1))),
			func(res *analysis.Result) export.Choice {
				return export.Choice{Calls: slices.Collect(res.Calls.All()), NoMedia: true}
			}, []int{1}},
		{"media announced at the port of SIP", at(0, 1, append(udp(there, offer("one", 5060), invite("two")), rtp("10.0.0.1:5060", "10.0.0.2:7000", 1))...), number(1), []int{1, 3}},
		{"media in fragments", at(0, 1, append(udp(there, offer("one", 4000)), frags(capgen.NewFlow("10.0.0.1:4000", "10.0.0.9:6000").UDP("\x80"+strings.Repeat("x", 500)), 9)...)...), number(1), []int{1, 2, 3, 4}},

		{"ICMP errors by the Call-ID they quote", at(0, 1, append(udp(there, invite("one"), invite("two")),
			icmp(there.WithID(100).UDP(invite("one"))), icmp(there.WithID(101).UDP(invite("two"))))...), number(2), []int{2, 4}},
		{"ICMP errors that quote what was not captured", at(0, 1, append(udp(there, invite("one"), invite("two")),
			icmp(there.WithID(999).UDP(invite("one"))), icmp(there.WithID(999).UDP(invite("two"))))...), number(2), []int{2, 4}},
		{"ICMP errors that quote the ports alone", at(0, 1, append(udp(there, invite("one"), invite("two")),
			icmp(there.WithID(100).UDP(invite("one"))[:28]), icmp(there.WithID(101).UDP(invite("two"))[:28]))...), number(1), []int{1, 3}},
		{"ICMP errors that quote a fragment", at(0, 1, append(frags(there.UDP(big), 100), icmp(frags(there.UDP(big), 100)[0][14:42]), icmp(frags(there.UDP(big), 101)[0][14:42]))...), number(1), []int{1, 2, 3, 4, 5}},
		{"ICMP errors that quote media", at(0, 1, append(udp(there, offer("one", 4000)), rtp("10.0.0.2:6000", "10.0.0.1:4000", 5),
			capgen.Ether(there.ICMPError(ipOf(rtp("10.0.0.2:6000", "10.0.0.1:4000", 5))[:28])), capgen.Ether(there.ICMPError(ipOf(rtp("10.0.0.2:6000", "10.0.0.1:4000", 6))[:28])))...), number(1), []int{1, 2, 3}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			in := packets(t, tt.list)
			if got := numbers(in, in.export(export.Options{}, tt.choose)); !slices.Equal(got, tt.want) {
				t.Errorf("packets %v are exported, want %v", got, tt.want)
			}
		})
	}
}

// TestConnections holds which packets of TCP connections are exported.
func TestConnections(t *testing.T) {
	tcp := func(f capgen.Flow) (s capgen.Stream) { return capgen.Stream{Flow: f, Seq: 1000} }
	over := func(m string) string { return strings.ReplaceAll(m, "/UDP", "/TCP") }
	ether := func(ips ...string) (list []string) {
		for _, ip := range ips {
			list = append(list, capgen.Ether(ip))
		}
		return list
	}
	open := func(a, b *capgen.Stream) []string {
		syn := a.SYN()
		b.Ack = a.Seq
		synAck := b.TCP(b.Seq, b.Ack, capgen.SYN|capgen.ACK, "")
		b.Seq++
		a.Ack = b.Seq
		return ether(syn, synAck, a.TCP(a.Seq, a.Ack, capgen.ACK, ""))
	}
	send := func(a, b *capgen.Stream, m string) []string { // and the acknowledgment
		p := a.Send(m)
		b.Ack = a.Seq
		return ether(p, b.TCP(b.Seq, b.Ack, capgen.ACK, ""))
	}
	end := func(a, b *capgen.Stream) []string {
		p := a.FIN()
		b.Ack = a.Seq
		return ether(p, b.TCP(b.Seq, b.Ack, capgen.ACK, ""))
	}
	shared := func() []string {
		a, b := tcp(there), tcp(back)
		return slices.Concat(open(&a, &b), // 1 2 3
			send(&a, &b, over(invite("one"))),                // 4 5
			send(&a, &b, over(invite("two"))),                // 6 7
			send(&b, &a, over(answer("two", "180 Ringing"))), // 8 9
			send(&b, &a, over(answer("one", "180 Ringing"))), // 10 11
			send(&a, &b, "\r\n\r\n"),                         // 12 13
			end(&a, &b))                                      // 14 15
	}
	again := func() []string { // the same ends, twice
		a, b := tcp(there), tcp(back)
		c, d := tcp(there), tcp(back)
		c.Seq = 500000
		return slices.Concat(open(&a, &b), send(&a, &b, over(invite("one"))), end(&a, &b), // 1 to 7
			open(&c, &d), send(&c, &d, over(invite("two"))), end(&c, &d)) // 8 to 14
	}
	resent := func() []string {
		a, b := tcp(there), tcp(back)
		list := slices.Concat(open(&a, &b), send(&a, &b, over(invite("one"))), send(&a, &b, over(invite("two"))))
		return append(list, list[3], list[5]) // 8: one again, 9: two again
	}
	split := func() []string {
		a, b := tcp(there), tcp(back)
		list := open(&a, &b)
		list = append(list, ether(a.SendAll(over(invite("one")), 100)...)...) // 4 5
		b.Ack = a.Seq
		list = append(list, capgen.Ether(b.TCP(b.Seq, b.Ack, capgen.ACK, "")), capgen.Ether(b.TCP(b.Seq, b.Ack, capgen.ACK, ""))) // 6 7
		return slices.Concat(list, send(&a, &b, over(invite("two"))), ether(a.TCP(a.Seq, a.Ack, capgen.RST, "")))
	}
	midstream := func() []string {
		a, b := tcp(there), tcp(back)
		return slices.Concat(send(&a, &b, over(invite("one"))), send(&a, &b, over(invite("two"))))
	}
	tests := []struct {
		name   string
		list   []string
		choose func(*analysis.Result) export.Choice
		want   []int
	}{
		{"of its own, whole", shared(), all, []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}},
		{"shared, the first call", shared(), number(1), []int{1, 2, 3, 4, 5, 10, 11, 14, 15}},
		{"shared, the second call", shared(), number(2), []int{1, 2, 3, 6, 7, 8, 9, 14, 15}},
		{"the ends used again, the first call", again(), number(1), []int{1, 2, 3, 4, 5, 6, 7}},
		{"the ends used again, the second call", again(), number(2), []int{8, 9, 10, 11, 12, 13, 14}},
		{"sent again", resent(), number(1), []int{1, 2, 3, 4, 5, 8}},
		{"in segments, one acknowledgment, reset", split(), number(1), []int{1, 2, 3, 4, 5, 6, 10}},
		{"from the middle on", midstream(), number(2), []int{3, 4}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			in := packets(t, at(0, 1, tt.list...))
			if got := numbers(in, in.export(export.Options{}, tt.choose)); !slices.Equal(got, tt.want) {
				t.Errorf("packets %v are exported, want %v", got, tt.want)
			}
		})
	}
}

// TestWebSocket holds that a connection that cannot be read from the middle on is exported
// whole: its frames are compressed with what came before.
func TestWebSocket(t *testing.T) {
	a, b := capgen.Stream{Flow: capgen.NewFlow("10.0.0.1:40000", "10.0.0.2:80"), Seq: 1000}, capgen.Stream{Flow: capgen.NewFlow("10.0.0.2:80", "10.0.0.1:40000"), Seq: 9000}
	request, reply := capgen.Upgrade(true)
	var d capgen.Deflater
	list := []string{a.SYN()}
	b.SYN()
	list = append(list, a.Send(request), b.Send(reply))
	for _, id := range []string{"one", "two", "three"} {
		list = append(list, a.Send(capgen.WSFrame{Opcode: capgen.WSText, Deflated: true, Masked: true, Payload: d.Next(invite(id))}.String()))
	}
	for i := range list {
		list[i] = capgen.Ether(list[i])
	}
	in := packets(t, at(0, 1, list...))
	if n := in.analyze().Calls.Len(); n != 3 {
		t.Fatalf("%d calls", n)
	}
	if got := numbers(in, in.export(export.Options{}, number(3))); len(got) != len(list) {
		t.Errorf("packets %v are exported of %d", got, len(list))
	}
}

// TestHEPStream holds that the connection of an agent is exported with its opening, though
// the messages name other addresses.
func TestHEPStream(t *testing.T) {
	a := capgen.Stream{Flow: capgen.NewFlow("192.0.2.1:40000", "192.0.2.2:9060"), Seq: 1000}
	hep := func(id string) string { return capgen.HEP{Flow: there, Proto: 17, Payload: invite(id)}.V3() }
	in := packets(t, at(0, 1, capgen.Ether(a.SYN()), capgen.Ether(a.Send(hep("one"))), capgen.Ether(a.Send(hep("two")))))
	if got := numbers(in, in.export(export.Options{}, number(2))); !slices.Equal(got, []int{1, 3}) {
		t.Errorf("packets %v are exported", got)
	}
}

// TestSCTP holds that an association of chosen calls alone is exported whole, and of another
// one the packets with messages of them.
func TestSCTP(t *testing.T) {
	list := []string{
		capgen.Ether(there.SCTP(7, "\x0b\x00\x00\x04")), // COOKIE-ACK
		capgen.Ether(there.SCTP(7, capgen.Data(capgen.DataWhole, 1, invite("one")))),
		capgen.Ether(there.SCTP(7, capgen.Data(capgen.DataWhole, 2, invite("two")))),
	}
	in := packets(t, at(0, 1, list...))
	if got := numbers(in, in.export(export.Options{}, all)); !slices.Equal(got, []int{1, 2, 3}) {
		t.Errorf("packets %v of the whole association are exported", got)
	}
	if got := numbers(in, in.export(export.Options{}, number(2))); !slices.Equal(got, []int{3}) {
		t.Errorf("packets %v of the shared association are exported", got)
	}
}

// TestCounts holds what a Plan says of itself.
func TestCounts(t *testing.T) {
	l := capgen.Ladder{}
	_, p := packets(t, l.Packets(call)).plan(all)
	if p.Messages != 13 || p.Packets != 23 || p.Media != 10 {
		t.Errorf("%d messages, %d packets, %d of media", p.Messages, p.Packets, p.Media)
	}

	// A datagram that was captured twice is one message in two packets.
	twice := at(0, 1, capgen.Ether(there.UDP(invite("one"))), capgen.Ether(there.UDP(invite("one"))))
	if _, p := packets(t, twice).plan(all); p.Messages != 1 || p.Packets != 2 {
		t.Errorf("%d messages, %d packets of a copy", p.Messages, p.Packets)
	}
}

// TestSharedSegments holds that a call on a connection with many others is found again, each
// message as it was.
func TestSharedSegments(t *testing.T) {
	l := capgen.Ladder{TCP: true}
	l.Repeat(6, .5)
	in := packets(t, l.Packets(call))
	res := in.analyze()
	for i := range res.Calls.Len() {
		c := res.Calls.At(i)
		got := in.export(export.Options{}, number(i+1)).analyze()
		if got.Calls.Len() != 1 {
			t.Fatalf("%d calls instead of one", got.Calls.Len())
		}
		a, b := steps(got.Calls.At(0)), steps(c)
		if !slices.Equal(a, b) {
			t.Errorf("messages of call %d:\n%s\nwant\n%s", i+1, strings.Join(a, "\n"), strings.Join(b, "\n"))
		}
	}
}

// steps tells the messages of a call, in the order of time.
func steps(c *analysis.Call) (list []string) {
	for _, l := range c.Legs {
		for _, s := range l.Steps {
			list = append(list, fmt.Sprint(s.Time.UnixNano(), s.From, s.To, s.Method, s.Status, s.CSeq, s.Partial))
		}
	}
	slices.Sort(list)
	return list
}
