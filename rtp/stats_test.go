package rtp_test

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/sipsight/sipsight/rtp"
)

// A sender makes the packets of a stream of 20 ms each at 8000 Hz.
type sender struct {
	stats rtp.Stats
	seq   uint16
	sent  int64 // packets since the start
	extra time.Duration
}

func (s *sender) sample(i int64) *rtp.Sample {
	return &rtp.Sample{
		Arrival:   time.Hour + time.Duration(i)*20*time.Millisecond + s.extra,
		Timestamp: uint32(4294967000 + 160*i),
		ClockRate: 8000,
		Size:      200,
		Seq:       s.seq + uint16(i),
	}
}

// send sends n packets.
func (s *sender) send(n int) {
	for range n {
		s.stats.Add(s.sample(s.sent))
		s.sent++
	}
}

// lose leaves out n packets.
func (s *sender) lose(n int64) { s.sent += n }

func TestStats(t *testing.T) {
	for _, c := range []struct {
		name string
		run  func(s *sender)
		want rtp.Report // but for the times
	}{
		{"nothing wrong", func(s *sender) { s.send(1000) }, rtp.Report{Packets: 1000, Expected: 1000}},
		{"one packet", func(s *sender) { s.send(1) }, rtp.Report{Packets: 1, Expected: 1}},
		{"wrap", func(s *sender) { s.seq = 65500; s.send(140000) }, rtp.Report{Packets: 140000, Expected: 140000}},
		{"a loss", func(s *sender) { s.send(100); s.lose(1); s.send(100) }, rtp.Report{Packets: 200, Expected: 201, Lost: 1, LossRuns: 1}},
		{"a burst", func(s *sender) { s.send(100); s.lose(3); s.send(5); s.lose(2); s.send(100) },
			rtp.Report{Packets: 205, Expected: 210, Lost: 5, LossRuns: 2, Bursts: 1, BurstLost: 5, BurstPackets: 10}},
		{"two losses, 15 apart", func(s *sender) { s.send(100); s.lose(1); s.send(15); s.lose(1); s.send(100) },
			rtp.Report{Packets: 215, Expected: 217, Lost: 2, LossRuns: 2, Bursts: 1, BurstLost: 2, BurstPackets: 17}},
		{"two losses, 16 apart", func(s *sender) { s.send(100); s.lose(1); s.send(16); s.lose(1); s.send(100) },
			rtp.Report{Packets: 216, Expected: 218, Lost: 2, LossRuns: 2}},
		{"loss over the wrap", func(s *sender) { s.seq = 65530; s.send(3); s.lose(10); s.send(100) },
			rtp.Report{Packets: 103, Expected: 113, Lost: 10, LossRuns: 1, Bursts: 1, BurstLost: 10, BurstPackets: 10}},
		{"a loss of 63, 64 and 65", func(s *sender) {
			s.send(10)
			for _, n := range []int64{63, 64, 65} {
				s.lose(n)
				s.send(20)
			}
		}, rtp.Report{Packets: 70, Expected: 262, Lost: 192, LossRuns: 3, Bursts: 3, BurstLost: 192, BurstPackets: 192}},
		{"a loss of 3000", func(s *sender) { s.send(10); s.lose(2999); s.extra -= 59 * time.Second; s.send(10) },
			rtp.Report{Packets: 20, Expected: 3019, Lost: 2999, LossRuns: 1, Bursts: 1, BurstLost: 2999, BurstPackets: 2999, Jumps: 1}},
		{"a loss of 1000 in no time", func(s *sender) { s.send(10); s.lose(999); s.extra -= 19 * time.Second; s.send(10) },
			rtp.Report{Packets: 20, Expected: 1019, Lost: 999, LossRuns: 1, Bursts: 1, BurstLost: 999, BurstPackets: 999, Jumps: 1}},
		{"a step of 1000 in no time, with another clock", func(s *sender) {
			s.send(10)
			s.seq += 999
			s.sent += 1 << 20
			s.extra -= 20 << 20 * time.Millisecond
			s.send(10)
		}, rtp.Report{Packets: 20, Expected: 20, Resets: 1, Jumps: 1}},
		{"a loss of 20000 in its time", func(s *sender) { s.send(10); s.lose(20000); s.send(10) },
			rtp.Report{Packets: 20, Expected: 20020, Lost: 20000, LossRuns: 1, Bursts: 1, BurstLost: 20000, BurstPackets: 20000}},
		{"a step of 20000 in no time", func(s *sender) {
			s.send(10)
			s.seq += 20000
			s.send(10)
		}, rtp.Report{Packets: 20, Expected: 20, Resets: 1}},
		{"a step back of 20000", func(s *sender) { s.send(10); s.seq -= 20000; s.send(10) }, rtp.Report{Packets: 20, Expected: 20, Resets: 1}},
		{"a loss, then a reset", func(s *sender) { s.send(10); s.lose(2); s.send(1); s.seq -= 20000; s.send(10) },
			rtp.Report{Packets: 21, Expected: 23, Lost: 2, LossRuns: 1, Bursts: 1, BurstLost: 2, BurstPackets: 2, Resets: 1}},
		{"duplicates", func(s *sender) {
			s.send(10)
			s.stats.Add(s.sample(9))
			s.stats.Add(s.sample(3))
			s.send(10)
		}, rtp.Report{Packets: 22, Expected: 20, Duplicates: 2}},
		{"a duplicate does not make up for a loss", func(s *sender) {
			s.send(10)
			s.lose(1)
			s.send(1)
			s.stats.Add(s.sample(11))
		}, rtp.Report{Packets: 12, Expected: 12, Lost: 1, LossRuns: 1, Duplicates: 1}},
		{"overtaken", func(s *sender) {
			s.send(10)
			s.lose(1)
			s.send(5)
			s.stats.Add(s.sample(10))
			s.send(100)
		}, rtp.Report{Packets: 116, Expected: 116, Reordered: 1}},
		{"overtaken by 63", func(s *sender) { s.send(10); s.lose(1); s.send(63); s.stats.Add(s.sample(10)); s.send(100) },
			rtp.Report{Packets: 174, Expected: 174, Reordered: 1}},
		{"overtaken by 80", func(s *sender) { s.send(10); s.lose(1); s.send(80); s.stats.Add(s.sample(10)); s.send(100) },
			rtp.Report{Packets: 191, Expected: 191, Lost: 1, Reordered: 1, TooLate: 1, LossRuns: 1}},
		{"repeated after 80", func(s *sender) { s.send(100); s.stats.Add(s.sample(19)); s.send(1) },
			rtp.Report{Packets: 102, Expected: 101, Reordered: 1, TooLate: 1}},
		{"the first is overtaken", func(s *sender) {
			s.lose(3)
			s.send(2)
			s.stats.Add(s.sample(0))
			s.send(1)
		}, rtp.Report{Packets: 4, Expected: 6, Lost: 2, LossRuns: 1, Bursts: 1, BurstLost: 2, BurstPackets: 2, Reordered: 1}},
		{"a recording is played again", func(s *sender) { s.send(50); s.sent, s.extra = 0, 2500*time.Millisecond; s.send(50) },
			rtp.Report{Packets: 100, Expected: 100, Resets: 1, Jumps: 1}},
		{"a recording is played again while the first one goes on", func(s *sender) {
			s.send(90)
			for i := range int64(80) { // behind each other they are repeated, and then one is late
				p := s.sample(i)
				p.Arrival, p.Seq, p.Timestamp = s.sample(90+i).Arrival, s.sample(60+i%20).Seq, s.sample(60+i%20).Timestamp
				s.stats.Add(p)
			}
			p := s.sample(10)
			p.Arrival = s.sample(170).Arrival
			s.stats.Add(p)
		}, rtp.Report{Packets: 171, Expected: 90, Duplicates: 80, Reordered: 1, TooLate: 1}},
		{"repeated behind a silence", func(s *sender) {
			s.send(50)
			s.extra = 1700 * time.Millisecond
			p := s.sample(20)
			p.Arrival = s.sample(50).Arrival - 20*time.Millisecond
			s.stats.Add(p)
			s.send(50)
		}, rtp.Report{Packets: 101, Expected: 100, Duplicates: 1}},
		{"a longer recording is played again", func(s *sender) { s.send(101); s.sent, s.extra = 0, 4*time.Second; s.send(101) },
			rtp.Report{Packets: 202, Expected: 202, Resets: 1, Jumps: 1}},
		{"overtaken, and late by most of a second", func(s *sender) {
			s.send(10)
			s.lose(1)
			s.send(5)
			s.extra = 900 * time.Millisecond
			s.stats.Add(s.sample(10))
			s.send(100)
		}, rtp.Report{Packets: 116, Expected: 116, Reordered: 1}},
		{"types and markers", func(s *sender) {
			s.send(5)
			p := s.sample(5)
			p.Type, p.Marker = 8, true
			s.stats.Add(p)
			s.sent++
			s.send(5)
		}, rtp.Report{Packets: 11, Expected: 11, Markers: 1, TypeChanges: 2}},
	} {
		var s sender
		c.run(&s)
		r := s.stats.Report()
		if r != s.stats.Report() {
			t.Errorf("%s: a report changes the figures", c.name)
		}
		got := rtp.Report{
			Packets: r.Packets, Expected: r.Expected, Lost: r.Lost, Duplicates: r.Duplicates, Reordered: r.Reordered, TooLate: r.TooLate, Resets: r.Resets, Jumps: r.Jumps,
			Bursts: r.Bursts, BurstLost: r.BurstLost, BurstPackets: r.BurstPackets, LossRuns: r.LossRuns, Markers: r.Markers, TypeChanges: r.TypeChanges,
		}
		if got != c.want {
			t.Errorf("%s:\n got %+v\nwant %+v", c.name, got, c.want)
		}
		if r.Octets != 200*r.Packets {
			t.Errorf("%s: %d octets", c.name, r.Octets)
		}
	}
}

