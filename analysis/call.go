package analysis

import (
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/sipsight/sipsight/sipmsg"
)

// A Call is what a person would call one call: the leg that began first, and those of
// other Call-IDs that belong to it because a back-to-back user agent stands between them.
type Call struct {
	ID   int    // from 1, in the order in which their first messages were read whole: mostly that in which they began
	Legs []*Leg // the one that began first, then the others by their beginning

	Links []Link // what ties it to other calls: transfers

	Until time.Time // the latest time of the capture: what was still to come then is not known

	Remarks
}

// Remarks are what is to be said of a call beside what it was, filled in by whoever looks for
// what is wrong: see CallList.Remarks.
type Remarks struct {
	Findings []string // ids, the worst first
	Because  string   // why the call ended as it did; a clause
	Beside   bool     // Because explains no end: it is what is wrong with a call that went on or was answered all the same
}

// First returns the leg that began first: the caller's, as far as the capture shows it.
func (c *Call) First() *Leg { return c.Legs[0] }

// Offset returns the time from the beginning of a call to t.
func (c *Call) Offset(t time.Time) (d time.Duration, ok bool) { return between(c.First().Begin, t) }

// A Leg is one Call-ID of a call. A Call-ID that is used again after its call has ended
// makes another Leg.
type Leg struct {
	CallID     string
	From, To   string // URIs of the first message, without parameters
	RequestURI string // of the first INVITE, "" if none was captured
	FromTag    string // of the caller
	Transport  string // of the first message

	// Source and Destination are the ends of the first hop: that of the first message.
	Source, Destination netip.AddrPort

	UserAgents []string // distinct, in order of appearance; at most 8

	State        State
	Running      bool // it was running already when the capture began
	Unfinished   bool // it was still going on when the capture ended
	Evicted      bool // it was given up because of a limit; what came later is counted alone
	AnswerUnseen bool // the 2xx is not in the capture: Answered is the time of its ACK
	ByeUnseen    bool // the BYE is not in the capture: Ended is the time of its 2xx
	ByeStray     bool // a BYE with tags of no dialog was refused, and none ended the call
	ByeRefused   int  // the final response to its BYE, 300 and over, where none was accepted: the other side may go on; 0 otherwise
	EarlyMedia   bool // a provisional response carried a session description
	Forked       bool // several To tags answered one INVITE
	EndedBy      Party
	ByBye        bool   // a BYE ended it
	FinalStatus  int    // of the last attempt; 0 for none
	FinalReason  string // its reason phrase
	Cause        string // the Reason header field of what ended it, as written
	Attempts     int    // initial INVITEs of the caller, each with what it makes on further hops
	Redirects    []string
	Transfers    []Transfer

	Begin      time.Time     // of the first message
	Last       time.Time     // of the last message
	Invited    time.Time     // the first INVITE, zero if it was not captured
	Ringing    time.Time     // the first 180 to 189, on any hop
	Progressed time.Time     // the first 180 or 183, on any hop
	Rung       time.Time     // the first 180, on any hop
	Answered   time.Time     // the first 2xx to an initial INVITE, on any hop; see AnswerUnseen
	Final      time.Time     // the final response of the last attempt, on its first hop
	Ended      time.Time     // the BYE, or Final where there was no answer
	ByeTook    time.Duration // from the first BYE to its final response; -1 if not known

	First, LastFrame Frame
	Messages         int // copies left out
	Retransmissions  int
	Hops             []Hop     // the pairs of addresses it was seen between; at most 64
	Refusals         []Refusal // hops on which it came to something else
	Dialogs          []Dialog

	// Media is what the session descriptions say; nil where there were none.
	Media *Media

	// Joins says why the leg belongs to its call; nil for the first leg.
	Joins []Join

	// Steps are the messages of the leg, if Options.Steps asked for them.
	Steps []Step

	live *liveLeg // nil once it is finished
	call int      // ID of its call

	order int // among all legs, by their first messages
}

// AnsweredElsewhere reports whether the leg was cancelled with a Reason that says so: RFC 3326, section 3.1, or cause 26 of Q.850.
func (l *Leg) AnsweredElsewhere() bool {
	if l.State != StateCancelled || l.Cause == "" {
		return false
	}
	for v := range sipmsg.Elements([]byte(l.Cause)) {
		r := sipmsg.ParseReason(v)
		is := func(protocol string) bool { return strings.EqualFold(string(r.Protocol), protocol) }
		if r.HasCause && (r.Cause == 200 && is("SIP") || r.Cause == 26 && is("Q.850")) {
			return true
		}
	}
	return false
}

// A Refusal is what came of a leg on a hop, where that is not what came of the leg: a server that it was sent to before it was sent to another
// one, or one of several at once.
type Refusal struct {
	Hop    int  // index into Leg.Hops
	Status int  // the final response there to the last initial INVITE, 300 and over; 408 where that was repeated and there was none
	Before bool // that INVITE was of an attempt before the last one: the caller was told, and tried again
}

