package findings

import (
	"slices"

	"github.com/sipsight/sipsight/analysis"
)

// An outside is what a request outside of calls shows at a glance, as traits are what a leg does: it decides which rules are
// asked about the request, see Rule.asks. Most are answered as they should be, between hosts that all is known of.
type outside uint32

const (
	everyRequest   outside = 1 << iota
	registers              // a REGISTER for an address-of-record, on its first hop or refused
	subscribes             // SUBSCRIBE, NOTIFY or REFER
	contacts               // a Contact may be one that cannot be reached
	refusedOutside         // refused, but for challenges
	silentOutside          // no final response in time
	oddForwards            // a Max-Forwards is odd, or was passed on as it was
	recurs                 // it came back to a host, or is of those of a request that did
	oddSize                // it is large, or it or its response came in fragments
	oddLength              // a Content-Length may be wrong
	newWay                 // capture-quality has not seen messages between these hosts, or octets are missing
	newVia                 // via-nat has not told of these hosts what may be told of it
	newSmall               // udp-too-big knows none between them that was answered
	troubled               // the network told of an error
)

// outsideOf returns what a request outside of calls shows.
func (c *Collector) outsideOf(e *analysis.Exchange) outside {
	o := everyRequest
	has := func(x outside, holds bool) {
		if holds {
			o |= x
		}
	}
	switch e.Method {
	case "REGISTER":
		has(registers, e.AOR != "" && (e.FirstHop || isRefused(e)))
		has(contacts, c.mayExpose(e))
	case "SUBSCRIBE":
		has(contacts, c.mayExpose(e))
		o |= subscribes
	case "NOTIFY", "REFER":
		o |= subscribes
	}
	has(refusedOutside, e.Status >= 300 && !isChallenge(e.Status))
	has(silentOutside, e.Status == 0 || e.Answered.Sub(e.Sent) > timeout)
	has(oddForwards, e.MaxForwards <= 0 || e.MaxForwards > defaultMaxForwards || e.CameFrame.Number != 0)
	has(recurs, e.Recurs)
	has(oddLength, e.Length != analysis.LengthRight || e.AnswerLength != analysis.LengthRight || c.skipped)
	has(troubled, c.trouble.anyTold(c))
	has(oddSize, e.Size > maxDatagram || e.Fragmented || e.AnswerFragmented || e.Lost != analysis.NoLoss || e.AnswerLost != analysis.NoLoss)
	has(newWay, o&oddSize != 0)
	c.betweenHosts(e, has)
	return o
}

// betweenHosts tells what is not known yet of the hosts of a request.
func (c *Collector) betweenHosts(e *analysis.Exchange, has func(outside, bool)) {
	room := c.quality.hasRoom()
	via := mayMisfit(e)
	if small := !c.pairs.full(pairSmall); room || via != 0 || small {
		there := c.pairs.of(hostsOf(e.Source, e.Destination))
		has(newVia, via != 0 && there&via == 0 && !c.pairs.full(via))
		has(newSmall, there&pairSmall == 0 && small)
		has(newWay, there&pairSeen == 0 && room)
	}
	if e.Status != 0 {
		back := c.pairs.of(hostsOf(e.Destination, e.Source))
		has(newWay, back&pairProven == 0 && (back&pairSeen != 0 || room))
	}
}

// mayMisfit returns the bit of what via-nat may tell of a request, 0 for nothing.
func mayMisfit(e *analysis.Exchange) uint64 {
	switch {
	case e.Status == 0 && e.Strayed.IsValid():
		return pairStray
	case e.Status != 0 && marks(e.Marks)&strangeVia != 0 && !e.ResponseReceived:
		return pairVia
	}
	return 0
}

// mayExpose reports whether a REGISTER or SUBSCRIBE may have a Contact that cannot be reached.
func (c *Collector) mayExpose(e *analysis.Exchange) bool {
	if e.AOR == "" || c.isPublic(e.Source.Addr()) || c.isPublic(e.Destination.Addr()) {
		return true
	}
	return slices.ContainsFunc(e.Bindings, func(b analysis.Binding) bool { return mayBeInvalid([]byte(b.URI)) })
}
