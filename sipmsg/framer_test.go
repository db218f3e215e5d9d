package sipmsg_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sipsight/sipsight/sipmsg"
)

// gap stands in a stream for octets that are missing; -1 where it is not known how many.
type gap int64

// A framed is what a Framer made of a stream.
type framed struct {
	units      []string // "start line|length|flags"
	skipped    int64
	keepalives int64
}

// cut gives a stream to a Framer in pieces of the lengths that next returns, and overwrites
// what it gave out. Whether pieces are written, borrowed or taken makes no difference, nor what
// happens between them to the message that the Framer scans into.
func cut(stream []any, next func() int) framed {
	var sizes []int
	out := cutBy(stream, func() int { sizes = append(sizes, next()); return sizes[len(sizes)-1] }, func(int) way { return written })
	for w, give := range []func(int) way{func(int) way { return borrowed }, func(int) way { return taken }, func(i int) way { return way(i % 3) }} {
		i := -1
		other := cutBy(stream, func() int { i++; return sizes[i] }, give)
		if fmt.Sprint(other) != fmt.Sprint(out) {
			panic(fmt.Sprintf("given in way %d %v, written %v", w, other, out))
		}
	}
	return out
}

// A way is how a Framer is given octets.
type way int

const (
	written way = iota
	borrowed
	taken
)

func cutBy(stream []any, next func() int, give func(piece int) way) (out framed) {
	var f sipmsg.Framer
	var shared sipmsg.Scratch
	pieces := 0
	add := func(u sipmsg.Unit) {
		line, _, _ := strings.Cut(string(u.Data), "\n")
		s := fmt.Sprintf("%s|%d", strings.TrimSuffix(line, "\r"), len(u.Data))
		if u.Partial {
			s += "|partial"
		}
		if u.Glued {
			s += "|glued"
		}
		out.units = append(out.units, s)
		if u.Message != nil {
			var m sipmsg.Message
			if m.Parse(u.Data) != nil || u.Partial || dump(u.Message) != dump(&m) || !bytes.Equal(u.Message.Raw(), u.Data) {
				panic(fmt.Sprintf("the message is\n%s\nof\n%s", dump(u.Message), dump(&m)))
			}
		}
		for i := range u.Data {
			u.Data[i] = '?'
		}
	}
	take := func() {
		for {
			u, ok := f.Next()
			if !ok {
				return
			}
			add(u)
		}
	}
	for _, part := range stream {
		if n, ok := part.(gap); ok {
			f.Gap(int64(n))
			take()
			continue
		}
		b := []byte(part.(string))
		for len(b) > 0 {
			n := min(next(), len(b))
			piece := slices.Clip(bytes.Clone(b[:n]))
			way := give(pieces)
			if way != written {
				shared.Message.Parse([]byte("BYE sip:x SIP/2.0\r\nContent-Length: 7\r\nContent-Length: 8\r\n\r\n1234567"))
				f.Share(&shared)
			}
			switch way {
			case written:
				f.Write(piece)
			case borrowed:
				f.Borrow(piece)
			case taken:
				var u sipmsg.Unit
				if !f.Whole(piece, &u) {
					f.Borrow(piece)
				} else {
					if u.Message == nil || &u.Data[0] != &piece[0] || len(u.Data) != len(piece) || f.Buffered() > 0 {
						panic(fmt.Sprintf("%q is not the whole of %q", u.Data, piece))
					}
					add(u)
				}
			}
			pieces++
			b = b[n:]
			take()
			clear(piece)
		}
	}
	f.Close()
	take()
	out.skipped, out.keepalives = f.Skipped, f.Keepalives
	return out
}

// sip returns a message of few header fields, with more of them and a body.
func sip(start, more, body string) string {
	return start + "\r\nVia: SIP/2.0/TCP h;branch=z9hG4bK1\r\nCall-ID: c@h\r\n" + more + "\r\n" + body
}

// sized returns a message with the Content-Length of its body and n more.
func sized(start, body string, n int) string {
	return sip(start, fmt.Sprintf("Content-Type: text/plain\r\nContent-Length: %d\r\n", len(body)+n), body)
}

const (
	inviteLine  = "INVITE sip:b@h SIP/2.0"
	optionsLine = "OPTIONS sip:b@h SIP/2.0"
	okLine      = "SIP/2.0 200 OK"
)

func unit(start, message string, flags ...string) string {
	return strings.Join(append([]string{fmt.Sprintf("%s|%d", start, len(message))}, flags...), "|")
}

