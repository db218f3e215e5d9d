package sdp

import (
	"bytes"
	"net/netip"
)

// A Media is one media description: m= and the lines up to the next one. RFC 8866, section
// 5.14.
type Media struct {
	Line      int
	Kind      []byte // audio, video, image, message, application, text …
	PortText  []byte // as written, with the count
	Port      uint16 // 0 means that the stream is refused, or not wanted any more
	PortOK    bool   // PortText began with a number up to 65535
	PortCount int    // of port pairs, 1 where none is given
	Proto     []byte // RTP/AVP, udptl, TCP/MSRP …
	Formats   [][]byte

	Info        []byte // of i=
	Connections []Connection
	Bandwidths  []Bandwidth
	Attributes  []Attribute

	inherit    inherited
	connection Connection // its own, or that of the session
	codecs     []Codec

	// Where its parts begin in those of the session.
	attributesAt, bandwidthsAt, connectionsAt, formatsAt, codecsAt int
}

func (s *Session) media(line int, v []byte) {
	s.count++
	if len(s.Media) == MaxMedia {
		if s.count == MaxMedia+1 {
			s.complain(line, RuleMediaLimit)
		}
		return
	}
	m := Media{
		Line: line, PortCount: 1,
		attributesAt: len(s.attributes), bandwidthsAt: len(s.bandwidths),
		connectionsAt: len(s.connections), formatsAt: len(s.formats),
	}
	f := fields{rest: v}
	m.Kind, m.PortText, m.Proto = f.next(), f.next(), f.next()
	if m.Proto == nil {
		s.complain(line, RuleMedia)
	}
	if m.PortText != nil {
		s.port(&m)
	}
	rtp := m.IsRTP()
	var seen [128]bool
	for n := 0; ; n++ {
		format := f.next()
		if format == nil {
			if n == 0 && m.Proto != nil {
				s.complain(line, RuleNoFormat)
			}
			break
		}
		if n == MaxFormats {
			s.complain(line, RuleFormatLimit)
			break
		}
		s.formats = append(s.formats, format)
		if !rtp {
			continue
		}
		switch pt, ok := number(format, 127); {
		case !ok:
			s.complain(line, RuleFormat)
		case seen[pt]:
			s.complain(line, RuleFormatTwice)
		default:
			seen[pt] = true
		}
	}
	if f.odd {
		s.complain(line, RuleSpace)
	}
	s.Media = append(s.Media, m)
}

func (s *Session) port(m *Media) {
	port, count, slash := cutByte(m.PortText, '/')
	if n, ok := number(port, 1<<16-1); ok {
		m.Port, m.PortOK = uint16(n), true
	} else {
		s.complain(m.Line, RulePort)
	}
	if slash {
		if n, ok := number(count, 1<<16-1); ok && n > 0 {
			m.PortCount = int(n)
		} else {
			s.complain(m.Line, RulePortCount)
		}
	}
}

// profile returns the profile of RTP: the last part of the transport, where the one before
// it is RTP.
func (m *Media) profile() []byte {
	i := bytes.LastIndexByte(m.Proto, '/')
	if i < 0 {
		return nil
	}
	before := m.Proto[:i]
	before = before[bytes.LastIndexByte(before, '/')+1:]
	if !equalFold(before, "RTP") {
		return nil
	}
	return m.Proto[i+1:]
}

// IsRTP reports whether the stream is RTP, of whatever profile: its formats are payload
// types.
//
//go:noinline
func (m *Media) IsRTP() bool { return m.profile() != nil }

// IsSecure reports whether the profile is SRTP: SAVP or SAVPF (RFC 3711, RFC 5124).
func (m *Media) IsSecure() bool {
	p := m.profile()
	return equalFold(p, "SAVP") || equalFold(p, "SAVPF")
}

// HasFeedback reports whether the profile is one with early RTCP feedback: AVPF or SAVPF
// (RFC 4585, RFC 5124).
func (m *Media) HasFeedback() bool {
	p := m.profile()
	return equalFold(p, "AVPF") || equalFold(p, "SAVPF")
}

// IsDTLS reports whether the stream runs over DTLS or TLS by its transport: UDP/TLS/RTP/SAVPF,
// UDP/DTLS/SCTP, UDP/TLS/UDPTL, TCP/TLS/MSRP and their like.
func (m *Media) IsDTLS() bool {
	for rest := m.Proto; len(rest) > 0; {
		var part []byte
		part, rest, _ = cutByte(rest, '/')
		if equalFold(part, "TLS") || equalFold(part, "DTLS") {
			return true
		}
	}
	return false
}

// Is reports whether the media is of that kind, such as audio.
//
//go:noinline
func (m *Media) Is(kind string) bool { return equalFold(m.Kind, kind) }

