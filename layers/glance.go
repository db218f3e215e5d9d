package layers

import (
	"encoding/binary"
	"math/bits"
	"net/netip"
)

// Glance looks at a packet as most packets are: an Ethernet frame without tags, or one of a Linux
// cooked capture, with an IPv4 header without options or an IPv6 header without extensions, with a
// UDP datagram that is no fragment, and not to or from a port of a tunnel. It returns where the payload
// is, of which the end may not have been captured, right behind the headers of IP and UDP, and the version of IP: 0 < off <= end <= len(b). For every
// other packet, and for one that is damaged or cut inside of its headers, all is 0, and Decode
// tells what it is. Decode agrees with Glance, but for what is Mirrored, and takes three times as long.
func Glance(link LinkType, b []byte) (off, end int, version uint8) {
	ip, typ := plainLink(link)
	if ip == 0 || len(b) < ip+20+8 {
		return 0, 0, 0
	}
	h, n := b[ip:], 0 // the IP header; octets behind it
	switch binary.BigEndian.Uint16(b[typ:]) {
	case etherIPv4:
		w := binary.LittleEndian.Uint64(h)
		if w&0xff3f_0000_0000_00ff != 0x45 || h[9] != byte(UDP) { // no options, no fragment
			return 0, 0, 0
		}
		off, n, version = ip+20+8, int(bits.ReverseBytes16(uint16(w>>16)))-20, 4
	case etherIPv6:
		if h[0]>>4 != 6 || h[6] != byte(UDP) || len(h) < 40+8 {
			return 0, 0, 0
		}
		off, n, version = ip+40+8, int(binary.BigEndian.Uint16(h[4:])), 6
	default:
		return 0, 0, 0
	}
	head := binary.LittleEndian.Uint64(b[off-8:])
	length := int(bits.ReverseBytes16(uint16(head >> 32)))
	src, dst := bits.ReverseBytes16(uint16(head)), bits.ReverseBytes16(uint16(head>>16))
	if n < 8 || length < 8 || min(src, dst) <= maxTunnelPort && (isTunnel(src) || isTunnel(dst)) {
		return 0, 0, 0
	}
	return off, min(len(b), off-8+min(n, length)), version
}

// plainLink returns where the IP header of a packet without tags is, and where its EtherType; 0 for links
// that have no such places.
func plainLink(link LinkType) (ip, typ int) {
	switch link {
	case Ethernet:
		return 14, 12
	case LinuxSLL:
		return 16, 14
	case LinuxSLL2:
		return 20, 0
	}
	return 0, 0
}

// segment is Decode for a packet as most of TCP are, whole, without tags, options of IP and extension
// headers. It reports whether this is one, and takes a fraction of the time.
func (f *Frame) segment(link LinkType, b []byte) bool {
	ip, typ := plainLink(link)
	if ip == 0 || len(b) < ip+20+20 {
		return false
	}
	h := b[ip:]
	size := 20
	switch binary.BigEndian.Uint16(b[typ:]) {
	case etherIPv4:
		n := int(binary.BigEndian.Uint16(h[2:]))
		if binary.LittleEndian.Uint64(h)&0xff3f_0000_0000_00ff != 0x45 || h[9] != byte(TCP) || n < size+20 || n > len(h) {
			return false
		}
		h = h[:n:n]
	case etherIPv6:
		n := 40 + int(binary.BigEndian.Uint16(h[4:]))
		if h[0]>>4 != 6 || h[6] != byte(TCP) || n < 40+20 || n > len(h) {
			return false
		}
		size, h = 40, h[:n:n]
	default:
		return false
	}
	t := h[size:]
	head := int(t[12]>>4) * 4
	if head < 20 || head > len(t) {
		return false
	}
	f.clear()
	f.Version, f.Proto = h[0]>>4, TCP
	f.Seq, f.Ack, f.Flags = binary.BigEndian.Uint32(t[4:]), binary.BigEndian.Uint32(t[8:]), t[13]
	f.Off, f.Payload = ip+size+head, t[head:]
	src, dst := binary.BigEndian.Uint16(t), binary.BigEndian.Uint16(t[2:])
	if size == 20 {
		f.TTL, f.Class, f.IPID = h[8], h[1], uint32(binary.BigEndian.Uint16(h[4:]))
		f.Src = netip.AddrPortFrom(netip.AddrFrom4([4]byte(h[12:16])), src)
		f.Dst = netip.AddrPortFrom(netip.AddrFrom4([4]byte(h[16:20])), dst)
		return true
	}
	f.TTL, f.Class = h[7], h[0]<<4|h[1]>>4
	f.Src = netip.AddrPortFrom(netip.AddrFrom16([16]byte(h[8:24])), src)
	f.Dst = netip.AddrPortFrom(netip.AddrFrom16([16]byte(h[24:40])), dst)
	return true
}

