package words

import (
	"math"
	"strconv"
	"time"
)

// AppendTime appends a UTC time of the years 1 to 9999, RFC 3339 with nanoseconds.
func AppendTime(b []byte, t time.Time) []byte {
	year, month, day := t.Date()
	hour, minute, second := t.Clock()
	n := len(b)
	b = append(b, "0000-00-00T00:00:00.000000000Z"...)
	d := b[n:]
	putDigits(d[0:4], year)
	putDigits(d[5:7], int(month))
	putDigits(d[8:10], day)
	putDigits(d[11:13], hour)
	putDigits(d[14:16], minute)
	putDigits(d[17:19], second)
	putDigits(d[20:29], t.Nanosecond())
	return b
}

// putDigits fills d with the last digits of n, which is not negative.
func putDigits(d []byte, n int) {
	x := uint32(n)
	i := len(d)
	for ; i >= 2; i -= 2 {
		two := x % 100 * 2
		x /= 100
		d[i-2], d[i-1] = pairs[two], pairs[two+1]
	}
	if i == 1 {
		d[0] = byte('0' + x%10)
	}
}

const pairs = "00010203040506070809101112131415161718192021222324252627282930313233343536373839404142434445464748495051525354555657585960616263646566676869707172737475767778798081828384858687888990919293949596979899"

// AppendDecimal appends the shortest decimal that is read as x, without an exponent. Almost
// all of ours have six decimals at most: the nearest x of such a number of up to fifteen
// digits has no shorter one.
func AppendDecimal(b []byte, x float64) []byte {
	const unit = 1e6
	n := math.Round(x * unit)
	if n == 0 || math.Abs(n) >= 1e15 || n/unit != x {
		return strconv.AppendFloat(b, x, 'f', -1, 64)
	}
	if n < 0 {
		b, n = append(b, '-'), -n
	}
	b = appendPoint(b, uint64(n), 6)
	for b[len(b)-1] == '0' {
		b = b[:len(b)-1]
	}
	if b[len(b)-1] == '.' {
		b = b[:len(b)-1]
	}
	return b
}

// appendPoint appends n with a point in front of the last decimals digits, 9 at most.
func appendPoint(b []byte, n uint64, decimals int) []byte {
	unit := powers[decimals]
	b = append(strconv.AppendUint(b, n/unit, 10), ".000000000"[:1+decimals]...)
	putDigits(b[len(b)-decimals:], int(n%unit))
	return b
}

var powers = [...]uint64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9}

// AppendSeconds appends a duration in seconds with 1 to 9 decimals, rounded as d.Seconds() is.
func AppendSeconds(b []byte, d time.Duration, decimals int) []byte {
	unit := time.Second / time.Duration(powers[decimals])
	if d < 0 || d > 1e6*time.Second || d%unit == unit/2 { // in the middle, the float lies on one side
		return strconv.AppendFloat(b, d.Seconds(), 'f', decimals, 64)
	}
	return appendPoint(b, uint64((d+unit/2)/unit), decimals)
}
