package filter_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sipsight/sipsight/internal/filter"
)

var update = flag.Bool("update", false, "rewrite the goldens")

// A call is a record with fields of every kind.
type call struct {
	state   string
	agents  []string
	setup   time.Duration
	answer  bool // setup is known
	count   int64
	mos     float64
	start   time.Time
	partial bool
	source  netip.Addr
	port    uint16
}

var calls = func() *filter.Schema[*call] {
	s := filter.NewSchema[*call]("call")
	s.String("state", "the state", func(c *call) string { return c.state })
	s.Strings("user_agents", "who took part", func(c *call) []string { return c.agents })
	s.Millis("setup_ms", "until the answer", func(c *call) (time.Duration, bool) { return c.setup, c.answer })
	s.Int("messages", "how many messages", func(c *call) int64 { return c.count })
	s.Float("mos", "how it sounded", func(c *call) (float64, bool) { return c.mos, c.mos != 0 })
	s.Time("start", "when it began", func(c *call) time.Time { return c.start })
	s.Bool("partial", "octets are missing", func(c *call) bool { return c.partial })
	s.Address("source_ip", "who called", func(c *call) netip.Addr { return c.source })
	s.Port("source_port", "from where", func(c *call) uint16 { return c.port })
	return s
}()

var someCall = call{
	state: "failed", agents: []string{"Phone/1.0", "PBX 13"}, setup: 1500 * time.Microsecond, answer: true, count: 12, mos: 4.25,
	start: time.Date(2026, 11, 23, 10, 14, 0, 500, time.UTC), source: netip.MustParseAddr("::ffff:10.1.2.3"), port: 5060,
}

func TestMatch(t *testing.T) {
	for _, test := range []struct {
		expr       string
		some, none bool // of someCall, and of the empty one
	}{
		{`call.state`, true, false},
		{`call.state == "failed"`, true, false},
		{`call.state == failed`, true, false},
		{`call.state == "Failed"`, false, false},
		{`call.state != "failed"`, false, false},
		{`not call.state == "failed"`, false, true},
		{`call.state != "early"`, true, false},
		{`not call.state != "early"`, false, true},
		{`call.state > "fail"`, true, false},
		{`call.state >= "failed" and call.state <= "failed"`, true, false},
		{`call.state < "failed" or call.state > "failed"`, false, false},
		{`call.state contains "ail"`, true, false},
		{`call.state contains ""`, false, false},
		{`call.state matches "^FA.*D$"`, true, false},
		{`call.state matches "(?-i)^FA"`, false, false},
		{`call.state matches ""`, true, false},
		{`call.state in {"early", "failed"}`, true, false},
		{`call.state not in {"early", "failed"}`, false, true},
		{`call.state in {"a" .. "c", "e" .. "g"}`, true, false},
		{`call.state in {"a" .. "c", "g" .. "z"}`, false, false},

		// Several values: one suffices, but for != and ===.
		{`call.user_agents == "PBX 13"`, true, false},
		{`call.user_agents != "PBX 13"`, false, false},
		{`call.user_agents != "x"`, true, false},
		{`call.user_agents !== "PBX 13"`, true, false},
		{`call.user_agents === "PBX 13"`, false, false},
		{`call.user_agents === "PBX 13" or call.user_agents === "Phone/1.0"`, false, false},
		{`call.user_agents < "PBX 14" and call.user_agents > "PBX 14"`, true, false},
		{`call.user_agents contains "Phone" and call.user_agents contains "13"`, true, false},

		{`call.setup_ms == 1.5`, true, false},
		{`call.setup_ms > 1.4999 and call.setup_ms < 2`, true, false},
		{`call.setup_ms in {0 .. 1, 1.25 .. 1.75}`, true, false},
		{`call.setup_ms > -1`, true, false},
		{`call.messages == 12`, true, false},
		{`call.messages == 0`, false, true},
		{`call.messages`, true, true},
		{`call.mos < 4.3`, true, false},
		{`call.start == "2026-11-23 10:14:00.0000005"`, true, false},
		{`call.start >= "2026-11-23T10:14"`, true, false},
		{`call.start >= "2026-11-23T11:14:00+01:00"`, true, false},
		{`call.start < "Nov 23, 2026 10:14:00.000000501"`, true, false},
		{`call.start in {"2026-11-23" .. "2026-11-24"}`, true, false},
		{`call.start != "2026-11-23"`, true, false},
		{`call.partial == false`, true, true},
		{`call.partial != True`, true, true},
		{`call.partial`, true, true},
		{`call.source_ip == 10.1.2.3`, true, false},
		{`call.source_ip == 10.0.0.0/8`, true, false},
		{`call.source_ip == 10.9.9.9/8`, true, false},
		{`call.source_ip == 10.0.0.0/16`, false, false},
		{`call.source_ip > 10.0.0.0/8`, false, false},
		{`call.source_ip >= 10.0.0.0/8 and call.source_ip <= 10.0.0.0/8`, true, false},
		{`call.source_ip > 10.1.2.2 and call.source_ip < 10.1.2.4`, true, false},
		{`call.source_ip in {2001:db8::/32, 10.1.2.0 .. 10.1.2.9}`, true, false},
		{`call.source_ip == 0.0.0.0/0`, true, false},
		{`call.source_port in {5060, 5061}`, true, false},
		{`call.source_port == 0x13c4`, true, false},

		// and binds tighter than or, not tighter than both.
		{`call.state or call.mos and call.messages == 0`, true, false},
		{`(call.state or call.mos) and call.messages == 0`, false, false},
		{`not call.state or call.state`, true, true},
		{`not (call.state or call.messages)`, false, false},
	} {
		f, err := calls.Parse(test.expr)
		if err != nil {
			t.Errorf("%s: %v", test.expr, err)
			continue
		}
		if some, none := f.Match(&someCall), f.Match(new(call)); some != test.some || none != test.none {
			t.Errorf("%s is %t and %t, want %t and %t", test.expr, some, none, test.some, test.none)
		}
	}
}