// A Party is one of those who take part in a call.
type Party uint8

// The parties.
const (
	NoParty Party = iota
	Caller
	Callee
	Server // something between them: a proxy, a back-to-back user agent
)

func (p Party) String() string {
	return [...]string{"", "caller", "callee", "server", ""}[min(p, Server+1)]
}

// A State says how far a call came. docs/calls.md has the rules.
type State uint8

// The states.
const (
	StateUnknown    State = iota // too little of it is in the capture to say
	StateTrying                  // INVITE, no answer but 100 yet
	StateEarly                   // a provisional response over 100, no final one yet
	StateConfirmed               // 2xx, no BYE
	StateCompleted               // 2xx and BYE
	StateFailed                  // a final response of 400 and over
	StateCancelled               // CANCEL, or a BYE of the caller, before any 2xx
	StateAbandoned               // no final response, though the capture goes on for long enough
	StateRedirected              // a 3xx that nothing followed
)

var stateNames = [...]string{"unknown", "trying", "early", "confirmed", "completed", "failed", "cancelled", "abandoned", "redirected"}

func (s State) String() string {
	if int(s) < len(stateNames) {
		return stateNames[s]
	}
	return ""
}

// States returns the names of all states in the order of the constants.
func States() []string { return slices.Clone(stateNames[:]) }

// A Hop is a pair of addresses that messages of a leg went between. A is the one that
// sent the first of them.
type Hop struct {
	A, B netip.AddrPort
}

// A Dialog is a dialog, or the beginning of one: RFC 3261, section 12.
type Dialog struct {
	LocalTag  string // of the caller
	RemoteTag string
	State     DialogState
	Hops      uint64 // the set of indices into Leg.Hops that it was seen on
}

// A DialogState is the state of a dialog.
type DialogState uint8

// The states of a dialog.
const (
	DialogEarly DialogState = iota
	DialogConfirmed
	DialogTerminated
)

func (s DialogState) String() string {
	return [...]string{"early", "confirmed", "terminated", ""}[min(s, 3)]
}

// A Transfer is one REFER of a call: RFC 3515.
type Transfer struct {
	Target string // of Refer-To, without parameters
	By     Party
	Time   time.Time // of the last REFER of it, if it was challenged
	Frame  Frame     // of the first one
	Status int       // of the REFER itself; 0 for none
	Result int       // what the last NOTIFY with a message/sipfrag body said; 0 for none

	cseq uint32
	hop  int
	over bool // nothing more is to be reported of it
}

// A Join is a reason why two legs are one call.
type Join struct {
	With   string   // the Call-ID of the leg that it was joined with
	Score  int      // the sum of what these weigh, from 100 on: docs/calls.md has the table
	Reason []string // names of what they have in common
}

// A Step is one message of a leg.
type Step struct {
	Time     time.Time
	Frame    Frame
	From     netip.AddrPort
	To       netip.AddrPort
	Request  bool
	Method   string // of the request, or of the CSeq of the response
	Status   int    // of a response
	Reason   string // reason phrase of a response, capped
	CSeq     uint32
	Body     string // type of the body, "" for none
	Media    string // what a session description says, in short
	Resent   Frame  // the first copy, where it is a retransmission
	InDialog bool   // a request with a To tag
	ToCallee bool   // it goes from the caller's side to that of the callee
	Dialog   int    // index into Leg.Dialogs; -1 for none
	Partial  bool
}

// Index returns the number of the leg among all of the timeline, from 0: see CallList.Leg.
func (l *Leg) Index() int { return l.order }

// CallNumber returns the ID of the call that the leg belongs to, once the analysis is over.
func (l *Leg) CallNumber() int { return l.call }

// PostDialDelay returns the time from the first INVITE to the first 180 to 189.
func (l *Leg) PostDialDelay() (d time.Duration, ok bool) { return between(l.Invited, l.Ringing) }

// RingTime returns the time from the first 180 to the answer or the final response.
func (l *Leg) RingTime() (d time.Duration, ok bool) {
	if !l.Answered.IsZero() {
		return between(l.Rung, l.Answered)
	}
	return between(l.Rung, l.Final)
}

// SetupTime returns the time from the first INVITE to the answer.
func (l *Leg) SetupTime() (d time.Duration, ok bool) { return between(l.Invited, l.Answered) }

// TalkTime returns the time from the answer to the first BYE.
func (l *Leg) TalkTime() (d time.Duration, ok bool) { return between(l.Answered, l.Ended) }

// FailedAfter returns the time from the first INVITE to the final response of a leg that was not answered.
func (l *Leg) FailedAfter() (d time.Duration, ok bool) {
	if l.IsAnswered() {
		return 0, false
	}
	return between(l.Invited, l.Final)
}

// between returns the time from a to b; ok is false where one of them is not known, or
// where the clock went back between them.
func between(a, b time.Time) (d time.Duration, ok bool) {
	if a.IsZero() || b.IsZero() || b.Before(a) {
		return 0, false
	}
	return b.Sub(a), true
}
