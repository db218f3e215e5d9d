package dissect_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sipsight/sipsight/internal/capgen"
)

func TestTCP(t *testing.T) {
	invite, options, bye := request("INVITE", "c1@h", 100), request("OPTIONS", "c2@h", 0), request("BYE", "c3@h", 0)
	ok := response("c1@h")
	for _, port := range []struct {
		name string
		flow capgen.Flow
	}{{"port 5060", flow4}, {"another port", odd}, {"IPv6", flow6}} {
		t.Run(port.name, func(t *testing.T) { testTCP(t, port.flow, invite, options, bye, ok) })
	}
}

func testTCP(t *testing.T, flow capgen.Flow, invite, options, bye, ok string) {
	run := func(name string, build func(there, here *capgen.Stream) []string, want ...string) {
		t.Run(name, func(t *testing.T) {
			t.Helper()
			there, here, handshake := connection(flow)
			expect(t, packetsOf(append(handshake, build(there, here)...)...), want...)
		})
	}
	type s = capgen.Stream
	run("both directions", func(there, here *s) []string {
		return []string{there.Send(invite), here.Send(ok), there.Send(bye)}
	}, "INVITE c1@h TCP [4]", "200 c1@h TCP [5]", "BYE c3@h TCP [6]")
	run("three in a segment", func(there, _ *s) []string {
		return []string{there.Send(invite + options + bye)}
	}, "INVITE c1@h TCP [4]", "OPTIONS c2@h TCP [4]", "BYE c3@h TCP [4]")
	run("straddling", func(there, _ *s) []string {
		return []string{there.Send(invite + options[:50]), there.Send(options[50:] + bye)}
	}, "INVITE c1@h TCP [4]", "OPTIONS c2@h TCP [4 5]", "BYE c3@h TCP [5]")
	run("octet by octet", func(there, _ *s) []string { return there.SendAll(options, 1) },
		"OPTIONS c2@h TCP "+frames(4, len(options)))
	run("keepalives", func(there, here *s) []string {
		return []string{there.Send("\r\n\r\n"), here.Send("\r\n"), there.Send("\r\n\r\n" + invite), here.Send(ok)}
	}, "INVITE c1@h TCP [6] crlf-keepalive", "200 c1@h TCP [7] crlf-keepalive")
	run("retransmission", func(there, _ *s) []string {
		first := there.Send(invite)
		return []string{first, first, there.Send(bye)}
	}, "INVITE c1@h TCP [4]", "BYE c3@h TCP [6]")
	run("reordered", func(there, _ *s) []string {
		p := there.SendAll(invite, 80)
		return slices.Concat([]string{p[0], p[2], p[1]}, p[3:], []string{there.Send(bye)})
	}, "INVITE c1@h TCP "+frames(4, (len(invite)+79)/80)+" tcp-reordered", "BYE c3@h TCP "+frames(4+(len(invite)+79)/80, 1))
	run("overlapping", func(there, _ *s) []string {
		seq := there.Seq
		return []string{
			there.TCP(seq, 1, capgen.ACK, invite[:200]),
			there.TCP(seq+100, 1, capgen.ACK, invite[100:240]),
			there.TCP(seq+220, 1, capgen.ACK, invite[220:]),
		}
	}, "INVITE c1@h TCP [4 5 6] tcp-overlap")
	run("overlapping with other octets", func(there, _ *s) []string {
		seq := there.Seq
		return []string{
			there.TCP(seq+150, 1, capgen.ACK, invite[150:]),
			there.TCP(seq+100, 1, capgen.ACK, invite[100:150]+strings.Repeat("X", 100)),
			there.TCP(seq, 1, capgen.ACK, invite[:100]),
		}
	}, "INVITE c1@h TCP [4 5 6] tcp-reordered tcp-overlap tcp-conflict")
	run("a hole in the body", func(there, _ *s) []string {
		p := there.SendAll(request("INVITE", "c1@h", 300), 100)
		return append(slices.Concat(p[:2], p[3:]), there.Send(bye), there.FIN())
	}, "INVITE c1@h TCP [4 5] partial tcp-gap", "BYE c3@h TCP [8]")
	run("a hole between messages", func(there, _ *s) []string {
		first := there.Send(invite)
		there.Send(options)
		return []string{first, there.Send(bye), there.FIN()}
	}, "INVITE c1@h TCP [4]", "BYE c3@h TCP [5]")
	run("ends in a message", func(there, _ *s) []string {
		return []string{there.Send(invite[:150]), there.FIN()}
	}, "INVITE c1@h TCP [4] partial")
	run("a hole, a message, and an end in the next", func(there, _ *s) []string {
		there.Send(invite)
		return []string{there.Send(options), there.Send(bye[:len(bye)-2]), there.FIN()}
	}, "OPTIONS c2@h TCP [4]", "BYE c3@h TCP [5] partial")
	run("a FIN ends a body of unknown length", func(there, here *s) []string {
		return []string{there.Send("INFO sip:b SIP/2.0\r\nCall-ID: i@h\r\nContent-Type: x/y\r\n\r\nbody"), there.FIN(), here.Send(ok)}
	}, "INFO i@h TCP [4]", "200 c1@h TCP [6]")
	run("a FIN before the last segment", func(there, here *s) []string {
		first, second := there.Send(invite[:100]), there.Send(invite[100:])
		return []string{first, there.FIN(), second, here.Send(ok)}
	}, "INVITE c1@h TCP [4 6]", "200 c1@h TCP [7]")
	run("an RST before the last segment, and one from the other side", func(there, here *s) []string {
		first, second := there.Send(invite[:100]), there.Send(invite[100:])
		return []string{here.TCP(here.Seq, here.Ack, capgen.RST, ""), first, there.TCP(there.Seq, 0, capgen.RST, ""), second}
	}, "INVITE c1@h TCP [5 7]")
	run("octets behind a FIN that was none", func(there, _ *s) []string {
		return []string{there.Send(invite), there.TCP(there.Seq, 1, capgen.FIN|capgen.ACK, ""), there.Send(bye)}
	}, "INVITE c1@h TCP [4]", "BYE c3@h TCP [6]")
	run("a stray segment", func(there, _ *s) []string {
		return []string{there.Send(invite[:100]), there.TCP(there.Seq+1<<30, 1, capgen.ACK, bye), there.Send(invite[100:])}
	}, "INVITE c1@h TCP [4 6]")
	run("a keepalive of one old octet", func(there, _ *s) []string {
		first := there.Send(invite[:100])
		return []string{first, there.TCP(there.Seq-1, 1, capgen.ACK, "x"), there.Send(invite[100:])}
	}, "INVITE c1@h TCP [4 6]")
	run("a SYN that comes again", func(there, _ *s) []string {
		syn := there.TCP(there.Seq-1, 0, capgen.SYN, "")
		return []string{there.Send(invite[:100]), syn, there.Send(invite[100:])}
	}, "INVITE c1@h TCP [4 6]")
	run("the ports are used again", func(there, here *s) []string {
		first := []string{there.Send(invite[:150]), here.Send(ok[:len(ok)-2])}
		there.Seq, here.Seq = 5, 6
		syn := there.SYN()
		here.Ack = there.Seq
		answer := here.TCP(here.Seq, here.Ack, capgen.SYN|capgen.ACK, "")
		here.Seq++
		return append(first, syn, answer, there.Send(bye), here.Send(ok))
	}, "INVITE c1@h TCP [4] partial", "200 c1@h TCP [5] partial", "BYE c3@h TCP [8]", "200 c1@h TCP [9]")
	for name, end := range map[string]func(s *s) string{
		"an RST": func(s *s) string { return s.TCP(s.Seq, 0, capgen.RST, "") },
		"a FIN":  (*s).FIN,
	} {
		run("the ports are used again behind "+name+", without a SYN", func(there, here *s) []string {
			packets := []string{there.Send(invite[:150]), end(here)}
			there.Seq, here.Seq = 1<<30, 1<<31
			return append(packets, there.Send(bye), here.Send(ok), there.Send(options))
		}, "INVITE c1@h TCP [4] partial", "BYE c3@h TCP [6]", "200 c1@h TCP [7]", "OPTIONS c2@h TCP [8]")
	}
	run("the ports are used again with the same sequence numbers", func(there, here *s) []string {
		packets := []string{there.Send(invite), there.FIN(), here.FIN()}
		again, answers, handshake := connection(flow)
		return append(append(packets, handshake...), again.Send(bye), answers.Send(ok))
	}, "INVITE c1@h TCP [4]", "BYE c3@h TCP [10]", "200 c1@h TCP [11]")
	run("octets far behind an end", func(there, _ *s) []string {
		packets := []string{there.Send(invite), there.FIN()}
		there.Seq += 5000
		return append(packets, there.Send(bye))
	}, "INVITE c1@h TCP [4]", "BYE c3@h TCP [6]")
	run("the ports are used again, and nothing was seen between", func(there, here *s) []string {
		packets := []string{there.Send(invite)}
		there.Seq, here.Seq = 1<<30, 1<<31
		return append(packets, there.Send(bye), there.Send(options), there.Send(invite))
	}, "INVITE c1@h TCP [4]", "BYE c3@h TCP [5]", "OPTIONS c2@h TCP [6]", "INVITE c1@h TCP [7]")
	run("the ports are used again, and nothing was seen between, with one message at the end", func(there, here *s) []string {
		packets := []string{there.Send(invite), here.Send(ok)}
		there.Seq, here.Seq = 1<<30, 1<<31
		return append(packets, there.Send(bye[:50]), there.Send(bye[50:]), here.Send(ok))
	}, "INVITE c1@h TCP [4]", "200 c1@h TCP [5]", "BYE c3@h TCP [6 7]", "200 c1@h TCP [8]")
	run("the ports are used again, and only the answer to the SYN was seen", func(there, here *s) []string {
		packets := []string{there.Send(invite), here.Send(ok)}
		there.Seq, here.Seq = 1<<30, 1<<31
		there.Ack, here.Ack = 1<<31+1, 1<<30
		packets = append(packets, here.TCP(here.Seq, here.Ack, capgen.SYN|capgen.ACK, ""))
		here.Seq++
		return append(packets, there.Send(bye), here.Send(ok))
	}, "INVITE c1@h TCP [4]", "200 c1@h TCP [5]", "BYE c3@h TCP [7]", "200 c1@h TCP [8]")
	run("the ports are used again with numbers that are near, and only the answer to the SYN was seen", func(there, here *s) []string {
		packets := []string{there.Send(invite[:200]), here.Send(ok)}
		there.Seq, here.Seq = there.Seq+5000, here.Seq+5000
		there.Ack, here.Ack = here.Seq+1, there.Seq
		packets = append(packets, here.TCP(here.Seq, here.Ack, capgen.SYN|capgen.ACK, ""))
		here.Seq++
		return append(packets, there.Send(bye), here.Send(ok))
	}, "200 c1@h TCP [5]", "INVITE c1@h TCP [4] partial", "BYE c3@h TCP [7]", "200 c1@h TCP [8]")
	run("the ports are used again behind an RST of a side that sent nothing", func(there, here *s) []string {
		s := &capgen.Stream{Flow: flow6, Seq: 7}
		packets := []string{s.Send(invite), capgen.Flow{Src: s.Dst, Dst: s.Src}.TCP(0, s.Seq, capgen.RST, "")}
		s.Seq = 1 << 30
		return append(packets, s.Send(bye), there.Send(invite))
	}, "INVITE c1@h TCP [4]", "BYE c3@h TCP [6]", "INVITE c1@h TCP [7]")
}

