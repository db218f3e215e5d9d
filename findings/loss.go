package findings

import (
	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/sipmsg"
)

// A lossMeter counts what shows that the capture lacks packets: responses on a hop whose request is not there, though
// others that went the same way are.
type lossMeter struct {
	legs, registers lossShare
}

// any reports whether anything showed so far that the capture lacks packets.
func (m *lossMeter) any() bool { return m.legs.unasked+m.registers.unasked > 0 }

// leavesOut reports whether the CSeq numbers of a side show that it sent requests behind message i, up to message j, that are not in
// the capture on any hop. Some leave out numbers, and so that counts only where packets are missing elsewhere, too.
func (r *legRun) leavesOut(from uint64, i, j int) bool {
	if from == 0 || !r.c.loss.any() {
		return false
	}
	known, highest := false, uint32(0)
	for k := range min(j+1, len(r.Messages)) {
		m := &r.Messages[k]
		if m.FromTag != from || m.Quirks&sipmsg.QuirkCSeq != 0 {
			continue
		}
		next := highest
		if m.Request && m.Method != "ACK" && m.Method != "CANCEL" || m.Method == "BYE" { // the response to a BYE stands for that
			next++
		}
		if k > i && known && m.CSeq > next {
			return true
		}
		known, highest = true, max(highest, m.CSeq)
	}
	return false
}

// wentOn reports whether a call went on behind the refusal of a first INVITE: a later one was accepted, whether the capture has it or not.
func (r *legRun) wentOn(t *analysis.Transaction) bool {
	l := r.Leg
	return t.Initial && (l.Answered.After(t.Answered) || l.ByBye && l.Ended.After(t.Answered))
}

// A lossShare counts requests.
type lossShare struct {
	requests int // that are in the capture, or whose responses are
	unasked  int // those of them that are not
}

// exchange counts a REGISTER, and one ahead of it that is not in the capture.
func (m *lossMeter) exchange(e *analysis.Exchange) {
	if e.AOR != "" {
		m.registers.requests++
		m.registers.unasked += toInt(e.Between)
	}
}

// leg counts those of a leg. What a leg that was running sent before the capture began is none of it.
func (m *lossMeter) leg(d *analysis.Detail) {
	if d.Leg.Running {
		return
	}
	unasked := 0
	for i := range d.Transactions {
		unasked += toInt(d.Transactions[i].Requests == 0)
	}
	if m.legs.requests += len(d.Transactions); unasked > 0 {
		m.lacks(d)
	}
}

// lacks counts the requests of a leg that are not in the capture.
func (m *lossMeter) lacks(d *analysis.Detail) {
	var asked uint32                                                                         // the ways that requests are seen on
	bit := func(t *analysis.Transaction) uint32 { return 1 << (2*t.Hop + toInt(t.Forward)) } // 0 from hop 16 on
	for i := range d.Transactions {
		if t := &d.Transactions[i]; t.Requests > 0 {
			asked |= bit(t)
		}
	}
	for i := range d.Transactions {
		t := &d.Transactions[i]
		m.legs.unasked += toInt(t.Requests == 0 && asked&bit(t) != 0)
	}
}

// tolerable is how many findings that lost packets would bring by chance are let pass for each one that there is: 2 %.
const tolerable = 50

// lossExplains reports whether a finding may be there since the capture lost some packets: as many as it rests on
// are lost at once on so many of the legs that its rule could apply to, or of the REGISTERs.
func (c *Collector) lossExplains(f *Finding) bool {
	if f.gate == nil || f.gate.misses == 0 {
		return false
	}
	t := c.count[f.ID]
	s, chance, fired := &c.loss.legs, float64(t.applied), t.fired[f.as]
	if f.leg == 0 {
		s, fired = &c.loss.registers, t.kept[Note]+t.kept[Warning]+t.kept[Error]
		chance = float64(s.requests)
	}
	if s.unasked == 0 {
		return false
	}
	for range f.gate.misses {
		chance *= float64(s.unasked) / float64(s.requests)
	}
	return chance*tolerable > float64(fired)
}