func TestFramer(t *testing.T) {
	body := "v=0\r\no=- 1 1 IN IP4 h\r\ns=-\r\n"
	invite := sized(inviteLine, body, 0)
	bare := sip(optionsLine, "Content-Length: 0\r\n", "")
	none := sip(okLine, "", "")
	lf := strings.ReplaceAll(bare, "\r\n", "\n")
	prack := sip("PRACK sip:b@h SIP/2.0", "CSeq: 1 PRACK\r\nContent-Length: 0\r\n", "")
	frag := "x\r\nSIP/2.0 180 Ringing\r\nVia: SIP/2.0/TCP x\r\nCall-ID: inner\r\n\r\n"
	notify := sized("NOTIFY sip:b@h SIP/2.0", frag, 0)
	quoted := sip(inviteLine, "Content-Type: application/sdp\r\nContent-Length: 24\r\n", "SIP/2.0 200 OK\r\nVia: x\r\n")
	multipart := "--b\r\nContent-Type: message/sip\r\n\r\n" + sip("BYE sip:x SIP/2.0", "", "") + "\r\n--b--\r\n"
	log := "line\r\nINVITE sip:x@y SIP/2.0\r\nFrom: a\r\n\r\nBYE sip:x SIP/2.0\r\nTo: a\r\n\r\n"
	cl := func(lines string) string { return sip(inviteLine, "Content-Type: text/plain\r\n"+lines, body) }
	short := sized(inviteLine, body+"more of it\r\n", -len("more of it\r\n"))
	long := sized(inviteLine, body, 40) // swallows the start of what follows
	large := sized(inviteLine, strings.Repeat("x\r\n", 2000), 0)
	half := strings.Index(invite, "o=-")
	odd := strings.Replace(bare, "\r\n", "\r\nX-Trace: 1,\r\n\t2\r\nX-Other:\r\n", 1)
	far := strings.Replace(bare, "\r\n", "\r\nX-Trace: "+strings.Repeat("x", 1100)+"\r\n", 1)
	garbage := "\x16\x03\x01 not SIP\r\nnor this\r\n"
	bogus := func(n int64) string { return cl(fmt.Sprintf("Content-Length: %d\r\n", n)) }

	tests := []struct {
		name       string
		in         []any
		want       []string
		skipped    int   // lines that are empty are not counted
		keepalives int64 // when the stream comes in one piece
	}{
		{name: "nothing", in: []any{""}},
		{name: "one with a body", in: []any{invite}, want: []string{unit(inviteLine, invite)}},
		{name: "without a Content-Length there is no body", in: []any{none + bare}, want: []string{unit(okLine, none), unit(optionsLine, bare)}},
		{name: "three", in: []any{invite + bare + none}, want: []string{unit(inviteLine, invite), unit(optionsLine, bare), unit(okLine, none)}},
		{name: "lines that end in LF", in: []any{lf + lf}, want: []string{unit(optionsLine, lf), unit(optionsLine, lf)}},
		{name: "compact and folded Content-Length", in: []any{sip(inviteLine, "l:\r\n  5\r\n", "hello") + bare}, want: []string{unit(inviteLine, sip(inviteLine, "l:\r\n  5\r\n", "hello")), unit(optionsLine, bare)}},
		{name: "keepalives", in: []any{"\r\n\r\n" + bare + "\r\n\r\n" + invite + "\r\n\r\n"}, want: []string{unit(optionsLine, bare, "glued"), unit(inviteLine, invite, "glued")}, keepalives: 3},
		{name: "NULs between messages", in: []any{bare + "\x00\x00" + bare}, want: []string{unit(optionsLine, bare), unit(optionsLine, bare, "glued")}, keepalives: 1},

		{name: "sipfrag in the body", in: []any{notify + bare}, want: []string{unit("NOTIFY sip:b@h SIP/2.0", notify), unit(optionsLine, bare)}},
		{name: "sipfrag in the body at the end", in: []any{notify}, want: []string{unit("NOTIFY sip:b@h SIP/2.0", notify)}},
		{name: "sipfrag in the body and a keepalive", in: []any{notify + "\r\n\r\n"}, want: []string{unit("NOTIFY sip:b@h SIP/2.0", notify)}, keepalives: 1},
		{name: "sipfrag in the body under another type, and a keepalive", in: []any{quoted + "\r\n\r\n" + bare}, want: []string{unit(inviteLine, quoted), unit(optionsLine, bare, "glued")}, keepalives: 1},
		{name: "sipfrag in the body under another type, and something else", in: []any{quoted + "garbage\r\n" + bare}, want: []string{unit(inviteLine, quoted), unit(optionsLine, bare)}, skipped: 9},
		{name: "sipfrag in the body under another type, and something else at the end", in: []any{quoted + "garbage\r\n"}, want: []string{unit(inviteLine, quoted)}, skipped: 9},
		{name: "sipfrag in the body under another type, at the end", in: []any{quoted}, want: []string{unit(inviteLine, quoted)}},
		{name: "a message in a multipart body", in: []any{sized(inviteLine, multipart, 0) + bare}, want: []string{unit(inviteLine, sized(inviteLine, multipart, 0)), unit(optionsLine, bare)}},
		{name: "a log in the body", in: []any{sized("MESSAGE sip:b SIP/2.0", log, 0) + bare}, want: []string{unit("MESSAGE sip:b SIP/2.0", sized("MESSAGE sip:b SIP/2.0", log, 0)), unit(optionsLine, bare)}},

		{name: "Content-Length too small", in: []any{short + bare}, want: []string{unit(inviteLine, short[:len(short)-12]), unit(optionsLine, bare)}, skipped: 12},
		{name: "Content-Length too large", in: []any{long + bare + none}, want: []string{unit(inviteLine, long), unit(optionsLine, bare), unit(okLine, none)}},
		{name: "Content-Length too large behind a large message", in: []any{large + long + bare + none},
			want: []string{unit(inviteLine, large), unit(inviteLine, long), unit(optionsLine, bare), unit(okLine, none)}},
		{name: "Content-Length too large at the end", in: []any{long}, want: []string{unit(inviteLine, long, "partial")}},
		{name: "Content-Length too large for all that comes", in: []any{bogus(5000) + bare + none}, want: []string{unit(inviteLine, bogus(5000)), unit(optionsLine, bare), unit(okLine, none)}},
		{name: "Content-Length over a megabyte", in: []any{bogus(1<<20+1) + bare + none}, want: []string{unit(inviteLine, bogus(1<<20+1)), unit(optionsLine, bare), unit(okLine, none)}},
		{name: "Content-Length of ten digits", in: []any{bogus(4294967295) + bare}, want: []string{unit(inviteLine, bogus(4294967295)), unit(optionsLine, bare)}},
		{name: "Content-Length negative", in: []any{cl("Content-Length: -1\r\n") + bare}, want: []string{unit(inviteLine, cl("Content-Length: -1\r\n")), unit(optionsLine, bare)}},
		{name: "Content-Length no number", in: []any{cl("Content-Length: many\r\n") + bare}, want: []string{unit(inviteLine, cl("Content-Length: many\r\n")), unit(optionsLine, bare)}},
		{name: "Content-Length over 64 bits", in: []any{cl("Content-Length: 99999999999999999999999\r\n") + bare}, want: []string{unit(inviteLine, cl("Content-Length: 99999999999999999999999\r\n")), unit(optionsLine, bare)}},
		{name: "Content-Length twice, the same", in: []any{cl("Content-Length: 28\r\nl: 28\r\n") + bare}, want: []string{unit(inviteLine, cl("Content-Length: 28\r\nl: 28\r\n")), unit(optionsLine, bare)}},
		{name: "Content-Length twice, different", in: []any{cl("Content-Length: 5\r\nContent-Length: 500\r\n") + bare}, want: []string{unit(inviteLine, cl("Content-Length: 5\r\nContent-Length: 500\r\n")), unit(optionsLine, bare)}},
		{name: "a body without Content-Length", in: []any{cl("") + bare}, want: []string{unit(inviteLine, cl("")), unit(optionsLine, bare)}},
		{name: "a body without Content-Length at the end", in: []any{cl("")}, want: []string{unit(inviteLine, cl(""))}},

		{name: "from the middle", in: []any{gap(-1), invite[half:] + bare}, want: []string{unit(optionsLine, bare)}, skipped: len(invite) - half},
		{name: "something else in between", in: []any{bare + garbage + bare}, want: []string{unit(optionsLine, bare), unit(optionsLine, bare)}, skipped: len(garbage)},
		{name: "something else alone", in: []any{garbage + garbage}, skipped: 2 * len(garbage)},
		{name: "a start line without header fields is none", in: []any{garbage + inviteLine + "\r\nNothing-Known: x\r\n\r\n" + bare}, want: []string{unit(optionsLine, bare)}, skipped: len(garbage) + len(inviteLine) + 20},
		{name: "a known header field behind others", in: []any{garbage + odd + bare}, want: []string{unit(optionsLine, odd), unit(optionsLine, bare)}, skipped: len(garbage)},
		{name: "a known header field far behind others", in: []any{garbage + far + bare}, want: []string{unit(optionsLine, bare)}, skipped: len(garbage) + len(far) - 2},
		{name: "a known header field behind other lines", in: []any{garbage + inviteLine + "\r\nFoo: y\r\n\r\nVia: x\r\n" + bare}, want: []string{unit(optionsLine, bare)}, skipped: len(garbage) + len(inviteLine) + 18},
		{name: "a body of unknown length in front of a known header field behind others", in: []any{cl("") + odd}, want: []string{unit(inviteLine, cl("")), unit(optionsLine, odd)}},
		{name: "RTSP", in: []any{"OPTIONS rtsp://h/ RTSP/1.0\r\nCSeq: 1\r\n\r\n"}, skipped: 37},
		{name: "ends in the header section", in: []any{bare + invite[:60]}, want: []string{unit(optionsLine, bare), unit(inviteLine, invite[:60], "partial")}},
		{name: "ends in the start line", in: []any{bare + "INVITE sip:b@"}, want: []string{unit(optionsLine, bare)}, skipped: 13},
		{name: "ends in the body", in: []any{invite[:half]}, want: []string{unit(inviteLine, invite[:half], "partial")}},

		{name: "gap in the header section", in: []any{invite[:60], gap(9), invite[69:] + bare}, want: []string{unit(inviteLine, invite[:60], "partial"), unit(optionsLine, bare)}, skipped: len(invite) - 71},
		{name: "gap in the body", in: []any{invite[:half], gap(9), invite[half+9:] + bare}, want: []string{unit(inviteLine, invite[:half], "partial"), unit(optionsLine, bare)}},
		{name: "gap in the body, then a message without known header fields", in: []any{invite[:half], gap(9), invite[half+9:] + optionsLine + "\r\nFoo: y\r\n\r\n"},
			want: []string{unit(inviteLine, invite[:half], "partial"), unit(optionsLine, optionsLine+"\r\nFoo: y\r\n\r\n")}},
		{name: "two gaps in the body", in: []any{invite[:half], gap(3), invite[half+3 : half+5], gap(4), invite[half+9:] + bare}, want: []string{unit(inviteLine, invite[:half], "partial"), unit(optionsLine, bare)}},
		{name: "gap up to the end of the body", in: []any{invite[:half], gap(len(invite) - half), bare}, want: []string{unit(inviteLine, invite[:half], "partial"), unit(optionsLine, bare)}},
		{name: "gap from the body into the next message", in: []any{invite[:half], gap(len(invite) - half + 10), bare[10:] + none}, want: []string{unit(inviteLine, invite[:half], "partial"), unit(okLine, none)}, skipped: len(bare) - 12},
		{name: "gap of unknown length in the body", in: []any{invite[:half], gap(-1), invite[half+9:] + bare}, want: []string{unit(inviteLine, invite[:half], "partial"), unit(optionsLine, bare)}, skipped: len(invite) - half - 9},
		{name: "gap in a body in front of a start line", in: []any{notify[:len(notify)-61], gap(1), notify[len(notify)-60:] + bare}, want: []string{unit("NOTIFY sip:b@h SIP/2.0", notify[:len(notify)-61], "partial"), unit(optionsLine, bare)}},
		{name: "gap in a body with a start line", in: []any{notify[:len(notify)-50], gap(5), notify[len(notify)-45:] + bare}, want: []string{unit("NOTIFY sip:b@h SIP/2.0", notify[:len(notify)-50], "partial"), unit(optionsLine, bare)}},
		{name: "gap between messages", in: []any{bare, gap(100), bare}, want: []string{unit(optionsLine, bare), unit(optionsLine, bare)}},
		{name: "gap in a body without Content-Length", in: []any{cl(""), gap(5), "x\r\n" + bare}, want: []string{unit(inviteLine, cl(""), "partial"), unit(optionsLine, bare)}, skipped: 3},
		{name: "gap, and the rest of a body without a line end", in: []any{invite[:60], gap(-1), "Hello world" + bare}, want: []string{unit(inviteLine, invite[:60], "partial"), unit(optionsLine, bare)}, skipped: 11},
		{name: "gap, and the rest of a body without a line end, in front of an answer", in: []any{gap(-1), "\x01\x80</x>" + none + bare}, want: []string{unit(okLine, none), unit(optionsLine, bare)}, skipped: 6},
		{name: "gap, and the rest of a body that is one word", in: []any{gap(-1), "Hello" + prack + bare}, want: []string{unit("PRACK sip:b@h SIP/2.0", prack), unit(optionsLine, bare)}, skipped: 5},
		{name: "gap, and the rest of a body that is one long line", in: []any{gap(-1), strings.Repeat("x", 5000) + bare + none}, want: []string{unit(optionsLine, bare), unit(okLine, none)}, skipped: 5000},
		{name: "gap, and the rest of a body that is a line of 1,024 octets with a start line", in: []any{gap(-1), strings.Repeat("x", 1024-len(optionsLine)) + bare}, want: []string{unit(optionsLine, bare)}, skipped: 1024 - len(optionsLine)},
		{name: "gap, and the rest of a body that is one long line, with a gap in it", in: []any{gap(-1), strings.Repeat("x", 2000), gap(9), strings.Repeat("x", 1500) + bare}, want: []string{unit(optionsLine, bare)}, skipped: 3500},
		{name: "gap, and a long line of a log", in: []any{gap(-1), strings.Repeat("x", 5000) + " recv " + bare + none}, want: []string{unit(okLine, none)}, skipped: 5006 + len(bare) - 2},
		{name: "gap, and a long line at the end", in: []any{gap(-1), strings.Repeat("x", 5000) + optionsLine}, skipped: 5000 + len(optionsLine)},
		{name: "gap, and the rest of a body that ends in a blank", in: []any{gap(-1), "Hi " + strings.Replace(bare, "Via", "CSeq: 1 OPTIONS\r\nVia", 1) + none}, want: []string{unit(optionsLine, bare+"CSeq: 1 OPTIONS\r\n"), unit(okLine, none)}, skipped: 3},
		{name: "gap, and lines of a log", in: []any{gap(-1), "10:00 recv: " + bare + "<13>" + none + "[1]" + bare + bare}, want: []string{unit(optionsLine, bare)}, skipped: 12 + 4 + 3 + 2*(len(bare)-2) + len(none) - 2},
		{name: "gap, and a long line", in: []any{gap(-1), strings.Repeat("\x01 ", 600) + bare + none}, want: []string{unit(okLine, none)}, skipped: 1200 + len(bare) - 2},
		{name: "gap in a start line, and another one behind it", in: []any{gap(-1), bare[6:50], gap(3), bare[53:] + none}, want: []string{unit(okLine, none)}, skipped: len(bare) - 6 - 3 - 2},
		{name: "gap in a start line", in: []any{bare + "INVITE s", gap(5), "h SIP/2.0\r\nVia: x\r\n\r\n" + bare}, want: []string{unit(optionsLine, bare), unit(optionsLine, bare)}, skipped: 27},
	}
	r := rand.New(rand.NewPCG(7, 8))
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			check := func(how string, next func() int) {
				t.Helper()
				got := cut(test.in, next)
				if !slices.Equal(got.units, test.want) || got.skipped != int64(test.skipped) {
					t.Fatalf("%s:\n%s\n%d skipped, want %d:\n%s", how, strings.Join(got.units, "\n"), got.skipped, test.skipped, strings.Join(test.want, "\n"))
				}
				if how == "whole" && got.keepalives != test.keepalives {
					t.Errorf("%d keepalives, want %d", got.keepalives, test.keepalives)
				}
			}
			check("whole", func() int { return 1 << 30 })
			check("octet by octet", func() int { return 1 })
			for range 20 {
				check("in pieces", func() int { return 1 + r.IntN(60) })
			}
			total := 0
			for _, part := range test.in {
				if s, ok := part.(string); ok {
					total += len(s)
				}
			}
			for n := 1; n < total; n++ { // in two
				first := n
				check(fmt.Sprintf("cut at %d", n), func() int {
					k := first
					first = 1 << 30
					return k
				})
			}
		})
	}
}

