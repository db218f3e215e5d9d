package words

import (
	"math"
	"math/rand/v2"
	"strconv"
	"testing"
	"time"
)

// random returns random numbers that are the same in every run.
func random() *rand.Rand { return rand.New(rand.NewPCG(1, 2)) }

// TestAppendTime holds that a time is what package time makes of it.
func TestAppendTime(t *testing.T) {
	const layout = "2006-01-02T15:04:05.000000000Z"
	check := func(x time.Time) {
		t.Helper()
		if got, want := string(AppendTime(nil, x)), x.Format(layout); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	first := time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC)
	last := time.Date(9999, 12, 31, 23, 59, 59, 999999999, time.UTC)
	for _, x := range []time.Time{first, last, time.Unix(0, 0), time.Unix(0, -1), time.Date(2024, 2, 29, 23, 59, 59, 1, time.UTC), {}} {
		check(x.UTC())
	}
	r := random()
	span := last.Unix() - first.Unix()
	for range 20000 {
		check(time.Unix(first.Unix()+r.Int64N(span), r.Int64N(1e9)).UTC())
	}
	if got := string(AppendTime([]byte("at "), time.Unix(1795477111, 452822851).UTC())); got != "at 2026-11-23T23:38:31.452822851Z" {
		t.Error(got)
	}
}

// TestAppendDecimal holds that a number is what strconv makes of it: durations in
// milliseconds, shares, and what has too many digits for the short way.
func TestAppendDecimal(t *testing.T) {
	check := func(x float64) {
		t.Helper()
		if got, want := string(AppendDecimal(nil, x)), strconv.FormatFloat(x, 'f', -1, 64); got != want {
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
		if got, want := string(AppendSeconds(nil, d, decimals)), strconv.FormatFloat(d.Seconds(), 'f', decimals, 64); got != want {
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
