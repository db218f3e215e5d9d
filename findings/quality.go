package findings

import (
	"fmt"
	"net/netip"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/sipsight/sipsight/analysis"
)

// qualityRules are about the capture itself.
var qualityRules = []*Rule{captureQuality}

const (
	// maxWays bounds the directed pairs of addresses that messages were seen between.
	maxWays = 1 << 13

	// maxLongWaits bounds the transactions of over a minute that are remembered.
	maxLongWaits = 1024

	// longSilence is that of analysis.Gap.
	longSilence = time.Minute

	// Packets of two queues or interfaces are out of order by some milliseconds. From
	// outOfOrder on that is told, and from clockStep on the clock is the reason.
	outOfOrder = 10 * time.Millisecond
	clockStep  = time.Second
)

var captureQuality = &Rule{
	ID: "capture-quality", RFC: "–", Severity: "note / warning",
	Title: "something that the capture does not show as it was",
	Doc: `One finding a kind. Warnings: messages cut by the snap length; later IP fragments of messages missing; the clock stepping back by 1 s or more; and, if it
is half of the pairs of hosts or more, one direction only: SIP goes one way between two hosts, no packet goes the other way, the receiver sends no SIP to anybody, nothing of the call goes to the sender, and what goes
shows that something was answered (responses, ACK, BYE). Notes: fewer such pairs, no more than two messages in all, or one or two pairs with a single response each in the first three minutes, as where a capture begins behind the request; later fragments of a single message that could still come when the capture ended, half a second after the others; only other packets cut; steps of 10 ms and more; packets captured twice; of RTP each stream of 100 packets and more, from two hosts or more, lacking half of them, so that one-way-audio, no-audio and late-or-cut-media are only possible; over
60 s without any packet while a transaction was open (it was answered later, or had a provisional response, or was sent again and then
no more); flows that look like encrypted SIP; calls that were running when the capture began.`,
	Why: "What is not in a capture cannot be judged: rules about silence, retransmissions and media are weaker there, or say nothing.",
	Fix: "Capture again: both directions, whole packets (snap length 0), all fragments (a filter by port drops the later ones), on one clock.",

	needs: newToBooks, asks: newWay,
	state: func() state { return &qualityState{ways: make(map[hostPair]way)} },
}

// A way is what is known of messages from one host to another.
type way struct {
	frame  analysis.Frame // the first
	number int            // in which order it was seen
	proof  bool           // something was answered
	once   time.Time      // … and all that was is perhaps a request ahead of the capture: when, zero for more
}

// A longWait is a transaction that was open for over a minute.
type longWait struct {
	from  time.Time
	begun time.Time // a silence that begins before this …
	until time.Time // … and ends up to this is odd; zero for any end
	frame analysis.Frame
	what  string
}

type qualityState struct {
	ways    map[hostPair]way
	missing cuts
	awaited bool // later fragments of one of these could still come
	waits   []longWait
	ran     []legNumber // legs that were running when the capture began
	thin    bool        // most packets of RTP were left out
}

// cuts counts messages of which something is missing.
type cuts struct {
	n      int
	frames []analysis.Frame // the first ones
}

//go:noinline
func (c *cuts) add(f analysis.Frame) {
	if c.n++; len(c.frames) < maxSiteProofs {
		c.frames = append(c.frames, f)
	}
}

// lost counts what is missing of a message.
//
//go:noinline
func (s *qualityState) lost(l analysis.Loss, f analysis.Frame) {
	if l == analysis.LostFragments || l == analysis.LostAwaited {
		s.missing.add(f)
		s.awaited = l == analysis.LostAwaited
	}
}

// went notes that a message went from one host to another.
func (s *qualityState) went(pairs *pairTable, p hostPair, f analysis.Frame, proof bool) {
	bit := uint64(pairSeen)
	if proof {
		bit = pairProven
	}
	if pairs.has(p, bit) || !s.hasRoom() && !pairs.has(p, pairSeen) { // nearly all messages say nothing new
		return
	}
	w, known := s.ways[p]
	if !known {
		w = way{frame: f, number: len(s.ways)}
	}
	w.proof, w.once = proof, time.Time{}
	s.ways[p] = w
	pairs.add(p, pairSeen|bit)
}

// once notes a response that is all that went from one host to another in a leg, or outside of any: where it is the first, its request
// may stand ahead of the capture.
func (s *qualityState) once(pairs *pairTable, p hostPair, f analysis.Frame, at time.Time) {
	first := !pairs.has(p, pairSeen)
	s.went(pairs, p, f, !first)
	if w, ok := s.ways[p]; ok && first {
		w.proof, w.once = true, at
		s.ways[p] = w
	}
}

// hasRoom reports whether further ways are remembered.
func (s *qualityState) hasRoom() bool { return len(s.ways) < maxWays }