// TestFramerLengthAtLineEnd: a Content-Length that ends at a line end of the next message hides none of
// it; but one that covers all of the next message is believed where the body is no session description, and so is a type that may
// hold messages.
func TestFramerLengthAtLineEnd(t *testing.T) {
	bare := sip(optionsLine, "CSeq: 1 OPTIONS\r\nContent-Length: 0\r\n", "")
	const sdp, octets = "v=0\r\no=- 1 1 IN IP4 h\r\ns=-\r\n", "octets\r\n"
	body := sdp
	first := func(kind string, n int) string {
		if body = sdp; kind == octets {
			body, kind = octets, ""
		}
		return sip(inviteLine, kind+fmt.Sprintf("Content-Length: %d\r\n", len(body)+n), body)
	}
	for _, next := range []string{sip("SIP/2.0 183 Session Progress", fmt.Sprintf("CSeq: 1 INVITE\r\nc: application/sdp\r\nl: %d\r\n", len(body)), body), bare, strings.ReplaceAll(bare, "\r\n", "\n")} {
		line, _, _ := strings.Cut(next, "\n")
		line = strings.TrimSuffix(line, "\r")
		for n := 1; n <= len(next); n++ {
			if next[n-1] != '\n' {
				continue
			}
			for _, kind := range []string{"Content-Type: application/sdp\r\n", "c: Application/SDP ; a=b\r\n", "", octets, "Content-Type: text/plain\r\n"} {
				in := first(kind, n)
				want := []string{unit(inviteLine, in), unit(line, next), unit(optionsLine, bare)}
				skipped := int64(0)
				switch {
				case n == len(next) && kind == octets:
					want = []string{unit(inviteLine, in+next), unit(optionsLine, bare)}
				case strings.HasPrefix(kind, "Content-Type: text"):
					want = []string{unit(inviteLine, in+next[:n]), unit(optionsLine, bare)}
					skipped = -1
				}
				for _, size := range []int{1 << 30, 1, 7, len(in) + n} {
					got := cut([]any{in + next + bare}, func() int { return size })
					for i, u := range got.units { // its empty line may be left
						got.units[i] = strings.TrimSuffix(u, "|glued")
					}
					if !slices.Equal(got.units, want) || skipped == 0 && got.skipped != 0 {
						t.Errorf("%q, over by %d octets, in pieces of %d: %q, %d skipped; want %q", kind, n, size, got.units, got.skipped, want)
					}
				}
			}
		}
	}
}

