package clean_test

import (
	"strings"
	"testing"

	"github.com/sipsight/sipsight/internal/clean"
	"github.com/sipsight/sipsight/sipmsg"
)

const invite = `INVITE sip:+15550100@sip.example.com;user=phone SIP/2.0
Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK-4f1c9a;rport
Max-Forwards: 70
From: "Alice Example" <sip:alice@sip.example.com>;tag=a1b2c3d4
To: <sip:+15550100@sip.example.com;user=phone>
Call-ID: 7d41c9e0-52af@192.0.2.10
CSeq: 103 INVITE
Contact: <sip:alice@192.0.2.10:5060;transport=udp>
Authorization: Digest username="alice", realm="sip.example.com", nonce="5f2b", uri="sip:sip.example.com", response="6629fae49393a05397450978507c4ef1"
Content-Type: application/sdp

v=0
o=alice 3901 3901 IN IP4 192.0.2.10
s=-
c=IN IP4 192.0.2.10
t=0 0
m=audio 16384 RTP/SAVP 0 8 101
a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj
a=sendrecv
`

func BenchmarkAppendText(b *testing.B) {
	for _, c := range []struct{ name, in string }{
		{"plain", `"Alice Example" <sip:alice@sip.example.com>;tag=a1b2c3d4`},
		{"utf8", strings.Repeat("Bühne 好 ", 6)},
		{"escapes", strings.Repeat("\x1b[31m\u202e\xff", 8)},
	} {
		b.Run(c.name, func(b *testing.B) {
			in := clip(c.in)
			var dst []byte
			b.SetBytes(int64(len(in)))
			b.ReportAllocs()
			for b.Loop() {
				dst, _ = clean.AppendText(dst[:0], in, clean.MaxText)
			}
		})
	}
}

func BenchmarkAppendLines(b *testing.B) {
	in := crlf(invite)
	var dst []byte
	b.SetBytes(int64(len(in)))
	b.ReportAllocs()
	for b.Loop() {
		dst, _ = clean.AppendLines(dst[:0], in, clean.MaxRaw)
	}
}

func BenchmarkAppendMessage(b *testing.B) {
	m := parse(b, crlf(invite))
	var dst []byte
	b.SetBytes(int64(len(m.Raw())))
	b.ReportAllocs()
	for b.Loop() {
		dst = clean.AppendMessage(dst[:0], m)
	}
}

func BenchmarkAppendValue(b *testing.B) {
	m := parse(b, crlf(invite))
	for _, c := range []struct {
		name string
		id   sipmsg.ID
	}{{"from", sipmsg.From}, {"authorization", sipmsg.Authorization}} {
		b.Run(c.name, func(b *testing.B) {
			v, _ := m.First(c.id)
			f := sipmsg.Field{ID: c.id, Value: v}
			var dst []byte
			b.SetBytes(int64(len(v)))
			b.ReportAllocs()
			for b.Loop() {
				dst = clean.AppendValue(dst[:0], f)
			}
		})
	}
}
