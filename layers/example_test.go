package layers_test

import (
	"fmt"

	"github.com/sipsight/sipsight/layers"
)

// A packet with an IPv4 and a UDP header behind the fourteen octets of Ethernet.
var packet = []byte("\x02\x00\x00\x00\x00\x02\x02\x00\x00\x00\x00\x01\x08\x00" +
	"\x45\x00\x00\x21\x00\x01\x00\x00\x40\x11\x00\x00\xc0\x00\x02\x01\xc0\x00\x02\x02" +
	"\x13\xc4\x13\xc6\x00\x0d\x00\x00hello")

func ExampleFrame_Decode() {
	var f layers.Frame // one is enough for a whole capture
	if err := f.Decode(layers.Ethernet, 0, packet); err != nil {
		fmt.Println(err)
		return
	}
	if f.Proto == layers.UDP {
		fmt.Printf("%v > %v: %s\n", f.Src, f.Dst, f.Payload)
	}
	// Output: 192.0.2.1:5060 > 192.0.2.2:5062: hello
}

// A packet of which a capture kept only the beginning.
func ExampleFrame_Decode_cut() {
	var f layers.Frame
	err := f.Decode(layers.Ethernet, 0, packet[:44])
	fmt.Printf("%v, %q, %d octets missing\n", err, f.Payload, f.Missing)
	err = f.Decode(layers.Ethernet, 0, packet[:40])
	fmt.Println(err, f.Src.Addr())
	// Output:
	// <nil>, "he", 3 octets missing
	// layers: packet ends inside a header 192.0.2.1
}

func ExampleLinkType_String() {
	fmt.Println(layers.LinkType(276), layers.LinkType(276).Supported())
	fmt.Println(layers.LinkType(189), layers.LinkType(189).Supported())
	// Output:
	// LINUX_SLL2 true
	// USB_LINUX false
}

func ExampleChunks() {
	payload := []byte("\x00\x03\x00\x16\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00OPTION\x00\x00")
	for c := range layers.Chunks(payload) {
		if d, ok := c.Data(); ok && d.Begin && d.End {
			fmt.Printf("%d: %s\n", d.TSN, d.User)
		}
	}
	// Output: 1: OPTION
}
