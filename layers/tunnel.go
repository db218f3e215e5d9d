package layers

import (
	"encoding/binary"
	"math/bits"
	"net/netip"
	"strconv"
)

// A Tunnel is one thing that a packet was carried in.
type Tunnel struct {
	Kind     TunnelKind
	Src, Dst netip.Addr // of the packet that carried it; the zero Addr for tags
	ID       uint32     // VLAN id, MPLS label, GRE key, VNI, TEID, session: whatever the kind has
}

// A TunnelKind is a way of carrying packets in packets.
type TunnelKind uint8

// The kinds of tunnels.
const (
	VLAN TunnelKind = iota + 1
	MPLS
	PPPoE
	IPIP
	GRE
	ERSPAN
	VXLAN
	Geneve
	GTP
	L2TP
	ESP
	Teredo
	EtherIP
	CAPWAP
	TZSP
	GUE
	FOU // IP right behind a UDP header
	LISP
	UDPSCTP // SCTP behind a UDP header

	NumTunnelKinds = iota + 1 // one more than the last kind: the length of an array with a place for each
)

var tunnelNames = [...]string{"", "VLAN", "MPLS", "PPPoE", "IPIP", "GRE", "ERSPAN", "VXLAN", "Geneve", "GTP", "L2TP", "ESP", "Teredo", "EtherIP", "CAPWAP",
	"TZSP", "GUE", "FOU", "LISP", "UDP"}

func (k TunnelKind) String() string {
	if int(k) < len(tunnelNames) {
		return tunnelNames[k]
	}
	return ""
}

// String names the tunnel with its outer addresses and its id, where it has them.
func (t Tunnel) String() string {
	s := t.Kind.String()
	if t.ID != 0 {
		s += " " + strconv.FormatUint(uint64(t.ID), 10)
	}
	if t.Src.IsValid() {
		s += " " + t.Src.Unmap().String() + " > " + t.Dst.Unmap().String()
	}
	return s
}

// enter records a tunnel whose header is n octets long and goes on inside of it. Not inlined: it is cold, and in many places.
//
//go:noinline
func (f *Frame) enter(k TunnelKind, id uint32, n int, s step, arg uint16) (step, uint16, error) {
	if len(f.Payload) < n {
		return 0, 0, ErrTruncated
	}
	if len(f.Tunnels) >= maxTunnels {
		return 0, 0, ErrTooDeep
	}
	f.Tunnels = append(f.Tunnels, Tunnel{k, f.Src.Addr(), f.Dst.Addr(), id})
	f.skip(n)
	return s, arg, nil
}

// mpls steps over a label stack (RFC 3032) and tells from the first octet behind it what
// it carries: IP, or a pseudowire of Ethernet (RFC 4448) or IP with or without a control word.
func (f *Frame) mpls() (step, uint16, error) {
	var label uint32
	for n := 0; ; n++ {
		p := f.Payload
		if len(p) < 4 {
			return 0, 0, ErrTruncated
		}
		if n == maxTags {
			return 0, 0, ErrTooDeep
		}
		label = binary.BigEndian.Uint32(p)
		f.skip(4)
		if label&0x100 != 0 { // bottom of the stack
			break
		}
	}
	f.Tunnels = append(f.Tunnels, Tunnel{Kind: MPLS, ID: label >> 12})
	if len(f.Tunnels) > maxTunnels {
		return 0, 0, ErrTooDeep
	}
	p := f.Payload
	switch {
	case len(p) == 0:
		return 0, 0, ErrTruncated
	case isIP(p) && (!knownEtherType(p, 12) || fitsIP(p)):
		return stepIP, 0, nil
	case p[0]>>4 == 0 && len(p) > 4 && isIP(p[4:]) && fitsIP(p[4:]):
		f.skip(4)
		return stepIP, 0, nil
	case p[0]>>4 == 0 && knownEtherType(p, 16) || p[0]>>4 == 0 && !knownEtherType(p, 12):
		if len(p) < 4 {
			return 0, 0, ErrTruncated
		}
		f.skip(4) // the control word
	}
	return stepEthernet, 0, nil
}

