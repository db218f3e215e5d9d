package report

import (
	"net/netip"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/internal/clean"
	"github.com/sipsight/sipsight/internal/words"
)

// Calls is the listing of calls.
var Calls = &Table[*analysis.Call]{Name: "calls", Prefix: "call", Columns: []Column[*analysis.Call]{
	{Key: "id", Brief: true, Kind: Text, named: true, Doc: "call-1 and so on, mostly in the order in which calls began", Get: func(c *analysis.Call) Value { return rankedOf(CallID(c), c.ID) }, json: (*jsonWriter).callID},
	{Key: "call_id", Brief: true, Kind: Captured, Doc: "Call-ID of the first leg", Get: func(c *analysis.Call) Value { return textOf(c.First().CallID) }},
	{Key: "dialogs", Kind: Object, json: (*jsonWriter).dialogs},
	{Key: "legs", Kind: Object, json: (*jsonWriter).legs},
	{Key: "state", Brief: true, Kind: Text, Doc: "how far it came", Get: func(c *analysis.Call) Value { return textOf(c.First().State.String()) }},
	{Key: "verdict", Brief: true, Kind: Text, Doc: "what became of it, in one sentence", Get: func(c *analysis.Call) Value { return textOf(c.Verdict()) }, json: (*jsonWriter).verdict},
	{Key: "from", Brief: true, Kind: URI, Doc: "URI of From, without parameters", Get: func(c *analysis.Call) Value { return textOf(c.First().From) }},
	{Key: "to", Brief: true, Kind: URI, Doc: "URI of To, without parameters", Get: func(c *analysis.Call) Value { return textOf(c.First().To) }},
	{Key: "request_uri", Kind: URI, Doc: "of the first INVITE, without parameters", Get: func(c *analysis.Call) Value { return textOf(c.First().RequestURI) }},
	{Key: "start", Brief: true, Kind: Time, Doc: "the first message", Get: func(c *analysis.Call) Value { return timeOf(c.First().Begin) }},
	{Key: "answer", Brief: true, Kind: Time, Doc: "the 2xx to the INVITE", Get: func(c *analysis.Call) Value { return timeOf(c.First().Answered) }},
	{Key: "end", Kind: Time, Doc: "the BYE, or the final response without an answer", Get: func(c *analysis.Call) Value { return timeOf(c.First().Ended) }},
	{Key: "post_dial_delay_ms", Brief: true, Kind: Decimal, Doc: "first INVITE to first 180 to 189", Get: func(c *analysis.Call) Value { return msOf(c.First().PostDialDelay()) }},
	{Key: "ring_ms", Kind: Decimal, Doc: "first 180 to answer or final response", Get: func(c *analysis.Call) Value { return msOf(c.First().RingTime()) }},
	{Key: "setup_ms", Brief: true, Kind: Decimal, Doc: "first INVITE to answer", Get: func(c *analysis.Call) Value { return msOf(c.First().SetupTime()) }},
	{Key: "talk_ms", Brief: true, Kind: Decimal, Doc: "answer to BYE", Get: func(c *analysis.Call) Value { return msOf(c.First().TalkTime()) }},
	{Key: "final_status", Brief: true, Kind: Number, Doc: "status code of the final response", Get: func(c *analysis.Call) Value { return countOf(c.First().FinalStatus) }},
	{Key: "final_reason", Kind: URI, Doc: "its reason phrase", Get: func(c *analysis.Call) Value { return textOf(c.First().FinalReason) }},
	{Key: "ended_by", Brief: true, Kind: Text, Doc: "caller, callee or server", Get: func(c *analysis.Call) Value { return textOf(c.First().EndedBy.String()) }},
	{Key: "release_cause", Kind: URI, Doc: "Reason header field of what ended it", Get: func(c *analysis.Call) Value { return textOf(c.First().Cause) }},
	{Key: "source", Brief: true, Kind: Endpoint, Doc: "where the first INVITE came from", Get: func(c *analysis.Call) Value { return endpointOf(c.First().Source) },
		json: func(w *jsonWriter, _ *Options, c *analysis.Call) { w.endpointKey("source", c.First().Source) }},
	{Key: "destination", Brief: true, Kind: Endpoint, Doc: "where it went to", Get: func(c *analysis.Call) Value { return endpointOf(c.First().Destination) },
		json: func(w *jsonWriter, _ *Options, c *analysis.Call) { w.endpointKey("destination", c.First().Destination) }},
	{Key: "transport", Kind: Text, Doc: "of the first message", Get: func(c *analysis.Call) Value { return textOf(c.First().Transport) }},
	{Key: "user_agents", Kind: List, Doc: "User-Agent and Server values", Get: func(c *analysis.Call) Value { return listOf(userAgents(c)) }},
	{Key: "attempts", Kind: Number, Doc: "INVITEs with numbers of their own, where over 1", Get: func(c *analysis.Call) Value { return overOne(c.First().Attempts) }},
	{Key: "answer_from_ack", Kind: Bool, Doc: "the 2xx is not in the capture: answer is the time of its ACK", Get: func(c *analysis.Call) Value { return boolOf(c.First().AnswerUnseen) }},
	{Key: "end_from_response", Kind: Bool, Doc: "the BYE is not in the capture: end is the time of its 2xx", Get: func(c *analysis.Call) Value { return boolOf(c.First().ByeUnseen) }},
	{Key: "forked", Kind: Bool, Doc: "several phones answered one INVITE", Get: func(c *analysis.Call) Value { return boolOf(c.First().Forked) }},
	{Key: "early_media", Kind: Bool, Doc: "a session description came before the answer", Get: func(c *analysis.Call) Value { return boolOf(c.First().EarlyMedia) }},
	{Key: "running_at_start", Kind: Bool, Doc: "it was going on when the capture began", Get: func(c *analysis.Call) Value { return boolOf(c.First().Running) }},
	{Key: "unfinished", Kind: Bool, Doc: "it was going on when the capture ended", Get: func(c *analysis.Call) Value { return boolOf(c.First().Unfinished) }},
	{Key: "redirects", Kind: List, Doc: "targets of a 3xx", Get: func(c *analysis.Call) Value { return listOf(c.First().Redirects) }},
	{Key: "transfers", Kind: Object, json: (*jsonWriter).transfers},
	{Key: "linked", Kind: Object, json: (*jsonWriter).linked},
	{Key: "media", Kind: Object, json: (*jsonWriter).media},
	{Key: "messages", Kind: Number, Doc: "SIP messages of all legs, copies left out", Get: func(c *analysis.Call) Value { return intOf(sum(c, func(l *analysis.Leg) int { return l.Messages })) }},
	{Key: "retransmissions", Kind: Number, Doc: "of these, those sent again", Get: func(c *analysis.Call) Value {
		return intOf(sum(c, func(l *analysis.Leg) int { return l.Retransmissions }))
	}},
	{Key: "first_frame", Brief: true, Kind: Frame, Doc: "of the first message", Get: func(c *analysis.Call) Value { return frameOf(c.First().First) }},
	{Key: "last_frame", Kind: Frame, Doc: "of the last message", Get: func(c *analysis.Call) Value { return frameOf(lastFrame(c)) }},
	{Key: "findings", Brief: true, Kind: List, Doc: "ids of findings, the worst first", Get: func(c *analysis.Call) Value { return listOf(c.Findings) }},
	{Key: "hops", Kind: Object, json: (*jsonWriter).hops, full: true},
	{Key: "timeline", Kind: Object, json: (*jsonWriter).timeline, full: true},
	{Key: "metrics", Kind: Object, json: (*jsonWriter).callMetrics, full: true},
}, parts: callParts, closed: []vocabulary{
	{"state", analysis.States(), callStateSaid}, {"ended_by", parties, ""}, {"transport", []string{"UDP", "TCP", "TLS", "SCTP", "WS", "WSS"}, ""}, {"findings", ruleIDs, ""},
	{"dialogs.state", []string{"early", "confirmed", "terminated"}, ""}, {"legs.state", analysis.States(), callStateSaid}, {"transfers.by", parties, ""},
	{"linked.kind", []string{"transfer", "consultation", "replacement"}, ""}, {"media.endpoints.side", parties, ""}, {"media.held_by", parties, ""},
}, said: `final_status: status status_code code response
final_reason: reason
release_cause: cause
from: caller calling
to: callee called
talk_ms: duration duration_ms length
post_dial_delay_ms: pdd pdd_ms
start: time begin since until
answer: answered
ended_by: hangup
state: outcome result
source: src
destination: dst
hops.addr: ip addr address hop source_ip destination_ip
media.codecs: codec codecs
user_agents: ua
findings: error`}

