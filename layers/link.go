package layers

import (
	"encoding/binary"
	"math/bits"
	"net/netip"
	"strconv"
	"strings"
)

// A LinkType is a LINKTYPE_ value of the pcap and pcapng formats.
type LinkType uint16

// The link types that Decode knows.
const (
	Null          LinkType = 0 // BSD loopback: an address family in the byte order of the host
	Ethernet      LinkType = 1
	TokenRing     LinkType = 6
	SLIP          LinkType = 8
	PPP           LinkType = 9
	FDDI          LinkType = 10
	RawBSD        LinkType = 12 // raw IP as some systems number it
	RawOBSD       LinkType = 14 // raw IP as OpenBSD numbers it
	PPPHDLC       LinkType = 50
	PPPEther      LinkType = 51
	ATMRFC1483    LinkType = 100
	Raw           LinkType = 101
	CiscoHDLC     LinkType = 104
	WiFi          LinkType = 105 // IEEE 802.11
	FrameRelay    LinkType = 107
	Loop          LinkType = 108 // OpenBSD loopback: the family in network byte order
	Enc           LinkType = 109 // OpenBSD IPsec: a header of 12 octets
	LinuxSLL      LinkType = 113
	PFLOG         LinkType = 117 // the log of a packet filter: a header that begins with its length
	Prism         LinkType = 119
	IPoverFC      LinkType = 122 // Fibre Channel: RFC 2625
	SunATM        LinkType = 123
	WiFiRadiotap  LinkType = 127
	WiFiAVS       LinkType = 163
	Firewire      LinkType = 138 // IEEE 1394, of Apple
	PPPPppd       LinkType = 166
	Juniper       LinkType = 178 // Ethernet as routers of Juniper write it
	PPI           LinkType = 192
	ERF           LinkType = 197 // records of Endace's cards
	PPPWithDir    LinkType = 204
	HDLCWithDir   LinkType = 205
	FRelayWithDir LinkType = 206
	IPNet         LinkType = 226
	IPv4Only      LinkType = 228
	IPv6Only      LinkType = 229
	NFLOG         LinkType = 239
	NetAnalyzer   LinkType = 240 // Ethernet as analysers of Hilscher write it
	IPoIB         LinkType = 242 // Infiniband
	SCTPOnly      LinkType = 248
	UpperPDU      LinkType = 252 // what Wireshark exports of upper layers
	PKTAP         LinkType = 258
	MPacket       LinkType = 274 // Ethernet with its preamble
	LinuxSLL2     LinkType = 276
	Broadcom      LinkType = 281 // Ethernet with a tag of a switch, between a router's processor and its ports …
	BroadcomFront LinkType = 282 // … in front of the frame
	Marvell       LinkType = 284
	MarvellEther  LinkType = 285 // … with an EtherType of its own
)

