package main

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sipsight/sipsight/findings"
	"github.com/sipsight/sipsight/internal/capgen"
)

// A findingCase is one file of findings/testdata.
type findingCase struct {
	want  [][]string
	none  []string
	also  []string
	says  [][2]string // id, and what the Observed of one of its findings holds
	ways  []string
	calls int
	gap   float64
	text  string
}

func readFindingCase(t *testing.T, file string) (c findingCase) {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	c.calls, c.gap = 1, 100
	var ladder []string
	for _, line := range strings.Split(string(b), "\n") {
		key, value, _ := strings.Cut(line, ":")
		words := strings.Fields(value)
		switch key {
		case "want":
			if len(words) < 4 {
				t.Fatalf("want: id, severity, confidence, frames: %q", line)
			}
			c.want = append(c.want, words)
		case "none":
			c.none = append(c.none, words...)
		case "also":
			c.also = append(c.also, words...)
		case "says":
			id, text, _ := strings.Cut(strings.TrimSpace(value), " ")
			c.says = append(c.says, [2]string{id, text})
		case "ways":
			c.ways = words
		case "calls":
			c.calls, _ = strconv.Atoi(words[0])
		case "gap":
			c.gap, _ = strconv.ParseFloat(words[0], 64)
		default:
			ladder = append(ladder, line)
		}
	}
	c.text = strings.Join(ladder, "\n")
	return c
}

// TestFindings runs every case of every rule through the command.
func TestFindings(t *testing.T) {
	files, err := filepath.Glob("../../findings/testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no cases", err)
	}
	fires, silent := map[string]bool{}, map[string]bool{}
	for i, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".txt")
		c := readFindingCase(t, file)
		for _, w := range c.want {
			fires[w[0]] = true
		}
		for _, id := range c.none {
			silent[id] = true
		}
		for _, id := range c.none {
			if findings.Lookup(id) == nil {
				t.Errorf("%s: there is no finding %s", name, id)
			}
		}
		ways := append([]string{"udp"}, c.ways...)
		if slices.Contains(c.ways, "tcp-only") {
			ways = []string{"tcp"}
		}
		if testing.Short() && i%8 != 0 {
			continue
		}
		for _, way := range ways {
			t.Run(name+"/"+way, func(t *testing.T) { runFindingCase(t, &c, way) })
		}
	}
	for _, r := range findings.Rules() {
		if !fires[r.ID] {
			t.Errorf("no case in which %s fires", r.ID)
		}
		if !silent[r.ID] {
			t.Errorf("no near miss of %s", r.ID)
		}
	}
}

func runFindingCase(t *testing.T, c *findingCase, way string) {
	l := capgen.Ladder{TCP: way == "tcp", IPv6: way == "ipv6", Compact: way == "compact", Shuffle: way == "compact"}
	l.Repeat(c.calls, c.gap)
	file := filepath.Join(t.TempDir(), "case.pcap")
	if err := os.WriteFile(file, l.Pcap(c.text), 0o600); err != nil {
		t.Fatal(err)
	}
	res := sipsight(t, "findings", "--json", file)
	out, errs, code := res.out, res.err, res.code
	if code != exitOK {
		t.Fatalf("exit code %d: %s", code, errs)
	}
	var got []findingLine
	for line := range strings.Lines(out) {
		var f findingLine
		if err := json.Unmarshal([]byte(line), &f); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		if f.RFC == "" || f.Observed == "" || f.Expected == "" || f.NextStep == "" {
			t.Errorf("something is missing in %s", line)
		}
		got = append(got, f)
	}
	for _, w := range c.want {
		if !slices.ContainsFunc(got, func(f findingLine) bool { return f.matches(w, way) }) {
			t.Errorf("missing: %s", strings.Join(w, " "))
		}
	}
	for _, s := range c.says {
		if !slices.ContainsFunc(got, func(f findingLine) bool { return f.ID == s[0] && strings.Contains(f.Observed, s[1]) }) {
			t.Errorf("no %s says %q", s[0], s[1])
		}
	}
	for _, f := range got {
		switch {
		case slices.Contains(c.none, f.ID):
			t.Errorf("must not be there: %v", f)
		case f.Severity != "note" && !slices.Contains(c.also, f.ID) && !slices.ContainsFunc(c.want, func(w []string) bool { return f.matches(w, way) }):
			t.Errorf("unexpected: %v", f)
		}
	}
	if t.Failed() {
		t.Logf("findings:\n%s", out)
	}
}