// frames names n packets from the first on.
func frames(first, n int) string {
	var s []string
	for i := range n {
		s = append(s, itoa(first+i))
	}
	return "[" + strings.Join(s, " ") + "]"
}

func itoa(n int) string {
	if n < 10 {
		return string(rune('0' + n))
	}
	return itoa(n/10) + string(rune('0'+n%10))
}

// TestTCPFastOpen: a SYN may carry octets.
func TestTCPFastOpen(t *testing.T) {
	invite := request("INVITE", "c1@h", 100)
	s := &capgen.Stream{Flow: odd, Seq: 100}
	syn := s.TCP(100, 0, capgen.SYN, invite[:50])
	s.Seq += 51
	expect(t, packetsOf(syn, s.Send(invite[50:])), "INVITE c1@h TCP [1 2]")
}

// TestTCPMidstream: what is whole is found where the start of a connection is not there.
func TestTCPMidstream(t *testing.T) {
	invite, bye := request("INVITE", "c1@h", 100), request("BYE", "c3@h", 0)
	for _, c := range []struct {
		name string
		flow capgen.Flow
		in   []string
		want []string
		mid  int64
	}{
		{"in a message", flow4, []string{invite[60:], bye}, []string{"BYE c3@h TCP [2]"}, 1},
		{"in a message, in one segment", flow4, []string{invite[60:] + bye}, []string{"BYE c3@h TCP [1]"}, 1},
		{"at a message", odd, []string{invite, bye}, []string{"INVITE c1@h TCP [1]", "BYE c3@h TCP [2]"}, 1},
		{"in a message on another port", odd, []string{invite[60:], bye}, []string{"BYE c3@h TCP [2]"}, 1},
		{"in a message on another port, in one segment", odd, []string{invite[60:] + bye}, []string{"BYE c3@h TCP [1]"}, 1},
		{"in a body without a line end, in front of a response with a header field, on another port", odd, []string{"<a>", "</presence>" + response("c4@h")[:70], response("c4@h")[70:], bye}, []string{"200 c4@h TCP [2 3]", "BYE c3@h TCP [4]"}, 1},
		{"at a message that a body quotes", flow4, []string{"SIP/2.0 200 OK\r\nContact: <sip:c@h>\r\n\r\n", bye}, []string{"BYE c3@h TCP [2]"}, 1},
		{"at a message that a body quotes, on another port", odd, []string{"SIP/2.0 200 OK\r\nContact: <sip:c@h>\r\n", bye}, []string{"BYE c3@h TCP [2]"}, 1},
		{"at a message that a body quotes, on another port, in one segment", odd, []string{"SIP/2.0 200 OK\r\n\r\n" + bye}, []string{"BYE c3@h TCP [1]"}, 1},
		{"in a body on another port", odd, []string{invite[len(invite)-70:], bye}, []string{"BYE c3@h TCP [2]"}, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := &capgen.Stream{Flow: c.flow, Seq: 9}
			var packets []string
			for _, b := range c.in {
				packets = append(packets, s.Send(b))
			}
			d := expect(t, packetsOf(packets...), c.want...)
			if d.Streams.Midstream != c.mid {
				t.Errorf("%d connections from the middle, want %d", d.Streams.Midstream, c.mid)
			}
		})
	}
}

