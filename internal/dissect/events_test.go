package dissect_test

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sipsight/sipsight/capture"
	"github.com/sipsight/sipsight/internal/capgen"
	"github.com/sipsight/sipsight/internal/dissect"
	"github.com/sipsight/sipsight/layers"
	"github.com/sipsight/sipsight/sipmsg"
)

// watched dissects IP packets and returns what it was told beside the messages.
func watched(t *testing.T, ips ...string) (d *dissect.Dissector, events []string) {
	t.Helper()
	d = dissect.New(1, func(*dissect.Message) error { return nil })
	d.Watch(func(e *dissect.Event) {
		names := [...]string{"ICMP", "reset", "refused", "skipped", "alert", "unseen"}
		s := fmt.Sprintf("%d %s %v > %v", e.Ref.Frame, names[e.Kind], e.Src, e.Dst)
		switch e.Kind {
		case dissect.ICMPError:
			s += fmt.Sprintf(" %d/%d by %v", e.Type, e.Code, e.Reporter)
		case dissect.StreamSkipped:
			s += fmt.Sprintf(" %d behind %d", e.Octets, e.After.Frame)
		case dissect.TLSAlert:
			s += fmt.Sprintf(" %d", e.Code)
		}
		if e.SIP != nil {
			id, _ := e.SIP.First(sipmsg.CallID)
			s += fmt.Sprintf(" %s %s", e.SIP.Method, id)
		}
		if !e.HasTime || !e.Time.Equal(capgen.Start) {
			t.Errorf("%s at %v", s, e.Time)
		}
		events = append(events, s)
	})
	for i, ip := range ips {
		if err := d.Packet(packet(int64(i+1), ip)); err != nil {
			t.Fatal(err)
		}
	}
	if err := d.Finish(); err != nil {
		t.Fatal(err)
	}
	return d, events
}