// isIP reports whether p begins like an IP header.
func isIP(p []byte) bool { return p[0]>>4 == 4 && p[0]&15 >= 5 || p[0]>>4 == 6 }

// fitsIP reports whether the length in the IP header at the start of p is that of p, but
// for the padding of short frames. It tells an address that reads like an EtherType from a
// frame whose destination begins like an IP header. Not inlined: it is cold, and in many places.
//
//go:noinline
func fitsIP(p []byte) bool {
	if len(p) < 20 {
		return false
	}
	n := int(binary.BigEndian.Uint16(p[2:]))
	if p[0]>>4 == 6 {
		n = 40 + int(binary.BigEndian.Uint16(p[4:]))
	}
	return n == len(p) || n < len(p) && len(p) <= 46
}

// knownEtherType reports whether p[n:] holds an EtherType that is decoded here. Not inlined: it is cold, and in many places.
//
//go:noinline
func knownEtherType(p []byte, n int) bool {
	if len(p) < n+2 {
		return false
	}
	switch binary.BigEndian.Uint16(p[n:]) {
	case etherIPv4, etherIPv6, etherVLAN, etherService, etherMPLS, etherPPPoE, 0x0806, 0x9100:
		return true
	}
	return false
}

// pppoe steps over a session header. RFC 2516, section 4.
//
//go:noinline
func (f *Frame) pppoe() (step, uint16, error) {
	p := f.Payload
	if len(p) < 6 {
		return 0, 0, ErrTruncated
	}
	if p[0] != 0x11 || p[1] != 0 {
		return 0, 0, ErrUnsupported
	}
	id := uint32(binary.BigEndian.Uint16(p[2:]))
	if len(f.Tunnels) >= maxTunnels {
		return 0, 0, ErrTooDeep
	}
	f.Tunnels = append(f.Tunnels, Tunnel{Kind: PPPoE, ID: id})
	f.skip(6)
	return stepPPP, 0, nil
}

// ppp decodes RFC 1661 and 1662: an address and control field where they were not left
// out, and a protocol of one or two octets.
func (f *Frame) ppp() (step, uint16, error) {
	p := f.Payload
	if len(p) >= 2 && p[0] == 0xff && p[1] == 3 {
		f.skip(2)
		p = f.Payload
	}
	if len(p) < 2 {
		return 0, 0, ErrTruncated
	}
	n, proto := 2, binary.BigEndian.Uint16(p)
	if p[0]&1 != 0 { // compressed: protocols are odd in their last octet only
		n, proto = 1, uint16(p[0])
	}
	f.skip(n)
	switch proto {
	case 0x0021, 0x0057:
		return stepIP, 0, nil
	case 0x0281, 0x0283:
		return stepMPLS, 0, nil
	case 0x003d:
		return f.multilink()
	case 0x0031: // bridging (RFC 3518): flags and MAC type, then a frame
		if len(f.Payload) < 2 {
			return 0, 0, ErrTruncated
		}
		f.skip(2)
		return stepEthernet, 0, nil
	}
	return 0, 0, ErrUnsupported
}

// multilink decodes a packet of a bundle of links that is no fragment of one: RFC 1990, section 3. Whether its sequence
// number is the long or the short one was agreed on before.
func (f *Frame) multilink() (step, uint16, error) {
	p := f.Payload
	if len(p) > 0 && p[0]&0xc0 == 0xc0 { // its beginning, and its end
		for _, n := range [...]int{4, 2} {
			if len(p) < n+3 {
				continue
			}
			q := p[n:]
			if q[0] == 0 {
				q = q[1:]
			}
			if q[0] == 0x21 && q[1]>>4 == 4 || q[0] == 0x57 && q[1]>>4 == 6 {
				f.skip(n)
				return stepPPP, 0, nil
			}
		}
	}
	return 0, 0, ErrUnsupported
}

