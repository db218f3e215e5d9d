package rtp_test

import (
	"testing"
	"time"

	"github.com/sipsight/sipsight/rtp"
)

func BenchmarkDecode(b *testing.B) {
	for _, c := range []struct {
		name string
		in   []byte
	}{
		{"pcma-20ms", packet(1, 160, 2, string(make([]byte, 160)))},
		{"extension", octets("91 00 0001 00000002 00000003 00000004 bede 0001 10aa 20bb ff")},
		{"refused", octets("8f 00 0001 00000002 00000003")},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.SetBytes(int64(len(c.in)))
			b.ReportAllocs()
			var h rtp.Header
			for b.Loop() {
				h.Decode(c.in)
			}
		})
	}
}

func BenchmarkClassify(b *testing.B) {
	in := packet(1, 160, 2, string(make([]byte, 160)))
	b.ReportAllocs()
	for b.Loop() {
		if rtp.Classify(in) != rtp.RTP {
			b.Fatal("not RTP")
		}
	}
}

func BenchmarkStats(b *testing.B) {
	for _, c := range []struct {
		name string
		step uint16
	}{{"in-order", 1}, {"every-second-lost", 2}, {"all-reset", 30000}} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			var s rtp.Stats
			p := rtp.Sample{ClockRate: 8000, Size: 200}
			for b.Loop() {
				p.Seq += c.step
				p.Timestamp += 160 * uint32(c.step)
				p.Arrival += 20 * time.Millisecond * time.Duration(c.step)
				s.Add(&p)
			}
		})
	}
}

func BenchmarkCompound(b *testing.B) {
	for _, c := range []struct{ name, in string }{{"sr-sdes", senderReport + description}, {"1000-of-length-0", ""}} {
		in := octets(c.in)
		if c.in == "" {
			for range 1000 {
				in = append(in, 0x80, 0xc9, 0, 0)
			}
		}
		b.Run(c.name, func(b *testing.B) {
			b.SetBytes(int64(len(in)))
			b.ReportAllocs()
			for b.Loop() {
				for p := range rtp.Compound(in) {
					for range p.Reports() {
					}
					for range p.Items() {
					}
				}
			}
		})
	}
}