// TestTCPMidstreamUnknown: on a port of nothing known, a message that begins in a segment and ends its start line in the
// next one is found.
func TestTCPMidstreamUnknown(t *testing.T) {
	invite, bye := request("INVITE", "c1@h", 100), request("BYE", "c3@h", 0)
	line := strings.IndexByte(bye, '\n')
	for n := 1; n <= line; n++ {
		for _, before := range []int{20, 100, len(invite) - 30} {
			s := &capgen.Stream{Flow: odd, Seq: 9}
			packets := []string{s.Send(invite[before:] + bye[:n]), s.Send(bye[n:])}
			expect(t, packetsOf(packets...), "BYE c3@h TCP [1 2]")
			s.Seq = 9
			packets = []string{s.Send(strings.Repeat("v=0\r\n", 10)), s.Send(invite[before:] + bye[:n]), s.Send(bye[n:])}
			expect(t, packetsOf(packets...), "BYE c3@h TCP [2 3]")
		}
	}
	s := &capgen.Stream{Flow: odd, Seq: 9}
	expect(t, packetsOf(s.Send("some log\nINVITE sip:a"), s.Send("@h is what was seen\n"), s.Send(bye[:line])))
	s.Seq = 9
	p := []string{s.Send("some log\nINVITE sip:a"), s.Send("@h is what was seen\n"), s.Send("and more\n"), s.Send("and more\n")}
	expect(t, packetsOf(p[0], p[2], p[3]))
	s.Seq = 9
	p = []string{s.Send(invite[100:] + bye[:10]), s.Send(bye[10:120]), s.Send(bye[120:]), s.Send(invite)}
	expect(t, packetsOf(p[0], p[1], p[3]), "BYE  TCP [1 2] partial tcp-gap", "INVITE c1@h TCP [3]")
}

// TestTCPLostStart: on a port of nothing known, messages are found behind the first segment of a connection that is
// missing, also by those of them that waited for it.
func TestTCPLostStart(t *testing.T) {
	invite, bye := request("INVITE", "c1@h", 100), request("BYE", "c3@h", 0)
	for size := 20; size < 150; size += 7 {
		for _, fin := range []bool{false, true} {
			there, _, packets := connection(odd)
			segments := there.SendAll(invite+bye+invite, size)
			packets = append(packets, segments[1:]...)
			if fin {
				packets = append(packets, there.FIN())
			}
			r := dissected(t, packetsOf(packets...))
			if !slices.Equal(r.raw, []string{bye, invite}) {
				t.Errorf("segments of %d: %q", size, r.list)
			}
		}
	}
}

// TestTCPLostOtherWay: that octets are missing in one direction, more than once, does not end the other one, in which a message has begun.
func TestTCPLostOtherWay(t *testing.T) {
	bye := request("BYE", "c3@h", 0)
	there, here, packets := connection(odd)
	segments := there.SendAll(request("INVITE", "c1@h", 300), 80)
	packets = append(packets, segments[1], segments[3])
	here.Ack = there.Seq
	later := packetsOf(here.Send(bye[:10]), here.Send(bye[10:]))
	expect(t, append(packetsOf(packets...), at(time.Second, later)...), "BYE c3@h TCP [6 7]")
}

// TestTCPFragments: a segment that came in IP fragments came in all of their packets.
func TestTCPFragments(t *testing.T) {
	invite, bye := request("INVITE", "c1@h", 100), request("BYE", "c3@h", 0)
	for _, flow := range []capgen.Flow{flow4, flow6} {
		there, _, packets := connection(flow)
		first := there.Send(invite[:100])
		second := capgen.Fragment(there.Send(invite[100:]+bye[:50]), 7, 80)
		packets = append(packets, second...) // before the first one
		packets = append(packets, first, there.Send(bye[50:]))
		n := len(second)
		list := make([]string, 0, n+1)
		for i := range n + 1 {
			list = append(list, itoa(4+i))
		}
		expect(t, packetsOf(packets...), "INVITE c1@h TCP ["+strings.Join(list, " ")+"] tcp-reordered",
			"BYE c3@h TCP ["+strings.Join(list[:n], " ")+" "+itoa(4+n+1)+"] tcp-reordered")
	}
}

