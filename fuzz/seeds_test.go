package fuzz

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/sipsight/sipsight/pcapfile"
	"github.com/sipsight/sipsight/pcapng"
)

// maxInput bounds an input. All that is interesting happens in less, and what an
// execution costs grows with its input.
const maxInput = 64 << 10

// files returns the content of the files that match a pattern and may be inputs.
func files(pattern string) (list [][]byte) {
	names, _ := filepath.Glob(pattern)
	for _, name := range names {
		if b, err := os.ReadFile(name); err == nil && len(b) <= maxInput {
			list = append(list, b)
		}
	}
	return list
}

// shared returns the files of the shared captures that match a pattern; none where they
// are not at hand.
func shared(pattern string) [][]byte {
	dir := os.Getenv("SIPSIGHT_SHARED")
	if dir == "" {
		return nil
	}
	return files(filepath.Join(dir, filepath.FromSlash(pattern)))
}

// captures returns capture files of every format.
func captures() [][]byte {
	return slices.Concat(smallCaptures(), files(filepath.FromSlash("../testdata/captures/*.pcap*")), shared("wire/*.pcap*"))
}

// messages returns SIP messages, the odd ones too.
func messages() [][]byte {
	return slices.Concat(smallMessages(), shared("torture/*.sip"))
}

// invite is a plain message with most of what a message can have.
const invite = "INVITE sip:bob@example.com SIP/2.0\r\n" +
	"Via: SIP/2.0/UDP a.example.com;branch=z9hG4bK1, SIP/2.0/TCP b.example.com;received=192.0.2.1\r\n" +
	"v: SIP/2.0/UDP c.example.com;branch=\"z9;hG\"\r\n" +
	"Max-Forwards: 70\r\n" +
	"From: \"Alice \\\" <sip:x@y>, A.\" <sip:alice:wonder@example.com>;tag=1928\r\n" +
	"To: Bob <sip:bob@example.com>\r\n" +
	"Call-ID: a84b4c76e66710@example.com\r\n" +
	"CSeq: 314159 INVITE\r\n" +
	"Contact: <sip:alice@192.0.2.1;transport=tcp>;expires=60;q=\"0.7\", sip:a@b;x=y\r\n" +
	"Subject: folded\r\n  over\r\n\tthree lines, not a list\r\n" +
	"Authorization: Digest username=\"alice\", nonce=\"abc\", response=\"0123456789abcdef\"\r\n" +
	"X-Odd name: value\r\n" +
	"no colon here\r\n" +
	"Content-Type: application/sdp\r\n" +
	"Content-Length: 31\r\n" +
	"\r\n" +
	"v=0\r\na=crypto:1 X inline:secret\r\n"

const ringing = "SIP/2.0 180 Ringing\r\n" +
	"Via: SIP/2.0/UDP a.example.com;branch=z9hG4bK1\r\n" +
	"f: <sip:alice@example.com>;tag=1928\r\n" +
	"t: <sip:bob@example.com>;tag=314\r\n" +
	"i: a84b4c76e66710@example.com\r\n" +
	"CSeq: 314159 INVITE\r\n" +
	"l: 0\r\n" +
	"\r\n"

func smallMessages() (list [][]byte) {
	for _, s := range []string{
		invite,
		ringing,
		"\r\n\r\n" + ringing,
		"OPTIONS sip:a@b SIP/2.0\nCall-ID: x\n\n",
		"invite  sip:a b  sip/3.1 \r\n From: folded start line\r\nFROM:\r\nFrom \t: x\r\n:\r\n\r\rbody",
		"SIP/2.0 99\r\nCSeq: 4294967296 x y\r\nl: 1\r\nl: +2\r\n",
		"REGISTER sip:a\r\nCall-ID: half\xff\x00",
		"MESSAGE sip:a SIP/2.0\r\nContent-Length: 5\r\n\r\nhello, and more",
		"INFO sip:a SIP/2.0\r\nContent-Type: application/dtmf-relay\r\n\r\nSignal=5\r\nDuration=100",
		"INVITE \r\n\r\n",
		"SIP/2.0 200 \r\n\r\n",
	} {
		list = append(list, []byte(s))
	}
	return list
}

// ip4 returns an IPv4 packet.
func ip4(proto byte, payload []byte) []byte {
	b := []byte{0x45, 0, 0, 0, 0, 1, 0, 0, 64, proto, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2}
	binary.BigEndian.PutUint16(b[2:], uint16(len(b)+len(payload)))
	return append(b, payload...)
}

