package sdp_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/sipsight/sipsight/internal/capgen"
	"github.com/sipsight/sipsight/sdp"
)

// corpus are the descriptions that the laws below are tried on.
func corpus(t testing.TB) (list [][]byte) {
	for _, o := range odd {
		list = append(list, o.description())
	}
	for _, c := range answers {
		list = append(list, withMedia(c.offer), withMedia(c.answer))
	}
	for _, s := range secrets {
		list = append(list, withMedia(s.in))
	}
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no goldens: %v", err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"description", "next", "offer", "answer"} {
			if d := described(string(text), name); d != "" {
				list = append(list, crlf(d))
			}
		}
	}
	return list
}

// alphabet is what is put into texts to spoil them.
const alphabet = "\r\n \t:;=/.-09azAZmakcsot\x00\x80\xff"

// without are the complaints but those of a rule.
func without(s *sdp.Session, rule sdp.Rule) string {
	kept := sdp.Session{Complaints: slices.DeleteFunc(slices.Clone(s.Complaints), func(c sdp.Complaint) bool { return c.Rule == rule })}
	return complaints(&kept)
}

// checkLaws checks what holds for all octets.
func checkLaws(t *testing.T, in []byte) {
	t.Helper()
	saved := bytes.Clone(in)
	fail := func(format string, args ...any) {
		t.Helper()
		t.Fatalf("%s\nin %q", fmt.Sprintf(format, args...), saved)
	}
	var s, used sdp.Session
	err := s.Parse(in)
	if used.Parse(crlf(busy)) != nil {
		t.Fatal("busy is refused")
	}
	if usedErr := used.Parse(in); usedErr != err || dump(&used) != dump(&s) || complaints(&used) != complaints(&s) {
		fail("a used Session gives %v, %s\na new one %v, %s", usedErr, dump(&used), err, dump(&s))
	}
	if err != nil {
		return
	}
	if len(s.Lines) > sdp.MaxLines || len(s.Media) > sdp.MaxMedia || len(s.Complaints) > sdp.MaxComplaints {
		fail("over a limit: %d lines, %d media descriptions, %d complaints", len(s.Lines), len(s.Media), len(s.Complaints))
	}
	last := 1
	for _, c := range s.Complaints {
		if c.Line != 0 && c.Line < last || c.Line > len(s.Lines)+1 || c.Rule.ID() == "none" {
			fail("complaints are not in order: %v", s.Complaints)
		}
		if last = c.Line; last == 0 {
			last = sdp.MaxLines + 2
		}
	}

	// Line ends of one kind are read as those of another.
	if !bytes.Contains(in, []byte("\r")) {
		two := parse(t, clip(strings.ReplaceAll(string(in), "\n", "\r\n")))
		if dump(two) != dump(&s) || without(two, sdp.RuleLineEnd) != without(&s, sdp.RuleLineEnd) {
			fail("with CRLF: %s\nwith LF %s", dump(two), dump(&s))
		}
	}

	// What is written is read as the same, and written as the same.
	text, err := s.AppendText([]byte("before"))
	if err != nil || string(text) != "before"+s.String() {
		fail("AppendText: %v %q", err, text)
	}
	again := parse(t, clip(text[6:]))
	if dump(again) != dump(&s) {
		fail("written and read again: %s\nbefore %s", dump(again), dump(&s))
	}
	if again.String() != s.String() {
		fail("written twice: %q\nbefore %q", again, &s)
	}
	if third := parse(t, []byte(again.String())); complaints(third) != complaints(again) || sdp.ChangeOf(again, third).Content {
		fail("complaints %s, then %s", complaints(again), complaints(third))
	}

	// An answer that repeats its offer accepts all of it that may be accepted.
	if r := sdp.Compare(&s, again); len(r.Streams) != len(s.Media) || len(r.Faults) > 0 {
		fail("compared with itself: %+v", r)
	} else {
		for i := range r.Streams {
			if x := &r.Streams[i]; x.Accepted != (x.Offer.Port != 0) || x.Direction&^x.Offer.Direction() != 0 {
				fail("stream %d compared with itself: %+v", i, x)
			}
		}
	}

	// A copy shares nothing: neither with the octets nor with the Session.
	before, rules := dump(&s), complaints(&s)
	c := s.Clone()
	if sdp.ChangeOf(&s, c).Content {
		fail("a copy differs in content")
	}
	for i := range in {
		in[i] = '#'
	}
	if s.Parse(crlf(busy)) != nil {
		t.Fatal("busy is refused")
	}
	if dump(c) != before || complaints(c) != rules || c.String() != again.String() {
		fail("a copy has changed: %s\nit was %s", dump(c), before)
	}
	copy(in, saved)
}

