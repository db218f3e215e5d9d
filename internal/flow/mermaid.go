package flow

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

const (
	// maxMermaidRows bounds the messages of a Mermaid diagram: a longer one is no
	// picture any more.
	maxMermaidRows = 300

	// maxMermaidText bounds its octets: Mermaid refuses to draw over 50,000 characters.
	// mermaidRest is what a row and the note of what is left out may take.
	maxMermaidText = 49_000
	mermaidRest    = 4_000
)

// AppendMermaid appends a ladder as a sequenceDiagram of Mermaid. Participants are P1 to Pn;
// all text is written in letters, digits and entities, so that none of it can be taken for
// syntax.
func AppendMermaid(b []byte, l *Ladder) []byte {
	start := len(b)
	b = append(b, "sequenceDiagram\n    title "...)
	b = append(appendMermaid(b, cutText(l.ID+" "+l.Title, maxNote)), '\n')
	for i, c := range l.Columns {
		b = append(append(b, "    participant "...), participant(i)...)
		b = appendMermaid(append(b, " as "...), cutText(c.Name, maxLabel))
		if c.Addr != "" {
			b = appendMermaid(append(b, "<br/>"...), cutText(c.Addr, maxLabel))
		}
		b = append(b, '\n')
	}
	for i := range l.Rows {
		if i == maxMermaidRows || len(b)-start > maxMermaidText-mermaidRest {
			return appendMermaidNote(b, l, l.First(i).More())
		}
		b = appendMermaidRow(b, l, &l.Rows[i])
	}
	if l.LeftOut > 0 {
		b = appendMermaidNote(b, l, l.More())
	}
	if s := l.together(); s != "" {
		b = appendMermaidNote(b, l, s)
	}
	n, more := l.below(len(l.Marks), "finding")
	for i := range l.Marks[:n] {
		if len(b)-start > maxMermaidText-mermaidRest {
			break
		}
		b = appendMermaidNote(b, l, markName(i)+" "+l.Marks[i].Severity+" "+l.Marks[i].ID)
	}
	if more != "" {
		b = appendMermaidNote(b, l, more)
	}
	return b
}

// together says which legs are of which call, where there are several; "" where not.
func (l *Ladder) together() string {
	var list []string
	for i, leg := range l.Legs {
		if leg.Call != "" {
			list = append(list, "leg "+itoa(i+1)+" is of "+leg.Call)
		}
	}
	return cutText(strings.Join(list, ", "), 2*maxNote)
}

func participant(i int) string { return "P" + itoa(i+1) }

func appendMermaidRow(b []byte, l *Ladder, r *Row) []byte {
	from, to := participant(r.From), participant(r.To)
	text := r.Text()
	if leg := l.leg(r); leg != "" {
		text = "leg " + leg + " " + text
	}
	for _, m := range r.Marks {
		text += " " + markName(m)
	}
	arrow := "->>"
	switch r.Kind {
	case Request:
	case Media:
		arrow = "-)"
	default:
		arrow = "-->>"
	}
	b = append(b, "    "+from+arrow+to+": "...)
	b = append(appendMermaid(b, cutText(text, maxNote)), '\n')
	for _, n := range r.Notes {
		side := from
		if r.From != r.To {
			side = from + "," + to
		}
		b = append(b, "    Note over "+side+": "...)
		b = append(appendMermaid(b, cutText(n, maxNote)), '\n')
	}
	return b
}

// appendMermaidNote appends a note over the whole ladder.
func appendMermaidNote(b []byte, l *Ladder, text string) []byte {
	if len(l.Columns) == 0 {
		return b
	}
	over := participant(0)
	if n := len(l.Columns); n > 1 {
		over += "," + participant(n-1)
	}
	b = append(b, "    Note over "+over+": "...)
	return append(appendMermaid(b, text), '\n')
}

// appendMermaid appends text in a form that is text to every rule of Mermaid's grammar:
// letters, digits, and blanks and dots inside of it as they are, everything else as an
// entity. A word that Mermaid knows is broken by writing its first letter as an entity.
func appendMermaid(b []byte, s string) []byte {
	if s == "" {
		return append(b, "#160;"...)
	}
	word := 0 // where the present word began
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		if isLetter(r) {
			if i == 0 || !isLetterByte(s[i-1]) {
				word = i
				if knownWord(s[word:]) {
					b = appendEntity(b, r)
					i += n
					continue
				}
			}
			b = append(b, s[i])
		} else if r >= '0' && r <= '9' || (r == ' ' || r == '.') && i > 0 && i+n < len(s) {
			b = append(b, s[i])
		} else {
			b = appendEntity(b, r)
		}
		i += n
	}
	return b
}

func isLetter(r rune) bool { return r|0x20 >= 'a' && r|0x20 <= 'z' }

func isLetterByte(c byte) bool { return isLetter(rune(c)) }

// mermaidWords are words that mean something to Mermaid, somewhere.
const mermaidWords = " end title participant actor note loop alt else opt par and rect box break critical option create destroy activate " +
	"deactivate autonumber links link properties details over as wrap nowrap style classdef acctitle accdescr init " +
	"sequencediagram graph subgraph click href javascript "

// knownWord reports whether s begins with a word of Mermaid.
func knownWord(s string) bool {
	w := []byte{' '}
	for i := 0; i < len(s) && isLetterByte(s[i]); i++ {
		if i == 16 {
			return false
		}
		w = append(w, s[i]|0x20)
	}
	return len(w) > 1 && strings.Contains(mermaidWords, string(w)+" ")
}

// appendEntity appends a character as Mermaid writes entities: #, its number, and ;.
func appendEntity(b []byte, r rune) []byte {
	return append(strconv.AppendInt(append(b, '#'), int64(r), 10), ';')
}

// appendMarkdown appends a ladder as a block of Markdown.
func appendMarkdown(b []byte, l *Ladder) []byte {
	b = append(b, "## "+l.ID+"\n\n```mermaid\n"...)
	b = AppendMermaid(b, l)
	return append(b, "```\n\n"...)
}
