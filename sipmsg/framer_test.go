package sipmsg_test

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/sipsight/sipsight/sipmsg"
)

// bye is a message with a body of n octets as its Content-Length has it.
func bye(length, body string) string {
	return "BYE sip:a SIP/2.0\r\nVia: x\r\nl: " + length + "\r\n\r\n" + body
}

// unitText writes a unit, its flags first.
func unitText(u sipmsg.Unit) string {
	s := string(u.Data)
	if u.Partial {
		s = "partial " + s
	}
	if u.Glued {
		s = "glued " + s
	}
	return s
}

// A piece is what a stream gives next: octets, a gap, or its end.
type piece struct {
	octets string
	gap    int64
}

// frame puts pieces through a framer, and returns what came out.
func frame(t *testing.T, pieces []piece, closed bool) (list []string, f *sipmsg.Framer) {
	t.Helper()
	f = new(sipmsg.Framer)
	var stream strings.Builder
	take := func() {
		for {
			u, ok := f.Next()
			if !ok {
				return
			}
			list = append(list, unitText(u))
			if rest := stream.String()[u.Off:]; !strings.HasPrefix(rest, string(u.Data)) {
				t.Fatalf("the unit at %d does not stand there", u.Off)
			}
		}
	}
	for _, p := range pieces {
		if p.octets == "" {
			f.Gap(p.gap)
			continue
		}
		f.Write([]byte(p.octets))
		stream.WriteString(p.octets)
		take()
		if f.Offset()+int64(f.Buffered()) != int64(stream.Len()) {
			t.Errorf("at %d with %d waiting, %d were written", f.Offset(), f.Buffered(), stream.Len())
		}
	}
	if closed {
		f.Close()
		take()
		if f.Buffered() != 0 { // all of it is out
			t.Errorf("%d octets wait behind the end", f.Buffered())
		}
	}
	return list, f
}

