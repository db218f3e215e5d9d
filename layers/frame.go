package layers

import (
	"encoding/binary"
	"errors"
	"net/netip"
)

// The errors of Decode. The fields decoded before the fault are valid.
var (
	// ErrTruncated: the packet ends, or was cut, inside a header.
	ErrTruncated = errors.New("layers: packet ends inside a header")
	// ErrMalformed: a header contradicts itself.
	ErrMalformed = errors.New("layers: malformed header")
	// ErrFragment: a fragment of IP, of CAPWAP, or of IEEE 802.11. Payload is its part of the datagram; Fragment
	// says which part.
	ErrFragment = errors.New("layers: IP fragment")
	// ErrUnsupported: a protocol that is not decoded here.
	ErrUnsupported = errors.New("layers: unsupported protocol")
	// ErrEncrypted: a packet whose content is encrypted: ESP, MACsec, protected IEEE 802.11.
	ErrEncrypted = errors.New("layers: encrypted packet")
	// ErrTooDeep: more tags, labels or packets inside of packets than the limits allow: 16 each.
	ErrTooDeep = errors.New("layers: packets nested too deep")
)

const (
	// maxTags bounds a stack of VLAN tags or MPLS labels; real stacks have two or
	// three.
	maxTags = 16
	// maxTunnels bounds how deep packets may lie inside of packets.
	maxTunnels = 16
	// maxExtensions bounds a chain of IPv6 extension headers. RFC 8200 lets
	// each kind stand once, one of them twice.
	maxExtensions = 32
	// maxSteps bounds the headers of one packet, whatever they are.
	maxSteps = 128
)

// A Proto is an IP protocol number.
type Proto uint8

// The protocols that Decode gives to its caller.
const (
	ICMP   Proto = 1
	TCP    Proto = 6
	UDP    Proto = 17
	ICMPv6 Proto = 58
	SCTP   Proto = 132
)

// IP protocols that carry other packets.
const (
	protoIPv4    = 4
	protoIPv6    = 41
	protoGRE     = 47
	protoESP     = 50
	protoAH      = 51
	protoEtherIP = 97
	protoL2TP    = 115
	protoUDPLite = 136
	protoMPLS    = 137
	protoEther   = 143
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

	// Place is for fragments of IEEE 802.11, which are numbered: Offset is the number times Place, however
	// many octets they have. Src and Dst then hold the addresses of transmitter and receiver, each of six octets
	// at the end of 16. It is 0 for all others.
	Place uint16
}

// A Frame is the addressing and payload of one packet. The zero Frame is ready to
// use.
type Frame struct {
	Src, Dst netip.AddrPort // of the innermost packet; the ports are 0 where there are none
	Version  uint8          // of IP: 4 or 6
	Proto    Proto          // what Payload is
	TTL      uint8          // time to live, or hop limit
	Class    uint8          // type of service, or traffic class: RFC 2474
	Tags     uint8          // 802.1Q tags in front of the packet
	IPID     uint32         // IPv4 identification, for telling copies; 0 in IPv6 without a fragment header
	Fragment Fragment       // valid with ErrFragment
	Tunnels  []Tunnel       // what the packet was carried in, outermost first; valid until the next Decode

	Seq, Ack uint32 // TCP
	Flags    uint8  // TCP
	VTag     uint32 // SCTP: verification tag
	Exported Proto  // of a PDU that was exported alone (UpperPDU), as a datagram of which Proto is UDP: what carried it
	Type     uint8  // ICMP
	Code     uint8  // ICMP

	Missing int    // octets of the payload that were on the wire and are not in the packet
	Off     int    // offset in the packet where decoding stopped: the payload, or the fault
	Payload []byte // aliases the packet given to Decode

	outer   *Frame // what f was before it entered the last tunnel over UDP
	entered bool   // outer is valid
	unsized bool   // the IP header does not say how long the packet is
	inside  step   // with ErrFragment, what the datagram holds that is no protocol of IP
	tunnels uint8  // how many Tunnels there are in front of rest
	rest    []byte // what follows in an aggregate of 802.11
	restOff int    // where rest is in the packet
}

// A step is what has to be decoded next, at the start of Payload. Headers are decoded
// in a loop, not by functions that call each other: packets lie in packets as deep as
// their sender likes.
type step uint8

