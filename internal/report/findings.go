package report

import (
	"slices"
	"strconv"
	"strings"

	"github.com/sipsight/sipsight/findings"
	"github.com/sipsight/sipsight/internal/clean"
)

// Findings is the listing of findings.
var Findings = &Table[*findings.Finding]{Name: "findings", Prefix: "finding", Columns: []Column[*findings.Finding]{
	{Key: "id", Brief: true, Kind: Text, Doc: "what is wrong: sipsight findings --explain ID", Get: func(f *findings.Finding) Value { return textOf(f.ID) }},
	{Key: "severity", Brief: true, Kind: Text, Doc: "error, warning or note", Get: func(f *findings.Finding) Value { return rankedOf(f.Severity.String(), int(f.Severity)) }},
	{Key: "confidence", Brief: true, Kind: Text, Doc: "certain, likely or possible", Get: func(f *findings.Finding) Value { return rankedOf(f.Confidence.String(), int(f.Confidence)) }},
	{Key: "call", Brief: true, Kind: Text, named: true, Doc: "id of the call", Get: func(f *findings.Finding) Value {
		if f.Call == 0 {
			return Value{}
		}
		return rankedOf(CallName(f.Call), f.Call)
	}},
	{Key: "call_id", Kind: Captured, Doc: "Call-ID", Get: func(f *findings.Finding) Value { return textOf(f.CallID) }},
	{Key: "aor", Kind: URI, Doc: "address-of-record, of a registration", Get: func(f *findings.Finding) Value { return textOf(f.AOR) }},
	{Key: "aors", Kind: List, Doc: "of several registrations: addresses-of-record, the first 20", Get: func(f *findings.Finding) Value { return listOf(f.AORs()) }},
	{Key: "calls", Kind: List, Doc: "of a site pattern: Call-IDs, the first 20", Get: func(f *findings.Finding) Value { return listOf(f.Calls) }},
	{Key: "count", Brief: true, Kind: Number, Doc: "of a site pattern, or of findings that are alike: how many", Get: func(f *findings.Finding) Value { return countOf(f.Count) }},
	{Key: "rfc", Kind: Text, Doc: "the section to cite", Get: func(f *findings.Finding) Value { return textOf(f.RFC) }},
	{Key: "file", Kind: Object, json: (*jsonWriter).findingFile, cell: (*jsonWriter).findingFileCell},
	{Key: "frames", Brief: true, Kind: Object, json: (*jsonWriter).findingFrames, cell: (*jsonWriter).findingFramesCell},
	{Key: "observed", Brief: true, Kind: Captured, Doc: "what is in the capture", Get: func(f *findings.Finding) Value { return textOf(f.Observed) }},
	{Key: "expected", Kind: Captured, Doc: "what should be there", Get: func(f *findings.Finding) Value { return textOf(f.Expected) }},
	{Key: "next_step", Brief: true, Kind: Text, Doc: "what to do", Get: func(f *findings.Finding) Value { return textOf(f.NextStep) }},
	{Key: "related", Kind: List, Doc: "ids that the same cause also meets", Get: func(f *findings.Finding) Value { return listOf(f.Related) }},
	{Key: "filter", Kind: Text, Doc: "a Wireshark display filter that shows its packets", Get: func(f *findings.Finding) Value {
		s, _ := f.Filter()
		return textOf(s)
	}},
	{Key: "first_frame", Kind: Frame, Doc: "the first of its frames", Get: func(f *findings.Finding) Value {
		if len(f.Frames) == 0 {
			return Value{}
		}
		return frameOf(f.Frames[0])
	}, csvOnly: true},
}, parts: `file text that which filter is for, of several
frames frame those that prove it`, closed: []vocabulary{
	{"id", ruleIDs, ""}, {"related", ruleIDs, ""}, {"confidence", []string{"possible", "likely", "certain"}, ""}, {"severity", []string{"note", "warning", "error"}, `did you mean error?: critical
did you mean note?: info`},
}, said: `id: name type rule
severity: level
frames: frame
observed: text message description
aor: user`}

