package sipmsg

import (
	"bytes"
	"encoding/binary"
	"iter"
	"math/bits"
	"unicode/utf8"
)

// Quirks is a set of what is unusual in a message.
type Quirks uint64

// The quirks. Parse sees the first of them on its way, Check those that the header section
// as a whole tells, and Inspect those of the values of the header fields.
const (
	QuirkLFOnly Quirks = 1 << iota
	QuirkVersionCase
	QuirkVersion
	QuirkMethodCase
	QuirkStartSpace
	QuirkStartLine
	QuirkStatus
	QuirkNoColon
	QuirkHeaderName
	QuirkUnterminated
	QuirkFieldLimit
	QuirkDuplicate
	QuirkMissing
	QuirkCSeq
	QuirkCSeqMethod
	QuirkContentLength
	QuirkContentLengthLong
	QuirkContentLengthShort
	QuirkNUL
	QuirkNotUTF8

	// What follows is for Inspect alone.
	QuirkRequestURI
	QuirkRequestURIHeaders
	QuirkFrom
	QuirkTo
	QuirkContact
	QuirkVia
	QuirkRoute
	QuirkAddress
	QuirkQuote
	QuirkIPv6Colons
	QuirkBroadcast
	QuirkBranchCookie
	QuirkBranchEmpty
	QuirkFromTag
	QuirkToTag
	QuirkMaxForwards
	QuirkMaxForwardsZero
	QuirkMaxForwardsNone
	QuirkExpires
	QuirkRetryAfter
	QuirkNumber
	QuirkWarning
	QuirkDate
	QuirkContentLengthNone
	QuirkContentTypeNone
	QuirkContactNone
	QuirkControl
	QuirkCRAlone
	QuirkLongLine
	numQuirks = iota
)

// A QuirkInfo says what a quirk is.
type QuirkInfo struct {
	ID      string // for programs: it never changes
	Section string // the text that says how it should be
	What    string
}

var quirkInfos = [numQuirks]QuirkInfo{
	{"lf-only", "RFC 3261, section 7", "lines end in LF alone"},
	{"version-case", "RFC 3261, section 7.1", "the version is not in upper case, which is allowed"},
	{"version-unknown", "RFC 3261, section 7.1", "a version other than 2.0"},
	{"odd-method-case", "RFC 3261, sections 7.1 and 25.1", "a known method in other case, which makes it an unknown one"},
	{"start-line-space", "RFC 3261, sections 7.1 and 7.2", "blanks in the start line where one or none belongs"},
	{"start-line-malformed", "RFC 3261, sections 7.1 and 7.2", "the start line lacks a part or has one too many"},
	{"status-out-of-range", "RFC 3261, section 7.2", "a status code outside of 100 to 699"},
	{"header-without-colon", "RFC 3261, section 7.3.1", "a header line without a colon"},
	{"header-name", "RFC 3261, sections 7.3.1 and 25.1", "a header name that is no token"},
	{"header-unterminated", "RFC 3261, section 7", "no empty line behind the header fields"},
	{"header-limit", "the limit MaxFields", "more header fields than are kept"},
	{"header-duplicate", "RFC 3261, sections 7.3.1 and 20", "a field twice that may stand once"},
	{"header-missing", "RFC 3261, section 8.1.1", "Call-ID, CSeq, From, To or Via is missing"},
	{"cseq-malformed", "RFC 3261, section 8.1.1.5", "a CSeq that is not a number below 2^31 and a method"},
	{"cseq-method", "RFC 3261, section 8.1.1.5", "the method in CSeq is not that of the request"},
	{"content-length-invalid", "RFC 3261, section 20.14", "a Content-Length that is no number, or two that differ"},
	{"content-length-long", "RFC 3261, section 18.3", "Content-Length is over the octets that are there"},
	{"content-length-short", "RFC 3261, section 18.3", "octets behind the body"},
	{"nul", "RFC 3261, section 25.1", "a NUL in the header section"},
	{"not-utf8", "RFC 3261, sections 7.3.1 and 25.1", "a header section that is not UTF-8"},
	{"request-uri-malformed", "RFC 3261, sections 7.1 and 19.1.1", "a Request-URI that is no URI"},
	{"request-uri-headers", "RFC 3261, section 19.1.1, table 1", "a Request-URI with header fields in it"},
	{"from-malformed", "RFC 3261, sections 20.20 and 25.1", "a From that is not as the grammar has it"},
	{"to-malformed", "RFC 3261, sections 20.39 and 25.1", "a To that is not as the grammar has it"},
	{"contact-malformed", "RFC 3261, sections 20.10 and 25.1", "a Contact that is not as the grammar has it"},
	{"via-malformed", "RFC 3261, sections 20.42 and 25.1", "a Via that is not as the grammar has it"},
	{"route-malformed", "RFC 3261, sections 20.30, 20.34 and 25.1", "a Route or Record-Route that is not as the grammar has it"},
	{"address-malformed", "RFC 3261, section 25.1", "another address that is not as the grammar has it"},
	{"quote-unterminated", "RFC 3261, section 25.1", "a quoted string that is never closed"},
	{"ipv6-three-colons", "RFC 5118, section 4.10", "an IPv6 address with three colons in a row"},
	{"via-broadcast", "RFC 4475, section 3.3.10", "a Via that names a broadcast address"},
	{"branch-without-cookie", "RFC 3261, section 8.1.1.7", "no branch in the topmost Via, or one that does not begin with z9hG4bK, as before RFC 3261"},
	{"branch-empty", "RFC 3261, section 8.1.1.7", "a branch of nothing but z9hG4bK: it tells no transactions apart"},
	{"from-tag-missing", "RFC 3261, section 8.1.1.3", "From has no tag, as before RFC 3261"},
	{"to-tag-missing", "RFC 3261, section 8.2.6.2", "To has no tag in a response other than 100"},
	{"max-forwards-invalid", "RFC 3261, section 20.22", "a Max-Forwards that is no number from 0 to 255"},
	{"max-forwards-zero", "RFC 3261, section 16.3", "a Max-Forwards of zero: no proxy may pass the request on"},
	{"max-forwards-missing", "RFC 3261, section 8.1.1.6", "a request without Max-Forwards"},
	{"expires-invalid", "RFC 3261, sections 20.19 and 20.10", "an expiry that is no number below 2^32"},
	{"retry-after-invalid", "RFC 3261, section 20.33", "a Retry-After that is no number below 2^32"},
	{"number-invalid", "RFC 3262, section 7; RFC 4028, section 4", "RSeq, RAck, Session-Expires or Min-SE without their number"},
	{"warning-malformed", "RFC 3261, section 20.43", "a Warning without a code of three digits, an agent or a quoted text"},
	{"date-malformed", "RFC 3261, section 20.17", "a Date that is not of RFC 1123 in GMT"},
	{"content-length-missing", "RFC 3261, section 20.14", "no Content-Length: allowed in datagrams alone"},
	{"content-type-missing", "RFC 3261, section 20.15", "a body without a Content-Type"},
	{"contact-missing", "RFC 3261, sections 8.1.1.8 and 13.3.1.4", "an INVITE, or what accepts it, without Contact"},
	{"control-character", "RFC 3261, section 25.1", "a control character in the header section"},
	{"cr-alone", "RFC 3261, sections 7 and 25.1", "a CR in the header section that no LF follows"},
	{"line-long", "the limit MaxLine", "a header line of more octets than others may take"},
}

