package report

import (
	"fmt"
	"maps"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/findings"
	"github.com/sipsight/sipsight/internal/clean"
	"github.com/sipsight/sipsight/internal/words"
)

// maxSummaryGroups bounds the peers and user agents in a summary: the busiest.
const maxSummaryGroups = 10

// maxKinds bounds the methods that a summary names, and the statuses of a brief one.
const maxKinds = 50

// leftOut writes how many of a list are left out, where there are any.
func (w *jsonWriter) leftOut(list string, n int) {
	if n > 0 {
		w.key(list + "_left_out").int(int64(n))
	}
}

// AppendSummary appends what a timeline holds in all: one JSON object, without a line end.
func AppendSummary(b []byte, res *analysis.Result, found []*findings.Finding, o *Options) []byte {
	w := &jsonWriter{b: b, secrets: o.Secrets, maxText: o.MaxText}
	s := &res.Statistics
	w.open('{')
	w.key("files").open('[')
	for i := range firstOf(res.Files, o.MaxFiles) {
		w.summaryFile(&res.Files[i])
	}
	w.close(']')
	if o.MaxFiles > 0 {
		w.leftOut("files", len(res.Files)-o.MaxFiles)
	}
	w.key("packets").int(res.Packets)
	if !res.Start.IsZero() {
		w.key("start").time(res.Start)
		w.key("end").time(res.End)
	}
	w.key("messages").int(s.Messages)
	w.key("requests").int(s.Requests)
	w.key("responses").int(s.Responses)
	w.key("methods").open('{')
	methods := s.MethodNames()
	for _, m := range firstOf(methods, maxKinds) {
		w.textKey(m).int(s.Methods[m])
	}
	w.close('}')
	w.leftOut("methods", len(methods)-maxKinds)
	codes := slices.Sorted(maps.Keys(s.Statuses))
	left := len(codes) - maxKinds
	if o.Brief && left > 0 { // the commonest
		sort.SliceStable(codes, func(i, j int) bool { return s.Statuses[codes[i]] > s.Statuses[codes[j]] })
		codes = codes[:maxKinds]
		slices.Sort(codes)
	}
	w.key("statuses").open('{')
	for _, code := range codes {
		w.key(strconv.Itoa(code)).int(s.Statuses[code])
	}
	w.close('}')
	if o.Brief {
		w.leftOut("statuses", left)
	}
	w.key("call_ids").int(int64(len(s.CallIDs)))
	w.callCounts(res.Traffic)
	w.otherCounts(res.Traffic, o)
	w.key("like_rtp_packets").int(likeRTP(res))
	if res.Measured {
		w.key("streams").int(int64(len(res.AllStreams())))
	}
	m := res.Overview()
	w.key("metrics").metrics(&m.Metrics)
	w.groups("peers", m.Peers, o)
	w.groups("user_agents", m.UserAgents, o)
	if !o.Brief {
		w.overTime(res.Traffic)
	}
	w.findingCounts(found)
	w.key("complete").bool(res.Complete())
	if limits := res.Limits(); len(limits) > 0 {
		w.key("limits").strings(limits)
	}
	w.end()
	return w.b
}

// findingCounts writes how many findings there are, by severity and by id.
func (w *jsonWriter) findingCounts(found []*findings.Finding) {
	w.key("findings").open('{')
	w.key("total").int(int64(len(found)))
	for s := findings.Error; s >= findings.Note; s-- {
		w.key(s.String())
		n := int64(0)
		for _, f := range found {
			if f.Severity == s {
				n++
			}
		}
		w.int(n)
	}
	list := tallies(found, false)
	w.key("by_id").open('{')
	for _, x := range list {
		w.key(x.id).int(int64(x.n))
	}
	w.close('}')
	several := false
	for _, x := range list {
		if x.all == x.n {
			continue
		}
		if !several {
			several = true
			w.key("instances").open('{')
		}
		w.key(x.id).int(int64(x.all))
	}
	if several {
		w.close('}')
	}
	w.close('}')
}

// A findingTally counts the findings of one id, or those of one id and severity.
type findingTally struct {
	id    string
	n     int               // findings
	all   int               // what they are true of: one of several calls or requests counts as many
	worst *findings.Finding // the first of the highest severity
}