func TestFramer(t *testing.T) {
	const (
		plain    = "OPTIONS sip:a SIP/2.0\r\nVia: x\r\n\r\n"
		response = "SIP/2.0 200 OK\r\nVia: x\r\nl: 0\r\n\r\n"
	)
	one, two := bye("2", "ab"), bye("0", "") // 37 and 35 octets
	const open = "BYE sip:a SIP/2.0\r\nc: text/plain\r\n\r\n"
	lf := func(s string) string { return strings.ReplaceAll(s, "\r", "") }
	huge := strings.Repeat("x", 1<<20+1)
	octets := func(s ...string) (list []piece) {
		for _, o := range s {
			list = append(list, piece{octets: o})
		}
		return list
	}
	tests := []struct {
		name       string
		pieces     []piece
		goesOn     bool // the stream does not end
		want       []string
		skipped    int64
		keepalives int64
	}{
		{"two messages in one segment", octets(one + two), true, []string{one, two}, 0, 0},
		{"a message in two segments", octets(one[:30], one[30:]), true, []string{one}, 0, 0},
		{"cut between CR and LF", octets(one[:34], one[34:]), true, []string{one}, 0, 0},
		{"bare line feeds", octets(lf(one) + lf(two)), true, []string{lf(one), lf(two)}, 0, 0},
		{"responses", octets(response + response), true, []string{response, response}, 0, 0},
		{"no Content-Length and no Content-Type: no body", octets(plain + two), true, []string{plain, two}, 0, 0},
		{"keepalives", octets("\r\n\r\n", one+"\r\n\r\n"+two, "\r\n"), true, []string{"glued " + one, "glued " + two}, 0, 3},
		{"a NUL as keepalive", octets("\x00" + two), true, []string{"glued " + two}, 0, 1},
		{"waiting for the start line", octets("BYE sip:a SI"), true, nil, 0, 0},
		{"waiting for the first header", octets("BYE sip:a SIP/2.0\r\n"), true, nil, 0, 0},
		{"waiting for the body", octets(bye("9", "ab")), true, nil, 0, 0},
		{"no header at all", octets("BYE sip:a SIP/2.0\r\n\r\n" + two), true, []string{"BYE sip:a SIP/2.0\r\n\r\n", two}, 0, 0},

		{"text before a message", octets("hello\r\nworld\r\n" + two), true, []string{two}, 14, 0},
		{"text in pieces", octets("hel", "lo\r\n", two), true, []string{two}, 7, 0},
		{"text alone", octets("hello, world, this is no SIP"), false, nil, 28, 0},
		{"binary", octets("\x80\x00\x12\x34\r\n" + two), true, []string{two}, 6, 0},
		{"a NUL in the start line", octets("BYE sip:\x00 SIP/2.0\r\n" + two), true, []string{two}, 19, 0},
		{"a slash that is none of a version", octets("SIX/2.0 200 OK\r\n" + two), true, []string{two}, 16, 0},
		{"no token", octets("BYE sip:a SIP/2.0\r\n(: x\r\n" + two), true, []string{two}, 25, 0},
		{"HTTP; its line ends are not counted", octets("GET / HTTP/1.1\r\nHost: x\r\n\r\n" + two), true, []string{two}, 25, 0},
		{"behind text a known header has to follow", octets("text\r\nBYE sip:a SIP/2.0\r\nNo-Such-Field: x\r\n" + two), true, []string{two}, 43, 0},
		{"behind text some header has to follow", octets("text\r\nBYE sip:a SIP/2.0\r\n\r\n" + two), true, []string{two}, 25, 0},
		{"a method name without an end", octets(strings.Repeat("x", 200) + "\r\n" + two), true, []string{two}, 202, 0},
		{"a start line without an end", octets("BYE " + strings.Repeat("x", 20000) + "\r\n" + two), true, []string{two}, 20006, 0},
		{"a header name without an end", octets("BYE sip:a SIP/2.0\r\n" + strings.Repeat("x", 200) + "\r\n" + two), true, []string{two}, 221, 0},

		{"body over its Content-Length", octets(bye("1", "ab") + "\r\n" + two), true, []string{bye("1", "a"), two}, 3, 0},
		{"Content-Length over the body swallows a message", octets(bye("39", "ab\r\n") + two + two), true, []string{bye("39", "ab\r\n"+two), two}, 0, 0},
		{"it swallows part of one", octets(bye("20", "ab\r\n") + two + two), true, []string{bye("20", "ab\r\n"+two)[:56], two}, 17, 0},
		{"it swallows one and a half", octets(bye("60", "ab\r\n") + two + two + "\r\n"), true, []string{bye("60", "ab\r\n"), two, two}, 0, 1},
		{"the same at the end of the stream", octets(bye("99", "ab\r\n") + two), false, []string{bye("99", "ab\r\n"), two}, 0, 0},
		{"a message in a body, covered by its length", octets(bye("35", two) + two), true, []string{bye("35", two), two}, 0, 0},
		{"body cut by the end", octets(bye("9", "ab")), false, []string{"partial " + bye("9", "ab")}, 0, 0},
		{"head cut by the end", octets("BYE sip:a SIP/2.0\r\nVia: x\r\n"), false, []string{"partial BYE sip:a SIP/2.0\r\nVia: x\r\n"}, 0, 0},
		{"start line cut by the end", octets("BYE sip:a SIP/2.0"), false, nil, 17, 0},
		{"open end: up to the next start line", octets(open + "ab\r\ncd\r\n" + two), true, []string{open + "ab\r\ncd\r\n", two}, 0, 0},
		{"the same in pieces", octets(open+"a", "b\r\nB", two[1:]), true, []string{open + "ab\r\n", two}, 0, 0},
		{"the same up to the end", octets(open + "ab"), false, []string{open + "ab"}, 0, 0},
		{"a Content-Length that is none", octets(bye("-1", "ab\r\n") + two), true, []string{bye("-1", "ab\r\n"), two}, 0, 0},
		{"two that differ", octets("BYE sip:a SIP/2.0\r\nl: 1\r\nl: 2\r\n\r\nab\r\n" + two), true, []string{"BYE sip:a SIP/2.0\r\nl: 1\r\nl: 2\r\n\r\nab\r\n", two}, 0, 0},

		{"a gap in the head", []piece{{octets: "BYE sip:a SIP/2.0\r\nVia: "}, {gap: 10}, {octets: "x\r\n\r\n" + two}}, true, []string{"partial BYE sip:a SIP/2.0\r\nVia: ", two}, 3, 0},
		{"a gap in the start line", []piece{{octets: "BYE sip"}, {gap: -1}, {octets: "x\r\n" + two}}, true, []string{two}, 10, 0},
		{"a gap in the body, its length known", []piece{{octets: bye("9", "ab")}, {gap: 4}, {octets: "cde" + two}}, true, []string{"partial " + bye("9", "ab"), two}, 0, 0},
		{"a gap in the body that comes late", []piece{{octets: bye("9", "ab")[:20]}, {octets: bye("9", "ab")[20:]}, {gap: 4}, {octets: "cde" + two}}, true, []string{"partial " + bye("9", "ab"), two}, 0, 0},
		{"a gap in the body, its length not known", []piece{{octets: bye("9", "ab")}, {gap: -1}, {octets: "cde\r\n" + two}}, true, []string{"partial " + bye("9", "ab"), two}, 5, 0},
		{"a gap over the end of the body", []piece{{octets: bye("9", "ab")}, {gap: 50}, {octets: "cde\r\n" + two}}, true, []string{"partial " + bye("9", "ab"), two}, 5, 0},
		{"a gap between messages", []piece{{octets: one}, {gap: 10}, {octets: two}}, true, []string{one, two}, 0, 0},
		{"a gap in a body of open end", []piece{{octets: open + "ab"}, {gap: 10}, {octets: "c\r\n" + two}}, true, []string{"partial " + open + "ab", two}, 3, 0},

		{"a head over the limit", octets("BYE sip:a SIP/2.0\r\nVia: " + huge), true, []string{"partial BYE sip:a SIP/2.0\r\nVia: " + huge}, 0, 0},
		{"a body over the limit", octets(bye("9999999", huge) + "\r\n" + two), true, []string{"partial " + bye("9999999", huge), two}, 0, 0},
		{"an open end over the limit", octets(open + huge), true, []string{"partial " + open + huge}, 0, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, f := frame(t, test.pieces, !test.goesOn)
			if strings.Join(got, ", ") != strings.Join(test.want, ", ") || f.Skipped != test.skipped || f.Keepalives != test.keepalives {
				t.Errorf("%.300q, skipped %d, keepalives %d\nwant %.300q, %d, %d", got, f.Skipped, f.Keepalives, test.want, test.skipped, test.keepalives)
			}
		})
	}
}

