// Package addr makes words of addresses, for tables that are looked at with every packet.
package addr

import (
	"encoding/binary"
	"math/bits"
	"net/netip"
)

// Words returns the sixteen octets of an address as two words, the first of them highest; an address of
// IPv4 is in the lowest four, behind what maps it to IPv6. Zones are left out.
//
// For IPv4 it takes a fraction of the time of As16: what is written as two words and read as one that is
// twice as wide makes a processor wait.
func Words(a netip.Addr) (hi, lo uint64) {
	if a.Is4() {
		b := a.As4()
		return 0, 0xffff<<32 | uint64(binary.BigEndian.Uint32(b[:]))
	}
	b := a.As16()
	return binary.BigEndian.Uint64(b[:8]), binary.BigEndian.Uint64(b[8:])
}

// Mix mixes an address and a number into h, which nobody outside can foresee.
func Mix(h uint64, a netip.Addr, n uint16) uint64 {
	net, host := Words(a)
	hi, lo := bits.Mul64(h^net^uint64(n)<<32, bits.RotateLeft64(h, 32)^host)
	return hi ^ lo
}
