package clean_test

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/sipsight/sipsight/internal/clean"
)

func clip[T string | []byte](in T) []byte { return slices.Clip(bytes.Clone([]byte(in))) }

func TestAppendText(t *testing.T) {
	tests := []struct {
		name    string
		in      string
		limit   int
		want    string
		changed bool
	}{
		{"empty", "", 0, "", false},
		{"plain", "sip:bob@example.com", 0, "sip:bob@example.com", false},
		{"printable ASCII, its ends", " ~", 0, " ~", false},
		{"other scripts", "Bühne 好 Ж עברית 🙂", 0, "Bühne 好 Ж עברית 🙂", false},
		{"combining", "e\u0301", 0, "e\u0301", false},
		{"no-break space", "a\u00a0b", 0, "a\u00a0b", false},
		{"the replacement character itself", "\ufffd", 0, "\ufffd", false},

		{"NUL", "a\x00b", 0, `a\x00b`, true},
		{"tab and line ends", "a\tb\r\nc", 0, `a\x09b\x0d\x0ac`, true},
		{"the last C0", "\x1f", 0, `\x1f`, true},
		{"DEL", "\x7f", 0, `\x7f`, true},
		{"BEL and backspace", "\a\b", 0, `\x07\x08`, true},
		{"colour", "\x1b[31mred\x1b[0m", 0, `\x1b[31mred\x1b[0m`, true},
		{"link, OSC 8", "\x1b]8;;http://example.com\x1b\\x\x1b]8;;\a", 0, `\x1b]8;;http://example.com\x1b\x\x1b]8;;\x07`, true},
		{"C1 as an octet", "\x9b31m", 0, `\x9b31m`, true},
		{"C1 in UTF-8", "\u009b31m", 0, `\u{009b}31m`, true},
		{"the first and the last C1", "\u0080\u009f", 0, `\u{0080}\u{009f}`, true},

		{"bidirectional embedding and override", "\u202a\u202b\u202c\u202d\u202e", 0, `\u{202a}\u{202b}\u{202c}\u{202d}\u{202e}`, true},
		{"bidirectional isolates", "\u2066\u2067\u2068\u2069", 0, `\u{2066}\u{2067}\u{2068}\u{2069}`, true},
		{"bidirectional marks", "\u200e\u200f\u061c", 0, `\u{200e}\u{200f}\u{061c}`, true},
		{"zero width", "\u200b\u200c\u200d\u2060\ufeff", 0, `\u{200b}\u{200c}\u{200d}\u{2060}\u{feff}`, true},
		{"soft hyphen", "a\u00adb", 0, `a\u{00ad}b`, true},
		{"line and paragraph separators", "\u2028\u2029", 0, `\u{2028}\u{2029}`, true},
		{"tags", "\U000e0001\U000e0041\U000e007f", 0, `\u{e0001}\u{e0041}\u{e007f}`, true},
		{"variation selectors", "\ufe0f\U000e0100\U000e01ef", 0, `\u{fe0f}\u{e0100}\u{e01ef}`, true},
		{"fillers", "\u115f\u1160\u3164\uffa0\u034f", 0, `\u{115f}\u{1160}\u{3164}\u{ffa0}\u{034f}`, true},

		{"Latin-1", "B\xfchne", 0, `B\xfchne`, true},
		{"a sequence cut off", "\xe5\xa5", 0, `\xe5\xa5`, true},
		{"a surrogate", "\xed\xa0\x80", 0, `\xed\xa0\x80`, true},
		{"too long a form", "\xc0\xaf", 0, `\xc0\xaf`, true},
		{"beyond Unicode", "\xf4\x90\x80\x80", 0, `\xf4\x90\x80\x80`, true},
		{"FE and FF", "\xfe\xff", 0, `\xfe\xff`, true},

		{"below the limit", "abc", 4, "abc", false},
		{"at the limit", "abcd", 4, "abcd", false},
		{"over the limit", "abcde", 4, "abc…", false},
		{"limit 1", "ab", 1, "…", false},
		{"the limit counts characters, not octets", "好好好", 3, "好好好", false},
		{"over the limit in characters", "好好好好", 3, "好好…", false},
		{"an escape counts as it is written", "\x00\x01\x02", 12, `\x00\x01\x02`, true},
		{"escapes over the limit", "\x00\x01\x02", 11, `\x00\x01…`, true},
		{"no room for the ellipsis behind an escape", "a\x00bc", 5, "a…", false},
		{"an escape is not cut in two", "ab\u202ecd", 9, "ab…", false},
		{"an escape and a character", "ab\u202ec", 11, `ab\u{202e}c`, true},
		{"an escape alone", "\x1b", 3, "…", false},
		{"escapes between characters", "é\x1bé\x1bé", 8, `é\x1bé…`, true},
		{"no limit", strings.Repeat("x", 5000), 0, strings.Repeat("x", 5000), false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, changed := clean.AppendText([]byte("> "), clip(test.in), test.limit)
			if string(got) != "> "+test.want || changed != test.changed {
				t.Errorf("%q, %t, want %q, %t", got, changed, "> "+test.want, test.changed)
			}
		})
	}
}

