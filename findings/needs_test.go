package findings

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/capture"
	"github.com/sipsight/sipsight/internal/capgen"
)

// verdicts returns what each rule makes of a capture: how many legs it could apply to and fired on,
// and what it found. askAll asks every rule about every leg, whatever it needs,
// and without marks.
func verdicts(t *testing.T, pcap []byte, askAll bool) map[string]string {
	t.Helper()
	r, err := capture.NewReader(context.Background(), bytes.NewReader(pcap), capture.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	c := New()
	c.askAll = askAll
	res, err := analysis.Run(context.Background(), r, c.Options(analysis.Options{}))
	if err != nil {
		t.Fatal(err)
	}
	list := c.Finish(res)
	said := make(map[string]string)
	for id, x := range c.count {
		said[id] = fmt.Sprintf("applied to %d, fired on %v", x.applied, x.fired)
	}
	for _, f := range list {
		said[f.ID] += fmt.Sprintf("\n%v %v %v %s; %s; %s; %s; %s", f.Severity, f.Confidence, f.Frames, f.Observed, f.Expected, f.Because, f.CallID, f.AOR)
	}
	return said
}

// A spoiledCase is a capture that rules are asked about.
type spoiledCase struct {
	name string
	pcap []byte
}

// madeCaptures is how many captures of calls are made that no case has.
const madeCaptures = 1000

// manyPackets is how many a case has that is mostly media: what is lost of it at random says nothing of what legs show, and
// such cases spoiled were nine tenths of half a gigabyte.
const manyPackets = 500

// spoiledCases returns the cases of the rules, what is left of them where messages are lost, doubled
// or out of order, captures of programs, and made ones.
func spoiledCases(t *testing.T) (list []spoiledCase) {
	t.Helper()
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no cases", err)
	}
	rng := rand.New(rand.NewPCG(1, 2))
	for _, file := range files {
		text, calls := ladderOf(t, file)
		for _, l := range []capgen.Ladder{{}, {TCP: true}, {IPv6: true}} {
			l.Repeat(calls, 100)
			packets := l.Packets(text)
			name := fmt.Sprintf("%s (TCP %v, IPv6 %v)", filepath.Base(file), l.TCP, l.IPv6)
			list = append(list, spoiledCase{name, capgen.Pcap(packets)})
			spoils := 4
			switch {
			case l.TCP || len(packets) > manyPackets:
				spoils = 0
			case l.IPv6:
				spoils = 1
			}
			for range spoils {
				list = append(list, spoiledCase{name + ", spoiled", capgen.Pcap(spoiled(packets, rng))})
			}
		}
	}
	captures, err := filepath.Glob("../testdata/captures/*.pcap*")
	if err != nil || len(captures) == 0 {
		t.Fatal("no captures", err)
	}
	for _, name := range captures {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, spoiledCase{name, b})
	}
	for i := range madeCaptures {
		list = append(list, spoiledCase{fmt.Sprintf("capture %d that was made", i), madeCapture(rand.New(rand.NewPCG(7, uint64(i))))})
	}
	return list
}

// TestNeeds: what a rule needs hides nothing that it has to say. And the captures that this is
// tried with can tell: each rule that needs something says something else in one of them if it is
// never asked.
func TestNeeds(t *testing.T) {
	cases := spoiledCases(t)
	if testing.Short() { // one in sixteen, which is too few to tell for every rule
		n := 0
		cases = slices.DeleteFunc(cases, func(spoiledCase) bool { n++; return n%16 != 0 })
	}
	want := make([]map[string]string, len(cases))
	for i, x := range cases {
		want[i] = verdicts(t, x.pcap, true)
		got := verdicts(t, x.pcap, false)
		for id, w := range want[i] {
			if got[id] != w {
				t.Errorf("%s: what %s needs or counts by is wrong:\nasked about every leg it %s\notherwise it %s", x.name, id, w, got[id])
			}
		}
	}
	for _, r := range rules {
		if needs := r.needs; needs != 0 && !testing.Short() {
			r.needs = never
			tells := func(fires bool) bool {
				for i, x := range cases {
					if said := want[i][r.ID]; strings.Contains(said, "\n") == fires && verdicts(t, x.pcap, false)[r.ID] != said {
						return true
					}
				}
				return false
			}
			if !tells(true) && !tells(false) { // where it fires first: there most tell
				t.Errorf("nothing shows what %s needs", r.ID)
			}
			r.needs = needs
		}
	}
}

// never is a trait that no leg has.
const never traits = 1 << 63

// ladderOf returns the ladder of a case, and how many calls it makes.
func ladderOf(t *testing.T, file string) (text string, calls int) {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	calls = 1
	var ladder []string
	for line := range strings.SplitSeq(string(b), "\n") {
		switch key, value, _ := strings.Cut(line, ":"); key {
		case "want", "none", "also", "says", "ways", "gap":
		case "calls":
			fmt.Sscan(value, &calls)
		default:
			ladder = append(ladder, line)
		}
	}
	return strings.Join(ladder, "\n"), calls
}

// spoiled returns packets of which some are lost, some come twice, and some change places.
func spoiled(packets []capgen.Packet, rng *rand.Rand) []capgen.Packet {
	list := slices.Clone(packets)
	for range 1 + rng.IntN(3) {
		i := rng.IntN(len(list))
		switch rng.IntN(3) {
		case 0:
			if len(list) > 1 {
				list = slices.Delete(list, i, i+1)
			}
		case 1:
			again := list[i]
			again.Time = list[len(list)-1].Time
			list = append(list, again)
		case 2:
			j := rng.IntN(len(list))
			a, b := &list[i], &list[j]
			a.Data, a.Cut, b.Data, b.Cut = b.Data, b.Cut, a.Data, a.Cut
		}
	}
	return list
}
