package capgen

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"net/netip"
	"time"
)

// WebSocket opcodes.
const (
	WSContinuation = 0
	WSText         = 1
	WSBinary       = 2
	WSPing         = 9
)

// A WSFrame is one frame of a WebSocket: RFC 6455, section 5.2. The zero value, given a
// payload, is the last fragment of a message.
type WSFrame struct {
	Opcode   byte
	More     bool // other fragments follow
	Deflated bool // RSV1: compressed, RFC 7692
	Mask     [4]byte
	Masked   bool
	Wide     bool // the length in 64 bits
	Payload  string
}

// String returns the octets of the frame.
func (f WSFrame) String() string {
	first := f.Opcode
	if !f.More {
		first |= 0x80
	}
	if f.Deflated {
		first |= 0x40
	}
	b := []byte{first, 0}
	switch n := len(f.Payload); {
	case f.Wide || n > 0xffff:
		b[1] = 127
		b = binary.BigEndian.AppendUint64(b, uint64(n))
	case n > 125:
		b[1] = 126
		b = binary.BigEndian.AppendUint16(b, uint16(n))
	default:
		b[1] = byte(n)
	}
	if !f.Masked {
		return string(b) + f.Payload
	}
	b[1] |= 0x80
	b = append(b, f.Mask[:]...)
	for i := range len(f.Payload) {
		b = append(b, f.Payload[i]^f.Mask[i&3])
	}
	return string(b)
}

// The handshake of a WebSocket for SIP: RFC 7118. The second argument of both is a line of
// extensions, or empty.
const (
	upgradeRequest = "GET / HTTP/1.1\r\nHost: ws.example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
		"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: sip\r\n"
	upgradeAnswer = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
		"Sec-WebSocket-Protocol: sip\r\n"
)

// Upgrade returns the request and the answer that open a WebSocket. With deflate they agree
// on permessage-deflate.
func Upgrade(deflate bool) (request, answer string) {
	extension := ""
	if deflate {
		extension = "Sec-WebSocket-Extensions: permessage-deflate\r\n"
	}
	return upgradeRequest + extension + "\r\n", upgradeAnswer + extension + "\r\n"
}

// A Deflater compresses the messages of one direction of a WebSocket, each with what went
// before it: RFC 7692, section 7.2.1. The zero Deflater is at the start.
type Deflater struct {
	w   *flate.Writer
	buf bytes.Buffer
}

// Next returns the compressed message, without the empty block at its end.
func (d *Deflater) Next(message string) string {
	if d.w == nil {
		d.w, _ = flate.NewWriter(&d.buf, flate.BestCompression)
	}
	d.buf.Reset()
	d.w.Write([]byte(message)) // to memory: cannot fail
	d.w.Flush()
	return string(bytes.TrimSuffix(d.buf.Bytes(), []byte{0, 0, 0xff, 0xff}))
}

// A HEP is what a capture agent sends of one packet.
type HEP struct {
	Flow
	Proto   byte // IP protocol
	Time    time.Time
	Payload string
}

// V3 returns version 3: a list of chunks, of which more may be given.
func (h HEP) V3(more ...string) string {
	src, dst := h.Src.Addr(), h.Dst.Addr()
	family, srcType, dstType := byte(2), 3, 4
	if src.Is6() {
		family, srcType, dstType = 10, 5, 6
	}
	var b []byte
	for _, c := range []string{
		HEPChunk(1, string(family)),
		HEPChunk(2, string([]byte{h.Proto})),
		HEPChunk(srcType, string(src.AsSlice())),
		HEPChunk(dstType, string(dst.AsSlice())),
		HEPChunk(7, u16(h.Src.Port())),
		HEPChunk(8, u16(h.Dst.Port())),
		HEPChunk(9, u32(uint32(h.Time.Unix()))),
		HEPChunk(10, u32(uint32(h.Time.Nanosecond()/1000))),
		HEPChunk(11, "\x01"),
	} {
		b = append(b, c...)
	}
	for _, c := range more {
		b = append(b, c...)
	}
	if h.Payload != "" {
		b = append(b, HEPChunk(15, h.Payload)...)
	}
	return "HEP3" + u16(uint16(6+len(b))) + string(b)
}

