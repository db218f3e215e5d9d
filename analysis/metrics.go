package analysis

import (
	"cmp"
	"net/netip"
	"slices"
	"sort"
	"time"
)

// Metrics are the numbers of RFC 6076, with its section beside each, and those that people
// use every day. Shares are in percent; they are -1 where nothing can be said. Calls that
// were still unanswered when the capture ended, and those whose INVITE it does not hold,
// are in none of the shares. docs/calls.md has the formulas.
type Metrics struct {
	Calls    int // all
	Attempts int // those in the shares
	Answered int

	RegistrationDelay  Distribution // RRD, 4.1: REGISTER to its 2xx
	RequestDelay       Distribution // SRD, 4.3: first INVITE to 180, 183 or 2xx
	FailedRequestDelay Distribution // SRD, 4.3: first INVITE to its failure
	DisconnectDelay    Distribution // SDD, 4.4: BYE to its final response
	Duration           Distribution // SDT, 4.5: 2xx to BYE

	IneffectiveRegistrations float64 // IRA, 4.2
	Establishment            float64 // SER, 4.6
	Effectiveness            float64 // SEER, 4.7
	Ineffective              float64 // ISA, 4.8
	Completion               float64 // SCR, 4.9

	PostDialDelay Distribution // first INVITE to first 180 to 189
	RingTime      Distribution // first 180 to answer or final response
	SetupTime     Distribution // first INVITE to 2xx
	AnswerSeizure float64      // ASR: answered of all attempts
	NetworkEffect float64      // NER: answered, busy, not answered and rejected by the user
	ByCaller      int          // answered calls that the caller hung up
	ByCallee      int
}

// A Distribution describes durations.
type Distribution struct {
	Count                       int
	Min, Median, P95, Max, Mean time.Duration
}

// shortestFirst sorts durations, without a sort of their own in the binary.
type shortestFirst []time.Duration

func (d shortestFirst) Len() int           { return len(d) }
func (d shortestFirst) Less(i, k int) bool { return d[i] < d[k] }
func (d shortestFirst) Swap(i, k int)      { d[i], d[k] = d[k], d[i] }

// distribution describes d, which it sorts. The median of an even number is the mean of the two in the middle; the 95th percentile is
// a duration that occurred: the nearest rank.
func distribution(d []time.Duration) (r Distribution) {
	if len(d) == 0 {
		return r
	}
	sort.Sort(shortestFirst(d))
	n := len(d)
	low, high := d[(n-1)/2], d[n/2]
	r = Distribution{Count: n, Min: d[0], Median: low + (high-low)/2, P95: d[(95*n+99)/100-1], Max: d[n-1]}
	mean := 0.0
	for _, x := range d {
		mean += float64(x) / float64(len(d))
	}
	r.Mean = time.Duration(mean)
	return r
}

// A measure makes Metrics of calls.
type measure struct {
	m                                                             Metrics
	requestDelay, failedDelay, disconnect, talk, pdd, ring, setup []time.Duration
	redirected, effective, ineffective, completed, reached        int
}

// A Group is the metrics of some of the calls.
type Group struct {
	Name string
	Metrics
}

// maxGroups bounds the groups told apart; calls of further ones are in none.
const maxGroups = 1 << 14

// An Overview is what the calls and registrations of a timeline amount to.
type Overview struct {
	Metrics            // of all calls, and registrations
	Peers      []Group // of the calls that each address took part in, on any hop of any leg, by what came of them there; the busiest first
	UserAgents []Group // of the calls that each user agent took part in, by what came of its leg; the busiest first
	States     [16]int // how many calls there are of each State
	Outcomes   [16]int // … and registrations of each Outcome
	Registers  int     // the Attempts of all registrations
	Lapsed     int     // the registrations that are Lapsed

	// The calls over time, in spans of one size that follow each other. They begin at multiples of it.
	Buckets []Bucket
	Size    time.Duration
}

// Overview returns the overview of a timeline. It goes through all calls once, when it is asked for the first
// time: of seventy thousand calls that takes a third of a second.
func (t *Traffic) Overview() *Overview {
	t.once.Do(func() { t.overview = t.look() })
	return t.overview
}

func (t *Traffic) look() *Overview {
	var o Overview
	var all measure
	var begun []beginning
	peers, agents := newGroups[netip.Addr](), newGroups[string]()
	for c := range t.Calls.Heads() {
		l := c.First()
		all.add(l)
		o.States[l.State]++
		ofHops(&peers, c)
		ofAgents(&agents, c)
		if !l.Begin.IsZero() {
			begun = append(begun, beginning{l.Begin, l.IsAnswered(), l.State == StateFailed || l.State == StateAbandoned})
		}
	}
	o.Metrics, o.Peers, o.UserAgents = all.metrics(), peers.list(hostName), agents.list(func(ua string) string { return ua })
	o.Buckets, o.Size = overTime(begun)
	o.RegistrationDelay = distribution(slices.Clone(t.delays))
	attempts, failures := 0, 0
	for g := range t.Registrations.Reader().All() {
		o.Outcomes[g.Outcome]++
		o.Registers += g.Attempts
		if g.Lapsed() {
			o.Lapsed++
		}
		attempts += g.Attempts - g.Challenges
		failures += g.Failures
	}
	o.IneffectiveRegistrations = share(failures, attempts)
	return &o
}

