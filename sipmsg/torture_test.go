package sipmsg_test

import (
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/sipsight/sipsight/sipmsg"
)

// defectQuirks are the defects of the index, and the quirks that show them.
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
	"branch_empty":                   sipmsg.QuirkBranchEmpty,
	"no_branch_rfc2543":              sipmsg.QuirkBranchCookie,
	"no_from_tag":                    sipmsg.QuirkFromTag,
	"content_length_absent":          sipmsg.QuirkContentLengthNone,
	"contact_malformed":              sipmsg.QuirkContact,
	"from_malformed":                 sipmsg.QuirkFrom,
	"to_malformed":                   sipmsg.QuirkTo,
	"via_malformed":                  sipmsg.QuirkVia,
	"warning_malformed":              sipmsg.QuirkWarning,
	"date_malformed":                 sipmsg.QuirkDate,
	"request_uri_malformed":          sipmsg.QuirkRequestURI,
	"request_uri_has_headers":        sipmsg.QuirkRequestURIHeaders,
	"max_forwards_out_of_range":      sipmsg.QuirkMaxForwards,
	"max_forwards_zero":              sipmsg.QuirkMaxForwardsZero,
	"expires_out_of_range":           sipmsg.QuirkExpires,
	"retry_after_out_of_range":       sipmsg.QuirkRetryAfter,
	"via_broadcast":                  sipmsg.QuirkBroadcast,
}

// moreQuirks are true of a file without standing in its row.
var moreQuirks = map[string]sipmsg.Quirks{
	"wsinv.sip":                  sipmsg.QuirkBranchCookie,
	"intmeth.sip":                sipmsg.QuirkNUL | sipmsg.QuirkControl,
	"longreq.sip":                sipmsg.QuirkBranchCookie,
	"badinv01.sip":               sipmsg.QuirkBranchCookie,
	"scalarlg.sip":               sipmsg.QuirkToTag,
	"quotbal.sip":                sipmsg.QuirkQuote,
	"ltgtruri.sip":               sipmsg.QuirkBranchCookie,
	"lwsruri.sip":                sipmsg.QuirkStartLine,
	"insuf.sip":                  sipmsg.QuirkMaxForwardsNone | sipmsg.QuirkContactNone,
	"mcl01.sip":                  sipmsg.QuirkContentLengthShort,
	"inv2543.sip":                sipmsg.QuirkMaxForwardsNone | sipmsg.QuirkContactNone,
	"test.sip":                   sipmsg.QuirkMissing | sipmsg.QuirkFrom | sipmsg.QuirkTo | sipmsg.QuirkFromTag,
	"ipv6-bug-abnf-3-colons.sip": sipmsg.QuirkIPv6Colons,
}

// harmless are quirks of which a message may have any and still be valid.
const harmless = sipmsg.QuirkBranchCookie | sipmsg.QuirkNUL | sipmsg.QuirkControl | sipmsg.QuirkIPv6Colons

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
	for d := range defectQuirks {
		if !used[d] {
			t.Errorf("no file has the defect %s", d)
		}
		delete(used, d)
	}
	for d := range used {
		t.Errorf("the defect %s is no quirk", d)
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
	if get("class") == "valid" && want&^harmless != 0 {
		t.Errorf("the message is valid, and is said to have %q", quirks(want&^harmless))
	}
	for d := range strings.SplitSeq(get("defects"), ",") {
		want |= defectQuirks[d]
	}
	if got := m.Inspect(); got != want {
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