// callStateSaid is what people say in place of a state.
const callStateSaid = `write call.answer for those that were answered: answered
write call.final_status == 486: busy
did you mean early?: ringing
did you mean confirmed?: active
did you mean completed?: ended
did you mean failed?: rejected error
did you mean abandoned?: unanswered no_answer`

// CallID returns the id of a call.
func CallID(c *analysis.Call) string { return CallName(c.ID) }

// callID writes the id of a call.
func (w *jsonWriter) callID(_ *Options, c *analysis.Call) {
	w.key("id")
	w.scratch = appendCallName(w.scratch[:0], c.ID)
	w.quote(w.scratch)
}

// verdict writes what became of a call.
func (w *jsonWriter) verdict(_ *Options, c *analysis.Call) {
	w.key("verdict")
	w.scratch = c.AppendVerdict(w.scratch[:0])
	w.quote(w.scratch)
}

// endpointKey writes an endpoint with its key, where it is known.
func (w *jsonWriter) endpointKey(key string, a netip.AddrPort) {
	if a.IsValid() {
		w.key(key).endpoint(a)
	}
}

// uriKey writes a URI with its key, unless it is empty.
func (w *jsonWriter) uriKey(key, uri string) {
	if uri != "" {
		w.key(key).uris([]byte(uri))
	}
}