func hostName(a netip.Addr) string {
	if !a.IsValid() {
		return "unknown"
	}
	return a.Unmap().String()
}

// groups are measures of calls by what takes part in them.
type groups[K comparable] struct {
	of    map[K]*measure
	parts []partaker[K] // of the call at hand
	part  map[K]int     // the index of each of these
}

func newGroups[K comparable]() groups[K] {
	return groups[K]{of: make(map[K]*measure), part: make(map[K]int)}
}

// A partaker is what a call was to one that took part in it.
type partaker[K comparable] struct {
	who     K
	leg     *Leg
	refused int  // the final response on its hops, where that is another one than that of the leg
	asked   bool // it was sent the call there: what it answered is what it made of it, whatever it heard from those that it asked itself
}

// answered reports whether the call was answered there.
func (p *partaker[K]) answered() bool { return p.refused == 0 && p.leg.IsAnswered() }

// rank says which of several legs and hops counts.
func (p *partaker[K]) rank() (n int) {
	if p.answered() {
		return 4
	}
	if p.asked {
		n = 2
	}
	if p.refused == 0 {
		n++
	}
	return n
}

// take takes in that one took part in the call at hand. Of several legs and hops one counts that was answered, or else one on which it was asked, or else
// one that has no refusal of its own, and of these the last.
func (g *groups[K]) take(p partaker[K]) {
	i, known := g.part[p.who]
	switch {
	case !known:
		g.part[p.who] = len(g.parts)
		g.parts = append(g.parts, p)
	case p.rank() >= g.parts[i].rank():
		g.parts[i] = p
	}
}

// add counts the call at hand for all that took part in it.
func (g *groups[K]) add() {
	for i := range g.parts {
		p := &g.parts[i]
		m := g.of[p.who]
		if m == nil && len(g.of) < maxGroups {
			m = new(measure)
			g.of[p.who] = m
		}
		switch {
		case m == nil:
		case p.refused != 0:
			m.add(p.leg.refusedWith(p.refused))
		default:
			m.add(p.leg)
		}
	}
	if len(g.parts) > manyParts { // to clear a map takes as long as it ever was
		g.part = make(map[K]int)
	}
	g.parts = g.parts[:0]
	clear(g.part)
}

// manyParts are more that take part in a call than in nearly all.
const manyParts = 64

// ofHops takes in the addresses of a call.
func ofHops(g *groups[netip.Addr], c *Call) {
	for _, l := range c.Legs {
		for i, h := range l.Hops {
			refused, _ := l.refusal(i)
			g.take(partaker[netip.Addr]{h.A.Addr().Unmap(), l, refused, false})
			g.take(partaker[netip.Addr]{h.B.Addr().Unmap(), l, refused, true})
		}
	}
	g.add()
}

// ofAgents takes in the user agents of a call.
func ofAgents(g *groups[string], c *Call) {
	for _, l := range c.Legs {
		for _, ua := range l.UserAgents {
			g.take(partaker[string]{who: ua, leg: l})
		}
	}
	g.add()
}

// refusal returns the final response on a hop where that is another one than that of the leg, 0 otherwise, and whether it is of an attempt before the last.
func (l *Leg) refusal(hop int) (status int, before bool) {
	for _, x := range l.Refusals {
		if x.Hop == hop {
			return x.Status, x.Before
		}
	}
	return 0, false
}

// refusedWith returns what the leg is where it got a final response of its own. What it has in common with that of the others is when it began.
func (l *Leg) refusedWith(status int) *Leg {
	state := StateFailed
	switch {
	case status == 487:
		state = StateCancelled
	case status < 400:
		state = StateRedirected
	}
	return &Leg{State: state, FinalStatus: status, Invited: l.Invited, RequestURI: l.RequestURI, Begin: l.Begin, ByeTook: -1}
}

// list returns the groups, the busiest first.
func (g *groups[K]) list(name func(K) string) (list []Group) {
	for k, m := range g.of {
		list = append(list, Group{name(k), m.metrics()})
	}
	sort.Slice(list, func(i, j int) bool {
		a, b := &list[i], &list[j]
		return cmp.Or(b.Calls-a.Calls, cmp.Compare(a.Name, b.Name)) < 0
	})
	return list
}

// add takes in a call, by a leg.
func (m *measure) add(l *Leg) {
	m.m.Calls++
	keep := func(list *[]time.Duration, d time.Duration, ok bool) {
		if ok {
			*list = append(*list, d)
		}
	}
	d, ok := l.PostDialDelay()
	keep(&m.pdd, d, ok)
	d, ok = l.RingTime()
	keep(&m.ring, d, ok)
	d, ok = l.SetupTime()
	keep(&m.setup, d, ok)
	if l.IsAnswered() {
		d, ok = l.TalkTime()
		keep(&m.talk, d, ok)
		switch {
		case l.State == StateCompleted && l.EndedBy == Caller:
			m.m.ByCaller++
		case l.State == StateCompleted && l.EndedBy == Callee:
			m.m.ByCallee++
		}
	}
	keep(&m.disconnect, l.ByeTook, l.ByeTook >= 0)
	unseen := l.Invited.IsZero() && l.RequestURI == "" // its INVITE; a capture without times has one all the same
	if unseen || l.State == StateTrying || l.State == StateEarly || l.State == StateUnknown {
		return
	}
	m.m.Attempts++
	m.requestDelays(l)
	m.outcome(l)
}

