package findings

import (
	"slices"

	"github.com/sipsight/sipsight/analysis"
)

// A cutSet is the frames whose messages the snap length of the capture cut, or of which segments are not in it. They prove nothing, and no finding rests on one,
// but for those about the capture itself.
type cutSet struct {
	pages map[cutPage]*[cutFrames / 64]uint64
}

// cutFrames is how many frames a page of a cutSet is of.
const cutFrames = 4096

type cutPage struct {
	file int
	page int64
}

func (s *cutSet) add(f analysis.Frame) {
	k := cutPage{f.File, f.Number / cutFrames}
	p := s.pages[k]
	if p == nil {
		if s.pages == nil {
			s.pages = make(map[cutPage]*[cutFrames / 64]uint64)
		}
		p = new([cutFrames / 64]uint64)
		s.pages[k] = p
	}
	p[f.Number%cutFrames/64] |= 1 << (f.Number % 64)
}

func (s *cutSet) has(f analysis.Frame) bool {
	p := s.pages[cutPage{f.File, f.Number / cutFrames}]
	return p != nil && p[f.Number%cutFrames/64]&(1<<(f.Number%64)) != 0
}

// leg takes in the messages of a leg. g is nil where nothing is known of them.
func (s *cutSet) leg(d *analysis.Detail, g *glance) {
	if g != nil && !g.cut {
		return
	}
	for i := range d.Messages {
		if m := &d.Messages[i]; m.Lost == analysis.LostBySnaplen || m.Lost == analysis.LostSegments {
			s.add(m.Frame)
		}
	}
}

// exchange takes in a request outside of calls and its response.
func (s *cutSet) exchange(e *analysis.Exchange) {
	if e.Lost == analysis.LostBySnaplen || e.Lost == analysis.LostSegments {
		s.add(e.SentFrame)
		s.add(e.LastFrame)
	}
	if e.AnswerLost == analysis.LostBySnaplen || e.AnswerLost == analysis.LostSegments {
		s.add(e.FinalFrame)
	}
}

// restsOnCut reports whether a message that was cut is among the proof of a finding.
func (r *run) restsOnCut(f *Finding) bool {
	return len(r.c.cut.pages) > 0 && r.rule != captureQuality && slices.ContainsFunc(f.Frames, r.c.cut.has)
}
