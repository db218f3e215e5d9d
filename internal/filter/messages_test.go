package filter_test

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/internal/filter"
	"github.com/sipsight/sipsight/sipmsg"
)

const invite = `INVITE sips:bob:pass@[2001:db8::9]:5061;transport=tls SIP/2.0
v: SIP/2.0/TLS a.example.com:5071;branch=z9hG4bK1;rport, SIP/2.0 / UDP [2001:db8::1] ;received=192.0.2.7;branch=z9hG4bK2
Via: SIP/2.0/UDP c.example.com;rport=5090;branch=z9hG4bK3
f: Alice A. <sip:alice@example.com;user=phone>;tag=a1
To: "Bob \"B\", sales" <tel:+4930123>;tag=b1
i: 1@example.com
CSeq: 0007 INVITE
m: <sip:alice@192.0.2.1:5060>;q=1, sip:alice@[2001:db8::1];x=y
Subject: one
  two
Max-Forwards: 70
Reason: SIP;cause=487;text="x", Q.850;cause=16
Authorization: Digest username="alice", realm="r, s", response="5ec4e7", algorithm=MD5
RAck: 776 1 INVITE
P-Asserted-Identity: <sip:+4930@pbx.example.com>
Content-Type: multipart/mixed;boundary=b
Content-Length: 300

--b
Content-Type: application/sdp

v=0
o=alice 1 2 IN IP4 192.0.2.1
s=-
c=IN IP4 192.0.2.1/127
t=0 0
a=sendonly
m=audio 6000/2 RTP/AVP 0 8
a=rtpmap:8 PCMA/8000
a=crypto:1 AES_CM inline:5ec4e7
m=video 0 RTP/AVP 31
--b--
`

const busy = "SIP/2.0 486 Busy Here\nVia: SIP/2.0/UDP h\nFrom: <sip:a@h>;tag=1\nTo: sip:b@h;tag=2\nCall-ID: 2\nCSeq: 1 INVITE\nServer: PBX\n\n"

// message returns a message as an analysis has it.
func message(t testing.TB, text string) *analysis.Message {
	var m sipmsg.Message
	if err := m.Parse([]byte(strings.ReplaceAll(text, "\n", "\r\n"))); err != nil {
		t.Fatal(err)
	}
	return &analysis.Message{
		Frame: analysis.Frame{Number: 17}, Time: time.Date(1969, 12, 31, 23, 59, 58, 5e8, time.UTC), HasTime: true,
		Transport: "UDP", Source: netip.MustParseAddrPort("192.0.2.1:5060"), Destination: netip.MustParseAddrPort("192.0.2.2:5080"), SIP: &m,
	}
}

