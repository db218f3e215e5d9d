package findings

import (
	"fmt"
	"net/netip"
	"slices"
	"sort"
	"time"

	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/internal/addr"
	"github.com/sipsight/sipsight/sipmsg"
)

// peerRules are about servers that are overloaded or gone.
var peerRules = []*Rule{overload, keepaliveLost}

const (
	overloadWindow = 10 * time.Second

	// maxLoads bounds the servers followed, maxSeconds the seconds, or parts of them, in which requests
	// to them are counted, maxRefusals the responses of 5xx kept, all servers together.
	maxLoads    = 1 << 13
	maxSeconds  = 1 << 21
	maxRefusals = 1 << 16

	// maxPauses bounds the Retry-After that are watched at once.
	maxPauses = 1024
)

var overload = &Rule{
	ID: "overload", RFC: "RFC 3261 21.5.4, 20.33; RFC 7339", Severity: "error / note",
	Title: "a server that turns requests away",
	Doc: `Within 10 s one host gives 3 or more 503 responses that are at least 10 % of the requests it was sent in that time, or 10 or more 5xx that are at least 30 %.
Or: a 5xx to a request outside of a dialog said Retry-After, and its client sends the same request (method, From and To) to that server again before that time is over, which is told once, of the first hop that has the Retry-After. A 500 or 503 apart from these is a note. What a host got from the next one and passed back is that one's. Of calls a request counts that is not in the capture, if its final response is.`,
	Why: "A server that cannot keep up fails for everybody, and clients that try again at once keep it there.",
	Fix: "Look at the load and the logs of that server and of what it depends on; make clients respect Retry-After and spread their load.",

	needs: newToBooks,
	state: func() state {
		return &loadState{hasty: make(memory[analysis.Frame]), retries: make(memory[uint64])}
	},
}

// A load is what became of the requests to one host.
type load struct {
	no   int32 // its index in loadState.order
	addr netip.Addr
	sec  int64 // the second that requests are counted in: mostly the next one is of it
	n    int
	asks bool // it has sent a 5xx, which may have a Retry-After
	bad  []refusal
}

// A refusal is a response of 5xx.
type refusal struct {
	at     time.Time
	status int
	method string
	frame  analysis.Frame
	callID string
	cseq   uint32
	client netip.Addr // whose request it was
	leg    legNumber  // 0 outside of calls
	aor    string
}

// A refusedKey names the request that was refused, on all its hops.
type refusedKey struct {
	callID, method string
	cseq           uint32
}

func (x *refusal) key() refusedKey { return refusedKey{x.callID, x.method, x.cseq} }

// A pause is a Retry-After.
type pause struct {
	client    netip.Addr
	server    netip.AddrPort // a host may be several servers
	method    string
	from, to  string
	at, until time.Time
	frame     analysis.Frame
	told      bool // that its client does not wait
}

type loadState struct {
	order    []*load // see host.load
	last     *load
	counted  pages[second] // requests of all hosts, but for those of load.n
	sent     table[uint32] // … of those that turned some away, by host and second: see load.key; made at the end
	refusals int
	singly   int                    // how many of them are kept as findings of single calls
	pauses   map[uint64][]pause     // by who asks for what, see pause.key
	asked    []pauseNo              // all pauses, the oldest first
	hasty    memory[analysis.Frame] // refusals after which a client did not wait, which is told
	retries  memory[uint64]         // the requests that came too early, each told of one hop
	between  map[uint64]int         // how many of them there are for a method between two hosts, see wayOf
	bundles
}

// A pauseNo is a pause by its key, and by that of its hosts and method.
type pauseNo struct{ key, way uint64 }

// wayOf returns a number for the requests of a method between two hosts. Others may have the same.
func wayOf(client, server netip.Addr, method string) uint64 {
	n := pairOf(client, server) + uint64(len(method))<<8
	if method != "" {
		n += uint64(method[0])
	}
	return n
}

// key returns a hash of everything that has to be the same in the request that comes too
// early.
func (p *pause) key() uint64 {
	return pauseKey(p.client, p.server, p.method, []byte(p.from), []byte(p.to))
}

func pauseKey(client netip.Addr, server netip.AddrPort, method string, from, to []byte) uint64 {
	c, s, port := client.As16(), server.Addr().As16(), server.Port()
	return hashOf(c[:], s[:], []byte{byte(port >> 8), byte(port)}, []byte(method), from, to)
}