// HEPChunk returns one chunk of vendor 0.
func HEPChunk(typ int, value string) string {
	return "\x00\x00" + u16(uint16(typ)) + u16(uint16(6+len(value))) + value
}

// V2 returns version 2: a fixed header.
func (h HEP) V2() string {
	b := h.fixed(2)
	b = binary.LittleEndian.AppendUint32(b, uint32(h.Time.Unix()))
	b = binary.LittleEndian.AppendUint32(b, uint32(h.Time.Nanosecond()/1000))
	return string(append(b, 1, 0, 0, 0)) + h.Payload
}

// V1 returns version 1, which has no time.
func (h HEP) V1() string { return string(h.fixed(1)) + h.Payload }

func (h HEP) fixed(version byte) []byte {
	b := []byte{version, 16, 2, h.Proto}
	if h.Src.Addr().Is6() {
		b[1], b[2] = 40, 10
	}
	return h.addrs(append(b, h.ports()...))
}

func u16(v uint16) string { return string(binary.BigEndian.AppendUint16(nil, v)) }
func u32(v uint32) string { return string(binary.BigEndian.AppendUint32(nil, v)) }

// A Tunnel carries packets in packets.
type Tunnel struct {
	Name string
	Note string                 // the kind as in the note tunnel-KIND, "" for none
	Link uint16                 // link type of the result
	Wrap func(ip string) string // an IP packet
}

// outer is the flow of the packets that carry others.
func outer(port uint16) Flow {
	return Flow{
		Src: netip.AddrPortFrom(netip.AddrFrom4([4]byte{198, 51, 100, 1}), port),
		Dst: netip.AddrPortFrom(netip.AddrFrom4([4]byte{198, 51, 100, 2}), port),
	}
}

var outer6 = NewFlow("[2001:db8:ffff::1]:1", "[2001:db8:ffff::2]:1")

// inner returns the IP protocol number of a packet in another one.
func inner(ip string) byte {
	if ip[0]>>4 == 6 {
		return 41
	}
	return 4
}

func pppOf(ip string) string {
	if ip[0]>>4 == 6 {
		return "\x00\x57"
	}
	return "\x00\x21"
}

const (
	linkEthernet = 1
	linkRaw      = 101
)

