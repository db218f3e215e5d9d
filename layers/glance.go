package layers

import (
	"encoding/binary"
	"math/bits"
	"net/netip"
)

// Glance looks at a packet as most packets are: an Ethernet frame without tags, with an
// IPv4 header without options or an IPv6 header without extensions, with a whole UDP
// datagram that is not to or from a port of a tunnel. It returns the payload and the
// version of IP. For every other packet, and for one that is damaged or cut inside of its
// headers, version is 0, and Decode tells what it is. Decode agrees with Glance, and takes
// three times as long.
func Glance(link LinkType, b []byte) (payload []byte, version uint8) {
	off, end, version := Place(link, b)
	if version == 0 {
		return nil, 0
	}
	return b[off:end], version
}

// Place is Glance that returns where the payload is: 0 < off <= end <= len(b), unless
// version is 0.
func Place(link LinkType, b []byte) (off, end int, version uint8) {
	if link != Ethernet || len(b) < 14+20+8 {
		return 0, 0, 0
	}
	n := 0 // octets behind the IP header
	var head uint64
	first, second := binary.LittleEndian.Uint64(b[12:]), binary.LittleEndian.Uint64(b[20:])
	switch {
	case first&0xff_ffff == 0x45_0008 && second&0xff00_ff3f == 0x1100_0000: // no options, no fragment, UDP
		off, version = 14+20+8, 4
		head, n = binary.LittleEndian.Uint64(b[14+20:]), int(bits.ReverseBytes16(uint16(first>>32)))-20
	case first&0xf0_ffff == 0x60_dd86 && uint8(second) == byte(UDP) && len(b) >= 14+40+8:
		off, version = 14+40+8, 6
		head, n = binary.LittleEndian.Uint64(b[14+40:]), int(binary.BigEndian.Uint16(b[18:]))
	default:
		return 0, 0, 0
	}
	length := int(bits.ReverseBytes16(uint16(head >> 32)))
	src, dst := bits.ReverseBytes16(uint16(head)), bits.ReverseBytes16(uint16(head>>16))
	if n < 8 || length < 8 || min(src, dst) <= maxTunnelPort && (tunnelOf(src) != nil || tunnelOf(dst) != nil) {
		return 0, 0, 0
	}
	return off, min(len(b), off-8+min(n, length)), version
}

// A Sight is what tells packets that Glance knows apart.
type Sight struct {
	Addrs uint64 // of IPv4: source and destination, the source in the upper half
	Ports uint32 // likewise
	IPID  uint16 // of IPv4
	Len   uint16 // of the datagram and the UDP header, as that has it
	Class uint8
}

// Sight4 returns the Sight of a packet of which Glance says that it is of version 4.
func Sight4(b []byte) Sight {
	h := b[:14+20+8]
	return Sight{
		Addrs: binary.BigEndian.Uint64(h[26:]),
		Ports: binary.BigEndian.Uint32(h[34:]),
		IPID:  binary.BigEndian.Uint16(h[18:]),
		Len:   binary.BigEndian.Uint16(h[38:]),
		Class: h[15],
	}
}

// Sight6 returns the Sight of a packet of which Glance says that it is of version 6, and its
// addresses.
func Sight6(b []byte) (s Sight, src, dst [16]byte) {
	h := b[:14+40+8]
	return Sight{Ports: binary.BigEndian.Uint32(h[54:]), Len: binary.BigEndian.Uint16(h[58:]), Class: h[14]<<4 | h[15]>>4},
		[16]byte(h[22:38]), [16]byte(h[38:54])
}

// Sighted replaces *f with what Decode makes of a packet, of which Glance returned the
// payload and the version of IP.
func (f *Frame) Sighted(b, payload []byte, version uint8) {
	*f = Frame{Version: version, Proto: UDP, Payload: payload[:len(payload):len(payload)], Tunnels: f.Tunnels[:0], outer: f.outer}
	h := b[14:]
	var p []byte
	if version == 4 {
		f.Src = netip.AddrPortFrom(netip.AddrFrom4([4]byte(h[12:16])), binary.BigEndian.Uint16(h[20:]))
		f.Dst = netip.AddrPortFrom(netip.AddrFrom4([4]byte(h[16:20])), binary.BigEndian.Uint16(h[22:]))
		f.TTL, f.Class, f.IPID = h[8], h[1], uint32(binary.BigEndian.Uint16(h[4:]))
		f.Off, p = 14+20+8, h[20:]
	} else {
		f.Src = netip.AddrPortFrom(netip.AddrFrom16([16]byte(h[8:24])), binary.BigEndian.Uint16(h[40:]))
		f.Dst = netip.AddrPortFrom(netip.AddrFrom16([16]byte(h[24:40])), binary.BigEndian.Uint16(h[42:]))
		f.TTL, f.Class = h[7], h[0]<<4|h[1]>>4
		f.Off, p = 14+40+8, h[40:]
	}
	f.Missing = max(0, int(binary.BigEndian.Uint16(p[4:]))-8-len(payload))
}