// Disabled reports whether the stream is refused, or not wanted any more: its port is 0.
// RFC 3264, section 6. A bundled stream of an offer may have port 0 and be wanted: RFC 9143,
// section 6.
func (m *Media) Disabled() bool {
	return m.PortOK && m.Port == 0 && !m.Has("bundle-only")
}

// IsFax reports whether the stream is T.38: image over UDPTL, or over TCP.
func (m *Media) IsFax() bool {
	if !m.Is("image") {
		return false
	}
	for _, f := range m.Formats {
		if equalFold(f, "t38") {
			return true
		}
	}
	return hasSuffixFold(m.Proto, "udptl")
}

// Connection returns the c= that counts for the stream: its own first one, or that of the
// session. Its Line is 0 where there is neither.
func (m *Media) Connection() Connection { return m.connection }

// Addr returns where the stream is to be sent. ok is false where that is nowhere: the port
// is 0 or no port, the address is a name or missing. The address may be unspecified (a hold
// of old, or ICE that has not gathered yet).
func (m *Media) Addr() (a netip.AddrPort, ok bool) {
	if !m.connection.Addr.IsValid() || m.Port == 0 {
		return netip.AddrPort{}, false
	}
	return netip.AddrPortFrom(m.connection.Addr, m.Port), true
}

// RTCPAddr returns where RTCP of the stream is to be sent where it does not share a port
// with RTP: what a=rtcp says (RFC 3605), or the port above. See RTCPMux.
func (m *Media) RTCPAddr() (a netip.AddrPort, ok bool) {
	at, ok := m.Addr()
	if !ok || !m.IsRTP() {
		return netip.AddrPort{}, false
	}
	if v, ok := m.first(attrRTCP); ok {
		port, addr, ok := parseRTCP(v)
		if !ok {
			return netip.AddrPort{}, false
		}
		if !addr.IsValid() {
			addr = at.Addr()
		}
		return netip.AddrPortFrom(addr, port), true
	}
	if m.Port == 1<<16-1 {
		return netip.AddrPort{}, false
	}
	return netip.AddrPortFrom(at.Addr(), m.Port+1), true
}

// parseRTCP reads the value of a=rtcp: a port, and maybe an address. RFC 3605, section 2.1.
func parseRTCP(v []byte) (port uint16, addr netip.Addr, ok bool) {
	f := fields{rest: v}
	n, ok := number(f.next(), 1<<16-1)
	if !ok || len(f.rest) == 0 {
		return uint16(n), addr, ok
	}
	f.next()
	addrType, host := f.next(), f.next()
	addr = parseAddr(host)
	if host == nil || len(f.rest) > 0 || !addr.IsValid() || !fits(addrType, host, addr) {
		return 0, netip.Addr{}, false
	}
	return uint16(n), addr, true
}

// RTCPMux reports whether this side is ready to have RTP and RTCP on one port: RFC 5761.
// They share it where both sides are.
func (m *Media) RTCPMux() bool {
	_, ok := m.first(attrRTCPMux)
	return ok
}

// A Direction says which way the packets of a stream may go, as the side that wrote the
// description sees it. RFC 8866, section 6.7. It is a set of send and receive.
type Direction uint8

// The directions.
const (
	Inactive Direction = 0
	SendOnly Direction = 1
	RecvOnly Direction = 2
	SendRecv Direction = SendOnly | RecvOnly
)

func (d Direction) String() string {
	return [...]string{"inactive", "sendonly", "recvonly", "sendrecv"}[d&SendRecv]
}

// Sends reports whether the side may send.
func (d Direction) Sends() bool { return d&SendOnly != 0 }

// Receives reports whether the side may receive.
func (d Direction) Receives() bool { return d&RecvOnly != 0 }

// Reverse returns the direction as the other side sees it.
func (d Direction) Reverse() Direction { return d&SendOnly<<1 | d&RecvOnly>>1 }

// Direction returns the direction of the stream: its own, or that of the session, or
// sendrecv where nothing is said. Where it is said twice, the last counts.
func (m *Media) Direction() Direction {
	if !m.inherit.hasDirection {
		return SendRecv
	}
	return m.inherit.direction
}

// HasDirection reports whether the direction of the stream is written down, be it for the
// stream or for the session.
func (m *Media) HasDirection() bool { return m.inherit.hasDirection }

// IsHold reports whether the description, as a later offer, puts the other side on hold: it
// is sendonly or inactive (RFC 3264, section 8.4), or its address is 0.0.0.0, as it was done
// before that. A stream that is disabled is not on hold, and neither is one that waits for
// ICE to find its addresses (RFC 9429, section 5.2.1).
func (m *Media) IsHold() bool {
	if !m.PortOK || m.Port == 0 {
		return false
	}
	if d := m.Direction(); d == SendOnly || d == Inactive {
		return true
	}
	return m.connection.Addr.IsValid() && m.connection.Addr.IsUnspecified() && !(m.ICE() && m.Port == 9)
}
