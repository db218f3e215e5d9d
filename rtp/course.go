package rtp

import "time"

// CoursePoints is how many spans of time a Course has at most.
const CoursePoints = 64

// courseStep is the first length of a span.
const courseStep = 250 * time.Millisecond

// A Course is how losses and jitter of one stream went over time, in at most CoursePoints spans
// of one length, which doubles where they are not enough. The zero Course is ready to use.
type Course struct {
	step    time.Duration
	start   time.Duration
	n       int // of points
	points  [CoursePoints]coursePoint
	arrived int64 // so far
	lost    int64
}

type coursePoint struct {
	arrived uint32
	lost    int32 // below 0 where what was missing before came late
	jitter  float32
}

// A Point is one span of a Course.
type Point struct {
	Packets int64         // that arrived, duplicates left out
	Lost    int64         // between them; what came late is not lost
	Jitter  time.Duration // the most
}

// Add takes in where s stands after a packet that arrived at a time. Packets without times
// have no course.
func (c *Course) Add(s *Stats, arrival time.Duration) {
	if c.step == 0 {
		c.step, c.start = courseStep, arrival
	}
	at := max(0, arrival-c.start)
	for at/c.step >= CoursePoints {
		c.double()
	}
	i := int(at / c.step)
	c.n = max(c.n, i+1)
	p := &c.points[i]
	arrived := s.packets - int64(s.duplicates) - int64(s.tooLate)
	lost := s.expected - arrived
	p.arrived += uint32(arrived - c.arrived)
	p.lost += int32(lost - c.lost)
	c.arrived, c.lost = arrived, lost
	if s.jitters > 0 {
		p.jitter = max(p.jitter, s.jitter)
	}
}

// double makes one span of two.
func (c *Course) double() {
	c.step *= 2
	for i := range CoursePoints / 2 {
		a, b := c.points[2*i], c.points[2*i+1]
		c.points[i] = coursePoint{a.arrived + b.arrived, a.lost + b.lost, max(a.jitter, b.jitter)}
	}
	clear(c.points[CoursePoints/2:])
	c.n = (c.n + 1) / 2
}

// Points returns the spans so far and how long each is. Their losses add up to those of the
// Report but for what came too late.
func (c *Course) Points() (list []Point, step time.Duration) {
	list = make([]Point, c.n)
	late := int64(0) // that earlier spans have to do without
	for i := c.n - 1; i >= 0; i-- {
		p := &c.points[i]
		lost := int64(p.lost) + late
		late = min(lost, 0)
		list[i] = Point{int64(p.arrived), max(lost, 0), msec(float64(p.jitter))}
	}
	return list, c.step
}