// Tunnels returns every way of carrying packets in packets that is known here, alone and
// some within others.
func Tunnels() []Tunnel {
	raw := func(name, note string, wrap func(ip string) string) Tunnel {
		return Tunnel{name, note, linkRaw, wrap}
	}
	gre := func(flags, options string, typ uint16, payload string) string {
		return outer(0).IP(47, flags+u16(typ)+options+payload)
	}
	udp := func(port uint16, header string, payload string) string {
		return outer(port).UDP(header + payload)
	}
	return []Tunnel{
		{"802.1Q", "vlan", linkEthernet, func(ip string) string { return Ether(ip, 7) }},
		{"802.1Q twice", "vlan", linkEthernet, func(ip string) string { return Ether(ip, 7, 8) }},
		{"802.1ad", "vlan", linkEthernet, func(ip string) string {
			e := Ether(ip, 7, 8)
			return e[:12] + "\x88\xa8" + e[14:]
		}},
		{"MPLS", "mpls", linkEthernet, func(ip string) string { return etherOf(0x8847, mplsStack(2)+ip) }},
		{"MPLS, Ethernet", "mpls", linkEthernet, func(ip string) string { return etherOf(0x8847, mplsStack(1)+Ether(ip)) }},
		{"MPLS, Ethernet behind a control word", "mpls", linkEthernet, func(ip string) string {
			return etherOf(0x8847, mplsStack(1)+"\x00\x00\x00\x2a"+Ether(ip))
		}},
		{"MPLS, Ethernet with a tag behind a control word", "mpls", linkEthernet, func(ip string) string {
			return etherOf(0x8847, mplsStack(1)+"\x00\x00\x00\x00"+Ether(ip, 9))
		}},
		{"PPPoE", "pppoe", linkEthernet, func(ip string) string {
			return etherOf(0x8864, "\x11\x00\x00\x01"+u16(uint16(2+len(ip)))+pppOf(ip)+ip)
		}},
		raw("IP in IPv4", "ipip", func(ip string) string { return outer(0).IP(inner(ip), ip) }),
		raw("IP in IPv6", "ipip", func(ip string) string { return outer6.IP(inner(ip), ip) }),
		raw("GRE", "gre", func(ip string) string { return gre("\x00\x00", "", EtherType(ip), ip) }),
		raw("GRE with a key", "gre", func(ip string) string { return gre("\x20\x00", u32(5), EtherType(ip), ip) }),
		raw("GRE with a sequence number", "gre", func(ip string) string { return gre("\x10\x00", u32(5), EtherType(ip), ip) }),
		raw("GRE with all of it", "gre", func(ip string) string { return gre("\xb0\x00", u32(1)+u32(2)+u32(3), EtherType(ip), ip) }),
		raw("GRE with Ethernet", "gre", func(ip string) string { return gre("\x00\x00", "", 0x6558, Ether(ip)) }),
		raw("PPTP", "gre", func(ip string) string {
			return gre("\x30\x81", u16(uint16(4+len(ip)))+u16(9)+u32(1)+u32(2), 0x880b, "\xff\x03"+pppOf(ip)+ip)
		}),
		raw("Ethernet over IP of MikroTik", "gre", func(ip string) string {
			return gre("\x20\x01", u16(uint16(14+len(ip)))+"\x05\x00", 0x6400, Ether(ip))
		}),
		raw("ERSPAN I", "erspan", func(ip string) string { return gre("\x00\x00", "", 0x88be, Ether(ip)) }),
		raw("ERSPAN II", "erspan", func(ip string) string {
			return gre("\x10\x00", u32(1)+"\x10\x01\x00\x07\x00\x00\x00\x00", 0x88be, Ether(ip))
		}),
		raw("ERSPAN III", "erspan", func(ip string) string {
			return gre("\x10\x00", u32(1)+"\x20\x01\x00\x07"+u32(9)+"\x00\x00\x00\x00", 0x22eb, Ether(ip))
		}),
		raw("ERSPAN III with a subheader", "erspan", func(ip string) string {
			return gre("\x10\x00", u32(1)+"\x20\x01\x00\x07"+u32(9)+"\x00\x00\x00\x01"+u32(7)+u32(8), 0x22eb, Ether(ip))
		}),
		raw("VXLAN", "vxlan", func(ip string) string { return udp(4789, "\x08\x00\x00\x00\x00\x00\x2a\x00", Ether(ip)) }),
		raw("VXLAN with a group policy", "vxlan", func(ip string) string { return udp(4789, "\x88\x08\x00\x07\x00\x00\x2a\x00", Ether(ip)) }),
		raw("VXLAN with reserved bits", "vxlan", func(ip string) string { return udp(4789, "\x09\x00\x00\x00\x00\x00\x2a\x05", Ether(ip)) }),
		raw("Geneve", "geneve", func(ip string) string { return udp(6081, "\x00\x00\x65\x58\x00\x00\x2a\x00", Ether(ip)) }),
		raw("Geneve with options", "geneve", func(ip string) string {
			return udp(6081, "\x02\x00\x65\x58\x00\x00\x2a\x00"+"\x01\x02\x80\x01"+u32(7), Ether(ip))
		}),
		raw("Geneve with IP", "geneve", func(ip string) string {
			return udp(6081, "\x00\x00"+u16(EtherType(ip))+"\x00\x00\x2a\x00", ip)
		}),
		raw("GTP-U", "gtp", func(ip string) string { return udp(2152, "\x30\xff"+u16(uint16(len(ip)))+u32(7), ip) }),
		raw("GTP-U with a sequence number", "gtp", func(ip string) string {
			return udp(2152, "\x32\xff"+u16(uint16(4+len(ip)))+u32(7)+"\x00\x01\x00\x85", ip) // the last octet means nothing
		}),
		raw("GTP-U with extension headers", "gtp", func(ip string) string {
			return udp(2152, "\x34\xff"+u16(uint16(16+len(ip)))+u32(7)+"\x00\x00\x00\x85"+"\x01\x10\x09\x40"+"\x02\x00\x00\x00\x00\x00\x00\x00", ip)
		}),
		raw("GTP-U with Ethernet", "gtp", func(ip string) string { return udp(2152, "\x30\xff"+u16(uint16(len(Ether(ip))))+u32(7), Ether(ip)) }),
		raw("L2TP", "l2tp", func(ip string) string { return udp(1701, "\x00\x02\x00\x01\x00\x02", "\xff\x03"+pppOf(ip)+ip) }),
		raw("L2TP with length, sequence and offset", "l2tp", func(ip string) string {
			return udp(1701, "\x4a\x02"+u16(uint16(18+len(ip)))+"\x00\x01\x00\x02\x00\x03\x00\x04\x00\x02\xaa\xbb", pppOf(ip)+ip)
		}),
		raw("L2TP version 3", "l2tp", func(ip string) string { return outer(0).IP(115, u32(7)+Ether(ip)) }),
		raw("L2TP version 3 over UDP", "l2tp", func(ip string) string { return udp(1701, "\x00\x03\x00\x00"+u32(7), Ether(ip)) }),
		raw("L2TP version 3 over UDP with a cookie", "l2tp", func(ip string) string { return udp(1701, "\x00\x03\x00\x00"+u32(7)+u32(8)+u32(9), Ether(ip)) }),
		raw("authentication header", "", func(ip string) string {
			if ip[0]>>4 == 6 {
				return headed(ip, 51, string([]byte{ip[6], 4})+string(make([]byte, 22)))
			}
			return headed(ip, 51, string([]byte{ip[9], 4})+string(make([]byte, 22)))
		}),
		raw("ESP without encryption", "esp", func(ip string) string { return nullESP(ip, "", 12) }),
		raw("ESP with AES-GMAC", "esp", func(ip string) string { return nullESP(ip, "\x99\x98\x97\x96\x95\x94\x93\x92", 16) }),
		raw("EtherIP", "etherip", func(ip string) string { return outer(0).IP(97, "\x30\x00"+Ether(ip)) }),
		raw("CAPWAP", "capwap", func(ip string) string { return udp(5247, "\x00\x10\x02\x00\x00\x00\x00\x00", Ether(ip)) }),
		raw("CAPWAP with 802.11", "capwap", func(ip string) string { return udp(5247, "\x00\x10\x03\x00\x00\x00\x00\x00", WiFi(ip)) }),
		raw("TZSP", "tzsp", func(ip string) string { return udp(37008, "\x01\x00\x00\x01\x01", Ether(ip)) }),
		raw("TZSP with tags and 802.11", "tzsp", func(ip string) string {
			return udp(37008, "\x01\x00\x00\x12"+"\x0a\x01\xc4\x00\x00\x12\x01\x06\x01", WiFi(ip))
		}),
		raw("TZSP with Prism", "tzsp", func(ip string) string { return udp(37008, "\x01\x00\x00\x77\x01"+string(make([]byte, 144)), WiFi(ip)) }),
		raw("TZSP with AVS", "tzsp", func(ip string) string {
			return udp(37008, "\x01\x01\x00\x7f\x01\x80\x21\x10\x01"+u32(64)+string(make([]byte, 56)), WiFi(ip))
		}),
		raw("GRE in UDP", "gre", func(ip string) string { return udp(4754, "\x00\x00"+u16(EtherType(ip)), ip) }),
		raw("GRE in UDP with a checksum, a key and Ethernet", "gre", func(ip string) string { return udp(4754, "\xa0\x00\x65\x58"+u32(0)+u32(5), Ether(ip)) }),
		raw("MPLS in UDP", "mpls", func(ip string) string { return udp(6635, mplsStack(2), ip) }),
		raw("MPLS in UDP, Ethernet behind a control word", "mpls", func(ip string) string { return udp(6635, mplsStack(1)+u32(7), Ether(ip)) }),
		raw("GUE", "gue", func(ip string) string { return udp(6080, string([]byte{0, inner(ip), 0, 0}), ip) }),
		raw("GUE with a field", "gue", func(ip string) string { return udp(6080, string([]byte{1, inner(ip), 0x80, 0})+u32(7), ip) }),
		raw("GUE of variant 1", "gue", func(ip string) string { return udp(6080, "", ip) }),
		raw("GRE in GUE", "gre", func(ip string) string { return udp(6080, "\x00\x2f\x00\x00\x00\x00"+u16(EtherType(ip)), ip) }),
		raw("foo over UDP", "fou", func(ip string) string { return udp(5555, "", ip) }),
		raw("GRE in foo over UDP", "gre", func(ip string) string { return udp(5555, "\x20\x00"+u16(EtherType(ip))+u32(5), ip) }),
		raw("LISP", "lisp", func(ip string) string { return udp(4341, "\x88\x00\x12\x34\x00\x00\x07\x00", ip) }),
		raw("VXLAN in GRE in IPv6", "vxlan", func(ip string) string {
			return outer6.IP(47, "\x00\x00"+u16(TypeIPv4)+udp(4789, "\x08\x00\x00\x00\x00\x00\x2a\x00", Ether(ip, 3)))
		}),
	}
}