func overOne(n int) Value { return Value{Has: n > 1, Int: int64(n)} }

func sum(c *analysis.Call, f func(*analysis.Leg) int) (n int64) {
	for _, l := range c.Legs {
		n += int64(f(l))
	}
	return n
}

// lastFrame returns the frame of the last message of all legs.
func lastFrame(c *analysis.Call) analysis.Frame {
	last := c.First()
	for _, l := range c.Legs {
		if l.Last.After(last.Last) || l.Last.Equal(last.Last) && l.LastFrame.File == last.LastFrame.File && l.LastFrame.Number > last.LastFrame.Number {
			last = l
		}
	}
	return last.LastFrame
}

// userAgents lists the user agents of all legs.
func userAgents(c *analysis.Call) []string {
	if len(c.Legs) == 1 {
		return c.First().UserAgents
	}
	var list []string
	for _, l := range c.Legs {
		for _, ua := range l.UserAgents {
			if !contains(list, ua) {
				list = append(list, ua)
			}
		}
	}
	return list
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}

// dialogs writes the dialogs of all legs.
func (w *jsonWriter) dialogs(o *Options, c *analysis.Call) {
	open := false
	for _, l := range c.Legs {
		for i := range l.Dialogs {
			if !open {
				w.key("dialogs").open('[')
				open = true
			}
			d := &l.Dialogs[i]
			w.open('{')
			w.key("local_tag").text([]byte(d.LocalTag))
			w.key("remote_tag").text([]byte(d.RemoteTag))
			w.key("state").quote([]byte(d.State.String()))
			if len(c.Legs) > 1 {
				w.key("call_id").text([]byte(l.CallID))
			}
			w.close('}')
		}
	}
	if open {
		w.close(']')
	}
}

// legs writes the further legs, each with its parties, as a server may name them otherwise there, and the
// reasons for which it was joined.
func (w *jsonWriter) legs(o *Options, c *analysis.Call) {
	if len(c.Legs) < 2 {
		return
	}
	w.key("legs").open('[')
	for _, l := range c.Legs[1:] {
		w.open('{')
		w.key("call_id").text([]byte(l.CallID))
		w.uriKey("from", l.From)
		w.uriKey("to", l.To)
		for _, j := range l.Joins {
			w.key("joined_with").text([]byte(j.With))
			w.key("score").int(int64(j.Score))
			w.key("reasons").strings(j.Reason)
		}
		w.key("state").quote([]byte(l.State.String()))
		if l.FinalStatus != 0 {
			w.key("final_status").int(int64(l.FinalStatus))
		}
		w.pair("source", l.Source, l.Destination)
		w.key("first_frame").frame(l.First, o.several())
		w.key("last_frame").frame(l.LastFrame, o.several())
		w.close('}')
	}
	w.close(']')
}

