package layers_test

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/sipsight/sipsight/layers"
)

const (
	flow4 = "192.0.2.1:5060 > 192.0.2.2:5062"
	flow6 = "[2001:db8::1]:5060 > [2001:db8::2]:5062"
	bare4 = "192.0.2.1:0 > 192.0.2.2:0"
	bare6 = "[2001:db8::1]:0 > [2001:db8::2]:0"
)

func flow(f *layers.Frame) string {
	if f.Src == (netip.AddrPort{}) && f.Dst == (netip.AddrPort{}) {
		return ""
	}
	return f.Src.String() + " > " + f.Dst.String()
}

// A want is what a test expects of a Frame. The payload is looked at where there is
// no error or a fragment, off always.
type want struct {
	err     error
	flow    string
	proto   layers.Proto
	payload string
	off     int
	missing int
	tags    uint8
}

func (w want) check(t *testing.T, f *layers.Frame, err error) {
	t.Helper()
	if err != w.err {
		t.Fatalf("error %v, want %v", err, w.err)
	}
	if got := flow(f); got != w.flow {
		t.Errorf("flow %q, want %q", got, w.flow)
	}
	if f.Proto != w.proto {
		t.Errorf("proto %d, want %d", f.Proto, w.proto)
	}
	if (err == nil || err == layers.ErrFragment) && string(f.Payload) != w.payload {
		t.Errorf("payload %q, want %q", f.Payload, w.payload)
	}
	if f.Off != w.off {
		t.Errorf("off %d, want %d", f.Off, w.off)
	}
	if f.Missing != w.missing {
		t.Errorf("missing %d, want %d", f.Missing, w.missing)
	}
	if f.Tags != w.tags {
		t.Errorf("tags %d, want %d", f.Tags, w.tags)
	}
}

