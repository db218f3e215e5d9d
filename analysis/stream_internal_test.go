package analysis

import (
	"encoding/binary"
	"net/netip"
	"reflect"
	"testing"
	"time"

	"github.com/sipsight/sipsight/internal/dissect"
	"github.com/sipsight/sipsight/layers"
)

func datagramOf(b []byte, nsec int64) *dissect.Datagram {
	return &dissect.Datagram{HasTime: true, Time: time.Unix(1e9, nsec), Frame: &layers.Frame{
		Payload: b, Version: 4, Src: netip.MustParseAddrPort("192.0.2.1:4000"), Dst: netip.MustParseAddrPort("192.0.2.2:5000"),
	}}
}

// give gives a table the packets of a stream.
func give(t *streamTable, ssrc uint32, n int) {
	for i := range n {
		b := binary.BigEndian.AppendUint16([]byte{0x80, 8}, uint16(i))
		b = binary.BigEndian.AppendUint32(b, uint32(i)*160)
		b = binary.BigEndian.AppendUint32(b, ssrc)
		d := datagramOf(b, int64(i)*20e6)
		d.IPID = uint32(i)
		t.datagram(d)
	}
}

// Streams beyond the limit are counted and said to be missing; those before it go on.
func TestStreamLimit(t *testing.T) {
	table := newStreamTable(maxStreams)
	table.limit = 3
	for ssrc := range uint32(5) {
		give(table, ssrc, 8)
	}
	var tr Traffic
	tr.streams(table)
	if len(tr.Streams) != 3 || tr.Datagrams != (Datagrams{Streams: 3, RTP: 24, NotKept: 16}) {
		t.Errorf("%d streams, %+v", len(tr.Streams), tr.Datagrams)
	}
	if len(tr.Exceeded) != 1 || tr.Exceeded[0] != "stream-limit" {
		t.Errorf("%v", tr.Exceeded)
	}
}

// What waits for a verdict is bounded, whoever sends it.
func TestNewcomersAreBounded(t *testing.T) {
	table := newStreamTable(maxStreams)
	for ssrc := range uint32(3 * maxNewcomers) {
		give(table, ssrc, 1)
	}
	for ssrc := range uint32(maxNewcomers) {
		give(table, 1<<31|ssrc, 3)
	}
	held := 0
	for _, c := range table.newcomers {
		held += len(c.held)
	}
	if len(table.newcomers) > maxNewcomers || held > maxHeldInAll || held != table.held || len(table.queue) > 2*maxNewcomers+minQueue+1 {
		t.Errorf("%d newcomers, %d packets of %d, a queue of %d", len(table.newcomers), held, table.held, len(table.queue))
	}
	table.result()
	if table.held != 0 || len(table.newcomers) != 0 {
		t.Errorf("%d packets and %d newcomers are left", table.held, len(table.newcomers))
	}
}

// Nothing is left waiting of newcomers that have become streams.
func TestStreamQueue(t *testing.T) {
	table := newStreamTable(maxStreams)
	for ssrc := range uint32(5000) {
		give(table, ssrc+1, 10)
	}
	if len(table.list) != 5000 || len(table.queue) > minQueue+1 || len(table.spare) > maxSpareHeld {
		t.Errorf("%d streams, a queue of %d, %d rooms", len(table.list), len(table.queue), len(table.spare))
	}
}

// A stream costs less than a KiB, with what RTCP says of it; and what every packet of it changes is in
// five lines of the cache.
func TestStreamSize(t *testing.T) {
	for _, tt := range []struct {
		of   reflect.Type
		most uintptr
	}{{reflect.TypeFor[Stream](), 704}, {reflect.TypeFor[pulse](), 5 * 64}, {reflect.TypeFor[Control](), 112}, {reflect.TypeFor[heard](), 96}} {
		if n := tt.of.Size(); n > tt.most {
			t.Errorf("%v has %d octets, more than %d", tt.of, n, tt.most)
		}
	}
}

// The packets of a known stream cost no memory.
func TestStreamAllocs(t *testing.T) {
	table := newStreamTable(maxStreams)
	give(table, 1, 100)
	b := append([]byte{0x80, 8}, make([]byte, 170)...)
	binary.BigEndian.PutUint32(b[8:], 1)
	d := datagramOf(b, 2e9)
	seq := uint16(100)
	if n := testing.AllocsPerRun(1000, func() {
		binary.BigEndian.PutUint16(b[2:], seq)
		binary.BigEndian.PutUint32(b[4:], uint32(seq)*160)
		d.IPID = uint32(seq)
		seq++
		d.Time = d.Time.Add(20 * time.Millisecond)
		table.datagram(d)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
	if p := table.list[0].Report().Packets; p != int64(seq) {
		t.Errorf("%d packets, want %d", p, seq)
	}
}

func BenchmarkStreams(b *testing.B) {
	table := newStreamTable(maxStreams)
	const n = 1000
	for ssrc := range uint32(n) {
		give(table, ssrc, 10)
	}
	p := append([]byte{0x80, 8}, make([]byte, 170)...)
	d := datagramOf(p, 1e9)
	i := uint32(10 * n)
	b.ReportAllocs()
	for b.Loop() {
		binary.BigEndian.PutUint16(p[2:], uint16(i/n))
		binary.BigEndian.PutUint32(p[4:], i/n*160)
		binary.BigEndian.PutUint32(p[8:], i%n)
		i++
		d.IPID = i
		d.Time = d.Time.Add(20 * time.Microsecond)
		table.datagram(d)
	}
}
