package analysis

import (
	"bytes"
	"hash/maphash"
	"net/netip"
	"time"

	"github.com/sipsight/sipsight/sipmsg"
)

// Timers of RFC 3261, section 17, with their default values.
const (
	timerT1      = 500 * time.Millisecond
	timerTimeout = 64 * timerT1      // Timers B, F and H
	timerC       = 180 * time.Second // section 16.6: a proxy gives up a ringing INVITE
)

// A Transaction is a request with its copies, and what answers it, on one hop: RFC 3261,
// section 17. It is seen from the wire, so it is both the client's and the server's.
type Transaction struct {
	Method  string
	CSeq    uint32
	Hop     int  // index into Leg.Hops
	Forward bool // the request goes from Hop.A to Hop.B
	Initial bool // a request without a To tag, or responses to one

	Requests  int       // copies of the request on the wire; 0: it was not captured
	Sent      time.Time // the first of them
	SentFrame Frame
	LastSent  time.Time // the last of them

	Provisional time.Time // the first 1xx, 100 included
	Early       time.Time // the first 1xx over 100

	Status     int // the final response, 0 for none; a 2xx wins over others
	Finals     int // copies of it
	FinalFrame Frame
	Answered   time.Time // the first of them
	LastFinal  time.Time // the last of them

	Acked    bool // of an INVITE: an ACK was seen
	AckFrame Frame
	AckTime  time.Time

	Cancelled bool // of an INVITE: a CANCEL was seen
}

// A liveTransaction is a Transaction while its leg is followed, in half of the room. Times are as
// instant has them.
type liveTransaction struct {
	method         string
	key            uint64 // of the branch: see branchKey
	provisionalSum uint64 // of the octets of the last 1xx, to tell another one from a copy
	finalTag       uint64
	ackKey         uint64

	sent, lastSent      int64
	provisional, early  int64
	answered, lastFinal int64
	ackTime             int64

	sentFrame, provisionalFrame Frame
	finalFrame, ackFrame        Frame

	hop              int
	cseq             uint32
	requests, finals int32
	status           int16
	lastStatus       int16 // of a 1xx
	attempt          int16 // of an initial INVITE: index of its attempt; -1 otherwise
	forward, initial bool
	acked, cancelled bool
	given            bool // the request has credentials
	stray            bool // a BYE with tags that no dialog has
}

// isRetry reports whether a request under the branch of another one, which was answered with a status, is no copy of that: it is behind the
// answer and brings the credentials that this asks for, where the other one had none given. It should have a branch of its own, and
// another number.
func (x *seen) isRetry(status int, given, behind bool) bool {
	return (status == 401 || status == 407) && !given && behind && hasCredentials(x.s)
}

// public makes t the transaction as rules know it.
func (x *liveTransaction) public(t *Transaction) {
	*t = Transaction{
		Method: x.method, CSeq: x.cseq, Hop: x.hop, Forward: x.forward, Initial: x.initial,
		Requests: int(x.requests), Sent: timeAt(x.sent), SentFrame: x.sentFrame, LastSent: timeAt(x.lastSent),
		Provisional: timeAt(x.provisional), Early: timeAt(x.early),
		Status: int(x.status), Finals: int(x.finals), FinalFrame: x.finalFrame, Answered: timeAt(x.answered), LastFinal: timeAt(x.lastFinal),
		Acked: x.acked, AckFrame: x.ackFrame, AckTime: timeAt(x.ackTime), Cancelled: x.cancelled,
	}
}

// branchKey names a transaction by the branch of the topmost Via. Where it does not begin
// with the magic cookie, which cookie says, it is not unique, and the whole Via, which the elements of
// RFC 2543 keep in their responses, takes its place: section 17.2.3.
func branchKey(seed maphash.Seed, m *sipmsg.Message) (key uint64, cookie bool) {
	branch := m.Branch()
	if !bytes.HasPrefix(branch, []byte("z9hG4bK")) {
		via, _ := m.First(sipmsg.Via)
		if i := bytes.IndexByte(via, ';'); i >= 0 && branch == nil {
			via = via[:i] // responses add received and rport
		} else if branch != nil {
			via = branch
		}
		var h maphash.Hash
		h.SetSeed(seed)
		h.Write(via)
		cseq, _ := m.First(sipmsg.CSeq)
		h.Write(cseq)
		return h.Sum64(), false
	}
	return maphash.Bytes(seed, branch), true
}

// pairs reports whether two addresses are the ends of a hop, whatever the ports: a
// response may come from another port, and a connection be made anew. Where both ends are
// one machine, the ports have to tell them apart.
func (h *Hop) pairs(src, dst netip.AddrPort) (ok, forward bool) {
	switch {
	case h.A.Addr() == src.Addr() && h.B.Addr() == dst.Addr():
		if h.A.Addr() != h.B.Addr() {
			return true, true
		}
		if h.A.Port() == src.Port() && h.B.Port() == dst.Port() {
			return true, true
		}
		return h.A.Port() == dst.Port() && h.B.Port() == src.Port(), false
	case h.B.Addr() == src.Addr() && h.A.Addr() == dst.Addr():
		return true, false
	}
	return false, false
}