// same reports whether a request is the one that a pause is about.
//
//go:noinline
func (p *pause) same(q *pause) bool {
	return p.client == q.client && p.server == q.server && p.method == q.method && p.from == q.from && p.to == q.to
}

// of returns the load of a host, nil where there are too many.
func (s *loadState) of(all *hosts, a netip.Addr) *load {
	if s.last != nil && s.last.addr == a {
		return s.last
	}
	h := all.of(a)
	if h == nil || h.load == 0 {
		if len(s.order) == maxLoads {
			return nil
		}
		h = all.add(a)
		s.order = append(s.order, &load{no: int32(len(s.order)), addr: a})
		h.load = int32(len(s.order))
	}
	s.last = s.order[h.load-1]
	return s.last
}

// request counts a request, and returns where it was counted, nil for nowhere.
func (s *loadState) request(all *hosts, server netip.Addr, sent time.Time) *load {
	l := s.of(all, server)
	if l == nil || sent.IsZero() {
		return nil
	}
	if sec := sent.Unix(); sec != l.sec || l.n == maxCount {
		s.flush(l)
		l.sec = sec
	}
	l.n++
	return l
}

// refused takes in a refusal of a request that was counted.
//
//go:noinline
func (s *loadState) refused(l *load, x refusal) {
	if l == nil {
		return
	}
	l.asks = true
	if s.refusals < maxRefusals {
		s.refusals++
		l.bad = append(l.bad, x)
	}
}

// A second is how many requests one host was sent in one second, or in a part of it: requests come in about the order in which
// they ended. They stand one behind the other, since few hosts turn any away: to count them at once costs a look at memory far away
// for each. From the highest bit on it holds the number of the load, the seconds since 1970, and how many.
type second uint64

const (
	secondBits = 34
	countBits  = 16
	maxCount   = 1<<countBits - 1
)

func (x second) load() int { return int(x >> (secondBits + countBits)) }
func (x second) at() int64 { return int64(x >> countBits & (1<<secondBits - 1)) }
func (x second) n() uint32 { return uint32(x & maxCount) }

// flush counts the requests of the second that is counted apart.
func (s *loadState) flush(l *load) {
	if l.n > 0 && s.counted.n < maxSeconds {
		*s.counted.add() = second(l.no)<<(secondBits+countBits) | second(l.sec)&(1<<secondBits-1)<<countBits | second(l.n)
	}
	l.n = 0
}

// count counts what hosts that turned requests away were sent, by seconds.
func (s *loadState) count() {
	for i := range s.counted.n {
		x := *s.counted.at(i)
		if l := s.order[x.load()]; len(l.bad) > 0 {
			*s.sent.add(l.key(x.at())) += x.n()
		}
	}
}

// key returns a hash of the host and a second.
func (l *load) key(sec int64) uint64 {
	return addr.MixWords(addrHash(l.addr), uint64(sec), secret)
}

// requests returns how many requests a host was sent in the seconds from one up to another.
func (s *loadState) requests(l *load, from, to int64) (n int) {
	for sec := from; sec <= to; sec++ {
		if sent := s.sent.get(l.key(sec & (1<<secondBits - 1))); sent != nil {
			n += int(*sent)
		}
	}
	return n
}

func (s *loadState) leg(r *legRun) {
	for i := range r.Transactions {
		t := &r.Transactions[i]
		at, ok := asked(t)
		if !ok {
			continue
		}
		src, dst := r.ends(t)
		l := s.request(&r.c.hosts, dst.Addr(), at)
		if t.Status/100 == 5 {
			s.refused(l, refusal{at: t.Answered, status: t.Status, method: t.Method, frame: t.FinalFrame, callID: r.Leg.CallID, cseq: t.CSeq, client: src.Addr(), leg: legNo(r.Leg)})
			j := r.first(func(m *analysis.Seen) bool { return m.Frame == t.FinalFrame && m.Transaction == i && !m.Request })
			if j >= 0 && !r.Messages[j].Partial && t.Initial { // of one inside of a dialog only that has to wait
				server := r.Messages[j].Source
				if k := r.requestOf(i); k >= 0 { // it may answer from another port than the one that is asked
					server = r.Messages[k].Destination
				}
				s.pause(r.Message(j), pause{client: src.Addr(), server: server, method: t.Method, from: r.Leg.From, to: r.Leg.To, at: t.Answered, frame: t.FinalFrame})
			}
		}
	}
	s.impatient(r)
}

