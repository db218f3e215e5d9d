package fuzz

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/sipsight/sipsight/sipmsg"
)

// told is all that a Message tells, as text.
func told(m *sipmsg.Message) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%q %q %q %q %d %q %q\n", m.StartLine, m.Method, m.RequestURI, m.StatusText, m.StatusCode, m.Reason, m.Version)
	fmt.Fprintf(&b, "%t %d %#x %#x\n", m.IsRequest(), m.Offset(), m.Quirks(), m.Check())
	for f := range m.Fields() {
		fmt.Fprintf(&b, "%d %q %q %d %d\n", f.ID, f.Name, f.Value, f.Off, f.ValueOff)
	}
	for _, id := range slowIDs {
		first, ok := m.First(id)
		if ok != m.Has(id) {
			fmt.Fprintf(&b, "First and Has differ on %v\n", id)
		}
		if !ok {
			continue
		}
		fmt.Fprintf(&b, "%v first %q", id, first)
		for v := range m.All(id) {
			fmt.Fprintf(&b, ", field %q", v)
		}
		for v := range m.Values(id) {
			fmt.Fprintf(&b, ", value %q", v)
		}
		b.WriteByte('\n')
	}
	text, n, ok, method := m.CSeq()
	length, has := m.ContentLength()
	fmt.Fprintf(&b, "%q %d %t %q, %d %t, %q %q %q\n", text, n, ok, method, length, has, m.Tag(sipmsg.From), m.Tag(sipmsg.To), m.Branch())
	fmt.Fprintf(&b, "%q\n%q\n", m.Body, m.Raw())
	return sorted(b.String())
}

