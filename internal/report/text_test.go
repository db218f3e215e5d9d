package report

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/sipsight/sipsight/analysis"
)

// random returns random numbers that are the same in every run.
func random() *rand.Rand { return rand.New(rand.NewPCG(1, 2)) }

// randomText returns a few random characters: letters, what JSON and terminals mind, and
// what is anywhere in Unicode.
func randomText(r *rand.Rand) string {
	const minded = "\"\\/<>&\x00\x01\x1b\x7f\b\f\n\r\t\u0085\u200b\u202e\u2028\u2029\ufeff\U000e0041€ü"
	var b strings.Builder
	for range r.IntN(40) {
		switch r.IntN(3) {
		case 0:
			b.WriteByte(byte(' ' + r.IntN(95)))
		case 1:
			runes := []rune(minded)
			b.WriteRune(runes[r.IntN(len(runes))])
		default:
			if c := rune(r.IntN(utf8.MaxRune + 1)); utf8.ValidRune(c) {
				b.WriteRune(c)
			}
		}
	}
	return b.String()
}

// TestQuote holds that what is quoted can be read again, by encoding/json.
func TestQuote(t *testing.T) {
	r := random()
	for range 20000 {
		in := randomText(r)
		var w jsonWriter
		w.quote([]byte(in))
		var out string
		if err := json.Unmarshal(w.b, &out); err != nil || out != in {
			t.Fatalf("%q is quoted %s and read as %q (%v)", in, w.b, out, err)
		}
		if i := bytes.IndexFunc(w.b, func(c rune) bool { return c < ' ' }); i >= 0 {
			t.Fatalf("%q is quoted with a control character: %q", in, w.b)
		}
	}
}

// TestText holds that any octets become text that is valid, visible and within bounds.
func TestText(t *testing.T) {
	r := random()
	for range 20000 {
		in := make([]byte, r.IntN(60))
		for i := range in {
			in[i] = byte(r.Uint32())
		}
		if r.IntN(2) == 0 {
			in = []byte(randomText(r))
		}
		limit, most := 1+r.IntN(40), r.IntN(3)*12
		w := jsonWriter{maxText: most}
		w.textLimit(in, limit)
		var out string
		if err := json.Unmarshal(w.b, &out); err != nil || !json.Valid(w.b) {
			t.Fatalf("%q becomes %q: %v", in, w.b, err)
		}
		for _, c := range out {
			if c < ' ' || c == 0x7f || c >= 0x80 && c < 0xa0 || c == '\u202e' || c == '\u200b' || c == utf8.RuneError && !bytes.Contains(in, []byte("\ufffd")) {
				t.Fatalf("%q becomes %q", in, out)
			}
		}
		if n := len(out); most > 0 && n > most+len("…") {
			t.Fatalf("%q becomes %q of %d octets, over %d", in, out, n, most)
		}
		if n := utf8.RuneCountInString(out); n > limit {
			t.Fatalf("%q becomes %q of %d characters, over %d", in, out, n, limit)
		}
		// It says so if and only if it escaped something that is shown.
		part, cut := strings.CutSuffix(out, "…")
		if w.sanitised == strings.HasPrefix(string(in), part) || !cut && !w.sanitised && out != string(in) {
			t.Fatalf("%q becomes %q, and sanitised is %v", in, out, w.sanitised)
		}
	}
}

// TestJSONWriter writes a value of each kind.
func TestJSONWriter(t *testing.T) {
	var w jsonWriter
	w.open('{')
	w.key("int")
	w.int(math.MinInt64)
	w.key("float")
	w.float(0.25)
	w.key("list")
	w.open('[')
	w.bool(true)
	w.null()
	w.open('{')
	w.close('}')
	w.addr(netip.MustParseAddr("::ffff:192.0.2.1"))
	w.frame(analysis.Frame{File: 1, Number: 17}, true)
	w.frame(analysis.Frame{File: 1, Number: 17}, false)
	w.close(']')
	w.key("strings")
	w.strings([]string{"a", `"`})
	w.close('}')
	const want = `{"int":-9223372036854775808,"float":0.25,"list":[true,null,{},"192.0.2.1","2:17",17],"strings":["a","\""]}`
	if string(w.b) != want {
		t.Errorf("%s, want %s", w.b, want)
	}
}

