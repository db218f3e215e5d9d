package pcapfile_test

import (
	"io"
	"strings"
	"testing"
	"time"

	"github.com/sipsight/sipsight/pcapfile"
)

func BenchmarkNext(b *testing.B) {
	for _, c := range []struct {
		name string
		data []byte
	}{
		{"ethernet-udp", join(header(le, micro, 262144, 1), plain(le, 1, 2, strings.Repeat("x", 540)))},
		{"ethernet-rtp", join(header(le, nano, 262144, 1), plain(le, 1, 2, strings.Repeat("x", 214)))},
		{"big-endian", join(header(be, micro, 262144, 1), plain(be, 1, 2, strings.Repeat("x", 540)))},
		{"modified", join(header(le, modified, 262144, 1), plain(le, 1, 2, strings.Repeat("x", 540), strings.Repeat("\x00", 8)))},
		{"jumbo-64k", join(header(le, micro, 262144, 1), plain(le, 1, 2, strings.Repeat("x", 64<<10)))},
		{"over-snaplen", join(header(le, micro, 96, 1), plain(le, 1, 2, strings.Repeat("x", 540)))},
	} {
		b.Run(c.name, func(b *testing.B) {
			r, err := pcapfile.NewReader(newEndless(c.data))
			if err != nil {
				b.Fatal(err)
			}
			b.SetBytes(int64(len(c.data) - 24))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := r.Next(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkWrite(b *testing.B) {
	w, err := pcapfile.NewWriter(io.Discard, pcapfile.Header{LinkType: 1})
	if err != nil {
		b.Fatal(err)
	}
	p := pcapfile.Packet{Time: time.Unix(1795477184, 452843000), OrigLen: 540, Data: make([]byte, 540)}
	b.SetBytes(int64(len(p.Data) + 16))
	b.ReportAllocs()
	for b.Loop() {
		if err := w.Write(p); err != nil {
			b.Fatal(err)
		}
	}
}
