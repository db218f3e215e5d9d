package sdp_test

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/sipsight/sipsight/sdp"
)

func TestOrigin(t *testing.T) {
	for _, c := range []struct{ in, user, id, version, address string }{
		{"alice 3 4 IN IP4 192.0.2.1", "alice", "3", "4", "IN IP4 192.0.2.1"},
		{"Alice B. Example 3 4 IN IP4 192.0.2.1", "Alice B. Example", "3", "4", "IN IP4 192.0.2.1"},
		{"a  b   3\t4 IN IP4 192.0.2.1", "a  b", "3", "4", "IN IP4 192.0.2.1"},
		{"3 4 IN IP4 192.0.2.1", "", "3", "4", "IN IP4 192.0.2.1"},
		{"alice 3 4 IN IP4", "alice", "3", "4", "IN IP4 "},
		{"alice 3", "alice", "3", "", "  "},
		{"- 18446744073709551616 x IN IP6 ::1", "-", "18446744073709551616", "x", "IN IP6 ::1"},
	} {
		o := parse(t, crlf("o="+c.in+"\n")).Origin
		if string(o.User) != c.user || string(o.SessionID) != c.id || string(o.SessionVersion) != c.version ||
			fmt.Sprintf("%s %s %s", o.NetType, o.AddrType, o.Address) != c.address || o.Line != 1 {
			t.Errorf("%q: %q %q %q %q %q %q", c.in, o.User, o.SessionID, o.SessionVersion, o.NetType, o.AddrType, o.Address)
		}
	}
	for in, want := range map[string]string{"7": "7 true", "18446744073709551615": "18446744073709551615 true", "18446744073709551616": "0 false", "x": "0 false"} {
		o := sdp.Origin{SessionID: []byte(in)}
		if n, ok := o.SessionNumber(); fmt.Sprint(n, ok) != want {
			t.Errorf("session number of %s: %d %t", in, n, ok)
		}
	}
}

// connections are values of c=, and what they say.
func TestConnection(t *testing.T) {
	for _, c := range []struct {
		in, addr   string
		ttl, count int
	}{
		{"IN IP4 192.0.2.1", "192.0.2.1", -1, 1},
		{"IN IP4 0.0.0.0", "0.0.0.0", -1, 1},
		{"IN IP4 255.255.255.255", "255.255.255.255", -1, 1},
		{"in ip4 192.0.2.1", "192.0.2.1", -1, 1},
		{"IN IP4 233.252.0.1/127/3", "233.252.0.1", 127, 3},
		{"IN IP4 233.252.0.1/0", "233.252.0.1", 0, 1},
		{"IN IP4 233.252.0.1/300/0", "233.252.0.1", -1, 1},
		{"IN IP6 ff15::101/3", "ff15::101", -1, 3},
		{"IN IP6 2001:DB8:0:0:0:0:0:1", "2001:db8::1", -1, 1},
		{"IN IP6 ::ffff:192.0.2.1", "::ffff:192.0.2.1", -1, 1},
		{"IN IP6 0000:0000:0000:0000:0000:ffff:192.168.100.100", "::ffff:192.168.100.100", -1, 1},
		{"IN IP4 2001:db8::1", "2001:db8::1", -1, 1},
		{"IP4 192.0.2.1", "192.0.2.1", -1, 1},
		{"IN IP4 a.example.com", "invalid IP", -1, 1},
		{"IN IP6 fe80::1%eth0", "invalid IP", -1, 1},
		{"IN IP4 192.0.2.01", "invalid IP", -1, 1},
		{"IN IP4 192.0.2", "invalid IP", -1, 1},
		{"IN IP4 192.0.2.1.", "invalid IP", -1, 1},
		{"IN IP4 192.0.2.1.5", "invalid IP", -1, 1},
		{"IN IP4 192.0.2.256", "invalid IP", -1, 1},
		{"IN IP4 192.0..1", "invalid IP", -1, 1},
		{"IN IP4 1920002001", "invalid IP", -1, 1},
		{"IN IP6 [2001:db8::1]", "invalid IP", -1, 1},
		{"IN IP6 " + strings.Repeat("0:", 100), "invalid IP", -1, 1},
		{"IN", "invalid IP", -1, 1},
	} {
		got := parse(t, crlf("c="+c.in+"\n")).Connection
		if got.Addr.String() != c.addr || got.TTL != c.ttl || got.Count != c.count || got.Line != 1 {
			t.Errorf("%q: %v, TTL %d × %d", c.in, got.Addr, got.TTL, got.Count)
		}
	}
}