// TestEvents: what happens to a flow beside its messages is told where it is about SIP.
func TestEvents(t *testing.T) {
	there, here, handshake := connection(flow4)
	web := capgen.NewFlow("192.0.2.1:40001", "192.0.2.2:5061")
	toWeb, fromWeb, opened := connection(web)
	hello := "\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00"
	alert := "\x15\x03\x03\x00\x02\x02\x28"
	dead := capgen.NewFlow("192.0.2.1:40002", "192.0.2.9:5060")
	other := capgen.NewFlow("192.0.2.1:40003", "192.0.2.9:9999")
	invite := request("INVITE", "c1@h", 0)
	again := dead.Back()
	again.ID = 77
	long := request("INVITE", "c2@h", 2000)
	wrong := request("INVITE", "c3@h", 40)
	wrong = strings.Replace(wrong, "Content-Length: 40", "Content-Length: 4", 1) // 36 octets belong to nobody
	for _, c := range []struct {
		name    string
		packets []string
		want    []string
	}{
		{"nothing", []string{flow4.UDP(invite)}, nil},
		{"ICMP with SIP", []string{dead.UDP(invite), dead.Back().ICMPError(dead.UDP(invite))}, []string{"2 ICMP 192.0.2.1:40002 > 192.0.2.9:5060 3/3 by 192.0.2.9 INVITE c1@h"}},
		{"ICMP with SIP that is cut", []string{dead.Back().ICMPError(dead.UDP(long)[:400])}, []string{"1 ICMP 192.0.2.1:40002 > 192.0.2.9:5060 3/3 by 192.0.2.9 INVITE c2@h"}},
		{"ICMP with something else", []string{other.Back().ICMPError(other.UDP("hello"))}, []string{"1 ICMP 192.0.2.1:40003 > 192.0.2.9:9999 3/3 by 192.0.2.9"}},
		{"ICMP that was captured twice, and one with another identification", []string{dead.Back().ICMPError(dead.UDP(invite)), dead.Back().ICMPError(dead.UDP(invite)), again.ICMPError(dead.UDP(invite)), dead.Back().ICMPError(dead.UDP(long))},
			[]string{"1 ICMP 192.0.2.1:40002 > 192.0.2.9:5060 3/3 by 192.0.2.9 INVITE c1@h", "3 ICMP 192.0.2.1:40002 > 192.0.2.9:5060 3/3 by 192.0.2.9 INVITE c1@h", "4 ICMP 192.0.2.1:40002 > 192.0.2.9:5060 3/3 by 192.0.2.9 INVITE c2@h"}},
		{"ICMP with nothing that is known", []string{flow4.IP(1, "\x03\x03\x00\x00\x00\x00\x00\x00"+flow4.IP(89, "hello"))}, nil},
		{"ICMP that quotes nothing", []string{flow4.IP(1, "\x08\x00\x00\x00\x00\x00\x00\x00hello")}, nil},
		{"a SYN that is refused", []string{dead.TCP(1, 0, capgen.SYN, ""), dead.Back().TCP(0, 2, 4|capgen.ACK, "")}, []string{"2 refused 192.0.2.9:5060 > 192.0.2.1:40002"}},
		{"a refusal that was captured twice", []string{dead.TCP(1, 0, capgen.SYN, ""), dead.Back().TCP(0, 2, 4|capgen.ACK, ""), dead.Back().TCP(0, 2, 4|capgen.ACK, "")}, []string{"2 refused 192.0.2.9:5060 > 192.0.2.1:40002"}},
		{"a SYN to another port that is refused", []string{other.TCP(1, 0, capgen.SYN, ""), other.Back().TCP(0, 2, 4|capgen.ACK, "")}, nil},
		{"a reset of a connection", append(slices.Clone(handshake), there.Send(invite), here.TCP(here.Seq, there.Seq, 4, "")), []string{"5 reset 192.0.2.2:5060 > 192.0.2.1:40000"}},
		{"a handshake of TLS that fails", append(slices.Clone(opened), toWeb.Send(hello), fromWeb.Send(alert)), []string{"5 alert 192.0.2.2:5061 > 192.0.2.1:40001 40"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, got := watched(t, c.packets...); !slices.Equal(got, c.want) {
				t.Errorf("%q\nwant %q", got, c.want)
			}
		})
	}
	t.Run("octets between two messages", func(t *testing.T) {
		s, _, opening := connection(flow4)
		packets := append(opening, s.Send(invite), s.Send(wrong), s.Send(request("BYE", "c4@h", 0)))
		if _, got := watched(t, packets...); !slices.Equal(got, []string{"6 skipped 192.0.2.1:40000 > 192.0.2.2:5060 36 behind 5"}) {
			t.Errorf("%q", got)
		}
	})
}

// TestPairs: who sent to whom is remembered, also of packets that hold nothing.
func TestPairs(t *testing.T) {
	a, b, c, x := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2"), netip.MustParseAddr("192.0.2.3"), netip.MustParseAddr("192.0.2.4")
	to := func(src, dst netip.Addr) string {
		return capgen.Flow{Src: netip.AddrPortFrom(src, 1), Dst: netip.AddrPortFrom(dst, 2)}.UDP("SIP/ hello")
	}
	a6, b6, zero := netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("2001:db8::2"), netip.IPv4Unspecified()
	d, _ := watched(t, to(a, b), to(b, a), to(a, c), to(a, c), to(c, c), to(a6, b6), to(zero, zero), to(zero, a))
	for _, p := range []struct {
		src, dst netip.Addr
		saw      bool
	}{{a, b, true}, {b, a, true}, {a, c, true}, {c, a, false}, {c, c, true}, {x, a, false}, {a, x, false},
		{a6, b6, true}, {b6, a6, false}, {a, a6, false}, {zero, zero, true}, {zero, a, true}, {a, zero, false}, {b, zero, false}, {netip.Addr{}, netip.Addr{}, false}} {
		if saw, limited := d.Saw(p.src, p.dst); saw != p.saw || limited {
			t.Errorf("%v > %v: %v", p.src, p.dst, saw)
		}
	}
	for _, p := range []struct {
		addr              netip.Addr
		both, sent, among bool
	}{{a, true, true, true}, {b, true, true, true}, {c, false, true, true}, {x, false, false, false},
		{a6, false, true, false}, {b6, false, false, true}, {zero, false, true, true}} {
		sent, got := d.Sent(p.addr)
		if d.TwoWay(p.addr) != p.both || sent != p.sent || got != p.among {
			t.Errorf("%v: both ways %v, sent %v, got %v", p.addr, d.TwoWay(p.addr), sent, got)
		}
	}
	hep := capgen.HEP{Flow: capgen.Flow{Src: netip.AddrPortFrom(c, 1), Dst: netip.AddrPortFrom(x, 2)}, Proto: 17, Payload: request("OPTIONS", "c1@h", 0)}
	d, _ = watched(t, to(a, b), capgen.Flow{Src: netip.AddrPortFrom(a, 1), Dst: netip.AddrPortFrom(b, 9060)}.UDP(hep.V3()))
	if saw, _ := d.Saw(c, x); !saw {
		t.Error("who sent what an agent captured is not remembered")
	}
	var many []string
	for i := range 1<<16 + 10 {
		many = append(many, to(a, netip.AddrFrom4([4]byte{198, 18, byte(i >> 8), byte(i)})), to(a, netip.AddrFrom4([4]byte{198, 19, byte(i >> 8), byte(i)})))
	}
	d, _ = watched(t, append(many, to(a6, b6))...)
	if saw, limited := d.Saw(a, x); saw || !limited {
		t.Errorf("of more pairs than are remembered: %v, %v", saw, limited)
	}
	if saw, _ := d.Saw(a6, b6); saw {
		t.Error("one more is remembered")
	}
	if saw, _ := d.Saw(a, netip.MustParseAddr("198.18.0.1")); !saw {
		t.Error("the first ones are not remembered")
	}
}

