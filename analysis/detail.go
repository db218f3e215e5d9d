package analysis

import (
	"hash/maphash"
	"math"
	"net/netip"
	"slices"
	"time"

	"github.com/sipsight/sipsight/sipmsg"
)

const (
	// maxLegOctets bounds the octets kept of the messages of one leg, maxDetailOctets
	// of all that are followed: what is over it is known by its facts alone.
	maxLegOctets    = 2 << 20
	maxDetailOctets = 64 << 20
)

// A Detail is a leg with its messages, when it is finished: Options.Finished is given it.
// It is valid until the function returns.
type Detail struct {
	Leg          *Leg          // not to be held: it may still change; Leg.Index finds it again
	Messages     []Seen        // in order, copies left out; in Options.Kept the one at hand alone, in Options.Brief none
	Count        int           // of Messages, also where these are not made
	Transactions []Transaction // the last ones, where there were very many
	Now          time.Time     // how far the capture has come
	RTP          int64         // packets of streams so far; 0 unless Options.Streams asked for them

	// Notes are what Options.Kept wrote there for the messages of the leg that follow, and for Options.Brief and
	// Finished. A leg may begin with those of one that is over, whose room it has: Leg.Index tells them apart.
	Notes any

	room   []Seen // of Messages
	parsed []sipmsg.Message
	known  []reading // of parsed
	live   *liveLeg  // nil in Options.Kept
}

// A reading is whether a message of a Detail was parsed.
type reading uint8

const (
	notYet reading = iota
	wasRead
	cannotBeRead
)

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
	if d.live == nil {
		return nil
	}
	return d.live.seen[i].octets.octets(d.live.pages)
}

// Message returns message i as it was, nil where its octets were not kept, and in Options.Kept. It is
// parsed when it is asked for, once.
func (d *Detail) Message(i int) *sipmsg.Message {
	if d.live == nil || d.live.seen[i].octets.n == 0 {
		return nil
	}
	for len(d.parsed) < d.Count {
		d.parsed, d.known = append(d.parsed, sipmsg.Message{}), append(d.known, notYet)
	}
	if d.known[i] == notYet {
		d.known[i] = wasRead
		if s := &d.live.seen[i]; !s.octets.read(&d.parsed[i], d.live.pages, s.flags&isPartial != 0) {
			d.known[i] = cannotBeRead
		}
	}
	if d.known[i] == cannotBeRead {
		return nil
	}
	return &d.parsed[i]
}

// Frame returns the frame of message i, also where Messages are not made.
func (d *Detail) Frame(i int) Frame {
	x := &d.live.seen[i]
	return Frame{int(x.file), x.frame}
}

// of makes d the Detail of a leg, without its Messages.
func (d *Detail) of(e *errand) {
	v := e.leg
	d.Leg, d.Messages, d.Count, d.Now, d.RTP, d.Notes, d.live = v.leg, nil, len(v.seen), e.now, e.rtp, v.notes, v
	clear(d.known[:min(len(d.known), d.Count)])
	d.Transactions = slices.Grow(d.Transactions[:0], len(v.trans))[:len(v.trans)]
	for i := range v.trans {
		v.trans[i].public(&d.Transactions[i])
	}
}

// open makes the Messages.
func (d *Detail) open() {
	d.room = d.live.messages(d.room)
	d.Messages = d.room
}
