package report

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/internal/clean"
)

// messageKeys are the keys of messages that they can be sorted by: those with one value.
var messageKeys = []string{"number", "file", "frame", "time", "transport", "source_ip", "source_port", "destination_ip", "destination_port",
	"message_type", "start_line", "method", "request_uri", "status_code", "reason_phrase", "call_id", "cseq", "cseq_number", "cseq_method", "from_user", "to_user", "from_tag",
	"to_tag", "branch", "user_agent", "server", "content_type", "content_length", "body_length", "via_count"}

// CheckMessageKey says what keys there are where messages cannot be sorted by one.
func CheckMessageKey(key string) error {
	if slices.Contains(messageKeys, key) {
		return nil
	}
	return fmt.Errorf("messages cannot be sorted by %q; the keys are %s", clean.Text(key), strings.Join(messageKeys, ", "))
}

// Rank returns the value of m for a key, as the record of m has it: a text to compare with those of others, "" where there is
// none. Numbers, which are none below 0, stand before texts.
func (r *Messages) Rank(m *analysis.Message, key string) string {
	if key == "frame" { // with several files a text
		return fmt.Sprintf(" %09d%020d", m.Frame.File, m.Frame.Number)
	}
	r.line = r.AppendLine(r.line[:0], m)
	_, v, found := bytes.Cut(r.line, []byte(`"`+key+`":`)) // in a string the quotes are escaped
	switch {
	case !found || v[0] == 'n': // null
		return ""
	case v[0] != '"':
		return fmt.Sprintf(" %020s", v[:bytes.IndexAny(v, ",}")])
	}
	n := 1
	for ; v[n] != '"'; n++ {
		if v[n] == '\\' {
			n++
		}
	}
	return string(v[:n])
}
