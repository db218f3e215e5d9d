package analysis_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/capture"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// TestSharedCalls compares the calls and registrations of captures of others with what was
// found by reading their messages one by one. The golden file holds no text of them: calls
// are known by their frames.
func TestSharedCalls(t *testing.T) {
	shared := os.Getenv("SIPSIGHT_SHARED")
	if shared == "" {
		t.Skip("SIPSIGHT_SHARED is not set: it names the folder with captures/")
	}
	const golden = "testdata/shared-calls.txt"
	data, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	for i, part := range strings.Split(string(data), "\n== ") {
		if i == 0 {
			out.WriteString(part)
			continue
		}
		name, rest, _ := strings.Cut(part, "\n")
		var prose, want strings.Builder
		for line := range strings.Lines(rest) {
			if strings.HasPrefix(line, "#") {
				prose.WriteString(line)
			} else if strings.TrimSpace(line) != "" {
				want.WriteString(line)
			}
		}
		got := sharedLines(t, filepath.Join(shared, "captures", name))
		if got != strings.TrimSuffix(want.String(), "\n")+"\n" && !*update {
			t.Errorf("%s:\ngot\n%swant\n%s", name, got, want.String())
		}
		fmt.Fprintf(&out, "\n== %s\n%s%s", name, prose.String(), got)
	}
	if *update {
		if err := os.WriteFile(golden, []byte(out.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// sharedLines describes the calls and registrations of a capture.
func sharedLines(t *testing.T, path string) string {
	r, err := capture.Open(context.Background(), []string{path}, capture.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	res, err := analysis.Run(context.Background(), r, analysis.Options{Calls: true})
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for c := range res.Calls.All() {
		for i, l := range c.Legs {
			if i == 0 {
				fmt.Fprintf(&b, "call-%d", c.ID)
			} else {
				fmt.Fprintf(&b, "  + leg %d", i+1)
			}
			b.WriteString(" " + sharedLeg(l) + "\n")
			for _, j := range l.Joins {
				fmt.Fprintf(&b, "    joined %d %s\n", j.Score, strings.Join(j.Reason, " "))
			}
		}
	}
	for i := range res.Registrations.Len() {
		g := res.Registrations.At(i)
		fmt.Fprintf(&b, "registration-%d %s", i+1, g.Outcome)
		if g.Status != 0 {
			fmt.Fprintf(&b, " %d", g.Status)
		}
		fmt.Fprintf(&b, " frames %d-%d tries %d challenges %d refreshes %d failures %d messages %d", g.First.Number, g.LastFrame.Number, g.Attempts, g.Challenges, g.Refreshes, g.Failures, g.Messages)
		for _, k := range g.Contacts {
			fmt.Fprintf(&b, " granted %d", k.Granted)
		}
		b.WriteString("\n")
	}
	return b.String()
}

func sharedLeg(l *analysis.Leg) string {
	s := l.State.String()
	if l.FinalStatus != 0 {
		s += " " + strconv.Itoa(l.FinalStatus)
	}
	if l.EndedBy != analysis.NoParty {
		s += " by " + l.EndedBy.String()
	}
	s += fmt.Sprintf(" frames %d-%d messages %d", l.First.Number, l.LastFrame.Number, l.Messages)
	if l.Retransmissions > 0 {
		s += fmt.Sprintf(" again %d", l.Retransmissions)
	}
	if l.Attempts > 1 {
		s += fmt.Sprintf(" attempts %d", l.Attempts)
	}
	for _, x := range []struct {
		name string
		f    func() (time.Duration, bool)
	}{{"pdd", l.PostDialDelay}, {"ring", l.RingTime}, {"setup", l.SetupTime}, {"talk", l.TalkTime}} {
		if d, ok := x.f(); ok {
			s += fmt.Sprintf(" %s %.3f", x.name, d.Seconds())
		}
	}
	for _, d := range l.Dialogs {
		s += " dialog " + d.State.String()
	}
	for _, x := range l.Transfers {
		s += fmt.Sprintf(" transfer by %v frame %d %d %d", x.By, x.Frame.Number, x.Status, x.Result)
	}
	for _, x := range []struct {
		name string
		set  bool
	}{{"forked", l.Forked}, {"early-media", l.EarlyMedia}, {"running", l.Running}, {"unfinished", l.Unfinished}, {"2xx-unseen", l.AnswerUnseen}} {
		if x.set {
			s += " " + x.name
		}
	}
	return s
}