// A PCRE $ also stands in front of a line end that ends the text.
func TestDollar(t *testing.T) {
	for text, want := range map[string]bool{"ab": true, "ab\n": true, "ab\n\n": false, "ab\r\n": false, "abc": false} {
		f, err := calls.Parse(`call.state matches "(b|x)$"`)
		if err != nil {
			t.Fatal(err)
		}
		if got := f.Match(&call{state: text}); got != want {
			t.Errorf("%q: %t", text, got)
		}
	}
}

// randomCall and randomExpr draw from so few values that comparisons often hold.
func randomCall(r *rand.Rand) *call {
	pick := func(list ...string) string { return list[r.IntN(len(list))] }
	c := &call{
		state: pick("", "early", "failed", "fail"), answer: r.IntN(2) == 0, setup: time.Duration(r.IntN(4)) * time.Millisecond / 2,
		count: int64(r.IntN(4)), mos: float64(r.IntN(3)), partial: r.IntN(2) == 0, port: uint16(r.IntN(3)),
	}
	for range r.IntN(4) {
		c.agents = append(c.agents, pick("a", "b", "ab", "c"))
	}
	if r.IntN(3) > 0 {
		c.start = time.Date(2026, 11, 23+r.IntN(3), 0, 0, 0, 0, time.UTC)
		c.source = netip.AddrFrom4([4]byte{10, 0, 0, byte(r.IntN(4))})
	}
	return c
}

func randomExpr(r *rand.Rand, depth int) string {
	if depth > 0 {
		a, b := randomExpr(r, depth-1), randomExpr(r, depth-1)
		switch r.IntN(6) {
		case 0:
			return "not " + bracket(a)
		case 1:
			return "!" + bracket(a)
		case 2:
			return bracket(a) + " and " + bracket(b)
		case 3:
			return bracket(a) + "||" + bracket(b)
		case 4:
			return "(" + a + ")"
		}
	}
	f := calls.Fields()[r.IntN(len(calls.Fields()))]
	value := func() string { return randomValue(r, f.Kind) }
	switch r.IntN(5) {
	case 0:
		return f.Name
	case 1:
		set := value()
		for range r.IntN(3) {
			set += ", " + value()
		}
		return f.Name + []string{" in {", " not in {"}[r.IntN(2)] + set + "}"
	case 2:
		if f.Kind == filter.String {
			return f.Name + []string{" contains ", " matches "}[r.IntN(2)] + []string{`"a"`, `"[bf]"`, `"i$"`}[r.IntN(3)]
		}
	}
	ops := []string{"==", "!=", "===", "!==", "eq", "ne", "all_eq", "any_ne", "<", "<=", ">", ">=", "lt", "le", "gt", "ge"}
	if f.Kind == filter.Bool {
		ops = ops[:8]
	}
	return f.Name + " " + ops[r.IntN(len(ops))] + " " + value()
}

