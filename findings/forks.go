package findings

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/sipmsg"
)

var forkOutcomes = &Rule{
	ID: "fork-outcomes", RFC: "RFC 3261 13.2.2.4, 16.7", Severity: "note / error",
	Title: "an INVITE that several phones answered",
	Doc: `Responses to one INVITE (same CSeq and From tag) carry several To tags. A tag counts that a response from 101 to 299 carried, or a refusal on one of several branches of the same
sender whose receiver did not pass the INVITE on; the tag that a server gives in place of those that it gets does not. What became of each is a note. It is an error, which tells that as well, where two or more were answered 2xx, and one of them, but for the one that is kept, got no ACK or no BYE
with its tag in 32 s, or no ACK up to the end of the capture although it was sent three times (one that is sent once, and whose BYE is accepted, had its ACK); or where a branch was answered 6xx and the caller got another refusal below 600.`,
	Why: "A second phone that answered and was not let go is a ghost call: somebody hears silence. And a 6xx says that no other phone should be tried.",
	Fix: "The caller has to acknowledge each 2xx and to send BYE to all but one; the proxy has to pass a 6xx on in place of every other refusal.",
	Odd: "a further phone answered and was not let go",

	needs: manyTags,
	leg: func(r *legRun) {
		if !r.manyTags() {
			return
		}
		var done []int // transactions whose INVITE was looked at
		for i := range r.Transactions {
			t := &r.Transactions[i]
			if t.Method != "INVITE" || !t.Initial || slices.ContainsFunc(done, func(j int) bool { return r.sameRequest(i, j) }) {
				continue
			}
			done = append(done, i)
			if f := r.forksOf(i); len(f.tags) > 1 {
				r.applies()
				r.tellForks(&f)
			}
		}
	},
}

// manyTags reports whether responses to first INVITEs carry more than one To tag.
func (r *legRun) manyTags() bool {
	var tag uint64
	for i := range r.Messages {
		m := &r.Messages[i]
		if m.Request || m.Method != "INVITE" || m.Status <= 100 || m.ToTag == 0 || m.Transaction < 0 || !r.Transactions[m.Transaction].Initial {
			continue
		}
		if tag != 0 && tag != m.ToTag {
			return true
		}
		tag = m.ToTag
	}
	return false
}

// A fork is what became of an INVITE with all its branches.
type fork struct {
	first    int   // the transaction nearest to the caller
	branches []int // all its transactions
	tags     []forkTag
}

// A forkTag is one of those who answered.
type forkTag struct {
	tag    uint64
	at     int // the first message with it: nearest to who answered
	best   int // the message that says most: a final response, or the last provisional one
	leaf   bool
	dialog bool       // a response from 101 to 299 carried it
	ways   []hostPair // that responses with it went, at most maxTagWays
}

// maxForks bounds the tags that are told apart of one INVITE.
const maxForks = 64

// maxTagWays bounds the ways of one of them: a response passes each hop once.
const maxTagWays = 16

// forksOf returns what became of the INVITE of a transaction.
func (r *legRun) forksOf(first int) (f fork) {
	f.first = first
	of := make([]bool, len(r.Transactions))
	for j := range r.Transactions {
		if of[j] = r.Transactions[j].Initial && r.sameRequest(first, j); of[j] {
			f.branches = append(f.branches, j)
		}
	}
	if r.Transactions[first].Requests == 0 {
		f.first = r.nearest(&f)
	}
	for i := range r.Messages {
		m := &r.Messages[i]
		if m.Request || m.Status <= 100 || m.ToTag == 0 || m.Transaction < 0 || m.Method != "INVITE" || !of[m.Transaction] {
			continue
		}
		k := slices.IndexFunc(f.tags, func(x forkTag) bool { return x.tag == m.ToTag })
		if k < 0 {
			if len(f.tags) == maxForks {
				continue
			}
			k = len(f.tags)
			f.tags = append(f.tags, forkTag{tag: m.ToTag, at: i, best: i, leaf: r.onLeaf(&f, m.Transaction)})
		}
		x := &f.tags[k]
		x.dialog = x.dialog || m.Status < 300
		if p := hostsOf(m.Source, m.Destination); len(x.ways) < maxTagWays && !slices.Contains(x.ways, p) {
			x.ways = append(x.ways, p)
		}
		if r.Messages[x.best].Status < 200 && m.Status >= 180 || m.Status/100 == 2 && r.Messages[x.best].Status/100 != 2 {
			x.best = i
		}
	}
	f.tags = slices.DeleteFunc(f.tags, func(x forkTag) bool { return !x.dialog && !x.leaf })
	all := f.tags
	f.tags = nil
	for i := range all {
		if x := &all[i]; len(all) == 1 || !r.renamed(all, x) {
			f.tags = append(f.tags, *x)
		}
	}
	return f
}

