package filter_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/capture"
	"github.com/sipsight/sipsight/internal/filter"
	"github.com/sipsight/sipsight/sipmsg"
)

// notWireshark are the fields that Wireshark does not have.
var notWireshark = map[string]string{"sip.Request": "sip.Request-Line", "sip.Response": "sip.Status-Line"}

// TestTshark compares which frames an expression selects with what tshark -Y selects, for
// every field and for values taken from the captures. tshark is run once an expression, so
// by itself the test takes a sample. SIPSIGHT_TSHARK=all takes everything on every capture but one of 9000 messages,
// SIPSIGHT_TSHARK=a,b on those whose names hold one of these; there sharkd, if it is
// installed, stands in for tshark: the same dissectors and filters in one process.
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
		return strings.HasSuffix(f, ".json") || strings.Contains(f, "branch-9000") && which == "all" || which != "all" && !slices.ContainsFunc(strings.Split(which, ","), func(s string) bool { return strings.Contains(filepath.Base(f), s) })
	})
	if len(files) == 0 {
		t.Fatal("there are no captures")
	}
	expressions := 0
	for i, f := range files {
		c := &captured{path: f, tshark: tshark}
		if c.read(t); len(c.messages) == 0 {
			continue
		}
		list := c.expressions(t, sample)
		switch {
		case sample || c.damaged:
			list = everyNth(list, i%5, len(list)/10)
		default:
			c.startSharkd(t)
		}
		c.compare(t, list)
		c.stop()
		t.Logf("%s: %d expressions", c.name(), len(list))
		expressions += len(list)
	}
	t.Logf("%d expressions on %d captures", expressions, len(files))
}

func everyNth(list []string, start, n int) (some []string) {
	for i := start; i < len(list); i += n {
		some = append(some, list[i])
	}
	return some
}

// A captured capture is one as both sides see it.
type captured struct {
	path, tshark string
	damaged      bool // sharkd waits for ever for the rest of such files
	sharkd       *sharkd
	messages     map[int64]int  // by frame, as we see it
	comparable   map[int64]bool // frames in which both see the same messages, outside of tunnels
	resend       map[int64]bool // frames of which each has its own idea whether they are sent again: copies, and 100 responses
}

func (c *captured) name() string { return filepath.Base(c.path) }

func (c *captured) each(t *testing.T, f func(m *analysis.Message)) {
	r, err := capture.Open(context.Background(), []string{c.path}, capture.Options{})
	if err != nil {
		return
	}
	defer r.Close()
	if _, err := analysis.Run(context.Background(), r, analysis.Options{Calls: true, Ordered: true, Message: func(m *analysis.Message) error { f(m); return nil }}); err != nil {
		t.Error(err)
	}
}

func (c *captured) run(t *testing.T, args ...string) []string {
	cmd := exec.Command(c.tshark, append([]string{"-n", "-r", c.path}, args...)...)
	cmd.Env = append(os.Environ(), "TZ=UTC")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	c.damaged = c.damaged || strings.Contains(stderr.String(), "cut short") || strings.Contains(stderr.String(), "damaged")
	if err != nil && len(out) == 0 && !c.damaged {
		t.Errorf("%s: tshark %q: %v\n%s", c.name(), args, err, stderr.String())
	}
	return strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
}

