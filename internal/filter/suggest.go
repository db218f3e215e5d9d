package filter

import (
	"slices"
	"strconv"
	"strings"

	"github.com/sipsight/sipsight/internal/near"
)

// maxSuggested is how many names are offered in the place of one that is not there.
const maxSuggested = 10

// A vocabulary is all values that a text can have, where these are few.
type vocabulary struct {
	field int
	words []string
	said  string // what people say in their place
}

// Only says that a text has no values but words: an expression with another one would never hold,
// and is refused. said has a line for each answer to those that people use in their place: the
// answer, a colon, and the words that it is for.
func (s *fields) Only(name string, words []string, said string) {
	name = s.prefix + name
	i, there := s.index[name]
	if !there {
		panic("filter: there is no field " + name)
	}
	s.closed = append(s.closed, vocabulary{i, words, said})
	s.list[i].Example = name + ` == "` + words[0] + `"`
}

// OnlyTrue says that a truth is absent where it is not true: an expression that asks for false would never hold, and is refused.
func (s *fields) OnlyTrue(name string) {
	name = s.prefix + name
	s.closed = append(s.closed, vocabulary{s.index[name], []string{"true"}, "write not " + name + ": false"})
}

// Named says that a text is a name with a number, such as call-3. An expression that asks for an order of these is refused: as text
// call-20 is between call-2 and call-4.
func (s *fields) Named(name string) { s.named = append(s.named, s.index[s.prefix+name]) }

// Hex says that a text is a number of 32 bits in hexadecimal, such as 0x000000a1. An expression may write it in any of the ways of
// numbers; one with anything else would never hold, and is refused.
func (s *fields) Hex(name string) {
	s.spell[s.index[s.prefix+name]] = hexText
	s.list[s.index[s.prefix+name]].Example = s.prefix + name + " == 0xa1"
}

// Endpoint says that a text is an address, with a port or without: an expression may write it in any of the ways of IPv6.
func (s *fields) Endpoint(name string) { s.spell[s.index[s.prefix+name]] = endpointText }

// URI says that a text is a URI. A name or a number by itself would never be equal to one, and is refused.
func (s *fields) URI(name string) {
	name = s.prefix + name
	s.spell[s.index[name]] = func(t string) (text, what, hint string) {
		if t == "" || strings.Contains(t, ":") {
			return t, "", ""
		}
		return t, name + " is a whole URI, such as sip:alice@example.com", "write " + name + " contains " + strconv.Quote(t)
	}
}

// vocabulary returns the values that a field can have, nil where it may be any.
func (s *fields) vocabulary(field int) *vocabulary {
	for i := range s.closed {
		if v := &s.closed[i]; v.field == field {
			return v
		}
	}
	return nil
}

// Said tells by which names people look for fields: a line for each field, with its name, a colon,
// and what they call it.
func (s *fields) Said(names string) { s.said = names }

// Usual says which fields are asked for most: those are offered in the place of one that is not
// there. Without it these are the first.
func (s *fields) Usual(names ...string) { s.usual = names }

// example returns an expression with a field that is asked for much.
func (s *fields) example() string {
	if len(s.closed) > 0 {
		return s.list[s.closed[0].field].ExampleText()
	}
	return `sip.Method == "INVITE"`
}

// holding returns an expression for a number by itself, which mostly is one that was called from.
func (s *fields) holding(text string) string {
	for _, n := range [...]string{"from", "aor", "sip.from.user"} {
		if _, there := s.index[s.prefix+n]; there {
			return s.prefix + n + " contains " + strconv.Quote(text)
		}
	}
	return s.example()
}

// valueHint says what to write for a word by itself that is a value of a field, or what people say for one; "" where it is none.
func (s *fields) valueHint(word string) string {
	for _, v := range s.closed {
		name := s.list[v.field].Name
		if i := slices.IndexFunc(v.words, func(w string) bool { return strings.EqualFold(w, word) }); i >= 0 {
			return "write " + name + " == " + strconv.Quote(v.words[i])
		}
		if hint := saidFor(v.said, word); hint != "" {
			return hint
		}
	}
	return ""
}

// saidFor returns what stands in front of the colon in the line of lines that has the word, "" for none.
func saidFor(lines, word string) string {
	for _, line := range strings.Split(lines, "\n") {
		i := strings.LastIndexByte(line, ':')
		for _, w := range strings.Fields(line[i+1:]) {
			if strings.EqualFold(w, word) {
				return line[:i]
			}
		}
	}
	return ""
}

// tail returns a name without its first part: the prefix, or the protocol.
func tail(name string) string {
	if _, rest, ok := strings.Cut(name, "."); ok {
		return rest
	}
	return name
}

// nearest returns the name that was most likely meant, "" if none is near.
func (s *fields) nearest(name string) string {
	full := name
	if !strings.Contains(name, ".") {
		full = s.prefix + name
	}
	for i := range s.list {
		if n := s.list[i].Name; strings.EqualFold(n, full) {
			return n
		}
	}
	if said := saidFor(s.said, tail(name)); said != "" {
		return s.prefix + said
	}
	best, distance := "", 1+len(name)/4 // names of fields are long
	for i := range s.list {
		n := s.list[i].Name
		if d := near.Distance(strings.ToLower(full), strings.ToLower(n)); d < distance || d == distance && best == "" {
			best, distance = n, d
		}
	}
	if best != "" {
		return best
	}
	for i := range s.list { // the end of a name, such as Call-ID
		if n := s.list[i].Name; len(name) >= 3 && len(n) > len(name) && n[len(n)-len(name)-1] == '.' && strings.EqualFold(n[len(n)-len(name):], name) {
			return n
		}
	}
	return ""
}

// wordsOf returns the words of a name in lower case, without its first part.
func wordsOf(name string) []string {
	return strings.FieldsFunc(strings.ToLower(tail(name)), func(r rune) bool { return strings.ContainsRune("._-", r) })
}

// suggest returns the names of fields to look at where there is none of this name: those that
// share a word with it, and those that are asked for most.
func (s *fields) suggest(name string) (list []string) {
	add := func(n string) {
		if len(list) < maxSuggested && !slices.Contains(list, n) {
			list = append(list, n)
		}
	}
	if n := s.nearest(name); n != "" {
		add(n)
	}
	for _, word := range wordsOf(name) {
		for _, whole := range [...]bool{true, false} {
			for i := range s.list {
				n := s.list[i].Name
				if len(word) > 2 && len(list) < maxSuggested/2 && (slices.Contains(wordsOf(n), word) || !whole && strings.Contains(strings.ToLower(tail(n)), word)) {
					add(n)
				}
			}
		}
	}
	for _, n := range s.usual {
		add(s.prefix + n)
	}
	for i := range s.list {
		add(s.list[i].Name)
	}
	return list
}

// refuse says what is wrong with a value that the text never has; "" if it may have it.
func (v *vocabulary) refuse(field, value string) (what, hint string) {
	if slices.Contains(v.words, value) {
		return "", ""
	}
	if hint = saidFor(v.said, value); hint == "" {
		if n := near.Of(value, v.words); n != "" {
			hint = "did you mean " + n + "?"
		}
	}
	return field + " is never " + quoteSource(value) + ", but one of: " + v.list(), hint
}

// list returns which values there are, of many the first.
func (v *vocabulary) list() string {
	if len(v.words) > 2*maxSuggested {
		return strings.Join(v.words[:maxSuggested], ", ") + ", …"
	}
	return strings.Join(v.words, ", ")
}