// requestDelays takes in the session request delay: to the first response that says how
// the request fares.
func (m *measure) requestDelays(l *Leg) {
	if l.IsAnswered() || !l.Progressed.IsZero() {
		at := l.Progressed
		if at.IsZero() {
			at = l.Answered
		}
		if d, ok := between(l.Invited, at); ok {
			m.requestDelay = append(m.requestDelay, d)
		}
		return
	}
	if d, ok := between(l.Invited, l.Final); ok && l.FinalStatus >= 400 {
		switch l.FinalStatus {
		case 401, 402, 407: // challenges are no failures: section 4.3.2
		default:
			m.failedDelay = append(m.failedDelay, d)
		}
	}
}

func (m *measure) outcome(l *Leg) {
	switch {
	case l.IsAnswered():
		m.m.Answered++
		m.effective++
		m.reached++
		if l.State == StateCompleted {
			m.completed++
		}
		return
	case l.State == StateRedirected:
		m.redirected++
	case l.State == StateCancelled:
		m.reached++
	}
	switch l.FinalStatus {
	case 480, 486, 600, 603:
		m.effective++
		if l.State != StateCancelled {
			m.reached++
		}
	case 408, 500, 503, 504:
		m.ineffective++
	case 0:
		if l.State == StateAbandoned {
			m.ineffective++
		}
	}
}

func (m *measure) metrics() Metrics {
	r := m.m
	r.RequestDelay, r.FailedRequestDelay = distribution(m.requestDelay), distribution(m.failedDelay)
	r.DisconnectDelay, r.Duration = distribution(m.disconnect), distribution(m.talk)
	r.PostDialDelay, r.RingTime, r.SetupTime = distribution(m.pdd), distribution(m.ring), distribution(m.setup)
	r.Establishment = share(r.Answered, r.Attempts-m.redirected)
	r.Effectiveness = share(m.effective, r.Attempts-m.redirected)
	r.Ineffective = share(m.ineffective, r.Attempts)
	r.Completion = share(m.completed, r.Attempts)
	r.AnswerSeizure = share(r.Answered, r.Attempts)
	r.NetworkEffect = share(m.reached, r.Attempts)
	r.IneffectiveRegistrations = -1
	return r
}

// share returns n of all in percent, -1 where all is none.
func share(n, all int) float64 {
	if all <= 0 {
		return -1
	}
	return 100 * float64(n) / float64(all)
}

// A Bucket counts the calls that began in a span of time.
type Bucket struct {
	Start    time.Time
	Calls    int
	Answered int
	Failed   int
}

// bucketSizes are the spans that overTime divides a capture into.
var bucketSizes = []time.Duration{time.Second, 5 * time.Second, 10 * time.Second, 30 * time.Second, time.Minute, 5 * time.Minute,
	10 * time.Minute, 30 * time.Minute, time.Hour, 3 * time.Hour, 6 * time.Hour, 12 * time.Hour, 24 * time.Hour, 7 * 24 * time.Hour, 30 * 24 * time.Hour}

// maxBuckets bounds the spans of overTime; with the largest span, what is later is left out.
const maxBuckets = 60

// A beginning is when a call began, and what became of it.
type beginning struct {
	at               time.Time
	answered, failed bool
}

// overTime returns the calls over time, in spans of one size that follow each other, and
// the size. Spans begin at multiples of it.
func overTime(calls []beginning) (list []Bucket, size time.Duration) {
	if len(calls) == 0 {
		return nil, 0
	}
	first, last := calls[0].at, calls[0].at
	for i := range calls {
		if at := calls[i].at; at.Before(first) {
			first = at
		} else if at.After(last) {
			last = at
		}
	}
	for _, size = range bucketSizes {
		if last.Sub(first) < size*(maxBuckets-1) {
			break
		}
	}
	for last.Sub(first)/(maxBuckets-1) >= size { // decades: a clock that was not set
		size *= 2
	}
	start := first.Truncate(size)
	list = make([]Bucket, min(int(last.Sub(start)/size)+1, maxBuckets))
	for i := range list {
		list[i].Start = start.Add(time.Duration(i) * size)
	}
	for i := range calls {
		c, n := &calls[i], min(int(calls[i].at.Sub(start)/size), len(list)-1)
		list[n].Calls++
		switch {
		case c.answered:
			list[n].Answered++
		case c.failed:
			list[n].Failed++
		}
	}
	return list, size
}

// IsAnswered reports whether the leg was answered with a 2xx, as far as the capture shows.
func (l *Leg) IsAnswered() bool { return l.State == StateConfirmed || l.State == StateCompleted }