// TestDatagrams: datagrams that hold no SIP are given to who asks for them, by whatever way
// they came, and are counted as what they are.
func TestDatagrams(t *testing.T) {
	rtp := "\x80\x08\x00\x01\x00\x00\x00\xa0\x00\x00\x00\x07speech"
	var got []string
	d := dissect.New(1, func(*dissect.Message) error { return nil })
	d.Datagram = func(x *dissect.Datagram) {
		got = append(got, fmt.Sprintf("%d %v > %v %s %v %v", x.Ref.Frame, x.Src, x.Dst, x.Payload[len(x.Payload)-6:], x.Time.Equal(capgen.Start), x.Proto == layers.UDP))
	}
	odd6 := capgen.NewFlow("[2001:db8::1]:40000", "[2001:db8::2]:7777")
	packets := []string{odd.UDP(rtp), odd6.UDP(rtp), flow4.UDP(request("INVITE", "c1@h", 0))}
	packets = append(packets, capgen.Fragment(odd.UDP(rtp+strings.Repeat("x", 100)+"joined"), 7, 64)...)
	for i, ip := range packets {
		p := packet(int64(i+1), capgen.Ether(ip))
		p.LinkType = 1
		if err := d.Packet(p); err != nil {
			t.Fatal(err)
		}
	}
	want := []string{
		"1 192.0.2.1:40000 > 192.0.2.2:7777 speech true true",
		"2 [2001:db8::1]:40000 > [2001:db8::2]:7777 speech true true",
		fmt.Sprintf("%d 192.0.2.1:40000 > 192.0.2.2:7777 joined true true", len(packets)),
	}
	if !slices.Equal(got, want) {
		t.Errorf("%q\nwant %q", got, want)
	}
	c := d.Counts[0]
	if n := int64(len(packets)); c.Packets != n || c.IPv4 != n-1 || c.IPv6 != 1 || c.SIP != 1 {
		t.Errorf("%+v", c)
	}
}

