package sipmsg_test

import (
	"fmt"
	"strings"

	"github.com/sipsight/sipsight/sipmsg"
)

// datagram is what came in over UDP.
var datagram = []byte(strings.ReplaceAll(`INVITE sip:bob@example.com SIP/2.0
Via: SIP/2.0/UDP proxy.example.com;branch=z9hG4bK2, SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1
From: "Alice" <sip:alice@example.com>;tag=a1
To: <sip:bob@example.com>
Call-ID: 8f2c@192.0.2.1
cseq: 1 INVITE
l: 0

`, "\n", "\r\n"))

func ExampleMessage_Parse() {
	var m sipmsg.Message // one is enough for a whole capture
	if !sipmsg.Sniff(datagram) {
		return
	}
	if err := m.Parse(datagram); err != nil {
		fmt.Println(err)
		return
	}
	callID, _ := m.First(sipmsg.CallID)
	_, number, _, method := m.CSeq()
	fmt.Printf("%s %s\n", m.Method, m.RequestURI)
	fmt.Printf("%s, %d %s\n", callID, number, method)
	// Output:
	// INVITE sip:bob@example.com
	// 8f2c@192.0.2.1, 1 INVITE
}

// Values come in order, whether they share a line or not.
func ExampleMessage_Values() {
	var m sipmsg.Message
	if m.Parse(datagram) != nil {
		return
	}
	for via := range m.Values(sipmsg.Via) {
		fmt.Printf("%s\n", via)
	}
	// Output:
	// SIP/2.0/UDP proxy.example.com;branch=z9hG4bK2
	// SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1
}

func ExampleMessage_Fields() {
	var m sipmsg.Message
	if m.Parse(datagram) != nil {
		return
	}
	for f := range m.Fields() {
		fmt.Printf("%-14v %s\n", f.ID, f.Name)
	}
	// Output:
	// Via            Via
	// From           From
	// To             To
	// Call-ID        Call-ID
	// CSeq           cseq
	// Content-Length l
}

func ExampleMessage_Check() {
	var m sipmsg.Message
	if m.Parse([]byte("OPTIONS  sip:bob@example.com SIP/2.0\nTo: <sip:bob@example.com>\n\n")) != nil {
		return
	}
	for id := range m.Check().IDs() {
		fmt.Println(id)
	}
	// Output:
	// lf-only
	// start-line-space
	// header-missing
}

func ExampleParseAddress() {
	a := sipmsg.ParseAddress([]byte(`"Alice" <sip:alice@example.com;transport=tcp>;tag=a1`))
	tag, _ := a.Params.Get("tag")
	fmt.Printf("%s\n%s\n%s\n", a.Display, a.URI, tag)
	// Output:
	// "Alice"
	// sip:alice@example.com;transport=tcp
	// a1
}

func ExampleLookup() {
	fmt.Println(sipmsg.Lookup([]byte("CALL-ID")), sipmsg.Lookup([]byte("i")))
	// Output: Call-ID Call-ID
}

func ExampleSniff() {
	fmt.Println(sipmsg.Sniff([]byte("SIP/2.0 200 OK\r\n")))
	fmt.Println(sipmsg.Sniff([]byte("HTTP/1.1 200 OK\r\n")))
	// Output:
	// true
	// false
}

func ExampleAppendUnfolded() {
	fmt.Printf("%s\n", sipmsg.AppendUnfolded(nil, []byte("a subject\r\n on two lines")))
	// Output: a subject on two lines
}