// answers reports whether messages went from one host to another that answer some which do not
// reach the capture.
func (s *qualityState) answers(p hostPair) bool { return s.ways[p].proof }

func (s *qualityState) leg(r *legRun) {
	s.lasting(r)
	var ways [2 * maxHopsOfLeg]wayOfLeg
	last := hostPair{}
	lastProof, judged := false, 0
	for i := range r.Messages {
		m := &r.Messages[i]
		if m.Lost != analysis.NoLoss {
			s.lost(m.Lost, m.Frame)
		}
		p := hostsOf(m.Source, m.Destination)
		proof := !m.Request || m.Method == "ACK" || m.Method == "BYE"
		if p == last && (lastProof || !proof) {
			continue
		}
		w := &wayOfLeg{}
		if m.Hop < maxHopsOfLeg {
			w = &ways[2*m.Hop+toInt(m.Forward)]
		}
		if proof { // an ACK that goes its own way, or a response, proves nothing
			if judged++; judged > maxJudged {
				break
			}
			if !w.asked {
				w.asked, w.hears = true, r.hears(p.src)
			}
			proof = !w.hears
		}
		switch {
		case proof && i == 0 && !m.Request && r.alone(p):
			w.went, w.proof = true, true
			s.once(&r.c.pairs, p, m.Frame, m.Time)
		case !w.went || proof && !w.proof:
			w.went, w.proof = true, w.proof || proof
			s.went(&r.c.pairs, p, m.Frame, proof)
		}
		last, lastProof = p, proof
	}
}

// learn takes in a leg with messages in both directions of each hop: none proves that hosts hear others which do not
// reach the capture.
func (s *qualityState) learn(r *legRun) {
	g := r.glance
	for _, x := range g.way[:g.nWays] {
		if !s.hasRoom() {
			break
		}
		src, dst := endsOf(r.Leg.Hops, int(x.way))
		if p := (hostPair{src, dst}); !r.c.pairs.has(p, pairSeen) {
			s.went(&r.c.pairs, p, r.Frame(int(x.first)), false)
		}
	}
	s.lasting(r)
}

// lasting takes in what lasts of a leg.
func (s *qualityState) lasting(r *legRun) {
	if r.Leg.Running {
		s.ran = append(s.ran, legNo(r.Leg))
	}
	for i := range r.Transactions {
		t := &r.Transactions[i]
		if t.Status != 0 && t.Answered.Sub(t.Sent) <= longSilence && !t.Answered.IsZero() { // nearly always
			continue
		}
		if t.Requests == 0 || t.Requests == 1 && t.Status == 0 && t.Provisional.IsZero() || t.Method == "ACK" || t.Sent.IsZero() || t.Cancelled && t.Status == 0 {
			continue
		}
		s.open(t.Sent, t.Answered, t.Provisional, t.SentFrame, t.Method)
	}
}

// A wayOfLeg is what is known of the messages of a leg in one direction of a hop.
type wayOfLeg struct {
	went, proof  bool // was remembered, with a proof
	asked, hears bool // the sender gets messages, if that was asked
}

// maxHopsOfLeg is how many hops of a leg have one: the last one of all may stand for others.
const maxHopsOfLeg = 16

// alone reports whether but one message of the leg goes from one host to another.
func (r *legRun) alone(p hostPair) bool {
	n := 0
	return r.first(func(m *analysis.Seen) bool {
		if hostsOf(m.Source, m.Destination) == p {
			n++
		}
		return n > 1
	}) < 0
}

// hears reports whether a message of the leg goes to a host.
func (r *legRun) hears(a netip.Addr) bool {
	return r.first(func(m *analysis.Seen) bool { return m.Destination.Addr() == a }) >= 0
}

// open remembers a transaction that was open for over a minute. Without an answer a client
// goes on for 32 s, and behind a provisional response for three minutes.
func (s *qualityState) open(sent, answered, provisional time.Time, f analysis.Frame, method string) {
	w := longWait{from: sent, begun: answered, until: answered, frame: f, what: method}
	switch {
	case !answered.IsZero() && answered.Sub(sent) <= longSilence:
		return
	case !answered.IsZero():
	case !provisional.IsZero():
		w.begun = provisional.Add(timerC)
	default:
		w.begun = sent.Add(timeout - 2*t2)
	}
	if len(s.waits) < maxLongWaits {
		s.waits = append(s.waits, w)
	}
}

func (s *qualityState) exchange(r *exchangeRun) {
	e := r.Exchange
	s.lost(e.Lost, e.SentFrame)
	s.went(&r.c.pairs, hostsOf(e.Source, e.Destination), e.SentFrame, false)
	if e.Status != 0 {
		s.lost(e.AnswerLost, e.FinalFrame)
		s.went(&r.c.pairs, hostsOf(e.Destination, e.Source), e.FinalFrame, true)
	}
}

