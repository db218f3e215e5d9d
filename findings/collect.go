package findings

import (
	"cmp"
	"context"
	"net/netip"
	"slices"
	"sort"
	"time"

	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/capture"
	"github.com/sipsight/sipsight/sipmsg"
)

const (
	// maxOfRule bounds the findings of a severity kept of one rule: what comes after them is
	// counted. A capture in which so many calls have one fault, and yet not most of
	// them, is rare.
	maxOfRule = 2000

	// maxFrames bounds the frames of one finding.
	maxFrames = 40

	// maxEvents bounds the events kept, maxUnseen the places where octets of streams are missing.
	maxEvents = 20000
	maxUnseen = 4096
)

// unseenOctets are octets of a stream that came to their receiver and are not in the capture.
type unseenOctets struct {
	hostPair
	since, at time.Time // they came between two acknowledgments of these times
}

// A Collector applies the rules while a capture is analysed: for those who give callbacks of
// their own to [analysis.Run], or run it more than once. [Run] is the short way. New makes one;
// the zero Collector is of no use.
type Collector struct {
	found   []*Finding
	states  []state // of rules, in their order; nil for a rule without
	count   map[string]*tally
	events  []analysis.Event
	skipped bool                // one of them is a StreamSkipped
	silent  map[netip.Addr]bool // addresses that ICMP errors are about
	unseen  []unseenOctets
	latest  [2][1 << 8]int16        // the last of unseen each way between addresses, by the last octets of these
	goesOn  map[analysis.Frame]bool // messages without Content-Length that are followed by others on their streams
	ledger  ledger
	hosts   hosts
	pairs   pairTable
	watches watchList
	texts   texts
	public  publicCache
	timers  timerCache
	routes  routeCache
	faults  []fault // room for those of one message
	n       int
	index   legIndex // of the leg that is finished
	deals   legDeals // likewise
	ways    round    // likewise
	streams *streamIndex
	call    callLegs
	ends    streamEnds
	talks   []*talk              // of legs that are finished, as rules about media need them
	unheard int                  // how many of these were finished before the first RTP
	mapped  map[hostPair]mapping // at most maxMapped
	outside map[netip.Addr]bool  // the public addresses of mapped; made when it is asked for
	quality *qualityState
	trouble *errorState
	refused timersRefused
	circles *loopsOutside
	loss    lossMeter
	cut     cutSet

	legRules      []legRule // those that may be asked about a leg, in their order
	needs         traits    // of any of them
	askAll        bool      // about every leg, and whatever its messages show while they are at hand
	over          bool      // Finish has told what is here
	exchangeRules []exchangeRule
	legRun        legRun // of the rule that is applied
	exchangeRun   exchangeRun
}

// A legRule is a rule that is asked about legs.
type legRule struct {
	*Rule
	apply         func(*legRun)
	learn         func(*legRun) // nil where there is nothing to learn
	tally         *tally
	needs, counts traits
}

// An exchangeRule is a rule that is asked about each request outside of calls.
type exchangeRule struct {
	*Rule
	apply func(*exchangeRun)
	asks  outside
}

// The callLegs are the legs of the call that was asked for last.
type callLegs struct {
	number int
	legs   []*analysis.Leg
}

// A tally counts what one rule met.
type tally struct {
	applied int            // legs that the rule could apply to; in the end calls
	fired   [Error + 1]int // legs it fired on, by the severity it did; likewise
	legs    legSet         // those that it could apply to …
	firedOn [Error + 1]legSet
	kept    [Error + 1]int // by severity: the notes of a rule take no place of its errors
	leftOut [Error + 1]int
}

// New returns a Collector of all rules.
func New() *Collector {
	c := new(Collector)
	c.begin()
	return c
}

// begin forgets what there was of another capture.
func (c *Collector) begin() {
	*c = Collector{count: make(map[string]*tally), silent: make(map[netip.Addr]bool), goesOn: make(map[analysis.Frame]bool), askAll: c.askAll}
	c.ledger, c.watches.c = newLedger(c), c
	for _, r := range rules {
		var s state
		if r.state != nil {
			s = r.state()
		}
		switch s := s.(type) {
		case *qualityState:
			c.quality = s
		case *errorState:
			c.trouble = s
		case *loopsOutside:
			c.circles = s
		}
		t := new(tally)
		c.states, c.count[r.ID] = append(c.states, s), t
		c.ask(r, s, t)
	}
}

