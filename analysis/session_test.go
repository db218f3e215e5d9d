package analysis_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/capture"
	"github.com/sipsight/sipsight/internal/capgen"
)

// body is a session description of a host with one media description, as lines of a ladder.
func body(host string, lines ...string) string {
	s := "     Content-Type: application/sdp\n     | v=0\n     | o=- 7 2 IN IP4 " + host + "\n     | s=-\n     | c=IN IP4 " + host + "\n     | t=0 0\n"
	for _, l := range lines {
		s += "     | " + l + "\n"
	}
	return s
}

const (
	twoHosts = "A = 10.0.0.1:5060\nB = 10.0.0.2:5060\nR = 10.0.0.7:5060\n"
	audioA   = "m=audio 4000 RTP/AVP 0"
	audioB   = "m=audio 5000 RTP/AVP 0"
	begun    = "B > A 200 sdp m=5000\n.2 A > B ACK\n"
)

// sessions returns the only call of a ladder, and what is known of its sessions: the offer, what
// became of it, the sides, what was sent, the connection.
func sessions(t *testing.T, ladder string) (*analysis.Result, []string) {
	t.Helper()
	return sessionsIn(t, new(capgen.Ladder).Packets(twoHosts+ladder))
}

func sessionsIn(t *testing.T, packets []capgen.Packet) (*analysis.Result, []string) {
	t.Helper()
	r, err := capture.NewReader(t.Context(), bytes.NewReader(capgen.Pcap(packets)), capture.Options{})
	if err != nil {
		t.Fatal(err)
	}
	res, err := analysis.Run(t.Context(), r, analysis.Options{Calls: true, Streams: true})
	if err != nil || res.Calls.Len() != 1 {
		t.Fatal(err, res.Calls.Len())
	}
	var list []string
	for _, l := range res.Calls.At(0).Legs {
		for _, s := range l.Media.Sessions {
			text := fmt.Sprintf("%s by %s in %d %s", s.Protocol, s.OfferedBy, s.Frame.Number, s.Outcome)
			if s.Answer.Number != 0 {
				text += fmt.Sprintf(" in %d", s.Answer.Number)
			}
			if s.Status != 0 {
				text += fmt.Sprintf(" with %d", s.Status)
			}
			for _, c := range s.Side {
				if c.Addr.IsValid() {
					text += fmt.Sprintf(", %v", c.Addr)
				}
				if c.Described.IsValid() {
					text += fmt.Sprintf(" (%v)", c.Described)
				}
				if c.Setup != "" {
					text += " " + c.Setup
				}
			}
			for _, x := range s.Streams {
				r := x.Report()
				text += fmt.Sprintf(", %v>%v %s %d lost %d", x.Source(), x.Destination(), x.SentBy, r.Packets, r.Lost)
			}
			if s.Conn != 0 {
				text += fmt.Sprintf(", %s in %d, %d", s.Conn, s.ConnFrame.Number, s.Segments)
			}
			list = append(list, text)
		}
	}
	return res, list
}

