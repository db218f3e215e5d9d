package dissect_test

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sipsight/sipsight/internal/capgen"
	"github.com/sipsight/sipsight/internal/dissect"
	"github.com/sipsight/sipsight/layers"
)

// frame returns a text frame; that of a client is masked.
func frame(masked bool, payload string) string {
	return capgen.WSFrame{Opcode: capgen.WSText, Masked: masked, Mask: [4]byte{0xa5, 0, 0x3c, 0xff}, Payload: payload}.String()
}

func TestWebSocket(t *testing.T) {
	invite, ok := request("INVITE", "c1@h", 200), response("c1@h")
	small := "OPTIONS sip:b@h SIP/2.0\r\nCall-ID: s@h\r\n\r\n"
	large := request("MESSAGE", "l@h", 70000)
	long := strings.Replace(request("MESSAGE", "long@h", 0), "bob@", strings.Repeat("b", 2000)+"@", 1)
	ask, answer := capgen.Upgrade(false)
	parts := func(masked bool, message string, between ...string) string {
		f := capgen.WSFrame{Opcode: capgen.WSText, More: true, Masked: masked, Mask: [4]byte{1, 2, 3, 4}, Payload: message[:10]}
		s := f.String() + strings.Join(between, "")
		f.Opcode, f.Payload = capgen.WSContinuation, message[10:50]
		s += f.String()
		f.More, f.Payload = false, message[50:]
		return s + f.String()
	}
	ping := capgen.WSFrame{Opcode: capgen.WSPing, Masked: true, Payload: "are you there?"}.String()
	type seg struct {
		back bool
		data string
	}
	c := func(data string) seg { return seg{false, data} }
	s := func(data string) seg { return seg{true, data} }
	for _, test := range []struct {
		name string
		in   []seg
		want []string
	}{
		{"masked, no upgrade", []seg{c(frame(true, invite))}, []string{"INVITE c1@h WS [4]"}},
		{"unmasked, no upgrade", []seg{s(frame(false, ok))}, []string{"200 c1@h WS [4]"}},
		{"7-bit length", []seg{c(frame(true, small))}, []string{"OPTIONS s@h WS [4]"}},
		{"64-bit length", []seg{c(capgen.WSFrame{Opcode: capgen.WSBinary, Wide: true, Payload: invite}.String())}, []string{"INVITE c1@h WS [4]"}},
		{"upgrade", []seg{c(ask), s(answer), c(frame(true, invite)), s(frame(false, ok))}, []string{"INVITE c1@h WS [6]", "200 c1@h WS [7]"}},
		{"upgrade in pieces", []seg{c(ask[:60]), c(ask[60:]), s(answer[:5]), s(answer[5:]), c(frame(true, invite)), s(frame(false, ok))}, []string{"INVITE c1@h WS [8]", "200 c1@h WS [9]"}},
		{"upgrade and frames in one segment", []seg{c(ask), s(answer + frame(false, ok)), c(frame(true, invite))}, []string{"200 c1@h WS [5]", "INVITE c1@h WS [6]"}},
		{"upgrade as the second request", []seg{c("GET / HTTP/1.1\r\n\r\n"), s("HTTP/1.1 200 OK\r\n\r\n"), c(ask), s(answer), c(frame(true, invite)), s(frame(false, ok))}, []string{"INVITE c1@h WS [8]", "200 c1@h WS [9]"}},
		{"upgrade as the second request, in pieces", []seg{c("GET / HTTP/1.1\r\n\r\n"), s("HTTP/1.1 200 OK\r\n\r\n"), c(ask[:30]), c(ask[30:]), s(answer[:20]), s(answer[20:] + frame(false, ok)), c(frame(true, invite))}, []string{"200 c1@h WS [9]", "INVITE c1@h WS [10]"}},
		{"upgrade refused", []seg{c(ask), s("HTTP/1.1 403 Forbidden\r\n\r\n" + invite), c(invite)}, nil},
		{"upgrade to something else", []seg{c("GET / HTTP/1.1\r\nUpgrade: h2c\r\n\r\n" + invite), c(invite)}, nil},
		{"two in a segment", []seg{c(ask), s(answer), c(frame(true, invite) + frame(true, small))}, []string{"INVITE c1@h WS [6]", "OPTIONS s@h WS [6]"}},
		{"cut in the header", []seg{c(ask), s(answer), c(frame(true, invite)[:3]), c(frame(true, invite)[3:])}, []string{"INVITE c1@h WS [6 7]"}},
		{"cut in the header, no upgrade", []seg{c(frame(true, invite)[:3]), c(frame(true, invite)[3:])}, []string{"INVITE c1@h WS [4 5]"}},
		{"fragments", []seg{c(ask), s(answer), c(parts(true, invite))}, []string{"INVITE c1@h WS [6]"}},
		{"fragments with a ping between them", []seg{c(ask), s(answer), c(parts(true, invite, ping)), c(frame(true, small))}, []string{"INVITE c1@h WS [6]", "OPTIONS s@h WS [7]"}},
		{"fragments in segments of their own", []seg{c(ask), s(answer), c(parts(true, invite)[:16]), c(parts(true, invite)[16:62]), c(parts(true, invite)[62:])}, []string{"INVITE c1@h WS [6 7 8]"}},
		{"70,000 octets", []seg{c(ask), s(answer), c(frame(true, large)[:60000]), c(frame(true, large)[60000:])}, []string{"MESSAGE l@h WS [6 7]"}},
		{"a keepalive", []seg{c(ask), s(answer), c(frame(true, "\r\n\r\n") + frame(true, invite))}, []string{"INVITE c1@h WS [6]"}},
		{"a request line of 2,000 octets", []seg{c(frame(true, long)[:600]), c(frame(true, long)[600:])}, []string{"MESSAGE long@h WS [4 5]"}},
		{"credentials are asked for", []seg{c(ask), s("HTTP/1.1 401 Unauthorized\r\nContent-Length: 9\r\n\r\nHTTP/1.1 "), c(ask), s(answer), c(frame(true, invite)), s(frame(false, small))}, []string{"INVITE c1@h WS [8]", "OPTIONS s@h WS [9]"}},
		{"twice, with a body in chunks", []seg{c(ask), s("HTTP/1.1 407 Proxy\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"), c(ask), s("HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n"), c(ask), s(answer), c(frame(true, invite))}, []string{"INVITE c1@h WS [10]"}},
		{"a field without blanks", []seg{c(strings.Replace(ask, "Upgrade: websocket", "upgrade:WebSocket", 1)), s(answer), c(frame(true, invite)[:30]), c(frame(true, invite)[30:])}, []string{"INVITE c1@h WS [6 7]"}},
		{"refused", []seg{c(ask), s("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")}, nil},
		{"something else", []seg{c(ask), s(answer), c(frame(true, "{\"json\":1}") + frame(true, invite))}, []string{"INVITE c1@h WS [6]"}},
		{"the middle of a connection", []seg{c("\x00\x00\x01 something"), c(frame(true, invite))}, []string{"INVITE c1@h WS [5]"}},
		{"ends in a frame", []seg{c(ask), s(answer), c(frame(true, invite)[:150])}, []string{"INVITE c1@h WS [6] partial"}},
		{"ends between fragments", []seg{c(ask), s(answer), c(parts(true, invite)[:180])}, []string{"INVITE c1@h WS [6] partial"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			there, here, packets := connection(odd)
			for _, g := range test.in {
				if g.back {
					packets = append(packets, here.Send(g.data))
				} else {
					packets = append(packets, there.Send(g.data))
				}
			}
			expect(t, packetsOf(packets...), test.want...)

			// Octet by octet it is the same.
			there, here, packets = connection(odd)
			for _, g := range test.in {
				if len(g.data) > 60000 {
					return
				}
				if g.back {
					packets = append(packets, here.SendAll(g.data, 1)...)
				} else {
					packets = append(packets, there.SendAll(g.data, 1)...)
				}
			}
			if test.name == "the middle of a connection" || test.name == "upgrade as the second request" {
				return // such a frame is found at the start of a segment
			}
			if r := dissected(t, packetsOf(packets...)); len(r.list) != len(test.want) {
				t.Errorf("octet by octet: %q", r.list)
			}
		})
	}
}

