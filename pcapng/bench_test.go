package pcapng_test

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/sipsight/sipsight/pcapng"
)

func BenchmarkNext(b *testing.B) {
	data := strings.Repeat("x", 540)
	for _, c := range []struct {
		name       string
		head, body []byte
	}{
		{"ethernet-udp", join(shb(le), idb(le, 1, 262144, opt(le, 9, "\x09"))), packet(le, 0, 1795477184452843567, data)},
		{"ethernet-rtp", join(shb(le), idb(le, 1, 262144)), packet(le, 0, 1795477184452843, data[:214])},
		{"big-endian", join(shb(be), idb(be, 1, 262144, opt(be, 9, "\x09"))), packet(be, 0, 1795477184452843567, data)},
		{"with-options", join(shb(le), idb(le, 1, 0)), packet(le, 0, 1795477184452843, data, opt(le, 2, "\x01\x00\x00\x00"), opt(le, 1, "comment"), opt(le, 0, ""))},
		{"binary-resolution", join(shb(le), idb(le, 1, 0, opt(le, 9, "\xa0"))), packet(le, 0, 1<<40, data)},
		{"simple", join(shb(le), idb(le, 1, 0)), spb(le, 540, data)},
		{"unknown-blocks", join(shb(le), idb(le, 1, 0)), join(bytes.Repeat(block(le, 99, []byte("abcd")), 10), packet(le, 0, 1, data))},
	} {
		b.Run(c.name, func(b *testing.B) {
			r, err := pcapng.NewReader(newEndless(c.head, c.body))
			if err != nil {
				b.Fatal(err)
			}
			b.SetBytes(int64(len(c.body)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := r.Next(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkInterfaces reads a file of nothing but interfaces.
func BenchmarkInterfaces(b *testing.B) {
	file := join(shb(le), bytes.Repeat(idb(le, 1, 0, opt(le, 2, "eth0")), 70000))
	b.SetBytes(int64(len(file)))
	b.ReportAllocs()
	for b.Loop() {
		r, err := pcapng.NewReader(bytes.NewReader(file))
		if err != nil {
			b.Fatal(err)
		}
		if _, err := r.Next(); err != io.EOF || len(r.Interfaces()) != 70000 {
			b.Fatal(err)
		}
	}
}

func BenchmarkWrite(b *testing.B) {
	w, err := pcapng.NewWriter(io.Discard, pcapng.Section{})
	if err != nil {
		b.Fatal(err)
	}
	if _, err := w.AddInterface(pcapng.Interface{LinkType: 1, TsResol: 9, FCSLen: -1}); err != nil {
		b.Fatal(err)
	}
	p := pcapng.Packet{Time: time.Unix(1795477184, 452843567), TimeOK: true, OrigLen: 540, Data: make([]byte, 540)}
	b.SetBytes(int64(len(p.Data) + 32))
	b.ReportAllocs()
	for b.Loop() {
		if err := w.Write(p); err != nil {
			b.Fatal(err)
		}
	}
}
