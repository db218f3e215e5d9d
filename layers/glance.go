package layers

import (
	"encoding/binary"
	"net/netip"
)

// Glance looks at a packet as most packets are: an Ethernet frame without tags, with an
// IPv4 header without options or an IPv6 header without extensions, with a whole UDP
// datagram that is not to or from a port of a tunnel. It returns the payload and the
// version of IP. For every other packet, and for one that is damaged or cut inside of its
// headers, version is 0, and Decode tells what it is. Decode agrees with Glance, and takes
// three times as long.
func Glance(link LinkType, b []byte) (payload []byte, version uint8) {
	if link != Ethernet || len(b) < 14+20+8 {
		return nil, 0
	}
	size, n := 0, 0 // of the IP header; octets behind it
	switch etherType := binary.BigEndian.Uint16(b[12:]); {
	case etherType == etherIPv4 && b[14] == 0x45 && b[20]&0x3f|b[21] == 0 && b[23] == byte(UDP):
		size, version = 20, 4
		n = int(binary.BigEndian.Uint16(b[16:])) - size
	case etherType == etherIPv6 && b[14]>>4 == 6 && b[20] == byte(UDP) && len(b) >= 14+40+8:
		size, version = 40, 6
		n = int(binary.BigEndian.Uint16(b[18:]))
	default:
		return nil, 0
	}
	p := b[14+size:]
	length := int(binary.BigEndian.Uint16(p[4:]))
	if n < 8 || length < 8 || tunnelPort(p) {
		return nil, 0
	}
	return p[8:min(len(p), n, length)], version
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

// tunnelPort reports whether a port of the UDP header p is that of a tunnel.
func tunnelPort(p []byte) bool {
	src, dst := binary.BigEndian.Uint16(p), binary.BigEndian.Uint16(p[2:])
	if src > maxTunnelPort && dst > maxTunnelPort { // as those of RTP
		return false
	}
	return tunnelOf(src) != nil || tunnelOf(dst) != nil
}