// TestWebSocketGap: behind octets that are missing frames are found again.
func TestWebSocketGap(t *testing.T) {
	invite, bye := request("INVITE", "c1@h", 400), request("BYE", "c2@h", 0)
	ask, answer := capgen.Upgrade(false)
	there, here, packets := connection(odd)
	packets = append(packets, there.Send(ask), here.Send(answer))
	first := frame(true, invite)
	packets = append(packets, there.Send(first[:300]))
	there.Send(first[300:400])
	packets = append(packets, there.Send(first[400:]), there.Send(frame(true, bye)), there.FIN())
	expect(t, packetsOf(packets...), "INVITE c1@h WS [6] partial tcp-gap", "BYE c2@h WS [8]")
}

// TestWebSocketGapAnywhere: of a stream that lacks one segment each message is found that lacks none of
// its octets, however frames and segments lie to each other.
func TestWebSocketGapAnywhere(t *testing.T) {
	ask, answer := capgen.Upgrade(false)
	messages := []string{request("INVITE", "c0@h", 400), response("c1@h"), request("OPTIONS", "c2@h", 0), request("MESSAGE", "c3@h", 70000), request("BYE", "c4@h", 30)}
	for _, masked := range []bool{false, true} {
		for _, size := range []int{1, 4, 100, 150, 299, 1400} {
			var stream string
			var ends []int
			for i, m := range messages {
				if size < 100 && len(m) > 1000 {
					m = request("MESSAGE", "c3@h", 200)
				}
				if i == 2 {
					f := capgen.WSFrame{Opcode: capgen.WSText, More: true, Masked: masked, Mask: [4]byte{1, 2, 3, 4}, Payload: m[:60]}
					stream += f.String()
					f.Opcode, f.More, f.Payload = 0, false, m[60:]
					stream += f.String()
				} else {
					stream += frame(masked, m)
				}
				ends = append(ends, len(stream))
			}
			for lost := 0; lost*size < len(stream); lost += max(1, len(stream)/size/40) {
				there, here, packets := connection(odd)
				packets = append(packets, there.Send(ask), here.Send(answer))
				packets = append(packets, slices.Delete(there.SendAll(stream, size), lost, lost+1)...)
				var got, want []string
				for _, m := range dissected(t, packetsOf(append(packets, there.FIN())...)).list {
					if !strings.Contains(m, "partial") {
						got = append(got, strings.Join(strings.Fields(m)[1:3], " "))
					}
				}
				for i, from := 0, 0; i < len(ends); from, i = ends[i], i+1 {
					if lost*size >= ends[i] || (lost+1)*size <= from {
						want = append(want, "c"+itoa(i)+"@h WS")
					}
				}
				if !slices.Equal(got, want) {
					t.Errorf("masked %v, segments of %d without number %d: %q, want %q", masked, size, lost, got, want)
				}
			}
		}
	}
}

// TestWebSocketDeflateGapAnywhere: likewise of messages that are compressed, each by itself; of those that need what came before, the
// ones before the gap are found, and the others are counted.
func TestWebSocketDeflateGapAnywhere(t *testing.T) {
	ask, answer := capgen.Upgrade(true)
	messages := []string{request("INVITE", "c0@h", 400), response("c1@h"), request("OPTIONS", "c2@h", 0), request("MESSAGE", "c3@h", 7000), request("BYE", "c4@h", 30)}
	for _, keep := range []bool{false, true} {
		for _, masked := range []bool{false, true} {
			for _, size := range []int{7, 60, 150, 299, 1400} {
				var stream string
				var ends []int
				d := new(capgen.Deflater)
				for i, m := range messages {
					if !keep {
						d = new(capgen.Deflater)
					}
					f := capgen.WSFrame{Opcode: capgen.WSText, Deflated: true, Masked: masked, Mask: [4]byte{byte(i), 2, 3, 4}, Payload: d.Next(m)}
					if i == 2 && !keep {
						rest := capgen.WSFrame{Masked: masked, Payload: f.Payload[90:]}
						f.More, f.Payload = true, f.Payload[:90]
						stream += f.String() + capgen.WSFrame{Opcode: capgen.WSPing, Masked: masked, Payload: "there?"}.String()
						f = rest
					}
					stream += f.String()
					ends = append(ends, len(stream))
				}
				for lost := 0; lost*size < len(stream); lost += max(1, len(stream)/size/40) {
					there, here, packets := connection(odd)
					packets = append(packets, there.Send(ask), here.Send(answer))
					packets = append(packets, slices.Delete(there.SendAll(stream, size), lost, lost+1)...)
					var got, want []string
					r := dissected(t, packetsOf(append(packets, there.FIN())...))
					for i, m := range r.list {
						if !strings.Contains(m, "partial") {
							got = append(got, strings.Join(strings.Fields(m)[1:3], " "))
						} else if !slices.ContainsFunc(messages, func(m string) bool { return strings.HasPrefix(m, r.raw[i]) }) {
							t.Errorf("%q is no part of a message", r.raw[i])
						}
					}
					for i, from := 0, 0; i < len(ends); from, i = ends[i], i+1 {
						if (lost+1)*size <= from && keep {
							break
						}
						if lost*size >= ends[i] || (lost+1)*size <= from {
							want = append(want, "c"+itoa(i)+"@h WS")
						}
					}
					if !slices.Equal(got, want) {
						t.Errorf("kept %v, masked %v, segments of %d without number %d: %q, want %q", keep, masked, size, lost, got, want)
					}
					if keep && (lost+1)*size < ends[len(ends)-2] && len(want) > 0 && r.d.Streams.Compressed+r.d.Streams.Skipped == 0 {
						t.Errorf("masked %v, segments of %d without number %d: %d messages, and nothing is said of the others", masked, size, lost, len(r.list))
					}
				}
			}
		}
	}
}

