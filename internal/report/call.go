package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/findings"
	"github.com/sipsight/sipsight/internal/clean"
	"github.com/sipsight/sipsight/internal/words"
)

// AppendCallText appends one call for people: its verdict, who took part, its times and
// its messages. width bounds the lines of the timeline; 0 is no bound. Where it is below the usual width
// of a terminal, sentences and rows with labels are not broken.
func AppendCallText(b []byte, c *analysis.Call, o *Options, found []*findings.Finding, width int) []byte {
	l := c.First()
	b = fmt.Appendf(b, "%s  %s → %s  %s\n", CallID(c), partyText(l.From, o), partyText(calledURI(l), o), o.coloured(l.State.String()))
	b = append(appendFolded(b, c.Verdict(), 0), '\n')
	b = foldedText(b, "Call-ID", clean.Text(l.CallID))
	b = foldedText(b, "from", uriText(l.From, o))
	b = foldedText(b, "to", uriText(l.To, o))
	if l.RequestURI != "" {
		b = foldedText(b, "request-URI", uriText(l.RequestURI, o))
	}
	b = folded(b, "path", "%s → %s, %s", words.AppendEndpoint(nil, l.Source), words.AppendEndpoint(nil, l.Destination), hopsText(c))
	for i, ua := range userAgents(c) {
		label := "user agents"
		if i > 0 {
			label = ""
		}
		b = foldedText(b, label, uriText(ua, o))
	}
	if !l.Begin.IsZero() {
		b = row(b, "began", "%s UTC", stampText(l.Begin))
	}
	b = appendTimesText(b, l)
	if m := l.Media; m != nil {
		b = foldedText(b, "codecs", clean.Text(strings.Join(commonCodecs(m), ", ")))
		for i := range m.Lines {
			b = folded(b, "", "%s: %s", m.Lines[i].Side, clean.Text(m.Lines[i].Text()))
		}
		if !o.NoMedia {
			b = appendSessionsText(b, c, o)
		}
		if !m.HeldAt.IsZero() {
			held := "never resumed"
			if m.Resumed {
				held = "resumed"
			}
			b = folded(b, "hold", "by the %s at %s, %s", m.HeldBy, clockOn(m.HeldAt, l.Begin), held)
		}
	}
	if own := ownPhrase(l.FinalStatus, l.FinalReason); own != "" && l.FinalStatus >= 300 {
		b = foldedText(b, "response", fmt.Sprintf("%d%s", l.FinalStatus, quoted(own, o)))
	}
	if l.Cause != "" {
		b = foldedText(b, "reason", uriText(l.Cause, o))
	}
	for _, r := range l.Redirects {
		b = foldedText(b, "redirected to", uriText(r, o))
	}
	for _, t := range c.Transfers() {
		b = folded(b, "transfer", "to %s: %s", uriText(t.Target, o), t.String())
	}
	b = appendLinksText(b, c, o)
	for i := range l.Dialogs {
		d := &l.Dialogs[i]
		b = folded(b, "dialog", "%s / %s, %s", clean.Text(d.LocalTag), clean.Text(d.RemoteTag), d.State)
	}
	for i, x := range c.Legs[1:] {
		state := x.State.String()
		if x.FinalStatus >= 300 {
			state += " with " + words.Status(x.FinalStatus)
		}
		b = folded(b, fmt.Sprintf("leg %d", i+2), "%s, %s → %s, %s", clean.Text(x.CallID), partyText(x.From, o), partyText(x.To, o), state)
		for _, j := range x.Joins {
			b = folded(b, "", "joined (score %d): %s", j.Score, strings.Join(j.Reason, ", "))
		}
	}
	b = appendMediaText(b, c, o, width)
	b = appendTimelineText(append(b, '\n'), c, o, width)
	return settle(appendCallFindings(b, c, o, found), width)
}

// appendMediaText appends the RTP streams of a call as a table. Its day has been told.
func appendMediaText(b []byte, c *analysis.Call, o *Options, width int) []byte {
	list := streamsOf(c)
	if len(list) == 0 {
		return b
	}
	b = append(b, "\nMEDIA\n"...)
	g := Grid{Columns: append([]GridColumn{{Head: "SENT BY", Spare: 11}}, StreamColumns[:len(StreamColumns)-1]...), Colour: o.Colour, day: dayOf(stampText(c.First().Begin))}
	for _, s := range firstOf(list, maxCallStreams) {
		row := StreamRow(s, o)
		by := s.SentBy.String()
		if s.RelayHop {
			by += " (relay hop)"
		}
		g.Add(append([]string{by}, row[:len(row)-1]...)...)
	}
	b = g.Append(b, width)
	if n := len(list) - maxCallStreams; n > 0 {
		b = fmt.Appendf(b, "and %s more\n", plural(int64(n), "stream"))
	}
	return b
}

