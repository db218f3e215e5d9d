package main

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/sipsight/sipsight/analysis"
	"github.com/sipsight/sipsight/internal/report"
)

// TestMessagesSorted holds the order of messages by every key that has one value, against a sort of the records, and that
// --limit is of what is sorted.
func TestMessagesSorted(t *testing.T) {
	captures(t)
	files := []string{"udp-failures.pcapng", "long-headers.pcapng", "baresip-call.pcapng"}
	plain := strings.SplitAfter(sipsight(t, append([]string{"messages", "--json"}, files...)...).out, "\n")
	plain = plain[:len(plain)-1]
	keys := map[string]bool{}
	records := make([]map[string]any, len(plain))
	for i, line := range plain {
		if err := json.Unmarshal([]byte(line), &records[i]); err != nil {
			t.Fatal(err)
		}
		for key, v := range records[i] {
			if _, several := v.([]any); !several {
				keys[key] = true
			}
		}
	}
	for _, odd := range []string{"partial", "sanitised", "copy_of", "retransmission_of"} {
		delete(keys, odd)
	}
	if len(keys) < 25 || len(plain) < 60 {
		t.Fatalf("%d keys of %d messages", len(keys), len(plain))
	}
	for key := range keys {
		for _, sign := range []string{"", "-"} {
			order := make([]int, len(plain))
			for i := range order {
				order[i] = i
			}
			slices.SortStableFunc(order, func(i, j int) int {
				x, y := records[i][key], records[j][key]
				if x == nil || y == nil {
					return toInt(x == nil) - toInt(y == nil)
				}
				if sign == "-" {
					x, y = y, x
				}
				if n, is := x.(float64); is {
					return cmp.Compare(n, y.(float64))
				}
				if key == "frame" {
					return compareFrames(x.(string), y.(string))
				}
				return cmp.Compare(x.(string), y.(string))
			})
			var want strings.Builder
			for _, i := range order {
				want.WriteString(plain[i])
			}
			if got := sipsight(t, append([]string{"messages", "--json", "--sort", sign + key}, files...)...); got.out != want.String() || got.code != exitOK {
				t.Errorf("--sort %s%s: exit code %d, %s", sign, key, got.code, got.err)
			}
			few := strings.Join(strings.SplitAfter(want.String(), "\n")[:7], "")
			if got := sipsight(t, append([]string{"messages", "--json", "--limit", "7", "--sort", sign + key}, files...)...); got.out != few {
				t.Errorf("the first 7 of --sort %s%s are others", sign, key)
			}
		}
	}
}

func toInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

func compareFrames(x, y string) int {
	var a, b frameFlag
	a.Set(x)
	b.Set(y)
	return cmp.Or(cmp.Compare(a.file, b.file), cmp.Compare(a.frame, b.frame))
}

// TestSortedRoom holds that no more lines are kept than there is room for, that the first of a limit are the right ones all the
// same, and that what is left out is counted.
func TestSortedRoom(t *testing.T) {
	line := []byte(strings.Repeat("x", 100))
	ranks := make([]string, 1000)
	out := report.NewMessages(report.Options{})
	for i := range ranks {
		ranks[i] = out.Rank(&analysis.Message{Frame: analysis.Frame{Number: int64(1 + i*7919%1000)}}, "frame")
	}
	s := newSorted(&messageQuery{sort: "frame"}, 4*100*(100+30+64))
	for i := range ranks {
		s.add(ranks[i], line)
	}
	if len(s.rows) != 100 || s.leftOut != 900 || s.room < 0 {
		t.Errorf("%d lines in the room of 100, %d left out, %d octets left", len(s.rows), s.leftOut, s.room)
	}
	s = newSorted(&messageQuery{sort: "-frame", limit: 60}, 4*100*(100+30+64))
	for i := range ranks {
		s.add(ranks[i], line)
	}
	s.cut()
	first, last := out.Rank(&analysis.Message{Frame: analysis.Frame{Number: 1000}}, "frame"), out.Rank(&analysis.Message{Frame: analysis.Frame{Number: 941}}, "frame")
	if len(s.rows) != 60 || s.leftOut != 0 || s.rows[0].rank != first || s.rows[59].rank != last || s.room != 40*(100+30+64) {
		t.Errorf("%d lines, %d left out, from %v to %v, %d octets left", len(s.rows), s.leftOut, s.rows[0].rank, s.rows[59].rank, s.room)
	}
}
