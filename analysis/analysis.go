package analysis

import (
	"context"
	"errors"
	"io"
	"net/netip"
	"slices"
	"time"

	"github.com/sipsight/sipsight/capture"
	"github.com/sipsight/sipsight/internal/dissect"
	"github.com/sipsight/sipsight/sipmsg"
)

// A Message is one SIP message of the timeline. It, the message it points to and its
// slices are valid until the function it was given to returns.
type Message struct {
	Number      int64   // from 1, over the whole timeline, copies included
	Ordinal     int64   // from 1, copies left out; 0 for a copy
	Frame       Frame   // the packet that completes it
	Frames      []Frame // all packets that carry it
	Time        time.Time
	HasTime     bool
	Source      netip.AddrPort // innermost addresses
	Destination netip.AddrPort
	Transport   string   // UDP, TCP, TLS, SCTP, WS or WSS
	Tunnel      []string // what it was carried in, outermost first
	Notes       []string // ids of what happened to it on the wire
	Partial     bool     // octets of it are missing
	CopyOf      Frame    // the packet of which this is another capture; the zero Frame for none

	// RetransmissionOf is the packet with the first copy of a message that was sent
	// again on the same hop; the zero Frame for none. Options.Calls finds them.
	RetransmissionOf Frame
	SIP              *sipmsg.Message
}

// A Frame is a packet by its number in its file.
type Frame struct {
	File   int   // index into Result.Files
	Number int64 // from 1
}

// IsCopy reports whether the message is another capture of one before. Copies are left out
// of every count.
func (m *Message) IsCopy() bool { return m.CopyOf.Number != 0 }

// KnownPort reports whether either port is one of those registered for SIP.
func (m *Message) KnownPort() bool {
	s, d := m.Source.Port(), m.Destination.Port()
	return s == 5060 || s == 5061 || d == 5060 || d == 5061
}

// Options says what Run does beside counting. The zero Options counts.
type Options struct {
	// Message is called for each message, in the order in which they become known: see Ordered. An error
	// ends Run, which returns it; ErrStop ends Run without an error.
	Message func(*Message) error

	// Ordered makes Message be called in the order of the packets that complete the messages, and not in that in
	// which they become known: a message of a TCP segment that waits for one before it is known late. The
	// numbers follow. Some thousand messages, and those of ten seconds, are held for it at most.
	Ordered bool

	// Calls makes calls, registrations and the rest of Result.Traffic of the
	// messages, and finds retransmissions.
	Calls bool

	// CallsAlone leaves out what Calls makes of requests outside of calls, such as registrations:
	// they are counted, and cost little more.
	CallsAlone bool

	// NoNames leaves the lists out of Result.Statistics: methods, Call-IDs and user agents. To gather them is a
	// part of the time that little else takes.
	NoNames bool

	// Finished is called for each leg when nothing more is expected of it, or the
	// capture ends; it needs Calls. Where there is more than one processor, it, Brief,
	// Exchanged and Event are called on a goroutine of their own, one after the other in the
	// order of what they tell of, while reading goes on, and Message is called; before
	// Screened, and before Run returns, all has been told.
	Finished func(*Detail)

	// Brief is called for each leg in front of Finished, which it needs, with a Detail that has no Messages: to make these
	// again costs more than all else that is known of a leg. Where it says no, Finished is not called.
	Brief func(*Detail) bool

	// Kept is called with each message of a leg whose octets are kept for Finished, while they are at
	// hand: a look at them then costs less than one later. It is the only message of the Detail, which
	// is of the leg as far as it has come, has no Transactions, and keeps its Notes for the next message;
	// what Kept returns becomes the Marks of the message. Unlike Finished it is never called on a goroutine
	// of its own.
	Kept func(*Detail, *sipmsg.Message) uint64

	// Asked is called with each request outside of calls that Exchanged will be given, as Kept is with the messages
	// of legs. Of the Exchange it knows the request alone; what it returns becomes its Marks.
	Asked func(*Exchange, *sipmsg.Message) uint64

	// Exchanged is called for each request outside of calls, in the order in which
	// they were sent, when nothing more is expected of it; it needs Calls.
	Exchanged func(*Exchange)

	// Event is called for what happened on the wire beside messages; it needs Calls.
	// With it, Traffic.Saw knows which addresses sent to which.
	Event func(*Event)

	// Screen, which needs Screened, is given the octets of each message that is no copy, in order. Where it
	// says so, Screened is called with the message: a look at all messages that costs
	// little as long as there is little to be seen.
	Screen   func(raw []byte) bool
	Screened func(*Message)

	// Steps keeps the messages of each leg in short; it needs Calls. A leg keeps
	// at most some thousand, all legs together a few million.
	Steps bool

	// StepsOf says of a leg that begins, by its Call-ID, whether its messages are
	// kept; nil is those of all.
	StepsOf func(callID string) bool

	// Streams measures RTP and makes Result.Traffic.Streams of it; with Calls, each is
	// joined to the call that it is of.
	Streams bool

	// From is where to begin, as an analysis of the same timeline gave it in Result.Marks:
	// packets before it are passed over, and the numbers of messages go on from there.
	// What belongs to packets before it is not seen; the zero Mark is the beginning.
	From Mark

	// MaxMemory is how much memory the analysis is to keep to, in octets: the limits of
	// all tables are made to fit; 0 is limits that a busy day of a carrier fits into, with
	// some gigabytes. It is at least MinMemory.
	MaxMemory int64

	// Courses says of a stream that begins, by its first packet, whether its losses and
	// jitter over time are kept, as they are of some thousand streams; nil is none.
	Courses func(first Frame) bool
}

