package sipmsg

import (
	"bytes"
	"slices"
	"strings"
)

// BeginsKnown reports whether b begins with a registered method or with a SIP version, as far as there
// is enough of it to tell.
func BeginsKnown(b []byte) bool {
	if len(b) > 0 && !canBeKnown[b[0]] {
		return false
	}
	if n := scanToken(b[:min(len(b), maxMethod)], 0); n < len(b) {
		return KnownMethod(b[:n]) || hasVersion(b)
	}
	return slices.ContainsFunc(knownStarts[:], func(s string) bool { return strings.HasPrefix(s, string(b)) })
}

var knownStarts = [...]string{
	"ACK", "BYE", "CANCEL", "INFO", "INVITE", "MESSAGE", "NOTIFY", "OPTIONS", "PRACK", "PUBLISH", "REFER", "REGISTER", "SUBSCRIBE", "UPDATE", "SIP/",
}

// canBeKnown marks the octets that knownStarts begin with; a version may be in lower case.
var canBeKnown = classOf("ABCIMNOPRSUs")

// endsKnown reports whether a registered method ends in b.
func endsKnown(b []byte) bool {
	return slices.ContainsFunc(knownStarts[:], func(s string) bool { return strings.HasSuffix(s, string(b)) })
}

func isLineEnd(c byte) bool { return c == '\r' || c == '\n' || c == 0 }

var sipVersion = []byte("SIP/2.0")

// A verdict is an answer that may have to wait.
type verdict uint8

const (
	no verdict = iota
	perhaps
	yes
)

// beginsMessage reports whether b begins with a start line and a header field, as far as
// there is enough of b to tell. If strict, the header field has to be a known one.
func beginsMessage(b []byte, strict bool) verdict {
	if len(b) == 0 {
		return perhaps
	}
	if !canStart[b[0]] {
		return no
	}
	method := scanToken(b[:min(len(b), maxMethod)], 0)
	switch {
	case method == len(b):
		return perhaps
	case method == 0:
		return no
	case b[method] == '/':
		if method != 3 || !hasVersion(b) {
			return no
		}
	case b[method] != ' ':
		return no
	}
	end := bytes.IndexByte(b[:min(len(b), maxStartLine)], '\n')
	if end < 0 {
		if len(b) >= maxStartLine || bytes.IndexByte(b, 0) >= 0 {
			return no
		}
		return perhaps
	}
	if bytes.IndexByte(b[:end], 0) >= 0 || !Sniff(b[:end+1]) {
		return no
	}
	return beginsHeader(b[end+1:], strict)
}

// beginsHeader reports whether a header field, or the end of the header section, follows a
// start line. If strict, one of the first fields has to be a known one.
func beginsHeader(b []byte, strict bool) verdict {
	if len(b) > 0 && isLineEnd(b[0]) && b[0] != 0 {
		if strict {
			return no
		}
		return yes
	}
	for all := b; ; {
		name := scanToken(b[:min(len(b), maxMethod)], 0)
		colon := scanBlanks(b, name)
		switch {
		case name == 0 && len(b) > 0:
			if len(b) == len(all) || !isBlank(b[0]) { // else the line before goes on
				return no
			}
		case colon == len(b) && name < maxMethod:
			return perhaps
		case colon >= len(b) || b[colon] != ':':
			return no
		case !strict || Lookup(b[:name]) != Other:
			return yes
		}
		_, next := lineEnd(b, 0)
		switch {
		case len(all)-len(b)+next > maxUnknown:
			return no
		case b[next-1] != '\n':
			return perhaps
		}
		b = b[next:]
	}
}

// CanBegin reports whether b can be the beginning of a SIP message, or line ends in front
// of one, as far as there is enough of it to tell.
func CanBegin(b []byte) bool {
	for len(b) > 0 && (b[0] == '\r' || b[0] == '\n' || b[0] == 0) {
		b = b[1:]
	}
	return beginsMessage(b, false) != no
}
