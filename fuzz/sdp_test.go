package fuzz

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/sipsight/sipsight/sdp"
)

// descriptions returns session descriptions, the odd ones too.
func descriptions() (list [][]byte) {
	for _, s := range []string{
		"v=0\no=a 1 1 IN IP4 192.0.2.1\ns=-\nc=IN IP4 192.0.2.1\nt=0 0\nm=audio 4000 RTP/AVP 0 8 101\na=rtpmap:101 telephone-event/8000\na=fmtp:101 0-15\na=sendonly\n",
		"v=0\no=b 1 2 IN IP6 ::1\ns=-\nt=0 0\na=group:BUNDLE 0 1\na=recvonly\nm=audio 9 UDP/TLS/RTP/SAVPF 111\nc=IN IP6 2001:db8::1\na=mid:0\na=rtpmap:111 opus/48000/2\n" +
			"a=candidate:1 1 udp 1 192.0.2.1 9 typ srflx raddr 10.0.0.1 rport 9\na=ice-ufrag:x\na=ice-pwd:secret\na=fingerprint:sha-1 00:11\na=setup:actpass\na=rtcp:9 IN IP4 192.0.2.9\na=rtcp-mux\n" +
			"m=video 0 RTP/SAVPF 96\na=mid:1\na=bundle-only\na=ssrc:1 x\na=extmap:1/sendonly urn:x\n",
		"v=0\no=c d 1 3 IN IP4 x\ns=\nt=1 2\nr=1 2 3\nz=1 2\nk=clear:secret\nm=image 4000/2 udptl t38\nc=IN IP4 233.252.0.1/127/3\na=T38FaxVersion:0\na=T38FaxFillBitRemoval\nb=AS:64\n",
		"m=audio 1 RTP/SAVP 0 0 200 x\ra=crypto:1 AES inline:secret\ra=SendRecv\ra=rtpmap:0 PCMA/8000\ra=rtpmap 9 G722/16000\ra=fmtp:\ra=ptime:20.0\ra=maxptime:10\r",
		"\n\nhello\n m = audio\nM=x\nx=y\na=:\na=\na=mid:a\na=group:LS b\n\x00",
		"k=prompt\nm=audio 1 RTP/AVP 96 97\na=rtpmap:96 a/1\na=rtpmap:96 b/2\na=rtpmap:97 b/2\na=ice-pwd secret\nno line ice-pwd:secret\na=x base64:secret\nk=prompter\n",
		"m=audio 1 RTP/AVP 1 96 97\na=rtpmap:1 b/2\na=rtpmap:96 b/2\na=rtpmap:97 b/2\na=x key-mgmt:secret\nu=clear:secret\na=cryptoscale:1 client X inline:secret\n",
		"s=session\nm=audio 65536 TCP/RTP/AVP 0\nc=IP4 1.2.3.4\nc=IN IP4 01.2.3.4\nm=message 1 TCP/MSRP *\n",
	} {
		list = append(list, []byte(s), []byte(strings.ReplaceAll(s, "\n", "\r\n")))
	}
	for _, b := range messages() {
		if _, body, ok := bytes.Cut(b, []byte("\r\n\r\n")); ok && bytes.HasPrefix(body, []byte("v=")) {
			list = append(list, body)
		}
	}
	return list
}

// saidBy is all that a Session tells of what the slow reader reads as well.
func saidBy(s *sdp.Session) string {
	var b strings.Builder
	for _, l := range s.Lines {
		letter := ""
		if l.Letter != 0 {
			letter = string(l.Letter)
		}
		fmt.Fprintf(&b, "%s %q %t\n", letter, l.Value, l.Masked)
	}
	saidAttributes(&b, s.Attributes)
	for i := range s.Media {
		m := &s.Media[i]
		fmt.Fprintf(&b, "m %q %q %q %q %d %t %v\n", m.Kind, m.PortText, m.Proto, m.Formats, m.Port, m.PortOK, m.IsRTP())
		if a, ok := m.Addr(); ok {
			fmt.Fprintf(&b, "to %v\n", a)
		}
		fmt.Fprintf(&b, "%v\n", m.Direction())
		for _, c := range m.Codecs() {
			fmt.Fprintf(&b, "codec %d %s\n", c.PayloadType, c.Name)
		}
		saidAttributes(&b, m.Attributes)
	}
	return b.String()
}