// ask puts a rule on the lists of those that are asked.
func (c *Collector) ask(r *Rule, s state, t *tally) {
	leg, exchange := r.leg, r.exchange
	if x, is := s.(legState); is && leg == nil {
		leg = x.leg
	}
	if x, is := s.(exchangeState); is && exchange == nil {
		exchange = x.exchange
	}
	if leg != nil {
		needs := r.needs
		if needs == 0 {
			needs = everyLeg
		}
		x := legRule{r, leg, nil, t, needs, r.counts}
		if l, is := s.(learner); is {
			x.learn = l.learn
		}
		c.legRules = append(c.legRules, x)
		c.needs |= needs
	}
	if exchange != nil {
		c.exchangeRules = append(c.exchangeRules, exchangeRule{r, exchange, cmp.Or(r.asks, everyRequest)})
	}
}

// Options returns options for one analysis that feeds c; after Finish, for another one. Calls, Finished, Brief,
// Kept, Asked, Exchanged, Event, Screen and Screened are those of c, whatever they are in o.
func (c *Collector) Options(o analysis.Options) analysis.Options {
	if c.over {
		c.begin()
	}
	o.Calls = true
	o.Finished, o.Exchanged, o.Event = c.finished, c.exchanged, c.event
	if !c.askAll {
		o.Kept, o.Asked, o.Brief = c.kept, c.asked, c.brief
	}
	o.Screen, o.Screened = theScreen().suspect, c.screened
	return o
}

// A run is what rules report through.
type run struct {
	c    *Collector
	rule *Rule
}

// A legRun applies one rule to one leg.
type legRun struct {
	run
	*analysis.Detail
	traits  traits
	glance  *glance // nil where there is none
	fired   [Error + 1]bool
	applied bool
}

// An exchangeRun applies one rule to one request outside of calls.
type exchangeRun struct {
	run
	*analysis.Exchange
}

// A captureRun applies one rule to the whole capture.
type captureRun struct {
	run
	*analysis.Result
}

// applies says that the rule could fire on this leg: of those the share is taken that makes
// a site pattern.
func (r *legRun) applies() { r.applied = true }

// report reports a finding of the leg.
func (r *legRun) report(f Finding) {
	r.applied = true
	f.CallID, f.leg = r.Leg.CallID, legNo(r.Leg)
	if r.add(f) {
		r.fired[f.Severity] = true
	}
}

// report reports a finding of a request outside of calls.
func (r *exchangeRun) report(f Finding) {
	if f.CallID == "" {
		f.CallID = r.CallID
	}
	if f.AOR == "" && r.Method == "REGISTER" {
		f.AOR = r.AOR
	}
	r.add(f)
}

// report reports a finding of the capture.
//
//go:noinline
func (r *captureRun) report(f Finding) { r.add(f) }

// reportOf reports a finding of a leg that was finished before.
func (r *captureRun) reportOf(leg legNumber, callID string, f Finding) {
	f.CallID, f.leg = callID, leg
	if r.add(f) {
		r.c.count[r.rule.ID].fire(leg, f.Severity)
	}
}

// lower takes a finding of a leg back to a lesser severity.
func (r *captureRun) lower(f *Finding, s Severity) {
	t := r.c.count[r.rule.ID]
	t.fired[f.as]--
	t.firedOn[f.as].remove(f.leg)
	t.fire(f.leg, s)
	f.Severity, f.as = s, s
}

// A legNumber is what is held of a leg beyond the time in which it is looked at: one more than
// its Index; 0 for none.
type legNumber int32

//go:noinline
func legNo(l *analysis.Leg) legNumber { return legNumber(l.Index() + 1) }

// of returns the leg.
//
//go:noinline
func (n legNumber) of(r *analysis.Result) *analysis.Leg { return r.Calls.Leg(int(n) - 1) }

// applies says that the rule could fire on a leg that was finished before.
//
//go:noinline
func (r *captureRun) applies(leg legNumber) { r.c.count[r.rule.ID].apply(leg) }

// add keeps a finding, or counts it where too many are kept. It reports whether it is one: those that rest on what was cut are none.
func (r *run) add(f Finding) bool {
	if r.restsOnCut(&f) {
		return false
	}
	t := r.c.count[r.rule.ID]
	if t.kept[f.Severity] == maxOfRule {
		t.leftOut[f.Severity]++
		return true
	}
	t.kept[f.Severity]++
	r.finish(&f)
	r.c.found = append(r.c.found, &f)
	return true
}

