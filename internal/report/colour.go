package report

import (
	"strconv"
	"strings"
)

// The colours of text, by their SGR numbers. They never stand alone: what is red says that it
// failed in words, too.
const (
	red    = "31"
	yellow = "33"
	green  = "32"
)

// wordColour returns the colour of a severity, of the state of a call or of the outcome of a registration, behind which a confidence may
// stand; "" for none.
func wordColour(cell string) string {
	if i := strings.IndexAny(cell, " ,…"); i >= 0 {
		cell = cell[:i]
	}
	switch cell {
	case "error", "failed", "unanswered":
		return red
	case "warning", "abandoned", "challenged":
		return yellow
	case "completed", "registered":
		return green
	}
	return ""
}

// statusColour returns the colour of a cell with the code of a response.
func statusColour(cell string) string {
	code, _ := strconv.Atoi(cell)
	return codeColour(code)
}

// answerColour returns the colour of a cell that begins with the code of a response.
func answerColour(cell string) string {
	code, _, _ := strings.Cut(cell, " ")
	return statusColour(code)
}

// coloured returns a word in its colour, where there are colours.
func (o *Options) coloured(word string) string {
	if !o.Colour {
		return word
	}
	return string(appendColoured(nil, wordColour(word), word))
}

// mosColour returns the colour of a cell with a MOS. Below 3.6 many users are dissatisfied,
// below 3.1 nearly all: ITU-T G.107, Annex B.
func mosColour(cell string) string {
	mos, err := strconv.ParseFloat(cell, 64)
	switch {
	case err != nil || mos >= 3.6:
		return ""
	case mos >= 3.1:
		return yellow
	}
	return red
}

// codeColour returns the colour of a response. Challenges and what a CANCEL brings are no
// failures.
func codeColour(code int) string {
	switch {
	case code == 401, code == 407, code == 487, code < 200, code > 699:
		return ""
	case code < 300:
		return green
	case code < 400:
		return yellow
	}
	return red
}

// damageColours puts the labels of what could not be read in colour.
var damageColours = strings.NewReplacer("\n  damage ", "\n  \x1b[31mdamage\x1b[0m ", "\n  error ", "\n  \x1b[31merror\x1b[0m ")

// ColourDamage puts what could not be read in colour, in texts of AppendInfoText.
func ColourDamage(b []byte) []byte { return []byte(damageColours.Replace(string(b))) }

// beginColour begins text in a colour; "" is none.
func beginColour(b []byte, colour string) []byte {
	if colour == "" {
		return b
	}
	return append(append(append(b, "\x1b["...), colour...), 'm')
}

// endColour ends what beginColour began.
func endColour(b []byte, colour string) []byte {
	if colour == "" {
		return b
	}
	return append(b, "\x1b[0m"...)
}

// appendColoured appends text in a colour.
func appendColoured(b []byte, colour, text string) []byte {
	return endColour(append(beginColour(b, colour), text...), colour)
}