// ip6 returns an IPv6 packet.
func ip6(next byte, payload []byte) []byte {
	b := []byte{0x60, 0, 0, 0, 0, 0, next, 64}
	binary.BigEndian.PutUint16(b[4:], uint16(len(payload)))
	b = append(b, netip.MustParseAddr("2001:db8::1").AsSlice()...)
	b = append(b, netip.MustParseAddr("2001:db8::2").AsSlice()...)
	return append(b, payload...)
}

func udp(payload string) []byte {
	b := []byte{0x13, 0xc4, 0x13, 0xc4, 0, 0, 0, 0}
	binary.BigEndian.PutUint16(b[4:], uint16(len(b)+len(payload)))
	return append(b, payload...)
}

func tcp(seq uint32, payload string) []byte {
	b := []byte{0x9c, 0x40, 0x13, 0xc4}
	b = binary.BigEndian.AppendUint32(b, seq)
	b = append(b, 0, 0, 0, 1, 0x50, 0x18, 0xff, 0xff, 0, 0, 0, 0)
	return append(b, payload...)
}

// sctp returns a packet with one DATA chunk.
func sctp(payload string) []byte {
	b := []byte{0x13, 0xc4, 0x13, 0xc4, 0, 0, 0, 1, 0, 0, 0, 0, 0, 3}
	b = binary.BigEndian.AppendUint16(b, uint16(16+len(payload)))
	b = append(b, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0)
	b = append(b, payload...)
	return append(b, make([]byte, -len(payload)&3)...)
}

// ether returns an Ethernet frame with the packet b, behind n 802.1Q tags.
func ether(n int, b []byte) []byte {
	h := []byte{2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2}
	for i := range n {
		h = append(h, 0x81, 0, 0, byte(i+1))
	}
	if len(b) > 0 && b[0]>>4 == 6 {
		h = append(h, 0x86, 0xdd)
	} else {
		h = append(h, 0x08, 0)
	}
	return append(h, b...)
}

// frames returns Ethernet frames of most kinds.
func frames() [][]byte {
	datagram := udp(invite)
	first, second := ip4(17, datagram[:400]), ip4(17, datagram[400:])
	first[6], second[7] = 0x20, 50
	quoted := append([]byte{3, 3, 0, 0, 0, 0, 0, 0}, ip4(17, datagram)...)
	return [][]byte{
		ether(0, ip4(17, datagram)),
		ether(2, ip4(17, udp(ringing))),
		ether(0, ip6(17, udp(ringing))),
		ether(0, ip4(6, tcp(1, invite[:300]))),
		ether(0, ip4(6, tcp(301, invite[300:]+ringing))),
		ether(0, ip4(132, sctp(ringing))),
		ether(0, first),
		ether(0, second),
		ether(0, ip6(44, append([]byte{17, 0, 0, 1, 0, 0, 0, 7}, datagram[:400]...))),
		ether(0, ip6(0, append([]byte{60, 0, 1, 4, 0, 0, 0, 0, 17, 0, 1, 4, 0, 0, 0, 0}, udp(ringing)...))),
		ether(0, ip4(1, quoted)),
		ether(0, ip4(4, ip4(17, udp(ringing)))),
		ether(0, ip4(17, udp("\r\n\r\n"))),
		{2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 6, 0, 1},
	}
}

// back turns the direction of an IPv4 packet with ports.
func back(b []byte) []byte {
	c := slices.Clone(b)
	copy(c[12:], b[16:20])
	copy(c[16:], b[12:16])
	copy(c[20:], b[22:24])
	copy(c[22:], b[20:22])
	return c
}

// flagged sets the flags of a TCP segment.
func flagged(flags byte, segment []byte) []byte {
	segment[13] = flags
	return segment
}

const (
	fin, syn, rst, ack = 1, 2, 4, 16

	upgrade  = "GET / HTTP/1.1\r\nUpgrade: websocket\r\nSec-WebSocket-Protocol: sip\r\n\r\n"
	upgraded = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"
)

// webSocket returns a text frame with a message, masked if it is from a client.
func webSocket(masked bool, message string) string {
	b := []byte{0x81, 126, byte(len(message) >> 8), byte(len(message))}
	if !masked {
		return string(append(b, message...))
	}
	b[1] |= 0x80
	b = append(b, 1, 2, 3, 4)
	for i := range len(message) {
		b = append(b, message[i]^byte(i&3+1))
	}
	return string(b)
}

