package analysis_test

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/capture"
	"github.com/sipsight/sipsight/internal/capgen"
)

// callMessages are the messages of one call; odd ones come from the callee.
func callMessages(n int) (list []string) {
	sdp := "v=0\r\no=- 574796643 1 IN IP4 10.16.0.146\r\ns=-\r\nc=IN IP4 10.16.0.146\r\nt=0 0\r\nm=audio 18160 RTP/AVP 8 0 101\r\n" +
		"a=rtpmap:8 PCMA/8000\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\na=sendrecv\r\n"
	add := func(start, cseq, body string) {
		b := start + "\r\nVia: SIP/2.0/UDP 10.16.0.146:20959;branch=z9hG4bK80c8a7f430de8f;rport\r\n"
		if !strings.HasPrefix(start, "SIP") {
			b += "Max-Forwards: 69\r\n"
		}
		b += "From: \"Anna Schmidt\" <sip:493397936630@example.net>;tag=a852a0f4\r\nTo: <sip:442156645301@example.net;user=phone>;tag=84287f14\r\n" +
			fmt.Sprintf("Call-ID: 890acd8dd443c47cbda9bcb3d46b%04x@10.16.0.146\r\nCSeq: %s\r\n", n, cseq) +
			"Contact: <sip:493397936630@10.16.0.146:20959;transport=udp;ob>\r\nUser-Agent: Phone/8.1.0\r\n" +
			"Allow: INVITE, ACK, BYE, CANCEL, OPTIONS, INFO, MESSAGE, SUBSCRIBE, NOTIFY, PRACK, UPDATE, REFER\r\nSupported: replaces, 100rel, timer\r\n"
		if body != "" {
			b += "Content-Type: application/sdp\r\n"
		}
		list = append(list, b+fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(body), body))
	}
	add("INVITE sip:442156645301@example.net SIP/2.0", "1 INVITE", sdp)
	add("SIP/2.0 180 Ringing", "1 INVITE", "")
	add("SIP/2.0 200 OK", "1 INVITE", sdp)
	add("ACK sip:442156645301@10.16.0.9 SIP/2.0", "1 ACK", "")
	add("BYE sip:442156645301@10.16.0.9 SIP/2.0", "2 BYE", "")
	add("SIP/2.0 200 OK", "2 BYE", "")
	return list
}

// benchCaptures are captures of calls, the messages of hundred Call-IDs over and over, by
// what carries them.
var benchCaptures = []struct {
	name  string
	build func(calls int) []byte
}{
	{"udp", func(calls int) []byte {
		out, back := capgen.NewFlow("10.16.0.146:20959", "10.16.0.9:5060"), capgen.NewFlow("10.16.0.9:5060", "10.16.0.146:20959")
		return benchPcap(calls, func(i int, m string, add func(string)) {
			f := out
			if strings.HasPrefix(m, "SIP") {
				f = back
			}
			f.ID = uint16(i)
			add(f.UDP(m))
		})
	}},
	{"tcp", func(calls int) []byte {
		s := capgen.Stream{Flow: capgen.NewFlow("10.16.0.146:20959", "10.16.0.9:5060"), Seq: 1}
		first := true
		return benchPcap(calls, func(i int, m string, add func(string)) {
			if first {
				add(s.SYN())
				first = false
			}
			if i%4 == 0 { // every fourth is cut in two
				for _, p := range s.SendAll(m, 400) {
					add(p)
				}
				return
			}
			add(s.Send(m))
		})
	}},
	{"rtp", func(calls int) []byte {
		sip, f := capgen.NewFlow("10.16.0.146:20959", "10.16.0.9:5060"), capgen.NewFlow("10.16.0.146:18160", "10.16.0.9:20000")
		return benchPcap(calls, func(i int, m string, add func(string)) {
			sip.ID = uint16(i)
			add(sip.UDP(m))
			for range 99 {
				add(f.UDP("\x80\x08\x12\x34\x00\x00\x00\xa0\xde\xad\xbe\xef" + strings.Repeat("\xd5", 160)))
			}
		})
	}},
}

// benchPcap is a capture of what add is given, a packet each 100 µs.
func benchPcap(calls int, packets func(i int, m string, add func(string))) []byte {
	b := capgen.Pcap([]capgen.Packet{{Time: capgen.Start, Link: 1, Data: "\x02\x00\x00\x00\x00\x01\x02\x00\x00\x00\x00\x02\x08\x06"}})
	now, i := capgen.Start, 0
	for call := range calls {
		for _, m := range callMessages(call % 100) {
			packets(i, m, func(ip string) {
				now = now.Add(100 * time.Microsecond)
				b = capgen.AppendRecord(b, capgen.Packet{Time: now, Link: 1, Data: capgen.Ether(ip)})
			})
			i++
		}
	}
	return b
}

// readAll reads a capture and returns what it held.
func readAll(t testing.TB, b []byte) *analysis.Result {
	r, err := capture.NewReader(context.Background(), bytes.NewReader(b), capture.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	res, err := analysis.Run(context.Background(), r, analysis.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return res
}

func BenchmarkAnalyze(b *testing.B) {
	for _, c := range benchCaptures {
		b.Run(c.name+"-1k-calls", func(b *testing.B) {
			in := c.build(1000)
			b.SetBytes(int64(len(in)))
			b.ReportAllocs()
			var res *analysis.Result
			for b.Loop() {
				res = readAll(b, in)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(res.Packets), "ns/packet")
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(res.Statistics.Messages), "ns/message")
		})
	}
}

// TestSteadyState: once the tables have their size, neither a packet nor a message
// allocates anything. What a capture costs beyond one of half its length is nothing.
func TestSteadyState(t *testing.T) {
	for _, c := range benchCaptures {
		t.Run(c.name, func(t *testing.T) {
			calls := 4000 // more messages than are remembered for telling copies
			if c.name == "rtp" {
				calls = 100
			}
			half, whole := c.build(calls), c.build(2*calls)
			if res := readAll(t, whole); res.Statistics.Messages != int64(12*calls) || len(res.Statistics.CallIDs) != 100 {
				t.Fatalf("%d messages, %d Call-IDs", res.Statistics.Messages, len(res.Statistics.CallIDs))
			}
			short := testing.AllocsPerRun(1, func() { readAll(t, half) })
			long := testing.AllocsPerRun(1, func() { readAll(t, whole) })
			if long > short+10 {
				t.Errorf("%v allocations, %v for half of it", long, short)
			}
		})
	}
}