func TestVerdicts(t *testing.T) {
	var s rtp.Stats
	for i, c := range []struct {
		seq  uint16
		want rtp.Verdict
	}{
		{1, rtp.InOrder}, {2, rtp.InOrder}, {2, rtp.Duplicate}, {5, rtp.InOrder}, {4, rtp.Late}, {4, rtp.Duplicate}, {1, rtp.Duplicate},
		{0, rtp.Late}, {65535, rtp.Late}, {65535, rtp.Duplicate}, {40000, rtp.Restart}, {39901, rtp.Late}, {39899, rtp.Restart},
	} {
		if got := s.Add(&rtp.Sample{Seq: c.seq}); got != c.want {
			t.Errorf("%d. %d: %d, want %d", i, c.seq, got, c.want)
		}
	}
	if !s.Seen(39899) || s.Seen(39900) || s.Seen(39898) || s.Seen(0) {
		t.Error("39899 alone was seen of late")
	}
	if new(rtp.Stats).Seen(0) {
		t.Error("nothing was seen yet")
	}
}

// Whatever a network does to packets of known numbers, the counts are those of a list.
func TestStatsLaw(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 7))
	for round := range 300 {
		n := 1 + r.IntN(400)
		type arrival struct{ seq, at int }
		var list []arrival
		for i := range n {
			if r.IntN(10) == 0 {
				continue
			}
			list = append(list, arrival{i, i * 4})
			for r.IntN(12) == 0 {
				list = append(list, arrival{i, i*4 + r.IntN(100)})
			}
			if r.IntN(8) == 0 {
				list[len(list)-1].at += r.IntN(148) // both together less than 64 packets late
			}
		}
		for i := 1; i < len(list); i++ { // in order of arrival
			for k := i; k > 0 && list[k].at < list[k-1].at; k-- {
				list[k], list[k-1] = list[k-1], list[k]
			}
		}
		if len(list) == 0 {
			continue
		}
		base := uint16(r.Uint32())
		var s rtp.Stats
		seen := map[int]bool{}
		first, last, duplicates, reordered := n, -1, 0, 0
		for _, a := range list {
			s.Add(&rtp.Sample{Seq: base + uint16(a.seq), Arrival: time.Duration(a.at), Untimed: true})
			switch {
			case seen[a.seq]:
				duplicates++
			case a.seq < last:
				reordered++
			}
			seen[a.seq] = true
			first, last = min(first, a.seq), max(last, a.seq)
		}
		got := s.Report()
		want := rtp.Report{
			Packets: int64(len(list)), Expected: int64(last - first + 1), Lost: int64(last - first + 1 - len(seen)),
			Duplicates: int64(duplicates), Reordered: int64(reordered), Duration: got.Duration, MaxDelta: got.MaxDelta,
		}
		want.Bursts, want.BurstLost, want.BurstPackets, want.LossRuns = bursts(seen, first, last)
		if got != want {
			t.Fatalf("round %d:\n got %+v\nwant %+v", round, got, want)
		}
	}
}

