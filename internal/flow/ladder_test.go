package flow_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/capture"
	"github.com/sipsight/sipsight/findings"
	"github.com/sipsight/sipsight/internal/capgen"
	"github.com/sipsight/sipsight/internal/flow"
	"github.com/sipsight/sipsight/internal/golden"
)

// A section of a golden is a line "-- words --" and what follows it.
type section struct {
	words []string
	text  string
}

// sections splits a golden; the first one has no words.
func sections(text string) []section {
	list := []section{{}}
	for line := range strings.Lines(text) {
		if head, ok := strings.CutPrefix(strings.TrimSpace(line), "-- "); ok && strings.HasSuffix(head, " --") {
			list = append(list, section{words: strings.Fields(strings.TrimSuffix(head, "--"))})
			continue
		}
		list[len(list)-1].text += line
	}
	return list
}

// An investigation is a capture that was analysed.
type investigation struct {
	res   *analysis.Result
	found []*findings.Finding
}

func investigate(t testing.TB, file string, stdin io.Reader) investigation {
	t.Helper()
	r, err := capture.Open(context.Background(), []string{file}, capture.Options{Stdin: stdin})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	c := findings.New()
	res, err := analysis.Run(context.Background(), r, c.Options(analysis.Options{Steps: true, Streams: true}))
	if err != nil {
		t.Fatal(err)
	}
	return investigation{res, slices.DeleteFunc(c.Finish(res), func(f *findings.Finding) bool { return !marked[f.ID] })}
}

// marked are the findings that goldens show. New rules should not change ladders.
var marked = map[string]bool{"no-100": true, "invite-no-response": true}

func ofLadder(t testing.TB, l *capgen.Ladder, text string) investigation {
	return investigate(t, "-", bytes.NewReader(l.Pcap(text)))
}

// TestLadders draws the calls of testdata/ladders. A golden is prose, a section "ladder"
// with words for package capgen or "capture FILE CALL", and sections with drawings of it.
func TestLadders(t *testing.T) {
	names := golden.Names(t, "testdata/ladders/*.txt")
	if len(names) < 12 {
		t.Fatal(len(names), "goldens")
	}
	golden.Play(t, names, redraw)
}

// redraw returns a golden with its drawings as they are today.
func redraw(t *testing.T, text string) string {
	var b strings.Builder
	var in investigation
	var bars []flow.Bar
	call := 1
	for _, s := range sections(text) {
		if s.words == nil {
			b.WriteString(s.text)
			continue
		}
		fmt.Fprintf(&b, "-- %s --\n", strings.Join(s.words, " "))
		switch s.words[0] {
		case "ladder":
			l := &capgen.Ladder{TCP: slices.Contains(s.words, "tcp"), IPv6: slices.Contains(s.words, "ipv6")}
			in = ofLadder(t, l, s.text)
		case "capture":
			in = investigate(t, "../../testdata/captures/"+s.words[1], nil)
			call, _ = strconv.Atoi(strings.TrimPrefix(s.words[2], "call-"))
		case "bars":
			bars = parseBars(t, s.text)
		default:
			b.WriteString(drawn(t, in, call, bars, s.words))
			continue
		}
		b.WriteString(s.text)
	}
	return b.String()
}

func parseBars(t *testing.T, text string) (list []flow.Bar) {
	for line := range strings.Lines(text) {
		words := strings.SplitN(strings.TrimSpace(line), " ", 4)
		at, err := strconv.ParseFloat(words[0], 64)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, flow.Bar{
			Time: capgen.Start.Add(time.Duration(at * float64(time.Second))),
			From: netip.MustParseAddrPort(words[1]), To: netip.MustParseAddrPort(words[2]), Label: words[3],
		})
	}
	return list
}

// drawn draws a call as the words of a section say.
func drawn(t *testing.T, in investigation, call int, bars []flow.Bar, words []string) string {
	o := flow.Options{Bars: bars}
	text := flow.TextOptions{ASCII: words[0] == "ascii"}
	for _, w := range words[1:] {
		n, isWidth := strings.CutPrefix(w, "width=")
		switch clock, isClock := flow.ParseClock(w); {
		case isClock:
			text.Clock = clock
		case isWidth:
			text.Width, _ = strconv.Atoi(n)
		case w == "ports":
			o.Ports = true
		default:
			if err := o.Names.Add(w); err != nil {
				t.Fatal(err)
			}
		}
	}
	if in.res.Calls.Len() < call {
		t.Fatalf("there are %d calls", in.res.Calls.Len())
	}
	calls := flow.With(&in.res.Calls, call, func(id int) *analysis.Call { return in.res.Calls.At(id - 1) })
	return string(flow.AppendText(nil, flow.New(calls[0], in.found, &o, calls[1:]...), &text))
}

// TestDocuments holds that the ladders of docs/flow.md and of the README are those that
// are drawn.
func TestDocuments(t *testing.T) {
	for file, names := range map[string][]string{
		"../../docs/flow.md": {"forked", "transferred", "b2bua", "never-answered"},
		"../../README.md":    {"capture-proxy"},
	} {
		doc, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			b, err := os.ReadFile("testdata/ladders/" + name + ".txt")
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range sections(string(b)) {
				if s.words == nil || s.words[0] != "text" {
					continue
				}
				var indented strings.Builder
				for line := range strings.Lines(s.text) {
					if line != "\n" {
						line = "    " + line
					}
					indented.WriteString(line)
				}
				if !strings.Contains(string(doc), indented.String()) {
					t.Errorf("%s does not show the ladder %s as it is drawn", file, name)
				}
			}
		}
	}
}
