package rtp_test

import (
	"testing"
	"time"

	"github.com/sipsight/sipsight/rtp"
)

// TestCourse holds that losses and jitter are in the spans in which they happened.
func TestCourse(t *testing.T) {
	var s rtp.Stats
	var c rtp.Course
	add := func(i int, late time.Duration) {
		at := time.Duration(i)*20*time.Millisecond + late
		s.Add(&rtp.Sample{Arrival: at, Seq: uint16(65500 + i), Timestamp: uint32(i * 160), ClockRate: 8000})
		c.Add(&s, at)
	}
	for i := range 200 { // four seconds: 16 spans
		switch {
		case i >= 30 && i < 34 || i == 100: // lost in the third span, and in the ninth
		case i == 50: // overtaken by one
			add(51, 0)
			add(50, 21*time.Millisecond)
		case i == 51:
		case i > 150 && i < 163:
			add(i, time.Duration(i%2)*15*time.Millisecond)
		default:
			add(i, 0)
		}
	}
	points, step := c.Points()
	if step != 250*time.Millisecond || len(points) != 16 {
		t.Fatalf("%d points of %v", len(points), step)
	}
	r := s.Report()
	var packets, lost int64
	for i, p := range points {
		packets, lost = packets+p.Packets, lost+p.Lost
		if want := map[int]int64{2: 4, 8: 1}[i]; p.Lost != want {
			t.Errorf("span %d lost %d, want %d", i, p.Lost, want)
		}
		switch { // it rises at once, and goes down slowly
		case i < 3 && p.Jitter > 0, i > 6 && i < 12 && p.Jitter > 500*time.Microsecond, (i == 12 || i == 13) && p.Jitter < 2*time.Millisecond:
			t.Errorf("span %d has a jitter of %v", i, p.Jitter)
		}
	}
	if packets != r.Packets || lost != r.Lost {
		t.Errorf("%d packets, %d lost, of %+v", packets, lost, r)
	}
}

// TestCourseLong holds that a long stream, and one with a gap of years, has as many spans as
// there may be, and loses nothing.
func TestCourseLong(t *testing.T) {
	for name, gap := range map[string]time.Duration{"hours": 0, "years": 200 * 365 * 24 * time.Hour} {
		var s rtp.Stats
		var c rtp.Course
		const n = 400_000
		for i := range n {
			at := time.Duration(i) * 20 * time.Millisecond
			if i >= n/2 {
				at += gap
			}
			if i%1000 == 7 {
				continue
			}
			s.Add(&rtp.Sample{Arrival: at, Seq: uint16(i), Timestamp: uint32(i * 160), ClockRate: 8000})
			c.Add(&s, at)
		}
		points, step := c.Points()
		var packets, lost int64
		for _, p := range points {
			packets, lost = packets+p.Packets, lost+p.Lost
		}
		if len(points) > rtp.CoursePoints || len(points) <= rtp.CoursePoints/2 || step*time.Duration(len(points)) < gap || packets != n-n/1000 || lost != n/1000 {
			t.Errorf("%s: %d points of %v, %d packets, %d lost", name, len(points), step, packets, lost)
		}
	}
}