// linkNames holds numbers and names, each between blanks: as a map it would take twice the room in the binary.
const linkNames = " 0 NULL 1 ETHERNET 3 AX25 6 IEEE802_5 7 ARCNET_BSD 8 SLIP 9 PPP 10 FDDI 12 RAW 14 RAW 50 PPP_HDLC 51 PPP_ETHER " +
	"99 SYMANTEC_FIREWALL 100 ATM_RFC1483 101 RAW 104 C_HDLC 105 IEEE802_11 107 FRELAY 108 LOOP 109 ENC 113 LINUX_SLL " +
	"114 LTALK 117 PFLOG 119 IEEE802_11_PRISM 122 IP_OVER_FC 123 SUNATM 127 IEEE802_11_RADIOTAP 129 ARCNET_LINUX " +
	"138 APPLE_IP_OVER_IEEE1394 139 MTP2_WITH_PHDR 140 MTP2 141 MTP3 142 SCCP 143 DOCSIS 144 LINUX_IRDA 163 IEEE802_11_AVS " +
	"166 PPP_PPPD 178 JUNIPER_ETHER 169 GPRS_LLC 177 LINUX_LAPD 182 MFR 187 BLUETOOTH_HCI_H4 189 USB_LINUX 192 PPI " +
	"195 IEEE802_15_4_WITHFCS 196 SITA 197 ERF 201 BLUETOOTH_HCI_H4_WITH_PHDR 202 AX25_KISS 203 LAPD 204 PPP_WITH_DIR " +
	"205 C_HDLC_WITH_DIR 206 FRELAY_WITH_DIR 209 IPMB_LINUX 215 IEEE802_15_4_NONASK_PHY 220 USB_LINUX_MMAPPED 224 FC_2 " +
	"225 FC_2_WITH_FRAME_DELIMS 226 IPNET 227 CAN_SOCKETCAN 228 IPV4 229 IPV6 230 IEEE802_15_4_NOFCS 231 DBUS 235 DVB_CI " +
	"236 MUX27010 237 STANAG_5066_D_PDU 239 NFLOG 240 NETANALYZER 241 NETANALYZER_TRANSPARENT 242 IPOIB 243 MPEG_2_TS " +
	"244 NG40 245 NFC_LLCP 247 INFINIBAND 248 SCTP 249 USBPCAP 250 RTAC_SERIAL 251 BLUETOOTH_LE_LL 252 WIRESHARK_UPPER_PDU " +
	"253 NETLINK 254 BLUETOOTH_LINUX_MONITOR 255 BLUETOOTH_BREDR_BB 256 BLUETOOTH_LE_LL_WITH_PHDR 257 PROFIBUS_DL 258 PKTAP " +
	"259 EPON 260 IPMI_HPM_2 261 ZWAVE_R1_R2 262 ZWAVE_R3 263 WATTSTOPPER_DLM 264 ISO_14443 265 RDS 266 USB_DARWIN 268 SDLC " +
	"270 LORATAP 271 VSOCK 272 NORDIC_BLE 273 DOCSIS31_XRA31 274 ETHERNET_MPACKET 275 DISPLAYPORT_AUX 276 LINUX_SLL2 " +
	"278 OPENVIZSLA 279 EBHSCR 280 VPP_DISPATCH 281 DSA_TAG_BRCM 282 DSA_TAG_BRCM_PREPEND 283 IEEE802_15_4_TAP 284 DSA_TAG_DSA 285 DSA_TAG_EDSA 288 USB_2_0 290 ETW " +
	"295 Z_WAVE_SERIAL "

// String returns the name of the link type in the registry of tcpdump.org, without
// its LINKTYPE_ prefix, or the number of one that is not known here.
func (t LinkType) String() string {
	number := strconv.Itoa(int(t))
	_, rest, ok := strings.Cut(linkNames, " "+number+" ")
	if !ok {
		return number
	}
	name, _, _ := strings.Cut(rest, " ")
	return name
}

// Supported reports whether Decode knows the link type.
func (t LinkType) Supported() bool {
	switch t {
	case Null, Ethernet, TokenRing, SLIP, PPP, FDDI, RawBSD, RawOBSD, PPPHDLC, PPPEther, ATMRFC1483, Raw, CiscoHDLC, WiFi,
		FrameRelay, Loop, Enc, LinuxSLL, PFLOG, Juniper, Prism, IPoverFC, SunATM, WiFiRadiotap, Firewire, WiFiAVS, PPPPppd, PPI, ERF, PPPWithDir,
		HDLCWithDir, FRelayWithDir, IPNet, IPv4Only, IPv6Only, NFLOG, NetAnalyzer, IPoIB, SCTPOnly, UpperPDU, PKTAP, MPacket, LinuxSLL2,
		Broadcom, BroadcomFront, Marvell, MarvellEther:
		return true
	}
	return false
}

