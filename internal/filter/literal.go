package filter

import (
	"cmp"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// A literal is a value of an expression. Which of the parts is set depends on the kind.
type literal struct {
	text string
	num  float64 // numbers of 32 bits are exact
	file int     // of a frame, from 1; 0 where that is all the same
	addr netip.Addr
	time time.Time
}

// compare orders two literals of one kind.
func compare(k Kind, a, b literal) int {
	switch k {
	case String:
		return strings.Compare(a.text, b.text)
	case IPv4, IPv6, Address:
		return a.addr.Compare(b.addr)
	case Time, Epoch:
		return a.time.Compare(b.time)
	}
	if a.file != b.file {
		return a.file - b.file
	}
	return cmp.Compare(a.num, b.num)
}

// A spelling returns a text as the values of a field are written, or what is wrong with it.
type spelling func(s string) (text, what, hint string)

// hexText is the spelling of a number of 32 bits in hexadecimal.
func hexText(s string) (text, what, hint string) {
	n, what, hint := parseNumber(Number, s)
	return fmt.Sprintf("0x%08x", uint32(n)), what, hint
}

// endpointText is the spelling of an address, with a port or without; what is none stays as it is.
func endpointText(s string) (text, what, hint string) {
	if a, err := netip.ParseAddrPort(s); err == nil {
		return netip.AddrPortFrom(a.Addr().Unmap(), a.Port()).String(), "", ""
	}
	if a, err := netip.ParseAddr(strings.Trim(s, "[]")); err == nil {
		return a.Unmap().String(), "", ""
	}
	return s, "", ""
}

var timeLayouts = []string{
	"2006-01-02 15:04:05.999999999", "2006-01-02 15:04:05.999999999Z07:00", "2006-01-02 15:04:05.999999999Z0700",
	"2006-01-02 15:04", "2006-01-02 15:04Z07:00", "2006-01-02 15:04Z0700", "2006-01-02",
	"Jan _2, 2006 15:04:05.999999999", "Jan 2, 2006 15:04:05.999999999",
}

// ParseTime reads a point in time: a date, mostly with a time behind it. Without an offset it is UTC.
func ParseTime(s string) (t time.Time, ok bool) {
	s = strings.TrimSuffix(s, " UTC")
	if n := len("2006-01-02"); len(s) > n && s[n] == 'T' {
		s = s[:n] + " " + s[n+1:]
	}
	for _, layout := range timeLayouts {
		if t, err := time.Parse(layout, s); err == nil {
			return t, true
		}
	}
	return t, false
}

// parseEpoch reads seconds since 1970, with up to nine digits of a fraction.
func parseEpoch(s string) (t time.Time, ok bool) {
	digits, negative := strings.CutPrefix(s, "-")
	whole, frac, _ := strings.Cut(digits, ".")
	if len(whole) == 0 || len(whole) > 11 || len(frac) > 9 || strings.Trim(whole+frac, "0123456789") != "" || strings.HasSuffix(s, ".") {
		return t, false
	}
	sec, _ := strconv.ParseInt(whole, 10, 64)
	nsec, _ := strconv.ParseInt((frac + "000000000")[:9], 10, 64)
	if negative {
		sec, nsec = -sec, -nsec
	}
	return time.Unix(sec, nsec).UTC(), true
}
