package pcapng_test

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"math/big"
	"testing"
	"time"

	"github.com/sipsight/sipsight/pcapng"
)

// Times that have an RFC 3339 form: the years 1 to 9999.
const (
	firstSecond = -62135596800
	lastSecond  = 253402300799
)

// divisor returns how many units of a clock of this if_tsresol a second has.
func divisor(resol uint8) *big.Int {
	base := int64(10)
	if resol&0x80 != 0 {
		base = 2
	}
	return new(big.Int).Exp(big.NewInt(base), big.NewInt(int64(resol&0x7f)), nil)
}

// wantTime is the definition of a time stamp, in integers of any size.
func wantTime(ts uint64, resol uint8, offset int64) (time.Time, bool) {
	div := divisor(resol)
	sec, rest := new(big.Int).QuoRem(new(big.Int).SetUint64(ts), div, new(big.Int))
	nsec := rest.Mul(rest, big.NewInt(1e9))
	nsec.Quo(nsec, div)
	sec.Add(sec, big.NewInt(offset))
	switch {
	case sec.Cmp(big.NewInt(firstSecond)) < 0:
		return time.Unix(firstSecond, 0).UTC(), false
	case sec.Cmp(big.NewInt(lastSecond)) > 0:
		return time.Unix(lastSecond, 999999999).UTC(), false
	}
	return time.Unix(sec.Int64(), nsec.Int64()).UTC(), true
}

var offsets = []int64{
	0, 1, -1, 3600, -3600, 1e9, -1e9,
	firstSecond, firstSecond - 1, firstSecond + 1, lastSecond, lastSecond - 1, lastSecond + 1,
	math.MaxInt64, math.MaxInt64 - 1, math.MinInt64, math.MinInt64 + 1, math.MinInt64 + 1e9,
}

// stamps returns time stamps at all edges of a clock.
func stamps(resol uint8) []uint64 {
	list := []uint64{
		0, 1, 2, 999, 1e6, 1e9 - 1, 1e9, 1e9 + 1, 1<<31 - 1, 1 << 31, 1<<32 - 1, 1 << 32, 1<<53 + 1,
		1795477184, 1795477184452843, 1795477184452843567,
		1<<63 - 1, 1 << 63, 1<<63 + 10, math.MaxUint64 - 1, math.MaxUint64,
	}
	if div := divisor(resol); div.IsUint64() {
		for _, k := range []uint64{1, 1795477184, lastSecond, lastSecond + 1} {
			u := div.Uint64() * k // may wrap: any number is a good one
			list = append(list, u-1, u, u+1, u+u/2)
		}
	}
	return list
}

// TestTimeStamps reads time stamps of every resolution with all sorts of offsets,
// and compares them with math/big.
func TestTimeStamps(t *testing.T) {
	for _, o := range []order{le, be} {
		for resol := range 256 {
			list := stamps(uint8(resol))
			file := shb(o)
			for _, offset := range offsets {
				file = append(file, idb(o, 1, 0, opt(o, 9, string([]byte{byte(resol)})), opt(o, 14, string(u64(o, uint64(offset)))))...)
			}
			for i := range offsets {
				for _, ts := range list {
					file = append(file, packet(o, uint32(i), ts, "")...)
				}
			}
			r, err := pcapng.NewReaderSize(bytes.NewReader(file), 64<<10)
			if err != nil {
				t.Fatal(err)
			}
			for i, offset := range offsets {
				for _, ts := range list {
					p, err := r.Next()
					if err != nil || p.Interface != i {
						t.Fatalf("packet of interface %d, want %d; %v", p.Interface, i, err)
					}
					want, ok := wantTime(ts, uint8(resol), offset)
					if p.Time != want || p.TimeOK != ok {
						t.Errorf("if_tsresol %#02x, if_tsoffset %d, time stamp %d: got %v (%v), want %v (%v)", resol, offset, ts, p.Time, p.TimeOK, want, ok)
					}
				}
			}
			if _, err := r.Next(); err != io.EOF {
				t.Fatal(err)
			}
			unit, _ := new(big.Float).Quo(big.NewFloat(1e9), new(big.Float).SetInt(divisor(uint8(resol)))).Float64()
			if got := r.Interface(0).Resolution; math.Abs(got-unit) > unit*1e-12 {
				t.Errorf("if_tsresol %#02x: a unit of %g ns, want %g", resol, got, unit)
			}
		}
	}
}

