package findings_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/capture"
	"github.com/sipsight/sipsight/findings"
	"github.com/sipsight/sipsight/internal/capgen"
)

// A sample is the capture of a case in testdata.
type sample struct {
	name    string
	packets []capgen.Packet
	sip     []int // those with a message
}

// samples returns the cases whose file names match and whose UDP form is meant.
func samples(t *testing.T, pattern string) []sample {
	return samplesOf(t, pattern, capgen.Ladder{})
}

// fewer returns all that a sweep goes through, or one in eight of it with -short: with the race detector, which wants each kind
// of work once and not a thousand captures of it, a sweep takes minutes.
func fewer[E any](list []E) []E {
	if !testing.Short() {
		return list
	}
	var some []E
	for i := 0; i < len(list); i += 8 {
		some = append(some, list[i])
	}
	return some
}

// samplesOf returns the cases whose file names match in the form that a ladder gives them.
func samplesOf(t *testing.T, pattern string, form capgen.Ladder) (list []sample) {
	files, err := filepath.Glob(filepath.Join("testdata", pattern))
	if err != nil || len(files) == 0 {
		t.Fatal("no cases", err)
	}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		l := form
		var text []string
		calls, gap := 1, 100.0
		for line := range strings.SplitSeq(string(b), "\n") {
			switch key, value, _ := strings.Cut(line, ":"); key {
			case "want", "none", "also", "says":
			case "ways":
				l.TCP = l.TCP || strings.Contains(value, "tcp-only")
			case "calls":
				fmt.Sscan(value, &calls)
			case "gap":
				fmt.Sscan(value, &gap)
			default:
				text = append(text, line)
			}
		}
		l.Repeat(calls, gap)
		s := sample{name: strings.TrimSuffix(filepath.Base(file), ".txt"), packets: l.Packets(strings.Join(text, "\n"))}
		for i := range s.packets {
			if strings.Contains(s.packets[i].Data, "SIP/2.0") {
				s.sip = append(s.sip, i)
			}
		}
		list = append(list, s)
	}
	return list
}