// TestFramerQuotedInDescription: a start line in a session description that is as long as it says is no message where what each has
// is missing in it, whatever stands behind it and however little of that has come.
func TestFramerQuotedInDescription(t *testing.T) {
	next := sip(okLine, "Call-ID: i@h\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n", "")
	for _, body := range []string{"v=0\r\ns=-\r\n" + inviteLine + "\r\nVia: x\r\n", "v=0\r\ns=-\r\n" + inviteLine + "\r\nVia: x"} {
		for _, kind := range []string{"", "Content-Type: application/sdp\r\n"} {
			in := sip(optionsLine, kind+fmt.Sprintf("Content-Length: %d\r\n", len(body)), body)
			for _, size := range []int{1 << 30, 1, 7, len(in)} {
				want := []string{unit(optionsLine, in), unit(okLine, next)}
				if got := cut([]any{in + next}, func() int { return size }); !slices.Equal(got.units, want) {
					t.Errorf("%q%q in pieces of %d: %q", kind, body, size, got.units)
				}
			}
		}
	}
}

// TestFramerPieces: a start line that runs over the end of a body, and a NUL behind a Content-Length, are the same in whatever pieces
// they come.
func TestFramerPieces(t *testing.T) {
	const quoted = "SIP/2.0 200 OK\r\nl: 0\r\n\r\n\r\n"
	for _, in := range []string{
		sip(optionsLine, fmt.Sprintf("Content-Length: %d\r\n", len(quoted+"IN")), quoted) + "INVITE sip:b@h SIP/2.0\r\nnocolon\r\n",
		sip(optionsLine, fmt.Sprintf("Content-Length: %d\r\n", len(quoted+"SIP/2.0")), quoted) + "SIP/2.0 200 OK\nSIP/2.0 100 Trying\r\nTo: t\r\n",
		"x\r\nl: 40\r\n\x00\r\n\r\n--b--\r\nSIP/2.0 100 Trying\r\nContact: c\r\nSIP/2.0 200 OK\r\nContent-Type: text/plain\r\n\n",
	} {
		want := cut([]any{in, gap(-1)}, func() int { return 1 << 30 })
		for _, size := range []int{1, 2, 7} {
			if got := cut([]any{in, gap(-1)}, func() int { return size }); !slices.Equal(got.units, want.units) || got.skipped != want.skipped {
				t.Errorf("%q in pieces of %d: %q, %d skipped, want %q, %d", in, size, got.units, got.skipped, want.units, want.skipped)
			}
		}
	}
}

