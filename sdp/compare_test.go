package sdp_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/sipsight/sipsight/sdp"
)

// answers are offers and answers, both without the lines of the session, and what they come
// to: a line a stream, then the faults and notes of all of them.
var answers = []struct {
	name          string
	offer, answer string
	want          string
	faults, notes string
}{
	{
		name:   "the first codec",
		offer:  "m=audio 4000 RTP/AVP 0 8 101\na=rtpmap:101 telephone-event/8000\n",
		answer: "m=audio 5000 RTP/AVP 8 101\na=rtpmap:101 telephone-event/8000\n",
		want:   "accepted sendrecv 8 PCMA, 101 telephone-event",
	},
	{
		name:   "a static type by rtpmap, and by itself; names in other case",
		offer:  "m=audio 4000 RTP/AVP 0 18\na=rtpmap:18 g729/8000\n",
		answer: "m=audio 5000 RTP/AVP 18 0\na=rtpmap:0 pcmu/8000/1\n",
		want:   "accepted sendrecv 18 G729, 0 pcmu",
	},
	{
		name:   "dynamic numbers differ",
		offer:  "m=audio 4000 RTP/AVP 96 97\na=rtpmap:96 opus/48000/2\na=rtpmap:97 iLBC/8000\n",
		answer: "m=audio 5000 RTP/AVP 102\na=rtpmap:102 OPUS/48000/2\n",
		want:   "accepted sendrecv 96→102 OPUS",
		notes:  "note-number",
	},
	{
		name:   "numbers that mean something else",
		offer:  "m=audio 4000 RTP/AVP 96\na=rtpmap:96 opus/48000/2\n",
		answer: "m=audio 5000 RTP/AVP 96\na=rtpmap:96 iLBC/8000\n",
		want:   "accepted sendrecv ",
		faults: "answer-format",
	},
	{
		name:   "another clock rate, another number of channels",
		offer:  "m=audio 4000 RTP/AVP 96 97\na=rtpmap:96 speex/8000\na=rtpmap:97 L16/8000/2\n",
		answer: "m=audio 5000 RTP/AVP 96 97\na=rtpmap:96 speex/16000\na=rtpmap:97 L16/8000\n",
		want:   "accepted sendrecv ",
		faults: "answer-format",
	},
	{
		name:   "G722 with the wrong clock rate is understood",
		offer:  "m=audio 4000 RTP/AVP 9\na=rtpmap:9 G722/8000\n",
		answer: "m=audio 5000 RTP/AVP 9\na=rtpmap:9 G722/16000\n",
		want:   "accepted sendrecv 9 G722",
	},
	{
		name:   "payload types that nobody names",
		offer:  "m=audio 4000 RTP/AVP 96 2\n",
		answer: "m=audio 5000 RTP/AVP 2\n",
		want:   "accepted sendrecv 2 ",
	},
	{
		name:   "a variant by its name, and the number of RFC 3551",
		offer:  "m=audio 4000 RTP/AVP 18\na=rtpmap:18 g729a/8000\n",
		answer: "m=audio 5000 RTP/AVP 18\n",
		want:   "accepted sendrecv 18 G729",
	},
	{
		name:   "a number of RFC 3551 with the name of another codec",
		offer:  "m=audio 4000 RTP/AVP 18\na=rtpmap:18 PCMA/8000\n",
		answer: "m=audio 5000 RTP/AVP 18\n",
		want:   "accepted sendrecv ",
		faults: "answer-format",
	},
	{
		name:   "a variant by its name, and no number of RFC 3551",
		offer:  "m=audio 4000 RTP/AVP 97\na=rtpmap:97 G729A/8000\n",
		answer: "m=audio 5000 RTP/AVP 97\na=rtpmap:97 G729/8000\n",
		want:   "accepted sendrecv ",
		faults: "answer-format",
	},
	{
		name:   "the same codec twice, the same number first",
		offer:  "m=video 4000 RTP/AVP 96 97\na=rtpmap:96 H264/90000\na=rtpmap:97 H264/90000\na=fmtp:97 packetization-mode=1\n",
		answer: "m=video 5000 RTP/AVP 97 96 98\na=rtpmap:97 H264/90000\na=rtpmap:96 H264/90000\na=rtpmap:98 H264/90000\n",
		want:   "accepted sendrecv 97 H264, 96 H264",
	},
	{
		name:   "tones alone in common",
		offer:  "m=audio 4000 RTP/AVP 0 13 101\na=rtpmap:101 telephone-event/8000\n",
		answer: "m=audio 5000 RTP/AVP 8 13 101\na=rtpmap:101 telephone-event/8000\n",
		want:   "accepted sendrecv 13 CN, 101 telephone-event",
		notes:  "note-events",
	},
	{
		name:   "refused; its formats and transport do not matter",
		offer:  "m=audio 4000 RTP/AVP 0\nm=video 4002 RTP/AVP 31\n",
		answer: "m=audio 5000 RTP/AVP 0\nm=video 0 RTP/SAVP 96\na=sendonly\n",
		want:   "accepted sendrecv 0 PCMU\nrefused",
	},
	{
		name:   "accepted although it was not offered any more",
		offer:  "m=audio 0 RTP/AVP 0\n",
		answer: "m=audio 5000 RTP/AVP 0\n",
		want:   "refused 0 PCMU",
		faults: "answer-disabled",
	},
	{
		name:   "a bundled stream is offered with port 0",
		offer:  "a=group:BUNDLE a b\nm=audio 4000 RTP/AVP 0\na=mid:a\na=rtcp-mux\nm=video 0 RTP/AVP 31\na=mid:b\na=bundle-only\na=rtcp-mux\n",
		answer: "a=group:BUNDLE a b\nm=audio 5000 RTP/AVP 0\na=mid:a\na=rtcp-mux\nm=video 5000 RTP/AVP 31\na=mid:b\n",
		want:   "accepted sendrecv 0 PCMU, mux\naccepted sendrecv 31 H261",
	},
	{
		name:   "a group out of nowhere",
		offer:  "m=audio 4000 RTP/AVP 0\na=mid:a\n",
		answer: "a=group:BUNDLE a\nm=audio 5000 RTP/AVP 0\na=mid:a\n",
		want:   "accepted sendrecv 0 PCMU",
		faults: "answer-group",
	},
	{
		name:   "a stream is missing",
		offer:  "m=audio 4000 RTP/AVP 0\nm=video 4002 RTP/AVP 31\n",
		answer: "m=audio 5000 RTP/AVP 0\n",
		want:   "accepted sendrecv 0 PCMU\nleft out",
		faults: "answer-count",
	},
	{
		name:   "a stream too many",
		offer:  "m=audio 4000 RTP/AVP 0\n",
		answer: "m=audio 5000 RTP/AVP 0\nm=video 5002 RTP/AVP 31\n",
		want:   "accepted sendrecv 0 PCMU\nadded",
		faults: "answer-count",
	},
	{
		name:   "streams in another order",
		offer:  "m=audio 4000 RTP/AVP 0\nm=video 4002 RTP/AVP 31\n",
		answer: "m=video 5002 RTP/AVP 31\nm=audio 5000 RTP/AVP 0\n",
		want:   "refused\nrefused",
		faults: "answer-media answer-media",
	},
	{
		name:   "SAVP answered AVP",
		offer:  "m=audio 4000 RTP/SAVP 0\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:k\n",
		answer: "m=audio 5000 RTP/AVP 0\n",
		want:   "accepted sendrecv 0 PCMU",
		faults: "answer-security",
	},
	{
		name:   "AVP answered SAVP, as the offer holds out (RFC 5939, section 4.1)",
		offer:  "m=audio 4000 RTP/AVP 0\na=tcap:1 RTP/SAVP\na=acap:1 crypto:1 AES_CM_128_HMAC_SHA1_80 inline:k\na=pcfg:1 t=1 a=1\n",
		answer: "m=audio 5000 RTP/SAVP 0\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:k\na=acfg:1 t=1 a=1\n",
		want:   "accepted sendrecv 0 PCMU",
	},
	{
		name:   "AVP answered SAVP by one that takes up what was not held out",
		offer:  "m=audio 4000 RTP/AVP 0\n",
		answer: "m=audio 5000 RTP/SAVP 0\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:k\na=acfg:1 t=1 a=1\n",
		want:   "accepted sendrecv 0 PCMU",
		faults: "answer-security answer-crypto",
	},
	{
		name:   "AVP answered SAVPF",
		offer:  "m=audio 4000 RTP/AVP 0\n",
		answer: "m=audio 5000 UDP/TLS/RTP/SAVPF 0\n",
		want:   "accepted sendrecv 0 PCMU",
		faults: "answer-security",
	},
	{
		name:   "AVP answered AVPF, and a transport in other case",
		offer:  "m=audio 4000 RTP/AVP 0\nm=audio 4000 rtp/avp 0\n",
		answer: "m=audio 5000 RTP/AVPF 0\nm=audio 5000 RTP/AVP 0\n",
		want:   "accepted sendrecv 0 PCMU\naccepted sendrecv 0 PCMU",
		notes:  "note-profile",
	},
	{
		name:   "other transports",
		offer:  "m=audio 4000 TCP/RTP/AVP 0\nm=image 4000 udptl t38\nm=audio 4000 RTP/AVP 0\nm=audio 4000 DCCP/RTP/AVP 0\n",
		answer: "m=audio 4000 RTP/AVP 0\nm=image 4000 tcp t38\nm=audio 4000 x y\nm=audio 4000 TCP/RTP/AVPF 0\n",
		want:   "accepted sendrecv 0 PCMU\naccepted sendrecv t38\naccepted sendrecv \naccepted sendrecv 0 PCMU",
		faults: "answer-proto answer-proto answer-proto answer-format answer-proto",
	},
	{
		name:   "fax, messages, data",
		offer:  "m=image 4000 udptl t38\nm=message 2855 TCP/MSRP *\nm=application 9 UDP/DTLS/SCTP webrtc-datachannel\n",
		answer: "m=image 5000 UDPTL T38\nm=message 2855 TCP/MSRP *\nm=application 9 UDP/DTLS/SCTP x\n",
		want:   "accepted sendrecv T38\naccepted sendrecv *\naccepted sendrecv ",
		faults: "answer-format",
	},
	{
		name:   "directions that an offer allows",
		offer:  "m=audio 1 RTP/AVP 0\na=sendonly\nm=audio 1 RTP/AVP 0\na=recvonly\nm=audio 1 RTP/AVP 0\na=inactive\nm=audio 1 RTP/AVP 0\nm=audio 1 RTP/AVP 0\na=sendonly\n",
		answer: "m=audio 1 RTP/AVP 0\na=recvonly\nm=audio 1 RTP/AVP 0\na=sendonly\nm=audio 1 RTP/AVP 0\na=inactive\nm=audio 1 RTP/AVP 0\na=recvonly\nm=audio 1 RTP/AVP 0\na=inactive\n",
		want:   "accepted sendonly 0 PCMU\naccepted recvonly 0 PCMU\naccepted inactive 0 PCMU\naccepted sendonly 0 PCMU\naccepted inactive 0 PCMU",
	},
	{
		name:   "directions that it does not allow",
		offer:  "m=audio 1 RTP/AVP 0\na=sendonly\nm=audio 1 RTP/AVP 0\na=recvonly\nm=audio 1 RTP/AVP 0\na=inactive\nm=audio 1 RTP/AVP 0\na=inactive\n",
		answer: "m=audio 1 RTP/AVP 0\na=sendonly\nm=audio 1 RTP/AVP 0\na=sendrecv\nm=audio 1 RTP/AVP 0\na=recvonly\nm=audio 1 RTP/AVP 0\n",
		want:   "accepted inactive 0 PCMU\naccepted recvonly 0 PCMU\naccepted inactive 0 PCMU\naccepted inactive 0 PCMU",
		faults: "answer-direction answer-direction answer-direction answer-direction-default",
	},
	{
		name:   "the direction of the session",
		offer:  "a=sendonly\nm=audio 1 RTP/AVP 0\nm=audio 1 RTP/AVP 0\na=recvonly\n",
		answer: "a=recvonly\nm=audio 1 RTP/AVP 0\nm=audio 1 RTP/AVP 0\n",
		want:   "accepted sendonly 0 PCMU\naccepted inactive 0 PCMU",
		faults: "answer-direction",
	},
	{
		name:   "roles that fit",
		offer:  roles("actpass actpass active passive holdconn actpass x"),
		answer: roles("active passive passive active holdconn holdconn -"),
		want:   strings.Repeat("accepted sendrecv 0 PCMU\n", 6) + "accepted sendrecv 0 PCMU",
	},
	{
		name:   "roles that do not",
		offer:  roles("actpass active passive holdconn"),
		answer: roles("actpass active passive active"),
		want:   strings.Repeat("accepted sendrecv 0 PCMU\n", 3) + "accepted sendrecv 0 PCMU",
		faults: "answer-setup answer-setup answer-setup answer-setup",
	},
	{
		name:   "roles where nobody connects, and where somebody does",
		offer:  "m=audio 1 RTP/AVP 0\na=setup:active\nm=message 2855 TCP/MSRP *\na=setup:active\nm=audio 1 RTP/SAVP 0\na=setup:active\na=fingerprint:sha-1 00:11\nm=audio 1 RTP/SAVP 0\na=setup:active\na=fingerprint:sha-1 00:11\n",
		answer: "m=audio 1 RTP/AVP 0\na=setup:active\nm=message 2855 TCP/MSRP *\na=setup:active\nm=audio 1 RTP/SAVP 0\na=setup:active\na=fingerprint:sha-1 00:11\nm=audio 1 RTP/SAVP 0\na=setup:active\n",
		want:   "accepted sendrecv 0 PCMU\naccepted sendrecv *\naccepted sendrecv 0 PCMU\naccepted sendrecv 0 PCMU",
		faults: "answer-setup answer-setup",
	},
	{
		name:   "crypto",
		offer:  cryptos("1 AES_CM_128_HMAC_SHA1_80", "2 AES_CM_128_HMAC_SHA1_32") + cryptos("1 AES_CM_128_HMAC_SHA1_80", "2 AES_CM_128_HMAC_SHA1_32"),
		answer: cryptos("2 aes_cm_128_hmac_sha1_32") + cryptos("1 AES_CM_128_HMAC_SHA1_32"),
		want:   "accepted sendrecv 0 PCMU\naccepted sendrecv 0 PCMU",
		faults: "answer-crypto",
	},
}