func TestDecodeLink(t *testing.T) {
	u4, u6 := ip4(17, udp("hello")), ip6(17, udp("hello"))
	tags := func(n int) string { // n tags in front of u4
		return strings.Repeat(tag(1, typeVLAN), n-1) + tag(1, typeIPv4) + u4
	}
	tests := []struct {
		name string
		link layers.LinkType
		in   string
		want want
	}{
		{"ethernet, IPv4", layers.Ethernet, eth(typeIPv4, u4), want{nil, flow4, layers.UDP, "hello", 42, 0, 0}},
		{"ethernet, IPv6", layers.Ethernet, eth(typeIPv6, u6), want{nil, flow6, layers.UDP, "hello", 62, 0, 0}},
		{"ethernet, padded to 60 octets", layers.Ethernet, eth(typeIPv4, u4+zeros(13)), want{nil, flow4, layers.UDP, "hello", 42, 0, 0}},
		{"ethernet, ARP", layers.Ethernet, eth(typeARP, zeros(28)), want{err: layers.ErrUnsupported, off: 14}},
		{"ethernet, LLDP", layers.Ethernet, eth(0x88cc, zeros(28)), want{err: layers.ErrUnsupported, off: 14}},
		{"ethernet, IPv4 announced and IPv6 there", layers.Ethernet, eth(typeIPv4, u6), want{err: layers.ErrMalformed, off: 14}},
		{"ethernet, IPv6 announced and IPv4 there", layers.Ethernet, eth(typeIPv6, ip4(17, udp(zeros(20)))), want{err: layers.ErrMalformed, off: 14}},
		{"ethernet, empty", layers.Ethernet, "", want{err: layers.ErrTruncated}},
		{"ethernet, 13 octets", layers.Ethernet, eth(typeIPv4, "")[:13], want{err: layers.ErrTruncated}},
		{"ethernet, header alone", layers.Ethernet, eth(typeIPv4, ""), want{err: layers.ErrTruncated, off: 14}},

		{"802.1Q", layers.Ethernet, eth(typeVLAN, tags(1)), want{nil, flow4, layers.UDP, "hello", 46, 0, 1}},
		{"802.1Q, priority bits", layers.Ethernet, eth(typeVLAN, tag(0xe007, typeIPv6)+u6), want{nil, flow6, layers.UDP, "hello", 66, 0, 1}},
		{"802.1ad and 802.1Q", layers.Ethernet, eth(typeService, tags(2)), want{nil, flow4, layers.UDP, "hello", 50, 0, 2}},
		{"0x9100 and 0x9200", layers.Ethernet, eth(0x9100, tag(1, 0x9200)+tag(2, typeIPv4)+u4), want{nil, flow4, layers.UDP, "hello", 50, 0, 2}},
		{"16 tags", layers.Ethernet, eth(typeVLAN, tags(16)), want{nil, flow4, layers.UDP, "hello", 42 + 64, 0, 16}},
		{"17 tags", layers.Ethernet, eth(typeVLAN, tags(17)), want{err: layers.ErrTooDeep, off: 14 + 64, tags: 17}},
		{"5000 tags", layers.Ethernet, eth(typeVLAN, tags(5000)), want{err: layers.ErrTooDeep, off: 14 + 64, tags: 17}},
		{"tag, cut", layers.Ethernet, eth(typeVLAN, tags(1)[:3]), want{err: layers.ErrTruncated, off: 14}},
		{"tag, nothing behind it", layers.Ethernet, eth(typeVLAN, tag(1, typeIPv4)), want{err: layers.ErrTruncated, off: 18, tags: 1}},
		{"tag, ARP", layers.Ethernet, eth(typeVLAN, tag(1, typeARP)+zeros(28)), want{err: layers.ErrUnsupported, off: 18, tags: 1}},

		{"SNAP", layers.Ethernet, eth(41, snap(typeIPv4)+u4), want{nil, flow4, layers.UDP, "hello", 50, 0, 0}},
		{"SNAP behind a tag", layers.Ethernet, eth(typeVLAN, tag(1, 41)+snap(typeIPv4)+u4), want{nil, flow4, layers.UDP, "hello", 54, 0, 1}},
		{"tag behind SNAP", layers.Ethernet, eth(45, snap(typeVLAN)+tag(1, typeIPv4)+u4), want{nil, flow4, layers.UDP, "hello", 54, 0, 1}},
		{"SNAP, a length for a type", layers.Ethernet, eth(41, snap(41)+u4), want{err: layers.ErrUnsupported, off: 14}},
		{"SNAP, of an organisation", layers.Ethernet, eth(41, "\xaa\xaa\x03\x00\x00\x0c\x20\x00"+zeros(30)), want{err: layers.ErrUnsupported, off: 14}},
		{"SNAP, cut", layers.Ethernet, eth(41, snap(typeIPv4)[:7]), want{err: layers.ErrTruncated, off: 14}},
		{"LLC, spanning tree", layers.Ethernet, eth(38, "\x42\x42\x03"+zeros(35)), want{err: layers.ErrUnsupported, off: 14}},
		{"LLC, whole in three octets", layers.Ethernet, eth(3, "\x00\x00\xf3"), want{err: layers.ErrUnsupported, off: 14}},
		{"LLC, cut", layers.Ethernet, eth(38, "\x42\x42"), want{err: layers.ErrTruncated, off: 14}},
		{"the highest length", layers.Ethernet, eth(0x5ff, snap(typeIPv4)+u4), want{nil, flow4, layers.UDP, "hello", 50, 0, 0}},
		{"the lowest type", layers.Ethernet, eth(0x600, snap(typeIPv4)+u4), want{err: layers.ErrUnsupported, off: 14}},

		{"cooked v1, IPv4", layers.LinuxSLL, sll(typeIPv4, u4), want{nil, flow4, layers.UDP, "hello", 44, 0, 0}},
		{"cooked v1, tag and IPv6", layers.LinuxSLL, sll(typeVLAN, tag(1, typeIPv6)+u6), want{nil, flow6, layers.UDP, "hello", 68, 0, 1}},
		{"cooked v1, LLC", layers.LinuxSLL, sll(4, "\x42\x42\x03"+zeros(35)), want{err: layers.ErrUnsupported, off: 16}},
		{"cooked v1, ARP", layers.LinuxSLL, sll(typeARP, zeros(28)), want{err: layers.ErrUnsupported, off: 16}},
		{"cooked v1, 15 octets", layers.LinuxSLL, sll(typeIPv4, "")[:15], want{err: layers.ErrTruncated}},
		{"cooked v2, IPv4", layers.LinuxSLL2, sll2(typeIPv4, u4), want{nil, flow4, layers.UDP, "hello", 48, 0, 0}},
		{"cooked v2, IPv6", layers.LinuxSLL2, sll2(typeIPv6, u6), want{nil, flow6, layers.UDP, "hello", 68, 0, 0}},
		{"cooked v2, 19 octets", layers.LinuxSLL2, sll2(typeIPv4, "")[:19], want{err: layers.ErrTruncated}},

		{"null, IPv4, little-endian", layers.Null, le32(2) + u4, want{nil, flow4, layers.UDP, "hello", 32, 0, 0}},
		{"null, IPv4, big-endian", layers.Null, u32(2) + u4, want{nil, flow4, layers.UDP, "hello", 32, 0, 0}},
		{"null, IPv6 of NetBSD", layers.Null, le32(24) + u6, want{nil, flow6, layers.UDP, "hello", 52, 0, 0}},
		{"null, IPv6 of FreeBSD", layers.Null, le32(28) + u6, want{nil, flow6, layers.UDP, "hello", 52, 0, 0}},
		{"null, IPv6 of Darwin", layers.Null, le32(30) + u6, want{nil, flow6, layers.UDP, "hello", 52, 0, 0}},
		{"null, IPv6 of Darwin, big-endian", layers.Null, u32(30) + u6, want{nil, flow6, layers.UDP, "hello", 52, 0, 0}},
		{"null, IPv6 of Windows", layers.Null, le32(23) + u6, want{nil, flow6, layers.UDP, "hello", 52, 0, 0}},
		{"null, an EtherType", layers.Null, le32(0x800) + u4, want{nil, flow4, layers.UDP, "hello", 32, 0, 0}},
		{"null, an EtherType, big-endian", layers.Null, u32(0x86dd) + u6, want{nil, flow6, layers.UDP, "hello", 52, 0, 0}},
		{"null, IPv6 under the EtherType of IPv4", layers.Null, le32(0x800) + u6, want{nil, flow6, layers.UDP, "hello", 52, 0, 0}},
		{"null, IPv6 under the family of IPv4", layers.Null, le32(2) + u6, want{nil, flow6, layers.UDP, "hello", 52, 0, 0}},
		{"null, OSI", layers.Null, le32(7) + zeros(40), want{err: layers.ErrUnsupported}},
		{"null, family in no byte order", layers.Null, "\x00\x02\x02\x00" + u4, want{err: layers.ErrUnsupported}},
		{"null, header left out", layers.Null, u4, want{nil, flow4, layers.UDP, "hello", 28, 0, 0}},
		{"null, header left out and cut", layers.Null, u4[:19], want{err: layers.ErrUnsupported}},
		{"null, header alone", layers.Null, le32(2), want{err: layers.ErrTruncated, off: 4}},
		{"null, three octets", layers.Null, "\x02\x00\x00", want{err: layers.ErrTruncated}},
		{"loop, IPv4", layers.Loop, u32(2) + u4, want{nil, flow4, layers.UDP, "hello", 32, 0, 0}},
		{"loop, IPv6", layers.Loop, u32(24) + u6, want{nil, flow6, layers.UDP, "hello", 52, 0, 0}},
		{"loop, version 5", layers.Loop, u32(2) + "\x55" + u4[1:], want{err: layers.ErrMalformed, off: 4}},

		{"raw, IPv4", layers.Raw, u4, want{nil, flow4, layers.UDP, "hello", 28, 0, 0}},
		{"raw, IPv6", layers.Raw, u6, want{nil, flow6, layers.UDP, "hello", 48, 0, 0}},
		{"raw, numbered 12", layers.RawBSD, u4, want{nil, flow4, layers.UDP, "hello", 28, 0, 0}},
		{"raw, numbered 14", layers.RawOBSD, u6, want{nil, flow6, layers.UDP, "hello", 48, 0, 0}},
		{"IPv4 alone", layers.IPv4Only, u4, want{nil, flow4, layers.UDP, "hello", 28, 0, 0}},
		{"IPv6 alone", layers.IPv6Only, u6, want{nil, flow6, layers.UDP, "hello", 48, 0, 0}},
		{"raw, empty", layers.Raw, "", want{err: layers.ErrTruncated}},
		{"raw, version 0", layers.Raw, zeros(40), want{err: layers.ErrMalformed}},
		{"raw, version 15", layers.Raw, "\xff" + zeros(40), want{err: layers.ErrMalformed}},

		{"a link type that is not known", 147, u4, want{err: layers.ErrUnsupported}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var f layers.Frame
			err := f.Decode(test.link, 0, clip(test.in))
			test.want.check(t, &f, err)
		})
	}
}