// finish fills in what all findings of the rule have.
func (r *run) finish(f *Finding) {
	f.ID, f.rule = r.rule.ID, r.rule
	f.n, r.c.n, f.as = r.c.n, r.c.n+1, f.Severity
	f.Confidence = cmp.Or(f.Confidence, Certain)
	f.RFC = cmp.Or(f.RFC, r.rule.RFC)
	f.NextStep = cmp.Or(f.NextStep, r.rule.Fix)
	if len(f.Frames) > maxFrames {
		f.Frames = f.Frames[:maxFrames]
	}
	f.Frames = slices.Clone(f.Frames)
}

// brief takes in a leg whose messages are not made yet, and reports whether a rule needs them: else that was all.
func (c *Collector) brief(d *analysis.Detail) bool {
	g, _ := d.Notes.(*glance)
	c.legRun = legRun{run: run{c: c}, Detail: d, traits: c.traitsOf(d, g), glance: g}
	if c.legRun.traits&c.needs != 0 || c.listens(d) {
		return true
	}
	c.apply(&c.legRun)
	return false
}

// finished takes in a leg with its messages.
func (c *Collector) finished(d *analysis.Detail) {
	c.cut.leg(d, c.legRun.glance)
	if c.askAll { // brief was not called
		c.legRun = legRun{run: run{c: c}, Detail: d, traits: everything}
	}
	c.apply(&c.legRun)
}

// apply applies the rules to a leg.
func (c *Collector) apply(x *legRun) {
	c.ledger.leg(x)
	c.loss.leg(x.Detail)
	c.deals.of, c.index.of, c.ways.of = nil, nil, nil // a later leg may stand where an earlier one stood
	c.hear(x)
	for i := range c.legRules {
		r := &c.legRules[i]
		tell := r.apply
		if x.traits&r.needs == 0 {
			counts := x.traits&r.counts != 0
			if tell = r.learn; tell == nil {
				if counts {
					r.tally.apply(legNo(x.Leg))
				}
				continue
			}
			x.applied = counts
		}
		x.rule = r.Rule
		tell(x)
		if x.applied {
			r.tally.take(x)
			x.applied, x.fired = false, [Error + 1]bool{}
		}
	}
}

// booksOf reports whether one of those who keep books of all legs has something to enter that takes the messages of a leg: a refusal
// by a server, an error that the network tells of, one direction of a hop alone.
func (c *Collector) booksOf(d *analysis.Detail, g *glance) bool {
	for i := range d.Transactions {
		if d.Transactions[i].Status/100 == 5 {
			return true
		}
	}
	const backs = 0x55555555 // the lower one of the two ways of each hop
	oneWay := (g.ways^g.ways>>1)&backs != 0
	return oneWay || c.trouble.mayMeet(c, d.Leg)
}

// take counts a leg that a rule could apply to.
func (t *tally) take(x *legRun) {
	leg := legNo(x.Leg)
	t.apply(leg)
	for s, fired := range x.fired {
		if fired {
			t.fire(leg, Severity(s))
		}
	}
}

// apply counts a leg that the rule could apply to.
func (t *tally) apply(leg legNumber) {
	t.applied++
	t.legs.add(leg)
}

// fire counts a leg that the rule fired on.
func (t *tally) fire(leg legNumber, s Severity) {
	t.fired[s]++
	t.firedOn[s].add(leg)
}

// exchanged applies the rules to a request outside of calls.
func (c *Collector) exchanged(e *analysis.Exchange) {
	c.cut.exchange(e)
	c.ledger.exchange(e)
	c.loss.exchange(e)
	x := &c.exchangeRun
	*x = exchangeRun{run{c: c}, e}
	shows := ^outside(0)
	if !c.askAll {
		shows = c.outsideOf(e)
	}
	for i := range c.exchangeRules {
		r := &c.exchangeRules[i]
		if shows&r.asks == 0 {
			continue
		}
		x.rule = r.Rule
		r.apply(x)
	}
}

