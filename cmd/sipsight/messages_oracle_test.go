package main

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/sipsight/sipsight/capture"
)

// An oracleMessage is a message as tshark sees it.
type oracleMessage struct {
	Frame         int64  `json:"frame"`
	Time          string `json:"time"`
	Src           string `json:"src"`
	SrcPort       int    `json:"src_port"`
	Dst           string `json:"dst"`
	DstPort       int    `json:"dst_port"`
	Transport     string `json:"transport"`
	Kind          string `json:"kind"`
	Method        string `json:"method"`
	RequestURI    string `json:"request_uri"`
	Status        int    `json:"status"`
	Reason        string `json:"reason"`
	CallID        string `json:"call_id"`
	CSeq          *int64 `json:"cseq"`
	CSeqMethod    string `json:"cseq_method"`
	FromTag       string `json:"from_tag"`
	ToTag         string `json:"to_tag"`
	UserAgent     string `json:"user_agent"`
	Server        string `json:"server"`
	ContentType   string `json:"content_type"`
	ContentLength *int64 `json:"content_length"`
	Vias          int    `json:"via_count"`
}

// differing says how many differences of each kind a capture may have, and why. Every one
// was looked at in the octets; docs/oracles.md tells it in full.
var differing = map[string]map[string]int{
	// Every message was hit by, or stands behind, a segment that was dropped: tshark gives up.
	"derived-drop-tcp-segmented.pcap": {"only here": 115},
	// Of two swapped segments with a message each, the first one captured completes its own.
	"derived-swap-tcp-refer.pcap": {"frame": 25, "time": 25},
	// The first packet is whole.
	"endian-mismatch-sip.pcap": {"only here": 1},
	// Tags with control characters, which are escaped here.
	"erspan-sip-udp.pcapng": {"to_tag": 6},
	// Fragments inside of two tunnels are put together in each of them.
	"ims-ipsec-register.pcapng": {"only here": 2},
	"volte-cooked.pcapng":       {"only here": 1},
	// HEP and what it reports are both there.
	"own-kamailio-register-proxy-hep3.pcapng": {"only here": 210},
	// The body of the INVITE goes on in one more segment, as its Content-Length says.
	"own-tcp-segmented.pcap": {"frame": 20, "time": 20},
	// Header fields of messages that are cut.
	"own-udp-snaplen-200.pcap": {"from_tag": 120, "via_count": 210},
}

// TestOracleMessages compares all messages of all shared captures, field by field, with what
// tshark says of them.
func TestOracleMessages(t *testing.T) {
	dir := sharedDir(t, "captures")
	files, err := filepath.Glob(filepath.Join(dir, "*.oracle.json"))
	if err != nil || len(files) < 100 {
		t.Fatalf("%d captures, %v", len(files), err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".oracle.json")
		t.Run(name, func(t *testing.T) {
			var oracle struct {
				Messages []oracleMessage `json:"messages"`
			}
			readJSON(t, file, &oracle)
			want := slices.DeleteFunc(oracle.Messages, func(m oracleMessage) bool { return m.Kind != "request" && m.Kind != "response" })
			got := linesOf(t, filepath.Join(dir, name))
			counts, examples := compareMessages(got, want)
			for kind, n := range counts {
				if n != differing[name][kind] {
					t.Errorf("%d differences in %q, known are %d: %s", n, kind, differing[name][kind], examples[kind])
				}
			}
			for kind, n := range differing[name] {
				if counts[kind] == 0 {
					t.Errorf("there is no difference in %q any more, known were %d", kind, n)
				}
			}
		})
	}
}

// compareMessages pairs messages that can be the same one, nearest frames first, and counts
// the differences in what is left and in each field.
func compareMessages(got []line, want []oracleMessage) (counts map[string]int, examples map[string]string) {
	counts, examples = map[string]int{}, map[string]string{}
	note := func(kind, format string, args ...any) {
		if counts[kind]++; counts[kind] == 1 {
			examples[kind] = fmt.Sprintf(format, args...)
		}
	}
	pool := map[string][]*line{}
	for i := range got {
		l := &got[i]
		k := fmt.Sprintf("%s %d %s %s %s:%d", l.Method, l.Status, l.CallID, number64(l.CSeqNumber), l.Src, l.SrcPort)
		pool[k] = append(pool[k], l)
	}
	take := func(w *oracleMessage, near int64) *line {
		k := fmt.Sprintf("%s %d %s %s %s:%d", w.Method, w.Status, w.CallID, number64(w.CSeq), w.Src, w.SrcPort)
		list := pool[k]
		i := slices.IndexFunc(list, func(l *line) bool { return max(l.Frame-w.Frame, w.Frame-l.Frame) <= near })
		if i < 0 {
			return nil
		}
		l := list[i]
		pool[k] = slices.Delete(list, i, i+1)
		return l
	}
	left := want
	for _, near := range []int64{0, 2, 1 << 40} {
		var rest []oracleMessage
		for i := range left {
			w := &left[i]
			if l := take(w, near); l != nil {
				l.compare(w, note)
			} else {
				rest = append(rest, *w)
			}
		}
		left = rest
	}
	for _, w := range left {
		note("only there", "%s%d in frame %d", w.Method, w.Status, w.Frame)
	}
	for _, list := range pool {
		for _, l := range list {
			note("only here", "%s%d in frame %d", l.Method, l.Status, l.Frame)
		}
	}
	return counts, examples
}

