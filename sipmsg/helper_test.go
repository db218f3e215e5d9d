package sipmsg_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/sipsight/sipsight/sipmsg"
)

// crlf turns readable text into a message: its lines end in CRLF, and like everything
// that tests hand to Parse it is a slice of its own without room behind it.
func crlf(s string) []byte { return clip(strings.ReplaceAll(s, "\n", "\r\n")) }

func clip[T string | []byte](in T) []byte { return slices.Clip(bytes.Clone([]byte(in))) }

func parse(t testing.TB, in []byte) *sipmsg.Message {
	t.Helper()
	m := new(sipmsg.Message)
	if err := m.Parse(in); err != nil {
		t.Fatalf("%v: %q", err, in)
	}
	return m
}

// withHeader is a message with one more header line, or several.
func withHeader(lines string) []byte {
	return crlf("OPTIONS sip:bob@example.com SIP/2.0\n" + lines + "\n\n")
}

// dump writes what Parse found, one line a part.
func dump(m *sipmsg.Message) string {
	var s strings.Builder
	if m.IsRequest() {
		fmt.Fprintf(&s, "request %s|%s|%s\n", m.Method, m.RequestURI, m.Version)
	} else {
		fmt.Fprintf(&s, "response %s|%s=%d|%s\n", m.Version, m.StatusText, m.StatusCode, m.Reason)
	}
	for f := range m.Fields() {
		fmt.Fprintf(&s, "%s %q %q\n", idName(f.ID), f.Name, f.Value)
	}
	if m.Body != nil {
		fmt.Fprintf(&s, "body %q\n", m.Body)
	}
	if ids := quirks(m.Quirks()); ids != "" {
		fmt.Fprintf(&s, "quirks %s\n", ids)
	}
	return s.String()
}

func idName(id sipmsg.ID) string {
	if id == sipmsg.Other {
		return "-"
	}
	return id.String()
}

func quirks(q sipmsg.Quirks) string { return strings.Join(slices.Collect(q.IDs()), " ") }

func values(m *sipmsg.Message, id sipmsg.ID) (list []string) {
	for v := range m.Values(id) {
		list = append(list, string(v))
	}
	return list
}

// invite is an INVITE as telephones send it.
const invite = `INVITE sip:+15550100@sip.example.com;user=phone SIP/2.0
Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK-4f1c9a;rport
Max-Forwards: 70
From: "Alice Example" <sip:alice@sip.example.com>;tag=a1b2c3d4
To: <sip:+15550100@sip.example.com;user=phone>
Call-ID: 7d41c9e0-52af@192.0.2.10
CSeq: 102 INVITE
Contact: <sip:alice@192.0.2.10:5060;transport=udp>
User-Agent: Example Phone 4.2
Allow: INVITE, ACK, BYE, CANCEL, OPTIONS, UPDATE
Supported: replaces, timer
Content-Type: application/sdp
Content-Length: 233

v=0
o=alice 3901 3901 IN IP4 192.0.2.10
s=-
c=IN IP4 192.0.2.10
t=0 0
m=audio 16384 RTP/AVP 0 8 9 101
a=rtpmap:0 PCMU/8000
a=rtpmap:8 PCMA/8000
a=rtpmap:9 G722/8000
a=rtpmap:101 telephone-event/8000
a=ptime:20
a=sendrecv
`

const ringing = `SIP/2.0 180 Ringing
Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK-4f1c9a;rport=5060
From: "Alice Example" <sip:alice@sip.example.com>;tag=a1b2c3d4
To: <sip:+15550100@sip.example.com;user=phone>;tag=99ff
Call-ID: 7d41c9e0-52af@192.0.2.10
CSeq: 102 INVITE
Content-Length: 0

`