// TestWebSocketLookalikes: a segment from the middle of a connection in which a frame with SIP seems to begin everywhere costs little more
// than another one.
func TestWebSocketLookalikes(t *testing.T) {
	segment := flow4.TCP(1, 1, capgen.ACK, strings.Repeat("\x81\x7e\xff\xffINVITE sip:", 4000))
	if n := testing.AllocsPerRun(1, func() {
		d := dissect.New(1, func(*dissect.Message) error { return nil })
		if err := d.Packet(packet(1, segment)); err != nil {
			t.Fatal(err)
		}
	}); n > 500 {
		t.Errorf("%v places were looked at", n)
	}
}

// TestWebSocketMidstream: a connection that was captured from the middle of a frame on.
func TestWebSocketMidstream(t *testing.T) {
	first, ok, bye := frame(false, response("c1@h")), frame(false, response("c2@h")), frame(false, request("BYE", "c3@h", 0))
	const header = 4
	for _, c := range []struct {
		name string
		in   []string
		want []string
	}{
		{"headers in segments of their own", []string{first[50:], ok[:header], ok[header:], bye[:header], bye[header:]}, []string{"200 c2@h WS [2 3]", "BYE c3@h WS [4 5]"}},
		{"a frame behind the rest of one", []string{first[50:], first[100:] + bye, ok}, []string{"BYE c3@h WS [2]", "200 c2@h WS [3]"}},
		{"a frame with an answer behind the rest of one", []string{first[50:100], first[100:] + ok, bye}, []string{"200 c2@h WS [2]", "BYE c3@h WS [3]"}},
		{"a request of TCP behind something", []string{first[50:], first[100:] + request("BYE", "c3@h", 0)}, []string{"BYE c3@h TCP [2]"}},
		{"a frame behind the rest of one in the first segment", []string{first[50:] + bye + ok, ok}, []string{"BYE c3@h WS [1]", "200 c2@h WS [1]", "200 c2@h WS [2]"}},
		{"a masked frame behind the rest of one in the first segment", []string{frame(true, response("c1@h"))[50:] + frame(true, request("BYE", "c3@h", 0)), ok}, []string{"BYE c3@h WS [1]", "200 c2@h WS [2]"}},
		{"a request of TCP behind something in the first segment", []string{first[50:] + request("BYE", "c3@h", 0)}, []string{"BYE c3@h TCP [1]"}},
		{"a request of TCP in front of what may be a frame", []string{request("BYE", "c3@h", 0) + ok[:header]}, []string{"BYE c3@h TCP [1]"}},
	} {
		for _, flow := range []capgen.Flow{odd, flow4} {
			if flow == flow4 && len(c.in[1:]) > 2 {
				continue // four octets of a header tell nothing where SIP is spoken
			}
			t.Run(c.name, func(t *testing.T) {
				s := &capgen.Stream{Flow: flow, Seq: 9}
				var packets []string
				for _, b := range c.in {
					packets = append(packets, s.Send(b))
				}
				expect(t, packetsOf(packets...), c.want...)
			})
		}
	}
}

// TestFramesOvertaken: what is in front of the first frame, or packet of HEP, of a connection that was captured from
// its middle on may have been overtaken.
func TestFramesOvertaken(t *testing.T) {
	masked, bare, hep := func(s string) string { return frame(true, s) }, func(s string) string { return frame(false, s) }, func(s string) string {
		return capgen.HEP{Flow: flow4, Proto: 17, Time: capgen.Start, Payload: s}.V3()
	}
	for _, c := range []struct {
		name string
		put  func(string) string
		flow capgen.Flow
	}{
		{"masked frames", masked, odd},
		{"frames", bare, odd},
		{"frames on a port of SIP", masked, flow4},
		{"HEP", hep, odd},
	} {
		for _, order := range [][]int{{1, 0, 2, 3}, {2, 1, 0, 3}, {3, 2, 1, 0}, {1, 0, 0, 2, 3}, {2, 3, 0, 1}} {
			t.Run(fmt.Sprint(c.name, order), func(t *testing.T) {
				s := &capgen.Stream{Flow: c.flow, Seq: 9}
				var all, packets []string
				for i := range 4 {
					all = append(all, s.Send(c.put(request("BYE", "c"+itoa(i)+"@h", 0))))
				}
				for _, i := range order {
					packets = append(packets, all[i])
				}
				r := dissected(t, packetsOf(packets...))
				slices.Sort(r.raw)
				if len(r.raw) != 4 || len(slices.Compact(r.raw)) != 4 || r.d.Streams.Skipped != 0 {
					t.Errorf("%q, %d octets skipped", r.list, r.d.Streams.Skipped)
				}
			})
		}
	}
	t.Run("a start line in front of a frame", func(t *testing.T) {
		s := &capgen.Stream{Flow: odd, Seq: 9}
		p := []string{s.Send(request("BYE", "c0@h", 0)), s.Send(frame(true, request("BYE", "c1@h", 0))), s.Send(frame(true, request("BYE", "c2@h", 0)))}
		expect(t, packetsOf(p[1], p[0], p[2]), "BYE c1@h WS [1]", "BYE c2@h WS [3]")
	})
}

// TestFramesOvertakenCut: so it is where segments end anywhere in a frame, whatever the other direction told before, and no octet of a
// message is counted as skipped.
func TestFramesOvertakenCut(t *testing.T) {
	for _, c := range []struct {
		name string
		put  func(string) string
	}{
		{"masked frames", func(s string) string { return frame(true, s) }},
		{"frames", func(s string) string { return frame(false, s) }},
		{"HEP", func(s string) string {
			return capgen.HEP{Flow: flow4, Proto: 17, Time: capgen.Start, Payload: s}.V3()
		}},
	} {
		for _, order := range [][]int{{4, 1, 2, 3}, {3, 1, 4, 2}, {3, 2, 4, 1}, {2, 1, 3, 4}, {4, 3, 2, 1}} {
			t.Run(fmt.Sprint(c.name, order), func(t *testing.T) {
				s, back := &capgen.Stream{Flow: odd, Seq: 9}, &capgen.Stream{Flow: odd.Back(), Seq: 7000}
				text, first, skipped := "", 0, int64(0)
				for i := range 5 {
					if len(text) < 500 { // the first segment was not captured
						first = i + 1
					}
					text += c.put(request("BYE", "c"+itoa(i)+"@h", 300))
					if i+1 == first {
						skipped = int64(len(text) - 500)
					}
				}
				var all []string
				for ; len(text) > 0; text = text[min(len(text), 500):] {
					all = append(all, s.Send(text[:min(len(text), 500)]))
				}
				packets := []string{back.Send(c.put(response("r@h")))}
				for _, i := range order {
					packets = append(packets, all[i])
				}
				r := dissected(t, packetsOf(append(packets, all[5:]...)...))
				slices.Sort(r.raw)
				if len(r.raw) != 1+5-first || len(slices.Compact(r.raw)) != 1+5-first || r.d.Streams.Skipped > skipped {
					t.Errorf("%q, %d octets skipped, not %d", r.list, r.d.Streams.Skipped, skipped)
				}
			})
		}
	}
}