// tallies counts findings by id, those of each severity apart or not, in the order of found: the worst first.
func tallies(found []*findings.Finding, apart bool) (list []findingTally) {
	for _, f := range found {
		i := slices.IndexFunc(list, func(t findingTally) bool {
			return t.id == f.ID && (!apart || t.worst.Severity == f.Severity)
		})
		if i < 0 {
			i = len(list)
			list = append(list, findingTally{id: f.ID, worst: f})
		}
		list[i].n++
		list[i].all += max(f.Count, 1)
	}
	return list
}

// appendFindingsText lists what was found, warnings and errors first: a note of an id that has an error elsewhere is none.
func appendFindingsText(b []byte, found []*findings.Finding, o *Options) []byte {
	list := tallies(found, true)
	label := "findings"
	notes := 0
	for _, x := range list {
		if x.worst.Severity == findings.Note {
			notes++
			continue
		}
		severity, start := x.worst.Severity.String(), len(b)+RowStart
		b = folded(b, label, "%s %s × %d: %s", severity, x.id, x.all, x.worst.Title())
		if o.Colour {
			more := string(b[start+len(severity):])
			b = append(append(b[:start], o.coloured(severity)...), more...)
		}
		label = ""
	}
	if notes > 0 {
		kinds := "1 kind of note"
		if notes > 1 {
			kinds = plural(int64(notes), "kind") + " of notes"
		}
		b = folded(b, label, "%s; sipsight findings lists them", kinds)
	}
	return b
}

// textKey writes text from a capture as a key.
func (w *jsonWriter) textKey(s string) *jsonWriter {
	w.text([]byte(s))
	w.b = append(w.b, ':')
	w.comma = false
	return w
}

// summaryFile writes what there is to know of one file.
func (w *jsonWriter) summaryFile(f *analysis.File) {
	c := f.Capture
	w.open('{')
	w.key("file").name(c.Name)
	if c.Err != nil {
		w.key("error").textLimit([]byte(openError(c)), 1000)
		w.close('}')
		return
	}
	w.key("packets").int(c.Packets)
	w.key("messages").int(f.Messages)
	if f.Copies > 0 {
		w.key("copies").int(f.Copies)
	}
	if f.Encrypted > 0 {
		w.key("encrypted_sip_flows").int(f.Encrypted)
	}
	w.key("complete").bool(c.Ended && c.Complete())
	w.close('}')
}

// stateCounts counts the calls by their state.
func stateCounts(t *analysis.Traffic) (counts [16]int, answered int) {
	counts = t.Overview().States
	return counts, counts[analysis.StateConfirmed] + counts[analysis.StateCompleted]
}

func (w *jsonWriter) callCounts(t *analysis.Traffic) {
	counts, answered := stateCounts(t)
	w.key("calls").open('{')
	w.key("total").int(int64(t.Calls.Len()))
	w.key("answered").int(int64(answered))
	for i, name := range analysis.States() {
		w.key(name).int(int64(counts[i]))
	}
	w.close('}')
}

func (w *jsonWriter) otherCounts(t *analysis.Traffic, o *Options) {
	v := t.Overview()
	w.key("registrations").open('{')
	w.key("total").int(int64(t.Registrations.Len()))
	w.key("attempts").int(int64(v.Registers))
	for i, name := range analysis.Outcomes() {
		w.key(name).int(int64(v.Outcomes[i]))
	}
	w.close('}')
	u := &t.Subscriptions
	w.key("subscriptions").open('{')
	for _, x := range []struct {
		key string
		n   int
	}{
		{"total", u.Total}, {"accepted", u.Accepted}, {"rejected", u.Rejected}, {"challenges", u.Challenges}, {"refreshes", u.Refreshes},
		{"notifications", u.Notified}, {"terminated", u.Terminated}, {"published", u.Published}, {"messages", u.Messages},
	} {
		w.key(x.key).int(int64(x.n))
	}
	w.close('}')
	most := maxLost
	if o.Brief {
		most = maxBriefLost
	}
	w.keepalives(t.Keepalives, neverAnswered(t.Keepalives, heard(t)), most)
}

// maxLost bounds the peers in a summary that were lost for a time, and those that never answered; maxBriefLost
// is for a brief one.
const (
	maxLost      = 50
	maxBriefLost = 8
)