// busy is a description that leaves something in every part of a Session.
const busy = "v=1\no=a b c 1 1 IN IP4 192.0.2.1\ns=-\ni=i\nu=u\nc=IN IP4 192.0.2.1\nb=AS:1\nt=1 2\na=sendonly\na=setup:active\na=ice-lite\na=ice-ufrag:x\n" +
	"a=group:LS a\nm=audio 1 RTP/SAVP 0 96\ni=x\nc=IN IP4 192.0.2.1\nb=AS:1\na=mid:a\na=rtpmap:96 a/1\na=fmtp:96 x\na=fingerprint:sha-1 00\na=crypto:1 A inline:k\n" +
	"a=ptime:1\nm=video 2 RTP/AVP 31\na=inactive\n"

func TestLaws(t *testing.T) {
	for _, in := range corpus(t) {
		checkLaws(t, clip(in))
		checkLaws(t, clip(strings.ReplaceAll(string(in), "\r\n", "\n")))
		checkLaws(t, clip(strings.ReplaceAll(string(in), "\r\n", "\r")))
	}
}

func TestLawsMutated(t *testing.T) {
	n := 40
	if testing.Short() {
		n = 5
	}
	r := rand.New(rand.NewPCG(1, 2))
	for _, in := range corpus(t) {
		for range n {
			checkLaws(t, capgen.Mutate(r, in, alphabet))
		}
	}
}

// Every beginning of a description is read, and gives the first lines of the whole.
func TestCut(t *testing.T) {
	for _, in := range corpus(t) {
		whole := parse(t, in)
		for n := range in {
			s, err := sdp.Parse(in[:n:n])
			if err != nil {
				continue
			}
			for i := range len(s.Lines) - 1 {
				if !reflect.DeepEqual(s.Lines[i], whole.Lines[i]) {
					t.Fatalf("cut at %d: line %d is %q\nin %q", n, i+1, s.Lines[i].Value, in)
				}
			}
		}
	}
}

// Attributes that nobody knows change nothing, wherever they stand among the others.
func TestUnknownAttributes(t *testing.T) {
	known := func(s *sdp.Session) string {
		var b strings.Builder
		for line := range strings.Lines(dump(s)) {
			if !strings.HasPrefix(strings.TrimLeft(line, " "), "a ") {
				b.WriteString(line)
			}
		}
		return b.String()
	}
	for _, in := range corpus(t) {
		s := parse(t, []byte(parse(t, in).String()))
		var b strings.Builder
		for _, l := range s.Lines {
			text := fmt.Sprintf("%c=%s\r\n", l.Letter, l.Value)
			if l.Letter == 0 {
				text = string(l.Value) + "\r\n"
			}
			if l.Letter == 'a' {
				b.WriteString("a=x-before\r\n" + text + "a=x-after:rtpmap:0 sendonly inactive\r\n")
			} else {
				b.WriteString(text)
			}
		}
		more := parse(t, clip(b.String()))
		if known(more) != known(s) {
			t.Errorf("with unknown attributes\n%s\nwithout\n%s", known(more), known(s))
		}
		if len(more.Complaints) < len(s.Complaints) && len(s.Complaints) < sdp.MaxComplaints {
			t.Errorf("complaints %s, without unknown attributes %s", complaints(more), complaints(s))
		}
	}
}

// key is what must never come out.
const key = "PS1uQCVeeCFCanVm"