func (c *Collector) event(e *analysis.Event) {
	if e.Kind == analysis.ICMPError {
		if len(c.silent) < maxEvents {
			c.silent[e.Dst.Addr()] = true
		}
	}
	if e.Kind == analysis.StreamUnseen {
		c.misses(e)
		return
	}
	if e.Kind == analysis.StreamGoesOn {
		if len(c.goesOn) < maxEvents {
			c.goesOn[e.After] = true
		}
		return
	}
	c.skipped = c.skipped || e.Kind == analysis.StreamSkipped
	if len(c.events) < maxEvents {
		c.events = append(c.events, *e)
	}
}

// misses takes in that octets of a stream are not in the capture. Where the snap length cuts nearly each message they are one with
// those of the last T1 behind which they come, so that there is room for all.
func (c *Collector) misses(e *analysis.Event) {
	u := unseenOctets{hostPair: hostsOf(e.Src, e.Dst), at: e.Time}
	if e.Within != 0 {
		u.since = e.Time.Add(-e.Within)
	}
	src, dst, way := u.src.As16(), u.dst.As16(), 0
	if u.src.Less(u.dst) {
		way = 1
	}
	last := &c.latest[way][src[15]+dst[15]]
	if n := int(*last); n < len(c.unseen) && c.unseen[n].hostPair == u.hostPair && !u.since.Before(c.unseen[n].at) && u.since.Sub(c.unseen[n].at) <= t1 {
		c.unseen[n].at = u.at
	} else if len(c.unseen) < maxUnseen {
		*last = int16(len(c.unseen))
		c.unseen = append(c.unseen, u)
	}
}

// Run analyses a timeline as analysis.Run does, with calls, and returns what is wrong in it: see
// Collector.Finish. With an error, result and findings tell what was read so far. Of what o calls,
// Message, StepsOf and Courses alone are the caller's: see Collector.Options.
func Run(ctx context.Context, r *capture.Reader, o analysis.Options) (*analysis.Result, []*Finding, error) {
	c := New()
	res, err := analysis.Run(ctx, r, c.Options(o))
	return res, c.Finish(res), err
}

// Finish applies the rules that need the whole capture, and what holds for all rules, and
// returns the findings: the worst first, then in the order of their frames. It fills in
// what the calls of the result know of their findings. The result is that of the analysis with
// the options of c.
func (c *Collector) Finish(res *analysis.Result) []*Finding {
	c.ledger.end(res)
	for i, r := range rules {
		x := captureRun{run{c, r}, res}
		switch {
		case r.capture != nil:
			r.capture(&x)
		case r.state != nil:
			c.states[i].end(&x)
		}
	}
	list := c.found
	calls := callsOf(list, res)
	for _, f := range Singly(list) {
		if f.leg != 0 {
			f.Call = res.Calls.CallNumber(int(f.leg) - 1)
		} else {
			f.Call = calls[f.CallID]
		}
	}
	for _, f := range list {
		c.judge(f, res)
	}
	order := orderOf(res)
	list = fragmentsOnce(onceACall(oneCause(list), order))
	c.countCalls(&res.Calls)
	list = c.sitePatterns(list)
	if c.limited() {
		res.Exceeded = append(res.Exceeded, "finding-limit")
	}
	sort.SliceStable(list, func(i, k int) bool {
		a, b := list[i], list[k]
		return cmp.Or(cmp.Compare(b.Severity, a.Severity), order.findings(a, b), cmp.Compare(a.n, b.n)) < 0
	})
	Tell(list, res)
	c.over = true
	return list
}

// Tell fills in what calls and registrations of a result say of findings, as Finish does: those of another analysis of the same
// captures, which this one was made without.
func Tell(list []*Finding, res *analysis.Result) {
	tellCalls(list, res)
	tellRegistrations(list, res)
}

// callsOf returns the calls of the Call-IDs of findings that know no leg.
func callsOf(list []*Finding, res *analysis.Result) map[string]int {
	calls := make(map[string]int)
	for _, f := range Singly(list) {
		if f.leg == 0 && f.CallID != "" {
			calls[f.CallID] = 0
		}
	}
	if len(calls) == 0 {
		return calls
	}
	for id, call := range res.Calls.CallIDs() {
		if n, ok := calls[id]; ok && (n == 0 || call < n) {
			calls[id] = call
		}
	}
	return calls
}

// limited reports whether warnings or errors were not kept because of a limit, but for those of a site pattern, which counts
// them. A large capture has notes in thousands, and is no less whole without the last of them.
func (c *Collector) limited() bool {
	for _, t := range c.count {
		for s, n := range t.leftOut {
			if n > 0 && Severity(s) > Note && !t.isPattern(s) {
				return true
			}
		}
	}
	return false
}