// clear makes f as it was before the first packet, and keeps its memory.
func (f *Frame) clear() {
	tunnels, outer := f.Tunnels[:0], f.outer
	*f = Frame{}
	f.Tunnels, f.outer = tunnels, outer
}

// A Sight is what tells packets that Glance knows apart.
type Sight struct {
	Addrs uint64 // of IPv4: source and destination, the source in the upper half
	Ports uint32 // likewise
	IPID  uint16 // of IPv4
	Len   uint16 // of the datagram and the UDP header, as that and the IP header have it
	Class uint8
}

// Sight4 returns the Sight of a packet of which Glance says that it is of version 4 and that its
// payload begins at off.
func Sight4(b []byte, off int) Sight {
	h := b[off-20-8 : off]
	return Sight{
		Addrs: binary.BigEndian.Uint64(h[12:]),
		Ports: binary.BigEndian.Uint32(h[20:]),
		IPID:  binary.BigEndian.Uint16(h[4:]),
		Len:   min(binary.BigEndian.Uint16(h[24:]), binary.BigEndian.Uint16(h[2:])-20),
		Class: h[1],
	}
}

// Sight6 is Sight4 for a packet of version 6, and returns the addresses beside it.
func Sight6(b []byte, off int) (s Sight, src, dst [16]byte) {
	h := b[off-40-8 : off]
	length := min(binary.BigEndian.Uint16(h[44:]), binary.BigEndian.Uint16(h[4:]))
	return Sight{Ports: binary.BigEndian.Uint32(h[40:]), Len: length, Class: h[0]<<4 | h[1]>>4},
		[16]byte(h[8:24]), [16]byte(h[24:40])
}

// Sighted replaces *f with what Decode makes of a packet, of which Glance returned where its
// payload is and the version of IP.
func (f *Frame) Sighted(b []byte, off, end int, version uint8) {
	f.clear()
	f.Version, f.Proto, f.Payload, f.Off = version, UDP, b[off:end:end], off
	var length uint16
	if version == 4 {
		s := Sight4(b, off)
		h := b[off-20-8:]
		f.Src = netip.AddrPortFrom(netip.AddrFrom4([4]byte(h[12:16])), uint16(s.Ports>>16))
		f.Dst = netip.AddrPortFrom(netip.AddrFrom4([4]byte(h[16:20])), uint16(s.Ports))
		f.TTL, f.Class, f.IPID, length = h[8], s.Class, uint32(s.IPID), s.Len
	} else {
		s, src, dst := Sight6(b, off)
		f.Src = netip.AddrPortFrom(netip.AddrFrom16(src), uint16(s.Ports>>16))
		f.Dst = netip.AddrPortFrom(netip.AddrFrom16(dst), uint16(s.Ports))
		f.TTL, f.Class, length = b[off-40-8+7], s.Class, s.Len
	}
	f.Missing = max(0, int(length)-8-(end-off))
}
