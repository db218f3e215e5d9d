package layers_test

import (
	"bytes"
	"encoding/binary"
	"reflect"
	"strings"
	"testing"

	"github.com/sipsight/sipsight/internal/capgen"
	"github.com/sipsight/sipsight/layers"
)

// checkGlance holds Glance against Decode: what it tells is what Decode finds.
func checkGlance(t *testing.T, link layers.LinkType, in []byte) (told bool) {
	t.Helper()
	off, end, version := layers.Glance(link, in)
	if version == 0 {
		if off != 0 || end != 0 {
			t.Errorf("a payload without a version: %x", in)
		}
		return false
	}
	var f layers.Frame
	err := f.Decode(link, 0, in)
	if err != nil || f.Version != version || f.Proto != layers.UDP || len(f.Tunnels) != 0 || !bytes.Equal(f.Payload, in[off:end]) {
		t.Fatalf("version %d, payload %d to %d; Decode finds %v %d %d %q: %x", version, off, end, err, f.Version, f.Proto, f.Payload, in)
	}
	var g layers.Frame
	if version == 4 {
		src, dst := f.Src.Addr().As4(), f.Dst.Addr().As4()
		want := layers.Sight{
			Addrs: uint64(binary.BigEndian.Uint32(src[:]))<<32 | uint64(binary.BigEndian.Uint32(dst[:])),
			Ports: uint32(f.Src.Port())<<16 | uint32(f.Dst.Port()),
			IPID:  uint16(f.IPID), Len: uint16(8 + len(f.Payload) + f.Missing), Class: f.Class,
		}
		if got := layers.Sight4(in, off); got != want {
			t.Errorf("Sight4 makes %+v, Decode %+v: %x", got, want, in)
		}
	}
	if version == 6 {
		want := layers.Sight{Ports: uint32(f.Src.Port())<<16 | uint32(f.Dst.Port()), Len: uint16(8 + len(f.Payload) + f.Missing), Class: f.Class}
		got, src, dst := layers.Sight6(in, off)
		if got != want || src != f.Src.Addr().As16() || dst != f.Dst.Addr().As16() {
			t.Errorf("Sight6 makes %+v of %x to %x, Decode %+v: %x", got, src, dst, want, in)
		}
	}
	if g.Sighted(in, off, end, version); !reflect.DeepEqual(f, g) {
		t.Errorf("Sighted makes %+v, Decode %+v: %x", g, f, in)
	}
	return true
}

func TestGlance(t *testing.T) {
	heads := []struct {
		name string
		link layers.LinkType
		head func(int, string) string
	}{{"ethernet", layers.Ethernet, eth}, {"cooked1", layers.LinuxSLL, sll}, {"cooked2", layers.LinuxSLL2, sll2}}
	plain := []struct {
		name string
		typ  int
		in   string
	}{
		{"ipv4", typeIPv4, ip4(17, udp("hello, world"))},
		{"ipv4-df", typeIPv4, frag4(17, 0x4000, udp("hello"))},
		{"ipv4-empty", typeIPv4, ip4(17, udp(""))},
		{"ipv4-padded", typeIPv4, ip4(17, udp("hi")) + zeros(16)},
		{"ipv4-short", typeIPv4, ip4(17, udpLen(10, "hello"))},
		{"ipv4-long", typeIPv4, ip4(17, udpLen(500, "hello"))},
		{"ipv6", typeIPv6, ip6(17, udp("hello, world"))},
	}
	for _, h := range heads {
		for _, p := range plain {
			t.Run(h.name+"/"+p.name, func(t *testing.T) {
				in := h.head(p.typ, p.in)
				if !checkGlance(t, h.link, clip(in)) {
					t.Error("not told")
				}
				told := 0
				for n := range len(in) { // cut, and with every octet changed
					checkGlance(t, h.link, clip(in[:n]))
					for c := range 256 {
						if checkGlance(t, h.link, clip(patch(in, n, string([]byte{byte(c)})))) {
							told++
						}
					}
				}
				if told == 0 {
					t.Error("nothing told")
				}
			})
		}
	}
	for _, s := range samples {
		checkGlance(t, s.link, clip(s.in))
		checkGlance(t, layers.Ethernet, clip(s.in))
	}
	for name, in := range map[string]string{
		"fragment":      eth(typeIPv4, frag4(17, 0x2000, udp("hello"))),
		"last-fragment": eth(typeIPv4, frag4(17, 1, udp("hello"))),
		"options":       eth(typeIPv4, ip4opt(17, "\x94\x04\x00\x00", udp("hello"))),
		"vlan":          eth(typeVLAN, tag(7, typeIPv4)+ip4(17, udp("hello"))),
		"tcp":           eth(typeIPv4, ip4(6, tcp(2, "", "hello"))),
		"extension":     eth(typeIPv6, ip6(60, ext(17, 0)+udp("hello"))),
	} {
		if checkGlance(t, layers.Ethernet, clip(in)) {
			t.Errorf("%s is told", name)
		}
	}
	if checkGlance(t, layers.Raw, clip(ip4(17, udp("hello, world")))) {
		t.Error("told on another link type")
	}
}

