package dissect_test

import (
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sipsight/sipsight/internal/capgen"
	"github.com/sipsight/sipsight/internal/dissect"
)

// TestPorts: SIP is known by its text, on whatever port.
func TestPorts(t *testing.T) {
	invite := request("INVITE", "c1@h", 30)
	ports := []string{"53", "67", "69", "123", "137", "161", "443", "500", "514", "1701", "1812", "1900", "2152", "3478", "3544", "4341", "4500", "4754", "4789", "4790",
		"5004", "5060", "5061", "5247", "5353", "5355", "5555", "6080", "6081", "6635", "8472", "9060", "9063", "9899", "37008", "65535"}
	for x11 := 6000; x11 <= 6063; x11++ {
		ports = append(ports, itoa(x11))
	}
	for _, port := range ports {
		for _, f := range []capgen.Flow{capgen.NewFlow("192.0.2.1:40000", "192.0.2.2:"+port), capgen.NewFlow("192.0.2.1:"+port, "192.0.2.2:40000")} {
			expect(t, packetsOf(f.UDP(invite)), "INVITE c1@h UDP [1]")
			expect(t, packetsOf(f.TCP(1, 1, capgen.ACK, invite)), "INVITE c1@h TCP [1]")
		}
	}
}

// lookAlikes are what is no SIP, some of it close to it.
var lookAlikes = []string{
	"OPTIONS rtsp://h/stream RTSP/1.0\r\nCSeq: 1\r\n\r\n",
	"RTSP/1.0 200 OK\r\nCSeq: 1\r\nPublic: DESCRIBE\r\n\r\n",
	"OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n",
	"GET /sip:bob HTTP/1.1\r\nHost: h\r\n\r\n",
	"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
	"M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nMAN: \"ssdp:discover\"\r\n\r\n",
	"NOTIFY * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nNT: upnp:rootdevice\r\n\r\n",
	"ICY 200 OK\r\nicy-name: radio\r\n\r\n",
	"MSRP d93kswow SEND\r\nTo-Path: msrp://b.example.com:9000/9di4ea;tcp\r\n\r\n",
	"<34>Oct 11 22:14:15 host su: INVITE sip:b@h SIP/2.0",
	"INFO server started",
	"INFO server started on port 5060\r\n",
	"REGISTER done sip\r\n",
	"INVITE",
	"INVITE sip:b@h",
	"BYE\r\n\r\n",
	"ACK \r\n",
	"SIP",
	"SIP/2.0",
	"SIP/2.0 x00 OK\r\n",
	"SIPFOO/2.0 200 OK\r\n",
	"RTP/AVP 0 8\r\n",
	"\x80\x00\x12\x34INVITE sip:b@h SIP/2.0\r\n",
	"{\"method\":\"INVITE\",\"uri\":\"sip:b@h SIP/2.0\"}",
	"v=0\r\no=- 1 1 IN IP4 h\r\ns=SIP/2.0\r\n",
	"\x00\x01\x00\x00INVITE sip:b@h SIP/2.0\r\n",
	"USER anonymous\r\n", "EHLO example.com\r\n", "220 mail SIP/2.0 ready\r\n", "SSH-2.0-x\r\n", "NOTIFY-HOST\r\n",
}

// TestLookAlikes: none of them is SIP, over UDP and over TCP.
func TestLookAlikes(t *testing.T) {
	for _, s := range lookAlikes {
		for _, f := range []capgen.Flow{flow4, odd, flow6} {
			expect(t, packetsOf(f.UDP(s)))
			there, here, packets := connection(f)
			expect(t, packetsOf(append(packets, there.Send(s), here.Send(s))...))
		}
	}
	r := rand.New(rand.NewPCG(9, 10))
	for range 2000 {
		b := make([]byte, 12+r.IntN(1400))
		for i := range b {
			b[i] = byte(r.Uint32())
		}
		b[0] = 0x80 // RTP
		expect(t, packetsOf(odd.UDP(string(b)), flow4.UDP(string(b[1:])), flow4.TCP(r.Uint32(), 1, capgen.ACK, string(b[1:]))))
	}
}