// However a stream is cut into segments, the messages are the same.
func TestFramerChunks(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 12))
	streams := []string{
		bye("2", "ab") + "\r\n\r\n" + bye("0", "") + bye("3", "\r\n\r"),
		"text\r\n" + bye("2", "ab") + "text\r\n" + bye("0", ""),
		"BYE sip:a SIP/2.0\nc: a\n\n1\n2\n" + string(crlf(invite)) + "\x00\x00" + string(crlf(ringing)) + "rest",
	}
	for _, s := range streams {
		whole, first := frame(t, []piece{{octets: s}}, true)
		for range 200 {
			var pieces []piece
			for rest := s; rest != ""; {
				n := 1 + r.IntN(min(len(rest), 1+r.IntN(len(s))))
				pieces = append(pieces, piece{octets: rest[:n]})
				rest = rest[n:]
			}
			got, f := frame(t, pieces, true)
			if strings.Join(got, ", ") != strings.Join(whole, ", ") || f.Skipped != first.Skipped {
				t.Fatalf("%q in %d pieces: %s, skipped %d\nwhole %s, %d", s, len(pieces), got, f.Skipped, whole, first.Skipped)
			}
		}
	}
}

func TestCanBegin(t *testing.T) {
	for in, want := range map[string]bool{"": true, "\r\n\x00": true, "BY": true, "BYE sip": true, "\r\nBYE sip:a SIP/2.0\r\nVia: x": true, "GET / HTTP/1.1\r\n": false, "\x80": false} {
		if sipmsg.CanBegin(clip(in)) != want {
			t.Errorf("%q: %t", in, !want)
		}
	}
}

// A long stream does not pin what was given out.
func TestFramerLongStream(t *testing.T) {
	var f sipmsg.Framer
	message := bye("5000", strings.Repeat("x", 5000))
	for i := range 200 {
		f.Write([]byte(message))
		u, ok := f.Next()
		if !ok || string(u.Data) != message || u.Off != int64(i*len(message)) {
			t.Fatalf("message %d: %t, %d octets at %d", i, ok, len(u.Data), u.Off)
		}
	}
	big := bye("200000", strings.Repeat("x", 200000))
	f.Write([]byte(big + message[:100]))
	if u, ok := f.Next(); !ok || string(u.Data) != big {
		t.Fatal("the large message")
	}
	f.Write([]byte(message[100:]))
	if u, ok := f.Next(); !ok || string(u.Data) != message {
		t.Fatal("the message behind the large one")
	}
}

// More gaps than are remembered are one gap.
func TestFramerManyGaps(t *testing.T) {
	var f sipmsg.Framer
	for range 1000 {
		f.Gap(1)
	}
	f.Write([]byte(bye("0", "")))
	if u, ok := f.Next(); !ok || u.Off != 0 || u.Partial {
		t.Errorf("%+v, %t", u, ok)
	}
}