// told returns the findings of a capture, and the rules of those that are no notes; what is wrong with the capture itself is left out.
func told(t *testing.T, packets []capgen.Packet) (list []*findings.Finding, rules map[string]bool) {
	r, err := capture.NewReader(context.Background(), bytes.NewReader(capgen.Pcap(packets)), capture.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	c := findings.New()
	res, err := analysis.Run(context.Background(), r, c.Options(analysis.Options{Streams: true, NoNames: true}))
	if err != nil {
		t.Fatal(err)
	}
	list, rules = c.Finish(res), map[string]bool{}
	for _, f := range list {
		if f.Severity > findings.Note && f.ID != "capture-quality" {
			rules[f.ID] = true
		}
	}
	return list, rules
}

// without returns packets without those that a function drops.
func without(packets []capgen.Packet, drop func(i int, src, dst string) bool) (list []capgen.Packet) {
	for i, p := range packets {
		if !drop(i, p.Data[26:30], p.Data[30:34]) { // Ethernet and IPv4
			list = append(list, p)
		}
	}
	return list
}

// losses calls f with captures that lack packets of s: some, several in a row, all that go to a host or come from it, what comes
// before one and behind one.
func (s *sample) losses(rng *rand.Rand, f func(what string, p []capgen.Packet)) {
	const tries = 12
	for _, n := range []int{2, 3, 5} {
		for range tries {
			lost := map[int]bool{}
			for len(lost) < n {
				lost[s.sip[rng.IntN(len(s.sip))]] = true
			}
			f(fmt.Sprintf("%d packets", n), without(s.packets, func(i int, _, _ string) bool { return lost[i] }))
		}
	}
	for range 2 * tries {
		at, n := rng.IntN(len(s.packets)), 3+rng.IntN(8)
		f("several in a row", without(s.packets, func(i int, _, _ string) bool { return i >= at && i < at+n }))
	}
	hosts := map[string]bool{}
	for _, p := range s.packets {
		hosts[p.Data[26:30]] = true
	}
	for _, h := range slices.Sorted(maps.Keys(hosts)) {
		f("all to a host", without(s.packets, func(_ int, _, dst string) bool { return dst == h }))
		f("all from a host", without(s.packets, func(_ int, src, _ string) bool { return src == h }))
		f("all but to a host", without(s.packets, func(_ int, _, dst string) bool { return dst != h }))
		f("all but from a host", without(s.packets, func(_ int, src, _ string) bool { return src != h }))
	}
	for _, i := range s.sip {
		f("the beginning", s.packets[i:])
		f("the end", s.packets[:i+1])
	}
}

// disorders calls f with captures in which packets of s are there twice, not in their order, cut, or stamped by a clock that was set back.
func (s *sample) disorders(rng *rand.Rand, f func(what string, p []capgen.Packet)) {
	tap := "\x02\x00\x00\x00\x00\x07\x02\x00\x00\x00\x00\x08"
	for what, again := range map[string]func(string) string{
		"twice":              func(d string) string { return d },
		"twice, other MACs":  func(d string) string { return tap + d[12:] },
		"twice, in a VLAN":   func(d string) string { return d[:12] + "\x81\x00\x00\x07" + d[12:] },
		"twice, another hop": func(d string) string { return tap + lowerTTL(d[12:]) },
	} {
		var list []capgen.Packet
		for _, p := range s.packets {
			list = append(list, p)
			p.Time, p.Data = p.Time.Add(60*time.Microsecond), again(p.Data)
			list = append(list, p)
		}
		slices.SortStableFunc(list, func(a, b capgen.Packet) int { return a.Time.Compare(b.Time) })
		f(what, list)
	}
	for range 6 {
		list, at := slices.Clone(s.packets), map[string]time.Time{}
		for _, p := range list {
			at[p.Data] = p.Time.Add(time.Duration(rng.Int64N(int64(50 * time.Millisecond))))
		}
		slices.SortStableFunc(list, func(a, b capgen.Packet) int { return at[a.Data].Compare(at[b.Data]) })
		f("out of order", slices.Clone(list))
		for i := range list {
			list[i].Time = at[list[i].Data]
		}
		f("out of order, times as well", list)
	}
	for _, n := range []int{200, 300, 400} {
		list := slices.Clone(s.packets)
		for i := range list {
			list[i].Cut = max(0, len(list[i].Data)-n)
		}
		f(fmt.Sprintf("cut at %d", n), list)
	}
	list := slices.Clone(s.packets)
	for i := len(list) / 2; i < len(list); i++ {
		list[i].Time = list[i].Time.Add(-time.Hour)
	}
	f("the clock set back", list)
}

// lowerTTL returns an IPv4 packet behind its EtherType as a router passes it on.
func lowerTTL(d string) string {
	b := []byte(d)
	header := b[2:22]
	header[8]--
	header[10], header[11] = 0, 0
	sum := uint32(0)
	for i := 0; i < len(header); i += 2 {
		sum += uint32(binary.BigEndian.Uint16(header[i:]))
	}
	for sum>>16 != 0 {
		sum = sum&0xffff + sum>>16
	}
	binary.BigEndian.PutUint16(header[10:], ^uint16(sum))
	return string(b)
}

// falseAlarms are how often, of all damages below, a rule tells what is not so, since nothing that is left shows what is lost.
var falseAlarms = map[string]int{
	"cancel-no-487":        6, // the 487 and its ACK
	"overlapping-invite":   2, // the 200 to a re-INVITE and its ACK
	"offer-without-answer": 3, // likewise, and the reliable 183 and its PRACK
	"missing-ack-2xx":      1, // the ACK, the BYE and its 200
	"subscribe-silent":     2, // the NOTIFY and its 200
	"auth-ignored":         5, // the REGISTER with credentials, its 200, and what follows them
	"register-failed":      2, // the REGISTERs between, and what answers them
	"hold-state":           1, // the re-INVITE that resumes, and the called side hangs up
}

// TestDamagedHealthy: whatever a capture of a healthy call lacks, or in whatever order it is, that is no fault of the call.
func TestDamagedHealthy(t *testing.T) {
	t.Parallel()
	got := map[string]int{}
	for _, s := range samples(t, "healthy-*.txt") {
		rng := rand.New(rand.NewPCG(19, uint64(len(s.packets))))
		count := func(what string, p []capgen.Packet) {
			if len(p) == 0 {
				return
			}
			list, rules := told(t, p)
			for id := range rules {
				if got[id]++; got[id] > falseAlarms[id] {
					i := slices.IndexFunc(list, func(f *findings.Finding) bool { return f.ID == id })
					t.Errorf("%s (%s): %s %v: %s", s.name, what, id, list[i].Frames, list[i].Observed)
				}
			}
		}
		s.losses(rng, count)
		s.disorders(rng, count)
	}
	for id, n := range falseAlarms {
		if got[id] < n {
			t.Errorf("%s: %d false alarms, not %d: set it right", id, got[id], n)
		}
	}
}

// TestFaultsStay: a fault is found where the capture lacks any one packet that is no proof of it, nine times in ten.
func TestFaultsStay(t *testing.T) {
	t.Parallel()
	kept, all := 0, 0
	for n, s := range fewer(samples(t, "*.txt")) {
		list, rules := told(t, s.packets)
		if len(rules) == 0 {
			continue
		}
		lost := s.sip[:min(len(s.sip), 40)]
		for _, i := range lost {
			if (n+i)%2 == 0 { // of every case the half: of ten thousand captures as much can be told
				continue
			}
			_, still := told(t, without(s.packets, func(k int, _, _ string) bool { return k == i }))
			for id := range rules {
				if !slices.ContainsFunc(list, func(f *findings.Finding) bool {
					return f.ID == id && slices.ContainsFunc(f.Frames, func(x analysis.Frame) bool { return x.Number == int64(i+1) })
				}) {
					all++
					kept += map[bool]int{true: 1}[still[id]]
				}
			}
		}
	}
	if kept*10 < all*9 {
		t.Errorf("%d of %d findings stay", kept, all)
	}
	t.Logf("%d of %d findings stay", kept, all)
}
