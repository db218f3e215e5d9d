package sipmsg_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/sipsight/sipsight/sipmsg"
)

// plain is a message without a quirk. The rows below change one thing in it.
const plain = `INFO sip:bob@example.com SIP/2.0
Via: SIP/2.0/UDP h;branch=z9hG4bK1
From: <sip:a@example.com>;tag=1
To: <sip:b@example.com>;tag=2
Call-ID: c1
CSeq: 5 INFO
Content-Length: 4

body`

func TestQuirks(t *testing.T) {
	// in is plain with old replaced by new.
	tests := []struct {
		id, name string
		old, new string
		fires    bool
		others   string // quirks that the same thing also means
	}{
		{"lf-only", "the start line", "SIP/2.0\r\nVia", "SIP/2.0\nVia", true, ""},
		{"lf-only", "a header line", "c1\r\n", "c1\n", true, ""},
		{"lf-only", "in the body", "4\r\n\r\nbody", "4\r\n\r\nb\n\nc", false, ""},
		{"lf-only", "CR doubled", "c1\r\n", "c1\r\r\n", false, ""},

		{"version-case", "lower case", "com SIP/2.0", "com sip/2.0", true, ""},
		{"version-case", "one letter", "com SIP/2.0", "com SIp/2.0", true, ""},
		{"version-case", "lower case in a Via", "Via: SIP", "Via: sip", false, ""},
		{"version-case", "lower case in the URI", "sip:bob@example.com", "sip:sip/2.0@example.com", false, ""},

		{"version-unknown", "3.0", "com SIP/2.0", "com SIP/3.0", true, ""},
		{"version-unknown", "2.1", "com SIP/2.0", "com SIP/2.1", true, ""},
		{"version-unknown", "2.00", "com SIP/2.0", "com SIP/2.00", true, ""},
		{"version-unknown", "3.0 in a Via", "Via: SIP/2.0", "Via: SIP/3.0", false, ""},

		{"odd-method-case", "lower case", "INFO sip", "info sip", true, "cseq-method"},
		{"odd-method-case", "one letter", "INFO sip", "INFo sip", true, "cseq-method"},
		{"odd-method-case", "an extension method in lower case", "INFO sip", "infos sip", false, "cseq-method"},
		{"odd-method-case", "in CSeq alone", "5 INFO", "5 info", false, "cseq-method"},

		{"start-line-space", "two before the URI", "INFO sip", "INFO  sip", true, ""},
		{"start-line-space", "two behind the URI", "com SIP", "com  SIP", true, ""},
		{"start-line-space", "at the end", "com SIP/2.0", "com SIP/2.0 ", true, ""},
		{"start-line-space", "in the Via", "Via: ", "Via:  ", false, ""},

		{"start-line-malformed", "no version", "com SIP/2.0", "com", true, ""},
		{"start-line-malformed", "a blank in the URI", "example.com SIP", "example.com ;lr SIP", true, ""},
		{"start-line-malformed", "no URI", "sip:bob@example.com ", "", true, ""},
		{"start-line-malformed", "an odd URI", "sip:bob@example.com", "<sip:bob@example.com>;lr", false, ""},

		{"status-out-of-range", "700", "INFO sip:bob@example.com SIP/2.0", "SIP/2.0 700 Over", true, ""},
		{"status-out-of-range", "099", "INFO sip:bob@example.com SIP/2.0", "SIP/2.0 099 Under", true, ""},
		{"status-out-of-range", "2000", "INFO sip:bob@example.com SIP/2.0", "SIP/2.0 2000 Over", true, ""},
		{"status-out-of-range", "699", "INFO sip:bob@example.com SIP/2.0", "SIP/2.0 699 Edge", false, ""},
		{"status-out-of-range", "100", "INFO sip:bob@example.com SIP/2.0", "SIP/2.0 100 Edge", false, ""},

		{"header-without-colon", "text", "Call-ID", "hello there\r\nCall-ID", true, ""},
		{"header-without-colon", "a name alone", "Call-ID", "Subject\r\nCall-ID", true, ""},
		{"header-without-colon", "an empty value", "Call-ID", "Subject:\r\nCall-ID", false, ""},
		{"header-without-colon", "a fold", "c1\r\n", "c1\r\n hello there\r\n", false, ""},

		{"header-name", "a blank inside", "Call-ID", "Sub ject: x\r\nCall-ID", true, ""},
		{"header-name", "no name", "Call-ID", ": x\r\nCall-ID", true, ""},
		{"header-name", "UTF-8", "Call-ID", "Büro: x\r\nCall-ID", true, ""},
		{"header-name", "every kind of character", "Call-ID", "a-.!%*_+`'~9: x\r\nCall-ID", false, ""},
		{"header-name", "a blank behind", "Call-ID", "Subject : x\r\nCall-ID", false, ""},

		{"header-unterminated", "the empty line is missing", "\r\n\r\nbody", "\r\n", true, "content-length-long"},
		{"header-unterminated", "half an empty line", "\r\n\r\nbody", "\r\n\r", true, "content-length-long"},
		{"header-unterminated", "no body", "4\r\n\r\nbody", "0\r\n\r\n", false, ""},

		{"header-limit", "", "Call-ID", strings.Repeat("z:\r\n", sipmsg.MaxFields) + "Call-ID", true, "header-missing"},
		{"header-limit", "just below", "Call-ID", strings.Repeat("z:\r\n", sipmsg.MaxFields-6) + "Call-ID", false, ""},

		{"header-duplicate", "twice the same", "Call-ID", "Call-ID: c1\r\nCall-ID", true, ""},
		{"header-duplicate", "twice, once compact", "Call-ID", "i: c2\r\nCall-ID", true, ""},
		{"header-duplicate", "two Vias", "Via", "Via: SIP/2.0/UDP g\r\nVia", false, ""},
		{"header-duplicate", "two that are not known", "Via", "X-A: 1\r\nX-A: 1\r\nVia", false, ""},
		{"header-duplicate", "two Contacts", "Via", "m: <sip:a>\r\nm: <sip:b>\r\nVia", false, ""},

		{"header-missing", "Via", "Via", "X-Via", true, ""},
		{"header-missing", "From", "From", "X-From", true, ""},
		{"header-missing", "To", "To", "X-To", true, ""},
		{"header-missing", "Call-ID", "Call-ID", "X-Call-ID", true, ""},
		{"header-missing", "CSeq", "CSeq", "X-CSeq", true, ""},
		{"header-missing", "compact", "Call-ID", "i", false, ""},
		{"header-missing", "Max-Forwards and Contact, which this does not look at", "c1", "c1", false, ""},

		{"cseq-malformed", "2^31", "5 INFO", "2147483648 INFO", true, ""},
		{"cseq-malformed", "2^65", "5 INFO", "36893488147419103232 INFO", true, ""},
		{"cseq-malformed", "no number", "5 INFO", "x INFO", true, ""},
		{"cseq-malformed", "a sign", "5 INFO", "+5 INFO", true, ""},
		{"cseq-malformed", "no method", "5 INFO", "5", true, "cseq-method"},
		{"cseq-malformed", "2^31-1", "5 INFO", "2147483647 INFO", false, ""},
		{"cseq-malformed", "zeros", "5 INFO", "0005   INFO", false, ""},

		{"cseq-method", "another", "5 INFO", "5 INVITE", true, ""},
		{"cseq-method", "other case", "5 INFO", "5 Info", true, ""},
		{"cseq-method", "of a response", "INFO sip:bob@example.com SIP/2.0", "SIP/2.0 200 OK", false, ""},

		{"content-length-invalid", "negative", "h: 4", "h: -4", true, ""},
		{"content-length-invalid", "too large", "h: 4", "h: 4294967300", true, ""},
		{"content-length-invalid", "empty", "h: 4", "h:", true, ""},
		{"content-length-invalid", "two that differ", "Content-Length", "Content-Length: 4\r\nl: 5\r\nX-L", true, "header-duplicate"},
		{"content-length-invalid", "two, the second none", "Content-Length", "Content-Length: 4\r\nl: x\r\nX-L", true, "header-duplicate"},
		{"content-length-invalid", "two that agree", "Content-Length", "l: 04\r\nContent-Length", false, "header-duplicate"},
		{"content-length-invalid", "none", "Content-Length: 4\r\n", "", false, ""},

		{"content-length-long", "by one", "h: 4", "h: 5", true, ""},
		{"content-length-long", "by far", "h: 4", "h: 4294967295", true, ""},
		{"content-length-long", "fits", "h: 4", "h: 0004", false, ""},

		{"content-length-short", "by one", "h: 4", "h: 3", true, ""},
		{"content-length-short", "zero", "h: 4", "h: 0", true, ""},
		{"content-length-short", "fits", "h: 4", "h:    4", false, ""},

		{"nul", "in a value", "c1", "c\x001", true, ""},
		{"nul", "in the start line", "bob", "b\x00b", true, ""},
		{"nul", "in the body", "body", "b\x00dy", false, ""},
		{"nul", "escaped", "c1", "c%001", false, ""},

		{"not-utf8", "Latin-1", "c1", "c\xe91", true, ""},
		{"not-utf8", "a surrogate", "c1", "c\xed\xa0\x801", true, ""},
		{"not-utf8", "UTF-8", "c1", "cé1", false, ""},
		{"not-utf8", "in the body", "body", "b\xe9dy", false, ""},
	}
	all := slices.Collect(sipmsg.Quirks(1<<63 - 1).IDs())
	seen := make(map[string][2]bool)
	base := strings.ReplaceAll(plain, "\n", "\r\n")
	for _, test := range tests {
		t.Run(test.id+"/"+test.name, func(t *testing.T) {
			if strings.Count(base, test.old) == 0 {
				t.Fatalf("%q is not in the message", test.old)
			}
			want := test.others
			if test.fires {
				want = strings.Join(sorted(all, append(strings.Fields(test.others), test.id)), " ")
			}
			in := clip(strings.Replace(base, test.old, test.new, 1))
			m := parse(t, in)
			if got := quirks(m.Check()); got != want {
				t.Errorf("%q, want %q", got, want)
			}
			if m.Quirks()&^m.Check() != 0 {
				t.Errorf("Check leaves out %q", quirks(m.Quirks()&^m.Check()))
			}
		})
		s := seen[test.id]
		if test.fires {
			s[0] = true
		} else {
			s[1] = true
		}
		seen[test.id] = s
	}
	for _, id := range all {
		if seen[id] != [2]bool{true, true} {
			t.Errorf("%s has no row where it fires, or none where it nearly does", id)
		}
	}
	if len(seen) != len(all) {
		t.Errorf("%d ids in the table, %d in the package", len(seen), len(all))
	}
	if got := quirks(parse(t, clip(base)).Check()); got != "" {
		t.Errorf("the plain message has %q", got)
	}
}

