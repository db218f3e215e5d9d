package analysis_test

import (
	"context"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/capture"
	"github.com/sipsight/sipsight/internal/capgen"
)

// A stream is a pcap file that is made as it is read.
type stream struct {
	n    int // packets
	make func(i int) capgen.Packet
	i    int
	buf  []byte
}

func newStream(n int, packet func(i int) capgen.Packet) *stream {
	return &stream{n: n, make: packet, buf: capgen.Pcap([]capgen.Packet{{Link: 1}})[:24]}
}

func (s *stream) Read(b []byte) (int, error) {
	for len(s.buf) < len(b) && s.i < s.n {
		s.buf = capgen.AppendRecord(s.buf, s.make(s.i))
		s.i++
	}
	if len(s.buf) == 0 {
		return 0, io.EOF
	}
	n := copy(b, s.buf)
	s.buf = append(s.buf[:0], s.buf[n:]...)
	return n, nil
}

// TestLarge reads captures of hundreds of thousands of packets, which are made as they are
// read, and knows to the last message what they hold. No limit is met, or it would be named.
// SIPSIGHT_LARGE makes them five times as large.
func TestLarge(t *testing.T) {
	calls, packets := 5_000, 100_000
	if os.Getenv("SIPSIGHT_LARGE") != "" {
		calls, packets = 25_000, 500_000
	}
	flow := capgen.NewFlow("192.0.2.1:5060", "192.0.2.2:5060")
	rtp := capgen.Ether(capgen.NewFlow("192.0.2.3:20000", "192.0.2.4:30000").UDP("\x80\x08" + strings.Repeat("\x55", 170)))
	message := func(start, callID, cseq string) string {
		return start + "\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK" + callID + "\r\nFrom: <sip:a@h>;tag=" + callID[:8] +
			"\r\nTo: <sip:b@h>;tag=b\r\nCall-ID: " + callID + "\r\nCSeq: " + cseq + "\r\nContent-Length: 0\r\n\r\n"
	}
	packet := func(i int, data string) capgen.Packet {
		return capgen.Packet{Time: capgen.Start.Add(time.Duration(i) * 700 * time.Microsecond), Link: 1, Data: data}
	}
	for _, c := range []struct {
		name     string
		n        int
		make     func(i int) capgen.Packet
		messages int
		callIDs  int
		calls    int
		methods  map[string]int
		statuses map[int]int
	}{
		{"calls", 3 * calls, func(i int) capgen.Packet {
			id := fmt.Sprintf("call%05d@h", i/3)
			switch i % 3 {
			case 0:
				return packet(i, capgen.Ether(flow.UDP(message("INVITE sip:b@h SIP/2.0", id, "1 INVITE"))))
			case 1:
				return packet(i, capgen.Ether(flow.Back().UDP(message("SIP/2.0 486 Busy Here", id, "1 INVITE"))))
			}
			return packet(i, capgen.Ether(flow.UDP(message("ACK sip:b@h SIP/2.0", id, "1 ACK"))))
		}, 3 * calls, calls, calls, map[string]int{"INVITE": calls, "ACK": calls}, map[int]int{486: calls}},
		{"media", packets, func(i int) capgen.Packet {
			id := fmt.Sprintf("opt%05d@h", i/200)
			switch i % 200 {
			case 0:
				return packet(i, capgen.Ether(flow.UDP(message("OPTIONS sip:b@h SIP/2.0", id, "1 OPTIONS"))))
			case 100:
				return packet(i, capgen.Ether(flow.Back().UDP(message("SIP/2.0 200 OK", id, "1 OPTIONS"))))
			}
			return packet(i, rtp)
		}, packets / 100, packets / 200, 0, map[string]int{"OPTIONS": packets / 200}, map[int]int{200: packets / 200}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, err := capture.NewReader(context.Background(), newStream(c.n, c.make), capture.Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			seen := 0
			var most int64
			before := inUse()
			res, err := analysis.Run(context.Background(), r, analysis.Options{Calls: true, Message: func(m *analysis.Message) error {
				if seen++; seen%5000 == 0 {
					most = max(most, inUse()-before)
				}
				return nil
			}})
			if err != nil {
				t.Fatal(err)
			}
			s := &res.Statistics
			if res.Packets != int64(c.n) || s.Messages != int64(c.messages) || seen != c.messages || len(s.CallIDs) != c.callIDs {
				t.Errorf("%d packets, %d messages, %d given out, %d Call-IDs; want %d, %d and %d", res.Packets, s.Messages, seen, len(s.CallIDs), c.n, c.messages, c.callIDs)
			}
			if fmt.Sprint(s.Methods) != fmt.Sprint(c.methods) || fmt.Sprint(s.Statuses) != fmt.Sprint(c.statuses) {
				t.Errorf("%v and %v, want %v and %v", s.Methods, s.Statuses, c.methods, c.statuses)
			}
			if res.Calls.Len() != c.calls || len(res.Exceeded) > 0 {
				t.Errorf("%d calls, want %d; exceeded %q", res.Calls.Len(), c.calls, res.Exceeded)
			}
			if len(s.Limits) > 0 || !res.Complete() {
				t.Errorf("limits %q, complete %t", s.Limits, res.Complete())
			}
			for _, n := range res.Files[0].Notes {
				if strings.Contains(n.ID, "limit") {
					t.Errorf("the note %s", n.ID)
				}
			}
			if most > 8<<20+int64(c.calls)*1536 { // a call stays open for a minute, and all of them begin in less
				t.Errorf("%d MB of memory", most>>20)
			}
			t.Logf("%d MB of memory at most", most>>20)
		})
	}
}

// inUse returns how many octets are in use, garbage left out.
func inUse() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