// transfers writes the REFERs of the call.
func (w *jsonWriter) transfers(o *Options, c *analysis.Call) {
	list := c.Transfers()
	if len(list) == 0 {
		return
	}
	w.key("transfers").open('[')
	for i := range list {
		t := &list[i]
		w.open('{')
		w.key("target").uris([]byte(t.Target))
		if t.By != analysis.NoParty {
			w.key("by").quote([]byte(t.By.String()))
		}
		w.key("frame").frame(t.Frame, o.several())
		if t.Status != 0 {
			w.key("status").int(int64(t.Status))
		}
		if t.Result != 0 {
			w.key("result").int(int64(t.Result))
		}
		w.close('}')
	}
	w.close(']')
}

// media writes what the session descriptions of the first leg say: the codecs that both
// sides named last, and where each side wants to be sent what.
func (w *jsonWriter) media(o *Options, c *analysis.Call) {
	m := c.First().Media
	if m == nil || o.NoMedia {
		return
	}
	w.key("media").open('{')
	w.key("codecs").texts(commonCodecs(m))
	w.key("endpoints").open('[')
	for i := range m.Lines {
		line := &m.Lines[i]
		w.open('{')
		w.key("side").quote([]byte(line.Side.String()))
		w.key("kind").text([]byte(line.Kind))
		if line.Addr.IsValid() {
			w.key("address").endpoint(line.Addr)
		}
		w.key("codecs").text([]byte(line.Codecs))
		w.key("direction").quote([]byte(line.Direction))
		w.key("protocol").text([]byte(line.Proto))
		w.key("frame").frame(line.Frame, o.several())
		w.close('}')
	}
	w.close(']')
	if !m.HeldAt.IsZero() {
		w.key("held_at").time(m.HeldAt)
		w.key("held_by").quote([]byte(m.HeldBy.String()))
		w.key("resumed").bool(m.Resumed)
	}
	w.mediaStreams(o, c)
	if len(sessionsOf(c)) > 0 {
		w.key("sessions").sessions(o, c)
	}
	w.close('}')
}

// maxCallStreams bounds the streams listed of one call: a conference of an hour has a dozen.
const maxCallStreams = 32

// streamsOf returns the streams of all legs in the order in which they began.
func streamsOf(c *analysis.Call) (list []*analysis.Stream) {
	for _, l := range c.Legs {
		if l.Media != nil {
			list = append(list, l.Media.AllStreams()...)
		}
	}
	if len(c.Legs) > 1 || len(sessionsOf(c)) > 0 {
		sort.SliceStable(list, func(i, k int) bool { return list[i].Begin().Before(list[k].Begin()) })
	}
	return list
}

// ListedStreams returns the streams of a call that its JSON lists, in that order, and how many
// are left out.
func ListedStreams(o *Options, c *analysis.Call) (list []*analysis.Stream, left int) {
	most := maxCallStreams
	if o.MaxStreams > 0 {
		most = o.MaxStreams
	}
	all := streamsOf(c)
	list = firstOf(all, most)
	return list, len(all) - len(list)
}

// mediaStreams writes the streams of a call in short; sipsight streams has all of them.
func (w *jsonWriter) mediaStreams(o *Options, c *analysis.Call) {
	list, left := ListedStreams(o, c)
	if len(list) == 0 {
		return
	}
	w.key("streams").open('[')
	for _, s := range list {
		r := s.Report()
		w.open('{')
		if s.UDPTL {
			w.key("protocol").quote([]byte(protocolText(s)))
		} else {
			w.key("ssrc").quote([]byte(ssrcText(s.SSRC())))
		}
		if !s.Begin().IsZero() {
			w.key("start").time(s.Begin())
		}
		w.pair("source", s.Source(), s.Destination())
		w.key("sent_by").quote([]byte(s.SentBy.String()))
		if s.RelayHop {
			w.key("relay_hop").bool(true)
		}
		w.key("codec").text([]byte(codecText(s)))
		w.key("packets").int(r.Packets)
		w.key("lost").int(r.Lost)
		w.key("loss_percent").float(decimalOf(r.LossPercent(), 2).Float)
		if r.Jitters > 0 {
			w.key("mean_jitter_ms").float(roundMS(r.MeanJitter, true).Float)
		}
		if q, ok := s.Quality(); ok {
			w.key("mos").float(decimalOf(q.MOS(), 2).Float)
		}
		w.close('}')
	}
	w.close(']')
	if left > 0 {
		w.key("streams_left_out").int(int64(left))
	}
}

// codecText names the codec of a stream, or its payload type.
func codecText(s *analysis.Stream) string {
	if s.Codec == "" {
		return "type " + strconv.Itoa(int(s.Type))
	}
	return s.Codec
}

