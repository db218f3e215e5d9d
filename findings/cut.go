package findings

import (
	"slices"

	"github.com/sipsight/sipsight/analysis"
)

// A cutSet is the frames whose messages the snap length of the capture cut, or of which segments are not in it. They prove nothing,
// and no finding rests on one, but for those about the capture itself.
type cutSet struct {
	pages map[cutPage]*[cutFrames / 64]uint64
	torn  map[tornMessage]bool // those that lack segments: a packet may hold whole ones beside; at most maxTorn
}

// cutFrames is how many frames a page of a cutSet is of.
const cutFrames = 4096

type cutPage struct {
	file int
	page int64
}

// maxTorn bounds the messages that lack segments, and are known.
const maxTorn = 1 << 16

// A tornMessage is one that lacks segments: the packet that completes it, and the hash of its Call-ID; 0 for any.
type tornMessage struct {
	frame analysis.Frame
	id    uint64
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

// message takes in a message of which octets are lost.
func (s *cutSet) message(lost analysis.Loss, callID string, frames ...analysis.Frame) {
	for _, f := range frames {
		switch {
		case lost == analysis.LostBySnaplen:
			s.add(f)
		case lost == analysis.LostSegments && len(s.torn) < maxTorn:
			if s.torn == nil {
				s.torn = make(map[tornMessage]bool)
			}
			s.torn[tornMessage{f, textHash(callID)}], s.torn[tornMessage{f, 0}] = true, true
		}
	}
}

// leg takes in the messages of a leg. g is nil where nothing is known of them.
func (s *cutSet) leg(d *analysis.Detail, g *glance) {
	if g != nil && !g.cut {
		return
	}
	for i := range d.Messages {
		s.message(d.Messages[i].Lost, d.Leg.CallID, d.Messages[i].Frame)
	}
}

// exchange takes in a request outside of calls and its response.
func (s *cutSet) exchange(e *analysis.Exchange) {
	if e.Lost != analysis.NoLoss {
		s.message(e.Lost, e.CallID, e.SentFrame, e.LastFrame)
	}
	if e.AnswerLost != analysis.NoLoss {
		s.message(e.AnswerLost, e.CallID, e.FinalFrame)
	}
}

// restsOnCut reports whether a message that was cut is among the proof of a finding. From one about several messages, which counts them, it takes
// those away as long as others are left.
func (r *run) restsOnCut(f *Finding) bool {
	s := &r.c.cut
	if len(s.pages)+len(s.torn) == 0 || r.rule == captureQuality {
		return false
	}
	id := uint64(0)
	if f.CallID != "" && f.Count < 2 && f.several == nil {
		id = textHash(f.CallID)
	}
	isCut := func(x analysis.Frame) bool { return s.has(x) || s.torn[tornMessage{x, id}] }
	switch {
	case !slices.ContainsFunc(f.Frames, isCut):
		return false
	case f.Count < 2 && f.several == nil:
		return true
	}
	f.Frames = slices.DeleteFunc(slices.Clone(f.Frames), isCut)
	return len(f.Frames) == 0
}