// TestCounts: what is no message is counted as what it is.
func TestCounts(t *testing.T) {
	d := dissect.New(1, func(*dissect.Message) error { return nil })
	frame := int64(0)
	feed := func(link uint16, data string) {
		frame++
		if err := d.Packet(&capture.Packet{Frame: frame, Time: capgen.Start, HasTime: true, LinkType: link, FCSLen: -1, OrigLen: int64(len(data)), Data: []byte(data)}); err != nil {
			t.Fatal(err)
		}
	}
	const ethernet = "\x02\x00\x00\x00\x00\x02\x02\x00\x00\x00\x00\x01"
	feed(1, ethernet+"\x08\x06"+strings.Repeat("\x00", 28)) // ARP
	feed(1, ethernet+"\x88\xcc"+strings.Repeat("\x00", 28)) // LLDP
	feed(65000, "whatever")
	feed(65000, "whatever")
	feed(1, ethernet[:7])
	feed(101, flow4.IP(17, "cut"))
	feed(101, flow4.IP(89, "hello"))
	feed(248, flow4.SCTP(7, capgen.Data(capgen.DataWhole, 1, request("INVITE", "c1@h", 0)))[20:]) // SCTP without IP
	feed(101, flow4.TCP(1, 0, capgen.SYN, ""))
	feed(101, flow4.IP(1, "\x08\x00\x00\x00\x00\x00\x00\x00hello"))
	feed(1, ethernet+"\x88\xe5\x2c\x00"+strings.Repeat("\x00", 60))     // MACsec
	feed(101, flow4.IP(50, strings.Repeat("\xa5", 40)))                 // ESP
	feed(1, ethernet+strings.Repeat("\x81\x00\x00\x01", 17)+"\x08\x00") // too many tags
	want := dissect.Counts{
		Packets: 13, IPv4: 5, TCP: 1, SCTP: 1, ICMP: 1, OtherIP: 2, NotIP: 4, Malformed: 2, MalformedAt: 5,
		Sealed: 2, SealedAt: 11, Deep: 1, DeepAt: 13, Tunnels: [layers.NumTunnelKinds]int64{layers.VLAN: 1}, SIP: 1, LinkUnknown: map[uint16]int64{65000: 2}}
	if got := d.Counts[0]; fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%+v\nwant %+v", got, want)
	}
}

// TestOddHEP: chunks that lie, versions that are none, and protocols of other agents.
func TestOddHEP(t *testing.T) {
	invite := request("INVITE", "c1@h", 0)
	to := capgen.NewFlow("198.51.100.1:50000", "198.51.100.2:9060")
	h := capgen.HEP{Flow: flow4, Proto: 17, Time: capgen.Start, Payload: invite}
	with := func(proto byte) string {
		x := h
		x.Proto = proto
		return x.V3()
	}
	by := func(proto byte, transport string) string {
		x := h
		x.Proto, x.Payload = proto, strings.Replace(h.Payload, "SIP/2.0/TCP", "SIP/2.0/"+transport, 1)
		return x.V3()
	}
	v2, v1 := h.V2(), h.V1()
	for _, c := range []struct{ name, in, want string }{
		{"TLS", with(22), "INVITE c1@h TLS [1]"},
		{"SCTP", with(132), "INVITE c1@h SCTP [1]"},
		{"WebSocket", with(50), "INVITE c1@h WS [1]"},
		{"TLS of a WebSocket", by(22, "WSS"), "INVITE c1@h WSS [1]"},
		{"the number of TLS, without it", by(22, "ws"), "INVITE c1@h WS [1]"},
		{"WebSocket over TLS", by(50, "WSS"), "INVITE c1@h WSS [1]"},
		{"TCP that says something else", by(6, "WSS"), "INVITE c1@h TCP [1]"},
		{"an unknown protocol", with(200), "INVITE c1@h UDP [1]"},
		{"a chunk of no length", h.V3("\x00\x00\x00\x13\x00\x00"), ""},
		{"a chunk over the end", h.V3("\x00\x00\x00\x13\xff\xff"), ""},
		{"a port of three octets", h.V3(capgen.HEPChunk(7, "abc")), "INVITE c1@h UDP [1]"},
		{"addresses of no length", strings.Replace(h.V3(), capgen.HEPChunk(3, "\xc0\x00\x02\x01"), capgen.HEPChunk(3, ""), 1), ""},
		{"version 2, another family", v2[:2] + "\x07" + v2[3:], ""},
		{"version 2, another length", v2[:1] + "\x11" + v2[2:], ""},
		{"version 2, cut", v2[:25], ""},
		{"version 2, without SIP", capgen.HEP{Flow: flow4, Proto: 17, Time: capgen.Start, Payload: "hello, world"}.V2(), ""},
		{"version 2, a time in the other byte order", v2[:16] + "\x69\xa4\x2c\x40" + "\x00\x00\x00\x07" + v2[24:], "INVITE c1@h UDP [1]"},
		{"version 1, cut", v1[:17], ""},
		{"four octets", "HEP3", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			var want []string
			if c.want != "" {
				want = []string{c.want}
			}
			expect(t, packetsOf(to.UDP(c.in)), want...)
		})
	}
	t.Run("a stream that loses its place", func(t *testing.T) {
		s, _, opening := connection(to)
		packets := append(opening, s.Send(h.V3()), s.Send("no packet of HEP at all"), s.Send(capgen.HEP{Flow: flow4, Proto: 17, Time: capgen.Start, Payload: request("BYE", "c2@h", 0)}.V3()))
		expect(t, packetsOf(packets...), "INVITE c1@h UDP [4]", "BYE c2@h UDP [6]")
	})
}

