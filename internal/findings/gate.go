package findings

import (
	"github.com/sipsight/sipsight/analysis"
)

// silence returns the gate of a finding that says «nothing came back»: a request of self to
// peer, of which the first copy was sent at since, and which an answer is waited for.
func silence(t *analysis.Transaction, r *legRun) *gate {
	src, dst := r.ends(t)
	return &gate{self: src.Addr(), peer: dst.Addr(), since: t.Sent, wait: timeout}
}

// judge lowers a finding that rests on silence where silence proves nothing, and whatever is
// only possible to a note.
func (c *Collector) judge(f *Finding, res *analysis.Result) {
	if f.gate != nil && !c.visible(f.gate, res) {
		f.Confidence = Possible
	}
	if f.Confidence == Possible {
		f.Severity = Note
	}
}

// visible reports whether packets of the peer would have been seen: the capture went on for
// long enough, and it holds packets of the peer to the sender, or both directions of other
// traffic of the sender, or an ICMP error about the peer.
func (c *Collector) visible(g *gate, res *analysis.Result) bool {
	if g.since.IsZero() || res.End.Sub(g.since) < g.wait {
		return false
	}
	if saw, limited := res.Saw(g.peer, g.self); saw || limited {
		return true
	}
	return c.silent[g.peer] || res.TwoWay(g.self)
}