// TestTCPMidstreamSwapped: the first two segments that were captured may have changed places.
func TestTCPMidstreamSwapped(t *testing.T) {
	invite, bye := request("INVITE", "c1@h", 100), request("BYE", "c3@h", 0)
	s := &capgen.Stream{Flow: flow4, Seq: 9}
	p := []string{s.Send(invite[:200]), s.Send(invite[200:]), s.Send(bye)}
	expect(t, packetsOf(p[1], p[0], p[2]), "INVITE c1@h TCP [1 2] tcp-reordered", "BYE c3@h TCP [3]")
	s = &capgen.Stream{Flow: flow4, Seq: 9}
	p = []string{s.Send(invite[:200]), s.Send(invite[200:244]), s.Send(invite[244:])}
	expect(t, packetsOf(p[1], p[0], p[2]), "INVITE c1@h TCP [1 2 3] tcp-reordered") // no line ends where it is cut
	s = &capgen.Stream{Flow: flow4, Seq: 9}
	p = []string{s.Send(invite[:200]), s.Send(invite[200:]), s.Send(bye)}
	d := expect(t, packetsOf(p[1], p[2], p[0]), "BYE c3@h TCP [2]", "INVITE c1@h TCP [1 3] tcp-reordered")
	if d.Streams.Skipped != 0 {
		t.Errorf("%d octets skipped", d.Streams.Skipped)
	}
}

// TestTCPMidstreamLonger: a segment that is sent again from in front of the first message on may be longer than before.
func TestTCPMidstreamLonger(t *testing.T) {
	invite, bye := request("INVITE", "c1@h", 100), request("BYE", "c3@h", 0)
	s := &capgen.Stream{Flow: flow4, Seq: 9}
	all := "rest\r\n" + invite + bye
	at := func(from, to int) string { return s.TCP(9+uint32(from), 1, capgen.ACK, all[from:to]) }
	for n := 7; n < len(all); n += 5 {
		for from := range min(10, n+1) {
			r := dissected(t, packetsOf(at(3, n), at(from, len(all))))
			if !slices.Equal(r.raw, []string{invite, bye}) {
				t.Fatalf("up to %d, and again from %d on: %q", n, from, r.list)
			}
		}
	}
}

// TestTCPMidstreamAgain: a segment that is sent again and again does not take the place of what is in front of it.
func TestTCPMidstreamAgain(t *testing.T) {
	invite, bye := request("INVITE", "c1@h", 100), request("BYE", "c3@h", 0)
	s := &capgen.Stream{Flow: flow4, Seq: 9}
	first, second := s.Send(invite[:60]), s.Send(invite[60:])
	packets := append(slices.Repeat([]string{second}, 20), first, s.Send(bye))
	expect(t, packetsOf(packets...), "INVITE c1@h TCP [1 21] tcp-reordered", "BYE c3@h TCP [22]")
}

// TestTCPPayloadsAlone: a capture of payloads alone shows neither that connections begin nor that they end; of one after the other between the
// same ports each message is found.
func TestTCPPayloadsAlone(t *testing.T) {
	for per := 1; per <= 4; per++ {
		var packets, want []string
		for i := range 5 {
			s := &capgen.Stream{Flow: flow4, Seq: uint32(i) * 0x3abcdef1}
			for k := range per {
				id := "c" + itoa(i) + "-" + itoa(k)
				packets = append(packets, s.Send(request("BYE", id, 0)))
				want = append(want, "BYE "+id+" TCP ["+itoa(len(packets))+"]")
			}
		}
		list := packetsOf(packets...)
		for i := range list {
			list[i].Time = capgen.Start.Add(time.Duration(i/per) * 30 * time.Second)
		}
		expect(t, list, want...)
	}
}

// TestTCPNoSequence: what scripts write may have the same sequence number in all segments, and even a SYN; each holds what it holds. One
// that is sent again begins as before.
func TestTCPNoSequence(t *testing.T) {
	for _, flags := range []byte{0, capgen.SYN, capgen.ACK} {
		var packets, want []string
		for i := range 5 {
			for _, m := range []struct {
				flow capgen.Flow
				text string
				what string
			}{{flow4, request("INVITE", "c"+itoa(i), 100-i), "INVITE c"}, {flow4.Back(), response("c" + itoa(i)), "200 c"}} {
				s := &capgen.Stream{Flow: m.flow}
				packets = append(packets, s.TCP(0, 0, flags, m.text), s.TCP(0, 0, flags, m.text))
				want = append(want, m.what+itoa(i)+" TCP ["+itoa(len(packets)-1)+"]")
			}
		}
		expect(t, packetsOf(packets...), want...)
	}
}

// TestTCPChangedCopy: of connections that were captured on both sides of what changes messages, in front of it and behind it, the first
// copy counts: it is not another message, and ends none that is on its way.
func TestTCPChangedCopy(t *testing.T) {
	change := strings.NewReplacer("SIP/2.0/TCP h;", "SIP/2.0/TCP g;")
	invite, bye := request("INVITE", "c1@h", 1500), request("BYE", "c2@h", 0)
	ok := strings.Replace(response("c1@h"), "CSeq", "X: "+strings.Repeat("y", 100)+"\r\nCSeq", 1)
	for _, midstream := range []bool{false, true} {
		there, here, packets := connection(flow4)
		if midstream {
			packets = []string{there.Send(bye)}
			here.Ack = there.Seq
			packets = append(packets, here.TCP(here.Seq, there.Seq, capgen.ACK, ""))
		}
		both := func(s *capgen.Stream, text string) {
			again := *s
			packets = append(packets, s.Send(text), again.Send(change.Replace(text)))
		}
		both(there, invite[:1000])
		here.Ack = there.Seq
		both(here, ok)
		there.Ack = here.Seq
		both(there, invite[1000:])
		both(there, bye)
		want := []string{"200 c1@h TCP [6]", "INVITE c1@h TCP [4 8]", "BYE c2@h TCP [10]"}
		if midstream {
			want = []string{"BYE c2@h TCP [1]", "200 c1@h TCP [5]", "INVITE c1@h TCP [3 7]", "BYE c2@h TCP [9]"}
		}
		expect(t, packetsOf(packets...), want...)
	}
	s := &capgen.Stream{Flow: flow4, Seq: 9} // no message begins in the other copy
	expect(t, packetsOf(s.Send(invite[:1000]), s.TCP(9, 0, capgen.ACK, strings.Repeat("Z", 1000)), s.Send(invite[1000:]), s.Send(bye)), "INVITE c1@h TCP [1 3]", "BYE c2@h TCP [4]")
}