// TestSessions holds what is known of media that are no RTP.
func TestSessions(t *testing.T) {
	faxA, faxB := body("10.0.0.1", "m=image 4002 udptl t38"), body("10.0.0.2", "m=image 5002 udptl t38")
	both := func(kind, proto, offer, answer string) (string, string) {
		return body("10.0.0.1", audioA, "m="+kind+" 7394 "+proto+" *", "a=setup:"+offer), body("10.0.0.2", audioB, "m="+kind+" 7395 "+proto+" *", "a=setup:"+answer)
	}
	msrpA, msrpB := both("message", "TCP/MSRP", "actpass", "passive")
	path := func(a, b string) string {
		return "0 A > B INVITE\n" + body("10.0.0.1", "m=message 9 TCP/MSRP *", "a=path:"+a) + ".1 B > A 200\n" + body("10.0.0.2", "m=message 7395 TCP/MSRP *", "a=path:"+b) + ".2 A > B ACK\n"
	}
	bfcpA, bfcpB := both("application", "TCP/BFCP", "active", "passive")
	for _, tt := range []struct {
		name, ladder string
		want         []string
	}{
		{"a fax", "0 A > B INVITE sdp\n.1 " + begun + "1 B > A INVITE\n" + faxB + "1.1 A > B 200\n" + faxA + "1.2 B > A ACK\n1.3 A:4002 > B:5002 UDPTL n=10\n1.3 B:5002 > A:4002 UDPTL n=5 seq=3\n2 B:5002 > A:4002 UDPTL n=2 seq=10\n9 A > B BYE\n9.1 B > A 200\n",
			[]string{"T.38 by callee in 4 accepted in 5, 10.0.0.1:4002, 10.0.0.2:5002, 10.0.0.1:4002>10.0.0.2:5002 caller 10 lost 0, 10.0.0.2:5002>10.0.0.1:4002 callee 7 lost 2"}},
		{"refused by a status", "0 A > B INVITE sdp\n.1 " + begun + "1 B > A INVITE\n" + faxB + "1.1 A > B 488\n1.2 B > A ACK\n9 A > B BYE\n9.1 B > A 200\n",
			[]string{"T.38 by callee in 4 refused in 5 with 488, 10.0.0.2:5002"}},
		{"refused by a port", "0 A > B INVITE sdp\n.1 " + begun + "1 B > A INVITE\n" + faxB + "1.1 A > B 200\n" + body("10.0.0.1", "m=image 0 udptl t38") + "1.2 B > A ACK\n9 A > B BYE\n9.1 B > A 200\n",
			[]string{"T.38 by callee in 4 refused in 5, 10.0.0.2:5002"}},
		{"refused, then accepted", "0 A > B INVITE sdp\n.1 " + begun + "1 B > A INVITE\n" + faxB + "1.1 A > B 488\n1.2 B > A ACK\n2 B > A INVITE\n" + strings.Replace(faxB, "7 2", "7 3", 1) + "2.1 A > B 200\n" + faxA + "2.2 B > A ACK\n9 A > B BYE\n9.1 B > A 200\n",
			[]string{"T.38 by callee in 4 refused in 5 with 488, 10.0.0.2:5002", "T.38 by callee in 7 accepted in 8, 10.0.0.1:4002, 10.0.0.2:5002"}},
		{"no answer", "0 A > B INVITE sdp\n.1 " + begun + "1 B > A INVITE\n" + faxB, []string{"T.38 by callee in 4 unanswered, 10.0.0.2:5002"}},
		{"a challenge is no answer", "0 A > B INVITE\n" + faxA + "1 B > A 407\n1.1 A > B ACK\n", []string{"T.38 by caller in 1 unanswered, 10.0.0.1:4002"}},
		{"messages", "0 A > B INVITE\n" + msrpA + ".1 B > A 200\n" + msrpB + ".2 A > B ACK\n.3 A:40000 > B:7395 SYN\n.4 B:7395 > A:40000 SYNACK\n.5 A:40000 > B:7395 ACKED\n.6 A:40000 > B:7395 ACKED data=MSRP\n.7 B:7395 > A:40000 ACKED data=MSRP\n.8 B:7395 > A:40000 ACKED data=MSRP\n9 A > B BYE\n9.1 B > A 200\n",
			[]string{"MSRP by caller in 1 accepted in 2, 10.0.0.1:7394 actpass, 10.0.0.2:7395 passive, open in 5, [1 2]"}},
		{"the floor, and nobody listens", "0 A > B INVITE\n" + bfcpA + ".1 B > A 200\n" + bfcpB + ".2 A > B ACK\n.3 A:40000 > B:7395 SYN\n.4 B:7395 > A:40000 RST\n9 A > B BYE\n9.1 B > A 200\n",
			[]string{"BFCP by caller in 1 accepted in 2, 10.0.0.1:7394 active, 10.0.0.2:7395 passive, refused in 5, [0 0]"}},
		{"nobody answers the connection", "0 A > B INVITE\n" + bfcpA + ".1 B > A 200\n" + bfcpB + ".2 A > B ACK\n.3 A:40000 > B:7395 SYN\n1.3 A:40000 > B:7395 SYN\n9 A > B BYE\n9.1 B > A 200\n",
			[]string{"BFCP by caller in 1 accepted in 2, 10.0.0.1:7394 active, 10.0.0.2:7395 passive, unanswered in 4, [0 0]"}},
		{"closed", "0 A > B INVITE\n" + msrpA + ".1 B > A 200\n" + msrpB + ".2 A > B ACK\n.3 A:40000 > B:7395 ACKED data=x\n1 A:40000 > B:7395 FIN\n9 A > B BYE\n9.1 B > A 200\n",
			[]string{"MSRP by caller in 1 accepted in 2, 10.0.0.1:7394 actpass, 10.0.0.2:7395 passive, closed in 5, [1 0]"}},
		{"messages by their path", path("msrp://10.0.0.7:8000/r;tcp msrp://10.0.0.1:7394/a;tcp", "msrp://10.0.0.2:7396/b;tcp") + ".3 B:40000 > R:8000 SYN\n.4 R:8000 > B:40000 SYNACK\n.5 B:40000 > R:8000 ACKED data=MSRP\n9 A > B BYE\n9.1 B > A 200\n",
			[]string{"MSRP by caller in 1 accepted in 2, 10.0.0.7:8000 (10.0.0.1:9), 10.0.0.2:7396 (10.0.0.2:7395), open in 5, [0 1]"}},
		{"messages past their path", path("msrp://10.0.0.7:8000/r;tcp", "msrp://relay.example.com:7396/b;tcp") + ".3 A:40000 > B:7395 SYN\n9 A > B BYE\n9.1 B > A 200\n",
			[]string{"MSRP by caller in 1 accepted in 2, 10.0.0.7:8000 (10.0.0.1:9), 10.0.0.2:7396 (10.0.0.2:7395), unanswered in 4, [0 0]"}},
		{"a path that was left behind", strings.ReplaceAll(path("msrp://10.0.0.7:8000/r;tcp", "msrp://10.0.0.8:7396/b;tcp"), "     | a=path", "     | a=msrp-cema\n     | a=path"),
			[]string{"MSRP by caller in 1 accepted in 2, 10.0.0.1:9, 10.0.0.2:7395"}},
		{"a path that says nothing", path("msrp://0.0.0.0:8000/r;tcp", "sip:10.0.0.8"), []string{"MSRP by caller in 1 accepted in 2, 10.0.0.1:9, 10.0.0.2:7395"}},
		{"audio alone", "0 A > B INVITE sdp\n.1 " + begun + "1 A:4000 > B:5000 UDPTL n=5\n9 A > B BYE\n9.1 B > A 200\n", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if _, got := sessions(t, tt.ladder); strings.Join(got, "\n") != strings.Join(tt.want, "\n") {
				t.Errorf("\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(tt.want, "\n"))
			}
		})
	}
}