const (
	stepDone step = iota
	stepEthernet
	stepEtherType // arg: the EtherType
	stepLLC
	stepPPP
	stepIP    // whatever its version
	stepProto // arg: the IP protocol, perhaps an IPv6 extension header
	stepMPLS
	stepWiFi
	stepLink // arg: the link type
)

// Decode replaces *f with the layers found in b, a packet of type link. fcs is the
// number of octets at the end of b that are a frame check sequence; 0 or less for
// none. It does not allocate once Tunnels has grown. The error is nil or one of this room;
// the fields decoded before it are valid.
func (f *Frame) Decode(link LinkType, fcs int, b []byte) error {
	if fcs > 0 && fcs <= len(b) {
		b = b[:len(b)-fcs]
	}
	if f.segment(link, b) {
		return nil
	}
	return f.decode(link, b)
}

// decode is Decode without a way of its own for what is plain.
func (f *Frame) decode(link LinkType, b []byte) error {
	*f = Frame{Payload: b[:len(b):len(b)], Tunnels: f.Tunnels[:0], outer: f.outer}
	s, arg, err := f.link(link)
	return f.run(s, arg, err)
}

// More reports whether the packet is an aggregate that holds another frame behind the one that was
// decoded: Next decodes it.
func (f *Frame) More() bool { return len(f.rest) >= subframeHead }

// Next is Decode for the next frame of an aggregate.
func (f *Frame) Next() error {
	*f = Frame{Tunnels: f.Tunnels[:f.tunnels], outer: f.outer, tunnels: f.tunnels, rest: f.rest, restOff: f.restOff}
	s, arg, err := f.subframe()
	return f.run(s, arg, err)
}

// DecodeIP replaces *f with the layers of b, which begins with an IP header.
func (f *Frame) DecodeIP(b []byte) error {
	*f = Frame{Tunnels: f.Tunnels[:0], outer: f.outer, Payload: b}
	return f.run(stepIP, 0, nil)
}

// Transport goes on behind an IP header: b is the payload of a datagram that was put
// together from fragments, of which missing octets are not there, and f the Frame of
// one of them. It sets the ports and all that follows.
func (f *Frame) Transport(b []byte, missing int) error {
	f.Fragment = Fragment{}
	f.Payload, f.Missing, f.unsized = b, missing, missing > 0 // how many of them, UDP may know
	f.outer, f.entered, f.rest = nil, false, nil              // of a packet that is gone
	if s := f.inside; s != stepDone {
		f.inside = stepDone
		return f.run(s, 0, nil)
	}
	return f.run(stepProto, uint16(f.Proto), nil)
}

// run decodes from step s on until the payload or a fault is reached.
func (f *Frame) run(s step, arg uint16, err error) error {
	for range maxSteps {
		if err != nil {
			return f.fault(err)
		}
		if s == stepDone {
			return nil
		}
		switch s {
		case stepEthernet:
			s, arg, err = f.ethernet()
		case stepEtherType:
			s, arg, err = f.etherType(arg)
		case stepLLC:
			s, arg, err = f.llc()
		case stepPPP:
			s, arg, err = f.ppp()
		case stepIP:
			s, arg, err = f.ip()
		case stepProto:
			s, arg, err = f.proto(byte(arg))
		case stepMPLS:
			s, arg, err = f.mpls()
		case stepWiFi:
			s, arg, err = f.wifi()
		case stepLink:
			s, arg, err = f.link(LinkType(arg))
		}
	}
	return f.fault(ErrTooDeep)
}

// fault ends decoding. Inside of a tunnel that was taken for one because of its port, a
// header that makes no sense means that it was none.
func (f *Frame) fault(err error) error {
	if !f.entered || err != ErrMalformed && err != ErrTruncated {
		return err
	}
	tunnels, outer := f.Tunnels[:len(f.outer.Tunnels)], f.outer
	*f = *outer
	f.Tunnels, f.outer = tunnels, outer
	return nil
}

// skip steps over n octets, which must be there.
func (f *Frame) skip(n int) {
	f.Payload = f.Payload[n:]
	f.Off += n
}

func (f *Frame) ethernet() (step, uint16, error) {
	p := f.Payload
	if len(p) < 14 {
		return 0, 0, ErrTruncated
	}
	f.skip(14)
	return stepEtherType, binary.BigEndian.Uint16(p[12:]), nil
}

