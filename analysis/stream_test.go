package analysis_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/capture"
	"github.com/sipsight/sipsight/internal/capgen"
)

// A wire is a capture in the making.
type wire struct {
	packets []capgen.Packet
	id      uint16
}

func (w *wire) add(at time.Duration, f capgen.Flow, payload string) {
	w.id++
	w.again(at, f, payload)
}

// again captures a packet with the identification of the last one.
func (w *wire) again(at time.Duration, f capgen.Flow, payload string) {
	w.packets = append(w.packets, capgen.Packet{Time: capgen.Start.Add(at), Link: 1, Data: capgen.Ether(f.WithID(w.id).UDP(payload))})
}

// media returns an RTP packet.
func media(kind byte, seq uint16, timestamp, ssrc uint32, payload string) string {
	b := binary.BigEndian.AppendUint16([]byte{0x80, kind}, seq)
	b = binary.BigEndian.AppendUint32(b, timestamp)
	return string(binary.BigEndian.AppendUint32(b, ssrc)) + payload
}

var (
	flow   = capgen.NewFlow("192.0.2.1:4000", "192.0.2.2:5000")
	speech = strings.Repeat("\xd5", 160)
)

// speak sends n packets of 20 ms from a time on.
func (w *wire) speak(f capgen.Flow, kind byte, ssrc uint32, from time.Duration, n int, rate uint32) {
	for i := range n {
		w.add(from+time.Duration(i)*20*time.Millisecond, f, media(kind, uint16(65530+i), 1000+uint32(i)*rate/50, ssrc, speech))
	}
}

// streams analyses what was captured.
func (w *wire) streams(t *testing.T) *analysis.Traffic {
	t.Helper()
	slices.SortStableFunc(w.packets, func(a, b capgen.Packet) int { return a.Time.Compare(b.Time) })
	return streamsOf(t, capgen.Pcap(w.packets))
}