// TestFaxStreams holds where the packets of a fax are among the streams, that RTP on the same
// ports is none of them, and that what is no UDPTL is not counted.
func TestFaxStreams(t *testing.T) {
	res, got := sessions(t, "0 A > B INVITE sdp m=4000\n.1 "+begun+".3 A:4000 > B:5000 RTP ssrc=1 n=50\n2 B > A INVITE\n"+body("10.0.0.2", "m=image 5000 udptl t38")+
		"2.1 A > B 200\n"+body("10.0.0.1", "m=image 4000 udptl t38")+"2.2 B > A ACK\n3 A:4000 > B:5000 UDPTL n=20\n4 A:4000 > B:5000 RTP ssrc=2 n=50\n9 A > B BYE\n9.1 B > A 200\n")
	// A fax is told from what goes to its address and has not the form of UDPTL.
	var w wire
	w.packets = new(capgen.Ladder).Packets(twoHosts + "0 A > B INVITE\n" + body("10.0.0.1", "m=image 4000 udptl t38"))
	for i, b := range []string{"\x00\x01\x01\x02\x00\x00", "\x00\x02\x00\x02\x00\x00", "\x00\x03\x7f\x02\x00\x00", "\x00\x04\x80\x02\x00\x00", "\x00\x05\x01", ""} {
		w.add(time.Duration(i+1)*time.Second, capgen.NewFlow("10.0.0.2:5000", "10.0.0.1:4000"), b)
	}
	if res, _ := sessionsIn(t, w.packets); res.Datagrams.UDPTL != 1 {
		t.Errorf("%d packets of six are UDPTL", res.Datagrams.UDPTL)
	}
	if len(got) != 1 || res.Datagrams.UDPTL != 20 || len(res.Streams) != 2 || len(res.Fax) != 1 {
		t.Fatalf("%q, %d packets, %d and %d streams", got, res.Datagrams.UDPTL, len(res.Streams), len(res.Fax))
	}
	all := res.AllStreams()
	if len(all) != 3 || !all[1].UDPTL || all[1].Call != 1 || all[1].SentBy != analysis.Caller || all[0].SSRC() != 1 || all[2].SSRC() != 2 {
		t.Errorf("%+v", all)
	}
	if list := res.Calls.At(0).First().Media.AllStreams(); len(list) != 3 || !list[2].UDPTL {
		t.Errorf("of the call: %+v", list)
	}
}