// bursts finds the bursts of losses as RFC 3611, section 4.7.2 has them, slowly.
func bursts(seen map[int]bool, first, last int) (n, lost, packets, runs int64) {
	const gmin = 16
	for i := first; i <= last; i++ {
		if seen[i] {
			continue
		}
		end, arrived := i, 0
		count := int64(1)
		runs++
		for k := i + 1; k <= last && arrived < gmin; k++ {
			if seen[k] {
				arrived++
				continue
			}
			if seen[k-1] {
				runs++
			}
			end, arrived = k, 0
			count++
		}
		if count > 1 {
			n, lost, packets = n+1, lost+count, packets+int64(end-i+1)
		}
		i = end
	}
	return n, lost, packets, runs
}

// The example of RFC 3550, section 6.4.1 in numbers: J += (|D| - J) / 16.
func TestJitter(t *testing.T) {
	var s rtp.Stats
	var want, sum, most, previous float64
	r := rand.New(rand.NewPCG(1, 1))
	const n = 500
	for i := range n {
		late := float64(r.IntN(30000)) / 1000 // ms
		s.Add(&rtp.Sample{Arrival: time.Duration(float64(i)*20e6 + late*1e6), Timestamp: uint32(i) * 160, ClockRate: 8000, Seq: uint16(i)})
		if i > 0 {
			want += (math.Abs(late-previous) - want) / 16
			sum += want
			most = max(most, want)
		}
		previous = late
	}
	got := s.Report()
	near(t, "jitter", got.Jitter, want)
	near(t, "mean jitter", got.MeanJitter, sum/(n-1))
	near(t, "max jitter", got.MaxJitter, most)
	near(t, "ptime", got.Interval, 20)
	if got.Jitters != n-1 || got.ClockRate != 8000 {
		t.Errorf("%d jitters at %d Hz", got.Jitters, got.ClockRate)
	}
}

