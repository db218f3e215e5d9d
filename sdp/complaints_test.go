package sdp_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/sipsight/sipsight/sdp"
)

// odd are descriptions and what is wrong with them, each complaint as line and id. Those
// marked media stand behind five lines of a session.
var odd = []oddity{
	{"plain", true, "m=audio 4000 RTP/AVP 0\n", ""},
	{"all lines", false, "v=0\no=- 1 1 IN IP4 a.example.com\ns= \ni=about\nu=http://example.com/\ne=a@example.com\ne=b@example.com\np=+1 555 0100\n" +
		"c=IN IP4 a.example.com\nb=AS:64\nb=CT:64\nt=1 2\nr=7d 1h 0 25h\nz=2882844526 -1h\nt=3 4\na=tool:x\nm=audio 4000 RTP/AVP 0\ni=first\nc=IN IP6 ::1\nb=AS:1\na=ptime:20\n", ""},
	{"no media", true, "", ""},

	{"a line of words", true, "hello\n", "6:line"},
	{"a digit for a letter", true, "1=2\n", "6:line"},
	{"two letters", true, "ab=2\n", "6:line"},
	{"a letter alone", true, "a\n", "6:line"},
	{"empty lines", true, "\nm=audio 4000 RTP/AVP 0\n\n", "6:empty-line 8:empty-line"},
	{"blanks alone", true, " \t\n", "6:empty-line"},
	{"letters that mean nothing", true, "x=1\nM=audio 4000 RTP/AVP 0\n", "6:letter 7:letter"},
	{"blanks before the letter", true, " m=audio 4000 RTP/AVP 0\n", "6:space"},
	{"blanks around the equals sign", true, "m = audio 4000 RTP/AVP 0\n", "6:space"},
	{"blanks at the end", true, "m=audio 4000 RTP/AVP 0 \na=sendrecv \na=x-y: z \n", "6:space"},
	{"blanks in front of an attribute", true, "a= sendrecv\n", "6:space"},
	{"two blanks", true, "m=audio  4000 RTP/AVP 0\n", "6:space"},
	{"a tab", true, "m=audio\t4000 RTP/AVP 0\nc=IN IP4\t192.0.2.1\n", "6:space 7:space"},
	{"NUL", true, "i\x00=x\nm=audio 4000 RTP/AVP 0\na=x\x00\n", "6:nul 6:line 8:nul 8:attribute"},

	{"order", false, "v=0\ns=-\no=- 1 1 IN IP4 192.0.2.1\nt=0 0\nc=IN IP4 192.0.2.1\na=x\nb=AS:1\n", "3:order 5:order 7:order"},
	{"order of media", true, "m=audio 4000 RTP/AVP 0\na=ptime:20\nc=IN IP4 192.0.2.1\n", "8:order"},
	{"a session line behind media", true, "m=audio 4000 RTP/AVP 0\nt=0 0\ns=late\n", "7:order 8:order"},
	{"lines that may stand once", false, "v=0\nv=1\no=a 1 1 IN IP4 192.0.2.1\no=b 2 2 IN IP4 192.0.2.1\ns=a\ns=b\nc=IN IP4 192.0.2.1\nc=IN IP4 192.0.2.2\nt=0 0\n",
		"2:twice 4:twice 6:twice 8:twice"},
	{"i= twice", true, "m=audio 4000 RTP/AVP 0\ni=a\ni=b\nm=audio 4000 RTP/AVP 0\ni=a\n", "8:twice"},
	{"nothing that must be there", false, "a=x\n", "0:no-version 0:no-origin 0:no-name 0:no-time"},
	{"no connection", false, "v=0\no=- 1 1 IN IP4 192.0.2.1\ns=-\nt=0 0\nm=audio 4000 RTP/AVP 0\nm=video 0 RTP/AVP 31\nm=audio 4000 RTP/AVP 0\nc=IN IP4 192.0.2.1\n", "5:no-connection"},

	{"version", false, "v=1\no=- 1 1 IN IP4 192.0.2.1\ns=-\nt=0 0\n", "1:version"},
	{"version is no number", false, "v=zero\no=- 1 1 IN IP4 192.0.2.1\ns=-\nt=0 0\n", "1:version"},
	{"origin of words", false, "v=0\no=Alice B. Example 1 2 IN IP4 192.0.2.1\ns=-\nt=0 0\n", "2:origin-user"},
	{"origin without user", false, "v=0\no= 1 2 IN IP4 192.0.2.1\ns=-\nt=0 0\n", "2:space 2:origin-user"},
	{"origin cut short", false, "v=0\no=- 1 2\ns=-\nt=0 0\n", "2:origin"},
	{"empty origin", false, "v=0\no=\ns=-\nt=0 0\n", "2:origin"},
	{"ids that are no numbers", false, "v=0\no=- a1 -2 IN IP4 192.0.2.1\ns=-\nt=0 0\n", "2:session-id 2:session-version"},
	{"empty name", false, "v=0\no=- 1 1 IN IP4 192.0.2.1\ns=\nt=0 0\n", "3:name"},
	{"time", false, "v=0\no=- 1 1 IN IP4 192.0.2.1\ns=-\nt=0\nt=a b\nt=0 0 0\nt=-1 0\nt=0  0\n", "4:time 5:time 6:time 7:time 8:space"},
	{"repeat without time", false, "v=0\no=- 1 1 IN IP4 192.0.2.1\ns=-\nr=7d 1h 0\nt=0 0\n", "4:repeat"},
	{"key", true, "k=prompt\nm=audio 4000 RTP/AVP 0\nk=clear:secret\n", "6:key 8:key"},

	{"connection cut short", true, "m=audio 4000 RTP/AVP 0\nc=IN IP4\n", "7:connection"},
	{"connection too long", true, "m=audio 4000 RTP/AVP 0\nc=IN IP4 192.0.2.1 x\n", "7:connection"},
	{"connection without IN", true, "m=audio 4000 RTP/AVP 0\nc=IP4 192.0.2.1\n", "7:connection"},
	{"empty connection", true, "m=audio 4000 RTP/AVP 0\nc=\n", "7:connection"},
	{"IPv6 as IP4", true, "m=audio 4000 RTP/AVP 0\nc=IN IP4 2001:db8::1\n", "7:address-type"},
	{"IPv4 as IP6", true, "m=audio 4000 RTP/AVP 0\nc=IN IP6 192.0.2.1\n", "7:address-type"},
	{"IPv4 mapped into IPv6", true, "m=audio 4000 RTP/AVP 0\nc=IN IP6 ::ffff:192.0.2.1\n", ""},
	{"no address", true, "m=audio 4000 RTP/AVP 0\nc=IN IP4 192.0.2.300\n", "7:address-type"},
	{"leading zeros", true, "m=audio 4000 RTP/AVP 0\nc=IN IP4 192.000.002.001\n", "7:address-type"},
	{"an address with a zone", true, "m=audio 4000 RTP/AVP 0\nc=IN IP6 fe80::1%eth0\n", "7:address-type"},
	{"another network", true, "m=audio 4000 ATM/AVP x\nc=ATM NSAP 47.0091.8100\n", ""},
	{"an address of no type", true, "m=audio 4000 RTP/AVP 0\nc=IN IP5 192.0.2.1\n", "7:address-type"},
	{"multicast", true, "m=audio 4000 RTP/AVP 0\nc=IN IP4 233.252.0.1/127/3\nm=audio 4000 RTP/AVP 0\nc=IN IP6 ff15::101/3\n", ""},
	{"multicast without TTL", true, "m=audio 4000 RTP/AVP 0\nc=IN IP4 233.252.0.1\n", "7:ttl"},
	{"TTL too high", true, "m=audio 4000 RTP/AVP 0\nc=IN IP4 233.252.0.1/256\n", "7:ttl"},
	{"unicast with TTL", true, "m=audio 4000 RTP/AVP 0\nc=IN IP4 192.0.2.1/127\n", "7:ttl"},
	{"counts of addresses", true, "m=audio 4000 RTP/AVP 0\nc=IN IP4 233.252.0.1/1/0\nm=audio 4000 RTP/AVP 0\nc=IN IP6 ff15::101/x\n", "7:address-count 9:address-count"},
	{"several connections", true, "m=audio 4000 RTP/AVP 0\nc=IN IP4 192.0.2.1\nc=IN IP4 192.0.2.2\n", "8:many-connections"},
	{"several connections of multicast", true, "m=audio 4000 RTP/AVP 0\nc=IN IP4 233.252.0.1/1\nc=IN IP4 233.252.0.2/1\n", ""},
	{"bandwidths", true, "m=audio 4000 RTP/AVP 0\nb=AS:64\nb=X-y:1\nb=AS\nb=:1\nb=AS:-1\nb=AS:18446744073709551616\nb=A S:1\n", "9:bandwidth 10:bandwidth 11:bandwidth 12:bandwidth 13:bandwidth"},

	{"media cut short", true, "m=audio\nm=\nm=audio 4000\nm=audio 4000 RTP/AVP\n", "6:media 7:media 8:media 9:no-format"},
	{"ports", true, "m=audio 65535 RTP/AVP 0\nm=audio 65536 RTP/AVP 0\nm=audio -1 RTP/AVP 0\nm=audio $ RTP/AVP 0\nm=audio 0x10 RTP/AVP 0\nm=audio 99999999999999999999 RTP/AVP 0\n",
		"7:port 8:port 9:port 10:port 11:port"},
	{"counts of ports", true, "m=audio 4000/2 RTP/AVP 0\nm=audio 4000/0 RTP/AVP 0\nm=audio 4000/ RTP/AVP 0\n", "7:port-count 8:port-count"},
	{"formats", true, "m=audio 4000 RTP/AVP 0 128 x 0\nm=image 4000 udptl t38\nm=message 4000 TCP/MSRP *\n", "6:format 6:format 6:format-twice"},

	{"attributes", true, "a=\na=:x\na=x y\na=rtpmap 0 PCMU/8000\n", "6:attribute 7:attribute 8:attribute 9:attribute"},
	{"a blank before the colon", true, "m=audio 4000 RTP/AVP 96\na=rtpmap :96 iLBC/8000\n", "7:space"},
	{"case", true, "m=audio 4000 RTP/AVP 96\na=RtpMap:96 iLBC/8000\na=SendRecv\na=X-Anything\n", "7:attribute-case 8:attribute-case"},
	{"directions", true, "a=sendonly\na=sendrecv\nm=audio 4000 RTP/AVP 0\na=sendonly\nm=audio 4000 RTP/AVP 0\na=inactive\na=recvonly\n", "7:direction-twice 12:direction-twice"},
	{"rtpmaps", true, "m=audio 4000 RTP/AVP 96 97 98 99\na=rtpmap:96 iLBC/8000/1\na=rtpmap:97 iLBC\na=rtpmap:98 iLBC/\na=rtpmap:99 iLBC/8000/x\na=rtpmap:128 x/8000\na=rtpmap:\na=rtpmap:96 /8000\na=rtpmap:96 x/8000 y\na=rtpmap:96 x/0\n",
		"8:rtpmap 9:rtpmap 10:rtpmap 11:rtpmap 12:rtpmap 13:rtpmap 14:rtpmap 15:rtpmap"},
	{"rtpmap twice", true, "m=audio 4000 RTP/AVP 96\na=rtpmap:96 iLBC/8000\na=rtpmap:96 opus/48000/2\n", "8:rtpmap-twice"},
	{"rtpmap of nothing", true, "m=audio 4000 RTP/AVP 0\na=rtpmap:96 iLBC/8000\nm=image 4000 udptl t38\na=rtpmap:96 iLBC/8000\n", "7:rtpmap-unused"},
	{"no rtpmap", true, "m=audio 4000 RTP/AVP 0 96 97\nm=audio 4000 RTP/AVP 19\nm=audio 0 RTP/AVP 96\n", "6:no-rtpmap 7:no-rtpmap"},
	{"static types", true, "m=audio 4000 RTP/AVP 0 3 8 10 18\na=rtpmap:0 pcmu/8000/1\na=rtpmap:3 GSM/16000\na=rtpmap:8 PCMU/8000\na=rtpmap:10 L16/44100\na=rtpmap:18 G729A/8000\n", "8:static 9:static 10:static 11:static"},
	{"G722", true, "m=audio 4000 RTP/AVP 9 96\na=rtpmap:9 G722/16000\na=rtpmap:96 G722/16000\n", "7:g722-clock 8:g722-clock"},
	{"fmtps", true, "m=audio 4000 RTP/AVP 18\na=fmtp:18 annexb=no\na=fmtp:18\na=fmtp:x y\na=fmtp:96 x\na=fmtp\nm=application 4000 TCP/X y\na=fmtp:y z\n", "8:fmtp 9:fmtp 10:fmtp-unused 11:fmtp"},
	{"packet times", true, "m=audio 4000 RTP/AVP 0\na=ptime:20.0\na=maxptime:0\na=ptime:x\na=ptime:20.\na=ptime:.5\na=ptime\n", "8:ptime 9:ptime 10:ptime 11:ptime 12:ptime"},
	{"ptime over maxptime", true, "m=audio 4000 RTP/AVP 0\na=ptime:60\na=maxptime:40\n", "6:ptime-max"},
	{"rtcp", true, "m=audio 4000 RTP/AVP 0\na=rtcp:4001\nm=audio 4000 RTP/AVP 0\na=rtcp:4001 IN IP4 192.0.2.9\nm=audio 4000 RTP/AVP 0\na=rtcp:x\nm=audio 4000 RTP/AVP 0\na=rtcp:1 IN IP4\nm=audio 4000 RTP/AVP 0\na=rtcp:1 IN IP6 192.0.2.1\nm=audio 4000 RTP/AVP 0\na=rtcp:1 IN IP4 192.0.2.1 x\n",
		"11:rtcp 13:rtcp 15:rtcp 17:rtcp"},
	{"candidates", true, "m=audio 4000 RTP/AVP 0\na=candidate:1 1 UDP 2130706431 192.0.2.1 4000 typ host\na=candidate:1 1 UDP 2130706431 192.0.2.1 4000 host\na=candidate:1 1 UDP 99999999999 192.0.2.1 4000 typ host\na=candidate:1\na=candidate:1 1 UDP 1 192.0.2.1 70000 typ host\na=candidate:1 x UDP 1 192.0.2.1 7 typ host\na=candidate:1 1 UDP 1 192.0.2.1 7 typ\n",
		"8:candidate 9:candidate 10:candidate 11:candidate 12:candidate 13:candidate"},
	{"crypto", true, "m=audio 4000 RTP/SAVP 0\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:k\na=crypto:x AES_CM_128_HMAC_SHA1_80 inline:k\na=crypto:1 inline:k\na=crypto:1 AES_CM_128_HMAC_SHA1_80 k\na=crypto:1 AES_CM_128_HMAC_SHA1_80 x inline:k\na=crypto\n",
		"8:crypto 9:crypto 10:crypto 11:crypto 12:crypto"},
	{"crypto in the clear", true, "m=audio 4000 RTP/AVP 0\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:k\n", "6:crypto-clear"},
	{"no keys", true, "m=audio 4000 RTP/SAVP 0\nm=audio 0 RTP/SAVP 0\nm=audio 4000 UDP/TLS/RTP/SAVPF 0\n", "6:no-keying 8:no-keying"},
	{"keys by other means", true, "m=audio 4000 RTP/SAVP 0\na=key-mgmt:mikey AAAA\nm=audio 4000 RTP/SAVP 0\na=zrtp-hash:1.10 00\n", ""},
	{"keys of the session", true, "a=fingerprint:sha-1 00:11\na=setup:actpass\nm=audio 4000 UDP/TLS/RTP/SAVP 0\n", ""},
	{"fingerprints", true, "a=fingerprint:sha-1 00:11:2x\na=fingerprint:sha-1 0011\na=fingerprint:sha-1\na=fingerprint:sha-1 00 11\na=fingerprint\na=fingerprint:sha-1 00-11\n",
		"6:fingerprint 7:fingerprint 8:fingerprint 9:fingerprint 10:fingerprint 11:fingerprint"},
	{"setup", true, "a=setup:actpass\na=setup:both\na=setup\n", "7:setup 8:setup"},
	{"no setup", true, "m=audio 4000 UDP/TLS/RTP/SAVPF 0\na=fingerprint:sha-1 00:11\nm=application 4000 UDP/DTLS/SCTP webrtc-datachannel\na=fingerprint:sha-1 00:11\nm=audio 4000 RTP/AVP 0\na=fingerprint:sha-1 00:11\n", "6:no-setup 8:no-setup"},
	{"names of streams", true, "a=group:BUNDLE a b\na=group:LS a c\nm=audio 4000 RTP/AVP 0\na=mid:a\nm=audio 4000 RTP/AVP 0\na=mid:a\nm=audio 4000 RTP/AVP 0\na=mid:b\n", "7:group-mid 10:mid-twice"},
}