// gre decodes RFC 2784 and 2890, and version 1 of RFC 2637 (PPTP).
func (f *Frame) gre() (step, uint16, error) {
	p := f.Payload
	if len(p) < 4 {
		return 0, 0, ErrTruncated
	}
	flags, typ := binary.BigEndian.Uint16(p), binary.BigEndian.Uint16(p[2:])
	n, key := 4, uint32(0)
	field := func(bit uint16) (at int) {
		at = n
		if flags&bit != 0 {
			n += 4
		}
		return at
	}
	if flags&7 == 1 { // enhanced: the key holds a length and a call id
		at := field(0x2000)
		field(0x1000) // sequence number
		field(0x0080) // acknowledgment
		if len(p) < n {
			return 0, 0, ErrTruncated
		}
		if typ == 0x6400 && n == 8 && len(p) > n { // Ethernet over IP of MikroTik: a length, and a number in the order of the host; alone it keeps the tunnel up
			return f.enter(GRE, uint32(binary.LittleEndian.Uint16(p[6:])), n, stepEthernet, 0)
		}
		if typ != 0x880b {
			return 0, 0, ErrUnsupported
		}
		if n > at {
			key = uint32(binary.BigEndian.Uint16(p[at+2:]))
		}
		return f.enter(GRE, key, n, stepPPP, 0)
	}
	if flags&7 != 0 {
		return 0, 0, ErrUnsupported
	}
	field(0xc000) // checksum and offset: there with either bit
	keyAt := field(0x2000)
	field(0x1000)
	if len(p) < n {
		return 0, 0, ErrTruncated
	}
	if flags&0x4000 != 0 { // source routes of RFC 1701: family, offset, length, route; one without a length is the last
		for end := false; !end; {
			if len(p) < n+4 {
				return 0, 0, ErrTruncated
			}
			end = p[n+3] == 0
			n += 4 + int(p[n+3])
		}
	}
	if flags&0x2000 != 0 {
		key = binary.BigEndian.Uint32(p[keyAt:])
	}
	switch typ {
	case 0x88be: // ERSPAN: without a sequence number type I, which has no header
		if flags&0x1000 != 0 {
			n += 8
		}
		if len(p) < n {
			return 0, 0, ErrTruncated
		}
		return f.enter(ERSPAN, erspanSession(p, n, 8), n, stepEthernet, 0)
	case 0x22eb:
		return f.erspan3(p, n)
	case 0x880b:
		return f.enter(GRE, key, n, stepPPP, 0)
	case 0x883e: // WCCP: from version 2 on with a header of its own
		if len(p) >= n+4 && !isIP(p[n:]) {
			n += 4
		}
		return f.enter(GRE, key, n, stepIP, 0)
	}
	return f.enter(GRE, key, n, stepEtherType, typ)
}

// erspanSession reads the session id of the ERSPAN header of size octets that ends at p[n].
func erspanSession(p []byte, n, size int) uint32 {
	if n < size+4 {
		return 0
	}
	return uint32(binary.BigEndian.Uint16(p[n-size+2:]) & 0x3ff)
}

// erspan3 decodes an ERSPAN type III header at p[n:].
func (f *Frame) erspan3(p []byte, n int) (step, uint16, error) {
	if len(p) < n+12 {
		return 0, 0, ErrTruncated
	}
	session := uint32(binary.BigEndian.Uint16(p[n+2:]) & 0x3ff)
	s, size := stepEthernet, 12
	if p[n+10]>>2&31 == 2 { // frame type: IP without a link layer
		s = stepIP
	}
	if p[n+11]&1 != 0 { // a platform specific subheader
		size += 8
	}
	return f.enter(ERSPAN, session, n+size, s, 0)
}

// Ports of tunnels over UDP.
const (
	portL2TP    = 1701
	portGTP     = 2152
	portTeredo  = 3544
	portLISP    = 4341
	portESP     = 4500
	portGRE     = 4754
	portVXLAN   = 4789
	portGPE     = 4790
	portCAPWAP  = 5247
	portFOU     = 5555 // of the examples of Linux: there is no other
	portGUE     = 6080
	portGeneve  = 6081
	portMPLS    = 6635
	portVXLANv0 = 8472 // of Linux before the number was assigned
	portSCTP    = 9899

	maxTunnelPort = portSCTP

	portTZSP = 37008 // any client may have it: Glance tells of such datagrams, see Mirrored
)

