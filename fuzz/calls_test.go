package fuzz

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/capture"
	"github.com/sipsight/sipsight/findings"
	"github.com/sipsight/sipsight/internal/capgen"
	"github.com/sipsight/sipsight/internal/report"
)

// ladder makes a capture of octets, five for each message: what it is, of which Call-ID, its
// tags, its number and branch, and between whom it goes at which time. That gets deeper into
// what calls are made of than octets that would first have to be SIP.
func ladder(script []byte) []byte {
	kinds := []string{
		"INVITE", "ACK", "BYE", "CANCEL", "PRACK", "UPDATE", "REFER", "NOTIFY", "REGISTER", "OPTIONS", "SUBSCRIBE", "INFO",
		"100", "180", "183", "200", "200", "302", "401", "407", "481", "486", "487", "603",
	}
	ids := []string{"0123456789ab@h", "0123456789ab@h-b2b_1", "x-0123456789ab@h", "c", "d", ""}
	tags := []string{"", "a", "b", "a0000001", "SD-a0000001"}
	hosts := []netip.AddrPort{
		netip.MustParseAddrPort("10.0.0.1:5060"), netip.MustParseAddrPort("10.0.0.1:5070"), netip.MustParseAddrPort("10.0.0.2:5060"), netip.MustParseAddrPort("10.0.0.9:5060"),
	}
	var packets []capgen.Packet
	now := capgen.Start
	for ; len(script) >= 5 && len(packets) < 200; script = script[5:] {
		kind, id := kinds[int(script[0])%len(kinds)], ids[int(script[1])%len(ids)]
		from, to := tags[int(script[2]&15)%len(tags)], tags[int(script[2]>>4)%len(tags)]
		cseq, branch := script[3]&3+1, script[3]>>2&7
		src, dst := hosts[script[4]&3], hosts[script[4]>>2&3]
		switch script[4] >> 4 & 7 {
		case 6:
			now = now.Add(40 * time.Second)
		case 7:
			now = now.Add(-time.Second)
		default:
			now = now.Add(time.Duration(script[4]>>4&7) * 100 * time.Millisecond)
		}
		method := kind
		start := kind + " sip:+4930123456@10.0.0.9 SIP/2.0"
		if kind[0] <= '9' {
			method = []string{"INVITE", "INVITE", "INVITE", "BYE", "CANCEL", "REGISTER", "PRACK", "REFER"}[script[3]>>5]
			start = "SIP/2.0 " + kind + " Status"
		}
		m := fmt.Sprintf("%s\r\nVia: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bK%d\r\nFrom: <sip:1001@h>;tag=%s\r\nTo: <sip:+4930123456@h>;tag=%s\r\nCall-ID: %s\r\nCSeq: %d %s\r\n",
			start, branch, from, to, id, cseq, method)
		if script[0]&32 != 0 {
			m += "Contact: <sip:1001@10.0.0.2>;expires=60\r\nRefer-To: <sip:1002@h>\r\nX-Call-ID: c\r\nReplaces: d;to-tag=a\r\n"
		}
		if script[0]&64 != 0 {
			body := "v=0\r\no=- 123456789 1 IN IP4 10.0.0.1\r\ns=-\r\nc=IN IP4 10.0.0.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n"
			m += fmt.Sprintf("Content-Type: application/sdp\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
		} else {
			m += "Content-Length: 0\r\n\r\n"
		}
		packets = append(packets, capgen.Packet{Time: now, Link: 1, Data: capgen.Ether(capgen.Flow{Src: src, Dst: dst}.UDP(m))})
	}
	return capgen.Pcap(packets)
}

// calls tells all about the calls and registrations of a capture, and holds them to their
// laws.
func calls(t *testing.T, pcap []byte) []byte {
	t.Helper()
	r, err := capture.NewReader(context.Background(), bytes.NewReader(pcap), capture.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	c := findings.New()
	res, err := analysis.Run(context.Background(), r, c.Options(analysis.Options{Calls: true, Steps: true}))
	if err != nil {
		t.Fatal(err)
	}
	found := c.Finish(res)
	var out []byte
	legs := map[*analysis.Leg]bool{}
	messages := int64(0)
	for i := range res.Calls.Len() {
		call := res.Calls.At(i)
		if call.ID != i+1 || len(call.Legs) == 0 {
			t.Fatalf("call %d has the number %d and %d legs", i+1, call.ID, len(call.Legs))
		}
		for k, l := range call.Legs {
			switch {
			case legs[l]:
				t.Fatalf("%s is in two calls", l.CallID)
			case l.CallNumber() != call.ID:
				t.Fatalf("%s is in call %d and says %d", l.CallID, call.ID, l.CallNumber())
			case (k == 0) != (l.Joins == nil):
				t.Fatalf("leg %d of call %d: %v", k+1, call.ID, l.Joins)
			case l.IsAnswered() && l.ByBye != (l.State == analysis.StateCompleted) || l.State == analysis.StateCompleted && l.Ended.IsZero():
				t.Fatalf("%s is %v: ended by a BYE %v, at %v", l.CallID, l.State, l.ByBye, l.Ended)
			case len(l.Steps) > l.Messages || l.Retransmissions >= l.Messages:
				t.Fatalf("%s: %d messages, %d steps, %d sent again", l.CallID, l.Messages, len(l.Steps), l.Retransmissions)
			}
			for _, j := range l.Joins {
				if j.Score < 100 || len(j.Reason) == 0 {
					t.Fatalf("%s: joined for %v", l.CallID, j)
				}
			}
			legs[l] = true
			messages += int64(l.Messages)
		}
		out = append(report.AppendCallJSON(out, &report.Options{}, call, found), '\n')
		out = report.AppendCallText(out, call, &report.Options{}, found, 80)
	}
	if messages > res.Statistics.Messages {
		t.Fatalf("%d messages of calls, of %d", messages, res.Statistics.Messages)
	}
	for g := range res.Registrations.All() {
		if g.Challenges+g.Accepted > g.Attempts || len(g.Contacts) > 0 && g.Accepted == 0 {
			t.Fatalf("registration %+v", g)
		}
		out = append(report.Registrations.AppendJSON(out, &report.Options{}, g, false), '\n')
	}
	out = report.AppendSummaryText(out, res, found, &report.Options{})
	if !utf8.Valid(out) {
		t.Fatal("output is not UTF-8")
	}
	return out
}

// FuzzCalls: whatever goes between whom in whatever order, each leg is in one call, each
// further one is there for a reason, and a second run says the same.
func FuzzCalls(f *testing.F) {
	f.Add([]byte{0, 0, 1, 0, 0x08, 13, 0, 0x21, 0, 0x12, 15, 0, 0x21, 0, 0x12, 1, 0, 0x21, 4, 0x18, 2, 0, 0x21, 9, 0x68})
	f.Add([]byte{12, 1, 1, 0, 0x1e, 64, 0, 1, 0, 0x0c, 64, 1, 1, 0, 0x0e, 21, 1, 0x21, 0, 0x0b})
	f.Add([]byte{12, 1, 1, 0, 0x08, 0, 0, 1, 0, 0x0c, 0, 1, 1, 0, 0x02})
	f.Add([]byte{40, 3, 1, 0, 0x0c, 15, 3, 0x21, 0xa0, 0x03, 40, 3, 1, 1, 0x6c, 18, 3, 0x21, 0xa1, 0x03})
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 20 {
		script := make([]byte, 5*200)
		for i := range script {
			script[i] = byte(rnd.Uint32())
		}
		f.Add(script)
	}
	f.Fuzz(func(t *testing.T, script []byte) {
		pcap := ladder(script)
		if one, two := calls(t, pcap), calls(t, pcap); !bytes.Equal(one, two) {
			t.Fatalf("two runs differ:\n%s\n%s", one, two)
		}
	})
}