// ofCall returns the findings of a call.
func ofCall(c *analysis.Call, found []*findings.Finding) (list []*findings.Finding) {
	for _, f := range findings.Singly(found) {
		if f.Call == c.ID {
			list = append(list, f)
		}
	}
	return list
}

// maxNamed bounds the messages that stand in a shortened timeline for one finding.
const maxNamed = 4

// AppendCallJSON appends one call in full, with its findings: one JSON object. MaxSteps and
// MaxProofs bound it, and a note says so, as it says what is missing from the analysis.
func AppendCallJSON(b []byte, o *Options, c *analysis.Call, found []*findings.Finding) []byte {
	x := *c
	x.Findings = nil // the whole findings take the place of their ids
	list := ofCall(c, found)
	of := *o
	for _, f := range list {
		of.named = append(of.named, firstOf(f.Frames, maxNamed)...)
	}
	b = Calls.AppendJSON(b, &of, &x, true)
	b = append(b[:len(b)-1], ',')
	b = appendCallProofs(b, o, list)
	b = appendCallNote(b, o, c, len(list))
	return append(b, '}')
}

// AppendCallBrief appends what a list says of a call, with its findings up to MaxProofs in place of the timeline: an object that is not closed.
func AppendCallBrief(b []byte, o *Options, c *analysis.Call, found []*findings.Finding) []byte {
	x := *c
	x.Findings = nil
	b = Calls.AppendBrief(b, o, &x)
	return appendCallProofs(append(b[:len(b)-1], `,"timeline":[],`...), o, ofCall(c, found))
}

// appendCallProofs appends the findings of a call, whole.
func appendCallProofs(b []byte, o *Options, list []*findings.Finding) []byte {
	b = append(b, `"findings":[`...)
	for i, f := range firstOf(list, o.MaxProofs) {
		if i > 0 {
			b = append(b, ',')
		}
		b = Findings.AppendJSON(b, o, f, true)
	}
	return append(b, ']')
}

// appendCallNote appends what is not told of a call that has as many findings.
func appendCallNote(b []byte, o *Options, c *analysis.Call, findings int) []byte {
	if o.Missing != "" {
		b = append(b, `,"complete":false`...)
	}
	var left []string
	if n := len(Timeline(c)); o.MaxSteps > 0 && n > o.MaxSteps {
		left = append(left, fmt.Sprintf("the middle of the timeline, %d of %d messages", n-o.MaxSteps, n))
	}
	if n := Unkept(c); o.MaxSteps > 0 && n > 0 {
		left = append(left, plural(int64(n), "message")+" behind the end of the timeline")
	}
	if o.MaxProofs > 0 && findings > o.MaxProofs {
		left = append(left, fmt.Sprintf("%d of %d findings", findings-o.MaxProofs, findings))
	}
	note, more := sentences(o.Missing, o.Taken), "detail full tells more, "
	if o.Full {
		more = ""
	}
	if len(left) > 0 {
		note = sentences(note, "Left out: "+strings.Join(left, ", ")+"; "+more+"search_messages with its Call-ID and list_findings with its id tell the rest.")
	}
	if note == "" {
		return b
	}
	w := jsonWriter{b: b, comma: true}
	w.key("note").quote([]byte(note))
	return w.b
}

// appendCallFindings appends the findings of a call for people.
func appendCallFindings(b []byte, c *analysis.Call, o *Options, found []*findings.Finding) []byte {
	list := ofCall(c, found)
	if len(list) == 0 {
		return b
	}
	b = append(b, "\nFINDINGS\n"...)
	for _, f := range list {
		b = fmt.Appendf(b, "%s, %s: %s (%s)\n", o.coloured(f.Severity.String()), f.Confidence, f.ID, f.RFC)
		b = foldedText(b, "observed", clean.Text(f.Observed))
		b = foldedText(b, "expected", clean.Text(f.Expected))
		b = foldedText(b, "next step", f.NextStep)
		if filter, _ := f.Filter(); filter != "" {
			b = foldedText(b, "Wireshark", filter)
		}
	}
	return b
}

func uriText(s string, o *Options) string {
	if !o.Secrets {
		s = string(clean.AppendURIs(nil, []byte(s)))
	}
	return clean.Text(s)
}

