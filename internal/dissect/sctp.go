package dissect

import (
	"bytes"
	"net/netip"
	"slices"
	"sort"

	"github.com/sipsight/sipsight/internal/reassembly"
	"github.com/sipsight/sipsight/layers"
)

const (
	// maxAssocs bounds the associations followed at once; the oldest is given up.
	maxAssocs = 1024

	// maxParts and maxPartBytes bound the fragments of user messages that wait in one
	// association for others.
	maxParts     = 256
	maxPartBytes = 1<<20 + maxParts*partCost

	// partCost is what a fragment costs beside its octets.
	partCost = 320

	// tsnMemory is how many transmission sequence numbers back a chunk is known to be a
	// retransmission.
	tsnMemory = 1024
)

// An assocTable holds the directions of SCTP associations.
type assocTable struct {
	m     map[assocKey]*assoc
	queue []*assoc // in the order of their first packet
	bytes int      // that wait in all of them
}

// An assocKey names one direction: an association may use several addresses at each end,
// and has a verification tag of its own in each direction.
type assocKey struct {
	srcPort, dstPort uint16
	vtag             uint32
	src, dst         netip.Addr // where the tag is 0
}

// An assoc is one direction of an association.
type assoc struct {
	key   assocKey
	seen  [tsnMemory]uint64 // TSN + 1 at the place TSN modulo tsnMemory
	parts []part            // sorted: fragments of user messages that are not whole
	bytes int
}

// A part is a fragment of a user message.
type part struct {
	layers.Data
	c carrier
}

// chunks looks at the DATA and I-DATA chunks of an SCTP packet. RFC 4168: each user message is one
// SIP message.
func (d *Dissector) chunks(f *layers.Frame, c *carrier) {
	var a *assoc
	for ch := range layers.Chunks(f.Payload) {
		data, ok := ch.Data()
		if !ok {
			continue
		}
		if a == nil {
			a = d.association(f)
		}
		if a.repeated(data.TSN) {
			d.Streams.Retransmitted++
			continue
		}
		one := *c
		if ch.Cut && f.Missing > 0 {
			one.notes |= whyCut(c)
		}
		if data.Begin && data.End {
			d.userData(data.User, ch.Cut, &one)
			continue
		}
		if ch.Cut {
			if data.Begin {
				d.userData(data.User, true, &one)
			}
			continue
		}
		d.userMessage(a, data, &one)
	}
}

// userData looks at a user message: it is one of SIP, a packet of HEP, or a record of TLS (RFC 4168, section 3).
func (d *Dissector) userData(b []byte, cut bool, c *carrier) {
	switch {
	case bytes.HasPrefix(b, []byte("HEP3")):
		d.hep(b, c)
	case d.datagram(SCTP, b, cut, c):
	case len(b) > 0 && (isSIPPort(c.src.Port()) || isSIPPort(c.dst.Port())) && (looksTLS(b) == yes || looksDTLS(b)):
		d.encryptedFlow(c)
	}
}

// association returns the direction that a packet belongs to.
func (d *Dissector) association(f *layers.Frame) *assoc {
	t := &d.assocs
	for t.bytes > d.segments && d.err == nil {
		d.dropAssociation()
	}
	k := assocKey{srcPort: f.Src.Port(), dstPort: f.Dst.Port(), vtag: f.VTag}
	if k.vtag == 0 {
		k.src, k.dst = f.Src.Addr(), f.Dst.Addr()
	}
	a := t.m[k]
	if a == nil {
		if t.m == nil {
			t.m = make(map[assocKey]*assoc)
		}
		if len(t.queue) >= maxAssocs {
			d.dropAssociation()
		}
		a = &assoc{key: k}
		t.m[k] = a
		t.queue = append(t.queue, a)
	}
	return a
}

// dropAssociation gives up the oldest association.
func (d *Dissector) dropAssociation() {
	t := &d.assocs
	a := t.queue[0]
	if len(a.parts) > 0 {
		d.Streams.Evicted++
	}
	d.incomplete(a)
	delete(t.m, a.key)
	t.queue = append(t.queue[:0], t.queue[1:]...)
}

// hold counts octets that wait in an association, or do no more.
func (d *Dissector) hold(a *assoc, n int) {
	a.bytes += n
	d.assocs.bytes += n
}

// repeated notes a TSN and reports whether it was there before.
func (a *assoc) repeated(tsn uint32) bool {
	p := &a.seen[tsn%tsnMemory]
	if *p == uint64(tsn)+1 {
		return true
	}
	*p = uint64(tsn) + 1
	return false
}

// userMessage takes in a fragment of a user message, and gives out the message once all of
// it is there: fragments have consecutive TSNs. RFC 9260, section 6.9.
func (d *Dissector) userMessage(a *assoc, data layers.Data, c *carrier) {
	p := part{data, *c}
	p.User = slices.Clone(data.User)
	p.c.refs, p.c.tunnels = slices.Clone(c.refs), slices.Clone(c.tunnels)
	i := sort.Search(len(a.parts), func(i int) bool { return a.parts[i].Compare(&p.Data) >= 0 })
	a.parts = append(a.parts, part{})
	copy(a.parts[i+1:], a.parts[i:])
	a.parts[i] = p
	d.hold(a, len(p.User)+partCost)
	first, last := i, i
	for first > 0 && !a.parts[first].Begin && a.parts[first-1].Precedes(&a.parts[first].Data) {
		first--
	}
	for last+1 < len(a.parts) && !a.parts[last].End && a.parts[last].Precedes(&a.parts[last+1].Data) {
		last++
	}
	if a.parts[first].Begin && a.parts[last].End {
		d.joined(a, first, last+1, false)
		return
	}
	if len(a.parts) > maxParts || a.bytes > maxPartBytes {
		d.joined(a, 0, 1, true)
	}
}

// joined gives out the parts from first up to end as one message and forgets them. Without their beginning they are skipped, as in
// other streams with SIP: an association has that by its ports.
func (d *Dissector) joined(a *assoc, first, end int, cut bool) {
	var b []byte
	c := carrier{}
	for i := first; i < end; i++ {
		p := &a.parts[i]
		b = append(b, p.User...)
		refs := c.refs
		if i == first || p.c.ref.Order >= c.ref.Order {
			c = p.c
		}
		c.refs = reassembly.InOrder(append(refs, p.c.refs...))
	}
	begin := a.parts[first].Begin
	d.hold(a, -len(b)-partCost*(end-first))
	a.parts = slices.Delete(a.parts, first, end)
	switch {
	case begin:
		d.userData(b, cut, &c)
	case isSIPPort(a.key.srcPort) || isSIPPort(a.key.dstPort):
		d.Streams.Skipped += int64(len(b))
	}
}

// finishAssociations gives out what is left in all associations.
func (d *Dissector) finishAssociations() {
	for _, a := range d.assocs.queue {
		d.incomplete(a)
	}
}

// incomplete gives out the beginnings of user messages whose rest never came.
func (d *Dissector) incomplete(a *assoc) {
	for len(a.parts) > 0 && d.err == nil {
		n := 1
		for n < len(a.parts) && !a.parts[n].Begin && a.parts[n-1].Precedes(&a.parts[n].Data) {
			n++
		}
		d.joined(a, 0, n, true)
	}
}
