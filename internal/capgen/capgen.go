// Package capgen builds packets and captures for tests, from the inside out:
//
//	p := capgen.Ether(flow.UDP("OPTIONS sip:a@b SIP/2.0\r\n\r\n"))
//
// What it builds is right down to the lengths; checksums are left zero, as on the host
// that sends. It is no part of the program.
package capgen

import (
	"encoding/binary"
	"net/netip"
)

// TCP flags.
const (
	FIN = 1 << iota
	SYN
	RST
	PSH
	ACK
)

// IP protocol numbers.
const (
	ProtoICMP = 1
	ProtoTCP  = 6
	ProtoUDP  = 17
	ProtoSCTP = 132
)

// EtherTypes.
const (
	TypeIPv4 = 0x0800
	TypeVLAN = 0x8100
	TypeIPv6 = 0x86dd
)

// A Flow is the way of packets from one address and port to another. Both are of one
// version of IP.
type Flow struct {
	Src, Dst netip.AddrPort
	ID       uint16 // IPv4 identification
}

// NewFlow returns the flow between two addresses with ports, as in "192.0.2.1:5060".
func NewFlow(src, dst string) Flow {
	return Flow{Src: netip.MustParseAddrPort(src), Dst: netip.MustParseAddrPort(dst)}
}

// Back returns the flow of the answers.
func (f Flow) Back() Flow { return Flow{f.Dst, f.Src, f.ID} }

// WithID returns the flow with another IPv4 identification.
func (f Flow) WithID(id uint16) Flow {
	f.ID = id
	return f
}

// IP returns an IP packet without options.
func (f Flow) IP(proto byte, payload string) string {
	if f.Src.Addr().Is6() {
		b := []byte{0x60, 0, 0, 0, 0, 0, proto, 64}
		binary.BigEndian.PutUint16(b[4:], uint16(len(payload)))
		return string(append(f.addrs(b), payload...))
	}
	b := []byte{0x45, 0, 0, 0, 0, 0, 0, 0, 64, proto, 0, 0}
	binary.BigEndian.PutUint16(b[2:], uint16(20+len(payload)))
	binary.BigEndian.PutUint16(b[4:], f.ID)
	return string(append(f.addrs(b), payload...))
}

func (f Flow) addrs(b []byte) []byte {
	return append(append(b, f.Src.Addr().AsSlice()...), f.Dst.Addr().AsSlice()...)
}

func (f Flow) ports() []byte {
	return binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16(nil, f.Src.Port()), f.Dst.Port())
}

// UDP returns an IP packet with a datagram.
func (f Flow) UDP(payload string) string {
	b := binary.BigEndian.AppendUint16(f.ports(), uint16(8+len(payload)))
	return f.IP(ProtoUDP, string(append(b, 0, 0))+payload)
}

// TCP returns an IP packet with a segment.
func (f Flow) TCP(seq, ack uint32, flags byte, payload string) string {
	b := binary.BigEndian.AppendUint32(f.ports(), seq)
	b = binary.BigEndian.AppendUint32(b, ack)
	b = append(b, 0x50, flags, 0xff, 0xff, 0, 0, 0, 0)
	return f.IP(ProtoTCP, string(b)+payload)
}

// SCTP returns an IP packet with chunks.
func (f Flow) SCTP(tag uint32, chunks ...string) string {
	b := string(binary.BigEndian.AppendUint32(f.ports(), tag)) + "\x00\x00\x00\x00"
	for _, c := range chunks {
		b += c
	}
	return f.IP(ProtoSCTP, b)
}

// The flags of a DATA chunk.
const (
	DataEnd = 1 << iota
	DataBegin
	DataWhole = DataBegin | DataEnd
)

// Data returns an SCTP DATA chunk with its padding.
func Data(flags byte, tsn uint32, user string) string {
	b := []byte{0, flags}
	b = binary.BigEndian.AppendUint16(b, uint16(16+len(user)))
	b = binary.BigEndian.AppendUint32(b, tsn)
	b = append(b, 0, 1, 0, 1, 0, 0, 0, 0)
	b = append(b, user...)
	return string(append(b, make([]byte, -len(user)&3)...))
}