// Teredo carries IPv6 alone.
func Teredo(ip string, origin bool) string {
	if origin {
		return outer(3544).UDP("\x00\x00\x12\x34\x01\x02\x03\x04" + ip)
	}
	return outer(3544).UDP(ip)
}

// nullESP packs a packet into ESP that does not encrypt, with an initialization vector and a check value
// of icv octets.
func nullESP(ip, vector string, icv int) string {
	n, header := 20, ip[9]
	if ip[0]>>4 == 6 {
		n, header = 40, ip[6]
	}
	pad := -(len(ip) - n + 2) & 3
	tail := "\x01\x02\x03"[:pad] + string([]byte{byte(pad), header}) + string(make([]byte, icv))
	return headed(ip, 50, u32(0x1234)+u32(1)+vector) + tail
}

// headed puts a header with the protocol number proto behind the IP header of a packet.
// The lengths count what is behind it, up to a trailer that is added later for ESP.
func headed(ip string, proto byte, header string) string {
	b := []byte(ip)
	n, at, lengthAt := 20, 9, 2
	if ip[0]>>4 == 6 {
		n, at, lengthAt = 40, 6, 4
	}
	b[at] = proto
	b[lengthAt], b[lengthAt+1] = 0, 0 // as the host writes it where the card segments
	return string(b[:n]) + header + ip[n:]
}

