package layers

import (
	"encoding/binary"
	"errors"
	"math/bits"
	"net/netip"
)

// The errors of Decode. The fields decoded before the fault are valid.
var (
	// ErrTruncated: the packet ends, or was cut, inside a header.
	ErrTruncated = errors.New("layers: packet ends inside a header")
	// ErrMalformed: a header contradicts itself.
	ErrMalformed = errors.New("layers: malformed header")
	// ErrFragment: an IP fragment. Payload is its part of the datagram; Fragment
	// says which part.
	ErrFragment = errors.New("layers: IP fragment")
	// ErrUnsupported: a protocol that is not decoded here.
	ErrUnsupported = errors.New("layers: unsupported protocol")
)

const (
	// maxTags bounds a stack of VLAN tags; real stacks have two or three.
	maxTags = 16
	// maxExtensions bounds a chain of IPv6 extension headers. RFC 8200 lets
	// each kind stand once, one of them twice.
	maxExtensions = 32
)

// A Proto is an IP protocol number.
type Proto uint8

// The protocols that Decode knows.
const (
	ICMP   Proto = 1
	TCP    Proto = 6
	UDP    Proto = 17
	ICMPv6 Proto = 58
	SCTP   Proto = 132
)

// IPv6 extension headers.
const (
	extHopByHop    = 0
	extRouting     = 43
	extFragment    = 44
	extAuth        = 51
	extNone        = 59
	extDestination = 60
	extMobility    = 135
	extHIP         = 139
	extShim6       = 140
)

// TCP flags.
const (
	FlagFIN uint8 = 1 << iota
	FlagSYN
	FlagRST
	FlagPSH
	FlagACK
)

// A Fragment says which part of a datagram a packet carries.
type Fragment struct {
	ID     uint32 // identification: 16 bits in IPv4, 32 in IPv6
	Offset int    // of Payload in the payload of the datagram
	More   bool   // others follow
}

// A Frame is the addressing and payload of one packet. The zero Frame is ready to
// use.
type Frame struct {
	Src, Dst netip.AddrPort // the ports are 0 where there are none
	Version  uint8          // of IP: 4 or 6
	Proto    Proto          // what Payload is
	TTL      uint8          // time to live, or hop limit
	Tags     uint8          // 802.1Q tags in front of the packet
	IPID     uint32         // IPv4 identification, for telling copies; 0 in IPv6 without a fragment header
	Fragment Fragment       // valid with ErrFragment

	Seq, Ack uint32 // TCP
	Flags    uint8  // TCP
	Type     uint8  // ICMP
	Code     uint8  // ICMP

	Missing int    // octets of the payload that were on the wire and are not in the packet
	Off     int    // offset in the packet where decoding stopped: the payload, or the fault
	Payload []byte // aliases the packet given to Decode
}

// Decode replaces *f with the layers found in b, a packet of type link. fcs is the
// number of octets at the end of b that are a frame check sequence; 0 or less for
// none. It does not allocate. The error is nil, ErrTruncated, ErrMalformed,
// ErrFragment or ErrUnsupported; the fields decoded before it are valid.
func (f *Frame) Decode(link LinkType, fcs int, b []byte) error {
	*f = Frame{}
	if fcs > 0 && fcs <= len(b) {
		b = b[:len(b)-fcs]
	}
	switch link {
	case Ethernet:
		return f.ethernet(b)
	case LinuxSLL:
		if len(b) < 16 {
			return ErrTruncated
		}
		return f.etherType(binary.BigEndian.Uint16(b[14:]), b, 16)
	case LinuxSLL2:
		if len(b) < 20 {
			return ErrTruncated
		}
		return f.etherType(binary.BigEndian.Uint16(b), b, 20)
	case Null, Loop:
		return f.null(b)
	case Raw, RawBSD, RawOBSD, IPv4Only, IPv6Only:
		return f.ip(b, 0)
	}
	return ErrUnsupported
}

// DecodeIP replaces *f with the layers of b, which begins with an IP header.
func (f *Frame) DecodeIP(b []byte) error {
	*f = Frame{}
	return f.ip(b, 0)
}

func (f *Frame) ethernet(b []byte) error {
	if len(b) < 14 {
		return ErrTruncated
	}
	return f.etherType(binary.BigEndian.Uint16(b[12:]), b, 14)
}