// TestHighUDPTL holds that UDPTL is told from RTP and RTCP, as which it begins from the sequence number
// 32,768 on.
func TestHighUDPTL(t *testing.T) {
	there := capgen.NewFlow("10.0.0.1:4000", "10.0.0.2:5000")
	at := time.Second
	fax := func(w *wire, f capgen.Flow, seq, n int) {
		for i := range n {
			w.add(at, f, string([]byte{byte((seq + i) >> 8), byte(seq + i), 20, 0xc0})+strings.Repeat("\x11", 19)+"\x00\x01\x14"+string(rune(i%100))+strings.Repeat("\x22", 19))
			at += 10 * time.Millisecond
		}
	}
	for _, tt := range []struct {
		name     string
		send     func(w *wire)
		udptl    int64
		streams  int
		notFound int64
		lost     int64
	}{
		{"from below", func(w *wire) { fax(w, there, 32700, 200) }, 200, 0, 0, 0},
		{"from above", func(w *wire) { fax(w, there, 40000, 200) }, 200, 0, 0, 0},
		{"over the octets of RTCP", func(w *wire) { fax(w, there, 32900, 200) }, 200, 0, 0, 0},
		{"to the end and through the wrap", func(w *wire) { fax(w, there, 49000, 17000) }, 17000, 0, 0, 0},
		{"both ways", func(w *wire) { fax(w, there, 40000, 100); fax(w, there.Back(), 33000, 50) }, 150, 0, 0, 0},
		{"with losses", func(w *wire) { fax(w, there, 40000, 100); fax(w, there, 40103, 100) }, 200, 0, 0, 3},
		{"with many losses", func(w *wire) { fax(w, there, 40000, 100); fax(w, there, 40300, 100) }, 200, 0, 0, 200},
		{"captured twice", func(w *wire) {
			fax(w, there, 40000, 100)
			w.packets = append(w.packets, w.packets[len(w.packets)-100:]...)
		}, 197, 0, 3, 0}, // the copies of those that came before it was certain
		{"too few to tell", func(w *wire) { fax(w, there, 40000, 3) }, 0, 0, 3, 0},
		{"not announced", func(w *wire) { fax(w, capgen.NewFlow("10.0.0.1:4004", "10.0.0.2:5004"), 40000, 100) }, 0, 0, 100, 0},
		{"RTP there", func(w *wire) { w.speak(there, 0, 9, at, 100, 8000) }, 0, 1, 0, 0},
		{"RTP behind it", func(w *wire) { fax(w, there, 32700, 100); w.speak(there, 0, 9, at, 100, 8000) }, 100, 1, 0, 0},
		{"RTP before it", func(w *wire) { w.speak(there, 0, 9, at, 100, 8000); at += 3 * time.Second; fax(w, there, 40000, 100) }, 100, 1, 0, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := wire{packets: new(capgen.Ladder).Packets(twoHosts + "0 A > B INVITE\n" + body("10.0.0.1", "m=image 4000 udptl t38") + ".1 B > A 200\n" + body("10.0.0.2", "m=image 5000 udptl t38") + ".2 A > B ACK\n")}
			at = time.Second
			tt.send(&w)
			slices.SortStableFunc(w.packets, func(a, b capgen.Packet) int { return a.Time.Compare(b.Time) })
			res, _ := sessionsIn(t, w.packets)
			if d := res.Datagrams; d.UDPTL != tt.udptl || len(res.Streams) != tt.streams || d.NotFound != tt.notFound {
				t.Errorf("%+v, %d streams", d, len(res.Streams))
			}
			lost := int64(0)
			for _, s := range res.Fax {
				lost += s.Report().Lost
			}
			if lost != tt.lost || tt.udptl > 0 && len(res.Fax) == 0 {
				t.Errorf("%d flows, %d lost", len(res.Fax), lost)
			}
		})
	}
}
