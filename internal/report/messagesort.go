package report

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/internal/clean"
)

// messageKeys are the keys of messages that they can be sorted by: those with one value.
var messageKeys = []string{"number", "file", "frame", "time", "transport", "source_ip", "source_port", "destination_ip", "destination_port",
	"message_type", "start_line", "method", "request_uri", "status_code", "reason_phrase", "call_id", "cseq", "cseq_number", "cseq_method", "from_tag",
	"to_tag", "branch", "user_agent", "server", "content_type", "content_length", "body_length", "via_count"}

// CheckMessageKey says what keys there are where messages cannot be sorted by one.
func CheckMessageKey(key string) error {
	if slices.Contains(messageKeys, key) {
		return nil
	}
	return fmt.Errorf("messages cannot be sorted by %q; the keys are %s", clean.Text(key), strings.Join(messageKeys, ", "))
}

// A Rank is the value of a message that it is sorted by. The zero Rank is that of one without.
type Rank struct {
	kind   uint8 // 0: absent, 1: a number, 2: text
	number float64
	text   string
}

// Len returns the octets of its text.
func (x *Rank) Len() int { return len(x.text) }

// Before reports whether a message with x stands before one with y: numbers before texts, those without a value
// last; down, the largest first.
func (x *Rank) Before(y *Rank, down bool) bool {
	switch {
	case x.kind == 0 || y.kind == 0:
		return x.kind > y.kind
	case down:
		x, y = y, x
	}
	return cmp.Or(cmp.Compare(x.kind, y.kind), cmp.Compare(x.number, y.number), cmp.Compare(x.text, y.text)) < 0
}

// Rank returns the value of m for a key, as the record of m has it.
func (r *Messages) Rank(m *analysis.Message, key string) Rank {
	if key == "frame" { // with several files a text
		return Rank{kind: 1, number: float64(m.Frame.File)*1e12 + float64(m.Frame.Number)}
	}
	r.line = r.AppendLine(r.line[:0], m)
	_, v, found := bytes.Cut(r.line, []byte(`"`+key+`":`)) // in a string the quotes are escaped
	if !found {
		return Rank{}
	}
	if v[0] == '"' {
		n := 1
		for ; v[n] != '"'; n++ {
			if v[n] == '\\' {
				n++
			}
		}
		return Rank{kind: 2, text: string(v[1:n])}
	}
	number, err := strconv.ParseFloat(string(v[:bytes.IndexAny(v, ",}")]), 64)
	if err != nil {
		return Rank{} // null
	}
	return Rank{kind: 1, number: number}
}
