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

// The quirks. The comment names the section of RFC 3261 that says otherwise.
const (
	QuirkLFOnly             Quirks = 1 << iota // lines that end in LF alone: 7
	QuirkVersionCase                           // the version is not in upper case: 7.1 allows it
	QuirkVersion                               // a version other than 2.0: 7.1
	QuirkMethodCase                            // a known method in other case: 7.1, 25.1
	QuirkStartSpace                            // blanks in the start line where one or none belongs: 7.1, 7.2
	QuirkStartLine                             // the start line lacks a part or has one too many: 7.1, 7.2
	QuirkStatus                                // a status code outside of 100 to 699: 7.2
	QuirkNoColon                               // a header line without a colon: 7.3.1
	QuirkHeaderName                            // a header name that is no token: 7.3.1, 25.1
	QuirkUnterminated                          // no empty line behind the header fields: 7
	QuirkFieldLimit                            // over MaxFields header fields
	QuirkDuplicate                             // a field twice that may stand once: 7.3.1, 20
	QuirkMissing                               // Call-ID, CSeq, From, To or Via is missing: 8.1.1
	QuirkCSeq                                  // a CSeq that is not a number below 2^31 and a method: 8.1.1.5
	QuirkCSeqMethod                            // the CSeq method is not the method: 8.1.1.5
	QuirkContentLength                         // a Content-Length that is no number, or two that differ: 20.14
	QuirkContentLengthLong                     // Content-Length over the octets that are there: 18.3
	QuirkContentLengthShort                    // octets behind the body: 18.3
	QuirkNUL                                   // a NUL in the header section: 25.1
	QuirkNotUTF8                               // a header section that is not UTF-8: 7.3.1, 25.1
	numQuirks               = iota
)

var quirkIDs = [numQuirks]string{
	"lf-only", "version-case", "version-unknown", "odd-method-case", "start-line-space", "start-line-malformed",
	"status-out-of-range", "header-without-colon", "header-name", "header-unterminated", "header-limit",
	"header-duplicate", "header-missing", "cseq-malformed", "cseq-method", "content-length-invalid",
	"content-length-long", "content-length-short", "nul", "not-utf8",
}

// IDs iterates over the ids of the quirks in the set.
func (q Quirks) IDs() iter.Seq[string] {
	return func(yield func(string) bool) {
		for i, id := range quirkIDs {
			if q&(1<<i) != 0 && !yield(id) {
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
	for _, id := range [...]ID{CallID, CSeq, From, To, Via} {
		if m.first[id] == 0 {
			q |= QuirkMissing
		}
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
	return q | checkText(m.raw[:len(m.raw)-len(m.Body)])
}

// checkText looks for what cannot be in a header section. Most of it is ASCII, and is
// looked at in words.
func checkText(b []byte) (q Quirks) {
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
