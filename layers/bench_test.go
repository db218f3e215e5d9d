package layers_test

import (
	"strings"
	"testing"

	"github.com/sipsight/sipsight/layers"
)

func BenchmarkDecode(b *testing.B) {
	text := strings.Repeat("0123456789", 50)
	for _, c := range []struct {
		name string
		link layers.LinkType
		in   string
		want error
	}{
		{"ethernet-ipv4-udp", layers.Ethernet, eth(typeIPv4, ip4(17, udp(text))), nil},
		{"ethernet-ipv4-tcp", layers.Ethernet, eth(typeIPv4, ip4(6, tcp(0x18, zeros(12), text))), nil},
		{"vlan-ipv6-udp", layers.Ethernet, eth(typeVLAN, tag(7, typeIPv6)+ip6(17, udp(text))), nil},
		{"cooked2-ipv4-udp", layers.LinuxSLL2, sll2(typeIPv4, ip4(17, udp(text))), nil},
		{"ethernet-arp", layers.Ethernet, eth(typeARP, zeros(46)), layers.ErrUnsupported},
		{"ipv4-fragment", layers.Raw, frag4(17, 0x2000, text), layers.ErrFragment},
		{"16-tags", layers.Ethernet, eth(typeVLAN, strings.Repeat(tag(1, typeVLAN), 15)+tag(1, typeIPv4)+ip4(17, udp(text))), nil},
		{"ipv6-32-extensions", layers.Raw, ip6(60, strings.Repeat(ext(60, 0), 31)+ext(17, 0)+udp(text)), nil},
	} {
		b.Run(c.name, func(b *testing.B) {
			in := clip(c.in)
			var f layers.Frame
			b.SetBytes(int64(len(in)))
			b.ReportAllocs()
			for b.Loop() {
				if err := f.Decode(c.link, 0, in); err != c.want {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkChunks(b *testing.B) {
	in := clip(strings.Repeat(data(3, strings.Repeat("x", 500)), 20))
	b.SetBytes(int64(len(in)))
	b.ReportAllocs()
	for b.Loop() {
		for c := range layers.Chunks(in) {
			if _, ok := c.Data(); !ok {
				b.Fatal("no data")
			}
		}
	}
}