// TestOddStreams: what a stream may hold beside messages that are whole.
func TestOddStreams(t *testing.T) {
	invite, bye := request("INVITE", "c1@h", 0), request("BYE", "c2@h", 0)
	t.Run("SCTP, a message that the capture cuts", func(t *testing.T) {
		whole := flow4.SCTP(7, capgen.Data(capgen.DataBegin, 1, request("INVITE", "c1@h", 400)))
		packets := packetsOf(whole[:300], flow4.SCTP(7, capgen.Data(capgen.DataWhole, 3, bye)))
		expect(t, packets, "INVITE c1@h SCTP [1] partial packet-cut", "BYE c2@h SCTP [2]")
	})
	t.Run("SCTP without addresses", func(t *testing.T) {
		chunk := capgen.Data(capgen.DataWhole, 1, invite)
		packets := packetsOf(flow4.SCTP(0, chunk), odd.SCTP(0, chunk))
		r := dissected(t, packets)
		if len(r.list) != 2 || !strings.HasPrefix(r.list[0], "INVITE c1@h SCTP [1]") {
			t.Errorf("%q", r.list)
		}
	})
	t.Run("a WebSocket frame over every limit", func(t *testing.T) {
		s, _, opening := connection(odd)
		head := "\x81\xff\x00\x00\x00\x7f\xff\xff\xff\xff\x01\x02\x03\x04"
		ask, _ := capgen.Upgrade(false)
		packets := append(opening, s.Send(ask), s.Send(frame(true, invite)), s.Send(head+strings.Repeat("x", 100)))
		r := dissected(t, packetsOf(packets...))
		if len(r.list) != 1 || !strings.HasPrefix(r.list[0], "INVITE c1@h WS [5]") {
			t.Errorf("%q", r.list)
		}
	})
	t.Run("a message in more segments than are kept apart", func(t *testing.T) {
		s := &capgen.Stream{Flow: flow4}
		packets := append([]string{s.SYN()}, s.SendAll(request("INVITE", "c1@h", 20000), 1)...)
		r := dissected(t, packetsOf(packets...))
		if len(r.list) != 1 || !strings.HasPrefix(r.list[0], "INVITE c1@h TCP") {
			t.Errorf("%.200q", r.list)
		}
	})
	t.Run("without a time", func(t *testing.T) {
		d := dissect.New(1, func(m *dissect.Message) error {
			if m.HasTime {
				t.Errorf("it has one: %v", m.Time)
			}
			return nil
		})
		p := packet(1, flow4.UDP(invite))
		p.HasTime, p.Time = false, time.Time{}
		if err := d.Packet(p); err != nil || d.Counts[0].SIP != 1 {
			t.Errorf("%v, %+v", err, d.Counts[0])
		}
	})
	t.Run("fragments without a time in front of those that have one", func(t *testing.T) {
		var got []string
		d := dissect.New(1, func(m *dissect.Message) error {
			got = append(got, fmt.Sprint(summary(m), " ", m.HasTime))
			return nil
		})
		whole := capgen.Fragment(flow4.UDP(request("INVITE", "c1@h", 300)), 7, 400)
		head := capgen.Fragment(flow4.UDP(request("INVITE", "c2@h", 300)), 8, 400)[0]
		for i, data := range []string{whole[0], head, whole[1]} {
			p := packet(int64(i+1), data)
			if i < 2 {
				p.HasTime, p.Time = false, time.Time{}
			}
			if err := d.Packet(p); err != nil {
				t.Fatal(err)
			}
		}
		if err := d.Finish(); err != nil {
			t.Fatal(err)
		}
		want := []string{"INVITE c1@h UDP [1 3] true", "INVITE c2@h UDP [2] partial frag-incomplete false"}
		if !slices.Equal(got, want) {
			t.Errorf("%q", got)
		}
	})
}