func TestDecodeIP(t *testing.T) {
	const headers = 28 // IPv4 and UDP
	u4, u6 := ip4(17, udp("hello")), ip6(17, udp("hello"))
	chain := func(n int) string { // n extension headers in front of UDP
		return ip6(60, strings.Repeat(ext(60, 0), n-1)+ext(17, 0)+udp("hello"))
	}
	tests := []struct {
		name string
		in   string
		want want
	}{
		{"IPv4, options", ip4opt(17, zeros(4), udp("hello")), want{nil, flow4, layers.UDP, "hello", headers + 4, 0, 0}},
		{"IPv4, 40 octets of options", ip4opt(17, zeros(40), udp("hello")), want{nil, flow4, layers.UDP, "hello", headers + 40, 0, 0}},
		{"IPv4, options cut", ip4opt(17, zeros(8), udp("hello"))[:27], want{layers.ErrTruncated, bare4, layers.UDP, "", 0, 0, 0}},
		{"IPv4, header length 16", "\x44" + u4[1:], want{err: layers.ErrMalformed}},
		{"IPv4, header length 0", "\x40" + u4[1:], want{err: layers.ErrMalformed}},
		{"IPv4, header longer than the total length", "\x4f" + patch(u4, 2, u16(59))[1:], want{err: layers.ErrMalformed}},
		{"IPv4, total length 19", patch(u4, 2, u16(19)), want{err: layers.ErrMalformed}},
		{"IPv4, total length 20", patch(u4, 2, u16(20)), want{layers.ErrTruncated, bare4, layers.UDP, "", 20, 0, 0}},
		{"IPv4, total length 0", patch(u4, 2, u16(0)), want{nil, flow4, layers.UDP, "hello", headers, 0, 0}},
		{"IPv4, total length 0 and a UDP length of its own", patch(u4, 2, u16(0)) + "pad", want{nil, flow4, layers.UDP, "hello", headers, 0, 0}},
		{"IPv4, octets behind it", u4 + "padding", want{nil, flow4, layers.UDP, "hello", headers, 0, 0}},
		{"IPv4, cut in the payload", u4[:30], want{nil, flow4, layers.UDP, "he", headers, 3, 0}},
		{"IPv4, cut behind the UDP header", u4[:28], want{nil, flow4, layers.UDP, "", headers, 5, 0}},
		{"IPv4, cut in the UDP header", u4[:27], want{layers.ErrTruncated, bare4, layers.UDP, "", 20, 6, 0}},
		{"IPv4, cut in the header", u4[:19], want{err: layers.ErrTruncated}},
		{"IPv4, OSPF", ip4(protoOSPF, "hello"), want{layers.ErrUnsupported, bare4, protoOSPF, "", 20, 0, 0}},

		{"IPv6, payload length 0", patch(u6, 4, u16(0)), want{nil, flow6, layers.UDP, "hello", 48, 0, 0}},
		{"IPv6, octets behind it", u6 + "padding", want{nil, flow6, layers.UDP, "hello", 48, 0, 0}},
		{"IPv6, cut in the payload", u6[:50], want{nil, flow6, layers.UDP, "he", 48, 3, 0}},
		{"IPv6, cut in the UDP header", u6[:47], want{layers.ErrTruncated, bare6, layers.UDP, "", 40, 6, 0}},
		{"IPv6, cut in the header", u6[:39], want{err: layers.ErrTruncated}},
		{"IPv6, header alone", u6[:40], want{layers.ErrTruncated, bare6, layers.UDP, "", 40, 13, 0}},
		{"IPv6, OSPF", ip6(protoOSPF, "hello"), want{layers.ErrUnsupported, bare6, protoOSPF, "", 40, 0, 0}},
		{"IPv6, no next header", ip6(59, "hello"), want{layers.ErrUnsupported, bare6, 59, "", 40, 0, 0}},
		{"IPv6, hop-by-hop", ip6(0, ext(17, 0)+udp("hello")), want{nil, flow6, layers.UDP, "hello", 56, 0, 0}},
		{"IPv6, long routing header", ip6(43, ext(17, 4)+udp("hello")), want{nil, flow6, layers.UDP, "hello", 88, 0, 0}},
		{"IPv6, every extension header", ip6(0, ext(43, 0)+ext(60, 0)+ext(135, 0)+ext(139, 0)+ext(140, 0)+ext(17, 0)+udp("hello")),
			want{nil, flow6, layers.UDP, "hello", 96, 0, 0}},
		{"IPv6, authentication header", ip6(51, ah(17)+udp("hello")), want{nil, flow6, layers.UDP, "hello", 72, 0, 0}},
		{"IPv6, authentication header with the least length", ip6(51, "\x11\x00"+zeros(6)+udp("hello")), want{nil, flow6, layers.UDP, "hello", 56, 0, 0}},
		{"IPv6, TCP behind extensions", ip6(60, ext(6, 0)+tcp(0x18, "", "hello")), want{nil, flow6, layers.TCP, "hello", 68, 0, 0}},
		{"IPv6, 32 extension headers", chain(32), want{nil, flow6, layers.UDP, "hello", 48 + 32*8, 0, 0}},
		{"IPv6, 33 extension headers", chain(33), want{layers.ErrMalformed, bare6, 60, "", 40 + 33*8, 0, 0}},
		{"IPv6, 5000 extension headers", chain(5000), want{layers.ErrMalformed, bare6, 60, "", 40 + 33*8, 0, 0}},
		{"IPv6, extension header longer than the packet", ip6(0, "\x11\x01"+zeros(13)), want{layers.ErrTruncated, bare6, 0, "", 40, 0, 0}},
		{"IPv6, one octet of an extension header", ip6(0, "\x11"), want{layers.ErrTruncated, bare6, 0, "", 40, 0, 0}},
		{"IPv6, one octet of an authentication header", ip6(51, "\x11"), want{layers.ErrTruncated, bare6, 51, "", 40, 0, 0}},
		{"IPv6, fragment header cut", ip6(44, frag6(17, 0, 1)[:7]), want{layers.ErrTruncated, bare6, 44, "", 40, 0, 0}},
		{"IPv6, atomic fragment", ip6(44, frag6(17, 0, 9)+udp("hello")), want{nil, flow6, layers.UDP, "hello", 56, 0, 0}},
		{"IPv6, atomic fragment with reserved bits", ip6(44, frag6(17, 6, 9)+udp("hello")), want{nil, flow6, layers.UDP, "hello", 56, 0, 0}},
		{"IPv6, extensions behind an atomic fragment", ip6(0, ext(44, 0)+frag6(60, 0, 9)+ext(17, 0)+udp("hello")),
			want{nil, flow6, layers.UDP, "hello", 72, 0, 0}},

		{"UDP, empty", ip4(17, udp("")), want{nil, flow4, layers.UDP, "", headers, 0, 0}},
		{"UDP, length 0", ip4(17, udpLen(0, "hello")), want{nil, flow4, layers.UDP, "hello", headers, 0, 0}},
		{"UDP, length 0 and cut", ip4(17, udpLen(0, "hello"))[:30], want{nil, flow4, layers.UDP, "he", headers, 3, 0}},
		{"UDP, length 7", ip4(17, udpLen(7, "hello")), want{layers.ErrMalformed, flow4, layers.UDP, "", 20, 0, 0}},
		{"UDP, length 8", ip4(17, udpLen(8, "hello")), want{nil, flow4, layers.UDP, "", headers, 0, 0}},
		{"UDP, shorter than the packet", ip4(17, udpLen(10, "hello")), want{nil, flow4, layers.UDP, "he", headers, 0, 0}},
		{"UDP, shorter than the packet, which is cut behind it", ip4(17, udpLen(10, "hello"))[:31], want{nil, flow4, layers.UDP, "he", headers, 0, 0}},
		{"UDP, longer than the packet", ip4(17, udpLen(65535, "hello")), want{nil, flow4, layers.UDP, "hello", headers, 0, 0}},
		{"UDP, longer than the packet, and cut", ip4(17, udpLen(65535, "hello"))[:30], want{nil, flow4, layers.UDP, "he", headers, 3, 0}},
		{"UDP, longer than a packet of unknown length", patch(ip4(17, udpLen(65535, "hello")), 2, u16(0)), want{nil, flow4, layers.UDP, "hello", headers, 65535 - 13, 0}},
		{"UDP, seven octets", ip4(17, udp("")[:7]), want{layers.ErrTruncated, bare4, layers.UDP, "", 20, 0, 0}},

		{"TCP", ip4(6, tcp(0x18, "", "hello")), want{nil, flow4, layers.TCP, "hello", 40, 0, 0}},
		{"TCP, options", ip4(6, tcp(2, zeros(40), "hello")), want{nil, flow4, layers.TCP, "hello", 80, 0, 0}},
		{"TCP, offset 4", ip4(6, patch(tcp(2, "", "hello"), 12, "\x40")), want{layers.ErrMalformed, flow4, layers.TCP, "", 20, 0, 0}},
		{"TCP, offset 0", ip4(6, patch(tcp(2, "", "hello"), 12, "\x00")), want{layers.ErrMalformed, flow4, layers.TCP, "", 20, 0, 0}},
		{"TCP, offset behind the packet", ip4(6, patch(tcp(2, "", "hello"), 12, "\xf0")), want{layers.ErrMalformed, flow4, layers.TCP, "", 20, 0, 0}},
		{"TCP, offset at the end of the packet", ip4(6, patch(tcp(2, "", "four"), 12, "\x60")), want{nil, flow4, layers.TCP, "", 44, 0, 0}},
		{"TCP, cut in the options", ip4(6, tcp(2, zeros(8), "hello"))[:44], want{layers.ErrTruncated, flow4, layers.TCP, "", 20, 9, 0}},
		{"TCP, cut in the payload", ip4(6, tcp(2, zeros(8), "hello"))[:49], want{nil, flow4, layers.TCP, "h", 48, 4, 0}},
		{"TCP, 19 octets", ip4(6, tcp(2, "", "")[:19]), want{layers.ErrTruncated, bare4, layers.TCP, "", 20, 0, 0}},

		{"SCTP", ip4(132, sctp("hello")), want{nil, flow4, layers.SCTP, "hello", 32, 0, 0}},
		{"SCTP, 11 octets", ip4(132, sctp("")[:11]), want{layers.ErrTruncated, bare4, layers.SCTP, "", 20, 0, 0}},
		{"ICMP", ip4(1, icmp(8, 0, "hello")), want{nil, bare4, layers.ICMP, "hello", 28, 0, 0}},
		{"ICMP, seven octets", ip4(1, icmp(8, 0, "")[:7]), want{layers.ErrTruncated, bare4, layers.ICMP, "", 20, 0, 0}},
		{"ICMPv6", ip6(58, icmp(128, 0, "hello")), want{nil, bare6, layers.ICMPv6, "hello", 48, 0, 0}},

		{"fragment of IPv4, the first", frag4(17, 0x2000, udp("hello")), want{layers.ErrFragment, bare4, layers.UDP, udp("hello"), 20, 0, 0}},
		{"fragment of IPv4, the last", frag4(17, 0x0003, "hello"), want{layers.ErrFragment, bare4, layers.UDP, "hello", 20, 0, 0}},
		{"fragment of IPv4, cut", frag4(17, 0x0003, "hello")[:23], want{layers.ErrFragment, bare4, layers.UDP, "hel", 20, 2, 0}},
		{"fragment of IPv4 of a protocol that is not known", frag4(protoOSPF, 0x0003, "hello"), want{layers.ErrFragment, bare4, protoOSPF, "hello", 20, 0, 0}},
		{"IPv4 that must not be fragmented", frag4(17, 0x4000, udp("hello")), want{nil, flow4, layers.UDP, "hello", headers, 0, 0}},
		{"IPv4 with the reserved flag", frag4(17, 0x8000, udp("hello")), want{nil, flow4, layers.UDP, "hello", headers, 0, 0}},
		{"fragment of IPv6, the first", ip6(44, frag6(17, 1, 9)+udp("hello")), want{layers.ErrFragment, bare6, layers.UDP, udp("hello"), 48, 0, 0}},
		{"fragment of IPv6, the last", ip6(44, frag6(17, 24, 9)+"hello"), want{layers.ErrFragment, bare6, layers.UDP, "hello", 48, 0, 0}},
		{"fragment of IPv6 behind an extension header", ip6(0, ext(44, 0)+frag6(6, 24, 9)+"hello"), want{layers.ErrFragment, bare6, layers.TCP, "hello", 56, 0, 0}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var f layers.Frame
			err := f.DecodeIP(clip(test.in))
			test.want.check(t, &f, err)
		})
	}
}