func streamsOf(t *testing.T, file []byte) *analysis.Traffic {
	t.Helper()
	r, err := capture.NewReader(context.Background(), bytes.NewReader(file), capture.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	res, err := analysis.Run(context.Background(), r, analysis.Options{Streams: true})
	if err != nil {
		t.Fatal(err)
	}
	return res.Traffic
}

// line tells a stream in a line.
func line(s *analysis.Stream) string {
	r := s.Report()
	return fmt.Sprintf("%08x %v>%v type %d %s %d Hz, %d of %d, lost %d, duplicates %d, copies %d, tones %d, frames %d-%d",
		s.SSRC(), s.Source(), s.Destination(), s.Type, s.Codec, r.ClockRate, r.Packets, r.Expected, r.Lost, r.Duplicates, s.Copies, s.ToneCount(), s.First.Number, s.Last().Number)
}

func lines(tr *analysis.Traffic) string {
	var list []string
	for _, s := range tr.Streams {
		list = append(list, line(s))
	}
	return strings.Join(list, "\n")
}

func check(t *testing.T, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
}

func TestStream(t *testing.T) {
	var w wire
	w.speak(flow, 8, 0xa, 0, 100, 8000)
	w.speak(flow.Back(), 0, 0xb, 5*time.Millisecond, 50, 8000)
	w.speak(flow, 8, 0xc, time.Second, 10, 8000) // another source at the same port
	w.speak(flow, 8, 0xd, time.Second, 2, 8000)  // two packets that keep time are enough
	tr := w.streams(t)
	check(t, lines(tr), `0000000a 192.0.2.1:4000>192.0.2.2:5000 type 8 PCMA 8000 Hz, 100 of 100, lost 0, duplicates 0, copies 0, tones 0, frames 1-162
0000000b 192.0.2.2:5000>192.0.2.1:4000 type 0 PCMU 8000 Hz, 50 of 50, lost 0, duplicates 0, copies 0, tones 0, frames 2-100
0000000c 192.0.2.1:4000>192.0.2.2:5000 type 8 PCMA 8000 Hz, 10 of 10, lost 0, duplicates 0, copies 0, tones 0, frames 102-122
0000000d 192.0.2.1:4000>192.0.2.2:5000 type 8 PCMA 8000 Hz, 2 of 2, lost 0, duplicates 0, copies 0, tones 0, frames 103-106`)
	s := tr.Streams[0]
	r := s.Report()
	if s.Begin() != capgen.Start || s.End() != capgen.Start.Add(99*20*time.Millisecond) || r.MaxDelta != 20*time.Millisecond || r.MaxJitter != 0 || r.Interval != 20*time.Millisecond {
		t.Errorf("%v to %v: %+v", s.Begin(), s.End(), r)
	}
	if m, ok := s.Quality(); !ok || m.MOS() < 4.4 {
		t.Errorf("MOS %v %v", m.MOS(), ok)
	}
	if _, ok := tr.Streams[2].Quality(); ok {
		t.Error("a MOS of 200 ms")
	}
	if rate, _ := r.BitRate(); rate < 80000*100/99-1 || rate > 80000*100/99+1000 { // 200 octets every 20 ms
		t.Errorf("%v bits a second", rate)
	}
	if tr.Datagrams != (analysis.Datagrams{Streams: 4, RTP: 162}) {
		t.Errorf("%+v", tr.Datagrams)
	}
}

// What is asked for is what is done.
func TestStreamsOnlyIfAsked(t *testing.T) {
	var w wire
	w.speak(flow, 8, 0xa, 0, 100, 8000)
	r, err := capture.NewReader(context.Background(), bytes.NewReader(capgen.Pcap(w.packets)), capture.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	res, err := analysis.Run(context.Background(), r, analysis.Options{Calls: true})
	if err != nil || len(res.Streams) != 0 || res.Datagrams != (analysis.Datagrams{}) {
		t.Errorf("%v, %d streams, %+v", err, len(res.Streams), res.Datagrams)
	}
}

// The clock rate of dynamic payload types is found by timestamps and clock.
func TestClockRate(t *testing.T) {
	for _, rate := range []uint32{8000, 16000, 32000, 48000, 90000, 24000} {
		var w wire
		r := rand.New(rand.NewPCG(uint64(rate), 1))
		for i := range 100 {
			late := time.Duration(r.IntN(10000)) * time.Microsecond
			w.add(time.Duration(i)*20*time.Millisecond+late, flow, media(96, uint16(i), uint32(i)*rate/50, 7, speech))
		}
		tr := w.streams(t)
		check(t, lines(tr), fmt.Sprintf("00000007 192.0.2.1:4000>192.0.2.2:5000 type 96  %d Hz, 100 of 100, lost 0, duplicates 0, copies 0, tones 0, frames 1-100", rate))
		if s := tr.Streams[0]; !s.RateEstimated || s.Report().Jitters != 99 {
			t.Errorf("%d Hz: estimated %v, %d jitters", rate, s.RateEstimated, s.Report().Jitters)
		}
	}
}

// TestClockRateChange: each codec of a stream has its own clock rate; the digits ahead of it tell nothing of that.
func TestClockRateChange(t *testing.T) {
	type part struct {
		kind byte
		rate uint32
	}
	for _, parts := range [][]part{
		{{0, 8000}, {96, 48000}},
		{{96, 48000}, {0, 8000}, {96, 48000}},
		{{96, 48000}, {97, 16000}},
		{{97, 8000}, {96, 48000}},
	} {
		var w wire
		at, seq, stamp := time.Duration(0), uint16(0), uint32(0)
		for _, p := range parts {
			for range 100 {
				w.add(at, flow, media(p.kind, seq, stamp, 1, speech))
				at, seq, stamp = at+20*time.Millisecond, seq+1, stamp+p.rate/50
			}
		}
		last := parts[len(parts)-1].rate
		if r := w.streams(t).Streams[0].Report(); r.ClockRate != int(last) || r.MaxJitter > time.Millisecond || r.Interval != 20*time.Millisecond {
			t.Errorf("%v: rate %d, jitter up to %v, packets of %v", parts, r.ClockRate, r.MaxJitter, r.Interval)
		}
	}
}

// TestClockRateJitter: what jitter does to the first packets makes no other clock rate of all of them.
func TestClockRateJitter(t *testing.T) {
	for seed := range uint64(20) {
		random := rand.New(rand.NewPCG(seed, 2))
		var w wire
		for i := range 200 {
			late := time.Duration(random.IntN(19)) * time.Millisecond
			w.add(time.Duration(i)*20*time.Millisecond+late, flow, media(96, uint16(i), uint32(i)*960, 1, speech))
		}
		if r := w.streams(t).Streams[0].Report(); r.ClockRate != 48000 {
			t.Errorf("seed %d: rate %d", seed, r.ClockRate)
		}
	}
}

// TestClockRateBurst: packets that were held up come in a burst ahead of all others. The clock rate that they suggest measures nothing.
func TestClockRateBurst(t *testing.T) {
	for _, rate := range []uint32{8000, 16000, 48000} {
		for held := 5; held < 12; held++ {
			var w wire
			for i := range 500 {
				at := time.Duration(i) * 20 * time.Millisecond
				if i < held {
					at = time.Duration(held*20-20)*time.Millisecond + time.Duration(i)*time.Millisecond
				}
				w.add(at, flow, media(96, uint16(i), uint32(i)*rate/50, 1, speech))
			}
			if r := w.streams(t).Streams[0].Report(); r.ClockRate != int(rate) || r.MaxJitter > 20*time.Millisecond || r.Discarded > 0 || r.Skew.Abs() > 300*time.Millisecond || r.Jitters < 330 {
				t.Errorf("%d Hz, %d held up: rate %d, jitter up to %v, %d discarded, skew %v, %d jitters", rate, held, r.ClockRate, r.MaxJitter, r.Discarded, r.Skew, r.Jitters)
			}
		}
	}
}

// TestClockRatePause: a pause in which the timestamp stands still makes no other clock rate of the packets around it.
func TestClockRatePause(t *testing.T) {
	for _, before := range []int{3, 5, 7, 10, 20, 30, 40} {
		for _, pause := range []time.Duration{300 * time.Millisecond, 500 * time.Millisecond, 700 * time.Millisecond} {
			var w wire
			for i := range 200 {
				at := time.Duration(i) * 20 * time.Millisecond
				if i >= before {
					at += pause
				}
				w.add(at, flow, media(96, uint16(i), uint32(i)*320, 1, speech))
			}
			if r := w.streams(t).Streams[0].Report(); r.ClockRate != 16000 || before > 8 && r.Skew != pause || r.MaxJitter > pause/16 {
				t.Errorf("%v behind %d packets: rate %d, skew %v", pause, before, r.ClockRate, r.Skew)
			}
		}
	}
}

// TestClockRateInBetween: the packets of error correction between those of sound have a clock rate, too, and so has each of two codecs
// that take turns.
func TestClockRateInBetween(t *testing.T) {
	for _, turn := range []int{1, 20} {
		var w wire
		for i := range 200 {
			w.add(time.Duration(i)*20*time.Millisecond, flow, media(byte(96+i/turn%2), uint16(i), uint32(i)*960, 1, speech))
		}
		if r := w.streams(t).Streams[0].Report(); r.ClockRate != 48000 || r.Interval != 20*time.Millisecond || r.Jitters < 150 {
			t.Errorf("turns of %d: rate %d, packets of %v, %d jitters", turn, r.ClockRate, r.Interval, r.Jitters)
		}
	}
}

// Frames of video are several packets with one timestamp, sent at once.
func TestVideo(t *testing.T) {
	var w wire
	seq := uint16(0)
	for frame := range 100 {
		for k := range 40 {
			kind := byte(97)
			if k == 39 {
				kind |= 0x80
			}
			w.add(time.Duration(frame)*40*time.Millisecond+time.Duration(k)*50*time.Microsecond, flow, media(kind, seq, uint32(frame)*3600, 7, speech))
			seq++
		}
	}
	tr := w.streams(t)
	check(t, lines(tr), "00000007 192.0.2.1:4000>192.0.2.2:5000 type 97  90000 Hz, 4000 of 4000, lost 0, duplicates 0, copies 0, tones 0, frames 1-4000")
}

// Two captures of a packet have one identification; two packets have two.
func TestStreamCopies(t *testing.T) {
	var w wire
	for i := range 50 {
		at := time.Duration(i) * 20 * time.Millisecond
		p := media(8, uint16(i), uint32(i)*160, 1, speech)
		w.add(at, flow, p)
		switch {
		case i%2 == 0:
			w.again(at+time.Millisecond, flow, p)
		case i%5 == 0:
			w.add(at+time.Millisecond, flow, p)
		case i == 49:
			w.again(at+51*time.Millisecond, flow, p) // too late for a copy
		}
	}
	check(t, lines(w.streams(t)), "00000001 192.0.2.1:4000>192.0.2.2:5000 type 8 PCMA 8000 Hz, 56 of 50, lost 0, duplicates 6, copies 25, tones 0, frames 1-81")
}

// A copy comes within 50 ms of the packet, however many others came in between.
func TestStreamCopyWindow(t *testing.T) {
	for late, want := range map[time.Duration]string{49 * time.Millisecond: "duplicates 0, copies 1", 51 * time.Millisecond: "duplicates 1, copies 0", 110 * time.Millisecond: "duplicates 1, copies 0"} {
		var w wire
		for i := range 50 {
			w.add(time.Duration(i)*20*time.Millisecond, flow, media(8, uint16(i), uint32(i)*160, 1, speech))
			if i == 20 {
				w.again(time.Duration(i)*20*time.Millisecond+late, flow, media(8, uint16(i), uint32(i)*160, 1, speech))
			}
		}
		if got := lines(w.streams(t)); !strings.Contains(got, want) {
			t.Errorf("%v late: %s, want %s", late, got, want)
		}
	}
}

// Two streams with one SSRC and the same ports are two if silence is between them, and neither
// number nor timestamp go on; what was lost or silent in between makes no other stream.
func TestStreamOver(t *testing.T) {
	for _, c := range []struct {
		name  string
		gap   time.Duration // before the second half
		seq   uint16        // of its first packet
		stamp uint32        // likewise, by units of the clock
		want  string
	}{
		{"another call of a tool", 5 * time.Second, 0, 0, "50 of 50, lost 0 | 50 of 50, lost 0"},
		{"another one, with other numbers", 5 * time.Second, 40000, 1 << 30, "50 of 50, lost 0 | 50 of 50, lost 0"},
		{"another one, with numbers a little ahead", 5 * time.Second, 600, 1 << 30, "50 of 50, lost 0 | 50 of 50, lost 0"},
		{"begun anew at once, a little ahead", time.Second, 600, 1 << 30, "100 of 100, lost 0"},
		{"a little ahead, and another clock, but there was time for as many", 8 * time.Second, 449, 1 << 30, "100 of 499, lost 399"},
		{"a little ahead, too far for the time, with the same clock", time.Second, 600, 2 * 8000, "100 of 650, lost 550"},
		{"a little ahead, too far for the time, with the clock of the numbers", 3 * time.Second, 450, 450 * 160, "100 of 500, lost 400"},
		{"the same recording again at once", 1500 * time.Millisecond, 0, 0, "100 of 100, lost 0"},
		{"begun anew at once", time.Second, 40000, 1 << 30, "100 of 100, lost 0"},
		{"on hold", 600 * time.Second, 50, 600 * 8000, "100 of 100, lost 0"},
		{"on hold, and the clock stood still", 600 * time.Second, 50, 50 * 160, "100 of 100, lost 0"},
		{"lost for long", 100 * time.Second, 5049, 101 * 8000, "100 of 5099, lost 4999"},
		{"another number, the same clock", 5 * time.Second, 40000, 6 * 8000, "100 of 100, lost 0"},
	} {
		var w wire
		for i := range 50 {
			w.add(time.Duration(i)*20*time.Millisecond, flow, media(8, uint16(i), uint32(i)*160, 1, speech))
			w.add(time.Second+c.gap+time.Duration(i)*20*time.Millisecond, flow, media(8, c.seq+uint16(i), c.stamp+uint32(i)*160, 1, speech))
		}
		var got []string
		for _, s := range w.streams(t).Streams {
			r := s.Report()
			got = append(got, fmt.Sprintf("%d of %d, lost %d", r.Packets, r.Expected, r.Lost))
		}
		if strings.Join(got, " | ") != c.want {
			t.Errorf("%s: %s, want %s", c.name, strings.Join(got, " | "), c.want)
		}
	}
	// They are found again, however many streams there are.
	var w wire
	for round := range 3 {
		for i := range 300 {
			f := capgen.NewFlow(fmt.Sprintf("10.0.%d.%d:4000", i>>8, i&255), "192.0.2.2:5000")
			for k := range 6 {
				w.add(time.Duration(round)*10*time.Second+time.Duration(k)*20*time.Millisecond, f, media(0, uint16(k), uint32(k)*160, 1, "x"))
			}
		}
	}
	tr := w.streams(t)
	for _, s := range tr.Streams {
		if r := s.Report(); r.Packets != 6 || r.Duplicates != 0 {
			t.Fatal(line(s))
		}
	}
	if len(tr.Streams) != 900 {
		t.Errorf("%d streams", len(tr.Streams))
	}
}

// A sender that changes its SSRC goes on with another one; streams at the same time do not.
func TestPrevious(t *testing.T) {
	var w wire
	for _, x := range []struct {
		ssrc uint32
		at   time.Duration
	}{{1, 0}, {2, time.Second}, {3, 3 * time.Second}, {4, 3100 * time.Millisecond}} {
		for i := range 25 {
			w.add(x.at+time.Duration(i)*20*time.Millisecond, flow, media(8, uint16(i), uint32(i)*160, x.ssrc, speech))
		}
	}
	var got []string
	for _, s := range w.streams(t).Streams {
		got = append(got, fmt.Sprintf("%d:%d %v", s.SSRC(), s.PreviousSSRC, s.HasPrevious))
	}
	if want := "1:0 false, 2:1 true, 3:2 true, 4:0 false"; strings.Join(got, ", ") != want {
		t.Errorf("%v, want %s", got, want)
	}
}

// IPv6 has no identification: packets that repeat each other so soon are copies.

// However many packets came before.
func TestStreamCopiesLong(t *testing.T) {
	var w wire
	for i := range 600 {
		at, p := time.Duration(i)*20*time.Millisecond, media(8, uint16(i), uint32(i)*160, 1, speech)
		w.add(at, flow, p)
		w.again(at+time.Millisecond, flow, p)
	}
	check(t, lines(w.streams(t)), "00000001 192.0.2.1:4000>192.0.2.2:5000 type 8 PCMA 8000 Hz, 600 of 600, lost 0, duplicates 0, copies 600, tones 0, frames 1-1199")
}

// Two interfaces that are read in turns have what came within a while one after the other, and either may be the first.
func TestStreamCopiesInTurns(t *testing.T) {
	for _, later := range []time.Duration{300 * time.Microsecond, -300 * time.Microsecond, 60 * time.Millisecond} {
		var w wire
		for i := range 26 {
			for _, off := range []time.Duration{0, later} {
				for k := range 12 {
					n := i*12 + k
					w.id = uint16(n)
					w.again(time.Duration(n)*20*time.Millisecond+off, flow, media(8, uint16(n), uint32(n)*160, 1, speech))
				}
			}
		}
		want := "312 of 312, lost 0, duplicates 0, copies 312"
		if later > 50*time.Millisecond {
			want = "624 of 312, lost 0, duplicates 312, copies 0"
		}
		if got := lines(streamsOf(t, capgen.Pcap(w.packets))); !strings.Contains(got, want) { // not in the order of time
			t.Errorf("%v: %s", later, got)
		}
	}
}

func TestStreamCopiesIPv6(t *testing.T) {
	var w wire
	f := capgen.NewFlow("[2001:db8::1]:4000", "[2001:db8::2]:5000")
	for i := range 20 {
		for range 2 {
			w.add(time.Duration(i)*20*time.Millisecond, f, media(8, uint16(i), uint32(i)*160, 1, speech))
		}
	}
	tr := w.streams(t)
	check(t, lines(tr), "00000001 [2001:db8::1]:4000>[2001:db8::2]:5000 type 8 PCMA 8000 Hz, 20 of 20, lost 0, duplicates 0, copies 20, tones 0, frames 1-39")
	if r := tr.Streams[0].Report(); r.Octets != 20*(172+48) {
		t.Errorf("%d octets", r.Octets)
	}
}

// event returns the payload of a telephone event.
func event(key byte, end bool, duration uint16) string {
	b := []byte{key, 10, byte(duration >> 8), byte(duration)}
	if end {
		b[1] |= 0x80
	}
	return string(b)
}

// press sends a key of five packets and three ends, in the stream of the speech around.
func (w *wire) press(key byte, seq *uint16, at time.Duration, timestamp uint32) {
	for i := range 8 {
		kind := byte(101)
		if i == 0 {
			kind |= 0x80
		}
		n := min(i+1, 6)
		w.add(at+time.Duration(i)*20*time.Millisecond, flow, media(kind, *seq, timestamp, 5, event(key, i >= 5, uint16(n)*160)))
		*seq++
	}
}

func TestTones(t *testing.T) {
	var w wire
	seq := uint16(100)
	at := time.Duration(0)
	talk := func(n int) {
		for range n {
			w.add(at, flow, media(8, seq, uint32(at/time.Millisecond)*8, 5, speech))
			seq++
			at += 20 * time.Millisecond
		}
	}
	talk(50)
	for _, key := range []byte{1, 10, 11} {
		w.press(key, &seq, at, uint32(at/time.Millisecond)*8)
		at += 160 * time.Millisecond
		talk(20)
	}
	tr := w.streams(t)
	check(t, lines(tr), "00000005 192.0.2.1:4000>192.0.2.2:5000 type 8 PCMA 8000 Hz, 134 of 134, lost 0, duplicates 0, copies 0, tones 3, frames 1-134")
	s := tr.Streams[0]
	var got []string
	for _, x := range s.Tones() {
		got = append(got, fmt.Sprintf("%c %v %v packets %d ends %d frame %d", x.Event.Digit(), x.Time.Sub(capgen.Start), x.Duration, x.Packets, x.Ends, x.Frame.Number))
	}
	check(t, strings.Join(got, "\n"), `1 1s 120ms packets 8 ends 3 frame 51
* 1.56s 120ms packets 8 ends 3 frame 79
# 2.12s 120ms packets 8 ends 3 frame 107`)
	// A packet of the first key that comes after all others is no fourth key.
	w.add(at, flow, media(101, seq-1, 8000, 5, event(1, true, 960)))
	w.add(at, flow, media(101, seq, 8000, 5, event(1, true, 960)))
	if again := w.streams(t).Streams[0]; again.ToneCount() != 3 {
		t.Errorf("%+v", again.Tones())
	}
	if s.Events != 24 || s.Report().MaxJitter != 0 || !slices.Equal(s.Types(), []uint8{8, 101}) {
		t.Errorf("%d packets of events, max jitter %v, types %v", s.Events, s.Report().MaxJitter, s.Types())
	}
}

// TestCommonestType: the payload type of a stream is that of most packets, also where it is 0.
func TestCommonestType(t *testing.T) {
	var w wire
	w.speak(flow, 0, 5, 0, 50, 8000)
	for i := range 5 {
		w.add(time.Second+time.Duration(i)*20*time.Millisecond, flow, media(8, uint16(65580+i), 9000+uint32(i)*160, 5, speech))
	}
	if s := w.streams(t).Streams[0]; s.Type != 0 || s.Codec != "PCMU" {
		t.Errorf("type %d, %s", s.Type, s.Codec)
	}
}

// TestClockRateBetween: packets of a payload type whose rate is not known leave the figures of those around them as they are.
func TestClockRateBetween(t *testing.T) {
	var w wire
	for i := range 100 {
		kind, late := byte(0), time.Duration(0)
		if i >= 47 && i < 50 {
			kind = 100
		}
		if i >= 48 {
			late = 30 * time.Millisecond
		}
		w.add(time.Duration(i)*20*time.Millisecond+late, flow, media(kind, uint16(i), uint32(i)*160, 5, speech))
	}
	if r := w.streams(t).Streams[0].Report(); r.Skew != 30*time.Millisecond || r.ClockRate != 8000 {
		t.Errorf("skew %v, rate %d", r.Skew, r.ClockRate)
	}
}

// TestTonesOfTypes: a sender that changes its codec may have another payload type for its keys, too.
func TestTonesOfTypes(t *testing.T) {
	var w wire
	seq, at := uint16(0), time.Duration(0)
	for _, kinds := range [][2]byte{{0, 101}, {96, 110}} {
		for i := range 50 {
			kind, stamp, payload := kinds[0], uint32(at/time.Millisecond)*8, speech
			if i >= 40 {
				kind, stamp, payload = kinds[1], stamp-uint32(i-40)*160, event(5, i >= 47, uint16(min(i-39, 8))*160)
			}
			w.add(at, flow, media(kind, seq, stamp, 5, payload))
			seq, at = seq+1, at+20*time.Millisecond
		}
	}
	s := w.streams(t).Streams[0]
	var types []uint8
	for _, x := range s.Tones() {
		types = append(types, x.Type)
	}
	if s.Events != 20 || !slices.Equal(types, []uint8{101, 110}) || s.Type != 0 {
		t.Errorf("%d packets of events, of types %v in a stream of type %d", s.Events, types, s.Type)
	}
}

// A stream of events alone, as some gateways send them; and one event that lasts longer
// than its duration can say.
func TestTonesAlone(t *testing.T) {
	var w wire
	seq := uint16(1)
	for i, key := range []byte{4, 2} {
		w.press(key, &seq, time.Duration(i)*time.Second, uint32(i)*8000)
	}
	check(t, lines(w.streams(t)), "00000005 192.0.2.1:4000>192.0.2.2:5000 type 101 telephone-event 0 Hz, 16 of 16, lost 0, duplicates 0, copies 0, tones 2, frames 1-16")

	w = wire{}
	w.speak(flow, 8, 5, 0, 10, 8000)
	seq = 4
	for i := range 500 { // 10 s: 65,535 units of 1/8000 s are 8.19
		at := time.Second + time.Duration(i)*20*time.Millisecond
		d, ts := uint32(i+1)*160, uint32(9000)
		if d > 65535 {
			d, ts = d-65535, ts+65535
		} else if i == 408 {
			d = 65535
		}
		w.add(at, flow, media(101, seq, ts, 5, event(4, i == 499, uint16(d))))
		seq++
	}
	tr := w.streams(t)
	if s := tr.Streams[0]; s.ToneCount() != 1 || s.Tones()[0].Packets != 500 || s.Tones()[0].Ends != 1 || s.Tones()[0].Duration.Round(time.Second) != 10*time.Second {
		t.Errorf("%s: %+v", line(s), s.Tones())
	}
}

// What begins like RTP and is none.
func TestLookAlikes(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 5))
	random := func(n int) string {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte(r.Uint32())
		}
		return string(b)
	}
	for _, c := range []struct {
		name string
		next func(i int) string
	}{
		{"random", func(int) string { return "\x80" + random(60) }},
		{"random with one source", func(int) string { return "\x80\x08" + random(6) + "\x00\x00\x00\x01" + random(40) }},
		{"DNS", func(i int) string {
			return random(2) + "\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x07example\x03com\x00\x00\x01\x00\x01"
		}},
		{"DNS with one id", func(i int) string {
			return "\x80\x01\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x07example\x03com\x00\x00\x01\x00\x01"
		}},
		{"TFTP", func(i int) string { return fmt.Sprintf("\x00\x03%c%c", i>>8, i) + random(512) }},
		{"QUIC", func(i int) string { return "\x40" + "connection" + random(50) }},
		{"a game: a counter in the wrong place", func(i int) string {
			return "\x80\x01" + "\x12\x34" + string(binary.BigEndian.AppendUint32(nil, uint32(i))) + "\x00\x00\x00\x09" + random(30)
		}},
		{"a game: a counter, and a position for the timestamp", func(i int) string {
			return "\x80\x01" + string(binary.BigEndian.AppendUint16(nil, uint16(i))) + random(4) + "\x00\x00\x00\x09" + random(30)
		}},
		{"a game: the same, with the type of PCMA", func(i int) string {
			return "\x80\x08" + string(binary.BigEndian.AppendUint16(nil, uint16(i))) + random(4) + "\x00\x00\x00\x09" + random(30)
		}},
		{"a counter and nothing else", func(i int) string {
			return "\x80\x61" + string(binary.BigEndian.AppendUint16(nil, uint16(i))) + "\x00\x00\x00\x00" + "\x00\x00\x00\x09" + random(30)
		}},
		{"a type that RTCP has", func(i int) string { return media(72, uint16(i), uint32(i)*160, 1, speech) }},
		{"a header that lies", func(i int) string { return "\x9f" + media(8, uint16(i), uint32(i)*160, 1, speech)[1:14] }},
	} {
		var w wire
		for i := range 500 {
			w.add(time.Duration(i)*20*time.Millisecond, flow, c.next(i))
		}
		if tr := w.streams(t); len(tr.Streams) != 0 {
			t.Errorf("%s: taken for\n%s", c.name, lines(tr))
		}
	}
}

