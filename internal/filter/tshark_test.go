package filter_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/capture"
	"github.com/sipsight/sipsight/internal/filter"
)

// notWireshark are the fields that Wireshark does not have.
var notWireshark = map[string]string{"sip.Request": "sip.Request-Line", "sip.Response": "sip.Status-Line"}

// TestTshark compares which frames an expression selects with what tshark -Y selects, for
// every field and for values taken from the captures. tshark is run once an expression, so
// by itself it takes a sample; SIPSIGHT_TSHARK=all takes every field on every capture, and
// SIPSIGHT_TSHARK=a,b the captures whose names hold one of those.
func TestTshark(t *testing.T) {
	tshark, err := exec.LookPath("tshark")
	if err != nil {
		t.Skip("tshark is not installed")
	}
	which := os.Getenv("SIPSIGHT_TSHARK")
	files, _ := filepath.Glob("../../testdata/captures/*.pcap*")
	dir := os.Getenv("SIPSIGHT_SHARED")
	if which != "" && dir != "" {
		more, _ := filepath.Glob(filepath.Join(dir, "captures", "*.*cap*"))
		files = append(files, more...)
	}
	sample := which == ""
	if sample {
		which = "register-digest,ipv6-call"
	}
	files = slices.DeleteFunc(files, func(f string) bool {
		return strings.HasSuffix(f, ".json") || which != "all" && !slices.ContainsFunc(strings.Split(which, ","), func(s string) bool { return strings.Contains(filepath.Base(f), s) })
	})
	if len(files) == 0 {
		t.Fatal("there are no captures")
	}
	var jobs []comparison
	for i, f := range files {
		c := &captured{path: f, tshark: tshark}
		if c.read(t); len(c.messages) == 0 {
			continue
		}
		for k, e := range c.expressions(t, i) {
			if !sample || (i+k)%12 == 0 {
				jobs = append(jobs, comparison{c, e})
			}
		}
	}
	compared := make(chan comparison)
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			for j := range compared {
				j.c.compare(t, j.expr)
			}
		})
	}
	for _, j := range jobs {
		compared <- j
	}
	close(compared)
	wg.Wait()
	t.Logf("%d expressions on %d captures", len(jobs), len(files))
}

type comparison struct {
	c    *captured
	expr string
}

// A captured capture is one as both sides see it.
type captured struct {
	path, tshark string
	messages     map[int64]int  // by frame, as we see it
	comparable   map[int64]bool // frames in which both see the same messages, outside of tunnels
}

func (c *captured) name() string { return filepath.Base(c.path) }

func (c *captured) each(t *testing.T, f func(m *analysis.Message)) {
	r, err := capture.Open(context.Background(), []string{c.path}, capture.Options{})
	if err != nil {
		return
	}
	defer r.Close()
	if _, err := analysis.Run(context.Background(), r, analysis.Options{Message: func(m *analysis.Message) error { f(m); return nil }}); err != nil {
		t.Error(err)
	}
}

func (c *captured) run(t *testing.T, args ...string) []string {
	cmd := exec.Command(c.tshark, append([]string{"-n", "-r", c.path}, args...)...)
	cmd.Env = append(os.Environ(), "TZ=UTC")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil && len(out) == 0 && !strings.Contains(stderr.String(), "cut short") && !strings.Contains(stderr.String(), "damaged") {
		t.Errorf("%s: tshark %q: %v\n%s", c.name(), args, err, stderr.String())
	}
	return strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
}

func (c *captured) read(t *testing.T) {
	c.messages, c.comparable = make(map[int64]int), make(map[int64]bool)
	tunnel := make(map[int64]bool)
	c.each(t, func(m *analysis.Message) {
		c.messages[m.Frame.Number]++
		tunnel[m.Frame.Number] = tunnel[m.Frame.Number] || len(m.Tunnel) > 0 || m.Partial || isOdd(m)
	})
	if len(c.messages) == 0 {
		return
	}
	for _, line := range c.run(t, "-Y", "sip", "-T", "fields", "-E", "aggregator=\x01", "-e", "frame.number", "-e", "sip.Request-Line", "-e", "sip.Status-Line") {
		f := strings.Split(line, "\t")
		n, err := strconv.ParseInt(f[0], 10, 64)
		if err != nil || len(f) != 3 {
			continue
		}
		theirs := 0
		for _, x := range f[1:] {
			if x != "" {
				theirs += 1 + strings.Count(x, "\x01")
			}
		}
		c.comparable[n] = theirs == c.messages[n] && !tunnel[n]
	}
}

// isOdd reports whether a header has what Wireshark is known to read differently: folded
// lines, whose line ends it keeps, and blanks in front of the colon, with which it does
// not know the name.
func isOdd(m *analysis.Message) bool {
	raw, base := m.SIP.Raw(), m.SIP.Offset()
	for f := range m.SIP.Fields() {
		if colon := f.Off - base + len(f.Name); colon < len(raw) && raw[colon] != ':' || bytes.IndexByte(f.Value, '\n') >= 0 {
			return true
		}
	}
	return false
}