// TestFramerPatience: where the end of a long message cannot be told for long, octets that come one by one cost little, and change
// nothing.
func TestFramerPatience(t *testing.T) {
	many := strings.Repeat("X-Abc: d\r\n", 20000)
	body := "x\r\n" + inviteLine + "\r\nVia: x\r\n"
	for _, in := range []string{
		sip(optionsLine, fmt.Sprintf("Content-Length: %d\r\n", len(body)), body) + many + "Call-ID: i@h\r\nCSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n",
		sip(optionsLine, many+fmt.Sprintf("Content-Length: %d\r\n", len(body)), body) + "A " + strings.Repeat("x", 15000) + "\r\n",
	} {
		want := cut([]any{in}, func() int { return len(in) }).units
		start := time.Now()
		got := cut([]any{in}, func() int { return 1 }).units
		if took := time.Since(start); took > 10*time.Second || len(got) == 0 || !slices.Equal(got, want) {
			t.Errorf("%q took %v, want %q", got, took, want)
		}
	}
}

// TestFramerManyStarts: of lines that begin as messages do, and begin none, each costs little, however much stands behind it.
func TestFramerManyStarts(t *testing.T) {
	bare := sip(optionsLine, "CSeq: 1 OPTIONS\r\nContent-Length: 0\r\n", "")
	for _, in := range []string{
		strings.Repeat(inviteLine+"\r\nno colon\r\n", 30000),
		strings.Repeat(okLine, 1000),
		strings.Repeat(okLine, 1000) + "\r\n" + strings.Repeat("Contact: <sip:c@h>\r\n", 40000) + "\r\n",
	} {
		start := time.Now()
		got := cut([]any{gap(-1), in + bare}, func() int { return len(in) + len(bare) })
		if took := time.Since(start); took > 10*time.Second || !slices.Equal(got.units, []string{unit(optionsLine, bare)}) || got.skipped != int64(len(in)) {
			t.Errorf("%.40q took %v: %q, %d skipped of %d", in, took, got.units, got.skipped, len(in))
		}
	}
}

// TestFramerLengthAnywhere: wherever a Content-Length that is too large ends in the messages behind, it hides none of
// them, but for the ends of messages.
func TestFramerLengthAnywhere(t *testing.T) {
	options := sip(optionsLine, "Via: SIP/2.0/TCP h\r\n ;branch=z9hG4bK1\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n", "")
	bye := sip("BYE sip:bob@h SIP/2.0", "Via: SIP/2.0/TCP h\r\nCSeq: 2 BYE\r\nContent-Length: 0\r\n", "")
	for body, kind := range map[string]string{"v=0\r\no=- 1 1 IN IP4 h\r\ns=-\r\n": "Content-Type: application/sdp\r\n", "": ""} {
		for n := 1; n < len(options)+len(bye)-4; n++ {
			if n == len(options) && body == "" { // it may be the body
				continue
			}
			in := sip(inviteLine, kind+fmt.Sprintf("Content-Length: %d\r\n", len(body)+n), body)
			want := []string{unit(inviteLine, in), unit(optionsLine, options), unit("BYE sip:bob@h SIP/2.0", bye)}
			for _, size := range []int{1 << 30, 1, 7, len(in) + n} {
				got := cut([]any{in + options + bye}, func() int { return size })
				for i, u := range got.units { // its empty line may be left
					got.units[i] = strings.TrimSuffix(u, "|glued")
				}
				if !slices.Equal(got.units, want) || got.skipped != 0 {
					t.Fatalf("over by %d octets behind a body of %d, in pieces of %d: %q, %d skipped", n, len(body), size, got.units, got.skipped)
				}
			}
		}
	}
}

// TestFramerQuotedAtTheEnd: what a body quotes is no message either where the stream ends in it.
func TestFramerQuotedAtTheEnd(t *testing.T) {
	quoted := "SIP/2.0 200 OK\r\nCall-ID: inner@h\r\nCSeq: 1 INVITE\r\nl: 0\r\n\r\n"
	in := sip("NOTIFY sip:b@h SIP/2.0", fmt.Sprintf("CSeq: 1 NOTIFY\r\nContent-Type: message/sipfrag\r\nContent-Length: %d\r\n", len(quoted)), quoted)
	for n := len(in) - len(quoted) + 1; n < len(in); n++ {
		got := cut([]any{in[:n]}, func() int { return 1 << 30 })
		if want := []string{unit("NOTIFY sip:b@h SIP/2.0", in[:n]) + "|partial"}; !slices.Equal(got.units, want) {
			t.Fatalf("%d octets: %q, want %q", n, got.units, want)
		}
	}
}

// TestFramerLengthBelieved: bodies that a start line is in, and a line end behind them, are as long as they say.
func TestFramerLengthBelieved(t *testing.T) {
	inner := "SIP/2.0 200 OK\r\nCall-ID: inner@h\r\nCSeq: 1 INVITE"
	for _, kind := range []string{"message/sipfrag", "text/plain", "application/sdp"} {
		for _, body := range []string{inner, "log\r\n" + inner, inner + "\r\n", "log\r\n" + inner + "\r\n\r\n", "INVITE", "log\r\nBYE now"} {
			if kind == "application/sdp" && strings.Contains(body, "inner@h") && !strings.HasSuffix(body, "\r\n\r\n") {
				continue
			}
			for _, between := range []string{"", "\r\n", "\r\n\r\n"} {
				first := sip(inviteLine, fmt.Sprintf("Content-Type: %s\r\nContent-Length: %d\r\n", kind, len(body)), body)
				last := sip(optionsLine, "CSeq: 1 OPTIONS\r\nContent-Length: 0\r\n", "")
				for _, size := range []int{1 << 30, 1, 7, len(first), len(first) + 1, len(first) + 2} {
					got := cut([]any{first + between + last}, func() int { return size })
					if len(got.units) != 2 || got.units[0] != unit(inviteLine, first) || got.skipped != 0 {
						t.Errorf("%s, %q, %q behind it, in pieces of %d: %q, %d skipped", kind, body, between, size, got.units, got.skipped)
					}
				}
			}
		}
	}
}