func TestAddr(t *testing.T) {
	for _, c := range []struct {
		name, in   string
		addr, rtcp string // empty for none
	}{
		{"of the session", "m=audio 4000 RTP/AVP 0\n", "192.0.2.1:4000", "192.0.2.1:4001"},
		{"of the stream", "m=audio 4000 RTP/AVP 0\nc=IN IP6 2001:db8::9\n", "[2001:db8::9]:4000", "[2001:db8::9]:4001"},
		{"the first of several", "m=audio 4000 RTP/AVP 0\nc=IN IP4 233.252.0.1/1\nc=IN IP4 233.252.0.2/1\n", "233.252.0.1:4000", "233.252.0.1:4001"},
		{"disabled", "m=audio 0 RTP/AVP 0\n", "", ""},
		{"no port", "m=audio x RTP/AVP 0\n", "", ""},
		{"a port too high", "m=audio 65536 RTP/AVP 0\n", "", ""},
		{"several ports", "m=audio 4000/3 RTP/AVP 0\n", "192.0.2.1:4000", "192.0.2.1:4001"},
		{"a name", "m=audio 4000 RTP/AVP 0\nc=IN IP4 a.example.com\n", "", ""},
		{"hold of old", "m=audio 4000 RTP/AVP 0\nc=IN IP4 0.0.0.0\n", "0.0.0.0:4000", "0.0.0.0:4001"},
		{"no port above", "m=audio 65535 RTP/AVP 0\n", "192.0.2.1:65535", ""},
		{"rtcp: a port", "m=audio 4000 RTP/AVP 0\na=rtcp:9\n", "192.0.2.1:4000", "192.0.2.1:9"},
		{"rtcp: an address", "m=audio 4000 RTP/AVP 0\na=rtcp:9 IN IP6 2001:db8::7\n", "192.0.2.1:4000", "[2001:db8::7]:9"},
		{"rtcp: nonsense", "m=audio 4000 RTP/AVP 0\na=rtcp:x\n", "192.0.2.1:4000", ""},
		{"not RTP", "m=image 4000 udptl t38\na=rtcp:9\n", "192.0.2.1:4000", ""},
	} {
		m := media(t, c.in)
		if got := addrText(m.Addr()); got != c.addr {
			t.Errorf("%s: %s, want %s", c.name, got, c.addr)
		}
		if got := addrText(m.RTCPAddr()); got != c.rtcp {
			t.Errorf("%s: RTCP %s, want %s", c.name, got, c.rtcp)
		}
	}
	m := parse(t, crlf("v=0\nm=audio 4000 RTP/AVP 0\n")).Media[0]
	if a, ok := m.Addr(); ok || m.Connection().Line != 0 {
		t.Errorf("no connection at all: %v", a)
	}
}

func addrText(a netip.AddrPort, ok bool) string {
	if !ok {
		if a.IsValid() {
			return "not ok, and yet " + a.String()
		}
		return ""
	}
	return a.String()
}