// TestKeepalives: line ends and NULs alone are counted, and are no messages.
func TestKeepalives(t *testing.T) {
	d := expect(t, packetsOf(flow4.UDP("\r\n\r\n"), flow4.UDP("\x00"), flow4.UDP("\x00\x00\x00\x00"), flow4.UDP(""), flow4.UDP(strings.Repeat("\x00", 17)), flow4.UDP("jaK\x00")))
	if d.Counts[0].Keepalives != 3 {
		t.Errorf("%d keepalives", d.Counts[0].Keepalives)
	}
	expect(t, packetsOf(flow4.UDP("\r\n\r\n"+request("INVITE", "c1@h", 0))), "INVITE c1@h UDP [1] crlf-keepalive")
}

// TestQuoted: a packet that an ICMP error quotes is no message.
func TestQuoted(t *testing.T) {
	for _, f := range []capgen.Flow{flow4, flow6} {
		ip := f.UDP(request("INVITE", "c1@h", 30))
		d := expect(t, packetsOf(ip, f.Back().ICMPError(ip), f.Back().ICMPError(ip[:100]), f.Back().ICMPError(f.UDP("other"))), "INVITE c1@h UDP [1]")
		if d.Counts[0].Quoted != 2 || d.Counts[0].ICMP != 3 {
			t.Errorf("%+v", d.Counts[0])
		}
	}
}

// TestEncrypted: flows on the ports of SIP that look like TLS, DTLS or QUIC are counted,
// each once, and are no messages.
func TestEncrypted(t *testing.T) {
	sips := capgen.NewFlow("192.0.2.1:40000", "192.0.2.2:5061")
	hello := "\x16\x03\x01\x00\x50\x01\x00\x00\x4c\x03\x03" + strings.Repeat("\x11", 64)
	alpn := "\x16\x03\x01\x00\x20\x01\x00\x00\x1c\x03\x03" + "\x00\x10\x00\x08\x00\x06\x05sip/2"
	dtls := "\x16\xfe\xfd\x00\x00\x00\x00\x00\x00\x00\x00\x00\x20\x01" + strings.Repeat("\x11", 31)
	quic := "\xc3\x00\x00\x00\x01\x08" + strings.Repeat("\x22", 40)
	tls := func(f capgen.Flow, data string) []string {
		there, here, packets := connection(f)
		return append(packets, there.Send(data), here.Send(data), there.Send(data))
	}
	cutTLS := func(f capgen.Flow, data string, size int) []string {
		there, here, packets := connection(f)
		return append(append(packets, there.SendAll(data, size)...), here.Send(hello))
	}
	long := "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + strings.Repeat("\x00", 512-6-len(alpn[11:]))
	named := func(name string) string {
		n := byte(len(name))
		return "\x16\x03\x01\x00" + string([]byte{15 + n}) + "\x01\x00\x00" + string([]byte{11 + n}) + "\x03\x03" +
			string([]byte{0, 0, 0, n + 5, 0, n + 3, 0, 0, n}) + name
	}
	for _, c := range []struct {
		name string
		in   []string
		want int64
	}{
		{"TLS", tls(sips, hello), 1},
		{"TLS on 5060", tls(flow4, hello), 1},
		{"TLS data from the middle", []string{sips.TCP(9, 1, capgen.ACK, "\x17\x03\x03\x00\x05hello")}, 1},
		{"TLS on another port", tls(odd, hello), 0},
		{"TLS on another port that names SIP", tls(odd, alpn), 1},
		{"TLS on another port that names SIP, in two segments", cutTLS(odd, long+alpn[11:], 300), 1},
		{"TLS on another port that names SIP, octet by octet", cutTLS(odd, alpn[:4]+string([]byte{byte(len(alpn) - 5)})+alpn[5:], 1), 1},
		{"TLS to a server of SIP", tls(odd, named("sip2.example.org")), 1},
		{"TLS to a server of SIP over TLS", tls(odd, named("sips.example.org")), 1},
		{"TLS to another server", tls(odd, named("siphon.example.org")), 0},
		{"TLS to a server with SIP in its domain", tls(odd, named("www.sip.example.org")), 0},
		{"data of TLS that hold a name", tls(odd, "\x17"+named("sip.example.org")[1:]), 0},
		{"TLS from the middle of a record", []string{sips.TCP(9, 1, capgen.ACK, strings.Repeat("\x99", 50)), sips.TCP(59, 1, capgen.ACK, "\x17\x03\x03\x00\x05hello")}, 1},
		{"TLS over SCTP", []string{sips.SCTP(7, capgen.Data(capgen.DataWhole, 1, hello), capgen.Data(capgen.DataWhole, 2, hello)), sips.Back().SCTP(8, capgen.Data(capgen.DataWhole, 1, hello))}, 1},
		{"TLS over SCTP on another port", []string{odd.SCTP(7, capgen.Data(capgen.DataWhole, 1, hello))}, 0},
		{"DTLS", []string{sips.UDP(dtls), sips.Back().UDP(dtls), sips.UDP(dtls)}, 1},
		{"two flows of DTLS", []string{sips.UDP(dtls), capgen.NewFlow("192.0.2.9:40000", "192.0.2.2:5061").UDP(dtls)}, 2},
		{"DTLS on another port", []string{odd.UDP(dtls)}, 0},
		{"QUIC", []string{sips.UDP(quic), sips.UDP(quic)}, 1},
		{"RTP on a port of SIP", []string{sips.UDP("\x80\x00\x00\x01" + strings.Repeat("\x00", 40))}, 0},
		{"a record cut short", []string{sips.UDP(dtls[:12])}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			var ether []string
			for _, ip := range c.in {
				ether = append(ether, capgen.Ether(ip))
			}
			for _, in := range [][]capgen.Packet{packetsOf(c.in...), capgen.Packets(1, ether...)} {
				if d := expect(t, in); d.Counts[0].Encrypted != c.want {
					t.Errorf("%d flows, want %d", d.Counts[0].Encrypted, c.want)
				}
			}
		})
	}
}