// TestFramerQuotedFromTheMiddle: what a body quotes is no message where the stream begins in the header section in
// front of it, as far as its Content-Length is there, but a message that a length which is wrong covers is one.
func TestFramerQuotedFromTheMiddle(t *testing.T) {
	quoted := "SIP/2.0 200 OK\r\nCall-ID: inner@h\r\nCSeq: 1 INVITE\r\nl: 0\r\n\r\n"
	options := sip(optionsLine, "CSeq: 1 OPTIONS\r\nContent-Length: 0\r\n", "")
	notify := func(length int) string {
		return sip("NOTIFY sip:b@h SIP/2.0", fmt.Sprintf("CSeq: 1 NOTIFY\r\nContent-Type: message/sipfrag\r\nContent-Length: %d\r\n", length), quoted)
	}
	for _, between := range []string{"", "\r\n\r\n"} {
		for _, end := range []string{options, ""} {
			in := notify(len(quoted)) + between + end
			for start := 1; start <= strings.Index(in, "Content-Length"); start++ {
				for _, size := range []int{1 << 30, 1, 7} {
					got := cut([]any{in[start:]}, func() int { return size })
					if want := strings.Count(end, "OPTIONS sip"); len(got.units) != want || strings.Contains(strings.Join(got.units, " "), "200") {
						t.Fatalf("from octet %d on, %q between, in pieces of %d: %q", start, between, size, got.units)
					}
				}
			}
		}
	}
	for _, length := range []int{len(quoted) - 3, len(quoted) + 40, len(quoted) + 4000} {
		in := notify(length) + options
		for _, size := range []int{1 << 30, 1, 7} {
			got := cut([]any{in[10:]}, func() int { return size })
			if n := len(got.units); n == 0 || got.units[n-1] != unit(optionsLine, options) {
				t.Errorf("a length of %d for %d, in pieces of %d: %q", length, len(quoted), size, got.units)
			}
		}
	}
}

// TestFramerFragment: where the message is missing whose body quotes it, what has nothing that each message must have is no
// message, nor is what the start of another one ends.
func TestFramerFragment(t *testing.T) {
	request := sip("NOTIFY sip:b@h SIP/2.0", "CSeq: 1 NOTIFY\r\nContent-Length: 0\r\n", "")
	response := sip("SIP/2.0 404 Not Found", "CSeq: 1 NOTIFY\r\nContent-Length: 0\r\n", "")
	for _, next := range []string{request, response} {
		line, _, _ := strings.Cut(next, "\r\n")
		checkFragments(t, next, unit(line, next))
	}
}

func checkFragments(t *testing.T, next, isNext string) {
	for _, c := range []struct {
		quoted string
		want   []string // in front of the next message
	}{
		{"SIP/2.0 100 Trying", nil},
		{"SIP/2.0 100 Trying\r\n", nil},
		{"SIP/2.0 100 Trying\r\n\r\n", nil},
		{"SIP/2.0 200 OK\r\nContact: <sip:c@h>\r\n", nil},
		{"SIP/2.0 200 OK\r\nContact: <sip:c@h>\r\n\r\n", nil},
		{"INVITE sip:c@h SIP/2.0\r\nContact: <sip:c@h>\r\n", []string{"INVITE sip:c@h SIP/2.0|44"}},
		{"KEEP sip:c@h SIP/2.0\r\nContent-Length: 0\r\n\r\n", []string{"KEEP sip:c@h SIP/2.0|43"}},
		{"SIP/2.0 100 Trying\r\nContact: <sip:c@h>\r\nSIP/2.0 200 OK\r\nContact: <sip:c@h>\r\n", nil},
		{"SIP/2.0 200 OK\r\nCall-ID: i@h\r\n", []string{"SIP/2.0 200 OK|30"}},
		{"SIP/2.0 200 OK\r\nCall-ID: i@h\r\nSIP/2.0 200 OK\r\nTo: t\r\n", []string{"SIP/2.0 200 OK|30"}},
		{"SIP/2.0 200 OK\r\nCall-ID: i@h\r\n\r\n", []string{"SIP/2.0 200 OK|32"}},
	} {
		for _, size := range []int{1 << 30, 1, 7, len(c.quoted)} {
			want := append(slices.Clone(c.want), isNext)
			if got := cut([]any{gap(-1), c.quoted + next}, func() int { return size }); !slices.Equal(got.units, want) {
				t.Errorf("%q behind a gap, in pieces of %d: %q, want %q", c.quoted, size, got.units, want)
			}
			var f sipmsg.Framer
			f.Join()
			if got := unitsOf(&f, c.quoted+next, size); !slices.Equal(got, want) {
				t.Errorf("%q from the middle, in pieces of %d: %q, want %q", c.quoted, size, got, want)
			}
			if got, again := unitsOf(&f, c.quoted+next, size), unitsOf(new(sipmsg.Framer), c.quoted+next, size); !slices.Equal(got, again) {
				t.Errorf("%q behind a message: %q; at the start of a stream %q", c.quoted, got, again)
			}
		}
	}
}

// TestFramerFragmentCut: nor is what is there of one such message, from its first header field on.
func TestFramerFragmentCut(t *testing.T) {
	const quoted = "SIP/2.0 200 OK\r\nContact: <sip:c@h>\r\n"
	for n := strings.IndexByte(quoted, ':') + 1; n <= len(quoted); n++ {
		if got := cut([]any{gap(-1), quoted[:n], gap(-1), "x\r\n"}, func() int { return 1 << 30 }); len(got.units) > 0 {
			t.Errorf("%q: %q", quoted[:n], got.units)
		}
	}
	for _, in := range []string{"SIP/2.0 200 OK\r\nVia: S", "SIP/2.0 200 OK\r\nContact: <sip:c@h>\r\nVia: S", "SIP/2.0 200 OK\r\n", "SIP/2.0 200 OK\r\nV"} {
		want := []string{unit(okLine, in, "partial")}
		if got := cut([]any{gap(-1), in, gap(-1), "x\r\n"}, func() int { return 1 << 30 }); !slices.Equal(got.units, want) {
			t.Errorf("%q: %q", in, got.units)
		}
	}
}