// EtherTypes.
const (
	etherIPv4     = 0x0800
	etherIPv6     = 0x86dd
	etherVLAN     = 0x8100 // 802.1Q
	etherService  = 0x88a8 // 802.1ad
	etherMPLS     = 0x8847
	etherMPLSUp   = 0x8848 // with a label assigned upstream
	etherPPPoE    = 0x8864 // session stage
	etherBridged  = 0x6558 // transparent Ethernet bridging
	etherVNTag    = 0x8926
	etherHSR      = 0x892f
	etherBackbone = 0x88e7 // 802.1ah
	etherMACsec   = 0x88e5 // 802.1AE
	etherMetaData = 0x8909 // of Cisco
	etherFabric   = 0x8903 // FabricPath of Cisco
	etherExtender = 0x893f // 802.1BR, of port extenders
	etherTime     = 0x8988 // the time that switches of Cisco put in front of mirrored packets
	etherMarvell  = 0xdada // a tag of a switch, see MarvellEther
	etherRedund   = 0xf1c1 // 802.1CB
	etherJumbo    = 0x8870 // LLC in a frame that is longer than a length can be
	etherArista   = 0xd28b // what switches of Arista put in front of mirrored packets
	etherNSH      = 0x894f // RFC 8300
	etherMinType  = 0x0600 // below: a length, IEEE 802.3
)

// link steps over the header of a link type.
func (f *Frame) link(t LinkType) (step, uint16, error) {
	for range 4 { // headers that name another link type
		p := f.Payload
		switch t {
		case Ethernet, MarvellEther:
			return stepEthernet, 0, nil
		case Broadcom, Marvell, Firewire:
			return f.fixed(18, 16)
		case BroadcomFront, NetAnalyzer:
			return f.skipTo(4, stepEthernet)
		case MPacket:
			return f.skipTo(8, stepEthernet)
		case IPoIB:
			return f.fixed(44, 40)
		case IPoverFC:
			return f.skipTo(16, stepLLC)
		case SunATM:
			return f.skipTo(4, stepLLC)
		case ERF:
			return f.erf()
		case LinuxSLL:
			return f.fixed(16, 14)
		case LinuxSLL2:
			return f.fixed(20, 0)
		case Null, Loop:
			return f.null()
		case Raw, RawBSD, RawOBSD, IPv4Only, IPv6Only, SLIP:
			return stepIP, 0, nil
		case PPPPppd:
			if len(p) >= 2 && p[0] <= 1 && p[1] == 3 { // the direction in the place of the address
				f.skip(2)
			}
			return f.serial()
		case PPP, PPPHDLC:
			return f.serial()
		case PPPWithDir:
			if len(p) < 1 {
				return 0, 0, ErrTruncated
			}
			f.skip(1)
			return f.serial()
		case PPPEther:
			return f.pppoe()
		case CiscoHDLC:
			return f.fixed(4, 2)
		case HDLCWithDir:
			return f.fixed(5, 3)
		case FrameRelay:
			return f.frameRelay(0)
		case FRelayWithDir:
			return f.frameRelay(1)
		case FDDI:
			return f.skipTo(13, stepLLC)
		case TokenRing:
			return f.tokenRing()
		case ATMRFC1483:
			return stepLLC, 0, nil
		case Enc:
			return f.skipTo(12, stepIP)
		case IPNet:
			return f.skipTo(24, stepIP)
		case PFLOG: // padded to four octets, which its length does not count
			if len(p) == 0 {
				return 0, 0, ErrTruncated
			}
			return f.skipTo((int(p[0])+3)&^3, stepIP)
		case Juniper:
			return f.juniper()
		case NFLOG:
			return f.nflog()
		case SCTPOnly:
			f.Proto = SCTP
			return stepProto, uint16(SCTP), nil
		case UpperPDU:
			return f.upperPDU()
		case WiFi:
			return stepWiFi, 0, nil
		case Prism: // or the AVS header that took its place
			if len(p) >= 8 && binary.BigEndian.Uint32(p)&0xfffff000 == 0x80211000 {
				t = WiFiAVS
				continue
			}
			return f.skipTo(144, stepWiFi)
		case WiFiAVS:
			if len(p) < 8 || uint64(binary.BigEndian.Uint32(p[4:])) > uint64(len(p)) {
				return 0, 0, ErrTruncated
			}
			return f.skipTo(int(binary.BigEndian.Uint32(p[4:])), stepWiFi)
		case WiFiRadiotap:
			return f.radiotap()
		case PPI: // version, flags, length, link type
			if len(p) < 8 || int(binary.LittleEndian.Uint16(p[2:])) > len(p) {
				return 0, 0, ErrTruncated
			}
			f.skip(int(binary.LittleEndian.Uint16(p[2:])))
			t = LinkType(binary.LittleEndian.Uint32(p[4:]))
		case PKTAP: // length, record type, link type
			if len(p) < 12 || uint64(binary.LittleEndian.Uint32(p)) > uint64(len(p)) {
				return 0, 0, ErrTruncated
			}
			f.skip(int(binary.LittleEndian.Uint32(p)))
			t = LinkType(binary.LittleEndian.Uint32(p[8:]))
		default:
			return 0, 0, ErrUnsupported
		}
	}
	return 0, 0, ErrMalformed
}