// etherType goes on at b[n:] with what typ says is there.
func (f *Frame) etherType(typ uint16, b []byte, n int) error {
	f.Off = n
	for {
		switch {
		case typ == etherIPv4:
			return f.ipv4(b, n)
		case typ == etherIPv6:
			return f.ipv6(b, n)
		case typ == etherVLAN || typ == etherService || typ == 0x9100 || typ == 0x9200:
			if len(b) < n+4 {
				return ErrTruncated
			}
			if f.Tags++; f.Tags > maxTags {
				return ErrMalformed
			}
			typ = binary.BigEndian.Uint16(b[n+2:])
			n += 4
			f.Off = n
		case typ < etherMinType: // IEEE 802.3: an LLC header follows
			if len(b) < n+3 {
				return ErrTruncated
			}
			if !(b[n] == 0xaa && b[n+1] == 0xaa && b[n+2] == 3) {
				return ErrUnsupported
			}
			if len(b) < n+8 {
				return ErrTruncated
			}
			if b[n+3]|b[n+4]|b[n+5] != 0 {
				return ErrUnsupported
			}
			typ = binary.BigEndian.Uint16(b[n+6:]) // SNAP
			if typ < etherMinType {
				return ErrUnsupported
			}
			n += 8
			f.Off = n
		default:
			return ErrUnsupported
		}
	}
}

// null decodes the BSD loopback header. Its family is in the byte order of the host
// that captured (or big-endian, in the loop variant), and the numbers of IPv6 differ
// between systems, so the packet itself has the last word.
func (f *Frame) null(b []byte) error {
	if len(b) < 4 {
		return ErrTruncated
	}
	family := binary.LittleEndian.Uint32(b)
	if family > 0xffff {
		family = bits.ReverseBytes32(family)
	}
	switch family {
	case 2, 24, 28, 30: // AF_INET, and AF_INET6 of NetBSD, FreeBSD and Darwin
		return f.ip(b, 4)
	}
	if b[0] == 0x45 && f.ipv4(b, 0) == nil { // a header that was left out
		return nil
	}
	*f = Frame{}
	return ErrUnsupported
}

// ip decodes the packet at b[n:], whatever its version.
func (f *Frame) ip(b []byte, n int) error {
	f.Off = n
	if len(b) <= n {
		return ErrTruncated
	}
	switch b[n] >> 4 {
	case 4:
		return f.ipv4(b, n)
	case 6:
		return f.ipv6(b, n)
	}
	return ErrMalformed
}

// ipv4 decodes the header at b[n:]. RFC 791, section 3.1.
//
//	 0        8        16       24
//	+---+----+--------+-----------------+
//	| 4 |IHL | TOS    | total length    |
//	+---+----+--------+---+-------------+
//	| identification  |flg| frag offset |
//	+--------+--------+---+-------------+
//	| TTL    | proto  | checksum        |
//	+--------+--------+-----------------+
//	| source, destination, options …    |
func (f *Frame) ipv4(b []byte, n int) error {
	f.Off = n
	h := b[n:]
	if len(h) < 20 {
		return ErrTruncated
	}
	size := int(h[0]&15) * 4
	if h[0]>>4 != 4 || size < 20 {
		return ErrMalformed
	}
	total := int(binary.BigEndian.Uint16(h[2:]))
	if total == 0 { // segmentation offload: the card fills it in
		total = len(h)
	}
	if total < size {
		return ErrMalformed
	}
	f.Version = 4
	f.Proto = Proto(h[9])
	f.TTL = h[8]
	f.IPID = uint32(binary.BigEndian.Uint16(h[4:]))
	f.Src = netip.AddrPortFrom(netip.AddrFrom4([4]byte(h[12:16])), 0)
	f.Dst = netip.AddrPortFrom(netip.AddrFrom4([4]byte(h[16:20])), 0)
	if len(h) < size {
		return ErrTruncated
	}
	f.Off = n + size
	f.Payload = f.limit(h[size:], total-size)
	if w := binary.BigEndian.Uint16(h[6:]); w&0x3fff != 0 {
		f.Fragment = Fragment{ID: f.IPID, Offset: int(w&0x1fff) * 8, More: w&0x2000 != 0}
		return ErrFragment
	}
	return f.transport()
}

// limit returns the first n octets of b, and counts those that are not there.
func (f *Frame) limit(b []byte, n int) []byte {
	if n > len(b) {
		f.Missing = n - len(b)
		n = len(b)
	}
	return b[:n:n]
}

// ipv6 decodes the header at b[n:] and its extension headers. RFC 8200, section 3.
//
//	 0        8        16       24
//	+---+--------+----------------------+
//	| 6 |traffic | flow label           |
//	+---+--------+----+--------+--------+
//	| payload length  | next   | hops   |
//	+-----------------+--------+--------+
//	| source (16), destination (16)     |
func (f *Frame) ipv6(b []byte, n int) error {
	f.Off = n
	h := b[n:]
	if len(h) < 40 {
		return ErrTruncated
	}
	if h[0]>>4 != 6 {
		return ErrMalformed
	}
	length := int(binary.BigEndian.Uint16(h[4:]))
	if length == 0 { // a jumbo payload, or segmentation offload
		length = len(h) - 40
	}
	f.Version = 6
	f.TTL = h[7]
	f.Src = netip.AddrPortFrom(netip.AddrFrom16([16]byte(h[8:24])), 0)
	f.Dst = netip.AddrPortFrom(netip.AddrFrom16([16]byte(h[24:40])), 0)
	f.Payload = f.limit(h[40:], length)
	f.Off = n + 40
	f.Proto = Proto(h[6])
	return f.extensions()
}