// A packet that is shorter than its own header is none of the stream, whose SSRC and number it has;
// one that was cut by the capture is, and so is one whose padding may be encrypted.
func TestHeaderLies(t *testing.T) {
	for _, c := range []struct {
		name, want string
		change     func(p []byte) []byte
	}{
		{"more sources than octets", "90 of 100, lost 10", func(p []byte) []byte { p[0] = 0x8f; return p[:40] }},
		{"an extension beyond the end", "90 of 100, lost 10", func(p []byte) []byte { p[0] = 0x90; p[14], p[15] = 0xff, 0xff; return p }},
		{"padding beyond the beginning", "100 of 100, lost 0", func(p []byte) []byte { p[0] = 0xa0; p[len(p)-1] = 0xff; return p }},
		{"sources and an extension", "100 of 100, lost 0", func(p []byte) []byte { p[0] = 0x92; p[22], p[23] = 0, 3; return p }},
	} {
		var w wire
		for i := range 100 {
			p := []byte(media(8, uint16(i), uint32(i)*160, 1, speech))
			if i%10 == 7 {
				p = c.change(p)
			}
			w.add(time.Duration(i)*20*time.Millisecond, flow, string(p))
		}
		if got := lines(w.streams(t)); !strings.Contains(got, c.want) {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
		for i := range w.packets { // of each packet the RTP header alone is captured
			w.packets[i].Cut = len(w.packets[i].Data) - 54
		}
		if got := lines(w.streams(t)); !strings.Contains(got, "100 of 100, lost 0") {
			t.Errorf("%s, cut: %s", c.name, got)
		}
	}
}

// A flood of sources is bounded, and the streams in it are found.
func TestSourceFlood(t *testing.T) {
	var w wire
	w.speak(flow, 8, 0xa, 0, 250, 8000)
	r := rand.New(rand.NewPCG(6, 6))
	for i := range 50000 {
		w.add(time.Duration(i)*100*time.Microsecond, flow, media(8, uint16(r.Uint32()), r.Uint32(), r.Uint32()|1<<31, "x"))
	}
	tr := w.streams(t)
	if len(tr.Streams) != 1 || tr.Streams[0].Report().Packets != 250 || tr.Datagrams.NotFound != 50000 {
		t.Errorf("%+v\n%s", tr.Datagrams, lines(tr))
	}
}

// What RTCP says of a stream is found, in reports of both sides.
func TestStreamControl(t *testing.T) {
	const ntp = 0xe0000000_40000000
	var w wire
	w.speak(flow, 8, 0xa, 0, 200, 8000)
	u32 := func(n ...uint32) (s string) {
		for _, n := range n {
			s += string(binary.BigEndian.AppendUint32(nil, n))
		}
		return s
	}
	control := capgen.NewFlow("192.0.2.1:4001", "192.0.2.2:5001")
	sr := "\x80\xc8\x00\x06" + u32(0xa, ntp>>32, ntp&0xffffffff, 1000, 55, 8800)
	cname := "\x81\xca\x00\x03" + u32(0xa) + "\x01\x03a@b\x00\x00\x00"
	w.add(time.Second, control, sr+cname)
	rr := "\x81\xc9\x00\x07" + u32(0xb, 0xa, 0x40000005, 60, 80, ntp>>16&0xffffffff, 65536/2)
	voip := "\x80\xcf\x00\x0a" + u32(0xb) + "\x07\x00\x00\x08" + u32(0xa) + "\x10\x00\x00\x00" + u32(0, 30<<16) + "\x7f\x7f\x7f\x10" + "\x5d\x7f\x29\x28" + u32(0, 0)
	w.add(1530*time.Millisecond, control.Back(), rr+voip)
	w.add(1540*time.Millisecond, control.Back(), "\x81\xcd\x00\x03"+u32(0xb, 0xa, 0x00050000))
	w.add(1550*time.Millisecond, control.Back(), "\x81\xc9\x00\x07"+u32(0xb, 0xa, 0xffffffff)) // cut: encrypted or damaged
	w.add(1560*time.Millisecond, control, "\x81\xcb\x00\x01"+u32(0xa))
	tr := w.streams(t)
	c := tr.Streams[0].Control
	if c == nil {
		t.Fatal("no RTCP")
	}
	if c.SenderReports != 1 || c.SentPackets != 55 || c.SentOctets != 8800 || c.CNAME != "a@b" || !c.Bye || c.Feedback != 1 {
		t.Errorf("of the sender: %+v", c)
	}
	if c.Reports != 1 || c.LostPercent() != 25 || c.CumulativeLost != 5 || c.Jitter != 80 || !c.RoundTripKnown || c.RoundTrip != 30*time.Millisecond {
		t.Errorf("of the receiver: %+v", c)
	}
	if c.VoIP == nil || c.VoIP.RFactor != 93 || c.VoIP.MOSListening != 41 || c.VoIP.LossRate != 16 {
		t.Errorf("VoIP metrics: %+v", c.VoIP)
	}
	if tr.Datagrams.RTCP != 4 {
		t.Errorf("%+v", tr.Datagrams)
	}
}

// Handshakes of ZRTP and DTLS on the ports of a stream tell how it is encrypted, and TURN
// carries streams.
func TestSecurity(t *testing.T) {
	for _, c := range []struct {
		name, handshake string
		want            analysis.Security
		media           analysis.Datagrams
	}{
		{"ZRTP", "\x10\x00\x00\x01ZRTP\x00\x00\x00\x0a", analysis.SecurityZRTP, analysis.Datagrams{Streams: 1, RTP: 10, ZRTP: 1}},
		{"DTLS", "\x16\xfe\xfd\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00", analysis.SecurityDTLS, analysis.Datagrams{Streams: 1, RTP: 10, DTLS: 1}},
		{"STUN", "\x00\x01\x00\x00\x21\x12\xa4\x42transaction.", analysis.NoSecurity, analysis.Datagrams{Streams: 1, RTP: 10, STUN: 1}},
	} {
		var w wire
		w.add(0, flow.Back(), c.handshake)
		w.speak(flow, 8, 0xa, 0, 10, 8000)
		tr := w.streams(t)
		if len(tr.Streams) != 1 || tr.Streams[0].Security != c.want || tr.Datagrams != c.media {
			t.Errorf("%s: %+v %+v", c.name, tr.Datagrams, tr.Streams)
		}
	}
	var w wire
	for i := range 10 {
		p := media(8, uint16(i), uint32(i)*160, 0xa, speech)
		w.add(time.Duration(i)*20*time.Millisecond, flow, "\x40\x00"+string(binary.BigEndian.AppendUint16(nil, uint16(len(p))))+p)
	}
	tr := w.streams(t)
	if len(tr.Streams) != 1 || tr.Datagrams.Channel != 10 || tr.Streams[0].Report().Packets != 10 {
		t.Errorf("TURN: %+v\n%s", tr.Datagrams, lines(tr))
	}
	if analysis.SecurityZRTP.String() != "ZRTP" || analysis.SecurityDTLS.String() != "DTLS-SRTP" || analysis.NoSecurity.String() != "" {
		t.Error("names of security")
	}
}

// The law of the table: many streams at once are found one by one.
func TestManyStreams(t *testing.T) {
	const n = 3000
	var w wire
	for i := range n {
		f := capgen.NewFlow(fmt.Sprintf("10.0.%d.%d:4000", i>>8, i&255), "192.0.2.2:5000")
		for k := range 6 {
			w.add(time.Duration(k)*20*time.Millisecond+time.Duration(i)*time.Microsecond, f, media(0, uint16(k), uint32(k)*160, uint32(i/2), "x"))
		}
	}
	tr := w.streams(t)
	if len(tr.Streams) != n {
		t.Fatalf("%d streams", len(tr.Streams))
	}
	for i, s := range tr.Streams {
		if s.SSRC() != uint32(i/2) || s.Report().Packets != 6 || s.Report().Lost != 0 {
			t.Fatalf("%d. %s", i, line(s))
		}
	}
}

// Two runs are equal, though every run mixes addresses in a way of its own.
func TestStreamsTwice(t *testing.T) {
	var w wire
	seq := uint16(1)
	w.speak(flow, 96, 0xa, 0, 100, 48000)
	w.press(5, &seq, time.Second, 80000)
	tr, again := w.streams(t), w.streams(t)
	check(t, lines(tr), lines(again))
	if len(tr.Streams) != 2 {
		t.Errorf("%d streams", len(tr.Streams))
	}
}