// tunnelPorts has the bits of the ports up to maxTunnelPort for which tunnelOf has a decoder: to ask it costs a packet of media more.
var tunnelPorts = func() (m [maxTunnelPort/64 + 1]uint64) {
	for _, p := range [...]uint16{
		portL2TP, portGTP, portTeredo, portLISP, portESP, portGRE, portVXLAN, portGPE, portCAPWAP, portFOU, portGUE, portGeneve, portMPLS, portVXLANv0, portSCTP,
	} {
		m[p/64] |= 1 << (p % 64)
	}
	return m
}()

// isTunnel reports whether a port is in tunnelPorts.
func isTunnel(port uint16) bool {
	return int(port/64) < len(tunnelPorts) && tunnelPorts[port/64]>>(port%64)&1 != 0
}

// udpTunnel looks into a datagram to a port of a tunnel. The port alone proves nothing:
// what does not look like the tunnel's header, or does not hold a packet, is a payload
// like any other.
func (f *Frame) udpTunnel() (step, uint16, error) {
	if len(f.Payload) < 8 || f.Payload[0] != 1 && !isTunnel(f.Src.Port()) && !isTunnel(f.Dst.Port()) {
		return stepDone, 0, nil
	}
	enter := tunnelOf(f.Dst.Port())
	if enter == nil {
		if enter = tunnelOf(f.Src.Port()); enter == nil {
			return stepDone, 0, nil
		}
	}
	if f.outer == nil {
		f.outer = new(Frame)
	}
	outer := f.outer
	*outer = *f
	outer.outer, outer.entered = nil, false
	s, arg, err := enter(f)
	if err == ErrTruncated { // its header is longer than all there is
		return stepDone, 0, nil
	}
	if err != nil {
		return 0, 0, err
	}
	f.entered = s != stepDone || f.entered
	return s, arg, nil
}

// tunnelOf returns the decoder of the tunnel that is known by a port.
func tunnelOf(port uint16) func(*Frame) (step, uint16, error) {
	switch port {
	case portL2TP:
		return (*Frame).l2tp
	case portGTP:
		return (*Frame).gtp
	case portTeredo:
		return (*Frame).teredo
	case portLISP:
		return (*Frame).lisp
	case portESP:
		return (*Frame).udpESP
	case portGRE:
		return (*Frame).udpGRE
	case portVXLAN, portGPE, portVXLANv0:
		return (*Frame).vxlan
	case portCAPWAP:
		return (*Frame).capwap
	case portFOU:
		return (*Frame).fou
	case portGUE:
		return (*Frame).gue
	case portGeneve:
		return (*Frame).geneve
	case portMPLS:
		return (*Frame).udpMPLS
	case portSCTP:
		return (*Frame).udpSCTP
	case portTZSP:
		return (*Frame).tzsp
	}
	return nil
}

// vxlan decodes RFC 7348, and the generic protocol extension's next protocol. Reserved bits mean
// nothing to a receiver, and the group policy extension has some of them: where any is set, what is
// inside has to look like Ethernet.
func (f *Frame) vxlan() (step, uint16, error) {
	p := f.Payload
	if p[0]&8 == 0 || (p[0]&0xc0 != 0 || p[7] != 0) && !knownEtherType(p, 8+12) {
		return stepDone, 0, nil
	}
	id := binary.BigEndian.Uint32(p[4:]) >> 8
	s, arg := stepEthernet, uint16(0)
	if p[0]&0x84 == 4 { // it says what is inside, and p[3] is no part of a group
		var err error
		if s, arg, err = nextProtocol(p[3]); err != nil {
			return stepDone, 0, nil
		}
	}
	return f.enter(VXLAN, id, 8, s, arg)
}