// findingFile writes the name of the file that the filter is for, with several files.
func (w *jsonWriter) findingFile(o *Options, f *findings.Finding) {
	if _, file := f.Filter(); o.several() && len(f.Frames) > 0 {
		w.key("file").name(o.Files[file])
	}
}

func (w *jsonWriter) findingFrames(o *Options, f *findings.Finding) {
	w.key("frames").frames(f.Frames, o.several())
}

// findingFileCell is findingFile in CSV.
func (w *jsonWriter) findingFileCell(b []byte, o *Options, f *findings.Finding) []byte {
	if _, file := f.Filter(); o.several() && len(f.Frames) > 0 {
		b = w.appendCell(b, []byte(o.Files[file]))
	}
	return b
}

func (w *jsonWriter) findingFramesCell(b []byte, o *Options, f *findings.Finding) []byte {
	return appendFrames(b, f.Frames, o.several())
}

// RelatedText says in a sentence which of found tell of an id as related, "" where none does: it is
// no finding of its own then.
func RelatedText(id string, found []*findings.Finding) string {
	var ids []string
	for _, f := range found {
		if slices.Contains(f.Related, id) && !slices.Contains(ids, f.ID) {
			ids = append(ids, f.ID)
		}
	}
	if ids == nil {
		return ""
	}
	return id + " is told as related, by " + strings.Join(ids, ", ") + ": the cause is the same."
}

// FindingColumns are the columns of the list of findings for people.
var FindingColumns = []GridColumn{
	{Head: "SEVERITY", Colour: wordColour, Min: 8}, {Head: "ID"}, {Head: "CALL", Min: 9, Spare: 2}, {Head: "FRAMES", Min: 10, Spare: 1}, {Head: "OBSERVED", Min: 10},
}

// FindingRow is a row of that list.
func FindingRow(f *findings.Finding, o *Options) []string {
	call := ""
	switch {
	case f.Call != 0:
		call = CallName(f.Call)
	case f.AOR != "":
		call = partyText(f.AOR, o)
	case f.Count > 0: // of calls, requests, addresses-of-record: what is observed says of what
		call = "× " + strconv.Itoa(f.Count)
	}
	severity := f.Severity.String()
	if f.Confidence != findings.Certain {
		severity += ", " + f.Confidence.String()
	}
	return []string{severity, f.ID, call, framesText(f, o), clean.Text(f.Observed)}
}

// framesText lists the first frames of a finding.
func framesText(f *findings.Finding, o *Options) string {
	var list []string
	for i, x := range f.Frames {
		if i == 6 {
			list = append(list, "…")
			break
		}
		list = append(list, string(appendFrame(nil, x, o.several(), "")))
	}
	return strings.Join(list, ",")
}

// AppendRuleText appends what a rule means, why it matters and what to do, in lines of at most width columns.
func AppendRuleText(b []byte, r *findings.Rule, width int) []byte {
	b = append(b, r.ID+": "+r.Title+"\n\n"...)
	b = rowText(b, "severity", r.Severity)
	b = rowText(b, "source", r.RFC)
	for _, x := range [...]struct{ head, text string }{{"Rule", r.Doc}, {"Why it matters", r.Why}, {"What to do", r.Fix}} {
		b = AppendWords(append(append(append(b, '\n'), x.head...), "\n  "...), x.text, 2, 2, width)
	}
	return b
}

// AppendWords appends the words of s in lines of at most width columns of a terminal, and a line
// end: the first goes on in column at, further lines begin in column indent.
func AppendWords(b []byte, s string, at, indent, width int) []byte {
	for i, word := range strings.Fields(s) {
		n := clean.Width(word)
		switch {
		case i == 0:
		case at+1+n > width:
			b = appendBlanks(append(b, '\n'), indent)
			at = indent
		default:
			b = append(b, ' ')
			at++
		}
		b = append(b, word...)
		at += n
	}
	return append(b, '\n')
}
