package audio_test

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/sipsight/sipsight/internal/audio"
)

func decoder(t *testing.T, name string, channels int) audio.Decoder {
	t.Helper()
	d, ok := audio.NewDecoder(name, channels)
	if !ok {
		t.Fatalf("no decoder of %s", name)
	}
	return d
}

// TestG711 holds the decoders to what ITU-T G.711 says: values from its tables in units of 16
// bits, and the law that each half is the other one negative, with steps that double.
func TestG711(t *testing.T) {
	for _, tt := range []struct {
		codec string
		code  byte
		want  int16
	}{
		{"PCMU", 0xff, 0}, {"PCMU", 0x7f, 0}, {"PCMU", 0xfe, 8}, {"PCMU", 0xef, 132}, {"PCMU", 0x80, 32124}, {"PCMU", 0x00, -32124},
		{"PCMA", 0xd5, 8}, {"PCMA", 0x55, -8}, {"PCMA", 0xd4, 24}, {"PCMA", 0xc5, 264}, {"PCMA", 0xf5, 528}, {"PCMA", 0xaa, 32256}, {"PCMA", 0x2a, -32256},
	} {
		if got := decoder(t, tt.codec, 1).Append(nil, []byte{tt.code}); !slices.Equal(got, []int16{tt.want}) {
			t.Errorf("%s %#02x is %d, want %d", tt.codec, tt.code, got, tt.want)
		}
	}
	for _, tt := range []struct {
		codec       string
		invert      byte
		first, step int // of the first segment
	}{{"pcmu", 0xff, 0, 8}, {"pcma", 0xd5, 8, 16}} {
		d, want, step := decoder(t, tt.codec, 1), tt.first, tt.step
		for n := range 128 {
			got := d.Append(nil, []byte{byte(n) ^ tt.invert, byte(n) ^ tt.invert ^ 0x80})
			if int(got[0]) != want || got[1] != -got[0] {
				t.Fatalf("%s, interval %d: %d, want %d and its negative", tt.codec, n, got, want)
			}
			// Values are in the middle of intervals. A-law has the first two segments in steps
			// of one size.
			next := step
			if n%16 == 15 && (tt.codec == "pcmu" || n > 15) {
				next = 2 * step
				want += step + step/2
			} else {
				want += step
			}
			step = next
		}
	}
}

func TestL16(t *testing.T) {
	in := []byte{0x00, 0x01, 0x80, 0x00, 0x7f, 0xff, 0xff, 0xff, 0x12}
	if got := decoder(t, "L16", 1).Append(nil, in); !slices.Equal(got, []int16{1, -32768, 32767, -1}) {
		t.Errorf("one channel: %d", got)
	}
	if got := decoder(t, "l16", 2).Append([]int16{7}, in); !slices.Equal(got, []int16{7, -16383, 16383}) {
		t.Errorf("two channels: %d", got)
	}
	for _, name := range []string{"G729", "", "opus", "G722"} {
		if _, ok := audio.NewDecoder(name, 1); ok {
			t.Errorf("there is a decoder of %q", name)
		}
	}
	if _, ok := audio.NewDecoder("L16", 6); ok {
		t.Error("there is a decoder of six channels")
	}
}

