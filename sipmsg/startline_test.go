package sipmsg_test

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/sipsight/sipsight/sipmsg"
)

var sniffTests = []struct {
	name string
	in   string
	want bool
}{
	{"request", "INVITE sip:bob@example.com SIP/2.0\r\n", true},
	{"request, all of it", strings.ReplaceAll(invite, "\n", "\r\n"), true},
	{"request, LF alone", "BYE sip:bob@example.com SIP/2.0\n", true},
	{"request, no line end", "ACK sip:bob@example.com SIP/2.0", true},
	{"request, version in lower case", "INVITE sip:bob@example.com sip/2.0\r\n", true},
	{"request, another version", "OPTIONS sip:bob@example.com SIP/7.0\r\n", true},
	{"request, a long version", "OPTIONS sip:bob@example.com SIP/10.25\r\n", true},
	{"request, extension method", "FROB sip:bob@example.com SIP/2.0\r\n", true},
	{"request, method in lower case", "invite sip:bob@example.com SIP/2.0\r\n", true},
	{"request, method of every kind of character", "a-.!%*_+`'~9 sip:bob@example.com SIP/2.0\r\n", true},
	{"request, method of one character", "X sip:bob@example.com SIP/2.0\r\n", true},
	{"request, unknown scheme", "OPTIONS zork:opaque SIP/2.0\r\n", true},
	{"request, line ends in front", "\r\n\r\nINVITE sip:bob@example.com SIP/2.0\r\n", true},
	{"request, many line ends in front", strings.Repeat("\r\n", 500) + "INVITE sip:bob@example.com SIP/2.0\r\n", true},
	{"request, extra blanks", "INVITE   sip:bob@example.com   SIP/2.0\r\n", true},
	{"request, blanks at the end", "INVITE sip:bob@example.com SIP/2.0 \t \r\n", true},
	{"request, blank inside of the URI", "INVITE sip:bob@example.com; lr SIP/2.0\r\n", true},
	{"request, angle brackets", "INVITE <sip:bob@example.com> SIP/2.0\r\n", true},
	{"request, no version", "INVITE sip:bob@example.com\r\n", true},
	{"request, no version, sips", "INVITE SIPS:bob@example.com\r\n", true},
	{"request, no version, tel", "INVITE tel:+15550100\r\n", true},
	{"request, no URI", "INVITE SIP/2.0\r\n", true},
	{"request, long URI", "INVITE sip:" + strings.Repeat("x", 12000) + "@example.com SIP/2.0\r\n", true},
	{"response", "SIP/2.0 200 OK\r\n", true},
	{"response, lower case", "sip/2.0 200 OK\r\n", true},
	{"response, no reason phrase", "SIP/2.0 200\r\n", true},
	{"response, cut behind the status code", "SIP/2.0 200", true},
	{"response, extra blanks", "SIP/2.0   200  OK\r\n", true},
	{"response, another version", "SIP/7.0 200 OK\r\n", true},
	{"response, status code too large", "SIP/2.0 4294967301 No\r\n", true},
	{"response, line ends in front", "\n\r\n\nSIP/2.0 200 OK\r\n", true},

	{"empty", "", false},
	{"keepalive, one line end", "\r\n", false},
	{"keepalive, two line ends", "\r\n\r\n", false},
	{"keepalive, NULs", "\x00\x00\x00\x00", false},
	{"line ends and nothing of ours", "\r\n\r\nHTTP/1.1 200 OK\r\n", false},
	{"HTTP request", "GET /sip:x HTTP/1.1\r\nHost: example.com\r\n", false},
	{"HTTP request with a known method", "OPTIONS * HTTP/1.1\r\nHost: example.com\r\n", false},
	{"HTTP upgrade", "GET / HTTP/1.1\r\nUpgrade: websocket\r\nSec-WebSocket-Protocol: sip SIP/2.0\r\n", false},
	{"HTTP response", "HTTP/1.1 200 OK\r\n", false},
	{"HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", false},
	{"RTSP request", "OPTIONS rtsp://example.com/stream RTSP/1.0\r\n", false},
	{"RTSP response", "RTSP/1.0 200 OK\r\n", false},
	{"SSDP search", "M-SEARCH * HTTP/1.1\r\nMAN: \"ssdp:discover\"\r\n", false},
	{"SSDP notify", "NOTIFY * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\n", false},
	{"MSRP request", "MSRP a786hjs2 SEND\r\nTo-Path: msrp://example.com:7654/x;tcp\r\n", false},
	{"MSRP response", "MSRP a786hjs2 200 OK\r\n", false},
	{"ICY", "ICY 200 OK\r\nicy-name: radio\r\n", false},
	{"MGCP", "RQNT 1201 aaln/1@gw.example.com MGCP 1.0\r\n", false},
	{"syslog", "<134>1 2026-01-02T03:04:05Z host app - - - INVITE sip:bob@example.com SIP/2.0\n", false},
	{"syslog without a priority", "Jan  2 03:04:05 host sipd: INVITE sip:bob@example.com SIP/2.0 received\n", false},
	{"SMTP", "MAIL FROM:<sip:bob@example.com>\r\n", false},
	{"SDP", "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\n", false},
	{"header line", "Via: SIP/2.0/UDP 192.0.2.1\r\n", false},
	{"JSON", "{\"sip\": \"SIP/2.0\"}\n", false},
	{"DNS", "INVITE\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x03sip\x07example\x03com\x00\x00\x01\x00\x01", false},
	{"STUN", "\x00\x01\x00\x00\x21\x12\xa4\x42abcdefghijkl", false},
	{"RTP", "\x80\x00\x12\x34\x00\x00\x00\xa0\xde\xad\xbe\xefSIP/2.0 200 OK\r\n", false},
	{"RTCP", "\x81\xc8\x00\x0c\xde\xad\xbe\xef", false},
	{"TLS", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", false},
	{"text that ends in a version", "hello SIP/2.0\r\n", false},
	{"method alone", "INVITE", false},
	{"method and a line end", "INVITE\r\n", false},
	{"method and a blank", "INVITE ", false},
	{"unknown method without a version", "FROB sip:bob@example.com\r\n", false},
	{"known method, no version, unknown scheme", "INVITE mailto:bob@example.com\r\n", false},
	{"known method, no version, no scheme", "INVITE bob\r\n", false},
	{"known method, no version, cut in the URI", "INVITE sip:bob@example.com", false},
	{"known method, something in front of the scheme", "INVITE x-sip:bob@example.com\r\n", false},
	{"version without a point", "INVITE sip:bob@example.com SIP/2\r\n Via", true}, // by its method and scheme
	{"unknown method, version without a point", "FROB sip:bob@example.com SIP/2\r\n", false},
	{"unknown method, version without a minor number", "FROB sip:bob@example.com SIP/2.\r\n", false},
	{"unknown method, version without a major number", "FROB sip:bob@example.com SIP/.0\r\n", false},
	{"unknown method, version with more behind it", "FROB sip:bob@example.com SIP/2.0x\r\n", false},
	{"unknown method, a blank inside of the version", "FROB sip:bob@example.com SIP/ 2.0\r\n", false},
	{"URI longer than anything sane", "FROB sip:" + strings.Repeat("x", 20000) + "@example.com SIP/2.0\r\n", false},
	{"blank in front", " INVITE sip:bob@example.com SIP/2.0\r\n", false},
	{"method that is no token", "IN(VITE sip:bob@example.com SIP/2.0\r\n", false},
	{"response, two digits", "SIP/2.0 20 OK\r\n", false},
	{"response, no digits", "SIP/2.0 OK\r\n", false},
	{"response, no blank", "SIP/2.0200 OK\r\n", false},
	{"response, version alone", "SIP/2.0", false},
	{"response, version and a blank", "SIP/2.0 ", false},
	{"response, no version number", "SIP/ 200 OK\r\n", false},
	{"three letters", "SIP", false},
	{"four letters", "SIP/", false},
}

// TestSniffCut: what is the beginning of a message is told by it, wherever it was cut behind the scheme.
func TestSniffCut(t *testing.T) {
	for _, whole := range []string{"INVITE sip:bob@example.com SIP/2.0\r\nVia: x\r\n\r\n", "BYE sips:b SIP/2.0\r\n", "SIP/2.0 200 OK\r\n"} {
		for n := range len(whole) + 1 {
			told := n >= len("SIP/2.0 200")
			if i := strings.IndexByte(whole, ':'); i > 0 && whole[0] != 'S' {
				told = n > i
			}
			if got := sipmsg.SniffCut(clip(whole[:n])); got != told {
				t.Errorf("%q: %t", whole[:n], got)
			}
		}
	}
	for _, in := range []string{"", "FROB sip:bob", "INVITE http://h", "FROB sip:b\n", "OPTIONS * RT", "INVITE"} {
		if sipmsg.SniffCut(clip(in)) {
			t.Errorf("%q", in)
		}
	}
}

func TestSniff(t *testing.T) {
	for _, test := range sniffTests {
		t.Run(test.name, func(t *testing.T) {
			in := clip(test.in)
			if got := sipmsg.Sniff(in); got != test.want {
				t.Errorf("%t, want %t", got, test.want)
			}
			if n := testing.AllocsPerRun(10, func() { sipmsg.Sniff(in) }); n != 0 {
				t.Errorf("%v allocations", n)
			}
			var m sipmsg.Message
			if err := m.Parse(in); test.want && err != nil {
				t.Errorf("sniffed, but Parse says %v", err)
			}
		})
	}
}

func TestSniffRandom(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	b := make([]byte, 200)
	n := testing.AllocsPerRun(2000, func() {
		for i := range b {
			b[i] = byte(r.Uint32())
		}
		if sipmsg.Sniff(b) {
			t.Errorf("taken for SIP: %q", b)
		}
	})
	if n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestStartLine(t *testing.T) {
	tests := []struct {
		name   string
		in     string
		want   string // the first line of a dump
		quirks string
	}{
		{"request", "INVITE sip:bob@example.com SIP/2.0", "request INVITE|sip:bob@example.com|SIP/2.0", ""},
		{"extension method", "FROB sip:bob@example.com SIP/2.0", "request FROB|sip:bob@example.com|SIP/2.0", ""},
		{"method that only looks escaped", "IN%56ITE sip:bob@example.com SIP/2.0", "request IN%56ITE|sip:bob@example.com|SIP/2.0", ""},
		{"very long method", strings.Repeat("x", 40) + " sip:a SIP/2.0", "request " + strings.Repeat("x", 40) + "|sip:a|SIP/2.0", ""},
		{"lower-case version", "INVITE sip:bob@example.com sip/2.0", "request INVITE|sip:bob@example.com|sip/2.0", "version-case"},
		{"mixed-case version", "INVITE sip:bob@example.com Sip/2.0", "request INVITE|sip:bob@example.com|Sip/2.0", "version-case"},
		{"other version", "INVITE sip:bob@example.com SIP/7.0", "request INVITE|sip:bob@example.com|SIP/7.0", "version-unknown"},
		{"version with a leading zero", "INVITE sip:bob@example.com SIP/02.0", "request INVITE|sip:bob@example.com|SIP/02.0", "version-unknown"},
		{"lower-case method", "invite sip:bob@example.com SIP/2.0", "request invite|sip:bob@example.com|SIP/2.0", "odd-method-case"},
		{"method in title case", "Subscribe sip:bob@example.com SIP/2.0", "request Subscribe|sip:bob@example.com|SIP/2.0", "odd-method-case"},
		{"lower-case method that is not known", "frob sip:bob@example.com SIP/2.0", "request frob|sip:bob@example.com|SIP/2.0", ""},
		{"blanks before the URI", "INVITE  sip:bob@example.com SIP/2.0", "request INVITE|sip:bob@example.com|SIP/2.0", "start-line-space"},
		{"blanks behind the URI", "INVITE sip:bob@example.com  SIP/2.0", "request INVITE|sip:bob@example.com|SIP/2.0", "start-line-space"},
		{"blanks at the end", "INVITE sip:bob@example.com SIP/2.0  ", "request INVITE|sip:bob@example.com|SIP/2.0", "start-line-space"},
		{"blank inside of the URI", "INVITE sip:bob@example.com; lr SIP/2.0", "request INVITE|sip:bob@example.com; lr|SIP/2.0", "start-line-malformed"},
		{"no version", "INVITE sip:bob@example.com", "request INVITE|sip:bob@example.com|", "start-line-malformed"},
		{"no URI", "INVITE SIP/2.0", "request INVITE||SIP/2.0", "start-line-malformed"},
		{"no URI and no version", "INVITE ", "request INVITE||", "start-line-malformed"},
		{"half a version", "INVITE sip:bob@example.com SIP/2", "request INVITE|sip:bob@example.com SIP/2|", "start-line-malformed"},
		{"version behind a tab", "INVITE sip:bob@example.com\tSIP/2.0", "request INVITE|sip:bob@example.com\tSIP/2.0|", "start-line-malformed"},

		{"response", "SIP/2.0 200 OK", "response SIP/2.0|200=200|OK", ""},
		{"reason phrase of several words", "SIP/2.0 503 Try again, later: 2/3", "response SIP/2.0|503=503|Try again, later: 2/3", ""},
		{"reason phrase in UTF-8", "SIP/2.0 486 Besetzt – später", "response SIP/2.0|486=486|Besetzt – später", ""},
		{"empty reason phrase", "SIP/2.0 100 ", "response SIP/2.0|100=100|", ""},
		{"no blank for the reason phrase", "SIP/2.0 100", "response SIP/2.0|100=100|", "start-line-malformed"},
		{"blanks before the reason phrase", "SIP/2.0 200  OK", "response SIP/2.0|200=200| OK", ""},
		{"blanks before the status code", "SIP/2.0  200 OK", "response SIP/2.0|200=200|OK", "start-line-space"},
		{"letters at the status code", "SIP/2.0 200OK", "response SIP/2.0|200=200|OK", "start-line-malformed"},
		{"699", "SIP/2.0 699 Edge", "response SIP/2.0|699=699|Edge", ""},
		{"700", "SIP/2.0 700 Over", "response SIP/2.0|700=700|Over", "status-out-of-range"},
		{"100", "SIP/2.0 100 Trying", "response SIP/2.0|100=100|Trying", ""},
		{"099", "SIP/2.0 099 Under", "response SIP/2.0|099=0|Under", "status-out-of-range"},
		{"0200", "SIP/2.0 0200 Long", "response SIP/2.0|0200=0|Long", "status-out-of-range"},
		{"2^32+5", "SIP/2.0 4294967301 Wrapped", "response SIP/2.0|4294967301=0|Wrapped", "status-out-of-range"},
		{"2^64+200", "SIP/2.0 18446744073709551816 Wrapped", "response SIP/2.0|18446744073709551816=0|Wrapped", "status-out-of-range"},
		{"lower-case version of a response", "sip/2.0 200 OK", "response sip/2.0|200=200|OK", "version-case"},
		{"other version of a response", "SIP/3.1 200 OK", "response SIP/3.1|200=200|OK", "version-unknown"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			m := parse(t, clip(test.in+"\r\n\r\n"))
			first, _, _ := strings.Cut(dump(m), "\n")
			if first != test.want {
				t.Errorf("got  %s\nwant %s", first, test.want)
			}
			if got := quirks(m.Quirks()); got != test.quirks {
				t.Errorf("quirks %q, want %q", got, test.quirks)
			}
			if string(m.StartLine) != test.in {
				t.Errorf("start line %q", m.StartLine)
			}
			if m.IsRequest() == strings.HasPrefix(test.want, "response") {
				t.Errorf("IsRequest is %t", m.IsRequest())
			}
		})
	}
}

func TestKnownMethod(t *testing.T) {
	for method := range strings.FieldsSeq("ACK BYE CANCEL INFO INVITE MESSAGE NOTIFY OPTIONS PRACK PUBLISH REFER REGISTER SUBSCRIBE UPDATE") {
		if !sipmsg.KnownMethod([]byte(method)) {
			t.Errorf("%s is not known", method)
		}
		if sipmsg.KnownMethod([]byte(strings.ToLower(method))) || sipmsg.KnownMethod([]byte(method+"S")) || sipmsg.KnownMethod([]byte(method[1:])) {
			t.Errorf("what is like %s is known", method)
		}
	}
	if sipmsg.KnownMethod(nil) {
		t.Error("the empty method is known")
	}
}

// TestSniffWhole: what begins like a request and is a line of a log is none.
func TestSniffWhole(t *testing.T) {
	for in, want := range map[string]bool{
		"INVITE sip:b@h SIP/2.0\r\n\r\n":                        true,
		"\r\n\r\nINVITE sip:b@h SIP/2.0\r\nVia: x\r\n\r\n":      true,
		"INVITE sip:b@h SIP/2.0":                                true,
		"SIP/2.0 200 OK\r\n":                                    true,
		"PING sip:b@h SIP/2.0\r\n\r\n":                          true,
		"PING b SIP/2.0\r\nVia: SIP/2.0/UDP h\r\n\r\n":          true,
		"OPTIONS b SIP/2.0\r\n\r\n":                             true,
		"INVITE sip:b@h\r\nVia: SIP/2.0/UDP h\r\n\r\n":          true,
		"INVITE sip:b@h\r\n\r\n":                                false,
		"INFO sip:registrar - user 100 registered\n":            false,
		"INFO sip:registrar - user 100 registered\nand again\n": false,
		"MESSAGE sip:stack restarted by admin\r\n":              false,
		"INVITE sip:bob@example.com from 10.0.0.3 rejected\n":   false,
		"ACK tel:+123\n":                                        false,
		"debug sending SIP/2.0\r\n":                             false,
		"debug sending SIP/2.0\r\nto: 192.0.2.1\r\n":            true, // nothing tells
		"GET / HTTP/1.1\r\nHost: h\r\n\r\n":                     false,
		"":                                                      false,
	} {
		if got := sipmsg.SniffWhole([]byte(in)); got != want {
			t.Errorf("%q: %v", in, got)
		}
	}
}
