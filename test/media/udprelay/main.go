// Command udprelay relays SIP and RTP between two telephones on the loopback interface, and loses,
// delays and reorders RTP as it is told to. It ends after a time, and tells what it did.
//
//	udprelay -time 10s -seed 1 -loss 0.05 -swap 0.03
//	udprelay -play rtp.pcap -ssrc 1 -n 200
package main

import (
	"context"
	"flag"
	"fmt"
	"net/netip"
	"os"

	"github.com/sipsight/sipsight/test/media"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "udprelay:", err)
		os.Exit(1)
	}
}

func run() error {
	r := media.Relay{SIP: 5060, Media: []uint16{6000, 6001}}
	addr, a, b := flag.String("addr", "127.0.0.20", "of the relay"), flag.String("a", "127.0.0.11", "who calls"), flag.String("b", "127.0.0.12", "who is called")
	length := flag.Duration("time", 0, "how long to relay")
	flag.Uint64Var(&r.Seed, "seed", 1, "of all that is random")
	flag.Float64Var(&r.ToB.Loss, "loss", 0, "share of packets to the called side that are lost")
	flag.Float64Var(&r.ToB.Swap, "swap", 0, "share of them that the next one overtakes")
	flag.DurationVar(&r.ToB.Jitter, "jitter", 0, "the most that one is held back")
	flag.DurationVar(&r.ToB.Stall, "stall", 0, "how long all are held back behind packet 100")
	flag.BoolVar(&r.ToB.Drop, "drop", false, "lose all of them")
	play, n, ssrc := flag.String("play", "", "write a capture for SIPp to play, and end"), flag.Int("n", 200, "its packets"), flag.Uint("ssrc", 1, "its SSRC")
	fax := flag.Bool("fax", false, "of UDPTL")
	flag.Parse()
	if *play != "" {
		f, err := os.Create(*play)
		if err != nil {
			return err
		}
		if *fax {
			err = media.WriteUDPTL(f, *n)
		} else {
			err = media.WriteRTP(f, uint32(*ssrc), *n)
		}
		if err != nil {
			return err
		}
		return f.Close()
	}
	for _, x := range []struct {
		to   *netip.Addr
		text string
	}{{&r.Addr, *addr}, {&r.A, *a}, {&r.B, *b}} {
		var err error
		if *x.to, err = netip.ParseAddr(x.text); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), *length)
	defer cancel()
	if err := r.Run(ctx); err != nil {
		return err
	}
	fmt.Println("to the called side:", r.TruthB)
	fmt.Println("to the calling side:", r.TruthA)
	return nil
}
