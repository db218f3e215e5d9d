package capture_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"os"
	"path"

	"github.com/sipsight/sipsight/capture"
)

// Two captures as one timeline, and what of them could not be read.
func Example() {
	names := []string{"../testdata/captures/udp-call.pcapng", "../testdata/captures/nanosecond.pcap"}
	r, err := capture.Open(context.Background(), names, capture.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer r.Close()
	var packets, octets int64
	for {
		p, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			log.Fatal(err)
		}
		packets++
		octets += int64(len(p.Data)) // valid until the next call
	}
	fmt.Println(packets, "packets,", octets, "octets")
	for _, f := range r.Files() {
		fmt.Printf("%s: %s, %d packets, %d faults\n", path.Base(f.Name), f.Format, f.Packets, len(f.Damage()))
	}
	// Output:
	// 35 packets, 15176 octets
	// udp-call.pcapng: pcapng, 21 packets, 0 faults
	// nanosecond.pcap: pcap, 14 packets, 0 faults
}

// A capture that is still being written, as tcpdump -U -w - writes it: packets are given as they come. The end of the
// context ends a read that waits.
func ExampleNewReader() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	stream, tcpdump := io.Pipe()
	go func() {
		b, err := os.ReadFile("../testdata/captures/nanosecond.pcap")
		if err != nil {
			log.Fatal(err)
		}
		tcpdump.Write(b) // and goes on for ever
	}()
	r, err := capture.NewReader(ctx, stream, capture.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer r.Close()
	for {
		p, err := r.Next()
		if err != nil {
			fmt.Println(err)
			break
		}
		if p.Frame == 14 {
			fmt.Println("packet", p.Frame, p.Time)
			cancel()
		}
	}
	// Output:
	// packet 14 2026-11-23 23:39:49.881272738 +0000 UTC
	// context canceled
}