// asked returns when a request was sent that a server has to answer. One that is not in the capture, of which the other direction may lack, was
// sent if it was answered.
func asked(t *analysis.Transaction) (at time.Time, ok bool) {
	switch {
	case t.Method == "ACK":
	case t.Requests > 0:
		return t.Sent, true
	case t.Status != 0:
		return t.Answered, true
	}
	return at, false
}

// impatient looks for requests of a leg that do not wait as they should.
func (s *loadState) impatient(r *legRun) {
	if len(s.pauses) == 0 {
		return
	}
	for i := range r.Transactions {
		t := &r.Transactions[i]
		if t.Requests == 0 || !t.Initial {
			continue
		}
		src, dst := r.ends(t)
		if !s.paused(src.Addr(), dst.Addr(), t.Method) {
			continue
		}
		if j := r.requestOf(i); j >= 0 {
			dst = r.Messages[j].Destination // a hop is between hosts, whatever their ports
		}
		p := pause{client: src.Addr(), server: dst, method: t.Method, from: r.Leg.From, to: r.Leg.To, at: t.Sent, frame: t.SentFrame}
		if f, ok := s.early(p, r.Leg.CallID, 0); ok { // once a call
			r.report(f)
		}
	}
}

// learn takes in a leg without refusals.
func (s *loadState) learn(r *legRun) {
	waits := false
	for i := range r.Transactions {
		t := &r.Transactions[i]
		if at, ok := asked(t); ok {
			_, dst := r.ends(t)
			l := s.request(&r.c.hosts, dst.Addr(), at)
			waits = waits || l == nil || l.asks
		}
	}
	if waits {
		s.impatient(r)
	}
}

func (s *loadState) exchange(r *exchangeRun) {
	e := r.Exchange
	l := s.request(&r.c.hosts, e.Destination.Addr(), e.Sent)
	if e.Status/100 == 5 {
		s.refused(l, refusal{at: e.Answered, status: e.Status, method: e.Method, frame: e.FinalFrame, callID: e.CallID, cseq: e.CSeq, client: e.Source.Addr(), aor: e.AOR})
	}
	if e.Status/100 != 5 && (l != nil && !l.asks || !s.paused(e.Source.Addr(), e.Destination.Addr(), e.Method)) || e.InDialog {
		return
	}
	m := r.Request()
	if m == nil {
		return
	}
	from, to := uriOf(m, sipmsg.From), uriOf(m, sipmsg.To)
	if e.Status/100 != 5 && len(s.pauses[pauseKey(e.Source.Addr(), e.Destination, e.Method, from, to)]) == 0 { // nearly always
		return
	}
	p := pause{client: e.Source.Addr(), server: e.Destination, method: e.Method, from: string(from), to: string(to), at: e.Sent, frame: e.SentFrame}
	if f, ok := s.early(p, e.CallID, e.CSeq); ok {
		f.CallID, f.AOR = e.CallID, e.AOR
		r.report(f)
	}
	if e.Status/100 == 5 {
		p.at, p.frame = e.Answered, e.FinalFrame
		s.pause(r.Response(), p)
	}
}

// pause takes in the Retry-After of a response, if it has one.
func (s *loadState) pause(m *sipmsg.Message, p pause) {
	if m == nil {
		return
	}
	v, ok := m.First(sipmsg.RetryAfter)
	if !ok {
		return
	}
	if a := sipmsg.ParseRetryAfter(v); a.HasSeconds && a.Seconds > 0 {
		p.until = p.at.Add(time.Duration(a.Seconds) * time.Second)
		s.wait(p)
	}
}

// wait keeps a pause; where there are too many, the oldest is forgotten.
func (s *loadState) wait(p pause) {
	if s.pauses == nil {
		s.pauses, s.between = make(map[uint64][]pause), make(map[uint64]int)
	}
	if len(s.asked) == maxPauses {
		s.forget(s.asked[0])
		s.asked = s.asked[1:]
	}
	no := pauseNo{p.key(), wayOf(p.client, p.server.Addr(), p.method)}
	for i := range s.pauses[no.key] { // who does not wait after one goes on so after the next
		w := &s.pauses[no.key][i]
		p.told = p.told || w.told && w.same(&p) && p.at.Before(w.until)
	}
	s.pauses[no.key], s.asked = append(s.pauses[no.key], p), append(s.asked, no)
	s.between[no.way]++
}

// forget forgets a pause, the oldest of its key.
func (s *loadState) forget(no pauseNo) {
	if s.pauses[no.key] = s.pauses[no.key][1:]; len(s.pauses[no.key]) == 0 {
		delete(s.pauses, no.key)
	}
	if s.between[no.way]--; s.between[no.way] == 0 {
		delete(s.between, no.way)
	}
}