// sorted sorts lines: the fields are a map.
func sorted(s string) string {
	lines := strings.Split(s, "\n")
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// FuzzSIPMessage: the scanner finds what the slow reader finds, and all that it returns is
// a part of the input, where it says. What looks like a message is one. Nothing stays of a
// message that was parsed before. The beginning of a message gives its first fields.
func FuzzSIPMessage(f *testing.F) {
	for _, b := range messages() {
		f.Add(b, uint16(len(b)*2/3))
		f.Add(b, uint16(len(b)/3))
	}
	f.Fuzz(func(t *testing.T, b []byte, cut uint16) {
		if tooLong(b) {
			return
		}
		in := slices.Clip(bytes.Clone(b))
		var m sipmsg.Message
		err := m.Parse(in)
		if sipmsg.Sniff(in) && err != nil {
			t.Fatalf("it looks like a message: %v", err)
		}
		slow, ok := slowParse(string(b))
		if ok != (err == nil) {
			t.Fatalf("the slow reader says %t: %v", ok, err)
		}
		if err != nil {
			return
		}
		compare(t, &m, &slow)
		checkSpans(t, in, &m)

		// A Message that was used before, and one that is used again.
		used := sipmsg.Message{}
		mustNot(used.Parse([]byte(invite)))
		mustNot(used.Parse(in))
		once := told(&m)
		if again := told(&used); again != once {
			t.Fatalf("parsed after another: %s", differ(once, again))
		}
		if again := told(&m); again != once {
			t.Fatalf("asked twice: %s", differ(once, again))
		}
		checkCut(t, in[:min(int(cut), len(in))], &m, &slow)
	})
}

// compare compares what the scanner and the slow reader found.
func compare(t *testing.T, m *sipmsg.Message, s *slowMessage) {
	t.Helper()
	same := func(what string, got []byte, want string) {
		t.Helper()
		if string(got) != want {
			t.Fatalf("%s is %q, slowly %q", what, got, want)
		}
	}
	same("start line", m.StartLine, s.start)
	same("method", m.Method, s.method)
	same("URI", m.RequestURI, s.uri)
	same("version", m.Version, s.version)
	same("status", m.StatusText, s.statusText)
	same("reason", m.Reason, s.reason)
	same("body", m.Body, s.body)
	if m.IsRequest() != (s.method != "") || m.StatusCode != s.status || m.Offset() != s.offset {
		t.Fatalf("request %t, status %d, offset %d: slowly %+v", m.IsRequest(), m.StatusCode, m.Offset(), s)
	}
	if m.NumFields() != len(s.fields) {
		t.Fatalf("%d fields, slowly %d: %s", m.NumFields(), len(s.fields), show(s.fields))
	}
	for i, want := range s.fields {
		f := m.Field(i)
		if got := (slowField{f.ID, string(f.Name), string(f.Value), f.Off, f.ValueOff}); got != want {
			t.Fatalf("field %d is %+v\nslowly %+v", i, got, want)
		}
	}
	for _, id := range slowIDs {
		if got := texts(m.Values(id)); !slices.Equal(got, s.values(id)) {
			t.Fatalf("values of %v: %q\nslowly %q", id, got, s.values(id))
		}
		if got := texts(m.All(id)); !slices.Equal(got, s.all(id)) {
			t.Fatalf("fields of %v: %q\nslowly %q", id, got, s.all(id))
		}
	}
	if got := m.Check(); got != s.quirks {
		t.Fatalf("quirks %q\nslowly %q", slices.Collect(got.IDs()), slices.Collect(s.quirks.IDs()))
	}
	if q := m.Quirks(); q&^m.Check() != 0 {
		t.Fatalf("Check has lost some of %q", slices.Collect(q.IDs()))
	}
}

func texts(seq func(func([]byte) bool)) (list []string) {
	for v := range seq {
		list = append(list, string(v))
	}
	return list
}

// checkSpans checks that all parts of m are parts of b, and do not reach beyond.
func checkSpans(t *testing.T, b []byte, m *sipmsg.Message) {
	t.Helper()
	parts := map[string][]byte{
		"start line": m.StartLine, "method": m.Method, "URI": m.RequestURI, "status": m.StatusText,
		"reason": m.Reason, "version": m.Version, "body": m.Body, "raw": m.Raw(),
		"tag": m.Tag(sipmsg.From), "branch": m.Branch(),
	}
	for what, p := range parts {
		if len(p) > 0 && inside(b, p) < 0 {
			t.Fatalf("the %s is not in the input", what)
		}
	}
	end := m.Offset() + len(m.StartLine)
	for f := range m.Fields() {
		if f.Off < end || f.ValueOff < f.Off+len(f.Name) || f.ValueOff+len(f.Value) > len(b)-len(m.Body) ||
			!bytes.HasPrefix(b[f.Off:], f.Name) || !bytes.HasPrefix(b[f.ValueOff:], f.Value) {
			t.Fatalf("field %+v does not stand where it says", f)
		}
		end = f.ValueOff + len(f.Value)
	}
}

// checkCut checks what is read of b, the front part of the message that m and s are. A line
// that is cut in the middle is left out; where b ends between the lines of a folded value,
// its first lines are all that there is.
func checkCut(t *testing.T, b []byte, m *sipmsg.Message, s *slowMessage) {
	t.Helper()
	var part sipmsg.Message
	if part.ParseCut(b) != nil {
		if len(b) > s.offset+len(s.start) {
			t.Fatalf("cut to %d octets it is no message any more", len(b))
		}
		return
	}
	n := part.NumFields()
	if n > m.NumFields() {
		t.Fatalf("%d fields of %d", n, m.NumFields())
	}
	for i := range n {
		got, want := part.Field(i), m.Field(i)
		if bytes.Equal(got.Value, want.Value) && bytes.Equal(got.Name, want.Name) {
			continue
		}
		if i < n-1 || b[len(b)-1] != '\n' && b[len(b)-1] != '\r' {
			t.Fatalf("field %d is %q: %q, was %q: %q", i, got.Name, got.Value, want.Name, want.Value)
		}
	}
	if len(part.Body) > 0 && !bytes.HasPrefix(m.Body, part.Body) {
		t.Fatalf("body %q of %q", part.Body, m.Body)
	}
}

// FuzzSIPHeader: parameters, addresses, CSeq, numbers and folds are read as the slow
// readers read them.
func FuzzSIPHeader(f *testing.F) {
	for _, b := range messages() {
		var m sipmsg.Message
		if m.Parse(b) != nil {
			continue
		}
		for x := range m.Fields() {
			f.Add(string(x.Value))
		}
	}
	for _, s := range []string{"4294967295", "4294967296", "00000000000000000001", "+5", "-0", "1 ", "1\r\n INVITE", `"a <b" <c>;x="y;z";;Y = "\"";v`, `"open <sip:a>;x`, `;="";a="`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, v string) {
		if tooLong([]byte(v)) {
			return
		}
		in := slices.Clip([]byte(v))
		a := sipmsg.ParseAddress(in)
		display, uri, params := slowAddress(v)
		if string(a.Display) != display || string(a.URI) != uri || string(a.Params) != params {
			t.Fatalf("%q %q %q\nslowly %q %q %q", a.Display, a.URI, a.Params, display, uri, params)
		}
		for _, p := range [][]byte{a.Display, a.URI, a.Params} {
			if len(p) > 0 && inside(in, p) < 0 {
				t.Fatal("a part is not in the input")
			}
		}
		checkParams(t, a.Params)
		checkParams(t, sipmsg.Params(in))

		n, ok := sipmsg.Number(in)
		if want, err := strconv.ParseUint(v, 10, 32); ok != (err == nil) || ok && uint64(n) != want {
			t.Fatalf("number %d %t, want %d %v", n, ok, want, err)
		}
		unfolded := sipmsg.AppendUnfolded([]byte("x"), in)
		if string(unfolded) != "x"+slowUnfold(v) {
			t.Fatalf("unfolded %q\nslowly %q", unfolded, slowUnfold(v))
		}
		if bytes.IndexByte(unfolded, '\n') >= 0 || !bytes.Equal(unfolded, sipmsg.AppendUnfolded(nil, unfolded)) {
			t.Fatalf("not unfolded: %q", unfolded)
		}
		inFields(t, v)
	})
}