// TestFramerGluedCut: two start lines in one, of which the stream ends the second one.
func TestFramerGluedCut(t *testing.T) {
	const in = "SIP/2.0 200 OKINVITE sip:b@h SIP/2.0"
	for n := 1; n <= len(in); n++ {
		var f sipmsg.Framer
		f.Gap(-1)
		f.Borrow(slices.Clip([]byte(in[:n])))
		f.Gap(-1)
		for u, ok := f.Next(); ok; u, ok = f.Next() {
			if !u.Partial || !strings.HasSuffix(in[:n], string(u.Data)) {
				t.Errorf("%q: %q", in[:n], u.Data)
			}
		}
	}
}

// TestFramerJoined: the rest of a body in front of the first start line is no part of it, nor does CSeq have to be there to tell.
func TestFramerJoined(t *testing.T) {
	for _, before := range []string{"tuple id=\"a\"/><tuple/></presence>", "Hello", "ITE sip:a@h SIP/2.0\r\nVia: SIP/2.0/TCP x\r\n"} {
		in := before + inviteLine + "\r\nVia: SIP/2.0/TCP h\r\nX-More"
		var f sipmsg.Framer
		f.Join()
		f.Write([]byte(in))
		f.Gap(-1)
		u, ok := f.Next()
		if !ok || !u.Partial || string(u.Data) != in[len(before):] || f.Skipped != int64(len(before)) {
			t.Errorf("%q: %q, %d skipped", before, u.Data, f.Skipped)
		}
	}
}

// TestFramerBehindMethod: a line that begins as a start line does, and is none, may end in one.
func TestFramerBehindMethod(t *testing.T) {
	next := sip(okLine, "CSeq: 1 OPTIONS\r\nContent-Length: 0\r\n", "")
	for _, size := range []int{1 << 30, 1, 7, 9} {
		if got := cut([]any{"REGISTER$" + next}, func() int { return size }); !slices.Equal(got.units, []string{unit(okLine, next)}) || got.skipped != 9 {
			t.Errorf("in pieces of %d: %q", size, got.units)
		}
	}
}

// unitsOf gives octets to a Framer in pieces of a size and returns what it makes of them.
func unitsOf(f *sipmsg.Framer, in string, size int) (list []string) {
	for len(in) > 0 {
		n := min(size, len(in))
		f.Write([]byte(in[:n]))
		for u, ok := f.Next(); ok; u, ok = f.Next() {
			line, _, _ := strings.Cut(string(u.Data), "\r\n")
			list = append(list, unit(line, string(u.Data)))
		}
		in = in[n:]
	}
	return list
}

// TestFramerOffsets: Off, Buffered and Offset say where things lie.
func TestFramerOffsets(t *testing.T) {
	var f sipmsg.Framer
	message := sized(inviteLine, "hello", 0)
	f.Write([]byte("\r\n\r\n" + message + message[:10]))
	u, ok := f.Next()
	if !ok || u.Off != 4 || !u.Glued || string(u.Data) != message {
		t.Fatalf("%+v %t", u, ok)
	}
	if _, ok := f.Next(); ok {
		t.Fatal("a second message")
	}
	if f.Buffered() != 10 || f.Offset() != int64(4+len(message)) {
		t.Errorf("%d wait at %d", f.Buffered(), f.Offset())
	}
}

// TestFramerLimits: neither a header section nor a body is waited for without end.
func TestFramerLimits(t *testing.T) {
	const mega = 1 << 20
	options := sip(optionsLine, "Content-Length: 0\r\n", "")
	for _, c := range []struct {
		name, in string
		want     int // octets of the first unit
	}{
		{"header section", inviteLine + "\r\nVia: x\r\n" + strings.Repeat("X-Filler: "+strings.Repeat("x", 100)+"\r\n", 2*mega/100), mega},
		{"header field", inviteLine + "\r\nVia: x\r\nX-Filler: " + strings.Repeat("x", 2*mega) + "\r\n\r\n", mega},
		{"body of unknown length", sip(inviteLine, "Content-Type: text/plain\r\n", strings.Repeat("x\r\n", mega)), mega},
		{"body that claims two megabytes", sip(inviteLine, fmt.Sprintf("Content-Length: %d\r\n", 2*mega), strings.Repeat("x", 2*mega)), mega},
	} {
		t.Run(c.name, func(t *testing.T) {
			var f sipmsg.Framer
			var units []sipmsg.Unit
			most := 0
			for p := range slices.Chunk([]byte(c.in+"\r\n"+options), 4096) {
				f.Write(p)
				for u, ok := f.Next(); ok; u, ok = f.Next() {
					u.Data = bytes.Clone(u.Data)
					units = append(units, u)
				}
				most = max(most, f.Buffered())
			}
			if most > mega+8192 {
				t.Errorf("%d octets waited", most)
			}
			if len(units) != 2 || !units[0].Partial || len(units[0].Data) < c.want || len(units[0].Data) > c.want+8192 {
				t.Fatalf("%d units, the first of %d octets", len(units), len(units[0].Data))
			}
			if string(units[1].Data) != options {
				t.Errorf("the second is %q", units[1].Data)
			}
		})
	}
}

// TestFramerLinear: what a stream of one-octet segments costs is in proportion to its
// length. Octets that are copied are counted by what append allocates: a buffer that was
// moved for every octet could not do with this little.
func TestFramerLinear(t *testing.T) {
	stream := []byte(strings.Repeat(sized(inviteLine, strings.Repeat("a=x\r\n", 100), 0), 20))
	count := 0
	allocs := testing.AllocsPerRun(1, func() {
		var f sipmsg.Framer
		count = 0
		for i := range stream {
			f.Write(stream[i : i+1])
			for _, ok := f.Next(); ok; _, ok = f.Next() {
				count++
			}
		}
	})
	if count != 20 || allocs > 40 {
		t.Errorf("%d messages, %v allocations", count, allocs)
	}
}