// TestWebSocketOnPortOfSIP: what a connection to a port of SIP begins with may be the middle of a masked frame.
func TestWebSocketOnPortOfSIP(t *testing.T) {
	invite, bye := frame(true, request("INVITE", "c1@h", 2000)), frame(true, request("BYE", "c2@h", 0))
	for start := 1; start < len(invite); start += 17 {
		s := &capgen.Stream{Flow: flow4, Seq: 9}
		packets := append(s.SendAll(invite[start:], 400), s.Send(bye[:100]), s.Send(bye[100:]))
		n := len(packets)
		r := dissected(t, packetsOf(append(packets, s.Send(bye))...))
		if k := len(r.list); k == 0 || r.list[k-1] != "BYE c2@h WS "+frames(n+1, 1) || start%100 == 1 && (k != 2 || r.list[0] != "BYE c2@h WS "+frames(n-1, 2)) {
			t.Errorf("from octet %d on: %q", start, r.list)
		}
	}
}

// TestWebSocketFragmentedLine: the first fragment of a message may end in its start line, also where the upgrade
// was not captured.
func TestWebSocketFragmentedLine(t *testing.T) {
	invite := request("INVITE", "c1@h", 50)
	ping := capgen.WSFrame{Opcode: capgen.WSPing, Masked: true, Payload: "are you there?"}
	for _, masked := range []bool{true, false} {
		for n := 1; n <= strings.IndexByte(invite, '\n'); n++ {
			f := capgen.WSFrame{Opcode: capgen.WSText, More: true, Masked: masked, Mask: [4]byte{1, 2, 3, 4}, Payload: invite[:n]}
			in := f.String()
			if ping.Masked = masked; n%2 == 0 {
				in += ping.String()
			}
			f.Opcode, f.More, f.Payload = capgen.WSContinuation, false, invite[n:]
			in += f.String()
			for _, size := range []int{1000, 3, 1} {
				s := &capgen.Stream{Flow: odd, Seq: 9}
				expect(t, packetsOf(s.SendAll(in, size)...), "INVITE c1@h WS "+frames(1, (len(in)+size-1)/size))
			}
		}
	}
}

// TestWebSocketGapInUpgrade: the handshake may lack octets too.
func TestWebSocketGapInUpgrade(t *testing.T) {
	ask, answer := capgen.Upgrade(false)
	there, here, packets := connection(odd)
	packets = append(packets, there.Send(ask[:40]))
	there.Send(ask[40:60])
	packets = append(packets, there.Send(ask[60:]), here.Send(answer), there.Send(frame(true, request("BYE", "c1@h", 0))), there.FIN())
	expect(t, packetsOf(packets...), "BYE c1@h WS [7]")
}

func TestWebSocketDeflate(t *testing.T) {
	messages := []string{request("INVITE", "c1@h", 3000), request("OPTIONS", "c2@h", 300), request("BYE", "c3@h", 10)}
	want := []string{"INVITE c1@h WS [6]", "OPTIONS c2@h WS [7]", "BYE c3@h WS [8]"}
	packed := func(payload string) string {
		return capgen.WSFrame{Opcode: capgen.WSText, Deflated: true, Masked: true, Mask: [4]byte{9, 8, 7, 6}, Payload: payload}.String()
	}
	ask, answer := capgen.Upgrade(true)
	for _, keep := range []bool{true, false} {
		name := map[bool]string{true: "with context", false: "without context"}[keep]
		all := func() (frames []string) {
			d := new(capgen.Deflater)
			for _, m := range messages {
				if !keep {
					d = new(capgen.Deflater)
				}
				frames = append(frames, packed(d.Next(m)))
			}
			return frames
		}
		t.Run(name, func(t *testing.T) {
			there, here, packets := connection(odd)
			packets = append(packets, there.Send(ask), here.Send(answer))
			for _, f := range all() {
				packets = append(packets, there.Send(f))
			}
			expect(t, packetsOf(packets...), want...)
		})
		t.Run(name+", fragments", func(t *testing.T) {
			there, here, packets := connection(odd)
			packets = append(packets, there.Send(ask), here.Send(answer))
			d := new(capgen.Deflater)
			for _, m := range messages {
				if !keep {
					d = new(capgen.Deflater)
				}
				p := d.Next(m)
				first := capgen.WSFrame{Opcode: capgen.WSText, More: true, Deflated: true, Payload: p[:20]}
				packets = append(packets, there.Send(first.String()+capgen.WSFrame{Payload: p[20:]}.String()))
			}
			expect(t, packetsOf(packets...), want...)
		})
		t.Run(name+", no upgrade", func(t *testing.T) {
			there, _, packets := connection(odd)
			for _, f := range all() {
				packets = append(packets, there.Send(f))
			}
			expect(t, packetsOf(packets...), "INVITE c1@h WS [4]", "OPTIONS c2@h WS [5]", "BYE c3@h WS [6]")
		})
		t.Run(name+", one lost", func(t *testing.T) {
			there, here, packets := connection(odd)
			packets = append(packets, there.Send(ask), here.Send(answer))
			for i, f := range all() {
				if p := there.Send(f); i != 1 {
					packets = append(packets, p)
				}
			}
			packets = append(packets, there.FIN())
			if keep {
				if d := expect(t, packetsOf(packets...), "INVITE c1@h WS [6]"); d.Streams.Compressed != 1 {
					t.Errorf("%d could not be decompressed", d.Streams.Compressed)
				}
			} else {
				expect(t, packetsOf(packets...), "INVITE c1@h WS [6]", "BYE c3@h WS [7]")
			}
		})
	}
	t.Run("no deflate at all", func(t *testing.T) {
		there, here, packets := connection(odd)
		packets = append(packets, there.Send(ask), here.Send(answer), there.Send(packed("no compressed data")), there.Send(frame(true, messages[2])))
		if d := expect(t, packetsOf(packets...), "BYE c3@h WS [7]"); d.Streams.Compressed != 1 {
			t.Errorf("%d could not be decompressed", d.Streams.Compressed)
		}
	})
	t.Run("bombs", func(t *testing.T) {
		there, here, packets := connection(odd)
		packets = append(packets, there.Send(ask), here.Send(answer))
		bomb := packed(new(capgen.Deflater).Next("INVITE sip:b SIP/2.0\r\nCall-ID: x\r\n\r\n" + strings.Repeat("x", 1<<20-100)))
		for range 200 {
			packets = append(packets, there.Send(bomb))
		}
		r := dissected(t, packetsOf(packets...))
		if len(r.list) < 64 || len(r.list) > 66 || r.d.Streams.Compressed != int64(200-len(r.list)) {
			t.Errorf("%d inflated, %d not", len(r.list), r.d.Streams.Compressed)
		}
	})
}

// TestAggregate: a frame of 802.11 may hold several packets.
func TestAggregate(t *testing.T) {
	invite, bye := request("INVITE", "c1@h", 100), request("BYE", "c2@h", 0)
	parts := capgen.Fragment(flow6.UDP(invite), 7, 120)
	d := expect(t, capgen.Packets(105, capgen.Aggregate(flow4.UDP(invite), parts[0], flow4.UDP(bye)), capgen.Aggregate(parts[1:]...)),
		"INVITE c1@h UDP [1]", "BYE c2@h UDP [1]", "INVITE c1@h UDP [1 2]")
	if n := &d.Counts[0]; n.Packets != 2 || n.IPv4 != 2 || n.IPv6 != int64(len(parts)) || n.Fragments != int64(len(parts)) || n.Malformed != 0 {
		t.Errorf("%+v", *n)
	}
}

