package filter_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sipsight/sipsight/internal/filter"
)

// refusals are expressions that are refused, each for another reason.
var refusals = []string{
	``,
	`sip.call-id == "x"`,
	`Call-ID == "x"`,
	`sip.Methd == "INVITE"`,
	`dns.qry.name == "x"`,
	`sip.Method = "INVITE"`,
	`sip.Method == "INVITE" AND udp`,
	`sip.Method IN {"INVITE"}`,
	`sip xor udp`,
	`INVITE and udp`,
	`invite or udp`,
	`RTP or udp`,
	`call.state == failed`,
	`sip udp`,
	`sip.Method == `,
	`sip and`,
	`(sip or udp`,
	`sip)`,
	`()`,
	`"INVITE" == sip.Method`,
	`200 == sip.Status-Code`,
	`sip.Method == "INVITE`,
	`sip.Method == "\d"`,
	`sip.Method == 'INVITE'`,
	`sip.Method == sip.CSeq.method`,
	`sip.Method == and`,
	`sip.Call-ID == a@b`,
	`sip.Call-ID == a:b`,
	`sip.Status-Code == "200"`,
	`sip.Status-Code == ok`,
	`sip.Status-Code == 0200`,
	`sip.Status-Code == -1`,
	`sip.Status-Code == 4294967296`,
	`sip.Status-Code matches "^4"`,
	`sip.Status-Code contains 4`,
	`sip.Status-Code == 200 == 200`,
	`100 < sip.Status-Code < 200`,
	`udp.port == 70000`,
	`ip.addr == "10.0.0.1"`,
	`ip.addr == 10.0.0`,
	`ip.addr == 2001:db8::1`,
	`ip.addr == 10.0.0.0/33`,
	`ipv6.addr == 10.0.0.1`,
	`frame.time >= 1000000000`,
	`frame.time >= "yesterday"`,
	`frame.time_epoch >= "2026-11-23"`,
	`frame.time_epoch >= 2026-11-23`,
	`sip == "x"`,
	`sip.msg_body contains "x"`,
	`sdp == "x"`,
	`udp == 5060`,
	`sip.Method matches INV`,
	`sip.Method matches "(?=a)"`,
	`sip.Method matches "a**"`,
	`sip.Method matches "(a{1000}){1000}"`,
	`sip.Method in "INVITE"`,
	`sip.Method in {}`,
	`sip.Method in {"INVITE" "BYE"}`,
	`sip.Method in {"INVITE", `,
	`sip.Status-Code in {200 .. 100}`,
	`sip.Status-Code in {100 .. 200 .. 300}`,
	`ip.addr in {10.0.0.0/8 .. 11.0.0.1}`,
	`sip.Method not "INVITE"`,
	`len(sip.Method) == 6`,
	`any ip.addr == 10.0.0.1`,
	`sip.Method[0] == "I"`,
	`ip.addr#1 == 10.0.0.1`,
	`frame.number & 1`,
	`sip.Method == "größer" or größe`,
	"sip.Method == \"a\x1bb\" \u202e",
	strings.Repeat("(", 100) + "sip" + strings.Repeat(")", 100),
	strings.Repeat("sip or ", 256) + "udp",
	strings.Repeat("sip.Method == \"INVITE\" or ", 20) + "sip.methd",
}

// TestRefusals shows each refusal as a person sees it.
func TestRefusals(t *testing.T) {
	var b strings.Builder
	b.WriteString("Expressions that are refused, as they are shown. Made by: go test ./internal/filter -update\n")
	for _, expr := range refusals {
		_, err := filter.Messages().Parse(expr)
		var e *filter.Error
		if !errors.As(err, &e) {
			t.Errorf("%s is taken: %v", expr, err)
			continue
		}
		if e.Pos < 0 || e.Pos > e.End || e.End > len(expr) {
			t.Errorf("%s: the fault is at %d to %d of %d", expr, e.Pos, e.End, len(expr))
		}
		b.WriteString("\n" + e.Error() + "\n")
		for line := range strings.SplitSeq(e.Caret(), "\n") {
			b.WriteString(strings.TrimRight("    "+line, " ") + "\n")
		}
	}
	golden(t, "refusals.txt", b.String())
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	name = filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(name, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs; -update rewrites it:\n%s", name, got)
	}
}