// keepalives writes the OPTIONS traffic, and most of the peers that were lost for a time, or always: silent.
func (w *jsonWriter) keepalives(list, silent []*analysis.Keepalive, most int) {
	sent, answered, unanswered, never := 0, 0, 0, 0
	for _, k := range list {
		sent, answered, unanswered = sent+k.Sent, answered+k.Answered, unanswered+k.Unanswered
		if k.Answered == 0 && k.Unanswered > 0 {
			never++
		}
	}
	w.key("keepalives").open('{')
	w.key("peers").int(int64(len(list)))
	w.key("sent").int(int64(sent))
	w.key("answered").int(int64(answered))
	w.key("unanswered").int(int64(unanswered))
	w.key("never_answered_peers").int(int64(never))
	if len(silent) > 0 {
		w.key("never_answered").open('[')
		for _, k := range firstOf(silent, most) {
			w.open('{')
			w.pair("source", k.Source, k.Destination)
			w.key("sent").int(int64(k.Sent))
			w.close('}')
		}
		w.close(']')
		w.leftOut("never_answered", len(silent)-most)
	}
	w.outages(list, most)
	w.close('}')
}

// outages writes the first of the times in which peers were lost.
func (w *jsonWriter) outages(list []*analysis.Keepalive, most int) {
	n := 0
	for _, k := range list {
		for _, o := range k.Outages {
			if n == 0 {
				w.key("outages").open('[')
			}
			if n++; n > most {
				continue
			}
			w.open('{')
			w.pair("source", k.Source, k.Destination)
			w.key("down").time(o.Down)
			if !o.Up.IsZero() {
				w.key("up").time(o.Up)
			}
			w.key("lost").int(int64(o.Lost))
			w.close('}')
		}
	}
	if n > 0 {
		w.close(']')
		w.leftOut("outages", n-most)
	}
}

// heard returns who could be heard: peers of which anything came, or whose asker was answered by others. Where nothing
// did, the capture has one direction.
func heard(t *analysis.Traffic) func(*analysis.Keepalive) bool {
	return func(k *analysis.Keepalive) bool {
		from, to := k.Source.Addr(), k.Destination.Addr()
		saw, limited := t.Saw(to, from)
		return saw || limited || t.TwoWay(from)
	}
}

// neverAnswered returns the peers that answered no keepalive, of those that could be heard: first those that were
// sent the most.
func neverAnswered(list []*analysis.Keepalive, heard func(*analysis.Keepalive) bool) (silent []*analysis.Keepalive) {
	for _, k := range list {
		if k.Answered == 0 && k.Unanswered > 0 && heard(k) {
			silent = append(silent, k)
		}
	}
	sort.SliceStable(silent, func(i, j int) bool { return silent[i].Sent > silent[j].Sent })
	return silent
}

// metrics writes metrics; those that say nothing are left out.
func (w *jsonWriter) metrics(m *analysis.Metrics) {
	w.open('{')
	w.key("attempts").int(int64(m.Attempts))
	w.key("answered").int(int64(m.Answered))
	for _, x := range []struct {
		key string
		v   float64
	}{
		{"asr_percent", m.AnswerSeizure}, {"ner_percent", m.NetworkEffect}, {"ser_percent", m.Establishment}, {"seer_percent", m.Effectiveness},
		{"isa_percent", m.Ineffective}, {"scr_percent", m.Completion}, {"ira_percent", m.IneffectiveRegistrations},
	} {
		if x.v >= 0 {
			w.key(x.key).float(round(x.v))
		}
	}
	if m.Duration.Count > 0 {
		w.key("acd_ms").float(float64(m.Duration.Mean.Round(time.Microsecond)) / 1e6)
	}
	for _, x := range []struct {
		key string
		d   *analysis.Distribution
	}{
		{"post_dial_delay_ms", &m.PostDialDelay}, {"ring_ms", &m.RingTime}, {"setup_ms", &m.SetupTime}, {"talk_ms", &m.Duration},
		{"rrd_ms", &m.RegistrationDelay}, {"srd_ms", &m.RequestDelay}, {"srd_failed_ms", &m.FailedRequestDelay}, {"sdd_ms", &m.DisconnectDelay},
	} {
		if x.d.Count > 0 {
			w.key(x.key).distribution(x.d)
		}
	}
	if m.ByCaller+m.ByCallee > 0 {
		w.key("ended_by_caller").int(int64(m.ByCaller))
		w.key("ended_by_callee").int(int64(m.ByCallee))
	}
	w.close('}')
}