// fixed steps over a header of n octets with an EtherType at its offset at. Not inlined: it is cold, and in many places.
//
//go:noinline
func (f *Frame) fixed(n, at int) (step, uint16, error) {
	p := f.Payload
	if len(p) < n {
		return 0, 0, ErrTruncated
	}
	f.skip(n)
	return stepEtherType, binary.BigEndian.Uint16(p[at:]), nil
}

// skipTo steps over a header of n octets. Not inlined: it is cold, and in many places.
//
//go:noinline
func (f *Frame) skipTo(n int, s step) (step, uint16, error) {
	if len(f.Payload) < n {
		return 0, 0, ErrTruncated
	}
	f.skip(n)
	return s, 0, nil
}

// null decodes the BSD loopback header. Its family is in the byte order of the host
// that captured (or big-endian, in the loop variant), and the numbers of IPv6 differ
// between systems, so the packet itself has the last word.
func (f *Frame) null() (step, uint16, error) {
	p := f.Payload
	if len(p) < 4 {
		return 0, 0, ErrTruncated
	}
	family := binary.LittleEndian.Uint32(p)
	if family > 0xffff {
		family = bits.ReverseBytes32(family)
	}
	switch family {
	case 2, 10, 23, 24, 28, 30, // AF_INET, and AF_INET6 of Linux, Windows, NetBSD, FreeBSD and Darwin
		etherIPv4, etherIPv6: // of drivers that put the EtherType there
		f.skip(4)
		return stepIP, 0, nil
	}
	if len(p) >= 20 && p[0] == 0x45 && p[8] != 0 { // a header that was left out
		return stepIP, 0, nil
	}
	return 0, 0, ErrUnsupported
}

// serial decodes PPP, and the Cisco HDLC that is captured under its name.
func (f *Frame) serial() (step, uint16, error) {
	if p := f.Payload; len(p) >= 4 && (p[0] == 0x0f || p[0] == 0x8f) && p[1] == 0 {
		return f.fixed(4, 2)
	}
	return stepPPP, 0, nil
}

// frameRelay decodes the header of RFC 2427, or that of Cisco, at Payload[n:].
func (f *Frame) frameRelay(n int) (step, uint16, error) {
	p := f.Payload
	for len(p) > n && p[n]&1 == 0 { // the last octet of the address has its lowest bit set
		n++
	}
	if n++; len(p) < n+2 || n > 6 {
		return 0, 0, ErrTruncated
	}
	if p[n] != 3 { // Cisco: an EtherType
		return f.fixed(n+2, n)
	}
	if n++; p[n] == 0 && len(p) > n+1 { // padding
		n++
	}
	switch p[n] {
	case 0xcc, 0x8e:
		return f.skipTo(n+1, stepIP)
	case 0x80: // SNAP
		if len(p) < n+6 {
			return 0, 0, ErrTruncated
		}
		return f.fixed(n+6, n+4)
	}
	return 0, 0, ErrUnsupported
}