// TestMessages says of each expression whether it holds for the request, and for the
// response. What tshark says of fields is compared elsewhere, where it is installed.
func TestMessages(t *testing.T) {
	for _, test := range []struct {
		expr              string
		request, response bool
	}{
		{`sip and frame and udp and ip and not (tcp or ipv6 or sctp or websocket)`, true, true},
		{`frame.number == 17`, true, true},
		{`frame.number == 1:17`, true, true},
		{`frame.number == 2:17`, false, false},
		{`frame.time_epoch == -1.5 and frame.time == "1969-12-31 23:59:58.5"`, true, true},
		{`frame.time < "1970-01-01T01:00+01:00" and frame.time < "1970-01-01 00:00Z" and frame.time > "1970-01-01T00:59:58+0100"`, true, true},
		{`frame.time_epoch > -1.5 or frame.time_epoch < -1.5`, false, false},
		{`ip.src == 192.0.2.1 and ip.dst == 192.0.2.2 and ip.addr == 192.0.2.2 and ip.addr !== 192.0.2.2`, true, true},
		{`ip.addr != 192.0.2.2 or ipv6.addr != ::1 or ipv6.src == ::/0`, false, false},
		{`udp.port == 5080 and udp.srcport == 5060 and udp.dstport == 5080`, true, true},
		{`tcp.port or tcp.srcport == 5060 or sctp.port`, false, false},

		{`sip.Request and sip.Request-Line contains "INVITE sips:" and sip.Method == INVITE`, true, false},
		{`sip.Response and sip.Status-Line == "SIP/2.0 486 Busy Here" and sip.Status-Code == 486`, false, true},
		{`sip.Status-Code != 487`, false, true},
		{`not sip.Status-Code == 487`, true, true},
		{`sip.Request-Line == "INVITE sips:bob:***@[2001:db8::9]:5061;transport=tls SIP/2.0"`, true, false},
		{`sip.r-uri == "sips:bob:***@[2001:db8::9]:5061;transport=tls"`, true, false},
		{`sip.r-uri.user == "bob:***" and sip.r-uri.host == "[2001:db8::9]" and sip.r-uri.port == 5061`, true, false},
		{`sip contains "pass" or sip.msg_hdr contains "5ec4e7" or sip matches "5ec4e7"`, false, false},
		{`sip matches "^sip/2.0 486" and sip contains "PBX"`, false, true},
		{`sip.msg_hdr contains "INVITE sips"`, false, false},
		{`sip.msg_hdr contains "v: SIP/2.0/TLS" and sip.msg_hdr contains "m=audio"`, true, false},
		{`sip.msg_body`, true, false},

		{`sip.Via.branch == z9hG4bK1 and sip.Via.branch == z9hG4bK2 and sip.Via.branch == z9hG4bK3`, true, false},
		{`sip.Via.transport == TLS and sip.Via.transport == UDP`, true, false},
		{`sip.Via.transport === UDP`, false, true},
		{`sip.Via.sent-by.address == "2001:db8::1" and sip.Via.sent-by.port == 5071 and sip.Via.sent-by.port === 5071`, true, false},
		{`sip.Via.received == 192.0.2.7 and sip.Via.rport == rport and sip.Via.rport == "5090"`, true, false},
		{`sip.Via == "SIP/2.0/UDP c.example.com;rport=5090;branch=z9hG4bK3"`, true, false},

		{`sip.from.addr == "sip:alice@example.com;user=phone" and sip.from.user == alice and sip.from.host == "example.com"`, true, false},
		{`sip.from.tag == a1 and sip.to.tag == b1 and sip.tag == b1 and sip.tag !== b1`, true, false},
		{`sip.from.display.info == "Alice A. " and sip.to.display.info == "\"Bob \\\"B\\\", sales\""`, true, false},
		{`sip.to.addr == "tel:+4930123" and not sip.to.user and not sip.to.host`, true, false},
		{`sip.to.addr == "sip:b@h" and sip.to.tag == "2"`, false, true},
		{`sip.contact.uri == "sip:alice@192.0.2.1:5060" and sip.contact.host == "[2001:db8::1]" and sip.contact.port === "5060"`, true, false},
		{`sip.pai.user == "+4930"`, true, false},

		{`sip.Call-ID == "1@example.com"`, true, false},
		{`sip.CSeq.seq == 7 and sip.CSeq.method == INVITE and sip.CSeq == "0007 INVITE"`, true, false},
		{`sip.RAck.RSeq.seq == 776 and sip.RAck.CSeq.seq == 1 and sip.RAck.CSeq.method == INVITE`, true, false},
		{`sip.Subject == "one two"`, true, false},
		{`sip.Max-Forwards >= 70 and sip.Content-Length == 300`, true, false},
		{`sip.Server == PBX and not sip.User-Agent`, false, true},
		{`sip.reason_cause_q850 == 16 and sip.reason_cause_sip == 487`, true, false},
		{`sip.auth.username == "\"alice\"" and sip.auth.realm == "\"r, s\"" and sip.auth.scheme == Digest and sip.auth.algorithm == MD5`, true, false},
		{`sip.Authorization contains "response=\"***\""`, true, false},

		{`sdp and sdp contains "PCMA"`, true, false},
		{`sdp.version == "0" and sdp.owner.username == alice and sdp.owner.version == "2" and sdp.owner.address == 192.0.2.1`, true, false},
		{`sdp.connection_info.address == "192.0.2.1" and sdp.connection_info contains "/127"`, true, false},
		{`sdp.media == "audio 6000/2 RTP/AVP 0 8" and sdp.media.media == video and sdp.media.port == 6000 and sdp.media.port == 0 and sdp.media.proto === "RTP/AVP"`, true, false},
		{`sdp.session_attr === sendonly and sdp.media_attr contains "rtpmap" and sdp.mime.type == PCMA`, true, false},
		{`sdp contains "5ec4e7" or sdp.media_attr contains "5ec4e7"`, false, false},
		{`sdp.media_attr == "crypto:1 AES_CM inline:***"`, true, false},
	} {
		f, err := filter.Messages().Parse(test.expr)
		if err != nil {
			t.Errorf("%s: %v", test.expr, err)
			continue
		}
		if request, response := f.Match(message(t, invite)), f.Match(message(t, busy)); request != test.request || response != test.response {
			t.Errorf("%s is %t and %t, want %t and %t", test.expr, request, response, test.request, test.response)
		}
	}
}

