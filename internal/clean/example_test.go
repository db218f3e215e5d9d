package clean_test

import (
	"fmt"

	"github.com/sipsight/sipsight/internal/clean"
	"github.com/sipsight/sipsight/sipmsg"
)

func ExampleAppendText() {
	b, changed := clean.AppendText(nil, []byte("Bob\x1b[2J \u202eecilA"), clean.MaxText)
	fmt.Printf("%s\n%t\n", b, changed)
	// Output:
	// Bob\x1b[2J \u{202e}ecilA
	// true
}

func ExampleText() {
	fmt.Println(clean.Text("my\ncapture.pcap"))
	// Output: my\x0acapture.pcap
}

func ExampleAppendURIs() {
	fmt.Printf("%s\n", clean.AppendURIs(nil, []byte("INVITE sip:bob:secret@example.com SIP/2.0")))
	// Output: INVITE sip:bob:***@example.com SIP/2.0
}

func ExampleAppendMessage() {
	var m sipmsg.Message
	err := m.Parse([]byte("REGISTER sip:example.com SIP/2.0\n" +
		"Authorization: Digest username=\"bob\", nonce=\"n1\", response=\"6629fae49393a053\"\n\n"))
	if err != nil {
		return
	}
	fmt.Printf("%s", clean.AppendMessage(nil, &m))
	// Output:
	// REGISTER sip:example.com SIP/2.0
	// Authorization: Digest username="bob", nonce="n1", response="***"
}