// TestWiFiFragments: frames of 802.11 come in numbered fragments, which may be sent again.
func TestWiFiFragments(t *testing.T) {
	invite, bye := request("INVITE", "c1@h", 300), request("BYE", "c2@h", 0)
	cut := func(seq int, ip string, size int) (list []string) {
		frame := capgen.WiFi(ip)
		head, body := frame[:24], frame[24:]
		for n := 0; n*size < len(body); n++ {
			b := []byte(head)
			if (n+1)*size < len(body) {
				b[1] |= 4
			}
			b[22], b[23] = byte(seq<<4|n), byte(seq>>4)
			list = append(list, string(b)+body[n*size:min(len(body), (n+1)*size)])
		}
		return list
	}
	again := func(s string) string { return s[:1] + string([]byte{s[1] | 8}) + s[2:] }
	wifi := func(frames ...string) []capgen.Packet { return capgen.Packets(105, frames...) }
	a, b := cut(7, flow4.UDP(invite), 150), cut(8, flow6.UDP(bye), 150)
	expect(t, wifi(append(a, b...)...), "INVITE c1@h UDP "+frames(1, len(a)), "BYE c2@h UDP "+frames(len(a)+1, len(b)))
	expect(t, wifi(a[2], a[0], a[1], a[3]), "INVITE c1@h UDP [1 2 3 4]")
	d := expect(t, wifi(a[0], again(a[0]), a[1], a[2], again(a[2]), a[3], again(a[3]), b[0], b[1]), "INVITE c1@h UDP [1 3 4 6]", "BYE c2@h UDP [8 9]")
	if d.Fragments.NoHead != 0 || d.Fragments.Incomplete != 0 || d.Fragments.Duplicates != 3 {
		t.Errorf("%+v", d.Fragments)
	}
	expect(t, wifi(a[0], a[2], a[3]), "INVITE  UDP [1 2 3] partial frag-incomplete")
	expect(t, wifi(a[1], a[2], a[3]))
	other := cut(7, flow4.UDP(bye), 150)
	expect(t, append(wifi(a[0], a[1]), at(time.Second, wifi(other...))...), "INVITE c1@h UDP [1 2] partial frag-incomplete", "BYE c2@h UDP "+frames(3, len(other)))
	all := cut(9, flow4.UDP(request("INVITE", "c3@h", 1000)), 80)
	expect(t, wifi(all...), "INVITE c3@h UDP "+frames(1, len(all)))
	if len(all) != 16 || len(a) != 4 {
		t.Errorf("%d and %d fragments", len(all), len(a))
	}
}

func TestSCTP(t *testing.T) {
	invite, bye := request("INVITE", "c1@h", 100), request("BYE", "c2@h", 0)
	data := func(flags byte, tsn uint32, user string) string { return capgen.Data(flags, tsn, user) }
	one := func(chunks ...string) string { return flow4.SCTP(7, chunks...) }
	whole := byte(capgen.DataWhole)
	for _, c := range []struct {
		name string
		in   []string
		want []string
	}{
		{"one", []string{one(data(whole, 1, invite))}, []string{"INVITE c1@h SCTP [1]"}},
		{"two in a packet", []string{one(data(whole, 1, invite), data(whole, 2, bye))}, []string{"INVITE c1@h SCTP [1]", "BYE c2@h SCTP [1]"}},
		{"behind other chunks", []string{one("\x03\x00\x00\x10"+strings.Repeat("\x00", 12), data(whole, 1, invite))}, []string{"INVITE c1@h SCTP [1]"}},
		{"retransmission", []string{one(data(whole, 1, invite)), one(data(whole, 1, invite), data(whole, 2, bye))}, []string{"INVITE c1@h SCTP [1]", "BYE c2@h SCTP [2]"}},
		{"fragments", []string{one(data(capgen.DataBegin, 1, invite[:50])), one(data(0, 2, invite[50:80])), one(data(capgen.DataEnd, 3, invite[80:]))}, []string{"INVITE c1@h SCTP [1 2 3]"}},
		{"fragments, last first", []string{one(data(capgen.DataEnd, 3, invite[80:])), one(data(0, 2, invite[50:80])), one(data(capgen.DataBegin, 1, invite[:50]))}, []string{"INVITE c1@h SCTP [1 2 3]"}},
		{"fragments over the last number", []string{one(data(capgen.DataBegin, 0xfffffffe, invite[:50])), one(data(0, 0xffffffff, invite[50:80])), one(data(capgen.DataEnd, 0, invite[80:]))}, []string{"INVITE c1@h SCTP [1 2 3]"}},
		{"fragments with another message between them", []string{one(data(capgen.DataBegin, 1, invite[:50])), one(data(whole, 9, bye)), one(data(capgen.DataEnd, 2, invite[50:]))}, []string{"BYE c2@h SCTP [2]", "INVITE c1@h SCTP [1 3]"}},
		{"I-DATA", []string{one(capgen.IData(whole, 1, 0, 5, 0, invite), data(whole, 2, bye))}, []string{"INVITE c1@h SCTP [1]", "BYE c2@h SCTP [1]"}},
		{"I-DATA, fragments of two messages in turn", []string{
			one(capgen.IData(capgen.DataBegin, 1, 1, 5, 0, invite[:50])), one(capgen.IData(capgen.DataBegin, 2, 2, 5, 0, bye[:50])), one(capgen.IData(0, 3, 1, 5, 1, invite[50:80])),
			one(capgen.IData(capgen.DataEnd, 4, 2, 5, 1, bye[50:])), one(capgen.IData(capgen.DataEnd, 5, 1, 5, 2, invite[80:])),
		}, []string{"BYE c2@h SCTP [2 4]", "INVITE c1@h SCTP [1 3 5]"}},
		{"I-DATA, a message of another number", []string{one(capgen.IData(capgen.DataBegin, 1, 1, 5, 0, invite[:150])), one(capgen.IData(capgen.DataEnd, 2, 1, 6, 1, invite[150:]))}, []string{"INVITE c1@h SCTP [1] partial"}},
		{"I-DATA that is too short", []string{one("\x40\x03\x00\x10"+strings.Repeat("\x00", 12), data(whole, 2, bye))}, []string{"BYE c2@h SCTP [1]"}},
		{"no end", []string{one(data(capgen.DataBegin, 1, invite[:150])), one(data(whole, 3, bye))}, []string{"BYE c2@h SCTP [2]", "INVITE c1@h SCTP [1] partial"}},
		{"no beginning", []string{one(data(0, 2, invite[50:80])), one(data(capgen.DataEnd, 3, invite[80:]))}, nil},
		{"the same number in another association", []string{one(data(whole, 1, invite)), flow4.SCTP(8, data(whole, 1, bye))}, []string{"INVITE c1@h SCTP [1]", "BYE c2@h SCTP [2]"}},
		{"another path of the association", []string{one(data(whole, 1, invite)), capgen.NewFlow("192.0.2.77:40000", "192.0.2.78:5060").SCTP(7, data(whole, 1, invite))}, []string{"INVITE c1@h SCTP [1]"}},
	} {
		t.Run(c.name, func(t *testing.T) { expect(t, packetsOf(c.in...), c.want...) })
	}
	t.Run("more associations than the table holds", func(t *testing.T) {
		packets := []string{one(data(capgen.DataBegin, 1, invite[:150]))}
		for i := range uint32(1024) {
			packets = append(packets, flow4.SCTP(1000+i, data(0, 1, "x")))
		}
		packets = append(packets, flow4.UDP(bye))
		d := expect(t, packetsOf(packets...), "INVITE c1@h SCTP [1] partial", "BYE c2@h UDP [1026]")
		if d.Streams.Evicted != 1 {
			t.Errorf("%d given up", d.Streams.Evicted)
		}
	})
	t.Run("no beginning is told where SIP is spoken", func(t *testing.T) {
		for _, c := range []struct {
			flow capgen.Flow
			want int64
		}{{flow4, int64(len(invite) - 50)}, {odd, 0}} {
			d := expect(t, packetsOf(c.flow.SCTP(7, data(0, 2, invite[50:80])), c.flow.SCTP(7, data(capgen.DataEnd, 3, invite[80:]), data(whole, 5, bye))), "BYE c2@h SCTP [2]")
			if d.Streams.Skipped != c.want {
				t.Errorf("%d octets skipped, want %d", d.Streams.Skipped, c.want)
			}
		}
	})
	t.Run("over IP fragments", func(t *testing.T) {
		expect(t, packetsOf(capgen.Fragment(one(data(whole, 1, invite)), 3, 80)...), "INVITE c1@h SCTP [1 2 3 4]")
	})
	t.Run("over UDP", func(t *testing.T) {
		to := capgen.NewFlow("192.0.2.1:40000", "192.0.2.2:9899")
		over := func(ip string) string { return to.UDP(ip[20:]) }
		d := expect(t, packetsOf(over(one(data(capgen.DataBegin, 1, invite[:50]))), over(one(data(capgen.DataEnd, 2, invite[50:]), data(whole, 3, bye)))), "INVITE c1@h SCTP [1 2]", "BYE c2@h SCTP [2]")
		if n := &d.Counts[0]; n.Tunnels[layers.UDPSCTP] != 2 || n.SCTP != 2 || n.UDP != 0 {
			t.Errorf("%+v", *n)
		}
		cut := packetsOf(over(one(data(whole, 1, invite))), over(one(data(whole, 2, bye))))
		cut[0].Data = cut[0].Data[:250]
		expect(t, cut, "INVITE c1@h SCTP [1] partial packet-cut", "BYE c2@h SCTP [2]")
	})
}