func bracket(s string) string {
	if strings.ContainsAny(s, " |") {
		return "(" + s + ")"
	}
	return s
}

func randomValue(r *rand.Rand, k filter.Kind) string {
	var list []string
	switch k {
	case filter.String:
		list = []string{`"a"`, "b", `"fail"`, "failed", `r"ab"`, `"\x61b"`}
	case filter.Decimal:
		list = []string{"0", "1", "0.5", "1.50", "2", "-1"}
	case filter.Time:
		list = []string{`"2026-11-23"`, `"2026-11-24 00:00:00"`, `"2026-11-25T00:00:00Z"`}
	case filter.Bool:
		list = []string{"true", "FALSE"}
	case filter.Address:
		list = []string{"10.0.0.1", "10.0.0.2", "10.0.0.2/31", "::1"}
	case filter.Port:
		list = []string{"0", "1", "0x2"}
	}
	return list[r.IntN(len(list))]
}

func parse(t *testing.T, expr string) *filter.Filter[*call] {
	t.Helper()
	f, err := calls.Parse(expr)
	if err != nil {
		t.Fatalf("%s: %v", expr, err)
	}
	return f
}

// TestLaws: what is printed is read again as the same; and the laws of logic hold.
func TestLaws(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	records := make([]*call, 60)
	for i := range records {
		records[i] = randomCall(r)
	}
	same := func(a, b string) {
		t.Helper()
		fa, fb := parse(t, a), parse(t, b)
		for _, c := range records {
			if x, y := fa.Match(c), fb.Match(c); x != y {
				t.Fatalf("%s is %t\n%s is %t\nof %+v", a, x, b, y, *c)
			}
		}
	}
	held := 0
	for range 3000 {
		a, b := "("+randomExpr(r, 3)+")", "("+randomExpr(r, 2)+")"
		f := parse(t, a)
		printed := f.String()
		if again := parse(t, printed).String(); again != printed {
			t.Fatalf("%s is printed as %s, and that as %s", a, printed, again)
		}
		for _, c := range records {
			if f.Match(c) {
				held++
			}
		}
		same(a, printed)
		same("not not "+a, a)
		same("not ("+a+" and "+b+")", "not "+a+" or not "+b)
		same("not ("+a+" or "+b+")", "not "+a+" and not "+b)
		same(a+" and "+b, b+" and "+a)
		same(a+" or "+a+" and "+b, a)
	}
	if all := 3000 * len(records); held < all/10 || held > all*9/10 {
		t.Errorf("%d of %d comparisons hold: they are not worth much", held, all)
	}
	for range 2000 {
		f := calls.Fields()[r.IntN(len(calls.Fields()))]
		x, y := randomValue(r, f.Kind), randomValue(r, f.Kind)
		same(f.Name+" in {"+x+"}", f.Name+" == "+x)
		same(f.Name+" in {"+x+", "+y+"}", f.Name+" == "+x+" or "+f.Name+" == "+y)
		same(f.Name+" not in {"+x+"}", "not "+f.Name+" == "+x)
		same(f.Name+" != "+x, f.Name+" and not "+f.Name+" == "+x)
		same(f.Name+" === "+x, f.Name+" and not "+f.Name+" !== "+x)
		if f.Kind != filter.Bool {
			same(f.Name+" <= "+x, f.Name+" < "+x+" or "+f.Name+" == "+x)
			same(f.Name+" >= "+x, f.Name+" > "+x+" or "+f.Name+" == "+x)
		}
	}
}