// TestEncryptedLimit: more flows than are counted are said to be more.
func TestEncryptedLimit(t *testing.T) {
	d := dissect.New(1, func(*dissect.Message) error { return nil })
	dtls := "\x16\xfe\xfd\x00\x00\x00\x00\x00\x00\x00\x00\x00\x20\x01" + strings.Repeat("\x11", 31)
	const most = 1 << 16
	f := capgen.NewFlow("192.0.2.1:40000", "192.0.2.2:5061")
	for i := range most + 3 {
		f.Src = netip.AddrPortFrom(netip.AddrFrom4([4]byte{198, byte(i >> 16), byte(i >> 8), byte(i)}), 40000)
		if err := d.Packet(packet(int64(i+1), f.UDP(dtls))); err != nil {
			t.Fatal(err)
		}
	}
	if d.Counts[0].Encrypted != most || d.Uncounted != 3 {
		t.Errorf("%d flows, %d packets of others", d.Counts[0].Encrypted, d.Uncounted)
	}
}

// TestEncryptedAnswered: a hello of TLS to a server that does not speak it, and answers in SIP, makes no encrypted flow.
func TestEncryptedAnswered(t *testing.T) {
	for _, port := range []string{"5060", "5061"} {
		there, here, packets := connection(capgen.NewFlow("192.0.2.1:40000", "192.0.2.2:"+port))
		packets = append(packets, there.Send("\x16\x03\x01\x00\x05hello"), here.Send(response("c1@h")))
		if d := expect(t, packetsOf(packets...), "200 c1@h TCP [5]"); d.Counts[0].Encrypted != 0 {
			t.Errorf("%d encrypted flows", d.Counts[0].Encrypted)
		}
	}
}

