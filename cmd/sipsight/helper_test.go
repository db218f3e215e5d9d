package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/binary"
	"io"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/sipsight/sipsight/pcapfile"
	"github.com/sipsight/sipsight/pcapng"
)

// A result is what one run did.
type result struct {
	code     int
	out, err string
}

// sipsight runs the command in this process.
func sipsight(t testing.TB, args ...string) result {
	t.Helper()
	return sipsightOn(t, strings.NewReader(""), args...)
}

// sipsightOn is sipsight with something on standard input.
func sipsightOn(t testing.TB, stdin io.Reader, args ...string) result {
	t.Helper()
	var out, err bytes.Buffer
	code := run(t.Context(), args, stdin, &out, &err)
	return result{code, out.String(), err.String()}
}

// captures goes to a folder that holds the captures of testdata and some that are broken.
func captures(t *testing.T) {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("../../testdata/captures")); err != nil {
		t.Fatal(err)
	}
	t.Chdir(dir)
	whole, err := os.ReadFile("udp-call.pcapng")
	if err != nil {
		t.Fatal(err)
	}
	old, err := os.ReadFile("retransmission.pcap")
	if err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string][]byte{
		"cut.pcapng":      whole[:len(whole)/2],
		"damaged.pcap":    append(pcap(request("INVITE", "1"), request("INVITE", "2")), bytes.Repeat([]byte{0xff}, 100)...),
		"zipped.pcapng":   zipped(whole), // its name does not say so
		"cut.pcap.gz":     zipped(whole)[:1200],
		"no-packets.pcap": old[:24],
		"no-sip.pcap":     pcap(udp("hello")),
		"filtered.pcapng": filtered(),
		"no-octets.pcap":  nil,
		"notes.txt":       []byte("password: hunter2\n"),
		"key.bin":         []byte("\x01\x02\x03\x04hunter2"),
	} {
		if err := os.WriteFile(name, b, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir("folder", 0o777); err != nil {
		t.Fatal(err)
	}
}

// begin is the time of the first packet of captures that are built here.
var begin = time.Date(2026, 11, 23, 10, 14, 0, 0, time.UTC)

// udp returns an IPv4 packet with a datagram from 192.0.2.1:5060 to 192.0.2.2:5080.
func udp(payload string) []byte {
	n := 28 + len(payload)
	b := []byte{0x45, 0, byte(n >> 8), byte(n), 0, 0, 0, 0, 64, 17, 0, 0}
	b = append(b, netip.MustParseAddr("192.0.2.1").AsSlice()...)
	b = append(b, netip.MustParseAddr("192.0.2.2").AsSlice()...)
	b = binary.BigEndian.AppendUint16(b, 5060)
	b = binary.BigEndian.AppendUint16(b, 5080)
	b = binary.BigEndian.AppendUint16(b, uint16(n-20))
	return append(append(b, 0, 0), payload...)
}

// request returns a packet with a small SIP request.
func request(method, callID string) []byte {
	return udp(method + " sip:bob@example.com SIP/2.0\r\nCall-ID: " + callID + "\r\nCSeq: 1 " + method + "\r\nContent-Length: 0\r\n\r\n")
}

// firstFragment returns an IPv4 packet with the first n octets of a datagram, whose rest never comes.
func firstFragment(id uint16, n int) []byte {
	b := []byte{0x45, 0, 0, 0, 0, 0, 0x20, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2}
	binary.BigEndian.PutUint16(b[2:], uint16(len(b)+n))
	binary.BigEndian.PutUint16(b[4:], id)
	return append(b, make([]byte, n)...)
}

// pcap returns a capture of these packets, a second apart.
func pcap(packets ...[]byte) []byte {
	var b bytes.Buffer
	w, err := pcapfile.NewWriter(&b, pcapfile.Header{LinkType: 101})
	for i, p := range packets {
		if err == nil {
			err = w.Write(pcapfile.Packet{Time: begin.Add(time.Duration(i) * time.Second), Data: p})
		}
	}
	if err != nil {
		panic(err)
	}
	return b.Bytes()
}

// brokenWriter takes room octets and then fails.
type brokenWriter struct {
	room int
	err  error
}

func (w *brokenWriter) Write(p []byte) (int, error) {
	if len(p) <= w.room {
		w.room -= len(p)
		return len(p), nil
	}
	n := w.room
	w.room = 0
	return n, w.err
}

// An interrupter gives octets, then cancels a context and never returns again before the
// test is over.
type interrupter struct {
	b      []byte
	cancel context.CancelFunc
	over   <-chan struct{}
}

func (i *interrupter) Read(p []byte) (int, error) {
	if len(i.b) == 0 {
		i.cancel()
		<-i.over
		return 0, io.EOF
	}
	n := copy(p, i.b)
	i.b = i.b[n:]
	return n, nil
}

// filtered returns a capture whose interface says what was filtered, and in odd words.
func filtered() []byte {
	var b bytes.Buffer
	w, err := pcapng.NewWriter(&b, pcapng.Section{})
	if err == nil {
		_, err = w.AddInterface(pcapng.Interface{Name: "eth0", Description: "uplink \x1b[31m", Filter: "udp port 5060\n", LinkType: 101, TsResol: 9, FCSLen: -1})
	}
	if err == nil {
		err = w.Write(pcapng.Packet{Time: begin, TimeOK: true, Data: request("OPTIONS", "1")})
	}
	if err != nil {
		panic(err)
	}
	return b.Bytes()
}

func zipped(b []byte) []byte {
	var z bytes.Buffer
	w := gzip.NewWriter(&z)
	w.Write(b)
	w.Close()
	return z.Bytes()
}