func saidAttributes(b *strings.Builder, list []sdp.Attribute) {
	for _, a := range list {
		switch {
		case len(a.Name) == 0:
			fmt.Fprintf(b, "a %q\n", "?"+string(a.Value))
		case a.Value == nil:
			fmt.Fprintf(b, "a %q\n", a.Name)
		default:
			fmt.Fprintf(b, "a %q\n", string(a.Name)+":"+string(a.Value))
		}
	}
}

func (s *slowSession) String() string {
	var b strings.Builder
	for _, l := range s.lines {
		fmt.Fprintf(&b, "%s %q %t\n", l.letter, l.value, l.masked)
	}
	for _, a := range s.session.attributes {
		fmt.Fprintf(&b, "a %q\n", a)
	}
	for _, m := range s.media {
		port, ok := m.port()
		fmt.Fprintf(&b, "m %q %q %q %q %d %t %v\n", m.kind, m.portText, m.proto, m.formats, port, ok, m.isRTP())
		if a := s.addr(m); a != "" {
			fmt.Fprintf(&b, "to %s\n", a)
		}
		fmt.Fprintf(&b, "%s\n", s.direction(m))
		for _, c := range m.codecs() {
			fmt.Fprintf(&b, "codec %s\n", c)
		}
		for _, a := range m.attributes {
			fmt.Fprintf(&b, "a %q\n", a)
		}
	}
	return b.String()
}

// inBounds reports whether a description is below the limits of package sdp.
func inBounds(s *slowSession) bool {
	if len(s.lines) > sdp.MaxLines || len(s.media) > sdp.MaxMedia {
		return false
	}
	for _, m := range s.media {
		if len(m.formats) > sdp.MaxFormats {
			return false
		}
	}
	return true
}

// FuzzSDP: the reader finds what the slow reader finds. Nothing stays of a description that
// was parsed before. What is written again is read as the same, and a copy lives for itself.
func FuzzSDP(f *testing.F) {
	for _, b := range descriptions() {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if tooLong(b) {
			return
		}
		in := slices.Clip(bytes.Clone(b))
		s, err := sdp.Parse(in)
		slow := slowSDP(string(b))
		if inBounds(&slow) {
			if slow.anything != (err == nil) {
				t.Fatalf("the slow reader says %t: %v", slow.anything, err)
			}
			if err == nil && saidBy(s) != slow.String() {
				t.Fatal(differ(saidBy(s), slow.String()))
			}
		}
		if err != nil {
			return
		}
		once, rules := saidBy(s), fmt.Sprint(s.Complaints)

		var used sdp.Session
		mustNot(used.Parse(descriptions()[2]))
		mustNot(used.Parse(in))
		if again := saidBy(&used); again != once || fmt.Sprint(used.Complaints) != rules {
			t.Fatalf("parsed after another: %s\n%v, before %s", differ(once, again), used.Complaints, rules)
		}

		text := s.String()
		second, err := sdp.Parse([]byte(text))
		if err != nil || saidBy(second) != once || second.String() != text {
			t.Fatalf("written and read again: %v %s", err, differ(once, saidBy(second)))
		}

		c := s.Clone()
		for i := range in {
			in[i] = '#'
		}
		mustNot(s.Parse([]byte("m=audio 1 RTP/AVP 0\na=inactive\n")))
		if saidBy(c) != once || fmt.Sprint(c.Complaints) != rules {
			t.Fatalf("a copy has changed: %s", differ(once, saidBy(c)))
		}
	})
}