// TestAckedUnseen: what was acknowledged and is not in the capture is told once for each acknowledgement; a FIN is
// nothing that is missing, nor is what came, or is sent again behind its acknowledgement.
func TestAckedUnseen(t *testing.T) {
	invite, long := request("INVITE", "c1@h", 0), request("INVITE", "c2@h", 200)
	open := func() (there, here *capgen.Stream, packets []string) {
		there, here, packets = connection(flow4)
		return there, here, append(packets, there.Send(invite))
	}
	acks := func(s, of *capgen.Stream, n uint32) string { return s.TCP(s.Seq, of.Seq+n, capgen.ACK, "") }
	there, here, packets := open()
	n := len(packets)
	unseen := fmt.Sprintf("unseen %v > %v", flow4.Dst, flow4.Src)
	for _, c := range []struct {
		name string
		more []string
		want []string
	}{
		{"nothing", []string{acks(there, here, 0)}, nil},
		{"the FIN", []string{acks(there, here, 1)}, nil},
		{"all", []string{acks(there, here, 300), acks(there, here, 300), here.TCP(here.Seq, there.Seq, capgen.ACK, "")}, []string{fmt.Sprintf("%d %s", n+1, unseen)}},
		{"two of them", []string{acks(there, here, 300), acks(there, here, 600)}, []string{fmt.Sprintf("%d %s", n+1, unseen), fmt.Sprintf("%d %s", n+2, unseen)}},
		{"what came", []string{here.TCP(here.Seq, there.Seq, capgen.ACK, long), acks(there, here, uint32(len(long)))}, nil},
		{"what came behind it", []string{acks(there, here, 300), here.TCP(here.Seq+300, there.Seq, capgen.ACK, long), acks(there, here, 300+uint32(len(long)))}, []string{fmt.Sprintf("%d %s", n+1, unseen)}},
		{"what came behind it, and more", []string{acks(there, here, 300), here.TCP(here.Seq+300, there.Seq, capgen.ACK, long), acks(there, here, 301+uint32(len(long))+9)},
			[]string{fmt.Sprintf("%d %s", n+1, unseen), fmt.Sprintf("%d %s", n+3, unseen)}},
		{"far away", []string{acks(there, here, 1<<30)}, nil},
		{"what was cut", []string{here.TCP(here.Seq, there.Seq, capgen.ACK, long)[:100], acks(there, here, uint32(len(long)))}, []string{fmt.Sprintf("%d %s", n+1, unseen)}},
		{"what was cut, sent again", []string{here.TCP(here.Seq, there.Seq, capgen.ACK, long), here.TCP(here.Seq, there.Seq, capgen.ACK, long)[:100]}, nil},
		{"the end of a body", []string{here.TCP(here.Seq, there.Seq, capgen.ACK, long)[:len(long)], acks(there, here, uint32(len(long)))}, nil},
		{"a body of two segments", []string{here.TCP(here.Seq, there.Seq, capgen.ACK, long[:len(long)-100])[:len(long)-100], here.TCP(here.Seq+uint32(len(long))-100, there.Seq, capgen.ACK, long[len(long)-100:])[:100], acks(there, here, uint32(len(long)))}, nil},
		{"a body, and what stands behind it", []string{here.TCP(here.Seq, there.Seq, capgen.ACK, long+invite)[:len(long)], acks(there, here, uint32(len(long+invite)))}, []string{fmt.Sprintf("%d %s", n+1, unseen)}},
	} {
		_, got := watched(t, append(slices.Clone(packets), c.more...)...)
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}
