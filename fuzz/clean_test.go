package fuzz

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/sipsight/sipsight/internal/clean"
	"github.com/sipsight/sipsight/pcapfile"
	"github.com/sipsight/sipsight/sipmsg"
)

// FuzzClean: what is made fit to be shown is UTF-8 without anything invisible; what was fit
// is not changed, and what was made so is not changed again. A limit leaves out the end and
// nothing else.
func FuzzClean(f *testing.F) {
	for _, b := range messages() {
		f.Add(b, uint16(10))
	}
	for _, s := range []string{"\x1b[31mred\x07", "a\u202eb\u200bc\U000e0041d", "\xff\xc3(\xe2\x80", "a\r\nb\rc\n", "\u2028\u2029\ufe0f\u3164\u00ad\ufeff\x7f\u0085", "…\\x1b\\u{202e}"} {
		f.Add([]byte(s), uint16(3))
	}
	f.Fuzz(func(t *testing.T, b []byte, limit uint16) {
		if tooLong(b) {
			return
		}
		for _, c := range []struct {
			name, allowed string
			append        func(dst, b []byte, limit int) ([]byte, bool)
			same          []byte // what an unchanged b looks like
		}{
			{"AppendText", "", clean.AppendText, b},
			{"AppendLines", "\n", clean.AppendLines, bytes.ReplaceAll(b, []byte("\r\n"), []byte("\n"))},
		} {
			in := slices.Clip(bytes.Clone(b))
			whole, changed := c.append([]byte("dst"), in, 0)
			whole, ok := bytes.CutPrefix(whole, []byte("dst"))
			if !ok || !bytes.Equal(in, b) {
				t.Fatalf("%s wrote where it must not", c.name)
			}
			checkText(t, c.name, whole, c.allowed)
			if fit := bytes.Equal(whole, c.same); fit == changed {
				t.Fatalf("%s of %q is %q, changed %t", c.name, b, whole, changed)
			}
			if again, changed := c.append(nil, whole, 0); changed || !bytes.Equal(again, whole) {
				t.Fatalf("%s of %q is %q", c.name, whole, again)
			}
			if limit == 0 {
				continue
			}
			part, _ := c.append(nil, in, int(limit))
			checkText(t, c.name, part, c.allowed)
			if n := utf8.RuneCount(part); n > int(limit) {
				t.Fatalf("%s with limit %d has %d characters: %q", c.name, limit, n, part)
			}
			if utf8.RuneCount(whole) <= int(limit) {
				if !bytes.Equal(part, whole) {
					t.Fatalf("%s cut %q to %q", c.name, whole, part)
				}
				continue
			}
			part, ok = bytes.CutSuffix(part, []byte("…"))
			if !ok || !bytes.HasPrefix(whole, part) || utf8.RuneCount(part)+len(`\u{10ffff}`) < int(limit) {
				t.Fatalf("%s with limit %d is %q\nwhole %q", c.name, limit, part, whole)
			}
		}
		text, _ := clean.AppendText(nil, b, clean.MaxText)
		if got := clean.Text(string(b)); got != string(text) {
			t.Fatalf("Text is %q, AppendText %q", got, text)
		}
	})
}

// hideouts are places in a message where a secret may stand: what is before it and behind
// it on its line, with junk from the input in the place of %s.
var hideouts = []struct{ before, behind string }{
	{`Authorization: Digest %s, response="`, `", %s`},
	{`Proxy-Authorization: Digest %s response=`, `,%s`},
	{`pROXY-aUTHORIZATION	: digest cnonce = `, ` %s`},
	{"Authorization:\r\n Digest %s,\r\n\tresponse=\r\n \"", "\"\r\n %s"},
	{`Authorization: Basic %s`, `%s`},
	{`Authorization: Bearer `, ` %s`},
	{`Proxy-Authorization: `, ``},
	{`Contact: %s <sip:alice:`, `@example.com>%s`},
	{`To: %s sips:alice:`, `@example.com%s`},
	{`X-Whatever: %s<SIP:alice:`, `@example.com;%s`},
	{`Refer-To: %s <sip:c@example.com?Authorization=Digest%20response%3D%22`, `%22>%s`},
	{`Refer-To: %s <sip:c@example.com?Replaces=x&Proxy-Authorization=`, `&%s>`},
	{`k=`, `%s`},
	{`a=crypto:1 %s inline:`, `|%s`},
	{`a=ice-pwd:%s`, `%s`},
}

// FuzzMask: a secret in its place does not come out, whatever stands around it and wherever
// the message is cut.
func FuzzMask(f *testing.F) {
	for kind := range hideouts {
		f.Add(uint8(kind), invite[:strings.Index(invite, "Contact:")], `username="alice"`, `uri="sip:b@c"`, uint16(0))
		f.Add(uint8(kind), invite, `realm="a, b\"`, `"`, uint16(0))
		f.Add(uint8(kind), ringing, `"open`, `<sip:x:y@z>`, uint16(3))
		f.Add(uint8(kind), "MESSAGE sip:a SIP/2.0\r\n", "sip:a:", "=", uint16(20))
	}
	f.Fuzz(func(t *testing.T, kind uint8, before, junk, more string, behind uint16) {
		if tooLong([]byte(before), []byte(junk), []byte(more)) {
			return
		}
		h := hideouts[int(kind)%len(hideouts)]
		oneLine := strings.NewReplacer("\r", " ", "\n", "\r\n ").Replace
		text := strings.TrimRight(before, "\r\n") + "\r\n" + strings.Replace(h.before, "%s", oneLine(junk), 1)
		if strings.Trim(before, "\r\n") == "" { // the line of the secret would be the first one
			text = "INVITE sip:bob@example.com SIP/2.0\r\n" + strings.TrimLeft(text, "\r\n")
		}
		isBody := strings.HasPrefix(h.before, "k=") || strings.HasPrefix(h.before, "a=")
		if isBody {
			text = strings.Replace(text, "\r\n"+h.before[:2], "\r\n\r\n"+h.before[:2], 1)
		}
		from := len(text)
		text += witness + strings.Replace(h.behind, "%s", oneLine(more), 1) + "\r\n\r\n"
		var m sipmsg.Message
		if m.Parse([]byte(text)) != nil {
			return
		}
		checkMasked(t, &m)
		cut := text[:min(len(text), from+int(behind))]
		if m.ParseCut([]byte(cut)) == nil {
			checkMasked(t, &m)
		}
		if len(text) > 65000 {
			return
		}
		// In a datagram, and in one that the capture cut.
		whole := ether(0, ip4(17, udp(text)))
		part := whole[:len(whole)-len(text)+len(cut)]
		for _, frame := range [][]byte{whole, part} {
			o := tellStream(t, bytes.NewReader(pcap(pcapfile.Header{LinkType: 1}, [][]byte{frame})))
			o.each(func(what string, b []byte) {
				if betrays(string(b)) {
					t.Fatalf("%s of %q\nis %s", what, text, show(b))
				}
			})
		}
	})
}

// checkMasked checks that the witness is not in what is made of a message.
func checkMasked(t *testing.T, m *sipmsg.Message) {
	t.Helper()
	if b := clean.AppendMessage(nil, m); betrays(string(b)) {
		t.Fatalf("%q\nbecame %s", m.Raw(), show(b))
	}
	for x := range m.Fields() {
		if b := clean.AppendValue(nil, x); betrays(string(b)) {
			t.Fatalf("%q: %q\nbecame %s", x.Name, x.Value, show(b))
		}
	}
}