// paused reports whether there may be a pause for a request: nearly always there is none.
func (s *loadState) paused(client, server netip.Addr, method string) bool {
	return len(s.between) > 0 && s.between[wayOf(client, server, method)] > 0
}

// early looks for a Retry-After that a request does not respect, on the first of its hops that has one. Half a second is left for
// clocks and rounding.
func (s *loadState) early(p pause, callID string, cseq uint32) (f Finding, ok bool) {
	waits := s.pauses[p.key()]
	for i := range waits {
		w := &waits[i]
		if w.same(&p) && !w.told && p.at.After(w.at) && p.at.Before(w.until.Add(-t1)) {
			for k := range waits {
				waits[k].told = waits[k].told || waits[k].same(&p)
			}
			s.hasty.isNew(w.frame)
			request := addr.MixWords(textHash(callID), textHash(p.method), uint64(cseq))
			told := s.retries[request]
			s.retries.isNew(request)
			return Finding{
				Severity: Error, Frames: []analysis.Frame{w.frame, p.frame},
				Observed: fmt.Sprintf("%s again %s after a response with Retry-After: %d", p.method, seconds(p.at.Sub(w.at)), int(w.until.Sub(w.at).Seconds())),
				Expected: "no further try before that time is over",
			}, !told
		}
	}
	return f, false
}

func (s *loadState) end(r *captureRun) {
	for _, l := range s.order {
		s.flush(l)
	}
	s.count()
	s.leavePassedOn()
	for _, l := range s.order {
		sort.SliceStable(l.bad, func(i, j int) bool { return l.bad[i].at.Before(l.bad[j].at) })
		s.judge(r, l)
	}
	s.report(r, "requests")
}

// leavePassedOn leaves out refusals that a host passed back: it had sent the request on, and was refused itself.
func (s *loadState) leavePassedOn() {
	hops := make(map[refusedKey][]*refusal)
	for _, l := range s.order {
		for i := range l.bad {
			k := l.bad[i].key()
			if of := hops[k]; len(of) < maxWay {
				hops[k] = append(of, &l.bad[i])
			}
		}
	}
	gone := make(map[*refusal]bool)
	for _, l := range s.order {
		for i := range l.bad {
			x := &l.bad[i]
			if of := hops[x.key()]; slices.ContainsFunc(of, func(y *refusal) bool { return y.client == l.addr && x.client != l.addr && y.at.Sub(x.at) < disorder }) {
				gone[x] = true
			}
		}
	}
	if len(gone) == 0 {
		return
	}
	for _, l := range s.order {
		var kept []refusal
		for i := range l.bad {
			if !gone[&l.bad[i]] {
				kept = append(kept, l.bad[i])
			}
		}
		l.bad = kept
	}
}

// judge tells the times in which a host turned requests away, and the single refusals.
func (s *loadState) judge(r *captureRun, l *load) {
	begin, flagged := 0, 0 // of the burst; what lies before flagged belongs to one
	unavailable := 0       // 503 of i up to j
	for i, j := 0, 0; i < len(l.bad); i++ {
		for j < len(l.bad) && l.bad[j].at.Sub(l.bad[i].at) <= overloadWindow {
			unavailable += toInt(l.bad[j].status == 503)
			j++
		}
		if i == flagged && begin < flagged {
			s.burst(r, l, l.bad[begin:flagged])
			begin = flagged
		}
		switch {
		case s.overloaded(l, l.bad[i].at, unavailable, j-i):
			if i >= flagged {
				begin = i
			}
			flagged = j
		case i >= flagged:
			s.single(r, l, &l.bad[i])
			begin, flagged = i+1, i+1
		}
		unavailable -= toInt(l.bad[i].status == 503)
	}
	if begin < flagged {
		s.burst(r, l, l.bad[begin:flagged])
	}
}

// overloaded reports whether so many 503, and 5xx together, are too many for the ten seconds
// behind a time.
func (s *loadState) overloaded(l *load, at time.Time, unavailable, all int) bool {
	if unavailable < 3 && all < 10 {
		return false
	}
	requests := s.requests(l, at.Unix(), at.Unix()+int64(overloadWindow/time.Second))
	return unavailable >= 3 && unavailable*10 >= requests || all >= 10 && all*10 >= requests*3
}

