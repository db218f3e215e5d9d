package sipmsg

import (
	"strings"
	"testing"
)

// TestFramerWork: a header section that never ends costs in proportion to its length. What
// is counted is work: the octets that each call of Next has to look at, which begin where
// the call before stopped.
func TestFramerWork(t *testing.T) {
	const size = 8 << 20
	segment := []byte(strings.Repeat("x", 62) + "\r\n")
	var f Framer
	f.Borrow([]byte("OPTIONS sip:a@b SIP/2.0\r\nSubject: "))
	var looked, given int64
	for range size / len(segment) {
		f.Borrow(segment)
		if f.state == inHead && f.tried {
			looked += int64(len(f.buf) - f.scan)
		} else { // the whole of it is scanned, or skipped
			looked += int64(f.Buffered())
		}
		for u, ok := f.Next(); ok; u, ok = f.Next() {
			if given += int64(len(u.Data)); !u.Partial {
				t.Fatalf("a whole message of %d octets", len(u.Data))
			}
		}
		if f.Buffered() > maxHead+len(segment) {
			t.Fatalf("%d octets are buffered", f.Buffered())
		}
	}
	if given <= maxHead || given+f.Skipped < size {
		t.Errorf("%d octets given, %d skipped", given, f.Skipped)
	}
	if looked > 2*size {
		t.Errorf("looked at %d octets of %d", looked, size)
	}
}

// TestKnownStarts: what a stream may turn to SIP with are the registered methods, and all of them.
func TestKnownStarts(t *testing.T) {
	var first class
	for _, s := range append([]string{"sip/2.0"}, knownStarts[:]...) {
		if first[s[0]] = true; !BeginsKnown([]byte(s + " ")) {
			t.Errorf("%q begins none", s+" ")
		}
	}
	if first != canBeKnown {
		t.Errorf("%v begin them", first)
	}
	for _, s := range knownStarts {
		if s != "SIP/" && !KnownMethod([]byte(s)) {
			t.Errorf("%s is no registered method", s)
		}
		for n := range s {
			if !BeginsKnown([]byte(s[:n+1])) {
				t.Errorf("%q begins none", s[:n+1])
			}
		}
	}
	if len(knownStarts) != 14+1 { // RFC 3261 and its extensions, and the version
		t.Errorf("%d of them", len(knownStarts))
	}
}