// TestTCPTail: where the end of a connection, or who acknowledges, shows that octets of the last message were sent, they are missing in the capture.
func TestTCPTail(t *testing.T) {
	invite := request("INVITE", "c1@h", 300)
	there, _, packets := connection(flow4)
	packets = append(packets, there.Send(invite[:250]))
	expect(t, packetsOf(append(packets, there.FIN())...), "INVITE c1@h TCP [4] partial")
	there, here, packets := connection(flow4)
	packets = append(packets, there.Send(invite[:250]))
	there.Send(invite[250:])
	acked := here.TCP(here.Seq, there.Seq, capgen.ACK, "")
	expect(t, packetsOf(append(slices.Clone(packets), acked)...), "INVITE c1@h TCP [4] partial tcp-gap")
	expect(t, packetsOf(append(packets, there.FIN(), here.FIN())...), "INVITE c1@h TCP [4] partial tcp-gap")
}

// TestTCPStartAgain: the first segments of a stream from the middle, in any order, are sent again in any order.
func TestTCPStartAgain(t *testing.T) {
	invite, bye := request("INVITE", "c1@h", 300), request("BYE", "c3@h", 0)
	s := &capgen.Stream{Flow: flow4, Seq: 9}
	parts := []string{s.Send(invite[:250]), s.Send(invite[250:]), s.Send(bye)}
	permute(parts, func(first []string) {
		first = slices.Clone(first)
		permute(parts, func(again []string) {
			r := dissected(t, packetsOf(append(slices.Clone(first), again...)...))
			if slices.Sort(r.raw); !slices.Equal(r.raw, []string{bye, invite}) {
				t.Fatalf("%q", r.list)
			}
		})
	})
}

// TestTCPMidstreamShuffled: segments of a stream, the beginning of which was not captured, give each message once
// in whatever order they come, and as often as they come.
func TestTCPMidstreamShuffled(t *testing.T) {
	invite, bye := request("INVITE", "c1@h", 100), request("BYE", "c3@h", 0)
	all := "rest of something\r\n" + invite + bye
	for _, cuts := range [][]int{{19, 200, 270, len(all) - len(bye)}, {10, 100, 250, len(all) - 20}, {70, 90, 150, 290}} {
		s := &capgen.Stream{Flow: flow4, Seq: 0xffffff80}
		var parts []string
		for i, at := range append(cuts, len(all)) {
			parts = append(parts, s.Send(all[append([]int{0}, cuts...)[i]:at]))
		}
		s.Seq = 0xffffff80 + 15
		again := s.Send(all[15:280])
		permute(parts, func(order []string) {
			for n := range len(order) + 1 {
				packets := append(append(slices.Clone(order[:n]), again), order[n:]...)
				r := dissected(t, packetsOf(packets...))
				slices.Sort(r.raw)
				if !slices.Equal(r.raw, []string{bye, invite}) || r.d.Streams.Skipped != 19 || r.d.Streams.Midstream != 1 {
					t.Fatalf("cut at %v: %q, %d octets skipped, %d from the middle", cuts, r.list, r.d.Streams.Skipped, r.d.Streams.Midstream)
				}
			}
		})
	}
}

// permute calls f with every order of list.
func permute(list []string, f func([]string)) {
	var rest func(n int)
	rest = func(n int) {
		if n == len(list) {
			f(list)
			return
		}
		for i := n; i < len(list); i++ {
			list[n], list[i] = list[i], list[n]
			rest(n + 1)
			list[n], list[i] = list[i], list[n]
		}
	}
	rest(0)
}

// TestTCPLost: octets that the receiver acknowledged and the capture lacks are given up
// after a moment; the messages behind them are not held until the end, and come before what answers them.
func TestTCPLost(t *testing.T) {
	there, here, handshake := connection(flow4)
	packets := packetsOf(handshake...)
	add := func(after time.Duration, p string) {
		packets = append(packets, capgen.Packet{Time: capgen.Start.Add(after), Link: 101, Data: p})
	}
	there.Send(request("INVITE", "lost@h", 0))
	add(100*time.Millisecond, there.Send(request("BYE", "c1@h", 0)))
	here.Ack = there.Seq
	add(400*time.Millisecond, here.Send(response("c1@h")))
	add(500*time.Millisecond, there.Send(request("BYE", "c2@h", 0)))
	expect(t, packets, "BYE c1@h TCP [4]", "200 c1@h TCP [5]", "BYE c2@h TCP [6]")
}

// TestTCPLostSilent: nor are they held until something comes on that connection again.
func TestTCPLostSilent(t *testing.T) {
	there, here, handshake := connection(flow4)
	packets := packetsOf(handshake...)
	there.Send(request("INVITE", "lost@h", 0))
	packets = append(packets, at(100*time.Millisecond, packetsOf(there.Send(request("BYE", "c1@h", 0))))...)
	packets = append(packets, at(120*time.Millisecond, packetsOf(here.TCP(here.Seq, there.Seq, capgen.ACK, "")))...)
	packets = append(packets, at(300*time.Millisecond, packetsOf(flow4.UDP(request("OPTIONS", "u1@h", 0))))...)
	packets = append(packets, at(400*time.Millisecond, packetsOf(flow4.UDP(request("OPTIONS", "u2@h", 0))))...)
	expect(t, packets, "OPTIONS u1@h UDP [6]", "BYE c1@h TCP [4]", "OPTIONS u2@h UDP [7]")
}

// TestTCPLostEarly: nor where the acknowledgement was captured before them.
func TestTCPLostEarly(t *testing.T) {
	there, here, handshake := connection(flow4)
	packets := packetsOf(handshake...)
	there.Send(request("INVITE", "lost@h", 0))
	bye := there.Send(request("BYE", "c1@h", 0))
	packets = append(packets, packetsOf(here.TCP(here.Seq, there.Seq, capgen.ACK, ""), bye)...)
	packets = append(packets, at(300*time.Millisecond, packetsOf(flow4.UDP(request("OPTIONS", "u1@h", 0))))...)
	expect(t, packets, "BYE c1@h TCP [5]", "OPTIONS u1@h UDP [6]")
}