// IData returns an I-DATA chunk with a fragment of a user message: RFC 8260, section 2.1.
func IData(flags byte, tsn uint32, stream uint16, message, fragment uint32, user string) string {
	b := []byte{64, flags}
	b = binary.BigEndian.AppendUint16(b, uint16(20+len(user)))
	b = binary.BigEndian.AppendUint32(b, tsn)
	b = append(binary.BigEndian.AppendUint16(b, stream), 0, 0)
	b = binary.BigEndian.AppendUint32(b, message)
	b = binary.BigEndian.AppendUint32(b, fragment) // of the first one the protocol, which is 0 for SIP
	b = append(b, user...)
	return string(append(b, make([]byte, -len(user)&3)...))
}

// ICMPError returns an ICMP port unreachable, of either version, that quotes a packet.
func (f Flow) ICMPError(quoted string) string {
	if f.Src.Addr().Is6() {
		return f.IP(58, "\x01\x04\x00\x00\x00\x00\x00\x00"+quoted)
	}
	return f.IP(ProtoICMP, "\x03\x03\x00\x00\x00\x00\x00\x00"+quoted)
}

// Ether returns an Ethernet frame with an IP packet, behind VLAN tags of the given ids.
func Ether(ip string, vlans ...uint16) string {
	b := []byte("\x02\x00\x00\x00\x00\x02\x02\x00\x00\x00\x00\x01")
	for _, id := range vlans {
		b = binary.BigEndian.AppendUint16(append(b, 0x81, 0), id)
	}
	return string(binary.BigEndian.AppendUint16(b, EtherType(ip))) + ip
}

// EtherType returns the EtherType of an IP packet.
func EtherType(ip string) uint16 {
	if len(ip) > 0 && ip[0]>>4 == 6 {
		return TypeIPv6
	}
	return TypeIPv4
}

// Fragment takes an IP packet without options apart, into fragments of at most size octets
// of its payload; size is rounded down to the eight octets that fragments are counted in.
func Fragment(ip string, id uint32, size int) (list []string) {
	size = max(size&^7, 8)
	header := 20
	if ip[0]>>4 == 6 {
		header = 40
	}
	payload := ip[header:]
	for off := 0; off < len(payload); off += size {
		part := payload[off:min(len(payload), off+size)]
		list = append(list, FragmentAt(ip[:header], id, off, off+size < len(payload), part))
	}
	return list
}

// FragmentAt returns one fragment of a datagram with the given IP header: whatever it is to
// be, also one that contradicts the others.
func FragmentAt(header string, id uint32, off int, more bool, part string) string {
	if header[0]>>4 == 6 {
		b := []byte(header[:40])
		ext := []byte{b[6], 0}
		ext = binary.BigEndian.AppendUint16(ext, uint16(off&^7|b2i(more)))
		ext = binary.BigEndian.AppendUint32(ext, id)
		b[6] = 44
		binary.BigEndian.PutUint16(b[4:], uint16(8+len(part)))
		return string(b) + string(ext) + part
	}
	b := []byte(header[:20])
	binary.BigEndian.PutUint16(b[2:], uint16(20+len(part)))
	binary.BigEndian.PutUint16(b[4:], uint16(id))
	binary.BigEndian.PutUint16(b[6:], uint16(off/8|b2i(more)<<13))
	return string(b) + part
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// A Stream is one direction of a TCP connection: it counts the sequence numbers.
type Stream struct {
	Flow
	Seq uint32 // of the next octet
	Ack uint32
}

// SYN begins the stream behind the initial sequence number Seq.
func (s *Stream) SYN() string {
	p := s.TCP(s.Seq, s.Ack, SYN, "")
	s.Seq++
	return p
}

// Send returns the next segment.
func (s *Stream) Send(payload string) string {
	p := s.TCP(s.Seq, s.Ack, PSH|ACK, payload)
	s.Seq += uint32(len(payload))
	return p
}

// SendAll returns segments of at most size octets.
func (s *Stream) SendAll(payload string, size int) (list []string) {
	for len(payload) > 0 {
		n := min(size, len(payload))
		list = append(list, s.Send(payload[:n]))
		payload = payload[n:]
	}
	return list
}

// FIN ends the stream.
func (s *Stream) FIN() string {
	p := s.TCP(s.Seq, s.Ack, FIN|ACK, "")
	s.Seq++
	return p
}