// TestClock holds where packets are placed, in ms; -1 for nowhere.
func TestClock(t *testing.T) {
	type packet struct {
		seq     uint16
		stamp   uint32
		arrival int
		marker  bool
		want    int
	}
	for _, tt := range []struct {
		name    string
		packets []packet
	}{
		{"jitter and loss do not count", []packet{{1, 160, 0, true, 0}, {2, 320, 35, false, 20}, {4, 640, 55, false, 60}}},
		{"numbers and timestamps wrap", []packet{{65535, 0xffffff60, 0, false, 0}, {0, 0, 20, false, 20}, {1, 160, 40, false, 40}}},
		{"overtaken", []packet{{1, 160, 0, false, 0}, {3, 480, 40, false, 40}, {2, 320, 45, false, 20}, {4, 640, 60, false, 60}}},
		{"overtaken by the first", []packet{{2, 320, 0, false, 0}, {1, 160, 5, false, -20}}},
		{"twice", []packet{{1, 160, 0, false, 0}, {2, 320, 20, false, 20}, {2, 320, 21, false, 20}, {3, 480, 40, false, 40}}},
		{"the network stood still for five seconds", []packet{{1, 160, 0, false, 0}, {2, 320, 5000, false, 20}, {3, 480, 5001, false, 40}, {4, 640, 5040, false, 60}}},
		{"a talkspurt that does not count the silence", []packet{{1, 160, 0, false, 0}, {2, 320, 3000, true, 3000}, {3, 480, 3020, false, 3020}}},
		{"a talkspurt that does", []packet{{1, 160, 0, false, 0}, {2, 24160, 3010, true, 3000}}},
		{"a step into the future", []packet{{1, 160, 0, false, 0}, {2, 1 << 30, 20, false, 20}, {3, 1<<30 + 160, 40, false, 40}}},
		{"a step into the past", []packet{{1, 1 << 30, 0, false, 0}, {2, 160, 20, false, 20}, {3, 320, 40, false, 40}}},
		{"too late", []packet{{9, 160000, 0, false, 0}, {10, 160160, 20, false, 20}, {9, 0, 30000, false, -1 << 20}}},
		{"a recording that is played again", []packet{{1, 160, 0, false, 0}, {2, 320, 20, false, 20}, {1, 160, 5000, false, 5000}, {2, 320, 5020, false, 5020}}},
		{"the first packet again, soon", []packet{{1, 160, 0, false, 0}, {2, 320, 20, false, 20}, {1, 160, 900, false, 0}, {3, 480, 910, false, 40}}},
		{"a sequence that begins anew", []packet{{9, 1600, 0, false, 0}, {40000, 99999999, 20, false, 20}, {40001, 99999999 + 160, 40, false, 40}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := audio.Clock{Rate: 8000}
			for i, p := range tt.packets {
				at, ok := c.Place(p.seq, p.stamp, time.Duration(p.arrival)*time.Millisecond, p.marker)
				if want := time.Duration(p.want) * time.Millisecond; ok && at != want || !ok && p.want != -1<<20 {
					t.Errorf("packet %d belongs at %v (%v), want %v", i+1, at, ok, want)
				}
			}
		})
	}
}

// TestClockLead holds that timestamps which run away are followed no further than MaxLead.
func TestClockLead(t *testing.T) {
	c := audio.Clock{Rate: 8000}
	for i := range 10000 {
		arrival := time.Duration(i) * 20 * time.Millisecond
		at, ok := c.Place(uint16(i), uint32(i)*1600, arrival, false) // ten times too fast
		if !ok || (at-arrival).Abs() > audio.MaxLead {
			t.Fatalf("packet %d of %v belongs at %v (%v)", i, arrival, at, ok)
		}
	}
}

// samples returns what a Mixer wrote, by side.
func samples(t *testing.T, b []byte) (list [2][]int16) {
	t.Helper()
	if len(b)%4 != 0 {
		t.Fatalf("%d octets", len(b))
	}
	for i := 0; i < len(b); i += 2 {
		list[i/2%2] = append(list[i/2%2], int16(binary.LittleEndian.Uint16(b[i:])))
	}
	return list
}

func TestMixer(t *testing.T) {
	var b bytes.Buffer
	m := audio.NewMixer(&b, 8000)
	const ms = time.Millisecond
	for _, p := range []struct {
		side int
		at   time.Duration
		pcm  []int16
		ok   bool
	}{
		{0, 0, []int16{1, 2, 3, 4, 5, 6, 7, 8}, true},
		{0, 3 * ms, []int16{31, 32, 33, 34, 35, 36, 37, 38}, true},
		{0, 2 * ms, []int16{21, 22, 23, 24, 25, 26, 27, 28}, true}, // late
		{0, 2 * ms, []int16{91, 92, 93, 94, 95, 96, 97, 98}, true}, // again: what is there stays
		{1, 1 * ms, []int16{-1}, true},
		{1, -501 * ms, []int16{9}, false},
		{1, 1 * ms, nil, false},
	} {
		if ok := m.Put(p.side, p.at, 8000, p.pcm); ok != p.ok {
			t.Errorf("%v: %v", p, ok)
		}
	}
	if err := m.Finish(); err != nil || m.Octets() != int64(b.Len()) || m.Length() != 4*ms {
		t.Fatal(err, m.Octets(), b.Len(), m.Length())
	}
	got := samples(t, b.Bytes())
	want := [2][]int16{
		{1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 0, 0, 0, 0, 0, 21, 22, 23, 24, 25, 26, 27, 28, 31, 32, 33, 34, 35, 36, 37, 38},
		append(append(make([]int16, 8), -1), make([]int16, 23)...),
	}
	for i := range got {
		if !slices.Equal(got[i], want[i]) {
			t.Errorf("side %d: %d, want %d", i, got[i], want[i])
		}
	}
}