// TestSets compares sets, which are searched by halving, with one comparison after the
// other.
func TestSets(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 500 {
		var set, or []string
		for range 1 + r.IntN(12) {
			lo := r.IntN(40)
			if hi := lo + r.IntN(8); r.IntN(2) == 0 {
				set = append(set, fmt.Sprintf("%d..%d", lo, hi))
				or = append(or, fmt.Sprintf("(call.messages >= %d and call.messages <= %d)", lo, hi))
			} else {
				set = append(set, fmt.Sprint(lo))
				or = append(or, fmt.Sprintf("call.messages == %d", lo))
			}
		}
		a := parse(t, "call.messages in {"+strings.Join(set, ", ")+"}")
		b := parse(t, strings.Join(or, " or "))
		for n := range int64(50) {
			if c := (call{count: n}); a.Match(&c) != b.Match(&c) {
				t.Fatalf("%s and %s differ for %d", a, b, n)
			}
		}
	}
}

// TestFieldsTwice: a name that is taken is a mistake of the program.
func TestFieldsTwice(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("a field was added twice")
		}
	}()
	s := filter.NewSchema[*call]("call")
	s.Bool("x", "", func(*call) bool { return true })
	s.Bool("x", "", func(*call) bool { return true })
}

// TestExamples: every field has an example, and it can be parsed.
func TestExamples(t *testing.T) {
	for _, f := range slices.Concat(filter.Messages().Fields(), calls.Fields()) {
		var err error
		if strings.HasPrefix(f.Name, "call.") {
			_, err = calls.Parse(f.ExampleText())
		} else {
			_, err = filter.Messages().Parse(f.ExampleText())
		}
		if err != nil {
			t.Errorf("%s: %v", f.ExampleText(), err)
		}
		if f.Doc == "" {
			t.Errorf("%s says nothing", f.Name)
		}
	}
}

// TestFrames: a packet is named as rows name it, with several files by its file too.
func TestFrames(t *testing.T) {
	type packet struct{ file, number int }
	s := filter.NewSchema[[]packet]("x")
	s.Add(filter.Field{Name: "frames", Kind: filter.Frame}, func(list []packet, v *filter.Values) {
		for _, p := range list {
			v.Frame(p.file, int64(p.number))
		}
	})
	some := []packet{{0, 17}, {1, 17}, {1, 30}}
	for expr, want := range map[string]bool{
		"x.frames":                               true,
		"x.frames == 17":                         true,
		"x.frames == 0x11":                       true,
		"x.frames == 1:17":                       true,
		"x.frames == 2:30":                       true,
		"x.frames == 1:30":                       false,
		"x.frames == 3:17":                       false,
		"x.frames != 1:30":                       true,
		"x.frames != 30":                         false,
		"x.frames > 2:30":                        false,
		"x.frames >= 2:30":                       true,
		"x.frames < 1:17":                        false,
		"x.frames in {1:18 .. 1:40, 2:29..2:31}": true,
		"x.frames in {1:18 .. 1:40, 2:1, 3:17}":  false,
		"x.frames in {1:18 .. 2:16}":             false,
		"x.frames in {18 .. 40}":                 true,
	} {
		f, err := s.Parse(expr)
		if err != nil {
			t.Errorf("%s: %v", expr, err)
			continue
		}
		again, err := s.Parse(f.String())
		if err != nil || f.Match(some) != want || again.Match(some) != want {
			t.Errorf("%s: %v %v", expr, f.Match(some), err)
		}
	}
	for expr, want := range map[string]string{
		"x.frames == 0:17":              "this is no packet",
		"x.frames == 1:2:3":             "this is no packet",
		"x.frames == a:17":              "this is no packet",
		"x.frames == 2:":                "this is no packet",
		"x.frames in {17, 2:17}":        "do not go together",
		"x.frames in {2:17 .. 30}":      "do not go together",
		"x.frames in {2:17 .. 1:30}":    "the range ends before it begins",
		`x.frames == "2:17"`:            "write 2:17",
		`x.frames contains "2"`:         "is for text",
		"x.frames == 99999999999999999": "too big",
	} {
		if _, err := s.Parse(expr); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", expr, err, want)
		}
	}
}
