package sdp_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/sipsight/sipsight/sdp"
)

func glance(b string) (list []string) {
	for g := range sdp.Glance([]byte(b)) {
		s := fmt.Sprintf("%s %v:%d %s %s %s", g.Kind, g.Addr, g.Port, g.Proto, g.Direction, g.AppendCodecs(nil))
		if g.Hold {
			s += " hold"
		}
		list = append(list, s)
	}
	return list
}

func TestGlance(t *testing.T) {
	for _, tt := range []struct {
		name, in string
		want     []string
	}{
		{"a telephone", "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0 8 101\r\na=rtpmap:101 telephone-event/8000\r\n",
			[]string{"audio 192.0.2.1:4000 RTP/AVP sendrecv PCMU,PCMA,telephone-event"}},
		{"on hold, two streams, an address of its own", "c=IN IP4 192.0.2.1\na=sendonly\nm=audio 4000 RTP/AVP 96\na=rtpmap:96 opus/48000/2\nm=video 0 RTP/AVP 31\nc=IN IP6 2001:db8::1\na=recvonly\n",
			[]string{"audio 192.0.2.1:4000 RTP/AVP sendonly opus hold", "video 2001:db8::1:0 RTP/AVP recvonly H261"}},
		{"held as of old", "c=IN IP4 0.0.0.0\nm=audio 4000 RTP/AVP 0", []string{"audio 0.0.0.0:4000 RTP/AVP sendrecv PCMU hold"}},
		{"no address yet, with ICE", "c=IN IP4 0.0.0.0\na=ice-ufrag:x\nm=audio 9 UDP/TLS/RTP/SAVPF 0", []string{"audio 0.0.0.0:9 UDP/TLS/RTP/SAVPF sendrecv PCMU"}},
		{"fax, a name, a port that is none", "c=IN IP4 gw.example.com\nm=image 99999 udptl t38", []string{"image invalid IP:0 udptl sendrecv t38"}},
		{"nothing", "v=0\n", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := glance(tt.in); !slices.Equal(got, tt.want) {
				t.Errorf("\ngot  %q\nwant %q", got, tt.want)
			}
		})
	}
}

// TestGlanceParse: what Glance sees is what Parse says.
func TestGlanceParse(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no descriptions", err)
	}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for part := range strings.SplitSeq(string(b), ":\n    v=0") {
			part = "v=0" + strings.ReplaceAll(part, "\n    ", "\n")
			compareGlance(t, file, part)
		}
	}
}

func compareGlance(t *testing.T, file, text string) {
	s, err := sdp.Parse([]byte(text))
	if err != nil {
		return
	}
	n := 0
	for g := range sdp.Glance([]byte(text)) {
		if n >= len(s.Media) {
			break
		}
		compareSection(t, file, &g)
		m := &s.Media[n]
		n++
		if string(g.Kind) != string(m.Kind) || g.Port != m.Port || g.Direction != m.Direction() {
			t.Errorf("%s, stream %d: %s %d %s, want %s %d %s", file, n, g.Kind, g.Port, g.Direction, m.Kind, m.Port, m.Direction())
		}
		if a, ok := m.Addr(); ok && m.Port != 0 && a.Addr() != g.Addr {
			t.Errorf("%s, stream %d: %v, want %v", file, n, g.Addr, a)
		}
	}
	if n != len(s.Media) {
		t.Errorf("%s: %d streams, want %d", file, n, len(s.Media))
	}
}

// compareSection compares what a media description says of its formats with what another one
// says that has nothing in common with it but Section.
func compareSection(t *testing.T, file string, g *sdp.Glimpse) {
	t.Helper()
	proto, formats, lines := g.Section()
	other := fmt.Sprintf("v=0\r\nm=%s 1 %s %s\r\n%s", g.Kind, proto, formats, lines)
	for o := range sdp.Glance([]byte(other)) {
		if a, b := string(g.AppendCodecs(nil)), string(o.AppendCodecs(nil)); a != b {
			t.Errorf("%s: codecs %q, of its section %q", file, a, b)
		}
		if a, b := string(g.AppendMap(nil)), string(o.AppendMap(nil)); a != b {
			t.Errorf("%s: map %q, of its section %q", file, a, b)
		}
		if a, b := g.Secure(), o.Secure(); a != b {
			t.Errorf("%s: secure %t, of its section %t", file, a, b)
		}
	}
}