func packed(t *testing.T, wrap func(io.Writer) io.WriteCloser, s string) string {
	var b bytes.Buffer
	w := wrap(&b)
	if _, err := io.WriteString(w, s); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestHEP(t *testing.T) {
	invite := request("INVITE", "c1@h", 100)
	to := capgen.NewFlow("198.51.100.1:50000", "198.51.100.2:9060")
	when := time.Date(2026, 2, 3, 4, 5, 6, 789000, time.UTC)
	h4 := capgen.HEP{Flow: flow4, Proto: 17, Time: when, Payload: invite}
	h6 := capgen.HEP{Flow: flow6, Proto: 6, Time: when, Payload: invite}
	bare := h4
	bare.Payload = ""
	zlibbed := packed(t, func(w io.Writer) io.WriteCloser { return zlib.NewWriter(w) }, invite)
	gzipped := packed(t, func(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) }, invite)
	deflated := new(capgen.Deflater).Next(invite)
	for _, c := range []struct {
		name, in, transport string
		flow                capgen.Flow
	}{
		{"version 3, IPv4", h4.V3(), "UDP", flow4},
		{"version 3, IPv6 and TCP", h6.V3(), "TCP", flow6},
		{"version 3 with chunks that are not known", h4.V3(capgen.HEPChunk(19, "node"), capgen.HEPChunk(0x20, "\x00\x01"), "\x00\x7f\x00\x0f\x00\x08xx"), "UDP", flow4},
		{"version 3 with what is behind its length", h4.V3() + "padding", "UDP", flow4},
		{"version 3, zlib", bare.V3(capgen.HEPChunk(16, zlibbed)), "UDP", flow4},
		{"version 3, gzip", bare.V3(capgen.HEPChunk(16, gzipped)), "UDP", flow4},
		{"version 3, deflated", bare.V3(capgen.HEPChunk(16, deflated)), "UDP", flow4},
		{"version 2, IPv4", h4.V2(), "UDP", flow4},
		{"version 2, IPv6", h6.V2(), "TCP", flow6},
		{"version 2, IPv6 of FreeBSD", strings.Replace(h6.V2(), "\x0a", "\x1c", 1), "TCP", flow6},
		{"version 2 of FreeSWITCH, IPv4", strings.Replace(h4.V2(), "\x10", "\x1c", 1), "UDP", flow4},
		{"version 2 of FreeSWITCH, IPv6", strings.Replace(h6.V2(), "\x28", "\x34", 1), "TCP", flow6},
		{"version 1", h4.V1(), "UDP", flow4},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got []string
			d := dissect.New(1, func(m *dissect.Message) error {
				if m.Src != c.flow.Src || m.Dst != c.flow.Dst || !m.HEP || m.Partial {
					t.Errorf("%v > %v, %t", m.Src, m.Dst, m.HEP)
				}
				if want := when; c.name != "version 1" && !m.Time.Equal(want) {
					t.Errorf("at %v, want %v", m.Time, want)
				}
				got = append(got, m.Transport.String()+" "+string(m.SIP.Raw()))
				return nil
			})
			if err := d.Packet(packet(1, to.UDP(c.in))); err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(got, []string{c.transport + " " + invite}) || d.Counts[0].HEP != 1 {
				t.Errorf("%q, %d packets of HEP", got, d.Counts[0].HEP)
			}
		})
	}
	t.Run("over TCP", func(t *testing.T) {
		bye := h6
		bye.Payload = request("BYE", "c2@h", 0)
		stream := h4.V3() + bye.V3() + h4.V3(capgen.HEPChunk(17, "\x00"))
		for _, size := range []int{1, 7, 100, 1 << 20} {
			there, _, packets := connection(to)
			r := dissected(t, packetsOf(append(packets, there.SendAll(stream, size)...)...))
			if len(r.list) != 3 || r.d.Counts[0].HEP != 3 || r.raw[0] != invite || r.raw[1] != bye.Payload || r.raw[2] != invite {
				t.Errorf("segments of %d: %q", size, r.list)
			}
		}
	})
	t.Run("over TCP from the middle, and with a segment lost", func(t *testing.T) {
		var stream string
		for i := range 12 {
			h := h4
			h.Payload = request("OPTIONS", "s"+itoa(i), 20)
			stream += h.V3()
		}
		for _, f := range []capgen.Flow{to, capgen.NewFlow("198.51.100.1:50000", "198.51.100.2:5060")} {
			for start := 1; start < 500; start += 7 {
				there := &capgen.Stream{Flow: f, Seq: 1000}
				packets := there.SendAll(stream[start:], 300)
				lost := 2 + start%5
				r := dissected(t, packetsOf(append(packets[:lost:lost], packets[lost+1:]...)...))
				if n := len(r.list); n < 12-5 || r.d.Streams.Skipped == 0 || strings.Contains(strings.Join(r.list, " "), "TCP") {
					t.Fatalf("from octet %d on, without packet %d: %d messages, %d octets skipped, %q", start, lost, n, r.d.Streams.Skipped, r.list)
				}
			}
		}
	})
	t.Run("over SCTP", func(t *testing.T) {
		b := h4.V3()
		expect(t, packetsOf(to.SCTP(7, capgen.Data(capgen.DataWhole, 1, b))), "INVITE c1@h UDP [1]")
		expect(t, packetsOf(to.SCTP(7, capgen.Data(capgen.DataBegin, 1, b[:50])), to.SCTP(7, capgen.Data(capgen.DataEnd, 2, b[50:]))), "INVITE c1@h UDP [1 2]")
	})
	t.Run("several messages that an agent read from a stream", func(t *testing.T) {
		h := h6
		h.Payload = invite + "\r\n\r\n" + request("BYE", "c2@h", 5) + request("OPTIONS", "c3@h", 0)
		expect(t, packetsOf(to.UDP(h.V3())), "INVITE c1@h TCP [1]", "BYE c2@h TCP [1]", "OPTIONS c3@h TCP [1]")
	})
	t.Run("over TCP, from where it reads like SIP on", func(t *testing.T) {
		second := h6
		second.Payload = response("c2@h") // of such a length that the octet in front of it is a letter
		s := h6.V3() + second.V3() + second.V3()
		at := strings.Index(s, "INVITE ")
		there := &capgen.Stream{Flow: capgen.NewFlow("192.0.2.1:40000", "192.0.2.2:9060"), Seq: 1000}
		r := dissected(t, packetsOf(there.Send(s[at:at+100]), there.Send(s[at+100:at+len(invite)+20]), there.Send(s[at+len(invite)+20:])))
		if got := strings.Join(r.list, ", "); got != "INVITE c1@h TCP [1 2], 200 c2@h TCP [2 3], 200 c2@h TCP [3]" || r.d.Counts[0].HEP != 2 {
			t.Errorf("%s; %d packets", got, r.d.Counts[0].HEP)
		}
		there.Seq = 1000
		if r = dissected(t, packetsOf(there.Send(s[at:at+100]), there.Send(s[at+100:]))); len(r.list) != 3 {
			t.Errorf("%q", r.list)
		}
	})
	t.Run("over TCP, from a length that looks like a frame of a WebSocket on", func(t *testing.T) {
		first, second := h6, h6
		first.Payload, second.Payload = request("INVITE", "c1@h", 150), request("BYE", "c2@h", 5)
		s := first.V3() + second.V3()
		at := strings.Index(s, "INVITE ")
		there := &capgen.Stream{Flow: capgen.NewFlow("192.0.2.1:40000", "192.0.2.2:9060"), Seq: 1000}
		r := dissected(t, packetsOf(there.Send(s[at-40:at-8]), there.Send(s[at-8:at+50]), there.Send(s[at+50:at+100]), there.Send(s[at+100:])))
		if n := len(r.list); n == 0 || r.list[n-1] != "BYE c2@h TCP [4]" || r.d.Counts[0].HEP != 1 || s[at-2] != 1 {
			t.Errorf("%q, %x", r.list, s[at-2:at])
		}
	})
	t.Run("over TCP with a hole", func(t *testing.T) {
		there, _, packets := connection(to)
		packets = append(packets, there.Send(h4.V3()[:100]))
		there.Send(h4.V3()[100:])
		expect(t, packetsOf(append(packets, there.Send(h6.V3()), there.FIN())...), "INVITE c1@h TCP [5]")
	})
	t.Run("cannot be decompressed", func(t *testing.T) {
		for _, z := range []string{zlibbed[:50], "nothing", "\x1f\x8b\x08"} {
			if d := expect(t, packetsOf(to.UDP(bare.V3(capgen.HEPChunk(16, z))))); d.Streams.Compressed != 1 {
				t.Errorf("%d could not be decompressed", d.Streams.Compressed)
			}
		}
	})
	t.Run("compressed, and cut by the capture", func(t *testing.T) {
		for _, z := range []string{zlibbed, gzipped, deflated} {
			p := packetsOf(to.UDP(bare.V3(capgen.HEPChunk(16, z))))
			p[0].Data = p[0].Data[:len(p[0].Data)-20]
			expect(t, p, "INVITE c1@h UDP [1] partial packet-cut")
		}
	})
	t.Run("no HEP", func(t *testing.T) {
		for _, s := range []string{"HEP3", "HEP3\x00\x06", "HEP3\xff\xff", "\x02\x10\x02\x11" + strings.Repeat("\x00", 40), "\x01\x10", h4.V3()[:40]} {
			expect(t, packetsOf(to.UDP(s)))
		}
	})
	t.Run("the packet and its HEP are one message", func(t *testing.T) {
		now := h4
		now.Time = capgen.Start.Add(3 * time.Millisecond)
		expect(t, packetsOf(flow4.UDP(invite), to.UDP(now.V3())), "INVITE c1@h UDP [1]", "INVITE c1@h UDP [2] copy of 1")
		expect(t, packetsOf(to.UDP(now.V3()), flow4.UDP(invite)), "INVITE c1@h UDP [1]", "INVITE c1@h UDP [2] copy of 1")
	})
}