// nearest returns the transaction of a fork that is nearest to the caller, by who sends to whom: where its INVITE is not in the capture, that
// nearest to who answers stands first.
func (r *legRun) nearest(f *fork) int {
	first := f.first
	for range maxVia {
		at, _ := r.ends(&r.Transactions[first])
		i := slices.IndexFunc(f.branches, func(j int) bool {
			src, dst := r.ends(&r.Transactions[j])
			return dst.Addr() == at.Addr() && src.Addr() != at.Addr()
		})
		if i < 0 {
			break
		}
		first = f.branches[i]
	}
	return first
}

// renamed reports whether a To tag is that which a server gave in place of those that it got: it passed
// the INVITE on, with the same From tag, and none of the tags that came back went on from it.
func (r *legRun) renamed(all []forkTag, x *forkTag) bool {
	caller, server := r.ends(&r.Transactions[r.Messages[x.at].Transaction])
	got, passed := false, false
	for i := range all {
		if all[i].tag == x.tag {
			continue
		}
		came, went := false, false
		for _, p := range all[i].ways {
			came = came || p.dst == server.Addr() && p.src != caller.Addr()
			went = went || p.src == server.Addr()
		}
		got, passed = got || came, passed || came && went
	}
	return got && !passed
}

// onLeaf reports whether a transaction is one of several branches of its sender, and its
// receiver did not pass the INVITE on.
func (r *legRun) onLeaf(f *fork, i int) bool {
	src, dst := r.ends(&r.Transactions[i])
	several := false
	for _, j := range f.branches {
		s, d := r.ends(&r.Transactions[j])
		if s.Addr() == dst.Addr() && d.Addr() != src.Addr() {
			return false
		}
		several = several || j != i && s.Addr() == src.Addr()
	}
	return several
}

func (r *legRun) tellForks(f *fork) {
	var frames []analysis.Frame
	var each []string
	var answered []int
	six := -1
	for k, x := range f.tags {
		m := &r.Messages[x.best]
		frames = append(frames, m.Frame)
		each = append(each, fmt.Sprintf("%s %d", endpoint(r.Messages[x.at].Source), m.Status))
		if m.Status/100 == 2 {
			answered = append(answered, k)
		}
		if m.Status >= 600 && six < 0 {
			six = k
		}
	}
	up := &r.Transactions[f.first]
	said := fmt.Sprintf("%d To tags: %s; the caller got %s", len(f.tags), strings.Join(each, ", "), orNothing(up.Status))
	var wrong []Finding
	if len(answered) > 1 {
		wrong = r.ghosts(f, answered)
	}
	if lost, ok := r.lostRefusal(f, six); ok {
		wrong = append(wrong, lost)
	}
	if len(wrong) == 0 {
		r.report(Finding{
			Severity: Note, Frames: frames, Observed: said,
			Expected: "one phone that answers, and CANCEL or BYE for the others",
			NextStep: "Nothing, unless a phone that should ring did not: the list says which ones were asked.",
		})
	}
	for i := range wrong {
		if i == 0 {
			wrong[0].Observed += "; " + said
		}
		r.report(wrong[i])
	}
}

