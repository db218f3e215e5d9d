package pcapng_test

import (
	"bytes"
	"fmt"
	"io"
	"log"
	"os"
	"time"

	"github.com/sipsight/sipsight/pcapng"
)

func Example() {
	f, err := os.Open("../testdata/captures/udp-call.pcapng")
	if err != nil {
		log.Fatal(err)
	}
	defer f.Close()
	r, err := pcapng.NewReader(f)
	if err != nil {
		log.Fatal(err)
	}
	n := 0
	for {
		p, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			log.Fatal(err)
		}
		if n++; n == 1 {
			in := r.Interface(p.Interface)
			fmt.Printf("recorded on %s, link type %d, in units of %g ns\n", in.Name, in.LinkType, in.Resolution)
		}
	}
	fmt.Println(n, "packets")
	// Output:
	// recorded on lo, link type 1, in units of 1 ns
	// 21 packets
}

func ExampleWriter() {
	var file bytes.Buffer
	w, err := pcapng.NewWriter(&file, pcapng.Section{Application: "example"})
	if err != nil {
		log.Fatal(err)
	}
	eth, err := w.AddInterface(pcapng.Interface{LinkType: 1, Name: "eth0", TsResol: 9, FCSLen: -1})
	if err != nil {
		log.Fatal(err)
	}
	err = w.Write(pcapng.Packet{
		Interface: eth,
		Time:      time.Date(2026, 11, 23, 12, 0, 0, 250_000, time.UTC),
		TimeOK:    true,
		OrigLen:   1500,
		Data:      []byte("the first octets"),
		Options:   pcapng.Comment("the call that failed"),
	})
	if err != nil {
		log.Fatal(err)
	}

	r, err := pcapng.NewReader(&file)
	if err != nil {
		log.Fatal(err)
	}
	p, err := r.Next()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(p.Time.Format(time.RFC3339Nano), r.Interface(p.Interface).Name)
	for c := range p.Options.Comments() {
		fmt.Println(c)
	}
	// Output:
	// 2026-11-23T12:00:00.00025Z eth0
	// the call that failed
}

func ExampleSecret() {
	s := pcapng.NewSecret(0x544c534b, []byte("CLIENT_RANDOM 5a4d…"))
	fmt.Printf("%v, and again %+v\n", s, s)
	// Output: secret 0x544c534b, 21 octets, and again secret 0x544c534b, 21 octets
}
