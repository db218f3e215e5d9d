package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"
)

// tortureQuirks are the defects of the index, and the ids that show them.
var tortureQuirks = map[string]string{
	"branch_empty":                   "branch-empty",
	"contact_malformed":              "contact-malformed",
	"content_length_absent":          "content-length-missing",
	"content_length_exceeds_body":    "content-length-long",
	"content_length_invalid":         "content-length-invalid",
	"content_length_short":           "content-length-short",
	"cseq_method_mismatch":           "cseq-method",
	"cseq_out_of_range":              "cseq-malformed",
	"date_malformed":                 "date-malformed",
	"duplicate_call_id":              "header-duplicate",
	"duplicate_content_length":       "content-length-invalid",
	"duplicate_cseq":                 "header-duplicate",
	"duplicate_from":                 "header-duplicate",
	"duplicate_max_forwards":         "header-duplicate",
	"duplicate_to":                   "header-duplicate",
	"expires_out_of_range":           "expires-invalid",
	"from_malformed":                 "from-malformed",
	"header_line_without_colon":      "header-without-colon",
	"header_section_unterminated":    "header-unterminated",
	"max_forwards_out_of_range":      "max-forwards-invalid",
	"max_forwards_zero":              "max-forwards-zero",
	"missing_call_id":                "header-missing",
	"missing_from":                   "header-missing",
	"missing_to":                     "header-missing",
	"no_branch_rfc2543":              "branch-without-cookie",
	"no_from_tag":                    "from-tag-missing",
	"request_uri_has_headers":        "request-uri-headers",
	"request_uri_malformed":          "request-uri-malformed",
	"retry_after_out_of_range":       "retry-after-invalid",
	"start_line_extra_whitespace":    "start-line-space",
	"start_line_malformed":           "start-line-malformed",
	"start_line_trailing_whitespace": "start-line-space",
	"status_out_of_range":            "status-out-of-range",
	"to_malformed":                   "to-malformed",
	"trailing_octets":                "content-length-short",
	"version_unsupported":            "version-unknown",
	"via_broadcast":                  "via-broadcast",
	"via_malformed":                  "via-malformed",
	"warning_malformed":              "warning-malformed",
}

// TestTortureMessages lists the messages of RFC 4475 and RFC 5118 from a capture, one a
// datagram, and compares with the index that lies beside it.
func TestTortureMessages(t *testing.T) {
	shared := os.Getenv("SIPSIGHT_SHARED")
	if shared == "" {
		t.Skip("SIPSIGHT_SHARED is not set: it names the folder with torture/torture-udp.pcap and torture/INDEX.tsv")
	}
	dir := filepath.Join(shared, "torture")
	rows := tortureIndex(t, filepath.Join(dir, "INDEX.tsv"))
	for _, args := range [][]string{{"--show-secrets"}, nil} {
		var stdout, stderr bytes.Buffer
		args = append([]string{"messages", "--json", filepath.Join(dir, "torture-udp.pcap")}, args...)
		if code := run(context.Background(), args, strings.NewReader(""), &stdout, &stderr); code != 0 || stderr.Len() > 0 {
			t.Fatalf("%q: exit code %d, %s", args, code, stderr.Bytes())
		}
		if out := stdout.Bytes(); !utf8.Valid(out) || bytes.ContainsFunc(out, func(r rune) bool { return r < ' ' && r != '\n' || r >= 0x7f && r < 0xa0 }) {
			t.Errorf("%q: the output is not UTF-8, or has control characters", args)
		}
		n, defects := 0, 0
		for line := range bytes.Lines(stdout.Bytes()) {
			if n == len(rows) {
				t.Fatalf("%q: over %d messages", args, n)
			}
			defects += tortureMessage(t, rows[n], line, len(args) == 3)
			n++
		}
		if n != 62 || defects != 46 {
			t.Errorf("%q: %d messages, %d defects, want 62 and 46", args, n, defects)
		}
	}
}

// tortureIndex reads the index: a map from column to text for each row.
func tortureIndex(t *testing.T, name string) (rows []map[string]string) {
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	r := csv.NewReader(bufio.NewReader(bytes.NewReader(b)))
	r.Comma, r.LazyQuotes = '\t', true
	all, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range all[1:] {
		m := make(map[string]string)
		for i, column := range all[0] {
			m[column] = row[i]
		}
		rows = append(rows, m)
	}
	return rows
}

// tortureMessage compares one line with its row, and returns how many defects it shows.
func tortureMessage(t *testing.T, row map[string]string, line []byte, masked bool) (defects int) {
	var m struct {
		Type       string   `json:"message_type"`
		StartLine  string   `json:"start_line"`
		Method     string   `json:"method"`
		RequestURI string   `json:"request_uri"`
		Status     int64    `json:"status_code"`
		CallID     string   `json:"call_id"`
		CSeq       string   `json:"cseq"`
		CSeqNumber *uint32  `json:"cseq_number"`
		CSeqMethod string   `json:"cseq_method"`
		BodyLength int      `json:"body_length"`
		Partial    bool     `json:"partial"`
		Quirks     []string `json:"quirks"`
	}
	if err := json.Unmarshal(line, &m); err != nil {
		t.Fatalf("%v: %s", err, line)
	}
	check := func(what, got, column string) {
		t.Helper()
		want := tortureText(t, row[column])
		if masked && row["file"] == "intmeth.sip" && (column == "start_line" || column == "method") {
			// The Request-URI has what looks like a password: RFC 4475, section 3.1.1.2.
			want = strings.Replace(want, ":&it+has=1,weird!*pas$wo~d_too.(doesn't-it)@", ":***@", 1)
		}
		if got == "" {
			got = "-"
		}
		if got != want {
			t.Errorf("%s: %s is %q, want %q", row["file"], what, got, want)
		}
	}
	check("kind", m.Type, "kind")
	check("start line", m.StartLine, "start_line")
	check("method", m.Method, "method")
	status := ""
	if m.Status != 0 {
		status = strconv.FormatInt(m.Status, 10)
	}
	check("status", status, "status")
	check("Call-ID", m.CallID, "call_id")
	number, _, _ := strings.Cut(m.CSeq, " ")
	check("CSeq", number, "cseq_number")
	check("CSeq method", m.CSeqMethod, "cseq_method")
	if want, err := strconv.ParseUint(row["cseq_number"], 10, 32); (err == nil) != (m.CSeqNumber != nil) || err == nil && uint32(want) != *m.CSeqNumber {
		t.Errorf("%s: CSeq number %v, want %s", row["file"], m.CSeqNumber, row["cseq_number"])
	}
	body := row["body_octets"]
	if body == "-" {
		body = "0"
	}
	if strconv.Itoa(m.BodyLength) != body {
		t.Errorf("%s: body of %d octets, want %s", row["file"], m.BodyLength, body)
	}
	if row["defects"] == "-" {
		return 0
	}
	for d := range strings.SplitSeq(row["defects"], ",") {
		id, ok := tortureQuirks[d]
		if !ok || !slices.Contains(m.Quirks, id) {
			t.Errorf("%s: %s is not among %q", row["file"], d, m.Quirks)
			continue
		}
		if row["class"] != "unreferenced" { // no section describes it
			defects++
		}
	}
	return defects
}

// tortureText undoes the \xNN of the index.
func tortureText(t *testing.T, s string) string {
	var b strings.Builder
	for {
		before, after, ok := strings.Cut(s, `\x`)
		b.WriteString(before)
		if !ok {
			return b.String()
		}
		c, err := hex.DecodeString(after[:2])
		if err != nil {
			t.Fatal(err)
		}
		b.Write(c)
		s = after[2:]
	}
}