// TestSecrets: with Secrets, filters see what is there.
func TestSecrets(t *testing.T) {
	for _, expr := range []string{
		`sip contains "bob:pass@"`, `sip.Request-Line contains "pass"`, `sip.r-uri.user == "bob:pass"`, `sip.msg_hdr contains "response=\"5ec4e7"`,
		`sip.Authorization contains "5ec4e7"`, `sdp contains "inline:5ec4e7"`, `sdp.media_attr contains "5ec4e7"`,
	} {
		f, err := filter.Messages().Parse(expr)
		if err != nil {
			t.Fatal(err)
		}
		if f.Match(message(t, invite)) {
			t.Errorf("%s sees a secret", expr)
		}
		if f.Secrets = true; !f.Match(message(t, invite)) {
			t.Errorf("%s does not see what it may see", expr)
		}
	}
}

// TestAllocations: filters do not allocate once their buffers have grown.
func TestAllocations(t *testing.T) {
	m := message(t, invite)
	test := func(expr string) {
		f, err := filter.Messages().Parse(expr)
		if err != nil {
			t.Fatal(err)
		}
		f.Match(m)
		if n := testing.AllocsPerRun(100, func() { f.Match(m) }); n != 0 {
			t.Errorf("%s: %v allocations", expr, n)
		}
	}
	test(`sip.Method == "BYE" or sip.Call-ID contains "x" or sip.CSeq.seq > 7`)
	test(`ip.addr == 10.0.0.0/8 or udp.port in {1, 3 .. 9} or frame.time < "1960-01-01"`)
	test(`sip.from.user in {"a", "b" .. "c"} or sip.User-Agent matches "x"`)
	test(`sip.Via.branch == x`)
	test(`sip.contact.uri == x`)
	test(`sip.Reason contains "nowhere"`)
}

func BenchmarkMatch(b *testing.B) {
	m := message(b, invite)
	for _, x := range []struct{ name, expr string }{
		{"method", `sip.Method == "BYE"`},
		{"call-id", `sip.Call-ID == "2@example.com"`},
		{"address-or-status", `ip.addr == 10.0.0.0/8 or sip.Status-Code >= 400`},
		{"from-user", `sip.from.user == "bob"`},
		{"whole-text", `sip contains "nowhere"`},
		{"pattern", `sip.User-Agent matches "yealink" or sip.From matches "^.bob"`},
	} {
		b.Run(x.name, func(b *testing.B) {
			f, err := filter.Messages().Parse(x.expr)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				if f.Match(m) {
					b.Fatal("it matches")
				}
			}
		})
	}
}