func etherOf(typ uint16, payload string) string {
	return "\x02\x00\x00\x00\x00\x02\x02\x00\x00\x00\x00\x01" + u16(typ) + payload
}

// mplsStack returns n labels.
func mplsStack(n int) (s string) {
	for i := range n {
		label := uint32(100+i)<<12 | 64
		if i == n-1 {
			label |= 0x100
		}
		s += u32(label)
	}
	return s
}

// SNAP returns an IP packet behind an LLC header with SNAP.
func SNAP(ip string) string { return "\xaa\xaa\x03\x00\x00\x00" + u16(EtherType(ip)) + ip }

// Aggregate returns an IEEE 802.11 frame that holds several packets: an A-MSDU.
func Aggregate(ips ...string) string {
	b := "\x88\x00\x00\x00" + string(make([]byte, 20)) + "\x80\x00"
	for i, ip := range ips {
		one := SNAP(ip)
		b += "\x02\x00\x00\x00\x00\x02\x02\x00\x00\x00\x00\x01" + u16(uint16(len(one))) + one
		if i < len(ips)-1 {
			b += "\x00\x00\x00"[:-(14+len(one))&3]
		}
	}
	return b
}

// WiFi returns an IEEE 802.11 data frame from a station.
func WiFi(ip string) string {
	return "\x08\x01\x00\x00" + "\x02\x00\x00\x00\x00\x01" + "\x02\x00\x00\x00\x00\x02" + "\x02\x00\x00\x00\x00\x03" + "\x10\x00" + SNAP(ip)
}

