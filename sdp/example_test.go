package sdp_test

import (
	"fmt"
	"strings"

	"github.com/sipsight/sipsight/sdp"
)

// offer and answer are the bodies of an INVITE and its 200.
var offer = body(`v=0
o=alice 53655 1 IN IP4 192.0.2.1
s=-
c=IN IP4 192.0.2.1
t=0 0
m=audio 4000 RTP/AVP 0 8 101
a=rtpmap:101 telephone-event/8000
a=ptime:20
m=video 4002 RTP/AVP 96
a=rtpmap:96 H264/90000
`)

var answer = body(`v=0
o=bob 17 1 IN IP4 198.51.100.2
s=
c=IN IP4 198.51.100.2
t=0 0
m=audio 7000 RTP/AVP 8 96
a=rtpmap:96 telephone-event/8000
a=sendonly
m=video 0 RTP/AVP 96
`)

func body(s string) []byte { return []byte(strings.ReplaceAll(s, "\n", "\r\n")) }

func ExampleSession_Parse() {
	var s sdp.Session // one is enough for a whole capture
	if err := s.Parse(offer); err != nil {
		fmt.Println(err)
		return
	}
	for i := range s.Media {
		m := &s.Media[i]
		addr, _ := m.Addr()
		fmt.Printf("%s to %v, %v\n", m.Kind, addr, m.Direction())
		for _, c := range m.Codecs() {
			fmt.Printf("  %d %s/%d\n", c.PayloadType, c.Name, c.Clock)
		}
	}
	// Output:
	// audio to 192.0.2.1:4000, sendrecv
	//   0 PCMU/8000
	//   8 PCMA/8000
	//   101 telephone-event/8000
	// video to 192.0.2.1:4002, sendrecv
	//   96 H264/90000
}

// What is wrong is said beside what is there.
func ExampleSession_complaints() {
	s, err := sdp.Parse(answer)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, c := range s.Complaints {
		fmt.Println(c)
	}
	// Output:
	// line 3: s= is empty (RFC 8866, section 5.3)
}

func ExampleCompare() {
	o, _ := sdp.Parse(offer)
	a, _ := sdp.Parse(answer)
	r := sdp.Compare(o, a)
	for i := range r.Streams {
		s := &r.Streams[i]
		fmt.Printf("%s: accepted %t, %v\n", s.Offer.Kind, s.Accepted, s.Direction)
		for _, m := range s.Common {
			fmt.Printf("  %s as %d there, %d here\n", m.Answer.Name, m.Answer.PayloadType, m.Offer.PayloadType)
		}
		for _, f := range s.Faults {
			fmt.Println(" ", f)
		}
	}
	// Output:
	// audio: accepted true, recvonly
	//   PCMA as 8 there, 8 here
	//   telephone-event as 96 there, 101 here
	// video: accepted false, inactive
}

// A hold that forgets to raise the version.
func ExampleChangeOf() {
	before, _ := sdp.Parse(offer)
	after, _ := sdp.Parse([]byte(strings.Replace(string(offer), "a=ptime:20", "a=sendonly", 1)))
	c := sdp.ChangeOf(before, after)
	fmt.Println("on hold:", after.Media[0].IsHold())
	for _, f := range c.Faults {
		fmt.Printf("%v (%s)\n", f, f.RFC())
	}
	// Output:
	// on hold: true
	// other content with the same version in o= (RFC 3264, section 8)
}

// Keys are left out, whatever a Session is printed with.
func ExampleSession_AppendText() {
	s, _ := sdp.Parse(body("v=0\nm=audio 4000 RTP/SAVP 0\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:PS1uQCVeeCFCanVmcjkpPywjNWhcYD0mXXtxaVBR\n"))
	text, _ := s.AppendText(nil)
	fmt.Print(strings.ReplaceAll(string(text), "\r\n", "\n"))
	for c := range s.Media[0].Cryptos() {
		fmt.Printf("%s\n", c.Suite)
	}
	// Output:
	// v=0
	// m=audio 4000 RTP/SAVP 0
	// a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:***
	// AES_CM_128_HMAC_SHA1_80
}