// hep returns a packet of HEP3.
func hep(message string) string {
	var b []byte
	chunk := func(typ byte, v ...byte) {
		b = append(b, 0, 0, 0, typ)
		b = binary.BigEndian.AppendUint16(b, uint16(6+len(v)))
		b = append(b, v...)
	}
	chunk(1, 2)
	chunk(2, 17)
	chunk(3, 192, 0, 2, 7)
	chunk(4, 192, 0, 2, 8)
	chunk(7, 0x13, 0xc4)
	chunk(8, 0x13, 0xc4)
	chunk(9, 0x65, 0, 0, 0)
	chunk(10, 0, 0, 1, 0)
	chunk(15, []byte(message)...)
	head := binary.BigEndian.AppendUint16([]byte("HEP3"), uint16(6+len(b)))
	return string(append(head, b...))
}

// conversations are the IP packets of a few connections, and of a few tunnels.
func conversations() [][][]byte {
	there := func(segment []byte) []byte { return ip4(6, segment) }
	here := func(segment []byte) []byte { return back(ip4(6, segment)) }
	datagram := udp(invite)
	var fragments [][]byte
	for i := len(datagram) / 400 * 400; i >= 0; i -= 400 {
		b := ip4(17, datagram[i:min(len(datagram), i+400)])
		if i+400 < len(datagram) {
			b[6] = 0x20
		}
		b[7] = byte(i / 8)
		fragments = append(fragments, b)
	}
	to := func(port uint16, header string, inner []byte) []byte {
		b := udp(header + string(inner))
		binary.BigEndian.PutUint16(b[2:], port)
		return ip4(17, b)
	}
	inside := ip4(17, udp(ringing))
	return [][][]byte{
		{
			there(flagged(syn, tcp(0, ""))), here(flagged(syn|ack, tcp(0, ""))),
			there(tcp(1, invite[:100])), there(tcp(201, invite[200:])), there(tcp(101, invite[100:200])),
			here(tcp(1, ringing+"\r\n\r\n"+ringing)), here(tcp(1, ringing)),
			there(flagged(fin|ack, tcp(uint32(1+len(invite)), ""))), here(flagged(rst, tcp(900, ""))),
		},
		{
			there(flagged(syn, tcp(0, ""))), here(flagged(syn|ack, tcp(0, ""))),
			there(tcp(1, upgrade)), here(tcp(1, upgraded)),
			there(tcp(uint32(1+len(upgrade)), webSocket(true, invite))), here(tcp(uint32(1+len(upgraded)), webSocket(false, ringing))),
		},
		{there(tcp(7, webSocket(false, ringing))), here(tcp(1, "\x88\x00")), here(tcp(100, "late"))},
		{there(tcp(7, invite[300:]+ringing)), there(tcp(5000, ringing)), there(tcp(9000, invite))},
		fragments,
		{to(9060, hep(ringing), nil), to(4789, "\x08\x00\x00\x00\x00\x00\x07\x00", ether(0, inside)), to(2152, "\x30\xff\x00\x00\x00\x00\x00\x01", inside)},
		{ip4(47, append([]byte{0, 0, 8, 0}, inside...)), ip4(4, inside), ip4(41, ip6(17, udp(ringing)))},
		{inside, inside, ip4(17, udp(invite))},
	}
}

// sometime is the time of the first packet of a capture that is built here.
var sometime = time.Date(2026, 3, 1, 12, 0, 0, 123456000, time.UTC)

// at returns the time of the packet i, counted from 0.
func at(i int) time.Time { return sometime.Add(time.Duration(i) * time.Millisecond) }

func mustNot(err error) {
	if err != nil {
		panic(err)
	}
}

// pcap returns a pcap file of packets that are a millisecond apart.
func pcap(h pcapfile.Header, packets [][]byte) []byte {
	var buf bytes.Buffer
	w, err := pcapfile.NewWriter(&buf, h)
	mustNot(err)
	for i, b := range packets {
		mustNot(w.Write(pcapfile.Packet{Time: at(i), OrigLen: int64(len(b)), Data: b}))
	}
	return buf.Bytes()
}