func TestDecodeFields(t *testing.T) {
	var f layers.Frame
	if err := f.Decode(layers.Raw, 0, clip(ip4(6, tcp(layers.FlagSYN|layers.FlagACK, "", "")))); err != nil {
		t.Fatal(err)
	}
	if f.Version != 4 || f.TTL != 64 || f.IPID != 0x1234 || f.Seq != 0x01020304 || f.Ack != 0xfffffff0 || f.Flags != 0x12 {
		t.Errorf("IPv4 and TCP: %+v", f)
	}
	if err := f.Decode(layers.Raw, 0, clip(ip6(58, icmp(3, 1, "x")))); err != nil {
		t.Fatal(err)
	}
	if f.Version != 6 || f.TTL != 64 || f.IPID != 0 || f.Type != 3 || f.Code != 1 || f.Seq != 0 || f.Flags != 0 {
		t.Errorf("IPv6 and ICMPv6: %+v", f)
	}
	if err := f.Decode(layers.Raw, 0, clip(ip6(44, frag6(17, 0, 77)+udp("")))); err != nil || f.IPID != 77 {
		t.Errorf("atomic fragment: %v, IPID %d", err, f.IPID)
	}
	if flags := layers.FlagFIN | layers.FlagSYN | layers.FlagRST | layers.FlagPSH | layers.FlagACK; flags != 0x1f {
		t.Errorf("flags %#x", flags)
	}
}