func (c *captured) read(t *testing.T) {
	c.messages, c.comparable, c.resend = make(map[int64]int), make(map[int64]bool), make(map[int64]bool)
	tunnel := make(map[int64]bool)
	c.each(t, func(m *analysis.Message) {
		c.messages[m.Frame.Number]++
		c.resend[m.Frame.Number] = m.IsCopy() || m.SIP.StatusCode == 100
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
		c.comparable[n] = theirs > 0 && theirs == c.messages[n] && !tunnel[n]
	}
}

var oddURI = regexp.MustCompile(`sips?:([^@\r\n]@|[^@\r\n]*@:)`)

// isOdd reports whether a header has what Wireshark is known to read differently, as
// docs/filters.md lists it: folded lines, whose line ends it keeps, blanks in front of the
// colon, with which it does not know the name, numbers with something behind them, and
// Reason without a cause, Via without parameters, lists of identities, users of one octet,
// hosts of none.
func isOdd(m *analysis.Message) bool {
	raw, base := m.SIP.Raw(), m.SIP.Offset()
	if oddURI.Match(raw) {
		return true
	}
	for f := range m.SIP.Fields() {
		if f.ID == sipmsg.RetryAfter {
			if _, ok := sipmsg.Number(f.Value); !ok {
				return true
			}
		}
		if (f.ID == sipmsg.PAssertedIdentity || f.ID == sipmsg.PPreferredIdentity) && bytes.IndexByte(f.Value, ',') >= 0 {
			return true
		}
		if f.ID == sipmsg.Via && bytes.IndexByte(f.Value, ';') < 0 {
			return true
		}
		if f.ID == sipmsg.Reason {
			if r := sipmsg.ParseReason(f.Value); !r.HasCause || bytes.Contains(f.Value, []byte(" ;")) {
				return true
			}
		}
		if colon := f.Off - base + len(f.Name); colon < len(raw) && raw[colon] != ':' || bytes.IndexByte(f.Value, '\n') >= 0 {
			return true
		}
	}
	return false
}

// expressions makes expressions with every field, from values that tshark shows.
func (c *captured) expressions(t *testing.T, sample bool) (list []string) {
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
		list = append(append(list, f.Name), formsOf(f, values[i])...)
	}
	if !sample {
		list = append(list, absent...)
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
	case filter.Bool:
		return []string{f.Name + " == true", f.Name + " != true"}
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

// theirs returns the frames that Wireshark selects.
func (c *captured) theirs(t *testing.T, expr string) map[int64]bool {
	frames := make(map[int64]bool)
	if c.sharkd != nil {
		var got struct {
			Result []struct{ Num int64 }
			Error  *struct{ Message string }
		}
		c.sharkd.call(t, "frames", map[string]any{"filter": expr}, &got)
		if got.Error != nil {
			t.Errorf("%s: sharkd refuses %s: %s", c.name(), expr, got.Error.Message)
		}
		for _, f := range got.Result {
			frames[f.Num] = true
		}
		return frames
	}
	for _, line := range c.run(t, "-Y", expr, "-T", "fields", "-e", "frame.number") {
		if n, err := strconv.ParseInt(line, 10, 64); err == nil {
			frames[n] = true
		}
	}
	return frames
}

// A sharkd is the daemon of Wireshark: a JSON-RPC request a line on its standard input.
type sharkd struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
}

// startSharkd loads the capture into sharkd, if that is installed.
func (c *captured) startSharkd(t *testing.T) {
	path, err := exec.LookPath("sharkd")
	if err != nil {
		return
	}
	s := &sharkd{cmd: exec.Command(path, "-")}
	s.cmd.Env = append(os.Environ(), "TZ=UTC")
	s.in, err = s.cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	s.out = bufio.NewReaderSize(out, 1<<20)
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	c.sharkd = s
	abs, err := filepath.Abs(c.path)
	if err != nil {
		t.Fatal(err)
	}
	s.call(t, "load", map[string]any{"file": abs}, new(any))
}

func (c *captured) stop() {
	if c.sharkd != nil {
		c.sharkd.in.Close()
		c.sharkd.cmd.Wait()
		c.sharkd = nil
	}
}

func (s *sharkd) call(t *testing.T, method string, params map[string]any, answer any) {
	b, err := json.Marshal(map[string]any{"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.in.Write(append(b, '\n')); err != nil {
		t.Fatal(err)
	}
	line, err := s.out.ReadBytes('\n')
	if err != nil {
		t.Fatal(err)
	}
	for len(bytes.TrimSpace(line)) == 0 {
		if line, err = s.out.ReadBytes('\n'); err != nil {
			t.Fatal(err)
		}
	}
	if err := json.Unmarshal(line, answer); err != nil {
		t.Fatalf("%v: %s", err, line)
	}
}

// compare compares all expressions. Ours are evaluated in one pass over the capture.
func (c *captured) compare(t *testing.T, list []string) {
	var filters []*filter.Filter[*analysis.Message]
	for _, expr := range list {
		f, err := filter.Messages().Parse(expr)
		if err != nil {
			t.Fatalf("%s: %s: %v", c.name(), expr, err)
		}
		f.Secrets = true
		filters = append(filters, f)
	}
	ours := make([]map[int64]bool, len(list))
	c.each(t, func(m *analysis.Message) {
		for i, f := range filters {
			if f.Match(m) {
				if ours[i] == nil {
					ours[i] = make(map[int64]bool)
				}
				ours[i][m.Frame.Number] = true
			}
		}
	})
	for i, expr := range list {
		c.compareOne(t, expr, ours[i])
	}
}

func (c *captured) compareOne(t *testing.T, expr string, ours map[int64]bool) {
	words := strings.Split(expr, " ")
	for i, w := range words {
		if x := notWireshark[w]; x != "" {
			words[i] = x
		}
	}
	theirs := c.theirs(t, "sip and ("+strings.Join(words, " ")+")")
	var only [2][]int64
	for n, same := range c.comparable {
		// Of a frame with several messages Wireshark takes the values together: then
		// only what asks for one value means the same.
		if !same || ours[n] == theirs[n] || c.resend[n] && strings.Contains(expr, "sip.resend") || c.messages[n] > 1 && strings.ContainsAny(expr, "!<>") || c.messages[n] > 1 && (strings.Contains(expr, "not ") || strings.Contains(expr, " and ") || strings.Contains(expr, "===")) {
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