// distribution writes a distribution with all digits: a value that occurred is that of a row, and a filter with
// it finds that row.
func (w *jsonWriter) distribution(d *analysis.Distribution) {
	w.open('{')
	w.key("count").int(int64(d.Count))
	for _, x := range []struct {
		key string
		d   time.Duration
	}{{"min", d.Min}, {"median", d.Median}, {"p95", d.P95}, {"max", d.Max}} {
		w.key(x.key).float(float64(x.d) / 1e6)
	}
	w.close('}')
}

// maxBriefGroups bounds the peers and user agents in a brief summary: of a server with two carriers its own addresses come first.
const maxBriefGroups = 8

// groups writes the metrics of the busiest groups.
func (w *jsonWriter) groups(key string, list []analysis.Group, o *Options) {
	if len(list) == 0 {
		return
	}
	most := maxSummaryGroups
	if o.Brief {
		most = maxBriefGroups
	}
	w.key(key).open('[')
	for i := range firstOf(list, most) {
		g := &list[i]
		w.open('{')
		w.key("name").uris([]byte(g.Name))
		w.key("calls").int(int64(g.Calls))
		if o.Brief {
			if g.AnswerSeizure >= 0 {
				w.key("asr_percent").float(round(g.AnswerSeizure))
			}
		} else {
			w.key("metrics").metrics(&g.Metrics)
		}
		w.close('}')
	}
	w.close(']')
	if n := len(list) - most; n > 0 {
		w.key(key + "_left_out").int(int64(n))
	}
}

// overTime writes the calls over time.
func (w *jsonWriter) overTime(t *analysis.Traffic) {
	list, size := t.Overview().Buckets, t.Overview().Size
	if len(list) < 2 {
		return
	}
	w.key("calls_over_time").open('{')
	w.key("bucket_ms").int(size.Milliseconds())
	w.key("start").time(list[0].Start)
	for k, key := range [3]string{"calls", "answered", "failed"} {
		w.key(key).open('[')
		for i := range list {
			w.int(int64([3]int{list[i].Calls, list[i].Answered, list[i].Failed}[k]))
		}
		w.close(']')
	}
	w.close('}')
}

// AppendSummaryText appends the summary as one screen for people, whose rows are not broken for an o.Width
// below the usual one.
func AppendSummaryText(b []byte, res *analysis.Result, found []*findings.Finding, o *Options) []byte {
	s := &res.Statistics
	for i, f := range res.Files {
		if i < maxNamedFiles {
			b = append(append(b, clean.Text(f.Capture.Name)...), '\n')
		}
	}
	b = appendMoreFiles(b, len(res.Files)-maxNamedFiles)
	if !res.Start.IsZero() {
		b = foldedText(b, "time", spanText(res.Start, res.End))
	}
	b = folded(b, "packets", "%s, %s", group(res.Packets), plural(s.Messages, "SIP message"))
	if s.Messages > 0 {
		b = foldedText(b, "messages", strings.Join(append(methodCounts(s), statusCounts(s)...), ", "))
	}
	b = appendCallsText(b, res.Traffic)
	b = appendRegistrationsText(b, res.Traffic)
	b = appendStreamsText(b, res)
	m := res.Overview()
	b = appendMetricsText(b, &m.Metrics)
	b = appendGroupsText(b, "peers", m.Peers, maxBriefGroups, o)
	b = appendGroupsText(b, "user agents", m.UserAgents, maxBriefGroups/2, o)
	b = appendFailuresText(b, res.Traffic)
	b = appendFindingsText(b, found, o)
	return settle(appendUnreadText(b, res), o.Width)
}

// maxNamedFiles bounds the files that texts of one screen name: rotation leaves thousands.
const maxNamedFiles = 20

// appendMoreFiles says that so many files are not named, if there are any.
func appendMoreFiles(b []byte, n int) []byte {
	if n > 0 {
		b = fmt.Appendf(b, "and %s more\n", plural(int64(n), "file"))
	}
	return b
}

func spanText(a, b time.Time) string {
	from, to := string(words.AppendTime(nil, a)), string(words.AppendTime(nil, b))
	layout := func(s string) string { return s[:10] + " " + s[11:19] }
	if b.Sub(a) < time.Microsecond { // of one packet
		return layout(from) + " UTC"
	}
	if from[:10] == to[:10] {
		return fmt.Sprintf("%s to %s UTC (%s)", layout(from), to[11:19], words.Duration(b.Sub(a)))
	}
	return fmt.Sprintf("%s to %s UTC (%s)", layout(from), layout(to), words.Duration(b.Sub(a)))
}