// commonCodecs returns the codecs of the first audio stream, or of the first stream at all,
// that both sides name, in the order of the callee; those of one side where the other
// said nothing.
func commonCodecs(m *analysis.Media) []string {
	caller, callee := firstLine(m, analysis.Caller), firstLine(m, analysis.Callee)
	switch {
	case caller == nil && callee == nil:
		return nil
	case callee == nil:
		return strings.Split(caller.Codecs, ",")
	case caller == nil:
		return strings.Split(callee.Codecs, ",")
	}
	common := make([]string, 0, 1+strings.Count(callee.Codecs, ","))
	for c := range strings.SplitSeq(callee.Codecs, ",") {
		if names(caller.Codecs, c) {
			common = append(common, c)
		}
	}
	return common
}

// firstLine returns the first audio stream that a side describes, or else its first stream;
// nil for none.
func firstLine(m *analysis.Media, side analysis.Party) (first *analysis.MediaLine) {
	for i := range m.Lines {
		l := &m.Lines[i]
		switch {
		case l.Side != side:
		case l.Kind == "audio":
			return l
		case first == nil:
			first = l
		}
	}
	return first
}

// names reports whether a codec is in a list of them.
func names(codecs, codec string) bool {
	for more := true; more; {
		var c string
		if c, codecs, more = strings.Cut(codecs, ","); strings.EqualFold(c, codec) {
			return true
		}
	}
	return false
}

// hops writes the pairs of addresses that the call was seen between, and what a hop was refused with where that is
// not what became of its leg.
func (w *jsonWriter) hops(o *Options, c *analysis.Call) {
	w.key("hops").open('[')
	for _, l := range c.Legs {
		for i := range l.Hops {
			w.open('{')
			w.pair("source", l.Hops[i].A, l.Hops[i].B)
			for _, x := range l.Refusals {
				if x.Hop == i {
					w.key("status").int(int64(x.Status))
				}
			}
			w.close('}')
		}
	}
	w.close(']')
}

// timeline writes the steps of all legs in the order of time.
func (w *jsonWriter) timeline(o *Options, c *analysis.Call) {
	w.key("timeline").open('[')
	if o.NoSteps {
		w.close(']')
		return
	}
	steps := Timeline(c)
	first, last, middle := o.shown(steps)
	for i := range steps {
		if i >= first && i < last && !middle[i] {
			continue
		}
		s := &steps[i]
		w.open('{')
		w.key("frame").frame(s.Frame, o.several())
		if !s.Time.IsZero() {
			w.key("time").time(s.Time)
		}
		if d, ok := c.Offset(s.Time); ok {
			w.key("offset_ms").float(float64(d) / float64(time.Millisecond))
		}
		w.pair("source", s.From, s.To)
		w.key("direction")
		if s.ToCallee {
			w.quote([]byte("to_callee"))
		} else {
			w.quote([]byte("to_caller"))
		}
		w.key("what").text([]byte(s.What()))
		w.key("cseq_number").int(int64(s.CSeq))
		w.given("content_type", []byte(s.Body))
		w.given("media", []byte(s.Media))
		if s.Resent.Number != 0 {
			w.key("retransmission_of").frame(s.Resent, o.several())
		}
		if s.Leg > 0 {
			w.key("leg").int(int64(s.Leg + 1))
		}
		if s.Partial {
			w.key("partial").bool(true)
		}
		w.close('}')
	}
	w.close(']')
	if n := last - first - len(middle) + Unkept(c); n > 0 {
		w.key("timeline_left_out").int(int64(n))
	}
}

// shown says which steps of a timeline are shown, MaxSteps of them: those before first, those from
// last on, and between them the ones that findings name, which take half of it at most.
func (o *Options) shown(steps []Step) (first, last int, middle map[int]bool) {
	if o.MaxSteps == 0 || len(steps) <= o.MaxSteps {
		return len(steps), len(steps), nil
	}
	ends := func(n int) { first, last = n-n/3, len(steps)-n/3 }
	ends(o.MaxSteps - o.MaxSteps/2)
	at := make(map[analysis.Frame]int)
	for i := first; i < last; i++ {
		if _, taken := at[steps[i].Frame]; !taken {
			at[steps[i].Frame] = i
		}
	}
	middle = make(map[int]bool)
	for _, f := range o.named {
		if i, ok := at[f]; ok && len(middle) < o.MaxSteps/2 {
			middle[i] = true
		}
	}
	for n := -1; n != len(middle); { // the ends take what is left, and with it some of those between them
		n = len(middle)
		ends(o.MaxSteps - n)
		for i := range middle {
			if i < first || i >= last {
				delete(middle, i)
			}
		}
	}
	return first, last, middle
}