// ErrStop is returned by Options.Message when it has seen enough.
var ErrStop = errors.New("analysis: stop")

// A Result is what a timeline held.
type Result struct {
	Files      []File // in the order in which they were named
	Packets    int64
	Statistics Statistics
	Marks      []Mark // in order, one for some thousand packets
	Stopped    bool   // ErrStop ended it before the end of the timeline

	*Traffic // what the packets amount to; nil unless Options.Calls or Streams asked for it
}

// A Mark is a place in a timeline.
type Mark struct {
	Packets  int64 // before it
	Messages int64 // likewise, copies included
	Ordinal  int64 // likewise, copies left out
}

// markEvery is how many packets lie between Marks.
const markEvery = 1 << 13

// Complete reports whether the result is whole: everything in all files was read, and no limit was
// met.
func (r *Result) Complete() bool { return r.AllRead() && len(r.Limits()) == 0 }

// Limits lists the limits that were met, by their ids: what was over them is not in the result. It begins with TableLimits, and those of
// WireLimits follow, each once.
func (r *Result) Limits() []string {
	limits := r.TableLimits()
	for _, n := range r.WireLimits() {
		if !slices.Contains(limits, n.ID) { // of several files
			limits = append(limits, n.ID)
		}
	}
	return limits
}

// TableLimits lists those of Limits that no message is missing for.
func (r *Result) TableLimits() []string {
	limits := slices.Clone(r.Statistics.Limits)
	if r.Traffic != nil {
		limits = append(limits, r.Exceeded...)
	}
	return limits
}

// WireLimits lists those of Limits that messages may be missing for: fragments and segments were
// given up before they were whole.
func (r *Result) WireLimits() (limits []Note) {
	for i := range r.Files {
		for _, n := range r.Files[i].Notes {
			if (n.ID == "frag-limit" || n.ID == "tcp-limit") && n.Count > 0 {
				limits = append(limits, n)
			}
		}
	}
	return limits
}

// AllRead reports whether everything in all files was read; after ErrStop, whether everything up to there was.
func (r *Result) AllRead() bool {
	for i := range r.Files {
		if c := r.Files[i].Capture; !c.Complete() || !c.Ended && !r.Stopped {
			return false
		}
	}
	return true
}

// A File is one capture of the timeline.
type File struct {
	Capture   *capture.File
	Protocols []Protocol // in a fixed order, those that occur
	Messages  int64      // SIP messages, without copies
	Copies    int64      // messages that were captured again
	LikeRTP   int64      // datagrams that begin as RTP and RTCP do; no more is asked
	Encrypted int64      // flows that look like encrypted SIP …
	Sealed    int64      // … and the number of a packet of the first of them, 0 where that is not known
	Notes     []Note     // what happened on the wire and what was odd in the text, by id
}

// A Protocol counts the packets that hold it.
type Protocol struct {
	Name    string
	Packets int64
}

// A Note counts one kind of oddity.
type Note struct {
	ID    string
	Count int64
	Frame int64 // of the first one; 0 where it belongs to no frame
}