// maxMethods bounds the methods that the summary for people names, and maxFailures why calls failed.
const (
	maxMethods  = 20
	maxFailures = 6
)

func methodCounts(s *analysis.Statistics) (list []string) {
	for _, m := range firstOf(s.MethodNames(), maxMethods) {
		list = append(list, fmt.Sprintf("%s %s", clean.Text(m), group(s.Methods[m])))
	}
	if n := len(s.Methods) - maxMethods; n > 0 {
		list = append(list, "and "+plural(int64(n), "method")+" more")
	}
	return list
}

func statusCounts(s *analysis.Statistics) (list []string) {
	for _, code := range slices.Sorted(maps.Keys(s.Statuses)) {
		list = append(list, fmt.Sprintf("%d × %s", code, group(s.Statuses[code])))
	}
	return list
}

func appendCallsText(b []byte, t *analysis.Traffic) []byte {
	if t.Calls.Len() == 0 {
		return folded(b, "calls", "none")
	}
	counts, answered := stateCounts(t)
	var list []string
	for i, name := range analysis.States() {
		if counts[i] > 0 {
			list = append(list, fmt.Sprintf("%s %s", group(int64(counts[i])), name))
		}
	}
	return folded(b, "calls", "%s, %s answered: %s", group(int64(t.Calls.Len())), group(int64(answered)), strings.Join(list, ", "))
}

func appendRegistrationsText(b []byte, t *analysis.Traffic) []byte {
	if n := t.Registrations.Len(); n > 0 {
		m := t.Overview()
		counts := &m.Outcomes
		var list []string
		for i, name := range analysis.Outcomes() {
			if counts[i] > 0 {
				list = append(list, fmt.Sprintf("%s %s", group(int64(counts[i])), name))
			}
			if i == int(analysis.RegRegistered) && m.Lapsed > 0 {
				list[len(list)-1] += fmt.Sprintf(" (%s ran out)", group(int64(m.Lapsed)))
			}
		}
		b = folded(b, "registers", "%s of record: %s", addresses(int64(n)), strings.Join(list, ", "))
	}
	if u := &t.Subscriptions; u.Total+u.Refreshes+u.Notified > 0 {
		b = folded(b, "subscribes", "%d new, %d again: %d accepted, %d rejected, %d challenged; %s", u.Total, u.Refreshes, u.Accepted, u.Rejected, u.Challenges, plural(int64(u.Notified), "notification"))
	}
	if n := len(t.Keepalives); n > 0 {
		sent, unanswered := 0, 0
		for _, k := range t.Keepalives {
			sent, unanswered = sent+k.Sent, unanswered+k.Unanswered
		}
		b = folded(b, "keepalives", "%s OPTIONS between %s, %s unanswered%s", group(int64(sent)), plural(int64(n), "pair"), group(int64(unanswered)), silentText(neverAnswered(t.Keepalives, heard(t))))
	}
	return b
}

// silentText names peers that never answered: the first three.
func silentText(silent []*analysis.Keepalive) string {
	if len(silent) == 0 {
		return ""
	}
	b := fmt.Appendf(nil, "; %s never answered:", plural(int64(len(silent)), "peer"))
	for i, k := range firstOf(silent, 3) {
		if i > 0 {
			b = append(b, ',')
		}
		b = words.AppendEndpoint(append(b, ' '), k.Destination)
	}
	if len(silent) > 3 {
		b = append(b, ", …"...)
	}
	return string(b)
}

// likeRTP returns how many packets look like media.
func likeRTP(res *analysis.Result) (n int64) {
	for i := range res.Files {
		n += res.Files[i].LikeRTP
	}
	return n
}

// appendStreamsText says how many packets look like media, and what tells of them.
func appendStreamsText(b []byte, res *analysis.Result) []byte {
	like := plural(likeRTP(res), "packet") + " like RTP"
	streams := int64(len(res.AllStreams()))
	switch {
	case streams > 0:
		return folded(b, "media", "%s, %s; sipsight streams lists them", like, plural(streams, "stream"))
	case likeRTP(res) == 0:
		return b
	case res.Measured:
		return folded(b, "media", "%s, no streams", like)
	}
	return folded(b, "media", "%s, not measured; sipsight streams does that", like)
}

func addresses(n int64) string {
	if n == 1 {
		return "1 address"
	}
	return group(n) + " addresses"
}