func TestFragment(t *testing.T) {
	tests := []struct {
		name string
		in   string
		want layers.Fragment
	}{
		{"IPv4, first", frag4(17, 0x2000, "12345678"), layers.Fragment{ID: 0x1234, Offset: 0, More: true}},
		{"IPv4, middle", frag4(17, 0x2001, "12345678"), layers.Fragment{ID: 0x1234, Offset: 8, More: true}},
		{"IPv4, last", frag4(17, 0x1fff, "x"), layers.Fragment{ID: 0x1234, Offset: 65528}},
		{"IPv6, first", ip6(44, frag6(17, 1, 0xdeadbeef)+"12345678"), layers.Fragment{ID: 0xdeadbeef, Offset: 0, More: true}},
		{"IPv6, middle", ip6(44, frag6(17, 9, 0xdeadbeef)+"12345678"), layers.Fragment{ID: 0xdeadbeef, Offset: 8, More: true}},
		{"IPv6, last", ip6(44, frag6(17, 0xfffe, 0xdeadbeef)+"x"), layers.Fragment{ID: 0xdeadbeef, Offset: 65528}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var f layers.Frame
			if err := f.DecodeIP(clip(test.in)); err != layers.ErrFragment {
				t.Fatalf("error %v", err)
			}
			if f.Fragment != test.want {
				t.Errorf("%+v, want %+v", f.Fragment, test.want)
			}
		})
	}
}

