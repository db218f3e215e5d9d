package sipmsg_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/sipsight/sipsight/internal/capgen"
	"github.com/sipsight/sipsight/sipmsg"
)

// corpus are the messages that the laws below are tried on.
func corpus() [][]byte {
	list := [][]byte{crlf(invite), crlf(ringing), crlf(plain)}
	for _, o := range odd {
		list = append(list, crlf(o.in))
	}
	return list
}

// alphabet is what is put into texts to spoil them.
const alphabet = "\r\n \t:;,<>\"\\=/@.09azAZ\x00\x80\xff"

// inside reports whether v is a part of b, by its place in memory.
func inside(b, v []byte) bool {
	if len(v) == 0 {
		return true
	}
	for i := range b {
		if &b[i] == &v[0] {
			return i+len(v) <= len(b)
		}
	}
	return false
}

// checkLaws checks what holds for all octets.
func checkLaws(t *testing.T, used *sipmsg.Message, in []byte) {
	t.Helper()
	saved := bytes.Clone(in)
	fail := func(format string, args ...any) {
		t.Helper()
		t.Fatalf("%s\nin %q", fmt.Sprintf(format, args...), saved)
	}
	var m sipmsg.Message
	err := m.Parse(in)
	if sipmsg.Sniff(in) && err != nil {
		fail("sniffed, but not parsed: %v", err)
	}
	if usedErr := used.Parse(in); usedErr != err || dump(used) != dump(&m) || used.Check() != m.Check() {
		fail("a used Message gives %v, %s\na new one %v, %s", usedErr, dump(used), err, dump(&m))
	}
	if err != nil {
		if m.NumFields() != 0 || m.Body != nil {
			fail("refused, yet it has fields or a body")
		}
		return
	}

	// Everything is a part of the input, in order, and nothing is left out but line ends,
	// white space and colons.
	raw := m.Raw()
	if m.Offset()+len(raw) != len(in) || strings.Trim(string(in[:m.Offset()]), "\r\n") != "" {
		fail("offset %d, raw %d octets", m.Offset(), len(raw))
	}
	if !bytes.HasPrefix(raw, m.StartLine) || !bytes.HasSuffix(raw, m.Body) {
		fail("start line or body are not where they belong")
	}
	for _, v := range [][]byte{m.Method, m.RequestURI, m.StatusText, m.Reason, m.Version} {
		if !bytes.Contains(m.StartLine, v) || !inside(in, v) {
			fail("%q is no part of the start line", v)
		}
	}
	end := m.Offset() + len(m.StartLine)
	for i := range m.NumFields() {
		f := m.Field(i)
		gap := string(in[end:f.Off])
		if f.Off < end || strings.Trim(gap, "\r\n \t") != "" || !strings.Contains(gap, "\n") {
			fail("%q stands before field %d", gap, i)
		}
		if !bytes.Equal(in[f.Off:f.Off+len(f.Name)], f.Name) || !bytes.Equal(in[f.ValueOff:f.ValueOff+len(f.Value)], f.Value) {
			fail("field %d is not where it says", i)
		}
		between := string(in[f.Off+len(f.Name) : f.ValueOff])
		if strings.Trim(between, ": \t\r\n") != "" || strings.Count(between, ":") > 1 {
			// A line without a colon has no name, and what follows an odd colon is all value.
			if !strings.HasPrefix(strings.TrimLeft(between, " \t\r\n"), ":") {
				fail("%q stands between name and value of field %d", between, i)
			}
		}
		if f.ID != sipmsg.Lookup(f.Name) && f.ID != sipmsg.Other {
			fail("field %d is %v and called %q", i, f.ID, f.Name)
		}
		if len(bytes.Trim(f.Value, " \t\r\n")) != len(f.Value) {
			fail("white space around the value of field %d: %q", i, f.Value)
		}
		end = f.ValueOff + len(f.Value)
	}
	if tail := string(in[end : len(in)-len(m.Body)]); strings.Trim(tail, "\r\n \t") != "" {
		fail("%q is in no field", tail)
	}

	// First, Has, All and Values say the same.
	n := 0
	for id := sipmsg.Accept; id.String() != ""; id++ {
		first, ok := m.First(id)
		if ok != m.Has(id) {
			fail("Has and First differ about %v", id)
		}
		all := slices.Collect(m.All(id))
		if ok != (len(all) > 0) || ok && !bytes.Equal(first, all[0]) {
			fail("All and First differ about %v", id)
		}
		n += len(all)
		for v := range m.Values(id) {
			if !inside(in, v) {
				fail("value of %v is no part of the message", id)
			}
			a := sipmsg.ParseAddress(v)
			a.Params.Get("tag")
			sipmsg.Params(v).Get("tag")
			sipmsg.Number(v)
			sipmsg.AppendUnfolded(nil, v)
		}
	}
	for f := range m.Fields() {
		if f.ID == sipmsg.Other {
			n++
		}
	}
	if n != m.NumFields() {
		fail("%d fields by id, %d in all", n, m.NumFields())
	}
	if m.Quirks()&^m.Check() != 0 {
		fail("Check forgets %q", quirks(m.Quirks()&^m.Check()))
	}
	for _, id := range []sipmsg.ID{sipmsg.From, sipmsg.To} {
		m.Tag(id)
	}
	m.Branch()
	m.CSeq()
	m.ContentLength()
	if !bytes.Equal(in, saved) {
		fail("the message was changed")
	}
}