// near holds that a time is what it should be in milliseconds, to the microsecond.
func near(t *testing.T, what string, got time.Duration, ms float64) {
	t.Helper()
	if d := float64(got)/1e6 - ms; math.Abs(d) > 0.001 {
		t.Errorf("%s: %v, want %v ms", what, got, ms)
	}
}

// Silence is no delay: what follows it counts for neither the longest wait nor the highest
// jitter.
func TestSilence(t *testing.T) {
	send := func(marker bool, noise uint8) rtp.Report {
		var s sender
		s.send(50)
		if noise != 0 {
			p := s.sample(50)
			p.Type = noise
			s.stats.Add(p)
			s.sent++
		}
		s.sent += 100 // two seconds; the sequence goes on
		s.seq -= 100
		p := s.sample(s.sent)
		p.Marker, p.Arrival = marker, p.Arrival+7*time.Millisecond
		s.stats.Add(p)
		s.sent++
		s.send(50)
		return s.stats.Report()
	}
	for _, c := range []struct {
		name   string
		marker bool
		noise  uint8
		want   float64
	}{{"gap", false, 0, 2027}, {"talkspurt", true, 0, 20}, {"comfort noise", false, 13, 20}, {"old comfort noise", false, 19, 20}} {
		r := send(c.marker, c.noise)
		near(t, c.name+": max delta", r.MaxDelta, c.want)
		if r.Lost != 0 || r.Jumps != 0 || r.MaxJitter > time.Millisecond || r.MaxJitter == 0 {
			t.Errorf("%s: %+v", c.name, r)
		}
	}
}