// lostRefusal tells that a refusal of 600 and over, that of a tag, did not get to the caller; ok is false where that is not so.
func (r *legRun) lostRefusal(f *fork, six int) (lost Finding, ok bool) {
	up := &r.Transactions[f.first]
	if six < 0 || up.Status < 300 || up.Status >= 600 || up.Status == 487 && up.Cancelled || f.tags[six].best < 0 {
		return lost, false
	}
	m := &r.Messages[f.tags[six].best]
	if m.Transaction == f.first || !up.Answered.After(m.Time) {
		return lost, false
	}
	return Finding{
		Severity: Error, Frames: []analysis.Frame{m.Frame, up.FinalFrame}, RFC: "RFC 3261 16.7",
		Observed: fmt.Sprintf("%s answered %d, and the caller got %d", endpoint(m.Source), m.Status, up.Status),
		Expected: fmt.Sprintf("%d to the caller", m.Status),
		NextStep: "Make the proxy that forks pass a 6xx on in place of every other refusal.",
	}, true
}

func orNothing(status int) string {
	if status == 0 {
		return "no final response"
	}
	return fmt.Sprint(status)
}

// ghosts tells of those that were answered and neither kept nor let go. The one that is
// kept is that with an ACK whose BYE comes last, and late: who sends it has talked. Where none is late, it may be one without.
func (r *legRun) ghosts(f *fork, answered []int) (list []Finding) {
	kept, keptUntil := -1, time.Time{}
	acked, bye := make([]bool, len(f.tags)), make([]int, len(f.tags))
	for _, k := range answered {
		x := &f.tags[k]
		acked[k], bye[k] = r.letGo(x)
		if i := bye[k]; !acked[k] && i >= 0 && r.Messages[i].Transaction >= 0 { // one that is accepted, where the 2xx is not repeated, had an ACK ahead of it
			acked[k] = r.Transactions[r.Messages[i].Transaction].Status/100 == 2 && r.copies(r.Messages[x.best].Frame) == 0
		}
		until := r.Now.Add(time.Hour)
		if bye[k] >= 0 {
			if until = r.Messages[bye[k]].Time; until.Sub(r.Messages[x.best].Time) > timeout {
				until = until.Add(2 * time.Hour)
			}
		}
		if acked[k] && (kept < 0 || until.After(keptUntil)) {
			kept, keptUntil = k, until
		}
	}
	for _, k := range answered {
		m := &r.Messages[f.tags[k].best]
		late := bye[k] >= 0 && r.Messages[bye[k]].Time.Sub(m.Time) > timeout
		if k == kept || acked[k] && bye[k] >= 0 && !late {
			continue
		}
		missing := "ACK and BYE"
		switch {
		case acked[k]:
			missing = "BYE"
		case bye[k] >= 0 && !late:
			missing = "ACK"
		}
		frames := []analysis.Frame{m.Frame}
		if kept >= 0 {
			frames = []analysis.Frame{r.Messages[f.tags[kept].best].Frame, m.Frame}
		}
		g, waited, confidence := waitFor(m.Source, m.Destination, m.Time, m.Transport), min(r.since(m.Time), timeout), Certain
		switch copies := r.copies(m.Frame); {
		case acked[k]:
		case copies == 0:
			g.misses = 2 // the ACK and the BYE
		case copies > 1 && waited < timeout: // whoever sent it saw no ACK
			g.wait, confidence = 0, Likely
		}
		list = append(list, Finding{
			Severity: Error, Confidence: confidence, Frames: frames, RFC: "RFC 3261 13.2.2.4", gate: g,
			Observed: fmt.Sprintf("%d phones answered one INVITE; the %d of %s got no %s in %s", len(answered), m.Status, endpoint(r.Messages[f.tags[k].at].Source), missing, plain(waited.Round(100*time.Millisecond))),
			Expected: "ACK and BYE for each 2xx but one",
			NextStep: "Make the caller acknowledge each 2xx and send BYE to all but one.",
		})
	}
	return list
}

// copies returns how often the message with a frame was sent again.
func (r *legRun) copies(f analysis.Frame) (n int) {
	for i := range r.Messages {
		n += toInt(r.Messages[i].Resent == f)
	}
	return n
}

