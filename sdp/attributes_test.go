package sdp_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/sipsight/sipsight/sdp"
)

func TestAttribute(t *testing.T) {
	s := parse(t, withMedia("a=Tool:x\na=flag\na=empty:\nm=audio 1 RTP/AVP 0\na=label:7\na=content:slides,alt\na=mid:0\na=x: y z \na=odd y\n"))
	m := &s.Media[0]
	for _, c := range []struct {
		name string
		got  func(string) ([]byte, bool)
		want string
	}{
		{"tool", s.Attribute, `"x" true`}, {"TOOL", s.Attribute, `"x" true`}, {"flag", s.Attribute, `"" true`},
		{"empty", s.Attribute, `"" true`}, {"label", s.Attribute, `"" false`},
		{"label", m.Attribute, `"7" true`}, {"x", m.Attribute, `"y z" true`}, {"odd", m.Attribute, `"y" true`}, {"tool", m.Attribute, `"" false`},
	} {
		if v, ok := c.got(c.name); fmt.Sprintf("%q %t", v, ok) != c.want {
			t.Errorf("%s: %q %t, want %s", c.name, v, ok, c.want)
		}
	}
	if v, _ := s.Attribute("flag"); v != nil {
		t.Error("a flag has a value")
	}
	if v, _ := s.Attribute("empty"); v == nil {
		t.Error("an empty value is none")
	}
	if string(m.Label()) != "7" || string(m.Content()) != "slides,alt" || string(m.MID()) != "0" || !m.Has("X") || m.Has("tool") {
		t.Errorf("%q %q %q", m.Label(), m.Content(), m.MID())
	}
}