// geneve decodes RFC 8926, section 3.4. Where bits are set that are reserved, what is inside has to look like Ethernet.
func (f *Frame) geneve() (step, uint16, error) {
	p := f.Payload
	size, typ := 8+int(p[0]&0x3f)*4, binary.BigEndian.Uint16(p[2:])
	if p[0]>>6 != 0 || (p[1]&0x3f != 0 || p[7] != 0) && (typ != etherBridged || !knownEtherType(p, size+12)) {
		return stepDone, 0, nil
	}
	return f.enter(Geneve, binary.BigEndian.Uint32(p[4:])>>8, size, stepEtherType, typ)
}

// gtp decodes a G-PDU: 3GPP TS 29.281, section 5.
func (f *Frame) gtp() (step, uint16, error) {
	p := f.Payload
	if p[0]>>4 != 3 || p[1] != 255 {
		return stepDone, 0, nil
	}
	id, n := binary.BigEndian.Uint32(p[4:]), 8
	if p[0]&7 != 0 {
		if len(p) < 12 {
			return stepDone, 0, nil
		}
		n = 12
		next := p[11]
		if p[0]&4 == 0 { // the octet is there and means nothing
			next = 0
		}
		for next != 0 { // extension headers, in units of four octets
			if len(p) <= n || p[n] == 0 || len(p) < n+int(p[n])*4 {
				return stepDone, 0, nil
			}
			n += int(p[n]) * 4
			next = p[n-1]
		}
	}
	if len(p) > n && p[n]>>4 != 4 && p[n]>>4 != 6 && knownEtherType(p, n+12) { // a session of Ethernet: 3GPP TS 23.501, section 5.6.10.2
		return f.enter(GTP, id, n, stepEthernet, 0)
	}
	return f.enter(GTP, id, n, stepIP, 0)
}

// l2tp decodes a data message of version 2. RFC 2661, section 3.1.
func (f *Frame) l2tp() (step, uint16, error) {
	p := f.Payload
	flags := binary.BigEndian.Uint16(p)
	if flags == 3 && p[2] == 0 && p[3] == 0 {
		s, arg, err := f.l2tp3(4)
		if err != nil {
			return stepDone, 0, nil
		}
		return s, arg, nil
	}
	if flags&0xb4ff != 2 { // a control message, another version, or reserved bits: text
		return stepDone, 0, nil
	}
	n := 2
	if flags&0x4000 != 0 {
		n += 2
	}
	n += 4 // tunnel and session
	if flags&0x0800 != 0 {
		n += 4
	}
	if flags&0x0200 != 0 {
		if len(p) < n+2 {
			return stepDone, 0, nil
		}
		n += 2 + int(binary.BigEndian.Uint16(p[n:]))
	}
	if len(p) < n {
		return stepDone, 0, nil
	}
	return f.enter(L2TP, 0, n, stepPPP, 0)
}

// l2tp3 decodes a data message of version 3, over IP (RFC 3931, section 4.1.1) or behind the header
// that it has over UDP (section 4.1.2): a session and a cookie of 0, 4 or 8 octets, whose length the
// packet does not say.
func (f *Frame) l2tp3(header int) (step, uint16, error) {
	p := f.Payload
	if len(p) < header+8 {
		return 0, 0, ErrTruncated
	}
	id := binary.BigEndian.Uint32(p[header:])
	if id == 0 { // a control message
		return 0, 0, ErrUnsupported
	}
	for _, n := range [...]int{4, 8, 12, 16} { // also with the default sublayer
		if n += header; knownEtherType(p, n+12) {
			return f.enter(L2TP, id, n, stepEthernet, 0)
		}
	}
	for _, n := range [...]int{4, 8, 12, 16} {
		q := p[min(n+header, len(p)):]
		switch {
		case len(q) > 4 && q[0] == 0xff && q[1] == 3 && isIP(q[4:]):
			return f.enter(L2TP, id, n+header, stepPPP, 0)
		case len(q) > 0 && isIP(q) && fitsIP(q):
			return f.enter(L2TP, id, n+header, stepIP, 0)
		}
	}
	return 0, 0, ErrUnsupported
}

