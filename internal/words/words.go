// Package words writes times, durations, addresses and status codes as people and programs
// read them.
package words

import (
	"fmt"
	"net/netip"
	"strconv"
	"time"
)

// AppendEndpoint appends address:port, with brackets around IPv6 addresses.
func AppendEndpoint(b []byte, a netip.AddrPort) []byte {
	addr := a.Addr().Unmap()
	switch {
	case !addr.IsValid():
		return append(b, "unknown"...)
	case addr.Is4():
		b = append(addr.AppendTo(b), ':')
	default:
		b = append(addr.AppendTo(append(b, '[')), "]:"...)
	}
	return strconv.AppendUint(b, uint64(a.Port()), 10)
}

// Duration writes a duration for people, with three digits or so.
func Duration(d time.Duration) string {
	var b [40]byte
	return string(AppendDuration(b[:0], d))
}

// AppendDuration appends the Duration d to b.
func AppendDuration(b []byte, d time.Duration) []byte {
	switch {
	case d < time.Millisecond:
		return append(strconv.AppendInt(b, d.Microseconds(), 10), " µs"...)
	case d.Round(time.Millisecond) < time.Second:
		return append(strconv.AppendInt(b, d.Round(time.Millisecond).Milliseconds(), 10), " ms"...)
	case d.Round(10*time.Millisecond) < 10*time.Second:
		return append(AppendSeconds(b, d, 2), " s"...)
	case d.Round(100*time.Millisecond) < time.Minute:
		return append(AppendSeconds(b, d, 1), " s"...)
	}
	if d = d.Round(time.Second); d < time.Hour {
		return fmt.Appendf(b, "%d min %d s", d/time.Minute, d%time.Minute/time.Second)
	}
	if d = d.Round(time.Minute); d%time.Hour == 0 {
		return fmt.Appendf(b, "%d h", d/time.Hour)
	}
	return fmt.Appendf(b, "%d h %d min", d/time.Hour, d%time.Hour/time.Minute)
}
