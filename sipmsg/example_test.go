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

// The five things that are asked of nearly every message.
func Example_dialog() {
	var m sipmsg.Message
	if m.Parse(datagram) != nil {
		return
	}
	callID, _ := m.First(sipmsg.CallID)
	_, number, _, method := m.CSeq()
	via, _ := m.TopVia()
	fmt.Printf("%s, %d %s, from %q to %q, branch %s\n", callID, number, method, m.Tag(sipmsg.From), m.Tag(sipmsg.To), via.Branch())
	// Output: 8f2c@192.0.2.1, 1 INVITE, from "a1" to "", branch z9hG4bK2
}

func ExampleParseURI() {
	u := sipmsg.ParseURI([]byte("sips:alice;day=tuesday@[2001:db8::1]:5061;transport=tcp?Subject=a%20call"))
	addr, _ := u.Addr()
	transport, _ := u.Params.Get("transport")
	subject, _ := u.Headers.Get("subject")
	fmt.Printf("%v\n%s\n%v, port %d\n%s\n%s\n", u.Scheme, u.User, addr, u.Port, transport, sipmsg.AppendUnescaped(nil, subject))
	// Output:
	// sips
	// alice;day=tuesday
	// 2001:db8::1, port 5061
	// tcp
	// a call
}

// Where a request really came from, and where a response to it goes.
func ExampleMessage_TopVia() {
	var m sipmsg.Message
	if m.Parse([]byte("OPTIONS sip:bob@example.com SIP/2.0\r\nv: SIP/2.0/UDP 10.1.1.1:4540;received=192.0.2.1;rport=9988;branch=z9hG4bK7\r\n\r\n")) != nil {
		return
	}
	via, _ := m.TopVia()
	addr, _ := via.ReceivedAddr()
	port, _, _ := via.RPort()
	fmt.Printf("%s %s says %s:%d, was %v:%d\n", via.Transport, via.Branch(), via.Host, via.Port, addr, port)
	// Output: UDP z9hG4bK7 says 10.1.1.1:4540, was 192.0.2.1:9988
}

func ExampleParseAuth() {
	a := sipmsg.ParseAuth([]byte(`Digest username="bob", realm="sip.example.com", nonce="84a4", uri="sip:sip.example.com", nc=0000000a, response="7587"`))
	fmt.Printf("%s of %s, use %d of nonce %s, with a response: %t\n", a.Username, a.Realm, a.NC, a.Nonce, a.HasResponse)
	// Output: bob of sip.example.com, use 10 of nonce 84a4, with a response: true
}

// An attended transfer: the call to make replaces one that is there.
func ExampleParseReferTo() {
	r := sipmsg.ParseReferTo([]byte("<sip:carol@example.com?Replaces=c1%40192.0.2.4%3Bto-tag%3D7m%3Bfrom-tag%3D31>"))
	b, _ := r.AppendReplaces(nil)
	dialog := sipmsg.ParseReplaces(b)
	fmt.Printf("%s %s@%s instead of %s (%s, %s)\n", r.Method(), r.Target.User, r.Target.Host, dialog.CallID, dialog.ToTag, dialog.FromTag)
	// Output: INVITE carol@example.com instead of c1@192.0.2.4 (7m, 31)
}

func ExampleParseReason() {
	r := sipmsg.ParseReason([]byte(`Q.850;cause=16;text="Normal call clearing"`))
	fmt.Printf("%s %d: %s\n", r.Protocol, r.Cause, r.Text)
	// Output: Q.850 16: Normal call clearing
}

func ExampleMessage_Parts() {
	var m sipmsg.Message
	if m.Parse([]byte(strings.ReplaceAll(`INVITE sip:112@example.com SIP/2.0
Content-Type: multipart/mixed;boundary=b1

--b1
Content-Type: application/sdp

v=0
--b1
Content-Type: application/pidf+xml
Content-ID: <here@example.com>

<presence/>
--b1--
`, "\n", "\r\n"))) != nil {
		return
	}
	for p := range m.Parts() {
		fmt.Printf("%s/%s, %d octets\n", p.Type.Type, p.Type.Subtype, len(p.Body))
	}
	// Output:
	// application/sdp, 3 octets
	// application/pidf+xml, 11 octets
}

// How a transfer went is told by the beginning of a response.
func ExampleMessage_ParseFragment() {
	var m sipmsg.Message
	if m.ParseFragment([]byte("SIP/2.0 486 Busy Here")) == nil {
		fmt.Println(m.StatusCode)
	}
	// Output: 486
}

func ExampleMessage_Inspect() {
	var m sipmsg.Message
	if m.Parse([]byte("OPTIONS <sip:bob@example.com> SIP/2.0\r\nVia: SIP/2.0/UDP h\r\nFrom: <sip:a@h>;tag=1\r\nTo: Bell, B <sip:b@h>\r\nCall-ID: c\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\nl: 0\r\n\r\n")) != nil {
		return
	}
	for info := range m.Inspect().Infos() {
		fmt.Printf("%s: %s (%s)\n", info.ID, info.What, info.Section)
	}
	// Output:
	// request-uri-malformed: a Request-URI that is no URI (RFC 3261, sections 7.1 and 19.1.1)
	// to-malformed: a To that is not as the grammar has it (RFC 3261, sections 20.39 and 25.1)
	// branch-without-cookie: no branch in the topmost Via, or one that does not begin with z9hG4bK, as before RFC 3261 (RFC 3261, section 8.1.1.7)
}

// Append writes a message in its plainest form.
func ExampleMessage_Append() {
	var m sipmsg.Message
	if m.Parse([]byte("OPTIONS  sip:bob@example.com SIP/2.0\nv :SIP/2.0/UDP h\n  ;branch=z9hG4bK1\nt:<sip:bob@example.com>\n\n")) != nil {
		return
	}
	fmt.Printf("%s", strings.ReplaceAll(string(m.Append(nil)), "\r\n", "\n"))
	// Output:
	// OPTIONS sip:bob@example.com SIP/2.0
	// Via: SIP/2.0/UDP h ;branch=z9hG4bK1
	// To: <sip:bob@example.com>
}

// Segments of a stream, one after the other.
func ExampleFramer() {
	var f sipmsg.Framer
	var m sipmsg.Message
	for _, segment := range []string{"\r\n\r\nBYE sip:a SIP/2.0\r\nl: 2\r\n\r", "\nhiSIP/2.0 200 OK\r\nl: 0\r\n\r\n"} {
		f.Write([]byte(segment))
		for {
			u, ok := f.Next()
			if !ok {
				break
			}
			if m.Parse(u.Data) == nil {
				fmt.Printf("%s, body %q\n", m.StartLine, m.Body)
			}
		}
	}
	fmt.Println(f.Keepalives, "keepalive")
	// Output:
	// BYE sip:a SIP/2.0, body "hi"
	// SIP/2.0 200 OK, body ""
	// 1 keepalive
}

func ExampleParsePASSporT() {
	p, err := sipmsg.ParsePASSporT([]byte("eyJhbGciOiJFUzI1NiIsInBwdCI6InNoYWtlbiJ9.eyJhdHRlc3QiOiJBIiwib3JpZyI6eyJ0biI6IjEyMDIifX0.c2ln;info=<https://cert.example.org>"))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(p.PPT, p.Attest, p.Orig.TN, p.Info)
	// Output: shaken A [1202] https://cert.example.org
}