// A Link is a link layer of captures.
type Link struct {
	Name string
	Type uint16
	Wrap func(ip string) string
}

// Links returns every link layer that is known here.
func Links() []Link {
	family := func(ip string) uint32 {
		if ip[0]>>4 == 6 {
			return 10
		}
		return 2
	}
	le16 := func(v int) string { return string(binary.LittleEndian.AppendUint16(nil, uint16(v))) }
	le32 := func(v uint32) string { return string(binary.LittleEndian.AppendUint32(nil, v)) }
	serial := func(ip string) string { return "\x0f\x00" + u16(EtherType(ip)) + ip }
	cisco := func(ip string) string { return "\x18\x41" + u16(EtherType(ip)) + ip }
	same := func(ip string) string { return ip }
	qos := func(ip string) string {
		w := WiFi(ip)
		return "\x88" + w[1:24] + "\x00\x00" + w[24:]
	}
	return []Link{
		{"null", 0, func(ip string) string { return le32(family(ip)) + ip }},
		{"Ethernet", 1, func(ip string) string { return Ether(ip) }},
		{"Ethernet with SNAP", 1, func(ip string) string { return etherOf(uint16(min(8+len(ip), 1500)), SNAP(ip)) }},
		{"token ring", 6, func(ip string) string { return "\x10\x40" + string(make([]byte, 12)) + SNAP(ip) }},
		{"SLIP", 8, same},
		{"PPP", 9, func(ip string) string { return "\xff\x03" + pppOf(ip) + ip }},
		{"PPP with a short protocol", 9, func(ip string) string { return pppOf(ip)[1:] + ip }},
		{"FDDI", 10, func(ip string) string { return "\x54" + string(make([]byte, 12)) + SNAP(ip) }},
		{"raw of BSD", 12, same},
		{"raw of OpenBSD", 14, same},
		{"PPP in HDLC", 50, func(ip string) string { return "\xff\x03" + pppOf(ip) + ip }},
		{"PPPoE", 51, func(ip string) string { return "\x11\x00\x00\x01" + u16(uint16(2+len(ip))) + pppOf(ip) + ip }},
		{"ATM", 100, SNAP},
		{"raw", 101, same},
		{"Cisco HDLC", 104, serial},
		{"802.11", 105, WiFi},
		{"802.11 with quality of service", 105, qos},
		{"802.11 between access points", 105, func(ip string) string {
			w := WiFi(ip)
			return "\x08\x03" + w[2:24] + "\x02\x00\x00\x00\x00\x04" + w[24:]
		}},
		{"frame relay", 107, func(ip string) string { return "\x18\x41\x03\x80\x00\x00\x00" + u16(EtherType(ip)) + ip }},
		{"frame relay of Cisco", 107, cisco},
		{"loop", 108, func(ip string) string { return u32(family(ip)) + ip }},
		{"enc", 109, func(ip string) string { return u32(family(ip)) + u32(1) + u32(0) + ip }},
		{"Linux cooked", 113, func(ip string) string { return string(make([]byte, 14)) + u16(EtherType(ip)) + ip }},
		{"packet filter log", 117, func(ip string) string { return "\x3d\x02" + string(make([]byte, 62)) + ip }},
		{"Prism", 119, func(ip string) string { return string(make([]byte, 144)) + WiFi(ip) }},
		{"Fibre Channel", 122, func(ip string) string { return string(make([]byte, 16)) + SNAP(ip) }},
		{"ATM of Sun", 123, func(ip string) string { return "\x02\x00\x00\x20" + SNAP(ip) }},
		{"radiotap", 127, func(ip string) string { return "\x00\x00\x08\x00\x00\x00\x00\x00" + WiFi(ip) }},
		{"radiotap with a check sequence", 127, func(ip string) string {
			return "\x00\x00\x11\x00\x03\x00\x00\x00" + string(make([]byte, 8)) + "\x10" + WiFi(ip) + "\xde\xad\xbe\xef"
		}},
		{"Firewire", 138, func(ip string) string { return string(make([]byte, 16)) + u16(EtherType(ip)) + ip }},
		{"AVS", 163, func(ip string) string { return "\x80\x21\x10\x01" + u32(64) + string(make([]byte, 56)) + WiFi(ip) }},
		{"PPP of pppd", 166, func(ip string) string { return "\xff\x03" + pppOf(ip) + ip }},
		{"Juniper", 178, func(ip string) string { return "MGC\x81\x00\x03\x01\x01\x05" + Ether(ip) }},
		{"Juniper, without a link layer", 178, func(ip string) string { return "MGC\x03" + le32(2) + ip }},
		{"PPI with Ethernet", 192, func(ip string) string { return "\x00\x00" + le16(8) + le32(1) + Ether(ip) }},
		{"PPI with 802.11", 192, func(ip string) string { return "\x00\x00" + le16(12) + le32(105) + u32(0) + WiFi(ip) }},
		{"ERF with Ethernet", 197, func(ip string) string { return erf(2) + "\x00\x00" + Ether(ip) }},
		{"ERF with Ethernet and extensions", 197, func(ip string) string {
			return erf(0x80|16) + "\x83" + string(make([]byte, 7)) + "\x04" + string(make([]byte, 7)) + "\x00\x00" + Ether(ip)
		}},
		{"ERF with HDLC", 197, func(ip string) string { return erf(1) + serial(ip) }},
		{"ERF with PPP", 197, func(ip string) string { return erf(10) + "\xff\x03" + pppOf(ip) + ip }},
		{"ERF with IP", 197, func(ip string) string { return erf(20+ip[0]>>5) + ip }},
		{"PPP with direction", 204, func(ip string) string { return "\x01\xff\x03" + pppOf(ip) + ip }},
		{"Cisco HDLC with direction", 205, func(ip string) string { return "\x01" + serial(ip) }},
		{"frame relay with direction", 206, func(ip string) string { return "\x01" + cisco(ip) }},
		{"IPNet", 226, func(ip string) string { return string(make([]byte, 24)) + ip }},
		{"NFLOG", 239, func(ip string) string {
			return "\x02\x00\x00\x00" + le16(6) + le16(10) + "eth0"[:2] + "\x00\x00" + le16(4+len(ip)) + le16(9) + ip
		}},
		{"NetAnalyzer", 240, func(ip string) string { return "\x00\x04\x00\x00" + Ether(ip) + "\xde\xad\xbe\xef" }},
		{"Infiniband", 242, func(ip string) string { return string(make([]byte, 40)) + u16(EtherType(ip)) + "\x00\x00" + ip }},
		{"exported IP", 252, func(ip string) string {
			return "\x00\x0c\x00\x04ip\x00\x00\x00\x1e\x00\x04\x00\x00\x00\x07\x00\x00\x00\x00" + ip
		}},
		{"exported Ethernet", 252, func(ip string) string { return "\x00\x0c\x00\x10eth_withoutfcs\x00\x00\x00\x00\x00\x00" + Ether(ip) }},
		{"PKTAP", 258, func(ip string) string { return le32(108) + le32(1) + le32(1) + string(make([]byte, 96)) + Ether(ip) }},
		{"Ethernet with its preamble", 274, func(ip string) string { return "\x55\x55\x55\x55\x55\x55\x55\xd5" + Ether(ip) + "\xde\xad\xbe\xef" }},
		{"Linux cooked 2", 276, func(ip string) string { return u16(EtherType(ip)) + string(make([]byte, 18)) + ip }},
		{"Ethernet with a tag of Broadcom", 281, func(ip string) string { return Ether(ip)[:12] + "\x20\x00\x00\x05" + Ether(ip)[12:] }},
		{"Ethernet behind a tag of Broadcom", 282, func(ip string) string { return "\x20\x00\x00\x05" + Ether(ip) }},
		{"Ethernet with a tag of Marvell", 284, func(ip string) string { return Ether(ip)[:12] + "\x48\x00\x00\x05" + Ether(ip)[12:] }},
		{"Ethernet with a tag of Marvell and its type", 285, func(ip string) string {
			return etherOf(0xdada, "\x00\x00\x48\x00\x00\x05"+u16(EtherType(ip))+ip)
		}},
		{"Ethernet with LLC, longer than a length can say", 1, func(ip string) string { return etherOf(0x8870, SNAP(ip)) }},
		{"Ethernet with a tag for redundancy", 1, func(ip string) string { return etherOf(0xf1c1, u32(7)+u16(EtherType(ip))+ip) }},
		{"Ethernet with the time of a mirror", 1, func(ip string) string {
			return etherOf(0x8988, "\x00\x01\x02\x03\x04\x05"+u16(EtherType(ip))+ip)
		}},
	}
}