// checkParams looks for every parameter there is, and for one that is not.
func checkParams(t *testing.T, p sipmsg.Params) {
	t.Helper()
	first := map[string]string{}
	for _, kv := range slowParams(string(p)) {
		if _, ok := first[kv[0]]; !ok {
			first[kv[0]] = kv[1]
		}
	}
	for k, want := range first {
		if k == "" {
			continue
		}
		if got, ok := p.Get(k); !ok || string(got) != want {
			t.Fatalf("%s is %q %t, slowly %q", k, got, ok, want)
		}
	}
	for _, k := range []string{"tag", "branch", "no such"} {
		_, want := first[k]
		if _, ok := p.Get(k); ok != want {
			t.Fatalf("%s is there: %t, slowly %t", k, ok, want)
		}
	}
}

// inFields puts v into header fields and reads it there.
func inFields(t *testing.T, v string) {
	v = strings.Trim(v, spaces)
	for _, line := range strings.Split(v, "\n")[1:] {
		if !strings.HasPrefix(line, " ") && !strings.HasPrefix(line, "\t") {
			return // not one value
		}
	}
	var m sipmsg.Message
	mustNot(m.Parse(fmt.Appendf(nil, "X sip:x SIP/2.0\r\nCSeq: %s\r\nFrom: %s\r\nVia: %s\r\n\r\n", v, v, v)))
	number, method := slowCSeq(v)
	text, n, ok, got := m.CSeq()
	if want, err := strconv.ParseUint(number, 10, 32); string(text) != number || string(got) != method || ok != (err == nil) || ok && uint64(n) != want {
		t.Fatalf("CSeq %q %d %t %q of %q", text, n, ok, got, v)
	}
	_, _, params := slowAddress(v)
	want := ""
	for _, kv := range slowParams(params) {
		if kv[0] == "tag" {
			want = kv[1]
			break
		}
	}
	if got := m.Tag(sipmsg.From); string(got) != want {
		t.Fatalf("tag %q, slowly %q", got, want)
	}
	var slow slowMessage
	slow.fields = []slowField{{id: sipmsg.Via, value: v}}
	if got := texts(m.Values(sipmsg.Via)); !slices.Equal(got, slow.values(sipmsg.Via)) {
		t.Fatalf("Via %q\nslowly %q", got, slow.values(sipmsg.Via))
	}
}
