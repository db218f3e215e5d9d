package analysis

import (
	"hash/maphash"
	"math"
	"net/netip"
	"time"

	"github.com/sipsight/sipsight/sipmsg"
)

const (
	// maxLegOctets bounds the octets kept of the messages of one leg, maxDetailOctets
	// of all that are followed: what is over it is known by its facts alone.
	maxLegOctets    = 256 << 10
	maxDetailOctets = 64 << 20
)

// A Detail is a leg with its messages, when it is finished: Options.Finished is given it.
// It is valid until the function returns.
type Detail struct {
	Leg          *Leg          // not to be held: it may still change; Leg.Index finds it again
	Messages     []Seen        // in order, copies left out; in Options.Kept the one at hand alone
	Transactions []Transaction // the last ones, where there were very many
	Now          time.Time     // how far the capture has come
	RTP          int64         // packets of streams so far; 0 unless Options.Streams asked for them

	// Noted is what Options.Kept wrote there about messages of the same leg before; it is to be kept short.
	// In Options.Finished there is nothing.
	Noted []uint64

	parsed []sipmsg.Message
	pages  [][]byte
}

// A Seen is one message of a leg.
type Seen struct {
	Time        time.Time
	Frame       Frame
	Source      netip.AddrPort
	Destination netip.AddrPort
	Transport   string
	Hop         int  // index into Leg.Hops
	Forward     bool // it goes from Hop.A to Hop.B
	Request     bool
	Method      string // of the request, or of the CSeq of the response
	CSeq        uint32
	Status      int   // of a response
	Transaction int   // index into Detail.Transactions; -1 for none; an ACK has that of its INVITE
	Initial     bool  // that is Transaction.Initial
	Resent      Frame // the first copy, where it was sent again
	Partial     bool  // octets of it are missing: nothing may be concluded from what is not there
	Lost        Loss  // why, if so
	Fragmented  bool  // it came in several IP fragments or segments
	Size        int   // octets on the wire
	Length      Length

	// What rules ask of many messages, so that few have to be parsed again.
	FromTag     uint64 // hashes of the tags, 0 for none: two that are the same are equal
	ToTag       uint64
	Branch      uint64 // of the topmost Via; see OldBranch
	OldBranch   bool   // the branch has no magic cookie, or is missing
	Fields      sipmsg.FieldSet
	Quirks      sipmsg.Quirks // those of Message.Check
	MaxForwards int16         // NoMaxForwards where there is none, BadMaxForwards where it is no number
	Body        int           // octets of it
	SDP         bool          // it is, or has among its parts, a session description
	Vias        uint8         // values of Via, 255 for more
	Marks       uint64        // what Options.Kept returned; 0 where the octets were not kept

	octets place
	known  bool
}

// What stands in Seen.MaxForwards where there is no number.
const (
	NoMaxForwards  = -1
	BadMaxForwards = -2
)

// maxForwards returns the Max-Forwards of a request; numbers too large for one count as the
// largest that fits.
func maxForwards(s *sipmsg.Message) int16 {
	_, n, ok := s.Number(sipmsg.MaxForwards)
	switch {
	case !s.Has(sipmsg.MaxForwards):
		return NoMaxForwards
	case !ok:
		return BadMaxForwards
	}
	return int16(min(n, math.MaxInt16))
}

// hash returns a hash of a tag, 0 for none.
func (t *tracker) hash(tag []byte) uint64 {
	if len(tag) == 0 {
		return 0
	}
	return maphash.Bytes(t.seed, tag) | 1
}

// Octets returns the octets of message i, nil where they were not kept, and in Options.Kept.
func (d *Detail) Octets(i int) []byte {
	if d.pages == nil {
		return nil
	}
	return d.Messages[i].octets.octets(d.pages)
}

// Message returns message i as it was, nil where its octets were not kept, and in Options.Kept. It is
// parsed when it is asked for, once.
func (d *Detail) Message(i int) *sipmsg.Message {
	s := &d.Messages[i]
	if s.octets.n == 0 || d.pages == nil {
		return nil
	}
	for len(d.parsed) < len(d.Messages) {
		d.parsed = append(d.parsed, sipmsg.Message{})
	}
	m := &d.parsed[i]
	if !s.known {
		if !s.octets.read(m, d.pages, s.Partial) {
			s.octets = place{}
			return nil
		}
		s.known = true
	}
	return m
}
