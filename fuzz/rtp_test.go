package fuzz

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/capture"
	"github.com/sipsight/sipsight/internal/report"
	"github.com/sipsight/sipsight/pcapfile"
	"github.com/sipsight/sipsight/rtp"
)

// slowRTP reads an RTP packet in the plainest way: octets are taken off the front until
// none are left. ok is false for what is none.
func slowRTP(b []byte) (csrcs []uint32, extension, payload []byte, padding int, ok bool) {
	take := func(n int) []byte {
		if n > len(b) {
			ok = false
			return make([]byte, n)
		}
		front := b[:n]
		b = b[n:]
		return front
	}
	ok = true
	head := take(12)
	if !ok || head[0]/64 != 2 {
		return nil, nil, nil, 0, false
	}
	for range head[0] % 16 {
		csrcs = append(csrcs, binary.BigEndian.Uint32(take(4)))
	}
	if head[0]&0x10 != 0 {
		n := binary.BigEndian.Uint16(take(4)[2:])
		extension = take(4 * int(n))
	}
	if head[0]&0x20 != 0 && ok {
		if len(b) == 0 {
			return nil, nil, nil, 0, false
		}
		padding = int(b[len(b)-1])
		if padding == 0 || padding > len(b) {
			return nil, nil, nil, 0, false
		}
		b = b[:len(b)-padding]
	}
	return csrcs, extension, b, padding, ok
}

// FuzzRTP: the reader of headers finds what the slow one finds.
func FuzzRTP(f *testing.F) {
	for _, s := range []string{
		"\x80\x08\x00\x01\x00\x00\x00\xa0\x00\x00\x00\x07speech",
		"\xb2\xe5\x00\x01\x00\x00\x00\xa0\x00\x00\x00\x07\x00\x00\x00\x01\x00\x00\x00\x02\xbe\xde\x00\x01\x10\xaa\x20\xbb\x05\x8a\x03\x20\x00\x02",
		"\x90\x60\x00\x01\x00\x00\x00\xa0\x00\x00\x00\x07\x10\x00\x00\x02\x01\x00\x00\x02\x02\xaa\xbb\x00",
		"\x8f\x08\x00\x01\x00\x00\x00\xa0\x00\x00\x00\x07",
		"\xa0\x08\x00\x01\x00\x00\x00\xa0\x00\x00\x00\x07\xff",
		"\x90\x08\x00\x01\x00\x00\x00\xa0\x00\x00\x00\x07\xbe\xde\xff\xff",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if tooLong(b) {
			return
		}
		b = slices.Clip(bytes.Clone(b))
		var h rtp.Header
		err := h.Decode(b)
		csrcs, extension, payload, padding, ok := slowRTP(b)
		if (err == nil) != ok {
			t.Fatalf("%v, slow %v: %x", err, ok, b)
		}
		rtp.Classify(b)
		if err != nil {
			return
		}
		if !slices.Equal(slices.Collect(h.CSRCs()), csrcs) || !bytes.Equal(h.Extension, extension) || !bytes.Equal(h.Payload, payload) || int(h.Padding) != padding {
			t.Fatalf("%+v, slow %v %x %x %d: %x", h, csrcs, extension, payload, padding, b)
		}
		left := len(h.Extension)
		for id, data := range h.Extensions() { // they lie in the extension, one behind the other
			if left -= len(data) + 1; left < 0 || id == 0 && h.Profile == 0xbede {
				t.Fatalf("element %d of %x in %x", id, data, h.Extension)
			}
		}
		var e rtp.Event
		if e.Decode(h.Payload) != (len(h.Payload) >= 4) {
			t.Fatalf("event of %x", h.Payload)
		}
	})
}