// tokenRing steps over the header and the route that a bit of the source announces.
func (f *Frame) tokenRing() (step, uint16, error) {
	p := f.Payload
	if len(p) < 16 {
		return 0, 0, ErrTruncated
	}
	n := 14
	if p[8]&0x80 != 0 {
		n += int(p[14] & 0x1f)
	}
	return f.skipTo(n, stepLLC)
}

// nflog decodes the header of the Linux netfilter log: attributes in the byte order of
// the host, of which number 9 is the packet.
func (f *Frame) nflog() (step, uint16, error) {
	p := f.Payload
	if len(p) < 4 {
		return 0, 0, ErrTruncated
	}
	f.skip(4)
	for len(f.Payload) >= 4 {
		p = f.Payload
		n, typ := int(binary.LittleEndian.Uint16(p)), binary.LittleEndian.Uint16(p[2:])
		if typ > 0xff && typ&0xff == 0 { // a big-endian host
			n, typ = int(binary.BigEndian.Uint16(p)), binary.BigEndian.Uint16(p[2:])
		}
		if n < 4 {
			return 0, 0, ErrMalformed
		}
		if typ == 9 {
			f.skip(4)
			f.limit(n - 4)
			return stepIP, 0, nil
		}
		f.skip(min((n+3)&^3, len(p)))
	}
	return 0, 0, ErrUnsupported
}

// juniper steps over the header of Juniper's routers: a magic number, flags, and extensions if one of them says so. Another one says that
// no link layer is behind it, but the number of a protocol.
func (f *Frame) juniper() (step, uint16, error) {
	p := f.Payload
	if len(p) < 6 {
		return 0, 0, ErrTruncated
	}
	if string(p[:3]) != "MGC" {
		return 0, 0, ErrMalformed
	}
	n, next := 4, stepEthernet
	if p[3]&0x80 != 0 {
		n += 2 + int(binary.BigEndian.Uint16(p[4:]))
	}
	if p[3]&2 != 0 {
		n, next = n+4, stepIP
	}
	return f.skipTo(n, next)
}

// erf steps over the header of an extensible record: a time, the type of the record, flags, lengths; and other headers as long as the
// first bit of the one before says so.
func (f *Frame) erf() (step, uint16, error) {
	p, n := f.Payload, 16
	if len(p) < n {
		return 0, 0, ErrTruncated
	}
	for more := p[8]; more&0x80 != 0; n += 8 {
		if len(p) < n+8 {
			return 0, 0, ErrTruncated
		}
		more = p[n]
	}
	switch p[8] & 0x7f {
	case 2, 11, 16, 20: // behind two octets of padding
		return f.skipTo(n+2, stepEthernet)
	case 1, 10, 15, 19:
		f.skip(n)
		return f.serial()
	case 22, 23:
		return f.skipTo(n, stepIP)
	}
	return 0, 0, ErrUnsupported
}

// radiotap steps over its header; one of its flags tells that the frame ends in a check
// sequence.
func (f *Frame) radiotap() (step, uint16, error) {
	p := f.Payload
	if len(p) < 8 || int(binary.LittleEndian.Uint16(p[2:])) > len(p) || binary.LittleEndian.Uint16(p[2:]) < 8 {
		return 0, 0, ErrTruncated
	}
	present, n := binary.LittleEndian.Uint32(p[4:]), 8
	for w := present; w&(1<<31) != 0 && len(p) >= n+4; n += 4 { // more presence words
		w = binary.LittleEndian.Uint32(p[n:])
	}
	if present&1 != 0 { // a timer of eight octets, aligned
		n = (n+7)&^7 + 8
	}
	size := int(binary.LittleEndian.Uint16(p[2:]))
	fcs := present&2 != 0 && n < size && p[n]&0x10 != 0
	f.skip(size)
	if fcs && len(f.Payload) >= 4 {
		f.limit(len(f.Payload) - 4)
	}
	return stepWiFi, 0, nil
}

