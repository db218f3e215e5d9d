package dissect_test

import (
	"runtime"
	"strings"
	"testing"

	"github.com/sipsight/sipsight/internal/capgen"
	"github.com/sipsight/sipsight/internal/dissect"
)

// TestTCPMemory: connections on which nothing is under way cost little, however long their
// messages were and in however many segments they came.
func TestTCPMemory(t *testing.T) {
	const n = 500
	m := request("INVITE", "c1@h", 60000)
	to := capgen.NewFlow("198.51.100.1:1", "198.51.100.2:9060")
	for _, c := range []struct {
		name, stream string
		size         int
		dst          capgen.Flow
	}{
		{"two segments", m, 40000, flow4},
		{"many segments", m, 500, flow4},
		{"WebSocket", frame(true, m), 40000, odd},
		{"HEP", capgen.HEP{Flow: flow4, Proto: 17, Payload: m}.V3(), 40000, to},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := dissect.New(1, func(*dissect.Message) error { return nil })
			before := heap()
			for i := range n {
				f := c.dst
				f.Src = capgen.NewFlow("198.18."+itoa(i>>8&255)+"."+itoa(i&255)+":5062", "192.0.2.1:1").Src
				s := &capgen.Stream{Flow: f}
				for _, p := range s.SendAll(c.stream, c.size) {
					if err := d.Packet(packet(1, p)); err != nil {
						t.Fatal(err)
					}
				}
			}
			if each := (int64(heap()) - int64(before)) / n; each > 8<<10 {
				t.Errorf("%d octets for each connection", each)
			}
			if d.Counts[0].SIP+d.Counts[0].Copies != n || d.Streams.Evicted != 0 {
				t.Errorf("%d messages, %d given up", d.Counts[0].SIP, d.Streams.Evicted)
			}
			runtime.KeepAlive(d)
		})
	}
}

// TestQuietMemory: connections in which nothing waits keep within the limit too, and are given up without a loss.
func TestQuietMemory(t *testing.T) {
	const connections, limit = 10000, 256 << 10
	d := dissect.New(1, func(*dissect.Message) error { return nil })
	d.Limit(limit, 0)
	before := heap()
	for i := range connections {
		f := capgen.NewFlow("198.18."+itoa(i>>8)+"."+itoa(i&255)+":5060", "192.0.2.1:5060")
		for _, p := range []string{f.TCP(1, 1, capgen.ACK, request("OPTIONS", "c1@h", 0)), f.Back().TCP(1, 1, capgen.ACK, response("c1@h"))} {
			if err := d.Packet(packet(1, p)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if got := int64(heap()) - int64(before); got > 10<<20 { // what tells copies takes half of that
		t.Errorf("%d octets are kept", got)
	}
	if n := &d.Counts[0]; n.SIP+n.Copies != 2*connections || d.Streams.Evicted != 0 {
		t.Errorf("%d messages, %d connections are lost", n.SIP+n.Copies, d.Streams.Evicted)
	}
}

// TestSegmentMemory: segments of an octet each that wait for others cost far more than they hold, and that counts.
func TestSegmentMemory(t *testing.T) {
	const connections, segments, limit = 1000, 60, 1 << 20
	d := dissect.New(1, func(*dissect.Message) error { return nil })
	d.Limit(limit, 0)
	before := heap()
	for i := range connections {
		f := capgen.NewFlow("198.18."+itoa(i>>8)+"."+itoa(i&255)+":5060", "192.0.2.1:5060")
		for n := range uint32(segments) {
			if err := d.Packet(packet(1, f.TCP(1+2*n, 1, capgen.ACK, "I"))); err != nil {
				t.Fatal(err)
			}
		}
	}
	if got := int64(heap()) - int64(before); got > 3*limit {
		t.Errorf("%d octets are kept", got)
	}
	if d.Streams.Evicted == 0 {
		t.Error("nothing was given up")
	}
	runtime.KeepAlive(d)
}

// TestForeignMemory: what waits behind a hole is forgotten with its connection, once that is known to be of another protocol.
func TestForeignMemory(t *testing.T) {
	const connections = 500
	for _, ordered := range []bool{false, true} {
		d := dissect.New(1, func(*dissect.Message) error { return nil })
		d.Ordered = ordered
		before := heap()
		for i := range connections {
			f := capgen.NewFlow("198.18."+itoa(i>>8)+"."+itoa(i&255)+":50000", "192.0.2.1:8080")
			there, here, packets := connection(f)
			there.Send("lost")
			packets = append(packets, there.Send(strings.Repeat("\x01", 60000)), here.Send("\x03\x00\x00\x0b of another protocol"))
			for _, p := range packets {
				if err := d.Packet(packet(1, p)); err != nil {
					t.Fatal(err)
				}
			}
		}
		if got := int64(heap()) - int64(before); got > 10<<20 {
			t.Errorf("ordered %v: %d octets are kept", ordered, got)
		}
		runtime.KeepAlive(d)
	}
}

// TestSCTPMemory: however many associations wait for the ends of messages, all of them together keep within the limit, and what is
// given up for that is given out as far as it came.
func TestSCTPMemory(t *testing.T) {
	const associations, parts, limit = 100, 50, 1 << 20
	cut := 0
	d := dissect.New(1, func(m *dissect.Message) error {
		if m.Partial {
			cut++
		}
		return nil
	})
	d.Limit(limit, 0)
	before := heap()
	m := request("INVITE", "c1@h", 1000)
	for i := range uint32(parts) {
		for tag := range uint32(associations) {
			chunk := capgen.Data(0, i, strings.Repeat("x", 1000))
			if i == 0 {
				chunk = capgen.Data(capgen.DataBegin, 0, m)
			}
			if err := d.Packet(packet(1, flow4.SCTP(1+tag, chunk))); err != nil {
				t.Fatal(err)
			}
		}
	}
	if got := int64(heap()) - int64(before); got > 2*limit+associations*8<<10 {
		t.Errorf("%d octets are kept", got)
	}
	if d.Streams.Evicted == 0 {
		t.Error("nothing was given up")
	}
	if err := d.Finish(); err != nil || cut != associations {
		t.Errorf("%d messages that are cut, want %d: %v", cut, associations, err)
	}
}

// TestSCTPLarge: a message of nearly as much as waits in one association is whole.
func TestSCTPLarge(t *testing.T) {
	whole := 0
	d := dissect.New(1, func(m *dissect.Message) error {
		if !m.Partial {
			whole++
		}
		return nil
	})
	const body, size = 1<<20 - 4096, 4200
	m := request("MESSAGE", "c1@h", body)
	for at, tsn := 0, uint32(0); at < len(m); at, tsn = at+size, tsn+1 {
		flags, part := byte(0), m[at:min(at+size, len(m))]
		if at == 0 {
			flags |= capgen.DataBegin
		}
		if at+size >= len(m) {
			flags |= capgen.DataEnd
		}
		if err := d.Packet(packet(1, flow4.SCTP(1, capgen.Data(flags, tsn, part)))); err != nil {
			t.Fatal(err)
		}
	}
	if err := d.Finish(); err != nil || whole != 1 {
		t.Errorf("%d messages are whole, want 1: %v", whole, err)
	}
}

// heap returns the octets that are in use.
func heap() uint64 {
	var mem runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&mem)
	return mem.HeapAlloc
}