// FuzzRTCP: the packets of a compound are the octets of it, one behind the other; what is
// read of a packet lies in it.
func FuzzRTCP(f *testing.F) {
	for _, s := range []string{
		"\x81\xc8\x00\x0c\x00\x00\x00\x01\xe0\x00\x00\x00\x80\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\x05\x00\x00\x03\x20" +
			"\x00\x00\x00\x09\x40\xff\xff\xfe\x00\x01\x00\x02\x00\x00\x00\x10\x00\x00\x80\x00\x00\x01\x00\x00" +
			"\x82\xca\x00\x06\x00\x00\x00\x01\x01\x04a@bc\x02\x00\x00\x00\x00\x00\x00\x00\x00\x02\x01\x01x\x00",
		"\x82\xcb\x00\x03\x00\x00\x00\x01\x00\x00\x00\x02\x03bye\x85\xcc\x00\x03\x00\x00\x00\x01test\x0a\x0b\x0c\x0d",
		"\x80\xcf\x00\x0a\x00\x00\x00\x01\x07\x00\x00\x08" + strings.Repeat("\x7f", 32),
		"\x80\xc9\x00\x00\x80\xc9\x00\x00\xa0\xc9\x00\x01\x00\x00\x00\x04\x81\xcd\x00\x02\x00\x00\x00\x01\x00\x00\x00\x02",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if tooLong(b) {
			return
		}
		b = slices.Clip(bytes.Clone(b))
		n := 0
		for p := range rtp.Compound(b) {
			size := 4 * (int(binary.BigEndian.Uint16(b[n+2:])) + 1)
			if byte(p.Type) != b[n+1] || p.Count != b[n]&31 || !bytes.HasPrefix(b[n+4:n+size], p.Body) {
				t.Fatalf("at %d: %+v of %x", n, p, b)
			}
			if pad := size - 4 - len(p.Body); pad != 0 && (b[n]&0x20 == 0 || pad != int(b[n+size-1])) {
				t.Fatalf("at %d: padding of %d: %x", n, pad, b)
			}
			n += size
			within := 0
			for range p.Reports() {
				within += 24
			}
			for i := range p.Items() {
				within += 2 + len(i.Text)
			}
			for range p.Leaving() {
				within += 4
			}
			within += len(p.Reason())
			for x := range p.Blocks() {
				within += 4 + len(x.Data)
				if _, ok := x.VoIP(); ok && len(x.Data) < 32 {
					t.Fatalf("VoIP metrics of %x", x.Data)
				}
			}
			if within > len(p.Body) {
				t.Fatalf("%d octets were read of %x", within, p.Body)
			}
			p.Sender()
			p.App()
			p.Feedback()
		}
		if n > len(b) {
			t.Fatalf("%d octets of %d", n, len(b))
		}
	})
}

// FuzzStreamStats: numbers of packets are what a list of them says, as long as they stay
// near each other; and whatever comes, figures fit each other.
func FuzzStreamStats(f *testing.F) {
	f.Add([]byte{1, 1, 1, 1, 3, 1, 255, 0, 1}, uint16(65533), false)
	f.Add([]byte{10, 20, 246, 250, 1, 1, 64, 1}, uint16(0), true)
	f.Add([]byte{1, 200, 1, 128, 127, 1}, uint16(5), true)
	f.Add([]byte("0x"), uint16(53), false) // far ahead behind the first packet, whose length is not known yet
	f.Fuzz(func(t *testing.T, steps []byte, base uint16, wide bool) {
		if len(steps) > 2000 {
			return
		}
		var s rtp.Stats
		seen := map[int]int{}
		at, first, last, back := 0, 0, 0, 0
		var verdicts [4]int64
		for i, step := range steps {
			n := int(int8(step))
			if wide {
				n *= 600
			}
			at += n
			first, last = min(first, at), max(last, at)
			back = max(back, last-at)
			if i == 0 {
				at, first, last, back = 0, 0, 0, 0
			}
			seen[at]++
			verdicts[s.Add(&rtp.Sample{Seq: base + uint16(at), Timestamp: uint32(at) * 160, Arrival: time.Duration(i) * 20 * time.Millisecond, ClockRate: 8000})]++
		}
		r := s.Report()
		if r.Packets != int64(len(steps)) || r.Duplicates != verdicts[rtp.Duplicate] || r.Reordered != verdicts[rtp.Late] || int64(r.Resets) != verdicts[rtp.Restart] {
			t.Fatalf("%+v of verdicts %v", r, verdicts)
		}
		if r.Lost > r.Expected || r.BurstLost > r.BurstPackets || r.BurstPackets > r.Expected || r.Bursts > r.BurstLost || r.Expected < r.Packets-r.Duplicates-r.TooLate {
			t.Fatalf("%+v", r)
		}
		if len(steps) == 0 || wide || back >= 64 || last-first >= 64 && first < 0 {
			return
		}
		if want := int64(last - first + 1); r.Expected != want || r.Lost != want-int64(len(seen)) || r.Duplicates != int64(len(steps)-len(seen)) {
			t.Fatalf("%+v; %d expected, %d there, %d in all", r, want, len(seen), len(steps))
		}
	})
}