func TestAppendLines(t *testing.T) {
	tests := []struct {
		name    string
		in      string
		limit   int
		want    string
		changed bool
	}{
		{"CRLF", "a\r\nb\r\n", 0, "a\nb\n", false},
		{"LF", "a\n\nb", 0, "a\n\nb", false},
		{"CR alone", "a\rb", 0, `a\x0db`, true},
		{"CR at the end", "a\r", 0, `a\x0d`, true},
		{"CR twice", "a\r\r\nb", 0, "a\\x0d\nb", true},
		{"LF and CR", "a\n\rb", 0, "a\n\\x0db", true},
		{"controls", "a\x1b[2J\tb\n", 0, "a\\x1b[2J\\x09b\n", true},
		{"separators of lines in Unicode", "a\u2028b\u0085c", 0, `a\u{2028}b\u{0085}c`, true},
		{"over the limit", "ab\ncd", 3, "ab…", false},
		{"a CR that is left out does not count", "ab\r\n", 3, "ab\n", false},
		{"over the limit behind one", "ab\r\nc", 3, "ab…", false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, changed := clean.AppendLines(nil, clip(test.in), test.limit)
			if string(got) != test.want || changed != test.changed {
				t.Errorf("%q, %t, want %q, %t", got, changed, test.want, test.changed)
			}
		})
	}
}

func TestText(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"empty", "", ""},
		{"plain", "capture.pcap", "capture.pcap"},
		{"a name of a file that means harm", "a\x1b]0;x\a.pcap\n\u202egpj", `a\x1b]0;x\x07.pcap\x0a\u{202e}gpj`},
		{"DEL at the end", "a\x7f", `a\x7f`},
		{"ESC at the start", "\x1bc", `\x1bc`},
		{"at the limit", strings.Repeat("x", clean.MaxText), strings.Repeat("x", clean.MaxText)},
		{"over it", strings.Repeat("x", clean.MaxText+1), strings.Repeat("x", clean.MaxText-1) + "…"},
		{"longer in octets than in characters", strings.Repeat("é", clean.MaxText), strings.Repeat("é", clean.MaxText)},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := clean.Text(test.in); got != test.want {
				t.Errorf("%q, want %q", got, test.want)
			}
		})
	}
}

// isHidden reports whether a character may not come through: by category and by list,
// not by the tables that the code uses.
func isHidden(r rune) bool {
	switch {
	case unicode.IsControl(r), r == 0x7f:
		return true
	case unicode.Is(unicode.Cf, r), r == 0x2028, r == 0x2029:
		return true
	case r >= 0x200b && r <= 0x200f, r >= 0x202a && r <= 0x202e, r >= 0x2060 && r <= 0x206f:
		return true
	case r == 0x061c, r == 0xfeff, r == 0x00ad, r >= 0xfe00 && r <= 0xfe0f, r >= 0xe0000 && r <= 0xe0fff:
		return true
	}
	return false
}

