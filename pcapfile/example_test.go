package pcapfile_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"time"

	"github.com/sipsight/sipsight/pcapfile"
)

func Example() {
	f, err := os.Open("../testdata/captures/nanosecond.pcap")
	if err != nil {
		log.Fatal(err)
	}
	defer f.Close()
	r, err := pcapfile.NewReader(f)
	if err != nil {
		log.Fatal(err)
	}
	h := r.Header()
	fmt.Println("link type", h.LinkType, "nanoseconds", h.Nanosecond)
	n := 0
	for {
		p, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			log.Fatal(err)
		}
		if int64(len(p.Data)) == p.OrigLen { // not cut at the snaplen
			n++
		}
	}
	fmt.Println(n, "whole packets")
	// Output:
	// link type 1 nanoseconds true
	// 14 whole packets
}

func ExampleWriter() {
	var file bytes.Buffer
	w, err := pcapfile.NewWriter(&file, pcapfile.Header{LinkType: 1, SnapLen: 96})
	if err != nil {
		log.Fatal(err)
	}
	err = w.Write(pcapfile.Packet{
		Time:    time.Date(2026, 11, 23, 12, 0, 0, 250_000, time.UTC),
		OrigLen: 1500,
		Data:    []byte("the first octets"),
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(file.Len(), "octets")
	// Output: 56 octets
}

func ExampleReader_Notes() {
	var file bytes.Buffer
	for i := range 2 { // cat one.pcap two.pcap
		w, _ := pcapfile.NewWriter(&file, pcapfile.Header{LinkType: 1})
		w.Write(pcapfile.Packet{Time: time.Unix(int64(i), 0), Data: []byte("data")})
	}
	r, err := pcapfile.NewReader(&file)
	if err != nil {
		log.Fatal(err)
	}
	for err == nil {
		_, err = r.Next()
	}
	for _, n := range r.Notes() {
		fmt.Printf("%s at byte %d\n", n.What, n.Off)
	}
	// Output: a second file header: files joined end to end at byte 44
}

func ExampleFormatError() {
	var file bytes.Buffer
	w, _ := pcapfile.NewWriter(&file, pcapfile.Header{LinkType: 1})
	w.Write(pcapfile.Packet{Time: time.Unix(1, 0), Data: []byte("one")})
	w.Write(pcapfile.Packet{Time: time.Unix(2, 0), Data: []byte("two")})
	file.Truncate(file.Len() - 1) // the disk was full

	r, _ := pcapfile.NewReader(&file)
	for {
		p, err := r.Next()
		if err != nil {
			var fe *pcapfile.FormatError
			if errors.As(err, &fe) && errors.Is(err, io.ErrUnexpectedEOF) {
				fmt.Printf("cut off at byte %d: %s\n", fe.Off, fe.What)
			}
			break
		}
		fmt.Printf("%s\n", p.Data)
	}
	// Output:
	// one
	// cut off at byte 43: the file is cut off inside a packet: 18 of 19 octets are there
}
