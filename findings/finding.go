package findings

import (
	"net/netip"
	"slices"
	"time"

	"github.com/sipsight/sipsight/analysis"
)

// A Severity says how bad a finding is.
type Severity uint8

// The severities.
const (
	Note Severity = iota + 1
	Warning
	Error
)

func (s Severity) String() string { return [...]string{"", "note", "warning", "error", ""}[min(s, 4)] }

// ParseSeverity returns the severity of a name; ok is false for none.
func ParseSeverity(s string) (v Severity, ok bool) {
	for v := Note; v <= Error; v++ {
		if v.String() == s {
			return v, true
		}
	}
	return 0, false
}

// A Confidence says how sure a finding is.
type Confidence uint8

// The confidences. What is only possible is never above a note.
const (
	Possible Confidence = iota + 1
	Likely
	Certain
)

func (c Confidence) String() string {
	return [...]string{"", "possible", "likely", "certain", ""}[min(c, 4)]
}

// A Finding is something worth telling, with its proof. Its texts may quote what strangers wrote, as it is in the
// capture: whoever shows them on a terminal, in a page or to a model escapes them first, and masks passwords in URIs.
type Finding struct {
	ID         string
	Severity   Severity
	Confidence Confidence // a rule that leaves it open is Certain
	RFC        string     // section to cite; a rule that leaves it open has its own

	// Frames are the fewest that prove it, in the order in which they matter.
	Frames []analysis.Frame

	Observed string   // what is in the capture; of the capture's text only what is quoted as such
	Expected string   // what should be there
	NextStep string   // one sentence a person can act on; a rule that leaves it open has its own
	Related  []string // ids of findings that the same cause also meets

	// Because goes on with the verdict of the call, as in «… because the ACK went to a
	// private address»; "" where it explains no end.
	Because string
	end     end         // which calls that is told of: those that ended so; where it is goesOn also beside the end of one that was answered
	fault   answerFault // of a response that a server between may pass back: another fault is that of another host
	refusal int         // the final response that Because explains, where end is turnedDown; that of a single overload

	CallID string
	Call   int      // ID of the call, 0 for none
	Calls  []string // of a site pattern, which nearly every call has: Call-IDs, at most 20 …
	Count  int      // … and how many there are; of one of Singly, how many calls it is on
	AOR    string   // of a registration

	gate     *gate
	covers   string        // the id of findings of its leg that have the same cause
	past     []netip.Addr  // of ack-misrouted and route-bypass: proxies that are passed by
	from     netip.Addr    // of slow-setup: who waits; of sdp-private: whom the description comes from …
	repaired bool          // … and whether the peer knows of the NAT
	to       netip.Addr    // of transport-error: who does not get messages; of session-timer-expiry: who did not answer the refresh
	refused  *refusedOffer // of codec-488, where the refusal says nothing of codecs
	lacking  bool          // of udp-too-big: fragments of its message are not in the capture; of capture-quality, that there are such
	passed   *passed       // of what a server between may pass on to another leg
	several  *several      // of more than one call or registration
	leg      legNumber
	rule     *Rule
	n        int      // order in which it was reported
	as       Severity // with which it was reported
}

// Singly returns findings as they are of single calls: in place of a site pattern, or of another one of several calls, those
// that it is made of, as far as they were kept. A call has its own proof so, though the list tells of all calls at once.
//
//go:noinline
func Singly(list []*Finding) (single []*Finding) { // inlined it would be 3 kB
	for i, f := range list {
		one := list[i : i+1]
		if f.several != nil && len(f.several.singly) > 0 {
			one = f.several.singly
		}
		single = append(single, one...)
	}
	return single
}

// Title says what is wrong, in a few words. It is "" of a finding that no rule has the id of.
func (f *Finding) Title() string {
	if r := Lookup(f.ID); r != nil {
		return r.Title
	}
	return ""
}

// An answerFault tells faults of one rule apart, 0 where there is one alone. Of answer-invalid it is the sdp.Rule that the answer offends.
type answerFault uint8

// The faults of offer-without-answer.
const (
	answeredWithout answerFault = iota + 1
	ackWithout
	offeredAgain
)

// What passed is of a Finding that a server between two legs may pass on. It stands apart, since few are.
type passed struct {
	side analysis.Party // whose it is …
	same string         // … what it is on each leg; Observed where it is empty …
	at   time.Time      // … and when that began
	from netip.Addr     // of what the called side says: who calls it, on another leg a phone beside it; not valid on one host

	until time.Time // of silence, and of what goes to a wrong address: when that ended
	lost  bool      // … and nothing goes to the right one; of a hold: the offer to resume it was not answered at once

	clear, plain bool // of RTP in the clear that should be encrypted; where its sender describes it so
}