// A datagram to or from any port of a tunnel is left to Decode.
func TestGlanceTunnel(t *testing.T) {
	told := 0
	for port := range 1 << 16 {
		if is, has := layers.IsTunnel(uint16(port)), layers.HasTunnel(uint16(port)); is != has {
			t.Errorf("port %d: %t, %t", port, is, has)
		}
		for _, at := range []int{34, 36} {
			in := clip(patch(eth(typeIPv4, ip4(17, udp("\x08\x00\x00\x00\x00\x00\x01\x00"+strings.Repeat("x", 20)))), at, u16(port)))
			if checkGlance(t, layers.Ethernet, in) {
				told++
			}
		}
	}
	if want := 2 * (1<<16 - 15); told != want {
		t.Errorf("%d told, want all but 15 ports: %d", told, want)
	}
}

// TestMirrored: of datagrams between clients that may be TZSP Glance tells all the same, and Mirrored says which ones.
func TestMirrored(t *testing.T) {
	for _, in := range inners {
		for _, tunnel := range capgen.Tunnels() {
			if tunnel.Note != "tzsp" {
				continue
			}
			for _, ports := range []string{u16(40000) + u16(37008), u16(37008) + u16(40000), u16(5060) + u16(37008)} {
				packet := clip(eth(typeIPv4, patch(tunnel.Wrap(in.ip), 20, ports)))
				off, _, version := layers.Glance(layers.Ethernet, packet)
				if version != 4 || !layers.Mirrored(packet, off) || layers.Mirrored(packet[:off], off) {
					t.Errorf("%s: version %d", tunnel.Name, version)
				}
				var f layers.Frame
				if err := f.Decode(layers.Ethernet, 0, packet); err != nil || flow(&f) != in.flow {
					t.Errorf("%s: %v, %s", tunnel.Name, err, flow(&f))
				}
				packet[off] = 'S'
				if layers.Mirrored(packet, off) || !checkGlance(t, layers.Ethernet, packet) {
					t.Errorf("%s: text is", tunnel.Name)
				}
				copy(packet[off-8:], u16(40000)+u16(40000))
				if packet[off] = 1; layers.Mirrored(packet, off) {
					t.Errorf("%s: other ports are", tunnel.Name)
				}
			}
		}
	}
}

// checkSegment holds the short way of TCP against the long one.
func checkSegment(t *testing.T, link layers.LinkType, in []byte) (told bool) {
	t.Helper()
	var short, long layers.Frame
	if !short.Segment(link, in) {
		return false
	}
	if err := long.DecodeAll(link, in); err != nil || !reflect.DeepEqual(short, long) {
		t.Errorf("Segment makes %+v, Decode %v, %+v: %x", short, err, long, in)
	}
	return true
}

func TestSegment(t *testing.T) {
	heads := []struct {
		link layers.LinkType
		head func(int, string) string
	}{{layers.Ethernet, eth}, {layers.LinuxSLL, sll}, {layers.LinuxSLL2, sll2}}
	plain := map[string]struct {
		typ int
		in  string
	}{
		"ipv4":         {typeIPv4, ip4(6, tcp(0x18, "", "hello, world"))},
		"ipv4-options": {typeIPv4, ip4(6, tcp(0x10, "\x01\x01\x08\x0a"+zeros(8), "hello"))},
		"ipv4-empty":   {typeIPv4, ip4(6, tcp(0x10, "", ""))},
		"ipv4-padded":  {typeIPv4, ip4(6, tcp(0x10, "", "")) + zeros(6)},
		"ipv6":         {typeIPv6, ip6(6, tcp(0x18, "", "hello, world"))},
	}
	for _, h := range heads {
		for name, p := range plain {
			in := h.head(p.typ, p.in)
			if !checkSegment(t, h.link, clip(in)) {
				t.Errorf("%s is not told", name)
			}
			told := 0
			for n := range len(in) { // cut, and with every octet changed
				checkSegment(t, h.link, clip(in[:n]))
				for c := range 256 {
					if checkSegment(t, h.link, clip(patch(in, n, string([]byte{byte(c)})))) {
						told++
					}
				}
			}
			if told == 0 {
				t.Errorf("%s: nothing told", name)
			}
		}
	}
	for _, s := range samples {
		checkSegment(t, s.link, clip(s.in))
		checkSegment(t, layers.Ethernet, clip(s.in))
	}
	for name, in := range map[string]string{
		"fragment": eth(typeIPv4, frag4(6, 0x2000, tcp(2, "", "hello"))),
		"options":  eth(typeIPv4, ip4opt(6, "\x94\x04\x00\x00", tcp(2, "", "hello"))),
		"vlan":     eth(typeVLAN, tag(7, typeIPv4)+ip4(6, tcp(2, "", "hello"))),
		"udp":      eth(typeIPv4, ip4(17, udp("hello, this is longer than a header of TCP"))),
		"cut":      eth(typeIPv4, ip4(6, tcp(2, "", "hello"))[:42]),
	} {
		if checkSegment(t, layers.Ethernet, clip(in)) {
			t.Errorf("%s is told", name)
		}
	}
}