func TestLaws(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	var used sipmsg.Message
	for _, in := range corpus() {
		checkLaws(t, &used, in)
		for range 150 {
			checkLaws(t, &used, capgen.Mutate(r, in, alphabet))
		}
	}
	const letters = "INVITE sip:a@b SIP/2.0\r\n\r\n:;,\"<>"
	for range 3000 {
		b := make([]byte, r.IntN(60))
		for i := range b {
			b[i] = letters[r.IntN(len(letters))]
		}
		checkLaws(t, &used, clip(b))
		checkLaws(t, &used, clip("A b SIP/2.0\r\n"+string(b)))
	}
}

// A message cut anywhere gives the beginning of what the whole message gives.
func TestPrefixes(t *testing.T) {
	var used, cut sipmsg.Message
	for _, in := range corpus() {
		whole := parse(t, in)
		head := len(in) - len(whole.Body)
		for n := range in {
			prefix := clip(in[:n])
			checkLaws(t, &used, prefix)
			err := cut.ParseCut(prefix)
			if n < whole.Offset()+len(whole.StartLine)+2 {
				continue // cut in the start line or in its line end
			}
			if err != nil {
				t.Fatalf("cut at %d: %v", n, err)
			}
			if cut.NumFields() > whole.NumFields() {
				t.Fatalf("cut at %d: %d fields, whole %d", n, cut.NumFields(), whole.NumFields())
			}
			for i := range cut.NumFields() {
				a, b := cut.Field(i), whole.Field(i)
				// A line end may be followed by a fold that is not there.
				if a.ID != b.ID || !bytes.Equal(a.Name, b.Name) || !bytes.HasPrefix(b.Value, a.Value) || len(a.Value) > 0 && len(a.Value) < len(b.Value) && b.Value[len(a.Value)] > ' ' {
					t.Fatalf("cut at %d: field %d is %q %q, whole %q %q", n, i, a.Name, a.Value, b.Name, b.Value)
				}
			}
			if more := cut.Quirks() &^ whole.Quirks() &^ sipmsg.QuirkUnterminated; more != 0 {
				t.Fatalf("cut at %d: quirks %q that the whole does not have", n, quirks(more))
			}
			if unterminated := cut.Quirks()&sipmsg.QuirkUnterminated != 0; unterminated != (n < head || whole.Body == nil) {
				t.Fatalf("cut at %d of %d: unterminated is %t", n, head, unterminated)
			}
		}
	}
}

// Compact names, other case, folds and more white space do not change what a message says.
func TestSpellings(t *testing.T) {
	compact := strings.NewReplacer("\r\nVia:", "\r\nv:", "\r\nFrom:", "\r\nf:", "\r\nTo:", "\r\nt:", "\r\nCall-ID:", "\r\ni:",
		"\r\nContact:", "\r\nm:", "\r\nSupported:", "\r\nk:", "\r\nContent-Type:", "\r\nc:", "\r\nContent-Length:", "\r\nl:")
	spellings := []struct {
		name  string
		spell func(line string) string
	}{
		{"compact", func(line string) string { return compact.Replace("\r\n" + line)[2:] }},
		{"upper case", func(line string) string {
			name, value, _ := strings.Cut(line, ":")
			return strings.ToUpper(name) + ":" + value
		}},
		{"blanks before the colon", func(line string) string { return strings.Replace(line, ":", " \t:", 1) }},
		{"no blank behind the colon", func(line string) string { return strings.Replace(line, ": ", ":", 1) }},
		{"folded behind the colon", func(line string) string { return strings.Replace(line, ": ", ":\r\n ", 1) }},
		{"folded at every blank of the value", func(line string) string {
			name, value, _ := strings.Cut(line, ": ")
			return name + ": " + strings.ReplaceAll(value, " ", "\r\n\t")
		}},
		{"blanks at the end", func(line string) string { return line + " \t" }},
	}
	summary := func(m *sipmsg.Message) string {
		s := fmt.Sprintf("%s %s %q %q %q", m.StartLine, m.Body, m.Tag(sipmsg.From), m.Tag(sipmsg.To), m.Branch())
		text, n, ok, method := m.CSeq()
		s += fmt.Sprintf(" %s %d %t %s %q\n", text, n, ok, method, quirks(m.Check()))
		for f := range m.Fields() {
			s += fmt.Sprintf("%v %s\n", f.ID, sipmsg.AppendUnfolded(nil, f.Value))
		}
		return s
	}
	for _, text := range []string{invite, ringing, plain} {
		in := string(crlf(text))
		want := summary(parse(t, clip(in)))
		head, body, _ := strings.Cut(in, "\r\n\r\n")
		lines := strings.Split(head, "\r\n")
		for _, s := range spellings {
			t.Run(s.name, func(t *testing.T) {
				other := slices.Clone(lines)
				for i := 1; i < len(other); i++ {
					other[i] = s.spell(other[i])
				}
				if got := summary(parse(t, clip(strings.Join(other, "\r\n")+"\r\n\r\n"+body))); got != want {
					t.Errorf("got\n%s\nwant\n%s", got, want)
				}
			})
		}
	}
}
