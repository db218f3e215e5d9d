package layers

import (
	"bytes"
	"encoding/binary"
	"net/netip"
)

// Wireshark exports PDUs of upper layers, decrypted ones above all, behind a list of tags that say where they were: type and length of two
// octets each, in network byte order, and the value. It ends with a tag of type 0.
const (
	tagEnd       = 0
	tagDissector = 12 // the name of what the PDU is
	tagHeuristic = 13 // likewise, where it was guessed
	tagSrc4      = 20
	tagDst4      = 21
	tagSrc6      = 22
	tagDst6      = 23
	tagPortType  = 24
	tagSrcPort   = 25
	tagDstPort   = 26

	// The port types that are known.
	upperSCTP = 1
	upperTCP  = 2
)

// upperPDU steps over the tags in front of an exported PDU.
func (f *Frame) upperPDU() (step, uint16, error) {
	var src, dst netip.Addr
	var srcPort, dstPort, portType uint32
	var name []byte
	for {
		p := f.Payload
		if len(p) < 4 {
			return 0, 0, ErrTruncated
		}
		tag, n := binary.BigEndian.Uint16(p), int(binary.BigEndian.Uint16(p[2:]))
		if n > len(p)-4 {
			return 0, 0, ErrTruncated
		}
		v := p[4 : 4+n]
		f.skip(4 + n)
		switch tag {
		case tagEnd:
			f.Src, f.Dst = netip.AddrPortFrom(src, uint16(srcPort)), netip.AddrPortFrom(dst, uint16(dstPort))
			return f.exported(name, portType)
		case tagDissector, tagHeuristic:
			name = bytes.TrimRight(v, "\x00")
		case tagSrc4, tagSrc6:
			src = addressOf(v)
		case tagDst4, tagDst6:
			dst = addressOf(v)
		case tagPortType:
			portType = numberOf(v)
		case tagSrcPort:
			srcPort = numberOf(v)
		case tagDstPort:
			dstPort = numberOf(v)
		}
	}
}

// exported goes on with an exported PDU by the name of what it is.
func (f *Frame) exported(name []byte, portType uint32) (step, uint16, error) {
	switch {
	case string(name) == "ip" || string(name) == "ipv6":
		return stepIP, 0, nil
	case bytes.HasPrefix(name, []byte("eth")):
		return stepEthernet, 0, nil
	}
	f.Proto, f.Exported = UDP, UDP
	switch portType {
	case upperTCP:
		f.Exported = TCP
	case upperSCTP:
		f.Exported = SCTP
	}
	switch src := f.Src.Addr(); {
	case src.Is4():
		f.Version = 4
	case src.Is6():
		f.Version = 6
	}
	return stepDone, 0, nil
}

// addressOf returns the address that a tag holds, the zero one for none.
func addressOf(v []byte) netip.Addr {
	a, _ := netip.AddrFromSlice(v)
	return a.Unmap()
}

// numberOf returns the number that a tag of four octets holds.
func numberOf(v []byte) uint32 {
	if len(v) < 4 {
		return 0
	}
	return binary.BigEndian.Uint32(v)
}