// erf returns the header of a record of that type.
func erf(typ byte) string {
	return "\x00\x00\x00\x00\x00\xf1\x53\x65" + string([]byte{typ}) + "\x04\x00\x00\x00\x00\x00\x00"
}

// A Packet is a packet of a capture.
type Packet struct {
	Time time.Time
	Link uint16
	Data string
	Cut  int // octets of it that the capture leaves out at its end
}

// Start is when captures begin.
var Start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// Packets returns packets a millisecond apart.
func Packets(link uint16, data ...string) (list []Packet) {
	for i, d := range data {
		list = append(list, Packet{Time: Start.Add(time.Duration(i) * time.Millisecond), Link: link, Data: d})
	}
	return list
}

// Pcap returns a pcap file of packets of one link type.
func Pcap(packets []Packet) []byte {
	link := uint16(linkEthernet)
	if len(packets) > 0 {
		link = packets[0].Link
	}
	le := binary.LittleEndian
	b := le.AppendUint32(nil, 0xa1b2c3d4)
	b = le.AppendUint16(le.AppendUint16(b, 2), 4)
	b = append(b, make([]byte, 8)...)
	b = le.AppendUint32(le.AppendUint32(b, 262144), uint32(link))
	for _, p := range packets {
		b = AppendRecord(b, p)
	}
	return b
}

// AppendRecord appends a record of a pcap file.
func AppendRecord(b []byte, p Packet) []byte {
	le := binary.LittleEndian
	b = le.AppendUint32(b, uint32(p.Time.Unix()))
	b = le.AppendUint32(b, uint32(p.Time.Nanosecond()/1000))
	b = le.AppendUint32(le.AppendUint32(b, uint32(len(p.Data)-p.Cut)), uint32(len(p.Data)))
	return append(b, p.Data[:len(p.Data)-p.Cut]...)
}
