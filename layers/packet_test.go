package layers_test

import (
	"bytes"
	"encoding/binary"
	"slices"
	"strings"

	"github.com/sipsight/sipsight/layers"
)

// Packets are built from the inside out: eth(0x0800, ip4(17, udp("text"))).

const (
	typeIPv4    = 0x0800
	typeARP     = 0x0806
	typeIPv6    = 0x86dd
	typeVLAN    = 0x8100
	typeService = 0x88a8

	protoOSPF = 89
)

func join(parts ...string) string { return strings.Join(parts, "") }

func u16(v int) string    { return string(binary.BigEndian.AppendUint16(nil, uint16(v))) }
func u32(v uint32) string { return string(binary.BigEndian.AppendUint32(nil, v)) }
func le32(v uint32) string {
	return string(binary.LittleEndian.AppendUint32(nil, v))
}
func zeros(n int) string { return strings.Repeat("\x00", n) }

// patch returns s with the octets from off on replaced.
func patch(s string, off int, with string) string { return s[:off] + with + s[off+len(with):] }

func eth(typ int, payload string) string {
	return "\x02\x00\x00\x00\x00\x02\x02\x00\x00\x00\x00\x01" + u16(typ) + payload
}

// tag is a VLAN tag, as it stands behind the EtherType that announces it.
func tag(id, typ int) string { return u16(id) + u16(typ) }

// snap is an LLC header with SNAP, as it stands behind a length.
func snap(typ int) string { return "\xaa\xaa\x03\x00\x00\x00" + u16(typ) }

func sll(typ int, payload string) string {
	return u16(0) + u16(1) + u16(6) + "\x02\x00\x00\x00\x00\x01\x00\x00" + u16(typ) + payload
}

func sll2(typ int, payload string) string {
	return u16(typ) + u16(0) + u32(2) + u16(1) + "\x00\x06" + "\x02\x00\x00\x00\x00\x01\x00\x00" + payload
}

// ip4 is an IPv4 packet from 192.0.2.1 to 192.0.2.2.
func ip4(proto byte, payload string) string { return ip4opt(proto, "", payload) }

func ip4opt(proto byte, options, payload string) string {
	return join(string(rune(0x45+len(options)/4)), "\x00", u16(20+len(options)+len(payload)), u16(0x1234), u16(0),
		"\x40", string([]byte{proto}), u16(0), "\xc0\x00\x02\x01", "\xc0\x00\x02\x02", options, payload)
}

// frag4 is a fragment of an IPv4 datagram; w holds its flags and offset.
func frag4(proto byte, w int, payload string) string { return patch(ip4(proto, payload), 6, u16(w)) }

// ip6 is an IPv6 packet from 2001:db8::1 to 2001:db8::2.
func ip6(next byte, payload string) string {
	return join("\x60\x00\x00\x00", u16(len(payload)), string([]byte{next, 64}),
		"\x20\x01\x0d\xb8"+zeros(11)+"\x01", "\x20\x01\x0d\xb8"+zeros(11)+"\x02", payload)
}

// ext is an IPv6 extension header of 8*(more+1) octets.
func ext(next, more byte) string { return string([]byte{next, more}) + zeros(6+8*int(more)) }

// ah is an authentication header with 12 octets of ICV.
func ah(next byte) string { return string([]byte{next, 4}) + zeros(22) }

// frag6 is an IPv6 fragment header.
func frag6(next byte, w int, id uint32) string {
	return string([]byte{next, 0}) + u16(w) + u32(id)
}

func udp(payload string) string { return udpLen(8+len(payload), payload) }

func udpLen(n int, payload string) string {
	return u16(5060) + u16(5062) + u16(n) + u16(0) + payload
}

// tcp is a segment with options of a multiple of four octets.
func tcp(flags byte, options, payload string) string {
	return join(u16(5060), u16(5062), u32(0x01020304), u32(0xfffffff0),
		string([]byte{byte(5+len(options)/4) << 4, flags}), u16(1000), u16(0), u16(0), options, payload)
}

func sctp(chunks string) string { return u16(5060) + u16(5062) + u32(7) + u32(0) + chunks }

// chunk is an SCTP chunk with its padding.
func chunk(typ, flags byte, value string) string {
	return string([]byte{typ, flags}) + u16(4+len(value)) + value + zeros(-len(value)&3)
}

func data(flags byte, user string) string {
	return chunk(0, flags, u32(100)+u16(3)+u16(9)+u32(46)+user)
}

func icmp(typ, code byte, payload string) string {
	return string([]byte{typ, code}) + u16(0) + u32(0) + payload
}

// clip returns in as a slice of its own without room behind it, so that reading or
// appending past its end cannot go unseen.
func clip[T string | []byte](in T) []byte { return slices.Clip(bytes.Clone([]byte(in))) }

// A sample is a packet that decodes without an error.
type sample struct {
	name    string
	link    layers.LinkType
	in      string
	offload bool // no length in the packet says how long it was
}

var samples = []sample{
	{"ethernet-ipv4-udp", layers.Ethernet, eth(typeIPv4, ip4(17, udp("hello"))), false},
	{"ethernet-ipv4-tcp", layers.Ethernet, eth(typeIPv4, ip4(6, tcp(0x18, "\x01\x01\x01\x00", "hello"))), false},
	{"ethernet-padded", layers.Ethernet, eth(typeIPv4, ip4(17, udp("hi"))+zeros(16)), false},
	{"options", layers.Raw, ip4opt(17, "\x94\x04\x00\x00", udp("hello")), false},
	{"vlan-ipv6-udp", layers.Ethernet, eth(typeVLAN, tag(7, typeIPv6)+ip6(17, udp("hello"))), false},
	{"qinq", layers.Ethernet, eth(typeService, tag(7, typeVLAN)+tag(8, typeIPv4)+ip4(17, udp("hello"))), false},
	{"snap", layers.Ethernet, eth(46, snap(typeIPv4)+ip4(17, udp("hello"))), false},
	{"cooked1", layers.LinuxSLL, sll(typeIPv4, ip4(17, udp("hello"))), false},
	{"cooked2", layers.LinuxSLL2, sll2(typeIPv6, ip6(6, tcp(2, "", ""))), false},
	{"null", layers.Null, le32(2) + ip4(17, udp("hello")), false},
	{"loop", layers.Loop, u32(24) + ip6(17, udp("hello")), false},
	{"extensions", layers.Raw, ip6(0, ext(60, 1)+ext(43, 0)+ext(51, 2)+ah(44)+frag6(17, 0, 5)+udp("hello")), false},
	{"sctp", layers.Raw, ip4(132, sctp(data(3, "hello")+chunk(4, 0, "abc"))), false},
	{"icmp", layers.Raw, ip4(1, icmp(3, 3, ip4(17, udp("hello")))), false},
	{"icmpv6", layers.Raw, ip6(58, icmp(1, 4, ip6(17, udp("hello")))), false},
	{"offload", layers.Raw, patch(ip4(17, udpLen(0, "hello")), 2, u16(0)), true},
	{"offload-v6", layers.Raw, patch(ip6(6, tcp(0x10, "", "hello")), 4, u16(0)), true},
}