func hopsText(c *analysis.Call) string {
	l := c.First()
	s := l.Transport
	if n := len(l.Hops); n > 1 {
		s += fmt.Sprintf(", seen on %d hops", n)
	}
	return s
}

func appendTimesText(b []byte, l *analysis.Leg) []byte {
	var list []string
	add := func(label, text string) {
		if text != "" {
			list = append(list, label+" "+text+" s")
		}
	}
	add("post-dial delay", secondsText(l.PostDialDelay()))
	add("ringing", secondsText(l.RingTime()))
	add("setup", secondsText(l.SetupTime()))
	add("talk", secondsText(l.TalkTime()))
	if len(list) == 0 {
		return b
	}
	return foldedText(b, "times", strings.Join(list, ", "))
}

// timelineColumns are the columns of the messages of a call. The time can be spared: it is
// that of the beginning and what has passed since.
var timelineColumns = []GridColumn{
	{Head: "FRAME", Right: true, Spare: 5}, {Head: "TIME", Stamp: true, Spare: 1}, {Head: "AFTER s", Right: true, Spare: 3}, {Head: "FROM", Min: minEndpoint}, {Head: "TO", Min: minEndpoint, Spare: 4},
	{Head: "MESSAGE", Min: 16, Colour: answerColour}, {Head: "LEG", Right: true, Spare: 2},
}

// appendTimelineText appends the messages of the call as a table. Its day has been told.
func appendTimelineText(b []byte, c *analysis.Call, o *Options, width int) []byte {
	steps := Timeline(c)
	if len(steps) == 0 {
		return b
	}
	g := Grid{Columns: timelineColumns, Colour: o.Colour, day: dayOf(stampText(c.First().Begin))}
	for i := range steps {
		s := &steps[i]
		what := clean.Text(s.What())
		if !s.Request {
			what += quoted(ownPhrase(s.Status, s.Reason), o)
		}
		switch {
		case s.Media != "":
			what += " + " + clean.Text(s.Media)
		case s.Body != "":
			what += " + " + clean.Text(s.Body)
		}
		if s.Resent.Number != 0 {
			what += fmt.Sprintf(" (again: %s)", appendFrame(nil, s.Resent, o.several(), ""))
		}
		leg := ""
		if len(c.Legs) > 1 {
			leg = fmt.Sprint(s.Leg + 1)
		}
		g.Add(string(appendFrame(nil, s.Frame, o.several(), "")), stampText(s.Time), secondsText(c.Offset(s.Time)),
			string(words.AppendEndpoint(nil, s.From)), string(words.AppendEndpoint(nil, s.To)), what, leg)
	}
	b = g.Append(b, width)
	if n := Unkept(c); n > 0 {
		b = fmt.Appendf(b, "and %s more\n", plural(int64(n), "message"))
	}
	return b
}

// OtherCalls says which calls an id names, of which the first is told: a Call-ID can be that of several. It is ""
// where there is one.
func OtherCalls(res *analysis.Result, id string) string {
	list := NamedCalls(res, id)
	n := len(list)
	if n < 2 {
		return ""
	}
	has := "have this Call-ID"
	if strings.HasSuffix(id, "…") {
		has = "have a Call-ID like this"
	}
	end := "."
	if n > 10 {
		list, end = list[:10], " and so on."
	}
	return fmt.Sprintf("%d calls %s, and this is the first of them. Their numbers: %d", n, has, list) + end
}

// NamedCalls is Named of an analysis, which takes a Call-ID in the way in which it is shown as well: with escapes, and
// where it is long the beginning of it.
func NamedCalls(res *analysis.Result, id string) []int {
	if list := res.Named(id); len(list) > 0 || !strings.Contains(id, `\`) && !strings.HasSuffix(id, "…") {
		return list
	}
	var list []int
	for callID, call := range res.Calls.CallIDs() {
		if shownAs(callID, id) {
			list = append(list, call)
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// shownAs reports whether a text of a capture can stand in an answer as shown.
func shownAs(text, shown string) bool {
	whole, _ := clean.AppendText(nil, []byte(text), 0)
	start, cut := strings.CutSuffix(shown, "…")
	return string(whole) == shown || cut && start != "" && strings.HasPrefix(string(whole), start)
}

// FindCall returns the first of the calls that an id names, nil for none.
func FindCall(res *analysis.Result, id string) *analysis.Call {
	if list := NamedCalls(res, id); len(list) > 0 {
		return res.Calls.At(list[0] - 1)
	}
	return nil
}