// single notes a refusal.
func (s *loadState) single(r *captureRun, l *load, x *refusal) {
	if x.status != 500 && x.status != 503 || s.hasty[x.frame] {
		return
	}
	f := Finding{
		Severity: Note, Frames: []analysis.Frame{x.frame}, CallID: x.callID, AOR: x.aor, refusal: x.status,
		Observed: l.answered(x),
		Expected: "a server that can take the request",
	}
	if x.leg != 0 {
		r.reportOf(x.leg, f.CallID, f)
		return
	}
	s.add(l.addr.String(), f)
}

// answered says what became of a request.
func (l *load) answered(x *refusal) string {
	return fmt.Sprintf("%s answered %s with %d", hostName(l.addr), x.method, x.status)
}

// burst tells of refusals that are too many.
func (s *loadState) burst(r *captureRun, l *load, list []refusal) {
	unavailable := 0
	first, last := list[0].at, list[len(list)-1].at
	requests := s.requests(l, first.Unix(), last.Unix()) // ten times as many seconds as refusals at the most
	f := Finding{Severity: Error, Count: len(list), Expected: "final responses below 500", several: new(several)}
	for i := range list {
		x := &list[i]
		if x.status == 503 {
			unavailable++
		}
		if len(f.Frames) < maxFrames {
			f.Frames = append(f.Frames, x.frame)
		}
		if len(f.Calls) < maxSiteCalls && !slices.Contains(f.Calls, x.callID) {
			f.Calls = append(f.Calls, x.callID)
		}
		if x.aor != "" && len(f.several.aors) < maxOfRule {
			f.several.aors = append(f.several.aors, x.aor)
		}
	}
	f.Observed = fmt.Sprintf("%s gave %d responses of 5xx in %s, %d of them 503; it was sent %d requests", hostName(l.addr), len(list), seconds(last.Sub(first)), unavailable, max(requests, len(list)))
	for i := range list[:min(len(list), maxOfRule-s.singly)] {
		x := &list[i]
		one := &Finding{Severity: f.Severity, Frames: []analysis.Frame{x.frame}, CallID: x.callID, AOR: x.aor, leg: x.leg, Count: f.Count, Expected: f.Expected}
		one.Observed = l.answered(x) + "; " + f.Observed
		r.finish(one)
		f.several.singly = append(f.several.singly, one)
	}
	s.singly += len(f.several.singly)
	r.report(f)
}

// uriOf returns the URI of From or To without its parameters.
func uriOf(m *sipmsg.Message, id sipmsg.ID) []byte {
	v, _ := m.First(id)
	return bareURI(sipmsg.ParseAddress(v).URI)
}

var keepaliveLost = &Rule{
	ID: "keepalive-lost", RFC: "RFC 3261 11", Severity: "warning / note",
	Title: "a peer that stopped answering OPTIONS",
	Doc: `OPTIONS requests from one host to a port of another were answered, and then 3 or more in a row had no final response in 32 s. A peer that never answered is
silent here. One that answered another request, sent among any three of them in a row, is up: a note. Over a connection it is only possible where octets came from the peer in that time that are not in the capture. Shown are the last one that was answered, the first three that were not, and the one that was answered again.`,
	Why: "Whoever watches the peer takes it out of service: calls go another way, or nowhere.",
	Fix: "Look at what happened to the peer, and to the network between, at the time given.",
	capture: func(r *captureRun) {
		for _, k := range r.Keepalives {
			for i := range k.Outages {
				o := &k.Outages[i]
				f := Finding{
					Severity: Warning, Frames: append([]analysis.Frame{o.Before}, o.Silent[:]...),
					Observed: fmt.Sprintf("%s answered no OPTIONS of %s from %s on, %d in a row", endpoint(k.Destination), endpoint(k.Source), clock(o.Down), o.Lost),
					Expected: "a response, whatever its status",
				}
				until := o.Up
				if until.IsZero() {
					until = r.End
				}
				if o.Stream && r.c.lacks(hostPair{k.Destination.Addr(), k.Source.Addr()}, o.Down, until) {
					f.Confidence = Possible
				}
				if o.Served {
					f.Severity = Note
					f.Observed += "; other requests it answered meanwhile"
				}
				if o.Up.IsZero() {
					f.Observed += "; it was not up again before the capture ends"
				} else {
					f.Observed += fmt.Sprintf("; up again at %s", clock(o.Up))
					f.Frames = append(f.Frames, o.UpFrame)
				}
				r.report(f)
			}
		}
	},
}

// clock writes a time of the capture.
func clock(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05.000 UTC") }
