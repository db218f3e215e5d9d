package sdp_test

import (
	"strings"
	"testing"

	"github.com/sipsight/sipsight/sdp"
)

// hostile are descriptions made to be slow to read; n is about their length.
var hostile = []struct {
	name  string
	build func(n int) string
}{
	{"lines", func(n int) string { return strings.Repeat("a=x\n", n/4) }},
	{"empty-lines", func(n int) string { return strings.Repeat("\n", n) }},
	{"carriage-returns", func(n int) string { return strings.Repeat("\r", n) }},
	{"long-lines-with-cr", func(n int) string { return strings.Repeat(strings.Repeat("x", 1000)+"\r", n/1000) }},
	{"lines-that-are-none", func(n int) string { return strings.Repeat("x\n", n/2) }},
	{"media", func(n int) string { return strings.Repeat("m=audio 1 RTP/AVP 0\n", n/20) }},
	{"media-with-session-attributes", func(n int) string {
		return strings.Repeat("a=group:LS a b c\na=setup:x\n", n/80) + strings.Repeat("m=audio 1 RTP/AVP 0\na=mid:a\n", n/80)
	}},
	{"formats", func(n int) string { return "m=audio 1 RTP/AVP" + strings.Repeat(" 0", n/2) }},
	{"rtpmaps", func(n int) string {
		return "m=audio 1 RTP/AVP" + strings.Repeat(" 96", 250) + "\n" + strings.Repeat("a=rtpmap:96 x/1\n", n/16)
	}},
	{"offers-of-many", func(n int) string {
		return strings.Repeat("m=audio 1 RTP/AVP"+strings.Repeat(" 0", 250)+"\n", n/520)
	}},
	{"one-line", func(n int) string { return "s=" + strings.Repeat("x", n) }},
	{"one-attribute", func(n int) string { return "a=" + strings.Repeat("x", n) }},
	{"blanks", func(n int) string { return "o=" + strings.Repeat(" ", n) + "x" }},
	{"fields", func(n int) string { return "o=" + strings.Repeat("x ", n/2) }},
	{"colons", func(n int) string { return "a=x" + strings.Repeat(":", n) }},
	{"labels", func(n int) string { return "a=x" + strings.Repeat("inlin:", n/6) }},
	{"keys", func(n int) string {
		return "m=audio 1 RTP/SAVP 0\n" + strings.Repeat("a=crypto:1 A inline:k\n", n/22)
	}},
	{"digits", func(n int) string {
		return "o=- " + strings.Repeat("0", n/3) + " " + strings.Repeat("9", n/3) + " IN IP4 x\nm=audio " + strings.Repeat("1", n/3) + " RTP/AVP 0"
	}},
	{"slashes", func(n int) string {
		return "c=IN IP4 " + strings.Repeat("/", n/2) + "\nm=a 1 " + strings.Repeat("/", n/2)
	}},
	{"addresses", func(n int) string { return "c=IN IP6 " + strings.Repeat("1:", n/2) }},
	{"groups", func(n int) string { return "a=group:BUNDLE" + strings.Repeat(" x", n/2) }},
	{"candidates", func(n int) string {
		return "m=audio 1 RTP/AVP 0\n" + strings.Repeat("a=candidate:1 1 UDP 1 192.0.2.1 1 typ host"+strings.Repeat(" x", 500)+"\n", n/1100)
	}},
	{"parameters", func(n int) string { return "m=audio 1 RTP/AVP 0\na=fmtp:0 " + strings.Repeat(";", n) }},
	{"nuls", func(n int) string { return strings.Repeat("a=\x00\n", n/4) }},
	{"high-octets", func(n int) string { return "a=" + strings.Repeat("\xff", n) }},
}

// read does with a description what a reader of descriptions does.
func read(s *sdp.Session, in []byte) (n int) {
	if s.Parse(in) != nil {
		return 0
	}
	n = len(s.Complaints)
	for range s.Groups() {
		n++
	}
	for i := range s.Media {
		m := &s.Media[i]
		if _, ok := m.RTCPAddr(); ok {
			n++
		}
		m.PTime()
		m.MaxPTime()
		m.IsHold()
		m.Disabled()
		m.Fingerprint()
		m.T38()
		for _, c := range m.Codecs() {
			if c.IsAuxiliary() {
				n++
			}
		}
		if len(m.Codecs()) > 0 {
			m.Codecs()[0].Param("x")
		}
		for range m.Candidates() {
			n++
		}
		for range m.Cryptos() {
			n++
		}
		for range m.SSRCs() {
			n++
		}
		for range m.Extmaps() {
			n++
		}
	}
	return n
}

// Descriptions of 2 MiB: whatever took the square of their length would not be done before
// the test runs out of time.
func TestHostileLinear(t *testing.T) {
	size := 2 << 20
	if testing.Short() {
		size = 64 << 10
	}
	var s sdp.Session
	for _, h := range hostile {
		t.Run(h.name, func(t *testing.T) {
			in := withMedia(h.build(size))
			read(&s, in)
			if len(s.Lines) < 6 || len(s.Lines) > sdp.MaxLines || len(s.Media) > sdp.MaxMedia || len(s.Complaints) > sdp.MaxComplaints {
				t.Errorf("%d lines, %d media descriptions, %d complaints", len(s.Lines), len(s.Media), len(s.Complaints))
			}
			other := s.Clone()
			if c := sdp.ChangeOf(&s, other); c.Content {
				t.Error("a copy differs")
			}
			if r := sdp.Compare(&s, other); len(r.Streams) != len(s.Media) {
				t.Errorf("%d streams", len(r.Streams))
			}
			if len(s.String()) > 2*len(in)+3*sdp.MaxLines {
				t.Errorf("%d octets are written as %d", len(in), len(s.String()))
			}
		})
	}
}

// A Session that was used before allocates nothing.
func TestAllocations(t *testing.T) {
	var s sdp.Session
	test := func(name string, f func()) {
		t.Helper()
		f()
		if n := testing.AllocsPerRun(100, f); n != 0 {
			t.Errorf("%s allocates %v times", name, n)
		}
	}
	for _, c := range benchmarks {
		in := crlf(c.in)
		test("Parse/"+c.name, func() {
			if err := s.Parse(in); err != nil {
				panic(err)
			}
		})
		dst := make([]byte, 0, 2*len(in))
		test("AppendText/"+c.name, func() {
			if _, err := s.AppendText(dst); err != nil {
				panic(err)
			}
		})
		test("views/"+c.name, func() {
			for i := range s.Media {
				m := &s.Media[i]
				if _, ok := m.Addr(); !ok {
					panic("no address")
				}
				m.RTCPAddr()
				m.PTime()
				m.IsHold()
				m.Fingerprint()
				m.T38()
				for range m.Candidates() {
				}
				for _, c := range m.Codecs() {
					c.Param("annexb")
				}
			}
		})
		test("ChangeOf/"+c.name, func() {
			if c := sdp.ChangeOf(&s, &s); c.Content {
				panic("it differs from itself")
			}
		})
	}
	refused := clip("good")
	test("Parse/refused", func() {
		if s.Parse(refused) == nil {
			panic("accepted")
		}
	})
}