func TestDirection(t *testing.T) {
	for _, c := range []struct {
		session, media string
		want           sdp.Direction
		written, hold  bool
	}{
		{"", "", sdp.SendRecv, false, false},
		{"a=sendonly\n", "", sdp.SendOnly, true, true},
		{"a=sendonly\n", "a=sendrecv\n", sdp.SendRecv, true, false},
		{"", "a=recvonly\n", sdp.RecvOnly, true, false},
		{"", "a=Inactive\n", sdp.Inactive, true, true},
		{"a=inactive\na=recvonly\n", "", sdp.RecvOnly, true, false},
		{"", "a=sendrecv\na=sendonly\n", sdp.SendOnly, true, true},
		{"", "a=sendonlyx\na=x-sendonly\n", sdp.SendRecv, false, false},
	} {
		s := parse(t, withMedia(c.session+"m=audio 4000 RTP/AVP 0\n"+c.media+"m=audio 0 RTP/AVP 0\n"+c.media))
		m, off := &s.Media[0], &s.Media[1]
		if m.Direction() != c.want || m.HasDirection() != c.written || m.IsHold() != c.hold {
			t.Errorf("%q %q: %v %t %t", c.session, c.media, m.Direction(), m.HasDirection(), m.IsHold())
		}
		if off.IsHold() || !off.Disabled() || m.Disabled() {
			t.Errorf("%q %q: a stream that is disabled", c.session, c.media)
		}
	}
	for d, want := range map[sdp.Direction]string{
		sdp.SendRecv: "sendrecv true true sendrecv", sdp.SendOnly: "sendonly true false recvonly",
		sdp.RecvOnly: "recvonly false true sendonly", sdp.Inactive: "inactive false false inactive",
	} {
		if got := fmt.Sprint(d, d.Sends(), d.Receives(), d.Reverse()); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

func TestHoldByAddress(t *testing.T) {
	for _, c := range []struct {
		name, in string
		want     bool
	}{
		{"0.0.0.0", "m=audio 4000 RTP/AVP 0\nc=IN IP4 0.0.0.0\n", true},
		{"::", "m=audio 4000 RTP/AVP 0\nc=IN IP6 ::\n", true},
		{"port 9 without ICE", "m=audio 9 RTP/AVP 0\nc=IN IP4 0.0.0.0\n", true},
		{"ICE that has gathered nothing yet", "m=audio 9 RTP/AVP 0\nc=IN IP4 0.0.0.0\na=ice-ufrag:x\n", false},
		{"ICE that is on hold", "m=audio 9 RTP/AVP 0\nc=IN IP4 0.0.0.0\na=ice-ufrag:x\na=inactive\n", true},
		{"ICE with an address", "m=audio 4000 RTP/AVP 0\nc=IN IP4 0.0.0.0\na=ice-ufrag:x\n", true},
		{"disabled", "m=audio 0 RTP/AVP 0\nc=IN IP4 0.0.0.0\n", false},
		{"an address", "m=audio 4000 RTP/AVP 0\n", false},
		{"a name", "m=audio 4000 RTP/AVP 0\nc=IN IP4 a.example.com\n", false},
	} {
		if got := media(t, c.in).IsHold(); got != c.want {
			t.Errorf("%s: %t", c.name, got)
		}
	}
}

func TestProto(t *testing.T) {
	for _, c := range []struct {
		proto                         string
		rtp, secure, feedback, overTL bool
	}{
		{"RTP/AVP", true, false, false, false},
		{"rtp/avpf", true, false, true, false},
		{"RTP/SAVP", true, true, false, false},
		{"RTP/SAVPF", true, true, true, false},
		{"UDP/TLS/RTP/SAVPF", true, true, true, true},
		{"TCP/DTLS/RTP/SAVP", true, true, false, true},
		{"TCP/RTP/AVP", true, false, false, false},
		{"RTP/X", true, false, false, false},
		{"RTP", false, false, false, false},
		{"udptl", false, false, false, false},
		{"UDP/TLS/UDPTL", false, false, false, true},
		{"UDP/DTLS/SCTP", false, false, false, true},
		{"TCP/MSRP", false, false, false, false},
		{"AVP/RTP", false, false, false, false},
	} {
		m := media(t, "m=audio 4000 "+c.proto+" 0\n")
		if m.IsRTP() != c.rtp || m.IsSecure() != c.secure || m.HasFeedback() != c.feedback || m.IsDTLS() != c.overTL {
			t.Errorf("%s: %t %t %t %t", c.proto, m.IsRTP(), m.IsSecure(), m.HasFeedback(), m.IsDTLS())
		}
		if c.rtp != (len(m.Codecs()) == 1) {
			t.Errorf("%s: codecs %v", c.proto, m.Codecs())
		}
	}
}

func TestCodecs(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"in the order of m=", "m=audio 1 RTP/AVP 8 0 96\na=rtpmap:96 opus/48000/2\na=rtpmap:0 PCMU/8000\n", "8 PCMA/8000 by itself, 0 PCMU/8000, 96 opus/48000/2"},
		{"every static type", "m=audio 1 RTP/AVP 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 25 26 28 31 32 33 34 35 72 95\n",
			"0 PCMU/8000 by itself, 1 /0 by itself, 2 /0 by itself, 3 GSM/8000 by itself, 4 G723/8000 by itself, 5 DVI4/8000 by itself, 6 DVI4/16000 by itself, " +
				"7 LPC/8000 by itself, 8 PCMA/8000 by itself, 9 G722/8000 by itself, 10 L16/44100/2 by itself, 11 L16/44100 by itself, 12 QCELP/8000 by itself, " +
				"13 CN/8000 by itself, 14 MPA/90000 by itself, 15 G728/8000 by itself, 16 DVI4/11025 by itself, 17 DVI4/22050 by itself, 18 G729/8000 by itself, " +
				"19 /0 by itself, 25 CelB/90000 by itself, 26 JPEG/90000 by itself, 28 nv/90000 by itself, 31 H261/90000 by itself, 32 MPV/90000 by itself, " +
				"33 MP2T/90000 by itself, 34 H263/90000 by itself, 35 /0 by itself, 72 /0 by itself, 95 /0 by itself"},
		{"fmtp", "m=audio 1 RTP/AVP 18 101\na=fmtp:18 annexb=no\na=rtpmap:101 telephone-event/8000\na=fmtp:101 0-15,66\n", "18 G729/8000 (annexb=no) by itself, 101 telephone-event/8000 (0-15,66)"},
		{"the last rtpmap and fmtp count", "m=audio 1 RTP/AVP 96\na=rtpmap:96 a/1\na=rtpmap:96 b/2\na=fmtp:96 a\na=fmtp:96 b\n", "96 b/2 (b)"},
		{"of the stream alone", "a=rtpmap:96 a/1\nm=audio 1 RTP/AVP 96\nm=audio 1 RTP/AVP 96\na=rtpmap:96 b/1\n", "96 /0 by itself"},
		{"numbers with zeros in front", "m=audio 1 RTP/AVP 08\na=rtpmap:008 PCMA/8000\n", "8 PCMA/8000"},
		{"an rtpmap without a clock rate", "m=audio 1 RTP/AVP 0 96 97 10\na=rtpmap:0 PCMU\na=rtpmap:96 g729\na=rtpmap:97 x\na=rtpmap:10 L16\n", "0 PCMU/8000, 96 g729/8000, 97 x/0, 10 L16/44100/2"},
		{"another meaning", "m=audio 1 RTP/AVP 0\na=rtpmap:0 opus/48000/2\n", "0 opus/48000/2"},
		{"a clock rate over 32 bits", "m=audio 1 RTP/AVP 96\na=rtpmap:96 x/4294967296\n", "96 x/0"},
		{"no name", "m=audio 1 RTP/AVP 0 96\na=rtpmap:0 /8000\na=rtpmap:96\n", "0 PCMU/8000 by itself, 96 /0 by itself"},
		{"formats that are none", "m=audio 1 RTP/AVP 0 x 128 -1 8\n", "0 PCMU/8000 by itself, 8 PCMA/8000 by itself"},
		{"not RTP", "m=image 1 udptl 0\n", ""},
	} {
		if got := codecs(media(t, c.in).Codecs()); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.name, got, c.want)
		}
	}
}