// TestCell holds that a spreadsheet takes no cell for a formula, and that a reader of CSV
// gets back what was written.
func TestCell(t *testing.T) {
	for in, want := range map[string]string{
		"":                       "",
		"plain":                  "plain",
		"two words":              "two words",
		"a,b":                    `"a,b"`,
		`say "x"`:                `"say ""x"""`,
		"=1+1":                   `"'=1+1"`,
		"+49301234567":           `"'+49301234567"`,
		"-1":                     `"'-1"`,
		"@SUM(A1)":               `"'@SUM(A1)"`,
		`=HYPERLINK("http://x")`: `"'=HYPERLINK(""http://x"")"`,
		"a=b":                    "a=b",
		"'=1":                    "'=1",
	} {
		if got := string(AppendCell(nil, []byte(in))); got != want {
			t.Errorf("%q becomes %s, want %s", in, got, want)
		}
	}
	var w jsonWriter
	for _, in := range []string{"\t=1", "\r=1", "\n=1", "\x00=1", "a\r\nb"} { // S14: TAB and CR, too
		if got := w.appendCell(nil, []byte(in)); strings.ContainsAny(string(got), "\t\r\n\x00") || strings.IndexByte("=\t\r\n", got[0]) >= 0 {
			t.Errorf("%q becomes %q", in, got)
		}
	}
	r := random()
	for range 5000 {
		a, b := randomText(r), randomText(r)
		line := w.appendCell(append(w.appendCell(nil, []byte(a)), ','), []byte(b))
		got, err := csv.NewReader(bytes.NewReader(append(line, "\r\n"...))).Read()
		if err != nil || len(got) != 2 {
			t.Fatalf("%q and %q become %q, read as %q: %v", a, b, line, got, err)
		}
		for i, in := range []string{a, b} {
			w.scratch = w.appendClean(w.scratch[:0], []byte(in), 256)
			if want := string(w.scratch); got[i] != want && got[i] != "'"+want {
				t.Fatalf("%q is read as %q", in, got[i])
			}
			if got[i] != "" && strings.IndexByte("=+-@", got[i][0]) >= 0 {
				t.Fatalf("%q is a formula: %q", in, got[i])
			}
		}
	}
}

func TestGroup(t *testing.T) {
	for n, want := range map[int64]string{
		0: "0", 7: "7", 999: "999", 1000: "1,000", 12345: "12,345", 999999: "999,999", 1000000: "1,000,000", -1: "-1", -999: "-999",
		-1000: "-1,000", -123456: "-123,456", math.MaxInt64: "9,223,372,036,854,775,807", math.MinInt64: "-9,223,372,036,854,775,808",
	} {
		if got := group(n); got != want {
			t.Errorf("group(%d) = %s, want %s", n, got, want)
		}
	}
	for n, want := range map[int64]string{0: "0 packets", 1: "1 packet", 2: "2 packets", 1234: "1,234 packets"} {
		if got := plural(n, "packet"); got != want {
			t.Errorf("plural(%d) = %s, want %s", n, got, want)
		}
	}
}

func TestRound(t *testing.T) {
	for in, want := range map[float64]float64{0: 0, 1.004: 1, 1.005000001: 1.01, 2.675000001: 2.68, 1e17: 1e17} {
		if got := round(in); got != want {
			t.Errorf("round(%v) = %v, want %v", in, got, want)
		}
	}
}

// TestIsPlain holds that eight octets at a time are what one at a time is, for every octet at
// every place.
func TestIsPlain(t *testing.T) {
	for c := range 256 {
		want := c >= 0x20 && c < 0x7f && c != '"' && c != '\\'
		for n := 1; n < 20; n++ {
			for at := range n {
				s := []byte(strings.Repeat("~", n))
				s[at] = byte(c)
				if got := isPlain(s); got != want {
					t.Fatalf("%q: %t, want %t", s, got, want)
				}
			}
		}
	}
}

// TestListCell: of a list in a cell each value is cut, masked and escaped by itself, as JSON has it.
func TestListCell(t *testing.T) {
	long := strings.Repeat("x", 300)
	var ids []string
	for i := range 20 {
		ids = append(ids, fmt.Sprintf("%d-12345-abcdef@192.168.101.123", i))
	}
	for _, x := range []struct {
		list []string
		want string
	}{
		{nil, ""},
		{ids, strings.Join(ids, "; ")},
		{[]string{long, "b"}, long[:255] + "…; b"},
		{[]string{"a", "sip:bob:secret@h\x1b"}, `a; sip:bob:***@h\x1b`},
		{[]string{"+49", "a,b"}, `"'+49; a,b"`},
	} {
		var w jsonWriter
		if got := string(w.appendURICells(nil, x.list)); got != x.want {
			t.Errorf("%q becomes %s, want %s", x.list, got, x.want)
		}
	}
}

// TestTimelineLimit: a timeline that lacks what was over a limit says how much that is.
func TestTimelineLimit(t *testing.T) {
	c := &analysis.Call{ID: 1, Legs: []*analysis.Leg{{Messages: 3000, Steps: make([]analysis.Step, 2)}}}
	text := string(AppendCallText(nil, c, &Options{}, nil, 0))
	if !strings.HasSuffix(text, "\nand 2,998 messages more\n") {
		t.Errorf("it ends with %q", text[max(0, len(text)-80):])
	}
	if b := AppendCallJSON(nil, &Options{}, c, nil); !strings.Contains(string(b), `"timeline_left_out":2998,`) {
		t.Errorf("%s", b)
	}
	c.Legs[0].Messages = 2
	if b := AppendCallJSON(nil, &Options{}, c, nil); strings.Contains(string(b), "left_out") {
		t.Errorf("%s", b)
	}
}