// What describes silence comes at steps of its own, which are no packetisation.
func TestIntervalSilence(t *testing.T) {
	for _, describe := range []func(*rtp.Sample){
		func(p *rtp.Sample) { p.Type = rtp.TypeComfortNoise },
		func(p *rtp.Sample) { p.Silent = true },
	} {
		var s sender
		s.send(20)
		for range 100 {
			s.sent += 4
			s.seq -= 4
			p := s.sample(s.sent)
			describe(p)
			s.stats.Add(p)
			s.sent++
		}
		r := s.stats.Report()
		near(t, "interval", r.Interval, 20)
		if r.Lost != 0 || r.Jumps != 0 {
			t.Errorf("%+v", r)
		}
	}
}

// A talkspurt behind a silence in which the time went on.
func TestResumes(t *testing.T) {
	for _, c := range []struct {
		name    string
		silence int64 // in packets
		change  func(*rtp.Sample)
		want    bool
	}{
		{"talkspurt", 100, func(*rtp.Sample) {}, true},
		{"no silence", 1, func(*rtp.Sample) {}, false},
		{"no marker", 100, func(p *rtp.Sample) { p.Marker = false }, true},
		{"a packet lost", 100, func(p *rtp.Sample) { p.Seq++ }, false},
		{"the timestamp stood still", 100, func(p *rtp.Sample) { p.Timestamp -= 100 * 160 }, false},
		{"it was set anew", 100, func(p *rtp.Sample) { p.Timestamp += 100 * 160 }, false},
		{"a telephone event", 100, func(p *rtp.Sample) { p.Untimed = true }, false},
		{"another clock", 100, func(p *rtp.Sample) { p.ClockRate = 16000 }, false},
	} {
		var s sender
		s.send(50)
		s.sent += c.silence
		s.seq -= uint16(c.silence)
		p := s.sample(s.sent)
		p.Marker = true
		c.change(p)
		if got := s.stats.Resumes(p); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
	if new(rtp.Stats).Resumes(&rtp.Sample{Marker: true, ClockRate: 8000}) {
		t.Error("the first packet resumes nothing")
	}
}

// A timestamp that is set anew is no jitter; a packet that is late is.
func TestJumps(t *testing.T) {
	for _, c := range []struct {
		name   string
		step   int32 // of the timestamp, beside what is due
		delay  time.Duration
		marker bool
		jumps  int
		jitter bool
	}{
		{"nothing", 0, 0, false, 0, false},
		{"900 ms late", 0, 900 * time.Millisecond, false, 0, true},
		{"9 s late", 0, 9 * time.Second, false, 0, true},
		{"11 s late", 0, 11 * time.Second, false, 1, false},
		{"2 s late at a talkspurt", 0, 2 * time.Second, true, 1, false},
		{"900 ms ahead", 7200, 0, false, 0, true},
		{"2 s back", -16000, 0, false, 1, false},
		{"anywhere", 1 << 30, 0, false, 1, false},
		{"anywhere else", -1 << 31, 0, false, 1, false},
	} {
		var s rtp.Stats
		for i := range int64(100) {
			p := rtp.Sample{Arrival: time.Duration(i) * 20 * time.Millisecond, Timestamp: uint32(i) * 160, ClockRate: 8000, Seq: uint16(i)}
			if i >= 50 {
				p.Arrival += c.delay
				p.Timestamp += uint32(c.step)
				p.Marker = c.marker && i == 50
			}
			s.Add(&p)
		}
		if r := s.Report(); r.Jumps != c.jumps || (r.MaxJitter > 0) != c.jitter || r.Lost != 0 {
			t.Errorf("%s: %d jumps, max jitter %v", c.name, r.Jumps, r.MaxJitter)
		}
	}
}

// Without a clock rate packets are counted; once it is known jitter begins.
// TestLate: a packet that comes two seconds late is so once, and what comes behind it is on time as before.
func TestLate(t *testing.T) {
	for _, late := range []struct {
		name    string
		behind  int64 // packets
		step    uint32
		marker  bool // it has one, and so has the next
		jitters int64
	}{
		{"two seconds", 90, 0, false, 1999}, // an untimed first one counts for none
		{"of another run of timestamps", 90, 1 << 20, false, 1998},
		{"ahead of the others by two seconds", 90, 1 << 15, false, 1998},
		{"before a talkspurt", 90, 0, true, 1997},
	} {
		var s sender
		for i := range int64(2000) {
			if i != 400 {
				p := s.sample(i)
				p.Marker = late.marker && i == 401+late.behind
				s.stats.Add(p)
			}
			if i == 400+late.behind {
				p := s.sample(400)
				p.Marker = late.marker
				p.Arrival = s.stats.LastArrival() + time.Millisecond
				p.Timestamp += late.step
				if v := s.stats.Add(p); v != rtp.Late {
					t.Fatalf("%s: %v", late.name, v)
				}
			}
		}
		r := s.stats.Report()
		if r.Jumps != 0 || !r.DriftKnown || math.Abs(r.Drift) > 0.01 || r.Jitters != late.jitters || late.step == 0 && r.Discarded != 1 {
			t.Errorf("%s: %d jumps, drift %v %v, %d jitters, %d discarded", late.name, r.Jumps, r.Drift, r.DriftKnown, r.Jitters, r.Discarded)
		}
		near(t, late.name, r.Skew, 0)
		if late.step == 0 && !late.marker { // 1801 ms late, and back, each a sixteenth
			near(t, late.name, r.MaxJitter, 1801.0/16*15/16+1801.0/16)
		}
	}
}

func TestNoClockRate(t *testing.T) {
	var s sender
	p := func(rate uint32) {
		x := s.sample(s.sent)
		x.ClockRate = rate
		s.stats.Add(x)
		s.sent++
	}
	for range 10 {
		p(0)
	}
	if r := s.stats.Report(); r.Jitters != 0 || r.ClockRate != 0 || r.Interval != 0 || r.Packets != 10 {
		t.Errorf("%+v", r)
	}
	for range 10 {
		p(8000)
	}
	if r := s.stats.Report(); r.Jitters != 10 || r.ClockRate != 8000 || r.MaxJitter != 0 {
		t.Errorf("%+v", r)
	}
	interval := s.stats.Report().Interval
	p(16000) // timestamps of another clock are not compared, and the steps before keep their length
	if got := s.stats.Report().Interval; got != interval {
		t.Errorf("packets of %v, before %v", got, interval)
	}
	if r := s.stats.Report(); r.Jitters != 10 || r.ClockRate != 16000 || r.MaxJitter != 0 {
		t.Errorf("%+v", r)
	}
}

// TestReclock: with another clock the steps of the timestamp are of another length, and jitter was none.
func TestReclock(t *testing.T) {
	s := sender{}
	s.send(10)
	s.extra = 5 * time.Millisecond
	s.send(10)
	s.stats.Reclock(16000)
	if r := s.stats.Report(); r.ClockRate != 16000 || r.Interval != 10*time.Millisecond || r.Jitters != 0 || r.Discarded != 0 || r.Packets != 20 {
		t.Errorf("%+v", r)
	}
	for i := range int64(10) { // what comes behind is measured by it alone
		p := s.sample(20 + i)
		p.Timestamp, p.ClockRate = s.sample(19).Timestamp+uint32(320*(i+1)), 16000
		s.stats.Add(p)
	}
	if r := s.stats.Report(); r.MeanJitter != 0 || r.MaxJitter != 0 || r.Skew != 0 || r.Jitters != 10 {
		t.Errorf("%+v", r)
	}
}

// The packets of a telephone event repeat its timestamp.
func TestUntimed(t *testing.T) {
	var s sender
	s.send(50)
	for i := range int64(20) {
		p := s.sample(50 + i)
		p.Timestamp, p.Untimed, p.Type = s.sample(50).Timestamp, true, 101
		s.stats.Add(p)
		s.sent++
	}
	s.send(50)
	if r := s.stats.Report(); r.MaxJitter != 0 || r.Interval != 20*time.Millisecond || r.Packets != 120 || r.TypeChanges != 2 {
		t.Errorf("%+v", r)
	}
}

// The clock of the sender is told from the jitter of the network.
func TestDrift(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	for _, ppm := range []float64{-200, 0, 50, 1000} {
		var s rtp.Stats
		for i := range int64(50 * 120) { // two minutes
			sent := float64(i) * 20e6 * (1 + ppm/1e6)
			s.Add(&rtp.Sample{Arrival: time.Duration(sent) + time.Duration(r.ExpFloat64()*2e6), Timestamp: uint32(i) * 160, ClockRate: 8000, Seq: uint16(i)})
		}
		if got := s.Report(); !got.DriftKnown || math.Abs(got.Drift-ppm) > 5 {
			t.Errorf("%v ppm: %v %v", ppm, got.Drift, got.DriftKnown)
		}
	}
	var s sender
	s.send(500) // ten seconds tell nothing
	if s.stats.Report().DriftKnown {
		t.Error("drift of ten seconds")
	}
}

// A jitter buffer of 60 ms drops what comes later, and gives in to a delay that stays.
func TestDiscarded(t *testing.T) {
	late := func(by time.Duration, n int, every int64) int64 {
		var s sender
		s.send(100)
		for i := range int64(n) {
			p := s.sample(s.sent)
			if i%every == 0 {
				p.Arrival += by
			}
			s.stats.Add(p)
			s.sent++
		}
		return s.stats.Report().Discarded
	}
	for _, c := range []struct {
		by    time.Duration
		n     int
		every int64
		want  int64
	}{{59 * time.Millisecond, 100, 10, 0}, {61 * time.Millisecond, 100, 10, 10}, {200 * time.Millisecond, 500, 1, 25}} {
		if got := late(c.by, c.n, c.every); got != c.want {
			t.Errorf("every %dth of %d by %v: %d discarded, want %d", c.every, c.n, c.by, got, c.want)
		}
	}
}

func TestReport(t *testing.T) {
	var s sender
	s.send(51)
	r := s.stats.Report()
	if rate, ok := r.BitRate(); !ok || math.Abs(rate-51*200*8) > 1 {
		t.Errorf("%v bits a second", rate)
	}
	if _, ok := new(rtp.Report).BitRate(); ok {
		t.Error("a rate of nothing")
	}
	if p := new(rtp.Report).LossPercent(); p != 0 {
		t.Errorf("loss of nothing: %v", p)
	}
	r = rtp.Report{Expected: 200, Lost: 20, LossRuns: 5}
	if r.LossPercent() != 10 || math.Abs(r.BurstRatio()-3.6) > 1e-9 {
		t.Errorf("%v %% in bursts of %v", r.LossPercent(), r.BurstRatio())
	}
	for _, r := range []rtp.Report{{}, {Expected: 10, Lost: 10, LossRuns: 1}, {Expected: 1000, Lost: 2, LossRuns: 2}} {
		if b := r.BurstRatio(); b != 1 {
			t.Errorf("%+v: burst ratio %v", r, b)
		}
	}
}

// A hostile sender makes nothing of it: any numbers are taken, and figures stay sane.
func TestStatsHostile(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 9))
	for range 200 {
		var s rtp.Stats
		for range 500 {
			s.Add(&rtp.Sample{
				Arrival: time.Duration(r.Uint64()), Timestamp: r.Uint32(), ClockRate: []uint32{0, 1, 8000, math.MaxUint32}[r.IntN(4)],
				Size: r.IntN(1 << 16), Seq: uint16(r.Uint32()) >> r.IntN(16), Type: uint8(r.Uint32()), Marker: r.IntN(2) == 0, Untimed: r.IntN(4) == 0,
			})
		}
		p := s.Report()
		if p.Packets != 500 || p.Lost > p.Expected || p.Lost < 0 || p.BurstLost > p.BurstPackets || p.Expected < p.Packets-p.Duplicates-p.TooLate ||
			p.MeanJitter > p.MaxJitter || p.MeanJitter < 0 || math.IsNaN(p.Drift) || p.MaxDelta < 0 {
			t.Fatalf("%+v", p)
		}
	}
}