// FuzzSDPAnswer: what offer and answer have in common is in both of them, the answer cannot
// make a stream more than was offered, and two versions compare the same from both ends.
func FuzzSDPAnswer(f *testing.F) {
	list := descriptions()
	for i, b := range list {
		f.Add(b, list[(i+1)%len(list)])
		f.Add(b, b)
	}
	f.Fuzz(func(t *testing.T, a, b []byte) {
		if tooLong(a, b) {
			return
		}
		offer, err := sdp.Parse(a)
		if err != nil {
			return
		}
		answer, err := sdp.Parse(b)
		if err != nil {
			return
		}
		r := sdp.Compare(offer, answer)
		if len(r.Streams) != max(len(offer.Media), len(answer.Media)) {
			t.Fatalf("%d streams of %d and %d", len(r.Streams), len(offer.Media), len(answer.Media))
		}
		for i := range r.Streams {
			s := &r.Streams[i]
			var taken [128]bool
			for _, m := range s.Common {
				if n := m.Offer.PayloadType; m.Format == nil && taken[n] {
					t.Fatalf("payload type %d of the offer is matched twice", n)
				}
				taken[m.Offer.PayloadType] = true
				if m.Format != nil {
					if !hasFold(s.Offer.Formats, m.Format) || !hasFold(s.Answer.Formats, m.Format) {
						t.Fatalf("%q is not in both", m.Format)
					}
				} else if !m.Offer.Same(m.Answer) || !m.Answer.Same(m.Offer) || !hasCodec(s.Offer, m.Offer) || !hasCodec(s.Answer, m.Answer) {
					t.Fatalf("%v and %v are not in both", m.Offer, m.Answer)
				}
			}
			if s.Accepted && (s.Offer.Disabled() || s.Answer.Port == 0) {
				t.Fatal("a stream without port is accepted")
			}
			if s.Direction != 0 && (!s.Accepted || s.Direction&^s.Offer.Direction() != 0 || s.Direction&^s.Answer.Direction().Reverse() != 0) {
				t.Fatalf("%v comes to %v", s.Offer.Direction(), s.Direction)
			}
		}
		there, back := sdp.ChangeOf(offer, answer), sdp.ChangeOf(answer, offer)
		if there.Version != -back.Version || there.VersionOK != back.VersionOK || there.Content != back.Content || there.SameSession != back.SameSession {
			t.Fatalf("there %+v, back %+v", there, back)
		}
		if c := sdp.ChangeOf(offer, offer); c.Content || c.Version != 0 || len(c.Faults)+len(c.Notes) > 0 {
			t.Fatalf("a description differs from itself: %+v", c)
		}
	})
}

func hasFold(list [][]byte, v []byte) bool {
	return slices.ContainsFunc(list, func(w []byte) bool { return bytes.EqualFold(v, w) })
}

func hasCodec(m *sdp.Media, c sdp.Codec) bool {
	return slices.ContainsFunc(m.Codecs(), func(d sdp.Codec) bool {
		return c.PayloadType == d.PayloadType && bytes.Equal(c.Name, d.Name)
	})
}

// FuzzSDPSecret: a key that was put in never comes out, whatever stands around it.
func FuzzSDPSecret(f *testing.F) {
	for i, before := range []string{"a=crypto:1 AES ", "a=ice-pwd:", "k=clear:", "a=key-mgmt:mikey ", "m=audio 1 RTP/SAVP 0\na=x ", "a=crypto:1 AES inline:", " A = Ice-Pwd "} {
		f.Add(before, uint8(i), "|2^20|1:32\r\na=sendonly\r\n")
	}
	const secret = "q7Zx0Kj4Wm2Vb9Ts"
	f.Fuzz(func(t *testing.T, before string, how uint8, after string) {
		if tooLong([]byte(before), []byte(after)) || strings.Contains(before+after, secret[:4]) {
			return
		}
		label := [...]string{"inline:", "\r\na=ice-pwd:", "\na=key-mgmt:", "\rk=clear:", "\r\nk=", "\na=crypto:1 AES_CM_128_HMAC_SHA1_80 ",
			"\na=ice-pwd ", "\nx ice-pwd:", "\nx key-mgmt:"}[how%9]
		s, err := sdp.Parse([]byte("v=0\r\n" + before + label + secret + after))
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range []string{s.String(), saidBy(s), fmt.Sprint(any(*s)), s.Clone().String()} {
			if strings.Contains(text, secret[:4]) {
				t.Fatalf("the key comes out: %q", text)
			}
		}
	})
}