// TestCaret: the mark stands below the place, whatever columns the characters take.
func TestCaret(t *testing.T) {
	for _, c := range []struct {
		e    filter.Error
		want string
	}{
		{filter.Error{Expr: `sip.from.user == "山田" frob`, Pos: 26, End: 30}, `                        ^~~~`},
		{filter.Error{Expr: "sip.Method == 山田", Pos: 14, End: 20}, "              ^~~~"},
		{filter.Error{Expr: "e\u0301 x", Pos: 4, End: 5}, "  ^"},
		{filter.Error{Expr: "sip", Pos: 3, End: 3}, "   ^"},
	} {
		if _, got, _ := strings.Cut(c.e.Caret(), "\n"); got != c.want {
			t.Errorf("%s\n%s\nwant\n%s", c.e.Expr, got, c.want)
		}
	}
}

// TestTooLong is apart from the golden, where it would fill pages.
func TestTooLong(t *testing.T) {
	set := `sip.Method in {"INVITE"` + strings.Repeat(`, "INVITE"`, 400) + "}"
	if _, err := filter.Messages().Parse(set); err != nil {
		t.Errorf("a set of 401 elements: %v", err)
	}
	expr := "sip" + strings.Repeat(" ", 4096)
	_, err := filter.Messages().Parse(expr)
	var e *filter.Error
	if !errors.As(err, &e) || e.Pos != 4096 {
		t.Errorf("an expression of %d octets: %v", len(expr), err)
	}
	if n := len([]rune(e.Caret())); n > 200 {
		t.Errorf("its caret takes %d characters", n)
	}
	for _, n := range []int{0, 1} { // characters are counted, whatever octets they take
		expr := `sip.from.user == "` + strings.Repeat("é", 4096-19+n) + `"`
		if _, err := filter.Messages().Parse(expr); (err != nil) != (n > 0) {
			t.Errorf("an expression of %d characters: %v", 4096+n, err)
		}
	}
	_, err = filter.Messages().Parse(`sip.Method matches "` + strings.Repeat("a", 1025) + `"`)
	if err == nil {
		t.Error("a pattern of 1025 octets is taken")
	}
}

// TestString: what is printed is the plainest form of what was written.
func TestString(t *testing.T) {
	for _, test := range []struct{ expr, want string }{
		{`sip`, `sip`},
		{` ( ( sip ) ) `, `sip`},
		{`not not sip`, `not not sip`},
		{`!(sip && udp)`, `not (sip and udp)`},
		{`sip && (udp && tcp) && ip`, `sip and udp and tcp and ip`},
		{`sip || udp && tcp`, `sip or udp and tcp`},
		{`(sip || udp) && tcp`, `(sip or udp) and tcp`},
		{`not sip and udp`, `not sip and udp`},
		{`!sip.Method=="INVITE"`, `not sip.Method == "INVITE"`},
		{`sip.Method eq INVITE`, `sip.Method == "INVITE"`},
		{`sip.Method ne "a\"\\\n\0"`, `sip.Method != "a\"\\\x0a\x00"`},
		{`sip.Method all_eq r"a\d"`, `sip.Method === "a\\d"`},
		{`sip.Method any_ne ""`, `sip.Method !== ""`},
		{`sip.Method ~ r"^\w"`, `sip.Method matches "^\\w"`},
		{`sip.Method contains INV`, `sip.Method contains "INV"`},
		{`sip.Method not in {A, "b" .. c}`, `not sip.Method in {"A", "b" .. "c"}`},
		{`sip.Status-Code>=0xC8`, `sip.Status-Code >= 0xC8`},
		{`sip.Status-Code in {100..199,200}`, `sip.Status-Code in {100 .. 199, 200}`},
		{`ip.src lt 10.0.0.0/8`, `ip.src < 10.0.0.0/8`},
		{`ipv6.src in {::1..::2,2001:db8::/32}`, `ipv6.src in {::1 .. ::2, 2001:db8::/32}`},
		{`frame.time le "2026-11-23"`, `frame.time <= "2026-11-23"`},
		{`frame.time_epoch gt -1.5`, `frame.time_epoch > -1.5`},
	} {
		f, err := filter.Messages().Parse(test.expr)
		if err != nil {
			t.Errorf("%s: %v", test.expr, err)
			continue
		}
		if got := f.String(); got != test.want {
			t.Errorf("%s is %s, want %s", test.expr, got, test.want)
		}
	}
}