// etherType goes on with what typ says is there.
func (f *Frame) etherType(typ uint16) (step, uint16, error) {
	p := f.Payload
	switch typ {
	case etherIPv4, etherIPv6:
		if len(p) > 0 && (typ == etherIPv4) != (p[0]>>4 == 4) {
			return 0, 0, ErrMalformed
		}
		return stepIP, 0, nil
	case etherVLAN, etherService, 0x9100, 0x9200, 0x9300:
		if len(p) < 4 {
			return 0, 0, ErrTruncated
		}
		if f.Tags++; f.Tags > maxTags {
			return 0, 0, ErrTooDeep
		}
		f.Tunnels = append(f.Tunnels, Tunnel{Kind: VLAN, ID: uint32(binary.BigEndian.Uint16(p) & 0xfff)})
		f.skip(4)
		return stepEtherType, binary.BigEndian.Uint16(p[2:]), nil
	case etherMPLS, etherMPLSUp:
		return stepMPLS, 0, nil
	case etherPPPoE:
		return f.pppoe()
	case etherBridged:
		return stepEthernet, 0, nil
	case etherVNTag, etherHSR, etherRedund: // a tag of four octets; path and size, sequence number
		return f.tagged(4, 4)
	case etherBackbone: // a service tag in front of the customer's frame
		return f.skipTo(4, stepEthernet)
	case etherFabric: // a tag and a time to live in front of the host's frame
		return f.skipTo(2, stepEthernet)
	case etherMetaData, etherExtender, etherTime, etherMarvell: // version, length, an option with a group tag; a tag of six octets
		return f.tagged(6, 6)
	case etherArista: // a time: subtype, version, 64 or 48 bits
		n := 12
		switch {
		case len(p) < 4:
			return 0, 0, ErrTruncated
		case p[1] != 1:
			return 0, 0, ErrUnsupported
		case p[3] == 0x20:
			n = 10
		}
		return f.tagged(n, n)
	case etherMACsec:
		return f.macsec()
	case etherNSH:
		return f.nsh()
	}
	if typ < etherMinType || typ == etherJumbo { // IEEE 802.3: a length, and an LLC header follows
		return stepLLC, 0, nil
	}
	return 0, 0, ErrUnsupported
}

// tagged steps over a tag of n octets that an EtherType follows at its offset at. Not inlined: it is cold, and in many places.
//
//go:noinline
func (f *Frame) tagged(n, at int) (step, uint16, error) {
	p := f.Payload
	if len(p) < at+2 {
		return 0, 0, ErrTruncated
	}
	f.skip(n + 2)
	return stepEtherType, binary.BigEndian.Uint16(p[at:]), nil
}

// macsec decodes a tag of IEEE 802.1AE whose frame is only authenticated: section 9.3. A check value
// is behind the packet, which says itself how long it is.
func (f *Frame) macsec() (step, uint16, error) {
	p := f.Payload
	switch {
	case len(p) < 6:
		return 0, 0, ErrTruncated
	case p[0]&0x80 != 0: // another version
		return 0, 0, ErrUnsupported
	case p[0]&0x0c != 0:
		return 0, 0, ErrEncrypted
	case p[0]&0x20 != 0: // a channel identifier
		return f.tagged(14, 14)
	}
	return f.tagged(6, 6)
}

// nsh steps over a network service header: RFC 8300, section 2.
func (f *Frame) nsh() (step, uint16, error) {
	p := f.Payload
	if len(p) < 8 {
		return 0, 0, ErrTruncated
	}
	size := int(p[1]&0x3f) * 4
	if p[0]>>6 != 0 || size < 8 {
		return 0, 0, ErrUnsupported
	}
	if len(p) < size {
		return 0, 0, ErrTruncated
	}
	f.skip(size)
	return nextProtocol(p[3])
}

// nextProtocol returns what a number of the next protocol means in a network service header and in the generic
// extension of VXLAN, which have the same ones.
func nextProtocol(n byte) (step, uint16, error) {
	switch n {
	case 1, 2:
		return stepIP, 0, nil
	case 3:
		return stepEthernet, 0, nil
	case 4:
		return stepEtherType, etherNSH, nil
	case 5:
		return stepMPLS, 0, nil
	}
	return 0, 0, ErrUnsupported
}