// teredo decodes RFC 4380, section 5.1.1: indications that may be there, and IPv6.
func (f *Frame) teredo() (step, uint16, error) {
	p := f.Payload
	n := 0
	if p[0] == 0 && p[1] == 1 && len(p) >= 4 { // authentication
		n = 13 + int(p[2]) + int(p[3])
	}
	if len(p) >= n+8 && p[n] == 0 && p[n+1] == 0 { // origin
		n += 8
	}
	if len(p) < n+40 || p[n]>>4 != 6 || !f.holdsIP(n) {
		return stepDone, 0, nil
	}
	return f.enter(Teredo, 0, n, stepIP, 0)
}

// holdsIP reports whether there is an IP packet at Payload[n:] that is as long as what is there, so that text is none. Not inlined:
// it is cold, and in many places.
//
//go:noinline
func (f *Frame) holdsIP(n int) bool {
	if len(f.Payload) < n+20 {
		return false
	}
	p, all := f.Payload[n:], len(f.Payload)+f.Missing-n
	if p[0]>>4 == 6 {
		return 40+int(binary.BigEndian.Uint16(p[4:])) == all
	}
	return isIP(p) && int(binary.BigEndian.Uint16(p[2:])) == all
}

// holdsGRE reports whether there is a header of GRE at Payload[n:], as hosts send it in UDP, with a packet behind it.
func (f *Frame) holdsGRE(n int) bool {
	if len(f.Payload) < n+4 {
		return false
	}
	p := f.Payload[n:]
	flags := binary.BigEndian.Uint16(p)
	if flags&^0xb000 != 0 { // a checksum, a key, a sequence number
		return false
	}
	size := 4 + 4*bits.OnesCount16(flags)
	switch binary.BigEndian.Uint16(p[2:]) {
	case etherIPv4, etherIPv6:
		return f.holdsIP(n + size)
	case etherBridged:
		return knownEtherType(p, size+12)
	}
	return false
}

// udpGRE decodes GRE in UDP: RFC 8086.
func (f *Frame) udpGRE() (step, uint16, error) {
	if !f.holdsGRE(0) {
		return stepDone, 0, nil
	}
	return f.gre()
}

// fou decodes what Linux calls foo over UDP: IP, or GRE, without a header of its own.
func (f *Frame) fou() (step, uint16, error) {
	if f.holdsIP(0) {
		return f.enter(FOU, 0, 0, stepIP, 0)
	}
	return f.udpGRE()
}

// gue decodes a data message of generic UDP encapsulation: draft-ietf-intarea-gue, section 3. Variant 1 is IP without a header, and
// its first bits are those of IP.
func (f *Frame) gue() (step, uint16, error) {
	p := f.Payload
	n := 4 + int(p[0]&0x1f)*4
	switch proto := p[1]; {
	case f.holdsIP(0):
		return f.enter(GUE, 0, 0, stepIP, 0)
	case p[0]&0xe0 != 0: // a control message, or text
	case (proto == protoIPv4 || proto == protoIPv6) && f.holdsIP(n):
		return f.enter(GUE, 0, n, stepIP, 0)
	case proto == protoGRE && f.holdsGRE(n):
		return f.enter(GUE, 0, n, stepProto, protoGRE)
	}
	return stepDone, 0, nil
}

// lisp decodes a data packet of the locator/ID separation protocol: RFC 9300, section 5.1.
func (f *Frame) lisp() (step, uint16, error) {
	if !f.holdsIP(8) {
		return stepDone, 0, nil
	}
	id := uint32(0)
	if f.Payload[0]&0x08 != 0 { // with an instance
		id = binary.BigEndian.Uint32(f.Payload[4:]) >> 8
	}
	return f.enter(LISP, id, 8, stepIP, 0)
}

// udpMPLS decodes MPLS in UDP (RFC 7510) that holds IP, or Ethernet behind a control word.
func (f *Frame) udpMPLS() (step, uint16, error) {
	p := f.Payload
	for n := 4; n <= 4*maxTags && n+4 <= len(p); n += 4 {
		if p[n-2]&1 == 0 { // not the bottom of the stack
			continue
		}
		if f.holdsIP(n) || binary.BigEndian.Uint32(p[n:])>>16 == 0 && knownEtherType(p, n+4+12) {
			return f.enter(MPLS, 0, 0, stepMPLS, 0)
		}
		break
	}
	return stepDone, 0, nil
}