// Run reads the timeline r and returns what it held. The error is that of the context,
// of Options.Message, or nil; damage of the files is in the Result, which is valid in
// every case.
//
// The context is looked at before the first packet and every 1024 packets. A read that
// waits for more, as of a pipe, is ended by the context that r was opened with.
//
// A panic over one packet, in functions of Options too, leaves that packet out and is told as
// damage of its file, with the id internal-error. In tests it is a panic.
func Run(ctx context.Context, r *capture.Reader, o Options) (*Result, error) {
	a := newAnalyzer(r, o)
	if a.track != nil {
		a.track.rules.start()
		defer a.track.rules.stop()
	}
	err := a.run(ctx)
	return a.result(), err
}

// An analyzer is one Run.
type analyzer struct {
	r       *capture.Reader
	o       Options
	d       *dissect.Dissector
	notes   []noteTable
	stats   *counter
	clock   clock
	packets int64
	vain    int // how many times in a row skim passed over none
	last    *capture.Packet
	number  int64
	marks   []Mark
	stopped bool
	track   *tracker     // nil unless calls are asked for
	streams *streamTable // nil unless streams are asked for
	order   ordering     // where Options.Ordered asks for it
	msg     Message
	frames  []Frame
	ids     []string
}

func newAnalyzer(r *capture.Reader, o Options) *analyzer {
	n := len(r.Files())
	most := budgetOf(o.MaxMemory)
	a := &analyzer{r: r, o: o, notes: make([]noteTable, n), stats: newCounter(most.callIDs, !o.NoNames, o.Calls)}
	a.d = dissect.New(n, a.message)
	a.number, a.stats.messages = o.From.Messages, o.From.Ordinal
	a.order.number, a.order.ordinal = a.number, a.stats.messages
	a.d.Ordered = o.Ordered
	a.d.Limit(most.segments, most.fragments)
	if o.Calls {
		a.track = newTracker(o.Steps, most)
		a.track.stepsOf, a.track.callsAlone = o.StepsOf, o.CallsAlone
		if o.Event != nil {
			a.d.Watch(a.event)
		}
		w := &a.track.rules
		w.finished, w.brief, w.exchanged, w.event = o.Finished, o.Brief, o.Exchanged, o.Event
		w.over = a.at
		w.release = a.told
		a.track.kept, a.track.asked = o.Kept, o.Asked
	}
	if o.Streams {
		a.streams = newStreamTable(most.streams)
		a.streams.coursesOf = o.Courses
		a.d.Datagram, a.d.Media = a.streams.datagram, a.streams
		if a.track != nil {
			a.track.streams, a.streams.taken = a.streams, a.track.taken
			a.streams.watchTCP = func() { a.d.Segment = a.segment }
		}
	}
	return a
}

// told takes back what the rules were told of.
func (a *analyzer) told(e *errand) {
	if e.failed {
		a.fault(e.over)
	}
	a.track.release(e)
}

// segment takes in a TCP segment; few timelines have sessions that ask for them.
func (a *analyzer) segment(d *dissect.Datagram) {
	a.streams.segment(d.Frame, Frame{d.Ref.File, d.Ref.Frame})
}

func (a *analyzer) run(ctx context.Context) error {
	err := a.read(ctx)
	if err == nil {
		err, _ = a.guarded(a.d.Finish)
	}
	if err == nil {
		err = a.release(true)
	}
	if errors.Is(err, ErrStop) {
		a.stopped = true
		return nil
	}
	return err
}

// readOn reads the rest of the timeline.
func (a *analyzer) readOn(ctx context.Context) error {
	for {
		if a.packets%skimSteps == 0 {
			if err := ctx.Err(); err != nil {
				return err
			}
		}
		p, err := a.r.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if a.packets%markEvery == 0 && a.packets > a.o.From.Packets {
			a.marks = append(a.marks, Mark{a.packets, a.number, a.stats.messages})
		}
		a.packets++
		if a.packets <= a.o.From.Packets {
			a.pass()
			continue
		}
		a.last = p
		if a.track != nil {
			a.clock.packet(p)
		}
		if err := a.d.Packet(p); err != nil {
			return err
		}
		if len(a.order.held) > 0 {
			if err := a.release(false); err != nil {
				return err
			}
		}
		a.skim(p)
	}
}