type oddity struct {
	name  string
	media bool
	in    string
	want  string
}

func (o oddity) description() []byte {
	if o.media {
		return withMedia(o.in)
	}
	return crlf(o.in)
}

func TestComplaints(t *testing.T) {
	for _, o := range odd {
		t.Run(o.name, func(t *testing.T) {
			s := parse(t, o.description())
			if got := complaints(s); got != o.want {
				t.Errorf("got  %s\nwant %s\nin\n%s", got, o.want, s)
			}
		})
	}
}

// Lines that end in something else than CRLF are complained about once, those over a limit
// where the limit is.
func TestComplaintsOfTheWhole(t *testing.T) {
	plain := string(withMedia("m=audio 4000 RTP/AVP 0\n"))
	lf := strings.ReplaceAll(plain, "\r\n", "\n")
	for _, c := range []struct{ name, in, want string }{
		{"LF", lf, "1:line-end"},
		{"CR", strings.ReplaceAll(plain, "\r\n", "\r"), "1:line-end"},
		{"the last line is not ended", strings.TrimSuffix(plain, "\r\n"), "6:last-line-end"},
		{"LF, and the last line is not ended", strings.TrimSuffix(lf, "\n"), "1:line-end 6:last-line-end"},
		{"the last line is ended by half", strings.TrimSuffix(plain, "\n"), "6:line-end"},
		{"CR CR LF", strings.ReplaceAll(plain, "\r\n", "\r\r\n"), "1:line-end 2:empty-line 4:empty-line 6:empty-line 8:empty-line 10:empty-line 12:empty-line"},
		{"lines", plain + strings.Repeat("a=x\r\n", sdp.MaxLines), fmt.Sprintf("%d:line-limit", sdp.MaxLines+1)},
		{"as many lines as may be", plain + strings.Repeat("a=x\r\n", sdp.MaxLines-6), ""},
		{"media", plain + strings.Repeat("m=audio 0 RTP/AVP 0\r\na=x\r\n", sdp.MaxMedia+5), fmt.Sprintf("%d:media-limit", 7+2*(sdp.MaxMedia-1))},
		{"formats", plain + "m=x 4000 y" + strings.Repeat(" z", sdp.MaxFormats) + "\r\nm=x 4000 y" + strings.Repeat(" z", sdp.MaxFormats+1) + "\r\n", "8:format-limit"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := parse(t, clip(c.in))
			if got := complaints(s); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
			if len(s.Lines) > sdp.MaxLines || len(s.Media) > sdp.MaxMedia {
				t.Errorf("%d lines, %d media descriptions", len(s.Lines), len(s.Media))
			}
			for i := range s.Media {
				if n := len(s.Media[i].Formats); n > sdp.MaxFormats {
					t.Errorf("%d formats", n)
				}
			}
		})
	}
	s := parse(t, withMedia(strings.Repeat("x=\n", 1000)))
	if n := len(s.Complaints); n != sdp.MaxComplaints {
		t.Errorf("%d complaints", n)
	}
	if last := s.Complaints[len(s.Complaints)-1]; last != (sdp.Complaint{Line: 0, Rule: sdp.RuleComplaintLimit}) {
		t.Errorf("the last complaint is %v", last)
	}
}