// TestRegistrationsNameFindings: what is wrong with an address-of-record stands with it.
func TestRegistrationsNameFindings(t *testing.T) {
	text := "A = 10.0.0.1:5060\nB = 10.0.0.2:5060\n" +
		"0 A > B REGISTER id=r1 from=sip:a@example.com\n+.01 B > A 403\n" +
		"1 A > B REGISTER id=r2 from=sip:b@example.com\n+.01 B > A 200\n" +
		"2 A > B REGISTER id=r3 from=sip:c@example.com\n+.01 B > A 420\n"
	if got, want := registrationsOf(t, text), []string{"sip:a@example.com[register-failed]", "sip:b@example.com[]", "sip:c@example.com[unsupported-feature lint]"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	for _, x := range []struct{ file, id string }{ // what the ledger tells of, which sees REGISTERs and others
		{"auth-loop-register", "auth-loop"}, {"auth-ignored", "auth-ignored"}, {"auth-cseq", "auth-cseq"}, {"auth-reused-nonce", "auth-reused-nonce"},
		{"digest-brute-force", "digest-brute-force"}, {"digest-brute-force-users", "digest-brute-force"}, {"scanner", "scanner"},
	} {
		c := readFindingCase(t, "../../findings/testdata/"+x.file+".txt")
		if got := registrationsOf(t, c.text); !strings.Contains(got[0], x.id) {
			t.Errorf("%s: got %q", x.file, got)
		}
	}
}

// TestScannerIsOfNoOneUser: of who asked for many users, and sent one REGISTER among them, that one is not whom it is about.
func TestScannerIsOfNoOneUser(t *testing.T) {
	text := "A = 10.0.0.1:5060\nB = 10.0.0.2:5060\n"
	for i := range 22 {
		method := "OPTIONS"
		if i == 7 {
			method = "REGISTER"
		}
		text += fmt.Sprintf("%d A > B %s id=s%d new to=sip:u%d@example.com ruri=sip:u%d@example.com\n+.1 B > A 404 of=%s\n", i, method, i, i, i, method)
	}
	if got := registrationsOf(t, text); len(got) != 1 || !strings.Contains(got[0], "scanner") {
		t.Errorf("registrations: %q", got)
	}
	file := filepath.Join(t.TempDir(), "case.pcap")
	if err := os.WriteFile(file, new(capgen.Ladder).Pcap(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if out := sipsight(t, "findings", "--json", file).out; strings.Contains(out, `"id":"scanner","severity":"error","confidence":"certain","aor":`) || !strings.Contains(out, `"aors":["sip:u7@example.com"]`) {
		t.Errorf("findings:\n%s", out)
	}
}

// registrationsOf returns the addresses-of-record of a ladder, each with the ids of what is found about it.
func registrationsOf(t *testing.T, ladder string) (list []string) {
	t.Helper()
	l := capgen.Ladder{}
	file := filepath.Join(t.TempDir(), "case.pcap")
	if err := os.WriteFile(file, l.Pcap(ladder), 0o600); err != nil {
		t.Fatal(err)
	}
	res := sipsight(t, "registrations", "--json", file)
	for line := range strings.Lines(res.out) {
		var r struct {
			AOR      string
			Findings []string
		}
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatal(err)
		}
		list = append(list, fmt.Sprint(r.AOR, r.Findings))
	}
	return list
}

// A findingLine is a line of the output.
type findingLine struct {
	ID, Severity, Confidence, RFC string
	Observed, Expected            string
	NextStep                      string `json:"next_step"`
	Frames                        []int64
}

func (f findingLine) String() string {
	return fmt.Sprintf("%s %s %s %v: %s", f.ID, f.Severity, f.Confidence, f.Frames, f.Observed)
}

// matches reports whether a finding is the one that words describe.
func (f findingLine) matches(words []string, way string) bool {
	if f.ID != words[0] || f.Severity != words[1] || f.Confidence != words[2] {
		return false
	}
	if words[3] == "*" || way == "tcp" {
		return true
	}
	var frames []string
	for _, n := range f.Frames {
		frames = append(frames, strconv.FormatInt(n, 10))
	}
	return slices.Equal(frames, words[3:])
}

// TestFindingsDamaged: whatever becomes of the octets of a message, the rules get through,
// and nothing that is only possible is above a note. Twice the same capture says the same.
func TestFindingsDamaged(t *testing.T) {
	files, err := filepath.Glob("../../findings/testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no cases", err)
	}
	rnd := rand.New(rand.NewPCG(1, 2))
	damaged := filepath.Join(t.TempDir(), "damaged.pcap")
	for i, file := range files {
		if testing.Short() && i%8 != 0 {
			continue
		}
		c := readFindingCase(t, file)
		var l capgen.Ladder
		packets := l.Packets(c.text)
		for n := range 2 {
			other := slices.Clone(packets)
			for i := range other {
				b := []byte(other[i].Data)
				switch at := 42 + rnd.IntN(max(len(b)-42, 1)); { // behind the headers of Ethernet, IPv4 and UDP
				case at >= len(b):
				case i%3 == 0:
					b[at] = "\x00;,<>\"= \r\n:@9\xff"[rnd.IntN(14)]
				case i%3 == 1:
					copy(b[at:], b[42:])
				}
				other[i].Data = string(b)
			}
			if err := os.WriteFile(damaged, capgen.Pcap(other), 0o600); err != nil {
				t.Fatal(err)
			}
			res := sipsight(t, "findings", "--json", damaged)
			if res.code != exitOK {
				t.Errorf("%s: exit code %d: %s\n%s", file, res.code, res.err, res.out)
			}
			if n == 0 { // every other one: what differs does so soon
				if again := sipsight(t, "findings", "--json", damaged); res.out != again.out {
					t.Errorf("%s says\n%s\nand then\n%s", file, res.out, again.out)
				}
			}
			for line := range strings.Lines(res.out) {
				var f findingLine
				if err := json.Unmarshal([]byte(line), &f); err != nil || f.Confidence == "possible" && f.Severity != "note" {
					t.Errorf("%s: %v %s", file, err, line)
				}
			}
		}
	}
}

// TestFindingTimes holds which findings --since and --until choose: by the time of the first of their frames, each file by
// itself.
func TestFindingTimes(t *testing.T) {
	const call = `
A = 10.0.0.1:5060
B = 10.0.0.2:5060

0    A > B INVITE id=early
.5   A > B INVITE id=early again
.6   B > A 486 id=early
+.01 A > B ACK id=early
%d   A > B INVITE id=late
+.5  A > B INVITE id=late again
+.6  B > A 486 id=late
+.01 A > B ACK id=late
`
	t.Chdir(t.TempDir())
	for name, at := range map[string]int{"a.pcap": 100, "b.pcap": 200} {
		if err := os.WriteFile(name, new(capgen.Ladder).Pcap(fmt.Sprintf(call, at)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	at := func(seconds float64) string {
		return capgen.Start.Add(time.Duration(seconds * float64(time.Second))).Format(time.RFC3339Nano)
	}
	for _, tt := range []struct {
		args, want string
	}{
		{"a.pcap", "1 5"},
		{"a.pcap --since " + at(0), "1 5"},
		{"a.pcap --since " + at(.001), "5"},
		{"a.pcap --since " + at(100), "5"},
		{"a.pcap --since " + at(100.1), ""},
		{"a.pcap --until " + at(99.9), "1"},
		{"a.pcap --until " + at(100), "1 5"},
		{"a.pcap --until " + at(-1), ""},
		{"a.pcap --since " + at(1) + " --until " + at(99), ""},
		{"a.pcap --since " + at(1) + " --until " + at(100.2), "5"},
		{"a.pcap b.pcap --since " + at(150), "2:5"},
		{"a.pcap b.pcap --since " + at(50) + " --until " + at(150), "1:5"},
	} {
		r := sipsight(t, append([]string{"findings", "--json", "--id", "no-100"}, strings.Fields(tt.args)...)...)
		var got []string
		for line := range strings.Lines(r.out) {
			var f struct{ Frames []json.RawMessage }
			if err := json.Unmarshal([]byte(line), &f); err != nil {
				t.Fatal(err)
			}
			got = append(got, strings.Trim(string(f.Frames[0]), `"`))
		}
		if s := strings.Join(got, " "); s != tt.want || r.code != exitOK || (s == "") == (r.err == "") {
			t.Errorf("%s: frames %q, want %q; exit code %d, %q", tt.args, s, tt.want, r.code, r.err)
		}
	}
	if r := sipsight(t, "findings", "--call", "nobody", "a.pcap"); r.code != exitFailed || strings.Count(r.err, "\n") != 1 || r.out != "" {
		t.Errorf("findings of no call: exit code %d, %q, %q", r.code, r.out, r.err)
	}
}

// TestSitePattern holds that what is on most calls is one finding in the list, and that each of these calls knows it all the same:
// with its own proof, in its verdict and its ladder, for filters and for export.
func TestSitePattern(t *testing.T) {
	t.Chdir(t.TempDir())
	text := "A = 10.0.0.1:5060\nB = 10.0.0.2:5060\n0 A > B INVITE\n+.01 B > A 100\n1 B > A 200\n"
	for _, after := range []float64{.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5} {
		text += fmt.Sprintf("%g B > A 200 again\n", 1+after)
	}
	var l capgen.Ladder
	l.Repeat(12, 100)
	if err := os.WriteFile("a.pcap", l.Pcap(text+"33 B > A BYE\n+.1 A > B 200\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	const id = "drop-at-32s"
	r := sipsight(t, "findings", "--json", "--id", id, "a.pcap")
	if strings.Count(r.out, "\n") != 1 || !strings.Contains(r.out, `"count":12`) {
		t.Errorf("the list has not one finding of 12 calls: %s", r.out)
	}
	var calls int
	for line := range strings.Lines(sipsight(t, "calls", "--json", "--filter", "call.findings == "+id, "a.pcap").out) {
		if calls++; !strings.Contains(line, "because the ACK of 10.0.0.1:5060 never came") {
			t.Errorf("a verdict without the cause: %s", line)
		}
	}
	if calls != 12 {
		t.Errorf("%d of 12 calls have the finding", calls)
	}
	r = sipsight(t, "call", "--json", "7", "a.pcap")
	var c struct {
		Findings []findingLine `json:"findings"`
	}
	if err := json.Unmarshal([]byte(r.out), &c); err != nil {
		t.Fatal(err)
	}
	of := slices.IndexFunc(c.Findings, func(f findingLine) bool { return f.ID == id })
	if of < 0 || c.Findings[of].Frames[0] != 6*14+3 || strings.Contains(c.Findings[of].Observed, "of 12 calls") {
		t.Errorf("call-7 has the findings %v", c.Findings)
	}
	if r := sipsight(t, "findings", "--json", "--id", id, "--call", "7", "a.pcap"); strings.Count(r.out, "\n") != 1 || !strings.Contains(r.out, `"call":"call-7"`) {
		t.Errorf("findings --call 7: %s%s", r.out, r.err)
	}
	if r := sipsight(t, "flow", "--call", "7", "a.pcap"); !strings.Contains(r.out, "error drop-at-32s, frames 87,") {
		t.Errorf("the ladder does not tell of it: %s", r.out)
	}
	if r := sipsight(t, "export", "--finding", id, "a.pcap", "-o", "b.pcapng"); !strings.Contains(r.err, "168 packets of 12 calls") {
		t.Errorf("export: %s", r.err)
	}
}

// TestOverloadedCalls holds that the calls that an overloaded server turned away know it, and are exported whole, beside what it
// turned away outside of calls.
func TestOverloadedCalls(t *testing.T) {
	t.Chdir(t.TempDir())
	text := "A = 10.0.0.1:5060\nB = 10.0.0.2:5060\n0 A > B REGISTER id=r\n+.1 B > A 503\n"
	for i := range 4 {
		text += fmt.Sprintf("%d A > B INVITE id=c%[1]d\n+.1 B > A 503 id=c%[1]d\n+.1 A > B ACK id=c%[1]d\n", i+1)
	}
	if err := os.WriteFile("a.pcap", new(capgen.Ladder).Pcap(text), 0o600); err != nil {
		t.Fatal(err)
	}
	r := sipsight(t, "findings", "--json", "--id", "overload", "a.pcap")
	if strings.Count(r.out, "\n") != 1 || !strings.Contains(r.out, `"frames":[2,4,7,10,13]`) {
		t.Errorf("the list: %s", r.out)
	}
	if r := sipsight(t, "findings", "--json", "--id", "overload", "--call", "3", "a.pcap"); !strings.Contains(r.out, `"frames":[10]`) || strings.Count(r.out, "\n") != 1 {
		t.Errorf("of call-3: %s", r.out)
	}
	if r := sipsight(t, "calls", "--json", "--filter", "call.findings == overload", "a.pcap"); strings.Count(r.out, "\n") != 4 {
		t.Errorf("the calls: %s", r.out)
	}
	if r := sipsight(t, "export", "--finding", "overload", "a.pcap", "-o", "b.pcapng"); !strings.Contains(r.err, "14 packets of 4 calls") {
		t.Errorf("export: %s", r.err)
	}
}

// TestFailOnChosen holds that --fail-on is about the findings that are chosen, whatever chooses them, and that an empty choice is not
// taken for a capture without any.
func TestFailOnChosen(t *testing.T) {
	captures(t)
	for _, tt := range []struct {
		args string
		code int
		err  string
	}{
		{"--fail-on error", exitFound, ""},
		{"--fail-on error --limit 1 --sort severity", exitFound, " are listed (--limit)"},
		{"--fail-on error --id transport-error", exitFound, ""},
		{"--fail-on error --id no-100", exitOK, ""},
		{"--fail-on warning --id no-100", exitFound, ""},
		{"--fail-on error --call 1", exitOK, ""},
		{"--fail-on error --call 3", exitFound, ""},
		{"--fail-on error --until 2020-01-01", exitOK, "there are no findings in the time asked for"},
		{"--fail-on note --id auth-loop", exitOK, "findings is what was asked for"},
		{"--fail-on note --filter finding.id==auth-loop", exitOK, "is what was asked for (--filter)"},
		{"--fail-on error --filter finding.id!=transport-error", exitOK, ""},
	} {
		r := sipsight(t, append([]string{"findings", "retransmission.pcap"}, strings.Fields(tt.args)...)...)
		if r.code != tt.code || tt.err == "" && r.err != "" || !strings.Contains(r.err, tt.err) {
			t.Errorf("%s: exit code %d, want %d; %q", tt.args, r.code, tt.code, r.err)
		}
	}
}

// TestFindingLimit holds that the findings that are too many to keep are told of, with exit code 3.
func TestFindingLimit(t *testing.T) {
	t.Chdir(t.TempDir())
	const half = "A = 10.0.0.1:5060\nB = 10.0.0.2:5060\n0 A > B INVITE\n.5 A > B INVITE again\n.6 B > A 486\n.7 A > B ACK\n1 A > B INVITE id=fine\n1.1 B > A 486 id=fine\n1.2 A > B ACK id=fine\n"
	for calls, want := range map[int]int{2000: exitOK, 2001: exitPartial} {
		var l capgen.Ladder
		l.Repeat(calls, 2)
		if err := os.WriteFile("a.pcap", l.Pcap(half), 0o600); err != nil {
			t.Fatal(err)
		}
		r := sipsight(t, "findings", "--json", "--id", "no-100", "a.pcap")
		if n := strings.Count(r.out, "\n"); n != 2000 || r.code != want || strings.Contains(r.err, "finding-limit") != (want == exitPartial) {
			t.Errorf("of %d: %d findings, exit code %d, %q", calls, n, r.code, r.err)
		}
	}
}

// TestBundleExported holds that requests outside of calls that are told of together are exported whole, up to the twenty that are
// named.
func TestBundleExported(t *testing.T) {
	t.Chdir(t.TempDir())
	text := "A = 10.0.0.1:5060\nB = 10.0.0.2:5060\n0 A > B OPTIONS id=other\n+.1 B > A 200 id=other\n"
	for i := range 12 {
		text += fmt.Sprintf("%d A > B REGISTER id=r%[2]d from=sip:u%[2]d@example.com\n+.1 B > A 403 id=r%[2]d\n", 20*(i+1), i)
	}
	if err := os.WriteFile("a.pcap", new(capgen.Ladder).Pcap(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if r := sipsight(t, "findings", "--json", "--id", "register-failed", "a.pcap"); strings.Count(r.out, "\n") != 1 || !strings.Contains(r.out, `"count":12`) {
		t.Errorf("the list: %s", r.out)
	}
	if r := sipsight(t, "findings", "--id", "register-failed", "a.pcap"); !strings.Contains(r.out, "× 12") || strings.Contains(r.out, "calls") {
		t.Errorf("registrations are told as calls: %s", r.out)
	}
	if r := sipsight(t, "export", "--finding", "register-failed", "a.pcap", "-o", "b.pcapng"); !strings.Contains(r.err, "24 packets outside of calls") {
		t.Errorf("export: %s", r.err)
	}
}

// TestFindingTimesOfMedia: a finding whose first frame is of RTP is of a time by the messages around it.
func TestFindingTimesOfMedia(t *testing.T) {
	c := readFindingCase(t, "../../findings/testdata/late-or-cut-media.txt")
	var l capgen.Ladder
	file := filepath.Join(t.TempDir(), "media.pcap")
	if err := os.WriteFile(file, l.Pcap(c.text), 0o600); err != nil {
		t.Fatal(err)
	}
	for args, want := range map[string]int{
		"--since 2026-03-01T12:00:05Z --until 2026-03-01T12:00:08Z": 1,
		"--until 2026-03-01T12:00:08Z":                              2,
		"--since 2026-03-01T12:00:13Z":                              0,
	} {
		res := sipsight(t, append([]string{"findings", "--json", "--id", "late-or-cut-media", file}, strings.Fields(args)...)...)
		if n := strings.Count(res.out, "\n"); n != want {
			t.Errorf("%s: %d findings, want %d\n%s", args, n, want, res.out)
		}
	}
}
