package findings

import (
	"bytes"
	"slices"
)

// What makes a sentence one that is meant for a language model, and not for people: «ignore your
// instructions» is, «ignore the last call, see instructions» is not. Who orders a model about tells
// it to leave what it was told, so the order has to be about the instructions, in one clause with
// them; or about all that stands above, whatever follows in the next clause.

// nearby is how far from a needle what it needs may stand, in octets.
const nearby = 64

// verbs are what is done to instructions by who tells a model to leave them.
var verbs = []string{"ignor", "disregard", "forget", "overrid", "overrul", "bypass", "disobey", "neglect", "supersed", "discard", "not follow", "not obey", "stop follow", "stop obey",
	"reveal", "repeat", "print", "output"}

// firstWeak is the first of the verbs that people use of instructions, too: these count only for
// what a model has, and nobody else.
const firstWeak = 14

// objects are what a model is told to leave.
var objects = []string{"instruct", "prompt", "guideline", "your rules", "all rules", "the above", "everything above", "everything before", "all previous", "previous context", "all findings", "any findings",
	"you were told", "been told", "were given", "directive", "earlier command", "previous command", "prior command", "previous rules", "prior rules"}

// addressees are those that an order to a model begins with. «Skip this message» alone is what people write.
var addressees = []string{"assistant:", "assistant,", "llm:", "llm,", "ai:", "ai,", "gpt:", "gpt,", "chatgpt:", "chatgpt,", "claude:", "claude,", "copilot:", "copilot,", "gemini:", "gemini,", "language model"}

// models are what those are called that new instructions are for: people get some, too.
var models = []string{"llm", "language model", "the ai ", "ai:", "ai assistant", "ai agent", "ai model", "chatgpt", "claude", "copilot", "gemini"}

// turns are what a turn of a conversation begins with that is written for a model to go on with. An assistant may be a person.
var turns = []string{"run ", "execute ", "delete ", "output ", "reveal ", "respond ", "say that ", "ignore ", "disregard "}

// showing are words for what a model is told to do with its system prompt. An exchange has prompts, too.
var showing = []string{"your ", "ignor", "disregard", "forget", "overrid", "bypass", "disobey", "reveal", "expose", "leak", "show ", "dump ", "print the", "output the", "repeat the"}

// ofModel are words for what a model has.
var ofModel = []string{"your ", "system", "hidden", "initial", "original", "secret"}

// ofAll are words for all that a model was told. What stands between them and the instructions
// ends no clause.
var ofAll = []string{"above", "everything", "prompt", "rules", "guideline", "guidance", "context", "your ", "system", "previous", "prior", "all ", "any ", "told"}

// ofPeople are words for what people are told to leave.
var ofPeople = []string{"call", "mail", "ring", "number", "missed", "sms", "fax", "alarm", "test"}

// breaks end a clause.
var breaks = []string{",", ";", ": ", "(", " and ", " but ", " then ", " see ", " read ", " if ", " when ", " unless ", " until ", " - ", " for "}

// isNear reports whether one of the words that a needle needs stands near it in the same
// sentence and belongs to it, and where the first of both begins. b is in lower case, here and below.
func (n *needle) isNear(b []byte, at int) (from int, ok bool) {
	behind := at + len(n.text)
	if &n.near[0] == &turns[0] {
		return at, beginsTurn(b[:at]) && (n.text[0] == 'h' || beginsWithAny(b[behind:], turns))
	}
	start, end := sentence(b, max(0, at-nearby), at, behind, min(len(b), behind+nearby))
	b = b[:end]
	either := &n.near[0] == &models[0]
	follows := either || &n.near[0] == &addressees[0] || &n.near[0] == &showing[0]
	if follows && behind < end && b[behind] == ':' { // what follows is one
		return at, true
	}
	for k, w := range n.near {
		for i := find(b, start, w); i >= 0; i = find(b, i+1, w) {
			switch {
			case follows:
				ok = (either || i < at) && !insideWord(b, i, w)
			case n.text[:4] != "inst": // it is a verb, or begins with one
				ok = i >= behind && orders(b, at, behind, i, false)
			case i < at:
				ok = !insideWord(b, i, w) && orders(b, i, i+len(w), at, k >= firstWeak)
			default:
				ok = k < firstWeak && isLeft(b[behind:i], w)
			}
			if ok {
				return min(at, i), true
			}
		}
	}
	return 0, false
}

// orders reports whether a verb in b is about the object that stands behind it.
func orders(b []byte, verb, behind, object int, weak bool) bool {
	between := b[behind-1 : object]
	if endsWithAny(b[:verb], "not ", "n't ", "never ") {
		return false
	}
	if weak {
		return firstOf(between, breaks) < 0 && firstOf(between, ofModel) >= 0
	}
	end := firstOf(between, breaks)
	if end < 0 {
		// «the prompt» is what people hear on the phone, too.
		return !hasFold(b[object:], "prompt") || firstOf(between, ofAll) >= 0
	}
	return firstOf(between[:end], ofAll) >= 0 && firstOf(between[:end], ofPeople) < 0
}

// isLeft reports whether instructions are said to be left, where between stands between them and a
// verb: «… are to be ignored».
func isLeft(between []byte, verb string) bool {
	if firstOf(between, breaks) >= 0 {
		return false
	}
	return verb == "overrid" || verb == "supersed" || endsWithAny(between, "be ", "are ", "and ")
}

// firstOf returns where the first of some texts stands in b, -1 for none.
//
//go:noinline
func firstOf(b []byte, list []string) int {
	first := -1
	for _, text := range list {
		if i := find(b, 0, text); i >= 0 && (first < 0 || i < first) {
			first = i
		}
	}
	return first
}

// endsWithAny reports whether b ends with one of some texts in lower case, whatever its case.
//
//go:noinline
func endsWithAny(b []byte, list ...string) bool {
	for _, text := range list {
		if len(b) >= len(text) && hasFold(b[len(b)-len(text):], text) {
			return true
		}
	}
	return false
}

// beginsWithAny reports whether b begins with one of some texts.
func beginsWithAny(b []byte, list []string) bool {
	return slices.ContainsFunc(list, func(text string) bool { return hasFold(b, text) })
}

// beginsTurn reports whether what follows b begins a line, or the value of a header field.
func beginsTurn(b []byte) bool {
	b = bytes.TrimRight(b, " \t\"'*#[")
	return len(b) == 0 || b[len(b)-1] == '\n' || b[len(b)-1] == ':'
}

// isEnd reports whether a sentence ends with octet i.
func isEnd(b []byte, i int) bool {
	switch b[i] {
	case '\n', '!', '?':
		return true
	case '.': // not that in a name of several words
		return i+1 == len(b) || !isLetter(lower(b[i+1])) && b[i+1]-'0' > 9
	}
	return false
}

// sentence returns where the sentence around b[at:behind] begins and ends, between two limits.
func sentence(b []byte, start, at, behind, end int) (int, int) {
	for i := start; i < at; i++ {
		if isEnd(b, i) {
			start = i + 1
		}
	}
	for i := behind; i < end; i++ {
		if isEnd(b, i) {
			return start, i
		}
	}
	return start, end
}