func number64(n *int64) string {
	if n == nil {
		return ""
	}
	return strconv.FormatInt(*n, 10)
}

// compare counts the fields in which a message differs.
func (l *line) compare(w *oracleMessage, note func(kind, format string, args ...any)) {
	same := func(kind string, got, want any) {
		if got != want {
			note(kind, "frame %d: %v, tshark %v", l.Frame, got, want)
		}
	}
	same("frame", l.Frame, w.Frame)
	same("time", l.Time.epoch(), nanoseconds(w.Time))
	same("dst", l.Dst, w.Dst)
	same("dst_port", l.DstPort, w.DstPort)
	same("transport", strings.ToLower(l.Transport), w.Transport)
	same("request_uri", l.RequestURI, w.RequestURI)
	same("reason", l.Reason, w.Reason)
	same("cseq_method", l.CSeqMethod, w.CSeqMethod)
	same("from_tag", l.FromTag, w.FromTag)
	same("to_tag", l.ToTag, w.ToTag)
	same("user_agent", l.UserAgent, w.UserAgent)
	same("server", l.Server, w.Server)
	same("content_type", l.ContentType, w.ContentType)
	same("content_length", number64(l.ContentLength), number64(w.ContentLength))
	same("via_count", l.Vias, w.Vias)
}

// TestDerivedCounts: captures that were made from others by what wires do hold the same
// messages.
func TestDerivedCounts(t *testing.T) {
	dir := sharedDir(t, "captures")
	for _, c := range []struct {
		pattern         string
		whole, cut, dup int
	}{
		{"derived-swap-tcp-*.pcap", 260, 0, 0},
		{"derived-*-udp-mixed.pcap", 470, 0, 0},
		{"own-kamailio-register-proxy-hep3.pcapng", 210, 0, 210},
		{"derived-drop-tcp-segmented.pcap", 104, 17, 0},
	} {
		files, err := filepath.Glob(filepath.Join(dir, c.pattern))
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %d files, %v", c.pattern, len(files), err)
		}
		for _, file := range files {
			whole, cut, dup := 0, 0, 0
			for _, l := range linesOf(t, file) {
				switch {
				case l.CopyOf != nil:
					dup++
				case l.Partial:
					cut++
				default:
					whole++
				}
			}
			if whole != c.whole || cut != c.cut || dup != c.dup {
				t.Errorf("%s: %d messages, %d cut, %d copies, want %d, %d and %d", filepath.Base(file), whole, cut, dup, c.whole, c.cut, c.dup)
			}
		}
	}
}

// TestDropped: where segments were dropped from a capture, every message is found whole but
// those that had octets in them.
func TestDropped(t *testing.T) {
	dir := sharedDir(t, "captures")
	before, after := filepath.Join(dir, "own-tcp-segmented.pcap"), filepath.Join(dir, "derived-drop-tcp-segmented.pcap")
	times, kept := packetTimes(t, before), map[int64]bool{}
	for _, at := range packetTimes(t, after) {
		kept[at] = true
	}
	found := map[string]int{}
	key := func(l *line) string {
		return fmt.Sprint(l.Method, l.Status, l.CallID, l.CSeq, l.SrcPort, l.BodyLength)
	}
	for _, l := range linesOf(t, after) {
		if !l.Partial {
			found[key(&l)]++
		}
	}
	hit := 0
	for _, l := range linesOf(t, before) {
		if slices.ContainsFunc(l.Frames, func(f int64) bool { return !kept[times[f-1]] }) {
			hit++
			continue
		}
		if found[key(&l)]--; found[key(&l)] < 0 {
			t.Errorf("%s%d %s of frames %v is missing", l.Method, l.Status, l.CallID, l.Frames)
		}
	}
	for k, n := range found {
		if n > 0 {
			t.Errorf("%s is found, and was hit", k)
		}
	}
	if hit != 36 {
		t.Errorf("%d messages were hit", hit)
	}
}

// packetTimes returns the times of the packets of a capture.
func packetTimes(t *testing.T, file string) (list []int64) {
	t.Helper()
	r, err := capture.Open(context.Background(), []string{file}, capture.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for {
		p, err := r.Next()
		if err == io.EOF {
			return list
		}
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, p.Time.UnixNano())
	}
}
