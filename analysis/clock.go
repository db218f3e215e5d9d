package analysis

import (
	"time"

	"github.com/sipsight/sipsight/capture"
	"github.com/sipsight/sipsight/internal/dissect"
)

// A clock knows the times of a timeline.
type clock struct {
	start time.Time // the earliest and
	now   time.Time // the latest of the packets so far, and of the messages
	gaps  []Gap
}

// packet takes in the time of a packet.
func (c *clock) packet(p *capture.Packet) {
	if !p.HasTime {
		return
	}
	if later := p.Time.After(c.now); !later || c.start.IsZero() { // seldom
		c.begun(p.Time)
		if !later {
			return
		}
	}
	near := p.Time.Unix()-c.now.Unix() < int64(longGap/time.Second) // nearly always, and told at once
	if !near && c.now.Before(p.Time.Add(-longGap)) && !c.now.IsZero() && len(c.gaps) < maxGaps {
		c.gaps = append(c.gaps, Gap{c.now, p.Time, Frame{p.File, p.Frame}})
	}
	c.now = p.Time
}

// message takes in the time of a message, which may be another than that of its packet.
func (c *clock) message(m *dissect.Message) {
	if !m.HasTime {
		return
	}
	c.begun(m.Time)
	c.passed(m.Time)
}

// begun takes in a time that may be the earliest.
func (c *clock) begun(t time.Time) {
	if c.start.IsZero() || t.Before(c.start) {
		c.start = t
	}
}

// passed takes in the time of what was passed over.
func (c *clock) passed(t time.Time) {
	if t.After(c.now) {
		c.now = t
	}
}