// TestCAPWAPFragments: CAPWAP has fragments of its own, which may come in any order, and in fragments of IP.
func TestCAPWAPFragments(t *testing.T) {
	outer := capgen.NewFlow("198.51.100.1:5247", "198.51.100.2:5247")
	cut := func(id byte, native bool, inside string) (list []string) {
		kind := byte(2)
		if native {
			kind = 3
		}
		const size = 160
		for off := 0; off < len(inside); off += size {
			last := byte(0x80)
			if off+size >= len(inside) {
				last = 0xc0
			}
			list = append(list, outer.UDP(string([]byte{0, 0x10, kind, last, 0, id, byte(off >> 8), byte(off)})+inside[off:min(len(inside), off+size)]))
		}
		return list
	}
	invite, bye := request("INVITE", "c1@h", 200), request("BYE", "c2@h", 0)
	a, b := cut(1, false, capgen.Ether(flow4.UDP(invite))), cut(2, true, capgen.WiFi(flow4.UDP(bye)))
	if len(a) != 3 || len(b) != 2 {
		t.Fatalf("%d and %d fragments", len(a), len(b))
	}
	expect(t, packetsOf(a[2], b[1], a[0], b[0], a[1]), "BYE c2@h UDP [2 4]", "INVITE c1@h UDP [1 3 5]")
	expect(t, packetsOf(append(capgen.Fragment(a[1], 9, 80), a[0], a[2])...), "INVITE c1@h UDP [1 2 3 4 5]")
	expect(t, packetsOf(a[0], a[1]), "INVITE c1@h UDP [1 2] partial frag-incomplete")
	several := cut(3, true, capgen.Aggregate(flow4.UDP(invite), flow6.UDP(bye), capgen.Fragment(flow4.UDP(invite), 3, 200)[0]))
	expect(t, packetsOf(several...), "INVITE c1@h UDP "+frames(1, len(several)), "BYE c2@h UDP "+frames(1, len(several)),
		"INVITE c1@h UDP "+frames(1, len(several))+" partial frag-incomplete")
}