// A datagram put together from its fragments decodes like one that was never taken apart.
func TestTransport(t *testing.T) {
	payloads := []struct {
		name  string
		proto byte
		whole string
	}{
		{"UDP", 17, udp("hello, world")},
		{"TCP", 6, tcp(0x18, "\x01\x01\x01\x00", "hello, world")},
		{"SCTP", 132, sctp(data(3, "hello, world"))},
		{"ICMP", 1, icmp(8, 0, "hello, world")},
	}
	for _, p := range payloads {
		for _, v6 := range []bool{false, true} {
			name, whole, first, fragmentable := p.name+" over IPv4", ip4(p.proto, p.whole), frag4(p.proto, 0x2000, p.whole[:16]), p.whole
			if v6 {
				fragmentable = ext(p.proto, 0) + p.whole
				name, whole = p.name+" over IPv6", ip6(60, fragmentable)
				first = ip6(44, frag6(60, 1, 5)+fragmentable[:16])
			}
			t.Run(name, func(t *testing.T) {
				var a, b layers.Frame
				if err := a.DecodeIP(clip(whole)); err != nil {
					t.Fatal(err)
				}
				if err := b.DecodeIP(clip(first)); err != layers.ErrFragment {
					t.Fatal(err)
				}
				if err := b.Transport(clip(fragmentable), 0); err != nil {
					t.Fatal(err)
				}
				if flow(&a) != flow(&b) || a.Proto != b.Proto || !bytes.Equal(a.Payload, b.Payload) || a.Missing != b.Missing || a.Seq != b.Seq || a.Type != b.Type {
					t.Errorf("put together %+v, whole %+v", b, a)
				}
				if b.Fragment != (layers.Fragment{}) {
					t.Errorf("still a fragment: %+v", b.Fragment)
				}
			})
		}
	}
}

func TestTransportMissing(t *testing.T) {
	first := frag4(17, 0x2000, udpLen(8+100, "hello123"))
	var f layers.Frame
	if err := f.DecodeIP(clip(first)); err != layers.ErrFragment {
		t.Fatal(err)
	}
	if err := f.Transport(f.Payload, 1); err != nil {
		t.Fatal(err)
	}
	want{nil, flow4, layers.UDP, "hello123", 28, 92, 0}.check(t, &f, nil)

	if err := f.DecodeIP(clip(frag4(6, 0x2000, tcp(2, zeros(8), "")[:24]))); err != layers.ErrFragment {
		t.Fatal(err)
	}
	if err := f.Transport(f.Payload, 1); err != layers.ErrTruncated {
		t.Errorf("TCP options in the next fragment: %v", err)
	}
	if err := f.DecodeIP(clip(ip6(44, frag6(44, 1, 5)+frag6(17, 1, 6)))); err != layers.ErrFragment {
		t.Fatal(err)
	}
	if err := f.Transport(f.Payload, 0); err != layers.ErrFragment || f.Fragment.ID != 6 {
		t.Errorf("fragment in a fragment: %v, %+v", err, f.Fragment)
	}
}

func TestFrameCheckSequence(t *testing.T) {
	packet := eth(typeIPv4, patch(ip4(17, udpLen(0, "hello")), 2, u16(0))) // only the end of the frame tells its length
	tests := []struct {
		name    string
		fcs     int
		in      string
		payload string
	}{
		{"none", 0, packet, "hello"},
		{"not known", -1, packet, "hello"},
		{"four octets", 4, packet + "\xde\xad\xbe\xef", "hello"},
		{"two octets", 2, packet + "\xde\xad", "hello"},
		{"longer than the packet", len(packet) + 1, packet, "hello"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var f layers.Frame
			if err := f.Decode(layers.Ethernet, test.fcs, clip(test.in)); err != nil {
				t.Fatal(err)
			}
			if string(f.Payload) != test.payload {
				t.Errorf("payload %q, want %q", f.Payload, test.payload)
			}
			if cap(f.Payload) != len(f.Payload) {
				t.Errorf("payload can grow into the check sequence")
			}
		})
	}
	var f layers.Frame
	if err := f.Decode(layers.Ethernet, len(packet), clip(packet)); err != layers.ErrTruncated {
		t.Errorf("a packet that is all check sequence: %v", err)
	}
}