// udpSCTP decodes SCTP in UDP (RFC 6951), which has to be a chain of chunks up to the end.
func (f *Frame) udpSCTP() (step, uint16, error) {
	p := f.Payload
	n := 12
	for len(p) >= n+4 && isChunk(p[n]) {
		size := int(binary.BigEndian.Uint16(p[n+2:]))
		if size < 4 {
			break
		}
		n += (size + 3) &^ 3
	}
	if n == 12 || n != len(p)+f.Missing && !(f.Missing > 0 && n > len(p)-4 && n < len(p)+f.Missing) {
		return stepDone, 0, nil
	}
	return f.enter(UDPSCTP, 0, 0, stepProto, uint16(SCTP))
}

// isChunk reports whether a type of chunks of SCTP is one that the registry has.
func isChunk(typ byte) bool {
	return typ <= 15 || typ == ChunkIData || typ >= 128 && typ <= 132 || typ >= 192 && typ <= 194
}

// Mirrored reports whether a datagram of which Glance says that its payload begins at off may be one of TZSP, which
// Decode has to look at.
func Mirrored(b []byte, off int) bool {
	return off < len(b) && b[off] == 1 && (binary.BigEndian.Uint16(b[off-8:]) == portTZSP || binary.BigEndian.Uint16(b[off-6:]) == portTZSP)
}

// tzsp decodes a packet of the TaZmen Sniffer Protocol, as routers and access points send what they hear: version, type, link
// layer, tags up to one that ends them. The types that hold no packet, as a keepalive, are datagrams like any other.
func (f *Frame) tzsp() (step, uint16, error) {
	p := f.Payload
	if p[0] != 1 || p[1] > 1 {
		return stepDone, 0, nil
	}
	var link LinkType
	switch binary.BigEndian.Uint16(p[2:]) {
	case 1:
		link = Ethernet
	case 18:
		link = WiFi
	case 119:
		link = Prism
	case 127:
		link = WiFiAVS
	default:
		return stepDone, 0, nil
	}
	n := 4
	for n < len(p) && p[n] != 1 {
		if n++; p[n-1] != 0 { // not a padding
			if n == len(p) {
				break
			}
			n += 1 + int(p[n])
		}
	}
	if n >= len(p) {
		return stepDone, 0, nil
	}
	return f.enter(TZSP, 0, n+1, stepLink, uint16(link))
}

// capwap decodes a data message: RFC 5415, section 4.3.
func (f *Frame) capwap() (step, uint16, error) {
	p := f.Payload
	n := int(p[1]>>3) * 4
	native, fragment, keepalive := p[2]&1 != 0, p[3]&0x80 != 0, p[3]&0x08 != 0
	if p[0] != 0 || n < 8 || len(p) < n || keepalive {
		return stepDone, 0, nil
	}
	inside := stepEthernet
	if native {
		inside = stepWiFi
	}
	_, _, err := f.enter(CAPWAP, 0, n, inside, 0)
	if fragment && err == nil { // section 3.4
		f.Fragment = Fragment{ID: uint32(binary.BigEndian.Uint16(p[4:])), Offset: int(binary.BigEndian.Uint16(p[6:]) &^ 7), More: p[3]&0x40 == 0}
		f.inside = inside
		err = ErrFragment
	}
	return inside, 0, err
}

// udpESP looks at ESP in UDP (RFC 3948): a zero instead of the SPI marks IKE.
func (f *Frame) udpESP() (step, uint16, error) {
	if binary.BigEndian.Uint32(f.Payload) == 0 {
		return stepDone, 0, nil
	}
	s, arg, err := f.esp()
	if err != nil {
		return stepDone, 0, nil
	}
	return s, arg, err
}