// TestRealms: the same ends in two networks are two connections, unless it is the same packet that is seen
// in both of them, or outside of them as well.
func TestRealms(t *testing.T) {
	invite, bye, ok := request("INVITE", "c1@h", 200), request("BYE", "c2@h", 200), response("c1@h")
	outer := capgen.NewFlow("198.51.100.1:9", "198.51.100.2:4789")
	vxlan := func(id int, ip string) string {
		return outer.UDP("\x08\x00\x00\x00\x00\x00" + string(rune(id)) + "\x00" + capgen.Ether(ip))
	}
	in := func(id int) func(string) []string {
		return func(ip string) []string { return []string{vxlan(id, ip)} }
	}
	both := func(ip string) []string { return []string{vxlan(1, ip), vxlan(2, ip)} }
	plain := func(ip string) []string { return []string{vxlan(1, ip), ip} }
	swapped := func(ip string) []string { return []string{vxlan(2, ip), vxlan(1, ip)} }
	// talk is one connection, with its packets as they are seen.
	talk := func(seq uint32, seen func(string) []string, request, answer string) (packets [][]string) {
		there, here := &capgen.Stream{Flow: odd, Seq: seq}, &capgen.Stream{Flow: odd.Back(), Seq: seq + 1<<30}
		syn := there.SYN()
		here.Ack = there.Seq
		synAck := here.TCP(here.Seq, here.Ack, capgen.SYN|capgen.ACK, "")
		here.Seq++
		there.Ack = here.Seq
		for _, ip := range []string{syn, synAck, there.Send(request[:100]), there.Send(request[100:]), here.Send(answer)} {
			packets = append(packets, seen(ip))
		}
		return packets
	}
	names := func(packets []string) (list []string) {
		for _, s := range dissected(t, packetsOf(packets...)).list {
			list = append(list, strings.Join(strings.Fields(s)[:2], " "))
		}
		return list
	}
	turns := func(a, b [][]string) (packets []string) {
		for i := range a {
			packets = append(append(packets, a[i]...), b[i]...)
		}
		return packets
	}
	for _, far := range []uint32{1 << 31, 50000} {
		got := names(turns(talk(7, in(1), invite, ok), talk(7+far, in(2), bye, ok)))
		if want := []string{"INVITE c1@h", "BYE c2@h", "200 c1@h", "200 c1@h"}; !slices.Equal(got, want) {
			t.Errorf("two networks, %d apart: %q, want %q", far, got, want)
		}
	}
	for name, seen := range map[string][2]func(string) []string{
		"inside and outside": {plain, plain}, "in both": {both, both}, "in both, and then the other way round": {both, swapped}, "in one, and then in the other": {in(1), in(2)},
	} {
		packets := slices.Concat(slices.Concat(talk(7, seen[0], invite, ok)...), slices.Concat(talk(1<<31, seen[1], bye, ok)...))
		if got, want := names(packets), []string{"INVITE c1@h", "200 c1@h", "BYE c2@h", "200 c1@h"}; !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
		packets = slices.Concat(slices.Concat(talk(7, seen[0], invite, ok)[2:]...), slices.Concat(talk(1<<31, seen[1], bye, ok)...))
		if got, want := names(packets), []string{"INVITE c1@h", "200 c1@h", "BYE c2@h", "200 c1@h"}; !slices.Equal(got, want) {
			t.Errorf("%s, from the middle: %q, want %q", name, got, want)
		}
	}
	packets := slices.Concat(slices.Concat(talk(7, in(1), invite, ok)[2:]...), slices.Concat(talk(1<<31, in(2), bye, ok)[2:]...))
	if got, want := names(packets), []string{"INVITE c1@h", "200 c1@h", "BYE c2@h", "200 c1@h"}; !slices.Equal(got, want) {
		t.Errorf("two networks from the middle: %q, want %q", got, want)
	}
}

// TestManyRealms: of the same ends in very many networks only some connections are followed at a time: a packet looks at all of them.
// One that is given up is told of where octets wait in it.
func TestManyRealms(t *testing.T) {
	const networks, followed = 200, 64
	outer := capgen.NewFlow("198.51.100.1:9", "198.51.100.2:4789")
	m := request("INVITE", "c1@h", 0)
	for _, c := range []struct {
		octets int
		lost   int64
	}{{len(m), 0}, {len(m) / 2, networks - followed}} {
		var packets []string
		for i := range networks {
			s := &capgen.Stream{Flow: odd, Seq: uint32(i) << 24}
			for _, ip := range []string{s.SYN(), s.Send(m[:c.octets])} {
				packets = append(packets, outer.UDP("\x08\x00\x00\x00\x00\x01"+string([]byte{byte(i)})+"\x00"+capgen.Ether(ip)))
			}
		}
		r := dissected(t, packetsOf(packets...))
		if got := r.d.Streams.Evicted; len(r.list) != networks || got != c.lost {
			t.Errorf("%d octets: %d messages, %d connections are lost, want %d", c.octets, len(r.list), got, c.lost)
		}
	}
}

// TestTZSP: what a router mirrors may come between any two ports, as media do.
func TestTZSP(t *testing.T) {
	to := capgen.NewFlow("198.51.100.1:40000", "198.51.100.2:37008")
	invite, bye := request("INVITE", "c1@h", 1400), request("BYE", "c2@h", 0)
	tzsp := func(ip string) string { return to.UDP("\x01\x00\x00\x01\x01" + capgen.Ether(ip)) }
	frames := []string{capgen.Ether(to.UDP("\x01\x04\x00\x01")), capgen.Ether(tzsp(flow4.UDP(bye)))}
	for _, part := range capgen.Fragment(tzsp(flow6.UDP(invite)), 7, 1000) {
		frames = append(frames, capgen.Ether(part))
	}
	frames = append(frames, capgen.Ether(to.UDP(bye)), capgen.Ether(to.Back().UDP(bye)))
	d := expect(t, capgen.Packets(1, frames...), "BYE c2@h UDP [2]", "INVITE c1@h UDP [3 4]", "BYE c2@h UDP [5]", "BYE c2@h UDP [6]")
	if n := &d.Counts[0]; n.Tunnels[layers.TZSP] != 1 || n.UDP != 6 {
		t.Errorf("%+v", *n)
	}
}
