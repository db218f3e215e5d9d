package dissect_test

import (
	"runtime"
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

// heap returns the octets that are in use.
func heap() uint64 {
	var mem runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&mem)
	return mem.HeapAlloc
}