func appendMetricsText(b []byte, m *analysis.Metrics) []byte {
	if m.Attempts > 0 {
		b = folded(b, "quality", "ASR %.1f %%, NER %.1f %%, SEER %.1f %%, ISA %.1f %%", m.AnswerSeizure, m.NetworkEffect, max(m.Effectiveness, 0), m.Ineffective)
	}
	for _, x := range []struct {
		label string
		d     *analysis.Distribution
	}{{"PDD", &m.PostDialDelay}, {"setup", &m.SetupTime}, {"talk", &m.Duration}, {"register", &m.RegistrationDelay}} {
		switch x.d.Count {
		case 0:
		case 1:
			b = foldedText(b, x.label, words.Duration(x.d.Max))
		default:
			b = folded(b, x.label, "median %s, 95 %% up to %s, longest %s", words.Duration(x.d.Median), words.Duration(x.d.P95), words.Duration(x.d.Max))
		}
	}
	return b
}

func appendGroupsText(b []byte, label string, list []analysis.Group, most int, o *Options) []byte {
	if len(list) < 2 {
		return b
	}
	for i, g := range firstOf(list, most) {
		if i > 0 {
			label = ""
		}
		asr := ""
		if g.AnswerSeizure >= 0 {
			asr = fmt.Sprintf(", ASR %.0f %%", g.AnswerSeizure)
		}
		b = folded(b, label, "%s: %s%s", cut(uriText(g.Name, o), 40), plural(int64(g.Calls), "call"), asr)
	}
	return appendMore(b, len(list)-most)
}

// appendMore says how many more there are than are listed, if any.
func appendMore(b []byte, n int) []byte {
	if n <= 0 {
		return b
	}
	return row(b, "", "and %s more", group(int64(n)))
}

// appendFailuresText lists why calls failed, the commonest reason first.
func appendFailuresText(b []byte, t *analysis.Traffic) []byte {
	type failure struct {
		what  string
		n     int
		first string
	}
	var list []*failure
	for c := range t.Calls.Heads() {
		l := c.First()
		what := ""
		switch l.State {
		case analysis.StateFailed:
			what = words.Status(l.FinalStatus)
		case analysis.StateAbandoned:
			what = "no final response"
		default:
			continue
		}
		i := slices.IndexFunc(list, func(f *failure) bool { return f.what == what })
		if i < 0 {
			list = append(list, &failure{what, 0, CallID(c)})
			i = len(list) - 1
		}
		list[i].n++
	}
	sort.SliceStable(list, func(i, k int) bool { return list[i].n > list[k].n })
	for i, f := range firstOf(list, maxFailures) {
		label := "failures"
		if i > 0 {
			label = ""
		}
		b = folded(b, label, "%s: %s, first %s", f.what, plural(int64(f.n), "call"), f.first)
	}
	return appendMore(b, len(list)-maxFailures)
}

// appendSealedText says in rows, or folded ones, what of a capture may be SIP and is not seen.
func appendSealedText(b []byte, f *analysis.File, row func(b []byte, label, format string, args ...any) []byte) []byte {
	if f.Encrypted > 0 {
		b = row(b, "encrypted", "%s", encryptedText(f))
	}
	for _, n := range f.Notes {
		if link, ok := strings.CutPrefix(n.ID, "link-type-"); ok && n.Count > 0 {
			b = row(b, "not decoded", "%s of %s: link type %s is not known", plural(n.Count, "packet"), clean.Text(f.Capture.Name), strings.TrimSuffix(link, "-not-decoded"))
		}
	}
	return b
}

// appendUnreadText says what could not be read, and what limits were met.
func appendUnreadText(b []byte, res *analysis.Result) []byte {
	for i := range res.Files {
		f := &res.Files[i]
		b = appendSealedText(b, f, folded)
		if f.Capture.Err != nil {
			b = folded(b, "not read", "%s: %s", clean.Text(f.Capture.Name), clean.Text(openError(f.Capture)))
		} else if !f.Capture.Complete() {
			b = folded(b, "incomplete", "%s is damaged; sipsight info tells where", clean.Text(f.Capture.Name))
		} else if !f.Capture.Ended {
			b = folded(b, "incomplete", "%s was not read to its end", clean.Text(f.Capture.Name))
		}
	}
	if limits := res.Limits(); len(limits) > 0 {
		b = folded(b, "limits met", "%s: what was over them is not in the numbers", strings.Join(limits, ", "))
	}
	return b
}