// TestMixerBegin holds that a file begins with what belongs first, though others overtook it.
func TestMixerBegin(t *testing.T) {
	for _, long := range []bool{false, true} {
		var b bytes.Buffer
		m := audio.NewMixer(&b, 8000)
		m.Put(0, 0, 8000, []int16{7, 8, 9})
		if !m.Put(0, -500*time.Millisecond, 8000, []int16{1, 2}) || !m.Put(1, -time.Millisecond, 8000, []int16{3}) {
			t.Fatal("not taken")
		}
		want := 4003
		if long {
			m.Put(0, time.Minute, 8000, []int16{5})
			want = 4000 + 480001
		}
		m.Finish()
		got := samples(t, b.Bytes())
		if len(got[0]) != want || !slices.Equal(got[0][:3], []int16{1, 2, 0}) || !slices.Equal(got[0][4000:4003], []int16{7, 8, 9}) || got[1][3992] != 3 || m.Octets() != int64(b.Len()) {
			t.Errorf("%v: %d samples, %d octets of %d", long, len(got[0]), m.Octets(), b.Len())
		}
	}
}

// TestMixerRates holds that samples of a lower rate take their time.
func TestMixerRates(t *testing.T) {
	var b bytes.Buffer
	m := audio.NewMixer(&b, 16000)
	m.Put(0, 0, 8000, []int16{0, 100, -100})
	m.Put(1, 0, 16000, []int16{1, 2, 3, 4, 5, 6})
	m.Finish()
	if got := samples(t, b.Bytes()); !slices.Equal(got[0], []int16{0, 50, 100, 0, -100, -100}) || len(got[1]) != 6 {
		t.Errorf("%d", got)
	}
	// The largest datagram, at the rates that are farthest apart.
	b.Reset()
	long := make([]int16, 65507)
	for i := range long {
		long[i] = int16(i % 1000)
	}
	m = audio.NewMixer(&b, audio.MaxRate)
	if !m.Put(1, 0, audio.MinRate, long) || m.Finish() != nil {
		t.Fatal("not taken")
	}
	got := samples(t, b.Bytes())[1]
	for i, v := range got {
		if i%6 == 0 && v != long[i/6] {
			t.Fatalf("sample %d of %d is %d, want %d", i, len(got), v, long[i/6])
		}
	}
	if len(got) != 6*audio.MaxRate {
		t.Errorf("%d samples", len(got))
	}
}

// TestMixerLong puts ten minutes of packets, each the 300th too late by 9 s, and holds that all are
// where they belong.
func TestMixerLong(t *testing.T) {
	var b bytes.Buffer
	m := audio.NewMixer(&b, 8000)
	put := func(i int) {
		at := time.Duration(i) * 20 * time.Millisecond
		if !m.Put(i%2, at, 8000, []int16{int16(i%30000 + 1)}) {
			t.Fatalf("packet %d was not taken", i)
		}
	}
	const n = 30000
	for i := range n {
		if i%300 != 0 {
			put(i)
		}
		if i >= 450 && (i-450)%300 == 0 {
			put(i - 450)
		}
	}
	put(n - 300)
	if err := m.Finish(); err != nil {
		t.Fatal(err)
	}
	got := samples(t, b.Bytes())
	for i := range n {
		if v := got[i%2][i*160]; v != int16(i%30000+1) {
			t.Fatalf("packet %d: %d", i, v)
		}
	}
}

// TestMixerSilence holds that long silence is shortened.
func TestMixerSilence(t *testing.T) {
	var b bytes.Buffer
	m := audio.NewMixer(&b, 8000)
	for i := range 3 { // a year apart
		if !m.Put(0, time.Duration(i)*365*24*time.Hour, 8000, []int16{1, 2, 3}) {
			t.Fatalf("packet %d was not taken", i)
		}
	}
	if m.Put(0, 365*24*time.Hour, 8000, []int16{1}) {
		t.Error("a packet from before the silence was taken")
	}
	m.Finish()
	if got, want := m.Length(), 2*audio.MaxSilence; got < want || got > want+time.Second || m.Shortened < 700*24*time.Hour {
		t.Errorf("%v, of which %v are left out", got, m.Shortened)
	}
}

type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, errors.New("full") }

func TestMixerError(t *testing.T) {
	m := audio.NewMixer(fullDisk{}, 8000)
	m.Put(0, 0, 8000, []int16{1})
	if err := m.Finish(); err == nil || err.Error() != "full" {
		t.Error(err)
	}
}

func TestHeader(t *testing.T) {
	const want = "52494646" + "34000000" + "57415645" + "666d7420" + "10000000" + "0100" + "0200" + "401f0000" + "007d0000" + "0400" + "1000" + "64617461" + "10000000"
	if got := hex.EncodeToString(audio.AppendHeader(nil, 8000, 16)); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if b := audio.AppendHeader(nil, 8000, -1); len(b) != audio.HeaderLen || binary.LittleEndian.Uint32(b[40:]) != 1<<32-1 {
		t.Errorf("%x", b)
	}
}