// callMetrics writes the times of the call by the names of RFC 6076 and of every day.
func (w *jsonWriter) callMetrics(o *Options, c *analysis.Call) {
	l := c.First()
	w.key("metrics").open('{')
	for _, x := range []struct {
		key string
		v   Value
	}{
		{"post_dial_delay_ms", msOf(l.PostDialDelay())},
		{"ring_ms", msOf(l.RingTime())},
		{"setup_ms", msOf(l.SetupTime())},
		{"talk_ms", msOf(l.TalkTime())},
		{"failed_after_ms", msOf(l.FailedAfter())},
		{"disconnect_delay_ms", msOf(l.ByeTook, l.ByeTook >= 0)},
	} {
		if x.v.Has {
			w.key(x.key).float(x.v.Float)
		}
	}
	w.close('}')
}

// CallRow is a row of the list of calls for people.
func CallRow(c *analysis.Call, o *Options) []string {
	l := c.First()
	status := ""
	if l.FinalStatus != 0 {
		status = strconv.Itoa(l.FinalStatus)
	}
	legs := ""
	if n := len(c.Legs); n > 1 {
		legs = strconv.Itoa(n)
	}
	return []string{
		CallID(c), stampText(l.Begin), partyText(l.From, o), partyText(calledURI(l), o), l.State.String(), status,
		secondsText(l.PostDialDelay()), secondsText(l.SetupTime()), secondsText(l.TalkTime()), legs,
	}
}

// CallColumns are the columns of that list.
var CallColumns = []GridColumn{
	{Head: "ID"}, {Head: "START", Stamp: true, Spare: 5}, {Head: "FROM", Min: 7}, {Head: "TO", Min: 7}, {Head: "STATE", Colour: wordColour}, {Head: "CODE", Colour: statusColour, Spare: 6},
	{Head: "PDD s", Right: true, Spare: 3}, {Head: "SETUP s", Right: true, Spare: 2}, {Head: "TALK s", Right: true, Spare: 4}, {Head: "LEGS", Right: true, Spare: 1},
}

// calledURI returns what was called: the To header field, or where that is missing the
// Request-URI.
func calledURI(l *analysis.Leg) string {
	if l.To != "" {
		return l.To
	}
	return l.RequestURI
}

// partyText shortens a URI to what people say: the user, or where there is none the host.
func partyText(uri string, o *Options) string {
	if !o.Secrets {
		uri = string(clean.AppendURIs(nil, []byte(uri)))
	}
	return clean.Text(shortURI(uri))
}

func shortURI(uri string) string {
	for i := 0; i < len(uri); i++ {
		if uri[i] == ':' {
			uri = uri[i+1:]
			break
		}
	}
	for i := 0; i < len(uri); i++ {
		if uri[i] == '@' && i > 0 {
			user, _, _ := strings.Cut(uri[:i], ";") // parameters of a telephone number
			return user
		}
	}
	return uri
}

func clockText(t time.Time) string {
	if t.IsZero() {
		return "--:--:--.---"
	}
	var b [40]byte
	return string(words.AppendTime(b[:0], t)[11:23])
}

// stampText writes a time with its date, which is dayOf it.
func stampText(t time.Time) string {
	if t.IsZero() {
		return clockText(t)
	}
	var b [40]byte
	return string(append(words.AppendTime(b[:0], t)[:10], ' ')) + clockText(t)
}

// dayOf returns the date of a stampText with the blank behind it, "" for none.
func dayOf(stamp string) string { return stamp[:max(len(stamp)-len("--:--:--.---"), 0)] }

// clockOn writes a time of day, with the date where that is not the one of another time.
func clockOn(t, other time.Time) string {
	s := stampText(t)
	if day := dayOf(s); day == dayOf(stampText(other)) {
		return s[len(day):]
	}
	return s
}

func secondsText(d time.Duration, ok bool) string {
	if !ok {
		return ""
	}
	digits := 3
	if d >= 100*time.Second {
		digits = 1
	}
	var b [32]byte
	return string(words.AppendSeconds(b[:0], d, digits))
}