func (s *qualityState) end(r *captureRun) {
	s.oneWay(r)
	s.files(r)
	s.silent(r)
	s.running(r)
	if lacks, all, frames := leftOut(r.Result); lacks > 0 {
		s.thin = true
		quality(r, Note, fmt.Sprintf("%d of %d packets of RTP are not in the capture, and of each stream at least half", lacks, all), "whole streams",
			"Capture all packets, or do not judge media by it.", frames...)
	}
}

// leftOut returns how many packets of RTP are missing, and how many there were, where whoever captured, or filtered, left most of
// them out: of each longer stream, of at least two hosts, the sequence numbers lack half and more. Otherwise 0. Frames are where the first of them begin.
func leftOut(r *analysis.Result) (lacks, all int64, frames []analysis.Frame) {
	several := false
	var one netip.Addr
	for _, s := range r.Streams {
		x := s.Report()
		if x.Expected < 100 {
			continue
		}
		if 2*x.Lost < x.Expected {
			return 0, 0, nil
		}
		if lacks, all = lacks+x.Lost, all+x.Expected; len(frames) < maxSiteProofs {
			frames = append(frames, s.First)
		}
		several, one = several || one.IsValid() && one != s.Source().Addr(), s.Source().Addr()
	}
	if !several {
		return 0, 0, nil
	}
	return lacks, all, frames
}

// quality reports a finding of the capture.
//
//go:noinline
func quality(r *captureRun, s Severity, observed, expected, next string, frames ...analysis.Frame) {
	r.report(Finding{Severity: s, Observed: observed, Expected: expected, NextStep: next, Frames: frames})
}

// oneWay tells whether only one direction was captured.
func (s *qualityState) oneWay(r *captureRun) {
	type pair struct {
		hostPair
		way
	}
	for i := range r.Unasked { // what a capture of one direction has outside of calls
		u := &r.Unasked[i]
		if p := hostsOf(u.Source, u.Destination); u.More {
			s.went(&r.c.pairs, p, u.Frame, true)
		} else {
			s.once(&r.c.pairs, p, u.Frame, u.Time)
		}
	}
	var list []pair
	pairs := 0
	for p, w := range s.ways {
		_, back := s.ways[hostPair{p.dst, p.src}]
		if !back || p.src.Less(p.dst) {
			pairs++
		}
		if !back && w.proof {
			list = append(list, pair{p, w})
		}
	}
	if len(list) == 0 {
		return
	}
	sends := make(map[netip.Addr]bool)
	for p := range s.ways {
		sends[p.src] = true
	}
	list = slices.DeleteFunc(list, func(p pair) bool {
		saw, limited := r.Saw(p.dst, p.src)
		return sends[p.dst] || saw || limited
	})
	if len(list) == 0 {
		return
	}
	sort.Slice(list, func(i, j int) bool { return list[i].number < list[j].number })
	begins := len(list) <= 2
	for i := range list {
		begins = begins && !list[i].once.IsZero() && list[i].once.Sub(r.Start) < timerC
	}
	severity := Note
	if !begins && len(list)*2 >= pairs && r.messages() > 2 {
		severity = Warning
	}
	var frames []analysis.Frame
	for i := range list[:min(len(list), maxSiteProofs)] {
		frames = append(frames, list[i].frame)
	}
	quality(r, severity, fmt.Sprintf("one direction only between %d of %s of hosts; the first: %s to %s", len(list), number(pairs, "pair"), hostName(list[0].src), hostName(list[0].dst)),
		"both directions", "Capture on a port that sees both directions, or give both captures at once.", frames...)
}

// messages returns how many messages the capture has.
func (r *captureRun) messages() (n int64) {
	for i := range r.Files {
		n += r.Files[i].Messages
	}
	return n
}