func TestQuote(t *testing.T) {
	inner := ip4(17, udp("INVITE"))
	inner6 := ip6(17, udp("INVITE"))
	tests := []struct {
		name string
		in   string
		want string
	}{
		{"destination unreachable", ip4(1, icmp(3, 3, inner)), inner},
		{"source quench", ip4(1, icmp(4, 0, inner)), inner},
		{"redirect", ip4(1, icmp(5, 1, inner)), inner},
		{"time exceeded", ip4(1, icmp(11, 0, inner)), inner},
		{"parameter problem", ip4(1, icmp(12, 0, inner)), inner},
		{"echo", ip4(1, icmp(8, 0, inner)), ""},
		{"echo reply", ip4(1, icmp(0, 0, inner)), ""},
		{"v6, destination unreachable", ip6(58, icmp(1, 4, inner6)), inner6},
		{"v6, packet too big", ip6(58, icmp(2, 0, inner6)), inner6},
		{"v6, time exceeded", ip6(58, icmp(3, 0, inner6)), inner6},
		{"v6, parameter problem", ip6(58, icmp(4, 0, inner6)), inner6},
		{"v6, type 0", ip6(58, icmp(0, 0, inner6)), ""},
		{"v6, type 5", ip6(58, icmp(5, 0, inner6)), ""},
		{"v6, echo", ip6(58, icmp(128, 0, inner6)), ""},
		{"UDP", ip4(17, udp(inner)), ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var f, quoted layers.Frame
			if err := f.DecodeIP(clip(test.in)); err != nil {
				t.Fatal(err)
			}
			q := f.Quote()
			if string(q) != test.want {
				t.Fatalf("quote %q, want %q", q, test.want)
			}
			if q == nil {
				return
			}
			if err := quoted.DecodeIP(q); err != nil || string(quoted.Payload) != "INVITE" {
				t.Errorf("quoted packet: %v, payload %q", err, quoted.Payload)
			}
		})
	}
}

// The quote of an ICMP error may end eight octets behind its IP header.
func TestQuoteCut(t *testing.T) {
	inner := ip4(17, udp("INVITE"))[:28]
	var f, quoted layers.Frame
	if err := f.DecodeIP(clip(ip4(1, icmp(3, 3, inner)))); err != nil {
		t.Fatal(err)
	}
	err := quoted.DecodeIP(f.Quote())
	want{nil, flow4, layers.UDP, "", 28, 6, 0}.check(t, &quoted, err)
}

func TestErrors(t *testing.T) {
	for _, err := range decodeErrors {
		if err != nil && !strings.HasPrefix(err.Error(), "layers: ") {
			t.Errorf("%q does not name its room", err)
		}
	}
}

var decodeErrors = []error{nil, layers.ErrTruncated, layers.ErrMalformed, layers.ErrFragment, layers.ErrUnsupported, layers.ErrEncrypted, layers.ErrTooDeep}

// used is a Frame that has seen every packet of the tests so far.
var used layers.Frame

// sameFrame reports whether the exported fields of two frames are the same.
func sameFrame(a, b *layers.Frame) bool {
	v, w := reflect.ValueOf(*a), reflect.ValueOf(*b)
	for i := range v.NumField() {
		if !v.Type().Field(i).IsExported() {
			continue
		}
		x, y := v.Field(i), w.Field(i)
		if x.Kind() == reflect.Slice && x.Len() == 0 && y.Len() == 0 {
			continue
		}
		if !reflect.DeepEqual(x.Interface(), y.Interface()) {
			return false
		}
	}
	return true
}

// checkLaws checks what holds for every packet.
func checkLaws(t *testing.T, link layers.LinkType, fcs int, b []byte) {
	t.Helper()
	b = clip(b)
	saved := bytes.Clone(b)
	fail := func(format string, args ...any) {
		t.Helper()
		t.Errorf("link %v, fcs %d, packet %x:", link, fcs, saved)
		t.Fatalf(format, args...)
	}

	// Nothing of an earlier packet is left.
	var f layers.Frame
	err := f.Decode(link, fcs, b)
	if usedErr := used.Decode(link, fcs, b); usedErr != err || !sameFrame(&f, &used) {
		fail("a used Frame gives %+v, %v, a new one %+v, %v", used, usedErr, f, err)
	}
	if !slices.Contains(decodeErrors, err) {
		fail("error %v", err)
	}
	if f.Off < 0 || f.Off > len(b) || f.Missing < 0 {
		fail("off %d, missing %d", f.Off, f.Missing)
	}
	if (f.Fragment != layers.Fragment{}) && err != layers.ErrFragment {
		fail("fragment %+v with error %v", f.Fragment, err)
	}

	// The payload lies inside the packet, and starts at Off where nothing is wrong.
	end := len(b)
	if fcs > 0 && fcs <= end {
		end -= fcs
	}
	if len(f.Payload) > 0 {
		i := slices.IndexFunc(ptrs(b), func(p *byte) bool { return p == &f.Payload[0] })
		if i < 0 || i+len(f.Payload) > end {
			fail("payload of %d octets at %d of %d", len(f.Payload), i, end)
		}
		if (err == nil || err == layers.ErrFragment) && i != f.Off {
			fail("payload at %d, off %d", i, f.Off)
		}
	}
	if !bytes.Equal(b, saved) {
		fail("packet changed")
	}
}

func ptrs(b []byte) []*byte {
	p := make([]*byte, len(b))
	for i := range b {
		p[i] = &b[i]
	}
	return p
}

func TestLawsSamples(t *testing.T) {
	for _, s := range samples {
		t.Run(s.name, func(t *testing.T) {
			var f layers.Frame
			if err := f.Decode(s.link, 0, clip(s.in)); err != nil {
				t.Fatal(err)
			}
			checkLaws(t, s.link, 0, []byte(s.in))
		})
	}
}

// A packet that is cut gives a beginning of its payload and counts the rest, or says
// that it ends too early.
func TestPrefixes(t *testing.T) {
	for _, s := range samples {
		t.Run(s.name, func(t *testing.T) {
			var whole layers.Frame
			if err := whole.Decode(s.link, 0, clip(s.in)); err != nil {
				t.Fatal(err)
			}
			for n := range s.in {
				cut := clip(s.in[:n])
				checkLaws(t, s.link, 0, cut)
				checkLaws(t, s.link, 4, cut)
				var f layers.Frame
				switch err := f.Decode(s.link, 0, cut); {
				case err == nil && !bytes.HasPrefix(whole.Payload, f.Payload):
					t.Fatalf("cut at %d: payload %q is no beginning of %q", n, f.Payload, whole.Payload)
				case err == nil && !s.offload && len(f.Payload)+f.Missing != len(whole.Payload):
					t.Fatalf("cut at %d: %d octets and %d missing of %d", n, len(f.Payload), f.Missing, len(whole.Payload))
				case err == nil && flow(&f) != flow(&whole):
					t.Fatalf("cut at %d: %s, whole %s", n, flow(&f), flow(&whole))
				case err != nil && n >= whole.Off:
					t.Fatalf("cut at %d, behind the headers: %v", n, err)
				case err != nil && err != layers.ErrTruncated && err != layers.ErrUnsupported && !s.offload:
					t.Fatalf("cut at %d: %v", n, err)
				}
			}
		})
	}
}

