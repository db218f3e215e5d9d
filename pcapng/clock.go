package pcapng

import (
	"math"
	"math/bits"
	"time"
)

// A clock turns the 64-bit time stamps of one interface into times: if_tsresol
// and if_tsoffset of the draft, section 4.2.
type clock struct {
	resol  uint8 // if_tsresol as written: 2^-n with the top bit set, else 10^-n
	offset int64 // if_tsoffset, seconds, signed

	perSecond uint64 // units in a second where that fits 64 bits, else 0
	perNano   uint64 // units in a nanosecond (perSecond >= 1e9) …
	nanosPer  uint64 // … or nanoseconds in a unit; the other one is 0
}

// Times outside of these have no RFC 3339 form: years 1 to 9999.
const (
	minSecond = -62135596800
	maxSecond = 253402300799
)

var pow10 = func() (p [20]uint64) {
	p[0] = 1
	for i := 1; i < len(p); i++ {
		p[i] = p[i-1] * 10
	}
	return
}()

func newClock(resol uint8, offset int64) clock {
	c := clock{resol: resol, offset: offset}
	n := int(resol & 0x7f)
	if resol&0x80 != 0 {
		return c
	}
	if n < len(pow10) {
		c.perSecond = pow10[n]
		if n >= 9 {
			c.perNano = pow10[n-9]
		} else {
			c.nanosPer = pow10[9-n]
		}
	}
	return c
}

// nanoseconds returns the length of one unit.
func (c *clock) nanoseconds() float64 {
	if n := int(c.resol & 0x7f); c.resol&0x80 != 0 {
		return math.Ldexp(1e9, -n)
	} else {
		return math.Pow(10, float64(9-n))
	}
}

// time returns the time of the time stamp ts, rounded down to nanoseconds, and
// whether it lies in the years 1 to 9999; if not, the nearest such time.
func (c *clock) time(ts uint64) (time.Time, bool) {
	sec, nsec := c.split(ts)
	// sec + offset in 128 bits: hi is -1, 0 or 1, and at -1 int64(lo) is the sum.
	lo, carry := bits.Add64(sec, uint64(c.offset), 0)
	hi := int64(carry) + c.offset>>63
	switch {
	case hi < 0 && int64(lo) < minSecond:
		return time.Unix(minSecond, 0).UTC(), false
	case hi > 0 || hi == 0 && lo > maxSecond:
		return time.Unix(maxSecond, 999999999).UTC(), false
	}
	return time.Unix(int64(lo), nsec).UTC(), true
}

// quick returns the time of the time stamp ts in nanoseconds since 1970, for clocks of 10^-9 s and
// slower without an offset, and times up to the year 2242.
func (c *clock) quick(ts uint64) (ns int64, ok bool) {
	const most = 1 << 33 // seconds
	if nanosPer := max(c.nanosPer, c.perNano); c.offset == 0 && c.perNano <= 1 && c.perSecond != 0 && ts < most*c.perSecond {
		return int64(ts * nanosPer), true
	}
	return 0, false
}

// split divides ts, in units of this clock, into whole seconds and nanoseconds.
func (c *clock) split(ts uint64) (sec uint64, nsec int64) {
	if c.perSecond != 0 {
		sec = ts / c.perSecond
		rest := ts - sec*c.perSecond
		if c.perNano != 0 {
			return sec, int64(rest / c.perNano)
		}
		return sec, int64(rest * c.nanosPer)
	}
	n := uint(c.resol & 0x7f)
	if c.resol&0x80 == 0 { // 10^-n with n over 19: less than a second, whatever ts is
		if n-9 < uint(len(pow10)) {
			return 0, int64(ts / pow10[n-9])
		}
		return 0, 0
	}
	rest := ts
	if n < 64 {
		sec = ts >> n
		rest = ts - sec<<n
	}
	hi, lo := bits.Mul64(rest, 1e9)
	switch { // (hi, lo) >> n; below 1e9 since rest < 2^n
	case n == 0:
		return sec, 0
	case n < 64:
		return sec, int64(hi<<(64-n) | lo>>n)
	default:
		return sec, int64(hi >> (n - 64))
	}
}

// stamp is the inverse of time: t in units of this clock, rounded down. ok is
// false when t cannot be written with this resolution and offset.
func (c *clock) stamp(t time.Time) (ts uint64, ok bool) {
	if u := t.Unix(); u < c.offset || u > maxSecond || u < minSecond {
		return 0, false
	}
	s := uint64(t.Unix()) - uint64(c.offset) // fits: offset is -2^63 or more
	nsec := uint64(t.Nanosecond())
	if c.perSecond != 0 {
		hi, lo := bits.Mul64(s, c.perSecond)
		rest := nsec * c.perNano
		if c.nanosPer != 0 {
			rest = nsec / c.nanosPer
		}
		sum, carry := bits.Add64(lo, rest, 0)
		return sum, hi == 0 && carry == 0
	}
	n := uint(c.resol & 0x7f)
	if c.resol&0x80 == 0 || n >= 64 || s>>(64-n) != 0 {
		return 0, false
	}
	// nsec * 2^n / 1e9, rounded up so that reading it back gives nsec again
	// where the resolution is fine enough.
	hi, lo := nsec>>(64-n), nsec<<n
	lo, carry := bits.Add64(lo, 1e9-1, 0)
	frac, _ := bits.Div64(hi+carry, lo, 1e9)
	if n < 30 { // coarser than a nanosecond: down
		if frac = nsec << n / 1e9; (frac+1)*1e9>>n == nsec { // what reading it gave
			frac++
		}
	}
	return s<<n + frac, true
}