// TestTimesWritten writes times with every resolution: what comes back must be the same
// time, cut to the resolution, and only what no time stamp can say may be refused.
func TestTimesWritten(t *testing.T) {
	times := []time.Time{
		time.Unix(0, 0), time.Unix(0, 1), time.Unix(0, 999999999), time.Unix(1, 0), time.Unix(-1, 5),
		time.Unix(1795477184, 452843567), time.Unix(1795477184, 999999999), time.Unix(1<<32, 500000000),
		time.Unix(firstSecond, 0), time.Unix(lastSecond, 999999999), time.Unix(firstSecond-1, 0), time.Unix(lastSecond+1, 0),
		{}, time.Unix(math.MaxInt64, 0), time.Unix(math.MinInt64, 0),
	}
	refused, written := 0, 0
	for resol := range 256 {
		for _, offset := range offsets {
			for _, at := range times {
				var out bytes.Buffer
				w, err := pcapng.NewWriter(&out, pcapng.Section{})
				if err != nil {
					t.Fatal(err)
				}
				if _, err := w.AddInterface(pcapng.Interface{LinkType: 1, FCSLen: -1, TsResol: uint8(resol), TsOffset: offset}); err != nil {
					t.Fatal(err)
				}
				what := fmt.Sprintf("if_tsresol %#02x, if_tsoffset %d, %v", resol, offset, at.UTC())
				err = w.Write(pcapng.Packet{Time: at, TimeOK: true})
				if err != nil {
					refused++
					if canWrite(at, uint8(resol), offset) {
						t.Errorf("%s: %v", what, err)
					}
					continue
				}
				written++
				x := read(t, &out)
				if len(x.packets) != 1 || !x.packets[0].TimeOK {
					t.Errorf("%s: it was written, and reads %v", what, x)
					continue
				}
				got := x.packets[0].Time
				if got.After(at) || fine(uint8(resol)) && !got.Equal(at) {
					t.Errorf("%s: it reads %v", what, got)
				}
				if lost, _ := new(big.Float).SetInt64(int64(at.Sub(got))).Float64(); lost > 0 && lost >= x.r.Interface(0).Resolution+1 {
					t.Errorf("%s: it reads %v, and a unit has %g ns", what, got, x.r.Interface(0).Resolution)
				}
			}
		}
	}
	if refused == 0 || written == 0 {
		t.Errorf("%d times were written, %d refused", written, refused)
	}
}

// fine reports whether a unit is a nanosecond or less.
func fine(resol uint8) bool {
	n := resol & 0x7f
	return n >= 9 && resol&0x80 == 0 || n >= 30
}

// canWrite reports whether a time stamp can say at, with the units that the writer knows.
func canWrite(at time.Time, resol uint8, offset int64) bool {
	n := resol & 0x7f
	if resol&0x80 == 0 && n > 19 || n > 63 {
		return false // units so small that 64 bits of them are no second
	}
	sec := at.Unix()
	if sec < firstSecond || sec > lastSecond {
		return false
	}
	v := new(big.Int).Sub(big.NewInt(sec), big.NewInt(offset))
	v.Mul(v, big.NewInt(1e9)).Add(v, big.NewInt(int64(at.Nanosecond())))
	v.Mul(v, divisor(resol)).Quo(v, big.NewInt(1e9))
	return v.Sign() >= 0 && v.IsUint64() && big.NewInt(sec).Cmp(big.NewInt(offset)) >= 0
}