// files tells what the files themselves say.
func (s *qualityState) files(r *captureRun) {
	var cut, messages, copies, encrypted, steps, incomplete int64
	var largest time.Duration
	var step, copied, firstCut, cutOther, sealed analysis.Frame
	filter := ""
	for _, i := range orderOf(r.Result).files() {
		f := &r.Files[i]
		cut += f.Capture.CutPackets
		copies += f.Copies
		encrypted += f.Encrypted
		steps += f.Capture.BackSteps
		if d := f.Capture.LargestStep; d > largest {
			largest, step = d, analysis.Frame{File: i, Number: f.Capture.LargestFrame}
		}
		first(&cutOther, i, f.Capture.FirstCut)
		first(&sealed, i, f.Sealed)
		for _, n := range f.Notes {
			switch {
			case n.ID == "packet-copy":
				first(&copied, i, n.Frame)
			case n.ID == "packet-cut":
				messages += n.Count
				first(&firstCut, i, n.Frame)
			case n.ID == "frag-incomplete" || n.ID == "frag-no-head":
				incomplete += n.Count
			}
		}
		for _, x := range f.Capture.Interfaces {
			if strings.Contains(x.Filter, "port") {
				filter = x.Filter
			}
		}
	}
	switch {
	case messages > 0:
		quality(r, Warning, counted(messages, "message is", "messages are")+" cut by the snap length of the capture", "whole packets", "Capture again without a snap length (tcpdump -s 0): no other finding rests on a message that is cut.", frameIf(firstCut)...)
	case cut > 0:
		observed := counted(cut, "packet is", "packets are") + " cut, no message among them"
		if copies > 0 {
			observed += ", copies left out"
		}
		quality(r, Note, observed, "whole packets", "Nothing, unless media is looked at.", frameIf(cutOther)...)
	}
	switch {
	case s.missing.n == 1 && s.awaited:
		quality(r, Note, "the capture ends between the IP fragments of a message", "all fragments", "Nothing, or capture for longer: no other finding rests on that message.", s.missing.frames...)
	case s.missing.n > 0:
		observed := fmt.Sprintf("later IP fragments of %s are not in the capture", number(s.missing.n, "message"))
		if filter != "" {
			observed += fmt.Sprintf("; it was filtered by «%s»", short([]byte(filter)))
		}
		r.report(Finding{
			Severity: Warning, Observed: observed, Expected: "all fragments", Frames: s.missing.frames, lacking: true,
			NextStep: "Add «or (ip[6:2] & 0x1fff != 0)» to the capture filter: later fragments have no ports.",
		})
	case incomplete > 0:
		quality(r, Note, counted(incomplete, "datagram misses", "datagrams miss")+" IP fragments", "all fragments", "Look whether a capture filter drops later fragments: they have no ports.")
	}
	if copies > 0 {
		quality(r, Note, counted(copies, "message is a copy", "messages are copies")+" of one captured before", "each packet once", "Nothing: copies are left out of every count.", frameIf(copied)...)
	}
	if largest >= outOfOrder {
		severity := Note
		if largest >= clockStep {
			severity = Warning
		}
		by := "by "
		if steps > 1 {
			by = "by up to "
		}
		quality(r, severity, "the time goes back "+times(int(steps))+", "+by+seconds(largest), "packets in the order of time",
			"Let the capturing host follow one clock (NTP, slewing), or sort the capture by time.", frameIf(step)...)
	}
	if encrypted > 0 {
		quality(r, Note, counted(encrypted, "flow looks", "flows look")+" like encrypted SIP", "readable SIP", "Capture behind the end of TLS, or let the server send copies (HEP).", frameIf(sealed)...)
	}
}

// counted writes a number with what it counts, and what is said of it.
//
//go:noinline
func counted(n int64, one, more string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.FormatInt(n, 10) + " " + more
}

// first sets a frame that is not set yet.
func first(f *analysis.Frame, file int, number int64) {
	if f.Number == 0 && number != 0 {
		*f = analysis.Frame{File: file, Number: number}
	}
}

func frameIf(f analysis.Frame) []analysis.Frame {
	if f.Number == 0 {
		return nil
	}
	return []analysis.Frame{f}
}

// silent tells whether there was no packet for over a minute while something was open.
func (s *qualityState) silent(r *captureRun) {
	n := 0
	var first *longWait
	var gap *analysis.Gap
	for i := range s.waits {
		w := &s.waits[i]
		for j := range r.Gaps {
			if g := &r.Gaps[j]; !g.From.Before(w.from) && g.From.Before(w.begun) && (w.until.IsZero() || !g.To.After(w.until)) {
				n++
				if first == nil || gap.From.After(g.From) {
					first, gap = w, g
				}
				break
			}
		}
	}
	if first == nil {
		return
	}
	quality(r, Note, fmt.Sprintf("no packet at all for %s from %s on, while %s open; the first: %s", seconds(gap.To.Sub(gap.From)), clock(gap.From), counted(int64(n), "transaction was", "transactions were"), first.what),
		"retransmissions, provisional responses or media", "Look whether the capture was paused or dropped packets there.", first.frame, gap.Frame)
}

// running tells of calls that were running when the capture began.
func (s *qualityState) running(r *captureRun) {
	n := 0
	var frames []analysis.Frame
	slices.Sort(s.ran)
	for _, leg := range s.ran {
		l := leg.of(r.Result)
		if len(l.Joins) > 0 { // it belongs to a call that began before it
			continue
		}
		if n++; len(frames) < maxSiteProofs {
			frames = append(frames, l.First)
		}
	}
	if n > 0 {
		quality(r, Note, counted(int64(n), "call was", "calls were")+" running when the capture began", "calls from their INVITE on", "Nothing: what came before cannot be judged.", frames...)
	}
}