// letGo returns whether an ACK with a To tag was seen, and the first BYE of its dialog.
func (r *legRun) letGo(x *forkTag) (acked bool, bye int) {
	bye = -1
	from := r.Messages[x.best].FromTag
	for i := x.at; i < len(r.Messages); i++ {
		m := &r.Messages[i]
		switch {
		case !m.Request:
		case m.Method == "ACK" && m.ToTag == x.tag && m.FromTag == from:
			acked = true
		case m.Method == "BYE" && bye < 0 && (m.ToTag == x.tag && m.FromTag == from || m.FromTag == x.tag && m.ToTag == from):
			bye = i
		}
	}
	return acked, bye
}

const (
	// maxTargets bounds the targets of redirections that are remembered of a leg.
	maxTargets = 64

	// deepDiversion is how many times a call may be diverted before it is worth a note.
	deepDiversion = 5
)

var redirectLoop = &Rule{
	ID: "redirect-loop", RFC: "RFC 3261 8.1.3.4; RFC 7044, 5806", Severity: "error / note",
	Title: "a redirection to where the call has been, or one after many",
	Doc: `On one Call-ID a 3xx (other than 305) names only targets whose Request-URI an INVITE was sent to before, or an INVITE is sent to a Request-URI that was answered 3xx before: an
error, and a note where the call is answered all the same. URIs are compared by scheme, user, host, port, transport, maddr and what a number was found to be ported to (RFC 4694). An INVITE with more than 5 entries of History-Info, or more than 5 diversions in Diversion (counters included), is a note.`,
	Why: "Two diversions that point at each other never ring: the call goes back and forth until somebody gives up.",
	Fix: "Look at the forwarding rules of the users in the Contacts of the 3xx: they point at each other.",

	needs: diverted,
	leg: func(r *legRun) {
		r.deep()
		redirected := false
		for i := range r.Transactions {
			t := &r.Transactions[i]
			redirected = redirected || t.Method == "INVITE" && t.Status/100 == 3 && t.Status != 305
		}
		if redirected {
			r.applies()
			r.circles()
		}
	},
}

// A visited is a target that an INVITE was sent to.
type visited struct {
	uri        string
	request    int // the INVITE
	redirected int // the 3xx to it, -1 for none
}

// targets are those that a leg was sent to.
type targets []visited

func (t targets) find(uri string) *visited {
	for i := range t {
		if t[i].uri == uri {
			return &t[i]
		}
	}
	return nil
}

// circles reports the first redirection of a leg that leads to where the call has been.
func (r *legRun) circles() {
	var seen targets
	for i := range r.Messages {
		m := &r.Messages[i]
		if m.Method != "INVITE" || m.Partial || m.Resent.Number != 0 || m.Transaction < 0 || !r.Transactions[m.Transaction].Initial {
			continue
		}
		var f *Finding
		switch {
		case m.Request:
			f = r.visits(&seen, i)
		case m.Status/100 == 3 && m.Status != 305:
			f = r.leadsBack(seen, i)
		}
		if f != nil {
			f.Because, f.end = "the call was redirected in a circle", unreached
			if r.Leg.Answered.After(m.Time) {
				f.Severity, f.Observed = Note, f.Observed+"; the call was answered all the same"
			}
			r.report(*f)
			return
		}
	}
}

// visits takes in the target of INVITE i, and returns the finding that it was redirected from there before.
func (r *legRun) visits(seen *targets, i int) *Finding {
	x := r.Message(i)
	if x == nil {
		return nil
	}
	uri := targetOf(x.RequestURI)
	v := seen.find(uri)
	if v == nil {
		if len(*seen) < maxTargets {
			*seen = append(*seen, visited{uri, i, -1})
		}
		return nil
	}
	if v.redirected < 0 {
		return nil
	}
	m, to := &r.Messages[i], &r.Messages[v.redirected]
	if !m.Time.After(to.Time) || m.CSeq == r.Messages[v.request].CSeq {
		return nil
	}
	return &Finding{
		Severity: Error, Frames: r.frames(v.request, v.redirected, i),
		Observed: fmt.Sprintf("INVITE to a target that had answered %d %s before: %s", to.Status, seconds(m.Time.Sub(to.Time)), quote([]byte(uri))),
		Expected: "no target twice",
	}
}