// What several is of a Finding of more than one call or registration. It stands apart, since few are.
type several struct {
	aors   []string   // of a bundle
	singly []*Finding // of a site pattern, or of a server that turned calls away: what it is made of, as far as it was kept
}

// maxMerged bounds the text of what is told at once: not much more of it is shown.
const maxMerged = 256

// merge takes another finding of the same cause into x.
//
//go:noinline
func (x *Finding) merge(f *Finding) {
	if len(x.Observed) < maxMerged {
		x.Observed += "; " + f.Observed
	}
	for _, a := range f.Frames {
		if len(x.Frames) < maxFrames && !slices.Contains(x.Frames, a) {
			x.Frames = append(x.Frames, a)
		}
	}
}

// AORs returns the addresses-of-record of a finding of several registrations, at most 20.
func (f *Finding) AORs() []string {
	if f.several == nil {
		return nil
	}
	return f.several.aors[:min(len(f.several.aors), maxSiteCalls)]
}

// about calls f with the addresses-of-record that the finding is about.
//
//go:noinline
func (x *Finding) about(f func(aor string)) {
	if x.AOR != "" {
		f(x.AOR)
	}
	if x.several != nil {
		for _, aor := range x.several.aors {
			f(aor)
		}
	}
}

// A Rule is one thing that may be worth telling.
type Rule struct {
	ID       string
	RFC      string // the section to cite; of RFC 3261 where no RFC is named
	Severity string // the severities it may have, the usual one first
	Title    string // what is wrong, in a few words
	Doc      string // the rule in words, exact enough to check a capture by hand
	Why      string // why it matters
	Fix      string // what to do: the next step of its findings
	Odd      string // what it says of a call that was answered all the same, a clause of the verdict; Because comes first

	// The rule is asked about legs that have one of the traits that it needs, about all where
	// it names none, which costs a lot: without them it may neither report anything nor learn, but for what its state
	// learns as a learner. A leg that it is not
	// asked about counts as one that it could apply to if it has the trait counts. A need that is
	// wrong silences the rule: TestNeeds compares with a run in which every rule is asked.
	needs, counts traits

	// Likewise it is asked about requests outside of calls that show one of these, about all where it names none.
	asks outside

	// At least one of them is set. A function that stands beside a state takes the place
	// of the state's own.
	leg      func(*legRun)
	exchange func(*exchangeRun)
	capture  func(*captureRun)
	state    func() state
}

// A state is a rule that has to remember: it is told of legs, or of requests outside of calls, or of both, and reports at the end
// or on its way. What it keeps has to be bounded.
type state interface{ end(*captureRun) }

type (
	legState      interface{ leg(*legRun) }
	exchangeState interface{ exchange(*exchangeRun) }

	// A learner is a state that keeps books of all legs. Of those that its rule is not asked about it learns without
	// their messages, which are not made.
	learner interface{ learn(*legRun) }
)

// Rules returns all rules in the order of the catalogue. The list is not to be written into.
func Rules() []*Rule { return rules }

// Lookup returns the rule of an id, nil for none.
func Lookup(id string) *Rule {
	for _, r := range rules {
		if r.ID == id {
			return r
		}
	}
	return nil
}

// IDs returns the ids of all rules in the order of the catalogue.
func IDs() (ids []string) {
	for _, r := range rules {
		ids = append(ids, r.ID)
	}
	return ids
}

// Timers of RFC 3261 with their default values.
const (
	t1      = 500 * time.Millisecond
	t2      = 4 * time.Second
	timeout = 64 * t1
	timerC  = 180 * time.Second
)

// disorder is how far packets may stand out of their order in a capture, and by how much their times may be wrong: what is
// closer together than that does not show what came first.
const disorder = 50 * time.Millisecond

// A gate is what has to hold for silence to prove anything: the capture went on for wait
// behind since, and packets of peer would have been seen.
type gate struct {
	self, peer netip.Addr
	since      time.Time
	wait       time.Duration
	stream     bool // over a connection, or in answer to peer: that needs packets of peer, so they would be there
	once       bool // over a connection: the answer would come once
	misses     int  // how many packets the capture has to have lost if it was there; 0 for more than it would lose at once
}
