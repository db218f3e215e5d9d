package report

import (
	"math"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestAppendDecimal holds that a number is what strconv makes of it: durations in
// milliseconds, shares, and what has too many digits for the short way.
func TestAppendDecimal(t *testing.T) {
	check := func(x float64) {
		t.Helper()
		if got, want := string(appendDecimal(nil, x)), strconv.FormatFloat(x, 'f', -1, 64); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	for _, x := range []float64{0, math.Copysign(0, -1), 1, -1, 0.5, 100, 1e-6, 1e-7, 0.1, 0.30000000000000004, 1e15, 1e21, math.MaxFloat64,
		math.SmallestNonzeroFloat64, math.Inf(1), math.Inf(-1), math.NaN(), 999999999.999999, 999999999999.9999, -12.25} {
		check(x)
	}
	r := random()
	for range 20000 {
		d := r.Int64N(int64(1) << r.IntN(63))
		check(float64(d) / 1e6)
		check(-float64(d) / 1e6)
		check(float64(d) / 100)
		check(r.Float64() * 100)
		check(math.Float64frombits(r.Uint64()))
	}
}

// TestAppendSeconds holds that seconds are rounded as package strconv rounds the float, also
// in the middle between two numbers.
func TestAppendSeconds(t *testing.T) {
	check := func(d time.Duration, decimals int) {
		t.Helper()
		if got, want := string(appendSeconds(nil, d, decimals)), strconv.FormatFloat(d.Seconds(), 'f', decimals, 64); got != want {
			t.Errorf("%d with %d decimals: %s, want %s", d, decimals, got, want)
		}
	}
	r := random()
	for decimals := 1; decimals <= 9; decimals++ {
		for _, d := range []time.Duration{0, 1, -1, 5, 1005 * time.Millisecond, 1015 * time.Millisecond, 9995 * time.Millisecond, 9995*time.Millisecond - 1,
			59950 * time.Millisecond, math.MaxInt64, math.MinInt64} {
			check(d, decimals)
		}
		for range 5000 {
			d := time.Duration(r.Int64N(int64(1) << r.IntN(63)))
			check(d, decimals)
			check(d.Round(5*time.Millisecond), decimals)
			check(d.Round(500*time.Microsecond), decimals)
		}
	}
}

// TestIsPlain holds that eight octets at a time are what one at a time is, for every octet at
// every place.
func TestIsPlain(t *testing.T) {
	for c := range 256 {
		want := c >= 0x20 && c < 0x7f && c != '"' && c != '\\'
		for n := 1; n < 20; n++ {
			for at := range n {
				s := []byte(strings.Repeat("~", n))
				s[at] = byte(c)
				if got := isPlain(s); got != want {
					t.Fatalf("%q: %t, want %t", s, got, want)
				}
			}
		}
	}
}
