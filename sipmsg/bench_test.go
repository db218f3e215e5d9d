package sipmsg_test

import (
	"encoding/binary"
	"os"
	"os/exec"
	"path/filepath"
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
				scratch := make([]byte, 0, 4*len(in))
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

func BenchmarkInspect(b *testing.B) {
	m := parse(b, crlf(every))
	b.SetBytes(int64(len(m.Raw())))
	b.ReportAllocs()
	for b.Loop() {
		if m.Inspect() != sipmsg.QuirkRequestURIHeaders {
			b.Fatal(quirks(m.Inspect()))
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

// BenchmarkScan is what every message costs before anything is asked: parsing, the Call-ID,
// the CSeq, both tags and the branch, in the mean over the messages of the generator.
func BenchmarkScan(b *testing.B) {
	messages := generatedMessages(b)
	if messages == nil {
		b.Skip("SIPSIGHT_SHARED is not set: it names the folder with bench/gen")
	}
	var m sipmsg.Message
	octets, i := 0, 0
	for _, in := range messages {
		octets += len(in)
	}
	b.SetBytes(int64(octets / len(messages)))
	b.ReportAllocs()
	for b.Loop() {
		if err := m.Parse(messages[i]); err != nil {
			b.Fatal(err)
		}
		id, ok := m.First(sipmsg.CallID)
		_, _, numbered, method := m.CSeq()
		if !ok || !numbered || len(id) == 0 || len(method) == 0 || len(m.Tag(sipmsg.From))+len(m.Tag(sipmsg.To))+len(m.Branch()) == 0 {
			b.Fatalf("nothing seen in %q", messages[i])
		}
		if i++; i == len(messages) {
			i = 0
		}
	}
}

// BenchmarkViews looks at every view that a message has a value for. "all" is parsing and
// the views of a message, in the mean over the messages of the generator of captures.
func BenchmarkViews(b *testing.B) {
	run := func(name string, messages [][]byte) {
		b.Run(name, func(b *testing.B) {
			var m sipmsg.Message
			scratch := make([]byte, 0, 4096)
			octets, i := 0, 0
			for _, in := range messages {
				octets += len(in)
			}
			b.SetBytes(int64(octets / len(messages)))
			b.ReportAllocs()
			for b.Loop() {
				if err := m.Parse(messages[i]); err != nil || consume(&m, scratch) == 0 {
					b.Fatal(err, "or nothing seen")
				}
				if i++; i == len(messages) {
					i = 0
				}
			}
		})
	}
	run("invite", [][]byte{crlf(invite)})
	run("response", [][]byte{crlf(ringing)})
	run("every", [][]byte{crlf(every)})
	if generated := generatedMessages(b); generated != nil {
		run("all", generated)
	}
}

// generatedMessages are the first 1,000 messages of the generator that lies beside the
// shared captures, nil where it does not.
func generatedMessages(b *testing.B) (messages [][]byte) {
	shared := os.Getenv("SIPSIGHT_SHARED")
	if shared == "" {
		b.Log("SIPSIGHT_SHARED is not set: it names the folder with bench/gen")
		return nil
	}
	out := filepath.Join(b.TempDir(), "messages")
	cmd := exec.Command("go", "run", ".", "-kind", "msgs", "-msgs", "1000", "-o", out, "-truth", out+".json")
	cmd.Dir = filepath.Join(shared, "bench", "gen")
	if text, err := cmd.CombinedOutput(); err != nil {
		b.Fatalf("%v: %s", err, text)
	}
	data, err := os.ReadFile(out)
	if err != nil {
		b.Fatal(err)
	}
	for len(data) >= 4 {
		n := int(binary.LittleEndian.Uint32(data))
		messages = append(messages, clip(data[4:4+n]))
		data = data[4+n:]
	}
	return messages
}

func BenchmarkView(b *testing.B) {
	run := func(name string, f func() bool) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if !f() {
					b.Fatal("not seen")
				}
			}
		})
	}
	m := parse(b, crlf(every))
	via, _ := m.First(sipmsg.Via)
	from, _ := m.First(sipmsg.From)
	auth, _ := m.First(sipmsg.Authorization)
	reason, _ := m.First(sipmsg.Reason)
	run("uri", func() bool { return sipmsg.ParseURI(m.RequestURI).HasPort })
	run("via", func() bool { return sipmsg.ParseVia(via).HasPort })
	run("address", func() bool { return sipmsg.ParseAddress(from).Tag() != nil })
	run("auth", func() bool { return sipmsg.ParseAuth(auth).HasResponse })
	run("reason", func() bool { return sipmsg.ParseReason(reason).HasCause })
	dst := make([]byte, 0, 4096)
	run("append", func() bool { return len(m.Append(dst[:0])) > 0 })
}