// message takes in one message.
func (a *analyzer) message(d *dissect.Message) error {
	a.number++
	resent := Frame{}
	quirks := d.SIP.Check()
	if !d.Copy {
		a.stats.count(d)
		if a.track != nil {
			a.clock.message(d)
			resent = a.track.message(d, a.clock.now, quirks)
		}
	}
	a.notes[d.Ref.File].message(d, quirks)
	if a.o.Screen != nil && !d.Copy && a.o.Screen(d.SIP.Raw()) {
		m := a.describe(d)
		m.RetransmissionOf = resent
		if a.track != nil {
			a.track.rules.drain()
		}
		a.o.Screened(m)
	}
	if a.o.Message == nil {
		return nil
	}
	m := a.describe(d)
	m.RetransmissionOf = resent
	if a.o.Ordered {
		return a.inOrder(d.Ref.Order, m)
	}
	return a.o.Message(m)
}

// describe returns a message as it is shown to the outside.
func (a *analyzer) describe(d *dissect.Message) *Message {
	a.frames, a.ids = a.frames[:0], d.Notes.AppendIDs(a.ids[:0])
	for _, r := range d.Refs {
		a.frames = append(a.frames, Frame{r.File, r.Frame})
	}
	a.msg = Message{
		Number:      a.number,
		Frame:       Frame{d.Ref.File, d.Ref.Frame},
		Frames:      a.frames,
		Time:        d.Time,
		HasTime:     d.HasTime,
		Source:      d.Src,
		Destination: d.Dst,
		Transport:   d.Transport.String(),
		Notes:       a.ids,
		Partial:     d.Partial,
		SIP:         d.SIP,
	}
	m := &a.msg
	if d.Copy {
		m.CopyOf = Frame{d.CopyOf.File, d.CopyOf.Frame}
	} else {
		m.Ordinal = a.stats.messages
	}
	for _, t := range d.Tunnels {
		m.Tunnel = append(m.Tunnel, t.String())
	}
	if d.HEP {
		m.Tunnel = append(m.Tunnel, "HEP")
	}
	return m
}

func (a *analyzer) result() *Result {
	res := &Result{Packets: a.packets, Marks: a.marks, Stopped: a.stopped}
	callIDs := &a.stats.callIDs
	if a.track != nil {
		callIDs = &a.track.callIDs
		res.Traffic = a.track.result(&a.clock)
		res.Traffic.saw, res.Traffic.twoWay, res.Traffic.sent = a.d.Saw, a.d.TwoWay, a.d.Sent
	}
	res.Statistics = a.stats.statistics(callIDs)
	if a.streams != nil {
		if res.Traffic == nil {
			res.Traffic = &Traffic{}
		}
		res.Traffic.streams(a.streams)
		res.Traffic.joinStreams()
	}
	for i, f := range a.r.Files() {
		c := &a.d.Counts[i]
		n := &a.notes[i]
		n.messages()
		n.counts(c)
		if f.Place == 0 { // fragments and streams may cross files: they are told with the first
			n.wire(a.d)
		}
		for _, x := range f.Notes {
			n.add(x.ID, x.Count, 0)
		}
		res.Files = append(res.Files, File{
			Capture:   f,
			Protocols: protocols(c),
			Messages:  c.SIP,
			Copies:    c.Copies,
			LikeRTP:   c.LikeRTP,
			Encrypted: c.Encrypted,
			Sealed:    c.EncryptedAt,
			Notes:     n.sorted(),
		})
	}
	return res
}

// protocols lists what the packets of a file hold.
func protocols(c *dissect.Counts) (list []Protocol) {
	for _, p := range []Protocol{
		{"IPv4", c.IPv4}, {"IPv6", c.IPv6}, {"UDP", c.UDP}, {"TCP", c.TCP}, {"SCTP", c.SCTP}, {"ICMP", c.ICMP},
		{"other IP", c.OtherIP}, {"other", c.NotIP}, {"fragment", c.Fragments}, {"malformed", c.Malformed},
		{"SIP", c.SIP}, {"like RTP", c.LikeRTP}, {"HEP", c.HEP}, {"SIP quoted by ICMP", c.Quoted}, {"keepalive", c.Keepalives},
	} {
		if p.Packets > 0 {
			list = append(list, p)
		}
	}
	return list
}