// IDs iterates over the ids of the quirks in the set.
func (q Quirks) IDs() iter.Seq[string] {
	return func(yield func(string) bool) {
		for info := range q.Infos() {
			if !yield(info.ID) {
				return
			}
		}
	}
}

// Infos iterates over the quirks in the set.
func (q Quirks) Infos() iter.Seq[QuirkInfo] {
	return func(yield func(QuirkInfo) bool) {
		for i := range quirkInfos {
			if q&(1<<i) != 0 && !yield(quirkInfos[i]) {
				return
			}
		}
	}
}

// Quirks returns what was unusual, as far as Parse saw it on its way.
func (m *Message) Quirks() Quirks { return m.quirks }

// Check returns what was unusual, Quirks included. It looks at the whole header section
// once more and does not allocate.
func (m *Message) Check() Quirks {
	q := m.quirks
	if f := &m.first; f[CallID] == 0 || f[CSeq] == 0 || f[From] == 0 || f[To] == 0 || f[Via] == 0 {
		q |= QuirkMissing
	}
	if m.Has(CSeq) {
		_, n, ok, method := m.CSeq()
		if !ok || n >= 1<<31 || len(method) == 0 {
			q |= QuirkCSeq
		}
		if m.IsRequest() && !bytes.Equal(method, m.Method) {
			q |= QuirkCSeqMethod
		}
	}
	q |= m.checkContentLength()
	if head := len(m.raw) - len(m.Body); head > m.plain {
		q |= checkText(m.raw[m.plain:head])
	}
	return q
}

// checkText looks for what cannot be in a header section. Most of it is ASCII, and is
// looked at in words.
func checkText(b []byte) (q Quirks) {
	if utf8.Valid(b) && bytes.IndexByte(b, 0) < 0 {
		return 0
	}
	for len(b) > 0 {
		if n := scanPlain(b); n > 0 {
			b = b[n:]
			continue
		}
		if b[0] == 0 {
			q |= QuirkNUL
		}
		r, n := utf8.DecodeRune(b)
		if r == utf8.RuneError && n == 1 {
			q |= QuirkNotUTF8
		}
		b = b[n:]
	}
	return q
}

// scanPlain returns how many octets at the start of b are ASCII and no NUL.
func scanPlain(b []byte) (n int) {
	for len(b)-n >= 32 {
		c := b[n : n+32]
		w0, w1 := binary.LittleEndian.Uint64(c), binary.LittleEndian.Uint64(c[8:])
		w2, w3 := binary.LittleEndian.Uint64(c[16:]), binary.LittleEndian.Uint64(c[24:])
		if (notPlain(w0)|notPlain(w1)|notPlain(w2)|notPlain(w3))&eachHigh != 0 {
			break
		}
		n += 32
	}
	for len(b)-n >= 8 {
		if w := notPlain(binary.LittleEndian.Uint64(b[n:])) & eachHigh; w != 0 {
			return n + bits.TrailingZeros64(w)/8
		}
		n += 8
	}
	for n < len(b) && b[n]-1 < 0x7f {
		n++
	}
	return n
}

// notPlain marks the octets of w that are not ASCII or are NUL in their highest bits: a NUL
// borrows from the bits above it. Those above the lowest one marked may be marked wrongly.
func notPlain(w uint64) uint64 { return w | (w - eachOne) }

func (m *Message) checkContentLength() (q Quirks) {
	if !m.Has(ContentLength) {
		return 0
	}
	n, ok := m.ContentLength()
	if !ok {
		q |= QuirkContentLength
	}
	if m.quirks&QuirkDuplicate != 0 { // perhaps it is this one
		for v := range m.All(ContentLength) {
			if other, ok := Number(v); !ok || other != n {
				q |= QuirkContentLength
			}
		}
	}
	switch have := int64(len(m.Body)); {
	case !ok:
	case int64(n) > have:
		q |= QuirkContentLengthLong
	case int64(n) < have:
		q |= QuirkContentLengthShort
	}
	return q
}