// FuzzStreams: two runs of a capture give the same streams, also where it is read octet by octet, so that
// no packet can be passed over; packets are counted once each, and what is told of them may
// be shown.
func FuzzStreams(f *testing.F) {
	for _, b := range captures() {
		f.Add(b)
	}
	f.Add(mediaCapture())
	f.Add(longCapture())
	f.Fuzz(func(t *testing.T, b []byte) {
		if tooLong(b) {
			return
		}
		first := tellStreams(t, bytes.NewReader(b))
		if again := tellStreams(t, bytes.NewReader(b)); first != again {
			t.Fatal("two runs differ " + differ(first, again))
		}
		if slow := tellStreams(t, iotest.OneByteReader(bytes.NewReader(b))); first != slow {
			t.Fatal("packets that were passed over make a difference " + differ(first, slow))
		}
	})
}

// mediaCapture is a capture with a stream, its RTCP, telephone events and copies.
func mediaCapture() []byte {
	var packets [][]byte
	for i := range byte(12) {
		p := []byte{0x80, 8, 0, i, 0, 0, i, 0xa0, 0, 0, 0, 7, 'x'}
		if i > 8 {
			p = []byte{0x80, 101, 0, i, 0, 0, 9, 0xa0, 0, 0, 0, 7, 5, 10, i, 0}
		}
		packets = append(packets, ether(0, ip4(17, udp(string(p)))))
		if i%3 == 0 {
			packets = append(packets, packets[len(packets)-1])
		}
	}
	packets = append(packets, ether(0, ip4(17, udp("\x81\xc9\x00\x07\x00\x00\x00\x02\x00\x00\x00\x07\x40\x00\x00\x03\x00\x00\x00\x07\x00\x00\x00\x08\x00\x00\x00\x00\x00\x00\x00\x00\x81\xca\x00\x02\x00\x00\x00\x07\x01\x02\x1b]"))))
	return pcap(pcapfile.Header{LinkType: 1}, packets)
}

// longCapture is a capture with a stream that is long enough to be passed over.
func longCapture() []byte {
	var packets [][]byte
	for i := range byte(40) {
		packets = append(packets, ether(0, ip4(17, udp(string([]byte{0x80, 8, 0, i, 0, 0, i, 0xa0, 0, 0, 0, 7})+"sound"))))
	}
	return pcap(pcapfile.Header{LinkType: 1}, packets)
}

func tellStreams(t *testing.T, in io.Reader) string {
	t.Helper()
	r, err := capture.NewReader(context.Background(), in, capture.Options{})
	if err != nil {
		return err.Error()
	}
	defer r.Close()
	res, err := analysis.Run(context.Background(), r, analysis.Options{Streams: true})
	if err != nil {
		t.Fatal(err)
	}
	o := report.Options{}
	var out []byte
	var packets int64
	for _, s := range res.Streams {
		p := s.Report()
		packets += p.Packets + int64(s.Copies)
		line := report.Streams.AppendJSON(nil, &o, s, true)
		checkJSON(t, "a stream", line)
		out = append(append(out, line...), '\n')
		row := strings.Join(report.StreamRow(s, &o), "\t")
		checkText(t, "a row", []byte(row), "\t")
		out = append(append(out, row...), '\n')
		out = fmt.Appendf(out, "%+v %+v\n", s.Tones(), s.Control)
		for i := range s.Tones() {
			if x := &s.Tones()[i]; x.Packets < 1 || x.Ends > x.Packets || x.Duration < 0 {
				t.Fatalf("tone %+v", x)
			}
		}
	}
	if m := res.Datagrams; m.RTP != packets || m.Streams != int64(len(res.Streams)) || m.RTP+m.NotFound+m.RTCP+m.STUN > res.Packets {
		t.Fatalf("%+v, %d packets in streams of %d", m, packets, res.Packets)
	}
	return string(out) + fmt.Sprintf("%+v", res.Datagrams)
}