// roles are streams with these setup roles, - for none.
func roles(list string) string {
	var b strings.Builder
	for _, r := range strings.Fields(list) {
		b.WriteString("m=audio 4000 UDP/TLS/RTP/SAVP 0\na=fingerprint:sha-1 00:11\n")
		if r != "-" {
			b.WriteString("a=setup:" + r + "\n")
		}
	}
	return b.String()
}

func cryptos(list ...string) string {
	s := "m=audio 4000 RTP/SAVP 0\n"
	for _, c := range list {
		s += "a=crypto:" + c + " inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz\n"
	}
	return s
}

func TestCompare(t *testing.T) {
	for _, c := range answers {
		t.Run(c.name, func(t *testing.T) {
			offer, answer := parse(t, withMedia(c.offer)), parse(t, withMedia(c.answer))
			r := sdp.Compare(offer, answer)
			var lines, faults, notes []string
			for i := range r.Streams {
				s := &r.Streams[i]
				lines = append(lines, stream(s))
				faults, notes = append(faults, ids(s.Faults)...), append(notes, ids(s.Notes)...)
			}
			faults = append(faults, ids(r.Faults)...)
			if got := strings.Join(lines, "\n"); got != c.want {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
			if got := strings.Join(faults, " "); got != c.faults {
				t.Errorf("faults %q, want %q", got, c.faults)
			}
			if got := strings.Join(notes, " "); got != c.notes {
				t.Errorf("notes %q, want %q", got, c.notes)
			}
			for rule := sdp.RuleLineEnd; rule <= sdp.RuleChangeNumber; rule++ {
				if r.HasFault(rule) != (len(faults) > 0 && strings.Contains(" "+c.faults+" ", " "+rule.ID()+" ")) {
					t.Errorf("HasFault(%s) is %t", rule.ID(), r.HasFault(rule))
				}
			}
		})
	}
}

func ids(rules []sdp.Rule) (list []string) {
	for _, r := range rules {
		list = append(list, r.ID())
	}
	return list
}

// stream is what became of a stream, in a line.
func stream(s *sdp.Stream) string {
	switch {
	case s.Answer == nil:
		return "left out"
	case s.Offer == nil:
		return "added"
	case !s.Accepted && s.Common == nil:
		return "refused"
	}
	var common []string
	for _, m := range s.Common {
		switch {
		case m.Format != nil:
			common = append(common, string(m.Format))
		case m.Offer.PayloadType != m.Answer.PayloadType:
			common = append(common, fmt.Sprintf("%d→%d %s", m.Offer.PayloadType, m.Answer.PayloadType, m.Answer.Name))
		default:
			common = append(common, fmt.Sprintf("%d %s", m.Answer.PayloadType, m.Answer.Name))
		}
	}
	if s.RTCPMux {
		common = append(common, "mux")
	}
	if !s.Accepted {
		return "refused " + strings.Join(common, ", ")
	}
	return fmt.Sprintf("accepted %v %s", s.Direction, strings.Join(common, ", "))
}

// changes are two descriptions of one side, each as the version of o= and what stands
// behind the session.
var changes = []struct {
	name          string
	prev, next    string // versions
	before, after string
	version       int
	content       bool
	faults, notes string
}{
	{"nothing", "1", "1", "m=audio 1 RTP/AVP 0\n", "m=audio 1 RTP/AVP 0\n", 0, false, "", ""},
	{"hold", "1", "2", "m=audio 1 RTP/AVP 0\n", "m=audio 1 RTP/AVP 0\na=sendonly\n", 1, true, "", ""},
	{"over all nines", "0099", "100", "m=audio 1 RTP/AVP 0\n", "m=audio 2 RTP/AVP 0\n", 1, true, "", ""},
	{"beyond 64 bits", "99999999999999999999999", "100000000000000000000000", "", "a=x\n", 1, true, "", ""},
	{"from nothing", "0", "1", "", "a=x\n", 1, true, "", ""},
	{"same version", "7", "07", "m=audio 1 RTP/AVP 0\n", "m=audio 2 RTP/AVP 0\n", 0, true, "change-same-version", ""},
	{"a key changes with the same version", "7", "7", cryptos("1 A"), strings.Replace(cryptos("1 A"), "inline:W", "inline:V", 1), 0, true, "change-same-version", ""},
	{"lowered", "10", "9", "", "a=x\n", -1, true, "change-lowered-version", ""},
	{"lowered, beyond 64 bits", "100000000000000000000000", "99999999999999999999999", "", "", -1, false, "change-lowered-version", ""},
	{"raised by two", "19", "21", "", "a=x\n", 1, true, "", "change-step"},
	{"raised by ten", "19", "29", "", "a=x\n", 1, true, "", "change-step"},
	{"raised in front", "119", "220", "", "a=x\n", 1, true, "", "change-step"},
	{"raised without need", "1", "2", "a=x\n", "a=x\n", 1, false, "", "change-step"},
	{"versions that are none", "x", "y", "", "a=x\n", 0, true, "", ""},
	{"empty lines and their place are no content", "1", "1", "a=x\n\na=y\n", "a=x\na=y\n\n", 0, false, "", ""},
	{"fewer streams", "1", "2", "m=audio 1 RTP/AVP 0\nm=video 1 RTP/AVP 31\n", "m=audio 1 RTP/AVP 0\n", 1, true, "change-media", ""},
	{"a number with another codec", "1", "2", "m=audio 1 RTP/AVP 96 0\na=rtpmap:96 iLBC/8000\n", "m=audio 1 RTP/AVP 96\na=rtpmap:96 opus/48000/2\n", 1, true, "change-number", ""},
	{"a static number with another codec", "1", "2", "m=audio 1 RTP/AVP 0\n", "m=audio 1 RTP/AVP 0\na=rtpmap:0 x/8000\n", 1, true, "", ""},
	{"another kind of media", "1", "2", "m=audio 1 RTP/AVP 96\na=rtpmap:96 iLBC/8000\n", "m=video 1 RTP/AVP 96\na=rtpmap:96 H264/90000\n", 1, true, "", ""},
	{"a stream in the place of one that was refused", "1", "2", "m=audio 0 RTP/AVP 96\na=rtpmap:96 iLBC/8000\n", "m=audio 1 RTP/AVP 96\na=rtpmap:96 opus/48000/2\n", 1, true, "", ""},
}

func TestChangeOf(t *testing.T) {
	description := func(version, media string) []byte {
		return crlf("v=0\no=- 1 " + version + " IN IP4 192.0.2.1\ns=-\nc=IN IP4 192.0.2.1\nt=0 0\n" + media)
	}
	for _, c := range changes {
		t.Run(c.name, func(t *testing.T) {
			prev, next := parse(t, description(c.prev, c.before)), parse(t, description(c.next, c.after))
			got := sdp.ChangeOf(prev, next)
			if !got.SameSession || got.VersionOK != (c.prev != "x") {
				t.Errorf("%+v", got)
			}
			if sign(got.Version) != c.version || got.Content != c.content {
				t.Errorf("version %d, content %t", got.Version, got.Content)
			}
			if faults := strings.Join(ids(got.Faults), " "); faults != c.faults {
				t.Errorf("faults %q, want %q", faults, c.faults)
			}
			if notes := strings.Join(ids(got.Notes), " "); notes != c.notes {
				t.Errorf("notes %q, want %q", notes, c.notes)
			}
			back := sdp.ChangeOf(next, prev)
			if sign(back.Version) != -c.version || back.Content != c.content {
				t.Errorf("the other way round: version %d, content %t", back.Version, back.Content)
			}
		})
	}
}

// Another session: its versions have nothing to do with those before.
func TestChangeOfSession(t *testing.T) {
	const plain = "v=0\no=a 5 9 IN IP4 192.0.2.1\ns=-\nt=0 0\n"
	prev := parse(t, crlf(plain))
	for _, o := range []string{"o=b 5 9 IN IP4 192.0.2.1", "o=a 6 9 IN IP4 192.0.2.1", "o=a 5 9 XX IP4 192.0.2.1", "o=a 5 9 IN IP6 192.0.2.1", "o=a 5 9 IN IP4 192.0.2.2"} {
		for _, version := range []string{" 9 ", " 3 "} {
			next := parse(t, crlf(strings.Replace(strings.Replace(plain, "o=a 5 9 IN IP4 192.0.2.1", o, 1), " 9 ", version, 1)+"a=x\n"))
			got := sdp.ChangeOf(prev, next)
			if got.SameSession || len(got.Faults) > 0 || strings.Join(ids(got.Notes), " ") != "change-origin" {
				t.Errorf("%s: %+v", o, got)
			}
		}
	}
}

func sign(n int) int {
	switch {
	case n < 0:
		return -1
	case n > 0:
		return 1
	}
	return 0
}

func TestCompareVersions(t *testing.T) {
	const long = "340282366920938463463374607431768211456"
	for _, c := range []struct {
		a, b string
		want int
		ok   bool
	}{
		{"1", "2", -1, true}, {"2", "1", 1, true}, {"2", "2", 0, true},
		{"10", "9", 1, true}, {"009", "10", -1, true}, {"0", "000", 0, true},
		{long, long, 0, true}, {long + "0", long, 1, true}, {long + "1", long + "2", -1, true},
		{"18446744073709551616", "18446744073709551615", 1, true},
		{"", "1", 0, false}, {"1", "", 0, false}, {"-1", "1", 0, false}, {"1", "1x", 0, false}, {"+1", "1", 0, false}, {"1", " 1", 0, false},
	} {
		got, ok := sdp.CompareVersions([]byte(c.a), []byte(c.b))
		if sign(got) != c.want || ok != c.ok {
			t.Errorf("%q and %q: %d %t", c.a, c.b, got, ok)
		}
	}
}