// TestCopies tells what a mirror captured twice from what was sent twice, and from what a
// proxy sent on.
func TestCopies(t *testing.T) {
	invite := request("INVITE", "c1@h", 30)
	one := flow4.WithID(7).UDP(invite)
	after := func(ms int, ips ...string) []capgen.Packet {
		return at(time.Duration(ms)*time.Millisecond, packetsOf(ips...))
	}
	join := func(lists ...[]capgen.Packet) (all []capgen.Packet) {
		for _, l := range lists {
			all = append(all, l...)
		}
		return all
	}
	vlan := func(ip string) []capgen.Packet { return capgen.Packets(1, capgen.Ether(ip, 5)) }
	vxlan := capgen.NewFlow("198.51.100.1:9", "198.51.100.2:4789").UDP("\x08\x00\x00\x00\x00\x00\x2a\x00" + capgen.Ether(one))
	ttl := one[:8] + "\x3f" + one[9:]
	zero := flow4.WithID(0).UDP(invite)
	long, six := request("INVITE", "c1@h", 300), flow6.UDP(request("INVITE", "c1@h", 300))
	zeroLong := flow4.WithID(0).UDP(long)
	other := flow4.WithID(0).UDP(strings.Replace(long, "z9hG4bKc1", "z9hG4bKc2", 1))
	far := strings.Replace(long, "sip:", "sip:"+strings.Repeat("b", 256), 1) // the branch stands behind all that is looked at
	farOther := strings.Replace(far, "z9hG4bKc1", "z9hG4bKc2", 1)
	const first, cut = "INVITE c1@h UDP [1]", " partial packet-cut"
	const second = "INVITE c1@h UDP [2] partial copy of 1 packet-cut"
	for _, c := range []struct {
		name string
		in   []capgen.Packet
		want []string
	}{
		{"a mirror", join(after(0, one), after(0, one)), []string{first, "INVITE c1@h UDP [2] copy of 1"}},
		{"a mirror that sees it three times", join(after(0, one), after(1, one), after(2, one)), []string{first, "INVITE c1@h UDP [2] copy of 1", "INVITE c1@h UDP [3] copy of 1"}},
		{"both sides of a router", join(after(0, one), after(1, ttl)), []string{first, "INVITE c1@h UDP [2] copy of 1"}},
		{"with and without a tag", join(after(0, one), vlan(one)), []string{first, "INVITE c1@h UDP [2] copy of 1"}},
		{"inside and outside of a tunnel", join(after(0, one), after(1, vxlan)), []string{first, "INVITE c1@h UDP [2] copy of 1"}},
		{"fragments, captured twice", join(after(0, capgen.Fragment(one, 7, 80)...), after(9, capgen.Fragment(one, 7, 80)...)),
			[]string{"INVITE c1@h UDP [1 2 3]", "INVITE c1@h UDP [4 5 6] copy of 1"}},
		{"49 ms later", join(after(0, one), after(49, one)), []string{first, "INVITE c1@h UDP [2] copy of 1"}},
		{"51 ms later", join(after(0, one), after(51, one)), []string{first, "INVITE c1@h UDP [2]"}},
		{"a retransmission", join(after(0, one), after(500, flow4.WithID(8).UDP(invite))), []string{first, "INVITE c1@h UDP [2]"}},
		{"a retransmission at once", join(after(0, one), after(1, flow4.WithID(8).UDP(invite))), []string{first, "INVITE c1@h UDP [2]"}},
		{"retransmissions at once, and their mirror", join(after(0, one), after(10, flow4.WithID(8).UDP(invite)), after(20, one), after(21, flow4.WithID(8).UDP(invite))),
			[]string{first, "INVITE c1@h UDP [2]", "INVITE c1@h UDP [3] copy of 1", "INVITE c1@h UDP [4] copy of 2"}},
		{"a proxy", join(after(0, one), after(1, capgen.NewFlow("192.0.2.2:5060", "192.0.2.3:5060").WithID(7).UDP(invite))), []string{first, "INVITE c1@h UDP [2]"}},
		{"another port", join(after(0, one), after(1, capgen.NewFlow("192.0.2.1:40001", "192.0.2.2:5060").WithID(7).UDP(invite))), []string{first, "INVITE c1@h UDP [2]"}},
		{"another octet", join(after(0, one), after(1, flow4.WithID(7).UDP(request("INVITE", "c1@h", 29)))), []string{first, "INVITE c1@h UDP [2]"}},
		{"a mirror that cuts", join(after(0, one[:200]), after(0, one[:200])), []string{first + cut, "INVITE c1@h UDP [2] partial copy of 1 packet-cut"}},
		{"a mirror that cuts, inside and outside of a tunnel", join(after(0, one[:200]), after(0, vxlan[:200])), []string{first + cut, "INVITE  UDP [2] partial copy of 1 packet-cut"}},
		{"a mirror that cuts, and another message", join(after(0, one[:200]), after(1, flow4.WithID(7).UDP(request("INVITE", "c1@h", 29))[:200])), []string{first + cut, "INVITE c1@h UDP [2]" + cut}},
		{"a mirror that cuts, and a retransmission", join(after(0, one[:200]), after(1, flow4.WithID(8).UDP(invite)[:200])), []string{first + cut, "INVITE c1@h UDP [2]" + cut}},
		{"without identification, cut at the same place", join(after(0, zero[:200]), after(1, zero[:200])), []string{first + cut, "INVITE c1@h UDP [2] partial copy of 1 packet-cut"}},
		{"without identification, cut elsewhere", join(after(0, zero[:200]), after(1, zero[:201])), []string{first + cut, "INVITE c1@h UDP [2]" + cut}},
		{"a mirror that cuts, and the whole behind it", join(after(0, one[:200]), after(0, one)), []string{first + cut, "INVITE c1@h UDP [2]"}},
		{"the whole, and in a tunnel what was cut", join(after(0, one), after(0, vxlan[:200])), []string{first, "INVITE  UDP [2] partial copy of 1 packet-cut"}},
		{"the whole, its retransmission, and what was cut of that", join(after(0, one), after(500, one), after(501, one[:200])), []string{first, "INVITE c1@h UDP [2]", "INVITE c1@h UDP [3] partial copy of 2 packet-cut"}},
		{"the whole, and of a retransmission what was cut", join(after(0, one), after(1, flow4.WithID(8).UDP(invite)[:200])), []string{first, "INVITE c1@h UDP [2]" + cut}},
		{"the whole, and of another message what was cut", join(after(0, one), after(1, flow4.WithID(7).UDP(request("INVITE", "c1@h", 29))[:200])), []string{first, "INVITE c1@h UDP [2]" + cut}},
		{"the whole, and 51 ms later what was cut", join(after(0, one), after(51, one[:200])), []string{first, "INVITE c1@h UDP [2]" + cut}},
		{"without identification, the whole and what was cut", join(after(0, zeroLong), after(1, zeroLong[:400])), []string{first, second}},
		{"without identification, cut in two places", join(after(0, zeroLong[:420]), after(1, zeroLong[:400])), []string{first + cut, second}},
		{"without identification, another branch", join(after(0, zeroLong), after(1, other[:400])), []string{first, "INVITE c1@h UDP [2]" + cut}},
		{"without identification, cut, another branch far behind", join(after(0, flow4.WithID(0).UDP(far)[:600]), after(1, flow4.WithID(0).UDP(farOther)[:600])), []string{first + cut, "INVITE c1@h UDP [2]" + cut}},
		{"without identification, cut, the same branch far behind", join(after(0, flow4.WithID(0).UDP(far)[:600]), after(1, flow4.WithID(0).UDP(far)[:600])), []string{first + cut, second}},
		{"without identification, the whole and too little", join(after(0, zeroLong), after(1, zeroLong[:200])), []string{first, "INVITE c1@h UDP [2]" + cut}},
		{"IPv6, the whole and what was cut", join(after(0, six), after(1, six[:400])), []string{first, second}},
		{"too little is left", join(after(0, one[:80]), after(1, one[:80])), []string{"INVITE  UDP [1]" + cut, "INVITE  UDP [2]" + cut}},
		{"the same request twice over TCP", after(0, flow4.TCP(1, 1, capgen.ACK, invite+invite)), []string{"INVITE c1@h TCP [1]", "INVITE c1@h TCP [1]"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := dissected(t, c.in)
			for i, s := range r.list { // copies of fragments name the last of them
				r.list[i] = strings.Replace(s, "copy of 3", "copy of 1", 1)
			}
			if strings.Join(r.list, "\n") != strings.Join(c.want, "\n") {
				t.Errorf("got %q, want %q", r.list, c.want)
			}
			copies := int64(strings.Count(strings.Join(c.want, " "), "copy"))
			if n := &r.d.Counts[0]; n.SIP != int64(len(c.want))-copies || n.Copies != copies {
				t.Errorf("%d messages and %d copies", n.SIP, n.Copies)
			}
		})
	}
}