// extensions walks the IPv6 extension headers at the start of Payload, the first of
// which is of type Proto, and goes on with what follows them.
func (f *Frame) extensions() error {
	next := byte(f.Proto)
	for range maxExtensions + 1 {
		size, isExt := extensionLen(next, f.Payload)
		if !isExt {
			f.Proto = Proto(next)
			return f.transport()
		}
		if size > len(f.Payload) {
			return ErrTruncated
		}
		h := f.Payload
		f.skip(size)
		if next == extFragment {
			if err := f.fragment6(h); err != nil {
				return err
			}
		}
		next = h[0]
	}
	return ErrMalformed
}

// fragment6 takes in the fragment header h. RFC 8200, section 4.5. A datagram of a
// single fragment (RFC 6946) is no fragment.
func (f *Frame) fragment6(h []byte) error {
	w := binary.BigEndian.Uint16(h[2:])
	f.IPID = binary.BigEndian.Uint32(h[4:])
	if w&0xfff9 == 0 {
		return nil
	}
	f.Proto = Proto(h[0])
	f.Fragment = Fragment{ID: f.IPID, Offset: int(w &^ 7), More: w&1 != 0}
	return ErrFragment
}

// extensionLen returns the length of the IPv6 extension header of type next at the
// start of b; isExt is false if next is something else. A length beyond b means
// that the header is cut.
func extensionLen(next byte, b []byte) (size int, isExt bool) {
	switch next {
	case extHopByHop, extRouting, extDestination, extMobility, extHIP, extShim6:
		if len(b) < 2 {
			return 8, true
		}
		return (int(b[1]) + 1) * 8, true
	case extFragment:
		return 8, true
	case extAuth:
		if len(b) < 2 {
			return 8, true
		}
		return (int(b[1]) + 2) * 4, true
	}
	return 0, false
}

// Transport goes on behind an IP header: b is the payload of a datagram that was put
// together from fragments, of which missing octets are not there, and f the Frame of
// one of them. It sets the ports and all that follows.
func (f *Frame) Transport(b []byte, missing int) error {
	f.Fragment = Fragment{}
	f.Payload, f.Missing = b, missing
	if f.Version == 6 {
		return f.extensions()
	}
	return f.transport()
}

// transport decodes the header at the start of Payload.
func (f *Frame) transport() error {
	p := f.Payload
	switch f.Proto {
	case UDP:
		return f.udp(p)
	case TCP:
		return f.tcp(p)
	case SCTP:
		if len(p) < 12 {
			return ErrTruncated
		}
		f.ports(p)
		f.skip(12)
		return nil
	case ICMP, ICMPv6:
		if len(p) < 8 {
			return ErrTruncated
		}
		f.Type, f.Code = p[0], p[1]
		f.skip(8)
		return nil
	}
	return ErrUnsupported
}

func (f *Frame) skip(n int) {
	f.Payload = f.Payload[n:]
	f.Off += n
}

func (f *Frame) ports(p []byte) {
	f.Src = netip.AddrPortFrom(f.Src.Addr(), binary.BigEndian.Uint16(p))
	f.Dst = netip.AddrPortFrom(f.Dst.Addr(), binary.BigEndian.Uint16(p[2:]))
}

// udp decodes a UDP header. RFC 768.
func (f *Frame) udp(p []byte) error {
	if len(p) < 8 {
		return ErrTruncated
	}
	f.ports(p)
	switch n := int(binary.BigEndian.Uint16(p[4:])); {
	case n == 0: // a jumbogram (RFC 2675), or segmentation offload
	case n < 8:
		return ErrMalformed
	case n <= len(p):
		f.Payload, f.Missing = p[:n:n], 0
	default:
		f.Missing = n - len(p)
	}
	f.skip(8)
	return nil
}

// tcp decodes a TCP header. RFC 9293, section 3.1.
func (f *Frame) tcp(p []byte) error {
	if len(p) < 20 {
		return ErrTruncated
	}
	f.ports(p)
	f.Seq, f.Ack = binary.BigEndian.Uint32(p[4:]), binary.BigEndian.Uint32(p[8:])
	f.Flags = p[13]
	size := int(p[12]>>4) * 4
	if size < 20 {
		return ErrMalformed
	}
	if size > len(p) {
		if f.Missing == 0 {
			return ErrMalformed
		}
		return ErrTruncated
	}
	f.skip(size)
	return nil
}

// Quote returns the packet that an ICMP error quotes: an IP header and the first
// octets behind it. It is nil for everything else.
func (f *Frame) Quote() []byte {
	switch {
	case f.Proto == ICMP && (f.Type == 3 || f.Type == 4 || f.Type == 5 || f.Type == 11 || f.Type == 12):
		return f.Payload
	case f.Proto == ICMPv6 && f.Type >= 1 && f.Type <= 4:
		return f.Payload
	}
	return nil
}
