package sipmsg

import (
	"bytes"
	"net/netip"
)

// A ViaHop is one value of Via: RFC 3261, section 20.42.
type ViaHop struct {
	Protocol, Version, Transport []byte // SIP, 2.0 and, for example, UDP

	Host     []byte // of sent-by; an IPv6 reference with its brackets
	PortText []byte // nil where there is none
	Port     uint16
	HasPort  bool // PortText is a number that fits; if not, Port is 0

	Params Params
}

// ParseVia scans one value of Via. It takes whatever is there; white space may stand around
// every separator.
func ParseVia(v []byte) (h ViaHop) {
	v = trimSpace(v)
	if end := bytes.IndexByte(v, ';'); end >= 0 {
		v, h.Params = v[:end:end], Params(v[end:])
	}
	var ok bool
	if h.Protocol, v, ok = cutSlash(v); ok {
		if h.Version, v, ok = cutSlash(v); ok {
			n := scanToken(v, 0)
			h.Transport, v = v[:n:n], v[n:]
		}
	}
	h.Host, h.PortText = splitHostPort(v)
	h.Port, h.HasPort = portNumber(h.PortText)
	return h
}

// cutSlash cuts off a token, a slash, and the white space around it.
func cutSlash(v []byte) (token, rest []byte, ok bool) {
	n := scanToken(v, 0)
	slash := n + scanSpace(v[n:])
	if n == 0 || slash == len(v) || v[slash] != '/' {
		return nil, v, false
	}
	rest = v[slash+1:]
	return v[:n:n], rest[scanSpace(rest):], true
}

// TopVia returns the topmost Via; ok is false if there is none.
func (m *Message) TopVia() (h ViaHop, ok bool) {
	v, ok := m.firstOf(Via)
	if !ok {
		return ViaHop{}, false
	}
	first, _ := nextElement(v)
	return ParseVia(first), true
}

// HostAddr returns the host of sent-by if it is an IP address.
func (h ViaHop) HostAddr() (netip.Addr, bool) { return parseAddr(h.Host) }

// Branch returns the branch parameter, nil for none.
func (h ViaHop) Branch() []byte { return h.Params.value("branch") }

// Received returns the received parameter, nil for none.
func (h ViaHop) Received() []byte { return h.Params.value("received") }

// ReceivedAddr returns the address that the received parameter gives.
func (h ViaHop) ReceivedAddr() (netip.Addr, bool) { return parseAddr(h.Received()) }

// RPort returns the rport parameter. A client asks for it by writing it without a value:
// then present is true and ok false. RFC 3581, section 3.
func (h ViaHop) RPort() (port uint16, present, ok bool) {
	v, present := h.Params.Get("rport")
	port, ok = portNumber(v)
	return port, present, ok
}

// MAddr returns the maddr parameter, nil for none.
func (h ViaHop) MAddr() []byte { return h.Params.value("maddr") }

// TTL returns the ttl parameter: ok is false if there is none, or it is no number from 0 to
// 255.
func (h ViaHop) TTL() (ttl uint8, ok bool) {
	n, ok := Number(h.Params.value("ttl"))
	if !ok || n > 255 {
		return 0, false
	}
	return uint8(n), true
}

// Alias reports whether the sender offers its connection for requests in the other
// direction: RFC 5923, section 8.
func (h ViaHop) Alias() bool { return h.Params.Has("alias") }