func TestGlanceMap(t *testing.T) {
	const head = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n"
	for in, want := range map[string]string{
		"m=audio 4000 RTP/AVP 0 8 101\r\na=rtpmap:101 telephone-event/8000\r\n":                               "0 PCMU/8000,8 PCMA/8000,101 telephone-event/8000",
		"m=audio 4000 RTP/AVP 9 96 97\r\na=rtpmap:9 G722/16000\r\na=rtpmap:96 opus/48000/2 \r\n":              "9 G722/16000,96 opus/48000/2",
		"m=audio 4000 RTP/AVP 96\r\na=rtpmap:9 G722/8000\r\nm=video 6000 RTP/AVP 96\r\na=rtpmap:96 VP8/90000": "",
		"m=image 4000 udptl t38\r\n": "",
		"m=audio 4000 RTP/AVP 0 0\n": "0 PCMU/8000,0 PCMU/8000",
		"m=audio 4000 RTP/AVP\n":     "",
	} {
		for g := range sdp.Glance([]byte(head + in)) {
			if got := string(g.AppendMap(nil)); got != want {
				t.Errorf("%q: %q, want %q", in, got, want)
			}
			break
		}
	}
}

func TestGlanceSecure(t *testing.T) {
	for in, want := range map[string]string{
		"m=audio 4000 RTP/AVP 0\r\n":                             "false",
		"m=audio 4000 RTP/SAVP 0\r\nm=video 6000 RTP/AVP 31\r\n": "true false",
		"m=audio 4000 UDP/TLS/RTP/SAVPF 0\r\n":                   "true",
		"m=audio 4000 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\na=crypto:1 x inline:y\r\nm=audio 4002 RTP/AVP 0\r\n": "true false",
		"m=audio 4000 RTP/AVP 0\r\nm=audio 4002 RTP/AVP 0\r\na=fingerprint:sha-256 AA\r\n":                      "false true",
	} {
		var got []string
		for g := range sdp.Glance([]byte("v=0\r\n" + in)) {
			got = append(got, fmt.Sprint(g.Secure()))
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%q: %v, want %s", in, got, want)
		}
	}
}

func TestGlanceAttribute(t *testing.T) {
	var got []string
	for g := range sdp.Glance([]byte("v=0\r\na=setup:active\r\nm=message 9 TCP/MSRP *\r\nc=IN IP4 192.0.2.1\r\na=setups:x\r\na=setup:passive\r\na=setup:actpass\r\nm=audio 4000 RTP/AVP 0\r\na=setup\nm=audio 4002 RTP/AVP 0\r\n")) {
		v, ok := g.Attribute("setup")
		got = append(got, fmt.Sprintf("%s %v", v, ok))
	}
	if want := []string{"passive true", " true", " false"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestGlanceAllocations(t *testing.T) {
	b := []byte("v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0 8 101\r\na=rtpmap:101 telephone-event/8000\r\n")
	var buf []byte
	if n := testing.AllocsPerRun(100, func() {
		for g := range sdp.Glance(b) {
			buf = g.AppendMap(g.AppendCodecs(buf[:0]))
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkGlance(b *testing.B) {
	in := []byte("v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0 8 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:101 telephone-event/8000\r\na=sendrecv\r\n")
	b.SetBytes(int64(len(in)))
	b.ReportAllocs()
	var buf []byte
	for b.Loop() {
		for g := range sdp.Glance(in) {
			buf = g.AppendCodecs(buf[:0])
		}
	}
}

// TestGlanceCR: a line ends at a bare CR, as it does for Parse: what stands behind it is none of its value, and may be a key.
func TestGlanceCR(t *testing.T) {
	const key = "\ra=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:secret"
	for _, text := range []string{
		"v=0\r\nm=audio 4000 RTP/AVP 0 96" + key + "\r\n",
		"v=0\r\nm=audio 4000 RTP/AVP 0 96\r\na=rtpmap:96 opus" + key + "\r\n",
		"v=0\r\nm=audio 4000 RTP/AVP 0 96\r\na=rtpmap:96 opus/48000" + key + "\r\na=path:msrp://192.0.2.1:7000/x;tcp" + key + "\r\n",
		"v=0\rc=IN IP4 192.0.2.1\rm=audio 4000 RTP/AVP 0 96\ra=rtpmap:96 opus/48000\ra=sendonly\rm=video 0 RTP/AVP 31" + key + "\r",
	} {
		compareGlance(t, text, text)
		s, err := sdp.Parse([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for g := range sdp.Glance([]byte(text)) {
			path, _ := g.Attribute("path")
			if got := fmt.Sprintf("%s %s %s %s", g.Proto, g.AppendCodecs(nil), g.AppendMap(nil), path); strings.Contains(got, "crypto") {
				t.Errorf("%q: %q", text, got)
			}
			if _, ok := s.Media[n].Attribute("crypto"); ok != g.Secure() {
				t.Errorf("%q, stream %d: secure %t", text, n, g.Secure())
			}
			n++
		}
	}
}