// wifi decodes an IEEE 802.11 data frame that is not encrypted: section 9.3.2.
func (f *Frame) wifi() (step, uint16, error) {
	p := f.Payload
	if len(p) < 2 {
		return 0, 0, ErrTruncated
	}
	control, flags := p[0], p[1]
	if control&0x0f != 8 || control&0x40 != 0 { // not data, without data
		return 0, 0, ErrUnsupported
	}
	if len(p) < 24 {
		return 0, 0, ErrTruncated
	}
	if flags&0x40 != 0 { // protected
		return 0, 0, ErrEncrypted
	}
	n := 24
	if flags&3 == 3 { // between access points: a fourth address
		n += 6
	}
	tid := byte(0)
	if control&0x80 != 0 { // quality of service
		if len(p) < n+2 {
			return 0, 0, ErrTruncated
		}
		aggregate := p[n]&0x80 != 0
		tid = p[n] & 15
		n += 2
		if flags&0x80 != 0 { // high throughput control
			n += 4
		}
		if aggregate {
			if len(p) < n {
				return 0, 0, ErrTruncated
			}
			f.skip(n)
			f.rest, f.restOff, f.tunnels = f.Payload, f.Off, uint8(len(f.Tunnels))
			return f.subframe()
		}
	}
	if flags&4 != 0 || p[22]&15 != 0 {
		return f.wifiFragment(n, tid)
	}
	if len(p) < n+8 {
		return 0, 0, ErrTruncated
	}
	if p[n] != 0xaa && p[n+2] == 0xaa && p[n+3] == 0xaa { // some cards pad to 32 bits
		n += 2
	}
	return f.skipTo(n+meshControl(p[n:]), stepLLC)
}

// meshControl returns the length of the field that stations of a mesh put in front of the LLC header with SNAP in b: IEEE 802.11,
// section 9.2.4.8.3. It is told by that header, which stands behind it.
func meshControl(b []byte) int {
	if len(b) == 0 || b[0] > 2 { // flags: how many addresses it has
		return 0
	}
	if n := 6 + 6*int(b[0]); len(b) >= n+8 && b[n] == 0xaa && b[n+1] == 0xaa && b[n+2] == 3 {
		return n
	}
	return 0
}

// wifiPlace is more than a fragment of IEEE 802.11 can hold: fifteen places fit into a datagram.
const wifiPlace = 4 << 10

// wifiFragment takes in a fragment of a frame behind a header of n octets: IEEE 802.11, section 10.2.7. Its number and that of
// the frame stand in the header.
func (f *Frame) wifiFragment(n int, tid byte) (step, uint16, error) {
	p := f.Payload
	if len(p) < n || len(p)-n >= wifiPlace {
		return 0, 0, ErrTruncated
	}
	control := binary.LittleEndian.Uint16(p[22:])
	f.Src, f.Dst = netip.AddrPortFrom(stationAddr(p[10:]), 0), netip.AddrPortFrom(stationAddr(p[4:]), 0)
	f.Fragment = Fragment{ID: uint32(tid)<<16 | uint32(control>>4), Offset: int(control&15) * wifiPlace, More: p[1]&4 != 0, Place: wifiPlace}
	f.inside = stepLLC
	f.skip(n)
	return 0, 0, ErrFragment
}

// stationAddr returns the address of a station at the start of p.
func stationAddr(p []byte) netip.Addr {
	var b [16]byte
	copy(b[10:], p[:6])
	return netip.AddrFrom16(b)
}

// subframeHead is the length of the header of a frame in an A-MSDU: destination, source, length.
const subframeHead = 14

// subframe decodes the next frame in an A-MSDU: IEEE 802.11, section 9.3.2.2. Each but the last is
// padded to four octets.
func (f *Frame) subframe() (step, uint16, error) {
	p := f.rest
	f.Payload, f.Off = p, f.restOff
	if len(p) < subframeHead {
		f.rest = nil
		return 0, 0, ErrTruncated
	}
	n := int(binary.BigEndian.Uint16(p[12:]))
	next := min(len(p), (subframeHead+n+3)&^3)
	f.rest, f.restOff = p[next:], f.restOff+next
	f.skip(subframeHead)
	f.limit(n)
	f.skip(meshControl(f.Payload))
	return stepLLC, 0, nil
}