// TestTCPLostTwice: nor behind a second hole, where what was missing in the first one came late.
func TestTCPLostTwice(t *testing.T) {
	there, here, handshake := connection(flow4)
	packets := packetsOf(handshake...)
	late := there.Send(request("INVITE", "c1@h", 0))
	packets = append(packets, packetsOf(there.Send(request("CANCEL", "c1@h", 0)))...)
	there.Send(request("INFO", "lost@h", 0))
	packets = append(packets, at(100*time.Millisecond, packetsOf(here.TCP(here.Seq, there.Seq, capgen.ACK, ""), late))...)
	packets = append(packets, at(250*time.Millisecond, packetsOf(there.Send(request("BYE", "c2@h", 0))))...)
	for i, after := range []time.Duration{301, 600, 1000} {
		packets = append(packets, at(after*time.Millisecond, packetsOf(flow4.UDP(request("OPTIONS", "u"+itoa(i)+"@h", 0))))...)
	}
	expect(t, packets, "INVITE c1@h TCP [6] tcp-reordered", "CANCEL c1@h TCP [4] tcp-reordered", "OPTIONS u0@h UDP [8]", "BYE c2@h TCP [7]", "OPTIONS u1@h UDP [9]", "OPTIONS u2@h UDP [10]")
}

// TestTCPLostForeign: what waited behind a hole may say that the connection is of another protocol; the messages that come on it all the
// same are in the packets that they came in.
func TestTCPLostForeign(t *testing.T) {
	there, here, handshake := connection(odd)
	packets := packetsOf(handshake...)
	segments := there.SendAll(request("INVITE", "lost@h", 1000), 400)
	packets = append(packets, packetsOf(segments[1], segments[2], here.TCP(here.Seq, there.Seq, capgen.ACK, ""))...)
	packets = append(packets, at(300*time.Millisecond, packetsOf(flow4.UDP(request("OPTIONS", "u1@h", 0))))...)
	packets = append(packets, at(time.Second, packetsOf(there.SendAll(request("BYE", "c1@h", 1000), 500)...))...)
	packets = append(packets, at(2*time.Second, packetsOf(there.Send(request("BYE", "c2@h", 0))))...)
	expect(t, packets, "OPTIONS u1@h UDP [7]", "BYE c1@h TCP [8 9 10]", "BYE c2@h TCP [11]")
}

// TestTCPSilent: what lies behind a hole is read after ten seconds, though nothing more comes on its connection; behind each of
// several holes.
func TestTCPSilent(t *testing.T) {
	there, here, handshake := connection(flow4)
	packets := packetsOf(handshake...)
	there.Send(request("INVITE", "lost@h", 0))
	packets = append(packets, packetsOf(there.Send(request("BYE", "c1@h", 0)))...)
	here.Send("lost")
	packets = append(packets, packetsOf(here.Send(response("c1@h")))...)
	here.Send("lost")
	packets = append(packets, at(5*time.Second, packetsOf(here.Send(response("c2@h"))))...)
	for i, id := range []string{"9", "11", "14", "22"} {
		after := []time.Duration{9, 11, 14, 22}[i] * time.Second
		packets = append(packets, at(after, packetsOf(flow4.UDP(request("OPTIONS", id, 0))))...)
	}
	expect(t, packets, "OPTIONS 9 UDP [7]", "BYE c1@h TCP [4]", "200 c1@h TCP [5]", "OPTIONS 11 UDP [8]", "OPTIONS 14 UDP [9]",
		"200 c2@h TCP [6]", "OPTIONS 22 UDP [10]")
}

// TestTCPLostEnd: a connection that ended does not hold messages behind a hole until the
// end of the capture.
func TestTCPLostEnd(t *testing.T) {
	there, _, handshake := connection(flow4)
	there.Send("lost")
	packets := packetsOf(append(handshake, there.Send(request("BYE", "c1@h", 0)), there.FIN())...)
	later := at(time.Second, packetsOf(flow4.UDP(request("OPTIONS", "udp@h", 0))))
	expect(t, append(packets, later...), "BYE c1@h TCP [4]", "OPTIONS udp@h UDP [6]")
}

// TestTCPLostBoth: where octets are missing in both directions, as in a capture that was made of a single call on the connection of
// many, what asks comes before what answers it, whichever side that is, behind one hole or several, and whether the capture ends there.
func TestTCPLostBoth(t *testing.T) {
	for _, flow := range []capgen.Flow{flow4, flow4.Back()} {
		for _, holes := range []bool{false, true} {
			there, here, packets := connection(flow)
			there.Send("another call")
			here.Send("another call")
			for _, s := range []struct {
				from *capgen.Stream
				text string
			}{
				{there, request("INFO", "c1@h", 0)}, {here, response("c1@h")}, {here, request("BYE", "c1@h", 0)}, {there, response("c1@h")},
			} {
				if holes {
					s.from.Send("another call")
				}
				packets = append(packets, s.from.Send(s.text))
			}
			want := []string{"INFO c1@h TCP [4]", "200 c1@h TCP [5]", "BYE c1@h TCP [6]", "200 c1@h TCP [7]"}
			expect(t, packetsOf(packets...), want...)
			later := at(time.Minute, packetsOf(flow4.UDP(request("OPTIONS", "udp@h", 0))))
			expect(t, append(packetsOf(packets...), later...), append(want, "OPTIONS udp@h UDP [8]")...)
		}
	}
}

// TestTCPSnaplen: segments whose ends were cut off.
func TestTCPSnaplen(t *testing.T) {
	there, _, handshake := connection(flow4)
	invite := request("INVITE", "c1@h", 300)
	first := there.Send(invite)
	packets := packetsOf(append(handshake, first[:len(first)-50], there.Send(request("BYE", "c2@h", 0)))...)
	expect(t, packets, "INVITE c1@h TCP [4] partial packet-cut tcp-gap", "BYE c2@h TCP [5]")
	there, _, handshake = connection(flow4)
	first = there.Send(invite)
	again := packetsOf(append(handshake, first[:len(first)-50], first[:len(first)-50], there.Send(request("BYE", "c2@h", 0)), there.Send(invite))...)
	expect(t, again, "INVITE c1@h TCP [4] partial packet-cut tcp-gap", "BYE c2@h TCP [6]", "INVITE c1@h TCP [7]")
	for _, flow := range []capgen.Flow{flow4, odd} { // in its start line
		there, _, handshake = connection(flow)
		first, second := there.Send(invite), there.Send(invite)
		packets = packetsOf(append(handshake, first[:40+20], second[:40+20], there.Send(request("BYE", "c2@h", 0)))...)
		expect(t, packets, "INVITE  TCP [4] partial packet-cut tcp-gap", "INVITE  TCP [5] partial packet-cut tcp-gap", "BYE c2@h TCP [6]")
	}
}