// TestFragmentsOfMessages: a datagram in fragments is one message; a part is marked.
func TestFragmentsOfMessages(t *testing.T) {
	for _, f := range []capgen.Flow{flow4, flow6} {
		parts := capgen.Fragment(f.UDP(request("INVITE", "c1@h", 600)), 5, 256)
		next := f.UDP(request("BYE", "c2@h", 0))
		expect(t, packetsOf(append(parts, next)...), "INVITE c1@h UDP [1 2 3 4]", "BYE c2@h UDP [5]")
		expect(t, packetsOf(parts[3], parts[2], parts[1], next, parts[0]), "BYE c2@h UDP [4]", "INVITE c1@h UDP [1 2 3 5]")
		expect(t, packetsOf(parts[0], parts[1], parts[3], next), "BYE c2@h UDP [4]", "INVITE c1@h UDP [1 2 3] partial frag-incomplete")
		d := expect(t, packetsOf(parts[1], parts[2], parts[3], next), "BYE c2@h UDP [4]")
		if d.Fragments.NoHead != 1 {
			t.Errorf("%+v", d.Fragments)
		}
	}
}

// TestFragmentsNextHeader: what the datagram holds is told by its first fragment alone, in whatever order they come.
func TestFragmentsNextHeader(t *testing.T) {
	invite := request("INVITE", "c1@h", 1000)
	parts := capgen.Fragment(flow6.UDP(invite), 7, 400)
	for i := range parts[1:] {
		parts[1+i] = parts[1+i][:40] + "\x3b" + parts[1+i][41:] // no next header
	}
	want := "INVITE c1@h UDP " + frames(1, len(parts))
	expect(t, packetsOf(parts...), want)
	slices.Reverse(parts)
	expect(t, packetsOf(parts...), want)
}

