package sipmsg

import (
	"bytes"
	"net/netip"
)

// parseAddr reads a host that is an IP literal. An IPv6 address may stand in brackets or,
// as in a received parameter, without: RFC 5118, section 4.5. A zone is none of SIP.
func parseAddr(b []byte) (netip.Addr, bool) {
	if len(b) >= 2 && b[0] == '[' && b[len(b)-1] == ']' {
		return parseIPv6(b[1 : len(b)-1])
	}
	if bytes.IndexByte(b, ':') >= 0 {
		return parseIPv6(b)
	}
	ip, ok := parseIPv4(b)
	if !ok {
		return netip.Addr{}, false
	}
	return netip.AddrFrom4(ip), true
}

// parseIPv4 reads four numbers. One with a zero in front is refused: some readers would
// take it for octal.
func parseIPv4(b []byte) (ip [4]byte, ok bool) {
	for i := range ip {
		n := scanDigits(b[:min(len(b), 4)], 0)
		if n == 0 || n > 3 || n > 1 && b[0] == '0' {
			return ip, false
		}
		x := 0
		for _, c := range b[:n] {
			x = x*10 + int(c-'0')
		}
		if x > 255 {
			return ip, false
		}
		ip[i] = byte(x)
		b = b[n:]
		if i == 3 {
			break
		}
		if len(b) == 0 || b[0] != '.' {
			return ip, false
		}
		b = b[1:]
	}
	return ip, len(b) == 0
}

// parseIPv6 reads an IPv6 address. Three colons in a row stand for two: the grammar of
// RFC 3261 led some to write them. RFC 5118, section 4.10.
func parseIPv6(b []byte) (netip.Addr, bool) {
	var ip [16]byte
	n, gap := 0, -1
	if len(b) >= 2 && b[0] == ':' && b[1] == ':' {
		gap, b = 0, cutColon(b[2:])
	}
	for len(b) > 0 {
		if n == len(ip) {
			return netip.Addr{}, false
		}
		x, digits := scanHex(b)
		if digits == 0 {
			return netip.Addr{}, false
		}
		if digits < len(b) && b[digits] == '.' {
			v4, ok := parseIPv4(b)
			if !ok || n > len(ip)-4 {
				return netip.Addr{}, false
			}
			n += copy(ip[n:], v4[:])
			break
		}
		ip[n], ip[n+1] = byte(x>>8), byte(x)
		n += 2
		if b = b[digits:]; len(b) == 0 {
			break
		}
		if b[0] != ':' || len(b) == 1 {
			return netip.Addr{}, false
		}
		if b = b[1:]; b[0] == ':' {
			if gap >= 0 {
				return netip.Addr{}, false
			}
			gap, b = n, cutColon(b[1:])
		}
	}
	if gap < 0 {
		return netip.AddrFrom16(ip), n == len(ip)
	}
	if n == len(ip) {
		return netip.Addr{}, false
	}
	tail := n - gap
	copy(ip[len(ip)-tail:], ip[gap:n])
	clear(ip[gap : len(ip)-tail])
	return netip.AddrFrom16(ip), true
}

// cutColon cuts off the third of three colons.
func cutColon(b []byte) []byte {
	if len(b) > 0 && b[0] == ':' {
		return b[1:]
	}
	return b
}

// scanHex reads up to four hexadecimal digits at the start of b.
func scanHex(b []byte) (x uint16, digits int) {
	for digits < len(b) && digits < 4 {
		v := hexValue[b[digits]]
		if v < 0 {
			break
		}
		x = x<<4 | uint16(v)
		digits++
	}
	return x, digits
}

// hexValue gives each hexadecimal digit its value, and -1 to all other octets.
var hexValue = func() (t [256]int8) {
	for i := range t {
		t[i] = -1
	}
	for i := range 10 {
		t['0'+i] = int8(i)
	}
	for i := range 6 {
		t['a'+i], t['A'+i] = int8(10+i), int8(10+i)
	}
	return t
}()