// llc decodes IEEE 802.2 with its SNAP extension, and IP right behind the LLC header.
func (f *Frame) llc() (step, uint16, error) {
	p := f.Payload
	if len(p) < 3 {
		return 0, 0, ErrTruncated
	}
	if p[0] == 6 && p[1] == 6 && p[2] == 3 {
		f.skip(3)
		return stepIP, 0, nil
	}
	if p[0] != 0xaa || p[1] != 0xaa || p[2] != 3 {
		return 0, 0, ErrUnsupported
	}
	if len(p) < 8 {
		return 0, 0, ErrTruncated
	}
	typ := binary.BigEndian.Uint16(p[6:])
	if p[3]|p[4]|p[5] != 0 && !(p[3] == 0 && p[4] == 0 && p[5] == 0xf8) || typ < etherMinType {
		return 0, 0, ErrUnsupported
	}
	f.skip(8)
	return stepEtherType, typ, nil
}

// ip decodes an IP header, whatever its version.
func (f *Frame) ip() (step, uint16, error) {
	if len(f.Payload) == 0 {
		return 0, 0, ErrTruncated
	}
	switch f.Payload[0] >> 4 {
	case 4:
		return f.ipv4()
	case 6:
		return f.ipv6()
	}
	return 0, 0, ErrMalformed
}

// ipv4 decodes the header. RFC 791, section 3.1.
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
func (f *Frame) ipv4() (step, uint16, error) {
	h := f.Payload
	if len(h) < 20 {
		return 0, 0, ErrTruncated
	}
	size := int(h[0]&15) * 4
	if size < 20 {
		return 0, 0, ErrMalformed
	}
	total := int(binary.BigEndian.Uint16(h[2:]))
	if f.unsized = total == 0; f.unsized { // segmentation offload: the card fills it in
		total = len(h)
	}
	if total < size {
		return 0, 0, ErrMalformed
	}
	f.Version = 4
	f.Proto = Proto(h[9])
	f.TTL, f.Class = h[8], h[1]
	f.IPID = uint32(binary.BigEndian.Uint16(h[4:]))
	f.Src = netip.AddrPortFrom(netip.AddrFrom4([4]byte(h[12:16])), 0)
	f.Dst = netip.AddrPortFrom(netip.AddrFrom4([4]byte(h[16:20])), 0)
	if len(h) < size {
		return 0, 0, ErrTruncated
	}
	f.skip(size)
	f.limit(total - size)
	if w := binary.BigEndian.Uint16(h[6:]); w&0x3fff != 0 {
		f.Fragment = Fragment{ID: f.IPID, Offset: int(w&0x1fff) * 8, More: w&0x2000 != 0}
		return 0, 0, ErrFragment
	}
	return stepProto, uint16(h[9]), nil
}

// limit cuts the payload to n octets, and counts those that are not there.
func (f *Frame) limit(n int) {
	if n > len(f.Payload) {
		f.Missing = n - len(f.Payload)
		return
	}
	f.Payload, f.Missing = f.Payload[:n:n], 0
}

// ipv6 decodes the header. RFC 8200, section 3.
//
//	 0        8        16       24
//	+---+--------+----------------------+
//	| 6 |traffic | flow label           |
//	+---+--------+----+--------+--------+
//	| payload length  | next   | hops   |
//	+-----------------+--------+--------+
//	| source (16), destination (16)     |
func (f *Frame) ipv6() (step, uint16, error) {
	h := f.Payload
	if len(h) < 40 {
		return 0, 0, ErrTruncated
	}
	length := int(binary.BigEndian.Uint16(h[4:]))
	if f.unsized = length == 0; f.unsized { // a jumbo payload, or segmentation offload
		length = len(h) - 40
	}
	f.Version = 6
	f.TTL, f.Class = h[7], h[0]<<4|h[1]>>4
	f.IPID = 0
	f.Src = netip.AddrPortFrom(netip.AddrFrom16([16]byte(h[8:24])), 0)
	f.Dst = netip.AddrPortFrom(netip.AddrFrom16([16]byte(h[24:40])), 0)
	f.skip(40)
	f.limit(length)
	f.Proto = Proto(h[6])
	return stepProto, uint16(h[6]), nil
}

