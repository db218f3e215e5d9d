package rtp_test

import (
	"fmt"
	"time"

	"github.com/sipsight/sipsight/rtp"
)

// A packet of speech, and what its stream amounts to.
func Example() {
	var h rtp.Header
	var stats rtp.Stats
	for i := range 100 {
		if i == 40 || i == 41 { // lost on the way
			continue
		}
		if err := h.Decode(packet(uint16(65500+i), uint32(160*i), 0xcafe, "speech")); err != nil {
			fmt.Println(err)
			return
		}
		codec, _ := rtp.Static(h.Type)
		stats.Add(&rtp.Sample{
			Arrival:   time.Duration(i) * 20 * time.Millisecond,
			Seq:       h.Seq,
			Timestamp: h.Timestamp,
			Type:      h.Type,
			ClockRate: uint32(codec.ClockRate),
			Size:      len(h.Payload) + 40,
		})
	}
	r := stats.Report()
	fmt.Printf("%d of %d packets lost, one every %v\n", r.Lost, r.Expected, r.Interval)
	m, _ := rtp.NewEModel("PCMU")
	m.Heard(&r)
	fmt.Printf("MOS %.1f\n", m.MOS())
	// Output:
	// 2 of 100 packets lost, one every 20ms
	// MOS 4.2
}

// A receiver report, followed by who sent it.
func ExampleCompound() {
	for p := range rtp.Compound(octets(receiverReport + description)) {
		for r := range p.Reports() {
			fmt.Printf("%v: %d packets of %#x lost\n", p.Type, r.CumulativeLost, r.SSRC)
		}
		for i := range p.Items() {
			if i.Type == rtp.CNAME {
				fmt.Printf("%v: %#x is %s\n", p.Type, i.SSRC, i.Text)
			}
		}
	}
	// Output:
	// RR: 3 packets of 0x1 lost
	// SDES: 0x1 is a@bc
	// SDES: 0x2 is x
}

// The key of a telephone that was pressed.
func ExampleEvent() {
	var e rtp.Event
	if e.Decode([]byte{11, 0x8a, 0x03, 0x20}) {
		fmt.Printf("%c for %v, end %v\n", e.Digit(), time.Duration(e.Duration)*time.Second/8000, e.End)
	}
	// Output: # for 100ms, end true
}