// mutate returns b with a few octets changed, cut off, added or doubled.
func mutate(r *rand.Rand, b []byte) []byte {
	b = bytes.Clone(b)
	for range 1 + r.IntN(4) {
		switch i := r.IntN(len(b) + 1); r.IntN(6) {
		case 0:
			b = b[:i]
		case 1:
			b = slices.Insert(b, i, make([]byte, r.IntN(9))...)
		case 2:
			b = slices.Insert(b, i, b[:r.IntN(i+1)]...)
		default:
			if i < len(b) {
				b[i] = [...]byte{0, 1, 0x7f, 0x80, 0xff, b[i] + 1, b[i] ^ 0x20, byte(r.Uint32())}[r.IntN(8)]
			}
		}
	}
	return b
}

func TestLawsMutated(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	links := []layers.LinkType{layers.Ethernet, layers.LinuxSLL, layers.LinuxSLL2, layers.Null, layers.Loop, layers.Raw, 147}
	for _, s := range samples {
		t.Run(s.name, func(t *testing.T) {
			for range 400 {
				b := mutate(r, []byte(s.in))
				checkLaws(t, s.link, 0, b)
				checkLaws(t, links[r.IntN(len(links))], r.IntN(6)-1, b)
			}
		})
	}
	for range 4000 {
		b := make([]byte, r.IntN(80))
		for i := range b {
			b[i] = byte(r.Uint32())
		}
		if len(b) > 0 && r.IntN(2) == 0 {
			b[0] = [...]byte{0x45, 0x60, 0x46, 0x4f}[r.IntN(4)]
		}
		checkLaws(t, layers.Raw, 0, b)
		checkLaws(t, layers.Ethernet, 0, b)
	}
}

// An IP packet is the same packet whatever link it travelled on.
func TestLinksAgree(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for _, s := range samples {
		if s.link != layers.Raw {
			continue
		}
		t.Run(s.name, func(t *testing.T) {
			for i := range 300 {
				in := []byte(s.in)
				if i > 0 {
					in = mutate(r, in)
				}
				if len(in) == 0 || in[0]>>4 != s.in[0]>>4 {
					continue
				}
				typ, family := typeIPv4, uint32(2)
				if in[0]>>4 == 6 {
					typ, family = typeIPv6, 30
				}
				var raw layers.Frame
				rawErr := raw.Decode(layers.Raw, 0, clip(in))
				for _, other := range []struct {
					link layers.LinkType
					in   string
				}{
					{layers.Ethernet, eth(typ, string(in))},
					{layers.LinuxSLL, sll(typ, string(in))},
					{layers.LinuxSLL2, sll2(typ, string(in))},
					{layers.Loop, u32(family) + string(in)},
					{layers.Null, le32(family) + string(in)},
				} {
					var f layers.Frame
					err := f.Decode(other.link, 0, clip(other.in))
					f.Off -= len(other.in) - len(in)
					if err != rawErr || !sameFrame(&f, &raw) {
						t.Fatalf("%v: %+v, %v; raw: %+v, %v; packet %x", other.link, f, err, raw, rawErr, in)
					}
				}
			}
		})
	}
}

func TestAllocs(t *testing.T) {
	var f layers.Frame
	test := func(name string, decode func()) {
		t.Helper()
		if n := testing.AllocsPerRun(100, decode); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
	decode := func(name string, link layers.LinkType, in string, want error) {
		t.Helper()
		b := clip(in)
		test(name, func() {
			if err := f.Decode(link, 0, b); !errors.Is(err, want) || (err == nil) != (want == nil) {
				panic(err)
			}
		})
	}
	for _, s := range samples {
		decode(s.name, s.link, s.in, nil)
	}
	decode("truncated", layers.Ethernet, eth(typeIPv4, "")[:9], layers.ErrTruncated)
	decode("malformed", layers.Raw, zeros(40), layers.ErrMalformed)
	decode("fragment", layers.Raw, frag4(17, 0x2000, "12345678"), layers.ErrFragment)
	decode("unsupported", layers.Ethernet, eth(typeARP, zeros(28)), layers.ErrUnsupported)
	decode("tags", layers.Ethernet, eth(typeVLAN, strings.Repeat(tag(1, typeVLAN), 40)), layers.ErrTooDeep)
	decode("link", 147, ip4(17, udp("hello")), layers.ErrUnsupported)

	datagram := clip(udp("hello"))
	test("Transport", func() {
		if err := f.Transport(datagram, 0); err != nil && f.Proto == layers.UDP {
			panic(err)
		}
	})
	chunks := clip(data(3, "hello") + data(3, "world"))
	test("Chunks", func() {
		n := 0
		for c := range layers.Chunks(chunks) {
			if d, ok := c.Data(); !ok || len(d.User) != 5 {
				panic("no data")
			}
			n++
		}
		if n != 2 {
			panic(n)
		}
	})
	test("Quote", func() { _ = f.Quote() })
}