func TestCanBegin(t *testing.T) {
	for in, want := range map[string]bool{
		"": true, "I": true, "INVITE": true, "INVITE ": true, "INVITE sip:a@b SIP/2.0": true, "\r\n\r\n": true, "\x00\r\nSIP/2.0 ": true,
		"INVITE sip:a@b SIP/2.0\r\nVia": true, "INVITE sip:a@b SIP/2.0\r\nVia:": true, "SIP/2.0 200 OK\r\n\r\n": true, "KDMQ sip:a SIP/2.0\r\nv: x": true,
		"GET / HTTP/1.1\r\n": false, "\x16\x03\x01": false, "OPTIONS * RTSP/1.0\r\n": false, "INVITE sip:a@b SIP/2.0\r\n no colon": false,
		"SSH-2.0-OpenSSH_9\r\n": false, "SIPX": true, "SIP/x": true, "SIP/2.0 2\r\n": false, "HTTP/1.1 200 OK": false, "EHLO h\r\n": false, "{\"a\"": false,
	} {
		if got := sipmsg.CanBegin([]byte(in)); got != want {
			t.Errorf("CanBegin(%q) is %t", in, got)
		}
	}
}

func BenchmarkFramer(b *testing.B) {
	message := []byte(strings.Repeat(sized(inviteLine, strings.Repeat("a=x\r\n", 40), 0), 10))
	for _, c := range []struct {
		name  string
		piece int
	}{{"1460", 1460}, {"1", 1}} {
		b.Run(c.name, func(b *testing.B) {
			var f sipmsg.Framer
			b.SetBytes(int64(len(message)))
			b.ReportAllocs()
			for b.Loop() {
				n := 0
				for p := range slices.Chunk(message, c.piece) {
					f.Write(p)
					for _, ok := f.Next(); ok; _, ok = f.Next() {
						n++
					}
				}
				if n != 10 {
					b.Fatal(n)
				}
			}
		})
	}
}

// TestFramerRest: what a body lacks is known once its head is there.
func TestFramerRest(t *testing.T) {
	const head, body = "INFO sip:b@h SIP/2.0\r\nCall-ID: c\r\nContent-Length: 10\r\n\r\n", "0123456789"
	var f sipmsg.Framer
	for _, step := range []struct {
		text string
		want int
	}{{"", 0}, {head[:30], 0}, {head[30:], 10}, {body[:4], 6}, {body[4:], 0}, {head, 10}} {
		f.Write([]byte(step.text))
		f.Next()
		if got := f.Rest(); got != step.want {
			t.Errorf("%d behind %q, want %d", got, step.text, step.want)
		}
	}
	f.Gap(3)
	if _, ok := f.Next(); !ok || f.Rest() != 7 {
		t.Errorf("%d behind a gap, want 7", f.Rest())
	}
	f.Write([]byte(body[:4]))
	if f.Next(); f.Rest() != 3 {
		t.Errorf("%d behind that, want 3", f.Rest())
	}
}

// A message that came whole is scanned on the way, in the octets that were lent.
func TestFramerBorrow(t *testing.T) {
	b := []byte(sized(inviteLine, "v=0\r\n", 0) + sip(okLine, "", "") + inviteLine)
	var f sipmsg.Framer
	f.Borrow(b)
	for range 2 {
		u, ok := f.Next()
		if !ok || u.Message == nil || &u.Data[0] != &b[u.Off] || !bytes.Equal(u.Message.Body, u.Data[len(u.Data)-len(u.Message.Body):]) {
			t.Fatalf("%v %+v", ok, u)
		}
	}
	if _, ok := f.Next(); ok || f.Buffered() != len(inviteLine) {
		t.Errorf("%v, %d octets wait", ok, f.Buffered())
	}
	clear(b)
	f.Write([]byte("\r\nVia: x\r\n\r\n"))
	if u, ok := f.Next(); !ok || string(u.Message.StartLine) != inviteLine {
		t.Errorf("%v %q", ok, u.Data)
	}
	whole := []byte(sip(okLine, "", ""))
	if n := testing.AllocsPerRun(100, func() {
		f.Borrow(whole)
		for range 2 {
			f.Next()
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// TestFramerLongLength: a Content-Length that is too large costs nothing of the message behind it,
// wherever it ends in the middle of a line, and however the stream is cut.
func TestFramerLongLength(t *testing.T) {
	const text = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n"
	next := func(start, method string) string {
		return start + "\r\nVia: SIP/2.0/TCP h;branch=z9hG4bK1\r\nCall-ID: c@h\r\nCSeq: 7 " + method + "\r\nContent-Length: 0\r\n\r\n"
	}
	last := next(optionsLine, "OPTIONS")
	for _, c := range []struct {
		body, start, method string
		upTo                int // how far the length may run over
	}{
		{text, optionsLine, "OPTIONS", 100},
		{text, okLine, "INVITE", 100},
		{text, "PRACK sip:b@h SIP/2.0", "PRACK", 100},
		{text, "ACK sip:b@h SIP/2.0", "ACK", 100},
		{"hello", optionsLine, "OPTIONS", 0},
		{"BYE", optionsLine, "OPTIONS", 0},
		{"well\nPR", "ACK sip:b@h SIP/2.0", "ACK", -1}, // which is a PRACK: only a reader knows
		{"well\nBYE ", okLine, "INVITE", 0},
		{"then came\nINVITE sip:b@h SIP/2.0", optionsLine, "OPTIONS", 0}, // as text of a log does
		{"then came\nSIP/2.0 200 OK", okLine, "INVITE", 0},
		{"SIP/2.0 200 OK\r\nVia: SIP/2.0/TCP h\r\nCall-ID: x\r\n", optionsLine, "OPTIONS", 0}, // of the body of a NOTIFY
	} {
		second := next(c.start, c.method)
		for over := 0; over <= c.upTo; over++ {
			if over > 0 && (second[over-1] == '\n' || second[over] == '\r' && over > len(c.start)) {
				continue // such a body is whole, or a keepalive follows
			}
			first := sized(inviteLine, c.body, over)
			stream := []any{first + second + last}
			want := fmt.Sprint([]string{unit(inviteLine, first), unit(c.start, second), unit(optionsLine, last)})
			for _, size := range []int{1, 7, 100, len(first) - 3, len(first) + over + 3, len(first) + len(second), 1 << 20} {
				if got := cut(stream, func() int { return size }); fmt.Sprint(got.units) != want {
					t.Fatalf("%s behind %q, %d too much, in pieces of %d: %v", c.start, c.body, over, size, got.units)
				}
			}
		}
	}
}