// TestTCPFrames: octets that may begin a message, or anything else, and that no more is known of when the next ones are missing, do
// not move what comes behind them into other packets.
func TestTCPFrames(t *testing.T) {
	for _, flow := range []capgen.Flow{flow4, odd} {
		for _, begin := range []string{"O", "plain text", "PROXY TCP", "\x16\x03", "\x81", "\r\n\r\n\x00"} {
			there, here, packets := connection(flow)
			first := there.Send(begin)
			there.Send("lost")
			packets = append(packets, first, there.Send("\r\n"), there.Send(request("INVITE", "c1@h", 10)), there.Send(request("BYE", "c2@h", 10)))
			here.Ack = there.Seq
			ack := packetsOf(here.TCP(here.Seq, here.Ack, capgen.ACK, ""))
			expect(t, append(packetsOf(packets...), at(time.Minute, ack)...), "INVITE c1@h TCP [6]", "BYE c2@h TCP [7]")
		}
	}
}

// TestTCPCut: why octets of a message are missing at the end of a segment, and that they are not where that was there before.
func TestTCPCut(t *testing.T) {
	invite, bye := request("INVITE", "c1@h", 300), request("BYE", "c2@h", 0)
	there, _, handshake := connection(flow4)
	fragments := capgen.Fragment(there.Send(invite), 7, 400)
	packets := append(handshake, fragments[0], there.Send(bye), there.FIN())
	expect(t, append(packetsOf(packets...), at(2*time.Minute, packetsOf(flow4.UDP(bye)))...), "INVITE c1@h TCP [4] partial frag-incomplete tcp-reordered tcp-gap", "BYE c2@h TCP [5]", "BYE c2@h UDP [7]")

	there, _, handshake = connection(flow4)
	first := there.Send(invite)
	packets = append(handshake, first, first[:len(first)-50], there.Send(bye[:100]))
	there.Send(bye[100:])
	packets = append(packets, there.Send(bye), there.FIN())
	expect(t, packetsOf(packets...), "INVITE c1@h TCP [4]", "BYE  TCP [6] partial tcp-gap", "BYE c2@h TCP [7]")

	ask, answer := capgen.Upgrade(false)
	there, here, handshake := connection(odd)
	first = there.Send(ask)
	second := here.Send(answer)
	third := there.Send(frame(true, invite))
	packets = append(handshake, first, second, third[:len(third)-50], there.Send(frame(true, bye)))
	expect(t, packetsOf(packets...), "INVITE c1@h WS [6] partial packet-cut tcp-gap", "BYE c2@h WS [7]")
}

