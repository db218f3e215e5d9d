package findings_test

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/findings"
	"github.com/sipsight/sipsight/internal/capgen"
)

// TestCutMessages: whatever the snap length of a capture is, no finding rests on a message that it cut. A length of no octet of
// SIP is too small, and one that is larger than any message cuts none.
func TestCutMessages(t *testing.T) {
	t.Parallel()
	cut, rested := 0, 0
	for _, s := range fewer(slices.Concat(samples(t, "*.txt"), samplesOf(t, "*.txt", capgen.Ladder{TCP: true}))) {
		if len(s.packets) > 400 {
			continue
		}
		for _, length := range []int{180, 300, 420, 560} {
			packets := slices.Clone(s.packets)
			isCut := map[int64]bool{}
			for _, i := range s.sip {
				if p := &packets[i]; len(p.Data)-p.Cut > length {
					p.Cut = len(p.Data) - length
					isCut[int64(i+1)] = true
				}
			}
			cut += len(isCut)
			list, _ := told(t, packets)
			for _, f := range list {
				if f.ID == "capture-quality" || f.ID == "udp-too-big" { // of fragments, that are no messages
					continue
				}
				rested += len(f.Frames)
				if slices.ContainsFunc(f.Frames, func(x analysis.Frame) bool { return isCut[x.Number] && !quotes(&packets[x.Number-1]) }) {
					t.Errorf("%s, of %d octets a packet: %s %v rests on a message that is cut: %s", s.name, length, f.ID, f.Frames, f.Observed)
				}
			}
		}
	}
	least := 1000
	if testing.Short() { // of a part of the ladders
		least /= 2
	}
	if cut < least || rested < least {
		t.Errorf("%d messages were cut, %d frames prove something", cut, rested)
	}
}

// quotes reports whether a packet is an ICMP error, which quotes a message and is none.
func quotes(p *capgen.Packet) bool { return p.Data[23] == 1 }

// TestCutSegments: nor on one that came in a segment whose later IP fragments are missing.
func TestCutSegments(t *testing.T) {
	for _, size := range []int{1480, 240} {
		packets := slices.Clone(samplesOf(t, "request-timeout-tcp.txt", capgen.Ladder{TCP: true})[0].packets)
		i := slices.IndexFunc(packets, func(p capgen.Packet) bool { return strings.Contains(p.Data, "INFO sip:") })
		packets[i].Data = packets[i].Data[:14] + capgen.Fragment(packets[i].Data[14:], 1, size)[0]
		if _, rules := told(t, packets); rules["request-timeout"] != (size == 1480) {
			t.Errorf("in fragments of %d octets: %v", size, rules)
		}
	}
}

// TestResetBehindTorn: the reset behind a request whose last segment is not in the capture proves that the connection broke; the request proves
// nothing. What came back may be read first.
func TestResetBehindTorn(t *testing.T) {
	caller, callee := netip.MustParseAddrPort("10.0.0.1:5060"), netip.MustParseAddrPort("10.0.0.2:5060")
	for _, method := range []string{"INVITE", "REGISTER"} {
		there := &capgen.Stream{Flow: capgen.Flow{Src: caller, Dst: callee}, Seq: 1000}
		back := &capgen.Stream{Flow: capgen.Flow{Src: callee, Dst: caller}, Seq: 5000}
		fields := "Via: SIP/2.0/TCP 10.0.0.1;branch=z9hG4bK1\r\nFrom: <sip:a@example.com>;tag=1\r\nTo: <sip:a@example.com>\r\nCall-ID: torn\r\nCSeq: 1 " + method + "\r\n"
		first := capgen.Ether(there.Send(method + " sip:b@example.com SIP/2.0\r\n" + fields + "Max-Forwards: 70\r\nContent-Length: 100\r\n\r\nv=0\r\n"))
		there.Send(strings.Repeat("x", 95)) // not captured
		back.Ack = there.Seq
		trying := capgen.Ether(back.Send("SIP/2.0 100 Trying\r\n" + fields + "Content-Length: 0\r\n\r\n"))
		reset := capgen.Ether(back.TCP(back.Seq, back.Ack, capgen.RST|capgen.ACK, ""))
		var packets []capgen.Packet
		for i, data := range []string{first, trying, reset} {
			packets = append(packets, capgen.Packet{Time: capgen.Start.Add(time.Duration(i) * time.Second), Link: 1, Data: data})
		}
		list, _ := told(t, packets)
		i := slices.IndexFunc(list, func(f *findings.Finding) bool { return f.ID == "transport-error" })
		if i < 0 {
			t.Errorf("%s: nothing is told of the reset", method)
			continue
		}
		if f := list[i]; f.Severity != findings.Error || f.Confidence != findings.Likely || len(f.Frames) != 1 || f.Frames[0].Number != 3 || !strings.Contains(f.Observed, "while "+method+" had") {
			t.Errorf("%s: %s, %s, %v: %s", method, f.Severity, f.Confidence, f.Frames, f.Observed)
		}
	}
}

// TestResetBehindUnseen: a reset that stands behind octets of its sender which are not in the capture proves no silence: the response may be
// among them, whether the request is whole or not.
func TestResetBehindUnseen(t *testing.T) {
	caller, callee := netip.MustParseAddrPort("10.0.0.1:5060"), netip.MustParseAddrPort("10.0.0.2:5060")
	fields := "Via: SIP/2.0/TCP 10.0.0.1;branch=z9hG4bK1\r\nFrom: <sip:a@example.com>;tag=1\r\nTo: <sip:b@example.com>\r\nCall-ID: unseen\r\nCSeq: 1 OPTIONS\r\n"
	for _, unseen := range []bool{false, true} {
		for _, torn := range []bool{false, true} {
			there := &capgen.Stream{Flow: capgen.Flow{Src: caller, Dst: callee}, Seq: 1000}
			back := &capgen.Stream{Flow: capgen.Flow{Src: callee, Dst: caller}, Seq: 5000}
			data := []string{there.Send("OPTIONS sip:b@example.com SIP/2.0\r\n" + fields + "Max-Forwards: 70\r\nContent-Length: 100\r\n\r\nv=0\r\n")}
			rest := there.Send(strings.Repeat("x", 95))
			if back.Ack = there.Seq; !torn {
				data = append(data, rest)
			}
			data = append(data, back.Send("SIP/2.0 100 Trying\r\n"+fields+"Content-Length: 0\r\n\r\n"))
			if unseen {
				back.Send("SIP/2.0 200 OK\r\n" + fields + "Content-Length: 0\r\n\r\n")
			}
			data = append(data, back.TCP(back.Seq, back.Ack, capgen.RST|capgen.ACK, ""))
			var packets []capgen.Packet
			for i, x := range data {
				packets = append(packets, capgen.Packet{Time: capgen.Start.Add(time.Duration(i) * time.Second), Link: 1, Data: capgen.Ether(x)})
			}
			list, _ := told(t, packets)
			i := slices.IndexFunc(list, func(f *findings.Finding) bool { return f.ID == "transport-error" })
			if i < 0 || (list[i].Severity == findings.Error) == unseen {
				t.Errorf("unseen %v, torn %v: %v", unseen, torn, list)
			}
		}
	}
}
