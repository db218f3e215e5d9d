package sipmsg_test

import (
	"strings"
	"testing"

	"github.com/sipsight/sipsight/sipmsg"
)

func BenchmarkSniff(b *testing.B) {
	for _, c := range []struct {
		name string
		in   []byte
		want bool
	}{
		{"rtp", clip("\x80\x00\x12\x34\x00\x00\x00\xa0\xde\xad\xbe\xef" + strings.Repeat("\xff", 160)), false},
		{"invite", crlf(invite), true},
		{"response", crlf(ringing), true},
		{"keepalive", clip("\r\n\r\n"), false},
		{"http", crlf("GET /index.html HTTP/1.1\nHost: example.com\n\n"), false},
		{"dns", clip("Ab\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x03sip\x07example\x03com\x00\x00\x01\x00\x01"), false},
		{"64k-letters", clip(strings.Repeat("x", 64<<10)), false},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.SetBytes(int64(len(c.in)))
			b.ReportAllocs()
			for b.Loop() {
				if sipmsg.Sniff(c.in) != c.want {
					b.Fatal(!c.want)
				}
			}
		})
	}
}

func BenchmarkParse(b *testing.B) {
	run := func(name string, in []byte) {
		b.Run(name, func(b *testing.B) {
			var m sipmsg.Message
			b.SetBytes(int64(len(in)))
			b.ReportAllocs()
			for b.Loop() {
				if err := m.Parse(in); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	run("invite-sdp", crlf(invite))
	run("response", crlf(ringing))
	run("compact-folded", crlf(odd[0].in))
	run("64k-one-header", withHeader("Subject: "+strings.Repeat("x", 64<<10)))
	run("12k-headers", withHeader(strings.Repeat("X: 1\n", 12000)+"To: a"))
	run("20k-folds", withHeader("Subject: x"+strings.Repeat("\n y", 20000)))
}

// BenchmarkHostile shows by its octets per second that time is linear: they are the same
// for a message and for one that is sixteen times as long.
func BenchmarkHostile(b *testing.B) {
	for _, h := range hostile {
		for _, size := range []struct {
			name string
			n    int
		}{{"64k", 64 << 10}, {"1m", 1 << 20}} {
			b.Run(h.name+"-"+size.name, func(b *testing.B) {
				in := buildHostile(h.build, size.n)
				scratch := make([]byte, 0, 2*len(in))
				var m sipmsg.Message
				b.SetBytes(int64(len(in)))
				b.ReportAllocs()
				for b.Loop() {
					if read(&m, in, scratch) < 0 {
						b.Fatal("refused")
					}
				}
			})
		}
	}
}

func BenchmarkCheck(b *testing.B) {
	m := parse(b, crlf(invite))
	b.SetBytes(int64(len(m.Raw())))
	b.ReportAllocs()
	for b.Loop() {
		if m.Check() != 0 {
			b.Fatal(quirks(m.Check()))
		}
	}
}

func BenchmarkValues(b *testing.B) {
	m := parse(b, withHeader("Via: a"+strings.Repeat(", SIP/2.0/UDP h;branch=z9hG4bK1", 1899)))
	b.SetBytes(int64(len(m.Raw())))
	b.ReportAllocs()
	for b.Loop() {
		n := 0
		for range m.Values(sipmsg.Via) {
			n++
		}
		if n != 1900 {
			b.Fatal(n)
		}
	}
}

func BenchmarkLookup(b *testing.B) {
	names := [][]byte{[]byte("Via"), []byte("CALL-ID"), []byte("f"), []byte("Content-Length"), []byte("X-Custom")}
	b.ReportAllocs()
	for b.Loop() {
		for _, name := range names {
			sipmsg.Lookup(name)
		}
	}
}

func BenchmarkTag(b *testing.B) {
	m := parse(b, crlf(invite))
	b.ReportAllocs()
	for b.Loop() {
		if len(m.Tag(sipmsg.From)) == 0 {
			b.Fatal("no tag")
		}
	}
}

func BenchmarkBranch(b *testing.B) {
	m := parse(b, crlf(invite))
	b.ReportAllocs()
	for b.Loop() {
		if len(m.Branch()) == 0 {
			b.Fatal("no branch")
		}
	}
}
