package layers

import "encoding/binary"

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

// tunnelPort reports whether a port of the UDP header p is that of a tunnel.
func tunnelPort(p []byte) bool {
	src, dst := binary.BigEndian.Uint16(p), binary.BigEndian.Uint16(p[2:])
	if src > maxTunnelPort && dst > maxTunnelPort { // as those of RTP
		return false
	}
	return tunnelOf(src) != nil || tunnelOf(dst) != nil
}
