package analysis

import (
	"math"

	"github.com/sipsight/sipsight/capture"
)

const (
	// skimSteps is how many packets are passed over at most before the context is looked at.
	skimSteps = 1024

	// skimTries is how many times in a row no packet has to be passed over before that is tried for one
	// in skimPause packets only: a capture of signalling has no media.
	skimTries = 32
	skimPause = 64
)

// skim passes over packets of media behind p, of which nothing is known in the end but some
// figures of their stream, up to the first that is something else. In a capture with RTP
// those are nearly all packets.
func (a *analyzer) skim(p *capture.Packet) {
	left := skimSteps - 1 - a.packets%skimSteps
	if left == skimSteps-1 || a.vain >= skimTries && a.packets%skimPause != 0 || !a.d.Skims(p) {
		return
	}
	before := a.d.Order()
	defer func() { // also where something panics
		passed := a.d.Order() - before
		a.packets += passed
		if a.vain++; passed > 0 {
			a.vain = 0
		}
	}()
	end := a.r.Skim(int(left), longGap, a.d)
	a.clock.passed(end)
}

// pass passes over packets in front of Options.From.
func (a *analyzer) pass() {
	var s passer
	a.r.Skim(int(min(a.o.From.Packets-a.packets, skimSteps)), math.MaxInt64, &s)
	a.packets += int64(s)
}

// A passer counts packets that are passed over whatever they are.
type passer int64

func (s *passer) Skim(*capture.Packet, int64) bool {
	*s++
	return true
}
