package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// jsonLines decodes what the command prints, an object a line.
func jsonLines[T any](t *testing.T, args ...string) (list []T) {
	t.Helper()
	r := sipsight(t, args...)
	if r.code != exitOK {
		t.Fatalf("%v: %+v", args, r)
	}
	for line := range strings.Lines(r.out) {
		var x T
		if err := json.Unmarshal([]byte(line), &x); err != nil {
			t.Fatal(err)
		}
		list = append(list, x)
	}
	return list
}

// TestRelayedMedia holds what is measured to what the relay between the telephones said it did:
// testdata/README.md has how the captures were made, test/media does the same anew.
func TestRelayedMedia(t *testing.T) {
	captures(t)
	type stream struct {
		SSRC       string
		SentBy     string `json:"sent_by"`
		Packets    int
		Lost       int
		Reordered  int
		Duplicates int
		MaxDelta   float64 `json:"max_delta_ms"`
		Jitter     float64 `json:"mean_jitter_ms"`
	}
	type finding struct{ ID, Severity, Call string }
	for _, tt := range []struct {
		file    string
		streams []string // by SSRC: sender, packets, lost, reordered
		most    float64  // jitter, of all
		found   []string
	}{
		{"media-impaired.pcapng", []string{"0x000000b2 callee 170 0 0", "0x000000a1 caller 160 10 5"}, 6, nil},
		{"media-one-way.pcapng", []string{"0x000000b2 callee 170 0 0"}, 1, []string{"no-audio error call-1", "one-way-audio error call-2"}},
		{"media-hold.pcapng", []string{"0x000000c3 callee 25 0 0", "0x000000c3 caller 25 0 0", "0x000000a1 caller 170 0 0", "0x000000d4 callee 25 0 0", "0x000000d4 caller 25 0 0"}, 1, []string{"hold-state note call-1"}},
	} {
		var got, found []string
		for _, s := range jsonLines[stream](t, "streams", "--json", tt.file) {
			got = append(got, fmt.Sprintf("%s %s %d %d %d", s.SSRC, s.SentBy, s.Packets, s.Lost, s.Reordered))
			if s.Duplicates != 0 || s.Jitter > tt.most {
				t.Errorf("%s: %+v", tt.file, s)
			}
			// Up to 12 ms of delay at random are 3 to 6 ms of jitter, reordering included; four losses
			// in a row at most are a wait of under 120 ms.
			if s.Lost > 0 && (s.Jitter < 3 || s.MaxDelta < 40 || s.MaxDelta > 120) {
				t.Errorf("%s: %+v", tt.file, s)
			}
		}
		for _, f := range jsonLines[finding](t, "findings", "--json", tt.file) {
			found = append(found, f.ID+" "+f.Severity+" "+f.Call)
		}
		if !slices.Equal(got, tt.streams) {
			t.Errorf("%s: streams %q, want %q", tt.file, got, tt.streams)
		}
		if !slices.Equal(found, tt.found) {
			t.Errorf("%s: findings %q, want %q", tt.file, found, tt.found)
		}
	}
}