// esp looks into ESP that is not encrypted (RFC 2410), as IMS uses it between telephone
// and proxy. Nothing in the packet says so: its trailer has to make sense for one of the
// usual lengths of the check value, and so does what it says it carries.
func (f *Frame) esp() (step, uint16, error) {
	p := f.Payload
	if len(p) < 8+2 {
		return 0, 0, ErrUnsupported
	}
	if f.Missing > 0 {
		return f.espCut()
	}
	for i, icv := range [...]int{12, 16, 0, 24, 32, 16} {
		end, start := len(p)-icv, 8
		if i == 5 { // AES-GMAC has a vector of 8 octets in front: RFC 4543, section 3
			start += 8
		}
		if end < start+2 {
			continue
		}
		next, pad := p[end-1], int(p[end-2])
		if end-2-pad < start || !isPadding(p[end-2-pad:end-2]) {
			continue
		}
		if body := p[start : end-2-pad]; plausible(next, body) {
			id := binary.BigEndian.Uint32(p)
			f.Payload = p[: end-2-pad : end-2-pad]
			return f.enter(ESP, id, start, stepProto, uint16(next))
		}
	}
	return 0, 0, ErrEncrypted
}

// hasPorts reports whether a protocol is one that messages are sent over.
func hasPorts(proto byte) bool {
	return proto == byte(UDP) || proto == byte(TCP) || proto == byte(SCTP)
}

// espCut is esp for a packet of which the end was cut, and its trailer with it. What it carries has to say how long it is, and only
// what may stand behind it has to be there. TCP does not say so: what may be of the trailer, and an octet more, is none of its payload.
func (f *Frame) espCut() (step, uint16, error) {
	const header, longest = 8, 3 + 2 + 32 + 1
	if len(f.Payload) < header+20 {
		return 0, 0, ErrEncrypted
	}
	b, rest := f.Payload[header:], len(f.Payload)+f.Missing-header
	length := int(binary.BigEndian.Uint16(b[4:]))
	var next byte
	switch {
	case b[0]>>4 == 4 && b[0]&15 >= 5 && hasPorts(b[9]) && isTrailer(rest-int(binary.BigEndian.Uint16(b[2:]))):
		next = protoIPv4
	case b[0]>>4 == 6 && hasPorts(b[6]) && isTrailer(rest-40-length):
		next = protoIPv6
	case b[0]|b[1] != 0 && b[2]|b[3] != 0 && length >= 8 && isTrailer(rest-length): // a vector that counts up has no ports
		next = byte(UDP)
	case b[12]>>4 >= 5 && b[12]&15 == 0 && b[13]&0xd0 == FlagACK && b[18]|b[19] == 0 && rest-longest >= 20: // no urgent data
		next = byte(TCP)
		n := min(len(b), rest-longest)
		f.Payload, f.Missing = f.Payload[:header+n], max(rest-longest-n, 1)
	default:
		return 0, 0, ErrEncrypted
	}
	return f.enter(ESP, binary.BigEndian.Uint32(f.Payload), header, stepProto, uint16(next))
}

// isTrailer reports whether n octets can be the trailer of a packet without encryption: padding to four octets, its length, the next header, and a
// check value. Not inlined: it is cold, and in many places.
//
//go:noinline
func isTrailer(n int) bool {
	switch (n - 2) &^ 3 {
	case 0, 12, 16, 24, 32:
		return true
	}
	return false
}

// isPadding reports whether b counts 1, 2, 3 …: RFC 4303, section 2.4.
func isPadding(b []byte) bool {
	for i, c := range b {
		if int(c) != i+1 {
			return false
		}
	}
	return true
}

// plausible reports whether b can be a whole packet of the IP protocol next.
func plausible(next byte, b []byte) bool {
	switch next {
	case byte(UDP):
		return len(b) >= 8 && int(binary.BigEndian.Uint16(b[4:])) == len(b)
	case byte(TCP):
		return len(b) >= 20 && b[12]>>4 >= 5 && int(b[12]>>4)*4 <= len(b) && b[12]&0xe == 0
	case protoIPv4:
		return len(b) >= 20 && b[0]>>4 == 4 && int(binary.BigEndian.Uint16(b[2:])) == len(b)
	case protoIPv6:
		return len(b) >= 40 && b[0]>>4 == 6 && int(binary.BigEndian.Uint16(b[4:])) == len(b)-40
	}
	return false
}
