package sipmsg_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/sipsight/sipsight/sipmsg"
)

// TestIndex: a message that is made again of its octets and its index is the one that Parse
// made, to the last part of it.
func TestIndex(t *testing.T) {
	n := 0
	list := []string{invite, ringing, every}
	for _, o := range odd {
		list = append(list, string(o.in))
	}
	for _, b := range list {
		for _, in := range []string{b, string(crlf(b)), "\r\n\r\n" + b, b[:len(b)/2]} {
			n += checkIndex(t, in)
		}
	}
	for _, in := range []string{"SIP/2.0 200 OK\r\n\r\n", "SIP/2.0 200 OK\r\n", "OPTIONS sip:a SIP/2.0\r\nVia: x\r\nv: y\r\nTo : z\r\nno colon\r\n folded\r\n\r\nbody", "A b SIP/2.0\r\n" + strings.Repeat("x", 255) + ": y\r\n\r\n"} {
		n += checkIndex(t, in)
	}
	if n < 100 {
		t.Fatalf("%d messages", n)
	}
	for in, plain := range map[string]bool{string(crlf(invite)): true, strings.ReplaceAll(string(crlf(invite)), "To:", "To :"): false} {
		var m sipmsg.Message
		if m.Parse([]byte(in)) != nil || (len(m.AppendIndex(nil)) < m.IndexLen()) != plain {
			t.Errorf("%.40q…: an index of %d octets", in, len(m.AppendIndex(nil)))
		}
	}
	for _, in := range []string{"A b SIP/2.0\r\n" + strings.Repeat("x", 256) + ": y\r\n\r\n", "A b SIP/2.0\r\nTo: x\r\n\r\n" + strings.Repeat("x", 1<<16)} {
		var m sipmsg.Message
		if m.Parse([]byte(in)) != nil || len(m.AppendIndex(nil)) != 0 {
			t.Errorf("%.20q… has an index", in)
		}
	}
}

func checkIndex(t *testing.T, in string) int {
	t.Helper()
	var m, again sipmsg.Message
	if m.Parse([]byte(in)) != nil {
		return 0
	}
	index := m.AppendIndex([]byte("before"))
	if len(index) == len("before") {
		return 0
	}
	if n := len(index) - len("before"); n != m.IndexLen() && n != 16+4*m.NumFields() {
		t.Fatalf("%q: an index of %d octets, want %d, or 4 for each field", in, n, m.IndexLen())
	}
	index = index[len("before"):]
	raw := m.Raw()
	if err := m.Parse(raw); err != nil {
		t.Fatal(err)
	}
	m.ForgetPlain()
	if !again.Restore(raw, index) || !reflect.DeepEqual(&m, &again) {
		t.Fatalf("%q:\n%+v, want\n%+v", in, again, m)
	}
	for i := range index { // what is none is refused, or read without harm
		bad := append([]byte(nil), index...)
		bad[i] ^= 0xff
		if again.Restore(raw, bad) {
			for f := range again.Fields() {
				_ = string(f.Name) + string(f.Value)
			}
		}
		if again.Restore(raw, index[:i]) {
			t.Fatalf("%d of %d octets of an index are enough", i, len(index))
		}
	}
	return 1
}
