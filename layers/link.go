package layers

import "strconv"

// A LinkType is a LINKTYPE_ value of the pcap and pcapng formats.
type LinkType uint16

// The link types that Decode knows.
const (
	Null      LinkType = 0 // BSD loopback: an address family in the byte order of the host
	Ethernet  LinkType = 1
	RawBSD    LinkType = 12 // raw IP as some systems number it
	RawOBSD   LinkType = 14 // raw IP as OpenBSD numbers it
	Raw       LinkType = 101
	Loop      LinkType = 108 // OpenBSD loopback: the family in network byte order
	LinuxSLL  LinkType = 113
	IPv4Only  LinkType = 228
	IPv6Only  LinkType = 229
	LinuxSLL2 LinkType = 276
)

var linkNames = map[LinkType]string{
	0: "NULL", 1: "ETHERNET", 3: "AX25", 6: "IEEE802_5", 7: "ARCNET_BSD", 8: "SLIP", 9: "PPP", 10: "FDDI",
	12: "RAW", 14: "RAW", 50: "PPP_HDLC", 51: "PPP_ETHER", 99: "SYMANTEC_FIREWALL", 100: "ATM_RFC1483", 101: "RAW", 104: "C_HDLC",
	105: "IEEE802_11", 107: "FRELAY", 108: "LOOP", 109: "ENC", 113: "LINUX_SLL", 114: "LTALK",
	117: "PFLOG", 119: "IEEE802_11_PRISM", 122: "IP_OVER_FC", 123: "SUNATM", 127: "IEEE802_11_RADIOTAP",
	129: "ARCNET_LINUX", 138: "APPLE_IP_OVER_IEEE1394", 139: "MTP2_WITH_PHDR", 140: "MTP2", 141: "MTP3", 142: "SCCP",
	143: "DOCSIS", 144: "LINUX_IRDA", 163: "IEEE802_11_AVS", 166: "PPP_PPPD", 169: "GPRS_LLC", 177: "LINUX_LAPD",
	182: "MFR", 187: "BLUETOOTH_HCI_H4", 189: "USB_LINUX", 192: "PPI", 195: "IEEE802_15_4_WITHFCS", 196: "SITA", 197: "ERF",
	201: "BLUETOOTH_HCI_H4_WITH_PHDR", 202: "AX25_KISS", 203: "LAPD", 204: "PPP_WITH_DIR", 205: "C_HDLC_WITH_DIR",
	206: "FRELAY_WITH_DIR", 209: "IPMB_LINUX", 215: "IEEE802_15_4_NONASK_PHY", 220: "USB_LINUX_MMAPPED",
	224: "FC_2", 225: "FC_2_WITH_FRAME_DELIMS", 226: "IPNET", 227: "CAN_SOCKETCAN", 228: "IPV4", 229: "IPV6",
	230: "IEEE802_15_4_NOFCS", 231: "DBUS", 235: "DVB_CI", 236: "MUX27010", 237: "STANAG_5066_D_PDU", 239: "NFLOG",
	240: "NETANALYZER", 241: "NETANALYZER_TRANSPARENT", 242: "IPOIB", 243: "MPEG_2_TS", 244: "NG40", 245: "NFC_LLCP",
	247: "INFINIBAND", 248: "SCTP", 249: "USBPCAP", 250: "RTAC_SERIAL", 251: "BLUETOOTH_LE_LL", 253: "NETLINK",
	254: "BLUETOOTH_LINUX_MONITOR", 255: "BLUETOOTH_BREDR_BB", 256: "BLUETOOTH_LE_LL_WITH_PHDR", 257: "PROFIBUS_DL",
	258: "PKTAP", 259: "EPON", 260: "IPMI_HPM_2", 261: "ZWAVE_R1_R2", 262: "ZWAVE_R3", 263: "WATTSTOPPER_DLM",
	264: "ISO_14443", 265: "RDS", 266: "USB_DARWIN", 268: "SDLC", 270: "LORATAP", 271: "VSOCK", 272: "NORDIC_BLE",
	273: "DOCSIS31_XRA31", 274: "ETHERNET_MPACKET", 275: "DISPLAYPORT_AUX", 276: "LINUX_SLL2", 278: "OPENVIZSLA",
	279: "EBHSCR", 280: "VPP_DISPATCH", 281: "DSA_TAG_BRCM", 283: "IEEE802_15_4_TAP", 284: "DSA_TAG_DSA", 288: "USB_2_0",
	290: "ETW", 295: "Z_WAVE_SERIAL",
}

// String returns the name of the link type in the registry of tcpdump.org, without
// its LINKTYPE_ prefix, or the number of one that is not known here.
func (t LinkType) String() string {
	if s, ok := linkNames[t]; ok {
		return s
	}
	return strconv.Itoa(int(t))
}

// Supported reports whether Decode knows the link type.
func (t LinkType) Supported() bool {
	switch t {
	case Null, Ethernet, RawBSD, RawOBSD, Raw, Loop, LinuxSLL, IPv4Only, IPv6Only, LinuxSLL2:
		return true
	}
	return false
}

// EtherTypes.
const (
	etherIPv4    = 0x0800
	etherIPv6    = 0x86dd
	etherVLAN    = 0x8100 // 802.1Q
	etherService = 0x88a8 // 802.1ad
	etherMinType = 0x0600 // below: a length, IEEE 802.3
)