// IPv6 extension headers.
const (
	extHopByHop    = 0
	extRouting     = 43
	extFragment    = 44
	extDestination = 60
	extMobility    = 135
	extHIP         = 139
	extShim6       = 140
)

// extensions walks the IPv6 extension headers at the start of Payload, the first of
// which is of type next, and returns the protocol behind them.
func (f *Frame) extensions(next byte) (byte, error) {
	for range maxExtensions + 1 { // the last turn looks at what follows them
		size, isExt := extensionLen(next, f.Payload)
		if !isExt {
			return next, nil
		}
		if size > len(f.Payload) {
			return next, ErrTruncated
		}
		h := f.Payload
		f.skip(size)
		if next == extFragment {
			if err := f.fragment6(h); err != nil {
				return next, err
			}
		}
		next = h[0]
	}
	return next, ErrMalformed
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
	}
	return 0, false
}

// proto decodes what the IP protocol next says is there.
func (f *Frame) proto(next byte) (step, uint16, error) {
	if f.Version == 6 {
		var err error
		if next, err = f.extensions(next); err != nil {
			return 0, 0, err
		}
	}
	f.Proto = Proto(next)
	p := f.Payload
	switch next {
	case byte(UDP):
		return f.udp()
	case byte(TCP):
		return 0, 0, f.tcp()
	case byte(SCTP):
		if len(p) < 12 {
			return 0, 0, ErrTruncated
		}
		f.ports(p)
		f.VTag = binary.BigEndian.Uint32(p[4:])
		f.skip(12)
		return stepDone, 0, nil
	case byte(ICMP), byte(ICMPv6):
		if len(p) < 8 {
			return 0, 0, ErrTruncated
		}
		f.Type, f.Code = p[0], p[1]
		f.skip(8)
		return stepDone, 0, nil
	case protoIPv4, protoIPv6:
		return f.enter(IPIP, 0, 0, stepIP, 0)
	case protoGRE:
		return f.gre()
	case protoESP:
		return f.esp()
	case protoAH: // RFC 4302, section 2
		if len(p) < 2 || len(p) < (int(p[1])+2)*4 {
			return 0, 0, ErrTruncated
		}
		f.skip((int(p[1]) + 2) * 4)
		return stepProto, uint16(p[0]), nil
	case protoEtherIP: // RFC 3378
		return f.enter(EtherIP, 0, 2, stepEthernet, 0)
	case protoMPLS: // RFC 4023
		return f.enter(MPLS, 0, 0, stepMPLS, 0)
	case protoL2TP:
		return f.l2tp3(0)
	case protoEther: // RFC 8986, section 4.9
		return f.enter(EtherIP, 0, 0, stepEthernet, 0)
	case protoUDPLite: // RFC 3828: UDP with the length of what its checksum covers in the place of its own
		if len(p) < 8 {
			return 0, 0, ErrTruncated
		}
		f.Proto = UDP
		f.ports(p)
		f.skip(8)
		return stepDone, 0, nil
	}
	return 0, 0, ErrUnsupported
}

func (f *Frame) ports(p []byte) {
	f.Src = netip.AddrPortFrom(f.Src.Addr(), binary.BigEndian.Uint16(p))
	f.Dst = netip.AddrPortFrom(f.Dst.Addr(), binary.BigEndian.Uint16(p[2:]))
}

// udp decodes a UDP header. RFC 768.
func (f *Frame) udp() (step, uint16, error) {
	p := f.Payload
	if len(p) < 8 {
		return 0, 0, ErrTruncated
	}
	f.ports(p)
	switch n := int(binary.BigEndian.Uint16(p[4:])); {
	case n == 0: // a jumbogram (RFC 2675), or segmentation offload
		f.skip(8)
	case n < 8:
		return 0, 0, ErrMalformed
	default:
		f.skip(8)
		if all := len(f.Payload) + f.Missing; !f.unsized && n-8 > all { // more than the IP header says is there
			n = 8 + all
		}
		f.limit(n - 8)
	}
	return f.udpTunnel()
}

// tcp decodes a TCP header. RFC 9293, section 3.1.
func (f *Frame) tcp() error {
	p := f.Payload
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