// expressions makes expressions with every field, from values that tshark shows. turn
// chooses among the ways to compare, so that a few captures have all of them.
func (c *captured) expressions(t *testing.T, turn int) (list []string) {
	fields := filter.Messages().Fields()
	args := []string{"-Y", "sip", "-T", "fields"}
	for i := range fields {
		name := fields[i].Name
		if theirs := notWireshark[name]; theirs != "" {
			name = theirs
		}
		args = append(args, "-e", name)
	}
	values := make([][]string, len(fields))
	for _, occurrence := range []string{"f", "l"} {
		for _, line := range c.run(t, append(args, "-E", "occurrence="+occurrence)...) {
			for i, v := range strings.Split(line, "\t") {
				if i < len(values) && v != "" && len(v) < 300 && !strings.ContainsAny(v, "\\") && isASCII(v) && len(values[i]) < 500 && !slices.Contains(values[i], v) {
					values[i] = append(values[i], v)
				}
			}
		}
	}
	var absent []string
	for i := range fields {
		f := &fields[i]
		if len(values[i]) == 0 {
			absent = append(absent, f.Name)
			continue
		}
		list = append(list, f.Name)
		forms := formsOf(f, values[i])
		for k := range min(3, len(forms)) {
			list = append(list, forms[(turn*3+i+k)%len(forms)])
		}
	}
	for group := range slices.Chunk(absent, 20) {
		list = append(list, strings.Join(group, " or "))
	}
	return append(list,
		`sip.CSeq.method == "INVITE" and not sip.Status-Code in {100 .. 199} or sip.Method matches "^(ack|bye)$"`,
		`(sip.Status-Code >= 200 or sdp) and !(udp.srcport == 5060 || tcp.port == 5060)`)
}

// formsOf returns the ways to compare a field with values of its own.
func formsOf(f *filter.Field, v []string) []string {
	a, z := v[0], v[len(v)-1]
	switch f.Kind {
	case filter.Present:
		return []string{"not " + f.Name}
	case filter.Protocol:
		return []string{f.Name + ` contains "e"`, f.Name + ` contains "sip:"`, f.Name + ` matches "audio|bob"`}
	case filter.String:
		mid := strconv.Quote(z[len(z)/4 : len(z)-len(z)/4])
		a, z = strconv.Quote(a), strconv.Quote(z)
		return []string{f.Name + " == " + a, f.Name + " == " + z, f.Name + " != " + a,
			f.Name + " === " + a, f.Name + " !== " + z, f.Name + " >= " + z, f.Name + " < " + a,
			f.Name + " contains " + mid, "not " + f.Name + " contains " + mid,
			f.Name + " in {" + a + ", " + z + `, "0" .. "5"}`, f.Name + " not in {" + a + "}",
			f.Name + ` matches "^[a-d0-4].*[^a-z]$"`, f.Name + ` matches "\\w{3}\\W"`}
	case filter.Time:
		z = strconv.Quote(strings.TrimSpace(z))
		return []string{f.Name + " >= " + z, f.Name + " == " + z, f.Name + " != " + z}
	case filter.IPv4:
		return []string{f.Name + " == " + a, f.Name + " != " + z, f.Name + " == " + z + "/30", f.Name + " in {" + a + ", 10.0.0.0/8}", f.Name + " > " + a, f.Name + " <= " + z + "/24"}
	case filter.IPv6:
		return []string{f.Name + " == " + a, f.Name + " != " + z, f.Name + " == " + z + "/16", f.Name + " in {" + a + ", 2001:db8::/32}"}
	}
	return []string{f.Name + " == " + a, f.Name + " != " + z, f.Name + " >= " + z, f.Name + " < " + a, f.Name + " in {" + z + ", 1 .. 300}", "not " + f.Name + " > " + a}
}

func isASCII(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i]-0x20 >= 0x5f {
			return false
		}
	}
	return true
}

func (c *captured) compare(t *testing.T, expr string) {
	f, err := filter.Messages().Parse(expr)
	if err != nil {
		t.Errorf("%s: %s: %v", c.name(), expr, err)
		return
	}
	f.Secrets = true
	ours := make(map[int64]bool)
	c.each(t, func(m *analysis.Message) {
		if f.Match(m) {
			ours[m.Frame.Number] = true
		}
	})
	words := strings.Split(expr, " ")
	for i, w := range words {
		if x := notWireshark[w]; x != "" {
			words[i] = x
		}
	}
	expr = strings.Join(words, " ")
	theirs := make(map[int64]bool)
	for _, line := range c.run(t, "-Y", "sip and ("+expr+")", "-T", "fields", "-e", "frame.number") {
		if n, err := strconv.ParseInt(line, 10, 64); err == nil {
			theirs[n] = true
		}
	}
	var only [2][]int64
	for n, same := range c.comparable {
		// Of a frame with several messages Wireshark takes the values together.
		if !same || c.messages[n] > 1 && !strings.Contains(expr, " contains ") && !strings.Contains(expr, " == ") || ours[n] == theirs[n] {
			continue
		}
		if c.messages[n] > 1 && strings.Contains(expr, "not ") || strings.Contains(expr, " == ") && c.messages[n] > 1 && strings.Contains(expr, " and ") {
			continue
		}
		i := 0
		if theirs[n] {
			i = 1
		}
		only[i] = append(only[i], n)
	}
	if len(only[0])+len(only[1]) > 0 {
		slices.Sort(only[0])
		slices.Sort(only[1])
		t.Errorf("%s: %s\n  only here: %s\n  only tshark: %s", c.name(), expr, some(only[0]), some(only[1]))
	}
}

func some(list []int64) string {
	if len(list) > 8 {
		return fmt.Sprintf("%v and %d more", list[:8], len(list)-8)
	}
	return fmt.Sprint(list)
}