func TestStatsAllocs(t *testing.T) {
	var s sender
	p := s.sample(0)
	noAllocs(t, "Add", func() {
		p.Seq++
		p.Arrival += 20 * time.Millisecond
		p.Timestamp += 160
		s.stats.Add(p)
	})
	noAllocs(t, "Report", func() {
		if s.stats.Report().Packets == 0 {
			panic("nothing")
		}
	})
}

// Next is Add for what it takes: a stream in which it is tried before each packet comes to the same
// figures, bit for bit.
func TestNext(t *testing.T) {
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 1))
		var a, b rtp.Stats
		p := rtp.Sample{ClockRate: 8000, Size: 200, Arrival: time.Hour}
		taken := 0
		for i := range 2000 {
			p.Seq++
			p.Timestamp += 160
			p.Arrival += 20*time.Millisecond + time.Duration(r.NormFloat64()*1e6)
			p.Marker, p.Untimed, p.ClockRate, p.Type = false, false, 8000, 0
			q := p
			if i%int(seed/4+2) == 0 {
				oddity(r, &p, &q)
			}
			a.Add(&q)
			if !q.Marker && !q.Untimed && b.Next(q.Arrival, q.Timestamp, q.ClockRate, q.Size, q.Seq, q.Type) {
				taken++
			} else {
				b.Add(&q)
			}
			if a != b {
				t.Fatalf("seed %d, packet %d, %+v: Add makes %+v, Next %+v", seed, i, q, a, b)
			}
		}
		if taken < 400 {
			t.Errorf("seed %d: Next took %d of 2000 packets", seed, taken)
		}
	}
}

// oddity makes something of the packet q, or of all from p on, out of the ordinary.
func oddity(r *rand.Rand, p, q *rtp.Sample) {
	switch r.IntN(11) {
	case 0:
		p.Seq += uint16(1 + r.IntN(5))
		*q = *p
	case 1:
		q.Seq -= uint16(1 + r.IntN(120))
	case 2:
		q.Seq += uint16(r.IntN(5000))
	case 3:
		p.Timestamp += uint32(r.IntN(200000))
		*q = *p
	case 4:
		q.Timestamp -= uint32(r.IntN(20000))
	case 5:
		p.Arrival += time.Duration(r.IntN(30)) * time.Second
		*q = *p
	case 6:
		q.Arrival -= time.Duration(r.IntN(3)) * time.Second
	case 7:
		q.Marker = true
	case 8:
		q.Type = []uint8{13, 19, 8}[r.IntN(3)]
	case 9:
		q.ClockRate = []uint32{0, 16000}[r.IntN(2)]
	case 10:
		q.Untimed = true
	}
}
