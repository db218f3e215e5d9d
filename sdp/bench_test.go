package sdp_test

import (
	"testing"

	"github.com/sipsight/sipsight/sdp"
)

const phone = `v=0
o=phone17 20518 20518 IN IP4 192.0.2.17
s=SIP Call
c=IN IP4 192.0.2.17
t=0 0
m=audio 16384 RTP/AVP 9 0 8 18 101
a=rtpmap:9 G722/8000
a=rtpmap:0 PCMU/8000
a=rtpmap:8 PCMA/8000
a=rtpmap:18 G729/8000
a=fmtp:18 annexb=no
a=rtpmap:101 telephone-event/8000
a=fmtp:101 0-15
a=ptime:20
a=sendrecv
`

const browser = `v=0
o=- 4611731400430051336 2 IN IP4 127.0.0.1
s=-
t=0 0
a=group:BUNDLE 0 1
m=audio 9 UDP/TLS/RTP/SAVPF 111 9 0 8 110
c=IN IP4 0.0.0.0
a=rtcp:9 IN IP4 0.0.0.0
a=candidate:842163049 1 udp 1677729535 203.0.113.7 46154 typ srflx raddr 10.0.0.7 rport 46154 generation 0
a=ice-ufrag:EsAw
a=ice-pwd:bP+XJMM09aR8AiX1jdukzR6Y
a=fingerprint:sha-256 6B:8B:F0:65:5F:78:E2:51:3B:AC:6F:F3:3F:46:1B:35:DC:B8:5F:64:1A:24:C2:43:F0:A1:58:D0:A1:2C:19:08
a=setup:actpass
a=mid:0
a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level
a=sendrecv
a=rtcp-mux
a=rtpmap:111 opus/48000/2
a=fmtp:111 minptime=10;useinbandfec=1
a=rtpmap:9 G722/8000
a=rtpmap:0 PCMU/8000
a=rtpmap:8 PCMA/8000
a=rtpmap:110 telephone-event/48000
a=ssrc:3570614608 cname:4TOk42mSjXCkVIa6
m=video 9 UDP/TLS/RTP/SAVPF 96 97
c=IN IP4 0.0.0.0
a=ice-ufrag:EsAw
a=ice-pwd:bP+XJMM09aR8AiX1jdukzR6Y
a=fingerprint:sha-256 6B:8B:F0:65:5F:78:E2:51:3B:AC:6F:F3:3F:46:1B:35:DC:B8:5F:64:1A:24:C2:43:F0:A1:58:D0:A1:2C:19:08
a=setup:actpass
a=mid:1
a=recvonly
a=rtcp-mux
a=rtpmap:96 VP8/90000
a=rtcp-fb:96 nack pli
a=rtpmap:97 rtx/90000
a=fmtp:97 apt=96
`

var benchmarks = []struct{ name, in string }{{"phone", phone}, {"browser", browser}}

func BenchmarkParse(b *testing.B) {
	for _, c := range benchmarks {
		b.Run(c.name, func(b *testing.B) {
			in := crlf(c.in)
			var s sdp.Session
			b.SetBytes(int64(len(in)))
			b.ReportAllocs()
			for b.Loop() {
				if err := s.Parse(in); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkHostile shows by its octets per second that time is linear: they are about the
// same for a description and for one that is sixteen times as long.
func BenchmarkHostile(b *testing.B) {
	for _, h := range hostile {
		for _, size := range []struct {
			name string
			n    int
		}{{"64k", 64 << 10}, {"1m", 1 << 20}} {
			b.Run(h.name+"-"+size.name, func(b *testing.B) {
				in := withMedia(h.build(size.n))
				var s sdp.Session
				b.SetBytes(int64(len(in)))
				b.ReportAllocs()
				for b.Loop() {
					if read(&s, in) < 0 {
						b.Fatal("refused")
					}
				}
			})
		}
	}
}

func BenchmarkCompare(b *testing.B) {
	for _, c := range benchmarks {
		b.Run(c.name, func(b *testing.B) {
			offer, answer := parse(b, crlf(c.in)), parse(b, crlf(c.in))
			b.ReportAllocs()
			for b.Loop() {
				if r := sdp.Compare(offer, answer); len(r.Streams) == 0 {
					b.Fatal("no streams")
				}
			}
		})
	}
}

func BenchmarkClone(b *testing.B) {
	for _, c := range benchmarks {
		b.Run(c.name, func(b *testing.B) {
			s := parse(b, crlf(c.in))
			b.ReportAllocs()
			for b.Loop() {
				if len(s.Clone().Lines) == 0 {
					b.Fatal("no lines")
				}
			}
		})
	}
}
