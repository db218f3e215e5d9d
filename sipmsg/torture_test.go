package sipmsg_test

import (
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/sipsight/sipsight/sipmsg"
)

// defectQuirks are the defects of the index that are visible as quirks.
var defectQuirks = map[string]sipmsg.Quirks{
	"content_length_exceeds_body":    sipmsg.QuirkContentLengthLong,
	"content_length_short":           sipmsg.QuirkContentLengthShort,
	"trailing_octets":                sipmsg.QuirkContentLengthShort,
	"content_length_invalid":         sipmsg.QuirkContentLength,
	"duplicate_content_length":       sipmsg.QuirkContentLength | sipmsg.QuirkDuplicate,
	"cseq_out_of_range":              sipmsg.QuirkCSeq,
	"cseq_method_mismatch":           sipmsg.QuirkCSeqMethod,
	"status_out_of_range":            sipmsg.QuirkStatus,
	"version_unsupported":            sipmsg.QuirkVersion,
	"start_line_extra_whitespace":    sipmsg.QuirkStartSpace,
	"start_line_trailing_whitespace": sipmsg.QuirkStartSpace,
	"start_line_malformed":           sipmsg.QuirkStartLine,
	"header_line_without_colon":      sipmsg.QuirkNoColon,
	"header_section_unterminated":    sipmsg.QuirkUnterminated,
	"missing_call_id":                sipmsg.QuirkMissing,
	"missing_from":                   sipmsg.QuirkMissing,
	"missing_to":                     sipmsg.QuirkMissing,
	"duplicate_call_id":              sipmsg.QuirkDuplicate,
	"duplicate_cseq":                 sipmsg.QuirkDuplicate,
	"duplicate_from":                 sipmsg.QuirkDuplicate,
	"duplicate_to":                   sipmsg.QuirkDuplicate,
	"duplicate_max_forwards":         sipmsg.QuirkDuplicate,
}

// noQuirk are the defects of the index that are not visible as quirks, and why.
var noQuirk = map[string]string{
	"branch_empty":              "what a branch means is for analysis to say",
	"no_branch_rfc2543":         "an old way of writing Via, seen by Branch returning nil",
	"no_from_tag":               "an old way of writing From, seen by Tag returning nil",
	"content_length_absent":     "allowed over UDP; the message does not know its transport",
	"contact_malformed":         "values are not checked against their grammar",
	"from_malformed":            "values are not checked against their grammar",
	"to_malformed":              "values are not checked against their grammar",
	"via_malformed":             "values are not checked against their grammar",
	"warning_malformed":         "values are not checked against their grammar",
	"date_malformed":            "values are not checked against their grammar",
	"request_uri_malformed":     "only blanks inside of the Request-URI are seen",
	"request_uri_has_headers":   "URIs are not taken apart",
	"max_forwards_out_of_range": "the values of these numbers are not looked at",
	"max_forwards_zero":         "the values of these numbers are not looked at",
	"expires_out_of_range":      "the values of these numbers are not looked at",
	"retry_after_out_of_range":  "the values of these numbers are not looked at",
	"via_broadcast":             "addresses are not looked at",
}

// moreQuirks are true of a file without standing in its row.
var moreQuirks = map[string]sipmsg.Quirks{
	"intmeth.sip": sipmsg.QuirkNUL,
	"lwsruri.sip": sipmsg.QuirkStartLine,
	"mcl01.sip":   sipmsg.QuirkContentLengthShort,
	"test.sip":    sipmsg.QuirkMissing,
}

// TestTorture reads the messages of RFC 4475 and RFC 5118, which are not part of the
// module, and compares with the index that lies beside them.
func TestTorture(t *testing.T) {
	shared := os.Getenv("SIPSIGHT_SHARED")
	if shared == "" {
		t.Skip("SIPSIGHT_SHARED is not set: it names the folder with torture/*.sip and torture/INDEX.tsv")
	}
	dir := filepath.Join(shared, "torture")
	index, err := os.Open(filepath.Join(dir, "INDEX.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	defer index.Close()
	r := csv.NewReader(index)
	r.Comma, r.LazyQuotes = '\t', true
	rows, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	column := make(map[string]int)
	for i, name := range rows[0] {
		column[name] = i
	}
	rows = rows[1:]
	if len(rows) != 62 {
		t.Errorf("%d rows, want 62", len(rows))
	}
	used := make(map[string]bool)
	for _, row := range rows {
		get := func(name string) string {
			i, ok := column[name]
			if !ok {
				t.Fatalf("the index has no column %s", name)
			}
			return row[i]
		}
		for d := range strings.SplitSeq(get("defects"), ",") {
			used[d] = true
		}
		t.Run(get("file"), func(t *testing.T) { torture(t, dir, get) })
	}
	delete(used, "-")
	for _, d := range slices.Concat(slices.Collect(maps.Keys(defectQuirks)), slices.Collect(maps.Keys(noQuirk))) {
		if !used[d] {
			t.Errorf("no file has the defect %s", d)
		}
		delete(used, d)
	}
	for d := range used {
		t.Errorf("the defect %s is in no table", d)
	}
}

func torture(t *testing.T, dir string, get func(column string) string) {
	b, err := os.ReadFile(filepath.Join(dir, get("file")))
	if err != nil {
		t.Fatal(err)
	}
	b = clip(b)
	if sum := sha256.Sum256(b); strconv.Itoa(len(b)) != get("octets") || hex.EncodeToString(sum[:8]) != get("sha256_16") {
		t.Fatal("the file is not the one of the index")
	}
	if !sipmsg.Sniff(b) {
		t.Error("not taken for SIP")
	}
	var m sipmsg.Message
	if err := m.Parse(b); err != nil {
		t.Fatal(err)
	}
	check := func(what, got, column string) {
		t.Helper()
		if want := unescape(t, get(column)); got != want {
			t.Errorf("%s %q, want %q", what, got, want)
		}
	}
	kind := "response"
	if m.IsRequest() {
		kind = "request"
	}
	check("kind", kind, "kind")
	check("start line", string(m.StartLine), "start_line")
	check("method", orDash(m.Method), "method")
	check("status", orDash(m.StatusText), "status")
	if n, err := strconv.Atoi(get("status")); err == nil && n < 700 && m.StatusCode != n {
		t.Errorf("status code %d, want %d", m.StatusCode, n)
	}
	callID, _ := m.First(sipmsg.CallID)
	check("Call-ID", orDash(callID), "call_id")
	text, n, ok, method := m.CSeq()
	check("CSeq number", orDash(text), "cseq_number")
	check("CSeq method", orDash(method), "cseq_method")
	if want, err := strconv.ParseUint(get("cseq_number"), 10, 32); err == nil != ok || ok && uint32(want) != n {
		t.Errorf("CSeq number %d, %t", n, ok)
	}
	body := "-"
	if m.Body != nil {
		body = strconv.Itoa(len(m.Body))
	}
	check("body octets", body, "body_octets")

	want := moreQuirks[get("file")]
	for d := range strings.SplitSeq(get("defects"), ",") {
		want |= defectQuirks[d]
	}
	if got := m.Check(); got != want {
		t.Errorf("quirks %q, want %q", quirks(got), quirks(want))
	}
}

func orDash(b []byte) string {
	if len(b) == 0 {
		return "-"
	}
	return string(b)
}

// unescape undoes the \xNN of the index.
func unescape(t *testing.T, s string) string {
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