func TestStatic(t *testing.T) {
	for pt := range 256 {
		c, ok := sdp.Static(uint8(pt))
		if ok != (c.Name != nil) || ok != (c.Clock > 0) || int(c.PayloadType) != pt || c.Mapped || c.Channels == 0 {
			t.Errorf("%d: %+v %t", pt, c, ok)
		}
	}
}

func TestCodecKinds(t *testing.T) {
	for name, want := range map[string]string{"telephone-event": "true true", "Telephone-Event": "true true", "CN": "false true", "red": "false true", "rtx": "false true", "PCMU": "false false", "": "false false"} {
		c := sdp.Codec{Name: []byte(name)}
		if got := fmt.Sprint(c.IsEvent(), c.IsAuxiliary()); got != want {
			t.Errorf("%q: %s", name, got)
		}
	}
	c := sdp.Codec{Params: []byte("mode=20 ; Annexb = no;flag;x=a=b")}
	for name, want := range map[string]string{"mode": "20 true", "annexb": "no true", "flag": " true", "x": "a=b true", "y": " false", "": " false"} {
		if v, ok := c.Param(name); fmt.Sprintf("%s %t", v, ok) != want {
			t.Errorf("parameter %q: %q %t", name, v, ok)
		}
	}
}

func TestPacketTime(t *testing.T) {
	for in, want := range map[string]string{"20": "20 true", "20.0": "20 true", "2.5": "2 true", "0": "0 false", "0.5": "0 false", "-20": "0 false", "20ms": "0 false", "4294967296": "0 false", "": "0 false", "20.x": "0 false"} {
		m := media(t, "m=audio 1 RTP/AVP 0\na=ptime:"+in+"\na=maxptime:"+in+"\n")
		ms, ok := m.PTime()
		most, okMost := m.MaxPTime()
		if fmt.Sprint(ms*b2u(ok), ok) != want || fmt.Sprint(most*b2u(okMost), okMost) != want {
			t.Errorf("%q: %d %t, %d %t", in, ms, ok, most, okMost)
		}
	}
	if _, ok := media(t, "m=audio 1 RTP/AVP 0\n").PTime(); ok {
		t.Error("a packet time out of nowhere")
	}
}

func b2u(b bool) uint32 {
	if b {
		return 1
	}
	return 0
}
