package dissect_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sipsight/sipsight/capture"
	"github.com/sipsight/sipsight/internal/capgen"
	"github.com/sipsight/sipsight/internal/dissect"
	"github.com/sipsight/sipsight/sipmsg"
)

var (
	flow4 = capgen.NewFlow("192.0.2.1:40000", "192.0.2.2:5060")
	flow6 = capgen.NewFlow("[2001:db8::1]:40000", "[2001:db8::2]:5060")
	// odd is a flow without a port of SIP.
	odd = capgen.NewFlow("192.0.2.1:40000", "192.0.2.2:7777")
)

// request returns a message with a body of n octets.
func request(method, id string, n int) string {
	return fmt.Sprintf("%s sip:bob@example.com SIP/2.0\r\nVia: SIP/2.0/TCP h;branch=z9hG4bK%s\r\nFrom: <sip:a@h>;tag=1\r\nTo: <sip:b@h>\r\n"+
		"Call-ID: %s\r\nCSeq: 1 %s\r\nContent-Length: %d\r\n\r\n", method, id, id, method, n) + strings.Repeat("abcdefghi\n", n/10+1)[:n]
}

func response(id string) string {
	return "SIP/2.0 200 OK\r\nVia: SIP/2.0/TCP h;branch=z9hG4bK" + id + "\r\nCall-ID: " + id + "\r\nCSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n"
}

// packetsOf returns packets a millisecond apart.
func packetsOf(ips ...string) []capgen.Packet { return capgen.Packets(101, ips...) }

// A result is what was found in packets.
type result struct {
	list []string // what summary says of each message
	raw  []string // their octets
	d    *dissect.Dissector
}

// summary says of a message what it is, whence, in which packets, and what happened to it.
func summary(m *dissect.Message) string {
	id, _ := m.SIP.First(sipmsg.CallID)
	s := fmt.Sprintf("%s%s %s %s", m.SIP.Method, m.SIP.StatusText, id, m.Transport)
	var frames []string
	for _, r := range m.Refs {
		frames = append(frames, fmt.Sprint(r.Frame))
	}
	s += " [" + strings.Join(frames, " ") + "]"
	if m.Partial {
		s += " partial"
	}
	if m.Copy {
		s += fmt.Sprintf(" copy of %d", m.CopyOf.Frame)
	}
	for _, n := range m.Notes.AppendIDs(nil) {
		if n != "message-partial" && n != "packet-copy" && n != "websocket" && n != "hep" {
			s += " " + n
		}
	}
	return s
}

// place is where all packets lie, one after the other.
var place [1 << 17]byte

// dissected looks into packets. They all lie at one place in memory, which is overwritten
// behind each of them.
func dissected(t testing.TB, packets []capgen.Packet) *result {
	t.Helper()
	r := new(result)
	frames := int64(0)
	r.d = dissect.New(1, func(m *dissect.Message) error {
		r.list = append(r.list, summary(m))
		r.raw = append(r.raw, string(m.SIP.Raw()))
		if n := len(m.Refs); n == 0 || m.Ref != m.Refs[n-1] || m.Ref.Frame > frames {
			t.Errorf("a message of packet %v and %v, of %d", m.Ref, m.Refs, frames)
		}
		return nil
	})
	for _, p := range packets {
		frames++
		data := place[:copy(place[:], p.Data):len(p.Data)]
		err := r.d.Packet(&capture.Packet{Frame: frames, Time: p.Time, HasTime: true, LinkType: p.Link, FCSLen: -1, OrigLen: int64(len(data)), Data: data})
		if err != nil {
			t.Fatal(err)
		}
		for i := range data {
			data[i] = "SIP/2.0 \r\n"[i%10]
		}
	}
	if err := r.d.Finish(); err != nil {
		t.Fatal(err)
	}
	return r
}

// expect compares what was found.
func expect(t testing.TB, packets []capgen.Packet, want ...string) *dissect.Dissector {
	t.Helper()
	r := dissected(t, packets)
	if !slices.Equal(r.list, want) {
		t.Errorf("got\n\t%s\nwant\n\t%s", strings.Join(r.list, "\n\t"), strings.Join(want, "\n\t"))
	}
	return r.d
}

// at moves packets in time.
func at(d time.Duration, packets []capgen.Packet) []capgen.Packet {
	for i := range packets {
		packets[i].Time = packets[i].Time.Add(d)
	}
	return packets
}

// connection returns both directions of a TCP connection and the packets that open it.
func connection(f capgen.Flow) (there, here *capgen.Stream, handshake []string) {
	there, here = &capgen.Stream{Flow: f, Seq: 0xfffffff0}, &capgen.Stream{Flow: f.Back(), Seq: 7000}
	handshake = []string{there.SYN()}
	here.Ack = there.Seq
	handshake = append(handshake, here.TCP(here.Seq, here.Ack, capgen.SYN|capgen.ACK, ""))
	here.Seq++
	there.Ack = here.Seq
	return there, here, append(handshake, there.TCP(there.Seq, there.Ack, capgen.ACK, ""))
}

// packet returns one IP packet of a capture.
func packet(frame int64, ip string) *capture.Packet {
	return &capture.Packet{Frame: frame, Time: capgen.Start, HasTime: true, LinkType: 101, FCSLen: -1, OrigLen: int64(len(ip)), Data: []byte(ip)}
}
