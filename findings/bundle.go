package findings

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"

	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/internal/addr"
)

// maxBundles bounds the bundles of one rule.
const maxBundles = 4096

// Bundles hold the findings of a rule that are alike and belong to no call, by what they
// have in common. A few are told each; of siteCalls and more, one.
type bundles struct {
	m     map[string]*bundle
	order []string
	least int // how many make one; siteCalls where it is 0
}

type bundle struct {
	list  []Finding // at most maxSiteCalls
	aors  []string  // at most maxOfRule
	count int
}

// add adds a finding to those of a key.
func (b *bundles) add(key string, f Finding) {
	x := b.m[key]
	if x == nil {
		if len(b.m) == maxBundles {
			return
		}
		if b.m == nil {
			b.m = make(map[string]*bundle)
		}
		x = new(bundle)
		b.m[key], b.order = x, append(b.order, key)
	}
	x.count++
	if len(x.list) < maxSiteCalls {
		f.Frames = slices.Clone(f.Frames)
		x.list = append(x.list, f)
	}
	if f.AOR != "" && len(x.aors) < maxOfRule && !slices.Contains(x.aors, f.AOR) {
		x.aors = append(x.aors, f.AOR)
	}
}

// report reports the bundles in the order in which they began. what names what they are
// counted in, as in «requests».
func (b *bundles) report(r *captureRun, what string) {
	for _, key := range b.order {
		x := b.m[key]
		if x.count < cmp.Or(b.least, siteCalls) {
			for _, f := range x.list {
				r.report(f)
			}
			continue
		}
		f := x.list[0]
		f.Observed = fmt.Sprintf("%d %s; the first: %s", x.count, what, f.Observed)
		f.Count, f.AOR, f.CallID, f.several = x.count, "", "", &several{aors: x.aors}
		if len(x.aors) == 1 {
			f.AOR, f.several.aors = x.aors[0], nil
		}
		for i := range x.list {
			g := &x.list[i]
			f.Severity, f.Confidence = max(f.Severity, g.Severity), max(f.Confidence, g.Confidence)
			if g.CallID != "" && !slices.Contains(f.Calls, g.CallID) {
				f.Calls = append(f.Calls, g.CallID)
			}
			if i > 0 && i < maxSiteProofs {
				f.Frames = append(f.Frames, g.Frames...)
			}
		}
		r.report(f)
	}
}

// A memory remembers keys, up to a limit: what is beyond it is not new.
type memory[K comparable] map[K]bool

// isNew remembers a key and reports whether it did not know it.
func (m memory[K]) isNew(k K) bool {
	if m[k] || len(m) == maxBundles {
		return false
	}
	m[k] = true
	return true
}

// refusals are those of requests outside of calls: what a server passes back is told of the first hop, and of a further one what it keeps to itself.
type refusals struct{ seen memory[uint64] }

// isNew takes in a refusal and reports whether it is to be told.
func (x *refusals) isNew(e *exchangeRun) bool {
	if x.seen == nil {
		x.seen = make(memory[uint64])
	}
	isNew := x.seen.isNew(addr.MixWords(textHash(e.CallID), textHash(e.Method)^uint64(e.CSeq), uint64(e.Status)))
	return e.FirstHop || isNew && isKept(e)
}

// isKept reports whether a refusal on a further hop is all that a request came to: the server between found nobody else who accepts it, or asks for
// credentials first.
func isKept(e *exchangeRun) bool { return e.Passed/100 != 2 && !isChallenge(e.Passed) }

// A hostPair is a directed pair of addresses.
type hostPair struct{ src, dst netip.Addr }

// hostsOf returns the hosts of two endpoints.
func hostsOf(src, dst netip.AddrPort) hostPair { return hostPair{src.Addr(), dst.Addr()} }

func (p hostPair) hash() uint64 { return pairOf(p.src, p.dst) }

// pairKey names the ends of an exchange.
func pairKey(e *analysis.Exchange) string {
	return e.Source.Addr().String() + " " + e.Destination.Addr().String()
}