func TestCandidates(t *testing.T) {
	m := media(t, `m=audio 4000 RTP/AVP 0
a=candidate:1 1 UDP 2130706431 192.0.2.1 4000 typ host
a=candidate:2 2 udp 1694498815 2001:db8::2 4001 typ srflx raddr 10.0.0.1 rport 5001 generation 0
a=candidate:3 1 TCP 1 4f2.local 9 typ host tcptype active
a=candidate:broken
a=candidate:4 1 UDP 1 192.0.2.4 4000 typ relay raddr x rport 5
a=candidate:5 1 UDP 1 192.0.2.5 4000 typ relay raddr 10.0.0.1 rport 70000
`)
	var got []string
	for c := range m.Candidates() {
		got = append(got, fmt.Sprintf("%d %s %d %s %d %s:%d %v %s %v", c.Line, c.Foundation, c.Component, c.Transport, c.Priority, c.Address, c.Port, c.Addr, c.Type, c.RelatedAddr))
	}
	want := []string{
		"7 1 1 UDP 2130706431 192.0.2.1:4000 192.0.2.1:4000 host invalid AddrPort",
		"8 2 2 udp 1694498815 2001:db8::2:4001 [2001:db8::2]:4001 srflx 10.0.0.1:5001",
		"9 3 1 TCP 1 4f2.local:9 invalid AddrPort host invalid AddrPort",
		"11 4 1 UDP 1 192.0.2.4:4000 192.0.2.4:4000 relay invalid AddrPort",
		"12 5 1 UDP 1 192.0.2.5:4000 192.0.2.5:4000 relay invalid AddrPort",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestKeys(t *testing.T) {
	s := parse(t, withMedia(`a=fingerprint:sha-256 AA:bb
a=setup:actpass
a=ice-ufrag:session
a=ice-lite
m=audio 1 UDP/TLS/RTP/SAVP 0
m=audio 1 RTP/SAVP 0
a=fingerprint:sha-1 00:11
a=fingerprint:sha-1 22:33
a=setup:active
a=ice-ufrag:own
a=rtcp-mux
a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:key
a=crypto:2 F8_128_HMAC_SHA1_80 inline:key;inline:key KDR=1
`))
	keys := func(m *sdp.Media) string {
		f, ok := m.Fingerprint()
		var list []string
		for c := range m.Cryptos() {
			list = append(list, fmt.Sprintf("%d %s %s", c.Line, c.Tag, c.Suite))
		}
		return fmt.Sprintf("%s %s %t, %s, %t %s %t, %s", f.Hash, f.Value, ok, m.Setup(), m.ICE(), m.ICEUfrag(), m.RTCPMux(), strings.Join(list, "; "))
	}
	if got, want := keys(&s.Media[0]), "sha-256 AA:bb true, actpass, true session false, "; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if got, want := keys(&s.Media[1]), "sha-1 22:33 true, active, true own true, 17 1 AES_CM_128_HMAC_SHA1_80; 18 2 F8_128_HMAC_SHA1_80"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if !s.ICELite() {
		t.Error("ice-lite is lost")
	}
	if got, want := keys(media(t, "m=audio 1 RTP/AVP 0\n")), "  false, , false  false, "; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestGroups(t *testing.T) {
	s := parse(t, withMedia("a=group:LS a b\na=group:bundle a  c\na=group\nm=audio 1 RTP/AVP 0\na=mid:a\nm=audio 1 RTP/AVP 0\na=mid:b\nm=audio 1 RTP/AVP 0\na=mid:c\nm=audio 1 RTP/AVP 0\n"))
	var got []string
	for g := range s.Groups() {
		text := fmt.Sprintf("%d %s:", g.Line, g.Semantics)
		for mid := range g.All() {
			text += " " + string(mid)
		}
		got = append(got, text)
	}
	if want := "6 LS: a b|7 bundle: a c|8 :"; strings.Join(got, "|") != want {
		t.Errorf("%q, want %s", got, want)
	}
	for i, want := range []bool{true, false, true, false} {
		if s.Bundled(&s.Media[i]) != want {
			t.Errorf("stream %d bundled: %t", i, !want)
		}
	}
}

func TestSources(t *testing.T) {
	m := media(t, "m=video 1 RTP/AVP 31\na=ssrc:7 cname:x\na=ssrc:7 msid:y\na=ssrc:4294967295 cname:x\na=ssrc:4294967296 cname:x\na=ssrc:x\na=ssrc-group:FID 7 8\n")
	if got := slices.Collect(m.SSRCs()); !slices.Equal(got, []uint32{7, 4294967295}) {
		t.Errorf("%v", got)
	}
}

func TestExtmaps(t *testing.T) {
	m := media(t, "m=video 1 RTP/AVP 31\na=extmap:1 urn:a\na=extmap:2/sendonly urn:b x y\na=extmap:3/recvonly urn:c\na=extmap:4/inactive urn:d\na=extmap:5/sendrecv urn:e\na=extmap:x urn:f\na=extmap:7\na=extmap:70000 urn:g\n")
	var got []string
	for e := range m.Extmaps() {
		got = append(got, fmt.Sprintf("%d %v %s %s", e.ID, e.Direction, e.URI, e.Params))
	}
	want := "1 sendrecv urn:a |2 sendonly urn:b x y|3 recvonly urn:c |4 inactive urn:d |5 sendrecv urn:e "
	if strings.Join(got, "|") != want {
		t.Errorf("%q", got)
	}
}

func TestFax(t *testing.T) {
	m := media(t, `m=image 4000 udptl t38
a=T38FaxVersion:0
a=T38maxBitRate:14400
a=T38FaxFillBitRemoval:0
a=T38FaxTranscodingMMR
a=T38FaxTranscodingJBIG:1
a=T38FaxRateManagement:transferredTCF
a=T38FaxMaxBuffer:262
a=T38FaxMaxDatagram:x
a=T38FaxUdpEC:t38UDPRedundancy
`)
	f, ok := m.T38()
	if !ok || f.Version != 0 || f.MaxBitRate != 14400 || f.MaxBuffer != 262 || f.MaxDatagram != -1 || f.FillBitRemoval || !f.TranscodingMMR || !f.TranscodingJBIG ||
		string(f.RateManagement) != "transferredTCF" || string(f.ErrorCorrection) != "t38UDPRedundancy" {
		t.Errorf("%t %+v", ok, f)
	}
	f, ok = media(t, "m=image 4000 udptl t38\na=T38FaxFillBitRemoval\na=T38FaxMaxDatagram:400\n").T38()
	if !ok || f.Version != -1 || f.MaxBitRate != -1 || f.MaxBuffer != -1 || f.MaxDatagram != 400 || !f.FillBitRemoval {
		t.Errorf("%t %+v", ok, f)
	}
	for in, want := range map[string]bool{
		"m=image 4000 UDPTL T38\n": true, "m=image 4000 tcp t38\n": true, "m=image 4000 UDP/TLS/UDPTL x\n": true,
		"m=image 4000 tcp x\n": false, "m=audio 4000 udptl t38\n": false, "m=IMAGE 4000 udptl\n": true,
	} {
		m := media(t, in)
		if _, ok := m.T38(); ok != want || m.IsFax() != want {
			t.Errorf("%q: %t %t", in, ok, m.IsFax())
		}
	}
}

// An iterator stops where it is told to.
func TestIteratorsStop(t *testing.T) {
	s := parse(t, withMedia("a=group:A a\na=group:B b\nm=video 1 RTP/SAVP 31\na=ssrc:1 x\na=ssrc:2 x\na=extmap:1 urn:a\na=extmap:2 urn:b\n"+
		"a=crypto:1 A inline:k\na=crypto:2 A inline:k\na=candidate:1 1 UDP 1 192.0.2.1 7 typ host\na=candidate:2 1 UDP 1 192.0.2.1 7 typ host\n"))
	m, n := &s.Media[0], 0
	for range s.Groups() {
		n++
		break
	}
	for range (sdp.Group{MIDs: []byte("a b")}).All() {
		n++
		break
	}
	for range m.SSRCs() {
		n++
		break
	}
	for range m.Extmaps() {
		n++
		break
	}
	for range m.Cryptos() {
		n++
		break
	}
	for range m.Candidates() {
		n++
		break
	}
	if n != 6 {
		t.Error(n)
	}
}