// isWhole reports whether a text is what comes of the beginning of b: no escape is cut in two.
func isWhole(f func(dst, b []byte, limit int) ([]byte, bool), b []byte, text string) bool {
	for i := range len(b) + 1 {
		if out, _ := f(nil, b[:i], 0); string(out) == text {
			return true
		}
	}
	return false
}

// checkText checks what holds for the output, whatever the input.
func checkText(t *testing.T, in []byte, limit int) {
	t.Helper()
	in = clip(in)
	saved := bytes.Clone(in)
	for _, lines := range []bool{false, true} {
		f := clean.AppendText
		if lines {
			f = clean.AppendLines
		}
		out, changed := f(nil, in, limit)
		if !utf8.Valid(out) {
			t.Fatalf("not UTF-8: %q from %q", out, in)
		}
		for _, r := range string(out) {
			if isHidden(r) && !(lines && r == '\n') {
				t.Fatalf("%U in %q from %q", r, out, in)
			}
		}
		same, part := string(in), string(out)
		if lines {
			same = strings.ReplaceAll(same, "\r\n", "\n")
		}
		if whole, _ := f(nil, in, 0); limit > 0 && utf8.RuneCount(whole) > limit {
			var cut bool
			if part, cut = strings.CutSuffix(part, "…"); !cut || !isWhole(f, in, part) {
				t.Fatalf("%q with limit %d from %q", out, limit, in)
			}
			same = same[:min(len(part), len(same))]
		}
		if (part == same) == changed {
			t.Fatalf("changed is %t: %q from %q", changed, out, in)
		}
		if n := utf8.RuneCount(out); limit > 0 && n > limit {
			t.Fatalf("%d characters, limit %d", n, limit)
		}
		// It appends, and what is clean stays as it is.
		if more, _ := f([]byte("before "), in, limit); string(more) != "before "+string(out) {
			t.Fatalf("%q after other text, %q alone", more, out)
		}
		if again, changed := f(nil, out, 0); changed || !bytes.Equal(again, out) {
			t.Fatalf("%q is %q when it is cleaned again", out, again)
		}
	}
	if !bytes.Equal(in, saved) {
		t.Fatal("the input was changed")
	}
}

func TestTextLaws(t *testing.T) {
	for c := range 256 {
		checkText(t, []byte{byte(c)}, 0)
		checkText(t, []byte{'a', byte(c), '\n'}, 2)
	}
	random := rand.New(rand.NewPCG(9, 10))
	for r := rune(0); r <= unicode.MaxRune; r++ {
		checkText(t, utf8.AppendRune(nil, r), 0)
		if r > 0x3200 && r < 0xfe00 || r > 0x10000 && r < 0xe0000 || r > 0xe1000 {
			r += random.Int32N(0x200)
		}
	}
	pieces := []string{"\x1b[", "\x1b]8;;", "\r\n", "\n", "\r", "\u202e", "\u200b", "\ufeff", "\U000e0041", "\x80", "\xc3", "\xa9", "é", "好", "a", `\x1b`, "…", "\x00", "\x7f", "\u0085"}
	for range 5000 {
		var b []byte
		for range random.IntN(20) {
			b = append(b, pieces[random.IntN(len(pieces))]...)
		}
		checkText(t, b, random.IntN(40))
		for i := range b {
			b[i] = byte(random.Uint32())
		}
		checkText(t, b, 0)
	}
}

func TestTextAllocs(t *testing.T) {
	dst := make([]byte, 0, 1000)
	in := clip("plain\x1b[31m好\u202e\xff\r\n")
	for name, f := range map[string]func(){
		"AppendText":  func() { clean.AppendText(dst, in, clean.MaxText) },
		"AppendLines": func() { clean.AppendLines(dst, in, clean.MaxRaw) },
		"Text":        func() { clean.Text("nothing to be done") },
	} {
		if n := testing.AllocsPerRun(100, f); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}