// Every rule has an id of its own, words and a section, and a test above or among those of
// answers makes it fire.
func TestRules(t *testing.T) {
	ids := map[string]bool{}
	for r := sdp.RuleLineEnd; r <= sdp.RuleChangeNumber; r++ {
		if r.ID() == "" || r.String() == "" || !strings.HasPrefix(r.RFC(), "RFC ") || ids[r.ID()] {
			t.Errorf("rule %d: id %q, %q, %q", r, r.ID(), r.String(), r.RFC())
		}
		ids[r.ID()] = true
	}
	fired := map[string]bool{"line-end": true, "last-line-end": true, "line-limit": true, "media-limit": true, "format-limit": true, "complaint-limit": true, // above
		"change-origin": true} // TestChangeOfSession
	for _, o := range odd {
		for _, c := range strings.Fields(o.want) {
			_, id, _ := strings.Cut(c, ":")
			fired[id] = true
		}
	}
	for _, a := range answers {
		for _, id := range strings.Fields(a.faults + " " + a.notes) {
			fired[id] = true
		}
	}
	for _, c := range changes {
		for _, id := range strings.Fields(c.faults + " " + c.notes) {
			fired[id] = true
		}
	}
	for id := range ids {
		if !fired[id] {
			t.Errorf("no test makes %s fire", id)
		}
	}
	for _, r := range []sdp.Rule{0, sdp.RuleChangeNumber + 1, 255} {
		if r.ID() != "none" || r.String() != "no rule" || r.RFC() != "none" {
			t.Errorf("rule %d: %q %q %q", r, r.ID(), r, r.RFC())
		}
	}
	for c, want := range map[sdp.Complaint]string{
		{Line: 4, Rule: sdp.RuleNoFormat}: "line 4: m= has no format (RFC 8866, section 5.14)",
		{Line: 0, Rule: sdp.RuleNoTime}:   "there is no t= (RFC 8866, section 5.9)",
	} {
		if c.String() != want {
			t.Errorf("%q, want %q", c, want)
		}
	}
}

func TestRefused(t *testing.T) {
	s := parse(t, withMedia("m=audio 4000 RTP/AVP 0\n"))
	for _, in := range []string{"", "\r\n", "good", "\x00\x01\x02", "<xml/>\n<a b='c'/>\n", "1=2\r\n"} {
		err := s.Parse(clip(in))
		if err == nil || err.Error() != "sdp: no line of a session description at line 1" {
			t.Errorf("%q: %v", in, err)
		}
		if got := dump(s); got != "" || len(s.Lines)+len(s.Complaints)+len(s.Media) != 0 {
			t.Errorf("%q leaves %q", in, got)
		}
	}
}