// A fileOrder is the place of each file in the timeline, by its index: that depends on the order in
// which the files were named, and what is found must not.
type fileOrder []int

//go:noinline
func orderOf(res *analysis.Result) fileOrder {
	order := make(fileOrder, len(res.Files))
	for i := range res.Files {
		order[i] = res.Files[i].Capture.Place
	}
	return order
}

// files returns the indices of the files in the order of their places.
func (o fileOrder) files() []int {
	list := make([]int, len(o))
	for i, place := range o {
		list[place] = i
	}
	return list
}

// findings compares findings by their first frames.
func (o fileOrder) findings(a, b *Finding) int {
	if len(a.Frames) == 0 || len(b.Frames) == 0 {
		return len(b.Frames) - len(a.Frames) // those of the whole capture come last
	}
	return o.frames(a.Frames[0], b.Frames[0])
}

func (o fileOrder) frames(x, y analysis.Frame) int {
	if x.File != y.File {
		return cmp.Compare(o[x.File], o[y.File])
	}
	return cmp.Compare(x.Number, y.Number)
}

// tellCalls fills in the findings of each call, the worst first, and why it ended as it did.
func tellCalls(list []*Finding, res *analysis.Result) {
	calls := res.Calls.Reader()
	var first *analysis.Leg // of the call of the finding before: it is made with its streams, of which there may be very many
	at := 0
	for _, f := range Singly(list) {
		if f.Call == 0 || f.Call > calls.Len() { // a second reading may have been cut short
			continue
		}
		m := res.Calls.Remarks(f.Call)
		if !slices.Contains(m.Findings, f.ID) {
			m.Findings = append(m.Findings, f.ID)
		}
		if f.leg != 0 && f.Confidence >= Likely && (m.Because == "" || m.Beside) {
			if at != f.Call {
				first, at = calls.First(f.Call-1), f.Call
			}
			f.tellWhy(m, first)
		}
	}
}

// tellRegistrations fills in the findings of each address-of-record, the worst first.
func tellRegistrations(list []*Finding, res *analysis.Result) {
	for _, f := range list {
		f.about(func(aor string) { res.Registrations.Tell(aor, f.ID) })
	}
}

// What rules ask of messages and times.

// since returns how long the capture went on behind t.
//
//go:noinline
func (r *legRun) since(t time.Time) time.Duration {
	if t.IsZero() {
		return 0
	}
	return r.Now.Sub(t)
}

// of returns the messages of a transaction. Inlined it would be 2 kB of the binary, and no faster.
//
//go:noinline
func (r *legRun) of(transaction int) (list []int) {
	for i := range r.Messages {
		if r.Messages[i].Transaction == transaction {
			list = append(list, i)
		}
	}
	return list
}

// frames returns the frames of messages. Inlined it would be in fifty places, which take 12 kB.
//
//go:noinline
func (r *legRun) frames(messages ...int) (list []analysis.Frame) {
	for _, i := range messages {
		list = append(list, r.Messages[i].Frame)
	}
	return list
}

// first returns the first message that f holds for, -1 for none.
func (r *legRun) first(f func(*analysis.Seen) bool) int {
	for i := range r.Messages {
		if f(&r.Messages[i]) {
			return i
		}
	}
	return -1
}

// header returns the value of a header field of message i; ok is false where there is none,
// or the octets were not kept.
func (r *legRun) header(i int, id sipmsg.ID) (v []byte, ok bool) {
	m := r.Message(i)
	if m == nil {
		return nil, false
	}
	return m.First(id)
}

// whole reports whether every message of a transaction is whole: cut ones prove nothing.
func (r *legRun) whole(transaction int) bool {
	for i := range r.Messages {
		if r.Messages[i].Transaction == transaction && r.Messages[i].Partial {
			return false
		}
	}
	return true
}

// ends returns where the request of a transaction came from and went to. Inlined it would be 8 kB
// of the binary, and no faster.
//
//go:noinline
func (r *legRun) ends(t *analysis.Transaction) (src, dst netip.AddrPort) {
	h := r.Leg.Hops[t.Hop]
	if t.Forward {
		return h.A, h.B
	}
	return h.B, h.A
}