// sorted returns the ids of list in the order of all.
func sorted(all, list []string) []string {
	list = slices.Clone(list)
	slices.SortFunc(list, func(a, b string) int { return slices.Index(all, a) - slices.Index(all, b) })
	return list
}

func TestQuirkIDs(t *testing.T) {
	all := slices.Collect(sipmsg.Quirks(1<<63 - 1).IDs())
	for _, id := range all {
		if id == "" || strings.Trim(id, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
			t.Errorf("%q is no id", id)
		}
	}
	if got := slices.Compact(slices.Sorted(slices.Values(all))); len(got) != len(all) {
		t.Errorf("an id stands twice in %q", all)
	}
	tests := []struct {
		q    sipmsg.Quirks
		want string
	}{
		{0, ""},
		{sipmsg.QuirkLFOnly, "lf-only"},
		{sipmsg.QuirkVersionCase, "version-case"},
		{sipmsg.QuirkVersion, "version-unknown"},
		{sipmsg.QuirkMethodCase, "odd-method-case"},
		{sipmsg.QuirkStartSpace, "start-line-space"},
		{sipmsg.QuirkStartLine, "start-line-malformed"},
		{sipmsg.QuirkStatus, "status-out-of-range"},
		{sipmsg.QuirkNoColon, "header-without-colon"},
		{sipmsg.QuirkHeaderName, "header-name"},
		{sipmsg.QuirkUnterminated, "header-unterminated"},
		{sipmsg.QuirkFieldLimit, "header-limit"},
		{sipmsg.QuirkDuplicate, "header-duplicate"},
		{sipmsg.QuirkMissing, "header-missing"},
		{sipmsg.QuirkCSeq, "cseq-malformed"},
		{sipmsg.QuirkCSeqMethod, "cseq-method"},
		{sipmsg.QuirkContentLength, "content-length-invalid"},
		{sipmsg.QuirkContentLengthLong, "content-length-long"},
		{sipmsg.QuirkContentLengthShort, "content-length-short"},
		{sipmsg.QuirkNUL, "nul"},
		{sipmsg.QuirkNotUTF8, "not-utf8"},
		{sipmsg.QuirkNUL | sipmsg.QuirkLFOnly, "lf-only nul"},
	}
	for _, test := range tests {
		if got := quirks(test.q); got != test.want {
			t.Errorf("%#x is %q, want %q", uint64(test.q), got, test.want)
		}
	}
	for id := range (sipmsg.QuirkNUL | sipmsg.QuirkLFOnly).IDs() {
		if id != "lf-only" {
			t.Errorf("iteration goes on to %q", id)
		}
		break
	}
}