// TestSnapped: a datagram that the snaplen cut.
func TestSnapped(t *testing.T) {
	ip := flow4.UDP(request("INVITE", "c1@h", 300))
	expect(t, packetsOf(ip[:250]), "INVITE c1@h UDP [1] partial packet-cut")
	expect(t, packetsOf(ip[:28+20]), "INVITE  UDP [1] partial packet-cut") // in its start line
	expect(t, packetsOf(ip[:28+10]))
}

// TestEmitError: the error of the function that takes messages ends everything.
func TestEmitError(t *testing.T) {
	n := 0
	d := dissect.New(1, func(*dissect.Message) error {
		n++
		return errStop
	})
	in := []string{flow4.UDP(request("INVITE", "c1@h", 0)), flow4.UDP(request("BYE", "c2@h", 0))}
	for i, ip := range in {
		if err := d.Packet(packet(int64(i+1), ip)); err != errStop {
			t.Errorf("packet %d: %v", i+1, err)
		}
	}
	if err := d.Finish(); err != errStop || n != 1 {
		t.Errorf("%v after %d messages", err, n)
	}
}

type stop string

func (s stop) Error() string { return string(s) }

const errStop = stop("enough")

// TestFragmentsCopied: fragments that were captured in two places make one message, and a copy of it where all of them were;
// those of another datagram with the same identification make a message of their own.
func TestFragmentsCopied(t *testing.T) {
	invite, other := request("INVITE", "c1@h", 500), request("INVITE", "c2@h", 500)
	outer := capgen.NewFlow("198.51.100.1:9", "198.51.100.2:4789")
	cut := func(m string, tunnel bool) (parts []string) {
		for _, p := range capgen.Fragment(flow4.UDP(m), 7, 300) {
			if tunnel {
				p = outer.UDP("\x08\x00\x00\x00\x00\x00\x01\x00" + capgen.Ether(p))
			}
			parts = append(parts, p)
		}
		return parts
	}
	bare, carried, strange := cut(invite, false), cut(invite, true), cut(other, true)
	expect(t, packetsOf(bare[0], carried[0], bare[1], carried[1], bare[2], carried[2]), "INVITE c1@h UDP [1 3 5]", "INVITE c1@h UDP [2 4 6] copy of 5")
	expect(t, packetsOf(bare[0], carried[0], bare[1], bare[2], carried[2]), "INVITE c1@h UDP [1 3 4]")
	expect(t, packetsOf(bare[2], carried[2], bare[1], bare[0], carried[0]), "INVITE c1@h UDP [1 3 4]")
	expect(t, packetsOf(bare[0], strange[0], bare[1], bare[2], strange[1]), "INVITE c1@h UDP [1 3 4]", "INVITE c2@h UDP [2 5] partial frag-incomplete")
	late := packetsOf(carried[0], bare[0], bare[1], bare[2])
	expect(t, append(late[:1:1], at(3*time.Second, late[1:])...), "INVITE c1@h UDP [2 3 4]", "INVITE c1@h UDP [1] partial frag-incomplete")
}