// TestTCPForeign: other protocols are none of ours, whatever they carry.
func TestTCPForeign(t *testing.T) {
	invite := request("INVITE", "c1@h", 10)
	log := "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n" + invite
	for _, c := range []struct {
		name string
		in   []string
	}{
		{"a log over HTTP", []string{log, invite}},
		{"a log sent with HTTP", []string{"POST /log HTTP/1.1\r\nHost: x\r\n\r\n" + invite, invite}},
		{"a page", []string{"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "something\r\n", invite}},
		{"a page asked for with a log", []string{"GET / HTTP/1.1\r\nContent-Length: 999\r\n\r\n", invite}},
		{"a log sent behind a page", []string{"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "POST /log HTTP/1.1\r\nHost: x\r\n\r\n", invite}},
		{"RTSP", []string{"OPTIONS rtsp://h/ RTSP/1.0\r\nCSeq: 1\r\n\r\n", "ANNOUNCE rtsp://h/ RTSP/1.0\r\n\r\n" + invite}},
		{"MSRP", []string{"MSRP abc SEND\r\nTo-Path: msrp://h\r\n\r\n" + invite, invite}},
		{"ICY", []string{"ICY 200 OK\r\n\r\n", invite}},
		{"TLS", []string{"\x17\x03\x03\x01\x00" + invite, invite}},
	} {
		for _, port := range []string{"80", "5060"} {
			t.Run(c.name+"/"+port, func(t *testing.T) {
				there, _, packets := connection(capgen.NewFlow("192.0.2.1:40000", "192.0.2.2:"+port))
				for _, b := range c.in {
					packets = append(packets, there.Send(b))
				}
				expect(t, packetsOf(packets...))
				there, _, packets = connection(capgen.NewFlow("192.0.2.1:40000", "192.0.2.2:"+port))
				for _, b := range c.in {
					packets = append(packets, there.SendAll(b, 1)...)
				}
				expect(t, packetsOf(packets...))
			})
		}
	}
	t.Run("SIP behind what waited with it", func(t *testing.T) {
		there, here, first := connection(odd)
		other := strings.Repeat("q", 600)
		there.Send(other)
		first = append(first, there.Send(other))
		there.Send(other)
		rest := []string{there.Send(invite[:100]), there.Send(invite[100:])}
		here.Ack = there.Seq
		rest = append(rest, here.TCP(here.Seq, here.Ack, capgen.ACK, ""))
		expect(t, append(packetsOf(first...), at(250*time.Millisecond, packetsOf(rest...))...), "INVITE c1@h TCP [5 6]")
	})
	t.Run("SIP that overtook what is none", func(t *testing.T) {
		there, _, packets := connection(odd)
		other := there.Send(strings.Repeat("q", 600))
		packets = append(packets, there.Send(invite[:100]), other, there.Send(invite[100:]))
		expect(t, packetsOf(packets...), "INVITE c1@h TCP [4 6] tcp-reordered")
	})
	t.Run("what is none the other way, where SIP waits", func(t *testing.T) {
		there, here, packets := connection(odd)
		there.Send("lost")
		packets = append(packets, there.Send(strings.Repeat("q", 300)+invite), here.Send(strings.Repeat("q", 600)))
		notify := request("NOTIFY", "c2@h", 0)
		packets = append(packets, here.Send(notify[:100]), here.Send(notify[100:]), here.Send(request("BYE", "c3@h", 10)))
		expect(t, packetsOf(packets...), "INVITE c1@h TCP [4]", "NOTIFY c2@h TCP [6 7]", "BYE c3@h TCP [8]")
	})
	t.Run("SIP that waits, of which a segment comes later", func(t *testing.T) {
		there, here, packets := connection(odd)
		there.Send("lost")
		packets = append(packets, there.Send(strings.Repeat("q", 300)+invite[:100]))
		late := there.Send(invite[100:150])
		packets = append(packets, there.Send(invite[150:]), here.Send(strings.Repeat("q", 600)), late)
		expect(t, packetsOf(packets...), "INVITE c1@h TCP [4 5 7] tcp-reordered")
	})
	t.Run("the ports are used again for SIP", func(t *testing.T) {
		there, _, packets := connection(odd)
		packets = append(packets, there.Send("GET / HTTP/1.1\r\n\r\n"))
		there, _, again := connection(odd)
		again[0] = capgen.Flow.TCP(odd, 77, 0, capgen.SYN, "")
		there.Seq = 78
		packets = append(append(packets, again[0]), there.Send("\x01\x02 something\r\n"), there.Send(invite))
		expect(t, packetsOf(packets...), "INVITE c1@h TCP [7]")
	})
	t.Run("a start line in something else", func(t *testing.T) {
		there, _, packets := connection(odd)
		packets = append(packets, there.Send("\x01\x02 something\r\n"), there.Send("INVITE sip:b@h SIP/2.0\r\nfoo: bar\r\n\r\n"))
		expect(t, packetsOf(packets...))
	})
	t.Run("the look of a WebSocket frame", func(t *testing.T) {
		there, _, packets := connection(flow4)
		in := "\x02\r\n" + response("c1@h") // thirteen octets, if it was one
		expect(t, packetsOf(append(packets, there.Send(in))...), "200 c1@h TCP [4]")
		there, _, packets = connection(flow4)
		expect(t, packetsOf(append(packets, there.SendAll(in, 9)...)...), "200 c1@h TCP "+frames(4, (len(in)+8)/9))
	})
	t.Run("a start line in the look of a WebSocket frame, and no header field", func(t *testing.T) {
		in := "\x01Ip  SiP/7.0\r\nV\x00"
		for n := 1; n <= len(in); n++ {
			there, _, packets := connection(flow4)
			expect(t, packetsOf(append(packets, there.SendAll(in, n)...)...), "p  WS "+frames(4, (len(in)+n-1)/n)+" partial")
		}
	})
	for _, c := range []struct {
		name, ask string
		both      bool // what the one who asked sends next may be SIP
	}{
		{"GET", "GET / HTTP/1.1\r\nHost: x\r\n\r\n", true},
		{"POST", "POST /log HTTP/1.1\r\nHost: x\r\n\r\n", false},
		{"OPTIONS", "OPTIONS / HTTP/1.0\r\n\r\n", false},
		{"RTSP", "OPTIONS rtsp://h/ RTSP/1.0\r\nCSeq: 1\r\n\r\n", false},
		{"TLS", "\x16\x03\x01\x00\x05hello", false},
		{"an upgrade", "GET / HTTP/1.1\r\nUpgrade: websocket\r\n\r\n", true},
	} {
		t.Run("an answer of SIP to "+c.name, func(t *testing.T) {
			for _, flow := range []capgen.Flow{flow4, odd} {
				for _, size := range []int{1000, 30, 12} {
					there, here, packets := connection(flow)
					packets = append(packets, there.SendAll(c.ask, size)...)
					answer, next := here.SendAll(response("c1@h"), size), there.SendAll(invite, size)
					want := []string{"200 c1@h TCP " + frames(len(packets)+1, len(answer))}
					if packets = append(packets, answer...); c.both {
						want = append(want, "INVITE c1@h TCP "+frames(len(packets)+1, len(next)))
					}
					expect(t, packetsOf(append(packets, next...)...), want...)
				}
			}
		})
	}
	t.Run("an answer of HTTP with a status line of SIP in front", func(t *testing.T) {
		there, here, packets := connection(odd)
		packets = append(packets, there.Send("GET / HTTP/1.1\r\n\r\n"), here.Send("SIP/2.0 200 ok\r\nHTTP/1.1 200 ok\r\n\r\n"))
		if d := expect(t, packetsOf(packets...)); d.Streams.Skipped != 0 {
			t.Errorf("%d octets skipped", d.Streams.Skipped)
		}
	})
	t.Run("behind CONNECT", func(t *testing.T) {
		there, here, packets := connection(odd)
		packets = append(packets, there.Send("CONNECT h:5060 HTTP/1.1\r\n\r\n"), here.Send("HTTP/1.1 200 OK\r\n\r\n"), there.Send(invite))
		expect(t, packetsOf(packets...), "INVITE c1@h TCP [6]")
	})
	for name, header := range map[string]string{
		"PROXY":                     "PROXY TCP4 192.0.2.9 192.0.2.2 4000 5060\r\n",
		"PROXY, nothing known":      "PROXY UNKNOWN\r\n",
		"PROXY of version 2":        "\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x14\xc0\x00\x02\x09\xc0\x00\x02\x02\x0f\xa0\x13\xc4\x04\x00\x05hello",
		"PROXY of version 2, local": "\r\n\r\n\x00\r\nQUIT\n\x20\x00\x00\x00",
	} {
		t.Run("behind "+name, func(t *testing.T) {
			for _, flow := range []capgen.Flow{flow4, odd} {
				for n := 5; n <= len(header)+50; n++ { // a keepalive comes in a segment of its own
					there, here, packets := connection(flow)
					packets = append(packets, there.Send((header + invite)[:n]), there.Send((header + invite)[n:]), there.Send(invite), here.Send(response("c1@h")))
					want := "INVITE c1@h TCP [4 5]"
					if n <= len(header) {
						want = "INVITE c1@h TCP [5]"
					}
					expect(t, packetsOf(packets...), want, "INVITE c1@h TCP [6]", "200 c1@h TCP [7]")
				}
				there, _, packets := connection(flow)
				packets = append(packets, there.Send(header+header+invite))
				expect(t, packetsOf(packets...), "INVITE c1@h TCP [4]")
			}
		})
	}
}

// TestTCPLimit: with more connections than the table holds the one that was quiet for
// longest is given up, and that is counted.
func TestTCPLimit(t *testing.T) {
	const n = 1<<16 + 10
	var packets []capgen.Packet
	first := capgen.Stream{Flow: flow4, Seq: 1}
	invite := request("INVITE", "c1@h", 0)
	packets = append(packets, packetsOf(first.Send(invite[:150]))...)
	for i := range n {
		f := capgen.NewFlow("192.0.2.1:40000", "198.18.0.1:5060")
		f.Dst = capgen.NewFlow("192.0.2.1:1", "198.18."+itoa(i>>8&255)+"."+itoa(i&255)+":"+itoa(5060+i>>16)).Dst
		packets = append(packets, packetsOf(f.TCP(1, 1, capgen.ACK, "OPTIONS "))...)
	}
	packets = append(packets, packetsOf(first.Send(invite[50:]))...)
	d := expect(t, packets, "INVITE c1@h TCP [1] partial")
	if d.Streams.Evicted != 12 {
		t.Errorf("%d given up", d.Streams.Evicted)
	}
}