// blocks returns a pcapng file of two sections with blocks of every kind.
func blocks(big bool, packets [][]byte) []byte {
	var buf bytes.Buffer
	s := pcapng.Section{BigEndian: big, Hardware: "loom", OS: "none", Application: "fuzz", Comments: []string{"first"}}
	w, err := pcapng.NewWriter(&buf, s)
	mustNot(err)
	for range 2 {
		_, err = w.AddInterface(pcapng.Interface{LinkType: 1, SnapLen: 4096, Name: "eth0", FCSLen: -1, TsResol: 9})
		mustNot(err)
		_, err = w.AddInterface(pcapng.Interface{LinkType: 1, Description: "odd", FCSLen: 0, TsResol: 0x94, TsOffset: -3600, Comments: []string{"two"}})
		mustNot(err)
		mustNot(w.WriteSecret(pcapng.NewSecret(0x544c534b, []byte("CLIENT_RANDOM 00 11"))))
		mustNot(w.WriteNames([]pcapng.Name{{Addr: netip.MustParseAddr("192.0.2.1"), Names: []string{"a.example.com", "a"}}}))
		for i, b := range packets {
			p := pcapng.Packet{Interface: i % 2, Time: at(i), TimeOK: true, OrigLen: int64(len(b)), Data: b}
			switch i % 4 {
			case 1:
				p.Options = pcapng.Comment("a comment", "another")
			case 2:
				p.Block = pcapng.SimplePacket
			}
			mustNot(w.Write(p))
		}
		mustNot(w.WriteStatistics(1, pcapng.Statistics{Has: pcapng.HasReceived | pcapng.HasDropped, Received: 7, Dropped: 1}))
		mustNot(w.WriteBlock(pcapng.CustomCopy, []byte("\x00\x00\x00\x01custom")))
		mustNot(w.Section(s))
	}
	return buf.Bytes()
}

// pcapngOf returns a pcapng file of packets that are a millisecond apart.
func pcapngOf(packets [][]byte) []byte {
	var buf bytes.Buffer
	w, err := pcapng.NewWriter(&buf, pcapng.Section{})
	mustNot(err)
	_, err = w.AddInterface(pcapng.Interface{LinkType: 1, FCSLen: -1, TsResol: 6})
	mustNot(err)
	for i, b := range packets {
		mustNot(w.Write(pcapng.Packet{Time: at(i), TimeOK: true, OrigLen: int64(len(b)), Data: b}))
	}
	return buf.Bytes()
}

// snoop returns a snoop file (RFC 1761) of packets that are a millisecond apart.
func snoop(packets [][]byte) []byte {
	be := binary.BigEndian
	b := be.AppendUint32(be.AppendUint32([]byte("snoop\x00\x00\x00"), 2), 4)
	for i, p := range packets {
		pad := -len(p) & 3
		b = be.AppendUint32(be.AppendUint32(b, uint32(len(p))), uint32(len(p)))
		b = be.AppendUint32(be.AppendUint32(b, uint32(24+len(p)+pad)), 0)
		b = be.AppendUint32(be.AppendUint32(b, uint32(at(i).Unix())), uint32(at(i).Nanosecond()/1000))
		b = append(append(b, p...), make([]byte, pad)...)
	}
	return b
}

// zipper is used again and again: a new one costs a megabyte.
var zipper, _ = gzip.NewWriterLevel(nil, gzip.BestSpeed)

// zipped returns b as one gzip member.
func zipped(b []byte) []byte {
	var buf bytes.Buffer
	zipper.Reset(&buf)
	_, err := zipper.Write(b)
	mustNot(err)
	mustNot(zipper.Close())
	return buf.Bytes()
}

func smallCaptures() (list [][]byte) {
	all := frames()
	plain := pcap(pcapfile.Header{LinkType: 1}, all)
	raw := pcap(pcapfile.Header{LinkType: 101, BigEndian: true, Nanosecond: true}, [][]byte{ip4(17, udp(ringing)), ip6(17, udp(ringing))})
	modified := pcap(pcapfile.Header{LinkType: 1, Modified: true, FCSLen: 4}, all[:3])
	swapped := slices.Concat(pcap(pcapfile.Header{LinkType: 1, BigEndian: true}, nil), pcap(pcapfile.Header{}, all[:1])[24:])
	secret := slices.Concat(all[0], []byte("\x00\x00\x00\x00"))
	for _, packets := range conversations() {
		list = append(list, pcap(pcapfile.Header{LinkType: 101}, packets))
	}
	return append(list,
		plain,
		raw,
		modified,
		swapped,
		slices.Concat(raw, plain),
		plain[:len(plain)-5],
		blocks(false, all[:6]),
		blocks(true, all[6:]),
		snoop(all[:6]),
		zipped(plain),
		slices.Concat(zipped(plain[:100]), zipped(plain[100:]), []byte("trailing")),
		pcap(pcapfile.Header{LinkType: 1, SnapLen: 64}, [][]byte{secret, all[3][:80]}),
		[]byte("just some text\n"),
		nil,
	)
}

// tooLong reports whether an input is more than an execution should take.
func tooLong(parts ...[]byte) bool {
	n := 0
	for _, p := range parts {
		n += len(p)
	}
	return n > maxInput
}
