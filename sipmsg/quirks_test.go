package sipmsg_test

import (
	"fmt"
	"os"
	"path/filepath"
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

// A quirkRow is a message with a text in it replaced, and whether that is a quirk.
type quirkRow struct {
	id, name string
	old, new string
	fires    bool
	others   string // quirks that the same thing also means
}

// in returns the message of a row.
func (row *quirkRow) in(t *testing.T, base string) []byte {
	t.Helper()
	if !strings.Contains(base, row.old) {
		t.Fatalf("%q is not in the message", row.old)
	}
	return clip(strings.Replace(base, row.old, row.new, 1))
}

// want returns the ids of the quirks that a row has, in the order of all.
func (row *quirkRow) want(all []string) string {
	if !row.fires {
		return row.others
	}
	return strings.Join(sorted(all, append(strings.Fields(row.others), row.id)), " ")
}

// quirkRows says of an id whether a row has it, and whether a row nearly has it.
type quirkRows map[string]struct{ fires, near bool }

func (seen quirkRows) add(row quirkRow) {
	s := seen[row.id]
	s.fires = s.fires || row.fires
	s.near = s.near || !row.fires
	seen[row.id] = s
}

func (seen quirkRows) check(t *testing.T, ids []string) {
	t.Helper()
	for _, id := range ids {
		if s := seen[id]; !s.fires || !s.near {
			t.Errorf("%s has no row where it fires, or none where it nearly does", id)
		}
	}
}

func TestQuirks(t *testing.T) {
	// in is plain with old replaced by new.
	tests := []quirkRow{
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
	all := slices.Collect((sipmsg.QuirkNotUTF8<<1 - 1).IDs()) // those of Check
	seen := make(quirkRows)
	base := strings.ReplaceAll(plain, "\n", "\r\n")
	for _, test := range tests {
		t.Run(test.id+"/"+test.name, func(t *testing.T) {
			m := parse(t, test.in(t, base))
			if got, want := quirks(m.Check()), test.want(all); got != want {
				t.Errorf("%q, want %q", got, want)
			}
			if m.Quirks()&^m.Check() != 0 {
				t.Errorf("Check leaves out %q", quirks(m.Quirks()&^m.Check()))
			}
		})
		seen.add(test)
	}
	seen.check(t, all)
	if len(seen) != len(all) {
		t.Errorf("%d ids in the table, %d in the package", len(seen), len(all))
	}
	if got := quirks(parse(t, clip(base)).Check()); got != "" {
		t.Errorf("the plain message has %q", got)
	}
}

// tidy is a message without a quirk of Inspect. The rows below change one thing in it.
const tidy = `INVITE sip:bob@example.com SIP/2.0
Via: SIP/2.0/UDP h;branch=z9hG4bK1
Max-Forwards: 70
From: <sip:a@example.com>;tag=1
To: <sip:b@example.com>
Call-ID: c1
CSeq: 5 INVITE
Contact: <sip:a@192.0.2.1>
Content-Type: text/plain
Content-Length: 4

body`

func TestInspect(t *testing.T) {
	const (
		request  = "INVITE sip:bob@example.com SIP/2.0"
		response = "SIP/2.0 "
	)
	// in is tidy with old replaced by new, or with a line more where old is empty.
	tests := []quirkRow{
		{"request-uri-malformed", "brackets", "sip:bob@example.com SIP", "<sip:bob@example.com> SIP", true, ""},
		{"request-uri-malformed", "a blank", "bob@example.com SIP", "bob@example.com ;lr SIP", true, "start-line-malformed"},
		{"request-uri-malformed", "IPv6 without brackets", "bob@example.com SIP", "2001:db8::1 SIP", true, ""},
		{"request-uri-malformed", "no scheme", "sip:bob@", "bob@", true, ""},
		{"request-uri-malformed", "no host", "bob@example.com SIP", "bob@ SIP", true, ""},
		{"request-uri-malformed", "a port too large", "example.com SIP", "example.com:65536 SIP", true, ""},
		{"request-uri-malformed", "an empty parameter", "example.com SIP", "example.com;;lr SIP", true, ""},
		{"request-uri-malformed", "an empty value", "example.com SIP", "example.com;lr= SIP", true, ""},
		{"request-uri-malformed", "half an escape", "bob@", "b%4@", true, ""},
		{"request-uri-malformed", "an escape at the end", "example.com SIP", "example.com;x=%a SIP", true, ""},
		{"request-uri-malformed", "an octet that needs an escape", "bob@", "b\"b@", true, ""},
		{"request-uri-malformed", "an address that is none", "example.com SIP", "[::g] SIP", true, ""},
		{"request-uri-malformed", "tel without a number", "sip:bob@example.com SIP", "tel:;x=y SIP", true, ""},
		{"request-uri-malformed", "urn of nothing", "sip:bob@example.com SIP", "urn: SIP", true, ""},
		{"request-uri-malformed", "all that may be", "sip:bob@example.com SIP", "sips:b%41;x=(y)?z:p&w@[2001:db8::1]:5061;lr;maddr=[::1];ob=a%20b SIP", false, ""},
		{"request-uri-malformed", "tel", "sip:bob@example.com SIP", "tel:+1-201-555-0123;ext=1 SIP", false, ""},
		{"request-uri-malformed", "urn", "sip:bob@example.com SIP", "urn:service:sos SIP", false, ""},
		{"request-uri-malformed", "an underscore", "example.com SIP", "my_host SIP", false, ""},

		{"request-uri-headers", "", "example.com SIP", "example.com?Route=%3Csip:x%3E SIP", true, ""},
		{"request-uri-headers", "empty", "example.com SIP", "example.com? SIP", true, ""},
		{"request-uri-headers", "in the user part", "bob@", "b?a=b@", false, ""},
		{"request-uri-headers", "of a Contact", "192.0.2.1>", "192.0.2.1?Route=%3Csip:x%3E>", false, ""},

		{"from-malformed", "a comma in the name", "From: <", "From: A, B <", true, ""},
		{"from-malformed", "an open bracket", "From: <sip:a@example.com>;tag=1", "From: <sip:a@example.com;tag=1", true, "from-tag-missing"},
		{"from-malformed", "an empty parameter", "com>;tag=1", "com>;;tag=1", true, ""},
		{"from-malformed", "text behind", "com>;tag=1", "com>x;tag=1", true, ""},
		{"from-malformed", "a value of blanks", "com>;tag=1", "com>;tag=1 2", true, ""},
		{"from-malformed", "no value", "com>;tag=1", "com>;tag=", true, "from-tag-missing"},
		{"from-malformed", "an open quote in a parameter", "com>;tag=1", `com>;tag=1;x="y`, true, "quote-unterminated"},
		{"from-malformed", "empty", "From: <sip:a@example.com>;tag=1", "From:", true, "from-tag-missing"},
		{"from-malformed", "all that may be", "From: <sip:a@example.com>;tag=1", "From: \"A, \\\"<\"\r\n <sip:a@example.com;x>\r\n ; tag = 1 ; y ; z = \"; ;\" ; h = [::1]", false, ""},
		{"from-malformed", "an addr-spec", "<sip:a@example.com>;tag=1", "sip:a@example.com;tag=1", false, ""},
		{"from-malformed", "no blank behind the name", "From: <", "From: caller<", false, ""},

		{"to-malformed", "blanks in the brackets", "To: <sip:b@example.com>", "To: < sip:b@example.com >", true, ""},
		{"to-malformed", "an open quote", "To: <", "To: \"B <", true, "quote-unterminated"},
		{"to-malformed", "another scheme", "To: <sip:b@example.com>", "To: <isbn:2983792873>", false, ""},

		{"contact-malformed", "header fields without brackets", "Contact: <sip:a@192.0.2.1>", "Contact: sip:a@192.0.2.1?Route=%3Csip:x%3E", true, ""},
		{"contact-malformed", "the second", "192.0.2.1>", "192.0.2.1>, <sip:b@h>;;", true, ""},
		{"contact-malformed", "star", "Contact: <sip:a@192.0.2.1>", "Contact: *", false, ""},
		{"contact-malformed", "two, with parameters", "192.0.2.1>", "192.0.2.1>;q=0.1;+sip.instance=\"<urn:uuid:1>\", <sip:b@h>", false, ""},

		{"via-malformed", "separators", "UDP h;branch", "UDP h;;branch", true, ""},
		{"via-malformed", "no transport", "SIP/2.0/UDP h", "SIP/2.0 h", true, ""},
		{"via-malformed", "no host", "UDP h;", "UDP ;", true, ""},
		{"via-malformed", "a port too large", "UDP h;", "UDP h:65536;", true, ""},
		{"via-malformed", "IPv6 without brackets", "UDP h;", "UDP ::1;", true, ""},
		{"via-malformed", "all that may be", "SIP/2.0/UDP h;branch=z9hG4bK1", "SIP / 2.0 / X [::1] : 5060 ; rport ; received=2001:db8::1 ; branch = z9hG4bK1 , SIP/2.0/UDP h", false, ""},

		{"route-malformed", "no brackets", "", "Route: sip:p.example.com;lr", true, ""},
		{"route-malformed", "one of two", "", "Record-Route: <sip:p.example.com;lr>, <sip:p.example.com;lr", true, ""},
		{"route-malformed", "as it should be", "", "Route: <sip:p.example.com;lr>, \"P\" <sip:q.example.com;lr>;x=y", false, ""},

		{"address-malformed", "asserted", "", "P-Asserted-Identity: A, B <sip:a@h>", true, ""},
		{"address-malformed", "refer", "", "Refer-To: sip:a@h?Replaces=x", true, ""},
		{"address-malformed", "asserted, two", "", "P-Asserted-Identity: \"A, B\" <sip:a@h>, tel:+1", false, ""},
		{"address-malformed", "refer, as it should be", "", "Refer-To: <sip:a@h?Replaces=x>", false, ""},

		{"quote-unterminated", "in a Warning", "", "Warning: 399 h \"x", true, "warning-malformed"},
		{"quote-unterminated", "in a Via", "branch=z9hG4bK1", "branch=z9hG4bK1;x=\"\\\"", true, "via-malformed"},
		{"quote-unterminated", "in a text", "", "Subject: \"x", false, ""},

		{"ipv6-three-colons", "", "bob@example.com SIP", "bob@[2001:db8:::1] SIP", true, ""},
		{"ipv6-three-colons", "in a Via", "UDP h;", "UDP [2001:db8:::1];", true, ""},
		{"ipv6-three-colons", "in a From", "a@example.com>", "a@[:::1]>", true, ""},
		{"ipv6-three-colons", "two", "bob@example.com SIP", "bob@[2001:db8::1] SIP", false, ""},

		{"via-broadcast", "", "branch=z9hG4bK1", "branch=z9hG4bK1, SIP/2.0/UDP 255.255.255.255", true, ""},
		{"via-broadcast", "received", "branch=z9hG4bK1", "branch=z9hG4bK1;received=255.255.255.255", false, ""},

		{"branch-without-cookie", "none", ";branch=z9hG4bK1", "", true, ""},
		{"branch-without-cookie", "without", "branch=z9hG4bK1", "branch=1z9hG4bK", true, ""},
		{"branch-without-cookie", "in other case", "branch=z9hG4bK1", "branch=Z9HG4BK1", true, ""},
		{"branch-without-cookie", "the second Via", "branch=z9hG4bK1", "branch=z9hG4bK1, SIP/2.0/UDP h", false, ""},

		{"branch-empty", "", "branch=z9hG4bK1", "branch=z9hG4bK", true, ""},
		{"branch-empty", "a little more", "branch=z9hG4bK1", "branch=z9hG4bK.", false, ""},

		{"from-tag-missing", "", ">;tag=1", ">", true, ""},
		{"from-tag-missing", "of the URI", "a@example.com>;tag=1", "a@example.com;tag=1>", true, ""},
		{"from-tag-missing", "in upper case", ">;tag=1", ">;TAG=1", false, ""},

		{"to-tag-missing", "", request, response + "180 Ringing", true, ""},
		{"to-tag-missing", "of a 100", request, response + "100 Trying", false, ""},

		{"max-forwards-invalid", "256", "70", "256", true, ""},
		{"max-forwards-invalid", "a sign", "70", "+70", true, ""},
		{"max-forwards-invalid", "255", "70", "0255", false, ""},
		{"max-forwards-zero", "", ": 70", ": 00", true, ""},
		{"max-forwards-zero", "one", ": 70", ": 01", false, ""},
		{"max-forwards-missing", "", "Max-Forwards", "X-Forwards", true, ""},
		{"max-forwards-missing", "of a response", request + "\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nMax-Forwards: 70", response + "100 Trying\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1", false, ""},

		{"expires-invalid", "2^32", "", "Expires: 4294967296", true, ""},
		{"expires-invalid", "hexadecimal", "", "Min-Expires: 0x10", true, ""},
		{"expires-invalid", "of a Contact", "192.0.2.1>", "192.0.2.1>;expires=1e3", true, ""},
		{"expires-invalid", "a date", "", "Expires: Sat, 13 Nov 2010 23:29:00 GMT", true, ""},
		{"expires-invalid", "the largest", "", "Expires: 4294967295", false, ""},

		{"retry-after-invalid", "", "", "Retry-After: 4294967296", true, ""},
		{"retry-after-invalid", "a comment", "", "Retry-After: 5 (x);duration=1", false, ""},

		{"number-invalid", "RSeq", "", "RSeq: 1.5", true, ""},
		{"number-invalid", "RAck", "", "RAck: 1 INVITE", true, ""},
		{"number-invalid", "Session-Expires", "", "Session-Expires: -90", true, ""},
		{"number-invalid", "Min-SE", "", "Min-SE: ٣", true, ""},
		{"number-invalid", "as they should be", "", "RSeq: 1\r\nRAck: 1 2 INVITE\r\nx: 90;refresher=uac\r\nMin-SE: 90", false, ""},

		{"warning-malformed", "four digits", "", `Warning: 1812 h "x"`, true, ""},
		{"warning-malformed", "no agent", "", `Warning: 399 "x"`, true, ""},
		{"warning-malformed", "no quotes", "", `Warning: 399 h x`, true, ""},
		{"warning-malformed", "no text", "", `Warning: 399 h`, true, ""},
		{"warning-malformed", "two", "", `Warning: 399 h "x, y", 307 h:5060 ""`, false, ""},

		{"date-malformed", "another zone", "", "Date: Sat, 13 Nov 2010 23:29:00 EST", true, ""},
		{"date-malformed", "a month that is none", "", "Date: Sat, 13 Mai 2010 23:29:00 GMT", true, ""},
		{"date-malformed", "a day that is none", "", "Date: Sam, 13 Nov 2010 23:29:00 GMT", true, ""},
		{"date-malformed", "a sign", "", "Date: Sat, 13 Nov 2010 23:29:+1 GMT", true, ""},
		{"date-malformed", "a stroke", "", "Date: Sat, 13 Nov-2010 23:29:00 GMT", true, ""},
		{"date-malformed", "one digit", "", "Date: Sat, 3 Nov 2010 23:29:00 GMT", true, ""},
		{"date-malformed", "as it should be", "", "Date: Sat, 13 Nov 2010 23:29:00 GMT", false, ""},

		{"content-length-missing", "", "Content-Length", "X-Length", true, ""},
		{"content-length-missing", "not ended", "Content-Length: 4\r\n\r\nbody", "", false, "header-unterminated"},
		{"content-length-missing", "compact", "Content-Length", "l", false, ""},

		{"content-type-missing", "", "Content-Type", "X-Type", true, ""},
		{"content-type-missing", "no body", "Content-Type: text/plain\r\nContent-Length: 4\r\n\r\nbody", "l: 0\r\n\r\n", false, ""},

		{"contact-missing", "INVITE", "Contact", "X-Contact", true, ""},
		{"contact-missing", "of another method", "INVITE\r\nContact", "BYE\r\nX-Contact", false, "cseq-method"},

		{"control-character", "BEL", "", "X-A: \a", true, ""},
		{"control-character", "DEL", "", "X-A: \x7f", true, ""},
		{"control-character", "TAB", "", "X-A: a\tb", false, ""},
		{"control-character", "in the body", "body", "bo\ay", false, ""},

		{"cr-alone", "", "", "X-A: a\rb", true, ""},
		{"cr-alone", "doubled", "c1\r\n", "c1\r\r\n", true, ""},
		{"cr-alone", "cut behind it", "4\r\n\r\nbody", "4\r", false, "header-unterminated content-length-long"},
		{"cr-alone", "in the body", "body", "bo\ry", false, ""},

		{"line-long", "", "", "X-A: " + strings.Repeat("x", sipmsg.MaxLine-4), true, ""},
		{"line-long", "as long as may be", "", "X-A: " + strings.Repeat("x", sipmsg.MaxLine-5), false, ""},
		{"line-long", "folded", "", "X-A: " + strings.Repeat("\r\n  x", sipmsg.MaxLine/5), true, ""},
	}
	all := slices.Collect(sipmsg.Quirks(1<<63 - 1).IDs())
	ofCheck := slices.Collect((sipmsg.QuirkNotUTF8<<1 - 1).IDs())
	seen := make(quirkRows)
	base := strings.ReplaceAll(tidy, "\n", "\r\n")
	for _, test := range tests {
		t.Run(test.id+"/"+test.name, func(t *testing.T) {
			if test.old == "" {
				test.old, test.new = "Call-ID", test.new+"\r\nCall-ID"
			}
			m := parse(t, test.in(t, base))
			if got, want := quirks(m.Inspect()), test.want(all); got != want {
				t.Errorf("%q, want %q", got, want)
			}
			if m.Check()&^m.Inspect() != 0 {
				t.Errorf("Inspect leaves out %q", quirks(m.Check()&^m.Inspect()))
			}
		})
		seen.add(test)
	}
	seen.check(t, all[len(ofCheck):])
	if got := quirks(parse(t, clip(base)).Inspect()); got != "" {
		t.Errorf("the tidy message has %q", got)
	}
	response180 := strings.NewReplacer(request, response+"180 Ringing", "b@example.com>", "b@example.com>;tag=2", "Contact", "X-Contact", "Max", "X-Max").Replace(base)
	if got := quirks(parse(t, clip(response180)).Inspect()); got != "" {
		t.Errorf("a tidy response has %q", got)
	}
	response200 := strings.Replace(response180, "180", "200", 1)
	if got := quirks(parse(t, clip(response200)).Inspect()); got != "contact-missing" {
		t.Errorf("a 200 without Contact has %q", got)
	}
}

func TestQuirkInfos(t *testing.T) {
	n := 0
	for info := range sipmsg.Quirks(1<<63 - 1).Infos() {
		n++
		if info.ID == "" || info.What == "" || !strings.HasPrefix(info.Section, "RFC ") && !strings.HasPrefix(info.Section, "the limit ") {
			t.Errorf("%+v", info)
		}
	}
	if n != len(slices.Collect(sipmsg.Quirks(1<<63-1).IDs())) || n > 63 {
		t.Errorf("%d quirks", n)
	}
	for info := range (sipmsg.QuirkRequestURI | sipmsg.QuirkLongLine).Infos() {
		if info.ID != "request-uri-malformed" {
			t.Errorf("first %+v", info)
		}
		break
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
		{sipmsg.QuirkRequestURI, "request-uri-malformed"},
		{sipmsg.QuirkLongLine, "line-long"},
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

// The page about quirks has a row for each. Written anew by go test -update.
func TestQuirksPage(t *testing.T) {
	const begin = "|---|---|---|\n"
	name := filepath.Join("..", "docs", "quirks.md")
	page, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	before, got, ok := strings.Cut(string(page), begin)
	if !ok {
		t.Fatalf("%s has no table", name)
	}
	var rows strings.Builder
	for info := range sipmsg.Quirks(1<<63 - 1).Infos() {
		fmt.Fprintf(&rows, "| `%s` | %s | %s |\n", info.ID, info.What, info.Section)
	}
	if *update {
		got = rows.String()
		if err := os.WriteFile(name, []byte(before+begin+got), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	if got != rows.String() {
		t.Errorf("the table of %s is not that of the package: go test ./sipmsg -run QuirksPage -update", name)
	}
}