// secrets are lines with a key in them, and what is written in their place.
var secrets = []struct{ in, want string }{
	{"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:" + key + "|2^20|1:32\n", "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:***\n"},
	{"a=crypto:1 AES_CM_128_HMAC_SHA1_80 INLINE:" + key + ";inline:" + key + " KDR=1\n", "a=crypto:1 AES_CM_128_HMAC_SHA1_80 INLINE:***\n"},
	{"a=Crypto:1 X " + key + "\n", "a=Crypto:***\n"},
	{"a=crypto 1 X " + key + "\n", "a=crypto ***\n"},
	{"a=crypto/" + key + "\n", "a=crypto/***\n"},
	{"a=crypto\u05a3" + key + "\n", "a=crypto\u05a3***\n"}, // the character stays whole
	{"a=crypto\u05a3\n", "a=crypto\u05a3\n"},
	{"a=crypto\xd6" + key + "\n", "a=crypto\xd6***\n"},
	{"a=crypto :" + key + "\n", "a=crypto :***\n"},
	{"a=crypto:1 X " + key + " inline:x\n", "a=crypto:***\n"},
	{"a=crypto:1 X Y inline:" + key + "\n", "a=crypto:***\n"},
	{"a=crypto:1 X inline:\n", "a=crypto:1 X inline:\n"},
	{"a=crypto\n", "a=crypto\n"},
	{"a=crypto:\n", "a=crypto:\n"},
	{"a=cryptoscale:1 client X inline:" + key + "\n", "a=cryptoscale:1 client X inline:***\n"},
	{"a=cryptoscale:1 client X " + key + "\n", "a=cryptoscale:***\n"},
	{"a=X-crypto:1 AES inline:" + key + "\n", "a=X-crypto:1 AES inline:***\n"},
	{"a=ice-pwd:" + key + "\n", "a=ice-pwd:***\n"},
	{"A=ICE-PWD:" + key + "\n", "A=ICE-PWD:***\n"},
	{"a=ice-pwd " + key + " inline:x\n", "a=ice-pwd ***\n"},
	{" a = ice-pwd :" + key + "\n", "a=ice-pwd :***\n"},
	{"a=key-mgmt:mikey " + key + "\n", "a=key-mgmt:***\n"},
	{"k=clear:" + key + "\n", "k=clear:***\n"},
	{"k=base64:" + key + "\n", "k=base64:***\n"},
	{"k= uri :http://x/" + key + "\n", "k=uri :***\n"},
	{"k=" + key + "\n", "k=***\n"},
	{"k=" + key + ":x\n", "k=***\n"},
	{"k=\n", "k=***\n"},
	{"k=prompt\n", "k=prompt\n"},
	{"K=clear:" + key + "\n", "K=clear:***\n"},
	{"m=audio 1 RTP/AVP 0 inline:" + key + "\n", "m=audio 1 RTP/AVP 0 inline:***\n"},
	{"no line a=crypto:1 X inline:" + key + "\n", "no line a=crypto:1 X inline:***\n"},
	{"no line ice-pwd:" + key + "\n", "no line ice-pwd:***\n"},
	{"k clear:" + key + "\n", "k clear:***\n"},
	{"a=fingerprint:sha-1 00:11\n", "a=fingerprint:sha-1 00:11\n"},
	{"a=x:nothing:to:hide\n", "a=x:nothing:to:hide\n"},
}

func TestSecrets(t *testing.T) {
	forms := []string{key, fmt.Sprintf("%x", key), fmt.Sprintf("%X", key), strings.Trim(fmt.Sprint([]byte(key)), "[]"), strings.Trim(fmt.Sprintf("%#v", []byte(key)), "[]byte{}")}
	for _, c := range secrets {
		for _, before := range []string{"", "m=audio 4000 RTP/SAVP 0\n"} {
			s := parse(t, withMedia(before+c.in))
			if got, want := s.String(), string(withMedia(before+c.want)); got != want {
				t.Errorf("%q is written as %q", c.in, got)
			}
			copied := s.Clone()
			values := []any{s, *s, s.Lines, s.Attributes, s.Media, copied, *copied}
			for i := range s.Media {
				for cr := range s.Media[i].Cryptos() {
					values = append(values, cr)
				}
			}
			for _, v := range values {
				for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
					text := fmt.Sprintf(verb, v)
					for _, f := range forms {
						if strings.Contains(text, f) {
							t.Errorf("%q comes out of %T with %s", c.in, v, verb)
						}
					}
				}
			}
			reach(t, reflect.ValueOf(s).Elem(), func(b reflect.Value) {
				if strings.Contains(string(b.Slice(0, b.Cap()).Bytes()), key) {
					t.Errorf("%q can be reached behind %q", c.in, b.Bytes())
				}
			})
		}
	}
}

// reach calls yield for all octets in v.
func reach(t *testing.T, v reflect.Value, yield func(reflect.Value)) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			reach(t, v.Field(i), yield)
		}
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			yield(v)
			return
		}
		for i := range v.Len() {
			reach(t, v.Index(i), yield)
		}
	}
}