// TestFragmentsReused: an identification that is used again after a while does not mix datagrams, of whatever the first one lacks and
// in whatever order the second one comes.
func TestFragmentsReused(t *testing.T) {
	first, second := request("INVITE", "c1@h", 700), request("MESSAGE", "c2@h", 1500)
	for _, sizes := range [][2]int{{200, 336}, {336, 200}, {504, 304}} {
		old, young := capgen.Fragment(flow4.UDP(first), 7, sizes[0]), capgen.Fragment(flow4.UDP(second), 7, sizes[1])
		for lost := range old {
			for _, turn := range []bool{false, true} {
				for begin := range young {
					order := slices.Concat(young[begin:], young[:begin])
					if turn {
						slices.Reverse(order)
					}
					packets := packetsOf(slices.Delete(slices.Clone(old), lost, lost+1)...)
					packets = append(packets, at(3*time.Second, packetsOf(order...))...)
					whole := 0
					for _, raw := range dissected(t, packets).raw {
						switch {
						case raw == second:
							whole++
						case !strings.HasPrefix(first, raw):
							t.Errorf("fragments of %d without number %d, then of %d from number %d on, turned %v: %q", sizes[0], lost, sizes[1], begin, turn, raw)
						}
					}
					if whole != 1 {
						t.Errorf("fragments of %d without number %d, then of %d from number %d on, turned %v: %d times", sizes[0], lost, sizes[1], begin, turn, whole)
					}
				}
			}
		}
	}
	old, young := capgen.Fragment(flow4.UDP(first), 7, 200), capgen.Fragment(flow4.UDP(second), 7, 200)
	packets := append(packetsOf(append(old, old[2])...), at(3*time.Second, packetsOf(young[1], young[0], young[2], young[3], young[4], young[5], young[6], young[7], young[8]))...)
	expect(t, packets, "INVITE c1@h UDP "+frames(1, len(old)), "MESSAGE c2@h UDP "+frames(len(old)+2, len(young)))
}

// TestLikeRTP: datagrams with the version of RTP are counted, whatever they came in.
func TestLikeRTP(t *testing.T) {
	for first, want := range map[string]int64{"\x80\x00": 3, "\xbf\xc8": 3, "\x40\x00": 0, "\x00\x01": 0, "\xc0\x00": 0} {
		b := first + strings.Repeat("\x55", 10)
		list := capgen.Packets(1, capgen.Ether(flow4.UDP(b)), capgen.Ether(flow4.UDP(b[:11])), capgen.Ether(flow6.UDP(b)))
		d := expect(t, append(list, capgen.Packets(1, capgen.Ether(flow4.UDP(b), 5))...))
		if n := &d.Counts[0]; n.LikeRTP != want || n.UDP != 4 {
			t.Errorf("%q: %d of %d", first, n.LikeRTP, n.UDP)
		}
	}
}