// leadsBack takes in redirection i, and returns the finding that all it names are targets that the call has been sent to.
func (r *legRun) leadsBack(seen targets, i int) *Finding {
	m := &r.Messages[i]
	req := r.requestOf(m.Transaction)
	if req < 0 {
		return nil
	}
	if x := r.Message(req); x != nil {
		if v := seen.find(targetOf(x.RequestURI)); v != nil && v.redirected < 0 {
			v.redirected = i
		}
	}
	x := r.Message(i)
	if x == nil {
		return nil
	}
	var first *visited
	for c := range x.Values(sipmsg.Contact) {
		v := seen.find(targetOf(sipmsg.ParseAddress(c).URI))
		if v == nil || !r.earlier(v.request, i) {
			return nil
		}
		if first == nil {
			first = v
		}
	}
	if first == nil {
		return nil
	}
	f := &Finding{
		Severity: Error, Frames: r.frames(first.request, i),
		Observed: fmt.Sprintf("%d names a target that the call has been sent to already: %s", m.Status, quote([]byte(first.uri))),
		Expected: "a target that is new",
	}
	if first.request != req {
		f.Frames = r.frames(first.request, req, i)
	}
	return f
}

// earlier reports whether an INVITE was sent before a redirection, and does not follow it though it stands ahead of it in the capture.
func (r *legRun) earlier(invite, redirection int) bool {
	a, b := &r.Messages[invite], &r.Messages[redirection]
	return a.Transaction == b.Transaction || a.CSeq <= b.CSeq && !a.Time.After(b.Time)
}

// targetOf returns what tells targets apart of a URI.
func targetOf(b []byte) string {
	u := sipmsg.ParseURI(b)
	if u.Opaque != nil {
		return u.Scheme.String() + ":" + string(u.Opaque)
	}
	s := u.Scheme.String() + ":"
	s += string(sipmsg.AppendUnescaped(nil, u.User))
	if len(u.User) > 0 && len(u.Host) > 0 { // a tel URI has no host
		s += "@"
	}
	s += strings.ToLower(string(u.Host))
	if u.PortText != nil && !(u.HasPort && u.Port == 5060) {
		s += ":" + string(u.PortText)
	}
	for _, p := range []string{"transport", "maddr", "npdi", "rn"} {
		if v, ok := u.Params.Get(p); ok && !strings.EqualFold(string(v), "udp") {
			s += ";" + p + "=" + strings.ToLower(string(v))
		}
	}
	return s
}

// deep reports an INVITE that was diverted many times.
func (r *legRun) deep() {
	for i := range r.Messages {
		m := &r.Messages[i]
		if !m.Request || m.Method != "INVITE" || m.ToTag != 0 || m.Partial || !m.Fields.Has(sipmsg.HistoryInfo) && !m.Fields.Has(sipmsg.Diversion) {
			continue
		}
		x := r.Message(i)
		if x == nil {
			continue
		}
		r.applies()
		entries, diversions := 0, 0
		for range x.Values(sipmsg.HistoryInfo) {
			entries++
		}
		for v := range x.Values(sipmsg.Diversion) {
			diversions += int(min(max(sipmsg.ParseDiversion(v).Counter, 1), 1000))
		}
		if entries <= deepDiversion && diversions <= deepDiversion {
			continue
		}
		what := fmt.Sprintf("%d entries of History-Info", entries)
		if diversions > entries {
			what = fmt.Sprintf("%d diversions in Diversion", diversions)
		}
		r.report(Finding{
			Severity: Note, Frames: r.frames(i),
			Observed: "INVITE with " + what,
			Expected: "five or fewer",
			NextStep: "Look at whether the users in that list divert to each other.",
		})
		return
	}
}
