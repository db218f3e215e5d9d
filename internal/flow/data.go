package flow

// What scripts draw a ladder from: everything is decided, and every text is as it is to be
// shown.

// A Head is a ladder without its rows.
type Head struct {
	ID      string       `json:"id"`
	Title   string       `json:"title"`
	Verdict string       `json:"verdict"`
	Start   string       `json:"start,omitempty"`
	Others  []Other      `json:"others,omitempty"`
	Columns []Column     `json:"columns"`
	Legs    []string     `json:"legs"` // the Call-ID of each
	Legend  []LegendLine `json:"legend,omitempty"`
	Marks   []MarkLine   `json:"marks,omitempty"`
	More    string       `json:"more,omitempty"` // how many messages are left out
}

// A MarkLine is what is said of a finding, behind its number and severity.
type MarkLine struct {
	Severity string `json:"severity"`
	Text     string `json:"text"`
	Call     string `json:"call"` // the id of its call …
	Nth      int    `json:"nth"`  // … and its place among the findings of that call, from 0
}

// A Line is a Row as it is drawn.
type Line struct {
	Kind   string `json:"kind"`
	Frame  string `json:"frame"`
	Clock  string `json:"clock,omitempty"`
	After  string `json:"after"`
	From   int    `json:"from"`
	To     int    `json:"to"`
	Label  string `json:"label"`
	Leg    string `json:"leg,omitempty"` // its number and that of its dialog, where there are several
	Of     int    `json:"of"`            // index into Head.Legs
	Colour int    `json:"colour"`        // of its dialog
	Hover  string `json:"hover"`
	Remark string `json:"remark,omitempty"`
	Marks  []int  `json:"marks,omitempty"` // indices into Head.Marks

	Repeats []string `json:"repeats,omitempty"` // the times of those but the first
}

// Head returns the ladder without its rows.
func (l *Ladder) Head() *Head {
	h := &Head{
		ID: l.ID, Title: l.Title, Verdict: l.Verdict, Start: stamp(l.Start), Others: l.Others, Columns: l.Columns, Legs: []string{}, Legend: l.Legend(), More: l.More(),
	}
	for i := range l.Legs {
		h.Legs = append(h.Legs, l.Legs[i].CallID)
	}
	for i := range l.Marks {
		m := &l.Marks[i]
		h.Marks = append(h.Marks, MarkLine{m.Severity, m.text(), m.Call, m.Nth})
	}
	return h
}

// Line returns a row as it is drawn.
func (l *Ladder) Line(r *Row) Line {
	x := Line{
		Kind: r.Kind.String(), Frame: r.Frame, After: seconds(l, r), From: r.From, To: r.To, Label: r.Text(),
		Leg: l.leg(r), Of: r.Leg, Colour: l.colour(r) % drawnColours, Hover: l.hover(r), Remark: remark(r), Marks: r.Marks,
	}
	if !r.Time.IsZero() {
		x.Clock = clock(r)
	}
	for _, t := range r.Repeats {
		x.Repeats = append(x.Repeats, t.UTC().Format("15:04:05.000"))
	}
	return x
}
