package main

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"testing"
)

// BenchmarkCommands runs whole commands over the captures sip-udp.pcap, sip-tcp.pcap and rtp.pcap in the folder that
// SIPSIGHT_BENCH_CAPTURES names. The profile that the program is compiled with is of it: see
// .ci/profile. More commands made the binary larger, and nothing faster.
func BenchmarkCommands(b *testing.B) {
	folder := os.Getenv("SIPSIGHT_BENCH_CAPTURES")
	if folder == "" {
		b.Skip("SIPSIGHT_BENCH_CAPTURES is not set: it names a folder with captures")
	}
	for _, c := range []struct{ command, capture string }{
		{"info", "sip-tcp"}, {"info", "sip-udp"}, {"calls", "sip-udp"}, {"streams", "rtp"},
	} {
		b.Run(c.command+"/"+c.capture, func(b *testing.B) {
			file := filepath.Join(folder, c.capture+".pcap")
			info, err := os.Stat(file)
			if err != nil {
				b.Fatal(err)
			}
			b.SetBytes(info.Size())
			for b.Loop() {
				if code := run(context.Background(), []string{c.command, "--json", file}, nil, io.Discard, io.Discard); code != exitOK {
					b.Fatalf("%s ends with %d", c.command, code)
				}
			}
		})
	}
}
